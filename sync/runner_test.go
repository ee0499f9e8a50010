package syncer_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"kith"
	"kith/matcher"
	syncer "kith/sync"
)

// schedule keeps accounts in memory; what it promises is in package store, and
// the real ones are tested there. It allows the runner to be tried in virtual time.
type schedule struct {
	mu      sync.Mutex
	rows    map[string]kith.Account
	leases  map[string]time.Time
	daemons map[string]kith.Daemon
	now     func() time.Time // its clock
	err     error
}

func newSchedule(names ...string) *schedule {
	s := &schedule{rows: map[string]kith.Account{}, leases: map[string]time.Time{}, daemons: map[string]kith.Daemon{}, now: time.Now}
	for i, name := range names {
		s.rows[name] = kith.Account{Name: name, Schedule: "@every 1m", NextPoll: syncer.FirstPoll(time.Now(), i, len(names), time.Minute)}
	}
	return s
}

func (s *schedule) Now(context.Context) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now(), s.err
}

func (s *schedule) ClaimDue(_ context.Context, now, lease time.Time, limit int) ([]kith.Account, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return nil, s.err
	}
	var due []kith.Account
	for _, a := range slices.SortedFunc(maps.Values(s.rows), func(a, b kith.Account) int { return a.NextPoll.Compare(b.NextPoll) }) {
		if len(due) < limit && (!a.NextPoll.After(now) || a.LastPoll.After(now.Add(time.Minute))) && s.leases[a.Name].Before(now) && a.State != kith.StateNeedsAttention {
			s.leases[a.Name] = lease
			due = append(due, a)
		}
	}
	return due, nil
}

func (s *schedule) PollStarted(_ context.Context, a kith.Account, daemon string, at, lease time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	row := s.rows[a.Name]
	if !row.LastPoll.Equal(a.LastPoll) {
		return kith.ErrTaken
	}
	row.LastPoll, row.Daemon = at, daemon
	s.rows[a.Name], s.leases[a.Name] = row, lease
	return s.err
}

func (s *schedule) Beat(_ context.Context, d kith.Daemon, polling []string, lease time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range polling {
		if s.rows[name].Daemon == d.Name {
			s.leases[name] = lease
		}
	}
	s.daemons[d.Name] = d
	return s.err
}

func (s *schedule) DaemonStopped(_ context.Context, name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.daemons, name)
	return s.err
}

func (s *schedule) PollEnded(_ context.Context, a kith.Account) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.rows[a.Name].LastPoll.Equal(a.LastPoll) {
		return kith.ErrTaken
	}
	s.rows[a.Name] = a
	delete(s.leases, a.Name)
	return nil
}

func (s *schedule) row(name string) kith.Account {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rows[name]
}

// pollFunc is a source whose whole poll is one function.
type pollFunc func(ctx context.Context) error

func (f pollFunc) Streams(ctx context.Context) ([]kith.Stream, error) { return nil, f(ctx) }

type polls struct {
	*fakeSource
	pollFunc
}

func (p polls) Streams(ctx context.Context) ([]kith.Stream, error) { return p.pollFunc.Streams(ctx) }

// tally counts polls by account.
type tally struct {
	mu     sync.Mutex
	count  map[string]int
	now    int // running
	most   int // running at once
	starts []time.Time
}

func (c *tally) enter(name string) (leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count == nil {
		c.count = map[string]int{}
	}
	c.count[name]++
	c.now++
	c.most = max(c.most, c.now)
	c.starts = append(c.starts, time.Now())
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.now--
	}
}

func (c *tally) of(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.count[name]
}

// newRunner runs the function poll for each account.
func newRunner(s *schedule, log *slog.Logger, poll func(ctx context.Context, account string) error) *syncer.Runner {
	clock := &syncer.Clock{Register: s.Now, Local: time.Now}
	return &syncer.Runner{
		Worker: &syncer.Worker{
			Poller: &syncer.Poller{
				Now: clock.Now, Log: log,
				Open: func(_ context.Context, name string) (syncer.Source, matcher.Account, error) {
					return polls{&fakeSource{}, func(ctx context.Context) error { return poll(ctx, name) }}, matcher.Account{}, nil
				},
			},
			Store: s, Clock: clock, Zone: time.UTC, Daemon: kith.Daemon{Name: "one", Workers: 4}, PerHost: 4, HostOf: func(context.Context, string) string { return "host" },
			Slice: 30 * time.Second, Timeout: 5 * time.Minute,
		},
		Grace: 8 * time.Second,
	}
}

