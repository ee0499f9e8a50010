package sqlite

import (
	"context"
	"database/sql"
	"time"

	"kith"
	"kith/store"
	"kith/store/internal/facts"
)

// row is a row of interactions, with the thread that it is in by now.
type row struct {
	n, tail     int64
	keys        []byte
	fingerprint []byte
	kind        kith.Kind
	status      kith.Status
	direction   kith.Direction
	owner       string
	template    string
	occurredAt  int64
	zone        int64
	messageID   sql.NullString
	subject     string
	facts       []byte

	label  int64
	merged int
	root   int64
	least  int64
	heads  []byte
}

// rowColumns are read from rowTables, as i and t.
const (
	rowColumns = `i.n, i.tail, i.keys, i.fingerprint, i.kind, i.status, i.direction, i.owner, i.template,
		i.occurred_at, i.zone, i.message_id, i.subject, i.facts, t.n, t.merged, t.root, t.least, t.heads`
	rowThread = ` JOIN threads t ON t.n = (SELECT coalesce(parent, n) FROM threads WHERE n = i.thread)`
)

func (r *row) scan(scan func(...any) error) error {
	return scan(&r.n, &r.tail, &r.keys, &r.fingerprint, &r.kind, &r.status, &r.direction, &r.owner, &r.template,
		&r.occurredAt, &r.zone, &r.messageID, &r.subject, &r.facts, &r.label, &r.merged, &r.root, &r.least, &r.heads)
}

// interaction makes what the row stands for; links and evidence are not whole yet.
func (r *row) interaction() (i kith.Interaction, messageIDs []string, err error) {
	i = kith.Interaction{
		ID:         idOf(r.n, r.tail),
		Kind:       r.kind,
		Status:     r.status,
		Direction:  r.direction,
		OccurredAt: facts.Moment{r.occurredAt, r.zone}.Time(),
		Subject:    r.subject,
		Owner:      r.owner,
		Template:   r.template,
		Thread:     store.ThreadID(r.root),
		Evidence:   []kith.Evidence{},
	}
	copy(i.Key[:], r.keys)
	copy(i.Fingerprint[:], r.fingerprint)
	if r.messageID.Valid {
		i.MessageID = &r.messageID.String
	}
	messageIDs, err = decodeFacts(r.facts, &i)
	return i, messageIDs, err
}

// party is what the links of interactions show of a contact: its survivor.
type party struct {
	filed   kith.ID // the contact itself
	id      kith.ID
	name    string
	company *kith.ID
	never   bool
}

// parties finds contacts by their numbers.
func (tx tx) parties(ctx context.Context, numbers []int64) (map[int64]party, error) {
	found := make(map[int64]party, len(numbers))
	err := tx.each(ctx, `SELECT c.n, c.tail, s.n, s.tail, s.name, o.n, o.tail,
			CASE WHEN c.survivor IS NULL THEN c.never_record ELSE (SELECT max(never_record) FROM contacts WHERE survivor = c.survivor) END
		FROM json_each(?) j
		JOIN contacts c ON c.n = j.value JOIN contacts s ON s.n = coalesce(c.survivor, c.n)
		LEFT JOIN contacts o ON o.n = (SELECT coalesce(survivor, n) FROM contacts WHERE n = s.company)`, []any{list(numbers)},
		func(scan func(...any) error) error {
			var p party
			var n, tail, survivor, survivorTail int64
			var company, companyTail sql.NullInt64
			if err := scan(&n, &tail, &survivor, &survivorTail, &p.name, &company, &companyTail, &p.never); err != nil {
				return err
			}
			p.filed, p.id, p.company = idOf(n, tail), idOf(survivor, survivorTail), companyID(company, companyTail)
			found[n] = p
			return nil
		})
	return found, err
}

func companyID(n, tail sql.NullInt64) *kith.ID {
	if !n.Valid {
		return nil
	}
	id := idOf(n.Int64, tail.Int64)
	return &id
}

// complete fills in the links and the evidence of interactions.
func (tx tx) complete(ctx context.Context, interactions []*kith.Interaction) error {
	found, err := tx.linked(ctx, interactions)
	if err != nil {
		return err
	}
	for _, i := range interactions {
		merged := false
		for at := range i.Links {
			l := &i.Links[at]
			p := found[numberOf(l.ContactID)]
			merged = merged || p.id != p.filed
			l.ContactID, l.ContactName, l.CompanyID, l.NeverRecord = p.id, p.name, p.company, p.never
			if p.id != p.filed {
				l.Via = []kith.ID{p.filed}
			}
		}
		if merged {
			i.Links = store.UniteLinks(i.Links)
		}
	}
	return tx.evidence(ctx, interactions)
}

// linked finds the contacts that interactions are linked to.
func (tx tx) linked(ctx context.Context, interactions []*kith.Interaction) (map[int64]party, error) {
	var numbers []int64
	for _, i := range interactions {
		for _, l := range i.Links {
			numbers = append(numbers, numberOf(l.ContactID))
		}
	}
	if len(numbers) == 0 {
		return nil, nil
	}
	return tx.parties(ctx, numbers)
}

// evidence fills in the evidence of interactions.
func (tx tx) evidence(ctx context.Context, interactions []*kith.Interaction) error {
	var numbers []int64
	byNumber := make(map[int64]*kith.Interaction, len(interactions))
	for _, i := range interactions {
		n := numberOf(i.ID)
		numbers = append(numbers, n)
		byNumber[n] = i
	}
	return tx.each(ctx, `SELECT e.interaction, s.account, s.name, e.ref, e.seen_at, e.gone
		FROM json_each(?) j JOIN evidence e ON e.interaction = j.value JOIN streams s ON s.n = e.stream
		ORDER BY e.interaction, e.seen_at, s.account, s.name, e.ref`, []any{list(numbers)},
		func(scan func(...any) error) error {
			var n, seen int64
			var e kith.Evidence
			if err := scan(&n, &e.Account, &e.Stream, &e.Ref, &seen, &e.Gone); err != nil {
				return err
			}
			e.SeenAt = time.UnixMicro(seen).UTC()
			i := byNumber[n]
			i.Evidence = append(i.Evidence, e)
			return nil
		})
}
