package kith

import "time"

// Role says what a mailbox folder is for (RFC 6154).
type Role string

// The roles that kith tells apart.
const (
	RoleNone    Role = ""
	RoleInbox   Role = "inbox"
	RoleSent    Role = "sent"
	RoleDrafts  Role = "drafts"
	RoleJunk    Role = "junk"
	RoleTrash   Role = "trash"
	RoleAll     Role = "all"
	RoleArchive Role = "archive"

	RoleCalendar Role = "calendar" // no folder: its items are occurrences
)

// Stream names one folder or calendar of an account.
type Stream struct {
	Name string // as people see it, UTF-8; the key of the stream's cursor
	Role Role
}

// Cursor is how far a stream was read. Only the source that made it can read
// it; the empty cursor means from the horizon.
type Cursor string

// Item is one thing that a source found: a message, or an occurrence of an event.
type Item struct {
	Ref      string    // where it lies in its stream, such as UIDVALIDITY:UID
	Received time.Time // when the server got it (INTERNALDATE); zero when not known
	Role     Role      // of the stream, or of the label that matters most (\Sent)
	Draft    bool      // \Draft flag or folder
	Message  *Message

	Occurrence *Occurrence // nil: it is a message
	// Invited are the occurrences that an invitation by mail is about (RFC 6047), with
	// its method in Message.Invitation.
	Invited []Occurrence
}

// RefRange are the refs from From on to To (exclusive), byte by byte.
type RefRange struct{ From, To string }

// Has tells whether a ref lies in the range.
func (r RefRange) Has(ref string) bool { return r.From <= ref && ref < r.To }

// Failure is an item that could not be read, with the cause in words that hold
// nothing of its content.
type Failure struct {
	Ref   string
	Cause string
}

// Batch is one step of a source through a stream. A batch may be empty but for
// its cursor. All its slices belong to the receiver.
type Batch struct {
	Items  []Item
	Gone   []string // refs that are no longer there
	Failed []Failure

	// Present, when set, says that the source has listed the whole stream: what
	// the register knows of it and Present denies is gone.
	Present func(ref string) bool

	// Covered are the refs that the source has looked at all of: what the
	// register knows of in such a range and Items does not name is gone.
	Covered []RefRange

	// Skipped counts items that the source left out without reading them.
	Skipped map[Reason]int

	Cursor   Cursor // the stream's position once this batch is recorded
	Backfill bool   // it comes from the first pass over the past
	Done     int    // messages of the backfill that were passed so far
	Total    int    // messages of the backfill in all, an estimate; 0 when it is over

	// Restarted says why the source began again from the horizon, if it did.
	Restarted string
	// Warnings are for the log: something odd about the stream, in words that hold no content.
	Warnings []string
}
