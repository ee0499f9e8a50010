package syncer

import (
	"time"

	"kith"
)

const (
	backoffFirst = 15 * time.Second
	backoffMost  = 10 * time.Minute
	// throttlePause is the least pause after a server said that it is too much.
	throttlePause = time.Minute
	// settingsPause is how long a fault of the configuration rests: a person mends it,
	// perhaps on the server, so it is looked at again, but rarely.
	settingsPause = time.Hour
	// authAttempts is how often a refused login is tried in a row. More would
	// lock people out of their own mailboxes.
	authAttempts = 3
	authPause    = 5 * time.Minute
)

// Backoff returns how long to wait after the n-th failure in a row (n from 1):
// it doubles up to a ceiling. spread in [0, 1) shortens it by up to a
// quarter, so that accounts that failed together don't return together.
func Backoff(n int, spread float64) time.Duration {
	pause := backoffMost
	if n < 1 {
		n = 1
	}
	if n < 16 { // beyond, the shift is over the ceiling anyway
		pause = min(pause, backoffFirst<<(n-1))
	}
	return pause - time.Duration(float64(pause)*spread/4)
}

// Ended returns what an account becomes after a run: its state, when it is due
// again, and what to tell. It is a pure function. err is nil after a good run;
// more says that a backfill has work left; spread is in [0, 1).
func Ended(account kith.Account, s Schedule, now time.Time, err error, more bool, spread float64) kith.Account {
	if err == nil {
		account.State = kith.StateOK
		account.LastSuccess = now
		account.Attempts = 0
		account.Error = ""
		account.ErrorSince = time.Time{}
		account.NextPoll = now
		if !more {
			account.NextPoll = s.after(now, spread)
		}
		return account
	}

	if account.Error == "" {
		account.ErrorSince = now
	}
	account.Error = err.Error()
	account.Attempts++
	kind, wait := kith.FaultOf(err)
	switch kind {
	case kith.FaultThrottled:
		account.State = kith.StateThrottled
		account.NextPoll = now.Add(max(wait, throttlePause, Backoff(account.Attempts, spread)))
	case kith.FaultAuth:
		account.State = kith.StateFailing
		account.NextPoll = now.Add(authPause * time.Duration(account.Attempts))
		if account.Attempts >= authAttempts {
			account.State = kith.StateNeedsAttention
		}
	case kith.FaultSettings:
		account.State = kith.StateFailing
		account.NextPoll = now.Add(settingsPause)
	default:
		account.State = kith.StateFailing
		account.NextPoll = now.Add(Backoff(account.Attempts, spread))
	}
	return account
}

// FirstPoll returns when the i-th of n accounts that are new at the same time
// is due first: they start a tenth of a second apart, all within the interval.
func FirstPoll(now time.Time, i, n int, interval time.Duration) time.Time {
	span := min(time.Duration(n)*100*time.Millisecond, interval)
	return now.Add(span * time.Duration(i) / time.Duration(max(n, 1)))
}

// Overdue tells whether an account was silent for longer than its schedule
// lets expect: the sign of a daemon that is down or stuck, or of a fault that lasts.
func Overdue(account kith.Account, zone *time.Location, now time.Time) bool {
	schedule, err := ParseSchedule(account.Schedule, zone)
	if err != nil {
		return true
	}
	const slack = 5 * time.Minute
	last := account.LastSuccess
	if last.IsZero() {
		last = account.ErrorSince
	}
	if last.IsZero() {
		last = account.LastPoll // a first run may be long
	}
	if last.IsZero() {
		return now.Sub(account.NextPoll) > slack
	}
	return now.After(schedule.Next(schedule.Next(last)).Add(slack)) // one run may be missed
}
