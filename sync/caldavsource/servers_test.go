package caldavsource_test

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/servertest"
	syncer "kith/sync"
	"kith/sync/caldavsource"
	"kith/sync/sourcetest"
	"kith/sync/webdav"
)

// now is when the tests take place: a Monday.
var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// servers are real ones.
var servers = []struct {
	name  string
	start func(t testing.TB) *servertest.DAVServer
	kinds bool // it minds what a calendar is made for
}{
	{"Radicale", servertest.Radicale, true},
	{"Xandikos", servertest.Xandikos, false},
}

func options(s *servertest.DAVServer) caldavsource.Options {
	return caldavsource.Options{
		URL: s.URL, Username: s.Username, AllowPrivate: true,
		Password: func(context.Context) (string, error) { return s.Password, nil },
		Since:    now.AddDate(-1, 0, 0), Now: func() time.Time { return now },
	}
}

func open(t testing.TB, o caldavsource.Options) *caldavsource.Source {
	t.Helper()
	src, err := caldavsource.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return src
}

// event is a calendar with one event; lines stand in it, and may bring others of the same UID.
func event(uid string, lines ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//test//EN\r\nBEGIN:VEVENT\r\nUID:" + uid + "\r\nDTSTAMP:20261101T080000Z\r\n" +
		strings.Join(lines, "\r\n") + "\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
}

var counter atomic.Int64

// single is an event that takes place once, days after now.
func single(days int) (uid, text string) {
	uid = fmt.Sprintf("event-%d@x.test", counter.Add(1))
	return uid, event(uid, "DTSTART:"+now.AddDate(0, 0, days).Format("20060102T150405Z"), "DURATION:PT1H", "SUMMARY:One",
		"ORGANIZER:mailto:alice@us.test", "ATTENDEE:mailto:ann@client.test")
}

func TestSource(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			sourcetest.Run(t, func(t *testing.T) sourcetest.Account {
				s := server.start(t)
				home := s.MakeCalendar(t, "work")
				return sourcetest.Account{
					Stream: "work", Batch: 5, Late: true,
					Open: func(t testing.TB) syncer.Source {
						o := options(s)
						o.Chunk = 5
						return open(t, o)
					},
					Add: func(t testing.TB, n int) {
						for range n {
							uid, text := single(-1)
							s.PutEvent(t, home+url.PathEscape(uid)+".ics", text)
						}
					},
					Remove: func(t testing.TB, ref string) {
						resource, _, _ := strings.Cut(ref, "#")
						s.Delete(t, home+resource)
					},
				}
			})
		})
	}
}

func TestURLs(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			s := server.start(t)
			home := s.MakeCalendar(t, "work")
			if server.kinds {
				s.MakeCalendar(t, "tasks", "VTODO")
			}
			s.MakeCalendar(t, "both", "VEVENT", "VTODO")
			s.PutEvent(t, home+"a.ics", event("a", "DTSTART:20261120T090000Z", "SUMMARY:One"))
			for _, tt := range []struct {
				reason, url      string
				include, exclude []string
				want             []string // beside what a new server has
			}{
				{"F38 the server", s.URL, nil, nil, []string{"both", "work"}},
				{"F38 the principal", s.URL + "alice/", nil, nil, []string{"both", "work"}},
				{"one calendar", home, nil, nil, []string{"work"}},
				{"one calendar without a slash", strings.TrimSuffix(home, "/"), nil, nil, []string{"work"}},
				{"include", s.URL, []string{"W*"}, nil, []string{"work"}},
				{"exclude", s.URL, nil, []string{"wor?", "calendar"}, []string{"both"}},
			} {
				t.Run(tt.reason, func(t *testing.T) {
					o := options(s)
					o.URL, o.Include, o.Exclude = tt.url, tt.include, tt.exclude
					streams, err := open(t, o).Streams(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					var names []string
					for _, s := range streams {
						if s.Name != "calendar" { // Xandikos makes one
							names = append(names, s.Name)
						}
						if s.Role != kith.RoleCalendar {
							t.Errorf("%s has the role %q", s.Name, s.Role)
						}
					}
					if diff := cmp.Diff(tt.want, names); diff != "" {
						t.Errorf("calendars (-want +got):\n%s", diff)
					}
				})
			}
		})
	}
}

func TestNoCalendar(t *testing.T) {
	s := servertest.Radicale(t)
	for _, tt := range []struct {
		reason string
		change func(o *caldavsource.Options)
		kind   kith.FaultKind
		status int
	}{
		{"a wrong password", func(o *caldavsource.Options) {
			o.Password = func(context.Context) (string, error) { return "wrong", nil }
		}, kith.FaultAuth, 401},
		{"somebody else's home", func(o *caldavsource.Options) { o.URL = s.URL + "bob/" }, kith.FaultSettings, 403},
		{"I20 loopback without allow_private", func(o *caldavsource.Options) { o.AllowPrivate = false }, kith.FaultSettings, 0},
		{"I20 where clouds keep keys", func(o *caldavsource.Options) {
			o.URL, o.AllowPlain, o.AllowPrivate = "http://169.254.169.254/", true, false
		}, kith.FaultSettings, 0},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			o := options(s)
			tt.change(&o)
			streams, err := open(t, o).Streams(t.Context())
			kind, _ := kith.FaultOf(err)
			if err == nil || kind != tt.kind || tt.status != 0 && webdav.StatusOf(err) != tt.status {
				t.Errorf("%v, %v (%s); want an error of kind %s", streams, err, kind, tt.kind)
			}
		})
	}
}

