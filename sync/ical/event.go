package ical

import (
	"slices"
	"time"

	"kith"
)

// maxOccurrences bounds what one event gives to a window.
const maxOccurrences = 20_000

// Event is all that a calendar says under one UID: a series or a single event, and
// what is different about some of its occurrences.
type Event struct {
	UID string

	master    *version // nil: somebody is invited to single occurrences of a series
	overrides map[recurrence]*version
}

// recurrence is what an override stands for, as it is written.
type recurrence struct {
	at     int64
	date   bool
	future bool
}

// add takes a version, unless there is a newer one of the same.
func (e *Event) add(v *version) {
	if v.recurrence == nil {
		if e.master == nil || v.newer(e.master) {
			e.master = v
		}
		return
	}
	if e.overrides == nil {
		e.overrides = map[recurrence]*version{}
	}
	key := recurrence{v.recurrence.id().Unix(), v.recurrence.date, v.future}
	if known := e.overrides[key]; known == nil || v.newer(known) {
		e.overrides[key] = v
	}
}

// slot is an occurrence of a series as it was planned.
type slot struct {
	start  when
	length span
}

// occurrences returns those that overlap from and to (exclusive); cut tells that
// there are more than anybody can attend.
func (e *Event) occurrences(from, to time.Time) (all []kith.Occurrence, cut bool) {
	own := map[int64]*version{} // by the id of the occurrence
	var futures []*version
	for _, v := range e.overrides {
		at := e.planned(*v.recurrence).id().Unix()
		if known := own[at]; known == nil || v.newer(known) {
			own[at] = v
		}
		if v.future {
			futures = append(futures, v)
		}
	}
	put := func(v *version, start when, length span, id time.Time) {
		begin, end := start.time(), length.after(start)
		if !begin.Before(to) || !end.After(from) && (!begin.Equal(end) || begin.Before(from)) {
			return
		}
		all = append(all, v.occurrence(e, begin, end, start, id))
	}
	for _, v := range own {
		put(v, v.start, v.length, e.planned(*v.recurrence).id())
	}
	if e.master == nil {
		return all, false
	}
	slices.SortFunc(futures, func(a, b *version) int {
		return e.planned(*a.recurrence).id().Compare(e.planned(*b.recurrence).id())
	})
	slots, cut := e.slots(from, to, futures)
	for _, s := range slots {
		id := s.start.id()
		if own[id.Unix()] != nil {
			continue
		}
		v, start, length := e.master, s.start, s.length
		for _, f := range futures {
			moved := e.planned(*f.recurrence)
			if moved.id().After(id) {
				break
			}
			v, length = f, f.length
			start = when{wall: s.start.wall.Add(f.start.wall.Sub(moved.wall)), date: f.start.date, zone: f.start.zone}
		}
		put(v, start, length, id)
	}
	return all, cut
}

// planned returns the occurrence that a RECURRENCE-ID or RDATE means: some name the
// day alone, or the time of what takes the whole day.
func (e *Event) planned(w when) when {
	switch {
	case e.master == nil || w.date == e.master.start.date:
		if e.master == nil || w.date {
			return w
		}
		return when{wall: wallOf(w.time(), e.master.start.zone.loc), zone: e.master.start.zone}
	case w.date:
		clock := e.master.start.wall.Sub(midnight(e.master.start.wall))
		return when{wall: w.wall.Add(clock), zone: e.master.start.zone}
	}
	wall := w.wall
	if w.zone.loc == time.UTC {
		wall = wallOf(w.time(), e.master.start.zone.loc)
	}
	return when{wall: midnight(wall), date: true, zone: e.master.start.zone}
}

// slots returns what the series gives near the window, each once, without what
// was taken out.
func (e *Event) slots(from, to time.Time, futures []*version) (slots []slot, cut bool) {
	m := e.master
	before, after := m.length.longest(), 24*time.Hour
	for _, d := range m.rdates {
		if d.length != nil {
			before = max(before, d.length.longest())
		}
	}
	for _, f := range futures {
		moved := f.start.wall.Sub(e.planned(*f.recurrence).wall)
		before, after = max(before, f.length.longest()+max(moved, 0)), max(after, 24*time.Hour-min(moved, 0))
	}
	first := wallOf(from.Add(-before), m.start.zone.loc).Add(-24 * time.Hour)
	last := wallOf(to, m.start.zone.loc).Add(after)

	days, times := e.excluded(first, last)
	seen := map[int64]bool{}
	put := func(start when, length span) {
		id := start.id().Unix()
		if !seen[id] && !times[id] && !days[midnight(start.wall).Unix()] {
			seen[id] = true
			slots = append(slots, slot{start, length})
		}
	}
	// A period says how long; so it goes before what a rule gives for the same time.
	for _, d := range m.rdates {
		length := m.length
		if d.length != nil {
			length = *d.length
		}
		put(e.planned(d.start), length)
	}
	if len(m.rules) == 0 {
		put(m.start, m.length)
	}
	for _, r := range m.rules {
		walls, more := r.between(first, last, maxOccurrences)
		cut = cut || more
		for _, wall := range walls {
			put(when{wall: wall, date: m.start.date, zone: m.start.zone}, m.length)
		}
	}
	return slots, cut
}

// excluded returns the days and the times that were taken out of the series.
func (e *Event) excluded(first, last time.Time) (days, times map[int64]bool) {
	m := e.master
	days, times = map[int64]bool{}, map[int64]bool{}
	for _, w := range m.exdates {
		if w.date || m.start.date {
			days[midnight(e.planned(w).wall).Unix()] = true
			continue
		}
		times[w.id().Unix()] = true
	}
	for _, r := range m.exrules {
		walls, _ := r.between(first, last, maxOccurrences)
		for _, wall := range walls {
			times[when{wall: wall, date: m.start.date, zone: m.start.zone}.id().Unix()] = true
		}
	}
	return days, times
}

func (v *version) occurrence(e *Event, begin, end time.Time, start when, id time.Time) kith.Occurrence {
	o := kith.Occurrence{
		UID: e.UID, RecurrenceID: id,
		Recurring: e.master == nil || v.recurrence != nil || len(e.master.rules) > 0 || len(e.master.rdates) > 0,
		Start:     begin, End: end, AllDay: start.date, Zone: start.zone.name,
		Summary: v.summary, Status: v.status, Class: v.class, Transparent: v.transparent, Categories: v.categories,
		Organizer: v.organizer, Attendees: v.attendees, Version: v.edition, Flags: v.flags,
	}
	if e.master != nil && e.master.status == "cancelled" && e.master.edition.Sequence >= v.edition.Sequence {
		o.Status = "cancelled" // with the whole series
	}
	return o
}
