package servertest

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// ScriptServer is an IMAP server that does what a test's function says.
type ScriptServer struct {
	Addr string // host:port

	mu    sync.Mutex
	conns []net.Conn
	done  bool
}

// Script starts a server that calls handle for each connection, in a goroutine of
// its own. The connection is closed when handle returns. At the end of the test all
// connections are closed and the handlers waited for.
func Script(t testing.TB, handle func(c *ScriptConn)) *ScriptServer {
	t.Helper()
	return serve(t, nil, handle)
}

// ScriptTLS is [Script] over TLS from the first byte.
func ScriptTLS(t testing.TB, cert tls.Certificate, handle func(c *ScriptConn)) *ScriptServer {
	t.Helper()
	return serve(t, &tls.Config{Certificates: []tls.Certificate{cert}}, handle)
}

func serve(t testing.TB, config *tls.Config, handle func(c *ScriptConn)) *ScriptServer {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &ScriptServer{Addr: l.Addr().String()}
	var handlers sync.WaitGroup
	handlers.Go(func() {
		for n := 1; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			s.mu.Lock()
			if s.done {
				conn.Close()
			}
			s.conns = append(s.conns, conn)
			s.mu.Unlock()
			handlers.Go(func() {
				defer conn.Close()
				c := &ScriptConn{N: n, t: t, tcp: conn}
				c.use(conn)
				if config != nil {
					c.TLS(config)
				}
				handle(c)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		s.mu.Lock()
		s.done = true
		for _, c := range s.conns {
			c.Close()
		}
		s.mu.Unlock()
		handlers.Wait()
	})
	return s
}

// URL returns the address of the server as an account's setting.
func (s *ScriptServer) URL(scheme string) string { return scheme + "://" + s.Addr }

// ScriptConn is one connection, seen from the server. When the client hangs up, the
// method that notices ends the handler, with its deferred calls, and the
// test goes on: most scripts end that way.
type ScriptConn struct {
	N   int    // 1 for the first connection to the server
	Tag string // of the last command that was read

	t    testing.TB
	tcp  net.Conn
	conn net.Conn
	br   *bufio.Reader
}

func (c *ScriptConn) use(conn net.Conn) { c.conn, c.br = conn, bufio.NewReader(conn) }

// TLS shakes hands in any way that a test wants.
func (c *ScriptConn) TLS(config *tls.Config) {
	conn := tls.Server(c.conn, config)
	if err := conn.HandshakeContext(c.t.Context()); err != nil {
		runtime.Goexit() // the client refused, and says why
	}
	c.use(conn)
}

// StartTLS shakes hands; the tagged OK must have been sent.
func (c *ScriptConn) StartTLS(cert tls.Certificate) {
	c.TLS(&tls.Config{Certificates: []tls.Certificate{cert}})
}

// Raw sends exactly these bytes.
func (c *ScriptConn) Raw(s string) {
	if _, err := io.WriteString(c.conn, s); err != nil {
		runtime.Goexit()
	}
}

// Send sends a line.
func (c *ScriptConn) Send(format string, args ...any) { c.Raw(fmt.Sprintf(format, args...) + "\r\n") }

// OK answers the last command: "OK text", with its tag.
func (c *ScriptConn) OK(text string) { c.Send("%s OK %s", c.Tag, text) }

// No answers the last command: "NO text", with its tag.
func (c *ScriptConn) No(text string) { c.Send("%s NO %s", c.Tag, text) }

// Bad answers the last command: "BAD text", with its tag.
func (c *ScriptConn) Bad(text string) { c.Send("%s BAD %s", c.Tag, text) }

// Line reads a line.
func (c *ScriptConn) Line() string {
	line, err := c.br.ReadString('\n')
	if err != nil {
		runtime.Goexit()
	}
	return strings.TrimRight(line, "\r\n")
}

// Literal reads n bytes.
func (c *ScriptConn) Literal(n int) string {
	b := make([]byte, n)
	if _, err := io.ReadFull(c.br, b); err != nil {
		runtime.Goexit()
	}
	return string(b)
}

// Command reads a command of any name. It returns it without its tag, which is
// kept in c.Tag.
func (c *ScriptConn) Command() string {
	tag, rest, _ := strings.Cut(c.Line(), " ")
	c.Tag = tag
	return rest
}

// Expect reads a command that must begin with these words, in any case: "UID
// FETCH". It returns what follows them.
func (c *ScriptConn) Expect(words string) string {
	c.t.Helper()
	got := c.Command()
	if len(got) < len(words) || !strings.EqualFold(got[:len(words)], words) {
		c.t.Errorf("the client sent %q where the script expects %q", got, words)
		runtime.Goexit()
	}
	return strings.TrimPrefix(got[len(words):], " ")
}

// Login greets and lets anybody in by AUTHENTICATE PLAIN. caps is what the
// server can do after that.
func (c *ScriptConn) Login(caps string) {
	c.t.Helper()
	c.Send("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] at your service")
	c.Expect("AUTHENTICATE PLAIN")
	c.OK("[CAPABILITY " + caps + "] logged in")
}

// Logout expects and answers a LOGOUT.
func (c *ScriptConn) Logout() {
	c.t.Helper()
	c.Expect("LOGOUT")
	c.Send("* BYE see you")
	c.OK("done")
}

// Silence sends nothing more, and reads until the client hangs up.
func (c *ScriptConn) Silence() { _, _ = io.Copy(io.Discard, c.br) }

// Reset ends the connection with a TCP reset, dropping what was not yet read.
func (c *ScriptConn) Reset() {
	if tcp, ok := c.tcp.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // fails on a connection that has ended already
	}
	c.tcp.Close()
}
