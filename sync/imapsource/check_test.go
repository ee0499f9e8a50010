package imapsource_test

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"kith"
	"kith/servertest"
	"kith/sync/imapsource"
)

const ready = "* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready"

// options are those of an account that reaches url with the usual password.
func options(url string, cas *x509.CertPool) imapsource.Options {
	return imapsource.Options{
		Account: "alice-mail", URL: url, CAs: cas,
		Username: servertest.Alice, Password: password(servertest.Password),
		CommandTimeout: 20 * time.Second,
	}
}

func password(s string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return s, nil }
}

func TestCheckDovecot(t *testing.T) {
	t.Parallel()
	s := servertest.Dovecot(t)
	s.Deliver(t, servertest.Alice, "INBOX", time.Now(), "", []byte("Subject: x\r\n\r\nx\r\n"))
	s.Unchanged(t, servertest.Alice)
	for _, scheme := range []string{"imaps", "imap+starttls", "imap"} {
		t.Run(scheme, func(t *testing.T) {
			report, err := imapsource.Check(t.Context(), options(s.URL(scheme), s.CAs))
			if err != nil {
				t.Fatal(err)
			}
			if report.Mechanism != "SCRAM-SHA-256" || report.Folders != 6 || !slices.Contains(report.Capabilities, "CONDSTORE") {
				t.Errorf("got %+v", report)
			}
			wantTLS := "TLS 1.3"
			if scheme == "imap" {
				wantTLS = ""
			}
			if report.TLS != wantTLS || (report.CertExpires.After(time.Now()) != (wantTLS != "")) {
				t.Errorf("TLS %q, certificate until %v", report.TLS, report.CertExpires)
			}
		})
	}
}

// isFault fails the test unless err is of that kind and says these words.
func isFault(t *testing.T, err error, kind kith.FaultKind, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want a fault %q saying %q", kind, words)
	}
	var fault *kith.Fault
	if !errors.As(err, &fault) {
		t.Fatalf("%v is no fault", err)
	}
	if fault.Kind != kind {
		t.Errorf("a fault of kind %q, want %q: %v", fault.Kind, kind, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("it says\n\t%v\nwant\n\t%s", err, w)
		}
	}
	if strings.Contains(err.Error(), servertest.Password) || strings.Contains(err.Error(), "\n") {
		t.Errorf("the error has a secret or a line feed in it: %q", err)
	}
}

func TestCheckSettings(t *testing.T) {
	t.Parallel()
	reached := func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("dialled")
	}
	for _, tt := range []struct{ name, url, want string }{
		{"no scheme", "mail.example.test", `url: "" is none of imaps, imap+starttls, imap`},
		{"another scheme", "https://mail.example.test", `url: "https" is none of`},
		{"no host", "imaps://", "url: it names no host"},
		{"a password in it", "imaps://alice:secret@mail.example.test", "url: the user name belongs in username"},
		{"a password in it, and malformed", "imaps://alice:secret@mail.example.test:x y", "url: want imaps://host"},
		{"a folder in it", "imaps://mail.example.test/INBOX", "url: nothing may follow host and port"},
		{"port 0", "imaps://mail.example.test:0", `url: "0" is no port`},
		{"a port that is too high", "imaps://mail.example.test:65536", `url: "65536" is no port`},
		{"plain text to another host", "imap://mail.example.test", "url: imap:// would send the password in plain text"},
		{"plain text to a host that only sounds near", "imap://localhost.example.test", "url: imap:// would send"},
		{"plain text to an address that is not loopback", "imap://192.0.2.1", "url: imap:// would send"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			o := options(tt.url, nil)
			o.Dial = reached
			_, err := imapsource.Check(t.Context(), o)
			isFault(t, err, kith.FaultSettings, "url: ", tt.want)
		})
	}
}

