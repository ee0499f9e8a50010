package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"

	"kith"
	"kith/store"
	pgstore "kith/store/postgres"
)

// The large register: interactions of ten years with people of companies.
const (
	largeContacts  = 50_000
	largeCompanies = 5_000
	largeOwners    = 500
	largeChunk     = 500_000
)

// measureLarge times queries in a register of that many interactions, which
// is made if it is not there yet.
func (b *bench) measureLarge(ctx context.Context, interactions int) error {
	pg, err := b.startPostgres(ctx, fmt.Sprintf("postgres-%d", interactions))
	if err != nil {
		return err
	}
	defer pg.stop()
	if err := b.fillLarge(ctx, pg, interactions); err != nil {
		return fmt.Errorf("make a register of %d interactions: %w", interactions, err)
	}
	s, err := pgstore.Open(ctx, pg.url("kith"), pgstore.Options{})
	if err != nil {
		return err
	}
	defer s.Close() //nolint:errcheck // it was only read
	return b.timeQueries(ctx, pg, s, interactions)
}

// fillLarge makes the register within the server: what is measured is reading.
func (b *bench) fillLarge(ctx context.Context, pg *postgres, interactions int) error {
	var there bool
	err := pg.within(ctx, "postgres", func(conn *pgx.Conn) error {
		return conn.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM pg_database
			WHERE datname = 'kith' AND shobj_description(oid, 'pg_database') = 'filled')`).Scan(&there)
	})
	if err != nil || there {
		return err
	}
	fmt.Fprintf(os.Stderr, "making a register of %d interactions, once\n", interactions)
	if err := pg.create(ctx, "kith"); err != nil {
		return err
	}
	s, err := pgstore.Open(ctx, pg.url("kith"), pgstore.Options{})
	if err != nil {
		return err
	}
	if err := s.Close(); err != nil {
		return err
	}
	return pg.within(ctx, "kith", func(conn *pgx.Conn) error {
		for _, statement := range []string{largeFunction, fmt.Sprintf(largePeople, largeCompanies, largeContacts)} {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return err
			}
		}
		for from := 0; from < interactions; from += largeChunk {
			to := min(from+largeChunk, interactions)
			for _, statement := range largeRows {
				if _, err := conn.Exec(ctx, fmt.Sprintf(statement, from, to-1, largeContacts, largeOwners)); err != nil {
					return err
				}
			}
			fmt.Fprintf(os.Stderr, "\r%d", to)
		}
		fmt.Fprintln(os.Stderr)
		for _, statement := range []string{`VACUUM ANALYZE`, `COMMENT ON DATABASE kith IS 'filled'`} {
			if _, err := conn.Exec(ctx, statement); err != nil {
				return err
			}
		}
		return nil
	})
}

// ids are of the form of UUIDv7, and rise with their number.
const largeFunction = `
CREATE FUNCTION pg_temp.id(kind integer, i bigint) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
	SELECT (lpad(to_hex(1500000000000 + kind::bigint * 1000000000 + i * 30), 12, '0') || '7000' || '8' || substr(md5(kind || ':' || i), 1, 15))::uuid
$$;`

const largePeople = `
INSERT INTO contacts (id, type, source, external_id, name, folded, first_name, last_name, company, emails, phones, title, language, owner, tags,
	never_record, archived, created_at, updated_at)
SELECT pg_temp.id(1, i), 'company', 'bench', 'c' || i, 'Company ' || i, 'company ' || i, '', '', NULL, '{}', '{}', '', '', '', '{}', false, false, now(), now()
FROM generate_series(0, %[1]d - 1) i;
INSERT INTO contacts (id, type, source, external_id, name, folded, first_name, last_name, company, emails, phones, title, language, owner, tags,
	never_record, archived, created_at, updated_at)
SELECT pg_temp.id(2, i), 'person', 'bench', 'p' || i, 'Person ' || i, 'person ' || i, 'Person', i::text, pg_temp.id(1, i %% %[1]d), ARRAY['p' || i || '@client.test'],
	'{}', '', '', '', '{}', false, false, now(), now()
FROM generate_series(0, %[2]d - 1) i;
INSERT INTO addresses SELECT 'p' || i || '@client.test', pg_temp.id(2, i) FROM generate_series(0, %[2]d - 1) i;
INSERT INTO streams (account, name) SELECT 'account-' || i, 'INBOX' FROM generate_series(0, 999) i;`

// The contact of the i-th interaction is spread as if thrown; few have many.
const largeContact = `(abs(hashint8(i)::bigint) %% %[3]d) * (abs(hashint8(i + 7)::bigint) %% 1000) / 1000`

var largeRows = []string{
	`INSERT INTO interactions (id, occurred_at, thread, zone, fingerprint, keys, kind, status, direction, owner, template, message_id, subject, facts)
	SELECT pg_temp.id(3, i), timestamptz '2016-01-01Z' + i * interval '31.5 seconds', i / 3, 3600, NULL, decode(md5('k' || i), 'hex'), 'email', 'recorded',
		CASE WHEN i %% 3 = 0 THEN 'outbound' ELSE 'inbound' END, 'owner-' || i %% %[4]d || '@example.test', 'EMAIL_IN', '<' || md5('m' || i) || '@client.test>',
		'Subject of interaction ' || i || ' about offer ' || i %% 9973,
		json_build_object('by', 'them', 'rule', 'default', 'group', 'EMAIL', 'via', 'email',
			'who', json_build_array(json_build_object('r', 'from', 'a', 'p' || i %% %[3]d || '@client.test', 'n', 'Person ' || i %% %[3]d),
				json_build_object('r', 'to', 'a', 'owner-' || i %% %[4]d || '@example.test')),
			'links', json_build_array(json_build_object('c', pg_temp.id(2, ` + largeContact + `), 'r', 'from', 'm', 'p@client.test')))
	FROM generate_series(%[1]d::bigint, %[2]d) i`,
	`INSERT INTO keys (key, interaction, n) SELECT md5('k' || i)::uuid, pg_temp.id(3, i), 0 FROM generate_series(%[1]d::bigint, %[2]d) i`,
	`INSERT INTO evidence (stream, seen_at, interaction, ref)
	SELECT 1 + i %% 1000, timestamptz '2016-01-01Z' + i * interval '31.5 seconds', pg_temp.id(3, i), '1:' || i / 1000 FROM generate_series(%[1]d::bigint, %[2]d) i`,
	`INSERT INTO timeline (contact, occurred_at, interaction)
	SELECT pg_temp.id(2, ` + largeContact + `), timestamptz '2016-01-01Z' + i * interval '31.5 seconds', pg_temp.id(3, i) FROM generate_series(%[1]d::bigint, %[2]d) i`,
	`INSERT INTO threads (n, root, least) SELECT i, i, i FROM generate_series(%[1]d::bigint / 3, %[2]d / 3) i ON CONFLICT DO NOTHING`,
}

// timeQueries asks for what people look at, each for many contacts, owners or months.
func (b *bench) timeQueries(ctx context.Context, pg *postgres, s store.Store, interactions int) error {
	var persons, companies []kith.ID
	err := pg.within(ctx, "kith", func(conn *pgx.Conn) error {
		for list, of := range map[*[]kith.ID]string{&persons: "person", &companies: "company"} {
			rows, err := conn.Query(ctx, `SELECT id FROM contacts WHERE type = $1 ORDER BY md5(id::text) LIMIT 300`, of)
			if err != nil {
				return err
			}
			*list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (kith.ID, error) {
				var id [16]byte
				err := row.Scan(&id)
				return kith.ID(id), err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	month := func(i int) (since, until time.Time) {
		since = time.Date(2016, time.Month(1+i%100), 1, 0, 0, 0, 0, time.UTC)
		return since, since.AddDate(0, 1, 0)
	}
	list := func(filter func(i int) store.Filter) func(i int) (int, error) {
		return func(i int) (n int, err error) {
			for _, err := range s.Interactions(ctx, filter(i)) {
				if err != nil {
					return n, err
				}
				n++
			}
			return n, nil
		}
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(w, "\n%d interactions in PostgreSQL\nquery\tmedian ms\tp99 ms\trows\t\n", interactions)
	for _, q := range []struct {
		name  string
		times int
		ask   func(i int) (int, error)
	}{
		{"timeline of a person, 50", 300, list(func(i int) store.Filter { return store.Filter{Contact: persons[i], Limit: 50} })},
		{"timeline of a company and its people, 50", 100, list(func(i int) store.Filter { return store.Filter{Contact: companies[i], Limit: 50} })},
		{"the latest, 50", 100, list(func(int) store.Filter { return store.Filter{Limit: 50} })},
		{"of an owner, 50", 100, list(func(i int) store.Filter {
			return store.Filter{Owner: fmt.Sprintf("owner-%d@example.test", i), Limit: 50}
		})},
		{"outbound of a month, 50", 100, list(func(i int) store.Filter {
			since, until := month(i)
			return store.Filter{Direction: kith.Outbound, Since: since, Until: until, Limit: 50}
		})},
		{"how many of a person", 100, func(i int) (int, error) { return s.CountInteractions(ctx, store.Filter{Contact: persons[i]}) }},
		{"how many of a month", 24, func(i int) (int, error) {
			since, until := month(i)
			return s.CountInteractions(ctx, store.Filter{Since: since, Until: until})
		}},
	} {
		var took []time.Duration
		rows := 0
		for i := range q.times {
			begin := time.Now()
			n, err := q.ask(i)
			if err != nil {
				return fmt.Errorf("%s: %w", q.name, err)
			}
			took = append(took, time.Since(begin))
			rows = max(rows, n)
		}
		slices.Sort(took)
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%d\t\n", q.name, ms(took[len(took)/2]), ms(took[len(took)*99/100]), rows)
	}
	return w.Flush()
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
