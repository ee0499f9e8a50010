package store_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

func TestMergeLinks(t *testing.T) {
	const a, b, company = "A", "B", "C"
	link := func(contact, matched string, rule kith.LinkRule) kith.Link {
		return kith.Link{ContactID: kith.ID{contact[0]}, Role: kith.RoleFrom, Matched: matched, Rule: rule}
	}
	email := func(contact, matched string) kith.Link { return link(contact, matched, kith.LinkByEmail) }
	ambiguous := func(l kith.Link) kith.Link { l.Ambiguous = true; return l }
	in := func(l kith.Link, role kith.ParticipantRole) kith.Link { l.Role = role; return l }
	for _, tt := range []struct {
		name               string
		known, other, want []kith.Link
		unchanged          bool
	}{
		{name: "the same again", known: []kith.Link{email(a, "x")}, other: []kith.Link{email(a, "x")}, want: []kith.Link{email(a, "x")}, unchanged: true},
		{name: "B17 a further contact by another address", known: []kith.Link{email(a, "x")}, other: []kith.Link{email(a, "x"), email(b, "y")},
			want: []kith.Link{email(a, "x"), email(b, "y")}},
		{name: "B14 the address moved to another contact", known: []kith.Link{email(a, "x")}, other: []kith.Link{email(b, "x")}, want: []kith.Link{email(a, "x")}, unchanged: true},
		{name: "B14 it moved to two others", known: []kith.Link{email(a, "x")}, other: []kith.Link{ambiguous(email(b, "x")), ambiguous(email(company, "x"))},
			want: []kith.Link{email(a, "x")}, unchanged: true},
		{name: "B14 it moved, and another address of the copy did not", known: []kith.Link{email(a, "x")}, other: []kith.Link{email(b, "x"), email(company, "y")},
			want: []kith.Link{email(a, "x"), email(company, "y")}},
		{name: "B03 the address is shared from now on", known: []kith.Link{email(a, "x")}, other: []kith.Link{ambiguous(email(a, "x")), ambiguous(email(b, "x"))},
			want: []kith.Link{ambiguous(email(a, "x")), ambiguous(email(b, "x"))}},
		{name: "B03 who had it is linked by another address that comes first", known: []kith.Link{in(email(a, "x"), kith.RoleTo)}, other: []kith.Link{email(a, "y"), in(ambiguous(email(b, "x")), kith.RoleTo)},
			want: []kith.Link{email(a, "y"), in(ambiguous(email(b, "x")), kith.RoleTo)}},
		{name: "a domain gives way to an address", known: []kith.Link{link(company, "x", kith.LinkByDomain)}, other: []kith.Link{email(a, "x")}, want: []kith.Link{email(a, "x")}},
		{name: "and does not come back", known: []kith.Link{email(a, "x")}, other: []kith.Link{link(company, "x", kith.LinkByDomain)}, want: []kith.Link{email(a, "x")}, unchanged: true},
		{name: "a domain beside another address", known: []kith.Link{link(company, "y", kith.LinkByDomain)}, other: []kith.Link{email(a, "x")},
			want: []kith.Link{link(company, "y", kith.LinkByDomain), email(a, "x")}},
		{name: "what was linked by hand keeps nobody away", known: []kith.Link{link(a, "x", kith.LinkByHand)}, other: []kith.Link{email(b, "x")},
			want: []kith.Link{link(a, "x", kith.LinkByHand), email(b, "x")}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			known := kith.Interaction{Links: slices.Clone(tt.known)}
			other := kith.Interaction{Links: slices.Clone(tt.other)}
			if changed := store.Merge(&known, &other); changed == tt.unchanged {
				t.Errorf("changed is %v", changed)
			}
			if diff := cmp.Diff(tt.want, known.Links); diff != "" {
				t.Errorf("links (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.other, other.Links); diff != "" {
				t.Errorf("the copy changed (-want +got):\n%s", diff)
			}
			if store.Merge(&known, &other) {
				t.Errorf("the same copy once more changes it to %+v", known.Links)
			}
		})
	}
}
