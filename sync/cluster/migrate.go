package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// How often programs that migrate at once look again after they were in each other's way.
const (
	migrateTries = 50
	migratePause = 100 * time.Millisecond
)

// Migrate makes River's tables, or brings them up to date. Programs that start
// at once may all call it. Each migration is a transaction that notes its
// version, which can be noted only once: of two programs one fails, and finds
// the work done. A lock would take a second connection, which a small pooler may
// not have.
func Migrate(ctx context.Context, pool *pgxpool.Pool) error {
	migrator, err := rivermigrate.New(riverpgxv5.New(pool), nil)
	if err != nil {
		return fmt.Errorf("make the tables that daemons share their work by: %w", err)
	}
	for try := 1; ; try++ {
		if err = migrate(ctx, migrator); err == nil {
			return nil
		}
		if try == migrateTries || !pause(ctx) {
			return fmt.Errorf("make the tables that daemons share their work by: %w", err)
		}
	}
}

func migrate(ctx context.Context, migrator *rivermigrate.Migrator[pgx.Tx]) error {
	state, err := migrator.Validate(ctx, nil)
	if err != nil || state.OK {
		return err
	}
	_, err = migrator.Migrate(ctx, rivermigrate.DirectionUp, nil)
	return err
}

func pause(ctx context.Context) bool {
	timer := time.NewTimer(migratePause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
