package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"kith"
	"kith/store"
	"kith/store/internal/capture"
)

const identityColumns = `address, owner, state, sent, plus, delivered, last_seen, decided_at`

func scanIdentity(scan func(...any) error) (kith.Identity, error) {
	var i kith.Identity
	var last, decided pgtype.Timestamptz
	err := scan(&i.Address, &i.Owner, (*string)(&i.State), &i.Seen.Sent, &i.Seen.Plus, &i.Seen.Delivered, &last, &decided)
	if last.Valid {
		i.LastSeen = last.Time.UTC()
	}
	if decided.Valid {
		i.Decided = decided.Time.UTC()
	}
	return i, err
}

// Identities implements [store.Identities].
func (s *Store) Identities(ctx context.Context) ([]kith.Identity, error) {
	var all []kith.Identity
	err := s.read(ctx, "read the identities", func(tx tx) error {
		all = nil
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
		err := tx.each(ctx, `INSERT INTO identities AS i (`+identityColumns+`) VALUES ($1, $2, $3, 0, 0, 0, NULL, $4)
			ON CONFLICT (address) DO UPDATE SET state = excluded.state, decided_at = excluded.decided_at,
				owner = CASE excluded.owner WHEN '' THEN i.owner ELSE excluded.owner END
			RETURNING `+identityColumns, []any{address, owner, string(state), at},
			func(scan func(...any) error) (err error) {
				decided, err = scanIdentity(scan)
				return err
			})
		if err != nil {
			return err
		}
		if state == kith.IdentityRejected {
			decided.Seen, decided.LastSeen = kith.SightingCounts{}, time.Time{}
			_, err := tx.Exec(ctx, `UPDATE identities SET sent = 0, plus = 0, delivered = 0, last_seen = NULL WHERE address = $1`, address)
			if err != nil {
				return err
			}
		}
		return tx.bump(ctx, "contacts")
	})
	if err != nil {
		return kith.Identity{}, err
	}
	return decided, nil
}

// queueSighted counts what a batch says of addresses that seem to be ours.
func queueSighted(statements *pgx.Batch, sighted []*capture.Sighted) {
	if len(sighted) == 0 {
		return
	}
	var addresses, owners []string
	var sent, plus, delivered []int32
	var last []time.Time
	for _, s := range sighted {
		addresses, owners, last = append(addresses, s.Address), append(owners, s.Owner), append(last, s.Last)
		sent, plus, delivered = append(sent, int32(s.Counts.Sent)), append(plus, int32(s.Counts.Plus)), append(delivered, int32(s.Counts.Delivered))
	}
	statements.Queue(`INSERT INTO identities AS i (`+identityColumns+`)
		SELECT u.address, u.owner, 'proposed', u.sent, u.plus, u.delivered, u.last_seen, NULL
		FROM unnest($1::text[], $2::text[], $3::integer[], $4::integer[], $5::integer[], $6::timestamptz[])
			WITH ORDINALITY u (address, owner, sent, plus, delivered, last_seen, n)
		WHERE u.n <= $7 - (SELECT count(*) FROM identities WHERE state = 'proposed')
			OR EXISTS (SELECT 1 FROM identities k WHERE k.address = u.address)
		ORDER BY u.n
		ON CONFLICT (address) DO UPDATE SET sent = i.sent + excluded.sent, plus = i.plus + excluded.plus, delivered = i.delivered + excluded.delivered,
			last_seen = greatest(i.last_seen, excluded.last_seen)
		WHERE i.state = 'proposed'`, addresses, owners, sent, plus, delivered, last, store.MostProposed)
}
