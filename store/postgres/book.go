package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"kith"
	"kith/store"
	"kith/store/internal/contacts"
)

// RecordBook implements [store.Books]. It holds lockContacts, as all that change contacts do, and then
// the stream's row.
func (s *Store) RecordBook(ctx context.Context, rec kith.BookRecording, dryRun bool, changes func(kith.CardChange)) (kith.BookRecorded, error) {
	rec = contacts.CleanBook(rec)
	what := fmt.Sprintf("record address book %s/%s", rec.Account, rec.Stream)
	if rec.At.IsZero() {
		return kith.BookRecorded{}, errors.New(what + ": a recording needs its time")
	}
	rec.At = rec.At.UTC().Truncate(time.Microsecond)
	var done kith.BookRecorded
	var told []kith.CardChange
	err := s.write(ctx, what, func(tx tx) error {
		told = nil
		rec := rec // a retry begins with what was given
		if err := tx.lock(ctx, lockContacts); err != nil {
			return err
		}
		st, err := tx.fence(ctx, rec.Account, rec.Stream)
		if err != nil {
			return err
		}
		if kith.Cursor(st.cursor) != rec.Base {
			return kith.ErrStaleCursor
		}
		b, err := tx.book(ctx, st.n, &rec, func(c kith.CardChange) { told = append(told, c) })
		if err != nil {
			return err
		}
		var failed []kith.Failure
		done, failed = b.Record(&rec)
		if dryRun {
			return errUndo
		}
		rec.Quarantined = append(rec.Quarantined[:len(rec.Quarantined):len(rec.Quarantined)], failed...)
		q := contacts.Capture(&rec)
		if err := tx.quarantine(ctx, st.n, q); err != nil {
			return err
		}
		var statements pgx.Batch
		queueRelease(&statements, st.n, q)
		if err := queueBook(&statements, st.n, b); err != nil {
			return err
		}
		if err := queueAdvanceBook(&statements, st, &rec, done, b.Growth()); err != nil {
			return err
		}
		if err := tx.SendBatch(ctx, &statements).Close(); err != nil {
			return err
		}
		return tx.writeContacts(ctx, b.Batch)
	})
	if err != nil && !errors.Is(err, errUndo) {
		return kith.BookRecorded{}, err
	}
	if changes != nil {
		for _, c := range told {
			changes(c)
		}
	}
	return done, nil
}

// fence finds a stream, or makes it, and keeps others from it to the end of the transaction.
func (tx tx) fence(ctx context.Context, account, name string) (st stream, err error) {
	var queries pgx.Batch
	queries.Queue(`INSERT INTO streams (account, name) VALUES ($1, $2) ON CONFLICT DO NOTHING`, account, name)
	queueFence(&queries, account, name, &st)
	return st, tx.SendBatch(ctx, &queries).Close()
}

// book reads what is on file of everything that a recording speaks of.
func (tx tx) book(ctx context.Context, stream int64, rec *kith.BookRecording, changes func(kith.CardChange)) (*contacts.Book, error) {
	batch := newContacts(rec.At)
	b := contacts.NewBook(batch, rec.Account, rec.Stream, changes)
	refs := contacts.RefsOf(rec)
	if err := tx.loadTies(ctx, b, `WHERE k.stream = $1 AND k.ref = ANY ($2::text[])`, stream, refs); err != nil {
		return nil, err
	}
	if err := tx.loadGroups(ctx, b, stream, refs); err != nil {
		return nil, err
	}
	uids := b.UIDs(rec)
	if err := tx.loadMemberships(ctx, b, rec.Account, uids); err != nil {
		return nil, err
	}
	if err := tx.loadTies(ctx, b, `WHERE s.account = $1 AND k.uid = ANY ($2::text[])`, rec.Account, append(uids, b.Companies(rec)...)); err != nil {
		return nil, err
	}
	if err := tx.loadContacts(ctx, batch, b.Hints(rec)); err != nil {
		return nil, err
	}
	return b, tx.loadTiesOf(ctx, b)
}

// loadTiesOf loads all ties of the contacts that were loaded.
func (tx tx) loadTiesOf(ctx context.Context, b *contacts.Book) error {
	return tx.loadTies(ctx, b, `WHERE k.contact = ANY ($1::uuid[])`, uuids(b.ContactIDs()))
}

const tieColumns = `SELECT s.account, s.name, k.ref, k.uid, k.contact, k.facts, k.gone_at FROM cards k JOIN streams s ON s.n = k.stream `

func scanTie(scan func(...any) error) (kith.CardTie, error) {
	var t kith.CardTie
	var gone *time.Time
	err := scan(&t.Account, &t.Stream, &t.Ref, &t.UID, (*[16]byte)(&t.Contact), &t.Facts, &gone)
	if gone != nil {
		t.GoneAt = *gone
	}
	return t, err
}

