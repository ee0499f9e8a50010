package main

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"testing"
)

// TestCommandReadsToTheTaggedAnswer puts a line that looks like the end into a literal.
func TestCommandReadsToTheTaggedAnswer(t *testing.T) {
	near, far := net.Pipe()
	defer near.Close()
	answer := "* 3 EXISTS\r\n* OK [UIDNEXT 44] next\r\n* 1 FETCH (UID 7 BODY[HEADER] {9}\r\nk1 OK no\r\n FLAGS () X {0}\r\n)\r\n* 2 FETCH (UID 8)\r\n"
	go func() {
		defer far.Close()
		r := bufio.NewReader(far)
		for _, last := range []string{"k1 OK done\r\n", "k2 NO no such folder\r\n"} {
			if _, err := r.ReadString('\n'); err != nil {
				return
			}
			fmt.Fprint(far, answer+last)
		}
	}()
	c := &client{conn: near, r: bufio.NewReaderSize(near, 1<<20)}
	if err := c.command("FETCH", "FETCH 1:2 (UID)"); err != nil {
		t.Fatal(err)
	}
	if want := int64(len(answer) + len("k1 OK done\r\n")); c.messages != 2 || c.exists != 3 || c.uidNext != 44 || c.bytes != want {
		t.Errorf("%d messages, %d exist, UIDNEXT %d, %d bytes; want 2, 3, 44 and %d", c.messages, c.exists, c.uidNext, c.bytes, want)
	}
	if err := c.command("EXAMINE", "EXAMINE x"); err == nil || !strings.Contains(err.Error(), "no such folder") {
		t.Errorf("a command that is refused: %v", err)
	}
	if err := c.command("NOOP", "NOOP"); err == nil {
		t.Error("a connection that is closed: no error")
	}
}
