package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"kith"
	"kith/store"
)

var accountTests = []test{
	{"Reconcile/new, known, changed, removed, back", func(t *testing.T, f *fixture) {
		soon, later := t0.Add(time.Minute), t0.Add(time.Hour)
		alice := kith.Account{Name: "alice", Kind: "imap", Owner: "a@example.test", Schedule: "@every 5m", Settings: "1", NextPoll: soon}
		bob := kith.Account{Name: "bob", Kind: "caldav", Schedule: "@hourly", Settings: "1", NextPoll: soon}
		reconcile := func(accounts ...kith.Account) {
			t.Helper()
			if err := f.Reconcile(t.Context(), accounts); err != nil {
				t.Fatal(err)
			}
		}
		is := func(why string, want kith.Account) {
			t.Helper()
			got, err := f.Account(t.Context(), want.Name)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, why, got, want)
		}
		reconcile(alice, bob)
		alice.State, bob.State = kith.StateNew, kith.StateNew
		alice.Origin, bob.Origin = kith.OriginFile, kith.OriginFile
		is("new", alice)

		again := alice
		again.NextPoll = later
		reconcile(again, bob)
		is("nothing changed: NextPoll stays", alice)

		again.Kind, again.Owner, again.Settings = "microsoft", "b@example.test", "2"
		reconcile(again, bob)
		alice.Kind, alice.Owner, alice.Settings = "microsoft", "b@example.test", "2"
		is("settings changed while all was well", alice)

		again.Schedule = "@every 1m"
		reconcile(again, bob)
		alice.Schedule, alice.NextPoll = "@every 1m", later
		is("schedule changed", alice)

		alice.State, alice.Attempts, alice.Error, alice.ErrorSince = kith.StateNeedsAttention, 3, "refused", t0
		if err := f.PollEnded(t.Context(), alice); err != nil {
			t.Fatal(err)
		}
		again = alice
		again.NextPoll = soon
		reconcile(again, bob)
		is("needs attention, settings as before", alice)
		again.Settings = "3"
		reconcile(again, bob)
		fresh := kith.Account{Name: "alice", Origin: kith.OriginFile, Kind: "microsoft", Owner: "b@example.test", Schedule: "@every 1m", Settings: "3", State: kith.StateNew, NextPoll: soon}
		is("needed attention, settings changed", fresh)

		reconcile(bob)
		fresh.State = kith.StateRemoved
		is("I12 removed", fresh)
		again.NextPoll = later
		reconcile(again, bob)
		fresh.State, fresh.NextPoll = kith.StateNew, later
		is("back with the same settings", fresh)
		is("bob all the while", bob)
	}},
	{"Account/unknown", func(t *testing.T, f *fixture) {
		_, err := f.Account(t.Context(), "nobody")
		fails(t, "Account", err, kith.ErrNotFound)
		fails(t, "PollStarted", f.PollStarted(t.Context(), kith.Account{Name: "nobody"}, "d", t0, t0), kith.ErrNotFound)
		fails(t, "PollEnded", f.PollEnded(t.Context(), kith.Account{Name: "nobody", State: kith.StateOK}), kith.ErrNotFound)
	}},
	{"ClaimDue/due, leased, in order, limited", func(t *testing.T, f *fixture) {
		err := f.Reconcile(t.Context(), []kith.Account{
			{Name: "c", NextPoll: t0.Add(-time.Minute)}, {Name: "a", NextPoll: t0}, {Name: "b", NextPoll: t0},
			{Name: "never polled"}, {Name: "late", NextPoll: t0.Add(time.Microsecond)},
			{Name: "attention", NextPoll: t0}, {Name: "gone", NextPoll: t0},
		})
		if err != nil {
			t.Fatal(err)
		}
		for name, state := range map[string]kith.AccountState{"attention": kith.StateNeedsAttention, "c": kith.StateFailing, "a": kith.StateThrottled} {
			a, err := f.Account(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			a.State = state
			if err := f.PollEnded(t.Context(), a); err != nil {
				t.Fatal(err)
			}
		}
		var rest []kith.Account
		for _, name := range []string{"c", "a", "b", "never polled", "late", "attention"} {
			a, err := f.Account(t.Context(), name)
			if err != nil {
				t.Fatal(err)
			}
			rest = append(rest, a)
		}
		if err := f.Reconcile(t.Context(), rest); err != nil { // all but gone
			t.Fatal(err)
		}
		claim := func(now time.Time, limit int, want ...string) {
			t.Helper()
			got, err := f.ClaimDue(t.Context(), now, now.Add(10*time.Minute), limit)
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, a := range got {
				names = append(names, a.Name)
			}
			equal(t, fmt.Sprintf("ClaimDue at %v", now), names, want)
		}
		claim(t0, 0)
		claim(t0, 3, "never polled", "c", "a")
		claim(t0, 10, "b")
		claim(t0.Add(time.Second), 10, "late")
		lease := t0.Add(10 * time.Minute)
		claim(lease.Add(-time.Microsecond), 10)
		claim(lease, 2, "never polled", "c")

		c := rest[0]
		c.State, c.NextPoll, c.Attempts, c.Error, c.ErrorSince, c.LastSuccess = kith.StateFailing, t0.Add(time.Hour), 2, "reset", t0, t0.Add(-time.Hour)
		if err := f.PollStarted(t.Context(), c, "d", t0.Add(time.Second), lease); err != nil {
			t.Fatal(err)
		}
		c.LastPoll = t0.Add(time.Second)
		if err := f.PollEnded(t.Context(), c); err != nil {
			t.Fatal(err)
		}
		got, err := f.Account(t.Context(), "c")
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "after the poll", got, c)
		claim(lease.Add(time.Second), 10, "a", "b", "late")
		claim(t0.Add(time.Hour), 10, "never polled", "a", "b", "late", "c")
	}},
	{"I10 ClaimDue/the clock was set back", func(t *testing.T, f *fixture) {
		if err := f.Reconcile(t.Context(), []kith.Account{{Name: "a", Kind: "imap", Schedule: "@every 5m", NextPoll: t0}}); err != nil {
			t.Fatal(err)
		}
		if err := f.PollStarted(t.Context(), kith.Account{Name: "a"}, "d", t0, t0); err != nil {
			t.Fatal(err)
		}
		a, err := f.Account(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		a.NextPoll = t0.Add(5 * time.Minute)
		if err := f.PollEnded(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			now  time.Time
			want int
		}{
			{t0.Add(time.Minute), 0},
			{t0.Add(-store.ClockSkew + time.Second), 0}, // another daemon's clock
			{t0.Add(-time.Hour), 1},
		} {
			due, err := f.ClaimDue(t.Context(), step.now, step.now.Add(time.Minute), 10)
			if err != nil || len(due) != step.want {
				t.Errorf("at %v %d accounts are due, %v; want %d", step.now, len(due), err, step.want)
			}
		}
	}},
	{"ClaimDue/never to two callers", func(t *testing.T, f *fixture) {
		var accounts []kith.Account
		for n := range 40 {
			accounts = append(accounts, kith.Account{Name: numbered("%02d", n), NextPoll: t0})
		}
		if err := f.Reconcile(t.Context(), accounts); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		claimed := make(map[string]int)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for {
					got, err := f.ClaimDue(t.Context(), t0, t0.Add(time.Hour), 3)
					if err != nil {
						t.Error(err)
					}
					if len(got) == 0 {
						return
					}
					mu.Lock()
					for _, a := range got {
						claimed[a.Name]++
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		for name, n := range claimed {
			if n != 1 {
				t.Errorf("account %s was claimed %d times", name, n)
			}
		}
		if len(claimed) != 40 {
			t.Errorf("%d accounts were claimed, want 40", len(claimed))
		}
	}},
	{"I11 removed or given other settings while it is polled", func(t *testing.T, f *fixture) {
		config := kith.Account{Name: "a", Settings: "1", NextPoll: t0}
		reconcile := func(accounts ...kith.Account) {
			t.Helper()
			if err := f.Reconcile(t.Context(), accounts); err != nil {
				t.Fatal(err)
			}
		}
		reconcile(config)
		polled, err := f.ClaimDue(t.Context(), t0, t0.Add(time.Hour), 1)
		if err != nil {
			t.Fatal(err)
		}
		config.Settings = "2"
		reconcile(config)
		polled[0].State, polled[0].Error = kith.StateNeedsAttention, "refused"
		if err := f.PollEnded(t.Context(), polled[0]); err != nil {
			t.Fatal(err)
		}
		again, err := f.ClaimDue(t.Context(), t0, t0.Add(time.Hour), 1)
		if err != nil || len(again) != 1 || again[0].State != kith.StateNew || again[0].Error != "" {
			t.Fatalf("the new settings are not tried: %+v, %v", again, err)
		}
		reconcile()
		again[0].State = kith.StateOK
		if err := f.PollEnded(t.Context(), again[0]); err != nil {
			t.Fatal(err)
		}
		if got, err := f.Account(t.Context(), "a"); err != nil || got.State != kith.StateRemoved {
			t.Errorf("the end of its poll brought a removed account back: %+v, %v", got, err)
		}
	}},
	{"AccountStatuses/by name, the removed last, with their streams", func(t *testing.T, f *fixture) {
		if err := f.Reconcile(t.Context(), []kith.Account{{Name: "b"}, {Name: "a"}, {Name: "c"}}); err != nil {
			t.Fatal(err)
		}
		f.recording(t, "Sent", kith.Recording{Account: "b", Next: "2"})
		f.recording(t, "INBOX", kith.Recording{
			Account: "b", Next: "1", Captured: []kith.Captured{seen("1", mail("1"))},
			Skipped: map[kith.Reason]int{kith.ReasonBulk: 7}, Quarantined: []kith.Failure{{Ref: "2", Cause: "c"}, {Ref: "3", Cause: "c"}}, Backfilled: 1,
		})
		f.recording(t, "INBOX", kith.Recording{Account: "a", Next: "9"})
		if err := f.Reconcile(t.Context(), []kith.Account{{Name: "b"}, {Name: "c"}}); err != nil {
			t.Fatal(err)
		}
		got, err := f.AccountStatuses(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		none := map[kith.Reason]int{}
		equal(t, "AccountStatuses", got, []kith.AccountStatus{
			{Account: kith.Account{Name: "b", Origin: kith.OriginFile, State: kith.StateNew}, Streams: []kith.StreamStatus{
				{Name: "INBOX", Cursor: "1", Recorded: 1, Skipped: map[kith.Reason]int{kith.ReasonBulk: 7}, Quarantined: 2, Backfilled: 1},
				{Name: "Sent", Cursor: "2", Skipped: none},
			}},
			{Account: kith.Account{Name: "c", Origin: kith.OriginFile, State: kith.StateNew}},
			{Account: kith.Account{Name: "a", Origin: kith.OriginFile, State: kith.StateRemoved}, Streams: []kith.StreamStatus{{Name: "INBOX", Cursor: "9", Skipped: none}}},
		})
	}},
	{"Accounts/a context that is done changes nothing", func(t *testing.T, f *fixture) {
		fails(t, "Reconcile", f.Reconcile(done(t), []kith.Account{{Name: "a"}}), context.Canceled)
		_, err := f.Account(t.Context(), "a")
		fails(t, "Account", err, kith.ErrNotFound)
		_, err = f.ClaimDue(done(t), t0, t0, 1)
		fails(t, "ClaimDue", err, context.Canceled)
		fails(t, "Ping", f.Ping(done(t)), context.Canceled)
		if err := f.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	}},
	{"Schema/up to date", func(t *testing.T, f *fixture) {
		have, want, err := f.Schema(t.Context())
		if err != nil || have != want || want < 1 {
			t.Errorf("schema %d of %d, %v", have, want, err)
		}
	}},
}
