package imapsource_test

import (
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/servertest"
)

// Servers that behave oddly. The usual ones are in changes_test.go.

func wantSubjects(t *testing.T, batches []kith.Batch, want []string) {
	t.Helper()
	if diff := cmp.Diff(want, subjects(batches)); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

func failures(batches []kith.Batch) []kith.Failure {
	var list []kith.Failure
	for _, b := range batches {
		list = append(list, b.Failed...)
	}
	return list
}

func gone(batches []kith.Batch) []string {
	var list []string
	for _, b := range batches {
		list = append(list, b.Gone...)
	}
	return list
}

func TestOddAnswers(t *testing.T) {
	breaks := func(uid uint32, with string) func(*servertest.ScriptConn, uint32, string, string) string {
		return func(_ *servertest.ScriptConn, got uint32, _, response string) string {
			if got == uid {
				return with
			}
			return response
		}
	}
	for _, tt := range []struct {
		name    string
		setup   func(b *box)
		want    []int    // letters
		failed  []string // refs
		gone    []string
		warning string // in the message that was hard to read
	}{
		{
			name: "E07 expunged between SEARCH and FETCH",
			setup: func(b *box) {
				b.fetched = func(_ *servertest.ScriptConn, uid uint32, _, response string) string {
					b.searched = func(uids []uint32) []uint32 {
						return slices.DeleteFunc(uids, func(uid uint32) bool { return uid == 4 })
					}
					if uid == 4 {
						return ""
					}
					return response
				}
			},
			want: []int{1, 2, 3, 5, 6, 7, 8, 9}, gone: []string{"7:4"},
		},
		{
			name: "E08 FETCH omits a UID once",
			setup: func(b *box) {
				asked := 0
				b.fetched = func(_ *servertest.ScriptConn, uid uint32, _, response string) string {
					if uid == 4 {
						if asked++; asked == 1 {
							return ""
						}
					}
					return response
				}
			},
			want: upTo(9),
		},
		{
			name: "E08 FETCH omits a UID each time, though SEARCH finds it",
			setup: func(b *box) {
				b.fetched = breaks(4, "")
			},
			want: []int{1, 2, 3, 5, 6, 7, 8, 9}, failed: []string{"7:4"},
		},
		{
			name: "E22 BODYSTRUCTURE that is not balanced: read without it",
			setup: func(b *box) {
				b.structure = func(uid uint32) string {
					if uid == 4 {
						return `(("TEXT" "PLAIN" NIL NIL NIL "7BIT" 7 1) "MIXED"`
					}
					return ""
				}
			},
			want: upTo(9), warning: "structure",
		},
		{
			name: "E22 BODYSTRUCTURE is NIL",
			setup: func(b *box) {
				b.structure = func(uid uint32) string {
					if uid == 9 {
						return "NIL"
					}
					return ""
				}
			},
			want: upTo(9), warning: "structure",
		},
		{
			name: "E22 an inner ENVELOPE with an odd address",
			setup: func(b *box) {
				b.structure = func(uid uint32) string {
					if uid == 4 {
						return `("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 7 ("x" NIL (BAD) NIL NIL NIL NIL NIL NIL NIL) ` + plainText + ` 1)`
					}
					return ""
				}
			},
			want: upTo(9), warning: "structure",
		},
		{
			name: "E23 INTERNALDATE that is none: the header is read all the same",
			setup: func(b *box) {
				b.fetched = func(_ *servertest.ScriptConn, uid uint32, _, response string) string {
					if uid == 4 {
						return strings.Replace(response, " 1-Mar-2026", "31-Feb-2026", 1)
					}
					return response
				}
			},
			want: upTo(9), warning: "structure",
		},
		{
			name: "E23 a poison message among others",
			setup: func(b *box) {
				b.fetched = breaks(4, "* 4 FETCH (UID 4 FLAGS BODY[] {x}\r\n")
			},
			want: []int{1, 2, 3, 5, 6, 7, 8, 9}, failed: []string{"7:4"},
		},
		{
			name: "E23 two poison messages side by side, and one at each end",
			setup: func(b *box) {
				b.fetched = func(_ *servertest.ScriptConn, uid uint32, _, response string) string {
					if uid == 1 || uid == 4 || uid == 5 || uid == 9 {
						return fmt.Sprintf("* %d FETCH (UID %d FLAGS oops)\r\n", uid, uid)
					}
					return response
				}
			},
			want: []int{2, 3, 6, 7, 8}, failed: []string{"7:1", "7:4", "7:5", "7:9"},
		},
		{
			name: "E23 a message that breaks the connection before any answer, whatever else is asked for",
			setup: func(b *box) {
				b.fetched = func(c *servertest.ScriptConn, uid uint32, items, response string) string {
					if last := b.commands[len(b.commands)-1]; inSet(strings.Fields(last)[2], 6) {
						return "* NONSENSE\r\n"
					}
					return response
				}
			},
			want: []int{1, 2, 3, 4, 5, 7, 8, 9}, failed: []string{"7:6"},
		},
		{
			name: "E23 a message at which the server hangs up",
			setup: func(b *box) {
				b.fetched = func(c *servertest.ScriptConn, uid uint32, _, response string) string {
					if uid == 4 {
						c.Reset()
					}
					return response
				}
			},
			want: []int{1, 2, 3, 5, 6, 7, 8, 9}, failed: []string{"7:4"},
		},
		{
			name: "E30 untagged responses in the middle",
			setup: func(b *box) {
				b.fetched = func(_ *servertest.ScriptConn, uid uint32, _, response string) string {
					switch uid {
					case 2:
						return "* 12 EXISTS\r\n* 3 RECENT\r\n" + response
					case 4:
						return "* 9 EXPUNGE\r\n* OK [ALERT] hello\r\n" + response + "* 2 FETCH (FLAGS (\\Seen))\r\n"
					}
					return response
				}
			},
			want: upTo(9),
		},
		{
			name: "E30 a change of flags told before the answer for the same message",
			setup: func(b *box) {
				told := map[uint32]bool{}
				b.fetched = func(_ *servertest.ScriptConn, uid uint32, _, response string) string {
					if !told[uid] {
						told[uid] = true
						return fmt.Sprintf("* %d FETCH (UID %d FLAGS (\\Seen))\r\n", uid, uid) + response
					}
					return response
				}
			},
			want: upTo(9),
		},
		{
			name: "E30 an untagged response that nobody knows",
			setup: func(b *box) {
				sent := false
				b.fetched = func(_ *servertest.ScriptConn, uid uint32, _, response string) string {
					if uid == 4 && !sent {
						sent = true
						return "* XNEWS 1 2 3\r\n" + response
					}
					return response
				}
			},
			want: upTo(9),
		},
		{
			name: "E30 the header as a quoted string, the structure's strings as literals",
			setup: func(b *box) {
				b.structure = func(uint32) string {
					return "({4}\r\nTEXT {5}\r\nPLAIN NIL NIL {0}\r\n {4}\r\n7BIT 7 1 NIL NIL NIL NIL)"
				}
				b.fetched = func(_ *servertest.ScriptConn, uid uint32, _, response string) string {
					if uid != 4 {
						return response
					}
					head, _, _ := strings.Cut(response, " BODY[")
					return head + " BODY[HEADER.FIELDS (SUBJECT)] \"Subject: letter 4\")\r\n"
				}
			},
			want: upTo(9),
		},
		{
			name: "answers in the reverse order",
			setup: func(b *box) {
				slices.Reverse(b.uids)
				b.next = 10
			},
			want: upTo(9),
		},
		{
			name: "E31 SEARCH without ESEARCH",
			setup: func(b *box) {
				b.caps = "IMAP4rev1"
			},
			want: upTo(9),
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(uidsTo(9)...)
			tt.setup(b)
			s := b.start(t, 100)
			batches := poll(t, s, inbox(), "")
			wantSubjects(t, batches, letters(tt.want...))
			var failed []string
			for _, f := range failures(batches) {
				failed = append(failed, f.Ref)
				if f.Cause == "" || strings.Contains(f.Cause, "letter") {
					t.Errorf("%s: cause %q", f.Ref, f.Cause)
				}
			}
			slices.Sort(failed)
			if diff := cmp.Diff(tt.failed, failed); diff != "" {
				t.Errorf("failed (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.gone, gone(batches)); diff != "" {
				t.Errorf("gone (-want +got):\n%s", diff)
			}
			var told []string
			for _, batch := range batches {
				for _, item := range batch.Items {
					told = append(told, item.Message.Warnings...)
				}
			}
			if all := strings.Join(told, "; "); !strings.Contains(all, tt.warning) {
				t.Errorf("warnings of the messages are %q, want one of %q", all, tt.warning)
			}
			if more := poll(t, s, inbox(), after(batches, "")); len(subjects(more))+len(failures(more)) > 0 {
				t.Errorf("more came at the next poll: %v %v", subjects(more), failures(more))
			}
		})
	}
}

func TestE13ConnectionLostAfter40Of100(t *testing.T) {
	t.Parallel()
	b := newBox(1)
	s := b.start(t, 1000)
	from := after(poll(t, s, inbox(), ""), "")

	down := false
	b.change(func() {
		b.uids = uidsTo(101)
		b.fetched = func(c *servertest.ScriptConn, uid uint32, _, response string) string {
			if uid == 42 {
				down = true
				c.Reset()
			}
			return response
		}
		b.examined = func(c *servertest.ScriptConn) {
			if down {
				c.Reset()
			}
		}
	})
	batches, err := tryPoll(t, s, inbox(), from)
	if err == nil {
		t.Error("Changes ended without an error")
	}
	got := subjects(batches)
	if len(got) == 0 || len(got) > 40 {
		t.Fatalf("%d messages came, want up to 40", len(got))
	}
	kept := len(got)

	b.change(func() { b.fetched, b.examined = nil, nil })
	batches = poll(t, b.start(t, 1000), inbox(), after(batches, from))
	var rest []int
	for n := kept + 2; n <= 101; n++ {
		rest = append(rest, n)
	}
	wantSubjects(t, batches, letters(rest...))
}

func TestE03E04E42NoUIDValidityNoUIDNext(t *testing.T) {
	for _, tt := range []struct {
		name    string
		setup   func(b *box)
		warning string
	}{
		{"E03 UIDVALIDITY absent", func(b *box) { b.validity = 0 }, "UIDVALIDITY"},
		{"E04 UIDNEXT absent", func(b *box) { b.noNext = true }, "UIDNEXT"},
		{"E42 neither", func(b *box) { b.validity, b.noNext = 0, true }, "UIDNEXT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(uidsTo(7)...)
			b.next = 8
			tt.setup(b)
			s := b.start(t, 3)
			first := poll(t, s, inbox(), "")
			wantSubjects(t, first, letters(upTo(7)...))
			if !strings.Contains(warnings(first), tt.warning) {
				t.Errorf("warnings %q, want one of %s", warnings(first), tt.warning)
			}
			if more := poll(t, s, inbox(), after(first, "")); len(more) > 0 {
				t.Errorf("%d batches though nothing changed: %+v", len(more), more)
			}
			b.change(func() { b.uids, b.next = append(b.uids, 8, 9), 10 })
			second := poll(t, s, inbox(), after(first, ""))
			wantSubjects(t, second, letters(8, 9))

			// The last message goes: UIDNEXT, if it is worked out, goes back.
			b.change(func() { b.uids = b.uids[:8] })
			third := poll(t, s, inbox(), after(second, ""))
			wantSubjects(t, third, letters())
			for _, batch := range third {
				if batch.Restarted != "" {
					t.Errorf("began again: %s", batch.Restarted)
				}
			}
		})
	}
}

