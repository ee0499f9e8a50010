package sqlite_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"kith"
	"kith/store/sqlite"
)

func key(parts ...any) (k kith.Key) {
	sum := sha256.Sum256([]byte(fmt.Sprint(parts...)))
	copy(k[:], sum[:])
	return k
}

// captured makes the n-th message of a mailbox that is read newest first:
// every second one answers others, every third is ours.
func captured(n int, contacts []kith.ID) kith.Captured {
	id := func(n int) string {
		return fmt.Sprintf("<%016x.%d@mail.client%d.test>", uint64(n)*0x9e3779b97f4a7c15, n, n%300)
	}
	messageID := id(n)
	contact := n % len(contacts)
	i := kith.Interaction{
		Kind:               kith.KindEmail,
		Status:             kith.StatusRecorded,
		Direction:          kith.Inbound,
		DirectionRule:      kith.DirectionByDefault,
		InitiatedBy:        kith.InitiatedByThem,
		OccurredAt:         t0.Add(-time.Duration(n) * 7 * time.Minute).In(time.FixedZone("", 3600)),
		Subject:            fmt.Sprintf("Re: the offer for the second hall, question %d", n),
		Owner:              "alice@example.test",
		Template:           "EMAIL_IN",
		Group:              "EMAIL",
		CorrespondenceType: "email",
		DeliveryStatus:     kith.DeliveryNone,
		MessageID:          &messageID,
		Key:                key(n),
		Participants: []kith.Participant{
			{Role: kith.RoleFrom, Address: fmt.Sprintf("person%d@client.test", contact), Name: fmt.Sprintf("Person Number %d", contact)},
			{Role: kith.RoleTo, Address: "alice@example.test", Name: "Alice Jones"},
			{Role: kith.RoleCc, Address: fmt.Sprintf("person%d@client.test", (contact+7)%len(contacts)), Name: "Carl Copied"},
		},
		Links: []kith.Link{{ContactID: contacts[contact], Role: kith.RoleFrom, Matched: fmt.Sprintf("person%d@client.test", contact), Rule: kith.LinkByEmail}},
	}
	if n%2 == 0 {
		root := n - n%8 + 8 // older, so it comes later
		for r := root; r > n+1 && len(i.ThreadRefs) < 3; r -= 2 {
			i.ThreadRefs = append(i.ThreadRefs, id(r))
		}
		i.Links = append(i.Links, kith.Link{
			ContactID: contacts[(contact+7)%len(contacts)], Role: kith.RoleCc, Matched: fmt.Sprintf("person%d@client.test", (contact+7)%len(contacts)), Rule: kith.LinkByEmail,
		})
	}
	if n%3 == 0 {
		i.Direction, i.DirectionRule, i.InitiatedBy = kith.Outbound, kith.DirectionByAuthor, kith.InitiatedByUs
		i.DeliveryStatus, i.Template = kith.DeliverySent, "EMAIL_OUT"
		i.Fingerprint = key("fingerprint", n)
	}
	if n%4 == 0 {
		i.Attachments = []kith.Attachment{{Name: fmt.Sprintf("offer-%d.pdf", n), MediaType: "application/pdf", Size: 48123}}
	}
	return kith.Captured{Ref: fmt.Sprintf("1732352100:%d", 1_000_000-n), Interaction: &i}
}

func contacts(n int) []kith.Contact {
	contacts := make([]kith.Contact, n)
	for i := range contacts {
		contacts[i] = kith.Contact{
			Type: kith.Person, Source: "csv", ExternalID: fmt.Sprintf("C%07d", i),
			Name: fmt.Sprintf("Person Number %d", i), FirstName: "Person", LastName: fmt.Sprintf("Number %d", i),
			Company: fmt.Sprintf("Company %d Ltd", i%5000),
			Emails:  []string{fmt.Sprintf("person%d@client.test", i), fmt.Sprintf("p.number%d@mail.test", i)},
			Phones:  []string{fmt.Sprintf("+32255%06d", i)},
			Tags:    []string{"customer"},
		}
	}
	return contacts
}

func put(t testing.TB, s *sqlite.Store, contacts []kith.Contact) []kith.ID {
	t.Helper()
	ids := make([]kith.ID, 0, len(contacts))
	for len(contacts) > 0 {
		n := min(len(contacts), 1000)
		if _, err := s.PutContacts(ctx, contacts[:n], t0, false); err != nil {
			t.Fatal(err)
		}
		for _, c := range contacts[:n] {
			ids = append(ids, c.ID)
		}
		contacts = contacts[n:]
	}
	return ids
}

const (
	benchBatch   = 5000
	benchBatches = 10
)

// recording makes the b-th batch of a first capture.
func recording(b int, ids []kith.ID) kith.Recording {
	rec := kith.Recording{Account: "alice", Stream: "INBOX", Base: cursor(b), Next: cursor(b + 1), At: t0}
	for n := range benchBatch {
		rec.Captured = append(rec.Captured, captured(b*benchBatch+n, ids))
	}
	return rec
}

