package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"kith"
	"kith/matcher"
	"kith/servertest"
	syncer "kith/sync"
	"kith/sync/imapsource"
)

// sessionStories are about connections and logins.
var sessionStories = []scriptedStory{
	{"E15 the pause doubles up to ten minutes, and begins anew only after a run that ended well", func(t *testing.T) {
		s := newFaultySite(t, greeted("* BYE going down"))
		fail := func(want time.Duration) {
			t.Helper()
			if code, _, stderr := s.run("sync", "alice"); code != exitFailed || !strings.Contains(stderr, "BYE going down") {
				t.Errorf("exit code %d\n%s", code, stderr)
			}
			account, _ := s.health("alice")
			s.within("the next try", account.NextPoll, want, want)
			s.wait(want)
		}
		bye := s.fault.Load()
		for _, seconds := range []time.Duration{15, 30, 60, 120, 240, 480, 600, 600, 600} {
			fail(seconds * time.Second)
		}
		// The login works, and the run fails all the same.
		late := interrupted(*bye)
		s.fault.Store(&late)
		fail(10 * time.Minute)
		s.fault.Store(nil)
		s.must("sync") // Bob's, too, or his would be overdue
		s.healthy("once the server is up")
		s.fault.Store(bye)
		fail(15 * time.Second)
		s.check("in the end", offers(1, 2, 3, 11)...)
	}},
	{"E16 one connection to an account, and LOGOUT always", func(t *testing.T) {
		var mu sync.Mutex
		var open, most, logouts, sessions int
		b := &scriptedBox{inbox: newOffers(1, 2)}
		b.Mailbox = servertest.NewMailbox(b.inbox)
		for i := range 5 {
			f := newOffers(uint32(10+2*i), uint32(11+2*i))
			f.Name = fmt.Sprint("Folder ", i)
			b.Folders = append(b.Folders, f)
		}
		throttled := b.Folders[3]
		server := servertest.Script(t, func(c *servertest.ScriptConn) {
			mu.Lock()
			open, sessions = open+1, sessions+1
			most = max(most, open)
			mu.Unlock()
			defer func() {
				mu.Lock()
				open--
				mu.Unlock()
			}()
			b.Serve(c)
		})
		b.caseSite = newCaseSite(t, hardCase{}, server.URL("imap"), map[string]string{"alice": servertest.Alice})
		b.poll()
		b.poll("--full")
		b.Change(func() {
			throttled.UIDs = append(throttled.UIDs, 99)
			throttled.Examined = func(c *servertest.ScriptConn) bool {
				c.No("[THROTTLED] slow down")
				return false
			}
		})
		if code, _, stderr := b.run("sync"); code != exitFailed {
			t.Errorf("exit code %d\n%s", code, stderr)
		}
		account, _ := b.health("alice")
		if account.State != kith.StateThrottled {
			t.Errorf("state %s, %s", account.State, said(account.Error))
		}
		if code, _, stderr := b.run("explain", "10@client.test"); code == exitDone || !strings.Contains(stderr, "slow down") {
			t.Errorf("explain: exit code %d\n%s", code, stderr)
		}
		b.Change(func() { throttled.Examined = nil })
		if got := b.poll(); got.New != 1 {
			t.Errorf("the pause is over: %+v", got)
		}
		logouts = len(b.Sent("LOGOUT"))
		mu.Lock()
		defer mu.Unlock()
		if most != 1 || logouts != sessions || sessions != 5 {
			t.Errorf("%d sessions, %d LOGOUTs, %d connections at once", sessions, logouts, most)
		}
	}},
	{"E16 too many connections, Dovecot", func(t *testing.T) {
		server := servertest.Dovecot(t, servertest.DovecotOptions{Extra: "mail_max_userip_connections = 1"})
		server.Deliver(t, servertest.Alice, "INBOX", arrived, "", []byte(strings.ReplaceAll(letter(), "\n", "\r\n")))
		s := newCaseSite(t, hardCase{}, server.URL("imap"), map[string]string{"alice": servertest.Alice})
		other := loggedIn(t, server.Addr)
		code, _, stderr := s.run("sync")
		if code != exitFailed || !strings.Contains(stderr, "Maximum number of connections") {
			t.Errorf("exit code %d\n%s", code, stderr)
		}
		account, _ := s.health("alice")
		if account.State != kith.StateThrottled {
			t.Errorf("state %s", account.State)
		}
		s.within("the next try", account.NextPoll, 30*time.Second, time.Minute)
		other()
		eventually(t, "the other connection is gone", func() bool {
			code, _, _ := s.run("sync")
			return code == exitDone
		})
		s.check("in the end", row{Subject: "offer"})
		s.healthy("in the end")
	}},
	{"E17 a server that falls silent: the worker is free for others after a while", func(t *testing.T) {
		s := newFaultySite(t, interrupted((*servertest.ScriptConn).Silence))
		s.start = time.Time{}
		s.write("kith.toml", readFile(t, s.path("kith.toml"))+"\n[limits]\nworkers = 1\n")
		stop := s.impatient(time.Second)
		eventually(t, "Bob is polled though Alice's server is silent", func() bool { return len(s.interactions()) == 1 })
		account, _ := s.failed(1)
		stop()
		if want := "list the folders: the server did not answer for 1s"; account.State != kith.StateFailing || !strings.Contains(said(account.Error), want) {
			t.Errorf("state %s, %s; want %q", account.State, said(account.Error), want)
		}
		if text := s.must("status"); !strings.Contains(text, "did not answer") {
			t.Errorf("status says\n%s", text)
		}
		s.fault.Store(nil)
		if got := s.poll(); got.New != 3 {
			t.Errorf("the server answers: %+v", got)
		}
		s.healthy("in the end")
	}},
	{"E27 a login command with quotes, a backslash and UTF-8", func(t *testing.T) {
		box := servertest.NewMailbox(newOffers(1))
		got := make(chan [2]string, 1)
		server := servertest.Script(t, func(c *servertest.ScriptConn) {
			c.Send("* OK [CAPABILITY IMAP4rev1] ready")
			if words := c.Expect("LOGIN"); words != `"a\"l\\ice" {9}` {
				t.Errorf("LOGIN %s", words)
			}
			c.Send("+ password?")
			password := c.Literal(9)
			c.Line()
			got <- [2]string{`a"l\ice`, password}
			c.OK("[CAPABILITY IMAP4rev1] in")
			box.Answer(c)
		})
		s := newCaseSite(t, hardCase{}, server.URL("imap"), map[string]string{"alice": `a"l\ice`})
		s.write("password", "pä\"ß\\wo\n")
		s.poll()
		if logins := <-got; logins[1] != "pä\"ß\\wo" {
			t.Errorf("the password came as %q", logins[1])
		}
		s.check("after a pass", offers(1)...)
	}},
}

