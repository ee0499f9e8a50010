package postgres

import (
	"context"
	"fmt"
	"iter"
	"time"

	"kith"
	"kith/store"
)

// PutDefinitions implements [store.Definitions].
func (s *Store) PutDefinitions(ctx context.Context, definitions []kith.Definition, at time.Time) error {
	names := make([]string, len(definitions))
	for i, d := range definitions {
		names[i] = d.Name
	}
	return s.write(ctx, "put account definitions", func(tx tx) error {
		accounts, err := tx.definer(ctx, `WHERE a.name = ANY ($1::text[])`, names)
		if err != nil {
			return err
		}
		last := make(map[string]kith.Definition, len(definitions)) // of several with one name
		for row, d := range definitions {
			account := d.Account
			account.Origin = kith.OriginRegister
			if err := accounts.define(account, d.Disabled); err != nil {
				return &store.RowError{Row: row, Err: fmt.Errorf("account %s: %w", d.Name, err)}
			}
			last[d.Name] = d
		}
		if err := accounts.write(ctx); err != nil {
			return err
		}
		if err := tx.writeDefinitions(ctx, last, at); err != nil {
			return err
		}
		return tx.bump(ctx, "definitions")
	})
}

func (tx tx) writeDefinitions(ctx context.Context, definitions map[string]kith.Definition, at time.Time) error {
	var names, texts, keys []string
	var boxes [][]byte
	var disabled []bool
	for name, d := range definitions {
		names, texts = append(names, name), append(texts, d.Text)
		keys, boxes, disabled = append(keys, d.Secret.Key), append(boxes, d.Secret.Box), append(disabled, d.Disabled)
	}
	_, err := tx.Exec(ctx, `INSERT INTO definitions (name, text, key, box, disabled, updated_at)
		SELECT d.*, $6 FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[], $5::boolean[]) d
		ON CONFLICT (name) DO UPDATE SET text = excluded.text, key = excluded.key, box = excluded.box,
			disabled = excluded.disabled, updated_at = excluded.updated_at`,
		names, texts, keys, boxes, disabled, at)
	return err
}

// Reseal implements [store.Definitions].
func (s *Store) Reseal(ctx context.Context, name string, was, now kith.Sealed) error {
	return s.write(ctx, "seal the secret of account "+name+" anew", func(tx tx) error {
		done, err := tx.Exec(ctx, `UPDATE definitions SET key = $1, box = $2 WHERE name = $3 AND key = $4 AND box IS NOT DISTINCT FROM $5`,
			now.Key, now.Box, name, was.Key, was.Box)
		if err != nil || done.RowsAffected() > 0 {
			return err
		}
		var known bool
		if err := tx.one(ctx, `SELECT EXISTS (SELECT 1 FROM definitions WHERE name = $1)`, []any{name}, &known); err != nil {
			return err
		}
		if known {
			return kith.ErrConflict
		}
		return kith.ErrNotFound
	})
}

// RemoveDefinition implements [store.Definitions].
func (s *Store) RemoveDefinition(ctx context.Context, name string) error {
	return s.write(ctx, "remove account "+name, func(tx tx) error {
		if err := tx.lock(ctx, lockAccounts); err != nil {
			return err
		}
		if err := tx.changedOne(ctx, `DELETE FROM definitions WHERE name = $1`, name); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE accounts SET state = 'removed' WHERE name = $1`, name); err != nil {
			return err
		}
		return tx.bump(ctx, "definitions")
	})
}

// Definition implements [store.Definitions].
func (s *Store) Definition(ctx context.Context, name string) (kith.Definition, error) {
	var definition kith.Definition
	err := s.read(ctx, "read the definition of account "+name, func(tx tx) error {
		found, err := tx.definitions(ctx, `WHERE d.name = $1`, store.Clean(name))
		if err == nil && len(found) == 0 {
			err = kith.ErrNotFound
		}
		if err != nil {
			return err
		}
		definition = found[0]
		return nil
	})
	return definition, err
}

// definitionsPage is how many definitions one transaction reads.
const definitionsPage = 500

// Definitions implements [store.Definitions].
func (s *Store) Definitions(ctx context.Context) iter.Seq2[kith.Definition, error] {
	return func(yield func(kith.Definition, error) bool) {
		for after := ""; ; {
			var page []kith.Definition
			err := s.read(ctx, "read the account definitions", func(tx tx) (err error) {
				page, err = tx.definitions(ctx, `WHERE d.name > $1 ORDER BY d.name LIMIT $2`, after, definitionsPage)
				return err
			})
			if err != nil {
				yield(kith.Definition{}, err)
				return
			}
			for _, d := range page {
				if !yield(d, nil) {
					return
				}
			}
			if len(page) < definitionsPage {
				return
			}
			after = page[len(page)-1].Name
		}
	}
}

// definitions reads the definitions d, and their accounts a, that a clause chooses.
func (tx tx) definitions(ctx context.Context, clause string, args ...any) ([]kith.Definition, error) {
	var definitions []kith.Definition
	err := tx.each(ctx, `SELECT `+accountColumns+`, d.text, d.key, d.box, d.disabled, d.updated_at
		FROM definitions d JOIN accounts a ON a.name = d.name `+clause, args,
		func(scan func(...any) error) (err error) {
			var d kith.Definition
			d.Account, err = scanAccount(scan, &d.Text, &d.Secret.Key, &d.Secret.Box, &d.Disabled, &d.UpdatedAt)
			definitions = append(definitions, d)
			return err
		})
	return definitions, err
}

// DefinitionsVersion implements [store.Definitions].
func (s *Store) DefinitionsVersion(ctx context.Context) (int64, error) {
	return s.version(ctx, "definitions")
}
