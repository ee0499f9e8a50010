package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"kith"
	"kith/store"
	"kith/store/internal/contacts"
)

// RecordBook implements [store.Books].
func (s *Store) RecordBook(ctx context.Context, rec kith.BookRecording, dryRun bool, changes func(kith.CardChange)) (kith.BookRecorded, error) {
	rec = contacts.CleanBook(rec)
	what := fmt.Sprintf("record address book %s/%s", rec.Account, rec.Stream)
	if rec.At.IsZero() {
		return kith.BookRecorded{}, errors.New(what + ": a recording needs its time")
	}
	var done kith.BookRecorded
	var told []kith.CardChange
	err := s.write(ctx, what, func(tx tx) error {
		st, err := tx.knownStream(ctx, rec.Account, rec.Stream)
		if err != nil {
			return err
		}
		if st.cursor != rec.Base {
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
		rec.Quarantined = append(rec.Quarantined, failed...)
		// A person may come before the company. This takes effect when it is compiled, so it must not be prepared before.
		if _, err := tx.ExecContext(ctx, `PRAGMA defer_foreign_keys = 1`); err != nil {
			return err
		}
		if err := tx.writeContacts(ctx, b.Batch); err != nil {
			return err
		}
		if err := tx.writeBook(ctx, st.n, b); err != nil {
			return err
		}
		if err := tx.quarantine(ctx, st.n, contacts.Capture(&rec)); err != nil {
			return err
		}
		return tx.advanceBook(ctx, st, &rec, done, b.Growth())
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

// book reads what is on file of everything that a recording speaks of.
func (tx tx) book(ctx context.Context, stream int64, rec *kith.BookRecording, changes func(kith.CardChange)) (*contacts.Book, error) {
	batch, err := tx.newContacts(ctx, rec.At)
	if err != nil {
		return nil, err
	}
	b := contacts.NewBook(batch, rec.Account, rec.Stream, changes)
	refs := list(contacts.RefsOf(rec))
	if err := tx.loadTies(ctx, b, `WHERE k.stream = ? AND k.ref IN (SELECT value FROM json_each(?))`, stream, refs); err != nil {
		return nil, err
	}
	if err := tx.loadGroups(ctx, b, stream, refs); err != nil {
		return nil, err
	}
	uids := b.UIDs(rec)
	if err := tx.loadMemberships(ctx, b, rec.Account, uids); err != nil {
		return nil, err
	}
	err = tx.loadTies(ctx, b, `WHERE s.account = ? AND k.uid IN (SELECT value FROM json_each(?))`, rec.Account, list(append(uids, b.Companies(rec)...)))
	if err != nil {
		return nil, err
	}
	if err := tx.loadContacts(ctx, batch, b.Hints(rec)); err != nil {
		return nil, err
	}
	return b, tx.loadTiesOf(ctx, b)
}

// loadTiesOf loads all ties of the contacts that were loaded.
func (tx tx) loadTiesOf(ctx context.Context, b *contacts.Book) error {
	var numbers []int64
	for _, id := range b.ContactIDs() {
		numbers = append(numbers, numberOf(id))
	}
	return tx.loadTies(ctx, b, `WHERE k.contact IN (SELECT value FROM json_each(?))`, list(numbers))
}

const tieColumns = `SELECT s.account, s.name, k.ref, k.uid, k.contact, k.tail, k.facts, k.gone_at FROM cards k JOIN streams s ON s.n = k.stream `

func scanTie(scan func(...any) error) (kith.CardTie, error) {
	var t kith.CardTie
	var n, tail int64
	var gone sql.NullInt64
	err := scan(&t.Account, &t.Stream, &t.Ref, &t.UID, &n, &tail, &t.Facts, &gone)
	t.Contact, t.GoneAt = idOf(n, tail), timeOf(gone)
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

func (tx tx) loadGroups(ctx context.Context, b *contacts.Book, stream int64, refs string) error {
	var groups []kith.CardGroup
	err := tx.each(ctx, `SELECT g.ref, g.uid, g.name, g.org, m.member FROM card_groups g LEFT JOIN card_members m USING (stream, ref, uid)
		WHERE g.stream = ? AND g.ref IN (SELECT value FROM json_each(?)) ORDER BY g.ref, g.uid, m.member`, []any{stream, refs},
		func(scan func(...any) error) error {
			var g kith.CardGroup
			var member sql.NullString
			if err := scan(&g.Ref, &g.UID, &g.Name, &g.Org, &member); err != nil {
				return err
			}
			if n := len(groups); n == 0 || groups[n-1].Ref != g.Ref || groups[n-1].UID != g.UID {
				groups = append(groups, g)
			}
			if member.Valid {
				g := &groups[len(groups)-1]
				g.Members = append(g.Members, member.String)
			}
			return nil
		})
	for _, g := range groups {
		b.LoadGroup(g)
	}
	return err
}

func (tx tx) loadMemberships(ctx context.Context, b *contacts.Book, account string, uids []string) error {
	return tx.each(ctx, `SELECT s.name, m.member, g.ref, g.uid, g.name, g.org
		FROM json_each(?) j CROSS JOIN card_members m ON m.member = j.value
		JOIN card_groups g ON g.stream = m.stream AND g.ref = m.ref AND g.uid = m.uid
		JOIN streams s ON s.n = m.stream AND s.account = ? ORDER BY s.name, g.ref, g.uid`, []any{list(uids), account},
		func(scan func(...any) error) error {
			var stream, member string
			var g kith.CardGroup
			err := scan(&stream, &member, &g.Ref, &g.UID, &g.Name, &g.Org)
			b.LoadMembership(stream, member, g)
			return err
		})
}

var (
	insertCards = insertion{`INSERT INTO cards (stream, ref, uid, contact, tail, facts, gone_at) VALUES`, 7, `ON CONFLICT DO UPDATE
		SET contact = excluded.contact, tail = excluded.tail, facts = excluded.facts, gone_at = excluded.gone_at`}
	insertGroups = insertion{`INSERT INTO card_groups (stream, ref, uid, name, org) VALUES`, 5, `ON CONFLICT DO UPDATE
		SET name = excluded.name, org = excluded.org`}
	insertMembers = insertion{`INSERT INTO card_members (stream, ref, uid, member) VALUES`, 4, ``}
)

// writeBook writes the ties and groups that a recording made and changed.
func (tx tx) writeBook(ctx context.Context, stream int64, b *contacts.Book) error {
	var ties, groups, members []any
	for _, t := range b.Ties {
		if !t.Fresh && !t.Changed {
			continue
		}
		n := stream
		if t.Stream != b.Stream() { // of another book, whose member has joined or left a group here
			other, err := tx.stream(ctx, t.Account, t.Stream)
			if err != nil {
				return err
			}
			n = other.n
		}
		facts, err := t.Encode()
		if err != nil {
			return err
		}
		ties = append(ties, n, t.Ref, t.UID, numberOf(t.Contact), tailOf(t.Contact), facts, micros(t.GoneAt))
	}
	for _, g := range b.Groups {
		if g.Changed || g.Dropped {
			if _, err := tx.exec(ctx, `DELETE FROM card_members WHERE stream = ? AND ref = ? AND uid = ?`, stream, g.Ref, g.UID); err != nil {
				return err
			}
		}
		switch {
		case g.Dropped:
			if _, err := tx.exec(ctx, `DELETE FROM card_groups WHERE stream = ? AND ref = ? AND uid = ?`, stream, g.Ref, g.UID); err != nil {
				return err
			}
		case g.Fresh, g.Changed:
			groups = append(groups, stream, g.Ref, g.UID, g.Name, g.Org)
			for _, m := range g.Members {
				members = append(members, stream, g.Ref, g.UID, m)
			}
		}
	}
	if err := tx.insert(ctx, insertCards, ties); err != nil {
		return err
	}
	if err := tx.insert(ctx, insertGroups, groups); err != nil {
		return err
	}
	return tx.insert(ctx, insertMembers, members)
}

// advanceBook moves the stream's cursor and counters.
func (tx tx) advanceBook(ctx context.Context, st stream, rec *kith.BookRecording, done kith.BookRecorded, growth int) error {
	contacts.CountBook(st.skipped, rec, done)
	if rec.Recount {
		st.backfilled = 0
	}
	skipped, err := json.Marshal(st.skipped)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE streams SET cursor = ?, recorded = ?, skipped = ?, backfilled = ?, looked_back = ? WHERE n = ?`,
		string(rec.Next), st.recorded+growth, string(skipped), max(st.backfilled, rec.Backfilled), int64(store.BookLookedBack), st.n)
	return err
}

// SettleBooks implements [store.Books].
func (s *Store) SettleBooks(ctx context.Context, account string, gone, at time.Time, limit int) (ended, removed int, err error) {
	account = store.Clean(account)
	err = s.write(ctx, fmt.Sprintf("settle the address books of account %s", account), func(tx tx) error {
		batch, err := tx.newContacts(ctx, at)
		if err != nil {
			return err
		}
		b := contacts.NewBook(batch, account, "", nil)
		err = tx.loadTies(ctx, b, `WHERE (k.stream, k.ref, k.uid) IN (SELECT c.stream, c.ref, c.uid FROM streams o CROSS JOIN cards c ON c.stream = o.n
			WHERE o.account = ? AND c.gone_at <= ? LIMIT ?)`, account, micros(gone), limit)
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
		for _, t := range ties {
			_, err := tx.exec(ctx, `DELETE FROM cards WHERE stream = (SELECT n FROM streams WHERE account = ? AND name = ?) AND ref = ? AND uid = ?`, t.Account, t.Stream, t.Ref, t.UID)
			if err != nil {
				return err
			}
		}
		if err := tx.writeContacts(ctx, b.Batch); err != nil {
			return err
		}
		for _, e := range out {
			if err := tx.retire(ctx, e.ID, at); err != nil {
				return err
			}
		}
		if len(out) == 0 {
			return nil
		}
		return tx.bumpContacts(ctx)
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
		return tx.each(ctx, `SELECT name FROM streams WHERE account = ? AND
			(EXISTS (SELECT 1 FROM cards WHERE stream = n AND gone_at IS NULL) OR EXISTS (SELECT 1 FROM card_groups WHERE stream = n)) ORDER BY name`, []any{account},
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
	return s.refs(ctx, account, name, `SELECT ref FROM cards WHERE stream = ?1 AND ref > ?2 AND gone_at IS NULL
		UNION SELECT ref FROM card_groups WHERE stream = ?1 AND ref > ?2 ORDER BY ref LIMIT ?3`)
}

// CardTies implements [store.Books].
func (s *Store) CardTies(ctx context.Context, account, stream, ref string) ([]kith.CardTie, error) {
	account, stream, ref = store.Clean(account), store.Clean(stream), store.Clean(ref)
	var ties []kith.CardTie
	err := s.read(ctx, fmt.Sprintf("read card %s/%s/%s", account, stream, ref), func(tx tx) error {
		return tx.each(ctx, tieColumns+`WHERE s.account = ? AND s.name = ? AND k.ref = ? ORDER BY k.uid`, []any{account, stream, ref},
			func(scan func(...any) error) error {
				t, err := scanTie(scan)
				ties = append(ties, t)
				return err
			})
	})
	return ties, err
}
