package main

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// bareInsert writes the lines of the file into a bare table with one index, which is
// the least that an import has to do.
func (b *bench) bareInsert(ctx context.Context) (err error) {
	db, err := openBare(filepath.Join(b.dir, "bare.db"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, `CREATE TABLE lines (n INTEGER PRIMARY KEY, id TEXT NOT NULL, line TEXT NOT NULL); CREATE UNIQUE INDEX lines_id ON lines (id)`); err != nil {
		return err
	}
	f, err := os.Open(b.file)
	if err != nil {
		return err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Scan() // the header
	for more := true; more; {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		insert, err := tx.PrepareContext(ctx, `INSERT INTO lines (id, line) VALUES (?, ?)`) //nolint:sqlclosecheck // the transaction closes it
		if err != nil {
			return err
		}
		for range 20_000 {
			if more = lines.Scan(); !more {
				break
			}
			id, line, _ := strings.Cut(lines.Text(), ",")
			if _, err := insert.ExecContext(ctx, id, line); err != nil {
				return err
			}
		}
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	return lines.Err()
}

func openBare(path string) (*sql.DB, error) {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(wal)&_pragma=synchronous(normal)")
	if err == nil {
		db.SetMaxOpenConns(1)
	}
	return db, err
}

// bareLookUp looks as many contacts up as are matched, each by its external id alone.
func (b *bench) bareLookUp(ctx context.Context, path string) (time.Duration, error) {
	db, err := openBare(path)
	if err != nil {
		return 0, err
	}
	defer db.Close() //nolint:errcheck // it was only read
	one, err := db.PrepareContext(ctx, `SELECT n FROM contacts WHERE external_id = ? AND source = 'csv' AND external_id <> ''`)
	if err != nil {
		return 0, err
	}
	defer one.Close() //nolint:errcheck // it was only read
	random, began := rand.New(rand.NewPCG(1, 2)), time.Now()
	for range b.matched {
		var n int64
		if err := one.QueryRowContext(ctx, fmt.Sprintf("C%07d", random.IntN(b.contacts))).Scan(&n); err != nil {
			return 0, err
		}
	}
	return time.Since(began), nil
}
