package webdav_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"hash"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/servertest"
	"kith/sync/webdav"
)

const password = "p:ä\"ss"

func options(to string) webdav.Options {
	return webdav.Options{URL: to, Username: "alice", AllowPrivate: true, Password: func(context.Context) (string, error) { return password, nil }}
}

func client(t testing.TB, o webdav.Options) *webdav.Client {
	t.Helper()
	c, err := webdav.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func serve(t testing.TB, handle http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A handler learns that the client has gone only once the request was read.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		handle(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func propfind(c *webdav.Client, ctx context.Context) error { //nolint:revive // the context is what some tests vary
	_, err := c.Propfind(ctx, c.Base(), webdav.DepthZero, []xml.Name{webdav.GetETag}, func(webdav.Response) error { return nil })
	return err
}

func multistatus(w http.ResponseWriter, inner string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(http.StatusMultiStatus)
	io.WriteString(w, `<multistatus xmlns="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">`+inner+`</multistatus>`)
}

func TestURLs(t *testing.T) {
	for _, tt := range []struct{ reason, url, want string }{
		{"nothing", "", "neither https nor http"},
		{"no URL", "https://[", "want https://host"},
		{"another scheme", "ftp://dav.example.test", `"ftp" is neither`},
		{"no host", "https:///dav", "names no host"},
		{"a login in it", "https://alice:secret@dav.example.test", "belongs in username"},
		{"a query", "https://dav.example.test/?x=secret", "nothing may follow the path"},
		{"without TLS beyond this machine", "http://dav.example.test", "in plain text"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			_, err := webdav.New(options(tt.url))
			if kind, _ := kith.FaultOf(err); kind != kith.FaultSettings || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v, want %q", err, tt.want)
			}
		})
	}
	for _, good := range []string{"https://dav.example.test", "http://localhost:8000/x", "http://[::1]/"} {
		if _, err := webdav.New(options(good)); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
}

// request is what a server got.
type request struct{ Method, Path, Depth, Authorization, Body string }

type recorder struct {
	mu  sync.Mutex
	got []request
}

func (rec *recorder) add(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.got = append(rec.got, request{r.Method, r.URL.Path, r.Header.Get("Depth"), r.Header.Get("Authorization"), string(body)})
}

func TestRedirectOnTheSameHost(t *testing.T) {
	for _, status := range []int{301, 302, 307, 308} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			var rec recorder
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				rec.add(r)
				if r.URL.Path == "/" {
					w.Header().Set("Location", "dav/")
					w.WriteHeader(status)
					return
				}
				multistatus(w, "")
			})
			c := client(t, options(s.URL))
			at, err := c.Propfind(t.Context(), c.Base(), webdav.DepthOne, []xml.Name{webdav.GetETag}, func(webdav.Response) error { return nil })
			if err != nil || at.String() != s.URL+"/dav/" {
				t.Fatalf("%v, %v", at, err)
			}
			want := rec.got[0]
			want.Path = "/dav/"
			if diff := cmp.Diff(want, rec.got[1]); diff != "" || want.Method != "PROPFIND" || want.Authorization == "" || want.Body == "" {
				t.Errorf("the redirected request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestI20RedirectToAnotherHost(t *testing.T) {
	var other recorder
	login := serve(t, func(w http.ResponseWriter, r *http.Request) {
		other.add(r)
		w.Header().Set("WWW-Authenticate", `Basic realm="x", Digest realm="y", nonce="z"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	open := serve(t, func(w http.ResponseWriter, r *http.Request) { other.add(r); multistatus(w, "") })
	back := serve(t, nil)
	back.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, open.URL+"/again", http.StatusFound)
		}
	})
	for _, tt := range []struct{ reason, to, want string }{
		{"one that wants a login", login.URL, "a password is not carried to another host"},
		{"one that does not", open.URL, ""},
		{"the address where clouds keep keys", "http://169.254.169.254/latest/meta-data/", "is link-local, and not the server of this account"},
		{"another scheme", "file:///etc/passwd", "neither https nor http"},
		{"nowhere", "", "redirects to nowhere"},
		{"with a login of its own", strings.Replace(open.URL, "://", "://alice:secret@", 1), ""},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			other.got = nil
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Location", tt.to)
				w.WriteHeader(http.StatusMovedPermanently)
			})
			err := propfind(client(t, options(s.URL)), t.Context())
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			for _, r := range other.got {
				if r.Authorization != "" {
					t.Errorf("the credentials went along: %+v", r)
				}
			}
		})
	}
}

func TestI20CredentialsDoNotComeBackByWayOfAnotherHost(t *testing.T) {
	var rec recorder
	var first *httptest.Server
	second := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, first.URL+"/end", http.StatusTemporaryRedirect)
	})
	first = serve(t, func(w http.ResponseWriter, r *http.Request) {
		rec.add(r)
		if r.URL.Path == "/end" {
			multistatus(w, "")
			return
		}
		http.Redirect(w, r, second.URL, http.StatusTemporaryRedirect)
	})
	if err := propfind(client(t, options(first.URL)), t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(rec.got) != 2 || rec.got[0].Authorization == "" || rec.got[1].Authorization != "" {
		t.Errorf("requests %+v, want the first alone with a login", rec.got)
	}
}

func TestRedirectInACircle(t *testing.T) {
	n := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { n++; http.Redirect(w, r, "/", http.StatusFound) })
	err := propfind(client(t, options(s.URL)), t.Context())
	if kind, _ := kith.FaultOf(err); kind != kith.FaultSettings || n > 10 {
		t.Errorf("%d requests, %v", n, err)
	}
}

func TestI20FromTLSToPlain(t *testing.T) {
	cert, cas := servertest.Certificate(t, time.Now().Add(time.Hour), "127.0.0.1")
	reached := false
	plain := serve(t, func(http.ResponseWriter, *http.Request) { reached = true })
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, plain.URL, http.StatusFound) }))
	s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
	s.StartTLS()
	defer s.Close()
	o := options(s.URL)
	o.CAs = cas
	err := propfind(client(t, o), t.Context())
	if kind, _ := kith.FaultOf(err); kind != kith.FaultSettings || !strings.Contains(err.Error(), "from https to http") || reached {
		t.Errorf("error %v, reached %v", err, reached)
	}
}

func TestI20PrivateAddresses(t *testing.T) {
	reached := false
	s := serve(t, func(http.ResponseWriter, *http.Request) { reached = true })
	port := s.URL[strings.LastIndexByte(s.URL, ':'):]
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "10.0.0.1", "[fe80::1]"} {
		o := options("https://" + host + port)
		o.AllowPrivate = false
		err := propfind(client(t, o), t.Context())
		if kind, _ := kith.FaultOf(err); kind != kith.FaultSettings || !strings.Contains(err.Error(), "set allow_private") || reached {
			t.Errorf("%s: %v, reached %v", host, err, reached)
		}
	}
}

func TestLogin(t *testing.T) {
	field := func(authorization, name string) string {
		m := regexp.MustCompile(name + `=("(?:[^"\\]|\\.)*"|[^",\s]+)`).FindStringSubmatch(authorization)
		if m == nil {
			return ""
		}
		return strings.Trim(m[1], `"`)
	}
	// wants checks an answer to a challenge by RFC 7616 §3.4.1.
	wants := func(authorization string, h func() hash.Hash, realm, nonce string, qop bool) bool {
		sum := func(s string) string {
			w := h()
			io.WriteString(w, s)
			return hex.EncodeToString(w.Sum(nil))
		}
		a1, a2 := sum("alice:"+realm+":"+password), sum("PROPFIND:"+field(authorization, "uri"))
		want := sum(a1 + ":" + nonce + ":" + a2)
		if qop {
			want = sum(strings.Join([]string{a1, nonce, field(authorization, "nc"), field(authorization, "cnonce"), "auth", a2}, ":"))
		}
		return field(authorization, "response") == want && field(authorization, "nonce") == nonce && field(authorization, "uri") == "/"
	}
	for _, tt := range []struct {
		reason     string
		challenges []string
		let        func(authorization string, n int) bool
		requests   int // for two PROPFINDs
		kind       kith.FaultKind
	}{
		{"Basic, unasked", nil, func(a string, _ int) bool { return a == "Basic YWxpY2U6cDrDpCJzcw==" }, 2, ""},
		{"Digest with SHA-256", []string{`Digest realm="r \"q\"", qop="auth,auth-int", algorithm=SHA-256, nonce="n1", opaque="o"`},
			func(a string, _ int) bool {
				return wants(strings.Replace(a, `r \"q\"`, "r", 1), sha256.New, `r "q"`, "n1", true) && field(a, "opaque") == "o"
			}, 3, ""},
		{"Digest with MD5, beside others", []string{`Negotiate`, `Digest realm="r", nonce="n0", algorithm=SHA-512-256, qop="auth"`, `Basic realm="b", Digest realm="r", qop="auth", nonce="n1", Bearer realm="x"`},
			func(a string, _ int) bool { return wants(a, md5.New, "r", "n1", true) }, 3, ""},
		{"Digest of old", []string{`Digest realm="r", nonce="n1"`}, func(a string, _ int) bool { return wants(a, md5.New, "r", "n1", false) }, 3, ""},
		{"a nonce counts its uses", []string{`Digest realm="r", nonce="n1", qop="auth"`},
			func(a string, n int) bool {
				return wants(a, md5.New, "r", "n1", true) && field(a, "nc") == fmt.Sprintf("%08x", n-1)
			}, 3, ""},
		{"a nonce that is stale", []string{`Digest realm="r", nonce="n%d", stale=true, qop="auth"`},
			func(a string, n int) bool { return n%2 == 0 && wants(a, md5.New, "r", fmt.Sprint("n", n-1), true) }, 4, ""},
		{"a wrong password by Basic is tried once", []string{`Basic realm="r"`}, func(string, int) bool { return false }, 1, kith.FaultAuth},
		{"a wrong password by Digest is tried once", []string{`Digest realm="r", nonce="n1", qop="auth"`}, func(string, int) bool { return false }, 2, kith.FaultAuth},
		{"a nonce that is always stale", []string{`Digest realm="r", nonce="n1", stale=true, qop="auth"`}, func(string, int) bool { return false }, 2, kith.FaultAuth},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			n := 0
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if n++; tt.let(r.Header.Get("Authorization"), n) {
					multistatus(w, "")
					return
				}
				for _, challenge := range tt.challenges {
					w.Header().Add("WWW-Authenticate", strings.Replace(challenge, "%d", strconv.Itoa(n), 1))
				}
				w.WriteHeader(http.StatusUnauthorized)
			})
			c := client(t, options(s.URL))
			err := propfind(c, t.Context())
			if err == nil {
				err = propfind(c, t.Context())
			}
			kind, _ := kith.FaultOf(err)
			if (err == nil) != (tt.kind == "") || err != nil && kind != tt.kind || n != tt.requests {
				t.Errorf("%d requests, %v; want %d, %s", n, err, tt.requests, tt.kind)
			}
			if err != nil && (strings.Contains(err.Error(), password) || !strings.Contains(err.Error(), "check username and password")) {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		reason string
		answer http.HandlerFunc
		kind   kith.FaultKind
		pause  time.Duration
		want   string
	}{
		{"forbidden", status(403, nil), kith.FaultTransient, 0, "403 Forbidden"},
		{"not found", status(404, nil), kith.FaultTransient, 0, "404 Not Found"},
		{"its own failure", status(500, nil), kith.FaultTransient, 0, "500 Internal Server Error"},
		{"too many requests", status(429, nil), kith.FaultThrottled, 0, "asks for a pause: 429"},
		{"too many requests, with seconds", status(429, http.Header{"Retry-After": {"120"}}), kith.FaultThrottled, 2 * time.Minute, "pause"},
		{"too many requests, with a date by its own clock", status(429, http.Header{"Retry-After": {"Mon, 01 Jan 2001 00:05:00 GMT"}, "Date": {"Mon, 01 Jan 2001 00:00:00 GMT"}}), kith.FaultThrottled, 5 * time.Minute, "pause"},
		{"a pause that is too long", status(429, http.Header{"Retry-After": {"999999999999"}}), kith.FaultThrottled, 24 * time.Hour, "pause"},
		{"a pause that has passed", status(429, http.Header{"Retry-After": {"Mon, 01 Jan 2001 00:00:00 GMT"}}), kith.FaultThrottled, 0, "pause"},
		{"away for a while", status(503, http.Header{"Retry-After": {"10"}}), kith.FaultThrottled, 10 * time.Second, "pause"},
		{"away", status(503, nil), kith.FaultTransient, 0, "503 Service Unavailable"},
		{"a page for people", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>secret") }, kith.FaultTransient, 0, "200 OK instead of 207"},
		{"207 with a page", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(207)
			io.WriteString(w, "<html>secret")
		}, kith.FaultTransient, 0, "no multistatus"},
		{"hung up", func(w http.ResponseWriter, _ *http.Request) { panic(http.ErrAbortHandler) }, kith.FaultTransient, 0, "the server closed the connection"},
		{"hung up in the middle", func(w http.ResponseWriter, _ *http.Request) {
			multistatus(w, "")
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, "", 0, ""}, // all that matters was there
	} {
		t.Run(tt.reason, func(t *testing.T) {
			s := serve(t, tt.answer)
			err := propfind(client(t, options(s.URL+"/secret")), t.Context())
			kind, pause := kith.FaultOf(err)
			if tt.kind == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil || kind != tt.kind || pause != tt.pause || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("%v (%s, %v); want %q (%s, %v)", err, kind, pause, tt.want, tt.kind, tt.pause)
			}
		})
	}
}

