// Package message reads e-mail: headers (RFC 5322), MIME structure (RFC 2045)
// and delivery reports (RFC 3464), as they are found in real mailboxes. It
// never refuses a message: what is odd is read as well as it can be, and named
// in Warnings.
//
// The package is pure and keeps no state; all functions are safe for
// concurrent use. The strings of a message share the memory of its header
// block: clone one that is to be kept for long.
package message

import (
	"fmt"
	"strings"
	"time"

	"kith"
)

// Bounds on what is read of one message. Beyond them it is cut, with a warning.
const (
	maxHeader     = 1 << 20 // bytes of a header block
	maxAddresses  = 10_000  // in one header field
	maxReferences = 100     // the first and the last half are kept
	maxWarnings   = 50
)

// ParseHeader reads a header block: as much of the message as its fields tell.
// Lines may end in LF or CRLF. The block ends at the first empty line; what
// follows is not looked at. The date is that of the header, or there is none;
// see [ResolveDate].
//
// Of a field that should occur once, the first that is not empty counts;
// recipients (To, Cc, Bcc), References and In-Reply-To are joined.
func ParseHeader(raw []byte) *kith.Message {
	m := &kith.Message{DateSource: kith.DateNone}
	var h header
	h.read(raw)
	for _, w := range h.warnings {
		warn(m, "%s", w)
	}

	m.MessageID = h.messageID(m)
	m.InReplyTo = h.messageIDs(m, fieldInReplyTo)
	m.References = h.messageIDs(m, fieldReferences)
	m.Subject = h.text(fieldSubject)
	if v := h.value(fieldDate); v != "" {
		if date, ok := parseDate(v); ok {
			m.Date, m.DateSource = date, kith.DateFromHeader
		} else {
			warn(m, "the date can't be read")
		}
	}

	m.From = h.addresses(m, fieldFrom)
	if senders := h.addresses(m, fieldSender); len(senders) > 0 {
		m.Sender = &senders[0]
	}
	m.ReplyTo = h.addresses(m, fieldReplyTo)
	m.To = h.addresses(m, fieldTo)
	m.Cc = h.addresses(m, fieldCc)
	m.Bcc = h.addresses(m, fieldBcc)
	m.OriginalFrom = h.addresses(m, fieldXOriginalFrom)
	m.ResentFrom = h.addresses(m, fieldResentFrom)
	m.DeliveredTo = h.deliveredTo(m)
	if len(m.From) == 0 {
		warn(m, "no From")
	}
	m.Repeated = h.differs

	h.readSignals(m)
	return m
}

// Tolerance of [ResolveDate].
const (
	// maxAhead is how much later than its arrival a message may be dated: more
	// than a clock that is wrong by a zone, less than one wrong by a date.
	maxAhead = 24 * time.Hour
	// firstYear is the first that an e-mail can be from. Earlier dates come
	// from clocks that were never set, mostly to 1 January 1970.
	firstYear = 1980
)

// ResolveDate decides between the date in the header and the time the server
// got the message (INTERNALDATE; zero when not known): the header's counts
// unless it is missing, can't be read, is before 1980, or more than a day
// after the server's. An older date in the header counts, however long ago: a
// message that was moved here from another server is not new.
func ResolveDate(m *kith.Message, internal time.Time) {
	if internal.Year() < firstYear {
		return // the server's clock is no help
	}
	if m.DateSource == kith.DateFromHeader {
		switch {
		case m.Date.Year() < firstYear:
			warn(m, "the date is before %d: the server's is used", firstYear)
		case m.Date.After(internal.Add(maxAhead)):
			warn(m, "the date is after the message arrived: the server's is used")
		default:
			return
		}
	}
	m.Date, m.DateSource = internal, kith.DateFromInternal
}

// warn adds a warning, once. Its text must not hold content of the message.
func warn(m *kith.Message, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	for _, w := range m.Warnings {
		if w == text {
			return
		}
	}
	if len(m.Warnings) < maxWarnings {
		m.Warnings = append(m.Warnings, text)
	}
}

func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}
