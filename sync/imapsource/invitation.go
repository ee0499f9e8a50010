package imapsource

import (
	"strings"
	"time"

	"kith/sync/ical"
)

// Invitations says how the meetings are read that mail invites to (RFC 6047).
type Invitations struct {
	Zone  *time.Location // of times without a zone
	Since time.Time
	Ahead time.Duration // a message comes once, so what recurs is told for so long
	Now   func() time.Time
}

// maxInvited bounds the occurrences that one message tells of.
const maxInvited = 400

// read adds what a calendar part says to a message.
func (v *Invitations) read(res *result, data []byte) {
	m := res.item.Message
	c := ical.Read(data, ical.Options{Zone: v.Zone})
	if !c.Found || c.Cut {
		m.Warnings = append(m.Warnings, "its calendar part is no whole calendar")
		return
	}
	for _, w := range c.Warnings {
		m.Warnings = append(m.Warnings, "its calendar part: "+w.Text)
	}
	if c.Method != "" && !strings.EqualFold(c.Method, m.Invitation) {
		m.Warnings = append(m.Warnings, "its calendar part is a "+c.Method+", the message says "+m.Invitation)
		return
	}
	all, _ := c.Occurrences(v.Since, v.Now().Add(v.Ahead))
	res.item.Invited = all[:min(len(all), maxInvited)]
}
