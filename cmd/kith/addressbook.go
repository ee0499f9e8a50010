package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"kith"
	"kith/config"
	syncer "kith/sync"
	"kith/sync/carddavsource"
)

// readable tells whether this version can read accounts of a kind.
func readable(kind config.Kind) bool {
	return kind == config.KindIMAP || kind == config.KindCardDAV || isCalendar(kind)
}

// itemsOf is what accounts of a kind hold.
func itemsOf(kind string) string {
	switch {
	case kind == string(config.KindCardDAV):
		return "cards"
	case isCalendar(config.Kind(kind)):
		return "events"
	}
	return "messages"
}

// openBooks connects to an account that is address books; of another one it returns nil.
func (f *fleet) openBooks(ctx context.Context, name string) (syncer.BookSource, error) {
	account, err := f.account(ctx, name)
	if err != nil || account.Kind != config.KindCardDAV {
		return nil, err
	}
	if err := f.know(ctx, identity(account)); err != nil {
		return nil, err
	}
	if _, inFile := f.file[name]; !inFile && account.Username != "" {
		// Before a server is bothered.
		if _, err := account.Password(ctx); err != nil {
			return nil, kith.Faultf(kith.FaultSettings, "%w", err)
		}
	}
	return f.app.openBooks(ctx, f.cfg, account)
}

func (a *app) openBooks(ctx context.Context, cfg *config.Config, account config.Account) (*carddavsource.Source, error) {
	options := carddavsource.Options{
		Account:  account.Name,
		URL:      account.URL,
		Username: account.Username,
		Password: func(ctx context.Context) (string, error) {
			secret, err := account.Password(ctx)
			return secret.Reveal(), err
		},
		AllowPrivate: account.AllowPrivate,
		AllowPlain:   account.AllowPlain,
		Include:      account.Include,
		Exclude:      account.Exclude,
		Region:       cfg.Region,
	}
	if account.CAFile != "" {
		pool, err := authorities(account.CAFile)
		if err != nil {
			return nil, kith.Faultf(kith.FaultSettings, "account %s: ca_file: %w", account.Name, err)
		}
		options.CAs = pool
	}
	return carddavsource.Open(ctx, options)
}

// checkBooks logs in and looks for address books.
func (a *app) checkBooks(ctx context.Context, cfg *config.Config, account config.Account) (finding, error) {
	about := "account " + account.Name
	source, err := a.openBooks(ctx, cfg, account)
	if err != nil {
		return finding{}, err
	}
	defer source.Close() //nolint:errcheck // it was only read
	books, err := source.Books(ctx)
	if err != nil {
		return finding{}, err
	}
	names := make([]string, len(books))
	for i, book := range books {
		names[i] = book.Name
	}
	if len(books) == 0 {
		return finding{Level: "warning", About: about, Text: fmt.Sprintf("logged in at %s, and there is no address book to read", account.Host()), Mend: "check url, include and exclude"}, nil
	}
	return finding{Level: "ok", About: about, Text: fmt.Sprintf("logged in at %s, address books: %s", account.Host(), strings.Join(names, ", "))}, nil
}

// loginTrouble tells of a login that failed.
func loginTrouble(about string, err error) finding {
	mend := "see that the server can be reached from here"
	var fault *kith.Fault
	if errors.As(err, &fault) {
		switch fault.Kind {
		case kith.FaultAuth:
			mend = "check username and password"
		case kith.FaultSettings:
			mend = "check url and ca_file"
		case kith.FaultThrottled:
			mend = "wait; the server asks for a pause"
		}
	}
	return finding{Level: "error", About: about, Text: err.Error(), Mend: mend}
}

// dryCard is what kith sync --dry-run --json prints for a card.
type dryCard struct {
	Account string           `json:"account"`
	Stream  string           `json:"stream"`
	Ref     string           `json:"ref"`
	Outcome kith.CardOutcome `json:"outcome"`
	Name    string           `json:"name,omitempty"`
	Contact *kith.ID         `json:"contact,omitempty"`
}

func (a *app) printCard(account string, book kith.Stream, c kith.CardChange) {
	row := dryCard{Account: account, Stream: book.Name, Ref: c.Ref, Outcome: c.Outcome, Name: c.Name}
	if !c.Contact.IsZero() && c.Outcome != kith.CardCreated { // such a one there won't be
		row.Contact = &c.Contact
	}
	if a.json {
		printJSON(a.stdout, row) //nolint:errcheck // a closed pipe shows at the end
		return
	}
	fmt.Fprintf(a.stdout, "%-9s  %s/%s/%s  %s\n", row.Outcome, account, row.Stream, row.Ref, row.Name)
}

// bookText tells what a run made of cards.
func bookText(r syncResult, dryRun bool) string {
	b := r.Contacts
	text := fmt.Sprintf("%s cards", thousands(r.Items))
	if dryRun {
		return text + "; nothing was written"
	}
	text += fmt.Sprintf("; contacts: %s created, %s updated, %s unchanged, %s removed", thousands(b.Created), thousands(b.Updated), thousands(b.Unchanged), thousands(b.Removed))
	if b.Ignored > 0 {
		text += fmt.Sprintf("; %s neither contacts nor groups", thousands(b.Ignored))
	}
	if b.Erased > 0 {
		text += fmt.Sprintf("; %s of contacts that were removed on purpose", thousands(b.Erased))
	}
	return text
}
