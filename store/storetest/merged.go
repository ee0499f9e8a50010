package storetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"kith"
	"kith/store"
)

func (f *fixture) merge(t *testing.T, into, merged kith.ID) {
	t.Helper()
	if err := f.MergeContacts(t.Context(), into, merged, t0); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) unmerge(t *testing.T, id kith.ID) {
	t.Helper()
	if err := f.UnmergeContact(t.Context(), id, t0); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) distinguish(t *testing.T, a, b kith.ID) {
	t.Helper()
	if err := f.Distinguish(t.Context(), a, b, t0); err != nil {
		t.Fatal(err)
	}
}

// subjects are those of a contact's timeline, latest first; it checks that the
// count is the same.
func (f *fixture) subjects(t *testing.T, contact kith.ID) []string {
	t.Helper()
	var all []string
	for _, i := range f.list(t, store.Filter{Contact: contact}) {
		all = append(all, i.Subject)
	}
	if n, err := f.CountInteractions(t.Context(), store.Filter{Contact: contact}); err != nil || n != len(all) {
		t.Errorf("the timeline of %s has %d interactions, counted %d, %v", contact, len(all), n, err)
	}
	return all
}

func (f *fixture) match(t *testing.T, addresses ...string) map[string][]kith.Match {
	t.Helper()
	found, err := f.MatchAddresses(t.Context(), addresses)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// found are the ids that a word finds.
func (f *fixture) found(t *testing.T, word string) (ids []kith.ID) {
	t.Helper()
	all, err := f.FindContacts(t.Context(), word)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		ids = append(ids, c.ID)
	}
	return ids
}

// via is a link that a match made.
func via(role kith.ParticipantRole, address string, m kith.Match) func(*kith.Interaction) {
	return func(i *kith.Interaction) {
		i.Links = append(i.Links, kith.Link{ContactID: m.ContactID, Role: role, Matched: address, Rule: kith.LinkByEmail, Via: m.Via})
	}
}

func hours(n int) func(*kith.Interaction) { return at(t0.Add(time.Duration(n) * time.Hour)) }

// bare links are without what they show of contacts.
func bare(links []kith.Link) []kith.Link {
	links = slices.Clone(links)
	for i := range links {
		links[i].Via, links[i].ContactName, links[i].CompanyID = nil, "", nil
	}
	return links
}

