package cluster

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// migrationLock is the key of the lock that one program at a time holds while it
// migrates: "kithrivr" in ASCII.
const migrationLock = 0x6b69746872697672

// Migrate makes River's tables, or brings them up to date. Programs that start
// at once may all call it: one of them migrates.
func Migrate(ctx context.Context, pool *pgxpool.Pool) (err error) {
	const doing = "make the tables that daemons share their work by"
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	state, err := migrator.Validate(ctx, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if state.OK {
		return nil
	}
	// The lock is a transaction's, so that a pooler may stand between. The
	// migrations need transactions of their own.
	tx, err := pool.Begin(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	defer tx.Rollback(ctx) //nolint:errcheck // there is nothing in it
	if _, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1::bigint)`, int64(migrationLock)); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	if _, err := migrator.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}
