package syncer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"kith"
)

// AccountStore is what a daemon needs of the register beside [Store];
// package store says what each method promises.
type AccountStore interface {
	ClaimDue(ctx context.Context, now, lease time.Time, limit int) ([]kith.Account, error)
	PollStarted(ctx context.Context, account kith.Account, daemon string, at, lease time.Time) error
	PollEnded(ctx context.Context, account kith.Account) error
	Beat(ctx context.Context, daemon kith.Daemon, polling []string, lease time.Time) error
	DaemonStopped(ctx context.Context, name string) error
}

// Lease is how long an account stays with a daemon that shows no more sign of
// life; then another may take it over.
const Lease = 30 * time.Second

const (
	beatEvery = 5 * time.Second  // how often a daemon shows that it lives
	beatWait  = 10 * time.Second // how long that may take
	endWait   = 5 * time.Second  // how long writing the end of a run may take
	endPause  = time.Second      // and how long until it is tried again
)

// Worker runs claimed accounts for one daemon. It is safe for concurrent use.
type Worker struct {
	Poller *Poller
	Store  AccountStore
	Clock  *Clock         // Poller.Now MUST be its Now
	Zone   *time.Location // for schedules without a zone
	Daemon kith.Daemon    // Seen and Running are filled in

	PerHost int // accounts of one host polled at once
	// HostOf names the host of an account, for PerHost.
	HostOf func(ctx context.Context, account string) string

	Slice   time.Duration // how long one run may go on with the past
	Timeout time.Duration // how long one run may take in all

	// Ended, when set, is told of every run that ended.
	Ended func(account kith.Account, result Result, took time.Duration, err error)
	// Progress, when set, is told of what runs do; from several goroutines.
	Progress func(Progress)

	mu      sync.Mutex
	hosts   map[string]*host
	polling map[string]int // accounts that are polled: twice for a moment, when a run finds itself overtaken
	beaten  time.Time
}

// Beaten returns when the daemon last told, or tried to tell, that it lives.
func (w *Worker) Beaten() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.beaten
}

// ClaimDue claims accounts that are due, at most limit, for the time of a lease.
func (w *Worker) ClaimDue(ctx context.Context, limit int) ([]kith.Account, error) {
	now, err := w.Clock.Read(ctx)
	if err != nil {
		return nil, err
	}
	return w.Store.ClaimDue(ctx, now, now.Add(Lease), limit)
}

// Work runs one claimed account, and writes what became of it. When soft is
// closed it ends after the batch at hand. An account for which its host has no
// connection to spare is put back.
func (w *Worker) Work(ctx context.Context, soft <-chan struct{}, account kith.Account) {
	var err error
	if host, wait := w.enter(ctx, account); host != nil {
		began := time.Now()
		err = w.run(ctx, soft, account)
		w.leave(account.Name, host, time.Since(began))
	} else {
		err = w.PutBack(ctx, account, wait)
	}
	log := w.Poller.Log.With("account", account.Name)
	switch {
	case errors.Is(err, kith.ErrTaken):
		log.Info("another run has taken the account over")
	case err != nil:
		log.Error("the register did not take a run; the account is due again when its lease ends", "err", err)
	}
}

// PutBack gives a claimed account back unpolled. It is due again after the given time.
func (w *Worker) PutBack(ctx context.Context, account kith.Account, wait time.Duration) error {
	account.NextPoll = w.Clock.Now().Add(wait)
	return w.Store.PollEnded(ctx, account)
}

// run polls an account. The error tells that the register did not take the
// start of the run or its end; how the poll went is in the account.
func (w *Worker) run(ctx context.Context, soft <-chan struct{}, account kith.Account) error {
	// A lease shows what was read as the start; the store keeps microseconds.
	started := w.Clock.Now().Truncate(time.Microsecond)
	clock := time.Now()
	if err := w.Store.PollStarted(ctx, account, w.Daemon.Name, started, started.Add(Lease)); err != nil {
		return err
	}
	account.LastPoll = started
	result, err := w.poll(ctx, soft, account.Name)

	before := account
	if err != nil && stopping(soft) && ctx.Err() != nil {
		// Cut off by our own stop: no fault of the account.
		account.NextPoll = w.Clock.Now()
	} else {
		schedule, bad := ParseSchedule(account.Schedule, w.Zone)
		if bad != nil {
			err = &kith.Fault{Kind: kith.FaultSettings, Err: errors.Join(err, bad)}
		}
		account = Ended(account, schedule, w.Clock.Now(), err, result.More, spread(account.Name))
	}
	logEnd(w.Poller.Log.With("account", account.Name), before, account, result, time.Since(clock))
	if w.Ended != nil {
		w.Ended(account, result, time.Since(clock), err)
	}
	return w.end(ctx, soft, account)
}

