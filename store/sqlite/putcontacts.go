package sqlite

import (
	"context"
	"errors"
	"time"

	"kith"
	"kith/store"
	"kith/store/internal/contacts"
)

// PutContacts implements [store.Contacts].
func (s *Store) PutContacts(ctx context.Context, in []kith.Contact, at time.Time, dryRun bool) ([]kith.ContactChange, error) {
	if at.IsZero() {
		return nil, errors.New("put contacts: they need the time of the change")
	}
	changes := make([]kith.ContactChange, len(in))
	ids := make([]kith.ID, len(in))
	clean := contacts.Clean(in)
	err := s.write(ctx, "put contacts", func(tx tx) error {
		b, err := tx.contactBatch(ctx, at, clean)
		if err != nil {
			return err
		}
		for i := range clean {
			e, change, err := b.Put(clean[i])
			if err != nil {
				return &store.RowError{Row: i, Err: err}
			}
			changes[i], ids[i] = change, e.Shown()
			if dryRun && e.Fresh {
				ids[i] = kith.ID{} // there won't be such a contact
			}
		}
		if dryRun {
			return errUndo
		}
		return tx.writeContacts(ctx, b)
	})
	if err != nil && !errors.Is(err, errUndo) {
		return nil, err
	}
	for i := range in {
		in[i].ID = ids[i]
	}
	return changes, nil
}

// contactBatch reads the contacts that the input may mean.
func (tx tx) contactBatch(ctx context.Context, at time.Time, input []kith.Contact) (*contacts.Batch, error) {
	b, err := tx.newContacts(ctx, at)
	if err != nil {
		return nil, err
	}
	return b, tx.loadContacts(ctx, b, contacts.HintsOf(input))
}

// newContacts makes a batch whose new contacts come behind all others.
func (tx tx) newContacts(ctx context.Context, at time.Time) (*contacts.Batch, error) {
	var last int64
	if err := tx.one(ctx, `SELECT coalesce(max(n), 0) FROM contacts`, nil, &last); err != nil {
		return nil, err
	}
	return contacts.New(at, func() kith.ID {
		id := newID(at, last)
		last = numberOf(id)
		return id
	}), nil
}

// loadContacts reads the contacts that have one of the hints.
func (tx tx) loadContacts(ctx context.Context, b *contacts.Batch, hints contacts.Hints) error {
	numbers := make([]int64, len(hints.IDs))
	for i, id := range hints.IDs {
		numbers[i] = numberOf(id)
	}
	var groups []int64
	for _, q := range []struct {
		clause string
		list   string
		none   bool
	}{
		{`WHERE c.n IN (SELECT value FROM json_each(?))`, list(numbers), len(numbers) == 0},
		{`WHERE c.external_id IN (SELECT value FROM json_each(?)) AND c.external_id <> ''`, list(hints.External), len(hints.External) == 0},
		{`WHERE c.n IN (SELECT contact FROM json_each(?) j CROSS JOIN addresses a ON a.address = j.value)`, list(hints.Addresses), len(hints.Addresses) == 0},
		{`WHERE c.folded IN (SELECT value FROM json_each(?)) AND c.type = 'company'`, list(hints.Companies), len(hints.Companies) == 0},
	} {
		if q.none {
			continue
		}
		found, err := tx.contacts(ctx, q.clause, q.list)
		if err != nil {
			return err
		}
		for _, c := range found {
			b.Load(&c.Contact, c.survivor)
			if !c.survivor.IsZero() {
				groups = append(groups, numberOf(c.survivor))
			}
		}
	}
	var err error
	if b.Erased, err = tx.erased(ctx, hints.Addresses); err != nil || len(groups) == 0 {
		return err
	}
	found, err := tx.contacts(ctx, `WHERE c.survivor IN (SELECT value FROM json_each(?)) ORDER BY c.n`, list(groups))
	for _, c := range found {
		b.Load(&c.Contact, c.survivor)
	}
	return err
}
