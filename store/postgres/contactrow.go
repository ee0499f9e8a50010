package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"kith"
	"kith/store"
	"kith/store/internal/contacts"
)

// writeContacts writes what a batch made and changed.
func (tx tx) writeContacts(ctx context.Context, b *contacts.Batch) error {
	var fresh, changed []*kith.Contact
	var addresses [][]any
	var removed []string
	var without pgx.Batch
	for _, e := range b.Entries {
		if len(e.Removed) > 0 {
			without.Queue(`DELETE FROM addresses WHERE contact = $1 AND address = ANY ($2::text[])`, [16]byte(e.ID), e.Removed)
			removed = append(removed, e.Removed...)
		}
		if e.Retyped && e.Type == kith.Person { // who is nobody's company
			without.Queue(`UPDATE contacts SET company = NULL WHERE company = $1`, [16]byte(e.ID))
		}
		switch {
		case e.Fresh:
			fresh = append(fresh, &e.Contact)
		case e.Changed:
			changed = append(changed, &e.Contact)
		}
		for _, a := range e.Added {
			addresses = append(addresses, []any{a, [16]byte(e.ID)})
		}
	}
	if err := tx.insertContacts(ctx, fresh); err != nil {
		return err
	}
	if err := tx.updateContacts(ctx, changed); err != nil {
		return err
	}
	if without.Len() > 0 {
		if err := tx.SendBatch(ctx, &without).Close(); err != nil {
			return err
		}
	}
	if len(addresses) > 0 {
		if _, err := tx.CopyFrom(ctx, pgx.Identifier{"addresses"}, []string{"address", "contact"}, pgx.CopyFromRows(addresses)); err != nil {
			return err
		}
	}
	if len(removed) > 0 {
		if err := tx.unseek(ctx, removed); err != nil {
			return err
		}
	}
	if err := tx.seek(ctx, b.Sought); err != nil {
		return err
	}
	if err := tx.acquaint(ctx, b.Added()); err != nil {
		return err
	}
	if b.Matters {
		return tx.bump(ctx, "contacts")
	}
	return nil
}

func (tx tx) insertContacts(ctx context.Context, fresh []*kith.Contact) error {
	if len(fresh) == 0 {
		return nil
	}
	columns := []string{
		"id", "type", "source", "external_id", "name", "folded", "first_name", "last_name", "company", "emails", "phones",
		"title", "language", "owner", "tags", "never_record", "archived", "notes", "created_at", "updated_at",
	}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"contacts"}, columns, pgx.CopyFromSlice(len(fresh), func(i int) ([]any, error) {
		c := fresh[i]
		var company pgtype.UUID
		if c.CompanyID != nil {
			company = pgtype.UUID{Bytes: *c.CompanyID, Valid: true}
		}
		var notes any
		if len(c.Notes) > 0 {
			notes = c.Notes
		}
		return []any{
			[16]byte(c.ID), string(c.Type), c.Source, c.ExternalID, c.Name, store.Fold(c.Name), c.FirstName, c.LastName, company, listed(c.Emails), listed(c.Phones),
			c.Title, c.Language, c.Owner, listed(c.Tags), c.NeverRecord, c.Archived, notes, c.CreatedAt, c.UpdatedAt,
		}, nil
	}))
	return err
}

