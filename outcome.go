package kith

// Reason says why an item is not recorded. Counters and `kith explain` show it.
type Reason string

// The reasons for a skip.
const (
	ReasonNoContact      Reason = "no_contact"       // nobody on it is a contact
	ReasonInternal       Reason = "internal"         // only our own people
	ReasonBulk           Reason = "bulk"             // newsletter, list or other mass mail
	ReasonDraft          Reason = "draft"            // not sent
	ReasonPrivate        Reason = "private"          // marked private or confidential
	ReasonNeverRecord    Reason = "never_record"     // an address or contact that policy excludes
	ReasonAutoReply      Reason = "auto_reply"       // a machine answered
	ReasonAutoForward    Reason = "auto_forward"     // a rule sent it on
	ReasonBounce         Reason = "bounce"           // a delivery report
	ReasonReceipt        Reason = "receipt"          // a read or delivery receipt
	ReasonInvitation     Reason = "invitation"       // the calendar tells of it
	ReasonDeclined       Reason = "declined"         // a meeting that the owner declined
	ReasonNotYet         Reason = "not_yet"          // a meeting that has not taken place
	ReasonNoSender       Reason = "no_sender"        // neither From nor Sender
	ReasonNotSMTPAddress Reason = "not_smtp_address" // no participant has an e-mail address
	ReasonSpoofed        Reason = "spoofed"          // claims to be from us, and is not
	ReasonErased         Reason = "erased"           // removed on purpose; a tombstone keeps it out
	ReasonBeforeHorizon  Reason = "before_horizon"   // older than the first capture goes
	ReasonAccountRemoved Reason = "account_removed"  // only an account saw it that is no more
	ReasonNotAContact    Reason = "not_a_contact"    // a card that is neither a contact nor a group
	ReasonGone           Reason = "gone"             // no longer in its calendar
	ReasonCancelled      Reason = "cancelled"        // a meeting that was called off
	ReasonSolo           Reason = "solo"             // an event with nobody on it but its owner
	ReasonNotMeeting     Reason = "not_a_meeting"    // a birthday, a holiday or the like
	ReasonTentative      Reason = "tentative"        // an event that is not certain
	ReasonTransparent    Reason = "transparent"      // an event that takes nobody's time
	ReasonAllDay         Reason = "all_day"          // an event that takes the whole day
	ReasonLarge          Reason = "large_meeting"    // more people than meet each other
	ReasonTemplateBlank  Reason = "no_template"      // its event has no template: not to be recorded
)

// Step is one decision on the way to an outcome, for `kith explain`.
type Step struct {
	Step   string `json:"step"`
	Result string `json:"result"`
	Why    string `json:"why"`
}

// Outcome is what the matcher decided about one item: an interaction, or a
// reason for a skip; never both, never neither.
type Outcome struct {
	Ref         string
	Interaction *Interaction
	Skip        Reason
	// Bounced is set beside a skip for [ReasonBounce]: a message of ours to be marked.
	Bounced *Bounce
	// Cancelled is set beside a skip for [ReasonCancelled]: whatever the register has
	// of this meeting has been called off. It holds no content.
	Cancelled *Interaction
	// Meetings are beside a skip for [ReasonInvitation]: what an invitation, a
	// cancellation or an answer tells of meetings, where policy wants it from mail.
	Meetings []Captured
	// Sightings are beside an interaction: its addresses that seem to be ours.
	Sightings []Sighting
	// Strangers are those on it who may become contacts, where policy asks for them.
	Strangers []Correspondent
	Steps     []Step // only when asked for
}
