package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"kith"
)

// read reads what is on file of everything that a batch touches.
func (c *capture) read(ctx context.Context, captured []kith.Captured, hashes [][]int64) error {
	byKey, err := c.readKeys(ctx, captured)
	if err != nil {
		return err
	}
	copies, err := c.readFingerprints(ctx, captured, byKey)
	if err != nil {
		return err
	}
	numbers := slices.Clone(copies)
	for _, n := range byKey {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	if err := c.readEntries(ctx, slices.Compact(numbers)); err != nil {
		return err
	}
	for key, n := range byKey {
		c.byKey[key] = c.byNumber[n]
	}
	if err := c.readEvidence(ctx, copies); err != nil {
		return err
	}
	if err := c.readContacts(ctx, captured); err != nil {
		return err
	}
	if err := c.readThreads(ctx, hashes); err != nil {
		return err
	}
	return c.tx.one(ctx, `SELECT coalesce(max(n), 0) FROM interactions`, nil, &c.last)
}

// readKeys finds the numbers of the interactions with the batch's keys, and
// which of the keys were erased.
func (c *capture) readKeys(ctx context.Context, captured []kith.Captured) (map[kith.Key]int64, error) {
	keys := make([]any, len(captured))
	for i := range captured {
		keys[i] = captured[i].Key[:]
	}
	slices.SortFunc(keys, func(a, b any) int { return bytes.Compare(a.([]byte), b.([]byte)) })
	found := make(map[kith.Key]int64)
	err := c.tx.eachIn(ctx, `SELECT key, interaction FROM keys WHERE key IN (%s)`, nil, keys,
		func(scan func(...any) error) error {
			var key []byte
			var n int64
			err := scan(&key, &n)
			found[kith.Key(key)] = n
			return err
		})
	if err != nil {
		return nil, err
	}
	var some bool
	if err := c.tx.one(ctx, `SELECT EXISTS (SELECT 1 FROM tombstones)`, nil, &some); err != nil || !some {
		return found, err
	}
	c.erased = make(map[kith.Key]bool)
	return found, c.tx.eachIn(ctx, `SELECT key FROM tombstones WHERE key IN (%s)`, nil, keys,
		func(scan func(...any) error) error {
			var key []byte
			err := scan(&key)
			c.erased[kith.Key(key)] = true
			return err
		})
}

// readFingerprints finds the interactions with the fingerprints of those that
// have no key on file.
func (c *capture) readFingerprints(ctx context.Context, captured []kith.Captured, byKey map[kith.Key]int64) (numbers []int64, err error) {
	var fingerprints []any
	for i := range captured {
		f := &captured[i].Fingerprint
		if _, known := byKey[captured[i].Key]; !known && *f != (kith.Key{}) {
			fingerprints = append(fingerprints, f[:])
		}
	}
	if len(fingerprints) == 0 {
		return nil, nil
	}
	err = c.tx.eachIn(ctx, `SELECT n FROM interactions WHERE fingerprint IN (%s)`, nil, fingerprints,
		func(scan func(...any) error) error {
			var n int64
			err := scan(&n)
			numbers = append(numbers, n)
			return err
		})
	if err != nil {
		return nil, err
	}
	var some bool
	if err := c.tx.one(ctx, `SELECT EXISTS (SELECT 1 FROM fingerprint_tombstones)`, nil, &some); err != nil || !some {
		return numbers, err
	}
	c.erasedCopies = make(map[kith.Key][]int64)
	return numbers, c.tx.eachIn(ctx, `SELECT fingerprint, occurred_at FROM fingerprint_tombstones WHERE fingerprint IN (%s)`, nil, fingerprints,
		func(scan func(...any) error) error {
			var f []byte
			var at int64
			err := scan(&f, &at)
			c.erasedCopies[kith.Key(f)] = append(c.erasedCopies[kith.Key(f)], at)
			return err
		})
}

func (c *capture) readEntries(ctx context.Context, numbers []int64) error {
	if len(numbers) == 0 {
		return nil
	}
	return c.tx.each(ctx, `SELECT `+rowColumns+` FROM json_each(?) j JOIN interactions i ON i.n = j.value`+rowThread, []any{list(numbers)},
		func(scan func(...any) error) error {
			e, r, err := scanEntry(scan)
			if err != nil {
				return err
			}
			e.thread = c.threads.Load(r.label, r.merged, r.root, r.least, r.heads)
			c.entries = append(c.entries, e)
			c.byNumber[r.n] = e
			c.fingerprinted(e)
			return nil
		})
}

func scanEntry(scan func(...any) error) (*entry, *row, error) {
	var r row
	if err := r.scan(scan); err != nil {
		return nil, nil, err
	}
	i, messageIDs, err := r.interaction()
	return &entry{Interaction: i, keys: r.keys, messageIDs: messageIDs}, &r, err
}

// readEvidence reads which places in this stream still show the interactions
// that were found by fingerprint.
func (c *capture) readEvidence(ctx context.Context, copies []int64) error {
	if len(copies) == 0 {
		return nil
	}
	slices.Sort(copies)
	return c.tx.each(ctx, `SELECT e.interaction, e.ref FROM json_each(?) j JOIN evidence e ON e.interaction = j.value
		WHERE e.stream = ? AND e.gone = 0`, []any{list(slices.Compact(copies)), c.stream},
		func(scan func(...any) error) error {
			var n int64
			var ref string
			if err := scan(&n, &ref); err != nil {
				return err
			}
			e := c.byNumber[n]
			c.holders[ref] = e
			e.live++
			return nil
		})
}

// readContacts reads the ids of the contacts that links name, and completes the links on file.
func (c *capture) readContacts(ctx context.Context, captured []kith.Captured) error {
	wanted := make(map[int64]bool)
	for i := range captured {
		for _, l := range captured[i].Links {
			wanted[numberOf(l.ContactID)] = true
		}
	}
	for _, e := range c.entries {
		for _, l := range e.Links {
			wanted[numberOf(l.ContactID)] = true
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	numbers := make([]int64, 0, len(wanted))
	for n := range wanted {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	c.contacts = make(map[int64]kith.ID, len(numbers))
	err := c.tx.each(ctx, `SELECT c.n, c.tail FROM json_each(?) j JOIN contacts c ON c.n = j.value`, []any{list(numbers)},
		func(scan func(...any) error) error {
			var n, tail int64
			err := scan(&n, &tail)
			c.contacts[n] = idOf(n, tail)
			return err
		})
	if err != nil {
		return err
	}
	for _, e := range c.entries {
		for at := range e.Links {
			e.Links[at].ContactID = c.contacts[numberOf(e.Links[at].ContactID)]
		}
	}
	return nil
}

func (c *capture) readThreads(ctx context.Context, hashes [][]int64) error {
	all := slices.Concat(hashes...)
	slices.Sort(all)
	return c.tx.each(ctx, `SELECT m.hash, t.n, t.merged, t.root, t.least, t.heads FROM json_each(?) j
		JOIN message_ids m ON m.hash = j.value
		JOIN threads t ON t.n = (SELECT coalesce(parent, n) FROM threads WHERE n = m.thread)`, []any{list(slices.Compact(all))},
		func(scan func(...any) error) error {
			var hash, label, root, least int64
			var merged int
			var heads []byte
			if err := scan(&hash, &label, &merged, &root, &least, &heads); err != nil {
				return err
			}
			c.threads.Nodes[hash] = c.threads.Load(label, merged, root, least, heads)
			return nil
		})
}

// How the rows of a batch are written.
var (
	insertInteractions = insertion{`INSERT INTO interactions (n, tail, keys, fingerprint, kind, status, direction,
		owner, template, occurred_at, zone, thread, message_id, subject, facts) VALUES`, 15, ``}
	insertKeys     = insertion{`INSERT INTO keys (key, interaction) VALUES`, 2, ``}
	insertTimeline = insertion{`INSERT INTO timeline (contact, occurred_at, interaction) VALUES`, 3, `ON CONFLICT DO NOTHING`}
	insertEvidence = insertion{`INSERT INTO evidence (stream, ref, interaction, seen_at) VALUES`, 4, `ON CONFLICT DO UPDATE
		SET interaction = excluded.interaction, seen_at = excluded.seen_at, gone = 0
		WHERE interaction <> excluded.interaction OR gone <> 0`}
	insertMessageIDs = insertion{`INSERT INTO message_ids (hash, thread) VALUES`, 2, ``}
	insertThreads    = insertion{`INSERT INTO threads (n, merged, root, least, heads) VALUES`, 5, `ON CONFLICT DO UPDATE
		SET merged = excluded.merged, root = excluded.root, least = excluded.least, heads = excluded.heads`}
)

// write writes what a batch changed.
func (c *capture) write(ctx context.Context) error {
	if err := c.writeThreads(ctx); err != nil {
		return err
	}
	if err := c.deliver(ctx); err != nil {
		return err
	}
	var encoder factsEncoder
	rows := make([]any, 0, insertionSizes[0]*insertInteractions.columns)
	for _, e := range c.entries {
		if !e.fresh && !e.changed {
			continue
		}
		if !e.fresh {
			if err := c.tx.update(ctx, e); err != nil {
				return err
			}
			continue
		}
		facts, err := encoder.encode(&e.Interaction, e.messageIDs)
		if err != nil {
			return err
		}
		if rows = e.appendRow(rows, facts); len(rows) == cap(rows) {
			if err := c.tx.insert(ctx, insertInteractions, rows); err != nil {
				return err
			}
			rows = rows[:0]
		}
	}
	if err := c.tx.insert(ctx, insertInteractions, rows); err != nil {
		return err
	}
	if err := c.writeKeys(ctx); err != nil {
		return err
	}
	if err := c.writeTimeline(ctx); err != nil {
		return err
	}
	return c.tx.insert(ctx, insertEvidence, c.evidence)
}

// What lies anywhere in a table is written in the table's order: when the table
// is greater than the cache, each of its pages is read once for a batch.

func (c *capture) writeKeys(ctx context.Context) error {
	slices.SortFunc(c.keys, func(a, b keyRow) int { return bytes.Compare(a.key[:], b.key[:]) })
	rows := make([]any, 0, 2*len(c.keys))
	for _, k := range c.keys {
		rows = append(rows, k.key[:], k.interaction)
	}
	return c.tx.insert(ctx, insertKeys, rows)
}

func (c *capture) writeTimeline(ctx context.Context) error {
	slices.SortFunc(c.timeline, func(a, b timelineRow) int {
		return cmp.Or(cmp.Compare(a.contact, b.contact), cmp.Compare(a.occurredAt, b.occurredAt))
	})
	rows := make([]any, 0, 3*len(c.timeline))
	for _, l := range c.timeline {
		rows = append(rows, l.contact, l.occurredAt, l.interaction)
	}
	return c.tx.insert(ctx, insertTimeline, rows)
}

// appendRow appends the entry as a row of insertInteractions.
func (e *entry) appendRow(rows []any, facts string) []any {
	at := momentOf(e.OccurredAt)
	var messageID any
	if e.MessageID != nil {
		messageID = *e.MessageID
	}
	return append(rows, numberOf(e.ID), tailOf(e.ID), e.keys, fingerprint(e), string(e.Kind), string(e.Status), string(e.Direction),
		e.Owner, e.Template, at[0], at[1], e.thread.Label, messageID, e.Subject, facts)
}

// update writes what may change of an interaction after it was recorded.
func (tx tx) update(ctx context.Context, e *entry) error {
	facts, err := new(factsEncoder).encode(&e.Interaction, e.messageIDs)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE interactions SET keys = ?, fingerprint = ?, direction = ?, owner = ?, template = ?, facts = ? WHERE n = ?`,
		e.keys, fingerprint(e), string(e.Direction), e.Owner, e.Template, facts, numberOf(e.ID))
	return err
}

func fingerprint(e *entry) any {
	if (e.Fingerprint == kith.Key{}) {
		return nil
	}
	return e.Fingerprint[:]
}

// writeThreads gives every new thread its label, and writes threads and ids.
func (c *capture) writeThreads(ctx context.Context) error {
	var last int64
	if err := c.tx.one(ctx, `SELECT coalesce(max(n), 0) FROM threads`, nil, &last); err != nil {
		return err
	}
	var rows []any
	for _, e := range c.entries {
		if e.thread = c.threads.Find(e.thread); !e.thread.Dirty {
			continue
		}
		t := e.thread
		if t.Label == 0 {
			last++
			t.Label = last
		}
		t.Dirty = false
		rows = append(rows, t.Label, t.Merged, t.Root(), t.Least, t.EncodeHeads())
		if len(t.Losers) > 0 {
			losers := list(t.Losers)
			_, err := c.tx.exec(ctx, `UPDATE threads SET parent = ?1
				WHERE n IN (SELECT value FROM json_each(?2)) OR parent IN (SELECT value FROM json_each(?2))`, t.Label, losers)
			if err != nil {
				return err
			}
		}
	}
	if err := c.tx.insert(ctx, insertThreads, rows); err != nil {
		return err
	}
	slices.Sort(c.threads.Fresh)
	ids := make([]any, 0, 2*len(c.threads.Fresh))
	for _, h := range c.threads.Fresh {
		ids = append(ids, h, c.threads.Find(c.threads.Nodes[h]).Label)
	}
	return c.tx.insert(ctx, insertMessageIDs, ids)
}
