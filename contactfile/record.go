package contactfile

import (
	"bytes"
	"fmt"
	"slices"
	"unicode/utf8"
)

// records splits CSV into records (RFC 4180). encoding/csv loses everything
// behind a quote that is not closed; here such a quote costs the line it stands in:
// the lines that it would have swallowed are held and read again.
type records struct {
	lines   *lines
	comma   byte
	columns int // of the header; 0 while the header itself is read

	ahead []heldLine // lines to read before those of the file
	// broken is the line of a broken quote while what follows may still be
	// the rest of that record: until a line has as many fields as the header.
	broken int

	cells cells
}

type heldLine struct {
	line int
	text []byte
	cut  bool
}

// record is one record. Its fields are valid until the next is read.
type record struct {
	line    int
	fields  []string
	foreign bool // it was no UTF-8
	problem string
}

func (r *records) pull() (heldLine, error) {
	if len(r.ahead) > 0 {
		held := r.ahead[0]
		r.ahead = r.ahead[1:]
		return held, nil
	}
	line, cut, err := r.lines.next()
	if err != nil {
		return heldLine{}, err
	}
	return heldLine{line: r.lines.line, text: line, cut: cut}, nil
}

// next returns the next record that is not blank. The error is io.EOF only at
// the end of the file.
func (r *records) next() (record, error) {
	for {
		first, err := r.pull()
		if err != nil {
			return record{}, err
		}
		if len(bytes.TrimSpace(first.text)) == 0 {
			continue
		}
		rec := record{line: first.line}
		if first.cut {
			rec.problem = "the line is too long"
			return rec, nil
		}
		r.cells.reset()
		open, problem := r.cells.feed(first.text, r.comma)
		if open {
			problem, err = r.readOn()
			if err != nil {
				return record{}, err
			}
		}
		rec.problem = r.judge(first.line, problem)
		if rec.problem == "" {
			rec.fields, rec.foreign = r.cells.split()
		}
		return rec, nil
	}
}

// readOn reads the further lines of a record whose quote is still open. If they
// don't make a whole record, they are held to be read again.
func (r *records) readOn() (problem string, err error) {
	var taken []heldLine
	for open := true; open; {
		line, err := r.pull()
		if err != nil {
			if !isEOF(err) {
				return "", err
			}
			problem = "a quote is not closed"
			break
		}
		// The line may lie in the buffer of the line reader, which is used again.
		line.text = bytes.Clone(line.text)
		taken = append(taken, line)
		open, problem = r.cells.feed(line.text, r.comma)
		if line.cut || len(r.cells.buf) > maxRecord {
			problem = "a quote is not closed"
		}
		if problem != "" {
			break
		}
	}
	// Two broken rows may look like one record; the number of its fields tells.
	if problem == "" && r.columns > 0 && len(r.cells.ends) != r.columns {
		problem = "a quote is not closed"
	}
	if problem != "" {
		r.ahead = append(taken, r.ahead...)
	}
	return problem, nil
}

// judge returns what is wrong with the record that was just parsed, if anything.
func (r *records) judge(line int, problem string) string {
	n := len(r.cells.ends)
	switch {
	case problem != "":
		r.broken = line
		return problem
	case r.columns == 0:
		return ""
	case r.broken != 0 && n != r.columns:
		return fmt.Sprintf("it has %d of %d fields, and line %d before it has a broken quote", n, r.columns, r.broken)
	case n > r.columns:
		// Even if the last is blank: what stands before it may have moved.
		return fmt.Sprintf("it has %d fields, the header has %d: a value with the separator in it needs quotes", n, r.columns)
	}
	r.broken = 0
	return ""
}

// cells is the content of one record's fields.
type cells struct {
	buf    []byte
	ends   []int
	quoted bool // in a quoted field
	fields []string
}

func (c *cells) reset() {
	c.buf, c.ends, c.quoted = c.buf[:0], c.ends[:0], false
}

// feed takes in a line. open means that a quoted field goes on in the next line.
// A quote in the middle of a field that does not begin with one is plain text.
func (c *cells) feed(line []byte, comma byte) (open bool, problem string) {
	for {
		if len(c.ends) >= maxCells {
			return false, fmt.Sprintf("it has more than %d fields", maxCells)
		}
		if !c.quoted {
			if unquoted := bytes.TrimLeft(line, " "); len(unquoted) > 0 && unquoted[0] == '"' {
				c.quoted = true
				line = unquoted[1:]
				continue
			}
			i := bytes.IndexByte(line, comma)
			if i < 0 {
				c.buf = append(c.buf, line...)
				c.end()
				return false, ""
			}
			c.buf = append(c.buf, line[:i]...)
			c.end()
			line = line[i+1:]
			continue
		}
		i := bytes.IndexByte(line, '"')
		if i < 0 {
			c.buf = append(append(c.buf, line...), '\n')
			return true, ""
		}
		c.buf = append(c.buf, line[:i]...)
		line = line[i+1:]
		if len(line) > 0 && line[0] == '"' { // RFC 4180 §2.7: a quote is written twice
			c.buf = append(c.buf, '"')
			line = line[1:]
			continue
		}
		line = bytes.TrimLeft(line, " ")
		c.quoted = false
		c.end()
		if len(line) == 0 {
			return false, ""
		}
		if line[0] != comma {
			return false, "text follows a closing quote: a quote within quotes is written twice"
		}
		line = line[1:]
	}
}

func (c *cells) end() { c.ends = append(c.ends, len(c.buf)) }

// split returns the fields as text. They share one string.
func (c *cells) split() (fields []string, foreign bool) {
	c.fields = c.fields[:0]
	if !utf8.Valid(c.buf) {
		from := 0
		for _, end := range c.ends {
			field, _ := text(c.buf[from:end])
			c.fields = append(c.fields, field)
			from = end
		}
		return c.fields, true
	}
	all, from := string(c.buf), 0
	for _, end := range c.ends {
		c.fields = append(c.fields, all[from:end])
		from = end
	}
	return c.fields, false
}

// separator finds out what separates the fields of a header: the comma,
// semicolon or tab that parts it into the most names of columns we know, or else
// into the most parts.
func separator(header []byte) byte {
	best, bestKnown, bestParts := byte(','), 0, 0
	for _, comma := range []byte(",;\t") {
		var c cells
		c.feed(header, comma) // a broken header counts as far as it goes
		names, _ := c.split()
		known := 0
		for _, name := range names {
			if kind, _ := columnOf(name); kind != unknownColumn {
				known++
			}
		}
		if known > bestKnown || known == bestKnown && len(names) > bestParts {
			best, bestKnown, bestParts = comma, known, len(names)
		}
	}
	return best
}

// announced returns the separator that a spreadsheet names in a first line such
// as "sep=;".
func announced(line []byte) (comma byte, ok bool) {
	if len(line) == 5 && bytes.EqualFold(line[:4], []byte("sep=")) && slices.Contains([]byte(",;\t"), line[4]) {
		return line[4], true
	}
	return 0, false
}
