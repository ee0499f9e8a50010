package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kith/servertest"
)

// corpora returns the folder of real mail written by others.
func corpora(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("KITH_CORPORA")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "shared", "corpora")
	}
	if _, err := os.Stat(dir); err != nil {
		t.Skipf("needs the corpora of real mail: set KITH_CORPORA to their folder (%v)", err)
	}
	return dir
}

func TestCorporaOverIMAP(t *testing.T) {
	// A23 and the like: every file of the corpora that is mail, as a server shows it, gets an outcome.
	dir := corpora(t)
	server := servertest.Dovecot(t)
	n := 0
	received := time.Now().AddDate(0, -1, 0)
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch strings.ToLower(filepath.Ext(path)) {
		case ".eml", ".msg", ".raw":
		default:
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		// A mail store has CRLF; what these files have was lost on their way here.
		data = bytes.ReplaceAll(bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n")), []byte("\n"), []byte("\r\n"))
		server.Deliver(t, servertest.Alice, "INBOX", received, "", data)
		n++
		return nil
	})
	if err != nil || n < 200 {
		t.Fatalf("%d files of mail in %s, %v", n, dir, err)
	}
	server.Unchanged(t, servertest.Alice)
	for _, unmatched := range []string{"nobody", "everybody"} {
		t.Run("where "+unmatched+" is a contact", func(t *testing.T) {
			s := newSite(t, server, `
[policy]
bulk = "record"
body = "snippet"
`, "")
			if unmatched == "everybody" {
				s.importContacts(everybody(t, dir))
			}
			got := s.sync()
			skipped := 0
			for _, count := range got.Skipped {
				skipped += count
			}
			if got.New+got.Known+skipped+got.Quarantined != n {
				t.Errorf("%d files, but %d outcomes: %+v", n, got.New+got.Known+skipped+got.Quarantined, got)
			}
			t.Logf("%d files: %+v", n, got)
			if unmatched == "everybody" && got.New < n/3 {
				t.Errorf("only %d of %d are recorded although everybody is a contact", got.New, n)
			}
			for _, i := range s.interactions() {
				if strings.ContainsAny(i.Subject, "\x00\r\n") {
					t.Errorf("A13 A15 %s: subject with a control character: %q", i.ID, i.Subject)
				}
			}
		})
	}
}

// everybody returns a contact for each address that inspect finds.
func everybody(t testing.TB, dir string) string {
	t.Helper()
	seen := map[string]bool{}
	csv := "name,email\n"
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		switch strings.ToLower(filepath.Ext(path)) {
		case ".eml", ".msg", ".raw":
		default:
			return nil
		}
		found, _, err := inspectFile(path, time.Time{}, time.Time{})
		if err != nil || found.Message == nil {
			return err
		}
		for _, from := range found.Message.From {
			if !seen[from.Address] && strings.Contains(from.Address, "@") {
				seen[from.Address] = true
				csv += "Somebody," + from.Address + "\n"
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return csv
}
