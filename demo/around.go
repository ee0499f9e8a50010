package demo

import (
	"fmt"
	"strings"
	"time"

	"kith"
)

// stranger is somebody who is no contact.
func stranger(first, last, local, domain, firm string) *person {
	return &person{first: first, last: last, local: local, company: &company{name: firm, domain: domain, lang: english}}
}

var passersBy = []*person{
	stranger("Oliver", "Stanmore", "o.stanmore", "brightlead.example", "Brightlead Marketing"),
	stranger("Jessica", "Harle", "jessica", "shelfspace.example", "Shelfspace Trade Fairs"),
	stranger("Marcus", "Tolley", "marcus.tolley", "homepost.example", ""),
	stranger("Amelia", "Frost", "a.frost", "college-of-craft.example", "College of Craft and Design"),
	stranger("Rupert", "Ansell", "rupert", "kilnworks.example", "Kilnworks Engineering"),
	stranger("Zoe", "Barrow", "zoe.barrow", "postbox.example", ""),
	stranger("Hamish", "Rennie", "hamish", "rennie-vans.example", "Rennie Vans"),
	stranger("Claire", "Duquesne", "claire", "salon-table.example", "Salon de la Table"),
	stranger("Victor", "Lindqvist", "victor", "glazetech.example", "Glazetech"),
	stranger("Bettina", "Hauser", "b.hauser", "messe-service.example", "Messe Service"),
	stranger("Ewan", "Mackie", "ewan.mackie", "postbox.example", ""),
	stranger("Lucy", "Tarrant", "lucy", "tablestory.example", "Table Story Magazine"),
}

var strangeTopics = []topic{
	{subjects: []string{"Your website", "More visitors for your shop"}, turns: []turn{{says: []string{
		"I had a look at your website and believe that more people ought to find it. We help small makers with exactly that. Would you have fifteen minutes for a call next week?",
	}}}},
	{subjects: []string{"Application for the studio position", "Placement in your workshop"}, turns: []turn{
		{attach: "CV.pdf", says: []string{
			"I saw that you are looking for help in the studio and would like to apply. I have thrown pots since school and can start on {day}. My CV is attached.",
			"For my course I have to spend six weeks in a workshop, and yours would be my first choice. Would there be a place from {day} on?",
		}},
		{says: []string{
			"Thank you for your application. We shall look at all of them together and write to you by {day}.",
		}},
		{says: []string{"Thank you, I look forward to hearing from you."}},
	}},
	{subjects: []string{"Lunch on {day}?", "Saturday"}, turns: []turn{
		{says: []string{
			"It has been far too long. Are you free for lunch on {day}? The place by the river is open again.",
		}},
		{says: []string{"I would love to. One o'clock?"}},
		{says: []string{"One o'clock it is. I shall book a table."}},
	}},
	{subjects: []string{"A stand at the spring fair", "Early booking until {day}"}, turns: []turn{
		{attach: "Hall plan {no}.pdf", says: []string{
			"The spring fair is filling up, and there are still a few stands in the hall for tableware. Until {day} the early rate holds; the plan is attached.",
		}},
		{says: []string{"Thank you, but we have made other plans for the spring."}},
	}},
	{subjects: []string{"Wholesale enquiry", "Do you ship abroad?"}, turns: []turn{
		{says: []string{
			"We are opening a small shop and fell in love with your {item}. Do you sell to the trade, and is there a smallest order?",
		}},
		{says: []string{"Thank you for your kind words. We do, from {qty} pieces on. May I send you our price list?"}},
		{says: []string{"Yes, please do. We hope to open on {day}."}},
	}},
}

var internalTopics = []topic{
	{subjects: []string{"Kiln rota for next week", "Firing on {day}"}, turns: []turn{
		{says: []string{"Who can unload the kiln on {day}? I am at the dentist until ten.", "The rota for the coming week is below; please shout if a day does not suit you.\n\nMon, Wed: Bob\nTue, Thu: Carol\nFri: me"}},
		{says: []string{"I can do it, no problem.", "Fine with me. I would swap Thursday for Friday, if that is all right."}},
		{says: []string{"Thanks, you are a star."}},
	}},
	{subjects: []string{"Stock of {item}", "How many {item} are left?"}, turns: []turn{
		{says: []string{"How many {item} do we have on the shelf? There is an order for {qty} coming in, I think."}},
		{says: []string{"I counted this morning: about {qty}, and another two boards are drying."}},
	}},
	{subjects: []string{"Margins of offer {no}", "Price for offer {no}"}, turns: []turn{
		{says: []string{"Could you check my sums for offer {no} before it goes out? I am not sure about the carriage."}},
		{says: []string{"Looks right to me. I would round it up to {sum}.", "You forgot the pallet. With that it comes to {sum}."}},
		{says: []string{"Well spotted, thank you. It goes out now."}},
	}},
	{subjects: []string{"Team lunch", "Holiday in August", "New aprons"}, turns: []turn{
		{says: []string{"Let us talk about this on Monday over tea. I will bring the cake."}},
		{says: []string{"Count me in.", "Good idea, I shall be there."}},
	}},
}

