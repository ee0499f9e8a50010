package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"
	"time"

	"kith/store"
	"kith/store/backup"
)

type backupCmd struct {
	File string `arg:"" help:"The file to write; - is standard output."`
}

func (*backupCmd) Help() string {
	return `Writes the whole register, as it is at one moment, to one compressed file. The daemon
may go on meanwhile. A file of that name is replaced when the new one is complete. The
file fits both kinds of database. Neither kith.toml nor the keys that secrets are sealed with are in it.

Examples:
  kith backup /var/backups/kith.backup
  kith backup - | ssh vault.example.test 'cat > kith.backup'
  zcat kith.backup | head -1

` + exitCodes
}

// backedUp is what is told of a backup, and of one that was restored.
type backedUp struct {
	File    string    `json:"file"`
	Created time.Time `json:"created"`
	Kith    string    `json:"kith"` // the version that wrote it
	Bytes   int64     `json:"bytes"`
	backup.Summary
	Renamed int `json:"renamed,omitempty"`
}

func (cmd *backupCmd) Run(ctx context.Context, a *app) error {
	if cmd.File == "-" && isTerminal(a.stdout) {
		return usagef("a backup is no text for a terminal: name a file, or send it through a pipe")
	}
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	done, err := a.backup(ctx, s, cmd.File)
	if err != nil {
		return fmt.Errorf("backup %s: %w", cmd.File, err)
	}
	results := a.stdout
	if cmd.File == "-" {
		results = a.stderr
	}
	if a.json {
		return printJSON(results, done)
	}
	if !a.quiet || cmd.File != "-" {
		fmt.Fprintf(results, "%s: %s, %s bytes\n", cmd.File, rowsText(done.Summary), thousands(int(done.Bytes)))
	}
	return nil
}

func (a *app) backup(ctx context.Context, s register, file string) (backedUp, error) {
	schema, _, err := s.Schema(ctx)
	if err != nil {
		return backedUp{}, err
	}
	header := backup.Header{Kith: version, Database: string(a.cfg.Database.Driver), Schema: schema, Created: a.now().UTC().Truncate(time.Second)}
	done := backedUp{File: file, Created: header.Created, Kith: version}
	write := func(w io.Writer) (err error) {
		counted := &countedWriter{Writer: w}
		done.Summary, err = backup.Write(counted, header, a.watch(s.Dump(ctx)))
		done.Bytes = counted.n
		return err
	}
	if file == "-" {
		return done, write(a.stdout)
	}
	out, err := newOutFile(file)
	if err != nil {
		return done, err
	}
	return done, out.end(write(out))
}

type restoreCmd struct {
	File string `arg:"" help:"A file that kith backup wrote; - is standard input."`
}

func (*restoreCmd) Help() string {
	return `Puts a backup into the database that kith.toml names, which must be empty. The file
is checked to its end first: if it is damaged or cut off, nothing is restored.

Examples:
  kith restore /var/backups/kith.backup
  kith --config test.toml restore kith.backup

` + exitCodes
}

func (cmd *restoreCmd) Run(ctx context.Context, a *app) error {
	in := io.NopCloser(a.stdin)
	if cmd.File != "-" {
		f, err := os.Open(cmd.File)
		if err != nil {
			return fmt.Errorf("restore: %w", err)
		}
		in = f
	}
	defer in.Close()
	counted := &countedReader{Reader: in}
	file, err := backup.Open(counted)
	if err != nil {
		return fmt.Errorf("restore %s: %w", cmd.File, err)
	}
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	renamed, err := s.Load(ctx, a.watch(file.Rows()))
	if err != nil {
		return fmt.Errorf("restore %s: %w", cmd.File, err)
	}
	done := backedUp{File: cmd.File, Created: file.Header.Created, Kith: file.Header.Kith, Bytes: counted.n, Summary: file.Summary, Renamed: renamed}
	if a.json {
		return printJSON(a.stdout, done)
	}
	fmt.Fprintf(a.stdout, "%s restored, as of %s\n", rowsText(done.Summary), a.local(done.Created, false))
	a.tellRenamed(renamed)
	return nil
}

// tellRenamed tells that ids have changed, which is seldom and harmless to all
// but who wrote one down.
func (a *app) tellRenamed(renamed int) {
	if renamed > 0 {
		fmt.Fprintf(a.stdout, "%s of them have got new ids: an embedded database can't hold two that were made in the same instant.\n", thousands(renamed))
	}
}

// rowsText tells people what a register holds.
func rowsText(s backup.Summary) string {
	return fmt.Sprintf("%s interactions, %s contacts, %s accounts",
		thousands(s.Rows[store.RowInteraction]), thousands(s.Rows[store.RowContact]), thousands(s.Rows[store.RowAccount]))
}

// watch yields rows and shows how many there were, when somebody looks.
func (a *app) watch(rows iter.Seq2[store.Row, error]) iter.Seq2[store.Row, error] {
	p := a.progressTo()
	if p == nil {
		return rows
	}
	return func(yield func(store.Row, error) bool) {
		defer p.end()
		interactions := 0
		for row, err := range rows {
			if err == nil && row.Kind() == store.RowInteraction {
				interactions++
			}
			p.row(interactions)
			if !yield(row, err) {
				return
			}
		}
	}
}

// row shows how many rows, and interactions among them, there were.
func (p *progress) row(interactions int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.items++
	if p.items%100 > 0 {
		return
	}
	now := p.now()
	if now.Sub(p.shown) < 100*time.Millisecond {
		return
	}
	p.shown = now
	rate := float64(p.items) / max(now.Sub(p.began).Seconds(), 0.001)
	p.line(fmt.Sprintf("%s rows, %s interactions, %s rows/s", thousands(p.items), thousands(interactions), thousands(int(rate))))
}

type countedWriter struct {
	io.Writer
	n int64
}

func (w *countedWriter) Write(p []byte) (int, error) {
	n, err := w.Writer.Write(p)
	w.n += int64(n)
	return n, err
}

type countedReader struct {
	io.Reader
	n int64
}

func (r *countedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	r.n += int64(n)
	return n, err
}
