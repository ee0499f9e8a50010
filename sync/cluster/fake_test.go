package cluster_test

import (
	"context"
	"iter"
	"log/slog"
	"sync"
	"testing"
	"time"

	"kith"
	"kith/matcher"
	"kith/servertest"
	"kith/store/postgres"
	syncer "kith/sync"
	"kith/sync/cluster"
)

// prepared is a database of its own for a test, with both schemas.
func prepared(t testing.TB) string {
	t.Helper()
	return servertest.PreparedPostgres(t, func(url string) {
		s, err := postgres.Open(t.Context(), url, postgres.Options{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if err := cluster.Migrate(t.Context(), s.Pool()); err != nil {
			t.Fatal(err)
		}
	})
}

// open opens a register. Each daemon has connections of its own.
func open(t testing.TB, url string) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), url, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// mailbox is a source that holds nothing and whose poll is one function.
type mailbox func(ctx context.Context) error

func (m mailbox) Streams(ctx context.Context) ([]kith.Stream, error) { return nil, m(ctx) }

func (m mailbox) Changes(context.Context, kith.Stream, kith.Cursor) iter.Seq2[kith.Batch, error] {
	return func(func(kith.Batch, error) bool) {}
}

func (m mailbox) Fetch(context.Context, kith.Stream, []string) (kith.Batch, error) {
	return kith.Batch{}, nil
}

func (m mailbox) Find(context.Context, kith.Stream, string) ([]string, error) { return nil, nil }

func (m mailbox) Search(context.Context, kith.Stream, []string) iter.Seq2[kith.Batch, error] {
	return func(yield func(kith.Batch, error) bool) { yield(kith.Batch{}, kith.ErrNoSearch) }
}

func (m mailbox) Close() error { return nil }

// tally notes polls by account, of all daemons.
type tally struct {
	mu      sync.Mutex
	changed chan struct{} // has something in it when a poll began since it was last emptied
	polls   []polled
	running map[string]int
	most    map[string]int // of each account, at once
	allMost map[string]int // by daemon, at once
	now     map[string]int
}

type polled struct {
	account, daemon string
	at              time.Time
}

func newTally() *tally {
	return &tally{
		changed: make(chan struct{}, 1), running: map[string]int{}, most: map[string]int{},
		allMost: map[string]int{}, now: map[string]int{},
	}
}

func (c *tally) enter(daemon, account string) (leave func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.polls = append(c.polls, polled{account, daemon, time.Now()})
	c.running[account]++
	c.most[account] = max(c.most[account], c.running[account])
	c.now[daemon]++
	c.allMost[daemon] = max(c.allMost[daemon], c.now[daemon])
	select {
	case c.changed <- struct{}{}:
	default:
	}
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.running[account]--
		c.now[daemon]--
	}
}

// count is how many polls there were.
func (c *tally) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.polls)
}

// times returns when an account was polled.
func (c *tally) times(account string) (at []polled) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.polls {
		if p.account == account {
			at = append(at, p)
		}
	}
	return at
}

// until waits for something that polls bring about.
func (c *tally) until(t testing.TB, what string, limit time.Duration, done func() bool) {
	t.Helper()
	over := time.NewTimer(limit)
	defer over.Stop()
	for !done() {
		select {
		case <-c.changed:
		case <-over.C:
			t.Fatalf("waited %v in vain: %s", limit, what)
		}
	}
}

// member makes a daemon that polls by a function. It is not started.
func member(s *postgres.Store, name string, log *slog.Logger, poll func(ctx context.Context, account string) error) *cluster.Cluster {
	clock := &syncer.Clock{Register: s.Now, Local: time.Now}
	return &cluster.Cluster{
		Worker: &syncer.Worker{
			Poller: &syncer.Poller{
				Store: s, Now: clock.Now, Log: log,
				Open: func(_ context.Context, account string) (syncer.Source, matcher.Account, error) {
					return mailbox(func(ctx context.Context) error { return poll(ctx, account) }), matcher.Account{}, nil
				},
			},
			Store: s, Clock: clock, Zone: time.UTC, Daemon: kith.Daemon{Name: name, Workers: 4, Started: time.Now()},
			PerHost: 4, HostOf: func(context.Context, string) string { return "host" },
			Slice: 30 * time.Second, Timeout: time.Minute,
		},
		Store: s, Pool: s.Pool(), Knows: func(kith.Account) bool { return true }, Grace: 2 * time.Second,
	}
}

// start runs a daemon. stop ends it, once, and tells how long that took.
func start(t testing.TB, c *cluster.Cluster) (stop func() time.Duration) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	var once sync.Once
	var took time.Duration
	stop = func() time.Duration {
		once.Do(func() {
			at := time.Now()
			cancel()
			if err := <-done; err != nil {
				t.Errorf("Run: %v", err)
			}
			took = time.Since(at)
		})
		return took
	}
	t.Cleanup(func() { stop() })
	return stop
}

var quiet = slog.New(slog.DiscardHandler)
