package contactfile

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"

	"kith"
)

// Options say how a CSV file is read. The zero value is the default.
type Options struct {
	// Notes keeps columns that are not known, as notes of the contact.
	Notes bool
}

// The columns that may hold several values, in one cell or in repeated columns.
const (
	emailColumn   = "email"
	phoneColumn   = "phone"
	tagsColumn    = "tags"
	unknownColumn = ""
)

// columns are the names of the columns, in the order in which they are written.
var columns = []string{
	"external_id", "type", "name", "first_name", "last_name", "company",
	emailColumn, phoneColumn, "title", "language", "owner", tagsColumn, "never_record",
}

// columnOf returns the column that a header cell names, or unknownColumn, and
// the name as we write it.
func columnOf(header string) (column, name string) {
	name = strings.ToLower(oneLine(header))
	column = strings.NewReplacer(" ", "_", "-", "_").Replace(name)
	switch column {
	case "e_mail", "mail", "email_address", "e_mail_address":
		return emailColumn, name
	}
	if slices.Contains(columns, column) {
		return column, name
	}
	// email2, phone3, tags2.
	stem := strings.TrimRight(column, "0123456789")
	if stem == emailColumn || stem == phoneColumn || stem == tagsColumn {
		return stem, name
	}
	return unknownColumn, name
}

// ReadCSV yields the contacts of a CSV file. The first row names the columns:
// external_id, type, name, first_name, last_name, company, email, phone, title,
// language, owner, tags and never_record, in any order and case; email, phone
// and tags may be repeated with a number behind, and hold several values
// separated by semicolons ("\;" is a semicolon within a value, "\\" a
// backslash). Fields are separated by a comma, a semicolon or a tab, as the
// header row shows. The text is UTF-8, UTF-16 with a byte order mark, or, for a
// row that is no UTF-8, Windows-1252.
//
// An apostrophe before =, +, -, @ or a tab at the start of a cell is taken off:
// see [WriteCSV]. Columns that are not known are told in one ignored row.
//
// The sequence ends with an error when the file can't be read any further, or
// when its first row names no column that a contact could be known by.
func ReadCSV(r io.Reader, opts Options) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		rd := csvReader{opts: opts, records: records{lines: newLines(r)}}
		notice, err := rd.readHeader()
		if err != nil {
			yield(Row{}, err)
			return
		}
		if len(notice.Problems) > 0 && !yield(notice, nil) {
			return
		}
		for {
			rec, err := rd.records.next()
			if isEOF(err) {
				return
			}
			if err != nil {
				yield(Row{}, fmt.Errorf("csv: read line %d: %w", rd.records.lines.line+1, err))
				return
			}
			if rec.problem == "" && allBlank(rec.fields) {
				continue
			}
			if !yield(rd.row(rec), nil) {
				return
			}
		}
	}
}

type csvReader struct {
	opts    Options
	records records
	columns []csvColumn
	foreign bool // told that some text is no UTF-8
}

type csvColumn struct {
	column string // unknownColumn is read only for notes
	name   string
}

func (rd *csvReader) readHeader() (notice Row, err error) {
	first, err := rd.firstLine()
	if err != nil {
		return Row{}, err
	}
	if comma, ok := announced(first.text); ok {
		if first, err = rd.firstLine(); err != nil {
			return Row{}, err
		}
		rd.records.comma = comma
	} else {
		rd.records.comma = separator(first.text)
	}
	rd.records.ahead = []heldLine{first}
	rec, err := rd.records.next()
	if err != nil {
		return Row{}, fmt.Errorf("csv: read the header: %w", err)
	}
	if rec.problem != "" {
		return Row{}, fmt.Errorf("csv: line %d, the header: %s", rec.line, rec.problem)
	}

	notice = Row{Line: rec.line, Verdict: Ignored, Offset: rd.records.lines.raw.n}
	var unknown []string
	known := map[string]bool{}
	for _, cell := range rec.fields {
		column, name := columnOf(cell)
		repeatable := column == emailColumn || column == phoneColumn || column == tagsColumn
		switch {
		case column == unknownColumn:
			if name != "" {
				unknown = append(unknown, name)
			}
		case known[column] && !repeatable:
			notice.Problems = append(notice.Problems, column+": the column is there twice, the first that has a value is taken")
		}
		known[column] = true
		rd.columns = append(rd.columns, csvColumn{column: column, name: name})
	}
	if !known["name"] && !known["first_name"] && !known["last_name"] && !known[emailColumn] && !known[phoneColumn] {
		return Row{}, fmt.Errorf("csv: line %d: the first row must name the columns, and one of them be name, first_name, last_name, email or phone", rec.line)
	}
	if len(unknown) > 0 && !rd.opts.Notes {
		notice.Problems = append(notice.Problems, "columns not read: "+strings.Join(unknown, ", "))
	}
	rd.records.columns = len(rd.columns)
	return notice, nil
}

