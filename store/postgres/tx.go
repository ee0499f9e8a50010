package postgres

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Bounds of a transaction. They are set within it: a pooler refuses settings of
// a connection. The server ends a transaction whose program is stuck or out of
// reach, so that nobody waits for its locks; the program gives up a server
// that does not answer.
const (
	lockTimeout        = 30 * time.Second
	statementTimeout   = 2 * time.Minute
	idleTimeout        = 20 * time.Second // shorter than a lease, so that a frozen daemon's locks go with its accounts
	transactionTimeout = 5 * time.Minute
)

// A register as a whole is read and written in one transaction. It may have to
// wait for a slow disk at the other end.
const (
	wholeStatementTimeout = time.Hour
	wholeIdleTimeout      = 10 * time.Minute
	wholeTimeout          = 24 * time.Hour
)

// mode is a way to run a transaction.
type mode struct {
	pgx.TxOptions
	reads   bool
	timeout time.Duration
}

var (
	modeWrite  = mode{begin(`READ COMMITTED`, statementTimeout, idleTimeout), false, transactionTimeout}
	modeRead   = mode{begin(`REPEATABLE READ READ ONLY`, statementTimeout, idleTimeout), true, transactionTimeout}
	modeRecord = mode{lookingUp(modeWrite.TxOptions), false, transactionTimeout}
	modeMatch  = mode{lookingUp(modeRead.TxOptions), true, transactionTimeout}
	modeLoad   = mode{begin(`READ COMMITTED`, wholeStatementTimeout, wholeIdleTimeout), false, wholeTimeout}
	modeDump   = mode{begin(`REPEATABLE READ READ ONLY`, wholeStatementTimeout, wholeIdleTimeout), true, wholeTimeout}
)

func begin(how string, statement, idle time.Duration) pgx.TxOptions {
	return pgx.TxOptions{BeginQuery: fmt.Sprintf(
		`BEGIN ISOLATION LEVEL %s; SET LOCAL lock_timeout = %d; SET LOCAL statement_timeout = %d; SET LOCAL idle_in_transaction_session_timeout = %d`,
		how, lockTimeout.Milliseconds(), statement.Milliseconds(), idle.Milliseconds())}
}

// lookingUp makes the server find every row by an index. What capture asks for is
// a thousand rows by their keys, and tables that have grown since they
// were last analyzed, as during a first capture, look to the planner as if
// reading all of them were cheaper. Costs that it makes up so must not make
// it compile anything either.
func lookingUp(o pgx.TxOptions) pgx.TxOptions {
	for _, setting := range []string{"enable_seqscan", "enable_hashjoin", "enable_mergejoin", "enable_material", "jit"} {
		o.BeginQuery += "; SET LOCAL " + setting + " = off"
	}
	return o
}

// An advisory lock is held to the end of the transaction that takes it. Those
// of a session must not be used: behind a pooler nobody knows whose it is.
type advisoryLock int64

// The locks, in the order in which one transaction takes several of them.
const (
	lockSchema   advisoryLock = 0x6b697468_0001 + iota // held by who migrates: the migrations have its number
	lockAccounts                                       // held by who defines accounts
	lockContacts                                       // held by who changes contacts
	lockLinks                                          // shared by who links interactions to contacts, held by who removes either
	lockReports                                        // shared by who records messages of ours, held by who looks for those that a delivery report names
)

// tx is a transaction.
type tx struct{ pgx.Tx }

// lock waits for a lock.
func (tx tx) lock(ctx context.Context, lock advisoryLock) error {
	_, err := tx.Exec(ctx, `SELECT pg_advisory_xact_lock($1)`, int64(lock))
	return err
}

