package store

import (
	"context"
	"time"
)

// Erasure removes people whom the register must no longer know.
type Erasure interface {
	// EraseAddresses takes out what is held of addresses by themselves, canonical e-mail
	// addresses or phone numbers, for ever: suggestions, proposed and accepted
	// identities, look-back, and what cards of address books say of them. A digest of each stays. From
	// then on MatchAddresses tells that they were erased, whoever has them, and none is given to a
	// contact again: PutContacts refuses to make a contact with one of them, a [RowError] of
	// [kith.ErrErased], and leaves it out of a contact on file; so does RecordBook; UpdateContact refuses
	// a contact that gets one.
	//
	// Contacts that have them now keep them, as do interactions: both are
	// to be removed or changed afterwards. It is a change of [Contacts] ContactsVersion.
	EraseAddresses(ctx context.Context, addresses []string, at time.Time) error
	// ReadmitAddresses undoes that as far as it concerns what comes. It returns how many of the
	// addresses had been erased.
	ReadmitAddresses(ctx context.Context, addresses []string) (int, error)
	// Scrub makes the database give up what was deleted before: no file of an embedded database
	// holds it afterwards; in a database server no query finds it. It may take as long as
	// copying the database, others wait meanwhile, and it is no transaction.
	Scrub(ctx context.Context) error
}
