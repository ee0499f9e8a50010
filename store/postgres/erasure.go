package postgres

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"kith"
	"kith/store/internal/contacts"
)

// erased returns those of the addresses that were erased.
func (tx tx) erased(ctx context.Context, addresses []string) (map[string]bool, error) {
	if len(addresses) == 0 {
		return nil, nil
	}
	var some bool
	if err := tx.one(ctx, `SELECT EXISTS (SELECT 1 FROM forgotten WHERE why = 'erased')`, nil, &some); err != nil || !some {
		return nil, err
	}
	digests, of, err := tx.digests(ctx, addresses)
	if err != nil {
		return nil, err
	}
	erased := make(map[string]bool)
	err = tx.each(ctx, `SELECT digest FROM forgotten WHERE why = 'erased' AND digest = ANY ($1::uuid[])`, []any{digests}, func(scan func(...any) error) error {
		var d kith.ID
		err := scan((*[16]byte)(&d))
		erased[of[d]] = true
		return err
	})
	return erased, err
}

// EraseAddresses implements [store.Erasure].
func (s *Store) EraseAddresses(ctx context.Context, addresses []string, at time.Time) error {
	return s.write(ctx, "erase addresses", func(tx tx) error {
		if err := tx.lock(ctx, lockContacts); err != nil {
			return err
		}
		digests, _, err := tx.digests(ctx, addresses)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO forgotten (digest, why, at) SELECT DISTINCT d, $2, $3::timestamptz FROM unnest($1::uuid[]) d
			ON CONFLICT (digest) DO UPDATE SET why = excluded.why, at = excluded.at`, digests, string(kith.ForgottenErased), at)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM correspondents WHERE digest = ANY ($1::uuid[])`, digests); err != nil {
			return err
		}
		for _, table := range []string{"suggestions", "identities", "sought"} {
			if _, err := tx.Exec(ctx, `DELETE FROM `+table+` WHERE address = ANY ($1::text[])`, addresses); err != nil {
				return err
			}
		}
		for _, a := range addresses {
			if err := tx.eraseFromCards(ctx, a, addresses); err != nil {
				return err
			}
		}
		return tx.bump(ctx, "contacts")
	})
}

// eraseFromCards takes the addresses out of what is noted of the cards that say one of them.
func (tx tx) eraseFromCards(ctx context.Context, one string, addresses []string) error {
	said, err := json.Marshal(one)
	if err != nil {
		return err
	}
	type card struct {
		stream          int64
		ref, uid, facts string
	}
	var cards []card
	err = tx.each(ctx, `SELECT stream, ref, uid, facts::text FROM cards WHERE strpos(facts::text, $1) > 0`, []any{string(said)}, func(scan func(...any) error) error {
		var c card
		err := scan(&c.stream, &c.ref, &c.uid, &c.facts)
		cards = append(cards, c)
		return err
	})
	if err != nil {
		return err
	}
	for _, c := range cards {
		facts, err := contacts.EraseFromFacts(c.facts, addresses)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE cards SET facts = $1 WHERE stream = $2 AND ref = $3 AND uid = $4`, facts, c.stream, c.ref, c.uid); err != nil {
			return err
		}
	}
	return nil
}

// ReadmitAddresses implements [store.Erasure].
func (s *Store) ReadmitAddresses(ctx context.Context, addresses []string) (n int, err error) {
	err = s.write(ctx, "readmit addresses", func(tx tx) error {
		if err := tx.lock(ctx, lockContacts); err != nil {
			return err
		}
		digests, _, err := tx.digests(ctx, addresses)
		if err != nil {
			return err
		}
		done, err := tx.Exec(ctx, `DELETE FROM forgotten WHERE digest = ANY ($1::uuid[]) AND why = 'erased'`, digests)
		if err != nil {
			return err
		}
		if n = int(done.RowsAffected()); n == 0 {
			return nil
		}
		return tx.bump(ctx, "contacts")
	})
	return n, err
}

// scrubbed are the tables that hold people.
const scrubbed = `interactions, timeline, evidence, keys, contacts, addresses, cards, suggestions, identities, sought, quarantine`

// Scrub implements [store.Erasure].
func (s *Store) Scrub(ctx context.Context) error {
	if _, err := s.primary.pool.Exec(ctx, `VACUUM `+scrubbed); err != nil {
		return fmt.Errorf("vacuum the database: %w", err)
	}
	return nil
}
