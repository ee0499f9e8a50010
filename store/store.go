// Package store is the contract of the register's database. Two packages keep
// it, store/sqlite and store/postgres; store/storetest holds both to it.
//
// Every exported method is one transaction. A method that returns an error has
// changed nothing. A context that is done before the commit means that nothing
// was written. All methods are safe for concurrent use. What is named and is
// not there is [kith.ErrNotFound]. Times go in with any
// zone and come out in UTC, but for Interaction.OccurredAt and EndedAt, which
// keep the offset they went in with. Times have microsecond precision. Text is
// stored as [Clean] makes it.
package store

import (
	"context"
	"iter"
	"time"

	"kith"
)

// Store is the register.
type Store interface {
	Recorder
	Accounts
	Definitions
	Contacts
	Merges
	Erasure
	Identities
	Books
	Interactions
	Reviser
	Strangers
	Dumper

	// Ping tells whether the database answers and can be written to.
	Ping(ctx context.Context) error
	// Schema returns the version of the database's schema and the newest this
	// program knows.
	Schema(ctx context.Context) (have, want int64, err error)
	// Close ends all use. It waits for running transactions.
	Close() error
}

// Recorder is what capture writes.
type Recorder interface {
	// Record writes the outcome of one batch. The refs of its captured items
	// MUST be distinct.
	//
	//  1. The stream's stored cursor MUST equal rec.Base (a stream that is not
	//     known has the empty cursor), else [kith.ErrStaleCursor].
	//  2. Each captured interaction, in order, is found by Key, or, when it has
	//     a Fingerprint, by an interaction with the same Fingerprint whose
	//     OccurredAt differs by [FingerprintTolerance] at most and which has
	//     no live evidence in this stream (the nearest one, then the oldest);
	//     from then on the Key of the copy finds it too, and its MessageID. If
	//     there is none it is inserted with an ID of the store's own. A
	//     tombstone keeps it out: that of its Key whatever its Fingerprint
	//     finds, that of its Fingerprint (within the same time) if it finds
	//     none. What exists keeps its facts; it gains what
	//     [Merge] says; a meeting becomes what [MergeMeeting] says, and one that is
	//     cancelled and not on file is passed over. A new one that may be another's copy
	//     ([PossibleCopy]) is flagged. A place (stream and ref) shows one interaction: that
	//     which was seen there last, and seeing it makes its evidence live.
	//     The thread is worked out from the MessageID and ThreadRefs, and does
	//     not depend on the order of arrival; the refs themselves are not kept.
	//     Sightings of an interaction that is new, or that this copy told more
	//     of, are counted with the identities that are proposed; new ones
	//     come in state proposed, as long as there are fewer than [MostProposed].
	//  3. Evidence in rec.Gone is marked gone; the interactions stay.
	//     Places in rec.Withdrawn, and those in rec.Covered that rec.Captured does
	//     not name, are marked gone before the captured ones are looked at. A meeting that has no
	//     live evidence after it all meets the fate that [FateOf] tells.
	//  4. Quarantine rows are written (attempts counted, next try backed off by
	//     [QuarantineRetry]); what is in rec.Released, captured or gone is
	//     taken out. Counters are added: Recorded by what was captured and not
	//     erased (with rec.Again: by what is new), Skipped by rec.Skipped and by
	//     what was erased (with rec.Again: not); Backfilled
	//     only grows, unless rec.Recount starts all of them anew. Outbound
	//     messages that rec.Bounced tells of (see [Bounces]) are marked; of a
	//     report whose message is not on file a digest of its Message-ID and
	//     the status code are kept, and mark it when it comes.
	//     Suggestions are added up; with rec.Recount, those of the stream start
	//     anew. Who is a contact or forgotten is not suggested.
	//  5. The cursor becomes rec.Next, and LookedBack rec.LookedBack if that is greater.
	//
	// Links whose contact does not exist any more are left out. The caller's
	// rec is not changed.
	Record(ctx context.Context, rec kith.Recording) (kith.Recorded, error)
	// Conclude makes planned meetings recorded that have ended by now, and counts them. When that
	// was done, by anybody, less than every ago, it does nothing.
	Conclude(ctx context.Context, now time.Time, every time.Duration) (recorded int, err error)
	// Calendars returns the streams of an account that show meetings, by name.
	Calendars(ctx context.Context, account string) ([]string, error)
	// Stream returns what is known of a stream; the zero status, but for its
	// name and Sought, of one that is not known. Skipped is never nil.
	Stream(ctx context.Context, account, stream string) (kith.StreamStatus, error)
	// StreamDone notes that a stream was read to its end at the given time, or
	// the error that stopped it. An error leaves LastSuccess as it was, a
	// success clears the error.
	StreamDone(ctx context.Context, account, stream string, at time.Time, failure string) error
	// Refs yields the refs of the live evidence of a stream, in no order.
	Refs(ctx context.Context, account, stream string) iter.Seq2[string, error]
	// Sought returns the addresses that have become those of contacts since the one with
	// the given number, by number. The last [SoughtKept] are kept, less those that
	// no contact has any more: ok is false when there were more.
	Sought(ctx context.Context, after int64) (addresses []kith.Sought, ok bool, err error)
	// DueQuarantine returns quarantined items of an account whose next try is
	// not after now, oldest try first, at most limit.
	DueQuarantine(ctx context.Context, account string, now time.Time, limit int) ([]kith.Quarantined, error)
	// Quarantine returns all quarantined items, of one account or of all ("").
	Quarantine(ctx context.Context, account string) ([]kith.Quarantined, error)
}

