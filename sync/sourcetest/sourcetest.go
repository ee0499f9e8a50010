// Package sourcetest is the conformance suite for sources: what every
// implementation of the Source of package syncer must do, whatever it reads from.
package sourcetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	syncer "kith/sync"
)

// Account is an account on a server for one test: one stream of it, and ways to
// change what is there.
type Account struct {
	Stream string // its name
	// Batch is how many items the sources' batches hold at most, about 5.
	Batch int
	// Open makes a new source of the account. The suite closes it.
	Open func(t testing.TB) syncer.Source
	// Add puts n new items into the stream.
	Add func(t testing.TB, n int)
	// Late says that an added item may come with the rest of a first reading, for nothing tells
	// it from what was there.
	Late bool
	// Remove takes the item with this ref out of the stream.
	Remove func(t testing.TB, ref string)
}

// Run holds a source to the contract. fresh makes an account whose stream is empty.
func Run(t *testing.T, fresh func(t *testing.T) Account) {
	for _, tt := range []struct {
		name string
		test func(t *testing.T, a Account)
	}{
		{"streams are the same each time", testStreams},
		{"an empty stream", testEmpty},
		{"every item comes once", testOnce},
		{"no batch when nothing changed", testUnchanged},
		{"stopped at every batch and gone on", testResume},
		{"new items come before older ones", testNewFirst},
		{"what is removed is gone", testGone},
		{"a cursor that is no cursor starts over", testGarbage},
		{"fetch reads the same again", testFetch},
		{"find finds one message", testFind},
		{"search finds what somebody took part in", testSearch},
		{"a context that is done", testDone},
		{"cancelled in the middle", testCancel},
		{"closed in the middle", testClose},
		{"used after close", testClosed},
	} {
		t.Run(tt.name, func(t *testing.T) { tt.test(t, fresh(t)) })
	}
}

func open(t *testing.T, a Account) syncer.Source {
	t.Helper()
	src := a.Open(t)
	t.Cleanup(func() { src.Close() })
	return src
}

// stream finds the account's stream among those of the source.
func stream(t *testing.T, a Account, src syncer.Source) kith.Stream {
	t.Helper()
	streams, err := src.Streams(t.Context())
	if err != nil {
		t.Fatalf("Streams: %v", err)
	}
	i := slices.IndexFunc(streams, func(s kith.Stream) bool { return s.Name == a.Stream })
	if i < 0 {
		t.Fatalf("Streams = %v, want %q among them", streams, a.Stream)
	}
	return streams[i]
}

// poll reads a stream from a cursor until its end, or for at most max batches.
func poll(t *testing.T, src syncer.Source, s kith.Stream, from kith.Cursor, max int) []kith.Batch {
	t.Helper()
	var batches []kith.Batch
	for batch, err := range src.Changes(t.Context(), s, from) {
		if err != nil {
			t.Fatalf("Changes: %v", err)
		}
		if batch.Cursor == "" {
			t.Fatalf("batch %d has no cursor", len(batches))
		}
		if len(batch.Failed) > 0 {
			t.Errorf("batch %d has failures: %v", len(batches), batch.Failed)
		}
		batches = append(batches, batch)
		if len(batches) == max {
			break
		}
	}
	return batches
}

const all = -1

func refs(batches []kith.Batch) []string {
	var refs []string
	for _, b := range batches {
		for _, item := range b.Items {
			refs = append(refs, item.Ref)
		}
	}
	return refs
}

// last returns the cursor after batches.
func last(batches []kith.Batch, from kith.Cursor) kith.Cursor {
	if len(batches) == 0 {
		return from
	}
	return batches[len(batches)-1].Cursor
}

func sorted(refs []string) []string {
	slices.Sort(refs)
	return refs
}

// wantOnce checks that refs are n different ones.
func wantOnce(t *testing.T, refs []string, n int) {
	t.Helper()
	unique := slices.Compact(sorted(slices.Clone(refs)))
	if len(refs) != n || len(unique) != n {
		t.Errorf("got %d items, %d different ones; want %d, each once", len(refs), len(unique), n)
	}
}

func testStreams(t *testing.T, a Account) {
	src := open(t, a)
	stream(t, a, src)
	one, err := src.Streams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	two, err := open(t, a).Streams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(one, two); diff != "" {
		t.Errorf("another source names other streams (-one +other):\n%s", diff)
	}
}

