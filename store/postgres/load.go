package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"strings"

	"github.com/jackc/pgx/v5"

	"kith"
	"kith/store"
	"kith/store/internal/capture"
	"kith/store/internal/facts"
	"kith/store/internal/ordered"
)

// loadTables are the tables that a load fills.
var loadTables = []string{
	"accounts", "contacts", "distinct_contacts", "definitions", "identities", "streams", "threads", "interactions", "tombstones", "fingerprint_tombstones", "bounces",
	"sought", "forgotten", "correspondents", "suggestions",
}

// Load implements [store.Dumper]. It keeps all ids.
func (s *Store) Load(ctx context.Context, rows iter.Seq2[store.Row, error]) (renamed int, err error) {
	const what = "load the register"
	if s.readOnly {
		return 0, fmt.Errorf("%s: %s was opened to be read only", what, s.primary.name)
	}
	// Once: the rows can't be had again.
	err = s.primary.transact(ctx, modeLoad, func(tx tx) error {
		if err := tx.empty(ctx); err != nil {
			return err
		}
		l := &loader{tx: tx, streams: make(map[streamName]int64), merged: make(map[kith.ID]kith.ID)}
		for row, err := range ordered.Rows(rows) {
			if err == nil {
				err = l.add(ctx, row)
			}
			if err != nil {
				return err
			}
		}
		if err := l.flush(ctx); err != nil {
			return err
		}
		return l.end(ctx)
	})
	return 0, s.primary.fail(ctx, what, err)
}

// empty keeps others from writing, and checks that there is nothing to be mixed up with.
func (tx tx) empty(ctx context.Context) error {
	if _, err := tx.Exec(ctx, `LOCK TABLE `+strings.Join(loadTables, ", ")+` IN SHARE ROW EXCLUSIVE MODE`); err != nil {
		return err
	}
	var found []string
	for _, table := range loadTables {
		var some bool
		if err := tx.one(ctx, `SELECT EXISTS (SELECT 1 FROM `+table+`)`, nil, &some); err != nil {
			return err
		}
		if some {
			found = append(found, strings.ReplaceAll(table, "_", " "))
		}
	}
	if len(found) > 0 {
		return fmt.Errorf("%w: it is not empty, there are %s: name a new database", kith.ErrConflict, strings.Join(found, ", "))
	}
	return nil
}

// streamName names a stream.
type streamName struct{ account, name string }

// loader is a load under way.
type loader struct {
	tx      tx
	streams map[streamName]int64
	merged  map[kith.ID]kith.ID // into whom
	kind    store.RowKind
	label   int64 // of the last thread

	// Not written yet: rows of the kind, and what belongs to them.
	rows    []store.Row
	pending map[string][][]any // by table
}

// How many rows are written at a time.
const loadPage = 2000

func (l *loader) add(ctx context.Context, row store.Row) error {
	if row.Kind() != l.kind || len(l.rows) == loadPage {
		if err := l.flush(ctx); err != nil {
			return err
		}
		l.kind = row.Kind()
	}
	l.rows = append(l.rows, row)
	return nil
}

// flush writes what was taken in.
func (l *loader) flush(ctx context.Context) error {
	if len(l.rows) == 0 {
		return nil
	}
	l.pending = make(map[string][][]any)
	var err error
	switch l.kind {
	case store.RowContact:
		err = l.contacts(ctx)
	case store.RowMember:
		err = l.members(ctx)
	case store.RowInteraction:
		err = l.interactions(ctx)
	default:
		for _, row := range l.rows {
			if err = l.simple(ctx, row); err != nil {
				return err
			}
		}
	}
	if err != nil {
		return err
	}
	if err := l.write(ctx); err != nil {
		return err
	}
	if l.kind == store.RowStream {
		err = l.readStreams(ctx)
	}
	l.rows = l.rows[:0]
	return err
}

