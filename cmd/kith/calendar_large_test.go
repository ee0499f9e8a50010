package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"kith"
	"kith/servertest"
)

// sampleEvent is an event of a large calendar, and when it takes place: worked out here, by arithmetic.
type sampleEvent struct {
	uid, file string
	lines     []string // beside those of talkOf
	starts    []time.Time
	with      bool // with Ann
}

func (e *sampleEvent) text(more ...string) string {
	return vcalendar(append([]string{talkOf(e.lines...)}, more...)...)
}

// sampleEvents makes n events about calendarNow: one in twenty is weekly for five years, every second is with Ann.
func sampleEvents(t testing.TB, n int) []*sampleEvent {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	all := make([]*sampleEvent, n)
	for i := range all {
		e := &sampleEvent{uid: fmt.Sprintf("e%05d@example.test", i), with: i%2 == 0}
		e.file = e.uid[:6] + ".ics"
		who := "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ann@client.test"
		if !e.with {
			who = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:stranger@other.test"
		}
		e.lines = []string{"UID:" + e.uid, fmt.Sprintf("SUMMARY:Talk %05d", i), who}
		if i%20 == 0 {
			begin := time.Date(2023, 11, 20+i/20%5, 8+i/20%9, i%60, 0, 0, berlin)
			e.lines = append(e.lines, "DTSTART;TZID=Europe/Berlin:"+begin.Format("20060102T150405"), "RRULE:FREQ=WEEKLY;COUNT=260")
			for week := range 260 {
				e.starts = append(e.starts, begin.AddDate(0, 0, 7*week))
			}
		} else {
			begin := calendarNow.AddDate(0, 0, 40-i%380).Add(time.Duration(i%8)*time.Hour + time.Minute)
			e.lines = append(e.lines, "DTSTART:"+begin.Format("20060102T150405Z"))
			e.starts = []time.Time{begin}
		}
		all[i] = e
	}
	return all
}

// expected is what the register must hold: by UID and begin, the status.
func expected(events []*sampleEvent) map[string]string {
	want := map[string]string{}
	from, to := calendarNow.AddDate(0, 0, -365), calendarNow.AddDate(0, 0, 60).Truncate(24*time.Hour)
	for _, e := range events {
		for _, start := range e.starts {
			if !e.with || !start.Add(time.Hour).After(from) || !start.Before(to) {
				continue
			}
			want[e.uid+" "+start.UTC().Format(time.RFC3339)] = statusOf(start)
		}
	}
	return want
}

func statusOf(start time.Time) string {
	if start.Add(time.Hour).After(calendarNow) {
		return "planned"
	}
	return "recorded"
}

