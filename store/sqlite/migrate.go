package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
)

//go:embed migrations/*.sql
var migrations embed.FS

// noSchema is the version of a database in which nothing was made.
const noSchema = -1

// Schema returns the version of the database's schema, 0 when there is none,
// and the newest this program knows.
func (s *Store) Schema(ctx context.Context) (have, want int64, err error) {
	want, err = newest()
	if err != nil {
		return 0, 0, err
	}
	have, err = s.version(ctx)
	return max(have, 0), want, err
}

// Migrate brings the schema up to date. A database that a newer program has
// migrated is refused. Programs that start at once may all call it: one of
// them migrates.
func (s *Store) Migrate(ctx context.Context) error {
	want, err := newest()
	if err != nil {
		return err
	}
	have, err := s.version(ctx)
	if err != nil {
		return err
	}
	for have < want {
		// Each migration is one transaction that takes the write lock first,
		// and its version can be noted only once: of two programs the second
		// waits, fails, and finds the work done.
		failure := s.migrate(ctx)
		before := have
		if have, err = s.version(ctx); err != nil {
			return errors.Join(failure, err)
		}
		if failure != nil && have == before {
			return failure
		}
		if failure == nil && have > before {
			level := slog.LevelInfo
			if before <= 0 {
				level = slog.LevelDebug // it is new
			}
			s.log.Log(ctx, level, "database migrated", "path", s.path, "from", max(before, 0), "to", have)
		}
	}
	if have > want {
		return s.newer(have, want)
	}
	return nil
}

func (s *Store) newer(have, want int64) error {
	return fmt.Errorf("database %s has schema version %d, this program knows versions up to %d: use the newer program that migrated it, or restore a backup", s.path, have, want)
}

func (s *Store) migrate(ctx context.Context) error {
	dir, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, s.writer, dir, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("migrate %s: %w", s.path, err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return s.fail(ctx, "migrate "+s.path, err)
	}
	return nil
}

// version asks for the schema's version without goose, which takes long to get going.
func (s *Store) version(ctx context.Context) (int64, error) {
	var made bool
	err := s.writer.QueryRowContext(ctx, `SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'goose_db_version')`).Scan(&made)
	if err != nil {
		return 0, s.fail(ctx, "read the schema version of "+s.path, err)
	}
	if !made {
		return noSchema, nil
	}
	var have sql.NullInt64
	if err := s.writer.QueryRowContext(ctx, `SELECT max(version_id) FROM goose_db_version`).Scan(&have); err != nil {
		return 0, s.fail(ctx, "read the schema version of "+s.path, err)
	}
	return have.Int64, nil
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
