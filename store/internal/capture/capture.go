// Package capture goes through a batch of captured interactions in memory, as
// [store.Recorder] says. What a store has on file of them is put in first, with
// few queries; then the batch is gone through in order; then the store writes
// what the [Batch] has noted, with few statements.
package capture

import (
	"bytes"
	"slices"
	"time"

	"kith"
	"kith/store"
)

// Batch holds what one batch of captured interactions touches. Not safe for
// concurrent use.
type Batch struct {
	// What is on file. The store puts it in, see also [Batch.Load].
	ByKey        map[kith.Key]*Entry
	Erased       map[kith.Key]bool
	ErasedCopies map[kith.Key][]time.Time // fingerprint: when they occurred
	Contacts     map[kith.ID]bool         // those that exist, of the ones that links name
	Threads      *store.Threads
	holders      map[string]*Entry // ref in this stream: which of the entries it shows

	// What is to be written, beside entries that are fresh or changed, and threads.
	Entries       []*Entry // those on file first
	Keys          []Key
	Fingerprinted []*Entry // those that have got their fingerprint
	Links         []Link
	Unlinked      []Link // of entries on file
	Seen          []Seen
	Cancelled     int // of entries on file

	sighted      map[string]*Sighted
	fingerprints map[kith.Key][]*Entry
	captured     []kith.Captured
	hashes       [][]int64
	newID        func() kith.ID
}

// Entry is one interaction that the batch touches.
type Entry struct {
	kith.Interaction
	Fresh      bool // not on file
	Changed    bool
	Keys       []byte   // its own, then those of copies found by fingerprint
	MessageIDs []string // of copies
	Thread     *store.Thread

	live int // evidence in this stream, as far as fingerprints need it
}

// Key finds an entry.
type Key struct {
	Key   kith.Key
	Entry *Entry
}

// Link is a row of a contact's timeline.
type Link struct {
	Contact kith.ID
	At      int64 // when it occurred: UnixMicro
	Entry   *Entry
}

// Time is when the entry occurred.
func (l Link) Time() time.Time { return time.UnixMicro(l.At) }

// Seen is a place where an entry was seen.
type Seen struct {
	Ref   string
	Entry *Entry
}

// New returns a batch of what is captured, which has to be clean (see [Clean])
// and stays as it is. newID makes ids of interactions; they have to rise.
func New(captured []kith.Captured, newID func() kith.ID) *Batch {
	b := &Batch{
		ByKey:   make(map[kith.Key]*Entry, len(captured)),
		Threads: store.NewThreads(),
		Seen:    make([]Seen, 0, len(captured)),

		holders:  make(map[string]*Entry, len(captured)),
		captured: captured,
		hashes:   make([][]int64, len(captured)),
		newID:    newID,
	}
	for i := range captured {
		b.hashes[i] = store.ThreadHashes(captured[i].Interaction)
	}
	return b
}

// Hashes returns the digests of all Message-IDs that the batch names,
// ascending, each once.
func (b *Batch) Hashes() []int64 {
	all := slices.Concat(b.hashes...)
	slices.Sort(all)
	return slices.Compact(all)
}

// Load takes in an interaction that is on file.
func (b *Batch) Load(e *Entry) {
	b.Entries = append(b.Entries, e)
	b.fingerprinted(e)
}

// Hold takes in that a place in this stream, whose evidence is live, shows an entry.
func (b *Batch) Hold(ref string, e *Entry) {
	b.holders[ref] = e
	e.live++
}

// Walk goes through the batch.
func (b *Batch) Walk() (done kith.Recorded) {
	for i, c := range b.captured {
		e := b.find(c.Interaction)
		switch {
		case e != nil && c.Method == "REPLY":
			b.merge(e, c.Interaction)
			continue
		case e != nil:
			done.Known++
			if b.merge(e, c.Interaction) {
				b.sight(c)
			}
		case b.isErased(c.Interaction):
			done.Erased++
			continue
		case c.Kind == kith.KindMeeting && (c.Status == kith.StatusCancelled || c.Method == "REPLY") &&
			(b.tellAll(c.Interaction) || c.Method != "CANCEL" || c.ICalUID == nil):
			continue // if nobody has planned it, that is nobody
		case c.Method == "REQUEST" && b.calledOff(c.Interaction):
			continue
		default:
			done.New++
			e = b.add(c.Interaction)
			b.sight(c)
		}
		e.Thread = b.Threads.Add(b.hashes[i], e.Thread)
		b.see(e, c.Ref)
	}
	for _, e := range b.Entries {
		e.Thread = b.Threads.Find(e.Thread)
	}
	done.Cancelled = b.Cancelled
	return done
}