func TestE03UIDValidityAbsentForOnce(t *testing.T) {
	t.Parallel()
	b := newBox(uidsTo(3)...)
	s := b.start(t, 100)
	first := poll(t, s, inbox(), "")
	b.change(func() { b.validity = 0; b.uids = uidsTo(4) })
	second := poll(t, s, inbox(), after(first, ""))
	wantSubjects(t, second, letters(4))
	if !strings.Contains(warnings(second), "UIDVALIDITY") {
		t.Errorf("warnings %q, want one of UIDVALIDITY", warnings(second))
	}
	if got := second[0].Items[0].Ref; got != "7:4" {
		t.Errorf("ref %s, want 7:4", got)
	}
}

func TestLastMessageReturnedAgain(t *testing.T) {
	// E01
	t.Parallel()
	b := newBox(uidsTo(3)...)
	b.noNext = true
	s := b.start(t, 100)
	first := poll(t, s, inbox(), "")
	b.change(func() {
		b.uids = uidsTo(5)
		// Whatever range is asked for, the server adds the last message and old ones.
		b.searched = func(uids []uint32) []uint32 { return append([]uint32{1, 3}, uids...) }
	})
	second := poll(t, s, inbox(), after(first, ""))
	wantSubjects(t, second, letters(4, 5))
	b.change(func() { b.searched = func([]uint32) []uint32 { return []uint32{5} } })
	if third := poll(t, s, inbox(), after(second, "")); len(third) > 0 {
		t.Errorf("%d batches, want none: %+v", len(third), third)
	}
}

