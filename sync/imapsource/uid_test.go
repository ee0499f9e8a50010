package imapsource_test

import (
	"fmt"
	"math"
	"runtime"
	"strings"
	"testing"

	"kith/servertest"
)

func TestE03E04E42NoUIDValidityNoUIDNext(t *testing.T) {
	for _, tt := range []struct {
		name    string
		setup   func(b *box)
		warning string
	}{
		{"E03 UIDVALIDITY absent", func(b *box) { b.Validity = 0 }, "UIDVALIDITY"},
		{"E04 UIDNEXT absent", func(b *box) { b.NoNext = true }, "UIDNEXT"},
		{"E42 neither", func(b *box) { b.Validity, b.NoNext = 0, true }, "UIDNEXT"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(uidsTo(7)...)
			b.Next = 8
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
			b.Change(func() { b.UIDs, b.Next = append(b.UIDs, 8, 9), 10 })
			second := poll(t, s, inbox(), after(first, ""))
			wantSubjects(t, second, letters(8, 9))

			// The last message goes: UIDNEXT, if it is worked out, goes back.
			b.Change(func() { b.UIDs = b.UIDs[:8] })
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
	b.Change(func() { b.Validity = 0; b.UIDs = uidsTo(4) })
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
	b.NoNext = true
	s := b.start(t, 100)
	first := poll(t, s, inbox(), "")
	b.Change(func() {
		b.UIDs = uidsTo(5)
		// Whatever range is asked for, the server adds the last message and old ones.
		b.Searched = func(uids []uint32) []uint32 { return append([]uint32{1, 3}, uids...) }
	})
	second := poll(t, s, inbox(), after(first, ""))
	wantSubjects(t, second, letters(4, 5))
	b.Change(func() { b.Searched = func([]uint32) []uint32 { return []uint32{5} } })
	if third := poll(t, s, inbox(), after(second, "")); len(third) > 0 {
		t.Errorf("%d batches, want none: %+v", len(third), third)
	}
}

func TestGreatUIDs(t *testing.T) {
	// E39
	t.Parallel()
	const top = math.MaxUint32
	subject := func(uid uint32) string { return fmt.Sprintf("Subject: letter %d\r\n\r\n", uid) }
	b := newBox(5, 1<<31-1, 1<<31, 1<<31+1, top-2)
	b.Validity, b.Header, b.Next = top, subject, top-1
	s := b.start(t, 2)
	first := poll(t, s, inbox(), "")
	wantSubjects(t, first, letters(5, 1<<31-1, 1<<31, 1<<31+1, top-2))
	for _, noNext := range []bool{false, true} {
		b.Change(func() { b.NoNext, b.Next, b.UIDs = noNext, top, append(b.UIDs, top-1+uint32(len(b.UIDs)-5)) })
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
