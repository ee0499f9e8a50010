// Package address makes e-mail addresses comparable: one canonical form for
// the same mailbox however it was written (RFC 5321 §4.1.2, RFC 5891 for
// domains, RFC 6531 for local parts beyond ASCII). It is pure and keeps no
// state; all functions are safe for concurrent use.
package address

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxLength is how long an address can be (RFC 5321 §4.5.3.1.3: a path of 256
// octets with its angle brackets). The local part has no bound of its own: the
// reply addresses that ticket systems make exceed the 64 octets of
// §4.5.3.1.1, and mail to them arrives.
const maxLength = 254

// Normalize returns the canonical form of an address: no display name, angle
// brackets, mailto:, quotes, blanks or invisible characters; everything in
// lower case; the local part in Unicode normal form C and quoted only where it
// can't be written otherwise; the domain in its ASCII form without a final
// dot. ok is false when s is not an SMTP address, such as the X.400 and X.500
// names of directories. A canonical form comes back unchanged, and one in plain
// ASCII without an allocation.
func Normalize(s string) (canonical string, ok bool) {
	if isPlain(s) {
		return s, true
	}
	if len(s) > 8*maxLength || !utf8.ValidString(s) {
		return "", false
	}
	s = unwrap(strings.Map(visible, s))
	at := splitAt(s)
	if at < 0 {
		return "", false
	}
	local, ok := normalizeLocal(strings.TrimSpace(s[:at]))
	if !ok {
		return "", false
	}
	domain, ok := normalizeDomain(strings.TrimSpace(s[at+1:]))
	if !ok || len(local)+1+len(domain) > maxLength {
		return "", false
	}
	return local + "@" + domain, true
}

// Domain returns the part of a canonical address behind the last @, "" when
// there is none.
func Domain(canonical string) string {
	_, domain := split(canonical)
	return domain
}

// Unplus returns a canonical address without the tag of plus addressing
// (RFC 5233 calls it the detail): john+crm@x.test becomes john@x.test. An
// address without a tag comes back unchanged.
func Unplus(canonical string) string {
	local, domain := split(canonical)
	plus := strings.IndexByte(local, '+')
	if plus <= 0 || domain == "" || local[0] == '"' {
		return canonical
	}
	return local[:plus] + "@" + domain
}

func split(canonical string) (local, domain string) {
	at := strings.LastIndexByte(canonical, '@')
	if at < 0 {
		return canonical, ""
	}
	return canonical[:at], canonical[at+1:]
}

// isPlain tells whether s is canonical and in plain ASCII, as nearly all
// addresses are.
func isPlain(s string) bool {
	at := -1
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '@':
			if at >= 0 {
				return false
			}
			at = i
		case 'A' <= c && c <= 'Z' || c >= utf8.RuneSelf || !isAtext(c) && c != '.':
			return false
		}
	}
	// A quote may be one that somebody put around the address; a dot may be all there is.
	return at > 0 && len(s) <= maxLength && s[0] != '\'' && s[0] != '.' && !foreign(s[:at]) &&
		isASCIIDomain(s[at+1:]) && !strings.Contains(s[at+1:], "xn--")
}

// isAtext tells whether c may stand in a local part without quotes (RFC 5322
// §3.2.3, RFC 6532 §3.2).
func isAtext(c byte) bool { return atext[c] }

var atext = func() (set [256]bool) {
	for c := range set {
		set[c] = 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			c >= utf8.RuneSelf || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", rune(c))
	}
	return set
}()

// visible maps blanks of all kinds to the plain one and drops what can't be
// seen: controls, zero-width and bidirectional characters.
func visible(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
		return -1
	}
	return r
}

// unwrap takes off what people and programs put around an address.
func unwrap(s string) string {
	for {
		was := s
		s = strings.TrimSpace(s)
		if open := strings.LastIndexByte(s, '<'); open >= 0 && strings.HasSuffix(s, ">") {
			s = s[open+1 : len(s)-1]
		}
		s = strings.Trim(s, "'")
		if len(s) > 2 && s[0] == '"' && s[len(s)-1] == '"' {
			s = s[1 : len(s)-1]
		}
		switch scheme, rest, found := strings.Cut(s, ":"); {
		case !found:
		case strings.EqualFold(scheme, "smtp"): // Exchange's proxy addresses
			s = rest
		case strings.EqualFold(scheme, "mailto"): // RFC 6068
			s, _, _ = strings.Cut(rest, "?")
			if decoded, err := url.PathUnescape(s); err == nil && utf8.ValidString(decoded) {
				s = strings.Map(visible, decoded)
			}
		}
		if s == was {
			return s
		}
	}
}

// splitAt returns the index of the @ between local part and domain, -1 when
// there is none or more than one.
func splitAt(s string) int {
	at, quoted := -1, false
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			if quoted {
				i++
			}
		case '"':
			quoted = !quoted
		case '@':
			if quoted {
				continue
			}
			if at >= 0 {
				return -1
			}
			at = i
		}
	}
	return at
}

func normalizeLocal(s string) (string, bool) {
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		text, ok := unquote(s[1 : len(s)-1])
		if !ok {
			return "", false
		}
		s = lower(text)
		if !isDotAtom(s) {
			return quote(s), strings.TrimSpace(s) != ""
		}
		return s, !foreign(s)
	}
	s = lower(s)
	return s, isDotAtom(s) && !foreign(s)
}

// lower returns s in lower case and normal form C. Twice, because composing
// may give letters that have a lower case.
func lower(s string) string {
	return norm.NFC.String(strings.ToLower(norm.NFC.String(strings.ToLower(s))))
}

// isDotAtom is more tolerant than RFC 5322 §3.2.3: dots may stand anywhere,
// since some carriers give out such addresses.
func isDotAtom(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] != '.' && !isAtext(s[i]) {
			return false
		}
	}
	return s != "" && strings.Trim(s, ".") != ""
}

// foreign tells whether a local part in lower case is the address of another
// mail system: IMCEAEX-_O=… is how Exchange wraps one, /o=… an X.500 name.
func foreign(local string) bool {
	return strings.HasPrefix(local, "imcea") && strings.Contains(local, "-") ||
		strings.HasPrefix(local, "/o=") || strings.HasPrefix(local, "/c=")
}

// unquote removes the backslashes of a quoted string's text (RFC 5322 §3.2.4).
func unquote(s string) (string, bool) {
	if !strings.ContainsAny(s, `\"`) {
		return s, true
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			return "", false
		case s[i] == '\\' && i+1 == len(s):
			return "", false
		case s[i] == '\\':
			i++
		}
		b.WriteByte(s[i])
	}
	return b.String(), true
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}
