package imapsource_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"net"
	"strings"
	"testing"
	"time"

	"kith"
	"kith/servertest"
	"kith/sync/imapsource"
)

func TestCheckMechanisms(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, mechanisms, want string }{
		{"SCRAM before all others", "plain login scram-sha-256", "SCRAM-SHA-256"},
		{"PLAIN before LOGIN", "plain login cram-md5", "PLAIN"},
		{"LOGIN, the command, where there is nothing else", "plain", "LOGIN"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := servertest.Dovecot(t, servertest.DovecotOptions{Extra: "auth_mechanisms = " + tt.mechanisms})
			o := options(s.URL("imap"), nil)
			if tt.want == "LOGIN" {
				o.Dial = withoutPlain
			}
			report, err := imapsource.Check(t.Context(), o)
			if err != nil || report.Mechanism != tt.want {
				t.Fatalf("logged in by %q, %v; want %q", report.Mechanism, err, tt.want)
			}
			o.Password = password("wrong")
			_, err = imapsource.Check(t.Context(), o)
			isFault(t, err, kith.FaultAuth,
				"127.0.0.1: login: "+tt.want+": the server refused the login: NO [AUTHENTICATIONFAILED] Authentication failed.")
		})
	}
}

func TestE27OddCredentials(t *testing.T) {
	t.Parallel()
	users := []struct{ file, username, password string }{
		// Dovecot looks names up with quotes and backslashes escaped.
		{`o\'neil@example.test:pa"ss\word`, `o'neil@example.test`, `pa"ss\word`},
		{`al\"ice\\o@example.test:plain`, `al"ice\o@example.test`, `plain`},
		{`bürger@example.test:pässwörd€`, `bürger@example.test`, `pässwörd€`},
		{`login-name:]{5}(`, `login-name`, `]{5}(`},
		{`p@example.test:a+b=c%d`, `p@example.test`, `a+b=c%d`},
	}
	var files []string
	for _, u := range users {
		files = append(files, u.file)
	}
	for _, tt := range []struct{ mechanism, announced string }{
		{"SCRAM-SHA-256", "scram-sha-256"},
		{"PLAIN", "plain"},
		{"LOGIN", "plain"},
	} {
		t.Run(tt.mechanism, func(t *testing.T) {
			t.Parallel()
			s := servertest.Dovecot(t, servertest.DovecotOptions{
				Users: files,
				Extra: "auth_username_chars =\nauth_mechanisms = " + tt.announced,
			})
			for _, user := range users {
				o := options(s.URL("imap"), nil)
				o.Username, o.Password = user.username, password(user.password)
				if tt.mechanism == "LOGIN" {
					o.Dial = withoutPlain
				}
				report, err := imapsource.Check(t.Context(), o)
				if err != nil || report.Mechanism != tt.mechanism {
					t.Errorf("%s: logged in by %q, %v", user.username, report.Mechanism, err)
				}
			}
		})
	}
}

// withoutPlain dials a server and hides that it can do AUTHENTICATE PLAIN, which
// leaves the command LOGIN.
func withoutPlain(_ context.Context, network, addr string) (net.Conn, error) {
	conn, err := net.Dial(network, addr)
	return hidden{conn}, err
}

type hidden struct{ net.Conn }

func (h hidden) Read(p []byte) (int, error) {
	n, err := h.Conn.Read(p)
	copy(p, bytes.ReplaceAll(p[:n], []byte("AUTH=PLAIN"), []byte("AUTH=OTHER")))
	return n, err
}

