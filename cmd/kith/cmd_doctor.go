package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"kith"
	"kith/config"
	"kith/store"
	syncer "kith/sync"
	"kith/sync/imapsource"
)

type doctorCmd struct {
	Offline bool `help:"Don't log in anywhere."`
}

func (*doctorCmd) Help() string {
	return `Exit code 3 when something is to be mended. ` + exitCodes
}

// finding is one thing that doctor looked at.
type finding struct {
	Level string `json:"level"` // ok, warning or error
	About string `json:"about"`
	Text  string `json:"text"`
	Mend  string `json:"mend,omitempty"`
}

func (cmd *doctorCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	findings := []finding{{Level: "ok", About: "configuration", Text: cfg.Path + " is valid"}}
	if info, err := os.Stat(cfg.Path); err == nil && info.Mode().Perm()&0o022 != 0 {
		findings = append(findings, finding{Level: "warning", About: "configuration", Text: fmt.Sprintf("others can write %s (%v), and so make kith run a command", cfg.Path, info.Mode().Perm()), Mend: "chmod go-w " + cfg.Path})
	}
	for _, w := range cfg.Warnings {
		findings = append(findings, finding{Level: "warning", About: "configuration", Text: w.Message})
	}
	findings = append(findings, a.checkDatabase(ctx, cfg, !cmd.Offline)...)
	return a.printFindings(findings)
}

// checkFile looks at the file of an embedded database, and its disk.
func checkFile(path string) []finding {
	var findings []finding
	if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		findings = append(findings, finding{Level: "warning", About: "database", Text: fmt.Sprintf("%s can be read by others (%v)", path, info.Mode().Perm()), Mend: "chmod 600 " + path})
	}
	if free, ok := freeSpace(filepath.Dir(path)); ok {
		f := finding{Level: "ok", About: "disk", Text: fmt.Sprintf("%s MB free where the database is", thousands(int(free>>20)))}
		if free < 1<<30 {
			f.Level, f.Mend = "warning", "make room, or move the database"
		}
		findings = append(findings, f)
	}
	return findings
}

// checkDatabase looks at the database, its schema, and how the accounts stand in
// it, and logs in to them.
func (a *app) checkDatabase(ctx context.Context, cfg *config.Config, online bool) []finding {
	var findings []finding
	opens, answers := "see that the server runs and that the URL names it", "see that the server is no standby and its disk not full"
	if cfg.Database.Driver == config.SQLite {
		findings = checkFile(cfg.Database.Path)
		opens, answers = "see that the folder exists and belongs to the user who runs kith", "see that the disk is not full and the file can be written"
	}
	names := fileNames(cfg)
	s, err := a.openStore(ctx)
	if err != nil {
		findings = append(findings, finding{Level: "error", About: "database", Text: err.Error(), Mend: opens})
		if online {
			findings = append(findings, newFleet(a, cfg, nil).checkLogins(ctx, names)...)
		}
		return findings
	}
	defer s.Close()
	if err := s.Ping(ctx); err != nil {
		return append(findings, finding{Level: "error", About: "database", Text: err.Error(), Mend: answers})
	}
	have, want, err := s.Schema(ctx)
	if err != nil {
		return append(findings, finding{Level: "error", About: "database", Text: err.Error()})
	}
	findings = append(findings, finding{Level: "ok", About: "database", Text: fmt.Sprintf("%s, schema %d of %d", cfg.Database, have, want)})
	findings = append(findings, a.checkHealth(ctx, s, cfg)...)
	f := newFleet(a, cfg, s)
	findings = append(findings, f.checkDefinitions(ctx)...)
	if !online {
		return findings
	}
	all, err := f.names(ctx)
	switch {
	case err != nil:
		findings = append(findings, finding{Level: "error", About: "accounts", Text: err.Error()})
	case len(all)-len(names) <= mostLogins:
		names = all
	default:
		findings = append(findings, finding{Level: "ok", About: "accounts", Text: fmt.Sprintf("the %s of the register are not tried one by one; kith config check --online does", thousands(len(all)-len(names)))})
	}
	return append(findings, f.checkLogins(ctx, names)...)
}

// mostLogins is to how many accounts of the register doctor logs in.
const mostLogins = 100

// checkHealth tells what the register knows of the accounts and contacts.
func (a *app) checkHealth(ctx context.Context, s store.Store, cfg *config.Config) []finding {
	var findings []finding
	persons, companies, err := s.CountContacts(ctx)
	if err != nil {
		return []finding{{Level: "error", About: "contacts", Text: err.Error()}}
	}
	if persons+companies == 0 {
		findings = append(findings, finding{Level: "warning", About: "contacts", Text: "there are none, so no mail is recorded", Mend: "kith contacts import FILE, or an account of kind carddav"})
	}
	accounts, err := s.AccountStatuses(ctx)
	if err != nil {
		return append(findings, finding{Level: "error", About: "accounts", Text: err.Error()})
	}
	for _, account := range accounts {
		about := "account " + account.Name
		switch {
		case account.State == kith.StateRemoved, account.State == kith.StateDisabled:
			continue
		case account.State == kith.StateNeedsAttention:
			findings = append(findings, finding{Level: "error", About: about, Text: without(account.Error, about), Mend: "mend the login; a changed secret or setting makes kith try again"})
		case account.Error != "":
			findings = append(findings, finding{Level: "warning", About: about, Text: without(account.Error, about), Mend: fmt.Sprintf("it is tried again; failing since %s", a.local(account.ErrorSince, false))})
		case syncer.Overdue(account.Account, cfg.TimeZone, a.now()):
			findings = append(findings, finding{Level: "warning", About: about, Text: "not polled as often as its schedule says", Mend: "see that \"kith serve\" is running"})
		}
		quarantined := 0
		for _, stream := range account.Streams {
			quarantined += stream.Quarantined
		}
		if quarantined > 0 {
			findings = append(findings, finding{Level: "warning", About: about, Text: fmt.Sprintf("%s %s could not be read", thousands(quarantined), itemsOf(account.Kind)), Mend: "they are tried again; kith explain ACCOUNT/FOLDER/REF tells the cause"})
		}
	}
	return findings
}

