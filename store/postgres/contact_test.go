package postgres_test

import (
	"strings"
	"testing"

	"kith/store/postgres"
)

// B19: contacts are found by their addresses in an index, however many there are.
func TestMatchingIsIndexed(t *testing.T) {
	t.Parallel()
	url := register(t)
	conn := raw(t, url)
	for _, statement := range []string{
		`INSERT INTO contacts (id, type, source, external_id, name, folded, first_name, last_name, emails, phones, title, language, owner, tags, never_record, archived, created_at, updated_at)
			SELECT md5('c' || i)::uuid, 'person', 'csv', i::text, 'P' || i, 'p' || i, '', '', ARRAY['p' || i || '@client.test'], '{}', '', '', '', '{}', false, false, now(), now()
			FROM generate_series(1, 100000) i`,
		`INSERT INTO addresses (address, contact) SELECT 'p' || i || '@client.test', md5('c' || i)::uuid FROM generate_series(1, 100000) i`,
		`ANALYZE`,
	} {
		if _, err := conn.Exec(ctx, statement); err != nil {
			t.Fatal(err)
		}
	}
	asked := `ARRAY(SELECT 'p' || i * 300 || '@client.test' FROM generate_series(1, 300) i)`
	rows, err := conn.Query(ctx, `EXPLAIN ANALYZE `+strings.ReplaceAll(postgres.MatchAddressesQuery, "$1", asked))
	if err != nil {
		t.Fatal(err)
	}
	var plan []string
	for rows.Next() {
		var step string
		if err := rows.Scan(&step); err != nil {
			t.Fatal(err)
		}
		plan = append(plan, step)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	whole := strings.Join(plan, "\n")
	if !strings.Contains(whole, "addresses_pkey") || strings.Contains(whole, "Seq Scan") {
		t.Errorf("B19 the plan is\n%s", whole)
	}
}
