package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"iter"
	"math"
	"strings"

	"kith"
	"kith/store"
	"kith/store/internal/facts"
)

// Pages of a listing grow, so that its head comes fast and the rest is cheap.
const firstPage, lastPage = 64, 1024

// Interactions implements [store.Interactions].
func (s *Store) Interactions(ctx context.Context, filter store.Filter) iter.Seq2[kith.Interaction, error] {
	return func(yield func(kith.Interaction, error) bool) {
		filter := filter // moved on page by page
		left := filter.Limit
		if left <= 0 {
			left = math.MaxInt
		}
		words := strings.Fields(store.Fold(store.Clean(filter.Text)))
		for size := firstPage; ; size = min(2*size, lastPage) {
			want := size
			if len(words) == 0 {
				want = min(size, left)
			}
			var page []*kith.Interaction
			full := false
			err := s.read(ctx, "list interactions", func(tx tx) (err error) {
				page, full, err = tx.page(ctx, &filter, words, want)
				return err
			})
			if err != nil {
				yield(kith.Interaction{}, err)
				return
			}
			for _, i := range page {
				if left == 0 || !yield(*i, nil) {
					return
				}
				left--
			}
			if !full || left == 0 {
				return
			}
		}
	}
}

// page reads the next rows of a listing, moves the filter past them, and
// returns those that hold the words. SQL can't tell: SQLite knows the case of
// ASCII letters only.
func (tx tx) page(ctx context.Context, filter *store.Filter, words []string, size int) (page []*kith.Interaction, full bool, err error) {
	q, err := tx.filtered(ctx, filter)
	if err != nil {
		return nil, false, err
	}
	rows := 0
	err = tx.each(ctx, `SELECT `+rowColumns+q.from+rowThread+q.where()+
		` ORDER BY `+q.occurredAt+` DESC, `+q.n+` DESC LIMIT ?`, append(q.args, size),
		func(scan func(...any) error) error {
			var r row
			if err := r.scan(scan); err != nil {
				return err
			}
			rows++
			filter.After = &store.Position{OccurredAt: facts.Moment{r.occurredAt, 0}.Time(), ID: idOf(r.n, r.tail)}
			if !store.Holds(r.subject, words) {
				return nil
			}
			i, _, err := r.interaction()
			page = append(page, &i)
			return err
		})
	if err != nil || len(page) == 0 {
		return nil, rows == size, err
	}
	return page, rows == size, tx.complete(ctx, page)
}

// CountInteractions implements [store.Interactions].
func (s *Store) CountInteractions(ctx context.Context, filter store.Filter) (int, error) {
	words := strings.Fields(store.Fold(store.Clean(filter.Text)))
	n := 0
	err := s.read(ctx, "count interactions", func(tx tx) error {
		n = 0
		q, err := tx.filtered(ctx, &filter)
		if err != nil {
			return err
		}
		if len(words) == 0 {
			return tx.one(ctx, `SELECT count(*)`+q.from+q.where(), q.args, &n)
		}
		return tx.each(ctx, `SELECT i.subject`+q.from+q.where(), q.args, func(scan func(...any) error) error {
			var subject string
			err := scan(&subject)
			if store.Holds(subject, words) {
				n++
			}
			return err
		})
	})
	if filter.Limit > 0 {
		n = min(n, filter.Limit)
	}
	return n, err
}

// selection is the SQL of a filter, over interactions i.
type selection struct {
	from          string
	occurredAt, n string // the columns to sort by
	conditions    []string
	args          []any
}

func (q *selection) and(condition string, args ...any) {
	q.conditions = append(q.conditions, condition)
	q.args = append(q.args, args...)
}

func (q *selection) where() string {
	if len(q.conditions) == 0 {
		return ""
	}
	return ` WHERE ` + strings.Join(q.conditions, ` AND `)
}

// whoStandFor are the contacts whose timelines a contact, a survivor or one never
// merged, has: its own, for a company those of its people, and
// those of who was merged into any of them.
const whoStandFor = `
	WITH us (n) AS (SELECT ? UNION SELECT n FROM contacts WHERE survivor = ?),
		people (n) AS (SELECT p.n FROM us CROSS JOIN contacts p ON p.company = us.n WHERE p.merged_into IS NULL)
	SELECT n FROM us UNION SELECT n FROM people UNION SELECT m.n FROM people CROSS JOIN contacts m ON m.survivor = people.n`

// filtered turns a filter, but for its text and limit, into SQL.
func (tx tx) filtered(ctx context.Context, f *store.Filter) (*selection, error) {
	q := &selection{from: ` FROM interactions i`, occurredAt: `i.occurred_at`, n: `i.n`}
	if !f.Contact.IsZero() {
		contact := numberOf(f.Contact)
		several := false // who stand for it beside its row
		err := tx.one(ctx, `SELECT coalesce(c.survivor, c.n), c.survivor IS NOT NULL OR EXISTS (SELECT 1 FROM contacts WHERE company = c.n)
			FROM contacts c WHERE c.n = ?`, []any{contact}, &contact, &several)
		if err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, err
		}
		if several {
			q.and(`i.n IN (SELECT interaction FROM timeline WHERE contact IN (`+whoStandFor+`))`, contact, contact)
		} else {
			// The timeline is in the order that is wanted.
			q.from = ` FROM timeline l CROSS JOIN interactions i ON i.n = l.interaction`
			q.occurredAt, q.n = `l.occurred_at`, `l.interaction`
			q.and(`l.contact = ?`, contact)
		}
	}
	for _, c := range []struct{ condition, value string }{
		{`i.kind = ?`, string(f.Kind)},
		{`i.direction = ?`, string(f.Direction)},
		{`i.status = ?`, string(f.Status)},
		{`i.owner = ?`, store.Clean(f.Owner)},
		{`i.template = ?`, store.Clean(f.Template)},
	} {
		if c.value != "" {
			q.and(c.condition, c.value)
		}
	}
	if f.MessageID != "" {
		id := store.Clean(f.MessageID)
		q.and(byMessageID, store.MessageHash(id), id, id)
	}
	if f.Thread != "" {
		root, ok := store.ParseThreadID(f.Thread)
		q.and(`? AND i.thread IN (`+inThread+` AND (SELECT root FROM threads WHERE n = coalesce(y.parent, y.n)) = m.hash)`, ok, root)
	}
	if f.Address != "" {
		q.and(`EXISTS (SELECT 1 FROM json_each(i.facts, '$.who') WHERE value ->> '$.a' = ?)`, store.Clean(f.Address))
	}
	if f.Account != "" {
		q.and(`i.n IN (SELECT e.interaction FROM streams s JOIN evidence e ON e.stream = s.n WHERE s.account = ?)`, store.Clean(f.Account))
	}
	if !f.Since.IsZero() {
		q.and(q.occurredAt+` >= ?`, f.Since.UnixMicro())
	}
	if !f.Until.IsZero() {
		q.and(q.occurredAt+` < ?`, f.Until.UnixMicro())
	}
	if f.After != nil {
		n := numberOf(f.After.ID)
		if n < 0 {
			n = math.MaxInt64 // an id greater than any that is made
		}
		q.and(`(`+q.occurredAt+`, `+q.n+`) < (?, ?)`, f.After.OccurredAt.UnixMicro(), n)
	}
	return q, nil
}
