package matcher

import (
	"slices"

	"kith"
)

// decision is the way of one item to its outcome. One decision serves the
// items of a batch one after the other, to use its memory again.
type decision struct {
	policy  *Policy
	account string // the owner of the account
	known   map[string]*who
	explain bool

	item    *kith.Item
	m       *kith.Message
	authors []kith.Address
	people  []person
	links   []kith.Link

	direction kith.Direction
	rule      kith.DirectionRule
	form      bool // written by somebody outside in a web form of ours
	internal  bool
	mass      bool // a newsletter and the like, which came in
	template  string
	group     string
}

// person is somebody on the message, once per place where it counts: the
// authors, then Sender and Reply-To where they are not the author, then To, Cc
// and Bcc, where the first place counts, then contacts whose messages are attached.
type person struct {
	kith.Address
	role kith.ParticipantRole
	who  *who
	ours bool
}

// checks are the steps of a decision, in order. The first that gives a reason
// ends it: nothing is kept of the item. Privacy comes first, so that not even
// a bounce is noted for somebody who is never to be recorded. tell puts the
// step into words; it is called after check, and only by [Matcher.Explain].
var checks = []struct {
	name  string
	check func(*decision) kith.Reason
	tell  func(*decision, kith.Reason) (result, why string)
}{
	{"privacy", (*decision).checkNeverRecord, (*decision).tellNeverRecord},
	{"kind", (*decision).checkKind, (*decision).tellKind},
	{"sender", (*decision).checkSender, (*decision).tellSender},
	{"direction", (*decision).checkDirection, (*decision).tellDirection},
	{"forwarding", (*decision).checkForwarding, (*decision).tellForwarding},
	{"internal", (*decision).checkInternal, (*decision).tellInternal},
	{"bulk", (*decision).checkBulk, (*decision).tellBulk},
	{"auto_reply", (*decision).checkAutoReply, (*decision).tellAutoReply},
	{"private", (*decision).checkPrivate, (*decision).tellPrivate},
	{"contacts", (*decision).checkContacts, (*decision).tellContacts},
	{"template", (*decision).checkTemplate, (*decision).tellTemplate},
}

// decide returns the outcome of an item. It depends on nothing but the item,
// d.policy, d.account and what d.known says of the item's addresses.
func (d *decision) decide(item *kith.Item) kith.Outcome {
	*d = decision{
		policy: d.policy, account: d.account, known: d.known, explain: d.explain,
		item: item, m: item.Message, people: d.people[:0], links: d.links[:0],
	}
	outcome := kith.Outcome{Ref: item.Ref}
	for i := range checks {
		c := &checks[i]
		outcome.Skip = c.check(d)
		if d.explain {
			outcome.Steps = append(outcome.Steps, d.step(c.name, outcome.Skip, c.tell))
		}
		if outcome.Skip != "" {
			outcome.Bounced = d.bounced(outcome.Skip)
			outcome.Strangers = d.strangers(outcome.Skip)
			return outcome
		}
	}
	if d.explain {
		outcome.Steps = append(outcome.Steps, d.step("owner", "", (*decision).tellOwner))
	}
	outcome.Interaction = d.interaction()
	outcome.Sightings = d.sightings()
	outcome.Strangers = d.strangers("")
	return outcome
}

func (d *decision) who(a string) *who {
	if w := d.known[a]; w != nil {
		return w
	}
	return nobody
}

func (d *decision) checkNeverRecord() kith.Reason {
	for a := range addresses(d.m, d.policy.Forwarded) {
		if why := d.who(a).never.reason(); why != "" {
			return why
		}
	}
	return ""
}

func (d *decision) checkKind() kith.Reason {
	switch {
	case d.item.Draft || d.item.Role == kith.RoleDrafts:
		return kith.ReasonDraft
	case d.m.Bounce != nil:
		return kith.ReasonBounce
	case d.m.Receipt:
		return kith.ReasonReceipt
	case d.m.Invitation != "":
		return kith.ReasonInvitation
	}
	return ""
}

// bounced returns the report that a skipped item brought, when it tells of a
// message that can be found and will not arrive any more. A delayed one may.
func (d *decision) bounced(skip kith.Reason) *kith.Bounce {
	if skip != kith.ReasonBounce || d.m.Bounce.Action != "failed" || d.m.Bounce.MessageID == "" {
		return nil
	}
	return d.m.Bounce
}

func (d *decision) checkSender() kith.Reason {
	d.authors = authors(d.m)
	if len(d.authors) == 0 {
		return kith.ReasonNoSender
	}
	d.gather()
	return ""
}

