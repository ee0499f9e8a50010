package postgres

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"kith"
	"kith/store"
)

// quarantine writes the items that could not be read.
func (tx tx) quarantine(ctx context.Context, stream int64, rec kith.Recording) error {
	if len(rec.Quarantined) == 0 {
		return nil
	}
	var refs []string
	for _, f := range rec.Quarantined {
		refs = append(refs, f.Ref)
	}
	attempts := make(map[string]int)
	err := tx.each(ctx, `SELECT ref, attempts FROM quarantine WHERE stream = $1 AND ref = ANY ($2::text[])`, []any{stream, refs},
		func(scan func(...any) error) error {
			var ref string
			var n int
			err := scan(&ref, &n)
			attempts[ref] = n
			return err
		})
	if err != nil {
		return err
	}
	var rows pgx.Batch
	for _, f := range rec.Quarantined {
		attempts[f.Ref]++
		n := attempts[f.Ref]
		rows.Queue(`INSERT INTO quarantine (stream, ref, cause, since, attempts, next_try) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (stream, ref) DO UPDATE SET cause = excluded.cause, attempts = excluded.attempts, next_try = excluded.next_try`,
			stream, f.Ref, f.Cause, rec.At, n, rec.At.Add(store.QuarantineRetry(n)))
	}
	return tx.SendBatch(ctx, &rows).Close()
}

// queueRelease takes out of quarantine what has an outcome by now.
func queueRelease(statements *pgx.Batch, stream int64, rec kith.Recording) {
	done := append(append(make([]string, 0, len(rec.Released)+len(rec.Gone)+len(rec.Captured)), rec.Released...), rec.Gone...)
	for i := range rec.Captured {
		done = append(done, rec.Captured[i].Ref)
	}
	if len(done) > 0 {
		statements.Queue(`DELETE FROM quarantine WHERE stream = $1 AND ref = ANY ($2::text[])`, stream, done)
	}
}

// DueQuarantine implements [store.Recorder].
func (s *Store) DueQuarantine(ctx context.Context, account string, now time.Time, limit int) ([]kith.Quarantined, error) {
	account = store.Clean(account)
	return s.quarantined(ctx, account, `WHERE s.account = $1 AND q.next_try <= $2 ORDER BY q.next_try, s.name, q.ref LIMIT $3`, account, now, max(limit, 0))
}

// Quarantine implements [store.Recorder].
func (s *Store) Quarantine(ctx context.Context, account string) ([]kith.Quarantined, error) {
	account = store.Clean(account)
	return s.quarantined(ctx, account, `WHERE $1 IN ('', s.account) ORDER BY s.account, s.name, q.since, q.ref`, account)
}

func (s *Store) quarantined(ctx context.Context, account, where string, args ...any) ([]kith.Quarantined, error) {
	var items []kith.Quarantined
	err := s.read(ctx, fmt.Sprintf("read the quarantine of account %q", account), func(tx tx) error {
		items = nil
		return tx.each(ctx, `SELECT s.account, s.name, q.ref, q.cause, q.since, q.attempts, q.next_try
			FROM quarantine q JOIN streams s ON s.n = q.stream `+where, args,
			func(scan func(...any) error) error {
				var q kith.Quarantined
				err := scan(&q.Account, &q.Stream, &q.Ref, &q.Cause, &q.Since, &q.Attempts, &q.NextTry)
				items = append(items, q)
				return err
			})
	})
	return items, err
}