// SoughtKept is how many addresses are kept for look-back. A stream that has missed
// more of them is read again: that costs less than so many searches.
const SoughtKept = 200

// ClockSkew is how far in the future a LastPoll may lie without the register's clock
// having been set back: after a failover it is another machine's, and time passes between
// a look at it and the transaction that it is for.
const ClockSkew = time.Minute

// Accounts is the schedule and health of accounts, and the daemons that poll them.
// The times of it are by the register's clock, on which all agree whatever their own show.
type Accounts interface {
	// Now returns what the register's clock shows: that of the database server, or of the
	// host if there is none.
	Now(ctx context.Context) (time.Time, error)
	// Reconcile makes the accounts of [kith.OriginFile] equal to those given,
	// by name: new ones are added, in state new, with the NextPoll given;
	// known ones take Kind, Owner, Settings and Schedule (NextPoll only if the
	// schedule changed). One that was removed or disabled, or that needed attention and
	// whose Settings changed, becomes new and due at the NextPoll given, and
	// its failures are forgotten. Others of that origin are marked removed and
	// never claimed; what they recorded, and their streams, stay. A name
	// that an account of [kith.OriginRegister] has is [kith.ErrConflict], unless that one was removed:
	// then the name goes over to the file.
	//
	// So of several daemons with files that differ, the one that started or
	// reloaded last is right.
	Reconcile(ctx context.Context, accounts []kith.Account) error
	// ClaimDue returns accounts that are due, have no running lease and are
	// neither removed, disabled nor in need of attention, longest due first, at most
	// limit, and leases them until the given time. An account is never
	// returned to two callers during a lease. The zero NextPoll is long ago. An
	// account whose LastPoll lies more than [ClockSkew] in the future is due too: the
	// clock was set back, and waiting for it to catch up might take for ever.
	ClaimDue(ctx context.Context, now time.Time, lease time.Time, limit int) ([]kith.Account, error)
	// PollStarted notes the start of a run by a daemon: LastPoll becomes at, and
	// the account is leased to it until the given time, whoever held it
	// before. The account is as it was read: when its LastPoll is no longer that on
	// file, another run has started since, the error is [kith.ErrTaken].
	PollStarted(ctx context.Context, account kith.Account, daemon string, at, lease time.Time) error
	// PollEnded writes State, NextPoll, LastSuccess, Attempts, Error and
	// ErrorSince of the account, and ends its lease. LastPoll is the start of
	// the run; if another has started since, nothing changes and the error
	// is [kith.ErrTaken]. If the account was removed or disabled meanwhile, or its Settings are
	// others than those of the run, only the lease ends.
	PollEnded(ctx context.Context, account kith.Account) error
	// Beat notes that a daemon lives, at daemon.Seen, and prolongs the leases
	// that it holds of the accounts named: those that it is polling.
	Beat(ctx context.Context, daemon kith.Daemon, polling []string, lease time.Time) error
	// DaemonStopped forgets a daemon, and ends the leases it still holds.
	DaemonStopped(ctx context.Context, name string) error
	// Daemons returns the daemons that have not stopped, by name, those too
	// that have not beaten for long. Beat forgets what it has not seen for a day.
	Daemons(ctx context.Context) ([]kith.Daemon, error)
	// Account returns one account.
	Account(ctx context.Context, name string) (kith.Account, error)
	// AccountStatuses returns all accounts and their streams, by name; those
	// that were removed come last.
	AccountStatuses(ctx context.Context) ([]kith.AccountStatus, error)
}

