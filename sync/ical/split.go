package ical

import (
	"net/url"
	"slices"
	"strings"
)

// Split makes a calendar of each event, and returns with them what was lost of events of which
// nothing is left.
func (c *Calendar) Split() (each []*Calendar, lost []Warning) {
	about := make(map[string][]Warning)
	for _, w := range c.Warnings {
		about[w.UID] = append(about[w.UID], w)
	}
	for _, e := range c.Events {
		each = append(each, &Calendar{Method: c.Method, Events: []*Event{e}, Warnings: about[e.UID], Found: true})
		delete(about, e.UID)
	}
	for _, warnings := range about {
		for _, w := range warnings {
			if w.Lost {
				lost = append(lost, w)
			}
		}
	}
	slices.SortFunc(lost, func(a, b Warning) int { return strings.Compare(a.UID+a.Text, b.UID+b.Text) })
	return each, lost
}

// ResourceOf names the resource that an event would be, were it one: its UID, percent-encoded.
func ResourceOf(uid string) string { return url.PathEscape(uid) }
