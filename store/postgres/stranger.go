package postgres

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"kith"
	"kith/store"
)

// digests returns the digests of addresses, and the addresses by digest.
func (tx tx) digests(ctx context.Context, addresses []string) (digests uuids, of map[kith.ID]string, err error) {
	var salt []byte
	if err := tx.one(ctx, `SELECT value FROM salt`, nil, &salt); err != nil {
		return nil, nil, err
	}
	of = make(map[kith.ID]string, len(addresses))
	for _, a := range addresses {
		d := kith.ID(store.AddressDigest(salt, a))
		digests, of[d] = append(digests, d), a
	}
	return digests, of, nil
}

// strangers leaves out addresses that are contacts' or forgotten.
func (tx tx) strangers(ctx context.Context, addresses []string) (map[string]bool, error) {
	left := make(map[string]bool, len(addresses))
	for _, a := range addresses {
		left[a] = true
	}
	err := tx.each(ctx, `SELECT DISTINCT address FROM addresses WHERE address = ANY ($1::text[])`, []any{addresses}, func(scan func(...any) error) error {
		var a string
		err := scan(&a)
		delete(left, a)
		return err
	})
	if err != nil {
		return nil, err
	}
	digests, of, err := tx.digests(ctx, addresses)
	if err != nil {
		return nil, err
	}
	err = tx.each(ctx, `SELECT digest FROM forgotten WHERE digest = ANY ($1::uuid[])`, []any{digests}, func(scan func(...any) error) error {
		var d kith.ID
		err := scan((*[16]byte)(&d))
		delete(left, of[d])
		return err
	})
	return left, err
}

// CreateContacts implements [store.Strangers].
func (s *Store) CreateContacts(ctx context.Context, creation kith.Creation) (kith.Created, error) {
	var created kith.Created
	all := creation.Correspondents
	creation.At = creation.At.UTC().Truncate(time.Microsecond)
	err := s.write(ctx, "make contacts of correspondents", func(tx tx) error {
		created = kith.Created{}
		if err := tx.lock(ctx, lockContacts); err != nil {
			return err
		}
		left, err := tx.strangers(ctx, addressesOf(all))
		if err != nil {
			return err
		}
		creation.Correspondents = slices.DeleteFunc(slices.Clone(all), func(c kith.Correspondent) bool { return !left[c.Address] })
		digests, of, err := tx.digests(ctx, slices.Sorted(maps.Keys(left)))
		if err != nil {
			return err
		}
		known := make(map[string]kith.Ways)
		err = tx.each(ctx, `SELECT digest, ways FROM correspondents WHERE digest = ANY ($1::uuid[])`, []any{digests}, func(scan func(...any) error) error {
			var d kith.ID
			var ways int
			err := scan((*[16]byte)(&d), &ways)
			known[of[d]] = kith.Ways(ways)
			return err
		})
		if err != nil {
			return err
		}
		eligible, remember := store.Eligible(creation, known)
		var keep uuids
		var ways []int32
		for _, d := range digests {
			if w := remember[of[d]]; w != 0 {
				keep, ways = append(keep, d), append(ways, int32(w))
			}
		}
		if len(keep) > 0 {
			if _, err := tx.Exec(ctx, `INSERT INTO correspondents (digest, ways) SELECT * FROM unnest($1::uuid[], $2::integer[])
				ON CONFLICT (digest) DO UPDATE SET ways = excluded.ways`, keep, ways); err != nil {
				return err
			}
		}
		if over := len(eligible) - max(creation.Room, 0); over > 0 {
			eligible, created.LeftOut = eligible[:len(eligible)-over], over
			if _, err := tx.Exec(ctx, `INSERT INTO capped (account, at) VALUES ($1, $2) ON CONFLICT (account) DO UPDATE SET at = excluded.at`,
				store.Clean(creation.Account), creation.At); err != nil {
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

// suggest adds to what a stream suggests, by statements that follow those of the recording.
func (tx tx) suggest(ctx context.Context, statements *pgx.Batch, stream int64, rec kith.Recording) error {
	if rec.Recount {
		statements.Queue(`DELETE FROM suggestions WHERE stream = $1`, stream)
	}
	if len(rec.Suggested) == 0 {
		return nil
	}
	left, err := tx.strangers(ctx, addressesOf(rec.Suggested))
	if err != nil {
		return err
	}
	all := store.Suggested(rec.Suggested)
	for _, a := range slices.Sorted(maps.Keys(left)) {
		s := all[a]
		statements.Queue(`INSERT INTO suggestions AS s (address, stream, name, inbound, outbound, first_seen, last_seen) VALUES ($1, $2, $3, $4, $5, $6, $7)
			ON CONFLICT (address, stream) DO UPDATE SET name = CASE WHEN length(excluded.name) > length(s.name) THEN excluded.name ELSE s.name END,
			inbound = s.inbound + excluded.inbound, outbound = s.outbound + excluded.outbound,
			first_seen = least(s.first_seen, excluded.first_seen), last_seen = greatest(s.last_seen, excluded.last_seen)`,
			a, stream, s.Name, s.Inbound, s.Outbound, s.FirstSeen, s.LastSeen)
	}
	return nil
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
	_, err = tx.Exec(ctx, `INSERT INTO forgotten (digest, why, at) SELECT d, $2, $3 FROM unnest($1::uuid[]) d ON CONFLICT DO NOTHING`, digests, string(why), at)
	return err
}

// acquaint forgets that addresses, which have become contacts', were suggested or forgotten.
func (tx tx) acquaint(ctx context.Context, addresses []string) error {
	if len(addresses) == 0 {
		return nil
	}
	if _, err := tx.Exec(ctx, `DELETE FROM suggestions WHERE address = ANY ($1::text[])`, addresses); err != nil {
		return err
	}
	var some bool
	if err := tx.one(ctx, `SELECT EXISTS (SELECT 1 FROM forgotten) OR EXISTS (SELECT 1 FROM correspondents)`, nil, &some); err != nil || !some {
		return err
	}
	digests, _, err := tx.digests(ctx, addresses)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM forgotten WHERE digest = ANY ($1::uuid[]) AND why IN ($2, $3)`,
		digests, string(kith.ForgottenRemoved), string(kith.ForgottenRejected)); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM correspondents WHERE digest = ANY ($1::uuid[])`, digests)
	return err
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
				return tx.each(ctx, `SELECT address, (array_agg(name ORDER BY length(name) DESC, name COLLATE "C"))[1],
					sum(inbound)::bigint, sum(outbound)::bigint, min(first_seen), max(last_seen)
					FROM suggestions WHERE address > $1 GROUP BY address ORDER BY address LIMIT $2`, []any{last, suggestionsPage},
					func(scan func(...any) error) error {
						var one kith.Suggestion
						err := scan(&one.Address, &one.Name, &one.Inbound, &one.Outbound, &one.FirstSeen, &one.LastSeen)
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
		if _, err := tx.Exec(ctx, `DELETE FROM suggestions WHERE address = $1`, address); err != nil {
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
			done, err := tx.Exec(ctx, `DELETE FROM `+t.table)
			if err != nil {
				return err
			}
			n += int(done.RowsAffected())
		}
		return nil
	})
	return n, err
}
