package main

import (
	"database/sql"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/store"
	"kith/store/postgres"
	"kith/store/sqlite"
)

// identityCases are about who somebody is.
var identityCases = []hardCase{
	{name: "B01 case does not matter", contacts: "Ann Doe,john@x.COM",
		mail: []mail{{raw: letter("From: John@X.com")}},
		want: []row{{Subject: "offer"}},
	},
	{name: "B02 a contact's second address", contacts: "Ann Doe,ann@work.test;ann@client.test",
		mail: []mail{{raw: letter()}},
		want: []row{{Subject: "offer"}},
	},
	{name: "B03 an address of two contacts links both, in the same order each time", contacts: "external_id,name,email\n1,Ann Doe,family@home.test\n2,Bo,family@home.test",
		mail: []mail{{raw: letter("From: family@home.test")}},
		want: []row{{Subject: "offer", Links: []string{"from Ann Doe, ambiguous", "from Bo, ambiguous"}}},
	},
	{name: "B04 plus addressing is off", contacts: "Ann Doe,ann@client.test\nBo,bo+crm@client.test",
		mail: []mail{
			{raw: letter("From: ann+crm@client.test")},
			{raw: letter("Message-ID: <2@client.test>", "Subject: the very address", "From: bo+crm@client.test")},
		},
		want:    []row{{Subject: "the very address", Links: []string{"from Bo"}}},
		skipped: map[kith.Reason]int{kith.ReasonNoContact: 1},
	},
	{name: "B04 plus addressing is on", policy: "plus_addressing = true", contacts: "Ann Doe,ann@client.test\nBo,ann+bo@client.test",
		mail: []mail{
			{raw: letter("From: ann+crm@client.test")},
			{raw: letter("Message-ID: <2@client.test>", "Subject: the longer form is another's", "From: ann+bo@client.test")},
			{in: "Sent", raw: reply("Subject: our own tag", "From: Alice <alice+work@example.test>")},
		},
		want: []row{
			{Subject: "offer", People: []string{"from ann+crm@client.test", "to alice@example.test"}},
			{Subject: "our own tag", Direction: kith.Outbound},
			{Subject: "the longer form is another's", Links: []string{"from Bo"}},
		},
	},
	{name: "B05 the dots of Gmail are told apart", contacts: "Ann Doe,anndoe@gmail.com",
		mail:    []mail{{raw: letter("From: ann.doe@gmail.com")}, {raw: letter("Message-ID: <2@gmail.com>", "From: anndoe@googlemail.com")}},
		skipped: map[kith.Reason]int{kith.ReasonNoContact: 2},
	},
	{name: "B05 the dots of Gmail are folded, and of nobody else", policy: "gmail_dots = true", contacts: "Ann Doe,anndoe@gmail.com\nBo,bobo@client.test",
		mail: []mail{
			{raw: letter("Subject: a", "From: ann.doe@gmail.com")},
			{raw: letter("Subject: b", "From: a.n.n.doe@googlemail.com")},
			{raw: letter("Subject: c", "From: bo.bo@client.test")},
		},
		want:    []row{{Subject: "a"}, {Subject: "b"}},
		skipped: map[kith.Reason]int{kith.ReasonNoContact: 1},
	},
	{name: "B08 a web form names its writer in Reply-To",
		mail: []mail{
			{raw: letter("From: Web form <forms@site.test>", "Reply-To: Ann <ann@client.test>")},
			{raw: letter("Message-ID: <2@example.test>", "Subject: our own form", "From: Web form <forms@example.test>", "Reply-To: Ann <ann@client.test>")},
		},
		want: []row{
			{Subject: "offer", Links: []string{"reply_to Ann Doe"},
				People: []string{"from forms@site.test Web form", "reply_to ann@client.test Ann", "to alice@example.test"}},
			{Subject: "our own form", Links: []string{"reply_to Ann Doe"}},
		},
	},
	{name: "B09 a list that puts itself into From",
		contacts: "Ann Doe,ann@client.test\nThe list,list@lists.test",
		mail: []mail{
			{raw: letter("Message-ID: <1@client.test>", "Subject: a", "From: \"Ann Doe via List\" <list@lists.test>", "Reply-To: Ann Doe <ann@client.test>",
				"To: list@lists.test", "List-Id: <list.lists.test>", "List-Post: <mailto:list@lists.test>")},
			{raw: letter("Message-ID: <2@client.test>", "Subject: b", "From: 'Ann Doe' via List <list@lists.test>", "X-Original-From: Ann Doe <ann@client.test>",
				"To: list@lists.test", "List-Id: <list.lists.test>", "List-Post: <mailto:list@lists.test>")},
			{raw: letter("Message-ID: <3@other.test>", "Subject: c", "From: \"Eve via List\" <list@lists.test>", "Reply-To: eve@other.test",
				"To: list@lists.test", "List-Id: <list.lists.test>", "List-Post: <mailto:list@lists.test>")},
		},
		want:    []row{{Subject: "a", Flags: []string{"bulk"}}, {Subject: "b", Flags: []string{"bulk"}}},
		skipped: map[kith.Reason]int{kith.ReasonBulk: 1},
	},
	{name: "B11 a contact in Cc alone", contacts: annAndBo,
		mail: []mail{{raw: letter("From: eve@other.test", "Cc: Bo <bo@client.test>")}},
		want: []row{{Subject: "offer", Links: []string{"cc Bo"}}},
	},
	{name: "B12 a contact in the Bcc of our own copy", contacts: annAndBo,
		mail: []mail{{in: "Sent", raw: reply("To: eve@other.test", "Bcc: bo@client.test")}},
		want: []row{{Subject: "offer", Direction: kith.Outbound, Links: []string{"bcc Bo"},
			People: []string{"from alice@example.test Alice", "to eve@other.test", "bcc bo@client.test"}}},
	},
	{name: "B13 a colleague is nobody's counterpart, even if somebody made a contact of one",
		contacts: "Ann Doe,ann@client.test\nBob,bob@example.test\nMe,alice@alias.test", others: []colleague{bob},
		mail: []mail{{raw: letter("Cc: bob@example.test, alice@alias.test, intern@example.test")}},
		want: []row{{Subject: "offer"}},
	},
	{name: "B18 an address among the contacts in any dress", contacts: "\" Ann Doe \",\" MAILTO:Ann@Client.Test \"",
		mail: []mail{{raw: letter()}},
		want: []row{{Subject: "offer"}},
	},
	{name: "B21 in To and Cc: once",
		mail: []mail{{in: "Sent", raw: reply("To: ann@client.test, Ann@Client.test", "Cc: Ann <ann@client.test>, alice@example.test, alice@example.test")}},
		want: []row{{Subject: "offer", Direction: kith.Outbound,
			People: []string{"from alice@example.test Alice", "to ann@client.test", "cc alice@example.test"}}},
	},
	{name: "B23 three addresses of one person: one link", contacts: "Ann Doe,ann@client.test;ann@home.test;ann@club.test",
		mail: []mail{{in: "Sent", raw: reply("To: ann@club.test, ann@home.test, ann@client.test")}},
		want: []row{{Subject: "offer", Direction: kith.Outbound,
			People: []string{"from alice@example.test Alice", "to ann@club.test", "to ann@home.test", "to ann@client.test"}}},
	},
	{name: "B24 the owner is in no field: inbound, to the owner of the mailbox",
		mail: []mail{
			{raw: letter("To: eve@other.test")},
			{raw: letter("Message-ID: <2@client.test>", "Subject: through a list", "To: list@lists.test", "List-Post: <mailto:list@lists.test>")},
		},
		want: []row{{Subject: "offer", Owner: "alice@example.test"}, {Subject: "through a list", Owner: "alice@example.test", Flags: []string{"bulk"}}},
	},
}