// Slot is when a meeting takes place, and what about.
type Slot struct {
	At      int64 // UnixMicro
	Subject string
}

func slotOf(i *kith.Interaction) Slot { return Slot{i.OccurredAt.UnixMicro(), i.Subject} }

// NewMeetings returns the slots of the meetings that are new, each once.
func (b *Batch) NewMeetings() (slots []Slot) {
	seen := make(map[Slot]bool)
	for _, e := range b.Entries {
		if !e.Fresh || e.Kind != kith.KindMeeting || e.Subject == "" {
			continue
		}
		if s := slotOf(&e.Interaction); !seen[s] {
			seen[s] = true
			slots = append(slots, s)
		}
	}
	return slots
}

// Compare flags meetings that are new if they may be copies of those on file, or of each other.
func (b *Batch) Compare(onFile []kith.Interaction) {
	at := make(map[Slot][]*kith.Interaction)
	for i := range onFile {
		t := slotOf(&onFile[i])
		at[t] = append(at[t], &onFile[i])
	}
	for _, e := range b.Entries {
		if !e.Fresh || e.Kind != kith.KindMeeting {
			continue
		}
		t := slotOf(&e.Interaction)
		if slices.ContainsFunc(at[t], func(o *kith.Interaction) bool { return store.PossibleCopy(&e.Interaction, o) }) {
			e.Flags = append(slices.Clone(e.Flags), store.FlagPossibleCopy)
		}
		at[t] = append(at[t], &e.Interaction)
	}
}

// Withdrawn returns the reason for which a recording withdraws a place, "" if it does not.
func Withdrawn(rec *kith.Recording) func(ref string) kith.Reason {
	reasons := make(map[string]kith.Reason, len(rec.Withdrawn))
	for _, w := range rec.Withdrawn {
		reasons[w.Ref] = w.Reason
	}
	for i := range rec.Captured {
		reasons[rec.Captured[i].Ref] = ""
	}
	return func(ref string) kith.Reason {
		if reason, named := reasons[ref]; named {
			return reason
		}
		return kith.ReasonGone
	}
}

// find returns what is on file, or was earlier in the batch, for a captured
// interaction; nil if there is none or a tombstone hides it.
func (b *Batch) find(i *kith.Interaction) *Entry {
	if e := b.ByKey[i.Key]; e != nil || b.Erased[i.Key] {
		return e
	}
	if i.Kind == kith.KindMeeting && (i.Status == kith.StatusCancelled || i.Method == "REPLY") {
		return nil // it is about all that have this fingerprint
	}
	var best *Entry
	for _, e := range b.fingerprints[i.Fingerprint] {
		if e.live > 0 || !near(e.OccurredAt, i.OccurredAt) {
			continue
		}
		if best == nil || apart(e.OccurredAt, i.OccurredAt) < apart(best.OccurredAt, i.OccurredAt) {
			best = e
		}
	}
	return best
}

func (b *Batch) isErased(i *kith.Interaction) bool {
	return b.Erased[i.Key] || slices.ContainsFunc(b.ErasedCopies[i.Fingerprint], func(at time.Time) bool {
		return near(at, i.OccurredAt)
	})
}

// calledOff tells whether mail has called off the whole event before its invitation was read.
func (b *Batch) calledOff(i *kith.Interaction) bool {
	return i.RecurrenceID != nil && slices.ContainsFunc(b.fingerprints[i.Fingerprint], func(e *Entry) bool {
		return e.Status == kith.StatusCancelled && e.RecurrenceID == nil && !e.Version.Before(i.Version)
	})
}

// tellAll merges what is told of a whole event into all of its occurrences that are yet to come, and
// tells whether there are occurrences of it.
func (b *Batch) tellAll(i *kith.Interaction) (any bool) {
	if (i.Fingerprint == kith.Key{}) || i.RecurrenceID != nil {
		return false
	}
	for _, e := range b.fingerprints[i.Fingerprint] {
		any = any || e.RecurrenceID != nil
		if e.Kind == kith.KindMeeting && e.Status == kith.StatusPlanned {
			one := *i
			one.Key = e.Key
			b.ByKey[e.Key] = e // it is on file
			b.merge(e, &one)
		}
	}
	return any
}

// near tells whether copies may have occurred at two instants.
func near(a, b time.Time) bool { return apart(a, b) <= store.FingerprintTolerance.Microseconds() }

func apart(a, b time.Time) int64 {
	if d := a.UnixMicro() - b.UnixMicro(); d > 0 {
		return d
	} else {
		return -d
	}
}

