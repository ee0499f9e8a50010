package contacts

import "kith"

// DomainShare says that a company has addresses in a domain: its own, or those of its people.
type DomainShare struct {
	Domain  string
	Own     bool
	Company kith.Match
}

// CompanyByDomain decides which company each domain is of, as [store.Contacts]
// says of MatchDomains.
func CompanyByDomain(shares []DomainShare) map[string]kith.Match {
	type claim struct {
		company kith.Match
		own     bool
		several bool
	}
	claims := make(map[string]claim)
	for _, s := range shares {
		c, known := claims[s.Domain]
		switch {
		case !known, s.Own && !c.own:
			c = claim{company: s.Company, own: s.Own}
		case s.Own == c.own && s.Company.ContactID != c.company.ContactID:
			c.several = true
		}
		claims[s.Domain] = c
	}
	found := make(map[string]kith.Match, len(claims))
	for domain, c := range claims {
		if !c.several {
			found[domain] = c.company
		}
	}
	return found
}
