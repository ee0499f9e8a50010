package postgres

import (
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"kith"
	"kith/store"
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
		words := strange(filter.Text)
		for size := firstPage; ; size = min(2*size, lastPage) {
			want := size
			if len(words) == 0 {
				want = min(size, left)
			}
			var page []*kith.Interaction
			err := s.list(ctx, "list interactions", func(tx tx) (err error) {
				page, err = tx.page(ctx, &filter, want)
				return err
			})
			if err != nil {
				yield(kith.Interaction{}, err)
				return
			}
			for _, i := range page {
				if !store.Holds(i.Subject, words) {
					continue
				}
				if left == 0 || !yield(*i, nil) {
					return
				}
				left--
			}
			if len(page) < want || left == 0 {
				return
			}
			last := page[len(page)-1]
			filter.After = &store.Position{OccurredAt: last.OccurredAt, ID: last.ID}
		}
	}
}

// page reads the next rows of a listing. Which ones is worked out first, in the
// order of an index; then they are read.
func (tx tx) page(ctx context.Context, filter *store.Filter, size int) ([]*kith.Interaction, error) {
	q, err := tx.filtered(ctx, filter)
	if err != nil {
		return nil, err
	}
	limit := strconv.Itoa(size)
	latest := func(columns string) string {
		return `SELECT ` + columns + ` FROM ` + q.from + q.where() + ` ORDER BY ` + q.at + ` DESC, ` + q.id + ` DESC LIMIT ` + limit
	}
	page := `(` + latest(`i.*`) + `) i`
	if q.contacts != "" { // the latest of each, and of these the latest
		page = `(SELECT DISTINCT f.at, f.id FROM (` + q.contacts + `) c (contact) CROSS JOIN LATERAL (` + latest(q.at+` AS at, `+q.id+` AS id`) + `) f
			ORDER BY f.at DESC, f.id DESC LIMIT ` + limit + `) p JOIN interactions i ON i.id = p.id`
	}
	return tx.interactions(ctx, `SELECT `+rowColumns+` FROM `+page+rowThread+` ORDER BY i.occurred_at DESC, i.id DESC`, q.args)
}

