package cluster_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"kith"
	"kith/servertest"
	"kith/store/postgres"
	"kith/sync/cluster"
)

// BenchmarkScheduling measures what it costs to poll 10,000 accounts every five minutes,
// 33 a second, beside the reading of mail: sources do nothing. It reports how much of
// one core the daemon and its database take. Run it with -benchtime 1x.
func BenchmarkScheduling(b *testing.B) {
	const (
		n        = 10_000
		interval = 5 * time.Minute
		warm     = 10 * time.Second
	)
	took := 50 * time.Second
	server := servertest.PostgresCluster(b)
	url := server.Database(b)
	s := open(b, url)
	if err := cluster.Migrate(b.Context(), s.Pool()); err != nil {
		b.Fatal(err)
	}
	var rows []kith.Account
	for i := range n {
		rows = append(rows, kith.Account{
			Name: fmt.Sprintf("account-%05d", i), Kind: "imap", Schedule: "@every 5m", Settings: "settings", State: kith.StateNew,
			NextPoll: time.Now().Add(interval * time.Duration(i) / n),
		})
	}
	if err := s.Reconcile(b.Context(), rows); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		c := newTally()
		stop := start(b, member(open(b, url), "one", quiet, func(_ context.Context, account string) error {
			defer c.enter("one", account)()
			return nil
		}))
		time.Sleep(warm)
		daemon, database := processorTime(b), databaseTime(b, s)
		before := c.count()
		time.Sleep(took)
		polls := c.count() - before
		b.ReportMetric(float64(polls)/took.Seconds(), "polls/s")
		b.ReportMetric(100*(processorTime(b)-daemon).Seconds()/took.Seconds(), "daemon-%core")
		b.ReportMetric(100*(databaseTime(b, s)-database).Seconds()/took.Seconds(), "postgres-%core")
		stop()
	}
}

// processorTime is what this process, the daemon, has used.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// databaseTime is what the processes of the database have used, those that have ended too.
func databaseTime(b *testing.B, s *postgres.Store) (total time.Duration) {
	b.Helper()
	var backend int
	if err := s.Pool().QueryRow(b.Context(), `SELECT pg_backend_pid()`).Scan(&backend); err != nil {
		b.Fatal(err)
	}
	postmaster := stat(b, strconv.Itoa(backend))[1]
	processes, err := os.ReadDir("/proc")
	if err != nil {
		b.Fatal(err)
	}
	for _, p := range processes {
		if _, err := strconv.Atoi(p.Name()); err != nil {
			continue
		}
		f := stat(b, p.Name())
		if f == nil || p.Name() != postmaster && f[1] != postmaster {
			continue
		}
		fields := f[11:13] // utime, stime
		if p.Name() == postmaster {
			fields = f[11:15] // and of children that have ended
		}
		for _, field := range fields {
			ticks, err := strconv.Atoi(field)
			if err != nil {
				b.Fatal(err)
			}
			total += time.Duration(ticks) * 10 * time.Millisecond
		}
	}
	return total
}

// stat returns the fields of a process's /proc/PID/stat behind its name: state, ppid, …; nil
// if it has ended.
func stat(b *testing.B, pid string) []string {
	b.Helper()
	text, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return nil
	}
	return strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
}
