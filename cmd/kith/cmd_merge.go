package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"kith"
	"kith/address"
	"kith/duplicates"
	"kith/store"
)

type contactsDuplicatesCmd struct {
	Least   float64 `help:"The least score of a likely pair, from 0 to 1." default:"0.85" placeholder:"S"`
	Certain bool    `help:"Only pairs that share an address or a phone number."`
	Limit   int     `help:"At most so many. A table shows 50 unless told, JSON all; 0 is all." placeholder:"N" default:"-1"`
}

func (*contactsDuplicatesCmd) Help() string {
	return `Lists pairs of contacts that may be one: certain ones, which share an address or a phone number,
then likely ones, whose names and companies are alike, by score. It changes nothing.

Examples:
  kith contacts duplicates
  kith contacts duplicates --certain --json | jq -r '[.a.id, .b.id] | @tsv'
  kith contacts merge ID-A ID-B
  kith contacts distinct ID-A ID-B

` + exitCodes
}

// duplicateRow is a pair in JSON.
type duplicateRow struct {
	A       duplicates.Party `json:"a"` // the older one
	B       duplicates.Party `json:"b"`
	Certain bool             `json:"certain"`
	Score   float64          `json:"score"`
	Why     string           `json:"why"`
}

func (cmd *contactsDuplicatesCmd) Run(ctx context.Context, a *app) error {
	if cmd.Least < 0 || cmd.Least > 1 {
		return usagef("--least %g is not between 0 and 1", cmd.Least)
	}
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	options := duplicates.Options{Likely: cmd.Least}
	if cmd.Certain {
		options.Likely = 2
	}
	if options.Distinct, err = s.Distinct(ctx); err != nil {
		return err
	}
	counter := a.counterTo("contacts compared")
	found, err := duplicates.Find(ctx, func(yield func(kith.Contact, error) bool) {
		for c, err := range s.Contacts(ctx, store.ContactFilter{}) {
			counter.add(0)
			if !yield(c, err) {
				return
			}
		}
	}, options)
	counter.end()
	if err != nil {
		return fmt.Errorf("look for duplicates: %w", err)
	}
	return a.listDuplicates(found, cmd.Limit)
}

func (a *app) listDuplicates(found *duplicates.Found, limit int) error {
	for _, crowd := range found.Crowds {
		fmt.Fprintf(a.stderr, "%s is the address of %s contacts: each of them is paired with the oldest alone.\n", crowd.Address, thousands(crowd.Contacts))
	}
	if limit < 0 && !a.json {
		limit = 50
	}
	t := table{header: []string{"SCORE", "CONTACT", "COMPANY", "ID", "AND", "COMPANY", "ID", "WHY"}, flex: []int{1, 2, 4, 5, 7},
		right: map[int]bool{0: true}, width: columns(a.stdout), bold: a.style.bold}
	n := 0
	for p := range found.Pairs() {
		if limit > 0 && n == limit {
			break
		}
		n++
		if a.json {
			if err := printJSON(a.stdout, duplicateRow(p)); err != nil {
				return err
			}
			continue
		}
		score := "certain"
		if !p.Certain {
			score = fmt.Sprintf("%.2f", p.Score)
		}
		t.add(score, p.A.Name, p.A.Company, p.A.ID.String(), p.B.Name, p.B.Company, p.B.ID.String(), p.Why)
	}
	switch {
	case a.json:
		return nil
	case n == 0:
		fmt.Fprintln(a.stderr, "There is none.")
		return nil
	}
	if err := t.write(a.stdout); err != nil {
		return err
	}
	if n < found.Len() {
		fmt.Fprintf(a.stdout, "… the first %s of %s; --limit 0 shows all\n", thousands(n), thousands(found.Len()))
	}
	return nil
}

type contactsMergeCmd struct {
	Into   string `arg:"" help:"The contact that stays: id, external id, address, phone number or name." placeholder:"A"`
	Merged string `arg:"" help:"The contact that becomes part of it." placeholder:"B"`
}

func (*contactsMergeCmd) Help() string {
	return `From then on A stands for both: it has the addresses, numbers, tags and the timeline of both, and is found by
the external ids of both. What A has a value for (name, title, company and the like) stays A's. Nothing is lost:
"kith contacts unmerge B" undoes it.

Example:
  kith contacts merge ann@client.test "A. Doe"

` + exitCodes
}

