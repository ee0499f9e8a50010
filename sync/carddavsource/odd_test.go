package carddavsource_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/contactfile"
	"kith/sync/carddavsource"
)

// One card that can't be read costs only itself, and in the end is known.
func TestOneBadCard(t *testing.T) {
	for _, tt := range []struct {
		reason string
		card   string
		gone   string // in place of the card, by GET: a status
		cause  string // "": it is read after all
	}{
		{"no vCard", "hello", "", "vcard: no BEGIN:VCARD found in the file"},
		{"nothing in it", " ", "", "vcard: no BEGIN:VCARD found in the file"},
		{"nothing to know a contact by", "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:bad\r\nEND:VCARD\r\n", "", "there is no name, e-mail address or phone number in it"},
		{"a character that is none in XML", vcard("bad", "Bad", "NOTE:a\x0bb"), "", ""},
		{"what ends the text in XML", vcard("bad", "Bad", "NOTE:]]></x>"), "", ""},
		{"a photo larger than what is read of a multistatus", vcard("bad", "Bad", "PHOTO;ENCODING=b:"+strings.Repeat("AAAA", 2<<20)), "", ""},
		{"longer than what is read at all", vcard("bad", "Bad", "PHOTO;ENCODING=b:"+strings.Repeat("AAAA", 4<<20)), "", "it is longer than 12582912 bytes"},
		{"refused by the server", "\x01", "403", "403 Forbidden"},
		{"the server fails over it", "\x01", "500", "500 Internal Server Error"},
	} {
		for _, single := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, multiget %v", tt.reason, !single), func(t *testing.T) {
				t.Parallel()
				f, s := startFake(t, habits{noMultiget: single, hook: func(w http.ResponseWriter, r *http.Request, _ string) bool {
					if tt.gone != "" && strings.HasSuffix(r.URL.Path, "bad.vcf") {
						var status int
						fmt.Sscan(tt.gone, &status)
						http.Error(w, "no", status)
						return true
					}
					return false
				}})
				want := map[string]string{}
				for i := range 7 {
					file := fmt.Sprint(i, ".vcf")
					f.put(file, vcard(fmt.Sprint(i), fmt.Sprint("Good ", i)))
					want[file] = fmt.Sprint("Good ", i)
				}
				f.put("bad.vcf", tt.card)
				failed := map[string]string{}
				if tt.cause == "" {
					want["bad.vcf"] = "Bad"
				} else {
					failed["bad.vcf"] = tt.cause
				}
				o := options(s)
				o.Chunk, o.MaxBody = 100, 12<<20
				src := open(t, o)
				r := newRegister()
				r.poll(t, src, onlyBook(t, src), 0, true)
				if diff := cmp.Diff(want, r.names()); diff != "" {
					t.Errorf("register (-want +got):\n%s", diff)
				}
				for ref, cause := range r.failed {
					if strings.Contains(cause, failed[ref]) && failed[ref] != "" {
						failed[ref] = cause
					}
				}
				if diff := cmp.Diff(failed, r.failed); diff != "" {
					t.Errorf("failures (-want +got):\n%s", diff)
				}
				r.poll(t, src, onlyBook(t, src), 0, true)
				if r.batches != 0 {
					t.Error("it is read again and again")
				}
			})
		}
	}
}

// When the server as a whole is in trouble, no card is blamed for it.
func TestServerInTrouble(t *testing.T) {
	for _, tt := range []struct {
		reason string
		status int
		header http.Header
		kind   kith.FaultKind
	}{
		{"every request fails", 500, nil, kith.FaultTransient},
		{"it is away", 503, nil, kith.FaultTransient},
		{"it asks for a pause", 429, http.Header{"Retry-After": {"7"}}, kith.FaultThrottled},
		{"the login is refused all at once", 401, nil, kith.FaultAuth},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			trouble := false
			f, s := startFake(t, habits{hook: func(w http.ResponseWriter, r *http.Request, body string) bool {
				trouble = trouble || strings.Contains(body, "multiget")
				if trouble {
					for name, values := range tt.header {
						w.Header()[name] = values
					}
					w.WriteHeader(tt.status)
				}
				return trouble
			}})
			f.put("a.vcf", vcard("a", "Ann"))
			o := options(s)
			o.Username = "alice"
			src := open(t, o)
			book := onlyBook(t, src)
			for b, err := range src.Changes(t.Context(), book, "") {
				if kind, _ := kith.FaultOf(err); err == nil || kind != tt.kind || !strings.HasPrefix(err.Error(), "address book book: ") {
					t.Errorf("%+v, %v; want an error of kind %s", b, err, tt.kind)
				}
			}
		})
	}
}

