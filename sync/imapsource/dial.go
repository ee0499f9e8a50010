package imapsource

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2/imapclient"

	"kith"
)

// Options says how to reach and read a mailbox. Zero fields mean the defaults.
type Options struct {
	Account    string         // its name, for messages
	URL        string         // imaps://host[:port], imap+starttls://host[:port] or imap://host[:port]
	AllowPlain bool           // let imap:// go to other hosts than this one
	CAs        *x509.CertPool // trusted certificate authorities; nil: the system's
	Username   string
	// Password is asked for at each login.
	Password func(ctx context.Context) (string, error)
	// Dial opens the TCP connection; nil means a net.Dialer.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
	Log  *slog.Logger // nil: nothing is logged

	Include []string  // globs of folder names; empty: all
	Exclude []string  // globs of folder names
	Since   time.Time // the horizon: how far back the first capture goes
	Chunk   int       // messages per FETCH
	// Invitations, when set, has invitations by mail read.
	Invitations *Invitations
	Snippet     bool // read the beginning of the text too
	// Header is how many bytes are read of the header fields of one message; default 1 MiB, which is also the most.
	Header int64

	// CommandTimeout is how long a command may go without any byte from the
	// server; default 60 s.
	CommandTimeout time.Duration
	Limits         Limits
}

func (o *Options) header() int64 {
	if o.Header <= 0 || o.Header > maxHeader {
		return maxHeader
	}
	return o.Header
}

func (o *Options) commandTimeout() time.Duration {
	if o.CommandTimeout > 0 {
		return o.CommandTimeout
	}
	return time.Minute
}

// The ways to reach a server.
const (
	schemeTLS      = "imaps"         // TLS from the first byte (RFC 8314 §3.2)
	schemeSTARTTLS = "imap+starttls" // RFC 9051 §6.2.1, mandatory here
	schemePlain    = "imap"
)

// endpoint is where an account's server is, and how messages name it.
type endpoint struct {
	scheme string
	host   string
	port   string
}

// parseEndpoint reads Options.URL. Its errors do not repeat the URL: somebody may
// have put a password there.
func parseEndpoint(o *Options) (*endpoint, error) {
	bad := func(format string, args ...any) (*endpoint, error) {
		return nil, kith.Faultf(kith.FaultSettings, "url: %w", fmt.Errorf(format, args...))
	}
	u, err := url.Parse(o.URL)
	if err != nil {
		return bad("want imaps://host, imap+starttls://host or imap://host, with :port if it is not the usual one")
	}
	e := &endpoint{scheme: u.Scheme, host: u.Hostname(), port: u.Port()}
	switch {
	case e.scheme != schemeTLS && e.scheme != schemeSTARTTLS && e.scheme != schemePlain:
		return bad("%q is none of imaps, imap+starttls, imap", e.scheme)
	case e.host == "":
		return bad("it names no host")
	case u.User != nil:
		return bad("the user name belongs in username, the password in one of the password settings")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return bad("nothing may follow host and port; folders belong in include")
	}
	if e.port == "" {
		e.port = "143"
		if e.scheme == schemeTLS {
			e.port = "993"
		}
	}
	if n, err := strconv.ParseUint(e.port, 10, 16); err != nil || n == 0 {
		return bad("%q is no port", e.port)
	}
	if e.scheme == schemePlain && !o.AllowPlain && !e.isLoopback() {
		return bad("imap:// would send the password in plain text: use imaps:// or imap+starttls://, or set allow_plain")
	}
	return e, nil
}

// isLoopback tells whether the host is this machine, by its name.
func (e *endpoint) isLoopback() bool {
	ip := net.ParseIP(e.host)
	return ip != nil && ip.IsLoopback() || strings.EqualFold(e.host, "localhost")
}

// dial connects to the server and logs in. Errors are as those of [session.run].
func dial(ctx context.Context, o *Options) (*session, error) {
	e, err := parseEndpoint(o)
	if err != nil {
		return nil, err
	}
	tcp, err := e.connect(ctx, o)
	if err != nil {
		return nil, e.fault(nil, "connect", false, err)
	}
	g := newGuard(tcp, o.commandTimeout(), o.Limits)
	defer g.bind(ctx)()
	mechanism, p, err := e.open(ctx, o, g)
	if err != nil {
		g.tcp.Close()
		return nil, err
	}
	caps, ahead, err := p.handOver()
	if err != nil {
		g.tcp.Close()
		return nil, e.fault(g, "login", false, err)
	}
	g.unread(ahead)
	n := &names{Conn: &echo{Conn: g}}
	s := &session{client: imapclient.New(n, nil), caps: caps, mechanism: mechanism, guard: g, names: n, endpoint: e}
	// The greeting is there already. If the connection ends at this moment, the
	// first command says so.
	_ = s.client.WaitGreeting()
	if o.Log != nil {
		o.Log.DebugContext(ctx, "logged in", "account", o.Account, "host", e.host, "mechanism", mechanism)
	}
	return s, nil
}