// start runs the runner; stop ends it and tells how long that took.
func start(t *testing.T, r *syncer.Runner) (stop func() time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	return func() time.Duration {
		at := time.Now()
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
		return time.Since(at)
	}
}

var quiet = slog.New(slog.DiscardHandler)

func TestRunnerPollsOnSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c tally
		r := newRunner(newSchedule("a", "b"), quiet, func(_ context.Context, name string) error {
			defer c.enter(name)()
			return nil
		})
		stop := start(t, r)
		time.Sleep(time.Hour + 30*time.Second)
		stop()
		for _, name := range []string{"a", "b"} {
			// Each minute, and the turn of the loop that finds it due.
			if got := c.of(name); got < 58 || got > 61 {
				t.Errorf("account %s was polled %d times in an hour, scheduled every minute", name, got)
			}
		}
	})
}

func TestRunnerHangingAccountDelaysNobody(t *testing.T) {
	// I04
	synctest.Test(t, func(t *testing.T) {
		var c tally
		s := newSchedule("hangs", "b", "c")
		r := newRunner(s, quiet, func(ctx context.Context, name string) error {
			defer c.enter(name)()
			if name == "hangs" {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		})
		stop := start(t, r)
		time.Sleep(30*time.Minute + 30*time.Second)
		for _, name := range []string{"b", "c"} {
			if got := c.of(name); got < 29 {
				t.Errorf("account %s was polled %d times in 30 minutes beside one that hangs", name, got)
			}
		}
		row := s.row("hangs")
		if row.State != kith.StateFailing || !strings.Contains(row.Error, "longer than 5m") {
			t.Errorf("the account that hangs is %s: %q; want failing, with the time it took", row.State, row.Error)
		}
		stop()
	})
}

func TestRunnerOverlappingTickIsSkipped(t *testing.T) {
	// I15 runs of 150 s on a schedule of 60 s are neither doubled nor queued up.
	synctest.Test(t, func(t *testing.T) {
		var c tally
		r := newRunner(newSchedule("slow"), quiet, func(ctx context.Context, name string) error {
			defer c.enter(name)()
			time.Sleep(150 * time.Second)
			return nil
		})
		stop := start(t, r)
		time.Sleep(time.Hour)
		stop()
		if c.most != 1 {
			t.Errorf("%d runs of one account at once", c.most)
		}
		if got := c.of("slow"); got < 16 || got > 18 {
			t.Errorf("%d runs in an hour, each 150 s long and then a minute off: want 17", got)
		}
	})
}

func TestRunnerStops(t *testing.T) {
	for _, tt := range []struct {
		name string
		poll func(ctx context.Context) error
		most time.Duration
	}{
		{"I05 a batch that ends is awaited", func(context.Context) error { time.Sleep(3 * time.Second); return nil }, 4 * time.Second},
		{"I05 one that doesn't is cut off", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }, 8 * time.Second},
		{"with nothing to do it is at once", nil, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSchedule("a")
				started := make(chan struct{}, 1)
				r := newRunner(s, quiet, func(ctx context.Context, _ string) error {
					if tt.poll == nil {
						return nil
					}
					started <- struct{}{}
					return tt.poll(ctx)
				})
				stop := start(t, r)
				if tt.poll != nil {
					<-started
				} else {
					time.Sleep(5 * time.Second)
				}
				if took := stop(); took > tt.most {
					t.Errorf("stopping took %v, want at most %v", took, tt.most)
				}
				if row := s.row("a"); row.Error != "" {
					t.Errorf("our own stop is held against the account: %q", row.Error)
				}
				if len(s.leases) != 0 {
					t.Error("the lease outlives the runner")
				}
			})
		})
	}
}

