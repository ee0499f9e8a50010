package store

import (
	"context"
	"time"

	"kith"
)

// MostProposed is how many proposed identities a register holds: a mailbox that
// takes the mail of a whole domain shows ever new ones.
const MostProposed = 5000

// Identities is the addresses that seem to be ours. [Recorder] Record adds to those that are proposed.
type Identities interface {
	// Identities returns all of them, by address.
	Identities(ctx context.Context) ([]kith.Identity, error)
	// DecideIdentity gives an address its state, and, if owner is not "", its
	// owner. One that is not known is inserted. What was counted for one
	// that is rejected is forgotten. It is a change of [Contacts] ContactsVersion.
	DecideIdentity(ctx context.Context, address string, state kith.IdentityState, owner string, at time.Time) (kith.Identity, error)
}
