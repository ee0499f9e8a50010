package postgres_test

import (
	"context"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kith/servertest"
	"kith/store/postgres"
)

var (
	ctx = context.Background()
	t0  = time.Date(2026, 11, 23, 9, 15, 0, 0, time.UTC)
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens an empty register.
func open(t testing.TB) *postgres.Store {
	t.Helper()
	return openAt(t, servertest.Postgres(t), postgres.Options{})
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

func TestOpen(t *testing.T) {
	start := time.Now()
	s := open(t)
	t.Log(time.Since(start))
	start = time.Now()
	s = open(t)
	t.Log(time.Since(start))
	if err := s.Ping(ctx); err != nil {
		t.Error(err)
	}
	b := servertest.PgBouncer(t, servertest.Postgres(t), 1)
	s = openAt(t, b.Through(t, servertest.Postgres(t)), postgres.Options{})
	if err := s.Ping(ctx); err != nil {
		t.Error(err)
	}
	_ = t0
}
