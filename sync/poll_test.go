package syncer_test

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"kith"
	"kith/store"
	syncer "kith/sync"
)

var inbox, sent = kith.Stream{Name: "INBOX", Role: kith.RoleInbox}, kith.Stream{Name: "Sent", Role: kith.RoleSent}

func past(items []kith.Item, done, total int) kith.Batch {
	return kith.Batch{Items: items, Backfill: true, Done: done, Total: total}
}

func TestPollRecordsOnceAndRemembers(t *testing.T) {
	s := register(t)
	source := &fakeSource{streams: []kith.Stream{inbox}, batches: map[string][]kith.Batch{"INBOX": {{Items: letters(0, 3)}, past(letters(3, 6), 3, 3)}}}
	p := poller(s, map[string]syncer.Source{"alice": source})

	result, err := p.Poll(t.Context(), "alice", syncer.Options{})
	if err != nil || result.Recorded.New != 6 || result.Items != 6 {
		t.Fatalf("first poll: %+v, %v; want 6 new", result, err)
	}
	result, err = p.Poll(t.Context(), "alice", syncer.Options{})
	if err != nil || result.Items != 0 {
		t.Errorf("second poll: %+v, %v; want nothing to do", result, err)
	}
	result, err = p.Poll(t.Context(), "alice", syncer.Options{Full: true})
	if err != nil || result.Recorded.New != 0 || result.Recorded.Known != 6 {
		t.Errorf("full poll: %+v, %v; want all six known", result, err)
	}
	status, err := s.Stream(t.Context(), "alice", "INBOX")
	if err != nil || status.Recorded != 6 || status.Backfilled != 1 {
		t.Errorf("stream after a full poll: %+v, %v; want 6 recorded, counted once", status, err)
	}
	if source.closed != 3 {
		t.Errorf("the source was closed %d times after 3 polls", source.closed)
	}
}

func TestPollTakesNewMailBeforeThePast(t *testing.T) {
	// E24 new mail of every folder comes before the past of any.
	var order []string
	source := &fakeSource{
		streams: []kith.Stream{inbox, sent},
		batches: map[string][]kith.Batch{
			"INBOX": {{Items: letters(0, 1)}, past(letters(1, 2), 1, 3), past(letters(2, 3), 2, 3), past(letters(3, 4), 3, 3)},
			"Sent":  {{Items: letters(4, 5)}, past(letters(5, 6), 1, 2), past(letters(6, 7), 2, 2)},
		},
		before: func(_ context.Context, stream string, n int) error {
			order = append(order, stream+strconv.Itoa(n))
			return nil
		},
	}
	if _, err := poller(register(t), map[string]syncer.Source{"alice": source}).Poll(t.Context(), "alice", syncer.Options{}); err != nil {
		t.Fatal(err)
	}
	if i, j := slices.Index(order, "Sent0"), slices.Index(order, "INBOX2"); i < 0 || j < 0 || i > j {
		t.Errorf("order of batches %v: want the new mail of Sent before the past of INBOX goes on", order)
	}
}

