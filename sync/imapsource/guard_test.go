package imapsource

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"
)

// feed is a connection that a server only writes to.
type feed struct {
	net.Conn
	r io.Reader
}

func (f feed) Read(p []byte) (int, error)      { return f.r.Read(p) }
func (f feed) SetReadDeadline(time.Time) error { return nil }
func (f feed) Close() error                    { return nil }

// through reads all that the guard lets through of r.
func through(r io.Reader, limits Limits) ([]byte, *guard, error) {
	g := newGuard(feed{r: r}, time.Minute, limits)
	data, err := io.ReadAll(g)
	return data, g, err
}

func TestGuardLimits(t *testing.T) {
	small := Limits{Line: 60, Literal: 20, Command: 200, Responses: 4}
	for _, tt := range []struct {
		name, in, want string // want is a part of the error, "" for none
	}{
		{"E30 a line without end", "* " + strings.Repeat("x", 100), "a line of more than 60 bytes"},
		{"a line of the full length", "* " + strings.Repeat("x", 56) + "\r\n", ""},
		{"lines add up over literals", "* LIST () NIL " + strings.Repeat("x", 20) + " {1}\r\na " + strings.Repeat("y", 30) + "\r\n", "a line of more"},
		{"E30 a huge literal", "* 1 FETCH (BODY[] {21}\r\n", "a literal of more than 20 bytes"},
		{"a literal of the full size", "* 1 FETCH (BODY[] {20}\r\n" + strings.Repeat("\n", 20) + ")\r\n", ""},
		{"a literal does not count as lines", "* 1 FETCH (BODY[] {20}\r\n" + strings.Repeat("\r\n", 10) + ")\r\n", ""},
		{"a size inside a literal is content", "* 1 FETCH (BODY[] {12}\r\nX: {999999}\r\n)\r\n", ""},
		{"a second literal in a response", "* 1 FETCH (A {2}\r\n\r\n B {21}\r\n", "a literal of more"},
		{"a literal8", "* 1 FETCH (BINARY[1] ~{21}\r\n", "a literal of more"},
		{"a literal with a blank behind it, as the client takes it", "* 1 FETCH (B {21} \r\n", "a literal of more"},
		{"a literal behind a lone LF", "* 1 FETCH (B {21}\n", "a literal of more"},
		{"a size beyond 64 bits", "* 1 FETCH (B {99999999999999999999}\r\n", "a literal of more"},
		{"a size with endless zeros", "* 1 FETCH (B {" + strings.Repeat("0", 30) + "9}\r\n", "a literal of more"},
		{"leading zeros", "* 1 FETCH (B {0000000002}\r\n\n\n)\r\n", ""},
		{"E30 LITERAL- style size is no literal from a server", "* 1 FETCH (B {99+}\r\nx)\r\n", ""},
		{"braces without a number", "* LIST () NIL {}\r\n", ""},
		{"a size in the text of a status response", "* OK wait {99}\r\n", ""},
		{"a size in the text of a tagged response", "T1 NO no {99}\r\n", ""},
		{"a size in a continuation request", "+ {99}\r\n", ""},
		{"a response that only begins like OK", "* OKAY {99}\r\n", "a literal of more"},
		{"more responses than allowed", strings.Repeat("* 1 EXISTS\r\n", 5), "an answer of more than 4 responses"},
		{"as many responses as allowed", strings.Repeat("* 1 EXISTS\r\n", 4), ""},
		{"more bytes than allowed", strings.Repeat("* "+strings.Repeat("x", 55)+"\r\n", 4), "an answer of more than 200 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, split := range []func(io.Reader) io.Reader{
				func(r io.Reader) io.Reader { return r },
				iotest.OneByteReader,
				iotest.HalfReader,
				iotest.DataErrReader,
			} {
				data, _, err := through(split(strings.NewReader(tt.in)), small)
				if !strings.HasPrefix(tt.in, string(data)) {
					t.Fatalf("let %q through", data)
				}
				if tt.want == "" {
					if err != nil || string(data) != tt.in {
						t.Fatalf("let %q through, %v; want everything", data, err)
					}
					continue
				}
				if err == nil || !strings.Contains(err.Error(), tt.want) || !errors.Is(err, errUnreadable) {
					t.Fatalf("error %v, want %q", err, tt.want)
				}
			}
		})
	}
}

