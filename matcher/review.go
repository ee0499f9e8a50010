package matcher

import (
	"context"
	"fmt"
	"iter"
	"reflect"
	"slices"

	"kith"
)

// Review says what of today's mind is to be brought to interactions on file.
type Review struct {
	// Policy applies the whole policy. Without it, only what follows from who we are.
	Policy bool
	// Identity is an address about which was decided just now whether it is
	// ours. If it is not, what it wrote is no longer outbound for that reason.
	Identity string
}

// Review decides anew about interactions on file, from what is stored of each
// alone. What it does not know any more, it leaves as it was: a
// direction gives way to stronger evidence only, contacts are not looked for
// again, meetings are looked at for those who are never to be recorded, for
// what is private, and for their subjects, and what was entered by hand for the first alone. What would be recorded by
// today's policy and is not on file, a new pass over the mailboxes brings.
func (m *Matcher) Review(ctx context.Context, what Review, interactions []kith.Interaction) ([]kith.Revision, error) {
	dir, err := m.lookUp(ctx, addressesOn(interactions))
	if err != nil {
		return nil, fmt.Errorf("review %d interactions: %w", len(interactions), err)
	}
	dir.mu.RLock()
	defer dir.mu.RUnlock()
	revisions := make([]kith.Revision, len(interactions))
	for n := range interactions {
		r := review{Review: what, policy: &m.policy, known: dir.known, was: &interactions[n]}
		revisions[n] = r.decide()
	}
	return revisions, nil
}

// addressesOn yields the addresses of all participants.
func addressesOn(interactions []kith.Interaction) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := range interactions {
			for _, p := range interactions[i].Participants {
				if p.Address != "" && !yield(p.Address) {
					return
				}
			}
		}
	}
}

// review is the way of one interaction to its revision.
type review struct {
	Review
	policy *Policy
	known  map[string]*who
	was    *kith.Interaction

	now      kith.Interaction
	people   []person
	unlinked bool // it has lost a link
}

func (r *review) decide() kith.Revision {
	r.now = *r.was
	r.now.Links, r.now.Flags = slices.Clone(r.was.Links), slices.Clone(r.was.Flags)
	if r.Policy && r.policy.Forwarded != ForwardedLink {
		r.now.Participants = slices.DeleteFunc(slices.Clone(r.was.Participants), func(p kith.Participant) bool { return p.Role == kith.RoleForwarded })
	}
	for _, p := range r.now.Participants {
		w := r.known[p.Address]
		if w == nil {
			w = nobody
		}
		r.people = append(r.people, person{Address: kith.Address{Name: p.Name, Address: p.Address}, role: p.Role, who: w, ours: w.own})
	}
	if r.Policy {
		if why := r.never(); why != "" {
			return kith.Revision{Drop: why}
		}
	}
	if r.was.Kind == kith.KindMeeting && r.was.ICalUID != nil {
		return r.meeting()
	}
	if r.was.Kind != kith.KindEmail || r.was.DirectionRule == kith.DirectionByHand {
		return kith.Revision{}
	}
	r.direct()
	r.unlink()
	if why := r.unwanted(); why != "" {
		return kith.Revision{Drop: why}
	}
	if r.Policy {
		if r.policy.Subject == SubjectDrop {
			r.now.Subject = ""
		}
		if r.policy.Body != BodySnippet {
			r.now.Snippet = ""
		}
	}
	if reflect.DeepEqual(*r.was, r.now) {
		return kith.Revision{}
	}
	return kith.Revision{Now: &r.now}
}

// meeting applies what of the policy is about a captured meeting. What else it says now, the next
// change of the event, or a new pass over the calendar, brings.
func (r *review) meeting() kith.Revision {
	if !r.Policy {
		return kith.Revision{}
	}
	if slices.Contains(r.now.Flags, FlagPrivate) && r.policy.Private != PrivateBusy {
		return kith.Revision{Drop: kith.ReasonPrivate}
	}
	if r.policy.Subject == SubjectDrop && r.now.Subject != "" {
		r.now.Subject = ""
		return kith.Revision{Now: &r.now}
	}
	return kith.Revision{}
}

func (r *review) never() kith.Reason {
	for _, p := range r.people {
		if why := p.who.never.reason(); why != "" {
			return why
		}
	}
	if slices.ContainsFunc(r.was.Links, func(l kith.Link) bool { return l.NeverRecord }) {
		return kith.ReasonNeverRecord
	}
	return ""
}

