package imapsource_test

import (
	"crypto/tls"
	"crypto/x509"
	"testing"
	"time"

	"kith"
	"kith/servertest"
	"kith/sync/imapsource"
)

func TestE26Certificates(t *testing.T) {
	t.Parallel()
	good, goodCAs := servertest.Certificate(t, time.Now().Add(time.Hour), "127.0.0.1", "localhost")
	other, otherCAs := servertest.Certificate(t, time.Now().Add(time.Hour), "mail.example.test", "10.0.0.1")
	expired, expiredCAs := servertest.Certificate(t, time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC), "127.0.0.1")
	for _, tt := range []struct {
		name string
		cert tls.Certificate
		cas  *x509.CertPool
		want string // "" for none
	}{
		{"E26 an authority of its own", good, goodCAs, ""},
		{"E26 an authority that is not known", good, otherCAs, `was issued by "kith test", which is not trusted here: name the file with that authority's certificate in ca_file`},
		{"E26 another host's name", other, otherCAs, "the server's certificate is for mail.example.test, 10.0.0.1, not for 127.0.0.1: put a name it is for in url"},
		{"E26 expired", expired, expiredCAs, "the server's certificate expired on 2024-05-06T07:08:09Z: it must be renewed there"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			handle := func(c *servertest.ScriptConn) {
				c.Login("IMAP4rev1")
				c.Expect("LIST")
				c.OK("none")
				c.Logout()
			}
			implicit := servertest.ScriptTLS(t, tt.cert, handle)
			upgraded := servertest.Script(t, func(c *servertest.ScriptConn) {
				c.Send("* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready")
				c.Expect("STARTTLS")
				c.OK("go")
				c.StartTLS(tt.cert)
				c.Expect("CAPABILITY")
				c.Send("* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN")
				c.OK("")
				c.Expect("AUTHENTICATE PLAIN")
				c.OK("[CAPABILITY IMAP4rev1] in")
				c.Expect("LIST")
				c.OK("none")
				c.Logout()
			})
			for _, url := range []string{implicit.URL("imaps"), upgraded.URL("imap+starttls")} {
				_, err := imapsource.Check(t.Context(), options(url, tt.cas))
				if tt.want == "" {
					if err != nil {
						t.Error(err)
					}
					continue
				}
				isFault(t, err, kith.FaultSettings, tt.want)
			}
		})
	}
}

func TestE26OldTLS(t *testing.T) {
	t.Parallel()
	cert, cas := servertest.Certificate(t, time.Now().Add(time.Hour), "127.0.0.1")
	s := servertest.Script(t, func(c *servertest.ScriptConn) {
		c.TLS(&tls.Config{Certificates: []tls.Certificate{cert}, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11})
	})
	_, err := imapsource.Check(t.Context(), options(s.URL("imaps"), cas))
	isFault(t, err, kith.FaultSettings, "TLS: TLS 1.2 or later could not be agreed on: ")
}

func TestE26TamperedSTARTTLS(t *testing.T) {
	t.Parallel()
	cert, cas := servertest.Certificate(t, time.Now().Add(time.Hour), "127.0.0.1")
	for _, tt := range []struct {
		name   string
		server func(c *servertest.ScriptConn)
		kind   kith.FaultKind
		want   string
	}{
		{"E26 STARTTLS stripped from the greeting", func(c *servertest.ScriptConn) {
			c.Send(ready)
			c.Expect("LOGOUT")
		}, kith.FaultSettings, "STARTTLS: the server does not offer STARTTLS"},
		{"E26 STARTTLS stripped from the answer to CAPABILITY", func(c *servertest.ScriptConn) {
			c.Send("* OK ready")
			c.Expect("CAPABILITY")
			c.Send("* CAPABILITY IMAP4rev1 AUTH=PLAIN")
			c.OK("")
			c.Expect("LOGOUT")
		}, kith.FaultSettings, "STARTTLS: the server does not offer STARTTLS"},
		{"E26 STARTTLS refused", func(c *servertest.ScriptConn) {
			c.Send("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready")
			c.Expect("STARTTLS")
			c.No("not today")
			c.Expect("LOGOUT")
		}, kith.FaultTransient, "STARTTLS: the server says: NO not today"},
		{"E26 PREAUTH before TLS", func(c *servertest.ScriptConn) {
			c.Send("* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] come in")
			c.Expect("LOGOUT")
		}, kith.FaultSettings, "STARTTLS: the server skips the login before TLS is up"},
		{"E26 a response injected behind the answer to STARTTLS", func(c *servertest.ScriptConn) {
			c.Send("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready")
			c.Expect("STARTTLS")
			c.Raw(c.Tag + " OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n")
			c.Silence()
		}, kith.FaultSettings, "STARTTLS: something was sent in plain text after the answer to STARTTLS"},
		{"E26 a response injected before the handshake", func(c *servertest.ScriptConn) {
			c.Send("* OK [CAPABILITY IMAP4rev1 STARTTLS] ready")
			c.Expect("STARTTLS")
			c.OK("go")
			c.Literal(5) // the ClientHello has begun
			c.Raw("K3 OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] done\r\n")
			c.Silence()
		}, kith.FaultSettings, "tampers with the connection"},
		{"E26 capabilities from before TLS are not believed", func(c *servertest.ScriptConn) {
			c.Send("* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN SASL-IR] ready")
			c.Expect("STARTTLS")
			c.OK("go")
			c.StartTLS(cert)
			c.Expect("CAPABILITY")
			c.Send("* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2")
			c.OK("")
			c.Expect("LOGOUT")
		}, kith.FaultSettings, "login: the server takes no password on this connection; it announces IMAP4rev1 LOGINDISABLED AUTH=XOAUTH2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := servertest.Script(t, tt.server)
			_, err := imapsource.Check(t.Context(), options(s.URL("imap+starttls"), cas))
			isFault(t, err, tt.kind, tt.want)
		})
	}
}