func TestGuardDefaultLimits(t *testing.T) {
	var uids strings.Builder
	uids.WriteString("* SEARCH")
	for uid := range 500_000 {
		fmt.Fprintf(&uids, " %d", uid+1_000_000)
	}
	uids.WriteString("\r\n")
	for _, tt := range []struct {
		name, in string
		ok       bool
	}{
		{"E31 500,000 UIDs in one line", uids.String(), true},
		{"E31 a line of 17 MiB", "* SEARCH" + strings.Repeat(" 1234567", 17<<20/8) + "\r\n", false},
		{"E30 a header of 1 MiB", fmt.Sprintf("* 1 FETCH (BODY[HEADER] {%d}\r\n", 1<<20), true},
		{"E30 a literal of 3 MiB", fmt.Sprintf("* 1 FETCH (BODY[] {%d}\r\n", 3<<20), false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := through(strings.NewReader(tt.in), Limits{})
			if ok := err == nil; ok != tt.ok {
				t.Errorf("error %v, want ok = %v", err, tt.ok)
			}
		})
	}
}

func TestGuardCountsAnew(t *testing.T) {
	answer := strings.Repeat("* 1 EXISTS\r\n", 4)
	g := newGuard(feed{r: iotest.OneByteReader(strings.NewReader(answer + answer))}, time.Minute, Limits{Responses: 4, Command: int64(len(answer))})
	for range 2 {
		g.begin(0)
		if _, err := io.ReadFull(g, make([]byte, len(answer))); err != nil {
			t.Fatalf("a command within its limits: %v", err)
		}
		g.end()
	}
	if in := g.in.Load(); in != int64(2*len(answer)) {
		t.Errorf("counted %d bytes, want %d", in, 2*len(answer))
	}
}

func TestGuardKeepsBye(t *testing.T) {
	for in, want := range map[string]string{
		"* BYE [UNAVAILABLE] too busy\r\n":        "[UNAVAILABLE] too busy",
		"* 1 EXISTS\r\n* bye Autologout\n":        "Autologout",
		"* BYEBYE x\r\n":                          "",
		"* LIST () NIL {10}\r\n\r\n* BYE x\r\r\n": "",
		"* BYE\r\n": "",
	} {
		for _, split := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.DataErrReader} {
			_, g, err := through(split(strings.NewReader(in)), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if bye, _, _ := g.ended(); bye != want {
				t.Errorf("%q: the BYE says %q, want %q", in, bye, want)
			}
		}
	}
}

// served gives a guard whose server is serve.
func served(t *testing.T, limits Limits, serve func(net.Conn)) *guard {
	t.Helper()
	ours, theirs := net.Pipe()
	g := newGuard(ours, time.Minute, limits)
	var server sync.WaitGroup
	server.Go(func() { serve(theirs) })
	t.Cleanup(func() { ours.Close(); theirs.Close(); server.Wait() })
	return g
}

func TestE17GuardEndsSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := served(t, Limits{}, func(c net.Conn) {})
		g.begin(0)
		start := time.Now()
		_, err := g.Read(make([]byte, 1))
		if took := time.Since(start); took != time.Minute {
			t.Errorf("ended after %v, want 1m0s", took)
		}
		if want := "the server did not answer for 1m0s"; err == nil || err.Error() != want || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("error %v, want %q", err, want)
		}
		if _, again := g.Read(make([]byte, 1)); again != err {
			t.Errorf("the next read: %v, want the same error", again)
		}
	})
}

func TestE17GuardEndsTrickle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := served(t, Limits{}, func(c net.Conn) {
			for {
				time.Sleep(59 * time.Second)
				if _, err := c.Write([]byte("x")); err != nil {
					return
				}
			}
		})
		g.begin(0)
		start := time.Now()
		data, err := io.ReadAll(g)
		if took := time.Since(start); took != 10*time.Minute {
			t.Errorf("ended after %v, want 10m0s", took)
		}
		if len(data) != 10 {
			t.Errorf("received %d bytes before, want 10: each one is progress", len(data))
		}
		if want := "the answer was not complete after 10m0s"; err == nil || err.Error() != want {
			t.Errorf("error %v, want %q", err, want)
		}
	})
}

func TestGuardCountsOnlyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := served(t, Limits{}, func(c net.Conn) {
			for {
				if _, err := c.Write([]byte("x")); err != nil {
					return
				}
			}
		})
		g.begin(0)
		for range 20 {
			if _, err := g.Read(make([]byte, 1)); err != nil {
				t.Fatalf("after slow work of ours: %v", err)
			}
			time.Sleep(time.Hour) // our own work
		}
	})
}

