package sqlite

import (
	"context"
	"time"

	"kith"
	"kith/store/internal/capture"
)

// batch is a batch of captured interactions and where it is written.
type batch struct {
	*capture.Batch
	tx       tx
	stream   int64
	at       time.Time
	captured []kith.Captured
	byNumber map[int64]*capture.Entry // those on file
	last     int64                    // the number of the last interaction
}

// capture writes captured interactions and the places where they were seen.
func (tx tx) capture(ctx context.Context, stream int64, at time.Time, captured []kith.Captured) (kith.Recorded, error) {
	if len(captured) == 0 {
		return kith.Recorded{}, nil
	}
	b := &batch{tx: tx, stream: stream, at: at, captured: captured, byNumber: make(map[int64]*capture.Entry)}
	b.Batch = capture.New(captured, b.newID)
	if err := b.read(ctx); err != nil {
		return kith.Recorded{}, err
	}
	done := b.Walk()
	if err := b.compare(ctx); err != nil {
		return done, err
	}
	if err := b.write(ctx); err != nil {
		return done, err
	}
	return done, tx.sight(ctx, b.Sighted())
}

func (b *batch) newID() kith.ID {
	id := newID(b.at, b.last)
	b.last = numberOf(id)
	return id
}
