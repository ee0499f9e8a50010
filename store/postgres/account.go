package postgres

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"kith"
	"kith/store"
)

const accountColumns = `a.name, a.origin, a.kind, a.owner, a.schedule, a.settings, a.state, a.next_poll, a.last_poll, a.last_success,
	a.attempts, a.error, a.error_since, a.daemon, a.leased_until`

// claimable is the condition of the indexes that find due accounts.
const claimable = `a.state NOT IN ('removed', 'disabled', 'needs_attention')`

func scanAccount(scan func(...any) error, more ...any) (kith.Account, error) {
	var a kith.Account
	var next, last, success, since, leased pgtype.Timestamptz
	err := scan(append([]any{
		&a.Name, (*string)(&a.Origin), &a.Kind, &a.Owner, &a.Schedule, &a.Settings, (*string)(&a.State), &next, &last, &success,
		&a.Attempts, &a.Error, &since, &a.Daemon, &leased,
	}, more...)...)
	a.NextPoll, a.LastPoll, a.LastSuccess, a.ErrorSince, a.LeasedUntil = next.Time, last.Time, success.Time, since.Time, leased.Time
	return a, err
}

// timestamp is a time as a column, NULL when zero.
func timestamp(t time.Time) pgtype.Timestamptz {
	return pgtype.Timestamptz{Time: t, Valid: !t.IsZero()}
}

// due is the column next_poll: the zero time is long ago.
func due(t time.Time) pgtype.Timestamptz {
	if t.IsZero() {
		return pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}
	}
	return timestamp(t)
}

// accounts reads the accounts a that a clause chooses.
func (tx tx) accounts(ctx context.Context, clause string, args ...any) ([]kith.Account, error) {
	return tx.accountsBy(ctx, `SELECT `+accountColumns+` FROM accounts a `+clause, args...)
}

// accountsBy reads accounts by a query whose columns are accountColumns.
func (tx tx) accountsBy(ctx context.Context, query string, args ...any) ([]kith.Account, error) {
	var accounts []kith.Account
	err := tx.each(ctx, query, args, func(scan func(...any) error) error {
		a, err := scanAccount(scan)
		accounts = append(accounts, a)
		return err
	})
	return accounts, err
}

// Reconcile implements [store.Accounts].
func (s *Store) Reconcile(ctx context.Context, accounts []kith.Account) error {
	names := make([]string, len(accounts))
	for i, a := range accounts {
		names[i] = a.Name
	}
	return s.write(ctx, "reconcile the accounts", func(tx tx) error {
		d, err := tx.definer(ctx, `WHERE a.name = ANY ($1::text[]) OR a.origin = 'file'`, names)
		if err != nil {
			return err
		}
		for _, a := range accounts {
			a.Origin = kith.OriginFile
			if err := d.define(a, false); err != nil {
				return fmt.Errorf("account %s: %w", a.Name, err)
			}
		}
		for name, a := range d.known {
			if a.Origin == kith.OriginFile && a.State != kith.StateRemoved && !d.given[name] {
				a.State = kith.StateRemoved
				d.change(a)
			}
		}
		return d.write(ctx)
	})
}

// definer gives accounts the rows that their definitions want.
type definer struct {
	tx      tx
	known   map[string]kith.Account
	given   map[string]bool
	changed map[string]bool
}

// definer reads the accounts that a clause chooses, and keeps others from them to
// the end of the transaction.
func (tx tx) definer(ctx context.Context, clause string, args ...any) (*definer, error) {
	if err := tx.lock(ctx, lockAccounts); err != nil {
		return nil, err
	}
	found, err := tx.accounts(ctx, clause+` ORDER BY a.name FOR UPDATE`, args...)
	if err != nil {
		return nil, err
	}
	d := &definer{tx: tx, known: make(map[string]kith.Account, len(found)), given: make(map[string]bool), changed: make(map[string]bool)}
	for _, a := range found {
		d.known[a.Name] = a
	}
	return d, nil
}

func (d *definer) define(a kith.Account, disabled bool) error {
	var was *kith.Account
	if known, ok := d.known[a.Name]; ok {
		was = &known
	}
	is, err := store.DefineAccount(was, a, disabled)
	if err != nil {
		return err
	}
	d.given[a.Name] = true
	if was == nil || is != *was {
		d.change(is)
	}
	return nil
}

func (d *definer) change(a kith.Account) {
	d.known[a.Name], d.changed[a.Name] = a, true
}

// write writes the rows that have changed.
func (d *definer) write(ctx context.Context) error {
	if len(d.changed) == 0 {
		return nil
	}
	var names, origins, kinds, owners, schedules, settings, states, failures []string
	var next, since []pgtype.Timestamptz
	var attempts []int
	for name := range d.changed {
		a := d.known[name]
		names, origins, kinds, owners = append(names, a.Name), append(origins, string(a.Origin)), append(kinds, a.Kind), append(owners, a.Owner)
		schedules, settings, states = append(schedules, a.Schedule), append(settings, a.Settings), append(states, string(a.State))
		next, attempts = append(next, due(a.NextPoll)), append(attempts, a.Attempts)
		failures, since = append(failures, a.Error), append(since, timestamp(a.ErrorSince))
	}
	_, err := d.tx.Exec(ctx, `INSERT INTO accounts (name, origin, kind, owner, schedule, settings, state, next_poll, attempts, error, error_since)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
			$8::timestamptz[], $9::integer[], $10::text[], $11::timestamptz[])
		ON CONFLICT (name) DO UPDATE SET origin = excluded.origin, kind = excluded.kind, owner = excluded.owner,
			schedule = excluded.schedule, settings = excluded.settings, state = excluded.state, next_poll = excluded.next_poll,
			attempts = excluded.attempts, error = excluded.error, error_since = excluded.error_since`,
		names, origins, kinds, owners, schedules, settings, states, next, attempts, failures, since)
	return err
}