// loadColumns are the columns in which the rows of a table are loaded.
var loadColumns = []struct {
	table   string
	columns []string
}{
	{"addresses", []string{"address", "contact"}},
	{"distinct_contacts", []string{"a", "b", "since"}},
	{"accounts", []string{"name", "origin", "kind", "owner", "schedule", "settings", "state", "next_poll", "last_poll", "last_success", "attempts", "error", "error_since"}},
	{"definitions", []string{"name", "text", "key", "box", "disabled", "updated_at"}},
	{"identities", []string{"address", "owner", "state", "sent", "plus", "delivered", "last_seen", "decided_at"}},
	{"streams", []string{"account", "name", "cursor", "recorded", "skipped", "backfilled", "last_success", "error", "looked_back"}},
	{"quarantine", []string{"stream", "ref", "cause", "since", "attempts", "next_try"}},
	{"cards", []string{"stream", "ref", "uid", "contact", "facts", "gone_at"}},
	{"card_groups", []string{"stream", "ref", "uid", "name", "org"}},
	{"card_members", []string{"stream", "ref", "uid", "member"}},
	{"threads", []string{"n", "root", "least", "heads"}},
	{"message_ids", []string{"hash", "thread"}},
	{"interactions", interactionColumns},
	{"keys", []string{"key", "interaction", "n"}},
	{"evidence", []string{"stream", "seen_at", "interaction", "gone", "ref"}},
	{"timeline", []string{"contact", "occurred_at", "interaction"}},
	{"tombstones", []string{"key", "erased_at"}},
	{"fingerprint_tombstones", []string{"fingerprint", "occurred_at", "erased_at"}},
	{"bounces", []string{"hash", "status"}},
	{"sought", []string{"n", "address"}},
	{"forgotten", []string{"digest", "why", "at"}},
	{"correspondents", []string{"digest", "ways"}},
	{"suggestions", []string{"address", "stream", "name", "inbound", "outbound", "first_seen", "last_seen"}},
}

func (l *loader) write(ctx context.Context) error {
	for _, t := range loadColumns {
		rows := l.pending[t.table]
		if len(rows) == 0 {
			continue
		}
		if _, err := l.tx.CopyFrom(ctx, pgx.Identifier{t.table}, t.columns, pgx.CopyFromRows(rows)); err != nil {
			return err
		}
	}
	return nil
}

func (l *loader) put(table string, values ...any) {
	l.pending[table] = append(l.pending[table], values)
}

