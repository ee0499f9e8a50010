package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Schema returns the version of the database's schema, 0 when there is none,
// and the newest this program knows.
func (s *Store) Schema(ctx context.Context) (have, want int64, err error) {
	want, err = newest()
	if err != nil {
		return 0, 0, err
	}
	have, err = s.schemaVersion(ctx)
	return have, want, err
}

// Migrate brings the schema up to date. A database that a newer program has
// migrated is refused. Programs that start at once may all call it: one of
// them migrates, the others wait.
func (s *Store) Migrate(ctx context.Context) error {
	want, err := newest()
	if err != nil {
		return err
	}
	have, err := s.schemaVersion(ctx)
	if err != nil {
		return err
	}
	for attempt := 0; have < want; {
		// Each migration is one transaction that takes lockSchema first, and its
		// version can be noted only once: of two programs the second waits,
		// fails, and finds the work done. No lock outlives its transaction,
		// because behind a pooler there is no session to hold it.
		failure := s.migrate(ctx)
		before := have
		if have, err = s.schemaVersion(ctx); err != nil {
			return errors.Join(failure, err)
		}
		switch {
		case failure == nil && have > before:
			level := slog.LevelInfo
			if before == 0 {
				level = slog.LevelDebug // it is new
			}
			s.log.Log(ctx, level, "database migrated", "database", s.primary.name, "from", before, "to", have)
		case have == before:
			// Goose makes its own table without a lock: two may meet there.
			if attempt == maxRetries || !duplicate(failure) || !pause(ctx, attempt) {
				return failure
			}
			attempt++
		}
	}
	if have > want {
		return s.newer(have, want)
	}
	return nil
}

func (s *Store) prepareSchema(ctx context.Context, opts Options) error {
	if !opts.ReadOnly && !opts.KeepSchema {
		return s.Migrate(ctx)
	}
	have, want, err := s.Schema(ctx)
	switch {
	case err != nil:
		return err
	case have > want:
		return s.newer(have, want)
	case have < want && !opts.KeepSchema:
		return fmt.Errorf("%s has schema version %d, this program needs %d: run kith migrate", s.primary.name, have, want)
	}
	return nil
}

func (s *Store) newer(have, want int64) error {
	return fmt.Errorf("%s has schema version %d, this program knows versions up to %d: use the newer program that migrated it, or restore a backup", s.primary.name, have, want)
}

func (s *Store) migrate(ctx context.Context) error {
	what := "migrate " + s.primary.name
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	db := stdlib.OpenDBFromPool(s.primary.pool)
	defer db.Close() //nolint:errcheck // the connections stay
	provider, err := goose.NewProvider(goose.DialectPostgres, db, dir, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return s.primary.fail(ctx, what, err)
	}
	return nil
}

// schemaVersion asks for the schema's version without goose, which takes long to get going.
func (s *Store) schemaVersion(ctx context.Context) (have int64, err error) {
	what := "read the schema version of " + s.primary.name
	var made bool
	if err := s.primary.pool.QueryRow(ctx, `SELECT to_regclass('goose_db_version') IS NOT NULL`).Scan(&made); err != nil || !made {
		return 0, s.primary.fail(ctx, what, err)
	}
	if err := s.primary.pool.QueryRow(ctx, `SELECT coalesce(max(version_id), 0) FROM goose_db_version`).Scan(&have); err != nil {
		return 0, s.primary.fail(ctx, what, err)
	}
	return have, nil
}

// newest is the number of the last migration.
func newest() (int64, error) {
	files, err := migrations.ReadDir("migrations")
	if err != nil {
		return 0, err
	}
	number, _, _ := strings.Cut(files[len(files)-1].Name(), "_")
	return strconv.ParseInt(number, 10, 64)
}
