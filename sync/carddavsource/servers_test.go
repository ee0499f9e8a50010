package carddavsource_test

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/servertest"
	"kith/sync/carddavsource"
	"kith/sync/webdav"
)

// server is one that the source is held to, with the book that it has for a test.
type server struct {
	name  string
	start func(t testing.TB) (s *servertest.DAVServer, book string)
}

var servers = []server{
	{"Radicale", func(t testing.TB) (*servertest.DAVServer, string) {
		s := servertest.Radicale(t)
		return s, s.MakeBook(t, "work")
	}},
	{"Xandikos", func(t testing.TB) (*servertest.DAVServer, string) {
		s := servertest.Xandikos(t)
		return s, s.Home + "addressbook/"
	}},
}

// habitual are servers of our own making, for what those two don't do.
var habitual = []server{
	{"collection synchronisation", fakeServer(habits{})},
	{"in pages", fakeServer(habits{page: 2})},
	{"no synchronisation, but a CTag", fakeServer(habits{noSync: true})},
	{"neither synchronisation nor CTag", fakeServer(habits{noSync: true, noCTag: true})},
	{"synchronisation announced and refused", fakeServer(habits{refuseSync: true})},
	{"no ETags", fakeServer(habits{noETag: true})},
	{"no multiget", fakeServer(habits{noMultiget: true})},
	{"a multiget that finds nothing", fakeServer(habits{blind: true})},
}

func options(s *servertest.DAVServer) carddavsource.Options {
	return carddavsource.Options{
		Account: "book", URL: s.URL, Username: s.Username, AllowPrivate: true, Chunk: 3,
		Password: func(context.Context) (string, error) { return s.Password, nil },
	}
}

func open(t testing.TB, o carddavsource.Options) *carddavsource.Source {
	t.Helper()
	src, err := carddavsource.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { src.Close() })
	return src
}

