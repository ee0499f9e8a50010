package servertest

import (
	"path/filepath"
	"testing"
)

// DAVServer is a running server of calendars and address books. Its methods may be
// called from any goroutine.
type DAVServer struct {
	URL       string // where discovery begins
	Home      string // URL of where a user's address books are, with a slash at its end
	Calendars string // URL of where calendars are
	Username  string // "": there is no login
	Password  string

	data string // the folder with its collections
	git  bool   // which are git repositories
}

// Radicale starts a server for one test, with the users alice, bob and carol and an
// empty home each. It takes about 0.5 s.
func Radicale(t testing.TB) *DAVServer {
	t.Helper()
	path := script(t, "radicale.sh")
	dir := folder(t, path)
	port := start(t, path, dir, nil, 1)
	url := "http://" + addr(port[0]) + "/"
	return &DAVServer{URL: url, Home: url + "alice/", Calendars: url + "alice/", Username: "alice", Password: Password,
		data: filepath.Join(dir, "collections", "collection-root")}
}