// firstLine returns the first line that is not blank.
func (rd *csvReader) firstLine() (heldLine, error) {
	for {
		held, err := rd.records.pull()
		if isEOF(err) {
			return heldLine{}, errors.New("csv: the file is empty: the first row must name the columns")
		}
		if err != nil {
			return heldLine{}, fmt.Errorf("csv: read the header: %w", err)
		}
		held.text = slices.Clone(held.text)
		if strings.TrimSpace(string(held.text)) != "" {
			return held, nil
		}
	}
}

func allBlank(fields []string) bool {
	for _, field := range fields {
		if strings.TrimSpace(field) != "" {
			return false
		}
	}
	return true
}

func (rd *csvReader) row(rec record) Row {
	d := draft{contact: kith.Contact{Source: "csv"}}
	if rec.problem != "" {
		d.problems = []string{rec.problem}
		return Row{Line: rec.line, Verdict: Rejected, Problems: d.problems, Offset: rd.records.lines.raw.n}
	}
	if rec.foreign && !rd.foreign {
		rd.foreign = true
		d.problems = append(d.problems, "the text is no UTF-8: read as Windows-1252, here and wherever it is so")
	}
	for i, cell := range rec.fields {
		if cell = strings.TrimSpace(cell); cell != "" {
			rd.fill(&d, rd.columns[i], disarmed(cell))
		}
	}
	return d.row(rec.line, rd.records.lines.raw.n)
}

func (rd *csvReader) fill(d *draft, column csvColumn, cell string) {
	c := &d.contact
	switch column.column {
	case "external_id":
		d.set(&c.ExternalID, column.name, cell)
	case "type":
		switch strings.ToLower(cell) {
		case string(kith.Person):
			c.Type = kith.Person
		case string(kith.Company):
			c.Type = kith.Company
		default:
			d.reject(column.name, "it is neither person nor company")
		}
	case "name":
		d.setName(column.name, cell)
	case "first_name":
		d.set(&c.FirstName, column.name, cell)
	case "last_name":
		d.set(&c.LastName, column.name, cell)
	case "company":
		d.set(&c.Company, column.name, cell)
	case "title":
		d.set(&c.Title, column.name, cell)
	case "owner":
		d.set(&c.Owner, column.name, cell)
	case "language":
		d.setLanguage(column.name, cell)
	case "never_record":
		d.setNeverRecord(column.name, cell)
	case emailColumn:
		eachValue(cell, func(s string) { d.addEmail(column.name, s) })
	case phoneColumn:
		eachValue(cell, func(s string) { d.addPhone(column.name, s) })
	case tagsColumn:
		eachValue(cell, func(s string) { d.addTag(column.name, s) })
	case unknownColumn:
		if rd.opts.Notes && column.name != "" {
			d.note(column.name, cell)
		}
	}
}

// note keeps a value of an unknown column. It may have several lines.
func (d *draft) note(name, s string) {
	lines := strings.Split(s, "\n")
	for i, line := range lines {
		lines[i] = oneLine(line)
	}
	s = strings.Trim(strings.Join(lines, "\n"), "\n")
	if len(s) > maxRecord {
		d.warn(name, "left out, it is too long")
		return
	}
	if d.contact.Notes == nil {
		d.contact.Notes = map[string]string{}
	}
	if d.contact.Notes[name] == "" {
		d.contact.Notes[name] = s
	}
}

// eachValue calls f with the values of a cell that are separated by semicolons.
func eachValue(cell string, f func(string)) {
	if !strings.ContainsAny(cell, `;\`) {
		f(cell)
		return
	}
	var value strings.Builder
	for i := 0; i < len(cell); i++ {
		switch {
		case cell[i] == '\\' && i+1 < len(cell) && (cell[i+1] == ';' || cell[i+1] == '\\'):
			i++
			value.WriteByte(cell[i])
		case cell[i] == ';':
			f(value.String())
			value.Reset()
		default:
			value.WriteByte(cell[i])
		}
	}
	f(value.String())
}
