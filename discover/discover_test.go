package discover_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith/discover"
)

// zone is a DNS in memory: "_imaps._tcp.example.test" and "example.test" to records.
type zone struct {
	srv map[string][]*net.SRV
	mx  map[string][]*net.MX
}

func (z zone) LookupSRV(_ context.Context, service, proto, name string) (string, []*net.SRV, error) {
	name = "_" + service + "._" + proto + "." + name
	if r, ok := z.srv[name]; ok {
		return name + ".", r, nil
	}
	return "", nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

func (z zone) LookupMX(_ context.Context, name string) ([]*net.MX, error) {
	if r, ok := z.mx[name]; ok {
		return r, nil
	}
	return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
}

// web is a server on loopback that every host name leads to.
type web struct {
	mu    sync.Mutex
	asked []string // URLs, in order
	pages map[string]http.HandlerFunc
}

func (w *web) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	w.mu.Lock()
	w.asked = append(w.asked, "https://"+r.Host+r.URL.String())
	w.mu.Unlock()
	if page, ok := w.pages[r.Host+r.URL.Path]; ok {
		page(rw, r)
		return
	}
	http.NotFound(rw, r)
}

func (w *web) client(t *testing.T) *http.Client {
	t.Helper()
	server := httptest.NewTLSServer(w)
	t.Cleanup(server.Close)
	transport := server.Client().Transport.(*http.Transport)
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
	transport.TLSClientConfig = &tls.Config{InsecureSkipVerify: true} // one certificate for every name
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func page(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, text) }
}

func autoconfig(servers ...string) string {
	return `<?xml version="1.0" encoding="UTF-8"?><clientConfig version="1.1"><emailProvider id="x">` +
		strings.Join(servers, "") + `</emailProvider></clientConfig>`
}

func server(host, port, socket, username string) string {
	return fmt.Sprintf(`<incomingServer type="imap"><hostname>%s</hostname><port>%s</port><socketType>%s</socketType>`+
		`<username>%s</username><authentication>password-cleartext</authentication></incomingServer>`, host, port, socket, username)
}

// guesses are the last candidates of every address at example.test.
func guesses(user string) []discover.Candidate {
	var all []discover.Candidate
	for _, u := range []string{
		"imaps://imap.example.test:993", "imaps://mail.example.test:993", "imaps://example.test:993",
		"imap+starttls://imap.example.test:143", "imap+starttls://mail.example.test:143", "imap+starttls://example.test:143",
	} {
		all = append(all, discover.Candidate{URL: u, Username: user, Source: discover.SourceGuess})
	}
	return all
}

