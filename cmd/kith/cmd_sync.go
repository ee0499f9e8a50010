package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"kith"
	"kith/config"
	"kith/store"
	syncer "kith/sync"
)

type syncCmd struct {
	Accounts []string `arg:"" optional:"" help:"Accounts to poll; all if left out."`
	Full     bool     `help:"Read everything from the horizon again. What is known stays one."`
	DryRun   bool     `help:"Print what would be recorded or skipped, and why; write nothing."`

	AcceptEmpty bool `help:"Address books that are suddenly empty, or there no more, are meant to be so: remove their contacts."`
}

func (*syncCmd) Help() string {
	return `Examples:
  kith sync
  kith sync alice-mail --dry-run
  kith sync address-book --accept-empty

` + exitCodes
}

// syncResult is what kith sync --json prints for an account.
type syncResult struct {
	Account     string              `json:"account"`
	Items       int                 `json:"items"`
	New         int                 `json:"new"`
	Known       int                 `json:"known"`
	Cancelled   int                 `json:"cancelled,omitempty"` // meetings
	Skipped     map[kith.Reason]int `json:"skipped"`
	Contacts    *kith.BookRecorded  `json:"contacts,omitempty"` // of address books
	Quarantined int                 `json:"quarantined"`
	Seconds     float64             `json:"seconds"`
	Error       *string             `json:"error"`

	Of string `json:"-"` // what the items are
}

func (cmd *syncCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	f, err := a.fleet(ctx, cfg, s)
	if err != nil {
		return err
	}
	names, err := cmd.names(ctx, f)
	if err != nil {
		return err
	}
	if !cmd.DryRun {
		if err := s.Reconcile(ctx, a.accountRows(cfg)); err != nil {
			return err
		}
		if err := a.forgetStrangers(ctx, cfg, s); err != nil {
			return err
		}
	}
	results := cmd.poll(ctx, f, names)
	if err := cmd.lookBack(ctx, f, names, results); err != nil {
		return err
	}
	if !cmd.DryRun {
		if _, err := s.Conclude(ctx, a.now(), 0); err != nil {
			return err
		}
	}
	if err := cmd.print(a, results); err != nil {
		return err
	}
	bad := 0
	for _, r := range results {
		if r.Error != nil {
			bad++
		}
	}
	switch {
	case ctx.Err() != nil:
		return context.Canceled
	case bad == len(results):
		return fmt.Errorf("no account could be polled to its end")
	case bad > 0:
		return errPartly
	}
	return nil
}

// names returns the accounts to poll: those asked for, else all.
func (cmd *syncCmd) names(ctx context.Context, f *fleet) ([]string, error) {
	if len(cmd.Accounts) == 0 {
		names, err := f.names(ctx)
		if err == nil && len(names) == 0 {
			err = usagef("there is no account: %s names none, and the register has none; add an [[account]], or see kith accounts add", f.cfg.Path)
		}
		return names, err
	}
	for _, name := range cmd.Accounts {
		if _, err := f.account(ctx, name); err != nil {
			return nil, err
		}
		account, err := f.store.Account(ctx, name)
		if err == nil && account.State == kith.StateDisabled {
			return nil, fmt.Errorf("account %s is disabled; kith accounts enable %s lets it be polled: %w", name, name, kith.ErrConflict)
		}
		if err != nil && !errors.Is(err, kith.ErrNotFound) { // the first run makes it
			return nil, err
		}
	}
	return cmd.Accounts, nil
}

