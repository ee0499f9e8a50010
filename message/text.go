package message

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
)

// snippetLength is the length of a snippet in characters.
const snippetLength = 500

// Snippet returns the first 500 characters of a letter, in one line, without
// the history that it quotes. p is the part that [TextPart] named; body is its
// body as transferred, of which the first 64 KB are enough.
func Snippet(p *Part, body []byte) string {
	text := p.text(body)
	if p.MediaType == "text/html" {
		text = htmlText(text)
	}
	return snippet(withoutHistory(text))
}

// text returns the body of a text part as UTF-8.
func (p *Part) text(body []byte) string {
	body = p.Decode(body)
	label := p.Params["charset"]
	if lookupCharset(label) == nil && p.MediaType == "text/html" && !utf8.Valid(body) {
		_, label, _ = charset.DetermineEncoding(body, p.MediaType) // what the HTML itself says
	}
	return decodeCharset(label, withoutCutRune(label, body))
}

// withoutCutRune drops the character at the end that was cut in two.
func withoutCutRune(label string, body []byte) []byte {
	if label != "" && !hasPrefixFold(label, "utf-8") && !hasPrefixFold(label, "utf8") {
		return body
	}
	for n := 1; n < utf8.UTFMax && n <= len(body); n++ {
		if c := body[len(body)-n]; utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRune(body[len(body)-n:]) {
				return body[:len(body)-n]
			}
			break
		}
	}
	return body
}

// snippet cuts a text to its length, in one line with single blanks. Characters
// that can't be seen do not count: newsletters are padded with them.
func snippet(text string) string {
	var b strings.Builder
	left := snippetLength
	for word := range strings.FieldsSeq(text) {
		word = clean(word)
		if strings.IndexFunc(word, isSeen) < 0 {
			continue
		}
		if b.Len() > 0 {
			if left--; left <= 0 {
				break
			}
			b.WriteByte(' ')
		}
		for _, r := range word {
			if left == 0 {
				return b.String()
			}
			b.WriteRune(r)
			left--
		}
	}
	return b.String()
}

func isSeen(r rune) bool {
	// U+034F joins graphemes, and shows nothing.
	return r != '\u034f' && !unicode.Is(unicode.Cf, r)
}