// Definitions is the accounts that are defined in the register itself.
type Definitions interface {
	// PutDefinitions inserts or replaces definitions, by name, and does with
	// their accounts what Reconcile does with those given to it; those that
	// are disabled get [kith.StateDisabled]. A name that an
	// account of [kith.OriginFile] has is [kith.ErrConflict], unless that one was removed.
	// The error of a row is a [RowError], and then nothing is written.
	PutDefinitions(ctx context.Context, definitions []kith.Definition, at time.Time) error
	// Reseal replaces the secret of a definition, if it is still was; else
	// the error is [kith.ErrConflict]. It is no change of the account.
	Reseal(ctx context.Context, name string, was, now kith.Sealed) error
	// RemoveDefinition deletes a definition with its secret. Its account is
	// marked removed.
	RemoveDefinition(ctx context.Context, name string) error
	// Definition returns one definition.
	Definition(ctx context.Context, name string) (kith.Definition, error)
	// Definitions yields all of them by name. It holds no transaction open
	// for longer than a page.
	Definitions(ctx context.Context) iter.Seq2[kith.Definition, error]
	// DefinitionsVersion grows whenever a definition is put or removed.
	DefinitionsVersion(ctx context.Context) (int64, error)
}

// Contacts is who we know. Whoever was merged into another is part of that
// one, see [Merges].
type Contacts interface {
	// ContactsVersion grows whenever something changes that matching has to
	// know of: an address of a contact, its company, whether it is recorded
	// or archived, or which identities are accepted.
	ContactsVersion(ctx context.Context) (int64, error)
	// MatchAddresses returns the contacts that have each of the addresses,
	// canonical e-mail addresses or phone numbers, each once, sorted by contact id;
	// addresses that nobody has are missing.
	MatchAddresses(ctx context.Context, addresses []string) (map[string][]kith.Match, error)
	// MatchDomains returns the company that each of the canonical domains is
	// of: the one that has an address in exactly that domain, else the one that
	// all people with such an address have who have a company. Domains of no
	// company, or of several, are missing.
	MatchDomains(ctx context.Context, domains []string) (map[string]kith.Match, error)
	// PutContacts inserts or updates contacts, in order. Each is found by ID
	// if it has one; else by Source and ExternalID if it has one; else by its
	// first e-mail address that a contact of its type has; else by its first
	// phone number that one has, if it has no e-mail address; else it is new.
	// A company is also found by its name if it has no ExternalID, and, if it
	// has one that is new, by its name or that ExternalID as the name of a
	// company without one. Of several that are found so, the one with the same
	// name is meant, else that of the same Source, else the oldest.
	//
	// A contact with Company set and no CompanyID is tied to the company of
	// that external id (same Source) or name, made if missing. Emails and
	// phones given are added to those on file, tags are united, NeverRecord and
	// Archived can be set and not cleared; other fields that are empty in the
	// input keep their value. No type means a person.
	//
	// Who is found so and was merged into another is changed itself; addresses
	// and tags that the other has are not added to it.
	//
	// An e-mail address that was not the contact's becomes a [kith.Sought], unless nothing
	// is recorded of the contact. So it is in UpdateContact, where those of a
	// contact that may be recorded again do too. An address that becomes a
	// contact's is no longer suggested, nor forgotten.
	//
	// The i-th change tells of the i-th contact, whose ID is filled in: that of the one
	// that it was merged into, if it was. A row
	// that can't be written gives an error with its index, see [RowError], and
	// nothing is written. With dryRun nothing is written either way, and
	// contacts that would be made get no ID.
	PutContacts(ctx context.Context, contacts []kith.Contact, at time.Time, dryRun bool) ([]kith.ContactChange, error)
	// UpdateContact replaces the contact with the same ID, but for its type and
	// CreatedAt. The company is CompanyID, else that which Company names, as in
	// PutContacts, else none. Addresses and tags that are not there any more, and
	// flags that are not set, go away from those merged into it too. One that
	// was merged itself is [kith.ErrConflict].
	UpdateContact(ctx context.Context, contact kith.Contact, at time.Time) error
	// RemoveContact deletes a contact and those merged into it. Links of a person go to its company if
	// it has one, else they go away; the participants stay. People of a company
	// that is deleted have none. Their addresses are forgotten: capture makes no
	// contacts of them again. One that was merged itself is [kith.ErrConflict].
	RemoveContact(ctx context.Context, id kith.ID, at time.Time) error
	// Contact returns one contact. One that was merged comes as it was, with MergedInto.
	Contact(ctx context.Context, id kith.ID) (kith.Contact, error)
	// FindContacts returns the contacts meant by a word that a person wrote:
	// an id, an external id, a canonical address, a phone number, or an exact name
	// (without regard to case): the first of these that finds any. In the place of one
	// that was merged comes the one that it was merged into.
	FindContacts(ctx context.Context, word string) ([]kith.Contact, error)
	// Contacts yields contacts by name without regard to case (see [Fold]), byte
	// by byte, then id. Those that were merged into others are left out, and found by
	// their words as part of them.
	Contacts(ctx context.Context, filter ContactFilter) iter.Seq2[kith.Contact, error]
	// CountContacts returns how many persons and companies there are, without
	// those that were merged.
	CountContacts(ctx context.Context) (persons, companies int, err error)
}

