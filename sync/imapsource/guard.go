package imapsource

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// Limits bound what a server may make us read. Zero fields mean the defaults.
type Limits struct {
	Line        int64         // bytes of one response, literals not counted; default 16 MiB
	Literal     int64         // bytes of one literal; default 2 MiB
	Command     int64         // bytes of all responses to one command; default 256 MiB
	Responses   int64         // responses to one command; default 1,000,000
	CommandTime time.Duration // time spent waiting for the server in one command; default 10 min
}

func (l Limits) withDefaults() Limits {
	for _, f := range []struct {
		field *int64
		value int64
	}{
		{&l.Line, 16 << 20}, // 500,000 UIDs of a SEARCH take 4 MB
		{&l.Literal, 2 << 20},
		{&l.Command, 256 << 20},
		{&l.Responses, 1_000_000},
	} {
		if *f.field == 0 {
			*f.field = f.value
		}
	}
	if l.CommandTime == 0 {
		l.CommandTime = 10 * time.Minute
	}
	return l
}

// guard is the connection below the IMAP client. The client sets no limit on what
// it reads and knows no context; the guard bounds lines, literals, the whole answer
// to a command, and the time it takes. What it lets through it does not change.
//
// The first thing that ends the connection is kept as the reason, because what
// the client says afterwards ("unexpected EOF") only follows from it.
//
// One goroutine reads; all other methods may be called at any time.
type guard struct {
	net.Conn          // what the bytes go through: TLS, or TCP
	tcp      net.Conn // what ends it at once
	timeout  time.Duration
	limits   Limits
	in, out  atomic.Int64 // bytes, TLS removed

	mu       sync.Mutex
	ahead    []byte // read before by somebody else, and not yet passed on
	reason   error
	closed   bool
	scan     scanner
	active   bool          // a command is running
	silence  time.Duration // how long it may go without progress
	waited   time.Duration // for the server, during this command
	waitFrom time.Time     // of the read that is going on; zero when there is none
}

func newGuard(tcp net.Conn, timeout time.Duration, limits Limits) *guard {
	limits = limits.withDefaults()
	return &guard{Conn: tcp, tcp: tcp, timeout: timeout, limits: limits, scan: scanner{limits: limits}}
}

// begin is called when a command is about to be sent. It may go without any byte
// from the server for silence, or for the usual time if that is 0.
func (g *guard) begin(silence time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if silence == 0 {
		silence = g.timeout
	}
	g.active, g.silence, g.waited = true, silence, 0
	g.scan.bytes, g.scan.responses = 0, 0
	if !g.waitFrom.IsZero() {
		g.waitFrom = time.Now() // until now the read was waiting for nothing
	}
	g.arm()
}

// end is called when a command has been answered.
func (g *guard) end() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.active = false
	g.arm()
}

// arm sets the deadline of the read that is going on or comes next. The time
// begins anew with each read, so that only the server's silence counts, not the
// work that is done between two reads.
func (g *guard) arm() {
	var deadline time.Time
	if g.active {
		deadline = time.Now().Add(min(g.silence, max(g.limits.CommandTime-g.waited, 1)))
	}
	// The only error is that the connection is closed, and then Read says so.
	_ = g.Conn.SetReadDeadline(deadline)
}

// Read implements [net.Conn].
func (g *guard) Read(p []byte) (int, error) {
	g.mu.Lock()
	if len(g.ahead) > 0 {
		n := copy(p, g.ahead)
		g.ahead = g.ahead[n:]
		g.mu.Unlock()
		return n, nil
	}
	if g.reason != nil {
		defer g.mu.Unlock()
		return g.cut(p, g.reason)
	}
	g.waitFrom = time.Now()
	g.arm()
	g.mu.Unlock()

	n, err := g.Conn.Read(p)

	g.mu.Lock()
	defer g.mu.Unlock()
	if g.active {
		g.waited += time.Since(g.waitFrom)
	}
	g.waitFrom = time.Time{}
	g.in.Add(int64(n))
	if g.reason != nil {
		return g.cut(p, g.reason)
	}
	owed := g.scan.literal
	if limit := g.scan.next(p[:n]); limit != nil {
		g.reason = limit
		g.tcp.Close()
		g.scan.literal = owed
		return g.cut(p, limit)
	}
	if err != nil && !g.closed {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = g.timedOut()
			g.tcp.Close()
		}
		g.reason = err
	}
	if err != nil && n == 0 {
		return g.cut(p, err)
	}
	return n, nil // the error comes with the next read
}

