package postgres

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"kith"
	"kith/store/internal/contacts"
)

// united reads the contacts c that a clause chooses, each with those merged
// into it, and with the survivor of its company.
func (tx tx) united(ctx context.Context, clause string, args ...any) ([]kith.Contact, error) {
	found, err := tx.contacts(ctx, clause, args...)
	if err != nil {
		return nil, err
	}
	var survivors, employers uuids
	for _, c := range found {
		if c.survivor == c.ID {
			survivors = append(survivors, c.ID)
		}
		if !c.employer.IsZero() {
			employers = append(employers, c.employer)
		}
	}
	merged := make(map[kith.ID][]*kith.Contact)
	if len(survivors) > 0 {
		members, err := tx.contacts(ctx, `WHERE c.survivor = ANY ($1::uuid[]) AND c.merged_into IS NOT NULL ORDER BY c.id`, survivors)
		if err != nil {
			return nil, err
		}
		for _, m := range members {
			merged[m.survivor] = append(merged[m.survivor], &m.Contact)
		}
	}
	companies := make(map[kith.ID]party)
	if len(employers) > 0 {
		var queries pgx.Batch
		queueParties(&queries, employers, companies)
		if err := tx.SendBatch(ctx, &queries).Close(); err != nil {
			return nil, err
		}
	}
	whole := make([]kith.Contact, len(found))
	for i, c := range found {
		contacts.Unite(&c.Contact, merged[c.ID])
		if company, ok := companies[c.employer]; ok {
			c.CompanyID, c.Company = &company.id, company.name
		}
		whole[i] = c.Contact
	}
	return whole, nil
}

