package main

import (
	"crypto/tls"
	"encoding/pem"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"kith"
	"kith/servertest"
)

// tlsFault is a server to which no password may be sent.
type tlsFault struct {
	name    string
	scheme  string
	fault   func(c *servertest.ScriptConn, of certificates)
	says    string // in kith sync and kith status
	unnamed bool   // ca_file is not set until it is mended
}

// certificates are each their own authority, which ca_file names.
type certificates struct{ good, other, expired tls.Certificate }

func newCertificates(t *testing.T) (c certificates, pemFile string) {
	t.Helper()
	c.good, _ = servertest.Certificate(t, clock().Add(time.Hour), "127.0.0.1")
	c.other, _ = servertest.Certificate(t, clock().Add(time.Hour), "mail.example.test")
	c.expired, _ = servertest.Certificate(t, time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC), "127.0.0.1")
	var file strings.Builder
	for _, known := range []tls.Certificate{c.good, c.other, c.expired} {
		file.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: known.Certificate[0]}))
	}
	return c, file.String()
}

// shows shows a certificate, over TLS from the first byte or after STARTTLS.
func shows(which func(certificates) tls.Certificate, starttls bool) func(c *servertest.ScriptConn, of certificates) {
	return func(c *servertest.ScriptConn, of certificates) {
		if starttls {
			offersTLS(c)
			c.OK("go")
		}
		c.StartTLS(which(of))
		c.Silence() // a client that trusts it goes on and is waited for in vain
	}
}

// offersTLS greets and takes the command STARTTLS.
func offersTLS(c *servertest.ScriptConn) {
	c.Send("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready")
	c.Expect("STARTTLS")
}

var (
	good    = func(c certificates) tls.Certificate { return c.good }
	other   = func(c certificates) tls.Certificate { return c.other }
	expired = func(c certificates) tls.Certificate { return c.expired }
)

var tlsFaults = []tlsFault{
	{"E26 another host's name", "imaps", shows(other, false), "is for mail.example.test, not for 127.0.0.1: put a name it is for in url", false},
	{"E26 another host's name, by STARTTLS", "imap+starttls", shows(other, true), "is for mail.example.test, not for 127.0.0.1", false},
	{"E26 expired", "imaps", shows(expired, false), "expired on 2024-05-06T07:08:09Z: it must be renewed there", false},
	{"E26 expired, by STARTTLS", "imap+starttls", shows(expired, true), "expired on 2024-05-06T07:08:09Z", false},
	{"E26 an authority that is not known", "imaps", shows(good, false), `which is not trusted here: name the file with that authority's certificate in ca_file`, true},
	{"E26 STARTTLS stripped from the greeting", "imap+starttls", func(c *servertest.ScriptConn, _ certificates) {
		c.Send("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] ready")
		c.Expect("LOGOUT")
	}, "the server does not offer STARTTLS", false},
	{"E26 a login skipped before TLS", "imap+starttls", func(c *servertest.ScriptConn, _ certificates) {
		c.Send("* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] come in")
		c.Expect("LOGOUT")
	}, "the server skips the login before TLS is up", false},
	{"E26 a response injected behind the answer to STARTTLS", "imap+starttls", func(c *servertest.ScriptConn, _ certificates) {
		offersTLS(c)
		c.Raw(c.Tag + " OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n")
		c.Silence()
	}, "something was sent in plain text after the answer to STARTTLS", false},
	{"E26 a response injected before the handshake", "imap+starttls", func(c *servertest.ScriptConn, _ certificates) {
		offersTLS(c)
		c.OK("go")
		c.Literal(5) // the ClientHello has begun
		c.Raw("K3 OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] done\r\n")
		c.Silence()
	}, "tampers with the connection", false},
}

// try polls the server as it is, then one that is as it should be.
func (f tlsFault) try(t *testing.T) {
	certs, authorities := newCertificates(t)
	box := servertest.NewMailbox(newOffers(1, 2))
	var mended atomic.Bool
	server := servertest.Script(t, func(c *servertest.ScriptConn) {
		switch {
		case !mended.Load():
			f.fault(c, certs)
		case f.scheme == "imaps":
			c.StartTLS(certs.good)
			box.Serve(c)
		default:
			offersTLS(c)
			c.OK("go")
			c.StartTLS(certs.good)
			c.Expect("CAPABILITY")
			c.Send("* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN")
			c.OK("done")
			c.Expect("AUTHENTICATE PLAIN")
			c.OK("[CAPABILITY IMAP4rev1] in")
			box.Answer(c)
		}
	})
	c := hardCase{}
	s := newCaseSite(t, c, server.URL(f.scheme), map[string]string{"alice": servertest.Alice})
	s.write("ca.pem", authorities)
	c.account = `ca_file = "ca.pem"`
	if !f.unnamed {
		s.configure(c)
	}
	if code, _, stderr := s.run("sync"); code != exitFailed || !strings.Contains(stderr, f.says) {
		t.Errorf("exit code %d, it says\n%s\nwant %q", code, stderr, f.says)
	}
	account, _ := s.health("alice")
	if account.State != kith.StateFailing || !strings.Contains(said(account.Error), f.says) {
		t.Errorf("state %s, %s", account.State, said(account.Error))
	}
	s.within("the next try", account.NextPoll, 59*time.Minute, time.Hour) // a person mends it
	if text := s.must("status"); !strings.Contains(text, f.says) {
		t.Errorf("status says\n%s\nwant %q", text, f.says)
	}
	s.check("before it is mended")

	mended.Store(true)
	s.configure(c)
	if got := s.poll(); got.New != 2 {
		t.Errorf("it is mended: %+v", got)
	}
	s.healthy("in the end")
	s.check("in the end", offers(1, 2)...)
}