// without leaves out what a line says before it already.
func without(text, about string) string { return strings.TrimPrefix(text, about+": ") }

// freeSpace returns the bytes that are free on the disk of a folder.
func freeSpace(dir string) (uint64, bool) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, false
	}
	return fs.Bavail * uint64(fs.Bsize), true
}

// fileNames lists the accounts of the configuration file.
func fileNames(cfg *config.Config) []string {
	var names []string
	for _, account := range cfg.Accounts {
		names = append(names, account.Name)
	}
	return names
}

// checkDefinitions looks whether the accounts of the register can be used here.
func (f *fleet) checkDefinitions(ctx context.Context) []finding {
	const most = 10 // that are told one by one
	total, unusable := 0, 0
	unopened := map[string]int{}
	var findings []finding
	for d, err := range f.store.Definitions(ctx) {
		if err != nil {
			return append(findings, finding{Level: "error", About: "accounts", Text: err.Error()})
		}
		total++
		account, err := f.defined(d)
		if err == nil {
			if _, err := account.Password(ctx); err != nil {
				unopened[d.Secret.Key]++
			}
			continue
		}
		if unusable++; unusable <= most {
			about := "account " + d.Name
			findings = append(findings, finding{Level: "error", About: about, Text: without(err.Error(), about), Mend: "kith accounts add --replace, or import it again"})
		}
	}
	if unusable > most {
		findings = append(findings, finding{Level: "error", About: "accounts", Text: fmt.Sprintf("%s more of the register can't be used", thousands(unusable-most))})
	}
	for _, key := range slices.Sorted(maps.Keys(unopened)) {
		findings = append(findings, finding{Level: "error", About: "keys", Text: fmt.Sprintf("passwords sealed with the key %q that can't be opened: %s", key, thousands(unopened[key])),
			Mend: "put the line of that key back into the file that [secrets] names, or import these accounts again"})
	}
	if total > 0 && len(findings) == 0 {
		findings = []finding{{Level: "ok", About: "accounts", Text: fmt.Sprintf("%s in the register, and their passwords can be opened", thousands(total))}}
	}
	return findings
}

// checkLogins logs in to accounts, a few at once.
func (f *fleet) checkLogins(ctx context.Context, names []string) []finding {
	findings := make([]finding, len(names))
	slots := make(chan struct{}, f.cfg.Limits.Workers)
	var running sync.WaitGroup
	for i, name := range names {
		slots <- struct{}{}
		running.Add(1)
		go func() {
			defer running.Done()
			defer func() { <-slots }()
			ctx, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			account, err := f.account(ctx, name)
			if err != nil {
				findings[i] = finding{Level: "error", About: "account " + name, Text: without(err.Error(), "account "+name)}
				return
			}
			findings[i] = f.app.checkAccount(ctx, f.cfg, account)
		}()
	}
	running.Wait()
	return findings
}

func (a *app) checkAccount(ctx context.Context, cfg *config.Config, account config.Account) finding {
	about := "account " + account.Name
	if !readable(account.Kind) {
		return finding{Level: "error", About: about, Text: fmt.Sprintf("this version can't read accounts of kind %s", account.Kind), Mend: "take the account out of the configuration"}
	}
	if account.Kind == config.KindCardDAV {
		f, err := a.checkBooks(ctx, cfg, account)
		if err != nil {
			return loginTrouble(about, err)
		}
		return f
	}
	if isCalendar(account.Kind) {
		f, err := a.checkCalendar(ctx, cfg, account)
		if err != nil {
			return loginTrouble(about, err)
		}
		return f
	}
	options, err := a.imapOptions(cfg, account)
	if err == nil {
		var report imapsource.Report
		if report, err = imapsource.Check(ctx, options); err == nil {
			return loginFinding(about, report, a.now())
		}
	}
	return loginTrouble(about, err)
}

// loginFinding tells of a login that worked, and of a certificate that won't for long.
func loginFinding(about string, report imapsource.Report, now time.Time) finding {
	text := fmt.Sprintf("logged in at %s by %s, %d folders", report.Host, report.Mechanism, report.Folders)
	if days := int(report.CertExpires.Sub(now).Hours() / 24); !report.CertExpires.IsZero() && days < 14 {
		return finding{Level: "warning", About: about, Text: fmt.Sprintf("%s; its certificate expires in %d days", text, days), Mend: "have the server's certificate renewed"}
	}
	return finding{Level: "ok", About: about, Text: text}
}

func (a *app) printFindings(findings []finding) error {
	bad := false
	for _, f := range findings {
		bad = bad || f.Level != "ok"
		if a.json {
			if err := printJSON(a.stdout, f); err != nil {
				return err
			}
			continue
		}
		mark := a.style.green("ok     ")
		switch f.Level {
		case "warning":
			mark = a.style.yellow("warning")
		case "error":
			mark = a.style.red("error  ")
		}
		fmt.Fprintf(a.stdout, "%s  %s: %s\n", mark, f.About, f.Text)
		if f.Mend != "" {
			fmt.Fprintf(a.stdout, "         → %s\n", f.Mend)
		}
	}
	if bad {
		return errPartly
	}
	return nil
}
