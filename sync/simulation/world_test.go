package simulation_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"kith"
	"kith/matcher"
	syncer "kith/sync"
)

// world is a register with its accounts, the daemons that poll them and the hosts of their
// mailboxes. The daemons are the real ones; the rest is simulated, and time is virtual.
type world struct {
	accounts int
	interval time.Duration
	daemons  int
	workers  int // of each daemon
	perHost  int // of each daemon
	fresh    int // of the accounts, how many are new; the past of the others has been read

	// The first half of the accounts is on host 0, the rest on hosts others.
	others int

	length    time.Duration
	storeAway window
	hostAway  window // host 0
}

// window is a span of time since the beginning.
type window struct{ from, until time.Duration }

func (w window) holds(since time.Duration) bool { return w.from <= since && since < w.until }

// seen is what a run of a world showed.
type seen struct {
	*measures
	pastRead time.Duration // when a poll last went on with the past of an account
	atOnce   []int         // of each host, the most polls at once
	busiest  int           // of all hosts, the same
	polls    int
	claims   int // more than polls: those were put back, for want of a connection
}

// run lets the world run for its length.
func (w world) run(t *testing.T) seen {
	t.Helper()
	// Virtual time goes on when every goroutine waits: a second processor only makes handing over slower.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	var s seen
	synctest.Test(t, func(t *testing.T) { s = w.simulate(t) })
	return s
}

func (w world) simulate(t *testing.T) seen {
	begin := time.Now()
	accounts := newAccounts(w.accounts,
		func(i int) time.Time { return syncer.FirstPoll(begin, i, w.accounts, w.interval) },
		"@every "+w.interval.String(), w.host)
	for i := w.fresh; i < w.accounts; i++ {
		done := kith.Cursor(strconv.Itoa(batches(i)))
		accounts.rows[i].stream = kith.StreamStatus{Cursor: done, LastSuccess: begin, Backfilled: 1}
	}
	s := seen{measures: newMeasures(begin, w.length+time.Minute), atOnce: make([]int, w.others+1)}
	now := make([]int, w.others+1)
	accounts.away = func(now time.Time) bool { return w.storeAway.holds(now.Sub(begin)) }
	accounts.seen = func(a *account, at time.Time) {
		s.polls++
		more := a.stream.Cursor != "" && a.stream.Backfilled < 1
		if more {
			s.pastRead = at.Sub(begin)
		}
		s.started(at, a.owed, more, a.host != 0)
	}

	var open sync.Mutex
	running := 0
	poller := &syncer.Poller{
		Store: accounts, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Open: func(_ context.Context, name string) (syncer.Source, matcher.Account, error) {
			a := &accounts.rows[number(name)]
			open.Lock()
			defer open.Unlock()
			now[a.host]++
			running++
			s.busiest = max(s.busiest, running)
			s.atOnce[a.host] = max(s.atOnce[a.host], now[a.host])
			a.polls++
			return &mailbox{
				rng:  rand.New(rand.NewPCG(seed, uint64(a.number)<<32|uint64(a.polls))),
				past: batches(a.number),
				away: func(now time.Time) bool { return a.host == 0 && w.hostAway.holds(now.Sub(begin)) },
				closed: func() {
					open.Lock()
					defer open.Unlock()
					now[a.host]--
					running--
				},
			}, matcher.Account{}, nil
		},
	}
	hosts := make([]string, w.others+1)
	for i := range hosts {
		hosts[i] = fmt.Sprintf("host-%d", i)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var daemons sync.WaitGroup
	for i := range w.daemons {
		worker := &syncer.Worker{
			Poller: poller, Store: accounts, Clock: &syncer.Clock{Register: accounts.Now, Local: time.Now}, Zone: time.UTC,
			Daemon:  kith.Daemon{Name: fmt.Sprintf("daemon-%d", i), Workers: w.workers},
			PerHost: w.perHost, HostOf: func(_ context.Context, account string) string { return hosts[w.host(number(account))] },
			Slice: 30 * time.Second, Timeout: 10 * time.Minute,
		}
		daemons.Go(func() {
			// Programs don't start in the same instant.
			time.Sleep(time.Duration(i)*time.Second/time.Duration(w.daemons) + 17*time.Millisecond)
			r := &syncer.Runner{Worker: worker, Grace: 8 * time.Second}
			if err := r.Run(ctx); err != nil {
				t.Errorf("Run: %v", err)
			}
		})
	}
	time.Sleep(w.length)
	cancel()
	daemons.Wait()
	s.claims = accounts.claims
	return s
}

// host is where the mailbox of an account is.
func (w world) host(i int) int {
	if i%2 == 0 {
		return 0
	}
	return 1 + i/2%w.others
}
