package syncer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"

	"kith"
	"kith/matcher"
)

// Store is what polling needs of the register; package store says what each method promises.
type Store interface {
	Record(ctx context.Context, rec kith.Recording) (kith.Recorded, error)
	Stream(ctx context.Context, account, stream string) (kith.StreamStatus, error)
	StreamDone(ctx context.Context, account, stream string, at time.Time, failure string) error
	Refs(ctx context.Context, account, stream string) iter.Seq2[string, error]
	Sought(ctx context.Context, after int64) (addresses []kith.Sought, ok bool, err error)
	CreateContacts(ctx context.Context, creation kith.Creation) (kith.Created, error)
	Calendars(ctx context.Context, account string) ([]string, error)
	DueQuarantine(ctx context.Context, account string, now time.Time, limit int) ([]kith.Quarantined, error)
}

// Poller reads an account once. It keeps no state between polls and is safe
// for concurrent use, for different accounts.
type Poller struct {
	Store   Store
	Matcher *matcher.Matcher
	// Open connects to an account. The caller of Open closes the source.
	Open func(ctx context.Context, account string) (Source, matcher.Account, error)
	// OpenBooks connects to an account that is address books; of another one it returns nil. Without it
	// no account is. The caller closes the source.
	OpenBooks func(ctx context.Context, account string) (BookSource, error)
	Books     BookStore // needed with OpenBooks
	Now       func() time.Time
	Log       *slog.Logger
	// Create says whom capture makes contacts of.
	Create Create
	// CreateMost is how many contacts a poll makes at most.
	CreateMost int
	// Suggest has people who are no contacts counted.
	Suggest bool
	// Since is the horizon, for explanations: how far back captures go.
	Since time.Time
}

// Create says whom capture makes contacts of.
type Create string

// Whom to make contacts of; "" is nobody.
const (
	CreateSent      Create = "sent"      // whom we wrote to
	CreateExchanged Create = "exchanged" // and who wrote to us
)

// Options says how one poll is to be done. The zero value reads to the end.
type Options struct {
	// Full reads everything from the horizon again. What is known stays one.
	Full bool
	// DryRun, when set, is told of every outcome, and nothing is written.
	DryRun func(stream kith.Stream, item kith.Item, outcome kith.Outcome)
	// DryRunBook is that of address books.
	DryRunBook func(book kith.Stream, change kith.CardChange)
	// AcceptEmpty says that address books which have nothing left, or are there no more, are meant
	// to be so: their contacts go.
	AcceptEmpty bool
	// Slice, when not zero, is how long a poll may go on with the past before it
	// leaves the rest to the next one. New mail is not cut.
	Slice time.Duration
	// Soft, when closed, ends the poll after the batch at hand.
	Soft <-chan struct{}
	// Progress, when set, is told of what was done, from one goroutine at a time.
	Progress func(Progress)
}

// Progress is what a poll has done in a stream since it last told.
type Progress struct {
	Account  string
	Stream   string
	Items    int // items with an outcome
	Recorded kith.Recorded
	Book     kith.BookRecorded // of an address book, whose items are cards
	Skipped  map[kith.Reason]int
	Failed   int
	Done     int // of the backfill so far, in messages
	Total    int // of the backfill in all; 0 when there is none
}

// Result is what a poll did in all.
type Result struct {
	Items    int
	Recorded kith.Recorded
	Book     kith.BookRecorded
	Skipped  map[kith.Reason]int
	Failed   int  // put into quarantine
	More     bool // the past has not been read to its end
	Created  int  // contacts that were made
	LeftOut  int  // contacts that were not, for there were too many
}

func (r *Result) add(p Progress) {
	r.Items += p.Items
	r.Recorded.New += p.Recorded.New
	r.Recorded.Known += p.Recorded.Known
	r.Recorded.Erased += p.Recorded.Erased
	r.Recorded.Bounced += p.Recorded.Bounced
	r.Recorded.Cancelled += p.Recorded.Cancelled
	r.Book.Add(p.Book)
	r.Failed += p.Failed
	for reason, n := range p.Skipped {
		r.Skipped[reason] += n
	}
}

