package matcher

import (
	"fmt"
	"iter"
	"strings"

	"kith"
)

// The functions here put the steps of a decision into words for people who
// know their mail, not how mail works. They decide nothing.

func (d *decision) step(name string, skip kith.Reason, tell func(*decision, kith.Reason) (result, why string)) kith.Step {
	result, why := tell(d, skip)
	if skip != "" {
		result = string(skip)
	}
	return kith.Step{Step: name, Result: result, Why: why}
}

func (d *decision) tellNeverRecord(kith.Reason) (result, why string) {
	return tellNever(addresses(d.m, d.policy.Forwarded), d.who)
}

// tellNever names the first of the addresses on an item that forbids to record it.
func tellNever(all iter.Seq[string], who func(string) *who) (result, why string) {
	for a := range all {
		switch who(a).never {
		case neverByPolicy:
			return "", fmt.Sprintf("%s is on it, whom the policy's never_record list excludes; nothing is kept", a)
		case neverByCompany:
			return "", fmt.Sprintf("%s is on it, whose domain is that of a company marked never to be recorded; nothing is kept", a)
		case neverByErasure:
			return "", fmt.Sprintf("%s is on it, whom kith erase removed; nothing is kept", a)
		case neverByContact:
			return "", fmt.Sprintf("%s is on it, a contact marked never to be recorded; nothing is kept", a)
		}
	}
	return "allowed", "nobody on it is excluded from recording"
}

func (d *decision) tellKind(skip kith.Reason) (result, why string) {
	switch skip {
	case kith.ReasonDraft:
		return "", "it is a draft and was not sent; once sent it is recorded"
	case kith.ReasonBounce:
		switch b := d.m.Bounce; {
		case d.bounced(skip) != nil:
			return "", fmt.Sprintf("a mail server reports that message %s did not arrive; if that one is recorded, it is marked as bounced", b.MessageID)
		case b.Action == "failed":
			return "", "a mail server reports that a message did not arrive, but not which one"
		case b.Action == "delayed":
			return "", "a mail server reports that a message is late; it may still arrive"
		}
		return "", "it is a report of a mail server about a message, not a letter"
	case kith.ReasonReceipt:
		return "", "it is a receipt that says a message was delivered or read, not a letter"
	case kith.ReasonInvitation:
		return "", "it is an invitation or an answer to one; the meeting is captured from the calendar"
	}
	return "message", "it is an ordinary message"
}

func (d *decision) tellSender(skip kith.Reason) (result, why string) {
	if skip != "" {
		return "", "it names no sender, so nobody can tell whom it is from"
	}
	result = names(d.authors)
	switch {
	case len(d.m.From) == 0:
		return result, "it has no From, so Sender counts as the author"
	case &d.authors[0] != &d.m.From[0]:
		return result, fmt.Sprintf("the mailing list put its own address %s into From; this is who wrote it", names(d.m.From))
	case d.m.Sender != nil && d.m.Sender.Address != result:
		return result, fmt.Sprintf("From names the author; %s sent it in their name", d.m.Sender.Address)
	}
	return result, "From names the author"
}

func (d *decision) tellDirection(skip kith.Reason) (result, why string) {
	switch {
	case skip != "":
		return "", "it claims to be from one of our own addresses, but the mail server found that to be forged, and it is not in a Sent folder"
	case d.rule == kith.DirectionByForwarding:
		return string(d.direction), "one of us passed on to us what a contact wrote"
	case d.rule == kith.DirectionByAuthor:
		return string(d.direction), "the author is one of our own addresses"
	case d.rule == kith.DirectionBySent:
		return string(d.direction), fmt.Sprintf("it lies in a Sent folder, so we wrote it; %s seems to be an address of ours that is not configured", names(d.authors))
	case d.form:
		return string(d.direction), "one of our own forms sent it to us for somebody outside, whom Reply-To names"
	case d.item.Role == kith.RoleSent && len(d.m.ResentFrom) > 0:
		return string(d.direction), "it lies in a Sent folder because it was sent on unchanged; it is still from its author"
	case d.item.Role == kith.RoleSent:
		return string(d.direction), "it lies in a Sent folder, but a contact wrote it to us"
	}
	return string(d.direction), "the author is none of our own addresses, and it does not lie in a Sent folder"
}

func (d *decision) tellForwarding(skip kith.Reason) (result, why string) {
	switch {
	case skip != "":
		return "", "a rule in our mailbox sent it on, not a person"
	case d.m.AutoForwarded:
		return "forwarded", "a rule sent it on to us; it is still from its author"
	case len(d.m.ResentFrom) > 0:
		return "resent", fmt.Sprintf("%s sent it on unchanged; it is still from its author", names(d.m.ResentFrom))
	}
	return "no", "no rule sent it on"
}

