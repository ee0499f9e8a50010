package message

import (
	"encoding/base64"
	"slices"
	"strings"
	"unicode"
)

// decodeWords decodes the encoded words (RFC 2047) in a text, wherever they
// stand: mailers put them in quotes and without blanks between. What is no
// encoded word is left as it is.
func decodeWords(s string) string {
	if !strings.Contains(s, "=?") {
		return s
	}
	var out strings.Builder
	var run wordRun
	rest := 0 // what is not written yet
	for i := 0; i+1 < len(s); i++ {
		if s[i] != '=' || s[i+1] != '?' {
			continue
		}
		word, ok := wordAt(s, i)
		if !ok {
			continue
		}
		// RFC 2047 §6.2: blanks between two encoded words are not displayed.
		if between := s[rest:i]; !run.open || strings.Trim(between, " \t\r\n") != "" {
			run.flush(&out)
			out.WriteString(between)
		}
		run.add(&out, word)
		rest = word.end
		i = rest - 1
	}
	run.flush(&out)
	out.WriteString(s[rest:])
	return out.String()
}

// word is an encoded word: =?charset?encoding?text?=
type word struct {
	charset  string
	encoding byte // 'B' or 'Q'
	text     string
	end      int // index behind it
}

// wordAt reads the encoded word that starts at i. It takes blanks and question
// marks in the text, which RFC 2047 §2 forbids and mailers write.
func wordAt(s string, i int) (word, bool) {
	j := i + 2
	for j < len(s) && s[j] > ' ' && s[j] != '?' {
		j++
	}
	if j+3 >= len(s) || s[j+2] != '?' {
		return word{}, false
	}
	w := word{charset: s[i+2 : j], encoding: s[j+1] &^ 0x20}
	if w.encoding != 'B' && w.encoding != 'Q' {
		return word{}, false
	}
	start := j + 3
	for j = start; j+1 < len(s); j++ {
		if s[j] != '?' {
			continue
		}
		if s[j+1] == '=' {
			w.text, w.end = s[start:j], j+2
			return w, true
		}
		if j > start && s[j-1] == '=' {
			return word{}, false // the next one begins
		}
	}
	return word{}, false
}

// wordRun joins encoded words that follow each other, so that a character
// which is spread over two of them can be decoded.
type wordRun struct {
	open    bool
	charset string
	bytes   []byte
	carry   string // base64 that makes no whole group yet
}

func (r *wordRun) add(out *strings.Builder, w word) {
	if r.open && !strings.EqualFold(r.charset, w.charset) {
		r.flush(out)
	}
	r.open, r.charset = true, w.charset
	if w.encoding == 'Q' {
		r.endBase64()
		r.bytes = appendQ(r.bytes, w.text)
		return
	}
	text := r.carry + base64Only(w.text)
	whole := len(text) / 4 * 4
	r.bytes = appendBase64(r.bytes, text[:whole])
	r.carry = text[whole:]
	if strings.Contains(w.text, "=") {
		r.endBase64()
	}
}

func (r *wordRun) endBase64() {
	r.bytes = appendBase64(r.bytes, r.carry)
	r.carry = ""
}

func (r *wordRun) flush(out *strings.Builder) {
	if !r.open {
		return
	}
	r.endBase64()
	out.WriteString(decodeCharset(r.charset, r.bytes))
	*r = wordRun{bytes: r.bytes[:0]}
}

// base64Only drops padding and what is not of the base64 alphabet.
func base64Only(s string) string {
	for i := 0; i < len(s); i++ {
		if !isBase64(s[i]) {
			b := make([]byte, 0, len(s))
			for i := 0; i < len(s); i++ {
				if isBase64(s[i]) {
					b = append(b, s[i])
				}
			}
			return string(b)
		}
	}
	return s
}

func isBase64(c byte) bool {
	return 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '+' || c == '/'
}

// appendBase64 decodes text of the base64 alphabet alone; a last character
// that is too little for a byte is dropped.
func appendBase64(b []byte, s string) []byte {
	if len(s)%4 == 1 {
		s = s[:len(s)-1]
	}
	b, _ = base64.RawStdEncoding.AppendDecode(b, []byte(s)) // can't fail: only the alphabet, and a length that can be
	return b
}

// appendQ decodes the Q encoding (RFC 2047 §4.2).
func appendQ(b []byte, s string) []byte {
	b = slices.Grow(b, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '_':
			b = append(b, ' ')
		case s[i] == '=' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	return b
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'F' || 'a' <= c && c <= 'f'
}

func unhex(c byte) byte {
	switch {
	case c <= '9':
		return c - '0'
	case c <= 'F':
		return c - 'A' + 10
	}
	return c - 'a' + 10
}

// Line makes one line of valid UTF-8 of any text, without controls and what changes
// the direction of text.
func Line(s string) string { return clean(s) }

// clean makes one line of valid UTF-8: blanks of all kinds become plain ones,
// controls and what changes the direction of text are dropped, and what is no
// UTF-8 becomes U+FFFD. Nothing is cut but blanks at the ends.
func clean(s string) string {
	if isClean(s) {
		return strings.TrimSpace(s)
	}
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case ' ' <= r && r < 0x7f:
			return r
		case r == '\t' || r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029':
			return ' '
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\ufeff':
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd")))
}

func isClean(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}