// gather fills d.people.
func (d *decision) gather() {
	for i := range d.authors {
		d.add(kith.RoleFrom, d.authors[i], 0)
	}
	if d.m.Sender != nil {
		d.add(kith.RoleSender, *d.m.Sender, 0)
	}
	for i := range d.m.ReplyTo {
		d.add(kith.RoleReplyTo, d.m.ReplyTo[i], 0)
	}
	recipients := len(d.people)
	var seen map[string]bool
	if len(d.m.To)+len(d.m.Cc)+len(d.m.Bcc) > 32 {
		seen = map[string]bool{}
	}
	for _, list := range [...]struct {
		role      kith.ParticipantRole
		addresses []kith.Address
	}{{kith.RoleTo, d.m.To}, {kith.RoleCc, d.m.Cc}, {kith.RoleBcc, d.m.Bcc}} {
		for i := range list.addresses {
			a := list.addresses[i]
			if seen == nil {
				d.add(list.role, a, recipients)
				continue
			}
			if !seen[a.Address] {
				seen[a.Address] = true
				d.add(list.role, a, len(d.people))
			}
		}
	}
	if d.policy.Forwarded == ForwardedLink {
		for i := range d.m.Forwarded {
			if w := d.who(d.m.Forwarded[i].Address); !w.own && len(w.matches) > 0 {
				d.add(kith.RoleForwarded, d.m.Forwarded[i], 0)
			}
		}
	}
}

// add puts somebody on the list, unless the address is there from index from on.
func (d *decision) add(role kith.ParticipantRole, a kith.Address, from int) {
	if a.Address == "" {
		return
	}
	for i := from; i < len(d.people); i++ {
		if d.people[i].Address.Address == a.Address {
			return
		}
	}
	w := d.who(a.Address)
	d.people = append(d.people, person{Address: a, role: role, who: w, ours: w.own})
}

func (p *person) recipient() bool {
	return p.role == kith.RoleTo || p.role == kith.RoleCc || p.role == kith.RoleBcc
}

// checkDirection weighs the evidence, the strongest first.
func (d *decision) checkDirection() kith.Reason {
	sent := d.item.Role == kith.RoleSent
	d.direction, d.rule = kith.Inbound, kith.DirectionByDefault
	switch {
	case d.byUs() && !sent && d.m.AuthFailed:
		return kith.ReasonSpoofed
	case d.byUs() && !sent && fromForm(d.people, d.m.ListPost):
		d.form = true
	case d.byUs() && passedOn(d.people):
		d.rule = kith.DirectionByForwarding
	case d.byUs():
		d.direction, d.rule = kith.Outbound, kith.DirectionByAuthor
	case sent && !d.misfiled():
		d.direction, d.rule = kith.Outbound, kith.DirectionBySent
		for i := range d.people {
			if d.people[i].role == kith.RoleFrom {
				d.people[i].ours = true
			}
		}
	}
	if d.direction == kith.Inbound {
		// Delivered-To names the mailbox this copy went to, so an alias there
		// is ours. On mail of ours it may name the one we wrote to.
		for i := range d.people {
			if p := &d.people[i]; p.recipient() && slices.Contains(d.m.DeliveredTo, p.Address.Address) {
				p.ours = true
			}
		}
	}
	return ""
}

// byUs tells whether one of the authors is in our own identities.
func (d *decision) byUs() bool {
	return slices.ContainsFunc(d.people, func(p person) bool { return p.role == kith.RoleFrom && p.who.own })
}

// fromForm tells whether a web form of ours sent it to ourselves for somebody
// outside, whom Reply-To names: then From is ours, but we wrote to nobody.
func fromForm(people []person, list string) bool {
	outside, recipients := false, false
	for i := range people {
		switch p := &people[i]; {
		case p.role == kith.RoleReplyTo:
			outside = outside || !p.who.own && p.Address.Address != list
		case p.recipient():
			if !p.who.own {
				return false
			}
			recipients = true
		}
	}
	return outside && recipients
}

// passedOn tells whether one of us sent others of us a contact's message: among
// those who got it there is nobody else.
func passedOn(people []person) bool {
	forwarded, recipients := false, false
	for i := range people {
		p := &people[i]
		forwarded = forwarded || p.role == kith.RoleForwarded
		recipients = recipients || p.recipient()
		if p.role != kith.RoleForwarded && !p.who.own {
			return false
		}
	}
	return forwarded && recipients
}

