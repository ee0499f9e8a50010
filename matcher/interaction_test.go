package matcher_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kith"
	"kith/matcher"
)

func TestInteraction(t *testing.T) {
	item := letter("Ann Doe <ann@client.test>", "Alice <alice@us.test>, x@x.test", with(func(m *kith.Message) {
		m.Cc = list("alice@us.test, bob@client.test")
		m.ReplyTo = list("ann@client.test")
		m.References = []string{"<a@x>", "<b@x>"}
		m.InReplyTo = []string{"<b@x>", "<c@x>", "<1@client.test>"}
	}))
	id := "<1@client.test>"
	want := &kith.Interaction{
		Kind: kith.KindEmail, Status: kith.StatusRecorded,
		Direction: kith.Inbound, DirectionRule: kith.DirectionByDefault, InitiatedBy: kith.InitiatedByUnknown,
		OccurredAt: monday, Subject: "Offer 4711", Owner: "alice@us.test", Template: "EMAIL_IN", Group: "EMAIL",
		Participants: []kith.Participant{
			{Role: kith.RoleFrom, Address: "ann@client.test", Name: "Ann Doe"},
			{Role: kith.RoleTo, Address: "alice@us.test", Name: "Alice"},
			{Role: kith.RoleTo, Address: "x@x.test"},
			{Role: kith.RoleCc, Address: "bob@client.test"},
		},
		Links: []kith.Link{
			{ContactID: ann, CompanyID: &company, Role: kith.RoleFrom, Matched: "ann@client.test", Rule: kith.LinkByEmail},
			{ContactID: bob, Role: kith.RoleCc, Matched: "bob@client.test", Rule: kith.LinkByEmail},
		},
		MessageID: &id, Evidence: []kith.Evidence{}, Flags: []string{}, Notes: []kith.Note{},
		Attachments:        item.Message.Attachments,
		CorrespondenceType: "email", DeliveryStatus: kith.DeliveryNone,
		ThreadRefs: []string{"<a@x>", "<b@x>", "<c@x>"},
	}
	got := recorded(t, matcher.Policy{}, aliceMail, item)
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(kith.Interaction{}, "Key")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	if got.Key == (kith.Key{}) {
		t.Error("no key")
	}
	if _, offset := got.OccurredAt.Zone(); offset != 3600 {
		t.Errorf("offset %d, want that of the header", offset)
	}
}

// Lists of an interaction are arrays in JSON, never null.
func TestListsAreNeverNull(t *testing.T) {
	item := letter("alice@us.test", "boss@us.test", with(func(m *kith.Message) { m.Attachments = nil }))
	i := recorded(t, matcher.Policy{Internal: matcher.InternalRecord}, aliceMail, item)
	text, err := json.Marshal(i)
	if err != nil {
		t.Fatal(err)
	}
	for _, field := range []string{"links", "evidence", "attachments", "flags", "notes"} {
		if !strings.Contains(string(text), `"`+field+`":[]`) {
			t.Errorf("%s is not []: %s", field, text)
		}
	}
}

func TestOutboundFacts(t *testing.T) {
	i := recorded(t, matcher.Policy{}, aliceMail, letter("alice@us.test", toAnn, inSent))
	if i.DeliveryStatus != kith.DeliverySent || i.Template != "EMAIL_OUT" || i.Group != "EMAIL" || i.InitiatedBy != kith.InitiatedByUs {
		t.Errorf("delivery %s, template %s, group %s, initiated by %s", i.DeliveryStatus, i.Template, i.Group, i.InitiatedBy)
	}
	i = recorded(t, matcher.Policy{}, aliceMail, letter("ann@client.test", fromUs))
	if i.InitiatedBy != kith.InitiatedByThem || i.Fingerprint != (kith.Key{}) {
		t.Errorf("inbound: initiated by %s, fingerprint %x", i.InitiatedBy, i.Fingerprint)
	}
}

