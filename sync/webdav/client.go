package webdav

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/publicsuffix"

	"kith"
	"kith/netguard"
)

// Options says how to reach a server. Zero fields mean the defaults.
type Options struct {
	URL      string // https://host[:port][/path] or http://…
	Username string // "": there is no login
	// Password is asked for before the first request.
	Password     func(ctx context.Context) (string, error)
	CAs          *x509.CertPool // trusted certificate authorities; nil: the system's
	AllowPrivate bool           // reach loopback, link-local and private addresses
	AllowPlain   bool           // go without TLS to other hosts than this one
	Query        bool           // the URL may have a query

	// Timeout is how long a request may go without any byte of its answer;
	// default 60 s. Ten times as long it may last in all.
	Timeout time.Duration
	// MaxBody is how many bytes of an answer are read, after any compression
	// is undone; default 64 MiB.
	MaxBody int64
}

const (
	defaultTimeout = time.Minute
	defaultMaxBody = 64 << 20
	maxHops        = 5 // redirects followed
)

// Client talks to one server. One request is made at a time, but Close may be called at any moment.
type Client struct {
	opts Options
	base *url.URL
	http *http.Client

	life context.Context
	end  context.CancelCauseFunc

	mu       sync.Mutex
	password *string
	digests  map[string]*digest // by origin
}

var errClosed = errors.New("closed")

// New makes a client; it connects to nothing yet. An error is a [kith.Fault]
// about the settings.
func New(o Options) (*Client, error) {
	base, err := parseURL(&o)
	if err != nil {
		return nil, kith.Faultf(kith.FaultSettings, "url: %w", err)
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.MaxBody <= 0 {
		o.MaxBody = defaultMaxBody
	}
	c := &Client{opts: o, base: base, digests: map[string]*digest{}}
	c.life, c.end = context.WithCancelCause(context.Background())
	c.http = &http.Client{
		Transport: &http.Transport{
			// No proxy: it would have to be trusted to check addresses as we do.
			DialContext:            c.dial,
			TLSClientConfig:        &tls.Config{RootCAs: o.CAs, MinVersion: tls.VersionTLS12}, // RFC 9325 §3.1.1
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: 256 << 10,
			MaxIdleConnsPerHost:    1,
			IdleConnTimeout:        30 * time.Second,
		},
		// A redirected PROPFIND must stay one, and take its body along; net/http makes it a GET.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return c, nil
}

// parseURL reads Options.URL. Its errors do not repeat the URL: somebody may have
// put a password there.
func parseURL(o *Options) (*url.URL, error) {
	u, err := url.Parse(o.URL)
	switch {
	case err != nil:
		return nil, errors.New("want https://host, with a path if the server says so")
	case u.Scheme != "https" && u.Scheme != "http":
		return nil, fmt.Errorf("%q is neither https nor http", u.Scheme)
	case u.Hostname() == "":
		return nil, errors.New("it names no host")
	case u.User != nil:
		return nil, errors.New("the user name belongs in username, the password in one of the password settings")
	case u.RawQuery != "" && !o.Query || u.Fragment != "":
		return nil, errors.New("nothing may follow the path")
	case u.Scheme == "http" && !o.AllowPlain && !isLoopback(u.Hostname()):
		return nil, errors.New("http:// would send the password in plain text: use https://, or set allow_plain")
	}
	if u.Path == "" {
		u.Path = "/"
	}
	return u, nil
}

// isLoopback tells whether a host is this machine, by its name.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}

// Close ends whatever runs and frees the connections. Later requests fail.
func (c *Client) Close() {
	c.end(errClosed)
	c.http.CloseIdleConnections()
}

// refusedError says that an address must not be reached.
type refusedError struct{ address, reason string }

func (e *refusedError) Error() string { return e.address + " " + e.reason }

// dial connects to a host if the address it has is one that may be reached. The check is on the
// address that is dialled, so that no record can turn it round.
func (c *Client) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	own := strings.EqualFold(host, c.base.Hostname())
	dialer := net.Dialer{Timeout: c.opts.Timeout, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil {
			return err
		}
		ip := to.Addr().Unmap()
		switch {
		case !c.opts.AllowPrivate && !netguard.IsPublic(ip):
			return &refusedError{address, "is not on the public internet: set allow_private if it is meant"}
		case !own && ip.IsLinkLocalUnicast(): // where clouds keep the keys of a machine
			return &refusedError{address, "is link-local, and not the server of this account"}
		case own && c.base.Scheme == "http" && !c.opts.AllowPlain && !ip.IsLoopback() && port != "443":
			// localhost is what a resolver says it is.
			return &refusedError{address, "is not on this machine: http:// would send the password in plain text"}
		}
		return nil
	}}
	return dialer.DialContext(ctx, network, addr)
}

// request is what is asked of a server.
type request struct {
	method string
	url    *url.URL
	header map[string]string
	body   string
}

// answer is what came: its status is one of success, and the body must be closed.
type answer struct {
	status int
	header http.Header
	url    *url.URL // where it came from, after redirects
	body   io.ReadCloser
}

