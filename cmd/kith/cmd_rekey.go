package main

import (
	"context"
	"errors"
	"fmt"

	"kith"
	"kith/seal"
	"kith/store"
)

type accountsRekeyCmd struct{}

func (*accountsRekeyCmd) Help() string {
	return `Passwords that the first key of [secrets] has not sealed are opened and sealed by it. It may
be stopped at any time and goes on from there. When it is done, the other keys can be taken
out of the file; keep them as long as you keep backups of the database. Exit code 3 when a
password could not be opened.

` + exitCodes
}

// rekeyResult is what kith accounts rekey --json prints.
type rekeyResult struct {
	Key     string         `json:"key"`
	Sealed  int            `json:"sealed"`  // anew
	Already int            `json:"already"` // with the key
	Failed  []rekeyFailure `json:"failed"`
}

type rekeyFailure struct {
	Account string `json:"account"`
	Reason  string `json:"reason"`
}

func (cmd *accountsRekeyCmd) Run(ctx context.Context, a *app) error {
	ring, err := a.sealingRing(ctx)
	if err != nil {
		return err
	}
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	result := rekeyResult{Key: ring.First(), Failed: []rekeyFailure{}}
	counter := a.counterTo("passwords")
	for d, err := range s.Definitions(ctx) {
		if err != nil {
			counter.end()
			return err
		}
		switch done, err := reseal(ctx, s, ring, d); {
		case ctx.Err() != nil:
			counter.end()
			return ctx.Err()
		case err != nil:
			result.Failed = append(result.Failed, rekeyFailure{d.Name, err.Error()})
		case done:
			result.Sealed++
		case len(d.Secret.Box) > 0:
			result.Already++
		}
		counter.add(0)
	}
	counter.end()
	return cmd.print(a, result)
}

// reseal seals the password of an account with the first key, if another one did.
func reseal(ctx context.Context, s store.Store, ring seal.Ring, d kith.Definition) (done bool, err error) {
	for {
		if len(d.Secret.Box) == 0 || d.Secret.Key == ring.First() {
			return false, nil
		}
		password, err := ring.Open(d.Secret.Key, d.Secret.Box, d.Name)
		if err != nil {
			return false, err
		}
		var now kith.Sealed
		if now.Key, now.Box, err = ring.Seal(password, d.Name); err != nil {
			return false, err
		}
		err = s.Reseal(ctx, d.Name, d.Secret, now)
		if errors.Is(err, kith.ErrConflict) {
			// It got another password meanwhile.
			d, err = s.Definition(ctx, d.Name)
			if err == nil {
				continue
			}
		}
		if errors.Is(err, kith.ErrNotFound) {
			return false, nil // removed meanwhile
		}
		return err == nil, err
	}
}

func (cmd *accountsRekeyCmd) print(a *app, r rekeyResult) error {
	if a.json {
		if err := printJSON(a.stdout, r); err != nil {
			return err
		}
	} else {
		for _, f := range r.Failed {
			fmt.Fprintf(a.stderr, "%s %s\n", a.style.red(f.Account+":"), f.Reason)
		}
		fmt.Fprintf(a.stdout, "%s sealed anew with the key %q, %s were already, %s failed\n", thousands(r.Sealed), r.Key, thousands(r.Already), thousands(len(r.Failed)))
	}
	if len(r.Failed) > 0 {
		return errPartly
	}
	return nil
}
