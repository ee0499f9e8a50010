package sqlite_test

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kith"
	"kith/store"
	"kith/store/sqlite"
	"kith/store/storetest"
)

var (
	ctx = context.Background()
	t0  = time.Date(2026, 11, 23, 9, 15, 0, 0, time.UTC)
)

func TestMain(m *testing.M) {
	if path := os.Getenv("KITH_TEST_CAPTURE"); path != "" {
		os.Exit(captureForever(path))
	}
	goleak.VerifyTestMain(m)
}

// TestStore runs the conformance suite, and after each of its tests looks at
// what the tables hold.
func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		path := filepath.Join(t.TempDir(), "kith.db")
		t.Cleanup(func() { // once the store is closed
			if !t.Failed() {
				checkTables(t, path)
			}
		})
		return openAt(t, path, sqlite.Options{})
	})
}

func open(t testing.TB) *sqlite.Store {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "kith.db"), sqlite.Options{})
}

func openAt(t testing.TB, path string, opts sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(ctx, path, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func raw(t testing.TB, path string) *sql.DB {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
	return db
}

// checkTables checks what holds between the tables after every transaction:
// each query finds rows that must not be.
func checkTables(t *testing.T, path string) {
	db := raw(t, path)
	var sound string
	if err := db.QueryRowContext(ctx, `PRAGMA integrity_check`).Scan(&sound); err != nil || sound != "ok" {
		t.Errorf("integrity: %s, %v", sound, err)
	}
	for what, query := range map[string]string{
		"keys of no interaction, or not of that":   `SELECT 1 FROM keys k LEFT JOIN interactions i ON i.n = k.interaction WHERE i.n IS NULL OR instr(i.keys, k.key) % 16 <> 1`,
		"interactions whose keys do not find them": `SELECT 1 FROM interactions i LEFT JOIN (SELECT interaction, count(*) AS found FROM keys GROUP BY interaction) k ON k.interaction = i.n WHERE length(i.keys) / 16 IS NOT k.found`,
		"keys that were erased and are there":      `SELECT 1 FROM keys JOIN tombstones USING (key)`,
		"evidence of nothing":                      `SELECT 1 FROM evidence WHERE interaction NOT IN (SELECT n FROM interactions) OR stream NOT IN (SELECT n FROM streams)`,
		"a timeline without a link":                `SELECT 1 FROM timeline l WHERE NOT EXISTS (SELECT 1 FROM interactions i, json_each(i.facts, '$.links') j WHERE i.n = l.interaction AND i.occurred_at = l.occurred_at AND j.value ->> '$.c' = l.contact)`,
		"a link without a timeline":                `SELECT 1 FROM interactions i, json_each(i.facts, '$.links') j WHERE NOT EXISTS (SELECT 1 FROM timeline WHERE contact = j.value ->> '$.c' AND occurred_at = i.occurred_at AND interaction = i.n)`,
		"links to nobody":                          `SELECT 1 FROM timeline WHERE contact NOT IN (SELECT n FROM contacts)`,
		"threads that there are not":               `SELECT 1 FROM interactions WHERE thread NOT IN (SELECT n FROM threads) UNION ALL SELECT 1 FROM message_ids WHERE thread NOT IN (SELECT n FROM threads)`,
		"threads that point further than one step": `SELECT 1 FROM threads t JOIN threads p ON p.n = t.parent WHERE p.parent IS NOT NULL`,
		"threads miscounted":                       `SELECT 1 FROM threads t WHERE parent IS NULL AND merged <> (SELECT count(*) FROM threads WHERE parent = t.n)`,
		"a root outside its thread":                `SELECT 1 FROM threads t WHERE parent IS NULL AND NOT EXISTS (SELECT 1 FROM message_ids m JOIN threads x ON x.n = m.thread WHERE m.hash = t.root AND coalesce(x.parent, x.n) = t.n)`,
		"addresses unlike the contacts'":           `SELECT 1 FROM addresses a WHERE NOT EXISTS (SELECT 1 FROM contacts c WHERE c.n = a.contact AND (EXISTS (SELECT 1 FROM json_each(c.facts, '$.emails') WHERE value = CASE instr(a.address, '@') WHEN 0 THEN a.address ELSE substr(a.address, instr(a.address, '@') + 1) || '@' || substr(a.address, 1, instr(a.address, '@') - 1) END) OR EXISTS (SELECT 1 FROM json_each(c.facts, '$.phones') WHERE value = a.address)))`,
		"contacts not found by an address":         `SELECT 1 FROM contacts c, json_each(c.facts, '$.emails') j WHERE NOT EXISTS (SELECT 1 FROM addresses a WHERE a.contact = c.n AND CASE instr(a.address, '@') WHEN 0 THEN a.address ELSE substr(a.address, instr(a.address, '@') + 1) || '@' || substr(a.address, 1, instr(a.address, '@') - 1) END = j.value)`,
		"broken references":                        `SELECT 1 FROM pragma_foreign_key_check`,
	} {
		var n int
		if err := db.QueryRowContext(ctx, `SELECT count(*) FROM (`+query+`)`).Scan(&n); err != nil || n > 0 {
			t.Errorf("%s: %d, %v", what, n, err)
		}
	}
}

func TestFileIsForItsOwner(t *testing.T) {
	path := filepath.Join(t.TempDir(), `odd name ?#%41&ü.db`)
	s := openAt(t, path, sqlite.Options{})
	if _, err := s.Record(ctx, kith.Recording{Account: "a", Stream: "s", Next: "1", At: t0}); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", file, info.Mode())
		}
	}
	again := openAt(t, path, sqlite.Options{})
	if st, err := again.Stream(ctx, "a", "s"); err != nil || st.Cursor != "1" {
		t.Errorf("a second handle reads cursor %q, %v", st.Cursor, err)
	}
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kith.db")
	if _, err := sqlite.Open(ctx, path, sqlite.Options{ReadOnly: true}); err == nil {
		t.Error("a file that is not there was opened")
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("it was made")
	}
	s := openAt(t, path, sqlite.Options{})
	if _, err := s.PutContacts(ctx, []kith.Contact{{Name: "Ann"}}, t0, false); err != nil {
		t.Fatal(err)
	}
	r := openAt(t, path, sqlite.Options{ReadOnly: true})
	if found, err := r.FindContacts(ctx, "ann"); err != nil || len(found) != 1 {
		t.Errorf("FindContacts = %v, %v", found, err)
	}
	_, err := r.PutContacts(ctx, []kith.Contact{{Name: "Bob"}}, t0, false)
	says(t, "I08 read-only", err, "put contacts", path, "can't be written to")
	says(t, "I08 read-only", r.Ping(ctx), "ping", "can't be written to")
}

