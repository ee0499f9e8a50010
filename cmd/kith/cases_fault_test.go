package main

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kith"
	"kith/servertest"
	"kith/store"
)

// serverFault is a server that does not let the daemon read Alice's mailbox.
type serverFault struct {
	name  string
	fault func(c *servertest.ScriptConn)
	state kith.AccountState
	says  string        // in kith status
	pause time.Duration // until the next try; up to a quarter less where it is a back-off
}

// refused answers a login; E16: LOGOUT comes after that, and no other try.
func refused(answer string) func(c *servertest.ScriptConn) {
	return func(c *servertest.ScriptConn) {
		c.Send("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready")
		c.Expect("AUTHENTICATE PLAIN")
		c.Send("%s %s", c.Tag, answer)
		c.Logout()
	}
}

// interrupted answers the first command after the login, which is LIST.
func interrupted(by func(c *servertest.ScriptConn)) func(c *servertest.ScriptConn) {
	return func(c *servertest.ScriptConn) {
		c.Login("IMAP4rev1")
		c.Expect("LIST")
		by(c)
	}
}

// answered is interrupted by a tagged answer.
func answered(answer string) func(c *servertest.ScriptConn) {
	return interrupted(func(c *servertest.ScriptConn) {
		c.Send("%s %s", c.Tag, answer)
		c.Logout()
	})
}

// greeted sends a line and hangs up.
func greeted(line string) func(c *servertest.ScriptConn) {
	return func(c *servertest.ScriptConn) { c.Send("%s", line) }
}

const (
	firstBackoff = 15 * time.Second
	leastPause   = time.Minute     // after a server said that it is too much
	loginPause   = 5 * time.Minute // after a refused login
)

var serverFaults = []serverFault{
	{"E14 THROTTLED", refused("NO [THROTTLED] slow down"), kith.StateThrottled, "asks for a pause: NO [THROTTLED] slow down", leastPause},
	{"E14 LIMIT", refused("NO [LIMIT] slow down"), kith.StateThrottled, "asks for a pause", leastPause},
	{"E14 OVERQUOTA", answered("NO [OVERQUOTA] Account exceeded command or bandwidth limits."), kith.StateThrottled, "bandwidth limits", leastPause},
	{"E14 a pause that is told at the login", refused("BAD Request is throttled. Suggested Backoff Time: 92415 milliseconds"),
		kith.StateThrottled, "Suggested Backoff Time: 92415 milliseconds", 92415 * time.Millisecond},
	{"E14 a pause that is told in the middle", answered("BAD Request is throttled. Suggested Backoff Time: 3600000 milliseconds"),
		kith.StateThrottled, "list the folders: the server asks for a pause", time.Hour},
	{"E15 BYE in the greeting", greeted("* BYE [UNAVAILABLE] come back later"), kith.StateFailing, "greeting: the server ended the session: BYE [UNAVAILABLE] come back later", firstBackoff},
	{"E15 BYE in place of an answer", interrupted(func(c *servertest.ScriptConn) { c.Send("* BYE going down") }), kith.StateFailing, "the server ended the session: BYE going down", firstBackoff},
	{"E15 closed without a word", func(*servertest.ScriptConn) {}, kith.StateFailing, "greeting: the server closed the connection", firstBackoff},
	{"E15 reset", interrupted((*servertest.ScriptConn).Reset), kith.StateFailing, "the server reset the connection", firstBackoff},
	{"E16 too many connections, Gmail", refused("NO [ALERT] Too many simultaneous connections. (Failure)"), kith.StateThrottled, "Too many simultaneous connections", leastPause},
	{"E16 too many connections, in the greeting", greeted("* BYE Too many connections from your IP"), kith.StateThrottled, "Too many connections", leastPause},
	{"E18 the mailbox server is away, said at the login", refused("NO User is authenticated but not connected."), kith.StateFailing, "the server says: NO User is authenticated but not connected.", firstBackoff},
	{"E18 the mailbox server is away, said after the login", answered("BAD User is authenticated but not connected."), kith.StateFailing, "the server says: BAD User is authenticated but not connected.", firstBackoff},
	{"E19 AUTHENTICATIONFAILED", refused("NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)"), kith.StateFailing, "the server refused the login: NO [AUTHENTICATIONFAILED] Invalid credentials", loginPause},
	{"E19 a refusal without a code", refused("NO AUTHENTICATE failed."), kith.StateFailing, "the server refused the login: NO AUTHENTICATE failed.", loginPause},
	{"E20 UNAVAILABLE", refused("NO [UNAVAILABLE] sorry"), kith.StateFailing, "the server says: NO [UNAVAILABLE] sorry", firstBackoff},
	{"E20 INUSE", refused("NO [INUSE] locked"), kith.StateFailing, "the server says: NO [INUSE] locked", firstBackoff},
	{"E20 SERVERBUG", refused("NO [SERVERBUG] oops"), kith.StateFailing, "the server says: NO [SERVERBUG] oops", firstBackoff},
	{"E20 UNAVAILABLE after the login", answered("NO [UNAVAILABLE] sorry"), kith.StateFailing, "list the folders: the server says: NO [UNAVAILABLE] sorry", firstBackoff},
}

