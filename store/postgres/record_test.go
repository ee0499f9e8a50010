package postgres_test

import (
	"context"
	"fmt"
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

// What is on file as it was captured is not looked at again. That must not hide what
// somebody has taken away meanwhile.
func TestReplayOfWhatWasRevised(t *testing.T) {
	unlink := func(_ context.Context, all []kith.Interaction) ([]kith.Revision, error) {
		decided := make([]kith.Revision, len(all))
		for n := range all {
			all[n].Links = nil
			decided[n].Now = &all[n]
		}
		return decided, nil
	}
	s := open(t)
	ids := put(t, s, contacts(2))
	one, two := captured(1, ids), captured(2, ids)
	rec := kith.Recording{Account: "alice", Stream: "INBOX", At: t0, Captured: []kith.Captured{one, two}}
	for n, revise := range []bool{true, false, true} {
		if _, err := s.Record(ctx, rec); err != nil {
			t.Fatal(err)
		}
		got, err := s.InteractionByKey(ctx, one.Key)
		if err != nil || len(got.Links) != 1 {
			t.Fatalf("recorded %d times: links %v, %v", n+1, got.Links, err)
		}
		if !revise {
			continue
		}
		if done, err := s.Revise(ctx, []kith.ID{got.ID}, unlink, t0); err != nil || done.Changed != 1 {
			t.Fatal(done, err)
		}
	}
}

// Tables that have grown since they were analyzed must not be read as a whole.
func TestRecordFindsByIndex(t *testing.T) {
	url := servertest.Postgres(t)
	conn := connect(t, url)
	// Sessions report when they end.
	scans := func() (n, rows int) {
		t.Helper()
		for busy := true; busy; {
			if err := conn.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_stat_activity
				WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid())`).Scan(&busy); err != nil {
				t.Fatal(err)
			}
		}
		err := conn.QueryRow(ctx, `SELECT sum(seq_scan), sum(seq_tup_read) FROM pg_stat_user_tables
			WHERE relname IN ('contacts', 'addresses', 'interactions', 'keys', 'evidence', 'timeline', 'message_ids', 'threads')`).Scan(&n, &rows)
		if err != nil {
			t.Fatal(err)
		}
		return n, rows
	}
	with := func(fn func(s *postgres.Store)) {
		t.Helper()
		s, err := postgres.Open(ctx, url, postgres.Options{})
		if err != nil {
			t.Fatal(err)
		}
		fn(s)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	var ids []kith.ID
	with(func(s *postgres.Store) { ids = put(t, s, contacts(3000)) })
	before, rowsBefore := scans()
	with(func(s *postgres.Store) {
		for n := range 3 {
			if _, err := s.Record(ctx, recording(n, ids)); err != nil {
				t.Fatal(err)
			}
		}
		again := recording(0, ids)
		again.Stream, again.Base = "Archive", ""
		if done, err := s.Record(ctx, again); err != nil || done.Known != benchBatch {
			t.Fatal(done, err)
		}
		addresses := make([]string, 100)
		for n := range addresses {
			addresses[n] = fmt.Sprintf("person%d@client.test", n)
		}
		if found, err := s.MatchAddresses(ctx, addresses); err != nil || len(found) != len(addresses) {
			t.Fatal(len(found), err)
		}
		if _, err := s.MatchDomains(ctx, []string{"client.test"}); err != nil {
			t.Fatal(err)
		}
	})
	if after, rowsAfter := scans(); after != before {
		t.Errorf("%d scans of whole tables read %d rows", after-before, rowsAfter-rowsBefore)
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