func TestReplayWritesNothing(t *testing.T) {
	s := open(t)
	ids := put(t, s, contacts(50))
	rec := kith.Recording{Account: "alice", Stream: "INBOX", Next: "1", At: t0}
	for n := range 200 {
		rec.Captured = append(rec.Captured, captured(n, ids))
	}
	if _, err := s.Record(ctx, rec); err != nil {
		t.Fatal(err)
	}
	before, err := s.TotalChanges(ctx)
	if err != nil {
		t.Fatal(err)
	}
	rec.Base, rec.At = rec.Next, t0.Add(time.Hour)
	if done, err := s.Record(ctx, rec); err != nil || done.Known != 200 {
		t.Fatal(done, err)
	}
	if after, err := s.TotalChanges(ctx); err != nil || after-before != 1 {
		t.Errorf("%d rows were written, %v; want that of the stream", after-before, err)
	}
}

func TestErrors(t *testing.T) {
	t.Run("I08 disk full", func(t *testing.T) {
		s := open(t)
		if err := s.Exec(ctx, `PRAGMA max_page_count = 60`); err != nil {
			t.Fatal(err)
		}
		var rec kith.Recording
		for n := range 2000 {
			rec.Captured = append(rec.Captured, kith.Captured{Ref: string(rune('a' + n)), Interaction: &kith.Interaction{Key: key(n), OccurredAt: t0, Subject: strings.Repeat("x", 500)}})
		}
		rec.Account, rec.Stream, rec.Next, rec.At = "a", "s", "1", t0
		_, err := s.Record(ctx, rec)
		says(t, "Record", err, "record stream a/s", "the disk is full: make room")
		if n, err := s.CountInteractions(ctx, store.Filter{}); err != nil || n != 0 {
			t.Errorf("%d interactions, %v", n, err)
		}
		if err := s.Exec(ctx, `PRAGMA max_page_count = 100000`); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Record(ctx, rec); err != nil {
			t.Errorf("once there is room: %v", err)
		}
	})
	t.Run("I08 busy", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "kith.db")
		s, other := openAt(t, path, sqlite.Options{}), raw(t, path)
		other.SetMaxOpenConns(1)
		if _, err := other.ExecContext(ctx, `BEGIN IMMEDIATE`); err != nil {
			t.Fatal(err)
		}
		if err := s.Exec(ctx, `PRAGMA busy_timeout = 1`); err != nil {
			t.Fatal(err)
		}
		says(t, "Ping", s.Ping(ctx), "another program has been writing", path)
		if _, err := s.CountInteractions(ctx, store.Filter{}); err != nil {
			t.Errorf("readers wait too: %v", err)
		}
		if _, err := other.ExecContext(ctx, `COMMIT`); err != nil {
			t.Fatal(err)
		}
		if err := s.Ping(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Run("no database", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "kith.db")
		if err := os.WriteFile(path, []byte(strings.Repeat("no database at all\n", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := sqlite.Open(ctx, path, sqlite.Options{})
		says(t, "Open", err, path, "no SQLite database")
	})
	t.Run("no folder", func(t *testing.T) {
		_, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "none", "kith.db"), sqlite.Options{})
		says(t, "Open", err, "open database", "none")
	})
	t.Run("closed", func(t *testing.T) {
		s := open(t)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		says(t, "Ping", s.Ping(ctx), "closed")
		if _, err := s.CountInteractions(ctx, store.Filter{}); err == nil {
			t.Error("a closed database answers")
		}
	})
}

