package clustertest_test

import (
	"os"
	"testing"
	"time"

	"kith/servertest"
)

// TestThreeDaemons lets three daemons share the mailboxes of an organisation while
// everything that they rest on fails once, and mail goes on to arrive.
func TestThreeDaemons(t *testing.T) {
	// D14 D15 I06 I09
	t.Parallel()
	users, letters, schedule, paused := 24, 40, "@every 3s", 5*time.Second
	if full {
		users, letters, schedule, paused = 300, 200, "@every 10s", time.Minute
	}
	program := build(t, "1.0")
	primary := servertest.PostgresCluster(t, "synchronous_commit=on")
	database := primary.Database(t)
	standby := primary.Standby(t)
	bouncer := servertest.PgBouncer(t, database, 10)

	s := newScene(t, users, letters, schedule, "[limits]\nworkers = 8\nper_host = 8\n")
	s.database = hosts(t, database, primary, standby)
	// One daemon reaches the database by the pooler, which an admin points to the
	// new primary after a failover. The others know both servers and find it by themselves.
	pooled := s.daemon("pooled", program, bouncer.Through(t, database))
	second := s.daemon("second", program, s.database)
	third := s.daemon("third", program, s.database)
	all := []*daemon{pooled, second, third}

	s.importContacts(program, third.config)
	s.begin("first capture")
	begin := time.Now()
	for _, d := range all {
		d.start(t)
	}
	s.captured(3 * time.Minute)
	t.Logf("first capture of %d messages in %d mailboxes: %v", s.letters, users, time.Since(begin).Round(100*time.Millisecond))
	s.settle(2 * time.Minute)
	s.arriving = true
	s.begin("polls")
	s.settle(2 * time.Minute)

	s.begin("a daemon is killed")
	s.freeze(second)
	if full {
		second.end(t, os.Kill)
		s.settle(2 * time.Minute)
		second.start(t)
		s.begin("a daemon is frozen")
	}
	s.freeze(third)
	if full {
		at := time.Now()
		s.settle(2 * time.Minute)
		s.pass(2*time.Minute - time.Since(at))
		third.signal(t, wake)
		s.settle(time.Minute)
	} else { // all at once: there is one lease to wait for
		second.end(t, os.Kill)
	}

	s.begin("the database restarts")
	primary.Stop(t)
	primary.Start(t)
	if full {
		s.settle(2 * time.Minute)
	}

	// The standby may lack the last transactions of a primary that dies. They
	// are missing whole, how far was read included: it is read again.
	s.begin("a standby is promoted")
	primary.Crash(t)
	standby.Promote(t)
	bouncer.Point(t, standby)
	s.settle(2 * time.Minute)
	if !full {
		third.signal(t, wake)
		second.start(t)
		s.settle(time.Minute)
	}

	s.begin("the pooler pauses")
	bouncer.Admin(t, "PAUSE")
	s.pass(paused)
	bouncer.Admin(t, "RESUME")
	s.settle(2 * time.Minute)

	for phase, gap := range s.gaps {
		if gap > time.Minute && phase != "first capture" {
			t.Errorf("%s: an account was not polled for %v", phase, gap)
		}
	}

	s.begin("the end")
	s.arriving = false
	s.captured(2 * time.Minute)
	s.settle(time.Minute)
	for _, d := range all {
		now, most := d.memory(t)
		t.Logf("daemon %-6s %d MiB, %d at most, %d lines of log", d.name, now, most, d.log.lines())
		took, code := d.end(t, os.Interrupt)
		if took > 10*time.Second || code != 0 {
			t.Errorf("daemon %s took %v to end, exit code %d", d.name, took, code)
		}
	}
	if known := s.daemonsKnown(); len(known) > 0 && full {
		t.Logf("still on file: %v", sorted(known)) // the one that was killed
	}
	s.compare(program, third.config)
}
