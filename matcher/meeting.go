package matcher

import (
	"slices"
	"strings"
	"time"

	"kith"
)

// keyMeeting is a kind of identity as those of messages are.
const (
	keyMeeting = "kith 1 meeting"
	keyEvent   = "kith 1 event" // what the occurrences of an event have in common
)

// meeting is the way of one occurrence to its outcome.
type meeting struct {
	policy  *Policy
	account string // the owner of the account
	known   map[string]*who
	now     time.Time
	explain bool

	o        *kith.Occurrence
	people   []guest
	links    []kith.Link
	internal bool
	answer   kith.Response // of the owner of the account; "" if they are not on it
	template string
	group    string
}

// guest is somebody on an event: the organiser first, then those who were invited, each once.
type guest struct {
	person
	response kith.Response
}

// present tells whether somebody takes part, as far as they told.
func (g *guest) present() bool {
	return g.role == kith.RoleOrganizer && g.response != kith.ResponseDeclined || g.response == kith.ResponseAccepted
}

// meetingChecks are the steps of a decision about an occurrence, as checks are of that about a message.
var meetingChecks = []struct {
	name  string
	check func(*meeting) kith.Reason
	tell  func(*meeting, kith.Reason) (result, why string)
}{
	{"privacy", (*meeting).checkNeverRecord, (*meeting).tellNeverRecord},
	{"status", (*meeting).checkStatus, (*meeting).tellStatus},
	{"kind", (*meeting).checkKind, (*meeting).tellKind},
	{"private", (*meeting).checkPrivate, (*meeting).tellPrivate},
	{"answer", (*meeting).checkAnswer, (*meeting).tellAnswer},
	{"time", (*meeting).checkTime, (*meeting).tellTime},
	{"people", (*meeting).checkPeople, (*meeting).tellPeople},
	{"contacts", (*meeting).checkContacts, (*meeting).tellContacts},
	{"template", (*meeting).checkTemplate, (*meeting).tellTemplate},
}

// decide returns the outcome of an item that is an occurrence. It depends on nothing but the item,
// the policy, the account, the time and what d.known says of the addresses on it.
func (d *meeting) decide(item *kith.Item) kith.Outcome {
	*d = meeting{policy: d.policy, account: d.account, known: d.known, now: d.now, explain: d.explain, o: item.Occurrence, people: d.people[:0]}
	outcome := kith.Outcome{Ref: item.Ref}
	d.gather()
	for i := range meetingChecks {
		c := &meetingChecks[i]
		outcome.Skip = c.check(d)
		if d.explain {
			result, why := c.tell(d, outcome.Skip)
			if outcome.Skip != "" {
				result = string(outcome.Skip)
			}
			outcome.Steps = append(outcome.Steps, kith.Step{Step: c.name, Result: result, Why: why})
		}
		if outcome.Skip != "" {
			if outcome.Skip == kith.ReasonCancelled {
				outcome.Cancelled = d.bare()
				if !d.o.Recurring {
					d.event(outcome.Cancelled)
				}
			}
			return outcome
		}
	}
	outcome.Interaction = d.interaction()
	return outcome
}

func (d *meeting) who(a string) *who {
	if w := d.known[a]; w != nil {
		return w
	}
	return nobody
}

// gather fills d.people. Rooms, resources and groups are nobody.
func (d *meeting) gather() {
	add := func(a *kith.Attendee, role kith.ParticipantRole, response kith.Response) {
		if a.Address == "" || a.Type == "room" || a.Type == "resource" || a.Type == "group" {
			return
		}
		w := d.who(a.Address)
		d.people = append(d.people, guest{person{Address: kith.Address{Name: a.Name, Address: a.Address}, role: role, who: w, ours: w.own}, response})
		if w.own && w.owner != "" && w.owner == d.account && d.answer != kith.ResponseAccepted {
			d.answer = response
		}
	}
	organizer := d.o.Organizer
	if organizer != nil {
		response := kith.ResponseAccepted
		for i := range d.o.Attendees {
			// Many programs do not answer for who organises.
			if a := &d.o.Attendees[i]; a.Address == organizer.Address && a.Response != kith.ResponseNone {
				response = a.Response
			}
		}
		add(organizer, kith.RoleOrganizer, response)
	}
	for i := range d.o.Attendees {
		if a := &d.o.Attendees[i]; organizer == nil || a.Address != organizer.Address {
			add(a, kith.RoleAttendee, a.Response)
		}
	}
}