// strangers makes the correspondence with people who are no contacts.
func (m *maker) strangers() {
	for range 85 {
		m.aside(pick(m, passersBy), pick(m, strangeTopics), KindStranger, kith.ReasonNoContact)
	}
}

// internal makes the correspondence among colleagues.
func (m *maker) internal() {
	for range 70 {
		who := &bobPerson
		if m.chance(50) {
			who = &carolPerson
		}
		m.aside(who, pick(m, internalTopics), KindInternal, kith.ReasonInternal)
	}
	for range 6 { // notes to herself, which arrive as well
		l := m.letter(alice, []mailbox{alice}, m.someday(english))
		l.kind = KindInternal
		l.subject = pick(m, []string{"Glaze test 7", "Remember: insurance", "Ideas for autumn"})
		l.text = "Darker rim, thinner wall. Ask Bob about the new mould."
		msg := m.skipped(l, kith.ReasonInternal)
		m.put("Sent", msg)
		m.file(msg)
	}
}

// aside makes a conversation between Alice and somebody of which nothing is recorded.
func (m *maker) aside(who *person, t topic, kind Kind, reason kith.Reason) {
	date := m.someday(english)
	s := m.conversation(who, &t, date)
	p := parties{them: who, theirs: who.address(), ours: alice}
	switch who {
	case &bobPerson:
		p.theirs = bob
	case &carolPerson:
		p.theirs = carol
	}
	var previous *letter
	for i := range t.turns {
		if date.After(m.now) || i > 0 && m.chance(15) {
			return
		}
		l := m.turn(s, p, i, i%2 == 1, date, previous)
		l.kind = kind
		msg := m.skipped(l, reason)
		if l.sent {
			m.put("Sent", msg)
		} else {
			m.file(msg)
		}
		previous = l
		date = m.workingTime(date.Add(m.pause()), english)
	}
}

// periodical is a newsletter.
type periodical struct {
	from     mailbox
	listID   string
	every    int // days
	subjects []string
	text     string
}

var periodicals = []periodical{
	{mailbox{"Clay & Kiln Weekly", "news@clayandkiln.example"}, "weekly.clayandkiln.example", 7,
		[]string{"This week: firing at lower temperatures", "This week: five glazes without lead", "This week: what a kiln costs to run"},
		"The week in ceramics: three workshops to visit, a new test for food-safe glazes, and readers' questions answered."},
	{mailbox{"Table Story", "hello@tablestory.example"}, "letters.tablestory.example", 30,
		[]string{"The autumn issue", "Tables we loved this month", "Linen, oak and stoneware"},
		"Our new issue is in the shops. Inside: six restaurants and their plates, and a long talk with a knife maker."},
	{mailbox{"Trade Counter", "offers@tradecounter.example"}, "offers.tradecounter.example", 14,
		[]string{"Packing paper: 20% off until Sunday", "New in: honeycomb boxes", "Free delivery this week"},
		"These offers are for trade customers and end on Sunday at midnight."},
	{mailbox{"Gastro Aktuell", "redaktion@gastro-aktuell.example"}, "newsletter.gastro-aktuell.example", 14,
		[]string{"Küchentrends für das Frühjahr", "Steuern: Was sich für Wirte ändert", "Zehn Jahre Gastro Aktuell"},
		"Guten Tag,\n\nin dieser Ausgabe lesen Sie, wie kleine Häuser mit weniger Personal auskommen und was Gäste für schönes Geschirr übrig haben."},
	{mailbox{"Boxwright Packaging", "simone@boxwright.test"}, "customers.boxwright.test", 45,
		[]string{"Boxwright news: recycled void fill", "Boxwright news: closing days"},
		"News for all customers of Boxwright Packaging: our closing days, and a new range of recycled void fill."},
	{mailbox{"L'Art de la Table", "lettre@artdelatable.example"}, "lettre.artdelatable.example", 30,
		[]string{"La lettre du mois : grès et porcelaine", "Les salons de l'automne"},
		"Bonjour,\n\nLa lettre du mois vous emmène chez trois céramistes et présente les salons de l'automne."},
}

