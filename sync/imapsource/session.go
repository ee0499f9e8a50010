package imapsource

import (
	"context"
	"errors"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
)

// logoutTime is how long a server may take to say goodbye.
const logoutTime = 5 * time.Second

// session is a connection that is logged in. Commands are issued by one goroutine at a
// time, inside run; close may be called from any goroutine.
type session struct {
	client *imapclient.Client
	// caps are as announced after login. IMAP4rev2 is left out when
	// IMAP4rev1 is announced too, because it is not enabled; the client
	// goes by the same set.
	caps imap.CapSet

	mechanism string // of the login; "PREAUTH" when the server asked for none
	guard     *guard
	names     *names
	endpoint  *endpoint
}

// run issues a command and waits for its answer. The function must both send the
// command (client.Select, client.Fetch, …) and consume the whole answer (Wait,
// Collect, or Next until nil and then Close): limits and deadlines hold from its
// start to its end. The time that it spends on its own work between two reads is
// not counted.
//
// what says what is being done, for the error: "select INBOX". The error
// is a [*kith.Fault] which names the host and has the cause in its chain:
//   - errors.As finds an [*imap.Error] for NO and BAD, and for a BYE, with the
//     code and text that the server gave (Type says which of them);
//   - errors.Is finds [errUnreadable] when the answer could not be parsed or
//     went over a limit, which is about what was asked for, not the network;
//   - errors.Is finds the cause of ctx when ctx is done.
//
// After an error for which broken() holds, the session is of no more use.
func (s *session) run(ctx context.Context, what string, wait func() error) error {
	if ctx.Err() != nil {
		return s.endpoint.fault(nil, what, false, context.Cause(ctx))
	}
	s.guard.begin(0)
	defer s.guard.end()
	defer s.guard.bind(ctx)()
	return s.endpoint.fault(s.guard, what, false, wait())
}

// broken tells whether the connection has ended: only close remains to be called.
func (s *session) broken() bool {
	_, ours, reason := s.guard.ended()
	return reason != nil || ours
}

// close logs out, waiting a few seconds at most, and closes the connection. If a
// command is running it is ended instead. close may be called again.
func (s *session) close() error {
	switch {
	case s.guard.running():
		s.guard.abort(errClosed)
	case !s.broken():
		s.guard.begin(logoutTime)
		// Whether or not the server answers, the connection ends.
		_ = s.client.Logout().Wait()
		s.guard.end()
	}
	err := s.guard.Close()
	if isLost(err) {
		err = nil // the server was faster
	}
	// The client's goroutine ends when it next reads, unless a FETCH is left
	// unread: then it waits for its reader.
	select {
	case <-s.client.Closed():
		return err
	case <-time.After(logoutTime):
		return errors.Join(err, errors.New("a command's answer was not read to its end"))
	}
}

// traffic returns how many bytes were received and sent, TLS removed.
func (s *session) traffic() (in, out int64) { return s.guard.in.Load(), s.guard.out.Load() }
