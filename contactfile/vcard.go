package contactfile

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"kith"
)

// The properties of a vCard that make a contact. Two of them are kith's own
// (RFC 6350 §6.10): vCard has no word for the owner of a contact, nor for one
// that must not be recorded.
const (
	ownerProperty       = "X-KITH-OWNER"
	neverRecordProperty = "X-KITH-NEVER-RECORD"
)

func wantedProperty(name string) bool {
	switch name {
	case "BEGIN", "END", "VERSION", "AGENT", "KIND", "X-ADDRESSBOOKSERVER-KIND", "X-ABSHOWAS",
		"MEMBER", "X-ADDRESSBOOKSERVER-MEMBER",
		"UID", "FN", "N", "ORG", "EMAIL", "TEL", "TITLE", "LANG", "CATEGORIES",
		ownerProperty, neverRecordProperty:
		return true
	}
	return false
}

// ReadVCards yields the contacts of a file of vCards, one or many. Photos and
// whatever else a contact does not have are passed over without being held.
//
//   - UID is the external id, CATEGORIES are the tags, LANG the language; of
//     several FN, ORG and TITLE the first counts, of several LANG the preferred.
//   - A card is a company when its KIND says so, when it has no parts of
//     a name and its FN is missing or equal to its ORG, or when Apple's address book shows it as one.
//   - A card of another KIND is ignored; of a group, [Row] tells who is in it.
//
// The sequence ends with an error when the file can't be read any further, or
// has no card in it.
func ReadVCards(r io.Reader) iter.Seq2[Row, error] {
	return func(yield func(Row, error) bool) {
		rd := cardReader{props: properties{lines: newLines(r), wanted: wantedProperty}}
		for n := 0; ; n++ {
			row, err := rd.next()
			if isEOF(err) {
				if n == 0 {
					yield(Row{}, errors.New("vcard: no BEGIN:VCARD found in the file"))
				}
				return
			}
			if err != nil {
				yield(Row{}, fmt.Errorf("vcard: read line %d: %w", rd.props.lines.line+1, err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
	}
}

type cardReader struct {
	props properties
	begun int // line of a BEGIN that was read already, since it cut off the card before it
}

// card is what was read of one card.
type card struct {
	draft
	line     int
	version  string
	kind     string
	company  bool   // Apple's X-ABShowAs
	org      string // the first part of ORG
	members  []string
	agent    bool // the property before was an AGENT without a value
	langPref int  // of the language taken
}

func (rd *cardReader) next() (Row, error) {
	for rd.begun == 0 {
		prop, err := rd.props.next()
		if err != nil {
			return Row{}, err
		}
		if prop.name == "BEGIN" && isVCard(prop.value) {
			rd.begun = prop.line
		}
	}
	c := card{line: rd.begun, langPref: 101}
	c.contact.Source = "vcard"
	rd.begun = 0
	for nested := 0; ; {
		prop, err := rd.props.next()
		if err != nil && !isEOF(err) {
			return Row{}, err
		}
		begin := err == nil && prop.name == "BEGIN" && isVCard(prop.value)
		if isEOF(err) || begin && nested == 0 && !c.agent {
			if begin {
				rd.begun = prop.line
			}
			c.problems = append(c.problems, "the card has no END:VCARD")
			break
		}
		switch end := prop.name == "END" && isVCard(prop.value); {
		case begin: // version 2.1 puts the card of an agent inside
			nested++
		case end && nested > 0:
			nested--
		case nested > 0:
		case end:
			return c.row(rd.props.lines.raw.n), nil
		default:
			c.take(prop)
		}
		c.agent = prop.name == "AGENT" && prop.empty
	}
	return c.row(rd.props.lines.raw.n), nil
}

func isVCard(value string) bool { return strings.EqualFold(strings.TrimSpace(value), "VCARD") }

// take adds a property to the card.
func (c *card) take(p property) {
	if p.cut && wantedProperty(p.name) {
		c.warn(p.name, "left out, it is too long")
		return
	}
	contact := &c.contact
	switch p.name {
	case "VERSION":
		c.version = p.value
	case "KIND", "X-ADDRESSBOOKSERVER-KIND":
		c.kind = strings.ToLower(p.value)
	case "MEMBER", "X-ADDRESSBOOKSERVER-MEMBER":
		c.addMember(p)
	case "X-ABSHOWAS":
		c.company = strings.EqualFold(p.value, "COMPANY")
	case "UID":
		c.set(&contact.ExternalID, p.name, unescape(p.value))
	case "FN":
		c.setName(p.name, unescape(p.value))
	case "N":
		parts := components(p.value, ';')
		c.set(&contact.LastName, p.name, c.namePart(p.value, parts, 0))
		c.set(&contact.FirstName, p.name, c.namePart(p.value, parts, 1))
	case "ORG":
		if c.org == "" { // further parts are its departments
			c.org = c.value(p.name, components(p.value, ';')[0])
		}
	case "EMAIL":
		c.addEmail(p.name, unescape(p.value))
	case "TEL":
		c.addPhone(p.name, unescape(p.value))
	case "TITLE":
		c.set(&contact.Title, p.name, unescape(p.value))
	case "LANG":
		if p.pref < c.langPref {
			c.langPref = p.pref
			contact.Language = ""
			c.setLanguage(p.name, p.value)
		}
	case "CATEGORIES":
		for _, tag := range components(p.value, ',') {
			c.addTag(p.name, tag)
		}
	case ownerProperty:
		c.set(&contact.Owner, p.name, unescape(p.value))
	case neverRecordProperty:
		c.setNeverRecord(p.name, p.value)
	}
}

// addMember adds to the members of a group. Any number up to maxMembers is usual there.
func (c *card) addMember(p property) {
	member := c.value(p.name, unescape(p.value))
	switch {
	case member == "":
	case len(c.members) == maxMembers:
		c.warn(p.name, fmt.Sprintf("a value left out, there are more than %d", maxMembers))
	default:
		c.members = append(c.members, member)
	}
}

// namePart returns the i-th part of an N property. From version 3 on it is a list
// itself: in Philip,Paul each name is one.
func (c *card) namePart(value string, parts []string, i int) string {
	if i >= len(parts) {
		return ""
	}
	if c.version == "2.1" || !strings.Contains(value, ",") {
		return parts[i]
	}
	return strings.Join(components(rawPart(value, i), ','), " ")
}

// rawPart returns the i-th part of a structured value, still escaped.
func rawPart(value string, i int) string {
	from := 0
	for j := 0; j < len(value); j++ {
		switch value[j] {
		case '\\':
			j++
		case ';':
			if i == 0 {
				return value[from:j]
			}
			i--
			from = j + 1
		}
	}
	return value[from:]
}

// looksLikeCompany tells of a card without a KIND, which came with version 4, whether
// it is one of a company.
func (c *card) looksLikeCompany() bool {
	if c.company {
		return true
	}
	named := c.contact.FirstName != "" || c.contact.LastName != ""
	return !named && c.org != "" && (c.contact.Name == "" || c.contact.Name == c.org)
}

// row ends the card.
func (c *card) row(offset int64) Row {
	switch c.kind {
	case "", "individual", "org":
	default:
		row := Row{Line: c.line, Verdict: Ignored, Offset: offset,
			Problems: append(c.problems, "KIND: neither a person nor an organisation, not read")}
		if c.kind == "group" {
			row.Group = &Group{UID: c.contact.ExternalID, Name: c.contact.Name, Members: c.members}
		}
		return row
	}
	contact := &c.contact
	if c.kind == "org" || c.kind == "" && c.looksLikeCompany() {
		contact.Type = kith.Company
		if contact.Name == "" {
			contact.Name = personName(c.org)
		}
	}
	contact.Company = c.org
	// FN must not be empty (RFC 6350 §6.2.1): without a name, an address or number stands there.
	for _, number := range contact.Phones {
		if contact.Name == number {
			contact.Name = ""
		}
	}
	row := c.draft.row(c.line, offset)
	if row.Verdict == Good && len(c.members) > 0 && contact.Type == kith.Company {
		row.Group = &Group{UID: contact.ExternalID, Name: contact.Name, Members: c.members}
	}
	return row
}
