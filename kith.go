// Package kith holds the nouns of the register: interactions, the contacts
// they were with, the items a mailbox or calendar yields, and the account they
// came from. It does no I/O and imports the standard library only, so that
// every other package can speak in the same words.
//
// Times are UTC unless a field says that it keeps the original offset. Values
// are plain data: not safe for use by several goroutines while one changes them.
package kith

import "errors"

// The sentinels of the domain. Compare with [errors.Is]; every package wraps
// them with what it was doing.
var (
	// ErrNotFound: what was named does not exist.
	ErrNotFound = errors.New("not found")
	// ErrConflict: what is to be made exists already, or was changed meanwhile.
	ErrConflict = errors.New("conflict")
	// ErrStaleCursor: a batch was made from a cursor that another run has
	// moved since. Nothing was written; read the cursor again and go on from it.
	ErrStaleCursor = errors.New("stale cursor")
	// ErrTaken: another run of the account has started since. What this one
	// recorded stays; the account's state is the other's to write.
	ErrTaken = errors.New("taken over by another run")
	// ErrNoSearch: a source can't search its server for addresses, or finds more
	// than is sensible to fetch so; reading the stream from the horizon again does the same.
	ErrNoSearch = errors.New("searching is of no use here")
	// ErrErased: the address was erased from the register on demand of the person, and must not come back.
	ErrErased = errors.New("the address was erased from the register and is kept out; kith erase --readmit lets it in again")
	// ErrNeverRecord: the contact must not be recorded.
	ErrNeverRecord = errors.New("contact is never to be recorded")
)
