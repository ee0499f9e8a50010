package kith

import "time"

// Card is a contact with the place in an address book that it was read from. Its
// Source is the account, its ExternalID the UID of the vCard.
type Card struct {
	Ref     string // of the resource in its book
	Contact Contact
}

// CardGroup is a card that names others (RFC 6350 §6.1.4).
type CardGroup struct {
	Ref     string
	UID     string
	Name    string
	Org     bool     // its card is that of a company too, which is among the cards
	Members []string // the ExternalIDs of contacts
}

// BookBatch is one step of a source through an address book. A resource may hold
// several cards: all that is in one comes in one batch. All its slices belong to the receiver.
type BookBatch struct {
	Cards   []Card      // new or changed
	Groups  []CardGroup // new or changed, after the cards of all that are in them
	Gone    []string    // refs that are no longer there
	Failed  []Failure   // could not be read; to be tried again by Fetch
	Ignored []string    // refs with something that is neither a contact nor a group, a ref for each

	// Present, when set, says that the source has listed the whole book: what the
	// register knows of it and Present denies is gone.
	Present func(ref string) bool
	// Emptied, when not 0, says that there is nothing in a book that had at
	// least so many cards. That may be the wish of its owner, or a server that
	// lost its data. As long as the batch is not recorded and the cursor stays,
	// each pass tells of it again, and a book that is back is read on.
	Emptied int

	Cursor      Cursor // the book's position once this batch is recorded; "" from Fetch
	Done, Total int    // cards of a full reading that were passed so far, and in all; 0 otherwise

	Restarted string   // why the source began again from the start, if it did
	Warnings  []string // for the log, in words that hold no content
}

// BookRecording is one batch of an address book: what is written in one
// transaction, together with the move of the cursor.
type BookRecording struct {
	Account string
	Stream  string
	Base    Cursor // the stored cursor must still be this one
	Next    Cursor
	At      time.Time // one timestamp for all rows

	Cards       []Card
	Groups      []CardGroup
	Gone        []string
	Quarantined []Failure
	Ignored     []string
	// Released are refs with an outcome: if they were in quarantine, they leave it.
	// Those of cards, groups, and what is gone or ignored need not be named.
	Released []string

	// Backfilled is the share of the book that has been read, 0 to 1.
	Backfilled float64
	// Recount starts the stream's counters anew: the source began again from the start.
	Recount bool
}

// CardOutcome says what became of a card.
type CardOutcome string

// The outcomes of a card.
const (
	CardCreated   CardOutcome = "created"   // a contact was made of it
	CardUpdated   CardOutcome = "updated"   // its contact was changed
	CardUnchanged CardOutcome = "unchanged" // its contact says all of it already
	CardGroupKept CardOutcome = "group"     // it names others
	CardIgnored   CardOutcome = "ignored"   // neither a contact nor a group
	CardErased    CardOutcome = "erased"    // its contact was removed from the register on purpose, and stays so
	CardUntied    CardOutcome = "untied"    // it is gone; its contact stays, for another card or source has it
	CardRemoved   CardOutcome = "removed"   // it is gone, and its contact is to go with it
)

// CardChange tells what became of one card.
type CardChange struct {
	Ref     string
	Name    string // of the contact or group
	Contact ID     // the zero ID where there is none
	Outcome CardOutcome
}

// BookRecorded counts what a [BookRecording] did, or several.
type BookRecorded struct {
	Created   int `json:"created"`   // contacts that were not known
	Updated   int `json:"updated"`   // contacts that changed
	Unchanged int `json:"unchanged"` // cards whose contacts say all of them already
	Groups    int `json:"groups"`
	Ignored   int `json:"ignored"`
	Erased    int `json:"erased"` // cards of contacts that were removed on purpose
	Gone      int `json:"gone"`   // cards and groups that are no longer there

	Removed int `json:"removed"` // contacts that went with their last card
}

// Add adds what another recording did.
func (r *BookRecorded) Add(o BookRecorded) {
	r.Created += o.Created
	r.Updated += o.Updated
	r.Unchanged += o.Unchanged
	r.Groups += o.Groups
	r.Ignored += o.Ignored
	r.Erased += o.Erased
	r.Gone += o.Gone
	r.Removed += o.Removed
}

// CardTie says that a card shows a contact: what the register remembers of a card.
type CardTie struct {
	Account string
	Stream  string
	Ref     string
	UID     string
	Contact ID // one that does not exist was removed on purpose
	// Facts are what the card says, and what of it the contact owes to this card
	// alone, in a form that only the store reads.
	Facts  string
	GoneAt time.Time // when the card was found to be gone; zero while it is there
}
