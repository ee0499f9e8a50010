package matcher

import (
	"strings"

	"kith/address"
)

// Spellings returns what addresses messages may have that are linked because a
// contact has this one: itself, and where the policy takes others for it, patterns in which
// an asterisk stands for any text. ok is false when no pattern covers them.
func (m *Matcher) Spellings(canonical string) (patterns []string, ok bool) {
	p := &m.policy
	if p.GmailDots && address.Domain(canonical) == "gmail.com" && undotted(canonical) == canonical {
		return nil, false // a dot may stand anywhere
	}
	patterns = []string{canonical}
	local, domain, _ := strings.Cut(canonical, "@")
	if p.PlusAddressing && address.Unplus(canonical) == canonical && !strings.Contains(local, `"`) {
		patterns = append(patterns, local+"+*@"+domain)
	}
	if p.CompanyByDomain && !address.FreeMail(domain) {
		patterns = append(patterns, "*@*"+domain) // and in domains below it
	}
	return patterns, true
}
