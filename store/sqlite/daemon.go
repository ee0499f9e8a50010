package sqlite

import (
	"context"
	"time"

	"kith"
)

// forgotten is how long a daemon that has not stopped in order is remembered.
const forgotten = 24 * time.Hour

// Now implements [store.Accounts].
func (s *Store) Now(ctx context.Context) (time.Time, error) {
	if err := ctx.Err(); err != nil {
		return time.Time{}, err
	}
	return s.now().UTC().Truncate(time.Microsecond), nil
}

// Beat implements [store.Accounts].
func (s *Store) Beat(ctx context.Context, d kith.Daemon, polling []string, lease time.Time) error {
	return s.write(ctx, "note that daemon "+d.Name+" lives", func(tx tx) error {
		_, err := tx.exec(ctx, `INSERT INTO daemons (name, host, version, started, seen, workers, running) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT DO UPDATE SET host = excluded.host, version = excluded.version, started = excluded.started,
				seen = excluded.seen, workers = excluded.workers, running = excluded.running`,
			d.Name, d.Host, d.Version, d.Started.UnixMicro(), d.Seen.UnixMicro(), d.Workers, d.Running)
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `UPDATE accounts SET leased_until = ? WHERE daemon = ? AND name IN (SELECT value FROM json_each(?))`,
			micros(lease), d.Name, list(polling))
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `DELETE FROM daemons WHERE seen < ?`, d.Seen.Add(-forgotten).UnixMicro())
		return err
	})
}

// DaemonStopped implements [store.Accounts].
func (s *Store) DaemonStopped(ctx context.Context, name string) error {
	return s.write(ctx, "note that daemon "+name+" stopped", func(tx tx) error {
		if _, err := tx.exec(ctx, `DELETE FROM daemons WHERE name = ?`, name); err != nil {
			return err
		}
		_, err := tx.exec(ctx, `UPDATE accounts SET daemon = '', leased_until = NULL WHERE daemon = ?`, name)
		return err
	})
}

// Daemons implements [store.Accounts].
func (s *Store) Daemons(ctx context.Context) ([]kith.Daemon, error) {
	var daemons []kith.Daemon
	err := s.read(ctx, "read the daemons", func(tx tx) error {
		return tx.each(ctx, `SELECT name, host, version, started, seen, workers, running FROM daemons ORDER BY name`, nil,
			func(scan func(...any) error) error {
				var d kith.Daemon
				var started, seen int64
				err := scan(&d.Name, &d.Host, &d.Version, &started, &seen, &d.Workers, &d.Running)
				d.Started, d.Seen = time.UnixMicro(started).UTC(), time.UnixMicro(seen).UTC()
				daemons = append(daemons, d)
				return err
			})
	})
	return daemons, err
}
