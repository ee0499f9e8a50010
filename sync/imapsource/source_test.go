package imapsource_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kith"
	"kith/servertest"
	syncer "kith/sync"
	"kith/sync/imapsource"
	"kith/sync/sourcetest"
)

var _ syncer.Source = (*imapsource.Source)(nil)

// march is when the messages of these tests arrive, if it does not matter.
var march = time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC)

// servers are what Dovecot announces: all that it can do, or the least.
var servers = []struct{ name, caps string }{
	{"all capabilities", ""},
	{"IMAP4rev1 alone", "IMAP4rev1"},
}

// aliceAt is for alice on a server at this URL.
func aliceAt(url string) imapsource.Options {
	return imapsource.Options{
		Account:  "alice",
		URL:      url,
		Username: servertest.Alice,
		Password: func(context.Context) (string, error) { return servertest.Password, nil },
	}
}

func open(t testing.TB, o imapsource.Options) *imapsource.Source {
	t.Helper()
	s, err := imapsource.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// letter is a message that is like no other.
func letter(n int) []byte {
	return fmt.Appendf(nil, "From: Ann <ann@client.test>\r\nTo: alice@example.test\r\nSubject: letter %d\r\n"+
		"Date: Sun, 1 Mar 2026 10:00:00 +0000\r\nMessage-ID: <letter-%d@client.test>\r\n\r\nhello\r\n", n, n)
}

func deliver(t testing.TB, d *servertest.DovecotServer, folder string, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		d.Deliver(t, servertest.Alice, folder, march, "", letter(n))
	}
}

func upTo(n int) []int {
	numbers := make([]int, n)
	for i := range numbers {
		numbers[i] = i + 1
	}
	return numbers
}

func inbox() kith.Stream { return kith.Stream{Name: "INBOX", Role: kith.RoleInbox} }

// poll reads a stream to its end, which must be without an error.
func poll(t testing.TB, s *imapsource.Source, stream kith.Stream, from kith.Cursor) []kith.Batch {
	t.Helper()
	batches, err := tryPoll(t, s, stream, from)
	if err != nil {
		t.Fatalf("Changes: %v", err)
	}
	return batches
}

func tryPoll(t testing.TB, s *imapsource.Source, stream kith.Stream, from kith.Cursor) (batches []kith.Batch, err error) {
	t.Helper()
	for batch, e := range s.Changes(t.Context(), stream, from) {
		if err = e; err == nil {
			batches = append(batches, batch)
		}
	}
	return batches, err
}

func after(batches []kith.Batch, from kith.Cursor) kith.Cursor {
	if len(batches) == 0 {
		return from
	}
	return batches[len(batches)-1].Cursor
}

// subjects returns the subjects of all items, sorted.
func subjects(batches []kith.Batch) []string {
	list := []string{}
	for _, b := range batches {
		for _, item := range b.Items {
			list = append(list, item.Message.Subject)
		}
	}
	slices.Sort(list)
	return list
}

// letters are the subjects of letters, sorted.
func letters(numbers ...int) []string {
	list := []string{}
	for _, n := range numbers {
		list = append(list, fmt.Sprintf("letter %d", n))
	}
	slices.Sort(list)
	return list
}

func skipped(batches []kith.Batch) map[kith.Reason]int {
	all := map[kith.Reason]int{}
	for _, b := range batches {
		for reason, n := range b.Skipped {
			all[reason] += n
		}
	}
	return all
}

func warnings(batches []kith.Batch) string {
	var list []string
	for _, b := range batches {
		list = append(list, b.Warnings...)
	}
	return strings.Join(list, "; ")
}

// wire records what is said over connections that are not encrypted.
type wire struct {
	mu       sync.Mutex
	commands []string // without tags, of the connections that were logged in
	turns    int      // times that the client spoke after the server did, since the last login
	received int64
	logins   int
	answered bool
}

// dial is for Options.Dial.
func (w *wire) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return &wireConn{Conn: conn, wire: w}, nil
}

type wireConn struct {
	net.Conn
	wire *wire
	line []byte
}

func (c *wireConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	c.wire.received += int64(n)
	c.wire.answered = c.wire.answered || n > 0
	return n, err
}

func (c *wireConn) Write(p []byte) (int, error) {
	c.wire.mu.Lock()
	defer c.wire.mu.Unlock()
	w := c.wire
	if w.answered {
		w.turns++
		w.answered = false
	}
	for _, b := range p {
		if b != '\n' {
			c.line = append(c.line, b)
			continue
		}
		_, command, _ := bytes.Cut(bytes.TrimSpace(c.line), []byte(" "))
		c.line = nil
		w.commands = append(w.commands, string(command))
		if word, _, _ := bytes.Cut(command, []byte(" ")); string(word) == "AUTHENTICATE" || string(word) == "LOGIN" {
			w.logins++
		}
	}
	return c.Conn.Write(p)
}

// reset forgets what was said so far.
func (w *wire) reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.commands, w.turns, w.received = nil, 0, 0
}

// names returns the names of the commands since reset, sorted, each once.
func (w *wire) names() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var names []string
	for _, c := range w.commands {
		words := strings.Fields(c)
		if len(words) == 0 {
			continue
		}
		name := strings.ToUpper(words[0])
		if name == "UID" && len(words) > 1 {
			name += " " + strings.ToUpper(words[1])
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestSourceOnDovecot(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			d := servertest.Dovecot(t, servertest.DovecotOptions{Caps: server.caps})
			folders := 0
			sourcetest.Run(t, func(t *testing.T) sourcetest.Account {
				folders++
				stream := fmt.Sprintf("Letters %d", folders)
				d.Adm(t, "mailbox", "create", "-u", servertest.Alice, stream)
				n := 0
				return sourcetest.Account{
					Stream: stream,
					Batch:  5,
					Open: func(t testing.TB) syncer.Source {
						o := aliceAt(d.URL("imap"))
						o.Chunk = 5
						return open(t, o)
					},
					Add: func(t testing.TB, count int) {
						for range count {
							n++
							deliver(t, d, stream, n)
						}
					},
					Remove: func(t testing.TB, ref string) {
						_, uid, _ := strings.Cut(ref, ":")
						d.Adm(t, "expunge", "-u", servertest.Alice, "mailbox", stream, "uid", uid)
					},
				}
			})
		})
	}
}
