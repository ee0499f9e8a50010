package store

import (
	"context"
	"iter"
	"math"
	"time"

	"kith"
)

// BookLookedBack is the LookedBack of address books: they hold no mail that contacts may
// have had before.
const BookLookedBack = math.MaxInt64

// Books is what reading address books writes. Cards are tied to contacts; a contact
// whose Source is the account of a card is that card's own.
//
// What a card's own contact says follows the card: names, title, language and
// company are the card's, where it has any; addresses, phone numbers and tags that it no
// longer has, and no other card of the contact, go. What people have added by hand stays,
// and so do owner, NeverRecord and Archived, which a card can set and not clear. To the
// contact of another source a card adds what is missing, and takes back no
// more than it has added.
type Books interface {
	// RecordBook writes the outcome of one batch of an address book.
	//
	//  1. The stream's stored cursor MUST equal rec.Base, else
	//     [kith.ErrStaleCursor]. The stream is made if it is not known.
	//  2. Ties of refs in rec.Gone, and of refs in Cards, Groups or Ignored that
	//     no longer hold the card, are marked gone. Their contacts stay until
	//     SettleBooks, for the card may have moved to another book. A ref that is
	//     in Quarantined too keeps its ties.
	//  3. The contact of a card is found by a tie of the same UID in any book of
	//     the account, else by Source and ExternalID, else, for a company, by its name if it
	//     has no external id, else by the first of its e-mail addresses (phone
	//     numbers, if it has none) that a contact of its type has which
	//     belongs to another source and to no other card of the account, or all of whose cards
	//     are gone. If there is none, it is made. One that is of another type becomes
	//     that of its card, if it is its own. A tie whose contact does not exist any
	//     more keeps the card out: it was removed on purpose.
	//  4. The name of a group becomes a tag of its members; the members of a
	//     company's card get that company, if their own cards name none. Who leaves
	//     the group loses what it gave.
	//  5. Quarantine as in Record. A card that can't be written goes there too.
	//  6. The counters: Recorded becomes how many cards and groups are tied,
	//     Skipped grows by those ignored and erased. Then the cursor becomes rec.Next,
	//     and LookedBack [BookLookedBack].
	//
	// With changes set, it is told of every card that the batch speaks of, in no
	// order, if the recording succeeds. With dryRun nothing is written.
	RecordBook(ctx context.Context, rec kith.BookRecording, dryRun bool, changes func(kith.CardChange)) (kith.BookRecorded, error)
	// SettleBooks ends ties that were marked gone at the time given or before, of one
	// account, at most limit of them. A contact that has no other card is removed
	// as by RemoveContact, if it is the card's own. One that has other cards becomes the
	// next one's own. Those merged with one that goes stay, and have its links: if it was the
	// survivor, the first that was merged into it is. It returns how many ties were ended and contacts removed.
	//
	// The caller has read all books of the account since that time.
	SettleBooks(ctx context.Context, account string, gone, at time.Time, limit int) (ended, removed int, err error)
	// Books returns the streams of an account that have ties or groups, sorted.
	Books(ctx context.Context, account string) ([]string, error)
	// CardRefs yields the refs of the cards and groups of a book that are not
	// gone, each once, in no order.
	CardRefs(ctx context.Context, account, stream string) iter.Seq2[string, error]
	// CardTies returns the ties of a ref, by UID.
	CardTies(ctx context.Context, account, stream, ref string) ([]kith.CardTie, error)
}
