package webdav_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"kith/sync/webdav"
)

func read(r io.Reader) (all []webdav.Response, token string, err error) {
	token, err = webdav.ReadMultistatus(r, func(r webdav.Response) error {
		all = append(all, r)
		return nil
	})
	return all, token, err
}

func ok(text string, names ...xml.Name) webdav.Property {
	return webdav.Property{Status: 200, Text: text, Names: names}
}

func TestReadMultistatus(t *testing.T) {
	type props = map[xml.Name]webdav.Property
	dav := func(local string) xml.Name { return xml.Name{Space: webdav.NSDAV, Local: local} }
	for _, tt := range []struct {
		reason string
		xml    string
		want   []webdav.Response
		token  string
	}{
		{"nothing in it", `<multistatus xmlns="DAV:"/>`, nil, ""},
		{
			"properties that are there and that are not, the status first or last",
			`<?xml version="1.0"?><D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav"><D:response><D:href> /a/ </D:href>
			<D:propstat><D:prop><D:resourcetype><D:collection/><C:addressbook/></D:resourcetype></D:prop><D:status>HTTP/1.1 200 OK</D:status></D:propstat>
			<D:propstat><D:status>HTTP/1.1 404 Not Found</D:status><D:prop><D:getetag/></D:prop></D:propstat></D:response></D:multistatus>`,
			[]webdav.Response{{Href: "/a/", Properties: props{
				webdav.ResourceType: ok("", dav("collection"), webdav.AddressBooks.Type), webdav.GetETag: {Status: 404},
			}}}, "",
		},
		{
			"the same property in two propstats: the one with a value counts",
			`<multistatus xmlns="DAV:"><response><href>/a</href><propstat><prop><getetag>"1"</getetag></prop><status>HTTP/1.1 200 OK</status></propstat>` +
				`<propstat><prop><getetag/></prop><status>HTTP/1.1 404 Not Found</status></propstat></response></multistatus>`,
			[]webdav.Response{{Href: "/a", Properties: props{webdav.GetETag: ok(`"1"`)}}}, "",
		},
		{
			"a status of the resource, with its cause, and a sync-token before it",
			`<multistatus xmlns="DAV:"><sync-token> t1 </sync-token><response><href>/a</href><status>HTTP/1.1 507 Insufficient Storage</status><error><number-of-matches-within-limits/></error></response></multistatus>`,
			[]webdav.Response{{Href: "/a", Status: 507, Conditions: []xml.Name{dav("number-of-matches-within-limits")}, Properties: props{}}}, "t1",
		},
		{
			"several hrefs of one status",
			`<multistatus xmlns="DAV:"><response><href>/a</href><href>/b</href><status>HTTP/1.1 404 Not Found</status></response></multistatus>`,
			[]webdav.Response{{Href: "/a", Status: 404, Properties: props{}}, {Href: "/b", Status: 404, Properties: props{}}}, "",
		},
		{
			"no href, and a status that is none",
			`<multistatus xmlns="DAV:"><response><status>fine</status></response></multistatus>`,
			[]webdav.Response{{Properties: props{}}}, "",
		},
		{
			"hrefs in a property, CDATA, comments, entities, elements of others",
			`<m:multistatus xmlns:m="DAV:" xmlns:x="urn:x"><x:other><x:y>1</x:y></x:other><m:response><m:href>/a</m:href><x:z/><m:propstat><m:prop>` +
				`<m:owner><m:href>/p/<!-- c -->1</m:href><m:href>/p/2</m:href></m:owner><m:displayname>a &amp; <![CDATA[<b>]]>&#x263a;</m:displayname></m:prop>` +
				`<m:status>HTTP/1.1 200 OK</m:status></m:propstat></m:response></m:multistatus>`,
			[]webdav.Response{{Href: "/a", Properties: props{
				dav("owner"):       {Status: 200, Text: "/p/1/p/2", Names: []xml.Name{dav("href"), dav("href")}, Hrefs: []string{"/p/1", "/p/2"}},
				webdav.DisplayName: ok("a & <b>☺"),
			}}}, "",
		},
		{
			"in another character set", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><multistatus xmlns=\"DAV:\"><response><href>/\xe9</href></response></multistatus>",
			[]webdav.Response{{Href: "/é", Properties: props{}}}, "",
		},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			got, token, err := read(strings.NewReader(tt.xml))
			if err != nil || token != tt.token {
				t.Errorf("token %q, %v; want %q", token, err, tt.token)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("responses (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadMultistatusRefuses(t *testing.T) {
	const begin = `<multistatus xmlns="DAV:"><response><href>/secret</href>`
	prop := func(inner string) string { return begin + `<propstat><prop>` + inner + `</prop></propstat>` }
	for _, tt := range []struct{ reason, xml, want string }{
		{"nothing", "", "empty or cut off"},
		{"a page for people", "<!DOCTYPE html><html><body>Log in</body></html>", "no multistatus"},
		{"another namespace", "<multistatus/>", "no multistatus"},
		{"cut off", begin, "cut off"},
		{"a character that is none", prop("<a>secret\x0b</a>"), "no well-formed XML"},
		{"tags crossed", prop("<a><b></a></b>"), "no well-formed XML"},
		{"an entity that grows", `<!DOCTYPE x [<!ENTITY secret "aaaa">]>` + prop("<a>&secret;</a>"), "no well-formed XML"},
		{"too deep", prop(strings.Repeat("<a>", 1000)), "too deep"},
		{"too deep in what is passed over", begin + strings.Repeat("<secret>", 1000), "too deep"},
		{"one text without end", prop("<a>" + strings.Repeat("secret", 1<<20)), "longer than 4194304 bytes"},
		{"one tag without end", prop("<a " + strings.Repeat("secret='' ", 1<<20)), "longer than 4194304 bytes"},
		{"one comment without end", prop("<!--" + strings.Repeat("secret ", 1<<20)), "longer than 4194304 bytes"},
		{"much text in pieces", prop(strings.Repeat("<a>"+strings.Repeat("x", 1<<20)+"</a>", 9)), "longer than 8388608 bytes"},
		{"too many properties", prop(strings.Repeat("<a/>", 1) + manyElements(300)), "too many properties"},
		{"too many elements in one", prop("<a>" + strings.Repeat("<b/>", 3000) + "</a>"), "too many elements"},
		{"too many hrefs", begin + strings.Repeat("<href>/</href>", 20_000), "too many resources"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			_, _, err := read(strings.NewReader(tt.xml))
			if !errors.Is(err, webdav.ErrUnreadable) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want ErrUnreadable with %q", err, tt.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("the error quotes what it read: %v", err)
			}
		})
	}
	lost := errors.New("lost")
	if _, _, err := read(io.MultiReader(strings.NewReader(begin), iotest.ErrReader(lost))); !errors.Is(err, lost) || errors.Is(err, webdav.ErrUnreadable) {
		t.Errorf("error %v, want that of the connection", err)
	}
	enough := errors.New("enough")
	if _, err := webdav.ReadMultistatus(strings.NewReader(begin+"</response>"), func(webdav.Response) error { return enough }); err != enough {
		t.Errorf("error %v, want that of the caller", err)
	}
}

func manyElements(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("<p" + strings.Repeat("x", i) + "/>")
	}
	return b.String()
}

