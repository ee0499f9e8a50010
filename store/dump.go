package store

import (
	"context"
	"iter"
	"time"

	"kith"
)

// Dumper copies a register whole: into a file (see package backup) or into
// another store.
type Dumper interface {
	// Dump yields the register as it was at one moment, in the order of
	// [RowKinds] and within a kind in an order that depends on the rows alone:
	// registers that hold the same yield the same. One transaction is open from
	// the first row to the last, so whoever takes the rows should not dawdle;
	// others may write meanwhile. Memory does not depend on the number of rows.
	//
	// Daemons and leases belong to what runs now, and are left out.
	Dump(ctx context.Context) iter.Seq2[Row, error]
	// Load writes what Dump yielded, of this store or another. The rows keep
	// their order, and the register MUST be empty (but for daemons), else
	// the error is [kith.ErrConflict]. It is one transaction: after an error, of the rows
	// too, the register is as empty as before. Until the end nobody else
	// can write.
	//
	// Ids stay what they are. Where the store can't hold two of them beside each other, the
	// second becomes another one with all that refers to it: renamed counts them.
	Load(ctx context.Context, rows iter.Seq2[Row, error]) (renamed int, err error)
}

// Row is one record of a dump: a pointer to one of the types whose name ends in Row.
type Row interface {
	Kind() RowKind
}

// RowKind tells the rows of a dump apart.
type RowKind string

// The kinds of row.
const (
	RowVersions    RowKind = "versions"
	RowContact     RowKind = "contact"
	RowMerged      RowKind = "merged"
	RowDistinct    RowKind = "distinct"
	RowAccount     RowKind = "account"
	RowDefinition  RowKind = "definition"
	RowIdentity    RowKind = "identity"
	RowStream      RowKind = "stream"
	RowQuarantined RowKind = "quarantined"
	RowCard        RowKind = "card"
	RowCardGroup   RowKind = "card_group"
	RowThread      RowKind = "thread"
	RowMember      RowKind = "member"
	RowInteraction RowKind = "interaction"
	RowTombstone   RowKind = "tombstone"
	RowErasedCopy  RowKind = "erased_copy"
	RowBounce      RowKind = "bounce"
	RowSought      RowKind = "sought"
	RowSalt        RowKind = "salt"
	RowForgotten   RowKind = "forgotten"
	RowWays        RowKind = "ways"
	RowSuggestion  RowKind = "suggestion"
)

// RowKinds are the kinds of row in the order of a dump: none names what comes later.
var RowKinds = []RowKind{
	RowVersions, RowContact, RowMerged, RowDistinct, RowAccount, RowDefinition, RowIdentity, RowStream, RowQuarantined,
	RowCard, RowCardGroup, RowThread, RowMember, RowInteraction, RowTombstone, RowErasedCopy, RowBounce, RowSought,
	RowSalt, RowForgotten, RowWays, RowSuggestion,
}

// VersionsRow is what [Contacts] ContactsVersion and [Definitions]
// DefinitionsVersion return, and the number of the newest [kith.Sought] there
// was. There is one.
type VersionsRow struct {
	Contacts    int64
	Definitions int64
	Sought      int64
}

// ContactRow is a contact as it is without those merged into it. Companies come before persons, both by id. Company,
// the name, and MergedInto are not looked at.
type ContactRow struct{ kith.Contact }

// MergedRow says that a contact was merged into another; by contact.
type MergedRow struct {
	Contact kith.ID
	Into    kith.ID
}

// DistinctRow says that two contacts are not one, A being the lesser; by both.
type DistinctRow struct {
	A, B  kith.ID
	Since time.Time
}

// AccountRow is an account; by name. Daemon and LeasedUntil are zero.
type AccountRow struct{ kith.Account }

// DefinitionRow is a definition; by name, which is all that is set of its Account.
type DefinitionRow struct{ kith.Definition }

// IdentityRow is an address that seems to be ours; by address.
type IdentityRow struct{ kith.Identity }

// StreamRow is a stream; by account and name. Quarantined and Sought are zero.
type StreamRow struct {
	Account string
	kith.StreamStatus
}

// QuarantinedRow is an item in quarantine; by account, stream and ref.
type QuarantinedRow struct{ kith.Quarantined }

// CardRow is a card with the contact that it shows, which may not exist; by account,
// stream, ref and UID.
type CardRow struct{ kith.CardTie }

