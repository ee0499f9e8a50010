package postgres_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"kith"
	"kith/servertest"
	"kith/store"
	"kith/store/postgres"
)

func TestReplica(t *testing.T) {
	primary := servertest.PostgresCluster(t, "fsync=on")
	standby := primary.Standby(t)
	// Each commit waits until the standby shows it.
	primary.Exec(t, `ALTER SYSTEM SET synchronous_standby_names = '*'`)
	primary.Exec(t, `ALTER SYSTEM SET synchronous_commit = 'remote_apply'`)
	primary.Exec(t, `SELECT pg_reload_conf()`)

	var log bytes.Buffer
	s := openAt(t, primary.URL("postgres"), postgres.Options{
		ReplicaURL: standby.URL("postgres"), Log: slog.New(slog.NewTextHandler(&log, nil)),
	})
	if _, err := s.PutContacts(ctx, []kith.Contact{{Name: "Ann", Emails: []string{"ann@client.test"}}}, t0, false); err != nil {
		t.Fatal(err)
	}
	listed := func(t *testing.T) {
		t.Helper()
		n := 0
		for _, err := range s.Contacts(ctx, store.ContactFilter{}) {
			if err != nil {
				t.Error(err)
			}
			n++
		}
		if n != 1 {
			t.Errorf("%d contacts are listed", n)
		}
	}
	used := func() (n int) {
		t.Helper()
		err := raw(t, standby.URL("postgres")).QueryRow(ctx, `SELECT count(*) FROM pg_stat_activity WHERE application_name = 'kith'`).Scan(&n)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}

	if _, err := s.MatchAddresses(ctx, []string{"ann@client.test"}); err != nil || used() != 0 {
		t.Errorf("the replica is asked what capture has to know, %v", err)
	}
	t.Run("listings come from the replica", func(t *testing.T) {
		listed(t)
		if _, err := s.AccountStatuses(ctx); err != nil {
			t.Error(err)
		}
		if _, err := s.CountInteractions(ctx, store.Filter{}); err != nil {
			t.Error(err)
		}
		if used() == 0 {
			t.Error("it is not connected to")
		}
	})
	t.Run("I08 a standby takes no changes", func(t *testing.T) {
		r := openAt(t, standby.URL("postgres"), postgres.Options{})
		says(t, "Ping", r.Ping(ctx), "ping", standby.Addr, "it is a standby", "name the primary")
		_, err := r.PutContacts(ctx, []kith.Contact{{Name: "Bob"}}, t0, false)
		says(t, "PutContacts", err, "put contacts", standby.Addr, "it is a standby", "name the primary")
		_, err = r.Record(ctx, batch("s"))
		says(t, "Record", err, "record stream a/s", "it is a standby")
		if _, err := r.FindContacts(ctx, "ann"); err != nil {
			t.Error(err)
		}
	})
	t.Run("while the replica is down the database is asked, which is logged once", func(t *testing.T) {
		standby.Stop(t)
		listed(t)
		listed(t)
		s.ReplicaRested()
		listed(t)
		if n := strings.Count(log.String(), "the replica does not answer"); n != 1 {
			t.Errorf("logged %d times:\n%s", n, log.String())
		}
		standby.Start(t)
		s.ReplicaRested()
		listed(t)
		if used() == 0 || !strings.Contains(log.String(), "the replica answers again") {
			t.Errorf("it is back, and not used:\n%s", log.String())
		}
	})
	t.Run("a standby that has become the primary", func(t *testing.T) {
		primary.Crash(t)
		standby.Promote(t)
		p := openAt(t, standby.URL("postgres"), postgres.Options{})
		standby.Exec(t, `ALTER SYSTEM RESET synchronous_standby_names`)
		standby.Exec(t, `SELECT pg_reload_conf()`)
		if err := p.Ping(ctx); err != nil {
			t.Error(err)
		}
		if done, err := p.Record(ctx, batch("s")); err != nil || done.New != 1 {
			t.Errorf("Record = %+v, %v", done, err)
		}
	})
}
