package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"kith"
	"kith/store/internal/capture"
)

// How often a recording may lose a race before it is done with nobody else
// about.
const racesLost = 2

// Record implements [store.Recorder].
//
// Recordings of one stream wait for each other, those of different streams do
// not: each reads what it needs, and when it writes checks that nobody has
// written the same meanwhile. Then it starts anew. These checks are
//
//   - the stream's row is locked: it is the fence;
//   - what is new in a set of which all members differ (keys, fingerprints,
//     Message-IDs) is inserted, so that the second of two waits for the first and
//     then fails;
//   - interactions and threads that change are locked, and have to be the
//     version that was read;
//   - messages of ours and delivery reports look for each other after both are
//     written, under lockReports.
//
// Locks are taken in one order: stream, lockLinks, threads, interactions,
// Message-IDs, keys, places, identities, lockReports. What else changes interactions holds lockLinks, so
// that no recording is under way.
func (s *Store) Record(ctx context.Context, rec kith.Recording) (kith.Recorded, error) {
	rec = capture.Clean(rec)
	what := fmt.Sprintf("record stream %s/%s", rec.Account, rec.Stream)
	if rec.At.IsZero() {
		return kith.Recorded{}, errors.New(what + ": a recording needs its time")
	}
	var done kith.Recorded
	lost := 0
	err := s.change(ctx, what, modeRecord, func(tx tx) (err error) {
		done, err = tx.record(ctx, rec, lost > racesLost)
		if errors.Is(err, errAlone) {
			lost = racesLost + 1
			return again(err)
		}
		if errors.Is(err, errRace) || isUniqueViolation(err) {
			lost++
			return again(err)
		}
		return err
	})
	if err != nil {
		return kith.Recorded{}, err
	}
	return done, nil
}

// errRace: what was read has been changed since.
var errRace = errors.New("others have recorded the same meanwhile")

func isUniqueViolation(err error) bool {
	var failure *pgconn.PgError
	return errors.As(err, &failure) && failure.Code == "23505" // unique_violation
}

func (tx tx) record(ctx context.Context, rec kith.Recording, alone bool) (done kith.Recorded, err error) {
	b, err := tx.readBatch(ctx, rec, alone)
	if err != nil {
		return done, err
	}
	if kith.Cursor(b.stream.cursor) != rec.Base {
		return done, kith.ErrStaleCursor
	}
	withdrawn, err := tx.withdraw(ctx, b.stream.n, &rec, alone)
	if err != nil {
		return done, err
	}
	if err := b.readEntries(ctx); err != nil {
		return done, err
	}
	done = b.Walk()
	if err := b.compare(ctx); err != nil {
		return done, err
	}
	done.Known += b.same
	if err := b.claim(ctx); err != nil {
		return done, err
	}
	var statements pgx.Batch
	if err := b.write(ctx, &statements); err != nil {
		return done, err
	}
	if len(rec.Gone) > 0 {
		statements.Queue(`UPDATE evidence SET gone = true WHERE stream = $1 AND ref = ANY ($2::text[]) AND NOT gone`, b.stream.n, rec.Gone)
	}
	if err := queueAdvance(&statements, b.stream, rec, done); err != nil {
		return done, err
	}
	queueSighted(&statements, b.Sighted())
	if err := tx.suggest(ctx, &statements, b.stream.n, rec); err != nil {
		return done, err
	}
	waiting := b.queueDeliver(&statements)
	if err := tx.quarantine(ctx, b.stream.n, rec); err != nil {
		return done, err
	}
	queueRelease(&statements, b.stream.n, rec)
	if err := tx.SendBatch(ctx, &statements).Close(); err != nil {
		return done, err
	}
	cancelled, err := tx.settle(ctx, withdrawn)
	if err != nil {
		return done, err
	}
	done.Cancelled += cancelled
	if err := tx.deliver(ctx, waiting); err != nil {
		return done, err
	}
	done.Bounced, err = tx.bounce(ctx, rec.Bounced)
	return done, err
}

// queueAdvance moves the stream's cursor and counters.
func queueAdvance(statements *pgx.Batch, st stream, rec kith.Recording, done kith.Recorded) error {
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
	statements.Queue(`UPDATE streams SET cursor = $2, recorded = $3, skipped = $4::json, backfilled = $5, looked_back = $6 WHERE n = $1`,
		st.n, []byte(rec.Next), st.recorded, string(skipped), st.backfilled, max(st.lookedBack, rec.LookedBack))
	return nil
}
