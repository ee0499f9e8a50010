package clustertest_test

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"kith/servertest"
)

// TestRollingUpgrade replaces the daemons of a register by those of a newer version,
// one after the other, during its first capture.
func TestRollingUpgrade(t *testing.T) {
	// I05 I21
	t.Parallel()
	users, letters := 12, 150
	if full {
		users, letters = 60, 400
	}
	older, newer := build(t, "1.0"), build(t, "1.1")
	database := servertest.PostgresCluster(t)
	s := newScene(t, users, letters, "@every 3s", "[limits]\nbatch = 20\n")
	s.database = database.Database(t)
	one := s.daemon("one", older, s.database)
	two := s.daemon("two", older, s.database)
	s.importContacts(older, one.config)
	s.begin("first capture")
	one.start(t)
	two.start(t)
	s.until("both poll", time.Minute, func(rows []accountRow) bool {
		polling := map[string]bool{}
		for _, row := range rows {
			polling[row.daemon] = true
		}
		return len(polling) > 2 || len(polling) == 2 && !polling[""]
	})

	// A newer version adds columns while the older one runs. It is the old
	// version's promise that it names the columns that it reads.
	for _, table := range []string{"accounts", "daemons", "streams", "interactions", "evidence", "participants", "links", "contacts", "river_job"} {
		exists := false
		if err := s.query(`SELECT to_regclass('`+table+`') IS NOT NULL`, func(r pgx.Rows) error { return r.Scan(&exists) }); err != nil {
			t.Fatal(err)
		}
		if exists {
			if err := s.query(`ALTER TABLE `+table+` ADD COLUMN added text NOT NULL DEFAULT ''`, nil); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.arriving = true
	three := s.daemon("three", newer, s.database)
	three.start(t)

	s.begin("the leader stops")
	leader, follower := one, two
	if strings.HasPrefix(s.leader(), two.id()) {
		leader, follower = two, one
	}
	took, code := leader.end(t, syscall.SIGTERM)
	if took > 10*time.Second || code != 0 {
		t.Errorf("the leader took %v to stop, exit code %d", took, code)
	}
	s.settle(2 * time.Minute)
	// Otherwise they would be missed until their lease ends.
	if gap := s.gaps[s.phase]; gap > 30*time.Second {
		t.Errorf("an account was not polled for %v after a daemon stopped in order", gap)
	}
	s.until("there is another leader", 30*time.Second, func([]accountRow) bool {
		id := s.leader()
		return id != "" && !strings.HasPrefix(id, leader.id())
	})

	s.begin("the other follows")
	four := s.daemon("four", newer, s.database)
	four.start(t)
	if took, code = follower.end(t, syscall.SIGTERM); took > 10*time.Second || code != 0 {
		t.Errorf("the other daemon took %v to stop, exit code %d", took, code)
	}
	s.settle(2 * time.Minute)
	for name, version := range s.daemonsKnown() {
		if version != "1.1" {
			t.Errorf("daemon %s of version %s has stopped and is still on file", name, version)
		}
	}
	for _, d := range []*daemon{leader, follower} {
		for line := range strings.Lines(d.log.String()) {
			if strings.Contains(line, "level=ERROR") || strings.Contains(line, "level=WARN") {
				t.Errorf("the older daemon %s logs: %s", d.name, line)
			}
		}
	}
	s.begin("the end")
	s.arriving = false
	s.captured(3 * time.Minute)
	for _, d := range []*daemon{three, four} {
		if took, code := d.end(t, os.Interrupt); took > 10*time.Second || code != 0 {
			t.Errorf("daemon %s took %v to end, exit code %d", d.name, took, code)
		}
	}
	s.compare(newer, three.config)
}

// leader returns the name of the daemon that keeps the queue clean, "" if none does.
func (s *scene) leader() (name string) {
	if err := s.query(`SELECT leader_id FROM river_leader WHERE expires_at > now()`, func(r pgx.Rows) error { return r.Scan(&name) }); err != nil && !errors.Is(err, pgx.ErrNoRows) {
		s.t.Fatal(err)
	}
	return name
}
