package main

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"kith"
	"kith/store"
)

// createCases are about whom capture makes contacts of. Contacts are those beside Ann.
var createCases = []struct {
	name     string
	policy   string
	contacts []string // name and addresses of those that are made
	mail     []mail
	skipped  map[kith.Reason]int
}{
	{name: "G01 cold mail that comes in makes no contact",
		mail: []mail{{raw: letter("From: eve@other.test")}},
	},
	{name: "G02 a new person that I write to", contacts: []string{"Bo Roe <bo@other.test>"},
		mail: []mail{{in: "Sent", raw: reply("To: Bo Roe <bo@other.test>")}},
	},
	{name: "G02 but only if the policy says so", policy: `create_contacts = "never"`,
		mail: []mail{{in: "Sent", raw: reply("To: Bo Roe <bo@other.test>")}},
	},
	{name: "G02 exchanged: not before there is an answer", policy: `create_contacts = "exchanged"`, contacts: []string{"Bo Roe <bo@other.test>"},
		mail: []mail{
			{in: "Sent", raw: reply("Message-ID: <1@example.test>", "To: Bo Roe <bo@other.test>")},
			{in: "Sent", raw: reply("Message-ID: <2@example.test>", "To: silent@other.test")},
			{raw: letter("Message-ID: <3@other.test>", "From: Bo Roe <bo@other.test>")},
			{raw: letter("Message-ID: <4@other.test>", "From: cold@other.test")},
		},
	},
	{name: "G03 never for mass mail, lists, machines and automatic answers", policy: `create_contacts = "exchanged"`,
		mail: []mail{
			{in: "Sent", raw: reply("Message-ID: <1@example.test>", "To: no-reply@shop.test")},
			{raw: letter("Message-ID: <2@shop.test>", "From: no-reply@shop.test")},
			{in: "Sent", raw: reply("Message-ID: <3@example.test>", "To: away@other.test")},
			{raw: letter("Message-ID: <4@other.test>", "From: away@other.test", "Auto-Submitted: auto-replied")},
			{in: "Sent", raw: reply("Message-ID: <5@example.test>", "To: digest@lists.test")},
			{raw: letter("Message-ID: <6@lists.test>", "From: digest@lists.test", "List-Id: <digest.lists.test>", "Precedence: bulk")},
			{in: "Sent", raw: reply("Message-ID: <7@example.test>", "To: talk@lists.test")},
			{raw: letter("Message-ID: <8@lists.test>", "From: Eve <eve@other.test>", "To: talk@lists.test", "List-Id: <talk.lists.test>", "List-Post: <mailto:talk@lists.test>")},
		},
	},
	{name: "G03 G04 mass mail of ours makes none", mail: []mail{{in: "Sent", raw: reply("To: bo@other.test", "List-Unsubscribe: <mailto:off@example.test>", "Precedence: bulk")}}},
	{name: "G04 a newsletter that I answered",
		mail: []mail{
			{raw: letter("Message-ID: <1@shop.test>", "From: Shop <hannah@shop.test>", "List-Unsubscribe: <mailto:off@shop.test>")},
			{in: "Sent", raw: reply("Message-ID: <2@example.test>", "To: hannah@shop.test", "In-Reply-To: <1@shop.test>")},
		},
	},
	{name: "G05 whoever is on copy, and crowds", contacts: []string{"bo@other.test <bo@other.test>"},
		mail: []mail{
			{in: "Sent", raw: reply("Message-ID: <1@example.test>", "To: bo@other.test", "Cc: "+crowd("cc", 40), "Bcc: hidden@other.test")},
			{in: "Sent", raw: reply("Message-ID: <2@example.test>", "To: "+crowd("to", 6))},
		},
	},
	{name: "G06 our own domain and aliases",
		mail: []mail{{in: "Sent", raw: reply("To: bob@example.test, alice@alias.test, ann@client.test")}},
	},
	{name: "G07 a role's address is recorded if it is a contact, and not made one",
		mail: []mail{{in: "Sent", raw: reply("To: info@other.test, ann@client.test")}},
	},
	{name: "G08 names are made sane", contacts: []string{"John Doe <a@x.test>", "Bo <b@x.test>", "c@x.test <c@x.test>", "d@x.test <d@x.test>", "Madonna <e@x.test>", "王小明 <f@x.test>"},
		mail: []mail{
			{in: "Sent", raw: reply("Message-ID: <1@example.test>", "To: \"DOE John (EXT)\" <a@x.test>, \"'Bo'\" <b@x.test>, \"'c@x.test'\" <c@x.test>")},
			{in: "Sent", raw: reply("Message-ID: <2@example.test>", "To: d@x.test, Madonna <e@x.test>, =?utf-8?B?546L5bCP5piO?= <f@x.test>")},
		},
	},
	{name: "G08 the name of a contact stays",
		mail: []mail{{in: "Sent", raw: reply("To: \"Somebody Else\" <ann@client.test>")}},
	},
	{name: "G12 an invitation that is sent to a stranger",
		mail: []mail{{in: "Sent", raw: strings.Replace(inviteOut, "ann@client.test", "bo@other.test", 1)}},
	},
	{name: "H01 who is never to be recorded", policy: `never_record = ["bank.test"]`,
		mail: []mail{{in: "Sent", raw: reply("To: bo@bank.test")}, {in: "Sent", raw: reply("Message-ID: <2@example.test>", "To: bo@other.test", "Cc: bo@bank.test")}},
	},
	{name: "C04 what somebody else has written and lies in Sent", mail: []mail{{in: "Sent", raw: reply("From: who@knows.test", "To: bo@other.test")}}},
}

