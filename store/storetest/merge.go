package storetest

import (
	"testing"
	"time"

	"kith"
	"kith/store"
)

var mergeTests = []test{
	{"D01 in INBOX and Archive: one interaction, two evidences", func(t *testing.T, f *fixture) {
		equal(t, "INBOX", f.record(t, "INBOX", seen("7:1", mail("1"))), kith.Recorded{New: 1})
		equal(t, "Archive", f.record(t, "Archive", seen("3:9", mail("1"))), kith.Recorded{Known: 1})
		f.count(t, 1)
		equal(t, "evidence", f.byKey(t, "1").Evidence, []kith.Evidence{
			{Account: "alice", Stream: "Archive", Ref: "3:9", SeenAt: t0},
			{Account: "alice", Stream: "INBOX", Ref: "7:1", SeenAt: t0},
		})
	}},
	{"D01 twice in one batch", func(t *testing.T, f *fixture) {
		equal(t, "Record", f.record(t, "All", seen("1", mail("1")), seen("2", mail("1"))), kith.Recorded{New: 1, Known: 1})
		f.count(t, 1)
		if n := len(f.byKey(t, "1").Evidence); n != 2 {
			t.Errorf("%d evidences, want 2", n)
		}
	}},
	{"D02 two mailboxes: what the second copy tells is added", func(t *testing.T, f *fixture) {
		ann, bob := f.person(t, "Ann"), f.person(t, "Bob")
		f.record(t, "INBOX", seen("1", mail("1", linked(kith.RoleFrom, ann))))
		second := mail("1", linked(kith.RoleFrom, ann), linked(kith.RoleBcc, bob), func(i *kith.Interaction) {
			i.Subject, i.Status, i.OccurredAt = "[list] Offer 1", kith.StatusCancelled, t0.Add(time.Hour)
			i.Participants = append(i.Participants, kith.Participant{Role: kith.RoleBcc, Address: "bob@client.test", Name: "Bob"})
			i.Participants[0].Name = "Somebody Else"
			i.Owner, i.Template, i.Snippet = "carl@example.test", "OTHER", "text"
		})
		f.recording(t, "INBOX", kith.Recording{Account: "carl", At: t0.Add(time.Minute), Captured: []kith.Captured{seen("1", second)}})
		got := f.byKey(t, "1")
		if got.Subject != "Offer 1" || got.Status != kith.StatusRecorded || !got.OccurredAt.Equal(t0) || got.Owner != "alice@example.test" || got.Template != "EMAIL_IN" || got.Snippet != "" {
			t.Errorf("facts changed: %+v", got)
		}
		equal(t, "participants", got.Participants, append(mail("1").Participants, kith.Participant{Role: kith.RoleBcc, Address: "bob@client.test", Name: "Bob"}))
		equal(t, "links", got.Links, []kith.Link{
			{ContactID: ann, ContactName: "Ann", Role: kith.RoleFrom, Matched: "ann@client.test", Rule: kith.LinkByEmail},
			{ContactID: bob, ContactName: "Bob", Role: kith.RoleBcc, Matched: "ann@client.test", Rule: kith.LinkByEmail},
		})
		if got.Evidence[0].Account != "alice" || got.Evidence[1].Account != "carl" {
			t.Errorf("evidence is not in the order of its time: %+v", got.Evidence)
		}
		if n := len(f.list(t, store.Filter{Contact: bob})); n != 1 {
			t.Errorf("the added link finds %d interactions, want 1", n)
		}
	}},
	{"Record/one link per contact: that of the first role", func(t *testing.T, f *fixture) {
		ann := f.person(t, "Ann")
		for _, roles := range [][]kith.ParticipantRole{
			{kith.RoleCc, kith.RoleFrom, kith.RoleTo},
			{kith.RoleFrom, kith.RoleCc},
			{kith.RoleAttendee, kith.RoleReplyTo},
		} {
			id := string(roles[0]) + string(roles[1])
			for n, role := range roles {
				f.record(t, "INBOX", seen(id+numbered("%d", n), mail(id, linked(role, ann))))
			}
		}
		f.record(t, "INBOX", seen("both", mail("both", linked(kith.RoleTo, ann), linked(kith.RoleSender, ann), linked(kith.RoleCc, ann))))
		for id, want := range map[string]kith.ParticipantRole{
			"ccfrom": kith.RoleFrom, "fromcc": kith.RoleFrom, "attendeereply_to": kith.RoleReplyTo, "both": kith.RoleSender,
		} {
			if links := f.byKey(t, id).Links; len(links) != 1 || links[0].Role != want {
				t.Errorf("%s: links %+v, want one as %s", id, links, want)
			}
		}
		if n := len(f.list(t, store.Filter{Contact: ann})); n != 4 {
			t.Errorf("the contact has %d interactions, want 4", n)
		}
	}},
	{"Record/the stronger evidence for a direction wins, in any order", func(t *testing.T, f *fixture) {
		inbound := mail("1")
		sent := mail("1", func(i *kith.Interaction) {
			i.Direction, i.DirectionRule, i.InitiatedBy = kith.Outbound, kith.DirectionBySent, kith.InitiatedByUs
			i.Owner, i.Template, i.Group, i.DeliveryStatus = "boss@example.test", "EMAIL_OUT", "OUT", kith.DeliverySent
		})
		f.record(t, "INBOX", seen("1", inbound))
		f.record(t, "Sent", seen("1", sent))
		f.record(t, "Archive", seen("1", inbound))
		got := f.byKey(t, "1")
		if got.Direction != kith.Outbound || got.DirectionRule != kith.DirectionBySent || got.InitiatedBy != kith.InitiatedByUs ||
			got.Owner != "boss@example.test" || got.Template != "EMAIL_OUT" || got.Group != "OUT" || got.DeliveryStatus != kith.DeliverySent {
			t.Errorf("the copy in Sent was not believed: %+v", got)
		}
		f.record(t, "Other", seen("1", mail("1", func(i *kith.Interaction) { i.DirectionRule = kith.DirectionByAuthor })))
		if got := f.byKey(t, "1"); got.Direction != kith.Inbound || got.DirectionRule != kith.DirectionByAuthor {
			t.Errorf("the author was not believed: %+v", got)
		}
	}},
	{"D04 a folder numbered anew: no new rows", func(t *testing.T, f *fixture) {
		var before, after []kith.Captured
		var gone []string
		for n := range 500 {
			id := numbered("%d", n)
			before = append(before, seen("7:"+id, mail(id)))
			after = append(after, seen("8:"+id, mail(id)))
			gone = append(gone, "7:"+id)
		}
		f.record(t, "INBOX", before...)
		equal(t, "Record", f.recording(t, "INBOX", kith.Recording{Captured: after, Gone: gone, Recount: true}), kith.Recorded{Known: 500})
		f.count(t, 500)
		if got := refs(t, f, "INBOX"); len(got) != 500 || got[0][0] != '8' {
			t.Errorf("%d refs, first %q", len(got), got[0])
		}
	}},
	{"D05 another message with the same Message-ID", func(t *testing.T, f *fixture) {
		first := mail("1")
		second := mail("1", func(i *kith.Interaction) { i.Key = key("other date and subject") })
		equal(t, "Record", f.record(t, "INBOX", seen("1", first), seen("2", second)), kith.Recorded{New: 2})
		if n := len(f.list(t, store.Filter{MessageID: *first.MessageID})); n != 2 {
			t.Errorf("the Message-ID finds %d, want 2", n)
		}
	}},
	{"D06 no Message-ID, in two folders", func(t *testing.T, f *fixture) {
		none := func(i *kith.Interaction) { i.MessageID = nil }
		f.record(t, "INBOX", seen("1", mail("1", none)))
		f.record(t, "Archive", seen("1", mail("1", none)))
		f.record(t, "Archive", seen("1", mail("1", none)))
		f.count(t, 1)
	}},
	{"D07 no Message-ID, the same ref in two accounts, different mail", func(t *testing.T, f *fixture) {
		none := func(i *kith.Interaction) { i.MessageID = nil }
		f.record(t, "INBOX", seen("7", mail("1", none)))
		f.recording(t, "INBOX", kith.Recording{Account: "bob", Captured: []kith.Captured{seen("7", mail("2", none))}})
		f.count(t, 2)
		if f.byKey(t, "1").Thread == f.byKey(t, "2").Thread {
			t.Error("they are one thread")
		}
	}},
	{"D11 a rewritten Message-ID: found by fingerprint", func(t *testing.T, f *fixture) {
		f.record(t, "Sent", seen("1", ours("local", "f")))
		equal(t, "Record", f.record(t, "INBOX", seen("1", ours("rewritten", "f", at(t0.Add(2*time.Second))))), kith.Recorded{Known: 1})
		equal(t, "again, found by its key", f.record(t, "INBOX", seen("1", ours("rewritten", "f"))), kith.Recorded{Known: 1})
		equal(t, "elsewhere, found by its key", f.record(t, "All", seen("1", ours("rewritten", "f", at(t0.Add(time.Hour))))), kith.Recorded{Known: 1})
		f.count(t, 1)
		one, other := f.byKey(t, "local"), f.byKey(t, "rewritten")
		equal(t, "by either key", other, one)
		if one.Key != key("local") || len(one.Evidence) != 3 {
			t.Errorf("key %x, evidence %+v", one.Key, one.Evidence)
		}
		for _, id := range []string{"<local@client.test>", "<rewritten@client.test>"} {
			if n := len(f.list(t, store.Filter{MessageID: id})); n != 1 {
				t.Errorf("Message-ID %s finds %d, want 1", id, n)
			}
		}
	}},
	{"D11 what looks like a copy and is none", func(t *testing.T, f *fixture) {
		f.record(t, "Sent", seen("1", ours("1", "f")))
		for _, tt := range []struct {
			why, stream string
			i           kith.Interaction
		}{
			{"three seconds later", "INBOX", ours("2", "f", at(t0.Add(3*time.Second)))},
			{"just over two seconds earlier", "INBOX", ours("3", "f", at(t0.Add(-2*time.Second-time.Microsecond)))},
			{"in the same stream: sent twice", "Sent", ours("4", "f")},
			{"another fingerprint", "INBOX", ours("5", "g")},
			{"no fingerprint", "INBOX", mail("6")},
		} {
			equal(t, tt.why, f.record(t, tt.stream, seen(tt.why, tt.i)), kith.Recorded{New: 1})
		}
	}},
	{"D11 sent twice and copied twice: two rows", func(t *testing.T, f *fixture) {
		later := at(t0.Add(time.Second))
		equal(t, "Sent", f.record(t, "Sent", seen("1", ours("1", "f")), seen("2", ours("2", "f", later))), kith.Recorded{New: 2})
		equal(t, "INBOX", f.record(t, "INBOX", seen("1", ours("3", "f")), seen("2", ours("4", "f", later))), kith.Recorded{Known: 2})
		equal(t, "the nearest", f.byKey(t, "4").ID, f.byKey(t, "2").ID)
		equal(t, "the nearest", f.byKey(t, "3").ID, f.byKey(t, "1").ID)
		f.count(t, 2)
	}},
	{"D11 the copy in this stream is gone", func(t *testing.T, f *fixture) {
		f.record(t, "Sent", seen("1", ours("1", "f")))
		f.recording(t, "Sent", kith.Recording{Gone: []string{"1"}})
		equal(t, "Record", f.record(t, "Sent", seen("2", ours("2", "f"))), kith.Recorded{Known: 1})
	}},
	{"D10 the copy that a list returns is the sent one", func(t *testing.T, f *fixture) {
		f.record(t, "INBOX", seen("1", mail("1")))
		f.record(t, "Sent", seen("1", ours("1", "f")))
		got := f.byKey(t, "1")
		if got.Direction != kith.Outbound || got.Fingerprint != key("f") {
			t.Errorf("direction %s, fingerprint %x", got.Direction, got.Fingerprint)
		}
		equal(t, "a third copy", f.record(t, "All", seen("1", ours("3", "f"))), kith.Recorded{Known: 1})
		f.count(t, 1)
	}},
	{"E10 a ref that shows another message: its evidence moves", func(t *testing.T, f *fixture) {
		f.record(t, "INBOX", seen("7:1", mail("1")), seen("7:2", mail("2")))
		f.recording(t, "INBOX", kith.Recording{At: t0.Add(time.Hour), Captured: []kith.Captured{seen("7:1", mail("3"))}})
		if got := f.byKey(t, "1").Evidence; len(got) != 0 {
			t.Errorf("the old one keeps %+v", got)
		}
		equal(t, "evidence", f.byKey(t, "3").Evidence, []kith.Evidence{{Account: "alice", Stream: "INBOX", Ref: "7:1", SeenAt: t0.Add(time.Hour)}})
		got, err := f.InteractionByRef(t.Context(), "alice", "INBOX", "7:1")
		if err != nil || got.Key != key("3") {
			t.Errorf("the ref shows %x, %v", got.Key, err)
		}
		f.count(t, 3)
	}},
	{"D17 expunged: the evidence is gone, the interaction stays; seen again it lives", func(t *testing.T, f *fixture) {
		f.record(t, "INBOX", seen("1", mail("1")), seen("2", mail("2")))
		f.recording(t, "INBOX", kith.Recording{Gone: []string{"1", "unknown"}})
		equal(t, "evidence", f.byKey(t, "1").Evidence, []kith.Evidence{{Account: "alice", Stream: "INBOX", Ref: "1", SeenAt: t0, Gone: true}})
		equal(t, "live refs", refs(t, f, "INBOX"), []string{"2"})
		if _, err := f.InteractionByRef(t.Context(), "alice", "INBOX", "1"); err != nil {
			t.Errorf("a place that is gone: %v", err)
		}
		f.recording(t, "INBOX", kith.Recording{At: t0.Add(time.Hour), Captured: []kith.Captured{seen("1", mail("1"))}})
		equal(t, "evidence", f.byKey(t, "1").Evidence, []kith.Evidence{{Account: "alice", Stream: "INBOX", Ref: "1", SeenAt: t0.Add(time.Hour)}})
		f.recording(t, "Other", kith.Recording{Gone: []string{"1"}})
		if f.byKey(t, "1").Evidence[0].Gone {
			t.Error("another stream's ref was marked")
		}
	}},
	{"B16 a contact deleted meanwhile: its link is left out", func(t *testing.T, f *fixture) {
		ann, bob := f.person(t, "Ann"), f.person(t, "Bob")
		if err := f.RemoveContact(t.Context(), ann, t0); err != nil {
			t.Fatal(err)
		}
		f.record(t, "INBOX", seen("1", mail("1", linked(kith.RoleFrom, ann, bob))))
		f.record(t, "All", seen("1", mail("1", linked(kith.RoleFrom, ann))))
		if links := f.byKey(t, "1").Links; len(links) != 1 || links[0].ContactID != bob {
			t.Errorf("links %+v, want that of Bob", links)
		}
	}},
	{"D12 an account removed and added again, with the same name or another", func(t *testing.T, f *fixture) {
		accounts := []kith.Account{{Name: "alice", Kind: "imap", Settings: "1"}}
		if err := f.Reconcile(t.Context(), accounts); err != nil {
			t.Fatal(err)
		}
		f.record(t, "INBOX", seen("1", mail("1")), seen("2", mail("2")))
		if err := f.Reconcile(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if n := len(f.byKey(t, "1").Evidence); n != 1 {
			t.Errorf("%d evidences after the account was removed, want 1", n)
		}
		if err := f.Reconcile(t.Context(), append(accounts, kith.Account{Name: "alice2", Kind: "microsoft"})); err != nil {
			t.Fatal(err)
		}
		again := []kith.Captured{seen("9", mail("1")), seen("10", mail("2"))}
		equal(t, "same name", f.record(t, "INBOX", again...), kith.Recorded{Known: 2})
		equal(t, "other name", f.recording(t, "Inbox", kith.Recording{Account: "alice2", Captured: again}), kith.Recorded{Known: 2})
		f.count(t, 2)
	}},
	{"A17 3,000 participants, twice", func(t *testing.T, f *fixture) {
		many := func(from int) func(*kith.Interaction) {
			return func(i *kith.Interaction) {
				for n := range 3000 {
					i.Participants = append(i.Participants, kith.Participant{Role: kith.RoleTo, Address: numbered("p%d@client.test", from+n)})
				}
			}
		}
		f.record(t, "INBOX", seen("1", mail("1", many(0))))
		f.record(t, "All", seen("1", mail("1", many(1500))))
		if n := len(f.byKey(t, "1").Participants); n != 2+4500 {
			t.Errorf("%d participants, want 4502", n)
		}
	}},
}
