package store

import (
	"fmt"
	"time"

	"kith"
)

// DefineAccount returns what the row of an account becomes by its definition, in
// the way of [Accounts] Reconcile and [Definitions] PutDefinitions; was is what is
// on file, nil if nothing is.
func DefineAccount(was *kith.Account, given kith.Account, disabled bool) (kith.Account, error) {
	state := kith.StateNew
	if disabled {
		state = kith.StateDisabled
	}
	if was == nil {
		return kith.Account{
			Name: given.Name, Origin: given.Origin, Kind: given.Kind, Owner: given.Owner,
			Schedule: given.Schedule, Settings: given.Settings, State: state, NextPoll: given.NextPoll,
		}, nil
	}
	if was.Origin != given.Origin && was.State != kith.StateRemoved {
		if given.Origin == kith.OriginFile {
			return kith.Account{}, fmt.Errorf("%w: an account of this name is defined in the register", kith.ErrConflict)
		}
		return kith.Account{}, fmt.Errorf("%w: an account of this name is in the configuration file", kith.ErrConflict)
	}
	is := *was
	is.Origin, is.Kind, is.Owner, is.Schedule, is.Settings = given.Origin, given.Kind, given.Owner, given.Schedule, given.Settings
	switch {
	case disabled, was.State == kith.StateRemoved, was.State == kith.StateDisabled,
		was.State == kith.StateNeedsAttention && was.Settings != given.Settings:
		is.State, is.NextPoll = state, given.NextPoll
		is.Attempts, is.Error, is.ErrorSince = 0, "", time.Time{}
	case was.Schedule != given.Schedule:
		is.NextPoll = given.NextPoll
	}
	return is, nil
}
