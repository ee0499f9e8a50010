package postgres

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"

	"kith"
	"kith/store"
)

// errEnough ends a dump whose taker wants no more.
var errEnough = errors.New("enough")

// Dump implements [store.Dumper].
func (s *Store) Dump(ctx context.Context) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		const what = "dump the register"
		err := s.primary.transact(ctx, modeDump, func(tx tx) error {
			return dump{tx, yield}.all(ctx)
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, s.primary.fail(ctx, what, err))
		}
	}
}

// dump is a dump under way.
type dump struct {
	tx
	yield func(store.Row, error) bool
}

// all gives all rows, kind by kind.
func (d dump) all(ctx context.Context) error {
	for _, kind := range []func(context.Context) error{
		d.versions, d.companies, d.persons, d.merged, d.distinct, d.accounts, d.definitions, d.identities, d.streams, d.quarantined, d.cards, d.cardGroups,
		d.threads, d.members, d.interactions, d.tombstones, d.erasedCopies, d.bounces, d.sought,
		d.salt, d.forgotten, d.ways, d.suggestions,
	} {
		if err := kind(ctx); err != nil {
			return err
		}
	}
	return nil
}

// dumpPage is how many rows are read at a time.
const dumpPage = "1000"

// each gives a row for every row of a query. The server keeps the answer, and
// is asked for a page at a time: so neither memory nor the time of a statement
// depends on how many there are, nor on who takes them. The driver remembers the
// columns of a statement by its text, so each query has a name of its own.
func (d dump) each(ctx context.Context, name, query string, row func(scan func(...any) error) (store.Row, error), complete ...func([]store.Row) error) error {
	if _, err := d.Exec(ctx, `DECLARE dump_`+name+` NO SCROLL CURSOR FOR `+query); err != nil {
		return err
	}
	for {
		var page []store.Row
		err := d.tx.each(ctx, `FETCH `+dumpPage+` FROM dump_`+name, nil, func(scan func(...any) error) error {
			r, err := row(scan)
			page = append(page, r)
			return err
		})
		if err != nil {
			return err
		}
		if len(page) == 0 {
			_, err := d.Exec(ctx, `CLOSE dump_`+name)
			return err
		}
		for _, complete := range complete {
			if err := complete(page); err != nil {
				return err
			}
		}
		for _, r := range page {
			if !d.yield(r, nil) {
				return errEnough
			}
		}
	}
}

func (d dump) versions(ctx context.Context) error {
	return d.each(ctx, "versions", `SELECT (SELECT value FROM meta WHERE name = 'contacts_version'),
		(SELECT value FROM meta WHERE name = 'definitions_version'), `+soughtNewest,
		func(scan func(...any) error) (store.Row, error) {
			var r store.VersionsRow
			return &r, scan(&r.Contacts, &r.Definitions, &r.Sought)
		})
}

func (d dump) companies(ctx context.Context) error {
	return d.each(ctx, "companies", `SELECT `+contactColumns+contactTables+`WHERE c.type = 'company' ORDER BY c.id`, contactRowOf)
}

func (d dump) persons(ctx context.Context) error {
	return d.each(ctx, "persons", `SELECT `+contactColumns+contactTables+`WHERE c.type = 'person' ORDER BY c.id`, contactRowOf)
}

func contactRowOf(scan func(...any) error) (store.Row, error) {
	c, err := scanContact(scan)
	if err != nil {
		return nil, err
	}
	c.Company, c.MergedInto = "", nil
	return &store.ContactRow{Contact: c.Contact}, nil
}

func (d dump) merged(ctx context.Context) error {
	return d.each(ctx, "merged", `SELECT id, merged_into FROM contacts WHERE merged_into IS NOT NULL ORDER BY id`, func(scan func(...any) error) (store.Row, error) {
		var r store.MergedRow
		return &r, scan((*[16]byte)(&r.Contact), (*[16]byte)(&r.Into))
	})
}

func (d dump) distinct(ctx context.Context) error {
	return d.each(ctx, "distinct", `SELECT a, b, since FROM distinct_contacts ORDER BY a, b`, func(scan func(...any) error) (store.Row, error) {
		var r store.DistinctRow
		return &r, scan((*[16]byte)(&r.A), (*[16]byte)(&r.B), &r.Since)
	})
}

