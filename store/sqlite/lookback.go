package sqlite

import (
	"context"

	"kith"
	"kith/store"
)

var insertSought = insertion{`INSERT INTO sought (n, address) VALUES`, 2, ``}

// seek makes addresses those that look-back searches for.
func (tx tx) seek(ctx context.Context, addresses []string) error {
	if len(addresses) == 0 {
		return nil
	}
	var newest int64
	err := tx.one(ctx, `UPDATE meta SET value = value + ? WHERE name = 'sought' RETURNING value`, []any{len(addresses)}, &newest)
	if err != nil {
		return err
	}
	var rows []any
	for i, a := range addresses {
		if n := newest - int64(len(addresses)-1-i); n > newest-store.SoughtKept {
			rows = append(rows, n, a)
		}
	}
	if err := tx.insert(ctx, insertSought, rows); err != nil {
		return err
	}
	_, err = tx.exec(ctx, `DELETE FROM sought WHERE n <= ?`, newest-store.SoughtKept)
	return err
}

// dropAddress takes an address from a contact. Nobody looks for what no contact has.
func (tx tx) dropAddress(ctx context.Context, address string, contact int64) error {
	if _, err := tx.exec(ctx, `DELETE FROM addresses WHERE address = ? AND contact = ?`, addressKey(address), contact); err != nil {
		return err
	}
	_, err := tx.exec(ctx, `DELETE FROM sought WHERE address = ? AND NOT EXISTS (SELECT 1 FROM addresses WHERE address = ?)`, address, addressKey(address))
	return err
}

// soughtNewest returns the number of the newest address for look-back.
func (tx tx) soughtNewest(ctx context.Context) (newest int64, err error) {
	err = tx.one(ctx, `SELECT value FROM meta WHERE name = 'sought'`, nil, &newest)
	return newest, err
}

// Sought implements [store.Recorder].
func (s *Store) Sought(ctx context.Context, after int64) (addresses []kith.Sought, ok bool, err error) {
	err = s.read(ctx, "read what is looked for", func(tx tx) error {
		newest, err := tx.soughtNewest(ctx)
		if err != nil {
			return err
		}
		if ok = after >= newest-store.SoughtKept; !ok {
			return nil
		}
		return tx.each(ctx, `SELECT n, address FROM sought WHERE n > ? ORDER BY n`, []any{after}, func(scan func(...any) error) error {
			var one kith.Sought
			err := scan(&one.N, &one.Address)
			addresses = append(addresses, one)
			return err
		})
	})
	return addresses, ok, err
}
