package message

import (
	"strings"

	"kith"
	"kith/address"
)

// addressList collects the mailboxes of address headers (RFC 5322 §3.4 and
// §4.4) and of what is written in their place. Every entry that holds anything
// is kept: one without an e-mail address (A25 of directories, local names)
// comes with what stood there.
type addressList struct {
	addresses []kith.Address
	cut       bool // there were more than are kept
	foreign   bool // an entry was no SMTP address
}

// listParser reads one header value. Its text is valid UTF-8 in one line.
type listParser struct {
	list *addressList
	s    string
	i    int

	entry
	prefix  string // a former entry that may be the first half of a name: Doe, John <j@x>
	oddly   bool   // the quotes don't come in pairs
	noQuote bool   // no quote closes behind i
	noParen bool   // no parenthesis closes behind i
	nested  bool   // the text stood in angle brackets
}

// entry is what was read of a mailbox so far.
type entry struct {
	start   int // where it begins
	phrase  segments
	comment string
	angle   string   // what stands in angle brackets
	closed  bool     // angle brackets were there
	after   segments // text behind them
	parens  bool     // a comment stands in it
}

// segments are the words of a phrase. One segment needs no copy.
type segments struct {
	text   string
	many   []byte
	quoted bool
}

func (s *segments) add(text string) {
	switch {
	case text == "":
	case s.text == "" && s.many == nil:
		s.text = text
	default:
		if s.many == nil {
			s.many = append(make([]byte, 0, len(s.text)+len(text)+32), s.text...)
		}
		s.many = append(append(s.many, ' '), text...)
	}
}

func (s *segments) String() string {
	if s.many != nil {
		return string(s.many)
	}
	return s.text
}

func (s *segments) empty() bool { return s.text == "" && s.many == nil }

// parse adds the mailboxes of a header value.
func (l *addressList) parse(value string) {
	p := listParser{list: l, s: value, oddly: oddQuotes(value)}
	p.run()
}

// oddQuotes tells whether a quote has no fellow. Those behind a backslash are text.
func oddQuotes(s string) bool {
	odd := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			odd = !odd
		}
	}
	return odd
}

func (p *listParser) run() {
	for p.i < len(p.s) {
		switch c := p.s[p.i]; c {
		case ' ', '\t', '\r', '\n', '>':
			p.i++
		case ',', ';': // Outlook separates by semicolons; one ends a group as well
			p.end(c == ',')
			p.i++
			p.entry = entry{start: p.i}
		case ':':
			p.colon()
		case '"':
			p.quoted()
		case '(':
			p.parens()
		case '<':
			p.angleAddr()
		default:
			p.atoms()
		}
	}
	p.end(false)
	p.endPrefix()
}

// add appends a word to the phrase before or behind the angle brackets.
func (p *listParser) add(text string, quoted bool) {
	if p.closed {
		p.after.add(text)
		return
	}
	p.phrase.add(text)
	p.phrase.quoted = p.phrase.quoted || quoted
}

// atoms reads up to the next character that means something. Encoded words and
// domain literals are stepped over, for they may hold such characters.
func (p *listParser) atoms() {
	start := p.i
	for p.i < len(p.s) {
		switch c := p.s[p.i]; c {
		case ',', ';', ':', '"', '(', '<', '>':
			p.add(strings.TrimRight(p.s[start:p.i], " \t"), false)
			return
		case '=':
			if w, ok := wordAt(p.s, p.i); ok {
				p.i = w.end
				continue
			}
		case '[':
			if n := strings.IndexAny(p.s[p.i:min(len(p.s), p.i+80)], "]<,"); n > 0 && p.s[p.i+n] == ']' {
				p.i += n
			}
		}
		p.i++
	}
	p.add(strings.TrimRight(p.s[start:], " \t"), false)
}

// quoted reads a quoted string (RFC 5322 §3.2.4). A quote that has no fellow is ignored.
func (p *listParser) quoted() {
	start := p.i + 1
	p.i++
	if p.noQuote {
		return
	}
	escaped := false
	for j := start; j < len(p.s); j++ {
		switch p.s[j] {
		case '\\':
			escaped = true
			j++
		case '"':
			text := p.s[start:j]
			if p.oddly && strings.Contains(text, "@") && strings.ContainsAny(text, "<>") {
				return // it closes another one, further on
			}
			if escaped {
				text = unescape(text)
			}
			p.add(strings.TrimSpace(text), true)
			p.i = j + 1
			return
		}
	}
	p.noQuote = true
}

// parens reads a comment (RFC 5322 §3.2.2). A parenthesis that never closes is ignored.
func (p *listParser) parens() {
	start := p.i + 1
	p.i++
	if p.noParen {
		return
	}
	depth := 1
	for j := start; j < len(p.s); j++ {
		switch p.s[j] {
		case '\\':
			j++
		case '(':
			depth++
		case ')':
			if depth--; depth > 0 {
				continue
			}
			p.entry.parens = true
			if p.comment == "" {
				p.comment = strings.TrimSpace(unescape(p.s[start:j]))
			}
			p.i = j + 1
			return
		}
	}
	p.noParen = true
}

func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) {
			i++
		}
		b = append(b, s[i])
	}
	return string(b)
}

