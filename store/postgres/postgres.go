// Package postgres keeps the register in PostgreSQL (https://www.postgresql.org),
// for many daemons at once. It implements [store.Store].
//
// It asks little of the server: version 14 or later, UTF-8, no extensions, and
// nothing that outlives a transaction, so that a pooler such as PgBouncer in
// transaction mode may stand between.
package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5/pgxpool"

	"kith/store"
)

// Options say how a database is opened. The zero Options are for the daemon.
type Options struct {
	Log *slog.Logger // nil: silent

	// ReplicaURL is a standby of the database that serves listings, "" for
	// none. What it shows may be some moments old. When it does not answer, the
	// database itself is asked.
	ReplicaURL string
	// ReadOnly opens a database that exists, and refuses every change. It may
	// be a standby.
	ReadOnly bool
	// KeepSchema leaves an older schema as it is. Then only Schema, Migrate
	// and Close may be used.
	KeepSchema bool
}

// Store is the register in one PostgreSQL database. It is safe for concurrent
// use, by many programs too.
type Store struct {
	primary  *server
	replica  *replica // nil: none
	log      *slog.Logger
	readOnly bool
}

var _ store.Store = (*Store)(nil)

// Open opens the database at a URL (or a list of keywords and values) of libpq's
// form (https://www.postgresql.org/docs/current/libpq-connect.html), with the
// environment's PG* variables, password and service file, and pgxpool's
// pool_max_conns and the like. It brings the schema up to date.
func Open(ctx context.Context, url string, opts Options) (*Store, error) {
	log := opts.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	s := &Store{log: log, readOnly: opts.ReadOnly}
	err := s.connect(ctx, url, opts.ReplicaURL)
	if err == nil {
		err = s.prepareSchema(ctx, opts)
	}
	if err != nil {
		return nil, fmt.Errorf("open database: %w", errors.Join(err, s.Close()))
	}
	return s, nil
}

func (s *Store) connect(ctx context.Context, url, replicaURL string) (err error) {
	if s.primary, err = newServer(ctx, url); err != nil {
		return err
	}
	if replicaURL != "" {
		standby, err := newServer(ctx, replicaURL)
		if err != nil {
			return fmt.Errorf("replica: %w", err)
		}
		s.replica = &replica{server: standby}
	}
	return s.primary.check(ctx)
}

// Ping tells whether the database answers and can be written to.
func (s *Store) Ping(ctx context.Context) error {
	return s.write(ctx, "ping", func(tx tx) error {
		var readOnly bool
		err := tx.one(ctx, `SELECT current_setting('transaction_read_only')::boolean`, nil, &readOnly)
		if err == nil && readOnly {
			err = errStandby
		}
		return err
	})
}

// Pool returns the connections to the database, for those who keep tables of
// their own beside the register's. They end with the store.
func (s *Store) Pool() *pgxpool.Pool { return s.primary.pool }

// Close ends all use. It waits for running transactions.
func (s *Store) Close() error {
	for _, pool := range []*pgxpool.Pool{s.primary.pooled(), s.replica.pooled()} {
		if pool != nil {
			pool.Close()
		}
	}
	return nil
}
