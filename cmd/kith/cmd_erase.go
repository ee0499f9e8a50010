package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"kith"
	"kith/address"
	"kith/privacy"
)

type eraseCmd struct {
	Who     string `arg:"" help:"An address, a phone number, or a contact: id, external id or name." placeholder:"ADDRESS-OR-CONTACT"`
	DryRun  bool   `help:"Tell what would be removed; remove nothing." xor:"how"`
	Readmit bool   `help:"Let an address or phone number that was erased in again, as anybody's. What was removed stays removed." xor:"how"`
}

func (*eraseCmd) Help() string {
	return `Removes a person from the register: every interaction that they take part in, are linked to or
are named in by address, whoever else is on it; the contact with all its addresses; what is
counted about them. What stays is a digest of each address and of each interaction, which
keeps capture, imports and address books from bringing them back. It can't be undone. It reads
the whole register, and writes an embedded database anew; daemons may run meanwhile.

Backups that were made before, replicas' archives and the mailboxes themselves are not
touched: see the manual's chapter on privacy.

Examples:
  kith erase ann@client.test --dry-run
  kith erase "Ann Doe"
  kith erase ann@client.test --readmit

` + exitCodes
}

// erasedJSON is what kith erase tells.
type erasedJSON struct {
	Contacts  []string `json:"contacts"` // ids
	Addresses []string `json:"addresses"`
	Shared    []string `json:"shared_with"` // ids of contacts that stay, without the address
	DryRun    bool     `json:"dry_run"`
	Removed   struct {
		Contacts     int `json:"contacts"`
		Interactions int `json:"interactions"`
		Evidence     int `json:"evidence"`
	} `json:"removed"`
}

func (cmd *eraseCmd) Run(ctx context.Context, a *app) error {
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if cmd.Readmit {
		return a.readmit(ctx, s, cmd.Who)
	}
	person, err := findPerson(ctx, s, cmd.Who)
	if err != nil {
		return err
	}
	if err := a.noneOfOurs(ctx, s, person.Addresses); err != nil {
		return err
	}
	counter := a.counterTo("interactions read")
	watch := func() { counter.add(0) }
	var done privacy.Erased
	if cmd.DryRun {
		done, err = privacy.Count(ctx, s, person, watch)
	} else {
		done, err = privacy.Erase(ctx, s, person, a.now(), watch)
	}
	counter.end()
	if err != nil {
		return fmt.Errorf("erase: %w", err)
	}
	if a.json {
		out := erasedJSON{Contacts: idsOf(person.Contacts), Addresses: append([]string{}, person.Addresses...), Shared: idsOf(person.Shared), DryRun: cmd.DryRun}
		out.Removed.Contacts, out.Removed.Interactions, out.Removed.Evidence = done.Contacts, done.Interactions, done.Evidence
		return printJSON(a.stdout, out)
	}
	verb := "Removed"
	if cmd.DryRun {
		verb = "Would remove"
	}
	fmt.Fprintf(a.stdout, "%s: contacts %s, addresses %s, interactions %s, seen in places %s.\n", verb,
		thousands(done.Contacts), thousands(len(person.Addresses)), thousands(done.Interactions), thousands(done.Evidence))
	if len(person.Shared) > 0 {
		fmt.Fprintf(a.stdout, "Contacts that share an address stay, without it: %s.\n", strings.Join(idsOf(person.Shared), ", "))
	}
	if !cmd.DryRun {
		fmt.Fprintln(a.stdout, "Backups made before still hold them: delete or replace those.")
	}
	return nil
}

// readmit lets an address in again.
func (a *app) readmit(ctx context.Context, s register, word string) error {
	canonical, ok := address.Normalize(word)
	if !ok {
		canonical = word
	}
	n, err := s.ReadmitAddresses(ctx, []string{canonical})
	if err != nil {
		return fmt.Errorf("erase --readmit: %w", err)
	}
	if n == 0 {
		return fmt.Errorf("%s was not erased: %w", canonical, kith.ErrNotFound)
	}
	if a.json {
		return printJSON(a.stdout, struct {
			Readmitted []string `json:"readmitted"`
		}{[]string{canonical}})
	}
	fmt.Fprintf(a.stdout, "%s may come back.\n", canonical)
	return nil
}

// noneOfOurs refuses addresses of our own: with them would go everything that their owners wrote.
func (a *app) noneOfOurs(ctx context.Context, s register, addresses []string) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	f, err := a.fleet(ctx, cfg, s)
	if err != nil {
		return err
	}
	for _, one := range addresses {
		if f.us.Configured(one) {
			return usagef("%s is an address of our own: an account or own_domains names it. kith accounts forget removes what an account saw", one)
		}
	}
	return nil
}

func findPerson(ctx context.Context, s register, word string) (privacy.Person, error) {
	person, err := privacy.Find(ctx, s, word)
	var ambiguous *privacy.AmbiguousError
	if errors.As(err, &ambiguous) {
		return person, usageError{err}
	}
	return person, err
}

func idsOf(contacts []kith.Contact) []string {
	ids := make([]string, len(contacts))
	for i, c := range contacts {
		ids[i] = c.ID.String()
	}
	return ids
}
