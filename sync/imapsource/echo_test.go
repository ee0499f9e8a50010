package imapsource

import (
	"bytes"
	"io"
	"net"
	"strings"
	"testing"

	"kith/message"
)

// pieces is a connection that gives out text in pieces of a size.
type pieces struct {
	net.Conn
	text []byte
	size int
}

func (c *pieces) Read(p []byte) (int, error) {
	if len(c.text) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.text[:min(c.size, len(c.text))])
	c.text = c.text[n:]
	return n, nil
}

func shortened(t testing.TB, text string, size int) string {
	t.Helper()
	got, err := io.ReadAll(&echo{Conn: &pieces{text: []byte(text), size: size}})
	if err != nil {
		t.Fatal(err)
	}
	return string(got)
}

func TestEcho(t *testing.T) {
	for _, tt := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"another response", "* 12 EXISTS\r\n", "* 12 EXISTS\r\n"},
		{"the list of fields",
			"* 1 FETCH (UID 7 BODY[HEADER.FIELDS (DATE FROM TO)] {4}\r\nabcd)\r\n",
			"* 1 FETCH (UID 7 BODY[HEADER.FIELDS (DATE)] {4}\r\nabcd)\r\n"},
		{"one field", "BODY[HEADER.FIELDS (DATE)] NIL\r\n", "BODY[HEADER.FIELDS (DATE)] NIL\r\n"},
		{"no field", "BODY[HEADER.FIELDS ()] NIL\r\n", "BODY[HEADER.FIELDS ()] NIL\r\n"},
		{"twice in a line", "BODY[HEADER.FIELDS (A B)] NIL BODY[HEADER.FIELDS (C D)] NIL\r\n", "BODY[HEADER.FIELDS (A)] NIL BODY[HEADER.FIELDS (C)] NIL\r\n"},
		{"in a literal it is somebody's text",
			"* 1 FETCH (X {30}\r\nBODY[HEADER.FIELDS (DATE FROM) Y BODY[HEADER.FIELDS (DATE FROM)] NIL)\r\n",
			"* 1 FETCH (X {30}\r\nBODY[HEADER.FIELDS (DATE FROM) Y BODY[HEADER.FIELDS (DATE)] NIL)\r\n"},
		{"in a quoted string too",
			`* 1 FETCH ("NAME" "BODY[HEADER.FIELDS (A B)\" C D)" BODY[HEADER.FIELDS (A B)] NIL)` + "\r\n",
			`* 1 FETCH ("NAME" "BODY[HEADER.FIELDS (A B)\" C D)" BODY[HEADER.FIELDS (A)] NIL)` + "\r\n"},
		{"what looks like a literal in a quoted string is none",
			"* (\"{9}\r\nBODY[HEADER.FIELDS (A B)]\r\n", "* (\"{9}\r\nBODY[HEADER.FIELDS (A)]\r\n"},
		{"fields are quoted as they were asked for", `BODY[HEADER.FIELDS ("A" "B C" D)] NIL` + "\r\n", `BODY[HEADER.FIELDS ("A")] NIL` + "\r\n"},
		{"a literal is not what was asked for", "BODY[HEADER.FIELDS (A {1}\r\nB C)] NIL\r\n", "BODY[HEADER.FIELDS (A{1}\r\nB C)] NIL\r\n"},
		{"a list without an end ends with the line", "BODY[HEADER.FIELDS (A B\r\n* OK (C D)\r\n", "BODY[HEADER.FIELDS (A\n* OK (C D)\r\n"},
		{"the beginning begins again", "BODY[BODY[HEADER.FIELDS (A B)]\r\n", "BODY[BODY[HEADER.FIELDS (A)]\r\n"},
		{"a literal of nothing", "X {0}\r\n BODY[HEADER.FIELDS (A B)] {0}\r\n)\r\n", "X {0}\r\n BODY[HEADER.FIELDS (A)] {0}\r\n)\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for size := 1; size <= len(tt.in)+1; size++ {
				if got := shortened(t, tt.in, size); got != tt.want {
					t.Fatalf("in pieces of %d: got %q, want %q", size, got, tt.want)
				}
			}
		})
	}
}

// FuzzEcho: however the bytes are cut, the same comes out; what has no list in it
// stays; nothing is added.
func FuzzEcho(f *testing.F) {
	f.Add([]byte("* 1 FETCH (UID 7 BODY[HEADER.FIELDS (DATE FROM TO)] {4}\r\nabcd)\r\n"), 3)
	f.Add([]byte(`* 1 FETCH ("a\" {3}" BODY[HEADER.FIELDS (A B)] {2}`+"\r\nxy)\r\n"), 1)
	f.Fuzz(func(t *testing.T, in []byte, size int) {
		size = 1 + (size&0x7fffffff)%(len(in)+1)
		whole := shortened(t, string(in), len(in)+1)
		if got := shortened(t, string(in), size); got != whole {
			t.Errorf("in pieces of %d: %q, whole: %q", size, got, whole)
		}
		if !bytes.Contains(in, []byte(echoStart)) && whole != string(in) {
			t.Errorf("changed although there is no list: %q became %q", in, whole)
		}
		rest := in
		for _, c := range []byte(whole) {
			at := bytes.IndexByte(rest, c)
			if at < 0 {
				t.Fatalf("%q is not %q with bytes left out", whole, in)
			}
			rest = rest[at+1:]
		}
	})
}

func BenchmarkEcho(b *testing.B) {
	line := "* 1 FETCH (UID 7 FLAGS (\\Seen) INTERNALDATE \"23-Nov-2026 10:00:00 +0000\" RFC822.SIZE 6000 BODYSTRUCTURE (\"text\" \"plain\" (\"charset\" \"utf-8\") NIL NIL \"quoted-printable\" 5000 90 NIL NIL NIL NIL) BODY[HEADER.FIELDS (" +
		`"` + strings.ToUpper(strings.Join(message.Fields, `" "`)) + `"` + ")] {500}\r\n" + strings.Repeat("x", 500) + ")\r\n"
	b.SetBytes(int64(len(line)))
	buf := make([]byte, len(line))
	var e echo
	for b.Loop() {
		copy(buf, line)
		e.shorten(buf)
	}
}
