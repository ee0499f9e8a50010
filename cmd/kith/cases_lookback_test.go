package main

import (
	"strings"
	"testing"

	"kith"
	"kith/servertest"
	"kith/store"
)

// lookBackStories are about contacts that come after their mail.
var lookBackStories = []story{
	{"B17 a contact of today has the mail of yesterday", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{
			{raw: letter()},
			{raw: letter("Message-ID: <2@other.test>", "Subject: with Ann", "Cc: Bo <bo@other.test>")},
			{raw: letter("Message-ID: <3@other.test>", "Subject: from Bo", "From: bo@other.test")},
			{in: "Sent", raw: reply("Message-ID: <4@example.test>", "Subject: to Bo", "To: BO@Other.Test")},
			{raw: letter("Message-ID: <5@other.test>", "Subject: about bo@other.test", "From: eve@other.test")},
		}})
		s.unchanged()
		s.poll()
		s.check("without Bo", row{Subject: "offer"}, row{Subject: "with Ann"})
		s.must("contacts", "add", "Bo", "--email", "bo@other.test")
		if got := s.poll(); got.New != 2 || got.Known != 1 {
			t.Errorf("look-back: %+v, want 2 new and 1 known", got)
		}
		want := []row{
			{Subject: "from Bo", Links: []string{"from Bo"}},
			{Subject: "offer"},
			{Subject: "to Bo", Direction: kith.Outbound, Links: []string{"to Bo"}},
			{Subject: "with Ann", Links: []string{"from Ann Doe", "cc Bo"}},
		}
		s.check("with Bo", want...)
		if got := s.poll(); got.Items != 0 {
			t.Errorf("once more: %+v", got)
		}
		s.healthy("after all")
		s.check("after all", want...)
	}},
	{"B17 an address that a contact gets by hand, and one by an import", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{contacts: "external_id,name,email\n1,Ann Doe,ann@client.test", mail: []mail{
			{raw: letter("Message-ID: <1@home.test>", "Subject: by hand", "From: ann@home.test")},
			{raw: letter("Message-ID: <2@new.test>", "Subject: by import", "From: ann@new.test")},
		}})
		s.poll()
		s.must("contacts", "edit", "ann@client.test", "--email", "ann@client.test", "--email", "ann@home.test")
		if got := s.poll(); got.New != 1 {
			t.Errorf("after the edit: %+v", got)
		}
		s.importContacts("external_id,name,email\n1,Ann Doe,ann@new.test\n")
		if got := s.poll(); got.New != 1 {
			t.Errorf("after the import: %+v", got)
		}
		s.check("after all", row{Subject: "by hand"}, row{Subject: "by import"})
	}},
	{"B17 H04 who was never to be recorded and is again has the past back", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{{raw: letter()}}})
		s.poll()
		s.must("contacts", "edit", "ann@client.test", "--never-record")
		if got := s.applied("--dry-run"); got.Dropped[kith.ReasonNeverRecord] != 1 {
			t.Errorf("a dry run: %+v", got)
		}
		s.check("after the dry run", row{Subject: "offer"})
		s.applied()
		s.deliver(mail{raw: letter("Message-ID: <2@client.test>", "Subject: meanwhile")})
		s.poll()
		s.check("purged")
		s.must("contacts", "edit", "ann@client.test", "--no-never-record")
		s.poll()
		s.check("taken back", row{Subject: "meanwhile"}, row{Subject: "offer"})
	}},
	{"B15 B17 whom a merge kept from being recorded has the past when it is undone", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{contacts: "Ann Doe,ann@client.test\nNever,never@client.test", mail: []mail{
			{raw: letter()}, {raw: letter("Message-ID: <2@client.test>", "Subject: never", "From: never@client.test")},
		}})
		s.must("contacts", "edit", "never@client.test", "--never-record")
		var ann, never kith.ID
		s.withStore(func(st store.Store) error {
			for word, id := range map[string]*kith.ID{"ann@client.test": &ann, "never@client.test": &never} {
				found, err := st.FindContacts(t.Context(), word)
				if err != nil {
					return err
				}
				*id = found[0].ID
			}
			return st.MergeContacts(t.Context(), ann, never, clock())
		})
		s.poll()
		s.check("merged")
		s.withStore(func(st store.Store) error { return st.UnmergeContact(t.Context(), never, clock()) })
		s.poll()
		s.check("undone", row{Subject: "offer"})
		s.healthy("after all")
	}},
	{"B17 the past goes back to the horizon and no further", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{top: `since = "2025-02-01"`, mail: []mail{
			{at: arrived.AddDate(0, -2, 0), raw: letter("Message-ID: <1@other.test>", "Subject: long ago", "From: bo@other.test", "Date: Fri, 3 Jan 2025 10:00:00 +0100")},
			{raw: letter("Message-ID: <2@other.test>", "From: bo@other.test")},
		}})
		s.poll()
		s.must("contacts", "add", "Bo", "--email", "bo@other.test")
		s.poll()
		s.check("after a look-back", row{Subject: "offer", Links: []string{"from Bo"}})
	}},
	{"B14 an address that moved to another contact", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{contacts: "Ann Doe,office@client.test\nBo,bo@client.test", mail: []mail{{raw: letter("Subject: before", "From: office@client.test")}}})
		s.poll()
		s.must("contacts", "edit", "office@client.test", "--email", "ann@client.test")
		s.must("contacts", "edit", "bo@client.test", "--email", "bo@client.test", "--email", "office@client.test")
		s.poll()
		s.check("after a look-back", row{Subject: "before"})
		s.deliver(mail{raw: letter("Message-ID: <2@client.test>", "Subject: now", "From: office@client.test")})
		s.poll()
		s.poll("--full")
		s.check("after a full pass", row{Subject: "before"}, row{Subject: "now", Links: []string{"from Bo"}})
	}},
	{"B03 an address that is shared from now on", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{{raw: letter()}}})
		s.poll()
		s.importContacts("external_id,name,email\n7,Bo,ann@client.test\n")
		s.poll()
		s.check("after a look-back", row{Subject: "offer", Links: []string{"from Ann Doe, ambiguous", "from Bo, ambiguous"}})
	}},
	{"B16 a contact that was removed: the next passes make none and fail at nothing", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{{raw: letter()}}})
		s.poll()
		s.must("contacts", "rm", "ann@client.test")
		s.deliver(mail{raw: letter("Message-ID: <2@client.test>", "Subject: later")})
		s.poll()
		s.poll("--full")
		s.check("after a full pass", row{Subject: "offer", Links: []string{}})
		if got := s.must("--json", "contacts", "list"); got != "" {
			t.Errorf("contacts: %s", got)
		}
		s.healthy("after all")
	}},
	{"B04 a look-back finds the tags that are folded", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{policy: "plus_addressing = true", mail: []mail{{raw: letter("From: bo+crm@other.test")}}})
		s.poll()
		s.must("contacts", "add", "Bo", "--email", "bo@other.test")
		s.poll()
		s.check("after a look-back", row{Subject: "offer", Links: []string{"from Bo"}})
	}},
	{"B05 a look-back finds the dots that are folded", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{policy: "gmail_dots = true", mail: []mail{{raw: letter("From: b.o@gmail.com")}}})
		s.poll()
		s.must("contacts", "add", "Bo", "--email", "bo@gmail.com")
		s.poll()
		s.check("after a look-back", row{Subject: "offer", Links: []string{"from Bo"}})
	}},
	{"B07 a look-back finds whom a new company has", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{policy: "company_by_domain = true", mail: []mail{{raw: letter("From: eve@mail.other.test")}}})
		s.poll()
		s.must("contacts", "add", "Other Ltd", "--type", "company", "--email", "info@other.test")
		s.poll()
		s.check("after a look-back", row{Subject: "offer", Links: []string{"from Other Ltd"}})
		s.must("contacts", "add", "Eve", "--email", "eve@mail.other.test")
		s.poll()
		s.check("with Eve", row{Subject: "offer", Links: []string{"from Eve"}})
	}},
	{"D16 what was deleted stays out of a look-back", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{{raw: letter("Cc: bo@other.test")}}})
		s.poll()
		s.withStore(func(st store.Store) error {
			_, err := st.DeleteInteractions(t.Context(), []kith.ID{s.interactions()[0].ID}, clock())
			return err
		})
		s.must("contacts", "add", "Bo", "--email", "bo@other.test")
		s.poll()
		s.check("after a look-back")
	}},
}

