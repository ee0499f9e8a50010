package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"kith"
	"kith/sync/ical"
)

// inspectedOccurrence is the shape of an occurrence in kith inspect --json.
type inspectedOccurrence struct {
	UID          string          `json:"uid"`
	RecurrenceID string          `json:"recurrence_id"`
	Start        string          `json:"start"` // all day: a date
	End          string          `json:"end"`
	AllDay       bool            `json:"all_day"`
	Zone         string          `json:"zone"`
	Summary      string          `json:"summary"`
	Status       string          `json:"status"`
	Class        string          `json:"class"`
	Organizer    *person         `json:"organizer"`
	Attendees    []kith.Attendee `json:"attendees"`
}

// person is somebody with a name and an address.
type person struct {
	Name    string `json:"name"`
	Address string `json:"address"`
}

// maxCalendar bounds a calendar file that is looked at.
const maxCalendar = 256 << 20

// inspectCalendar reads the occurrences of a calendar file in a window.
func inspectCalendar(f io.Reader, from, to time.Time, zone *time.Location) ([]inspectedOccurrence, []string, error) {
	data, err := io.ReadAll(io.LimitReader(f, maxCalendar+1))
	if err != nil {
		return nil, nil, err
	}
	if len(data) > maxCalendar {
		return nil, nil, fmt.Errorf("it is longer than %d bytes", maxCalendar)
	}
	c := ical.Read(data, ical.Options{Zone: zone})
	occurrences, more := c.Occurrences(from, to)
	warnings := []string{}
	for _, w := range append(c.Warnings, more...) {
		text := w.Text
		if w.UID != "" {
			text = "event " + w.UID + ": " + text
		}
		warnings = append(warnings, text)
	}
	shown := make([]inspectedOccurrence, len(occurrences))
	for i := range occurrences {
		o := &occurrences[i]
		layout, recurrence := time.RFC3339, o.RecurrenceID.UTC().Format(time.RFC3339)
		if o.AllDay {
			layout, recurrence = time.DateOnly, o.RecurrenceID.UTC().Format(time.DateOnly)
		}
		shown[i] = inspectedOccurrence{
			UID: o.UID, RecurrenceID: recurrence, Start: o.Start.Format(layout), End: o.End.Format(layout), AllDay: o.AllDay, Zone: o.Zone,
			Summary: o.Summary, Status: o.Status, Class: o.Class, Attendees: list(o.Attendees),
		}
		if o.Organizer != nil {
			shown[i].Organizer = &person{o.Organizer.Name, o.Organizer.Address}
		}
	}
	return shown, warnings, nil
}

func (a *app) printOccurrences(all []inspectedOccurrence) {
	t := table{header: []string{"START", "END", "ZONE", "STATUS", "SUMMARY", "PEOPLE"}}
	for _, o := range all {
		var people []string
		if o.Organizer != nil {
			people = append(people, o.Organizer.Address+" (organizer)")
		}
		for _, at := range o.Attendees {
			people = append(people, fmt.Sprintf("%s (%s)", at.Address, strings.ReplaceAll(string(at.Response), "_", " ")))
		}
		if len(people) > 4 {
			people = append(people[:4], fmt.Sprintf("%d more", len(people)-4))
		}
		status := o.Status
		if o.Class != "public" {
			status += ", " + o.Class
		}
		t.add(o.Start, o.End, o.Zone, status, subjectOr(o.Summary), strings.Join(people, ", "))
	}
	t.write(a.stdout) //nolint:errcheck // a closed pipe shows at the end
}
