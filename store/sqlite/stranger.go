package sqlite

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"kith"
	"kith/store"
)

var (
	insertForgotten = insertion{`INSERT INTO forgotten (digest, why, at) VALUES`, 3, `ON CONFLICT DO NOTHING`}
	insertWays      = insertion{`INSERT INTO correspondents (digest, ways) VALUES`, 2, `ON CONFLICT DO UPDATE SET ways = excluded.ways`}
	insertSuggested = insertion{`INSERT INTO suggestions (address, stream, name, inbound, outbound, first_seen, last_seen) VALUES`, 7,
		`ON CONFLICT DO UPDATE SET name = CASE WHEN length(excluded.name) > length(name) THEN excluded.name ELSE name END,
		inbound = inbound + excluded.inbound, outbound = outbound + excluded.outbound,
		first_seen = min(first_seen, excluded.first_seen), last_seen = max(last_seen, excluded.last_seen)`}
)

// digests returns the digests of addresses, and the addresses by digest.
func (tx tx) digests(ctx context.Context, addresses []string) (digests []any, of map[[16]byte]string, err error) {
	var salt []byte
	if err := tx.one(ctx, `SELECT value FROM salt`, nil, &salt); err != nil {
		return nil, nil, err
	}
	of = make(map[[16]byte]string, len(addresses))
	for _, a := range addresses {
		d := store.AddressDigest(salt, a)
		digests, of[d] = append(digests, d[:]), a
	}
	return digests, of, nil
}

// strangers leaves out addresses that are contacts' or forgotten.
func (tx tx) strangers(ctx context.Context, addresses []string) (map[string]bool, error) {
	left := make(map[string]bool, len(addresses))
	for _, a := range addresses {
		left[a] = true
	}
	err := tx.each(ctx, `SELECT DISTINCT a.address FROM json_each(?) j CROSS JOIN addresses a ON a.address = j.value`, []any{addressKeys(addresses)},
		func(scan func(...any) error) error {
			var key string
			err := scan(&key)
			delete(left, addressOf(key))
			return err
		})
	if err != nil {
		return nil, err
	}
	digests, of, err := tx.digests(ctx, addresses)
	if err != nil {
		return nil, err
	}
	err = tx.eachIn(ctx, `SELECT digest FROM forgotten WHERE digest IN (%s)`, nil, digests, func(scan func(...any) error) error {
		var d []byte
		if err := scan(&d); err != nil {
			return err
		}
		delete(left, of[[16]byte(d)])
		return nil
	})
	return left, err
}

// CreateContacts implements [store.Strangers].
func (s *Store) CreateContacts(ctx context.Context, creation kith.Creation) (kith.Created, error) {
	var created kith.Created
	err := s.write(ctx, "make contacts of correspondents", func(tx tx) error {
		addresses := addressesOf(creation.Correspondents)
		left, err := tx.strangers(ctx, addresses)
		if err != nil {
			return err
		}
		creation.Correspondents = slices.DeleteFunc(slices.Clone(creation.Correspondents), func(c kith.Correspondent) bool { return !left[c.Address] })
		digests, of, err := tx.digests(ctx, slices.Sorted(maps.Keys(left)))
		if err != nil {
			return err
		}
		known := make(map[string]kith.Ways)
		err = tx.eachIn(ctx, `SELECT digest, ways FROM correspondents WHERE digest IN (%s)`, nil, digests, func(scan func(...any) error) error {
			var d []byte
			var ways kith.Ways
			if err := scan(&d, &ways); err != nil {
				return err
			}
			known[of[[16]byte(d)]] = ways
			return nil
		})
		if err != nil {
			return err
		}
		eligible, remember := store.Eligible(creation, known)
		var rows []any
		for d, a := range of {
			if ways := remember[a]; ways != 0 {
				rows = append(rows, d[:], ways)
			}
		}
		if err := tx.insert(ctx, insertWays, rows); err != nil {
			return err
		}
		if over := len(eligible) - max(creation.Room, 0); over > 0 {
			eligible, created.LeftOut = eligible[:len(eligible)-over], over
			if _, err := tx.exec(ctx, `INSERT INTO capped (account, at) VALUES (?, ?) ON CONFLICT DO UPDATE SET at = excluded.at`,
				store.Clean(creation.Account), creation.At.UnixMicro()); err != nil {
				return err
			}
		}
		if created.New = len(eligible); created.New == 0 {
			return nil
		}
		made := make([]kith.Contact, len(eligible))
		for i, c := range eligible {
			made[i] = store.ContactOf(c)
		}
		b, err := tx.contactBatch(ctx, creation.At, made)
		if err != nil {
			return err
		}
		for i := range made {
			if _, _, err := b.Put(made[i]); err != nil {
				return fmt.Errorf("contact %d of %d: %w", i+1, len(made), err)
			}
		}
		return tx.writeContacts(ctx, b)
	})
	if err != nil {
		return kith.Created{}, err
	}
	return created, nil
}

func addressesOf(all []kith.Correspondent) []string {
	addresses := make(map[string]bool, len(all))
	for _, c := range all {
		addresses[c.Address] = true
	}
	return slices.Sorted(maps.Keys(addresses))
}

