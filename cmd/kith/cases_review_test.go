package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith"
	syncer "kith/sync"
)

// companyCases are about addresses that no contact has, in domains that a company has.
var companyCases = []hardCase{
	{name: "B06 B07 an unknown address is the company's that has its domain", policy: "company_by_domain = true",
		contacts: "external_id,type,company,name,email\n1,person,Client Ltd,Ann Doe,ann@client.co.test\n2,company,,Free Ltd,free@gmail.com\n3,company,,Tax Office,tax@office.gov.uk\n4,person,Us Ltd,Joe,joe@example.test",
		mail: []mail{
			{raw: letter("Message-ID: <1@x.test>", "Subject: a host below", "From: Eve <eve@mail.client.co.test>")},
			{raw: letter("Message-ID: <2@x.test>", "Subject: free mail", "From: eve@gmail.com")},
			{raw: letter("Message-ID: <3@x.test>", "Subject: a neighbour under a public suffix", "From: eve@other.gov.uk")},
			{raw: letter("Message-ID: <4@x.test>", "Subject: under a public suffix", "From: eve@mail.office.gov.uk")},
			{raw: letter("Message-ID: <5@x.test>", "Subject: a machine", "From: no-reply@client.co.test")},
			{raw: letter("Message-ID: <6@x.test>", "Subject: a newsletter", "From: eve@client.co.test", "List-Unsubscribe: <mailto:off@client.co.test>")},
			{raw: letter("Message-ID: <7@x.test>", "Subject: a colleague", "From: bob@example.test")},
			{raw: letter("Message-ID: <8@x.test>", "Subject: with Ann", "From: ann@client.co.test", "Cc: eve@client.co.test, adam@client.co.test")},
		},
		want: []row{
			{Subject: "a host below", Links: []string{"from Client Ltd"}},
			{Subject: "under a public suffix", Links: []string{"from Tax Office"}},
			{Subject: "with Ann", Links: []string{"from Ann Doe", "cc Client Ltd"}},
		},
		skipped: map[kith.Reason]int{kith.ReasonNoContact: 3, kith.ReasonBulk: 1, kith.ReasonInternal: 1},
	},
	{name: "B06 B07 but only if the policy says so",
		contacts: "external_id,type,company,name,email\n1,person,Client Ltd,Ann Doe,ann@client.test",
		mail:     []mail{{raw: letter("From: eve@client.test")}},
		skipped:  map[kith.Reason]int{kith.ReasonNoContact: 1},
	},
	{name: "H01 a company never to be recorded, by its domain", policy: "company_by_domain = true",
		contacts: "external_id,type,company,never_record,name,email\n1,company,,yes,Bank,info@bank.test\n2,person,,,Ann Doe,ann@client.test",
		mail:     []mail{{raw: letter("Cc: eve@branch.bank.test")}},
		skipped:  map[kith.Reason]int{kith.ReasonNeverRecord: 1},
	},
}

// identityOf returns what kith identities list --all tells of an address.
func (s *caseSite) identityOf(address string) identityRow {
	s.t.Helper()
	for _, i := range jsonLinesOf[identityRow](s.t, s.must("--json", "identities", "list", "--all")) {
		if i.Address == address {
			return i
		}
	}
	return identityRow{}
}

// listed returns the addresses that kith identities lists.
func (s *caseSite) listed() string {
	s.t.Helper()
	var all []string
	for _, i := range jsonLinesOf[identityRow](s.t, s.must("--json", "identities")) {
		all = append(all, i.Address)
	}
	return strings.Join(all, " ")
}

