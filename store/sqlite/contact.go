package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"kith"
	"kith/store"
	"kith/store/internal/contacts"
)

const (
	contactColumns = `c.n, c.tail, c.type, c.source, c.external_id, c.name, c.never_record, c.archived,
		c.created_at, c.updated_at, c.facts, k.n, k.tail, k.name, k.survivor,
		c.merged_into, (SELECT tail FROM contacts WHERE n = c.merged_into), c.survivor, (SELECT tail FROM contacts WHERE n = c.survivor)`
	contactTables = ` FROM contacts c LEFT JOIN contacts k ON k.n = c.company `
)

// filed is a contact as its row has it: without those merged into it, and with
// the company that its row names.
type filed struct {
	kith.Contact
	survivor kith.ID // see contacts.Entry
	employer int64   // the survivor of its company; 0: that was never merged
}

// contactFacts is the column facts of a contact.
type contactFacts struct {
	FirstName string            `json:"first,omitempty"`
	LastName  string            `json:"last,omitempty"`
	Emails    []string          `json:"emails,omitempty"`
	Phones    []string          `json:"phones,omitempty"`
	Title     string            `json:"title,omitempty"`
	Language  string            `json:"language,omitempty"`
	Owner     string            `json:"owner,omitempty"`
	Tags      []string          `json:"tags,omitempty"`
	Notes     map[string]string `json:"notes,omitempty"`
}

// listed makes no list an empty one, as which JSON shall show it.
func listed(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func scanContact(scan func(...any) error) (*filed, error) {
	var c filed
	var n, tail int64
	var created, updated, company, companyTail, employer, into, intoTail, survivor, survivorTail sql.NullInt64
	var companyName sql.NullString
	var text []byte
	err := scan(&n, &tail, &c.Type, &c.Source, &c.ExternalID, &c.Name, &c.NeverRecord, &c.Archived,
		&created, &updated, &text, &company, &companyTail, &companyName, &employer,
		&into, &intoTail, &survivor, &survivorTail)
	if err != nil {
		return nil, err
	}
	c.ID = idOf(n, tail)
	c.CreatedAt, c.UpdatedAt = timeOf(created), timeOf(updated)
	c.CompanyID, c.Company, c.employer = companyID(company, companyTail), companyName.String, employer.Int64
	c.MergedInto = companyID(into, intoTail)
	if survivor.Valid {
		c.survivor = idOf(survivor.Int64, survivorTail.Int64)
	}
	var f contactFacts
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("decode facts of contact %s: %w", c.ID, err)
	}
	c.FirstName, c.LastName = f.FirstName, f.LastName
	c.Emails, c.Phones, c.Tags = listed(f.Emails), listed(f.Phones), listed(f.Tags)
	c.Title, c.Language, c.Owner, c.Notes = f.Title, f.Language, f.Owner, f.Notes
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
	var version int64
	err := s.read(ctx, "read the version of the contacts", func(tx tx) error {
		return tx.one(ctx, `SELECT value FROM meta WHERE name = 'contacts_version'`, nil, &version)
	})
	return version, err
}

// matchAddresses finds contacts by addresses. The row c that has one shows as its
// survivor, if it has one, and its company k too.
const matchAddresses = `SELECT a.address, c.n, c.tail,
		coalesce(c.survivor, c.n), CASE WHEN c.survivor IS NULL THEN c.tail ELSE (SELECT tail FROM contacts WHERE n = c.survivor) END,
		coalesce(k.survivor, k.n), CASE WHEN k.survivor IS NULL THEN k.tail ELSE (SELECT tail FROM contacts WHERE n = k.survivor) END,
		CASE WHEN c.survivor IS NULL THEN c.never_record ELSE (SELECT max(never_record) FROM contacts WHERE survivor = c.survivor) END,
		CASE WHEN c.survivor IS NULL THEN c.archived ELSE (SELECT max(archived) FROM contacts WHERE survivor = c.survivor) END
	FROM json_each(?) j
		CROSS JOIN addresses a ON a.address = j.value
		JOIN contacts c ON c.n = a.contact
		LEFT JOIN contacts k ON k.n = CASE WHEN c.survivor IS NULL THEN c.company ELSE (SELECT company FROM contacts WHERE n = c.survivor) END`