var mergedTests = []test{
	{"B15 MergeContacts/timelines are united, and nothing is in them twice", func(t *testing.T, f *fixture) {
		acme, other := f.contact(t, kith.Contact{Type: kith.Company, Name: "Acme"}), f.contact(t, kith.Contact{Type: kith.Company, Name: "Other"})
		ann := f.contact(t, kith.Contact{Name: "Ann", CompanyID: &acme, Emails: []string{"ann@client.test"}})
		anna := f.contact(t, kith.Contact{Name: "Anna", CompanyID: &other, Emails: []string{"anna@client.test"}})
		bob := f.person(t, "Bob", "bob@client.test")
		f.record(t, "INBOX",
			seen("1", mail("1", linked(kith.RoleFrom, ann), hours(1))),
			seen("2", mail("2", linked(kith.RoleFrom, anna), hours(2))),
			seen("3", mail("3", linked(kith.RoleCc, ann), linked(kith.RoleFrom, anna), linked(kith.RoleTo, bob), hours(3))),
			seen("4", mail("4", linked(kith.RoleFrom, bob), hours(4))))
		f.merge(t, ann, anna)
		want := []string{"Offer 3", "Offer 2", "Offer 1"}
		for what, id := range map[string]kith.ID{"the survivor": ann, "the merged": anna, "the company": acme} {
			equal(t, "timeline of "+what, f.subjects(t, id), want)
		}
		equal(t, "timeline of a company that is the survivor's no more", f.subjects(t, other), []string(nil))
		equal(t, "timeline of another", f.subjects(t, bob), []string{"Offer 4", "Offer 3"})
		equal(t, "page by page", f.list(t, store.Filter{Contact: ann, Limit: 2, Until: t0.Add(3 * time.Hour)}), f.list(t, store.Filter{Contact: anna})[1:])

		equal(t, "links of 2", bare(f.byKey(t, "2").Links), []kith.Link{{ContactID: ann, Role: kith.RoleFrom, Matched: "ann@client.test", Rule: kith.LinkByEmail}})
		three := f.byKey(t, "3").Links
		equal(t, "links of 3, the better of each", bare(three), []kith.Link{
			{ContactID: ann, Role: kith.RoleFrom, Matched: "ann@client.test", Rule: kith.LinkByEmail},
			{ContactID: bob, Role: kith.RoleTo, Matched: "ann@client.test", Rule: kith.LinkByEmail},
		})
		if three[0].ContactName != "Ann" || three[0].CompanyID == nil || *three[0].CompanyID != acme || !slices.Equal(three[0].Via, []kith.ID{ann, anna}) {
			t.Errorf("link %+v", three[0])
		}
		equal(t, "recorded again", f.record(t, "All",
			seen("2", mail("2", via(kith.RoleFrom, "anna@client.test", f.match(t, "anna@client.test")["anna@client.test"][0]), hours(2)))), kith.Recorded{Known: 1})
		equal(t, "timeline", f.subjects(t, ann), want)
		f.unmerge(t, anna)
		equal(t, "timeline of the one", f.subjects(t, ann), []string{"Offer 3", "Offer 1"})
		equal(t, "timeline of the other", f.subjects(t, anna), []string{"Offer 3", "Offer 2"})
		equal(t, "timeline of its company", f.subjects(t, other), []string{"Offer 3", "Offer 2"})
		if n := len(f.byKey(t, "3").Links); n != 3 {
			t.Errorf("there are %d links, want 3", n)
		}
	}},
	{"B15 MergeContacts/what is captured meanwhile is the other's again when it is undone", func(t *testing.T, f *fixture) {
		ann, anna := f.person(t, "Ann", "ann@client.test", "both@client.test"), f.person(t, "Anna", "anna@client.test", "both@client.test")
		f.merge(t, ann, anna)
		found := f.match(t, "ann@client.test", "anna@client.test", "both@client.test")
		equal(t, "matches", found, map[string][]kith.Match{
			"ann@client.test":  {{ContactID: ann}},
			"anna@client.test": {{ContactID: ann, Via: []kith.ID{anna}}},
			"both@client.test": {{ContactID: ann, Via: []kith.ID{ann, anna}}},
		})
		f.record(t, "INBOX",
			seen("1", mail("1", via(kith.RoleFrom, "ann@client.test", found["ann@client.test"][0]), hours(1))),
			seen("2", mail("2", via(kith.RoleFrom, "anna@client.test", found["anna@client.test"][0]), hours(2))),
			seen("3", mail("3", via(kith.RoleFrom, "both@client.test", found["both@client.test"][0]), hours(3))))
		equal(t, "timeline", f.subjects(t, ann), []string{"Offer 3", "Offer 2", "Offer 1"})
		equal(t, "links", bare(f.byKey(t, "3").Links), []kith.Link{{ContactID: ann, Role: kith.RoleFrom, Matched: "both@client.test", Rule: kith.LinkByEmail}})
		f.unmerge(t, anna)
		equal(t, "timeline of the one", f.subjects(t, ann), []string{"Offer 3", "Offer 1"})
		equal(t, "timeline of the other", f.subjects(t, anna), []string{"Offer 3", "Offer 2"})
		shared := f.byKey(t, "3").Links
		if len(shared) != 2 || !shared[0].Ambiguous || !shared[1].Ambiguous {
			t.Errorf("who shares an address again is ambiguous: %+v", shared)
		}
	}},
	{"MergeContacts/who shared an address is no longer ambiguous", func(t *testing.T, f *fixture) {
		ann, anna, bob := f.person(t, "Ann"), f.person(t, "Anna"), f.person(t, "Bob")
		shared := func(ids ...kith.ID) func(*kith.Interaction) {
			return func(i *kith.Interaction) {
				linked(kith.RoleFrom, ids...)(i)
				for n := range i.Links {
					i.Links[n].Ambiguous = true
				}
			}
		}
		f.record(t, "INBOX", seen("1", mail("1", shared(ann, anna))), seen("2", mail("2", shared(ann, anna, bob))), seen("3", mail("3", shared(anna))))
		f.merge(t, ann, anna)
		for id, want := range map[string][]bool{"1": {false}, "2": {true, true}, "3": {true}} {
			var got []bool
			for _, l := range f.byKey(t, id).Links {
				got = append(got, l.Ambiguous)
			}
			equal(t, "ambiguous links of "+id, got, want)
		}
	}},
	{"MergeContacts/the survivor has what both had, and finds by the words of both", func(t *testing.T, f *fixture) {
		ann := f.contact(t, kith.Contact{
			Source: "csv", ExternalID: "A", Name: "Ann", Emails: []string{"ann@client.test"}, Phones: []string{"+321"}, Tags: []string{"x"}, Company: "Acme",
		})
		anna := f.contact(t, kith.Contact{
			Source: "crm", ExternalID: "B", Name: "Anna", Emails: []string{"anna@client.test", "ann@client.test"}, Phones: []string{"+322"}, Tags: []string{"y", "x"},
			Title: "CEO", Company: "Other", Archived: true,
		})
		before := mustContact(t, f, anna)
		version, _ := f.ContactsVersion(t.Context())
		later := t0.Add(time.Hour)
		if err := f.MergeContacts(t.Context(), ann, anna, later); err != nil {
			t.Fatal(err)
		}
		if after, _ := f.ContactsVersion(t.Context()); after <= version {
			t.Errorf("version %d became %d", version, after)
		}
		got := mustContact(t, f, ann)
		want := kith.Contact{
			ID: ann, Type: kith.Person, Source: "csv", ExternalID: "A", Name: "Ann", Emails: []string{"ann@client.test", "anna@client.test"}, Phones: []string{"+321", "+322"},
			Tags: []string{"x", "y"}, Company: "Acme", CompanyID: got.CompanyID, Archived: true, CreatedAt: t0, UpdatedAt: later,
		}
		equal(t, "the survivor", got, want)
		before.MergedInto, before.UpdatedAt = &ann, later
		equal(t, "the merged", mustContact(t, f, anna), before)
		for _, word := range []string{ann.String(), anna.String(), "A", "B", "ann@client.test", "anna@client.test", "+321", "+322", "ANN", "anna"} {
			equal(t, "FindContacts "+word, f.found(t, word), []kith.ID{ann})
		}
		for _, text := range []string{"", "nna@", "322", "nna", "b"} {
			var found []kith.Contact
			for c, err := range f.Contacts(t.Context(), store.ContactFilter{Text: text, Type: kith.Person}) {
				if err != nil {
					t.Fatal(err)
				}
				found = append(found, c)
			}
			equal(t, "Contacts "+text, found, []kith.Contact{want})
		}
		if persons, _, err := f.CountContacts(t.Context()); err != nil || persons != 1 {
			t.Errorf("%d persons, %v", persons, err)
		}
		for address, via := range map[string][]kith.ID{"ann@client.test": {ann, anna}, "anna@client.test": {anna}, "+321": nil, "+322": {anna}} {
			equal(t, "matches of "+address, f.match(t, address)[address], []kith.Match{{ContactID: ann, CompanyID: want.CompanyID, Archived: true, Via: via}})
		}
		merged, err := f.MergedContacts(t.Context(), ann)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "MergedContacts", merged, []kith.Contact{before})
	}},
	{"MergeContacts/nothing is recorded of one of whom nothing is of any", func(t *testing.T, f *fixture) {
		ann, anna := f.person(t, "Ann", "ann@client.test"), f.contact(t, kith.Contact{Name: "Anna", Emails: []string{"anna@client.test"}, NeverRecord: true})
		f.record(t, "INBOX", seen("1", mail("1", linked(kith.RoleFrom, ann))))
		f.merge(t, ann, anna)
		for address, found := range f.match(t, "ann@client.test", "anna@client.test") {
			if len(found) != 1 || !found[0].NeverRecord {
				t.Errorf("%s is matched to %+v", address, found)
			}
		}
		if !mustContact(t, f, ann).NeverRecord || !f.byKey(t, "1").Links[0].NeverRecord {
			t.Error("the survivor is recorded")
		}
		c := mustContact(t, f, ann)
		c.NeverRecord = false
		if err := f.UpdateContact(t.Context(), c, t0); err != nil {
			t.Fatal(err)
		}
		if found := f.match(t, "ann@client.test"); found["ann@client.test"][0].NeverRecord || mustContact(t, f, anna).NeverRecord {
			t.Errorf("it is allowed again, and %+v", found)
		}
	}},
	{"MergeContacts/companies: their people, and their names", func(t *testing.T, f *fixture) {
		ann := f.contact(t, kith.Contact{Name: "Ann", Company: "Acme", Emails: []string{"ann@acme.test"}})
		bob := f.contact(t, kith.Contact{Name: "Bob", Company: "Acme BV", Emails: []string{"bob@acme.test"}})
		acme, bv := *mustContact(t, f, ann).CompanyID, *mustContact(t, f, bob).CompanyID
		f.record(t, "INBOX",
			seen("1", mail("1", linked(kith.RoleFrom, ann), hours(1))),
			seen("2", mail("2", linked(kith.RoleFrom, bob), linked(kith.RoleTo, bv), hours(2))))
		f.merge(t, acme, bv)
		equal(t, "timeline", f.subjects(t, acme), []string{"Offer 2", "Offer 1"})
		equal(t, "timeline by the merged", f.subjects(t, bv), []string{"Offer 2", "Offer 1"})
		if c := mustContact(t, f, bob); *c.CompanyID != acme || c.Company != "Acme" {
			t.Errorf("Bob is of %q", c.Company)
		}
		links := f.byKey(t, "2").Links
		if links[0].CompanyID == nil || *links[0].CompanyID != acme || links[1].ContactID != acme {
			t.Errorf("links %+v", links)
		}
		equal(t, "match", *f.match(t, "bob@acme.test")["bob@acme.test"][0].CompanyID, acme)
		if found, err := f.MatchDomains(t.Context(), []string{"acme.test"}); err != nil || found["acme.test"].ContactID != acme {
			t.Errorf("MatchDomains: %+v, %v", found, err)
		}
		// Whoever edits a person sees the survivor, and moves nobody.
		c := mustContact(t, f, bob)
		c.Title = "CEO"
		if err := f.UpdateContact(t.Context(), c, t0); err != nil {
			t.Fatal(err)
		}
		for _, in := range []kith.Contact{{ID: bob, Company: "Acme"}, {ID: bob, Company: "Acme BV"}, {ID: bob, CompanyID: &acme}} {
			changes, err := f.PutContacts(t.Context(), []kith.Contact{in}, t0, false)
			if err != nil || changes[0] != kith.ContactUnchanged {
				t.Errorf("the company that it has: %v, %v", changes, err)
			}
		}
		f.unmerge(t, bv)
		if c := mustContact(t, f, bob); *c.CompanyID != bv || c.Title != "CEO" {
			t.Errorf("Bob is %+v", c)
		}
		equal(t, "timeline of the one", f.subjects(t, acme), []string{"Offer 1"})
		equal(t, "timeline of the other", f.subjects(t, bv), []string{"Offer 2"})
	}},
	{"MergeContacts/a person of a company, with another merged into it", func(t *testing.T, f *fixture) {
		ann, anna := f.contact(t, kith.Contact{Name: "Ann", Company: "Acme"}), f.person(t, "Anna")
		f.record(t, "INBOX", seen("1", mail("1", linked(kith.RoleFrom, anna), hours(1))), seen("2", mail("2", linked(kith.RoleFrom, ann), hours(2))))
		f.merge(t, anna, ann) // so that the survivor has no company
		acme := f.found(t, "Acme")[0]
		equal(t, "timeline of the company that the merged had", f.subjects(t, acme), []string(nil))
		f.unmerge(t, ann)
		f.merge(t, ann, anna)
		equal(t, "timeline of the company that the survivor has", f.subjects(t, acme), []string{"Offer 2", "Offer 1"})
	}},
	{"UnmergeContact/chains are undone step by step", func(t *testing.T, f *fixture) {
		a, b, c, d := f.person(t, "A", "a@client.test"), f.person(t, "B", "b@client.test"), f.person(t, "C", "c@client.test"), f.person(t, "D", "d@client.test")
		for n, id := range []kith.ID{a, b, c, d} {
			key := numbered("%d", n)
			f.record(t, "INBOX", seen(key, mail(key, linked(kith.RoleFrom, id), hours(n))))
		}
		whose := func() string {
			t.Helper()
			text := ""
			for n := range 4 {
				email := numbered("%c", 'a'+n) + "@client.test"
				by := f.byKey(t, numbered("%d", n)).Links[0]
				found, match := f.found(t, email), f.match(t, email)[email]
				if len(found) != 1 || len(match) != 1 || found[0] != by.ContactID || match[0].ContactID != by.ContactID {
					t.Errorf("%s: found %v, matched %v, linked %v", email, found, match, by)
				}
				text += by.ContactName
			}
			return text
		}
		merged := func(id kith.ID) (names string) {
			t.Helper()
			all, err := f.MergedContacts(t.Context(), id)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range all {
				names += c.Name
			}
			return names
		}
		f.merge(t, a, b)
		f.merge(t, c, a)
		f.merge(t, c, d)
		equal(t, "all are C", whose(), "CCCC")
		equal(t, "timeline", f.subjects(t, b), []string{"Offer 3", "Offer 2", "Offer 1", "Offer 0"})
		equal(t, "merged into C", merged(c), "ABD")
		equal(t, "merged into A", merged(a), "B")
		f.unmerge(t, b)
		equal(t, "B is itself", whose(), "CBCC")
		f.merge(t, b, c)
		equal(t, "all are B", whose(), "BBBB")
		f.unmerge(t, c)
		f.unmerge(t, a)
		equal(t, "D is C", whose(), "ABCC")
		equal(t, "merged into A", merged(a), "")
		f.merge(t, a, b)
		equal(t, "B is A", whose(), "AACC")
		f.unmerge(t, d)
		f.merge(t, d, a)
		equal(t, "A with B into D", whose(), "DDCD")
		f.unmerge(t, a)
		equal(t, "A keeps B", whose(), "AACD")
		f.unmerge(t, b)
		equal(t, "all are themselves", whose(), "ABCD")
		for _, row := range f.dump(t) {
			if row.Kind() == store.RowMerged {
				t.Errorf("there is %+v", row)
			}
		}
	}},
	{"MergeContacts/what can't be", func(t *testing.T, f *fixture) {
		a, b, c := f.person(t, "A"), f.person(t, "B"), f.person(t, "C")
		acme := f.contact(t, kith.Contact{Type: kith.Company, Name: "Acme"})
		f.merge(t, a, b)
		before := f.dump(t)
		for _, tt := range []struct {
			why          string
			into, merged kith.ID
			want         error
		}{
			{"into itself", a, a, kith.ErrConflict},
			{"into what was merged into it", b, a, kith.ErrConflict},
			{"once more", a, b, kith.ErrConflict},
			{"what is merged, into another", c, b, kith.ErrConflict},
			{"into what is merged", b, c, kith.ErrConflict},
			{"a person into a company", acme, a, kith.ErrConflict},
			{"a company into a person", a, acme, kith.ErrConflict},
			{"an unknown one", a, kith.NewID(t0), kith.ErrNotFound},
			{"into an unknown one", kith.NewID(t0), a, kith.ErrNotFound},
		} {
			fails(t, tt.why, f.MergeContacts(t.Context(), tt.into, tt.merged, t0), tt.want)
		}
		fails(t, "undo what was not", f.UnmergeContact(t.Context(), a, t0), kith.ErrConflict)
		fails(t, "undo the unknown", f.UnmergeContact(t.Context(), kith.NewID(t0), t0), kith.ErrNotFound)
		fails(t, "update the merged", f.UpdateContact(t.Context(), mustContact(t, f, b), t0), kith.ErrConflict)
		fails(t, "remove the merged", f.RemoveContact(t.Context(), b, t0), kith.ErrConflict)
		_, err := f.MergedContacts(t.Context(), kith.NewID(t0))
		fails(t, "MergedContacts", err, kith.ErrNotFound)
		equal(t, "register", f.dump(t), before)
	}},
	{"PutContacts/by the words of one that was merged", func(t *testing.T, f *fixture) {
		ann := f.contact(t, kith.Contact{Source: "csv", ExternalID: "A", Name: "Ann", Emails: []string{"ann@client.test"}})
		anna := f.contact(t, kith.Contact{Source: "csv", ExternalID: "B", Name: "Anna", Emails: []string{"anna@client.test"}})
		f.merge(t, ann, anna)
		put := func(why string, want kith.ContactChange, in kith.Contact) {
			t.Helper()
			contacts := []kith.Contact{in}
			changes, err := f.PutContacts(t.Context(), contacts, t0.Add(time.Minute), false)
			if err != nil {
				t.Fatal(err)
			}
			if changes[0] != want || contacts[0].ID != ann {
				t.Errorf("%s: %s, %s; want %s, %s", why, changes[0], contacts[0].ID, want, ann)
			}
		}
		in := kith.Contact{Source: "csv", ExternalID: "B", Name: "Anna", Emails: []string{"new@client.test"}, Tags: []string{"x"}}
		put("by external id", kith.ContactUpdated, in)
		put("the same again", kith.ContactUnchanged, in)
		put("what the survivor has", kith.ContactUnchanged, kith.Contact{Source: "csv", ExternalID: "B", Emails: []string{"ann@client.test", "anna@client.test"}})
		put("what the merged has, for the survivor", kith.ContactUnchanged,
			kith.Contact{Source: "csv", ExternalID: "A", Name: "Ann", Emails: []string{"ann@client.test", "anna@client.test", "new@client.test"}, Tags: []string{"x"}})
		put("by address", kith.ContactUpdated, kith.Contact{Name: "Anna B", Emails: []string{"anna@client.test"}})
		put("by id, with the other's external id", kith.ContactUnchanged, kith.Contact{ID: ann, Source: "csv", ExternalID: "B"})
		got := mustContact(t, f, ann)
		equal(t, "name", got.Name, "Ann")
		equal(t, "external id", got.ExternalID, "A")
		equal(t, "e-mail", got.Emails, []string{"ann@client.test", "anna@client.test", "new@client.test"})
		equal(t, "tags", got.Tags, []string{"x"})
		equal(t, "updated", got.UpdatedAt, t0.Add(time.Minute))
		equal(t, "match", f.match(t, "new@client.test")["new@client.test"], []kith.Match{{ContactID: ann, Via: []kith.ID{anna}}})
		f.unmerge(t, anna)
		equal(t, "its own", mustContact(t, f, ann).Emails, []string{"ann@client.test"})
		if c := mustContact(t, f, anna); c.Name != "Anna B" || !slices.Equal(c.Emails, []string{"anna@client.test", "new@client.test"}) {
			t.Errorf("the other's: %+v", c)
		}
	}},
	{"UpdateContact/of a survivor: what is dropped goes away wherever it lies", func(t *testing.T, f *fixture) {
		ann := f.contact(t, kith.Contact{Source: "csv", ExternalID: "A", Name: "Ann", Emails: []string{"ann@client.test", "both@client.test"}, Tags: []string{"a"}})
		anna := f.contact(t, kith.Contact{Source: "csv", ExternalID: "B", Name: "Anna", Emails: []string{"anna@client.test", "both@client.test", "old@client.test"}, Phones: []string{"+322"}, Tags: []string{"b", "c"}})
		f.merge(t, ann, anna)
		c := mustContact(t, f, ann)
		c.Emails, c.Tags, c.Phones, c.Title = []string{"new@client.test", "anna@client.test", "ann@client.test"}, []string{"c"}, nil, "CEO"
		if err := f.UpdateContact(t.Context(), c, t0); err != nil {
			t.Fatal(err)
		}
		got := mustContact(t, f, ann)
		equal(t, "e-mail", got.Emails, []string{"new@client.test", "ann@client.test", "anna@client.test"})
		equal(t, "phones", got.Phones, []string{})
		equal(t, "tags", got.Tags, []string{"c"})
		if found := f.match(t, "both@client.test", "old@client.test", "+322"); len(found) != 0 {
			t.Errorf("what was dropped is matched: %v", found)
		}
		f.unmerge(t, anna)
		equal(t, "the one has", mustContact(t, f, ann).Emails, []string{"new@client.test", "ann@client.test"})
		equal(t, "the other has", mustContact(t, f, anna).Emails, []string{"anna@client.test"})
		equal(t, "and tags", mustContact(t, f, anna).Tags, []string{"c"})
		for address, want := range map[string]kith.ID{"new@client.test": ann, "ann@client.test": ann, "anna@client.test": anna} {
			equal(t, "match of "+address, f.match(t, address)[address], []kith.Match{{ContactID: want}})
		}
	}},
	{"RemoveContact/a survivor goes with those merged into it", func(t *testing.T, f *fixture) {
		ann, anna, bob := f.contact(t, kith.Contact{Name: "Ann", Company: "Acme", Emails: []string{"ann@client.test"}}), f.person(t, "Anna", "anna@client.test"), f.person(t, "Bob")
		acme := *mustContact(t, f, ann).CompanyID
		f.record(t, "INBOX", seen("1", mail("1", linked(kith.RoleTo, ann), linked(kith.RoleFrom, anna))), seen("2", mail("2", linked(kith.RoleFrom, anna))))
		f.merge(t, ann, anna)
		f.distinguish(t, anna, bob)
		if err := f.RemoveContact(t.Context(), ann, t0); err != nil {
			t.Fatal(err)
		}
		for _, id := range []kith.ID{ann, anna} {
			_, err := f.Contact(t.Context(), id)
			fails(t, "Contact", err, kith.ErrNotFound)
		}
		for _, id := range []string{"1", "2"} {
			equal(t, "links of "+id, bare(f.byKey(t, id).Links), []kith.Link{{ContactID: acme, Role: kith.RoleFrom, Matched: "ann@client.test", Rule: kith.LinkByEmail}})
		}
		if found := f.match(t, "ann@client.test", "anna@client.test"); len(found) != 0 {
			t.Errorf("their addresses are matched: %v", found)
		}
		if pairs, err := f.Distinct(t.Context()); err != nil || len(pairs) != 0 {
			t.Errorf("pairs %v, %v", pairs, err)
		}
		f.copy(t)
	}},
	{"Revise/links of who was merged stay what they are", func(t *testing.T, f *fixture) {
		ann, anna, bob := f.person(t, "Ann"), f.person(t, "Anna"), f.person(t, "Bob")
		f.record(t, "INBOX", seen("1", mail("1", linked(kith.RoleFrom, ann), linked(kith.RoleTo, anna), linked(kith.RoleCc, bob))))
		f.merge(t, ann, anna)
		revise := func(gone kith.ID) {
			t.Helper()
			_, err := f.Revise(t.Context(), []kith.ID{f.byKey(t, "1").ID}, func(_ context.Context, all []kith.Interaction) ([]kith.Revision, error) {
				all[0].Links = slices.DeleteFunc(all[0].Links, func(l kith.Link) bool { return l.ContactID == gone })
				all[0].Subject = "revised"
				return []kith.Revision{{Now: &all[0]}}, nil
			}, t0)
			if err != nil {
				t.Fatal(err)
			}
		}
		revise(bob)
		equal(t, "timeline", f.subjects(t, ann), []string{"revised"})
		f.unmerge(t, anna)
		equal(t, "timeline of the other", f.subjects(t, anna), []string{"revised"})
		equal(t, "timeline of who was unlinked", f.subjects(t, bob), []string(nil))
		f.merge(t, ann, anna)
		revise(ann)
		f.unmerge(t, anna)
		for _, id := range []kith.ID{ann, anna} {
			equal(t, "timeline of both, unlinked", f.subjects(t, id), []string(nil))
		}
	}},
	{"Distinguish/is remembered, and follows merges", func(t *testing.T, f *fixture) {
		a, b, c := f.person(t, "A"), f.person(t, "B"), f.person(t, "C")
		pairs := func() [][2]kith.ID {
			t.Helper()
			all, err := f.Distinct(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		f.distinguish(t, c, b)
		f.distinguish(t, b, c)
		pair := func(x, y kith.ID) [2]kith.ID {
			if slices.Compare(x[:], y[:]) > 0 {
				x, y = y, x
			}
			return [2]kith.ID{x, y}
		}
		equal(t, "pairs", pairs(), [][2]kith.ID{pair(b, c)})
		f.distinguish(t, a, c)
		f.merge(t, a, b)
		equal(t, "pairs of survivors", pairs(), [][2]kith.ID{pair(a, c)})
		f.merge(t, a, c)
		equal(t, "who was merged all the same", pairs(), [][2]kith.ID{})
		f.unmerge(t, c)
		f.unmerge(t, b)
		equal(t, "how many pairs", len(pairs()), 2)
		fails(t, "a contact and itself", f.Distinguish(t.Context(), a, a, t0), kith.ErrConflict)
		fails(t, "an unknown one", f.Distinguish(t.Context(), a, kith.NewID(t0), t0), kith.ErrNotFound)
		g := f.copy(t)
		if again, err := g.Distinct(t.Context()); err != nil || !slices.Equal(again, pairs()) {
			t.Errorf("the copy has %v, %v", again, err)
		}
	}},
	{"SettleBooks/a card that is gone takes nobody along who was merged with its contact", func(t *testing.T, f *fixture) {
		f.book(t, "Contacts", cards(card("1", "Ann", emails("ann@client.test")), card("2", "Anna", emails("anna@client.test"))))
		ann, anna, bob := f.found(t, "1")[0], f.found(t, "2")[0], f.person(t, "Bob", "bob@client.test")
		third := f.person(t, "A. Doe")
		f.record(t, "INBOX",
			seen("1", mail("1", linked(kith.RoleFrom, ann), hours(1))),
			seen("2", mail("2", linked(kith.RoleFrom, anna), hours(2))),
			seen("3", mail("3", linked(kith.RoleFrom, bob), linked(kith.RoleTo, anna), hours(3))))
		f.distinguish(t, ann, third)
		f.merge(t, ann, anna)
		f.merge(t, ann, bob)

		f.book(t, "Contacts", gone("2.vcf")) // who was merged
		f.settle(t, 1)
		equal(t, "timeline", f.subjects(t, ann), []string{"Offer 3", "Offer 2", "Offer 1"})
		equal(t, "its addresses", mustContact(t, f, ann).Emails, []string{"ann@client.test", "bob@client.test"})
		f.unmerge(t, bob)
		equal(t, "timeline of the one", f.subjects(t, ann), []string{"Offer 3", "Offer 2", "Offer 1"})
		equal(t, "timeline of the other", f.subjects(t, bob), []string{"Offer 3"})
		f.merge(t, ann, bob)

		f.book(t, "Contacts", gone("1.vcf")) // the survivor
		f.settle(t, 1)
		equal(t, "timeline of who survives", f.subjects(t, bob), []string{"Offer 3", "Offer 2", "Offer 1"})
		if c := mustContact(t, f, bob); c.MergedInto != nil || !slices.Equal(c.Emails, []string{"bob@client.test"}) {
			t.Errorf("who survives: %+v", c)
		}
		if links := f.byKey(t, "3").Links; len(links) != 1 || links[0].ContactID != bob || links[0].Via != nil {
			t.Errorf("links: %+v", links)
		}
		if pairs, err := f.Distinct(t.Context()); err != nil || len(pairs) != 1 || !slices.Contains(pairs[0][:], bob) {
			t.Errorf("who is not %s: %v, %v", bob, pairs, err)
		}
		f.copy(t)
	}},
	{"Load/merges that can't be", func(t *testing.T, f *fixture) {
		a, b := f.person(t, "A"), f.person(t, "B")
		f.merge(t, a, b)
		rows := f.dump(t)
		for why, row := range map[string]store.Row{
			"in a circle":               &store.MergedRow{Contact: a, Into: b},
			"an unknown one":            &store.MergedRow{Contact: kith.NewID(t0), Into: a},
			"into an unknown one":       &store.MergedRow{Contact: a, Into: kith.NewID(t0)},
			"two of whom one is no one": &store.DistinctRow{A: a, B: kith.NewID(t0), Since: t0},
		} {
			g := f.another(t)
			if _, err := g.Load(t.Context(), each(append(slices.Clone(rows), row))); err == nil {
				t.Errorf("%s: %v", why, err)
			}
		}
	}},
}
