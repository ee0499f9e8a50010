package storetest

import (
	"errors"
	"strings"
	"testing"

	"kith"
	"kith/store"
)

func (f *fixture) erase(t *testing.T, addresses ...string) {
	t.Helper()
	if err := f.EraseAddresses(t.Context(), addresses, t0); err != nil {
		t.Fatal(err)
	}
}

// refused tells whether contacts are refused, for the one in the row given.
func (f *fixture) refused(t *testing.T, row int, contacts ...kith.Contact) {
	t.Helper()
	_, err := f.PutContacts(t.Context(), contacts, t0, false)
	var refused *store.RowError
	if !errors.As(err, &refused) || refused.Row != row || !errors.Is(err, kith.ErrErased) {
		t.Errorf("PutContacts: %v, want row %d to be refused", err, row)
	}
}

var erasureTests = []test{
	{"H10 an erased address is known by digest alone, whoever has it", func(t *testing.T, f *fixture) {
		ann := f.person(t, "Ann", "ann@client.test", "ann@home.test")
		before, err := f.ContactsVersion(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		f.erase(t, "ann@client.test", "ghost@x.test", "+3225551234")
		if after, err := f.ContactsVersion(t.Context()); err != nil || after <= before {
			t.Errorf("the version was %d and is %d, %v", before, after, err)
		}
		erased := []kith.Match{{Erased: true}}
		equal(t, "matches", f.match(t, "ann@client.test", "ghost@x.test", "+3225551234", "ann@home.test", "bo@client.test"), map[string][]kith.Match{
			"ann@client.test": erased, "ghost@x.test": erased, "+3225551234": erased, "ann@home.test": {{ContactID: ann}},
		})
		for _, row := range f.dump(t) {
			if r, ok := row.(*store.ForgottenRow); ok && r.Why != kith.ForgottenErased {
				t.Errorf("%+v", r)
			}
		}
	}},
	{"H10 an erased address is in no suggestion, identity or look-back", func(t *testing.T, f *fixture) {
		f.recording(t, "INBOX", kith.Recording{Suggested: []kith.Correspondent{heard("ghost@x.test"), heard("other@x.test")}})
		f.person(t, "Ann", "ann@client.test")
		if _, err := f.DecideIdentity(t.Context(), "alias@x.test", kith.IdentityAccepted, "alice@example.test", t0); err != nil {
			t.Fatal(err)
		}
		equal(t, "exchanged", f.create(t, 9, true, wrote("one@x.test")), kith.Created{})
		f.erase(t, "ghost@x.test", "ann@client.test", "alias@x.test", "one@x.test")
		left := f.suggestions(t)
		if len(left) != 1 || left[0].Address != "other@x.test" {
			t.Errorf("suggestions: %+v", left)
		}
		f.sought(t, 0)
		if all, err := f.Identities(t.Context()); err != nil || len(all) != 0 {
			t.Errorf("identities: %+v, %v", all, err)
		}
		f.recording(t, "INBOX", kith.Recording{Suggested: []kith.Correspondent{heard("ghost@x.test")}})
		if left := f.suggestions(t); len(left) != 1 {
			t.Errorf("it is suggested again: %+v", left)
		}
		equal(t, "made of them", f.create(t, 9, true, heard("one@x.test"), wrote("one@x.test")), kith.Created{})
	}},
	{"H10 no contact gets an erased address", func(t *testing.T, f *fixture) {
		bob := f.person(t, "Bob", "bob@client.test")
		f.erase(t, "ann@client.test", "+3225551234")
		f.refused(t, 1, kith.Contact{Name: "Cy", Emails: []string{"cy@client.test"}}, kith.Contact{Name: "Ann", Emails: []string{"new@x.test", "ann@client.test"}})
		f.refused(t, 0, kith.Contact{Name: "Ann", Phones: []string{"+3225551234"}})
		if _, err := f.FindContacts(t.Context(), "cy@client.test"); err != nil {
			t.Error(err)
		}
		f.contact(t, kith.Contact{Name: "Bob", Emails: []string{"bob@client.test", "ann@client.test", "bob@home.test"}})
		equal(t, "one on file", mustContact(t, f, bob).Emails, []string{"bob@client.test", "bob@home.test"})
		c := mustContact(t, f, bob)
		c.Emails = append(c.Emails, "ann@client.test")
		fails(t, "UpdateContact", f.UpdateContact(t.Context(), c, t0), kith.ErrErased)
		equal(t, "after the refused change", mustContact(t, f, bob).Emails, []string{"bob@client.test", "bob@home.test"})
	}},
	{"H10 a card with an erased address makes no contact, and what it said is gone", func(t *testing.T, f *fixture) {
		equal(t, "made", f.book(t, "work", cards(card("1", "Ann", emails("ann@client.test")), card("2", "Bob", emails("bob@client.test", "both@client.test")))), kith.BookRecorded{Created: 2})
		ann, err := f.FindContacts(t.Context(), "ann@client.test")
		if err != nil {
			t.Fatal(err)
		}
		f.erase(t, "ann@client.test", "both@client.test")
		if err := f.RemoveContact(t.Context(), ann[0].ID, t0); err != nil {
			t.Fatal(err)
		}
		for _, uid := range []string{"1", "2"} {
			ties, err := f.CardTies(t.Context(), "books", "work", uid+".vcf")
			if err != nil || len(ties) != 1 {
				t.Fatalf("ties of %s: %+v, %v", uid, ties, err)
			}
			if strings.Contains(ties[0].Facts, "ann@client.test") || strings.Contains(ties[0].Facts, "both@client.test") {
				t.Errorf("what card %s said is still there: %s", uid, ties[0].Facts)
			}
		}
		equal(t, "another card of hers", f.book(t, "work", cards(card("3", "Ann again", emails("ann@client.test")), card("2", "Bob", emails("bob@client.test", "both@client.test")))),
			kith.BookRecorded{Erased: 1, Updated: 0, Unchanged: 1})
		equal(t, "and again", f.book(t, "work", cards(card("3", "Ann again", emails("ann@home.test")))), kith.BookRecorded{Erased: 1})
	}},
	{"H10 an address that is readmitted is anybody's", func(t *testing.T, f *fixture) {
		f.erase(t, "ann@client.test", "ann@client.test")
		for _, want := range []int{1, 0} {
			if n, err := f.ReadmitAddresses(t.Context(), []string{"ann@client.test", "bob@client.test"}); err != nil || n != want {
				t.Errorf("%d, %v, want %d", n, err, want)
			}
		}
		ann := f.person(t, "Ann", "ann@client.test")
		equal(t, "matches", f.match(t, "ann@client.test"), map[string][]kith.Match{"ann@client.test": {{ContactID: ann}}})
	}},
	{"H10 what is erased stays so in a copy of the register", func(t *testing.T, f *fixture) {
		f.erase(t, "ann@client.test")
		g := f.copy(t)
		g.refused(t, 0, kith.Contact{Name: "Ann", Emails: []string{"ann@client.test"}})
	}},
	{"Scrub/what is on file stays", func(t *testing.T, f *fixture) {
		ann := f.person(t, "Ann", "ann@client.test")
		f.record(t, "INBOX", seen("1", mail("1", linked(kith.RoleFrom, ann))))
		before := f.dump(t)
		if err := f.Scrub(t.Context()); err != nil {
			t.Fatal(err)
		}
		equal(t, "the register", f.dump(t), before)
	}},
}
