package servertest

import (
	"path/filepath"
	"testing"
)

// Xandikos starts a server for one test. It knows no login and has one user, with a
// calendar and an address book. It takes about 0.5 s.
func Xandikos(t testing.TB) *DAVServer {
	t.Helper()
	path := script(t, "xandikos.sh")
	dir := folder(t, path)
	port := start(t, path, dir, nil, 1)
	url := "http://" + addr(port[0]) + "/"
	return &DAVServer{URL: url, Home: url + "alice/contacts/", Calendars: url + "alice/calendars/",
		data: filepath.Join(dir, "data"), git: true}
}
