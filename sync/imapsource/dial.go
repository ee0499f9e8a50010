package imapsource

import (
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
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
	Snippet bool      // read the beginning of the text too

	// CommandTimeout is how long a command may go without any byte from the
	// server; default 60 s.
	CommandTimeout time.Duration
	Limits         Limits
}

// Limits bound what a server may make us read. Zero fields mean the defaults.
type Limits struct {
	Line        int64         // bytes of one response, literals not counted; default 16 MiB
	Literal     int64         // bytes of one literal; default 2 MiB
	Command     int64         // bytes of all responses to one command; default 256 MiB
	Responses   int64         // responses to one command; default 1,000,000
	CommandTime time.Duration // time spent waiting for the server in one command; default 10 min
}

// session is a connection that is logged in. Its commands are issued by one
// goroutine at a time, inside run; abort may be called at any moment.
type session struct {
	client *imapclient.Client
	caps   imap.CapSet // as announced after login
}

// dial connects to the server and logs in.
func dial(ctx context.Context, o *Options) (*session, error) {
	return nil, errors.New("not built yet")
}

// run issues a command and waits for its answer. The function must both send the
// command (client.Select, client.Fetch, …) and consume the whole answer (Wait,
// Collect, or Next until nil and then Close): limits and deadlines hold from its
// start to its end.
//
// what says what is being done, for the error: "select INBOX". The error
// is a [kith.Fault] where its kind is known and always has the cause in its
// chain, so that errors.As finds an *imap.Error. After an error for which
// s.broken() is true the session is of no more use.
func (s *session) run(ctx context.Context, what string, wait func() error) error {
	return wait()
}

// broken tells whether the connection has ended: only close remains to be called.
func (s *session) broken() bool { return false }

// abort ends the connection at once, and with it whatever runs. It may be called
// from any goroutine.
func (s *session) abort(cause error) {}

// close logs out, if no command is running, and closes the connection.
func (s *session) close() error { return nil }