// shown polls a calendar from a cursor and tells what came: items by ref, what is covered and not among
// them by its ref in known, and failures.
type shown struct {
	items     []string
	gone      []string
	failed    []string
	restarted string
	cursor    kith.Cursor
	batches   int
}

func poll(t *testing.T, src *caldavsource.Source, name string, from kith.Cursor, known ...string) shown {
	t.Helper()
	s := shown{cursor: from}
	for b, err := range src.Changes(t.Context(), kith.Stream{Name: name, Role: kith.RoleCalendar}, from) {
		if err != nil {
			t.Fatal(err)
		}
		s.batches++
		s.cursor = b.Cursor
		s.restarted += b.Restarted
		for _, item := range b.Items {
			s.items = append(s.items, item.Ref)
		}
		for _, f := range b.Failed {
			s.failed = append(s.failed, f.Ref)
		}
		for _, ref := range known {
			covered := slices.ContainsFunc(b.Covered, func(r kith.RefRange) bool { return r.Has(ref) })
			if (covered || b.Present != nil && !b.Present(ref)) && !slices.ContainsFunc(b.Items, func(i kith.Item) bool { return i.Ref == ref }) {
				s.gone = append(s.gone, ref)
			}
		}
	}
	slices.Sort(s.items)
	return s
}

func (s shown) want(t *testing.T, what string, items, gone string) {
	t.Helper()
	if got := strings.Join(s.items, " "); got != items {
		t.Errorf("%s: items %s, want %s", what, got, items)
	}
	if got := strings.Join(s.gone, " "); got != gone {
		t.Errorf("%s: gone %s, want %s", what, got, gone)
	}
}

func TestSeries(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			s := server.start(t)
			home := s.MakeCalendar(t, "work")
			o := options(s)
			o.Ahead = 14 * 24 * time.Hour
			today := now
			o.Now = func() time.Time { return today }
			src := open(t, o)
			weekly := func(lines ...string) string {
				return event("weekly", append([]string{"DTSTART;TZID=Europe/Berlin:20261109T090000", "DURATION:PT1H", "SUMMARY:Weekly", "RRULE:FREQ=WEEKLY"}, lines...)...)
			}
			const (
				nov9, nov16, nov23, nov30 = "weekly.ics#20261109T080000Z", "weekly.ics#20261116T080000Z", "weekly.ics#20261123T080000Z", "weekly.ics#20261130T080000Z"
				dec7                      = "weekly.ics#20261207T080000Z"
			)
			s.PutEvent(t, home+"weekly.ics", weekly())
			s.PutEvent(t, home+"later.ics", event("later", "DTSTART:20261208T090000Z", "SUMMARY:Later"))
			s.PutEvent(t, home+"old.ics", event("old", "DTSTART:20201208T090000Z", "SUMMARY:Old"))
			first := poll(t, src, "work", "")
			first.want(t, "first", strings.Join([]string{nov9, nov16, nov23, nov30}, " "), "")

			none := poll(t, src, "work", first.cursor)
			none.want(t, "unchanged", "", "")

			s.PutEvent(t, home+"weekly.ics", weekly("EXDATE;TZID=Europe/Berlin:20261116T090000", "SEQUENCE:1"))
			changed := poll(t, src, "work", first.cursor, nov9, nov16, nov23)
			changed.want(t, "one taken out", strings.Join([]string{nov9, nov23, nov30}, " "), nov16)

			today = now.AddDate(0, 0, 2)
			rolled := poll(t, src, "work", changed.cursor, nov9, nov23, nov30)
			rolled.want(t, "the window rolls", "later.ics# "+dec7, "")
			poll(t, src, "work", rolled.cursor).want(t, "rolled already", "", "")

			s.Delete(t, home+"weekly.ics")
			poll(t, src, "work", rolled.cursor, nov9, dec7, "later.ics#").want(t, "deleted", "", nov9+" "+dec7)

			found, err := src.Find(t.Context(), kith.Stream{Name: "work"}, "later")
			if err != nil || !slices.Equal(found, []string{"later.ics#"}) {
				t.Errorf("found %v, %v", found, err)
			}
			poll(t, src, "work", "nonsense", nov9).want(t, "from nonsense", "later.ics#", nov9)
		})
	}
}

// One query is enough for many changes, and what was changed is all that comes.
func TestManyChanges(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			s := server.start(t)
			home := s.MakeCalendar(t, "work")
			src := open(t, options(s))
			first := poll(t, src, "work", "")
			for n := range 120 {
				_, text := single(-n)
				s.PutEvent(t, fmt.Sprintf("%s%03d.ics", home, n), text)
			}
			many := poll(t, src, "work", first.cursor)
			if len(many.items) != 120 || many.restarted != "" {
				t.Errorf("%d items, restarted %q", len(many.items), many.restarted)
			}
			if again := poll(t, src, "work", many.cursor); again.batches != 0 {
				t.Errorf("%d batches though nothing changed", again.batches)
			}
		})
	}
}