// direct weighs the evidence for the direction, as far as it is stored.
func (r *review) direct() {
	byUs, byIt := false, false
	for i := range r.people {
		if p := &r.people[i]; p.role == kith.RoleFrom {
			byUs = byUs || p.who.own
			byIt = byIt || p.Address.Address == r.Identity
		}
	}
	switch {
	case byUs && r.was.DirectionRule == kith.DirectionByDefault && fromForm(r.people, ""):
	case byUs && passedOn(r.people):
		r.now.Direction, r.now.DirectionRule = kith.Inbound, kith.DirectionByForwarding
	case byUs:
		r.now.Direction, r.now.DirectionRule = kith.Outbound, kith.DirectionByAuthor
		r.now.Flags = slices.DeleteFunc(r.now.Flags, func(flag string) bool { return flag == FlagProposedIdentity })
	case byIt && r.was.DirectionRule.Strength() == kith.DirectionByAuthor.Strength():
		// Whether a copy lies in \Sent is found out when the mailboxes are read again.
		r.now.Direction, r.now.DirectionRule = kith.Inbound, kith.DirectionByDefault
	}
	if r.now.DirectionRule == kith.DirectionBySent {
		for i := range r.people {
			if r.people[i].role == kith.RoleFrom {
				r.people[i].ours = true
			}
		}
	}
	if r.now.DirectionRule != r.was.DirectionRule || r.takesPart() {
		r.now.Owner = r.owner()
	}
	if r.now.Direction == r.was.Direction {
		return
	}
	r.now.Template, r.now.Group = r.policy.template(eventOf(r.now.Direction))
	sent := r.now.Direction == kith.Outbound
	switch {
	case sent && r.was.InitiatedBy == kith.InitiatedByThem:
		r.now.InitiatedBy = kith.InitiatedByUs
	case !sent && r.was.InitiatedBy == kith.InitiatedByUs:
		r.now.InitiatedBy = kith.InitiatedByThem
	}
	switch {
	case sent && r.was.DeliveryStatus == kith.DeliveryNone:
		r.now.DeliveryStatus = kith.DeliverySent
	case !sent:
		r.now.DeliveryStatus, r.now.DeliveryReason = kith.DeliveryNone, ""
	}
}

// takesPart tells whether the address that was decided about is on it, and ours.
func (r *review) takesPart() bool {
	return r.Identity != "" && slices.ContainsFunc(r.people, func(p person) bool {
		return p.Address.Address == r.Identity && p.who.own
	})
}

// owner returns whose it is: who the message says, else who it was.
func (r *review) owner() string {
	if owner, by := ownerOf(r.people, r.now.Direction); by != nil {
		return owner
	}
	return r.was.Owner
}

// unlink takes away links that rest on an address of ours, or on a domain where
// the policy does not want those any more.
func (r *review) unlink() {
	before := len(r.now.Links)
	r.now.Links = slices.DeleteFunc(r.now.Links, func(l kith.Link) bool {
		if l.Rule == kith.LinkByHand {
			return false
		}
		if r.Policy && (l.Rule == kith.LinkByDomain && !r.policy.CompanyByDomain ||
			l.Rule == kith.LinkByForwarding && r.policy.Forwarded != ForwardedLink) {
			return true
		}
		w := r.known[l.Matched]
		return w != nil && w.own
	})
	r.unlinked = len(r.now.Links) < before
}

// unwanted says why it is not to be recorded by today's policy. What people
// have added to it makes it theirs: only what is private goes all the same.
func (r *review) unwanted() kith.Reason {
	flagged := func(flag string) bool { return slices.Contains(r.now.Flags, flag) }
	if r.Policy && flagged(FlagPrivate) && r.policy.Private != PrivateBusy {
		return kith.ReasonPrivate
	}
	if len(r.was.Notes) > 0 || r.was.Evaluation != nil ||
		slices.ContainsFunc(r.was.Links, func(l kith.Link) bool { return l.Rule == kith.LinkByHand }) {
		return ""
	}
	inbound := r.now.Direction == kith.Inbound
	template, _ := r.policy.template(eventOf(r.now.Direction))
	switch internal := internal(r.people) && !flagged(FlagManyRecipients); { // some of those many are not stored
	case internal && r.policy.Internal != InternalRecord:
		return kith.ReasonInternal
	case !internal && r.unlinked && len(r.now.Links) == 0:
		return kith.ReasonNoContact
	case r.now.Direction != r.was.Direction && template == "":
		return kith.ReasonTemplateBlank
	case !r.Policy:
		return ""
	case inbound && flagged(FlagMassMail) && r.policy.Bulk != BulkRecord:
		return kith.ReasonBulk
	case flagged(FlagAutoReply) && r.policy.AutoReply == AutoReplySkip:
		return kith.ReasonAutoReply
	case template == "":
		return kith.ReasonTemplateBlank
	}
	return ""
}
