package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"kith"
	"kith/config"
	"kith/matcher"
	"kith/store"
	syncer "kith/sync"
)

// fleet is all accounts that can be polled: those of the configuration file, and
// those that the register defines. Of the latter there may be a million, so each is
// looked up when it is needed; only who they are is kept. It is safe for concurrent use.
type fleet struct {
	app   *app
	cfg   *config.Config
	store store.Store
	file  map[string]config.Account
	keys  keyring

	size   int            // accounts when they were loaded first
	sealed map[string]int // passwords then, by the id of the key

	matcher *matcher.Matcher

	mu      sync.Mutex
	us      matcher.Identities
	dated   map[string]bool // owners who have a calendar account
	version int64           // of the definitions that us was made from
	look    time.Time       // when to look at the version again
}

const (
	lookEvery = 5 * time.Second
	// loadShare is how many times longer than loading all definitions the
	// pause before the next loading is.
	loadShare = 20
)

// newFleet returns the accounts, to be looked up and not to be polled.
func newFleet(a *app, cfg *config.Config, s store.Store) *fleet {
	f := &fleet{
		app: a, cfg: cfg, store: s, file: map[string]config.Account{},
		keys: keyring{read: a.ring, now: a.now},
	}
	for _, account := range cfg.Accounts {
		f.file[account.Name] = account
	}
	return f
}

// fleet loads who we are and returns the accounts.
func (a *app) fleet(ctx context.Context, cfg *config.Config, s store.Store) (*fleet, error) {
	f := newFleet(a, cfg, s)
	version, err := s.DefinitionsVersion(ctx)
	if err != nil {
		return nil, err
	}
	f.size, f.sealed = len(cfg.Accounts), map[string]int{}
	f.us, f.dated, err = f.load(ctx, func(d kith.Definition) {
		f.size++
		if len(d.Secret.Box) > 0 {
			f.sealed[d.Secret.Key]++
		}
	})
	if err != nil {
		return nil, err
	}
	f.version, f.look = version, a.now().Add(lookEvery)
	f.matcher = matcher.New(s, f.us, policy(cfg))
	return f, nil
}

// load reads the addresses of all accounts, the disabled too: what they write is
// ours. It tells each of those that the register defines, if tell is not nil.
func (f *fleet) load(ctx context.Context, tell func(kith.Definition)) (us matcher.Identities, dated map[string]bool, err error) {
	var all []matcher.Account
	dated = map[string]bool{}
	add := func(account config.Account) {
		all = append(all, identity(account))
		if isCalendar(account.Kind) {
			for _, who := range append([]string{account.Owner}, account.Addresses...) {
				dated[who] = true
			}
		}
	}
	for _, account := range f.cfg.Accounts {
		add(account)
	}
	for d, err := range f.store.Definitions(ctx) {
		if err != nil {
			return us, nil, err
		}
		if tell != nil {
			tell(d)
		}
		account, err := config.Outline(d.Text)
		if err != nil {
			account = config.Account{} // whoever polls it tells of that
		}
		account.Owner, account.Kind = d.Owner, config.Kind(d.Kind)
		add(account)
	}
	return matcher.NewIdentities(all, f.cfg.OwnDomains), dated, nil
}

