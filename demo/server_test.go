package demo_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"
	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"kith/demo"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a server for the sample mailbox and a client that has logged in.
func serve(t *testing.T) (*demo.Server, *imapclient.Client, demo.Mailbox) {
	t.Helper()
	box := sample()
	server, err := demo.Serve(t.Context(), box)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	client := dial(t, server)
	if err := client.Login(server.Username, server.Password).Wait(); err != nil {
		t.Fatal(err)
	}
	return server, client, box
}

func dial(t *testing.T, server *demo.Server) *imapclient.Client {
	t.Helper()
	client, err := imapclient.DialInsecure(server.Addr, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() }) // the server may have gone first
	return client
}

func TestLogin(t *testing.T) {
	server, _, _ := serve(t)
	for name, login := range map[string][2]string{
		"wrong password": {server.Username, "guess"},
		"unknown user":   {"bob@example.test", server.Password},
		"empty password": {server.Username, ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := dial(t, server).Login(login[0], login[1]).Wait()
			var answer *imap.Error
			if !errors.As(err, &answer) || answer.Code != imap.ResponseCodeAuthenticationFailed {
				t.Errorf("login gives %v, want AUTHENTICATIONFAILED", err)
			}
		})
	}
}

func TestList(t *testing.T) {
	_, client, box := serve(t)
	listed, err := client.List("", "*", &imap.ListOptions{
		ReturnSubscribed: true, ReturnChildren: true, ReturnSpecialUse: true,
		ReturnStatus: &imap.StatusOptions{NumMessages: true, UIDNext: true, UIDValidity: true},
	}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	if len(listed) != len(box.Folders) {
		t.Fatalf("%d folders listed, want %d", len(listed), len(box.Folders))
	}
	for i, folder := range box.Folders {
		got := listed[i]
		child := imap.MailboxAttrHasNoChildren
		if folder.Name == "Archive" || folder.Name == "Customers" {
			child = imap.MailboxAttrHasChildren
		}
		attrs := []imap.MailboxAttr{imap.MailboxAttrSubscribed, child}
		if folder.SpecialUse != "" {
			attrs = append(attrs, folder.SpecialUse)
		}
		if got.Mailbox != folder.Name || got.Delim != '/' || !slices.Equal(got.Attrs, attrs) {
			t.Errorf("LIST gives %q %q %v, want %q '/' %v", got.Mailbox, got.Delim, got.Attrs, folder.Name, attrs)
		}
		if got.Status == nil || *got.Status.NumMessages != uint32(len(folder.Messages)) ||
			got.Status.UIDNext != imap.UID(len(folder.Messages)+1) || got.Status.UIDValidity == 0 {
			t.Errorf("LIST gives the status %+v for %s with %d messages", got.Status, folder.Name, len(folder.Messages))
		}
	}
	for _, tt := range []struct {
		name, pattern string
		options       *imap.ListOptions
		want          []string
	}{
		{"only the hierarchy's top", "A%", nil, []string{"Archive"}},
		{"below a folder", "Archive/*", nil, []string{"Archive/2024", "Archive/2025", "Archive/2026"}},
		{"inbox in any case", "inbox", nil, []string{"INBOX"}},
		{"nothing", "Nowhere", nil, nil},
		{"special use", "*", &imap.ListOptions{SelectSpecialUse: true}, []string{"Archive", "Drafts", "Junk", "Sent", "Trash"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			listed, err := client.List("", tt.pattern, tt.options).Collect()
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, data := range listed {
				names = append(names, data.Mailbox)
			}
			if !slices.Equal(names, tt.want) {
				t.Errorf("LIST %q gives %q, want %q", tt.pattern, names, tt.want)
			}
		})
	}
}

// Every message comes back as it was put in.
func TestFetch(t *testing.T) {
	_, client, box := serve(t)
	header := &imap.FetchItemBodySection{
		Specifier: imap.PartSpecifierHeader, HeaderFields: []string{"Message-ID", "From", "Subject"}, Peek: true,
	}
	whole := &imap.FetchItemBodySection{} // without PEEK, which must not set \Seen
	for _, folder := range box.Folders {
		selected, err := client.Select(folder.Name, &imap.SelectOptions{ReadOnly: true}).Wait()
		if err != nil {
			t.Fatal(err)
		}
		if int(selected.NumMessages) != len(folder.Messages) || len(selected.PermanentFlags) > 0 {
			t.Errorf("EXAMINE %s gives %d messages and permanent flags %v, want %d and none",
				folder.Name, selected.NumMessages, selected.PermanentFlags, len(folder.Messages))
		}
		if len(folder.Messages) == 0 {
			continue
		}
		fetched, err := client.Fetch(imap.UIDSet{{Start: 1, Stop: 0}}, &imap.FetchOptions{
			UID: true, Flags: true, InternalDate: true, RFC822Size: true,
			BodyStructure: &imap.FetchItemBodyStructure{Extended: true},
			BodySection:   []*imap.FetchItemBodySection{header, whole},
		}).Collect()
		if err != nil {
			t.Fatalf("fetch all of %s: %v", folder.Name, err)
		}
		if len(fetched) != len(folder.Messages) {
			t.Fatalf("%d messages fetched from %s, want %d", len(fetched), folder.Name, len(folder.Messages))
		}
		for i, want := range folder.Messages {
			got := fetched[i]
			if got.UID != imap.UID(i+1) || !got.InternalDate.Equal(want.Received) || got.RFC822Size != int64(len(want.Raw)) {
				t.Errorf("%s/%d has UID %d, internal date %s and size %d, want %d, %s and %d", folder.Name, i+1,
					got.UID, got.InternalDate, got.RFC822Size, i+1, want.Received, len(want.Raw))
			}
			slices.Sort(got.Flags)
			flags := slices.Clone(want.Flags)
			slices.Sort(flags)
			if !slices.Equal(got.Flags, slices.Compact(flags)) {
				t.Errorf("%s/%d has the flags %v, want %v", folder.Name, i+1, got.Flags, want.Flags)
			}
			if raw := got.FindBodySection(whole); !bytes.Equal(raw, want.Raw) {
				t.Errorf("%s/%d is another message:\n%s\nwant:\n%s", folder.Name, i+1, raw, want.Raw)
			}
			if diff := cmp.Diff(fields(want.Raw, "message-id", "from", "subject"), string(got.FindBodySection(header))); diff != "" {
				t.Errorf("header of %s/%d (-want +got):\n%s", folder.Name, i+1, diff)
			}
			checkStructure(t, want, got.BodyStructure)
		}
	}
}

// fields cuts header fields out of a message, with the empty line.
func fields(raw []byte, names ...string) string {
	header, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	var b strings.Builder
	keep := false
	for line := range strings.SplitAfterSeq(string(header)+"\r\n", "\r\n") {
		if !strings.HasPrefix(line, " ") {
			name, _, _ := strings.Cut(strings.ToLower(line), ":")
			keep = slices.Contains(names, name)
		}
		if keep {
			b.WriteString(line)
		}
	}
	return b.String() + "\r\n"
}

func checkStructure(t *testing.T, msg demo.Message, bs imap.BodyStructure) {
	t.Helper()
	names := 0
	bs.Walk(func(_ []int, part imap.BodyStructure) bool {
		if single, ok := part.(*imap.BodyStructureSinglePart); ok {
			if single.Filename() != "" {
				names++
			}
			// What a message that is sent on has attached is not ours.
			return single.MessageRFC822 == nil
		}
		return true
	})
	want := bytes.Count(topLevel(msg.Raw), []byte("\r\nContent-Disposition: attachment"))
	if names != want {
		t.Errorf("BODYSTRUCTURE of %s names %d files, want %d", msg.MessageID, names, want)
	}
}

// topLevel is a message without what is nested in it.
func topLevel(raw []byte) []byte {
	before, _, _ := bytes.Cut(raw, []byte("\r\nContent-Type: message/rfc822"))
	return before
}

func TestSearch(t *testing.T) {
	_, client, box := serve(t)
	i := slices.IndexFunc(box.Folders, func(f demo.Folder) bool { return f.Name == "INBOX" })
	folder := box.Folders[i]
	if _, err := client.Select("inbox", &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		t.Fatal(err)
	}
	last := imap.UID(len(folder.Messages))
	since := now.AddDate(0, -1, 0)
	uids := func(keep func(demo.Message) bool) []imap.UID {
		var set []imap.UID
		for i, msg := range folder.Messages {
			if keep(msg) {
				set = append(set, imap.UID(i+1))
			}
		}
		return set
	}
	with := func(name, part string) func(demo.Message) bool {
		return func(msg demo.Message) bool {
			return strings.Contains(strings.ToLower(fields(msg.Raw, name)), part)
		}
	}
	id := folder.Messages[3].MessageID
	for _, tt := range []struct {
		name     string
		criteria *imap.SearchCriteria
		options  *imap.SearchOptions
		want     []imap.UID
	}{
		{"all", &imap.SearchCriteria{}, nil, uids(func(demo.Message) bool { return true })},
		{"from beyond the last", &imap.SearchCriteria{UID: []imap.UIDSet{{{Start: last + 50, Stop: 0}}}}, nil, []imap.UID{last}},
		{"since a day", &imap.SearchCriteria{Since: since}, nil, uids(func(msg demo.Message) bool {
			return !msg.Received.Before(since.Truncate(24 * time.Hour))
		})},
		{"by Message-ID", &imap.SearchCriteria{Header: []imap.SearchCriteriaHeaderField{{Key: "Message-ID", Value: id}}}, nil,
			uids(func(msg demo.Message) bool { return msg.MessageID == id })},
		{"from or to somebody", &imap.SearchCriteria{Or: [][2]imap.SearchCriteria{{
			{Header: []imap.SearchCriteriaHeaderField{{Key: "From", Value: "simone@boxwright.test"}}},
			{Header: []imap.SearchCriteriaHeaderField{{Key: "To", Value: "simone@boxwright.test"}}},
		}}}, nil, uids(func(msg demo.Message) bool {
			return with("from", "simone@boxwright.test")(msg) || with("to", "simone@boxwright.test")(msg)
		})},
		{"in the form of ESEARCH", &imap.SearchCriteria{Since: since}, &imap.SearchOptions{ReturnAll: true, ReturnCount: true},
			uids(func(msg demo.Message) bool { return !msg.Received.Before(since.Truncate(24 * time.Hour)) })},
	} {
		t.Run(tt.name, func(t *testing.T) {
			data, err := client.UIDSearch(tt.criteria, tt.options).Wait()
			if err != nil {
				t.Fatal(err)
			}
			if len(tt.want) == 0 {
				t.Fatal("the sample has nothing to find")
			}
			if diff := cmp.Diff(tt.want, data.AllUIDs()); diff != "" {
				t.Errorf("UID SEARCH (-want +got):\n%s", diff)
			}
			if tt.options != nil && int(data.Count) != len(tt.want) {
				t.Errorf("count %d, want %d", data.Count, len(tt.want))
			}
		})
	}
}

func TestNothingCanBeChanged(t *testing.T) {
	_, client, _ := serve(t)
	if _, err := client.Select("INBOX", nil).Wait(); err != nil {
		t.Fatal(err)
	}
	one := imap.UIDSetNum(1)
	flag := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Flags: []imap.Flag{imap.FlagFlagged}}
	for name, change := range map[string]func() error{
		"STORE":     func() error { return client.Store(one, flag, nil).Close() },
		"COPY":      func() error { _, err := client.Copy(one, "Trash").Wait(); return err },
		"CREATE":    func() error { return client.Create("New", nil).Wait() },
		"DELETE":    func() error { return client.Delete("Junk").Wait() },
		"RENAME":    func() error { return client.Rename("Junk", "Spam", nil).Wait() },
		"SUBSCRIBE": func() error { return client.Subscribe("Junk").Wait() },
		"APPEND": func() error {
			cmd := client.Append("INBOX", 2, nil)
			if _, err := cmd.Write([]byte("\r\n")); err != nil {
				return err
			}
			if err := cmd.Close(); err != nil {
				return err
			}
			_, err := cmd.Wait()
			return err
		},
	} {
		var answer *imap.Error
		if err := change(); !errors.As(err, &answer) || answer.Code != imap.ResponseCodeNoPerm {
			t.Errorf("%s gives %v, want NOPERM", name, err)
		}
	}
	if err := client.UnselectAndExpunge().Wait(); err != nil {
		t.Errorf("CLOSE gives %v, want no error and nothing done", err)
	}
}

