package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"kith"
	"kith/store"
	"kith/store/internal/capture"
)

const identityColumns = `address, owner, state, sent, plus, delivered, last_seen, decided_at`

func scanIdentity(scan func(...any) error) (kith.Identity, error) {
	var i kith.Identity
	var last, decided sql.NullInt64
	err := scan(&i.Address, &i.Owner, &i.State, &i.Seen.Sent, &i.Seen.Plus, &i.Seen.Delivered, &last, &decided)
	i.LastSeen, i.Decided = timeOf(last), timeOf(decided)
	return i, err
}

// Identities implements [store.Identities].
func (s *Store) Identities(ctx context.Context) ([]kith.Identity, error) {
	var all []kith.Identity
	err := s.read(ctx, "read the identities", func(tx tx) error {
		return tx.each(ctx, `SELECT `+identityColumns+` FROM identities ORDER BY address`, nil, func(scan func(...any) error) error {
			i, err := scanIdentity(scan)
			all = append(all, i)
			return err
		})
	})
	return all, err
}

// DecideIdentity implements [store.Identities].
func (s *Store) DecideIdentity(ctx context.Context, address string, state kith.IdentityState, owner string, at time.Time) (kith.Identity, error) {
	address, owner = store.Clean(address), store.Clean(owner)
	var decided kith.Identity
	err := s.write(ctx, "decide about an identity", func(tx tx) error {
		if at.IsZero() {
			return errors.New("it needs the time of the decision")
		}
		err := tx.each(ctx, `INSERT INTO identities (`+identityColumns+`) VALUES (?, ?, ?, 0, 0, 0, NULL, ?)
			ON CONFLICT (address) DO UPDATE SET state = excluded.state, decided_at = excluded.decided_at,
				owner = CASE excluded.owner WHEN '' THEN owner ELSE excluded.owner END
			RETURNING `+identityColumns, []any{address, owner, string(state), micros(at)},
			func(scan func(...any) error) (err error) {
				decided, err = scanIdentity(scan)
				return err
			})
		if err != nil {
			return err
		}
		if state == kith.IdentityRejected {
			decided.Seen, decided.LastSeen = kith.SightingCounts{}, time.Time{}
			_, err := tx.exec(ctx, `UPDATE identities SET sent = 0, plus = 0, delivered = 0, last_seen = NULL WHERE address = ?`, address)
			if err != nil {
				return err
			}
		}
		return tx.bumpContacts(ctx)
	})
	if err != nil {
		return kith.Identity{}, err
	}
	return decided, nil
}

// sight counts what a batch says of addresses that seem to be ours.
func (tx tx) sight(ctx context.Context, sighted []*capture.Sighted) error {
	for _, s := range sighted {
		_, err := tx.exec(ctx, fmt.Sprintf(`INSERT INTO identities (`+identityColumns+`)
			SELECT ?1, ?2, 'proposed', ?3, ?4, ?5, ?6, NULL
			WHERE (SELECT count(*) FROM identities WHERE state = 'proposed') < %d OR EXISTS (SELECT 1 FROM identities WHERE address = ?1)
			ON CONFLICT (address) DO UPDATE SET sent = sent + excluded.sent, plus = plus + excluded.plus, delivered = delivered + excluded.delivered,
				last_seen = max(coalesce(last_seen, excluded.last_seen), excluded.last_seen)
			WHERE state = 'proposed'`, store.MostProposed), s.Address, s.Owner, s.Counts.Sent, s.Counts.Plus, s.Counts.Delivered, s.Last.UnixMicro())
		if err != nil {
			return err
		}
	}
	return nil
}
