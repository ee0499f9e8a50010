package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"kith"
	"kith/store"
	"kith/store/internal/capture"
)

// labels finds the rows of a thread by one of its Message-IDs; with asRoot only
// if that is the one that names the thread.
func (tx tx) labels(ctx context.Context, hash int64, asRoot bool) (labels []int64, err error) {
	err = tx.each(ctx, `WITH thread AS (SELECT t.n FROM message_ids m
			JOIN threads o ON o.n = m.thread JOIN threads t ON t.n = coalesce(o.parent, o.n)
			WHERE m.hash = $1 AND (t.root = $1 OR NOT $2))
		SELECT n FROM thread UNION ALL SELECT x.n FROM thread JOIN threads x ON x.parent = thread.n`, []any{hash, asRoot},
		func(scan func(...any) error) error {
			var n int64
			err := scan(&n)
			labels = append(labels, n)
			return err
		})
	return labels, err
}

// hasMessageID is met by interactions i with a Message-ID, their own or a copy's.
func hasMessageID(parameter string) string {
	return `(i.message_id = ` + parameter + ` OR EXISTS (SELECT 1 FROM json_array_elements_text(i.facts -> 'ids') x WHERE x = ` + parameter + `))`
}

// bounce marks messages of ours that did not arrive. A report whose message is
// not on file is kept as a digest: it may come before its message.
func (tx tx) bounce(ctx context.Context, reports []kith.Bounce) (marked int, err error) {
	locked := false
	for _, b := range reports {
		if !store.Bounces(b) {
			continue
		}
		if !locked {
			if err := tx.lock(ctx, lockReports); err != nil {
				return 0, err
			}
			locked = true
		}
		n, err := tx.bounceOne(ctx, b)
		if err != nil {
			return 0, err
		}
		marked += n
	}
	return marked, nil
}

func (tx tx) bounceOne(ctx context.Context, b kith.Bounce) (marked int, err error) {
	hash := store.MessageHash(b.MessageID)
	labels, err := tx.labels(ctx, hash, false)
	if err != nil {
		return 0, err
	}
	found, err := entries(ctx, tx, `SELECT `+rowColumns+` FROM interactions i`+rowThread+`
		WHERE i.thread = ANY ($1::bigint[]) AND i.direction = $2 AND `+hasMessageID(`$3`)+` ORDER BY i.id FOR UPDATE OF i`,
		labels, string(kith.Outbound), b.MessageID)
	if err != nil {
		return 0, err
	}
	if len(found) == 0 {
		_, err := tx.Exec(ctx, `INSERT INTO bounces (hash, status) VALUES ($1, $2) ON CONFLICT DO NOTHING`, hash, b.Status)
		return 0, err
	}
	reason := b.Reason
	if reason == "" {
		reason = b.Status
	}
	var changed []*capture.Entry
	for _, e := range found {
		if e.DeliveryStatus != kith.DeliveryBounced {
			e.DeliveryStatus, e.DeliveryReason = kith.DeliveryBounced, reason
			changed = append(changed, e)
		}
	}
	return len(changed), tx.update(ctx, changed)
}

// waiting are messages of ours that a delivery report may have come for already.
type waiting struct {
	sent    map[int64][]*capture.Entry // by digest of the Message-ID
	reports map[int64]string           // digest: status
}

// queueDeliver looks for delivery reports that came before their messages. It
// comes last: reports are looked for when everybody can see the messages.
func (b *batch) queueDeliver(statements *pgx.Batch) waiting {
	w := waiting{make(map[int64][]*capture.Entry), make(map[int64]string)}
	var hashes []int64
	for _, e := range b.Entries {
		if e.Direction != kith.Outbound || e.DeliveryStatus == kith.DeliveryBounced || !e.Fresh && !e.Changed {
			continue
		}
		ids := e.MessageIDs
		if e.MessageID != nil {
			ids = append([]string{*e.MessageID}, ids...)
		}
		for _, id := range ids {
			hash := store.MessageHash(id)
			w.sent[hash] = append(w.sent[hash], e)
			hashes = append(hashes, hash)
		}
	}
	if len(hashes) > 0 {
		queueLock(statements, lockReports, false)
		queueEach(statements, `DELETE FROM bounces WHERE hash = ANY ($1::bigint[]) RETURNING hash, status`, []any{hashes},
			func(scan func(...any) error) error {
				var hash int64
				var status string
				err := scan(&hash, &status)
				w.reports[hash] = status
				return err
			})
	}
	return w
}

// deliver marks those that a report was found for.
func (tx tx) deliver(ctx context.Context, w waiting) error {
	var changed []*capture.Entry
	for hash, status := range w.reports {
		for _, e := range w.sent[hash] {
			if e.DeliveryStatus != kith.DeliveryBounced {
				e.DeliveryStatus, e.DeliveryReason = kith.DeliveryBounced, status
				changed = append(changed, e)
			}
		}
	}
	return tx.update(ctx, changed)
}

// update is queueUpdate, at once.
func (tx tx) update(ctx context.Context, changed []*capture.Entry) error {
	if len(changed) == 0 {
		return nil
	}
	var statements pgx.Batch
	if err := queueUpdate(&statements, changed); err != nil {
		return err
	}
	return tx.SendBatch(ctx, &statements).Close()
}
