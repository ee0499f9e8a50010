package sqlite

import (
	"context"
	"time"

	"kith"
	"kith/store"
	"kith/store/internal/capture"
)

// withdraw marks as gone the places that a recording withdraws, and returns which
// interactions they showed, with the reason.
func (tx tx) withdraw(ctx context.Context, stream int64, rec *kith.Recording) (map[int64]kith.Reason, error) {
	if len(rec.Withdrawn) == 0 && len(rec.Covered) == 0 {
		return nil, nil
	}
	reason := capture.Withdrawn(rec)
	withdrawn := make(map[int64]kith.Reason)
	var refs []string
	take := func(scan func(...any) error) error {
		var ref string
		var n int64
		err := scan(&ref, &n)
		if why := reason(ref); why != "" {
			refs = append(refs, ref)
			withdrawn[n] = why
		}
		return err
	}
	var some bool
	if err := tx.one(ctx, `SELECT EXISTS (SELECT 1 FROM evidence WHERE stream = ?)`, []any{stream}, &some); err != nil || !some {
		return nil, err
	}
	named, ranges := make([]string, len(rec.Withdrawn)), make([][2]string, len(rec.Covered))
	for i, w := range rec.Withdrawn {
		named[i] = w.Ref
	}
	for i, r := range rec.Covered {
		ranges[i] = [2]string{r.From, r.To}
	}
	err := tx.each(ctx, `SELECT ref, interaction FROM evidence WHERE stream = ? AND ref IN (SELECT value FROM json_each(?)) AND gone = 0`,
		[]any{stream, list(named)}, take)
	if err != nil {
		return nil, err
	}
	// Range by range: each is a few rows of the table's own order.
	err = tx.each(ctx, `SELECT e.ref, e.interaction FROM json_each(?) j CROSS JOIN evidence e
		ON e.stream = ? AND e.ref >= j.value ->> 0 AND e.ref < j.value ->> 1 WHERE e.gone = 0`, []any{list(ranges), stream}, take)
	if err != nil || len(refs) == 0 {
		return nil, err
	}
	return withdrawn, tx.gone(ctx, stream, refs)
}

// settle decides about the meetings whose places were withdrawn, and counts those that do not stay.
func (tx tx) settle(ctx context.Context, withdrawn map[int64]kith.Reason) (settled int, err error) {
	if len(withdrawn) == 0 {
		return 0, nil
	}
	numbers := make([]int64, 0, len(withdrawn))
	for n := range withdrawn {
		numbers = append(numbers, n)
	}
	var cancelled []int64
	forgotten := make(map[int64][]byte)
	err = tx.each(ctx, `SELECT i.n, i.status, i.keys FROM json_each(?) j JOIN interactions i ON i.n = j.value
		WHERE i.kind = 'meeting' AND NOT EXISTS (SELECT 1 FROM evidence e WHERE e.interaction = i.n AND e.gone = 0)`, []any{list(numbers)},
		func(scan func(...any) error) error {
			var n int64
			var status kith.Status
			var keys []byte
			if err := scan(&n, &status, &keys); err != nil {
				return err
			}
			switch store.FateOf(withdrawn[n], status) {
			case store.FateCancelled:
				cancelled = append(cancelled, n)
			case store.FateForgotten:
				forgotten[n] = keys
			}
			return nil
		})
	if err != nil {
		return 0, err
	}
	if len(cancelled) > 0 {
		if _, err := tx.exec(ctx, `UPDATE interactions SET status = 'cancelled' WHERE n IN (SELECT value FROM json_each(?))`, list(cancelled)); err != nil {
			return 0, err
		}
	}
	for n, keys := range forgotten {
		if err := tx.remove(ctx, n, keys); err != nil {
			return 0, err
		}
	}
	return len(cancelled) + len(forgotten), nil
}

// compare looks for meetings of which those that are new may be copies.
func (b *batch) compare(ctx context.Context) error {
	slots := b.NewMeetings()
	if len(slots) == 0 {
		return nil
	}
	asked := make([][2]any, len(slots))
	for i, slot := range slots {
		asked[i] = [2]any{slot.At, slot.Subject}
	}
	var onFile []kith.Interaction
	err := b.tx.each(ctx, `SELECT `+rowColumns+` FROM json_each(?) j CROSS JOIN interactions i
		ON i.occurred_at = j.value ->> 0 AND i.subject = j.value ->> 1`+rowThread+` WHERE i.kind = 'meeting'`, []any{list(asked)},
		func(scan func(...any) error) error {
			e, _, err := scanEntry(scan)
			if err == nil {
				onFile = append(onFile, e.Interaction)
			}
			return err
		})
	if err != nil {
		return err
	}
	b.Compare(onFile)
	return nil
}

// Conclude implements [store.Recorder].
func (s *Store) Conclude(ctx context.Context, now time.Time, every time.Duration) (recorded int, err error) {
	err = s.write(ctx, "record the meetings that have ended", func(tx tx) error {
		turn, err := tx.ExecContext(ctx, `UPDATE meta SET value = ? WHERE name = 'concluded' AND value NOT BETWEEN ? AND ?`,
			now.UnixMicro(), now.Add(-every).UnixMicro()+1, now.UnixMicro())
		if err != nil {
			return err
		}
		if n, err := turn.RowsAffected(); err != nil || n == 0 && every > 0 {
			return err
		}
		done, err := tx.ExecContext(ctx, `UPDATE interactions SET status = 'recorded' WHERE status = 'planned' AND kind = 'meeting' AND facts ->> '$.ended[0]' <= ?`, now.UnixMicro())
		if err != nil {
			return err
		}
		n, err := done.RowsAffected()
		recorded = int(n)
		return err
	})
	return recorded, err
}

// Calendars implements [store.Recorder].
func (s *Store) Calendars(ctx context.Context, account string) (names []string, err error) {
	err = s.read(ctx, "look for the calendars of account "+account, func(tx tx) error {
		names = nil
		return tx.each(ctx, `SELECT s.name FROM streams s WHERE s.account = ? AND EXISTS (
			SELECT 1 FROM evidence e JOIN interactions i ON i.n = e.interaction WHERE e.stream = s.n AND e.gone = 0 AND i.kind = 'meeting') ORDER BY s.name`,
			[]any{store.Clean(account)}, func(scan func(...any) error) error {
				var name string
				err := scan(&name)
				names = append(names, name)
				return err
			})
	})
	return names, err
}