func onlyBook(t testing.TB, src *carddavsource.Source) kith.Stream {
	t.Helper()
	books, err := src.Books(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(books) != 1 {
		t.Fatalf("books %v, want one", books)
	}
	return books[0]
}

// register is what a register would hold of a book after its batches.
type register struct {
	cards   map[string]kith.Contact // by ref
	groups  map[string]kith.CardGroup
	failed  map[string]string
	cursor  kith.Cursor
	batches int
	emptied int
	reason  string // of a restart
	read    int    // cards that were read
	total   int
}

func newRegister() *register {
	return &register{cards: map[string]kith.Contact{}, groups: map[string]kith.CardGroup{}, failed: map[string]string{}}
}

// poll reads a book and records the batches, at most so many; with alarms, what empties the book is not recorded.
func (r *register) poll(t testing.TB, src *carddavsource.Source, book kith.Stream, most int, alarms bool) {
	t.Helper()
	r.batches, r.emptied, r.reason, r.read, r.total = 0, 0, "", 0, 0
	for b, err := range src.Changes(t.Context(), book, r.cursor) {
		if err != nil {
			t.Fatal(err)
		}
		r.batches++
		r.reason += b.Restarted
		r.total = max(r.total, b.Total)
		if r.emptied = b.Emptied; r.emptied > 0 && alarms {
			return
		}
		r.record(t, b)
		if r.batches == most {
			return
		}
	}
}

func (r *register) record(t testing.TB, b kith.BookBatch) {
	t.Helper()
	gone := func(ref string) {
		delete(r.cards, ref)
		delete(r.groups, ref)
		delete(r.failed, ref)
	}
	for _, ref := range b.Gone {
		gone(ref)
	}
	for _, c := range b.Cards {
		if c.Contact.Source != "book" {
			t.Errorf("%s has source %q", c.Ref, c.Contact.Source)
		}
		r.cards[c.Ref] = c.Contact
		r.read++
		delete(r.failed, c.Ref)
	}
	for _, g := range b.Groups {
		r.groups[g.Ref] = g
		for _, uid := range g.Members {
			if !slices.ContainsFunc(slices.Collect(maps.Values(r.cards)), func(c kith.Contact) bool { return c.ExternalID == uid }) {
				t.Errorf("group %s came before its member %s", g.Ref, uid)
			}
		}
	}
	for _, f := range b.Failed {
		r.failed[f.Ref] = f.Cause
	}
	if b.Present != nil {
		for _, known := range [][]string{slices.Collect(maps.Keys(r.cards)), slices.Collect(maps.Keys(r.groups)), slices.Collect(maps.Keys(r.failed))} {
			for _, ref := range known {
				if !b.Present(ref) {
					gone(ref)
				}
			}
		}
	}
	if b.Cursor == "" {
		t.Error("a batch without a cursor")
	}
	r.cursor = b.Cursor
}

// names returns what the register knows, by file name.
func (r *register) names() map[string]string {
	names := map[string]string{}
	for ref, c := range r.cards {
		file, err := url.PathUnescape(ref[strings.LastIndexByte(ref, '/')+1:])
		if err != nil {
			panic(err)
		}
		names[file] = c.Name
	}
	return names
}

func (r *register) want(t testing.TB, want map[string]string) {
	t.Helper()
	if diff := cmp.Diff(want, r.names()); diff != "" {
		t.Errorf("register (-want +got):\n%s", diff)
	}
	if len(r.failed) > 0 {
		t.Errorf("failures: %v", r.failed)
	}
}

func vcard(uid, name string, lines ...string) string {
	all := slices.Concat([]string{"BEGIN:VCARD", "VERSION:3.0", "UID:" + uid, "FN:" + name, "N:" + name + ";;;;"}, lines, []string{"END:VCARD", ""})
	return strings.Join(all, "\r\n")
}

func TestServers(t *testing.T) {
	for _, server := range slices.Concat(servers, habitual) {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			s, book := server.start(t)
			o := options(s)
			src := open(t, o)
			stream := onlyBook(t, src)
			r := newRegister()

			r.poll(t, src, stream, 0, true)
			r.want(t, map[string]string{})
			if r.emptied != 0 {
				t.Errorf("a book that never had anything was emptied of %d", r.emptied)
			}

			want := map[string]string{}
			put := func(file, uid, name string, lines ...string) {
				s.Put(t, book+url.PathEscape(file), vcard(uid, name, lines...))
				want[file] = name
			}
			files := []string{"a.vcf", "b c.vcf", "d@e.vcf", "ü%.vcf", "f.vcf", "g+h.vcf", "i.vcf"}
			for i, file := range files {
				put(file, fmt.Sprint("uid-", i), fmt.Sprint("Person ", i), fmt.Sprintf("EMAIL:p%d@x.test", i))
			}
			r.poll(t, src, stream, 0, true)
			r.want(t, want)
			if r.read != len(files) || r.batches != 3 {
				t.Errorf("read %d cards in %d batches, want %d in 3", r.read, r.batches, len(files))
			}
			r.poll(t, open(t, o), stream, 0, true)
			if r.batches != 0 {
				t.Errorf("%d batches where nothing changed", r.batches)
			}

			t.Run("changed, deleted and new", func(t *testing.T) {
				put("a.vcf", "uid-0", "Person Zero")
				put("new.vcf", "uid-new", "Newcomer")
				s.Delete(t, book+"f.vcf")
				delete(want, "f.vcf")
				r.poll(t, src, stream, 0, true)
				r.want(t, want)
				if r.read != 2 {
					t.Errorf("read %d cards, want 2", r.read)
				}
			})

			t.Run("Fetch reads again, and tells what is gone", func(t *testing.T) {
				refs := slices.Sorted(maps.Keys(r.cards))
				gone := refs[0] + ".none"
				b, err := src.Fetch(t.Context(), stream, append(refs, gone))
				if err != nil {
					t.Fatal(err)
				}
				got := map[string]kith.Contact{}
				for _, c := range b.Cards {
					got[c.Ref] = c.Contact
				}
				if diff := cmp.Diff(r.cards, got); diff != "" {
					t.Errorf("fetched (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff([]string{gone}, b.Gone); diff != "" {
					t.Errorf("gone (-want +got):\n%s", diff)
				}
			})

			t.Run("a cursor of another server starts over", func(t *testing.T) {
				s.Delete(t, book+"i.vcf")
				delete(want, "i.vcf")
				for _, cursor := range []kith.Cursor{`{"token":"http://example.test/sync/1","cards":7}`, `{"token":"4b825dc642cb6eb9a060e54bf8d69288fbee4905","cards":7}`, "nonsense"} {
					r.cursor = cursor
					r.poll(t, src, stream, 0, true)
					r.want(t, want)
					if r.reason == "" || r.read != len(want) {
						t.Errorf("cursor %s: reason %q, %d cards read; want a reason and all %d", cursor, r.reason, r.read, len(want))
					}
				}
			})

			t.Run("stopped after the first batch and gone on", func(t *testing.T) {
				r := newRegister()
				for n := 0; ; n++ {
					r.poll(t, open(t, o), stream, 1, true)
					if r.batches == 0 {
						break
					}
					if n == 0 { // while it is being read
						put("a.vcf", "uid-0", "Person Nought")
						s.Delete(t, book+"g+h.vcf")
						delete(want, "g+h.vcf")
					}
					if n == 20 {
						t.Fatal("no end")
					}
				}
				r.want(t, want)
			})

			t.Run("emptied is an alarm until it is recorded, and it comes back", func(t *testing.T) {
				r.poll(t, src, stream, 0, true)
				r.want(t, want)
				before := maps.Clone(want)
				for file := range before {
					s.Delete(t, book+url.PathEscape(file))
				}
				for range 2 {
					r.poll(t, src, stream, 0, true)
					if r.emptied < len(before) {
						t.Errorf("emptied %d, want %d", r.emptied, len(before))
					}
					r.want(t, before)
				}
				put("a.vcf", "uid-0", "Person Back")
				for file := range before {
					if file != "a.vcf" {
						delete(want, file)
					}
				}
				r.poll(t, src, stream, 0, true)
				if r.emptied != 0 {
					t.Error("an alarm about a book that is back")
				}
				r.want(t, want)

				s.Delete(t, book+"a.vcf")
				delete(want, "a.vcf")
				r.poll(t, src, stream, 0, false) // it was meant
				if r.emptied == 0 {
					t.Error("no alarm")
				}
				r.want(t, want)
				r.poll(t, src, stream, 0, true)
				if r.batches != 0 {
					t.Error("batches after the end")
				}
			})
		})
	}
}

