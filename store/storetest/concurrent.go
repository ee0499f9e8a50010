package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"kith"
	"kith/store"
)

// Whoever writes at the same time gets what some order of one after the other gives.
var concurrentTests = []test{
	{"D15 many streams with the same mail at once give what one after the other gives", func(t *testing.T, f *fixture) {
		rng := rand.New(rand.NewPCG(3, 4))
		ann := f.person(t, "Ann")
		streams := traffic(rng, 8, 120, ann)
		var wg sync.WaitGroup
		for name, batches := range streams {
			wg.Go(func() { recordAll(t, f, name, batches) })
		}
		wg.Wait()
		serial := &fixture{Store: f.open(t), open: f.open}
		ann2 := serial.person(t, "Ann")
		for _, name := range sortedNames(streams) {
			for _, batch := range streams[name] {
				for _, c := range batch {
					for at := range c.Links {
						c.Links[at].ContactID = ann2
					}
				}
			}
			recordAll(t, serial, name, streams[name])
		}
		equal(t, "the register", content(t, f), content(t, serial))
		if a, b := len(f.list(t, store.Filter{Contact: ann})), len(serial.list(t, store.Filter{Contact: ann2})); a != b || a == 0 {
			t.Errorf("the contact has %d interactions, want %d", a, b)
		}
	}},
	{"D15 copies at once: what each tells is kept", func(t *testing.T, f *fixture) {
		const writers = 8
		var people []kith.ID
		for w := range writers {
			people = append(people, f.person(t, numbered("P%d", w)))
		}
		for round := range 3 {
			id := numbered("%d", round)
			if round > 0 {
				f.record(t, "first", seen(id, mail(id))) // else it is new to all of them
			}
			atOnce(writers, func(w int) {
				stream := numbered("s%d", round*writers+w)
				copied := mail(id, byAddress(kith.RoleBcc, numbered("p%d@client.test", w), people[w]), func(i *kith.Interaction) {
					i.Participants = append(i.Participants, kith.Participant{Role: kith.RoleBcc, Address: numbered("p%d@client.test", w)})
				})
				_, err := f.Record(t.Context(), kith.Recording{Account: "alice", Stream: stream, Next: "1", At: t0, Captured: []kith.Captured{seen("1", copied)}})
				if err != nil {
					t.Error(err)
				}
			})
			got := f.byKey(t, id)
			if len(got.Participants) != 2+writers || len(got.Links) != writers || len(got.Evidence) < writers {
				t.Errorf("%d participants, %d links, %d evidences", len(got.Participants), len(got.Links), len(got.Evidence))
			}
			for _, p := range people {
				if n := len(f.list(t, store.Filter{Contact: p})); n != round+1 {
					t.Errorf("a contact has %d interactions, want %d", n, round+1)
				}
			}
		}
		f.count(t, 3)
	}},
	{"D21 threads tied together at once: one thread, with the id that any order gives", func(t *testing.T, f *fixture) {
		const threads, writers = 48, 6
		var captured []kith.Captured
		for n := range threads {
			captured = append(captured, seen(numbered("%d", n), mail(numbered("m%d", n))))
		}
		f.record(t, "INBOX", captured...)
		serial := &fixture{Store: f.open(t), open: f.open}
		serial.record(t, "INBOX", captured...)
		ties := make([][][]kith.Captured, writers) // by writer: one batch for each tie
		for n := range threads - 1 {
			tie := seen("tie", mail(numbered("tie%d", n), answers(numbered("m%d", n+1), numbered("m%d", n))))
			ties[n%writers] = append(ties[n%writers], []kith.Captured{tie})
		}
		atOnce(writers, func(w int) { recordAll(t, f, numbered("s%d", w), ties[w]) })
		for w := range writers {
			recordAll(t, serial, numbered("s%d", w), ties[w])
		}
		want := serial.byKey(t, "m0").Thread
		for n := range threads {
			if got := f.byKey(t, numbered("m%d", n)).Thread; got != want {
				t.Errorf("message %d is in thread %s, want %s", n, got, want)
			}
		}
		if n := len(f.list(t, store.Filter{Thread: want})); n != 2*threads-1 {
			t.Errorf("the thread has %d messages, want %d", n, 2*threads-1)
		}
	}},
	{"D15 copies with rewritten Message-IDs at once: one row", func(t *testing.T, f *fixture) {
		for round := range 10 {
			atOnce(4, func(w int) {
				id := numbered("%d", round)
				_, err := f.Record(t.Context(), kith.Recording{Account: numbered("%d", w), Stream: id, Next: "1", At: t0, Captured: []kith.Captured{
					seen("1", ours(id+numbered(".%d", w), "f"+id)),
				}})
				if err != nil {
					t.Error(err)
				}
			})
			f.count(t, round+1)
		}
	}},
	{"D15 a message and its delivery report at once: it is marked", func(t *testing.T, f *fixture) {
		for round := range 20 {
			id := numbered("%d", round)
			if round%2 == 0 { // a copy that is not known to be ours
				f.record(t, "All", seen(id, mail(id)))
			}
			atOnce(2, func(w int) {
				rec := kith.Recording{Account: "alice", Stream: "Sent" + id, Next: "1", At: t0, Captured: []kith.Captured{seen("1", ours(id, "f"+id))}}
				if w == 1 {
					rec = kith.Recording{Account: "alice", Stream: "INBOX" + id, Next: "1", At: t0, Bounced: []kith.Bounce{
						{MessageID: "<" + id + "@client.test>", Action: "failed", Status: "5.1.1"},
					}}
				}
				if _, err := f.Record(t.Context(), rec); err != nil {
					t.Error(err)
				}
			})
			if got := f.byKey(t, id); got.DeliveryStatus != kith.DeliveryBounced {
				t.Errorf("round %d: it is %s", round, got.DeliveryStatus)
			}
		}
	}},
	{"D16 recorded and deleted at once: it is deleted", func(t *testing.T, f *fixture) {
		ann := f.person(t, "Ann")
		for round := range 10 {
			id := numbered("%d", round)
			f.record(t, "INBOX", seen(id, ours(id, "f"+id, linked(kith.RoleTo, ann))))
			known := f.byKey(t, id).ID
			atOnce(4, func(w int) {
				if w == 0 {
					if n, err := f.DeleteInteractions(t.Context(), []kith.ID{known}, t0); err != nil || n != 1 {
						t.Error(n, err)
					}
					return
				}
				copied := ours(id, "f"+id, linked(kith.RoleTo, ann))
				if w == 1 {
					copied = ours(id+" rewritten", "f"+id)
				}
				_, err := f.Record(t.Context(), kith.Recording{
					Account: "alice", Stream: id + numbered(".%d", w), Next: "1", At: t0, Captured: []kith.Captured{seen("1", copied)},
				})
				if err != nil {
					t.Error(err)
				}
			})
			f.count(t, 0)
			for w := range 4 {
				if got := refs(t, f, id+numbered(".%d", w)); len(got) != 0 {
					t.Errorf("round %d: the refs %v show nothing", round, got)
				}
			}
			if n := len(f.list(t, store.Filter{Contact: ann})); n != 0 {
				t.Errorf("round %d: the contact has %d interactions", round, n)
			}
			equal(t, "again", f.record(t, "again", seen(id, ours(id, "f"+id))), kith.Recorded{Erased: 1})
			equal(t, "a copy again", f.record(t, "again", seen(id, ours(id+" rewritten", "f"+id))), kith.Recorded{Erased: 1})
		}
	}},
	{"B16 a contact removed while it is linked: no link to it stays", func(t *testing.T, f *fixture) {
		company := f.contact(t, kith.Contact{Type: kith.Company, Name: "Acme"})
		for round := range 10 {
			ann := f.contact(t, kith.Contact{Name: "Ann", CompanyID: &company})
			atOnce(4, func(w int) {
				if w == 0 {
					if err := f.RemoveContact(t.Context(), ann, t0); err != nil {
						t.Error(err)
					}
					return
				}
				id := numbered("%d", round*4+w)
				_, err := f.Record(t.Context(), kith.Recording{
					Account: "alice", Stream: id, Next: "1", At: t0, Captured: []kith.Captured{seen("1", mail(id, linked(kith.RoleFrom, ann)))},
				})
				if err != nil {
					t.Error(err)
				}
			})
			if n := len(f.list(t, store.Filter{Contact: ann})); n != 0 {
				t.Errorf("round %d: the removed contact has %d interactions", round, n)
			}
		}
		linked := 0
		for _, i := range f.list(t, store.Filter{}) {
			for _, l := range i.Links {
				if linked++; l.ContactID != company || l.ContactName != "Acme" {
					t.Errorf("a link to %+v", l)
				}
			}
		}
		if n := len(f.list(t, store.Filter{Contact: company})); n != linked {
			t.Errorf("the company has %d interactions, want %d", n, linked)
		}
	}},
}

