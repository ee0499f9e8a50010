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

// quarantine writes the items that could not be read, and takes out those that
// have an outcome by now.
func (tx tx) quarantine(ctx context.Context, stream int64, rec kith.Recording) error {
	for _, f := range rec.Quarantined {
		var attempts int
		err := tx.one(ctx, `SELECT attempts FROM quarantine WHERE stream = ? AND ref = ?`, []any{stream, f.Ref}, &attempts)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		attempts++
		_, err = tx.exec(ctx, `INSERT INTO quarantine (stream, ref, cause, since, attempts, next_try) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET cause = excluded.cause, attempts = excluded.attempts, next_try = excluded.next_try`,
			stream, f.Ref, f.Cause, micros(rec.At), attempts, micros(rec.At.Add(store.QuarantineRetry(attempts))))
		if err != nil {
			return err
		}
	}

	var some bool
	if err := tx.one(ctx, `SELECT EXISTS (SELECT 1 FROM quarantine WHERE stream = ?)`, []any{stream}, &some); err != nil || !some {
		return err
	}
	done := append(append([]string{}, rec.Released...), rec.Gone...)
	for i := range rec.Captured {
		done = append(done, rec.Captured[i].Ref)
	}
	_, err := tx.exec(ctx, `DELETE FROM quarantine WHERE stream = ? AND ref IN (SELECT value FROM json_each(?))`, stream, list(done))
	return err
}

// DueQuarantine implements [store.Recorder].
func (s *Store) DueQuarantine(ctx context.Context, account string, now time.Time, limit int) ([]kith.Quarantined, error) {
	return s.quarantined(ctx, `WHERE s.account = ? AND q.next_try <= ? ORDER BY q.next_try, s.name, q.ref LIMIT ?`, store.Clean(account), now.UnixMicro(), max(limit, 0))
}

// Quarantine implements [store.Recorder].
func (s *Store) Quarantine(ctx context.Context, account string) ([]kith.Quarantined, error) {
	return s.quarantined(ctx, `WHERE ? IN ('', s.account) ORDER BY s.account, s.name, q.since, q.ref`, store.Clean(account))
}

func (s *Store) quarantined(ctx context.Context, where string, args ...any) ([]kith.Quarantined, error) {
	var items []kith.Quarantined
	err := s.read(ctx, fmt.Sprintf("read the quarantine of account %q", args[0]), func(tx tx) error {
		return tx.each(ctx, `SELECT s.account, s.name, q.ref, q.cause, q.since, q.attempts, q.next_try
			FROM quarantine q JOIN streams s ON s.n = q.stream `+where, args,
			func(scan func(...any) error) error {
				q, err := scanQuarantined(scan)
				items = append(items, q)
				return err
			})
	})
	return items, err
}

func scanQuarantined(scan func(...any) error) (q kith.Quarantined, err error) {
	var since, next sql.NullInt64
	err = scan(&q.Account, &q.Stream, &q.Ref, &q.Cause, &since, &q.Attempts, &next)
	q.Since, q.NextTry = timeOf(since), timeOf(next)
	return q, err
}
