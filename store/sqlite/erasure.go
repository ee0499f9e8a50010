package sqlite

import (
	"context"
	"encoding/json"
	"errors"
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
	err = tx.eachIn(ctx, `SELECT digest FROM forgotten WHERE why = 'erased' AND digest IN (%s)`, nil, digests, func(scan func(...any) error) error {
		var d []byte
		if err := scan(&d); err != nil {
			return err
		}
		erased[of[[16]byte(d)]] = true
		return nil
	})
	return erased, err
}

// EraseAddresses implements [store.Erasure].
func (s *Store) EraseAddresses(ctx context.Context, addresses []string, at time.Time) error {
	return s.write(ctx, "erase addresses", func(tx tx) error {
		digests, _, err := tx.digests(ctx, addresses)
		if err != nil {
			return err
		}
		for _, d := range digests {
			_, err := tx.exec(ctx, `INSERT INTO forgotten (digest, why, at) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET why = excluded.why, at = excluded.at`,
				d, string(kith.ForgottenErased), at.UnixMicro())
			if err != nil {
				return err
			}
			if _, err := tx.exec(ctx, `DELETE FROM correspondents WHERE digest = ?`, d); err != nil {
				return err
			}
		}
		for _, table := range []string{"suggestions", "identities", "sought"} {
			if _, err := tx.exec(ctx, `DELETE FROM `+table+` WHERE address IN (SELECT value FROM json_each(?))`, list(addresses)); err != nil {
				return err
			}
		}
		for _, a := range addresses {
			if err := tx.eraseFromCards(ctx, a, addresses); err != nil {
				return err
			}
		}
		return tx.bumpContacts(ctx)
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
	err = tx.each(ctx, `SELECT stream, ref, uid, facts FROM cards WHERE instr(facts, ?)`, []any{string(said)}, func(scan func(...any) error) error {
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
		if _, err := tx.exec(ctx, `UPDATE cards SET facts = ? WHERE stream = ? AND ref = ? AND uid = ?`, facts, c.stream, c.ref, c.uid); err != nil {
			return err
		}
	}
	return nil
}

// ReadmitAddresses implements [store.Erasure].
func (s *Store) ReadmitAddresses(ctx context.Context, addresses []string) (n int, err error) {
	err = s.write(ctx, "readmit addresses", func(tx tx) error {
		n = 0
		digests, _, err := tx.digests(ctx, addresses)
		if err != nil {
			return err
		}
		for _, d := range digests {
			done, err := tx.exec(ctx, `DELETE FROM forgotten WHERE digest = ? AND why = 'erased'`, d)
			if err != nil {
				return err
			}
			gone, err := done.RowsAffected()
			if err != nil {
				return err
			}
			n += int(gone)
		}
		if n == 0 {
			return nil
		}
		return tx.bumpContacts(ctx)
	})
	return n, err
}

// Scrub implements [store.Erasure].
func (s *Store) Scrub(ctx context.Context) error {
	s.open.RLock()
	defer s.open.RUnlock()
	const what = "write the database anew"
	if s.closed {
		return errors.New(what + ": the database is closed")
	}
	if _, err := s.writer.ExecContext(ctx, `VACUUM`); err != nil {
		return s.fail(ctx, what, err)
	}
	var busy, pages, moved int
	if err := s.writer.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &moved); err != nil {
		return s.fail(ctx, what, err)
	}
	if busy != 0 {
		return fmt.Errorf("%s: somebody is reading it, so its log keeps old pages", what)
	}
	return nil
}