// filed reads a contact as its row is.
func (tx tx) filed(ctx context.Context, id kith.ID) (*filed, error) {
	found, err := tx.contacts(ctx, `WHERE c.id = $1`, [16]byte(id))
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("contact %s: %w", id, kith.ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// group reads a contact and those merged into it, by id, each as its row is. The
// contact must not be merged itself.
func (tx tx) group(ctx context.Context, id kith.ID) ([]*kith.Contact, error) {
	c, err := tx.filed(ctx, id)
	if err != nil {
		return nil, err
	}
	if c.MergedInto != nil {
		return nil, fmt.Errorf("contact %s is merged into %s: %w", id, c.MergedInto, kith.ErrConflict)
	}
	group := []*kith.Contact{&c.Contact}
	if c.survivor.IsZero() {
		return group, nil
	}
	merged, err := tx.contacts(ctx, `WHERE c.survivor = $1 AND c.merged_into IS NOT NULL ORDER BY c.id`, [16]byte(id))
	for _, m := range merged {
		group = append(group, &m.Contact)
	}
	return group, err
}

// MergeContacts implements [store.Merges].
func (s *Store) MergeContacts(ctx context.Context, into, merged kith.ID, at time.Time) error {
	return s.write(ctx, fmt.Sprintf("merge contact %s into %s", merged, into), func(tx tx) error {
		if err := tx.lock(ctx, lockContacts); err != nil {
			return err
		}
		group, err := tx.group(ctx, into)
		if err != nil {
			return err
		}
		others, err := tx.group(ctx, merged)
		if err != nil {
			return err
		}
		if err := contacts.Mergeable(group[0], others[0]); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `UPDATE contacts SET survivor = $1, merged_into = CASE id WHEN $2 THEN $1 ELSE merged_into END,
				updated_at = CASE WHEN id IN ($1, $2) THEN $3 ELSE updated_at END
			WHERE id IN ($1, $2) OR survivor = $2`, [16]byte(into), [16]byte(merged), at)
		if err != nil {
			return err
		}
		return tx.bump(ctx, "contacts")
	})
}

// UnmergeContact implements [store.Merges].
func (s *Store) UnmergeContact(ctx context.Context, id kith.ID, at time.Time) error {
	return s.write(ctx, fmt.Sprintf("undo the merge of contact %s", id), func(tx tx) error {
		if err := tx.lock(ctx, lockContacts); err != nil {
			return err
		}
		c, err := tx.filed(ctx, id)
		if err != nil {
			return err
		}
		if c.MergedInto == nil {
			return fmt.Errorf("it is not merged into another: %w", kith.ErrConflict)
		}
		group, err := tx.group(ctx, c.survivor)
		if err != nil {
			return err
		}
		into := make(map[kith.ID]kith.ID)
		for _, m := range group[1:] {
			if m.ID != id {
				into[m.ID] = *m.MergedInto
			}
		}
		_, err = tx.Exec(ctx, `UPDATE contacts SET survivor = NULL, merged_into = CASE id WHEN $2 THEN NULL ELSE merged_into END,
				updated_at = CASE WHEN id IN ($1, $2) THEN $3 ELSE updated_at END
			WHERE survivor = $1`, [16]byte(c.survivor), [16]byte(id), at)
		if err != nil {
			return err
		}
		if err := tx.writeMerged(ctx, into); err != nil {
			return err
		}
		if err := tx.seekApart(ctx, group, c.survivor, id); err != nil {
			return err
		}
		return tx.bump(ctx, "contacts")
	})
}

// writeMerged writes into whom contacts are merged, and who survives.
func (tx tx) writeMerged(ctx context.Context, into map[kith.ID]kith.ID) error {
	survivors, err := contacts.Survivors(into)
	if err != nil || len(survivors) == 0 {
		return err
	}
	var ids, intos, last uuids
	remaining := make(map[kith.ID]bool)
	for id, survivor := range survivors {
		ids, intos, last = append(ids, id), append(intos, into[id]), append(last, survivor)
		remaining[survivor] = true
	}
	done, err := tx.Exec(ctx, `UPDATE contacts c SET merged_into = u.into, survivor = u.survivor
		FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) u (id, "into", survivor) WHERE c.id = u.id`, ids, intos, last)
	if err != nil {
		return err
	}
	also, err := tx.Exec(ctx, `UPDATE contacts SET survivor = id WHERE id = ANY ($1::uuid[])`, uuids(slices.Collect(maps.Keys(remaining))))
	if err != nil {
		return err
	}
	if missing := int64(len(ids)+len(remaining)) - done.RowsAffected() - also.RowsAffected(); missing > 0 {
		return fmt.Errorf("%d contacts are merged with others, and are not there", missing)
	}
	return nil
}

// retire deletes a contact whose card is gone. Who is merged with it stays, and has
// its links. The caller holds lockContacts and lockLinks, and bumps the version.
func (tx tx) retire(ctx context.Context, id kith.ID, at time.Time) error {
	c, err := tx.filed(ctx, id)
	if err != nil {
		return err
	}
	if c.survivor.IsZero() {
		return tx.removeContact(ctx, &c.Contact, c.CompanyID, at)
	}
	group, err := tx.group(ctx, c.survivor)
	if err != nil {
		return err
	}
	heir, into := contacts.Retire(group, id)
	for _, statement := range []string{
		`UPDATE contacts SET company = $2 WHERE company = $1`,
		`INSERT INTO distinct_contacts (a, b, since) SELECT least(o, $2), greatest(o, $2), since
			FROM (SELECT CASE a WHEN $1 THEN b ELSE a END AS o, since FROM distinct_contacts WHERE a = $1 OR b = $1) d
			WHERE o <> $2 ON CONFLICT DO NOTHING`,
	} {
		if _, err := tx.Exec(ctx, statement, [16]byte(id), [16]byte(heir)); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `UPDATE contacts SET survivor = NULL, merged_into = NULL WHERE survivor = $1`, [16]byte(c.survivor)); err != nil {
		return err
	}
	if err := tx.removeContact(ctx, &c.Contact, &heir, at); err != nil {
		return err
	}
	if err := tx.writeMerged(ctx, into); err != nil {
		return err
	}
	if id != c.survivor {
		heir = c.survivor
	}
	return tx.seekApart(ctx, group, heir)
}

// seekApart has the past searched for what is left of a group, of which nothing was recorded
// as long as one was in it of whom nothing is.
func (tx tx) seekApart(ctx context.Context, group []*kith.Contact, survivors ...kith.ID) error {
	before := contacts.Whole(group)
	for _, id := range survivors {
		left, err := tx.group(ctx, id)
		if err != nil {
			return err
		}
		after := contacts.Whole(left)
		if err := tx.seek(ctx, contacts.Sought(&before, &after)); err != nil {
			return err
		}
	}
	return nil
}

// MergedContacts implements [store.Merges].
func (s *Store) MergedContacts(ctx context.Context, id kith.ID) ([]kith.Contact, error) {
	var merged []kith.Contact
	err := s.read(ctx, fmt.Sprintf("read what was merged into contact %s", id), func(tx tx) error {
		merged = nil
		c, err := tx.filed(ctx, id)
		if err != nil || c.survivor.IsZero() {
			return err
		}
		group, err := tx.united(ctx, `WHERE c.survivor = $1 AND c.merged_into IS NOT NULL ORDER BY c.id`, [16]byte(c.survivor))
		merged = contacts.Under(group, id)
		return err
	})
	return merged, err
}

// Distinguish implements [store.Merges].
func (s *Store) Distinguish(ctx context.Context, a, b kith.ID, at time.Time) error {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return s.write(ctx, fmt.Sprintf("tell contact %s from %s", a, b), func(tx tx) error {
		if err := tx.lock(ctx, lockContacts); err != nil {
			return err
		}
		if a == b {
			return fmt.Errorf("it is one contact: %w", kith.ErrConflict)
		}
		for _, id := range []kith.ID{a, b} {
			if _, err := tx.filed(ctx, id); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `INSERT INTO distinct_contacts (a, b, since) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, [16]byte(a), [16]byte(b), at)
		return err
	})
}

// Distinct implements [store.Merges].
func (s *Store) Distinct(ctx context.Context) ([][2]kith.ID, error) {
	var pairs [][2]kith.ID
	err := s.list(ctx, "read which contacts are not one", func(tx tx) error {
		pairs = nil
		return tx.each(ctx, `SELECT coalesce(x.survivor, x.id), coalesce(y.survivor, y.id) FROM distinct_contacts d
			JOIN contacts x ON x.id = d.a JOIN contacts y ON y.id = d.b`, nil,
			func(scan func(...any) error) error {
				var a, b kith.ID
				err := scan((*[16]byte)(&a), (*[16]byte)(&b))
				pairs = append(pairs, [2]kith.ID{a, b})
				return err
			})
	})
	return contacts.Pairs(pairs), err
}
