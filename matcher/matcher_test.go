package matcher_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/matcher"
)

func TestOneQueryPerBatch(t *testing.T) {
	r := contacts()
	m := newMatcher(r, matcher.Policy{})
	batch := []kith.Item{letter("ann@client.test", fromUs), letter("x@x.test", fromUs), letter("alice@us.test", "ann@client.test, /o=Ex/cn=y")}
	for range 3 {
		if _, err := m.Match(t.Context(), aliceMail, batch); err != nil {
			t.Fatal(err)
		}
	}
	want := [][]string{{"alice@us.test", "ann@client.test", "x@x.test"}}
	if diff := cmp.Diff(want, r.asked); diff != "" {
		t.Errorf("asked -want +got:\n%s", diff)
	}
	if _, err := m.Match(t.Context(), aliceMail, []kith.Item{letter("new@x.test", fromUs)}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"new@x.test"}, r.asked[len(r.asked)-1]); diff != "" {
		t.Errorf("asked of a new address -want +got:\n%s", diff)
	}
}

func TestContactsChange(t *testing.T) {
	r := contacts()
	m := newMatcher(r, matcher.Policy{})
	item := letter("new@x.test", fromUs)
	match := func() kith.Outcome {
		t.Helper()
		outcomes, err := m.Match(t.Context(), aliceMail, []kith.Item{item})
		if err != nil {
			t.Fatal(err)
		}
		return outcomes[0]
	}
	if got := match(); got.Skip != kith.ReasonNoContact {
		t.Fatalf("before: %+v", got)
	}
	r.known["new@x.test"] = []kith.Match{{ContactID: ann}}
	r.version++
	if got := match(); got.Interaction == nil {
		t.Errorf("a contact that was added: %s", got.Skip)
	}
	delete(r.known, "new@x.test")
	r.version--
	if got := match(); got.Skip != kith.ReasonNoContact {
		t.Errorf("a register that was restored: %+v", got)
	}
}

// B20: contacts that can't be read decide nothing, not even what needs none.
func TestContactsUnavailable(t *testing.T) {
	r := contacts()
	r.err = errDown
	m := newMatcher(r, matcher.Policy{})
	outcomes, err := m.Match(t.Context(), aliceMail, []kith.Item{letter("ann@client.test", fromUs)})
	if !errors.Is(err, errDown) || outcomes != nil {
		t.Errorf("B20 %v, %v", outcomes, err)
	}
	if err != nil && (!strings.Contains(err.Error(), "alice-mail") || strings.Contains(err.Error(), "ann@")) {
		t.Errorf("B20 %v: want the account and no address", err)
	}
	if _, err := m.Explain(t.Context(), aliceMail, letter("ann@client.test", fromUs)); !errors.Is(err, errDown) {
		t.Errorf("B20 Explain: %v", err)
	}
	r.err, r.versionErr = nil, errDown
	if _, err := m.Match(t.Context(), aliceMail, nil); !errors.Is(err, errDown) {
		t.Errorf("B20 the version can't be read: %v", err)
	}
	r.versionErr = nil
	if outcomes, err = m.Match(t.Context(), aliceMail, []kith.Item{letter("ann@client.test", fromUs)}); err != nil || outcomes[0].Interaction == nil {
		t.Errorf("B20 once they can be read again: %v, %v", outcomes, err)
	}
}

// B03: whoever shares an address is linked in the same order in every run.
func TestSharedAddressIsDeterministic(t *testing.T) {
	for range 20 {
		i := recorded(t, matcher.Policy{}, aliceMail, letter("family@home.test", fromUs))
		if len(i.Links) != 2 || !sortedByID(i.Links) {
			t.Fatalf("B03 links %v", linkNames(i.Links))
		}
	}
}