func TestPollSlice(t *testing.T) {
	s := register(t)
	now := noon
	source := &fakeSource{
		streams: []kith.Stream{inbox},
		batches: map[string][]kith.Batch{"INBOX": {past(letters(0, 1), 1, 4), past(letters(1, 2), 2, 4), past(letters(2, 3), 3, 4), past(letters(3, 4), 4, 4)}},
		before: func(context.Context, string, int) error {
			now = now.Add(20 * time.Second)
			return nil
		},
	}
	p := poller(s, map[string]syncer.Source{"alice": source})
	p.Now = func() time.Time { return now }
	polls := 0
	for more := true; more; polls++ {
		result, err := p.Poll(t.Context(), "alice", syncer.Options{Slice: 30 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		more = result.More
		if polls > 10 {
			t.Fatal("the past does not end")
		}
	}
	if got := len(subjects(t, s)); got != 4 {
		t.Errorf("I25 after %d slices %d of 4 letters are recorded", polls, got)
	}
	if polls < 2 {
		t.Errorf("I25 one poll took the whole past, whatever its slice")
	}
}

func TestPollGoesOnAfterErrors(t *testing.T) {
	broken := errors.New("connection lost")
	for _, tt := range []struct {
		name  string
		fault error
		want  []string // subjects
		kind  kith.FaultKind
	}{
		{"E42 a folder that fails does not stop the others", broken, []string{"Letter 5", "Letter 4", "Letter 0"}, kith.FaultTransient},
		{"E13 what came before the fault is kept, an account that is throttled rests", &kith.Fault{Kind: kith.FaultThrottled, Err: broken}, []string{"Letter 0"}, kith.FaultThrottled},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := register(t)
			fails := true
			source := &fakeSource{
				streams: []kith.Stream{inbox, sent},
				batches: map[string][]kith.Batch{"INBOX": {{Items: letters(0, 1)}, {Items: letters(1, 2)}}, "Sent": {{Items: letters(4, 6)}}},
				before: func(_ context.Context, stream string, n int) error {
					if fails && stream == "INBOX" && n == 1 {
						return tt.fault
					}
					return nil
				},
			}
			p := poller(s, map[string]syncer.Source{"alice": source})
			_, err := p.Poll(t.Context(), "alice", syncer.Options{})
			if kind, _ := kith.FaultOf(err); !errors.Is(err, broken) || kind != tt.kind {
				t.Fatalf("error %v of kind %s, want %s", err, kind, tt.kind)
			}
			if !strings.Contains(err.Error(), "account alice: INBOX") {
				t.Errorf("the error does not name account and folder: %v", err)
			}
			if got := subjects(t, s); !slices.Equal(got, tt.want) {
				t.Errorf("recorded %v, want %v", got, tt.want)
			}
			fails = false
			if _, err := p.Poll(t.Context(), "alice", syncer.Options{}); err != nil {
				t.Fatal(err)
			}
			if got := len(subjects(t, s)); got != 4 {
				t.Errorf("after the next poll %d of 4 letters are recorded", got)
			}
		})
	}
}

