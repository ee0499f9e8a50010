package caldavsource_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kith/sync/caldavsource"
)

// fake is a server with one calendar, which differs from a good one by its habits.
type fake struct {
	noCTag, noSync, noETag, noQuery bool
	refuse                          int  // what a sync-collection with a token is answered with
	all                             bool // a sync-collection lists everything, whatever the token
	item404                         bool // a query tells of one resource more, which is 404
	blind, silent, cut              bool // a query gives no data of b.ics, nothing at all, or not all

	mu      sync.Mutex
	files   map[string]string
	version int
	changed map[string]int
	asked   []string
}

const fakeHome = "/cal/"

func (f *fake) put(name, text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.version++
	if f.files == nil {
		f.files, f.changed = map[string]string{}, map[string]int{}
	}
	f.files[name], f.changed[name] = text, f.version
}

func (f *fake) remove(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.version++
	delete(f.files, name)
	f.changed[name] = f.version
}

func (f *fake) etag(name string) string {
	if f.noETag {
		return ""
	}
	return fmt.Sprintf(`<D:getetag>W/"%d"</D:getetag>`, f.changed[name])
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return // the client has gone
	}
	body := string(b)
	f.mu.Lock()
	defer f.mu.Unlock()
	tell := func(path, props string) string {
		return `<D:response><D:href>` + path + `</D:href><D:propstat><D:prop>` + props + `</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`
	}
	gone := func(path string) string {
		return `<D:response><D:href>` + path + `</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response>`
	}
	data := func(name string) string {
		return tell(fakeHome+name, f.etag(name)+`<C:calendar-data><![CDATA[`+f.files[name]+`]]></C:calendar-data>`)
	}
	answer, token := "", ""
	names := slices.Sorted(maps.Keys(f.files))
	switch {
	case r.URL.Path != fakeHome:
		if text, ok := f.files[strings.TrimPrefix(r.URL.Path, fakeHome)]; ok && r.Method == http.MethodGet {
			io.WriteString(w, text)
			return
		}
		http.NotFound(w, r)
		return
	case r.Method == "PROPFIND":
		f.asked = append(f.asked, "PROPFIND "+r.Header.Get("Depth"))
		own := `<D:resourcetype><D:collection/><C:calendar/></D:resourcetype><D:supported-report-set/>`
		if !f.noCTag {
			own += fmt.Sprintf(`<S:getctag>%d</S:getctag>`, f.version)
		}
		if !f.noSync {
			own = strings.Replace(own, `<D:supported-report-set/>`, `<D:supported-report-set><D:supported-report><D:report><D:sync-collection/></D:report></D:supported-report></D:supported-report-set>`, 1) +
				fmt.Sprintf(`<D:sync-token>%d</D:sync-token>`, f.version)
		}
		answer = tell(fakeHome, own)
		if r.Header.Get("Depth") == "1" {
			for _, name := range names {
				answer += tell(fakeHome+name, f.etag(name)+`<D:resourcetype/>`)
			}
		}
	case strings.Contains(body, "<calendar-query") && !f.noQuery:
		f.asked = append(f.asked, "query")
		for n, name := range names {
			switch {
			case f.silent, f.cut && n > 0:
			case f.blind && name == "b.ics":
				answer += `<D:response><D:href>` + fakeHome + name + `</D:href><D:propstat><D:prop>` + f.etag(name) + `</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat><D:propstat><D:prop><C:calendar-data/></D:prop><D:status>HTTP/1.1 500 Internal Server Error</D:status></D:propstat></D:response>`
			default:
				answer += data(name)
			}
		}
		if f.cut {
			answer += `<D:response><D:href>` + fakeHome + `</D:href><D:status>HTTP/1.1 507 Insufficient Storage</D:status></D:response>`
		}
		if f.item404 {
			answer += gone(fakeHome + "vanished.ics")
		}
	case strings.Contains(body, "<calendar-multiget"):
		f.asked = append(f.asked, "multiget")
		for _, name := range names {
			if strings.Contains(body, fakeHome+name+"<") {
				answer += data(name)
			}
		}
	case strings.Contains(body, "<sync-collection") && !f.noSync:
		f.asked = append(f.asked, "sync")
		_, rest, _ := strings.Cut(body, `<sync-token xmlns="DAV:">`)
		text, _, _ := strings.Cut(rest, "<")
		since := 0
		fmt.Sscan(text, &since)
		if f.refuse > 0 && text != "" {
			w.WriteHeader(f.refuse)
			return
		}
		if f.all {
			since = 0
		}
		for _, name := range slices.Sorted(maps.Keys(f.changed)) {
			if _, there := f.files[name]; f.changed[name] > since && there {
				answer += tell(fakeHome+name, f.etag(name))
			} else if f.changed[name] > since && text != "" && !f.all {
				answer += gone(fakeHome + name)
			}
		}
		token = fmt.Sprintf(`<D:sync-token>%d</D:sync-token>`, f.version)
	default:
		http.Error(w, "no", http.StatusNotImplemented)
		return
	}
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusMultiStatus)
	fmt.Fprint(w, `<D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/">`+answer+token+`</D:multistatus>`)
}