// CardGroupRow is a card that names others, sorted; by account, stream, ref and UID.
type CardGroupRow struct {
	Account string
	Stream  string
	kith.CardGroup
}

// ThreadRow is a thread; by root, a number with a sign. The root is a member.
type ThreadRow struct {
	Least int64
	Heads []int64 // ascending
}

// Root returns the digest that names the thread, see [Thread].
func (r *ThreadRow) Root() int64 {
	t := Thread{Least: r.Least, Heads: r.Heads}
	return t.Root()
}

// MemberRow says that a Message-ID other than its root is in a thread; by digest.
type MemberRow struct {
	Hash int64
	Root int64
}

// InteractionRow is an interaction with its evidence; by id. Of its links,
// ContactName and CompanyID are empty. Its thread is Thread, ThreadRefs is empty.
type InteractionRow struct {
	kith.Interaction
	Keys       []kith.Key // of copies that were found by fingerprint
	MessageIDs []string   // of those copies
}

// TombstoneRow keeps out what has a key; by key.
type TombstoneRow struct {
	Key      kith.Key
	ErasedAt time.Time
}

// ErasedCopyRow keeps out what has a fingerprint and occurred about then; by
// fingerprint and time.
type ErasedCopyRow struct {
	Fingerprint kith.Key
	OccurredAt  time.Time
	ErasedAt    time.Time
}

// BounceRow is a delivery report whose message is not on file; by digest.
type BounceRow struct {
	Hash   int64  // of the Message-ID
	Status string // RFC 3463
}

// SoughtRow is an address for look-back; by number.
type SoughtRow struct{ kith.Sought }

// SaltRow is what digests of addresses are made with. There is one if there are such
// digests, else none.
type SaltRow struct{ Salt []byte }

// ForgottenRow is an address that must not become a contact by itself; by digest.
type ForgottenRow struct {
	Digest [16]byte // see [AddressDigest]
	Why    kith.Forgotten
	At     time.Time
}

// WaysRow is which way mail went with an address; by digest.
type WaysRow struct {
	Digest [16]byte
	Ways   kith.Ways
}

// SuggestionRow is a suggestion as far as one stream tells; by address, account and stream.
type SuggestionRow struct {
	Account string
	Stream  string
	kith.Suggestion
}

// Kind implements [Row].
func (*VersionsRow) Kind() RowKind { return RowVersions }

// Kind implements [Row].
func (*ContactRow) Kind() RowKind { return RowContact }

// Kind implements [Row].
func (*MergedRow) Kind() RowKind { return RowMerged }

// Kind implements [Row].
func (*DistinctRow) Kind() RowKind { return RowDistinct }

// Kind implements [Row].
func (*AccountRow) Kind() RowKind { return RowAccount }

// Kind implements [Row].
func (*DefinitionRow) Kind() RowKind { return RowDefinition }

// Kind implements [Row].
func (*IdentityRow) Kind() RowKind { return RowIdentity }

// Kind implements [Row].
func (*StreamRow) Kind() RowKind { return RowStream }

// Kind implements [Row].
func (*QuarantinedRow) Kind() RowKind { return RowQuarantined }

// Kind implements [Row].
func (*CardRow) Kind() RowKind { return RowCard }

// Kind implements [Row].
func (*CardGroupRow) Kind() RowKind { return RowCardGroup }

// Kind implements [Row].
func (*ThreadRow) Kind() RowKind { return RowThread }

// Kind implements [Row].
func (*MemberRow) Kind() RowKind { return RowMember }

// Kind implements [Row].
func (*InteractionRow) Kind() RowKind { return RowInteraction }

// Kind implements [Row].
func (*TombstoneRow) Kind() RowKind { return RowTombstone }

// Kind implements [Row].
func (*ErasedCopyRow) Kind() RowKind { return RowErasedCopy }

// Kind implements [Row].
func (*BounceRow) Kind() RowKind { return RowBounce }

// Kind implements [Row].
func (*SoughtRow) Kind() RowKind { return RowSought }

// Kind implements [Row].
func (*SaltRow) Kind() RowKind { return RowSalt }

// Kind implements [Row].
func (*ForgottenRow) Kind() RowKind { return RowForgotten }

// Kind implements [Row].
func (*WaysRow) Kind() RowKind { return RowWays }

// Kind implements [Row].
func (*SuggestionRow) Kind() RowKind { return RowSuggestion }