func TestCandidates(t *testing.T) {
	const user = "alice@example.test"
	type candidates = []discover.Candidate
	for _, tt := range []struct {
		reason  string
		address string
		zone    zone
		pages   map[string]http.HandlerFunc
		ispdb   bool
		want    candidates
		asked   []string // nil: not looked at
	}{
		{
			reason: "nothing published: the usual names, and no third party asked",
			want:   guesses(user),
			asked: []string{
				"https://autoconfig.example.test/mail/config-v1.1.xml?emailaddress=alice%40example.test",
				"https://example.test/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=alice%40example.test",
			},
		},
		{
			reason:  "a domain in another script is asked for in ASCII",
			address: "alice@EXÄMPLE.test",
			zone:    zone{srv: map[string][]*net.SRV{"_imaps._tcp.xn--exmple-cua.test": {{Target: "imap.xn--exmple-cua.test.", Port: 993}}}},
			want: candidates{
				{URL: "imaps://imap.xn--exmple-cua.test:993", Username: "alice@xn--exmple-cua.test", Source: "srv"},
				{URL: "imaps://imap.xn--exmple-cua.test:993", Username: "alice", Source: "srv"},
				{URL: "imaps://mail.xn--exmple-cua.test:993", Username: "alice@xn--exmple-cua.test", Source: "guess"},
				{URL: "imaps://xn--exmple-cua.test:993", Username: "alice@xn--exmple-cua.test", Source: "guess"},
				{URL: "imap+starttls://imap.xn--exmple-cua.test:143", Username: "alice@xn--exmple-cua.test", Source: "guess"},
				{URL: "imap+starttls://mail.xn--exmple-cua.test:143", Username: "alice@xn--exmple-cua.test", Source: "guess"},
				{URL: "imap+starttls://xn--exmple-cua.test:143", Username: "alice@xn--exmple-cua.test", Source: "guess"},
			},
		},
		{
			reason: "SRV: priority across both services, TLS first among equals, other domains unverified",
			zone: zone{srv: map[string][]*net.SRV{
				"_imaps._tcp.example.test": {{Target: "b.EXAMPLE.test.", Port: 993, Priority: 1}, {Target: "far.other.test.", Port: 1993, Priority: 2}},
				"_imap._tcp.example.test":  {{Target: "a.example.test.", Port: 143}, {Target: "b.example.test.", Port: 143, Priority: 1}},
			}},
			want: slices.Concat(candidates{
				{URL: "imap+starttls://a.example.test:143", Username: user, Source: "srv"},
				{URL: "imaps://b.example.test:993", Username: user, Source: "srv"},
				{URL: "imap+starttls://b.example.test:143", Username: user, Source: "srv"},
				{URL: "imaps://far.other.test:1993", Username: user, Source: "srv", Unverified: true},
				{URL: "imap+starttls://a.example.test:143", Username: "alice", Source: "srv"},
				{URL: "imaps://b.example.test:993", Username: "alice", Source: "srv"},
				{URL: "imap+starttls://b.example.test:143", Username: "alice", Source: "srv"},
				{URL: "imaps://far.other.test:1993", Username: "alice", Source: "srv", Unverified: true},
			}, guesses(user)),
		},
		{
			reason: "SRV: a host that only ends like the domain is another domain",
			zone:   zone{srv: map[string][]*net.SRV{"_imaps._tcp.example.test": {{Target: "notexample.test.", Port: 993}}}},
			want: slices.Concat(candidates{
				{URL: "imaps://notexample.test:993", Username: user, Source: "srv", Unverified: true},
				{URL: "imaps://notexample.test:993", Username: "alice", Source: "srv", Unverified: true},
			}, guesses(user)),
		},
		{
			reason: "SRV: a target of . means none, and no guess is made for it",
			zone: zone{srv: map[string][]*net.SRV{
				"_imaps._tcp.example.test": {{Target: "imap.example.test.", Port: 993}},
				"_imap._tcp.example.test":  {{Target: "."}},
			}},
			want: candidates{
				{URL: "imaps://imap.example.test:993", Username: user, Source: "srv"},
				{URL: "imaps://imap.example.test:993", Username: "alice", Source: "srv"},
				{URL: "imaps://mail.example.test:993", Username: user, Source: "guess"},
				{URL: "imaps://example.test:993", Username: user, Source: "guess"},
			},
		},
		{
			reason: "SRV: no IMAP at all",
			zone: zone{srv: map[string][]*net.SRV{
				"_imaps._tcp.example.test": {{Target: "."}}, "_imap._tcp.example.test": {{Target: "."}},
			}},
		},
		{
			reason: "SRV: literal addresses, local names and port 0 are passed over",
			zone: zone{srv: map[string][]*net.SRV{"_imaps._tcp.example.test": {
				{Target: "127.0.0.1.", Port: 993}, {Target: "localhost.", Port: 993}, {Target: "imap.example.test.", Port: 0},
			}}},
			want: guesses(user),
		},
		{
			reason: "autoconfig: IMAP servers with TLS and a password, and the user name filled in",
			pages: map[string]http.HandlerFunc{"autoconfig.example.test/mail/config-v1.1.xml": page(autoconfig(
				server("mx.provider.test", "993", "SSL", "%EMAILADDRESS%"),
				server("%EMAILDOMAIN%", "143", "STARTTLS", "x-%EMAILLOCALPART%"),
				server("mx.provider.test", "143", "plain", "%EMAILADDRESS%"),
				server("mx.provider.test", "993", "SSL", "%REALNAME%"),
				server("10.0.0.1", "993", "SSL", "%EMAILADDRESS%"),
				strings.Replace(server("pop.provider.test", "995", "SSL", "%EMAILADDRESS%"), "imap", "pop3", 1),
				strings.Replace(server("oauth.provider.test", "993", "SSL", "%EMAILADDRESS%"), "password-cleartext", "OAuth2", 1),
			))},
			want: slices.Concat(candidates{
				{URL: "imaps://mx.provider.test:993", Username: user, Source: "autoconfig"},
				{URL: "imap+starttls://example.test:143", Username: "x-alice", Source: "autoconfig"},
			}, guesses(user)),
			asked: []string{"https://autoconfig.example.test/mail/config-v1.1.xml?emailaddress=alice%40example.test"},
		},
		{
			reason: "autoconfig: the second place, what a guess repeats said once",
			pages: map[string]http.HandlerFunc{"example.test/.well-known/autoconfig/mail/config-v1.1.xml": page(autoconfig(
				server("imap.example.test", "993", "SSL", "%EMAILADDRESS%")))},
			want: slices.Concat(candidates{{URL: "imaps://imap.example.test:993", Username: user, Source: "autoconfig"}}, guesses(user)[1:]),
		},
		{
			reason: "autoconfig: a redirect within https is followed, without a Referer",
			pages: map[string]http.HandlerFunc{
				"autoconfig.example.test/mail/config-v1.1.xml": func(w http.ResponseWriter, r *http.Request) {
					http.Redirect(w, r, "https://www.example.test/ac.xml", http.StatusFound)
				},
				"www.example.test/ac.xml": func(w http.ResponseWriter, r *http.Request) {
					fmt.Fprint(w, autoconfig(server("ok"+r.Referer()+".example.test", "993", "SSL", "%EMAILADDRESS%")))
				},
			},
			want: slices.Concat(candidates{{URL: "imaps://ok.example.test:993", Username: user, Source: "autoconfig"}}, guesses(user)),
		},
		{
			reason: "autoconfig: a redirect to http is not followed",
			pages: map[string]http.HandlerFunc{
				"autoconfig.example.test/mail/config-v1.1.xml": func(w http.ResponseWriter, r *http.Request) {
					http.Redirect(w, r, "http://www.example.test/ac.xml", http.StatusFound)
				},
				"www.example.test/ac.xml": page(autoconfig(server("bad.example.test", "993", "SSL", "%EMAILADDRESS%"))),
			},
			want: guesses(user),
			asked: []string{
				"https://autoconfig.example.test/mail/config-v1.1.xml?emailaddress=alice%40example.test",
				"https://example.test/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=alice%40example.test",
			},
		},
		{
			reason: "autoconfig: redirects in a circle end",
			pages: map[string]http.HandlerFunc{"autoconfig.example.test/mail/config-v1.1.xml": func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, r.URL.String(), http.StatusFound)
			}},
			want: guesses(user),
		},
		{
			reason: "autoconfig: a file without end is not read to its end",
			pages: map[string]http.HandlerFunc{"autoconfig.example.test/mail/config-v1.1.xml": func(w http.ResponseWriter, r *http.Request) {
				fmt.Fprint(w, "<clientConfig><emailProvider>")
				filler := strings.Repeat("<x/>", 1024)
				for r.Context().Err() == nil {
					if _, err := fmt.Fprint(w, filler); err != nil {
						return
					}
				}
			}},
			want: guesses(user),
		},
		{
			reason: "the collection is asked if it may be, with the domain alone",
			ispdb:  true,
			pages: map[string]http.HandlerFunc{"autoconfig.thunderbird.net/v1.1/example.test": page(autoconfig(
				server("imap.provider.test", "993", "SSL", "%EMAILADDRESS%")))},
			want: slices.Concat(candidates{{URL: "imaps://imap.provider.test:993", Username: user, Source: "ispdb"}}, guesses(user)),
			asked: []string{
				"https://autoconfig.example.test/mail/config-v1.1.xml?emailaddress=alice%40example.test",
				"https://example.test/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=alice%40example.test",
				"https://autoconfig.thunderbird.net/v1.1/example.test",
			},
		},
		{
			reason: "MX: the provider's own file, unverified, and the address not told there",
			zone: zone{mx: map[string][]*net.MX{"example.test": {
				{Host: "backup.other.test.", Pref: 20}, {Host: "mx1.mail.provider.test.", Pref: 10},
			}}},
			pages: map[string]http.HandlerFunc{"autoconfig.provider.test/mail/config-v1.1.xml": page(autoconfig(
				server("mail.provider.test", "993", "SSL", "%EMAILADDRESS%")))},
			want: slices.Concat(candidates{
				{URL: "imaps://mail.provider.test:993", Username: user, Source: "mx", Unverified: true},
				{URL: "imaps://imap.provider.test:993", Username: user, Source: "mx", Unverified: true},
			}, guesses(user)),
			asked: []string{
				"https://autoconfig.example.test/mail/config-v1.1.xml?emailaddress=alice%40example.test",
				"https://example.test/.well-known/autoconfig/mail/config-v1.1.xml?emailaddress=alice%40example.test",
				"https://autoconfig.provider.test/mail/config-v1.1.xml",
			},
		},
		{
			reason: "MX: a provider whose servers have another domain",
			zone:   zone{mx: map[string][]*net.MX{"example.test": {{Host: "aspmx.l.google.com.", Pref: 1}}}},
			want: slices.Concat(candidates{
				{URL: "imaps://imap.gmail.com:993", Username: user, Source: "mx", Unverified: true},
			}, guesses(user)),
		},
		{
			reason: "MX: the domain's own host tells nothing new",
			zone:   zone{mx: map[string][]*net.MX{"example.test": {{Host: "mx.example.test.", Pref: 1}}}},
			want:   guesses(user),
		},
		{
			reason: "MX: a domain that takes no mail",
			zone:   zone{mx: map[string][]*net.MX{"example.test": {{Host: ".", Pref: 0}}}},
			want:   guesses(user),
		},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			w := &web{pages: tt.pages}
			address := tt.address
			if address == "" {
				address = user
			}
			f := &discover.Finder{Resolver: tt.zone, Client: w.client(t), ISPDB: tt.ispdb}
			found, err := f.Candidates(t.Context(), address)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, slices.Collect(found)); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if tt.asked != nil {
				if diff := cmp.Diff(tt.asked, w.asked); diff != "" {
					t.Errorf("asked: -want +got\n%s", diff)
				}
			}
		})
	}
}