// live is a few days of a calendar: each step is a poll, and what must come of it.
func live(t *testing.T, f *fake, restarts bool) {
	t.Helper()
	server := httptest.NewServer(f)
	defer server.Close()
	src := open(t, caldavsource.Options{URL: server.URL + fakeHome, AllowPrivate: true, Since: now.AddDate(-1, 0, 0), Now: func() time.Time { return now }})
	streams, err := src.Streams(t.Context())
	if err != nil || len(streams) != 1 {
		t.Fatalf("%v, %v", streams, err)
	}
	at := func(uid string, day int) string {
		return event(uid, fmt.Sprintf("DTSTART:202611%02dT090000Z", day), "SUMMARY:One", "ORGANIZER:mailto:alice@us.test")
	}
	f.put("a.ics", at("a", 2))
	f.put("b.ics", at("b", 3))
	f.put("c.ics", at("c", 4))
	first := poll(t, src, "cal", "")
	first.want(t, "first", "a.ics# b.ics# c.ics#", "")
	known := []string{"a.ics#", "b.ics#", "c.ics#"}
	unchanged := poll(t, src, "cal", first.cursor, known...)
	if len(unchanged.gone) > 0 || !f.noETag && !restarts && len(unchanged.items) > 0 {
		t.Errorf("unchanged: %+v", unchanged)
	}
	f.put("b.ics", at("b", 5))
	f.remove("a.ics")
	f.put("d.ics", at("d", 6))
	changed := poll(t, src, "cal", unchanged.cursor, known...)
	for _, want := range []string{"b.ics#", "d.ics#"} {
		if !slices.Contains(changed.items, want) {
			t.Errorf("changed: %s is missing among %v", want, changed.items)
		}
	}
	if !slices.Equal(changed.gone, []string{"a.ics#"}) {
		t.Errorf("gone %v", changed.gone)
	}
	f.put("e.ics", at("e", 7))
	f.remove("c.ics")
	more := poll(t, src, "cal", changed.cursor, "b.ics#", "c.ics#", "d.ics#")
	if !slices.Contains(more.items, "e.ics#") || !slices.Equal(more.gone, []string{"c.ics#"}) {
		t.Errorf("more: items %v, gone %v", more.items, more.gone)
	}
	if restarts && unchanged.restarted+changed.restarted+more.restarted == "" {
		t.Errorf("nothing is said of a new start: %v", f.asked)
	}
}

func TestOddServers(t *testing.T) {
	for _, tt := range []struct {
		name     string
		fake     *fake
		restarts bool
	}{
		{"a good one", &fake{}, false},
		{"F31 no sync-collection", &fake{noSync: true}, false},
		{"F31 no CTag", &fake{noCTag: true}, false},
		{"F31 neither: weak ETags", &fake{noSync: true, noCTag: true}, false},
		{"F31 nothing of all that", &fake{noSync: true, noCTag: true, noETag: true}, false},
		{"no query", &fake{noQuery: true}, false},
		{"no query, no sync-collection", &fake{noQuery: true, noSync: true}, false},
		{"a query that gives one without its data", &fake{blind: true}, false},
		{"a query that finds nothing", &fake{silent: true}, false},
		{"a query that is cut short", &fake{cut: true}, false},
		{"F38 an item that is 404", &fake{item404: true}, false},
		{"F30 a token refused by 403", &fake{refuse: 403}, true},
		{"F30 by 409", &fake{refuse: 409}, true},
		{"F30 by 410", &fake{refuse: 410}, true},
		{"F30 by 412", &fake{refuse: 412}, true},
		{"F30 by 500", &fake{refuse: 500}, true},
		{"F30 by 507", &fake{refuse: 507}, true},
		{"F30 by 403, without a CTag", &fake{refuse: 403, noCTag: true}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			live(t, tt.fake, tt.restarts)
		})
	}
}

