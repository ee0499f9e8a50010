package syncer

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"kith"
)

// How much of a backfill is gathered for one transaction: large ones are
// several times as fast as small ones, and all of it is held in memory.
const (
	mostCaptured = 1000
	mostItems    = 5_000
	mostWait     = 2 * time.Second
)

const (
	staleTries      = 3
	quarantineBatch = 100
	goneBatch       = 5000
)

// streamReader reads a stream of one kind.
type streamReader interface {
	// changes reads what is new since the stored cursor, and records it.
	changes(ctx context.Context, stream kith.Stream, state kith.StreamStatus, past bool) (more bool, err error)
	// retryQuarantine reads again what could not be read before and is due.
	retryQuarantine(ctx context.Context, stream kith.Stream, state kith.StreamStatus) error
}

// stream reads one stream. more says that its past was not read to the end.
func (r *run) stream(ctx context.Context, reader streamReader, stream kith.Stream, past bool) (more bool, err error) {
	state, err := r.Store.Stream(ctx, r.account, stream.Name)
	if err != nil {
		return false, fmt.Errorf("read the stream's state: %w", err)
	}
	if !past || stream.Role == kith.RoleCalendar {
		if err := reader.retryQuarantine(ctx, stream, state); err != nil {
			return false, err
		}
	}
	for try := 1; ; try++ {
		more, err = reader.changes(ctx, stream, state, past)
		if !errors.Is(err, kith.ErrStaleCursor) {
			break
		}
		now, stateErr := r.Store.Stream(ctx, r.account, stream.Name)
		if stateErr != nil {
			return false, fmt.Errorf("read the stream's state: %w", stateErr)
		}
		if now.Cursor == state.Cursor || try == staleTries && r.full(stream) {
			break
		}
		if try == staleTries {
			// It is faster, and what it records needs no second run.
			r.Log.Info("another run reads the stream, leaving the rest to it", "account", r.account, "stream", stream.Name)
			return true, nil
		}
		r.Log.Info("another run moved the cursor, going on from it", "account", r.account, "stream", stream.Name)
		state = now
	}
	if r.dry() || ctx.Err() != nil {
		return more, err
	}
	failure := ""
	if err != nil {
		failure = err.Error()
	}
	if failure != state.Error || state.LastSuccess.IsZero() {
		if doneErr := r.Store.StreamDone(ctx, r.account, stream.Name, r.Now(), failure); doneErr != nil {
			return more, errors.Join(err, fmt.Errorf("note the stream's state: %w", doneErr))
		}
	}
	return more, err
}

// dry tells whether nothing is to be written.
func (r *run) dry() bool { return r.opts.DryRun != nil || r.opts.DryRunBook != nil }

// full tells whether a stream is to be read from the horizon. Once the first
// batch of that is recorded, the cursor tells how to go on.
func (r *run) full(stream kith.Stream) bool { return r.opts.Full && !r.begun[stream.Name] }

// decided is a batch with its outcomes.
type decided struct {
	kith.Batch
	captured []kith.Captured
	skipped  map[kith.Reason]int
	bounced  []kith.Bounce
	failed   []kith.Failure
	released []string
	items    int

	withdrawn []kith.Withdrawal

	suggested []kith.Correspondent
}

// changes reads what a source yields from the stored cursor. Reading, deciding
// and recording overlap: the source reads ahead, one goroutine decides, this one records.
func (r *mailRun) changes(ctx context.Context, stream kith.Stream, state kith.StreamStatus, past bool) (more bool, err error) {
	from := state.Cursor
	if r.full(stream) {
		from = ""
	}

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	batches := make(chan decided)
	var readErr error // set before batches is closed
	go func() {
		defer close(batches)
		readErr = r.decide(ctx, stream, from, state.Quarantined > 0, past, &more, batches)
	}()

	rec := &recorder{mailRun: r, stream: stream, base: state.Cursor, backfilled: state.Backfilled, recount: from == "", sought: state.Sought, enough: 1}
	recErr := rec.all(ctx, batches)
	if recErr != nil {
		cancel()
	}
	for range batches { // let the reader end
	}
	if recErr != nil {
		return more, recErr
	}
	return more, readErr
}

