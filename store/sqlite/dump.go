package sqlite

import (
	"context"
	"errors"
	"iter"
	"time"

	"kith"
	"kith/store"
)

// errEnough ends a dump whose taker wants no more.
var errEnough = errors.New("enough")

// Dump implements [store.Dumper].
func (s *Store) Dump(ctx context.Context) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		err := s.read(ctx, "dump the register", func(tx tx) error {
			return dump{tx, yield}.all(ctx)
		})
		if err != nil && !errors.Is(err, errEnough) {
			yield(nil, err)
		}
	}
}

// dump is a dump under way.
type dump struct {
	tx
	yield func(store.Row, error) bool
}

func (d dump) give(row store.Row, err error) error {
	if err == nil && !d.yield(row, nil) {
		err = errEnough
	}
	return err
}

// Every query follows an index: sorting would take memory for all that is sorted.
const (
	dumpContacts = `SELECT ` + contactColumns + contactTables + `WHERE c.type = ? ORDER BY c.n`
	dumpMerged   = `SELECT c.n, c.tail, i.n, i.tail FROM contacts c CROSS JOIN contacts i ON i.n = c.merged_into ORDER BY c.n`
	dumpDistinct = `SELECT x.n, x.tail, y.n, y.tail, d.since FROM distinct_contacts d
		CROSS JOIN contacts x ON x.n = d.a CROSS JOIN contacts y ON y.n = d.b ORDER BY d.a, d.b`
	dumpQuarantine = `SELECT s.account, s.name, q.ref, q.cause, q.since, q.attempts, q.next_try
		FROM streams s CROSS JOIN quarantine q ON q.stream = s.n ORDER BY s.account, s.name, q.ref`
	dumpCards = `SELECT s.account, s.name, k.ref, k.uid, k.contact, k.tail, k.facts, k.gone_at
		FROM streams s CROSS JOIN cards k ON k.stream = s.n ORDER BY s.account, s.name, k.ref, k.uid`
	dumpCardGroups = `SELECT s.account, s.name, g.ref, g.uid, g.name, g.org
		FROM streams s CROSS JOIN card_groups g ON g.stream = s.n ORDER BY s.account, s.name, g.ref, g.uid`
	dumpThreads      = `SELECT t.root, t.least, t.heads` + fromMembers + `WHERE m.hash = t.root ORDER BY m.hash`
	dumpMembers      = `SELECT m.hash, t.root` + fromMembers + `WHERE m.hash <> t.root ORDER BY m.hash`
	dumpInteractions = `SELECT ` + rowColumns + ` FROM interactions i` + rowThread + ` WHERE i.n > ? ORDER BY i.n LIMIT ?`

	// The members m of threads t.
	fromMembers = ` FROM message_ids m CROSS JOIN threads x ON x.n = m.thread CROSS JOIN threads t ON t.n = coalesce(x.parent, x.n) `
)

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

func (d dump) versions(ctx context.Context) error {
	var v store.VersionsRow
	err := d.one(ctx, `SELECT (SELECT value FROM meta WHERE name = 'contacts_version'),
		(SELECT value FROM meta WHERE name = 'definitions_version'), (SELECT value FROM meta WHERE name = 'sought')`, nil, &v.Contacts, &v.Definitions, &v.Sought)
	return d.give(&v, err)
}

func (d dump) companies(ctx context.Context) error { return d.contacts(ctx, kith.Company) }
func (d dump) persons(ctx context.Context) error   { return d.contacts(ctx, kith.Person) }

func (d dump) contacts(ctx context.Context, t kith.ContactType) error {
	return d.each(ctx, dumpContacts, []any{string(t)},
		func(scan func(...any) error) error {
			c, err := scanContact(scan)
			if err != nil {
				return err
			}
			c.Company, c.MergedInto = "", nil
			return d.give(&store.ContactRow{Contact: c.Contact}, nil)
		})
}

func (d dump) merged(ctx context.Context) error {
	return d.each(ctx, dumpMerged, nil,
		func(scan func(...any) error) error {
			var n, tail, into, intoTail int64
			err := scan(&n, &tail, &into, &intoTail)
			return d.give(&store.MergedRow{Contact: idOf(n, tail), Into: idOf(into, intoTail)}, err)
		})
}

func (d dump) distinct(ctx context.Context) error {
	return d.each(ctx, dumpDistinct, nil,
		func(scan func(...any) error) error {
			var a, aTail, b, bTail, since int64
			err := scan(&a, &aTail, &b, &bTail, &since)
			return d.give(&store.DistinctRow{A: idOf(a, aTail), B: idOf(b, bTail), Since: time.UnixMicro(since).UTC()}, err)
		})
}

