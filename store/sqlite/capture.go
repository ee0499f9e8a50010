package sqlite

import (
	"bytes"
	"context"
	"slices"
	"time"

	"kith"
	"kith/store"
)

// capture holds what one batch of captured interactions touches. All that is
// on file is read first, with few queries; then the batch is gone through in
// order, in memory; then all that changed is written, with few statements.
type capture struct {
	tx     tx
	stream int64
	at     time.Time

	entries      []*entry
	byKey        map[kith.Key]*entry
	byNumber     map[int64]*entry // those on file
	fingerprints map[kith.Key][]*entry
	erased       map[kith.Key]bool
	erasedCopies map[kith.Key][]int64 // fingerprint: when they occurred, microseconds
	holders      map[string]*entry    // ref in this stream: which of the entries it shows
	contacts     map[int64]kith.ID    // those that links name, by number
	threads      *store.Threads

	evidence []any // rows to be written
	keys     []keyRow
	timeline []timelineRow
	last     int64 // the number of the last interaction
}

// entry is one interaction that the batch touches.
type entry struct {
	kith.Interaction
	fresh      bool // not on file
	changed    bool
	keys       []byte
	messageIDs []string // of copies
	thread     *store.Thread
	live       int // evidence in this stream, as far as fingerprints need it
}

type keyRow struct {
	key         *kith.Key
	interaction int64
}

type timelineRow struct{ contact, occurredAt, interaction int64 }

// capture writes captured interactions and the places where they were seen.
func (tx tx) capture(ctx context.Context, stream int64, at time.Time, captured []kith.Captured) (done kith.Recorded, err error) {
	if len(captured) == 0 {
		return done, nil
	}
	c := &capture{
		tx: tx, stream: stream, at: at,
		byKey:    make(map[kith.Key]*entry, len(captured)),
		byNumber: make(map[int64]*entry),
		holders:  make(map[string]*entry, len(captured)),
		threads:  store.NewThreads(),
	}
	hashes := make([][]int64, len(captured))
	for i := range captured {
		hashes[i] = store.ThreadHashes(captured[i].Interaction)
	}
	if err := c.read(ctx, captured, hashes); err != nil {
		return done, err
	}
	for i := range captured {
		e := c.find(captured[i].Interaction)
		switch {
		case e != nil:
			done.Known++
			c.merge(e, captured[i].Interaction)
		case c.isErased(captured[i].Interaction):
			done.Erased++
			continue
		default:
			done.New++
			e = c.add(captured[i].Interaction)
		}
		e.thread = c.threads.Add(hashes[i], e.thread)
		c.see(e, captured[i].Ref)
	}
	return done, c.write(ctx)
}

// find returns what is on file, or was earlier in the batch, for a captured
// interaction; nil if there is none or a tombstone hides it.
func (c *capture) find(i *kith.Interaction) *entry {
	if e := c.byKey[i.Key]; e != nil || c.erased[i.Key] {
		return e
	}
	var best *entry
	for _, e := range c.fingerprints[i.Fingerprint] {
		if e.live > 0 || !near(e.OccurredAt, i.OccurredAt) {
			continue
		}
		if best == nil || apart(e.OccurredAt, i.OccurredAt) < apart(best.OccurredAt, i.OccurredAt) {
			best = e
		}
	}
	return best
}

func (c *capture) isErased(i *kith.Interaction) bool {
	return c.erased[i.Key] || slices.ContainsFunc(c.erasedCopies[i.Fingerprint], func(at int64) bool {
		return near(time.UnixMicro(at), i.OccurredAt)
	})
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
func (c *capture) add(i *kith.Interaction) *entry {
	e := &entry{Interaction: *i, fresh: true, keys: i.Key[:]}
	e.ID = newID(c.at, c.last)
	e.OccurredAt = e.OccurredAt.Truncate(time.Microsecond)
	e.Links = nil
	store.Merge(&e.Interaction, &kith.Interaction{Links: c.standing(i.Links)})
	c.last = numberOf(e.ID)
	c.entries = append(c.entries, e)
	c.byKey[i.Key] = e
	c.keys = append(c.keys, keyRow{&i.Key, c.last})
	for _, l := range e.Links {
		c.link(e, l)
	}
	c.fingerprinted(e)
	return e
}

// merge adds to an interaction what a copy of it tells.
func (c *capture) merge(e *entry, i *kith.Interaction) {
	other := *i
	other.Links = c.standing(i.Links)
	before := len(e.Links)
	hadFingerprint := e.Fingerprint != kith.Key{}
	if store.Merge(&e.Interaction, &other) {
		e.changed = true
	}
	for _, l := range e.Links[before:] {
		c.link(e, l)
	}
	if !hadFingerprint {
		c.fingerprinted(e)
	}
	if c.byKey[i.Key] == nil { // found by its fingerprint
		c.byKey[i.Key] = e
		c.keys = append(c.keys, keyRow{&i.Key, numberOf(e.ID)})
		e.keys = append(bytes.Clone(e.keys), i.Key[:]...)
		if i.MessageID != nil && (e.MessageID == nil || *i.MessageID != *e.MessageID) {
			e.messageIDs = append(e.messageIDs, *i.MessageID)
		}
		e.changed = true
	}
}

// standing returns the links whose contact exists.
func (c *capture) standing(links []kith.Link) []kith.Link {
	gone := func(l kith.Link) bool { return c.contacts[numberOf(l.ContactID)] != l.ContactID }
	if !slices.ContainsFunc(links, gone) {
		return links
	}
	return slices.DeleteFunc(slices.Clone(links), gone)
}

func (c *capture) link(e *entry, l kith.Link) {
	c.timeline = append(c.timeline, timelineRow{numberOf(l.ContactID), e.OccurredAt.UnixMicro(), numberOf(e.ID)})
}

// fingerprinted makes an entry known by its fingerprint.
func (c *capture) fingerprinted(e *entry) {
	if (e.Fingerprint == kith.Key{}) {
		return
	}
	if c.fingerprints == nil {
		c.fingerprints = make(map[kith.Key][]*entry)
	}
	c.fingerprints[e.Fingerprint] = append(c.fingerprints[e.Fingerprint], e)
}

// see notes where an interaction was seen: one place shows one interaction.
func (c *capture) see(e *entry, ref string) {
	if before := c.holders[ref]; before != e {
		if before != nil {
			before.live--
		}
		c.holders[ref] = e
		e.live++
	}
	c.evidence = append(c.evidence, c.stream, ref, numberOf(e.ID), c.at.UnixMicro())
}
