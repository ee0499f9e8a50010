package syncer_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	syncer "kith/sync"
)

func TestClock(t *testing.T) {
	noon := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	register, local := noon, noon.Add(time.Hour)
	var fails error
	c := &syncer.Clock{
		Register: func(context.Context) (time.Time, error) { return register, fails },
		Local:    func() time.Time { return local },
	}
	is := func(why string, want time.Time) {
		t.Helper()
		if got := c.Now(); !got.Equal(want) {
			t.Errorf("%s: %v, want %v", why, got, want)
		}
	}
	is("nothing was read yet", local)
	if now, err := c.Read(t.Context()); err != nil || !now.Equal(register) {
		t.Errorf("Read: %v, %v", now, err)
	}
	is("read", noon)
	local = local.Add(time.Minute)
	is("a minute has passed here", noon.Add(time.Minute))
	fails = errors.New("connection refused")
	if _, err := c.Read(t.Context()); !errors.Is(err, fails) {
		t.Errorf("Read while the register is away: %v", err)
	}
	is("the register is away", noon.Add(time.Minute))
	register, fails = noon.Add(90*time.Second), nil
	if _, err := c.Read(t.Context()); err != nil {
		t.Error(err)
	}
	is("read again", noon.Add(90*time.Second))
}

// wrongClocks are how far a daemon's clock may be ahead of the register's in tests.
var wrongClocks = []time.Duration{0, 30 * time.Second, -30 * time.Second, 2 * time.Minute, -2 * time.Minute, time.Hour, -time.Hour}

func TestClocksThatDiffer(t *testing.T) {
	// I10 D15 No account is polled more often than its schedule says, or twice at once.
	for _, wrong := range wrongClocks {
		t.Run(wrong.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSchedule("a", "slow")
				polls := map[string]*tally{"a": {}, "slow": {}}
				var stops []func() time.Duration
				for name, ahead := range map[string]time.Duration{"right": 0, "wrong": wrong} {
					r := newRunner(s, quiet, func(_ context.Context, account string) error {
						defer polls[account].enter(name)()
						if account == "slow" {
							time.Sleep(90 * time.Second)
						}
						return nil
					})
					r.Daemon.Name = name
					r.Clock.Local = func() time.Time { return time.Now().Add(ahead) }
					stops = append(stops, start(t, r))
				}
				time.Sleep(time.Hour)
				for _, stop := range stops {
					stop()
				}
				for name, want := range map[string]int{"a": 60, "slow": 24} {
					c := polls[name]
					if c.most > 1 {
						t.Errorf("account %s was polled %d times at once", name, c.most)
					}
					if n := len(c.starts); n < want-3 || n > want+3 {
						t.Errorf("account %s was polled %d times in an hour, want %d", name, n, want)
					}
				}
			})
		})
	}
}
