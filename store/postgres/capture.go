package postgres

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"kith"
	"kith/store"
	"kith/store/internal/capture"
)

// batch is a batch of captured interactions and where it is written.
type batch struct {
	*capture.Batch
	tx       tx
	stream   stream
	at       time.Time
	captured []kith.Captured
	last     kith.ID // of the interactions

	byID    map[kith.ID]*capture.Entry // those on file
	keys    map[kith.Key]kith.ID
	copies  map[kith.Key][]kith.ID // fingerprint: who have it
	prints  map[kith.Key]int       // fingerprint: the number of its last row in keys
	places  map[string]place       // ref: what is on file of it
	digests map[string]int64       // ref: of what is captured
	labels  []int64                // for new threads
	same    int                    // captured as they are on file, and left out of the batch

	// The versions of rows that were read (their xmin).
	versions       map[kith.ID]uint32
	threadVersions map[int64]uint32
}

// place is a row of evidence.
type place struct {
	interaction kith.ID
	gone        bool
	same        bool // it shows what is captured now
}

// readBatch locks the stream, leaves out what is on file as it was captured, and
// reads whatever can be asked for of the rest without knowing the answers to
// something else: each is one round trip.
func (tx tx) readBatch(ctx context.Context, rec kith.Recording, alone bool) (*batch, error) {
	for {
		b := &batch{tx: tx, at: rec.At,
			byID: make(map[kith.ID]*capture.Entry), keys: make(map[kith.Key]kith.ID, len(rec.Captured)),
			copies: make(map[kith.Key][]kith.ID), prints: make(map[kith.Key]int),
			places: make(map[string]place), digests: make(map[string]int64, len(rec.Captured)),
			versions: make(map[kith.ID]uint32), threadVersions: make(map[int64]uint32),
		}
		var queries pgx.Batch
		queueFence(&queries, rec.Account, rec.Stream, &b.stream)
		queueLock(&queries, lockLinks, alone)
		if len(rec.Captured) > 0 {
			b.queuePlaces(&queries, rec)
		}
		if err := tx.SendBatch(ctx, &queries).Close(); err != nil {
			return nil, err
		}
		if b.stream.n != 0 {
			return b, b.read(ctx, rec.Captured)
		}
		// Nobody has made the stream, or has not committed it so far.
		_, err := tx.Exec(ctx, `INSERT INTO streams (account, name) VALUES ($1, $2) ON CONFLICT DO NOTHING`, rec.Account, rec.Stream)
		if err != nil {
			return nil, err
		}
	}
}

// queuePlaces asks what is on file of the places of what is captured.
func (b *batch) queuePlaces(queries *pgx.Batch, rec kith.Recording) {
	refs, digests := make([]string, len(rec.Captured)), make([]int64, len(rec.Captured))
	for i, c := range rec.Captured {
		refs[i], digests[i] = c.Ref, capture.Digest(c.Interaction)
		b.digests[c.Ref] = digests[i]
	}
	queueEach(queries, `SELECT u.n, e.interaction, e.gone, e.digest IS NOT DISTINCT FROM u.digest
		FROM unnest($3::text[], $4::bigint[]) WITH ORDINALITY u (ref, digest, n), LATERAL (
			SELECT interaction, gone, digest FROM evidence
			WHERE stream = (SELECT n FROM streams WHERE account = $1 AND name = $2) AND ref = u.ref LIMIT 1) e`,
		[]any{rec.Account, rec.Stream, refs, digests},
		func(scan func(...any) error) error {
			var n int
			var p place
			err := scan(&n, (*[16]byte)(&p.interaction), &p.gone, &p.same)
			b.places[refs[n-1]] = p
			return err
		})
}

// read begins the batch with what has something to tell, and reads what is on file of it.
func (b *batch) read(ctx context.Context, captured []kith.Captured) error {
	b.captured = slices.DeleteFunc(slices.Clone(captured), func(c kith.Captured) bool {
		p := b.places[c.Ref]
		return p.same && !p.gone
	})
	b.same = len(captured) - len(b.captured)
	b.Batch = capture.New(b.captured, b.newID)
	if len(b.captured) == 0 {
		return nil
	}
	var queries pgx.Batch
	b.queueReads(&queries)
	return b.tx.SendBatch(ctx, &queries).Close()
}