func (d dump) accounts(ctx context.Context) error {
	return d.each(ctx, `SELECT `+accountColumns+` FROM accounts ORDER BY name`, nil, func(scan func(...any) error) error {
		a, err := scanAccount(scan)
		a.Daemon, a.LeasedUntil = "", time.Time{}
		a.Error = store.Clean(a.Error) // it may hold what a server said
		return d.give(&store.AccountRow{Account: a}, err)
	})
}

func (d dump) definitions(ctx context.Context) error {
	return d.each(ctx, `SELECT name, text, key, box, disabled, updated_at FROM definitions ORDER BY name`, nil,
		func(scan func(...any) error) error {
			var r store.DefinitionRow
			var updated int64
			err := scan(&r.Name, &r.Text, &r.Secret.Key, &r.Secret.Box, &r.Disabled, &updated)
			r.UpdatedAt = time.UnixMicro(updated).UTC()
			return d.give(&r, err)
		})
}

func (d dump) identities(ctx context.Context) error {
	return d.each(ctx, `SELECT `+identityColumns+` FROM identities ORDER BY address`, nil, func(scan func(...any) error) error {
		i, err := scanIdentity(scan)
		return d.give(&store.IdentityRow{Identity: i}, err)
	})
}

func (d dump) streams(ctx context.Context) error {
	return d.each(ctx, `SELECT `+streamColumns+` FROM streams ORDER BY account, name`, nil, func(scan func(...any) error) error {
		st, err := scanStream(scan)
		st.failure = store.Clean(st.failure)
		return d.give(&store.StreamRow{Account: st.account, StreamStatus: st.status()}, err)
	})
}

func (d dump) quarantined(ctx context.Context) error {
	return d.each(ctx, dumpQuarantine, nil,
		func(scan func(...any) error) error {
			q, err := scanQuarantined(scan)
			return d.give(&store.QuarantinedRow{Quarantined: q}, err)
		})
}

func (d dump) cards(ctx context.Context) error {
	return d.each(ctx, dumpCards, nil, func(scan func(...any) error) error {
		t, err := scanTie(scan)
		return d.give(&store.CardRow{CardTie: t}, err)
	})
}

func (d dump) cardGroups(ctx context.Context) error {
	var groups []*store.CardGroupRow
	err := d.each(ctx, dumpCardGroups, nil, func(scan func(...any) error) error {
		var g store.CardGroupRow
		err := scan(&g.Account, &g.Stream, &g.Ref, &g.UID, &g.Name, &g.Org)
		groups = append(groups, &g)
		return err
	})
	if err != nil {
		return err
	}
	for _, g := range groups {
		err := d.each(ctx, `SELECT member FROM card_members WHERE stream = (SELECT n FROM streams WHERE account = ? AND name = ?)
			AND ref = ? AND uid = ? ORDER BY member`, []any{g.Account, g.Stream, g.Ref, g.UID},
			func(scan func(...any) error) error {
				var member string
				err := scan(&member)
				g.Members = append(g.Members, member)
				return err
			})
		if err := d.give(g, err); err != nil {
			return err
		}
	}
	return nil
}

func (d dump) threads(ctx context.Context) error {
	return d.each(ctx, dumpThreads, nil,
		func(scan func(...any) error) error {
			var r store.ThreadRow
			var root int64
			var heads []byte
			err := scan(&root, &r.Least, &heads)
			r.Heads = store.DecodeHeads(root, heads)
			return d.give(&r, err)
		})
}

func (d dump) members(ctx context.Context) error {
	return d.each(ctx, dumpMembers, nil,
		func(scan func(...any) error) error {
			var r store.MemberRow
			err := scan(&r.Hash, &r.Root)
			return d.give(&r, err)
		})
}

// dumpPage is how many interactions are read at a time.
const dumpPage = 500

func (d dump) interactions(ctx context.Context) error {
	page := make([]*store.InteractionRow, 0, dumpPage)
	bare := make([]*kith.Interaction, 0, dumpPage)
	for last := int64(-1); ; {
		page, bare = page[:0], bare[:0]
		err := d.each(ctx, dumpInteractions, []any{last, dumpPage},
			func(scan func(...any) error) error {
				var r row
				if err := r.scan(scan); err != nil {
					return err
				}
				i, messageIDs, err := r.interaction()
				made := &store.InteractionRow{Interaction: i, Keys: splitKeys(r.keys)[1:], MessageIDs: messageIDs}
				page, bare = append(page, made), append(bare, &made.Interaction)
				last = r.n
				return err
			})
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return nil
		}
		found, err := d.linked(ctx, bare)
		if err == nil {
			err = d.evidence(ctx, bare)
		}
		if err != nil {
			return err
		}
		for _, r := range page {
			for at := range r.Links {
				l := &r.Links[at]
				l.ContactID = found[numberOf(l.ContactID)].filed
			}
			if err := d.give(r, nil); err != nil {
				return err
			}
		}
	}
}

