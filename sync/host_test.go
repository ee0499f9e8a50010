package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"kith"
)

// counted is a schedule that counts the accounts that are claimed.
type counted struct {
	*schedule
	claims int
}

func (s *counted) ClaimDue(ctx context.Context, now, lease time.Time, limit int) ([]kith.Account, error) {
	due, err := s.schedule.ClaimDue(ctx, now, lease, limit)
	s.claims += len(due)
	return due, err
}

// many are the names of n accounts.
func many(host string, n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("%s/%03d", host, i))
	}
	return names
}

// hostOf is the part of a name of many before the slash.
func hostOf(_ context.Context, account string) string {
	host, _, _ := strings.Cut(account, "/")
	return host
}

func TestRunnerUsesItsWorkers(t *testing.T) {
	// I14 400 polls of a tenth of a second each by four workers take ten seconds, when they all are due.
	synctest.Test(t, func(t *testing.T) {
		var c tally
		s := newSchedule(many("host", 400)...)
		for name, a := range s.rows {
			a.NextPoll, a.Schedule = time.Now(), "@every 1h"
			s.rows[name] = a
		}
		r := newRunner(s, quiet, func(_ context.Context, name string) error {
			defer c.enter(name)()
			time.Sleep(100 * time.Millisecond)
			return nil
		})
		stop := start(t, r)
		time.Sleep(15 * time.Second)
		stop()
		if len(c.starts) != 400 {
			t.Errorf("%d of 400 accounts were polled in 15 s", len(c.starts))
		}
	})
}

func TestHostThatHangs(t *testing.T) {
	// I04 E16 Connections to one host hang for a minute: that delays no account on another, and
	// those that wait for a connection are not claimed more often than all others. When the host is well again they
	// are soon up to date.
	synctest.Test(t, func(t *testing.T) {
		away, well := many("away", 400), many("well", 100)
		s := &counted{schedule: newSchedule(append(away, well...)...)}
		for _, name := range away {
			a := s.rows[name]
			a.Schedule = "@every 5m"
			s.rows[name] = a
		}
		polls := map[string]*tally{"away": {}, "well": {}}
		back := time.Now().Add(20 * time.Minute)
		r := newRunner(s.schedule, quiet, func(ctx context.Context, name string) error {
			defer polls[hostOf(ctx, name)].enter(name)()
			if hostOf(ctx, name) == "away" && time.Now().Before(back) {
				time.Sleep(time.Minute)
				return errors.New("no answer")
			}
			time.Sleep(100 * time.Millisecond)
			return nil
		})
		r.Store, r.HostOf, r.Daemon.Workers = s, hostOf, 16
		stop := start(t, r)
		time.Sleep(20 * time.Minute)
		s.mu.Lock()
		claims := s.claims
		s.mu.Unlock()
		time.Sleep(5 * time.Minute)
		stop()

		if most := polls["away"].most; most > r.PerHost {
			t.Errorf("%d connections at once to the host that hangs, want %d at most", most, r.PerHost)
		}
		for _, name := range well {
			if n := polls["well"].of(name); n < 23 {
				t.Errorf("account %s on a host that is well was polled %d times in 25 minutes", name, n)
			}
		}
		// 100 a minute on the host that is well; the 400 that wait have a turn a minute, in the mean.
		if most := 20 * (100 + 400); claims > most {
			t.Errorf("%d claims in 20 minutes, want %d at most", claims, most)
		}
		for _, name := range away {
			if row := s.row(name); row.State != kith.StateOK {
				t.Errorf("account %s is %s five minutes after its host came back", name, row.State)
			}
		}
	})
}

func TestHostsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var names []string
		for i := range 100 {
			names = append(names, fmt.Sprintf("host%d/a", i), fmt.Sprintf("host%d/b", i))
		}
		r := newRunner(newSchedule(names...), quiet, func(context.Context, string) error {
			time.Sleep(100 * time.Millisecond)
			return nil
		})
		r.HostOf, r.PerHost = hostOf, 1
		stop := start(t, r)
		time.Sleep(2 * time.Minute)
		stop()
		if n := r.HostsKnown(); n > 20 {
			t.Errorf("%d hosts are remembered after %d accounts were polled by %d workers", n, len(names), r.Daemon.Workers)
		}
	})
}
