package syncer

import (
	"context"
	"errors"
	"fmt"

	"kith"
)

// searchGroup is how many addresses are searched for at once.
const searchGroup = 16

// lookBack makes good for a stream what it was read without: mail with people who have become
// contacts since. Few addresses are searched for on the server; for many, or
// where it can't search, the stream is read again. more says that something is left.
func (r *mailRun) lookBack(ctx context.Context, stream kith.Stream) (more bool, err error) {
	for {
		state, err := r.Store.Stream(ctx, r.account, stream.Name)
		if err != nil {
			return false, fmt.Errorf("read the stream's state: %w", err)
		}
		if state.LookBack() == 0 {
			return false, nil
		}
		if r.stopped(ctx) || r.late() {
			return true, nil
		}
		more, err := r.lookBackOnce(ctx, stream, state)
		switch {
		case errors.Is(err, kith.ErrStaleCursor):
			return true, nil // another run reads the stream
		case err != nil:
			return false, fmt.Errorf("look back: %w", err)
		case more:
			return true, nil
		}
	}
}

// lookBackOnce searches for some addresses, or reads the stream again.
func (r *mailRun) lookBackOnce(ctx context.Context, stream kith.Stream, state kith.StreamStatus) (more bool, err error) {
	// What is recorded below is matched after this, so by contacts that have these addresses.
	sought, ok, err := r.Store.Sought(ctx, state.LookedBack)
	if err != nil {
		return false, err
	}
	upTo := state.Sought
	if len(sought) > searchGroup {
		sought = sought[:searchGroup]
		upTo = sought[len(sought)-1].N
	}
	var patterns []string
	for _, s := range sought {
		var spellings []string
		if spellings, ok = r.Matcher.Spellings(s.Address); !ok {
			break
		}
		patterns = append(patterns, spellings...)
	}
	if !ok {
		return r.readAgain(ctx, stream, state)
	}
	more, err = r.search(ctx, stream, state, patterns, upTo)
	if errors.Is(err, kith.ErrNoSearch) {
		r.Log.Info("reading the stream again to look back, for searching it is of no use", "account", r.account, "stream", stream.Name, "why", err)
		return r.readAgain(ctx, stream, state)
	}
	return more, err
}

// search records what is found of some addresses. The watermark moves last, so a run that
// is cut off searches for them again.
func (r *mailRun) search(ctx context.Context, stream kith.Stream, state kith.StreamStatus, patterns []string, upTo int64) (more bool, err error) {
	record := func(d decided, upTo int64) error {
		done, err := r.Store.Record(ctx, kith.Recording{
			Account: r.account, Stream: stream.Name, Base: state.Cursor, Next: state.Cursor, At: r.Now(),
			Captured: d.captured, Gone: d.Gone, Quarantined: d.failed, Released: d.released, Bounced: d.bounced,
			Backfilled: state.Backfilled, Again: true, LookedBack: upTo,
		})
		if err != nil {
			return fmt.Errorf("record: %w", err)
		}
		if done.Erased > 0 {
			d.skipped[kith.ReasonErased] += done.Erased
		}
		r.report(Progress{Stream: stream.Name, Items: d.items, Recorded: done, Skipped: d.skipped, Failed: len(d.failed)})
		return nil
	}
	if len(patterns) > 0 {
		for batch, err := range r.source.Search(ctx, stream, patterns) {
			if err != nil {
				return false, err
			}
			d, err := r.match(ctx, stream, batch, state.Quarantined > 0)
			if err != nil {
				return false, err
			}
			if err := record(d, 0); err != nil {
				return false, err
			}
			if r.stopped(ctx) {
				return true, nil
			}
		}
	}
	return false, record(decided{}, upTo)
}

// readAgain reads a stream from the horizon. Once it has begun, nothing is owed
// any more: the rest is a backfill as any other.
func (r *mailRun) readAgain(ctx context.Context, stream kith.Stream, state kith.StreamStatus) (more bool, err error) {
	_, err = r.Store.Record(ctx, kith.Recording{
		Account: r.account, Stream: stream.Name, Base: state.Cursor, Next: "", At: r.Now(), Recount: true, LookedBack: state.Sought,
	})
	if err != nil {
		return false, fmt.Errorf("record: %w", err)
	}
	return r.stream(ctx, r, stream, true)
}
