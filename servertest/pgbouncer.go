package servertest

import (
	"net"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var pgbouncerPort = regexp.MustCompile(`(?m)^(\* = host=127\.0\.0\.1 port=)\d+`)

// Point makes the pooler lead to another server from now on, as an admin does after a
// failover: its address in the configuration, and RELOAD.
func (s *PgBouncerServer) Point(t testing.TB, to *PostgresServer) {
	t.Helper()
	_, port, err := net.SplitHostPort(to.Addr)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(s.dir, "pgbouncer.ini")
	config, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !pgbouncerPort.Match(config) {
		t.Fatalf("%s names no server", path)
	}
	if err := os.WriteFile(path, pgbouncerPort.ReplaceAll(config, []byte("${1}"+port)), 0o644); err != nil {
		t.Fatal(err)
	}
	s.Admin(t, "RELOAD")
}
