package kith

import "time"

// Captured is an interaction together with the place it was seen at.
type Captured struct {
	Ref string
	*Interaction
	// Sightings are what it says of addresses that seem to be ours.
	Sightings []Sighting
}

// Recording is the outcome of one batch of a stream: what is written in one
// transaction, together with the move of the cursor.
type Recording struct {
	Account string
	Stream  string
	Base    Cursor // the stored cursor must still be this one
	Next    Cursor
	At      time.Time // one timestamp for all rows

	Captured []Captured
	Gone     []string
	// Withdrawn are places that no longer show a meeting that counts, and Covered ranges of
	// places of which all that are not captured here do not.
	Withdrawn   []Withdrawal
	Covered     []RefRange
	Quarantined []Failure
	// Released are refs with an outcome: if they were in quarantine, they leave it.
	Released []string
	Skipped  map[Reason]int
	Bounced  []Bounce
	// Suggested are people who are no contacts, once for each message with them.
	Suggested []Correspondent

	// Backfilled is the share of the past that has been read, 0 to 1.
	Backfilled float64
	// Recount starts the stream's counters anew: the source began again from the horizon.
	Recount bool
	// Again says that its items were counted before, when they came to nothing perhaps:
	// of the counters only Recorded moves, by what is new.
	Again bool
	// LookedBack is the number of an address (see [Sought]): with this recording the past of
	// the stream has been searched for it and all before it. 0 tells nothing.
	LookedBack int64
}

// Withdrawal says that a place does not show a meeting any more, or none that is to be recorded.
type Withdrawal struct {
	Ref    string
	Reason Reason // [ReasonGone]: it is not there any more
}

// Recorded counts what a [Recording] did.
type Recorded struct {
	New     int // interactions that were not known
	Known   int // interactions seen before, at this place or another
	Erased  int // kept out by a tombstone
	Bounced int // interactions marked as bounced

	Cancelled int // meetings that were called off, or are to be forgotten
}
