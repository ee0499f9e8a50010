package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/servertest"
	"kith/store"
	syncer "kith/sync"
)

// oddAnswer is what a server with nine letters says wrongly.
type oddAnswer struct {
	name       string
	setup      func(b *scriptedBox)
	unreadable []uint32 // until the server is mended
	expunged   []uint32 // before they were read
	lost       []uint32 // expunged after they were read
}

// instead lets the response for some messages be another.
func instead(response string, uids ...uint32) func(b *scriptedBox) {
	return func(b *scriptedBox) {
		b.inbox.Fetched = func(_ *servertest.ScriptConn, uid uint32, _, usual string) string {
			if !slices.Contains(uids, uid) {
				return usual
			}
			return strings.ReplaceAll(response, "UID", fmt.Sprint(uid))
		}
	}
}

// before lets something untagged come before the response for a message, the first time.
func before(uid uint32, untagged string) func(b *scriptedBox) {
	return func(b *scriptedBox) {
		sent := false
		b.inbox.Fetched = func(_ *servertest.ScriptConn, got uint32, _, usual string) string {
			if got == uid && !sent {
				sent = true
				return untagged + usual
			}
			return usual
		}
	}
}

// structured lets the BODYSTRUCTURE of a message be this.
func structured(uid uint32, structure string) func(b *scriptedBox) {
	return func(b *scriptedBox) {
		b.inbox.Structure = func(got uint32) string {
			if got == uid {
				return structure
			}
			return ""
		}
	}
}

var oddAnswers = []oddAnswer{
	{
		name: "E07 expunged between SEARCH and FETCH: no error, and nothing to try again",
		setup: func(b *scriptedBox) {
			b.inbox.Fetched = func(_ *servertest.ScriptConn, uid uint32, _, usual string) string {
				if uid == 4 {
					b.inbox.Searched = func(uids []uint32) []uint32 { return butFor(uids, 4) }
					return ""
				}
				return usual
			}
		},
		expunged: []uint32{4},
	},
	{
		name: "E08 FETCH omits a UID once: asked for again",
		setup: func(b *scriptedBox) {
			omitted := false
			b.inbox.Fetched = func(_ *servertest.ScriptConn, uid uint32, _, usual string) string {
				if uid == 4 && !omitted {
					omitted = true
					return ""
				}
				return usual
			}
		},
	},
	{
		name:       "E08 FETCH omits a UID each time, though SEARCH finds it: tried again later",
		setup:      instead("", 4),
		unreadable: []uint32{4},
	},
	{
		name:  "E22 BODYSTRUCTURE that is not balanced: read without it",
		setup: structured(4, `(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 7 1) "MIXED"`),
	},
	{
		name:  "E22 BODYSTRUCTURE is NIL",
		setup: structured(9, "NIL"),
	},
	{
		name:  "E22 an inner ENVELOPE with an odd address",
		setup: structured(4, `("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 7 ("x" NIL (BAD) NIL NIL NIL NIL NIL NIL NIL) `+servertest.PlainText+` 1)`),
	},
	{
		name: "E22 INTERNALDATE that is none",
		setup: func(b *scriptedBox) {
			b.inbox.Fetched = func(_ *servertest.ScriptConn, uid uint32, _, usual string) string {
				if uid == 4 {
					return strings.Replace(usual, " 3-Mar-2025", "31-Feb-2025", 1)
				}
				return usual
			}
		},
	},
	{
		name:       "E23 a poison message among others",
		setup:      instead("* 4 FETCH (UID 4 FLAGS BODY[] {x}\r\n", 4),
		unreadable: []uint32{4},
	},
	{
		name:       "E23 two poison messages side by side, and one at each end",
		setup:      instead("* UID FETCH (UID UID FLAGS oops)\r\n", 1, 4, 5, 9),
		unreadable: []uint32{1, 4, 5, 9},
	},
	{
		name: "E23 a message at which the server hangs up",
		setup: func(b *scriptedBox) {
			b.inbox.Fetched = func(c *servertest.ScriptConn, uid uint32, _, usual string) string {
				if uid == 4 {
					c.Reset()
				}
				return usual
			}
		},
		unreadable: []uint32{4},
	},
	{
		name:  "E30 untagged EXISTS, RECENT and OK in the middle",
		setup: before(2, "* 12 EXISTS\r\n* 3 RECENT\r\n* OK [ALERT] hello\r\n"),
	},
	{
		name:  "E30 a change of flags told before the answer for the same message",
		setup: before(4, "* 4 FETCH (UID 4 FLAGS (\\Seen))\r\n"),
	},
	{
		name:  "E30 an untagged response that nobody knows",
		setup: before(4, "* XNEWS 1 2 3\r\n"),
	},
	{
		name:  "E30 an untagged response with a literal",
		setup: before(4, "* OK [ALERT] see {5}\r\n* LIST () \"/\" {5}\r\nINBOX\r\n"),
	},
	{
		name: "E30 the strings of the structure as literals",
		setup: func(b *scriptedBox) {
			b.inbox.Structure = func(uint32) string {
				return "({4}\r\nTEXT {5}\r\nPLAIN NIL NIL {0}\r\n {4}\r\n7BIT 7 1 NIL NIL NIL NIL)"
			}
		},
	},
	{
		name: "E30 EXPUNGE of another message in the middle",
		setup: func(b *scriptedBox) {
			b.inbox.Fetched = func(_ *servertest.ScriptConn, uid uint32, _, usual string) string {
				if uid == 8 {
					b.inbox.Fetched = nil
					b.inbox.UIDs = butFor(b.inbox.UIDs, 2)
					return "* 2 EXPUNGE\r\n" + strings.Replace(usual, "* 8", "* 7", 1)
				}
				return usual
			}
		},
		lost: []uint32{2},
	},
	{
		name:  "E31 SEARCH without ESEARCH",
		setup: func(b *scriptedBox) { b.Caps = "IMAP4rev1" },
	},
	{
		name: "E31 SEARCH in any order, and a number twice",
		setup: func(b *scriptedBox) {
			b.Caps = "IMAP4rev1"
			b.inbox.Searched = func(uids []uint32) []uint32 {
				slices.Reverse(uids)
				return append(uids, uids...)
			}
		},
	},
}

