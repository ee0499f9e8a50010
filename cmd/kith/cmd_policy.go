package main

import (
	"context"
	"fmt"

	"kith"
	"kith/matcher"
	"kith/store"
)

type policyCmd struct {
	Apply policyApplyCmd `cmd:"" help:"Apply today's policy to what is on file."`
}

type policyApplyCmd struct {
	DryRun   bool `help:"Tell what would be done, with examples; write nothing."`
	Examples int  `help:"How many examples a dry run names for each reason." default:"3" placeholder:"N"`
}

func (*policyApplyCmd) Help() string {
	return `A policy decides about what is captured from now on. This command brings what is on file
in line with it: interactions with addresses or contacts that are never to be recorded,
internal, private and mass mail, automatic replies, and what has no template any more are removed
for all colleagues who have seen them; subjects and texts that are not to be
kept are emptied. It leaves no trace of what is removed, so a looser policy and
"kith sync --full" bring it back. What people have added notes to stays, unless it
is private or never to be recorded. The daemon may go on meanwhile.

Examples:
  kith policy apply --dry-run
  kith policy apply

` + exitCodes
}

func (cmd *policyApplyCmd) Run(ctx context.Context, a *app) error {
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
	examples := 0
	if cmd.DryRun {
		examples = cmd.Examples
	}
	result, err := a.review(ctx, s, store.Filter{}, reviewBy(f.matcher, matcher.Review{Policy: true}), cmd.DryRun, examples)
	if printErr := a.printReview(result); printErr != nil && err == nil {
		err = printErr
	}
	if err != nil {
		return fmt.Errorf("apply the policy: %w", err)
	}
	return nil
}

// reviewBy lets a matcher decide.
func reviewBy(m *matcher.Matcher, what matcher.Review) store.ReviseFunc {
	return func(ctx context.Context, interactions []kith.Interaction) ([]kith.Revision, error) {
		return m.Review(ctx, what, interactions)
	}
}

// tellOnFile tells how many interactions with contacts that are never to be recorded are on file.
func (a *app) tellOnFile(ctx context.Context, s store.Store, contacts []kith.ID) error {
	n := 0
	for _, id := range contacts {
		found, err := s.CountInteractions(ctx, store.Filter{Contact: id})
		if err != nil {
			return err
		}
		n += found
	}
	if n > 0 && !a.quiet {
		fmt.Fprintf(a.stderr, "From now on nothing is recorded; %s on file: \"kith policy apply --dry-run\" shows what would be removed.\n", are(n, "interaction"))
	}
	return nil
}

// are writes a number of things with their verb.
func are(n int, thing string) string {
	if n == 1 {
		return plural(n, thing) + " is"
	}
	return plural(n, thing) + " are"
}
