package demo

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// Server serves one mailbox over IMAP on loopback, without TLS. It is safe for
// concurrent use.
type Server struct {
	Addr     string // host:port
	Username string
	Password string // made anew for each server

	user    *imapmemserver.User
	folders []Folder // their names and uses, not their messages
	imap    *imapserver.Server
	ln      net.Listener

	mu       sync.Mutex
	closed   bool
	sessions sync.WaitGroup
	accept   chan error // result of the accept loop
	detach   func() bool
	shut     func() error
}

// Serve starts a server for the mailbox. It ends with ctx, or by Close, which
// must be called in any case.
func Serve(ctx context.Context, mailbox Mailbox) (*Server, error) {
	s := &Server{Username: Owner, Password: rand.Text(), accept: make(chan error, 1)}
	s.user = imapmemserver.NewUser(s.Username, s.Password)
	for _, folder := range mailbox.Folders {
		if err := s.user.Create(folder.Name, nil); err != nil {
			return nil, fmt.Errorf("demo mailbox: create folder %s: %w", folder.Name, err)
		}
		s.folders = append(s.folders, Folder{Name: folder.Name, SpecialUse: folder.SpecialUse})
		for _, msg := range folder.Messages {
			if err := s.store(folder.Name, msg.Raw, msg.Received, msg.Flags); err != nil {
				return nil, err
			}
		}
	}
	s.imap = imapserver.New(&imapserver.Options{
		NewSession: s.newSession,
		Caps: imap.CapSet{
			imap.CapIMAP4rev1: {}, imap.CapNamespace: {}, imap.CapUIDPlus: {}, imap.CapESearch: {},
			imap.CapListExtended: {}, imap.CapListStatus: {}, imap.CapStatusSize: {},
			imap.CapChildren: {}, imap.CapSpecialUse: {},
		},
		InsecureAuth: true, // on loopback
		// What the library logs is that clients hang up.
		Logger: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	})
	ln, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("demo mailbox: %w", err)
	}
	s.Addr = ln.Addr().String()
	s.shut = sync.OnceValue(s.close)
	s.ln = ln
	go s.serve()
	s.detach = context.AfterFunc(ctx, func() { _ = s.shut() }) // Close returns the same error
	return s, nil
}

func (s *Server) serve() {
	err := s.imap.Serve(s.ln)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		err = nil // that is why it ended
	}
	s.accept <- err
}

// Deliver puts a message into a folder, as if it had just been received then.
func (s *Server) Deliver(folder string, raw []byte, received time.Time) error {
	return s.store(folder, raw, received, nil)
}

func (s *Server) store(folder string, raw []byte, received time.Time, flags []imap.Flag) error {
	_, err := s.user.Append(folder, bytes.NewReader(raw), &imap.AppendOptions{Flags: flags, Time: received})
	if err != nil {
		return fmt.Errorf("demo mailbox: deliver to %s: %w", folder, err)
	}
	return nil
}

// Close ends all connections and waits until nothing of the server runs any
// more. Closing twice is the same as closing once.
func (s *Server) Close() error {
	s.detach()
	return s.shut()
}

func (s *Server) close() error {
	// A connection that was accepted but has no session yet finds the server
	// closed; one that has a session is cut by the library.
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()

	err := s.imap.Close()
	// The library closes the listener only if its accept loop has begun.
	if lnErr := s.ln.Close(); !errors.Is(lnErr, net.ErrClosed) {
		err = errors.Join(err, lnErr)
	}
	err = errors.Join(err, <-s.accept)
	s.sessions.Wait()
	return err
}

func (s *Server) newSession(*imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, &imap.Error{Type: imap.StatusResponseTypeBye, Text: "The server ends"}
	}
	s.sessions.Add(1)
	return &session{server: s}, nil, nil
}

// children tells whether a folder has others below it (RFC 3348).
func (s *Server) children(name string) imap.MailboxAttr {
	for _, folder := range s.folders {
		if strings.HasPrefix(folder.Name, name+string(delimiter)) {
			return imap.MailboxAttrHasChildren
		}
	}
	return imap.MailboxAttrHasNoChildren
}
