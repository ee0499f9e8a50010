package main

import (
	"testing"
	"time"

	"kith"
	"kith/servertest"
	"kith/store/postgres"
)

func TestStatusByTheRegistersClock(t *testing.T) {
	// I10 on a machine whose own clock is wrong.
	s := newRegister(t)
	url := servertest.Postgres(t)
	s.point(url)
	st, err := postgres.Open(t.Context(), url, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer st.Close()
	now, err := st.Now(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	due := now.Add(-time.Minute)
	accounts := []kith.Account{
		{Name: "due", Schedule: "@every 5m", NextPoll: due},
		{Name: "polled", Schedule: "@every 5m", NextPoll: due.Add(-time.Second)},
	}
	if err := st.Reconcile(t.Context(), accounts); err != nil {
		t.Fatal(err)
	}
	lease := now.Add(40 * time.Second)
	claimed, err := st.ClaimDue(t.Context(), now, lease, 1)
	if err != nil || len(claimed) != 1 {
		t.Fatal(claimed, err)
	}
	if err := st.PollStarted(t.Context(), claimed[0], "one", now, lease); err != nil {
		t.Fatal(err)
	}
	if err := st.Beat(t.Context(), kith.Daemon{Name: "one", Started: now, Seen: now}, nil, lease); err != nil {
		t.Fatal(err)
	}
	for _, wrong := range []time.Duration{0, time.Hour, -time.Hour} {
		s.ahead.Store(int64(wrong))
		got := jsonLinesOf[statusJSON](t, s.must("--json", "status"))[0]
		if len(got.Daemons) != 1 || len(got.Accounts) != 2 {
			t.Fatalf("%+v", got)
		}
		if d := got.Daemons[0]; d.Silent || d.Running != 1 {
			t.Errorf("ahead by %v: the daemon that polls one account is %+v", wrong, d)
		}
		if lag := got.Accounts[0].LagSeconds; lag < 60 || lag > 90 {
			t.Errorf("ahead by %v: lag %v s, want a minute", wrong, lag)
		}
		if a := got.Accounts[1]; a.Daemon == nil || a.LagSeconds != 0 || len(got.Overdue) > 0 {
			t.Errorf("ahead by %v: the account that is polled is %+v, overdue: %v", wrong, a, got.Overdue)
		}
	}
}