// poll polls accounts, several at once, and returns their results in order.
func (cmd *syncCmd) poll(ctx context.Context, f *fleet, names []string) []syncResult {
	a, poller := f.app, f.poller()
	options := syncer.Options{Full: cmd.Full, AcceptEmpty: cmd.AcceptEmpty}
	bar := a.progressTo()
	if bar != nil && !cmd.DryRun {
		options.Progress = bar.update
		defer bar.end()
	}
	var printing sync.Mutex
	results := make([]syncResult, len(names))
	slots := make(chan struct{}, f.cfg.Limits.Workers)
	var running sync.WaitGroup
	for i, name := range names {
		slots <- struct{}{}
		running.Add(1)
		go func() {
			defer running.Done()
			defer func() { <-slots }()
			options := options
			if cmd.DryRun {
				options.DryRun = func(stream kith.Stream, item kith.Item, outcome kith.Outcome) {
					printing.Lock()
					defer printing.Unlock()
					a.printOutcome(name, stream, item, outcome)
				}
				options.DryRunBook = func(book kith.Stream, change kith.CardChange) {
					printing.Lock()
					defer printing.Unlock()
					a.printCard(name, book, change)
				}
			}
			results[i] = cmd.one(ctx, f, poller, name, options)
		}()
	}
	running.Wait()
	return results
}

// lookBackRounds is how often accounts are polled once more for contacts that polls made.
const lookBackRounds = 3

// lookBack polls accounts again whose past is yet to be searched for contacts that others have made
// meanwhile, and adds that to their results.
func (cmd *syncCmd) lookBack(ctx context.Context, f *fleet, names []string, results []syncResult) error {
	if cmd.DryRun || f.cfg.Policy.CreateContacts == config.CreateNever {
		return nil
	}
	for range lookBackRounds {
		statuses, err := f.store.AccountStatuses(ctx)
		if err != nil || ctx.Err() != nil {
			return err
		}
		var owing []string
		for _, account := range statuses {
			at := slices.Index(names, account.Name)
			if at < 0 || results[at].Error != nil {
				continue
			}
			if slices.ContainsFunc(account.Streams, func(st kith.StreamStatus) bool { return st.LookBack() > 0 }) {
				owing = append(owing, account.Name)
			}
		}
		if len(owing) == 0 {
			return nil
		}
		again := *cmd
		again.Full = false
		for i, r := range again.poll(ctx, f, owing) {
			results[slices.Index(names, owing[i])].add(r)
		}
	}
	return nil
}

// add adds the result of a further poll.
func (r *syncResult) add(more syncResult) {
	r.Items += more.Items
	r.New += more.New
	r.Known += more.Known
	r.Cancelled += more.Cancelled
	r.Quarantined += more.Quarantined
	r.Seconds += more.Seconds
	r.Error = more.Error
	for reason, n := range more.Skipped {
		r.Skipped[reason] += n
	}
}

func (cmd *syncCmd) one(ctx context.Context, f *fleet, poller *syncer.Poller, name string, options syncer.Options) syncResult {
	began := time.Now()
	var run manualRun
	var err error
	if !cmd.DryRun {
		run, err = startRun(ctx, f.app, f.store, name, f.cfg.TimeZone)
	}
	var result syncer.Result
	if err == nil {
		result, err = poller.Poll(ctx, name, options)
	}
	out := syncResult{
		Account: name, Items: result.Items, New: result.Recorded.New, Known: result.Recorded.Known,
		Cancelled: result.Recorded.Cancelled, Of: "items",
		Skipped: result.Skipped, Quarantined: result.Failed, Seconds: time.Since(began).Seconds(),
	}
	if account, err := f.account(ctx, name); err == nil {
		out.Of = itemsOf(string(account.Kind))
		if account.Kind == config.KindCardDAV {
			out.Contacts = &result.Book
		}
	}
	if run.account.Name != "" {
		err = errors.Join(err, run.ended(ctx, f.app, f.store, result, err))
	}
	if err != nil {
		text := err.Error()
		out.Error = &text
	}
	return out
}

// manualRun is a run by a person's command. It takes the account from a daemon that
// polls it just now: what both read is recorded once.
type manualRun struct {
	account  kith.Account
	schedule syncer.Schedule
}

// startTries is how often a run is begun when others are begun at the same moment.
const startTries = 10

