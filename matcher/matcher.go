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
	// ContactsVersion changes whenever an answer of MatchAddresses may.
	ContactsVersion(ctx context.Context) (int64, error)
	// MatchAddresses returns the contacts that have each of the canonical
	// addresses; addresses that nobody has are missing.
	MatchAddresses(ctx context.Context, addresses []string) (map[string][]kith.Match, error)
}

// Matcher decides about items. It is safe for concurrent use. The policy is
// fixed: a new configuration needs a new Matcher.
type Matcher struct {
	contacts Contacts
	policy   Policy

	mu         sync.Mutex
	identities Identities
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
}

// Match returns the outcome of every item, in the order of the items. When the
// contacts can't be read it returns an error, and nothing is decided.
func (m *Matcher) Match(ctx context.Context, account Account, items []kith.Item) ([]kith.Outcome, error) {
	dir, err := m.lookUp(ctx, items)
	if err != nil {
		return nil, fmt.Errorf("match %d messages of account %s: %w", len(items), account.Name, err)
	}
	outcomes := make([]kith.Outcome, len(items))
	d := decision{policy: &m.policy, account: account.owner()}

	dir.mu.RLock()
	defer dir.mu.RUnlock()
	d.known = dir.known
	for i := range items {
		outcomes[i] = d.decide(&items[i])
	}
	return outcomes, nil
}

// Explain returns the outcome that Match gives the item, with the steps that
// led to it. The steps name addresses: they are for the eyes of a person, not
// for a log.
func (m *Matcher) Explain(ctx context.Context, account Account, item kith.Item) (kith.Outcome, error) {
	dir, err := m.lookUp(ctx, []kith.Item{item})
	if err != nil {
		return kith.Outcome{}, fmt.Errorf("explain a message of account %s: %w", account.Name, err)
	}
	d := decision{policy: &m.policy, account: account.owner(), explain: true}

	dir.mu.RLock()
	defer dir.mu.RUnlock()
	d.known = dir.known
	return d.decide(&item), nil
}