func (d *decision) tellInternal(skip kith.Reason) (result, why string) {
	switch {
	case skip != "":
		return "", "everybody on it is one of us, and the policy leaves internal mail out"
	case d.internal:
		return "yes", "everybody on it is one of us, and the policy records internal mail"
	}
	return "no", "not everybody on it is one of us"
}

func (d *decision) tellBulk(skip kith.Reason) (result, why string) {
	switch {
	case skip != "":
		return "", "it is a newsletter or other mass mail, and the policy leaves those out"
	case !d.m.Bulk:
		return "no", "nothing marks it as mass mail"
	case d.direction == kith.Outbound:
		return "yes", "it came through a mailing list, but we wrote it"
	case d.policy.Bulk == BulkRecord:
		return "yes", "it is mass mail, and the policy records that"
	}
	return "yes", "it came through a mailing list that people write to, and a contact wrote it"
}

func (d *decision) tellAutoReply(skip kith.Reason) (result, why string) {
	switch {
	case skip != "":
		return "", "a machine answered, not a person, and the policy leaves automatic replies out"
	case d.m.AutoReply:
		return "yes", "a machine answered, not a person: it is recorded with a flag and does not count as an answer"
	}
	return "no", "nothing marks it as an automatic reply"
}

func (d *decision) tellPrivate(skip kith.Reason) (result, why string) {
	switch {
	case skip != "":
		return "", fmt.Sprintf("its author marked it %s, and the policy leaves such mail out", d.m.Sensitivity)
	case d.m.Sensitivity != "":
		return "busy", fmt.Sprintf("its author marked it %s: that there was a message is recorded, but no subject, text or attachments", d.m.Sensitivity)
	}
	return "no", "its author did not mark it as private"
}

func (d *decision) tellContacts(skip kith.Reason) (result, why string) {
	var outside []string
	for i := range d.people {
		if p := &d.people[i]; !p.ours && p.Address.Address != d.m.ListPost {
			outside = append(outside, p.Address.Address)
		}
	}
	switch {
	case skip == kith.ReasonNotSMTPAddress:
		return "", fmt.Sprintf("%s is no e-mail address, so it can't be found among the contacts", first(outside))
	case skip != "" && len(outside) == 0:
		return "", "nobody outside is on it"
	case skip != "":
		return "", fmt.Sprintf("no contact has the address %s", first(outside))
	case len(d.links) == 0:
		return "none", "internal mail needs no contact"
	}
	var matched, companies, forwarded []string
	for _, link := range d.links {
		word := fmt.Sprintf("%s (%s)", link.Matched, strings.ReplaceAll(string(link.Role), "_", "-"))
		if link.Ambiguous {
			word += ", an address that several contacts share"
		}
		switch link.Rule {
		case kith.LinkByDomain:
			companies = append(companies, word)
		case kith.LinkByForwarding:
			forwarded = append(forwarded, link.Matched)
		default:
			matched = append(matched, word)
		}
	}
	result = fmt.Sprintf("%d contacts", len(d.links))
	if len(d.links) == 1 {
		result = "1 contact"
	}
	switch len(matched) {
	case 0:
	case 1:
		why = "a contact has the address " + matched[0]
	default:
		why = "contacts have the addresses " + first(matched)
	}
	also := func(what string, words []string) {
		if len(words) == 0 {
			return
		}
		if why != "" {
			why += "; "
		}
		why += what + first(words)
	}
	also("the domain is a company's: ", companies)
	also("a contact wrote a message that is attached: ", forwarded)
	return result, why
}

func (d *decision) tellTemplate(skip kith.Reason) (result, why string) {
	event := eventOf(d.direction)
	if skip != "" {
		return "", fmt.Sprintf("the configuration gives no template for %s, so such mail is not recorded", event)
	}
	return d.template, fmt.Sprintf("the template for %s", event)
}

func (d *decision) tellOwner(kith.Reason) (result, why string) {
	owner, by := d.owner()
	switch {
	case by == nil:
		return owner, "the owner of the account, because no address on it says whose it is"
	case d.direction == kith.Outbound:
		return owner, fmt.Sprintf("%s wrote it", by.Address.Address)
	}
	return owner, fmt.Sprintf("it went to %s", by.Address.Address)
}

func names(list []kith.Address) string {
	addresses := make([]string, len(list))
	for i := range list {
		addresses[i] = list[i].Address
	}
	return first(addresses)
}

// first joins the first few of many words.
func first(words []string) string {
	const few = 5
	if len(words) > few {
		return fmt.Sprintf("%s and %d more", strings.Join(words[:few], ", "), len(words)-few)
	}
	return strings.Join(words, ", ")
}