// simple takes in a row that is little more than a row of a table.
func (l *loader) simple(ctx context.Context, row store.Row) error {
	switch r := row.(type) {
	case *store.VersionsRow:
		// Not what it was for those who have seen the empty register.
		_, err := l.tx.Exec(ctx, `UPDATE meta SET value = CASE name WHEN 'sought' THEN $1::bigint WHEN 'contacts_version' THEN value + $2::bigint ELSE value + $3::bigint END
			WHERE name IN ('sought', 'contacts_version', 'definitions_version')`, r.Sought, r.Contacts, r.Definitions)
		return err
	case *store.MergedRow:
		l.merged[r.Contact] = r.Into
	case *store.DistinctRow:
		l.put("distinct_contacts", [16]byte(r.A), [16]byte(r.B), r.Since)
	case *store.AccountRow:
		l.put("accounts", r.Name, string(r.Origin), r.Account.Kind, r.Owner, r.Schedule, r.Settings, string(r.State),
			due(r.NextPoll), timestamp(r.LastPoll), timestamp(r.LastSuccess), r.Attempts, r.Error, timestamp(r.ErrorSince))
	case *store.DefinitionRow:
		l.put("definitions", r.Name, r.Text, r.Secret.Key, r.Secret.Box, r.Disabled, r.UpdatedAt)
	case *store.IdentityRow:
		l.put("identities", r.Address, r.Owner, string(r.State), r.Seen.Sent, r.Seen.Plus, r.Seen.Delivered, timestamp(r.LastSeen), timestamp(r.Decided))
	case *store.StreamRow:
		skipped, err := json.Marshal(r.Skipped)
		if err != nil {
			return err
		}
		l.put("streams", r.Account, r.Name, []byte(r.Cursor), r.Recorded, skipped, r.Backfilled, timestamp(r.LastSuccess), r.Error, r.LookedBack)
	case *store.QuarantinedRow:
		n, err := l.stream(r.Account, r.Stream)
		if err != nil {
			return err
		}
		l.put("quarantine", n, r.Ref, r.Cause, r.Since, r.Attempts, r.NextTry)
	case *store.CardRow:
		n, err := l.stream(r.Account, r.Stream)
		if err != nil {
			return err
		}
		l.put("cards", n, r.Ref, r.UID, [16]byte(r.Contact), r.Facts, timestamp(r.GoneAt))
	case *store.CardGroupRow:
		n, err := l.stream(r.Account, r.Stream)
		if err != nil {
			return err
		}
		l.put("card_groups", n, r.Ref, r.UID, r.Name, r.Org)
		for _, m := range r.Members {
			l.put("card_members", n, r.Ref, r.UID, m)
		}
	case *store.ThreadRow:
		l.label++
		t := store.Thread{Least: r.Least, Heads: r.Heads}
		l.put("threads", l.label, t.Root(), t.Least, t.EncodeHeads())
		l.put("message_ids", t.Root(), l.label)
	case *store.TombstoneRow:
		l.put("tombstones", [16]byte(r.Key), r.ErasedAt)
	case *store.ErasedCopyRow:
		l.put("fingerprint_tombstones", [16]byte(r.Fingerprint), r.OccurredAt, r.ErasedAt)
	case *store.BounceRow:
		l.put("bounces", r.Hash, r.Status)
	case *store.SoughtRow:
		l.put("sought", r.N, r.Address)
	case *store.SaltRow:
		_, err := l.tx.Exec(ctx, `UPDATE salt SET value = $1`, r.Salt)
		return err
	case *store.ForgottenRow:
		l.put("forgotten", r.Digest, string(r.Why), r.At)
	case *store.WaysRow:
		l.put("correspondents", r.Digest, int(r.Ways))
	case *store.SuggestionRow:
		n, err := l.stream(r.Account, r.Stream)
		if err != nil {
			return err
		}
		l.put("suggestions", r.Address, n, r.Name, r.Inbound, r.Outbound, r.FirstSeen, r.LastSeen)
	default:
		return fmt.Errorf("a row of an unknown kind %s", row.Kind())
	}
	return nil
}

func (l *loader) contacts(ctx context.Context) error {
	contacts := make([]*kith.Contact, len(l.rows))
	for i, row := range l.rows {
		c := &row.(*store.ContactRow).Contact
		contacts[i] = c
		for _, a := range store.Addresses(c) {
			l.put("addresses", a, [16]byte(c.ID))
		}
	}
	return l.tx.insertContacts(ctx, contacts)
}

// readStreams learns the numbers that the streams have got.
func (l *loader) readStreams(ctx context.Context) error {
	return l.tx.each(ctx, `SELECT account, name, n FROM streams`, nil, func(scan func(...any) error) error {
		var s streamName
		var n int64
		err := scan(&s.account, &s.name, &n)
		l.streams[s] = n
		return err
	})
}

func (l *loader) stream(account, name string) (int64, error) {
	n, ok := l.streams[streamName{account, name}]
	if !ok {
		return 0, fmt.Errorf("stream %s/%s is not there", account, name)
	}
	return n, nil
}

// labels finds the rows of threads by their roots.
func (l *loader) labels(ctx context.Context, roots []int64) (map[int64]int64, error) {
	found := make(map[int64]int64, len(roots))
	err := l.tx.each(ctx, `SELECT hash, thread FROM message_ids WHERE hash = ANY ($1::bigint[])`, []any{roots},
		func(scan func(...any) error) error {
			var root, label int64
			err := scan(&root, &label)
			found[root] = label
			return err
		})
	return found, err
}

