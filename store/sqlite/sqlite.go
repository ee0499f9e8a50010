// Package sqlite keeps the register in one SQLite file (https://sqlite.org),
// for a single machine. It implements [store.Store] without cgo.
//
// The file is in WAL mode with synchronous=NORMAL: when the machine loses its
// power, the last transactions may be undone, whole and in order. A cursor is
// undone together with the rows that it stands for, so the next poll reads
// them again and nothing is lost.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	_ "modernc.org/sqlite" // registers the driver

	"kith/store"
)

// Options say how a database is opened. The zero Options are for the daemon.
type Options struct {
	Log *slog.Logger     // nil: silent
	Now func() time.Time // the host's clock, which is the register's; nil: time.Now

	// ReadOnly opens a database that exists, and refuses every change.
	ReadOnly bool
	// KeepSchema leaves an older schema as it is. Then only Schema, Migrate
	// and Close may be used.
	KeepSchema bool
}

// Store is the register in one SQLite file. It is safe for concurrent use, by
// several programs too: one of them writes at a time.
type Store struct {
	path   string
	log    *slog.Logger
	now    func() time.Time
	writer *sql.DB // one connection: SQLite has one writer
	reader *sql.DB

	statements statements // of the writer

	open   sync.RWMutex // read-locked by every transaction
	closed bool
}

var _ store.Store = (*Store)(nil)

// How long a transaction waits for one of another program.
const busyTimeout = "10000"

// Open opens the database file at path. It makes the file, for its owner's
// eyes only, if there is none, and brings the schema up to date.
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	log := opts.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	mode := "rw"
	if opts.ReadOnly {
		mode = "ro"
	}
	if err := touch(path, opts.ReadOnly); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}

	s := &Store{path: path, log: log, now: opts.Now}
	if s.now == nil {
		s.now = time.Now
	}
	dsn := func(pragmas ...string) string {
		q := url.Values{"mode": {mode}, "_error_rc": {"1"}}
		q["_pragma"] = append([]string{
			"busy_timeout(" + busyTimeout + ")",
			"foreign_keys(1)",
			"temp_store(memory)",
		}, pragmas...)
		return (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: q.Encode()}).String()
	}
	if opts.ReadOnly {
		s.writer, err = openDatabase(dsn("cache_size(-2000)", "query_only(1)"), 1)
	} else {
		s.writer, err = openDatabase(dsn("journal_mode(wal)", "synchronous(normal)", "cache_size(-8000)",
			"wal_autocheckpoint(2000)", "journal_size_limit(16777216)")+"&_txlock=immediate", 1)
	}
	if err == nil {
		s.reader, err = openDatabase(dsn("cache_size(-2000)", "query_only(1)"), 4)
	}
	if err == nil {
		err = s.prepareSchema(ctx, opts)
	}
	if err != nil {
		return nil, fmt.Errorf("open database: %w", errors.Join(err, s.Close()))
	}
	return s, nil
}

// touch makes the file: SQLite would make it readable for all.
func touch(path string, mustExist bool) error {
	if mustExist {
		_, err := os.Stat(path)
		return err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
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
		return fmt.Errorf("database %s has schema version %d, this program needs %d: run kith migrate", s.path, have, want)
	}
	return nil
}

// errUndo makes write undo what was done.
var errUndo = errors.New("undo")

// Ping tells whether the database answers and can be written to.
func (s *Store) Ping(ctx context.Context) error {
	err := s.write(ctx, "ping", func(tx tx) error {
		if _, err := tx.exec(ctx, `UPDATE meta SET value = value`); err != nil {
			return err
		}
		return errUndo // no need to wear out the disk
	})
	if errors.Is(err, errUndo) {
		return nil
	}
	return err
}

// Close ends all use. It waits for running transactions.
func (s *Store) Close() error {
	s.open.Lock()
	defer s.open.Unlock()
	s.closed = true
	var errs []error
	for _, db := range []*sql.DB{s.reader, s.writer} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close database %s: %w", s.path, err)
	}
	return nil
}

func openDatabase(dsn string, connections int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}