func startRun(ctx context.Context, a *app, s store.Store, name string, zone *time.Location) (manualRun, error) {
	for try := 1; ; try++ {
		account, err := s.Account(ctx, name)
		if err != nil {
			return manualRun{}, err
		}
		schedule, err := syncer.ParseSchedule(account.Schedule, zone)
		if err != nil {
			return manualRun{}, err
		}
		// Without a lease: there is nobody to show that a command lives.
		now := a.now().Truncate(time.Microsecond)
		err = s.PollStarted(ctx, account, "", now, now)
		switch {
		case err == nil:
			account.LastPoll = now
			return manualRun{account, schedule}, nil
		case !errors.Is(err, kith.ErrTaken) || try == startTries:
			return manualRun{}, err
		}
		// Another run has begun since the account was read.
	}
}

// ended notes what the poll made of the account, so that the daemon goes on from it.
func (r manualRun) ended(ctx context.Context, a *app, s store.Store, result syncer.Result, pollErr error) error {
	if ctx.Err() != nil {
		return nil // as if it had not been begun
	}
	err := s.PollEnded(ctx, syncer.Ended(r.account, r.schedule, a.now(), pollErr, result.More, 0))
	if errors.Is(err, kith.ErrTaken) {
		return nil // a daemon has polled it meanwhile, and knows
	}
	return err
}

// dryRow is what kith sync --dry-run --json prints for an item.
type dryRow struct {
	Account   string         `json:"account"`
	Stream    string         `json:"stream"`
	Ref       string         `json:"ref"`
	Outcome   string         `json:"outcome"`
	Reason    kith.Reason    `json:"reason,omitempty"`
	Direction kith.Direction `json:"direction,omitempty"`
	Subject   string         `json:"subject,omitempty"`
	Contacts  int            `json:"contacts,omitempty"`
}

func (a *app) printOutcome(account string, stream kith.Stream, item kith.Item, outcome kith.Outcome) {
	row := dryRow{Account: account, Stream: stream.Name, Ref: item.Ref, Outcome: "skip", Reason: outcome.Skip}
	if i := outcome.Interaction; i != nil {
		row.Outcome, row.Direction, row.Subject, row.Contacts = "record", i.Direction, i.Subject, len(i.Links)
		if i.Status == kith.StatusPlanned {
			row.Outcome = "plan"
		}
	}
	if a.json {
		printJSON(a.stdout, row) //nolint:errcheck // a closed pipe shows at the end
		return
	}
	fmt.Fprintf(a.stdout, "%-6s  %-12s  %s/%s/%s  %s\n", row.Outcome, string(row.Reason)+string(row.Direction), account, row.Stream, row.Ref, row.Subject)
}

func (cmd *syncCmd) print(a *app, results []syncResult) error {
	if a.json {
		if cmd.DryRun {
			return nil
		}
		for _, r := range results {
			if err := printJSON(a.stdout, r); err != nil {
				return err
			}
		}
		return nil
	}
	for _, r := range results {
		skipped := make([]string, 0, len(r.Skipped))
		for _, reason := range slices.Sorted(maps.Keys(r.Skipped)) {
			skipped = append(skipped, fmt.Sprintf("%s %s", thousands(r.Skipped[reason]), reason))
		}
		text := fmt.Sprintf("%s: %s %s, %s new, %s known", a.style.bold(r.Account), thousands(r.Items), r.Of, thousands(r.New), thousands(r.Known))
		if r.Cancelled > 0 {
			text += fmt.Sprintf(", %s cancelled", thousands(r.Cancelled))
		}
		if cmd.DryRun {
			text = fmt.Sprintf("%s: %s %s; nothing was written", a.style.bold(r.Account), thousands(r.Items), r.Of)
		}
		if r.Contacts != nil {
			text = fmt.Sprintf("%s: %s", a.style.bold(r.Account), bookText(r, cmd.DryRun))
		}
		if len(skipped) > 0 {
			text += "; skipped: " + strings.Join(skipped, ", ")
		}
		if r.Quarantined > 0 {
			text += fmt.Sprintf("; %s could not be read and will be tried again", thousands(r.Quarantined))
		}
		fmt.Fprintf(a.stdout, "%s (%.1fs)\n", text, r.Seconds)
		if r.Error != nil {
			fmt.Fprintf(a.stderr, "%s %s\n", a.style.red(r.Account+":"), without(*r.Error, "account "+r.Account))
		}
	}
	return nil
}
