package imapsource

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-sasl"
)

// prologue is a session up to and with the login (RFC 9051 §3.1, §3.2), spoken
// line by line before the IMAP client takes over. The client is not asked to do
// this part because it sends STARTTLS before the greeting has come, sends
// CAPABILITY by itself where some servers drop what comes near a LOGIN, and
// waits for ever, even on a closed connection, when a server answers a
// challenge response before it was sent.
type prologue struct {
	guard *guard
	br    *bufio.Reader
	tag   int
	// caps are what the server announced, in its spelling; nil when it did
	// not since they last could change.
	caps []string
}

// Bounds of what a server may say before we are logged in.
const (
	maxPrologueLine  = 64 << 10 // bytes
	maxPrologueLines = 1000     // in answer to one command
)

func newPrologue(g *guard) *prologue {
	return &prologue{guard: g, br: bufio.NewReaderSize(g, maxPrologueLine)}
}

// response is one line from the server.
type response struct {
	tag  string // "*", "+" or the tag of a command
	word string // OK, NO, …, in upper case
	text string
}

func (p *prologue) read() (response, error) {
	line, err := p.br.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		err = p.over(&limitError{"a line", maxPrologueLine, "bytes"})
	}
	if err != nil {
		return response{}, err
	}
	text := strings.TrimRight(string(line), "\r\n")
	tag, text, _ := strings.Cut(text, " ")
	if tag == "+" {
		return response{tag: tag, text: text}, nil
	}
	word, text, _ := strings.Cut(text, " ")
	r := response{tag, strings.ToUpper(word), text}
	if r.word == "CAPABILITY" && r.tag == "*" {
		p.caps = strings.Fields(text)
	}
	if code, args, _ := parseRespText(text); code == "CAPABILITY" && (r.word == "OK" || r.word == "PREAUTH") {
		p.caps = strings.Fields(args)
	}
	return r, nil
}

// err returns the failure that a status response tells of.
func (r response) err() error {
	switch r.word {
	case "OK", "PREAUTH":
		return nil
	case "NO", "BAD", "BYE":
		code, _, text := parseRespText(r.text)
		return &imap.Error{Type: imap.StatusResponseType(r.word), Code: code, Text: text}
	}
	return fmt.Errorf("%w: no status response", errUnreadable)
}

// greeting reads the first line. It returns its word, OK or PREAUTH.
func (p *prologue) greeting() (string, error) {
	r, err := p.read()
	if err != nil {
		return "", err
	}
	if r.tag != "*" {
		return "", fmt.Errorf("%w: it does not begin as IMAP does", errUnreadable)
	}
	return r.word, r.err()
}

// send sends a line of a command. It begins with the tag if it is the first one.
func (p *prologue) send(line string) error {
	_, err := io.WriteString(p.guard, line+"\r\n")
	return err
}

// begin sends the first line of a command.
func (p *prologue) begin(line string) error {
	p.tag++
	return p.send(fmt.Sprintf("K%d %s", p.tag, line))
}

// wait reads up to the tagged response to the command, or a continuation
// request. The error is an [*imap.Error] when the server refused.
func (p *prologue) wait() (r response, err error) {
	tag := fmt.Sprintf("K%d", p.tag)
	for range maxPrologueLines {
		r, err := p.read()
		switch {
		case err != nil:
			return r, err
		case r.tag == tag:
			return r, r.err()
		case r.tag == "+":
			return r, nil
		case r.tag != "*":
			return r, fmt.Errorf("%w: it answers a command that was not sent", errUnreadable)
		case r.word == "BYE":
			return r, r.err()
		}
	}
	return r, p.over(&limitError{"an answer", maxPrologueLines, "responses"})
}

// over ends the connection at a limit.
func (p *prologue) over(limit *limitError) error {
	p.guard.abort(limit)
	return limit
}

// command sends a command of one line and waits for its tagged response.
func (p *prologue) command(line string) error {
	if err := p.begin(line); err != nil {
		return err
	}
	return p.done()
}

// done waits for the tagged response to a command that was sent completely.
func (p *prologue) done() error {
	r, err := p.wait()
	if err == nil && r.tag == "+" {
		return fmt.Errorf("%w: it asks for more where there is none", errUnreadable)
	}
	return err
}

// capabilities asks for the capabilities unless they are known.
func (p *prologue) capabilities() error {
	if p.caps != nil {
		return nil
	}
	if err := p.command("CAPABILITY"); err != nil {
		return err
	}
	if p.caps == nil {
		p.caps = []string{"IMAP4rev1"}
	}
	return nil
}

// has tells whether a capability was announced.
func (p *prologue) has(name string) bool {
	return slices.ContainsFunc(p.caps, func(c string) bool { return strings.EqualFold(c, name) })
}

