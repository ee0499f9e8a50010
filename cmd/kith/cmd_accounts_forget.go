package main

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"kith"
	"kith/store"
)

type accountsForgetCmd struct {
	Name     string `arg:"" help:"The account; it is no longer configured."`
	DryRun   bool   `help:"Tell what would be done, with examples; write nothing."`
	Examples int    `help:"How many examples a dry run names." default:"3" placeholder:"N"`
}

func (*accountsForgetCmd) Help() string {
	return `For a colleague who has left. Of the places where interactions were seen, those in the account
go; an interaction that nobody else has seen goes with them. The account's cursors and counters
go too, so an account of that name would begin anew. An account that is only removed, and not
forgotten, leaves all of this as it is.

Examples:
  kith accounts forget bob-mail --dry-run
  kith accounts forget bob-mail

` + exitCodes
}

func (cmd *accountsForgetCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	switch _, err := newFleet(a, cfg, s).account(ctx, cmd.Name); {
	case err == nil:
		return fmt.Errorf("account %s is still there: take it out of %s, or see kith accounts rm: %w", cmd.Name, cfg.Path, kith.ErrConflict)
	case !errors.Is(err, kith.ErrNotFound):
		return err
	}
	if !cmd.DryRun {
		// Perhaps nothing has run since it was taken out of the file.
		if err := s.Reconcile(ctx, a.accountRows(cfg)); err != nil {
			return err
		}
	}
	result, err := a.review(ctx, s, store.Filter{Account: cmd.Name}, unseen(cmd.Name), cmd.DryRun, cmd.Examples)
	if err == nil && !cmd.DryRun {
		err = s.ForgetAccount(ctx, cmd.Name)
	}
	if err == nil || result.Reviewed > 0 {
		if printErr := a.printReview(result); printErr != nil {
			return printErr
		}
	}
	return err
}

// unseen takes the places in an account from interactions, and drops those that nobody else has seen.
func unseen(account string) store.ReviseFunc {
	return func(_ context.Context, interactions []kith.Interaction) ([]kith.Revision, error) {
		revisions := make([]kith.Revision, len(interactions))
		for n, now := range interactions {
			now.Evidence = slices.DeleteFunc(now.Evidence, func(e kith.Evidence) bool { return e.Account == account })
			if len(now.Evidence) == 0 {
				revisions[n].Drop = kith.ReasonAccountRemoved
			} else {
				revisions[n].Now = &now
			}
		}
		return revisions, nil
	}
}