func (b *batch) newID() kith.ID {
	b.last = store.NextID(b.at, b.last)
	return b.last
}

func (b *batch) queueReads(queries *pgx.Batch) {
	keys, prints := make(uuids, 0, len(b.captured)), uuids{}
	var contacts uuids
	for i := range b.captured {
		c := &b.captured[i]
		keys = append(keys, kith.ID(c.Key))
		if (c.Fingerprint != kith.Key{}) {
			prints = append(prints, kith.ID(c.Fingerprint))
		}
		for _, l := range c.Links {
			contacts = append(contacts, l.ContactID)
		}
	}

	queueEach(queries, `SELECT key, interaction, n FROM keys WHERE key = ANY ($1::uuid[]) ORDER BY interaction`, []any{slices.Concat(keys, prints)},
		func(scan func(...any) error) error {
			var key kith.Key
			var interaction kith.ID
			var n int
			err := scan((*[16]byte)(&key), (*[16]byte)(&interaction), &n)
			if n == 0 {
				b.keys[key] = interaction
			} else {
				b.copies[key] = append(b.copies[key], interaction)
				b.prints[key] = max(b.prints[key], n)
			}
			return err
		})
	b.Erased = make(map[kith.Key]bool)
	queueEach(queries, `SELECT key FROM tombstones WHERE key = ANY ($1::uuid[])`, []any{keys},
		func(scan func(...any) error) error {
			var key kith.Key
			err := scan((*[16]byte)(&key))
			b.Erased[key] = true
			return err
		})
	if len(prints) > 0 {
		b.ErasedCopies = make(map[kith.Key][]time.Time)
		queueEach(queries, `SELECT fingerprint, occurred_at FROM fingerprint_tombstones WHERE fingerprint = ANY ($1::uuid[])`, []any{prints},
			func(scan func(...any) error) error {
				var fingerprint kith.Key
				var at time.Time
				err := scan((*[16]byte)(&fingerprint), &at)
				b.ErasedCopies[fingerprint] = append(b.ErasedCopies[fingerprint], at)
				return err
			})
	}
	queueEach(queries, `SELECT m.hash, t.xmin, `+threadColumns+` FROM message_ids m
		JOIN threads o ON o.n = m.thread JOIN threads t ON t.n = coalesce(o.parent, o.n) WHERE m.hash = ANY ($1::bigint[])`, []any{b.Hashes()},
		func(scan func(...any) error) error {
			var hash int64
			var version uint32
			var t thread
			err := scan(append([]any{&hash, &version}, t.columns()...)...)
			b.Threads.Nodes[hash] = b.load(&t, version)
			return err
		})
	if len(contacts) > 0 {
		b.Contacts = make(map[kith.ID]bool)
		queueEach(queries, `SELECT id FROM contacts WHERE id = ANY ($1::uuid[])`, []any{contacts},
			func(scan func(...any) error) error {
				var id kith.ID
				err := scan((*[16]byte)(&id))
				b.Contacts[id] = true
				return err
			})
	}
	queueEach(queries, `SELECT id FROM interactions ORDER BY id DESC LIMIT 1`, nil,
		func(scan func(...any) error) error { return scan((*[16]byte)(&b.last)) })
}

// load takes in a thread that is on file.
func (b *batch) load(t *thread, version uint32) *store.Thread {
	if _, known := b.threadVersions[t.label]; !known {
		b.threadVersions[t.label] = version
	}
	return b.Threads.Load(t.label, t.merged, t.root, t.least, t.heads)
}

// How many labels one value of thread_labels stands for.
const labelBlock = 1024

