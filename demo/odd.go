package demo

import (
	"fmt"
	"strings"
	"time"

	"kith"
)

// oddity changes an ordinary letter of a contact to Alice into one that is
// unusual in form and recorded all the same.
type oddity struct {
	times  int
	from   string // local part of the contact's address; "" for any who writes English
	change func(m *maker, l *letter, who *person)
}

var oddForms = []oddity{
	{4, "", func(_ *maker, l *letter, _ *person) { // RFC 5322 §3.4: an empty group
		l.to, l.extra = nil, []field{{"To", "undisclosed-recipients:;"}}
	}},
	{3, "", func(_ *maker, l *letter, _ *person) { l.id = "" }},
	{4, "s.weiss", func(_ *maker, l *letter, who *person) { // raw 8-bit, as before MIME
		l.charset, l.html = "iso-8859-1", false
		l.set("From", latin1(who.name())+" <"+l.from[0].addr+">")
		l.set("Subject", latin1("Rückfrage zur Überweisung für März"))
	}},
	{2, "d.okoro", func(_ *maker, l *letter, _ *person) { // a comma inside an encoded word
		l.set("From", "=?utf-8?Q?Okoro=2C_Daniel?= <"+l.from[0].addr+">")
	}},
	{2, "m.ellison", func(_ *maker, l *letter, _ *person) { // a comma inside quotes
		l.set("From", `"Ellison, Margaret" <`+l.from[0].addr+">")
		l.set("To", `"Jones, Alice" <`+Owner+`>, `+bob.addr)
	}},
	{2, "", func(_ *maker, l *letter, _ *person) { // a group with members
		l.set("To", "Table planning: Alice Jones <"+Owner+">, d.okoro@harbourstreet.example;")
	}},
	{1, "sabine", func(_ *maker, l *letter, who *person) { // two authors: RFC 5322 §3.6.2
		l.sender = &mailbox{who.name(), l.from[0].addr}
		l.from = append(l.from, who.company.people[1].address())
	}},
	{2, "sabine", func(_ *maker, l *letter, who *person) { // RFC 6532: UTF-8 as it is
		l.set("From", who.name()+" <sabine@"+who.company.domain+">")
		l.set("Subject", "Grüße aus der Mühle")
	}},
	{2, "fiona", func(_ *maker, l *letter, who *person) {
		l.from = []mailbox{{"FIONA KERR", strings.ToUpper(who.address().addr)}}
	}},
	{3, "reception", nil}, // the address of a company
	{6, "", func(_ *maker, l *letter, _ *person) { l.htmlOnly = true }},
	{3, "", func(_ *maker, l *letter, _ *person) { // Alice had a blind copy
		l.to = []mailbox{{"", "helen.whitcombe@oakmere.example"}}
	}},
	{3, "", func(_ *maker, l *letter, _ *person) { // the form on our website
		l.replyTo = l.from
		l.from = []mailbox{{"Website", "forms@pageforms.example"}}
		l.subject = "New message from your contact form"
	}},
	{2, "", func(m *maker, l *letter, _ *person) { // RFC 5322 §3.6.6: handed on by a colleague
		l.to = []mailbox{bob}
		l.extra = []field{
			{"Resent-From", addressList([]mailbox{bob})},
			{"Resent-To", addressList([]mailbox{alice})},
			{"Resent-Date", l.date.Add(time.Hour).Format(time.RFC1123Z)},
			{"Resent-Message-ID", m.messageID(Domain, l.date)},
		}
	}},
	{2, "", func(m *maker, l *letter, _ *person) { // RFC 8551 §3.5
		l.content = m.multipart("signed; protocol=\"application/pkcs7-signature\"; micalg=sha-256",
			textPart(l.text, ""), attachment{"smime.p7s", "application/pkcs7-signature", []byte(m.token(600))}.part(0))
	}},
	{1, "", func(m *maker, l *letter, _ *person) { // RFC 3156 §4
		l.subject = "..."
		l.content = m.multipart("encrypted; protocol=\"application/pgp-encrypted\"",
			&part{fields: []field{{"Content-Type", "application/pgp-encrypted"}}, body: lines("Version: 1")},
			&part{fields: []field{{"Content-Type", "application/octet-stream"}}, body: lines("-----BEGIN PGP MESSAGE-----", "", m.token(64), "-----END PGP MESSAGE-----")})
	}},
	{1, "", func(m *maker, l *letter, _ *person) { // RFC 2045 §5.1 knows no such type
		l.attachments = []attachment{{"winmail.dat", "application/ms-tnef", []byte(m.token(400))}}
	}},
	{1, "", func(_ *maker, l *letter, _ *person) { l.set("Subject", "Re:") }},
	{2, "y.ishikawa", func(_ *maker, l *letter, _ *person) { // 見積書について
		l.set("Subject", "=?ISO-2022-JP?B?GyRCOCtAUT1xJEskRCQkJEYbKEI=?=")
	}},
	{1, "", func(_ *maker, l *letter, _ *person) { // which of the two holds is not defined
		l.extra = []field{{"subject", "A second subject"}}
	}},
	{1, "", func(_ *maker, l *letter, _ *person) { // a round letter
		l.to = []mailbox{alice}
		for n := range 60 {
			l.to = append(l.to, mailbox{"", fmt.Sprintf("guest%d@postbox.example", n+1)})
		}
	}},
}

