package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"kith"
	"kith/store"
	"kith/store/internal/capture"
	"kith/store/internal/facts"
)

// row is a row of interactions, with the thread that it is in by now.
type row struct {
	id          kith.ID
	keys        []byte
	fingerprint pgtype.UUID
	kind        kith.Kind
	status      kith.Status
	direction   kith.Direction
	owner       string
	template    string
	occurredAt  time.Time
	zone        int64
	messageID   *string
	subject     string
	facts       []byte
	thread      thread
}

// thread is a row of threads.
type thread struct {
	label  int64
	merged int
	root   int64
	least  int64
	heads  []byte
}

// rowColumns are read from interactions i and rowThread.
const (
	threadColumns = `t.n, t.merged, t.root, t.least, t.heads`
	rowColumns    = `i.id, i.keys, i.fingerprint, i.kind, i.status, i.direction, i.owner, i.template,
		i.occurred_at, i.zone, i.message_id, i.subject, i.facts, ` + threadColumns
	rowThread = ` JOIN threads o ON o.n = i.thread JOIN threads t ON t.n = coalesce(o.parent, o.n)`
)

func (t *thread) columns() []any { return []any{&t.label, &t.merged, &t.root, &t.least, &t.heads} }

// scan reads rowColumns, and what was asked for beside them.
func (r *row) scan(scan func(...any) error, more ...any) error {
	columns := []any{(*[16]byte)(&r.id), &r.keys, &r.fingerprint, (*string)(&r.kind), (*string)(&r.status), (*string)(&r.direction), &r.owner, &r.template,
		&r.occurredAt, &r.zone, &r.messageID, &r.subject, &r.facts}
	return scan(append(append(columns, r.thread.columns()...), more...)...)
}

// interaction makes what the row stands for; links and evidence are not whole yet.
func (r *row) interaction() (i kith.Interaction, messageIDs []string, err error) {
	i = kith.Interaction{
		ID:          r.id,
		Kind:        r.kind,
		Status:      r.status,
		Direction:   r.direction,
		OccurredAt:  facts.Moment{r.occurredAt.UnixMicro(), r.zone}.Time(),
		Subject:     r.subject,
		Owner:       r.owner,
		Template:    r.template,
		Thread:      store.ThreadID(r.thread.root),
		MessageID:   r.messageID,
		Evidence:    []kith.Evidence{},
		Fingerprint: kith.Key(r.fingerprint.Bytes),
	}
	copy(i.Key[:], r.keys)
	messageIDs, err = facts.Decode(r.facts, &i, itself)
	return i, messageIDs, err
}

// itself is how the facts name a contact.
func itself(contact kith.ID) kith.ID { return contact }

// entries reads the interactions i that a query chooses.
func entries(ctx context.Context, tx tx, query string, args ...any) ([]*capture.Entry, error) {
	var found []*capture.Entry
	err := tx.each(ctx, query, args, func(scan func(...any) error) error {
		var r row
		if err := r.scan(scan); err != nil {
			return err
		}
		e, err := r.entry()
		found = append(found, e)
		return err
	})
	return found, err
}

func (r *row) entry() (*capture.Entry, error) {
	i, messageIDs, err := r.interaction()
	return &capture.Entry{Interaction: i, Keys: r.keys, MessageIDs: messageIDs}, err
}

// party is what the links of interactions show of a contact: its survivor.
type party struct {
	id      kith.ID
	name    string
	company *kith.ID
	never   bool
}

// queueParties finds the contacts with some ids.
func queueParties(queries *pgx.Batch, ids uuids, found map[kith.ID]party) {
	queueEach(queries, `SELECT c.id, s.id, s.name, coalesce(o.survivor, o.id),
			CASE WHEN c.survivor IS NULL THEN c.never_record ELSE (SELECT bool_or(never_record) FROM contacts WHERE survivor = c.survivor) END
		FROM contacts c
		JOIN contacts s ON s.id = coalesce(c.survivor, c.id) LEFT JOIN contacts o ON o.id = s.company
		WHERE c.id = ANY ($1::uuid[])`, []any{ids},
		func(scan func(...any) error) error {
			var id kith.ID
			var p party
			var company pgtype.UUID
			if err := scan((*[16]byte)(&id), (*[16]byte)(&p.id), &p.name, &company, &p.never); err != nil {
				return err
			}
			if company.Valid {
				p.company = (*kith.ID)(&company.Bytes)
			}
			found[id] = p
			return nil
		})
}

// queuePlaces fills in the evidence of interactions.
func queuePlaces(queries *pgx.Batch, interactions []*kith.Interaction) {
	byID := make(map[kith.ID]*kith.Interaction, len(interactions))
	ids := make(uuids, len(interactions))
	for n, i := range interactions {
		ids[n], byID[i.ID] = i.ID, i
	}
	queueEach(queries, `SELECT e.interaction, s.account, s.name, e.ref, e.seen_at, e.gone
		FROM evidence e CROSS JOIN LATERAL (SELECT account, name FROM streams WHERE n = e.stream LIMIT 1) s WHERE e.interaction = ANY ($1::uuid[])
		ORDER BY e.seen_at, s.account, s.name, e.ref`, []any{ids},
		func(scan func(...any) error) error {
			var id kith.ID
			var e kith.Evidence
			if err := scan((*[16]byte)(&id), &e.Account, &e.Stream, &e.Ref, &e.SeenAt, &e.Gone); err != nil {
				return err
			}
			byID[id].Evidence = append(byID[id].Evidence, e)
			return nil
		})
}

// complete fills in the links and the evidence of interactions.
func (tx tx) complete(ctx context.Context, interactions []*kith.Interaction) error {
	if len(interactions) == 0 {
		return nil
	}
	var contacts uuids
	for _, i := range interactions {
		for _, l := range i.Links {
			contacts = append(contacts, l.ContactID)
		}
	}
	var queries pgx.Batch
	parties := make(map[kith.ID]party, len(contacts))
	if len(contacts) > 0 {
		queueParties(&queries, contacts, parties)
	}
	queuePlaces(&queries, interactions)
	if err := tx.SendBatch(ctx, &queries).Close(); err != nil {
		return err
	}
	for _, i := range interactions {
		merged := false
		for at := range i.Links {
			l := &i.Links[at]
			p := parties[l.ContactID]
			merged = merged || p.id != l.ContactID
			if p.id != l.ContactID {
				l.Via = []kith.ID{l.ContactID}
			}
			l.ContactID, l.ContactName, l.CompanyID, l.NeverRecord = p.id, p.name, p.company, p.never
		}
		if merged {
			i.Links = store.UniteLinks(i.Links)
		}
	}
	return nil
}

// queueEach is each for a query that is sent together with others.
func queueEach(queries *pgx.Batch, query string, args []any, row func(scan func(...any) error) error) {
	queries.Queue(query, args...).Query(func(rows pgx.Rows) error {
		for rows.Next() {
			if err := row(rows.Scan); err != nil {
				return err
			}
		}
		return rows.Err()
	})
}

// uuids is a parameter of type uuid[].
type uuids []kith.ID

// Dimensions implements [pgtype.ArrayGetter].
func (u uuids) Dimensions() []pgtype.ArrayDimension {
	return []pgtype.ArrayDimension{{Length: int32(len(u)), LowerBound: 1}}
}

// Index implements [pgtype.ArrayGetter].
func (u uuids) Index(i int) any { return pgtype.UUID{Bytes: u[i], Valid: true} }

// IndexType implements [pgtype.ArrayGetter].
func (u uuids) IndexType() any { return pgtype.UUID{} }
