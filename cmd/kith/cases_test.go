package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kith"
	"kith/servertest"
)

// The hard cases go the whole way here: from the bytes in a mailbox of a real
// server through parser, matcher, store and syncer to what a command prints.
// Each has a mailbox and a register of its own; one server has all mailboxes.

// hardCase is what lies in mailboxes, and the register that must come of it.
type hardCase struct {
	name     string // the case's id, and what must be
	top      string // lines for the top of the configuration
	policy   string // lines of its [policy]
	account  string // further lines of Alice's account
	others   []colleague
	contacts string // CSV, of name and addresses unless it has a header; "" is Ann
	mail     []mail
	want     []row // by subject, time and links
	skipped  map[kith.Reason]int
}

// colleague has an account beside Alice's.
type colleague struct {
	name      string
	addresses []string // the first is the owner
	lines     string   // further lines of the account
}

var (
	bob   = colleague{name: "bob", addresses: []string{"bob@example.test"}}
	sales = colleague{name: "sales", addresses: []string{"sales@example.test"}}
)

// mail is one message in a mailbox.
type mail struct {
	of    string    // whose account; "" is Alice's
	in    string    // folder; "" is INBOX
	flags string    // system flags
	at    time.Time // INTERNALDATE; zero is [arrived]
	raw   string    // the ends of lines become CRLF
}

// arrived is when mail arrives, unless a case says otherwise: five seconds after
// the date in [letter].
var arrived = time.Date(2025, 3, 3, 9, 0, 5, 0, time.UTC)

const text = "Hello,\nthis is the text.\n"

// letter is a letter of Ann's to Alice, with these header fields in place of its
// own. A field without a value takes that of the letter away.
func letter(fields ...string) string { return letterWith(text, fields...) }

// letterWith is [letter] with another text.
func letterWith(body string, fields ...string) string {
	return strings.Join(header(annToAlice, fields), "\n") + "\n\n" + body
}

// reply is Alice's letter to Ann, to be changed like [letter].
func reply(fields ...string) string {
	return strings.Join(header(header(annToAlice, aliceToAnn), fields), "\n") + "\n\n" + text
}

var (
	annToAlice = []string{
		"Message-ID: <1@client.test>",
		"Date: Mon, 3 Mar 2025 10:00:00 +0100",
		"From: Ann Doe <ann@client.test>",
		"To: alice@example.test",
		"Subject: offer",
	}
	aliceToAnn = []string{"Message-ID: <1@example.test>", "From: Alice <alice@example.test>", "To: Ann Doe <ann@client.test>"}
)

// header returns the fields of a header, with others in place of those of the same name.
func header(own, others []string) []string {
	name := func(field string) string {
		before, _, _ := strings.Cut(field, ":")
		return strings.ToLower(before)
	}
	fields := slices.DeleteFunc(slices.Clone(own), func(field string) bool {
		return slices.ContainsFunc(others, func(other string) bool { return name(other) == name(field) })
	})
	for _, other := range others {
		if _, value, _ := strings.Cut(other, ":"); value != "" {
			fields = append(fields, other)
		}
	}
	return fields
}

// row is an interaction as cases speak of it. What a case leaves out is as
// it is for [letter]; People, Thread, Owner and Attachments are then not compared.
type row struct {
	Subject     string
	Direction   kith.Direction     // inbound
	Rule        kith.DirectionRule // by default when inbound, else by author
	At          string             // UTC; the date of [letter]
	Links       []string           // role and contact; "from Ann Doe"
	People      []string           // role, address and name
	Evidence    int                // live; 1, and -1 is none
	Gone        int                // further evidence, gone
	Owner       string
	Thread      string // "a" for the thread of the first row, and so on
	Flags       []string
	Delivery    kith.DeliveryStatus // none when inbound, else sent
	Attachments []string
	Snippet     string
}

// full returns a row with what was left out.
func (r row) full() row {
	r.Direction = cmp.Or(r.Direction, kith.Inbound)
	rule, link, delivery := kith.DirectionByDefault, "from Ann Doe", kith.DeliveryNone
	if r.Direction == kith.Outbound {
		rule, link, delivery = kith.DirectionByAuthor, "to Ann Doe", kith.DeliverySent
	}
	r.Rule, r.Delivery = cmp.Or(r.Rule, rule), cmp.Or(r.Delivery, delivery)
	r.At, r.Evidence = cmp.Or(r.At, "2025-03-03T09:00:00Z"), cmp.Or(r.Evidence, 1)
	r.Evidence = max(r.Evidence, 0)
	if r.Links == nil {
		r.Links = []string{link}
	}
	return r
}

