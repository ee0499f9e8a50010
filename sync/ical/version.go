package ical

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"kith"
)

// Bounds of what is kept of an event, in bytes.
const (
	maxUID     = 1000
	maxSummary = 1000

	firstCounted = 1583 // the first whole year of our calendar; what lies before is a slip
)

// version is one VEVENT: a series, an event that happens once, or what is
// different about one occurrence of a series.
type version struct {
	uid        string
	start      when
	length     span
	recurrence *when // the occurrence that it stands for (RECURRENCE-ID)
	future     bool  // and for those after it
	rules      []*rule
	exrules    []*rule
	rdates     []rdate
	exdates    []when

	edition     kith.EventVersion
	status      string
	class       string
	transparent bool
	summary     string
	categories  []string
	organizer   *kith.Attendee
	attendees   []kith.Attendee
	flags       []string
}

// rdate is a further occurrence, with a length of its own if it is a period.
type rdate struct {
	start  when
	length *span
}

// newer tells whether v replaces o: by SEQUENCE, then by DTSTAMP (RFC 5546 §2.1.5), then
// by what stands further down.
func (v *version) newer(o *version) bool {
	return !v.edition.Before(o.edition)
}

// readVersion reads a VEVENT. warn is called with what is odd about it.
func readVersion(c *component, z *zones, method string, warn func(uid, text string)) (*version, error) {
	v := &version{uid: cutText(c.value("UID"), maxUID), status: "confirmed", class: "public"}
	odd := func(format string, args ...any) { warn(v.uid, fmt.Sprintf(format, args...)) }
	start := c.first("DTSTART")
	if start == nil {
		return v, errors.New("it has no DTSTART")
	}
	var err error
	if v.start, err = z.when(start, start.value); err != nil {
		return v, err
	}
	if v.start.wall.Year() < firstCounted {
		return v, fmt.Errorf("its DTSTART lies before the year %d", firstCounted)
	}
	if v.uid == "" {
		digest := sha256.Sum256([]byte(start.value + "\n" + c.value("SUMMARY") + "\n" + c.value("ORGANIZER")))
		v.uid = "kith-" + hex.EncodeToString(digest[:16])
		odd("it has no UID: one was made from what it says")
	}
	if v.start.zone.guessed {
		v.flags = append(v.flags, "zone_guessed")
		odd("nobody knows the time zone %q: %s was taken", start.param("TZID"), v.start.zone.name)
	}
	v.readLength(c, z, odd)
	if p := c.first("RECURRENCE-ID"); p != nil {
		w, err := z.when(p, p.value)
		if err != nil {
			return v, err
		}
		v.recurrence, v.future = &w, strings.EqualFold(p.param("RANGE"), "THISANDFUTURE")
	}
	v.edition.Sequence, _ = strconv.Atoi(c.value("SEQUENCE"))
	for _, name := range []string{"DTSTAMP", "LAST-MODIFIED"} {
		if p := c.first(name); p != nil && v.edition.Stamp.IsZero() {
			if w, err := z.when(p, p.value); err == nil {
				v.edition.Stamp = w.time().UTC()
			}
		}
	}
	switch status := strings.ToUpper(c.value("STATUS")); {
	case status == "CANCELLED" || status == "CANCELED" || method == "CANCEL":
		v.status = "cancelled"
	case status == "TENTATIVE":
		v.status = "tentative"
	}
	switch class := strings.ToLower(c.value("CLASS")); class {
	case "", "public":
	case "confidential":
		v.class = class
	default: // RFC 5545 §3.8.1.3: what is not known is private
		v.class = "private"
	}
	v.transparent = strings.EqualFold(c.value("TRANSP"), "TRANSPARENT")
	if p := c.first("SUMMARY"); p != nil {
		v.summary = cutText(p.text(), maxSummary)
	}
	v.readRecurrence(c, z, odd)
	v.readPeople(c, odd)
	return v, nil
}

