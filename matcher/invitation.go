package matcher

import (
	"slices"
	"strings"

	"kith"
)

// invited returns what a message tells of the meetings that it invites to, calls off, or
// answers about. Who does not organise a meeting can't change it, and answers for themselves alone.
func (d *meeting) invited(item *kith.Item) (all []kith.Captured) {
	for i := range item.Invited {
		o := &item.Invited[i]
		if d.refuses(item.Message, o) != "" {
			continue
		}
		var in *kith.Interaction
		switch item.Message.Invitation {
		case "REQUEST", "ADD":
			in = d.decide(&kith.Item{Ref: item.Ref, Occurrence: o}).Interaction
		case "CANCEL":
			in = d.cancellation(item.Ref, *o)
		case "REPLY":
			in = d.reply(o)
		}
		if in == nil {
			continue
		}
		in.Method = item.Message.Invitation
		ref := item.Ref + "#"
		if o.Recurring {
			ref += o.RecurrenceID.UTC().Format("20060102T150405Z")
		}
		if o.UID != item.Invited[0].UID {
			ref += "~" + o.UID
		}
		all = append(all, kith.Captured{Ref: ref, Interaction: in})
	}
	return all
}

// refuses says why a message may not tell of an occurrence, "" if it may.
func (d *meeting) refuses(m *kith.Message, o *kith.Occurrence) string {
	wrote := func(a string) bool {
		return slices.ContainsFunc(m.From, func(f kith.Address) bool { return f.Address == a }) || m.Sender != nil && m.Sender.Address == a
	}
	switch {
	case m.AuthFailed:
		return "the mail server found its author to be forged"
	case o.Organizer == nil:
		return "it names nobody who organises the meeting"
	case m.Invitation == "REPLY":
		if len(o.Attendees) != 1 || !wrote(o.Attendees[0].Address) {
			return "it answers for somebody else"
		}
	case !wrote(o.Organizer.Address):
		return "it is not from who organises the meeting"
	}
	return ""
}

// cancellation is a meeting that was called off. It is whole if it would have been recorded: a mailbox is read newest
// first at first, so the invitation mostly comes after it, and must find it.
func (d *meeting) cancellation(ref string, o kith.Occurrence) *kith.Interaction {
	o.Status = "confirmed"
	if in := d.decide(&kith.Item{Ref: ref, Occurrence: &o}).Interaction; in != nil {
		in.Status = kith.StatusCancelled
		return in
	}
	in := d.bare()
	if !o.Recurring {
		d.event(in)
	}
	// Whose word it is: the store listens to nobody else.
	in.Participants = []kith.Participant{{Role: kith.RoleOrganizer, Address: o.Organizer.Address, Name: o.Organizer.Name}}
	return in
}

// reply is an answer: who, and what.
func (d *meeting) reply(o *kith.Occurrence) *kith.Interaction {
	d.o = o
	in := d.bare()
	in.Status = kith.StatusPlanned
	d.event(in)
	a := o.Attendees[0]
	response := string(a.Response)
	in.Participants = []kith.Participant{{Role: kith.RoleAttendee, Address: a.Address, Name: a.Name, Response: &response}}
	return in
}

// tellInvited adds to the steps what became of the meetings in a message.
func (d *meeting) tellInvited(item *kith.Item) (steps []kith.Step) {
	for i := range item.Invited {
		o := &item.Invited[i]
		if why := d.refuses(item.Message, o); why != "" {
			return append(steps, kith.Step{Step: "meeting", Result: "not taken", Why: why})
		}
		if item.Message.Invitation == "REPLY" {
			return append(steps, kith.Step{Step: "meeting", Result: string(o.Attendees[0].Response), Why: o.Attendees[0].Address + " answered: that is noted with the meeting, if it is on file"})
		}
		outcome := d.decide(&kith.Item{Ref: item.Ref, Occurrence: o})
		result := string(outcome.Skip)
		if outcome.Interaction != nil {
			result = string(outcome.Interaction.Status)
		}
		var words []string
		for _, s := range outcome.Steps {
			words = append(words, s.Step+": "+s.Result)
		}
		steps = append(steps, kith.Step{Step: "meeting", Result: result, Why: o.Start.Format("2006-01-02 15:04 -0700") + "; " + strings.Join(words, ", ")})
		if i == 4 {
			break
		}
	}
	return steps
}
