package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
)

// postgres is a PostgreSQL of the benchmark's own.
type postgres struct {
	script, dir string
	addr        string
}

// startPostgres starts a server on a folder, which is kept. It writes through to the
// disk, as one does that is not to lose anything.
func (b *bench) startPostgres(ctx context.Context, name string) (*postgres, error) {
	ports, err := freePorts(ctx, 1)
	if err != nil {
		return nil, err
	}
	p := &postgres{
		script: filepath.Join(scripts(), "pg.sh"), dir: filepath.Join(b.dir, name),
		addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0])),
	}
	// What an interrupted run left on another port.
	if err := p.control(ctx, "stop"); err != nil {
		return nil, err
	}
	return p, p.control(ctx, "start", strconv.Itoa(ports[0]))
}

func (p *postgres) control(ctx context.Context, verb string, args ...string) error {
	if err := os.MkdirAll(p.dir, 0o755); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, p.script, append([]string{verb, p.dir}, args...)...)
	cmd.Env = append(os.Environ(), "PG_FSYNC=on", "PG_CONF=shared_buffers=512MB max_wal_size=4GB")
	// Into a file: the server inherits it and would keep a pipe open.
	log, err := os.Create(p.dir + ".log")
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("PostgreSQL: %s: %w (see %s)", verb, err, log.Name())
	}
	return nil
}

func (p *postgres) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := p.control(ctx, "stop"); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
}

func (p *postgres) url(database string) string {
	return fmt.Sprintf("postgres://postgres@%s/%s?sslmode=disable", p.addr, database)
}

// within runs a function on a connection to a database.
func (p *postgres) within(ctx context.Context, database string, fn func(conn *pgx.Conn) error) error {
	conn, err := pgx.Connect(ctx, p.url(database))
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // what counts has been answered
	return fn(conn)
}

// create makes an empty database in place of what there is.
func (p *postgres) create(ctx context.Context, database string) error {
	return p.within(ctx, "postgres", func(conn *pgx.Conn) error {
		name := pgx.Identifier{database}.Sanitize()
		if _, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			return err
		}
		_, err := conn.Exec(ctx, "CREATE DATABASE "+name)
		return err
	})
}

// written counts the rows of interactions, and what belongs to them, that were ever written.
func (p *postgres) written(ctx context.Context, database string) (n int64, err error) {
	err = p.within(ctx, database, func(conn *pgx.Conn) error {
		// Sessions report when they end, and a little later.
		time.Sleep(time.Second)
		return conn.QueryRow(ctx, `SELECT sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint FROM pg_stat_user_tables
			WHERE relname IN ('interactions', 'keys', 'evidence', 'timeline', 'message_ids', 'threads')`).Scan(&n)
	})
	return n, err
}
