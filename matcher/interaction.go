package matcher

import (
	"slices"

	"kith"
)

// defaultParticipants is for a policy that says nothing.
const defaultParticipants = 500

// interaction returns what is recorded, once every check has passed. Times
// keep their offset. The store gives it an id, evidence and a thread.
func (d *decision) interaction() *kith.Interaction {
	m := d.m
	owner, _ := d.owner()
	in := &kith.Interaction{
		Kind:               kith.KindEmail,
		Status:             kith.StatusRecorded,
		Direction:          d.direction,
		DirectionRule:      d.rule,
		InitiatedBy:        d.initiator(),
		OccurredAt:         m.Date,
		Owner:              owner,
		Template:           d.template,
		Group:              d.group,
		Participants:       d.participants(),
		Links:              append([]kith.Link{}, d.links...),
		Evidence:           []kith.Evidence{},
		Attachments:        []kith.Attachment{},
		CorrespondenceType: "email",
		DeliveryStatus:     kith.DeliveryNone,
		Flags:              d.flags(),
		Notes:              []kith.Note{},
		Key:                key(d.item, d.authors),
		ThreadRefs:         threadRefs(m),
	}
	if in.OccurredAt.IsZero() {
		in.OccurredAt = d.item.Received
	}
	if m.MessageID != "" {
		id := m.MessageID
		in.MessageID = &id
	}
	if d.direction == kith.Outbound {
		in.DeliveryStatus = kith.DeliverySent
		in.Fingerprint = fingerprint(m, d.authors)
	}
	if m.Sensitivity != "" {
		return in // [PrivateBusy]: that there was one, and nothing of what it says
	}
	if d.policy.Subject != SubjectDrop {
		in.Subject = m.Subject
	}
	if d.policy.Body == BodySnippet {
		in.Snippet = m.Snippet
	}
	if len(m.Attachments) > 0 {
		in.Attachments = m.Attachments
	}
	return in
}

// owner returns whose interaction it is, and who of the people on the message
// says so; nil when the account does. It prefers what the message says to the
// account, so that it does not depend on whose copy is read first.
func (d *decision) owner() (string, *person) {
	if owner, by := ownerOf(d.people, d.direction); by != nil {
		return owner, by
	}
	if d.direction != kith.Outbound {
		for _, a := range d.m.DeliveredTo {
			if w := d.who(a); w.owner != "" {
				return w.owner, &person{Address: kith.Address{Address: a}, who: w}
			}
		}
	}
	return d.account, nil
}

// ownerOf returns whose interaction it is, and who of the people says so; nil if nobody does.
func ownerOf(people []person, direction kith.Direction) (string, *person) {
	if direction != kith.Outbound {
		for i := range people {
			if p := &people[i]; p.recipient() && p.who.owner != "" {
				return p.who.owner, p
			}
		}
		return "", nil
	}
	var author *person
	for i := range people {
		p := &people[i]
		if p.role != kith.RoleFrom || !p.who.own {
			continue
		}
		if p.who.owner != "" {
			return p.who.owner, p
		}
		if author == nil {
			author = p
		}
	}
	if author == nil {
		return "", nil
	}
	return author.Address.Address, author // a colleague without an account
}

// initiator tells who wrote the first message of the thread, which is known
// here when this is it.
func (d *decision) initiator() kith.Initiator {
	switch {
	case len(d.m.InReplyTo) > 0 || len(d.m.References) > 0:
		return kith.InitiatedByUnknown
	case d.direction == kith.Outbound:
		return kith.InitiatedByUs
	}
	return kith.InitiatedByThem
}

// participants returns the people with the names that the message gives them.
func (d *decision) participants() []kith.Participant {
	room := d.policy.participants()
	if d.many() {
		for i := range d.people {
			if d.people[i].matters() {
				room--
			}
		}
	}
	participants := make([]kith.Participant, 0, min(len(d.people), d.policy.participants()))
	for i := range d.people {
		p := &d.people[i]
		if d.many() && !p.matters() {
			if room <= 0 {
				continue
			}
			room--
		}
		participants = append(participants, kith.Participant{Role: p.role, Address: p.Address.Address, Name: p.Name})
	}
	return participants
}

// many tells whether there are more people than are kept.
func (d *decision) many() bool { return len(d.people) > d.policy.participants() }

// matters tells who is kept however many there are.
func (p *person) matters() bool {
	return !p.recipient() || p.ours || len(p.who.matches) > 0 || p.who.company != nil
}

func (d *decision) flags() []string {
	flags := []string{}
	if d.m.AutoReply {
		flags = append(flags, FlagAutoReply)
	}
	if d.m.Bulk {
		flags = append(flags, FlagBulk)
	}
	if d.mass {
		flags = append(flags, FlagMassMail)
	}
	if d.m.DateSource != kith.DateFromHeader {
		flags = append(flags, "date_source="+string(d.m.DateSource))
	}
	if d.m.Sensitivity != "" {
		flags = append(flags, FlagPrivate)
	}
	if d.rule == kith.DirectionBySent {
		flags = append(flags, FlagProposedIdentity)
	}
	if len(d.m.ResentFrom) > 0 {
		flags = append(flags, FlagResent)
	}
	if d.m.Repeated {
		flags = append(flags, FlagRepeatedField)
	}
	if d.many() {
		flags = append(flags, FlagManyRecipients)
	}
	return flags
}

// threadRefs returns the ids that the message answers: its References, oldest
// first, and what only In-Reply-To names.
func threadRefs(m *kith.Message) []string {
	refs := m.References
	for _, id := range m.InReplyTo {
		if id != m.MessageID && !slices.Contains(refs, id) {
			refs = append(refs[:len(refs):len(refs)], id)
		}
	}
	return refs
}
