package imapsource

import (
	"bytes"
	"errors"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kith"
)

// said is a connection whose server has said everything beforehand.
type said struct {
	net.Conn
	r    *bytes.Reader
	sent strings.Builder
}

func (s *said) Read(p []byte) (int, error)       { return s.r.Read(p) }
func (s *said) Write(p []byte) (int, error)      { return s.sent.Write(p) }
func (s *said) SetReadDeadline(time.Time) error  { return nil }
func (s *said) SetWriteDeadline(time.Time) error { return nil }
func (s *said) Close() error                     { return nil }

// FuzzPrologue: whatever a server says, the login ends; it ends well only if the server
// said so under the tag of the last command; and then the client is given all that
// came after, and knows the capabilities.
func FuzzPrologue(f *testing.F) {
	for _, seed := range []string{
		"* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] hi\r\nK1 OK [CAPABILITY IMAP4rev1 IDLE] in\r\n* 1 EXISTS\r\n",
		"* OK hi\r\n* CAPABILITY IMAP4rev1\r\nK1 OK\r\nK2 OK in\r\n* CAPABILITY IMAP4rev2 X\r\nK3 OK done\r\n",
		"* OK [CAPABILITY IMAP4rev1 AUTH=SCRAM-SHA-256] hi\r\n+ \r\n+ cj14LHM9eCxpPTk5OTk5OTk5OTk=\r\nK1 BAD x\r\nK2 NO [AUTHENTICATIONFAILED] x\r\n",
		"* OK [CAPABILITY AUTH=PLAIN] hi\r\n+\r\nK1 OK in\r\n* OK [CAPABILITY (] x\r\nK2 OK\r\n",
		"* BYE [UNAVAILABLE] no\r\n", "* PREAUTH [CAPABILITY IMAP4rev1] x\r\n", "220 x\r\n", "* OK [\r\n", "* OK ]\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		conn := &said{r: bytes.NewReader(in)}
		g := newGuard(conn, time.Minute, Limits{})
		p := newPrologue(g)
		greeting, err := p.greeting()
		if err == nil && greeting == "OK" {
			_, err = p.logIn("jürgen@example.test", "correct horse")
		}
		if err == nil {
			err = p.capabilities()
		}
		if err != nil {
			e := &endpoint{host: "h"}
			text := e.fault(g, "login", true, err).Error()
			if strings.Contains(text, "correct horse") || strings.ContainsAny(text, "\r\n\x00") {
				t.Fatalf("the error says %q", text)
			}
			return
		}
		lines := strings.Split(strings.TrimSuffix(conn.sent.String(), "\r\n"), "\r\n")
		if greeting == "OK" {
			last := 0
			for i, line := range lines {
				if strings.HasPrefix(line, "K") {
					last = i
				}
			}
			tag, _, _ := strings.Cut(lines[last], " ")
			if !bytes.Contains(bytes.ToUpper(in), []byte(tag+" OK")) {
				t.Fatalf("logged in without %q in %q", tag+" OK", in)
			}
		}
		caps, ahead, err := p.handOver()
		if err != nil {
			t.Fatal(err)
		}
		head, rest, _ := bytes.Cut(ahead, []byte("\r\n"))
		if !bytes.HasSuffix(in, rest) {
			t.Fatalf("handed %q over, of %q", rest, in)
		}
		ours, theirs := net.Pipe()
		client := imapclient.New(ours, nil)
		if _, err := theirs.Write(append(head, '\r', '\n')); err != nil {
			t.Fatal(err)
		}
		if err := client.WaitGreeting(); err != nil || client.State() != imap.ConnStateAuthenticated {
			t.Fatalf("after %q the client is in state %v, %v", head, client.State(), err)
		}
		if diff := cmp.Diff(caps, client.Caps(), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("the client knows other capabilities (-ours +its):\n%s", diff)
		}
		theirs.Close()
		_ = client.Close() // only says that the other side was first
	})
}

func TestScramBounds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, challenge, want string }{
		{"the work of hours", "r=%,s=QSXCR+Q6sek8bf92,i=2000000000", "the server asks for more than 1000000 iterations"},
		{"more than a number holds", "r=%,s=QSXCR+Q6sek8bf92,i=99999999999999999999", "the server asks for more than 1000000 iterations"},
		{"hardly any work", "r=%,s=QSXCR+Q6sek8bf92,i=1", "too few iterations"},
		{"not our nonce", "r=other,s=QSXCR+Q6sek8bf92,i=4096", "nonce"},
		{"a refusal", "e=invalid-proof", "the server refuses the login: invalid-proof"},
		{"nothing", "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, err := newScramClient("alice", "secret")
			if err != nil {
				t.Fatal(err)
			}
			_, first, err := c.Start()
			if err != nil {
				t.Fatal(err)
			}
			nonce := first[bytes.Index(first, []byte(",r="))+3:]
			_, err = c.Next([]byte(strings.Replace(tt.challenge, "%", string(nonce)+"x", 1)))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, want %q", err, tt.want)
			}
			if c.proven() {
				t.Error("the server is believed")
			}
		})
	}
}

// A server that lets us in without having shown that it knows the password is not
// the one we look for.
func TestScramUnproven(t *testing.T) {
	t.Parallel()
	for _, answers := range [][]string{
		{"K1 OK come in"},
		{"+ ", "K1 OK come in"},
	} {
		in := "* OK [CAPABILITY IMAP4rev1 AUTH=SCRAM-SHA-256] hi\r\n" + strings.Join(answers, "\r\n") + "\r\n"
		p := newPrologue(newGuard(&said{r: bytes.NewReader([]byte(in))}, time.Minute, Limits{}))
		if _, err := p.greeting(); err != nil {
			t.Fatal(err)
		}
		_, err := p.logIn("alice", "secret")
		if kind, _ := fault(err, true); !errors.Is(err, errUnproven) || kind != kith.FaultAuth {
			t.Errorf("%q: %v (%s), want %v", answers, err, kind, errUnproven)
		}
	}
}

func TestMechanisms(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		caps string
		want []string
	}{
		{"IMAP4rev1 AUTH=PLAIN AUTH=SCRAM-SHA-256", []string{"SCRAM-SHA-256", "PLAIN", "LOGIN"}},
		{"imap4rev1 auth=plain logindisabled", []string{"PLAIN"}},
		{"IMAP4rev1", []string{"LOGIN"}},
		{"IMAP4rev1 LOGINDISABLED AUTH=GSSAPI AUTH=SCRAM-SHA-256-PLUS", nil},
	} {
		p := &prologue{caps: strings.Fields(tt.caps)}
		if got := p.mechanisms(); !slices.Equal(got, tt.want) {
			t.Errorf("%s: %v, want %v", tt.caps, got, tt.want)
		}
	}
}
