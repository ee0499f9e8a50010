package imapsource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/emersion/go-imap/v2"

	"kith"
	"kith/servertest"
)

// opened logs in at a server that handle plays, and closes the session at the end.
func opened(t *testing.T, o Options, url string) *session {
	t.Helper()
	o.Account, o.URL, o.Username = "alice-mail", url, servertest.Alice
	o.Password = func(context.Context) (string, error) { return servertest.Password, nil }
	s, err := dial(t.Context(), &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func (s *session) noop(ctx context.Context) error {
	return s.run(ctx, "noop", func() error { return s.client.Noop().Wait() })
}

func TestRun(t *testing.T) {
	t.Parallel()
	flood := func(response string) func(c *servertest.ScriptConn) {
		return func(c *servertest.ScriptConn) {
			c.Login("IMAP4rev1")
			c.Expect("NOOP")
			for {
				c.Raw(response)
			}
		}
	}
	after := func(handle func(c *servertest.ScriptConn)) func(c *servertest.ScriptConn) {
		return func(c *servertest.ScriptConn) {
			c.Login("IMAP4rev1")
			c.Expect("NOOP")
			handle(c)
		}
	}
	for _, tt := range []struct {
		name       string
		server     func(c *servertest.ScriptConn)
		kind       kith.FaultKind
		want       string
		unreadable bool
		lives      bool // the connection is still of use
	}{
		{name: "E18 the mailbox server is away", lives: true, kind: kith.FaultTransient,
			want:   "noop: the server says: BAD User is authenticated but not connected.",
			server: after(func(c *servertest.ScriptConn) { c.Bad("User is authenticated but not connected."); c.Logout() })},
		{name: "E14 throttled in the middle", lives: true, kind: kith.FaultThrottled,
			want:   "noop: the server asks for a pause: NO [THROTTLED] slow down",
			server: after(func(c *servertest.ScriptConn) { c.No("[THROTTLED] slow down"); c.Logout() })},
		{name: "an unexplained NO to a command is not about the password", lives: true, kind: kith.FaultTransient,
			want:   "noop: the server says: NO no",
			server: after(func(c *servertest.ScriptConn) { c.No("no"); c.Logout() })},
		{name: "E15 BYE in place of an answer", kind: kith.FaultTransient,
			want:   "noop: the server ended the session: BYE [UNAVAILABLE] going down",
			server: after(func(c *servertest.ScriptConn) { c.Send("* BYE [UNAVAILABLE] going down") })},
		{name: "E16 BYE: too many connections", kind: kith.FaultThrottled,
			want:   "noop: the server ended the session: BYE Too many connections from your IP",
			server: after(func(c *servertest.ScriptConn) { c.Send("* BYE Too many connections from your IP") })},
		{name: "E15 BYE before the command", kind: kith.FaultTransient,
			want: "noop: the server ended the session: BYE Autologout",
			server: func(c *servertest.ScriptConn) {
				c.Login("IMAP4rev1")
				c.Send("* BYE Autologout")
			}},
		{name: "E15 closed without a word", kind: kith.FaultTransient, want: "noop: the server closed the connection",
			server: after(func(c *servertest.ScriptConn) {})},
		{name: "E15 closed in the middle of a line", kind: kith.FaultTransient, want: "noop: the server closed the connection",
			server: after(func(c *servertest.ScriptConn) { c.Raw("* LIST (") })},
		{name: "E15 reset", kind: kith.FaultTransient, want: "noop: the server reset the connection",
			server: after((*servertest.ScriptConn).Reset)},
		{name: "E17 silence", kind: kith.FaultTransient, want: "noop: the server did not answer for 1s",
			server: after((*servertest.ScriptConn).Silence)},
		{name: "E30 a huge line", kind: kith.FaultTransient, unreadable: true, want: "noop: the server sent a line of more than 100000 bytes",
			server: flood(strings.Repeat("x", 1000))},
		{name: "E30 a huge literal", kind: kith.FaultTransient, unreadable: true, want: "noop: the server sent a literal of more than 1000 bytes",
			server: after(func(c *servertest.ScriptConn) { c.Raw("* LIST () NIL {1001}\r\n"); c.Silence() })},
		{name: "E30 endless responses", kind: kith.FaultTransient, unreadable: true, want: "noop: the server sent an answer of more than 2000 responses",
			server: flood("* 1 EXISTS\r\n")},
		{name: "E30 endless bytes", kind: kith.FaultTransient, unreadable: true, want: "noop: the server sent an answer of more than 200000 bytes",
			server: flood("* OK " + strings.Repeat("x", 1000) + "\r\n")},
		{name: "an unknown response: what it says is left out", kind: kith.FaultTransient, unreadable: true,
			want:   "noop: the server's answer can't be read: in response-data: unsupported response type …",
			server: after(func(c *servertest.ScriptConn) { c.Send("* SECRET-SUBJECT"); c.Silence() })},
		{name: "a malformed response", kind: kith.FaultTransient, unreadable: true, want: "noop: the server's answer can't be read: ",
			server: after(func(c *servertest.ScriptConn) {
				c.Send("* 1 FETCH (BODYSTRUCTURE (\"TEXT\" SECRET-SUBJECT))")
				c.Silence()
			})},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			o := Options{CommandTimeout: time.Second, Limits: Limits{Line: 100_000, Literal: 1000, Command: 200_000, Responses: 2000}}
			s := opened(t, o, servertest.Script(t, tt.server).URL("imap"))
			err := s.noop(t.Context())
			var fault *kith.Fault
			if !errors.As(err, &fault) || fault.Kind != tt.kind {
				t.Fatalf("%v, want a fault of kind %q", err, tt.kind)
			}
			if !strings.HasPrefix(err.Error(), "127.0.0.1: "+tt.want) {
				t.Errorf("it says\n\t%v\nwant\n\t%s", err, tt.want)
			}
			if strings.Contains(err.Error(), "SECRET") {
				t.Error("what the server sent is in the error")
			}
			if errors.Is(err, errUnreadable) != tt.unreadable {
				t.Errorf("unreadable: %v, want %v", !tt.unreadable, tt.unreadable)
			}
			if s.broken() == tt.lives {
				t.Errorf("broken: %v, want %v", !tt.lives, tt.lives)
			}
		})
	}
}

