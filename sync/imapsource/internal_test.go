package imapsource

import (
	"bytes"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-imap/v2"
	"github.com/google/go-cmp/cmp"

	"kith"
)

func TestCursorRefused(t *testing.T) {
	for name, text := range map[string]kith.Cursor{
		"no JSON":                  "x",
		"no object":                "[]",
		"null":                     "null",
		"two objects":              `{"v":1,"validity":1,"next":5,"count":2}{}`,
		"another version":          `{"v":2,"validity":1,"next":5,"count":2}`,
		"a field nobody knows":     `{"v":1,"validity":1,"next":5,"count":2,"x":1}`,
		"no next UID":              `{"v":1,"validity":1,"next":0,"count":2}`,
		"a next UID too great":     `{"v":1,"validity":1,"next":4294967297,"count":2}`,
		"backfill above next":      `{"v":1,"validity":1,"next":5,"count":2,"back":{"low":6,"left":1,"total":2}}`,
		"more left than there are": `{"v":1,"validity":1,"next":5,"count":2,"back":{"low":5,"left":3,"total":2}}`,
		"gap below low":            `{"v":1,"validity":1,"next":5,"count":2,"back":{"low":4,"left":1,"total":2,"gap_from":3,"gap_to":5}}`,
		"gap inside out":           `{"v":1,"validity":1,"next":5,"count":2,"back":{"low":2,"left":1,"total":2,"gap_from":4,"gap_to":3}}`,
	} {
		t.Run(name, func(t *testing.T) {
			if c, err := decodeCursor(text); err == nil {
				t.Errorf("decoded as %+v", c)
			}
		})
	}
}

func FuzzCursor(f *testing.F) {
	for _, c := range []cursor{
		{Next: 1},
		{Validity: 7, Next: 1 << 32, Count: 3, Since: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC), Sweep: true},
		{Validity: 7, Next: 100, Count: 90, Back: &backfill{Low: 50, Left: 40, Total: 90, GapFrom: 60, GapTo: 70}},
	} {
		f.Add(string(c.encode()))
	}
	f.Add(`{"v":1,"next":1,"since":"9999-12-31T23:59:59-24:00"}`)
	f.Fuzz(func(t *testing.T, text string) {
		c, err := decodeCursor(kith.Cursor(text))
		if err != nil {
			return
		}
		again, err := decodeCursor(c.encode())
		if err != nil {
			t.Fatalf("%q decodes to %+v, which does not decode again: %v", text, c, err)
		}
		if diff := cmp.Diff(c, again); diff != "" {
			t.Errorf("%q (-first +again):\n%s", text, diff)
		}
		if b := c.Back; b != nil && (b.Low > c.Next || b.Left > b.Total || b.GapTo > c.Next) {
			t.Errorf("%q decodes to a position out of range: %+v", text, b)
		}
	})
}

func FuzzRef(f *testing.F) {
	for _, ref := range []string{"7:1", "0:4294967295", ":", "1:0", "-1:1", "1:+1", "01:01"} {
		f.Add(ref)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		validity, uid, ok := parseRef(ref)
		if !ok {
			return
		}
		v, u, ok := parseRef(formatRef(validity, uid))
		if !ok || v != validity || u != uid || uid == 0 {
			t.Errorf("%q reads as %d, %d, and back as %d, %d", ref, validity, uid, v, u)
		}
	})
}

func FuzzDecodeUTF7(f *testing.F) {
	for _, s := range []string{"", "INBOX", "&-", "Entw&APw-rfe", "&2D3eAA-", "&U,BTFw-", "&", "&A-", "&2D0-", "a&AAAA-b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := decodeUTF7(s)
		if ok && utf8.ValidString(s) && !utf8.ValidString(got) {
			t.Errorf("%q decodes to %q", s, got)
		}
	})
}

func FuzzMendName(f *testing.F) {
	for _, line := range []string{"* LIST () \"/\" INBOX\r\n", "R&D", "&", "&-", "Entw&APw-rfe", "&APw-&APw-", "a\xffb\x01", "&AGE-"} {
		f.Add([]byte(line))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		once := mendName(line)
		if twice := mendName(once); !bytes.Equal(once, twice) {
			t.Errorf("%q becomes %q, and that %q", line, once, twice)
		}
		if _, ok := decodeUTF7(string(once)); !ok || !utf8.Valid(once) {
			t.Errorf("%q becomes %q, which can't be decoded", line, once)
		}
	})
}

func FuzzMatch(f *testing.F) {
	f.Add("HR/*", "HR/2026/May")
	f.Add("*a*b?", "xxaxxbx")
	f.Add("", "")
	f.Fuzz(func(t *testing.T, glob, path string) {
		if !match("*", path) || !match("*"+path+"*", path) && !hasWildcard(path) {
			t.Errorf("%q is not met by what must meet it", path)
		}
		if match(glob, path) && !match("*"+glob, path) {
			t.Errorf("%q meets %q, and not with a star before it", path, glob)
		}
	})
}

func hasWildcard(s string) bool {
	for _, c := range s {
		if c == '*' || c == '?' {
			return true
		}
	}
	return false
}

func TestWithin(t *testing.T) {
	const top = imap.UID(1<<32 - 1)
	for _, tt := range []struct {
		name     string
		set      imap.UIDSet
		from, to uint64
		messages uint32
		want     []imap.UID
		bad      bool
	}{
		{"a range that names more than there are", imap.UIDSet{{Start: 1, Stop: top}}, 1, 1 << 32, 10, nil, true},
		{"nothing", nil, 1, 10, 10, nil, false},
		{"a star", imap.UIDSet{{Start: 0, Stop: 0}}, 1, 10, 10, nil, false},
		{"cut at both ends", imap.UIDSet{{Start: 1, Stop: 100}, {Start: 200, Stop: 300}}, 99, 202, 10, []imap.UID{99, 100, 200, 201}, false},
		{"the greatest UID", imap.UIDSet{{Start: top - 1, Stop: top}}, 5, 1 << 32, 2, []imap.UID{top - 1, top}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := within(tt.set, tt.from, tt.to, tt.messages)
			if (err != nil) != tt.bad {
				t.Errorf("err = %v", err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}
