package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"kith"
	"kith/store"
	"kith/store/internal/capture"
)

// Revise implements [store.Reviser]. Nothing is recorded meanwhile.
func (s *Store) Revise(ctx context.Context, ids []kith.ID, decide store.ReviseFunc, at time.Time) (store.Revised, error) {
	done := store.Revised{}
	err := s.write(ctx, "revise interactions", func(tx tx) error {
		done = store.Revised{Dropped: make(map[kith.Reason]int)}
		if err := tx.lock(ctx, lockLinks); err != nil {
			return err
		}
		found, err := entries(ctx, tx, `SELECT `+rowColumns+` FROM interactions i`+rowThread+` WHERE i.id = ANY ($1::uuid[]) ORDER BY i.id FOR UPDATE OF i`, uuids(ids))
		if err != nil || len(found) == 0 {
			return err
		}
		shown, err := capture.Shown(found, func(whole []*kith.Interaction) error { return tx.complete(ctx, whole) })
		if err != nil {
			return err
		}
		decided, err := decide(ctx, shown)
		if err != nil {
			return err
		}
		revisions, err := capture.Revise(found, decided)
		if err != nil {
			return err
		}
		var dropped []*capture.Entry
		var changed []capture.Revision
		for _, r := range revisions {
			if r.Drop != "" {
				done.Dropped[r.Drop]++
				dropped = append(dropped, r.Entry)
			} else {
				done.Changed++
				changed = append(changed, r)
			}
		}
		if err := tx.remove(ctx, dropped); err != nil {
			return err
		}
		return tx.revise(ctx, changed)
	})
	if err != nil {
		return store.Revised{}, err
	}
	return done, nil
}

func (tx tx) revise(ctx context.Context, revisions []capture.Revision) error {
	if len(revisions) == 0 {
		return nil
	}
	var statements pgx.Batch
	var changed, sent []*capture.Entry
	var ids, contacts, linked, shown uuids
	var accounts, streams, refs []string
	for _, r := range revisions {
		changed, ids = append(changed, r.Entry), append(ids, r.ID)
		if r.Sent {
			sent = append(sent, r.Entry)
		}
		for _, contact := range r.Unlinked {
			contacts, linked = append(contacts, contact), append(linked, r.ID)
		}
		for _, seen := range r.Unseen {
			shown, accounts, streams, refs = append(shown, r.ID), append(accounts, seen.Account), append(streams, seen.Stream), append(refs, seen.Ref)
		}
	}
	if err := queueUpdate(&statements, changed); err != nil {
		return err
	}
	queueForget(&statements, ids)
	if len(linked) > 0 {
		statements.Queue(`DELETE FROM timeline t USING unnest($1::uuid[], $2::uuid[]) u (contact, interaction), interactions i
			WHERE i.id = u.interaction AND t.contact = u.contact AND t.occurred_at = i.occurred_at AND t.interaction = u.interaction`, contacts, linked)
	}
	if len(shown) > 0 {
		statements.Queue(`DELETE FROM evidence e USING unnest($1::uuid[], $2::text[], $3::text[], $4::text[]) u (interaction, account, stream, ref), streams s
			WHERE s.account = u.account AND s.name = u.stream AND e.stream = s.n AND e.ref = u.ref AND e.interaction = u.interaction`,
			shown, accounts, streams, refs)
	}
	b := &batch{Batch: &capture.Batch{Entries: sent}}
	waiting := b.queueDeliver(&statements)
	if err := tx.SendBatch(ctx, &statements).Close(); err != nil {
		return err
	}
	return tx.deliver(ctx, waiting)
}

// ForgetAccount implements [store.Reviser].
func (s *Store) ForgetAccount(ctx context.Context, name string) error {
	name = store.Clean(name)
	return s.write(ctx, fmt.Sprintf("forget account %s", name), func(tx tx) error {
		if err := tx.lock(ctx, lockAccounts); err != nil {
			return err
		}
		if err := tx.lock(ctx, lockLinks); err != nil { // nothing is recorded meanwhile
			return err
		}
		var state kith.AccountState
		err := tx.one(ctx, `SELECT state FROM accounts WHERE name = $1`, []any{name}, (*string)(&state))
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		if err == nil && state != kith.StateRemoved {
			return fmt.Errorf("it is still there, in state %s: %w", state, kith.ErrConflict)
		}
		var streams, evidence int
		err = tx.one(ctx, `SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT 1 FROM evidence e WHERE e.stream = s.n)) FROM streams s WHERE s.account = $1`,
			[]any{name}, &streams, &evidence)
		switch {
		case err != nil:
			return err
		case evidence > 0:
			return fmt.Errorf("interactions that it has seen are on file: %w", kith.ErrConflict)
		case streams == 0 && state == "":
			return kith.ErrNotFound
		}
		for _, statement := range []string{
			`DELETE FROM quarantine WHERE stream IN (SELECT n FROM streams WHERE account = $1)`,
			`DELETE FROM suggestions WHERE stream IN (SELECT n FROM streams WHERE account = $1)`,
			`DELETE FROM capped WHERE account = $1`,
			`DELETE FROM streams WHERE account = $1`,
			`DELETE FROM accounts WHERE name = $1`,
		} {
			if _, err := tx.Exec(ctx, statement, name); err != nil {
				return err
			}
		}
		return nil
	})
}
