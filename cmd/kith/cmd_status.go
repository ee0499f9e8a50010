package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kith"
	syncer "kith/sync"
)

type statusCmd struct {
	Skipped bool `help:"Show skipped items by reason and stream."`
}

func (*statusCmd) Help() string {
	return `It reads the database, so it tells the truth while the daemon is down.
Exit code 3 when an account is overdue or needs attention. ` + exitCodes
}

// statusJSON is the shape of kith status --json.
type statusJSON struct {
	Accounts       []accountJSON `json:"accounts"`
	Daemons        []daemonJSON  `json:"daemons"`
	Overdue        []string      `json:"overdue"`
	NeedsAttention []string      `json:"needs_attention"`
}

type accountJSON struct {
	Name        string            `json:"name"`
	Kind        string            `json:"kind"`
	State       kith.AccountState `json:"state"`
	LastSuccess *time.Time        `json:"last_success"`
	NextPoll    *time.Time        `json:"next_poll"`
	LagSeconds  float64           `json:"lag_seconds"` // how long it has been due without being polled
	Daemon      *string           `json:"daemon"`      // which polls it now
	LeasedUntil *time.Time        `json:"leased_until"`
	Error       *string           `json:"error"`
	CappedAt    *time.Time        `json:"contacts_capped_at"` // when a run last left out contacts that it would have made
	Streams     []streamJSON      `json:"streams"`
}

type daemonJSON struct {
	Name    string    `json:"name"`
	Host    string    `json:"host"`
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	Seen    time.Time `json:"seen"`
	Silent  bool      `json:"silent"` // others take its accounts over
	Workers int       `json:"workers"`
	Running int       `json:"running"`
}

type streamJSON struct {
	Name        string              `json:"name"`
	Recorded    int                 `json:"recorded"`
	Skipped     map[kith.Reason]int `json:"skipped"`
	Quarantined int                 `json:"quarantined"`
	Backfill    float64             `json:"backfill"`
	LookBack    int                 `json:"look_back"` // addresses of new contacts that it is yet to be searched for, at most
	Error       *string             `json:"error"`
}

func (cmd *statusCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	accounts, err := s.AccountStatuses(ctx)
	if err != nil {
		return err
	}
	daemons, err := s.Daemons(ctx)
	if err != nil {
		return err
	}
	status := a.status(accounts, daemons, cfg.TimeZone)
	if a.json {
		err = printJSON(a.stdout, status)
	} else {
		err = cmd.print(a, status)
	}
	if err == nil && len(status.Overdue)+len(status.NeedsAttention) > 0 {
		return errPartly
	}
	return err
}

