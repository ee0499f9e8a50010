package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"kith"
	"kith/store"
)

// relink gives the links of a contact to an heir, or takes them away. The
// caller holds lockLinks.
func (tx tx) relink(ctx context.Context, contact kith.ID, heir *kith.ID) error {
	for {
		found, err := entries(ctx, tx, `SELECT `+rowColumns+` FROM timeline l JOIN interactions i ON i.id = l.interaction`+rowThread+`
			WHERE l.contact = $1 LIMIT 1000`, contact)
		if err != nil || len(found) == 0 {
			return err
		}
		var statements pgx.Batch
		ids := make(uuids, len(found))
		for n, e := range found {
			ids[n] = e.ID
			var moved []kith.Link
			e.Links = slices.DeleteFunc(e.Links, func(l kith.Link) bool {
				if l.ContactID != contact {
					return false
				}
				moved = append(moved, l)
				return true
			})
			if heir != nil {
				for i := range moved {
					moved[i].ContactID = *heir
				}
				store.AddLinks(&e.Interaction, moved...)
			}
		}
		if heir != nil {
			statements.Queue(`INSERT INTO timeline (contact, occurred_at, interaction)
				SELECT $1, occurred_at, id FROM interactions WHERE id = ANY ($2::uuid[]) ON CONFLICT DO NOTHING`, *heir, ids)
		}
		statements.Queue(`DELETE FROM timeline WHERE contact = $1 AND interaction = ANY ($2::uuid[])`, contact, ids)
		queueForget(&statements, ids)
		if err := queueUpdate(&statements, found); err != nil {
			return err
		}
		if err := tx.SendBatch(ctx, &statements).Close(); err != nil {
			return err
		}
	}
}
