package simulation_test

import (
	"context"
	"errors"
	"iter"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"kith"
	syncer "kith/sync"
)

// What a poll costs. Each poll draws from a sequence of its own, so that what happens to
// an account does not depend on which goroutine ran first.
//
//   - 90 % of polls that find nothing take 50 to 300 ms, 9 % up to 2 s, 1 % up to 20 s;
//   - 0.3 % fail after a second, 0.2 % are told to wait, for a minute or a quarter of an hour;
//   - reading the past takes 10 s in the middle (log-normal, sigma 1: 1 % over 100 s);
//   - a host that is away lets connections hang.
const (
	seed     = 20260101
	hangs    = time.Minute     // until the source gives up
	batch    = 2 * time.Second // of the past
	pastMid  = 10 * time.Second
	pastWide = 1.0
)

// drawn is what one poll takes and how it ends.
func drawn(rng *rand.Rand) (time.Duration, error) {
	between := func(a, b time.Duration) time.Duration { return a + time.Duration(rng.Int64N(int64(b-a))) }
	switch p := rng.Float64(); {
	case p < 0.003:
		return time.Second, errors.New("connection reset")
	case p < 0.005:
		return between(50*time.Millisecond, 300*time.Millisecond),
			&kith.Fault{Kind: kith.FaultThrottled, RetryAfter: between(time.Minute, 15*time.Minute), Err: errors.New("too many requests")}
	case p < 0.015:
		return between(2*time.Second, 20*time.Second), nil
	case p < 0.105:
		return between(300*time.Millisecond, 2*time.Second), nil
	default:
		return between(50*time.Millisecond, 300*time.Millisecond), nil
	}
}

// batches is how many batches the past of an account has.
func batches(number int) int {
	rng := rand.New(rand.NewPCG(seed, uint64(number)<<32))
	return 1 + int(float64(pastMid)*math.Exp(pastWide*rng.NormFloat64())/float64(batch))
}

// mailbox is the source of one poll of one account.
type mailbox struct {
	rng    *rand.Rand
	past   int                      // in batches
	away   func(now time.Time) bool // whether its host is
	closed func()
}

var inbox = []kith.Stream{{Name: "INBOX", Role: kith.RoleInbox}}

// Streams takes the time of the whole poll, but for the past.
func (m *mailbox) Streams(ctx context.Context) ([]kith.Stream, error) {
	if m.away(time.Now()) {
		if err := pause(ctx, hangs); err != nil {
			return nil, err
		}
		return nil, errors.New("no answer within a minute")
	}
	took, fault := drawn(m.rng)
	if err := pause(ctx, took); err != nil {
		return nil, err
	}
	return inbox, fault
}

// Changes yields the past in batches. The cursor tells how much of it was read.
func (m *mailbox) Changes(ctx context.Context, _ kith.Stream, cursor kith.Cursor) iter.Seq2[kith.Batch, error] {
	return func(yield func(kith.Batch, error) bool) {
		done := 0
		if cursor != "" {
			var err error
			if done, err = strconv.Atoi(string(cursor)); err != nil {
				yield(kith.Batch{}, err)
				return
			}
		}
		for done < m.past {
			if err := pause(ctx, batch); err != nil {
				yield(kith.Batch{}, err)
				return
			}
			done++
			b := kith.Batch{Cursor: kith.Cursor(strconv.Itoa(done)), Backfill: done < m.past}
			if b.Backfill {
				b.Done, b.Total = done, m.past
			}
			if !yield(b, nil) {
				return
			}
		}
	}
}

func (m *mailbox) Fetch(context.Context, kith.Stream, []string) (kith.Batch, error) {
	return kith.Batch{}, errors.New("nothing is quarantined here")
}

func (m *mailbox) Find(context.Context, kith.Stream, string) ([]string, error) { return nil, nil }

func (m *mailbox) Search(context.Context, kith.Stream, []string) iter.Seq2[kith.Batch, error] {
	return func(yield func(kith.Batch, error) bool) { yield(kith.Batch{}, kith.ErrNoSearch) }
}

func (m *mailbox) Close() error {
	m.closed()
	return nil
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

var _ syncer.Source = (*mailbox)(nil)