// inviteOut is a message of Alice's to Ann that the calendar tells of.
var inviteOut = strings.Join(header(header(annToAlice, aliceToAnn), []string{"MIME-Version: 1.0", "Content-Type: text/calendar; method=REQUEST"}), "\n") +
	"\n\nBEGIN:VCALENDAR\nMETHOD:REQUEST\nEND:VCALENDAR\n"

func crowd(name string, n int) string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprintf("%s%d@crowd.test", name, i))
	}
	return strings.Join(all, ", ")
}

// people lists the contacts beside Ann.
func (s *caseSite) people() (all []string) {
	s.t.Helper()
	for _, c := range jsonLinesOf[kith.Contact](s.t, s.must("--json", "contacts", "list")) {
		if c.Name != "Ann Doe" {
			all = append(all, fmt.Sprintf("%s <%s>", c.Name, strings.Join(c.Emails, ", ")))
		}
	}
	slices.Sort(all)
	return all
}

// createStories are the cases above and what takes several steps.
func createStories() (all []story) {
	for _, c := range createCases {
		all = append(all, story{c.name, func(t *testing.T, m *mailServer) {
			policy := c.policy
			if !strings.Contains(policy, "create_contacts") {
				policy += "\ncreate_contacts = \"sent\""
			}
			s := m.open(t, hardCase{policy: policy, mail: c.mail})
			s.unchanged()
			for _, when := range []string{"after a pass", "after a full pass"} {
				s.must("sync")
				if got := s.people(); !slices.Equal(got, slices.Sorted(slices.Values(c.contacts))) {
					t.Errorf("contacts %s: %q, want %q", when, got, c.contacts)
				}
				s.must("sync", "--full")
			}
			s.healthy("after all")
		}})
	}
	return append(all, []story{
		{"G02 a contact that is made has its past", func(t *testing.T, m *mailServer) {
			for _, policy := range []string{`create_contacts = "sent"`, `create_contacts = "exchanged"`} {
				s := m.open(t, hardCase{policy: policy, others: []colleague{bob}, mail: []mail{
					{raw: letter("Message-ID: <1@other.test>", "Subject: question", "From: Bo <bo@other.test>")},
					{in: "Sent", raw: reply("Message-ID: <2@example.test>", "Subject: answer", "To: Bo <bo@other.test>")},
					{of: "bob", raw: letter("Message-ID: <3@other.test>", "Subject: to Bob", "From: bo@other.test", "To: bob@example.test")},
					{raw: letter("Message-ID: <4@other.test>", "Subject: cold", "From: eve@other.test")},
				}})
				s.must("sync")
				s.check("with "+policy, row{Subject: "answer", Direction: kith.Outbound, Links: []string{"to Bo"}},
					row{Subject: "question", Links: []string{"from Bo"}}, row{Subject: "to Bob", Links: []string{"from Bo"}})
			}
		}},
		{"G11 two colleagues write to the same new people, and two programs read it at once", func(t *testing.T, m *mailServer) {
			c := hardCase{policy: `create_contacts = "sent"`, others: []colleague{bob}}
			var want []string
			for n := range 20 {
				to := fmt.Sprintf("p%02d@other.test", n)
				want = append(want, fmt.Sprintf("%s <%[1]s>", to))
				c.mail = append(c.mail,
					mail{in: "Sent", raw: reply(fmt.Sprintf("Message-ID: <a%d@example.test>", n), "To: "+to)},
					mail{of: "bob", in: "Sent", raw: reply(fmt.Sprintf("Message-ID: <b%d@example.test>", n), "From: bob@example.test", "To: "+to)})
			}
			s := m.open(t, c)
			var running sync.WaitGroup
			for _, account := range []string{"alice", "bob"} {
				running.Go(func() {
					if code, _, stderr := s.run("sync", account); code != exitDone {
						t.Errorf("sync %s: exit code %d\n%s", account, code, stderr)
					}
				})
			}
			running.Wait()
			if got := s.people(); !slices.Equal(got, want) {
				t.Errorf("contacts: %q, want each once", got)
			}
		}},
		{"G09 a contact that was removed is not made again", func(t *testing.T, m *mailServer) {
			s := m.open(t, hardCase{policy: `create_contacts = "sent"`, mail: []mail{{in: "Sent", raw: reply("To: bo@other.test")}}})
			s.must("sync")
			s.must("contacts", "rm", "bo@other.test")
			s.deliver(mail{in: "Sent", raw: reply("Message-ID: <2@example.test>", "To: bo@other.test")})
			s.must("sync", "--full")
			if got := s.people(); len(got) > 0 {
				t.Errorf("contacts: %q", got)
			}
			s.must("contacts", "add", "Bo", "--email", "bo@other.test")
			s.must("sync")
			if got := s.interactions(); len(got) != 2 {
				t.Errorf("added by hand, it has %d interactions, want 2", len(got))
			}
		}},
		{"G10 no more contacts in a run than are allowed, and an alarm", func(t *testing.T, m *mailServer) {
			s := m.open(t, hardCase{policy: "create_contacts = \"sent\"\n[limits]\ncreate_contacts = 2", mail: []mail{
				{in: "Sent", raw: reply("Message-ID: <1@example.test>", "To: a@x.test, b@x.test, c@x.test")},
				{in: "Sent", raw: reply("Message-ID: <2@example.test>", "To: d@x.test")},
			}})
			_, _, log := s.run("sync")
			if got := s.people(); len(got) != 2 || strings.Count(log, "limits.create_contacts") != 1 {
				t.Errorf("contacts: %q\n%s", got, log)
			}
			if account, _ := s.health("alice"); account.CappedAt == nil {
				t.Error("kith status does not tell")
			}
			if text := s.must("status"); !strings.Contains(text, "as many contacts") {
				t.Errorf("kith status: %s", text)
			}
		}},
		{"G11 two accounts and two runs at once make one contact of each", func(t *testing.T, m *mailServer) {
			s := m.open(t, hardCase{policy: `create_contacts = "sent"`, others: []colleague{bob}})
			const people = 20
			want := make([]string, people)
			for n := range people {
				a := fmt.Sprintf("p%02d@other.test", n)
				want[n] = fmt.Sprintf("%s <%s>", a, a)
				s.deliver(mail{in: "Sent", raw: reply(fmt.Sprintf("Message-ID: <%d@example.test>", n), "Subject: of Alice", "To: "+a)})
				s.deliver(mail{of: "bob", in: "Sent", raw: reply(fmt.Sprintf("Message-ID: <b%d@example.test>", n), "Subject: of Bob", "From: bob@example.test", "To: "+a)})
			}
			var running sync.WaitGroup
			for range 2 {
				running.Go(func() {
					if code, _, stderr := s.run("sync"); code != exitDone {
						t.Errorf("exit code %d\n%s", code, stderr)
					}
				})
			}
			running.Wait()
			if got := s.people(); !slices.Equal(got, want) {
				t.Errorf("contacts: %q", got)
			}
			s.must("sync")
			if got := s.interactions(); len(got) != 2*people {
				t.Errorf("%d interactions, want %d", len(got), 2*people)
			}
		}},
		{"H06 G02 what waits for an answer is a digest, and goes with the policy", func(t *testing.T, m *mailServer) {
			c := hardCase{policy: `create_contacts = "exchanged"`, mail: []mail{{in: "Sent", raw: reply("To: Xanadu Zebra <xanadu@zebra.test>", "Subject: zebra")}}}
			s := m.open(t, c)
			code, _, log := s.run("sync")
			if found := sightings(s.files() + log); code != exitDone || len(found) > 0 {
				t.Errorf("exit code %d; traces %q", code, found)
			}
			rows := func() (n int) {
				s.withStore(func(st store.Store) error {
					for row, err := range st.Dump(t.Context()) {
						if err != nil {
							return err
						}
						if row.Kind() == store.RowWays {
							n++
						}
					}
					return nil
				})
				return n
			}
			if n := rows(); n != 1 {
				t.Errorf("%d digests, want 1", n)
			}
			c.policy = ""
			s.configure(c)
			s.must("sync")
			if n := rows(); n != 0 {
				t.Errorf("%d digests without the policy", n)
			}
		}},
		{"G01 suggestions: listed, accepted, rejected, and gone with the policy", func(t *testing.T, m *mailServer) {
			c := hardCase{policy: `unmatched = "suggest"`, mail: []mail{
				{raw: letter("Message-ID: <1@other.test>", "Subject: one", "From: Bo <bo@other.test>")},
				{raw: letter("Message-ID: <2@other.test>", "Subject: two", "From: \"ROE Bo (EXT)\" <bo@other.test>")},
				{in: "Sent", raw: reply("Message-ID: <3@example.test>", "Subject: three", "To: bo@other.test")},
				{raw: letter("Message-ID: <4@other.test>", "From: eve@other.test")},
				{raw: letter("Message-ID: <5@shop.test>", "From: shop@shop.test", "List-Unsubscribe: <mailto:off@shop.test>")},
				{raw: letter("Message-ID: <6@shop.test>", "From: no-reply@shop.test")},
				{raw: letter("Message-ID: <7@other.test>", "From: bob@example.test")},
				{raw: letter("Message-ID: <8@other.test>", "From: info@other.test")},
			}}
			s := m.open(t, c)
			listed := func() string {
				var all []string
				for _, row := range jsonLinesOf[suggestionRow](t, s.must("--json", "contacts", "suggestions")) {
					all = append(all, fmt.Sprintf("%s <%s> %d/%d", row.Name, row.Address, row.Inbound, row.Outbound))
				}
				return strings.Join(all, ", ")
			}
			want := "Bo Roe <bo@other.test> 2/1,  <eve@other.test> 1/0,  <info@other.test> 1/0"
			for _, flags := range [][]string{{"sync"}, {"sync", "--full"}, {"sync"}} {
				s.must(flags...)
				if got := listed(); got != want {
					t.Errorf("suggestions: %s\nwant %s", got, want)
				}
			}
			if text := s.must("contacts", "suggestions", "--limit", "1"); !strings.Contains(text, "Bo Roe") || strings.Contains(text, "eve@") {
				t.Errorf("the table: %s", text)
			}
			if got := jsonLinesOf[rejectedSuggestion](t, s.must("--json", "contacts", "reject", "Eve@other.test")); len(got) != 1 || got[0] != (rejectedSuggestion{"eve@other.test", kith.ForgottenRejected}) {
				t.Errorf("rejected: %+v", got)
			}
			if code, _, _ := s.run("contacts", "accept", "eve@other.test"); code != exitNotFound {
				t.Errorf("a suggestion that was rejected: exit code %d", code)
			}
			if code, _, _ := s.run("contacts", "accept"); code != exitUsage {
				t.Errorf("accept what? exit code %d", code)
			}
			s.must("contacts", "accept", "--all-above", "10")
			s.must("sync")
			if got := s.people(); len(got) != 1 || got[0] != "Bo Roe <bo@other.test>" {
				t.Errorf("contacts: %q", got)
			}
			if got := s.interactions(); len(got) != 3 {
				t.Errorf("%d interactions, want 3", len(got))
			}
			s.must("sync", "--full")
			if got := listed(); got != " <info@other.test> 1/0" {
				t.Errorf("suggestions after all: %s", got)
			}
			c.policy = ""
			s.configure(c)
			if _, _, log := s.run("sync"); !strings.Contains(log, "forgot people") {
				t.Errorf("the log: %s", log)
			}
			if got := listed(); got != "" {
				t.Errorf("suggestions without the policy: %s", got)
			}
		}},
	}...)
}
