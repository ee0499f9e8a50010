package syncer_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"kith"
	"kith/matcher"
	"kith/store"
	"kith/store/sqlite"
	syncer "kith/sync"
)

// fakeSource is a mailbox in memory, for what no real server does on demand:
// hanging, failing at a chosen place, answering in a chosen order.
type fakeSource struct {
	streams []kith.Stream
	// batches of a stream; the cursor is how many of them were read.
	batches map[string][]kith.Batch
	// before, when set, is called before each batch.
	before func(ctx context.Context, stream string, n int) error
	fetch  func(refs []string) kith.Batch
	search func(addresses []string) iter.Seq2[kith.Batch, error] // nil: it can't

	mu     sync.Mutex
	closed int
}

func (f *fakeSource) Streams(context.Context) ([]kith.Stream, error) { return f.streams, nil }

func (f *fakeSource) Changes(ctx context.Context, stream kith.Stream, cursor kith.Cursor) iter.Seq2[kith.Batch, error] {
	return func(yield func(kith.Batch, error) bool) {
		from := 0
		if cursor != "" {
			n, err := strconv.Atoi(string(cursor))
			if err != nil {
				yield(kith.Batch{}, err)
				return
			}
			from = n
		}
		batches := f.batches[stream.Name]
		for n := from; n < len(batches); n++ {
			if f.before != nil {
				if err := f.before(ctx, stream.Name, n); err != nil {
					yield(kith.Batch{}, err)
					return
				}
			}
			batch := batches[n]
			batch.Cursor = kith.Cursor(strconv.Itoa(n + 1))
			if !yield(batch, nil) {
				return
			}
		}
	}
}

func (f *fakeSource) Fetch(_ context.Context, _ kith.Stream, refs []string) (kith.Batch, error) {
	if f.fetch == nil {
		return kith.Batch{Gone: refs}, nil
	}
	return f.fetch(refs), nil
}

func (f *fakeSource) Find(context.Context, kith.Stream, string) ([]string, error) { return nil, nil }

func (f *fakeSource) Search(_ context.Context, _ kith.Stream, addresses []string) iter.Seq2[kith.Batch, error] {
	return func(yield func(kith.Batch, error) bool) {
		if f.search == nil {
			yield(kith.Batch{}, kith.ErrNoSearch)
			return
		}
		for batch, err := range f.search(addresses) {
			if !yield(batch, err) {
				return
			}
		}
	}
}

func (f *fakeSource) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed++
	return nil
}

// letter is a message from Ann, who is a contact of every test register.
func letter(n int) kith.Item {
	return kith.Item{
		Ref: "1:" + strconv.Itoa(n), Received: noon.Add(time.Duration(n) * time.Minute), Role: kith.RoleInbox,
		Message: &kith.Message{
			MessageID: fmt.Sprintf("<%d@client.test>", n), Subject: fmt.Sprintf("Letter %d", n),
			Date: noon.Add(time.Duration(n) * time.Minute), DateSource: kith.DateFromHeader,
			From: []kith.Address{{Name: "Ann", Address: "ann@client.test"}},
			To:   []kith.Address{{Address: "alice@example.test"}},
		},
	}
}

func letters(from, to int) []kith.Item {
	var items []kith.Item
	for n := from; n < to; n++ {
		items = append(items, letter(n))
	}
	return items
}

// register opens an empty register that knows Ann.
func register(t testing.TB) store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "kith.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	ann := []kith.Contact{{Type: kith.Person, Name: "Ann", Source: "test", Emails: []string{"ann@client.test"}}}
	if _, err := s.PutContacts(t.Context(), ann, noon, false); err != nil {
		t.Fatal(err)
	}
	return s
}

var errUnknownAccount = errors.New("no such account")

// poller polls fake sources, by account name.
func poller(s store.Store, sources map[string]syncer.Source) *syncer.Poller {
	alice := matcher.Account{Name: "alice", Owner: "alice@example.test", Addresses: []string{"alice@example.test"}}
	return &syncer.Poller{
		Store: s, Now: time.Now, Log: slog.New(slog.DiscardHandler),
		Matcher: matcher.New(s, matcher.NewIdentities([]matcher.Account{alice}, []string{"example.test"}), matcher.Policy{}),
		Open: func(_ context.Context, name string) (syncer.Source, matcher.Account, error) {
			source, ok := sources[name]
			if !ok {
				return nil, matcher.Account{}, errUnknownAccount
			}
			return source, alice, nil
		},
	}
}

// subjects lists what is in the register, latest first.
func subjects(t testing.TB, s store.Store) []string {
	t.Helper()
	var all []string
	for i, err := range s.Interactions(context.Background(), store.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, i.Subject)
	}
	return all
}
