package postgres

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/puddle/v2"

	"kith"
)

var (
	// errUndo makes write undo what was done.
	errUndo = errors.New("undo")
	// errStandby: the server does not take changes.
	errStandby = errors.New("it is a standby, or set to be read only")
)

// fail says what was being done when err happened, where, and what to do about it.
func (srv *server) fail(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if what != "" {
		what += ": "
	}
	if done := ctx.Err(); done != nil {
		return fmt.Errorf("%s%w", what, done) // the driver tells of it in several ways
	}
	if errors.Is(err, puddle.ErrClosedPool) {
		return fmt.Errorf("%sthe database is closed", what)
	}
	if errors.Is(err, errStandby) {
		return fmt.Errorf("%s%s: %w: name the primary in its place", what, srv.name, err)
	}
	var failure *pgconn.PgError
	if errors.As(err, &failure) {
		if strings.HasPrefix(failure.Code, "23") { // integrity_constraint_violation
			return fmt.Errorf("%s%w: %w", what, kith.ErrConflict, plain{failure})
		}
		for _, m := range mends {
			if strings.HasPrefix(failure.Code, m.code) {
				return fmt.Errorf("%s%s: %s: %w", what, srv.name, m.mend, plain{failure})
			}
		}
		return fmt.Errorf("%s%s: %w", what, srv.name, plain{failure})
	}
	var unknown *unknownError
	var connect *pgconn.ConnectError
	switch {
	case errors.As(err, &unknown):
		return fmt.Errorf("%s%s: the connection was lost during the commit, and the server does not tell whether it was done: look again", what, srv.name)
	case errors.As(err, &connect), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%s%s does not answer: %w", what, srv.name, plain{err})
	case lost(err):
		return fmt.Errorf("%s%s: the connection was lost: %w", what, srv.name, plain{err})
	}
	return fmt.Errorf("%s%w", what, err)
}

// mends tells what codes of PostgreSQL's mean here
// (https://www.postgresql.org/docs/current/errcodes-appendix.html). The first
// that is the beginning of a code counts.
var mends = []struct{ code, mend string }{
	{"25006", "it is a standby, or set to be read only: name the primary in its place"},
	{"28", "the login was refused: check user and password, and the server's pg_hba.conf"},
	{"3D000", "there is no such database: make it (createdb)"},
	{"40", "others were changing the same rows for too long; it is tried again"},
	{"42501", "the user may not do that: make it the owner of the database"},
	{"42P01", "a table is missing: the schema is not kith's, or is another version's"},
	{"42703", "a column is missing: the schema is another version's"},
	{"53100", "the disk is full: make room"},
	{"53200", "the server is out of memory; it is tried again"},
	{"53300", "the server has too many connections: raise max_connections, or lower pool_max_conns in the URL"},
	{"55P03", "another transaction has held a lock for too long; it is tried again"},
	{"57014", "it took too long, or was canceled; it is tried again"},
	{"57P", "the server is stopping or starting; it is tried again"},
	{"25P03", "it was idle for too long; it is tried again"},
	{"58", "the server's disk does not answer as it should: check it"},
	{"XX", "the server has a fault: see its log"},
	{"08", "the connection failed; it is tried again"},
}

// plain is an error without the driver's trimmings: one line, and no detail
// of a PgError, which may hold a row's content.
type plain struct{ err error }

func (e plain) Unwrap() error { return e.err }

func (e plain) Error() string {
	var failure *pgconn.PgError
	var op *net.OpError
	switch {
	case errors.As(e.err, &failure):
		return fmt.Sprintf("%s (%s)", failure.Message, failure.Code)
	case errors.As(e.err, &op):
		return op.Error()
	case errors.Is(e.err, context.DeadlineExceeded):
		return "it took too long"
	case errors.Is(e.err, io.EOF), errors.Is(e.err, io.ErrUnexpectedEOF):
		return "it hung up"
	}
	err := e.err
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) {
		err = connect.Unwrap()
	}
	return strings.Join(strings.Fields(err.Error()), " ")
}

// lost tells whether an error means that the connection is of no more use, and
// another one may be.
func lost(err error) bool {
	var failure *pgconn.PgError
	if errors.As(err, &failure) {
		// connection_exception; admin_shutdown, crash_shutdown, cannot_connect_now
		return strings.HasPrefix(failure.Code, "08") || failure.Code == "57P01" || failure.Code == "57P02" || failure.Code == "57P03"
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.SafeToRetry(err) || pgconn.Timeout(err) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, pgconn.ErrConnClosed) || errors.Is(err, net.ErrClosed)
}

// unfit tells whether what a replica answers says nothing about the question:
// it is out of reach, its schema is behind, or it had to catch up
// (https://www.postgresql.org/docs/current/hot-standby.html#HOT-STANDBY-CONFLICT).
func unfit(err error) bool {
	var failure *pgconn.PgError
	return err != nil && (lost(err) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &failure))
}

// duplicate tells whether something could not be made because it is there.
func duplicate(err error) bool {
	var failure *pgconn.PgError
	if !errors.As(err, &failure) {
		return false
	}
	switch failure.Code {
	case "23505", "42P06", "42P07", "42710": // unique_violation; duplicate_schema, _table, _object
		return true
	}
	return false
}
