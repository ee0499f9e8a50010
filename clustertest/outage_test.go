package clustertest_test

import (
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"kith/servertest"
)

// TestDatabaseOutage takes the database away in the middle of a capture.
func TestDatabaseOutage(t *testing.T) {
	// I07 I26
	t.Parallel()
	users, letters, down := 12, 300, 10*time.Second
	if full {
		users, letters, down = 60, 400, 2*time.Minute
	}
	program := build(t, "1.0")
	database := servertest.PostgresCluster(t, "synchronous_commit=on")
	s := newScene(t, users, letters, "@every 5s", "[limits]\nbatch = 20\n")
	s.database = database.Database(t)
	d := s.daemon("only", program, s.database)
	s.importContacts(program, d.config)
	d.start(t)
	s.begin("first capture")
	deadline := time.Now().Add(time.Minute)
	for s.outcomes() < s.letters/10 {
		if time.Now().After(deadline) {
			t.Fatal("the capture does not get going")
		}
		time.Sleep(10 * time.Millisecond)
	}

	database.Stop(t)
	s.begin("the database is away")
	before, _ := d.memory(t)
	logged := d.log.lines()
	for end := time.Now().Add(down); time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		if code, body := d.get("/readyz"); code != http.StatusServiceUnavailable {
			t.Errorf("readyz without a database: %d %s", code, body)
		}
		if code, body := d.get("/healthz"); code != http.StatusOK {
			t.Errorf("healthz without a database, with which a restart would not help: %d %s", code, body)
		}
	}
	now, most := d.memory(t)
	t.Logf("memory before the database went away: %d MiB, after %v: %d, at most: %d; lines of log meanwhile: %d", before, down, now, most, d.log.lines()-logged)
	if now > before+64 {
		t.Errorf("the memory grew from %d to %d MiB while the database was away", before, now)
	}
	if wrote := strings.Split(d.log.String(), "\n")[logged:]; len(wrote) > 30 {
		t.Errorf("%d lines of log while the database was away:\n%s", len(wrote), strings.Join(wrote, "\n"))
	}

	database.Start(t)
	back := time.Now()
	for {
		if code, _ := d.get("/readyz"); code == http.StatusOK {
			break
		}
		if time.Since(back) > 30*time.Second {
			t.Fatal("the daemon does not find the database that is back")
		}
		time.Sleep(100 * time.Millisecond)
	}
	if got := s.outcomes(); got >= s.letters {
		t.Error("the outage did not fall into the capture: the test proves nothing")
	}
	s.begin("the database is back")
	s.captured(3 * time.Minute)
	t.Logf("all is captured %v after the database was back", time.Since(back).Round(100*time.Millisecond))
	s.settle(2 * time.Minute)
	if took, code := d.end(t, os.Interrupt); took > 10*time.Second || code != 0 {
		t.Errorf("the daemon took %v to end, exit code %d", took, code)
	}
	s.compare(program, d.config)
}
