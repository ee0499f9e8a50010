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
	// Each contact once, whatever it has of what is asked for.
	found, err := tx.contacts(ctx, `WHERE c.n IN (SELECT value FROM json_each(?)
		UNION SELECT e.n FROM json_each(?) j CROSS JOIN contacts e ON e.external_id = j.value AND e.external_id <> ''
		UNION SELECT a.contact FROM json_each(?) j CROSS JOIN addresses a ON a.address = j.value
		UNION SELECT f.n FROM json_each(?) j CROSS JOIN contacts f ON f.folded = j.value AND f.type = 'company')`,
		list(numbers), list(hints.External), addressKeys(hints.Addresses), list(hints.Companies))
	if err != nil {
		return err
	}
	var groups []int64
	for _, c := range found {
		b.Load(&c.Contact, c.survivor)
		if !c.survivor.IsZero() {
			groups = append(groups, numberOf(c.survivor))
		}
	}
	if b.Erased, err = tx.erased(ctx, hints.Given); err != nil || len(groups) == 0 {
		return err
	}
	found, err = tx.contacts(ctx, `WHERE c.survivor IN (SELECT value FROM json_each(?)) ORDER BY c.n`, list(groups))
	for _, c := range found {
		b.Load(&c.Contact, c.survivor)
	}
	return err
}
