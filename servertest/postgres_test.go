package servertest_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"

	"kith/servertest"
)

func number(t *testing.T, url, query string) (n int) {
	t.Helper()
	conn, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(context.Background(), query, pgx.QueryExecModeSimpleProtocol).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestPostgres(t *testing.T) {
	t.Parallel()
	prepare := func(url string) {
		conn, err := pgx.Connect(context.Background(), url)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(context.Background())
		if _, err := conn.Exec(context.Background(), `CREATE TABLE t AS SELECT 7 AS n`); err != nil {
			t.Fatal(err)
		}
	}
	const tables = `SELECT count(*) FROM pg_tables WHERE schemaname = 'public'`
	if n := number(t, servertest.Postgres(t), tables); n != 0 {
		t.Errorf("an empty database has %d tables", n)
	}
	for range 2 {
		if n := number(t, servertest.PreparedPostgres(t, prepare), `SELECT n FROM t`); n != 7 {
			t.Errorf("the copy holds %d", n)
		}
	}
	at := servertest.Postgres(t)
	pooler := servertest.PgBouncer(t, at, 2)
	pooler.Admin(t, "PAUSE")
	pooler.Admin(t, "RESUME")
	if n := number(t, pooler.Through(t, at), `SELECT 1`); n != 1 {
		t.Errorf("%d by way of the pooler", n)
	}
}

func TestPostgresCluster(t *testing.T) {
	t.Parallel()
	primary := servertest.PostgresCluster(t, "max_connections=30", "fsync=on")
	if n := number(t, primary.URL("postgres"), `SELECT current_setting('max_connections')::int`); n != 30 {
		t.Errorf("max_connections = %d", n)
	}
	primary.Exec(t, `CREATE TABLE t AS SELECT 7 AS n`)
	standby := primary.Standby(t)
	if n := number(t, standby.URL("postgres"), `SELECT n FROM t`); n != 7 {
		t.Errorf("the standby holds %d", n)
	}
	primary.Pause(t)
	primary.Resume(t)
	primary.Crash(t)
	standby.Promote(t)
	standby.Exec(t, `UPDATE t SET n = 8`)
	primary.Start(t)
	if n := number(t, primary.URL("postgres"), `SELECT n FROM t WHERE current_setting('max_connections') = '30'`); n != 7 {
		t.Errorf("after the crash there is %d", n)
	}
}
