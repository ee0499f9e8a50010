package kith

import "time"

// Address is a mailbox (RFC 5322 §3.4) after cleaning: the display name is one
// line of valid UTF-8, the address is canonical (package address), or, where it
// is no SMTP address, what stood there. Compare addresses with ==.
type Address struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

// DateSource says where a message's date was taken from.
type DateSource string

// The sources of a date. A message read from a file has no internal date.
const (
	DateFromHeader   DateSource = "header"
	DateFromInternal DateSource = "internal"
	DateNone         DateSource = "none"
)

// Message is what kith reads of an e-mail (RFC 5322): headers and structure,
// and of the text at most a snippet. All strings are valid UTF-8 without
// control characters, on one line.
type Message struct {
	MessageID  string   // normalised, with angle brackets; "" when there is none
	InReplyTo  []string // normalised like MessageID, bounded
	References []string // oldest first, without duplicates and its own id, bounded

	Date       time.Time // in the zone it was written in
	DateSource DateSource
	Subject    string

	From    []Address
	Sender  *Address
	ReplyTo []Address
	To      []Address
	Cc      []Address
	Bcc     []Address

	OriginalFrom []Address // X-Original-From: what a mailing list replaced in From
	ResentFrom   []Address // RFC 5322 §3.6.6
	DeliveredTo  []string  // addresses of Delivered-To, X-Original-To, Envelope-To
	ListPost     string    // address of List-Post, or of the list, if one is named

	Bulk          bool // a mailing list, newsletter or other mass mail
	AutoReply     bool // RFC 3834 auto-replied, out of office and the like
	AutoForwarded bool // a rule forwarded it, not a person
	Receipt       bool // a delivery or read receipt (RFC 8098)
	Repeated      bool // a field that may stand once stands there again with another value: the first counts
	AuthFailed    bool // the receiving server found the author to be forged (RFC 8601)
	Bounce        *Bounce
	Invitation    string // the iTIP method (RFC 5546) of a calendar message, upper case
	Sensitivity   string // "", "personal", "private" or "company-confidential" (RFC 2156)

	Attachments []Attachment
	Forwarded   []Address // who wrote the messages that are attached, bounded
	Size        int64     // bytes, as the server tells it
	Snippet     string    // first characters of the text; "" unless asked for

	Warnings []string // what was odd about it and how it was read, for people
}

// Attachment names a part of a message that is not its text. The content is never kept.
type Attachment struct {
	Name      string `json:"name"`
	MediaType string `json:"media_type"`
	Size      int64  `json:"size"` // bytes, encoding removed where it can be told
	Inline    bool   `json:"inline,omitempty"`
}

// Bounce is what a delivery status notification (RFC 3464) says of a message of ours.
type Bounce struct {
	MessageID  string   `json:"message_id"` // of the message that bounced; "" when the report does not tell
	Recipients []string `json:"recipients"`
	Action     string   `json:"action"` // failed, delayed, delivered, relayed, expanded
	Status     string   `json:"status"` // RFC 3463, such as 5.1.1
	Reason     string   `json:"reason"` // the diagnostic text, one line
}