func TestCheckLogin(t *testing.T) {
	t.Parallel()
	refuse := func(answer string) func(c *servertest.ScriptConn) {
		return func(c *servertest.ScriptConn) {
			c.Send(ready)
			c.Expect("AUTHENTICATE PLAIN")
			c.Send("%s %s", c.Tag, answer)
			c.Logout() // E16: also after a refusal, and no other mechanism was tried
		}
	}
	secret := base64.StdEncoding.EncodeToString([]byte("\x00" + servertest.Alice + "\x00" + servertest.Password))
	for _, tt := range []struct {
		name   string
		server func(c *servertest.ScriptConn)
		kind   kith.FaultKind
		retry  time.Duration
		want   string
	}{
		{"E19 the code says so", refuse("NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)"),
			kith.FaultAuth, 0, "login: PLAIN: the server refused the login: NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)"},
		{"E19 no code", refuse("NO AUTHENTICATE failed."), kith.FaultAuth, 0, "NO AUTHENTICATE failed."},
		{"E19 expired", refuse("NO [EXPIRED] change it"), kith.FaultAuth, 0, "NO [EXPIRED] change it"},
		{"E19 not allowed to", refuse("NO [AUTHORIZATIONFAILED] no"), kith.FaultAuth, 0, ""},
		{"E19 plain text forbidden", refuse("NO [PRIVACYREQUIRED] no"), kith.FaultAuth, 0, ""},
		{"E18 the mailbox server is away, said at the login", refuse("NO User is authenticated but not connected."),
			kith.FaultTransient, 0, "User is authenticated but not connected."},
		{"E20 UNAVAILABLE", refuse("NO [UNAVAILABLE] backend down"), kith.FaultTransient, 0, ""},
		{"E20 INUSE", refuse("NO [INUSE] locked"), kith.FaultTransient, 0, ""},
		{"E20 SERVERBUG", refuse("NO [SERVERBUG] oops"), kith.FaultTransient, 0, ""},
		{"E20 CONTACTADMIN", refuse("NO [CONTACTADMIN] oops"), kith.FaultTransient, 0, ""},
		{"E20 a temporary failure without a code", refuse("NO Temporary authentication failure."), kith.FaultTransient, 0, ""},
		{"E14 THROTTLED", refuse("NO [THROTTLED] slow"), kith.FaultThrottled, 0, ""},
		{"E14 LIMIT", refuse("NO [LIMIT] slow"), kith.FaultThrottled, 0, ""},
		{"E14 OVERQUOTA", refuse("NO [OVERQUOTA] Account exceeded command or bandwidth limits."), kith.FaultThrottled, 0, ""},
		{"E14 a pause that is told", refuse("BAD Request is throttled. Suggested Backoff Time: 92415 milliseconds"),
			kith.FaultThrottled, 92415 * time.Millisecond, "Suggested Backoff Time: 92415 milliseconds"},
		{"E16 Gmail", refuse("NO [ALERT] Too many simultaneous connections. (Failure)"), kith.FaultThrottled, 0, ""},
		{"E16 Dovecot", refuse("NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)"),
			kith.FaultThrottled, 0, ""},
		{"E15 BYE in the greeting", func(c *servertest.ScriptConn) {
			c.Send("* BYE [UNAVAILABLE] come back later")
		}, kith.FaultTransient, 0, "greeting: the server ended the session: BYE [UNAVAILABLE] come back later"},
		{"E16 BYE in the greeting: too many", func(c *servertest.ScriptConn) {
			c.Send("* BYE Too many connections")
		}, kith.FaultThrottled, 0, "Too many connections"},
		{"E15 BYE in place of an answer", func(c *servertest.ScriptConn) {
			c.Send(ready)
			c.Expect("AUTHENTICATE")
			c.Send("* BYE Autologout; idle for too long")
		}, kith.FaultTransient, 0, "login: PLAIN: the server ended the session: BYE Autologout; idle for too long"},
		{"E15 closed before the greeting", func(c *servertest.ScriptConn) {},
			kith.FaultTransient, 0, "greeting: the server closed the connection"},
		{"E15 reset during the login", func(c *servertest.ScriptConn) {
			c.Send(ready)
			c.Expect("AUTHENTICATE")
			c.Reset()
		}, kith.FaultTransient, 0, "login: PLAIN: the server reset the connection"},
		{"not IMAP", func(c *servertest.ScriptConn) { c.Send("220 mail.example.test ESMTP") },
			kith.FaultTransient, 0, "greeting: the server's answer can't be read"},
		{"E30 a greeting without end", func(c *servertest.ScriptConn) { c.Raw("* OK " + strings.Repeat("x", 100<<10)) },
			kith.FaultTransient, 0, "greeting: the server sent a line of more than 65536 bytes"},
		{"E30 a flood in place of an answer", func(c *servertest.ScriptConn) {
			c.Send(ready)
			c.Expect("AUTHENTICATE")
			for {
				c.Send("* OK wait")
			}
		}, kith.FaultTransient, 0, "login: PLAIN: the server sent an answer of more than 1000 responses"},
		{"E30 endless questions", func(c *servertest.ScriptConn) {
			c.Send(ready)
			for c.Expect("AUTHENTICATE"); ; {
				c.Send("+ YQ==")
				if c.Line() == "*" {
					c.Bad("cancelled")
					c.Logout()
					return
				}
			}
		}, kith.FaultTransient, 0, "login: PLAIN: sasl: unexpected server challenge"},
		{"LOGINDISABLED and nothing else", func(c *servertest.ScriptConn) {
			c.Send("* OK [CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=OAUTHBEARER] ready")
			c.Expect("LOGOUT")
		}, kith.FaultSettings, 0, "login: the server takes no password on this connection"},
		{"a server that repeats what it did not understand", func(c *servertest.ScriptConn) {
			c.Send("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN LOGINDISABLED] ready")
			c.Bad("unknown command " + c.Expect("AUTHENTICATE"))
			c.Logout()
		}, kith.FaultTransient, 0, "unknown command PLAIN …"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := servertest.Script(t, tt.server)
			_, err := imapsource.Check(t.Context(), options(s.URL("imap"), nil))
			isFault(t, err, tt.kind, "127.0.0.1: ", tt.want)
			if _, retry := kith.FaultOf(err); retry != tt.retry {
				t.Errorf("to be tried again after %v, want %v", retry, tt.retry)
			}
			if strings.Contains(err.Error(), secret) {
				t.Errorf("the password is in %q", err)
			}
		})
	}
}

