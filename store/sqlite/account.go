package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kith"
	"kith/store"
)

const accountColumns = `name, origin, kind, owner, schedule, settings, state, next_poll, last_poll, last_success,
	attempts, error, error_since, daemon, leased_until`

func scanAccount(scan func(...any) error) (kith.Account, error) {
	var a kith.Account
	var next, last, success, since, leased sql.NullInt64
	err := scan(&a.Name, &a.Origin, &a.Kind, &a.Owner, &a.Schedule, &a.Settings, &a.State, &next, &last, &success,
		&a.Attempts, &a.Error, &since, &a.Daemon, &leased)
	a.NextPoll, a.LastPoll, a.LastSuccess, a.ErrorSince = timeOf(next), timeOf(last), timeOf(success), timeOf(since)
	a.LeasedUntil = timeOf(leased)
	return a, err
}

// accounts reads the accounts that a clause chooses.
func (tx tx) accounts(ctx context.Context, clause string, args ...any) ([]kith.Account, error) {
	var accounts []kith.Account
	err := tx.each(ctx, `SELECT `+accountColumns+` FROM accounts `+clause, args, func(scan func(...any) error) error {
		a, err := scanAccount(scan)
		accounts = append(accounts, a)
		return err
	})
	return accounts, err
}

// Reconcile implements [store.Accounts].
func (s *Store) Reconcile(ctx context.Context, accounts []kith.Account) error {
	return s.write(ctx, "reconcile the accounts", func(tx tx) error {
		known, err := tx.accounts(ctx, "")
		if err != nil {
			return err
		}
		old := make(map[string]kith.Account)
		for _, a := range known {
			old[a.Name] = a
		}
		for _, a := range accounts {
			var was *kith.Account
			if known, ok := old[a.Name]; ok {
				was = &known
			}
			a.Origin = kith.OriginFile
			if err := tx.define(ctx, was, a, false); err != nil {
				return fmt.Errorf("account %s: %w", a.Name, err)
			}
			delete(old, a.Name)
		}
		for name, a := range old {
			if a.Origin != kith.OriginFile {
				continue
			}
			if _, err := tx.exec(ctx, `UPDATE accounts SET state = ? WHERE name = ?`, kith.StateRemoved, name); err != nil {
				return fmt.Errorf("account %s: %w", name, err)
			}
		}
		return nil
	})
}

