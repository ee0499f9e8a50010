package sqlite

import (
	"context"

	"kith"
	"kith/store/internal/contacts"
)

// matchDomains finds addresses that begin with a domain and an @, after which comes the A.
// The company k is the survivor of a company c, or of the company of a person's survivor.
const matchDomains = `SELECT DISTINCT j.value, c.type = 'company', k.n, k.tail,
		CASE WHEN k.survivor IS NULL THEN k.never_record ELSE (SELECT max(never_record) FROM contacts WHERE survivor = k.n) END,
		CASE WHEN k.survivor IS NULL THEN k.archived ELSE (SELECT max(archived) FROM contacts WHERE survivor = k.n) END
	FROM (SELECT DISTINCT value FROM json_each(?)) j
	CROSS JOIN addresses a ON a.address >= j.value || '@' AND a.address < j.value || 'A'
	JOIN contacts c ON c.n = a.contact
	JOIN contacts o ON o.n = CASE WHEN c.type = 'company' THEN c.n WHEN c.survivor IS NULL THEN c.company
		ELSE (SELECT company FROM contacts WHERE n = c.survivor) END
	JOIN contacts k ON k.n = coalesce(o.survivor, o.n)`

// MatchDomains implements [store.Contacts].
func (s *Store) MatchDomains(ctx context.Context, domains []string) (map[string]kith.Match, error) {
	if len(domains) == 0 {
		return map[string]kith.Match{}, nil
	}
	var shares []contacts.DomainShare
	err := s.read(ctx, "match domains", func(tx tx) error {
		shares = nil
		return tx.each(ctx, matchDomains, []any{list(domains)},
			func(scan func(...any) error) error {
				var d contacts.DomainShare
				var n, tail int64
				err := scan(&d.Domain, &d.Own, &n, &tail, &d.Company.NeverRecord, &d.Company.Archived)
				d.Company.ContactID = idOf(n, tail)
				shares = append(shares, d)
				return err
			})
	})
	return contacts.CompanyByDomain(shares), err
}
