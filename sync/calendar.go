package syncer

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"kith"
)

// forsake withdraws the meetings of calendars that are no longer among those that are
// read. The cursor goes too: should such a calendar come back, it is read anew.
func (r *mailRun) forsake(ctx context.Context, streams []kith.Stream) error {
	if r.dry() {
		return nil
	}
	known, err := r.Store.Calendars(ctx, r.account)
	if err != nil {
		return fmt.Errorf("look for calendars that are no longer there: %w", err)
	}
	for _, name := range known {
		if slices.ContainsFunc(streams, func(s kith.Stream) bool { return s.Name == name }) {
			continue
		}
		state, err := r.Store.Stream(ctx, r.account, name)
		if err != nil {
			return fmt.Errorf("%s: read the stream's state: %w", name, err)
		}
		var refs []string
		for ref, err := range r.Store.Refs(ctx, r.account, name) {
			if err != nil {
				return fmt.Errorf("%s: read the known refs: %w", name, err)
			}
			refs = append(refs, ref)
		}
		r.Log.Warn("a calendar is no longer there, or include and exclude leave it out: what was planned in it is cancelled", "account", r.account, "stream", name)
		done, err := r.Store.Record(ctx, kith.Recording{Account: r.account, Stream: name, Base: state.Cursor, At: r.Now(), Withdrawn: gone(refs)})
		if err != nil {
			return fmt.Errorf("%s: record: %w", name, err)
		}
		r.report(Progress{Stream: name, Recorded: done})
	}
	return nil
}

// concludeEvery is how often planned meetings are looked at; of several daemons the first
// to come does it.
const concludeEvery = time.Minute

// Concluder is the register as [Conclude] needs it.
type Concluder interface {
	Conclude(ctx context.Context, now time.Time, every time.Duration) (recorded int, err error)
}

// Conclude records planned meetings when they have ended, each minute until ctx is done. What ended while
// nobody looked is recorded with the first look.
func Conclude(ctx context.Context, register Concluder, now func() time.Time, log *slog.Logger) {
	ticker := time.NewTicker(concludeEvery)
	defer ticker.Stop()
	var down failure
	for {
		// A little less than the time between looks, for they are never quite as far apart.
		n, err := register.Conclude(ctx, now(), concludeEvery-10*time.Second)
		if ctx.Err() != nil {
			return
		}
		down.log(log, "record the meetings that have ended", err)
		if n > 0 {
			log.Info("meetings have taken place", "recorded", n)
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}
