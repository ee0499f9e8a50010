package matcher_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kith"
	"kith/matcher"
)

func TestSightings(t *testing.T) {
	delivered := func(to ...string) func(*kith.Item) {
		return with(func(m *kith.Message) { m.DeliveredTo = to })
	}
	for _, tt := range []struct {
		name string
		item kith.Item
		want []string
	}{
		{"an ordinary letter", letter("ann@client.test", fromUs, delivered("alice@us.test")), nil},
		{"C04 who wrote what lies in Sent", letter("alice@old.test", "ann@client.test", inSent), []string{"alice@old.test sent alice@us.test"}},
		{"C04 a contact's address is theirs", letter("emil@client.test", "ann@client.test", inSent), nil},
		{"H06 what is not recorded says nothing", letter("alice@old.test", "x@x.test", inSent), nil},
		{"C10 an alias that brought it here", letter("ann@client.test", "me@alumni.test", delivered("alice@us.test", "me@alumni.test")), []string{"me@alumni.test delivered alice@us.test"}},
		{"C10 a contact's address among those that brought it here", letter("ann@client.test", "me@club.test", delivered("me@club.test")), nil},
		{"an address that brought it here and is not on it", letter("ann@client.test", fromUs, delivered("alice+box@other.test")), nil},
		{"through a list", letter("ann@client.test", "list@lists.test", delivered("list@lists.test"), with(func(m *kith.Message) { m.Bulk, m.ListPost = true, "list@lists.test" })), nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			outcomes, err := newMatcher(contacts(), matcher.Policy{}).Match(t.Context(), aliceMail, []kith.Item{tt.item})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range outcomes[0].Sightings {
				got = append(got, fmt.Sprintf("%s %s %s", s.Address, s.Rule, s.Owner))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
	t.Run("an address of ours with a tag", func(t *testing.T) {
		m := matcher.New(contacts(), matcher.NewIdentities([]matcher.Account{{Name: "a", Addresses: []string{"alice@gmail.com"}}}, nil), matcher.Policy{})
		outcomes, err := m.Match(t.Context(), matcher.Account{Name: "a", Owner: "boss@us.test"}, []kith.Item{letter("ann@client.test", "alice+shop@gmail.com")})
		if err != nil {
			t.Fatal(err)
		}
		want := []kith.Sighting{{Address: "alice+shop@gmail.com", Rule: kith.SightedPlus, Owner: "alice@gmail.com"}}
		if diff := cmp.Diff(want, outcomes[0].Sightings); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// An address that was accepted is ours from the next batch on.
func TestAcceptedIdentity(t *testing.T) {
	r := contacts()
	m := newMatcher(r, matcher.Policy{})
	item := letter("alice@old.test", "ann@client.test")
	match := func() *kith.Interaction {
		t.Helper()
		outcomes, err := m.Match(t.Context(), aliceMail, []kith.Item{item})
		if err != nil || outcomes[0].Interaction == nil {
			t.Fatalf("%+v, %v", outcomes, err)
		}
		return outcomes[0].Interaction
	}
	if got := match(); got.Direction != kith.Inbound {
		t.Errorf("before: %s", got.Direction)
	}
	r.decided = []kith.Identity{{Address: "alice@old.test", Owner: "carol@us.test", State: kith.IdentityAccepted}, {Address: "ann@client.test", State: kith.IdentityRejected}}
	r.version++
	if got := match(); got.Direction != kith.Outbound || got.Owner != "carol@us.test" || len(got.Links) != 1 {
		t.Errorf("afterwards: %s by %s, %d links", got.Direction, got.Owner, len(got.Links))
	}
}

func TestCompanyByDomain(t *testing.T) {
	on := matcher.Policy{CompanyByDomain: true}
	for _, tt := range []struct {
		name   string
		policy matcher.Policy
		from   string
		edit   func(*kith.Item)
		want   []string // links, or the reason of a skip
	}{
		{"off", matcher.Policy{}, "eve@acme.co.uk", nil, []string{"no_contact"}},
		{"B07 the company's domain", on, "eve@acme.co.uk", nil, []string{"domain eve@acme.co.uk"}},
		{"B07 a host below it", on, "eve@mail.eu.acme.co.uk", nil, []string{"domain eve@mail.eu.acme.co.uk"}},
		{"B07 never a public suffix", on, "eve@other.co.uk", nil, []string{"no_contact"}},
		{"a host that has a company itself", on, "eve@sub.acme.co.uk", nil, []string{"domain eve@sub.acme.co.uk"}},
		{"B06 free mail", on, "eve@gmail.com", nil, []string{"no_contact"}},
		{"B06 a host of free mail", on, "eve@mail.gmail.com", nil, []string{"no_contact"}},
		{"a machine", on, "no-reply@acme.co.uk", nil, []string{"no_contact"}},
		{"mass mail", on, "eve@acme.co.uk", with(func(m *kith.Message) { m.Bulk, m.ListPost = true, "list@acme.co.uk" }), []string{"bulk"}},
		{"a contact's own address counts", on, "ann@client.test", nil, []string{"email ann@client.test"}},
		{"beside a contact", on, "ann@client.test", with(func(m *kith.Message) { m.Cc = list("eve@acme.co.uk, adam@acme.co.uk") }), []string{"email ann@client.test", "domain eve@acme.co.uk"}},
		{"our own domain is no company's", on, "eve@dept.us.test", nil, []string{"no_contact"}},
		{"an IP address", on, "eve@[192.0.2.1]", nil, []string{"no_contact"}},
		{"a public suffix itself", on, "eve@co.uk", nil, []string{"no_contact"}},
		{"H01 a company never to be recorded", on, "eve@secret.test", nil, []string{"never_record"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := contacts()
			r.domains = map[string]kith.Match{
				"acme.co.uk": {ContactID: company}, "sub.acme.co.uk": {ContactID: shop}, "co.uk": {ContactID: shop}, "gmail.com": {ContactID: shop},
				"us.test": {ContactID: shop}, "secret.test": {ContactID: dora, NeverRecord: true}, "client.test": {ContactID: shop}, "2.1": {ContactID: shop},
			}
			item := letter(tt.from, fromUs)
			if tt.edit != nil {
				tt.edit(&item)
			}
			outcomes, err := newMatcher(r, tt.policy).Match(t.Context(), aliceMail, []kith.Item{item})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			if i := outcomes[0].Interaction; i != nil {
				for _, l := range i.Links {
					got = append(got, string(l.Rule)+" "+l.Matched)
				}
			} else {
				got = []string{string(outcomes[0].Skip)}
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if len(r.asked) > 2 {
				t.Errorf("%d queries for a batch", len(r.asked))
			}
		})
	}
}

func TestExplainAddresses(t *testing.T) {
	r := contacts()
	r.domains = map[string]kith.Match{"acme.test": {ContactID: company}}
	r.decided = []kith.Identity{
		{Address: "alice@old.test", Owner: "alice@us.test", State: kith.IdentityAccepted},
		{Address: "me@alumni.test", State: kith.IdentityProposed}, {Address: "not@us2.test", State: kith.IdentityRejected},
	}
	m := newMatcher(r, matcher.Policy{CompanyByDomain: true, PlusAddressing: true, NeverRecord: []string{"lawyer@x.test"}})
	item := letter("ann+crm@client.test", "alice@us.test, alice@alias.test, boss@us.test, alice@old.test", with(func(m *kith.Message) {
		m.Cc = append(list("eve@acme.test, me@alumni.test, not@us2.test, family@home.test, ann.doe@xn--mnchen-3ya.de, lawyer@x.test"), kith.Address{Address: "/o=Ex/cn=y"})
	}))
	got, err := m.Explain(t.Context(), aliceMail, item)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []struct{ address, result, why string }{
		{"ann+crm@client.test", "contact", "it is ann@client.test; it is that of Contact 01"},
		{"alice@us.test", "ours", "an account has it"},
		{"boss@us.test", "ours", ""},
		{"alice@old.test", "ours", "accepted as an address of alice@us.test"},
		{"eve@acme.test", "company", "its domain is that of Contact 09"},
		{"me@alumni.test", "unknown", "kith identities accept me@alumni.test"},
		{"not@us2.test", "unknown", "rejected"},
		{"family@home.test", "contact", "Contact 02"},
		{"ann.doe@xn--mnchen-3ya.de", "contact", "münchen.de"},
		{"lawyer@x.test", "never_record", "never_record list"},
		{"/o=Ex/cn=y", "not_smtp_address", ""},
	} {
		found := false
		for _, s := range got.Steps {
			if s.Step == "address" && strings.HasPrefix(s.Why, want.address+";") {
				found = true
				if s.Result != want.result || !strings.Contains(s.Why, want.why) {
					t.Errorf("%s: %q, %q; want %q and %q", want.address, s.Result, s.Why, want.result, want.why)
				}
			}
		}
		if !found {
			t.Errorf("nothing is told of %s", want.address)
		}
	}
	if got.Skip != kith.ReasonNeverRecord {
		t.Errorf("skipped as %q", got.Skip)
	}
}