// oddities makes messages that are unusual in form.
func (m *maker) oddities() {
	for _, odd := range oddForms {
		for range odd.times {
			l, who := m.plain(odd.from)
			if odd.change != nil {
				odd.change(m, l, who)
			}
			m.file(m.finish(l, kith.Inbound))
		}
	}
	m.undated()
	m.copiesOfOne()
	m.ourOddities()
	m.kept()
}

// plain is an ordinary letter of a contact to Alice.
func (m *maker) plain(local string) (*letter, *person) {
	who := m.person(func(p *person) bool {
		if local == "" {
			return p.company.lang == english && p.company.name != "" && !p.company.supplier
		}
		return p.local == local || p.company.office == local
	})
	box := who.address()
	if local != "" && who.company.office == local {
		box = mailbox{who.company.name, local + "@" + wireDomain(who.company.domain)}
	}
	date := m.someday(who.company.lang)
	l := m.letter(box, []mailbox{alice}, date)
	l.kind = KindOdd
	t := who.company.lang.topics[0]
	s := m.conversation(who, &t, date)
	l.subject = s.title
	l.said = s.say(pick(m, t.turns[0].says), who, &alicePerson)
	l.text = l.said
	return l, who
}

// undated makes messages whose date can't be used: they count from when they were received.
func (m *maker) undated() {
	for _, date := range []string{"", "", "", "yesterday afternoon", "Thu, 01 Jan 2099 09:00:00 +0000"} {
		l, _ := m.plain("")
		l.set("Date", date)
		msg := m.finish(l, kith.Inbound)
		msg.Want.OccurredAt = msg.Received
		m.file(msg)
	}
}

// copiesOfOne makes messages that exist twice, and pairs that only look like it.
func (m *maker) copiesOfOne() {
	for range 2 { // no Message-ID, in two folders
		l, _ := m.plain("")
		l.id = ""
		msg := m.finish(l, kith.Inbound)
		m.file(msg)
		m.put("Customers/Kept aside", msg)
	}
	for i := range 8 { // a copy to herself
		who := m.person(nil)
		date := m.someday(english)
		l := m.letter(alice, []mailbox{who.address()}, date)
		l.kind, l.bcc = KindOdd, []mailbox{alice}
		l.subject, l.text = "Parcel of samples", "Hello,\n\nthe samples we spoke of are in the post.\n\nKind regards,\nAlice"
		sent := m.finish(l, kith.Outbound)
		m.put("Sent", sent)
		l.sent, l.bcc = false, nil
		if i < 3 { // the server gave the copy that went out another Message-ID
			l.id = m.messageID("out."+Domain, date)
		}
		copied := m.message(l)
		copied.Want = sent.Want
		m.file(copied)
	}
	// Two messages with one Message-ID.
	first, _ := m.plain("callum")
	second, _ := m.plain("callum")
	second.id, second.subject = first.id, "Opening hours over the holidays"
	second.text = "Dear Alice,\n\nwe close on the 24th and are back on the 2nd.\n\nCallum"
	m.file(m.finish(first, kith.Inbound))
	m.file(m.finish(second, kith.Inbound))
}

