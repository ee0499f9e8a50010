package demo

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Event is one resource of the sample calendar (RFC 4791 §4.1).
type Event struct {
	Name string // of the resource
	Text string // iCalendar
}

// Calendar makes Alice's calendar as it stands at the instant now: meetings with contacts, one by
// one and weekly, past and to come, and what is no meeting with anybody.
func Calendar(seed uint64, now time.Time) []Event {
	m := newMaker(seed, now)
	var events []Event
	// date is a working day, days from now, at an hour in Brussels.
	date := func(days, hour int) string {
		d := m.now.AddDate(0, 0, days)
		for d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
			d = d.AddDate(0, 0, 1)
		}
		return fmt.Sprintf("%sT%02d0000", d.Format("20060102"), hour)
	}
	add := func(begin, summary string, lines ...string) {
		name := m.token(12)
		head := []string{
			"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Fennel & Finch//Calendar//EN", "BEGIN:VEVENT", "UID:" + name + "@" + Domain,
			"DTSTAMP:" + m.now.AddDate(0, -1, 0).Format("20060102T150405Z"), "SUMMARY:" + summary, "ORGANIZER;CN=Alice Jones:mailto:" + Owner,
		}
		if begin != "" {
			head = append(head, "DTSTART;TZID=Europe/Brussels:"+begin, "DURATION:PT1H")
		}
		text := strings.Join(append(append(head, lines...), "END:VEVENT", "END:VCALENDAR", ""), "\r\n")
		events = append(events, Event{name + ".ics", text})
	}
	with := func(p *person, answer string) string {
		return fmt.Sprintf("ATTENDEE;CN=%s;PARTSTAT=%s:mailto:%s", p.name(), answer, p.address().addr)
	}
	customer := func() *person {
		return m.person(func(p *person) bool { return p.company.lang == english && !p.company.supplier && !p.never })
	}
	topics := []string{"Review of the spring range", "Samples and glazes", "Delivery schedule", "Visit to the workshop", "Prices for next year"}
	for n := range 20 {
		add(date(-20*n-3, 9+n%7), topics[n%len(topics)], with(customer(), "ACCEPTED"))
	}
	for n := range 6 {
		add(date(5*n+2, 10+n%5), topics[n%len(topics)], with(customer(), []string{"ACCEPTED", "NEEDS-ACTION"}[n%2]))
	}
	add(date(-70, 11), "Weekly call", with(customer(), "ACCEPTED"), "RRULE:FREQ=WEEKLY;COUNT=14")
	add(date(-9, 15), "Called off", with(customer(), "ACCEPTED"), "STATUS:CANCELLED")
	add(date(-12, 15), "Not for them", with(customer(), "DECLINED"))
	add(date(-15, 16), "Private matter", with(customer(), "ACCEPTED"), "CLASS:PRIVATE")
	add(date(-70, 9), "Stand-up", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:"+bob.addr, "ATTENDEE;PARTSTAT=ACCEPTED:mailto:"+carol.addr, "RRULE:FREQ=WEEKLY;COUNT=14")
	add(date(-4, 12), "Lunch break")
	add("", "Bob's birthday", "DTSTART;VALUE=DATE:"+date(-30, 0)[:8], "CATEGORIES:Birthday", "RRULE:FREQ=YEARLY")
	add("", "Out of office", "DTSTART;VALUE=DATE:"+date(-40, 0)[:8], "TRANSP:TRANSPARENT")
	return events
}

// CalendarServer serves one calendar by CalDAV (RFC 4791) on loopback, as far as somebody needs who only
// reads. It is safe for concurrent use.
type CalendarServer struct {
	URL      string
	Username string
	Password string // made anew for each server

	events []Event // by name
	ctag   string
	http   *http.Server
	served chan error
	once   sync.Once
	err    error
}

const calendarPath = "/alice/work/"

// ServeCalendar starts a server for the events. Close ends it.
func ServeCalendar(ctx context.Context, events []Event) (*CalendarServer, error) {
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("demo calendar: %w", err)
	}
	s := &CalendarServer{
		URL: "http://" + ln.Addr().String() + "/", Username: Owner, Password: rand.Text(),
		events: slices.SortedFunc(slices.Values(events), func(a, b Event) int { return cmp.Compare(a.Name, b.Name) }),
		served: make(chan error, 1),
	}
	for _, e := range s.events {
		s.ctag = tag(s.ctag + e.Text)
	}
	s.http = &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second}
	go func() { s.served <- s.http.Serve(ln) }()
	return s, nil
}

// Close ends all connections, and waits until nothing of the server runs any more.
func (s *CalendarServer) Close() error {
	s.once.Do(func() {
		s.err = s.http.Close()
		if err := <-s.served; !errors.Is(err, http.ErrServerClosed) {
			s.err = errors.Join(s.err, err)
		}
	})
	return s.err
}

func tag(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:8])
}

// ServeHTTP implements http.Handler.
func (s *CalendarServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, password, _ := r.BasicAuth()
	if user != s.Username || subtle.ConstantTimeCompare([]byte(password), []byte(s.Password)) != 1 {
		w.Header().Set("WWW-Authenticate", `Basic realm="demo"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		return // the client has gone, or asks for too much
	}
	switch {
	case r.Method == "PROPFIND" && r.URL.Path == calendarPath:
		s.answer(w, s.collection())
	case r.Method == "PROPFIND" && r.URL.Path == "/alice/":
		answer := response("/alice/", `<D:resourcetype><D:collection/></D:resourcetype>`+home)
		if r.Header.Get("Depth") != "0" {
			answer += s.collection()
		}
		s.answer(w, answer)
	case r.Method == "PROPFIND":
		s.answer(w, response(r.URL.Path, `<D:resourcetype/>`+home))
	case r.Method == "REPORT" && r.URL.Path == calendarPath:
		var all strings.Builder
		for _, e := range s.events {
			if strings.Contains(string(body), "multiget") && !strings.Contains(string(body), calendarPath+e.Name+"<") {
				continue
			}
			all.WriteString(response(calendarPath+e.Name, `<D:getetag>"`+tag(e.Text)+`"</D:getetag><C:calendar-data>`+escape(e.Text)+`</C:calendar-data>`))
		}
		s.answer(w, all.String())
	default:
		http.Error(w, "this calendar can only be read", http.StatusNotImplemented)
	}
}

const home = `<D:current-user-principal><D:href>/alice/</D:href></D:current-user-principal><C:calendar-home-set><D:href>/alice/</D:href></C:calendar-home-set>`

func (s *CalendarServer) collection() string {
	return response(calendarPath, `<D:resourcetype><D:collection/><C:calendar/></D:resourcetype><D:displayname>Work</D:displayname>`+
		`<D:supported-report-set/><S:getctag>`+s.ctag+`</S:getctag>`+
		`<C:supported-calendar-component-set><C:comp name="VEVENT"/></C:supported-calendar-component-set>`)
}

func response(path, props string) string {
	return `<D:response><D:href>` + path + `</D:href><D:propstat><D:prop>` + props + `</D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat></D:response>`
}

func escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a builder takes everything
	return b.String()
}

func (s *CalendarServer) answer(w http.ResponseWriter, responses string) {
	w.Header().Set("Content-Type", "application/xml; charset=utf-8")
	w.WriteHeader(http.StatusMultiStatus)
	fmt.Fprintf(w, `<?xml version="1.0"?><D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:S="http://calendarserver.org/ns/">%s</D:multistatus>`, responses)
}
