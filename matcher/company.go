package matcher

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/publicsuffix"

	"kith/address"
)

// meetCompanies notes the companies in whose domains those addresses are that
// nobody has. A machine's address says nothing of who wrote.
func (m *Matcher) meetCompanies(ctx context.Context, ids Identities, found map[string]*who) error {
	var ask []string
	for a, w := range found {
		if w.strange(a) {
			ask = append(ask, ids.companyDomains(address.Domain(a))...)
		}
	}
	if len(ask) == 0 {
		return nil
	}
	slices.Sort(ask)
	ask = slices.Compact(ask)
	companies, err := m.contacts.MatchDomains(ctx, ask)
	if err != nil {
		return fmt.Errorf("look up %d domains in the contacts: %w", len(ask), err)
	}
	for a, w := range found {
		if !w.strange(a) {
			continue
		}
		for _, domain := range ids.companyDomains(address.Domain(a)) {
			company, ok := companies[domain]
			if !ok {
				continue
			}
			w.company = &company
			if company.NeverRecord && w.never == 0 {
				w.never = neverByCompany
			}
			break
		}
	}
	return nil
}

// strange tells whether an address may stand for a company that has its domain.
func (w *who) strange(a string) bool {
	return w.smtp && !w.own && len(w.matches) == 0 && !address.IsNoReply(a)
}

// companyDomains returns a host and the domains above it, up to the one that
// somebody has registered: never a public suffix such as co.uk. There are none if
// one of them is our own, or gives mailboxes to anybody.
func (ids Identities) companyDomains(host string) []string {
	if strings.HasPrefix(host, "[") {
		return nil // RFC 5321 §4.1.3: an IP address
	}
	registered, err := publicsuffix.EffectiveTLDPlusOne(host)
	if err != nil {
		return nil // it is a public suffix itself
	}
	var domains []string
	for domain := host; ; {
		if ids.domains[domain] || address.FreeMail(domain) {
			return nil
		}
		domains = append(domains, domain)
		if domain == registered {
			return domains
		}
		_, domain, _ = strings.Cut(domain, ".")
	}
}
