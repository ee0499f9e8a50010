package matcher

import (
	"bytes"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"sync"

	"kith"
	"kith/address"
)

// maxKnown is how many addresses a directory holds before a fresh one replaces
// it. A batch may go beyond it once. An entry weighs about 200 bytes.
const maxKnown = 50_000

// who is what is known of an address, whether or not a contact has it.
type who struct {
	smtp     bool
	own      bool
	by       ownRule
	owner    string // of an address of ours, "" when it is nobody's in particular
	personal bool   // neither a role such as info@ nor a machine such as no-reply@
	never    neverRecord
	matches  []kith.Match // by contact id

	company *kith.Match // the company whose domain it is in, if no contact has it

	plus      bool // it is none of ours, but would be without its tag
	plusOwner string
}

// nobody is what is known of what is no address.
var nobody = &who{}

// neverRecord says what forbids that an address is recorded.
type neverRecord uint8

const (
	neverByPolicy neverRecord = iota + 1
	neverByContact
	neverByCompany
	neverByErasure
)

func (n neverRecord) reason() kith.Reason {
	switch n {
	case 0:
		return ""
	case neverByErasure:
		return kith.ReasonErased
	}
	return kith.ReasonNeverRecord
}

// directory holds what is known of addresses for one version of the contacts
// and of who we are.
// Entries are only ever added, so that who looked up a batch finds all of it.
type directory struct {
	version    int64
	identities Identities

	mu    sync.RWMutex
	known map[string]*who
}

// lookUp returns a directory that knows all of the addresses.
func (m *Matcher) lookUp(ctx context.Context, all iter.Seq[string]) (*directory, error) {
	// The version is read before the addresses: an entry may then be newer
	// than its directory says, which the next batch puts right, never older.
	version, err := m.contacts.ContactsVersion(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the version of the contacts: %w", err)
	}
	dir, err := m.directory(ctx, version)
	if err != nil {
		return nil, err
	}
	missing := dir.missing(all)
	if len(missing) == 0 {
		return dir, nil
	}
	found := make(map[string]*who, len(missing))
	var ask []string
	for a := range missing {
		w := m.identify(dir.identities, a)
		found[a] = w
		if w.smtp {
			ask = append(ask, m.policy.forms(a)...)
		}
	}
	if len(ask) > 0 {
		slices.Sort(ask)
		matches, err := m.contacts.MatchAddresses(ctx, slices.Compact(ask))
		if err != nil {
			return nil, fmt.Errorf("look up %d addresses in the contacts: %w", len(ask), err)
		}
		for a, w := range found {
			if w.smtp {
				w.meet(m.policy.forms(a), matches)
			}
		}
	}
	if m.policy.CompanyByDomain {
		if err := m.meetCompanies(ctx, dir.identities, found); err != nil {
			return nil, err
		}
	}
	dir.mu.Lock()
	defer dir.mu.Unlock()
	for a, w := range found {
		dir.known[a] = w
	}
	return dir, nil
}

// directory returns the one for a version of the contacts, with room in it.
func (m *Matcher) directory(ctx context.Context, version int64) (*directory, error) {
	for {
		m.mu.Lock()
		current, identities, told := m.current, m.identities, m.told
		m.mu.Unlock()
		if current != nil && current.version == version && !current.full() {
			return current, nil
		}
		decided, err := m.contacts.Identities(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the addresses that were accepted as ours: %w", err)
		}
		fresh := &directory{version: version, identities: identities.accept(decided), known: map[string]*who{}}
		m.mu.Lock()
		latest := m.told == told
		if latest && m.current == current {
			m.current = fresh
		}
		m.mu.Unlock()
		if latest {
			return fresh, nil
		}
	}
}

func (dir *directory) full() bool {
	dir.mu.RLock()
	defer dir.mu.RUnlock()
	return len(dir.known) >= maxKnown
}

// missing returns those of the addresses that are not known yet.
func (dir *directory) missing(all iter.Seq[string]) map[string]struct{} {
	dir.mu.RLock()
	defer dir.mu.RUnlock()
	var missing map[string]struct{}
	for a := range all {
		if _, ok := dir.known[a]; ok {
			continue
		}
		if missing == nil {
			missing = map[string]struct{}{}
		}
		// A clone, or the entry would keep the whole message in memory.
		if _, ok := missing[a]; !ok {
			missing[strings.Clone(a)] = struct{}{}
		}
	}
	return missing
}

// identify tells what can be told of an address without the contacts.
func (m *Matcher) identify(ids Identities, a string) *who {
	w := &who{}
	if m.policy.neverRecords(a) {
		w.never = neverByPolicy
	}
	if _, ok := address.Normalize(a); !ok {
		return w
	}
	w.smtp = true
	w.personal = !address.IsNoReply(a) && !address.IsRole(a)
	for _, form := range m.policy.forms(a) {
		if owner, by := ids.own(form); by != "" {
			w.own = true
			if w.by == "" {
				w.by = by
			}
			if w.owner == "" {
				w.owner = owner
			}
		}
	}
	if base := address.Unplus(a); !w.own && base != a {
		if owner, by := ids.own(base); by != "" {
			w.plus, w.plusOwner = true, owner
		}
	}
	return w
}