// rows shows interactions as rows, by subject, time and links.
func rows(interactions []kith.Interaction) []row {
	var all []row
	for _, i := range interactions {
		r := row{
			Subject: i.Subject, Direction: i.Direction, Rule: i.DirectionRule, Owner: i.Owner, Flags: i.Flags,
			At: i.OccurredAt.UTC().Format(time.RFC3339), Delivery: i.DeliveryStatus, Snippet: i.Snippet,
		}
		for _, l := range i.Links {
			link := fmt.Sprintf("%s %s", l.Role, l.ContactName)
			if l.Ambiguous {
				link += ", ambiguous"
			}
			r.Links = append(r.Links, link)
		}
		for _, p := range i.Participants {
			r.People = append(r.People, strings.TrimSpace(fmt.Sprintf("%s %s %s", p.Role, p.Address, p.Name)))
		}
		for _, e := range i.Evidence {
			if e.Gone {
				r.Gone++
			} else {
				r.Evidence++
			}
		}
		for _, a := range i.Attachments {
			r.Attachments = append(r.Attachments, a.Name)
		}
		r.Thread = i.Thread
		all = append(all, r)
	}
	slices.SortFunc(all, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.Subject, b.Subject), cmp.Compare(a.At, b.At), slices.Compare(a.Links, b.Links))
	})
	threads := map[string]string{}
	for i := range all {
		thread := all[i].Thread
		if threads[thread] == "" {
			threads[thread] = string(rune('a' + len(threads)))
		}
		all[i].Thread = threads[thread]
	}
	return all
}

// mailServer has the mailboxes of all cases.
type mailServer struct {
	*servertest.DovecotServer
	free chan string // users whose mailbox was not used so far
}

const mailboxes = 300

func newMailServer(t *testing.T) *mailServer {
	t.Helper()
	m := &mailServer{free: make(chan string, mailboxes)}
	users := make([]string, mailboxes)
	for i := range users {
		user := fmt.Sprintf("box%03d", i)
		users[i] = user + ":" + servertest.Password
		m.free <- user
	}
	m.DovecotServer = servertest.Dovecot(t, servertest.DovecotOptions{Users: users})
	return m
}

// sent returns how many bytes the server has sent to a user, in all sessions so far.
func (m *mailServer) sent(t testing.TB, user string) (bytes int) {
	t.Helper()
	logout := regexp.MustCompile(`imap\(` + user + `\).* out=(\d+) `)
	eventually(t, "the server notes the logout", func() bool {
		bytes = 0
		found := logout.FindAllStringSubmatch(m.Log(t), -1)
		for _, session := range found {
			bytes += atoi(t, session[1])
		}
		return len(found) > 0
	})
	return bytes
}

// caseSite is a register with mailboxes of its own.
type caseSite struct {
	*site
	server *mailServer
	url    string            // of the accounts' server
	users  map[string]string // the user whose mailbox an account reads
}

// open makes the register of a case and delivers the case's mail.
func (m *mailServer) open(t *testing.T, c hardCase) *caseSite {
	t.Helper()
	users := map[string]string{"alice": <-m.free}
	for _, who := range c.others {
		users[who.name] = <-m.free
	}
	s := newCaseSite(t, c, m.URL("imap"), users)
	s.server = m
	for _, msg := range c.mail {
		s.deliver(msg)
	}
	return s
}

// newCaseSite makes the register of a case, for accounts of these users on the
// server at a URL.
func newCaseSite(t *testing.T, c hardCase, url string, users map[string]string) *caseSite {
	t.Helper()
	s := &caseSite{site: &site{t: t, dir: t.TempDir(), env: map[string]string{}}, url: url, users: users}
	s.write("password", servertest.Password+"\n")
	s.configure(c)
	contacts := cmp.Or(c.contacts, "Ann Doe,ann@client.test")
	if !strings.Contains(contacts, "name,email\n") {
		contacts = "name,email\n" + contacts
	}
	s.importContacts(contacts + "\n")
	return s
}

// configure writes the configuration of a case, again if need be.
func (s *caseSite) configure(c hardCase) {
	s.t.Helper()
	alice := colleague{name: "alice", addresses: []string{"alice@example.test", "alice@alias.test"}, lines: c.account}
	toml := fmt.Sprintf("database = \"sqlite://%s\"\nown_domains = [\"example.test\"]\ntime_zone = \"UTC\"\n%s\n",
		s.path("kith.db"), c.top)
	if !strings.Contains(c.top, "since") {
		toml = "since = \"2000-01-01\"\n" + toml
	}
	toml += "[policy]\n" + c.policy + "\n"
	for _, who := range append([]colleague{alice}, c.others...) {
		toml += fmt.Sprintf("[[account]]\nname = %q\nkind = \"imap\"\nowner = %q\naddresses = [\"%s\"]\nusername = %q\n",
			who.name, who.addresses[0], strings.Join(who.addresses, `", "`), s.users[who.name])
		if !strings.Contains(who.lines, "password_file") {
			toml += "password_file = \"password\"\n"
		}
		if !strings.Contains(who.lines, "url") {
			toml += fmt.Sprintf("url = %q\n", s.url)
		}
		toml += who.lines + "\n"
	}
	s.write("kith.toml", toml)
}