// define makes the row of an account what its definition says; was is what is on
// file, nil if nothing is.
func (tx tx) define(ctx context.Context, was *kith.Account, given kith.Account, disabled bool) error {
	is, err := store.DefineAccount(was, given, disabled)
	if err != nil || was != nil && is == *was {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO accounts (name, origin, kind, owner, schedule, settings, state, next_poll, attempts, error, error_since)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET origin = excluded.origin, kind = excluded.kind, owner = excluded.owner,
			schedule = excluded.schedule, settings = excluded.settings, state = excluded.state, next_poll = excluded.next_poll,
			attempts = excluded.attempts, error = excluded.error, error_since = excluded.error_since`,
		is.Name, is.Origin, is.Kind, is.Owner, is.Schedule, is.Settings, is.State, micros(is.NextPoll), is.Attempts, is.Error, micros(is.ErrorSince))
	return err
}

// ClaimDue implements [store.Accounts].
func (s *Store) ClaimDue(ctx context.Context, now, lease time.Time, limit int) ([]kith.Account, error) {
	var due []kith.Account
	err := s.write(ctx, "claim due accounts", func(tx tx) (err error) {
		due, err = tx.accounts(ctx, `WHERE (next_poll IS NULL OR next_poll <= ? OR last_poll > ?) AND (leased_until IS NULL OR leased_until <= ?) AND state NOT IN (?, ?, ?)
			ORDER BY next_poll, name LIMIT ?`, now.UnixMicro(), now.Add(store.ClockSkew).UnixMicro(), now.UnixMicro(),
			kith.StateRemoved, kith.StateDisabled, kith.StateNeedsAttention, max(limit, 0))
		if err != nil {
			return err
		}
		for i := range due {
			a := &due[i]
			a.Daemon, a.LeasedUntil = "", lease.UTC().Truncate(time.Microsecond)
			if _, err := tx.exec(ctx, `UPDATE accounts SET daemon = '', leased_until = ? WHERE name = ?`, micros(lease), a.Name); err != nil {
				return err
			}
		}
		return nil
	})
	return due, err
}

// PollStarted implements [store.Accounts].
func (s *Store) PollStarted(ctx context.Context, a kith.Account, daemon string, at, lease time.Time) error {
	return s.write(ctx, "note the start of a poll of account "+a.Name, func(tx tx) error {
		return tx.ours(ctx, a, `UPDATE accounts SET last_poll = ?, daemon = ?, leased_until = ? WHERE name = ? AND last_poll IS ?`,
			micros(at), daemon, micros(lease), a.Name, micros(a.LastPoll))
	})
}

// PollEnded implements [store.Accounts].
func (s *Store) PollEnded(ctx context.Context, a kith.Account) error {
	return s.write(ctx, "note the end of a poll of account "+a.Name, func(tx tx) error {
		err := tx.ours(ctx, a, `UPDATE accounts SET daemon = '', leased_until = NULL WHERE name = ? AND last_poll IS ?`, a.Name, micros(a.LastPoll))
		if err != nil {
			return err
		}
		_, err = tx.exec(ctx, `UPDATE accounts SET state = ?, next_poll = ?, last_success = ?, attempts = ?, error = ?, error_since = ?
			WHERE name = ? AND state NOT IN (?, ?) AND settings = ?`,
			a.State, micros(a.NextPoll), micros(a.LastSuccess), a.Attempts, store.Clean(a.Error), micros(a.ErrorSince),
			a.Name, kith.StateRemoved, kith.StateDisabled, a.Settings)
		return err
	})
}

// ours runs an update of an account that finds no row if another run has
// started since, or if there is no such account.
func (tx tx) ours(ctx context.Context, a kith.Account, query string, args ...any) error {
	err := changedOne(tx.exec(ctx, query, args...))
	if !errors.Is(err, kith.ErrNotFound) {
		return err
	}
	var known bool
	if err := tx.one(ctx, `SELECT EXISTS (SELECT 1 FROM accounts WHERE name = ?)`, []any{a.Name}, &known); err != nil {
		return err
	}
	if known {
		return kith.ErrTaken
	}
	return kith.ErrNotFound
}

// changedOne is [kith.ErrNotFound] if a statement found no row.
func changedOne(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	return kith.ErrNotFound
}

// Account implements [store.Accounts].
func (s *Store) Account(ctx context.Context, name string) (kith.Account, error) {
	var account kith.Account
	err := s.read(ctx, "read account "+name, func(tx tx) error {
		found, err := tx.accounts(ctx, `WHERE name = ?`, name)
		if err == nil && len(found) == 0 {
			err = kith.ErrNotFound
		}
		if err != nil {
			return err
		}
		account = found[0]
		return nil
	})
	return account, err
}

// AccountStatuses implements [store.Accounts].
func (s *Store) AccountStatuses(ctx context.Context) ([]kith.AccountStatus, error) {
	var statuses []kith.AccountStatus
	err := s.read(ctx, "read the accounts", func(tx tx) error {
		accounts, err := tx.accounts(ctx, `ORDER BY state = ?, name`, kith.StateRemoved)
		if err != nil {
			return err
		}
		quarantined := make(map[int64]int)
		err = tx.each(ctx, `SELECT stream, count(*) FROM quarantine GROUP BY stream`, nil, func(scan func(...any) error) error {
			var stream int64
			var n int
			err := scan(&stream, &n)
			quarantined[stream] = n
			return err
		})
		if err != nil {
			return err
		}
		sought, err := tx.soughtNewest(ctx)
		if err != nil {
			return err
		}
		streams := make(map[string][]kith.StreamStatus)
		err = tx.each(ctx, `SELECT `+streamColumns+` FROM streams ORDER BY account, name`, nil, func(scan func(...any) error) error {
			st, err := scanStream(scan)
			status := st.status()
			status.Quarantined, status.Sought = quarantined[st.n], sought
			streams[st.account] = append(streams[st.account], status)
			return err
		})
		if err != nil {
			return err
		}
		capped := make(map[string]time.Time)
		err = tx.each(ctx, `SELECT account, at FROM capped`, nil, func(scan func(...any) error) error {
			var account string
			var at int64
			err := scan(&account, &at)
			capped[account] = time.UnixMicro(at).UTC()
			return err
		})
		if err != nil {
			return err
		}
		statuses = make([]kith.AccountStatus, len(accounts))
		for i, a := range accounts {
			statuses[i] = kith.AccountStatus{Account: a, CappedAt: capped[a.Name], Streams: streams[a.Name]}
		}
		return nil
	})
	return statuses, err
}
