package servertest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// shared is the PostgreSQL of the test binary. It ends with the process.
var shared struct {
	sync.Mutex
	server   *PostgresServer
	alive    *os.File // a reaper waits for its other end to close
	prepared bool     // there is a template
}

const template = "prepared"

var databases atomic.Int64

// Postgres returns the URL of an empty database on a server that all tests of the
// binary share; the first test starts it, which takes about a second. The database
// is dropped when the test ends.
func Postgres(t testing.TB) string {
	t.Helper()
	return sharedPostgres(t).Database(t)
}

// PreparedPostgres is [Postgres] with a database that is a copy of one which prepare
// was called with. It is called once in a binary, so all tests have to give the same.
func PreparedPostgres(t testing.TB, prepare func(url string)) string {
	t.Helper()
	s := sharedPostgres(t)
	shared.Lock()
	defer shared.Unlock()
	if !shared.prepared {
		s.Exec(t, "CREATE DATABASE "+template)
		prepare(s.URL(template))
		shared.prepared = true
	}
	return s.database(t, " TEMPLATE "+template+" STRATEGY file_copy") // thrice as fast as wal_log here
}

func sharedPostgres(t testing.TB) *PostgresServer {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.server == nil {
		path := script(t, "pg.sh")
		dir, err := os.MkdirTemp("", "kith-servertest-")
		if err != nil {
			t.Fatal(err)
		}
		shared.alive = reaper(t, path, dir)
		shared.server = startPostgres(t, path, dir, nil)
	}
	return shared.server
}

// PostgresServer is a running PostgreSQL that belongs to one test. Its methods may
// be called from any goroutine.
type PostgresServer struct {
	Addr string // host:port

	script, dir string
	env         []string // settings, which every start needs
}

// PostgresCluster starts a server for one test, which may crash and pause it. The
// settings are postgresql.conf's: "max_connections=20". "fsync=on" makes it
// survive a crash.
func PostgresCluster(t testing.TB, settings ...string) *PostgresServer {
	t.Helper()
	path := script(t, "pg.sh")
	return startPostgres(t, path, folder(t, path), settings)
}

func startPostgres(t testing.TB, path, dir string, settings []string) *PostgresServer {
	t.Helper()
	env := []string{"PG_CONF=" + strings.Join(settings, " ")}
	for _, s := range settings {
		if s == "fsync=on" {
			env = append(env, "PG_FSYNC=on")
		}
	}
	port := start(t, path, dir, env, 1)
	return &PostgresServer{Addr: addr(port[0]), script: path, dir: dir, env: env}
}

// URL returns the address of one of the server's databases: "postgres" is always
// there.
func (s *PostgresServer) URL(database string) string {
	return (&url.URL{Scheme: "postgres", User: url.User("postgres"), Host: s.Addr, Path: "/" + database}).String()
}

// Database makes an empty database and returns its URL. It is dropped when the test
// ends.
func (s *PostgresServer) Database(t testing.TB) string {
	t.Helper()
	return s.database(t, "")
}

func (s *PostgresServer) database(t testing.TB, options string) string {
	t.Helper()
	name := fmt.Sprintf("test%d", databases.Add(1))
	s.Exec(t, "CREATE DATABASE "+name+options)
	t.Cleanup(func() { s.drop(t, name) })
	return s.URL(name)
}

func (s *PostgresServer) drop(t testing.TB, name string) {
	conn, err := pgx.Connect(context.Background(), s.URL("postgres"))
	if err != nil {
		return // the test has ended the server
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
		t.Error(err)
	}
}

// Exec runs statements in the database "postgres".
func (s *PostgresServer) Exec(t testing.TB, statements string) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), s.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(context.Background(), statements); err != nil {
		t.Fatal(err)
	}
}

