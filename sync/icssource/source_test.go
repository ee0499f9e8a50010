package icssource_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"kith"
	syncer "kith/sync"
	"kith/sync/icssource"
	"kith/sync/sourcetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// now is when the tests take place: a Monday.
var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func options(url string) icssource.Options {
	return icssource.Options{URL: url, AllowPrivate: true, Since: now.AddDate(-1, 0, 0), Now: func() time.Time { return now }, Chunk: 5}
}

func open(t testing.TB, o icssource.Options) *icssource.Source {
	t.Helper()
	src, err := icssource.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return src
}

func calendar(events ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + strings.Join(events, "") + "END:VCALENDAR\r\n"
}

func event(uid string, lines ...string) string {
	return "BEGIN:VEVENT\r\nUID:" + uid + "\r\nDTSTART:20261120T090000Z\r\nORGANIZER:mailto:alice@us.test\r\nSUMMARY:One\r\n" + strings.Join(append(lines, "END:VEVENT\r\n"), "\r\n")
}

// feed is a server with one calendar.
type feed struct {
	mu     sync.Mutex
	events []string
	answer http.HandlerFunc // if not nil
	gets   int
	full   int // answers that were not 304
}

func startFeed(t testing.TB) (*feed, string) {
	f := &feed{}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return f, server.URL + "/private/basic.ics?token=secret"
}

func (f *feed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.gets++
	if f.answer != nil {
		f.answer(w, r)
		return
	}
	body := calendar(f.events...)
	tag := fmt.Sprintf(`W/"%x"`, len(body))
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	f.full++
	fmt.Fprint(w, body)
}

func (f *feed) set(events ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.events, f.answer = events, nil
}

func TestFeed(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.Account {
		f, url := startFeed(t)
		n := 0
		return sourcetest.Account{
			Stream: "basic.ics", Batch: 5, Late: true,
			Open: func(t testing.TB) syncer.Source { return open(t, options(url)) },
			Add: func(_ testing.TB, more int) {
				f.mu.Lock()
				defer f.mu.Unlock()
				for range more {
					n++
					f.events = append(f.events, event(fmt.Sprintf("event %d/ü", n)))
				}
			},
			Remove: func(t testing.TB, ref string) {
				f.mu.Lock()
				defer f.mu.Unlock()
				before := len(f.events)
				f.events = slices.DeleteFunc(f.events, func(e string) bool {
					_, rest, _ := strings.Cut(e, "event ")
					number, _, _ := strings.Cut(rest, "/")
					return strings.HasPrefix(ref, "event%20"+number+"%2F")
				})
				if len(f.events) != before-1 {
					t.Errorf("%d events are %s", before-len(f.events), ref)
				}
			},
		}
	})
}

