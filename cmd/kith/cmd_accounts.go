package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kith"
	"kith/config"
	"kith/seal"
	"kith/store"
)

type accountsCmd struct {
	List    accountsListCmd    `cmd:"" default:"withargs" help:"List accounts: those of the configuration file, then those of the register, by name."`
	Show    accountsShowCmd    `cmd:"" help:"Show an account."`
	Add     accountsAddCmd     `cmd:"" help:"Add an account to the register."`
	Import  accountsImportCmd  `cmd:"" help:"Add or change accounts of the register from CSV."`
	Disable accountsDisableCmd `cmd:"" help:"Let accounts of the register rest."`
	Enable  accountsEnableCmd  `cmd:"" help:"Poll accounts of the register again, whatever was wrong with them."`
	Rm      accountsRmCmd      `cmd:"" help:"Remove accounts from the register; what they recorded stays."`
	Forget  accountsForgetCmd  `cmd:"" help:"Remove what is left of an account that was removed, and what nobody else has seen."`
	Key     accountsKeyCmd     `cmd:"" help:"Make a key for the passwords of accounts of the register."`
	Rekey   accountsRekeyCmd   `cmd:"" help:"Seal all passwords of the register anew, with the first key."`
}

// accountRow is what kith accounts --json prints of an account.
type accountRow struct {
	Name        string            `json:"name"`
	Origin      kith.Origin       `json:"origin"`
	Kind        string            `json:"kind"`
	State       kith.AccountState `json:"state"`
	Owner       string            `json:"owner"`
	Addresses   []string          `json:"addresses"`
	URL         string            `json:"url"`
	Username    string            `json:"username"`
	Schedule    string            `json:"schedule"`
	Include     []string          `json:"include"`
	Exclude     []string          `json:"exclude"`
	Key         *string           `json:"key"` // the id of the key that sealed the password; null where none is sealed
	LastSuccess *time.Time        `json:"last_success"`
	NextPoll    *time.Time        `json:"next_poll"`
	Error       *string           `json:"error"`
	UpdatedAt   *time.Time        `json:"updated_at"`
}

func newAccountRow(a kith.Account, settings config.Account) accountRow {
	row := accountRow{
		Name: a.Name, Origin: a.Origin, Kind: a.Kind, State: a.State, Owner: a.Owner, Addresses: list(settings.Addresses),
		URL: settings.URL, Username: settings.Username, Schedule: a.Schedule, Include: list(settings.Include), Exclude: list(settings.Exclude),
		LastSuccess: timeOrNil(a.LastSuccess), NextPoll: timeOrNil(a.NextPoll), Error: textOrNil(a.Error),
	}
	if a.State == kith.StateDisabled || a.State == kith.StateNeedsAttention {
		row.NextPoll = nil
	}
	return row
}

// definedRow is the row of an account of the register.
func definedRow(d kith.Definition) accountRow {
	settings, err := config.Outline(d.Text)
	row := newAccountRow(d.Account, settings)
	if err != nil && row.Error == nil {
		row.Error = textOrNil("its definition: " + err.Error())
	}
	row.Key, row.UpdatedAt = textOrNil(d.Secret.Key), &d.UpdatedAt
	return row
}

// fileRow is the row of an account of the configuration file.
func fileRow(ctx context.Context, s store.Store, account config.Account) (accountRow, error) {
	known, err := s.Account(ctx, account.Name)
	if errors.Is(err, kith.ErrNotFound) {
		known, err = kith.Account{State: kith.StateNew}, nil // until the daemon starts
	}
	known.Name, known.Origin, known.Kind = account.Name, kith.OriginFile, string(account.Kind)
	known.Owner, known.Schedule = account.Owner, account.Schedule
	return newAccountRow(known, account), err
}

type accountsListCmd struct {
	Text   string `arg:"" optional:"" help:"Part of a name or address."`
	Origin string `help:"file or register." enum:",file,register" default:"" placeholder:"O"`
	State  string `help:"Those in this state: new, ok, failing, throttled, needs_attention, disabled." enum:",new,ok,failing,throttled,needs_attention,disabled" default:"" placeholder:"S"`
	Limit  int    `help:"At most so many. A table shows 50 unless told, JSON all; 0 is all." placeholder:"N" default:"-1"`
}