// Standby starts a hot standby of the server.
func (s *PostgresServer) Standby(t testing.TB) *PostgresServer {
	t.Helper()
	dir := folder(t, s.script)
	for range 3 { // as in start
		port := freePort(t)
		out, err := s.command("replica", dir, fmt.Sprint(port), s.dir)
		if err == nil {
			return &PostgresServer{Addr: addr(port), script: s.script, dir: dir, env: s.env}
		}
		t.Logf("standby: %v\n%s", err, out)
	}
	t.Fatal("the standby does not start")
	return nil
}

// Promote makes a standby a primary.
func (s *PostgresServer) Promote(t testing.TB) { t.Helper(); s.run(t, "promote") }

// Crash kills all processes of the server at once.
func (s *PostgresServer) Crash(t testing.TB) { t.Helper(); s.run(t, "crash") }

// Stop ends the server as an admin does: connections are closed.
func (s *PostgresServer) Stop(t testing.TB) { t.Helper(); s.run(t, "stop") }

// Start starts the server again after Crash or Stop, at the same address.
func (s *PostgresServer) Start(t testing.TB) { t.Helper(); s.run(t, "start") }

// Pause stops all processes of the server: it accepts connections and says nothing.
func (s *PostgresServer) Pause(t testing.TB) { t.Helper(); s.run(t, "pause") }

// Resume lets a paused server go on.
func (s *PostgresServer) Resume(t testing.TB) { t.Helper(); s.run(t, "resume") }

func (s *PostgresServer) run(t testing.TB, cmd string) {
	t.Helper()
	if out, err := s.command(cmd, s.dir); err != nil {
		t.Fatalf("postgres %s: %v\n%s", cmd, err, out)
	}
}

// command runs the script. Its output goes to a file, which the server inherits:
// a pipe would be held open by it.
func (s *PostgresServer) command(args ...string) (string, error) {
	log, err := os.CreateTemp(args[1], "command-")
	if err != nil {
		return "", err
	}
	defer log.Close()
	cmd := exec.CommandContext(context.Background(), s.script, args...)
	cmd.Env = append(os.Environ(), s.env...)
	cmd.Stdout, cmd.Stderr = log, log
	err = cmd.Run()
	out, _ := os.ReadFile(log.Name())
	return string(out), err
}

// PgBouncerServer is a pooler in front of a PostgreSQL.
type PgBouncerServer struct {
	Addr string // host:port

	script, dir string
}

// PgBouncer starts a pooler in transaction mode in front of the server of a database
// URL, for one test. poolSize is how many connections to a database it makes at
// most.
func PgBouncer(t testing.TB, database string, poolSize int) *PgBouncerServer {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	path := script(t, "pgbouncer.sh")
	dir := folder(t, path)
	for range 3 { // as in start
		port := freePort(t)
		cmd := exec.CommandContext(context.Background(), path, "start", dir, fmt.Sprint(port), u.Port())
		cmd.Env = append(os.Environ(), "POOL_MODE=transaction", fmt.Sprintf("POOL_SIZE=%d", poolSize))
		log, err := os.Create(filepath.Join(dir, "start.log"))
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdout, cmd.Stderr = log, log
		err = cmd.Run()
		log.Close()
		if err == nil {
			return &PgBouncerServer{Addr: addr(port), script: path, dir: dir}
		}
	}
	out, _ := os.ReadFile(filepath.Join(dir, "start.log"))
	unavailable(t, fmt.Errorf("%s: %s", filepath.Base(path), strings.TrimSpace(string(out))))
	return nil
}

// Through returns the URL of a database by way of the pooler.
func (s *PgBouncerServer) Through(t testing.TB, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = s.Addr
	return u.String()
}

// Admin runs a command of PgBouncer's console: PAUSE, RESUME, KILL, …
func (s *PgBouncerServer) Admin(t testing.TB, command string) {
	t.Helper()
	out, err := exec.CommandContext(context.Background(), s.script, "sql", s.dir, command).CombinedOutput()
	if err != nil {
		t.Fatalf("pgbouncer %s: %v\n%s", command, err, out)
	}
}
