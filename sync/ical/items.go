package ical

import (
	"strings"
	"time"

	"kith"
)

// Refs of occurrences are "resource#time", and "resource#" where an event takes place once: so
// those of one resource stand together, in the order of time. A resource with several events
// appends "~" and the UID to those of all but the first.
const (
	refTime = "20060102T150405Z"
	refEnd  = "$" // the byte after "#"
)

// Ref names an occurrence in a resource, whose own name must be percent-encoded.
func (c *Calendar) ref(resource string, o *kith.Occurrence) string {
	ref := resource + "#"
	if o.Recurring {
		ref += o.RecurrenceID.UTC().Format(refTime)
	}
	if len(c.Events) > 1 && o.UID != c.Events[0].UID {
		ref += "~" + o.UID
	}
	return ref
}

// Resource returns the resource in which an occurrence lies, by its ref.
func Resource(ref string) string {
	resource, _, _ := strings.Cut(ref, "#")
	return resource
}

// Gone returns the refs of all occurrences in a resource that is no longer there.
func Gone(resource string) []kith.RefRange {
	return []kith.RefRange{{From: resource + "#", To: resource + refEnd}}
}

// Window is what of a calendar is looked at: from From to To, exclusive.
type Window struct{ From, To time.Time }

// Take is what one resource gives to a window.
type Take struct {
	Items    []kith.Item
	Covered  []kith.RefRange // the refs of all that there might be in the window
	Failed   []kith.Failure  // what of it could not be read
	Warnings []string
	Next     time.Time // when the first occurrence after the window begins; zero if there is none soon
}

// Take returns the occurrences of a resource in a window. from, if not zero, leaves out what
// begins, and was to begin, before it, for that was taken already.
func (c *Calendar) Take(resource string, w Window, from time.Time) Take {
	var t Take
	seen := make(map[string]bool)
	for _, warning := range c.Warnings {
		if !warning.Lost {
			t.Warnings = append(t.Warnings, resource+": "+warning.Text)
		} else if !seen[warning.Text] {
			seen[warning.Text] = true
			t.Failed = append(t.Failed, kith.Failure{Ref: resource, Cause: warning.Text})
		}
	}
	if !c.Found || c.Cut {
		t.Failed = []kith.Failure{{Ref: resource, Cause: "there is no whole calendar in it"}}
		return t
	}
	occurrences, warnings := c.Occurrences(w.From, w.To)
	for _, warning := range warnings {
		t.Warnings = append(t.Warnings, resource+": "+warning.Text)
	}
	first := w.From
	if !from.IsZero() {
		first = from
	}
	single := from.IsZero() // those that take place once are looked at too
	for i := range occurrences {
		o := &occurrences[i]
		if o.Start.Before(from) && (!o.Recurring || o.RecurrenceID.Before(from)) {
			continue
		}
		t.Items = append(t.Items, kith.Item{Ref: c.ref(resource, o), Role: kith.RoleCalendar, Occurrence: o})
	}
	for _, e := range c.Events {
		single = single && !e.past(w.From)
	}
	if single {
		t.Covered = append(t.Covered, kith.RefRange{From: resource + "#", To: resource + "#0"})
	}
	t.Covered = append(t.Covered, kith.RefRange{From: resource + "#" + first.UTC().Format(refTime), To: resource + refEnd})
	t.Next = c.next(w.To)
	return t
}

// past tells whether an event takes place once, and did so before a time.
func (e *Event) past(before time.Time) bool {
	m := e.master
	return m != nil && len(m.rules) == 0 && len(m.rdates) == 0 && !m.length.after(m.start).After(before)
}

// How far beyond a window its next occurrence is looked for, step by step.
var ahead = []time.Duration{32 * 24 * time.Hour, 400 * 24 * time.Hour, 10 * 366 * 24 * time.Hour}

// next returns when the first occurrence begins that begins at or after a time.
func (c *Calendar) next(after time.Time) (first time.Time) {
	for _, e := range c.Events {
		if !e.goesOn(after) {
			continue
		}
		for _, far := range ahead {
			some, _ := e.occurrences(after, after.Add(far))
			for i := range some {
				if s := some[i].Start; !s.Before(after) && (first.IsZero() || s.Before(first)) {
					first = s
				}
			}
			if !first.IsZero() {
				break
			}
		}
	}
	return first
}

// goesOn tells whether anything of an event may begin at or after a time.
func (e *Event) goesOn(after time.Time) bool {
	m := e.master
	if m == nil || len(m.rules) > 0 || len(m.rdates) > 0 || len(e.overrides) > 0 {
		return true
	}
	return !m.start.time().Before(after)
}
