package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"kith"
	"kith/config"
)

type accountsAddCmd struct {
	Name         string   `arg:"" help:"What the account is called in commands and messages."`
	Kind         string   `help:"imap, caldav, ics, carddav, microsoft or google." default:"imap" placeholder:"K"`
	URL          string   `help:"The server, such as imaps://mail.example.test." placeholder:"URL"`
	Username     string   `help:"Login name. On a server with master users it may be alice*master." placeholder:"NAME"`
	PasswordFile string   `help:"File whose first line is the password; - is standard input. Without it, it is asked for." placeholder:"FILE"`
	Owner        string   `help:"Whose it is, by address; the first of --address if left out." placeholder:"A"`
	Address      []string `help:"Address of the mailbox; may be given several times." placeholder:"A"`
	Schedule     string   `help:"When it is polled, as in the configuration file; @every 5m if left out." placeholder:"CRON"`
	Include      []string `help:"Folder to read; may be given several times." placeholder:"GLOB"`
	Exclude      []string `help:"Folder to leave out; may be given several times." placeholder:"GLOB"`
	CAFile       string   `help:"PEM file with certificate authorities to trust as well, at this path on every machine." placeholder:"FILE"`
	AllowPrivate bool     `help:"Let http and https reach private networks."`
	AllowPlain   bool     `help:"Go without TLS beyond this machine."`
	Replace      bool     `help:"Change an account of this name that is in the register."`
}

func (*accountsAddCmd) Help() string {
	return `The password is kept encrypted; see "kith accounts key".

Examples:
  kith accounts add alice --url imaps://mail.example.test --username alice@example.test
  pass show mail/bob | kith accounts add bob --url imaps://mail.example.test --username bob --owner bob@example.test --password-file -

` + exitCodes
}

func (cmd *accountsAddCmd) Run(ctx context.Context, a *app) error {
	im, err := a.newAccountImport(ctx)
	if err != nil {
		return err
	}
	defer im.store.Close()
	if err := im.load(ctx); err != nil {
		return err
	}
	if _, known := im.known[cmd.Name]; known && !cmd.Replace {
		return fmt.Errorf("account %s is in the register already; --replace changes it: %w", cmd.Name, kith.ErrConflict)
	}
	values := map[string]string{
		"name": cmd.Name, "kind": cmd.Kind, "url": cmd.URL, "username": cmd.Username, "owner": cmd.Owner, "schedule": cmd.Schedule,
		"addresses": strings.Join(cmd.Address, ";"), "include": strings.Join(cmd.Include, ";"), "exclude": strings.Join(cmd.Exclude, ";"),
		"ca_file": cmd.CAFile, "allow_private": fmt.Sprint(cmd.AllowPrivate), "allow_plain": fmt.Sprint(cmd.AllowPlain),
	}
	password := ""
	if cmd.Username != "" || cmd.PasswordFile != "" || cmd.Kind == string(config.KindIMAP) {
		file := cmd.PasswordFile
		if file == "-" {
			file = ""
		}
		if password, err = a.asker().password("Password", file); err != nil {
			return err
		}
	}
	if err := im.take(0, values, password); err != nil {
		return usageError{fmt.Errorf("account %s: %w", cmd.Name, err)}
	}
	if err := im.flush(ctx); err != nil {
		return err
	}
	if len(im.result.Rows) > 0 {
		return fmt.Errorf("account %s: %s: %w", cmd.Name, im.result.Rows[0].Reason, kith.ErrConflict)
	}
	d, err := im.store.Definition(ctx, cmd.Name)
	if err != nil {
		return err
	}
	return a.printAccount(definedRow(d))
}

type accountsImportCmd struct {
	File   string `arg:"" help:"CSV file to read; - is standard input."`
	DryRun bool   `help:"Tell what would be done, and do nothing."`
}

func (*accountsImportCmd) Help() string {
	return `CSV has a header row; columns in any order: ` + strings.Join(config.AccountKeys(), ", ") + `
and password. They mean what they mean in an [[account]] of the configuration file;
addresses, include and exclude take several values, separated by ";". An account that is in the
register already is changed; one that is not in the file stays. Importing the same file again
changes nothing. Passwords are kept encrypted (see "kith accounts key"); delete the file after.
Exit code 3 when rows were rejected.

Examples:
  kith accounts import accounts.csv --dry-run

` + exitCodes
}

// accountImportResult is what kith accounts import --json prints.
type accountImportResult struct {
	Created   int           `json:"created"`
	Updated   int           `json:"updated"`
	Unchanged int           `json:"unchanged"`
	Rejected  int           `json:"rejected"`
	Rows      []rejectedRow `json:"rejected_rows"`
	DryRun    bool          `json:"dry_run"`
}

