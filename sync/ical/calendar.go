// Package ical reads iCalendar (RFC 5545, RFC 5546, RFC 7986) and tells when the
// events in it take place. It is a function of bytes, and bounded: a broken
// component costs itself, an endless rule is followed within a window only.
package ical

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"kith"
)

// Options say how calendars are read. The zero Options are good.
type Options struct {
	// Zone is where times are meant that name no zone, in calendars that name none
	// either. Nil is UTC.
	Zone *time.Location
	// Zones remembers the time zones of files that were read before. Nil: each file stands alone.
	Zones *Zones
}

// Warning tells what was odd about an event, and how it was taken. It names no
// title and nobody.
type Warning struct {
	UID  string // "" when it is about the file, or the event has none
	Text string
	Lost bool // the event, or a part of it, could not be read
}

// Calendar is what a file says.
type Calendar struct {
	Method   string   // upper case (RFC 5546), of the first calendar that has one
	Events   []*Event // in the order in which their UIDs come
	Warnings []Warning
	Found    bool // there is a VCALENDAR in it
	Cut      bool // it ends within a component: something is missing
}

// Read reads a file with any number of calendars. Whatever it holds, it does not fail:
// Found, Cut and Warnings tell what could not be read.
func Read(data []byte, o Options) *Calendar {
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Zones == nil {
		o.Zones = &Zones{}
	}
	c := &Calendar{}
	byUID := map[string]*Event{}
	c.Found, c.Cut = components(data, func(calendar *component) {
		method := strings.ToUpper(calendar.value("METHOD"))
		if c.Method == "" {
			c.Method = method
		}
		z := newZones(o.Zones, calendar, o.Zone)
		for _, child := range calendar.children {
			if child.name != "VEVENT" {
				continue
			}
			if child.broken {
				c.lose(cutText(child.value("UID"), maxUID), "it can't be read: it does not end")
				continue
			}
			v, err := readVersion(child, z, method, c.warn)
			if err != nil {
				c.lose(v.uid, "it can't be read: "+err.Error())
				continue
			}
			e := byUID[v.uid]
			if e == nil {
				e = &Event{UID: v.uid}
				byUID[v.uid] = e
				c.Events = append(c.Events, e)
			}
			e.add(v)
		}
	})
	if !c.Found {
		c.warn("", "there is no calendar in it")
	} else if c.Cut {
		c.warn("", "it ends in the middle: something is missing")
	}
	return c
}

func (c *Calendar) warn(uid, text string) {
	if len(c.Warnings) < maxWarnings {
		c.Warnings = append(c.Warnings, Warning{UID: uid, Text: text})
	}
}

func (c *Calendar) lose(uid, text string) {
	if len(c.Warnings) < maxWarnings {
		c.Warnings = append(c.Warnings, Warning{UID: uid, Text: text, Lost: true})
	}
}

// Occurrences returns all that takes place between from and to (exclusive), cancelled
// or not, in the order in which it begins. No two have both UID and RecurrenceID in common.
func (c *Calendar) Occurrences(from, to time.Time) (all []kith.Occurrence, warnings []Warning) {
	for _, e := range c.Events {
		some, cut := e.occurrences(from, to)
		if cut {
			warnings = append(warnings, Warning{UID: e.UID, Text: "it recurs so often that not all of it was looked at"})
		}
		all = append(all, some...)
	}
	slices.SortFunc(all, func(a, b kith.Occurrence) int {
		return cmp.Or(a.Start.Compare(b.Start), strings.Compare(a.UID, b.UID), a.RecurrenceID.Compare(b.RecurrenceID))
	})
	return all, warnings
}
