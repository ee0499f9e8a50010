package backup

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"

	"kith/store"
)

// maxLine bounds what is held in memory of a file that may be anything. A row
// of kith's is far from it: the longest are threads of a hundred thousand heads.
const maxLine = 16 << 20

// Reader reads a file.
type Reader struct {
	Header  Header
	Summary Summary // once Rows has come to its end

	lines *bufio.Scanner
	line  int
}

var (
	errForeign = errors.New("it is no backup of kith's")
	errCut     = errors.New("the file ends too early: it was cut off, or not written to its end")
)

// Open reads the header of a file. A file of a newer format is refused.
func Open(r io.Reader) (*Reader, error) {
	expanded, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("read backup: %w", mend(err, errForeign))
	}
	f := &Reader{lines: bufio.NewScanner(expanded)}
	f.lines.Buffer(nil, maxLine)
	if !f.next() {
		return nil, fmt.Errorf("read backup: %w", mend(f.lines.Err(), errForeign))
	}
	// A newer format may have fields that are not known here.
	var first line
	if err := json.Unmarshal(f.lines.Bytes(), &first); err != nil || first.Header == nil || first.Header.Format < 1 {
		return nil, fmt.Errorf("read backup: %w", errForeign)
	}
	f.Header = *first.Header
	if f.Header.Format > Format {
		return nil, fmt.Errorf("read backup: it is of format %d, made by kith %q; this program reads formats up to %d: use the newer one", f.Header.Format, f.Header.Kith, Format)
	}
	return f, nil
}

// Rows yields the rows, once. Whoever takes them MUST NOT rely on any before
// it has seen the last: the error of a damaged file may be the last that is yielded.
func (f *Reader) Rows() iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		tally := NewTally()
		for {
			row, err := f.row(tally)
			if err != nil {
				yield(nil, err)
				return
			}
			if row == nil || !yield(row, nil) {
				return
			}
		}
	}
}

func (f *Reader) next() bool {
	f.line++
	return f.lines.Scan()
}

// row reads a row, nil at the end.
func (f *Reader) row(tally *Tally) (store.Row, error) {
	if !f.next() {
		return nil, fmt.Errorf("read backup: %w", mend(f.lines.Err(), errCut))
	}
	l, err := parse(f.lines.Bytes())
	if err != nil {
		if cut := f.lines.Err(); cut != nil {
			err = mend(cut, errCut) // in the middle of this line
		}
		return nil, fmt.Errorf("read backup: line %d: %w", f.line, err)
	}
	if l.End != nil {
		return nil, f.end(tally, *l.End)
	}
	row, err := l.row()
	if err != nil {
		return nil, fmt.Errorf("read backup: line %d: %w", f.line, err)
	}
	tally.rows[row.Kind()]++
	tally.digest.Write(f.lines.Bytes()) // never fails
	tally.digest.Write([]byte{'\n'})
	return row, nil
}

func parse(text []byte) (l line, err error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&l); err != nil {
		return l, plain(err)
	}
	return l, nil
}

// end checks that the file is whole.
func (f *Reader) end(tally *Tally, want Summary) error {
	got := tally.Summary()
	if got.SHA256 != want.SHA256 || !maps.Equal(got.Rows, want.Rows) {
		return errors.New("read backup: the file is damaged: its rows are not those that were written")
	}
	// To the end of the compressed file, for its checksum.
	if f.next() {
		return fmt.Errorf("read backup: line %d: the file goes on behind its end", f.line)
	}
	if err := f.lines.Err(); err != nil {
		return fmt.Errorf("read backup: %w", mend(err, nil))
	}
	f.Summary = want
	return nil
}

// mend says what an error of reading means; end is what the end of the file means.
func mend(err, end error) error {
	switch {
	case err == nil, errors.Is(err, io.EOF):
		return end
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errCut
	case errors.Is(err, gzip.ErrHeader):
		return errForeign
	case errors.Is(err, bufio.ErrTooLong):
		return fmt.Errorf("a line has more than %d bytes: %w", maxLine, errForeign)
	case errors.Is(err, gzip.ErrChecksum), errors.As(err, new(flate.CorruptInputError)):
		return fmt.Errorf("the file is damaged: %w", err)
	}
	return err
}

// plain is an error of the decoder that tells nothing of the content.
func plain(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		return fmt.Errorf("the file is damaged: no JSON at byte %d", syntax.Offset)
	case errors.As(err, &kind):
		return fmt.Errorf("the file is damaged: %s holds a %s", kind.Field, kind.Value)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the file is damaged: a line was cut off")
	}
	return err
}
