package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kith"
	"kith/address"
	"kith/matcher"
	"kith/store"
)

type identitiesCmd struct {
	List   identitiesListCmd   `cmd:"" default:"withargs" help:"List addresses that seem to be our own."`
	Accept identitiesAcceptCmd `cmd:"" help:"Make addresses our own, and put right what is on file."`
	Reject identitiesRejectCmd `cmd:"" help:"Say that addresses are not our own; they are not proposed again."`
}

// What is seen of an address before it is listed.
const (
	// enoughDelivered is how many messages must have come in through an address: one may be a mistake.
	enoughDelivered = 3
	// catchAll is from how many such addresses on a domain seems to take any.
	catchAll = 10
)

type identitiesListCmd struct {
	All bool `help:"List those too that were accepted or rejected, that little speaks for, or that are of a domain that takes any address."`
}

func (*identitiesListCmd) Help() string {
	return `Addresses that are our own but not configured show in the mail: they are the author of what
lies in Sent (SENT), have a tag behind an address of ours (TAG), or the mail that is to them
comes to our mailbox (DELIVERED; listed from ` + strconv.Itoa(enoughDelivered) + ` messages on).
Whoever is a contact is not listed.

Examples:
  kith identities
  kith identities accept old.name@example.test
  kith identities reject news@club.test

` + exitCodes
}

// identityRow is what kith identities list --json prints for an address.
type identityRow struct {
	Address  string              `json:"address"`
	Owner    string              `json:"owner"`
	State    kith.IdentityState  `json:"state"`
	Seen     kith.SightingCounts `json:"seen"`
	LastSeen *time.Time          `json:"last_seen"`
	Decided  *time.Time          `json:"decided"`
}

func (cmd *identitiesListCmd) Run(ctx context.Context, a *app) error {
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
	all, err := s.Identities(ctx)
	if err != nil {
		return err
	}
	hidden := 0
	if !cmd.All {
		if all, hidden, err = worthwhile(ctx, s, f.us, all); err != nil {
			return err
		}
	}
	t := table{header: []string{"ADDRESS", "OWNER", "STATE", "SENT", "TAG", "DELIVERED", "LAST SEEN"},
		right: map[int]bool{3: true, 4: true, 5: true}, width: columns(a.stdout), flex: []int{0, 1}, bold: a.style.bold}
	for _, i := range all {
		if a.json {
			if err := printJSON(a.stdout, identityRow{i.Address, i.Owner, i.State, i.Seen, timeOrNil(i.LastSeen), timeOrNil(i.Decided)}); err != nil {
				return err
			}
			continue
		}
		last := "-"
		if !i.LastSeen.IsZero() {
			last = a.local(i.LastSeen, false)
		}
		t.add(i.Address, i.Owner, string(i.State), thousands(i.Seen.Sent), thousands(i.Seen.Plus), thousands(i.Seen.Delivered), last)
	}
	if hidden > 0 && !a.quiet {
		fmt.Fprintf(a.stderr, "%s not shown, of domains that seem to take any address: own_domains can name such a domain; --all shows them.\n", are(hidden, "proposal"))
	}
	if a.json {
		return nil
	}
	if len(t.rows) == 0 {
		fmt.Fprintln(a.stderr, "There is none. --all shows those too that were decided about, and what little speaks for.")
		return nil
	}
	return t.write(a.stdout)
}

// worthwhile leaves the proposals that are worth a decision: enough speaks for them, nobody
// among the contacts has them, and they are not configured meanwhile. hidden are those of domains
// that seem to take any address.
func worthwhile(ctx context.Context, s store.Store, us matcher.Identities, all []kith.Identity) (worth []kith.Identity, hidden int, err error) {
	delivered := map[string]int{} // by domain
	var addresses []string
	for _, i := range all {
		if i.State == kith.IdentityProposed && i.Seen.Sent+i.Seen.Plus == 0 {
			delivered[address.Domain(i.Address)]++
		}
		addresses = append(addresses, i.Address)
	}
	contacts, err := s.MatchAddresses(ctx, addresses)
	if err != nil {
		return nil, 0, err
	}
	for _, i := range all {
		weak := i.Seen.Sent+i.Seen.Plus == 0
		switch {
		case i.State != kith.IdentityProposed, len(contacts[i.Address]) > 0, us.Configured(i.Address):
		case weak && delivered[address.Domain(i.Address)] >= catchAll:
			hidden++
		case weak && i.Seen.Delivered < enoughDelivered:
		default:
			worth = append(worth, i)
		}
	}
	return worth, hidden, nil
}

type identitiesAcceptCmd struct {
	Address []string `arg:"" help:"Addresses, proposed or not."`
	Owner   string   `help:"Colleague whose they are, by address; else the owner of the account that showed them." placeholder:"A"`
}