// do makes a request and follows redirects. The credentials go to the host that was asked,
// and by no redirect to another one.
func (c *Client) do(ctx context.Context, req request) (*answer, error) {
	from, credentials := req.url, c.mayLogIn(req.url)
	for hop := 0; ; hop++ {
		resp, err := c.login(ctx, req, credentials)
		if err != nil {
			return nil, c.fault(req, err)
		}
		if resp.StatusCode < 300 {
			return &answer{resp.StatusCode, resp.Header, req.url, resp.Body}, nil
		}
		if !isRedirect(resp.StatusCode) {
			return nil, c.fault(req, c.refusal(req, resp, from))
		}
		resp.Body.Close()
		to, err := redirected(req.url, resp.Header.Get("Location"))
		if err == nil && hop == maxHops {
			err = kith.Faultf(kith.FaultSettings, "the server redirects in a circle, or more than %d times", maxHops)
		}
		if err != nil {
			return nil, c.fault(req, err)
		}
		credentials = credentials && (origin(to) == origin(req.url) || to.Scheme == "https" && req.url.Scheme == "http" && sameHost(to, req.url))
		req.url = to
	}
}

func isRedirect(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// redirected returns where a redirect leads.
func redirected(from *url.URL, location string) (*url.URL, error) {
	to, err := from.Parse(location)
	switch {
	case err != nil || location == "":
		return nil, errors.New("the server redirects to nowhere")
	case to.Scheme != "https" && to.Scheme != "http" || to.Hostname() == "":
		return nil, kith.Faultf(kith.FaultSettings, "the server redirects to what is neither https nor http")
	case from.Scheme == "https" && to.Scheme == "http":
		return nil, kith.Faultf(kith.FaultSettings, "the server redirects from https to http, which is not followed")
	}
	to.User, to.Fragment, to.RawFragment = nil, "", ""
	return to, nil
}

// origin is scheme, host and port (RFC 6454 §4).
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(u.Hostname()), port)
}

func sameHost(a, b *url.URL) bool { return strings.EqualFold(a.Hostname(), b.Hostname()) }

// mayLogIn tells whether the login may be made at a URL. Beside the account's own
// server that is, over TLS, one under the same registrable domain that the
// server named in an answer: iCloud keeps its users' homes on many hosts.
func (c *Client) mayLogIn(u *url.URL) bool {
	if c.opts.Username == "" {
		return false
	}
	if origin(u) == origin(c.base) || u.Scheme == "https" && sameHost(u, c.base) {
		return true
	}
	return u.Scheme == "https" && sameSite(u.Hostname(), c.base.Hostname())
}

func sameSite(a, b string) bool {
	if net.ParseIP(a) != nil || net.ParseIP(b) != nil {
		return false
	}
	one, err := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(a))
	if err != nil {
		return false
	}
	two, err := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(b))
	return err == nil && one == two
}

// send makes one request as it is. The body of the response bounds itself.
func (c *Client) send(ctx context.Context, req request, authorization string) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(c.life, func() { cancel(context.Cause(c.life)) })
	b := &body{cancel: cancel, idle: c.opts.Timeout, left: c.opts.MaxBody, max: c.opts.MaxBody}
	b.quiet = time.AfterFunc(b.idle, func() { cancel(&timeoutError{fmt.Sprintf("nothing came for %v", b.idle)}) })
	b.total = time.AfterFunc(10*b.idle, func() { cancel(&timeoutError{fmt.Sprintf("the answer was not complete after %v", 10*b.idle)}) })
	b.ctx, b.stop = ctx, stop

	httpReq, err := http.NewRequestWithContext(ctx, req.method, req.url.String(), bytes.NewReader([]byte(req.body)))
	if err != nil {
		b.end(nil)
		return nil, errors.New("the server named something that is no URL")
	}
	httpReq.Header.Set("User-Agent", "kith")
	for name, value := range req.header {
		httpReq.Header.Set(name, value)
	}
	if authorization != "" {
		httpReq.Header.Set("Authorization", authorization)
	}
	resp, err := c.http.Do(httpReq)
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		b.end(nil)
		return nil, err
	}
	b.raw = resp.Body
	b.quiet.Reset(b.idle)
	resp.Body = b
	return resp, nil
}

// body is the body of an answer. It ends with an error when it is too long or too slow.
type body struct {
	raw          io.ReadCloser
	ctx          context.Context
	cancel       context.CancelCauseFunc
	stop         func() bool
	quiet, total *time.Timer
	idle         time.Duration
	left, max    int64
}

func (b *body) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, &tooLongError{b.max}
	}
	// One byte more than is allowed tells a body that is too long from one that just fits.
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.raw.Read(p)
	if n > 0 {
		b.quiet.Reset(b.idle)
	}
	if b.left -= int64(n); b.left < 0 {
		return n - 1, &tooLongError{b.max}
	}
	if err != nil && !errors.Is(err, io.EOF) && b.ctx.Err() != nil {
		err = context.Cause(b.ctx)
	}
	return n, err
}

// Close gives the connection up unless all was read.
func (b *body) Close() error {
	err := b.raw.Close()
	b.end(nil)
	return err
}

func (b *body) end(cause error) {
	b.quiet.Stop()
	b.total.Stop()
	b.stop()
	b.cancel(cause)
}