func (cmd *contactsMergeCmd) Run(ctx context.Context, a *app) error {
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	pair, err := twoContacts(ctx, s, cmd.Into, cmd.Merged)
	if err != nil {
		return err
	}
	if err := s.MergeContacts(ctx, pair[0].ID, pair[1].ID, a.now()); err != nil {
		return err
	}
	if !a.json && !a.quiet {
		fmt.Fprintf(a.stderr, "%s is merged into %s. To undo it: kith contacts unmerge %s\n", pair[1].Name, pair[0].Name, pair[1].ID)
	}
	return a.printContact(ctx, s, pair[0].ID)
}

// twoContacts returns the two contacts that words mean.
func twoContacts(ctx context.Context, s store.Store, one, other string) (pair [2]kith.Contact, err error) {
	for i, word := range []string{one, other} {
		if pair[i], err = oneContact(ctx, s, word); err != nil {
			return pair, err
		}
	}
	if pair[0].ID == pair[1].ID {
		return pair, usagef("%q and %q are the same contact, %s", one, other, pair[0].ID)
	}
	return pair, nil
}

type contactsUnmergeCmd struct {
	Contact string `arg:"" help:"The contact that was merged: id, external id, address, phone number or name." placeholder:"B"`
}

func (*contactsUnmergeCmd) Help() string {
	return `The contact stands for itself again, as it was, and so do those that were merged into it before. What
was recorded meanwhile stays with the contact whose address it was.

Example:
  kith contacts unmerge 01924f6e-7d2a-7c31-8c51-0f0f0f0f0f0f

` + exitCodes
}

func (cmd *contactsUnmergeCmd) Run(ctx context.Context, a *app) error {
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	merged, err := mergedContact(ctx, s, cmd.Contact)
	if err != nil {
		return err
	}
	if err := s.UnmergeContact(ctx, merged.ID, a.now()); err != nil {
		return err
	}
	return a.printContact(ctx, s, merged.ID)
}

// mergedContact returns the contact merged into another one that a word means. The name of a survivor
// means the one that was merged into it, if there is but one.
func mergedContact(ctx context.Context, s store.Store, word string) (kith.Contact, error) {
	if id, err := kith.ParseID(word); err == nil {
		c, err := s.Contact(ctx, id)
		if err == nil && c.MergedInto != nil || err != nil && !errors.Is(err, kith.ErrNotFound) {
			return c, err
		}
	}
	survivor, err := oneContact(ctx, s, word)
	if err != nil {
		return kith.Contact{}, err
	}
	all, err := s.MergedContacts(ctx, survivor.ID)
	if err != nil {
		return kith.Contact{}, err
	}
	meant := slices.DeleteFunc(slices.Clone(all), func(c kith.Contact) bool { return !means(word, &c) })
	if len(meant) == 0 {
		meant = all
	}
	switch len(meant) {
	case 0:
		return kith.Contact{}, fmt.Errorf("nobody was merged into %s (%s): %w", survivor.Name, survivor.ID, kith.ErrConflict)
	case 1:
		return meant[0], nil
	}
	who := make([]string, len(meant))
	for i, c := range meant {
		who[i] = fmt.Sprintf("%s (%s)", c.ID, c.Name)
	}
	return kith.Contact{}, usagef("several were merged into %s; name one by its id: %s", survivor.Name, strings.Join(who, ", "))
}

// means tells whether a word is one by which a contact is found.
func means(word string, c *kith.Contact) bool {
	if canonical, ok := address.Normalize(word); ok {
		word = canonical
	}
	return word == c.ExternalID || slices.Contains(c.Emails, word) || slices.Contains(c.Phones, word) || store.Fold(word) == store.Fold(c.Name)
}

type contactsDistinctCmd struct {
	One   string `arg:"" help:"A contact: id, external id, address, phone number or name." placeholder:"A"`
	Other string `arg:"" help:"Another one." placeholder:"B"`
}

func (*contactsDistinctCmd) Help() string {
	return `Remembers that two contacts are not one, whatever they have in common: "kith contacts duplicates" does not
list them any more.

Example:
  kith contacts distinct "Ann Doe" "Anne Doe"

` + exitCodes
}

func (cmd *contactsDistinctCmd) Run(ctx context.Context, a *app) error {
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	pair, err := twoContacts(ctx, s, cmd.One, cmd.Other)
	if err != nil {
		return err
	}
	if err := s.Distinguish(ctx, pair[0].ID, pair[1].ID, a.now()); err != nil {
		return err
	}
	if a.json {
		return printJSON(a.stdout, struct {
			Distinct [2]kith.ID `json:"distinct"`
		}{[2]kith.ID{pair[0].ID, pair[1].ID}})
	}
	fmt.Fprintf(a.stdout, "%s and %s are two.\n", pair[0].Name, pair[1].Name)
	return nil
}
