package storetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"kith"
	"kith/store"
)

var streamTests = []test{
	{"Stream/one that is not known", func(t *testing.T, f *fixture) {
		got, err := f.Stream(t.Context(), "alice", "INBOX")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "Stream", got, kith.StreamStatus{Name: "INBOX", Skipped: map[kith.Reason]int{}})
		if got := refs(t, f, "INBOX"); len(got) != 0 {
			t.Errorf("refs %v", got)
		}
	}},
	{"Stream/counters add up and start anew", func(t *testing.T, f *fixture) {
		f.recording(t, "INBOX", kith.Recording{
			Captured: []kith.Captured{seen("1", mail("1")), seen("2", mail("1"))},
			Skipped:  map[kith.Reason]int{kith.ReasonBulk: 2, kith.ReasonNoContact: 40}, Backfilled: 0.25,
		})
		f.recording(t, "INBOX", kith.Recording{
			Captured: []kith.Captured{seen("3", mail("3"))},
			Skipped:  map[kith.Reason]int{kith.ReasonBulk: 1, kith.ReasonDraft: 0}, Backfilled: 0.5,
			Quarantined: []kith.Failure{{Ref: "9", Cause: "c"}},
		})
		f.recording(t, "INBOX", kith.Recording{Next: "5"}) // a look-back knows nothing of the backfill
		got, err := f.Stream(t.Context(), "alice", "INBOX")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "Stream", got, kith.StreamStatus{
			Name: "INBOX", Cursor: "5", Recorded: 3, Quarantined: 1, Backfilled: 0.5,
			Skipped: map[kith.Reason]int{kith.ReasonBulk: 3, kith.ReasonNoContact: 40},
		})
		f.recording(t, "INBOX", kith.Recording{Next: "6", Recount: true, Backfilled: 0.125, Skipped: map[kith.Reason]int{kith.ReasonBulk: 1}, Captured: []kith.Captured{seen("3", mail("3"))}})
		got, err = f.Stream(t.Context(), "alice", "INBOX")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "Stream after Recount", got, kith.StreamStatus{
			Name: "INBOX", Cursor: "6", Recorded: 1, Quarantined: 1, Backfilled: 0.125, Skipped: map[kith.Reason]int{kith.ReasonBulk: 1},
		})
	}},
	{"StreamDone/success and failure", func(t *testing.T, f *fixture) {
		for _, step := range []struct {
			at      time.Time
			failure string
			want    kith.StreamStatus
		}{
			{t0, "INBOX: refused", kith.StreamStatus{Error: "INBOX: refused"}},
			{t0.Add(time.Hour).In(time.FixedZone("", 3600)), "", kith.StreamStatus{LastSuccess: t0.Add(time.Hour)}},
			{t0.Add(2 * time.Hour), "reset", kith.StreamStatus{LastSuccess: t0.Add(time.Hour), Error: "reset"}},
		} {
			if err := f.StreamDone(t.Context(), "alice", "INBOX", step.at, step.failure); err != nil {
				t.Fatal(err)
			}
			got, err := f.Stream(t.Context(), "alice", "INBOX")
			if err != nil {
				t.Fatal(err)
			}
			step.want.Name, step.want.Skipped = "INBOX", map[kith.Reason]int{}
			equal(t, "Stream", got, step.want)
		}
		f.record(t, "INBOX", seen("1", mail("1"))) // its cursor is still empty
	}},
	{"E39 refs with UIDs up to 2^32-1, and a cursor of any bytes", func(t *testing.T, f *fixture) {
		cursor := kith.Cursor(`{"uidvalidity":4294967295,"uidnext":4294967296,"modseq":9223372036854775807}` + "\x00\xff")
		f.recording(t, "INBOX", kith.Recording{Next: cursor, Captured: []kith.Captured{seen("4294967295:4294967295", mail("1"))}})
		if got, err := f.Stream(t.Context(), "alice", "INBOX"); err != nil || got.Cursor != cursor {
			t.Errorf("cursor %q, %v", got.Cursor, err)
		}
		equal(t, "refs", refs(t, f, "INBOX"), []string{"4294967295:4294967295"})
	}},
	{"E12 streams and refs by any name", func(t *testing.T, f *fixture) {
		for n, name := range []string{"Entwürfe", `a/b.c"d\e`, "%", "", "Entwurfe", "ENTWÜRFE"} {
			f.record(t, name, seen("r'"+name, mail(numbered("%d", n))))
			got, err := f.InteractionByRef(t.Context(), "alice", name, "r'"+name)
			if err != nil || got.Key != key(numbered("%d", n)) {
				t.Errorf("%q: %v", name, err)
			}
			equal(t, "refs of "+name, refs(t, f, name), []string{"r'" + name})
		}
	}},
	{"Refs/all of them, and the reader may write meanwhile or stop", func(t *testing.T, f *fixture) {
		const n = 12_000
		var captured []kith.Captured
		for i := range n {
			captured = append(captured, seen(numbered("7:%d", i), mail("1")))
		}
		f.record(t, "INBOX", captured...)
		got := make(map[string]bool)
		for ref, err := range f.Refs(t.Context(), "alice", "INBOX") {
			if err != nil {
				t.Fatal(err)
			}
			if len(got)%5000 == 0 {
				if err := f.StreamDone(t.Context(), "alice", "INBOX", t0, ""); err != nil {
					t.Fatal(err)
				}
			}
			got[ref] = true
		}
		if len(got) != n {
			t.Errorf("%d refs, want %d", len(got), n)
		}
		for _, err := range f.Refs(t.Context(), "alice", "INBOX") {
			fails(t, "Refs", err, nil)
			break
		}
		for _, err := range f.Refs(done(t), "alice", "INBOX") {
			fails(t, "Refs", err, context.Canceled)
		}
	}},
	{"E23 quarantine: attempts, back-off, release", func(t *testing.T, f *fixture) {
		failure := kith.Failure{Ref: "9", Cause: "bad header"}
		f.recording(t, "INBOX", kith.Recording{Quarantined: []kith.Failure{failure, {Ref: "8", Cause: "other"}}})
		later := t0.Add(time.Hour)
		failure.Cause = "still bad"
		f.recording(t, "INBOX", kith.Recording{At: later, Quarantined: []kith.Failure{failure}})
		f.recording(t, "INBOX", kith.Recording{Account: "bob", Quarantined: []kith.Failure{{Ref: "9", Cause: "bob's"}}})

		nine := kith.Quarantined{Account: "alice", Stream: "INBOX", Ref: "9", Cause: "still bad", Since: t0, Attempts: 2, NextTry: later.Add(store.QuarantineRetry(2))}
		eight := kith.Quarantined{Account: "alice", Stream: "INBOX", Ref: "8", Cause: "other", Since: t0, Attempts: 1, NextTry: t0.Add(store.QuarantineRetry(1))}
		bobs := kith.Quarantined{Account: "bob", Stream: "INBOX", Ref: "9", Cause: "bob's", Since: t0, Attempts: 1, NextTry: t0.Add(store.QuarantineRetry(1))}
		all := func(account string, want ...kith.Quarantined) {
			t.Helper()
			got, err := f.Quarantine(t.Context(), account)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, "Quarantine of "+account, got, slices.Clip(want))
		}
		all("alice", eight, nine)
		all("", eight, nine, bobs)
		due := func(now time.Time, limit int, want ...kith.Quarantined) {
			t.Helper()
			got, err := f.DueQuarantine(t.Context(), "alice", now, limit)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, fmt.Sprintf("DueQuarantine at %v", now), got, slices.Clip(want))
		}
		due(eight.NextTry.Add(-time.Microsecond), 10)
		due(eight.NextTry, 10, eight)
		due(nine.NextTry, 10, eight, nine)
		due(nine.NextTry, 1, eight)
		due(nine.NextTry, 0)

		f.recording(t, "Other", kith.Recording{Released: []string{"8", "9"}})
		all("alice", eight, nine)
		f.recording(t, "INBOX", kith.Recording{Released: []string{"8", "unknown"}})
		all("alice", nine)
		f.record(t, "INBOX", seen("9", mail("9")))
		all("alice")
		f.recording(t, "INBOX", kith.Recording{Account: "bob", Gone: []string{"9"}})
		all("")
	}},
	{"C18 a bounce marks our message, before or after it is recorded", func(t *testing.T, f *fixture) {
		bounce := func(id, action string) kith.Bounce {
			return kith.Bounce{MessageID: "<" + id + "@client.test>", Action: action, Status: "5.1.1", Reason: "no such user"}
		}
		f.record(t, "Sent", seen("1", ours("1", "f1")), seen("2", ours("2", "f2")), seen("4", ours("4", "f4")))
		f.record(t, "INBOX", seen("3", mail("3")), seen("4", ours("4 rewritten", "f4")))
		report := kith.Recording{Bounced: []kith.Bounce{
			bounce("1", "failed"), bounce("2", "delayed"), bounce("3", "failed"), bounce("4 rewritten", "failed"), bounce("5", "failed"), {Action: "failed"},
		}}
		equal(t, "Record", f.recording(t, "INBOX", report), kith.Recorded{Bounced: 2})
		equal(t, "again", f.recording(t, "INBOX", report), kith.Recorded{})
		f.record(t, "Sent", seen("5", ours("5", "f5")), seen("6", ours("6", "f6")))
		f.record(t, "Sent", seen("3", ours("3", "f3"))) // it was ours after all
		for id, want := range map[string]kith.DeliveryStatus{
			"1": kith.DeliveryBounced, "2": kith.DeliverySent, "3": kith.DeliveryBounced, "4": kith.DeliveryBounced,
			"5": kith.DeliveryBounced, "6": kith.DeliverySent,
		} {
			if got := f.byKey(t, id); got.DeliveryStatus != want {
				t.Errorf("message %s is %s, want %s", id, got.DeliveryStatus, want)
			}
		}
		if got := f.byKey(t, "1").DeliveryReason; got != "no such user" {
			t.Errorf("reason %q", got)
		}
		if got := f.byKey(t, "5").DeliveryReason; got != "5.1.1" {
			t.Errorf("reason %q: of a message that was not recorded nothing but the code may be kept", got)
		}
	}},
}