func TestFolder(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T) sourcetest.Account {
		dir := filepath.Join(t.TempDir(), "calendars")
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		n := 0
		return sourcetest.Account{
			Stream: "calendars", Batch: 5, Late: true,
			Open: func(t testing.TB) syncer.Source { return open(t, options("file://"+dir)) },
			Add: func(t testing.TB, more int) {
				for range more {
					n++
					if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.ics", n)), []byte(calendar(event(fmt.Sprintf("e%d", n)))), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			},
			Remove: func(t testing.TB, ref string) {
				name, _, _ := strings.Cut(ref, "!")
				if err := os.Remove(filepath.Join(dir, name)); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}

// poll polls the only stream of a source.
func poll(t *testing.T, src *icssource.Source, from kith.Cursor) (batches []kith.Batch, err error) {
	t.Helper()
	streams, err := src.Streams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for b, err := range src.Changes(t.Context(), streams[0], from) {
		if err != nil {
			return batches, err
		}
		batches = append(batches, b)
	}
	return batches, nil
}

func TestOddAnswers(t *testing.T) {
	f, url := startFeed(t)
	f.set(event("1"), event("2"))
	src := open(t, options(url))
	first, err := poll(t, src, "")
	if err != nil || len(first) != 1 {
		t.Fatalf("%v, %v", first, err)
	}
	cursor := first[0].Cursor
	say := func(status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); fmt.Fprint(w, body) }
	}
	whole := calendar(event("1"), event("2"))
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		want   string // in the error; "" wants none, and no batch
	}{
		{"F32 200 and empty", say(200, ""), "empty"},
		{"F32 200 and blanks", say(200, " \r\n\r\n"), "empty"},
		{"F32 a login page", say(200, "<!DOCTYPE html><html>BEGIN:VCALENDAR</html>"), "no calendar"},
		{"F32 304", say(304, ""), ""},
		{"F32 500", say(500, whole), "500"},
		{"F32 204", say(204, ""), "204"},
		{"F32 206", say(206, whole[:100]), "206"},
		{"F32 cut off", say(200, whole[:len(whole)-40]), "cut off"},
		{"F32 cut off by the connection", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100000")
			fmt.Fprint(w, whole)
		}, "closed the connection"},
		{"F32 the same as before", say(200, whole), ""},
		{"I20 a gzip bomb", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			line := bytes.Repeat([]byte("X"), 1<<20)
			for range 80 {
				if _, err := z.Write(line); err != nil {
					return
				}
			}
			z.Close()
		}, "longer than"},
		{"I20 a redirect to where clouds keep keys", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		}, "link-local"},
		{"F33 one broken event of three", say(200, calendar(event("1"), "BEGIN:VEVENT\r\nUID:2\r\nDTSTART:never\r\nEND:VEVENT\r\n", event("3"))), "-"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f.mu.Lock()
			f.answer = tt.answer
			f.mu.Unlock()
			batches, err := poll(t, src, cursor)
			switch {
			case tt.want == "-":
				if err != nil || len(batches) != 1 || len(batches[0].Items) != 1 || len(batches[0].Failed) != 1 || !batches[0].Present("2#") || batches[0].Present("9#") {
					t.Errorf("%+v, %v; want the new event, and a failure of what is not taken for gone", batches, err)
				}
			case tt.want == "" && (err != nil || len(batches) > 0 && len(batches[0].Items)+len(batches[0].Failed)+len(batches[0].Gone) > 0):
				t.Errorf("%+v, %v; want nothing", batches, err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want) || len(batches) > 0):
				t.Errorf("%v, %v; want an error with %q", batches, err, tt.want)
			}
			if err != nil && (strings.Contains(err.Error(), "secret") || strings.Contains(err.Error(), "private/")) {
				t.Errorf("the error tells the address of a feed that is secret: %v", err)
			}
		})
	}
}

func TestConditional(t *testing.T) {
	f, url := startFeed(t)
	f.set(event("1", "RRULE:FREQ=WEEKLY"), event("2"))
	o := options(url)
	today := now
	o.Now = func() time.Time { return today }
	src := open(t, o)
	first, err := poll(t, src, "")
	if err != nil {
		t.Fatal(err)
	}
	cursor := first[len(first)-1].Cursor
	for range 3 {
		if again, err := poll(t, src, cursor); err != nil || len(again) > 0 {
			t.Fatalf("%v, %v", again, err)
		}
	}
	if f.gets != 4 || f.full != 1 {
		t.Errorf("%d requests, %d of them answered in full; want 4 and 1", f.gets, f.full)
	}
	today = now.AddDate(0, 0, 7) // the window moves on, though the feed does not change
	rolled, err := poll(t, src, cursor)
	if err != nil || len(rolled) != 1 {
		t.Fatalf("%v, %v", rolled, err)
	}
	for _, item := range rolled[0].Items {
		if item.Occurrence.UID != "1" {
			t.Errorf("%s is told again", item.Ref)
		}
	}
	if n := len(rolled[0].Items); n != 10 {
		t.Errorf("%d occurrences", n)
	}
}

func TestSettings(t *testing.T) {
	for _, tt := range []struct{ name, url, want string }{
		{"I20 webcal", "webcal://127.0.0.1:1/a.ics", "allow_private"},
		{"I20 loopback", "https://127.0.0.1:1/a.ics", "allow_private"},
		{"I20 plain text", "http://example.test/a.ics", "https"},
		{"a file that is not there", "file:///nowhere/a.ics", "no such file"},
	} {
		o := options(tt.url)
		o.AllowPrivate = false
		src, err := icssource.Open(t.Context(), o)
		if err == nil {
			t.Cleanup(func() { src.Close() })
			_, err = poll(t, src, "")
		}
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q in it", tt.name, err, tt.want)
		}
	}
}
