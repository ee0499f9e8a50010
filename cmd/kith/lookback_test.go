package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"kith"
	"kith/servertest"
	"kith/store"
)

// TestContactsAddedTomorrow captures a mailbox without contacts, which has to leave
// nothing of anybody (H06), and adds the contacts then: the register must become what it is
// when they were there from the start (B17).
func TestContactsAddedTomorrow(t *testing.T) {
	messages, people := 10_000, 500
	if testing.Short() {
		messages, people = 1_000, 250
	}
	m := newMailServer(t)
	user := <-m.free
	deliverYear(t, m, user, messages, people)
	contacts := make([]string, people)
	for n := range contacts {
		contacts[n] = fmt.Sprintf("Nadia%d,%s\n", n, correspondent(n))
	}
	for _, database := range []struct {
		name string
		open func(t *testing.T) (url, dir string)
	}{
		{"SQLite", func(*testing.T) (string, string) { return "", "" }},
		{"PostgreSQL", func(t *testing.T) (string, string) {
			server := servertest.PostgresCluster(t)
			url := server.Database(t)
			conn, err := pgx.Connect(t.Context(), url)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(t.Context())
			var dir string
			if err := conn.QueryRow(t.Context(), `SHOW data_directory`).Scan(&dir); err != nil {
				t.Fatal(err)
			}
			return url, dir
		}},
	} {
		t.Run(database.name, func(t *testing.T) {
			t.Parallel()
			open := func(t *testing.T) *yearSite {
				url, dir := database.open(t)
				s := &yearSite{newCaseSiteOn(t, hardCase{contacts: "Nobody,nobody@nowhere.test"}, url, m.URL("imap"), map[string]string{"alice": user}), dir}
				s.server = m
				return s
			}
			from := open(t)
			from.add(contacts...)
			from.poll()
			want := from.content()
			if len(want.Interactions) < messages/10 || len(want.Interactions) > messages/2 {
				t.Fatalf("%d of %d messages are recorded: that proves nothing", len(want.Interactions), messages)
			}
			if found := from.traces(t); len(found) == 0 {
				t.Fatal("no trace of people who are recorded is found: that proves nothing")
			}
			for _, way := range []struct {
				name string
				at   int // contacts added before a poll
			}{
				{"B17 few at a time: the server is searched", people / 5},
				{"B17 many at once: the mailbox is read again", people},
			} {
				t.Run(way.name, func(t *testing.T) {
					t.Parallel()
					s := open(t)
					code, _, log := s.run("sync")
					if code != exitDone {
						t.Fatalf("kith sync: exit code %d\n%s", code, log)
					}
					if found := append(s.traces(t), sightings(log)...); len(found) > 0 {
						t.Errorf("H06 traces of people who are no contacts: %q", found)
					}
					passed := s.stream("INBOX")
					for some := range slices.Chunk(contacts, way.at) {
						s.add(some...)
						if owed := s.stream("INBOX").LookBack; owed != len(some) {
							t.Errorf("%d addresses are owed after %d were added", owed, len(some))
						}
						if code, _, log := s.run("sync"); code != exitDone || len(sightings(log)) > 0 {
							t.Fatalf("kith sync: exit code %d\n%s", code, log)
						}
					}
					if diff := gocmp.Diff(want, s.content()); diff != "" {
						t.Errorf("the register (-contacts from the start +added later):\n%.4000s", diff)
					}
					// Reading again counts anew, searching does not.
					if now := s.stream("INBOX"); (now.Skipped[kith.ReasonNoContact] == passed.Skipped[kith.ReasonNoContact]) != (way.at < people) {
						t.Errorf("skipped %v, before %v", now.Skipped, passed.Skipped)
					}
					if now := s.stream("INBOX"); now.LookBack != 0 || now.Backfill != 1 || now.Recorded <= passed.Recorded {
						t.Errorf("the stream: %+v, before %+v", now, passed)
					}
					if again := s.poll(); again.Items != 0 {
						t.Errorf("once more: %+v", again)
					}
				})
			}
		})
	}
}

func correspondent(n int) string { return fmt.Sprintf("nadia%d@xanadu.test", n) }

// traces are what all people that are to be forgotten have in common.
var traceWords = []string{"xanadu", "nadia", "zebra"}

