package matcher_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/matcher"
)

func TestNeverRecord(t *testing.T) {
	lawyer := []func(*kith.Message){
		func(m *kith.Message) { m.From = append(m.From, list("lawyer@x.test")...) },
		func(m *kith.Message) { m.Sender = sender("lawyer@x.test") },
		func(m *kith.Message) { m.ReplyTo = list("lawyer@x.test") },
		func(m *kith.Message) { m.To = append(m.To, list("lawyer@x.test")...) },
		func(m *kith.Message) { m.Cc = list("lawyer@x.test") },
		func(m *kith.Message) { m.Bcc = list("lawyer@x.test") },
		func(m *kith.Message) { m.OriginalFrom = list("lawyer@x.test") },
		func(m *kith.Message) { m.ResentFrom = list("lawyer@x.test") },
		func(m *kith.Message) { m.DeliveredTo = []string{"alice@us.test", "lawyer@x.test"} },
		func(m *kith.Message) { m.ListPost = "lawyer@x.test" },
		func(m *kith.Message) { m.Bounce = &kith.Bounce{Recipients: []string{"lawyer@x.test"}} },
	}
	for i, place := range lawyer {
		item := letter("ann@client.test", fromUs, with(place))
		got := match(t, matcher.Policy{NeverRecord: []string{"lawyer@x.test"}}, aliceMail, item)
		// H06: nothing but the ref and the reason.
		if diff := cmp.Diff(kith.Outcome{Ref: "7:1", Skip: kith.ReasonNeverRecord}, got); diff != "" {
			t.Errorf("H01 at place %d: -want +got:\n%s", i, diff)
		}
	}

	never := func(patterns ...string) matcher.Policy { return matcher.Policy{NeverRecord: patterns} }
	run(t, []row{
		{name: "H01 a contact who is never to be recorded", item: letter("dora@client.test", fromUs),
			want: skipped(kith.ReasonNeverRecord)},
		{name: "H01 such a contact in Bcc beside another",
			item: letter("alice@us.test", toAnn, inSent, with(func(m *kith.Message) { m.Bcc = list("dora@client.test") })),
			want: skipped(kith.ReasonNeverRecord)},
		{name: "H01 an address that such a contact shares", item: letter("duo@home.test", fromUs),
			want: skipped(kith.ReasonNeverRecord)},
		{name: "H10 somebody who was erased", item: letter("erased@x.test", fromUs), want: skipped(kith.ReasonErased)},
		{name: "H10 somebody who was erased, beside a contact", item: letter("ann@client.test", "alice@us.test, erased@x.test"),
			want: skipped(kith.ReasonErased)},
		{name: "H01 with a tag", policy: never("ann@client.test"), item: letter("ann+x@client.test", "alice@us.test, bob@client.test"),
			want: skipped(kith.ReasonNeverRecord)},
		{name: "H01 with Gmail's dots", policy: never("J.Doe@gmail.com"), item: letter("jdo.e@googlemail.com", "alice@us.test, bob@client.test"),
			want: skipped(kith.ReasonNeverRecord)},
		{name: "H01 somebody else at that place is recorded", policy: never("lawyer@client.test"), item: letter("ann@client.test", fromUs),
			want: in("alice@us.test", "from ann@client.test ann")},
		{name: "H02 a domain, in any case", policy: never("Client.TEST"), item: letter("ann@client.test", fromUs),
			want: skipped(kith.ReasonNeverRecord)},
		{name: "H02 a subdomain", policy: never("client.test"), item: letter("x@hr.client.test", "alice@us.test, ann@home.test"),
			want: skipped(kith.ReasonNeverRecord)},
		{name: "H02 an internationalised domain", policy: never("münchen.de"), item: letter("ann.doe@xn--mnchen-3ya.de", fromUs),
			want: skipped(kith.ReasonNeverRecord)},
		{name: "H02 a domain that only ends alike", policy: never("ient.test"), item: letter("ann@client.test", fromUs),
			want: in("alice@us.test", "from ann@client.test ann")},
		{name: "H03 a wildcard", policy: never("*@bank.test"), item: letter("ann@client.test", "alice@us.test, x@bank.test"),
			want: skipped(kith.ReasonNeverRecord)},
		{name: "H03 a wildcard within the name", policy: never("ann*@client.test"), item: letter("ann@client.test", fromUs),
			want: skipped(kith.ReasonNeverRecord)},
		{name: "H05 only among us", item: letter("alice@us.test", "boss@us.test"), want: skipped(kith.ReasonInternal)},
	})
}

func TestPrivate(t *testing.T) {
	busy := matcher.Policy{Private: matcher.PrivateBusy, Body: matcher.BodySnippet}
	for _, mark := range []string{"personal", "private", "company-confidential"} {
		item := letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.Sensitivity = mark }))

		got := match(t, matcher.Policy{Body: matcher.BodySnippet}, aliceMail, item)
		if diff := cmp.Diff(kith.Outcome{Ref: "7:1", Skip: kith.ReasonPrivate}, got); diff != "" {
			t.Errorf("H12 %s, skip: -want +got:\n%s", mark, diff)
		}
		i := recorded(t, busy, aliceMail, item)
		if i.Subject != "" || i.Snippet != "" || len(i.Attachments) != 0 {
			t.Errorf("H12 %s, busy: kept %q, %q, %v", mark, i.Subject, i.Snippet, i.Attachments)
		}
		if diff := cmp.Diff([]string{matcher.FlagPrivate}, i.Flags); diff != "" {
			t.Errorf("H12 %s, busy: flags -want +got:\n%s", mark, diff)
		}
	}
}

// What policy keeps of the content.
func TestContent(t *testing.T) {
	for _, tt := range []struct {
		name             string
		policy           matcher.Policy
		subject, snippet string
	}{
		{"shipped", matcher.Policy{}, "Offer 4711", ""},
		{"H07 subject dropped", matcher.Policy{Subject: matcher.SubjectDrop}, "", ""},
		{"snippet kept", matcher.Policy{Body: matcher.BodySnippet}, "Offer 4711", "Dear Alice"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			i := recorded(t, tt.policy, aliceMail, letter("ann@client.test", fromUs))
			if i.Subject != tt.subject || i.Snippet != tt.snippet {
				t.Errorf("kept %q and %q, want %q and %q", i.Subject, i.Snippet, tt.subject, tt.snippet)
			}
		})
	}
}

// H06: a skip holds no content, whatever the reason.
func TestSkipHoldsNoContent(t *testing.T) {
	items := map[kith.Reason]kith.Item{
		kith.ReasonNoContact:   letter("x@x.test", fromUs),
		kith.ReasonInternal:    letter("boss@us.test", fromUs),
		kith.ReasonBulk:        letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.Bulk = true })),
		kith.ReasonDraft:       letter("alice@us.test", toAnn, func(i *kith.Item) { i.Draft = true }),
		kith.ReasonReceipt:     letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.Receipt = true })),
		kith.ReasonInvitation:  letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.Invitation = "REQUEST" })),
		kith.ReasonSpoofed:     letter("alice@us.test", toAnn, with(func(m *kith.Message) { m.AuthFailed = true })),
		kith.ReasonAutoForward: letter("alice@us.test", toAnn, with(func(m *kith.Message) { m.AutoForwarded = true })),
		kith.ReasonNoSender:    letter("", toAnn),
	}
	for reason, item := range items {
		got := match(t, matcher.Policy{}, aliceMail, item)
		if diff := cmp.Diff(kith.Outcome{Ref: "7:1", Skip: reason}, got); diff != "" {
			t.Errorf("H06 %s: -want +got:\n%s", reason, diff)
		}
	}
}
