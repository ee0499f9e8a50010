package message

import (
	"bytes"
	"strings"

	"kith"
	"kith/address"
)

// Bounds on what is kept of a delivery report.
const (
	maxReason     = 1000    // bytes
	maxReportRead = 1 << 18 // bytes that are looked at
)

// BounceParts returns the parts of a delivery report that [ReadBounce] reads:
// the report itself (message/delivery-status, RFC 3464; without one, the text)
// and the message that it is about, or its header. Each is nil when there is none.
// Of the original, the first 64 KB are enough.
func BounceParts(root *Part) (report, original *Part) {
	if root == nil {
		return nil, nil
	}
	within := findReport(root)
	if within == nil {
		within = root
	}
	for _, child := range within.Children {
		switch child.MediaType {
		case "message/delivery-status", "message/global-delivery-status":
			report = child // the last: a server writes the text for people under this type, too
		case "message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers":
			if original == nil {
				original = child
			}
		}
	}
	if report == nil {
		report = TextPart(root)
	}
	return report, original
}

// ReadBounce fills m.Bounce from the contents of the parts that [BounceParts]
// named, as [Part.Decode] returns them; nil where there is none. They may be
// cut short. When the report is for people only, what it quotes of the message
// still tells its Message-ID.
func ReadBounce(m *kith.Message, report, original []byte) {
	if m.Bounce == nil {
		m.Bounce = &kith.Bounce{}
	}
	report = report[:min(len(report), maxReportRead)]
	original = original[:min(len(original), maxReportRead)]
	b := m.Bounce
	readReport(b, report)
	var h header
	h.read(original)
	if b.MessageID = h.messageID(m); b.MessageID == "" {
		b.MessageID = quotedMessageID(report)
	}
	if b.MessageID == "" && len(m.InReplyTo) > 0 {
		b.MessageID = m.InReplyTo[0] // Exchange leaves the original out, but answers it
	}
	if len(b.Recipients) == 0 && len(original) > 0 && b.Action == "" {
		// Nothing says who it was: with one recipient there is no doubt.
		if to := h.addresses(m, fieldTo); len(to) == 1 && h.first[fieldCc] == "" {
			b.Recipients = appendNew(b.Recipients, to[0].Address)
		}
	}
	if b.Action == "" {
		b.Action = "failed"
	}
}

// readReport reads the fields of a delivery report: one group for the message
// and one for each recipient (RFC 3464 §2.1). Of several recipients the worst
// fate is told.
func readReport(b *kith.Bounce, report []byte) {
	rest := strings.ToValidUTF8(string(report), "\ufffd")
	for rest != "" {
		var group recipientStatus
		for name, value := range fields(rest) {
			group.set(name, unfold(value))
		}
		group.apply(b)
		rest = behindGroup(rest)
	}
}

// behindGroup returns what follows the next empty line.
func behindGroup(s string) string {
	s = strings.TrimLeft(s, "\r\n")
	for s != "" {
		var line string
		if line, s = cutLine(s); isBlank(line) {
			break
		}
	}
	return s
}

// recipientStatus is what a report says of one recipient (RFC 3464 §2.3).
type recipientStatus struct {
	original, final, action, status, diagnostic string
}

func (r *recipientStatus) set(name, value string) {
	switch strings.ToLower(name) {
	case "original-recipient":
		r.original = reportedAddress(value)
	case "final-recipient":
		r.final = reportedAddress(value)
	case "action":
		r.action, _, _ = strings.Cut(strings.ToLower(clean(withoutComments(value))), " ")
	case "status":
		r.status, _, _ = strings.Cut(clean(withoutComments(value)), " ")
	case "diagnostic-code":
		if _, text, ok := strings.Cut(value, ";"); ok { // smtp; 550 …
			value = text
		}
		r.diagnostic = clean(cut(decodeWords(value), maxReason))
	}
}

// reportedAddress reads a recipient: rfc822; a@x.com
func reportedAddress(value string) string {
	if _, text, ok := strings.Cut(value, ";"); ok {
		value = text
	}
	value = withoutComments(value)
	if canonical, ok := address.Normalize(value); ok {
		return canonical
	}
	return clean(cut(value, maxForeign))
}

// severity orders actions, the worst last.
var severity = map[string]int{"": 0, "expanded": 1, "relayed": 2, "delivered": 3, "delayed": 4, "failed": 5}

func (r *recipientStatus) apply(b *kith.Bounce) {
	if r.final == "" && r.original == "" || severity[r.action] == 0 {
		return
	}
	if severity[r.action] > severity[b.Action] || b.Status == "" && r.action == b.Action {
		if severity[r.action] > severity[b.Action] {
			b.Recipients = nil
		}
		b.Action, b.Status, b.Reason = r.action, r.status, r.diagnostic
	}
	if r.action != b.Action {
		return // others fared worse
	}
	// The original is what our message named; the final may be unknown to us, behind an alias.
	to := r.original
	if to == "" {
		to = r.final
	}
	b.Recipients = appendNew(b.Recipients, to)
}

// quotedMessageID finds the Message-ID of a message that is quoted in a text,
// as servers do that know no RFC 3464.
func quotedMessageID(text []byte) string {
	const name = "message-id:"
	for line := range bytes.Lines(text) {
		line = bytes.TrimLeft(line, "> \t")
		if len(line) < len(name) || !bytes.EqualFold(line[:len(name)], []byte(name)) {
			continue
		}
		if ids := parseMessageIDs(clean(string(line[len(name):])), true); len(ids) > 0 {
			return ids[0]
		}
	}
	return ""
}