func (l *loader) members(ctx context.Context) error {
	roots := make([]int64, len(l.rows))
	for i, row := range l.rows {
		roots[i] = row.(*store.MemberRow).Root
	}
	labels, err := l.labels(ctx, roots)
	if err != nil {
		return err
	}
	for _, row := range l.rows {
		m := row.(*store.MemberRow)
		label, ok := labels[m.Root]
		if !ok {
			return fmt.Errorf("thread %s is not there", store.ThreadID(m.Root))
		}
		l.put("message_ids", m.Hash, label)
	}
	return nil
}

func (l *loader) interactions(ctx context.Context) error {
	roots := make([]int64, len(l.rows))
	for i, row := range l.rows {
		r := row.(*store.InteractionRow)
		var ok bool
		if roots[i], ok = store.ParseThreadID(r.Thread); !ok {
			return fmt.Errorf("interaction %s: %q is no thread", r.ID, r.Thread)
		}
	}
	labels, err := l.labels(ctx, roots)
	if err != nil {
		return err
	}
	encoder := newEncoder()
	for i, row := range l.rows {
		r := row.(*store.InteractionRow)
		label, ok := labels[roots[i]]
		if !ok {
			return fmt.Errorf("interaction %s: thread %s is not there", r.ID, r.Thread)
		}
		if err := l.interaction(r, label, encoder); err != nil {
			return fmt.Errorf("interaction %s: %w", r.ID, err)
		}
	}
	return nil
}

func (l *loader) interaction(r *store.InteractionRow, label int64, encoder *facts.Encoder[kith.ID]) error {
	e := capture.Entry{Interaction: r.Interaction, MessageIDs: r.MessageIDs, Thread: &store.Thread{Label: label}}
	id := [16]byte(r.ID)
	for _, key := range append([]kith.Key{r.Key}, r.Keys...) {
		e.Keys = append(e.Keys, key[:]...)
		l.put("keys", [16]byte(key), id, 0)
	}
	for _, link := range r.Links {
		l.put("timeline", [16]byte(link.ContactID), r.OccurredAt, id)
	}
	for _, seen := range r.Evidence {
		n, err := l.stream(seen.Account, seen.Stream)
		if err != nil {
			return err
		}
		l.put("evidence", n, seen.SeenAt, id, seen.Gone, seen.Ref)
	}
	values, err := interactionValues(&e, encoder)
	l.put("interactions", values...)
	return err
}

// end does what takes all rows.
func (l *loader) end(ctx context.Context) error {
	if _, err := l.tx.Exec(ctx, `INSERT INTO keys (key, interaction, n)
		SELECT fingerprint, id, row_number() OVER (PARTITION BY fingerprint ORDER BY id) FROM interactions WHERE fingerprint IS NOT NULL`); err != nil {
		return err
	}
	// The first label of the next block.
	if _, err := l.tx.Exec(ctx, `SELECT setval('thread_labels', $1::bigint, false)`, (l.label+labelBlock-1)/labelBlock*labelBlock+1); err != nil {
		return err
	}
	if err := l.tx.writeMerged(ctx, l.merged); err != nil {
		return err
	}
	var n int
	err := l.tx.one(ctx, `SELECT count(*) FROM timeline t WHERE NOT EXISTS (SELECT 1 FROM contacts c WHERE c.id = t.contact)`, nil, &n)
	if err == nil && n > 0 {
		err = fmt.Errorf("%d links name contacts that are not there", n)
	}
	if err != nil {
		return err
	}
	err = l.tx.one(ctx, `SELECT count(*) FROM distinct_contacts d
		WHERE NOT EXISTS (SELECT 1 FROM contacts c WHERE c.id = d.a) OR NOT EXISTS (SELECT 1 FROM contacts c WHERE c.id = d.b)`, nil, &n)
	if err == nil && n > 0 {
		err = fmt.Errorf("%d pairs of contacts that are not one name contacts that are not there", n)
	}
	if err != nil {
		return err
	}
	// Else the planner takes all of it to be empty for a while.
	_, err = l.tx.Exec(ctx, `ANALYZE `+strings.Join(append([]string{"addresses", "keys", "evidence", "timeline", "message_ids", "cards", "card_groups", "card_members"}, loadTables...), ", "))
	return err
}
