package ical_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"kith/sync/ical"
)

// seeds adds calendars of the corpora, if they are here, and some of our own.
func seeds(f *testing.F) {
	for _, own := range []string{
		"", event("DTSTART:20260101T090000Z", "RRULE:FREQ=DAILY"), event("DTSTART;VALUE=DATE:20260101", "RDATE;VALUE=PERIOD:20260102T000000Z/PT1H"),
		calendar(berlinZone, vevent("DTSTART;TZID=Customized Time Zone:20260101T090000", "EXDATE;VALUE=DATE:20260102")),
		event("DTSTART:20260101T090000Z", "RRULE:FREQ=SECONDLY;BYSETPOS=-1;INTERVAL=7"), event("RECURRENCE-ID;RANGE=THISANDFUTURE:20260101T090000Z", "DTSTART:20260101T090000Z"),
	} {
		f.Add([]byte(own))
	}
	root := filepath.Join("..", "..", "..", "shared", "corpora")
	n := 0
	_ = filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error { // without corpora the own ones do
		if err == nil && strings.HasSuffix(path, ".ics") && n < 100 {
			if data, err := os.ReadFile(path); err == nil && len(data) < 10_000 {
				f.Add(data)
				n++
			}
		}
		return nil
	})
}

// Whatever the bytes, what comes out is in order, unique, within the window, valid UTF-8, bounded, and
// the same the next time.
func FuzzOccurrences(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		from, to := day(2025, 1, 1), day(2027, 1, 1)
		begun := time.Now()
		c := ical.Read(data, ical.Options{})
		occurrences, warnings := c.Occurrences(from, to)
		if took := time.Since(begun); took > hang {
			t.Errorf("it takes %v", took)
		}
		check(t, "fuzz", occurrences, from, to)
		if len(occurrences) > 20_000*max(1, len(c.Events)) {
			t.Errorf("%d occurrences of %d events", len(occurrences), len(c.Events))
		}
		for _, o := range occurrences {
			texts := []string{o.UID, o.Summary, o.Zone}
			for _, a := range o.Attendees {
				texts = append(texts, a.Name, a.Address)
			}
			for _, text := range texts {
				if !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\n\r") {
					t.Errorf("%q", text)
				}
			}
		}
		again, more := ical.Read(data, ical.Options{}).Occurrences(from, to)
		if !reflect.DeepEqual(again, occurrences) || !reflect.DeepEqual(more, warnings) {
			t.Error("the second reading gives something else")
		}
		each, _ := c.Split()
		for _, one := range each {
			take := one.Take("r", ical.Window{From: from, To: to}, time.Time{})
			for _, item := range take.Items {
				if ical.Resource(item.Ref) != "r" {
					t.Errorf("the ref %q is not in its resource", item.Ref)
				}
			}
		}
	})
}
