package imapsource_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/servertest"
	"kith/sync/imapsource"
)

// newPeople makes a box with a message for each header.
func newPeople(headers ...string) *box {
	inbox := servertest.NewInbox(func(uid uint32) string {
		return fmt.Sprintf("Subject: letter %d\r\nDate: Sun, 1 Mar 2026 10:00:00 +0000\r\n%s\r\n\r\n", uid, headers[(uid-1)%uint32(len(headers))])
	}, march, uidsTo(uint32(len(headers)))...)
	return &box{servertest.NewMailbox(inbox), inbox}
}

func TestSearchLooksWhereLinksComeFrom(t *testing.T) {
	t.Parallel()
	b := newPeople(
		"From: Ann <ann@client.test>\r\nTo: alice@example.test",
		"From: bo@client.test\r\nTo: ANN@client.test",
		"From: bo@client.test\r\nCc: x@y.test,\r\n ann@client.test",
		"From: alice@example.test\r\nBcc: ann@client.test",
		"From: bo@client.test\r\nSender: ann@client.test",
		"From: forms@site.test\r\nReply-To: ann@client.test",
		"From: list@lists.test\r\nX-Original-From: ann@client.test",
		"From: bo@client.test\r\nSubject: ann@client.test",
		"From: ann+tag@client.test\r\nTo: alice@example.test",
	)
	for _, tt := range []struct {
		name      string
		addresses []string
		want      []int
	}{
		{"all fields that link, and no other", []string{"ann@client.test"}, []int{1, 2, 3, 4, 5, 6, 7}},
		{"B04 with any tag", []string{"ann@client.test", "ann+*@client.test"}, []int{1, 2, 3, 4, 5, 6, 7, 9}},
		{"two", []string{"bo@client.test", "forms@site.test"}, []int{2, 3, 5, 6, 8}},
		{"nobody", []string{"eve@other.test"}, nil},
		{"no address at all", nil, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := b.start(t, 3)
			got, err := search(t, s, tt.addresses...)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(letters(tt.want...), subjects(got)); diff != "" {
				t.Errorf("found (-want +got):\n%s", diff)
			}
		})
	}
}

func search(t testing.TB, s *imapsource.Source, addresses ...string) (batches []kith.Batch, err error) {
	t.Helper()
	for batch, e := range s.Search(t.Context(), inbox(), addresses) {
		if err = e; err == nil {
			batches = append(batches, batch)
		}
	}
	return batches, err
}

func TestSearchCommandsAreBounded(t *testing.T) {
	t.Parallel()
	b := newBox(uidsTo(12_001)...)
	b.Refuses = func(c *servertest.ScriptConn, criteria string) bool {
		if n := len(criteria); n > 8192 {
			t.Errorf("a SEARCH of %d bytes", n)
		}
		return false
	}
	s := b.start(t, 1000)
	var many []string
	for n := range 60 {
		many = append(many, fmt.Sprintf("%s-%d@a-domain-of-some-length.client.test", strings.Repeat("x", n), n))
	}
	if got, err := search(t, s, many...); err != nil || len(got) > 0 {
		t.Errorf("found %v, %v", subjects(got), err)
	}
	sent := b.Sent("UID SEARCH")
	if len(sent) < 9 || len(sent)%3 != 0 {
		t.Errorf("%d commands, want three windows for each of several groups", len(sent))
	}
	windows := map[string]bool{}
	for _, command := range sent {
		windows[strings.Fields(strings.TrimPrefix(command, "UID SEARCH RETURN (ALL) "))[0]] = true
	}
	if diff := cmp.Diff(map[string]bool{"7002:12001": true, "2002:7001": true, "1:2001": true}, windows); diff != "" {
		t.Errorf("windows (-want +got):\n%s", diff)
	}
}

func TestSearchKeepsTheHorizon(t *testing.T) {
	t.Parallel()
	b := newBox(uidsTo(4)...)
	long := march.AddDate(-1, 0, 0)
	b.Internal = func(uid uint32) time.Time {
		if uid < 3 {
			return long
		}
		return march
	}
	b.Hit = func(uint32, time.Time) bool { return true } // a server that ignores SINCE
	b.Header = func(uid uint32) string {
		return fmt.Sprintf("From: ann@client.test\r\nSubject: letter %d\r\nDate: %s\r\n\r\n", uid, b.Internal(uid).Format(time.RFC1123Z))
	}
	o := b.options(t, 10)
	o.Since = march.AddDate(0, -1, 0)
	got, err := search(t, open(t, o), "ann@client.test")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(letters(3, 4), subjects(got)); diff != "" {
		t.Errorf("found (-want +got):\n%s", diff)
	}
	if sent := b.Sent("UID SEARCH"); len(sent) != 1 || !strings.Contains(sent[0], "SINCE") {
		t.Errorf("commands: %q", sent)
	}
}

