package postgres_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"kith"
	"kith/servertest"
	"kith/store"
	"kith/store/postgres"
)

// fail is a statement that fails with an SQLSTATE.
func fail(code string) string {
	return fmt.Sprintf(`DO $$ BEGIN RAISE EXCEPTION 'as told' USING ERRCODE = '%s'; END $$`, code)
}

func TestRetries(t *testing.T) {
	s := open(t)
	for _, tt := range []struct {
		why, code string
		tries     int // that fail
		want      []string
	}{
		{"I08 serialization failure, twice", "40001", 2, nil},
		{"I08 deadlock, twice", "40P01", 2, nil},
		{"I08 serialization failure, again and again", "40001", 100, []string{"try: database", "others were changing the same rows"}},
		{"the server shuts down, once", "57P01", 1, nil},
		{"I08 disk full", "53100", 1, []string{"the disk is full: make room"}},
		{"too many connections", "53300", 1, []string{"max_connections", "pool_max_conns"}},
		{"a lock", "55P03", 1, []string{"another transaction has held a lock"}},
		{"a constraint", "23505", 1, []string{"try: ", kith.ErrConflict.Error()}},
		{"a code without advice", "22012", 1, []string{"try: database", "as told (22012)"}},
	} {
		t.Run(tt.why, func(t *testing.T) {
			tries := 0
			err := s.Write(ctx, func(exec func(string) error) error {
				if tries++; tries <= tt.tries {
					return exec(fail(tt.code))
				}
				return exec(`UPDATE meta SET value = value + 1 WHERE name = 'definitions_version'`)
			})
			if tt.want == nil {
				if err != nil || tries != tt.tries+1 {
					t.Errorf("%d tries, %v", tries, err)
				}
				return
			}
			says(t, "write", err, tt.want...)
			if tt.tries == 1 && tries != 1 {
				t.Errorf("%d tries", tries)
			}
		})
	}
	t.Run("I08 a real deadlock", func(t *testing.T) {
		var wg sync.WaitGroup
		var both sync.WaitGroup
		both.Add(2)
		tries := make(chan int, 2)
		for _, order := range [][2]string{{"contacts", "definitions"}, {"definitions", "contacts"}} {
			wg.Go(func() {
				n := 0
				err := s.Write(ctx, func(exec func(string) error) error {
					for i, name := range order {
						if err := exec(`UPDATE meta SET value = value + 1 WHERE name = '` + name + `_version'`); err != nil {
							return err
						}
						if n == 0 && i == 0 {
							both.Done()
							both.Wait()
						}
						n++
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
				tries <- n
			})
		}
		wg.Wait()
		if n := <-tries + <-tries; n <= 4 {
			t.Errorf("%d statements succeeded: there was no deadlock", n)
		}
	})
	t.Run("a context that is done ends a statement, and the store goes on", func(t *testing.T) {
		short, cancel := context.WithTimeout(ctx, 50*time.Millisecond)
		defer cancel()
		err := s.Write(short, func(exec func(string) error) error { return exec(`SELECT pg_sleep(60)`) })
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if err := s.Ping(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Run("a context that is done before the commit", func(t *testing.T) {
		done, cancel := context.WithCancel(ctx)
		before, err := s.DefinitionsVersion(ctx)
		if err != nil {
			t.Fatal(err)
		}
		err = s.Write(done, func(exec func(string) error) error {
			defer cancel()
			return exec(`UPDATE meta SET value = value + 1 WHERE name = 'definitions_version'`)
		})
		if !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if after, err := s.DefinitionsVersion(ctx); err != nil || after != before {
			t.Errorf("version %d became %d, %v", before, after, err)
		}
	})
}

// A connection that is lost during the commit leaves open whether it was done.
func TestLostCommit(t *testing.T) {
	for _, tt := range []struct {
		why       string
		delivered bool
	}{
		{"I07 the server has done it", true},
		{"I07 the server has not heard of it", false},
	} {
		t.Run(tt.why, func(t *testing.T) {
			at := register(t)
			u, err := url.Parse(at)
			if err != nil {
				t.Fatal(err)
			}
			cut := newCutter(t, u.Host, tt.delivered)
			u.Host, u.RawQuery = cut.addr, "sslmode=disable"
			s := openAt(t, u.String(), postgres.Options{})
			cut.arm()
			done, err := s.Record(ctx, batch("s"))
			if err != nil || done.New != 1 {
				t.Errorf("Record = %+v, %v", done, err)
			}
			if !cut.disarmed() {
				t.Error("no connection was cut")
			}
			if n, err := s.CountInteractions(ctx, store.Filter{}); err != nil || n != 1 {
				t.Errorf("%d interactions, %v", n, err)
			}
			if st, err := s.Stream(ctx, "a", "s"); err != nil || st.Cursor != "1" || st.Recorded != 1 {
				t.Errorf("stream %+v, %v", st, err)
			}
		})
	}
}

// cutter is a way to a server that, once armed, cuts the connection of the next
// transaction which has an id during its commit.
type cutter struct {
	addr      string
	delivered bool // the server gets the commit, the client no answer

	mu    sync.Mutex
	armed bool
}

func newCutter(t *testing.T, server string, delivered bool) *cutter {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{addr: l.Addr().String(), delivered: delivered}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			backend, err := net.Dial("tcp", server)
			if err != nil {
				client.Close()
				continue
			}
			wg.Go(func() { c.serve(client, backend) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		wg.Wait() // the store has closed its connections by then
	})
	return c
}

func (c *cutter) arm() { c.mu.Lock(); defer c.mu.Unlock(); c.armed = true }

func (c *cutter) disarmed() bool { c.mu.Lock(); defer c.mu.Unlock(); return !c.armed }

// fires tells whether the connection is to be cut at what the client sends.
func (c *cutter) fires(sent []byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.armed || !bytes.Contains(sent, []byte("commit\x00")) {
		return false
	}
	c.armed = false
	return true
}

func (c *cutter) serve(client, backend net.Conn) {
	defer client.Close()
	defer backend.Close()
	var wg sync.WaitGroup
	defer wg.Wait()
	var mute sync.Mutex // held while the client gets no answers
	wg.Go(func() {
		defer client.Close()
		b := make([]byte, 64<<10)
		for {
			n, err := backend.Read(b)
			if err != nil || !mute.TryLock() {
				return // what comes is the answer to the commit
			}
			_, err = client.Write(b[:n])
			mute.Unlock()
			if err != nil {
				return
			}
		}
	})
	b := make([]byte, 64<<10)
	for {
		n, err := client.Read(b)
		if err != nil {
			backend.Close()
			return
		}
		if c.fires(b[:n]) {
			if !c.delivered {
				backend.Close()
				return
			}
			mute.Lock()
		}
		if _, err := backend.Write(b[:n]); err != nil && !errors.Is(err, io.EOF) {
			return
		}
	}
}

func TestDown(t *testing.T) {
	server := servertest.PostgresCluster(t, "fsync=on")
	s := openAt(t, server.URL("postgres"), postgres.Options{})
	if _, err := s.Record(ctx, batch("before")); err != nil {
		t.Fatal(err)
	}
	check := func(t *testing.T, stream string) {
		t.Helper()
		if done, err := s.Record(ctx, batch(stream)); err != nil || done.New != 1 {
			t.Errorf("it works again, but Record = %+v, %v", done, err)
		}
		if st, err := s.Stream(ctx, "a", "before"); err != nil || st.Cursor != "1" {
			t.Errorf("cursor %q, %v", st.Cursor, err)
		}
	}
	t.Run("I07 the database is down for a while", func(t *testing.T) {
		server.Stop(t)
		before := goroutines()
		var wg sync.WaitGroup
		for n := range 20 {
			wg.Go(func() {
				_, err := s.Record(ctx, batch(fmt.Sprint("while down ", n)))
				says(t, "Record", err, "record stream a/while down", "database postgres at "+server.Addr)
				_, err = s.ClaimDue(ctx, t0, t0, 1)
				says(t, "ClaimDue", err, "claim due accounts", "does not answer", "refused")
			})
		}
		wg.Wait()
		if after := goroutines(); after > before+5 {
			t.Errorf("%d goroutines became %d", before, after)
		}
		server.Start(t)
		check(t, "after a stop")
	})
	t.Run("I07 the server is started anew between two batches", func(t *testing.T) {
		server.Stop(t)
		server.Start(t)
		check(t, "at once")
	})
	t.Run("I07 the server crashes", func(t *testing.T) {
		server.Crash(t)
		server.Start(t)
		check(t, "after a crash")
	})
	t.Run("I07 the server says nothing", func(t *testing.T) {
		server.Pause(t)
		short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
		defer cancel()
		if _, err := s.Record(short, batch("after a pause")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Record: %v", err)
		}
		server.Resume(t)
		check(t, "after a pause")
	})
	t.Run("sessions that an admin ends", func(t *testing.T) {
		server.Exec(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'kith'`)
		check(t, "after that")
	})
}

// goroutines counts those of this program that have to do with the database.
func goroutines() int {
	return strings.Count(stacks(), "jackc/pgx")
}

func stacks() string {
	b := make([]byte, 1<<20)
	return string(b[:runtime.Stack(b, true)])
}
