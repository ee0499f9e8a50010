// Package contactfile reads and writes contacts as CSV (RFC 4180 and what
// spreadsheets make of it) and as vCard (RFC 6350; version 3, RFC 2426, and
// version 2.1 are read too).
//
// Readers are made for files of other programs: they yield row after row,
// bound everything that they hold, and a row that can't be read costs only
// itself. Addresses come out canonical (package address), phone numbers in
// E.164 where the number tells its country, and text on one line without
// control characters. What was wrong is told in words that name the field,
// but never quote it: it may end in a log.
package contactfile

import "kith"

// Verdict says what is to become of a row.
type Verdict string

// The verdicts.
const (
	Good     Verdict = "good"     // the contact is to be taken
	Rejected Verdict = "rejected" // it should have been a contact, but can't be used
	Ignored  Verdict = "ignored"  // it is no contact: a remark on the file, or a vCard group
)

// Row is one record of a file: a row of a CSV file, a card of a vCard file.
type Row struct {
	Line    int // where it begins, counted from 1
	Verdict Verdict
	// Contact is set when the row is good. It has a name, an e-mail address or
	// a phone number at least, and no ID.
	Contact kith.Contact
	// Group is set when the card names members: that of a group, which is ignored as a
	// contact, or that of a company.
	Group *Group
	// Problems tell what was odd or left out, and why a row is not good. A
	// good row may have problems: a value that is no e-mail address, say, is
	// left out and told, when enough remains to know the contact by.
	Problems []string
	// Offset is how many bytes of the file had been taken in when the row was
	// yielded, for showing progress.
	Offset int64
}

// Group is who is named by a vCard whose KIND is group (RFC 6350 §6.1.4), by Apple's form of
// one, or by that of an organisation.
type Group struct {
	UID     string
	Name    string
	Members []string // what MEMBER says, mostly the UID of a card behind urn:uuid:
}

// Bounds of what is held of a row. They are far above what a contact needs.
const (
	maxLine    = 1 << 20 // bytes of a line of text
	maxRecord  = 1 << 18 // bytes of a CSV record over several lines, or of one vCard property
	maxValue   = 4096    // bytes of one value
	maxValues  = 200     // e-mail addresses, phones or tags of one contact
	maxCells   = 1000    // columns of a CSV file
	maxMembers = 20_000  // of a group

	maxProblems = 50 // told of one row
)
