package store

import (
	"slices"
	"time"

	"kith"
)

// FingerprintTolerance is how far apart two copies with the same fingerprint may
// have occurred.
const FingerprintTolerance = 2 * time.Second

// Merge adds to a known interaction what another copy of it tells, and reports
// whether that changed it:
//
//   - participants, united by role and address;
//   - links, of which one contact has one: that by hand, else that of the
//     first role in the order of [kith.Link]. An address that links to somebody
//     whom the copy does not name has moved on to others since: what happened
//     before stays with who had it. A link by an address takes the place of one
//     by its domain. When one of an address's links is ambiguous, all are;
//   - direction, initiator, owner, template and group of the copy, if it has
//     the stronger DirectionRule;
//   - that it was sent, and the fingerprint, if they were not known.
//
// Evidence, thread and keys are not looked at.
func Merge(known, other *kith.Interaction) (changed bool) {
	if mergeParticipants(known, other.Participants) {
		changed = true
	}
	if mergeLinks(known, other.Links) {
		changed = true
	}
	if other.DirectionRule.Strength() > known.DirectionRule.Strength() {
		known.Direction, known.DirectionRule = other.Direction, other.DirectionRule
		known.InitiatedBy, known.Owner = other.InitiatedBy, other.Owner
		known.Template, known.Group = other.Template, other.Group
		changed = true
	}
	if known.DeliveryStatus == kith.DeliveryNone && other.DeliveryStatus == kith.DeliverySent {
		known.DeliveryStatus = kith.DeliverySent
		changed = true
	}
	// A copy that was not seen to be ours has none.
	if (known.Fingerprint == kith.Key{}) && (other.Fingerprint != kith.Key{}) {
		known.Fingerprint = other.Fingerprint
		changed = true
	}
	return changed
}

func mergeParticipants(known *kith.Interaction, others []kith.Participant) (changed bool) {
	type seat struct {
		role    kith.ParticipantRole
		address string
	}
	var taken map[seat]bool // made when the lists first differ: mostly they don't
	for i, p := range others {
		at := seat{p.Role, p.Address}
		if taken == nil {
			if i < len(known.Participants) && at == (seat{known.Participants[i].Role, known.Participants[i].Address}) {
				continue
			}
			taken = make(map[seat]bool, len(known.Participants))
			for _, q := range known.Participants {
				taken[seat{q.Role, q.Address}] = true
			}
		}
		if !taken[at] {
			taken[at] = true
			known.Participants = append(known.Participants, p)
			changed = true
		}
	}
	return changed
}

func mergeLinks(known *kith.Interaction, others []kith.Link) (changed bool) {
	named := func(contact kith.ID) bool {
		return slices.ContainsFunc(others, func(l kith.Link) bool { return l.ContactID == contact })
	}
	for _, l := range others {
		if !linked(known, l.ContactID) {
			if slices.ContainsFunc(known.Links, func(k kith.Link) bool {
				return k.Matched == l.Matched && k.Rule == kith.LinkByEmail && (l.Rule == kith.LinkByDomain || !named(k.ContactID))
			}) {
				continue
			}
			before := len(known.Links)
			known.Links = slices.DeleteFunc(known.Links, func(k kith.Link) bool {
				return k.Matched == l.Matched && k.Rule == kith.LinkByDomain && l.Rule == kith.LinkByEmail
			})
			changed = changed || len(known.Links) < before
		}
		if AddLinks(known, l) {
			changed = true
		}
		for i := range known.Links {
			if k := &known.Links[i]; l.Ambiguous && k.Matched == l.Matched && k.Rule == l.Rule && !k.Ambiguous {
				k.Ambiguous, changed = true, true
			}
		}
	}
	return changed
}

func linked(i *kith.Interaction, contact kith.ID) bool {
	return slices.ContainsFunc(i.Links, func(k kith.Link) bool { return k.ContactID == contact })
}

// AddLinks adds links to an interaction, of which a contact keeps one as [Merge] says,
// and reports whether that changed it. Unlike there, it does not matter what else the
// address links to.
func AddLinks(known *kith.Interaction, links ...kith.Link) (changed bool) {
	for _, l := range links {
		i := slices.IndexFunc(known.Links, func(k kith.Link) bool { return k.ContactID == l.ContactID })
		switch {
		case i < 0:
			known.Links = append(known.Links, l)
			changed = true
		case linkRank(l) < linkRank(known.Links[i]):
			known.Links[i] = l
			changed = true
		}
	}
	return changed
}

// UniteLinks makes the links of one contact one, that which [Merge] would keep,
// in the place of the first. Whoever shared an address and is one now is no
// longer ambiguous.
func UniteLinks(links []kith.Link) []kith.Link {
	united := make([]kith.Link, 0, len(links))
	for _, l := range links {
		l.Ambiguous = l.Ambiguous && shared(links, l)
		i := slices.IndexFunc(united, func(k kith.Link) bool { return k.ContactID == l.ContactID })
		switch {
		case i < 0:
			united = append(united, l)
		default:
			via := slices.Concat(behind(united[i]), behind(l))
			if linkRank(l) < linkRank(united[i]) {
				united[i] = l
			}
			united[i].Via = via
		}
	}
	return united
}

// behind is who stands behind a link.
func behind(l kith.Link) []kith.ID {
	if l.Via == nil {
		return []kith.ID{l.ContactID}
	}
	return l.Via
}

// shared tells whether another contact shares what an ambiguous link matched. Where
// no other link says who, that is as it was.
func shared(links []kith.Link, l kith.Link) bool {
	same := 0
	for _, k := range links {
		if k.Matched != l.Matched {
			continue
		}
		if k.ContactID != l.ContactID {
			return true
		}
		same++
	}
	return same == 1
}

// roleOrder is the order of [kith.Link].
var roleOrder = []kith.ParticipantRole{
	kith.RoleFrom, kith.RoleSender, kith.RoleReplyTo, kith.RoleTo, kith.RoleCc, kith.RoleBcc,
	kith.RoleOrganizer, kith.RoleAttendee, kith.RoleForwarded,
}

// linkRank orders the links of one contact: the least stays. What somebody
// linked by hand stays whatever the messages say.
func linkRank(l kith.Link) int {
	if l.Rule == kith.LinkByHand {
		return -1
	}
	if i := slices.Index(roleOrder, l.Role); i >= 0 {
		return i
	}
	return len(roleOrder)
}

// Bounces tells whether a delivery report says that a message did not arrive.
// Delays and successes are no bounces (RFC 3464 §2.3.3).
func Bounces(b kith.Bounce) bool {
	return b.MessageID != "" && (b.Action == "failed" || b.Action == "")
}

// QuarantineRetry returns how long an item rests in quarantine after it could
// not be read so many times: a quarter of an hour, then twice as long each
// time, a day at most.
func QuarantineRetry(attempts int) time.Duration {
	const first, most = 15 * time.Minute, 24 * time.Hour
	return min(first<<min(max(attempts-1, 0), 10), most)
}
