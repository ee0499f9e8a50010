package carddavsource_test

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"kith/servertest"
)

// habits say how a fake server differs from a good one.
type habits struct {
	noSync, noCTag, noETag, noMultiget bool
	refuseSync                         bool // although it is announced
	blind                              bool // a multiget finds nothing
	page                               int  // changes in an answer to sync-collection
	// hook may answer a request itself.
	hook func(w http.ResponseWriter, r *http.Request, body string) bool
}

// fake is a server with one book.
type fake struct {
	habits

	mu      sync.Mutex
	cards   map[string]string // by path, decoded
	changed map[string]int    // version of the last change, of cards that are gone too
	version int
}

const fakeBook = "/dav/me/book/"

// fakeServer starts a fake for a test.
func fakeServer(h habits) func(t testing.TB) (*servertest.DAVServer, string) {
	return func(t testing.TB) (*servertest.DAVServer, string) {
		_, s := startFake(t, h)
		return s, s.URL
	}
}

func startFake(t testing.TB, h habits) (*fake, *servertest.DAVServer) {
	t.Helper()
	f := &fake{habits: h, cards: map[string]string{}, changed: map[string]int{}}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return f, &servertest.DAVServer{URL: server.URL + fakeBook, Home: server.URL + "/dav/me/"}
}

func (f *fake) put(name, card string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.version++
	f.cards[fakeBook+name], f.changed[fakeBook+name] = card, f.version
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	body := string(b)
	if f.hook != nil && f.hook(w, r, body) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	path := r.URL.Path
	switch card, ok := f.cards[path]; {
	case r.Method == http.MethodPut:
		f.version++
		f.cards[path], f.changed[path] = body, f.version
		w.WriteHeader(http.StatusCreated)
	case r.Method == http.MethodGet && ok:
		io.WriteString(w, card)
	case r.Method == http.MethodDelete && ok:
		f.version++
		delete(f.cards, path)
		f.changed[path] = f.version
	case path != fakeBook:
		http.NotFound(w, r)
	case r.Method == "PROPFIND":
		f.propfind(w, r.Header.Get("Depth") == "1")
	case r.Method == "REPORT" && strings.Contains(body, "<sync-collection") && !f.noSync && !f.refuseSync:
		f.sync(w, body)
	case r.Method == "REPORT" && strings.Contains(body, "<addressbook-multiget") && !f.noMultiget:
		f.multiget(w, body)
	default:
		http.Error(w, "no", http.StatusNotImplemented)
	}
}

func (f *fake) propfind(w http.ResponseWriter, members bool) {
	own := `<D:resourcetype><D:collection/><C:addressbook/></D:resourcetype><D:displayname>My book</D:displayname>`
	if !f.noCTag {
		own += fmt.Sprintf(`<S:getctag>%d</S:getctag>`, f.version)
	}
	if !f.noSync {
		own += fmt.Sprintf(`<D:sync-token>%d</D:sync-token>`, f.version)
	}
	answer := response(fakeBook, own)
	if members {
		for _, path := range slices.Sorted(maps.Keys(f.cards)) {
			answer += response(path, f.etag(path)+`<D:resourcetype/>`)
		}
	}
	multistatus(w, answer)
}

func (f *fake) etag(path string) string {
	if f.noETag {
		return ""
	}
	return fmt.Sprintf(`<D:getetag>"%d"</D:getetag>`, f.changed[path])
}

func (f *fake) sync(w http.ResponseWriter, body string) {
	_, rest, _ := strings.Cut(body, "<sync-token xmlns=\"DAV:\">")
	token, _, _ := strings.Cut(rest, "<")
	since := 0
	if token != "" {
		var err error
		if since, err = strconv.Atoi(token); err != nil || since > f.version {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(http.StatusForbidden)
			io.WriteString(w, `<error xmlns="DAV:"><valid-sync-token/></error>`)
			return
		}
	}
	paths := slices.SortedFunc(maps.Keys(f.changed), func(a, b string) int { return cmp.Compare(f.changed[a], f.changed[b]) })
	answer, n, at := "", 0, f.version
	for _, path := range paths {
		_, exists := f.cards[path]
		if f.changed[path] <= since || token == "" && !exists {
			continue
		}
		if n++; f.page > 0 && n > f.page {
			answer += `<D:response><D:href>` + fakeBook + `</D:href><D:status>HTTP/1.1 507 Insufficient Storage</D:status><D:error><D:number-of-matches-within-limits/></D:error></D:response>`
			break
		}
		if at = f.changed[path]; exists {
			answer += response(path, f.etag(path))
		} else {
			answer += `<D:response><D:href>` + escaped(path) + `</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response>`
		}
	}
	if f.page == 0 || n <= f.page {
		at = f.version
	}
	multistatus(w, answer+fmt.Sprintf(`<D:sync-token>%d</D:sync-token>`, at))
}

func (f *fake) multiget(w http.ResponseWriter, body string) {
	var query struct {
		Hrefs []string `xml:"DAV: href"`
	}
	if err := xml.Unmarshal([]byte(body), &query); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer := ""
	for _, href := range query.Hrefs {
		path, err := url.PathUnescape(href)
		card, ok := f.cards[path]
		if err != nil || !ok || f.blind {
			answer += `<D:response><D:href>` + href + `</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response>`
			continue
		}
		answer += response(path, `<C:address-data><![CDATA[`+card+`]]></C:address-data>`)
	}
	multistatus(w, answer)
}

// escaped encodes more of a path than it need be.
func escaped(path string) string {
	return strings.ReplaceAll(url.PathEscape(path), "%2F", "/")
}

func response(path, props string) string {
	return `<D:response><D:href>` + escaped(path) + `</D:href><D:propstat><D:prop>` + props + `</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`
}

func multistatus(w http.ResponseWriter, inner string) {
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.WriteHeader(http.StatusMultiStatus)
	io.WriteString(w, `<?xml version="1.0"?><D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:S="http://calendarserver.org/ns/">`+inner+`</D:multistatus>`)
}
