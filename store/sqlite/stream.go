package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"iter"
	"time"

	"kith"
	"kith/store"
)

// stream is a row of streams.
type stream struct {
	n           int64 // 0: there is none
	account     string
	name        string
	cursor      kith.Cursor
	recorded    int
	skipped     map[kith.Reason]int
	backfilled  float64
	lastSuccess sql.NullInt64
	failure     string
	lookedBack  int64
}

const streamColumns = `n, account, name, cursor, recorded, skipped, backfilled, last_success, error, looked_back`

func scanStream(scan func(...any) error) (stream, error) {
	var st stream
	var skipped []byte
	err := scan(&st.n, &st.account, &st.name, &st.cursor, &st.recorded, &skipped, &st.backfilled, &st.lastSuccess, &st.failure, &st.lookedBack)
	if err != nil {
		return stream{}, err
	}
	if err := json.Unmarshal(skipped, &st.skipped); err != nil {
		return stream{}, fmt.Errorf("decode the counters of stream %s/%s: %w", st.account, st.name, err)
	}
	return st, nil
}

// stream finds a stream.
func (tx tx) stream(ctx context.Context, account, name string) (stream, error) {
	st := stream{account: account, name: name}
	err := tx.each(ctx, `SELECT `+streamColumns+` FROM streams WHERE account = ? AND name = ?`, []any{account, name},
		func(scan func(...any) error) (err error) {
			st, err = scanStream(scan)
			return err
		})
	if st.skipped == nil {
		st.skipped = make(map[kith.Reason]int)
	}
	return st, err
}

// knownStream finds a stream, or makes it.
func (tx tx) knownStream(ctx context.Context, account, name string) (stream, error) {
	st, err := tx.stream(ctx, account, name)
	if err != nil || st.n != 0 {
		return st, err
	}
	made, err := tx.ExecContext(ctx, `INSERT INTO streams (account, name) VALUES (?, ?)`, account, name)
	if err != nil {
		return stream{}, err
	}
	st.n, err = made.LastInsertId()
	return st, err
}

// Stream implements [store.Recorder].
func (s *Store) Stream(ctx context.Context, account, name string) (kith.StreamStatus, error) {
	account, name = store.Clean(account), store.Clean(name)
	var status kith.StreamStatus
	err := s.read(ctx, fmt.Sprintf("read the state of stream %s/%s", account, name), func(tx tx) error {
		st, err := tx.stream(ctx, account, name)
		if err != nil {
			return err
		}
		status = st.status()
		if status.Sought, err = tx.soughtNewest(ctx); err != nil {
			return err
		}
		return tx.one(ctx, `SELECT count(*) FROM quarantine WHERE stream = ?`, []any{st.n}, &status.Quarantined)
	})
	return status, err
}

func (st stream) status() kith.StreamStatus {
	return kith.StreamStatus{
		Name:        st.name,
		Cursor:      st.cursor,
		LastSuccess: timeOf(st.lastSuccess),
		Recorded:    st.recorded,
		Skipped:     st.skipped,
		Backfilled:  st.backfilled,
		Error:       st.failure,
		LookedBack:  st.lookedBack,
	}
}

// StreamDone implements [store.Recorder].
func (s *Store) StreamDone(ctx context.Context, account, name string, at time.Time, failure string) error {
	account, name, failure = store.Clean(account), store.Clean(name), store.Clean(failure)
	return s.write(ctx, fmt.Sprintf("note the end of stream %s/%s", account, name), func(tx tx) error {
		st, err := tx.knownStream(ctx, account, name)
		if err != nil {
			return err
		}
		if failure != "" {
			_, err = tx.exec(ctx, `UPDATE streams SET error = ? WHERE n = ?`, failure, st.n)
		} else {
			_, err = tx.exec(ctx, `UPDATE streams SET last_success = ?, error = '' WHERE n = ?`, micros(at), st.n)
		}
		return err
	})
}

// How many refs are read in one transaction.
const refsPage = 5000

// Refs implements [store.Recorder].
func (s *Store) Refs(ctx context.Context, account, name string) iter.Seq2[string, error] {
	return s.refs(ctx, account, name, `SELECT ref FROM evidence WHERE stream = ?1 AND ref > ?2 AND gone = 0 ORDER BY ref LIMIT ?3`)
}

// refs yields what a query finds for a stream, behind a ref and as many as it may.
func (s *Store) refs(ctx context.Context, account, name, query string) iter.Seq2[string, error] {
	account, name = store.Clean(account), store.Clean(name)
	return func(yield func(string, error) bool) {
		page := make([]string, 0, refsPage)
		for last := ""; ; last = page[len(page)-1] {
			page = page[:0]
			err := s.read(ctx, fmt.Sprintf("read the refs of stream %s/%s", account, name), func(tx tx) error {
				st, err := tx.stream(ctx, account, name)
				if err != nil {
					return err
				}
				return tx.each(ctx, query, []any{st.n, last, refsPage},
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

// timeOf is the inverse of micros.
func timeOf(t sql.NullInt64) time.Time {
	if !t.Valid {
		return time.Time{}
	}
	return time.UnixMicro(t.Int64).UTC()
}