var identityStories = []story{
	{"B10 the name of a contact stays, whatever messages say", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{contacts: "GitHub,noreply@github.com", mail: []mail{
			{raw: letter("Message-ID: <1@github.com>", "Subject: a", "From: octocat <noreply@github.com>")},
			{raw: letter("Message-ID: <2@github.com>", "Subject: b", "From: \"Build 17\" <noreply@github.com>")},
			{raw: letter("Message-ID: <3@github.com>", "Subject: c", "From: noreply@github.com")},
		}})
		before := s.must("--json", "contacts", "list")
		s.poll()
		github := []string{"from GitHub"}
		s.check("after a pass",
			row{Subject: "a", Links: github, People: []string{"from noreply@github.com octocat", "to alice@example.test"}},
			row{Subject: "b", Links: github, People: []string{"from noreply@github.com Build 17", "to alice@example.test"}},
			row{Subject: "c", Links: github})
		if diff := cmp.Diff(before, s.must("--json", "contacts", "list")); diff != "" {
			t.Errorf("the contacts (-before +after):\n%s", diff)
		}
	}},
	{"B20 contacts that can't be read: the mail waits", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{{raw: letter()}, {raw: letter("Message-ID: <2@other.test>", "From: eve@other.test")}}})
		s.sql(`ALTER TABLE addresses RENAME TO addresses_away`)
		if code, _, stderr := s.run("sync"); code != exitFailed {
			t.Errorf("without contacts: exit code %d\n%s", code, stderr)
		}
		s.sql(`ALTER TABLE addresses_away RENAME TO addresses`)
		s.check("without contacts")
		if got := s.poll(); got.New != 1 || got.Skipped[kith.ReasonNoContact] != 1 {
			t.Errorf("with them: %+v", got)
		}
	}},
	{"B22 a contact that is archived is linked all the same", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{{raw: letter()}}})
		s.withStore(func(st store.Store) error {
			found, err := st.FindContacts(t.Context(), "ann@client.test")
			if err != nil {
				return err
			}
			found[0].Archived = true
			return st.UpdateContact(t.Context(), found[0], clock())
		})
		s.poll()
		s.check("after a pass", row{Subject: "offer"})
		s.poll("--full")
		s.check("after a full pass", row{Subject: "offer"})
	}},
}

// withStore does something to the register that no command does.
func (s *caseSite) withStore(do func(store.Store) error) {
	s.t.Helper()
	var st store.Store
	var err error
	if s.embedded() {
		st, err = sqlite.Open(s.t.Context(), s.path("kith.db"), sqlite.Options{})
	} else {
		st, err = postgres.Open(s.t.Context(), s.database, postgres.Options{})
	}
	if err != nil {
		s.t.Fatal(err)
	}
	if err := do(st); err != nil {
		s.t.Error(err)
	}
	if err := st.Close(); err != nil {
		s.t.Error(err)
	}
}

// sql does something to the database that the store would not.
func (s *caseSite) sql(statement string) {
	s.t.Helper()
	driver, name := "sqlite", s.path("kith.db")
	if !s.embedded() {
		driver, name = "pgx", s.database
	}
	db, err := sql.Open(driver, name)
	if err != nil {
		s.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(s.t.Context(), statement); err != nil {
		s.t.Fatal(err)
	}
}