func TestRunnerSpreadsAndBounds(t *testing.T) {
	// I14 500 accounts start together; E16 at most PerHost of one host at once.
	synctest.Test(t, func(t *testing.T) {
		var names []string
		for i := range 500 {
			names = append(names, fmt.Sprintf("account-%03d", i))
		}
		var c tally
		r := newRunner(newSchedule(names...), quiet, func(_ context.Context, name string) error {
			defer c.enter(name)()
			time.Sleep(100 * time.Millisecond)
			return nil
		})
		r.Daemon.Workers, r.PerHost = 50, 8
		stop := start(t, r)
		time.Sleep(3 * time.Minute)
		stop()
		if c.most > 8 {
			t.Errorf("%d accounts of one host at once, want 8 at most", c.most)
		}
		if len(c.count) != 500 {
			t.Errorf("%d of 500 accounts were polled in three minutes", len(c.count))
		}
		perSecond := map[int64]int{}
		for _, at := range c.starts {
			perSecond[at.Unix()]++
		}
		if most := slices.MaxFunc(slices.Collect(maps.Values(perSecond)), cmp.Compare[int]); most > 100 {
			t.Errorf("%d starts within one second", most)
		}
	})
}

func TestRunnerRefusedPasswordIsNotTriedForEver(t *testing.T) {
	// E19
	synctest.Test(t, func(t *testing.T) {
		var c tally
		s := newSchedule("a")
		r := newRunner(s, quiet, func(_ context.Context, name string) error {
			defer c.enter(name)()
			return kith.Faultf(kith.FaultAuth, "login refused")
		})
		stop := start(t, r)
		time.Sleep(48 * time.Hour)
		stop()
		if got := c.of("a"); got != 3 {
			t.Errorf("a refused password was tried %d times in two days, want 3", got)
		}
		if got := s.row("a").State; got != kith.StateNeedsAttention {
			t.Errorf("the account is %s, want that it needs attention", got)
		}
	})
}

func TestRunnerSurvivesItsStore(t *testing.T) {
	// I07 the database is away for ten minutes: no crash, one line in the log for each thing that fails, polls go on after.
	synctest.Test(t, func(t *testing.T) {
		var c tally
		var text bytes.Buffer
		s := newSchedule("a")
		r := newRunner(s, slog.New(slog.NewTextHandler(&text, nil)), func(_ context.Context, name string) error {
			defer c.enter(name)()
			return nil
		})
		stop := start(t, r)
		time.Sleep(5 * time.Minute)
		s.mu.Lock()
		s.err = errors.New("connection refused")
		s.mu.Unlock()
		time.Sleep(10 * time.Minute)
		before := c.of("a")
		s.mu.Lock()
		s.err = nil
		s.mu.Unlock()
		time.Sleep(5 * time.Minute)
		stop()
		if got := c.of("a") - before; got < 4 {
			t.Errorf("%d polls in the five minutes after the database came back", got)
		}
		for _, doing := range []string{"look for due accounts", "show that the daemon lives"} {
			if got := strings.Count(text.String(), fmt.Sprintf("doing=%q err=", doing)); got != 1 {
				t.Errorf("I26 that it can't %s is %d times in the log:\n%s", doing, got, text.String())
			}
		}
		if !strings.Contains(text.String(), "failures=") {
			t.Errorf("I26 the log does not say how often it failed:\n%s", text.String())
		}
	})
}

func TestRunnerLogsARepeatedFailureOnce(t *testing.T) {
	// I26
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		var works atomic.Bool
		r := newRunner(newSchedule("a"), slog.New(slog.NewTextHandler(&text, nil)), func(context.Context, string) error {
			if works.Load() {
				return nil
			}
			return errors.New("no route to host")
		})
		stop := start(t, r)
		time.Sleep(3 * time.Hour)
		works.Store(true)
		time.Sleep(time.Hour)
		stop()
		if got := strings.Count(text.String(), "no route to host"); got != 1 {
			t.Errorf("the same failure is %d times in the log:\n%s", got, text.String())
		}
		if !strings.Contains(text.String(), "poll works again") {
			t.Errorf("the log does not say that it is over:\n%s", text.String())
		}
	})
}

func TestRunnerCrashCostsOneAccount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c tally
		s := newSchedule("crashes", "b")
		r := newRunner(s, quiet, func(_ context.Context, name string) error {
			defer c.enter(name)()
			if name == "crashes" {
				panic("index out of range")
			}
			return nil
		})
		stop := start(t, r)
		time.Sleep(10 * time.Minute)
		stop()
		if got := s.row("crashes"); got.State != kith.StateFailing || strings.Contains(got.Error, "index out of range") {
			t.Errorf("the account that crashes is %s: %q", got.State, got.Error)
		}
		if got := c.of("b"); got < 9 {
			t.Errorf("the other account was polled %d times in ten minutes", got)
		}
	})
}

