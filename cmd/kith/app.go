package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"kith"
	"kith/address"
	"kith/config"
	"kith/contactfile"
	"kith/matcher"
	syncer "kith/sync"
	"kith/sync/imapsource"
)

// app is what every command works with: where to write, and how to come by the
// configuration, the register and the sources. It is the only place that knows everyone.
type app struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	getenv         func(string) string
	now            func() time.Time // by the register's clock, once that is open

	json, quiet, verbose bool
	configPath           string
	style                style

	cfg   *config.Config // once loaded
	log   *slog.Logger   // once made
	clock *syncer.Clock  // once the register is open
}

func newApp(c *cli, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string) *app {
	return &app{
		stdin: stdin, stdout: stdout, stderr: stderr, getenv: getenv, now: clock,
		json: c.JSON, quiet: c.Quiet, verbose: c.Verbose, configPath: c.Config,
		style: newStyle(c.Color, stdout, getenv),
	}
}

// config loads the configuration, once.
func (a *app) config() (*config.Config, error) {
	if a.cfg != nil {
		return a.cfg, nil
	}
	path, err := config.Find(a.configPath, a.getenv)
	if err != nil {
		return nil, usageError{err}
	}
	cfg, err := config.Load(path, a.configEnv())
	if err != nil {
		return nil, err
	}
	a.cfg = cfg
	return cfg, nil
}

// configEnv is what a configuration depends on beside its files.
func (a *app) configEnv() config.Env {
	return config.Env{Getenv: a.getenv, Now: a.now(), ValidPattern: address.ValidPattern, ValidRegion: contactfile.Region}
}

// logger returns the log for this run: on standard error, as configured.
func (a *app) logger() *slog.Logger {
	if a.log != nil {
		return a.log
	}
	level, format := slog.Leveler(slog.LevelInfo), config.FormatText
	if a.cfg != nil {
		level, format = a.cfg.Log.Level, a.cfg.Log.Format
	}
	if a.verbose {
		level = slog.LevelDebug
	}
	if a.quiet {
		level = slog.LevelError
	}
	options := &slog.HandlerOptions{Level: level}
	a.log = slog.New(slog.NewTextHandler(a.stderr, options))
	if format == config.FormatJSON {
		a.log = slog.New(slog.NewJSONHandler(a.stderr, options))
	}
	return a.log
}

// policy translates the configured policy.
func policy(cfg *config.Config) matcher.Policy {
	p := matcher.Policy{
		Internal:        matcher.Internal(cfg.Policy.Internal),
		Bulk:            matcher.Bulk(cfg.Policy.Bulk),
		AutoReply:       matcher.AutoReply(cfg.Policy.AutoReply),
		Private:         matcher.Private(cfg.Policy.Private),
		Subject:         matcher.Subject(cfg.Policy.Subject),
		Body:            matcher.Body(cfg.Policy.Body),
		PlusAddressing:  cfg.Policy.PlusAddressing,
		GmailDots:       cfg.Policy.GmailDots,
		CompanyByDomain: cfg.Policy.CompanyByDomain,
		Forwarded:       matcher.Forwarded(cfg.Policy.Forwarded),
		AllDay:          matcher.AllDay(cfg.Policy.AllDay),
		Transparent:     matcher.Transparent(cfg.Policy.Transparent),
		Tentative:       matcher.Tentative(cfg.Policy.Tentative),
		LargeMeeting:    cfg.Policy.LargeMeeting,
		Participants:    cfg.Limits.Recipients,
		NeverRecord:     cfg.Policy.NeverRecord,
		Strangers:       cfg.Policy.Unmatched == config.UnmatchedSuggest || cfg.Policy.CreateContacts != config.CreateNever,
		Templates:       map[matcher.Event]string{},
	}
	for event, code := range cfg.Templates {
		p.Templates[matcher.Event(event)] = code
	}
	return p
}

// open connects to an account.
func (a *app) open(ctx context.Context, cfg *config.Config, account config.Account) (syncer.Source, error) {
	switch account.Kind {
	case config.KindIMAP:
		options, err := a.imapOptions(cfg, account)
		if err != nil {
			return nil, err
		}
		return imapsource.Open(ctx, options)
	case config.KindCalDAV, config.KindICS:
		return a.openCalendar(ctx, cfg, account)
	default:
		return nil, kith.Faultf(kith.FaultSettings, "account %s: this version can't read accounts of kind %s", account.Name, account.Kind)
	}
}

