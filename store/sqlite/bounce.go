package sqlite

import (
	"context"

	"kith"
	"kith/store"
	"kith/store/internal/capture"
)

// byMessageID finds interactions i by a Message-ID, of theirs or of a copy.
// Its parameters are the digest and, twice, the id.
const byMessageID = `i.thread IN (` + inThread + `)
	AND (i.message_id = ? OR EXISTS (SELECT 1 FROM json_each(i.facts, '$.ids') WHERE value = ?))`

// inThread finds the labels of a thread by the digest of one of its Message-IDs.
const inThread = `SELECT x.n FROM message_ids m
	JOIN threads y ON y.n = m.thread
	JOIN threads x ON x.n = coalesce(y.parent, y.n) OR x.parent = coalesce(y.parent, y.n)
	WHERE m.hash = ?`

// bounce marks messages of ours that did not arrive. A report whose message is
// not on file is kept as a digest: it may come before its message.
func (tx tx) bounce(ctx context.Context, reports []kith.Bounce) (marked int, err error) {
	for _, b := range reports {
		if !store.Bounces(b) {
			continue
		}
		hash := store.MessageHash(b.MessageID)
		var entries []*capture.Entry
		err := tx.each(ctx, `SELECT `+rowColumns+` FROM interactions i`+rowThread+` WHERE i.direction = ? AND `+byMessageID,
			[]any{string(kith.Outbound), hash, b.MessageID, b.MessageID},
			func(scan func(...any) error) error {
				e, _, err := scanEntry(scan)
				entries = append(entries, e)
				return err
			})
		if err != nil {
			return 0, err
		}
		if len(entries) == 0 {
			if _, err := tx.exec(ctx, `INSERT INTO bounces (hash, status) VALUES (?, ?) ON CONFLICT DO NOTHING`, hash, b.Status); err != nil {
				return 0, err
			}
		}
		for _, e := range entries {
			if e.DeliveryStatus == kith.DeliveryBounced {
				continue
			}
			reason := b.Reason
			if reason == "" {
				reason = b.Status
			}
			e.DeliveryStatus, e.DeliveryReason = kith.DeliveryBounced, reason
			if err := tx.update(ctx, e); err != nil {
				return 0, err
			}
			marked++
		}
	}
	return marked, nil
}

// deliver marks messages of ours whose delivery report came before them.
func (b *batch) deliver(ctx context.Context) error {
	var some bool
	if err := b.tx.one(ctx, `SELECT EXISTS (SELECT 1 FROM bounces)`, nil, &some); err != nil || !some {
		return err
	}
	sent := make(map[int64][]*capture.Entry)
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
			sent[hash] = append(sent[hash], e)
			hashes = append(hashes, hash)
		}
	}
	var found []int64
	err := b.tx.each(ctx, `SELECT b.hash, b.status FROM json_each(?) j JOIN bounces b ON b.hash = j.value`, []any{list(hashes)},
		func(scan func(...any) error) error {
			var hash int64
			var status string
			if err := scan(&hash, &status); err != nil {
				return err
			}
			for _, e := range sent[hash] {
				e.DeliveryStatus, e.DeliveryReason, e.Changed = kith.DeliveryBounced, status, true
			}
			found = append(found, hash)
			return nil
		})
	if err != nil || len(found) == 0 {
		return err
	}
	_, err = b.tx.exec(ctx, `DELETE FROM bounces WHERE hash IN (SELECT value FROM json_each(?))`, list(found))
	return err
}
