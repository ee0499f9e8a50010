package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"kith"
)

// forgotten is how long a daemon that has not stopped in order is remembered.
const forgotten = 24 * time.Hour

// Now implements [store.Accounts].
func (s *Store) Now(ctx context.Context) (now time.Time, err error) {
	err = s.read(ctx, "ask the database for the time", func(tx tx) error {
		return tx.one(ctx, `SELECT clock_timestamp()`, nil, &now)
	})
	return now.UTC(), err
}

// Beat implements [store.Accounts].
func (s *Store) Beat(ctx context.Context, d kith.Daemon, polling []string, lease time.Time) error {
	return s.write(ctx, "note that daemon "+d.Name+" lives", func(tx tx) error {
		var statements pgx.Batch
		statements.Queue(`INSERT INTO daemons (name, host, version, started, seen, workers, running) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (name) DO UPDATE SET host = excluded.host, version = excluded.version, started = excluded.started,
				seen = excluded.seen, workers = excluded.workers, running = excluded.running`,
			d.Name, d.Host, d.Version, d.Started, d.Seen, d.Workers, d.Running)
		if len(polling) > 0 {
			statements.Queue(`UPDATE accounts SET leased_until = $1 WHERE daemon = $2 AND name = ANY ($3::text[])`, lease, d.Name, polling)
		}
		statements.Queue(`DELETE FROM daemons WHERE seen < $1`, d.Seen.Add(-forgotten))
		return tx.SendBatch(ctx, &statements).Close()
	})
}

// DaemonStopped implements [store.Accounts].
func (s *Store) DaemonStopped(ctx context.Context, name string) error {
	return s.write(ctx, "note that daemon "+name+" stopped", func(tx tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM daemons WHERE name = $1`, name); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE accounts SET daemon = '', leased_until = NULL WHERE daemon = $1 AND daemon <> ''`, name)
		return err
	})
}

// Daemons implements [store.Accounts].
func (s *Store) Daemons(ctx context.Context) ([]kith.Daemon, error) {
	var daemons []kith.Daemon
	err := s.read(ctx, "read the daemons", func(tx tx) error {
		daemons = nil
		return tx.each(ctx, `SELECT name, host, version, started, seen, workers, running FROM daemons ORDER BY name`, nil,
			func(scan func(...any) error) error {
				var d kith.Daemon
				err := scan(&d.Name, &d.Host, &d.Version, &d.Started, &d.Seen, &d.Workers, &d.Running)
				daemons = append(daemons, d)
				return err
			})
	})
	return daemons, err
}
