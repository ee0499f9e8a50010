package matcher

import (
	"cmp"

	"kith"
)

// Policy is what the admin wants recorded. The zero Policy is the shipped one:
// every choice has the safer value as its zero value too.
type Policy struct {
	Internal  Internal
	Bulk      Bulk
	AutoReply AutoReply
	Private   Private
	Subject   Subject
	Body      Body

	// PlusAddressing takes user+tag@ for user@ (RFC 5233) where the longer form is not known itself.
	PlusAddressing bool
	// GmailDots takes j.doe@gmail.com for jdoe@gmail.com, and googlemail.com
	// for gmail.com, where the form as written is not known itself.
	GmailDots bool

	// CompanyByDomain links an address that no contact has to the company that
	// has its domain, or a domain above it.
	CompanyByDomain bool

	// What becomes of events that are not plainly meetings.
	AllDay      AllDay
	Transparent Transparent
	Tentative   Tentative
	// LargeMeeting is how many people a meeting has at most; 0 means 50.
	LargeMeeting int

	// Forwarded links who wrote the messages that are attached.
	Forwarded Forwarded

	// Strangers makes outcomes name those who may become contacts.
	Strangers bool

	// Participants is how many people an interaction keeps; 0 means 500. Contacts,
	// our own people and the authors are kept beyond it: the source bounds those.
	Participants int

	// NeverRecord holds patterns of package address: an address, a domain with
	// its subdomains, or a wildcard.
	NeverRecord []string

	// Templates says which template an event uses. An event that is missing
	// uses the shipped template; one with the code "" is not recorded.
	Templates map[Event]string
	// Groups says which group a template belongs to. A shipped template that
	// is missing belongs to the shipped group.
	Groups map[string]string
}

// Internal says what is done with mail among our own people.
type Internal string

// What to do with internal mail.
const (
	InternalSkip   Internal = "skip"
	InternalRecord Internal = "record"
)

// Bulk says what is done with mass mail that comes in.
type Bulk string

// What to do with mass mail.
const (
	BulkSkip   Bulk = "skip"
	BulkRecord Bulk = "record"
)

// Forwarded says whether the authors of attached messages count.
type Forwarded string

// What attached messages tell.
const (
	ForwardedIgnore Forwarded = "ignore"
	ForwardedLink   Forwarded = "link"
)

// AllDay says what is done with events that take the whole day.
type AllDay string

// What to do with events of a day.
const (
	AllDayRecord AllDay = "record"
	AllDaySkip   AllDay = "skip"
)

// Transparent says what is done with events that take nobody's time (RFC 5545 §3.8.2.7).
type Transparent string

// What to do with them.
const (
	TransparentSkip   Transparent = "skip"
	TransparentRecord Transparent = "record"
)

// Tentative says what is done with events that are not certain, or not answered by their owner.
type Tentative string

// What to do with them.
const (
	TentativeFlag Tentative = "flag" // recorded, with [FlagTentative] or [FlagUnanswered]
	TentativeSkip Tentative = "skip"
)

// AutoReply says what is done with answers that a machine gave.
type AutoReply string

// What to do with automatic replies.
const (
	AutoReplyFlag AutoReply = "flag" // recorded, with [FlagAutoReply]
	AutoReplySkip AutoReply = "skip"
)

// Private says what is done with mail whose author marked it as personal,
// private or confidential (Sensitivity, RFC 2156).
type Private string

// What to do with private mail.
const (
	PrivateSkip Private = "skip"
	PrivateBusy Private = "busy" // recorded without subject, text and attachments
)

// Subject says whether subjects are kept.
type Subject string

// What to do with subjects.
const (
	SubjectKeep Subject = "keep"
	SubjectDrop Subject = "drop"
)

// Body says what is kept of the text.
type Body string

// What to keep of the text.
const (
	BodyNone    Body = "none"
	BodySnippet Body = "snippet"
)

// Event is what happened, the key to a template.
type Event string

// The events.
const (
	EmailIn  Event = "email_in"
	EmailOut Event = "email_out"
	Meeting  Event = "meeting"
)

// The flags of an interaction that the matcher sets. Where the date did not
// come from the Date field there is also "date_source=" with the [kith.DateSource].
const (
	FlagAutoReply        = "auto_reply"        // a machine answered; it does not count as an answer
	FlagBulk             = "bulk"              // it came through a mailing list
	FlagMassMail         = "mass_mail"         // nobody wrote it to a list: it is recorded because the policy wants mass mail
	FlagPrivate          = "private"           // its author marked it private; content was left out
	FlagProposedIdentity = "proposed_identity" // the from address seems to be ours, but is not configured
	FlagResent           = "resent"            // somebody sent it on unchanged (RFC 5322 §3.6.6)
	FlagRepeatedField    = "repeated_field"    // its header names author, subject, date or id twice, differently; the first counts
	FlagTentative        = "tentative"         // a meeting that is not certain, or its owner is not
	FlagUnanswered       = "unanswered"        // a meeting that the owner of the calendar has not answered
	FlagUnconfirmed      = "unconfirmed"       // a meeting that no contact has accepted
	FlagManyRecipients   = "many_recipients"   // some of the recipients who are strangers were left out
)

var (
	shippedTemplates = map[Event]string{EmailIn: "EMAIL_IN", EmailOut: "EMAIL_OUT", Meeting: "MEETING"}
	shippedGroups    = map[string]string{"EMAIL_IN": "EMAIL", "EMAIL_OUT": "EMAIL", "MEETING": "MEETING"}
)

// template returns the template of an event and its group; code is "" when
// the event is not to be recorded.
func (p *Policy) template(event Event) (code, group string) {
	code, ok := p.Templates[event]
	if !ok {
		code = shippedTemplates[event]
	}
	group, ok = p.Groups[code]
	if !ok {
		group = shippedGroups[code]
	}
	return code, group
}

// largest returns how many people a meeting has at most.
func (p *Policy) largest() int { return cmp.Or(p.LargeMeeting, 50) }

// participants returns how many people an interaction keeps.
func (p *Policy) participants() int {
	if p.Participants > 0 {
		return p.Participants
	}
	return defaultParticipants
}

func eventOf(direction kith.Direction) Event {
	if direction == kith.Outbound {
		return EmailOut
	}
	return EmailIn
}
