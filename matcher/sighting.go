package matcher

import (
	"slices"

	"kith"
	"kith/address"
)

// sightings returns the addresses on a recorded message that seem to be ours and
// are not known to be: who wrote what lies in \Sent; an address of ours with a
// tag; and one that the message is to and that brought it here, as Delivered-To
// says. What came through a list says nothing: it is to the list. The address of a
// contact is theirs.
func (d *decision) sightings() (all []kith.Sighting) {
	for i := range d.people {
		p := &d.people[i]
		a := p.Address.Address
		if p.who.own || !p.who.smtp || len(p.who.matches) > 0 || a == d.m.ListPost || address.IsNoReply(a) {
			continue
		}
		s := kith.Sighting{Address: a, Owner: d.account}
		switch {
		case p.role == kith.RoleFrom && d.rule == kith.DirectionBySent:
			s.Rule = kith.SightedSent
		case p.who.plus:
			s.Rule, s.Owner = kith.SightedPlus, p.who.plusOwner
		case p.recipient() && d.direction == kith.Inbound && !d.m.Bulk && d.m.ListPost == "" && slices.Contains(d.m.DeliveredTo, a):
			s.Rule = kith.SightedDelivered
		default:
			continue
		}
		if !slices.ContainsFunc(all, func(o kith.Sighting) bool { return o.Address == a }) {
			all = append(all, s)
		}
	}
	return all
}