// One that lists everything tells of nothing that is gone, until it is asked anew.
func TestFullListingByToken(t *testing.T) {
	f := &fake{all: true}
	server := httptest.NewServer(f)
	defer server.Close()
	src := open(t, caldavsource.Options{URL: server.URL + fakeHome, AllowPrivate: true, Since: now.AddDate(-1, 0, 0), Now: func() time.Time { return now }})
	f.put("a.ics", event("a", "DTSTART:20261102T090000Z"))
	first := poll(t, src, "cal", "")
	f.put("b.ics", event("b", "DTSTART:20261103T090000Z"))
	second := poll(t, src, "cal", first.cursor)
	f.put("c.ics", event("c", "DTSTART:20261104T090000Z"))
	third := poll(t, src, "cal", second.cursor, "a.ics#", "b.ics#")
	if !slices.Contains(third.items, "c.ics#") || len(third.gone) > 0 {
		t.Errorf("%+v", third)
	}
}

// What a day brings comes although another resource changed at the same time, and although an occurrence was moved
// out of the days that were looked at, or into them.
func TestWindowRolls(t *testing.T) {
	for _, tt := range []struct {
		name string
		fake *fake
	}{{"by CTag, then by token", &fake{}}, {"by CTag", &fake{noSync: true}}, {"by token", &fake{noCTag: true}}, {"by ETags", &fake{noCTag: true, noSync: true}}} {
		t.Run(tt.name, func(t *testing.T) {
			f := tt.fake
			server := httptest.NewServer(f)
			defer server.Close()
			today := now
			src := open(t, caldavsource.Options{
				URL: server.URL + fakeHome, AllowPrivate: true, Since: now.AddDate(-1, 0, 0), Now: func() time.Time { return today }, Ahead: 3 * 24 * time.Hour,
			})
			// Looked at are the days before the 26th. The one of the 25th is moved to the 28th, that of the 29th to the 24th.
			f.put("daily.ics", "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"+
				"BEGIN:VEVENT\r\nUID:d\r\nDTSTART:20261125T090000Z\r\nRRULE:FREQ=DAILY;INTERVAL=2;COUNT=3\r\nEND:VEVENT\r\n"+
				"BEGIN:VEVENT\r\nUID:d\r\nRECURRENCE-ID:20261125T090000Z\r\nDTSTART:20261128T090000Z\r\nEND:VEVENT\r\n"+
				"BEGIN:VEVENT\r\nUID:d\r\nRECURRENCE-ID:20261129T090000Z\r\nDTSTART:20261124T090000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n")
			f.put("a.ics", event("a", "DTSTART:20261124T090000Z"))
			first := poll(t, src, "cal", "")
			const nov25, nov27, nov29 = "daily.ics#20261125T090000Z", "daily.ics#20261127T090000Z", "daily.ics#20261129T090000Z"
			first.want(t, "first", "a.ics# "+nov29, "")
			known, cursor := []string{nov29}, first.cursor
			seen := map[string]bool{}
			for day := 1; day <= 4; day++ {
				today = now.AddDate(0, 0, day)
				f.put("a.ics", event("a", fmt.Sprintf("DTSTART:202611%02dT100000Z", 24+day), "SUMMARY:One")) // something changes each day
				got := poll(t, src, "cal", cursor, known...)
				cursor = got.cursor
				if len(got.gone) > 0 {
					t.Errorf("day %d: gone %v", day, got.gone)
				}
				for _, ref := range got.items {
					seen[ref] = true
				}
			}
			if !seen[nov25] || !seen[nov27] {
				t.Errorf("the days brought %v", slices.Sorted(maps.Keys(seen)))
			}
		})
	}
}