// atOnce calls fn from n goroutines, and waits for them.
func atOnce(n int, fn func(w int)) {
	var wg sync.WaitGroup
	start := make(chan struct{})
	for w := range n {
		wg.Go(func() {
			<-start
			fn(w)
		})
	}
	close(start)
	wg.Wait()
}

// traffic makes the batches of some streams between which there are copies,
// copies with a rewritten Message-ID, and threads.
func traffic(rng *rand.Rand, streams, messages int, ann kith.ID) map[string][][]kith.Captured {
	all := conversation(rng, messages)
	traffic := make(map[string][][]kith.Captured, streams)
	for s := range streams {
		name := numbered("s%d", s)
		var batch []kith.Captured
		for n, at := range rng.Perm(messages) {
			m := *all[at].Interaction
			m.Links, m.ThreadRefs = nil, slices.Clone(m.ThreadRefs)
			if at%3 == 0 {
				linked(kith.RoleFrom, ann)(&m)
			}
			m.Participants = append(slices.Clone(m.Participants), kith.Participant{Role: kith.RoleBcc, Address: name + "@example.test"})
			if at%5 == 0 { // ours, under another id in half of the streams
				m.Direction, m.DirectionRule, m.Fingerprint = kith.Outbound, kith.DirectionByAuthor, key(numbered("f%d", at))
				if s%2 == 1 {
					id := *m.MessageID + "rewritten"
					m.MessageID, m.Key = &id, key(id)
				}
			}
			if rng.IntN(3) > 0 {
				batch = append(batch, seen(numbered("%d", n), m))
			}
			if len(batch) == 10 || n == messages-1 {
				traffic[name] = append(traffic[name], batch)
				batch = nil
			}
		}
	}
	return traffic
}