// add takes in an interaction that is new.
func (b *Batch) add(i *kith.Interaction) *Entry {
	e := &Entry{Interaction: *i, Fresh: true, Keys: i.Key[:]}
	e.ID = b.newID()
	e.OccurredAt = e.OccurredAt.Truncate(time.Microsecond)
	e.Links = nil
	store.Merge(&e.Interaction, &kith.Interaction{Links: b.standing(i.Links)})
	b.Entries = append(b.Entries, e)
	b.ByKey[i.Key] = e
	b.Keys = append(b.Keys, Key{i.Key, e})
	for _, l := range e.Links {
		b.Links = append(b.Links, Link{l.ContactID, e.OccurredAt.UnixMicro(), e})
	}
	if b.fingerprinted(e) {
		b.Fingerprinted = append(b.Fingerprinted, e)
	}
	return e
}

// merge adds to an interaction what a copy of it tells, and reports whether that
// was anything.
func (b *Batch) merge(e *Entry, i *kith.Interaction) (more bool) {
	other := *i
	other.Links = b.standing(i.Links)
	before, occurred := slices.Clone(e.Links), e.OccurredAt.UnixMicro()
	hadFingerprint := e.Fingerprint != kith.Key{}
	merge := store.Merge
	if e.Kind == kith.KindMeeting && other.Kind == kith.KindMeeting {
		merge = store.MergeMeeting
		was := e.Status
		defer func() {
			if was != e.Status && e.Status == kith.StatusCancelled {
				b.Cancelled++
			}
		}()
	}
	if merge(&e.Interaction, &other) {
		e.OccurredAt = e.OccurredAt.Truncate(time.Microsecond)
		e.Changed, more = true, true
	}
	b.relink(e, before, occurred)
	if !hadFingerprint && b.fingerprinted(e) {
		b.Fingerprinted = append(b.Fingerprinted, e)
	}
	if b.ByKey[i.Key] == nil { // found by its fingerprint
		b.ByKey[i.Key] = e
		b.Keys = append(b.Keys, Key{i.Key, e})
		e.Keys = append(bytes.Clone(e.Keys), i.Key[:]...)
		if i.MessageID != nil && (e.MessageID == nil || *i.MessageID != *e.MessageID) {
			e.MessageIDs = append(e.MessageIDs, *i.MessageID)
		}
		e.Changed, more = true, true
	}
	return more
}

// relink notes how the links of an entry differ from those before, when it occurred at
// another time perhaps.
func (b *Batch) relink(e *Entry, before []kith.Link, occurred int64) {
	now := e.OccurredAt.UnixMicro()
	moved := now != occurred
	has := func(links []kith.Link, contact kith.ID) bool {
		return slices.ContainsFunc(links, func(l kith.Link) bool { return l.ContactID == contact })
	}
	for _, l := range before {
		if has(e.Links, l.ContactID) && !moved {
			continue
		}
		gone := Link{l.ContactID, occurred, e}
		if at := slices.Index(b.Links, gone); at >= 0 { // not written yet
			b.Links = slices.Delete(b.Links, at, at+1)
		} else {
			b.Unlinked = append(b.Unlinked, gone)
		}
	}
	for _, l := range e.Links {
		if has(before, l.ContactID) && !moved {
			continue
		}
		added := Link{l.ContactID, now, e}
		if at := slices.Index(b.Unlinked, added); at >= 0 { // still written
			b.Unlinked = slices.Delete(b.Unlinked, at, at+1)
		} else {
			b.Links = append(b.Links, added)
		}
	}
}

// standing returns the links whose contact exists.
func (b *Batch) standing(links []kith.Link) []kith.Link {
	gone := func(l kith.Link) bool { return !b.Contacts[l.ContactID] }
	if !slices.ContainsFunc(links, gone) {
		return links
	}
	return slices.DeleteFunc(slices.Clone(links), gone)
}

// fingerprinted makes an entry known by its fingerprint, if it has one.
func (b *Batch) fingerprinted(e *Entry) bool {
	if (e.Fingerprint == kith.Key{}) {
		return false
	}
	if b.fingerprints == nil {
		b.fingerprints = make(map[kith.Key][]*Entry)
	}
	b.fingerprints[e.Fingerprint] = append(b.fingerprints[e.Fingerprint], e)
	return true
}

// see notes where an interaction was seen: one place shows one interaction.
func (b *Batch) see(e *Entry, ref string) {
	if before := b.holders[ref]; before != e {
		if before != nil {
			before.live--
		}
		b.holders[ref] = e
		e.live++
	}
	b.Seen = append(b.Seen, Seen{ref, e})
}
