package privacy

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kith"
)

// Erased counts what was removed, or would be.
type Erased struct {
	Contacts     int `json:"contacts"`
	Addresses    int `json:"addresses"`
	Interactions int `json:"interactions"`
	Evidence     int `json:"evidence"` // places where they were seen
}

// How many interactions are deleted in one transaction.
const deletedAtOnce = 200

// Count tells what Erase would remove.
func Count(ctx context.Context, r Register, p Person, watch func()) (Erased, error) {
	done := Erased{Contacts: len(p.Contacts), Addresses: len(p.Addresses)}
	for i, err := range p.About(ctx, r, watch) {
		if err != nil {
			return Erased{}, err
		}
		done.Interactions++
		done.Evidence += len(i.Evidence)
	}
	return done, nil
}

// Erase removes a person: first the addresses are put out of bounds, so that
// nothing new comes; then every interaction that concerns the person goes, and leaves a
// digest of its identity, so that capture does not bring it back; then the contacts, and the
// addresses that others share. At last what was deleted is scrubbed off the database. A run that was
// cut off is made good by another one: the contacts, by which the addresses are known, go last.
func Erase(ctx context.Context, r Register, p Person, at time.Time, watch func()) (Erased, error) {
	done := Erased{Addresses: len(p.Addresses)}
	if err := r.EraseAddresses(ctx, p.Addresses, at); err != nil {
		return Erased{}, err
	}
	// A batch that was matched before may be recorded while this goes on.
	for {
		deleted, err := p.erase(ctx, r, at, &done, watch)
		if err != nil {
			return done, err
		}
		if deleted == 0 {
			break
		}
	}
	if err := p.leave(ctx, r, at, &done); err != nil {
		return done, err
	}
	if err := r.Scrub(ctx); err != nil {
		return done, fmt.Errorf("everything is deleted, but pages of the database may still hold copies; run the command again: %w", err)
	}
	return done, nil
}

// leave removes the contacts, and takes the addresses from those who share them.
func (p *Person) leave(ctx context.Context, r Register, at time.Time, done *Erased) error {
	for _, c := range p.Contacts {
		if err := r.RemoveContact(ctx, c.ID, at); err != nil && !errors.Is(err, kith.ErrNotFound) {
			return err
		}
		done.Contacts++
	}
	theirs := func(a string) bool { return slices.Contains(p.Addresses, a) }
	for _, c := range p.Shared {
		c.Emails = slices.DeleteFunc(slices.Clone(c.Emails), theirs)
		c.Phones = slices.DeleteFunc(slices.Clone(c.Phones), theirs)
		if err := r.UpdateContact(ctx, c, at); err != nil && !errors.Is(err, kith.ErrNotFound) {
			return err
		}
	}
	return nil
}

// erase deletes what concerns the person, once through the register.
func (p *Person) erase(ctx context.Context, r Register, at time.Time, done *Erased, watch func()) (deleted int, err error) {
	var ids []kith.ID
	evidence := 0
	flush := func() error {
		n, err := r.DeleteInteractions(ctx, ids, at)
		if err != nil {
			return err
		}
		deleted += n
		done.Interactions += n
		done.Evidence += evidence
		ids, evidence = ids[:0], 0
		return nil
	}
	for i, err := range p.About(ctx, r, watch) {
		if err != nil {
			return deleted, err
		}
		ids = append(ids, i.ID)
		evidence += len(i.Evidence)
		if len(ids) == deletedAtOnce {
			if err := flush(); err != nil {
				return deleted, err
			}
		}
	}
	if len(ids) > 0 {
		err = flush()
	}
	return deleted, err
}
