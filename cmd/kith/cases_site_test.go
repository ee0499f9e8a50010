package main

import (
	"cmp"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"kith"
	"kith/servertest"
	"kith/store/postgres"
)

// mailServer has the mailboxes of all cases.
type mailServer struct {
	*servertest.DovecotServer
	free     chan string               // users whose mailbox was not used so far
	database func(t testing.TB) string // the URL of an empty register; "": a file beside the configuration
}

// on returns the server for cases whose register is somewhere else.
func (m *mailServer) on(database func(testing.TB) string) *mailServer {
	return &mailServer{DovecotServer: m.DovecotServer, free: m.free, database: database}
}

// sharedRegister makes an empty register in PostgreSQL.
func sharedRegister(t testing.TB) string {
	t.Helper()
	return servertest.PreparedPostgres(t, func(url string) {
		st, err := postgres.Open(t.Context(), url, postgres.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := st.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

const mailboxes = 600

func newMailServer(t *testing.T) *mailServer {
	t.Helper()
	m := &mailServer{free: make(chan string, mailboxes)}
	users := make([]string, mailboxes)
	for i := range users {
		user := fmt.Sprintf("box%03d", i)
		users[i] = user + ":" + servertest.Password
		m.free <- user
	}
	m.DovecotServer = servertest.Dovecot(t, servertest.DovecotOptions{Users: users})
	return m
}

// sent returns how many bytes the server has sent to a user in that many sessions,
// or more.
func (m *mailServer) sent(t testing.TB, user string, sessions int) (bytes int) {
	t.Helper()
	logout := regexp.MustCompile(`imap\(` + user + `\).* out=(\d+) `)
	eventually(t, "the server notes the logouts", func() bool {
		bytes = 0
		found := logout.FindAllStringSubmatch(m.Log(t), -1)
		for _, session := range found {
			bytes += atoi(t, session[1])
		}
		return len(found) >= sessions
	})
	return bytes
}

// caseSite is a register with mailboxes of its own.
type caseSite struct {
	*site
	server   *mailServer
	database string            // the register's URL
	url      string            // of the accounts' server
	users    map[string]string // the user whose mailbox an account reads
}

// open makes the register of a case and delivers the case's mail.
func (m *mailServer) open(t *testing.T, c hardCase) *caseSite {
	t.Helper()
	users := map[string]string{"alice": <-m.free}
	for _, who := range c.others {
		users[who.name] = <-m.free
	}
	database := ""
	if m.database != nil {
		database = m.database(t)
	}
	s := newCaseSiteOn(t, c, database, m.URL("imap"), users)
	s.server = m
	for _, msg := range c.mail {
		s.deliver(msg)
	}
	return s
}

// newCaseSite makes the register of a case, for accounts of these users on the
// server at a URL.
func newCaseSite(t *testing.T, c hardCase, url string, users map[string]string) *caseSite {
	t.Helper()
	return newCaseSiteOn(t, c, "", url, users)
}

// newCaseSiteOn is newCaseSite with the URL of an empty register.
func newCaseSiteOn(t *testing.T, c hardCase, database, url string, users map[string]string) *caseSite {
	t.Helper()
	s := &caseSite{site: &site{t: t, dir: t.TempDir(), env: map[string]string{}}, database: database, url: url, users: users}
	if database == "" {
		s.database = "sqlite://" + s.path("kith.db")
	}
	s.write("password", servertest.Password+"\n")
	s.configure(c)
	contacts := cmp.Or(c.contacts, "Ann Doe,ann@client.test")
	if !strings.Contains(contacts, "name,email\n") {
		contacts = "name,email\n" + contacts
	}
	s.importContacts(contacts + "\n")
	return s
}

// configure writes the configuration of a case, again if need be.
func (s *caseSite) configure(c hardCase) {
	s.t.Helper()
	alice := colleague{name: "alice", addresses: []string{"alice@example.test", "alice@alias.test"}, lines: c.account}
	toml := fmt.Sprintf("database = %q\nown_domains = [\"example.test\"]\ntime_zone = \"UTC\"\n%s\n", s.database, c.top)
	if !strings.Contains(c.top, "since") {
		toml = "since = \"2000-01-01\"\n" + toml
	}
	toml += "[policy]\n" + c.policy + "\n"
	for _, who := range append([]colleague{alice}, c.others...) {
		toml += fmt.Sprintf("[[account]]\nname = %q\nkind = \"imap\"\nowner = %q\naddresses = [\"%s\"]\nusername = %q\n",
			who.name, who.addresses[0], strings.Join(who.addresses, `", "`), s.users[who.name])
		if !strings.Contains(who.lines, "password_file") {
			toml += "password_file = \"password\"\n"
		}
		if !strings.Contains(who.lines, "url") {
			toml += fmt.Sprintf("url = %q\n", s.url)
		}
		toml += who.lines + "\n"
	}
	s.write("kith.toml", toml)
}

// deliver puts a message into a mailbox.
func (s *caseSite) deliver(msg mail) {
	s.t.Helper()
	if msg.at.IsZero() {
		msg.at = arrived
	}
	raw := strings.ReplaceAll(msg.raw, "\n", "\r\n")
	s.server.Deliver(s.t, s.users[cmp.Or(msg.of, "alice")], cmp.Or(msg.in, "INBOX"), msg.at, msg.flags, []byte(raw))
}

// unchanged asserts E25 for all mailboxes of the site.
func (s *caseSite) unchanged() {
	s.t.Helper()
	for _, user := range s.users {
		s.server.Unchanged(s.t, user)
	}
}

// poll polls all accounts once and adds their results up.
func (s *caseSite) poll(flags ...string) syncResult {
	s.t.Helper()
	sum := syncResult{Skipped: map[kith.Reason]int{}}
	for _, r := range jsonLinesOf[syncResult](s.t, s.must(append([]string{"--json", "sync"}, flags...)...)) {
		sum.Items += r.Items
		sum.New += r.New
		sum.Known += r.Known
		sum.Quarantined += r.Quarantined
		for reason, n := range r.Skipped {
			sum.Skipped[reason] += n
		}
	}
	outcomes := sum.New + sum.Known + sum.Quarantined
	for _, n := range sum.Skipped {
		outcomes += n
	}
	if outcomes != sum.Items {
		s.t.Errorf("%d messages, but %d outcomes: %+v", sum.Items, outcomes, sum)
	}
	return sum
}

// check compares the register with what it must be.
func (s *caseSite) check(when string, want ...row) {
	s.t.Helper()
	got := rows(s.interactions())
	var full []row
	for i, w := range want {
		w = w.full()
		if i < len(got) {
			if w.People == nil {
				got[i].People = nil
			}
			if w.Attachments == nil {
				got[i].Attachments = nil
			}
			if w.Thread == "" {
				got[i].Thread = ""
			}
			if w.Owner == "" {
				got[i].Owner = ""
			}
		}
		full = append(full, w)
	}
	if diff := gocmp.Diff(full, got, cmpopts.EquateEmpty()); diff != "" {
		s.t.Errorf("the register %s (-want +got):\n%s", when, diff)
	}
}

// embedded tells whether the register is a file.
func (s *caseSite) embedded() bool { return strings.HasPrefix(s.database, "sqlite:") }

// files returns all that is on the disk of the register.
func (s *caseSite) files() string {
	s.t.Helper()
	pattern := s.path("kith.db*")
	if !s.embedded() {
		pattern = s.tables()
	}
	paths, err := filepath.Glob(pattern)
	if err != nil || len(paths) == 0 {
		s.t.Fatalf("no database files: %v", err)
	}
	var all strings.Builder
	for _, path := range paths {
		all.WriteString(readFile(s.t, path))
	}
	return all.String()
}

// tables returns a pattern of the files that hold the tables in PostgreSQL, with all
// that was written so far. Its log is shared with other cases.
func (s *caseSite) tables() (pattern string) {
	s.t.Helper()
	ctx := s.t.Context()
	conn, err := pgx.Connect(ctx, s.database)
	if err != nil {
		s.t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, "CHECKPOINT"); err != nil {
		s.t.Fatal(err)
	}
	err = conn.QueryRow(ctx, `SELECT current_setting('data_directory') || '/base/' || oid || '/*' FROM pg_database WHERE datname = current_database()`).Scan(&pattern)
	if err != nil {
		s.t.Fatal(err)
	}
	return pattern
}
