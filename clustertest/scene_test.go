package clustertest_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"kith/servertest"
)

// full tells whether the tests run at full length: make test-cluster.
var full = os.Getenv("KITH_CLUSTER") == "full"

// scene is an organisation's mailboxes on a mail server, and daemons that read
// them into one register. It is used by one goroutine: while it waits for something it looks at
// the accounts, and mail goes on to arrive.
type scene struct {
	t        *testing.T
	dir      string
	mail     *correspondence
	server   *servertest.DovecotServer
	database string // where the register is looked at: every host that it may be on
	arriving bool

	letters   int
	delivered time.Time // the last mail that arrived during the scene

	seen  map[string]time.Time // by account: when it was last known to be polled
	gaps  map[string]time.Duration
	phase string
}

// newScene makes mailboxes with letters of the past.
func newScene(t *testing.T, users, letters int, schedule, limits string) *scene {
	t.Helper()
	s := &scene{
		t: t, dir: t.TempDir(), mail: newCorrespondence(users, 10*users),
		seen: map[string]time.Time{}, gaps: map[string]time.Duration{},
	}
	var logins []string
	for _, user := range s.mail.users {
		logins = append(logins, user+":"+servertest.Password)
	}
	s.server = servertest.Dovecot(t, servertest.DovecotOptions{
		Users: logins,
		// Processes that serve many logins: there are dozens a second.
		Extra: "service imap-login {\n service_count = 0\n process_min_avail = 1\n}\nservice imap {\n service_count = 1000\n}\nauth_cache_size = 1M\n",
	})

	// The newest is some days old: what arrives later comes later.
	const days = 90
	var all []letter
	for n := 0; len(all) < users*letters; n++ {
		age := time.Duration(s.mail.dice.IntN(days*24*60))*time.Minute + 5*24*time.Hour
		all = append(all, s.mail.conversation(n%users, time.Now().Add(-age).Truncate(time.Second))...)
	}
	slices.SortStableFunc(all, func(a, b letter) int { return a.at.Compare(b.at) })
	for _, l := range all {
		s.deliver(l)
	}

	s.write("password", servertest.Password+"\n")
	s.write("contacts.csv", s.mail.csv())
	accounts := limits
	for _, user := range s.mail.users {
		accounts += fmt.Sprintf("\n[[account]]\nname = %q\nkind = \"imap\"\nschedule = %q\nowner = %q\naddresses = [%q]\nurl = %q\nusername = %q\npassword_file = %q\n",
			strings.TrimSuffix(user, "@example.test"), schedule, user, user, s.server.URL("imap"), user, filepath.Join(s.dir, "password"))
	}
	if err := os.Mkdir(filepath.Join(s.dir, "conf.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.write("conf.d/accounts.toml", accounts) // the same for all daemons
	return s
}

func (s *scene) write(name, text string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// config writes a configuration file that differs from others by its database and
// where its endpoint listens.
func (s *scene) config(name, database string) (path, url string) {
	s.t.Helper()
	listen := freeAddr(s.t)
	s.write(name+".toml", fmt.Sprintf("database = %q\nsince = \"365d\"\nown_domains = [\"example.test\"]\ntime_zone = \"UTC\"\n[http]\nlisten = %q\n", database, listen))
	return filepath.Join(s.dir, name+".toml"), "http://" + listen
}

// daemon makes a daemon that finds the register at a URL. It is not started.
func (s *scene) daemon(name, program, database string) *daemon {
	s.t.Helper()
	d := &daemon{name: name, program: program, log: &logged{}}
	d.config, d.url = s.config(name, database)
	return d
}

// importContacts makes the register know half of those who write.
func (s *scene) importContacts(program, config string) {
	s.t.Helper()
	run(s.t, program, config, "contacts", "import", filepath.Join(s.dir, "contacts.csv"))
}

func (s *scene) deliver(l letter) {
	s.t.Helper()
	s.letters++
	s.server.Deliver(s.t, l.user, l.folder, l.at, l.flags, []byte(l.raw))
}

// begin names what the scene goes through from now on.
func (s *scene) begin(phase string) { s.phase = phase }

// accountRow is an account as the register has it.
type accountRow struct {
	name, state, daemon string
	polled              time.Time // when a run began or ended well; zero: never
}

// tick lets some mail arrive and looks at the accounts. It returns none while the
// register does not answer.
func (s *scene) tick() []accountRow {
	s.t.Helper()
	if s.arriving {
		s.delivered = time.Now()
		for _, l := range s.mail.conversation(s.mail.dice.IntN(len(s.mail.users)), s.delivered.Add(-time.Hour).Truncate(time.Second)) {
			s.deliver(l)
		}
	}
	var rows []accountRow
	err := s.query(`SELECT name, state, daemon, coalesce(greatest(last_poll, last_success), 'epoch') FROM accounts`, func(r pgx.Rows) error {
		var row accountRow
		err := r.Scan(&row.name, &row.state, &row.daemon, &row.polled)
		rows = append(rows, row)
		return err
	})
	if err != nil {
		return nil
	}
	for _, row := range rows {
		last, known := s.seen[row.name]
		gap := row.polled.Sub(last)
		if !row.polled.After(last) {
			gap = time.Since(last)
		}
		if known {
			s.gaps[s.phase] = max(s.gaps[s.phase], gap)
		}
		if row.polled.Unix() > 0 {
			s.seen[row.name] = row.polled
		}
	}
	return rows
}

// query asks the register, at whatever host it is. row scans one row; nil: there are
// none. The error is that the register does not answer now.
func (s *scene) query(sql string, row func(pgx.Rows) error) error {
	s.t.Helper()
	err := s.ask(sql, row)
	var failure *pgconn.PgError
	if errors.As(err, &failure) && strings.HasPrefix(failure.Code, "42") { // syntax error or access rule violation
		s.t.Fatal(err)
	}
	return err
}

func (s *scene) ask(sql string, row func(pgx.Rows) error) error {
	ctx, cancel := context.WithTimeout(s.t.Context(), 3*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, s.database)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	rows, err := conn.Query(ctx, sql)
	if err != nil {
		return err
	}
	defer rows.Close()
	for row != nil && rows.Next() {
		if err := row(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// until waits for what the accounts are to come to.
func (s *scene) until(what string, limit time.Duration, done func(rows []accountRow) bool) {
	s.t.Helper()
	deadline := time.Now().Add(limit)
	for {
		if rows := s.tick(); rows != nil && done(rows) {
			return
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("%s: waited %v in vain: %s; %d outcomes of %d messages", s.phase, limit, what, s.outcomes(), s.letters)
		}
		time.Sleep(250 * time.Millisecond)
	}
}

// pass lets time pass.
func (s *scene) pass(d time.Duration) {
	s.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(250 * time.Millisecond) {
		s.tick()
	}
}

// freeze stops a daemon at a moment when it is polling: the accounts that it holds
// have to be taken over.
func (s *scene) freeze(d *daemon) {
	s.t.Helper()
	for range 1000 {
		d.signal(s.t, hang)
		held := 0
		if err := s.query(`SELECT count(*) FROM accounts WHERE starts_with(daemon, '`+d.id()+`')`, func(r pgx.Rows) error { return r.Scan(&held) }); err != nil {
			s.t.Fatal(err)
		}
		if held > 0 {
			return
		}
		d.signal(s.t, wake)
		time.Sleep(5 * time.Millisecond)
	}
	s.t.Fatalf("daemon %s is not polling", d.name)
}

// settle waits until every account was polled since, and is well. It ends the phase.
func (s *scene) settle(limit time.Duration) {
	s.t.Helper()
	since := time.Now()
	s.until("every account is polled again", limit, func(rows []accountRow) bool {
		for _, row := range rows {
			if !row.polled.After(since) || row.state != "ok" {
				return false
			}
		}
		return len(rows) == len(s.mail.users)
	})
	s.t.Logf("%-24s the longest that an account was not polled: %v", s.phase, s.gaps[s.phase].Round(100*time.Millisecond))
}

// outcomes is how many messages have an outcome, whatever it is.
func (s *scene) outcomes() (n int) {
	err := s.query(`SELECT (SELECT coalesce(sum(recorded), 0) FROM streams) + (SELECT coalesce(sum(times::bigint), 0) FROM streams, json_each_text(skipped) AS skip (reason, times))`, func(r pgx.Rows) error { return r.Scan(&n) })
	if err != nil {
		return -1
	}
	return n
}

// captured waits until all mail has its outcome, each message one.
func (s *scene) captured(limit time.Duration) {
	s.t.Helper()
	got := 0
	s.until("all mail has an outcome", limit, func([]accountRow) bool {
		got = s.outcomes()
		return got >= s.letters
	})
	if got > s.letters {
		s.t.Errorf("%s: %d outcomes of %d messages", s.phase, got, s.letters)
	}
}

// compare reads all mailboxes with one undisturbed daemon into a register of its
// own, and compares that to the one of config.
func (s *scene) compare(program, config string) {
	s.t.Helper()
	alone, _ := s.config("alone", "sqlite://"+filepath.Join(s.dir, "alone.db"))
	s.importContacts(program, alone)
	run(s.t, program, alone, "--quiet", "sync")
	sameRegister(s.t, read(s.t, program, config), read(s.t, program, alone))
}

// daemonsKnown returns the versions of the daemons on the register, by name.
func (s *scene) daemonsKnown() map[string]string {
	s.t.Helper()
	known := map[string]string{}
	if err := s.query(`SELECT name, version FROM daemons`, func(r pgx.Rows) error {
		var name, version string
		err := r.Scan(&name, &version)
		known[name] = version
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return known
}

// hosts is the URL of a database that is on one of several servers: that which
// takes changes is meant.
func hosts(t *testing.T, database string, servers ...*servertest.PostgresServer) string {
	t.Helper()
	var addrs []string
	for _, server := range servers {
		addrs = append(addrs, server.Addr)
	}
	_, name, _ := strings.Cut(strings.TrimPrefix(database, "postgres://"), "/")
	return fmt.Sprintf("postgres://postgres@%s/%s?target_session_attrs=read-write&connect_timeout=3", strings.Join(addrs, ","), name)
}

func sorted(names map[string]string) []string { return slices.Sorted(maps.Keys(names)) }
