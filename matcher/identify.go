package matcher

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/idna"

	"kith"
	"kith/address"
)

// mostExplained bounds of how many addresses an explanation tells, and contactsNamed how
// many contacts it names of each.
const (
	mostExplained = 50
	contactsNamed = 5
)

// Explain returns the outcome that Match gives the item, with the steps that
// led to it: who each address is, then each decision. The steps name
// addresses: they are for the eyes of a person, not for a log.
func (m *Matcher) Explain(ctx context.Context, account Account, item kith.Item) (kith.Outcome, error) {
	fail := func(err error) (kith.Outcome, error) {
		return kith.Outcome{}, fmt.Errorf("explain an item of account %s: %w", account.Name, err)
	}
	dir, err := m.lookUp(ctx, itemAddresses(&item, m.policy.Forwarded))
	if err != nil {
		return fail(err)
	}
	decided, err := m.contacts.Identities(ctx)
	if err != nil {
		return fail(err)
	}
	states := make(map[string]kith.IdentityState, len(decided))
	for _, i := range decided {
		states[i.Address] = i.State
	}
	d := decision{policy: &m.policy, account: account.owner(), explain: true}
	dir.mu.RLock()
	d.known = dir.known
	var outcome kith.Outcome
	if item.Occurrence != nil {
		meets := meeting{policy: d.policy, account: d.account, known: d.known, now: account.Now, explain: true}
		outcome = meets.decide(&item)
	} else {
		outcome = d.decide(&item)
		if outcome.Skip == kith.ReasonInvitation && account.Invitations {
			meets := meeting{policy: d.policy, account: d.account, known: d.known, now: account.Now, explain: true}
			outcome.Steps = append(outcome.Steps, meets.tellInvited(&item)...)
		}
	}
	dir.mu.RUnlock()

	var steps []kith.Step
	told := map[string]bool{}
	for a := range itemAddresses(&item, m.policy.Forwarded) {
		if told[a] || len(told) == mostExplained {
			continue
		}
		told[a] = true
		dir.mu.RLock()
		w := d.who(a)
		dir.mu.RUnlock()
		step, err := m.tellAddress(ctx, a, w, states[a])
		if err != nil {
			return fail(err)
		}
		steps = append(steps, step)
	}
	outcome.Steps = append(steps, outcome.Steps...)
	return outcome, nil
}

// tellAddress tells who an address is, and what says so.
func (m *Matcher) tellAddress(ctx context.Context, a string, w *who, state kith.IdentityState) (kith.Step, error) {
	step := kith.Step{Step: "address", Result: "unknown"}
	tell := func(format string, args ...any) { step.Why += "; " + fmt.Sprintf(format, args...) }
	step.Why = a
	if domain := address.Domain(a); strings.Contains(domain, "xn--") {
		if written, err := idna.ToUnicode(domain); err == nil {
			tell("its domain is that which people write as %s", written)
		}
	}
	switch {
	case !w.smtp:
		step.Result = string(kith.ReasonNotSMTPAddress)
		tell("it is no e-mail address")
	case w.own:
		step.Result = "ours"
		tell("%s", w.tellOwn(a))
	case len(w.matches) > 0:
		step.Result = "contact"
		if err := m.tellContacts(ctx, a, w, tell); err != nil {
			return step, err
		}
	case w.company != nil:
		step.Result = "company"
		name, err := m.contactName(ctx, w.company.ContactID)
		if err != nil {
			return step, err
		}
		tell("no contact has it, but its domain is that of %s", name)
	default:
		tell("no contact has it")
	}
	if !w.own {
		switch {
		case state == kith.IdentityProposed:
			tell("it seems to be ours: kith identities accept %s makes it so", a)
		case state == kith.IdentityRejected:
			tell("it was proposed as ours and rejected")
		case w.plus && len(w.matches) == 0:
			tell("it is an address of ours with a tag")
		}
	}
	if w.never != 0 {
		step.Result = string(w.never.reason())
		tell("%s", map[neverRecord]string{
			neverByPolicy: "the policy's never_record list excludes it", neverByContact: "the contact is marked never to be recorded",
			neverByCompany: "the company is marked never to be recorded", neverByErasure: "kith erase removed it",
		}[w.never])
	}
	return step, nil
}

func (w *who) tellOwn(a string) string {
	owner := ""
	if w.owner != "" && w.owner != a {
		owner = " of " + w.owner
	}
	switch w.by {
	case ownAccepted:
		return "it was accepted as an address" + owner + " (kith identities)"
	case ownDomain:
		return "it is in one of our own domains"
	}
	return "an account has it as an address" + owner
}

func (m *Matcher) tellContacts(ctx context.Context, a string, w *who, tell func(string, ...any)) error {
	var names []string
	form := a
	for n, match := range w.matches {
		if n == contactsNamed {
			names = append(names, fmt.Sprintf("%d more", len(w.matches)-n))
			break
		}
		c, err := m.contacts.Contact(ctx, match.ContactID)
		if errors.Is(err, kith.ErrNotFound) {
			continue // removed since
		}
		if err != nil {
			return err
		}
		names = append(names, fmt.Sprintf("%s (%s)", c.Name, c.ID))
		for _, f := range m.policy.forms(a) {
			if slices.Contains(c.Emails, f) {
				form = f
				break
			}
		}
	}
	if form != a {
		tell("without its tag and the dots that do not count it is %s", form)
	}
	tell("it is that of %s", strings.Join(names, ", "))
	return nil
}

func (m *Matcher) contactName(ctx context.Context, id kith.ID) (string, error) {
	c, err := m.contacts.Contact(ctx, id)
	if errors.Is(err, kith.ErrNotFound) {
		return id.String(), nil
	}
	return fmt.Sprintf("%s (%s)", c.Name, c.ID), err
}