// splitKeys takes the column keys apart.
func splitKeys(packed []byte) (keys []kith.Key) {
	for ; len(packed) >= len(kith.Key{}); packed = packed[len(kith.Key{}):] {
		keys = append(keys, kith.Key(packed[:len(kith.Key{})]))
	}
	return keys
}

func (d dump) tombstones(ctx context.Context) error {
	return d.each(ctx, `SELECT key, erased_at FROM tombstones ORDER BY key`, nil, func(scan func(...any) error) error {
		var key []byte
		var erased int64
		if err := scan(&key, &erased); err != nil {
			return err
		}
		return d.give(&store.TombstoneRow{Key: kith.Key(key), ErasedAt: time.UnixMicro(erased).UTC()}, nil)
	})
}

func (d dump) erasedCopies(ctx context.Context) error {
	return d.each(ctx, `SELECT fingerprint, occurred_at, erased_at FROM fingerprint_tombstones ORDER BY fingerprint, occurred_at`, nil,
		func(scan func(...any) error) error {
			var fingerprint []byte
			var occurred, erased int64
			if err := scan(&fingerprint, &occurred, &erased); err != nil {
				return err
			}
			return d.give(&store.ErasedCopyRow{
				Fingerprint: kith.Key(fingerprint), OccurredAt: time.UnixMicro(occurred).UTC(), ErasedAt: time.UnixMicro(erased).UTC(),
			}, nil)
		})
}

func (d dump) bounces(ctx context.Context) error {
	return d.each(ctx, `SELECT hash, status FROM bounces ORDER BY hash`, nil, func(scan func(...any) error) error {
		var r store.BounceRow
		err := scan(&r.Hash, &r.Status)
		return d.give(&r, err)
	})
}

func (d dump) sought(ctx context.Context) error {
	return d.each(ctx, `SELECT n, address FROM sought ORDER BY n`, nil, func(scan func(...any) error) error {
		var r store.SoughtRow
		err := scan(&r.N, &r.Address)
		return d.give(&r, err)
	})
}

func (d dump) salt(ctx context.Context) error {
	return d.each(ctx, `SELECT value FROM salt WHERE EXISTS (SELECT 1 FROM forgotten) OR EXISTS (SELECT 1 FROM correspondents)`, nil,
		func(scan func(...any) error) error {
			var r store.SaltRow
			err := scan(&r.Salt)
			return d.give(&r, err)
		})
}

func (d dump) forgotten(ctx context.Context) error {
	return d.each(ctx, `SELECT digest, why, at FROM forgotten ORDER BY digest`, nil, func(scan func(...any) error) error {
		var digest []byte
		var at int64
		var r store.ForgottenRow
		if err := scan(&digest, &r.Why, &at); err != nil {
			return err
		}
		r.Digest, r.At = [16]byte(digest), time.UnixMicro(at).UTC()
		return d.give(&r, nil)
	})
}

func (d dump) ways(ctx context.Context) error {
	return d.each(ctx, `SELECT digest, ways FROM correspondents ORDER BY digest`, nil, func(scan func(...any) error) error {
		var digest []byte
		var r store.WaysRow
		if err := scan(&digest, &r.Ways); err != nil {
			return err
		}
		r.Digest = [16]byte(digest)
		return d.give(&r, nil)
	})
}

func (d dump) suggestions(ctx context.Context) error {
	return d.each(ctx, `SELECT s.account, s.name, g.address, g.name, g.inbound, g.outbound, g.first_seen, g.last_seen
		FROM suggestions g CROSS JOIN streams s ON s.n = g.stream ORDER BY g.address, s.account, s.name`, nil, func(scan func(...any) error) error {
		var r store.SuggestionRow
		var first, last int64
		err := scan(&r.Account, &r.Stream, &r.Address, &r.Name, &r.Inbound, &r.Outbound, &first, &last)
		r.FirstSeen, r.LastSeen = time.UnixMicro(first).UTC(), time.UnixMicro(last).UTC()
		return d.give(&r, err)
	})
}
