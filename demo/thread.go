package demo

import (
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"kith"
)

const threads = 345

// correspondence makes the conversations with contacts.
func (m *maker) correspondence() {
	for range threads {
		who := m.person(nil)
		var fitting []*topic
		for i := range who.company.lang.topics {
			if t := &who.company.lang.topics[i]; t.supplier == who.company.supplier {
				fitting = append(fitting, t)
			}
		}
		if fitting == nil { // no topics for suppliers in that language
			continue
		}
		m.thread(who, pick(m, fitting))
	}
	// The notary: whatever she is on stays out, whoever else is.
	notary := correspondents[len(correspondents)-1].people[0]
	for i := range 8 {
		s := m.conversation(notary, &english.topics[7], m.now)
		date := m.someday(english)
		from, to, author, reader := notary.address(), []mailbox{alice}, notary, &alicePerson
		if i%2 == 1 {
			from, to, author, reader = alice, []mailbox{notary.address()}, &alicePerson, notary
		}
		l := m.letter(from, to, date)
		l.kind = KindNeverRecord
		l.subject = pick(m, []string{"Deed of transfer", "Appointment at the office", "Lease of the workshop", "Signed copies"})
		l.text = s.say(pick(m, []string{
			"Thank you for the papers. Everything is in order; the appointment can stay as it is.",
			"Could we move the appointment by an hour? The bank has asked for one more signature.",
		}), author, reader)
		if i == 6 {
			l.cc = []mailbox{m.person(nil).address()}
		}
		msg := m.skipped(l, kith.ReasonNeverRecord)
		if l.sent {
			m.put("Sent", msg)
		} else {
			m.file(msg)
		}
	}
}

// parties is who takes part in a conversation, and under which addresses.
type parties struct {
	them      *person
	theirs    mailbox
	ours      mailbox // Alice, or the team in her hands
	companion *mailbox
	colleague *person
	also      *mailbox // the colleague's address
}

// thread makes one conversation, as far as it has come by now.
func (m *maker) thread(who *person, t *topic) {
	date := m.someday(who.company.lang)
	s := m.conversation(who, t, date)
	p := m.parties(who)

	var previous *letter
	var stored *Message
	for i := range t.turns {
		if date.After(m.now) || i > 0 && m.chance(9) {
			return
		}
		ours := t.ours == (i%2 == 0)
		l := m.turn(s, p, i, ours, date, previous)

		direction := kith.Inbound
		if ours {
			direction = kith.Outbound
		}
		msg := m.finish(l, direction)
		if ours && stored != nil {
			stored.Flags = append(stored.Flags, imap.FlagAnswered)
		}
		if l.sent {
			stored = m.put("Sent", msg)
			m.written = append(m.written, l)
		} else {
			stored = m.file(msg)
			m.copies(msg, who)
		}
		previous = l
		date = m.workingTime(date.Add(m.pause()), who.company.lang)
	}
}

func (m *maker) parties(who *person) parties {
	p := parties{them: who, theirs: who.address(), ours: alice}
	if m.chance(15) {
		p.theirs = who.other()
	}
	switch n := m.rand.IntN(100); {
	case n < 8:
		p.ours = sales
	case n < 14:
		p.ours = aliceAlias
	}
	if people := who.company.people; len(people) > 1 && m.chance(25) {
		if other := pick(m, people); other.local != who.local {
			box := other.address()
			p.companion = &box
		}
	}
	if m.chance(18) {
		p.colleague, p.also = &bobPerson, &bob
		if m.chance(50) {
			p.colleague, p.also = &carolPerson, &carol
		}
	}
	return p
}

// turn writes the i-th letter of a conversation.
func (m *maker) turn(s *subject, p parties, i int, ours bool, date time.Time, previous *letter) *letter {
	var l *letter
	author, reader := p.them, &alicePerson
	switch {
	case !ours:
		l = m.letter(p.theirs, []mailbox{p.ours}, date)
		if p.companion != nil {
			l.cc = append(l.cc, *p.companion)
		}
		if p.also != nil {
			l.cc = append(l.cc, *p.also)
		}
		l.intake = p.ours.addr
	case p.colleague != nil && i > 0 && m.chance(30):
		// A colleague answers, and Alice gets a copy.
		author, reader = p.colleague, p.them
		l = m.letter(*p.also, []mailbox{p.theirs}, date)
		l.cc = []mailbox{alice}
	default:
		author, reader = &alicePerson, p.them
		l = m.letter(p.ours, []mailbox{p.theirs}, date)
		if p.companion != nil {
			l.cc = append(l.cc, *p.companion)
		}
		if p.also != nil {
			l.cc = append(l.cc, *p.also)
		}
	}

	turn := s.topic.turns[i]
	l.subject = s.title
	l.said = s.say(pick(m, turn.says), author, reader)
	l.text = l.said
	if turn.attach != "" {
		name := s.fill(turn.attach)
		l.attachments = []attachment{{name, "application/pdf", pdf(strings.TrimSuffix(name, ".pdf"))}}
	}
	if previous != nil {
		l.answers(previous)
		prefix := english.re
		if !ours {
			prefix = s.lang.re
		}
		l.subject = prefix + s.title
		if m.chance(8) { // programs that know their own prefix alone
			l.subject = prefix + previous.subject
		}
		l.text += "\n\n" + quote(s.lang, previous)
	}
	return l
}

// quote is a letter as it is quoted below the answer: without what it quotes itself.
func quote(lang *language, l *letter) string {
	intro := strings.NewReplacer(
		"{date}", lang.at(l.date).Format("02.01.2006 15:04"),
		"{name}", l.from[0].name).Replace(lang.wrote)
	return intro + "\n> " + strings.ReplaceAll(l.said, "\n", "\n> ")
}

// copies puts some messages into a folder of the customer too.
func (m *maker) copies(msg Message, who *person) {
	folder, ok := map[string]string{
		"Harbour Street Hotels":      "Customers/Harbour Street Hotels",
		"Thistle & Rye Bakeries":     "Customers/Thistle & Rye",
		"Linden & Sohn Gastrobedarf": "Customers/Linden & Söhne",
		"Hôtel des Tilleuls":         "Customers/Hôtel des Tilleuls",
		"株式会社みどり食器":                  "Customers/みどり食器",
	}[who.company.name]
	if ok && m.chance(35) {
		m.put(folder, msg)
	}
}

// pause is how long people take to answer.
func (m *maker) pause() time.Duration {
	switch n := m.rand.IntN(100); {
	case n < 45:
		return time.Duration(10+m.rand.IntN(240)) * time.Minute
	case n < 85:
		return time.Duration(5+m.rand.IntN(40)) * time.Hour
	}
	return time.Duration(2+m.rand.IntN(7)) * 24 * time.Hour
}
