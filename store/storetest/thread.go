package storetest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"kith"
	"kith/store"
)

var threadTests = []test{
	{"D18 an answer with references is in the thread", func(t *testing.T, f *fixture) {
		f.record(t, "INBOX", seen("1", mail("1")))
		f.record(t, "INBOX", seen("2", mail("2", answers("1"), func(i *kith.Interaction) { i.Subject = "Something else" })))
		f.record(t, "INBOX", seen("3", mail("3", answers("1", "2"))))
		for _, id := range []string{"2", "3"} {
			if f.byKey(t, id).Thread != f.byKey(t, "1").Thread {
				t.Errorf("%s is in another thread", id)
			}
		}
	}},
	{"D19 the same subject without references", func(t *testing.T, f *fixture) {
		invoice := func(i *kith.Interaction) { i.Subject = "Invoice" }
		f.record(t, "INBOX", seen("1", mail("1", invoice)), seen("2", mail("2", invoice)))
		if f.byKey(t, "1").Thread == f.byKey(t, "2").Thread {
			t.Error("they are one thread")
		}
	}},
	{"D20 500 references, its own id among them, and circles", func(t *testing.T, f *fixture) {
		var many []string
		for n := range 500 {
			many = append(many, numbered("r%d", n))
		}
		f.record(t, "INBOX",
			seen("1", mail("1", answers(append(many, "1", "1")...))),
			seen("2", mail("2", answers("2"))),
			seen("3", mail("3", answers("4"))), seen("4", mail("4", answers("3"))))
		f.record(t, "INBOX", seen("5", mail("r0")), seen("6", mail("r499")), seen("7", mail("r495", answers("r0", "r1"))))
		for _, pair := range [][2]string{{"1", "r0"}, {"1", "r499"}, {"1", "r495"}, {"3", "4"}} {
			if f.byKey(t, pair[0]).Thread != f.byKey(t, pair[1]).Thread {
				t.Errorf("%s and %s are in different threads", pair[0], pair[1])
			}
		}
		if f.byKey(t, "2").Thread == f.byKey(t, "1").Thread || f.byKey(t, "3").Thread == f.byKey(t, "1").Thread {
			t.Error("threads are mixed up")
		}
	}},
	{"D21 any order of arrival and any batches give the same threads and ids", func(t *testing.T, f *fixture) {
		rng := rand.New(rand.NewPCG(1, 2))
		messages := conversation(rng, 60)
		var want map[string]string
		for round := range 6 {
			g := &fixture{Store: f.open(t), open: f.open}
			rng.Shuffle(len(messages), func(a, b int) { messages[a], messages[b] = messages[b], messages[a] })
			for rest := messages; len(rest) > 0; {
				n := min(1+rng.IntN(20), len(rest))
				g.record(t, numbered("s%d", rng.IntN(3)), rest[:n]...)
				rest = rest[n:]
			}
			got := make(map[string]string)
			for _, m := range messages {
				i, err := g.InteractionByKey(t.Context(), m.Key)
				if err != nil {
					t.Fatal(err)
				}
				got[*m.MessageID] = i.Thread
			}
			if round == 0 {
				want = got
				partition(t, messages, got)
			}
			equal(t, fmt.Sprintf("threads in round %d", round), got, want)
			members := make(map[string]int)
			for _, id := range got {
				members[id]++
			}
			for id, n := range members {
				if found := g.list(t, store.Filter{Thread: id}); len(found) != n {
					t.Fatalf("the filter finds %d of the thread's %d", len(found), n)
				}
			}
		}
	}},
	{"D21 a thread that names its first message keeps its id as it grows", func(t *testing.T, f *fixture) {
		f.record(t, "INBOX", seen("9", mail("9", answers("0", "3"))))
		id := f.byKey(t, "9").Thread
		for n := range 9 {
			m := numbered("%d", n)
			if n == 0 {
				f.record(t, "INBOX", seen(m, mail(m)))
			} else {
				f.record(t, "INBOX", seen(m, mail(m, answers("0", numbered("%d", n-1)))))
			}
			if got := f.byKey(t, "9").Thread; got != id {
				t.Fatalf("after message %d the thread is %s, before %s", n, got, id)
			}
		}
	}},
	{"Record/a copy found by fingerprint ties both Message-IDs together", func(t *testing.T, f *fixture) {
		f.record(t, "Sent", seen("1", ours("local", "f")))
		f.record(t, "INBOX", seen("1", ours("rewritten", "f")))
		f.record(t, "INBOX", seen("2", mail("answer", answers("rewritten"))), seen("3", mail("answer2", answers("local"))))
		if a, b := f.byKey(t, "answer").Thread, f.byKey(t, "answer2").Thread; a != b || a != f.byKey(t, "local").Thread {
			t.Error("answers to either id are in different threads")
		}
	}},
	{"D22 10,000 messages with the same Message-ID", func(t *testing.T, f *fixture) {
		for batch := range 5 {
			var captured []kith.Captured
			for n := range 2000 {
				id := numbered("%d", batch*2000+n)
				captured = append(captured, seen(id, mail(id, answers(numbered("root%d", n%50)), func(i *kith.Interaction) {
					same := "<same@client.test>"
					i.MessageID = &same
				})))
			}
			equal(t, "Record", f.record(t, "INBOX", captured...), kith.Recorded{New: 2000})
		}
		if n, err := f.CountInteractions(t.Context(), store.Filter{Thread: f.byKey(t, "0").Thread}); err != nil || n != 10_000 {
			t.Errorf("the thread has %d messages, %v; want 10,000", n, err)
		}
	}},
	{"D22 10,000 copies of one message", func(t *testing.T, f *fixture) {
		var captured []kith.Captured
		for n := range 10_000 {
			captured = append(captured, seen(numbered("%d", n), mail("1", answers("0"))))
		}
		equal(t, "Record", f.record(t, "INBOX", captured...), kith.Recorded{New: 1, Known: 9999})
		f.count(t, 1)
		if n := len(f.byKey(t, "1").Evidence); n != 10_000 {
			t.Errorf("%d evidences, want 10,000", n)
		}
	}},
	{"D22 2,000 threads that become one", func(t *testing.T, f *fixture) {
		var captured []kith.Captured
		for n := range 2000 {
			captured = append(captured, seen(numbered("%d", n), mail(numbered("%d", n))))
		}
		f.record(t, "INBOX", captured...)
		var ties []kith.Captured
		for n := range 1999 {
			ties = append(ties, seen(numbered("tie%d", n), mail(numbered("tie%d", n), answers(numbered("%d", n), numbered("%d", n+1)))))
		}
		for tied := range slices.Chunk(ties, 100) {
			f.record(t, "INBOX", tied...)
		}
		if n, err := f.CountInteractions(t.Context(), store.Filter{Thread: f.byKey(t, "1000").Thread}); err != nil || n != 3999 {
			t.Errorf("the thread has %d messages, %v; want 3,999", n, err)
		}
	}},
}

