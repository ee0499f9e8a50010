// Package demo is sample data for trying kith without a mailbox of one's own: a
// believable mailbox, the contacts that go with it, and an IMAP server
// (RFC 3501) inside the process that serves it on loopback.
//
// The mailbox is that of Alice Jones at Fennel & Finch, a small maker of
// tableware. Every message carries the outcome that a capture must reach, so
// the same data that shows kith to people also tests it from end to end.
package demo

import (
	"time"

	"github.com/emersion/go-imap/v2"

	"kith"
)

// The identities of the sample organisation.
const (
	Owner  = "alice@example.test"   // whose mailbox it is
	Alias  = "a.jones@example.test" // another address of hers
	Team   = "sales@example.test"   // shared by the team
	Domain = "example.test"         // every address here is "us"
)

// Span is how far before now the mailbox begins. A capture that is to see all
// of it needs a horizon that is at least as far.
const Span = 2 * 365 * 24 * time.Hour

// Mailbox is all folders of one user.
type Mailbox struct {
	Folders []Folder
}

// Folder is one mailbox folder, oldest message first.
type Folder struct {
	Name       string           // UTF-8, levels separated by "/"
	SpecialUse imap.MailboxAttr // RFC 6154; "" for none
	Messages   []Message
}

// Message is one stored message.
type Message struct {
	Raw       []byte      // RFC 5322, lines end in CRLF
	Received  time.Time   // INTERNALDATE, whole seconds
	Flags     []imap.Flag // those that are set
	Kind      Kind        // what sort of mail it is
	MessageID string      // with angle brackets; "" when the message has none
	Want      Want
}

// Want is what a capture with the default policy must make of a message.
type Want struct {
	// Unread: it lies in a folder that capture leaves out. Nothing of it may be
	// known afterwards, and the other fields are zero.
	Unread bool
	// Skip is why it is not recorded; "" when it is.
	Skip kith.Reason
	// Direction and OccurredAt are those of the interaction, if it is recorded.
	Direction  kith.Direction
	OccurredAt time.Time
	// Interaction names the interaction that it belongs to, if it is recorded:
	// messages with the same name are copies, and become one interaction with
	// an evidence each.
	Interaction string
	// Bounces is the Message-ID of the message that this one reports as
	// undeliverable, else "".
	Bounces string
}

// Kind says what sort of mail a sample message is.
type Kind string

// The kinds of sample mail.
const (
	KindBusiness    Kind = "business"     // correspondence with contacts
	KindStranger    Kind = "stranger"     // correspondence with others
	KindInternal    Kind = "internal"     // among colleagues
	KindNewsletter  Kind = "newsletter"   // mass mail, from contacts too
	KindList        Kind = "list"         // a discussion list
	KindNotice      Kind = "notice"       // written by a machine of a stranger
	KindBounce      Kind = "bounce"       // RFC 3464
	KindReceipt     Kind = "receipt"      // RFC 8098
	KindAutoReply   Kind = "auto_reply"   // RFC 3834
	KindInvitation  Kind = "invitation"   // RFC 6047
	KindPrivate     Kind = "private"      // Sensitivity, RFC 2156
	KindNeverRecord Kind = "never_record" // with the contact that must not be recorded
	KindOdd         Kind = "odd"          // unusual in form
	KindDraft       Kind = "draft"
	KindJunk        Kind = "junk"
	KindTrash       Kind = "trash"
)

// Generate makes the mailbox as it stands at the instant now. The same seed
// and instant give the same bytes.
func Generate(seed uint64, now time.Time) Mailbox {
	m := newMaker(seed, now)
	m.correspondence()
	m.strangers()
	m.internal()
	m.massMail()
	m.reports()
	m.invitations()
	m.oddities()
	m.leftOut()
	return m.mailbox()
}

// Arrival makes a message that a contact has just sent to Alice: something new
// to be delivered while kith runs.
func Arrival(now time.Time) Message {
	m := newMaker(uint64(now.UnixNano()), now)
	who := m.person(func(p *person) bool { return p.company.lang == english && !p.company.supplier })
	s := m.conversation(who, &arrivalTopic, m.now)
	l := m.turn(s, parties{them: who, theirs: who.address(), ours: alice}, 0, false, english.at(m.now), nil)
	return m.finish(l, kith.Inbound)
}