// No card is taken for deleted by a listing that does not say what it should.
func TestOddListing(t *testing.T) {
	good := response(fakeBook, `<D:resourcetype><D:collection/></D:resourcetype>`)
	card := response(fakeBook+"a.vcf", `<D:getetag>"1"</D:getetag>`)
	for _, tt := range []struct {
		reason  string
		listing string
		fails   bool
		present bool // the listing counts
		emptied int
	}{
		{"about nothing", "", true, false, 0},
		{"cut off", good + "<D:response><D:href>", true, false, 0},
		{"the book itself is not found", `<D:response><D:href>` + fakeBook + `</D:href><D:status>HTTP/1.1 404 Not Found</D:status></D:response>`, true, false, 0},
		{"a response without href", good + card + `<D:response><D:status>HTTP/1.1 200 OK</D:status></D:response>`, false, false, 0},
		{"a card of another server", good + card + `<D:response><D:href>http://192.0.2.1/dav/me/book/x.vcf</D:href></D:response>`, false, false, 0},
		{"a card of another book", good + card + response("/dav/me/other/x.vcf", ""), false, false, 0},
		{"a card above the book", good + card + response(fakeBook+"../x.vcf", ""), false, false, 0},
		{"only what is odd", good + `<D:response/>`, false, false, 0},
		{"a collection and an image among the cards", good + card + response(fakeBook+"sub/", "") + response(fakeBook+"x.png", "<D:getcontenttype>image/png</D:getcontenttype>"), false, true, 0},
		{"a card that may not be read", good + card + `<D:response><D:href>` + fakeBook + `b.vcf</D:href><D:status>HTTP/1.1 403 Forbidden</D:status></D:response>`, false, true, 0},
		{"nothing in the book", good, false, true, 2},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			odd := false
			f, s := startFake(t, habits{noSync: true, hook: func(w http.ResponseWriter, r *http.Request, _ string) bool {
				if odd && r.Method == "PROPFIND" && r.Header.Get("Depth") == "1" {
					multistatus(w, tt.listing)
					return true
				}
				return false
			}})
			f.put("a.vcf", vcard("a", "Ann"))
			f.put("b.vcf", vcard("b", "Bob"))
			src := open(t, options(s))
			book := onlyBook(t, src)
			r := newRegister()
			r.poll(t, src, book, 0, true)
			odd = true
			f.put("c.vcf", vcard("c", "Cy")) // the CTag is another
			var batch kith.BookBatch
			var failure error
			for b, err := range src.Changes(t.Context(), book, r.cursor) {
				batch, failure = b, err
			}
			if (failure != nil) != tt.fails || (batch.Present != nil) != tt.present || batch.Emptied != tt.emptied || len(batch.Gone) > 0 {
				t.Errorf("%+v, %v", batch, failure)
			}
			if !tt.fails && !tt.present && len(batch.Warnings) == 0 {
				t.Error("nobody is told")
			}
			if failure != nil {
				if kind, _ := kith.FaultOf(failure); kind != kith.FaultTransient {
					t.Errorf("%v is %s", failure, kind)
				}
			}
		})
	}
}

// A pass ends soon after its context, and when the source is closed.
func TestEnds(t *testing.T) {
	for _, tt := range []struct {
		reason string
		end    func(cancel func(), src *carddavsource.Source)
	}{
		{"cancelled", func(cancel func(), _ *carddavsource.Source) { cancel() }},
		{"closed", func(_ func(), src *carddavsource.Source) { src.Close() }},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			asked := make(chan struct{})
			f, s := startFake(t, habits{hook: func(w http.ResponseWriter, r *http.Request, body string) bool {
				if !strings.Contains(body, "multiget") {
					return false
				}
				w.WriteHeader(http.StatusMultiStatus)
				io.WriteString(w, "<multistatus")
				w.(http.Flusher).Flush()
				close(asked)
				<-r.Context().Done()
				return true
			}})
			f.put("a.vcf", vcard("a", "Ann"))
			src := open(t, options(s))
			book := onlyBook(t, src)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				<-asked
				tt.end(cancel, src)
			}()
			for b, err := range src.Changes(ctx, book, "") {
				if err == nil || tt.reason == "cancelled" && !errors.Is(err, context.Canceled) {
					t.Errorf("%+v, %v", b, err)
				}
			}
		})
	}
}

// The corpus comes out of an address book as it does of a file.
func TestRealCardsAsFiles(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "..", "shared", "corpora", "ez-vcard", "src", "test", "resources", "ezvcard", "*", "*", "*.vcf"))
	if err != nil || len(files) == 0 {
		t.Skip("the corpus is not here")
	}
	for _, single := range []bool{false, true} {
		t.Run(fmt.Sprintf("multiget %v", !single), func(t *testing.T) {
			f, s := startFake(t, habits{noMultiget: single})
			want := 0
			for i, file := range files {
				raw, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				f.put(fmt.Sprint(i, ".vcf"), string(raw))
				for row, err := range contactfile.ReadVCards(strings.NewReader(string(raw))) {
					if err == nil && row.Verdict == contactfile.Good {
						want++
					}
				}
			}
			src := open(t, options(s))
			got := 0
			for b, err := range src.Changes(t.Context(), onlyBook(t, src), "") {
				if err != nil {
					t.Fatal(err)
				}
				got += len(b.Cards)
				for _, failure := range b.Failed {
					t.Logf("%s: %s", failure.Ref, failure.Cause)
				}
			}
			if got != want {
				t.Errorf("%d contacts, want %d", got, want)
			}
		})
	}
}

// A cursor is foreign bytes too once it was in a database.
func FuzzCursor(f *testing.F) {
	fk, s := startFake(f, habits{})
	fk.put("a.vcf", vcard("a", "Ann"))
	src := open(f, options(s))
	book := onlyBook(f, src)
	for _, seed := range []string{"", "x", `{"token":"1","cards":-1}`, `{"open":true,"next":"1","cards":3,"seen":"AAAAAAAAAAA"}`, `{"ctag":"1","cards":1,"seen":"!"}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		r := newRegister()
		r.cursor = kith.Cursor(cursor)
		r.poll(t, src, book, 0, false)
		last := r.cursor
		r.poll(t, src, book, 0, false)
		if r.batches != 0 || r.cursor != last {
			t.Errorf("after %q there is no end: %q, %q", cursor, last, r.cursor)
		}
	})
}
