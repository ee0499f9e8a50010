package matcher

import (
	"iter"
	"maps"
	"strings"
	"time"

	"kith"
	"kith/address"
)

// Account is what the matcher must know of an account.
type Account struct {
	Name string
	// Owner is the address of the person whose account it is. An account
	// without one belongs to its first address.
	Owner string
	// Addresses are those that mean the owner: the addresses and aliases of
	// the account and its user name where that is an address.
	Addresses []string
	// Now is the time of the match: meetings that end later are planned.
	Now time.Time
	// Calendar says that the account is calendars.
	Calendar bool
	// Invitations says that what mail invites to counts, for there is no calendar of the owner's.
	Invitations bool
}

// owner returns the canonical address of whose account it is, or "".
func (a Account) owner() string {
	if a.Owner == "" && len(a.Addresses) > 0 {
		return canonical(a.Addresses[0])
	}
	return canonical(a.Owner)
}

// Identities is who we are: our own addresses, whose each is, and our own
// domains. It does not change once made; the zero Identities is nobody.
type Identities struct {
	owners  map[string]string // own address → owner, which may be ""
	more    map[string]string // the same, by With: few, so that they can be copied
	agreed  map[string]string // the same, of those that were proposed and accepted
	domains map[string]bool
}

// NewIdentities makes the identities of all accounts. An address that several
// accounts have belongs to the owner it names itself, else to the owner of the
// first of them. Every address in one of the domains is ours too; subdomains
// are not. What is no address or domain is left out.
func NewIdentities(accounts []Account, domains []string) Identities {
	ids := Identities{owners: map[string]string{}, domains: map[string]bool{}}
	for _, a := range accounts {
		if owner, ok := address.Normalize(a.owner()); ok {
			ids.owners[owner] = owner
		}
	}
	for _, a := range accounts {
		for own := range a.own() {
			if ids.owners[own] == "" {
				ids.owners[own] = a.owner()
			}
		}
	}
	for _, d := range domains {
		// An address in the domain brings the domain into its canonical form.
		if a, ok := address.Normalize("x@" + strings.TrimPrefix(strings.TrimSpace(d), "@")); ok {
			ids.domains[address.Domain(a)] = true
		}
	}
	return ids
}

// own yields the canonical addresses that mean the owner.
func (a Account) own() iter.Seq[string] {
	return func(yield func(string) bool) {
		for _, s := range a.Addresses {
			if own, ok := address.Normalize(s); ok && !yield(own) {
				return
			}
		}
	}
}

// Covers tells whether all addresses of an account are known to be ours.
func (ids Identities) Covers(a Account) bool {
	if owner, ok := address.Normalize(a.owner()); ok && !ids.has(owner) {
		return false
	}
	for own := range a.own() {
		if !ids.has(own) {
			return false
		}
	}
	return true
}

func (ids Identities) has(canonical string) bool {
	if _, ok := ids.owners[canonical]; ok {
		return true
	}
	_, ok := ids.more[canonical]
	return ok
}

// With returns the identities with those of an account that came later. Who
// has an address already keeps it.
func (ids Identities) With(a Account) Identities {
	more := maps.Clone(ids.more)
	if more == nil {
		more = map[string]string{}
	}
	ids.more = more
	if owner, ok := address.Normalize(a.owner()); ok && !ids.has(owner) {
		more[owner] = owner
	}
	for own := range a.own() {
		if !ids.has(own) {
			more[own] = a.owner()
		}
	}
	return ids
}

// accept returns the identities with those that somebody has accepted.
func (ids Identities) accept(decided []kith.Identity) Identities {
	ids.agreed = map[string]string{}
	for _, d := range decided {
		if d.State == kith.IdentityAccepted {
			ids.agreed[d.Address] = d.Owner
		}
	}
	return ids
}

// Configured tells whether the configuration makes a canonical address ours.
func (ids Identities) Configured(canonical string) bool {
	_, by := ids.own(canonical)
	return by == ownConfigured || by == ownDomain
}

// ownRule says what makes an address ours.
type ownRule string

const (
	ownConfigured ownRule = "configured" // an account has it
	ownAccepted   ownRule = "accepted"   // it was proposed, or named, and accepted
	ownDomain     ownRule = "domain"     // it is in one of our own domains
)

// own tells whether a canonical address is ours, "" if it is not, and whose it
// is: "" when it belongs to nobody in particular.
func (ids Identities) own(canonical string) (owner string, by ownRule) {
	if owner, ok := ids.owners[canonical]; ok {
		return owner, ownConfigured
	}
	if owner, ok := ids.more[canonical]; ok {
		return owner, ownConfigured
	}
	if owner, ok := ids.agreed[canonical]; ok {
		return owner, ownAccepted
	}
	if ids.domains[address.Domain(canonical)] {
		return "", ownDomain
	}
	return "", ""
}

// canonical returns the canonical form of an address, or s where it is none:
// an owner may be named by something else.
func canonical(s string) string {
	if a, ok := address.Normalize(s); ok {
		return a
	}
	return s
}
