package matcher

import (
	"fmt"
	"strings"

	"kith"
)

// The functions here put the steps of a decision about an occurrence into words. They decide nothing.

func (d *meeting) tellNeverRecord(kith.Reason) (result, why string) {
	return tellNever(eventAddresses(d.o), d.who)
}

func (d *meeting) tellStatus(skip kith.Reason) (result, why string) {
	switch {
	case skip != "":
		return "", "it was called off; if it is on file, it is marked as cancelled there"
	case d.status() == kith.StatusPlanned:
		return "planned", "it ends at " + d.o.End.Format("2006-01-02 15:04 -0700") + ", and is recorded then"
	}
	return "took place", "it ended at " + d.o.End.Format("2006-01-02 15:04 -0700") + ", and was not called off"
}

func (d *meeting) tellKind(skip kith.Reason) (result, why string) {
	if skip != "" {
		return "", "by its category it is a birthday, a holiday or the like"
	}
	return "event", "no category says that it is a birthday or a holiday"
}

func (d *meeting) tellPrivate(skip kith.Reason) (result, why string) {
	switch {
	case skip != "":
		return "", fmt.Sprintf("it is marked %s, and the policy leaves such meetings out", d.o.Class)
	case d.private():
		return "busy", fmt.Sprintf("it is marked %s: that there was a meeting is recorded, but no subject", d.o.Class)
	}
	return "no", "it is not marked as private"
}

func (d *meeting) tellAnswer(skip kith.Reason) (result, why string) {
	switch {
	case skip == kith.ReasonDeclined:
		return "", fmt.Sprintf("%s, whose calendar it is, declined", d.account)
	case skip != "":
		return "", "it is not certain, and the policy leaves such meetings out"
	case d.answer == "":
		return "none", "the owner of the calendar is not among those who were invited"
	case d.answer == kith.ResponseNone:
		return string(d.answer), "the owner of the calendar has not answered: it is flagged"
	case d.answer == kith.ResponseTentative || d.o.Status == "tentative":
		return string(d.answer), "it is not certain: it is flagged"
	}
	return string(d.answer), "the owner of the calendar takes part"
}

func (d *meeting) tellTime(skip kith.Reason) (result, why string) {
	span := d.o.Start.Format("2006-01-02 15:04 -0700") + " to " + d.o.End.Format("2006-01-02 15:04 -0700") + ", " + d.o.Zone
	if d.o.AllDay {
		span = "all day, " + d.o.Start.Format("2006-01-02") + " to " + d.o.End.Format("2006-01-02") + " (exclusive), " + d.o.Zone
	}
	switch skip {
	case kith.ReasonTransparent:
		return "", "it takes nobody's time (TRANSP), and the policy leaves such events out"
	case kith.ReasonAllDay:
		return "", "it takes the whole day, and the policy leaves such events out"
	}
	why = span
	if d.o.Recurring {
		why += "; of a series, the occurrence of " + d.recurrence()
	}
	return d.o.Start.Format("2006-01-02 15:04"), why
}

func (d *meeting) tellPeople(skip kith.Reason) (result, why string) {
	switch skip {
	case kith.ReasonLarge:
		return "", fmt.Sprintf("%d people are on it, and the policy takes more than %d for no meeting", len(d.people), d.policy.largest())
	case kith.ReasonInternal:
		return "", "everybody on it is one of us, and the policy leaves internal meetings out"
	case kith.ReasonSolo:
		return "", "nobody is on it but its owner; rooms, resources and groups are nobody"
	}
	if d.internal {
		return "internal", "everybody on it is one of us, and the policy records internal meetings"
	}
	return fmt.Sprint(len(d.people)), "not everybody on it is one of us"
}

func (d *meeting) tellContacts(skip kith.Reason) (result, why string) {
	var words []string
	for i := range d.people {
		if g := &d.people[i]; !g.ours {
			words = append(words, fmt.Sprintf("%s (%s)", g.Address.Address, strings.ReplaceAll(string(g.response), "_", " ")))
		}
	}
	switch {
	case skip == kith.ReasonDeclined:
		return "", "all contacts on it declined: " + first(words)
	case skip != "":
		return "", "no contact has the address " + first(words)
	case len(d.links) == 0:
		return "none", "an internal meeting needs no contact"
	}
	words = words[:0]
	for _, l := range d.links {
		words = append(words, fmt.Sprintf("%s (%s)", l.Matched, l.Role))
	}
	result = fmt.Sprintf("%d contacts", len(d.links))
	if len(d.links) == 1 {
		result = "1 contact"
	}
	return result, "contacts on it who did not decline: " + first(words)
}

func (d *meeting) tellTemplate(skip kith.Reason) (result, why string) {
	if skip != "" {
		return "", "the configuration gives no template for meetings, so they are not recorded"
	}
	return d.template, "the template for meetings"
}
