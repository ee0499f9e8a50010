package storetest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"kith"
	"kith/store"
)

var reviseTests = []test{
	{"Revise/what may change is changed, and the rest is not", func(t *testing.T, f *fixture) {
		ann, bob := f.person(t, "Ann"), f.person(t, "Bob")
		f.record(t, "INBOX", seen("1", mail("1", linked(kith.RoleFrom, ann), linked(kith.RoleTo, bob), func(i *kith.Interaction) {
			i.Snippet, i.Flags = "text", []string{"bulk", "proposed_identity"}
		})), seen("2", mail("2", linked(kith.RoleFrom, bob))))
		f.record(t, "All", seen("1", mail("1")))
		f.recording(t, "INBOX", kith.Recording{Account: "bob", Captured: []kith.Captured{seen("7", mail("1"))}})
		before, other := f.byKey(t, "1"), f.byKey(t, "2")
		want := before
		want.Direction, want.DirectionRule, want.InitiatedBy = kith.Outbound, kith.DirectionByAuthor, kith.InitiatedByUs
		want.Owner, want.Template, want.Group = "carol@example.test", "OUT", "G"
		want.Subject, want.Snippet, want.Flags = "", "", []string{"bulk"}
		want.DeliveryStatus = kith.DeliverySent
		want.Links = slices.Clone(before.Links[:1])
		want.Evidence = slices.Clone(before.Evidence[:2])
		done := f.revise(t, func(i *kith.Interaction) kith.Revision {
			if i.ID != before.ID {
				return kith.Revision{}
			}
			equal(t, "what is shown", *i, before)
			now := want
			now.Kind, now.Status, now.OccurredAt, now.Participants = kith.KindPhone, kith.StatusCancelled, t0.Add(time.Hour), nil
			now.Links = append(slices.Clone(now.Links), kith.Link{ContactID: kith.NewID(t0)})
			now.Evidence = append(slices.Clone(now.Evidence), kith.Evidence{Account: "nobody"})
			return kith.Revision{Now: &now}
		}, before.ID, other.ID, kith.NewID(t0))
		equal(t, "Revise", done, store.Revised{Changed: 1, Dropped: map[kith.Reason]int{}})
		equal(t, "afterwards", f.byKey(t, "1"), want)
		equal(t, "the other one", f.byKey(t, "2"), other)
		for contact, n := range map[kith.ID]int{ann: 1, bob: 1} {
			if got := len(f.list(t, store.Filter{Contact: contact})); got != n {
				t.Errorf("a contact has %d interactions, want %d", got, n)
			}
		}
		if n := len(f.list(t, store.Filter{Direction: kith.Outbound, Owner: "carol@example.test", Template: "OUT"})); n != 1 {
			t.Errorf("the filter finds %d", n)
		}
		if _, err := f.InteractionByRef(t.Context(), before.Evidence[2].Account, before.Evidence[2].Stream, before.Evidence[2].Ref); !errors.Is(err, kith.ErrNotFound) {
			t.Errorf("the place that shows it no longer: %v", err)
		}
	}},
	{"H04 Revise/what is dropped is gone, and comes again when it is read again", func(t *testing.T, f *fixture) {
		ann := f.person(t, "Ann")
		first := ours("1", "f", linked(kith.RoleTo, ann))
		f.record(t, "Sent", seen("1", first), seen("2", mail("2", answers("1"))))
		f.record(t, "All", seen("1", ours("rewritten", "f", linked(kith.RoleTo, ann))))
		done := f.revise(t, drop(kith.ReasonNeverRecord), f.byKey(t, "1").ID)
		equal(t, "Revise", done, store.Revised{Dropped: map[kith.Reason]int{kith.ReasonNeverRecord: 1}})
		f.count(t, 1)
		if n := len(f.list(t, store.Filter{Contact: ann})) + len(refs(t, f, "All")); n != 0 {
			t.Errorf("%d links and places are left", n)
		}
		equal(t, "refs in Sent", refs(t, f, "Sent"), []string{"2"})
		for _, row := range f.dump(t) {
			if k := row.Kind(); k == store.RowTombstone || k == store.RowErasedCopy {
				t.Errorf("there is a row of kind %s", k)
			}
		}
		equal(t, "again", f.record(t, "All", seen("1", ours("rewritten", "f"))), kith.Recorded{New: 1})
		equal(t, "by fingerprint", f.record(t, "Sent", seen("1", first)), kith.Recorded{Known: 1})
		equal(t, "thread", f.byKey(t, "1").Thread, f.byKey(t, "2").Thread)
	}},
	{"Revise/a delivery report that waits for what has become outbound", func(t *testing.T, f *fixture) {
		f.recording(t, "INBOX", kith.Recording{Captured: []kith.Captured{seen("1", mail("1"))},
			Bounced: []kith.Bounce{{MessageID: "<1@client.test>", Action: "failed", Status: "5.1.1"}}})
		f.revise(t, func(i *kith.Interaction) kith.Revision {
			i.Direction, i.DeliveryStatus = kith.Outbound, kith.DeliverySent
			return kith.Revision{Now: i}
		}, f.byKey(t, "1").ID)
		if got := f.byKey(t, "1"); got.DeliveryStatus != kith.DeliveryBounced || got.DeliveryReason != "5.1.1" {
			t.Errorf("delivery %s, %q", got.DeliveryStatus, got.DeliveryReason)
		}
	}},
	{"Revise/links tell who is never to be recorded", func(t *testing.T, f *fixture) {
		ann := f.contact(t, kith.Contact{Name: "Ann", NeverRecord: true})
		f.record(t, "INBOX", seen("1", mail("1", linked(kith.RoleFrom, ann))))
		f.revise(t, func(i *kith.Interaction) kith.Revision {
			if len(i.Links) != 1 || !i.Links[0].NeverRecord {
				t.Errorf("links: %+v", i.Links)
			}
			return kith.Revision{}
		}, f.byKey(t, "1").ID)
	}},
	{"Revise/an error, or too few revisions: nothing is changed", func(t *testing.T, f *fixture) {
		f.record(t, "INBOX", seen("1", mail("1")), seen("2", mail("2")))
		before := f.dump(t)
		ids := []kith.ID{f.byKey(t, "1").ID, f.byKey(t, "2").ID}
		broken := errors.New("broken")
		_, err := f.Revise(t.Context(), ids, func(context.Context, []kith.Interaction) ([]kith.Revision, error) { return nil, broken }, t0)
		fails(t, "an error", err, broken)
		_, err = f.Revise(t.Context(), ids, func(context.Context, []kith.Interaction) ([]kith.Revision, error) {
			return []kith.Revision{{Drop: kith.ReasonBulk}}, nil
		}, t0)
		if err == nil {
			t.Error("one revision for two: no error")
		}
		_, err = f.Revise(done(t), ids, func(context.Context, []kith.Interaction) ([]kith.Revision, error) {
			return make([]kith.Revision, 2), nil
		}, t0)
		fails(t, "a context that is done", err, context.Canceled)
		equal(t, "the register", f.dump(t), before)
	}},
	{"H04 Revise/what is recorded meanwhile is not lost", func(t *testing.T, f *fixture) {
		const rounds, writers = 8, 4
		var people []kith.ID
		for w := range writers {
			people = append(people, f.person(t, numbered("P%d", w)))
		}
		for round := range rounds {
			id := numbered("%d", round)
			f.record(t, "INBOX", seen(id, mail(id)))
			known := f.byKey(t, id).ID
			atOnce(writers+2, func(w int) {
				if w >= writers { // two who change their minds
					_, err := f.Revise(t.Context(), []kith.ID{known}, each1(func(i *kith.Interaction) kith.Revision {
						if w == writers {
							i.Owner = "carol@example.test"
						} else {
							i.Subject = ""
						}
						return kith.Revision{Now: i}
					}), t0)
					if err != nil {
						t.Error(err)
					}
					return
				}
				copied := mail(id, byAddress(kith.RoleBcc, numbered("p%d@client.test", w), people[w]), func(i *kith.Interaction) {
					i.Participants = append(i.Participants, kith.Participant{Role: kith.RoleBcc, Address: numbered("p%d@client.test", w)})
				})
				_, err := f.Record(t.Context(), kith.Recording{Account: "alice", Stream: numbered("s%d", round*writers+w), Next: "1", At: t0, Captured: []kith.Captured{seen("1", copied)}})
				if err != nil {
					t.Error(err)
				}
			})
			got := f.byKey(t, id)
			if len(got.Participants) != 2+writers || len(got.Links) != writers || len(got.Evidence) != 1+writers || got.Owner != "carol@example.test" || got.Subject != "" {
				t.Errorf("%d participants, %d links, %d evidences, owner %s, subject %q", len(got.Participants), len(got.Links), len(got.Evidence), got.Owner, got.Subject)
			}
		}
	}},
	{"H04 Revise/dropped and recorded at once: whole, or not at all", func(t *testing.T, f *fixture) {
		ann := f.person(t, "Ann")

		for round := range 10 {
			id := numbered("%d", round)
			f.record(t, "INBOX", seen(id, ours(id, "f"+id, linked(kith.RoleTo, ann))))
			known := f.byKey(t, id).ID
			atOnce(4, func(w int) {
				if w == 0 {
					if _, err := f.Revise(t.Context(), []kith.ID{known}, each1(drop(kith.ReasonBulk)), t0); err != nil {
						t.Error(err)
					}
					return
				}
				copied := ours(id, "f"+id, linked(kith.RoleTo, ann))
				if w == 1 {
					copied = ours(id+" rewritten", "f"+id, linked(kith.RoleTo, ann))
				}
				_, err := f.Record(t.Context(), kith.Recording{Account: "alice", Stream: id + numbered(".%d", w), Next: "1", At: t0, Captured: []kith.Captured{seen("1", copied)}})
				if err != nil {
					t.Error(err)
				}
			})
			for _, i := range f.list(t, store.Filter{}) {
				if i.ID == known {
					t.Error("what was dropped is there under its old id")
				}
			}
		}
		all := f.list(t, store.Filter{})
		for _, i := range all {

			if len(i.Links) != 1 || len(i.Evidence) == 0 {
				t.Errorf("links %+v, evidence %+v", i.Links, i.Evidence)
			}
		}
		if n := len(f.list(t, store.Filter{Contact: ann})); n != len(all) {
			t.Errorf("the contact has %d interactions of %d", n, len(all))
		}
	}},
	{"H14 ForgetAccount/nothing is left of one that was removed", func(t *testing.T, f *fixture) {
		f.accounts(t, "alice", "bob")
		f.record(t, "INBOX", seen("1", mail("1")))
		f.recording(t, "INBOX", kith.Recording{Account: "bob", Quarantined: []kith.Failure{{Ref: "9", Cause: "bad header"}}, Captured: []kith.Captured{seen("1", mail("1"))}})
		fails(t, "one that is there", f.ForgetAccount(t.Context(), "bob"), kith.ErrConflict)
		fails(t, "nobody", f.ForgetAccount(t.Context(), "nobody"), kith.ErrNotFound)
		f.accounts(t, "alice") // bob is removed
		fails(t, "one whose evidence is there", f.ForgetAccount(t.Context(), "bob"), kith.ErrConflict)
		f.revise(t, func(i *kith.Interaction) kith.Revision {
			i.Evidence = slices.DeleteFunc(i.Evidence, func(e kith.Evidence) bool { return e.Account == "bob" })
			return kith.Revision{Now: i}
		}, f.byKey(t, "1").ID)
		if err := f.ForgetAccount(t.Context(), "bob"); err != nil {
			t.Fatal(err)
		}
		for _, row := range f.dump(t) {
			switch r := row.(type) {
			case *store.StreamRow:
				equal(t, "the account of a stream", r.Account, "alice")
			case *store.AccountRow:
				equal(t, "an account", r.Name, "alice")
			case *store.QuarantinedRow:
				t.Errorf("in quarantine: %+v", r)
			}
		}
		equal(t, "evidence", len(f.byKey(t, "1").Evidence), 1)
		fails(t, "once more", f.ForgetAccount(t.Context(), "bob"), kith.ErrNotFound)
	}},
	{"Interactions/by an address that takes part, and by account", func(t *testing.T, f *fixture) {
		ann := f.person(t, "Ann")
		quoted := `"o\"brien"@client.test`
		f.record(t, "INBOX", seen("1", mail("1", linked(kith.RoleFrom, ann))), seen("2", mail("2", func(i *kith.Interaction) {
			i.Participants = []kith.Participant{{Role: kith.RoleCc, Address: quoted}}
		})), seen("3", mail("3", func(i *kith.Interaction) { i.Participants = nil })))
		f.recording(t, "INBOX", kith.Recording{Account: "bob", Captured: []kith.Captured{seen("1", mail("1")), seen("4", mail("4"))}})
		for _, tt := range []struct {
			filter store.Filter
			want   int
		}{
			{store.Filter{Address: "ann@client.test"}, 2},
			{store.Filter{Address: "ann@client.test", Contact: ann}, 1},
			{store.Filter{Address: quoted}, 1},
			{store.Filter{Address: "nn@client.test"}, 0},
			{store.Filter{Account: "bob"}, 2},
			{store.Filter{Account: "bob", Address: "ann@client.test", Contact: ann}, 1},
			{store.Filter{Account: "nobody"}, 0},
		} {
			n, err := f.CountInteractions(t.Context(), tt.filter)
			if got := len(f.list(t, tt.filter)); got != tt.want || n != tt.want || err != nil {
				t.Errorf("%+v: %d, counted %d, %v; want %d", tt.filter, got, n, err, tt.want)
			}
		}
	}},
}

// each1 decides about interactions one by one.
func each1(decide func(*kith.Interaction) kith.Revision) store.ReviseFunc {
	return func(_ context.Context, all []kith.Interaction) ([]kith.Revision, error) {
		revisions := make([]kith.Revision, len(all))
		for n := range all {
			revisions[n] = decide(&all[n])
		}
		return revisions, nil
	}
}

func drop(why kith.Reason) func(*kith.Interaction) kith.Revision {
	return func(*kith.Interaction) kith.Revision { return kith.Revision{Drop: why} }
}

func (f *fixture) revise(t *testing.T, decide func(*kith.Interaction) kith.Revision, ids ...kith.ID) store.Revised {
	t.Helper()
	done, err := f.Revise(t.Context(), ids, each1(decide), t0)
	if err != nil {
		t.Fatal(err)
	}
	return done
}
