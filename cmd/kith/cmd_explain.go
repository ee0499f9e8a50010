package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"kith"
	"kith/store"
	syncer "kith/sync"
)

type explainCmd struct {
	ID      string   `arg:"" help:"A Message-ID, the UID of an event, an interaction's id, or account/folder/ref as interactions show prints it."`
	Account []string `help:"Look in these accounts only." placeholder:"NAME"`
}

func (*explainCmd) Help() string {
	return `It reads that one message or event again where it lies, tells every decision step by
step, and writes nothing, neither here nor there.

Of an address book it tells what became of a card.

Examples:
  kith explain '<x@client.test>'
  kith explain alice-mail/INBOX/7:4213
  kith explain alice-calendar/work/talk.ics#20261123T080000Z
  kith explain address-book/contacts/ann.vcf

` + exitCodes
}

// mostSearched is how many mailboxes are searched for a Message-ID without being asked for by name.
const mostSearched = 200

func (cmd *explainCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	f, err := a.fleet(ctx, cfg, s)
	if err != nil {
		return err
	}
	poller := f.poller()

	if strings.TrimSpace(cmd.ID) == "" {
		return usagef("explain what? Name a Message-ID, an interaction's id, or account/folder/ref")
	}
	if id, err := kith.ParseID(cmd.ID); err == nil {
		return a.explainInteraction(ctx, s, poller, id)
	}
	if account, stream, ref, ok := splitRef(cmd.ID); ok {
		_, err := f.account(ctx, account)
		if err == nil {
			e, err := poller.ExplainRef(ctx, s, account, stream, ref)
			if err != nil {
				return err
			}
			return a.printExplanations([]syncer.Explanation{e})
		}
		if !strings.Contains(cmd.ID, "@") { // a Message-ID may have slashes, too
			return err
		}
	}

	names := cmd.Account
	if len(names) == 0 {
		if names, err = f.names(ctx); err != nil {
			return err
		}
		if len(names) > mostSearched {
			return usagef("there are %s accounts: say by --account in which to look, or name it as account/folder/ref", thousands(len(names)))
		}
	}
	var found []syncer.Explanation
	var failures []error
	for _, name := range names {
		if _, err := f.account(ctx, name); err != nil {
			return err
		}
		id := bracketed(cmd.ID)
		if account, err := f.account(ctx, name); err == nil && isCalendar(account.Kind) {
			id = cmd.ID
		}
		explanations, err := poller.ExplainMessage(ctx, s, name, id)
		if err != nil {
			failures = append(failures, err)
		}
		found = append(found, explanations...)
	}
	if len(found) == 0 {
		return errors.Join(failures...)
	}
	for _, err := range failures {
		if !errors.Is(err, kith.ErrNotFound) {
			fmt.Fprintln(a.stderr, "kith:", err)
		}
	}
	return a.printExplanations(found)
}

// explainInteraction explains what is recorded by the first place that still has it.
func (a *app) explainInteraction(ctx context.Context, s store.Store, poller *syncer.Poller, id kith.ID) error {
	i, err := s.Interaction(ctx, id)
	if err != nil {
		return err
	}
	for _, seen := range i.Evidence {
		if seen.Gone {
			continue
		}
		e, err := poller.ExplainRef(ctx, s, seen.Account, seen.Stream, seen.Ref)
		if errors.Is(err, kith.ErrNotFound) {
			continue // its folder was renamed or deleted, or its account removed
		}
		if err != nil {
			return err
		}
		return a.printExplanations([]syncer.Explanation{e})
	}
	return fmt.Errorf("interaction %s: no mailbox has the message any more, so it can't be read again: %w", id, kith.ErrNotFound)
}

// splitRef takes account/folder/ref apart; the folder may have slashes.
func splitRef(id string) (account, stream, ref string, ok bool) {
	account, rest, ok := strings.Cut(id, "/")
	if !ok {
		return "", "", "", false
	}
	cut := strings.LastIndexByte(rest, '/')
	if cut < 1 {
		return "", "", "", false
	}
	return account, rest[:cut], rest[cut+1:], true
}

func (a *app) printExplanations(all []syncer.Explanation) error {
	for n, e := range all {
		if a.json {
			if err := printJSON(a.stdout, e); err != nil {
				return err
			}
			continue
		}
		if n > 0 {
			fmt.Fprintln(a.stdout)
		}
		outcome := a.style.green(e.Outcome)
		if e.Outcome != "recorded" {
			outcome = a.style.yellow(strings.TrimSpace(e.Outcome + " " + string(e.Reason)))
		}
		fmt.Fprintf(a.stdout, "%s: %s\n", a.style.bold(e.ID), outcome)
		t := table{header: []string{"STEP", "RESULT", "WHY"}, flex: nil}
		for _, step := range e.Steps {
			t.add(step.Step, step.Result, step.Why)
		}
		if err := t.write(a.stdout); err != nil {
			return err
		}
	}
	return nil
}
