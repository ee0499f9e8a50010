package postgres

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"kith"
	"kith/store/internal/capture"
	"kith/store/internal/facts"
)

// write writes what the batch has changed, or adds the statements that will.
func (b *batch) write(ctx context.Context, statements *pgx.Batch) error {
	b.queueThreads(statements)
	if err := b.copyInteractions(ctx); err != nil {
		return err
	}
	var changed []*capture.Entry
	for _, e := range b.Entries {
		if e.Changed && !e.Fresh {
			changed = append(changed, e)
		}
	}
	if err := queueUpdate(statements, changed); err != nil {
		return err
	}
	b.queueKeys(statements)
	b.queueEvidence(statements)
	b.queueTimeline(statements)
	return nil
}

var interactionColumns = []string{
	"id", "occurred_at", "thread", "zone", "fingerprint", "keys", "kind", "status", "direction",
	"owner", "template", "message_id", "subject", "facts",
}

// copyInteractions writes new interactions: COPY takes two thirds of what an
// INSERT of as many arrays takes.
func (b *batch) copyInteractions(ctx context.Context) error {
	at := slices.IndexFunc(b.Entries, func(e *capture.Entry) bool { return e.Fresh })
	if at < 0 {
		return nil
	}
	fresh := b.Entries[at:] // those on file come first
	encoder := newEncoder()
	_, err := b.tx.CopyFrom(ctx, pgx.Identifier{"interactions"}, interactionColumns,
		pgx.CopyFromSlice(len(fresh), func(n int) ([]any, error) { return interactionValues(fresh[n], encoder) }))
	return err
}

// interactionValues are the values of an entry for interactionColumns.
func interactionValues(e *capture.Entry, encoder *facts.Encoder[kith.ID]) ([]any, error) {
	text, err := encoder.Encode(&e.Interaction, e.MessageIDs)
	_, zone := e.OccurredAt.Zone()
	return []any{
		pgtype.UUID{Bytes: e.ID, Valid: true}, e.OccurredAt, e.Thread.Label, int32(zone),
		pgtype.UUID{Bytes: e.Fingerprint, Valid: e.Fingerprint != kith.Key{}}, e.Keys,
		string(e.Kind), string(e.Status), string(e.Direction), e.Owner, e.Template, e.MessageID, e.Subject, string(text),
	}, err
}

// newEncoder makes the column facts of interactions.
func newEncoder() *facts.Encoder[kith.ID] { return &facts.Encoder[kith.ID]{Contact: itself} }

// queueUpdate writes what may change of interactions after they were recorded.
func queueUpdate(statements *pgx.Batch, changed []*capture.Entry) error {
	if len(changed) == 0 {
		return nil
	}
	var ids, fingerprints uuids
	var keys [][]byte
	var statuses, directions, owners, templates, subjects, texts []string
	var times []pgtype.Timestamptz
	var zones []int32
	encoder := newEncoder()
	for _, e := range changed {
		text, err := encoder.Encode(&e.Interaction, e.MessageIDs)
		if err != nil {
			return err
		}
		ids, fingerprints, keys = append(ids, e.ID), append(fingerprints, kith.ID(e.Fingerprint)), append(keys, e.Keys)
		_, zone := e.OccurredAt.Zone()
		statuses, times, zones = append(statuses, string(e.Status)), append(times, pgtype.Timestamptz{Time: e.OccurredAt, Valid: true}), append(zones, int32(zone))
		directions, owners, templates = append(directions, string(e.Direction)), append(owners, e.Owner), append(templates, e.Template)
		subjects, texts = append(subjects, e.Subject), append(texts, string(text))
	}
	statements.Queue(`UPDATE interactions i SET keys = u.keys, direction = u.direction, owner = u.owner, template = u.template, subject = u.subject, facts = u.facts,
			status = u.status, occurred_at = u.occurred_at, zone = u.zone,
			fingerprint = nullif(u.fingerprint, '00000000-0000-0000-0000-000000000000')
		FROM unnest($1::uuid[], $2::uuid[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[], $8::json[],
				$9::text[], $10::timestamptz[], $11::integer[])
			u (id, fingerprint, keys, direction, owner, template, subject, facts, status, occurred_at, zone)
		WHERE i.id = u.id`, ids, fingerprints, keys, directions, owners, templates, subjects, texts, statuses, times, zones)
	return nil
}

