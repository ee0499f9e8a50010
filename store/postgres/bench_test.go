package postgres_test

import (
	"crypto/sha256"
	"fmt"
	"reflect"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"kith"
	"kith/servertest"
	"kith/store/postgres"
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
			{Role: kith.RoleTo, Address: "alice@example.test", Name: "Alice Example"},
			{Role: kith.RoleCc, Address: "bob@example.test", Name: "Bob Example"},
		},
		Links: []kith.Link{{
			ContactID: contacts[contact], Role: kith.RoleFrom, Matched: fmt.Sprintf("person%d@client.test", contact), Rule: kith.LinkByEmail,
		}},
	}
	if n%2 == 0 {
		i.ThreadRefs = []string{id(n + 101), id(n + 11)}
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
			Name:   fmt.Sprintf("Person Number %d", i),
			Emails: []string{fmt.Sprintf("person%d@client.test", i)},
		}
	}
	return contacts
}

func put(t testing.TB, s *postgres.Store, contacts []kith.Contact) []kith.ID {
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
	benchBatch   = 1000
	benchBatches = 20
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

func cpuTime(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// spent is the time and the processor time that some calls took, of this
// process: the server's is not in it.
type spent struct{ wall, cpu time.Duration }

func (s *spent) measure(b *testing.B, fn func()) {
	b.StartTimer()
	start, cpu := time.Now(), cpuTime(b)
	fn()
	s.wall, s.cpu = s.wall+time.Since(start), s.cpu+cpuTime(b)-cpu
	b.StopTimer()
}

func (s *spent) report(b *testing.B) {
	rows := float64(b.N * benchBatch * benchBatches)
	b.ReportMetric(rows/s.wall.Seconds(), "rows/s")
	b.ReportMetric(float64(s.cpu.Microseconds())/rows, "cpu-µs/row")
}

// BenchmarkRecord is a first capture beside what it is to be measured by: bare
// rows with the same values, in batches of the same size, put by INSERT …
// SELECT … unnest … ON CONFLICT into tables with the same indexes. "ratio" is the
// speed of the one divided by that of the other.
func BenchmarkRecord(b *testing.B) {
	var record, all, one spent
	for range b.N {
		b.StopTimer()
		url := servertest.Postgres(b)
		s := openAt(b, url, postgres.Options{})
		ids := put(b, s, contacts(5000))
		for n := range benchBatches {
			rec := recording(n, ids)
			record.measure(b, func() {
				if _, err := s.Record(ctx, rec); err != nil {
					b.Fatal(err)
				}
			})
		}
		b.StartTimer()
		b.StopTimer()
		all.add(bare(b, url, true))
		one.add(bare(b, url, false))
	}
	record.report(b)
	b.ReportMetric(all.wall.Seconds()/record.wall.Seconds(), "ratio")
	b.ReportMetric(one.wall.Seconds()/record.wall.Seconds(), "ratio-one-table")
}

func (s *spent) add(t spent) { s.wall, s.cpu = s.wall+t.wall, s.cpu+t.cpu }

// bare copies what was recorded into empty tables of the same form: only
// interactions, or whatever a recording writes.
func bare(b *testing.B, url string, all bool) (t spent) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(ctx)
	tables := []string{"interactions"}
	if all {
		tables = append(tables, "keys", "evidence", "timeline", "message_ids", "threads")
	}
	var inserts []string
	var values [][][]any // by table and batch: the columns as arrays
	for _, table := range tables {
		if _, err := conn.Exec(ctx, `DROP TABLE IF EXISTS bare_`+table+`; CREATE TABLE bare_`+table+` (LIKE `+table+` INCLUDING ALL)`); err != nil {
			b.Fatal(err)
		}
		insert, batches := columns(b, conn, table)
		inserts, values = append(inserts, insert), append(values, batches)
	}
	for n := range benchBatches {
		t.measure(b, func() {
			err := pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
				for at := range tables {
					if _, err := tx.Exec(ctx, inserts[at], values[at][n]...); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
		})
	}
	b.StartTimer()
	return t
}

// columns reads a table into arrays, and makes the statement that writes them.
func columns(b *testing.B, conn *pgx.Conn, table string) (insert string, batches [][]any) {
	var names, params string
	rows, err := conn.Query(ctx, `SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 ORDER BY attnum`, table)
	if err != nil {
		b.Fatal(err)
	}
	var kinds []string
	var name, kind string
	_, err = pgx.ForEachRow(rows, []any{&name, &kind}, func() error {
		if kinds = append(kinds, kind); len(kinds) > 1 {
			names, params = names+", ", params+", "
		}
		names, params = names+name, params+fmt.Sprintf("$%d::%s[]", len(kinds), kind)
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	var count int
	if err := conn.QueryRow(ctx, `SELECT count(*) FROM `+table).Scan(&count); err != nil {
		b.Fatal(err)
	}
	rows, err = conn.Query(ctx, `SELECT `+names+` FROM `+table)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for at := 0; rows.Next(); at++ {
		if at*benchBatches/count == len(batches) {
			batches = append(batches, arrays(b, kinds))
		}
		batch := batches[len(batches)-1]
		row := make([]any, len(kinds))
		for i := range row {
			row[i] = reflect.New(reflect.TypeOf(batch[i]).Elem()).Interface()
		}
		if err := rows.Scan(row...); err != nil {
			b.Fatal(err)
		}
		for i := range row {
			batch[i] = reflect.Append(reflect.ValueOf(batch[i]), reflect.ValueOf(row[i]).Elem()).Interface()
		}
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return `INSERT INTO bare_` + table + ` (` + names + `) SELECT * FROM unnest(` + params + `) ON CONFLICT DO NOTHING`, batches
}

// BenchmarkRecordKnown reads again what is known: nothing is to be written.
func BenchmarkRecordKnown(b *testing.B) {
	s := open(b)
	ids := put(b, s, contacts(5000))
	for n := range benchBatches {
		if _, err := s.Record(ctx, recording(n, ids)); err != nil {
			b.Fatal(err)
		}
	}
	var known spent
	for range b.N {
		for n := range benchBatches {
			b.StopTimer()
			rec := recording(n, ids)
			rec.Base, rec.Next = cursor(benchBatches), cursor(benchBatches)
			known.measure(b, func() {
				if _, err := s.Record(ctx, rec); err != nil {
					b.Fatal(err)
				}
			})
		}
		b.StartTimer()
	}
	known.report(b)
}

// arrays are empty columns of some types.
func arrays(b *testing.B, kinds []string) []any {
	columns := make([]any, len(kinds))
	for i, kind := range kinds {
		switch kind {
		case "uuid":
			columns[i] = []pgtype.UUID{}
		case "timestamp with time zone":
			columns[i] = []pgtype.Timestamptz{}
		case "bigint":
			columns[i] = []pgtype.Int8{}
		case "integer":
			columns[i] = []pgtype.Int4{}
		case "boolean":
			columns[i] = []bool{}
		case "bytea":
			columns[i] = [][]byte{}
		case "text":
			columns[i] = []pgtype.Text{}
		case "json":
			columns[i] = []string{}
		default:
			b.Fatalf("a column of type %s", kind)
		}
	}
	return columns
}
