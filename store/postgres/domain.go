package postgres

import (
	"context"

	"kith"
	"kith/store"
	"kith/store/internal/contacts"
)

// MatchDomains implements [store.Contacts].
func (s *Store) MatchDomains(ctx context.Context, domains []string) (map[string]kith.Match, error) {
	var clean []string
	for _, d := range domains {
		if store.Clean(d) == d { // else it is nobody's
			clean = append(clean, d)
		}
	}
	if len(clean) == 0 {
		return map[string]kith.Match{}, ctx.Err()
	}
	var shares []contacts.DomainShare
	err := s.ask(ctx, "match domains", modeMatch, func(tx tx) error {
		shares = nil
		// The expression is that of the index addresses_domain.
		return tx.each(ctx, `SELECT DISTINCT split_part(a.address, '@', 2), c.type = 'company', k.id, k.never_record, k.archived
			FROM addresses a JOIN contacts c ON c.id = a.contact
			JOIN contacts k ON k.id = CASE c.type WHEN 'company' THEN c.id ELSE c.company END
			WHERE split_part(a.address, '@', 2) = ANY ($1::text[]) AND a.address LIKE '%@%'`, []any{clean},
			func(scan func(...any) error) error {
				var d contacts.DomainShare
				err := scan(&d.Domain, &d.Own, (*[16]byte)(&d.Company.ContactID), &d.Company.NeverRecord, &d.Company.Archived)
				shares = append(shares, d)
				return err
			})
	})
	return contacts.CompanyByDomain(shares), err
}
