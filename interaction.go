package kith

import "time"

// Kind says what an interaction is.
type Kind string

// The kinds of interaction.
const (
	KindEmail    Kind = "email"
	KindMeeting  Kind = "meeting"
	KindPhone    Kind = "phone"
	KindLetter   Kind = "letter"
	KindDocument Kind = "document"
	KindOther    Kind = "other"
)

// Direction says which way an interaction went, seen from us.
type Direction string

// The directions.
const (
	Inbound     Direction = "inbound"
	Outbound    Direction = "outbound"
	NoDirection Direction = "none"
)

// Initiator says who began: for e-mail, who wrote the first message of the thread.
type Initiator string

// The initiators.
const (
	InitiatedByUs      Initiator = "us"
	InitiatedByThem    Initiator = "them"
	InitiatedByUnknown Initiator = "unknown"
)

// Status is where an interaction stands in its life.
type Status string

// The statuses. Statistics count only what is recorded.
const (
	StatusPostponed Status = "postponed"
	StatusPlanned   Status = "planned"
	StatusRecorded  Status = "recorded"
	StatusCancelled Status = "cancelled"
)

// ParticipantRole says where somebody stood in an interaction.
type ParticipantRole string

// The roles of participants.
const (
	RoleFrom      ParticipantRole = "from"
	RoleSender    ParticipantRole = "sender"
	RoleTo        ParticipantRole = "to"
	RoleCc        ParticipantRole = "cc"
	RoleBcc       ParticipantRole = "bcc"
	RoleReplyTo   ParticipantRole = "reply_to"
	RoleForwarded ParticipantRole = "forwarded" // wrote a message that this one brings along
	RoleOrganizer ParticipantRole = "organizer"
	RoleAttendee  ParticipantRole = "attendee"
	RoleCaller    ParticipantRole = "caller"
	RoleCallee    ParticipantRole = "callee"
	RoleAddressee ParticipantRole = "addressee"
)

// DeliveryStatus says what became of something we sent.
type DeliveryStatus string

// The delivery statuses.
const (
	DeliveryNone    DeliveryStatus = "none"
	DeliverySent    DeliveryStatus = "sent"
	DeliveryBounced DeliveryStatus = "bounced"
)

// DirectionRule is the evidence a direction rests on, the stronger first. When
// two copies of a message disagree, the stronger evidence wins.
type DirectionRule string

// The evidence for a direction.
const (
	DirectionByAuthor     DirectionRule = "author"    // the author is one of our identities
	DirectionByForwarding DirectionRule = "forwarded" // one of us passed a contact's message on to us
	DirectionBySent       DirectionRule = "sent"      // a copy lies in a \Sent folder
	DirectionByDefault    DirectionRule = "default"   // nothing says that we wrote it
	DirectionByHand       DirectionRule = "by_hand"   // somebody said so
)

// Strength orders direction rules: the greater wins.
func (r DirectionRule) Strength() int {
	switch r {
	case DirectionByHand:
		return 3
	case DirectionByAuthor, DirectionByForwarding:
		return 2
	case DirectionBySent:
		return 1
	}
	return 0
}