// listed makes no list an empty one.
func listed(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

// contactRow is what an update writes, as jsonb_to_recordset takes it apart.
type contactRow struct {
	ID          kith.ID           `json:"id"`
	Type        string            `json:"type"`
	Source      string            `json:"source"`
	ExternalID  string            `json:"external_id"`
	Name        string            `json:"name"`
	Folded      string            `json:"folded"`
	FirstName   string            `json:"first_name"`
	LastName    string            `json:"last_name"`
	Company     *kith.ID          `json:"company"`
	Emails      []string          `json:"emails"`
	Phones      []string          `json:"phones"`
	Title       string            `json:"title"`
	Language    string            `json:"language"`
	Owner       string            `json:"owner"`
	Tags        []string          `json:"tags"`
	NeverRecord bool              `json:"never_record"`
	Archived    bool              `json:"archived"`
	Notes       map[string]string `json:"notes"`
	UpdatedAt   time.Time         `json:"updated_at"`
}

// How many contacts one statement updates.
const updatesPage = 5000

// updateContacts writes contacts that are on file; their addresses are the caller's.
func (tx tx) updateContacts(ctx context.Context, changed []*kith.Contact) error {
	for page := range slices.Chunk(changed, updatesPage) {
		rows := make([]contactRow, len(page))
		for i, c := range page {
			rows[i] = contactRow{
				c.ID, string(c.Type), c.Source, c.ExternalID, c.Name, store.Fold(c.Name), c.FirstName, c.LastName, c.CompanyID, listed(c.Emails), listed(c.Phones),
				c.Title, c.Language, c.Owner, listed(c.Tags), c.NeverRecord, c.Archived, c.Notes, c.UpdatedAt,
			}
		}
		text, err := json.Marshal(rows)
		if err != nil {
			return fmt.Errorf("encode contacts: %w", err)
		}
		_, err = tx.Exec(ctx, `UPDATE contacts c SET (type, source, external_id, name, folded, first_name, last_name, company, emails, phones,
				title, language, owner, tags, never_record, archived, notes, updated_at) =
			(n.type, n.source, n.external_id, n.name, n.folded, n.first_name, n.last_name, n.company, n.emails, n.phones,
				n.title, n.language, n.owner, n.tags, n.never_record, n.archived, nullif(n.notes, 'null'), n.updated_at)
			FROM jsonb_to_recordset($1) AS n (id uuid, type text, source text, external_id text, name text, folded text, first_name text, last_name text,
				company uuid, emails text[], phones text[], title text, language text, owner text, tags text[],
				never_record boolean, archived boolean, notes jsonb, updated_at timestamptz)
			WHERE c.id = n.id`, text)
		if err != nil {
			return err
		}
	}
	return nil
}

// UpdateContact implements [store.Contacts].
func (s *Store) UpdateContact(ctx context.Context, contact kith.Contact, at time.Time) error {
	what := fmt.Sprintf("update contact %s", contact.ID)
	if at.IsZero() {
		return errors.New(what + ": it needs the time of the change")
	}
	at = at.UTC().Truncate(time.Microsecond)
	contact = contacts.Clean([]kith.Contact{contact})[0]
	return s.write(ctx, what, func(tx tx) error {
		if err := tx.lock(ctx, lockContacts); err != nil {
			return err
		}
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
		rows := contacts.Divide(group, c, at)
		if err := tx.updateContacts(ctx, rows); err != nil {
			return err
		}
		changed := false
		for _, row := range rows {
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
		return tx.bump(ctx, "contacts")
	})
}

// changeAddresses gives a contact its new addresses. It reports whether the change
// matters to matching.
func (tx tx) changeAddresses(ctx context.Context, old, c *kith.Contact) (changed bool, err error) {
	before, after := store.Addresses(old), store.Addresses(c)
	without := func(list, others []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(a string) bool { return slices.Contains(others, a) })
	}
	gone, added := without(before, after), without(after, before)
	if len(gone) > 0 {
		if _, err := tx.Exec(ctx, `DELETE FROM addresses WHERE contact = $1 AND address = ANY ($2::text[])`, [16]byte(c.ID), gone); err != nil {
			return false, err
		}
		if err := tx.unseek(ctx, gone); err != nil {
			return false, err
		}
	}
	if len(added) > 0 {
		if erased, err := tx.erased(ctx, added); err != nil || len(erased) > 0 {
			return false, cmp.Or(err, kith.ErrErased)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO addresses SELECT a, $1 FROM unnest($2::text[]) a`, [16]byte(c.ID), added); err != nil {
			return false, err
		}
	}
	if len(gone)+len(added) == 0 && !contacts.Matters(old, c) {
		return false, nil
	}
	return true, tx.acquaint(ctx, c.Emails)
}

// RemoveContact implements [store.Contacts].
func (s *Store) RemoveContact(ctx context.Context, id kith.ID, at time.Time) error {
	return s.write(ctx, fmt.Sprintf("remove contact %s", id), func(tx tx) error {
		for _, lock := range []advisoryLock{lockContacts, lockLinks} {
			if err := tx.lock(ctx, lock); err != nil {
				return err
			}
		}
		group, err := tx.group(ctx, id)
		if err != nil {
			return err
		}
		for _, c := range group {
			if err := tx.removeContact(ctx, c, group[0].CompanyID, at); err != nil {
				return err
			}
		}
		return tx.bump(ctx, "contacts")
	})
}

// removeContact deletes a contact. The caller holds lockContacts and lockLinks, and bumps the version.
// Its links go to an heir, if there is one.
func (tx tx) removeContact(ctx context.Context, c *kith.Contact, heir *kith.ID, at time.Time) error {
	if err := tx.relink(ctx, c.ID, heir); err != nil {
		return err
	}
	for _, statement := range []string{
		`UPDATE contacts SET company = NULL WHERE company = $1`,
		`DELETE FROM addresses WHERE contact = $1 AND address IN (SELECT unnest(emails || phones) FROM contacts WHERE id = $1)`,
		`DELETE FROM distinct_contacts WHERE a = $1 OR b = $1`,
		`DELETE FROM contacts WHERE id = $1`,
		`UPDATE cards SET facts = '{}' WHERE contact = $1`,
	} {
		if _, err := tx.Exec(ctx, statement, [16]byte(c.ID)); err != nil {
			return err
		}
	}
	if err := tx.unseek(ctx, c.Emails); err != nil {
		return err
	}
	return tx.forget(ctx, c.Emails, kith.ForgottenRemoved, at)
}
