package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"kith/servertest"
	"kith/store/postgres"
)

func TestMigrate(t *testing.T) {
	once := func(t *testing.T, at string) {
		t.Helper()
		var n int
		err := raw(t, at).QueryRow(ctx, `SELECT count(*) - count(DISTINCT version_id) FROM goose_db_version`).Scan(&n)
		if err != nil || n != 0 {
			t.Errorf("%d migrations ran twice, %v", n, err)
		}
	}
	openAll := func(t *testing.T, at string) {
		t.Helper()
		var wg sync.WaitGroup
		for range 10 {
			wg.Go(func() {
				s, err := postgres.Open(ctx, at, postgres.Options{})
				if err != nil {
					t.Error(err)
					return
				}
				if have, want, err := s.Schema(ctx); err != nil || have != want {
					t.Errorf("schema %d of %d, %v", have, want, err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
	}
	t.Run("I21 ten programs open a new database at once", func(t *testing.T) {
		at := servertest.Postgres(t)
		openAll(t, at)
		once(t, at)
	})
	for _, size := range []int{1, 3} {
		t.Run(fmt.Sprintf("I21 I23 the same by way of a pooler with connections: %d", size), func(t *testing.T) {
			at := servertest.Postgres(t)
			openAll(t, servertest.PgBouncer(t, at, size).Through(t, at))
			once(t, at)
		})
	}
	t.Run("I21 a newer schema is refused", func(t *testing.T) {
		at := register(t)
		if _, err := raw(t, at).Exec(ctx, `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, true)`); err != nil {
			t.Fatal(err)
		}
		for _, opts := range []postgres.Options{{}, {ReadOnly: true}, {KeepSchema: true}} {
			_, err := postgres.Open(ctx, at, opts)
			says(t, "Open", err, "database test", "schema version 9999", "newer program")
		}
	})
	t.Run("an older schema can be kept, then migrated", func(t *testing.T) {
		s := openAt(t, servertest.Postgres(t), postgres.Options{KeepSchema: true})
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
	t.Run("a user who may not make tables", func(t *testing.T) {
		at := servertest.Postgres(t)
		if _, err := raw(t, at).Exec(ctx, `CREATE ROLE guest LOGIN`); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if _, err := raw(t, at).Exec(ctx, `DROP ROLE guest`); err != nil {
				t.Error(err)
			}
		})
		_, err := postgres.Open(ctx, strings.Replace(at, "postgres@", "guest@", 1), postgres.Options{})
		says(t, "Open", err, "migrate database test", "make it the owner of the database")
	})
	t.Run("a context that is done migrates nothing", func(t *testing.T) {
		at := servertest.Postgres(t)
		done, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := postgres.Open(done, at, postgres.Options{}); !errors.Is(err, context.Canceled) {
			t.Errorf("Open: %v", err)
		}
		s := openAt(t, at, postgres.Options{KeepSchema: true})
		if have, _, err := s.Schema(ctx); err != nil || have != 0 {
			t.Errorf("schema %d, %v", have, err)
		}
	})
	t.Run("migrations are numbered one by one, wait for each other, and go forward only", func(t *testing.T) {
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
			first := fmt.Sprintf("SET LOCAL statement_timeout = 0; SELECT pg_advisory_xact_lock(%d);", postgres.LockSchema)
			if !strings.HasPrefix(statements(string(text)), first) {
				t.Errorf("%s does not begin with %s", file, first)
			}
		}
	})
}

// statements is a migration in one line, without its comments.
func statements(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "--")
		b.WriteString(line + " ")
	}
	return strings.Join(strings.Fields(b.String()), " ")
}
