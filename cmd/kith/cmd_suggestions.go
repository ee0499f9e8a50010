package main

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"kith"
	"kith/address"
	"kith/config"
	"kith/store"
)

type contactsSuggestionsCmd struct {
	Limit int `help:"At most so many. A table shows 50 unless told, JSON all; 0 is all." placeholder:"N" default:"-1"`
}

func (*contactsSuggestionsCmd) Help() string {
	return `With unmatched = "suggest" in [policy], kith counts mail with people who are no
contacts. The score, 0 to 100, prefers those with whom mail went both ways,
lately, and more than once.

Examples:
  kith contacts suggestions
  kith contacts accept ann@client.test
  kith contacts accept --all-above 80
  kith contacts reject eve@other.test

` + exitCodes
}

// suggestionRow is what kith contacts suggestions --json prints.
type suggestionRow struct {
	Score int `json:"score"`
	kith.Suggestion
}

// suggestions returns the suggestions, the best first.
func (a *app) suggestions(ctx context.Context, s store.Store) ([]suggestionRow, error) {
	var all []suggestionRow
	now := a.now()
	for one, err := range s.Suggestions(ctx) {
		if err != nil {
			return nil, err
		}
		all = append(all, suggestionRow{one.Score(now, address.IsRole(one.Address)), one})
	}
	slices.SortStableFunc(all, func(a, b suggestionRow) int { // by address, of equals
		return cmp.Or(cmp.Compare(b.Score, a.Score), b.LastSeen.Compare(a.LastSeen))
	})
	return all, nil
}

func (cmd *contactsSuggestionsCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	all, err := a.suggestions(ctx, s)
	if err != nil {
		return err
	}
	limit := cmd.Limit
	if limit < 0 && !a.json {
		limit = 50
	}
	shown := all
	if limit > 0 && len(all) > limit {
		shown = all[:limit]
	}
	if a.json {
		for _, row := range shown {
			if err := printJSON(a.stdout, row); err != nil {
				return err
			}
		}
		return nil
	}
	if len(all) == 0 {
		text := "There is none so far: mail with people who are no contacts is counted from now on; \"kith sync --full\" counts the past."
		if cfg.Policy.Unmatched != config.UnmatchedSuggest {
			text = "There is none: unmatched = \"forget\" in [policy] keeps nothing of people who are no contacts; \"suggest\" counts mail with them."
		}
		fmt.Fprintln(a.stderr, text)
		return nil
	}
	t := table{header: []string{"SCORE", "NAME", "ADDRESS", "IN", "OUT", "LAST SEEN"}, right: map[int]bool{0: true, 3: true, 4: true}, flex: []int{1, 2}, width: columns(a.stdout), bold: a.style.bold}
	for _, row := range shown {
		t.add(fmt.Sprint(row.Score), row.Name, row.Address, thousands(row.Inbound), thousands(row.Outbound), a.local(row.LastSeen, false))
	}
	if err := t.write(a.stdout); err != nil {
		return err
	}
	if len(shown) < len(all) {
		fmt.Fprintf(a.stdout, "… the best %d of %s; --limit 0 shows all\n", len(shown), thousands(len(all)))
	}
	return nil
}

type contactsAcceptCmd struct {
	Addresses []string `arg:"" optional:"" name:"address" help:"Addresses that are suggested."`
	AllAbove  int      `help:"All with a score above this one." placeholder:"SCORE" default:"-1"`
}

func (*contactsAcceptCmd) Help() string {
	return `The contacts get their past at the next polls.

Examples:
  kith contacts accept ann@client.test
  kith contacts accept --all-above 80

` + exitCodes
}

func (cmd *contactsAcceptCmd) Run(ctx context.Context, a *app) error {
	if (len(cmd.Addresses) > 0) == (cmd.AllAbove >= 0) {
		return usagef("name addresses, or say --all-above SCORE")
	}
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	all, err := a.suggestions(ctx, s)
	if err != nil {
		return err
	}
	wanted := map[string]bool{}
	for _, written := range cmd.Addresses {
		canonical, ok := address.Normalize(written)
		if !ok {
			return usagef("%q is no e-mail address", written)
		}
		if !slices.ContainsFunc(all, func(row suggestionRow) bool { return row.Address == canonical }) {
			return fmt.Errorf("%s is not suggested; \"kith contacts add\" makes a contact of anybody: %w", canonical, kith.ErrNotFound)
		}
		wanted[canonical] = true
	}
	var made []kith.Contact
	for _, row := range all {
		if wanted[row.Address] || cmd.AllAbove >= 0 && row.Score > cmd.AllAbove {
			made = append(made, kith.Contact{Type: kith.Person, Source: "suggestion", Name: cmp.Or(row.Name, row.Address), Emails: []string{row.Address}})
		}
	}
	if len(made) > 0 {
		if _, err := s.PutContacts(ctx, made, a.now(), false); err != nil {
			return err
		}
	}
	if a.json {
		for _, c := range made {
			if err := a.printContact(ctx, s, c.ID); err != nil {
				return err
			}
		}
		return nil
	}
	for _, c := range made {
		fmt.Fprintf(a.stdout, "%s <%s> is a contact now.\n", c.Name, c.Emails[0])
	}
	if len(made) == 0 {
		fmt.Fprintln(a.stderr, "No suggestion has such a score.")
	}
	return nil
}

type contactsRejectCmd struct {
	Addresses []string `arg:"" name:"address" help:"Addresses that are not to be suggested."`
}

func (*contactsRejectCmd) Help() string {
	return `Of the address only a digest stays, made with a secret of this register: so it is
neither suggested again nor made a contact of by itself. Whoever adds or
imports it as a contact takes that back.

Example:
  kith contacts reject eve@other.test

` + exitCodes
}

// rejectedSuggestion is what kith contacts reject --json prints for an address.
type rejectedSuggestion struct {
	Address string         `json:"address"`
	State   kith.Forgotten `json:"state"`
}

func (cmd *contactsRejectCmd) Run(ctx context.Context, a *app) error {
	rejected := make([]string, len(cmd.Addresses)) // all are looked at before anything is done
	for i, written := range cmd.Addresses {
		var ok bool
		if rejected[i], ok = address.Normalize(written); !ok {
			return usagef("%q is no e-mail address", written)
		}
	}
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	for _, canonical := range rejected {
		if err := s.RejectSuggestion(ctx, canonical, a.now()); err != nil {
			return err
		}
		switch {
		case a.json:
			if err := printJSON(a.stdout, rejectedSuggestion{canonical, kith.ForgottenRejected}); err != nil {
				return err
			}
		case !a.quiet:
			fmt.Fprintf(a.stderr, "%s is not suggested again.\n", canonical)
		}
	}
	return nil
}
