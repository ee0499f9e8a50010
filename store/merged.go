package store

import (
	"context"
	"time"

	"kith"
)

// Merges says which contacts are one, and which are not although they look it.
//
// A contact that is merged into another, the survivor, keeps its row: its
// external id, its addresses, and the links of interactions to it. Whatever
// reads contacts, links and timelines shows the survivor in its place. So
// nothing is lost, and a merge can be undone.
type Merges interface {
	// MergeContacts merges a contact into another of the same type, with all
	// that were merged into it before. Both MUST NOT be merged
	// into others themselves, else the error is [kith.ErrConflict], as it is for a contact and itself and
	// for a person and a company.
	MergeContacts(ctx context.Context, into, merged kith.ID, at time.Time) error
	// UnmergeContact undoes the merge of a contact: it and those that were
	// merged into it stand for themselves again. Of whom nothing was recorded for the sake of
	// another, the addresses become [kith.Sought]; a merge makes none, for what it unites was known
	// before. One that is not merged is [kith.ErrConflict].
	UnmergeContact(ctx context.Context, id kith.ID, at time.Time) error
	// MergedContacts returns those that were merged into a contact or into one of
	// those, by id, each as it was.
	MergedContacts(ctx context.Context, id kith.ID) ([]kith.Contact, error)
	// Distinguish notes for ever that two contacts are not one, whatever
	// they have in common. It does not keep anybody from merging them.
	Distinguish(ctx context.Context, a, b kith.ID, at time.Time) error
	// Distinct returns the contacts that are known not to be one, as pairs of which the
	// lesser id comes first, in order. Who was merged since is shown as
	// whom it was merged into.
	Distinct(ctx context.Context) ([][2]kith.ID, error)
}