// readEntries reads the interactions that were found.
func (b *batch) readEntries(ctx context.Context) error {
	var ids, copies uuids
	unknown := 0
	for i := range b.captured {
		c := &b.captured[i]
		if id, known := b.keys[c.Key]; known {
			ids = append(ids, id)
		} else {
			unknown++
			copies = append(copies, b.copies[c.Fingerprint]...)
		}
	}
	var queries pgx.Batch
	if ids = append(ids, copies...); len(ids) > 0 {
		queueEach(&queries, `SELECT `+rowColumns+`, i.xmin, t.xmin FROM interactions i`+rowThread+` WHERE i.id = ANY ($1::uuid[]) ORDER BY i.id`,
			[]any{ids}, b.readEntry)
	}
	if len(copies) > 0 {
		// "+ 0": not by the index of places, in which the stream has all its rows.
		queueEach(&queries, `SELECT interaction, ref FROM evidence WHERE interaction = ANY ($1::uuid[]) AND stream + 0 = $2 AND NOT gone`,
			[]any{copies, b.stream.n},
			func(scan func(...any) error) error {
				var id kith.ID
				var ref string
				if err := scan((*[16]byte)(&id), &ref); err != nil {
					return err
				}
				e := b.byID[id]
				if e == nil {
					return errRace
				}
				b.Hold(ref, e)
				return nil
			})
	}
	if unknown > 0 {
		queueEach(&queries, `SELECT nextval('thread_labels') FROM generate_series(1, $1::integer)`, []any{(unknown + labelBlock - 1) / labelBlock},
			func(scan func(...any) error) error {
				var first int64
				err := scan(&first)
				for n := range int64(labelBlock) {
					b.labels = append(b.labels, first+n)
				}
				return err
			})
	}
	if queries.Len() == 0 {
		return nil
	}
	if err := b.tx.SendBatch(ctx, &queries).Close(); err != nil {
		return err
	}
	for key, id := range b.keys {
		b.ByKey[key] = b.byID[id]
		if b.byID[id] == nil {
			return errRace
		}
	}
	return nil
}

func (b *batch) readEntry(scan func(...any) error) error {
	var r row
	var version, threadVersion uint32
	if err := r.scan(scan, &version, &threadVersion); err != nil {
		return err
	}
	e, err := r.entry()
	if err != nil {
		return err
	}
	e.Thread = b.load(&r.thread, threadVersion)
	b.byID[e.ID], b.versions[e.ID] = e, version
	b.Load(e)
	return nil
}

// claim locks the rows that will be changed, and makes sure that they are what was read.
func (b *batch) claim(ctx context.Context) error {
	var labels []int64
	var ids uuids
	for _, e := range b.Entries {
		if t := e.Thread; t.Dirty {
			if t.Label != 0 {
				labels = append(labels, t.Label)
			}
			labels = append(labels, t.Losers...)
		}
		if e.Changed && !e.Fresh {
			ids = append(ids, e.ID)
		}
	}
	if len(labels) == 0 && len(ids) == 0 {
		return nil
	}
	var queries pgx.Batch
	locked := 0
	if len(labels) > 0 {
		slices.Sort(labels)
		labels = slices.Compact(labels)
		queueEach(&queries, `SELECT n, xmin FROM threads WHERE n = ANY ($1::bigint[]) ORDER BY n FOR UPDATE`, []any{labels},
			func(scan func(...any) error) error {
				var label int64
				var version uint32
				if err := scan(&label, &version); err != nil {
					return err
				}
				if locked++; version != b.threadVersions[label] {
					return errRace
				}
				return nil
			})
	}
	if len(ids) > 0 {
		queueEach(&queries, `SELECT id, xmin FROM interactions WHERE id = ANY ($1::uuid[]) ORDER BY id FOR UPDATE`, []any{ids},
			func(scan func(...any) error) error {
				var id kith.ID
				var version uint32
				if err := scan((*[16]byte)(&id), &version); err != nil {
					return err
				}
				if locked++; version != b.versions[id] {
					return errRace
				}
				return nil
			})
	}
	if err := b.tx.SendBatch(ctx, &queries).Close(); err != nil {
		return err
	}
	if locked != len(labels)+len(ids) {
		return errRace
	}
	return nil
}

// queueLock takes a lock, for itself or to share it.
func queueLock(queries *pgx.Batch, lock advisoryLock, alone bool) {
	if alone {
		queries.Queue(`SELECT pg_advisory_xact_lock($1)`, int64(lock))
	} else {
		queries.Queue(`SELECT pg_advisory_xact_lock_shared($1)`, int64(lock))
	}
}
