package postgres

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
	at = at.UTC().Truncate(time.Microsecond)
	changes := make([]kith.ContactChange, len(in))
	ids := make([]kith.ID, len(in))
	clean := contacts.Clean(in)
	err := s.write(ctx, "put contacts", func(tx tx) error {
		if !dryRun {
			// Nothing but the lock keeps two imports from making the same contact.
			if err := tx.lock(ctx, lockContacts); err != nil {
				return err
			}
		}
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
	b := newContacts(at)
	return b, tx.loadContacts(ctx, b, contacts.HintsOf(input))
}

func newContacts(at time.Time) *contacts.Batch {
	return contacts.New(at, func() kith.ID { return kith.NewID(at) })
}

// loadContacts reads the contacts that have one of the hints.
func (tx tx) loadContacts(ctx context.Context, b *contacts.Batch, hints contacts.Hints) error {
	found, err := tx.contacts(ctx, `WHERE c.id IN (
		SELECT unnest($1::uuid[])
		UNION SELECT id FROM contacts WHERE external_id = ANY ($2::text[]) AND external_id <> ''
		UNION SELECT contact FROM addresses WHERE address = ANY ($3::text[])
		UNION SELECT id FROM contacts WHERE folded = ANY ($4::text[]) AND type = 'company')`,
		uuids(hints.IDs), hints.External, hints.Addresses, hints.Companies)
	if err != nil {
		return err
	}
	var groups uuids
	for _, c := range found {
		b.Load(&c.Contact, c.survivor)
		if !c.survivor.IsZero() {
			groups = append(groups, c.survivor)
		}
	}
	if b.Erased, err = tx.erased(ctx, hints.Given); err != nil || len(groups) == 0 {
		return err
	}
	found, err = tx.contacts(ctx, `WHERE c.survivor = ANY ($1::uuid[]) ORDER BY c.id`, groups)
	for _, c := range found {
		b.Load(&c.Contact, c.survivor)
	}
	return err
}
