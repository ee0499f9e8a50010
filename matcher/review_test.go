package matcher_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kith"
	"kith/matcher"
)

// filed is what a message becomes on file.
func filed(t *testing.T, p matcher.Policy, item kith.Item) kith.Interaction {
	t.Helper()
	return *recorded(t, p, aliceMail, item)
}

func TestReview(t *testing.T) {
	owned := func(r *register) {
		r.decided = []kith.Identity{{Address: "alice@old.test", Owner: "alice@us.test", State: kith.IdentityAccepted}}
	}
	note := func(i *kith.Interaction) { i.Notes = []kith.Note{{Text: "called back"}} }
	forwarded := matcher.Policy{Forwarded: matcher.ForwardedLink}
	attached := with(func(m *kith.Message) { m.Forwarded = list("bob@client.test") })
	passedOn := letter("boss@us.test", fromUs, attached)
	for _, tt := range []struct {
		name   string
		then   matcher.Policy // when it was recorded
		item   kith.Item
		edit   func(*kith.Interaction)
		now    matcher.Policy
		world  func(*register)
		review matcher.Review
		drop   kith.Reason
		want   func(*kith.Interaction) // what changes; nil: nothing
	}{
		{name: "nothing has changed", item: letter("ann@client.test", fromUs), review: matcher.Review{Policy: true}},
		{name: "C04 in Sent from an address that was accepted since", item: letter("alice@old.test", "ann@client.test", inSent), world: owned,
			review: matcher.Review{Identity: "alice@old.test"},
			want: func(i *kith.Interaction) {
				i.DirectionRule, i.Flags = kith.DirectionByAuthor, []string{}
			}},
		{name: "C04 elsewhere, from an address that was accepted since: outbound", item: letter("alice@old.test", "ann@client.test"), world: owned,
			review: matcher.Review{Identity: "alice@old.test"},
			want: func(i *kith.Interaction) {
				i.Direction, i.DirectionRule, i.InitiatedBy = kith.Outbound, kith.DirectionByAuthor, kith.InitiatedByUs
				i.Template, i.DeliveryStatus = "EMAIL_OUT", kith.DeliverySent
			}},
		{name: "an answer stays one whose beginning is not known", item: letter("alice@old.test", "ann@client.test", with(func(m *kith.Message) { m.InReplyTo = []string{"<x@x>"} })),
			world: owned, review: matcher.Review{Identity: "alice@old.test"},
			want: func(i *kith.Interaction) {
				i.Direction, i.DirectionRule, i.Template, i.DeliveryStatus = kith.Outbound, kith.DirectionByAuthor, "EMAIL_OUT", kith.DeliverySent
			}},
		{name: "B13 a contact's address that is ours: its link goes", item: letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.Cc = list("bob@client.test") })),
			world: func(r *register) {
				r.decided = []kith.Identity{{Address: "bob@client.test", State: kith.IdentityAccepted}}
			},
			review: matcher.Review{Identity: "bob@client.test"},
			want: func(i *kith.Interaction) {
				i.Links = slices.DeleteFunc(i.Links, func(l kith.Link) bool { return l.ContactID == bob })
			}},
		{name: "what a contact wrote and one of us passed on stays", then: forwarded, now: forwarded, item: passedOn, review: matcher.Review{Policy: true}},
		{name: "whoever looks at it", then: forwarded, now: forwarded, item: passedOn, review: matcher.Review{Identity: "boss@us.test"}},
		{name: "attached messages count no more, it is internal", then: forwarded, item: passedOn, review: matcher.Review{Policy: true}, drop: kith.ReasonInternal},
		{name: "attached messages count no more, another contact is on it", then: forwarded, item: letter("ann@client.test", fromUs, attached), review: matcher.Review{Policy: true},
			want: func(i *kith.Interaction) { i.Links, i.Participants = i.Links[:1], i.Participants[:2] }},
		{name: "internal mail is recorded: the link goes, and it is from us", then: forwarded, now: matcher.Policy{Internal: matcher.InternalRecord}, item: passedOn,
			review: matcher.Review{Policy: true},
			want: func(i *kith.Interaction) {
				i.Links, i.Participants = nil, i.Participants[:2]
				i.Direction, i.DirectionRule, i.InitiatedBy = kith.Outbound, kith.DirectionByAuthor, kith.InitiatedByUs
				i.Owner, i.Template, i.DeliveryStatus = "boss@us.test", "EMAIL_OUT", kith.DeliverySent
			}},
		{name: "H05 all of them are ours now", item: letter("bob@client.test", fromUs),
			world: func(r *register) {
				r.decided = []kith.Identity{{Address: "bob@client.test", State: kith.IdentityAccepted}}
			},
			review: matcher.Review{Identity: "bob@client.test"}, drop: kith.ReasonInternal},
		{name: "H05 and the policy records that", item: letter("bob@client.test", fromUs), now: matcher.Policy{Internal: matcher.InternalRecord},
			world: func(r *register) {
				r.decided = []kith.Identity{{Address: "bob@client.test", State: kith.IdentityAccepted}}
			},
			review: matcher.Review{Identity: "bob@client.test"},
			want: func(i *kith.Interaction) {
				i.Links, i.Direction, i.DirectionRule, i.InitiatedBy = nil, kith.Outbound, kith.DirectionByAuthor, kith.InitiatedByUs
				i.Owner, i.Template, i.DeliveryStatus = "bob@client.test", "EMAIL_OUT", kith.DeliverySent
			}},
		{name: "the only contact on it was ours: strangers are left", item: letter("bob@client.test", "x@x.test", with(func(m *kith.Message) { m.DeliveredTo = nil })),
			world: func(r *register) {
				r.decided = []kith.Identity{{Address: "bob@client.test", State: kith.IdentityAccepted}}
			},
			review: matcher.Review{Identity: "bob@client.test"}, drop: kith.ReasonNoContact},
		{name: "what somebody has added a note to stays", item: letter("bob@client.test", fromUs), edit: note,
			now:    matcher.Policy{Templates: map[matcher.Event]string{matcher.EmailIn: ""}},
			review: matcher.Review{Policy: true}},
		{name: "H04 but not what is never to be recorded", item: letter("bob@client.test", fromUs), edit: note,
			now: matcher.Policy{NeverRecord: []string{"client.test"}}, review: matcher.Review{Policy: true}, drop: kith.ReasonNeverRecord},
		{name: "H04 a contact that is marked since", item: letter("ann@client.test", fromUs),
			world:  func(r *register) { r.known["ann@client.test"] = []kith.Match{{ContactID: ann, NeverRecord: true}} },
			review: matcher.Review{Policy: true}, drop: kith.ReasonNeverRecord},
		{name: "H04 a contact that is marked since and has another address", item: letter("ann@client.test", fromUs),
			edit:   func(i *kith.Interaction) { i.Links[0].NeverRecord = true },
			review: matcher.Review{Policy: true}, drop: kith.ReasonNeverRecord},
		{name: "H04 a meeting with somebody never to be recorded", item: letter("ann@client.test", fromUs), edit: func(i *kith.Interaction) { i.Kind = kith.KindMeeting },
			now: matcher.Policy{NeverRecord: []string{"ann@client.test"}}, review: matcher.Review{Policy: true}, drop: kith.ReasonNeverRecord},
		{name: "who we are alone is no matter of never_record", item: letter("ann@client.test", fromUs),
			now: matcher.Policy{NeverRecord: []string{"ann@client.test"}}, review: matcher.Review{Identity: "alice@old.test"}},
		{name: "H07 subjects and texts are no longer kept", then: matcher.Policy{Body: matcher.BodySnippet},
			item:   letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.Subject, m.Snippet = "offer", "hello" })),
			now:    matcher.Policy{Subject: matcher.SubjectDrop},
			review: matcher.Review{Policy: true}, want: func(i *kith.Interaction) { i.Subject, i.Snippet = "", "" }},
		{name: "H12 what is private is no longer recorded", then: matcher.Policy{Private: matcher.PrivateBusy},
			item: letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.Sensitivity = "private" })), review: matcher.Review{Policy: true}, drop: kith.ReasonPrivate},
		{name: "mass mail is no longer recorded", then: matcher.Policy{Bulk: matcher.BulkRecord},
			item: letter("news@shop.test", fromUs, with(func(m *kith.Message) { m.Bulk = true })), review: matcher.Review{Policy: true}, drop: kith.ReasonBulk},
		{name: "what a contact wrote to a list is no mass mail",
			item:   letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.Bulk, m.ListPost = true, "list@lists.test" })),
			review: matcher.Review{Policy: true}},
		{name: "automatic replies are no longer recorded",
			item: letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.AutoReply = true })),
			now:  matcher.Policy{AutoReply: matcher.AutoReplySkip}, review: matcher.Review{Policy: true}, drop: kith.ReasonAutoReply},
		{name: "what comes in has no template any more", item: letter("ann@client.test", fromUs),
			now: matcher.Policy{Templates: map[matcher.Event]string{matcher.EmailIn: ""}}, review: matcher.Review{Policy: true}, drop: kith.ReasonTemplateBlank},
		{name: "an account that is no longer configured: what it wrote stays outbound", item: letter("alice@us.test", "ann@client.test"),
			edit: func(i *kith.Interaction) {
				i.Participants[0].Address = "gone@elsewhere.test"
			}, review: matcher.Review{Policy: true}},
		{name: "an address that was rejected after all", item: letter("alice@us.test", "ann@client.test"),
			edit:   func(i *kith.Interaction) { i.Participants[0].Address = "alice@old.test" },
			review: matcher.Review{Identity: "alice@old.test"},
			want: func(i *kith.Interaction) {
				i.Direction, i.DirectionRule, i.InitiatedBy = kith.Inbound, kith.DirectionByDefault, kith.InitiatedByThem
				i.Template, i.DeliveryStatus = "EMAIL_IN", kith.DeliveryNone
			}},
		{name: "what was entered by hand stays", item: letter("bob@client.test", fromUs), edit: func(i *kith.Interaction) { i.DirectionRule = kith.DirectionByHand },
			now: matcher.Policy{Subject: matcher.SubjectDrop, Templates: map[matcher.Event]string{matcher.EmailIn: ""}}, review: matcher.Review{Policy: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			was := filed(t, tt.then, tt.item)
			if tt.edit != nil {
				tt.edit(&was)
			}
			r := contacts()
			if tt.world != nil {
				tt.world(r)
			}
			want := was
			want.Links, want.Flags = slices.Clone(was.Links), slices.Clone(was.Flags)
			if tt.want != nil {
				tt.want(&want)
			}
			got, err := newMatcher(r, tt.now).Review(t.Context(), tt.review, []kith.Interaction{was})
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case got[0].Drop != tt.drop:
				t.Errorf("dropped as %q, want %q", got[0].Drop, tt.drop)
			case tt.drop == "" && tt.want == nil && got[0].Now != nil:
				t.Errorf("it changes (-was +now):\n%s", cmp.Diff(was, *got[0].Now))
			case tt.want != nil && got[0].Now == nil:
				t.Error("it does not change")
			case tt.want != nil:
				if diff := cmp.Diff(want, *got[0].Now, cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("-want +got:\n%s", diff)
				}
			}
		})
	}
}

