package ical_test

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"kith/sync/ical"
)

// zoneTable was worked out by python-dateutil and zoneinfo: see scripts/zonetable.
//
//go:embed testdata/zones.tsv
var zoneTable string

const halfZone = `BEGIN:VTIMEZONE
TZID:Custom/Half
BEGIN:DAYLIGHT
DTSTART:19700403T010000
TZOFFSETFROM:+0530
TZOFFSETTO:+0600
RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1FR
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19700927T013000
TZOFFSETFROM:+0600
TZOFFSETTO:+0530
RRULE:FREQ=YEARLY;BYMONTH=9;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE`

func TestZonesAgainstTheTable(t *testing.T) {
	type run struct {
		zone  string
		first string
		utc   []string
	}
	var runs []run
	for line := range strings.Lines(zoneTable) {
		f := strings.Fields(line)
		day, err := time.Parse("20060102T150405", f[1])
		if err != nil {
			t.Fatal(err)
		}
		if n := len(runs); n > 0 && runs[n-1].zone == f[0] && runs[n-1].first[9:] == f[1][9:] {
			if first, _ := time.Parse("20060102T150405", runs[n-1].first); day.Sub(first) < 14*24*time.Hour && day.After(first) {
				runs[n-1].utc = append(runs[n-1].utc, f[2])
				continue
			}
		}
		runs = append(runs, run{f[0], f[1], f[2:]})
	}
	zones := map[string]bool{}
	for _, r := range runs {
		zones[r.zone] = true
		t.Run(r.zone+" "+r.first, func(t *testing.T) {
			file := calendar(halfZone, vevent("DTSTART;TZID="+r.zone+":"+r.first, "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=14"))
			c := ical.Read([]byte(file), ical.Options{})
			occurrences, _ := c.Occurrences(day(2000, 1, 1), day(2040, 1, 1))
			var got []string
			for _, o := range occurrences {
				if utc := o.Start.UTC().Format("20060102T150405Z"); slices.Contains(r.utc, utc) {
					got = append(got, utc)
				}
			}
			if !slices.Equal(got, r.utc) || len(occurrences) > 14 {
				t.Errorf("%d occurrences, in the table are\n%v, of them\n%v", len(occurrences), r.utc, got)
			}
		})
	}
	if len(zones) != 7 || len(runs) < 40 {
		t.Errorf("%d zones and %d series in the table", len(zones), len(runs))
	}
}

// BenchmarkExpand expands a calendar of 10,000 events, of which 500 are weekly for five years.
func BenchmarkExpand(b *testing.B) {
	files := make([][]byte, 10_000)
	begin := time.Date(2022, 1, 3, 9, 0, 0, 0, time.UTC)
	for n := range files {
		lines := []string{fmt.Sprintf("UID:%d@x.test", n), "DTSTAMP:20260101T000000Z", "DURATION:PT1H", "SUMMARY:Something of every day",
			"ORGANIZER;CN=Alice:mailto:alice@us.test", "ATTENDEE;PARTSTAT=ACCEPTED;CN=Ann Doe:mailto:ann@client.test"}
		at := begin.Add(time.Duration(n%40_000) * time.Hour)
		if n%20 == 0 {
			lines = append(lines, "DTSTART;TZID=Europe/Berlin:"+begin.AddDate(0, 0, n%7).Format("20060102T150405"), "RRULE:FREQ=WEEKLY;COUNT=260")
		} else {
			lines = append(lines, "DTSTART;TZID=Europe/Berlin:"+at.Format("20060102T150405"))
		}
		files[n] = []byte(event(lines...))
	}
	b.ReportAllocs()
	found := 0
	for b.Loop() {
		found = 0
		var zones ical.Zones
		for _, f := range files {
			o, _ := ical.Read(f, ical.Options{Zones: &zones}).Occurrences(day(2022, 1, 1), day(2028, 1, 1))
			found += len(o)
		}
	}
	b.ReportMetric(float64(found), "occurrences")
}