// deliverYear fills the mailbox of a user: letters of people and to them, some with
// each other on copy, among more by strangers. All names, addresses, ids and subjects hold a trace word.
func deliverYear(t *testing.T, m *mailServer, user string, messages, people int) {
	t.Helper()
	date := time.Date(2025, 1, 1, 8, 0, 0, 0, time.UTC)
	for n := range messages {
		date = date.Add(40 * time.Minute)
		who, folder, stranger := n*7%people, "INBOX", fmt.Sprintf("stranger%d@outside-xanadu.test", n%3000)
		fields := []string{fmt.Sprintf("Message-ID: <zebra%d@xanadu.test>", n), fmt.Sprintf("Subject: zebra %d", n), "Date: " + date.Format(time.RFC1123Z)}
		switch n % 20 {
		case 0, 1:
			fields = append(fields, fmt.Sprintf("From: Nadia %d <%s>", who, correspondent(who)), "To: alice@example.test")
		case 2:
			folder = "Sent"
			fields = append(fields, "From: alice@example.test", fmt.Sprintf("To: %s, Nadia <%s>", stranger, strings.ToUpper(correspondent(who))),
				fmt.Sprintf("In-Reply-To: <zebra%d@xanadu.test>", n-2))
		case 3: // two of them, who become contacts at different times perhaps
			fields = append(fields, "From: "+stranger, "To: alice@example.test", fmt.Sprintf("Cc: %s,\n %s", correspondent(who), correspondent((who+people/2)%people)))
		case 4:
			fields = append(fields, "From: forms@site-xanadu.test", "Reply-To: Nadia <"+correspondent(who)+">", "To: alice@example.test")
		case 5: // a copy of another
			folder = "Archive"
			fields = []string{fmt.Sprintf("Message-ID: <zebra%d@xanadu.test>", n-5), fmt.Sprintf("Subject: zebra %d", n-5),
				"Date: " + date.Add(-5*40*time.Minute).Format(time.RFC1123Z), fmt.Sprintf("From: Nadia %d <%s>", (n-5)*7%people, correspondent((n-5)*7%people)), "To: alice@example.test"}
		case 6: // a list, which is no mass mail once its author is a contact
			fields = append(fields, fmt.Sprintf("From: \"Nadia %d via List\" <list@xanadu-lists.test>", who), "X-Original-From: "+correspondent(who),
				"To: list@xanadu-lists.test", "List-Id: <list.xanadu-lists.test>", "List-Post: <mailto:list@xanadu-lists.test>")
		case 7: // bounces tell of a message of ours
			fields = append(fields, "From: Nadia Mailer <mailer-daemon@xanadu.test>", "To: alice@example.test", "Auto-Submitted: auto-replied")
		default:
			fields = append(fields, "From: Nadia Stranger <"+stranger+">", "To: alice@example.test")
		}
		m.Deliver(t, user, folder, date, "", []byte(strings.ReplaceAll(strings.Join(fields, "\n")+"\n\nzebra xanadu\n", "\n", "\r\n")))
	}
}

// yearSite is a register of that mailbox.
type yearSite struct {
	*caseSite
	data string // the data directory of the database server; "": the database is a file
}

// add imports contacts.
func (s *yearSite) add(rows ...string) {
	s.t.Helper()
	s.importContacts("name,email\n" + strings.Join(rows, ""))
}

// stream returns what kith status says of a stream.
func (s *yearSite) stream(name string) streamJSON {
	s.t.Helper()
	account, _ := s.health("alice")
	i := slices.IndexFunc(account.Streams, func(st streamJSON) bool { return st.Name == name })
	if i < 0 {
		s.t.Fatalf("no stream %s: %+v", name, account)
	}
	return account.Streams[i]
}

// traces looks for the trace words in all bytes of the database.
func (s *yearSite) traces(t *testing.T) (found []string) {
	t.Helper()
	dir := s.dir
	if s.data != "" {
		dir = s.data
		conn, err := pgx.Connect(t.Context(), s.database)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		if _, err := conn.Exec(t.Context(), "CHECKPOINT"); err != nil {
			t.Fatal(err)
		}
	}
	files := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && (entry.IsDir() || s.data == "" && !strings.HasPrefix(entry.Name(), "kith.db")) {
			return nil
		}
		var data []byte
		if err == nil {
			data, err = os.ReadFile(path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil // the server has its own comings and goings
		}
		files++
		for _, word := range sightings(string(data)) {
			found = append(found, entry.Name()+": "+word)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Fatalf("%d files: %v", files, err)
	}
	return found
}

// sightings returns the trace words that occur in a text, whatever their case.
func sightings(text string) (found []string) {
	lower := bytes.ToLower([]byte(text))
	for _, word := range traceWords {
		if at := bytes.Index(lower, []byte(word)); at >= 0 {
			found = append(found, fmt.Sprintf("%q", text[max(0, at-20):min(len(text), at+40)]))
		}
	}
	return found
}

// registerContent is a register without what depends on when and in which order it was filled.
type registerContent struct {
	Contacts     []kith.Contact
	Interactions []kith.Interaction
	Rows         []store.Row
}

// content reads the register whole.
func (s *yearSite) content() (c registerContent) {
	s.t.Helper()
	s.withStore(func(st store.Store) error {
		names := map[kith.ID]string{}
		for row, err := range st.Dump(context.Background()) {
			if err != nil {
				return err
			}
			switch r := row.(type) {
			case *store.ContactRow:
				names[r.ID] = r.Name
				r.ID, r.CreatedAt, r.UpdatedAt = kith.ID{}, time.Time{}, time.Time{}
				c.Contacts = append(c.Contacts, r.Contact)
			case *store.InteractionRow:
				i := r.Interaction
				i.ID = kith.ID{}
				for n := range i.Links {
					i.Links[n].ContactID, i.Links[n].ContactName = kith.ID{}, names[i.Links[n].ContactID]
				}
				slices.SortFunc(i.Links, func(a, b kith.Link) int { return cmp.Compare(a.ContactName, b.ContactName) })
				for n := range i.Evidence {
					i.Evidence[n].SeenAt = time.Time{}
				}
				slices.SortFunc(i.Evidence, func(a, b kith.Evidence) int {
					return cmp.Or(cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Ref, b.Ref))
				})
				c.Interactions = append(c.Interactions, i)
			case *store.ThreadRow, *store.MemberRow, *store.TombstoneRow, *store.ErasedCopyRow, *store.BounceRow, *store.QuarantinedRow, *store.IdentityRow:
				c.Rows = append(c.Rows, row)
			}
		}
		return nil
	})
	slices.SortFunc(c.Contacts, func(a, b kith.Contact) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(c.Interactions, func(a, b kith.Interaction) int { return bytes.Compare(a.Key[:], b.Key[:]) })
	return c
}
