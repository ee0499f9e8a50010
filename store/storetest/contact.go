package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"kith"
	"kith/store"
)

var contactTests = []test{
	{"Contact/everything comes out as it went in", func(t *testing.T, f *fixture) {
		company := f.contact(t, kith.Contact{Type: kith.Company, Source: "csv", ExternalID: "C1", Name: "Acme"})
		want := kith.Contact{
			Type: kith.Person, Source: "csv", ExternalID: "P1", Name: "Ann Ünal", FirstName: "Ann", LastName: "Ünal",
			CompanyID: &company, Emails: []string{"ann@client.test", "ann@münchen.test"}, Phones: []string{"+3225551234"},
			Title: "CEO", Language: "de", Owner: "alice@example.test", Tags: []string{"vip", "a;b"}, NeverRecord: true, Archived: true,
			Notes: map[string]string{"Kundennr.": "<7>"},
		}
		want.ID = f.contact(t, want)
		want.Company, want.CreatedAt, want.UpdatedAt = "Acme", t0, t0
		equal(t, "Contact", mustContact(t, f, want.ID), want)

		bare := mustContact(t, f, f.contact(t, kith.Contact{Name: "Bare"}))
		if bare.Type != kith.Person || bare.Emails == nil || bare.Phones == nil || bare.Tags == nil {
			t.Errorf("no type is a person, lists are never nil: %+v", bare)
		}
		_, err := f.Contact(t.Context(), kith.NewID(t0))
		fails(t, "Contact", err, kith.ErrNotFound)
	}},
	{"B02 MatchAddresses/any address of a contact", func(t *testing.T, f *fixture) {
		ann := f.contact(t, kith.Contact{
			Name: "Ann", Company: "Acme", Source: "csv", ExternalID: "1",
			Emails: []string{"ann@client.test", "ann@home.test"}, Phones: []string{"+3225551234"},
		})
		company := mustContact(t, f, ann).CompanyID
		bob := f.contact(t, kith.Contact{Name: "Bob", Emails: []string{"bob@client.test"}, NeverRecord: true, Archived: true})
		got, err := f.MatchAddresses(t.Context(), []string{"ann@home.test", "bob@client.test", "nobody@client.test", "ann@home.test", "+3225551234", "x'"})
		if err != nil {
			t.Fatal(err)
		}
		isAnn := []kith.Match{{ContactID: ann, CompanyID: company}}
		equal(t, "MatchAddresses", got, map[string][]kith.Match{
			"ann@home.test": isAnn, "+3225551234": isAnn,
			"bob@client.test": {{ContactID: bob, NeverRecord: true, Archived: true}},
		})
		if got, err := f.MatchAddresses(t.Context(), nil); err != nil || len(got) != 0 {
			t.Errorf("no addresses: %v, %v", got, err)
		}
		_, err = f.MatchAddresses(done(t), []string{"ann@home.test"})
		fails(t, "B20 MatchAddresses", err, context.Canceled)
	}},
	{"B03 MatchAddresses/a shared address gives all, by id", func(t *testing.T, f *fixture) {
		var want []kith.Match
		for _, name := range []string{"Zoe", "Ann", "Mia"} {
			want = append(want, kith.Match{ContactID: f.person(t, name, "family@client.test")})
		}
		slices.SortFunc(want, func(a, b kith.Match) int { return slices.Compare(a.ContactID[:], b.ContactID[:]) })
		got, err := f.MatchAddresses(t.Context(), []string{"family@client.test"})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "MatchAddresses", got["family@client.test"], want)
	}},
	{"B14 an address that moves to another contact", func(t *testing.T, f *fixture) {
		ann, bob := f.person(t, "Ann", "sales@client.test"), f.person(t, "Bob")
		f.record(t, "INBOX", seen("1", mail("1", linked(kith.RoleFrom, ann))))
		a, b := mustContact(t, f, ann), mustContact(t, f, bob)
		a.Emails, b.Emails = nil, []string{"sales@client.test"}
		for _, c := range []kith.Contact{a, b} {
			if err := f.UpdateContact(t.Context(), c, t0); err != nil {
				t.Fatal(err)
			}
		}
		got, err := f.MatchAddresses(t.Context(), []string{"sales@client.test"})
		if err != nil || len(got["sales@client.test"]) != 1 || got["sales@client.test"][0].ContactID != bob {
			t.Errorf("the address is matched to %+v, %v", got, err)
		}
		if links := f.byKey(t, "1").Links; len(links) != 1 || links[0].ContactID != ann {
			t.Errorf("history was rewritten: %+v", links)
		}
	}},
	{"ContactsVersion/grows with what matters, and only with that", func(t *testing.T, f *fixture) {
		ann := f.person(t, "Ann", "ann@client.test")
		version := func() int64 {
			t.Helper()
			v, err := f.ContactsVersion(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		put := func(c kith.Contact) {
			t.Helper()
			c.Source, c.ExternalID = "csv", "Ann"
			f.contact(t, c)
		}
		update := func(edit func(c *kith.Contact)) {
			t.Helper()
			c := mustContact(t, f, ann)
			edit(&c)
			if err := f.UpdateContact(t.Context(), c, t0); err != nil {
				t.Fatal(err)
			}
		}
		for _, step := range []struct {
			why     string
			do      func()
			matters bool
		}{
			{"put, the same", func() { put(kith.Contact{Name: "Ann", Emails: []string{"ann@client.test"}}) }, false},
			{"put, another name and tag", func() { put(kith.Contact{Name: "Ann D", Tags: []string{"x"}}) }, false},
			{"put, a second address", func() { put(kith.Contact{Emails: []string{"ann@home.test"}}) }, true},
			{"put, a phone", func() { put(kith.Contact{Phones: []string{"+32"}}) }, true},
			{"put, never_record", func() { put(kith.Contact{NeverRecord: true}) }, true},
			{"put, a company", func() { put(kith.Contact{Company: "Acme"}) }, true},
			{"put, a new contact without addresses", func() { f.person(t, "Bob") }, false},
			{"put, a new contact with one", func() { f.person(t, "Carl", "carl@client.test") }, true},
			{"dry run", func() {
				if _, err := f.PutContacts(t.Context(), []kith.Contact{{Name: "D", Emails: []string{"d@client.test"}}}, t0, true); err != nil {
					t.Fatal(err)
				}
			}, false},
			{"update, the title", func() { update(func(c *kith.Contact) { c.Title = "CEO" }) }, false},
			{"update, addresses in another order", func() { update(func(c *kith.Contact) { slices.Reverse(c.Emails) }) }, false},
			{"update, an address less", func() { update(func(c *kith.Contact) { c.Emails = c.Emails[:1] }) }, true},
			{"update, archived", func() { update(func(c *kith.Contact) { c.Archived = true }) }, true},
			{"record", func() { f.record(t, "INBOX", seen("1", mail("1", linked(kith.RoleFrom, ann)))) }, false},
			{"remove", func() {
				if err := f.RemoveContact(t.Context(), ann, t0); err != nil {
					t.Fatal(err)
				}
			}, true},
		} {
			before := version()
			step.do()
			if after := version(); after != before && !step.matters || after <= before && step.matters {
				t.Errorf("%s: version %d became %d", step.why, before, after)
			}
		}
	}},
	{"UpdateContact/replaces all but type and creation", func(t *testing.T, f *fixture) {
		ann := f.contact(t, kith.Contact{
			Source: "csv", ExternalID: "1", Name: "Ann", Company: "Acme", Emails: []string{"ann@client.test", "old@client.test"},
			Tags: []string{"x"}, NeverRecord: true, Notes: map[string]string{"a": "b"},
		})
		later := t0.Add(time.Hour)
		want := kith.Contact{ID: ann, Type: kith.Person, Name: "Ann Doe", Emails: []string{"new@client.test", "ann@client.test"}, Phones: []string{"+32"}, Tags: []string{}, Source: "manual"}
		in := want
		in.Type, in.CreatedAt, in.Emails = "", later, append(in.Emails, "new@client.test")
		if err := f.UpdateContact(t.Context(), in, later); err != nil {
			t.Fatal(err)
		}
		want.CreatedAt, want.UpdatedAt = t0, later
		equal(t, "Contact", mustContact(t, f, ann), want)
		got, err := f.MatchAddresses(t.Context(), []string{"ann@client.test", "old@client.test", "new@client.test", "+32"})
		if err != nil || len(got) != 3 || got["old@client.test"] != nil {
			t.Errorf("MatchAddresses: %v, %v", got, err)
		}
		for _, name := range []string{"Acme", "New Company"} {
			want.Company, want.CompanyID = name, nil
			if err := f.UpdateContact(t.Context(), want, later); err != nil {
				t.Fatal(err)
			}
			if got := mustContact(t, f, ann); got.Company != name || got.CompanyID == nil {
				t.Errorf("company %q, want %q", got.Company, name)
			}
		}
		if _, companies, err := f.CountContacts(t.Context()); err != nil || companies != 2 {
			t.Errorf("%d companies, %v; want 2", companies, err)
		}
	}},
	{"UpdateContact/what can't be", func(t *testing.T, f *fixture) {
		ann, bob := f.person(t, "Ann"), f.person(t, "Bob")
		acme := f.contact(t, kith.Contact{Type: kith.Company, Name: "Acme"})
		nobody := kith.NewID(t0)
		for _, tt := range []struct {
			why  string
			c    kith.Contact
			want error
		}{
			{"unknown", kith.Contact{ID: nobody, Name: "x"}, kith.ErrNotFound},
			{"the external id of another", kith.Contact{ID: bob, Source: "csv", ExternalID: "Ann", Name: "Bob"}, kith.ErrConflict},
			{"another type", kith.Contact{ID: acme, Type: kith.Person, Name: "Acme"}, kith.ErrConflict},
			{"an unknown company", kith.Contact{ID: ann, Name: "Ann", CompanyID: &nobody}, kith.ErrNotFound},
			{"a person as company", kith.Contact{ID: ann, Name: "Ann", CompanyID: &bob}, kith.ErrNotFound},
			{"nothing to know it by", kith.Contact{ID: ann}, nil},
			{"a company of a company", kith.Contact{ID: acme, Type: kith.Company, Name: "Acme", Company: "Other"}, nil},
		} {
			err := f.UpdateContact(t.Context(), tt.c, t0)
			if err == nil {
				t.Errorf("%s: no error", tt.why)
			}
			if tt.want != nil {
				fails(t, tt.why, err, tt.want)
			}
		}
		if got := mustContact(t, f, bob); got.ExternalID != "Bob" {
			t.Errorf("an update that failed changed it: %+v", got)
		}
	}},
	{"B16 RemoveContact/a person's links go to its company", func(t *testing.T, f *fixture) {
		company := f.contact(t, kith.Contact{Type: kith.Company, Name: "Acme"})
		ann := f.contact(t, kith.Contact{Name: "Ann", CompanyID: &company, Emails: []string{"ann@client.test"}})
		bob := f.person(t, "Bob")
		f.record(t, "INBOX",
			seen("1", mail("1", linked(kith.RoleFrom, ann), linked(kith.RoleCc, bob))),
			seen("2", mail("2", linked(kith.RoleFrom, ann), linked(kith.RoleTo, company))))
		before := f.byKey(t, "1").Participants
		for _, id := range []kith.ID{ann, bob} {
			if err := f.RemoveContact(t.Context(), id, t0); err != nil {
				t.Fatal(err)
			}
			_, err := f.Contact(t.Context(), id)
			fails(t, "Contact", err, kith.ErrNotFound)
			fails(t, "RemoveContact", f.RemoveContact(t.Context(), id, t0), kith.ErrNotFound)
		}
		acme := kith.Link{ContactID: company, ContactName: "Acme", Role: kith.RoleFrom, Matched: "ann@client.test", Rule: kith.LinkByEmail}
		equal(t, "links of 1", f.byKey(t, "1").Links, []kith.Link{acme})
		equal(t, "links of 2", f.byKey(t, "2").Links, []kith.Link{acme})
		equal(t, "participants", f.byKey(t, "1").Participants, before)
		if n := len(f.list(t, store.Filter{Contact: company})); n != 2 {
			t.Errorf("the company has %d interactions, want 2", n)
		}
		if n := len(f.list(t, store.Filter{Contact: ann})); n != 0 {
			t.Errorf("the deleted contact has %d interactions", n)
		}
		if got, err := f.MatchAddresses(t.Context(), []string{"ann@client.test"}); err != nil || len(got) != 0 {
			t.Errorf("its address is still matched: %v, %v", got, err)
		}
	}},
	{"RemoveContact/a company: its people stay", func(t *testing.T, f *fixture) {
		ann := f.contact(t, kith.Contact{Name: "Ann", Company: "Acme"})
		company := *mustContact(t, f, ann).CompanyID
		f.record(t, "INBOX", seen("1", mail("1", linked(kith.RoleFrom, ann), linked(kith.RoleTo, company))))
		if err := f.RemoveContact(t.Context(), company, t0); err != nil {
			t.Fatal(err)
		}
		if got := mustContact(t, f, ann); got.CompanyID != nil || got.Company != "" {
			t.Errorf("the person has company %q", got.Company)
		}
		if links := f.byKey(t, "1").Links; len(links) != 1 || links[0].ContactID != ann || links[0].CompanyID != nil {
			t.Errorf("links %+v", links)
		}
	}},
	{"RemoveContact/with 1,500 interactions", func(t *testing.T, f *fixture) {
		ann := f.contact(t, kith.Contact{Name: "Ann", Company: "Acme"})
		company := *mustContact(t, f, ann).CompanyID
		var captured []kith.Captured
		for n := range 1500 {
			id := numbered("%d", n)
			captured = append(captured, seen(id, mail(id, linked(kith.RoleFrom, ann), at(t0.Add(time.Duration(n)*time.Second)))))
		}
		f.record(t, "INBOX", captured...)
		if err := f.RemoveContact(t.Context(), ann, t0); err != nil {
			t.Fatal(err)
		}
		if n, err := f.CountInteractions(t.Context(), store.Filter{Contact: company}); err != nil || n != 1500 {
			t.Errorf("the company has %d interactions, %v", n, err)
		}
	}},
	{"FindContacts/the first kind of word that finds any", func(t *testing.T, f *fixture) {
		ann := f.contact(t, kith.Contact{Source: "csv", ExternalID: "E1", Name: "Ann Ünal", Emails: []string{"ann@client.test"}, Phones: []string{"+3225551234"}})
		other := f.contact(t, kith.Contact{Source: "crm", ExternalID: "E1", Name: "E1"})
		f.contact(t, kith.Contact{Name: "ann@client.test"})
		twin := f.contact(t, kith.Contact{Source: "crm", ExternalID: "E9", Name: "ann ünal"})
		for word, want := range map[string][]kith.ID{
			ann.String():                           {ann},
			"E1":                                   {ann, other},
			"e1":                                   {other}, // by its name
			"ann@client.test":                      {ann},
			"+3225551234":                          {ann},
			"ANN ÜNAL":                             {ann, twin},
			"ann":                                  nil,
			"":                                     nil,
			"01234567-89ab-7cde-8f01-23456789abcd": nil,
		} {
			got, err := f.FindContacts(t.Context(), word)
			if err != nil {
				t.Fatal(err)
			}
			var ids []kith.ID
			for _, c := range got {
				ids = append(ids, c.ID)
			}
			equal(t, "FindContacts "+word, ids, want)
		}
	}},
	{"Contacts/by name then id, filtered", func(t *testing.T, f *fixture) {
		var ids []kith.ID
		for n, name := range []string{"Zoe", "ann", "Ünal", "Ann", "bob", "Bob"} {
			ids = append(ids, f.contact(t, kith.Contact{
				Source: "csv", ExternalID: numbered("Ext%d", n), Name: name, Emails: []string{numbered("p%d@client.test", n)}, Phones: []string{numbered("+322555000%d", n)},
			}))
		}
		acme := f.contact(t, kith.Contact{Type: kith.Company, Name: "Acme"})
		list := func(filter store.ContactFilter) (found []kith.ID) {
			t.Helper()
			for c, err := range f.Contacts(t.Context(), filter) {
				if err != nil {
					t.Fatal(err)
				}
				found = append(found, c.ID)
			}
			return found
		}
		for _, tt := range []struct {
			why    string
			filter store.ContactFilter
			want   []kith.ID
		}{
			{"all", store.ContactFilter{}, []kith.ID{acme, ids[1], ids[3], ids[4], ids[5], ids[0], ids[2]}},
			{"limit", store.ContactFilter{Limit: 2}, []kith.ID{acme, ids[1]}},
			{"companies", store.ContactFilter{Type: kith.Company}, []kith.ID{acme}},
			{"persons", store.ContactFilter{Type: kith.Person, Limit: 1}, []kith.ID{ids[1]}},
			{"part of a name", store.ContactFilter{Text: "OB"}, []kith.ID{ids[4], ids[5]}},
			{"part of a name, no ASCII", store.ContactFilter{Text: "üNA"}, []kith.ID{ids[2]}},
			{"part of an address", store.ContactFilter{Text: "P3@"}, []kith.ID{ids[3]}},
			{"part of a phone", store.ContactFilter{Text: "0005"}, []kith.ID{ids[5]}},
			{"part of an external id", store.ContactFilter{Text: "xT0"}, []kith.ID{ids[0]}},
			{"no wildcards", store.ContactFilter{Text: "%"}, nil},
		} {
			equal(t, tt.why, list(tt.filter), tt.want)
		}
		if persons, companies, err := f.CountContacts(t.Context()); err != nil || persons != 6 || companies != 1 {
			t.Errorf("CountContacts = %d, %d, %v", persons, companies, err)
		}
		for _, err := range f.Contacts(t.Context(), store.ContactFilter{}) {
			fails(t, "Contacts", err, nil)
			break
		}
		for _, err := range f.Contacts(done(t), store.ContactFilter{}) {
			fails(t, "Contacts", err, context.Canceled)
		}
	}},
	{"Contacts/5,000 without gaps", func(t *testing.T, f *fixture) {
		contacts := make([]kith.Contact, 5000)
		for n := range contacts {
			contacts[n] = kith.Contact{Name: numbered("%d", n%7)}
		}
		if _, err := f.PutContacts(t.Context(), contacts, t0, false); err != nil {
			t.Fatal(err)
		}
		seen := make(map[kith.ID]bool)
		for c, err := range f.Contacts(t.Context(), store.ContactFilter{}) {
			if err != nil {
				t.Fatal(err)
			}
			seen[c.ID] = true
		}
		if len(seen) != 5000 {
			t.Errorf("%d contacts, want 5,000", len(seen))
		}
	}},
}
