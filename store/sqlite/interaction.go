package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kith"
	"kith/store"
)

// Interaction implements [store.Interactions].
func (s *Store) Interaction(ctx context.Context, id kith.ID) (kith.Interaction, error) {
	return s.interaction(ctx, fmt.Sprintf("read interaction %s", id), `i.n = ? AND i.tail = ?`, numberOf(id), tailOf(id))
}

// InteractionByKey implements [store.Interactions].
func (s *Store) InteractionByKey(ctx context.Context, key kith.Key) (kith.Interaction, error) {
	return s.interaction(ctx, "read an interaction by its key", `i.n = (SELECT interaction FROM keys WHERE key = ?)`, key[:])
}

// InteractionByRef implements [store.Interactions].
func (s *Store) InteractionByRef(ctx context.Context, account, stream, ref string) (kith.Interaction, error) {
	account, stream, ref = store.Clean(account), store.Clean(stream), store.Clean(ref)
	return s.interaction(ctx, fmt.Sprintf("read the interaction of %s/%s/%s", account, stream, ref),
		`i.n = (SELECT e.interaction FROM streams s JOIN evidence e ON e.stream = s.n WHERE s.account = ? AND s.name = ? AND e.ref = ?)`,
		account, stream, ref)
}

func (s *Store) interaction(ctx context.Context, what, where string, args ...any) (kith.Interaction, error) {
	var found kith.Interaction
	err := s.read(ctx, what, func(tx tx) error {
		rows, err := tx.interactions(ctx, where, args)
		if err == nil && len(rows) == 0 {
			err = kith.ErrNotFound
		}
		if err != nil {
			return err
		}
		found = *rows[0]
		return nil
	})
	return found, err
}

// interactions reads the interactions i that a condition chooses.
func (tx tx) interactions(ctx context.Context, where string, args []any) ([]*kith.Interaction, error) {
	var found []*kith.Interaction
	err := tx.each(ctx, `SELECT `+rowColumns+` FROM interactions i`+rowThread+` WHERE `+where, args,
		func(scan func(...any) error) error {
			var r row
			if err := r.scan(scan); err != nil {
				return err
			}
			i, _, err := r.interaction()
			found = append(found, &i)
			return err
		})
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found, tx.complete(ctx, found)
}

// DeleteInteractions implements [store.Interactions].
func (s *Store) DeleteInteractions(ctx context.Context, ids []kith.ID, at time.Time) (int, error) {
	deleted := 0
	err := s.write(ctx, "delete interactions", func(tx tx) error {
		deleted = 0
		for _, id := range ids {
			ok, err := tx.deleteInteraction(ctx, id, at)
			if err != nil {
				return err
			}
			if ok {
				deleted++
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	return deleted, nil
}

func (tx tx) deleteInteraction(ctx context.Context, id kith.ID, at time.Time) (found bool, err error) {
	n := numberOf(id)
	var keys, fingerprint []byte
	var occurredAt int64
	err = tx.one(ctx, `SELECT keys, fingerprint, occurred_at FROM interactions WHERE n = ? AND tail = ?`,
		[]any{n, tailOf(id)}, &keys, &fingerprint, &occurredAt)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, key := range splitKeys(keys) {
		if _, err := tx.exec(ctx, `INSERT INTO tombstones (key, erased_at) VALUES (?, ?) ON CONFLICT DO NOTHING`, key[:], at.UnixMicro()); err != nil {
			return false, err
		}
	}
	if fingerprint != nil {
		_, err := tx.exec(ctx, `INSERT INTO fingerprint_tombstones (fingerprint, occurred_at, erased_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
			fingerprint, occurredAt, at.UnixMicro())
		if err != nil {
			return false, err
		}
	}
	return true, tx.remove(ctx, n, keys)
}

// remove removes an interaction, and what belongs to it.
func (tx tx) remove(ctx context.Context, n int64, keys []byte) error {
	for _, key := range splitKeys(keys) {
		if _, err := tx.exec(ctx, `DELETE FROM keys WHERE key = ?`, key[:]); err != nil {
			return err
		}
	}
	for _, query := range []string{
		`DELETE FROM timeline WHERE interaction = ?1 AND occurred_at = (SELECT occurred_at FROM interactions WHERE n = ?1)
			AND contact IN (SELECT value ->> '$.c' FROM interactions, json_each(facts, '$.links') WHERE n = ?1)`,
		`DELETE FROM evidence WHERE interaction = ?`,
		`DELETE FROM interactions WHERE n = ?`,
	} {
		if _, err := tx.exec(ctx, query, n); err != nil {
			return err
		}
	}
	return nil
}
