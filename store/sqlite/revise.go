package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kith"
	"kith/store"
	"kith/store/internal/capture"
)

// Revise implements [store.Reviser].
func (s *Store) Revise(ctx context.Context, ids []kith.ID, decide store.ReviseFunc, _ time.Time) (store.Revised, error) {
	done := store.Revised{Dropped: make(map[kith.Reason]int)}
	err := s.write(ctx, "revise interactions", func(tx tx) error {
		entries, err := tx.entries(ctx, ids)
		if err != nil || len(entries) == 0 {
			return err
		}
		shown, err := capture.Shown(entries, func(whole []*kith.Interaction) error { return tx.complete(ctx, whole) })
		if err != nil {
			return err
		}
		decided, err := decide(ctx, shown)
		if err != nil {
			return err
		}
		revisions, err := capture.Revise(entries, decided)
		if err != nil {
			return err
		}
		for _, r := range revisions {
			if r.Drop != "" {
				done.Dropped[r.Drop]++
				err = tx.remove(ctx, numberOf(r.ID), r.Keys)
			} else {
				done.Changed++
				err = tx.revise(ctx, r)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return store.Revised{}, err
	}
	return done, nil
}

// entries reads interactions. The ids of their contacts are whole.
func (tx tx) entries(ctx context.Context, ids []kith.ID) ([]*capture.Entry, error) {
	numbers, tails := make([]int64, len(ids)), make(map[int64]int64, len(ids))
	for n, id := range ids {
		numbers[n] = numberOf(id)
		tails[numbers[n]] = tailOf(id)
	}
	var entries []*capture.Entry
	var whole []*kith.Interaction
	err := tx.each(ctx, `SELECT `+rowColumns+` FROM json_each(?) j JOIN interactions i ON i.n = j.value`+rowThread, []any{list(numbers)},
		func(scan func(...any) error) error {
			e, r, err := scanEntry(scan)
			if err == nil && tails[r.n] == r.tail {
				entries, whole = append(entries, e), append(whole, &e.Interaction)
			}
			return err
		})
	if err != nil || len(entries) == 0 {
		return nil, err
	}
	found, err := tx.linked(ctx, whole)
	for _, i := range whole {
		for at := range i.Links {
			i.Links[at].ContactID = found[numberOf(i.Links[at].ContactID)].filed
		}
	}
	return entries, err
}

func (tx tx) revise(ctx context.Context, r capture.Revision) error {
	n := numberOf(r.ID)
	for _, contact := range r.Unlinked {
		_, err := tx.exec(ctx, `DELETE FROM timeline WHERE contact = ? AND occurred_at = ? AND interaction = ?`,
			numberOf(contact), r.OccurredAt.UnixMicro(), n)
		if err != nil {
			return err
		}
	}
	for _, seen := range r.Unseen {
		_, err := tx.exec(ctx, `DELETE FROM evidence WHERE stream = (SELECT n FROM streams WHERE account = ? AND name = ?) AND ref = ? AND interaction = ?`,
			seen.Account, seen.Stream, seen.Ref, n)
		if err != nil {
			return err
		}
	}
	if r.Sent {
		b := &batch{Batch: &capture.Batch{Entries: []*capture.Entry{r.Entry}}, tx: tx}
		if err := b.deliver(ctx); err != nil {
			return err
		}
	}
	return tx.update(ctx, r.Entry)
}

// ForgetAccount implements [store.Reviser].
func (s *Store) ForgetAccount(ctx context.Context, name string) error {
	name = store.Clean(name)
	return s.write(ctx, fmt.Sprintf("forget account %s", name), func(tx tx) error {
		var state kith.AccountState
		err := tx.one(ctx, `SELECT state FROM accounts WHERE name = ?`, []any{name}, &state)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		if err == nil && state != kith.StateRemoved {
			return fmt.Errorf("it is still there, in state %s: %w", state, kith.ErrConflict)
		}
		var streams, evidence int
		err = tx.one(ctx, `SELECT count(*), coalesce(sum(EXISTS (SELECT 1 FROM evidence e WHERE e.stream = s.n)), 0) FROM streams s WHERE s.account = ?`,
			[]any{name}, &streams, &evidence)
		switch {
		case err != nil:
			return err
		case evidence > 0:
			return fmt.Errorf("interactions that it has seen are on file: %w", kith.ErrConflict)
		case streams == 0 && state == "":
			return kith.ErrNotFound
		}
		for _, query := range []string{
			`DELETE FROM quarantine WHERE stream IN (SELECT n FROM streams WHERE account = ?)`,
			`DELETE FROM suggestions WHERE stream IN (SELECT n FROM streams WHERE account = ?)`,
			`DELETE FROM capped WHERE account = ?`,
			`DELETE FROM streams WHERE account = ?`,
			`DELETE FROM accounts WHERE name = ?`,
		} {
			if _, err := tx.exec(ctx, query, name); err != nil {
				return err
			}
		}
		return nil
	})
}