func (v *version) readLength(c *component, z *zones, odd func(string, ...any)) {
	if v.start.date {
		v.length.days = 1
	}
	if p := c.first("DTEND"); p != nil {
		end, err := z.when(p, p.value)
		switch {
		case err != nil:
			odd("its DTEND is no date or time")
		case v.start.date:
			v.length = span{days: int(midnight(end.wall).Sub(v.start.wall) / (24 * time.Hour))}
		default:
			v.length = span{rest: end.time().Sub(v.start.time())}
		}
	} else if p := c.first("DURATION"); p != nil {
		length, negative, ok := parseSpan(p.value)
		switch {
		case !ok:
			odd("its DURATION is none")
		case negative:
			v.length = span{rest: -1}
		case v.start.date:
			v.length = span{days: length.days + int(length.rest/(24*time.Hour))}
		default:
			v.length = length
		}
	}
	switch {
	case v.start.date && v.length.days < 1:
		if v.length != (span{}) {
			odd("it ends before it begins: it was taken for one day")
		}
		v.length = span{days: 1}
	case v.length.rest < 0:
		odd("it ends before it begins: it was taken to have no length")
		v.length = span{}
	case v.length.longest() > (maxSpan+1)*24*time.Hour:
		odd("it takes more than ten years: its end was left out")
		v.length = span{days: maxSpan}
	}
}

func (v *version) readRecurrence(c *component, z *zones, odd func(string, ...any)) {
	for i := range c.props {
		p := &c.props[i]
		switch p.name {
		case "RRULE", "EXRULE":
			if v.recurrence != nil {
				continue // what stands for one occurrence does not recur
			}
			r, err := parseRule(p.value, v.start)
			switch {
			case err != nil:
				odd("its %s is passed over: %v", p.name, err)
			case p.name == "RRULE":
				v.rules = append(v.rules, r)
			default:
				v.exrules = append(v.exrules, r)
			}
		case "RDATE":
			if v.recurrence == nil {
				v.rdates = append(v.rdates, z.rdates(p)...)
			}
		case "EXDATE":
			for one := range strings.SplitSeq(p.value, ",") {
				w, err := z.when(p, one)
				if err != nil {
					odd("an EXDATE is no date or time")
					continue
				}
				v.exdates = append(v.exdates, w)
			}
		case "CATEGORIES":
			for one := range strings.SplitSeq(p.value, ",") {
				if len(v.categories) < 50 {
					v.categories = append(v.categories, cutText((&property{value: one}).text(), 100))
				}
			}
		}
	}
}

// rdates reads an RDATE: dates, times or periods (RFC 5545 §3.8.5.2). What can't be read is left out.
func (z *zones) rdates(p *property) (all []rdate) {
	for one := range strings.SplitSeq(p.value, ",") {
		from, to, period := strings.Cut(one, "/")
		start, err := z.when(p, from)
		if err != nil {
			continue
		}
		d := rdate{start: start}
		if period {
			if length, negative, ok := parseSpan(to); ok && !negative {
				d.length = &length
			} else if end, err := z.when(p, to); err == nil {
				d.length = &span{rest: max(0, end.time().Sub(start.time()))}
			}
		}
		all = append(all, d)
	}
	return all
}

func (v *version) readPeople(c *component, odd func(string, ...any)) {
	without, seen := 0, map[string]bool{}
	for i := range c.props {
		p := &c.props[i]
		if p.name != "ATTENDEE" && p.name != "ORGANIZER" {
			continue
		}
		a, ok := attendee(p)
		switch {
		case !ok && p.value != "":
			without++
		case !ok:
		case p.name == "ORGANIZER":
			if v.organizer == nil {
				v.organizer = &a
			}
		case !seen[a.Address] && len(v.attendees) < maxAttendees:
			seen[a.Address] = true
			v.attendees = append(v.attendees, a)
		}
	}
	if without > 0 {
		odd("%d of its people have no e-mail address", without)
	}
	v.attendees = slices.Clip(v.attendees)
}

// cutText returns at most n bytes of s, whole characters.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