func (d dump) accounts(ctx context.Context) error {
	return d.each(ctx, "accounts", `SELECT `+accountColumns+` FROM accounts a ORDER BY a.name`, func(scan func(...any) error) (store.Row, error) {
		a, err := scanAccount(scan)
		a.Daemon, a.LeasedUntil = "", time.Time{}
		return &store.AccountRow{Account: a}, err
	})
}

func (d dump) definitions(ctx context.Context) error {
	return d.each(ctx, "definitions", `SELECT name, text, key, box, disabled, updated_at FROM definitions ORDER BY name`,
		func(scan func(...any) error) (store.Row, error) {
			var r store.DefinitionRow
			return &r, scan(&r.Name, &r.Text, &r.Secret.Key, &r.Secret.Box, &r.Disabled, &r.UpdatedAt)
		})
}

func (d dump) identities(ctx context.Context) error {
	return d.each(ctx, "identities", `SELECT `+identityColumns+` FROM identities ORDER BY address`, func(scan func(...any) error) (store.Row, error) {
		i, err := scanIdentity(scan)
		return &store.IdentityRow{Identity: i}, err
	})
}

func (d dump) streams(ctx context.Context) error {
	return d.each(ctx, "streams", `SELECT `+streamColumns+` FROM streams s ORDER BY s.account, s.name`, func(scan func(...any) error) (store.Row, error) {
		st, err := scanStream(scan)
		return &store.StreamRow{Account: st.account, StreamStatus: st.status()}, err
	})
}

func (d dump) quarantined(ctx context.Context) error {
	return d.each(ctx, "quarantine", `SELECT s.account, s.name, q.ref, q.cause, q.since, q.attempts, q.next_try
		FROM quarantine q JOIN streams s ON s.n = q.stream ORDER BY s.account, s.name, q.ref`,
		func(scan func(...any) error) (store.Row, error) {
			var q store.QuarantinedRow
			return &q, scan(&q.Account, &q.Stream, &q.Ref, &q.Cause, &q.Since, &q.Attempts, &q.NextTry)
		})
}

func (d dump) cards(ctx context.Context) error {
	return d.each(ctx, "cards", tieColumns+`ORDER BY s.account, s.name, k.ref, k.uid`, func(scan func(...any) error) (store.Row, error) {
		t, err := scanTie(scan)
		return &store.CardRow{CardTie: t}, err
	})
}

func (d dump) cardGroups(ctx context.Context) error {
	return d.each(ctx, "card_groups", `SELECT s.account, s.name, `+groupColumns+` FROM card_groups g JOIN streams s ON s.n = g.stream
		ORDER BY s.account, s.name, g.ref, g.uid`, func(scan func(...any) error) (store.Row, error) {
		var g store.CardGroupRow
		return &g, scan(&g.Account, &g.Stream, &g.Ref, &g.UID, &g.Name, &g.Org, &g.Members)
	})
}

// fromMembers are the members m of threads t.
const fromMembers = ` FROM message_ids m JOIN threads x ON x.n = m.thread JOIN threads t ON t.n = coalesce(x.parent, x.n) `

func (d dump) threads(ctx context.Context) error {
	return d.each(ctx, "threads", `SELECT t.root, t.least, t.heads`+fromMembers+`WHERE m.hash = t.root ORDER BY m.hash`,
		func(scan func(...any) error) (store.Row, error) {
			var r store.ThreadRow
			var root int64
			var heads []byte
			err := scan(&root, &r.Least, &heads)
			r.Heads = store.DecodeHeads(root, heads)
			return &r, err
		})
}

func (d dump) members(ctx context.Context) error {
	return d.each(ctx, "members", `SELECT m.hash, t.root`+fromMembers+`WHERE m.hash <> t.root ORDER BY m.hash`,
		func(scan func(...any) error) (store.Row, error) {
			var r store.MemberRow
			return &r, scan(&r.Hash, &r.Root)
		})
}

