package storetest

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"kith"
	"kith/store"
)

var modelTests = []test{
	{"I22 any recordings give what the contract says", func(t *testing.T, f *fixture) {
		round := 0
		rapid.Check(t, func(rt *rapid.T) {
			round++
			m := &model{
				world:   numbered("world%d", round), // one store holds them all, none knows of the others
				streams: make(map[string]*modelStream), tombstones: make(map[kith.Key]bool),
			}
			for range rapid.IntRange(1, 12).Draw(rt, "steps") {
				m.step(rt, t, f)
			}
			m.check(rt, t, f)
		})
	}},
}

// model is the contract of Record, gone through one item at a time.
type model struct {
	world        string
	interactions []*modelInteraction
	streams      map[string]*modelStream
	tombstones   map[kith.Key]bool
	copies       []modelInteraction // fingerprint and time of what was deleted
	clock        int
}

type modelInteraction struct {
	kith.Interaction
	keys []kith.Key
}

type modelStream struct {
	cursor   kith.Cursor
	recorded int
	erased   int
	evidence map[string]*modelEvidence
}

type modelEvidence struct {
	shows *modelInteraction
	gone  bool
	seen  time.Time
}

func (m *model) stream(name string) *modelStream {
	if m.streams[name] == nil {
		m.streams[name] = &modelStream{evidence: make(map[string]*modelEvidence)}
	}
	return m.streams[name]
}

// step does one thing to the model and the store.
func (m *model) step(rt *rapid.T, t *testing.T, f *fixture) {
	m.clock++
	now := t0.Add(time.Duration(m.clock) * time.Minute)
	if len(m.interactions) > 0 && rapid.IntRange(0, 5).Draw(rt, "delete") == 0 {
		at := rapid.IntRange(0, len(m.interactions)-1).Draw(rt, "which")
		i := m.interactions[at]
		found, err := f.InteractionByKey(t.Context(), i.Key)
		if err != nil {
			rt.Fatal(err)
		}
		if n, err := f.DeleteInteractions(t.Context(), []kith.ID{found.ID}, now); err != nil || n != 1 {
			rt.Fatal(n, err)
		}
		m.delete(at)
		return
	}
	name := rapid.SampledFrom([]string{"INBOX", "Sent", "All"}).Draw(rt, "stream")
	st := m.stream(name)
	rec := kith.Recording{Account: m.world, Stream: name, Base: st.cursor, Next: kith.Cursor(fmt.Sprint(m.clock)), At: now}
	if rapid.IntRange(0, 9).Draw(rt, "stale") == 0 {
		rec.Base += "stale"
	}
	for _, ref := range rapid.SliceOfNDistinct(rapid.IntRange(1, 8), 0, 6, rapid.ID).Draw(rt, "refs") {
		rec.Captured = append(rec.Captured, seen(fmt.Sprint(ref), m.drawMail(rt)))
	}
	for _, ref := range rapid.SliceOfN(rapid.IntRange(1, 8), 0, 3).Draw(rt, "gone") {
		rec.Gone = append(rec.Gone, fmt.Sprint(ref))
	}
	got, err := f.Record(t.Context(), rec)
	if rec.Base != st.cursor {
		if err == nil {
			rt.Fatal("a stale cursor was taken")
		}
		return
	}
	if err != nil {
		rt.Fatal(err)
	}
	if want := m.record(st, rec); got != want {
		rt.Fatalf("Record = %+v, want %+v", got, want)
	}
}

// drawMail draws from so few mails that copies, and copies of copies, are common.
func (m *model) drawMail(rt *rapid.T) kith.Interaction {
	n := rapid.IntRange(1, 10).Draw(rt, "mail")
	id := m.world + numbered(".%d", n)
	i := mail(id, at(t0.Add(time.Duration(rapid.IntRange(0, 5).Draw(rt, "seconds"))*time.Second)))
	if rapid.Bool().Draw(rt, "ours") {
		i = ours(id, m.world+numbered(".f%d", n%3), at(i.OccurredAt))
	}
	i.Owner = m.world
	for range rapid.IntRange(0, 2).Draw(rt, "more participants") {
		role := rapid.SampledFrom([]kith.ParticipantRole{kith.RoleCc, kith.RoleBcc}).Draw(rt, "role")
		p := kith.Participant{Role: role, Address: numbered("p%d@client.test", rapid.IntRange(1, 3).Draw(rt, "participant"))}
		if !slices.Contains(i.Participants, p) {
			i.Participants = append(i.Participants, p)
		}
	}
	return i
}

