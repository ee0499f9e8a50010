package cluster_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"kith"
	"kith/servertest"
	"kith/store/postgres"
	syncer "kith/sync"
	"kith/sync/cluster"
)

// accounts writes accounts that are due now into the register.
func accounts(t testing.TB, s *postgres.Store, schedule string, names ...string) {
	t.Helper()
	reconcile(t, s, due(schedule, names...))
}

// due are accounts that are due now.
func due(schedule string, names ...string) (rows []kith.Account) {
	for _, name := range names {
		rows = append(rows, kith.Account{
			Name: name, Kind: "imap", Schedule: schedule, Settings: "settings", State: kith.StateNew, NextPoll: time.Now().Add(-time.Second),
		})
	}
	return rows
}

func reconcile(t testing.TB, s *postgres.Store, rows []kith.Account) {
	t.Helper()
	if err := s.Reconcile(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
}

func numbered(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("account-%03d", i))
	}
	return names
}

func account(t testing.TB, s *postgres.Store, name string) kith.Account {
	t.Helper()
	a, err := s.Account(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// eventually waits for what the database comes to by itself.
func eventually(t testing.TB, what string, limit time.Duration, done func() bool) {
	t.Helper()
	ticker := time.NewTicker(20 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(limit); !done(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited %v in vain: %s", limit, what)
		}
	}
}

func TestTwoDaemonsShareAccounts(t *testing.T) {
	// D15 an account is polled by one daemon at a time, once an interval; I15 and that
	// one run takes longer than the interval queues none up; I10 whatever the daemons' own clocks show.
	t.Parallel()
	url := prepared(t)
	c := newTally()
	names := append(numbered(20), "slow")
	accounts(t, open(t, url), "@every 2s", names...)
	var stops []func() time.Duration
	for name, ahead := range map[string]time.Duration{"one": 0, "two": time.Hour} {
		m := member(open(t, url), name, quiet, func(_ context.Context, account string) error {
			defer c.enter(name, account)()
			if account == "slow" {
				time.Sleep(2500 * time.Millisecond)
			}
			return nil
		})
		m.Clock.Local = func() time.Time { return time.Now().Add(ahead) }
		stops = append(stops, start(t, m))
	}
	c.until(t, "every account is polled four times, the slow one twice", 2*time.Minute, func() bool {
		for _, name := range names {
			if n := len(c.times(name)); n < 2 || n < 4 && name != "slow" {
				return false
			}
		}
		return true
	})
	for _, stop := range stops {
		stop()
	}
	by := map[string]int{}
	for _, name := range names {
		times := c.times(name)
		for i, p := range times {
			by[p.daemon]++
			// Schedules count in full seconds.
			if i > 0 && p.at.Sub(times[i-1].at) < time.Second {
				t.Errorf("account %s was polled again after %v, its schedule is two seconds", name, p.at.Sub(times[i-1].at))
			}
		}
		if c.most[name] > 1 {
			t.Errorf("account %s was polled by %d at once", name, c.most[name])
		}
	}
	if by["one"] == 0 || by["two"] == 0 {
		t.Errorf("the polls of each daemon: %v, want a share for both", by)
	}
}

func TestConnectionsToOneHostAreBounded(t *testing.T) {
	// I14 500 accounts that are due at once; E16 not more than PerHost of one host at once.
	t.Parallel()
	url := prepared(t)
	c := newTally()
	names := numbered(500)
	accounts(t, open(t, url), "@every 1h", names...)
	for _, name := range []string{"one", "two"} {
		m := member(open(t, url), name, quiet, func(_ context.Context, account string) error {
			defer c.enter(name, account)()
			time.Sleep(5 * time.Millisecond)
			return nil
		})
		m.Daemon.Workers, m.PerHost = 8, 6
		start(t, m)
	}
	c.until(t, "every account is polled", time.Minute, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return len(c.polls) >= len(names)
	})
	for daemon, most := range c.allMost {
		if most > 6 {
			t.Errorf("daemon %s polled %d accounts of one host at once, want 6 at most", daemon, most)
		}
	}
	for _, name := range names {
		if n := len(c.times(name)); n != 1 {
			t.Errorf("account %s was polled %d times", name, n)
		}
	}
}

func TestHostThatHangs(t *testing.T) {
	// I04 E16 The accounts of a host that hangs cost few claims, and those of others are polled on time.
	t.Parallel()
	url := prepared(t)
	c := newTally()
	s := open(t, url)
	away, well := numbered(100), []string{"well-1", "well-2", "well-3"}
	reconcile(t, s, append(due("@every 5m", away...), due("@every 2s", well...)...))
	release := make(chan struct{})
	m := member(open(t, url), "one", quiet, func(_ context.Context, account string) error {
		defer c.enter("one", account)()
		if !strings.HasPrefix(account, "well") {
			<-release
		}
		return nil
	})
	m.HostOf = func(_ context.Context, account string) string { return account[:4] }
	m.Daemon.Workers = 8
	start(t, m)
	free := sync.OnceFunc(func() { close(release) })
	t.Cleanup(free)
	began := time.Now()
	c.until(t, "those of another host are polled six times", 40*time.Second, func() bool {
		for _, name := range well {
			if len(c.times(name)) < 6 {
				return false
			}
		}
		return true
	})
	if took := time.Since(began); took > 25*time.Second {
		t.Errorf("six polls at intervals of two seconds took %v", took)
	}
	var jobs int
	if err := s.Pool().QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE args->>'account' LIKE 'account-%'`).Scan(&jobs); err != nil {
		t.Fatal(err)
	}
	if jobs > 4*len(away) {
		t.Errorf("%d jobs were made of %d accounts whose host hangs", jobs, len(away))
	}
}

func TestWorkersAreUsed(t *testing.T) {
	// I14 accounts that all are due are polled as fast as the workers can, not one a second each.
	t.Parallel()
	url := prepared(t)
	c := newTally()
	names := numbered(300)
	accounts(t, open(t, url), "@every 1h", names...)
	m := member(open(t, url), "one", quiet, func(_ context.Context, account string) error {
		defer c.enter("one", account)()
		time.Sleep(20 * time.Millisecond)
		return nil
	})
	start(t, m)
	began := time.Now()
	c.until(t, "every account is polled", time.Minute, func() bool { return c.count() >= len(names) })
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("%d polls by %d workers took %v", len(names), m.Daemon.Workers, took)
	}
}

func TestUnknownAccountIsLeftToOthers(t *testing.T) {
	t.Parallel()
	url := prepared(t)
	c := newTally()
	names := numbered(8)
	accounts(t, open(t, url), "@every 1s", names...)
	var log lockedBuffer
	stranger := member(open(t, url), "stranger", slog.New(slog.NewTextHandler(&log, nil)), func(_ context.Context, account string) error {
		defer c.enter("stranger", account)()
		return nil
	})
	stranger.Knows = func(account kith.Account) bool { return account.Name != names[0] }
	start(t, stranger)
	eventually(t, "the stranger comes upon the account", 2*time.Minute, func() bool { return strings.Contains(log.String(), names[0]) })
	if a := account(t, stranger.Store.(*postgres.Store), names[0]); a.State != kith.StateNew || a.Error != "" {
		t.Errorf("an account that a daemon does not know became %s, %q", a.State, a.Error)
	}
	start(t, member(open(t, url), "friend", quiet, func(_ context.Context, account string) error {
		defer c.enter("friend", account)()
		return nil
	}))
	c.until(t, "the account is polled twice", 2*time.Minute, func() bool { return len(c.times(names[0])) >= 2 })
	for _, p := range c.times(names[0]) {
		if p.daemon != "friend" {
			t.Error("a daemon polled an account that it does not know")
		}
	}
	if told := strings.Count(log.String(), names[0]); told != 1 {
		t.Errorf("I26 that an account is left to others is told %d times:\n%s", told, log.String())
	}
}

// lockedBuffer may be written and read at once.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// later is the register's clock, put forward.
type later struct {
	*postgres.Store
	ahead atomic.Int64
}

func (l *later) Now(ctx context.Context) (time.Time, error) {
	now, err := l.Store.Now(ctx)
	return now.Add(time.Duration(l.ahead.Load())), err
}

func (l *later) forward(d time.Duration) { l.ahead.Add(int64(d)) }

// cutOff is a register that a daemon can't reach any more.
type cutOff struct {
	*postgres.Store
	cut atomic.Bool
}

var errNoRoute = errors.New("no route to host")

func (s *cutOff) ClaimDue(ctx context.Context, now, lease time.Time, limit int) ([]kith.Account, error) {
	if s.cut.Load() {
		return nil, errNoRoute
	}
	return s.Store.ClaimDue(ctx, now, lease, limit)
}

func (s *cutOff) Beat(ctx context.Context, d kith.Daemon, polling []string, lease time.Time) error {
	if s.cut.Load() {
		return errNoRoute
	}
	return s.Store.Beat(ctx, d, polling, lease)
}

func TestDaemonThatIsCutOffIsReplaced(t *testing.T) {
	// D15 what the first daemon says of the account after it was taken over does not count.
	t.Parallel()
	url := prepared(t)
	c := newTally()
	s := open(t, url)
	accounts(t, s, "@every 1h", "a")
	reached := &cutOff{Store: open(t, url)}
	release := make(chan struct{})
	one := member(reached.Store, "one", quiet, func(_ context.Context, account string) error {
		defer c.enter("one", account)()
		<-release
		return errors.New("connection reset")
	})
	one.Store, one.Worker.Store = reached, reached
	one.Daemon.Workers = 1 // so that it takes no job of the other's
	stopOne := start(t, one)
	free := sync.OnceFunc(func() { close(release) })
	t.Cleanup(free)
	c.until(t, "the first daemon polls", 10*time.Second, func() bool { return len(c.times("a")) == 1 })
	reached.cut.Store(true)

	two := member(open(t, url), "two", quiet, func(_ context.Context, account string) error {
		defer c.enter("two", account)()
		return nil
	})
	later := &later{Store: s}
	two.Clock.Register = later.Now
	later.forward(syncer.Lease - 5*time.Second)
	start(t, two)
	eventually(t, "the second daemon is on file", 10*time.Second, func() bool {
		daemons, err := s.Daemons(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return len(daemons) == 2
	})
	if n := len(c.times("a")); n != 1 {
		t.Errorf("the account was polled %d times within the lease", n)
	}
	later.forward(10 * time.Second)
	eventually(t, "the second daemon polls well", 20*time.Second, func() bool { return account(t, s, "a").State == kith.StateOK })
	free()
	stopOne()
	if a := account(t, s, "a"); a.State != kith.StateOK || a.Error != "" {
		t.Errorf("the end of a run that was taken over counted: %s, %q", a.State, a.Error)
	}
	if n := len(c.times("a")); n != 2 {
		t.Errorf("the account was polled %d times, want once by each daemon", n)
	}
}

func TestClaimThatRanOutIsVoid(t *testing.T) {
	// D15 jobs wait for so long that their accounts are claimed again: each is polled once.
	t.Parallel()
	url := prepared(t)
	c := newTally()
	s := open(t, url)
	accounts(t, s, "@every 10h", "busy", "z1", "z2")
	release := make(chan struct{})
	later := &later{Store: s}
	m := member(open(t, url), "one", quiet, func(_ context.Context, account string) error {
		defer c.enter("one", account)()
		if account == "busy" {
			<-release
		}
		return nil
	})
	m.Daemon.Workers = 1
	m.Clock.Register = later.Now
	start(t, m)
	free := sync.OnceFunc(func() { close(release) })
	t.Cleanup(free)
	claims := func() (jobs int) {
		if err := s.Pool().QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE args->>'account' LIKE 'z%'`).Scan(&jobs); err != nil {
			t.Fatal(err)
		}
		return jobs
	}
	eventually(t, "the others wait", 10*time.Second, func() bool { return len(c.times("busy")) == 1 && claims() == 2 })
	later.forward(syncer.Lease + time.Second)
	eventually(t, "one of them is claimed again", 10*time.Second, func() bool { return claims() > 2 })
	free()
	eventually(t, "no job waits", 10*time.Second, func() bool {
		var jobs int
		if err := s.Pool().QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE state IN ('available', 'running')`).Scan(&jobs); err != nil {
			t.Fatal(err)
		}
		return jobs == 0
	})
	for _, name := range []string{"busy", "z1", "z2"} {
		if n := len(c.times(name)); n != 1 {
			t.Errorf("account %s was polled %d times", name, n)
		}
	}
}

func TestStopHandsAccountsOn(t *testing.T) {
	// I05
	t.Parallel()
	url := prepared(t)
	c := newTally()
	s := open(t, url)
	accounts(t, s, "@every 1h", "a")
	one := member(open(t, url), "one", quiet, func(ctx context.Context, account string) error {
		defer c.enter("one", account)()
		<-ctx.Done()
		return ctx.Err()
	})
	one.Grace = 500 * time.Millisecond
	stop := start(t, one)
	c.until(t, "the first daemon polls", 10*time.Second, func() bool { return len(c.times("a")) == 1 })
	start(t, member(open(t, url), "two", quiet, func(_ context.Context, account string) error {
		defer c.enter("two", account)()
		return nil
	}))
	if took := stop(); took > 5*time.Second {
		t.Errorf("the daemon took %v to stop, its grace is %v", took, one.Grace)
	}
	c.until(t, "the other daemon polls, long before the lease would end", syncer.Lease/4, func() bool { return len(c.times("a")) == 2 })
	eventually(t, "the account is well", 5*time.Second, func() bool { return account(t, s, "a").State == kith.StateOK })
	daemons, err := s.Daemons(t.Context())
	if err != nil || len(daemons) != 1 || daemons[0].Name != "two" {
		t.Errorf("the daemons on file are %v, %v; want the one that runs", daemons, err)
	}
}

func TestRemovedOrDisabledAccountIsNotPolled(t *testing.T) {
	// I11 even when its job waits already.
	t.Parallel()
	url := prepared(t)
	c := newTally()
	s := open(t, url)
	accounts(t, s, "@every 1h", "busy", "removed")
	disabled := kith.Definition{Account: kith.Account{
		Name: "switched-off", Origin: kith.OriginRegister, Kind: "imap", Schedule: "@every 1h", Settings: "x", State: kith.StateNew, NextPoll: time.Now().Add(-time.Hour),
	}}
	if err := s.PutDefinitions(t.Context(), []kith.Definition{disabled}, time.Now()); err != nil {
		t.Fatal(err)
	}
	// The first one that is due keeps the only worker.
	release := make(chan struct{})
	m := member(open(t, url), "one", quiet, func(_ context.Context, account string) error {
		defer c.enter("one", account)()
		<-release
		return nil
	})
	m.Daemon.Workers = 1
	start(t, m)
	free := sync.OnceFunc(func() { close(release) })
	t.Cleanup(free)
	eventually(t, "the others wait", 10*time.Second, func() bool {
		var jobs int
		if err := s.Pool().QueryRow(t.Context(), `SELECT count(*) FROM river_job`).Scan(&jobs); err != nil {
			t.Fatal(err)
		}
		return jobs == 3
	})
	var first string
	c.until(t, "one is polled", 10*time.Second, func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if len(c.polls) > 0 {
			first = c.polls[0].account
		}
		return first != ""
	})
	accounts(t, s, "@every 1h") // none in the file any more
	disabled.Disabled = true
	if err := s.PutDefinitions(t.Context(), []kith.Definition{disabled}, time.Now()); err != nil {
		t.Fatal(err)
	}
	free()
	eventually(t, "no job is left", 10*time.Second, func() bool {
		var jobs int
		if err := s.Pool().QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE state <> 'completed'`).Scan(&jobs); err != nil {
			t.Fatal(err)
		}
		return jobs == 0
	})
	if len(c.polls) != 1 {
		t.Errorf("polled: %v; want only %s, whose run had begun", c.polls, first)
	}
}