// angleAddr reads an address in angle brackets. Without the closing one it
// ends where the entry does.
func (p *listParser) angleAddr() {
	if p.closed { // Ann <a@x> Bob <b@x>: the comma is missing
		next := p.after
		p.after = segments{}
		p.end(false)
		p.entry = entry{start: p.i, phrase: next}
	}
	for p.i < len(p.s) && p.s[p.i] == '<' {
		p.i++
	}
	start, comma := p.i, -1
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case '>':
			p.angle, p.closed = p.s[start:p.i], true
			p.i++
			return
		case '"':
			if n := strings.IndexByte(p.s[p.i+1:min(len(p.s), p.i+256)], '"'); n >= 0 {
				p.i += n + 1
			}
		case ',', ';':
			if comma < 0 {
				comma = p.i
			}
		case '<':
			if comma < 0 {
				comma = p.i
			}
			p.angle, p.closed, p.i = p.s[start:comma], true, comma
			return
		}
		p.i++
	}
	if comma < 0 {
		comma = len(p.s)
	}
	p.angle, p.closed, p.i = p.s[start:comma], true, comma
}

// colon ends the name of a group (RFC 5322 §3.4), which is no address, or the
// scheme of an address.
func (p *listParser) colon() {
	name := p.phrase.String()
	p.i++
	switch {
	case p.closed || strings.Contains(name, "@"):
		p.add(":", false)
	case isDirectoryScheme(name):
		// X.400 names hold semicolons.
		rest, _, _ := strings.Cut(p.s[p.i:], ",")
		p.i += len(rest)
		p.phrase = segments{text: name + ":" + strings.TrimSpace(rest)}
	default: // also mailto: and smtp:
		p.entry = entry{start: p.i}
	}
}

func isDirectoryScheme(name string) bool {
	switch strings.ToLower(name) {
	case "x400", "x500", "ex", "notes", "fax", "rfax", "sms", "invalid":
		return true
	}
	return false
}

// end finishes an entry. When it is a bare word before a comma, it may be half
// of a name that should have been quoted.
func (p *listParser) end(comma bool) {
	switch {
	case p.closed:
		name := p.phrase.String()
		if p.prefix != "" && name != "" && !p.phrase.quoted {
			name = p.prefix + ", " + name
			p.prefix = ""
		}
		p.endPrefix()
		if name == "" {
			name = p.comment
		}
		after := p.after.String()
		if name == "" && !strings.Contains(after, "@") {
			name = after
		}
		p.bracketed(name)
		if strings.Contains(after, "@") {
			p.bare(after)
		}
	case p.phrase.empty():
		p.endPrefix()
	default:
		text := p.phrase.String()
		if !strings.Contains(text, "@") && !strings.Contains(text, "=?") {
			p.endPrefix()
			switch {
			case isDirectoryName(text):
				text = p.s[p.start:p.i] // its parentheses are no comments
			case comma && !p.phrase.quoted:
				p.prefix = text
				return
			}
			p.list.addForeign("", text)
			return
		}
		p.endPrefix()
		if !p.entry.parens {
			// As it stands: the quotes belong to the local part.
			if raw := strings.Trim(p.s[p.start:p.i], " \t\r\n<>"); p.phrase.quoted {
				if _, ok := address.Normalize(raw); ok {
					text = raw
				}
			}
		}
		p.bare(text)
	}
}

func isDirectoryName(s string) bool {
	return strings.HasPrefix(s, "/") || strings.Contains(s, ":")
}

// endPrefix adds what turned out to be no half of a name.
func (p *listParser) endPrefix() {
	if p.prefix != "" {
		p.list.addForeign("", p.prefix)
		p.prefix = ""
	}
}

// bracketed adds an address that stood in angle brackets.
func (p *listParser) bracketed(name string) {
	addr := p.angle
	if strings.HasPrefix(addr, "@") { // RFC 5322 §4.4: a route, to be ignored
		if colon := strings.LastIndexByte(addr, ':'); colon >= 0 {
			addr = addr[colon+1:]
		}
	}
	canonical, ok := address.Normalize(addr)
	if !ok {
		if strings.ContainsAny(addr, ",;") && strings.Contains(addr, "@") && !p.nested {
			inner := listParser{list: p.list, s: addr, nested: true}
			inner.run()
			return
		}
		if strings.TrimSpace(addr) == "" { // "a@x" <>
			p.bare(name)
			return
		}
		p.list.addForeign(name, addr)
		return
	}
	p.list.add(name, canonical)
}

// bare adds an entry that has an address somewhere in its text:
// a@x, Ann Doe a@x, a@x b@x.
func (p *listParser) bare(text string) {
	if strings.Contains(text, "=?") {
		text = decodeWords(text)
	}
	if canonical, ok := address.Normalize(text); ok {
		p.list.add(p.comment, canonical)
		return
	}
	name := p.comment
	var words []string
	found := false
	for word := range strings.FieldsSeq(text) {
		canonical, ok := address.Normalize(word)
		if !ok {
			words = append(words, word)
			continue
		}
		if len(words) > 0 {
			name = strings.Join(words, " ")
			words = nil
		}
		p.list.add(name, canonical)
		name, found = "", true
	}
	if !found {
		p.list.addForeign(p.comment, text)
	}
}