// connect opens the TCP connection.
func (e *endpoint) connect(ctx context.Context, o *Options) (net.Conn, error) {
	dial := o.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	limit := &timeoutError{fmt.Sprintf("no answer on port %s within %v", e.port, o.commandTimeout())}
	short, cancel := context.WithTimeoutCause(ctx, o.commandTimeout(), limit)
	defer cancel()
	conn, err := dial(short, "tcp", net.JoinHostPort(e.host, e.port))
	if err != nil {
		if short.Err() != nil {
			return nil, context.Cause(short)
		}
		return nil, err
	}
	// localhost is what a resolver says it is.
	if tcp, ok := conn.RemoteAddr().(*net.TCPAddr); ok && e.scheme == schemePlain && !o.AllowPlain && !tcp.IP.IsLoopback() {
		conn.Close()
		return nil, kith.Faultf(kith.FaultSettings, "%s is not on this machine: imap:// would send the password in plain text", tcp)
	}
	return conn, nil
}

// handshake starts TLS.
func (e *endpoint) handshake(ctx context.Context, o *Options, conn net.Conn) (net.Conn, error) {
	limit := &timeoutError{fmt.Sprintf("the TLS handshake was not complete after %v", o.commandTimeout())}
	short, cancel := context.WithTimeoutCause(ctx, o.commandTimeout(), limit)
	defer cancel()
	// The guard's last deadline must not cut the handshake short.
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		return nil, err
	}
	secure := tls.Client(conn, &tls.Config{
		ServerName: e.host,
		RootCAs:    o.CAs,
		MinVersion: tls.VersionTLS12, // RFC 9325 §3.1.1
	})
	err := secure.HandshakeContext(short)
	if err != nil && short.Err() != nil {
		err = context.Cause(short)
	}
	return secure, err
}

var (
	errNoSTARTTLS = kith.Faultf(kith.FaultSettings, "the server does not offer STARTTLS: "+
		"use imaps:// if it can; if it did offer STARTTLS before, somebody on the way may be tampering with the connection")
	errPreauth = kith.Faultf(kith.FaultSettings, "the server skips the login before TLS is up: "+
		"it, or somebody on the way, tampers with the connection")
	errInjected = kith.Faultf(kith.FaultSettings, "something was sent in plain text after the answer to STARTTLS: "+
		"somebody on the way tampers with the connection")
)

// open brings a new connection to where it is logged in and the capabilities are
// known. The password is asked for when the server is ready to take it.
func (e *endpoint) open(ctx context.Context, o *Options, g *guard) (mechanism string, p *prologue, err error) {
	p = newPrologue(g)
	step := func(what string, do func() error) {
		if err != nil {
			return
		}
		g.begin(0)
		defer g.end()
		err = e.fault(g, what, what == "login", do())
	}
	var greeting string
	greet := func() (err error) {
		greeting, err = p.greeting()
		return err
	}
	shake := func(conn net.Conn) (net.Conn, error) { return e.handshake(ctx, o, conn) }

	switch e.scheme {
	case schemeTLS:
		step("TLS", func() error {
			conn, err := shake(g.Conn)
			if err == nil {
				g.secure(conn)
			}
			return err
		})
		step("greeting", greet)
	case schemeSTARTTLS:
		step("greeting", greet)
		step("STARTTLS", func() error {
			if greeting == "PREAUTH" { // RFC 9051 §7.1.4
				return errPreauth
			}
			if err := p.capabilities(); err != nil {
				return err
			}
			if !p.has("STARTTLS") {
				return errNoSTARTTLS
			}
			return p.startTLS(shake)
		})
	default:
		step("greeting", greet)
	}
	if err != nil {
		return "", nil, err
	}
	if greeting == "PREAUTH" {
		mechanism = greeting
	} else {
		var password string
		step("password", func() (err error) {
			password, err = o.Password(ctx)
			return err
		})
		step("login", func() (err error) {
			mechanism, err = p.logIn(o.Username, password)
			return err
		})
		if err != nil {
			g.begin(logoutTime)
			_ = p.command("LOGOUT") // a courtesy; err says why
			g.end()
		}
	}
	step("capabilities", p.capabilities)
	return mechanism, p, err
}

// Report is what [Check] found.
type Report struct {
	Host         string    // host:port
	TLS          string    // its version, "" without TLS
	CertExpires  time.Time // of the server's certificate; zero without TLS
	Mechanism    string    // how the login was made: SCRAM-SHA-256, PLAIN, LOGIN, or PREAUTH when none was needed
	Capabilities []string  // after the login, sorted
	Folders      int       // all that the account can see, before include and exclude
}

// Check logs in, looks around and logs out. It changes nothing. Errors are as
// those of a poll: a [*kith.Fault] in words for people.
func Check(ctx context.Context, o Options) (report Report, err error) {
	s, err := dial(ctx, &o)
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	report = Report{Host: net.JoinHostPort(s.endpoint.host, s.endpoint.port), Mechanism: s.mechanism}
	if secure, ok := s.guard.Conn.(*tls.Conn); ok {
		state := secure.ConnectionState()
		report.TLS = tls.VersionName(state.Version)
		report.CertExpires = state.PeerCertificates[0].NotAfter
	}
	for c := range s.caps {
		report.Capabilities = append(report.Capabilities, string(c))
	}
	slices.Sort(report.Capabilities)
	s.names.list(true)
	err = s.run(ctx, "list folders", func() error {
		folders, err := s.client.List("", "*", nil).Collect()
		report.Folders = len(folders)
		return err
	})
	return report, err
}
