// Mailbox writes the benchmark's mailbox straight into a Maildir (Maildir++, as
// Dovecot reads it): two years of mail between alice@example.test and 20,000
// correspondents, five in six messages in INBOX, the others in Sent; half of
// them are answers; there are attachments, newsletters, automatic replies,
// colleagues, several languages. The correspondents who are contacts are
// written as CSV. The same arguments write the same bytes.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"kith/contactfile"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "mailbox:", err)
		os.Exit(1)
	}
}

func run() error {
	dir := flag.String("maildir", "", "the Maildir to write into; made if missing")
	contacts := flag.String("contacts", "", "the CSV file of contacts to write, if any")
	messages := flag.Int("messages", 120_000, "messages of the mailbox")
	fresh := flag.Int("new", 0, "write only this many messages that come after those")
	skip := flag.Int("skip", 0, "leave out this many of the -new ones: they were written before")
	seed := flag.Uint64("seed", 1, "another mailbox for each number")
	end := flag.String("end", "2026-11-01", "the day on which the two years end")
	ownerOfFiles := flag.String("owner", "", "the system user that the files are given to")
	flag.Parse()
	if *dir == "" || *messages < 1 || *fresh < 0 || *skip < 0 || flag.NArg() > 0 {
		return errors.New("want -maildir and a positive number of -messages")
	}
	last, err := time.Parse(time.DateOnly, *end)
	if err != nil {
		return fmt.Errorf("-end: %w", err)
	}
	box := &mailbox{seed: *seed, total: *messages, start: last.AddDate(-2, 0, 0), end: last}
	maildir := &maildir{dir: *dir, uid: -1, gid: -1}
	if *ownerOfFiles != "" {
		if err := maildir.setOwner(*ownerOfFiles); err != nil {
			return err
		}
	}
	if *contacts != "" {
		var file bytes.Buffer
		if err := contactfile.WriteCSV(&file, box.contacts()); err != nil {
			return err
		}
		if err := os.WriteFile(*contacts, file.Bytes(), 0o644); err != nil {
			return err
		}
	}
	for _, folder := range []string{"", ".Sent"} {
		if err := maildir.make(folder); err != nil {
			return err
		}
	}
	first, count := 0, *messages
	if *fresh > 0 {
		first, count = *messages+*skip, *fresh
	}
	begin := time.Now()
	written, err := write(box, maildir, first, count, *fresh > 0)
	if err != nil {
		return err
	}
	fmt.Printf("%d messages, %d bytes, %.1f s\n", count, written, time.Since(begin).Seconds())
	return nil
}

// write makes messages first to first+count-1, on all processors.
func write(box *mailbox, maildir *maildir, first, count int, fresh bool) (written int64, err error) {
	var next, total atomic.Int64
	workers := runtime.GOMAXPROCS(0)
	failures := make([]error, workers)
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			w := newWriter(box)
			for {
				n := int(next.Add(1)) - 1
				if n >= count {
					return
				}
				p := box.plan(first + n)
				body := w.message(p)
				total.Add(int64(len(body)))
				if failures[worker] = maildir.deliver(p, body, fresh); failures[worker] != nil {
					next.Store(int64(count)) // the others stop too
					return
				}
			}
		})
	}
	group.Wait()
	return total.Load(), errors.Join(failures...)
}

// maildir is a Maildir++ folder tree.
type maildir struct {
	dir      string
	uid, gid int // -1: left as they are
}

func (m *maildir) setOwner(name string) error {
	u, err := user.Lookup(name)
	if err != nil {
		return err
	}
	if m.uid, err = strconv.Atoi(u.Uid); err != nil {
		return err
	}
	m.gid, err = strconv.Atoi(u.Gid)
	return err
}

func (m *maildir) make(folder string) error {
	// The server's user must be able to pass through what is above.
	if err := os.MkdirAll(filepath.Dir(m.dir), 0o755); err != nil {
		return err
	}
	path := filepath.Join(m.dir, folder)
	for _, sub := range []string{"", "cur", "new", "tmp"} {
		dir := filepath.Join(path, sub)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return err
		}
		if err := m.give(dir); err != nil {
			return err
		}
	}
	return nil
}

func (m *maildir) give(path string) error {
	if m.uid < 0 {
		return nil
	}
	return os.Chown(path, m.uid, m.gid)
}

// deliver writes a message. The name tells its size and that with CRLF line
// ends, so that the server need not read the file for them; Dovecot numbers messages in the order
// of their names, and takes the file's time for INTERNALDATE.
func (m *maildir) deliver(p *plan, body []byte, fresh bool) error {
	folder, sub, flags := "", "cur", ":2,S"
	if p.sent {
		folder = ".Sent"
	}
	host := "bench"
	if fresh {
		host = "benchnew"
		if !p.sent {
			sub, flags = "new", ""
		}
	}
	name := fmt.Sprintf("%d.M%06dP%d.%s,S=%d,W=%d%s", p.date.Unix(), p.number%1_000_000, p.number/1_000_000, host,
		len(body), len(body)+bytes.Count(body, []byte("\n")), flags)
	path := filepath.Join(m.dir, folder, sub, name)
	if err := os.WriteFile(path, body, 0o600); err != nil {
		return err
	}
	if err := os.Chtimes(path, p.date, p.date); err != nil {
		return err
	}
	return m.give(path)
}