func TestPollQuarantine(t *testing.T) {
	// E23 one message that can't be read costs only itself, and is tried again.
	s := register(t)
	now := noon
	readable := false
	source := &fakeSource{
		streams: []kith.Stream{inbox},
		batches: map[string][]kith.Batch{"INBOX": {{Items: letters(0, 2), Failed: []kith.Failure{{Ref: "1:2", Cause: "unreadable structure"}}}}},
		fetch: func(refs []string) kith.Batch {
			if readable {
				return kith.Batch{Items: letters(2, 3)}
			}
			return kith.Batch{Failed: []kith.Failure{{Ref: refs[0], Cause: "unreadable structure"}}}
		},
	}
	p := poller(s, map[string]syncer.Source{"alice": source})
	p.Now = func() time.Time { return now }
	poll := func() {
		t.Helper()
		if _, err := p.Poll(t.Context(), "alice", syncer.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	poll()
	quarantine, err := s.Quarantine(t.Context(), "alice")
	if err != nil || len(quarantine) != 1 || quarantine[0].Ref != "1:2" || quarantine[0].Attempts != 1 {
		t.Fatalf("quarantine %+v, %v; want 1:2 after one attempt", quarantine, err)
	}
	now = now.Add(48 * time.Hour)
	poll()
	if quarantine, err = s.Quarantine(t.Context(), "alice"); err != nil || len(quarantine) != 1 || quarantine[0].Attempts != 2 {
		t.Fatalf("quarantine %+v, %v; want 1:2 after two attempts", quarantine, err)
	}
	readable = true
	now = now.Add(48 * time.Hour)
	poll()
	if quarantine, err = s.Quarantine(t.Context(), "alice"); err != nil || len(quarantine) != 0 {
		t.Errorf("quarantine %+v, %v; want it empty", quarantine, err)
	}
	if got := len(subjects(t, s)); got != 3 {
		t.Errorf("%d of 3 letters are recorded", got)
	}
}

func TestPollReconciles(t *testing.T) {
	// D17 what is gone from the server stays in the register; its evidence is marked.
	s := register(t)
	source := &fakeSource{streams: []kith.Stream{inbox}, batches: map[string][]kith.Batch{"INBOX": {{Items: letters(0, 4)}}}}
	p := poller(s, map[string]syncer.Source{"alice": source})
	if _, err := p.Poll(t.Context(), "alice", syncer.Options{}); err != nil {
		t.Fatal(err)
	}
	source.batches["INBOX"] = append(source.batches["INBOX"], kith.Batch{Items: letters(4, 5), Present: func(ref string) bool { return ref == "1:0" }})
	if _, err := p.Poll(t.Context(), "alice", syncer.Options{}); err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{"Letter 0": false, "Letter 1": true, "Letter 2": true, "Letter 3": true, "Letter 4": false}
	seen := 0
	for i, err := range s.Interactions(t.Context(), store.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		seen++
		if len(i.Evidence) != 1 || i.Evidence[0].Gone != want[i.Subject] {
			t.Errorf("%s: evidence %+v, want gone = %v", i.Subject, i.Evidence, want[i.Subject])
		}
	}
	if seen != 5 {
		t.Errorf("the register has %d of 5 letters", seen)
	}
}

func TestPollDryRunWritesNothing(t *testing.T) {
	// I24
	s := register(t)
	source := &fakeSource{streams: []kith.Stream{inbox}, batches: map[string][]kith.Batch{"INBOX": {{Items: letters(0, 2)}, past(letters(2, 3), 1, 1)}}}
	var told []string
	_, err := poller(s, map[string]syncer.Source{"alice": source}).Poll(t.Context(), "alice", syncer.Options{
		DryRun: func(_ kith.Stream, item kith.Item, outcome kith.Outcome) {
			if outcome.Interaction != nil {
				told = append(told, item.Ref)
			}
		},
	})
	if err != nil || !slices.Equal(told, []string{"1:0", "1:1", "1:2"}) {
		t.Errorf("told of %v, %v; want all three", told, err)
	}
	if got := subjects(t, s); len(got) != 0 {
		t.Errorf("a dry run recorded %v", got)
	}
	status, err := s.Stream(t.Context(), "alice", "INBOX")
	if err != nil || status.Cursor != "" || !status.LastSuccess.IsZero() {
		t.Errorf("a dry run left %+v, %v", status, err)
	}
}

// racing lets another run move the cursor between reading and recording.
type racing struct {
	store.Store
	once func()
}

func (r *racing) Record(ctx context.Context, rec kith.Recording) (kith.Recorded, error) {
	if r.once != nil {
		once := r.once
		r.once = nil
		once()
	}
	return r.Store.Record(ctx, rec)
}

func TestPollBesideAnother(t *testing.T) {
	// D15 a run by hand beside the daemon's: nothing is doubled, nothing lost.
	s := register(t)
	source := func() *fakeSource {
		return &fakeSource{streams: []kith.Stream{inbox}, batches: map[string][]kith.Batch{"INBOX": {{Items: letters(0, 2)}, {Items: letters(2, 4)}}}}
	}
	race := &racing{Store: s, once: func() {
		if _, err := poller(s, map[string]syncer.Source{"alice": source()}).Poll(t.Context(), "alice", syncer.Options{}); err != nil {
			t.Error(err)
		}
	}}
	p := poller(s, map[string]syncer.Source{"alice": source()})
	p.Store = race
	if _, err := p.Poll(t.Context(), "alice", syncer.Options{}); err != nil {
		t.Fatal(err)
	}
	if got := subjects(t, s); !slices.Equal(got, []string{"Letter 3", "Letter 2", "Letter 1", "Letter 0"}) {
		t.Errorf("recorded %v, want four letters once each", got)
	}
}

// outrun has another run record each time just before, a batch of its own.
type outrun struct {
	store.Store
	step func()
}

func (o *outrun) Record(ctx context.Context, rec kith.Recording) (kith.Recorded, error) {
	o.step()
	return o.Store.Record(ctx, rec)
}

func TestPollBesideAFasterOne(t *testing.T) {
	for _, tt := range []struct {
		name string
		opts syncer.Options
		want error
	}{
		{"D15 it leaves the rest to the other", syncer.Options{}, nil},
		{"a full reading was asked for, and was not done", syncer.Options{Full: true}, kith.ErrStaleCursor},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := register(t)
			var batches []kith.Batch
			for n := range 10 {
				batches = append(batches, kith.Batch{Items: letters(n, n+1)})
			}
			n := 0
			faster := &outrun{Store: s, step: func() {
				base := kith.Cursor(strconv.Itoa(n))
				if n == 0 {
					base = ""
				}
				n++
				if _, err := s.Record(t.Context(), kith.Recording{Account: "alice", Stream: "INBOX", Base: base, Next: kith.Cursor(strconv.Itoa(n)), At: noon}); err != nil {
					t.Error(err)
				}
			}}
			p := poller(s, map[string]syncer.Source{"alice": &fakeSource{streams: []kith.Stream{inbox}, batches: map[string][]kith.Batch{"INBOX": batches}}})
			p.Store = faster
			result, err := p.Poll(t.Context(), "alice", tt.opts)
			if !errors.Is(err, tt.want) || result.Recorded.New != 0 {
				t.Errorf("%+v, %v; want error %v and nothing recorded", result, err, tt.want)
			}
			if err == nil && !result.More {
				t.Error("it says that nothing is left, which it can't know")
			}
		})
	}
}