func recordAll(t *testing.T, f *fixture, stream string, batches [][]kith.Captured) {
	for n, captured := range batches {
		rec := kith.Recording{Account: "alice", Stream: stream, Next: kith.Cursor(fmt.Sprint(n + 1)), At: t0, Captured: captured}
		if n > 0 {
			rec.Base = kith.Cursor(fmt.Sprint(n))
		}
		if _, err := f.Record(t.Context(), rec); err != nil {
			t.Error(err)
			return
		}
	}
}

func sortedNames[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// content is what a register holds, by the places where it was seen, but for
// what depends on the order of arrival.
func content(t *testing.T, f *fixture) map[string]kith.Interaction {
	t.Helper()
	all := make(map[string]kith.Interaction)
	for _, i := range f.list(t, store.Filter{}) {
		i.ID, i.Key, i.MessageID, i.Subject = kith.ID{}, kith.Key{}, nil, "" // those of the first copy
		slices.SortFunc(i.Participants, func(a, b kith.Participant) int {
			return cmp.Or(cmp.Compare(a.Role, b.Role), cmp.Compare(a.Address, b.Address))
		})
		for at := range i.Links {
			i.Links[at].ContactID = kith.ID{}
		}
		places := ""
		for _, e := range i.Evidence {
			places += e.Stream + "/" + e.Ref + " "
		}
		if _, twice := all[places]; twice {
			t.Errorf("two interactions are at %s", places)
		}
		all[places] = i
	}
	return all
}
