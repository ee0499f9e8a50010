package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math"

	"github.com/jackc/pgx/v5/pgtype"

	"kith"
	"kith/store"
	"kith/store/internal/contacts"
)

const (
	contactColumns = `c.id, c.type, c.source, c.external_id, c.name, c.first_name, c.last_name, c.company, k.name,
		c.emails, c.phones, c.title, c.language, c.owner, c.tags, c.never_record, c.archived, c.notes, c.created_at, c.updated_at,
		c.merged_into, c.survivor, k.survivor`
	contactTables = ` FROM contacts c LEFT JOIN contacts k ON k.id = c.company `
)

// filed is a contact as its row has it: without those merged into it, and with
// the company that its row names.
type filed struct {
	kith.Contact
	survivor kith.ID // see contacts.Entry
	employer kith.ID // the survivor of its company; zero: that was never merged
}

func scanContact(scan func(...any) error) (*filed, error) {
	var c filed
	var company, into, survivor, employer pgtype.UUID
	var companyName *string
	var notes []byte
	err := scan((*[16]byte)(&c.ID), (*string)(&c.Type), &c.Source, &c.ExternalID, &c.Name, &c.FirstName, &c.LastName, &company, &companyName,
		&c.Emails, &c.Phones, &c.Title, &c.Language, &c.Owner, &c.Tags, &c.NeverRecord, &c.Archived, &notes, &c.CreatedAt, &c.UpdatedAt,
		&into, &survivor, &employer)
	if err != nil {
		return nil, err
	}
	if company.Valid {
		c.CompanyID, c.Company = (*kith.ID)(&company.Bytes), *companyName
	}
	if into.Valid {
		c.MergedInto = (*kith.ID)(&into.Bytes)
	}
	c.survivor, c.employer = survivor.Bytes, employer.Bytes
	if notes != nil {
		if err := json.Unmarshal(notes, &c.Notes); err != nil {
			return nil, fmt.Errorf("decode notes of contact %s: %w", c.ID, err)
		}
	}
	return &c, nil
}

// contacts reads the contacts c that a clause chooses.
func (tx tx) contacts(ctx context.Context, clause string, args ...any) ([]*filed, error) {
	var found []*filed
	err := tx.each(ctx, `SELECT `+contactColumns+contactTables+clause, args, func(scan func(...any) error) error {
		c, err := scanContact(scan)
		found = append(found, c)
		return err
	})
	return found, err
}

// ContactsVersion implements [store.Contacts].
func (s *Store) ContactsVersion(ctx context.Context) (int64, error) {
	return s.version(ctx, "contacts")
}

// version reads one of the versions in meta.
func (s *Store) version(ctx context.Context, of string) (version int64, err error) {
	err = s.read(ctx, "read the version of the "+of, func(tx tx) error {
		return tx.one(ctx, `SELECT value FROM meta WHERE name = $1`, []any{of + "_version"}, &version)
	})
	return version, err
}

// bump makes one of the versions in meta grow. It is the last statement of a
// transaction, for others wait for it.
func (tx tx) bump(ctx context.Context, of string) error {
	_, err := tx.Exec(ctx, `UPDATE meta SET value = value + 1 WHERE name = $1`, of+"_version")
	return err
}

// matchAddresses finds contacts by addresses. The row c that has one shows as its
// survivor, if it has one, and its company k too.
const matchAddresses = `SELECT a.address, c.id, coalesce(c.survivor, c.id), coalesce(k.survivor, k.id),
		CASE WHEN c.survivor IS NULL THEN c.never_record ELSE (SELECT bool_or(never_record) FROM contacts WHERE survivor = c.survivor) END,
		CASE WHEN c.survivor IS NULL THEN c.archived ELSE (SELECT bool_or(archived) FROM contacts WHERE survivor = c.survivor) END
	FROM addresses a JOIN contacts c ON c.id = a.contact
		LEFT JOIN contacts k ON k.id = CASE WHEN c.survivor IS NULL THEN c.company ELSE (SELECT company FROM contacts WHERE id = c.survivor) END
	WHERE a.address = ANY ($1) ORDER BY a.address, coalesce(c.survivor, c.id), c.id`