func TestCheckDialogue(t *testing.T) {
	t.Parallel()
	listed := func(c *servertest.ScriptConn) {
		c.Expect("LIST")
		c.Send(`* LIST () "/" INBOX`)
		c.OK("done")
		c.Logout()
	}
	for _, tt := range []struct {
		name   string
		server func(c *servertest.ScriptConn)
		want   string // the mechanism
	}{
		{"capabilities in no response code are asked for, each time one answer at a time", func(c *servertest.ScriptConn) {
			c.Send("* OK ready")
			c.Expect("CAPABILITY")
			c.Send("* CAPABILITY IMAP4rev1 AUTH=PLAIN")
			c.OK("done")
			c.Expect("AUTHENTICATE PLAIN") // no SASL-IR
			c.Send("+ ")
			c.Line()
			c.OK("in")
			c.Expect("CAPABILITY")
			c.Send("* CAPABILITY IMAP4rev1")
			c.OK("done")
			listed(c)
		}, "PLAIN"},
		{"capabilities after login in an untagged response", func(c *servertest.ScriptConn) {
			c.Send("* OK [capability imap4rev1 sasl-ir auth=plain] ready")
			c.Expect("AUTHENTICATE PLAIN")
			c.Send("* CAPABILITY IMAP4rev1 IDLE")
			c.OK("in")
			listed(c)
		}, "PLAIN"},
		{"a mechanism that is announced and unknown: the next one", func(c *servertest.ScriptConn) {
			c.Send("* OK [CAPABILITY IMAP4rev1 AUTH=SCRAM-SHA-256 AUTH=PLAIN] ready")
			c.Expect("AUTHENTICATE SCRAM-SHA-256")
			c.Bad("unknown mechanism")
			c.Expect("AUTHENTICATE PLAIN")
			c.No("[CANNOT] not for you")
			c.Expect(`LOGIN "alice@example.test" "secret"`)
			c.OK("[CAPABILITY IMAP4rev1] in")
			listed(c)
		}, "LOGIN"},
		{"E30 unasked data and text in the middle of a login", func(c *servertest.ScriptConn) {
			c.Send(ready)
			c.Expect("AUTHENTICATE PLAIN")
			c.Raw("* OK [ALERT] maintenance tonight {5}\r\n* 7 EXISTS\r\n* FLAGS ()\r\n")
			c.Raw(c.Tag + " OK [CAPABILITY IMAP4rev1] in\r\n* 8 EXISTS\r\n* 3 EXPUNGE\r\n") // beyond the login: the client's
			listed(c)
		}, "PLAIN"},
		{"PREAUTH: no login", func(c *servertest.ScriptConn) {
			c.Send("* PREAUTH [CAPABILITY IMAP4rev1] come in")
			listed(c)
		}, "PREAUTH"},
		{"no capabilities at all", func(c *servertest.ScriptConn) {
			c.Send("* OK ready")
			c.Expect("CAPABILITY")
			c.OK("done")
			c.Expect("LOGIN")
			c.OK("in")
			c.Expect("CAPABILITY")
			c.OK("done")
			listed(c)
		}, "LOGIN"},
		{"E15 a server that hangs up at LOGOUT", func(c *servertest.ScriptConn) {
			c.Login("IMAP4rev1")
			c.Expect("LIST")
			c.Send(`* LIST () "/" INBOX`)
			c.OK("done")
			c.Expect("LOGOUT")
		}, "PLAIN"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := servertest.Script(t, tt.server)
			report, err := imapsource.Check(t.Context(), options(s.URL("imap"), nil))
			if err != nil || report.Mechanism != tt.want || report.Folders != 1 {
				t.Errorf("got %+v, %v; want one folder by %s", report, err, tt.want)
			}
		})
	}
}

