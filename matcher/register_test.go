package matcher_test

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kith"
	"kith/matcher"
)

// register is the contacts of a test.
type register struct {
	mu      sync.Mutex
	version int64
	known   map[string][]kith.Match
	asked   [][]string
	domains map[string]kith.Match
	decided []kith.Identity

	err        error // of MatchAddresses
	versionErr error
}

func (r *register) ContactsVersion(context.Context) (int64, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.version, r.versionErr
}

func (r *register) MatchAddresses(_ context.Context, addresses []string) (map[string][]kith.Match, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.err != nil {
		return nil, r.err
	}
	r.asked = append(r.asked, slices.Clone(addresses))
	found := map[string][]kith.Match{}
	for _, a := range addresses {
		if len(r.known[a]) > 0 {
			found[a] = slices.Clone(r.known[a])
		}
	}
	return found, nil
}

func (r *register) MatchDomains(_ context.Context, domains []string) (map[string]kith.Match, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked = append(r.asked, slices.Clone(domains))
	found := map[string]kith.Match{}
	for _, d := range domains {
		if m, ok := r.domains[d]; ok {
			found[d] = m
		}
	}
	return found, r.err
}

func (r *register) Identities(context.Context) ([]kith.Identity, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.decided), nil
}

func (r *register) Contact(_ context.Context, id kith.ID) (kith.Contact, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := kith.Contact{ID: id, Name: "Contact " + id.String()[:2]}
	for _, a := range slices.Sorted(maps.Keys(r.known)) {
		if slices.ContainsFunc(r.known[a], func(m kith.Match) bool { return m.ContactID == id }) {
			c.Emails = append(c.Emails, a)
		}
	}
	return c, nil
}

// The contacts of the tests.
var (
	ann     = kith.ID{1} // two addresses
	bob     = kith.ID{2} // shares family@ with carol
	carol   = kith.ID{3}
	dora    = kith.ID{4} // never to be recorded
	emil    = kith.ID{5} // archived
	shop    = kith.ID{6} // news@shop.test
	clubber = kith.ID{7} // somebody entered our own alias as a contact
	company = kith.ID{9}
)

func contacts() *register {
	return &register{known: map[string][]kith.Match{
		"ann@client.test":           {{ContactID: ann, CompanyID: &company}},
		"ann@home.test":             {{ContactID: ann, CompanyID: &company}},
		"ann.doe@xn--mnchen-3ya.de": {{ContactID: ann, CompanyID: &company}},
		"bob@client.test":           {{ContactID: bob}},
		// Out of order, to see that the matcher does not depend on it.
		"family@home.test": {{ContactID: carol}, {ContactID: bob}},
		"dora@client.test": {{ContactID: dora, NeverRecord: true}},
		"erased@x.test":    {{Erased: true}},
		"duo@home.test":    {{ContactID: bob}, {ContactID: dora, NeverRecord: true}},
		"emil@client.test": {{ContactID: emil, Archived: true}},
		"news@shop.test":   {{ContactID: shop}},
		"jdoe@gmail.com":   {{ContactID: ann}},
		"me@club.test":     {{ContactID: clubber}},
		"ops@lists.test":   {{ContactID: clubber}},
		"sales@us.test":    {{ContactID: clubber}},
	}}
}

var (
	aliceMail = matcher.Account{Name: "alice-mail", Owner: "Alice@us.test", Addresses: []string{"alice@us.test", "a.jones@alias.test"}}
	bossMail  = matcher.Account{Name: "boss-mail", Owner: "boss@us.test", Addresses: []string{"boss@us.test"}}
	salesMail = matcher.Account{Name: "sales-mail", Owner: "sales@us.test", Addresses: []string{"sales@us.test"}}
	accounts  = []matcher.Account{aliceMail, bossMail, salesMail}
)

func newMatcher(r *register, policy matcher.Policy) *matcher.Matcher {
	return matcher.New(r, matcher.NewIdentities(accounts, []string{"us.test"}), policy)
}

// list makes addresses from "Name <address>" or "address", separated by ", ".
func list(s string) []kith.Address {
	if s == "" {
		return nil
	}
	var all []kith.Address
	for _, one := range strings.Split(s, ", ") {
		name, addr, ok := strings.Cut(strings.TrimSuffix(one, ">"), "<")
		if !ok {
			name, addr = "", one
		}
		all = append(all, kith.Address{Name: strings.TrimSpace(name), Address: addr})
	}
	return all
}

func sender(s string) *kith.Address { return &list(s)[0] }

var monday = time.Date(2026, 11, 23, 9, 15, 0, 0, time.FixedZone("", 3600))

// letter is an ordinary message in somebody's inbox.
func letter(from, to string, change ...func(*kith.Item)) kith.Item {
	item := kith.Item{
		Ref:      "7:1",
		Received: monday.Add(3 * time.Second),
		Role:     kith.RoleInbox,
		Message: &kith.Message{
			MessageID:   "<1@client.test>",
			Date:        monday,
			DateSource:  kith.DateFromHeader,
			Subject:     "Offer 4711",
			From:        list(from),
			To:          list(to),
			Attachments: []kith.Attachment{{Name: "offer.pdf", MediaType: "application/pdf", Size: 48123}},
			Snippet:     "Dear Alice",
		},
	}
	for _, f := range change {
		f(&item)
	}
	return item
}

func inSent(item *kith.Item) { item.Role = kith.RoleSent }

// with changes the message.
func with(change func(*kith.Message)) func(*kith.Item) {
	return func(item *kith.Item) { change(item.Message) }
}

func match(t *testing.T, policy matcher.Policy, account matcher.Account, item kith.Item) kith.Outcome {
	t.Helper()
	outcomes, err := newMatcher(contacts(), policy).Match(t.Context(), account, []kith.Item{item})
	if err != nil {
		t.Fatal(err)
	}
	if len(outcomes) != 1 {
		t.Fatalf("%d outcomes for one item", len(outcomes))
	}
	return outcomes[0]
}

// recorded returns the interaction of an item that must be recorded.
func recorded(t *testing.T, policy matcher.Policy, account matcher.Account, item kith.Item) *kith.Interaction {
	t.Helper()
	outcome := match(t, policy, account, item)
	if outcome.Interaction == nil {
		t.Fatalf("skipped as %s, want an interaction", outcome.Skip)
	}
	return outcome.Interaction
}

// linkNames shows links as "role address contact", where the contact is the
// first byte of its id, and ? marks an ambiguous one.
func linkNames(links []kith.Link) []string {
	names := map[kith.ID]string{ann: "ann", bob: "bob", carol: "carol", emil: "emil", shop: "shop", clubber: "clubber"}
	all := []string{}
	for _, l := range links {
		s := string(l.Role) + " " + l.Matched + " " + names[l.ContactID]
		if l.Ambiguous {
			s += "?"
		}
		all = append(all, s)
	}
	return all
}

func participantNames(participants []kith.Participant) []string {
	all := []string{}
	for _, p := range participants {
		all = append(all, strings.TrimSpace(string(p.Role)+" "+p.Address+" "+p.Name))
	}
	return all
}

var errDown = errors.New("connection refused")

func sortedByID(links []kith.Link) bool {
	return slices.IsSortedFunc(links, func(a, b kith.Link) int { return bytes.Compare(a.ContactID[:], b.ContactID[:]) })
}
