package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"

	"kith"
	"kith/store"
	"kith/store/internal/capture"
	"kith/store/internal/ordered"
)

// How the rows of a dump are written that capture does not write, or not so.
var (
	loadDistinct     = insertion{`INSERT INTO distinct_contacts (a, b, since) VALUES`, 3, ``}
	loadAccounts     = insertion{`INSERT INTO accounts (` + accountColumns + `) VALUES`, 15, ``}
	loadDefinitions  = insertion{`INSERT INTO definitions (name, text, key, box, disabled, updated_at) VALUES`, 6, ``}
	loadIdentities   = insertion{`INSERT INTO identities (` + identityColumns + `) VALUES`, 8, ``}
	loadStreams      = insertion{`INSERT INTO streams (` + streamColumns + `) VALUES`, 10, ``}
	loadQuarantine   = insertion{`INSERT INTO quarantine (stream, ref, cause, since, attempts, next_try) VALUES`, 6, ``}
	loadEvidence     = insertion{`INSERT INTO evidence (stream, ref, interaction, seen_at, gone) VALUES`, 5, ``}
	loadCards        = insertion{`INSERT INTO cards (stream, ref, uid, contact, tail, facts, gone_at) VALUES`, 7, ``}
	loadCardGroups   = insertion{`INSERT INTO card_groups (stream, ref, uid, name, org) VALUES`, 5, ``}
	loadTombstones   = insertion{`INSERT INTO tombstones (key, erased_at) VALUES`, 2, ``}
	loadErasedCopies = insertion{`INSERT INTO fingerprint_tombstones (fingerprint, occurred_at, erased_at) VALUES`, 3, ``}
	loadBounces      = insertion{`INSERT INTO bounces (hash, status) VALUES`, 2, ``}
)

// mustBeEmpty are the tables in which a register that is loaded into has no rows.
var mustBeEmpty = []string{
	"contacts", "accounts", "definitions", "identities", "streams", "interactions", "threads", "tombstones", "fingerprint_tombstones", "bounces", "sought", "forgotten", "correspondents", "suggestions",
}

// Load implements [store.Dumper]. Two ids whose first halves are the same can't
// both be kept.
func (s *Store) Load(ctx context.Context, rows iter.Seq2[store.Row, error]) (renamed int, err error) {
	// The statements of a transaction are prepared before or after it.
	for _, in := range []insertion{
		insertContacts, insertAddresses, insertThreads, insertMessageIDs, insertInteractions, insertKeys, insertTimeline, loadEvidence,
	} {
		for _, n := range insertionSizes {
			s.statements.get(in.text(n))
		}
	}
	s.statements.prepare(ctx, s.writer)
	err = s.write(ctx, "load the register", func(tx tx) error {
		if err := tx.empty(ctx); err != nil {
			return err
		}
		l := &loader{tx: tx, streams: make(map[place]int64), contacts: make(map[kith.ID]kith.ID), merged: make(map[kith.ID]kith.ID)}
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
		if err := tx.writeMerged(ctx, l.merged); err != nil {
			return err
		}
		renamed = l.renamed
		return tx.sound(ctx)
	})
	if err != nil {
		return 0, err
	}
	return renamed, nil
}

