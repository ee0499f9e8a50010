package matcher_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"kith"
	"kith/matcher"
)

var (
	someAddress = rapid.SampledFrom([]string{
		"alice@us.test", "a.jones@alias.test", "boss@us.test", "sales@us.test", "info@us.test",
		"ann@client.test", "ann@home.test", "ann+x@client.test", "bob@client.test", "family@home.test",
		"dora@client.test", "emil@client.test", "jdoe@gmail.com", "j.doe@gmail.com", "x@x.test", "y@x.test",
		"ops@lists.test", "me@club.test", "/o=Ex/cn=y", "lawyer@x.test", "",
	})
	someList = rapid.Map(rapid.SliceOfN(rapid.Map(someAddress, func(a string) kith.Address {
		return kith.Address{Name: "N of " + a, Address: a}
	}), 0, 4), func(l []kith.Address) []kith.Address {
		if len(l) == 0 {
			return nil
		}
		return l
	})
	seldom = rapid.Map(rapid.IntRange(0, 9), func(n int) bool { return n == 9 })

	someItem = rapid.Custom(func(t *rapid.T) kith.Item {
		m := &kith.Message{
			MessageID:     rapid.SampledFrom([]string{"", "<1@x>", "<2@x>"}).Draw(t, "id"),
			Date:          monday,
			DateSource:    rapid.SampledFrom([]kith.DateSource{kith.DateFromHeader, kith.DateFromInternal}).Draw(t, "date source"),
			Subject:       rapid.SampledFrom([]string{"", "Re:", "Offer", "Re: [ops] Offer"}).Draw(t, "subject"),
			From:          someList.Draw(t, "from"),
			ReplyTo:       someList.Draw(t, "reply-to"),
			To:            someList.Draw(t, "to"),
			Cc:            someList.Draw(t, "cc"),
			ListPost:      rapid.SampledFrom([]string{"", "", "ops@lists.test"}).Draw(t, "list"),
			Bulk:          seldom.Draw(t, "bulk"),
			AutoReply:     seldom.Draw(t, "auto reply"),
			AutoForwarded: seldom.Draw(t, "auto forwarded"),
			Receipt:       seldom.Draw(t, "receipt"),
			AuthFailed:    seldom.Draw(t, "forged"),
			Sensitivity:   rapid.SampledFrom([]string{"", "", "", "private"}).Draw(t, "sensitivity"),
		}
		if seldom.Draw(t, "has sender") {
			m.Sender = &kith.Address{Address: someAddress.Draw(t, "sender")}
		}
		if seldom.Draw(t, "is bounce") {
			m.Bounce = &kith.Bounce{MessageID: "<1@x>", Action: "failed"}
		}
		if seldom.Draw(t, "was resent") {
			m.ResentFrom = someList.Draw(t, "resent-from")
		}
		if seldom.Draw(t, "has delivered-to") {
			m.DeliveredTo = []string{someAddress.Draw(t, "delivered-to")}
		}
		if rapid.IntRange(0, 3).Draw(t, "forwards") == 0 {
			m.Forwarded = list(someAddress.Draw(t, "forwarded"))
		}
		return kith.Item{
			Ref:     rapid.StringMatching(`[0-9]{1,3}:[0-9]{1,4}`).Draw(t, "ref"),
			Role:    rapid.SampledFrom([]kith.Role{kith.RoleInbox, kith.RoleSent, kith.RoleAll, kith.RoleDrafts}).Draw(t, "role"),
			Message: m,
		}
	})

	somePolicy = rapid.Custom(func(t *rapid.T) matcher.Policy {
		return matcher.Policy{
			Internal:       rapid.SampledFrom([]matcher.Internal{matcher.InternalSkip, matcher.InternalRecord}).Draw(t, "internal"),
			Bulk:           rapid.SampledFrom([]matcher.Bulk{matcher.BulkSkip, matcher.BulkRecord}).Draw(t, "bulk policy"),
			AutoReply:      rapid.SampledFrom([]matcher.AutoReply{matcher.AutoReplyFlag, matcher.AutoReplySkip}).Draw(t, "auto reply policy"),
			Private:        rapid.SampledFrom([]matcher.Private{matcher.PrivateSkip, matcher.PrivateBusy}).Draw(t, "private policy"),
			Forwarded:      rapid.SampledFrom([]matcher.Forwarded{matcher.ForwardedIgnore, matcher.ForwardedLink}).Draw(t, "forwarded policy"),
			PlusAddressing: rapid.Bool().Draw(t, "plus"),
			GmailDots:      rapid.Bool().Draw(t, "dots"),
			NeverRecord:    []string{"lawyer@x.test"},
		}
	})
)