func (cmd *accountsListCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	limit := cmd.Limit
	if limit < 0 && !a.json {
		limit = 50
	}
	t := table{header: []string{"NAME", "ORIGIN", "KIND", "STATE", "OWNER", "LAST SUCCESS", "NEXT POLL"}, flex: []int{0, 4}, width: columns(a.stdout), bold: a.style.bold}
	shown := 0
	show := func(row accountRow) error {
		if !cmd.wants(row) {
			return nil
		}
		shown++
		if a.json {
			return printJSON(a.stdout, row)
		}
		t.add(row.Name, string(row.Origin), row.Kind, strings.ReplaceAll(string(row.State), "_", " "), row.Owner, a.ago(row.LastSuccess), a.ago(row.NextPoll))
		return nil
	}
	full := func() bool { return limit > 0 && shown == limit }
	for _, account := range cfg.Accounts {
		if full() {
			break
		}
		row, err := fileRow(ctx, s, account)
		if err == nil {
			err = show(row)
		}
		if err != nil {
			return err
		}
	}
	if !full() {
		for d, err := range s.Definitions(ctx) {
			if err == nil {
				err = show(definedRow(d))
			}
			if err != nil {
				return err
			}
			if full() {
				break
			}
		}
	}
	switch {
	case a.json:
		return nil
	case shown == 0:
		fmt.Fprintln(a.stderr, "There is none. Accounts come by an [[account]] in the configuration file, \"kith accounts add NAME\" or \"kith accounts import FILE\".")
		return nil
	}
	if err := t.write(a.stdout); err != nil {
		return err
	}
	if cmd.Limit < 0 && full() {
		fmt.Fprintf(a.stdout, "… the first %d; --limit 0 shows all\n", limit)
	}
	return nil
}

func (cmd *accountsListCmd) wants(row accountRow) bool {
	if cmd.Origin != "" && cmd.Origin != string(row.Origin) || cmd.State != "" && cmd.State != string(row.State) {
		return false
	}
	text := strings.ToLower(cmd.Text)
	return slices.ContainsFunc(append([]string{row.Name, row.Owner, row.Username}, row.Addresses...), func(s string) bool {
		return strings.Contains(strings.ToLower(s), text)
	})
}

type accountsShowCmd struct {
	Name string `arg:"" help:"Name of the account."`
}

func (cmd *accountsShowCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, account := range cfg.Accounts {
		if account.Name == cmd.Name {
			row, err := fileRow(ctx, s, account)
			if err != nil {
				return err
			}
			return a.printAccount(row)
		}
	}
	d, err := a.definition(ctx, s, cmd.Name)
	if err != nil {
		return err
	}
	return a.printAccount(definedRow(d))
}

func (a *app) printAccount(row accountRow) error {
	if a.json {
		return printJSON(a.stdout, row)
	}
	fmt.Fprintln(a.stdout, a.style.bold(row.Name))
	password, updated, problem := "", "", ""
	if row.Key != nil {
		password = fmt.Sprintf("sealed with the key %q", *row.Key)
	}
	if row.UpdatedAt != nil {
		updated = a.local(*row.UpdatedAt, false)
	}
	if row.Error != nil {
		problem = without(*row.Error, "account "+row.Name)
	}
	for _, line := range [][2]string{
		{"state", strings.ReplaceAll(string(row.State), "_", " ")}, {"error", problem}, {"origin", string(row.Origin)}, {"kind", row.Kind},
		{"url", row.URL}, {"username", row.Username}, {"password", password}, {"owner", row.Owner}, {"addresses", strings.Join(row.Addresses, ", ")},
		{"schedule", row.Schedule}, {"include", strings.Join(row.Include, ", ")}, {"exclude", strings.Join(row.Exclude, ", ")},
		{"last success", a.ago(row.LastSuccess)}, {"next poll", a.ago(row.NextPoll)}, {"changed", updated},
	} {
		if line[1] != "" {
			fmt.Fprintf(a.stdout, "%s %s\n", a.style.dim(fmt.Sprintf("%-12s", line[0])), line[1])
		}
	}
	return nil
}

// definition returns an account of the register, to be changed.
func (a *app) definition(ctx context.Context, s store.Store, name string) (kith.Definition, error) {
	for _, account := range a.cfg.Accounts {
		if account.Name == name {
			return kith.Definition{}, usagef("account %s is one of %s: change it there", name, a.cfg.Path)
		}
	}
	d, err := s.Definition(ctx, name)
	if errors.Is(err, kith.ErrNotFound) {
		return d, fmt.Errorf("account %q is not in the register: %w", name, kith.ErrNotFound)
	}
	return d, err
}

