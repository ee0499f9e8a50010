package postgres_test

import (
	_ "embed"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/servertest"
	"kith/store"
	"kith/store/postgres"
)

//go:embed testdata/version1.sql
var version1 string

// TestUpgrade opens a database of the first version. Never change its data:
// people have such databases.
func TestUpgrade(t *testing.T) {
	t.Run("I21 from version 1, with data", func(t *testing.T) {
		at := servertest.Postgres(t)
		if _, err := raw(t, at).Exec(ctx, version1); err != nil {
			t.Fatal(err)
		}
		s := openAt(t, at, postgres.Options{})
		if have, want, err := s.Schema(ctx); err != nil || have != want {
			t.Fatalf("schema %d of %d, %v", have, want, err)
		}
		if diff := cmp.Diff(schema(t, register(t)), schema(t, at)); diff != "" {
			t.Errorf("the schema is not that of a new database (-new +upgraded):\n%s", diff)
		}

		first, err := s.InteractionByKey(ctx, kith.Key{9}) // of a copy that was found by fingerprint
		if err != nil {
			t.Fatal(err)
		}
		if first.Key != (kith.Key{1}) || first.Subject != "Offer 4711" || first.Links[0].ContactName != "Ann Doe" || first.Links[0].CompanyID == nil ||
			len(first.Participants) != 2 || first.Attachments[0].Size != 48123 || first.Flags[0] != "date_source=internal" || first.Evidence[0].Gone == first.Evidence[1].Gone {
			t.Errorf("interaction 1: %+v", first)
		}
		if _, zone := first.OccurredAt.Zone(); zone != 3600 || !first.OccurredAt.Equal(t0) {
			t.Errorf("it occurred at %v", first.OccurredAt)
		}
		if n, err := s.CountInteractions(ctx, store.Filter{Thread: first.Thread}); err != nil || n != 4 {
			t.Errorf("its thread has %d, %v; want 4", n, err)
		}
		if second, err := s.InteractionByRef(ctx, "alice", "Sent", "7:2"); err != nil || second.DeliveryStatus != kith.DeliveryBounced || second.DeliveryReason != "no such user" {
			t.Errorf("interaction 2: %s, %v", second.DeliveryStatus, err)
		}
		later := "<later@client.test>"
		done, err := s.Record(ctx, kith.Recording{Account: "alice", Stream: "Sent", Base: "1", Next: "2", At: t0, Captured: []kith.Captured{
			{Ref: "7:6", Interaction: &kith.Interaction{Key: kith.Key{6}, OccurredAt: t0}}, // was deleted
			{Ref: "7:4", Interaction: &kith.Interaction{Key: kith.Key{4}, OccurredAt: t0}},
			{Ref: "7:5", Interaction: &kith.Interaction{Key: kith.Key{5}, OccurredAt: t0, Direction: kith.Outbound, MessageID: &later}},
		}})
		if err != nil || done != (kith.Recorded{New: 1, Known: 1, Erased: 1}) {
			t.Errorf("Record = %+v, %v", done, err)
		}
		if bounced, err := s.InteractionByKey(ctx, kith.Key{5}); err != nil || bounced.DeliveryStatus != kith.DeliveryBounced {
			t.Errorf("a report that came before: %s, %v", bounced.DeliveryStatus, err)
		}

		matches, err := s.MatchAddresses(ctx, []string{"ann@home.test", "bob@client.test", "+3225551234"})
		if err != nil || len(matches) != 3 || !matches["bob@client.test"][0].NeverRecord || matches["ann@home.test"][0].ContactID != first.Links[0].ContactID {
			t.Errorf("MatchAddresses = %+v, %v", matches, err)
		}
		if ann, err := s.Contact(ctx, first.Links[0].ContactID); err != nil || ann.Notes["Kundennr."] != "7" || ann.Company != "Acme" || ann.Tags[0] != "vip" {
			t.Errorf("Contact = %+v, %v", ann, err)
		}
		if items, err := s.DueQuarantine(ctx, "alice", t0.Add(time.Hour), 9); err != nil || len(items) != 1 || items[0].Cause != "bad header" {
			t.Errorf("DueQuarantine = %+v, %v", items, err)
		}
		if a, err := s.Account(ctx, "alice"); err != nil || a.State != kith.StateFailing || a.Attempts != 2 || a.Settings != "digest" {
			t.Errorf("Account = %+v, %v", a, err)
		}
		if d, err := s.Definition(ctx, "bob"); err != nil || d.Secret.Key != "k1" || len(d.Secret.Box) != 3 {
			t.Errorf("Definition = %+v, %v", d, err)
		}
		if st, err := s.Stream(ctx, "alice", "Sent"); err != nil || st.Skipped[kith.ReasonBulk] != 7 || st.Backfilled != 0.5 {
			t.Errorf("Stream = %+v, %v", st, err)
		}
	})
}

// schema lists the columns, indexes and constraints of a database.
func schema(t *testing.T, at string) []string {
	t.Helper()
	rows, err := raw(t, at).Query(ctx, `
		SELECT format('%s.%s %s null:%s default:%s collate:%s', table_name, column_name, data_type, is_nullable, column_default, collation_name)
			FROM information_schema.columns WHERE table_schema = 'public'
		UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
		UNION ALL SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace
		UNION ALL SELECT sequencename || ' ' || increment_by FROM pg_sequences WHERE schemaname = 'public'
		UNION ALL SELECT relname || ' ' || reloptions::text FROM pg_class WHERE reloptions IS NOT NULL AND relnamespace = 'public'::regnamespace`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(lines)
	return lines
}