func TestLookBackOnServersThatCantSearch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		refuses func(c *servertest.ScriptConn, criteria string) bool
	}{
		{"NO", func(c *servertest.ScriptConn, _ string) bool { c.No("not for you"); return true }},
		{"nonsense", func(c *servertest.ScriptConn, _ string) bool { c.Send("* SEARCH x"); c.OK("done"); return true }},
		{"numbers nobody has", func(c *servertest.ScriptConn, _ string) bool {
			c.Send(`* ESEARCH (TAG "%s") UID ALL 1:4294967295`, c.Tag)
			c.OK("done")
			return true
		}},
	} {
		t.Run("B17 "+tt.name, func(t *testing.T) {
			t.Parallel()
			b := newScriptedBox(t, hardCase{contacts: "Bo,bo@other.test"}, nil, upTo(5)...)
			b.poll()
			b.check("without Ann")
			b.Change(func() {
				b.inbox.Refuses = func(c *servertest.ScriptConn, criteria string) bool {
					return containsAddress(criteria) && tt.refuses(c, criteria)
				}
			})
			b.must("contacts", "add", "Ann Doe", "--email", "ann@client.test")
			b.poll()
			b.check("with Ann", offers(upTo(5)...)...)
			b.healthy("after all")
			if b.poll(); len(b.Sent("UID SEARCH")) == 0 {
				t.Error("nothing was searched for")
			}
		})
	}
}

// containsAddress tells a search for addresses from others.
func containsAddress(criteria string) bool { return strings.Contains(criteria, "@") }