func TestDeliver(t *testing.T) {
	server, client, box := serve(t)
	count := func() (uint32, imap.UID) {
		t.Helper()
		status, err := client.Status("INBOX", &imap.StatusOptions{NumMessages: true, UIDNext: true}).Wait()
		if err != nil {
			t.Fatal(err)
		}
		return *status.NumMessages, status.UIDNext
	}
	messages, next := count()
	if i := slices.IndexFunc(box.Folders, func(f demo.Folder) bool { return f.Name == "INBOX" }); int(messages) != len(box.Folders[i].Messages) {
		t.Fatalf("STATUS gives %d messages, want %d", messages, len(box.Folders[i].Messages))
	}
	arrival := demo.Arrival(now)
	if err := server.Deliver("INBOX", arrival.Raw, arrival.Received); err != nil {
		t.Fatal(err)
	}
	if after, nextAfter := count(); after != messages+1 || nextAfter != next+1 {
		t.Errorf("STATUS gives %d messages and UIDNEXT %d, want %d and %d", after, nextAfter, messages+1, next+1)
	}
	if _, err := client.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		t.Fatal(err)
	}
	fetched, err := client.Fetch(imap.UIDSetNum(next), &imap.FetchOptions{InternalDate: true, Flags: true}).Collect()
	if err != nil {
		t.Fatal(err)
	}
	if len(fetched) != 1 || !fetched[0].InternalDate.Equal(arrival.Received) || len(fetched[0].Flags) > 0 {
		t.Errorf("fetched %+v, want one message received %s without flags", fetched, arrival.Received)
	}
	if err := server.Deliver("Nowhere", arrival.Raw, arrival.Received); err == nil || !strings.Contains(err.Error(), "Nowhere") {
		t.Errorf("delivering to a folder that does not exist gives %v", err)
	}
}

func TestClose(t *testing.T) {
	for name, end := range map[string]func(*demo.Server, context.CancelFunc) error{
		"by Close":       func(s *demo.Server, _ context.CancelFunc) error { return s.Close() },
		"by the context": func(s *demo.Server, cancel context.CancelFunc) error { cancel(); return s.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			server, err := demo.Serve(ctx, demo.Mailbox{Folders: []demo.Folder{{Name: "INBOX"}}})
			if err != nil {
				t.Fatal(err)
			}
			client := dial(t, server)
			if err := client.Login(server.Username, server.Password).Wait(); err != nil {
				t.Fatal(err)
			}
			if err := end(server, cancel); err != nil {
				t.Errorf("close: %v", err)
			}
			if err := client.Noop().Wait(); err == nil {
				t.Error("the connection outlives the server")
			}
			if err := server.Close(); err != nil {
				t.Errorf("closing twice: %v", err)
			}
		})
	}
}

func TestCloseAtOnce(t *testing.T) {
	server, err := demo.Serve(t.Context(), demo.Mailbox{})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Close(); err != nil {
		t.Errorf("close before anybody came: %v", err)
	}
}