// ClaimDue implements [store.Accounts].
func (s *Store) ClaimDue(ctx context.Context, now, lease time.Time, limit int) ([]kith.Account, error) {
	var claimed []kith.Account
	err := s.write(ctx, "claim due accounts", func(tx tx) error {
		claimed = nil
		for _, condition := range []string{
			`a.next_poll <= $1 ORDER BY a.next_poll, a.name`,
			// The clock was set back.
			fmt.Sprintf(`a.next_poll > $1 AND a.last_poll > $1 + interval '%d seconds' ORDER BY a.next_poll, a.name`, int(store.ClockSkew.Seconds())),
		} {
			if limit <= len(claimed) {
				return nil
			}
			// Others that claim at the same time take the next ones, instead of waiting.
			found, err := tx.accountsBy(ctx, `WITH due AS (
					SELECT a.name FROM accounts a WHERE `+claimable+` AND (a.leased_until IS NULL OR a.leased_until <= $1)
					AND `+condition+` LIMIT $3 FOR UPDATE SKIP LOCKED)
				UPDATE accounts a SET daemon = '', leased_until = $2 FROM due WHERE a.name = due.name RETURNING `+accountColumns,
				now, lease, limit-len(claimed))
			if err != nil {
				return err
			}
			slices.SortFunc(found, func(a, b kith.Account) int {
				return cmp.Or(a.NextPoll.Compare(b.NextPoll), cmp.Compare(a.Name, b.Name))
			})
			claimed = append(claimed, found...)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return claimed, nil
}

// PollStarted implements [store.Accounts].
func (s *Store) PollStarted(ctx context.Context, a kith.Account, daemon string, at, lease time.Time) error {
	return s.write(ctx, "note the start of a poll of account "+a.Name, func(tx tx) error {
		done, err := tx.Exec(ctx, `UPDATE accounts SET last_poll = $1, daemon = $2, leased_until = $3
			WHERE name = $4 AND last_poll IS NOT DISTINCT FROM $5`,
			timestamp(at), daemon, timestamp(lease), a.Name, timestamp(a.LastPoll))
		if err != nil || done.RowsAffected() > 0 {
			return err
		}
		found, err := tx.accounts(ctx, `WHERE a.name = $1`, a.Name)
		switch {
		case err != nil:
			return err
		case len(found) == 0:
			return kith.ErrNotFound
		}
		return kith.ErrTaken
	})
}

// PollEnded implements [store.Accounts].
func (s *Store) PollEnded(ctx context.Context, a kith.Account) error {
	return s.write(ctx, "note the end of a poll of account "+a.Name, func(tx tx) error {
		found, err := tx.accounts(ctx, `WHERE a.name = $1 FOR UPDATE`, a.Name)
		switch {
		case err != nil:
			return err
		case len(found) == 0:
			return kith.ErrNotFound
		}
		is := found[0]
		if !is.LastPoll.Equal(a.LastPoll.Truncate(time.Microsecond)) {
			return kith.ErrTaken
		}
		if is.State != kith.StateRemoved && is.State != kith.StateDisabled && is.Settings == a.Settings {
			is = a
		}
		_, err = tx.Exec(ctx, `UPDATE accounts SET daemon = '', leased_until = NULL,
			state = $2, next_poll = $3, last_success = $4, attempts = $5, error = $6, error_since = $7 WHERE name = $1`,
			a.Name, string(is.State), due(is.NextPoll), timestamp(is.LastSuccess), is.Attempts, store.Clean(is.Error), timestamp(is.ErrorSince))
		return err
	})
}

// Account implements [store.Accounts].
func (s *Store) Account(ctx context.Context, name string) (kith.Account, error) {
	var account kith.Account
	err := s.read(ctx, "read account "+name, func(tx tx) error {
		found, err := tx.accounts(ctx, `WHERE a.name = $1`, store.Clean(name))
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
	err := s.list(ctx, "read the accounts", func(tx tx) error {
		accounts, err := tx.accounts(ctx, `ORDER BY a.state = 'removed', a.name`)
		if err != nil {
			return err
		}
		streams := make(map[string][]kith.StreamStatus)
		err = tx.each(ctx, `SELECT `+streamColumns+`, (SELECT count(*) FROM quarantine WHERE stream = s.n), `+soughtNewest+`
			FROM streams s ORDER BY s.account, s.name`, nil, func(scan func(...any) error) error {
			var quarantined int
			var sought int64
			st, err := scanStream(scan, &quarantined, &sought)
			status := st.status()
			status.Quarantined, status.Sought = quarantined, sought
			streams[st.account] = append(streams[st.account], status)
			return err
		})
		if err != nil {
			return err
		}
		capped := make(map[string]time.Time)
		err = tx.each(ctx, `SELECT account, at FROM capped`, nil, func(scan func(...any) error) error {
			var account string
			var at time.Time
			err := scan(&account, &at)
			capped[account] = at.UTC()
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

// changedOne is [kith.ErrNotFound] if a statement found no row.
func (tx tx) changedOne(ctx context.Context, statement string, args ...any) error {
	done, err := tx.Exec(ctx, statement, args...)
	if err == nil && done.RowsAffected() == 0 {
		err = kith.ErrNotFound
	}
	return err
}
