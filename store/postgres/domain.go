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
		// The expression is that of the index addresses_domain. The company k is the
		// survivor of a company c, or of the company of a person's survivor.
		return tx.each(ctx, `SELECT DISTINCT split_part(a.address, '@', 2), c.type = 'company', k.id,
				CASE WHEN k.survivor IS NULL THEN k.never_record ELSE (SELECT bool_or(never_record) FROM contacts WHERE survivor = k.id) END,
				CASE WHEN k.survivor IS NULL THEN k.archived ELSE (SELECT bool_or(archived) FROM contacts WHERE survivor = k.id) END
			FROM addresses a JOIN contacts c ON c.id = a.contact
			JOIN contacts o ON o.id = CASE WHEN c.type = 'company' THEN c.id WHEN c.survivor IS NULL THEN c.company
				ELSE (SELECT company FROM contacts WHERE id = c.survivor) END
			JOIN contacts k ON k.id = coalesce(o.survivor, o.id)
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