func TestCheckAddress(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		url, want  string
		allowPlain bool
	}{
		{"imaps://mail.example.test", "mail.example.test:993", false},
		{"imap+starttls://mail.example.test/", "mail.example.test:143", false},
		{"imap://mail.example.test", "mail.example.test:143", true},
		{"imap://localhost:1143", "localhost:1143", false},
		{"imap://[::1]", "[::1]:143", false},
		{"imap://127.3.4.5", "127.3.4.5:143", false},
		{"imaps://[2001:db8::1]:1993", "[2001:db8::1]:1993", false},
	} {
		var dialled string
		o := options(tt.url, nil)
		o.AllowPlain = tt.allowPlain
		o.Dial = func(_ context.Context, network, addr string) (net.Conn, error) {
			dialled = addr
			return nil, &net.DNSError{Err: "no such host", Name: "mail.example.test", IsNotFound: true}
		}
		_, err := imapsource.Check(t.Context(), o)
		isFault(t, err, kith.FaultTransient, "connect: no such host: is the name in url right?")
		if dialled != tt.want {
			t.Errorf("%s: dialled %q, want %q", tt.url, dialled, tt.want)
		}
	}
}

func TestCheckConnectFails(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "imap://" + l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	_, err = imapsource.Check(t.Context(), options(refused, nil))
	isFault(t, err, kith.FaultTransient, "127.0.0.1: connect: connection refused: nothing listens on port "+port)

	o := options("imap://127.0.0.1", nil)
	o.CommandTimeout = 20 * time.Millisecond
	o.Dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done() // a host that drops packets
		return nil, ctx.Err()
	}
	_, err = imapsource.Check(t.Context(), o)
	isFault(t, err, kith.FaultTransient, "connect: no answer on port 143 within 20ms")

	o = options("imap://localhost", nil)
	o.Dial = func(context.Context, string, string) (net.Conn, error) { return elsewhere{}, nil }
	_, err = imapsource.Check(t.Context(), o)
	isFault(t, err, kith.FaultSettings, "connect: 192.0.2.1:143 is not on this machine")
}

type elsewhere struct{ net.Conn }

func (elsewhere) Close() error { return nil }
func (elsewhere) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 143}
}

func TestE17SilenceBeforeLogin(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, scheme, want string
		server             func(c *servertest.ScriptConn)
	}{
		{"E17 no greeting", "imap", "greeting: the server did not answer for 1s", (*servertest.ScriptConn).Silence},
		{"E17 no TLS", "imaps", "TLS: the TLS handshake was not complete after 1s", (*servertest.ScriptConn).Silence},
		{"E17 no answer to STARTTLS", "imap+starttls", "STARTTLS: the server did not answer for 1s", func(c *servertest.ScriptConn) {
			c.Send("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready")
			c.Silence()
		}},
		{"E17 no TLS after STARTTLS", "imap+starttls", "STARTTLS: ", func(c *servertest.ScriptConn) {
			c.Send("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready")
			c.Expect("STARTTLS")
			c.OK("go")
			c.Silence()
		}},
		{"E17 no answer to the login", "imap", "login: PLAIN: the server did not answer for 1s", func(c *servertest.ScriptConn) {
			c.Send(ready)
			c.Silence()
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := servertest.Script(t, tt.server)
			o := options(s.URL(tt.scheme), nil)
			o.CommandTimeout = time.Second
			_, err := imapsource.Check(t.Context(), o)
			isFault(t, err, kith.FaultTransient, tt.want)
		})
	}
}

func TestCheckContext(t *testing.T) {
	t.Parallel()
	reason := errors.New("the daemon stops")
	for _, scheme := range []string{"imap", "imaps", "imap+starttls"} {
		ctx, cancel := context.WithCancelCause(t.Context())
		s := servertest.Script(t, func(c *servertest.ScriptConn) {
			if scheme == "imaps" {
				c.Literal(1)
			}
			cancel(reason)
			c.Silence()
		})
		_, err := imapsource.Check(ctx, options(s.URL(scheme), nil))
		if !errors.Is(err, reason) {
			t.Errorf("%s: %v, want the cause of the context", scheme, err)
		}
	}
}

func TestCheckPasswordFails(t *testing.T) {
	t.Parallel()
	s := servertest.Script(t, func(c *servertest.ScriptConn) {
		c.Send(ready)
		c.Logout()
	})
	o := options(s.URL("imap"), nil)
	o.Password = func(context.Context) (string, error) {
		return "", kith.Faultf(kith.FaultSettings, "password_file: no such file")
	}
	_, err := imapsource.Check(t.Context(), o)
	isFault(t, err, kith.FaultSettings, "127.0.0.1: password: password_file: no such file")
}
