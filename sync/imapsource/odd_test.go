package imapsource_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

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
				b.Fetched = func(_ *servertest.ScriptConn, uid uint32, _, response string) string {
					b.Searched = func(uids []uint32) []uint32 {
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
				b.Fetched = func(_ *servertest.ScriptConn, uid uint32, _, response string) string {
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
				b.Fetched = breaks(4, "")
			},
			want: []int{1, 2, 3, 5, 6, 7, 8, 9}, failed: []string{"7:4"},
		},
		{
			name: "E22 BODYSTRUCTURE that is not balanced: read without it",
			setup: func(b *box) {
				b.Structure = func(uid uint32) string {
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
				b.Structure = func(uid uint32) string {
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
				b.Structure = func(uid uint32) string {
					if uid == 4 {
						return `("MESSAGE" "RFC822" NIL NIL NIL "7BIT" 7 ("x" NIL (BAD) NIL NIL NIL NIL NIL NIL NIL) ` + servertest.PlainText + ` 1)`
					}
					return ""
				}
			},
			want: upTo(9), warning: "structure",
		},
		{
			name: "E23 INTERNALDATE that is none: the header is read all the same",
			setup: func(b *box) {
				b.Fetched = func(_ *servertest.ScriptConn, uid uint32, _, response string) string {
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
				b.Fetched = breaks(4, "* 4 FETCH (UID 4 FLAGS BODY[] {x}\r\n")
			},
			want: []int{1, 2, 3, 5, 6, 7, 8, 9}, failed: []string{"7:4"},
		},
		{
			name: "E23 two poison messages side by side, and one at each end",
			setup: func(b *box) {
				b.Fetched = func(_ *servertest.ScriptConn, uid uint32, _, response string) string {
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
				b.Fetched = func(c *servertest.ScriptConn, uid uint32, items, response string) string {
					if last := b.Commands[len(b.Commands)-1]; servertest.InSet(strings.Fields(last)[2], 6) {
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
				b.Fetched = func(c *servertest.ScriptConn, uid uint32, _, response string) string {
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
				b.Fetched = func(_ *servertest.ScriptConn, uid uint32, _, response string) string {
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
				b.Fetched = func(_ *servertest.ScriptConn, uid uint32, _, response string) string {
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
				b.Fetched = func(_ *servertest.ScriptConn, uid uint32, _, response string) string {
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
				b.Structure = func(uint32) string {
					return "({4}\r\nTEXT {5}\r\nPLAIN NIL NIL {0}\r\n {4}\r\n7BIT 7 1 NIL NIL NIL NIL)"
				}
				b.Fetched = func(_ *servertest.ScriptConn, uid uint32, _, response string) string {
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
				slices.Reverse(b.UIDs)
				b.Next = 10
			},
			want: upTo(9),
		},
		{
			name: "E31 SEARCH without ESEARCH",
			setup: func(b *box) {
				b.Caps = "IMAP4rev1"
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
	b.Change(func() {
		b.UIDs = uidsTo(101)
		b.Fetched = func(c *servertest.ScriptConn, uid uint32, _, response string) string {
			if uid == 42 {
				down = true
				c.Reset()
			}
			return response
		}
		b.Examined = func(c *servertest.ScriptConn) bool {
			if down {
				c.Reset()
			}
			return !down
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

	b.Change(func() { b.Fetched, b.Examined = nil, nil })
	batches = poll(t, b.start(t, 1000), inbox(), after(batches, from))
	var rest []int
	for n := kept + 2; n <= 101; n++ {
		rest = append(rest, n)
	}
	wantSubjects(t, batches, letters(rest...))
}
