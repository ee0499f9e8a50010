package sqlite

import (
	"context"
	"errors"
	"fmt"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"kith"
)

// fail says what was being done when err happened, and what to do about it.
func (s *Store) fail(ctx context.Context, what string, err error) error {
	if done := ctx.Err(); done != nil {
		// The driver and database/sql tell of it in several ways.
		return fmt.Errorf("%s: %w", what, done)
	}
	var failure *sqlite.Error
	if !errors.As(err, &failure) {
		return fmt.Errorf("%s: %w", what, err)
	}
	code := failure.Code() & 0xff // without the extended code's second half
	if code == sqlite3.SQLITE_CONSTRAINT {
		return fmt.Errorf("%s: %w: %w", what, kith.ErrConflict, err)
	}
	mend, ok := mends[code]
	if !ok {
		return fmt.Errorf("%s: %w", what, err)
	}
	return fmt.Errorf("%s: database %s: %s: %w", what, s.path, mend, err)
}

// mends tells what a code of SQLite's means here (https://sqlite.org/rescode.html).
var mends = map[int]string{
	sqlite3.SQLITE_BUSY:     "another program has been writing to it for too long; it is tried again",
	sqlite3.SQLITE_FULL:     "the disk is full: make room",
	sqlite3.SQLITE_READONLY: "it can't be written to: check who owns the file and its folder",
	sqlite3.SQLITE_CANTOPEN: "it can't be opened: check that the folder exists and who owns it",
	sqlite3.SQLITE_IOERR:    "the disk does not answer as it should: check it",
	sqlite3.SQLITE_CORRUPT:  "the file is damaged: restore a backup",
	sqlite3.SQLITE_NOTADB:   "the file is no SQLite database: check the path",
}
