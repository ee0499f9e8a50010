package storetest

import (
	"slices"
	"testing"
	"time"

	"kith"
	"kith/store"
)

func correspondent(address string, ways kith.Ways) kith.Correspondent {
	return kith.Correspondent{Address: address, Name: "N", Ways: ways, At: t0}
}

func heard(address string) kith.Correspondent { return correspondent(address, kith.WayIn) }
func wrote(address string) kith.Correspondent { return correspondent(address, kith.WayOut) }
func mass(address string) kith.Correspondent  { return correspondent(address, kith.WayMass) }

// create makes contacts and returns what came of it.
func (f *fixture) create(t *testing.T, room int, exchanged bool, who ...kith.Correspondent) kith.Created {
	t.Helper()
	created, err := f.CreateContacts(t.Context(), kith.Creation{Account: "alice", Correspondents: who, Exchanged: exchanged, Room: room, At: t0})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

// addresses returns the addresses of all contacts, sorted.
func (f *fixture) addresses(t *testing.T) (all []string) {
	t.Helper()
	for c, err := range f.Contacts(t.Context(), store.ContactFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c.Emails...)
	}
	slices.Sort(all)
	return all
}

func (f *fixture) suggestions(t *testing.T) (all []kith.Suggestion) {
	t.Helper()
	for s, err := range f.Suggestions(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	return all
}

var strangerTests = []test{
	{"G01 G02 whom we wrote to becomes a contact, who wrote to us does not", func(t *testing.T, f *fixture) {
		equal(t, "created", f.create(t, 9, false, wrote("a@x.test"), heard("b@x.test"), wrote("a@x.test")), kith.Created{New: 1})
		equal(t, "contacts", f.addresses(t), []string{"a@x.test"})
		f.sought(t, 0, "a@x.test")
		c, err := f.FindContacts(t.Context(), "a@x.test")
		if err != nil || len(c) != 1 || c[0].Type != kith.Person || c[0].Source != "capture" || c[0].Name != "N" {
			t.Errorf("%+v, %v", c, err)
		}
		equal(t, "again", f.create(t, 9, false, wrote("a@x.test")), kith.Created{})
	}},
	{"G02 exchanged: once mail went both ways, in any order", func(t *testing.T, f *fixture) {
		equal(t, "one way", f.create(t, 9, true, wrote("a@x.test"), heard("b@x.test")), kith.Created{})
		equal(t, "the same way again", f.create(t, 9, true, wrote("a@x.test"), heard("b@x.test")), kith.Created{})
		equal(t, "contacts", f.addresses(t), []string(nil))
		equal(t, "the other way", f.create(t, 9, true, heard("a@x.test"), wrote("b@x.test")), kith.Created{New: 2})
		equal(t, "both at once", f.create(t, 9, true, heard("c@x.test"), wrote("c@x.test")), kith.Created{New: 1})
		equal(t, "contacts", f.addresses(t), []string{"a@x.test", "b@x.test", "c@x.test"})
	}},
	{"G03 G04 G07 mass mail, and roles: never", func(t *testing.T, f *fixture) {
		role := wrote("info@x.test")
		role.Role = true
		for _, exchanged := range []bool{false, true} {
			equal(t, "created", f.create(t, 9, exchanged, mass("news@x.test"), wrote("news@x.test"), heard("news@x.test"), role), kith.Created{})
			equal(t, "later", f.create(t, 9, exchanged, wrote("news@x.test"), heard("news@x.test")), kith.Created{})
		}
	}},
	{"G09 what was removed or rejected stays away, until somebody adds it", func(t *testing.T, f *fixture) {
		if err := f.RemoveContact(t.Context(), f.person(t, "Ann", "a@x.test"), t0); err != nil {
			t.Fatal(err)
		}
		if err := f.RejectSuggestion(t.Context(), "b@x.test", t0); err != nil {
			t.Fatal(err)
		}
		equal(t, "created", f.create(t, 9, false, wrote("a@x.test"), wrote("b@x.test")), kith.Created{})
		f.recording(t, "INBOX", kith.Recording{Suggested: []kith.Correspondent{heard("a@x.test"), heard("b@x.test")}})
		equal(t, "suggestions", f.suggestions(t), []kith.Suggestion(nil))
		g := f.copy(t)
		equal(t, "created in a copy", g.create(t, 9, false, wrote("a@x.test"), wrote("b@x.test")), kith.Created{})
		ann := f.person(t, "Ann", "a@x.test")
		c := f.lookUp(t, ann)
		c.Emails = []string{"b@x.test"}
		f.update(t, c)
		c.Emails = []string{"c@x.test"}
		f.update(t, c)
		equal(t, "created", f.create(t, 9, false, wrote("a@x.test"), wrote("b@x.test")), kith.Created{New: 2})
	}},
	{"G10 no more than there is room for, and that is noted", func(t *testing.T, f *fixture) {
		f.accounts(t, "alice")
		equal(t, "created", f.create(t, 2, false, wrote("a@x.test"), wrote("b@x.test"), wrote("c@x.test")), kith.Created{New: 2, LeftOut: 1})
		equal(t, "no room", f.create(t, 0, false, wrote("c@x.test")), kith.Created{LeftOut: 1})
		equal(t, "contacts", f.addresses(t), []string{"a@x.test", "b@x.test"})
		statuses, err := f.AccountStatuses(t.Context())
		if err != nil || len(statuses) != 1 || !statuses[0].CappedAt.Equal(t0) {
			t.Errorf("%+v, %v", statuses, err)
		}
	}},
	{"G11 several at once make one contact", func(t *testing.T, f *fixture) {
		for round := range 5 {
			a := numbered("p%d@x.test", round)
			atOnce(6, func(int) {
				if _, err := f.CreateContacts(t.Context(), kith.Creation{Account: "alice", Correspondents: []kith.Correspondent{wrote(a)}, Room: 9, At: t0}); err != nil {
					t.Error(err)
				}
			})
			found, err := f.FindContacts(t.Context(), a)
			if err != nil || len(found) != 1 {
				t.Errorf("%d contacts, %v", len(found), err)
			}
		}
	}},
	{"Suggestions/added up over streams, and anew when one is read again", func(t *testing.T, f *fixture) {
		later := t0.Add(time.Hour)
		f.recording(t, "INBOX", kith.Recording{Suggested: []kith.Correspondent{
			{Address: "a@x.test", Name: "Ann", Ways: kith.WayIn, At: later}, {Address: "a@x.test", Name: "Ann Doe", Ways: kith.WayIn, At: t0}, heard("b@x.test"),
		}})
		f.recording(t, "Sent", kith.Recording{Suggested: []kith.Correspondent{{Address: "a@x.test", Ways: kith.WayOut, At: t0}}})
		f.recording(t, "INBOX", kith.Recording{Suggested: []kith.Correspondent{{Address: "a@x.test", Name: "A", Ways: kith.WayIn, At: later.Add(time.Hour)}}})
		equal(t, "suggestions", f.suggestions(t), []kith.Suggestion{
			{Address: "a@x.test", Name: "Ann Doe", Inbound: 3, Outbound: 1, FirstSeen: t0, LastSeen: later.Add(time.Hour)},
			{Address: "b@x.test", Name: "N", Inbound: 1, FirstSeen: t0, LastSeen: t0},
		})
		f.recording(t, "INBOX", kith.Recording{Recount: true, Suggested: []kith.Correspondent{heard("a@x.test")}})
		equal(t, "read again", f.suggestions(t), []kith.Suggestion{{Address: "a@x.test", Name: "N", Inbound: 1, Outbound: 1, FirstSeen: t0, LastSeen: t0}})
	}},
	{"Suggestions/who is a contact or becomes one is none", func(t *testing.T, f *fixture) {
		f.person(t, "Ann", "a@x.test")
		f.recording(t, "INBOX", kith.Recording{Suggested: []kith.Correspondent{heard("a@x.test"), heard("b@x.test"), heard("c@x.test"), heard("d@x.test")}})
		bo := f.lookUp(t, f.person(t, "Bo", "b@x.test"))
		bo.Emails = append(bo.Emails, "c@x.test")
		f.update(t, bo)
		if all := f.suggestions(t); len(all) != 1 || all[0].Address != "d@x.test" {
			t.Errorf("suggestions: %+v", all)
		}
		if n, err := f.ForgetStrangers(t.Context(), false, false); n != 0 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
		f.create(t, 9, true, heard("e@x.test"))
		if n, err := f.ForgetStrangers(t.Context(), true, true); n != 2 || err != nil || len(f.suggestions(t)) != 0 {
			t.Errorf("%d, %v", n, err)
		}
	}},
}