// deliver puts a message into a mailbox.
func (s *caseSite) deliver(msg mail) {
	s.t.Helper()
	if msg.at.IsZero() {
		msg.at = arrived
	}
	raw := strings.ReplaceAll(msg.raw, "\n", "\r\n")
	s.server.Deliver(s.t, s.users[cmp.Or(msg.of, "alice")], cmp.Or(msg.in, "INBOX"), msg.at, msg.flags, []byte(raw))
}

// unchanged asserts E25 for all mailboxes of the site.
func (s *caseSite) unchanged() {
	s.t.Helper()
	for _, user := range s.users {
		s.server.Unchanged(s.t, user)
	}
}

// poll polls all accounts once and adds their results up.
func (s *caseSite) poll(flags ...string) syncResult {
	s.t.Helper()
	sum := syncResult{Skipped: map[kith.Reason]int{}}
	for _, r := range jsonLinesOf[syncResult](s.t, s.must(append([]string{"--json", "sync"}, flags...)...)) {
		sum.Items += r.Items
		sum.New += r.New
		sum.Known += r.Known
		sum.Quarantined += r.Quarantined
		for reason, n := range r.Skipped {
			sum.Skipped[reason] += n
		}
	}
	outcomes := sum.New + sum.Known + sum.Quarantined
	for _, n := range sum.Skipped {
		outcomes += n
	}
	if outcomes != sum.Items {
		s.t.Errorf("%d messages, but %d outcomes: %+v", sum.Items, outcomes, sum)
	}
	return sum
}

// check compares the register with what it must be.
func (s *caseSite) check(when string, want ...row) {
	s.t.Helper()
	got := rows(s.interactions())
	var full []row
	for i, w := range want {
		w = w.full()
		if i < len(got) {
			if w.People == nil {
				got[i].People = nil
			}
			if w.Attachments == nil {
				got[i].Attachments = nil
			}
			if w.Thread == "" {
				got[i].Thread = ""
			}
			if w.Owner == "" {
				got[i].Owner = ""
			}
		}
		full = append(full, w)
	}
	if diff := gocmp.Diff(full, got, cmpopts.EquateEmpty()); diff != "" {
		s.t.Errorf("the register %s (-want +got):\n%s", when, diff)
	}
}

// try is the test of a case.
func (c hardCase) try(t *testing.T, m *mailServer) {
	s := m.open(t, c)
	s.unchanged()
	first := s.poll()
	if diff := gocmp.Diff(c.skipped, first.Skipped, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("skipped by reason (-want +got):\n%s", diff)
	}
	if first.Quarantined > 0 {
		t.Errorf("%d messages are in quarantine", first.Quarantined)
	}
	s.check("after the first pass", c.want...)
	// Whatever is read again is found again.
	if again := s.poll("--full"); again.New != 0 || again.Known != first.New+first.Known {
		t.Errorf("a full pass: %+v; the first was %+v", again, first)
	}
	s.check("after a full pass", c.want...)
}

// files returns all that is on the disk of the register.
func (s *caseSite) files() string {
	s.t.Helper()
	paths, err := filepath.Glob(s.path("kith.db*"))
	if err != nil || len(paths) == 0 {
		s.t.Fatalf("no database files: %v", err)
	}
	var all strings.Builder
	for _, path := range paths {
		all.WriteString(readFile(s.t, path))
	}
	return all.String()
}

// story is a case of several steps.
type story struct {
	name string
	tell func(t *testing.T, m *mailServer)
}

func TestHardCases(t *testing.T) {
	m := newMailServer(t)
	for _, group := range []struct {
		name    string
		cases   [][]hardCase
		stories []story
	}{
		{"A header and structure", [][]hardCase{addressCases, fieldCases, structureCases}, sizeStories},
		{"B identity", [][]hardCase{identityCases}, identityStories},
		{"C direction", [][]hardCase{directionCases}, directionStories},
		{"D same and thread", [][]hardCase{sameCases}, sameStories},
		{"E lines and folders", nil, slices.Concat(lineStories, folderStories)},
		{"H privacy", [][]hardCase{privacyCases}, privacyStories},
	} {
		t.Run(group.name, func(t *testing.T) {
			t.Parallel()
			for _, c := range slices.Concat(group.cases...) {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.try(t, m)
				})
			}
			for _, c := range group.stories {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					c.tell(t, m)
				})
			}
		})
	}
}

func readFile(t testing.TB, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func atoi(t testing.TB, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
