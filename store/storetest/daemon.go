package storetest

import (
	"context"
	"testing"
	"time"

	"kith"
)

var daemonTests = []test{
	{"I10 Now/one clock for all", func(t *testing.T, f *fixture) {
		first, err := f.Now(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f.daemons(t) // a transaction later
		second, err := f.Now(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !second.After(first) || second.Sub(first) > time.Minute || time.Since(second).Abs() > time.Minute {
			t.Errorf("the register's clock shows %v, then %v; this host's %v", first, second, time.Now())
		}
		if first.Location() != time.UTC || first != first.Truncate(time.Microsecond) {
			t.Errorf("%v is not UTC in microseconds", first)
		}
		_, err = f.Now(done(t))
		fails(t, "Now", err, context.Canceled)
	}},
	{"PollStarted/the account is the daemon's until the end", func(t *testing.T, f *fixture) {
		f.accounts(t, "a")
		a := f.claim(t, t0, time.Minute, "a")[0]
		equal(t, "lease of the claim", a.LeasedUntil, t0.Add(time.Minute))
		began, lease := t0.Add(time.Second), t0.Add(2*time.Minute)
		f.started(t, a, "one", began, lease)
		got := f.account(t, "a")
		equal(t, "daemon", got.Daemon, "one")
		equal(t, "LastPoll", got.LastPoll, began)
		equal(t, "LeasedUntil", got.LeasedUntil, lease)
		f.claim(t, lease.Add(-time.Second), time.Minute)
		got.State, got.NextPoll = kith.StateOK, t0.Add(5*time.Minute)
		if err := f.PollEnded(t.Context(), got); err != nil {
			t.Fatal(err)
		}
		got.Daemon, got.LeasedUntil = "", time.Time{}
		equal(t, "after the end", f.account(t, "a"), got)
	}},
	{"D15 one start of two, whatever the leases", func(t *testing.T, f *fixture) {
		f.accounts(t, "a")
		a := f.account(t, "a")
		f.started(t, a, "one", t0, t0.Add(time.Minute))
		fails(t, "the second start", f.PollStarted(t.Context(), a, "two", t0.Add(time.Second), t0.Add(time.Hour)), kith.ErrTaken)
		got := f.account(t, "a")
		equal(t, "daemon", got.Daemon, "one")
		equal(t, "LastPoll", got.LastPoll, t0)
	}},
	{"D15 the end of a run that was taken over", func(t *testing.T, f *fixture) {
		f.accounts(t, "a")
		frozen := f.claim(t, t0, time.Minute, "a")[0]
		f.started(t, frozen, "one", t0, t0.Add(time.Minute))
		frozen.LastPoll = t0
		late := t0.Add(time.Minute)
		other := f.claim(t, late, time.Minute, "a")[0]
		equal(t, "a claim is no daemon's yet", other.Daemon, "")
		f.started(t, other, "two", late, late.Add(time.Minute))
		before := f.account(t, "a")
		frozen.State, frozen.Error, frozen.NextPoll = kith.StateFailing, "reset", t0.Add(time.Hour)
		fails(t, "its end", f.PollEnded(t.Context(), frozen), kith.ErrTaken)
		equal(t, "the account", f.account(t, "a"), before)
	}},
	{"Beat/prolongs what its runs hold", func(t *testing.T, f *fixture) {
		f.accounts(t, "a", "another's", "claimed", "ended")
		for _, a := range f.claim(t, t0, time.Minute, "a", "another's", "claimed", "ended") {
			switch a.Name {
			case "claimed":
			case "another's":
				f.started(t, a, "two", t0, t0.Add(time.Minute))
			default:
				f.started(t, a, "one", t0, t0.Add(time.Minute))
			}
		}
		one := kith.Daemon{Name: "one", Host: "h", Version: "1", Started: t0, Seen: t0, Workers: 4, Running: 1}
		f.beat(t, one, t0.Add(time.Hour), "a", "another's", "claimed")
		equal(t, "a", f.account(t, "a").LeasedUntil, t0.Add(time.Hour))
		for _, name := range []string{"another's", "claimed", "ended"} {
			equal(t, name, f.account(t, name).LeasedUntil, t0.Add(time.Minute))
		}
		f.claim(t, t0.Add(time.Minute), time.Minute, "another's", "claimed", "ended")
	}},
	{"Daemons/by name, until they stop or are forgotten", func(t *testing.T, f *fixture) {
		one := kith.Daemon{Name: "one", Host: "h", Version: "1", Started: t0, Seen: t0, Workers: 4, Running: 1}
		two := kith.Daemon{Name: "two", Host: "i", Version: "2", Started: t0, Seen: t0.Add(time.Hour), Workers: 8}
		f.beat(t, two, t0)
		f.beat(t, one, t0)
		f.daemons(t, one, two)
		one.Seen, one.Running = t0.Add(time.Second), 0
		f.beat(t, one, t0)
		f.daemons(t, one, two)
		two.Seen = t0.Add(25 * time.Hour)
		f.beat(t, two, t0)
		f.daemons(t, two)
		if err := f.DaemonStopped(t.Context(), "two"); err != nil {
			t.Fatal(err)
		}
		f.daemons(t)
	}},
	{"DaemonStopped/what it held is free", func(t *testing.T, f *fixture) {
		f.accounts(t, "a", "b")
		for _, a := range f.claim(t, t0, time.Hour, "a", "b") {
			f.started(t, a, a.Name, t0, t0.Add(time.Hour))
		}
		if err := f.DaemonStopped(t.Context(), "a"); err != nil {
			t.Fatal(err)
		}
		f.claim(t, t0.Add(time.Second), time.Hour, "a")
	}},
}

func (f *fixture) accounts(t *testing.T, names ...string) {
	t.Helper()
	var accounts []kith.Account
	for _, name := range names {
		accounts = append(accounts, kith.Account{Name: name, Kind: "imap", Schedule: "@every 5m", NextPoll: t0})
	}
	if err := f.Reconcile(t.Context(), accounts); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) account(t *testing.T, name string) kith.Account {
	t.Helper()
	a, err := f.Account(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// claim claims all that is due, which has to be these.
func (f *fixture) claim(t *testing.T, now time.Time, lease time.Duration, want ...string) []kith.Account {
	t.Helper()
	due, err := f.ClaimDue(t.Context(), now, now.Add(lease), 100)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, a := range due {
		names = append(names, a.Name)
	}
	equal(t, "due", names, want)
	if t.Failed() {
		t.FailNow()
	}
	return due
}

func (f *fixture) started(t *testing.T, a kith.Account, daemon string, at, lease time.Time) {
	t.Helper()
	if err := f.PollStarted(t.Context(), a, daemon, at, lease); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) beat(t *testing.T, d kith.Daemon, lease time.Time, polling ...string) {
	t.Helper()
	if err := f.Beat(t.Context(), d, polling, lease); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) daemons(t *testing.T, want ...kith.Daemon) {
	t.Helper()
	got, err := f.Daemons(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "Daemons", got, want)
}