func (*identitiesAcceptCmd) Help() string {
	return `An accepted address is ours like one that an account has, for every daemon on this register.
Interactions on file in which it takes part are reviewed: what it wrote is outbound, it is nobody's
contact any more, and what is among ourselves follows the policy for internal mail.

Examples:
  kith identities accept old.name@example.test
  kith identities accept office@club.test --owner alice@example.test

` + exitCodes
}

// decidedIdentity is what kith identities accept and reject print for an address with --json.
type decidedIdentity struct {
	Address string             `json:"address"`
	Owner   string             `json:"owner"`
	State   kith.IdentityState `json:"state"`
	Review  reviewResult       `json:"review"`
}

func (cmd *identitiesAcceptCmd) Run(ctx context.Context, a *app) error {
	owner := ""
	if cmd.Owner != "" {
		var ok bool
		if owner, ok = address.Normalize(cmd.Owner); !ok {
			return usagef("--owner %q is no e-mail address", cmd.Owner)
		}
	}
	return a.decideIdentities(ctx, cmd.Address, kith.IdentityAccepted, owner)
}

type identitiesRejectCmd struct {
	Address []string `arg:"" help:"Addresses, proposed or accepted."`
}

func (*identitiesRejectCmd) Help() string {
	return `What had been accepted before is no longer ours: what it wrote is taken for inbound, until
"kith sync --full" finds which of it lies in Sent.

Example:
  kith identities reject news@club.test

` + exitCodes
}

func (cmd *identitiesRejectCmd) Run(ctx context.Context, a *app) error {
	return a.decideIdentities(ctx, cmd.Address, kith.IdentityRejected, "")
}

func (a *app) decideIdentities(ctx context.Context, words []string, state kith.IdentityState, owner string) error {
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
	known, err := s.Identities(ctx)
	if err != nil {
		return err
	}
	// All of them are looked at before anything is done.
	addresses := make([]string, len(words))
	before := make([]kith.Identity, len(words))
	for n, word := range words {
		canonical, ok := address.Normalize(word)
		if !ok {
			return usagef("%q is no e-mail address", word)
		}
		addresses[n] = canonical
		if at := slices.IndexFunc(known, func(i kith.Identity) bool { return i.Address == canonical }); at >= 0 {
			before[n] = known[at]
		}
		if err := a.mayDecide(ctx, s, f, canonical, state, owner, before[n]); err != nil {
			return err
		}
	}
	var failures []error
	for n, canonical := range addresses {
		if err := a.decideIdentity(ctx, s, f, canonical, state, owner, before[n]); err != nil {
			failures = append(failures, err)
		}
	}
	return errors.Join(failures...)
}

func (a *app) mayDecide(ctx context.Context, s store.Store, f *fleet, canonical string, state kith.IdentityState, owner string, before kith.Identity) error {
	if f.us.Configured(canonical) {
		return fmt.Errorf("%s is ours by the configuration: an account or own_domains names it: %w", canonical, kith.ErrConflict)
	}
	if state != kith.IdentityAccepted {
		return nil
	}
	if before.Owner == "" && owner == "" {
		return usagef("%s was not proposed: say by --owner whose it is", canonical)
	}
	matches, err := s.MatchAddresses(ctx, []string{canonical})
	if err != nil || len(matches[canonical]) == 0 {
		return err
	}
	if matches[canonical][0].Erased {
		return fmt.Errorf("%s: %w", canonical, kith.ErrErased)
	}
	c, err := s.Contact(ctx, matches[canonical][0].ContactID)
	if err != nil {
		return err
	}
	return fmt.Errorf("%s is an address of the contact %s (%s): take it from there first: %w", canonical, c.Name, c.ID, kith.ErrConflict)
}

func (a *app) decideIdentity(ctx context.Context, s store.Store, f *fleet, canonical string, state kith.IdentityState, owner string, before kith.Identity) error {
	decided, err := s.DecideIdentity(ctx, canonical, state, owner, a.now())
	if err != nil {
		return err
	}
	result := reviewResult{Changes: map[string]int{}, Dropped: map[kith.Reason]int{}, Examples: []reviewExample{}}
	if state == kith.IdentityAccepted || before.State == kith.IdentityAccepted {
		filter := store.Filter{Address: canonical}
		if f.cfg.Policy.PlusAddressing || f.cfg.Policy.GmailDots {
			filter.Address = "" // other forms of it are ours, too
		}
		if result, err = a.review(ctx, s, filter, reviewBy(f.matcher, matcher.Review{Identity: canonical}), false, 0); err != nil {
			return fmt.Errorf("%s is %s; review what is on file: %w", canonical, state, err)
		}
	}
	if a.json {
		return printJSON(a.stdout, decidedIdentity{canonical, decided.Owner, state, result})
	}
	text := fmt.Sprintf("%s is ours, of %s", a.style.bold(canonical), decided.Owner)
	if state == kith.IdentityRejected {
		text = a.style.bold(canonical) + " is not ours"
	}
	fmt.Fprintln(a.stdout, strings.TrimSuffix(text, ", of "))
	if result.Reviewed == 0 {
		return nil
	}
	return a.printReview(result)
}