// meet notes the contacts that have the address: in the first of its forms
// that any contact has, or that was erased.
func (w *who) meet(forms []string, matches map[string][]kith.Match) {
	for _, form := range forms {
		if len(matches[form]) == 0 {
			continue
		}
		if matches[form][0].Erased {
			w.never = neverByErasure
			return
		}
		w.matches = slices.Clone(matches[form])
		slices.SortFunc(w.matches, func(a, b kith.Match) int {
			return bytes.Compare(a.ContactID[:], b.ContactID[:])
		})
		break
	}
	forbidden := func(match kith.Match) bool { return match.NeverRecord }
	if w.never == 0 && slices.ContainsFunc(w.matches, forbidden) {
		w.never = neverByContact
	}
}

// forms returns an address as written and then, where the policy folds, the
// forms that stand for the same mailbox.
func (p *Policy) forms(a string) []string {
	forms := []string{a}
	if p.PlusAddressing {
		forms = append(forms, address.Unplus(a))
	}
	if p.GmailDots {
		forms = append(forms, undotted(forms[len(forms)-1]))
	}
	return slices.Compact(forms)
}

// undotted returns a Gmail address, or a pattern of one, without the dots that
// Gmail ignores, and at the domain that it writes itself.
func undotted(a string) string {
	local, domain, ok := strings.Cut(a, "@")
	if !ok || domain != "gmail.com" && domain != "googlemail.com" {
		return a
	}
	return strings.ReplaceAll(local, ".", "") + "@gmail.com"
}

// neverRecords tells whether a pattern forbids an address. It looks at the
// mailbox behind the address, whatever the policy folds: who is not to be
// recorded is not to be recorded under user+tag@ either.
func (p *Policy) neverRecords(a string) bool {
	mailbox := undotted(address.Unplus(a))
	for _, pattern := range p.NeverRecord {
		if address.Matches(pattern, a) || address.Matches(pattern, address.Unplus(a)) ||
			address.Matches(undotted(pattern), mailbox) {
			return true
		}
	}
	return false
}

// itemAddresses yields every address on an item, some more than once.
func itemAddresses(item *kith.Item, forwarded Forwarded) iter.Seq[string] {
	if item.Occurrence != nil {
		return eventAddresses(item.Occurrence)
	}
	return func(yield func(string) bool) {
		more := eachAddress(item.Message, forwarded, yield)
		for n := range item.Invited {
			more = more && eachGuest(&item.Invited[n], yield)
		}
	}
}

// eventAddresses yields every address on an event.
func eventAddresses(o *kith.Occurrence) iter.Seq[string] {
	return func(yield func(string) bool) { eachGuest(o, yield) }
}

// eachGuest yields them, and tells whether it came to the end.
func eachGuest(o *kith.Occurrence, yield func(string) bool) bool {
	if o.Organizer != nil && o.Organizer.Address != "" && !yield(o.Organizer.Address) {
		return false
	}
	for i := range o.Attendees {
		if a := o.Attendees[i].Address; a != "" && !yield(a) {
			return false
		}
	}
	return true
}

// addressesOf yields every address on any of the items.
func addressesOf(items []kith.Item, forwarded Forwarded) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range items {
			more := true
			if o := items[i].Occurrence; o != nil {
				more = eachGuest(o, yield)
			} else {
				more = eachAddress(items[i].Message, forwarded, yield)
				for n := range items[i].Invited {
					more = more && eachGuest(&items[i].Invited[n], yield)
				}
			}
			if !more {
				return
			}
		}
	}
}

// addresses yields every address on a message, some more than once: all that
// a rule about privacy has to look at.
func addresses(m *kith.Message, forwarded Forwarded) iter.Seq[string] {
	return func(yield func(string) bool) { eachAddress(m, forwarded, yield) }
}

// eachAddress yields them, and tells whether it came to the end.
func eachAddress(m *kith.Message, forwarded Forwarded, yield func(string) bool) bool {
	all := func(list []kith.Address) bool {
		for i := range list {
			if list[i].Address != "" && !yield(list[i].Address) {
				return false
			}
		}
		return true
	}
	if !all(m.From) || !all(m.ReplyTo) || !all(m.To) || !all(m.Cc) || !all(m.Bcc) ||
		!all(m.OriginalFrom) || !all(m.ResentFrom) {
		return false
	}
	if forwarded == ForwardedLink && !all(m.Forwarded) {
		return false
	}
	if m.Sender != nil && m.Sender.Address != "" && !yield(m.Sender.Address) {
		return false
	}
	if m.ListPost != "" && !yield(m.ListPost) {
		return false
	}
	for _, a := range m.DeliveredTo {
		if a != "" && !yield(a) {
			return false
		}
	}
	if m.Bounce != nil {
		for _, a := range m.Bounce.Recipients {
			if a != "" && !yield(a) {
				return false
			}
		}
	}
	return true
}
