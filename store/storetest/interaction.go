package storetest

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"kith"
	"kith/store"
)

var interactionTests = []test{
	{"Interaction/by id, key and ref, and what is not there", func(t *testing.T, f *fixture) {
		f.record(t, "INBOX", seen("7:1", mail("1")), seen("7:2", mail("2")))
		want := f.byKey(t, "2")
		got, err := f.Interaction(t.Context(), want.ID)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "Interaction", got, want)
		got, err = f.InteractionByRef(t.Context(), "alice", "INBOX", "7:2")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "InteractionByRef", got, want)

		almost := want.ID
		almost[15]++
		for _, id := range []kith.ID{{}, almost, kith.NewID(t0)} {
			_, err := f.Interaction(t.Context(), id)
			fails(t, "Interaction "+id.String(), err, kith.ErrNotFound)
		}
		_, err = f.InteractionByKey(t.Context(), key("3"))
		fails(t, "InteractionByKey", err, kith.ErrNotFound)
		for _, place := range [][3]string{{"alice", "INBOX", "7:3"}, {"alice", "Sent", "7:2"}, {"bob", "INBOX", "7:2"}} {
			_, err := f.InteractionByRef(t.Context(), place[0], place[1], place[2])
			fails(t, "InteractionByRef", err, kith.ErrNotFound)
		}
		_, err = f.Interaction(done(t), want.ID)
		fails(t, "Interaction", err, context.Canceled)
	}},
	{"Interaction/links show the contact as it is now", func(t *testing.T, f *fixture) {
		ann := f.person(t, "Ann", "ann@client.test")
		f.record(t, "INBOX", seen("1", mail("1", linked(kith.RoleFrom, ann))))
		c := mustContact(t, f, ann)
		c.Name, c.Company = "Ann Doe", "Acme"
		if err := f.UpdateContact(t.Context(), c, t0); err != nil {
			t.Fatal(err)
		}
		got := f.byKey(t, "1")
		if l := got.Links[0]; l.ContactName != "Ann Doe" || l.CompanyID == nil || *l.CompanyID != *mustContact(t, f, ann).CompanyID {
			t.Errorf("link %+v", l)
		}
		equal(t, "participants", got.Participants, mail("1").Participants)
	}},
	{"Interactions/filters", func(t *testing.T, f *fixture) {
		company := f.contact(t, kith.Contact{Type: kith.Company, Name: "Acme"})
		ann := f.contact(t, kith.Contact{Name: "Ann", CompanyID: &company})
		bob := f.contact(t, kith.Contact{Name: "Bob", CompanyID: &company})
		zoe := f.person(t, "Zoe")
		hour := func(n int) time.Time { return t0.Add(time.Duration(n) * time.Hour) }
		f.record(t, "INBOX",
			seen("1", mail("1", at(hour(1)), linked(kith.RoleFrom, ann), linked(kith.RoleTo, bob))),
			seen("2", mail("2", at(hour(2)), linked(kith.RoleFrom, company), answers("1"))),
			seen("3", mail("3", at(hour(3)), linked(kith.RoleFrom, zoe), func(i *kith.Interaction) {
				i.Kind, i.Direction, i.Status, i.Owner, i.Template = kith.KindMeeting, kith.Outbound, kith.StatusPlanned, "bob@example.test", "MEETING"
				i.Subject = `Größe des 2. Saals: 100% \ sicher_`
			})),
			seen("4", mail("4", at(hour(4)), func(i *kith.Interaction) { i.MessageID = nil; i.Subject = "" })),
		)
		after := f.byKey(t, "3")
		for _, tt := range []struct {
			why    string
			filter store.Filter
			want   string
		}{
			{"all", store.Filter{}, "4321"},
			{"limit", store.Filter{Limit: 3}, "432"},
			{"contact", store.Filter{Contact: ann}, "1"},
			{"company, with its people, each once", store.Filter{Contact: company}, "21"},
			{"company and limit", store.Filter{Contact: company, Limit: 1}, "2"},
			{"unknown contact", store.Filter{Contact: kith.NewID(t0)}, ""},
			{"kind", store.Filter{Kind: kith.KindMeeting}, "3"},
			{"direction", store.Filter{Direction: kith.Outbound}, "3"},
			{"status", store.Filter{Status: kith.StatusPlanned}, "3"},
			{"owner", store.Filter{Owner: "bob@example.test"}, "3"},
			{"template", store.Filter{Template: "EMAIL_IN"}, "421"},
			{"all of these", store.Filter{Kind: kith.KindMeeting, Direction: kith.Outbound, Status: kith.StatusPlanned, Owner: "bob@example.test", Template: "MEETING", Contact: zoe}, "3"},
			{"one of these wrong", store.Filter{Kind: kith.KindMeeting, Direction: kith.Inbound, Contact: zoe}, ""},
			{"words in any order and case", store.Filter{Text: "SAAL grösse größe"}, ""},
			{"words", store.Filter{Text: " SAAL  gRÖß "}, "3"},
			{"a word of SQL wildcards", store.Filter{Text: "0% \\ r_"}, "3"},
			{"a wildcard alone", store.Filter{Text: "%"}, "3"},
			{"words and limit", store.Filter{Text: "offer", Limit: 1}, "2"},
			{"Message-ID", store.Filter{MessageID: "<2@client.test>"}, "2"},
			{"Message-ID of none, though answered", store.Filter{MessageID: "<9@client.test>"}, ""},
			{"D08 Message-IDs differ by case", store.Filter{MessageID: "<2@Client.test>"}, ""},
			{"thread", store.Filter{Thread: f.byKey(t, "1").Thread}, "21"},
			{"thread and contact", store.Filter{Thread: f.byKey(t, "1").Thread, Contact: ann}, "1"},
			{"thread that there is not", store.Filter{Thread: "ffffffffffffffff"}, ""},
			{"no thread at all", store.Filter{Thread: "x'"}, ""},
			{"since", store.Filter{Since: hour(3)}, "43"},
			{"until", store.Filter{Until: hour(3)}, "21"},
			{"since, another zone", store.Filter{Since: hour(3).In(time.FixedZone("", 7200))}, "43"},
			{"since, until, contact", store.Filter{Since: hour(1), Until: hour(2), Contact: ann}, "1"},
			{"since, until, company", store.Filter{Since: hour(1), Until: hour(2), Contact: company}, "1"},
			{"after", store.Filter{After: &store.Position{OccurredAt: after.OccurredAt, ID: after.ID}}, "21"},
			{"after, at the instant with the greatest id", store.Filter{After: &store.Position{OccurredAt: after.OccurredAt, ID: kith.ID{0: 0xff}}}, "321"},
			{"after, at the instant with no id", store.Filter{After: &store.Position{OccurredAt: after.OccurredAt}}, "21"},
			{"after, contact", store.Filter{Contact: ann, After: &store.Position{OccurredAt: after.OccurredAt}}, "1"},
		} {
			got := ""
			for _, i := range f.list(t, tt.filter) {
				ref := i.Evidence[0].Ref
				equal(t, tt.why, i, f.byKey(t, ref))
				got += ref
			}
			if got != tt.want {
				t.Errorf("%s: %q, want %q", tt.why, got, tt.want)
			}
			if n, err := f.CountInteractions(t.Context(), tt.filter); err != nil || n != len(tt.want) {
				t.Errorf("%s: CountInteractions = %d, %v; want %d", tt.why, n, err, len(tt.want))
			}
		}
		_, err := f.CountInteractions(done(t), store.Filter{})
		fails(t, "CountInteractions", err, context.Canceled)
		for _, err := range f.Interactions(done(t), store.Filter{}) {
			fails(t, "Interactions", err, context.Canceled)
		}
	}},
	{"D23 the same second: the order is stable, the greatest id first", func(t *testing.T, f *fixture) {
		ann := f.person(t, "Ann")
		for n := range 200 {
			id := numbered("%d", n)
			f.record(t, "INBOX", seen(id, mail(id, linked(kith.RoleFrom, ann))))
		}
		for _, filter := range []store.Filter{{}, {Contact: ann}} {
			var last kith.ID
			n := 0
			for _, i := range f.list(t, filter) {
				if n > 0 && i.ID.String() >= last.String() {
					t.Errorf("%v comes after %v", i.ID, last)
				}
				last = i.ID
				n++
			}
			if n != 200 {
				t.Errorf("%d interactions, want 200", n)
			}
		}
	}},
	{"Interactions/10,000 without gaps or repeats while others are recorded", func(t *testing.T, f *fixture) {
		const n = 10_000
		ann := f.person(t, "Ann")
		company := f.contact(t, kith.Contact{Type: kith.Company, Name: "Acme"})
		f.contact(t, kith.Contact{Name: "Bob", CompanyID: &company})
		made := func(id string, n int) kith.Captured {
			return seen(id, mail(id, at(t0.Add(time.Duration(n/3)*time.Second)), linked(kith.RoleFrom, ann, company)))
		}
		var captured []kith.Captured
		for i := range n {
			captured = append(captured, made(numbered("%d", i), i))
		}
		f.record(t, "INBOX", captured...)
		recent := t0.Add(2600 * time.Second) // every round but the first reads the latest part
		for round, filter := range []store.Filter{{}, {Contact: ann, Since: recent}, {Contact: company, Since: recent}, {Text: "offer", Since: recent}} {
			var wg sync.WaitGroup
			read := make(chan int)
			wg.Go(func() { // new ones at every place of the listing
				for count := range read {
					id := fmt.Sprintf("new%d.%d", round, count)
					_, err := f.Record(t.Context(), kith.Recording{Account: id, Stream: "INBOX", Next: "1", At: t0, Captured: []kith.Captured{made(id, count*7919%n)}})
					if err != nil {
						t.Error(err)
					}
				}
			})
			got := make(map[kith.Key]int)
			count := 0
			var last time.Time
			for i, err := range f.Interactions(t.Context(), filter) {
				if err != nil {
					t.Fatal(err)
				}
				if count > 0 && i.OccurredAt.After(last) {
					t.Fatalf("%v comes after %v", i.OccurredAt, last)
				}
				last = i.OccurredAt
				got[i.Key]++
				if count++; count%500 == 1 {
					read <- count
				}
			}
			close(read)
			wg.Wait()
			for i := range n {
				if t0.Add(time.Duration(i/3) * time.Second).Before(filter.Since) {
					continue
				}
				if got[key(numbered("%d", i))] != 1 {
					t.Fatalf("round %d: interaction %d came %d times", round, i, got[key(numbered("%d", i))])
				}
			}
		}
	}},
	{"Interactions/a reader that stops does not stop writers", func(t *testing.T, f *fixture) {
		var captured []kith.Captured
		for n := range 500 {
			id := numbered("%d", n)
			captured = append(captured, seen(id, mail(id)))
		}
		f.record(t, "INBOX", captured...)
		n := 0
		for _, err := range f.Interactions(t.Context(), store.Filter{}) {
			if err != nil {
				t.Fatal(err)
			}
			if n++; n%100 == 0 {
				f.record(t, "INBOX", seen("x", mail(numbered("x%d", n))))
			}
			if n == 300 {
				break
			}
		}
		f.count(t, 503)
	}},
	{"Interactions/a listing can be read twice", func(t *testing.T, f *fixture) {
		for n := range 3 {
			f.record(t, "INBOX", seen(numbered("%d", n), mail(numbered("%d", n))))
		}
		listing := f.Interactions(t.Context(), store.Filter{})
		for range 2 {
			n := 0
			for _, err := range listing {
				fails(t, "Interactions", err, nil)
				n++
			}
			if n != 3 {
				t.Errorf("%d interactions, want 3", n)
			}
		}
	}},
	{"D16 deleted interactions are not brought back", func(t *testing.T, f *fixture) {
		ann := f.person(t, "Ann")
		f.record(t, "INBOX", seen("1", mail("1", linked(kith.RoleFrom, ann))), seen("2", mail("2")), seen("3", ours("3", "f")))
		f.record(t, "All", seen("1", mail("1")), seen("3", ours("3 rewritten", "f")))
		thread := f.byKey(t, "1").Thread
		ids := []kith.ID{f.byKey(t, "1").ID, f.byKey(t, "3").ID, kith.NewID(t0)}
		n, err := f.DeleteInteractions(t.Context(), append(ids, ids[0]), t0)
		if err != nil || n != 2 {
			t.Fatalf("DeleteInteractions = %d, %v; want 2", n, err)
		}
		f.count(t, 1)
		for what, filter := range map[string]store.Filter{"contact": {Contact: ann}, "thread": {Thread: thread}, "Message-ID": {MessageID: "<1@client.test>"}} {
			if n := len(f.list(t, filter)); n != 0 {
				t.Errorf("its %s still finds %d", what, n)
			}
		}
		equal(t, "refs", refs(t, f, "INBOX"), []string{"2"})
		_, err = f.InteractionByKey(t.Context(), key("1"))
		fails(t, "InteractionByKey", err, kith.ErrNotFound)

		for _, again := range []struct {
			why string
			i   kith.Interaction
		}{
			{"by its key", mail("1")},
			{"by the key of a copy", ours("3 rewritten", "g")},
			{"a copy that was never seen, by its fingerprint", ours("3 rewritten again", "f", at(t0.Add(time.Second)))},
		} {
			equal(t, again.why, f.record(t, "New", seen(again.why, again.i)), kith.Recorded{Erased: 1})
		}
		f.record(t, "Sent", seen("8", ours("8", "g")))
		equal(t, "by its key, though it looks like a copy of another one", f.record(t, "New", seen("1", ours("1", "g"))), kith.Recorded{Erased: 1})
		equal(t, "the same subject at another time", f.record(t, "New", seen("9", ours("9", "f", at(t0.Add(time.Minute))))), kith.Recorded{New: 1})
		equal(t, "refs", refs(t, f, "New"), []string{"9"})
		status, err := f.Stream(t.Context(), "alice", "New")
		if err != nil || status.Skipped[kith.ReasonErased] != 4 || status.Recorded != 1 {
			t.Errorf("status %+v, %v", status, err)
		}
		_, err = f.DeleteInteractions(done(t), []kith.ID{f.byKey(t, "2").ID}, t0)
		fails(t, "DeleteInteractions", err, context.Canceled)
		f.count(t, 3)
	}},
	{"Interactions/ids grow in the order of recording, whatever the time", func(t *testing.T, f *fixture) {
		var ids []string
		for n, when := range []time.Time{t0, t0.Add(-24 * time.Hour), t0.Add(24 * time.Hour), t0} {
			id := numbered("%d", n)
			f.recording(t, "INBOX", kith.Recording{At: when, Captured: []kith.Captured{seen(id, mail(id))}})
			ids = append(ids, f.byKey(t, id).ID.String())
		}
		if !slices.IsSorted(ids) {
			t.Errorf("ids %v", ids)
		}
		for _, id := range ids {
			if id[14] != '7' {
				t.Errorf("%s is no UUID of version 7", id)
			}
		}
	}},
}
