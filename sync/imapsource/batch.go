package imapsource

import (
	"context"

	"kith"
)

// taker makes batches of chunks and sends them to the caller of Changes.
type taker struct {
	pass     *pass
	backfill bool
	// advance moves the cursor past the first n messages of a chunk, n > 0.
	advance func(c *chunk, n int)
}

// room implements sink.
func (t *taker) room() bool {
	select {
	case <-t.pass.stop:
		return false
	default:
		return len(t.pass.out) < cap(t.pass.out) // nobody else sends
	}
}

// put implements sink. Messages after one without a result are dropped, since a
// cursor can't tell of holes; they come again.
func (t *taker) put(ctx context.Context, c *chunk) error {
	n := c.settled()
	if n == 0 {
		return nil
	}
	batch := kith.Batch{Backfill: t.backfill}
	t.pass.fill(&batch, c, n)
	t.advance(c, n)
	return t.pass.send(ctx, batch)
}

// fill adds the first n messages of a chunk to a batch, but for those from before
// the horizon. A message that was put into the folder since the horizon or was
// written since then is kept: servers' clocks go wrong, and mail moves in from
// elsewhere with either date.
func (p *pass) fill(batch *kith.Batch, c *chunk, n int) {
	since := p.cur.Since
	for i := range c.results[:n] {
		res := &c.results[i]
		if res.state == read && !res.item.Received.IsZero() && res.item.Received.Before(since) && res.item.Message.Date.Before(since) {
			p.skip(kith.ReasonBeforeHorizon, 1)
			continue
		}
		c.add(batch, p.mb.validity, i)
	}
}

// add adds the message at index i to a batch.
func (c *chunk) add(batch *kith.Batch, validity uint32, i int) {
	switch res := &c.results[i]; res.state {
	case read:
		batch.Items = append(batch.Items, res.item)
	case gone:
		batch.Gone = append(batch.Gone, formatRef(validity, c.uids[i]))
	case failed:
		batch.Failed = append(batch.Failed, kith.Failure{Ref: formatRef(validity, c.uids[i]), Cause: res.cause})
	}
}

// send hands a batch to the caller, with the cursor as it is now and whatever is
// to be told beside it.
func (p *pass) send(ctx context.Context, batch kith.Batch) error {
	batch.Cursor = p.cur.encode()
	if b := p.cur.Back; b != nil {
		batch.Done, batch.Total = int(b.Total-b.Left), int(b.Total)
	}
	batch.Restarted, batch.Warnings, batch.Skipped = p.restarted, p.warnings, p.skipped
	select { // it decides alone when both are possible
	case <-p.stop:
		return errStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	default:
	}
	select {
	case p.out <- batch:
		p.sent, p.restarted, p.warnings, p.skipped = batch.Cursor, "", nil, nil
		return nil
	case <-p.stop:
		return errStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