func (d dump) interactions(ctx context.Context) error {
	return d.each(ctx, "interactions", `SELECT `+rowColumns+` FROM interactions i`+rowThread+` ORDER BY i.id`,
		func(scan func(...any) error) (store.Row, error) {
			var r row
			if err := r.scan(scan); err != nil {
				return nil, err
			}
			i, messageIDs, err := r.interaction()
			made := &store.InteractionRow{Interaction: i, MessageIDs: messageIDs}
			for keys := r.keys[len(i.Key):]; len(keys) > 0; keys = keys[len(i.Key):] {
				made.Keys = append(made.Keys, kith.Key(keys[:len(i.Key)]))
			}
			return made, err
		},
		func(page []store.Row) error {
			bare := make([]*kith.Interaction, len(page))
			for n, r := range page {
				bare[n] = &r.(*store.InteractionRow).Interaction
			}
			var queries pgx.Batch
			queuePlaces(&queries, bare)
			return d.SendBatch(ctx, &queries).Close()
		})
}

func (d dump) tombstones(ctx context.Context) error {
	return d.each(ctx, "tombstones", `SELECT key, erased_at FROM tombstones ORDER BY key`, func(scan func(...any) error) (store.Row, error) {
		var r store.TombstoneRow
		return &r, scan((*[16]byte)(&r.Key), &r.ErasedAt)
	})
}

func (d dump) erasedCopies(ctx context.Context) error {
	return d.each(ctx, "erased_copies", `SELECT fingerprint, occurred_at, erased_at FROM fingerprint_tombstones ORDER BY fingerprint, occurred_at`,
		func(scan func(...any) error) (store.Row, error) {
			var r store.ErasedCopyRow
			return &r, scan((*[16]byte)(&r.Fingerprint), &r.OccurredAt, &r.ErasedAt)
		})
}

func (d dump) bounces(ctx context.Context) error {
	return d.each(ctx, "bounces", `SELECT hash, status FROM bounces ORDER BY hash`, func(scan func(...any) error) (store.Row, error) {
		var r store.BounceRow
		return &r, scan(&r.Hash, &r.Status)
	})
}

func (d dump) sought(ctx context.Context) error {
	return d.each(ctx, "sought", `SELECT n, address FROM sought ORDER BY n`, func(scan func(...any) error) (store.Row, error) {
		var r store.SoughtRow
		return &r, scan(&r.N, &r.Address)
	})
}

func (d dump) salt(ctx context.Context) error {
	return d.each(ctx, "salt", `SELECT value FROM salt WHERE EXISTS (SELECT 1 FROM forgotten) OR EXISTS (SELECT 1 FROM correspondents)`,
		func(scan func(...any) error) (store.Row, error) {
			var r store.SaltRow
			return &r, scan(&r.Salt)
		})
}

func (d dump) forgotten(ctx context.Context) error {
	return d.each(ctx, "forgotten", `SELECT digest, why, at FROM forgotten ORDER BY digest`, func(scan func(...any) error) (store.Row, error) {
		var r store.ForgottenRow
		return &r, scan(&r.Digest, &r.Why, &r.At)
	})
}

func (d dump) ways(ctx context.Context) error {
	return d.each(ctx, "correspondents", `SELECT digest, ways FROM correspondents ORDER BY digest`, func(scan func(...any) error) (store.Row, error) {
		var r store.WaysRow
		var ways int
		err := scan(&r.Digest, &ways)
		r.Ways = kith.Ways(ways)
		return &r, err
	})
}

func (d dump) suggestions(ctx context.Context) error {
	return d.each(ctx, "suggestions", `SELECT s.account, s.name, g.address, g.name, g.inbound, g.outbound, g.first_seen, g.last_seen
		FROM suggestions g JOIN streams s ON s.n = g.stream ORDER BY g.address, s.account, s.name`, func(scan func(...any) error) (store.Row, error) {
		var r store.SuggestionRow
		return &r, scan(&r.Account, &r.Stream, &r.Address, &r.Name, &r.Inbound, &r.Outbound, &r.FirstSeen, &r.LastSeen)
	})
}
