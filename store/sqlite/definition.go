package sqlite

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
	return s.write(ctx, "put account definitions", func(tx tx) error {
		for row, d := range definitions {
			if err := tx.putDefinition(ctx, d, at); err != nil {
				return &store.RowError{Row: row, Err: fmt.Errorf("account %s: %w", d.Name, err)}
			}
		}
		return tx.definitionsChanged(ctx)
	})
}

func (tx tx) putDefinition(ctx context.Context, d kith.Definition, at time.Time) error {
	known, err := tx.accounts(ctx, `WHERE name = ?`, d.Name)
	if err != nil {
		return err
	}
	var was *kith.Account
	if len(known) > 0 {
		was = &known[0]
	}
	account := d.Account
	account.Origin = kith.OriginRegister
	if err := tx.define(ctx, was, account, d.Disabled); err != nil {
		return err
	}
	_, err = tx.exec(ctx, `INSERT INTO definitions (name, text, key, box, disabled, updated_at) VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT DO UPDATE SET text = excluded.text, key = excluded.key, box = excluded.box,
			disabled = excluded.disabled, updated_at = excluded.updated_at`,
		d.Name, d.Text, d.Secret.Key, d.Secret.Box, d.Disabled, at.UnixMicro())
	return err
}

func (tx tx) definitionsChanged(ctx context.Context) error {
	_, err := tx.exec(ctx, `UPDATE meta SET value = value + 1 WHERE name = 'definitions_version'`)
	return err
}

// Reseal implements [store.Definitions].
func (s *Store) Reseal(ctx context.Context, name string, was, now kith.Sealed) error {
	return s.write(ctx, "seal the secret of account "+name+" anew", func(tx tx) error {
		err := changedOne(tx.exec(ctx, `UPDATE definitions SET key = ?, box = ? WHERE name = ? AND key = ? AND box IS ?`,
			now.Key, now.Box, name, was.Key, was.Box))
		if err == nil {
			return nil
		}
		var known bool
		if err := tx.one(ctx, `SELECT EXISTS (SELECT 1 FROM definitions WHERE name = ?)`, []any{name}, &known); err != nil {
			return err
		}
		if known {
			return kith.ErrConflict
		}
		return err
	})
}

// RemoveDefinition implements [store.Definitions].
func (s *Store) RemoveDefinition(ctx context.Context, name string) error {
	return s.write(ctx, "remove account "+name, func(tx tx) error {
		if err := changedOne(tx.exec(ctx, `DELETE FROM definitions WHERE name = ?`, name)); err != nil {
			return err
		}
		if _, err := tx.exec(ctx, `UPDATE accounts SET state = ? WHERE name = ?`, kith.StateRemoved, name); err != nil {
			return err
		}
		return tx.definitionsChanged(ctx)
	})
}

// Definition implements [store.Definitions].
func (s *Store) Definition(ctx context.Context, name string) (kith.Definition, error) {
	var definition kith.Definition
	err := s.read(ctx, "read the definition of account "+name, func(tx tx) error {
		found, err := tx.definitions(ctx, `WHERE d.name = ?`, name)
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
				page, err = tx.definitions(ctx, `WHERE d.name > ? ORDER BY d.name LIMIT ?`, after, definitionsPage)
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

func (tx tx) definitions(ctx context.Context, clause string, args ...any) ([]kith.Definition, error) {
	var definitions []kith.Definition
	err := tx.each(ctx, `SELECT a.*, d.text, d.key, d.box, d.disabled, d.updated_at FROM definitions d
		JOIN (SELECT `+accountColumns+` FROM accounts) a ON a.name = d.name `+clause, args,
		func(scan func(...any) error) error {
			var d kith.Definition
			var at int64
			var err error
			d.Account, err = scanAccount(func(dest ...any) error {
				return scan(append(dest, &d.Text, &d.Secret.Key, &d.Secret.Box, &d.Disabled, &at)...)
			})
			d.UpdatedAt = time.UnixMicro(at).UTC()
			definitions = append(definitions, d)
			return err
		})
	return definitions, err
}

// DefinitionsVersion implements [store.Definitions].
func (s *Store) DefinitionsVersion(ctx context.Context) (version int64, err error) {
	err = s.read(ctx, "read the version of the account definitions", func(tx tx) error {
		return tx.one(ctx, `SELECT value FROM meta WHERE name = 'definitions_version'`, nil, &version)
	})
	return version, err
}
