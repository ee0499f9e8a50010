package demo

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"kith"
)

// reports makes what machines answer to letters of Alice: bounces, read
// receipts, and notes that somebody is away.
func (m *maker) reports() {
	for i := range 12 {
		m.bounce(i)
	}
	for range 14 {
		m.receipt(pick(m, m.written))
	}
	for range 26 {
		m.away(pick(m, m.written))
	}
}

// failure is one way for a message not to arrive (RFC 3463).
type failure struct {
	action, status, diagnostic string
}

var failures = []failure{
	{"failed", "5.1.1", "550 5.1.1 <%s>: Recipient address rejected: User unknown"},
	{"failed", "5.2.2", "552 5.2.2 <%s>: Mailbox full"},
	{"failed", "5.4.4", "Host or domain name not found for <%s>"},
	{"delayed", "4.4.1", "connect to mail server of <%s>: Connection timed out"},
}

// bounce makes a letter to a contact and the report that it did not arrive (RFC 3464).
func (m *maker) bounce(i int) {
	who := m.person(func(p *person) bool { return p.company.lang == english && !p.company.supplier })
	date := m.someday(english)
	s := m.conversation(who, &english.topics[6], date)
	lost := m.turn(s, parties{them: who, theirs: who.other(), ours: alice}, 0, true, date, nil)
	m.put("Sent", m.finish(lost, kith.Outbound))

	f := failures[i%len(failures)]
	recipient := lost.to[0].addr
	diagnostic := fmt.Sprintf(f.diagnostic, recipient)
	mta := "mx." + Domain
	l := m.letter(mailbox{"Mail Delivery System", "MAILER-DAEMON@" + mta}, []mailbox{alice}, date.Add(40*time.Second))
	l.kind = KindBounce
	l.subject = "Undelivered Mail Returned to Sender"
	if f.action == "delayed" {
		l.subject = "Delayed Mail (still being retried)"
	}
	l.set("Return-Path", "<>") // RFC 5321 §4.5.5
	l.extra = []field{{"Auto-Submitted", "auto-replied"}}

	original := &part{
		fields: []field{{"Content-Type", "text/rfc822-headers"}},
		body:   headerOf(lost.raw),
	}
	if i%2 == 0 {
		original = &part{fields: []field{{"Content-Type", "message/rfc822"}, {"Content-Transfer-Encoding", "8bit"}}, body: lost.raw}
	}
	l.content = m.multipart("report; report-type=delivery-status",
		textPart("This is the mail system at "+mta+".\n\nYour message could not be delivered to the recipient below.\n\n<"+recipient+">: "+diagnostic, ""),
		&part{fields: []field{{"Content-Type", "message/delivery-status"}}, body: lines(
			"Reporting-MTA: dns; "+mta,
			"Arrival-Date: "+date.Format(time.RFC1123Z),
			"",
			"Final-Recipient: rfc822; "+recipient,
			"Action: "+f.action,
			"Status: "+f.status,
			"Diagnostic-Code: smtp; "+diagnostic,
		)},
		original)
	msg := m.skipped(l, kith.ReasonBounce)
	if f.action == "failed" {
		msg.Want.Bounces = lost.id
	}
	m.file(msg)
}

// receipt makes the note that a letter was read (RFC 8098).
func (m *maker) receipt(read *letter) {
	reader := read.to[0]
	l := m.letter(reader, []mailbox{read.from[0]}, m.soonAfter(read))
	l.kind, l.intake = KindReceipt, read.from[0].addr
	l.subject = "Read: " + read.subject
	l.answers(read)
	l.content = m.multipart("report; report-type=disposition-notification",
		textPart("Your message to "+reader.addr+" was displayed on "+l.date.Format("2 January 2006 15:04")+".", ""),
		&part{fields: []field{{"Content-Type", "message/disposition-notification"}}, body: lines(
			"Reporting-UA: Heron Desk 12.3",
			"Final-Recipient: rfc822; "+reader.addr,
			"Original-Message-ID: "+read.id,
			"Disposition: manual-action/MDN-sent-manually; displayed",
		)})
	m.file(m.skipped(l, kith.ReasonReceipt))
}

// away makes the note that somebody is not at the desk (RFC 3834). It is
// recorded, as a machine's answer.
func (m *maker) away(read *letter) {
	reader := read.to[0]
	l := m.letter(reader, []mailbox{read.from[0]}, read.date.Add(20*time.Second))
	l.kind, l.intake, l.html = KindAutoReply, read.from[0].addr, false
	l.subject = "Automatic reply: " + read.subject
	l.text = "Thank you for your message. I am out of the office and will answer when I am back on Monday.\n\n" + reader.name
	l.answers(read)
	l.extra = []field{{"Auto-Submitted", "auto-replied"}, {"X-Auto-Response-Suppress", "All"}}
	m.file(m.finish(l, kith.Inbound))
}

