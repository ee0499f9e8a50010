// Package storetest holds the implementations of [store.Store] to its contract.
// It knows none of them.
package storetest

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/store"
)

// Run runs the suite. Each subtest opens an empty store, which open has to
// close when the test ends.
func Run(t *testing.T, open func(t *testing.T) store.Store) {
	for _, group := range [][]test{
		recordTests, meetingTests, mergeTests, mergedTests, threadTests, streamTests, accountTests, daemonTests, definitionTests, contactTests, putTests, bookTests, interactionTests,
		modelTests, concurrentTests, textTests, identityTests, reviseTests, dumpTests, lookBackTests, strangerTests, erasureTests,
	} {
		for _, tt := range group {
			t.Run(tt.name, func(t *testing.T) {
				tt.run(t, &fixture{Store: open(t), open: open})
			})
		}
	}
}

type test struct {
	name string
	run  func(t *testing.T, f *fixture)
}

// fixture is a store and the shorthand of the tests.
type fixture struct {
	store.Store
	open func(t *testing.T) store.Store
}

// t0 is when the tests begin; all that they record occurred about then.
var t0 = time.Date(2026, 11, 23, 9, 15, 0, 123456000, time.UTC)

func key(text string) (k kith.Key) {
	sum := sha256.Sum256([]byte(text))
	copy(k[:], sum[:])
	return k
}

// mail makes an e-mail with the given identity, which is its Message-ID too.
func mail(id string, edits ...func(*kith.Interaction)) kith.Interaction {
	messageID := "<" + id + "@client.test>"
	i := kith.Interaction{
		Kind:               kith.KindEmail,
		Status:             kith.StatusRecorded,
		Direction:          kith.Inbound,
		DirectionRule:      kith.DirectionByDefault,
		InitiatedBy:        kith.InitiatedByThem,
		OccurredAt:         t0,
		Subject:            "Offer " + id,
		Owner:              "alice@example.test",
		Template:           "EMAIL_IN",
		Group:              "EMAIL",
		CorrespondenceType: "email",
		DeliveryStatus:     kith.DeliveryNone,
		MessageID:          &messageID,
		Key:                key(id),
		Participants: []kith.Participant{
			{Role: kith.RoleFrom, Address: "ann@client.test", Name: "Ann Doe"},
			{Role: kith.RoleTo, Address: "alice@example.test", Name: "Alice"},
		},
	}
	for _, edit := range edits {
		edit(&i)
	}
	return i
}

// ours makes an e-mail of ours with a fingerprint.
func ours(id, fingerprint string, edits ...func(*kith.Interaction)) kith.Interaction {
	return mail(id, append([]func(*kith.Interaction){func(i *kith.Interaction) {
		i.Direction, i.DirectionRule = kith.Outbound, kith.DirectionByAuthor
		i.DeliveryStatus = kith.DeliverySent
		i.Fingerprint = key(fingerprint)
	}}, edits...)...)
}

func at(when time.Time) func(*kith.Interaction) {
	return func(i *kith.Interaction) { i.OccurredAt = when }
}

func answers(refs ...string) func(*kith.Interaction) {
	return func(i *kith.Interaction) {
		for _, ref := range refs {
			i.ThreadRefs = append(i.ThreadRefs, "<"+ref+"@client.test>")
		}
	}
}

func linked(role kith.ParticipantRole, ids ...kith.ID) func(*kith.Interaction) {
	return func(i *kith.Interaction) {
		for _, id := range ids {
			i.Links = append(i.Links, kith.Link{ContactID: id, Role: role, Matched: "ann@client.test", Rule: kith.LinkByEmail})
		}
	}
}

// seen is an interaction at a place.
func seen(ref string, i kith.Interaction) kith.Captured {
	return kith.Captured{Ref: ref, Interaction: &i}
}

// record records into a stream of account alice, on from wherever it stands.
func (f *fixture) record(t *testing.T, stream string, captured ...kith.Captured) kith.Recorded {
	t.Helper()
	return f.recording(t, stream, kith.Recording{Captured: captured})
}

func (f *fixture) recording(t *testing.T, stream string, rec kith.Recording) kith.Recorded {
	t.Helper()
	if rec.Account == "" {
		rec.Account = "alice"
	}
	rec.Stream = stream
	status, err := f.Stream(t.Context(), rec.Account, stream)
	if err != nil {
		t.Fatal(err)
	}
	rec.Base = status.Cursor
	if rec.Next == "" {
		rec.Next = rec.Base + "x"
	}
	if rec.At.IsZero() {
		rec.At = t0
	}
	done, err := f.Record(t.Context(), rec)
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// list returns the interactions that a filter meets.
func (f *fixture) list(t *testing.T, filter store.Filter) []kith.Interaction {
	t.Helper()
	var all []kith.Interaction
	for i, err := range f.Interactions(t.Context(), filter) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, i)
	}
	return all
}

// count checks how many interactions there are.
func (f *fixture) count(t *testing.T, want int) {
	t.Helper()
	if got, err := f.CountInteractions(t.Context(), store.Filter{}); err != nil || got != want {
		t.Errorf("there are %d interactions (%v), want %d", got, err, want)
	}
}

func (f *fixture) byKey(t *testing.T, id string) kith.Interaction {
	t.Helper()
	i, err := f.InteractionByKey(t.Context(), key(id))
	if err != nil {
		t.Fatalf("InteractionByKey(%s): %v", id, err)
	}
	return i
}

// person adds a contact and returns its id.
func (f *fixture) contact(t *testing.T, c kith.Contact) kith.ID {
	t.Helper()
	contacts := []kith.Contact{c}
	if _, err := f.PutContacts(t.Context(), contacts, t0, false); err != nil {
		t.Fatal(err)
	}
	return contacts[0].ID
}

func (f *fixture) person(t *testing.T, name string, emails ...string) kith.ID {
	t.Helper()
	return f.contact(t, kith.Contact{Source: "csv", ExternalID: name, Name: name, Emails: emails})
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func fails(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
}

func refs(t *testing.T, f *fixture, stream string) []string {
	t.Helper()
	var all []string
	for ref, err := range f.Refs(t.Context(), "alice", stream) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, ref)
	}
	return all
}

func done(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}

func numbered(format string, n int) string { return fmt.Sprintf(format, n) }
