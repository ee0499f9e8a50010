package demo

import (
	"strings"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

const delimiter = '/'

// session is what one connection may do: read. It adds to the memory server
// what that lacks of other servers: SPECIAL-USE (RFC 6154), subscriptions and
// \HasChildren in LIST, and a FETCH that never sets \Seen. The memory server
// has no CONDSTORE and holds a folder's lock while it answers a FETCH: what is
// delivered to that folder waits until the client has read the answer.
type session struct {
	*imapmemserver.UserSession // nil before the login
	server                     *Server
}

var _ imapserver.SessionIMAP4rev2 = (*session)(nil)

// errReadOnly refuses what would change the mailbox. Capture never tries.
var errReadOnly = &imap.Error{
	Type: imap.StatusResponseTypeNo,
	Code: imap.ResponseCodeNoPerm,
	Text: "The sample mailbox is for reading",
}

func (s *session) Close() error {
	defer s.server.sessions.Done()
	return s.UserSession.Close()
}

func (s *session) Login(username, password string) error {
	if err := s.server.user.Login(username, password); err != nil {
		return err
	}
	s.UserSession = imapmemserver.NewUserSession(s.server.user)
	return nil
}

// Select serves EXAMINE too, and answers both as EXAMINE is (RFC 3501 §6.3.2):
// no flag can be changed for good.
func (s *session) Select(name string, options *imap.SelectOptions) (*imap.SelectData, error) {
	data, err := s.UserSession.Select(inbox(name), options)
	if err != nil {
		return nil, err
	}
	data.PermanentFlags = nil
	return data, nil
}

func (s *session) Status(name string, options *imap.StatusOptions) (*imap.StatusData, error) {
	return s.UserSession.Status(inbox(name), options)
}

// inbox writes the name INBOX in the one way the memory server knows
// (RFC 3501 §5.1: it is case-insensitive).
func inbox(name string) string {
	if strings.EqualFold(name, "INBOX") {
		return "INBOX"
	}
	return name
}

// List answers LIST with its extensions (RFC 5258, RFC 5819, RFC 6154). All
// folders are subscribed.
func (s *session) List(w *imapserver.ListWriter, ref string, patterns []string, options *imap.ListOptions) error {
	if len(patterns) == 0 { // RFC 3501 §6.3.8: asks for the delimiter alone
		return w.WriteList(&imap.ListData{Attrs: []imap.MailboxAttr{imap.MailboxAttrNoSelect}, Delim: delimiter})
	}
	for _, folder := range s.server.folders {
		if options.SelectSpecialUse && folder.SpecialUse == "" || !matches(folder.Name, ref, patterns) {
			continue
		}
		data := &imap.ListData{Mailbox: folder.Name, Delim: delimiter}
		if options.ReturnSubscribed || options.SelectSubscribed {
			data.Attrs = append(data.Attrs, imap.MailboxAttrSubscribed)
		}
		data.Attrs = append(data.Attrs, s.server.children(folder.Name))
		if folder.SpecialUse != "" { // RFC 6154 §2 allows it without being asked
			data.Attrs = append(data.Attrs, folder.SpecialUse)
		}
		if options.ReturnStatus != nil {
			status, err := s.UserSession.Status(folder.Name, options.ReturnStatus)
			if err != nil {
				return err
			}
			data.Status = status
		}
		if err := w.WriteList(data); err != nil {
			return err
		}
	}
	return nil
}

func matches(name, ref string, patterns []string) bool {
	for _, pattern := range patterns {
		if imapserver.MatchList(name, delimiter, ref, inbox(pattern)) {
			return true
		}
	}
	return false
}

func (s *session) Fetch(w *imapserver.FetchWriter, numSet imap.NumSet, options *imap.FetchOptions) error {
	for _, section := range options.BodySection {
		section.Peek = true
	}
	return s.UserSession.Fetch(w, numSet, options)
}

func (s *session) Create(string, *imap.CreateOptions) error { return errReadOnly }

func (s *session) Delete(string) error { return errReadOnly }

func (s *session) Rename(string, string, *imap.RenameOptions) error { return errReadOnly }

func (s *session) Subscribe(string) error { return errReadOnly }

func (s *session) Unsubscribe(string) error { return errReadOnly }

func (s *session) Append(string, imap.LiteralReader, *imap.AppendOptions) (*imap.AppendData, error) {
	return nil, errReadOnly
}

// Expunge removes nothing and is no error, since CLOSE comes here too, which is
// fine in a mailbox that is open for reading (RFC 3501 §6.4.2).
func (s *session) Expunge(*imapserver.ExpungeWriter, *imap.UIDSet) error { return nil }

func (s *session) Store(*imapserver.FetchWriter, imap.NumSet, *imap.StoreFlags, *imap.StoreOptions) error {
	return errReadOnly
}

func (s *session) Copy(imap.NumSet, string) (*imap.CopyData, error) { return nil, errReadOnly }

func (s *session) Move(*imapserver.MoveWriter, imap.NumSet, string) error { return errReadOnly }