// Interaction is one communication between us and contacts: one row of the
// register, and the one JSON shape in which commands, HTTP, exports and
// webhooks show it.
type Interaction struct {
	ID          ID        `json:"id"`
	Kind        Kind      `json:"kind"`
	Status      Status    `json:"status"`
	Direction   Direction `json:"direction"`
	InitiatedBy Initiator `json:"initiated_by"`

	OccurredAt      time.Time  `json:"occurred_at"` // with the original offset
	EndedAt         *time.Time `json:"ended_at"`
	DateOnly        bool       `json:"date_only"`
	DurationMinutes *int       `json:"duration_minutes"`

	Subject  string `json:"subject"`
	Owner    string `json:"owner"` // canonical address of our person
	Template string `json:"template"`
	Group    string `json:"group"`

	Participants []Participant `json:"participants"`
	Links        []Link        `json:"links"`

	Thread       string  `json:"thread"` // opaque; equal for all messages of a conversation
	MessageID    *string `json:"message_id"`
	ICalUID      *string `json:"ical_uid"`
	RecurrenceID *string `json:"recurrence_id"`

	Evidence    []Evidence   `json:"evidence"`
	Attachments []Attachment `json:"attachments"`

	Evaluation         *string        `json:"evaluation"`
	AttemptFailed      bool           `json:"attempt_failed"`
	Cost               *string        `json:"cost"` // a decimal
	Currency           *string        `json:"currency"`
	CorrespondenceType string         `json:"correspondence_type"`
	Language           *string        `json:"language"`
	Campaign           *string        `json:"campaign"`
	CampaignResponse   bool           `json:"campaign_response"`
	Segment            *string        `json:"segment"`
	Opportunity        *string        `json:"opportunity"`
	Task               *string        `json:"task"`
	Document           *Document      `json:"document"`
	DeliveryStatus     DeliveryStatus `json:"delivery_status"`
	DeliveryReason     string         `json:"delivery_reason,omitempty"`
	Snippet            string         `json:"snippet,omitempty"` // first characters of the text, where policy keeps them
	Flags              []string       `json:"flags"`             // such as date_source=internal, auto_reply
	Notes              []Note         `json:"notes"`

	// DirectionRule is the evidence for Direction.
	DirectionRule DirectionRule `json:"direction_rule"`

	// Key is the identity: two captures with equal keys are one interaction.
	Key Key `json:"-"`
	// Fingerprint finds copies of our own messages whose Message-ID a server
	// rewrote: equal author, subject and recipients. With OccurredAt it is
	// an identity of second rank. Zero where it must not be used.
	Fingerprint Key `json:"-"`
	// Version is that of the event, of a meeting.
	Version EventVersion `json:"-"`
	// Method is the iTIP method (RFC 5546) by which mail told of a meeting; "" where a calendar did.
	Method string `json:"-"`
	// ThreadRefs are the Message-IDs that this one answers, oldest first.
	ThreadRefs []string `json:"-"`
}

// Key is a 128-bit digest that stands for the identity of a thing.
type Key [16]byte

// Participant is somebody who took part, a fact of the message or event.
type Participant struct {
	Role     ParticipantRole `json:"role"`
	Address  string          `json:"address"` // canonical, or a phone number
	Name     string          `json:"name"`
	Response *string         `json:"response"`
}

// LinkRule says what made a participant a contact.
type LinkRule string

// The link rules.
const (
	LinkByEmail      LinkRule = "email"     // an address of the contact
	LinkByPhone      LinkRule = "phone"     // a phone number of the contact
	LinkByDomain     LinkRule = "domain"    // the company's domain
	LinkByForwarding LinkRule = "forwarded" // the contact wrote a message that was passed on
	LinkByHand       LinkRule = "by_hand"
)

// Link ties an interaction to a contact. A contact has one link at most per
// interaction: the one of the first role in the order from, sender, reply_to,
// to, cc, bcc, organizer, attendee, forwarded.
type Link struct {
	ContactID   ID              `json:"contact_id"`
	ContactName string          `json:"contact_name"`
	CompanyID   *ID             `json:"company_id"`
	Role        ParticipantRole `json:"role"`
	Matched     string          `json:"matched"` // the address or number
	Rule        LinkRule        `json:"rule"`
	Ambiguous   bool            `json:"ambiguous"` // other contacts share what matched

	// NeverRecord says that the contact is never to be recorded. The register fills it in.
	NeverRecord bool `json:"-"`

	// Via is who stands behind the link when contacts were merged: the contact,
	// those merged into it, or several of them, as far as the address is
	// theirs. None means the contact alone. When a merge is undone, each keeps its own.
	Via []ID `json:"-"`
}

// Evidence is one place where an interaction was seen.
type Evidence struct {
	Account string    `json:"account"`
	Stream  string    `json:"stream"`
	Ref     string    `json:"ref"`
	SeenAt  time.Time `json:"seen_at"`
	Gone    bool      `json:"gone"`
}

// Document is a business document that another system told us of.
type Document struct {
	Type    string `json:"type"`
	Number  string `json:"number"`
	Version string `json:"version"`
	URL     string `json:"url"`
}

// Note is a comment on an interaction.
type Note struct {
	Author string    `json:"author"`
	At     time.Time `json:"at"`
	Text   string    `json:"text"`
}
