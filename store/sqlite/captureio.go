package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"kith"
	"kith/store/internal/capture"
	"kith/store/internal/facts"
)

// read reads what is on file of everything that a batch touches.
func (b *batch) read(ctx context.Context) error {
	byKey, err := b.readKeys(ctx)
	if err != nil {
		return err
	}
	copies, err := b.readFingerprints(ctx, byKey)
	if err != nil {
		return err
	}
	numbers := slices.Clone(copies)
	for _, n := range byKey {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	if err := b.readEntries(ctx, slices.Compact(numbers)); err != nil {
		return err
	}
	for key, n := range byKey {
		b.ByKey[key] = b.byNumber[n]
	}
	if err := b.readEvidence(ctx, copies); err != nil {
		return err
	}
	if err := b.readContacts(ctx); err != nil {
		return err
	}
	if err := b.readThreads(ctx); err != nil {
		return err
	}
	return b.tx.one(ctx, `SELECT coalesce(max(n), 0) FROM interactions`, nil, &b.last)
}

// readKeys finds the numbers of the interactions with the batch's keys, and
// which of the keys were erased.
func (b *batch) readKeys(ctx context.Context) (map[kith.Key]int64, error) {
	keys := make([]any, len(b.captured))
	for i := range b.captured {
		keys[i] = b.captured[i].Key[:]
	}
	slices.SortFunc(keys, func(a, b any) int { return bytes.Compare(a.([]byte), b.([]byte)) })
	found := make(map[kith.Key]int64)
	err := b.tx.eachIn(ctx, `SELECT key, interaction FROM keys WHERE key IN (%s)`, nil, keys,
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
	if err := b.tx.one(ctx, `SELECT EXISTS (SELECT 1 FROM tombstones)`, nil, &some); err != nil || !some {
		return found, err
	}
	b.Erased = make(map[kith.Key]bool)
	return found, b.tx.eachIn(ctx, `SELECT key FROM tombstones WHERE key IN (%s)`, nil, keys,
		func(scan func(...any) error) error {
			var key []byte
			err := scan(&key)
			b.Erased[kith.Key(key)] = true
			return err
		})
}

// readFingerprints finds the interactions with the fingerprints of those that
// have no key on file.
func (b *batch) readFingerprints(ctx context.Context, byKey map[kith.Key]int64) (numbers []int64, err error) {
	var fingerprints []any
	for i := range b.captured {
		f := &b.captured[i].Fingerprint
		if _, known := byKey[b.captured[i].Key]; !known && *f != (kith.Key{}) {
			fingerprints = append(fingerprints, f[:])
		}
	}
	if len(fingerprints) == 0 {
		return nil, nil
	}
	err = b.tx.eachIn(ctx, `SELECT n FROM interactions WHERE fingerprint IN (%s)`, nil, fingerprints,
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
	if err := b.tx.one(ctx, `SELECT EXISTS (SELECT 1 FROM fingerprint_tombstones)`, nil, &some); err != nil || !some {
		return numbers, err
	}
	b.ErasedCopies = make(map[kith.Key][]time.Time)
	return numbers, b.tx.eachIn(ctx, `SELECT fingerprint, occurred_at FROM fingerprint_tombstones WHERE fingerprint IN (%s)`, nil, fingerprints,
		func(scan func(...any) error) error {
			var f []byte
			var at int64
			err := scan(&f, &at)
			b.ErasedCopies[kith.Key(f)] = append(b.ErasedCopies[kith.Key(f)], time.UnixMicro(at))
			return err
		})
}

func (b *batch) readEntries(ctx context.Context, numbers []int64) error {
	if len(numbers) == 0 {
		return nil
	}
	return b.tx.each(ctx, `SELECT `+rowColumns+` FROM json_each(?) j JOIN interactions i ON i.n = j.value`+rowThread, []any{list(numbers)},
		func(scan func(...any) error) error {
			e, r, err := scanEntry(scan)
			if err != nil {
				return err
			}
			e.Thread = b.Threads.Load(r.label, r.merged, r.root, r.least, r.heads)
			b.byNumber[r.n] = e
			b.Load(e)
			return nil
		})
}

func scanEntry(scan func(...any) error) (*capture.Entry, *row, error) {
	var r row
	if err := r.scan(scan); err != nil {
		return nil, nil, err
	}
	i, messageIDs, err := r.interaction()
	return &capture.Entry{Interaction: i, Keys: r.keys, MessageIDs: messageIDs}, &r, err
}

// readEvidence reads which places in this stream still show the interactions
// that were found by fingerprint.
func (b *batch) readEvidence(ctx context.Context, copies []int64) error {
	if len(copies) == 0 {
		return nil
	}
	slices.Sort(copies)
	// By interaction, which has few places; a stream may have a million.
	return b.tx.each(ctx, `SELECT e.interaction, e.ref FROM json_each(?) j JOIN evidence e INDEXED BY evidence_interaction ON e.interaction = j.value
		WHERE e.stream = ? AND e.gone = 0`, []any{list(slices.Compact(copies)), b.stream},
		func(scan func(...any) error) error {
			var n int64
			var ref string
			if err := scan(&n, &ref); err != nil {
				return err
			}
			b.Hold(ref, b.byNumber[n])
			return nil
		})
}

// readContacts reads the ids of the contacts that links name, and completes the links on file.
func (b *batch) readContacts(ctx context.Context) error {
	wanted := make(map[int64]bool)
	for i := range b.captured {
		for _, l := range b.captured[i].Links {
			wanted[numberOf(l.ContactID)] = true
		}
	}
	for _, e := range b.Entries {
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
	b.Contacts = make(map[kith.ID]bool, len(numbers))
	ids := make(map[int64]kith.ID, len(numbers))
	err := b.tx.each(ctx, `SELECT c.n, c.tail FROM json_each(?) j JOIN contacts c ON c.n = j.value`, []any{list(numbers)},
		func(scan func(...any) error) error {
			var n, tail int64
			err := scan(&n, &tail)
			ids[n] = idOf(n, tail)
			b.Contacts[ids[n]] = true
			return err
		})
	if err != nil {
		return err
	}
	for _, e := range b.Entries {
		for at := range e.Links {
			e.Links[at].ContactID = ids[numberOf(e.Links[at].ContactID)]
		}
	}
	return nil
}

func (b *batch) readThreads(ctx context.Context) error {
	return b.tx.each(ctx, `SELECT m.hash, t.n, t.merged, t.root, t.least, t.heads FROM json_each(?) j
		JOIN message_ids m ON m.hash = j.value
		JOIN threads t ON t.n = (SELECT coalesce(parent, n) FROM threads WHERE n = m.thread)`, []any{list(b.Hashes())},
		func(scan func(...any) error) error {
			var hash, label, root, least int64
			var merged int
			var heads []byte
			if err := scan(&hash, &label, &merged, &root, &least, &heads); err != nil {
				return err
			}
			b.Threads.Nodes[hash] = b.Threads.Load(label, merged, root, least, heads)
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
func (b *batch) write(ctx context.Context) error {
	if err := b.writeThreads(ctx); err != nil {
		return err
	}
	if err := b.deliver(ctx); err != nil {
		return err
	}
	encoder := newEncoder()
	rows := make([]any, 0, insertionSizes[0]*insertInteractions.columns)
	for _, e := range b.Entries {
		if !e.Fresh && !e.Changed {
			continue
		}
		if !e.Fresh {
			if err := b.tx.update(ctx, e); err != nil {
				return err
			}
			continue
		}
		facts, err := encoder.Encode(&e.Interaction, e.MessageIDs)
		if err != nil {
			return err
		}
		if rows = appendRow(rows, e, string(facts)); len(rows) == cap(rows) {
			if err := b.tx.insert(ctx, insertInteractions, rows); err != nil {
				return err
			}
			rows = rows[:0]
		}
	}
	if err := b.tx.insert(ctx, insertInteractions, rows); err != nil {
		return err
	}
	if err := b.writeKeys(ctx); err != nil {
		return err
	}
	if err := b.writeTimeline(ctx); err != nil {
		return err
	}
	return b.writeEvidence(ctx)
}

// What lies anywhere in a table is written in the table's order: when the table
// is greater than the cache, each of its pages is read once for a batch.

func (b *batch) writeKeys(ctx context.Context) error {
	slices.SortFunc(b.Keys, func(a, b capture.Key) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	rows := make([]any, 0, 2*len(b.Keys))
	for i := range b.Keys {
		k := &b.Keys[i]
		rows = append(rows, k.Key[:], numberOf(k.Entry.ID))
	}
	return b.tx.insert(ctx, insertKeys, rows)
}

func (b *batch) writeTimeline(ctx context.Context) error {
	slices.SortFunc(b.Links, func(a, b capture.Link) int {
		return cmp.Or(bytes.Compare(a.Contact[:], b.Contact[:]), cmp.Compare(a.At, b.At))
	})
	for _, l := range b.Unlinked {
		if _, err := b.tx.exec(ctx, `DELETE FROM timeline WHERE contact = ? AND occurred_at = ? AND interaction = ?`,
			numberOf(l.Contact), l.At, numberOf(l.Entry.ID)); err != nil {
			return err
		}
	}
	rows := make([]any, 0, 3*len(b.Links))
	for _, l := range b.Links {
		rows = append(rows, numberOf(l.Contact), l.At, numberOf(l.Entry.ID))
	}
	return b.tx.insert(ctx, insertTimeline, rows)
}

func (b *batch) writeEvidence(ctx context.Context) error {
	rows := make([]any, 0, 4*len(b.Seen))
	for _, s := range b.Seen {
		rows = append(rows, b.stream, s.Ref, numberOf(s.Entry.ID), b.at.UnixMicro())
	}
	return b.tx.insert(ctx, insertEvidence, rows)
}

// appendRow appends the entry as a row of insertInteractions.
func appendRow(rows []any, e *capture.Entry, text string) []any {
	at := momentOf(e.OccurredAt)
	var messageID any
	if e.MessageID != nil {
		messageID = *e.MessageID
	}
	return append(rows, numberOf(e.ID), tailOf(e.ID), e.Keys, fingerprint(e), string(e.Kind), string(e.Status), string(e.Direction),
		e.Owner, e.Template, at[0], at[1], e.Thread.Label, messageID, e.Subject, text)
}

// update writes what may change of an interaction after it was recorded.
func (tx tx) update(ctx context.Context, e *capture.Entry) error {
	facts, err := newEncoder().Encode(&e.Interaction, e.MessageIDs)
	if err != nil {
		return err
	}
	at := momentOf(e.OccurredAt)
	_, err = tx.exec(ctx, `UPDATE interactions SET keys = ?, fingerprint = ?, status = ?, direction = ?, owner = ?, template = ?,
		occurred_at = ?, zone = ?, subject = ?, facts = ? WHERE n = ?`,
		e.Keys, fingerprint(e), string(e.Status), string(e.Direction), e.Owner, e.Template, at[0], at[1], e.Subject, string(facts), numberOf(e.ID))
	return err
}

func momentOf(t time.Time) facts.Moment { return facts.MomentOf(t) }

func fingerprint(e *capture.Entry) any {
	if (e.Fingerprint == kith.Key{}) {
		return nil
	}
	return e.Fingerprint[:]
}

// writeThreads gives every new thread its label, and writes threads and ids.
func (b *batch) writeThreads(ctx context.Context) error {
	var last int64
	if err := b.tx.one(ctx, `SELECT coalesce(max(n), 0) FROM threads`, nil, &last); err != nil {
		return err
	}
	var rows []any
	for _, e := range b.Entries {
		t := e.Thread
		if !t.Dirty {
			continue
		}
		if t.Label == 0 {
			last++
			t.Label = last
		}
		t.Dirty = false
		rows = append(rows, t.Label, t.Merged, t.Root(), t.Least, t.EncodeHeads())
		if len(t.Losers) > 0 {
			losers := list(t.Losers)
			_, err := b.tx.exec(ctx, `UPDATE threads SET parent = ?1
				WHERE n IN (SELECT value FROM json_each(?2)) OR parent IN (SELECT value FROM json_each(?2))`, t.Label, losers)
			if err != nil {
				return err
			}
		}
	}
	if err := b.tx.insert(ctx, insertThreads, rows); err != nil {
		return err
	}
	slices.Sort(b.Threads.Fresh)
	ids := make([]any, 0, 2*len(b.Threads.Fresh))
	for _, h := range b.Threads.Fresh {
		ids = append(ids, h, b.Threads.Find(b.Threads.Nodes[h]).Label)
	}
	return b.tx.insert(ctx, insertMessageIDs, ids)
}