// each calls row for every row of a query's answer. row has to scan it.
func (tx tx) each(ctx context.Context, query string, args []any, row func(scan func(...any) error) error) error {
	rows, err := tx.Query(ctx, query, args...)
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

// one scans the only row of a query's answer, which may be [pgx.ErrNoRows].
func (tx tx) one(ctx context.Context, query string, args []any, dest ...any) error {
	return tx.QueryRow(ctx, query, args...).Scan(dest...)
}

// write runs fn in a transaction in which each statement sees what was
// committed before it. When the server ends the transaction for the sake of
// another one, or the connection is lost, fn runs again from its start: it MUST
// change nothing but the database until it succeeds. [again] asks for that
// too. What was being done goes before the text of every error.
//
// When the connection is lost while the commit is under way, nobody has told
// whether it was done. The server remembers, and is asked: either it was, or
// fn runs again. So an error means that nothing was written.
func (s *Store) write(ctx context.Context, what string, fn func(tx tx) error) error {
	return s.change(ctx, what, modeWrite, fn)
}

// change is write in a mode.
func (s *Store) change(ctx context.Context, what string, mode mode, fn func(tx tx) error) error {
	if s.readOnly {
		return fmt.Errorf("%s: %s was opened to be read only", what, s.primary.name)
	}
	for attempt := 0; ; attempt++ {
		err := s.primary.transact(ctx, mode, fn)
		if err == nil {
			return nil
		}
		if attempt == maxRetries || !retryable(err) || !pause(ctx, attempt) {
			return s.primary.fail(ctx, what, err)
		}
	}
}

// read runs fn in a transaction that sees one state of the database. fn may run
// more than once.
func (s *Store) read(ctx context.Context, what string, fn func(tx tx) error) error {
	return s.ask(ctx, what, modeRead, fn)
}

// ask is read in a mode.
func (s *Store) ask(ctx context.Context, what string, mode mode, fn func(tx tx) error) error {
	for attempt := 0; ; attempt++ {
		err := s.primary.transact(ctx, mode, fn)
		if err == nil {
			return nil
		}
		if attempt == maxRetries || !retryable(err) || !pause(ctx, attempt) {
			return s.primary.fail(ctx, what, err)
		}
	}
}

// list is read for what may be some moments old: it asks the replica, if there
// is one that works.
func (s *Store) list(ctx context.Context, what string, fn func(tx tx) error) error {
	if !s.replica.ready() {
		return s.read(ctx, what, fn)
	}
	err := s.replica.transact(ctx, modeRead, fn)
	if !unfit(err) || ctx.Err() != nil {
		if err == nil && s.replica.note(true) {
			s.log.InfoContext(ctx, "the replica answers again", "replica", s.replica.name)
		}
		return s.replica.fail(ctx, what, err)
	}
	if s.replica.note(false) {
		s.log.WarnContext(ctx, "the replica does not answer, the database itself is asked",
			"replica", s.replica.name, "err", s.replica.fail(ctx, what, err))
	}
	return s.read(ctx, what, fn)
}

// transact runs fn in a transaction, once.
func (srv *server) transact(ctx context.Context, mode mode, fn func(tx tx) error) error {
	// To the end of all, so that a canceled context ends the work, not the
	// commit.
	patient, cancel := context.WithTimeout(context.WithoutCancel(ctx), mode.timeout)
	defer cancel()
	ctx, cancel = context.WithTimeout(ctx, mode.timeout)
	defer cancel()

	conn, err := srv.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	begun, err := conn.BeginTx(ctx, mode.TxOptions)
	if err != nil {
		return err
	}
	defer begun.Rollback(patient) // does nothing after the commit
	if err := fn(tx{begun}); err != nil {
		return err
	}
	if mode.reads {
		return begun.Commit(ctx)
	}
	// It has no id if it has written nothing.
	var id *uint64
	if err := begun.QueryRow(ctx, `SELECT pg_current_xact_id_if_assigned()::text::bigint`).Scan(&id); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	err = begun.Commit(patient)
	if err == nil || id == nil || !lost(err) {
		return err
	}
	conn.Release()
	return srv.resolve(patient, *id, err)
}

// resolve finds out what became of a transaction whose connection was lost
// during its commit.
func (srv *server) resolve(ctx context.Context, id uint64, cause error) error {
	for attempt := 0; ; attempt++ {
		var status *string
		err := srv.pool.QueryRow(ctx, `SELECT pg_xact_status($1::text::xid8)`, fmt.Sprint(id)).Scan(&status)
		switch {
		case err == nil && status != nil && *status == "committed":
			return nil
		case err == nil && status != nil && *status == "aborted":
			return cause
		}
		// Its session may not have noticed yet, or the server is starting.
		if attempt == maxRetries || !pause(ctx, attempt) {
			return &unknownError{cause}
		}
	}
}

// unknownError is the loss of a connection during a commit, when the server
// could not be asked what became of it.
type unknownError struct{ err error }

func (e *unknownError) Error() string {
	return "the connection was lost during the commit, it may have been done or not: " + e.err.Error()
}

func (e *unknownError) Unwrap() error { return e.err }

// How often something is tried again, and the longest pause before that: in
// all about three seconds.
const (
	maxRetries = 6
	firstPause = 50 * time.Millisecond
	maxPause   = time.Second
)

// pause waits before the next attempt. It is false when the context is done.
func pause(ctx context.Context, attempt int) bool {
	d := min(firstPause<<attempt, maxPause)
	timer := time.NewTimer(d/2 + rand.N(d))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// againError makes write run its function again: somebody else was faster.
type againError struct{ err error }

func (e *againError) Error() string { return e.err.Error() }
func (e *againError) Unwrap() error { return e.err }

// again wraps an error that another attempt may not meet, such as a row that
// another transaction has just inserted too.
func again(err error) error { return &againError{err} }

// retryable tells whether another attempt may succeed soon.
func retryable(err error) bool {
	var unknown *unknownError
	var wanted *againError
	var failure *pgconn.PgError
	switch {
	case errors.As(err, &unknown), errors.Is(err, context.DeadlineExceeded), pgconn.Timeout(err):
		return false // that has taken long enough
	case errors.As(err, &wanted), lost(err):
		return true
	case errors.As(err, &failure):
		switch failure.Code {
		case "40001", "40P01": // serialization_failure, deadlock_detected
			return true
		}
	}
	return false
}
