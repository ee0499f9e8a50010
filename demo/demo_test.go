package demo_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/address"
	"kith/demo"
)

var now = time.Date(2026, time.November, 23, 9, 30, 0, 0, time.UTC)

// sample is the mailbox that the tests look at.
var sample = sync.OnceValue(func() demo.Mailbox { return demo.Generate(1, now) })

// messages yields the sample mail with its folder.
func messages(box demo.Mailbox) func(func(string, demo.Message) bool) {
	return func(yield func(string, demo.Message) bool) {
		for _, folder := range box.Folders {
			for _, msg := range folder.Messages {
				if !yield(folder.Name, msg) {
					return
				}
			}
		}
	}
}

// digest stands for everything in a mailbox.
func digest(box demo.Mailbox) [sha256.Size]byte {
	h := sha256.New()
	for folder, msg := range messages(box) {
		h.Write(msg.Raw)
		msg.Raw = nil
		fmt.Fprintf(h, "%s %v\n", folder, msg)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

func TestGenerateIsDeterministic(t *testing.T) {
	want := digest(sample())
	if digest(demo.Generate(1, now)) != want {
		t.Error("the same seed and time give other messages")
	}
	if digest(demo.Generate(1, now.In(time.FixedZone("", 7200)))) != want {
		t.Error("the same instant in another zone gives other messages")
	}
	if digest(demo.Generate(2, now)) == want {
		t.Error("another seed gives the same messages")
	}
}

func TestGenerateCounts(t *testing.T) {
	kinds, skipped := map[demo.Kind]int{}, map[kith.Reason]int{}
	interactions, directions := map[string]int{}, map[kith.Direction]int{}
	unread := 0
	for _, msg := range messages(sample()) {
		kinds[msg.Kind]++
		switch {
		case msg.Want.Unread:
			unread++
		case msg.Want.Skip != "":
			skipped[msg.Want.Skip]++
		default:
			if interactions[msg.Want.Interaction]++; interactions[msg.Want.Interaction] == 1 {
				directions[msg.Want.Direction]++
			}
		}
	}
	wantKinds := map[demo.Kind]int{
		demo.KindBusiness: 1036, demo.KindStranger: 179, demo.KindInternal: 169, demo.KindNewsletter: 275,
		demo.KindList: 70, demo.KindNotice: 90, demo.KindBounce: 12, demo.KindReceipt: 14, demo.KindAutoReply: 26,
		demo.KindInvitation: 73, demo.KindPrivate: 8, demo.KindNeverRecord: 8, demo.KindOdd: 94,
		demo.KindDraft: 6, demo.KindJunk: 45, demo.KindTrash: 50,
	}
	if diff := cmp.Diff(wantKinds, kinds); diff != "" {
		t.Errorf("messages by kind (-want +got):\n%s", diff)
	}
	wantSkipped := map[kith.Reason]int{
		kith.ReasonBounce: 12, kith.ReasonBulk: 333, kith.ReasonInternal: 171, kith.ReasonInvitation: 73,
		kith.ReasonNeverRecord: 8, kith.ReasonNoContact: 271, kith.ReasonNoSender: 2, kith.ReasonPrivate: 8,
		kith.ReasonReceipt: 14, kith.ReasonSpoofed: 2,
	}
	if diff := cmp.Diff(wantSkipped, skipped); diff != "" {
		t.Errorf("messages by reason (-want +got):\n%s", diff)
	}
	wantDirections := map[kith.Direction]int{kith.Inbound: 605, kith.Outbound: 495}
	if diff := cmp.Diff(wantDirections, directions); diff != "" {
		t.Errorf("interactions by direction (-want +got):\n%s", diff)
	}
	if unread != 101 {
		t.Errorf("%d messages in folders that are not read, want 101", unread)
	}
}

func TestFolders(t *testing.T) {
	type folder struct {
		use   imap.MailboxAttr
		empty bool
	}
	got := map[string]folder{}
	for _, f := range sample().Folders {
		got[f.Name] = folder{f.SpecialUse, len(f.Messages) == 0}
		if !slices.IsSortedFunc(f.Messages, func(a, b demo.Message) int { return a.Received.Compare(b.Received) }) {
			t.Errorf("folder %s is not in the order of receipt", f.Name)
		}
	}
	want := map[string]folder{
		"INBOX": {}, "Sent": {imap.MailboxAttrSent, false}, "Drafts": {imap.MailboxAttrDrafts, false},
		"Junk": {imap.MailboxAttrJunk, false}, "Trash": {imap.MailboxAttrTrash, false},
		"Archive": {imap.MailboxAttrArchive, true}, "Archive/2024": {}, "Archive/2025": {}, "Archive/2026": {},
		"Customers": {"", true}, "Customers/Harbour Street Hotels": {}, "Customers/Hôtel des Tilleuls": {},
		"Customers/Kept aside": {}, "Customers/Linden & Söhne": {}, "Customers/Thistle & Rye": {}, "Customers/みどり食器": {},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(folder{})); diff != "" {
		t.Errorf("folders (-want +got):\n%s", diff)
	}
}

// Every message is one that a stranger to this package can read: lines, header
// and MIME structure.
func TestMessagesAreWellFormed(t *testing.T) {
	for folder, msg := range messages(sample()) {
		name := fmt.Sprintf("%s in %s, received %s", msg.Kind, folder, msg.Received)
		for i, line := range bytes.Split(msg.Raw, []byte("\r\n")) {
			if len(line) > 998 || bytes.ContainsAny(line, "\r\n\x00") {
				t.Fatalf("%s: line %d breaks RFC 5322 §2.1.1: %q", name, i+1, line)
			}
		}
		parsed, err := mail.ReadMessage(bytes.NewReader(msg.Raw))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if got := parsed.Header.Get("Message-Id"); got != msg.MessageID {
			t.Errorf("%s: Message-ID %q, want %q", name, got, msg.MessageID)
		}
		if err := walk(parsed.Header.Get("Content-Type"), parsed.Header.Get("Content-Transfer-Encoding"), parsed.Body); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if msg.Kind == demo.KindOdd || msg.Kind == demo.KindPrivate {
			continue // may do what the checks below forbid
		}
		if _, err := parsed.Header.Date(); err != nil {
			t.Errorf("%s: date: %v", name, err)
		}
		for _, field := range []string{"From", "To", "Cc"} {
			if parsed.Header.Get(field) == "" && field == "Cc" {
				continue
			}
			addresses, err := parsed.Header.AddressList(field)
			if err != nil {
				t.Errorf("%s: %s: %v", name, field, err)
			}
			for _, a := range addresses {
				c, ok := address.Normalize(a.Address)
				if top := c[strings.LastIndexByte(c, '.')+1:]; !ok || top != "test" && top != "example" {
					t.Errorf("%s: %s names %q, which could be somebody's", name, field, a.Address)
				}
			}
		}
	}
}

// walk reads a MIME tree to its end.
func walk(contentType, encoding string, body io.Reader) error {
	mediaType, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fmt.Errorf("content type %q: %w", contentType, err)
	}
	if !strings.HasPrefix(mediaType, "multipart/") {
		switch encoding {
		case "", "7bit", "8bit", "quoted-printable", "base64":
		default:
			return fmt.Errorf("%s has encoding %q", mediaType, encoding)
		}
		_, err := io.Copy(io.Discard, body)
		return err
	}
	reader := multipart.NewReader(body, params["boundary"])
	for parts := 0; ; parts++ {
		part, err := reader.NextRawPart()
		if err == io.EOF && parts > 0 {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: part %d: %w", mediaType, parts+1, err)
		}
		if err := walk(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part); err != nil {
			return err
		}
	}
}

func TestThreadsHoldTogether(t *testing.T) {
	box := sample()
	dates := map[string]time.Time{}
	for _, msg := range messages(box) {
		if msg.MessageID != "" {
			dates[msg.MessageID] = msg.Received
		}
	}
	answers := 0
	for folder, msg := range messages(box) {
		parsed, err := mail.ReadMessage(bytes.NewReader(msg.Raw))
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range strings.Fields(parsed.Header.Get("In-Reply-To") + " " + parsed.Header.Get("References")) {
			answers++
			at, ok := dates[id]
			if !ok {
				t.Errorf("a %s message in %s answers %s, which does not exist", msg.Kind, folder, id)
			}
			if at.After(msg.Received) {
				t.Errorf("a %s message in %s answers %s before that was received", msg.Kind, folder, id)
			}
		}
		if id := msg.Want.Bounces; id != "" {
			if _, ok := dates[id]; !ok || !bytes.Contains(msg.Raw, []byte("Message-ID: "+id)) {
				t.Errorf("the bounce in %s does not name %s, or nothing has that id", folder, id)
			}
		}
	}
	if answers < 1000 {
		t.Errorf("%d references in all, want a mailbox full of conversations", answers)
	}
}

func TestWantIsConsistent(t *testing.T) {
	copies := map[string]demo.Want{}
	for folder, msg := range messages(sample()) {
		want := msg.Want
		if left := folder == "Drafts" || folder == "Junk" || folder == "Trash"; left != want.Unread {
			t.Errorf("a message in %s has Unread %t", folder, want.Unread)
		}
		recorded := !want.Unread && want.Skip == ""
		if recorded != (want.Interaction != "") || recorded != (want.Direction != "") || recorded == want.OccurredAt.IsZero() {
			t.Errorf("a %s message in %s wants half an outcome: %+v", msg.Kind, folder, want)
		}
		if msg.Received.Before(now.Add(-demo.Span)) || msg.Received.After(now) {
			t.Errorf("a %s message in %s was received %s, outside the span", msg.Kind, folder, msg.Received)
		}
		if recorded {
			if first, ok := copies[want.Interaction]; ok && !cmp.Equal(first, want) {
				t.Errorf("copies of %s want other things: %+v and %+v", want.Interaction, first, want)
			}
			copies[want.Interaction] = want
		}
	}
}

func TestContacts(t *testing.T) {
	contacts := demo.Contacts()
	persons, companies, never := 0, map[string]bool{}, 0
	byAddress, ids := map[string]int{}, map[string]bool{}
	for _, c := range contacts {
		if ids[c.ExternalID] {
			t.Errorf("two contacts have the external id %s", c.ExternalID)
		}
		ids[c.ExternalID] = true
		if c.NeverRecord {
			never++
		}
		switch c.Type {
		case kith.Company:
			companies[c.Name] = true
		case kith.Person:
			persons++
			if c.Company != "" && !companies[c.Company] {
				t.Errorf("%s is of %s, which does not come before", c.Name, c.Company)
			}
		}
		for _, a := range c.Emails {
			byAddress[a]++
			if canonical, ok := address.Normalize(a); !ok || canonical != a {
				t.Errorf("%s has the address %s, which is not canonical", c.Name, a)
			}
			if strings.HasSuffix(a, "@"+demo.Domain) {
				t.Errorf("%s has the address %s, which is ours", c.Name, a)
			}
		}
	}
	if persons != 58 || len(companies) != 27 || never != 1 {
		t.Errorf("%d persons, %d companies, %d never to be recorded; want 58, 27, 1", persons, len(companies), never)
	}
	if byAddress["family@hartwell.example"] != 2 {
		t.Errorf("family@hartwell.example belongs to %d contacts, want 2", byAddress["family@hartwell.example"])
	}
}

func TestContactsCSV(t *testing.T) {
	rows, err := csv.NewReader(strings.NewReader(demo.ContactsCSV())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	contacts := demo.Contacts()
	if len(rows) != len(contacts)+1 {
		t.Fatalf("%d rows for %d contacts and a header", len(rows), len(contacts))
	}
	column := map[string]int{}
	for i, name := range rows[0] {
		column[name] = i
	}
	for i, c := range contacts {
		row := rows[i+1]
		got := []string{row[column["external_id"]], row[column["name"]], row[column["company"]], row[column["email"]]}
		want := []string{c.ExternalID, c.Name, c.Company, strings.Join(c.Emails, ";")}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("row %d (-want +got):\n%s", i+2, diff)
		}
		if (row[column["never_record"]] == "true") != c.NeverRecord {
			t.Errorf("row %d: never_record is %q, want it for %t", i+2, row[column["never_record"]], c.NeverRecord)
		}
	}
}

func TestArrival(t *testing.T) {
	msg := demo.Arrival(now)
	parsed, err := mail.ReadMessage(bytes.NewReader(msg.Raw))
	if err != nil {
		t.Fatal(err)
	}
	from, err := parsed.Header.AddressList("From")
	if err != nil {
		t.Fatal(err)
	}
	known := slices.ContainsFunc(demo.Contacts(), func(c kith.Contact) bool { return slices.Contains(c.Emails, from[0].Address) })
	if !known || msg.Want.Direction != kith.Inbound || msg.Want.Skip != "" {
		t.Errorf("it is from %s (a contact: %t) and wants %+v", from[0].Address, known, msg.Want)
	}
	if !bytes.Equal(msg.Raw, demo.Arrival(now).Raw) {
		t.Error("the same instant gives other messages")
	}
	if msg.MessageID == demo.Arrival(now.Add(time.Second)).MessageID {
		t.Error("two instants give one message")
	}
}

func BenchmarkGenerate(b *testing.B) {
	for b.Loop() {
		demo.Generate(1, now)
	}
}