// Interactions is the register itself. Lists of an interaction are never nil.
// Of its links, ContactName and CompanyID are what the contact's are now, and
// links of those that were merged are one, see [UniteLinks]; its evidence is sorted by SeenAt, account, stream and ref; ThreadRefs are not kept.
type Interactions interface {
	// Interaction returns one interaction with everything that belongs to it.
	Interaction(ctx context.Context, id kith.ID) (kith.Interaction, error)
	// InteractionByKey finds an interaction by its identity.
	InteractionByKey(ctx context.Context, key kith.Key) (kith.Interaction, error)
	// InteractionByRef finds an interaction by a place where it was seen.
	InteractionByRef(ctx context.Context, account, stream, ref string) (kith.Interaction, error)
	// Interactions yields interactions, latest first; those of the same
	// instant by id, greatest first. It holds no transaction open between rows
	// for longer than a page, so a slow reader does not stop writers.
	Interactions(ctx context.Context, filter Filter) iter.Seq2[kith.Interaction, error]
	// CountInteractions returns how many interactions a filter meets.
	CountInteractions(ctx context.Context, filter Filter) (int, error)
	// DeleteInteractions removes interactions and leaves tombstones of their
	// keys and fingerprints, so that capture does not bring them or copies of
	// them back. It returns how many were there.
	DeleteInteractions(ctx context.Context, ids []kith.ID, at time.Time) (int, error)
}

// ContactFilter says which contacts are wanted. The zero filter means all.
type ContactFilter struct {
	Text  string // part of a name, address, phone or external id, without regard to case (of ASCII letters, in the id)
	Type  kith.ContactType
	Limit int // 0 means all
}

// Filter says which interactions are wanted. The zero filter means all.
type Filter struct {
	Contact   kith.ID // linked to this contact, or one merged with it; for a company, also to its people
	Kind      kith.Kind
	Direction kith.Direction
	Status    kith.Status
	Owner     string
	Template  string
	Text      string    // every word occurs in the subject, without regard to case
	MessageID string    // exactly this normalised Message-ID
	Thread    string    // exactly this thread
	Address   string    // exactly this address takes part, in any role
	Account   string    // seen in this account
	Since     time.Time // occurred at or after; zero means ever
	Until     time.Time // occurred before
	// After continues a listing: only interactions that come after this one.
	After *Position
	Limit int // 0 means all
}

// Position is a place in a listing.
type Position struct {
	OccurredAt time.Time
	ID         kith.ID
}

// RowError is the error of one row of a batch.
type RowError struct {
	Row int // index in the batch
	Err error
}

func (e *RowError) Error() string { return e.Err.Error() }

// RowIndex returns Row, for those who can't name the type.
func (e *RowError) RowIndex() int { return e.Row }

// Unwrap returns the cause.
func (e *RowError) Unwrap() error { return e.Err }
