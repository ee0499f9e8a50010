package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"kith"
	"kith/store/internal/capture"
)

// Record implements [store.Recorder].
func (s *Store) Record(ctx context.Context, rec kith.Recording) (kith.Recorded, error) {
	what := fmt.Sprintf("record stream %s/%s", rec.Account, rec.Stream)
	if rec.At.IsZero() {
		return kith.Recorded{}, errors.New(what + ": a recording needs its time")
	}
	rec = capture.Clean(rec)
	var done kith.Recorded
	err := s.write(ctx, what, func(tx tx) error {
		st, err := tx.knownStream(ctx, rec.Account, rec.Stream)
		if err != nil {
			return err
		}
		if st.cursor != rec.Base {
			return kith.ErrStaleCursor
		}
		withdrawn, err := tx.withdraw(ctx, st.n, &rec)
		if err != nil {
			return err
		}
		if done, err = tx.capture(ctx, st.n, rec.At, rec.Captured); err != nil {
			return err
		}
		if err := tx.gone(ctx, st.n, rec.Gone); err != nil {
			return err
		}
		cancelled, err := tx.settle(ctx, withdrawn)
		if err != nil {
			return err
		}
		done.Cancelled += cancelled
		if err := tx.quarantine(ctx, st.n, rec); err != nil {
			return err
		}
		if done.Bounced, err = tx.bounce(ctx, rec.Bounced); err != nil {
			return err
		}
		if err := tx.suggest(ctx, st.n, rec); err != nil {
			return err
		}
		return tx.advance(ctx, st, rec, done)
	})
	if err != nil {
		return kith.Recorded{}, err
	}
	return done, nil
}

// gone marks evidence.
func (tx tx) gone(ctx context.Context, stream int64, refs []string) error {
	if len(refs) == 0 {
		return nil
	}
	_, err := tx.exec(ctx, `UPDATE evidence SET gone = 1
		WHERE stream = ? AND ref IN (SELECT value FROM json_each(?)) AND gone = 0`, stream, list(refs))
	return err
}

// advance moves the stream's cursor and counters.
func (tx tx) advance(ctx context.Context, st stream, rec kith.Recording, done kith.Recorded) error {
	if rec.Recount {
		st.recorded, st.backfilled = 0, 0
		clear(st.skipped)
	}
	st.recorded += done.New
	if !rec.Again {
		st.recorded += done.Known
	}
	st.backfilled = max(st.backfilled, rec.Backfilled)
	for reason, n := range rec.Skipped {
		if n != 0 {
			st.skipped[reason] += n
		}
	}
	if done.Erased > 0 && !rec.Again {
		st.skipped[kith.ReasonErased] += done.Erased
	}
	skipped, err := json.Marshal(st.skipped)
	if err != nil {
		return err
	}
	_, err = tx.exec(ctx, `UPDATE streams SET cursor = ?, recorded = ?, skipped = ?, backfilled = ?, looked_back = ? WHERE n = ?`,
		string(rec.Next), st.recorded, string(skipped), st.backfilled, max(st.lookedBack, rec.LookedBack), st.n)
	return err
}