func TestE32SinceIsNotToBeRelied(t *testing.T) {
	since := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	// Messages 1 to 9 arrive a day apart, from 5 March; 6 arrives 10 March 10:00,
	// 7 on 11 March.
	internal := func(uid uint32) time.Time {
		return time.Date(2026, 3, 4+int(uid), 10, 0, 0, 0, time.UTC)
	}
	for _, tt := range []struct {
		name string
		hit  func(uid uint32, since time.Time) bool
	}{
		{"E32 SINCE obeyed", nil},
		{"E32 SINCE ignored", func(uint32, time.Time) bool { return true }},
		{"E32 the server's days begin 14 hours later", func(uid uint32, since time.Time) bool {
			return !internal(uid).Add(-14 * time.Hour).Before(since)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(uidsTo(9)...)
			b.internal, b.hit = internal, tt.hit
			b.header = func(uid uint32) string { return fmt.Sprintf("Subject: letter %d\r\n\r\n", uid) }
			o := b.options(t, 100)
			o.Since = since
			batches := poll(t, open(t, o), inbox(), "")
			wantSubjects(t, batches, letters(7, 8, 9))
			if diff := cmp.Diff(map[kith.Reason]int{kith.ReasonBeforeHorizon: 6}, skipped(batches)); diff != "" {
				t.Errorf("skipped (-want +got):\n%s", diff)
			}
		})
	}
}

