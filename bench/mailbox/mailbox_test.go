package main

import (
	"bytes"
	"io"
	"io/fs"
	"mime"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func testBox() *mailbox {
	end := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	return &mailbox{seed: 1, total: 3000, start: end.AddDate(-2, 0, 0), end: end}
}

func TestMessagesAreReadableAndMixed(t *testing.T) {
	box := testBox()
	w := newWriter(box)
	var replies, lists, automatic, attached, encodedNames, bytesWritten int
	ids := map[string]bool{}
	last := time.Time{}
	for n := range box.total + 20 {
		p := box.plan(n)
		raw := w.message(p)
		bytesWritten += len(raw)
		msg, err := mail.ReadMessage(bytes.NewReader(raw))
		if err != nil {
			t.Fatalf("message %d: %v", n, err)
		}
		h := msg.Header
		for _, field := range []string{"From", "To", "Cc"} {
			if field == "Cc" && h.Get(field) == "" {
				continue
			}
			if _, err := h.AddressList(field); err != nil {
				t.Errorf("message %d: %s: %q: %v", n, field, h.Get(field), err)
			}
		}
		id := h.Get("Message-ID")
		if id == "" || ids[id] {
			t.Errorf("message %d: the Message-ID %q is empty or not unique", n, id)
		}
		ids[id] = true
		if refs := strings.Fields(h.Get("References")); len(refs) > 0 {
			replies++
			if refs[len(refs)-1] != h.Get("In-Reply-To") {
				t.Errorf("message %d: References end with another id than In-Reply-To", n)
			}
			for _, ref := range refs {
				if !ids[ref] {
					t.Errorf("message %d: refers to %s, which is no earlier message", n, ref)
				}
			}
		}
		if date, err := h.Date(); err != nil || date.Before(last) || date.Before(box.start) {
			t.Errorf("message %d: date %v after %v, error %v", n, date, last, err)
		} else {
			last = date
		}
		mediaType, _, err := mime.ParseMediaType(h.Get("Content-Type"))
		if err != nil {
			t.Errorf("message %d: %v", n, err)
		}
		if body, err := io.ReadAll(msg.Body); err != nil || len(body) == 0 {
			t.Errorf("message %d: %d bytes of body, error %v", n, len(body), err)
		}
		count(&attached, mediaType == "multipart/mixed")
		count(&lists, h.Get("Precedence") == "bulk")
		count(&automatic, h.Get("Auto-Submitted") != "")
		count(&encodedNames, strings.HasPrefix(h.Get("From"), "=?"))
	}
	for _, share := range []struct {
		what              string
		n, least, highest int // of a hundred
	}{
		{"replies", replies, 40, 60},
		{"newsletters", lists, 3, 8},
		{"automatic replies", automatic, 1, 3},
		{"attachments", attached, 7, 13},
		{"names that are encoded", encodedNames, 10, 60},
	} {
		if percent := share.n * 100 / box.total; percent < share.least || percent > share.highest {
			t.Errorf("%d of 100 messages are %s, want %d to %d", percent, share.what, share.least, share.highest)
		}
	}
	if average := bytesWritten / box.total; average < 5000 || average > 7000 {
		t.Errorf("messages have %d bytes on average, want about 6,000", average)
	}
}

func count(n *int, is bool) {
	if is {
		*n++
	}
}

func TestTheSameMailboxIsWrittenAgain(t *testing.T) {
	write2 := func() map[string]string {
		dir := t.TempDir()
		m := &maildir{dir: dir, uid: -1, gid: -1}
		for _, folder := range []string{"", ".Sent"} {
			if err := m.make(folder); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := write(testBox(), m, 0, 300, false); err != nil {
			t.Fatal(err)
		}
		if _, err := write(testBox(), m, 3000, 12, true); err != nil {
			t.Fatal(err)
		}
		files := map[string]string{}
		err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			info, err := entry.Info()
			if err != nil {
				return err
			}
			content, err := os.ReadFile(path)
			files[strings.TrimPrefix(path, dir)] = info.ModTime().UTC().String() + "\n" + string(content)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return files
	}
	first, second := write2(), write2()
	if len(first) != 312 {
		t.Fatalf("%d files, want 312", len(first))
	}
	folders := map[string]int{}
	for name, content := range first {
		if second[name] != content {
			t.Errorf("%s differs", name)
		}
		folders[filepath.Dir(name)]++
	}
	if folders["/cur"] != 250 || folders["/.Sent/cur"] != 52 || folders["/new"] != 10 {
		t.Errorf("folders %v, want 250 in INBOX, 50 and 2 in Sent, 10 new ones", folders)
	}
}

func TestSixInTenCorrespondentsAreContacts(t *testing.T) {
	addresses := map[string]bool{}
	n := 0
	for c, err := range testBox().contacts() {
		if err != nil {
			t.Fatal(err)
		}
		n++
		for _, address := range c.Emails {
			if addresses[address] {
				t.Errorf("two contacts have the address %s", address)
			}
			addresses[address] = true
		}
	}
	if percent := n * 100 / correspondents; percent < 58 || percent > 62 {
		t.Errorf("%d of 100 correspondents are contacts, want 60", percent)
	}
}
