package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"kith"
	"kith/store"
)

var recordTests = []test{
	{"Record/everything comes out as it went in", func(t *testing.T, f *fixture) {
		ann := f.contact(t, kith.Contact{Source: "csv", ExternalID: "1", Name: "Ann Doe", Company: "Acme", Emails: []string{"ann@client.test"}})
		text := func(s string) *string { return &s }
		ended := time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("", -9000))
		minutes := 45
		in := kith.Interaction{
			Kind: kith.KindMeeting, Status: kith.StatusPlanned, Direction: kith.NoDirection, InitiatedBy: kith.InitiatedByUnknown,
			OccurredAt: time.Date(2026, 11, 23, 10, 15, 0, 7000, time.FixedZone("", 20700)), EndedAt: &ended,
			DateOnly: true, DurationMinutes: &minutes,
			Subject: `It's 100% "quoted" \ and <tagged> – größer 日本`, Owner: "alice@example.test", Template: "MEETING", Group: "MEETING",
			Participants: []kith.Participant{
				{Role: kith.RoleOrganizer, Address: "alice@example.test", Name: "Alice <A> & Co"},
				{Role: kith.RoleAttendee, Address: "ann@client.test", Response: text("accepted")},
			},
			Links: []kith.Link{
				{ContactID: ann, Role: kith.RoleAttendee, Matched: "ann@client.test", Rule: kith.LinkByEmail, Ambiguous: true},
			},
			MessageID: text("<m@client.test>"), ICalUID: text("uid/1"), RecurrenceID: text("2026-11-23T08:00:00Z"),
			Attachments: []kith.Attachment{{Name: "a.pdf", MediaType: "application/pdf", Size: 1 << 40, Inline: true}},
			Evaluation:  text("positive"), AttemptFailed: true, Cost: text("12.50"), Currency: text("EUR"),
			CorrespondenceType: "none", Language: text("de-BE"), Campaign: text("spring"), CampaignResponse: true,
			Segment: text("s"), Opportunity: text("o"), Task: text("t"),
			Document:       &kith.Document{Type: "sales order", Number: "4711", Version: "2", URL: "https://erp.example.test/4711"},
			DeliveryStatus: kith.DeliverySent, DeliveryReason: "r", Snippet: "Dear\tAnn",
			Flags:         []string{"date_source=internal", "auto_reply"},
			Notes:         []kith.Note{{Author: "alice", At: t0, Text: "called back"}},
			DirectionRule: kith.DirectionByHand, Key: key("1"), Fingerprint: key("f"),
			ThreadRefs: []string{"<root@client.test>"},
			Version:    kith.EventVersion{Sequence: 3, Stamp: t0.Add(-time.Hour)},
		}
		equal(t, "Record", f.record(t, "Calendar", seen("a/b.ics", in)), kith.Recorded{New: 1})

		got := f.byKey(t, "1")
		company := *mustContact(t, f, ann).CompanyID
		want := in
		want.ID, want.Thread, want.ThreadRefs = got.ID, got.Thread, nil
		want.Links = slices.Clone(in.Links)
		want.Links[0].ContactName, want.Links[0].CompanyID = "Ann Doe", &company
		want.Evidence = []kith.Evidence{{Account: "alice", Stream: "Calendar", Ref: "a/b.ics", SeenAt: t0}}
		equal(t, "InteractionByKey", got, want)
		if got.ID.IsZero() || got.Thread == "" {
			t.Errorf("id %v, thread %q", got.ID, got.Thread)
		}
		if _, offset := got.OccurredAt.Zone(); offset != 20700 {
			t.Errorf("OccurredAt has offset %d, want that it went in with", offset)
		}
		if _, offset := got.EndedAt.Zone(); offset != -9000 {
			t.Errorf("EndedAt has offset %d, want that it went in with", offset)
		}
		if in.Links[0].ContactName != "" || !in.ID.IsZero() {
			t.Error("Record changed what the caller gave")
		}
	}},
	{"Record/lists are never nil", func(t *testing.T, f *fixture) {
		f.record(t, "INBOX", seen("1", kith.Interaction{Kind: kith.KindOther, OccurredAt: t0, Key: key("1")}))
		i := f.byKey(t, "1")
		if i.Participants == nil || i.Links == nil || i.Evidence == nil || i.Attachments == nil || i.Flags == nil || i.Notes == nil {
			t.Errorf("a list is nil: %+v", i)
		}
		if i.MessageID != nil || i.EndedAt != nil || i.DurationMinutes != nil || i.Document != nil || i.DeliveryStatus != kith.DeliveryNone {
			t.Errorf("what was not given is there: %+v", i)
		}
	}},
	{"Record/times have microseconds and any year", func(t *testing.T, f *fixture) {
		for n, when := range []time.Time{
			time.Date(1601, 1, 1, 0, 0, 0, 999999999, time.UTC),
			time.Date(1969, 12, 31, 23, 59, 59, 1500, time.FixedZone("", 12*3600)),
			time.Date(2099, 1, 1, 0, 0, 0, 999, time.FixedZone("", -12*3600)),
			time.Date(9999, 12, 31, 23, 59, 59, 0, time.FixedZone("", 14*3600)),
		} {
			id := numbered("%d", n)
			f.record(t, "INBOX", seen(id, mail(id, at(when))))
			got := f.byKey(t, id).OccurredAt
			_, wantOffset := when.Zone()
			if _, offset := got.Zone(); !got.Equal(when.Truncate(time.Microsecond)) || offset != wantOffset {
				t.Errorf("%v came out as %v", when, got)
			}
		}
		rec := kith.Recording{At: t0.In(time.FixedZone("", 3600)).Add(500), Captured: []kith.Captured{seen("z", mail("z"))}}
		f.recording(t, "INBOX", rec)
		if got := f.byKey(t, "z").Evidence[0].SeenAt; got != t0 {
			t.Errorf("SeenAt = %v, want %v", got, t0)
		}
	}},
	{"Record/a recording without a time is refused", func(t *testing.T, f *fixture) {
		if _, err := f.Record(t.Context(), kith.Recording{Account: "alice", Stream: "INBOX", Next: "1"}); err == nil {
			t.Error("no error")
		}
	}},
	{"D14 a stale cursor writes nothing; rows and cursor go together", func(t *testing.T, f *fixture) {
		f.recording(t, "INBOX", kith.Recording{Next: "1", Captured: []kith.Captured{seen("1", mail("1"))}})
		for _, base := range []kith.Cursor{"", "0", "2"} {
			_, err := f.Record(t.Context(), kith.Recording{
				Account: "alice", Stream: "INBOX", Base: base, Next: "9", At: t0,
				Captured: []kith.Captured{seen("2", mail("2"))}, Gone: []string{"1"},
				Quarantined: []kith.Failure{{Ref: "3", Cause: "c"}}, Skipped: map[kith.Reason]int{kith.ReasonBulk: 1},
			})
			fails(t, "Record from "+string(base), err, kith.ErrStaleCursor)
		}
		_, err := f.Record(t.Context(), kith.Recording{Account: "alice", Stream: "new", Base: "1", Next: "2", At: t0})
		fails(t, "Record to a stream that is not known", err, kith.ErrStaleCursor)
		f.count(t, 1)
		status, err := f.Stream(t.Context(), "alice", "INBOX")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "Stream", status, kith.StreamStatus{Name: "INBOX", Cursor: "1", Recorded: 1, Skipped: map[kith.Reason]int{}})
		if f.byKey(t, "1").Evidence[0].Gone {
			t.Error("evidence was marked gone")
		}
	}},
	{"Record/an empty batch moves the cursor", func(t *testing.T, f *fixture) {
		equal(t, "Record", f.recording(t, "INBOX", kith.Recording{Next: "5"}), kith.Recorded{})
		if status, err := f.Stream(t.Context(), "alice", "INBOX"); err != nil || status.Cursor != "5" {
			t.Errorf("cursor %q, %v", status.Cursor, err)
		}
	}},
	{"Record/a context that is done writes nothing", func(t *testing.T, f *fixture) {
		_, err := f.Record(done(t), kith.Recording{Account: "alice", Stream: "INBOX", Next: "1", At: t0, Captured: []kith.Captured{seen("1", mail("1"))}})
		fails(t, "Record", err, context.Canceled)
		f.count(t, 0)
		f.record(t, "INBOX", seen("1", mail("1"))) // and it goes on working
	}},
	{"Record/a context that ends meanwhile writes all or nothing", func(t *testing.T, f *fixture) {
		var captured []kith.Captured
		for n := range 2000 {
			id := numbered("%d", n)
			captured = append(captured, seen(id, mail(id)))
		}
		for _, wait := range []time.Duration{0, time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond} {
			ctx, cancel := context.WithTimeout(t.Context(), wait)
			stream := wait.String()
			_, err := f.Record(ctx, kith.Recording{Account: "alice", Stream: stream, Next: "1", At: t0, Captured: captured})
			cancel()
			status, err2 := f.Stream(t.Context(), "alice", stream)
			if err2 != nil {
				t.Fatal(err2)
			}
			n := len(refs(t, f, stream))
			switch {
			case err == nil && status.Cursor == "1" && n == 2000:
			case errors.Is(err, context.DeadlineExceeded) && status.Cursor == "" && n == 0:
			default:
				t.Errorf("after %v: %v, cursor %q, %d refs", wait, err, status.Cursor, n)
			}
		}
	}},
	{"D15 two records at once: one wins, the other is stale", func(t *testing.T, f *fixture) {
		const rounds, writers = 10, 4
		for round := range rounds {
			base := kith.Cursor("")
			if round > 0 {
				base = kith.Cursor(fmt.Sprint(round))
			}
			var wg sync.WaitGroup
			errs := make([]error, writers)
			for w := range writers {
				wg.Go(func() {
					id := fmt.Sprint(round)
					if round%2 == 0 { // or each has something else to record
						id += numbered(" by %d", w)
					}
					_, errs[w] = f.Record(t.Context(), kith.Recording{
						Account: "alice", Stream: "INBOX", Base: base, Next: kith.Cursor(fmt.Sprint(round + 1)), At: t0,
						Captured: []kith.Captured{seen(id, mail(id))},
					})
				})
			}
			wg.Wait()
			won := 0
			for _, err := range errs {
				if err == nil {
					won++
				} else {
					fails(t, "Record", err, kith.ErrStaleCursor)
				}
			}
			if won != 1 {
				t.Fatalf("round %d: %d of %d won", round, won, writers)
			}
		}
		f.count(t, rounds)
	}},
	{"D15 the same message from two accounts at once", func(t *testing.T, f *fixture) {
		var wg sync.WaitGroup
		for w := range 8 {
			wg.Go(func() {
				_, err := f.Record(t.Context(), kith.Recording{
					Account: fmt.Sprint(w), Stream: "INBOX", Next: "1", At: t0, Captured: []kith.Captured{seen("1", mail("1"))},
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		f.count(t, 1)
		if n := len(f.byKey(t, "1").Evidence); n != 8 {
			t.Errorf("%d evidences, want 8", n)
		}
	}},
	{"Record/a batch of 5,000 and the same again", func(t *testing.T, f *fixture) {
		var captured []kith.Captured
		for n := range 5000 {
			id := numbered("%d", n)
			captured = append(captured, seen(id, mail(id)))
		}
		equal(t, "first", f.record(t, "INBOX", captured...), kith.Recorded{New: 5000})
		equal(t, "again", f.record(t, "INBOX", captured...), kith.Recorded{Known: 5000})
		f.count(t, 5000)
		if n := len(refs(t, f, "INBOX")); n != 5000 {
			t.Errorf("%d refs, want 5,000", n)
		}
	}},
}

func mustContact(t *testing.T, f *fixture, id kith.ID) kith.Contact {
	t.Helper()
	c, err := f.Contact(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var _ store.Recorder = (*fixture)(nil)
