// Package simulation_test runs the real scheduler, as daemons run it, over hours and days of
// virtual time: register, mailboxes and hosts are simulated, see mailbox_test.go for
// what a poll is taken to cost.
//
// What is tested here in short runs at full length, for the figures of docs/scale.md, by
// "make simulate".
package simulation_test

import (
	"testing"
	"time"
)

const interval = 5 * time.Minute

// settledLag is what a poll may be late when there are workers to spare: the runners look
// each second.
const settledLag = 1100 * time.Millisecond

func TestOutageOfTheRegister(t *testing.T) {
	w := world{
		accounts: 2000, interval: interval, daemons: 2, workers: 8, perHost: 8, others: 10, length: 6 * time.Hour,
		storeAway: window{2 * time.Hour, 3 * time.Hour},
	}
	s := w.run(t)
	even := float64(w.accounts) / interval.Seconds()

	// I14 many accounts start together: a tenth of a second apart.
	if got := s.smooth(0, interval); got > 1.8*even {
		t.Errorf("up to %.1f starts a second in the first interval, %.1f would be even", got, even)
	}
	if got := s.lagging(time.Hour, 2*time.Hour, all); got.quantile(0.99) > settledLag {
		t.Errorf("1 %% of polls begin over %v late in quiet times", got.quantile(0.99))
	}
	if got := s.smooth(time.Hour, 2*time.Hour); got > 1.5*even {
		t.Errorf("up to %.1f starts a second in quiet times, %.1f would be even", got, even)
	}
	if _, most := s.rate(w.storeAway.from+time.Second, w.storeAway.until); most > 0 {
		t.Errorf("%d polls a second began while the register was away", most)
	}

	// I09 each account is polled once for all the runs that it missed.
	if first, _ := s.rate(w.storeAway.until, w.storeAway.until+interval); first > 1.2*even {
		t.Errorf("%.1f starts a second in the interval after the outage, %.1f would be even", first, even)
	}
	if s.busiest > w.daemons*w.workers {
		t.Errorf("%d polls at once by %d daemons with %d workers each", s.busiest, w.daemons, w.workers)
	}
	if got := s.lagging(w.storeAway.until+interval, w.length, all); got.most > 20*time.Second {
		t.Errorf("an interval after the outage polls still began up to %v late", got.most)
	}
	if got := s.caughtUp(w.storeAway.until, settledLag); got > 4*interval {
		t.Errorf("polls were late for %v after the outage", got)
	}
	if got := s.smooth(w.storeAway.until+time.Hour, w.length); got > 1.5*even {
		t.Errorf("up to %.1f starts a second an hour after the outage: accounts that it drove together stay so", got)
	}
}

func TestOutageOfAHost(t *testing.T) {
	w := world{
		accounts: 1000, interval: interval, daemons: 2, workers: 16, perHost: 8, others: 10, length: 3 * time.Hour,
		hostAway: window{time.Hour, 2 * time.Hour},
	}
	s := w.run(t)
	even := float64(w.accounts) / interval.Seconds()
	// E16 no host gets more connections than it is meant to.
	for host, n := range s.atOnce {
		if most := w.daemons * w.perHost; n > most {
			t.Errorf("%d connections to host %d, want %d at most", n, host, most)
		}
	}
	// I04 those on other hosts go on as if nothing were.
	if got := s.lagging(w.hostAway.from, w.hostAway.until, apart); got.most > settledLag {
		t.Errorf("accounts on other hosts were polled up to %v late while one host was away", got.most)
	}
	// Half of the accounts wait, and have a turn within two minutes: one a minute in the mean.
	if most := w.accounts / 2 * int((w.hostAway.until-w.hostAway.from)/time.Minute); s.claims-s.polls > most {
		t.Errorf("%d claims were put back, want %d at most", s.claims-s.polls, most)
	}
	if got := s.caughtUp(w.hostAway.until, settledLag); got > 4*interval {
		t.Errorf("polls were late for %v after the host had come back", got)
	}
	if got := s.smooth(w.hostAway.until+30*time.Minute, w.length); got > 1.8*even {
		t.Errorf("up to %.1f starts a second half an hour later, %.1f would be even", got, even)
	}
}

func TestNewAccountsBesideOld(t *testing.T) {
	// I25 first captures take turns, so that they starve nobody.
	w := world{accounts: 600, fresh: 60, interval: interval, daemons: 1, workers: 8, perHost: 8, others: 10, length: time.Hour}
	s := w.run(t)
	turns := 30 * time.Second * time.Duration(w.fresh) / time.Duration(w.workers)
	if got := s.lagging(0, w.length, all); got.most > turns {
		t.Errorf("a poll began %v late, while all first captures had a turn in %v", got.most, turns)
	}
	if s.pastRead == 0 || s.pastRead > 30*time.Minute {
		t.Errorf("the last past was read after %v", s.pastRead)
	}
	if got := s.lagging(s.pastRead+interval, w.length, all); got.quantile(0.99) > settledLag {
		t.Errorf("1 %% of polls begin over %v late when all is read", got.quantile(0.99))
	}
}
