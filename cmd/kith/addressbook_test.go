package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kith"
	"kith/servertest"
)

// bookServer is a server of address books, with two of them, and something before it that can fail.
type bookServer struct {
	*servertest.DAVServer
	work, home string // URLs of books, with a slash at the end
	url        string // where kith goes

	mu     sync.Mutex
	meddle func(w http.ResponseWriter, r *http.Request) (answered bool)
}

func newBookServer(t testing.TB, server *servertest.DAVServer) *bookServer {
	t.Helper()
	b := &bookServer{DAVServer: server, work: server.MakeBook(t, "work"), home: server.MakeBook(t, "home")}
	to, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = to.Scheme, to.Host
		r.Out.Host = to.Host
	}}
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		meddle := b.meddle
		b.mu.Unlock()
		if meddle == nil || !meddle(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(front.Close)
	b.url = front.URL + "/"
	return b
}

// with runs a function while somebody meddles with the requests.
func (b *bookServer) with(meddle func(w http.ResponseWriter, r *http.Request) bool, run func()) {
	set := func(fn func(w http.ResponseWriter, r *http.Request) bool) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.meddle = fn
	}
	set(meddle)
	defer set(nil)
	run()
}

// vcardText is a card.
func vcardText(uid, name string, lines ...string) string {
	all := slices.Concat([]string{"BEGIN:VCARD", "VERSION:3.0", "UID:" + uid, "FN:" + name, "N:" + name + ";;;;"}, lines, []string{"END:VCARD", ""})
	return strings.Join(all, "\r\n")
}

// bookSite is a site with an account of address books.
func bookSite(t testing.TB, b *bookServer, database string) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), env: map[string]string{}}
	if database == "" {
		database = "sqlite://" + s.path("kith.db")
	}
	login := ""
	if b.Username != "" {
		s.write("books.password", b.Password+"\n")
		login = fmt.Sprintf("username = %q\npassword_file = \"books.password\"\n", b.Username)
	}
	s.write("kith.toml", fmt.Sprintf(`
database = %q
time_zone = "UTC"
region = "BE"
[[account]]
name = "books"
kind = "carddav"
schedule = "@every 1s"
url = %q
include = ["work", "home"]
allow_private = true
%s`, database, b.url, login))
	return s
}

// people shows the contacts: name, addresses, company, tags.
func (s *site) people() []string {
	s.t.Helper()
	var all []string
	for _, c := range jsonLinesOf[kith.Contact](s.t, s.must("--json", "contacts", "list")) {
		line := c.Name
		for _, part := range [][]string{c.Emails, c.Phones, {c.Company}, c.Tags} {
			if text := strings.Join(part, " "); text != "" {
				line += " | " + text
			}
		}
		all = append(all, line)
	}
	return all
}

func (s *site) contactID(word string) kith.ID {
	s.t.Helper()
	found := jsonLinesOf[kith.Contact](s.t, s.must("--json", "contacts", "show", word))
	if len(found) != 1 {
		s.t.Fatalf("%s is %d contacts", word, len(found))
	}
	return found[0].ID
}

func (s *site) knows(when string, want ...string) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.people(), cmpopts.EquateEmpty()); diff != "" {
		s.t.Errorf("contacts %s (-want +got):\n%s", when, diff)
	}
}

// changes syncs, and checks what that made of the contacts.
func (s *site) changes(when string, want kith.BookRecorded) {
	s.t.Helper()
	got := *s.sync().Contacts
	got.Unchanged, got.Gone, got.Groups = want.Unchanged, want.Gone, want.Groups
	if got != want {
		s.t.Errorf("%s: %+v, want %+v", when, got, want)
	}
}

func TestAddressBooks(t *testing.T) {
	t.Parallel()
	for _, server := range []struct {
		name  string
		start func(testing.TB) *servertest.DAVServer
	}{{"Radicale", servertest.Radicale}, {"Xandikos", servertest.Xandikos}} {
		for _, store := range []struct {
			name string
			make func(testing.TB) string
		}{{"SQLite", func(testing.TB) string { return "" }}, {"PostgreSQL", sharedRegister}} {
			t.Run(server.name+" on "+store.name, func(t *testing.T) {
				t.Parallel()
				b := newBookServer(t, server.start(t))
				liveWithBooks(t, b, bookSite(t, b, store.make(t)))
			})
		}
	}
}

