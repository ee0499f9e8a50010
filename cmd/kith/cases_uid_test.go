package main

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"kith"
	"kith/servertest"
)

// scriptedStory is a case of several steps on a scripted server.
type scriptedStory struct {
	name string
	tell func(t *testing.T)
}

// pollLog polls once and returns, beside the result, what was logged.
func (s *caseSite) pollLog() (result syncResult, log string) {
	s.t.Helper()
	code, stdout, stderr := s.run("--json", "sync")
	results := jsonLinesOf[syncResult](s.t, stdout)
	if code != exitDone || len(results) != 1 {
		s.t.Fatalf("kith sync: exit code %d\n%s", code, stderr)
	}
	return results[0], stderr
}

// uidStories are about the numbers that servers give to messages and folders.
var uidStories = []scriptedStory{
	{"E01 the last message is returned again, whatever is asked for: it is ignored", func(t *testing.T) {
		b := newScriptedBox(t, hardCase{}, func(b *scriptedBox) { b.inbox.NoNext = true }, upTo(3)...)
		b.poll()
		b.Change(func() {
			b.inbox.UIDs = upTo(5)
			b.inbox.Searched = func(uids []uint32) []uint32 { return append([]uint32{1, 3}, uids...) }
		})
		if got := b.poll(); got.Items != 2 || got.New != 2 {
			t.Errorf("two new messages: %+v", got)
		}
		b.Change(func() { b.inbox.Searched = func([]uint32) []uint32 { return []uint32{5} } })
		for range 2 {
			if got := b.poll(); got.Items != 0 {
				t.Errorf("nothing is new, and the server returns the last message: %+v", got)
			}
		}
		b.check("in the end", offers(upTo(5)...)...)
		b.healthy("in the end")
	}},
	{"E03 UIDVALIDITY is absent or 0: it works, and warns once", func(t *testing.T) {
		for _, says := range []string{"", "* OK [UIDVALIDITY 0] ok"} {
			b := newScriptedBox(t, hardCase{}, func(b *scriptedBox) {
				b.inbox.Validity = 0
				b.inbox.Examined = func(c *servertest.ScriptConn) bool {
					if says != "" {
						c.Send("%s", says)
					}
					return true
				}
			}, upTo(5)...)
			first, log := b.pollLog()
			if first.New != 5 || strings.Count(log, "UIDVALIDITY") != 1 {
				t.Errorf("%q: %+v, log %s", says, first, log)
			}
			b.check("after the first pass", offers(upTo(5)...)...)
			b.Change(func() { b.inbox.UIDs = upTo(7) })
			second, log := b.pollLog()
			if second.New != 2 || second.Items != 2 || strings.Contains(log, "UIDVALIDITY") {
				t.Errorf("%q, new mail: %+v, log %s", says, second, log)
			}
			// The server begins to give one: all is read again, and stays one.
			b.Change(func() { b.inbox.Validity, b.inbox.Examined = 9, nil })
			if got := b.poll(); got.New != 0 || got.Known != 7 {
				t.Errorf("%q, then a UIDVALIDITY: %+v", says, got)
			}
			b.healthy("in the end")
			if got := len(b.interactions()); got != 7 {
				t.Errorf("%q: %d interactions", says, got)
			}
		}
	}},
	{"E03 UIDVALIDITY is absent for once: nothing is read again", func(t *testing.T) {
		b := newScriptedBox(t, hardCase{}, nil, upTo(3)...)
		b.poll()
		b.Change(func() { b.inbox.Validity, b.inbox.UIDs = 0, upTo(4) })
		if got, log := b.pollLog(); got.Items != 1 || got.New != 1 || !strings.Contains(log, "no UIDVALIDITY this time") {
			t.Errorf("without it: %+v, log %s", got, log)
		}
		b.Change(func() { b.inbox.Validity, b.inbox.UIDs = 7, upTo(5) })
		if got := b.poll(); got.Items != 1 || got.New != 1 {
			t.Errorf("with it: %+v", got)
		}
		b.check("in the end", offers(upTo(5)...)...)
	}},
	{"E04 UIDNEXT is absent: it is worked out from the last message", func(t *testing.T) {
		b := newScriptedBox(t, hardCase{}, func(b *scriptedBox) { b.inbox.NoNext = true }, upTo(5)...)
		b.poll()
		b.Change(func() { b.inbox.UIDs = upTo(7) })
		if got := b.poll(); got.Items != 2 || got.New != 2 {
			t.Errorf("new mail: %+v", got)
		}
		// The last one goes: what is worked out goes back, and the folder is not another.
		b.Change(func() { b.inbox.UIDs = upTo(6) })
		if got := b.poll(); got.Items != 0 {
			t.Errorf("the last message is gone: %+v", got)
		}
		b.Change(func() { b.inbox.UIDs = append(upTo(6), 8) })
		if got := b.poll(); got.Items != 1 || got.New != 1 {
			t.Errorf("new mail after that: %+v", got)
		}
		b.check("in the end", offersBut([]uint32{7}, upTo(8)...)...)
		b.healthy("in the end")
	}},
	{"E24 E31 a million messages, and a SEARCH that returns all their UIDs in one line", func(t *testing.T) {
		const n = 1_000_000
		c := hardCase{top: "since = \"2025-03-01\""}
		b := newScriptedBox(t, c, func(b *scriptedBox) {
			b.Caps = "IMAP4rev1"
			b.inbox.Internal = func(uid uint32) time.Time {
				if uid <= n-10 {
					return arrived.AddDate(-1, 0, 0)
				}
				return arrived
			}
		}, upTo(n)...)
		first := b.poll()
		if first.New != 10 || first.Skipped[kith.ReasonBeforeHorizon] != n-10 {
			t.Errorf("the first pass: %+v", first)
		}
		all := 0
		b.Change(func() {
			b.inbox.UIDs = append(butFor(b.inbox.UIDs, 7, n-5), n+1)
			b.inbox.Searched = func(uids []uint32) []uint32 {
				if all++; all > 2 { // for what is new, and for what is gone
					return uids
				}
				return b.inbox.UIDs
			}
		})
		if got := b.poll(); got.Items != 1 || got.New != 1 {
			t.Errorf("one new message, two are gone: %+v", got)
		}
		if all < 3 {
			t.Errorf("%d searches: the test proves nothing", all)
		}
		var last []uint32
		for uid := uint32(n - 9); uid <= n+1; uid++ {
			last = append(last, uid)
		}
		b.check("in the end", offersBut([]uint32{n - 5}, last...)...)
		b.healthy("in the end")
	}},
	{"E34 the server's clock goes wrong between two runs: nothing is lost or taken for old", func(t *testing.T) {
		c := hardCase{top: `since = "2025-01-01"`}
		b := newScriptedBox(t, c, nil, 1)
		b.poll()
		for i, year := range []int{1970, 2050, 2025} {
			b.Change(func() {
				b.inbox.UIDs = upTo(uint32(i) + 2)
				b.inbox.Internal = func(uint32) time.Time { return time.Date(year, 4, 1, 0, 0, 0, 0, time.UTC) }
			})
			if got := b.poll(); got.New != 1 || got.Items != 1 {
				t.Errorf("the server says %d: %+v", year, got)
			}
		}
		var subjects []string
		for _, r := range rows(b.interactions()) {
			subjects = append(subjects, r.Subject)
		}
		if got := strings.Join(subjects, ", "); got != "offer 1, offer 2, offer 3, offer 4" {
			t.Errorf("the register has %s", got)
		}
		if got := b.poll("--full"); got.New != 0 {
			t.Errorf("a full pass: %+v", got)
		}
	}},
	{"E39 the greatest UIDs and UIDVALIDITY there can be", func(t *testing.T) {
		const top = math.MaxUint32
		b := newScriptedBox(t, hardCase{}, func(b *scriptedBox) { b.inbox.Validity, b.inbox.Next = top, top-1 }, 5, 1<<31-1, 1<<31, 1<<31+1, top-2)
		b.poll()
		b.Change(func() { b.inbox.UIDs, b.inbox.Next = append(b.inbox.UIDs, top-1), top })
		if got := b.poll(); got.Items != 1 || got.New != 1 {
			t.Errorf("the last but one: %+v", got)
		}
		b.Change(func() { b.inbox.UIDs, b.inbox.NoNext = append(b.inbox.UIDs, top), true }) // RFC 9051 §9: UIDNEXT has 32 bits, too
		if got := b.poll(); got.Items != 1 || got.New != 1 {
			t.Errorf("the last: %+v", got)
		}
		if got := b.poll(); got.Items != 0 {
			t.Errorf("after the last: %+v", got)
		}
		b.check("in the end", offers(5, 1<<31-1, 1<<31, 1<<31+1, top-2, top-1, top)...)
		for _, i := range b.interactions() {
			want := fmt.Sprintf("%d:%s", uint32(top), strings.TrimPrefix(i.Subject, "offer "))
			if got := i.Evidence[0].Ref; got != want {
				t.Errorf("%s was seen as %s, want %s", i.Subject, got, want)
			}
			if text := b.must("explain", "alice/INBOX/"+want); !strings.Contains(text, i.ID.String()) {
				t.Errorf("explain %s does not find it:\n%s", want, text)
			}
		}
	}},
	{"E42 one folder without UIDNEXT and UIDVALIDITY, one that can't be opened: the others go on", func(t *testing.T) {
		folder := func(name string, uids ...uint32) *servertest.Folder {
			f := newOffers(uids...)
			f.Name = name
			return f
		}
		b := newScriptedBox(t, hardCase{}, func(b *scriptedBox) {
			bare, refused := folder("Bare", 3, 4), folder("Refused", 5)
			bare.Validity, bare.NoNext = 0, true
			refused.Examined = func(c *servertest.ScriptConn) bool {
				c.No("[CANNOT] not with this program")
				return false
			}
			b.Folders = append(b.Folders, bare, refused, folder("Zoo", 6))
		}, 1, 2)
		code, _, stderr := b.run("--json", "sync")
		if code != exitFailed || !strings.Contains(stderr, "Bare") {
			t.Errorf("exit code %d\n%s", code, stderr)
		}
		b.check("after the first pass", offers(1, 2, 3, 4, 6)...)
		account, _ := b.health("alice")
		if account.State != kith.StateFailing || !strings.Contains(said(account.Error), "Refused") {
			t.Errorf("state %s, %s", account.State, said(account.Error))
		}
		for _, stream := range account.Streams {
			if failed := stream.Error != nil; failed != (stream.Name == "Refused") {
				t.Errorf("%s: %s", stream.Name, said(stream.Error))
			}
		}
		b.Change(func() {
			b.Folders[1].UIDs = append(b.Folders[1].UIDs, 7)
			b.Folders[2].Examined = nil
		})
		if got := b.poll(); got.New != 2 || got.Items != 2 {
			t.Errorf("the folder can be opened, new mail in the bare one: %+v", got)
		}
		b.check("in the end", offers(upTo(7)...)...)
		b.healthy("in the end")
	}},
	{"E40 other users' and public folders are left out, unless they are named", func(t *testing.T) {
		c := hardCase{}
		b := newScriptedBox(t, c, func(b *scriptedBox) {
			b.Caps, b.Namespace = "IMAP4rev1 NAMESPACE", `(("" "/")) (("Other Users/" "/")) (("Shared/" "/"))`
			for i, name := range []string{"Work", "Other Users/bob", "Shared/sales", "Shared/legal"} {
				f := newOffers(uint32(i) + 2)
				f.Name = name
				b.Folders = append(b.Folders, f)
			}
		}, 1)
		b.poll()
		b.check("by default", offers(1, 2)...)
		c.account = `include = ["*", "Shared/sales"]`
		b.configure(c)
		b.poll()
		b.check("with one that is named", offers(1, 2, 4)...)
		for _, f := range b.Sent("EXAMINE") {
			if strings.Contains(f, "bob") || strings.Contains(f, "legal") {
				t.Errorf("it was opened: %s", f)
			}
		}
	}},
}
