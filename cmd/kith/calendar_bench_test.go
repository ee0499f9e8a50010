package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kith/servertest"
)

// largeCalendar is n events about calendarNow, of which one in twenty is weekly for five years. Half of them
// are with Ann.
func largeCalendar(n int) map[string]string {
	files := make(map[string]string, n)
	for i := range n {
		with := "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ann@client.test"
		if i%2 == 1 {
			with = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:stranger@other.test"
		}
		lines := []string{fmt.Sprintf("UID:e%05d@example.test", i), fmt.Sprintf("SUMMARY:Talk %05d", i), with}
		if i%20 == 0 {
			begin := time.Date(2023, 11, 20, 8+i/20%9, i%60, 0, 0, time.UTC).AddDate(0, 0, i/20%5)
			lines = append(lines, "DTSTART;TZID=Europe/Berlin:"+begin.Format("20060102T150405"), "RRULE:FREQ=WEEKLY;COUNT=260")
		} else {
			begin := calendarNow.AddDate(0, 0, 40-i%380).Add(time.Duration(i%8) * time.Hour)
			lines = append(lines, "DTSTART:"+begin.Format("20060102T150405Z"))
		}
		files[fmt.Sprintf("e%05d.ics", i)] = vcalendar(talkOf(lines...))
	}
	return files
}

// counted is a way to a server that counts requests.
type counted struct {
	url      string
	requests atomic.Int64
}

func countRequests(t testing.TB, s *servertest.DAVServer) *counted {
	to, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	c := &counted{}
	proxy := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = to.Scheme, to.Host, to.Host
	}}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.requests.Add(1)
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(front.Close)
	c.url = front.URL + "/"
	return c
}

// bareReport reads all events of a calendar and does nothing with them.
func bareReport(t testing.TB, s *servertest.DAVServer, calendar string) time.Duration {
	t.Helper()
	began := time.Now()
	req, err := http.NewRequestWithContext(t.Context(), "REPORT", calendar, bytes.NewReader([]byte(
		`<C:calendar-query xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns="DAV:"><prop><getetag/><C:calendar-data/></prop>`+
			`<C:filter><C:comp-filter name="VCALENDAR"><C:comp-filter name="VEVENT"/></C:comp-filter></C:filter></C:calendar-query>`)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Depth", "1")
	req.Header.Set("Content-Type", "application/xml")
	if s.Username != "" {
		req.SetBasicAuth(s.Username, s.Password)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	n, err := io.Copy(io.Discard, resp.Body)
	if err != nil || resp.StatusCode != http.StatusMultiStatus || n < 1_000_000 {
		t.Fatalf("%d, %d bytes, %v", resp.StatusCode, n, err)
	}
	return time.Since(began)
}

// BenchmarkCalendars captures a calendar of 10,000 events, 500 of them weekly for five years, and polls it once more.
func BenchmarkCalendars(b *testing.B) {
	files := largeCalendar(10_000)
	for _, server := range []struct {
		name  string
		start func(testing.TB) *servertest.DAVServer
	}{{"Radicale", servertest.Radicale}, {"Xandikos", servertest.Xandikos}} {
		b.Run(server.name, func(b *testing.B) {
			s := server.start(b)
			home := s.MakeCalendar(b, "work")
			s.FillCalendar(b, home, files)
			way := countRequests(b, s)
			through := way.url + strings.TrimPrefix(home, s.URL)
			bareReport(b, s, through) // what the server keeps from the first time is no figure
			var bare, first, again time.Duration
			var requests int64
			n := 0
			for b.Loop() {
				bare += bareReport(b, s, through)
				site := calendarSite(b, davAccount(s, through), "", "", "")
				began := time.Now()
				r := site.sync()
				first += time.Since(began)
				if r.New < 20_000 {
					b.Fatalf("%+v", r)
				}
				before := way.requests.Load()
				began = time.Now()
				if r := site.sync(); r.New+r.Known > 0 {
					b.Fatalf("a further pass: %+v", r)
				}
				again += time.Since(began)
				requests += way.requests.Load() - before
				n++
			}
			b.ReportMetric(bare.Seconds()/float64(n), "bare-s")
			b.ReportMetric(first.Seconds()/float64(n), "first-s")
			b.ReportMetric(first.Seconds()/bare.Seconds(), "first/bare")
			b.ReportMetric(again.Seconds()/float64(n), "again-s")
			b.ReportMetric(float64(requests)/float64(n), "again-requests")
		})
	}
}

// BenchmarkManyCalendars polls 300 calendars of one account that did not change.
func BenchmarkManyCalendars(b *testing.B) {
	s := servertest.Radicale(b)
	for n := range 300 {
		home := s.MakeCalendar(b, fmt.Sprintf("c%03d", n))
		s.FillCalendar(b, home, map[string]string{"a.ics": vcalendar(talkOf(fmt.Sprintf("UID:%d", n)))})
	}
	way := countRequests(b, s)
	site := calendarSite(b, davAccount(s, way.url), "", "", "")
	site.sync()
	before, n := way.requests.Load(), 0
	for b.Loop() {
		if r := site.sync(); r.New+r.Known > 0 {
			b.Fatalf("%+v", r)
		}
		n++
	}
	b.ReportMetric(float64(way.requests.Load()-before)/float64(n), "requests")
}
