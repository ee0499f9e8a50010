package kith

import "time"

// Occurrence is one time that an event of a calendar takes place (RFC 5545).
type Occurrence struct {
	UID string
	// RecurrenceID tells the occurrences of an event apart: when this one was to begin before
	// anybody moved it, in UTC. Of all-day events it is that date at midnight UTC.
	RecurrenceID time.Time
	Recurring    bool // there are others, or were to be

	Start, End time.Time // in the zone of the event; the end is exclusive
	AllDay     bool      // from midnight to midnight
	Zone       string    // of the start, as the time zone database calls it if it does

	Summary     string
	Status      string // confirmed, tentative, cancelled
	Class       string // public, private, confidential
	Transparent bool   // it takes nobody's time
	Categories  []string
	Organizer   *Attendee
	Attendees   []Attendee // by address, each once; shared between occurrences, not to be changed
	Version     EventVersion
	Flags       []string // zone_guessed
}

// Attendee is somebody whom an event names (RFC 5545 §3.8.4.1, §3.8.4.3).
type Attendee struct {
	Name     string   `json:"name"`
	Address  string   `json:"address"` // canonical (package address)
	Response Response `json:"response"`
	Role     string   `json:"role"` // chair, required, optional, none
	Type     string   `json:"type"` // individual, group, room, resource, unknown
}

// Response is what somebody answered to an invitation (PARTSTAT).
type Response string

// The answers.
const (
	ResponseNone      Response = "needs_action"
	ResponseAccepted  Response = "accepted"
	ResponseDeclined  Response = "declined"
	ResponseTentative Response = "tentative"
	ResponseDelegated Response = "delegated"
)

// EventVersion orders what calendars and invitations say of one occurrence (RFC 5546 §2.1.5).
type EventVersion struct {
	Sequence int
	Stamp    time.Time // DTSTAMP in UTC; zero if there is none
}

// Before tells whether another version replaces this one.
func (v EventVersion) Before(o EventVersion) bool {
	if v.Sequence != o.Sequence {
		return v.Sequence < o.Sequence
	}
	return v.Stamp.Before(o.Stamp)
}