// cut ends what is read with err, but fills up a literal first. The client hands
// a literal to whoever asked for it and reads on when that reader has met its end
// or an error; after an error the reader, which must drain what is left, would
// read from the connection at the same time as the client. Who reads a literal
// asks broken whether it was real.
func (g *guard) cut(p []byte, err error) (int, error) {
	n := min(int64(len(p)), g.scan.literal)
	if n == 0 {
		return 0, err
	}
	clear(p[:n])
	g.scan.literal -= n
	return int(n), nil
}

func (g *guard) timedOut() error {
	if g.waited >= g.limits.CommandTime {
		return &timeoutError{fmt.Sprintf("the answer was not complete after %v", g.limits.CommandTime)}
	}
	return &timeoutError{fmt.Sprintf("the server did not answer for %v", g.silence)}
}

// Write implements [net.Conn].
func (g *guard) Write(p []byte) (int, error) {
	n, err := g.Conn.Write(p)
	g.out.Add(int64(n))
	if err != nil {
		g.mu.Lock()
		defer g.mu.Unlock()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			err = &timeoutError{"the server does not read what is sent to it"}
		}
		if g.reason == nil && !g.closed {
			g.reason = err
		}
		if g.reason != nil {
			err = g.reason
		}
	}
	return n, err
}

// Close implements [net.Conn].
func (g *guard) Close() error {
	g.mu.Lock()
	broken := g.reason != nil
	g.closed = true
	g.mu.Unlock()
	if broken {
		return g.tcp.Close() // TLS would wait to say goodbye
	}
	return g.Conn.Close()
}

// abort ends the connection at once. cause becomes the reason, if there is none yet.
func (g *guard) abort(cause error) {
	g.mu.Lock()
	if g.reason == nil {
		g.reason = cause
	}
	g.mu.Unlock()
	g.tcp.Close()
}

// bind ends the connection when ctx is done. After release it does not any more:
// either the connection has been ended by then, or ctx has no hold on it.
func (g *guard) bind(ctx context.Context) (release func()) {
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		g.abort(context.Cause(ctx))
	})
	return func() {
		if !stop() {
			<-ended
		}
	}
}

// SetReadDeadline does nothing: the client allows 30 s for a response however
// long it is, and the guard knows better.
func (g *guard) SetReadDeadline(time.Time) error { return nil }

// SetDeadline sets the deadline for writes only, see SetReadDeadline.
func (g *guard) SetDeadline(t time.Time) error { return g.Conn.SetWriteDeadline(t) }

// secure makes everything go through conn from now on.
func (g *guard) secure(conn net.Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.Conn = conn
}

// unread makes p the next bytes that are read. They are not looked at again.
func (g *guard) unread(p []byte) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.ahead = append(p, g.ahead...)
}

// ended returns why the connection ended and what the server said in its BYE, if
// it said one. Without a reason, ours tells whether it was closed from this side.
func (g *guard) ended() (bye string, ours bool, reason error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.scan.bye, g.closed, g.reason
}

func (g *guard) running() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.active
}

// timeoutError is a [net.Error] that says who kept whom waiting.
type timeoutError struct{ text string }

func (e *timeoutError) Error() string        { return e.text }
func (e *timeoutError) Timeout() bool        { return true }
func (e *timeoutError) Temporary() bool      { return true }
func (e *timeoutError) Is(target error) bool { return target == os.ErrDeadlineExceeded }

// limitError says that a server sent more than [Limits] allow.
type limitError struct {
	what string // "a line", "a literal", …
	max  int64
	unit string
}

func (e *limitError) Error() string {
	return fmt.Sprintf("the server sent %s of more than %d %s", e.what, e.max, e.unit)
}

func (e *limitError) Is(target error) bool { return target == errUnreadable }

// scanner follows the frame of what a server sends (RFC 9051 §2.2.2): responses
// that end with a line, and literals within them. It copies no more than the first
// and last bytes of a line.
type scanner struct {
	limits Limits

	bytes     int64 // since the command began
	responses int64

	line    int64 // bytes of this response so far, without literals
	literal int64 // bytes of the literal still to come
	head    []byte
	tail    []byte // the last bytes of the line, as far as read
	bye     string // the text of a BYE
}

