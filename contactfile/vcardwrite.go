package contactfile

import (
	"bufio"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode/utf8"

	"kith"
)

// WriteVCards writes contacts as vCards of version 4 (RFC 6350), with what
// [ReadVCards] reads. ID, source, archived, notes and times are not in them. It ends at
// the first error of the sequence or of w.
func WriteVCards(w io.Writer, contacts iter.Seq2[kith.Contact, error]) error {
	out := cardWriter{w: bufio.NewWriter(w)}
	for c, err := range contacts {
		if err != nil {
			return fmt.Errorf("write vcards: %w", err)
		}
		out.card(c)
	}
	if err := out.w.Flush(); err != nil { // keeps the first error of all
		return fmt.Errorf("write vcards: %w", err)
	}
	return nil
}

type cardWriter struct {
	w *bufio.Writer
}

func (cw *cardWriter) card(c kith.Contact) {
	cw.line("BEGIN:VCARD")
	cw.line("VERSION:4.0")
	if c.Type == kith.Company {
		cw.line("KIND:org")
	} else {
		cw.line("KIND:individual")
	}
	cw.property("UID", c.ExternalID)
	cw.line("FN:" + escapeText(formattedName(c)))
	if c.FirstName != "" || c.LastName != "" {
		cw.line("N:" + escapeText(c.LastName) + ";" + escapeText(c.FirstName) + ";;;")
	}
	cw.property("ORG", c.Company)
	cw.property("TITLE", c.Title)
	for _, email := range c.Emails {
		cw.property("EMAIL", email)
	}
	for _, number := range c.Phones {
		if strings.HasPrefix(number, "+") {
			cw.line("TEL;VALUE=uri:tel:" + number)
		} else { // RFC 3966 §5.1.4: a local number would need a context
			cw.property("TEL", number)
		}
	}
	cw.property("LANG", c.Language)
	if len(c.Tags) > 0 {
		tags := make([]string, len(c.Tags))
		for i, tag := range c.Tags {
			tags[i] = escapeText(tag)
		}
		cw.line("CATEGORIES:" + strings.Join(tags, ","))
	}
	cw.property(ownerProperty, c.Owner)
	if c.NeverRecord {
		cw.line(neverRecordProperty + ":yes")
	}
	cw.line("END:VCARD")
}

// formattedName returns what stands in FN, which must be there (RFC 6350 §6.2.1).
func formattedName(c kith.Contact) string {
	switch {
	case c.Name != "":
		return c.Name
	case len(c.Emails) > 0:
		return c.Emails[0]
	case len(c.Phones) > 0:
		return c.Phones[0]
	}
	return ""
}

func (cw *cardWriter) property(name, value string) {
	if value != "" {
		cw.line(name + ":" + escapeText(value))
	}
}

// line writes a content line, folded at 75 octets, but not within a character
// (RFC 6350 §3.2). The writer keeps the first error, and Flush returns it.
func (cw *cardWriter) line(s string) {
	for limit := 75; len(s) > limit; limit = 74 {
		cut := limit
		for cut > 1 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		_, _ = cw.w.WriteString(s[:cut] + "\r\n ")
		s = s[cut:]
	}
	_, _ = cw.w.WriteString(s + "\r\n")
}

// escapeText escapes a text value (RFC 6350 §3.4). Semicolons need it in
// structured values and hurt in none.
func escapeText(s string) string { return textEscaper.Replace(s) }

var textEscaper = strings.NewReplacer(`\`, `\\`, ",", `\,`, ";", `\;`, "\r\n", `\n`, "\n", `\n`, "\r", `\n`)
