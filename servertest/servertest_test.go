package servertest_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith/servertest"
)

var march = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

const mail = "From: ann@client.test\r\nSubject: x\r\n\r\nhello\r\n"

func TestDovecotDeliver(t *testing.T) {
	t.Parallel()
	s := servertest.Dovecot(t)
	s.Deliver(t, servertest.Alice, "INBOX", march, "", []byte(mail))
	s.Deliver(t, servertest.Alice, "INBOX", march.Add(time.Hour), `\Seen \Answered`, []byte(mail))
	s.Deliver(t, servertest.Alice, "Entwürfe & mehr/2024", march, `\Draft`, []byte(mail))
	s.Unchanged(t, servertest.Alice)

	// After the snapshot: these must not count as changes.
	s.Deliver(t, servertest.Alice, "INBOX", march, "", []byte(mail))
	s.Deliver(t, servertest.Alice, "Later", march, "", []byte(mail))
	if uid := s.Append(t, servertest.Alice, "Archive", march, `\Flagged work`, []byte(mail)); uid != 1 {
		t.Errorf("Append gave UID %d, want 1", uid)
	}

	got := s.State(t, servertest.Alice)
	want := map[string][]servertest.MessageState{
		"INBOX": {
			{UID: 1, Flags: `\Recent`, Size: int64(len(mail)), InternalDate: march},
			{UID: 2, Flags: `\Answered \Recent \Seen`, Size: int64(len(mail)), InternalDate: march.Add(time.Hour)},
			{UID: 3, Flags: `\Recent`, Size: int64(len(mail)), InternalDate: march},
		},
		"Entwürfe & mehr/2024": {{UID: 1, Flags: `\Draft \Recent`, Size: int64(len(mail)), InternalDate: march}},
		"Archive":              {{UID: 1, Flags: `\Flagged \Recent work`, Size: int64(len(mail)), InternalDate: march}},
	}
	for folder, messages := range want {
		if diff := cmp.Diff(messages, got[folder].Messages); diff != "" {
			t.Errorf("%s (-want +got):\n%s", folder, diff)
		}
	}
}

// failing stands in for a test, to see what Unchanged says of it.
type failing struct {
	testing.TB
	cleanup []func()
	errors  int
}

func (f *failing) Helper()               {}
func (f *failing) Errorf(string, ...any) { f.errors++ }
func (f *failing) Cleanup(fn func())     { f.cleanup = append(f.cleanup, fn) }

func TestDovecotUnchangedNotices(t *testing.T) {
	t.Parallel()
	s := servertest.Dovecot(t)
	box := servertest.Alice
	s.Deliver(t, box, "INBOX", march, "", []byte(mail))
	for _, tt := range []struct {
		name string
		args []string
	}{
		{"a flag set", []string{"flags", "add", "-u", box, `\Flagged`, "mailbox", "INBOX", "uid", "1"}},
		{"a message stored by somebody", []string{"copy", "-u", box, "Archive", "mailbox", "INBOX", "uid", "1"}},
		{"a message moved", []string{"move", "-u", box, "Archive", "mailbox", "INBOX", "uid", "1"}},
		{"a message removed", []string{"expunge", "-u", box, "mailbox", "Archive", "uid", "1"}},
		{"a folder made", []string{"mailbox", "create", "-u", box, "New"}},
		{"a folder subscribed", []string{"mailbox", "subscribe", "-u", box, "New"}},
	} {
		f := &failing{TB: t}
		s.Unchanged(f, box)
		s.Adm(t, tt.args...)
		for _, fn := range f.cleanup {
			fn()
		}
		if f.errors != 1 {
			t.Errorf("%s: noticed %d times, want once", tt.name, f.errors)
		}
	}
}

func TestDovecotSelectIsNoticed(t *testing.T) {
	t.Parallel()
	s := servertest.Dovecot(t)
	s.Deliver(t, servertest.Alice, "INBOX", march, "", []byte(mail))
	f := &failing{TB: t}
	s.Unchanged(f, servertest.Alice)
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "a LOGIN %s secret\r\nb SELECT INBOX\r\nc LOGOUT\r\n", servertest.Alice)
	if _, err := io.ReadAll(conn); err != nil {
		t.Fatal(err)
	}
	for _, fn := range f.cleanup {
		fn()
	}
	if f.errors != 1 {
		t.Errorf("SELECT in place of EXAMINE: noticed %d times, want once", f.errors)
	}
}

func TestDovecotOptions(t *testing.T) {
	t.Parallel()
	s := servertest.Dovecot(t, servertest.DovecotOptions{
		Caps:  "IMAP4rev1 IDLE",
		Extra: "imap_id_send = name *",
		Users: []string{"dora@example.test:pass"},
	})
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "a LOGIN dora@example.test pass\r\nb LOGOUT\r\n")
	answer, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(answer), "a OK [CAPABILITY IMAP4rev1 IDLE] ") {
		t.Errorf("got %q, want the login to tell the two capabilities", answer)
	}
}

func TestToxiproxyCuts(t *testing.T) {
	t.Parallel()
	target := servertest.Script(t, func(c *servertest.ScriptConn) {
		c.Raw(strings.Repeat("x", 1000))
		c.Silence()
	})
	p := servertest.Toxiproxy(t).Proxy(t, target.Addr)
	p.Toxic(t, `{"name":"cut","type":"limit_data","attributes":{"bytes":100}}`)
	if n := received(t, p.Addr); n != 100 {
		t.Errorf("received %d bytes, want 100", n)
	}
	p.Heal(t)
	p.Down(t)
	if conn, err := net.Dial("tcp", p.Addr); err == nil {
		conn.Close()
		t.Error("a proxy that is down took a connection")
	}
	p.Up(t)
}

func received(t *testing.T, addr string) int {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	data, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return len(data)
}

func TestScript(t *testing.T) {
	t.Parallel()
	s := servertest.Script(t, func(c *servertest.ScriptConn) {
		c.Login("IMAP4rev1")
		if got := c.Expect("UID FETCH"); got != "1:* FLAGS {3}" {
			t.Errorf("the arguments are %q", got)
		}
		c.Send("+ go")
		if got := c.Literal(3); got != "abc" {
			t.Errorf("the literal is %q", got)
		}
		c.Line()
		c.No("not now")
		c.Logout()
	})
	conn, err := net.Dial("tcp", s.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	br := bufio.NewReader(conn)
	for _, step := range []struct{ send, want string }{
		{"", "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] at your service"},
		{"a authenticate plain AGEAYg==\r\n", "a OK [CAPABILITY IMAP4rev1] logged in"},
		{"b uid fetch 1:* FLAGS {3}\r\n", "+ go"},
		{"abc\r\n", "b NO not now"},
		{"c LOGOUT\r\n", "* BYE see you"},
		{"", "c OK done"},
	} {
		fmt.Fprint(conn, step.send)
		line, err := br.ReadString('\n')
		if got := strings.TrimSpace(line); err != nil || got != step.want {
			t.Fatalf("after %q: %q, %v; want %q", step.send, got, err, step.want)
		}
	}
}
