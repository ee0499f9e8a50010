package storetest

import (
	"slices"
	"testing"

	"kith"
	"kith/store"
)

var lookBackTests = []test{
	{"Sought/addresses that become a contact's, in order, each time", func(t *testing.T, f *fixture) {
		f.sought(t, 0)
		ann := f.person(t, "Ann", "ann@client.test", "a@home.test")
		f.contact(t, kith.Contact{Type: kith.Company, Name: "Client Ltd", Emails: []string{"info@client.test"}, Phones: []string{"+3225551234"}})
		f.sought(t, 0, "ann@client.test", "a@home.test", "info@client.test")
		f.sought(t, 2, "info@client.test")
		f.person(t, "Ann", "ann@client.test", "third@client.test") // two are on file
		f.person(t, "Bo", "a@home.test")                           // he shares it
		f.sought(t, 3, "third@client.test", "a@home.test")
		c := f.lookUp(t, ann)
		c.Emails = []string{"a@home.test", "new@client.test"}
		f.update(t, c)
		f.sought(t, 0, "a@home.test", "info@client.test", "a@home.test", "new@client.test")
		f.update(t, c)
		if got := f.newest(t); got != 6 {
			t.Errorf("the newest is number %d, want 6", got)
		}
	}},
	{"Sought/a dry run seeks nothing, nor does an error", func(t *testing.T, f *fixture) {
		ann := []kith.Contact{{Name: "Ann", Emails: []string{"ann@client.test"}}}
		if _, err := f.PutContacts(t.Context(), ann, t0, true); err != nil {
			t.Fatal(err)
		}
		f.sought(t, 0)
		if _, err := f.PutContacts(t.Context(), append(ann, kith.Contact{}), t0, false); err == nil {
			t.Error("a contact of nothing was taken")
		}
		f.sought(t, 0)
		equal(t, "newest", f.newest(t), 0)
	}},
	{"Sought/who is never recorded is sought once that is over", func(t *testing.T, f *fixture) {
		ann := f.contact(t, kith.Contact{Name: "Ann", Emails: []string{"ann@client.test"}, NeverRecord: true})
		f.sought(t, 0)
		c := f.lookUp(t, ann)
		c.Emails = append(c.Emails, "a@home.test")
		f.update(t, c)
		f.sought(t, 0)
		c.NeverRecord = false
		f.update(t, c)
		f.sought(t, 0, "ann@client.test", "a@home.test")
	}},
	{"Sought/what no contact has any more is not looked for", func(t *testing.T, f *fixture) {
		ann := f.person(t, "Ann", "ann@client.test", "family@home.test")
		f.person(t, "Bo", "family@home.test")
		if err := f.RemoveContact(t.Context(), ann, t0); err != nil {
			t.Fatal(err)
		}
		f.sought(t, 0, "family@home.test", "family@home.test")
		equal(t, "newest", f.newest(t), 3)
	}},
	{"B15 Sought/a merge seeks nothing, for all addresses were known", func(t *testing.T, f *fixture) {
		ann, anna := f.person(t, "Ann", "ann@client.test"), f.person(t, "Anna", "anna@home.test")
		f.merge(t, ann, anna)
		equal(t, "newest, merged", f.newest(t), 2)
		c := f.lookUp(t, ann)
		c.Emails = append(c.Emails, "third@client.test")
		f.update(t, c)
		f.sought(t, 2, "third@client.test")
		f.unmerge(t, anna)
		equal(t, "newest, undone", f.newest(t), 3)
	}},
	{"Sought/whom a merge kept from being recorded, once that is over", func(t *testing.T, f *fixture) {
		for _, survives := range []bool{true, false} { // who is never recorded
			f := f.another(t)
			ann, never := f.person(t, "Ann", "ann@client.test"), f.contact(t, kith.Contact{Name: "Never", Emails: []string{"never@client.test"}, NeverRecord: true})
			survivor, merged := ann, never
			if survives {
				survivor, merged = never, ann
			}
			f.merge(t, survivor, merged)
			f.sought(t, 1)
			f.unmerge(t, merged)
			f.sought(t, 1, "ann@client.test")
			f.merge(t, survivor, merged)
			c := f.lookUp(t, survivor)
			c.NeverRecord = false
			f.update(t, c)
			f.sought(t, 2, c.Emails...)
			equal(t, "newest", f.newest(t), 4)
		}
	}},
	{"Sought/more than are kept", func(t *testing.T, f *fixture) {
		f.person(t, "Ann", "ann@client.test")
		many := make([]kith.Contact, store.SoughtKept)
		for i := range many {
			many[i] = kith.Contact{Name: numbered("p%d", i), Emails: []string{numbered("p%d@client.test", i)}}
		}
		if _, err := f.PutContacts(t.Context(), many, t0, false); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := f.Sought(t.Context(), 0); ok || err != nil {
			t.Errorf("one too many for each to be kept: %v, %v", ok, err)
		}
		all, ok, err := f.Sought(t.Context(), 1)
		if !ok || err != nil || len(all) != store.SoughtKept || all[0] != (kith.Sought{N: 2, Address: "p0@client.test"}) {
			t.Errorf("the newest: %d, %v, %v", len(all), ok, err)
		}
		f.person(t, "Late", "late@client.test")
		if _, ok, err := f.Sought(t.Context(), 1); ok || err != nil {
			t.Errorf("one more came: %v, %v", ok, err)
		}
	}},
	{"Record/how far the past was searched", func(t *testing.T, f *fixture) {
		owed := func(stream string, want int) {
			t.Helper()
			st := f.stream(t, stream)
			if got := st.LookBack(); got != want {
				t.Errorf("%s owes %d addresses, want %d: %+v", stream, got, want, st)
			}
		}
		f.person(t, "Ann", "ann@client.test")
		owed("INBOX", 0) // it was not read
		equal(t, "newest, of a stream that is not known", f.newest(t), 1)
		f.recording(t, "INBOX", kith.Recording{LookedBack: 1})
		f.recording(t, "Sent", kith.Recording{Recount: true})
		owed("INBOX", 0)
		owed("Sent", 1)
		f.person(t, "Bo", "bo@client.test", "b@client.test")
		owed("INBOX", 2)
		f.recording(t, "INBOX", kith.Recording{})
		owed("INBOX", 2)
		f.recording(t, "INBOX", kith.Recording{LookedBack: 2})
		f.recording(t, "INBOX", kith.Recording{LookedBack: 1}) // another was faster
		owed("INBOX", 1)
		owed("Sent", 3)
		f.accounts(t, "alice")
		statuses, err := f.AccountStatuses(t.Context())
		if err != nil || len(statuses) != 1 {
			t.Fatalf("%+v, %v", statuses, err)
		}
		for _, st := range statuses[0].Streams {
			if want := map[string]int{"INBOX": 1, "Sent": 3}[st.Name]; st.LookBack() != want {
				t.Errorf("status of %s: %+v, want %d owed", st.Name, st, want)
			}
		}
	}},
	{"B17 a new contact is linked to what is on file because of another", func(t *testing.T, f *fixture) {
		ann, bo := f.person(t, "Ann", "ann@client.test"), f.person(t, "Bo", "bo@client.test")
		f.record(t, "INBOX", seen("1", mail("1", byAddress(kith.RoleFrom, "ann@client.test", ann))))
		f.record(t, "INBOX", seen("1", mail("1", byAddress(kith.RoleFrom, "ann@client.test", ann), byAddress(kith.RoleCc, "bo@client.test", bo))))
		f.timelines(t, map[kith.ID][]string{ann: {"1"}, bo: {"1"}})
	}},
	{"B14 an address that moved: what happened before stays where it is", func(t *testing.T, f *fixture) {
		ann, bo := f.person(t, "Ann", "sales@client.test"), f.person(t, "Bo")
		f.record(t, "INBOX", seen("1", mail("1", byAddress(kith.RoleFrom, "sales@client.test", ann))))
		f.record(t, "INBOX", seen("1", mail("1", byAddress(kith.RoleFrom, "sales@client.test", bo))))
		f.record(t, "INBOX", seen("2", mail("2", byAddress(kith.RoleFrom, "sales@client.test", bo))))
		f.timelines(t, map[kith.ID][]string{ann: {"1"}, bo: {"2"}})
	}},
	{"B03 an address that is shared from now on", func(t *testing.T, f *fixture) {
		ann, bo := f.person(t, "Ann"), f.person(t, "Bo")
		f.record(t, "INBOX", seen("1", mail("1", byAddress(kith.RoleFrom, "family@home.test", ann))))
		f.record(t, "INBOX", seen("1", mail("1", byAddress(kith.RoleFrom, "family@home.test", ann, bo))))
		f.timelines(t, map[kith.ID][]string{ann: {"1"}, bo: {"1"}})
		for _, l := range f.byKey(t, "1").Links {
			if !l.Ambiguous {
				t.Errorf("%s is not ambiguous", l.ContactName)
			}
		}
	}},
	{"Record/a link by domain gives way to one by address", func(t *testing.T, f *fixture) {
		client, ann := f.contact(t, kith.Contact{Type: kith.Company, Name: "Client"}), f.person(t, "Ann")
		byDomain := func(i *kith.Interaction) {
			i.Links = append(i.Links, kith.Link{ContactID: client, Role: kith.RoleFrom, Matched: "ann@client.test", Rule: kith.LinkByDomain})
		}
		f.record(t, "INBOX", seen("1", mail("1", byDomain)), seen("2", mail("2", byDomain)), seen("3", mail("2", byAddress(kith.RoleFrom, "ann@client.test", ann))))
		f.record(t, "INBOX", seen("1", mail("1", byAddress(kith.RoleFrom, "ann@client.test", ann))))
		f.timelines(t, map[kith.ID][]string{ann: {"1", "2"}, client: nil})
		f.record(t, "INBOX", seen("1", mail("1", byDomain)))
		f.timelines(t, map[kith.ID][]string{ann: {"1", "2"}, client: nil})
	}},
	{"RemoveContact/links go to the company beside others by the same address", func(t *testing.T, f *fixture) {
		ann, bo := f.contact(t, kith.Contact{Name: "Ann", Company: "Client", Emails: []string{"office@client.test"}}), f.person(t, "Bo")
		f.record(t, "INBOX", seen("1", mail("1", byAddress(kith.RoleFrom, "office@client.test", ann, bo))))
		client := *f.lookUp(t, ann).CompanyID
		if err := f.RemoveContact(t.Context(), ann, t0); err != nil {
			t.Fatal(err)
		}
		f.timelines(t, map[kith.ID][]string{bo: {"1"}, client: {"1"}})
	}},
}

