package message

import (
	"strings"
	"unicode/utf8"

	"kith"
	"kith/address"
)

// add appends a mailbox with a canonical address.
func (l *addressList) add(name, canonical string) {
	if len(l.addresses) == maxAddresses {
		l.cut = true
		return
	}
	if l.addresses == nil {
		l.addresses = make([]kith.Address, 0, 2)
	}
	l.addresses = append(l.addresses, kith.Address{Name: cleanName(name), Address: canonical})
}

// addForeign appends what stands in the place of an address.
func (l *addressList) addForeign(name, text string) {
	text = strings.TrimSpace(cut(clean(decodeWords(text)), maxForeign))
	if canonical, ok := address.Normalize(text); ok {
		l.add(name, canonical)
		return
	}
	// undisclosed-recipients:;@host and the like name nobody.
	if text == "" || text[0] == '@' || hasPrefixFold(text, "undisclosed") {
		return
	}
	l.foreign = true
	l.add(name, text)
}

// maxForeign bounds what is kept of an address that is none, in bytes.
const maxForeign = 500

// cut returns at most n bytes of s, whole characters.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// cleanName returns a display name as a person would write it: decoded, on one
// line, without quotes around it; "" when it is an address and not a name.
func cleanName(name string) string {
	name = clean(decodeWords(name))
	for {
		trimmed := name
		for _, quote := range []string{`"`, `'`, "`"} {
			if len(name) > 1 && strings.HasPrefix(name, quote) && strings.HasSuffix(name, quote) {
				name = strings.TrimSpace(name[1 : len(name)-1])
			}
		}
		if name == trimmed {
			break
		}
	}
	if strings.Trim(name, `"' `) == "" {
		return ""
	}
	if strings.Contains(name, "@") {
		if _, ok := address.Normalize(name); ok {
			return ""
		}
	}
	return name
}
