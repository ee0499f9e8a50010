package message

import (
	"strconv"
	"strings"

	"kith"
)

// Part is a node of a message's MIME structure (RFC 2045), as a server tells
// it in BODYSTRUCTURE (RFC 9051 §7.5.2) or [Read] finds it. A message inside
// the message (message/rfc822) is a leaf.
type Part struct {
	Path      string            // the section of IMAP, such as "1.2"; "1" for a message of one part, "" for a multipart one
	MediaType string            // lower case, such as "text/plain"
	Params    map[string]string // of Content-Type: names in lower case, values as written

	Disposition       string            // lower case: "inline", "attachment"; "" when there is none
	DispositionParams map[string]string // names in lower case, values as written
	ContentID         string            // with or without angle brackets
	Encoding          string            // Content-Transfer-Encoding, in any case
	Size              int64             // bytes, as transferred
	Children          []*Part           // of a multipart
	From              []kith.Address    // of a message inside: its authors

	decoded int64 // bytes without the transfer encoding, when they were counted; else 0
}

// Bounds on a structure. What is beyond them is not looked at.
const (
	maxDepth = 50
	maxParts = 1000
)

func (p *Part) isMultipart() bool { return strings.HasPrefix(p.MediaType, "multipart/") }

// walk calls visit for a part and all below it, in order, with the multipart that it is in.
func (p *Part) walk(visit func(part, parent *Part)) {
	left := maxParts
	p.walkBelow(nil, maxDepth, &left, visit)
}

func (p *Part) walkBelow(parent *Part, depth int, left *int, visit func(part, parent *Part)) {
	if depth == 0 || *left == 0 {
		return
	}
	*left--
	visit(p, parent)
	for _, child := range p.Children {
		child.walkBelow(p, depth-1, left, visit)
	}
}

// filename returns the decoded name of the file that a part is, "" when it has none.
func (p *Part) filename() string {
	if name := paramText(p.DispositionParams, "filename"); name != "" {
		return name
	}
	return paramText(p.Params, "name")
}

// parseParams reads a value with parameters, such as that of Content-Type
// (RFC 2045 §5.1): the value and the names in lower case. The first of equal
// names counts. It takes what mailers write: blanks and semicolons too many,
// quotes that are missing.
func parseParams(s string) (value string, params map[string]string) {
	value, s = cutParam(s)
	value = strings.ToLower(strings.TrimSpace(withoutComments(value)))
	if i := strings.IndexFunc(value, isNoMediaType); i >= 0 {
		value = value[:i]
	}
	for n := 0; s != "" && n < maxParams; n++ {
		var param string
		param, s = cutParam(s)
		name, text, ok := strings.Cut(param, "=")
		name = strings.ToLower(strings.TrimSpace(withoutComments(name)))
		if !ok || name == "" {
			continue
		}
		if params == nil {
			params = make(map[string]string, 2)
		}
		if _, twice := params[name]; !twice {
			params[name] = paramValue(text)
		}
	}
	return value, params
}

// isNoMediaType tells what can't stand in a media type or a disposition (RFC 2045 §5.1).
func isNoMediaType(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune(`()<>@,;:\"[]?=`, r)
}

// maxParams bounds the parameters of one value: more than a long file name needs pieces.
const maxParams = 200

// cutParam cuts at the first semicolon that is not within quotes or an encoded word.
func cutParam(s string) (before, after string) {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '"':
			end := closingQuote(s[i+1:])
			if end < 0 { // the quote is missing: take what comes before the semicolon
				if semicolon := strings.IndexByte(s[i:], ';'); semicolon >= 0 {
					return s[:i+semicolon], s[i+semicolon+1:]
				}
				return s, ""
			}
			i += end + 1
		case '=':
			if w, ok := wordAt(s, i); ok {
				i = w.end - 1
			}
		case ';':
			return s[:i], s[i+1:]
		}
	}
	return s, ""
}

// closingQuote returns the index of the quote that ends a quoted string, -1
// when there is none.
func closingQuote(s string) int {
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// paramValue removes quotes and comments around a parameter's value.
func paramValue(s string) string {
	s = strings.TrimSpace(s)
	if s == "" || s[0] != '"' {
		if i := strings.IndexByte(s, '('); i > 0 && s[i-1] == ' ' {
			s = s[:i]
		}
		return strings.TrimSpace(s)
	}
	s = s[1:]
	if end := closingQuote(s); end >= 0 {
		s = s[:end]
	}
	return unescapeFilename(s)
}

// unescapeFilename removes backslashes before quotes and backslashes alone:
// mailers write C:\name without doubling them.
func unescapeFilename(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	return strings.NewReplacer(`\"`, `"`, `\\`, `\`).Replace(s)
}

// paramText returns the text of a parameter, by RFC 2231 (name*, name*0, name*0*)
// or as mailers write it in spite of that: in encoded words (RFC 2047) or in 8 bits.
func paramText(params map[string]string, name string) string {
	if len(params) == 0 {
		return ""
	}
	if v, ok := params[name+"*"]; ok {
		charset, text := extendedValue(v)
		return clean(decodeCharset(charset, percentDecode(text)))
	}
	if text, ok := continued(params, name); ok {
		return clean(text)
	}
	v := params[name]
	if !isASCII(v) {
		v = guessCharset(params["charset"], []byte(v))
	}
	return clean(decodeWords(v))
}

// continued joins a value that was cut into pieces (RFC 2231 §3, §4.1).
func continued(params map[string]string, name string) (string, bool) {
	var b []byte
	charset := ""
	for n := 0; n < maxParts; n++ {
		section := name + "*" + strconv.Itoa(n)
		if v, ok := params[section+"*"]; ok {
			if n == 0 {
				charset, v = extendedValue(v)
			}
			b = append(b, percentDecode(v)...)
			continue
		}
		v, ok := params[section]
		if !ok {
			if n == 0 {
				return "", false
			}
			break
		}
		b = append(b, v...)
	}
	text := decodeCharset(charset, b)
	if charset == "" {
		text = decodeWords(text)
	}
	return text, true
}

// extendedValue splits charset'language'text (RFC 2231 §4).
func extendedValue(s string) (charset, text string) {
	charset, rest, ok := strings.Cut(s, "'")
	if !ok {
		return "utf-8", s
	}
	_, text, ok = strings.Cut(rest, "'")
	if !ok {
		return "utf-8", s
	}
	return charset, text
}

// percentDecode decodes %XX; a percent sign that starts no such thing stays.
func percentDecode(s string) []byte {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]) {
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			continue
		}
		b = append(b, s[i])
	}
	return b
}