func TestJobTableStaysSmall(t *testing.T) {
	t.Parallel()
	url := prepared(t)
	c := newTally()
	s := open(t, url)
	accounts(t, s, "@every 1h", numbered(30)...)
	jobs := func(condition string) (n int) {
		if err := s.Pool().QueryRow(t.Context(), `SELECT count(*) FROM river_job WHERE `+condition).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	poll := func(_ context.Context, account string) error {
		defer c.enter("one", account)()
		return nil
	}
	stop := start(t, member(open(t, url), "one", quiet, poll))
	eventually(t, "all are polled", 2*time.Minute, func() bool { return jobs("state = 'completed'") == 30 })
	stop()
	if _, err := s.Pool().Exec(t.Context(), `UPDATE river_job SET finalized_at = finalized_at - interval '6 minutes'`); err != nil {
		t.Fatal(err)
	}
	start(t, member(open(t, url), "two", quiet, poll))
	eventually(t, "jobs that have ended go away", 40*time.Second, func() bool { return jobs("true") == 0 })
}

func TestMigrateByManyAtOnce(t *testing.T) {
	// I21
	t.Parallel()
	url := servertest.Postgres(t)
	var stores []*postgres.Store
	for range 4 {
		stores = append(stores, open(t, url))
	}
	var group sync.WaitGroup
	errs := make([]error, len(stores))
	for i, s := range stores {
		group.Go(func() { errs[i] = cluster.Migrate(t.Context(), s.Pool()) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
	if err := cluster.Migrate(t.Context(), stores[0].Pool()); err != nil {
		t.Errorf("again: %v", err)
	}
}