func status(code int, header http.Header) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for name, values := range header {
			w.Header()[name] = values
		}
		w.WriteHeader(code)
		io.WriteString(w, "secret")
	}
}

func TestConnections(t *testing.T) {
	gone := serve(t, nil)
	gone.Close()
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	tlsServer := func(expires time.Time, hosts ...string) (string, *x509.CertPool) {
		cert, cas := servertest.Certificate(t, expires, hosts...)
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { multistatus(w, "") }))
		s.TLS = &tls.Config{Certificates: []tls.Certificate{cert}}
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.StartTLS()
		t.Cleanup(s.Close)
		return s.URL, cas
	}
	good, goodCAs := tlsServer(time.Now().Add(time.Hour), "127.0.0.1")
	other, otherCAs := tlsServer(time.Now().Add(time.Hour), "other.test")
	expired, expiredCAs := tlsServer(time.Now().Add(-time.Hour), "127.0.0.1")
	for _, tt := range []struct {
		reason, url string
		cas         *x509.CertPool
		kind        kith.FaultKind
		want        string
	}{
		{"trusted", good, goodCAs, "", ""},
		{"an authority that nobody trusts", good, nil, kith.FaultSettings, "ca_file"},
		{"a certificate for another", other, otherCAs, kith.FaultSettings, "is not for 127.0.0.1"},
		{"a certificate that has expired", expired, expiredCAs, kith.FaultSettings, "has expired"},
		{"no TLS where it should be", strings.Replace(plain.URL, "http", "https", 1), nil, kith.FaultSettings, "does not speak TLS"},
		{"nobody there", gone.URL, nil, kith.FaultTransient, "nothing listens there"},
		{"no such name", "https://nobody.invalid", nil, kith.FaultTransient, "nobody.invalid"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			o := options(tt.url)
			o.CAs = tt.cas
			err := propfind(client(t, o), t.Context())
			kind, _ := kith.FaultOf(err)
			if (err == nil) != (tt.kind == "") || err != nil && (kind != tt.kind || !strings.Contains(err.Error(), tt.want)) {
				t.Errorf("%v (%s); want %q (%s)", err, kind, tt.want, tt.kind)
			}
		})
	}
}

