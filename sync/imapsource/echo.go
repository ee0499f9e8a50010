package imapsource

import "net"

// echo is a connection that shortens what servers repeat. With every message they
// name all the header fields that were asked for (RFC 9051 §7.5.2), and reading
// that list takes the client about as long as reading everything else. It sees
// the first field in place of the list; which were asked for is known anyway.
//
// Literals and quoted strings, which strangers wrote, are passed on as they are.
type echo struct {
	net.Conn

	literal int64 // bytes of a literal that are still to come
	length  int64 // of the literal that the line announces, as far as read
	brace   brace
	quoted  bool
	escaped bool // behind a backslash in a quoted string
	matched int  // bytes of echoStart that were just seen
	list    list
}

const echoStart = "BODY[HEADER.FIELDS ("

// brace is how much of "{123}\r\n" was just seen.
type brace uint8

const (
	braceNone brace = iota
	braceDigits
	braceClosed
	braceCR
)

// list is where in a list of fields we are.
type list uint8

const (
	listNone  list = iota
	listFirst      // in its first field, which stays
	listRest       // behind that: dropped
)

// Read implements [net.Conn].
func (e *echo) Read(p []byte) (int, error) {
	for {
		n, err := e.Conn.Read(p)
		k := e.shorten(p[:n])
		if k > 0 || err != nil || n == 0 {
			return k, err
		}
	}
}

// shorten drops fields from p, in place, and returns how many bytes are left.
func (e *echo) shorten(p []byte) int {
	out := 0
	for in := 0; in < len(p); {
		if e.literal > 0 {
			n := int(min(int64(len(p)-in), e.literal))
			out += copy(p[out:], p[in:in+n])
			in += n
			e.literal -= int64(n)
			continue
		}
		// Most bytes change nothing: they are taken up to the next that may.
		if n := e.plain(p[in:]); n > 0 {
			if e.list != listRest {
				out += copy(p[out:], p[in:in+n])
			}
			in += n
			continue
		}
		if e.keep(p[in]) {
			p[out] = p[in]
			out++
		}
		in++
	}
	return out
}

// plain returns how many of the next bytes leave everything as it is.
func (e *echo) plain(p []byte) int {
	var ends *[256]bool
	switch {
	case e.list == listFirst:
		ends = &firstEnds
	case e.list == listRest:
		ends = &restEnds
	case e.escaped || e.matched > 0 || e.brace != braceNone:
		return 0
	case e.quoted:
		ends = &quoteEnds
	default:
		ends = &lineEnds
	}
	for i, c := range p {
		if ends[c] {
			return i
		}
	}
	return len(p)
}

// The bytes that mean something in the first field of a list, in the others, in
// a quoted string, and elsewhere.
var firstEnds, restEnds, quoteEnds, lineEnds = bytesOf("){\n "), bytesOf("){\n"), bytesOf("\"\\\n"), bytesOf("\"\n{B")

func bytesOf(s string) (set [256]bool) {
	for _, c := range []byte(s) {
		set[c] = true
	}
	return set
}

// keep takes one byte outside literals and tells whether it is passed on.
func (e *echo) keep(c byte) bool {
	if e.list != listNone {
		switch {
		case c == ')':
			e.list = listNone
		case c == '{' || c == '\n':
			e.list = listNone // not what was asked for: no more of this
			return e.keep(c)
		case c == ' ':
			e.list = listRest
		}
		return e.list != listRest
	}
	switch {
	case c == '\n':
		if e.brace == braceClosed || e.brace == braceCR {
			e.literal = e.length
		}
		e.quoted, e.escaped, e.matched, e.brace = false, false, 0, braceNone
		return true
	case e.escaped:
		e.escaped = false
		return true
	case e.quoted:
		e.quoted, e.escaped = c != '"', c == '\\'
		return true
	case c == '"':
		e.quoted, e.matched, e.brace = true, 0, braceNone
		return true
	}
	e.announce(c)
	switch {
	case c == echoStart[e.matched]:
		e.matched++
	case c == echoStart[0]:
		e.matched = 1
	default:
		e.matched = 0
	}
	if e.matched == len(echoStart) {
		e.list, e.matched = listFirst, 0
	}
	return true
}

// announce follows "{123}" at the end of a line.
func (e *echo) announce(c byte) {
	switch {
	case c == '{':
		e.brace, e.length = braceDigits, 0
	case e.brace == braceDigits && '0' <= c && c <= '9' && e.length < 1<<50:
		e.length = e.length*10 + int64(c-'0')
	case e.brace == braceDigits && c == '}':
		e.brace = braceClosed
	case e.brace == braceClosed && c == '\r':
		e.brace = braceCR
	default:
		e.brace = braceNone
	}
}