func (d *meeting) checkNeverRecord() kith.Reason {
	for a := range eventAddresses(d.o) {
		if why := d.who(a).never.reason(); why != "" {
			return why
		}
	}
	return ""
}

func (d *meeting) checkStatus() kith.Reason {
	if d.o.Status == "cancelled" {
		return kith.ReasonCancelled
	}
	return ""
}

// days are categories of events at which nobody meets.
var days = []string{"birthday", "birthdays", "anniversary", "holiday", "holidays", "geburtstag", "feiertag", "anniversaire", "verjaardag"}

func (d *meeting) checkKind() kith.Reason {
	for _, c := range d.o.Categories {
		if slices.Contains(days, strings.ToLower(strings.TrimSpace(c))) {
			return kith.ReasonNotMeeting
		}
	}
	return ""
}

func (d *meeting) checkPrivate() kith.Reason {
	if d.private() && d.policy.Private != PrivateBusy {
		return kith.ReasonPrivate
	}
	return ""
}

func (d *meeting) private() bool { return d.o.Class != "public" && d.o.Class != "" }

func (d *meeting) checkAnswer() kith.Reason {
	switch {
	case d.answer == kith.ResponseDeclined:
		return kith.ReasonDeclined
	case d.policy.Tentative == TentativeSkip && (d.o.Status == "tentative" || d.answer == kith.ResponseTentative || d.answer == kith.ResponseNone):
		return kith.ReasonTentative
	}
	return ""
}

func (d *meeting) checkTime() kith.Reason {
	switch {
	case d.o.Transparent && d.policy.Transparent != TransparentRecord:
		return kith.ReasonTransparent
	case d.o.AllDay && d.policy.AllDay == AllDaySkip:
		return kith.ReasonAllDay
	}
	return ""
}

// checkPeople skips what is no meeting with anybody outside.
func (d *meeting) checkPeople() kith.Reason {
	d.internal = len(d.people) > 1 && !slices.ContainsFunc(d.people, func(g guest) bool { return !g.ours })
	switch {
	case len(d.people) > d.policy.largest():
		return kith.ReasonLarge
	case d.internal && d.policy.Internal != InternalRecord:
		return kith.ReasonInternal
	case len(d.people) == 0 || len(d.people) == 1 && d.people[0].ours:
		return kith.ReasonSolo
	}
	return ""
}

// checkContacts links the contacts who have not declined.
func (d *meeting) checkContacts() kith.Reason {
	declined := false
	var linked map[kith.ID]bool
	if len(d.people) > 32 {
		linked = map[kith.ID]bool{}
	}
	by := decision{links: d.links[:0]}
	for i := range d.people {
		g := &d.people[i]
		if g.ours {
			continue
		}
		if g.response == kith.ResponseDeclined {
			declined = declined || len(g.who.matches) > 0 || g.who.company != nil
			continue
		}
		for n := range g.who.matches {
			by.link(linked, &g.person, &g.who.matches[n], kith.LinkByEmail)
		}
		if g.who.company != nil {
			by.link(linked, &g.person, g.who.company, kith.LinkByDomain)
		}
	}
	d.links = by.links
	switch {
	case len(d.links) > 0 || d.internal:
		return ""
	case declined:
		return kith.ReasonDeclined
	}
	return kith.ReasonNoContact
}

func (d *meeting) checkTemplate() kith.Reason {
	if d.template, d.group = d.policy.template(Meeting); d.template == "" {
		return kith.ReasonTemplateBlank
	}
	return ""
}

// status is planned until the meeting has ended.
func (d *meeting) status() kith.Status {
	if d.o.End.After(d.now) {
		return kith.StatusPlanned
	}
	return kith.StatusRecorded
}

// key returns the identity of an occurrence: the UID of its event and, where there
// are others, when it was to begin.
func (d *meeting) key() kith.Key {
	var buf [256]byte
	return tuple(buf[:0]).add(keyMeeting).add(d.o.UID).add(d.recurrence()).digest()
}