func TestI20BoundsOfAnAnswer(t *testing.T) {
	const spaces = 1 << 16
	endless := func(w io.Writer) {
		io.WriteString(w, `<multistatus xmlns="DAV:">`)
		for range 1 << 30 / spaces {
			if _, err := io.WriteString(w, "<x>"+strings.Repeat(" ", spaces)+"</x>"); err != nil {
				return // the client has gone
			}
		}
	}
	for _, tt := range []struct {
		reason string
		answer http.HandlerFunc
		want   string
	}{
		{"1 GB", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(207); endless(w) }, "longer than 1048576 bytes"},
		{"1 GB in little gzip", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(207)
			z := gzip.NewWriter(w)
			defer z.Close()
			endless(z)
		}, "longer than 1048576 bytes"},
		{"headers without end", func(w http.ResponseWriter, _ *http.Request) {
			for i := range 100 {
				w.Header().Set("X-"+strconv.Itoa(i), strings.Repeat("x", 1<<14))
			}
			multistatus(w, "")
		}, "header"},
		{"nothing at all", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "nothing came for 100ms"},
		{"nothing after the beginning", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(207)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "nothing came for 100ms"},
		{"a byte now and then", func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(207)
			tick := time.NewTicker(20 * time.Millisecond)
			defer tick.Stop()
			for r.Context().Err() == nil {
				io.WriteString(w, " ")
				w.(http.Flusher).Flush()
				<-tick.C
			}
		}, "not complete after 1s"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tt.answer)
			o := options(s.URL)
			o.MaxBody, o.Timeout = 1<<20, 10*time.Second
			if strings.HasPrefix(tt.want, "n") { // what is tried is the time itself
				o.Timeout = 100 * time.Millisecond
			}
			err := propfind(client(t, o), t.Context())
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error %v, want %q", err, tt.want)
			}
			if kind, _ := kith.FaultOf(err); kind != kith.FaultTransient {
				t.Errorf("%v is %s", err, kind)
			}
		})
	}
}

