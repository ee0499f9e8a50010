// Bare reads from a mailbox what kith reads for a first capture, and throws it
// away: it logs in, opens each folder read-only, asks for the same data
// items of all messages, a thousand with a command, one command after the
// other, and counts the bytes of the answers without parsing them. No client can
// be faster on one connection with these commands, so it is what a capture is compared with.
package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"kith/message"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bare:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	addr := flag.String("addr", "127.0.0.1:10143", "host:port of an IMAP server without TLS")
	user := flag.String("user", "alice@example.test", "user name")
	password := flag.String("password", "secret", "password")
	folders := flag.String("folders", "INBOX,Sent", "folders, separated by commas")
	chunk := flag.Int("chunk", 1000, "messages for each FETCH")
	which := flag.String("range", "all", "all messages, or none: a FETCH that nothing answers to")
	flag.Parse()
	if *which != "all" && *which != "none" || *chunk < 1 || flag.NArg() > 0 {
		return errors.New("want -range all or none, and a positive -chunk")
	}

	start := time.Now()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", *addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()

	c := &client{conn: conn, r: bufio.NewReaderSize(conn, 1<<20)}
	if _, err := c.line(); err != nil { // the greeting
		return fmt.Errorf("greeting: %w", err)
	}
	if err := c.command("LOGIN", fmt.Sprintf("LOGIN %q %q", *user, *password)); err != nil {
		return err
	}
	items := "(UID INTERNALDATE RFC822.SIZE FLAGS BODYSTRUCTURE BODY.PEEK[HEADER.FIELDS (" + strings.Join(message.Fields, " ") + ")])"
	for folder := range strings.SplitSeq(*folders, ",") {
		c.exists, c.uidNext = 0, 0
		if err := c.command("EXAMINE", fmt.Sprintf("EXAMINE %q", folder)); err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
		if *which == "none" {
			if err := c.command("UID FETCH", fmt.Sprintf("UID FETCH %d %s", c.uidNext, items)); err != nil {
				return fmt.Errorf("%s: %w", folder, err)
			}
			continue
		}
		last := c.exists
		for first := 1; first <= last; first += *chunk {
			set := fmt.Sprintf("%d:%d", first, min(first+*chunk-1, last))
			if err := c.command("FETCH", "FETCH "+set+" "+items); err != nil {
				return fmt.Errorf("%s: %w", folder, err)
			}
		}
	}
	if err := c.command("LOGOUT", "LOGOUT"); err != nil {
		return err
	}
	fmt.Printf("%d messages, %d bytes, %.3f s\n", c.messages, c.bytes, time.Since(start).Seconds())
	return nil
}

// client speaks as much IMAP (RFC 9051) as is needed to tell where an answer ends.
type client struct {
	conn net.Conn
	r    *bufio.Reader
	tag  int

	messages int   // FETCH responses
	bytes    int64 // of all answers
	exists   int   // of the folder
	uidNext  int
}

// command sends a command and reads up to its tagged answer, which must be OK.
func (c *client) command(name, text string) error {
	c.tag++
	tag := fmt.Appendf(nil, "k%d ", c.tag)
	if _, err := fmt.Fprintf(c.conn, "%s%s\r\n", tag, text); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	for within := false; ; {
		line, err := c.line()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if !within {
			if bytes.HasPrefix(line, tag) {
				if answer := line[len(tag):]; !bytes.HasPrefix(answer, []byte("OK")) {
					return fmt.Errorf("%s: the server says %s", name, bytes.TrimSpace(answer))
				}
				return nil
			}
			c.untagged(line)
		}
		size, ok := literal(line)
		if within = ok; ok {
			n, err := c.r.Discard(size)
			c.bytes += int64(n)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
}

// line reads up to the next line end. The line is valid until the next read.
func (c *client) line() ([]byte, error) {
	line, err := c.r.ReadSlice('\n')
	c.bytes += int64(len(line))
	return line, err
}

// untagged takes the few numbers that are needed from an untagged response.
func (c *client) untagged(line []byte) {
	rest, ok := bytes.CutPrefix(line, []byte("* "))
	if !ok {
		return
	}
	number, word, _ := bytes.Cut(rest, []byte(" "))
	switch {
	case bytes.HasPrefix(word, []byte("FETCH")):
		c.messages++
	case bytes.HasPrefix(word, []byte("EXISTS")):
		c.exists, _ = strconv.Atoi(string(number))
	case bytes.HasPrefix(word, []byte("[UIDNEXT ")):
		next, _, _ := bytes.Cut(word[len("[UIDNEXT "):], []byte("]"))
		c.uidNext, _ = strconv.Atoi(string(next))
	}
}

// literal returns the size of the literal that follows a line that ends with {size}.
func literal(line []byte) (size int, ok bool) {
	line, ok = bytes.CutSuffix(line, []byte("}\r\n"))
	if !ok {
		return 0, false
	}
	i := bytes.LastIndexByte(line, '{')
	if i < 0 {
		return 0, false
	}
	size, err := strconv.Atoi(string(line[i+1:]))
	return size, err == nil
}