func TestRunnerClosesTheGapAfterAPause(t *testing.T) {
	// I09 after ten days without the daemon each account is polled once, not once per missed run.
	synctest.Test(t, func(t *testing.T) {
		var c tally
		s := newSchedule("a")
		row := s.rows["a"]
		row.NextPoll, row.LastSuccess = time.Now().AddDate(0, 0, -10), time.Now().AddDate(0, 0, -10)
		s.rows["a"] = row
		r := newRunner(s, quiet, func(_ context.Context, name string) error {
			defer c.enter(name)()
			return nil
		})
		stop := start(t, r)
		time.Sleep(50 * time.Second)
		stop()
		if got := c.of("a"); got != 1 {
			t.Errorf("%d runs at once after a pause of ten days, want 1", got)
		}
	})
}

func TestRunnerWhenTheClockSteps(t *testing.T) {
	// I10 the clock jumps by an hour, either way: no silence, and no storm of catch-up runs.
	for _, step := range []time.Duration{time.Hour, -time.Hour} {
		t.Run(step.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var c tally
				var offset atomic.Int64
				s := newSchedule("a")
				s.now = func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
				r := newRunner(s, quiet, func(_ context.Context, name string) error {
					defer c.enter(name)()
					return nil
				})
				stop := start(t, r)
				time.Sleep(10 * time.Minute)
				before := c.of("a")
				offset.Store(int64(step))
				time.Sleep(10 * time.Minute)
				stop()
				if got := c.of("a") - before; got < 9 || got > 12 {
					t.Errorf("%d runs in the ten minutes after the step, scheduled every minute", got)
				}
			})
		})
	}
}

func TestTakeOver(t *testing.T) {
	// A daemon that is cut off shows no more sign of life; another one takes its account
	// over, and what the first one says later does not count.
	for _, wrong := range wrongClocks {
		t.Run("its clock is ahead by "+wrong.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { takeOver(t, wrong) })
		})
	}
}

func takeOver(t *testing.T, wrong time.Duration) {
	var c tally
	s := newSchedule("a")
	hang := make(chan struct{})
	one := newRunner(s, quiet, func(_ context.Context, name string) error {
		defer c.enter("one")()
		<-hang
		return errors.New("reset")
	})
	one.Clock.Local = func() time.Time { return time.Now().Add(wrong) }
	one.Store = cutOff{s, time.Now().Add(time.Minute)}
	stopOne := start(t, one)
	time.Sleep(30 * time.Second)
	two := newRunner(s, quiet, func(_ context.Context, name string) error {
		defer c.enter("two")()
		return nil
	})
	two.Daemon.Name = "two"
	stopTwo := start(t, two)
	time.Sleep(30 * time.Second)
	if got := c.of("two"); got != 0 {
		t.Errorf("the account of a daemon that lives was polled %d times by another", got)
	}
	time.Sleep(syncer.Lease + 2*time.Second)
	if got := c.of("two"); got != 1 {
		t.Errorf("polled %d times by the other daemon, %v after the first fell silent; want 1", got, syncer.Lease)
	}
	close(hang)
	time.Sleep(10 * time.Second)
	if got := s.row("a"); got.State != kith.StateOK || got.Error != "" {
		t.Errorf("the end of a run that was taken over counted: %s, %q", got.State, got.Error)
	}
	stopOne()
	stopTwo()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.daemons["two"]; ok {
		t.Error("a daemon that has stopped is still on file")
	}
}

// cutOff is a schedule that can't be reached from a given time on.
type cutOff struct {
	*schedule
	from time.Time
}

func (s cutOff) ClaimDue(ctx context.Context, now, lease time.Time, limit int) ([]kith.Account, error) {
	if time.Now().After(s.from) {
		return nil, errors.New("no route to host")
	}
	return s.schedule.ClaimDue(ctx, now, lease, limit)
}

func (s cutOff) Beat(ctx context.Context, d kith.Daemon, polling []string, lease time.Time) error {
	if time.Now().After(s.from) {
		return errors.New("no route to host")
	}
	return s.schedule.Beat(ctx, d, polling, lease)
}
