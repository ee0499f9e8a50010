package store_test

import (
	"testing"
	"time"

	"kith"
	"kith/store"
)

func TestThreadID(t *testing.T) {
	for _, root := range []int64{0, 1, -1, 1 << 62, -1 << 63} {
		id := store.ThreadID(root)
		if got, ok := store.ParseThreadID(id); !ok || got != root || len(id) != 16 {
			t.Errorf("thread %d is %q, and that is %d, %v", root, id, got, ok)
		}
	}
	for _, id := range []string{"", "0", "x", "000000000000000g", "00000000000000000", "000000000000000F", "+00000000000000f", " 00000000000000f", "0x0000000000000f"} {
		if root, ok := store.ParseThreadID(id); ok {
			t.Errorf("%q is thread %d", id, root)
		}
	}
}

func TestQuarantineRetry(t *testing.T) {
	for attempts, want := range map[int]time.Duration{
		-1: 15 * time.Minute, 0: 15 * time.Minute, 1: 15 * time.Minute, 2: 30 * time.Minute, 4: 2 * time.Hour,
		7: 16 * time.Hour, 8: 24 * time.Hour, 1 << 40: 24 * time.Hour,
	} {
		if got := store.QuarantineRetry(attempts); got != want {
			t.Errorf("after %d attempts %v, want %v", attempts, got, want)
		}
	}
}

func TestMergeLinksMadeByHandStay(t *testing.T) {
	ann := kith.NewID(time.Unix(0, 0))
	known := kith.Interaction{Links: []kith.Link{{ContactID: ann, Role: kith.RoleCaller, Rule: kith.LinkByHand}}}
	if store.Merge(&known, &kith.Interaction{Links: []kith.Link{{ContactID: ann, Role: kith.RoleFrom, Rule: kith.LinkByEmail}}}) {
		t.Errorf("a message replaced the link by %+v", known.Links)
	}
	if !store.Merge(&known, &kith.Interaction{Links: []kith.Link{{ContactID: kith.NewID(time.Unix(1, 0)), Role: kith.RoleTo}}}) || len(known.Links) != 2 {
		t.Errorf("another contact's link is missing: %+v", known.Links)
	}
}

func TestNextIDGrows(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	for _, last := range []kith.ID{
		{}, kith.NewID(now.Add(-time.Hour)), kith.NewID(now.Add(time.Hour)),
		{0x0f, 5: 0xff, 6: 0x7f, 7: 0xff}, // the millisecond's numbers are used up
		{0x0f, 6: 0x7f, 7: 0xfe},
	} {
		for range 5000 {
			id := store.NextID(now, last)
			if string(id[:8]) <= string(last[:8]) || id[6]>>4 != 7 {
				t.Fatalf("%v comes after %v", id, last)
			}
			last = id
		}
	}
}

func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "Größe 日本\t": "Größe 日本\t", "\ufffd": "\ufffd",
		"a\x00b": "a\ufffdb", "\xff\xfe": "\ufffd\ufffd", "caf\xe9 \x00": "caf\ufffd \ufffd", "\xed\xa0\x80": "\ufffd\ufffd\ufffd",
	} {
		if got := store.Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}
