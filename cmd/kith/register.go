package main

import (
	"context"
	"errors"
	"fmt"

	"kith/config"
	"kith/store"
	"kith/store/postgres"
	"kith/store/sqlite"
	syncer "kith/sync"
	"kith/sync/cluster"
)

// register is the register's database as commands open it.
type register interface {
	store.Store
	Migrate(ctx context.Context) error
}

// openStore opens the configured register and brings its schema up to date.
func (a *app) openStore(ctx context.Context) (register, error) { return a.openRegister(ctx, false) }

// openRegister opens the configured register. With keepSchema an older one may only be migrated.
// From then on its clock is ours.
func (a *app) openRegister(ctx context.Context, keepSchema bool) (register, error) {
	cfg, err := a.config()
	if err != nil {
		return nil, err
	}
	s, err := a.openDatabase(ctx, cfg.Database, cfg.Replica.URL.Reveal(), keepSchema)
	if err != nil {
		return nil, err
	}
	a.clock = &syncer.Clock{Register: s.Now, Local: a.now}
	if _, err := a.clock.Read(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	a.now = a.clock.Now
	return s, nil
}

// openDatabase opens the register in a database.
func (a *app) openDatabase(ctx context.Context, db config.Database, replicaURL string, keepSchema bool) (register, error) {
	switch db.Driver {
	case config.Postgres:
		s, err := postgres.Open(ctx, db.URL.Reveal(), postgres.Options{Log: a.logger(), ReplicaURL: replicaURL, KeepSchema: keepSchema})
		if err != nil {
			return nil, err
		}
		return shared{s}, nil
	default:
		s, err := sqlite.Open(ctx, db.Path, sqlite.Options{Log: a.logger(), Now: a.now, KeepSchema: keepSchema})
		if err != nil {
			return nil, fmt.Errorf("database %s: %w", db.Path, err)
		}
		return s, nil
	}
}

// shared is a register that many daemons share: it has their queue beside it.
type shared struct{ *postgres.Store }

// Migrate brings both schemas up to date.
func (s shared) Migrate(ctx context.Context) error {
	if err := s.Store.Migrate(ctx); err != nil {
		return err
	}
	return cluster.Migrate(ctx, s.Pool())
}