// soonAfter is some minutes after a letter, but not later than now.
func (m *maker) soonAfter(l *letter) time.Time {
	t := l.date.Add(time.Duration(2+m.rand.IntN(300)) * time.Minute)
	if t.After(m.now) {
		return l.date.Add(time.Second)
	}
	return t
}

// invitations makes calendar mail (RFC 6047), of which the calendar tells, and
// letters that merely have a calendar file with them.
func (m *maker) invitations() {
	for i := range 40 {
		who := m.person(func(p *person) bool { return p.company.lang != japanese })
		them := who.address()
		from, to := them, alice
		if i%2 == 0 {
			from, to = alice, them
		}
		date := m.someday(who.company.lang)
		uid := m.token(16) + "@" + Domain
		what := pick(m, []string{"Review of the spring range", "Samples and glazes", "Delivery schedule", "Visit to the workshop"})
		l := m.letter(from, []mailbox{to}, date)
		l.kind, l.subject = KindInvitation, "Invitation: "+what
		l.content = m.invitation("REQUEST", uid, what, l, "NEEDS-ACTION")
		m.calendarMail(l)
		if !m.chance(60) {
			continue
		}
		answer := m.letter(to, []mailbox{from}, m.soonAfter(l))
		answer.kind, answer.subject = KindInvitation, "Accepted: "+what
		answer.answers(l)
		answer.content = m.invitation("REPLY", uid, what, l, "ACCEPTED")
		m.calendarMail(answer)
		if m.chance(20) {
			off := m.letter(from, []mailbox{to}, m.soonAfter(answer))
			off.kind, off.subject = KindInvitation, "Cancelled: "+what
			off.content = m.invitation("CANCEL", uid, what, l, "ACCEPTED")
			m.calendarMail(off)
		}
	}
	for range 5 {
		who := m.person(func(p *person) bool { return p.company.lang == english })
		l := m.letter(who.address(), []mailbox{alice}, m.someday(english))
		l.subject = "Dates of our opening week"
		l.text = "Dear Alice,\n\nthe dates are in the file, for your calendar. We would be glad to see you there.\n\n" + who.name()
		l.attachments = []attachment{{"opening-week.ics", "text/calendar; charset=utf-8",
			event("", m.token(16)+"@"+who.company.domain, "Opening week", l, "")}}
		m.file(m.finish(l, kith.Inbound))
	}
}

func (m *maker) calendarMail(l *letter) {
	msg := m.skipped(l, kith.ReasonInvitation)
	if l.sent {
		m.put("Sent", msg)
		return
	}
	m.file(msg)
}

// invitation is the body of calendar mail. The letter is the one that began it.
func (m *maker) invitation(method, uid, what string, began *letter, response string) *part {
	object := event(method, uid, what, began, response)
	return m.multipart("mixed",
		m.multipart("alternative",
			textPart(what+"\n"+began.from[0].name+" invites "+began.to[0].name+".", ""),
			&part{fields: []field{
				{"Content-Type", "text/calendar; charset=utf-8; method=" + method},
				{"Content-Transfer-Encoding", "quoted-printable"},
			}, body: quoted(string(object))}),
		attachment{"invite.ics", "application/ics", object}.part(0))
}

// event is an iCalendar object (RFC 5545) of one meeting, a week after its letter.
func event(method, uid, what string, began *letter, response string) []byte {
	start := began.date.UTC().AddDate(0, 0, 7).Truncate(time.Hour)
	const layout = "20060102T150405Z"
	content := []string{"BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//Heron Desk//12.3//EN"}
	if method != "" {
		content = append(content, "METHOD:"+method)
	}
	content = append(content,
		"BEGIN:VEVENT",
		"UID:"+uid,
		"DTSTAMP:"+began.date.UTC().Format(layout),
		"DTSTART:"+start.Format(layout),
		"DTEND:"+start.Add(time.Hour).Format(layout),
		"SUMMARY:"+what,
		"ORGANIZER:mailto:"+began.from[0].addr)
	if response != "" {
		content = append(content, "ATTENDEE;PARTSTAT="+response+":mailto:"+began.to[0].addr)
	}
	if method == "CANCEL" {
		content = append(content, "STATUS:CANCELLED", "SEQUENCE:1")
	}
	return lines(append(content, "END:VEVENT", "END:VCALENDAR")...)
}

func lines(l ...string) []byte {
	return []byte(strings.Join(l, "\r\n") + "\r\n")
}

// headerOf is the header of a message, with the empty line.
func headerOf(raw []byte) []byte {
	header, _, _ := bytes.Cut(raw, []byte("\r\n\r\n"))
	return append(bytes.Clone(header), "\r\n\r\n"...)
}
