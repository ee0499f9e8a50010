package servertest

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/google/go-cmp/cmp"
)

// State is everything in a user's mailbox that a reader could have changed, by
// folder.
type State map[string]FolderState

// FolderState is one folder.
type FolderState struct {
	UIDValidity uint32
	Subscribed  bool
	Messages    []MessageState // by UID
}

// MessageState is one message.
type MessageState struct {
	UID          uint32
	Flags        string // sorted; with \Recent as long as nobody has SELECTed the folder
	Size         int64
	InternalDate time.Time
}

// State reads a user's mailbox over IMAP, and changes nothing by it. The
// password is that of the default users.
func (s *DovecotServer) State(t testing.TB, user string) State {
	t.Helper()
	c := s.login(t, user)
	defer func() { _ = c.Close() }()

	subscribed := map[string]bool{}
	subs, err := c.List("", "*", &imap.ListOptions{SelectSubscribed: true}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range subs {
		subscribed[f.Mailbox] = true
	}
	folders, err := c.List("", "*", nil).Collect()
	if err != nil {
		t.Fatal(err)
	}
	state := State{}
	for _, f := range folders {
		if slices.Contains(f.Attrs, imap.MailboxAttrNoSelect) || slices.Contains(f.Attrs, imap.MailboxAttrNonExistent) {
			state[f.Mailbox] = FolderState{Subscribed: subscribed[f.Mailbox]}
			continue
		}
		state[f.Mailbox] = folderState(t, c, f.Mailbox, subscribed[f.Mailbox])
	}
	if err := c.Logout().Wait(); err != nil {
		t.Fatal(err)
	}
	return state
}

func folderState(t testing.TB, c *imapclient.Client, folder string, subscribed bool) FolderState {
	t.Helper()
	sel, err := c.Select(folder, &imap.SelectOptions{ReadOnly: true}).Wait()
	if err != nil {
		t.Fatal(err)
	}
	fs := FolderState{UIDValidity: sel.UIDValidity, Subscribed: subscribed}
	if sel.NumMessages == 0 {
		return fs
	}
	msgs, err := c.Fetch(imap.UIDSet{{Start: 1}}, &imap.FetchOptions{
		UID: true, Flags: true, RFC822Size: true, InternalDate: true,
	}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range msgs {
		var flags []string
		for _, f := range m.Flags {
			flags = append(flags, string(f))
		}
		slices.Sort(flags)
		fs.Messages = append(fs.Messages, MessageState{
			UID: uint32(m.UID), Flags: strings.Join(flags, " "), Size: m.RFC822Size, InternalDate: m.InternalDate.UTC(),
		})
	}
	return fs
}

// Unchanged makes the test fail at its end if anything that is in the mailbox now
// was changed, moved or removed by then, or if there is more in it than Deliver
// and Append put there.
func (s *DovecotServer) Unchanged(t testing.TB, user string) {
	t.Helper()
	before, added := s.State(t, user), s.deliveries(user)
	t.Cleanup(func() {
		after := s.State(t, user)
		for folder, n := range s.deliveries(user) {
			n -= added[folder]
			fs := after[folder]
			if n == 0 || len(fs.Messages) < n {
				continue
			}
			// UIDs ascend, so that what came later is at the end.
			fs.Messages = fs.Messages[:len(fs.Messages)-n]
			if len(fs.Messages) == 0 {
				fs.Messages = nil
			}
			after[folder] = fs
			if _, ok := before[folder]; !ok { // made by the delivery
				before[folder] = FolderState{UIDValidity: fs.UIDValidity}
			}
		}
		if diff := cmp.Diff(before, after); diff != "" {
			t.Errorf("the mailbox of %s was changed (-before +after):\n%s", user, diff)
		}
	})
}

// Append stores a message by APPEND, for keywords and for the UID that the
// server gave it. The folder must exist.
func (s *DovecotServer) Append(t testing.TB, user, folder string, internal time.Time, flags string, raw []byte) imap.UID {
	t.Helper()
	c := s.login(t, user)
	defer func() { _ = c.Close() }()
	options := &imap.AppendOptions{Time: internal}
	for f := range strings.FieldsSeq(flags) {
		options.Flags = append(options.Flags, imap.Flag(f))
	}
	cmd := c.Append(folder, int64(len(raw)), options)
	if _, err := cmd.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Close(); err != nil {
		t.Fatal(err)
	}
	data, err := cmd.Wait()
	if err != nil {
		t.Fatalf("append to %s: %v", folder, err)
	}
	s.count(user, folder)
	return data.UID
}

func (s *DovecotServer) login(t testing.TB, user string) *imapclient.Client {
	t.Helper()
	c, err := imapclient.DialInsecure(s.Addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Login(user, Password).Wait(); err != nil {
		_ = c.Close()
		t.Fatalf("login as %s: %v", user, err)
	}
	return c
}