func (tx tx) empty(ctx context.Context) error {
	var found []string
	for _, table := range mustBeEmpty {
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

// sound checks what no constraint of the tables does.
func (tx tx) sound(ctx context.Context) error {
	var n int
	err := tx.one(ctx, `SELECT count(*) FROM timeline WHERE contact NOT IN (SELECT n FROM contacts)`, nil, &n)
	if err == nil && n > 0 {
		err = fmt.Errorf("%d links name contacts that are not there", n)
	}
	if err != nil {
		return err
	}
	err = tx.one(ctx, `SELECT count(*) FROM distinct_contacts WHERE a NOT IN (SELECT n FROM contacts) OR b NOT IN (SELECT n FROM contacts)`, nil, &n)
	if err == nil && n > 0 {
		err = fmt.Errorf("%d pairs of contacts that are not one name contacts that are not there", n)
	}
	return err
}

// place names a stream.
type place struct{ account, name string }

// loader is a load under way.
type loader struct {
	tx       tx
	streams  map[place]int64
	contacts map[kith.ID]kith.ID // those that got another id
	renamed  int
	merged   map[kith.ID]kith.ID // into whom

	kind    store.RowKind
	persons bool
	last    int64 // number of the last interaction, or contact of a type
	label   int64 // of the last thread

	// Not written yet.
	simple    insertion
	rows      []any // of simple
	addresses []any
	hashes    []any // of Message-IDs, and the labels of their threads
	members   []store.MemberRow
	page      []*store.InteractionRow
}

// How many rows are written at a time.
const loadPage = 2000

// add takes in a row. Most kinds are rows of one table.
func (l *loader) add(ctx context.Context, row store.Row) error {
	if row.Kind() != l.kind {
		if err := l.flush(ctx); err != nil {
			return err
		}
		l.kind, l.last = row.Kind(), 0
	}
	switch r := row.(type) {
	case *store.VersionsRow:
		// Not what it was for those who have seen the empty register.
		_, err := l.tx.exec(ctx, `UPDATE meta SET value = CASE name WHEN 'sought' THEN ? WHEN 'contacts_version' THEN value + ? ELSE value + ? END
			WHERE name IN ('sought', 'contacts_version', 'definitions_version')`, r.Sought, r.Contacts, r.Definitions)
		return err
	case *store.ContactRow:
		return l.contact(ctx, &r.Contact)
	case *store.MergedRow:
		l.merged[l.contactID(r.Contact)] = l.contactID(r.Into)
		return nil
	case *store.DistinctRow:
		a, b := numberOf(l.contactID(r.A)), numberOf(l.contactID(r.B))
		return l.write(ctx, loadDistinct, min(a, b), max(a, b), r.Since.UnixMicro())
	case *store.AccountRow:
		return l.write(ctx, loadAccounts, r.Name, r.Origin, r.Account.Kind, r.Owner, r.Schedule, r.Settings, r.State,
			micros(r.NextPoll), micros(r.LastPoll), micros(r.LastSuccess), r.Attempts, r.Error, micros(r.ErrorSince), "", nil)
	case *store.DefinitionRow:
		return l.write(ctx, loadDefinitions, r.Name, r.Text, r.Secret.Key, r.Secret.Box, r.Disabled, r.UpdatedAt.UnixMicro())
	case *store.IdentityRow:
		return l.write(ctx, loadIdentities, r.Address, r.Owner, string(r.State), r.Seen.Sent, r.Seen.Plus, r.Seen.Delivered, micros(r.LastSeen), micros(r.Decided))
	case *store.StreamRow:
		return l.stream(ctx, r)
	case *store.QuarantinedRow:
		n, err := l.place(r.Account, r.Stream)
		if err != nil {
			return err
		}
		return l.write(ctx, loadQuarantine, n, r.Ref, r.Cause, r.Since.UnixMicro(), r.Attempts, r.NextTry.UnixMicro())
	case *store.CardRow:
		n, err := l.place(r.Account, r.Stream)
		if err != nil {
			return err
		}
		id := l.contactID(r.Contact)
		return l.write(ctx, loadCards, n, r.Ref, r.UID, numberOf(id), tailOf(id), r.Facts, micros(r.GoneAt))
	case *store.CardGroupRow:
		n, err := l.place(r.Account, r.Stream)
		if err != nil {
			return err
		}
		members := make([]any, 0, 4*len(r.Members))
		for _, m := range r.Members {
			members = append(members, n, r.Ref, r.UID, m)
		}
		if err := l.tx.insert(ctx, insertMembers, members); err != nil {
			return err
		}
		return l.write(ctx, loadCardGroups, n, r.Ref, r.UID, r.Name, r.Org)
	case *store.ThreadRow:
		l.label++
		t := store.Thread{Least: r.Least, Heads: r.Heads}
		l.hashes = append(l.hashes, t.Root(), l.label)
		return l.write(ctx, insertThreads, l.label, 0, t.Root(), t.Least, t.EncodeHeads())
	case *store.MemberRow:
		if l.members = append(l.members, *r); len(l.members) == loadPage {
			return l.flush(ctx)
		}
		return nil
	case *store.InteractionRow:
		if l.page = append(l.page, r); len(l.page) == loadPage {
			return l.flush(ctx)
		}
		return nil
	case *store.TombstoneRow:
		return l.write(ctx, loadTombstones, r.Key[:], r.ErasedAt.UnixMicro())
	case *store.ErasedCopyRow:
		return l.write(ctx, loadErasedCopies, r.Fingerprint[:], r.OccurredAt.UnixMicro(), r.ErasedAt.UnixMicro())
	case *store.BounceRow:
		return l.write(ctx, loadBounces, r.Hash, r.Status)
	case *store.SoughtRow:
		return l.write(ctx, insertSought, r.N, r.Address)
	case *store.SaltRow:
		_, err := l.tx.exec(ctx, `UPDATE salt SET value = ?`, r.Salt)
		return err
	case *store.ForgottenRow:
		return l.write(ctx, insertForgotten, r.Digest[:], string(r.Why), r.At.UnixMicro())
	case *store.WaysRow:
		return l.write(ctx, insertWays, r.Digest[:], r.Ways)
	case *store.SuggestionRow:
		n, err := l.place(r.Account, r.Stream)
		if err != nil {
			return err
		}
		return l.write(ctx, insertSuggested, r.Address, n, r.Name, r.Inbound, r.Outbound, r.FirstSeen.UnixMicro(), r.LastSeen.UnixMicro())
	}
	return fmt.Errorf("a row of an unknown kind %s", row.Kind())
}

// write takes in a row of a table.
func (l *loader) write(ctx context.Context, into insertion, values ...any) error {
	l.simple = into
	l.rows = append(l.rows, values...)
	if len(l.rows) < loadPage*into.columns {
		return nil
	}
	return l.flush(ctx)
}

// pending is rows that are not written yet, one after the other.
type pending struct {
	into insertion
	rows []any
}

func (l *loader) insert(ctx context.Context, all ...pending) error {
	for _, p := range all {
		if len(p.rows) == 0 {
			continue
		}
		if err := l.tx.insert(ctx, p.into, p.rows); err != nil {
			return err
		}
	}
	return nil
}

// flush writes what was taken in.
func (l *loader) flush(ctx context.Context) error {
	if err := l.writeMembers(ctx); err != nil {
		return err
	}
	err := l.insert(ctx, pending{l.simple, l.rows}, pending{insertAddresses, l.addresses}, pending{insertMessageIDs, l.hashes})
	if err != nil {
		return err
	}
	err = l.writeInteractions(ctx)
	l.rows, l.addresses, l.hashes, l.members, l.page = l.rows[:0], l.addresses[:0], l.hashes[:0], l.members[:0], l.page[:0]
	return err
}

func (l *loader) contact(ctx context.Context, c *kith.Contact) error {
	if c.Type == kith.Person && !l.persons {
		if err := l.flush(ctx); err != nil { // companies are looked up
			return err
		}
		l.persons, l.last = true, 0
	}
	var err error
	contact := *c
	if contact.ID, err = l.freeContact(ctx, c.ID); err != nil {
		return err
	}
	l.last = numberOf(contact.ID)
	if contact.ID != c.ID {
		l.contacts[c.ID] = contact.ID
		l.renamed++
	}
	if c.CompanyID != nil {
		company := l.contactID(*c.CompanyID)
		contact.CompanyID = &company
	}
	for _, a := range store.Addresses(c) {
		l.addresses = append(l.addresses, addressKey(a), numberOf(contact.ID))
	}
	values, err := contactValues(&contact)
	if err != nil {
		return err
	}
	return l.write(ctx, insertContacts, values...)
}

// freeContact is an id, or the next one whose first half no contact has.
func (l *loader) freeContact(ctx context.Context, id kith.ID) (kith.ID, error) {
	for {
		id = l.free(id)
		var taken bool
		if l.persons { // by a company
			if err := l.tx.one(ctx, `SELECT EXISTS (SELECT 1 FROM contacts WHERE n = ?)`, []any{numberOf(id)}, &taken); err != nil {
				return id, err
			}
		}
		if !taken {
			return id, nil
		}
		l.last = numberOf(id)
	}
}

// free is an id, or another one whose first half comes after the last that was taken.
func (l *loader) free(id kith.ID) kith.ID {
	if numberOf(id) > l.last {
		return id
	}
	return idOf(numberOf(store.IDAfter(idOf(l.last, 0))), tailOf(id))
}

// contactID is the id that a contact has got.
func (l *loader) contactID(id kith.ID) kith.ID {
	if now, ok := l.contacts[id]; ok {
		return now
	}
	return id
}

func (l *loader) stream(ctx context.Context, r *store.StreamRow) error {
	skipped, err := json.Marshal(r.Skipped)
	if err != nil {
		return err
	}
	n := int64(len(l.streams) + 1)
	l.streams[place{r.Account, r.Name}] = n
	return l.write(ctx, loadStreams, n, r.Account, r.Name, string(r.Cursor), r.Recorded, string(skipped), r.Backfilled, micros(r.LastSuccess), r.Error, r.LookedBack)
}

func (l *loader) place(account, stream string) (int64, error) {
	n, ok := l.streams[place{account, stream}]
	if !ok {
		return 0, fmt.Errorf("stream %s/%s is not there", account, stream)
	}
	return n, nil
}

// labels finds the rows of threads by their roots.
func (l *loader) labels(ctx context.Context, roots []int64) (map[int64]int64, error) {
	slices.Sort(roots)
	found := make(map[int64]int64, len(roots))
	err := l.tx.each(ctx, `SELECT m.hash, m.thread FROM json_each(?) j JOIN message_ids m ON m.hash = j.value`,
		[]any{list(slices.Compact(roots))}, func(scan func(...any) error) error {
			var root, label int64
			err := scan(&root, &label)
			found[root] = label
			return err
		})
	return found, err
}

func (l *loader) writeMembers(ctx context.Context) error {
	if len(l.members) == 0 {
		return nil
	}
	roots := make([]int64, len(l.members))
	for i, m := range l.members {
		roots[i] = m.Root
	}
	labels, err := l.labels(ctx, roots)
	if err != nil {
		return err
	}
	for _, m := range l.members {
		label, ok := labels[m.Root]
		if !ok {
			return fmt.Errorf("thread %s is not there", store.ThreadID(m.Root))
		}
		l.hashes = append(l.hashes, m.Hash, label)
	}
	return nil
}

// writeInteractions writes a page of interactions, and what finds them in the
// order of its tables.
func (l *loader) writeInteractions(ctx context.Context) error {
	if len(l.page) == 0 {
		return nil
	}
	roots := make([]int64, len(l.page))
	for i, r := range l.page {
		var ok bool
		if roots[i], ok = store.ParseThreadID(r.Thread); !ok {
			return fmt.Errorf("interaction %s: %q is no thread", r.ID, r.Thread)
		}
	}
	labels, err := l.labels(ctx, slices.Clone(roots))
	if err != nil {
		return err
	}
	var rows, evidence []any
	var keys, timeline [][]any
	encoder := newEncoder()
	for i, r := range l.page {
		label, ok := labels[roots[i]]
		if !ok {
			return fmt.Errorf("interaction %s: thread %s is not there", r.ID, r.Thread)
		}
		e := capture.Entry{Interaction: r.Interaction, MessageIDs: r.MessageIDs, Thread: &store.Thread{Label: label}}
		if e.ID = l.free(r.ID); e.ID != r.ID {
			l.renamed++
		}
		n := numberOf(e.ID)
		l.last = n
		e.Links = slices.Clone(r.Links)
		for at := range e.Links {
			link := &e.Links[at]
			link.ContactID = l.contactID(link.ContactID)
			timeline = append(timeline, []any{numberOf(link.ContactID), e.OccurredAt.UnixMicro(), n})
		}
		for _, key := range append([]kith.Key{r.Key}, r.Keys...) {
			e.Keys = append(e.Keys, key[:]...)
			keys = append(keys, []any{bytes.Clone(key[:]), n})
		}
		for _, seen := range r.Evidence {
			stream, err := l.place(seen.Account, seen.Stream)
			if err != nil {
				return fmt.Errorf("interaction %s: %w", r.ID, err)
			}
			evidence = append(evidence, stream, seen.Ref, n, seen.SeenAt.UnixMicro(), seen.Gone)
		}
		text, err := encoder.Encode(&e.Interaction, e.MessageIDs)
		if err != nil {
			return fmt.Errorf("interaction %s: %w", r.ID, err)
		}
		rows = appendRow(rows, &e, string(text))
	}
	slices.SortFunc(keys, func(a, b []any) int { return bytes.Compare(a[0].([]byte), b[0].([]byte)) })
	slices.SortFunc(timeline, func(a, b []any) int { return cmp.Compare(a[0].(int64), b[0].(int64)) })
	return l.insert(ctx, pending{insertInteractions, rows}, pending{insertKeys, slices.Concat(keys...)},
		pending{insertTimeline, slices.Concat(timeline...)}, pending{loadEvidence, evidence})
}