// The cache is bounded, and correct when a batch goes beyond it.
func TestManyAddresses(t *testing.T) {
	r := contacts()
	m := newMatcher(r, matcher.Policy{})
	for batch := range 3 {
		items := make([]kith.Item, 100)
		for i := range items {
			items[i] = letter("alice@us.test", "ann@client.test", with(func(m *kith.Message) {
				m.To = slices.Grow(m.To, 200)
				for n := range 200 {
					m.To = append(m.To, kith.Address{Address: fmt.Sprintf("s%d-%d-%d@x.test", batch, i, n)})
				}
			}))
		}
		outcomes, err := m.Match(t.Context(), aliceMail, items)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range outcomes {
			if o.Interaction == nil {
				t.Fatalf("batch %d: skipped as %s", batch, o.Skip)
			}
		}
	}
	asked := 0
	for _, addresses := range r.asked {
		if slices.Contains(addresses, "ann@client.test") {
			asked++
		}
	}
	// 20,000 new addresses a batch: the third goes beyond the bound, the fourth begins anew.
	if asked != 1 {
		t.Errorf("asked %d times for an address within the bound, want 1", asked)
	}
	if _, err := m.Match(t.Context(), aliceMail, []kith.Item{letter("ann@client.test", fromUs)}); err != nil {
		t.Fatal(err)
	}
	if last := r.asked[len(r.asked)-1]; !slices.Contains(last, "ann@client.test") {
		t.Errorf("beyond the bound nothing was forgotten: asked for %v", last)
	}
}

func TestConcurrentUse(t *testing.T) {
	r := contacts()
	m := newMatcher(r, matcher.Policy{})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for n := range 50 {
				if n%10 == 0 {
					r.mu.Lock()
					r.version++
					r.mu.Unlock()
				}
				items := []kith.Item{letter("ann@client.test", fromUs), letter(fmt.Sprintf("s%d@x.test", g*50+n), fromUs)}
				outcomes, err := m.Match(t.Context(), aliceMail, items)
				if err != nil || outcomes[0].Interaction == nil || outcomes[1].Skip != kith.ReasonNoContact {
					t.Errorf("%v, %v", outcomes, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestNoItems(t *testing.T) {
	outcomes, err := newMatcher(contacts(), matcher.Policy{}).Match(t.Context(), aliceMail, nil)
	if err != nil || len(outcomes) != 0 {
		t.Errorf("%v, %v", outcomes, err)
	}
}

func TestIdentities(t *testing.T) {
	ids := matcher.NewIdentities([]matcher.Account{
		{Name: "shared", Owner: "boss@us.test", Addresses: []string{"sales@one.test", "carl@one.test", "not an address"}},
		{Name: "alice", Owner: "alice@one.test", Addresses: []string{"Alice@One.test", "mailto:sales@one.test"}},
		{Name: "carl", Owner: "carl@one.test"},
	}, []string{"@Own.test", "münchen.de", "  "})
	for _, tt := range []struct {
		name, from string
		want       string // owner; "" when it is not ours
	}{
		{"C02 written in another case", "alice@one.test", "alice@one.test"},
		{"of two accounts: the first one's", "sales@one.test", "boss@us.test"},
		{"of two accounts: its own", "carl@one.test", "carl@one.test"},
		{"an owner's address", "boss@us.test", "boss@us.test"},
		{"C03 an own domain", "any@own.test", "any@own.test"},
		{"A24 an own domain in Unicode", "x@xn--mnchen-3ya.de", "x@xn--mnchen-3ya.de"},
		{"a subdomain is not ours", "x@mail.own.test", ""},
		{"a stranger", "x@one.test", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			outcomes, err := matcher.New(contacts(), ids, matcher.Policy{}).Match(t.Context(), aliceMail, []kith.Item{letter(tt.from, toAnn)})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			if i := outcomes[0].Interaction; i.Direction == kith.Outbound {
				got = i.Owner
			}
			if got != tt.want {
				t.Errorf("written by %q, want %q", got, tt.want)
			}
		})
	}
}