// massMail makes newsletters, a discussion list, and notices of machines.
func (m *maker) massMail() {
	for _, p := range periodicals {
		at := m.now.Add(-Span).Add(72 * time.Hour).In(time.UTC)
		for n := 0; at.Before(m.now.Add(-time.Hour)); n++ {
			l := m.letter(p.from, []mailbox{alice}, at)
			l.kind, l.html = KindNewsletter, true
			l.subject = p.subjects[n%len(p.subjects)]
			l.text = p.text
			domain := p.listID[strings.IndexByte(p.listID, '.')+1:]
			l.extra = []field{
				{"List-Id", p.from.name + " <" + p.listID + ">"},
				{"List-Unsubscribe", "<https://" + domain + "/leave/" + m.token(12) + ">"},
				{"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"},
				{"Precedence", "bulk"},
			}
			m.file(m.skipped(l, kith.ReasonBulk))
			at = at.AddDate(0, 0, p.every).Add(time.Duration(m.rand.IntN(90)) * time.Minute)
		}
	}
	m.discussionList()
	m.notices()
}

// discussionList makes the mail of a list on which a contact writes too. The
// list replaces the author in From for some. What a person whom we know writes
// to a list that one can answer is no mass mail: it is recorded.
func (m *maker) discussionList() {
	const list = "makers@potters-guild.example"
	supplier := m.person(func(p *person) bool { return p.local == "peter.lathbury" })
	var previous *letter
	for n := range 70 {
		who := pick(m, passersBy)
		if n%6 == 0 {
			who = supplier
		}
		date := m.someday(english)
		l := m.letter(who.address(), []mailbox{{"Makers", list}}, date)
		l.kind = KindList
		l.subject = pick(m, []string{"Crawling glaze", "Second-hand wheel", "Dust extraction", "Who sells grog by the ton?"})
		l.text = "Hello all,\n\n" + pick(m, []string{
			"has anybody tried this at cone 6? Mine comes out dull each time.",
			"I have one to give away to whoever collects it.",
			"the trick is to let it dry for a whole day before you touch it.",
		}) + "\n\n" + who.name()
		l.extra = []field{
			{"List-Id", "Makers of the Potters' Guild <makers.potters-guild.example>"},
			{"List-Post", "<mailto:" + list + ">"},
			{"Precedence", "list"},
		}
		if n%3 == 0 { // what lists do for authors whose domain forbids resending
			l.replyTo = []mailbox{who.address()}
			l.extra = append(l.extra, field{"X-Original-From", addressList(l.from)})
			l.from = []mailbox{{who.name() + " via Makers", list}}
		}
		if previous != nil && previous.date.Before(date) && m.chance(50) {
			l.answers(previous)
			l.subject = "Re: " + strings.TrimPrefix(previous.subject, "Re: ")
		}
		if who == supplier {
			m.file(m.finish(l, kith.Inbound))
		} else {
			m.file(m.skipped(l, kith.ReasonBulk))
		}
		previous = l
	}
}

// notices makes what machines of strangers write to one person at a time.
func (m *maker) notices() {
	for range 90 {
		parcel := fmt.Sprintf("%09d", m.rand.IntN(1_000_000_000))
		from, subject, text := mailbox{"Parcel Post", "noreply@parcel-post.example"},
			"Your parcel "+parcel+" is on its way",
			"Your parcel "+parcel+" has left our depot and will be delivered tomorrow between 9 and 12."
		switch m.rand.IntN(3) {
		case 0:
			from, subject, text = mailbox{"Till & Ledger", "receipts@till-ledger.example"},
				"Your receipt no. "+parcel,
				"Thank you for your payment. Your receipt no. "+parcel+" is below.\n\nSubscription, one month: 18.00"
		case 1:
			from, subject, text = mailbox{"Meadow Bank", "service@meadow-bank.example"},
				"A new statement is ready",
				"A new statement is waiting for you in online banking. For your safety we never send links by e-mail."
		}
		l := m.letter(from, []mailbox{alice}, m.someday(english))
		l.kind, l.subject, l.text = KindNotice, subject, text
		m.file(m.skipped(l, kith.ReasonNoContact))
	}
}