// Whatever a server sends, it is the same in whatever pieces it comes, every response is within
// the bounds, and an error is one of what was sent.
func FuzzReadMultistatus(f *testing.F) {
	for _, seed := range []string{
		`<?xml version='1.0' encoding='utf-8'?><multistatus xmlns="DAV:"><sync-token>http://radicale.org/ns/sync/e3b0</sync-token><response><href>/a%20b.vcf</href><propstat><prop><getetag>"1"</getetag></prop><status>HTTP/1.1 200 OK</status></propstat></response></multistatus>`,
		`<ns0:multistatus xmlns:ns0="DAV:" xmlns:ns1="urn:ietf:params:xml:ns:carddav"><ns0:response><ns0:href>/a</ns0:href><ns0:propstat><ns0:status>HTTP/1.1 200 OK</ns0:status><ns0:prop><ns1:address-data>BEGIN:VCARD&#13;
</ns1:address-data></ns0:prop></ns0:propstat></ns0:response></ns0:multistatus>`,
		`<multistatus xmlns="DAV:"><response><href>a</href><href>b</href><status>HTTP/1.1 404</status><error><x/></error></response>`,
		`<multistatus xmlns="DAV:"><response><propstat><prop><a><href>x</href><![CDATA[y]]></a></prop></propstat></response></multistatus>`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		all, token, err := read(bytes.NewReader(data))
		if err != nil && !errors.Is(err, webdav.ErrUnreadable) {
			t.Errorf("error %v", err)
		}
		if err != nil && token != "" {
			t.Errorf("an error and the token %q", token)
		}
		for _, r := range all {
			if r.Status != 0 && (r.Status < 100 || r.Status > 599) || len(r.Properties) > 200 {
				t.Errorf("response %+v", r)
			}
			for name, p := range r.Properties {
				if len(p.Text) > len(data)*4 || len(p.Hrefs) > len(p.Names) {
					t.Errorf("property %v: %+v", name, p)
				}
			}
		}
		again, token2, err2 := read(iotest.OneByteReader(bytes.NewReader(data)))
		if diff := cmp.Diff(all, again); diff != "" || token != token2 || (err == nil) != (err2 == nil) {
			t.Errorf("in pieces it is another: %s, %q %q, %v %v", diff, token, token2, err, err2)
		}
	})
}

// A ref is one form of all ways to write a path, leads to the same resource, and is its own ref.
func FuzzRef(f *testing.F) {
	for _, seed := range []string{"/a b.vcf", "/a%20b.vcf", "/a%40b", "/a%2Fb/%2e%2e/c", "//x//", "/%zz", "/ü", "/a;b=c?q#f"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, path string) {
		u, err := url.Parse("https://x.test/" + path)
		if err != nil {
			return
		}
		ref := webdav.Ref(u)
		back, err := url.Parse("https://x.test" + ref)
		if err != nil {
			t.Fatalf("%q: %v", ref, err)
		}
		if back.Path != u.Path || webdav.Ref(back) != ref || back.RawQuery != "" || back.Fragment != "" {
			t.Errorf("%q becomes %q, which is %q", path, ref, back)
		}
	})
}
