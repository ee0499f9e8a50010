package kith

import (
	"math"
	"time"
)

// Ways says which way mail went with an address; several may be true.
type Ways uint8

// The ways.
const (
	WayIn   Ways = 1 << iota // its owner wrote to us
	WayOut                   // we wrote to its owner, directly
	WayMass                  // mass mail came from it: it is nobody's
)

// Correspondent is somebody on a message who is no contact, as far as
// suggestions and the creation of contacts may look at it.
type Correspondent struct {
	Address string // canonical
	Name    string // cleaned; "" when there is none
	Ways    Ways   // of this message
	At      time.Time
	Role    bool // a function's address, such as info@
}

// Creation is what capture makes contacts of.
type Creation struct {
	Account        string // whose mail it was
	Correspondents []Correspondent
	Exchanged      bool // only those with whom mail went both ways
	Room           int  // for how many contacts
	At             time.Time
}

// Created is what came of a [Creation].
type Created struct {
	New     int
	LeftOut int // for want of room
}

// Forgotten is why an address must not become a contact by itself.
type Forgotten string

// Why addresses are forgotten.
const (
	ForgottenRemoved  Forgotten = "removed"  // its contact was removed
	ForgottenRejected Forgotten = "rejected" // it was suggested
	ForgottenErased   Forgotten = "erased"   // nothing is to be known of it at all: see [ErrErased]
)

// Suggestion is somebody who is no contact, and may be worth one.
type Suggestion struct {
	Address   string    `json:"address"`
	Name      string    `json:"name"`
	Inbound   int       `json:"inbound"`  // messages from the address
	Outbound  int       `json:"outbound"` // messages to it, directly
	FirstSeen time.Time `json:"first_seen"`
	LastSeen  time.Time `json:"last_seen"`
}

// Score rates a suggestion from 0 to 100: several messages count more than one, ours more than theirs,
// both ways more than one, new ones more than old ones, and persons more than functions.
func (s *Suggestion) Score(now time.Time, role bool) int {
	score := 100 * (1 - math.Pow(0.75, float64(s.Inbound+2*s.Outbound)))
	if s.Inbound == 0 || s.Outbound == 0 {
		score *= 0.4
	}
	switch age := now.Sub(s.LastSeen); {
	case age > 180*24*time.Hour:
		score *= 0.4
	case age > 30*24*time.Hour:
		score *= 0.7
	}
	if role {
		score *= 0.3
	}
	return int(math.Round(score))
}
