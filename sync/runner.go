package syncer

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"kith"
)

// AccountStore is what the runner needs of the register beside [Store].
type AccountStore interface {
	ClaimDue(ctx context.Context, now, lease time.Time, limit int) ([]kith.Account, error)
	PollStarted(ctx context.Context, account string, at time.Time) error
	PollEnded(ctx context.Context, account kith.Account) error
}

// Runner polls accounts as they fall due, on one machine. The schedule is in
// the store, so a restart neither forgets nor repeats a run. An account is polled by
// one worker at a time; a run that takes longer than its interval is not queued twice.
type Runner struct {
	Poller *Poller
	Store  AccountStore
	Zone   *time.Location // for schedules without a zone

	Workers int // accounts polled at once
	PerHost int // of them, on one host
	// HostOf names the host of an account, for PerHost.
	HostOf func(account string) string

	Slice   time.Duration // how long one run may go on with the past
	Timeout time.Duration // how long one run may take in all
	Grace   time.Duration // how long running batches may go on after a stop

	// Ended, when set, is told of every run that ended.
	Ended func(account kith.Account, result Result, took time.Duration, err error)
	// Progress, when set, is told of what runs do; from several goroutines.
	Progress func(Progress)

	beat atomic.Int64 // UnixNano of the last turn of the loop
}

const (
	turn      = time.Second      // how often the runner looks for due accounts
	hostPause = 2 * time.Second  // how long an account waits for a free connection to its host
	leaseMore = 30 * time.Second // how much longer than its run a lease holds
)

// Beat returns when the loop last found its way round: the sign that it lives.
func (r *Runner) Beat() time.Time { return time.Unix(0, r.beat.Load()) }

// Run polls until ctx is done. Then nothing new is begun, running polls end after
// the batch at hand, and what still runs after Grace is cut off; what it did
// not record is read again next time. Run returns when all its work has ended.
func (r *Runner) Run(ctx context.Context) error {
	hard, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	var running sync.WaitGroup
	slots := make(chan struct{}, r.Workers)
	hosts := hostSlots{most: r.PerHost, used: map[string]int{}}
	ticker := time.NewTicker(turn)
	defer ticker.Stop()
	var storeDown failure

	for {
		r.beat.Store(time.Now().UnixNano())
		if free := cap(slots) - len(slots); free > 0 {
			now := r.Poller.Now()
			due, err := r.Store.ClaimDue(ctx, now, now.Add(r.Timeout+leaseMore), free)
			if ctx.Err() == nil {
				storeDown.log(r.Poller.Log, "look for due accounts", err)
			}
			for _, account := range due {
				slots <- struct{}{}
				running.Add(1)
				go func() {
					defer running.Done()
					defer func() { <-slots }()
					r.one(hard, ctx.Done(), account, &hosts)
				}()
			}
		}
		select {
		case <-ctx.Done():
			stop := time.AfterFunc(r.Grace, cut)
			running.Wait()
			stop.Stop()
			return nil
		case <-ticker.C:
		}
	}
}

// one runs one claimed account and writes what became of it.
func (r *Runner) one(ctx context.Context, soft <-chan struct{}, account kith.Account, hosts *hostSlots) {
	log := r.Poller.Log.With("account", account.Name)
	release, ok := hosts.take(r.HostOf(account.Name))
	if !ok {
		account.NextPoll = r.Poller.Now().Add(hostPause)
		if err := r.Store.PollEnded(ctx, account); err != nil {
			log.Error("put the account back", "err", err)
		}
		return
	}
	defer release()

	started := r.Poller.Now()
	clock := time.Now()
	if err := r.Store.PollStarted(ctx, account.Name, started); err != nil {
		log.Error("note the start of a poll", "err", err)
	}
	account.LastPoll = started
	result, err := r.poll(ctx, soft, account.Name)

	before := account
	if err != nil && stopping(soft) && ctx.Err() != nil {
		// Cut off by our own stop: no fault of the account.
		account.NextPoll = r.Poller.Now()
	} else {
		schedule, bad := ParseSchedule(account.Schedule, r.Zone)
		if bad != nil {
			err = &kith.Fault{Kind: kith.FaultSettings, Err: errors.Join(err, bad)}
		}
		account = Ended(account, schedule, r.Poller.Now(), err, result.More, spread(account.Name))
	}
	logEnd(log, before, account, result, time.Since(clock))
	// The end is written even when the run was cut off.
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := r.Store.PollEnded(end, account); err != nil {
		log.Error("note the end of a poll; it is due again when its lease ends", "err", err)
	}
	if r.Ended != nil {
		r.Ended(account, result, time.Since(clock), err)
	}
}

// poll runs one poll within its time, and turns a crash into an error.
func (r *Runner) poll(ctx context.Context, soft <-chan struct{}, account string) (result Result, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, r.Timeout,
		fmt.Errorf("account %s: the run took longer than %v and was ended; what it recorded stays", account, r.Timeout))
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			r.Poller.Log.Error("a poll crashed", "account", account, "panic", fmt.Sprintf("%T", v))
			err = fmt.Errorf("account %s: internal error; other accounts go on", account)
		}
	}()
	result, err = r.Poller.Poll(ctx, account, Options{Slice: r.Slice, Soft: soft, Progress: r.Progress})
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return result, err
}

func stopping(soft <-chan struct{}) bool {
	select {
	case <-soft:
		return true
	default:
		return false
	}
}

// logEnd tells of a run once: a failure when it is new or changes, then when it is over, with
// how often it came back.
func logEnd(log *slog.Logger, before, after kith.Account, result Result, took time.Duration) {
	switch {
	case after.Error != "" && after.Error != before.Error:
		log.Warn("poll failed", "state", after.State, "err", after.Error, "next", after.NextPoll, "attempts", after.Attempts)
	case after.State == kith.StateNeedsAttention && before.State != after.State:
		log.Error("the account needs attention and is not tried again until its settings change", "err", after.Error, "attempts", after.Attempts)
	case after.Error != "":
		log.Debug("poll failed again", "err", after.Error, "attempts", after.Attempts)
	case before.Error != "":
		log.Info("poll works again", "failures", before.Attempts, "since", before.ErrorSince)
	}
	if result.Items > 0 {
		log.Info("polled", "items", result.Items, "new", result.Recorded.New, "quarantined", result.Failed, "took", took.Round(time.Millisecond))
	} else {
		log.Debug("polled", "took", took.Round(time.Millisecond))
	}
}

// spread gives each account its own place in [0, 1), always the same.
func spread(account string) float64 {
	h := fnv.New64a()
	h.Write([]byte(account))
	return float64(h.Sum64()>>11) / (math.MaxUint64 >> 11)
}

// hostSlots bounds how many accounts of one host are polled at once.
type hostSlots struct {
	sync.Mutex
	most int
	used map[string]int
}

func (h *hostSlots) take(host string) (release func(), ok bool) {
	h.Lock()
	defer h.Unlock()
	if h.used[host] >= h.most {
		return nil, false
	}
	h.used[host]++
	return func() {
		h.Lock()
		defer h.Unlock()
		if h.used[host]--; h.used[host] == 0 {
			delete(h.used, host)
		}
	}, true
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
