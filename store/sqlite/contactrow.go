package sqlite

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"kith"
	"kith/store"
	"kith/store/internal/capture"
	"kith/store/internal/contacts"
)

var (
	insertContacts = insertion{`INSERT INTO contacts (n, tail, type, source, external_id, name, folded, company,
		never_record, archived, created_at, updated_at, facts) VALUES`, 13, ``}
	insertAddresses = insertion{`INSERT INTO addresses (address, contact) VALUES`, 2, `ON CONFLICT DO NOTHING`}
)

// writeContacts writes what a batch made and changed.
func (tx tx) writeContacts(ctx context.Context, b *contacts.Batch) error {
	var rows, addresses []any
	for _, e := range b.Entries {
		for _, a := range e.Added {
			addresses = append(addresses, addressKey(a), numberOf(e.ID))
		}
		if !e.Fresh {
			continue
		}
		values, err := contactValues(&e.Contact)
		if err != nil {
			return err
		}
		rows = append(rows, values...)
	}
	if err := tx.insert(ctx, insertContacts, rows); err != nil {
		return err
	}
	for _, e := range b.Entries {
		if e.Changed {
			if err := tx.updateContact(ctx, &e.Contact); err != nil {
				return err
			}
		}
		if e.Retyped { // a person is nobody's company
			if _, err := tx.exec(ctx, `UPDATE contacts SET company = NULL WHERE company = ? AND ? = 'person'`, numberOf(e.ID), string(e.Type)); err != nil {
				return err
			}
		}
		for _, a := range e.Removed {
			if err := tx.dropAddress(ctx, a, numberOf(e.ID)); err != nil {
				return err
			}
		}
	}
	if err := tx.insert(ctx, insertAddresses, addresses); err != nil {
		return err
	}
	if err := tx.seek(ctx, b.Sought); err != nil {
		return err
	}
	if err := tx.acquaint(ctx, b.Added()); err != nil {
		return err
	}
	if b.Matters {
		return tx.bumpContacts(ctx)
	}
	return nil
}

// contactValues are the values of a contact for insertContacts.
func contactValues(c *kith.Contact) ([]any, error) {
	facts, err := encodeContact(c)
	return []any{
		numberOf(c.ID), tailOf(c.ID), string(c.Type), c.Source, c.ExternalID, c.Name, store.Fold(c.Name),
		companyNumber(c), c.NeverRecord, c.Archived, micros(c.CreatedAt), micros(c.UpdatedAt), facts,
	}, err
}

func encodeContact(c *kith.Contact) (string, error) {
	text, err := json.Marshal(contactFacts{
		FirstName: c.FirstName, LastName: c.LastName, Emails: c.Emails, Phones: c.Phones,
		Title: c.Title, Language: c.Language, Owner: c.Owner, Tags: c.Tags, Notes: c.Notes,
	})
	if err != nil {
		return "", fmt.Errorf("encode facts: %w", err)
	}
	return string(text), nil
}

// companyNumber is the contact's company as a column.
func companyNumber(c *kith.Contact) any {
	if c.CompanyID == nil {
		return nil
	}
	return numberOf(*c.CompanyID)
}

