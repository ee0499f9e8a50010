package syncer_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"kith"
	syncer "kith/sync"
)

// forgetful is a schedule that can't take the end of a run before a given time.
type forgetful struct {
	*schedule
	until time.Time
}

func (s forgetful) PollEnded(ctx context.Context, a kith.Account) error {
	if time.Now().Before(s.until) {
		return errors.New("connection refused")
	}
	return s.schedule.PollEnded(ctx, a)
}

func TestEndOfRunIsWrittenWhenTheRegisterIsBack(t *testing.T) {
	// I07
	for _, tt := range []struct {
		name      string
		away      time.Duration
		stopAfter time.Duration
		state     kith.AccountState
		most      time.Duration // for the stop
	}{
		{"away for some seconds", 20 * time.Second, 25 * time.Second, kith.StateOK, time.Second},
		{"a stop does not wait for it", time.Hour, 20 * time.Second, "", 6 * time.Second},
		{"away for longer than the lease: the next run tells", 2 * syncer.Lease, 2*syncer.Lease - time.Second, "", 6 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSchedule("a")
				r := newRunner(s, quiet, func(context.Context, string) error { return nil })
				r.Store = forgetful{s, time.Now().Add(tt.away)}
				stop := start(t, r)
				time.Sleep(tt.stopAfter)
				if got := s.row("a").State; got != tt.state {
					t.Errorf("the account is %q, want %q", got, tt.state)
				}
				if took := stop(); took > tt.most {
					t.Errorf("the stop took %v", took)
				}
			})
		})
	}
}
