package contactfile

import (
	"bytes"
	"io"
	"mime/quotedprintable"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
)

// property is one content line of a vCard (RFC 6350 §3.3), unfolded.
type property struct {
	line  int
	name  string // upper case, without its group
	value string // decoded, but not yet unescaped
	pref  int    // 1 to 100, 100 when it is not given (RFC 6350 §5.3)
	empty bool   // nothing stands behind the colon
	cut   bool   // it was too long, and is not whole
}

// properties reads content lines one after the other. Of a property that is not
// wanted, a photo above all, only the name is kept.
type properties struct {
	lines  *lines
	wanted func(name string) bool

	// The first line of the next property, when it was read already.
	held     []byte
	heldLine int
	heldCut  bool
	isHeld   bool
	buf      []byte
}

// next returns the next property; the error is io.EOF only at the end of the file.
func (p *properties) next() (property, error) {
	for {
		if err := p.hold(); err != nil {
			return property{}, err
		}
		p.isHeld = false
		prop := property{line: p.heldLine, cut: p.heldCut, pref: 100}
		name := p.held
		if i := bytes.IndexAny(name, ";:"); i >= 0 {
			name = name[:i]
		} else {
			// No property; what folds below it is none either.
			name = nil
		}
		if i := bytes.LastIndexByte(name, '.'); i >= 0 { // a group: item1.EMAIL
			name = name[i+1:]
		}
		prop.name = strings.ToUpper(string(bytes.TrimSpace(name)))
		if err := p.unfold(&prop); err != nil {
			return property{}, err
		}
		if prop.name == "" {
			continue
		}
		p.decode(&prop)
		return prop, nil
	}
}

// hold reads the first line of a property unless it is there already.
func (p *properties) hold() error {
	for !p.isHeld {
		line, cut, err := p.lines.next()
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		p.held = append(p.held[:0], line...)
		p.heldLine, p.heldCut, p.isHeld = p.lines.line, cut, true
	}
	return nil
}

// unfold reads the lines that continue the property into p.buf (RFC 6350 §3.2).
// It joins bytes: folding may cut a character in two. Blank lines are passed over,
// since some programs end lines with CR CR LF, and version 2.1 ends base64 with one.
func (p *properties) unfold(prop *property) error {
	keep := p.wanted(prop.name)
	p.buf = p.buf[:0]
	if keep {
		p.buf = append(p.buf, p.held...)
	}
	// Version 2.1 continues quoted-printable text by a = at the end, without folding.
	soft := softBreak(p.held)
	quoted := soft && quotedPrintable(p.held)
	for {
		line, cut, err := p.lines.next()
		if isEOF(err) {
			return nil
		}
		if err != nil {
			return err
		}
		blank := len(bytes.TrimSpace(line)) == 0
		switch {
		case quoted && soft && !blank && !delimiter(line):
			p.buf = bytes.TrimSuffix(bytes.TrimRight(p.buf, " \t"), []byte("="))
		case blank:
			soft = false
			continue
		case line[0] == ' ' || line[0] == '\t':
			line = line[1:]
		default:
			p.held = append(p.held[:0], line...)
			p.heldLine, p.heldCut, p.isHeld = p.lines.line, cut, true
			return nil
		}
		soft = softBreak(line)
		if !keep {
			continue
		}
		if room := maxRecord - len(p.buf); len(line) > room {
			line, cut = line[:max(room, 0)], true
		}
		p.buf = append(p.buf, line...)
		prop.cut = prop.cut || cut
	}
}

func softBreak(line []byte) bool { return bytes.HasSuffix(bytes.TrimRight(line, " \t"), []byte("=")) }

// quotedPrintable tells whether a first line says that its value is so encoded.
func quotedPrintable(line []byte) bool {
	head, _, _ := bytes.Cut(line, []byte(":"))
	return bytes.Contains(bytes.ToUpper(head), []byte("QUOTED-PRINTABLE"))
}

// delimiter tells of a line that begins or ends a card.
func delimiter(line []byte) bool {
	line = bytes.TrimSpace(line)
	return bytes.EqualFold(line, []byte("END:VCARD")) || bytes.EqualFold(line, []byte("BEGIN:VCARD"))
}

// decode parts p.buf into parameters and value.
func (p *properties) decode(prop *property) {
	if len(p.buf) == 0 {
		return
	}
	head, value := p.buf, []byte(nil)
	inQuotes := false
	for i, c := range p.buf {
		if c == '"' {
			inQuotes = !inQuotes
		}
		if c == ':' && !inQuotes {
			head, value = p.buf[:i], p.buf[i+1:]
			break
		}
	}
	if value == nil { // a quote that is not closed
		head, value, _ = bytes.Cut(p.buf, []byte(":"))
	}
	value = bytes.TrimSpace(value)
	prop.empty = len(value) == 0

	charset, quoted := "", false
	_, params, _ := strings.Cut(string(head), ";")
	for param := range strings.SplitSeq(params, ";") {
		key, val, _ := strings.Cut(param, "=")
		val = strings.Trim(val, `" `)
		switch strings.ToUpper(strings.TrimSpace(key)) {
		case "QUOTED-PRINTABLE": // version 2.1 leaves ENCODING= out
			quoted = true
		case "ENCODING":
			quoted = strings.EqualFold(val, "QUOTED-PRINTABLE")
		case "CHARSET":
			charset = val
		case "PREF":
			if n, err := strconv.Atoi(val); err == nil && n >= 1 && n <= 100 {
				prop.pref = n
			}
		}
	}
	if quoted {
		value = decodeQuoted(value)
	}
	if charset != "" && !strings.EqualFold(charset, "utf-8") {
		if enc, err := htmlindex.Get(charset); err == nil {
			if decoded, err := enc.NewDecoder().Bytes(value); err == nil {
				value = decoded
			}
		}
	}
	prop.value, _ = text(value)
}

// decodeQuoted decodes quoted-printable text (RFC 2045 §6.7). Where it is
// broken, what stands there is kept.
func decodeQuoted(b []byte) []byte {
	decoded, err := io.ReadAll(quotedprintable.NewReader(bytes.NewReader(b)))
	if err != nil {
		return append(decoded, b[min(len(decoded), len(b)):]...)
	}
	return decoded
}

// components parts a structured value at a separator that is not escaped, and
// unescapes the parts.
func components(value string, separator byte) []string {
	var parts []string
	from := 0
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case separator:
			parts = append(parts, unescape(value[from:i]))
			from = i + 1
		}
	}
	return append(parts, unescape(value[from:]))
}

// unescape undoes RFC 6350 §3.4. Programs escape the colon and the quote too.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		switch next := s[i+1]; next {
		case 'n', 'N':
			b.WriteByte('\n')
		case '\\', ',', ';', ':', '"':
			b.WriteByte(next)
		default:
			b.WriteByte('\\')
			continue
		}
		i++
	}
	return b.String()
}
