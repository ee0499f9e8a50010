package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"kith"
	"kith/store"
)

// stream is a row of streams.
type stream struct {
	n           int64 // 0: there is none
	account     string
	name        string
	cursor      []byte // any bytes
	recorded    int
	skipped     map[kith.Reason]int
	backfilled  float64
	lastSuccess *time.Time
	failure     string
	lookedBack  int64
}

const streamColumns = `s.n, s.account, s.name, s.cursor, s.recorded, s.skipped, s.backfilled, s.last_success, s.error, s.looked_back`

func scanStream(scan func(...any) error, more ...any) (stream, error) {
	var st stream
	var skipped []byte
	err := scan(append([]any{&st.n, &st.account, &st.name, &st.cursor, &st.recorded, &skipped, &st.backfilled, &st.lastSuccess, &st.failure, &st.lookedBack}, more...)...)
	if err != nil {
		return stream{}, err
	}
	if err := json.Unmarshal(skipped, &st.skipped); err != nil {
		return stream{}, fmt.Errorf("decode the counters of stream %s/%s: %w", st.account, st.name, err)
	}
	return st, nil
}

func (st stream) status() kith.StreamStatus {
	status := kith.StreamStatus{
		Name:       st.name,
		Cursor:     kith.Cursor(st.cursor),
		Recorded:   st.recorded,
		Skipped:    st.skipped,
		Backfilled: st.backfilled,
		Error:      st.failure,
		LookedBack: st.lookedBack,
	}
	if st.lastSuccess != nil {
		status.LastSuccess = *st.lastSuccess
	}
	return status
}

// Stream implements [store.Recorder].
func (s *Store) Stream(ctx context.Context, account, name string) (kith.StreamStatus, error) {
	account, name = store.Clean(account), store.Clean(name)
	var status kith.StreamStatus
	err := s.read(ctx, fmt.Sprintf("read the state of stream %s/%s", account, name), func(tx tx) error {
		status = kith.StreamStatus{Name: name, Skipped: make(map[kith.Reason]int)}
		found := false
		err := tx.each(ctx, `SELECT `+streamColumns+`, (SELECT count(*) FROM quarantine WHERE stream = s.n), `+soughtNewest+`
			FROM streams s WHERE s.account = $1 AND s.name = $2`, []any{account, name},
			func(scan func(...any) error) error {
				var quarantined int
				var sought int64
				st, err := scanStream(scan, &quarantined, &sought)
				found, status = true, st.status()
				status.Quarantined, status.Sought = quarantined, sought
				return err
			})
		if err != nil || found {
			return err
		}
		return tx.one(ctx, `SELECT `+soughtNewest, nil, &status.Sought)
	})
	return status, err
}

// queueFence asks for a stream, and keeps others from it to the end of the
// transaction.
func queueFence(queries *pgx.Batch, account, name string, st *stream) {
	queueEach(queries, `SELECT `+streamColumns+` FROM streams s WHERE s.account = $1 AND s.name = $2 FOR UPDATE`, []any{account, name},
		func(scan func(...any) error) (err error) {
			*st, err = scanStream(scan)
			return err
		})
}

// StreamDone implements [store.Recorder].
func (s *Store) StreamDone(ctx context.Context, account, name string, at time.Time, failure string) error {
	account, name, failure = store.Clean(account), store.Clean(name), store.Clean(failure)
	return s.write(ctx, fmt.Sprintf("note the end of stream %s/%s", account, name), func(tx tx) error {
		if failure != "" {
			_, err := tx.Exec(ctx, `INSERT INTO streams (account, name, error) VALUES ($1, $2, $3)
				ON CONFLICT (account, name) DO UPDATE SET error = excluded.error`, account, name, failure)
			return err
		}
		_, err := tx.Exec(ctx, `INSERT INTO streams (account, name, last_success) VALUES ($1, $2, $3)
			ON CONFLICT (account, name) DO UPDATE SET last_success = excluded.last_success, error = ''`, account, name, at)
		return err
	})
}

// How many refs are read in one transaction.
const refsPage = 5000

// Refs implements [store.Recorder].
func (s *Store) Refs(ctx context.Context, account, name string) iter.Seq2[string, error] {
	return s.refs(ctx, account, name, `SELECT ref FROM evidence
		WHERE stream = (SELECT n FROM streams WHERE account = $1 AND name = $2) AND ref > $3 AND NOT gone
		ORDER BY ref LIMIT $4`)
}

// refs yields what a query finds for a stream, behind a ref and as many as it may.
func (s *Store) refs(ctx context.Context, account, name, query string) iter.Seq2[string, error] {
	account, name = store.Clean(account), store.Clean(name)
	return func(yield func(string, error) bool) {
		page := make([]string, 0, refsPage)
		for last := ""; ; last = page[len(page)-1] {
			err := s.read(ctx, fmt.Sprintf("read the refs of stream %s/%s", account, name), func(tx tx) error {
				page = page[:0]
				return tx.each(ctx, query, []any{account, name, last, refsPage},
					func(scan func(...any) error) error {
						var ref string
						err := scan(&ref)
						page = append(page, ref)
						return err
					})
			})
			if err != nil {
				yield("", err)
				return
			}
			for _, ref := range page {
				if !yield(ref, nil) {
					return
				}
			}
			if len(page) < refsPage {
				return
			}
		}
	}
}
