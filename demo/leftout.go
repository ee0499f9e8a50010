package demo

import (
	"github.com/emersion/go-imap/v2"
)

// leftOut makes what lies in folders that capture does not read.
func (m *maker) leftOut() {
	for i := range 6 {
		who := m.person(nil)
		l := m.letter(alice, []mailbox{who.address()}, m.someday(english))
		l.kind, l.subject = KindDraft, "Colours for next year"
		l.text = "Dear " + who.first + ",\n\nI have been meaning to tell you about"
		if i == 0 { // the first version of something that was sent later
			sent := pick(m, m.written)
			l.id, l.subject, l.to, l.date = sent.id, sent.subject, sent.to, sent.date
		}
		msg := m.unread(l)
		msg.Flags = []imap.Flag{imap.FlagDraft, imap.FlagSeen}
		m.put("Drafts", msg)
	}
	for i := range 45 {
		l := m.letter(mailbox{"Account Team", "team@" + pick(m, []string{"quick-invoice.example", "parcel-fee.example", "prize-office.example"})},
			[]mailbox{alice}, m.someday(english))
		l.subject = pick(m, []string{"Your invoice is overdue", "A parcel is waiting for you", "Confirm your account", "Better ranking within days"})
		l.text = "Dear customer,\n\nplease follow the link within 24 hours to avoid further costs."
		if i%9 == 0 { // a contact's letter that ended here by mistake
			l, _ = m.plain("")
		}
		l.kind = KindJunk
		m.put("Junk", m.unread(l))
	}
	for range 50 {
		l, _ := m.plain("")
		if m.chance(60) {
			l = m.letter(mailbox{"Table Story", "hello@tablestory.example"}, []mailbox{alice}, m.someday(english))
			l.subject = "Our readers' favourite tables"
			l.text = "This month's favourites, chosen by our readers."
		}
		l.kind = KindTrash
		m.put("Trash", m.unread(l))
	}
}
