package contactfile

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"kith"
	"kith/address"
)

// draft is a contact in the making: the values of one row, checked one by one.
type draft struct {
	contact  kith.Contact
	display  string // a name that stood before an address
	problems []string
	rejected bool
}

// warn notes a value that is left out.
func (d *draft) warn(field, problem string) {
	if len(d.problems) < maxProblems {
		d.problems = append(d.problems, field+": "+problem)
	}
}

// reject notes a value without which the row must not be used.
func (d *draft) reject(field, problem string) {
	d.warn(field, problem)
	d.rejected = true
}

// value returns a value as one line, or nothing if it is too long.
func (d *draft) value(field, s string) string {
	s = oneLine(s)
	if len(s) > maxValue {
		d.warn(field, fmt.Sprintf("left out, it is longer than %d bytes", maxValue))
		return ""
	}
	return s
}

// set fills a field that has no value yet.
func (d *draft) set(to *string, field, s string) {
	if *to == "" {
		*to = d.value(field, s)
	}
}

func (d *draft) setName(field, s string) {
	if d.contact.Name == "" {
		d.contact.Name = personName(d.value(field, s))
	}
}

func (d *draft) addEmail(field, s string) {
	if s = d.value(field, s); s == "" {
		return
	}
	name, addr := mailbox(s)
	canonical, ok := address.Normalize(addr)
	if !ok {
		d.warn(field, "a value is no e-mail address")
		return
	}
	if d.display == "" {
		d.display = name
	}
	d.add(&d.contact.Emails, field, canonical)
}

func (d *draft) addPhone(field, s string) {
	if s = d.value(field, s); s == "" {
		return
	}
	number, ok := Phone(s)
	if !ok {
		d.warn(field, "a value is no phone number")
		return
	}
	d.add(&d.contact.Phones, field, number)
}

func (d *draft) addTag(field, s string) {
	if s = d.value(field, s); s != "" {
		d.add(&d.contact.Tags, field, s)
	}
}

// add appends a value that is not there yet.
func (d *draft) add(to *[]string, field, s string) {
	if slices.Contains(*to, s) {
		return
	}
	if len(*to) == maxValues {
		d.warn(field, fmt.Sprintf("a value left out, there are more than %d", maxValues))
		return
	}
	*to = append(*to, s)
}

func (d *draft) setLanguage(field, s string) {
	if s = d.value(field, s); s == "" || d.contact.Language != "" {
		return
	}
	tag, ok := language(s)
	if !ok {
		d.warn(field, "left out, it is no language tag such as fr or nl-BE")
		return
	}
	d.contact.Language = tag
}

// setNeverRecord reads yes or no. Another word rejects the row: to take it for a
// no would record somebody who must not be.
func (d *draft) setNeverRecord(field, s string) {
	switch strings.ToLower(d.value(field, s)) {
	case "yes", "y", "true", "1", "x":
		d.contact.NeverRecord = true
	case "", "no", "n", "false", "0":
	default:
		d.reject(field, "it is neither yes nor no")
	}
}

// row ends the draft.
func (d *draft) row(line int, offset int64) Row {
	c := &d.contact
	if c.Name == "" {
		c.Name = personName(fullName(c.FirstName, c.LastName))
	}
	if c.Name == "" {
		c.Name = personName(d.display)
	}
	if c.Type == "" {
		c.Type = kith.Person
	}
	if c.Type == kith.Company && c.Company == c.Name {
		c.Company = "" // a company is not its own company
	}
	if c.Name == "" && len(c.Emails) == 0 && len(c.Phones) == 0 {
		d.rejected = true
		d.problems = append(d.problems, "there is no name, e-mail address or phone number in it")
	}
	row := Row{Line: line, Verdict: Good, Contact: *c, Problems: d.problems, Offset: offset}
	if d.rejected {
		row.Verdict, row.Contact = Rejected, kith.Contact{}
	}
	return row
}

func isEOF(err error) bool { return errors.Is(err, io.EOF) }
