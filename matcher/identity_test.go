package matcher_test

import (
	"testing"
	"time"

	"kith"
	"kith/matcher"
)

func TestKey(t *testing.T) {
	policy := matcher.Policy{Bulk: matcher.BulkRecord}
	noID := with(func(m *kith.Message) { m.MessageID = "" })
	noDate := func(received time.Time) func(*kith.Item) {
		return func(i *kith.Item) {
			i.Received, i.Message.Date, i.Message.DateSource = received, received, kith.DateFromInternal
		}
	}
	subject := func(s string) func(*kith.Item) { return with(func(m *kith.Message) { m.Subject = s }) }
	viaList := with(func(m *kith.Message) {
		m.Bulk, m.ListPost, m.Subject = true, "ops@lists.test", "[Ops] "+m.Subject
	})
	const a, us = "Ann <ann@client.test>", "alice@us.test"
	base := letter(a, us)

	for _, tt := range []struct {
		name      string
		one, two  kith.Item
		different bool
	}{
		{name: "D01 in two folders", one: base, two: letter(a, us, func(i *kith.Item) { i.Ref, i.Role, i.Received = "9:4", kith.RoleArchive, monday.AddDate(0, 1, 0) })},
		{name: "D05 the id used again with another date", one: base, different: true,
			two: letter(a, us, with(func(m *kith.Message) { m.Date = m.Date.Add(time.Second) }))},
		{name: "D05 the id used again with another subject", one: base, two: letter(a, us, subject("Offer 4712")), different: true},
		{name: "D05 the id used again by another author", one: base, two: letter("bob@client.test", us), different: true},
		{name: "D05 the id used again, no date in either header", one: letter(a, us, noDate(monday)), different: true,
			two: letter(a, us, noDate(monday), subject("Offer 4712"))},
		{name: "the same instant in another zone", one: base,
			two: letter(a, us, with(func(m *kith.Message) { m.Date = m.Date.UTC().Add(300 * time.Millisecond) }))},
		{name: "A07 no date in the header: the time of receipt differs from copy to copy", one: letter(a, us, noDate(monday)),
			two: letter(a, us, noDate(monday.Add(time.Hour)))},
		{name: "B12 only our copy has Bcc", one: letter(us, "ann@client.test"),
			two: letter(us, "ann@client.test", inSent, with(func(m *kith.Message) { m.Bcc = list("bob@client.test") }))},
		{name: "D09 the list's copy has a tag", one: base, two: letter(a, us, viaList)},
		{name: "D09 the list's tag behind Re:", one: letter(a, us, subject("Re: Offer")), two: letter(a, us, subject("Re: [Ops] Offer"))},
		{name: "D09 the list's tag before Re:", one: letter(a, us, subject("Re: Offer")), two: letter(a, us, subject("[Ops] RE: Offer"))},
		{name: "D09 the list folded the subject elsewhere", one: letter(a, us, subject("Übergabe am Montag")),
			two: letter(a, us, subject("[ops] übergabe  amMontag"))},
		{name: "D09 munged From, X-Original-From", one: base,
			two: letter("Ann via Ops <ops@lists.test>", us, viaList, with(func(m *kith.Message) { m.OriginalFrom = list(a) }))},
		{name: "D09 munged From, Reply-To", one: base,
			two: letter("Ann via Ops <ops@lists.test>", us, viaList, with(func(m *kith.Message) { m.ReplyTo = list(a) }))},
		{name: "D09 munged From, Reply-To is the list and the author is in Cc", one: base,
			two: letter("Ann via Ops <ops@lists.test>", us, viaList, with(func(m *kith.Message) {
				m.ReplyTo, m.Cc = list("ops@lists.test"), list("x@x.test, "+a)
			}))},
		{name: "D09 two authors munged by one list stay two", different: true,
			one: letter("Ann via Ops <ops@lists.test>", us, viaList, with(func(m *kith.Message) { m.ReplyTo = list(a) })),
			two: letter("Bob via Ops <ops@lists.test>", us, viaList, with(func(m *kith.Message) { m.ReplyTo = list("Bob <bob@client.test>") }))},
		{name: "D10 our letter and what the list sends back", one: letter(us, "ops@lists.test, ann@client.test", inSent),
			two: letter("Alice via Ops <ops@lists.test>", "ops@lists.test, ann@client.test", viaList,
				with(func(m *kith.Message) { m.ReplyTo = list("alice@us.test") }))},
		{name: "D09 the list counts answers", one: letter(a, us, subject("Re: Offer")), two: letter(a, us, subject("[Ops] Re[2]: Offer"))},
		{name: "D09 the list answers in another language", one: letter(a, us, subject("Re: Offer")), two: letter(a, us, subject("AW : Offer"))},
		{name: "a bracket that is not closed is no tag", one: letter(a, us, subject("[Offer")), two: letter(a, us, subject("Offer")), different: true},
		{name: "a word that begins like Re: is no prefix", one: letter(a, us, subject("Report: x")), two: letter(a, us, subject("x")), different: true},
		{name: "a count that is no number is no prefix", one: letter(a, us, subject("Re[x]: y")), two: letter(a, us, subject("y")), different: true},
		{name: "A30 an empty subject and only Re:", one: letter(a, us, subject("")), two: letter(a, us, subject("Re: "))},

		{name: "D06 no id, in two folders", one: letter(a, us, noID), two: letter(a, us, noID, func(i *kith.Item) {
			i.Ref, i.Role, i.Received = "9:4", kith.RoleArchive, monday.AddDate(0, 1, 0)
			i.Message.Size = 77
		})},
		{name: "D06 no id, recipients in another order", one: letter(a, us+", ann@home.test", noID), two: letter(a, "ann@home.test, "+us, noID)},
		{name: "D07 no id, another author", one: letter(a, us, noID), two: letter("bob@client.test", us, noID), different: true},
		{name: "D07 no id, another subject", one: letter(a, us, noID), two: letter(a, us, noID, subject("Re: Offer 4711")), different: true},
		{name: "D07 no id, another date", one: letter(a, us, noID), different: true,
			two: letter(a, us, noID, with(func(m *kith.Message) { m.Date = m.Date.Add(time.Second) }))},
		{name: "D07 no id, another recipient", one: letter(a, us, noID), two: letter(a, "boss@us.test", noID), different: true},
		{name: "D07 no id and no date, received at another time", different: true,
			one: letter(a, us, noID, noDate(monday)), two: letter(a, us, noID, noDate(monday.Add(time.Second)))},
		{name: "D06 no id and no date, moved", one: letter(a, us, noID, noDate(monday)),
			two: letter(a, us, noID, noDate(monday), func(i *kith.Item) { i.Ref, i.Role = "9:4", kith.RoleArchive })},
		{name: "with and without an id", one: base, two: letter(a, us, noID), different: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			one, two := recorded(t, policy, aliceMail, tt.one).Key, recorded(t, policy, aliceMail, tt.two).Key
			if (one != two) != tt.different {
				t.Errorf("keys %x and %x, want different: %t", one, two, tt.different)
			}
		})
	}
}