// holding is that a contact has an address.
type holding struct {
	key    string
	holder kith.ID // the row that has it; the match is of its survivor
	kith.Match
}

// MatchAddresses implements [store.Contacts].
func (s *Store) MatchAddresses(ctx context.Context, addresses []string) (map[string][]kith.Match, error) {
	matches := make(map[string][]kith.Match)
	if len(addresses) == 0 {
		return matches, nil
	}
	err := s.read(ctx, "match addresses", func(tx tx) error {
		clear(matches)
		var found []holding
		err := tx.each(ctx, matchAddresses, []any{addressKeys(addresses)}, func(scan func(...any) error) error {
			var h holding
			var n, tail, holder, holderTail int64
			var company, companyTail sql.NullInt64
			if err := scan(&h.key, &holder, &holderTail, &n, &tail, &company, &companyTail, &h.NeverRecord, &h.Archived); err != nil {
				return err
			}
			h.holder, h.ContactID, h.CompanyID = idOf(holder, holderTail), idOf(n, tail), companyID(company, companyTail)
			found = append(found, h)
			return nil
		})
		if err != nil {
			return err
		}
		slices.SortFunc(found, func(a, b holding) int {
			return cmp.Or(strings.Compare(a.key, b.key), bytes.Compare(a.ContactID[:], b.ContactID[:]), bytes.Compare(a.holder[:], b.holder[:]))
		})
		for _, h := range found {
			address := addressOf(h.key)
			matches[address] = contacts.Match(matches[address], h.Match, h.holder)
		}
		erased, err := tx.erased(ctx, addresses)
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
		found, err := tx.united(ctx, `WHERE c.n = ? AND c.tail = ?`, numberOf(id), tailOf(id))
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
	var contacts []kith.Contact
	err := s.read(ctx, "find contacts", func(tx tx) error {
		type search struct {
			where string
			args  []any
		}
		var searches []search
		if id, err := kith.ParseID(word); err == nil {
			searches = append(searches, search{`n = ? AND tail = ?`, []any{numberOf(id), tailOf(id)}})
		}
		searches = append(searches,
			search{`external_id = ? AND external_id <> ''`, []any{word}},
			search{`n IN (SELECT contact FROM addresses WHERE address = ?)`, []any{addressKey(word)}}, // e-mail or phone
			search{`folded = ? AND folded <> ''`, []any{store.Fold(word)}})
		for _, q := range searches {
			found, err := tx.united(ctx, `WHERE c.n IN (SELECT coalesce(survivor, n) FROM contacts WHERE `+q.where+`) ORDER BY c.n`, q.args...)
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
		text := store.Fold(filter.Text)
		after, last := "", int64(0)
		for size := firstPage; ; size = min(2*size, lastPage) {
			want := min(size, left)
			var page []kith.Contact
			err := s.read(ctx, "list contacts", func(tx tx) (err error) {
				clause := `WHERE (c.folded, c.n) > (?, ?) AND c.merged_into IS NULL`
				args := []any{after, last}
				if filter.Type != "" {
					clause += ` AND c.type = ?`
					args = append(args, string(filter.Type))
				}
				if text != "" {
					clause += ` AND (instr(c.folded, ?) OR instr(lower(c.external_id), ?)
						OR c.n IN (SELECT coalesce(m.survivor, m.n) FROM addresses a JOIN contacts m ON m.n = a.contact WHERE instr(` + writtenAddress + `, ?))
						OR c.n IN (SELECT survivor FROM contacts WHERE survivor IS NOT NULL AND (instr(folded, ?) OR instr(lower(external_id), ?))))`
					args = append(args, text, text, text, text, text)
				}
				page, err = tx.united(ctx, clause+` ORDER BY c.folded, c.n LIMIT ?`, append(args, want)...)
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
				after, last = store.Fold(c.Name), numberOf(c.ID)
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
	err = s.read(ctx, "count contacts", func(tx tx) error {
		return tx.one(ctx, `SELECT count(*) FILTER (WHERE type = ?), count(*) FILTER (WHERE type = ?) FROM contacts WHERE merged_into IS NULL`,
			[]any{string(kith.Person), string(kith.Company)}, &persons, &companies)
	})
	return persons, companies, err
}