func TestRunKeepsTheStatus(t *testing.T) {
	t.Parallel()
	s := opened(t, Options{}, servertest.Script(t, func(c *servertest.ScriptConn) {
		c.Login("IMAP4rev1")
		c.Expect("EXAMINE")
		c.No("[NONEXISTENT] no such folder")
		c.Expect("NOOP")
		c.OK("fine")
		c.Logout()
	}).URL("imap"))
	err := s.run(t.Context(), "select X", func() error {
		_, err := s.client.Select("X", &imap.SelectOptions{ReadOnly: true}).Wait()
		return err
	})
	var status *imap.Error
	if !errors.As(err, &status) || status.Code != imap.ResponseCodeNonExistent {
		t.Errorf("%v, want the response code NONEXISTENT", err)
	}
	if err := s.noop(t.Context()); err != nil {
		t.Errorf("the session is of no more use: %v", err)
	}
}

func TestRunContext(t *testing.T) {
	t.Parallel()
	reason := errors.New("the daemon stops")
	ctx, cancel := context.WithCancelCause(t.Context())
	s := opened(t, Options{}, servertest.Script(t, func(c *servertest.ScriptConn) {
		c.Login("IMAP4rev1")
		c.Expect("NOOP")
		cancel(reason)
		c.Silence()
	}).URL("imap"))
	for range 2 { // in the middle of a command, and before one
		err := s.noop(ctx)
		if want := "127.0.0.1: noop: the daemon stops"; !errors.Is(err, reason) || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	if !s.broken() {
		t.Error("the command may still be answered, so the session must be of no more use")
	}
}

// A context that is done just when the answer comes must not end the next command,
// which may have another one.
func TestRunContextLate(t *testing.T) {
	t.Parallel()
	s := opened(t, Options{}, servertest.Script(t, func(c *servertest.ScriptConn) {
		c.Login("IMAP4rev1")
		c.Expect("NOOP")
		c.OK("fine")
		c.Silence()
	}).URL("imap"))
	ctx, cancel := context.WithCancel(t.Context())
	err := s.run(ctx, "noop", func() error {
		err := s.client.Noop().Wait()
		cancel()
		return err
	})
	if err != nil {
		t.Errorf("the command that was answered: %v", err)
	}
	if !s.broken() {
		t.Error("the session is about to end, and does not say so")
	}
}

// A server that neither reads nor writes, behind a proxy that keeps the connection up.
func TestE17HalfOpen(t *testing.T) {
	t.Parallel()
	dovecot := servertest.Dovecot(t)
	proxy := servertest.Toxiproxy(t).Proxy(t, dovecot.TLSAddr)
	for _, toxic := range []string{
		`{"name":"hang","type":"timeout","attributes":{"timeout":0}}`,
		`{"name":"hang","type":"timeout","stream":"upstream","attributes":{"timeout":0}}`,
	} {
		s := opened(t, Options{CAs: dovecot.CAs, CommandTimeout: 2 * time.Second}, "imaps://"+proxy.Addr)
		if err := s.noop(t.Context()); err != nil {
			t.Fatal(err)
		}
		proxy.Toxic(t, toxic)
		start := time.Now()
		err := s.noop(t.Context())
		if err == nil || !strings.Contains(err.Error(), "noop: the server did not answer for 2s") {
			t.Errorf("%v, want a timeout", err)
		}
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
		proxy.Heal(t)
	}
}

func TestE16CloseLogsOut(t *testing.T) {
	t.Parallel()
	loggedOut := make(chan bool, 1)
	s := opened(t, Options{}, servertest.Script(t, func(c *servertest.ScriptConn) {
		defer close(loggedOut)
		c.Login("IMAP4rev1")
		c.Logout()
		loggedOut <- true
	}).URL("imap"))
	for range 2 {
		if err := s.close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if !<-loggedOut {
		t.Error("no LOGOUT came")
	}
	if err := s.noop(t.Context()); err == nil {
		t.Error("a command after close gave no error")
	}
}

func TestCloseEndsWhatRuns(t *testing.T) {
	t.Parallel()
	reached := make(chan struct{})
	s := opened(t, Options{}, servertest.Script(t, func(c *servertest.ScriptConn) {
		c.Login("IMAP4rev1")
		c.Expect("NOOP")
		close(reached)
		c.Silence()
	}).URL("imap"))
	ended := make(chan error)
	go func() { ended <- s.noop(t.Context()) }()
	<-reached
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; !errors.Is(err, errClosed) {
		t.Errorf("the command ended with %v, want %v", err, errClosed)
	}
}

func TestE31SearchOfHalfAMillion(t *testing.T) {
	t.Parallel()
	const n = 500_000
	s := opened(t, Options{}, servertest.Script(t, func(c *servertest.ScriptConn) {
		c.Login("IMAP4rev1")
		c.Expect("UID SEARCH")
		var line strings.Builder
		line.WriteString("* SEARCH")
		for uid := range n {
			fmt.Fprintf(&line, " %d", 2*uid+1_000_000)
		}
		c.Send("%s", line.String())
		c.OK("done")
		c.Logout()
	}).URL("imap"))
	var found int
	err := s.run(t.Context(), "search", func() error {
		data, err := s.client.UIDSearch(&imap.SearchCriteria{}, nil).Wait()
		if err == nil {
			found = len(data.AllUIDs())
		}
		return err
	})
	if err != nil || found != n {
		t.Errorf("found %d, %v; want %d", found, err, n)
	}
}

func TestE12CapabilitiesOfBothRevisions(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, caps, command string
		rev2                bool
	}{
		{"revision 1 is spoken until the other is enabled", "IMAP4rev1 IMAP4rev2 UIDPLUS", `EXAMINE "Entw&APw-rfe"`, false},
		{"revision 2 alone: names in UTF-8", "IMAP4rev2", `EXAMINE "Entwürfe"`, true},
		{"a word that is no capability is left out", "IMAP4rev1 X{5} UIDPLUS", `EXAMINE "Entw&APw-rfe"`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := opened(t, Options{}, servertest.Script(t, func(c *servertest.ScriptConn) {
				c.Login(tt.caps)
				c.Expect(tt.command)
				c.OK("done")
				c.Logout()
			}).URL("imap"))
			if got := s.caps.Has(imap.CapIMAP4rev2); got != tt.rev2 {
				t.Errorf("IMAP4rev2: %v, want %v", got, tt.rev2)
			}
			if !s.caps.Has(imap.CapUIDPlus) {
				t.Errorf("UIDPLUS is missing in %v", s.caps)
			}
			err := s.run(t.Context(), "select", func() error {
				_, err := s.client.Select("Entwürfe", &imap.SelectOptions{ReadOnly: true}).Wait()
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestTraffic(t *testing.T) {
	t.Parallel()
	dovecot := servertest.Dovecot(t)
	s := opened(t, Options{CAs: dovecot.CAs}, dovecot.URL("imaps"))
	in, out := s.traffic()
	if err := s.noop(t.Context()); err != nil {
		t.Fatal(err)
	}
	in2, out2 := s.traffic()
	if in2-in < int64(len("T1 OK x\r\n")) || out2-out != int64(len("T1 NOOP\r\n")) {
		t.Errorf("a NOOP took %d bytes in, %d out", in2-in, out2-out)
	}
}

// What is logged at the lowest level has neither the password nor the address in it.
func TestDialLogsNoSecret(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	o := Options{Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	opened(t, o, servertest.Script(t, func(c *servertest.ScriptConn) {
		c.Login("IMAP4rev1")
		c.Logout()
	}).URL("imap"))
	if got := log.String(); !strings.Contains(got, "mechanism=PLAIN") || strings.Contains(got, servertest.Password) || strings.Contains(got, servertest.Alice) {
		t.Errorf("logged %q", got)
	}
}

func TestCloseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		var server sync.WaitGroup
		defer server.Wait()
		server.Go(func() {
			fmt.Fprint(theirs, "* PREAUTH [CAPABILITY IMAP4rev1] come in\r\n")
			_, _ = io.Copy(io.Discard, theirs) // and nothing more, not even to LOGOUT
		})
		o := Options{URL: "imap://localhost", Dial: func(context.Context, string, string) (net.Conn, error) { return ours, nil }}
		s, err := dial(t.Context(), &o)
		if err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := s.close(); err != nil {
			t.Error(err)
		}
		if took := time.Since(start); took != logoutTime {
			t.Errorf("it took %v, want %v", took, logoutTime)
		}
	})
}