func cursor(n int) kith.Cursor {
	if n == 0 {
		return ""
	}
	return kith.Cursor(fmt.Sprint(n))
}

func cpuTime(b testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// capture records batches, and returns the processor time that it took; only
// the recording is measured.
func capture(b *testing.B, s *sqlite.Store, ids []kith.ID, again bool) (spent time.Duration) {
	for n := range benchBatches {
		b.StopTimer()
		rec := recording(n, ids)
		if again {
			rec.Base, rec.Next = cursor(benchBatches), cursor(benchBatches)
		}
		b.StartTimer()
		start := cpuTime(b)
		if _, err := s.Record(ctx, rec); err != nil {
			b.Fatal(err)
		}
		spent += cpuTime(b) - start
	}
	return spent
}

// BenchmarkRecord is a first capture; beside the time it tells the processor's
// time and what the file takes of each interaction.
func BenchmarkRecord(b *testing.B) {
	var spent time.Duration
	var size int64
	for b.Loop() {
		b.StopTimer()
		path := filepath.Join(b.TempDir(), "kith.db")
		s, err := sqlite.Open(ctx, path, sqlite.Options{})
		if err != nil {
			b.Fatal(err)
		}
		ids := put(b, s, contacts(5000))
		before := fileSize(b, path)
		b.StartTimer()
		spent += capture(b, s, ids, false)
		b.StopTimer()
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
		size = fileSize(b, path) - before
		b.StartTimer()
	}
	report(b, spent, benchBatch*benchBatches)
	b.ReportMetric(float64(size)/(benchBatch*benchBatches), "B/interaction")
}

func fileSize(b testing.TB, path string) (size int64) {
	for _, p := range []string{path, path + "-wal"} {
		if info, err := os.Stat(p); err == nil {
			size += info.Size()
		} else if !os.IsNotExist(err) {
			b.Fatal(err)
		}
	}
	return size
}

func report(b *testing.B, spent time.Duration, rows int) {
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(spent.Microseconds())/float64(rows*b.N), "cpu-µs/row")
}

// BenchmarkInsert is what Record is to be measured by: as many bare rows, with
// the same text, into a table without indexes.
func BenchmarkInsert(b *testing.B) {
	var spent time.Duration
	for b.Loop() {
		b.StopTimer()
		db := raw(b, filepath.Join(b.TempDir(), "bare.db")+"?_pragma=journal_mode(wal)&_pragma=synchronous(normal)")
		db.SetMaxOpenConns(1)
		if _, err := db.ExecContext(ctx, `CREATE TABLE bare (n INTEGER PRIMARY KEY, occurred_at INTEGER, subject TEXT, message_id TEXT, facts TEXT)`); err != nil {
			b.Fatal(err)
		}
		for n := range benchBatches {
			rec := recording(n, []kith.ID{{}})
			b.StartTimer()
			start := cpuTime(b)
			tx, err := db.BeginTx(ctx, nil)
			if err != nil {
				b.Fatal(err)
			}
			stmt, err := tx.PrepareContext(ctx, `INSERT INTO bare (occurred_at, subject, message_id, facts) VALUES (?, ?, ?, ?)`)
			if err != nil {
				b.Fatal(err)
			}
			for _, c := range rec.Captured {
				facts, err := json.Marshal(c.Participants)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := stmt.ExecContext(ctx, c.OccurredAt.UnixMicro(), c.Subject, *c.MessageID, string(facts)); err != nil {
					b.Fatal(err)
				}
			}
			if err := tx.Commit(); err != nil {
				b.Fatal(err)
			}
			spent += cpuTime(b) - start
			b.StopTimer()
		}
		b.StartTimer()
	}
	report(b, spent, benchBatch*benchBatches)
}

// BenchmarkRecordKnown reads again what is known: nothing is to be written.
func BenchmarkRecordKnown(b *testing.B) {
	s := open(b)
	ids := put(b, s, contacts(5000))
	capture(b, s, ids, false)
	var spent time.Duration
	for b.Loop() {
		spent += capture(b, s, ids, true)
	}
	report(b, spent, benchBatch*benchBatches)
}

func BenchmarkPutContacts(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		s, people := open(b), contacts(100_000)
		b.StartTimer()
		put(b, s, people)
	}
}

func BenchmarkMatchAddresses(b *testing.B) {
	s := open(b)
	put(b, s, contacts(100_000))
	addresses := make([]string, 1000)
	for i := range addresses {
		addresses[i] = fmt.Sprintf("person%d@client.test", i*977%200_000)
	}
	for b.Loop() {
		found, err := s.MatchAddresses(ctx, addresses)
		if err != nil || len(found) < 400 {
			b.Fatal(len(found), err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	path := filepath.Join(b.TempDir(), "kith.db")
	for b.Loop() {
		s, err := sqlite.Open(ctx, path, sqlite.Options{})
		if err != nil {
			b.Fatal(err)
		}
		if err := s.Close(); err != nil {
			b.Fatal(err)
		}
	}
}
