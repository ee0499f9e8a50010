package matcher_test

import (
	"fmt"
	"testing"

	"kith"
	"kith/matcher"
)

// The figures are per message, in batches of 500, with all addresses cached.
func BenchmarkMatch(b *testing.B) {
	for _, bb := range []struct {
		name   string
		policy matcher.Policy
		item   func(n int) kith.Item
	}{
		{"recorded", matcher.Policy{}, func(n int) kith.Item {
			return letter("Ann Doe <ann@client.test>", fmt.Sprintf("alice@us.test, x%d@x.test", n), with(func(m *kith.Message) {
				m.Cc = list("boss@us.test, bob@client.test")
				m.References = []string{"<a@x>", "<b@x>"}
				m.InReplyTo = []string{"<b@x>"}
			}))
		}},
		{"no_contact", matcher.Policy{}, func(n int) kith.Item {
			return letter(fmt.Sprintf("x%d@x.test", n), "alice@us.test")
		}},
		{"bulk", matcher.Policy{}, func(n int) kith.Item {
			return letter(fmt.Sprintf("news%d@x.test", n), "alice@us.test", with(func(m *kith.Message) { m.Bulk = true }))
		}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			items := make([]kith.Item, 500)
			for i := range items {
				items[i] = bb.item(i)
			}
			m := newMatcher(contacts(), bb.policy)
			if _, err := m.Match(b.Context(), aliceMail, items); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for n := 0; n < b.N; n += len(items) {
				if _, err := m.Match(b.Context(), aliceMail, items[:min(len(items), b.N-n)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// Steps and the words for them cost nothing when nobody asked, and a skip
// costs nothing at all: a batch allocates its outcomes, and what one decision needs.
func TestSkipsDoNotAllocate(t *testing.T) {
	items := make([]kith.Item, 100)
	for i := range items {
		items[i] = letter(fmt.Sprintf("x%d@x.test", i), "alice@us.test")
	}
	m := newMatcher(contacts(), matcher.Policy{})
	perBatch := testing.AllocsPerRun(20, func() {
		if _, err := m.Match(t.Context(), aliceMail, items); err != nil {
			t.Fatal(err)
		}
	})
	if perBatch > 10 {
		t.Errorf("%.0f allocations for a batch of %d skips, want at most 10", perBatch, len(items))
	}
}