func testEmpty(t *testing.T, a Account) {
	src := open(t, a)
	s := stream(t, a, src)
	batches := poll(t, src, s, "", all)
	wantOnce(t, refs(batches), 0)
	a.Add(t, 2)
	wantOnce(t, refs(poll(t, src, s, last(batches, ""), all)), 2)
}

func testOnce(t *testing.T, a Account) {
	n := 4*a.Batch + 2
	a.Add(t, n)
	src := open(t, a)
	batches := poll(t, src, stream(t, a, src), "", all)
	wantOnce(t, refs(batches), n)
	for i, b := range batches {
		if len(b.Items) > a.Batch {
			t.Errorf("batch %d has %d items, want at most %d", i, len(b.Items), a.Batch)
		}
		if b.Restarted != "" {
			t.Errorf("batch %d says that the source began again: %s", i, b.Restarted)
		}
		for _, item := range b.Items {
			if item.Ref == "" || item.Message == nil && item.Occurrence == nil {
				t.Errorf("batch %d has an item without ref or message: %+v", i, item)
			}
		}
	}
	if end := batches[len(batches)-1]; end.Total != 0 {
		t.Errorf("the last batch has Total %d: the backfill is not over", end.Total)
	}
}

func testUnchanged(t *testing.T, a Account) {
	a.Add(t, a.Batch+1)
	src := open(t, a)
	s := stream(t, a, src)
	end := last(poll(t, src, s, "", all), "")
	for _, tt := range []struct {
		name string
		src  func() syncer.Source
	}{
		{"the same source", func() syncer.Source { return src }},
		{"the same source after Streams", func() syncer.Source { stream(t, a, src); return src }},
		{"a new source", func() syncer.Source { return open(t, a) }},
		{"a new source after Streams", func() syncer.Source { src := open(t, a); stream(t, a, src); return src }},
	} {
		if batches := poll(t, tt.src(), s, end, all); len(batches) > 0 {
			t.Errorf("%s: %d batches though nothing changed, the first: %+v", tt.name, len(batches), batches[0])
		}
	}
}

func testResume(t *testing.T, a Account) {
	n := 3*a.Batch + 1
	a.Add(t, n)
	src := open(t, a)
	s := stream(t, a, src)
	whole := poll(t, src, s, "", all)
	for stop := 1; stop <= len(whole); stop++ {
		for _, again := range []bool{false, true} {
			t.Run(fmt.Sprintf("stopped after %d batches, new source %v", stop, again), func(t *testing.T) {
				src := open(t, a)
				begun := poll(t, src, s, "", stop)
				if again {
					src = open(t, a)
				}
				rest := poll(t, src, s, last(begun, ""), all)
				got := append(refs(begun), refs(rest)...)
				wantOnce(t, got, n)
				if more := poll(t, src, s, last(rest, last(begun, "")), all); len(more) > 0 {
					t.Errorf("%d batches after the end", len(more))
				}
			})
		}
	}
}

func testNewFirst(t *testing.T, a Account) {
	a.Add(t, 3*a.Batch)
	src := open(t, a)
	s := stream(t, a, src)
	begun := poll(t, src, s, "", 1)
	a.Add(t, 2)
	rest := poll(t, src, s, last(begun, ""), all)
	wantOnce(t, append(refs(begun), refs(rest)...), 3*a.Batch+2)

	before, err := src.Fetch(t.Context(), s, refs(rest)[:2])
	if err != nil {
		t.Fatal(err)
	}
	if a.Late {
		return
	}
	if len(before.Items) != 2 || rest[0].Backfill || len(rest[0].Items) != 2 {
		t.Errorf("the first batch after two items were added has Backfill %v and %d items, want the two new ones",
			rest[0].Backfill, len(rest[0].Items))
	}
}

func testGone(t *testing.T, a Account) {
	a.Add(t, a.Batch+2)
	src := open(t, a)
	s := stream(t, a, src)
	first := poll(t, src, s, "", all)
	known := refs(first)
	victim := known[1]
	a.Remove(t, victim)

	again := poll(t, src, s, last(first, ""), all)
	var gone []string
	for _, b := range again {
		gone = append(gone, b.Gone...)
		for _, ref := range known {
			if slices.ContainsFunc(b.Covered, func(r kith.RefRange) bool { return r.Has(ref) }) && !slices.Contains(refs([]kith.Batch{b}), ref) {
				gone = append(gone, ref)
			}
		}
		if b.Present == nil {
			continue
		}
		for _, ref := range known {
			if !b.Present(ref) {
				gone = append(gone, ref)
			}
		}
	}
	if diff := cmp.Diff([]string{victim}, gone); diff != "" {
		t.Errorf("what is gone (-want +got):\n%s", diff)
	}
	wantOnce(t, refs(again), 0)
	if more := poll(t, src, s, last(again, ""), all); len(more) > 0 {
		t.Errorf("%d batches after what was gone was told", len(more))
	}
}

