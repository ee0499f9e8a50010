package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"kith"
	"kith/store"
	"kith/store/internal/capture"
)

// Interaction implements [store.Interactions].
func (s *Store) Interaction(ctx context.Context, id kith.ID) (kith.Interaction, error) {
	return s.interaction(ctx, fmt.Sprintf("read interaction %s", id), `i.id = $1::uuid`, id)
}

// InteractionByKey implements [store.Interactions].
func (s *Store) InteractionByKey(ctx context.Context, key kith.Key) (kith.Interaction, error) {
	return s.interaction(ctx, "read an interaction by its key",
		`i.id = (SELECT interaction FROM keys WHERE key = $1::uuid AND n = 0)`, kith.ID(key))
}

// InteractionByRef implements [store.Interactions].
func (s *Store) InteractionByRef(ctx context.Context, account, stream, ref string) (kith.Interaction, error) {
	account, stream, ref = store.Clean(account), store.Clean(stream), store.Clean(ref)
	return s.interaction(ctx, fmt.Sprintf("read the interaction of %s/%s/%s", account, stream, ref),
		`i.id = (SELECT e.interaction FROM streams s JOIN evidence e ON e.stream = s.n WHERE s.account = $1 AND s.name = $2 AND e.ref = $3)`,
		account, stream, ref)
}

func (s *Store) interaction(ctx context.Context, what, where string, args ...any) (kith.Interaction, error) {
	var found kith.Interaction
	err := s.read(ctx, what, func(tx tx) error {
		rows, err := tx.interactions(ctx, `SELECT `+rowColumns+` FROM interactions i`+rowThread+` WHERE `+where, args)
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

// interactions reads the interactions that a query for rowColumns gives.
func (tx tx) interactions(ctx context.Context, query string, args []any) ([]*kith.Interaction, error) {
	found, err := entries(ctx, tx, query, args...)
	if err != nil {
		return nil, err
	}
	interactions := make([]*kith.Interaction, len(found))
	for n, e := range found {
		interactions[n] = &e.Interaction
	}
	return interactions, tx.complete(ctx, interactions)
}

// DeleteInteractions implements [store.Interactions].
func (s *Store) DeleteInteractions(ctx context.Context, ids []kith.ID, at time.Time) (int, error) {
	deleted := 0
	err := s.write(ctx, "delete interactions", func(tx tx) (err error) {
		if err := tx.lock(ctx, lockLinks); err != nil {
			return err
		}
		deleted, err = tx.deleteInteractions(ctx, ids, at)
		return err
	})
	if err != nil {
		return 0, err
	}
	return deleted, nil
}

func (tx tx) deleteInteractions(ctx context.Context, ids []kith.ID, at time.Time) (int, error) {
	found, err := entries(ctx, tx, `SELECT `+rowColumns+` FROM interactions i`+rowThread+` WHERE i.id = ANY ($1::uuid[])`, uuids(ids))
	if err != nil || len(found) == 0 {
		return 0, err
	}
	var keys, fingerprints uuids
	var occurred []time.Time
	for _, e := range found {
		for k := e.Keys; len(k) >= 16; k = k[16:] {
			keys = append(keys, kith.ID(k[:16]))
		}
		if (e.Fingerprint != kith.Key{}) {
			fingerprints, occurred = append(fingerprints, kith.ID(e.Fingerprint)), append(occurred, e.OccurredAt)
		}
	}
	var statements pgx.Batch
	statements.Queue(`INSERT INTO tombstones (key, erased_at) SELECT unnest($1::uuid[]), $2 ON CONFLICT DO NOTHING`, keys, at)
	if len(fingerprints) > 0 {
		statements.Queue(`INSERT INTO fingerprint_tombstones (fingerprint, occurred_at, erased_at)
			SELECT u.*, $3 FROM unnest($1::uuid[], $2::timestamptz[]) u ON CONFLICT DO NOTHING`, fingerprints, occurred, at)
	}
	if err := tx.SendBatch(ctx, &statements).Close(); err != nil {
		return 0, err
	}
	return len(found), tx.remove(ctx, found)
}

// remove removes interactions, and what belongs to them. The caller holds lockLinks.
func (tx tx) remove(ctx context.Context, found []*capture.Entry) error {
	if len(found) == 0 {
		return nil
	}
	var known, keys, fingerprints, copies, contacts, linked uuids
	var times []time.Time
	for _, e := range found {
		known = append(known, e.ID)
		for k := e.Keys; len(k) >= 16; k = k[16:] {
			keys = append(keys, kith.ID(k[:16]))
		}
		if (e.Fingerprint != kith.Key{}) {
			fingerprints, copies = append(fingerprints, kith.ID(e.Fingerprint)), append(copies, e.ID)
		}
		for _, l := range e.Links {
			contacts, linked, times = append(contacts, l.ContactID), append(linked, e.ID), append(times, e.OccurredAt)
		}
	}
	var statements pgx.Batch
	statements.Queue(`DELETE FROM keys WHERE key = ANY ($1::uuid[]) AND n = 0`, keys)
	if len(copies) > 0 {
		statements.Queue(`DELETE FROM keys WHERE key = ANY ($1::uuid[]) AND interaction = ANY ($2::uuid[])`, fingerprints, copies)
	}
	if len(linked) > 0 {
		statements.Queue(`DELETE FROM timeline t USING unnest($1::uuid[], $2::timestamptz[], $3::uuid[]) u (contact, occurred_at, interaction)
			WHERE t.contact = u.contact AND t.occurred_at = u.occurred_at AND t.interaction = u.interaction`, contacts, times, linked)
	}
	statements.Queue(`DELETE FROM evidence WHERE interaction = ANY ($1::uuid[])`, known)
	statements.Queue(`DELETE FROM interactions WHERE id = ANY ($1::uuid[])`, known)
	return tx.SendBatch(ctx, &statements).Close()
}