func TestCandidatesStops(t *testing.T) {
	records := map[string][]*net.SRV{"_imaps._tcp.example.test": {{Target: "imap.example.test.", Port: 993}}}

	t.Run("a caller that is satisfied causes no further steps", func(t *testing.T) {
		w := &web{}
		f := &discover.Finder{Resolver: zone{srv: records}, Client: w.client(t)}
		found, err := f.Candidates(t.Context(), "alice@example.test")
		if err != nil {
			t.Fatal(err)
		}
		for range found {
			break
		}
		if len(w.asked) > 0 {
			t.Errorf("asked %v", w.asked)
		}
	})

	t.Run("a context that is done ends it in the middle of an answer", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		w := &web{pages: map[string]http.HandlerFunc{"autoconfig.example.test/mail/config-v1.1.xml": func(_ http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		}}}
		f := &discover.Finder{Resolver: zone{srv: records}, Client: w.client(t)}
		found, err := f.Candidates(ctx, "alice@example.test")
		if err != nil {
			t.Fatal(err)
		}
		if got := slices.Collect(found); len(got) != 2 {
			t.Errorf("%d candidates, want the two of the SRV record: %v", len(got), got)
		}
	})
}

func TestCandidatesRefusesAddress(t *testing.T) {
	f := &discover.Finder{Resolver: zone{}}
	for _, address := range []string{"", "alice", "@example.test", "alice@", "a b@example.test", "alice@localhost", "alice@127.0.0.1", "alice@[::1]", "a\r\n@example.test", "alice@ex_ample.test"} {
		if _, err := f.Candidates(t.Context(), address); err == nil {
			t.Errorf("%q is taken for an address", address)
		}
	}
}

func TestLogHoldsNoAddress(t *testing.T) {
	var log bytes.Buffer
	w := &web{}
	client := w.client(t)
	client.Transport = failing{client.Transport}
	f := &discover.Finder{Resolver: zone{}, Client: client, Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	found, err := f.Candidates(t.Context(), "alice@example.test")
	if err != nil {
		t.Fatal(err)
	}
	if got := slices.Collect(found); len(got) == 0 {
		t.Error("a step that fails ended the others")
	}
	if !strings.Contains(log.String(), "connection refused by the test") {
		t.Errorf("why nothing was found is not told:\n%s", &log)
	}
	if strings.Contains(log.String(), "alice") {
		t.Errorf("the address is told:\n%s", &log)
	}
}

type failing struct{ http.RoundTripper }

func (failing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("connection refused by the test")
}
