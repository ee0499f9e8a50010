package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
)

// tx is a transaction.
type tx struct {
	*sql.Tx
	statements *statements // nil when reading
}

// write runs fn in a transaction that holds the write lock from its start.
// What was being done goes before the text of every error.
func (s *Store) write(ctx context.Context, what string, fn func(tx tx) error) error {
	if err := s.transact(ctx, s.writer, &s.statements, what, fn); err != nil {
		return err
	}
	s.statements.prepare(ctx, s.writer)
	return nil
}

// read runs fn in a transaction that sees one state of the database.
func (s *Store) read(ctx context.Context, what string, fn func(tx tx) error) error {
	return s.transact(ctx, s.reader, nil, what, fn)
}

func (s *Store) transact(ctx context.Context, db *sql.DB, statements *statements, what string, fn func(tx tx) error) error {
	s.open.RLock()
	defer s.open.RUnlock()
	if s.closed {
		return fmt.Errorf("%s: the database is closed", what)
	}
	begun, err := db.BeginTx(ctx, nil)
	if err != nil {
		return s.fail(ctx, what, err)
	}
	defer begun.Rollback() // does nothing after the commit
	if err := fn(tx{begun, statements}); err != nil {
		return s.fail(ctx, what, err)
	}
	if err := begun.Commit(); err != nil {
		return s.fail(ctx, what, err)
	}
	return nil
}

// exec runs a statement that will be run again and again.
func (tx tx) exec(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if stmt := tx.statements.get(query); stmt != nil {
		return tx.StmtContext(ctx, stmt).ExecContext(ctx, args...) //nolint:sqlclosecheck // the transaction closes it
	}
	return tx.ExecContext(ctx, query, args...)
}

// each calls row for every row of a query's answer. row has to scan it.
func (tx tx) each(ctx context.Context, query string, args []any, row func(scan func(...any) error) error) error {
	var rows *sql.Rows
	var err error
	if stmt := tx.statements.get(query); stmt != nil {
		rows, err = tx.StmtContext(ctx, stmt).QueryContext(ctx, args...) //nolint:sqlclosecheck // the same
	} else {
		rows, err = tx.QueryContext(ctx, query, args...)
	}
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// one scans the only row of a query's answer, which may be [sql.ErrNoRows].
func (tx tx) one(ctx context.Context, query string, args []any, dest ...any) error {
	return tx.QueryRowContext(ctx, query, args...).Scan(dest...)
}

// statements are prepared for the connection that writes. Its transaction
// occupies it, so what a transaction has asked for is prepared after its end.
type statements struct {
	mu     sync.Mutex
	ready  map[string]*sql.Stmt
	wanted []string
}

func (s *statements) get(query string) *sql.Stmt {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	stmt, asked := s.ready[query]
	if !asked {
		if s.ready == nil {
			s.ready = make(map[string]*sql.Stmt)
		}
		s.ready[query] = nil
		s.wanted = append(s.wanted, query)
	}
	return stmt
}

func (s *statements) prepare(ctx context.Context, db *sql.DB) {
	s.mu.Lock()
	wanted := s.wanted
	s.wanted = nil
	s.mu.Unlock()
	for _, query := range wanted {
		// Not under the lock: this may wait for a transaction that wants it.
		stmt, err := db.PrepareContext(ctx, query) //nolint:sqlclosecheck // it lives as long as the database
		s.mu.Lock()
		if err == nil {
			s.ready[query] = stmt
		} else {
			delete(s.ready, query) // until the next time
		}
		s.mu.Unlock()
	}
}

// insertion is a statement that takes any number of rows: the driver's calls
// cost more than what SQLite does in them.
type insertion struct {
	into    string // INSERT INTO table (columns) VALUES
	columns int
	tail    string // ON CONFLICT …
}

// How many rows one call takes.
var insertionSizes = []int{64, 8, 1}

// insert writes the rows that args hold one after the other.
func (tx tx) insert(ctx context.Context, in insertion, args []any) error {
	for _, rows := range insertionSizes {
		if len(args) < rows*in.columns {
			continue
		}
		query := in.text(rows)
		for len(args) >= rows*in.columns {
			if _, err := tx.exec(ctx, query, args[:rows*in.columns]...); err != nil {
				return err
			}
			args = args[rows*in.columns:]
		}
	}
	return nil
}

func (in insertion) text(rows int) string {
	row := "(" + strings.Repeat("?,", in.columns-1) + "?)"
	return in.into + " " + strings.Repeat(row+",", rows-1) + row + " " + in.tail
}

// list is a parameter that holds many values: json_each(?) takes it apart.
func list[T int64 | string | [2]string | [2]any](values []T) string {
	text, err := json.Marshal(values)
	if err != nil {
		panic(err) // numbers and strings can be marshalled
	}
	return string(text)
}

// How many values one IN takes.
const inSize = 64

// eachIn is each for values that JSON can't hold: query has one %s, for the
// parameters of an IN. Other parameters come before it.
func (tx tx) eachIn(ctx context.Context, query string, args, values []any, row func(scan func(...any) error) error) error {
	query = fmt.Sprintf(query, strings.Repeat("?,", inSize-1)+"?")
	for len(values) > 0 {
		n := min(inSize, len(values))
		params := append(append(make([]any, 0, len(args)+inSize), args...), values[:n]...)
		for range inSize - n {
			params = append(params, values[0]) // once more does no harm
		}
		if err := tx.each(ctx, query, params, row); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
}
