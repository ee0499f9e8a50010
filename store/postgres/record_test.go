package postgres_test

import (
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"

	"kith"
	"kith/servertest"
	"kith/store/postgres"
)

// versions tells which version every row of the register has, and who has
// locked it last, but for the row of a stream.
func versions(t *testing.T, conn *pgx.Conn) map[string]string {
	t.Helper()
	all := make(map[string]string)
	for _, table := range []string{
		"interactions", "keys", "evidence", "timeline", "message_ids", "threads", "bounces", "quarantine",
		"tombstones", "fingerprint_tombstones", "contacts", "addresses",
	} {
		var text string
		if err := conn.QueryRow(ctx, `SELECT coalesce(string_agg(concat_ws('/', ctid, xmin, xmax), ' ' ORDER BY ctid), '') FROM `+table).Scan(&text); err != nil {
			t.Fatal(err)
		}
		all[table] = text
	}
	return all
}

func connect(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(ctx) })
	return conn
}

func TestReplayWritesNothing(t *testing.T) {
	url := servertest.Postgres(t)
	s := openAt(t, url, postgres.Options{})
	conn := connect(t, url)
	ids := put(t, s, contacts(50))
	rec := kith.Recording{Account: "alice", Stream: "INBOX", Next: "1", At: t0}
	for n := range 200 {
		rec.Captured = append(rec.Captured, captured(n, ids))
	}
	if _, err := s.Record(ctx, rec); err != nil {
		t.Fatal(err)
	}
	before := versions(t, conn)
	rec.Base, rec.At = rec.Next, t0.Add(1)
	if done, err := s.Record(ctx, rec); err != nil || done.Known != 200 {
		t.Fatal(done, err)
	}
	for table, after := range versions(t, conn) {
		if after != before[table] {
			t.Errorf("%s: rows were written or locked", table)
		}
	}
}

// A deadlock that the server ends at the cost of the recording.
func TestI08DeadlockIsTriedAgain(t *testing.T) {
	url := servertest.Postgres(t)
	s := openAt(t, url, postgres.Options{})
	ids := put(t, s, contacts(2))
	first := captured(1, ids)
	if _, err := s.Record(ctx, kith.Recording{Account: "alice", Stream: "INBOX", Next: "1", At: t0, Captured: []kith.Captured{first}}); err != nil {
		t.Fatal(err)
	}
	other, watcher := connect(t, url), connect(t, url)
	exec := func(query string) {
		t.Helper()
		if _, err := other.Exec(ctx, query); err != nil {
			t.Fatal(err)
		}
	}
	exec(`BEGIN; SET LOCAL deadlock_timeout = '1h'`)
	exec(`SELECT 1 FROM interactions FOR UPDATE`)

	again := *first.Interaction
	again.Participants = append(slices.Clone(again.Participants), kith.Participant{Role: kith.RoleBcc, Address: "zoe@client.test"})
	result := make(chan error)
	go func() {
		_, err := s.Record(ctx, kith.Recording{
			Account: "alice", Stream: "INBOX", Base: "1", Next: "2", At: t0, Captured: []kith.Captured{{Ref: first.Ref, Interaction: &again}},
		})
		result <- err
	}()
	for waiting := false; !waiting; { // the recording, for the row
		if err := watcher.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_locks WHERE NOT granted)`).Scan(&waiting); err != nil {
			t.Fatal(err)
		}
	}
	exec(`UPDATE streams SET error = 'x'`) // for the stream, that the recording holds
	exec(`COMMIT`)
	if err := <-result; err != nil {
		t.Fatal(err)
	}
	got, err := s.InteractionByKey(ctx, again.Key)
	if err != nil || len(got.Participants) != len(again.Participants) {
		t.Errorf("participants %v, %v", got.Participants, err)
	}
	if status, err := s.Stream(ctx, "alice", "INBOX"); err != nil || status.Cursor != "2" || status.Recorded != 2 {
		t.Errorf("stream %+v, %v", status, err)
	}
}
