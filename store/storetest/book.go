package storetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kith"
	"kith/store"
)

// card makes a card of a person.
func card(uid, name string, edits ...func(*kith.Contact)) kith.Card {
	c := kith.Card{Ref: uid + ".vcf", Contact: kith.Contact{Type: kith.Person, ExternalID: uid, Name: name}}
	for _, edit := range edits {
		edit(&c.Contact)
	}
	return c
}

func emails(list ...string) func(*kith.Contact) { return func(c *kith.Contact) { c.Emails = list } }
func neverRecord(c *kith.Contact)               { c.NeverRecord = true }

func tags(list ...string) func(*kith.Contact)   { return func(c *kith.Contact) { c.Tags = list } }
func worksFor(name string) func(*kith.Contact)  { return func(c *kith.Contact) { c.Company = name } }
func titled(title string) func(*kith.Contact)   { return func(c *kith.Contact) { c.Title = title } }
func isCompany(c *kith.Contact)                 { c.Type = kith.Company }
func cards(all ...kith.Card) kith.BookRecording { return kith.BookRecording{Cards: all} }
func gone(refs ...string) kith.BookRecording    { return kith.BookRecording{Gone: refs} }
func at2(ref string, card kith.Card) kith.Card  { card.Ref = ref; return card }
func group(name string, uids ...string) kith.CardGroup {
	return kith.CardGroup{Ref: "group-" + name + ".vcf", UID: "group-" + name, Name: name, Members: uids}
}

// book records into a book of account "books", on from wherever it stands.
func (f *fixture) book(t *testing.T, stream string, rec kith.BookRecording) kith.BookRecorded {
	t.Helper()
	done, _ := f.tryBook(t, stream, rec, false)
	return done
}

func (f *fixture) tryBook(t *testing.T, stream string, rec kith.BookRecording, dryRun bool) (kith.BookRecorded, []string) {
	t.Helper()
	if rec.Account == "" {
		rec.Account = "books"
	}
	rec.Stream = stream
	status, err := f.Stream(t.Context(), rec.Account, stream)
	if err != nil {
		t.Fatal(err)
	}
	rec.Base = status.Cursor
	rec.Next = rec.Base + "x"
	if rec.At.IsZero() {
		rec.At = t0
	}
	var told []string
	done, err := f.RecordBook(t.Context(), rec, dryRun, func(c kith.CardChange) { told = append(told, fmt.Sprint(c.Outcome, " ", c.Ref)) })
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(told)
	return done, told
}

// settle settles the books, and checks how many contacts go.
func (f *fixture) settle(t *testing.T, want int) {
	t.Helper()
	all := 0
	for {
		ended, removed, err := f.SettleBooks(t.Context(), "books", t0.Add(time.Hour), t0, 2)
		if err != nil {
			t.Fatal(err)
		}
		if all += removed; ended == 0 {
			break
		}
	}
	if all != want {
		t.Errorf("%d contacts were removed, want %d", all, want)
	}
}

// who shows the contacts: name, addresses, company, tags.
func (f *fixture) who(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, c := range f.everybody(t) {
		line := c.Name
		for _, part := range [][]string{store.Addresses(&c), {c.Company}, c.Tags} {
			if text := strings.Join(part, " "); text != "" {
				line += " | " + text
			}
		}
		all = append(all, line)
		for _, a := range store.Addresses(&c) {
			matches, err := f.MatchAddresses(t.Context(), []string{a})
			if err != nil || !slices.ContainsFunc(matches[a], func(m kith.Match) bool { return m.ContactID == c.ID }) {
				t.Errorf("%s is not found by %s: %v, %v", c.Name, a, matches, err)
			}
		}
	}
	return all
}

func (f *fixture) whoIs(t *testing.T, what string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, f.who(t), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("contacts %s (-want +got):\n%s", what, diff)
	}
}

func (f *fixture) byExternal(t *testing.T, uid string) kith.Contact {
	t.Helper()
	found, err := f.FindContacts(t.Context(), uid)
	if err != nil || len(found) != 1 {
		t.Fatalf("FindContacts(%s): %v, %v", uid, found, err)
	}
	return found[0]
}