// conversation makes messages that answer each other, some badly: without the
// first reference, in circles, to what was never seen.
func conversation(rng *rand.Rand, n int) []kith.Captured {
	messages := make([]kith.Captured, n)
	for i := range messages {
		id := numbered("m%d", i)
		m := mail(id)
		switch rng.IntN(5) {
		case 0: // begins a thread
		case 1: // answers one, and names no more
			m.ThreadRefs = []string{numbered("<m%d@client.test>", rng.IntN(n))}
		case 2: // answers what nobody has
			m.ThreadRefs = []string{numbered("<lost%d@client.test>", rng.IntN(5)), numbered("<m%d@client.test>", rng.IntN(n))}
		default: // a good one
			if i > 0 {
				to := &messages[rng.IntN(i)]
				m.ThreadRefs = append(slices.Clone(to.ThreadRefs), *to.MessageID)
			}
		}
		messages[i] = seen(id, m)
	}
	return messages
}

// partition checks that messages are in one thread exactly if references tie them together.
func partition(t *testing.T, messages []kith.Captured, thread map[string]string) {
	t.Helper()
	group := make(map[string]string)
	var find func(id string) string
	find = func(id string) string {
		if group[id] == "" || group[id] == id {
			return id
		}
		return find(group[id])
	}
	for _, m := range messages {
		for _, ref := range m.ThreadRefs {
			if a, b := find(ref), find(*m.MessageID); a != b {
				group[a] = b
			}
		}
	}
	for _, a := range messages {
		for _, b := range messages {
			together := find(*a.MessageID) == find(*b.MessageID)
			if (thread[*a.MessageID] == thread[*b.MessageID]) != together {
				t.Fatalf("%s and %s: one thread is %v, want %v", *a.MessageID, *b.MessageID, !together, together)
			}
		}
	}
}