// liveWithBooks lets happen to address books what does in their lives.
func liveWithBooks(t *testing.T, b *bookServer, s *site) {
	s.must("config", "check", "--online")
	b.Put(t, b.work+"ann.vcf", vcardText("ann", "Ann", "EMAIL: MAILTO:Ann@Client.TEST ", "EMAIL:a@home.test", "ORG:Acme", "TEL:02 555 12 34"))
	b.Put(t, b.work+"bob.vcf", vcardText("bob", "Bob", "EMAIL:bob@client.test"))
	b.Put(t, b.home+"cy.vcf", vcardText("cy", "Cy", "EMAIL:cy@client.test"))
	s.write("csv.csv", "name,email\nDee,dee@client.test\n")
	s.must("contacts", "import", s.path("csv.csv"))
	b.Put(t, b.work+"dee.vcf", vcardText("dee", "Dee", "EMAIL:dee@client.test", "EMAIL:d@home.test"))

	dry := s.must("sync", "--dry-run")
	if !strings.Contains(dry, "created    books/work/ann.vcf  Ann") || !strings.Contains(dry, "updated    books/work/dee.vcf  Dee") {
		t.Errorf("I24 a dry run printed\n%s", dry)
	}
	s.knows("after a dry run", "Dee | dee@client.test")
	s.changes("first", kith.BookRecorded{Created: 3, Updated: 1})
	// B18: the address has spaces, upper case and mailto:.
	s.knows("at first", "Acme", "Ann | ann@client.test a@home.test | +3225551234 | Acme", "Bob | bob@client.test", "Cy | cy@client.test", "Dee | dee@client.test d@home.test")
	s.changes("nothing new", kith.BookRecorded{})
	ann, cy := s.contactID("ann"), s.contactID("cy")

	explained := s.must("explain", "books/work/ann.vcf")
	for _, want := range []string{"recorded", ann.String(), "person Ann", "its contact says all of it already"} {
		if !strings.Contains(explained, want) {
			t.Errorf("explain says nothing of %q:\n%s", want, explained)
		}
	}
	s.fails(exitNotFound, "explain", "books/work/none.vcf")
	s.fails(exitNotFound, "explain", "books/nowhere/ann.vcf")

	b.Put(t, b.work+"ann.vcf", vcardText("ann", "Ann Doe", "EMAIL:ann@client.test", "EMAIL:ann@new.test"))
	s.changes("a name, an address more and one less", kith.BookRecorded{Updated: 1})
	s.knows("changed", "Acme", "Ann Doe | ann@client.test ann@new.test", "Bob | bob@client.test", "Cy | cy@client.test", "Dee | dee@client.test d@home.test")

	b.Delete(t, b.work+"bob.vcf")
	b.Delete(t, b.work+"dee.vcf")
	s.changes("one deleted, and one that a file has too", kith.BookRecorded{Removed: 1})
	s.knows("without Bob", "Acme", "Ann Doe | ann@client.test ann@new.test", "Cy | cy@client.test", "Dee | dee@client.test d@home.test")

	b.Delete(t, b.home+"cy.vcf")
	b.Put(t, b.work+"moved.vcf", vcardText("cy", "Cy", "EMAIL:cy@client.test"))
	s.changes("moved to a book that is read later, and home left empty", kith.BookRecorded{})
	b.Delete(t, b.work+"moved.vcf")
	b.Put(t, b.home+"back.vcf", vcardText("cy", "Cy", "EMAIL:cy@client.test"))
	s.changes("moved to one that is read before", kith.BookRecorded{})
	if s.contactID("cy") != cy || s.contactID("ann") != ann {
		t.Error("who moved became somebody else")
	}

	b.Put(t, b.work+"team.vcf", vcardText("team", "Team", "X-ADDRESSBOOKSERVER-KIND:group", "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:ann", "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:cy"))
	s.changes("a group", kith.BookRecorded{Updated: 2})
	s.knows("in the group", "Acme", "Ann Doe | ann@client.test ann@new.test | Team", "Cy | cy@client.test | Team", "Dee | dee@client.test d@home.test")
	b.Put(t, b.work+"team.vcf", vcardText("team", "Team", "X-ADDRESSBOOKSERVER-KIND:group", "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:ann"))
	s.changes("one leaves", kith.BookRecorded{Updated: 1})
	s.knows("after one left", "Acme", "Ann Doe | ann@client.test ann@new.test | Team", "Cy | cy@client.test", "Dee | dee@client.test d@home.test")
	b.Delete(t, b.work+"team.vcf")
	s.changes("the group is gone", kith.BookRecorded{Updated: 1})

	readAgain(t, b, s)
	faults(t, b, s)
	emptied(t, b, s)
}