func TestGuardWaitsBetweenCommands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := served(t, Limits{}, func(c net.Conn) {
			time.Sleep(24*time.Hour + 30*time.Second)
			fmt.Fprint(c, "x")
		})
		read := make(chan error)
		go func() { // as the client does: it reads all the time
			_, err := g.Read(make([]byte, 1))
			read <- err
		}()
		g.begin(0)
		g.end()
		time.Sleep(24 * time.Hour)
		g.begin(0) // the server answers 30 s later
		if err := <-read; err != nil {
			t.Errorf("a day of peace counted as waiting: %v", err)
		}
		g.end()
	})
}

func TestGuardIgnoresTheClientsDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := served(t, Limits{}, func(c net.Conn) {
			time.Sleep(45 * time.Second)
			fmt.Fprint(c, "x")
		})
		g.begin(0)
		if err := g.SetReadDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := g.Read(make([]byte, 1)); err != nil {
			t.Error(err)
		}
	})
}

// FuzzGuard: whatever a server sends, however it is split, comes through unchanged,
// or the guard ends the connection at a limit and reads nothing more. Nor does
// the way it is split decide which of the two happens.
func FuzzGuard(f *testing.F) {
	for _, seed := range []string{
		"* OK hi\r\n* 1 FETCH (UID 1 BODY[] {5}\r\nhello FLAGS ())\r\nT1 OK done {3}\r\n",
		"* SEARCH 1 2 3\r\n", "* BYE [X] y\r\n", "+ go\n", "* LIST () \"/\" {3}\r\na\"b\r\n", "* 1 FETCH (B {300}\r\n",
		"* 1 FETCH (B {99999999999999999999999999}\r\n", "{}\r\n", "* X {2} \n\r\n\r\n",
	} {
		f.Add([]byte(seed), uint16(7))
	}
	limits := Limits{Line: 100, Literal: 50, Command: 300, Responses: 10}
	f.Fuzz(func(t *testing.T, in []byte, step uint16) {
		whole, first, wholeErr := through(bytes.NewReader(in), limits)
		source := &stepReader{data: in, step: int(step%64) + 1}
		parts, second, partsErr := through(source, limits)

		for _, got := range [][]byte{whole, parts} {
			// A literal that is cut off is filled up with zeros.
			same := 0
			for same < len(in) && same < len(got) && in[same] == got[same] {
				same++
			}
			if len(bytes.Trim(got[same:], "\x00")) > 0 || int64(same) > limits.Command || int64(len(got)-same) > limits.Literal {
				t.Fatalf("let %q through of %q", got, in)
			}
		}
		if (wholeErr == nil) != (partsErr == nil) {
			t.Fatalf("at once: %v, in steps of %d: %v", wholeErr, source.step, partsErr)
		}
		bye1, _, _ := first.ended()
		bye2, _, _ := second.ended()
		if wholeErr == nil && (!bytes.HasPrefix(parts, in) || !bytes.HasPrefix(whole, in) || bye1 != bye2) {
			t.Fatalf("of %q came %q and %q, with BYE %q and %q", in, whole, parts, bye1, bye2)
		}
		if partsErr != nil {
			if !errors.Is(partsErr, errUnreadable) {
				t.Fatalf("an error that is no limit: %v", partsErr)
			}
			before := len(source.data)
			if _, err := second.Read(make([]byte, 1)); err != partsErr || len(source.data) != before {
				t.Fatalf("read on after a limit: %v", err)
			}
		}
	})
}

type stepReader struct {
	data []byte
	step int
}

func (r *stepReader) Read(p []byte) (int, error) {
	if len(r.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), r.step)], r.data)
	r.data = r.data[n:]
	return n, nil
}

// A poll mostly reads headers: a literal of 600 bytes and some 80 around it.
func BenchmarkScanner(b *testing.B) {
	var in bytes.Buffer
	header := strings.Repeat("X-Header: some text of a common length\r\n", 15)
	for uid := range 1000 {
		fmt.Fprintf(&in, "* %d FETCH (UID %d RFC822.SIZE 4711 INTERNALDATE \"01-Mar-2026 10:00:00 +0000\" BODY[HEADER] {%d}\r\n%s)\r\n", uid, uid, len(header), header)
	}
	b.SetBytes(int64(in.Len()))
	for b.Loop() {
		s := scanner{limits: Limits{}.withDefaults()}
		for chunk := in.Bytes(); len(chunk) > 0; {
			n := min(len(chunk), 4096)
			if err := s.next(chunk[:n]); err != nil {
				b.Fatal(err)
			}
			chunk = chunk[n:]
		}
	}
}
