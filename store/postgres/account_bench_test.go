package postgres_test

import (
	"fmt"
	"testing"
	"time"

	"kith"
)

// BenchmarkPutContacts imports 100,000 contacts of 20,000 companies, and once more.
func BenchmarkPutContacts(b *testing.B) {
	input := func(title string) []kith.Contact {
		all := make([]kith.Contact, 100_000)
		for n := range all {
			all[n] = kith.Contact{
				Source: "csv", ExternalID: fmt.Sprint(n), Name: fmt.Sprintf("Ann Doe %d", n), FirstName: "Ann", LastName: fmt.Sprintf("Doe %d", n),
				Company: fmt.Sprintf("Acme %d", n/5), Title: title, Language: "en", Owner: "alice@example.test", Tags: []string{"import"},
				Emails: []string{fmt.Sprintf("ann%d@client.test", n), fmt.Sprintf("ann%d@home.test", n)}, Phones: []string{fmt.Sprintf("+3225%07d", n)},
			}
		}
		return all
	}
	for range b.N {
		b.StopTimer()
		s := open(b)
		for _, step := range []struct{ what, title string }{{"new", "CEO"}, {"same", "CEO"}, {"changed", "CFO"}} {
			all := input(step.title)
			b.StartTimer()
			began := time.Now()
			changes, err := s.PutContacts(ctx, all, t0, false)
			b.ReportMetric(time.Since(began).Seconds(), "s/"+step.what)
			b.StopTimer()
			want := map[string]kith.ContactChange{"new": kith.ContactCreated, "same": kith.ContactUnchanged, "changed": kith.ContactUpdated}[step.what]
			if err != nil || changes[99_999] != want {
				b.Fatal(changes, err)
			}
		}
	}
}

// BenchmarkPoll takes accounts through claim, start and end, among a million.
func BenchmarkPoll(b *testing.B) {
	s := open(b)
	err := s.Write(ctx, func(exec func(string) error) error {
		return exec(`INSERT INTO accounts (name, origin, kind, owner, schedule, settings, state, next_poll, last_poll)
			SELECT 'account' || n, 'register', 'imap', '', '@every 5m', '', 'ok', timestamptz '2026-11-23 09:15:00+00' + n * interval '0.3 ms',
				timestamptz '2026-11-23 09:10:00+00' FROM generate_series(1, 1000000) n`)
	})
	if err != nil {
		b.Fatal(err)
	}
	if err := s.Write(ctx, func(exec func(string) error) error { return exec(`ANALYZE accounts`) }); err != nil {
		b.Fatal(err)
	}
	now := t0.Add(time.Second)
	var claim, poll, idle time.Duration
	n := 0
	b.ResetTimer()
	for range b.N {
		began := time.Now()
		due, err := s.ClaimDue(ctx, now, now.Add(time.Minute), 100)
		claim += time.Since(began)
		if err != nil {
			b.Fatal(err)
		}
		began = time.Now()
		for _, a := range due {
			if err := s.PollStarted(ctx, a, "d", now, now.Add(time.Minute)); err != nil {
				b.Fatal(err)
			}
			a.LastPoll, a.NextPoll, a.LastSuccess = now, now.Add(5*time.Minute), now
			if err := s.PollEnded(ctx, a); err != nil {
				b.Fatal(err)
			}
			n++
		}
		poll += time.Since(began)
		began = time.Now()
		if due, err := s.ClaimDue(ctx, t0, t0.Add(time.Minute), 100); err != nil || len(due) > 100 {
			b.Fatal(len(due), err)
		}
		idle += time.Since(began)
	}
	b.ReportMetric(float64(claim.Microseconds())/float64(b.N), "µs/claim")
	b.ReportMetric(float64(idle.Microseconds())/float64(b.N), "µs/idle")
	b.ReportMetric(float64(poll.Microseconds())/float64(n), "µs/poll")
}