// byAddress links contacts that have an address.
func byAddress(role kith.ParticipantRole, address string, ids ...kith.ID) func(*kith.Interaction) {
	return func(i *kith.Interaction) {
		for _, id := range ids {
			i.Links = append(i.Links, kith.Link{ContactID: id, Role: role, Matched: address, Rule: kith.LinkByEmail, Ambiguous: len(ids) > 1})
		}
	}
}

// sought checks which addresses are looked for.
func (f *fixture) sought(t *testing.T, after int64, want ...string) {
	t.Helper()
	all, ok, err := f.Sought(t.Context(), after)
	if err != nil || !ok {
		t.Fatalf("Sought: %v, %v", ok, err)
	}
	var got []string
	last := after
	for _, s := range all {
		if s.N <= last {
			t.Errorf("number %d comes after %d", s.N, last)
		}
		last = s.N
		got = append(got, s.Address)
	}
	equal(t, "what is looked for", got, want)
}

func (f *fixture) newest(t *testing.T) int {
	t.Helper()
	return int(f.stream(t, "none").Sought)
}

func (f *fixture) stream(t *testing.T, name string) kith.StreamStatus {
	t.Helper()
	st, err := f.Stream(t.Context(), "alice", name)
	if err != nil {
		t.Fatal(err)
	}
	return st
}

// lookUp returns a contact.
func (f *fixture) lookUp(t *testing.T, id kith.ID) kith.Contact {
	t.Helper()
	c, err := f.Contact(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (f *fixture) update(t *testing.T, c kith.Contact) {
	t.Helper()
	if err := f.UpdateContact(t.Context(), c, t0); err != nil {
		t.Fatal(err)
	}
}

// timelines checks which mails contacts are linked to, both ways round.
func (f *fixture) timelines(t *testing.T, want map[kith.ID][]string) {
	t.Helper()
	for id, ids := range want {
		var got []string
		for _, i := range f.list(t, store.Filter{Contact: id}) {
			got = append(got, (*i.MessageID)[1:len(*i.MessageID)-len("@client.test>")])
			if !slices.ContainsFunc(i.Links, func(l kith.Link) bool { return l.ContactID == id }) {
				t.Errorf("%s is on the timeline of %s without a link", *i.MessageID, f.lookUp(t, id).Name)
			}
		}
		slices.Sort(got)
		equal(t, "timeline of "+f.lookUp(t, id).Name, got, ids)
	}
}