func testGarbage(t *testing.T, a Account) {
	n := a.Batch + 1
	a.Add(t, n)
	src := open(t, a)
	s := stream(t, a, src)
	for _, cursor := range []kith.Cursor{"x", "{}", "null", `{"v":99}`, "\x00"} {
		batches := poll(t, src, s, cursor, all)
		wantOnce(t, refs(batches), n)
		if len(batches) > 0 && batches[0].Restarted == "" {
			t.Errorf("cursor %q: the first batch does not say that the source began again", cursor)
		}
	}
}

func testFetch(t *testing.T, a Account) {
	a.Add(t, 3)
	src := open(t, a)
	s := stream(t, a, src)
	var items []kith.Item
	for _, b := range poll(t, src, s, "", all) {
		items = append(items, b.Items...)
	}
	batch, err := src.Fetch(t.Context(), s, []string{items[2].Ref, items[0].Ref, "nonsense"})
	if err != nil {
		t.Fatal(err)
	}
	byRef := func(a, b kith.Item) int { return slices.Compare([]byte(a.Ref), []byte(b.Ref)) }
	want := []kith.Item{items[0], items[2]}
	slices.SortFunc(want, byRef)
	slices.SortFunc(batch.Items, byRef)
	if diff := cmp.Diff(want, batch.Items); diff != "" {
		t.Errorf("Fetch (-Changes +Fetch):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"nonsense"}, batch.Gone); diff != "" {
		t.Errorf("Gone (-want +got):\n%s", diff)
	}
	if batch.Cursor != "" {
		t.Errorf("Fetch gave the cursor %q, want none", batch.Cursor)
	}
	a.Remove(t, items[0].Ref)
	batch, err = src.Fetch(t.Context(), s, []string{items[0].Ref})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{items[0].Ref}, batch.Gone); diff != "" || len(batch.Items)+len(batch.Failed) > 0 {
		t.Errorf("Fetch of a removed item = %+v, want it gone", batch)
	}
	if batch, err = src.Fetch(t.Context(), s, nil); err != nil || len(batch.Items)+len(batch.Gone)+len(batch.Failed) > 0 {
		t.Errorf("Fetch of nothing = %+v, %v", batch, err)
	}
}

// idOf is what an item is found by.
func idOf(item kith.Item) string {
	if item.Occurrence != nil {
		return item.Occurrence.UID
	}
	return item.Message.MessageID
}

// authorOf is somebody who takes part in an item.
func authorOf(item kith.Item) string {
	if item.Occurrence != nil {
		return item.Occurrence.Organizer.Address
	}
	return item.Message.From[0].Address
}

func testFind(t *testing.T, a Account) {
	a.Add(t, 3)
	src := open(t, a)
	s := stream(t, a, src)
	for _, b := range poll(t, src, s, "", all) {
		for _, item := range b.Items {
			got, err := src.Find(t.Context(), s, idOf(item))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{item.Ref}, got); diff != "" {
				t.Errorf("Find(%s) (-want +got):\n%s", idOf(item), diff)
			}
		}
	}
	for _, id := range []string{"", "<nobody@nowhere.test>", `<a"b\c@x.test>`, "<ü@x.test>"} {
		if got, err := src.Find(t.Context(), s, id); err != nil || len(got) > 0 {
			t.Errorf("Find(%q) = %v, %v; want nothing", id, got, err)
		}
	}
}

