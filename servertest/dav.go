package servertest

import (
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// MakeBook makes an address book (RFC 6352 §5.2, RFC 5689) and returns its URL.
func (s *DAVServer) MakeBook(t testing.TB, name string) string {
	t.Helper()
	url := s.Home + name + "/"
	s.Do(t, "MKCOL", url, "application/xml", `<?xml version="1.0"?><mkcol xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><set><prop>`+
		`<resourcetype><collection/><C:addressbook/></resourcetype><displayname>`+name+`</displayname></prop></set></mkcol>`)
	return url
}

// MakeCalendar makes a calendar (RFC 4791 §5.3.1) for these components, or any if none is named, and returns its URL.
func (s *DAVServer) MakeCalendar(t testing.TB, name string, components ...string) string {
	t.Helper()
	url := s.Calendars + name + "/"
	set := ""
	for _, c := range components {
		set += `<C:comp name="` + c + `"/>`
	}
	if set != "" {
		set = `<C:supported-calendar-component-set>` + set + `</C:supported-calendar-component-set>`
	}
	s.Do(t, "MKCALENDAR", url, "application/xml", `<?xml version="1.0"?><C:mkcalendar xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><set><prop>`+
		`<displayname>`+name+`</displayname>`+set+`</prop></set></C:mkcalendar>`)
	return url
}

// FillCalendar puts many files into a calendar that is at a URL, past the server, which would
// take a long time for each.
func (s *DAVServer) FillCalendar(t testing.TB, url string, files map[string]string) {
	t.Helper()
	dir := filepath.Join(s.data, filepath.FromSlash(strings.TrimPrefix(url, s.URL)))
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.commit(t, dir)
}

// EmptyCalendar takes all files out of a calendar, past the server too.
func (s *DAVServer) EmptyCalendar(t testing.TB, url string) {
	t.Helper()
	dir := filepath.Join(s.data, filepath.FromSlash(strings.TrimPrefix(url, s.URL)))
	files, err := filepath.Glob(filepath.Join(dir, "*.ics"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	s.commit(t, dir)
}

func (s *DAVServer) commit(t testing.TB, dir string) {
	t.Helper()
	if !s.git {
		return
	}
	for _, args := range [][]string{{"add", "-A"}, {"-c", "user.name=test", "-c", "user.email=test@example.test", "commit", "-q", "-m", "fill"}} {
		cmd := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir}, args...)...)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git: %v\n%s", err, out)
		}
	}
}

// PutEvent stores what has to be iCalendar.
func (s *DAVServer) PutEvent(t testing.TB, url, calendar string) {
	t.Helper()
	s.Do(t, http.MethodPut, url, "text/calendar", calendar)
}

// Put stores a card.
func (s *DAVServer) Put(t testing.TB, url, card string) {
	t.Helper()
	s.Do(t, http.MethodPut, url, "text/vcard", card)
}

// Delete removes a card, or a book with all that is in it.
func (s *DAVServer) Delete(t testing.TB, url string) {
	t.Helper()
	s.Do(t, http.MethodDelete, url, "", "")
}

// Do makes a request that must succeed, and returns what was answered.
func (s *DAVServer) Do(t testing.TB, method, url, mediaType, body string) string {
	t.Helper()
	status, answer := s.request(t, method, url, mediaType, body)
	if status >= 300 {
		t.Fatalf("%s %s: %d\n%s", method, url, status, answer)
	}
	return answer
}

// Try makes a request and returns its status.
func (s *DAVServer) Try(t testing.TB, method, url, mediaType, body string) int {
	t.Helper()
	status, _ := s.request(t, method, url, mediaType, body)
	return status
}

func (s *DAVServer) request(t testing.TB, method, url, mediaType, body string) (status int, answer string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", mediaType)
	if s.Username != "" {
		req.SetBasicAuth(s.Username, s.Password)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	all, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(all)
}