// readAgain has a card that can't be read, and is mended.
func readAgain(t *testing.T, b *bookServer, s *site) {
	t.Helper()
	b.Put(t, b.work+"eve.vcf", vcardText("eve", "Eve", "X-KITH-NEVER-RECORD:perhaps"))
	if r := s.sync(); r.Quarantined != 1 || r.Contacts.Created != 0 {
		t.Errorf("a card that can't be read: %+v", r)
	}
	if out := s.must("explain", "books/work/eve.vcf"); !strings.Contains(out, "quarantined") || !strings.Contains(out, "neither yes nor no") {
		t.Errorf("explain said\n%s", out)
	}
	if code, out, _ := s.run("doctor", "--offline"); code != exitPartly || !strings.Contains(out, "1 cards could not be read") {
		t.Errorf("doctor: %d\n%s", code, out)
	}
	b.Put(t, b.work+"eve.vcf", vcardText("eve", "Eve", "X-KITH-NEVER-RECORD:yes"))
	s.changes("mended", kith.BookRecorded{Created: 1})
	if status := jsonLinesOf[statusJSON](t, s.must("--json", "status"))[0]; status.Accounts[0].Streams[1].Quarantined != 0 || status.Accounts[0].Streams[1].Recorded != 2 {
		t.Errorf("status: %+v", status.Accounts[0].Streams)
	}
	b.Delete(t, b.work+"eve.vcf")
	s.changes("Eve is deleted", kith.BookRecorded{Removed: 1})
}

// faults has a server that is down, and one that forgets how far a book was read.
func faults(t *testing.T, b *bookServer, s *site) {
	t.Helper()
	before := s.people()
	down := func(w http.ResponseWriter, r *http.Request) bool {
		http.Error(w, "down", http.StatusBadGateway)
		return true
	}
	b.with(down, func() { s.fails(exitFailed, "sync") })
	late := func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != "REPORT" {
			return false
		}
		return down(w, r)
	}
	b.Put(t, b.work+"ann.vcf", vcardText("ann", "Ann Doe", "EMAIL:ann@client.test", "EMAIL:ann@new.test", "NOTE:touched"))
	b.with(late, func() { s.fails(exitFailed, "sync") })
	s.knows("while the server is down", before...)
	s.changes("back", kith.BookRecorded{})

	expired := 0
	b.with(func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method != "REPORT" {
			return false
		}
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if !regexp.MustCompile(`sync-token[^>]*>[^<]`).Match(body) {
			return false
		}
		expired++
		w.Header().Set("Content-Type", "application/xml")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<?xml version="1.0"?><error xmlns="DAV:"><valid-sync-token/></error>`)
		return true
	}, func() {
		b.Delete(t, b.home+"back.vcf")
		b.Put(t, b.home+"fay.vcf", vcardText("fay", "Fay"))
		s.changes("expired", kith.BookRecorded{Created: 1, Removed: 1})
	})
	if expired == 0 {
		t.Error("no sync-token was used")
	}
	b.Delete(t, b.home+"fay.vcf")
	b.Put(t, b.home+"gus.vcf", vcardText("gus", "Gus"))
	s.changes("and on", kith.BookRecorded{Created: 1, Removed: 1})
	s.changes("all of it again", kith.BookRecorded{})
	if r := *s.sync("--full").Contacts; r.Created+r.Updated+r.Removed != 0 || r.Unchanged < 2 {
		t.Errorf("sync --full: %+v", r)
	}
}

// emptied has books that are suddenly empty.
func emptied(t *testing.T, b *bookServer, s *site) {
	t.Helper()
	before := s.people()
	b.Delete(t, b.work+"ann.vcf")
	for _, flags := range [][]string{{}, {"--full"}, {}} {
		_, errs := s.fails(exitFailed, append([]string{"sync"}, flags...)...)
		if !strings.Contains(errs, "address book work: it is suddenly empty") || !strings.Contains(errs, "kith sync books --accept-empty") {
			t.Errorf("the alarm is\n%s", errs)
		}
		s.knows("when a book is suddenly empty", before...)
	}
	status := jsonLinesOf[statusJSON](t, s.must("--json", "status"))[0].Accounts[0]
	if status.State != kith.StateFailing || status.Error == nil || status.Streams[1].Error == nil {
		t.Errorf("status: %+v", status)
	}
	b.Put(t, b.work+"ann.vcf", vcardText("ann", "Ann Doe", "EMAIL:ann@client.test", "EMAIL:ann@new.test"))
	s.changes("it is back", kith.BookRecorded{})
	s.knows("when it is back", before...)
	if status := jsonLinesOf[statusJSON](t, s.must("--json", "status"))[0].Accounts[0]; status.State != kith.StateOK || status.Streams[1].Error != nil {
		t.Errorf("status: %+v", status)
	}

	b.Delete(t, b.home) // the whole book
	_, errs := s.fails(exitFailed, "sync")
	if !strings.Contains(errs, "address book home: the server has it no more") {
		t.Errorf("the alarm is\n%s", errs)
	}
	s.knows("when a book is missing", before...)
	b.Delete(t, b.work+"ann.vcf")
	if r := *s.sync("--accept-empty").Contacts; r.Removed != 2 {
		t.Errorf("accepted: %+v", r)
	}
	s.knows("when it was meant", "Acme", "Dee | dee@client.test d@home.test")
	s.changes("after that", kith.BookRecorded{})
	b.Put(t, b.work+"hal.vcf", vcardText("hal", "Hal"))
	s.changes("and on", kith.BookRecorded{Created: 1})
}