// loginStories are about names and passwords that have to be quoted.
var loginStories = []scriptedStory{
	{"E27 a login other than the address, quotes, backslashes and UTF-8, by each mechanism", func(t *testing.T) {
		users := []struct{ file, username, password string }{
			// Dovecot looks names up with quotes and backslashes escaped.
			{`o\'neil@example.test:pa"ss\word`, `o'neil@example.test`, `pa"ss\word`},
			{`al\"ice\\o@example.test:plain`, `al"ice\o@example.test`, `plain`},
			{`bürger@example.test:pässwörd€`, `bürger@example.test`, `pässwörd€`},
			{`login-name:]{5}(`, `login-name`, `]{5}(`},
			{`p@example.test:a+b=c%d`, `p@example.test`, `a+b=c%d`},
		}
		var files []string
		for _, u := range users {
			files = append(files, u.file)
		}
		for _, mechanism := range []string{"scram-sha-256", "plain"} {
			server := servertest.Dovecot(t, servertest.DovecotOptions{
				Users: files, Extra: "auth_username_chars =\nauth_mechanisms = " + mechanism,
			})
			c, names, secrets := hardCase{}, map[string]string{}, t.TempDir()
			for i, u := range users {
				file := filepath.Join(secrets, fmt.Sprint(i))
				if err := os.WriteFile(file, []byte(u.password+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
				name, lines := "alice", fmt.Sprintf("password_file = %q", file)
				if i == 0 {
					c.account = lines
				} else {
					name = fmt.Sprint("user", i)
					c.others = append(c.others, colleague{name: name, addresses: []string{name + "@example.test"}, lines: lines})
				}
				names[name] = u.username
				raw := letter(fmt.Sprintf("Message-ID: <%d@client.test>", i), fmt.Sprintf("Subject: offer %d", i), "To: "+name+"@example.test")
				server.Deliver(t, u.username, "INBOX", arrived, "", []byte(strings.ReplaceAll(raw, "\n", "\r\n")))
			}
			s := newCaseSite(t, c, server.URL("imap"), names)
			s.poll()
			s.check("by "+mechanism, offers(0, 1, 2, 3, 4)...)
			s.healthy("in the end")
		}
	}},
}

// loggedIn opens a session of Alice's and returns what ends it.
func loggedIn(t *testing.T, addr string) (end func()) {
	t.Helper()
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := fmt.Fprintf(conn, "a LOGIN %s %s\r\n", servertest.Alice, servertest.Password); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "a OK") {
			return func() { conn.Close() }
		}
	}
	t.Fatalf("login: %v", lines.Err())
	return nil
}

// impatient runs the daemon's loop with another time for commands than a minute.
func (s *site) impatient(command time.Duration) (stop func()) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	a := newApp(&cli{Config: s.path("kith.toml"), Quiet: true}, strings.NewReader(""), io.Discard, io.Discard, func(string) string { return "" })
	cfg, err := a.config()
	if err != nil {
		s.t.Fatal(err)
	}
	register, err := a.openStore(ctx)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := register.Reconcile(ctx, a.accountRows(cfg)); err != nil {
		s.t.Fatal(err)
	}
	f, err := a.fleet(ctx, cfg, register)
	if err != nil {
		s.t.Fatal(err)
	}
	worker := a.worker(f, newMetrics(register))
	worker.Poller.Open = func(ctx context.Context, name string) (syncer.Source, matcher.Account, error) {
		account, err := f.account(ctx, name)
		if err != nil {
			return nil, matcher.Account{}, err
		}
		options, err := a.imapOptions(cfg, account)
		if err != nil {
			return nil, matcher.Account{}, err
		}
		options.CommandTimeout = command
		source, err := imapsource.Open(ctx, options)
		return source, identity(account), err
	}
	var running sync.WaitGroup
	running.Go(func() {
		if err := (&syncer.Runner{Worker: worker, Grace: grace}).Run(ctx); err != nil {
			s.t.Error(err)
		}
	})
	stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		if err := register.Close(); err != nil {
			s.t.Error(err)
		}
	})
	s.t.Cleanup(stop)
	return stop
}