func TestVersionsGroupsAndCompanies(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			s, book := server.start(t)
			src := open(t, options(s))
			stream := onlyBook(t, src)
			put := func(file string, lines ...string) {
				s.Put(t, book+file, strings.Join(append(lines, ""), "\r\n"))
			}
			// Before its members in the order of refs.
			put("0-team.vcf", "BEGIN:VCARD", "VERSION:3.0", "UID:team", "FN:Team", "N:Team;;;;", "X-ADDRESSBOOKSERVER-KIND:group",
				"X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:three", "X-ADDRESSBOOKSERVER-MEMBER:urn:uuid:four", "END:VCARD")
			put("4.vcf", "BEGIN:VCARD", "VERSION:4.0", "UID:urn:uuid:four", "FN:Four", "EMAIL:four@x.test", "CATEGORIES:vip,trade fair", "END:VCARD")
			put("3.vcf", "BEGIN:VCARD", "VERSION:3.0", "UID:three", "FN:Three", "N:Three;;;;", "ORG:Acme", "EMAIL;TYPE=INTERNET:Three@X.test", "END:VCARD")
			put("acme.vcf", "BEGIN:VCARD", "VERSION:3.0", "UID:acme", "FN:Acme", "N:;;;;", "ORG:Acme", "TEL:+32 2 555 12 34", "END:VCARD")

			r := newRegister()
			r.poll(t, src, stream, 0, true)
			want := map[string]kith.Contact{
				"4.vcf":    {Type: kith.Person, Source: "book", ExternalID: "four", Name: "Four", Emails: []string{"four@x.test"}, Tags: []string{"vip", "trade fair"}},
				"3.vcf":    {Type: kith.Person, Source: "book", ExternalID: "three", Name: "Three", LastName: "Three", Company: "Acme", Emails: []string{"three@x.test"}},
				"acme.vcf": {Type: kith.Company, Source: "book", ExternalID: "acme", Name: "Acme", Phones: []string{"+3225551234"}},
			}
			got := map[string]kith.Contact{}
			for ref, c := range r.cards {
				got[filepath.Base(ref)] = c
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("contacts (-want +got):\n%s", diff)
			}
			const ref = "0-team.vcf"
			groups := map[string]kith.CardGroup{ref: {Ref: ref, UID: "team", Name: "Team", Members: []string{"three", "four"}}}
			if diff := cmp.Diff(groups, r.groups); diff != "" {
				t.Errorf("groups (-want +got):\n%s", diff)
			}
		})
	}
}

