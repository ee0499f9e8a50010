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
	StateDisabled       AccountState = "disabled"        // not tried until it is enabled again
	StateRemoved        AccountState = "removed"         // no longer configured; what it recorded stays
)

// Origin tells where an account is defined.
type Origin string

// The origins of an account.
const (
	OriginFile     Origin = "file"     // the configuration file
	OriginRegister Origin = "register" // the register itself, see [Definition]
)

// Account is a mailbox, calendar or address book as the register knows it: its
// schedule and health, not its password.
type Account struct {
	Name     string
	Origin   Origin
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

	// Daemon is the name of the one that polls the account now, "" if none
	// does, and LeasedUntil is when others may take the account over from it.
	Daemon      string
	LeasedUntil time.Time
}

// Definition is an account that is defined in the register, so that every
// daemon on it can poll the account.
type Definition struct {
	Account
	// Text is what an [[account]] block of a configuration file says of it,
	// but for its secret. Those who write and read it know its form.
	Text      string
	Secret    Sealed
	Disabled  bool
	UpdatedAt time.Time
}

// Sealed is a secret as it is stored: encrypted. The zero value holds none.
type Sealed struct {
	Key string // the id of the key that opens it
	Box []byte
}

// Daemon is a running kith, as others on the same register see it.
type Daemon struct {
	Name    string // its own among all that run
	Host    string
	Version string
	Started time.Time
	Seen    time.Time // its last beat
	Workers int       // accounts that it polls at once, at most
	Running int       // accounts that it polls now
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
	// LookedBack is the number of the last address (see [Sought]) that the past
	// of the stream was searched for, and Sought that of the newest there is.
	LookedBack int64
	Sought     int64
}

// LookBack returns how many addresses, at most, the past of the stream is yet to be
// searched for. A stream that was not read so far owes nothing: it will be
// read with what is known by then.
func (s *StreamStatus) LookBack() int {
	if s.Cursor == "" {
		return 0
	}
	return int(max(0, s.Sought-s.LookedBack))
}

// AccountStatus is an account with its streams, by name.
type AccountStatus struct {
	Account
	CappedAt time.Time // when a run last left out contacts that it would have made: see [Creation]
	Streams  []StreamStatus
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
