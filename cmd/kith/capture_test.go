package main

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/demo"
	"kith/servertest"
)

// servers are the two ends of what is met: one that can do everything, and one
// that can do hardly anything.
var servers = []struct {
	name string
	caps string
}{
	{"all capabilities", ""},
	{"bare IMAP4rev1", "IMAP4rev1"},
}

// wanted is what the answer key of the sample mailbox says of one interaction.
type wanted struct {
	Direction  kith.Direction
	OccurredAt time.Time
	Evidence   int
	Bounced    bool
}

// sighting is what finds an interaction in the answer key: ids are used twice by some.
type sighting struct {
	MessageID string
	At        int64
}

// answerKey returns the interactions by name, the names by sighting, and the
// skipped messages by reason.
func answerKey(mailbox demo.Mailbox) (recorded map[string]wanted, names map[sighting]string, skipped map[kith.Reason]int) {
	recorded, names, skipped = map[string]wanted{}, map[sighting]string{}, map[kith.Reason]int{}
	byID := map[string]string{}
	var bounced []string
	for _, folder := range mailbox.Folders {
		for _, m := range folder.Messages {
			switch {
			case m.Want.Unread:
				continue
			case m.Want.Skip != "":
				skipped[m.Want.Skip]++
			default:
				w := recorded[m.Want.Interaction]
				w.Direction, w.OccurredAt, w.Evidence = m.Want.Direction, m.Want.OccurredAt.UTC(), w.Evidence+1
				recorded[m.Want.Interaction] = w
				names[sighting{m.MessageID, m.Want.OccurredAt.Unix()}] = m.Want.Interaction
				byID[m.MessageID] = m.Want.Interaction
			}
			if m.Want.Bounces != "" {
				bounced = append(bounced, m.Want.Bounces)
			}
		}
	}
	for _, id := range bounced {
		w := recorded[byID[id]]
		w.Bounced = true
		recorded[byID[id]] = w
	}
	return recorded, names, skipped
}

func TestMailboxBecomesRegister(t *testing.T) {
	// The sample mailbox covers, among others, A12 raw 8-bit headers, B11 B12 contacts in Cc and Bcc,
	// C01 C02 own addresses and aliases, C17 auto-replies, C18 bounces, C19 receipts, C20 invitations,
	// D01 copies in two folders, D06 no Message-ID, H05 internal mail, H12 Sensitivity; each has a
	// test of its own elsewhere, and here all of them go the whole way.
	now := time.Now().UTC().Truncate(time.Second)
	mailbox := demo.Generate(demoSeed, now)
	recorded, names, skipped := answerKey(mailbox)
	if len(recorded) < 500 {
		t.Fatalf("the answer key has %d interactions: it proves nothing", len(recorded))
	}
	for _, tt := range servers {
		t.Run(tt.name, func(t *testing.T) {
			server := servertest.Dovecot(t, servertest.DovecotOptions{Caps: tt.caps})
			deliver(t, server, mailbox)
			server.Unchanged(t, servertest.Alice) // E25
			s := newSite(t, server, "", "")
			s.importContacts(demo.ContactsCSV())

			result := s.sync()
			if diff := cmp.Diff(skipped, result.Skipped); diff != "" {
				t.Errorf("skipped by reason (-want +got):\n%s", diff)
			}
			got := map[string]wanted{}
			for _, i := range s.interactions() {
				if len(i.Links) == 0 {
					t.Errorf("%s is linked to nobody", i.ID)
				}
				seen := sighting{At: i.OccurredAt.Unix()}
				if i.MessageID != nil {
					seen.MessageID = *i.MessageID
				}
				name, ok := names[seen]
				if _, twice := got[name]; !ok || twice {
					t.Errorf("%s, %s: nobody wrote this, or it is recorded twice (%q)", i.ID, i.OccurredAt, name)
				}
				got[name] = wanted{Direction: i.Direction, OccurredAt: i.OccurredAt.UTC(), Evidence: len(i.Evidence), Bounced: i.DeliveryStatus == kith.DeliveryBounced}
			}
			if diff := cmp.Diff(recorded, got); diff != "" {
				t.Errorf("the register (-want +got):\n%s", diff)
			}

			again := s.sync()
			if again.Items != 0 {
				t.Errorf("a second pass without changes had %d items", again.Items)
			}
			full := s.sync("--full")
			if full.New != 0 || full.Known != result.New+result.Known {
				t.Errorf("a full pass: %d new, %d known; want 0 and %d", full.New, full.Known, result.New+result.Known)
			}
			strangers(t, s, mailbox)
		})
	}
}

// strangers asserts H06 and H11: of mail that is not recorded nothing is in the files
// of the register.
func strangers(t *testing.T, s *site, mailbox demo.Mailbox) {
	t.Helper()
	known := map[string]bool{}
	for _, folder := range mailbox.Folders {
		for _, m := range folder.Messages {
			if m.Want.Interaction != "" {
				known[m.MessageID] = true
			}
		}
	}
	var files []byte
	paths, err := filepath.Glob(s.path("kith.db*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no database files: %v", err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, data...)
	}
	checked := 0
	text := string(files)
	for _, folder := range mailbox.Folders {
		for _, m := range folder.Messages {
			id := strings.Trim(m.MessageID, "<>")
			if m.Want.Interaction != "" || id == "" || known[m.MessageID] {
				continue
			}
			checked++
			if strings.Contains(text, id) {
				t.Errorf("H06 the id of a message that is not recorded (%s, %s) is in the database", m.Kind, m.Want.Skip)
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d messages were looked for", checked)
	}
}

func TestCaptureOfNewMail(t *testing.T) {
	server := servertest.Dovecot(t)
	s := newSite(t, server, "", "")
	s.importContacts("name,email\nAnn Doe,ann@client.test\n")
	date := time.Now().Add(-time.Hour)
	ann, alice := "Ann Doe <ann@client.test>", "alice@example.test"
	server.Deliver(t, servertest.Alice, "INBOX", date, "", letterText("1@client.test", ann, alice, "first", date))
	if got := s.sync(); got.New != 1 {
		t.Fatalf("first pass: %+v", got)
	}
	// D03 the same message in another folder; a stranger; something new.
	server.Deliver(t, servertest.Alice, "Archive", date, "", letterText("1@client.test", ann, alice, "first", date))
	server.Deliver(t, servertest.Alice, "INBOX", date, "", letterText("2@other.test", "Bo <bo@other.test>", alice, "stranger", date))
	server.Deliver(t, servertest.Alice, "Sent", date, "", letterText("3@example.test", alice, ann, "answer", date))
	got := s.sync()
	if got.New != 1 || got.Known != 1 || !maps.Equal(got.Skipped, map[kith.Reason]int{kith.ReasonNoContact: 1}) {
		t.Errorf("second pass: %+v; want 1 new, 1 known, 1 stranger", got)
	}
	for _, i := range s.interactions() {
		want := map[string]int{"first": 2, "answer": 1}[i.Subject]
		if len(i.Evidence) != want {
			t.Errorf("%s: %d evidences, want %d", i.Subject, len(i.Evidence), want)
		}
	}
	// E37 mail that comes while a run is on is taken by the next.
	server.Deliver(t, servertest.Alice, "INBOX", date, "", letterText("4@client.test", ann, alice, "later", date))
	if got := s.sync(); got.New != 1 {
		t.Errorf("third pass: %+v", got)
	}
}