// Servers that can't search, or say what can't be: reading the folder again does it too.
func TestSearchThatIsOfNoUse(t *testing.T) {
	for _, tt := range []struct {
		name    string
		setup   func(b *box)
		want    bool // ErrNoSearch
		kind    kith.FaultKind
		letters []int
	}{
		{name: "NO", want: true, setup: func(b *box) {
			b.Refuses = func(c *servertest.ScriptConn, _ string) bool { c.No("can't search"); return true }
		}},
		{name: "BAD", want: true, setup: func(b *box) {
			b.Refuses = func(c *servertest.ScriptConn, _ string) bool { c.Bad("too long"); return true }
		}},
		{name: "NO [SERVERBUG], which may last", want: true, setup: func(b *box) {
			b.Refuses = func(c *servertest.ScriptConn, _ string) bool { c.No("[SERVERBUG] internal error"); return true }
		}},
		{name: "E20 NO [UNAVAILABLE]: another time", setup: func(b *box) {
			b.Refuses = func(c *servertest.ScriptConn, _ string) bool { c.No("[UNAVAILABLE] later"); return true }
		}, kind: kith.FaultTransient},
		{name: "E14 throttled: another time", setup: func(b *box) {
			b.Refuses = func(c *servertest.ScriptConn, _ string) bool { c.No("[THROTTLED] slowly"); return true }
		}, kind: kith.FaultThrottled},
		{name: "E15 BYE: another time", setup: func(b *box) {
			b.Refuses = func(c *servertest.ScriptConn, _ string) bool { c.Send("* BYE restarting"); c.Reset(); return true }
		}, kind: kith.FaultTransient},
		{name: "an answer that can't be read", want: true, setup: func(b *box) {
			b.Refuses = func(c *servertest.ScriptConn, _ string) bool { c.Send("* SEARCH one two"); c.OK("done"); return true }
		}},
		{name: "sequence numbers", want: true, setup: func(b *box) {
			b.Refuses = func(c *servertest.ScriptConn, _ string) bool {
				c.Send(`* ESEARCH (TAG "%s") ALL 1:3`, c.Tag)
				c.OK("done")
				return true
			}
		}},
		{name: "numbers that were never given out are passed over", letters: []int{3}, setup: func(b *box) {
			b.Searched = func([]uint32) []uint32 { return []uint32{3, 4_000_000_000, 77} }
		}},
		{name: "numbers that nobody asked for are looked at", letters: upTo(9), setup: func(b *box) {
			b.Searched = func([]uint32) []uint32 { return uidsTo(9) }
		}},
		{name: "four thousand million numbers in one range", want: true, setup: func(b *box) {
			b.Next = 4_000_000_001
			b.Refuses = func(c *servertest.ScriptConn, _ string) bool {
				c.Send(`* ESEARCH (TAG "%s") UID ALL 1:4000000000`, c.Tag)
				c.OK("done")
				return true
			}
		}},
		{name: "ten million numbers, one by one", want: true, setup: func(b *box) {
			b.Refuses = func(c *servertest.ScriptConn, _ string) bool {
				var line strings.Builder
				line.WriteString("* SEARCH")
				for n := range 10_000_000 {
					fmt.Fprintf(&line, " %d", 2*n+1)
				}
				c.Send("%s", line.String())
				c.OK("done")
				return true
			}
		}},
		{name: "more hits than is sensible", want: true, setup: func(b *box) {
			b.UIDs = uidsTo(10_001)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(uidsTo(9)...)
			tt.setup(b)
			got, err := search(t, b.start(t, 1000), "ann@client.test")
			if errors.Is(err, kith.ErrNoSearch) != tt.want || (err != nil) != (tt.want || tt.kind != "") {
				t.Fatalf("%d batches, error %v", len(got), err)
			}
			if kind, _ := kith.FaultOf(err); tt.kind != "" && kind != tt.kind {
				t.Errorf("the fault is %s, want %s: %v", kind, tt.kind, err)
			}
			if err != nil && strings.Contains(err.Error(), "ann@") {
				t.Errorf("the error names the address: %v", err)
			}
			if tt.letters != nil {
				slices.Sort(tt.letters)
				if diff := cmp.Diff(letters(tt.letters...), subjects(got)); diff != "" {
					t.Errorf("found (-want +got):\n%s", diff)
				}
			}
		})
	}
}

func TestSearchOnDovecot(t *testing.T) {
	t.Parallel()
	for _, caps := range []string{"", "IMAP4rev1"} {
		d := servertest.Dovecot(t, servertest.DovecotOptions{Caps: caps})
		for n, fields := range []string{
			"From: Ann <ann@client.test>", "From: x@y.test\r\nCc: \"Doe, Ann\" <ANN@client.test>", "From: x@y.test\r\nReply-To: ann@client.test",
			"From: x@y.test\r\nX-Original-From: ann@client.test", "From: info@m\u00fcnchen.test", "From: info@xn--mnchen-3ya.test", "From: ann+tag@client.test",
			"From: \"a b\"@client.test", "From: x@y.test\r\nBcc: ann@client.test", "From: x@y.test",
		} {
			d.Deliver(t, servertest.Alice, "INBOX", march, "", fmt.Appendf(nil, "Subject: letter %d\r\nDate: Sun, 1 Mar 2026 10:00:00 +0000\r\n%s\r\n\r\nann@client.test\r\n", n+1, fields))
		}
		for _, tt := range []struct {
			name      string
			addresses []string
			want      []int
		}{
			{"B17 all fields that link", []string{"ann@client.test"}, []int{1, 2, 3, 4, 9}},
			{"B04 any tag", []string{"ann@client.test", "ann+*@client.test"}, []int{1, 2, 3, 4, 7, 9}},
			{"A24 a domain in both forms", []string{"info@xn--mnchen-3ya.test"}, []int{5, 6}},
			{"a local part in quotes", []string{`"a b"@client.test`}, []int{8}},
			{"a domain", []string{"*@client.test"}, []int{1, 2, 3, 4, 7, 8, 9}},
		} {
			t.Run(tt.name+" "+caps, func(t *testing.T) {
				got, err := search(t, open(t, aliceAt(d.URL("imap"))), tt.addresses...)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(letters(tt.want...), subjects(got)); diff != "" {
					t.Errorf("found (-want +got):\n%s", diff)
				}
			})
		}
	}
}
