package address

import (
	"net/netip"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// lookup maps and checks domains as RFC 5891 §5 asks, but lets pass what DNS
// lets pass: underscores, and hyphens where IDNA doesn't want them.
var lookup = idna.New(
	idna.MapForLookup(),
	idna.BidiRule(),
	idna.Transitional(false),
	idna.StrictDomainName(false),
	idna.CheckHyphens(false),
)

// normalizeDomain returns the ASCII form (A-labels) of a domain in lower case,
// without a final dot.
func normalizeDomain(s string) (string, bool) {
	if strings.HasPrefix(s, "[") {
		return normalizeLiteral(s)
	}
	s = strings.TrimSuffix(s, ".")
	ascii, err := lookup.ToASCII(s)
	if err != nil {
		// Domains that IDNA 2008 does not allow are registered and used all the
		// same, such as those with emoji.
		ascii, err = idna.Punycode.ToASCII(norm.NFC.String(strings.ToLower(s)))
	}
	ascii = strings.TrimSuffix(strings.ToLower(ascii), ".")
	return ascii, err == nil && isASCIIDomain(ascii)
}

// normalizeLiteral reads an address literal (RFC 5321 §4.1.3).
func normalizeLiteral(s string) (string, bool) {
	s, ok := strings.CutSuffix(strings.ToLower(s[1:]), "]")
	if !ok {
		return "", false
	}
	s, six := strings.CutPrefix(s, "ipv6:")
	ip, err := netip.ParseAddr(s)
	switch {
	case err != nil || ip.Zone() != "" || ip.Is4() == six:
		return "", false
	case six:
		return "[ipv6:" + ip.String() + "]", true
	}
	return "[" + ip.String() + "]", true
}

// isASCIIDomain tells whether s is a domain of lower-case labels, of the
// lengths that RFC 1035 §2.3.4 allows.
func isASCIIDomain(s string) bool {
	label := 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '.':
			if label == 0 {
				return false
			}
			label = -1
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_':
		default:
			return false
		}
		if label++; label > 63 {
			return false
		}
	}
	return label > 0 && len(s) <= 253
}
