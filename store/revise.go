package store

import (
	"context"
	"time"

	"kith"
)

// ReviseFunc decides what becomes of interactions on file: one revision for
// each, in their order. It is called within the transaction, may be called again, and MUST
// NOT write to the register. It may change what it is given.
type ReviseFunc func(ctx context.Context, interactions []kith.Interaction) ([]kith.Revision, error)

// Reviser changes what is on file when the mind of its keepers has changed.
type Reviser interface {
	// Revise reads the interactions with these ids as they are, lets decide say
	// what becomes of them, and does it. Nobody changes them meanwhile, and
	// what others record at the same time is not lost. Ids that are not there are left out.
	//
	// Of an interaction that changes, these are written: Direction,
	// DirectionRule, InitiatedBy, Owner, Template, Group, Subject, Snippet,
	// DeliveryStatus, DeliveryReason, Flags, and Links and Evidence as far as they are
	// fewer. Others are not looked at. If it has become outbound, a
	// delivery report that waits for it is looked for as in [Recorder] Record.
	//
	// One that is dropped goes with its evidence and links, and leaves
	// no tombstone: when its message is read again it may be recorded again.
	Revise(ctx context.Context, ids []kith.ID, decide ReviseFunc, at time.Time) (Revised, error)
	// ForgetAccount removes what is left of an account that was removed: its
	// row, its streams with their cursors and counters, and its quarantine. If it is
	// not [kith.StateRemoved], or evidence of it is on file, the error is
	// [kith.ErrConflict]; if nothing is known of it, [kith.ErrNotFound].
	ForgetAccount(ctx context.Context, name string) error
}

// Revised counts what a [Reviser] did.
type Revised struct {
	Changed int
	Dropped map[kith.Reason]int
}
