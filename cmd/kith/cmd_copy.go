package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"time"

	"kith"
	"kith/config"
	"kith/store/backup"
)

type copyCmd struct {
	To    string `required:"" help:"The database to copy to: sqlite:///path/to/kith.db or postgres://user@host/name. It must be empty." placeholder:"URL"`
	Force bool   `help:"Even while a daemon runs: what it records from now on will be missing in the copy."`
}

func (*copyCmd) Help() string {
	return `Copies the register that kith.toml names to another database, of the same kind or the
other one, reads the copy again and compares it. The register itself stays as it
is. Stop the daemons first. A password is better in ~/.pgpass than in the URL, where others
on the machine can see it.

Examples:
  kith copy --to postgres://kith@db.example.test/kith
  kith copy --to sqlite:///var/lib/kith/kith.db

` + exitCodes
}

// copied is what is told of a copy.
type copied struct {
	From string `json:"from"`
	To   string `json:"to"`
	backup.Summary
	Renamed int `json:"renamed,omitempty"`
}

func (cmd *copyCmd) Run(ctx context.Context, a *app) (err error) {
	var to config.Database
	if err := to.UnmarshalText([]byte(cmd.To)); err != nil {
		return usagef("--to %w", err)
	}
	if to.Driver == config.SQLite {
		if to.Path, err = filepath.Abs(to.Path); err != nil {
			return fmt.Errorf("--to: %w", err)
		}
	}
	from, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer from.Close()
	if !cmd.Force {
		if err := a.noDaemons(ctx, from); err != nil {
			return err
		}
	}
	what := "copy to " + to.String()
	if to.Driver == config.SQLite {
		if _, absent := os.Stat(to.Path); missing(absent) {
			defer func() {
				if err != nil {
					err = errors.Join(err, removeDatabase(to.Path))
				}
			}()
		}
	}
	target, err := a.openDatabase(ctx, to, "", false)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer target.Close()
	done := copied{From: a.cfg.Database.String(), To: to.String()}
	tally := backup.NewTally()
	if done.Renamed, err = target.Load(ctx, a.watch(tally.Count(from.Dump(ctx)))); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	done.Summary = tally.Summary()
	if err := a.compare(ctx, done, target); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if a.json {
		return printJSON(a.stdout, done)
	}
	fmt.Fprintf(a.stdout, "%s copied, read again and compared.\n", rowsText(done.Summary))
	a.tellRenamed(done.Renamed)
	fmt.Fprintf(a.stdout, "Now set in %s:\n\n    database = %q\n\n", a.cfg.Path, done.To)
	if to.URL.Reveal() != "" && done.To != to.URL.Reveal() {
		fmt.Fprintln(a.stdout, "with the password in its place,")
	}
	fmt.Fprintf(a.stdout, "and start kith again. %s stays as it is.\n", done.From)
	return nil
}

// alive is how long after its last beat a daemon is taken to run.
const alive = time.Minute

// noDaemons is an error if a daemon works on the register.
func (a *app) noDaemons(ctx context.Context, s register) error {
	daemons, err := s.Daemons(ctx)
	if err != nil {
		return err
	}
	now, err := s.Now(ctx) // it may be another register than that whose clock is ours
	if err != nil {
		return err
	}
	for _, d := range daemons {
		if age := now.Sub(d.Seen); age < alive {
			return fmt.Errorf("a daemon runs on this register (%s on %s, seen %s ago): stop it, or say --force and do without what it records from now on: %w",
				d.Name, d.Host, roughly(age), kith.ErrConflict)
		}
	}
	return nil
}

// compare reads the copy and compares it with what was copied.
func (a *app) compare(ctx context.Context, done copied, target register) error {
	tally := backup.NewTally()
	for _, err := range a.watch(tally.Count(target.Dump(ctx))) {
		if err != nil {
			return fmt.Errorf("read it again: %w", err)
		}
	}
	got := tally.Summary()
	// With other ids the digest is another one, too.
	if !maps.Equal(got.Rows, done.Rows) || done.Renamed == 0 && got.SHA256 != done.SHA256 {
		return fmt.Errorf("the copy is not what was copied: don't use it (%v rows, want %v)", got.Rows, done.Rows)
	}
	return nil
}

// removeDatabase removes the files of an embedded database.
func removeDatabase(path string) error {
	var errs []error
	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		if err := os.Remove(file); err != nil && !missing(err) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
