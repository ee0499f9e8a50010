package sqlite_test

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kith"
	"kith/store"
	"kith/store/sqlite"
)

//go:embed testdata/version1.sql
var version1 string

// TestUpgrade opens a database of the first version. Never change its data:
// people have such databases.
func TestUpgrade(t *testing.T) {
	t.Run("I21 from version 1, with data", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "kith.db")
		if _, err := raw(t, path).ExecContext(ctx, version1); err != nil {
			t.Fatal(err)
		}
		s := openAt(t, path, sqlite.Options{})
		if have, want, err := s.Schema(ctx); err != nil || have != want {
			t.Fatalf("schema %d of %d, %v", have, want, err)
		}
		defer checkTables(t, path)

		first, err := s.InteractionByKey(ctx, key("rewritten"))
		if err != nil {
			t.Fatal(err)
		}
		if first.Key != key("1") || first.Subject != "Offer 4711" || first.Links[0].ContactName != "Ann Doe" || first.Links[0].CompanyID == nil ||
			len(first.Participants) != 2 || first.Attachments[0].Size != 48123 || first.Flags[0] != "date_source=internal" || first.Evidence[0].Gone == first.Evidence[1].Gone {
			t.Errorf("interaction 1: %+v", first)
		}
		if _, zone := first.OccurredAt.Zone(); zone != 3600 || !first.OccurredAt.Equal(t0) {
			t.Errorf("it occurred at %v", first.OccurredAt)
		}
		if n, err := s.CountInteractions(ctx, store.Filter{Thread: first.Thread}); err != nil || n != 4 {
			t.Errorf("its thread has %d, %v; want 4", n, err)
		}
		if second, err := s.InteractionByRef(ctx, "alice", "Sent", "7:2"); err != nil || second.DeliveryStatus != kith.DeliveryBounced || second.DeliveryReason != "no such user" {
			t.Errorf("interaction 2: %s, %v", second.DeliveryStatus, err)
		}
		later := "<later@client.test>"
		done, err := s.Record(ctx, kith.Recording{Account: "alice", Stream: "Sent", Base: "1", Next: "2", At: t0, Captured: []kith.Captured{
			{Ref: "7:3", Interaction: &kith.Interaction{Key: key("erased"), OccurredAt: t0}},
			{Ref: "7:1", Interaction: &kith.Interaction{Key: key("1"), OccurredAt: t0}},
			{Ref: "7:5", Interaction: &kith.Interaction{Key: key("5"), OccurredAt: t0, Direction: kith.Outbound, MessageID: &later}},
		}})
		if err != nil || done != (kith.Recorded{New: 1, Known: 1, Erased: 1}) {
			t.Errorf("Record = %+v, %v", done, err)
		}
		if bounced, err := s.InteractionByKey(ctx, key("5")); err != nil || bounced.DeliveryStatus != kith.DeliveryBounced {
			t.Errorf("a report that came before: %s, %v", bounced.DeliveryStatus, err)
		}

		matches, err := s.MatchAddresses(ctx, []string{"ann@home.test", "bob@client.test", "+3225551234"})
		if err != nil || len(matches) != 3 || !matches["bob@client.test"][0].NeverRecord || matches["ann@home.test"][0].ContactID != first.Links[0].ContactID {
			t.Errorf("MatchAddresses = %+v, %v", matches, err)
		}
		if items, err := s.DueQuarantine(ctx, "alice", t0.Add(time.Hour), 9); err != nil || len(items) != 1 || items[0].Cause != "bad header" {
			t.Errorf("DueQuarantine = %+v, %v", items, err)
		}
		if a, err := s.Account(ctx, "alice"); err != nil || a.State != kith.StateFailing || a.Attempts != 2 || a.Settings != "digest" {
			t.Errorf("Account = %+v, %v", a, err)
		}
		if st, err := s.Stream(ctx, "alice", "Sent"); err != nil || st.Skipped[kith.ReasonBulk] != 7 || st.Backfilled != 0.5 {
			t.Errorf("Stream = %+v, %v", st, err)
		}
	})
}

func TestMigrate(t *testing.T) {
	t.Run("I21 ten handles open a new file at once", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "kith.db")
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				s, err := sqlite.Open(ctx, path, sqlite.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		var n int
		if err := raw(t, path).QueryRowContext(ctx, `SELECT count(*) - count(DISTINCT version_id) FROM goose_db_version`).Scan(&n); err != nil || n != 0 {
			t.Errorf("%d migrations ran twice, %v", n, err)
		}
	})
	t.Run("I21 a newer schema is refused", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "kith.db")
		openAt(t, path, sqlite.Options{})
		if _, err := raw(t, path).ExecContext(ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, 1)`); err != nil {
			t.Fatal(err)
		}
		for _, opts := range []sqlite.Options{{}, {ReadOnly: true}, {KeepSchema: true}} {
			_, err := sqlite.Open(ctx, path, opts)
			says(t, "Open", err, path, "schema version 9999", "newer program")
		}
	})
	t.Run("an older schema can be kept, then migrated", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "kith.db")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := sqlite.Open(ctx, path, sqlite.Options{ReadOnly: true})
		says(t, "Open", err, path, "kith migrate")

		s := openAt(t, path, sqlite.Options{KeepSchema: true})
		have, want, err := s.Schema(ctx)
		if err != nil || have != 0 || want < 1 {
			t.Errorf("schema %d of %d, %v", have, want, err)
		}
		for range 2 {
			if err := s.Migrate(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if have, _, err := s.Schema(ctx); err != nil || have != want {
			t.Errorf("schema %d of %d, %v", have, want, err)
		}
		if err := s.Ping(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Run("a context that is done migrates nothing", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "kith.db")
		done, cancel := context.WithCancel(ctx)
		cancel()
		_, err := sqlite.Open(done, path, sqlite.Options{})
		if !errors.Is(err, done.Err()) {
			t.Errorf("Open: %v", err)
		}
		s := openAt(t, path, sqlite.Options{KeepSchema: true})
		if have, _, err := s.Schema(ctx); err != nil || have != 0 {
			t.Errorf("schema %d, %v", have, err)
		}
	})
	t.Run("migrations are numbered one by one and go forward only", func(t *testing.T) {
		files, err := filepath.Glob("migrations/*")
		if err != nil || !slices.IsSorted(files) {
			t.Fatal(files, err)
		}
		for i, file := range files {
			if !strings.HasPrefix(filepath.Base(file), fmt.Sprintf("%04d_", i+1)) {
				t.Errorf("%s is number %d", file, i+1)
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(text), "goose Down") || strings.Contains(string(text), "NO TRANSACTION") {
				t.Errorf("%s goes back, or is not one transaction", file)
			}
		}
	})
}