func TestParticipants(t *testing.T) {
	for _, tt := range []struct {
		name string
		item kith.Item
		want []string
	}{
		{"B10 the name is the message's, whoever the contact is", letter("Build 17 <ann@client.test>", fromUs),
			[]string{"from ann@client.test Build 17", "to alice@us.test"}},
		{"B21 once in To, Cc and Bcc", letter("alice@us.test", toAnn, with(func(m *kith.Message) {
			m.Cc, m.Bcc = list("ann@client.test, x@x.test"), list("x@x.test")
		})), []string{"from alice@us.test", "to ann@client.test", "cc x@x.test"}},
		{"B23 all addresses of one person are facts", letter("alice@us.test", "ann@client.test, ann@home.test"),
			[]string{"from alice@us.test", "to ann@client.test", "to ann@home.test"}},
		{"C03 Sender is noted", letter("boss@us.test", toAnn, with(func(m *kith.Message) { m.Sender = sender("alice@us.test") })),
			[]string{"from boss@us.test", "sender alice@us.test", "to ann@client.test"}},
		{"C05 the author is a recipient too", letter("alice@us.test", "ann@client.test, alice@us.test"),
			[]string{"from alice@us.test", "to ann@client.test", "to alice@us.test"}},
		{"A06 Sender stands for From", letter("", fromUs, with(func(m *kith.Message) { m.Sender = sender("ann@client.test") })),
			[]string{"from ann@client.test", "to alice@us.test"}},
		{"D09 the author as before the list", letter("Ann via Ops <ops@lists.test>", "ops@lists.test", with(func(m *kith.Message) {
			m.Bulk, m.ListPost, m.OriginalFrom = true, "ops@lists.test", list("Ann <ann@client.test>")
		})), []string{"from ann@client.test Ann", "to ops@lists.test"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i := recorded(t, matcher.Policy{}, aliceMail, tt.item)
			if diff := cmp.Diff(tt.want, participantNames(i.Participants)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// A17: of thousands of recipients all contacts are linked, and few strangers kept.
func TestManyRecipients(t *testing.T) {
	to := make([]kith.Address, 3000)
	for i := range to {
		to[i].Address = fmt.Sprintf("r%d@x.test", i)
	}
	to[2900].Address, to[2950].Address, to[2999].Address = "ann@client.test", "bob@client.test", "boss@us.test"
	to[2998].Address, to[2997].Address = "ann@home.test", "ann@client.test" // B21, B23: ann again
	for policy, want := range map[int]int{0: 500, 10: 10, 2: 5} {
		i := recorded(t, matcher.Policy{Participants: policy}, aliceMail, letter("alice@us.test", "", with(func(m *kith.Message) { m.To = to })))
		if diff := cmp.Diff([]string{"to ann@client.test ann", "to bob@client.test bob"}, linkNames(i.Links)); diff != "" {
			t.Errorf("A17 links -want +got:\n%s", diff)
		}
		if len(i.Participants) != want {
			t.Errorf("A17 %d participants, want %d", len(i.Participants), want)
		}
		for _, a := range []string{"alice@us.test", "ann@client.test", "ann@home.test", "bob@client.test", "boss@us.test"} {
			if !slices.ContainsFunc(i.Participants, func(p kith.Participant) bool { return p.Address == a }) {
				t.Errorf("A17 %s is not among the participants", a)
			}
		}
		if diff := cmp.Diff([]string{matcher.FlagManyRecipients}, i.Flags); diff != "" {
			t.Errorf("A17 flags -want +got:\n%s", diff)
		}
	}
}

func TestDates(t *testing.T) {
	received := monday.Add(time.Minute)
	for _, tt := range []struct {
		name  string
		date  time.Time
		from  kith.DateSource
		want  time.Time
		flags []string
	}{
		{"A07 no Date: when the server got it", received, kith.DateFromInternal, received, []string{"date_source=internal"}},
		{"no date at all: when the server got it", time.Time{}, kith.DateNone, received, []string{"date_source=none"}},
		{"the header's", monday, kith.DateFromHeader, monday, []string{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i := recorded(t, matcher.Policy{}, aliceMail, letter("ann@client.test", fromUs,
				func(i *kith.Item) { i.Received, i.Message.Date, i.Message.DateSource = received, tt.date, tt.from }))
			if !i.OccurredAt.Equal(tt.want) {
				t.Errorf("occurred at %s, want %s", i.OccurredAt, tt.want)
			}
			if diff := cmp.Diff(tt.flags, i.Flags); diff != "" {
				t.Errorf("flags -want +got:\n%s", diff)
			}
		})
	}
}

func TestOwner(t *testing.T) {
	delivered := func(addresses ...string) func(*kith.Item) {
		return with(func(m *kith.Message) { m.DeliveredTo = addresses })
	}
	for _, tt := range []struct {
		name    string
		account matcher.Account
		item    kith.Item
		want    string
	}{
		{"first of ours in To, whose copy it is does not matter", bossMail, letter("ann@client.test", "x@x.test, alice@us.test, boss@us.test"), "alice@us.test"},
		{"the owner of an alias", bossMail, letter("ann@client.test", "a.jones@alias.test"), "alice@us.test"},
		{"a colleague without an account does not take it", aliceMail, letter("ann@client.test", "info@us.test, boss@us.test"), "boss@us.test"},
		{"To before Cc", aliceMail, letter("ann@client.test", "boss@us.test", with(func(m *kith.Message) { m.Cc = list("alice@us.test") })), "boss@us.test"},
		{"Cc before Delivered-To", aliceMail, letter("ann@client.test", "x@x.test", delivered("alice@us.test"),
			with(func(m *kith.Message) { m.Cc = list("boss@us.test") })), "boss@us.test"},
		{"Delivered-To", bossMail, letter("ann@client.test", "all@lists.test", delivered("alice@us.test")), "alice@us.test"},
		{"else the account", bossMail, letter("ann@client.test", ""), "boss@us.test"},
		{"an account without an owner belongs to its first address",
			matcher.Account{Name: "team", Addresses: []string{"Team@us.test"}}, letter("ann@client.test", ""), "team@us.test"},
		{"outbound: the author with an account", aliceMail, letter("ceo@us.test, boss@us.test", toAnn), "boss@us.test"},
		{"outbound: the author without one", aliceMail, letter("ceo@us.test", toAnn), "ceo@us.test"},
		{"C04 outbound: an alias nobody configured", bossMail, letter("b@other.test", toAnn, inSent), "boss@us.test"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := recorded(t, matcher.Policy{}, tt.account, tt.item).Owner; got != tt.want {
				t.Errorf("owner %s, want %s", got, tt.want)
			}
		})
	}
}

func TestTemplates(t *testing.T) {
	policy := matcher.Policy{
		Templates: map[matcher.Event]string{matcher.EmailIn: "LETTERBOX", matcher.EmailOut: ""},
		Groups:    map[string]string{"LETTERBOX": "POST"},
	}
	i := recorded(t, policy, aliceMail, letter("ann@client.test", fromUs))
	if i.Template != "LETTERBOX" || i.Group != "POST" {
		t.Errorf("template %s of group %s, want LETTERBOX of POST", i.Template, i.Group)
	}
	if got := match(t, policy, aliceMail, letter("alice@us.test", toAnn)); got.Skip != kith.ReasonTemplateBlank {
		t.Errorf("blank template: %q, want %q", got.Skip, kith.ReasonTemplateBlank)
	}
}