// misfiled tells whether a message lies in \Sent that we did not write: one
// sent on unchanged (RFC 5322 §3.6.6), or one that a contact wrote to us and
// somebody moved there.
func (d *decision) misfiled() bool {
	if len(d.m.ResentFrom) > 0 {
		return true
	}
	fromContact, toUs := false, false
	for i := range d.people {
		p := &d.people[i]
		fromContact = fromContact || p.role == kith.RoleFrom && len(p.who.matches) > 0
		toUs = toUs || p.recipient() && p.who.own
	}
	return fromContact && toUs
}

// checkForwarding skips what a rule of ours sent on. What a rule of somebody
// else sent on to us is still from its author.
func (d *decision) checkForwarding() kith.Reason {
	if d.m.AutoForwarded && d.direction == kith.Outbound {
		return kith.ReasonAutoForward
	}
	return ""
}

func (d *decision) checkInternal() kith.Reason {
	d.internal = internal(d.people)
	if d.internal && d.policy.Internal != InternalRecord {
		return kith.ReasonInternal
	}
	return ""
}

// internal tells whether all of the people are ours. Without a recipient nobody
// knows to whom it went.
func internal(people []person) bool {
	recipients := false
	for i := range people {
		if !people[i].ours {
			return false
		}
		recipients = recipients || people[i].recipient()
	}
	return recipients
}

// checkBulk skips mass mail that comes in. What a contact writes to a
// discussion list is no mass mail: there is an address to post to, and the
// author is a person we know. Nor is what a group of ours, such as sales@,
// passes on to its members.
func (d *decision) checkBulk() kith.Reason {
	d.mass = d.m.Bulk && d.direction == kith.Inbound && !d.discussion()
	if d.mass && d.policy.Bulk != BulkRecord {
		return kith.ReasonBulk
	}
	return ""
}

func (d *decision) discussion() bool {
	if d.m.ListPost == "" {
		return false
	}
	if d.who(d.m.ListPost).own {
		return true
	}
	return slices.ContainsFunc(d.people, func(p person) bool {
		return p.role == kith.RoleFrom && p.Address.Address != d.m.ListPost && len(p.who.matches) > 0 && p.who.personal
	})
}

func (d *decision) checkAutoReply() kith.Reason {
	if d.m.AutoReply && d.policy.AutoReply == AutoReplySkip {
		return kith.ReasonAutoReply
	}
	return ""
}

func (d *decision) checkPrivate() kith.Reason {
	if d.m.Sensitivity != "" && d.policy.Private != PrivateBusy {
		return kith.ReasonPrivate
	}
	return ""
}

// checkContacts makes the links: each contact once, by the first of its
// places. All contacts that share an address are linked, and archived ones
// too: what happened between us stays true.
func (d *decision) checkContacts() kith.Reason {
	var linked map[kith.ID]bool
	if len(d.people) > 32 {
		linked = map[kith.ID]bool{}
	}
	outside, mailbox := false, false
	for i := range d.people {
		p := &d.people[i]
		if p.ours || p.Address.Address == d.m.ListPost {
			continue
		}
		outside, mailbox = true, mailbox || p.who.smtp
		rule := kith.LinkByEmail
		if p.role == kith.RoleForwarded {
			rule = kith.LinkByForwarding
		}
		for i := range p.who.matches {
			d.link(linked, p, &p.who.matches[i], rule)
		}
		if p.who.company != nil && rule == kith.LinkByEmail {
			d.link(linked, p, p.who.company, kith.LinkByDomain)
		}
	}
	switch {
	case len(d.links) > 0 || d.internal:
		return ""
	case outside && !mailbox:
		return kith.ReasonNotSMTPAddress
	}
	return kith.ReasonNoContact
}

// link adds a link, unless there is one to that contact. linked, if not nil, is those that there are.
func (d *decision) link(linked map[kith.ID]bool, p *person, match *kith.Match, rule kith.LinkRule) {
	if linked != nil {
		if linked[match.ContactID] {
			return
		}
		linked[match.ContactID] = true
	} else if slices.ContainsFunc(d.links, func(l kith.Link) bool { return l.ContactID == match.ContactID }) {
		return
	}
	d.links = append(d.links, kith.Link{
		ContactID: match.ContactID,
		CompanyID: match.CompanyID,
		Role:      p.role,
		Matched:   p.Address.Address,
		Rule:      rule,
		Ambiguous: rule != kith.LinkByDomain && len(p.who.matches) > 1,
		Via:       match.Via,
	})
}

func (d *decision) checkTemplate() kith.Reason {
	d.template, d.group = d.policy.template(eventOf(d.direction))
	if d.template == "" {
		return kith.ReasonTemplateBlank
	}
	return ""
}
