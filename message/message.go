// Package message reads e-mail: headers (RFC 5322), MIME structure (RFC 2045)
// and delivery reports (RFC 3464), as they are found in real mailboxes. It
// never refuses a message: what is odd is read as well as it can be, and named
// in Warnings.
package message

import (
	"io"
	"time"

	"kith"
)

// Fields are the header fields that [ParseHeader] looks at: what to ask a
// server for with BODY.PEEK[HEADER.FIELDS (…)].
var Fields = []string{
	"Message-ID", "In-Reply-To", "References", "Date", "Subject",
	"From", "Sender", "Reply-To", "To", "Cc", "Bcc",
}

// ParseHeader reads a header block.
func ParseHeader(raw []byte) *kith.Message { return &kith.Message{DateSource: kith.DateNone} }

// ResolveDate decides between the date in the header and the server's INTERNALDATE.
func ResolveDate(m *kith.Message, internal time.Time) {
	if m.DateSource == kith.DateNone && !internal.IsZero() {
		m.Date, m.DateSource = internal, kith.DateFromInternal
	}
}

// Part is a node of a message's MIME structure.
type Part struct {
	Path              string            // IMAP section, such as "1.2"; "" for a multipart root
	MediaType         string            // lower case, such as "text/plain"
	Params            map[string]string // of Content-Type, names in lower case, values as written
	Disposition       string            // "inline", "attachment" or ""
	DispositionParams map[string]string // names in lower case, values as written
	ContentID         string
	Encoding          string // Content-Transfer-Encoding, lower case
	Size              int64  // bytes, as transferred
	Children          []*Part
}

// ApplyStructure adds to m what the structure tells.
func ApplyStructure(m *kith.Message, root *Part) {}

// BounceParts returns the parts of a delivery report that [ReadBounce] reads, nil if there are none.
func BounceParts(root *Part) (report, original *Part) { return nil, nil }

// ReadBounce fills m.Bounce from the bodies of the parts that BounceParts named.
func ReadBounce(m *kith.Message, report, original []byte) {}

// TextPart returns the part that holds the letter's text, nil if there is none.
func TextPart(root *Part) *Part { return nil }

// Snippet returns the first 500 characters of the text in p, without quoted history.
func Snippet(p *Part, body []byte) string { return "" }

// Read reads a whole message.
func Read(r io.Reader) (*kith.Message, error) { return &kith.Message{}, nil }