// Stored keys rest on how a key is made: a change here makes every message of
// every mailbox new.
func TestKeyDoesNotChange(t *testing.T) {
	for name, tt := range map[string]struct {
		item kith.Item
		want string
	}{
		"by id":     {letter("ann@client.test", fromUs), "1999af42-6745-6a5c-bb01-daec7bcbb626"},
		"by header": {letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.MessageID = "" })), "118c7898-c376-def7-f7ff-d45957607904"},
	} {
		if got := kith.ID(recorded(t, matcher.Policy{}, aliceMail, tt.item).Key).String(); got != tt.want {
			t.Errorf("%s: key %s, want %s", name, got, tt.want)
		}
	}
}

func TestFingerprint(t *testing.T) {
	of := func(change ...func(*kith.Item)) kith.Key {
		return recorded(t, matcher.Policy{}, aliceMail, letter("alice@us.test", "ann@client.test, x@x.test", change...)).Fingerprint
	}
	sent := of(inSent)
	if sent == (kith.Key{}) {
		t.Fatal("D11 no fingerprint on a letter of ours")
	}
	for _, tt := range []struct {
		name   string
		got    kith.Key
		differ bool
	}{
		{"D11 another Message-ID", of(with(func(m *kith.Message) { m.MessageID = "<new@relay.test>" })), false},
		{"D11 the date is the store's to compare", of(with(func(m *kith.Message) { m.Date = m.Date.Add(2 * time.Second) })), false},
		{"D11 recipients in another order", of(with(func(m *kith.Message) { m.To = list("x@x.test, ann@client.test") })), false},
		{"D11 another subject", of(with(func(m *kith.Message) { m.Subject = "Re: Offer 4711" })), true},
		{"D11 another recipient", of(with(func(m *kith.Message) { m.To = list("ann@client.test, y@x.test") })), true},
		{"D11 another author", of(with(func(m *kith.Message) { m.From = list("boss@us.test") })), true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if (tt.got != sent) != tt.differ {
				t.Errorf("fingerprint %x beside %x, want different: %t", tt.got, sent, tt.differ)
			}
		})
	}
	hidden := recorded(t, matcher.Policy{}, aliceMail,
		letter("alice@us.test", "", inSent, with(func(m *kith.Message) { m.Bcc = list("ann@client.test") })))
	if hidden.Fingerprint != (kith.Key{}) {
		t.Error("D11 letters to hidden recipients only are too much alike for a fingerprint")
	}
}