// What real programs wrote goes through both servers, or is refused by them.
func TestRealCards(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "corpora", "ez-vcard", "src", "test", "resources", "ezvcard", "*", "*", "*.vcf"))
	if err != nil || len(files) == 0 {
		t.Skip("the corpus is not here")
	}
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			s, book := server.start(t)
			for i, file := range files {
				raw, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				card := string(raw)
				if !strings.Contains(card, "\nUID") { // which Radicale insists on
					card = strings.Replace(card, "END:VCARD", fmt.Sprintf("UID:%d\r\nEND:VCARD", i), 1)
				}
				if status := s.Try(t, "PUT", book+fmt.Sprint(i, ".vcf"), "text/vcard", card); status >= 300 {
					t.Logf("%s is refused by the server: %d", filepath.Base(file), status)
				}
			}
			src := open(t, options(s))
			r := newRegister()
			r.poll(t, src, onlyBook(t, src), 0, true)
			if len(r.cards) < 5 || len(r.failed) > 0 {
				t.Errorf("%d contacts, failed: %v", len(r.cards), r.failed)
			}
			t.Logf("%d contacts of %d files", len(r.cards), len(files))
		})
	}
}

func TestURLs(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			s, book := server.start(t)
			s.MakeBook(t, "other")
			s.Put(t, book+"a.vcf", vcard("a", "Ann"))
			own := filepath.Base(book)
			for _, tt := range []struct {
				reason, url      string
				include, exclude []string
				want             []string
			}{
				{"the server", s.URL, nil, nil, []string{own, "other"}},
				{"the server without a slash", strings.TrimSuffix(s.URL, "/"), nil, nil, []string{own, "other"}},
				{"the principal", s.URL + "alice/", nil, nil, []string{own, "other"}},
				{"the home", s.Home, nil, nil, []string{own, "other"}},
				{"one book", book, nil, nil, []string{own}},
				{"one book without a slash", strings.TrimSuffix(book, "/"), nil, nil, []string{own}},
				{"include", s.URL, []string{"O*"}, nil, []string{"other"}},
				{"exclude", s.URL, nil, []string{"othe?"}, []string{own}},
			} {
				t.Run(tt.reason, func(t *testing.T) {
					o := options(s)
					o.URL, o.Include, o.Exclude = tt.url, tt.include, tt.exclude
					src := open(t, o)
					books, err := src.Books(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					var names []string
					for _, b := range books {
						names = append(names, b.Name)
						if b.Name == own {
							r := newRegister()
							r.poll(t, src, b, 0, true)
							r.want(t, map[string]string{"a.vcf": "Ann"})
						}
					}
					slices.Sort(names)
					slices.Sort(tt.want)
					if diff := cmp.Diff(tt.want, names); diff != "" {
						t.Errorf("books (-want +got):\n%s", diff)
					}
				})
			}
		})
	}
}

func TestNoBook(t *testing.T) {
	s := servertest.Radicale(t)
	o := options(s)
	for _, tt := range []struct {
		reason string
		change func(o *carddavsource.Options)
		kind   kith.FaultKind
		status int
	}{
		{"a wrong password", func(o *carddavsource.Options) {
			o.Password = func(context.Context) (string, error) { return "wrong", nil }
		}, kith.FaultAuth, 401},
		{"no login where one is wanted", func(o *carddavsource.Options) { o.Username, o.URL = "", s.Home }, kith.FaultSettings, 401},
		{"somebody else's home", func(o *carddavsource.Options) { o.URL = s.URL + "bob/" }, kith.FaultSettings, 403},
		{"I20 loopback without allow_private", func(o *carddavsource.Options) { o.AllowPrivate = false }, kith.FaultSettings, 0},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			o := o
			tt.change(&o)
			books, err := open(t, o).Books(t.Context())
			kind, _ := kith.FaultOf(err)
			if err == nil || kind != tt.kind || tt.status != 0 && webdav.StatusOf(err) != tt.status {
				t.Errorf("%v, %v (%s); want an error of kind %s", books, err, kind, tt.kind)
			}
		})
	}
}
