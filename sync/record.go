package syncer

import (
	"context"
	"fmt"
	"time"

	"kith"
)

// recorder gathers decided batches of one stream and writes them, with the
// cursor, in transactions of a good size.
type recorder struct {
	*mailRun
	stream     kith.Stream
	base       kith.Cursor // what is stored
	backfilled float64
	recount    bool  // the stream is read from the horizon: its counters start anew
	sought     int64 // the newest address for look-back that everything is matched with

	rec   kith.Recording // what is gathered
	items int
	// enough items are written without waiting for more: few at first, so that
	// something is to be seen soon and a run that is cut off early is not for nothing.
	enough int
	since  time.Time // when gathering began; zero when there is nothing
	last   kith.Batch
}

// all records what comes until the channel is closed. What was gathered is
// written even if the reader ended with an error, for it is complete.
func (c *recorder) all(ctx context.Context, batches <-chan decided) error {
	timer := time.NewTimer(mostWait)
	defer timer.Stop()
	for {
		select {
		case d, open := <-batches:
			if !open {
				return c.flush(ctx)
			}
			if c.since.IsZero() {
				timer.Reset(mostWait)
			}
			c.gather(d)
			full := len(c.rec.Captured) >= mostCaptured || c.items >= c.enough
			if d.Present != nil {
				if err := c.reconcile(ctx, d.Present); err != nil {
					return err
				}
			} else if !d.Backfill || full {
				if err := c.flush(ctx); err != nil {
					return err
				}
				c.enough = min(2*c.enough, mostItems)
			}
		case <-timer.C:
			if err := c.flush(ctx); err != nil {
				return err
			}
			timer.Reset(mostWait)
		}
	}
}

func (c *recorder) gather(d decided) {
	if c.since.IsZero() {
		c.since = time.Now()
		c.rec = kith.Recording{Account: c.account, Stream: c.stream.Name, Skipped: map[kith.Reason]int{}}
	}
	c.rec.Captured = append(c.rec.Captured, d.captured...)
	c.rec.Gone = append(c.rec.Gone, d.Gone...)
	c.rec.Withdrawn = append(c.rec.Withdrawn, d.withdrawn...)
	c.rec.Covered = append(c.rec.Covered, d.Covered...)
	c.rec.Quarantined = append(c.rec.Quarantined, d.failed...)
	c.rec.Released = append(c.rec.Released, d.released...)
	c.rec.Bounced = append(c.rec.Bounced, d.bounced...)
	c.rec.Suggested = append(c.rec.Suggested, d.suggested...)
	for reason, n := range d.skipped {
		c.rec.Skipped[reason] += n
	}
	c.rec.Recount = c.rec.Recount || c.recount || d.Restarted != ""
	c.recount = false
	if c.rec.Recount { // all of it will be matched with what is known by now
		c.rec.LookedBack = c.sought
	}
	c.rec.Next = d.Cursor
	c.items += d.items + len(d.failed)
	c.last = d.Batch
	switch {
	case d.Total > 0:
		c.backfilled = min(1, float64(d.Done)/float64(d.Total))
	case d.Cursor != c.base:
		c.backfilled = 1
	}
}

// flush writes what is gathered.
func (c *recorder) flush(ctx context.Context) error {
	if c.since.IsZero() {
		return nil
	}
	rec := c.rec
	rec.Base = c.base
	rec.At = c.Now()
	rec.Backfilled = c.backfilled

	var done kith.Recorded
	if c.opts.DryRun == nil {
		var err error
		if done, err = c.Store.Record(ctx, rec); err != nil {
			return fmt.Errorf("record: %w", err)
		}
		c.base = rec.Next
		if rec.Recount {
			c.begun[c.stream.Name] = true
		}
		if done.Erased > 0 {
			rec.Skipped[kith.ReasonErased] += done.Erased
		}
	}
	c.report(Progress{
		Stream: c.stream.Name, Items: c.items, Recorded: done, Skipped: rec.Skipped,
		Failed: len(rec.Quarantined), Done: c.last.Done, Total: c.last.Total,
	})
	c.rec, c.items, c.since = kith.Recording{}, 0, time.Time{}
	return nil
}

// reconcile marks as gone what the register has seen in the stream and the
// source, which listed all of it, has not. The cursor moves last, so that a
// run that is cut off lists again.
func (c *recorder) reconcile(ctx context.Context, present func(ref string) bool) error {
	next, seen := c.rec.Next, c.rec.Captured
	if c.opts.DryRun != nil {
		return c.flush(ctx)
	}
	here := make(map[string]bool, len(seen)) // gathered, not yet stored
	for _, captured := range seen {
		here[captured.Ref] = true
	}
	var absent []string
	for ref, err := range c.Store.Refs(ctx, c.account, c.stream.Name) {
		if err != nil {
			return fmt.Errorf("read the known refs: %w", err)
		}
		if !present(ref) && !here[ref] {
			absent = append(absent, ref)
		}
	}
	if c.stream.Role == kith.RoleCalendar {
		c.rec.Withdrawn = append(c.rec.Withdrawn, gone(absent)...)
		return c.flush(ctx)
	}
	for len(absent) > goneBatch {
		part := kith.Recording{
			Account: c.account, Stream: c.stream.Name, Base: c.base, Next: c.base,
			At: c.Now(), Gone: absent[:goneBatch], Backfilled: c.backfilled,
		}
		if _, err := c.Store.Record(ctx, part); err != nil {
			return fmt.Errorf("record what is gone: %w", err)
		}
		absent = absent[goneBatch:]
	}
	c.rec.Gone = append(c.rec.Gone, absent...)
	c.rec.Next = next
	return c.flush(ctx)
}