// recurrence names one occurrence of several: "" if it is the only one.
func (d *meeting) recurrence() string {
	switch {
	case !d.o.Recurring:
		return ""
	case d.o.AllDay:
		return d.o.RecurrenceID.UTC().Format(time.DateOnly)
	}
	return d.o.RecurrenceID.UTC().Format(time.RFC3339)
}

// bare is an occurrence without its content.
func (d *meeting) bare() *kith.Interaction {
	return &kith.Interaction{
		Kind: kith.KindMeeting, Status: kith.StatusCancelled, Direction: kith.NoDirection, OccurredAt: d.o.Start,
		Key: d.key(), Version: d.o.Version,
	}
}

// event has an interaction found by its event, when it is about all of it.
func (d *meeting) event(in *kith.Interaction) {
	var buf [256]byte
	in.Fingerprint = tuple(buf[:0]).add(keyEvent).add(d.o.UID).digest()
}

func (d *meeting) interaction() *kith.Interaction {
	in := d.bare()
	uid, end := d.o.UID, d.o.End
	in.Status = d.status()
	in.InitiatedBy = d.initiator()
	in.EndedAt, in.DateOnly = &end, d.o.AllDay
	if !d.o.AllDay {
		minutes := int(end.Sub(d.o.Start) / time.Minute)
		in.DurationMinutes = &minutes
	}
	in.Owner = d.owner()
	in.Template, in.Group = d.template, d.group
	in.Participants = d.participants()
	in.Links = append([]kith.Link{}, d.links...)
	in.Evidence, in.Attachments, in.Notes = []kith.Evidence{}, []kith.Attachment{}, []kith.Note{}
	in.CorrespondenceType, in.DeliveryStatus = "none", kith.DeliveryNone
	in.Flags = d.flags()
	in.ICalUID = &uid
	if recurrence := d.recurrence(); recurrence != "" {
		in.RecurrenceID = &recurrence
	}
	d.event(in)
	if !d.private() && d.policy.Subject != SubjectDrop {
		in.Subject = d.o.Summary
	}
	return in
}

func (d *meeting) initiator() kith.Initiator {
	switch {
	case len(d.people) == 0 || d.people[0].role != kith.RoleOrganizer:
		return kith.InitiatedByUnknown
	case d.people[0].ours:
		return kith.InitiatedByUs
	}
	return kith.InitiatedByThem
}

// owner returns whose meeting it is: the organiser's if that is one of us, else of the first of us who
// is on it and did not decline. That does not depend on whose calendar is read first.
func (d *meeting) owner() string {
	for i := range d.people {
		g := &d.people[i]
		switch {
		case !g.ours || g.response == kith.ResponseDeclined:
		case g.who.owner != "":
			return g.who.owner
		case g.role == kith.RoleOrganizer:
			return g.Address.Address // a colleague without an account
		}
	}
	return d.account
}

func (d *meeting) participants() []kith.Participant {
	room := d.policy.participants()
	all := make([]kith.Participant, 0, min(len(d.people), room))
	many := len(d.people) > room
	for i := range d.people {
		if d.people[i].matters() {
			room--
		}
	}
	for i := range d.people {
		g := &d.people[i]
		if many && !g.matters() {
			if room <= 0 {
				continue
			}
			room--
		}
		response := string(g.response)
		all = append(all, kith.Participant{Role: g.role, Address: g.Address.Address, Name: g.Name, Response: &response})
	}
	return all
}

// matters tells who is kept however many there are.
func (g *guest) matters() bool {
	return g.role == kith.RoleOrganizer || g.ours || len(g.who.matches) > 0 || g.who.company != nil
}

func (d *meeting) flags() []string {
	flags := slices.Clone(d.o.Flags)
	if flags == nil {
		flags = []string{}
	}
	if d.private() {
		flags = append(flags, FlagPrivate)
	}
	if d.o.Status == "tentative" || d.answer == kith.ResponseTentative {
		flags = append(flags, FlagTentative)
	}
	if d.answer == kith.ResponseNone {
		flags = append(flags, FlagUnanswered)
	}
	confirmed := func(g guest) bool { return !g.ours && g.present() && (len(g.who.matches) > 0 || g.who.company != nil) }
	if len(d.links) > 0 && !slices.ContainsFunc(d.people, confirmed) {
		flags = append(flags, FlagUnconfirmed)
	}
	if len(d.people) > d.policy.participants() {
		flags = append(flags, FlagManyRecipients)
	}
	return flags
}
