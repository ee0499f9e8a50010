// Package matcher decides about every message that a source found: who of the
// people on it is a contact, which way it went, and whether it is ours to
// record. It reads the contacts once per batch; the rest is a function of the
// message, the contacts found, who we are, and the policy.
package matcher

import (
	"context"
	"fmt"
	"sync"

	"kith"
)

// Contacts is what the matcher asks of the register.
type Contacts interface {
	// ContactsVersion changes whenever an answer of the others may, as far as
	// it is about contacts or about identities that are accepted.
	ContactsVersion(ctx context.Context) (int64, error)
	// MatchAddresses returns the contacts that have each of the canonical
	// addresses; addresses that nobody has are missing.
	MatchAddresses(ctx context.Context, addresses []string) (map[string][]kith.Match, error)
	// MatchDomains returns the company that each of the canonical domains is
	// of; domains of none are missing. It is asked if the policy wants it.
	MatchDomains(ctx context.Context, domains []string) (map[string]kith.Match, error)
	// Identities returns the addresses that seem to be ours, with what was decided about them.
	Identities(ctx context.Context) ([]kith.Identity, error)
	// Contact returns a contact, for explanations.
	Contact(ctx context.Context, id kith.ID) (kith.Contact, error)
}

// Matcher decides about items. It is safe for concurrent use. The policy is
// fixed: a new configuration needs a new Matcher.
type Matcher struct {
	contacts Contacts
	policy   Policy

	mu         sync.Mutex
	identities Identities
	told       int // how often somebody told who we are
	current    *directory
}

// New returns a Matcher. The policy's maps and slices must not change after.
func New(contacts Contacts, identities Identities, policy Policy) *Matcher {
	return &Matcher{contacts: contacts, identities: identities, policy: policy}
}

// SetIdentities tells anew who we are. Batches that are being matched are not affected.
func (m *Matcher) SetIdentities(identities Identities) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.identities, m.current = identities, nil
	m.told++
}

// Match returns the outcome of every item, in the order of the items. When the
// contacts can't be read it returns an error, and nothing is decided.
func (m *Matcher) Match(ctx context.Context, account Account, items []kith.Item) ([]kith.Outcome, error) {
	dir, err := m.lookUp(ctx, addressesOf(items, m.policy.Forwarded))
	if err != nil {
		return nil, fmt.Errorf("match %d items of account %s: %w", len(items), account.Name, err)
	}
	outcomes := make([]kith.Outcome, len(items))
	d := decision{policy: &m.policy, account: account.owner()}
	meets := meeting{policy: &m.policy, account: d.account, now: account.Now}

	dir.mu.RLock()
	defer dir.mu.RUnlock()
	d.known, meets.known = dir.known, dir.known
	for i := range items {
		if items[i].Occurrence != nil {
			outcomes[i] = meets.decide(&items[i])
			continue
		}
		outcomes[i] = d.decide(&items[i])
		if outcomes[i].Skip == kith.ReasonInvitation && account.Invitations {
			outcomes[i].Meetings = meets.invited(&items[i])
		}
	}
	return outcomes, nil
}