// suggest adds to what a stream suggests.
func (tx tx) suggest(ctx context.Context, stream int64, rec kith.Recording) error {
	if rec.Recount {
		if _, err := tx.exec(ctx, `DELETE FROM suggestions WHERE stream = ?`, stream); err != nil {
			return err
		}
	}
	if len(rec.Suggested) == 0 {
		return nil
	}
	left, err := tx.strangers(ctx, addressesOf(rec.Suggested))
	if err != nil {
		return err
	}
	all := store.Suggested(rec.Suggested)
	var rows []any
	for _, a := range slices.Sorted(maps.Keys(left)) {
		s := all[a]
		rows = append(rows, a, stream, s.Name, s.Inbound, s.Outbound, s.FirstSeen.UnixMicro(), s.LastSeen.UnixMicro())
	}
	return tx.insert(ctx, insertSuggested, rows)
}

// forget keeps capture from making contacts of addresses.
func (tx tx) forget(ctx context.Context, addresses []string, why kith.Forgotten, at time.Time) error {
	if len(addresses) == 0 {
		return nil
	}
	digests, _, err := tx.digests(ctx, addresses)
	if err != nil {
		return err
	}
	var rows []any
	for _, d := range digests {
		rows = append(rows, d, string(why), at.UnixMicro())
	}
	return tx.insert(ctx, insertForgotten, rows)
}

// acquaint forgets that addresses, which have become contacts', were suggested or forgotten.
func (tx tx) acquaint(ctx context.Context, addresses []string) error {
	if len(addresses) == 0 {
		return nil
	}
	var some bool
	if err := tx.one(ctx, `SELECT EXISTS (SELECT 1 FROM suggestions)`, nil, &some); err != nil {
		return err
	}
	if some {
		if _, err := tx.exec(ctx, `DELETE FROM suggestions WHERE address IN (SELECT value FROM json_each(?))`, list(addresses)); err != nil {
			return err
		}
	}
	if err := tx.one(ctx, `SELECT EXISTS (SELECT 1 FROM forgotten) OR EXISTS (SELECT 1 FROM correspondents)`, nil, &some); err != nil || !some {
		return err
	}
	digests, _, err := tx.digests(ctx, addresses)
	if err != nil {
		return err
	}
	for _, d := range digests {
		if _, err := tx.exec(ctx, `DELETE FROM forgotten WHERE digest = ? AND why IN (?, ?)`, d, string(kith.ForgottenRemoved), string(kith.ForgottenRejected)); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `DELETE FROM correspondents WHERE digest = ?`, d); err != nil {
			return err
		}
	}
	return nil
}

// suggestionsPage is how many suggestions are read in one transaction.
const suggestionsPage = 5000

// Suggestions implements [store.Strangers].
func (s *Store) Suggestions(ctx context.Context) iter.Seq2[kith.Suggestion, error] {
	return func(yield func(kith.Suggestion, error) bool) {
		for last := ""; ; {
			var page []kith.Suggestion
			err := s.read(ctx, "list suggestions", func(tx tx) error {
				page = nil
				return tx.each(ctx, `SELECT address, (SELECT name FROM suggestions n WHERE n.address = s.address ORDER BY length(name) DESC, name LIMIT 1),
					sum(inbound), sum(outbound), min(first_seen), max(last_seen)
					FROM suggestions s WHERE address > ? GROUP BY address ORDER BY address LIMIT ?`, []any{last, suggestionsPage},
					func(scan func(...any) error) error {
						var one kith.Suggestion
						var first, seen int64
						err := scan(&one.Address, &one.Name, &one.Inbound, &one.Outbound, &first, &seen)
						one.FirstSeen, one.LastSeen = time.UnixMicro(first).UTC(), time.UnixMicro(seen).UTC()
						page = append(page, one)
						return err
					})
			})
			if err != nil {
				yield(kith.Suggestion{}, err)
				return
			}
			for _, one := range page {
				if !yield(one, nil) {
					return
				}
				last = one.Address
			}
			if len(page) < suggestionsPage {
				return
			}
		}
	}
}

// RejectSuggestion implements [store.Strangers].
func (s *Store) RejectSuggestion(ctx context.Context, address string, at time.Time) error {
	address = store.Clean(address)
	return s.write(ctx, "reject a suggestion", func(tx tx) error {
		if _, err := tx.exec(ctx, `DELETE FROM suggestions WHERE address = ?`, address); err != nil {
			return err
		}
		return tx.forget(ctx, []string{address}, kith.ForgottenRejected, at)
	})
}

// ForgetStrangers implements [store.Strangers].
func (s *Store) ForgetStrangers(ctx context.Context, suggestions, correspondents bool) (n int, err error) {
	err = s.write(ctx, "forget strangers", func(tx tx) error {
		n = 0
		for _, t := range []struct {
			table  string
			wanted bool
		}{{"suggestions", suggestions}, {"correspondents", correspondents}} {
			if !t.wanted {
				continue
			}
			done, err := tx.exec(ctx, `DELETE FROM `+t.table)
			if err != nil {
				return err
			}
			gone, err := done.RowsAffected()
			if err != nil {
				return err
			}
			n += int(gone)
		}
		return nil
	})
	return n, err
}
