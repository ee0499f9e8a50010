package matcher

import (
	"kith"
	"kith/address"
)

// mostAddressed is how many people a message of ours may be to for them to be
// correspondents of ours: more are a crowd.
const mostAddressed = 5

// strangers returns who on a message is no contact and may become one: its authors, if they wrote to us
// themselves, or those whom we wrote to directly. Of mass mail it returns whom it came from, so that nobody makes
// contacts of them.
func (d *decision) strangers(skip kith.Reason) []kith.Correspondent {
	if !d.policy.Strangers {
		return nil
	}
	m := d.m
	switch {
	case skip != "" && skip != kith.ReasonNoContact && skip != kith.ReasonBulk:
		return nil
	case m.Bulk:
		return d.massSenders()
	}
	if d.internal || m.AutoReply || m.AutoForwarded || m.Sensitivity != "" || len(m.ResentFrom) > 0 {
		return nil
	}
	role, way := kith.RoleFrom, kith.WayIn
	switch {
	case d.direction == kith.Outbound && d.rule != kith.DirectionByAuthor:
		return nil // somebody put it into Sent, we can't tell that it is ours
	case d.direction == kith.Outbound:
		role, way = kith.RoleTo, kith.WayOut
		if len(m.To) > mostAddressed {
			return nil
		}
	case d.form:
		role = kith.RoleReplyTo
	}
	var all []kith.Correspondent
	for i := range d.people {
		p := &d.people[i]
		if p.role != role || p.ours || !p.who.smtp || len(p.who.matches) > 0 || p.Address.Address == m.ListPost || address.IsNoReply(p.Address.Address) {
			continue
		}
		all = append(all, d.correspondent(p.Address, way))
	}
	return all
}

// massSenders returns whom mass mail comes from: the list, or the authors if there is none. Who writes to a list
// is a person all the same.
func (d *decision) massSenders() (all []kith.Correspondent) {
	if d.direction == kith.Outbound {
		return nil
	}
	add := func(a string) {
		if w := d.who(a); w.smtp && !w.own && len(w.matches) == 0 {
			all = append(all, kith.Correspondent{Address: a, Ways: kith.WayMass})
		}
	}
	if d.m.ListPost != "" {
		add(d.m.ListPost)
		return all
	}
	for i := range d.people {
		if p := &d.people[i]; p.role == kith.RoleFrom || p.role == kith.RoleReplyTo {
			add(p.Address.Address)
		}
	}
	return all
}

func (d *decision) correspondent(a kith.Address, way kith.Ways) kith.Correspondent {
	at := d.m.Date
	if at.IsZero() {
		at = d.item.Received
	}
	return kith.Correspondent{Address: a.Address, Name: address.PersonName(a.Name), Ways: way, At: at, Role: address.IsRole(a.Address)}
}