func (m *model) record(st *modelStream, rec kith.Recording) (done kith.Recorded) {
	for _, c := range rec.Captured {
		i := m.find(st, *c.Interaction)
		switch {
		case i != nil:
			done.Known++
			store.Merge(&i.Interaction, c.Interaction)
			if !slices.Contains(i.keys, c.Key) {
				i.keys = append(i.keys, c.Key)
			}
		case m.erased(*c.Interaction):
			done.Erased++
			continue
		default:
			done.New++
			i = &modelInteraction{Interaction: *c.Interaction, keys: []kith.Key{c.Key}}
			i.Participants = slices.Clone(c.Participants)
			m.interactions = append(m.interactions, i)
		}
		if e := st.evidence[c.Ref]; e == nil || e.gone || e.shows != i {
			st.evidence[c.Ref] = &modelEvidence{shows: i, seen: rec.At}
		}
	}
	for _, ref := range rec.Gone {
		if e := st.evidence[ref]; e != nil {
			e.gone = true
		}
	}
	st.cursor = rec.Next
	st.recorded += done.New + done.Known
	st.erased += done.Erased
	return done
}

func (m *model) find(st *modelStream, c kith.Interaction) *modelInteraction {
	for _, i := range m.interactions {
		if slices.Contains(i.keys, c.Key) {
			return i
		}
	}
	if (c.Fingerprint == kith.Key{}) || m.tombstones[c.Key] {
		return nil
	}
	apart := func(i *modelInteraction) time.Duration { return i.OccurredAt.Sub(c.OccurredAt).Abs() }
	var found []*modelInteraction
	for _, i := range m.interactions {
		live := slices.ContainsFunc(slices.Collect(maps.Values(st.evidence)), func(e *modelEvidence) bool { return e.shows == i && !e.gone })
		if i.Fingerprint == c.Fingerprint && apart(i) <= store.FingerprintTolerance && !live {
			found = append(found, i)
		}
	}
	if len(found) == 0 {
		return nil
	}
	return slices.MinFunc(found, func(a, b *modelInteraction) int { return cmp.Compare(apart(a), apart(b)) }) // of equals, the oldest
}

func (m *model) erased(c kith.Interaction) bool {
	if m.tombstones[c.Key] {
		return true
	}
	return c.Fingerprint != kith.Key{} && slices.ContainsFunc(m.copies, func(i modelInteraction) bool {
		return i.Fingerprint == c.Fingerprint && i.OccurredAt.Sub(c.OccurredAt).Abs() <= store.FingerprintTolerance
	})
}

func (m *model) delete(at int) {
	i := m.interactions[at]
	m.interactions = slices.Delete(m.interactions, at, at+1)
	for _, k := range i.keys {
		m.tombstones[k] = true
	}
	m.copies = append(m.copies, *i)
	for _, st := range m.streams {
		maps.DeleteFunc(st.evidence, func(_ string, e *modelEvidence) bool { return e.shows == i })
	}
}

// check compares all that the store says with the model.
func (m *model) check(rt *rapid.T, t *testing.T, f *fixture) {
	want := make(map[kith.Key]kith.Interaction)
	for _, i := range m.interactions {
		w := i.Interaction
		w.Evidence = []kith.Evidence{}
		for name, st := range m.streams {
			for ref, e := range st.evidence {
				if e.shows == i {
					w.Evidence = append(w.Evidence, kith.Evidence{Account: m.world, Stream: name, Ref: ref, SeenAt: e.seen, Gone: e.gone})
				}
			}
		}
		slices.SortFunc(w.Evidence, func(a, b kith.Evidence) int {
			return cmp.Or(a.SeenAt.Compare(b.SeenAt), cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Ref, b.Ref))
		})
		w.Links, w.Attachments, w.Flags, w.Notes = []kith.Link{}, []kith.Attachment{}, []string{}, []kith.Note{}
		want[w.Key] = w
		for _, k := range i.keys {
			if found, err := f.InteractionByKey(t.Context(), k); err != nil || found.Key != w.Key {
				rt.Fatalf("a key of %x finds %x, %v", w.Key, found.Key, err)
			}
		}
	}
	got := make(map[kith.Key]kith.Interaction)
	for i, err := range f.Interactions(t.Context(), store.Filter{Owner: m.world}) {
		if err != nil {
			rt.Fatal(err)
		}
		i.ID, i.Thread = kith.ID{}, ""
		got[i.Key] = i
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		rt.Fatalf("the register (-want +got):\n%s", diff)
	}
	for name, st := range m.streams {
		status, err := f.Stream(t.Context(), m.world, name)
		if err != nil {
			rt.Fatal(err)
		}
		if status.Cursor != st.cursor || status.Recorded != st.recorded || status.Skipped[kith.ReasonErased] != st.erased {
			rt.Fatalf("stream %s: %+v, want cursor %q, recorded %d, erased %d", name, status, st.cursor, st.recorded, st.erased)
		}
		for ref, err := range f.Refs(t.Context(), m.world, name) {
			if e := st.evidence[ref]; err != nil || e == nil || e.gone {
				rt.Fatalf("stream %s: ref %s is live, %v", name, ref, err)
			}
		}
	}
}