const (
	headSize = 256 // enough for the text of a BYE
	tailSize = 24  // enough for "{" + 19 digits + "} \r\n"
)

// next looks at the bytes that follow those seen before. It returns a
// [*limitError] as soon as a limit is known to be passed.
func (s *scanner) next(p []byte) error {
	if s.bytes += int64(len(p)); s.bytes > s.limits.Command {
		return &limitError{"an answer", s.limits.Command, "bytes"}
	}
	for len(p) > 0 {
		if s.literal > 0 {
			n := min(int64(len(p)), s.literal)
			s.literal -= n
			p = p[n:]
			continue
		}
		line, ended := p, false
		if i := bytes.IndexByte(p, '\n'); i >= 0 {
			line, ended = p[:i+1], true
		}
		p = p[len(line):]
		if s.line += int64(len(line)); s.line > s.limits.Line {
			return &limitError{"a line", s.limits.Line, "bytes"}
		}
		if room := headSize - len(s.head); room > 0 {
			s.head = append(s.head, line[:min(room, len(line))]...)
		}
		if len(line) >= tailSize {
			s.tail = append(s.tail[:0], line[len(line)-tailSize:]...)
		} else {
			s.tail = append(s.tail, line...)
			if over := len(s.tail) - tailSize; over > 0 {
				s.tail = append(s.tail[:0], s.tail[over:]...)
			}
		}
		if !ended {
			return nil
		}
		if size, ok := announced(s.tail); ok && mayHoldLiteral(s.head) {
			if size > s.limits.Literal {
				return &limitError{"a literal", s.limits.Literal, "bytes"}
			}
			s.literal, s.tail = size, s.tail[:0]
			continue
		}
		if word, text := status(s.head); bytes.EqualFold(word, []byte("BYE")) {
			s.bye = string(bytes.TrimSpace(text))
		}
		s.line, s.head, s.tail = 0, s.head[:0], s.tail[:0]
		if s.responses++; s.responses > s.limits.Responses {
			return &limitError{"an answer", s.limits.Responses, "responses"}
		}
	}
	return nil
}

// announced reads the size of the literal that follows a line which ends like
// this. Like the client, it takes a lone LF for a line's end, and a space before it.
func announced(tail []byte) (size int64, ok bool) {
	tail = bytes.TrimSuffix(tail, []byte("\n"))
	tail = bytes.TrimSuffix(tail, []byte("\r"))
	tail = bytes.TrimSuffix(tail, []byte(" "))
	if len(tail) == 0 || tail[len(tail)-1] != '}' {
		return 0, false
	}
	const huge = 1 << 62
	scale := int64(1)
	for i := len(tail) - 2; i >= 0; i-- {
		c := tail[i]
		switch {
		case c == '{':
			return size, i < len(tail)-2
		case c < '0' || c > '9':
			return 0, false
		case scale >= huge/10 && c != '0':
			return huge, true
		case scale < huge/10:
			size += int64(c-'0') * scale
			scale *= 10
		}
	}
	return huge, true // more digits than any size has
}

// mayHoldLiteral tells whether a response that begins like this is data. Status
// responses and continuation requests end in free text, in which "{5}" means nothing.
func mayHoldLiteral(head []byte) bool {
	if !bytes.HasPrefix(head, []byte("* ")) {
		return false
	}
	word, _ := status(head)
	return word == nil
}

var statuses = [][]byte{[]byte("OK"), []byte("NO"), []byte("BAD"), []byte("BYE"), []byte("PREAUTH")}

// status splits an untagged status response (RFC 9051 §7.1) into its word and the
// rest. The word is nil when the response is another one.
func status(head []byte) (word, text []byte) {
	if len(head) < 4 || head[0] != '*' || head[1] != ' ' || head[2] < 'A' {
		return nil, nil
	}
	for _, word := range statuses {
		if len(head) > 2+len(word) && bytes.EqualFold(head[2:2+len(word)], word) {
			switch head[2+len(word)] {
			case ' ', '\r', '\n':
				return word, head[2+len(word):]
			}
		}
	}
	return nil, nil
}