func TestLargeCalendar(t *testing.T) {
	t.Parallel()
	n := 240
	if text := os.Getenv("KITH_CALENDAR_EVENTS"); text != "" { // 10000 takes some minutes
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	for _, server := range []struct {
		name  string
		start func(testing.TB) *servertest.DAVServer
	}{{"Radicale", servertest.Radicale}, {"Xandikos", servertest.Xandikos}} {
		for _, store := range []string{"SQLite", "PostgreSQL"} {
			t.Run(server.name+" on "+store, func(t *testing.T) {
				t.Parallel()
				database := ""
				if store == "PostgreSQL" {
					database = clockedRegister(t)
				}
				largeCalendarStory(t, server.start(t), database, n)
			})
		}
	}
}

func largeCalendarStory(t *testing.T, server *servertest.DAVServer, database string, n int) {
	events := sampleEvents(t, n)
	files := map[string]string{}
	for _, e := range events {
		files[e.file] = e.text()
	}
	home := server.MakeCalendar(t, "work")
	server.FillCalendar(t, home, files)
	if n > 1000 {
		bareReport(t, server, home) // a server that has never read so many files takes long for anything
	}

	// Before the server there is something that can refuse tokens.
	to, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	var refuse atomic.Bool
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = to.Scheme, to.Host, to.Host
	}}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse.Load() && r.Method == "REPORT" && r.Header.Get("Depth") == "0" && r.ContentLength < 600 {
			w.WriteHeader(http.StatusPreconditionFailed)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer front.Close()
	s := calendarSite(t, davAccount(server, front.URL+"/"+strings.TrimPrefix(home, server.URL)), database, "", "")

	want := expected(events)
	check := func(step string) {
		t.Helper()
		s.sync()
		got := map[string]string{}
		for _, i := range s.interactions("--kind", "meeting") {
			got[*i.ICalUID+" "+i.OccurredAt.UTC().Format(time.RFC3339)] = string(i.Status)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Fatalf("%s: the register is not as expected (-want +got):\n%.2000s", step, diff)
		}
	}
	// set puts the status of an occurrence, "" takes it out.
	set := func(e *sampleEvent, start time.Time, status string) {
		key := e.uid + " " + start.UTC().Format(time.RFC3339)
		if delete(want, key); status != "" {
			want[key] = status
		}
	}
	put := func(e *sampleEvent, more ...string) { server.PutEvent(t, home+e.file, e.text(more...)) }
	// single finds one with Ann that is to come, each time another one.
	used := map[*sampleEvent]bool{}
	single := func() *sampleEvent {
		for _, e := range events {
			if e.with && !used[e] && len(e.starts) == 1 && e.starts[0].After(calendarNow.Add(time.Hour)) {
				used[e] = true
				return e
			}
		}
		t.Fatal("there is none left")
		return nil
	}

	check("first")
	check("no change")

	weekly := events[0]
	var next time.Time
	for _, start := range weekly.starts {
		if start.After(calendarNow) {
			next = start
			break
		}
	}
	put(weekly, talkOf("UID:"+weekly.uid, "SEQUENCE:1", "SUMMARY:Moved", "RECURRENCE-ID;TZID=Europe/Berlin:"+next.Format("20060102T150405"),
		"DTSTART;TZID=Europe/Berlin:"+next.Add(2*time.Hour).Format("20060102T150405")))
	set(weekly, next, "")
	set(weekly, next.Add(2*time.Hour), "planned")
	check("one occurrence changed")

	moved := single()
	set(moved, moved.starts[0], "")
	later := moved.starts[0].Add(3 * time.Hour)
	moved.lines[len(moved.lines)-1] = "DTSTART:" + later.Format("20060102T150405Z")
	moved.lines = append(moved.lines, "SEQUENCE:1")
	moved.starts[0] = later
	put(moved)
	set(moved, later, "planned")
	check("one moved")

	off := single()
	off.lines = append(off.lines, "SEQUENCE:1", "STATUS:CANCELLED")
	put(off)
	set(off, off.starts[0], "cancelled")
	check("one called off")

	deleted := single()
	server.Delete(t, home+deleted.file)
	set(deleted, deleted.starts[0], "cancelled")
	check("one deleted")

	put(deleted)
	set(deleted, deleted.starts[0], "planned")
	check("it is restored")

	refuse.Store(true)
	lost := single()
	server.Delete(t, home+lost.file)
	set(lost, lost.starts[0], "cancelled")
	check("the token does not hold, and one was deleted")
	refuse.Store(false)
	check("and it goes on")

	before := maps.Clone(want)
	server.EmptyCalendar(t, home)
	if n <= 1000 { // so that the server sees it at once
		put(deleted)
		server.Delete(t, home+deleted.file)
	}
	for _, key := range slices.Collect(maps.Keys(want)) {
		if want[key] == string(kith.StatusPlanned) {
			want[key] = string(kith.StatusCancelled)
		}
	}
	check("emptied")

	server.Delete(t, home)
	server.MakeCalendar(t, "work")
	files = map[string]string{}
	for _, e := range events {
		if e != lost {
			files[e.file] = e.text()
		}
	}
	server.FillCalendar(t, home, files)
	if n > 1000 {
		bareReport(t, server, home)
	}
	put(weekly, talkOf("UID:"+weekly.uid, "SEQUENCE:1", "SUMMARY:Moved", "RECURRENCE-ID;TZID=Europe/Berlin:"+next.Format("20060102T150405"),
		"DTSTART;TZID=Europe/Berlin:"+next.Add(2*time.Hour).Format("20060102T150405")))
	want = before
	check("deleted and made anew")
}
