// Package address makes e-mail addresses comparable: one canonical form for
// the same mailbox however it was written (RFC 5321 §4.1.2, RFC 5891 for
// domains, RFC 6531 for local parts beyond ASCII). It is pure and keeps no state.
package address

import (
	"strings"

	"golang.org/x/net/idna"
)

// Normalize returns the canonical form of an address: no display name, angle
// brackets, mailto:, blanks or invisible characters; everything in lower case;
// the domain in its ASCII form without a final dot. ok is false when s is not
// an SMTP address.
func Normalize(s string) (canonical string, ok bool) {
	s = strings.TrimSpace(s)
	at := strings.LastIndexByte(s, '@')
	if at <= 0 || at == len(s)-1 {
		return "", false
	}
	domain, err := idna.Lookup.ToASCII(strings.TrimSuffix(s[at+1:], "."))
	if err != nil {
		return "", false
	}
	return strings.ToLower(s[:at]) + "@" + strings.ToLower(domain), true
}

// Domain returns the part of a canonical address behind the last @.
func Domain(canonical string) string {
	return canonical[strings.LastIndexByte(canonical, '@')+1:]
}