// know sees to it that the addresses of an account are ours, and looks from time to time
// whether the register has other accounts.
func (f *fleet) know(ctx context.Context, who matcher.Account) error {
	if err := f.refresh(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.us.Covers(who) {
		f.us = f.us.With(who)
		f.matcher.SetIdentities(f.us)
	}
	return nil
}

func (f *fleet) refresh(ctx context.Context) error {
	f.mu.Lock()
	began := f.app.now()
	if began.Before(f.look) {
		f.mu.Unlock()
		return nil
	}
	f.look = began.Add(time.Hour) // the others go on with what is known meanwhile
	clock := time.Now()           // what the wall shows may jump
	known := f.version
	f.mu.Unlock()

	// The version is read first: what comes while loading is then loaded again.
	version, err := f.store.DefinitionsVersion(ctx)
	var us matcher.Identities
	var dated map[string]bool
	if err == nil && version != known {
		us, dated, err = f.load(ctx, nil)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.look = f.app.now().Add(max(lookEvery, loadShare*time.Since(clock)))
	if err == nil && version != known {
		f.us, f.dated, f.version = us, dated, version
		f.matcher.SetIdentities(us)
	}
	return err
}

// account returns an account by name.
func (f *fleet) account(ctx context.Context, name string) (config.Account, error) {
	if account, ok := f.file[name]; ok {
		return account, nil
	}
	d, err := f.store.Definition(ctx, name)
	if errors.Is(err, kith.ErrNotFound) {
		return config.Account{}, fmt.Errorf("account %q is neither in %s nor in the register: %w", name, f.cfg.Path, kith.ErrNotFound)
	}
	if err != nil {
		return config.Account{}, err
	}
	return f.defined(d)
}

// defined reads an account that the register defines.
func (f *fleet) defined(d kith.Definition) (config.Account, error) {
	var secret config.SecretFunc
	if len(d.Secret.Box) > 0 {
		secret = func(ctx context.Context) (config.Secret, error) { return f.keys.open(ctx, d.Secret, d.Name) }
	}
	account, err := f.cfg.ParseAccount(d.Text, secret, f.app.configEnv())
	if err == nil && account.Name != d.Name {
		err = fmt.Errorf("it names another account, %q", account.Name)
	}
	if err != nil {
		return config.Account{}, kith.Faultf(kith.FaultSettings, "account %s: its definition in the register can't be used here: %s", d.Name, brief(err))
	}
	return account, nil
}

// brief tells on one line what is wrong with an account.
func brief(err error) string {
	var problems config.Problems
	if !errors.As(err, &problems) {
		return err.Error()
	}
	texts := make([]string, len(problems))
	for i, p := range problems {
		texts[i] = p.Brief()
	}
	return strings.Join(texts, "; ")
}

// names returns the accounts that are to be polled, those of the file first.
func (f *fleet) names(ctx context.Context) ([]string, error) {
	var names []string
	for _, account := range f.cfg.Accounts {
		names = append(names, account.Name)
	}
	for d, err := range f.store.Definitions(ctx) {
		if err != nil {
			return nil, err
		}
		if !d.Disabled {
			names = append(names, d.Name)
		}
	}
	return names, nil
}

// host names the host of an account, "" if it can't be told.
func (f *fleet) host(ctx context.Context, name string) string {
	account, err := f.account(ctx, name)
	if err != nil {
		return "" // the poll tells why
	}
	return account.Host()
}

// poller wires the syncer to the accounts.
func (f *fleet) poller() *syncer.Poller {
	return &syncer.Poller{
		Store:   f.store,
		Matcher: f.matcher,
		Now:     f.app.now,
		Log:     f.app.logger(),
		Since:   f.cfg.Since.Horizon(f.app.now()),
		Open:    f.open,

		OpenBooks: f.openBooks,
		Books:     f.store,

		Create: createMode(f.cfg.Policy.CreateContacts), CreateMost: f.cfg.Limits.CreateContacts,
		Suggest: f.cfg.Policy.Unmatched == config.UnmatchedSuggest,
	}
}

// open connects to an account.
func (f *fleet) open(ctx context.Context, name string) (syncer.Source, matcher.Account, error) {
	account, err := f.account(ctx, name)
	if err != nil {
		return nil, matcher.Account{}, err
	}
	who := identity(account)
	if err := f.know(ctx, who); err != nil {
		return nil, matcher.Account{}, err
	}
	if _, inFile := f.file[name]; !inFile && (account.Kind == config.KindIMAP || account.Username != "") {
		// Before a server is bothered.
		if _, err := account.Password(ctx); err != nil {
			return nil, matcher.Account{}, kith.Faultf(kith.FaultSettings, "%w", err)
		}
	}
	who.Invitations = f.invites(account)
	source, err := f.app.open(ctx, f.cfg, account)
	return source, who, err
}

// invites tells whether meetings are taken from the invitations in a mailbox.
func (f *fleet) invites(account config.Account) bool {
	if f.cfg.Policy.Invitations != config.InvitationsAuto {
		return f.cfg.Policy.Invitations == config.InvitationsOn
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	return !slices.ContainsFunc(append([]string{account.Owner}, account.Addresses...), func(who string) bool { return f.dated[who] })
}

// identity tells the matcher whose an account is. The user name is an
// address of the owner wherever it looks like one.
func identity(account config.Account) matcher.Account {
	addresses := account.Addresses
	if user := account.User(); strings.Contains(user, "@") {
		addresses = append(append([]string{}, addresses...), user)
	}
	return matcher.Account{Name: account.Name, Owner: account.Owner, Addresses: addresses, Calendar: isCalendar(account.Kind)}
}

// definition makes what the register keeps of an account, which is to be polled first at the given time.
func definition(account config.Account, secret kith.Sealed, first time.Time) kith.Definition {
	box := sha256.Sum256(secret.Box)
	return kith.Definition{
		Account: kith.Account{
			Name: account.Name, Origin: kith.OriginRegister, Kind: string(account.Kind), Owner: account.Owner, Schedule: account.Schedule,
			// Another password is another reason to try again.
			Settings: account.LoginDigest() + "-" + hex.EncodeToString(box[:8]),
			State:    kith.StateNew, NextPoll: first,
		},
		Text: account.Text(), Secret: secret,
	}
}

// firstPoll spreads the first polls of accounts that come together: ten a second, and none
// later than its schedule has it.
func (a *app) firstPoll(i int, schedule string) time.Time {
	interval := time.Hour
	if s, err := syncer.ParseSchedule(schedule, a.cfg.TimeZone); err == nil {
		interval = s.Interval(a.now())
	}
	return a.now().Add(time.Duration(i) * time.Second / 10 % cmp.Or(interval, time.Hour))
}

// createMode is what a policy means to the poller.
func createMode(policy config.CreateContacts) syncer.Create {
	switch policy {
	case config.CreateSent:
		return syncer.CreateSent
	case config.CreateExchanged:
		return syncer.CreateExchanged
	}
	return ""
}

// forgetStrangers takes out what an earlier policy has let the register know of people who are no contacts.
func (a *app) forgetStrangers(ctx context.Context, cfg *config.Config, s store.Store) error {
	n, err := s.ForgetStrangers(ctx, cfg.Policy.Unmatched == config.UnmatchedForget, cfg.Policy.CreateContacts == config.CreateNever)
	if err == nil && n > 0 {
		a.logger().Info("forgot people who are no contacts, for policy no longer wants to know of them", "rows", n)
	}
	return err
}
