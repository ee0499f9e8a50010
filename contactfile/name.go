package contactfile

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"kith/address"
)

// oneLine returns s as one line of text: composed (Unicode NFC, since some
// systems write é as two characters), without control and direction characters, with single
// blanks and none at the ends.
func oneLine(s string) string {
	if plain(s) {
		return s
	}
	var b strings.Builder
	blank := false
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			blank = b.Len() > 0
			continue
		case unicode.IsControl(r), directional(r):
			continue
		}
		if blank {
			b.WriteByte(' ')
			blank = false
		}
		b.WriteRune(r)
	}
	return norm.NFC.String(b.String())
}

// plain tells whether s is one line as it is; most values are.
func plain(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c < ' ' || c >= 0x7f {
			return false
		}
		if c == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			return false
		}
	}
	return true
}

// directional tells of characters that change how the text around them is shown,
// or that show nothing. The joiners U+200C and U+200D are not among them: Persian and Hindi names
// are written with them.
func directional(r rune) bool {
	switch {
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069,
		r == 0x200b, r == 0x200e, r == 0x200f, r == 0x061c, r == 0x2060, r == 0xfeff:
		return true
	}
	return false
}

// personName returns what is a name in s: without quotes around it; an address is
// no name, and one behind a name is no part of it.
func personName(s string) string {
	for s = oneLine(s); ; {
		name := unquote(s)
		if _, ok := address.Normalize(name); ok {
			name, _ = mailbox(name)
		}
		if name == s {
			return name
		}
		s = name // which is shorter
	}
}

// mailbox parts "DOE John (EXT)" <j@x.test> into name and address. Mail systems
// put such remarks in brackets behind a name; they are no part of it.
func mailbox(s string) (name, addr string) {
	open := strings.LastIndexByte(s, '<')
	if open < 0 || !strings.HasSuffix(s, ">") {
		return "", s
	}
	name = unquote(strings.TrimSpace(s[:open]))
	if i := strings.LastIndexByte(name, '('); i > 0 && strings.HasSuffix(name, ")") {
		name = strings.TrimSpace(name[:i])
	}
	return name, s[open+1 : len(s)-1]
}

func unquote(s string) string {
	for len(s) >= 2 && (s[0] == '"' || s[0] == '\'') && s[len(s)-1] == s[0] {
		s = strings.TrimSpace(s[1 : len(s)-1])
	}
	return s
}

// fullName puts the parts of a name together, as the script does it.
func fullName(first, last string) string {
	if first != "" && last != "" {
		if eastAsian(first) && eastAsian(last) {
			return last + first
		}
		return first + " " + last
	}
	return first + last
}

func eastAsian(s string) bool {
	for _, r := range s {
		if !unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana) {
			return false
		}
	}
	return true
}

// language checks the form of a language tag (RFC 5646 §2.1), not whether it is
// registered, and writes it as RFC 5646 §2.1.1 recommends: zh-Hant-TW.
func language(s string) (tag string, ok bool) {
	parts := strings.Split(strings.ReplaceAll(s, "_", "-"), "-")
	for i, part := range parts {
		if len(part) == 0 || len(part) > 8 || i == 0 && (len(part) < 2 || len(part) > 3) {
			return "", false
		}
		letters := true
		for j := range len(part) {
			c := part[j] | 0x20
			isLetter := c >= 'a' && c <= 'z'
			if !isLetter && (i == 0 || part[j] < '0' || part[j] > '9') {
				return "", false
			}
			letters = letters && isLetter
		}
		part = strings.ToLower(part)
		if i > 0 && letters {
			switch len(part) {
			case 2:
				part = strings.ToUpper(part)
			case 4:
				part = strings.ToUpper(part[:1]) + part[1:]
			}
		}
		parts[i] = part
	}
	return strings.Join(parts, "-"), true
}
