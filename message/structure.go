package message

import (
	"strings"

	"kith"
)

// maxAttachments is how many attachments of a message are named.
const maxAttachments = 200

// maxForwarded is how many authors of attached messages are named.
const maxForwarded = 20

// isMessage tells whether a part is a message inside the message (RFC 2046 §5.2.1, RFC 6532).
func isMessage(p *Part) bool {
	return p.MediaType == "message/rfc822" || p.MediaType == "message/global"
}

// ApplyStructure adds to m what its structure tells: the attachments, and
// whether it is a delivery report, a receipt or an invitation. It never
// descends into a message inside the message.
func ApplyStructure(m *kith.Message, root *Part) {
	if root == nil {
		return
	}
	report := findReport(root)
	if report != nil {
		switch kindOf(report) {
		case "delivery-status":
			if m.Bounce == nil {
				m.Bounce = &kith.Bounce{}
			}
		case "disposition-notification":
			m.Receipt = true
			m.Bounce = nil // postmasters send receipts, too
		}
	}
	text := TextPart(root)
	root.walk(func(p, parent *Part) {
		switch {
		case p.isMultipart() || p == text || parent != nil && parent == report:
		case isInvitation(p, parent):
			m.Invitation = invitation(p.Params)
		case isAttachment(p, parent):
			if len(m.Attachments) == maxAttachments {
				warn(m, "there are more than %d attachments: the rest is not named", maxAttachments)
				return
			}
			m.Attachments = append(m.Attachments, kith.Attachment{
				Name:      p.filename(),
				MediaType: clean(cut(p.MediaType, maxForeign)),
				Size:      p.contentSize(),
				Inline:    p.Disposition == "inline" || p.Disposition == "" && p.ContentID != "",
			})
			if isMessage(p) && (parent == nil || parent.MediaType != "multipart/digest") { // RFC 2046 §5.1.5
				m.Forwarded = append(m.Forwarded, p.From[:min(len(p.From), maxForwarded-len(m.Forwarded))]...)
			}
		}
	})
}

// isAttachment tells whether a leaf is something that the sender attached, not
// the text itself, another form of it, or what belongs to its envelope.
func isAttachment(p, parent *Part) bool {
	named := p.filename() != ""
	switch p.MediaType {
	case "text/plain", "text/html", "text/enriched", "text/richtext", "text/x-amp-html", "text/watch-html", "":
		// Text without a name is a further piece of the letter, such as what a list writes below.
		return p.Disposition == "attachment" || named && !isAlternative(parent)
	case "text/calendar":
		return named || p.Disposition == "attachment" || !isAlternative(parent)
	case "application/pgp-signature", "application/pgp-encrypted",
		"application/pkcs7-signature", "application/x-pkcs7-signature":
		return false // RFC 3156, RFC 8551
	}
	return true
}

func isAlternative(p *Part) bool { return p != nil && p.MediaType == "multipart/alternative" }

// isInvitation tells whether a part makes the message one of iTIP over e-mail
// (RFC 6047 §2.4): a calendar part with a method that is the message or another
// form of its text. An .ics file that somebody attached to a letter is none.
func isInvitation(p, parent *Part) bool {
	if p.MediaType != "text/calendar" || invitation(p.Params) == "" || p.Disposition == "attachment" {
		return false
	}
	return parent == nil || isAlternative(parent) || p.filename() == ""
}

// InvitationPart returns the part that makes a message an invitation, or an answer to one; nil if there is none.
func InvitationPart(root *Part) (found *Part) {
	root.walk(func(p, parent *Part) {
		if found == nil && isInvitation(p, parent) {
			found = p
		}
	})
	return found
}

// invitation returns the iTIP method (RFC 5546 §1.4) that the parameters of a
// calendar part name, "" if none, or if it asks for nothing: what is published is to be read.
func invitation(params map[string]string) string {
	switch method := strings.ToUpper(strings.TrimSpace(params["method"])); method {
	case "REQUEST", "REPLY", "CANCEL", "ADD", "REFRESH", "COUNTER", "DECLINECOUNTER":
		return method
	}
	return ""
}

// findReport returns the multipart/report (RFC 6522) that a message is, also
// when a server on the way wrapped it or wrote another type over it; else nil.
func findReport(root *Part) *Part {
	for p, depth := root, 0; p.isMultipart() && depth < maxDepth; depth++ {
		if p.MediaType == "multipart/report" || kindOf(p) != "" {
			return p
		}
		if p.MediaType != "multipart/mixed" || len(p.Children) == 0 {
			return nil
		}
		p = p.Children[0]
	}
	return nil
}

// kindOf returns the kind of a report, by the part that it must have rather
// than by its parameter, which some servers leave out.
func kindOf(report *Part) string {
	for _, child := range report.Children {
		switch child.MediaType {
		case "message/delivery-status", "message/global-delivery-status":
			return "delivery-status"
		case "message/disposition-notification", "message/global-disposition-notification":
			return "disposition-notification"
		}
	}
	if report.MediaType == "multipart/report" {
		return strings.ToLower(report.Params["report-type"])
	}
	return ""
}

// contentSize returns the size without the transfer encoding. That of base64
// follows from the size with it, but for one or two bytes of padding; that of
// quoted-printable does not, and is left as it is.
func (p *Part) contentSize() int64 {
	if p.decoded > 0 {
		return p.decoded
	}
	if transferEncoding(p.Encoding) != "base64" {
		return p.Size
	}
	const line = 76 + 2 // RFC 2045 §6.8
	lines := (p.Size + line - 1) / line
	return max(0, (p.Size-2*lines)/4*3)
}

// TextPart returns the part that holds the letter's text, nil if there is
// none: the plain form of alternatives, unless it is empty and the other is
// not, and the first of several pieces.
func TextPart(root *Part) *Part {
	if root == nil {
		return nil
	}
	return textPart(root, maxDepth)
}

func textPart(p *Part, depth int) *Part {
	if depth == 0 {
		return nil
	}
	switch p.MediaType {
	case "text/plain", "text/html":
		if p.Disposition == "attachment" {
			return nil
		}
		return p
	case "multipart/encrypted":
		return nil
	}
	var best *Part
	for _, child := range p.Children {
		t := textPart(child, depth-1)
		switch {
		case t == nil:
		case p.MediaType != "multipart/alternative":
			return t
		case best == nil, best.MediaType != "text/plain" && t.MediaType == "text/plain" && t.Size > emptyText,
			best.Size <= emptyText && t.Size > emptyText:
			best = t
		}
	}
	return best
}

// emptyText is the size of a text of nothing but line ends.
const emptyText = 4
