package contactfile

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
)

// lines reads the lines of a text file, ended by CRLF, LF or CR. A byte order
// mark is taken off, and UTF-16 that has one becomes UTF-8. Other bytes come as
// they are: see [text].
type lines struct {
	raw  *counter
	r    *bufio.Reader
	line int // of the line returned last
	buf  []byte
}

func newLines(r io.Reader) *lines {
	raw := &counter{r: r}
	return &lines{raw: raw, r: bufio.NewReaderSize(raw, 1<<16)}
}

// next returns the next line without its end; it is valid until the next call.
// Of a line longer than maxLine the rest is passed over, and cut is true. The
// error is io.EOF only when there is no further line.
func (l *lines) next() (line []byte, cut bool, err error) {
	if l.line == 0 {
		if err := l.skipMark(); err != nil {
			return nil, false, err
		}
	}
	l.buf = l.buf[:0]
	started := false
	for {
		if _, err := l.r.Peek(1); err != nil {
			if errors.Is(err, io.EOF) && started {
				l.line++
				return l.buf, cut, nil
			}
			return nil, false, err
		}
		started = true
		chunk, err := l.r.Peek(l.r.Buffered())
		if err != nil {
			return nil, false, err
		}
		end := bytes.IndexByte(chunk, '\n')
		if end < 0 {
			end = len(chunk)
		}
		if cr := bytes.IndexByte(chunk[:end], '\r'); cr >= 0 {
			end = cr
		}
		part := chunk[:end]
		if room := maxLine - len(l.buf); len(part) > room {
			part, cut = part[:room], true
		}
		l.buf = append(l.buf, part...)
		if end == len(chunk) {
			l.discard(end)
			continue
		}
		returned := chunk[end] == '\r'
		l.discard(end + 1)
		if returned {
			if b, err := l.r.Peek(1); err == nil && b[0] == '\n' {
				l.discard(1)
			}
		}
		l.line++
		return l.buf, cut, nil
	}
}

// discard drops bytes that are known to be buffered, which can't fail.
func (l *lines) discard(n int) { _, _ = l.r.Discard(n) }

func (l *lines) skipMark() error {
	mark, err := l.r.Peek(3)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	switch {
	case bytes.HasPrefix(mark, []byte("\xef\xbb\xbf")):
		l.discard(3)
	case bytes.HasPrefix(mark, []byte("\xff\xfe")), bytes.HasPrefix(mark, []byte("\xfe\xff")):
		utf16 := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
		l.r = bufio.NewReaderSize(utf16.NewDecoder().Reader(l.r), 1<<16)
	}
	return nil
}

// text returns bytes as valid UTF-8. What is no UTF-8 is taken for
// Windows-1252, which older spreadsheets write. It is decided for each record
// by itself: the file is read once, and one bad byte does not garble the rest.
func text(b []byte) (s string, foreign bool) {
	if utf8.Valid(b) {
		return string(b), false
	}
	out := make([]byte, 0, len(b)+len(b)/4)
	for _, c := range b {
		out = utf8.AppendRune(out, charmap.Windows1252.DecodeByte(c))
	}
	return string(out), true
}

// counter counts what is read from r.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