// decide reads batches, finds the outcome of every item, and hands them on.
func (r *mailRun) decide(ctx context.Context, stream kith.Stream, from kith.Cursor, release, past bool, more *bool, out chan<- decided) error {
	for batch, err := range r.source.Changes(ctx, stream, from) {
		if err != nil {
			return err
		}
		if batch.Restarted != "" {
			r.Log.Warn("reading the stream from the start again", "account", r.account, "stream", stream.Name, "why", batch.Restarted)
		}
		for _, warning := range batch.Warnings {
			r.Log.Warn("something is odd about the stream", "account", r.account, "stream", stream.Name, "what", warning)
		}
		d, err := r.match(ctx, stream, batch, release)
		if err != nil {
			return err
		}
		select {
		case out <- d:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if r.stopped(ctx) || batch.Backfill && (!past || r.late()) {
			*more = true
			return nil
		}
	}
	return nil
}

// match gives every item of a batch an outcome.
func (r *mailRun) match(ctx context.Context, stream kith.Stream, batch kith.Batch, release bool) (decided, error) {
	d := decided{Batch: batch, items: len(batch.Items), failed: batch.Failed, skipped: map[kith.Reason]int{}}
	if stream.Role == kith.RoleCalendar {
		d.withdrawn, d.Gone = gone(batch.Gone), nil
	}
	for reason, n := range batch.Skipped {
		d.skipped[reason] += n
		d.items += n
	}
	outcomes, err := r.outcomes(ctx, batch.Items)
	if err != nil {
		return decided{}, err
	}
	if made, err := r.create(ctx, outcomes); err != nil {
		return decided{}, err
	} else if made {
		if outcomes, err = r.outcomes(ctx, batch.Items); err != nil {
			return decided{}, err
		}
	}
	d.suggested = r.suggested(outcomes)
	for i, item := range batch.Items {
		outcome := outcomes[i]
		if outcome.Interaction == nil && outcome.Skip == "" {
			d.failed = append(d.failed, kith.Failure{Ref: item.Ref, Cause: "kith could not decide about it (internal error)"})
			continue
		}
		if r.opts.DryRun != nil {
			r.opts.DryRun(stream, item, outcome)
		}
		if release {
			d.released = append(d.released, item.Ref)
		}
		if outcome.Bounced != nil {
			d.bounced = append(d.bounced, *outcome.Bounced)
		}
		if outcome.Interaction == nil {
			d.skipped[outcome.Skip]++
			d.captured = append(d.captured, outcome.Meetings...)
			switch {
			case outcome.Cancelled != nil:
				d.captured = append(d.captured, kith.Captured{Ref: item.Ref, Interaction: outcome.Cancelled})
			case item.Occurrence != nil:
				d.withdrawn = append(d.withdrawn, kith.Withdrawal{Ref: item.Ref, Reason: outcome.Skip})
			}
			continue
		}
		d.captured = append(d.captured, kith.Captured{Ref: item.Ref, Interaction: outcome.Interaction, Sightings: outcome.Sightings})
	}
	d.Items = nil // what strangers wrote is forgotten here
	return d, nil
}

// gone makes withdrawals of refs that are no longer there.
func gone(refs []string) []kith.Withdrawal {
	all := make([]kith.Withdrawal, len(refs))
	for i, ref := range refs {
		all[i] = kith.Withdrawal{Ref: ref, Reason: kith.ReasonGone}
	}
	return all
}

// outcomes matches items. Should the matcher panic, it is asked item by
// item, and the guilty ones get the zero outcome.
func (r *mailRun) outcomes(ctx context.Context, items []kith.Item) ([]kith.Outcome, error) {
	if len(items) == 0 {
		return nil, nil
	}
	outcomes, err := r.tryMatch(ctx, items)
	var crash *crashError
	if !errors.As(err, &crash) {
		return outcomes, err
	}
	outcomes = make([]kith.Outcome, len(items))
	for i := range items {
		one, err := r.tryMatch(ctx, items[i:i+1])
		if errors.As(err, &crash) {
			r.Log.Error("the matcher crashed on an item, which goes into quarantine",
				"account", r.account, "ref", items[i].Ref, "panic", crash.reason, "stack", crash.stack)
			continue
		}
		if err != nil {
			return nil, err
		}
		outcomes[i] = one[0]
	}
	return outcomes, nil
}

type crashError struct{ reason, stack string }

func (e *crashError) Error() string { return "internal error" }

func (r *mailRun) tryMatch(ctx context.Context, items []kith.Item) (outcomes []kith.Outcome, err error) {
	defer func() {
		if v := recover(); v != nil {
			// The type tells where to look; the value might hold somebody's words.
			err = &crashError{reason: fmt.Sprintf("%T", v), stack: string(debug.Stack())}
		}
	}()
	who := r.who
	who.Now = r.Now()
	return r.Matcher.Match(ctx, who, items)
}

// dueRefs are the refs of a stream that could not be read before and are due.
func (r *run) dueRefs(ctx context.Context, stream kith.Stream) (refs []string, err error) {
	due, err := r.Store.DueQuarantine(ctx, r.account, r.Now(), quarantineBatch)
	if err != nil {
		return nil, fmt.Errorf("read the quarantine: %w", err)
	}
	for _, q := range due {
		if q.Stream == stream.Name {
			refs = append(refs, q.Ref)
		}
	}
	return refs, nil
}

// retryQuarantine implements streamReader.
func (r *mailRun) retryQuarantine(ctx context.Context, stream kith.Stream, state kith.StreamStatus) error {
	if state.Quarantined == 0 || r.opts.DryRun != nil {
		return nil
	}
	refs, err := r.dueRefs(ctx, stream)
	if err != nil || len(refs) == 0 {
		return err
	}
	batch, err := r.source.Fetch(ctx, stream, refs)
	if err != nil {
		return fmt.Errorf("read quarantined messages again: %w", err)
	}
	d, err := r.match(ctx, stream, batch, true)
	if err != nil {
		return err
	}
	d.released = append(d.released, batch.Gone...)
	d.Cursor = state.Cursor
	rec := &recorder{mailRun: r, stream: stream, base: state.Cursor, backfilled: state.Backfilled}
	rec.gather(d)
	return rec.flush(ctx)
}
