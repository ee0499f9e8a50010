package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kith"
	"kith/servertest"
	syncer "kith/sync"
)

func TestInitToExplain(t *testing.T) {
	// The way of a new user: init, import, sync, list, explain.
	server := servertest.Dovecot(t)
	date := time.Now().Add(-time.Hour)
	server.Deliver(t, servertest.Alice, "INBOX", date, "", letterText("1@client.test", "Ann <ann@client.test>", "alice@example.test", "offer", date))
	server.Deliver(t, servertest.Alice, "INBOX", date, "", letterText("2@other.test", "Bo <bo@other.test>", "alice@example.test", "stranger", date))
	server.Deliver(t, servertest.Alice, "Junk", date, "", letterText("3@spam.test", "Bo <bo@spam.test>", "alice@example.test", "spam", date))
	server.Unchanged(t, servertest.Alice)

	s := &site{t: t, dir: t.TempDir(), env: map[string]string{}}
	s.write("password", servertest.Password+"\n")
	// The TLS certificate is in the name of localhost and 127.0.0.1.
	s.must("init", "--address", "Alice@Example.test", "--url", server.URL("imaps"), "--ca-file", server.CAFile,
		"--password-file", s.path("password"), "--output", s.path("kith.toml"))
	if info, err := os.Stat(s.path("kith.toml")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the configuration: %v, %v; want it private", info, err)
	}
	if code, _, stderr := s.run("init", "--address", "a@b.test", "--output", s.path("kith.toml")); code != exitConflict {
		t.Errorf("a second init: exit code %d, %s; want a conflict", code, stderr)
	}
	s.must("config", "check", "--online")
	s.importContacts("name,email\nAnn Doe,ann@client.test\n")
	if got := s.sync(); got.New != 1 || got.Skipped[kith.ReasonNoContact] != 1 {
		t.Fatalf("sync: %+v", got)
	}

	explain := func(id string) syncer.Explanation {
		t.Helper()
		return jsonLinesOf[syncer.Explanation](t, s.must("--json", "explain", id))[0]
	}
	skipped := explain("<2@other.test>")
	if skipped.Outcome != "skipped" || skipped.Reason != kith.ReasonNoContact || len(skipped.Steps) < 3 {
		t.Errorf("a stranger's letter: %+v", skipped)
	}
	recorded := explain("1@client.test")
	if recorded.Outcome != "recorded" || recorded.Interaction == nil {
		t.Errorf("Ann's letter: %+v", recorded)
	}
	if again := explain(recorded.ID); again.Interaction == nil || *again.Interaction != *recorded.Interaction {
		t.Errorf("by its place: %+v", again)
	}
	// H11 what lies in Junk is not even looked at.
	if code, _, stderr := s.run("explain", "<3@spam.test>"); code != exitNotFound || !strings.Contains(stderr, "INBOX") {
		t.Errorf("spam: exit code %d, %s; want that it was not found, and where it was looked for", code, stderr)
	}
	if len(s.interactions()) != 1 {
		t.Error("explain wrote into the register")
	}
}

func TestInitRefusals(t *testing.T) {
	server := servertest.Dovecot(t)
	for _, tt := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"no address", []string{"--address", "nobody"}, exitUsage, "no e-mail address"},
		{"nobody to ask", nil, exitUsage, "nobody answers"},
		{"no such password file", []string{"--address", "alice@example.test", "--password-file", "missing"}, exitUsage, "missing"},
		{"wrong password", []string{"--address", "alice@example.test", "--url", server.URL("imap"), "--password-file", "wrong"}, exitFailed, "refused the login"},
		{"E26 unknown certificate authority", []string{"--address", "alice@example.test", "--url", server.URL("imaps"), "--password-file", "right"}, exitFailed, "certificate"},
		{"nobody listens", []string{"--address", "alice@example.test", "--url", "imap://127.0.0.1:1", "--password-file", "right"}, exitFailed, "refused"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := &site{t: t, dir: t.TempDir(), env: map[string]string{}}
			s.write("wrong", "wrong\n")
			s.write("right", servertest.Password+"\n")
			args := []string{"init", "--output", s.path("kith.toml")}
			for _, arg := range tt.args {
				if arg == "wrong" || arg == "right" || arg == "missing" {
					arg = s.path(arg)
				}
				args = append(args, arg)
			}
			code, _, stderr := s.run(args...)
			if code != tt.code || !strings.Contains(stderr, tt.says) {
				t.Errorf("exit code %d, want %d; it says %q, want %q in it", code, tt.code, stderr, tt.says)
			}
			if files, _ := filepath.Glob(s.path("kith*")); len(files) > 0 {
				t.Errorf("it left %v", files)
			}
		})
	}
}

func TestDryRun(t *testing.T) {
	// I24 it tells what would be, and writes nothing, here or there.
	server := servertest.Dovecot(t)
	date := time.Now().Add(-time.Hour)
	server.Deliver(t, servertest.Alice, "INBOX", date, "", letterText("1@client.test", "Ann <ann@client.test>", "alice@example.test", "offer", date))
	server.Deliver(t, servertest.Alice, "INBOX", date, "", letterText("2@other.test", "Bo <bo@other.test>", "alice@example.test", "stranger", date))
	server.Unchanged(t, servertest.Alice)
	s := newSite(t, server, "", "")
	s.importContacts("name,email\nAnn Doe,ann@client.test\n")
	rows := jsonLinesOf[dryRow](t, s.must("--json", "sync", "--dry-run"))
	outcomes := map[string]kith.Reason{}
	for _, row := range rows {
		outcomes[row.Outcome] = row.Reason
	}
	if len(rows) != 2 || outcomes["skip"] != kith.ReasonNoContact || outcomes["record"] != "" {
		t.Errorf("dry run: %+v", rows)
	}
	if n := len(s.interactions()); n != 0 {
		t.Errorf("it recorded %d", n)
	}
	if got := s.sync(); got.New != 1 {
		t.Errorf("the run after it: %+v", got)
	}
}
