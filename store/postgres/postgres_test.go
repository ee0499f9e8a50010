package postgres_test

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"kith"
	"kith/servertest"
	"kith/store"
	"kith/store/postgres"
	"kith/store/storetest"
)

var (
	ctx = context.Background()
	t0  = time.Date(2026, 11, 23, 9, 15, 0, 0, time.UTC)
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestStore runs the suite.
func TestStore(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) store.Store { return open(t) })
}

// TestPooled runs the suite again, by way of a pooler that gives each
// transaction another connection, of few.
func TestPooled(t *testing.T) {
	t.Parallel()
	pooler := servertest.PgBouncer(t, servertest.Postgres(t), 5)
	storetest.Run(t, func(t *testing.T) store.Store { return openAt(t, pooler.Through(t, register(t)), postgres.Options{}) })
}

// register returns the URL of an empty register.
func register(t testing.TB) string {
	t.Helper()
	return servertest.PreparedPostgres(t, func(url string) {
		s, err := postgres.Open(ctx, url, postgres.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// open opens an empty register.
func open(t testing.TB) *postgres.Store {
	t.Helper()
	return openAt(t, register(t), postgres.Options{})
}

func openAt(t testing.TB, url string, opts postgres.Options) *postgres.Store {
	t.Helper()
	s, err := postgres.Open(ctx, url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// raw is a connection of the test's own.
func raw(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(ctx) })
	return conn
}

// batch is a recording of one interaction, the first of its stream.
func batch(stream string) kith.Recording {
	var key kith.Key
	copy(key[:], stream)
	return kith.Recording{Account: "a", Stream: stream, Next: "1", At: t0, Captured: []kith.Captured{
		{Ref: "1", Interaction: &kith.Interaction{Key: key, OccurredAt: t0}},
	}}
}

// says checks that an error names what it has to.
func says(t *testing.T, what string, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s: no error", what)
		return
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%s: %q does not say %q", what, err, part)
		}
	}
	if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: %q tells a password, or is no line", what, err)
	}
}

func TestOpen(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := closed.Addr().String()
	closed.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts, and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	there := servertest.Postgres(t)
	missing := strings.Replace(there, "/test", "/none", 1)
	latin := raw(t, there)
	if _, err := latin.Exec(ctx, `CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := raw(t, there).Exec(ctx, `DROP DATABASE latin`); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(there)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		why, url string
		want     []string
	}{
		{"I07 nobody listens", "postgres://kith:hunter2@" + nobody + "/kith", []string{"open database: database kith at " + nobody + " does not answer: ", "refused"}},
		{"I07 the server is silent", "postgres://kith:hunter2@" + silent.Addr().String() + "/kith?connect_timeout=1", []string{"database kith at", "does not answer"}},
		{"several hosts", "postgres://kith:hunter2@" + nobody + ",localhost:1/kith", []string{nobody + ",localhost:1"}},
		{"no such database", missing, []string{"there is no such database", "createdb"}},
		{"another encoding", "postgres://postgres@" + u.Host + "/latin", []string{"encoding LATIN1", "UTF8"}},
		{"not a URL", "postgres://kith:hunter2@db:x/kith", []string{"can't be read", "want postgres://"}},
		{"a password with a slash", "postgres://kith:hunter2/@db/kith", []string{"can't be read", "%2F"}},
		{"a bad setting", "postgres://kith:hunter2@db/kith?sslmode=sometimes", []string{"can't be used", "sslmode"}},
		{"a bad pool", "postgres://kith:hunter2@db/kith?pool_max_conns=hunter2", []string{"can't be used"}},
		{"words with an odd one", "host=db password=hunter2 user=kith port=x", []string{"can't be read"}},
	} {
		t.Run(tt.why, func(t *testing.T) {
			_, err := postgres.Open(ctx, tt.url, postgres.Options{})
			says(t, "Open", err, tt.want...)
		})
	}
	t.Run("keywords and values", func(t *testing.T) {
		s := openAt(t, fmt.Sprintf("host=%s port=%s user=postgres dbname=%s pool_max_conns=2", u.Hostname(), u.Port(), u.Path[1:]), postgres.Options{})
		if err := s.Ping(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestLogin(t *testing.T) {
	t.Setenv("PG_AUTH", "scram-sha-256")
	t.Setenv("PG_TLS", "1")
	server := servertest.PostgresCluster(t)
	at := func(password, settings string) string {
		return "postgres://postgres:" + password + "@" + server.Addr + "/postgres?" + settings
	}
	_, err := postgres.Open(ctx, at("hunter2", "sslmode=require"), postgres.Options{})
	says(t, "wrong password", err, "database postgres at "+server.Addr, "the login was refused: check user and password")
	_, err = postgres.Open(ctx, at("secret", "sslmode=verify-full"), postgres.Options{})
	says(t, "a certificate that nobody vouches for", err, "does not answer", "certificate")

	file := filepath.Join(t.TempDir(), "pgpass")
	host, port, _ := net.SplitHostPort(server.Addr)
	if err := os.WriteFile(file, []byte(host+":"+port+":*:postgres:secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PGPASSFILE", file)
	t.Setenv("PGSSLMODE", "require")
	s := openAt(t, "postgres://postgres@"+server.Addr+"/postgres", postgres.Options{})
	if err := s.Ping(ctx); err != nil {
		t.Errorf("with a password file: %v", err)
	}
	var encrypted bool
	var name string
	err = s.Pool().QueryRow(ctx, `SELECT ssl, current_setting('application_name') FROM pg_stat_ssl WHERE pid = pg_backend_pid()`).Scan(&encrypted, &name)
	if err != nil || !encrypted || name != "kith" {
		t.Errorf("encrypted: %v, application %q, %v", encrypted, name, err)
	}
}

func TestReadOnly(t *testing.T) {
	at := servertest.Postgres(t)
	_, err := postgres.Open(ctx, at, postgres.Options{ReadOnly: true})
	says(t, "Open", err, "schema version 0", "kith migrate")
	openAt(t, at, postgres.Options{})
	s := openAt(t, at, postgres.Options{ReadOnly: true})
	if _, _, err := s.CountContacts(ctx); err != nil {
		t.Error(err)
	}
	_, err = s.PutContacts(ctx, []kith.Contact{{Name: "Ann"}}, t0, false)
	says(t, "PutContacts", err, "put contacts", "read only")
}

func TestClosed(t *testing.T) {
	s := open(t)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	says(t, "Ping", s.Ping(ctx), "closed")
	if _, err := s.CountInteractions(ctx, store.Filter{}); err == nil {
		t.Error("a closed database answers")
	}
}
