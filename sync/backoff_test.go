package syncer_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"kith"
	syncer "kith/sync"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestBackoff(t *testing.T) {
	for _, tt := range []struct {
		name   string
		n      int
		spread float64
		want   time.Duration
	}{
		{"the first failure", 1, 0, 15 * time.Second},
		{"the second", 2, 0, 30 * time.Second},
		{"E15 never more than ten minutes", 7, 0, 10 * time.Minute},
		{"a huge count does not overflow", 1 << 40, 0, 10 * time.Minute},
		{"no count is the first", 0, 0, 15 * time.Second},
		{"E15 jitter shortens by up to a quarter", 7, 0.999999, 7*time.Minute + 30*time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := syncer.Backoff(tt.n, tt.spread); got.Round(time.Second) != tt.want {
				t.Errorf("Backoff(%d, %v) = %v, want %v", tt.n, tt.spread, got, tt.want)
			}
		})
	}
}

func TestEnded(t *testing.T) {
	schedule, err := syncer.ParseSchedule("@every 5m", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	refused := kith.Faultf(kith.FaultAuth, "login refused")
	throttled := &kith.Fault{Kind: kith.FaultThrottled, RetryAfter: 92415 * time.Millisecond, Err: errors.New("throttled")}
	failing := kith.Account{State: kith.StateFailing, Attempts: 4, Error: "down", ErrorSince: noon.Add(-time.Hour)}

	for _, tt := range []struct {
		name   string
		before kith.Account
		err    error
		more   bool
		state  kith.AccountState
		wait   time.Duration
		tries  int
	}{
		{"success", kith.Account{}, nil, false, kith.StateOK, 5 * time.Minute, 0},
		{"E15 success ends the back-off", failing, nil, false, kith.StateOK, 5 * time.Minute, 0},
		{"I25 a backfill goes on at once", kith.Account{}, nil, true, kith.StateOK, 0, 0},
		{"an unknown error is transient", kith.Account{}, errors.New("reset"), false, kith.StateFailing, 15 * time.Second, 1},
		{"E20 back-off grows", failing, errors.New("reset"), false, kith.StateFailing, 4 * time.Minute, 5},
		{"E14 a server's wish is honoured", kith.Account{}, throttled, false, kith.StateThrottled, 92415 * time.Millisecond, 1},
		{"E14 without a figure it is a minute", kith.Account{}, kith.Faultf(kith.FaultThrottled, "slow"), false, kith.StateThrottled, time.Minute, 1},
		{"E19 a refused login is tried again late", kith.Account{}, refused, false, kith.StateFailing, 5 * time.Minute, 1},
		{"E19 and then no more", kith.Account{Attempts: 2, Error: "login refused", ErrorSince: noon}, refused, false, kith.StateNeedsAttention, 15 * time.Minute, 3},
		{"wrapped, it is the same", kith.Account{Attempts: 2, Error: "x", ErrorSince: noon}, fmt.Errorf("account a: %w", refused), false, kith.StateNeedsAttention, 15 * time.Minute, 3},
		{"E26 a bad certificate is looked at each hour", kith.Account{}, kith.Faultf(kith.FaultSettings, "expired"), false, kith.StateFailing, time.Hour, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := syncer.Ended(tt.before, schedule, noon, tt.err, tt.more, 0)
			if got.State != tt.state || got.NextPoll.Sub(noon) != tt.wait || got.Attempts != tt.tries {
				t.Errorf("got state %s, next in %v, attempts %d; want %s, %v, %d", got.State, got.NextPoll.Sub(noon), got.Attempts, tt.state, tt.wait, tt.tries)
			}
			if (tt.err == nil) != (got.Error == "") || (tt.err == nil) != got.ErrorSince.IsZero() {
				t.Errorf("error %q since %v does not fit %v", got.Error, got.ErrorSince, tt.err)
			}
			if tt.err != nil && !tt.before.ErrorSince.IsZero() && !got.ErrorSince.Equal(tt.before.ErrorSince) {
				t.Errorf("the failure began at %v, not at %v", tt.before.ErrorSince, got.ErrorSince)
			}
		})
	}
}

func TestFirstPollSpreadsStarts(t *testing.T) {
	// I14 500 accounts start together.
	const n = 500
	last := noon.Add(-1)
	for i := range n {
		at := syncer.FirstPoll(noon, i, n, 5*time.Minute)
		if !at.After(last) || at.Sub(noon) >= 5*time.Minute {
			t.Fatalf("account %d of %d is due %v after the start", i, n, at.Sub(noon))
		}
		last = at
	}
	if got := last.Sub(noon); got < 45*time.Second {
		t.Errorf("the last of %d accounts starts after %v", n, got)
	}
	if got := syncer.FirstPoll(noon, 9999, 10_000, time.Minute).Sub(noon); got >= time.Minute {
		t.Errorf("starts are spread over %v, which is more than the interval", got)
	}
}

func TestOverdue(t *testing.T) {
	for _, tt := range []struct {
		name    string
		account kith.Account
		want    bool
	}{
		{"just polled", kith.Account{Schedule: "@every 5m", LastSuccess: noon.Add(-4 * time.Minute)}, false},
		{"a missed run is no alarm", kith.Account{Schedule: "@every 5m", LastSuccess: noon.Add(-14 * time.Minute)}, false},
		{"I16 failing from the beginning", kith.Account{Schedule: "@every 5m", ErrorSince: noon.Add(-20 * time.Minute), LastPoll: noon}, true},
		{"I16 silent for long", kith.Account{Schedule: "@every 5m", LastSuccess: noon.Add(-30 * time.Minute)}, true},
		{"over the weekend", kith.Account{Schedule: "0 9 * * 1-5", LastSuccess: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)}, false},
		{"never polled, due long ago", kith.Account{Schedule: "@every 5m", NextPoll: noon.Add(-time.Hour)}, true},
		{"never polled, not due", kith.Account{Schedule: "@every 5m", NextPoll: noon.Add(time.Minute)}, false},
		{"a schedule that can't be read", kith.Account{Schedule: "?"}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := syncer.Overdue(tt.account, time.UTC, noon); got != tt.want {
				t.Errorf("Overdue = %v, want %v", got, tt.want)
			}
		})
	}
}

func TestEndedPartsWhatAnOutageDroveTogether(t *testing.T) {
	// I14 a thousand accounts that are polled in the same instant are not polled so for ever.
	const n, interval = 1000, 5 * time.Minute
	schedule, err := syncer.ParseSchedule("@every 5m", time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	perTenth := map[int]int{}
	for i := range n {
		account := kith.Account{NextPoll: noon}
		for range 6 {
			ended := account.NextPoll.Add(300 * time.Millisecond)
			account = syncer.Ended(account, schedule, ended, nil, false, float64(i)/n)
			if gap := account.NextPoll.Sub(ended); gap < interval*9/10 || gap > interval*11/10 {
				t.Fatalf("the next run is %v after the end of the last, scheduled every %v", gap, interval)
			}
		}
		perTenth[int(account.NextPoll.Sub(noon)%interval*10/interval)]++
	}
	for tenth := range 10 {
		if got := perTenth[tenth]; got < n/10-1 || got > n/10+1 {
			t.Errorf("%d of %d accounts in tenth %d of the interval", got, n, tenth)
		}
	}
}