// end writes the end of a run, even when the run was cut off. When the register is
// away it is tried for as long as the lease may last: otherwise the account would
// have to wait for that to end after the register is back.
func (w *Worker) end(ctx context.Context, soft <-chan struct{}, account kith.Account) error {
	for begin := time.Now(); ; {
		try, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWait)
		err := w.Store.PollEnded(try, account)
		cancel()
		if err == nil || errors.Is(err, kith.ErrTaken) || errors.Is(err, kith.ErrNotFound) || time.Since(begin) > Lease {
			return err
		}
		select {
		case <-soft:
			return err
		case <-time.After(endPause):
		}
	}
}

// enter takes a connection to the account's host. If there is none to spare the host is
// nil, and the account has to wait.
func (w *Worker) enter(ctx context.Context, account kith.Account) (h *host, wait time.Duration) {
	name := w.HostOf(ctx, account.Name)
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	if h = w.hosts[name]; h == nil {
		if w.hosts == nil {
			w.hosts, w.polling = map[string]*host{}, map[string]int{}
		}
		maps.DeleteFunc(w.hosts, func(_ string, h *host) bool { return h.idle(now) })
		h = &host{}
		w.hosts[name] = h
	}
	if h.polled >= w.PerHost {
		most := hostMost
		if s, err := ParseSchedule(account.Schedule, w.Zone); err == nil {
			most = min(most, s.Interval(now)) // for the sake of those that are polled often
		}
		return nil, h.wait(now, w.PerHost, most, spread(account.Name))
	}
	if h.polled++; h.polled == w.PerHost {
		h.full = now
	}
	w.polling[account.Name]++
	return h, 0
}

// Crowded tells whether it is worthwhile to look for due accounts more often than usual: some wait
// for connections to their host, which come free several times a second.
func (w *Worker) Crowded() bool {
	now := time.Now()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, h := range w.hosts {
		if h.crowded(now) {
			return true
		}
	}
	return false
}

func (w *Worker) leave(account string, h *host, took time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.polling[account]--; w.polling[account] == 0 {
		delete(w.polling, account)
	}
	h.polled--
	h.ended(took)
}

// Beat tells the register every few seconds that the daemon lives and what it polls, until ctx
// is done; then that it has stopped.
func (w *Worker) Beat(ctx context.Context) {
	var storeDown failure
	ticker := time.NewTicker(beatEvery)
	defer ticker.Stop()
	for {
		err := w.beat(ctx)
		if ctx.Err() == nil {
			storeDown.log(w.Poller.Log, "show that the daemon lives", err)
		}
		select {
		case <-ctx.Done():
			end, cancel := context.WithTimeout(context.WithoutCancel(ctx), endWait)
			defer cancel()
			if err := w.Store.DaemonStopped(end, w.Daemon.Name); err != nil {
				w.Poller.Log.Warn("note that the daemon stopped", "err", err)
			}
			return
		case <-ticker.C:
		}
	}
}

func (w *Worker) beat(ctx context.Context) error {
	w.mu.Lock()
	polling := slices.Sorted(maps.Keys(w.polling))
	w.beaten = time.Now()
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, beatWait)
	defer cancel()
	now, err := w.Clock.Read(ctx)
	if err != nil {
		return err
	}
	daemon := w.Daemon
	daemon.Seen, daemon.Running = now, len(polling)
	return w.Store.Beat(ctx, daemon, polling, now.Add(Lease))
}

// poll runs one poll within its time, and turns a crash into an error.
func (w *Worker) poll(ctx context.Context, soft <-chan struct{}, account string) (result Result, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, w.Timeout,
		fmt.Errorf("account %s: the run took longer than %v and was ended; what it recorded stays", account, w.Timeout))
	defer cancel()
	defer func() {
		if v := recover(); v != nil {
			w.Poller.Log.Error("a poll crashed", "account", account, "panic", fmt.Sprintf("%T", v))
			err = fmt.Errorf("account %s: internal error; other accounts go on", account)
		}
	}()
	result, err = w.Poller.Poll(ctx, account, Options{Slice: w.Slice, Soft: soft, Progress: w.Progress})
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
	if b := result.Book; b != (kith.BookRecorded{}) {
		log.Info("polled address books", "cards", result.Items, "created", b.Created, "updated", b.Updated, "removed", b.Removed, "quarantined", result.Failed, "took", took.Round(time.Millisecond))
	} else if result.Items > 0 {
		log.Info("polled", "items", result.Items, "new", result.Recorded.New, "quarantined", result.Failed, "took", took.Round(time.Millisecond))
	} else {
		log.Debug("polled", "took", took.Round(time.Millisecond))
	}
}

// spread gives each account its own place in [0, 1), always the same. Names are often
// alike but for their end, which a lesser digest would not spread.
func spread(account string) float64 {
	sum := sha256.Sum256([]byte(account))
	return float64(binary.BigEndian.Uint64(sum[:])>>11) / (1 << 53)
}