func TestEnds(t *testing.T) {
	for _, reason := range []string{"cancelled", "closed"} {
		t.Run(reason, func(t *testing.T) {
			asked := make(chan struct{})
			s := serve(t, func(_ http.ResponseWriter, r *http.Request) { close(asked); <-r.Context().Done() })
			c := client(t, options(s.URL))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go func() {
				<-asked
				if reason == "closed" {
					c.Close()
				}
				cancel()
			}()
			if err := propfind(c, ctx); err == nil || reason == "cancelled" && !errors.Is(err, context.Canceled) {
				t.Errorf("error %v", err)
			}
			c.Close()
			if err := propfind(c, t.Context()); err == nil {
				t.Error("a request after Close")
			}
		})
	}
}

func TestResolve(t *testing.T) {
	for _, tt := range []struct{ reason, base, ref, want string }{
		{"a path", "https://dav.x.test/a/", "/b/c", "https://dav.x.test/b/c"},
		{"relative", "https://dav.x.test/a/", "c", "https://dav.x.test/a/c"},
		{"the same host in full, with the port", "https://dav.x.test/a/", "https://DAV.x.test:443/b", "https://DAV.x.test:443/b"},
		{"another host of the same domain", "https://contacts.x.test/", "https://p42.x.test/b", "https://p42.x.test/b"},
		{"another domain", "https://dav.x.test/", "https://dav.y.test/", ""},
		{"another owner under a shared suffix", "https://a.co.uk/", "https://b.co.uk/", ""},
		{"without TLS", "https://dav.x.test/", "http://dav.x.test/", ""},
		{"an address", "https://dav.x.test/", "https://192.0.2.1/", ""},
		{"an address of the same beginning", "https://192.0.2.2/", "https://192.0.2.1/", ""},
		{"a login in it", "https://dav.x.test/", "https://a@dav.x.test/", ""},
		{"another scheme", "https://dav.x.test/", "file:///b", ""},
		{"no URL", "https://dav.x.test/", "%zz", ""},
		{"another port of an address", "http://127.0.0.1:1/", "http://127.0.0.1:2/", ""},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			base, err := url.Parse(tt.base)
			if err != nil {
				t.Fatal(err)
			}
			got, err := client(t, options(tt.base)).Resolve(base, tt.ref)
			if (err == nil) != (tt.want != "") || err == nil && got.String() != tt.want {
				t.Errorf("%v, %v; want %q", got, err, tt.want)
			}
		})
	}
}