type rejectedRow struct {
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

func (cmd *accountsImportCmd) Run(ctx context.Context, a *app) error {
	in, size, err := a.openInput(cmd.File)
	if err != nil {
		return err
	}
	defer in.Close()
	im, err := a.newAccountImport(ctx)
	if err != nil {
		return err
	}
	defer im.store.Close()
	im.dryRun = cmd.DryRun
	rows, columns, err := accountColumns(in)
	if err != nil {
		return usageError{fmt.Errorf("%s: %w", cmd.File, err)}
	}
	if f, ok := in.(*os.File); ok && slices.Contains(columns, passwordColumn) {
		if info, err := f.Stat(); err == nil && info.Mode().Perm()&0o077 != 0 {
			fmt.Fprintf(a.stderr, "%s: %s\n", cmd.File, a.style.yellow(fmt.Sprintf("holds passwords, and others can read it (mode %04o)", info.Mode().Perm())))
		}
	}
	if err := im.load(ctx); err != nil {
		return err
	}
	counter := a.counterTo("rows")
	if counter != nil {
		counter.total = size
	}
	err = im.rows(ctx, rows, columns, counter)
	counter.end()
	if printErr := cmd.print(a, im.result); printErr != nil {
		return printErr
	}
	if err != nil {
		return fmt.Errorf("import %s: %w", cmd.File, err)
	}
	if im.result.Rejected > 0 {
		return errPartly
	}
	return nil
}

// passwordColumn is the column that is sealed.
const passwordColumn = "password"

// accountColumns reads the header.
func accountColumns(in io.Reader) (*csv.Reader, []string, error) {
	r := csv.NewReader(in)
	r.FieldsPerRecord = -1 // a row with too few or too many is rejected, not the file
	r.ReuseRecord = true
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, errors.New("is empty: want a header row")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("the header can't be read: %w", err)
	}
	known := append(config.AccountKeys(), passwordColumn)
	var columns []string
	for i, name := range header {
		if i == 0 {
			name = strings.TrimPrefix(name, "\ufeff") // a byte order mark is no part of the text
		}
		name = strings.ToLower(strings.TrimSpace(name))
		switch {
		case !slices.Contains(known, name):
			return nil, nil, fmt.Errorf("%q is no column: want some of %s, with commas between", name, strings.Join(known, ", "))
		case slices.Contains(columns, name):
			return nil, nil, fmt.Errorf("the column %q is there twice", name)
		}
		columns = append(columns, name)
	}
	for _, name := range []string{"name", "kind"} {
		if !slices.Contains(columns, name) {
			return nil, nil, fmt.Errorf("there is no column %q", name)
		}
	}
	return r, columns, nil
}

// rows takes in the rows behind the header.
func (im *accountImport) rows(ctx context.Context, r *csv.Reader, columns []string, counter *counter) error {
	values := map[string]string{}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return im.flush(ctx)
		}
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			im.reject(syntax.StartLine, syntax.Err.Error())
			continue
		}
		if err != nil {
			return errors.Join(im.flush(ctx), err)
		}
		line, _ := r.FieldPos(0)
		counter.add(r.InputOffset())
		if len(record) != len(columns) {
			im.reject(line, fmt.Sprintf("has %d columns, the header has %d", len(record), len(columns)))
			continue
		}
		password := ""
		for i, name := range columns {
			if name == passwordColumn {
				password = record[i]
			} else {
				values[name] = record[i]
			}
		}
		if err := im.take(line, values, password); err != nil {
			im.reject(line, brief(err))
			continue
		}
		if len(im.batch) == importBatch {
			if err := im.flush(ctx); err != nil {
				return err
			}
		}
	}
}

func (cmd *accountsImportCmd) print(a *app, r accountImportResult) error {
	slices.SortStableFunc(r.Rows, func(x, y rejectedRow) int { return x.Line - y.Line })
	r.DryRun = cmd.DryRun
	if a.json {
		return printJSON(a.stdout, r)
	}
	for _, row := range r.Rows {
		fmt.Fprintf(a.stderr, "%s:%d: rejected: %s\n", cmd.File, row.Line, row.Reason)
	}
	verb := ""
	if cmd.DryRun {
		verb = "would be "
	}
	fmt.Fprintf(a.stdout, "%s %screated, %s %supdated, %s unchanged, %s rejected\n",
		thousands(r.Created), verb, thousands(r.Updated), verb, thousands(r.Unchanged), thousands(r.Rejected))
	return nil
}
