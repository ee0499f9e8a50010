package postgres

import (
	"context"

	"kith"
	"kith/store"
)

// seek makes addresses those that look-back searches for. The caller holds lockContacts,
// so numbers are seen in their order.
func (tx tx) seek(ctx context.Context, addresses []string) error {
	if len(addresses) == 0 {
		return nil
	}
	var newest int64
	err := tx.one(ctx, `UPDATE meta SET value = value + $1 WHERE name = 'sought' RETURNING value`, []any{len(addresses)}, &newest)
	if err != nil {
		return err
	}
	addresses = addresses[max(0, len(addresses)-store.SoughtKept):]
	if _, err := tx.Exec(ctx, `INSERT INTO sought (n, address) SELECT $1 + u.i, u.address FROM unnest($2::text[]) WITH ORDINALITY u (address, i)`,
		newest-int64(len(addresses)), addresses); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `DELETE FROM sought WHERE n <= $1`, newest-store.SoughtKept)
	return err
}

// unseek ends the search for addresses that no contact has any more.
func (tx tx) unseek(ctx context.Context, addresses []string) error {
	_, err := tx.Exec(ctx, `DELETE FROM sought s WHERE s.address = ANY ($1::text[])
		AND NOT EXISTS (SELECT 1 FROM addresses a WHERE a.address = s.address)`, addresses)
	return err
}

// soughtNewest is the number of the newest address for look-back.
const soughtNewest = `(SELECT value FROM meta WHERE name = 'sought')`

// Sought implements [store.Recorder].
func (s *Store) Sought(ctx context.Context, after int64) (addresses []kith.Sought, ok bool, err error) {
	err = s.read(ctx, "read what is looked for", func(tx tx) error {
		addresses = nil
		var newest int64
		if err := tx.one(ctx, `SELECT `+soughtNewest, nil, &newest); err != nil {
			return err
		}
		if ok = after >= newest-store.SoughtKept; !ok {
			return nil
		}
		return tx.each(ctx, `SELECT n, address FROM sought WHERE n > $1 ORDER BY n`, []any{after}, func(scan func(...any) error) error {
			var one kith.Sought
			err := scan(&one.N, &one.Address)
			addresses = append(addresses, one)
			return err
		})
	})
	return addresses, ok, err
}