func (tx tx) loadTies(ctx context.Context, b *contacts.Book, where string, args ...any) error {
	return tx.each(ctx, tieColumns+where+` ORDER BY s.account, s.name, k.ref, k.uid`, args, func(scan func(...any) error) error {
		t, err := scanTie(scan)
		if err != nil {
			return err
		}
		return b.LoadTie(t)
	})
}

const groupColumns = `g.ref, g.uid, g.name, g.org,
	ARRAY (SELECT m.member FROM card_members m WHERE m.stream = g.stream AND m.ref = g.ref AND m.uid = g.uid ORDER BY m.member)`

func (tx tx) loadGroups(ctx context.Context, b *contacts.Book, stream int64, refs []string) error {
	return tx.each(ctx, `SELECT `+groupColumns+` FROM card_groups g WHERE g.stream = $1 AND g.ref = ANY ($2::text[]) ORDER BY g.ref, g.uid`, []any{stream, refs},
		func(scan func(...any) error) error {
			var g kith.CardGroup
			err := scan(&g.Ref, &g.UID, &g.Name, &g.Org, &g.Members)
			b.LoadGroup(g)
			return err
		})
}

func (tx tx) loadMemberships(ctx context.Context, b *contacts.Book, account string, uids []string) error {
	return tx.each(ctx, `SELECT s.name, m.member, g.ref, g.uid, g.name, g.org
		FROM card_members m JOIN card_groups g USING (stream, ref, uid) JOIN streams s ON s.n = m.stream
		WHERE m.member = ANY ($1::text[]) AND s.account = $2 ORDER BY s.name, g.ref, g.uid`, []any{uids, account},
		func(scan func(...any) error) error {
			var stream, member string
			var g kith.CardGroup
			err := scan(&stream, &member, &g.Ref, &g.UID, &g.Name, &g.Org)
			b.LoadMembership(stream, member, g)
			return err
		})
}

// tieRow is what an upsert of ties writes, as jsonb_to_recordset takes it apart.
type tieRow struct {
	Stream  string    `json:"stream"` // its name; all are of one account
	Ref     string    `json:"ref"`
	UID     string    `json:"uid"`
	Contact kith.ID   `json:"contact"`
	Facts   string    `json:"facts"`
	GoneAt  time.Time `json:"gone_at,omitzero"`
}

// queueBook writes the ties and groups that a recording made and changed.
func queueBook(statements *pgx.Batch, stream int64, b *contacts.Book) error {
	ties := []tieRow{}
	for _, t := range b.Ties {
		if !t.Fresh && !t.Changed {
			continue
		}
		facts, err := t.Encode()
		if err != nil {
			return err
		}
		ties = append(ties, tieRow{t.Stream, t.Ref, t.UID, t.Contact, facts, t.GoneAt})
	}
	if len(ties) > 0 {
		text, err := json.Marshal(ties)
		if err != nil {
			return fmt.Errorf("encode ties: %w", err)
		}
		statements.Queue(`INSERT INTO cards (stream, ref, uid, contact, facts, gone_at)
			SELECT s.n, n.ref, n.uid, n.contact, n.facts, n.gone_at
			FROM jsonb_to_recordset($1) AS n (stream text, ref text, uid text, contact uuid, facts text, gone_at timestamptz)
			JOIN streams s ON s.account = (SELECT account FROM streams WHERE n = $2) AND s.name = n.stream
			ON CONFLICT (stream, ref, uid) DO UPDATE SET contact = excluded.contact, facts = excluded.facts, gone_at = excluded.gone_at`, text, stream)
	}
	for _, g := range b.Groups {
		if g.Changed || g.Dropped {
			statements.Queue(`DELETE FROM card_members WHERE stream = $1 AND ref = $2 AND uid = $3`, stream, g.Ref, g.UID)
		}
		switch {
		case g.Dropped:
			statements.Queue(`DELETE FROM card_groups WHERE stream = $1 AND ref = $2 AND uid = $3`, stream, g.Ref, g.UID)
		case g.Fresh, g.Changed:
			statements.Queue(`INSERT INTO card_groups (stream, ref, uid, name, org) VALUES ($1, $2, $3, $4, $5)
				ON CONFLICT (stream, ref, uid) DO UPDATE SET name = excluded.name, org = excluded.org`, stream, g.Ref, g.UID, g.Name, g.Org)
			statements.Queue(`INSERT INTO card_members (stream, ref, uid, member) SELECT $1, $2, $3, unnest($4::text[])`, stream, g.Ref, g.UID, g.Members)
		}
	}
	return nil
}