// try polls the odd server, then one that is mended: in the end all that is there is
// recorded, once.
func (o oddAnswer) try(t *testing.T) {
	all := upTo(9)
	b := newScriptedBox(t, hardCase{}, o.setup, all...)
	read := butFor(all, slices.Concat(o.unreadable, o.expunged)...)
	if got := b.poll(); got.New != len(read) || got.Quarantined != len(o.unreadable) {
		t.Errorf("the first pass: %+v; want %d new, %d in quarantine", got, len(read), len(o.unreadable))
	}
	b.inQuarantine(o.unreadable)
	if again := b.poll(); again.Items > 0 {
		t.Errorf("a second pass: %+v, though nothing is new or due", again)
	}
	b.check("before the server is mended", offersBut(o.lost, read...)...)

	b.Change(func() {
		b.inbox.UIDs = butFor(b.inbox.UIDs, o.expunged...)
		b.inbox.Fetched, b.inbox.Structure, b.inbox.Searched = nil, nil, nil
	})
	b.wait(48 * time.Hour)
	if got := b.poll(); got.New != len(o.unreadable) || got.Quarantined != 0 {
		t.Errorf("the server is mended: %+v; want %d new", got, len(o.unreadable))
	}
	there := butFor(all, o.expunged...)
	b.check("once the server is mended", offersBut(o.lost, there...)...)
	b.healthy("once the server is mended")
	if got := b.poll("--full"); got.New != 0 || got.Known != len(butFor(there, o.lost...)) {
		t.Errorf("a full pass: %+v", got)
	}
	b.check("after a full pass", offersBut(o.lost, there...)...)
}

// inQuarantine asserts that these messages could not be read, and that everybody is
// told who may want to know, but nothing of what is in them.
func (b *scriptedBox) inQuarantine(uids []uint32) {
	b.t.Helper()
	account, code := b.health("alice")
	if code != exitDone || account.State != kith.StateOK || account.Streams[0].Quarantined != len(uids) {
		b.t.Errorf("status: exit code %d, %+v; want %d in quarantine", code, account, len(uids))
	}
	var refs, want []string
	b.withStore(func(st store.Store) error {
		all, err := st.Quarantine(b.t.Context(), "alice")
		for _, q := range all {
			refs = append(refs, q.Ref)
			if q.Cause == "" || strings.Contains(q.Cause, "offer") || strings.Contains(q.Cause, "client.test") || !q.NextTry.After(b.now()) {
				b.t.Errorf("in quarantine: %+v", q)
			}
		}
		return err
	})
	for _, uid := range uids {
		want = append(want, fmt.Sprintf("7:%d", uid))
	}
	slices.Sort(refs)
	if diff := cmp.Diff(want, refs); diff != "" {
		b.t.Errorf("in quarantine (-want +got):\n%s", diff)
	}
	if len(uids) == 0 {
		return
	}
	if code, stdout, _ := b.run("doctor", "--offline"); code != exitPartly || !strings.Contains(stdout, fmt.Sprintf("%d messages could not be read", len(uids))) {
		b.t.Errorf("doctor: exit code %d\n%s", code, stdout)
	}
	e := jsonLinesOf[syncer.Explanation](b.t, b.must("--json", "explain", "alice/INBOX/"+want[0]))
	if len(e) != 1 || e[0].Outcome != "quarantined" {
		b.t.Errorf("explain: %+v", e)
	}
}

// offersBut are the rows of letters with these numbers, of which some are no
// longer in the mailbox.
func offersBut(lost []uint32, numbers ...uint32) []row {
	all := offers(numbers...)
	for _, gone := range offers(lost...) {
		i := slices.IndexFunc(all, func(r row) bool { return r.Subject == gone.Subject })
		all[i].Evidence, all[i].Gone = -1, 1
	}
	return all
}
