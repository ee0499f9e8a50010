package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"kith"
	"kith/servertest"
)

// Some servers can only be had by a script: those that answer wrongly. What they
// do to one source is tried in package imapsource; here it goes on through
// matcher, store and syncer to what a command prints.

// scriptedBox is a mailbox of Ann's letters to Alice on a scripted server, and a
// register for it.
type scriptedBox struct {
	*caseSite
	*servertest.Mailbox
	inbox *servertest.Folder
}

// newScriptedBox makes a mailbox with letters of these UIDs. setup, if not nil,
// changes it before it is served. lines are of the account.
func newScriptedBox(t *testing.T, c hardCase, setup func(b *scriptedBox), uids ...uint32) *scriptedBox {
	t.Helper()
	b := &scriptedBox{inbox: newOffers(uids...)}
	b.Mailbox = servertest.NewMailbox(b.inbox)
	if setup != nil {
		setup(b)
	}
	b.caseSite = newCaseSite(t, c, servertest.Script(t, b.Serve).URL("imap"), map[string]string{"alice": servertest.Alice})
	return b
}

// newOffers makes an INBOX of letters of Ann's, of which each is an offer with the
// number of its UID.
func newOffers(uids ...uint32) *servertest.Folder {
	return servertest.NewInbox(func(uid uint32) string {
		head, _, _ := strings.Cut(letter(fmt.Sprintf("Message-ID: <%d@client.test>", uid), fmt.Sprintf("Subject: offer %d", uid)), "\n\n")
		return strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n"
	}, arrived, uids...)
}

// upTo returns the numbers from 1.
func upTo(n uint32) []uint32 {
	numbers := make([]uint32, n)
	for i := range numbers {
		numbers[i] = uint32(i) + 1
	}
	return numbers
}

// offers are the rows of letters with these numbers.
func offers(numbers ...uint32) []row {
	var all []row
	for _, n := range numbers {
		all = append(all, row{Subject: fmt.Sprintf("offer %d", n)})
	}
	slices.SortFunc(all, func(a, b row) int { return strings.Compare(a.Subject, b.Subject) })
	return all
}

// butFor returns the numbers but for some.
func butFor(numbers []uint32, some ...uint32) []uint32 {
	return slices.DeleteFunc(slices.Clone(numbers), func(n uint32) bool { return slices.Contains(some, n) })
}

// health returns what kith status says of an account, and its exit code.
func (s *site) health(name string) (account accountJSON, code int) {
	s.t.Helper()
	code, stdout, stderr := s.run("--json", "status")
	status := jsonLinesOf[statusJSON](s.t, stdout)
	if len(status) != 1 {
		s.t.Fatalf("kith status: exit code %d\n%s", code, stderr)
	}
	i := slices.IndexFunc(status[0].Accounts, func(a accountJSON) bool { return a.Name == name })
	if i < 0 {
		s.t.Fatalf("kith status does not tell of %s: %s", name, stdout)
	}
	return status[0].Accounts[i], code
}

// healthy asserts that nothing is wrong with Alice's account, and nothing in quarantine.
func (s *site) healthy(when string) {
	s.t.Helper()
	account, code := s.health("alice")
	if code != exitDone || account.State != kith.StateOK || account.Error != nil {
		s.t.Errorf("%s: exit code %d, state %s, %s", when, code, account.State, said(account.Error))
	}
	for _, stream := range account.Streams {
		if stream.Quarantined > 0 || stream.Error != nil {
			s.t.Errorf("%s: %s: %d in quarantine, %s", when, stream.Name, stream.Quarantined, said(stream.Error))
		}
	}
}

// said is the text of an error in JSON.
func said(text *string) string {
	if text == nil {
		return "no error"
	}
	return *text
}

// daemon runs kith serve in the process, on the site's clock, until stop is called.
func (s *site) daemon() (log *safeBuffer, stop func()) {
	s.t.Helper()
	port, err := freePort(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.MkdirAll(s.path("conf.d"), 0o700); err != nil {
		s.t.Fatal(err)
	}
	d := &served{url: fmt.Sprintf("http://127.0.0.1:%d", port)}
	s.write("conf.d/http.toml", fmt.Sprintf("[http]\nlisten = \"127.0.0.1:%d\"\n", port))
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan int, 1)
	go func() { ended <- s.runTo(ctx, &d.log, &d.log, "serve") }()
	stop = func() {
		s.t.Helper()
		cancel()
		if code := <-ended; code != exitDone {
			s.t.Errorf("kith serve: exit code %d\n%s", code, d.log.String())
		}
	}
	eventually(s.t, "the daemon answers", func() bool {
		code, _ := d.get(s.t, "/healthz")
		return code == http.StatusOK
	})
	return &d.log, stop
}

// within asserts that a time is so far ahead of the site's clock.
func (s *site) within(what string, at *time.Time, least, most time.Duration) {
	s.t.Helper()
	if at == nil {
		s.t.Errorf("%s is never", what)
		return
	}
	if d := at.Sub(s.now()); d < least || d > most {
		s.t.Errorf("%s is in %v, want %v to %v", what, d.Round(time.Millisecond), least, most)
	}
}