func TestPollOfWhatWasErased(t *testing.T) {
	// D16 it has an outcome as all else.
	s := register(t)
	source := &fakeSource{streams: []kith.Stream{inbox}, batches: map[string][]kith.Batch{"INBOX": {{Items: letters(0, 3)}}}}
	p := poller(s, map[string]syncer.Source{"alice": source})
	if _, err := p.Poll(t.Context(), "alice", syncer.Options{}); err != nil {
		t.Fatal(err)
	}
	for i, err := range s.Interactions(t.Context(), store.Filter{Limit: 1}) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.DeleteInteractions(t.Context(), []kith.ID{i.ID}, noon); err != nil {
			t.Fatal(err)
		}
	}
	result, err := p.Poll(t.Context(), "alice", syncer.Options{Full: true})
	if err != nil || result.Items != 3 || result.Recorded.Known != 2 || result.Skipped[kith.ReasonErased] != 1 {
		t.Errorf("a full poll: %+v, %v; want two known and one erased", result, err)
	}
	status, err := s.Stream(t.Context(), "alice", "INBOX")
	if err != nil || status.Skipped[kith.ReasonErased] != 1 {
		t.Errorf("the counters: %+v, %v; want it counted once", status, err)
	}
}

// down fails to record for a while.
type down struct {
	store.Store
	fails bool
}

var errDown = errors.New("the database is down")

func (d *down) Record(ctx context.Context, rec kith.Recording) (kith.Recorded, error) {
	if d.fails {
		return kith.Recorded{}, errDown
	}
	return d.Store.Record(ctx, rec)
}

func (d *down) MatchAddresses(ctx context.Context, addresses []string) (map[string][]kith.Match, error) {
	if d.fails {
		return nil, errDown
	}
	return d.Store.MatchAddresses(ctx, addresses)
}

func TestPollWhileTheDatabaseIsDown(t *testing.T) {
	// I07 and B20: the cursor stays, nothing is decided, and the next poll has it all.
	s := &down{Store: register(t), fails: true}
	source := &fakeSource{streams: []kith.Stream{inbox}, batches: map[string][]kith.Batch{"INBOX": {{Items: letters(0, 2)}}}}
	p := poller(s, map[string]syncer.Source{"alice": source})
	if _, err := p.Poll(t.Context(), "alice", syncer.Options{}); !errors.Is(err, errDown) {
		t.Fatalf("error %v, want that the database is down", err)
	}
	s.fails = false
	status, err := s.Stream(t.Context(), "alice", "INBOX")
	if err != nil || status.Cursor != "" || len(status.Skipped) != 0 {
		t.Errorf("the stream moved on without the database: %+v, %v", status, err)
	}
	result, err := p.Poll(t.Context(), "alice", syncer.Options{})
	if err != nil || result.Recorded.New != 2 {
		t.Errorf("afterwards: %+v, %v; want both letters", result, err)
	}
}

func TestPollEndsWithItsContext(t *testing.T) {
	s := register(t)
	ctx, cancel := context.WithCancel(t.Context())
	source := &fakeSource{
		streams: []kith.Stream{inbox},
		batches: map[string][]kith.Batch{"INBOX": {{Items: letters(0, 2)}, {Items: letters(2, 4)}}},
		before: func(ctx context.Context, _ string, n int) error {
			if n == 1 {
				cancel()
				<-ctx.Done()
				return context.Cause(ctx)
			}
			return nil
		},
	}
	_, err := poller(s, map[string]syncer.Source{"alice": source}).Poll(ctx, "alice", syncer.Options{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want that it was cancelled", err)
	}
	status, err := s.Stream(t.Context(), "alice", "INBOX")
	if err != nil || status.Cursor != "1" && status.Cursor != "" {
		t.Errorf("I05 the cursor is %q, %v: it must be that of what was recorded", status.Cursor, err)
	}
}