// status works out what is overdue or needs attention.
func (a *app) status(accounts []kith.AccountStatus, daemons []kith.Daemon, zone *time.Location) statusJSON {
	out := statusJSON{Accounts: []accountJSON{}, Daemons: []daemonJSON{}, Overdue: []string{}, NeedsAttention: []string{}}
	now := a.now()
	polling := map[string]int{} // by daemon; what the daemons told last may be old
	for _, account := range accounts {
		if account.Daemon != "" && account.LeasedUntil.After(now) {
			polling[account.Daemon]++
		}
	}
	for _, d := range daemons {
		out.Daemons = append(out.Daemons, daemonJSON{
			Name: d.Name, Host: d.Host, Version: d.Version, Started: d.Started, Seen: d.Seen,
			Silent: now.Sub(d.Seen) > syncer.Lease, Workers: d.Workers, Running: polling[d.Name],
		})
	}
	for _, account := range accounts {
		row := accountJSON{
			Name: account.Name, Kind: account.Kind, State: account.State, Streams: []streamJSON{},
			LastSuccess: timeOrNil(account.LastSuccess), NextPoll: timeOrNil(account.NextPoll), Error: textOrNil(account.Error),
			CappedAt: timeOrNil(account.CappedAt),
		}
		for _, stream := range account.Streams {
			if stream.Skipped == nil {
				stream.Skipped = map[kith.Reason]int{}
			}
			row.Streams = append(row.Streams, streamJSON{
				Name: stream.Name, Recorded: stream.Recorded, Skipped: stream.Skipped, Quarantined: stream.Quarantined,
				Backfill: stream.Backfilled, LookBack: stream.LookBack(), Error: textOrNil(stream.Error),
			})
		}
		if account.LeasedUntil.After(now) {
			row.Daemon, row.LeasedUntil = textOrNil(account.Daemon), &account.LeasedUntil
		}
		switch {
		case account.State == kith.StateRemoved, account.State == kith.StateDisabled:
			row.NextPoll = nil
		case account.State == kith.StateNeedsAttention:
			row.NextPoll = nil
			out.NeedsAttention = append(out.NeedsAttention, account.Name)
		case syncer.Overdue(account.Account, zone, now):
			out.Overdue = append(out.Overdue, account.Name)
		}
		if row.NextPoll != nil && row.Daemon == nil && now.After(*row.NextPoll) {
			row.LagSeconds = now.Sub(*row.NextPoll).Seconds()
		}
		out.Accounts = append(out.Accounts, row)
	}
	return out
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func textOrNil(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

func (cmd *statusCmd) print(a *app, status statusJSON) error {
	if len(status.Accounts) == 0 {
		fmt.Fprintln(a.stdout, "No account has been polled yet. Run \"kith sync\" or \"kith serve\".")
		return nil
	}
	t := table{header: []string{"ACCOUNT", "STATE", "LAST SUCCESS", "NEXT POLL", "RECORDED", "SKIPPED", "QUARANTINE", "PAST"},
		right: map[int]bool{4: true, 5: true, 6: true, 7: true}, bold: a.style.bold}
	for _, account := range status.Accounts {
		t.add(account.Name, a.stateText(account, status), a.ago(account.LastSuccess), a.ago(account.NextPoll), "", "", "", "")
		for _, stream := range account.Streams {
			skipped := 0
			for _, n := range stream.Skipped {
				skipped += n
			}
			t.add("  "+stream.Name, "", "", "", thousands(stream.Recorded), thousands(skipped), thousands(stream.Quarantined), fmt.Sprintf("%.0f%%", stream.Backfill*100))
		}
	}
	if err := t.write(a.stdout); err != nil {
		return err
	}
	for _, account := range status.Accounts {
		if account.Error != nil {
			fmt.Fprintf(a.stdout, "\n%s %s\n", a.style.red(account.Name+":"), without(*account.Error, "account "+account.Name))
		}
		for _, stream := range account.Streams {
			if stream.Error != nil && account.Error == nil {
				fmt.Fprintf(a.stdout, "\n%s %s\n", a.style.yellow(account.Name+"/"+stream.Name+":"), *stream.Error)
			}
		}
	}
	for _, account := range status.Accounts {
		if account.CappedAt != nil && a.now().Sub(*account.CappedAt) < cappedShown {
			fmt.Fprintf(a.stdout, "\n%s %s a run had made as many contacts as it may, and left others out: see limits.create_contacts, and \"kith contacts list\" for what was made\n",
				a.style.yellow(account.Name+":"), a.ago(account.CappedAt))
		}
	}
	a.printLookBack(status)
	if cmd.Skipped {
		if err := a.printSkipped(status); err != nil {
			return err
		}
	}
	return a.printDaemons(status)
}

// cappedShown is for how long kith status warns that a run made too many contacts.
const cappedShown = 7 * 24 * time.Hour

// printLookBack tells how much is left to be searched for new contacts.
func (a *app) printLookBack(status statusJSON) {
	streams, most := 0, 0
	for _, account := range status.Accounts {
		if account.State == kith.StateRemoved || account.State == kith.StateDisabled {
			continue
		}
		for _, stream := range account.Streams {
			if stream.LookBack > 0 {
				streams++
				most = max(most, stream.LookBack)
			}
		}
	}
	if streams > 0 {
		fmt.Fprintf(a.stdout, "\nNew contacts: the past of %s folders is yet to be searched for up to %s addresses; the next polls do it.\n", thousands(streams), thousands(most))
	}
}

// printDaemons lists the daemons on the register and how far the work lags behind.
func (a *app) printDaemons(status statusJSON) error {
	lag, due := 0.0, 0
	for _, account := range status.Accounts {
		if account.LagSeconds > 0 {
			due++
			lag = max(lag, account.LagSeconds)
		}
	}
	if len(status.Daemons) == 0 {
		fmt.Fprintf(a.stdout, "\nNo daemon is running on this register; accounts that are due: %s. Start one with \"kith serve\".\n", thousands(due))
		return nil
	}
	fmt.Fprintln(a.stdout)
	t := table{header: []string{"DAEMON", "VERSION", "STARTED", "SEEN", "POLLING", "WORKERS"}, right: map[int]bool{4: true, 5: true}, bold: a.style.bold}
	for _, d := range status.Daemons {
		seen := a.ago(&d.Seen)
		if d.Silent {
			seen += ", silent"
		}
		t.add(d.Name, d.Version, a.ago(&d.Started), seen, thousands(d.Running), thousands(d.Workers))
	}
	if err := t.write(a.stdout); err != nil {
		return err
	}
	if due > 0 {
		fmt.Fprintf(a.stdout, "\nAccounts that are due: %s, the longest since %s.\n", thousands(due), roughly(time.Duration(lag*float64(time.Second))))
	}
	return nil
}

func (a *app) stateText(account accountJSON, status statusJSON) string {
	text := strings.ReplaceAll(string(account.State), "_", " ")
	if slices.Contains(status.Overdue, account.Name) {
		text += ", overdue"
	}
	return text
}

// printSkipped lists why items were skipped.
func (a *app) printSkipped(status statusJSON) error {
	t := table{header: []string{"ACCOUNT", "STREAM", "REASON", "SKIPPED"}, right: map[int]bool{3: true}, bold: a.style.bold}
	for _, account := range status.Accounts {
		for _, stream := range account.Streams {
			for _, reason := range slices.Sorted(maps.Keys(stream.Skipped)) {
				t.add(account.Name, stream.Name, string(reason), thousands(stream.Skipped[reason]))
			}
		}
	}
	fmt.Fprintln(a.stdout)
	return t.write(a.stdout)
}