func testSearch(t *testing.T, a Account) {
	n := 2*a.Batch + 1
	a.Add(t, n)
	src := open(t, a)
	s := stream(t, a, src)
	known := map[string]kith.Item{}
	var author string
	for _, b := range poll(t, src, s, "", all) {
		for _, item := range b.Items {
			known[item.Ref], author = item, authorOf(item)
		}
	}
	_, domain, _ := strings.Cut(author, "@")
	for _, tt := range []struct {
		name      string
		addresses []string
		least     int // items that have to be found; others may be
	}{
		{"an author", []string{author}, n},
		{"an author among others", []string{"nobody@nowhere.test", author, `"a b\c\"d"@x.test`}, n},
		{"everybody of a domain", []string{"*@" + domain}, n},
		{"nobody", []string{"nobody@nowhere.test"}, 0},
		{"somebody of a domain that is not in ASCII", []string{"nobody@xn--mnchen-3ya.test"}, 0},
	} {
		found := map[string]bool{}
		for batch, err := range src.Search(t.Context(), s, tt.addresses) {
			if errors.Is(err, kith.ErrNoSearch) {
				return // nor can it search for others
			}
			if err != nil {
				t.Fatalf("%s: Search: %v", tt.name, err)
			}
			if batch.Cursor != "" || !batch.Backfill || len(batch.Failed)+len(batch.Gone) > 0 || len(batch.Items) > a.Batch {
				t.Errorf("%s: a batch of %d items with cursor %q, backfill %v, failed %v, gone %v",
					tt.name, len(batch.Items), batch.Cursor, batch.Backfill, batch.Failed, batch.Gone)
			}
			for _, item := range batch.Items {
				if diff := cmp.Diff(known[item.Ref], item); diff != "" || found[item.Ref] {
					t.Errorf("%s: %s, found before: %v (-Changes +Search):\n%s", tt.name, item.Ref, found[item.Ref], diff)
				}
				found[item.Ref] = true
			}
		}
		if len(found) < tt.least {
			t.Errorf("%s: %d items were found, want %d", tt.name, len(found), tt.least)
		}
	}
}

// soon is how long a source may take to end.
const soon = 10 * time.Second

func testDone(t *testing.T, a Account) {
	a.Add(t, 1)
	src := open(t, a)
	s := stream(t, a, src)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := open(t, a).Streams(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Streams: %v, want context.Canceled", err)
	}
	for _, err := range src.Changes(ctx, s, "") {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Changes: %v, want context.Canceled", err)
		}
	}
	for _, err := range src.Search(ctx, s, []string{"a@b.test"}) {
		if !errors.Is(err, context.Canceled) && !errors.Is(err, kith.ErrNoSearch) {
			t.Errorf("Search: %v, want context.Canceled", err)
		}
	}
	// The source goes on to be of use.
	wantOnce(t, refs(poll(t, src, s, "", all)), 1)
}

func testCancel(t *testing.T, a Account) {
	n := 6 * a.Batch
	a.Add(t, n)
	src := open(t, a)
	s := stream(t, a, src)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var begun []kith.Batch
	var end error
	for batch, err := range src.Changes(ctx, s, "") {
		if err != nil {
			end = err
			continue
		}
		begun = append(begun, batch)
		cancel()
	}
	// Batches that were read already may still come; when all were, there is no error.
	if len(refs(begun)) < n && !errors.Is(end, context.Canceled) {
		t.Errorf("Changes ended with %v after %d of %d items, want context.Canceled", end, len(refs(begun)), n)
	}
	rest := poll(t, src, s, last(begun, ""), all)
	wantOnce(t, append(refs(begun), refs(rest)...), n)
}

func testClose(t *testing.T, a Account) {
	n := 6 * a.Batch
	a.Add(t, n)
	src := open(t, a)
	s := stream(t, a, src)
	start := time.Now()
	got, failed := 0, false
	for batch, err := range src.Changes(t.Context(), s, "") {
		if err != nil {
			failed = true
			continue
		}
		got += len(batch.Items)
		if err := src.Close(); err != nil {
			t.Logf("Close: %v", err) // whatever ran was cut off
		}
	}
	if got < n && !failed {
		t.Errorf("Changes ended without an error after %d of %d items, though the source was closed", got, n)
	}
	if d := time.Since(start); d > soon {
		t.Errorf("it took %v to end", d)
	}
}

func testClosed(t *testing.T, a Account) {
	a.Add(t, 1)
	src := open(t, a)
	s := stream(t, a, src)
	for range 2 {
		if err := src.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	if _, err := src.Streams(t.Context()); err == nil {
		t.Error("Streams worked after Close")
	}
	if _, err := src.Fetch(t.Context(), s, []string{"1:1"}); err == nil {
		t.Error("Fetch worked after Close")
	}
	if _, err := src.Find(t.Context(), s, "<a@b.test>"); err == nil {
		t.Error("Find worked after Close")
	}
	for _, err := range src.Search(t.Context(), s, []string{"a@b.test"}) {
		if err == nil {
			t.Error("Search worked after Close")
		}
	}
	failed := false
	for _, err := range src.Changes(t.Context(), s, "") {
		failed = err != nil
	}
	if !failed {
		t.Error("Changes worked after Close")
	}
}