func TestE34ServerClockWrongByYears(t *testing.T) {
	for _, year := range []int{1970, 2050} {
		t.Run(fmt.Sprint("E34 the server says ", year), func(t *testing.T) {
			t.Parallel()
			b := newBox(1)
			b.internal = func(uint32) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }
			o := b.options(t, 100)
			o.Since = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			s := open(t, o)
			from := after(poll(t, s, inbox(), ""), "")
			b.change(func() { b.uids = uidsTo(3) })
			wantSubjects(t, poll(t, s, inbox(), from), letters(2, 3)) // their Date is in 2026
		})
	}
}

func TestGreatUIDs(t *testing.T) {
	// E39
	t.Parallel()
	const top = math.MaxUint32
	subject := func(uid uint32) string { return fmt.Sprintf("Subject: letter %d\r\n\r\n", uid) }
	b := newBox(5, 1<<31-1, 1<<31, 1<<31+1, top-2)
	b.validity, b.header, b.next = top, subject, top-1
	s := b.start(t, 2)
	first := poll(t, s, inbox(), "")
	wantSubjects(t, first, letters(5, 1<<31-1, 1<<31, 1<<31+1, top-2))
	for _, noNext := range []bool{false, true} {
		b.change(func() { b.noNext, b.next, b.uids = noNext, top, append(b.uids, top-1+uint32(len(b.uids)-5)) })
		second := poll(t, s, inbox(), after(first, ""))
		if noNext {
			wantSubjects(t, second, letters(top))
		} else {
			wantSubjects(t, second, letters(top-1))
		}
		if got, want := second[0].Items[0].Ref[:11], "4294967295:"; got != want {
			t.Errorf("ref begins %q, want %q", got, want)
		}
		first = second
	}
	if more := poll(t, s, inbox(), after(first, "")); len(more) > 0 {
		t.Errorf("%d batches after the greatest UID", len(more))
	}
}

func TestE31RangeOfFourThousandMillion(t *testing.T) {
	t.Parallel()
	b := newBox(uidsTo(3)...)
	s := b.start(t, 100)
	from := after(poll(t, s, inbox(), ""), "")
	server := servertest.Script(t, func(c *servertest.ScriptConn) {
		c.Login("IMAP4rev1 ESEARCH")
		c.Expect("EXAMINE")
		c.Raw("* 4 EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT 4294967295] ok\r\n")
		c.OK("done")
		c.Expect("UID SEARCH")
		c.Send(`* ESEARCH (TAG "%s") UID ALL 1:4294967295`, c.Tag)
		c.OK("done")
		c.Logout()
	})
	var before, later runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := tryPoll(t, open(t, aliceAt(server.URL("imap"))), inbox(), from)
	runtime.ReadMemStats(&later)
	if err == nil || !strings.Contains(err.Error(), "more messages than the folder holds") {
		t.Errorf("err = %v, want one that says so", err)
	}
	if grown := later.TotalAlloc - before.TotalAlloc; grown > 64<<20 {
		t.Errorf("%d bytes were allocated", grown)
	}
}
