package kith

import "time"

// Identity is an address that seems to be ours, or that somebody has said to be.
// Addresses that the configuration names are none: there is nothing to decide.
type Identity struct {
	Address  string // canonical
	Owner    string // whose it is: the owner of the account that showed it, until somebody names another
	State    IdentityState
	Seen     SightingCounts
	LastSeen time.Time // when the latest message that speaks for it occurred
	Decided  time.Time // when it was accepted or rejected
}

// IdentityState says what became of an address that seems to be ours.
type IdentityState string

// The states of an identity.
const (
	IdentityProposed IdentityState = "proposed"
	IdentityAccepted IdentityState = "accepted" // it is ours
	IdentityRejected IdentityState = "rejected" // it is not, and is not proposed again
)

// SightingRule says what in a message speaks for an address being ours.
type SightingRule string

// The sighting rules, the strongest first.
const (
	SightedSent      SightingRule = "sent"      // it is the author of what lies in a \Sent folder
	SightedPlus      SightingRule = "plus"      // it is an address of ours with a tag (RFC 5233)
	SightedDelivered SightingRule = "delivered" // the message is to it, and Delivered-To says that this brought it to our mailbox
)

// SightingCounts is how many interactions spoke for an address, by rule.
type SightingCounts struct {
	Sent      int `json:"sent"`
	Plus      int `json:"plus"`
	Delivered int `json:"delivered"`
}

// Add counts one.
func (c *SightingCounts) Add(rule SightingRule) {
	switch rule {
	case SightedSent:
		c.Sent++
	case SightedPlus:
		c.Plus++
	case SightedDelivered:
		c.Delivered++
	}
}

// Sighting is what a message says of an address that seems to be ours. Only
// what is recorded has sightings, so that nothing of other mail is kept.
type Sighting struct {
	Address string // canonical
	Rule    SightingRule
	Owner   string // of the account, or of the address without its tag
}