// Whatever comes: one outcome per item and in its place, either an
// interaction or a reason; the same every time, alone or among others, and
// with the steps told or not. Nobody excluded and nobody of ours is linked.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		policy := somePolicy.Draw(t, "policy")
		items := rapid.SliceOfN(someItem, 0, 6).Draw(t, "items")
		m := newMatcher(contacts(), policy)
		ctx := t.Context()

		outcomes, err := m.Match(ctx, aliceMail, items)
		if err != nil {
			t.Fatal(err)
		}
		if len(outcomes) != len(items) {
			t.Fatalf("%d outcomes for %d items", len(outcomes), len(items))
		}
		for i, o := range outcomes {
			if o.Ref != items[i].Ref || (o.Interaction == nil) == (o.Skip == "") || o.Steps != nil {
				t.Fatalf("outcome %d of %q: %+v", i, items[i].Ref, o)
			}
			if o.Bounced != nil && o.Skip != kith.ReasonBounce {
				t.Fatalf("outcome %d: bounced, but %q", i, o.Skip)
			}
			if o.Interaction != nil {
				checkInteraction(t, policy, o.Interaction)
			}

			explained, err := m.Explain(ctx, aliceMail, items[i])
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(o, explained, cmpopts.IgnoreFields(kith.Outcome{}, "Steps")); diff != "" {
				t.Fatalf("Explain differs from Match: -match +explain:\n%s", diff)
			}
			for _, s := range explained.Steps {
				if s.Step == "" || s.Why == "" || s.Result == "" && s.Step != "sender" {
					t.Fatalf("a step without words: %+v", s)
				}
			}
		}

		slices.Reverse(items)
		reversed, err := newMatcher(contacts(), policy).Match(ctx, aliceMail, items)
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(reversed)
		if diff := cmp.Diff(outcomes, reversed); diff != "" {
			t.Fatalf("in another order: -first +second:\n%s", diff)
		}
	})
}

func checkInteraction(t *rapid.T, policy matcher.Policy, i *kith.Interaction) {
	if i.Key == (kith.Key{}) {
		t.Fatal("no key")
	}
	if len(i.Links) == 0 && policy.Internal != matcher.InternalRecord {
		t.Fatal("recorded without a contact")
	}
	linked := map[kith.ID]bool{}
	for _, l := range i.Links {
		if linked[l.ContactID] || l.ContactID == dora {
			t.Fatalf("link %+v", l)
		}
		linked[l.ContactID] = true
		if l.Matched == "sales@us.test" {
			t.Fatal("one of us is linked")
		}
		if !slices.ContainsFunc(i.Participants, func(p kith.Participant) bool { return p.Address == l.Matched && p.Role == l.Role }) {
			t.Fatalf("link %+v is of no participant", l)
		}
	}
	for _, p := range i.Participants {
		if p.Address == "lawyer@x.test" || p.Address == "dora@client.test" {
			t.Fatalf("%s is recorded", p.Address)
		}
	}
	if i.Direction == kith.Inbound && (i.Fingerprint != kith.Key{} || i.DirectionRule != kith.DirectionByDefault) {
		t.Fatalf("inbound by %s with fingerprint %x", i.DirectionRule, i.Fingerprint)
	}
}
