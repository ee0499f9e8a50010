package kith

import (
	"errors"
	"fmt"
	"time"
)

// AccountState is the health of an account.
type AccountState string

// The states of an account.
const (
	StateNew            AccountState = "new"             // never polled
	StateOK             AccountState = "ok"              // the last poll ended well
	StateFailing        AccountState = "failing"         // retried with back-off
	StateThrottled      AccountState = "throttled"       // the server asked us to wait
	StateNeedsAttention AccountState = "needs_attention" // only a person can mend it; not tried meanwhile
	StateRemoved        AccountState = "removed"         // no longer configured; what it recorded stays
)

// Account is a mailbox, calendar or address book as the register knows it: its
// schedule and health, not its password.
type Account struct {
	Name     string
	Kind     string // imap, caldav, …
	Owner    string
	Schedule string // cron spec, see package syncer
	// Settings is a digest of everything that a login depends on. When it
	// changes, an account that needed attention is tried again.
	Settings string

	State       AccountState
	NextPoll    time.Time
	LastPoll    time.Time // start of the last run
	LastSuccess time.Time
	Attempts    int    // runs that failed in a row
	Error       string // of the last run, "" after a success
	ErrorSince  time.Time
}

// StreamStatus is what the register knows of one stream.
type StreamStatus struct {
	Name        string
	Cursor      Cursor
	LastSuccess time.Time
	Recorded    int
	Skipped     map[Reason]int
	Quarantined int
	Backfilled  float64 // 0 to 1
	Error       string
}

// AccountStatus is an account with its streams, by name.
type AccountStatus struct {
	Account
	Streams []StreamStatus
}

// Quarantined is an item that could not be read so far. It holds no content.
type Quarantined struct {
	Account  string
	Stream   string
	Ref      string
	Cause    string
	Since    time.Time
	Attempts int
	NextTry  time.Time
}

// FaultKind tells what kind of failure stopped a poll, and so what happens next.
type FaultKind string

// The kinds of fault.
const (
	FaultTransient FaultKind = "transient" // try again, with back-off
	FaultThrottled FaultKind = "throttled" // the server asked for a pause
	FaultAuth      FaultKind = "auth"      // the login was refused: do not go on trying
	FaultSettings  FaultKind = "settings"  // the configuration can't work: do not go on trying
)

// Fault is a failure whose kind the source knows. An error that is no Fault is transient.
type Fault struct {
	Kind       FaultKind
	RetryAfter time.Duration // for [FaultThrottled]: how long the server asked us to wait; 0 when it did not say
	Err        error
}

func (f *Fault) Error() string { return f.Err.Error() }

// Unwrap returns the cause.
func (f *Fault) Unwrap() error { return f.Err }

// FaultOf returns the kind of err and the pause it asks for.
func FaultOf(err error) (FaultKind, time.Duration) {
	var f *Fault
	if errors.As(err, &f) {
		return f.Kind, f.RetryAfter
	}
	return FaultTransient, 0
}

// Faultf makes a [Fault] with a formatted cause.
func Faultf(kind FaultKind, format string, args ...any) *Fault {
	return &Fault{Kind: kind, Err: fmt.Errorf(format, args...)}
}
