package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"testing"
	"time"

	"kith"
	"kith/store"
	syncer "kith/sync"
)

// from makes a message somebody else than Ann wrote.
func from(n int, address string) kith.Item {
	item := letter(n)
	item.Message.From = []kith.Address{{Address: address}}
	return item
}

// finds searches items as a server does.
func finds(asked *[][]string, items ...kith.Item) func([]string) iter.Seq2[kith.Batch, error] {
	return func(addresses []string) iter.Seq2[kith.Batch, error] {
		*asked = append(*asked, addresses)
		return func(yield func(kith.Batch, error) bool) {
			for _, item := range items {
				if slices.Contains(addresses, item.Message.From[0].Address) && !yield(kith.Batch{Items: []kith.Item{item}, Backfill: true}, nil) {
					return
				}
			}
		}
	}
}

func person(t testing.TB, s store.Store, addresses ...string) {
	t.Helper()
	for _, a := range addresses {
		if _, err := s.PutContacts(context.Background(), []kith.Contact{{Name: a, Emails: []string{a}}}, noon, false); err != nil {
			t.Fatal(err)
		}
	}
}

// owed checks how many addresses INBOX is yet to be searched for.
func owed(t testing.TB, s store.Store, want int) kith.StreamStatus {
	t.Helper()
	state, err := s.Stream(context.Background(), "alice", "INBOX")
	if err != nil {
		t.Fatal(err)
	}
	if got := state.LookBack(); got != want {
		t.Errorf("%d addresses are owed, want %d: %+v", got, want, state)
	}
	return state
}

func TestB17LookBackFindsWhatWasPassed(t *testing.T) {
	s := register(t)
	bo, eve := "bo@other.test", "eve@other.test"
	items := []kith.Item{letter(0), from(1, bo), from(2, eve), from(3, bo)}
	var asked [][]string
	source := &fakeSource{
		streams: []kith.Stream{inbox}, search: finds(&asked, items...),
		batches: map[string][]kith.Batch{"INBOX": {past(items[:2], 2, 4), past(items[2:], 4, 4)}},
	}
	p := poller(s, map[string]syncer.Source{"alice": source})
	first := mustPoll(t, p, syncer.Options{})
	if first.Recorded.New != 1 || len(asked) != 0 {
		t.Fatalf("first poll: %+v; searched for %v", first, asked)
	}
	before := owed(t, s, 0)
	person(t, s, bo)
	owed(t, s, 1)
	if again := mustPoll(t, p, syncer.Options{DryRun: func(kith.Stream, kith.Item, kith.Outcome) {}}); len(asked) > 0 || again.More {
		t.Errorf("a dry run looked back: %v", asked)
	}
	if second := mustPoll(t, p, syncer.Options{}); second.Recorded.New != 2 || second.More {
		t.Errorf("look-back: %+v, want 2 new", second)
	}
	after := owed(t, s, 0)
	if fmt.Sprint(asked) != "[[bo@other.test]]" {
		t.Errorf("searched for %v", asked)
	}
	if after.Cursor != before.Cursor || after.Recorded != before.Recorded+2 || after.Skipped[kith.ReasonNoContact] != 3 {
		t.Errorf("the stream went from %+v to %+v", before, after)
	}
	if third := mustPoll(t, p, syncer.Options{}); third.Items != 0 || len(asked) != 1 {
		t.Errorf("once more: %+v, searched for %v", third, asked)
	}
}