// ourOddities makes unusual messages in Sent.
func (m *maker) ourOddities() {
	send := func(from mailbox, to []mailbox, change func(*letter)) {
		l := m.letter(from, to, m.someday(english))
		l.kind, l.sent = KindOdd, true
		l.subject, l.text = "Colours for next year", "Hello,\n\nthe colour cards for next year are ready. I am sending you a set.\n\nKind regards,\nAlice"
		if change != nil {
			change(l)
		}
		m.put("Sent", m.finish(l, kith.Outbound))
	}
	for range 2 { // an address of hers that nobody has told us of
		send(mailbox{"Alice Jones", "alice@fennelandfinch.example"}, []mailbox{m.person(nil).address()}, nil)
	}
	for range 2 { // on behalf of a colleague
		send(carol, []mailbox{m.person(nil).address()}, func(l *letter) { l.sender = &alice })
	}
	for range 3 { // the contact has a blind copy
		send(alice, []mailbox{pick(m, passersBy).address()}, func(l *letter) { l.bcc = []mailbox{m.person(nil).address()} })
	}
	for range 4 { // a stranger writes, a contact has a copy
		l := m.letter(pick(m, passersBy).address(), []mailbox{alice}, m.someday(english))
		l.kind, l.cc = KindOdd, []mailbox{m.person(nil).address()}
		l.subject, l.text = "Introduction", "Dear Alice,\n\nI was told that you might help me with a set of plates for our anniversary. May I call you?"
		m.file(m.finish(l, kith.Inbound))
	}
}

// kept makes messages of contacts that are not recorded for their form.
func (m *maker) kept() {
	keep := func(reason kith.Reason, change func(l *letter, who *person)) {
		l, who := m.plain("")
		change(l, who)
		m.file(m.skipped(l, reason))
	}
	for i := range 8 {
		keep(kith.ReasonPrivate, func(l *letter, _ *person) { // RFC 2156 §5.3.4
			l.kind = KindPrivate
			l.subject = "Terms between our houses"
			l.extra = []field{{"Sensitivity", []string{"Private", "Company-Confidential"}[i%2]}}
		})
	}
	for range 2 { // another mailbox, as long as plus addresses are not folded
		keep(kith.ReasonNoContact, func(l *letter, who *person) {
			l.from[0].addr = who.local + "+orders@" + wireDomain(who.company.domain)
		})
	}
	for range 2 {
		keep(kith.ReasonNoSender, func(l *letter, _ *person) { l.from = nil })
	}
	for range 2 { // claims to be from Alice
		keep(kith.ReasonSpoofed, func(l *letter, _ *person) {
			l.to = append(l.to, l.from[0])
			l.from = []mailbox{alice}
			l.sent = false
			l.set("Return-Path", "<bulk@relay.example>")
			l.set("Authentication-Results", "mx."+Domain+"; spf=fail smtp.mailfrom=relay.example; dkim=none; dmarc=fail header.from="+Domain)
		})
	}
	for range 2 { // a colleague passes a contact's letter on as an attachment
		keep(kith.ReasonInternal, func(l *letter, _ *person) {
			m.bytes(l)
			inner := &part{fields: []field{{"Content-Type", "message/rfc822"}, {"Content-Transfer-Encoding", "8bit"}}, body: l.raw}
			l.content = m.multipart("mixed", textPart("For you, I think.\n\nBob", ""), inner)
			l.from, l.subject = []mailbox{bob}, "Fwd: "+l.subject
			l.id = m.messageID(Domain, l.date)
		})
	}
}