// queueThreads gives every new thread its label, and writes threads and ids.
func (b *batch) queueThreads(statements *pgx.Batch) {
	var n, roots, leasts, losers, winners []int64
	var merged []int32
	var heads [][]byte
	for _, e := range b.Entries {
		t := e.Thread
		if !t.Dirty {
			continue
		}
		t.Dirty = false
		if t.Label == 0 {
			t.Label, b.labels = b.labels[0], b.labels[1:]
		}
		n, roots, leasts = append(n, t.Label), append(roots, t.Root()), append(leasts, t.Least)
		merged, heads = append(merged, int32(t.Merged)), append(heads, t.EncodeHeads())
		for _, l := range t.Losers {
			losers, winners = append(losers, l), append(winners, t.Label)
		}
	}
	if len(losers) > 0 {
		for _, column := range []string{"n", "parent"} {
			statements.Queue(`UPDATE threads SET parent = ($2::bigint[])[array_position($1::bigint[], `+column+`)]
				WHERE `+column+` = ANY ($1)`, losers, winners)
		}
	}
	if len(n) > 0 {
		statements.Queue(`INSERT INTO threads (n, root, least, merged, heads)
			SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::integer[], $5::bytea[])
			ON CONFLICT (n) DO UPDATE SET root = excluded.root, least = excluded.least, merged = excluded.merged, heads = excluded.heads`,
			n, roots, leasts, merged, heads)
	}
	if len(b.Threads.Fresh) > 0 {
		slices.Sort(b.Threads.Fresh)
		labels := make([]int64, len(b.Threads.Fresh))
		for i, h := range b.Threads.Fresh {
			labels[i] = b.Threads.Find(b.Threads.Nodes[h]).Label
		}
		statements.Queue(`INSERT INTO message_ids (hash, thread) SELECT * FROM unnest($1::bigint[], $2::bigint[])`, b.Threads.Fresh, labels)
	}
}

// queueKeys writes keys and fingerprints in their order: so of two programs
// that write the same ones the second waits for the first, and none for the other.
func (b *batch) queueKeys(statements *pgx.Batch) {
	type row struct {
		key, interaction kith.ID
		n                int32
	}
	rows := make([]row, 0, len(b.Keys)+len(b.Fingerprinted))
	for _, k := range b.Keys {
		rows = append(rows, row{kith.ID(k.Key), k.Entry.ID, 0})
	}
	for _, e := range b.Fingerprinted {
		b.prints[e.Fingerprint]++
		rows = append(rows, row{kith.ID(e.Fingerprint), e.ID, int32(b.prints[e.Fingerprint])})
	}
	if len(rows) == 0 {
		return
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(bytes.Compare(a.key[:], b.key[:]), cmp.Compare(a.n, b.n)) })
	keys, interactions, numbers := make(uuids, len(rows)), make(uuids, len(rows)), make([]int32, len(rows))
	for i, r := range rows {
		keys[i], interactions[i], numbers[i] = r.key, r.interaction, r.n
	}
	statements.Queue(`INSERT INTO keys (key, interaction, n) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::integer[])`, keys, interactions, numbers)
}

// queueEvidence writes the places that are new, show something else, or are told of otherwise.
func (b *batch) queueEvidence(statements *pgx.Batch) {
	var fresh, known places
	for _, s := range b.Seen {
		if _, there := b.places[s.Ref]; there {
			known.add(s, b.digests[s.Ref])
		} else {
			fresh.add(s, b.digests[s.Ref])
		}
	}
	const insert = `INSERT INTO evidence (stream, ref, interaction, seen_at, digest)
		SELECT $1, u.ref, u.interaction, $2, u.digest FROM unnest($3::text[], $4::uuid[], $5::bigint[]) u (ref, interaction, digest)`
	if len(fresh.refs) > 0 {
		statements.Queue(insert, b.stream.n, b.at, fresh.refs, fresh.interactions, fresh.digests)
	}
	if len(known.refs) > 0 {
		statements.Queue(insert+` ON CONFLICT (stream, ref) DO UPDATE SET interaction = excluded.interaction, gone = false, digest = excluded.digest,
			seen_at = CASE WHEN evidence.gone OR evidence.interaction <> excluded.interaction THEN excluded.seen_at ELSE evidence.seen_at END`,
			b.stream.n, b.at, known.refs, known.interactions, known.digests)
	}
}

// places are rows of evidence as columns.
type places struct {
	refs         []string
	interactions uuids
	digests      []int64
}

func (p *places) add(s capture.Seen, digest int64) {
	p.refs, p.interactions, p.digests = append(p.refs, s.Ref), append(p.interactions, s.Entry.ID), append(p.digests, digest)
}

// queueForget makes that the next capture of interactions looks at all of what it
// captures: who takes something away from interactions on file calls it.
func queueForget(statements *pgx.Batch, interactions uuids) {
	statements.Queue(`UPDATE evidence SET digest = NULL WHERE interaction = ANY ($1::uuid[])`, interactions)
}

func (b *batch) queueTimeline(statements *pgx.Batch) {
	for _, l := range b.Unlinked {
		statements.Queue(`DELETE FROM timeline WHERE contact = $1 AND occurred_at = $2 AND interaction = $3`,
			[16]byte(l.Contact), l.Time(), [16]byte(l.Entry.ID))
	}
	if len(b.Links) == 0 {
		return
	}
	slices.SortFunc(b.Links, func(a, b capture.Link) int {
		return cmp.Or(bytes.Compare(a.Contact[:], b.Contact[:]), cmp.Compare(a.At, b.At))
	})
	contacts, interactions := make(uuids, len(b.Links)), make(uuids, len(b.Links))
	times := make([]pgtype.Timestamptz, len(b.Links))
	for i, l := range b.Links {
		contacts[i], interactions[i], times[i] = l.Contact, l.Entry.ID, pgtype.Timestamptz{Time: l.Time(), Valid: true}
	}
	statements.Queue(`INSERT INTO timeline (contact, occurred_at, interaction)
		SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[])`, contacts, times, interactions)
}