// startTLS turns the connection into TLS (RFC 9051 §6.2.1). handshake gets the
// connection and returns the one over it.
func (p *prologue) startTLS(handshake func(net.Conn) (net.Conn, error)) error {
	if err := p.command("STARTTLS"); err != nil {
		return err
	}
	// Whoever can write to the plain connection could put commands' answers
	// here, to be taken for the server's once TLS is up.
	if p.br.Buffered() > 0 {
		return errInjected
	}
	conn, err := handshake(p.guard.Conn)
	if err != nil {
		return err
	}
	p.guard.secure(conn)
	p.caps = nil // RFC 9051 §6.2.1: what was announced in plain text must be forgotten
	return nil
}

// authenticate runs a SASL exchange (RFC 9051 §6.2.2), with the initial response in
// the command itself if the server takes it there. The error is an
// [*imap.Error] when the server refused.
func (p *prologue) authenticate(mech sasl.Client, saslIR bool) error {
	name, initial, err := mech.Start()
	if err != nil {
		return err
	}
	line := "AUTHENTICATE " + name
	if initial != nil && saslIR {
		line += " " + encodeInitial(initial)
		initial = nil
	}
	if err := p.begin(line); err != nil {
		return err
	}
	for {
		r, err := p.wait()
		if err != nil || r.tag != "+" {
			return err
		}
		answer := initial
		if initial == nil {
			challenge, err := base64.StdEncoding.DecodeString(r.text)
			if err == nil {
				answer, err = mech.Next(challenge)
			}
			if err != nil {
				return p.cancel(err)
			}
		}
		initial = nil
		if err := p.send(base64.StdEncoding.EncodeToString(answer)); err != nil {
			return err
		}
	}
}

// cancel ends a SASL exchange that we can't go on with, and returns why.
func (p *prologue) cancel(why error) error {
	if err := p.send("*"); err == nil {
		_, _ = p.wait() // BAD, as it must be; why says more
	}
	return why
}

// encodeInitial encodes an initial response, where "=" stands for an empty one (RFC 4959 §3).
func encodeInitial(b []byte) string {
	if len(b) == 0 {
		return "="
	}
	return base64.StdEncoding.EncodeToString(b)
}

// login sends LOGIN (RFC 9051 §6.2.3). What can't be quoted goes as a literal, and
// waits for the server to ask for it.
func (p *prologue) login(username, password string) error {
	var lines, literals []string // literals[i] is sent between lines[i] and lines[i+1]
	line := "LOGIN"
	for _, arg := range []string{username, password} {
		if quotable(arg) {
			line += " " + quote(arg)
			continue
		}
		lines = append(lines, fmt.Sprintf("%s {%d}", line, len(arg)))
		literals = append(literals, arg)
		line = ""
	}
	lines = append(lines, line)
	if err := p.begin(lines[0]); err != nil {
		return err
	}
	for i, literal := range literals {
		r, err := p.wait()
		if err != nil {
			return err
		}
		if r.tag != "+" {
			return fmt.Errorf("%w: it accepts a login that was not sent", errUnreadable)
		}
		if err := p.send(literal + lines[i+1]); err != nil {
			return err
		}
	}
	return p.done()
}

// quotable tells whether s may stand in a quoted string (RFC 3501 §9: 7-bit, no CR, LF or NUL).
func quotable(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' {
			return false
		}
	}
	return len(s) < 1000 // longer ones go as literals, for servers with short lines
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// handOver returns what the server can do, and what the IMAP client is to read
// first: a greeting which says that it is logged in, with the same capabilities so
// that it need not ask for them, and what was read ahead.
func (p *prologue) handOver() (caps imap.CapSet, ahead []byte, err error) {
	caps = make(imap.CapSet)
	var greeting strings.Builder
	greeting.WriteString("* PREAUTH [CAPABILITY")
	rev1 := p.has("IMAP4rev1")
	for _, c := range p.caps {
		name := imap.Cap(strings.ToUpper(c))
		switch {
		case !isAtom(c):
			continue
		case strings.EqualFold(c, "IMAP4rev1"):
			name = imap.CapIMAP4rev1
		case strings.EqualFold(c, "IMAP4rev2"):
			// A server that can do both speaks revision 1 until told otherwise
			// by ENABLE (RFC 9051 §6.3.1), which we don't. The client takes the
			// announcement for the fact and would write folder names in UTF-8.
			if rev1 {
				continue
			}
			name = imap.CapIMAP4rev2
		}
		if _, known := caps[name]; !known {
			caps[name] = struct{}{}
			greeting.WriteString(" " + string(name))
		}
	}
	greeting.WriteString("] \r\n")
	buffered, err := p.br.Peek(p.br.Buffered())
	return caps, append([]byte(greeting.String()), buffered...), err
}

// isAtom tells whether s is an atom (RFC 9051 §9).
func isAtom(s string) bool {
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`(){%*"\]`, c) >= 0 {
			return false
		}
	}
	return s != ""
}