// says checks that an error names what it has to.
func says(t *testing.T, what string, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %q does not say %q", what, err, part)
		}
	}
}

// What is listed page by page must not be sorted as a whole for each page, and
// what is looked up must not be searched for.
func TestPlans(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kith.db")
	openAt(t, path, sqlite.Options{})
	db := raw(t, path)
	for _, tt := range []struct {
		what, query string
	}{
		{"the next page", `SELECT i.n FROM interactions i WHERE (i.occurred_at, i.n) < (1, 2) ORDER BY i.occurred_at DESC, i.n DESC LIMIT 3`},
		{"a contact's next page", `SELECT i.n FROM timeline l CROSS JOIN interactions i ON i.n = l.interaction WHERE l.contact = 1 AND i.kind = 'x'
			AND (l.occurred_at, l.interaction) < (1, 2) ORDER BY l.occurred_at DESC, l.interaction DESC LIMIT 3`},
		{"the next contacts", `SELECT c.n FROM contacts c LEFT JOIN contacts k ON k.n = c.company WHERE (c.folded, c.n) > ('a', 1) ORDER BY c.folded, c.n LIMIT 3`},
		{"the labels of a thread", `SELECT x.n FROM message_ids m JOIN threads y ON y.n = m.thread
			JOIN threads x ON x.n = coalesce(y.parent, y.n) OR x.parent = coalesce(y.parent, y.n) WHERE m.hash = 1`},
		{"live refs", `SELECT ref FROM evidence WHERE stream = 1 AND ref > 'x' AND gone = 0 ORDER BY ref LIMIT 3`},
	} {
		for _, step := range plan(t, db, tt.query) {
			if strings.Contains(step, "TEMP B-TREE") || strings.HasPrefix(step, "SCAN") && !strings.Contains(step, "USING") {
				t.Errorf("%s: %s", tt.what, step)
			}
		}
	}
}

// B07: whose domain it is, is looked up in an index, however many contacts there are.
func TestDomainsAreIndexed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kith.db")
	openAt(t, path, sqlite.Options{})
	steps := plan(t, raw(t, path), strings.ReplaceAll(sqlite.MatchDomainsQuery, "?", "'[]'"))
	if !slices.ContainsFunc(steps, func(step string) bool {
		return strings.HasPrefix(step, "SEARCH a USING PRIMARY KEY (address>? AND address<?)")
	}) {
		t.Errorf("B07 the plan is %q", steps)
	}
}

// B19: contacts are found by their addresses in an index, however many there are.
func TestMatchingIsIndexed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kith.db")
	openAt(t, path, sqlite.Options{})
	steps := plan(t, raw(t, path), strings.ReplaceAll(sqlite.MatchAddressesQuery, "?", "'[]'"))
	if !slices.ContainsFunc(steps, func(step string) bool { return strings.HasPrefix(step, "SEARCH a USING PRIMARY KEY (address=?") }) {
		t.Errorf("B19 the plan is %q", steps)
	}
	for _, step := range steps {
		if strings.HasPrefix(step, "SCAN") && !strings.Contains(step, "json_each") && !strings.Contains(step, "SCAN j") {
			t.Errorf("B19 %s", step)
		}
	}
}

func plan(t *testing.T, db *sql.DB, query string) (steps []string) {
	t.Helper()
	rows, err := db.QueryContext(ctx, `EXPLAIN QUERY PLAN `+query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, parent, unused int
		var step string
		if err := rows.Scan(&id, &parent, &unused, &step); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return steps
}