// Poll reads an account: first what is new in every stream, then, newest
// first, the past, and then it looks back for new contacts. A stream that fails does not stop the others, unless the
// account itself can't be used; all their errors are joined. What was recorded before an error stays.
func (p *Poller) Poll(ctx context.Context, account string, opts Options) (Result, error) {
	if books, err := p.books(ctx, account); err != nil {
		return Result{Skipped: map[kith.Reason]int{}}, err
	} else if books != nil {
		return p.pollBooks(ctx, account, books, opts)
	}
	result := Result{Skipped: map[kith.Reason]int{}}
	source, who, err := p.Open(ctx, account)
	if err != nil {
		return result, err
	}
	defer source.Close()

	streams, err := source.Streams(ctx)
	if err != nil {
		return result, fmt.Errorf("account %s: list folders: %w", account, err)
	}

	run := &mailRun{p.run(account, who, opts, &result), source}
	if who.Calendar {
		if err := run.forsake(ctx, streams); err != nil {
			return result, fmt.Errorf("account %s: %w", account, err)
		}
	}
	var past, read []kith.Stream // with something left of the past; read to the end
	var failures []error
	for n, pass := range []struct {
		streams *[]kith.Stream
		read    func(context.Context, kith.Stream) (more bool, err error)
	}{
		{&streams, func(ctx context.Context, stream kith.Stream) (bool, error) {
			// A dry run keeps no cursor to come back to, and a calendar would be asked for all of it twice.
			return run.stream(ctx, run, stream, opts.DryRun != nil || stream.Role == kith.RoleCalendar)
		}},
		{&past, func(ctx context.Context, stream kith.Stream) (bool, error) { return run.stream(ctx, run, stream, true) }},
		{&read, run.lookBack},
	} {
		for _, stream := range *pass.streams {
			if run.stopped(ctx) {
				result.More = true
				break
			}
			more, err := pass.read(ctx, stream)
			switch {
			case err != nil:
				failures = append(failures, fmt.Errorf("account %s: %s: %w", account, stream.Name, err))
				if ctx.Err() != nil || spoilsAccount(err) {
					return result, errors.Join(failures...)
				}
			case more && n == 0:
				past = append(past, stream)
			case more:
				result.More = true
			case opts.DryRun == nil && n < 2:
				read = append(read, stream)
			}
		}
	}
	return result, errors.Join(failures...)
}

// books connects to an account if it is address books.
func (p *Poller) books(ctx context.Context, account string) (BookSource, error) {
	if p.OpenBooks == nil {
		return nil, nil
	}
	return p.OpenBooks(ctx, account)
}

// spoilsAccount tells errors that every other stream of the account would meet too.
func spoilsAccount(err error) bool {
	kind, _ := kith.FaultOf(err)
	return kind != kith.FaultTransient
}

// mailRun is one poll of one account that has a [Source].
type mailRun struct {
	*run
	source Source
}

func (p *Poller) run(account string, who matcher.Account, opts Options, result *Result) *run {
	return &run{Poller: p, opts: opts, account: account, who: who, result: result, started: p.Now(), begun: map[string]bool{}}
}

// run is one poll of one account.
type run struct {
	*Poller
	opts    Options
	account string
	who     matcher.Account
	result  *Result
	started time.Time
	begun   map[string]bool // streams that were read from the horizon, so far that the cursor tells it
}

// stopped tells whether no further batch is to be begun.
func (r *run) stopped(ctx context.Context) bool {
	if ctx.Err() != nil {
		return true
	}
	select {
	case <-r.opts.Soft:
		return true
	default:
		return false
	}
}

// late tells whether the time for the past is used up.
func (r *run) late() bool {
	return r.opts.Slice > 0 && r.Now().Sub(r.started) >= r.opts.Slice
}

func (r *run) report(p Progress) {
	p.Account = r.account
	r.result.add(p)
	if r.opts.Progress != nil {
		r.opts.Progress(p)
	}
}
