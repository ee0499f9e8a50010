package imapsource

import (
	"bytes"
	"net"
	"sync"
	"unicode/utf8"
)

// names is the connection as the client sees it. The client gives up a connection
// when the name of a folder is no modified UTF-7 (RFC 3501 §5.1.3), such as "R&D",
// which some programs made on servers that did not mind. So that one folder does
// not hide all others, such names are mended while folders are listed, and put
// back as they were when one is examined.
type names struct {
	net.Conn

	mu      sync.Mutex
	listing bool
	line    []byte            // the beginning of a line whose end is to come
	mended  []byte            // lines to be handed on
	raw     map[string]string // quoted names as the server wrote them, by what became of them
}

// list begins and ends the mending. It is called while no command is running.
func (n *names) list(on bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.listing = on
}

// Read implements [net.Conn].
func (n *names) Read(p []byte) (int, error) {
	for {
		if k := n.handOn(p); k > 0 {
			return k, nil
		}
		k, err := n.Conn.Read(p)
		if err != nil || !n.take(p[:k]) {
			return k, err
		}
	}
}

func (n *names) handOn(p []byte) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	k := copy(p, n.mended)
	n.mended = n.mended[k:]
	return k
}

// take keeps what was read, up to whole lines, and mends those. It is false when
// that is not asked for.
func (n *names) take(p []byte) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.listing && len(n.line) == 0 {
		return false
	}
	n.line = append(n.line, p...)
	for {
		i := bytes.IndexByte(n.line, '\n')
		if i < 0 {
			return true
		}
		n.mended = append(n.mended, n.mend(n.line[:i+1])...)
		n.line = n.line[i+1:]
	}
}

// mend returns a line with a name that the client can read.
func (n *names) mend(line []byte) []byte {
	if !hasPrefixFold(line, "* LIST ") && !hasPrefixFold(line, "* STATUS ") {
		return line
	}
	mended := mendName(line)
	if raw, ok := listedName(line); ok && !bytes.Equal(line, mended) {
		if name, ok := listedName(mended); ok {
			if n.raw == nil {
				n.raw = make(map[string]string)
			}
			n.raw[`"`+name+`"`] = `"` + raw + `"`
		}
	}
	return mended
}

// Write implements [net.Conn].
func (n *names) Write(p []byte) (int, error) {
	n.mu.Lock()
	out := p
	if _, args, ok := bytes.Cut(p, []byte(" EXAMINE ")); ok {
		name := bytes.TrimRight(args, "\r\n")
		if raw, ok := n.raw[string(name)]; ok {
			out = append(append(bytes.Clone(p[:len(p)-len(args)]), raw...), "\r\n"...)
		}
	}
	n.mu.Unlock()
	k, err := n.Conn.Write(out)
	if err == nil {
		k = len(p)
	}
	return min(k, len(p)), err
}

func hasPrefixFold(line []byte, prefix string) bool {
	return len(line) >= len(prefix) && bytes.EqualFold(line[:len(prefix)], []byte(prefix))
}

// mendName makes a line valid for the client: an ampersand that begins no valid
// sequence becomes "&-", which stands for one; bytes that are not allowed become "?".
func mendName(line []byte) []byte {
	var out []byte
	shifted := false // right behind a sequence, where no other may begin
	for i := 0; i < len(line); {
		if line[i] == '&' {
			end := bytes.IndexByte(line[i:], '-')
			switch {
			case end == 1:
				shifted = false
			case end > 1 && !shifted && isShift(line[i:i+end+1]):
				shifted = true
			default:
				out = append(out, "&-"...)
				i++
				shifted = false
				continue
			}
			out = append(out, line[i:i+end+1]...)
			i += end + 1
			continue
		}
		r, size := utf8.DecodeRune(line[i:])
		if r == utf8.RuneError && size == 1 || r < ' ' && r != '\r' && r != '\n' || r == 0x7f {
			out = append(out, '?')
		} else {
			out = append(out, line[i:i+size]...)
		}
		i += size
		shifted = false
	}
	return out
}

// isShift tells whether "&…-" stands for characters that may not stand for
// themselves.
func isShift(seq []byte) bool {
	text, ok := decodeUTF7(string(seq))
	if !ok || text == "" || bytes.ContainsAny(seq, "\r\n") {
		return false
	}
	for _, r := range text {
		if ' ' <= r && r <= '~' {
			return false
		}
	}
	return true
}

// listedName returns the name in a LIST response (RFC 9051 §7.3.1) as it stands
// between quotes.
func listedName(line []byte) (string, bool) {
	_, rest, ok := bytes.Cut(bytes.TrimRight(line, "\r\n"), []byte(") "))
	if !ok || !hasPrefixFold(line, "* LIST ") {
		return "", false
	}
	delim := bytes.IndexByte(rest, ' ')
	if delim < 0 {
		return "", false
	}
	name := rest[delim+1:]
	if len(name) >= 2 && name[0] == '"' && name[len(name)-1] == '"' {
		name = name[1 : len(name)-1]
	}
	return string(name), len(name) > 0
}
