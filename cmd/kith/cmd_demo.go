package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"kith"
	"kith/config"
	"kith/demo"
	"kith/store"
)

type demoCmd struct{}

func (*demoCmd) Help() string {
	return `Servers inside the process serve two years of sample mail and a calendar; kith captures
them into a temporary database as it would any other, and shows what it made of them.
On a terminal it then runs as a daemon until Ctrl-C, which removes everything.

` + exitCodes
}

const demoSeed = 2026

func (*demoCmd) Run(ctx context.Context, a *app) (err error) {
	dir, err := os.MkdirTemp("", "kith-demo-")
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	now := a.now()
	mailbox := demo.Generate(demoSeed, now)
	server, err := demo.Serve(ctx, mailbox)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Close()) }()
	events := demo.Calendar(demoSeed, now)
	calendar, err := demo.ServeCalendar(ctx, events)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, calendar.Close()) }()
	if err := a.demoConfig(ctx, dir, server, calendar); err != nil {
		return err
	}

	messages := 0
	for _, folder := range mailbox.Folders {
		messages += len(folder.Messages)
	}
	a.heading("A mailbox of %s messages in %d folders, a calendar of %d events, and a list of contacts", thousands(messages), len(mailbox.Folders), len(events))
	people := filepath.Join(dir, "contacts.csv")
	if err := os.WriteFile(people, []byte(demo.ContactsCSV()), 0o600); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	a.command("kith contacts import contacts.csv")
	if err := (&contactsImportCmd{File: people}).Run(ctx, a); err != nil && !errors.Is(err, errPartly) {
		return err
	}
	a.command("kith sync")
	if err := (&syncCmd{}).Run(ctx, a); err != nil {
		return err
	}

	a.heading("The register")
	a.command("kith interactions list --limit 12")
	if err := (&interactionsListCmd{interactionFilter{Limit: 12}}).Run(ctx, a); err != nil {
		return err
	}
	if err := a.demoTimeline(ctx); err != nil {
		return err
	}
	a.heading("What is coming")
	a.command("kith interactions list --status planned --limit 6")
	if err := (&interactionsListCmd{interactionFilter{Status: string(kith.StatusPlanned), Limit: 6}}).Run(ctx, a); err != nil {
		return err
	}
	if id := skippedID(mailbox); id != "" {
		a.heading("Why is that newsletter not in it?")
		a.command("kith explain '%s'", id)
		if err := (&explainCmd{ID: id}).Run(ctx, a); err != nil {
			return err
		}
	}
	a.heading("What was left out, and why")
	a.command("kith status --skipped")
	if err := (&statusCmd{Skipped: true}).Run(ctx, a); err != nil && !errors.Is(err, errPartly) {
		return err
	}
	if isTerminal(a.stdin) && isTerminal(a.stdout) {
		return a.demoServe(ctx, server)
	}
	fmt.Fprintf(a.stdout, "\nThe demo's database is gone again. To begin with a mailbox of your own: kith init\n")
	return nil
}

// demoConfig writes a configuration as kith init would, and loads it.
func (a *app) demoConfig(ctx context.Context, dir string, server *demo.Server, calendar *demo.CalendarServer) error {
	password, calendarPassword := filepath.Join(dir, "password"), filepath.Join(dir, "calendar.password")
	for file, secret := range map[string]string{password: server.Password, calendarPassword: calendar.Password} {
		if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
			return fmt.Errorf("demo: %w", err)
		}
	}
	port, err := freePort(ctx)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	c := config.Default()
	c.Database = config.Database{Driver: config.SQLite, Path: filepath.Join(dir, "kith.db")}
	c.OwnDomains = []string{demo.Domain}
	c.HTTP.Listen = fmt.Sprintf("127.0.0.1:%d", port)
	if c.Since, err = config.ParseSince(fmt.Sprintf("%dd", int(demo.Span.Hours()/24)+31)); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	c.Accounts = []config.Account{{
		Name: "alice-mail", Kind: config.KindIMAP, Schedule: "@every 5s", Owner: demo.Owner,
		Addresses: []string{demo.Owner, demo.Alias}, URL: "imap://" + server.Addr,
		Username: server.Username, PasswordFile: password,
	}, {
		Name: "alice-calendar", Kind: config.KindCalDAV, Schedule: "@every 5s", Owner: demo.Owner,
		Addresses: []string{demo.Owner, demo.Alias}, URL: calendar.URL, AllowPrivate: true,
		Username: calendar.Username, PasswordFile: calendarPassword,
	}}
	a.configPath = filepath.Join(dir, "kith.toml")
	if err := os.WriteFile(a.configPath, config.Example(c), 0o600); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	_, err = a.config()
	return err
}

// freePort finds a port on loopback that nobody listens on.
func freePort(ctx context.Context) (int, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}

// demoTimeline shows the contact with whom there was most.
func (a *app) demoTimeline(ctx context.Context) error {
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	counts := map[kith.ID]int{}
	var most kith.ID
	for i, err := range s.Interactions(ctx, store.Filter{}) {
		if err != nil {
			return err
		}
		for _, link := range i.Links {
			if counts[link.ContactID]++; counts[link.ContactID] > counts[most] {
				most = link.ContactID
			}
		}
	}
	if most.IsZero() {
		return errors.New("demo: nothing was recorded, which can't be: please tell the makers of kith")
	}
	contact, err := s.Contact(ctx, most)
	if err != nil {
		return err
	}
	a.heading("A contact and the time with them")
	a.command("kith contacts show %q", contact.Name)
	return (&contactsShowCmd{Contact: contact.ID.String()}).Run(ctx, a)
}

// skippedID returns the Message-ID of a newsletter.
func skippedID(mailbox demo.Mailbox) string {
	for _, folder := range mailbox.Folders {
		for _, m := range folder.Messages {
			if m.Want.Skip == kith.ReasonBulk && m.MessageID != "" {
				return m.MessageID
			}
		}
	}
	return ""
}

// demoServe runs the daemon and lets a message arrive.
func (a *app) demoServe(ctx context.Context, server *demo.Server) error {
	a.heading("Now as a daemon, until Ctrl-C")
	fmt.Fprintf(a.stdout, `A message of a contact arrives in ten seconds. In another terminal, try:

  export KITH_CONFIG=%s
  kith interactions list --limit 3
  kith contacts list
  kith status
  curl http://%s/metrics | grep ^kith

`, a.configPath, a.cfg.HTTP.Listen)
	arrival := time.AfterFunc(10*time.Second, func() {
		m := demo.Arrival(a.now())
		if err := server.Deliver("INBOX", m.Raw, m.Received); err != nil {
			a.log.Error("deliver the sample message", "err", err)
		}
	})
	defer arrival.Stop()
	if err := (&serveCmd{}).Run(ctx, a); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout, "Everything is removed again.")
	return nil
}

func (a *app) heading(format string, args ...any) {
	fmt.Fprintf(a.stdout, "\n%s\n", a.style.bold(fmt.Sprintf(format, args...)))
}

func (a *app) command(format string, args ...any) {
	fmt.Fprintf(a.stdout, "%s\n", a.style.dim("$ "+fmt.Sprintf(format, args...)))
}
