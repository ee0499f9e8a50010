package main

import (
	"cmp"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kith"
)

// The hard cases go the whole way here: from the bytes in a mailbox of a real
// server through parser, matcher, store and syncer to what a command prints.
// Each has a mailbox and a register of its own, and each is tried on both stores; one
// server has all mailboxes.

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

// story is a case of several steps.
type story struct {
	name string
	tell func(t *testing.T, m *mailServer)
}

func TestHardCases(t *testing.T) {
	m := newMailServer(t)
	for _, on := range []struct {
		store  string
		server *mailServer
	}{{"SQLite", m}, {"PostgreSQL", m.on(sharedRegister)}} {
		t.Run(on.store, func(t *testing.T) {
			t.Parallel()
			tryHardCases(t, on.server)
		})
	}
}

func tryHardCases(t *testing.T, m *mailServer) {
	for _, group := range []struct {
		name    string
		cases   [][]hardCase
		stories []story
	}{
		{"A header and structure", [][]hardCase{addressCases, fieldCases, structureCases}, sizeStories},
		{"B identity", [][]hardCase{identityCases, companyCases}, slices.Concat(identityStories, ownStories, lookBackStories, mergeStories)},
		{"C direction", [][]hardCase{directionCases}, directionStories},
		{"D same and thread", [][]hardCase{sameCases}, sameStories},
		{"E lines and folders", nil, slices.Concat(lineStories, folderStories)},
		{"G contacts that are made", nil, createStories()},
		{"H privacy", [][]hardCase{privacyCases}, slices.Concat(privacyStories, reviewStories, eraseStories)},
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