// faultySite is a register of Alice's mailbox, whose server has a fault, and Bob's,
// whose server has none.
type faultySite struct {
	*caseSite
	bob   *servertest.Mailbox
	fault atomic.Pointer[func(c *servertest.ScriptConn)] // nil: mended
	tries atomic.Int64                                   // connections to Alice's server
}

func newFaultySite(t *testing.T, fault func(c *servertest.ScriptConn)) *faultySite {
	t.Helper()
	s := &faultySite{}
	s.fault.Store(&fault)
	alice := servertest.NewMailbox(newOffers(1, 2, 3))
	faulty := servertest.Script(t, func(c *servertest.ScriptConn) {
		s.tries.Add(1)
		if fault := s.fault.Load(); fault != nil {
			(*fault)(c)
			return
		}
		alice.Serve(c)
	})
	s.bob = servertest.NewMailbox(newOffers(11))
	well := bob
	well.lines = fmt.Sprintf("url = %q\nschedule = \"@every 1s\"\n", servertest.Script(t, s.bob.Serve).URL("imap"))
	c := hardCase{account: `schedule = "@every 1h"`, others: []colleague{well}}
	s.caseSite = newCaseSite(t, c, faulty.URL("imap"), map[string]string{"alice": servertest.Alice, "bob": servertest.Bob})
	s.start = clock().Truncate(time.Microsecond) // as the register keeps it
	return s
}

// turns lets some seconds pass in which Bob is polled twice: what is due is begun meanwhile.
func (s *faultySite) turns() {
	s.t.Helper()
	sessions := func() (n int) {
		s.bob.Change(func() { n = s.bob.Sessions })
		return n
	}
	for range 2 {
		before := sessions()
		eventually(s.t, "Bob is polled", func() bool {
			s.wait(10 * time.Millisecond)
			return sessions() > before
		})
	}
}

// failed waits until Alice's account has failed so many times, and returns it.
func (s *faultySite) failed(times int) (account accountJSON, code int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("try %d has failed", times), func() bool {
		attempts := 0
		s.withStore(func(st store.Store) error {
			account, err := st.Account(s.t.Context(), "alice")
			attempts = account.Attempts
			return err
		})
		return attempts == times
	})
	if tries := s.tries.Load(); tries != int64(times) {
		s.t.Errorf("%d connections for %d failures", tries, times)
	}
	return s.health("alice")
}

// try runs the daemon on a server with the fault, then on one that is mended.
func (f serverFault) try(t *testing.T) {
	s := newFaultySite(t, f.fault)
	_, stop := s.daemon()
	defer func() { stop() }()

	account, code := s.failed(1)
	if code != exitDone || account.State != f.state || account.LastSuccess != nil || !strings.Contains(said(account.Error), f.says) {
		t.Errorf("status: exit code %d, state %s, %s; want %s, %q", code, account.State, said(account.Error), f.state, f.says)
	}
	least := f.pause
	if f.pause == firstBackoff {
		least = f.pause * 3 / 4
	}
	s.within("the next try", account.NextPoll, least, f.pause)
	if text := s.must("status"); !strings.Contains(text, f.says) || !strings.Contains(text, string(f.state)) {
		t.Errorf("status says\n%s\nwant %s and %q", text, f.state, f.says)
	}
	s.until(account, 1)
	if f.pause == loginPause {
		s.comesToNeedAttention(f.says)
		stop()
		s.write("password", "another\n")
		s.fault.Store(nil)
		_, stop = s.daemon()
	} else {
		s.fault.Store(nil)
		s.wait(account.NextPoll.Sub(s.now()))
	}
	eventually(t, "the account is well again", func() bool {
		account, _ := s.health("alice")
		return account.State == kith.StateOK
	})
	s.healthy("in the end")
	eventually(t, "all is recorded", func() bool { return len(s.interactions()) >= 4 })
	s.check("in the end", offers(1, 2, 3, 11)...)
}

// until lets time pass until shortly before Alice's account is due again, and
// asserts that it was not tried meanwhile.
func (s *faultySite) until(account accountJSON, tries int64) {
	s.t.Helper()
	s.wait(account.NextPoll.Sub(s.now()) - 8*time.Second)
	s.turns()
	if got := s.tries.Load(); got != tries {
		s.t.Errorf("%d tries before the pause was over, want %d", got, tries)
	}
}

// comesToNeedAttention goes on after the first refusal of a login until it is
// given up, so that nobody is locked out of the mailbox.
func (s *faultySite) comesToNeedAttention(says string) {
	s.t.Helper()
	account, _ := s.health("alice")
	s.wait(account.NextPoll.Sub(s.now()))
	account, _ = s.failed(2)
	s.within("the third try", account.NextPoll, 2*loginPause, 2*loginPause)
	s.until(account, 2)
	s.wait(account.NextPoll.Sub(s.now()))
	account, code := s.failed(3)
	if code != exitPartly || account.State != kith.StateNeedsAttention || account.NextPoll != nil {
		s.t.Errorf("after three refusals: exit code %d, %+v", code, account)
	}
	if _, text, _ := s.run("status"); !strings.Contains(text, "needs attention") || !strings.Contains(text, says) {
		s.t.Errorf("status says\n%s", text)
	}
	s.wait(7 * 24 * time.Hour)
	s.turns()
	if got := s.tries.Load(); got != 3 {
		s.t.Errorf("%d tries in a week, want no more than the three", got)
	}
}
