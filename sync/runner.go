package syncer

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// Runner polls accounts as they fall due, on one machine. The schedule is in
// the store, so a restart neither forgets nor repeats a run. An account is polled by
// one worker at a time; a run that takes longer than its interval is not queued twice.
type Runner struct {
	*Worker
	Grace time.Duration // how long running batches may go on after a stop

	turned atomic.Int64 // UnixNano of the last turn of the loop
}

const (
	turn = time.Second           // how often the runner looks for due accounts
	soon = 50 * time.Millisecond // the same while more are due than workers or hosts could take
)

// Turned returns when the loop last found its way round: the sign that it lives.
func (r *Runner) Turned() time.Time { return time.Unix(0, r.turned.Load()) }

// Run polls until ctx is done. Then nothing new is begun, running polls end after
// the batch at hand, and what still runs after Grace is cut off; what it did
// not record is read again next time. Run returns when all its work has ended.
func (r *Runner) Run(ctx context.Context) error {
	hard, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	living, die := context.WithCancel(context.WithoutCancel(ctx))
	var beating sync.WaitGroup
	beating.Go(func() { r.Beat(living) })
	defer beating.Wait()
	defer die()

	var running sync.WaitGroup
	slots := make(chan struct{}, r.Daemon.Workers)
	ticker := time.NewTicker(turn)
	defer ticker.Stop()
	var storeDown failure

	for {
		r.turned.Store(time.Now().UnixNano())
		more := true
		if free := cap(slots) - len(slots); free > 0 {
			due, err := r.ClaimDue(ctx, free)
			if ctx.Err() == nil {
				storeDown.log(r.Poller.Log, "look for due accounts", err)
			}
			more = len(due) == free
			for _, account := range due {
				slots <- struct{}{}
				running.Add(1)
				go func() {
					defer running.Done()
					defer func() { <-slots }()
					r.Work(hard, ctx.Done(), account)
				}()
			}
		}
		var again <-chan time.Time
		if more || r.Crowded() {
			again = time.After(soon)
		}
		select {
		case <-ctx.Done():
			stop := time.AfterFunc(r.Grace, cut)
			running.Wait()
			stop.Stop()
			return nil
		case <-ticker.C:
		case <-again:
		}
	}
}

// failure logs a repeating error when it begins and when it is over.
type failure struct {
	text  string
	times int
}

func (f *failure) log(log *slog.Logger, doing string, err error) {
	switch {
	case err != nil && err.Error() != f.text:
		f.text, f.times = err.Error(), 1
		log.Error("the register fails", "doing", doing, "err", err)
	case err != nil:
		f.times++
	case f.text != "":
		log.Info("the register works again", "doing", doing, "failures", f.times)
		*f = failure{}
	}
}
