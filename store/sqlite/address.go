package sqlite

import (
	"slices"
	"strings"
)

// The table addresses holds e-mail addresses with the domain first, as in
// client.test@ann: so its primary key finds what is in a domain too, and the contacts of a
// company lie together. Phone numbers have no @ and stay as they are. A domain holds no @; a local part may, in quotes.

// addressKey is an address as the table holds it.
func addressKey(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return address
	}
	return address[at+1:] + "@" + address[:at]
}

// addressOf is the inverse of addressKey.
func addressOf(key string) string {
	domain, local, ok := strings.Cut(key, "@")
	if !ok {
		return key
	}
	return local + "@" + domain
}

// addressKeys is a list for json_each: each once, and in their order, for then neighbours are
// looked up on one page of the table.
func addressKeys(addresses []string) string {
	keys := make([]string, len(addresses))
	for i, a := range addresses {
		keys[i] = addressKey(a)
	}
	slices.Sort(keys)
	return list(slices.Compact(keys))
}

// writtenAddress is addressOf of an address a.
const writtenAddress = `CASE instr(a.address, '@') WHEN 0 THEN a.address
	ELSE substr(a.address, instr(a.address, '@') + 1) || '@' || substr(a.address, 1, instr(a.address, '@') - 1) END`