// invitedAhead is how far ahead the meetings are taken that mail invites to: a message is not read again as time passes.
const invitedAhead = 366 * 24 * time.Hour

func (a *app) imapOptions(cfg *config.Config, account config.Account) (imapsource.Options, error) {
	options := imapsource.Options{
		Account:    account.Name,
		URL:        account.URL,
		AllowPlain: account.AllowPlain,
		Username:   account.Username,
		Password: func(ctx context.Context) (string, error) {
			secret, err := account.Password(ctx)
			return secret.Reveal(), err
		},
		Log:     a.logger(),
		Include: account.Include,
		Exclude: account.Exclude,
		Since:   cfg.Since.Horizon(a.now().In(cfg.TimeZone)),
		Chunk:   cfg.Limits.Batch,
		Header:  int64(cfg.Limits.HeaderSize),
		Snippet: cfg.Policy.Body == config.BodySnippet,
	}
	if cfg.Policy.Invitations != config.InvitationsOff {
		options.Invitations = &imapsource.Invitations{Zone: cfg.TimeZone, Since: options.Since, Ahead: invitedAhead, Now: a.now}
	}
	if account.CAFile != "" {
		pool, err := authorities(account.CAFile)
		if err != nil {
			return options, kith.Faultf(kith.FaultSettings, "account %s: ca_file: %w", account.Name, err)
		}
		options.CAs = pool
	}
	return options, nil
}

// authorities returns the system's certificate authorities and those of a file.
func authorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s: no PEM certificate in it", file)
	}
	return pool, nil
}

// accountRows are the configured accounts as the register keeps them.
func (a *app) accountRows(cfg *config.Config) []kith.Account {
	now := a.now()
	var rows []kith.Account
	for i, account := range cfg.Accounts {
		interval := time.Hour
		if schedule, err := syncer.ParseSchedule(account.Schedule, cfg.TimeZone); err == nil {
			interval = schedule.Interval(now)
		}
		rows = append(rows, kith.Account{
			Name: account.Name, Kind: string(account.Kind), Owner: account.Owner, Schedule: account.Schedule,
			Settings: account.LoginDigest(), State: kith.StateNew,
			NextPoll: syncer.FirstPoll(now, i, len(cfg.Accounts), interval),
		})
	}
	return rows
}

// when reads a point in time as people give it: a date, a time, or an age such as 30d.
func (a *app) when(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if _, err := a.config(); err != nil {
		return time.Time{}, err
	}
	return a.moment(flag, text)
}

// moment does so in the configured zone, or where there is no configuration in that of this machine.
func (a *app) moment(flag, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	zone := time.Local
	if a.cfg != nil {
		zone = a.cfg.TimeZone
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	if t, err := time.ParseInLocation(time.DateOnly, text, zone); err == nil {
		return t, nil
	}
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 {
			return a.now().AddDate(0, 0, -n), nil
		}
	}
	if age, err := time.ParseDuration(text); err == nil && age >= 0 {
		return a.now().Add(-age), nil
	}
	return time.Time{}, usagef("%s %q: want a date (2026-01-31), a time (2026-01-31T09:00:00+01:00) or an age (30d, 12h)", flag, text)
}

// exportTo opens the file of an export; "-" is standard output. Only the owner may
// read it, for it tells who writes to whom.
func (a *app) exportTo(file string) (io.WriteCloser, error) {
	if file == "-" {
		return stays{a.stdout}, nil
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	return f, nil
}

// stays is a writer that outlives its user.
type stays struct{ io.Writer }

func (stays) Close() error { return nil }

// local writes a time for people, in the configured zone.
func (a *app) local(t time.Time, dateOnly bool) string {
	zone := time.Local
	if a.cfg != nil {
		zone = a.cfg.TimeZone
	}
	if dateOnly {
		return t.Format(time.DateOnly)
	}
	return t.In(zone).Format("2006-01-02 15:04")
}

// ago writes how far a time is from now.
func (a *app) ago(t *time.Time) string {
	if t == nil {
		return "-"
	}
	d := a.now().Sub(*t)
	switch {
	case d >= time.Second:
		return roughly(d) + " ago"
	case d <= -time.Second:
		return "in " + roughly(-d)
	}
	return "now"
}

// progressTo returns a progress line when somebody looks, else nil.
func (a *app) progressTo() *progress {
	if a.quiet || a.json || !isTerminal(a.stderr) {
		return nil
	}
	return newProgress(a.stderr, a.now)
}

// missing tells whether an error says that there is no such file.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