// What the present policy has recorded, a review by it leaves as it is.
func TestReviewOfWhatIsNewChangesNothing(t *testing.T) {
	for _, p := range []matcher.Policy{{}, {Bulk: matcher.BulkRecord, Internal: matcher.InternalRecord, Private: matcher.PrivateBusy, Body: matcher.BodySnippet}} {
		for _, item := range []kith.Item{
			letter("ann@client.test", fromUs), letter("alice@us.test", "ann@client.test", inSent), letter("alice@old.test", "ann@client.test", inSent),
			letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.Bulk, m.ListPost = true, "list@lists.test" })),
			letter("ann@client.test", "me@club.test", with(func(m *kith.Message) { m.DeliveredTo = []string{"me@club.test"} })),
			letter("forms@us.test", fromUs, with(func(m *kith.Message) { m.ReplyTo = list("ann@client.test") })),
			letter("ann@client.test", fromUs, with(func(m *kith.Message) { m.AutoReply = true })),
		} {
			was := filed(t, p, item)
			got, err := newMatcher(contacts(), p).Review(t.Context(), matcher.Review{Policy: true}, []kith.Interaction{was})
			if err != nil || got[0].Drop != "" || got[0].Now != nil {
				t.Errorf("from %s: %+v, %v", item.Message.From, got[0], err)
			}
		}
	}
}