var ownStories = []story{
	{"C04 B13 an address in Sent is proposed, accepted, and ours from then on", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{contacts: annAndBo, mail: []mail{
			{in: "Sent", raw: reply("From: Alice <alice@old.test>")},
			{in: "Archive", raw: reply("Message-ID: <2@example.test>", "Subject: elsewhere", "From: alice@old.test")},
			{raw: letter("Message-ID: <3@client.test>", "Subject: to it", "To: alice@old.test", "Cc: bo@client.test")},
			{raw: letter("Message-ID: <4@client.test>", "Subject: to all", "To: alice@example.test, eve@other.test")},
		}})
		s.unchanged()
		s.poll()
		s.poll("--full")
		if got := s.listed(); got != "alice@old.test" {
			t.Errorf("proposed: %q", got)
		}
		if got := s.identityOf("alice@old.test"); got.Seen.Sent != 1 || got.Owner != "alice@example.test" || got.State != kith.IdentityProposed {
			t.Errorf("what is told of it: %+v", got)
		}
		to := []string{"to Ann Doe"}
		s.check("before", row{Subject: "elsewhere", Links: to}, row{Subject: "offer", Direction: kith.Outbound, Rule: kith.DirectionBySent, Flags: proposed},
			row{Subject: "to all"}, row{Subject: "to it", Links: []string{"from Ann Doe", "cc Bo"}})
		if code, _, stderr := s.run("identities", "accept", "ann@client.test", "--owner", "alice@example.test"); code != exitConflict || !strings.Contains(stderr, "Ann Doe") {
			t.Errorf("a contact's address: exit code %d, %s", code, stderr)
		}
		if code, _, _ := s.run("identities", "accept", "bob@example.test", "--owner", "alice@example.test"); code != exitConflict {
			t.Errorf("an address in our own domain: exit code %d", code)
		}
		if code, _, stderr := s.run("identities", "accept", "who@club.test"); code != exitUsage || !strings.Contains(stderr, "--owner") {
			t.Errorf("an address that nobody has seen: exit code %d, %s", code, stderr)
		}
		got := jsonLinesOf[decidedIdentity](t, s.must("--json", "identities", "accept", "Alice@OLD.test"))[0]
		if got.Review.Reviewed != 3 || got.Review.Changed != 2 || got.Review.Changes["direction"] != 1 || got.Owner != "alice@example.test" {
			t.Errorf("accept: %+v", got)
		}
		want := []row{{Subject: "elsewhere", Direction: kith.Outbound, Owner: "alice@example.test"}, {Subject: "offer", Direction: kith.Outbound, Owner: "alice@example.test"},
			{Subject: "to all"}, {Subject: "to it", Links: []string{"from Ann Doe", "cc Bo"}}}
		s.check("afterwards", want...)
		s.deliver(mail{in: "Archive", raw: reply("Message-ID: <5@example.test>", "Subject: a new one", "From: alice@old.test")})
		s.deliver(mail{raw: reply("Message-ID: <6@example.test>", "Subject: among us", "From: alice@old.test", "To: bob@example.test")})
		if again := s.poll(); again.New != 1 || again.Skipped[kith.ReasonInternal] != 1 {
			t.Errorf("the next pass: %+v", again)
		}
		s.poll("--full")
		s.check("after a full pass", append([]row{{Subject: "a new one", Direction: kith.Outbound}}, want...)...)
		if got := s.listed(); got != "" {
			t.Errorf("proposed still: %q", got)
		}
		s.must("identities", "reject", "alice@old.test")
		s.poll("--full")
		s.check("after it was rejected", row{Subject: "a new one", Links: to}, row{Subject: "elsewhere", Links: to},
			row{Subject: "offer", Direction: kith.Outbound, Rule: kith.DirectionBySent}, row{Subject: "to all"}, row{Subject: "to it", Links: []string{"from Ann Doe", "cc Bo"}})
		if got := s.identityOf("alice@old.test"); got.State != kith.IdentityRejected || got.Seen != (kith.SightingCounts{}) {
			t.Errorf("what is kept of a rejected one: %+v", got)
		}
	}},
	{"C10 an alias that mail comes in through is proposed once several messages have, a catch-all's are not", func(t *testing.T, m *mailServer) {
		c := hardCase{contacts: annAndBo}
		for n := range 3 {
			c.mail = append(c.mail, mail{raw: letter(fmt.Sprintf("Message-ID: <%d@client.test>", n), "To: me@club.test", "Delivered-To: alice@example.test", "X-Original-To: me@club.test")})
		}
		for n := range 12 {
			to := fmt.Sprintf("any%d@catch.test", n)
			c.mail = append(c.mail, mail{raw: letter(fmt.Sprintf("Message-ID: <c%d@client.test>", n), "To: "+to, "Delivered-To: "+to)})
		}
		c.mail = append(c.mail,
			mail{raw: letter("Message-ID: <once@client.test>", "To: once@rare.test", "Delivered-To: once@rare.test")},
			mail{raw: letter("Message-ID: <bo@client.test>", "To: bo@client.test", "Delivered-To: bo@client.test")},
			mail{raw: letter("Message-ID: <eve@other.test>", "From: eve@other.test", "To: stranger@mark.test", "Delivered-To: stranger@mark.test")})
		s := m.open(t, c)
		s.poll()
		if got := s.listed(); got != "me@club.test" {
			t.Errorf("proposed: %q", got)
		}
		if _, _, stderr := s.run("identities"); !strings.Contains(stderr, "12 proposals") {
			t.Errorf("of the catch-all it tells %q", stderr)
		}
		if got := s.identityOf("stranger@mark.test"); got.Address != "" {
			t.Errorf("of mail that is not recorded: %+v", got)
		}
		s.must("contacts", "edit", "bo@client.test", "--email", "bo@client.test", "--email", "me@club.test")
		if got := s.listed(); got != "" {
			t.Errorf("once a contact has it: %q", got)
		}
	}},
	{"H05 accepted, and all of it was among ourselves", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{contacts: "Me,me@club.test", mail: []mail{{raw: letter("From: me@club.test")}}})
		s.poll()
		s.must("contacts", "rm", "me@club.test")
		got := jsonLinesOf[decidedIdentity](t, s.must("--json", "identities", "accept", "me@club.test", "--owner", "alice@example.test"))[0]
		if got.Review.Dropped[kith.ReasonInternal] != 1 {
			t.Errorf("accept: %+v", got.Review)
		}
		s.check("afterwards")
	}},
	{"explain tells who each address is, and what says so", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{policy: "plus_addressing = true\nnever_record = [\"lawyer@x.test\"]", mail: []mail{
			{in: "Sent", raw: reply("Message-ID: <2@example.test>", "From: alice@old.test")},
			{raw: letter("From: Ann <ANN+crm@Client.test>", "To: Alice@Alias.test, alice@old.test, eve@münchen.test", "Cc: lawyer@x.test")},
		}})
		s.poll()
		explain := func(id string) string {
			t.Helper()
			var all []string
			for _, step := range jsonLinesOf[syncer.Explanation](t, s.must("--json", "explain", id))[0].Steps {
				if step.Step == "address" {
					all = append(all, step.Result+": "+step.Why)
				}
			}
			return strings.Join(all, "\n")
		}
		for _, want := range []string{
			"contact: ann+crm@client.test; without its tag and the dots that do not count it is ann@client.test; it is that of Ann Doe",
			"ours: alice@alias.test; an account has it as an address of alice@example.test",
			"unknown: alice@old.test; no contact has it; it seems to be ours",
			"people write as münchen.test",
			"never_record: lawyer@x.test; no contact has it; the policy's never_record list excludes it",
		} {
			if got := explain("<1@client.test>"); !strings.Contains(got, want) {
				t.Errorf("it does not tell %q:\n%s", want, got)
			}
		}
		s.must("identities", "accept", "alice@old.test")
		if got := explain("<1@client.test>"); !strings.Contains(got, "ours: alice@old.test; it was accepted") {
			t.Errorf("once it is accepted:\n%s", got)
		}
		if text := s.must("explain", "<1@client.test>"); !strings.Contains(text, "it was accepted") {
			t.Errorf("as a table:\n%s", text)
		}
	}},
}

