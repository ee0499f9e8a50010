package capture_test

import (
	"testing"

	"kith"
	"kith/store/internal/capture"
)

func TestDigest(t *testing.T) {
	id, other := "<1@client.test>", "<2@client.test>"
	make := func() *kith.Interaction {
		return &kith.Interaction{
			Key: kith.Key{1}, MessageID: &id, DirectionRule: kith.DirectionByDefault, DeliveryStatus: kith.DeliveryNone, ThreadRefs: []string{"<0@client.test>"},
			Participants: []kith.Participant{{Role: kith.RoleFrom, Address: "ann@client.test", Name: "Ann"}},
			Links:        []kith.Link{{ContactID: kith.ID{7}, Role: kith.RoleCc, Rule: kith.LinkByEmail}},
		}
	}
	if one, again := capture.Digest(make()), capture.Digest(make()); one != again {
		t.Fatal("the same interaction has two digests")
	}
	seen := map[int64]string{capture.Digest(make()): "none"}
	for _, tt := range []struct {
		name   string
		change func(i *kith.Interaction)
	}{
		{"another key", func(i *kith.Interaction) { i.Key = kith.Key{2} }},
		{"a fingerprint", func(i *kith.Interaction) { i.Fingerprint = kith.Key{1} }},
		{"stronger evidence of the direction", func(i *kith.Interaction) { i.DirectionRule = kith.DirectionByAuthor }},
		{"it was sent", func(i *kith.Interaction) { i.DeliveryStatus = kith.DeliverySent }},
		{"no Message-ID", func(i *kith.Interaction) { i.MessageID = nil }},
		{"another Message-ID", func(i *kith.Interaction) { i.MessageID = &other }},
		{"one more reference", func(i *kith.Interaction) { i.ThreadRefs = append(i.ThreadRefs, "<00@client.test>") }},
		{"no reference", func(i *kith.Interaction) { i.ThreadRefs = nil }},
		{"another role", func(i *kith.Interaction) { i.Participants[0].Role = kith.RoleTo }},
		{"another address", func(i *kith.Interaction) { i.Participants[0].Address = "ann@home.test" }},
		{"one more participant", func(i *kith.Interaction) { i.Participants = append(i.Participants, i.Participants[0]) }},
		{"another contact", func(i *kith.Interaction) { i.Links[0].ContactID = kith.ID{8} }},
		{"a link of a better role", func(i *kith.Interaction) { i.Links[0].Role = kith.RoleFrom }},
		{"a link by hand", func(i *kith.Interaction) { i.Links[0].Rule = kith.LinkByHand }},
		{"no link", func(i *kith.Interaction) { i.Links = nil }},
	} {
		i := make()
		tt.change(i)
		digest := capture.Digest(i)
		if same, known := seen[digest]; known {
			t.Errorf("%s has the digest of %s", tt.name, same)
		}
		seen[digest] = tt.name
	}
}