// updateContact writes a contact that is on file; its addresses are the caller's.
func (tx tx) updateContact(ctx context.Context, c *kith.Contact) error {
	facts, err := encodeContact(c)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE contacts SET type = ?, source = ?, external_id = ?, name = ?, folded = ?, company = ?,
		never_record = ?, archived = ?, updated_at = ?, facts = ? WHERE n = ?`,
		string(c.Type), c.Source, c.ExternalID, c.Name, store.Fold(c.Name), companyNumber(c),
		c.NeverRecord, c.Archived, micros(c.UpdatedAt), facts, numberOf(c.ID))
	return err
}

func (tx tx) bumpContacts(ctx context.Context) error {
	_, err := tx.exec(ctx, `UPDATE meta SET value = value + 1 WHERE name = 'contacts_version'`)
	return err
}

// UpdateContact implements [store.Contacts].
func (s *Store) UpdateContact(ctx context.Context, contact kith.Contact, at time.Time) error {
	what := fmt.Sprintf("update contact %s", contact.ID)
	if at.IsZero() {
		return errors.New(what + ": it needs the time of the change")
	}
	contact = contacts.Clean([]kith.Contact{contact})[0]
	return s.write(ctx, what, func(tx tx) error {
		group, err := tx.group(ctx, contact.ID)
		if err != nil {
			return err
		}
		old := group[0]
		c := kith.Contact{ID: old.ID, Type: old.Type, Source: contact.Source, CreatedAt: old.CreatedAt, UpdatedAt: at}
		store.MergeContact(&c, &contact) // each address and tag once
		if contact.Type != "" && contact.Type != old.Type {
			return fmt.Errorf("it is a %s: %w", old.Type, kith.ErrConflict)
		}
		b, err := tx.contactBatch(ctx, at, []kith.Contact{{Company: contact.Company, CompanyID: contact.CompanyID}})
		if err != nil {
			return err
		}
		if c.CompanyID, err = b.Company(&contact, &kith.Contact{Type: old.Type, CompanyID: old.CompanyID}); err != nil {
			return err
		}
		if err := store.CheckContact(&c); err != nil {
			return err
		}
		if err := tx.writeContacts(ctx, b); err != nil { // the company, if it is new
			return err
		}
		changed := false
		for _, row := range contacts.Divide(group, c, at) {
			if err := tx.updateContact(ctx, row); err != nil {
				return err
			}
			before := group[slices.IndexFunc(group, func(c *kith.Contact) bool { return c.ID == row.ID })]
			matters, err := tx.changeAddresses(ctx, before, row)
			if err != nil {
				return err
			}
			changed = changed || matters
		}
		if !changed {
			return nil
		}
		before := contacts.Whole(group)
		if err := tx.seek(ctx, contacts.Sought(&before, &c)); err != nil {
			return err
		}
		return tx.bumpContacts(ctx)
	})
}

// changeAddresses gives a contact its new addresses. It reports whether the change
// matters to matching.
func (tx tx) changeAddresses(ctx context.Context, old, c *kith.Contact) (changed bool, err error) {
	var gained []string
	changed = contacts.Matters(old, c)
	before, after := store.Addresses(old), store.Addresses(c)
	for _, a := range before {
		if slices.Contains(after, a) {
			continue
		}
		changed = true
		if err := tx.dropAddress(ctx, a, numberOf(c.ID)); err != nil {
			return changed, err
		}
	}
	for _, a := range after {
		if !slices.Contains(before, a) {
			changed = true
			gained = append(gained, a)
		}
	}
	if erased, err := tx.erased(ctx, gained); err != nil || len(erased) > 0 {
		return changed, cmp.Or(err, kith.ErrErased)
	}
	var rows []any
	for _, a := range gained {
		rows = append(rows, addressKey(a), numberOf(c.ID))
	}
	if err := tx.insert(ctx, insertAddresses, rows); err != nil || !changed {
		return changed, err
	}
	return changed, tx.acquaint(ctx, c.Emails)
}

// RemoveContact implements [store.Contacts].
func (s *Store) RemoveContact(ctx context.Context, id kith.ID, at time.Time) error {
	return s.write(ctx, fmt.Sprintf("remove contact %s", id), func(tx tx) error {
		group, err := tx.group(ctx, id)
		if err != nil {
			return err
		}
		for _, c := range group {
			if err := tx.removeContact(ctx, c, group[0].CompanyID, at); err != nil {
				return err
			}
		}
		return tx.bumpContacts(ctx)
	})
}

// removeContact deletes a contact. Its links go to an heir, if there is one. The
// caller bumps the version.
func (tx tx) removeContact(ctx context.Context, c *kith.Contact, heir *kith.ID, at time.Time) error {
	n := numberOf(c.ID)
	if err := tx.relink(ctx, n, heir); err != nil {
		return err
	}
	for _, a := range store.Addresses(c) {
		if err := tx.dropAddress(ctx, a, n); err != nil {
			return err
		}
	}
	for _, statement := range []string{
		`UPDATE contacts SET company = NULL WHERE company = ?`,
		`DELETE FROM distinct_contacts WHERE a = ?`,
		`DELETE FROM distinct_contacts WHERE b = ?`,
		`DELETE FROM contacts WHERE n = ?`,
		`UPDATE cards SET facts = '{}' WHERE contact = ?`,
	} {
		if _, err := tx.exec(ctx, statement, n); err != nil {
			return err
		}
	}
	return tx.forget(ctx, c.Emails, kith.ForgottenRemoved, at)
}

// relink gives the links of a contact to an heir, or takes them away.
func (tx tx) relink(ctx context.Context, n int64, heir *kith.ID) error {
	for {
		var entries []*capture.Entry
		err := tx.each(ctx, `SELECT `+rowColumns+` FROM timeline l JOIN interactions i ON i.n = l.interaction`+rowThread+`
			WHERE l.contact = ? LIMIT 1000`, []any{n},
			func(scan func(...any) error) error {
				e, _, err := scanEntry(scan)
				entries = append(entries, e)
				return err
			})
		if err != nil || len(entries) == 0 {
			return err
		}
		for _, e := range entries {
			if err := tx.relinkOne(ctx, e, n, heir); err != nil {
				return err
			}
		}
	}
}

func (tx tx) relinkOne(ctx context.Context, e *capture.Entry, n int64, heir *kith.ID) error {
	var moved []kith.Link
	e.Links = slices.DeleteFunc(e.Links, func(l kith.Link) bool {
		if numberOf(l.ContactID) != n {
			return false
		}
		moved = append(moved, l)
		return true
	})
	interaction, occurredAt := numberOf(e.ID), e.OccurredAt.UnixMicro()
	if _, err := tx.exec(ctx, `DELETE FROM timeline WHERE contact = ? AND occurred_at = ? AND interaction = ?`, n, occurredAt, interaction); err != nil {
		return err
	}
	if heir != nil {
		to := numberOf(*heir)
		for i := range moved {
			moved[i].ContactID = idOf(to, 0) // as half as the others are here
		}
		store.AddLinks(&e.Interaction, moved...)
		if err := tx.insert(ctx, insertTimeline, []any{to, occurredAt, interaction}); err != nil {
			return err
		}
	}
	return tx.update(ctx, e)
}