// MatchAddresses implements [store.Contacts].
func (s *Store) MatchAddresses(ctx context.Context, addresses []string) (map[string][]kith.Match, error) {
	matches := make(map[string][]kith.Match)
	var clean []string
	for _, a := range addresses {
		if store.Clean(a) == a { // else it is nobody's
			clean = append(clean, a)
		}
	}
	if len(clean) == 0 {
		return matches, ctx.Err()
	}
	err := s.ask(ctx, "match addresses", modeMatch, func(tx tx) error {
		clear(matches)
		err := tx.each(ctx, matchAddresses, []any{clean},
			func(scan func(...any) error) error {
				var address string
				var holder kith.ID
				var m kith.Match
				var company pgtype.UUID
				if err := scan(&address, (*[16]byte)(&holder), (*[16]byte)(&m.ContactID), &company, &m.NeverRecord, &m.Archived); err != nil {
					return err
				}
				if company.Valid {
					m.CompanyID = (*kith.ID)(&company.Bytes)
				}
				matches[address] = contacts.Match(matches[address], m, holder)
				return nil
			})
		if err != nil {
			return err
		}
		erased, err := tx.erased(ctx, clean)
		for a := range erased {
			matches[a] = []kith.Match{{Erased: true}}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return matches, nil
}

// Contact implements [store.Contacts].
func (s *Store) Contact(ctx context.Context, id kith.ID) (kith.Contact, error) {
	var contact kith.Contact
	err := s.read(ctx, fmt.Sprintf("read contact %s", id), func(tx tx) error {
		found, err := tx.united(ctx, `WHERE c.id = $1`, [16]byte(id))
		if err == nil && len(found) == 0 {
			err = kith.ErrNotFound
		}
		if err == nil {
			contact = found[0]
		}
		return err
	})
	return contact, err
}

// FindContacts implements [store.Contacts].
func (s *Store) FindContacts(ctx context.Context, word string) ([]kith.Contact, error) {
	type search struct {
		where string
		arg   any
	}
	word = store.Clean(word)
	var searches []search
	if id, err := kith.ParseID(word); err == nil {
		searches = append(searches, search{`id = $1`, [16]byte(id)})
	}
	searches = append(searches,
		search{`external_id = $1 AND external_id <> ''`, word},
		search{`id IN (SELECT contact FROM addresses WHERE address = $1)`, word}, // e-mail or phone
		search{`folded = $1 AND folded <> ''`, store.Fold(word)})
	var contacts []kith.Contact
	err := s.read(ctx, "find contacts", func(tx tx) error {
		contacts = nil
		for _, q := range searches {
			found, err := tx.united(ctx, `WHERE c.id IN (SELECT coalesce(survivor, id) FROM contacts WHERE `+q.where+`) ORDER BY c.id`, q.arg)
			if err != nil || len(found) > 0 {
				contacts = found
				return err
			}
		}
		return nil
	})
	return contacts, err
}

// Contacts implements [store.Contacts].
func (s *Store) Contacts(ctx context.Context, filter store.ContactFilter) iter.Seq2[kith.Contact, error] {
	return func(yield func(kith.Contact, error) bool) {
		left := filter.Limit
		if left <= 0 {
			left = math.MaxInt
		}
		text := store.Fold(store.Clean(filter.Text))
		after, last := "", kith.ID{}
		for size := firstPage; ; size = min(2*size, lastPage) {
			want := min(size, left)
			var page []kith.Contact
			err := s.list(ctx, "list contacts", func(tx tx) (err error) {
				clause := `WHERE (c.folded, c.id) > ($1, $2) AND c.merged_into IS NULL`
				args := []any{after, [16]byte(last), want}
				if filter.Type != "" {
					args = append(args, string(filter.Type))
					clause += fmt.Sprintf(` AND c.type = $%d`, len(args))
				}
				if text != "" {
					args = append(args, text)
					clause += fmt.Sprintf(` AND (strpos(c.folded, $%[1]d) > 0 OR strpos(lower(c.external_id), $%[1]d) > 0
						OR c.id IN (SELECT coalesce(m.survivor, m.id) FROM addresses a JOIN contacts m ON m.id = a.contact WHERE strpos(a.address, $%[1]d) > 0)
						OR c.id IN (SELECT survivor FROM contacts WHERE survivor IS NOT NULL AND (strpos(folded, $%[1]d) > 0 OR strpos(lower(external_id), $%[1]d) > 0)))`, len(args))
				}
				page, err = tx.united(ctx, clause+` ORDER BY c.folded, c.id LIMIT $3`, args...)
				return err
			})
			if err != nil {
				yield(kith.Contact{}, err)
				return
			}
			for _, c := range page {
				if !yield(c, nil) {
					return
				}
				after, last = store.Fold(c.Name), c.ID
				left--
			}
			if len(page) < want || left == 0 {
				return
			}
		}
	}
}

// CountContacts implements [store.Contacts].
func (s *Store) CountContacts(ctx context.Context) (persons, companies int, err error) {
	err = s.list(ctx, "count contacts", func(tx tx) error {
		return tx.one(ctx, `SELECT count(*) FILTER (WHERE type = $1), count(*) FILTER (WHERE type = $2) FROM contacts WHERE merged_into IS NULL`,
			[]any{string(kith.Person), string(kith.Company)}, &persons, &companies)
	})
	return persons, companies, err
}
