package ical

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// when is a point in time as a calendar writes it: what a clock on the wall
// shows, and where it hangs. Of a date the clock shows midnight.
type when struct {
	wall time.Time // in UTC, whatever the zone
	date bool
	zone *zone
}

// time returns the instant, in the zone.
func (w when) time() time.Time { return resolve(w.wall, w.zone.loc) }

// id returns what an occurrence that began then is known by: the instant, or the
// date at midnight in UTC, so that it does not depend on where somebody is.
func (w when) id() time.Time {
	if w.date {
		return w.wall
	}
	return w.time().UTC()
}

// resolve returns the instant at which clocks of a place show a time. A time that clocks
// skip is taken by the offset before, one that they show twice is the first (RFC 5545 §3.3.5).
func resolve(wall time.Time, loc *time.Location) time.Time {
	const day = 24 * 60 * 60
	shown := wall.Unix()
	offset := func(at int64) int64 {
		_, seconds := time.Unix(at, 0).In(loc).Zone()
		return int64(seconds)
	}
	before, after := offset(shown-day), offset(shown+day)
	at := shown - before
	if before != after && offset(at) != before && offset(shown-after) == after {
		at = shown - after
	}
	return time.Unix(at, 0).In(loc)
}

// wallOf returns what clocks in the zone show at an instant.
func wallOf(t time.Time, loc *time.Location) time.Time {
	_, seconds := t.In(loc).Zone()
	return time.Unix(t.Unix()+int64(seconds), 0).UTC()
}

func midnight(wall time.Time) time.Time {
	return time.Date(wall.Year(), wall.Month(), wall.Day(), 0, 0, 0, 0, time.UTC)
}

// when reads a DATE or DATE-TIME (RFC 5545 §3.3.4, §3.3.5) of a property, and
// what mailers write instead: with dashes and colons, without seconds.
func (z *zones) when(p *property, value string) (when, error) {
	value = strings.ToUpper(strings.NewReplacer("-", "", ":", "", " ", "").Replace(value))
	wall, date, utc, ok := parseWall(value)
	if !ok {
		return when{}, fmt.Errorf("%s is no date or time", p.name)
	}
	if strings.EqualFold(p.param("VALUE"), "DATE") {
		date, wall = true, midnight(wall)
	}
	w := when{wall: wall, date: date}
	switch tzid := p.param("TZID"); {
	case date:
		w.zone = z.floating
	case utc:
		w.zone = z.utc
	case tzid != "":
		w.zone = z.find(tzid)
	default:
		w.zone = z.floating
	}
	return w, nil
}

// parseWall reads 20260510, 20260510T0900, 20260510T090000 and 20260510T090000Z.
func parseWall(s string) (wall time.Time, date, utc, ok bool) {
	s, utc = strings.CutSuffix(s, "Z")
	day, clock, timed := strings.Cut(s, "T")
	number := func(s string) int {
		for i := range len(s) {
			if s[i] < '0' || s[i] > '9' {
				return -1
			}
		}
		n, err := strconv.Atoi(s)
		if err != nil {
			return -1
		}
		return n
	}
	if len(day) != 8 {
		return wall, false, false, false
	}
	year, month, dom := number(day[:4]), number(day[4:6]), number(day[6:])
	hour, minute, second := 0, 0, 0
	if timed {
		if len(clock) != 4 && len(clock) != 6 {
			return wall, false, false, false
		}
		hour, minute = number(clock[:2]), number(clock[2:4])
		if len(clock) == 6 {
			second = min(number(clock[4:]), 59) // a leap second
		}
	}
	if year < 1 || hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 {
		return wall, false, false, false
	}
	wall = time.Date(year, time.Month(month), dom, hour, minute, second, 0, time.UTC)
	return wall, !timed, utc, wall.Year() == year && int(wall.Month()) == month && wall.Day() == dom
}

// span is how long something takes: days by the calendar, and time by the clock.
type span struct {
	days int
	rest time.Duration
}

// maxSpan bounds how long a meeting takes; what is longer is a slip.
const maxSpan = 3660 // days

// parseSpan reads a DURATION (RFC 5545 §3.3.6).
func parseSpan(s string) (length span, negative, ok bool) {
	s = strings.ToUpper(strings.TrimSpace(s))
	s = strings.TrimPrefix(s, "+")
	s, negative = strings.CutPrefix(s, "-")
	s, ok = strings.CutPrefix(s, "P")
	if !ok || s == "" {
		return length, false, false
	}
	clock, n, digits := false, 0, 0
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= '0' && c <= '9':
			if digits++; digits > 9 {
				return length, false, false
			}
			n = n*10 + int(c-'0')
			continue
		case c == 'T' && digits == 0:
			clock = true
			continue
		case digits == 0:
			return length, false, false
		case c == 'W' && !clock:
			length.days += 7 * n
		case c == 'D' && !clock:
			length.days += n
		case c == 'H' && clock:
			length.rest += time.Duration(n) * time.Hour
		case c == 'M' && clock:
			length.rest += time.Duration(n) * time.Minute
		case c == 'S' && clock:
			length.rest += time.Duration(n) * time.Second
		default:
			return length, false, false
		}
		n, digits = 0, 0
	}
	if length.days > maxSpan || length.rest < 0 || length.rest > maxSpan*24*time.Hour {
		return span{days: maxSpan}, negative, digits == 0
	}
	return length, negative, digits == 0
}

// longest returns a length of time that the span is not longer than.
func (s span) longest() time.Duration {
	return time.Duration(s.days)*24*time.Hour + s.rest + 3*time.Hour
}

// after returns the end of what begins at w and takes the span.
func (s span) after(w when) time.Time {
	if s.days == 0 {
		return w.time().Add(s.rest)
	}
	return resolve(w.wall.AddDate(0, 0, s.days), w.zone.loc).Add(s.rest)
}
