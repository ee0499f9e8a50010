package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"kith"
	"kith/contactfile"
)

type contactsImportCmd struct {
	File   string `arg:"" help:"File to read; - is standard input."`
	Format string `help:"csv or vcard; else by the file's ending." enum:",csv,vcard" default:""`
	Source string `help:"Name of the system the file comes from; external ids are of this system." placeholder:"NAME"`
	Notes  bool   `help:"Keep unknown columns as notes of the contact."`
	DryRun bool   `help:"Tell what would be done, and do nothing."`
}

func (*contactsImportCmd) Help() string {
	return `CSV has a header row; columns in any order: external_id, type (person, company),
name, first_name, last_name, company, email, phone, title, language, owner, tags,
never_record. email, phone and tags take several values, separated by ";".
Importing the same file again changes nothing. Exit code 3 when rows were rejected.

Examples:
  kith contacts import people.csv --dry-run
  kith contacts import people.vcf --source crm

` + exitCodes
}

// importResult is what kith contacts import --json prints.
type importResult struct {
	Created   int                  `json:"created"`
	Updated   int                  `json:"updated"`
	Unchanged int                  `json:"unchanged"`
	Rejected  int                  `json:"rejected"`
	Rows      []contactfile.Remark `json:"rejected_rows"`
	Warnings  []contactfile.Remark `json:"warnings"`
	DryRun    bool                 `json:"dry_run"`
}

func (cmd *contactsImportCmd) Run(ctx context.Context, a *app) error {
	format, err := contactFormat(cmd.Format, cmd.File, "")
	if err != nil {
		return err
	}
	in, size, err := a.openInput(cmd.File)
	if err != nil {
		return err
	}
	defer in.Close()
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()

	var rows iter.Seq2[contactfile.Row, error]
	source := cmd.Source
	if format == "csv" {
		rows = contactfile.ReadCSV(in, contactfile.Options{Notes: cmd.Notes})
	} else {
		rows = contactfile.ReadVCards(in)
	}
	if source == "" {
		source = format
	}
	at := a.now()
	var never []kith.ID // those who are not to be recorded any more
	put := func(ctx context.Context, contacts []kith.Contact, dryRun bool) ([]kith.ContactChange, error) {
		for i := range contacts {
			contacts[i].Source = source
			for n, phone := range contacts[i].Phones {
				contacts[i].Phones[n] = contactfile.International(phone, a.cfg.Region)
			}
		}
		changes, err := s.PutContacts(ctx, contacts, at, dryRun)
		for i, change := range changes {
			if contacts[i].NeverRecord && change == kith.ContactUpdated {
				never = append(never, contacts[i].ID)
			}
		}
		return changes, err
	}
	options := contactfile.ImportOptions{DryRun: cmd.DryRun}
	if !a.quiet && !a.json && isTerminal(a.stderr) {
		began := time.Now()
		options.Progress = func(rows int, bytes int64) {
			text := fmt.Sprintf("%s rows, %s/s", thousands(rows), thousands(int(float64(rows)/max(time.Since(began).Seconds(), 0.001))))
			if size > 0 {
				text = fmt.Sprintf("%3d%%  %s", bytes*100/size, text)
			}
			fmt.Fprintf(a.stderr, "\r\x1b[K%s", text)
		}
	}
	result, err := contactfile.Import(ctx, rows, put, options)
	if options.Progress != nil {
		fmt.Fprint(a.stderr, "\r\x1b[K")
	}
	if printErr := cmd.print(a, result); printErr != nil {
		return printErr
	}
	if err != nil {
		return fmt.Errorf("import %s: %w", cmd.File, err)
	}
	if err := a.tellOnFile(ctx, s, never); err != nil {
		return err
	}
	if result.RejectedRows > 0 {
		return errPartly
	}
	return nil
}

// openInput opens a file to import and tells its size, 0 where that can't be told. "-" is standard input.
func (a *app) openInput(file string) (io.ReadCloser, int64, error) {
	if file == "-" {
		return io.NopCloser(a.stdin), 0, nil
	}
	f, err := os.Open(file)
	if errors.Is(err, os.ErrNotExist) {
		return nil, 0, fmt.Errorf("import %s: %w", file, kith.ErrNotFound)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("import: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, fmt.Errorf("import: %w", err)
	}
	return f, info.Size(), nil
}

func (cmd *contactsImportCmd) print(a *app, r contactfile.Result) error {
	if a.json {
		return printJSON(a.stdout, importResult{
			Created: r.Created, Updated: r.Updated, Unchanged: r.Unchanged, Rejected: r.RejectedRows,
			Rows: list(r.Rejected), Warnings: list(r.Warnings), DryRun: cmd.DryRun,
		})
	}
	for _, w := range r.Warnings {
		fmt.Fprintf(a.stderr, "%s:%d: %s\n", cmd.File, w.Line, a.style.yellow(w.Reason))
	}
	for _, r := range r.Rejected {
		fmt.Fprintf(a.stderr, "%s:%d: rejected: %s\n", cmd.File, r.Line, r.Reason)
	}
	verb := ""
	if cmd.DryRun {
		verb = "would be "
	}
	fmt.Fprintf(a.stdout, "%s %screated, %s %supdated, %s unchanged, %s rejected\n",
		thousands(r.Created), verb, thousands(r.Updated), verb, thousands(r.Unchanged), thousands(r.RejectedRows))
	return nil
}
