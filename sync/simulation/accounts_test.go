package simulation_test

import (
	"container/heap"
	"context"
	"errors"
	"fmt"
	"iter"
	"strconv"
	"sync"
	"time"

	"kith"
)

// accounts is the part of a register that the scheduler needs, in memory. It keeps the
// contract of store.Accounts, but for what never happens here: no account is
// removed, and the clock is not set back.
type accounts struct {
	away   func(now time.Time) bool // whether the register can't be reached
	seen   func(a *account, at time.Time)
	mu     sync.Mutex
	rows   []account
	due    queue // those that are not leased, by NextPoll
	leases queue // by the end of the lease, as it was when it began
	claims int   // accounts that were claimed
}

// account is a row of the register, and what the simulation knows of it beside.
type account struct {
	kith.Account
	number int
	host   int

	stream kith.StreamStatus

	polls   int       // how often it was opened
	running bool      // since PollStarted
	owed    time.Time // since when it is due. Being put back does not change it
}

var errAway = errors.New("the register can't be reached")

// newAccounts makes rows for new accounts, n of them.
func newAccounts(n int, first func(i int) time.Time, schedule string, host func(i int) int) *accounts {
	s := &accounts{
		away: func(time.Time) bool { return false },
		seen: func(*account, time.Time) {},
		rows: make([]account, n),
	}
	for i := range s.rows {
		next := first(i)
		s.rows[i] = account{
			Account: kith.Account{Name: name(i), Schedule: schedule, State: kith.StateNew, NextPoll: next},
			number:  i, host: host(i), owed: next,
		}
		s.due.add(next, i)
	}
	return s
}

func name(i int) string { return fmt.Sprintf("a%06d", i) }

// number is the index of the row of a name.
func number(name string) int {
	i, err := strconv.Atoi(name[1:])
	if err != nil {
		panic(err)
	}
	return i
}

// enter locks the register; there is nothing to unlock if it is away.
func (s *accounts) enter() error {
	s.mu.Lock()
	if s.away(time.Now()) {
		s.mu.Unlock()
		return errAway
	}
	return nil
}

func (s *accounts) Now(context.Context) (time.Time, error) {
	if err := s.enter(); err != nil {
		return time.Time{}, err
	}
	defer s.mu.Unlock()
	return time.Now(), nil
}

func (s *accounts) ClaimDue(_ context.Context, now, lease time.Time, limit int) ([]kith.Account, error) {
	if err := s.enter(); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	for s.leases.ripe(now) {
		a := &s.rows[s.leases.take()]
		switch {
		case a.LeasedUntil.IsZero():
		case a.LeasedUntil.After(now): // it was prolonged
			s.leases.add(a.LeasedUntil, a.number)
		default:
			s.release(a)
		}
	}
	var due []kith.Account
	for len(due) < limit && s.due.ripe(now) {
		a := &s.rows[s.due.take()]
		a.Daemon, a.LeasedUntil = "", lease
		s.leases.add(lease, a.number)
		due = append(due, a.Account)
		s.claims++
	}
	return due, nil
}

// release ends a lease.
func (s *accounts) release(a *account) {
	a.Daemon, a.LeasedUntil = "", time.Time{}
	if a.State != kith.StateNeedsAttention {
		s.due.add(a.NextPoll, a.number)
	}
}

func (s *accounts) PollStarted(_ context.Context, run kith.Account, daemon string, at, lease time.Time) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.mu.Unlock()
	a := &s.rows[number(run.Name)]
	if !a.LastPoll.Equal(run.LastPoll) {
		return kith.ErrTaken
	}
	s.seen(a, at)
	a.LastPoll, a.Daemon, a.LeasedUntil, a.running = at, daemon, lease, true
	return nil
}

func (s *accounts) PollEnded(_ context.Context, run kith.Account) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.mu.Unlock()
	a := &s.rows[number(run.Name)]
	if !a.LastPoll.Equal(run.LastPoll) {
		return kith.ErrTaken
	}
	a.State, a.NextPoll, a.LastSuccess = run.State, run.NextPoll.Truncate(time.Microsecond), run.LastSuccess
	a.Attempts, a.Error, a.ErrorSince = run.Attempts, run.Error, run.ErrorSince
	if a.running {
		a.running, a.owed = false, a.NextPoll
	}
	if !a.LeasedUntil.IsZero() {
		s.release(a)
	}
	return nil
}

func (s *accounts) Beat(_ context.Context, daemon kith.Daemon, polling []string, lease time.Time) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.mu.Unlock()
	for _, name := range polling {
		if a := &s.rows[number(name)]; a.Daemon == daemon.Name {
			a.LeasedUntil = lease
		}
	}
	return nil
}

func (s *accounts) DaemonStopped(context.Context, string) error { return nil }

func (s *accounts) Record(_ context.Context, rec kith.Recording) (kith.Recorded, error) {
	if err := s.enter(); err != nil {
		return kith.Recorded{}, err
	}
	defer s.mu.Unlock()
	a := &s.rows[number(rec.Account)]
	if a.stream.Cursor != rec.Base {
		return kith.Recorded{}, kith.ErrStaleCursor
	}
	a.stream.Cursor, a.stream.Backfilled = rec.Next, rec.Backfilled
	return kith.Recorded{}, nil
}

func (s *accounts) Stream(_ context.Context, account, _ string) (kith.StreamStatus, error) {
	if err := s.enter(); err != nil {
		return kith.StreamStatus{}, err
	}
	defer s.mu.Unlock()
	return s.rows[number(account)].stream, nil
}

func (s *accounts) StreamDone(_ context.Context, account, _ string, at time.Time, failure string) error {
	if err := s.enter(); err != nil {
		return err
	}
	defer s.mu.Unlock()
	stream := &s.rows[number(account)].stream
	if stream.Error = failure; failure == "" {
		stream.LastSuccess = at
	}
	return nil
}

// Refs and DueQuarantine are for what does not happen here: nothing is recorded or quarantined.

func (s *accounts) Sought(context.Context, int64) ([]kith.Sought, bool, error) {
	return nil, true, nil
}

func (s *accounts) CreateContacts(context.Context, kith.Creation) (kith.Created, error) {
	return kith.Created{}, nil
}

func (s *accounts) Refs(context.Context, string, string) iter.Seq2[string, error] {
	return func(func(string, error) bool) {}
}

func (s *accounts) DueQuarantine(context.Context, string, time.Time, int) ([]kith.Quarantined, error) {
	return nil, nil
}

// queue is a heap of accounts by time, then number.
type queue struct{ entries entries }

type entry struct {
	at     int64 // UnixMicro
	number int
}

func (q *queue) add(at time.Time, number int) { heap.Push(&q.entries, entry{at.UnixMicro(), number}) }

// ripe tells whether there is an entry that is not after now.
func (q *queue) ripe(now time.Time) bool {
	return len(q.entries) > 0 && q.entries[0].at <= now.UnixMicro()
}

func (q *queue) take() int { return heap.Pop(&q.entries).(entry).number }

type entries []entry

func (e entries) Len() int { return len(e) }

func (e entries) Less(i, j int) bool {
	return e[i].at < e[j].at || e[i].at == e[j].at && e[i].number < e[j].number
}

func (e entries) Swap(i, j int) { e[i], e[j] = e[j], e[i] }

func (e *entries) Push(x any) { *e = append(*e, x.(entry)) }

func (e *entries) Pop() any {
	last := len(*e) - 1
	x := (*e)[last]
	*e = (*e)[:last]
	return x
}

func (s *accounts) Calendars(context.Context, string) ([]string, error) { return nil, nil }
