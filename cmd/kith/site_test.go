package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kith"
	"kith/demo"
	"kith/servertest"
)

// site is an installation of kith in a folder of its own: a configuration, a
// database, and the commands run on them as a person would.
type site struct {
	t     testing.TB
	dir   string
	env   map[string]string
	start time.Time    // what its clock says, before ahead; zero: what ours says
	ahead atomic.Int64 // nanoseconds that its clock was put forward
}

// newSite writes a configuration with Alice's mailbox on a server. more goes
// to the top of the file, and account to the end of the account.
func newSite(t testing.TB, server *servertest.DovecotServer, more, account string) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), env: map[string]string{}}
	s.write("alice.password", servertest.Password+"\n")
	if !strings.Contains(more, "[policy]") { // what the sample mailbox invites to is tested elsewhere
		more += "\n[policy]\ninvitations = \"off\"\n"
	}
	s.write("kith.toml", fmt.Sprintf(`
database = "sqlite://%s"
since = "1100d"
own_domains = ["example.test"]
time_zone = "UTC"
%s
[[account]]
name = "alice-mail"
kind = "imap"
schedule = "@every 1s"
owner = %q
addresses = [%q, %q]
url = %q
username = %q
password_file = "alice.password"
%s
`, filepath.Join(s.dir, "kith.db"), more, demo.Owner, demo.Owner, demo.Alias, server.URL("imap"), servertest.Alice, account))
	return s
}

// now is the time on the site's clock.
func (s *site) now() time.Time {
	now := s.start
	if now.IsZero() {
		now = clock()
	}
	return now.Add(time.Duration(s.ahead.Load()))
}

// wait puts the site's clock forward.
func (s *site) wait(d time.Duration) { s.ahead.Add(int64(d)) }

func (s *site) path(name string) string { return filepath.Join(s.dir, name) }

func (s *site) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// run runs a command and returns its exit code and what it printed.
func (s *site) run(args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	var out, errs bytes.Buffer
	code = s.runTo(s.t.Context(), &out, &errs, args...)
	return code, out.String(), errs.String()
}

// runTo is run, for commands that are looked at while they run.
func (s *site) runTo(ctx context.Context, stdout, stderr io.Writer, args ...string) (code int) {
	args = append([]string{"--config", s.path("kith.toml")}, args...)
	return run(ctx, args, strings.NewReader(""), stdout, stderr, func(name string) string { return s.env[name] }, s.now)
}

// must runs a command that has to end well, and returns what it printed.
func (s *site) must(args ...string) string {
	s.t.Helper()
	code, stdout, stderr := s.run(args...)
	if code != exitDone {
		s.t.Fatalf("kith %s: exit code %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}

// importContacts takes in a CSV file.
func (s *site) importContacts(csv string) {
	s.t.Helper()
	s.write("contacts.csv", csv)
	s.must("contacts", "import", s.path("contacts.csv"))
}

// interactions returns the register.
func (s *site) interactions(filter ...string) []kith.Interaction {
	s.t.Helper()
	return jsonLinesOf[kith.Interaction](s.t, s.must(append([]string{"--json", "interactions", "list"}, filter...)...))
}

func jsonLinesOf[T any](t testing.TB, text string) []T {
	t.Helper()
	var all []T
	dec := json.NewDecoder(strings.NewReader(text))
	for dec.More() {
		var one T
		if err := dec.Decode(&one); err != nil {
			t.Fatalf("%v in %q", err, text)
		}
		all = append(all, one)
	}
	return all
}

// sync polls all accounts once and returns the result of the first.
func (s *site) sync(flags ...string) syncResult {
	s.t.Helper()
	results := jsonLinesOf[syncResult](s.t, s.must(append([]string{"--json", "sync"}, flags...)...))
	if len(results) == 0 {
		s.t.Fatal("kith sync told of no account")
	}
	return results[0]
}

// deliver puts messages into Alice's mailbox.
func deliver(t testing.TB, server *servertest.DovecotServer, mailbox demo.Mailbox) {
	t.Helper()
	for _, folder := range mailbox.Folders {
		for _, m := range folder.Messages {
			flags := make([]string, len(m.Flags))
			for i, flag := range m.Flags {
				flags[i] = string(flag)
			}
			server.Deliver(t, servertest.Alice, folder.Name, m.Received, strings.Join(flags, " "), m.Raw)
		}
	}
}

// letterText is a plain message as a mail program writes it.
func letterText(id, from, to, subject string, date time.Time) []byte {
	return fmt.Appendf(nil, "Message-ID: <%s>\r\nDate: %s\r\nFrom: %s\r\nTo: %s\r\nSubject: %s\r\n\r\nHello,\r\nthis is the text.\r\n",
		id, date.Format(time.RFC1123Z), from, to, subject)
}