// CountInteractions implements [store.Interactions].
func (s *Store) CountInteractions(ctx context.Context, filter store.Filter) (int, error) {
	words := strange(filter.Text)
	n := 0
	err := s.list(ctx, "count interactions", func(tx tx) error {
		n = 0
		q, err := tx.filtered(ctx, &filter)
		if err != nil {
			return err
		}
		query := `SELECT ` + q.id + ` AS id FROM ` + q.from + q.where()
		if q.contacts != "" {
			query = `SELECT DISTINCT f.id FROM (` + q.contacts + `) c (contact) CROSS JOIN LATERAL (` + query + `) f`
		}
		if len(words) == 0 {
			return tx.one(ctx, `SELECT count(*) FROM (`+query+`) p`, q.args, &n)
		}
		return tx.each(ctx, `SELECT i.subject FROM (`+query+`) p JOIN interactions i ON i.id = p.id`, q.args,
			func(scan func(...any) error) error {
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

// strange returns the words of a text that SQL can't look for: it depends on the
// database's locale which letters beyond ASCII it can fold.
func strange(text string) []string {
	return slices.DeleteFunc(words(text), isASCII)
}

func words(text string) []string { return strings.Fields(store.Fold(store.Clean(text))) }

func isASCII(word string) bool {
	return strings.IndexFunc(word, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// foldedSubject is what [store.Fold] makes of a subject, as far as words of ASCII
// letters are concerned: two letters beyond ASCII become such.
const foldedSubject = `lower(translate(i.subject, U&'\0130\212A', 'ik') COLLATE "C")`

// selection is the SQL of a filter, over interactions i.
type selection struct {
	contacts   string // whose timelines l are read, as a query; "" for none
	from       string
	at, id     string // the columns to sort by
	conditions []string
	args       []any
}

// arg adds a parameter.
func (q *selection) arg(value any) string {
	q.args = append(q.args, value)
	return fmt.Sprintf("$%d", len(q.args))
}

func (q *selection) and(condition string) { q.conditions = append(q.conditions, condition) }

func (q *selection) where() string {
	if len(q.conditions) == 0 {
		return ""
	}
	return ` WHERE ` + strings.Join(q.conditions, ` AND `)
}

// whoStandFor are the contacts whose timelines a contact has: its own, for a
// company those of its people, and those of who is merged with any of them.
const whoStandFor = `
	WITH shown AS (SELECT coalesce((SELECT survivor FROM contacts WHERE id = %[1]s), %[1]s) AS id),
		us AS (SELECT id FROM shown UNION SELECT c.id FROM shown JOIN contacts c ON c.survivor = shown.id),
		people AS (SELECT p.id FROM us JOIN contacts p ON p.company = us.id WHERE p.merged_into IS NULL)
	SELECT id FROM us UNION SELECT id FROM people UNION SELECT m.id FROM people JOIN contacts m ON m.survivor = people.id`

// filtered turns a filter, but for its limit, into SQL.
func (tx tx) filtered(ctx context.Context, f *store.Filter) (*selection, error) {
	q := &selection{from: `interactions i`, at: `i.occurred_at`, id: `i.id`}
	for _, c := range []struct{ column, value string }{
		{`i.kind`, string(f.Kind)},
		{`i.direction`, string(f.Direction)},
		{`i.status`, string(f.Status)},
		{`i.owner`, f.Owner},
		{`i.template`, f.Template},
	} {
		if c.value != "" {
			q.and(c.column + ` = ` + q.arg(store.Clean(c.value)))
		}
	}
	for _, word := range words(f.Text) {
		if isASCII(word) {
			q.and(`strpos(` + foldedSubject + `, ` + q.arg(word) + `) > 0`)
		}
	}
	if f.MessageID != "" || f.Thread != "" {
		if err := tx.threaded(ctx, q, f); err != nil {
			return nil, err
		}
	}
	if f.Address != "" {
		q.and(`EXISTS (SELECT 1 FROM json_array_elements(i.facts -> 'who') w WHERE w ->> 'a' = ` + q.arg(store.Clean(f.Address)) + `)`)
	}
	if f.Account != "" {
		q.and(`i.id IN (SELECT e.interaction FROM streams s JOIN evidence e ON e.stream = s.n WHERE s.account = ` + q.arg(store.Clean(f.Account)) + `)`)
	}
	if !f.Contact.IsZero() {
		contact := q.arg(f.Contact) + `::uuid`
		q.contacts = fmt.Sprintf(whoStandFor, contact)
		q.from = `timeline l`
		if len(q.conditions) > 0 {
			q.from += ` JOIN interactions i ON i.id = l.interaction`
		}
		q.at, q.id = `l.occurred_at`, `l.interaction`
		q.and(`l.contact = c.contact`)
	}
	if !f.Since.IsZero() {
		q.and(q.at + ` >= ` + q.arg(f.Since))
	}
	if !f.Until.IsZero() {
		q.and(q.at + ` < ` + q.arg(f.Until))
	}
	if f.After != nil {
		q.and(`(` + q.at + `, ` + q.id + `) < (` + q.arg(f.After.OccurredAt) + `, ` + q.arg(f.After.ID) + `)`)
	}
	return q, nil
}

// threaded chooses a thread, by its name or by one of its Message-IDs.
func (tx tx) threaded(ctx context.Context, q *selection, f *store.Filter) error {
	if f.MessageID != "" {
		id := store.Clean(f.MessageID)
		labels, err := tx.labels(ctx, store.MessageHash(id), false)
		if err != nil {
			return err
		}
		q.and(`i.thread = ANY (` + q.arg(labels) + `::bigint[]) AND ` + hasMessageID(q.arg(id)))
	}
	if f.Thread != "" {
		labels := []int64{}
		if root, ok := store.ParseThreadID(f.Thread); ok {
			var err error
			if labels, err = tx.labels(ctx, root, true); err != nil {
				return err
			}
		}
		q.and(`i.thread = ANY (` + q.arg(labels) + `::bigint[])`)
	}
	return nil
}