// queueAdvanceBook moves the stream's cursor and counters.
func queueAdvanceBook(statements *pgx.Batch, st stream, rec *kith.BookRecording, done kith.BookRecorded, growth int) error {
	contacts.CountBook(st.skipped, rec, done)
	if rec.Recount {
		st.backfilled = 0
	}
	skipped, err := json.Marshal(st.skipped)
	if err != nil {
		return err
	}
	statements.Queue(`UPDATE streams SET cursor = $2, recorded = $3, skipped = $4::json, backfilled = $5, looked_back = $6 WHERE n = $1`,
		st.n, []byte(rec.Next), st.recorded+growth, string(skipped), max(st.backfilled, rec.Backfilled), int64(store.BookLookedBack))
	return nil
}

// SettleBooks implements [store.Books].
func (s *Store) SettleBooks(ctx context.Context, account string, gone, at time.Time, limit int) (ended, removed int, err error) {
	account, at = store.Clean(account), at.UTC().Truncate(time.Microsecond)
	err = s.write(ctx, fmt.Sprintf("settle the address books of account %s", account), func(tx tx) error {
		ended, removed = 0, 0
		for _, lock := range []advisoryLock{lockContacts, lockLinks} {
			if err := tx.lock(ctx, lock); err != nil {
				return err
			}
		}
		batch := newContacts(at)
		b := contacts.NewBook(batch, account, "", nil)
		err := tx.loadTies(ctx, b, `WHERE (k.stream, k.ref, k.uid) IN (SELECT c.stream, c.ref, c.uid FROM cards c JOIN streams o ON o.n = c.stream
			WHERE o.account = $1 AND c.gone_at <= $2 LIMIT $3)`, account, gone, limit)
		if err != nil || len(b.Ties) == 0 {
			return err
		}
		ties := b.Ties[:len(b.Ties):len(b.Ties)]
		if err := tx.loadContacts(ctx, batch, b.Hints(&kith.BookRecording{})); err != nil {
			return err
		}
		if err := tx.loadTiesOf(ctx, b); err != nil {
			return err
		}
		out := b.Settle(ties)
		ended, removed = len(ties), len(out)
		var statements pgx.Batch
		for _, t := range ties {
			statements.Queue(`DELETE FROM cards WHERE stream = (SELECT n FROM streams WHERE account = $1 AND name = $2) AND ref = $3 AND uid = $4`, t.Account, t.Stream, t.Ref, t.UID)
		}
		if err := tx.SendBatch(ctx, &statements).Close(); err != nil {
			return err
		}
		for _, e := range out {
			if err := tx.retire(ctx, e.ID, at); err != nil {
				return err
			}
		}
		if len(out) > 0 {
			b.Matters = true
		}
		return tx.writeContacts(ctx, b.Batch)
	})
	if err != nil {
		return 0, 0, err
	}
	return ended, removed, nil
}

// Books implements [store.Books].
func (s *Store) Books(ctx context.Context, account string) ([]string, error) {
	account = store.Clean(account)
	var names []string
	err := s.read(ctx, fmt.Sprintf("list the address books of account %s", account), func(tx tx) error {
		names = nil
		return tx.each(ctx, `SELECT s.name FROM streams s WHERE s.account = $1 AND
			(EXISTS (SELECT 1 FROM cards k WHERE k.stream = s.n AND k.gone_at IS NULL) OR EXISTS (SELECT 1 FROM card_groups g WHERE g.stream = s.n)) ORDER BY s.name`, []any{account},
			func(scan func(...any) error) error {
				var name string
				err := scan(&name)
				names = append(names, name)
				return err
			})
	})
	return names, err
}

// CardRefs implements [store.Books].
func (s *Store) CardRefs(ctx context.Context, account, name string) iter.Seq2[string, error] {
	return s.refs(ctx, account, name, `SELECT ref FROM cards WHERE stream = (SELECT n FROM streams WHERE account = $1 AND name = $2) AND ref > $3 AND gone_at IS NULL
		UNION SELECT ref FROM card_groups WHERE stream = (SELECT n FROM streams WHERE account = $1 AND name = $2) AND ref > $3 ORDER BY ref LIMIT $4`)
}

// CardTies implements [store.Books].
func (s *Store) CardTies(ctx context.Context, account, stream, ref string) ([]kith.CardTie, error) {
	account, stream, ref = store.Clean(account), store.Clean(stream), store.Clean(ref)
	var ties []kith.CardTie
	err := s.read(ctx, fmt.Sprintf("read card %s/%s/%s", account, stream, ref), func(tx tx) error {
		ties = nil
		return tx.each(ctx, tieColumns+`WHERE s.account = $1 AND s.name = $2 AND k.ref = $3 ORDER BY k.uid`, []any{account, stream, ref},
			func(scan func(...any) error) error {
				t, err := scanTie(scan)
				ties = append(ties, t)
				return err
			})
	})
	return ties, err
}
