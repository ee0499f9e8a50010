package demo

import (
	"strconv"
	"strings"
	"time"
)

// language is what is needed to write letters in one language. The texts have
// slots in braces, filled by [subject.say].
type language struct {
	tag    string // BCP 47
	zone   int    // hours east of UTC in winter
	summer bool   // clocks go forward in summer

	day    string // layout of a date
	hello  []string
	bye    []string
	wrote  string // introduces a quoted letter
	re     string // begins the subject of an answer
	items  []string
	topics []topic
}

// topic is a conversation: what is said turn by turn, the two sides in turn.
type topic struct {
	subjects []string
	ours     bool // we begin
	supplier bool // it is with somebody who sells to us
	turns    []turn
}

// turn is one letter of a conversation: one of several ways to say it, and
// perhaps the name of a file sent along.
type turn struct {
	says   []string
	attach string
}

// at puts an instant into the zone of the language's speakers. The offsets
// follow the season, roughly; real zones would depend on the machine's tables.
func (l *language) at(t time.Time) time.Time {
	t = t.UTC()
	offset := l.zone
	if l.summer && t.Month() >= time.April && t.Month() <= time.October {
		offset++
	}
	return t.In(time.FixedZone("", offset*3600))
}

// subject is what a conversation is about: a topic with its slots filled.
type subject struct {
	lang  *language
	title string
	topic *topic
	slots []string // pairs for strings.NewReplacer
}

// conversation draws the particulars of a topic with somebody.
func (m *maker) conversation(who *person, t *topic, start time.Time) *subject {
	lang := who.company.lang
	day := lang.at(start).AddDate(0, 0, 7+m.rand.IntN(25))
	m.number += 1 + m.rand.IntN(7)
	s := &subject{lang: lang, topic: t, slots: []string{
		"{item}", pick(m, lang.items),
		"{qty}", strconv.Itoa(12 * (2 + m.rand.IntN(30))),
		"{no}", strconv.Itoa(m.number),
		"{sum}", strconv.Itoa(180+10*m.rand.IntN(320)) + ".00",
		"{day}", day.Format(lang.day),
	}}
	s.title = s.fill(pick(m, t.subjects))
	return s
}

func (s *subject) fill(text string) string {
	return strings.NewReplacer(s.slots...).Replace(text)
}

// say is the text of a letter, with greeting and signature.
func (s *subject) say(text string, from, to *person) string {
	l := s.lang
	people := strings.NewReplacer(
		"{first}", to.first, "{last}", to.last,
		"{myfirst}", from.first, "{mylast}", from.last, "{mycompany}", from.company.name)
	// The choice hangs on the topic alone, so that both sides keep their tone.
	tone := len(s.title)
	parts := []string{
		people.Replace(l.hello[tone%len(l.hello)]),
		people.Replace(s.fill(text)),
		people.Replace(l.bye[tone%len(l.bye)]) + "\n" + signature(from),
	}
	return strings.Join(parts, "\n\n")
}

func signature(p *person) string {
	lines := []string{p.name()}
	if p.title != "" {
		lines = append(lines, p.title)
	}
	if p.company.name != "" {
		lines = append(lines, p.company.name)
	}
	if p.company == &ownCompany {
		lines = append(lines, "Tableware made by hand · "+Team)
	}
	if p.company.phone != "" {
		lines = append(lines, p.company.phone)
	}
	return "-- \n" + strings.Join(lines, "\n")
}

// pick returns one of the choices.
func pick[T any](m *maker, choices []T) T {
	return choices[m.rand.IntN(len(choices))]
}