func TestE27LoginCommand(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, username, password string
		server                   func(c *servertest.ScriptConn) (username, password string)
	}{
		{"E27 quote and backslash are quoted", `a"b\c`, `"\`, func(c *servertest.ScriptConn) (string, string) {
			if got, want := c.Expect("LOGIN"), `"a\"b\\c" "\"\\"`; got != want {
				t.Errorf("the arguments are %s, want %s", got, want)
			}
			return `a"b\c`, `"\`
		}},
		{"E27 UTF-8 goes as literals", "jürgen", "paß wort", func(c *servertest.ScriptConn) (string, string) {
			if got := c.Expect("LOGIN"); got != "{7}" {
				t.Errorf("the user name goes as %q, want a literal", got)
			}
			c.Send("+ name?")
			name := c.Literal(7)
			if got := c.Line(); got != " {9}" {
				t.Errorf("the password goes as %q, want a literal", got)
			}
			c.Send("+ password?")
			pass := c.Literal(9)
			if got := c.Line(); got != "" {
				t.Errorf("%q follows the password", got)
			}
			return name, pass
		}},
		{"E27 a plain name and a password with a line feed", "alice", "a\nb", func(c *servertest.ScriptConn) (string, string) {
			if got := c.Expect("LOGIN"); got != `"alice" {3}` {
				t.Errorf("the arguments are %q", got)
			}
			c.Send("+ password?")
			pass := c.Literal(3)
			c.Line()
			return "alice", pass
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := servertest.Script(t, func(c *servertest.ScriptConn) {
				c.Send("* OK [CAPABILITY IMAP4rev1] ready")
				if name, pass := tt.server(c); name != tt.username || pass != tt.password {
					t.Errorf("logged in as %q with %q", name, pass)
				}
				c.OK("[CAPABILITY IMAP4rev1] in")
				c.Expect("LIST")
				c.OK("done")
				c.Logout()
			})
			o := options(s.URL("imap"), nil)
			o.Username, o.Password = tt.username, password(tt.password)
			if _, err := imapsource.Check(t.Context(), o); err != nil {
				t.Error(err)
			}
		})
	}
}

// A server that answers NO to the user name must not be sent the password, nor
// waited for.
func TestE19RefusedBeforeThePassword(t *testing.T) {
	t.Parallel()
	s := servertest.Script(t, func(c *servertest.ScriptConn) {
		c.Send("* OK [CAPABILITY IMAP4rev1] ready")
		c.Expect("LOGIN {")
		c.Raw("+ go\r\n" + c.Tag + " NO no such user\r\n")
		c.Literal(len("jürgen"))
		if got := c.Line(); got != " {2}" {
			t.Errorf("%q follows the user name", got)
		}
		c.Logout()
	})
	o := options(s.URL("imap"), nil)
	o.Username, o.Password = "jürgen", password("ü")
	_, err := imapsource.Check(t.Context(), o)
	isFault(t, err, kith.FaultAuth, "NO no such user")
}
