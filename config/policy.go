package config

import "maps"

// Policy says what is recorded, and what of it is kept.
type Policy struct {
	Unmatched       Unmatched      `toml:"unmatched" default:"forget" help:"Unknown correspondents. To suggest them, address, name, count and last seen are kept."`
	Internal        Internal       `toml:"internal" default:"skip" help:"What goes on among our own people alone."`
	Bulk            Bulk           `toml:"bulk" default:"skip" help:"Newsletters, lists and other mass mail."`
	AutoReply       AutoReply      `toml:"auto_reply" default:"flag" help:"Automatic answers; flag records them, marked as such."`
	Private         Private        `toml:"private" default:"skip" help:"What is marked private or confidential; busy records that there was one, with no subject."`
	AllDay          AllDay         `toml:"all_day" default:"record" help:"Events that take the whole day, with contacts on them."`
	Transparent     Transparent    `toml:"transparent" default:"skip" help:"Events that take nobody's time, such as an absence that others are told of."`
	Tentative       Tentative      `toml:"tentative" default:"flag" help:"Meetings that are not certain, or that the owner of the calendar has not answered; flag records them, marked as such."`
	LargeMeeting    int            `toml:"large_meeting" default:"50" min:"2" max:"5000" help:"An event with more people than this is no meeting; more than 5000 are never read."`
	Invitations     Invitations    `toml:"invitations" default:"auto" help:"Meetings that mail invites to: auto takes them from mailboxes whose owner has no calendar account."`
	PlannedDays     int            `toml:"planned_days" default:"60" min:"1" max:"730" help:"How many days ahead meetings are on file as planned."`
	Subject         Subject        `toml:"subject" default:"keep" help:"Whether subjects are stored."`
	Body            Body           `toml:"body" default:"none" help:"What is kept of the text; snippet is the first 500 characters without quoted history."`
	CompanyByDomain bool           `toml:"company_by_domain" default:"false" help:"Link an unknown sender to the company that has the domain."`
	Forwarded       Forwarded      `toml:"forwarded" default:"ignore" help:"Contacts whose messages are attached to a message; link counts them as being on it, also when one of us passes it on to another."`
	PlusAddressing  bool           `toml:"plus_addressing" default:"false" help:"Take user+tag@ for user@."`
	GmailDots       bool           `toml:"gmail_dots" default:"false" help:"Take j.doe@gmail.com for jdoe@gmail.com, and googlemail.com for gmail.com."`
	NeverRecord     []string       `toml:"never_record" example:"*@bank.test" help:"Nothing is stored about mail or meetings with any of these: an address, a domain with its subdomains, or *@domain."`
	CreateContacts  CreateContacts `toml:"create_contacts" default:"never" help:"Who becomes a contact without being entered: people we wrote to (sent), or those of them who answered (exchanged)."`
}

// Unmatched says what is kept about correspondents who are no contacts.
type Unmatched string

// What is kept about unknown correspondents.
const (
	UnmatchedForget  Unmatched = "forget"
	UnmatchedSuggest Unmatched = "suggest"
)

func (Unmatched) values() []string { return []string{"forget", "suggest"} }

// Internal says what becomes of mail and meetings among our own people.
type Internal string

// What becomes of internal mail and meetings.
const (
	InternalSkip   Internal = "skip"
	InternalRecord Internal = "record"
)

func (Internal) values() []string { return []string{"skip", "record"} }

// Bulk says what becomes of mass mail.
type Bulk string

// What becomes of mass mail.
const (
	BulkSkip   Bulk = "skip"
	BulkRecord Bulk = "record"
)

func (Bulk) values() []string { return []string{"skip", "record"} }

// Forwarded says whether the authors of attached messages count.
type Forwarded string

// What attached messages tell.
const (
	ForwardedIgnore Forwarded = "ignore"
	ForwardedLink   Forwarded = "link"
)

func (Forwarded) values() []string { return []string{"ignore", "link"} }

// AutoReply says what becomes of automatic answers.
type AutoReply string

// What becomes of automatic answers.
const (
	AutoReplyFlag AutoReply = "flag"
	AutoReplySkip AutoReply = "skip"
)

func (AutoReply) values() []string { return []string{"flag", "skip"} }

// Private says what becomes of mail and meetings marked private or confidential.
type Private string

// What becomes of what is private.
const (
	PrivateSkip Private = "skip"
	PrivateBusy Private = "busy" // recorded without its subject
)

func (Private) values() []string { return []string{"skip", "busy"} }

// AllDay says what becomes of events that take the whole day.
type AllDay string

// What becomes of them.
const (
	AllDayRecord AllDay = "record"
	AllDaySkip   AllDay = "skip"
)

func (AllDay) values() []string { return []string{"record", "skip"} }

// Transparent says what becomes of events that take nobody's time.
type Transparent string

// What becomes of them.
const (
	TransparentSkip   Transparent = "skip"
	TransparentRecord Transparent = "record"
)

func (Transparent) values() []string { return []string{"skip", "record"} }

// Invitations says whether meetings are taken from invitations by mail.
type Invitations string

// Whether they are.
const (
	InvitationsAuto Invitations = "auto" // where the owner has no calendar account
	InvitationsOn   Invitations = "on"
	InvitationsOff  Invitations = "off"
)

func (Invitations) values() []string { return []string{"auto", "on", "off"} }

// Tentative says what becomes of meetings that are not certain.
type Tentative string

// What becomes of them.
const (
	TentativeFlag Tentative = "flag"
	TentativeSkip Tentative = "skip"
)

func (Tentative) values() []string { return []string{"flag", "skip"} }

// Subject says whether subjects are stored.
type Subject string

// What becomes of subjects.
const (
	SubjectKeep Subject = "keep"
	SubjectDrop Subject = "drop"
)

func (Subject) values() []string { return []string{"keep", "drop"} }

// Body says how much of the text is stored.
type Body string

// What is kept of the text.
const (
	BodyNone    Body = "none"
	BodySnippet Body = "snippet" // the first 500 characters, quoted history removed
)

func (Body) values() []string { return []string{"none", "snippet"} }

// CreateContacts says who becomes a contact without being entered.
type CreateContacts string

// Who becomes a contact.
const (
	CreateNever     CreateContacts = "never"
	CreateSent      CreateContacts = "sent"      // people we wrote to
	CreateExchanged CreateContacts = "exchanged" // people we wrote to and who answered
)

func (CreateContacts) values() []string { return []string{"never", "sent", "exchanged"} }

// Templates maps an event to the code of its template; "" means that the event
// is not recorded. Events that are not in the map have no template.
type Templates map[string]string

// shippedTemplates are the templates of the events that are no documents.
var shippedTemplates = Templates{
	"email_in":   "EMAIL_IN",
	"email_out":  "EMAIL_OUT",
	"meeting":    "MEETING",
	"phone_in":   "CALL_IN",
	"phone_out":  "CALL_OUT",
	"letter_in":  "LETTER_IN",
	"letter_out": "LETTER_OUT",
}

// documentEvents end the name of a document's event: sales_invoice_posted.
var documentEvents = []string{"_created", "_posted", "_printed", "_sent"}

func defaultTemplates() Templates { return maps.Clone(shippedTemplates) }