func (f *fixture) version(t *testing.T) int64 {
	t.Helper()
	v, err := f.ContactsVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func (f *fixture) unmatched(t *testing.T, address string) {
	t.Helper()
	if m, err := f.MatchAddresses(t.Context(), []string{address}); err != nil || len(m) > 0 {
		t.Errorf("%s is still matched: %v, %v", address, m, err)
	}
}

func (f *fixture) cardRefs(t *testing.T, stream string) []string {
	t.Helper()
	var all []string
	for ref, err := range f.CardRefs(t.Context(), "books", stream) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ref)
	}
	slices.Sort(all)
	return all
}

var bookTests = []test{
	{"RecordBook/cards become contacts, and follow their cards", func(t *testing.T, f *fixture) {
		equal(t, "first", f.book(t, "work", cards(
			card("1", "Ann Doe", emails("ann@client.test", "a@home.test"), worksFor("Acme"), titled("CEO"), tags("vip")),
			card("2", "Bob", emails("bob@client.test")),
		)), kith.BookRecorded{Created: 2})
		ann := f.byExternal(t, "1")
		if ann.Source != "books" || ann.Title != "CEO" {
			t.Errorf("Ann: %+v", ann)
		}
		f.whoIs(t, "at first", "Acme", "Ann Doe | ann@client.test a@home.test | Acme | vip", "Bob | bob@client.test")
		version := f.version(t)
		equal(t, "again", f.book(t, "work", cards(
			card("1", "Ann Doe", emails("ann@client.test", "a@home.test"), worksFor("Acme"), titled("CEO"), tags("vip")),
		)), kith.BookRecorded{Unchanged: 1})
		equal(t, "renamed", f.book(t, "work", cards(
			card("1", "Ann Roe", emails("ann@client.test", "a@home.test"), worksFor("Acme"), tags("vip")),
		)), kith.BookRecorded{Updated: 1})
		equal(t, "version after another name", f.version(t), version)
		f.book(t, "work", cards(card("1", "Ann Roe", emails("ann@client.test", "ann@new.test"), tags("friend"))))
		f.whoIs(t, "changed", "Acme", "Ann Roe | ann@client.test ann@new.test | friend", "Bob | bob@client.test")
		f.unmatched(t, "a@home.test")
		if f.version(t) == version {
			t.Error("the version did not grow with an address")
		}
		got := f.byExternal(t, "1")
		if got.ID != ann.ID || got.Title != "" {
			t.Errorf("Ann became %+v", got)
		}
		status, err := f.Stream(t.Context(), "books", "work")
		if err != nil || status.Recorded != 2 || status.Cursor != "xxxx" {
			t.Errorf("stream %+v, %v", status, err)
		}
	}},
	{"RecordBook/what was set by hand stays", func(t *testing.T, f *fixture) {
		f.book(t, "work", cards(card("1", "Ann", emails("ann@client.test"), tags("vip"))))
		ann := f.byExternal(t, "1")
		ann.NeverRecord, ann.Archived, ann.Owner, ann.Title = true, true, "alice@example.test", "Boss"
		ann.Tags, ann.Emails = []string{"mine"}, append(ann.Emails, "byhand@client.test")
		if err := f.UpdateContact(t.Context(), ann, t0); err != nil {
			t.Fatal(err)
		}
		f.book(t, "work", cards(card("1", "Ann Doe", emails("ann@new.test"), tags("vip", "new"))))
		got := f.byExternal(t, "1")
		if !got.NeverRecord || !got.Archived || got.Owner != "alice@example.test" || got.Title != "Boss" {
			t.Errorf("Ann became %+v", got)
		}
		f.whoIs(t, "after the card changed", "Ann Doe | byhand@client.test ann@new.test | mine new")
	}},
	{"RecordBook/a stale cursor writes nothing, and no time is an error", func(t *testing.T, f *fixture) {
		f.book(t, "work", cards(card("1", "Ann")))
		_, err := f.RecordBook(t.Context(), kith.BookRecording{Account: "books", Stream: "work", Next: "y", At: t0, Cards: cards(card("2", "Bob")).Cards}, false, nil)
		fails(t, "RecordBook", err, kith.ErrStaleCursor)
		f.whoIs(t, "after it", "Ann")
		if _, err := f.RecordBook(t.Context(), kith.BookRecording{Account: "books", Stream: "work", Base: "x"}, false, nil); err == nil {
			t.Error("a recording without its time")
		}
		_, err = f.RecordBook(done(t), kith.BookRecording{Account: "books", Stream: "work", Base: "x", At: t0}, false, nil)
		fails(t, "RecordBook", err, context.Canceled)
	}},
	{"B17 RecordBook/addresses of cards are looked for, in mail alone", func(t *testing.T, f *fixture) {
		f.recording(t, "INBOX", kith.Recording{})
		f.book(t, "work", cards(card("1", "Ann", emails("ann@client.test")), card("2", "Bob", emails("bob@client.test"), neverRecord)))
		f.sought(t, 0, "ann@client.test")
		f.book(t, "work", cards(card("1", "Ann Doe", emails("ann@new.test", "ann@client.test"))))
		f.sought(t, 1, "ann@new.test")
		f.book(t, "work", cards(card("1", "Ann Doe", emails("ann@client.test"))))
		f.sought(t, 0, "ann@client.test")
		for account, want := range map[string]int{"alice": 2, "books": 0} {
			stream := map[string]string{"alice": "INBOX", "books": "work"}[account]
			status, err := f.Stream(t.Context(), account, stream)
			if err != nil || status.LookBack() != want || status.Cursor == "" {
				t.Errorf("%s owes %d addresses, want %d; %v", stream, status.LookBack(), want, err)
			}
		}
	}},
	{"SettleBooks/whom one that is never recorded was merged with is looked for when its card goes", func(t *testing.T, f *fixture) {
		f.book(t, "work", cards(card("1", "Never", emails("never@client.test"), neverRecord)))
		f.merge(t, f.byExternal(t, "1").ID, f.person(t, "Ann", "ann@client.test"))
		f.book(t, "work", gone("1.vcf"))
		f.settle(t, 1)
		f.sought(t, 1, "ann@client.test")
	}},
	{"SettleBooks/a card that is gone takes its contact along, links go to the company", func(t *testing.T, f *fixture) {
		f.book(t, "work", cards(card("1", "Ann", emails("ann@client.test"), worksFor("Acme")), card("2", "Bob", emails("bob@client.test"))))
		ann := f.byExternal(t, "1")
		f.record(t, "INBOX", seen("1", mail("1", linked(kith.RoleFrom, ann.ID))))
		equal(t, "gone", f.book(t, "work", gone("1.vcf", "none.vcf")), kith.BookRecorded{Gone: 1})
		f.whoIs(t, "before the end of the run", "Acme", "Ann | ann@client.test | Acme", "Bob | bob@client.test")
		equal(t, "refs", f.cardRefs(t, "work"), []string{"2.vcf"})
		version := f.version(t)
		f.settle(t, 1)
		f.whoIs(t, "after it", "Acme", "Bob | bob@client.test")
		f.unmatched(t, "ann@client.test")
		if f.version(t) == version {
			t.Error("the version did not grow")
		}
		links := f.byKey(t, "1").Links
		if len(links) != 1 || links[0].ContactID != *ann.CompanyID {
			t.Errorf("links: %+v", links)
		}
		f.settle(t, 0)
		if _, removed, err := f.SettleBooks(t.Context(), "others", t0, t0, 10); err != nil || removed != 0 {
			t.Error(removed, err)
		}
		f.book(t, "work", cards(card("1", "Ann", emails("ann@client.test"))))
		f.whoIs(t, "when it is back", "Acme", "Ann | ann@client.test", "Bob | bob@client.test")
	}},
	{"SettleBooks/a card that moves stays one contact", func(t *testing.T, f *fixture) {
		f.book(t, "work", cards(card("1", "Ann", emails("ann@client.test", "old@client.test"))))
		id := f.byExternal(t, "1").ID
		for _, step := range []struct {
			why    string
			stream string
			rec    kith.BookRecording
		}{
			{"to another ref, at once", "work", kith.BookRecording{Cards: []kith.Card{at2("x.vcf", card("1", "Ann", emails("ann@client.test")))}, Gone: []string{"1.vcf"}}},
			{"it is gone first", "work", gone("x.vcf")},
			{"and then in another book", "home", cards(card("1", "Ann D", emails("ann@client.test")))},
			{"and copied", "work", cards(card("1", "Ann D", emails("ann@client.test")))},
			{"and one copy is gone", "home", gone("1.vcf")},
		} {
			f.book(t, step.stream, step.rec)
			if step.why == "it is gone first" {
				continue // the run goes on
			}
			f.settle(t, 0)
			if got := f.byExternal(t, "1"); got.ID != id || !slices.Equal(got.Emails, []string{"ann@client.test"}) {
				t.Errorf("%s: %+v", step.why, got)
			}
		}
		equal(t, "books", mustBooks(t, f), []string{"work"})
		f.book(t, "work", gone("1.vcf"))
		f.settle(t, 1)
		equal(t, "books", mustBooks(t, f), []string(nil))
	}},
	{"RecordBook/a resource that holds another card, or several", func(t *testing.T, f *fixture) {
		f.book(t, "work", cards(at2("a.vcf", card("1", "Ann")), at2("a.vcf", card("2", "Bob")), at2("b.vcf", card("3", "Cy"))))
		f.book(t, "work", cards(at2("a.vcf", card("2", "Bob")), at2("a.vcf", card("4", "Dee"))))
		f.settle(t, 1)
		f.whoIs(t, "after another card", "Bob", "Cy", "Dee")
		f.book(t, "work", kith.BookRecording{Ignored: []string{"b.vcf"}})
		f.settle(t, 1)
		f.whoIs(t, "after it is none", "Bob", "Dee")
		f.book(t, "work", kith.BookRecording{Cards: []kith.Card{at2("a.vcf", card("2", "Bob"))}, Quarantined: []kith.Failure{{Ref: "a.vcf", Cause: "half of it"}}})
		f.settle(t, 0)
		f.whoIs(t, "after a part could not be read", "Bob", "Dee")
	}},
	{"RecordBook/the contact of another source is added to, and stays", func(t *testing.T, f *fixture) {
		ann := f.contact(t, kith.Contact{Source: "csv", ExternalID: "C1", Name: "Ann Doe", Emails: []string{"ann@client.test"}, Company: "Acme"})
		equal(t, "tied", f.book(t, "work", cards(card("1", "Ann D.", emails("ann@client.test", "a@home.test"), worksFor("Globex"), titled("CEO"), tags("vip")))), kith.BookRecorded{Updated: 1})
		f.whoIs(t, "tied", "Acme", "Ann Doe | ann@client.test a@home.test | Acme | vip")
		f.book(t, "work", cards(card("1", "Ann D.", emails("a@new.test"), titled("CFO"))))
		f.whoIs(t, "changed", "Acme", "Ann Doe | ann@client.test a@new.test | Acme")
		got := mustContact(t, f, ann)
		if got.Source != "csv" || got.ExternalID != "C1" || got.Title != "CFO" {
			t.Errorf("Ann became %+v", got)
		}
		f.book(t, "work", gone("1.vcf"))
		f.settle(t, 0)
		f.whoIs(t, "untied", "Acme", "Ann Doe | ann@client.test a@new.test | Acme")
		ties, err := f.CardTies(t.Context(), "books", "work", "1.vcf")
		if err != nil || len(ties) != 0 {
			t.Error(ties, err)
		}
	}},
	{"B03 RecordBook/cards that share an address are several contacts", func(t *testing.T, f *fixture) {
		f.contact(t, kith.Contact{Source: "csv", Name: "Ann", Emails: []string{"family@client.test"}})
		f.book(t, "work", cards(card("1", "Ann", emails("family@client.test")), card("2", "Bob", emails("family@client.test")), card("3", "Cy", emails("family@client.test"))))
		f.whoIs(t, "of one mailbox", "Ann | family@client.test", "Bob | family@client.test", "Cy | family@client.test")
		f.settle(t, 0)
	}},
	{"RecordBook/a card that comes back under another UID", func(t *testing.T, f *fixture) {
		f.book(t, "work", cards(card("1", "Ann", emails("ann@client.test"))))
		id := f.byExternal(t, "1").ID
		f.book(t, "work", kith.BookRecording{Cards: []kith.Card{card("2", "Ann", emails("ann@client.test"))}, Gone: []string{"1.vcf"}})
		f.settle(t, 0)
		if got := f.byExternal(t, "2"); got.ID != id {
			t.Errorf("%v became %+v", id, got)
		}
	}},
	{"RecordBook/two accounts with the same person", func(t *testing.T, f *fixture) {
		f.book(t, "work", cards(card("1", "Ann", emails("ann@client.test", "a@home.test"))))
		f.book(t, "theirs", kith.BookRecording{Account: "others", Cards: []kith.Card{card("7", "Ann", emails("ann@client.test"))}})
		f.whoIs(t, "in both", "Ann | ann@client.test a@home.test")
		f.book(t, "work", gone("1.vcf"))
		f.settle(t, 0)
		f.whoIs(t, "in the other", "Ann | ann@client.test")
		if got := f.byExternal(t, "7"); got.Source != "others" {
			t.Errorf("it did not become the other's: %+v", got)
		}
	}},
	{"RecordBook/groups give tags, and take them back", func(t *testing.T, f *fixture) {
		f.book(t, "work", kith.BookRecording{
			Cards:  []kith.Card{card("1", "Ann", tags("friend")), card("2", "Bob"), card("3", "Cy")},
			Groups: []kith.CardGroup{group("Team", "1", "2", "4"), group("Choir", "2")},
		})
		f.whoIs(t, "in groups", "Ann | friend Team", "Bob | Team Choir", "Cy")
		bob := f.byExternal(t, "2")
		bob.Tags = append(bob.Tags, "mine")
		if err := f.UpdateContact(t.Context(), bob, t0); err != nil {
			t.Fatal(err)
		}
		f.book(t, "work", kith.BookRecording{Groups: []kith.CardGroup{group("Team", "1", "3", "4")}})
		f.whoIs(t, "after one left and one joined", "Ann | friend Team", "Bob | Choir mine", "Cy | Team")
		f.book(t, "home", cards(card("4", "Dee")))
		f.whoIs(t, "after a member came late, in another book", "Ann | friend Team", "Bob | Choir mine", "Cy | Team", "Dee | Team")
		f.book(t, "work", cards(card("1", "Ann Doe")))
		f.whoIs(t, "after the card of a member changed", "Ann Doe | Team", "Bob | Choir mine", "Cy | Team", "Dee | Team")
		renamed := group("Team", "1", "3", "4")
		renamed.Name = "Crew"
		f.book(t, "work", kith.BookRecording{Groups: []kith.CardGroup{renamed}})
		f.whoIs(t, "after another name", "Ann Doe | Crew", "Bob | Choir mine", "Cy | Crew", "Dee | Crew")
		equal(t, "refs", f.cardRefs(t, "work"), []string{"1.vcf", "2.vcf", "3.vcf", "group-Choir.vcf", "group-Team.vcf"})
		f.book(t, "work", gone("group-Team.vcf"))
		f.settle(t, 0)
		f.whoIs(t, "after the group is gone", "Ann Doe", "Bob | Choir mine", "Cy", "Dee")
	}},
	{"RecordBook/a group tags the contact of another source, and takes back no more", func(t *testing.T, f *fixture) {
		f.contact(t, kith.Contact{Source: "csv", Name: "Ann", Emails: []string{"ann@client.test"}, Tags: []string{"Choir"}})
		f.book(t, "work", kith.BookRecording{
			Cards: []kith.Card{card("1", "Ann", emails("ann@client.test"))}, Groups: []kith.CardGroup{group("Team", "1"), group("Choir", "1")},
		})
		f.whoIs(t, "tagged", "Ann | ann@client.test | Choir Team")
		f.book(t, "work", gone("group-Team.vcf", "group-Choir.vcf"))
		f.whoIs(t, "without the groups", "Ann | ann@client.test | Choir")
	}},
	{"RecordBook/members of a company's card", func(t *testing.T, f *fixture) {
		acme := card("acme", "Acme", isCompany)
		org := func(uids ...string) kith.BookRecording {
			return kith.BookRecording{Cards: []kith.Card{acme}, Groups: []kith.CardGroup{{Ref: acme.Ref, UID: "acme", Name: "Acme", Org: true, Members: uids}}}
		}
		rec := org("1", "2")
		rec.Cards = []kith.Card{card("1", "Ann"), card("2", "Bob", worksFor("Globex")), acme}
		f.book(t, "work", rec)
		f.whoIs(t, "at first", "Acme", "Ann | Acme", "Bob | Globex", "Globex")
		f.book(t, "work", org("2"))
		f.whoIs(t, "after one left", "Acme", "Ann", "Bob | Globex", "Globex")
		f.book(t, "work", org("1"))
		f.book(t, "work", gone("acme.vcf"))
		f.settle(t, 1)
		f.whoIs(t, "without the company", "Ann", "Bob | Globex", "Globex")
	}},
	{"RecordBook/the company that its people made becomes that of its card", func(t *testing.T, f *fixture) {
		f.book(t, "work", cards(card("1", "Ann", worksFor("Acme"))))
		equal(t, "the card", f.book(t, "work", cards(card("acme", "ACME", isCompany, emails("info@client.test")))), kith.BookRecorded{Updated: 1})
		f.whoIs(t, "of a company", "ACME | info@client.test", "Ann | ACME")
	}},
	{"RecordBook/a card that becomes another type", func(t *testing.T, f *fixture) {
		f.book(t, "work", cards(card("x", "Acme", isCompany), card("1", "Ann", worksFor("Acme"))))
		id := f.byExternal(t, "x").ID
		f.book(t, "work", cards(card("x", "Acme", worksFor("Globex"))))
		got := f.byExternal(t, "x")
		if got.ID != id || got.Type != kith.Person || got.Company != "Globex" {
			t.Errorf("it became %+v", got)
		}
		f.whoIs(t, "as a person", "Acme | Globex", "Ann", "Globex")
		f.book(t, "work", cards(card("x", "Acme", isCompany)))
		f.whoIs(t, "as a company again", "Acme", "Ann", "Globex")
	}},
	{"B16 RecordBook/who was removed by hand stays removed while the card is there", func(t *testing.T, f *fixture) {
		f.book(t, "work", cards(card("1", "Ann", emails("ann@client.test"))))
		if err := f.RemoveContact(t.Context(), f.byExternal(t, "1").ID, t0); err != nil {
			t.Fatal(err)
		}
		equal(t, "changed", f.book(t, "work", cards(card("1", "Ann Doe", emails("ann@client.test")))), kith.BookRecorded{Erased: 1})
		equal(t, "moved", f.book(t, "home", cards(card("1", "Ann Doe", emails("ann@client.test")))), kith.BookRecorded{Erased: 1})
		f.book(t, "work", kith.BookRecording{Groups: []kith.CardGroup{group("Team", "1")}, Gone: []string{"1.vcf"}})
		f.settle(t, 0)
		f.whoIs(t, "after its card changed")
		ties, err := f.CardTies(t.Context(), "books", "home", "1.vcf")
		if err != nil || len(ties) != 1 || strings.Contains(ties[0].Facts, "Ann") {
			t.Errorf("something of it is kept: %v, %v", ties, err)
		}
		f.book(t, "home", gone("1.vcf"))
		f.settle(t, 0)
		f.book(t, "home", cards(card("1", "Ann Doe")))
		f.whoIs(t, "after it was written down anew", "Ann Doe | Team")
	}},
	{"RecordBook/quarantine, and out of it", func(t *testing.T, f *fixture) {
		f.book(t, "work", cards(card("1", "Ann")))
		f.book(t, "work", kith.BookRecording{Quarantined: []kith.Failure{{Ref: "1.vcf", Cause: "bad"}, {Ref: "2.vcf", Cause: "bad"}, {Ref: "3.vcf", Cause: "bad"}, {Ref: "4.vcf", Cause: "bad"}}})
		f.settle(t, 0)
		f.whoIs(t, "while a card can't be read", "Ann")
		f.book(t, "work", kith.BookRecording{Cards: []kith.Card{card("1", "Ann Doe")}, Gone: []string{"2.vcf"}, Ignored: []string{"3.vcf"}, Quarantined: []kith.Failure{{Ref: "4.vcf", Cause: "still bad"}}})
		items, err := f.Quarantine(t.Context(), "books")
		if err != nil || len(items) != 1 || items[0].Ref != "4.vcf" || items[0].Attempts != 2 {
			t.Errorf("quarantine: %+v, %v", items, err)
		}
		f.whoIs(t, "mended", "Ann Doe")
		equal(t, "a company without a name", f.book(t, "work", cards(card("5", "", isCompany, emails("x@client.test")), card("6", "Bob"))), kith.BookRecorded{Created: 1})
		if items, err = f.Quarantine(t.Context(), "books"); err != nil || len(items) != 2 || items[1].Ref != "5.vcf" {
			t.Errorf("quarantine: %+v, %v", items, err)
		}
		status, err := f.Stream(t.Context(), "books", "work")
		if err != nil || status.Recorded != 2 || status.Quarantined != 2 || status.Skipped[kith.ReasonNotAContact] != 1 {
			t.Errorf("stream %+v, %v", status, err)
		}
	}},
	{"I24 RecordBook/a dry run tells what it would do", func(t *testing.T, f *fixture) {
		f.contact(t, kith.Contact{Source: "csv", Name: "Cy", Emails: []string{"cy@client.test"}})
		f.book(t, "work", cards(card("1", "Ann"), card("2", "Bob"), card("3", "Cy", emails("cy@client.test")), card("4", "Dee")))
		before := f.dump(t)
		_, told := f.tryBook(t, "work", kith.BookRecording{
			Cards: []kith.Card{card("1", "Ann Doe"), card("4", "Dee"), card("5", "New")}, Gone: []string{"2.vcf", "3.vcf"}, Ignored: []string{"i.vcf"}, Groups: []kith.CardGroup{group("Team")},
		}, true)
		equal(t, "changes", told, []string{"created 5.vcf", "group group-Team.vcf", "ignored i.vcf", "removed 2.vcf", "unchanged 4.vcf", "untied 3.vcf", "updated 1.vcf"})
		equal(t, "register", f.dump(t), before)
	}},
	{"RecordBook/odd text", func(t *testing.T, f *fixture) {
		odd := "a\x00b\xff\u202e'\"%\\"
		f.book(t, odd, kith.BookRecording{
			Cards: []kith.Card{at2(odd, card(odd, odd, worksFor(odd), tags(odd)))}, Groups: []kith.CardGroup{{Ref: odd, UID: "g" + odd, Name: odd, Members: []string{odd, odd}}},
			Quarantined: []kith.Failure{{Ref: odd + "q", Cause: odd}},
		})
		f.book(t, odd, gone(odd))
		f.settle(t, 1)
	}},
}

func mustBooks(t *testing.T, f *fixture) []string {
	t.Helper()
	books, err := f.Books(t.Context(), "books")
	if err != nil {
		t.Fatal(err)
	}
	return books
}
