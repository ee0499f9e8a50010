package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"kith"
	"kith/store"
	"kith/store/internal/capture"
)

// errAlone: whether a meeting is shown elsewhere can be told only while nobody else records.
var errAlone = errors.New("places of meetings are withdrawn")

// withdraw marks as gone the places that a recording withdraws, and returns which
// interactions they showed, with the reason.
func (tx tx) withdraw(ctx context.Context, stream int64, rec *kith.Recording, alone bool) (map[kith.ID]kith.Reason, error) {
	if len(rec.Withdrawn) == 0 && len(rec.Covered) == 0 {
		return nil, nil
	}
	reason := capture.Withdrawn(rec)
	withdrawn := make(map[kith.ID]kith.Reason)
	var refs []string
	named, from, to := make([]string, len(rec.Withdrawn)), make([]string, len(rec.Covered)), make([]string, len(rec.Covered))
	for i, w := range rec.Withdrawn {
		named[i] = w.Ref
	}
	for i, r := range rec.Covered {
		from[i], to[i] = r.From, r.To
	}
	var queries pgx.Batch
	queueEach(&queries, `SELECT ref, interaction FROM evidence WHERE stream = $1 AND ref = ANY ($2::text[]) AND NOT gone
		UNION ALL SELECT e.ref, e.interaction FROM unnest($3::text[], $4::text[]) u (low, high),
			LATERAL (SELECT ref, interaction FROM evidence WHERE stream = $1 AND ref >= u.low COLLATE "C" AND ref < u.high COLLATE "C" AND NOT gone OFFSET 0) e`,
		[]any{stream, named, from, to},
		func(scan func(...any) error) error {
			var ref string
			var id kith.ID
			err := scan(&ref, (*[16]byte)(&id))
			if why := reason(ref); why != "" {
				refs = append(refs, ref)
				withdrawn[id] = why
			}
			return err
		})
	if err := tx.SendBatch(ctx, &queries).Close(); err != nil || len(refs) == 0 {
		return nil, err
	}
	if !alone {
		return nil, errAlone
	}
	_, err := tx.Exec(ctx, `UPDATE evidence SET gone = true WHERE stream = $1 AND ref = ANY ($2::text[])`, stream, refs)
	return withdrawn, err
}

// settle decides about the meetings whose places were withdrawn, and counts those that do not stay.
func (tx tx) settle(ctx context.Context, withdrawn map[kith.ID]kith.Reason) (settled int, err error) {
	if len(withdrawn) == 0 {
		return 0, nil
	}
	ids := make(uuids, 0, len(withdrawn))
	for id := range withdrawn {
		ids = append(ids, id)
	}
	found, err := entries(ctx, tx, `SELECT `+rowColumns+` FROM interactions i`+rowThread+` WHERE i.id = ANY ($1::uuid[]) AND i.kind = 'meeting'
		AND NOT EXISTS (SELECT 1 FROM evidence e WHERE e.interaction = i.id AND NOT e.gone) ORDER BY i.id FOR UPDATE OF i`, ids)
	if err != nil {
		return 0, err
	}
	var cancelled uuids
	var forgotten []*capture.Entry
	for _, e := range found {
		switch store.FateOf(withdrawn[e.ID], e.Status) {
		case store.FateCancelled:
			cancelled = append(cancelled, e.ID)
		case store.FateForgotten:
			forgotten = append(forgotten, e)
		}
	}
	if len(cancelled) > 0 {
		if _, err := tx.Exec(ctx, `UPDATE interactions SET status = 'cancelled' WHERE id = ANY ($1::uuid[])`, cancelled); err != nil {
			return 0, err
		}
	}
	return len(cancelled) + len(forgotten), tx.remove(ctx, forgotten)
}

// compare looks for meetings of which those that are new may be copies.
func (b *batch) compare(ctx context.Context) error {
	slots := b.NewMeetings()
	if len(slots) == 0 {
		return nil
	}
	stamps, subjects := make([]pgtype.Timestamptz, len(slots)), make([]string, len(slots))
	for i, slot := range slots {
		stamps[i], subjects[i] = pgtype.Timestamptz{Time: time.UnixMicro(slot.At), Valid: true}, slot.Subject
	}
	found, err := entries(ctx, b.tx, `SELECT `+rowColumns+` FROM unnest($1::timestamptz[], $2::text[]) u (at, subject)
		JOIN interactions i ON i.occurred_at = u.at AND i.subject = u.subject AND i.kind = 'meeting'`+rowThread, stamps, subjects)
	if err != nil {
		return err
	}
	onFile := make([]kith.Interaction, len(found))
	for i, e := range found {
		onFile[i] = e.Interaction
	}
	b.Compare(onFile)
	return nil
}

// Conclude implements [store.Recorder].
func (s *Store) Conclude(ctx context.Context, now time.Time, every time.Duration) (recorded int, err error) {
	err = s.write(ctx, "record the meetings that have ended", func(tx tx) error {
		recorded = 0
		turn, err := tx.Exec(ctx, `UPDATE meta SET value = $1 WHERE name = 'concluded' AND value NOT BETWEEN $2 AND $1`,
			now.UnixMicro(), now.Add(-every).UnixMicro()+1)
		if err != nil || turn.RowsAffected() == 0 && every > 0 {
			return err
		}
		done, err := tx.Exec(ctx, `UPDATE interactions SET status = 'recorded' WHERE status = 'planned' AND kind = 'meeting' AND (facts -> 'ended' ->> 0)::bigint <= $1`, now.UnixMicro())
		recorded = int(done.RowsAffected())
		return err
	})
	return recorded, err
}

// Calendars implements [store.Recorder].
func (s *Store) Calendars(ctx context.Context, account string) (names []string, err error) {
	err = s.read(ctx, "look for the calendars of account "+account, func(tx tx) error {
		names = nil
		return tx.each(ctx, `SELECT s.name FROM streams s WHERE s.account = $1 AND EXISTS (
			SELECT 1 FROM evidence e JOIN interactions i ON i.id = e.interaction WHERE e.stream = s.n AND NOT e.gone AND i.kind = 'meeting') ORDER BY s.name`,
			[]any{store.Clean(account)}, func(scan func(...any) error) error {
				var name string
				err := scan(&name)
				names = append(names, name)
				return err
			})
	})
	return names, err
}
