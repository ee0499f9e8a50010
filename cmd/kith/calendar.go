package main

import (
	"context"
	"crypto/x509"
	"fmt"
	"strings"
	"time"

	"kith"
	"kith/config"
	syncer "kith/sync"
	"kith/sync/caldavsource"
	"kith/sync/icssource"
)

// isCalendar tells whether accounts of a kind are calendars.
func isCalendar(kind config.Kind) bool { return kind == config.KindCalDAV || kind == config.KindICS }

// openCalendar connects to an account that is calendars.
func (a *app) openCalendar(ctx context.Context, cfg *config.Config, account config.Account) (syncer.Source, error) {
	var cas *x509.CertPool
	if account.CAFile != "" {
		var err error
		if cas, err = authorities(account.CAFile); err != nil {
			return nil, kith.Faultf(kith.FaultSettings, "account %s: ca_file: %w", account.Name, err)
		}
	}
	password := func(ctx context.Context) (string, error) {
		secret, err := account.Password(ctx)
		return secret.Reveal(), err
	}
	since := cfg.Since.Horizon(a.now().In(cfg.TimeZone))
	ahead := time.Duration(cfg.Policy.PlannedDays) * 24 * time.Hour
	if account.Kind == config.KindICS {
		return icssource.Open(ctx, icssource.Options{
			URL: account.URL, Username: account.Username, Password: password, CAs: cas,
			AllowPrivate: account.AllowPrivate, AllowPlain: account.AllowPlain,
			Zone: cfg.TimeZone, Since: since, Ahead: ahead, Now: a.now, Chunk: cfg.Limits.Batch,
		})
	}
	return caldavsource.Open(ctx, caldavsource.Options{
		URL: account.URL, Username: account.Username, Password: password, CAs: cas,
		AllowPrivate: account.AllowPrivate, AllowPlain: account.AllowPlain, Include: account.Include, Exclude: account.Exclude,
		Zone: cfg.TimeZone, Since: since, Ahead: ahead, Now: a.now, Chunk: cfg.Limits.Batch,
	})
}

// checkCalendar logs in and looks for calendars.
func (a *app) checkCalendar(ctx context.Context, cfg *config.Config, account config.Account) (finding, error) {
	about := "account " + account.Name
	source, err := a.openCalendar(ctx, cfg, account)
	if err != nil {
		return finding{}, err
	}
	defer source.Close()
	streams, err := source.Streams(ctx)
	if err != nil {
		return finding{}, err
	}
	where := account.Host()
	if where == "" {
		where = "this machine"
	}
	if len(streams) == 0 {
		return finding{Level: "warning", About: about, Text: fmt.Sprintf("logged in at %s, and there is no calendar to read", where), Mend: "check url, include and exclude"}, nil
	}
	if account.Kind == config.KindICS { // only reading it shows that it is there
		if _, err := source.Find(ctx, streams[0], "-"); err != nil {
			return finding{}, err
		}
	}
	names := make([]string, len(streams))
	for i, s := range streams {
		names[i] = s.Name
	}
	return finding{Level: "ok", About: about, Text: fmt.Sprintf("read at %s, calendars: %s", where, strings.Join(names, ", "))}, nil
}