type accountsDisableCmd struct {
	Names []string `arg:"" name:"name" help:"Names of accounts."`
}

func (*accountsDisableCmd) Help() string {
	return `Its schedule, its password and how far it was read are kept. A run that is going on ends.

` + exitCodes
}

func (cmd *accountsDisableCmd) Run(ctx context.Context, a *app) error {
	return a.changeAccounts(ctx, cmd.Names, func(ctx context.Context, s store.Store, d kith.Definition) (string, error) {
		d.Disabled = true
		return "is disabled", s.PutDefinitions(ctx, []kith.Definition{d}, a.now())
	})
}

type accountsEnableCmd struct {
	Names []string `arg:"" name:"name" help:"Names of accounts."`
}

func (*accountsEnableCmd) Help() string {
	return `An account that needs attention is tried again too: its failures are forgotten.

` + exitCodes
}

func (cmd *accountsEnableCmd) Run(ctx context.Context, a *app) error {
	return a.changeAccounts(ctx, cmd.Names, func(ctx context.Context, s store.Store, d kith.Definition) (string, error) {
		d.NextPoll = a.now()
		if !d.Disabled && d.Error != "" {
			// What is disabled for a moment comes back without its failures.
			d.Disabled = true
			if err := s.PutDefinitions(ctx, []kith.Definition{d}, a.now()); err != nil {
				return "", err
			}
		}
		d.Disabled = false
		return "is polled from now on", s.PutDefinitions(ctx, []kith.Definition{d}, a.now())
	})
}

type accountsRmCmd struct {
	Names []string `arg:"" name:"name" help:"Names of accounts."`
}

func (*accountsRmCmd) Help() string {
	return `Its password is deleted. What it recorded stays in the register, and an account of the
same name that is added later goes on where this one was.

` + exitCodes
}

func (cmd *accountsRmCmd) Run(ctx context.Context, a *app) error {
	return a.changeAccounts(ctx, cmd.Names, func(ctx context.Context, s store.Store, d kith.Definition) (string, error) {
		return "is removed; what it recorded stays", s.RemoveDefinition(ctx, d.Name)
	})
}

// changeAccounts does something with accounts of the register, which have to be there all.
func (a *app) changeAccounts(ctx context.Context, names []string, change func(ctx context.Context, s store.Store, d kith.Definition) (done string, err error)) error {
	if _, err := a.config(); err != nil {
		return err
	}
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	var definitions []kith.Definition
	for _, name := range names {
		d, err := a.definition(ctx, s, name)
		if err != nil {
			return err
		}
		definitions = append(definitions, d)
	}
	for _, d := range definitions {
		done, err := change(ctx, s, d)
		if err != nil {
			return fmt.Errorf("account %s: %w", d.Name, err)
		}
		if a.json {
			known, err := s.Account(ctx, d.Name)
			if err != nil {
				return err
			}
			if err := printJSON(a.stdout, map[string]any{"name": known.Name, "state": known.State}); err != nil {
				return err
			}
		} else if !a.quiet {
			fmt.Fprintf(a.stderr, "%s %s.\n", d.Name, done)
		}
	}
	return nil
}

type accountsKeyCmd struct {
	ID string `arg:"" optional:"" help:"What the key is called: letters, digits and - _ . ; today's date if left out."`
}

func (*accountsKeyCmd) Help() string {
	return `It prints a line for the file that key_file in [secrets] names. The first key of
the file seals, all of them open. To replace a key, put a new one above it, restart the
daemons, run "kith accounts rekey", and take the old one out.

Examples:
  (umask 077; kith accounts key > /etc/kith/keys)

` + exitCodes
}

func (cmd *accountsKeyCmd) Run(a *app) error {
	if cmd.ID == "" {
		cmd.ID = a.now().Format(time.DateOnly)
	}
	line, err := seal.NewKey(cmd.ID)
	if err != nil {
		return usageError{err}
	}
	if a.json {
		id, key, _ := strings.Cut(line, " ")
		return printJSON(a.stdout, map[string]string{"id": id, "key": key})
	}
	_, err = fmt.Fprintln(a.stdout, line)
	return err
}
