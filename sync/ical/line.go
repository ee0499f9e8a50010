package ical

import (
	"bytes"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"kith/message"
)

// maxLine bounds a content line in bytes, unfolded. What is longer, such as an
// attached file, loses its end; nothing that kith reads is so long.
const maxLine = 64 << 10

// property is a content line (RFC 5545 §3.1), unfolded. The value is as written.
type property struct {
	name   string // upper case
	params []param
	value  string
}

type param struct{ name, value string }

// param returns the value of a parameter, by its name in upper case.
func (p *property) param(name string) string {
	for _, one := range p.params {
		if one.name == name {
			return one.value
		}
	}
	return ""
}

// text returns a value of type TEXT (RFC 5545 §3.3.11) on one line.
func (p *property) text() string { return message.Line(unescape(p.value)) }

// lines calls each for every content line that has a name, until it returns false. It takes any
// line end, a byte order mark, UTF-16, and Latin-1 where a line is no UTF-8. It joins
// bytes: folding may cut a character in two.
func lines(data []byte, each func(property) bool) {
	data = utf8From(data)
	var buf []byte
	flush := func() bool {
		p, ok := parseLine(buf)
		buf = buf[:0]
		return !ok || each(p)
	}
	for len(data) > 0 {
		end := bytes.IndexAny(data, "\r\n")
		line := data
		if end >= 0 {
			line, data = data[:end], data[end:]
			data = bytes.TrimPrefix(data[1:], []byte("\n"))
		} else {
			data = nil
		}
		switch {
		case len(line) == 0:
			continue
		case line[0] == ' ' || line[0] == '\t':
			line = line[1:]
		case !flush():
			return
		}
		buf = append(buf, line[:min(len(line), maxLine-len(buf))]...)
	}
	flush()
}

// utf8From removes a byte order mark, and decodes UTF-16 by it.
func utf8From(data []byte) []byte {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return data[3:]
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("\xfe\xff")):
		high := 0
		if data[0] == 0xff {
			high = 1
		}
		units := make([]uint16, 0, len(data)/2)
		for data = data[2:]; len(data) > 1; data = data[2:] {
			units = append(units, uint16(data[high])<<8|uint16(data[1-high]))
		}
		return []byte(string(utf16.Decode(units)))
	}
	return data
}

func parseLine(line []byte) (p property, ok bool) {
	if !utf8.Valid(line) {
		if decoded, err := charmap.Windows1252.NewDecoder().Bytes(line); err == nil {
			line = decoded
		}
	}
	s := string(line)
	end := strings.IndexAny(s, ";:")
	if end <= 0 {
		return p, false
	}
	p.name = strings.ToUpper(strings.TrimSpace(s[:end]))
	if !wanted[p.name] {
		return property{name: p.name}, p.name != ""
	}
	rest := s[end:]
	for strings.HasPrefix(rest, ";") {
		var one string
		one, rest = cutParam(rest[1:])
		if name, value, ok := strings.Cut(one, "="); ok {
			p.params = append(p.params, param{strings.ToUpper(strings.TrimSpace(name)), paramValue(value)})
		}
	}
	if !strings.HasPrefix(rest, ":") { // a quote that is not closed
		if colon := strings.LastIndexByte(s, ':'); colon >= 0 {
			rest = s[colon:]
		}
	}
	p.value = strings.TrimSpace(strings.TrimPrefix(rest, ":"))
	return p, true
}

// cutParam cuts before the semicolon or colon that ends a parameter.
func cutParam(s string) (one, rest string) {
	quoted := false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			quoted = !quoted
		case ';', ':':
			// Some write TZID=tzone://Microsoft/Custom without the quotes.
			if address := strings.HasPrefix(s[i:], "://") && strings.Contains(s[i+1:], ":"); !quoted && !address {
				return s[:i], s[i:]
			}
		}
	}
	return s, ""
}

// paramValue removes quotes and undoes RFC 6868.
func paramValue(s string) string {
	s = strings.Trim(strings.TrimSpace(s), `"`)
	if strings.Contains(s, "^") {
		s = strings.NewReplacer("^n", "\n", "^^", "^", "^'", `"`).Replace(s)
	}
	return s
}

func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\N`, "\n", `\,`, ",", `\;`, ";", `\:`, ":", `\"`, `"`).Replace(s)
}

// wanted are the properties of which more than the name is read.
var wanted = map[string]bool{
	"BEGIN": true, "END": true, "METHOD": true, "X-WR-TIMEZONE": true,
	"TZID": true, "TZOFFSETFROM": true, "TZOFFSETTO": true, "TZNAME": true,
	"UID": true, "DTSTART": true, "DTEND": true, "DURATION": true, "RECURRENCE-ID": true,
	"RRULE": true, "EXRULE": true, "RDATE": true, "EXDATE": true,
	"SEQUENCE": true, "DTSTAMP": true, "LAST-MODIFIED": true,
	"SUMMARY": true, "STATUS": true, "CLASS": true, "TRANSP": true, "CATEGORIES": true,
	"ORGANIZER": true, "ATTENDEE": true,
}