// applied runs kith policy apply.
func (s *caseSite) applied(flags ...string) reviewResult {
	s.t.Helper()
	return jsonLinesOf[reviewResult](s.t, s.must(append([]string{"--json", "policy", "apply"}, flags...)...))[0]
}

var reviewStories = []story{
	{"H04 a rule that comes later: what is on file goes, also the copies of colleagues", func(t *testing.T, m *mailServer) {
		c := hardCase{contacts: "Ann Doe,ann@client.test\nBo,bo@client.test\nDr Law,law@firm.test", others: []colleague{bob}, mail: []mail{
			{raw: letter("Subject: subjectmark", "Message-ID: <idmark1@x.test>", "Cc: law@firm.test, bob@example.test")},
			{of: "bob", raw: letter("Subject: subjectmark", "Message-ID: <idmark1@x.test>", "Cc: law@firm.test, bob@example.test")},
			{of: "bob", raw: letter("Subject: subjectmark", "Message-ID: <idmark2@x.test>", "To: bob@example.test", "Cc: someone@branch.firm.test")},
			{raw: letter("Subject: subjectmark", "Message-ID: <idmark3@x.test>", "From: bo@client.test")},
			{raw: letter()},
		}}
		s := m.open(t, c)
		s.poll()
		if n := len(s.interactions()); n != 4 {
			t.Fatalf("%d interactions", n)
		}
		if got := s.applied("--dry-run"); got.Reviewed != 4 || got.Changed != 0 || len(got.Dropped) != 0 {
			t.Errorf("nothing has changed: %+v", got)
		}
		if code, _, stderr := s.run("contacts", "edit", "bo@client.test", "--never-record"); code != exitDone || !strings.Contains(stderr, "1 interaction is on file") {
			t.Errorf("never_record: exit code %d, %s", code, stderr)
		}
		c.policy = `never_record = ["firm.test"]`
		s.configure(c)
		got := s.applied("--dry-run")
		if got.Dropped[kith.ReasonNeverRecord] != 3 || len(got.Examples) != 3 || !got.DryRun {
			t.Errorf("a dry run: %+v", got)
		}
		if n := len(s.interactions()); n != 4 {
			t.Errorf("the dry run left %d", n)
		}
		text := s.must("policy", "apply", "--dry-run")
		lookedFor(t, "what the dry run prints", text, "subjectmark", "idmark")
		if got := s.applied(); got.Dropped[kith.ReasonNeverRecord] != 3 || got.DryRun || len(got.Examples) != 0 {
			t.Errorf("apply: %+v", got)
		}
		s.check("afterwards", row{Subject: "offer"})
		if got := s.applied(); got.Reviewed != 1 || got.Changed+len(got.Dropped) != 0 {
			t.Errorf("once more: %+v", got)
		}
		s.poll("--full")
		s.check("after a full pass", row{Subject: "offer"})
		c.policy = ""
		s.configure(c)
		s.must("contacts", "edit", "bo@client.test", "--no-never-record")
		s.poll("--full")
		if n := len(s.interactions()); n != 4 {
			t.Errorf("a looser policy and a full pass bring %d", n)
		}
	}},
	{"H04 contacts that an import marks", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{{raw: letter()}}})
		s.poll()
		s.write("never.csv", "name,email,never_record\nAnn Doe,ann@client.test,yes\n")
		if code, _, stderr := s.run("contacts", "import", s.path("never.csv")); code != exitDone || !strings.Contains(stderr, "kith policy apply --dry-run") {
			t.Errorf("import: exit code %d, %s", code, stderr)
		}
		if got := s.applied(); got.Dropped[kith.ReasonNeverRecord] != 1 {
			t.Errorf("apply: %+v", got)
		}
		s.check("afterwards")
	}},
	{"H05 H07 H12 a policy that keeps less: what was kept goes", func(t *testing.T, m *mailServer) {
		c := hardCase{contacts: annAndBo, policy: "body = \"snippet\"\nprivate = \"busy\"\nbulk = \"record\"\ninternal = \"record\"\n", mail: []mail{
			{raw: marked()},
			{raw: letter("Message-ID: <2@client.test>", "Subject: private", "Sensitivity: private")},
			{raw: letter("Message-ID: <3@client.test>", "Subject: news", "From: ann@client.test", "List-Unsubscribe: <mailto:off@client.test>")},
			{raw: letter("Message-ID: <4@client.test>", "Subject: list", "To: list@lists.test", "List-Post: <mailto:list@lists.test>")},
			{raw: letter("Message-ID: <5@client.test>", "Subject: away", "Auto-Submitted: auto-replied")},
			{in: "Sent", raw: reply("Message-ID: <6@example.test>", "Subject: among us", "To: bob@example.test")},
			{in: "Sent", raw: reply("Message-ID: <7@example.test>", "Subject: out")},
		}}
		s := m.open(t, c)
		if got := s.poll(); got.New != 7 {
			t.Fatalf("a pass: %+v", got)
		}
		c.policy = "subject = \"drop\"\nauto_reply = \"skip\"\n"
		c.top = "[templates]\nemail_out = \"\"\n"
		s.configure(c)
		want := map[kith.Reason]int{kith.ReasonPrivate: 1, kith.ReasonBulk: 1, kith.ReasonAutoReply: 1, kith.ReasonInternal: 1, kith.ReasonTemplateBlank: 1}
		got := s.applied()
		if diff := cmp.Diff(want, got.Dropped); diff != "" {
			t.Errorf("dropped (-want +got):\n%s", diff)
		}
		if got.Changed != 2 || got.Changes["subject"] != 2 || got.Changes["text"] == 0 {
			t.Errorf("apply: %+v", got)
		}
		s.check("afterwards", row{Flags: []string{"bulk"}}, row{Attachments: []string{"filemark.pdf"}})
		if out := s.must("--json", "interactions", "list"); strings.Contains(out, "bodymark") || strings.Contains(out, "subjectmark") {
			t.Error("subject or text is left")
		}
		s.poll("--full")
		s.check("after a full pass", row{Flags: []string{"bulk"}}, row{Attachments: []string{"filemark.pdf"}})
	}},
	{"B06 links by domain go when the policy does not want them any more", func(t *testing.T, m *mailServer) {
		c := hardCase{policy: "company_by_domain = true", contacts: "external_id,type,company,name,email\n1,person,Client Ltd,Ann Doe,ann@client.test",
			mail: []mail{{raw: letter("Cc: eve@client.test")}, {raw: letter("Message-ID: <2@client.test>", "From: eve@client.test")}}}
		s := m.open(t, c)
		s.poll()
		c.policy = ""
		s.configure(c)
		if got := s.applied(); got.Dropped[kith.ReasonNoContact] != 1 || got.Changes["links"] != 1 {
			t.Errorf("apply: %+v", got)
		}
		s.check("afterwards", row{Subject: "offer"})
	}},
	{"H14 a colleague who leaves: what only this one has seen goes, what others have seen stays", func(t *testing.T, m *mailServer) {
		c := hardCase{contacts: annAndBo, others: []colleague{bob}, mail: []mail{
			{raw: letter("Cc: bob@example.test")},
			{of: "bob", raw: letter("Cc: bob@example.test")},
			{of: "bob", raw: letter("Message-ID: <2@client.test>", "Subject: to Bob", "To: bob@example.test")},
			{of: "bob", in: "Sent", raw: reply("Message-ID: <3@example.test>", "Subject: by Bob", "From: bob@example.test")},
		}}
		s := m.open(t, c)
		s.poll()
		if code, _, _ := s.run("accounts", "forget", "bob"); code != exitConflict {
			t.Errorf("one that is configured: exit code %d", code)
		}
		c.others = nil
		s.configure(c)
		s.poll()
		// I12: what a removed account has seen stays until somebody wants it away.
		if n := len(s.interactions()); n != 3 {
			t.Errorf("once it is removed there are %d", n)
		}
		dry := jsonLinesOf[reviewResult](t, s.must("--json", "accounts", "forget", "bob", "--dry-run"))[0]
		if dry.Dropped[kith.ReasonAccountRemoved] != 2 || dry.Changed != 1 || len(s.interactions()) != 3 {
			t.Errorf("a dry run: %+v", dry)
		}
		s.must("accounts", "forget", "bob")
		s.check("afterwards", row{Subject: "offer"})
		if code, _, _ := s.run("accounts", "forget", "bob"); code != exitNotFound {
			t.Errorf("once more: exit code %d", code)
		}
		if strings.Contains(s.must("--json", "status"), `"bob"`) {
			t.Error("the account is still told of")
		}
		c.others = []colleague{bob}
		s.configure(c)
		s.poll()
		if n := len(s.interactions()); n != 3 {
			t.Errorf("the account comes back: %d interactions", n)
		}
	}},
}
