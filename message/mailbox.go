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

// Mailbox returns the mailbox of an IMAP envelope (RFC 9051 §7.5.2); ok is false where it names
// nobody, such as the limits of a group.
func Mailbox(name, mailbox, host string) (a kith.Address, ok bool) {
	if mailbox == "" || host == "" {
		return a, false
	}
	var l addressList
	l.addForeign(cut(name, maxForeign), mailbox+"@"+host)
	if len(l.addresses) == 0 {
		return a, false
	}
	return l.addresses[0], true
}

// authorsOf returns who From of a message names, of which the beginning is given.
func authorsOf(beginning []byte) []kith.Address {
	var h header
	h.read(beginning)
	return h.addresses(&kith.Message{}, fieldFrom)
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