func mustPoll(t testing.TB, p *syncer.Poller, opts syncer.Options) syncer.Result {
	t.Helper()
	result, err := p.Poll(context.Background(), "alice", opts)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func TestLookBackAfterAnAddressThatComesMeanwhile(t *testing.T) {
	s := register(t)
	bo := "bo@other.test"
	items := []kith.Item{from(1, bo), from(2, bo)}
	var asked [][]string
	source := &fakeSource{
		streams: []kith.Stream{inbox}, search: finds(&asked, items...),
		batches: map[string][]kith.Batch{"INBOX": {past(items[:1], 1, 2), past(items[1:], 2, 2)}},
	}
	source.before = func(_ context.Context, _ string, n int) error {
		if n == 1 { // the first batch may be matched, and may not be recorded yet
			person(t, s, bo)
		}
		return nil
	}
	p := poller(s, map[string]syncer.Source{"alice": source})
	if result := mustPoll(t, p, syncer.Options{}); result.Recorded.New != 2 || len(asked) != 1 {
		t.Errorf("%+v, searched for %v; want both, the first by look-back", result, asked)
	}
	owed(t, s, 0)
}

func TestLookBackGoesOnWhereItWasCutOff(t *testing.T) {
	s := register(t)
	items := []kith.Item{letter(0)}
	var people []string
	for n := range 40 { // three groups
		people = append(people, fmt.Sprintf("p%d@other.test", n))
		items = append(items, from(n+1, people[n]))
	}
	var asked [][]string
	source := &fakeSource{streams: []kith.Stream{inbox}, batches: map[string][]kith.Batch{"INBOX": {{Items: items}}}}
	p := poller(s, map[string]syncer.Source{"alice": source})
	mustPoll(t, p, syncer.Options{})
	person(t, s, people...)

	search, broken := finds(&asked, items...), errors.New("the connection broke")
	source.search = func(addresses []string) iter.Seq2[kith.Batch, error] {
		return func(yield func(kith.Batch, error) bool) {
			n := 0
			for batch, err := range search(addresses) {
				if n++; n == 4 && len(asked) == 2 {
					err = broken
				}
				if !yield(batch, err) || err != nil {
					return
				}
			}
		}
	}
	if _, err := p.Poll(t.Context(), "alice", syncer.Options{}); !errors.Is(err, broken) {
		t.Fatalf("Poll: %v", err)
	}
	owed(t, s, 24)
	soft := make(chan struct{})
	close(soft)
	if result := mustPoll(t, p, syncer.Options{Soft: soft}); !result.More || len(asked) != 2 {
		t.Errorf("a poll that is to end: %+v, searched for %v", result, asked)
	}
	owed(t, s, 24)
	result := mustPoll(t, p, syncer.Options{})
	if owed(t, s, 0); result.Recorded.New != 40-16-3 || len(asked) != 4 {
		t.Errorf("%+v, %d searches", result, len(asked))
	}
	if n := len(subjects(t, s)); n != 41 {
		t.Errorf("%d are on file, want 41", n)
	}
}

func TestLookBackStaysWithinItsSlice(t *testing.T) {
	s := register(t)
	var asked [][]string
	source := &fakeSource{streams: []kith.Stream{inbox}, batches: map[string][]kith.Batch{"INBOX": {{Items: letters(0, 1)}}}}
	p := poller(s, map[string]syncer.Source{"alice": source})
	mustPoll(t, p, syncer.Options{})
	for n := range 40 {
		person(t, s, fmt.Sprintf("p%d@other.test", n))
	}
	now := noon
	p.Now = func() time.Time { return now }
	source.search = func(addresses []string) iter.Seq2[kith.Batch, error] {
		now = now.Add(40 * time.Second)
		return finds(&asked)(addresses)
	}
	if result := mustPoll(t, p, syncer.Options{Slice: time.Minute}); !result.More || len(asked) != 2 {
		t.Errorf("%+v after %d searches, want 2 and more to do", result, len(asked))
	}
	owed(t, s, 8)
}

func TestManyAddressesAreLookedBackForByReadingAgain(t *testing.T) {
	for _, tt := range []struct {
		name   string
		people int
		search bool
	}{
		{"more than are kept", store.SoughtKept + 1, true},
		{"a server that can't search", 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := register(t)
			items := []kith.Item{letter(0), from(1, "p0@other.test"), letter(2), from(3, "p0@other.test")}
			var asked [][]string
			source := &fakeSource{
				streams: []kith.Stream{inbox},
				batches: map[string][]kith.Batch{"INBOX": {past(items[:1], 1, 4), past(items[1:2], 2, 4), past(items[2:3], 3, 4), past(items[3:], 4, 4)}},
			}
			if tt.search {
				source.search = finds(&asked, items...)
			}
			p := poller(s, map[string]syncer.Source{"alice": source})
			mustPoll(t, p, syncer.Options{})
			for n := range tt.people {
				person(t, s, fmt.Sprintf("p%d@other.test", n))
			}
			// Each run is cut off after a batch.
			now, runs := noon, 0
			p.Now = func() time.Time { return now }
			source.before = func(context.Context, string, int) error {
				now = now.Add(time.Hour)
				return nil
			}
			for more := true; more; runs++ {
				more = mustPoll(t, p, syncer.Options{Slice: time.Minute}).More
			}
			state := owed(t, s, 0)
			if state.Recorded != 4 || len(state.Skipped) != 0 || state.Backfilled != 1 || len(asked) != 0 || runs < 3 {
				t.Errorf("after %d runs, searched for %v: %+v", runs, asked, state)
			}
			if got := subjects(t, s); len(got) != 4 {
				t.Errorf("on file: %v", got)
			}
		})
	}
}

func TestAddressesThatAreGoneAreNotLookedFor(t *testing.T) {
	s := register(t)
	var asked [][]string
	source := &fakeSource{streams: []kith.Stream{inbox}, search: finds(&asked), batches: map[string][]kith.Batch{"INBOX": {{Items: letters(0, 1)}}}}
	p := poller(s, map[string]syncer.Source{"alice": source})
	mustPoll(t, p, syncer.Options{})
	person(t, s, "bo@other.test")
	found, err := s.FindContacts(t.Context(), "bo@other.test")
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if err := s.RemoveContact(t.Context(), found[0].ID, noon); err != nil {
		t.Fatal(err)
	}
	owed(t, s, 1)
	mustPoll(t, p, syncer.Options{})
	if owed(t, s, 0); len(asked) != 0 {
		t.Errorf("searched for %v", asked)
	}
}
