package ical_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/sync/ical"
)

// hang is how long reading a file may take on a machine that has a lot else to do.
const hang = 30 * time.Second

func day(year int, month time.Month, dom int) time.Time {
	return time.Date(year, month, dom, 0, 0, 0, 0, time.UTC)
}

// calendar is a file with these lines in it.
func calendar(lines ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\n" + strings.Join(lines, "\r\n") + "\r\nEND:VCALENDAR\r\n"
}

// vevent is an event with a UID, unless the lines bring one.
func vevent(lines ...string) string {
	all := strings.Join(lines, "\r\n")
	if !strings.Contains(all, "UID:") {
		all = "UID:1\r\n" + all
	}
	return "BEGIN:VEVENT\r\n" + all + "\r\nEND:VEVENT"
}

func event(lines ...string) string { return calendar(vevent(lines...)) }

const berlinZone = `BEGIN:VTIMEZONE
TZID:Customized Time Zone
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE`

func TestOccurrences(t *testing.T) {
	newYork, err := time.LoadLocation("America/New_York")
	if err != nil {
		t.Fatal(err)
	}
	series := func(lines ...string) string {
		return vevent(append([]string{"DTSTART;TZID=Europe/Berlin:20260105T090000", "DTEND;TZID=Europe/Berlin:20260105T100000"}, lines...)...)
	}
	override := func(lines ...string) string {
		return vevent(append([]string{"DTEND;TZID=Europe/Berlin:20260114T160000"}, lines...)...)
	}
	weekly := series("RRULE:FREQ=WEEKLY;COUNT=3", "SUMMARY:weekly")
	for _, tt := range []struct {
		name     string
		file     string
		zone     *time.Location
		from, to time.Time // all of 2026 unless set
		want     []string  // start, minutes, and what is not usual; in the zone of the event
		warnings string    // a part of one of them
	}{
		{name: "F01 nine o'clock stays nine o'clock", file: calendar(series("RRULE:FREQ=WEEKLY;BYDAY=MO;UNTIL=20260406T070000Z")), from: day(2026, 3, 20),
			want: []string{"2026-03-23T09:00:00+01:00 60", "2026-03-30T09:00:00+02:00 60", "2026-04-06T09:00:00+02:00 60"}},
		{name: "F02 EXDATE with a zone, in UTC, as date, as list",
			file: calendar(series("RRULE:FREQ=DAILY;COUNT=7", "EXDATE;TZID=Europe/Berlin:20260106T090000", "EXDATE:20260107T080000Z",
				"EXDATE;VALUE=DATE:20260108", "EXDATE;TZID=Europe/Berlin:20260109T090000,20260110T090000")),
			want: []string{"2026-01-05T09:00:00+01:00 60", "2026-01-11T09:00:00+01:00 60"}},
		{name: "F03 moved from one day to another", file: calendar(weekly, override("RECURRENCE-ID;TZID=Europe/Berlin:20260112T090000", "DTSTART;TZID=Europe/Berlin:20260114T150000", "SUMMARY:moved")),
			want: []string{"2026-01-05T09:00:00+01:00 60 weekly", "2026-01-14T15:00:00+01:00 60 moved (2026-01-12T08:00:00Z)", "2026-01-19T09:00:00+01:00 60 weekly"}},
		{name: "F03 named in UTC, and the day alone", file: calendar(weekly, override("RECURRENCE-ID:20260112T080000Z", "DTSTART;TZID=Europe/Berlin:20260114T150000"),
			override("RECURRENCE-ID;VALUE=DATE:20260119", "DTSTART;TZID=Europe/Berlin:20260114T155000")),
			want: []string{"2026-01-05T09:00:00+01:00 60 weekly", "2026-01-14T15:00:00+01:00 60 (2026-01-12T08:00:00Z)", "2026-01-14T15:50:00+01:00 10 (2026-01-19T08:00:00Z)"}},
		{name: "F03 moved out of the window, and into it", file: calendar(weekly, vevent("RECURRENCE-ID:20260112T080000Z", "DTSTART;TZID=Europe/Berlin:20260214T150000"),
			override("RECURRENCE-ID:20260119T080000Z", "DTSTART;TZID=Europe/Berlin:20260114T150000")), to: day(2026, 1, 19),
			want: []string{"2026-01-05T09:00:00+01:00 60 weekly", "2026-01-14T15:00:00+01:00 60 (2026-01-19T08:00:00Z)"}},
		{name: "F04 one is cancelled", file: calendar(weekly, override("RECURRENCE-ID;TZID=Europe/Berlin:20260112T090000", "DTSTART;TZID=Europe/Berlin:20260112T150000", "STATUS:CANCELLED")),
			want: []string{"2026-01-05T09:00:00+01:00 60 weekly", "2026-01-12T15:00:00+01:00 2940 cancelled (2026-01-12T08:00:00Z)", "2026-01-19T09:00:00+01:00 60 weekly"}},
		{name: "F05 an override alone", file: calendar(override("RECURRENCE-ID;TZID=Europe/Berlin:20260112T090000", "DTSTART;TZID=Europe/Berlin:20260114T150000")),
			want: []string{"2026-01-14T15:00:00+01:00 60 (2026-01-12T08:00:00Z)"}},
		{name: "F06 a rule in an override counts for nothing",
			file: calendar(weekly, override("RECURRENCE-ID;TZID=Europe/Berlin:20260112T090000", "DTSTART;TZID=Europe/Berlin:20260114T150000", "RRULE:FREQ=DAILY", "RDATE:20260601T090000Z")),
			want: []string{"2026-01-05T09:00:00+01:00 60 weekly", "2026-01-14T15:00:00+01:00 60 (2026-01-12T08:00:00Z)", "2026-01-19T09:00:00+01:00 60 weekly"}},
		{name: "F07 RDATE as time, as date, as period", file: calendar(series("RDATE;TZID=Europe/Berlin:20260201T120000", "RDATE;VALUE=DATE:20260301",
			"RDATE;VALUE=PERIOD:20260401T070000Z/PT30M,20260402T070000Z/20260402T073000Z")),
			want: []string{"2026-01-05T09:00:00+01:00 60", "2026-02-01T12:00:00+01:00 60", "2026-03-01T09:00:00+01:00 60", "2026-04-01T09:00:00+02:00 30", "2026-04-02T09:00:00+02:00 30"}},
		{name: "F07 UNTIL as date, in UTC, local", file: calendar(series("UID:a", "RRULE:FREQ=DAILY;UNTIL=20260106"), series("UID:b", "RRULE:FREQ=DAILY;UNTIL=20260106T080000Z"), series("UID:c", "RRULE:FREQ=DAILY;UNTIL=20260106T085959")),
			want: []string{"2026-01-05T09:00:00+01:00 60", "2026-01-05T09:00:00+01:00 60", "2026-01-05T09:00:00+01:00 60", "2026-01-06T09:00:00+01:00 60", "2026-01-06T09:00:00+01:00 60"}},
		{name: "F07 the 31st, and a leap day", file: calendar(vevent("UID:a", "DTSTART:20260131T120000Z", "RRULE:FREQ=MONTHLY;COUNT=3"), vevent("UID:b", "DTSTART;VALUE=DATE:20240229", "RRULE:FREQ=YEARLY;COUNT=2")), to: day(2029, 1, 1),
			want: []string{"2026-01-31T12:00:00Z 0", "2026-03-31T12:00:00Z 0", "2026-05-31T12:00:00Z 0", "2028-02-29 1 days"}},
		{name: "F08 from one on all are different", file: calendar(weekly, vevent("RECURRENCE-ID;TZID=Europe/Berlin;RANGE=THISANDFUTURE:20260112T090000",
			"DTSTART;TZID=Europe/Berlin:20260113T110000", "DTEND;TZID=Europe/Berlin:20260113T113000", "SUMMARY:later")),
			want: []string{"2026-01-05T09:00:00+01:00 60 weekly", "2026-01-13T11:00:00+01:00 30 later (2026-01-12T08:00:00Z)", "2026-01-20T11:00:00+01:00 30 later (2026-01-19T08:00:00Z)"}},
		{name: "F09 a rule without an end", file: calendar(series("RRULE:FREQ=DAILY")), from: day(2026, 12, 30),
			want: []string{"2026-12-30T09:00:00+01:00 60", "2026-12-31T09:00:00+01:00 60"}},
		{name: "F10 a day is one in the calendar's zone", file: event("DTSTART;VALUE=DATE:20260510", "DTEND;VALUE=DATE:20260511"), zone: newYork, want: []string{"2026-05-10 1 days"}},
		{name: "F10 DTEND missing, and three days", file: calendar(vevent("UID:a", "DTSTART;VALUE=DATE:20260510"), vevent("UID:b", "DTSTART:20260601", "DTEND:20260604")),
			want: []string{"2026-05-10 1 days", "2026-06-01 3 days"}},
		{name: "F11 a date elsewhere makes no whole day", file: calendar(series("RRULE:FREQ=DAILY;COUNT=2", "EXDATE;VALUE=DATE:20260106")), want: []string{"2026-01-05T09:00:00+01:00 60"}},
		{name: "F12 a name of Windows", file: event("DTSTART;TZID=W. Europe Standard Time:20260710T090000"), want: []string{"2026-07-10T09:00:00+02:00 0"}},
		{name: "F12 what Windows shows", file: event(`DTSTART;TZID="(UTC+01:00) Berlin":20260710T090000`), want: []string{"2026-07-10T09:00:00+02:00 0"}},
		{name: "F12 with a path before it", file: event("DTSTART;TZID=/freeassociation.sourceforge.net/Europe/Berlin:20260710T090000"), want: []string{"2026-07-10T09:00:00+02:00 0"}},
		{name: "F12 the file says what it is", file: calendar(berlinZone, vevent("DTSTART;TZID=Customized Time Zone:20260710T090000", "RRULE:FREQ=MONTHLY;INTERVAL=5;COUNT=2")),
			want: []string{"2026-07-10T09:00:00+02:00 0", "2026-12-10T09:00:00+01:00 0"}},
		{name: "F12 nobody knows it: the calendar's", file: calendar("X-WR-TIMEZONE:Europe/Berlin", vevent("DTSTART;TZID=tzone://Microsoft/Custom:20260710T090000")),
			want: []string{"2026-07-10T09:00:00+02:00 0 [zone_guessed]"}, warnings: "nobody knows the time zone"},
		{name: "F12 nobody knows it: the account's", file: event("DTSTART;TZID=Nowhere:20260710T090000"), zone: newYork,
			want: []string{"2026-07-10T09:00:00-04:00 0 [zone_guessed]"}, warnings: "nobody knows the time zone"},
		{name: "F13 no zone", file: event("DTSTART:20260710T090000"), zone: newYork, want: []string{"2026-07-10T09:00:00-04:00 0"}},
		{name: "F13 an hour that clocks skip, and one that they show twice", file: calendar(vevent("UID:a", "DTSTART;TZID=Europe/Berlin:20260329T023000"), vevent("UID:b", "DTSTART;TZID=Europe/Berlin:20261025T023000")),
			want: []string{"2026-03-29T03:30:00+02:00 0", "2026-10-25T02:30:00+02:00 0"}},
		{name: "F14 DURATION, none, and an end before the beginning", file: calendar(vevent("UID:a", "DTSTART:20260101T090000Z", "DURATION:PT45M"), vevent("UID:b", "DTSTART:20260102T090000Z"),
			vevent("UID:c", "DTSTART:20260103T090000Z", "DTEND:20260103T080000Z"), vevent("UID:d", "DTSTART:20260104T090000Z", "DURATION:-PT1H"), vevent("UID:e", "DTSTART;VALUE=DATE:20260105", "DTEND;VALUE=DATE:20260105")),
			want: []string{"2026-01-01T09:00:00Z 45", "2026-01-02T09:00:00Z 0", "2026-01-03T09:00:00Z 0", "2026-01-04T09:00:00Z 0", "2026-01-05 1 days"}, warnings: "ends before it begins"},
		{name: "F14 a day by the calendar has 25 hours", file: event("DTSTART;TZID=Europe/Berlin:20261024T120000", "DURATION:P1D"), want: []string{"2026-10-24T12:00:00+02:00 1500"}},
		{name: "F15 METHOD without STATUS", file: calendar("METHOD:CANCEL", weekly), to: day(2026, 1, 6), want: []string{"2026-01-05T09:00:00+01:00 60 weekly cancelled"}},
		{name: "F16 what is older comes later", file: calendar(series("SEQUENCE:2", "SUMMARY:new"), series("SEQUENCE:1", "SUMMARY:old")), want: []string{"2026-01-05T09:00:00+01:00 60 new"}},
		{name: "F16 the same sequence, an older stamp", file: calendar(series("DTSTAMP:20260102T000000Z", "SUMMARY:new"), series("DTSTAMP:20260101T000000Z", "SUMMARY:old")), want: []string{"2026-01-05T09:00:00+01:00 60 new"}},
		{name: "F20 the series is cancelled, and with it what was moved", file: calendar(series("RRULE:FREQ=WEEKLY;COUNT=2", "STATUS:CANCELLED"), override("RECURRENCE-ID;TZID=Europe/Berlin:20260112T090000", "DTSTART;TZID=Europe/Berlin:20260114T150000")),
			want: []string{"2026-01-05T09:00:00+01:00 60 cancelled", "2026-01-14T15:00:00+01:00 60 cancelled (2026-01-12T08:00:00Z)"}},
		{name: "F26 one UID, several beginnings", file: calendar(override("RECURRENCE-ID:20260112T080000Z", "DTSTART:20260114T140000Z"), override("RECURRENCE-ID:20260113T080000Z", "DTSTART:20260114T140000Z")),
			want: []string{"2026-01-14T14:00:00Z 60 (2026-01-12T08:00:00Z)", "2026-01-14T14:00:00Z 60 (2026-01-13T08:00:00Z)"}},
		{name: "F29 over midnight, once, on either day", file: event("DTSTART:20260601T220000Z", "DTEND:20260603T020000Z"), from: day(2026, 6, 3), want: []string{"2026-06-01T22:00:00Z 1680"}},
		{name: "F33 one is broken", file: calendar(vevent("UID:a", "DTSTART:yesterday"), vevent("UID:b", "SUMMARY:no start"), series("UID:c")), want: []string{"2026-01-05T09:00:00+01:00 60"}, warnings: "DTSTART is no date or time"},
		{name: "F33 one does not end", file: calendar("BEGIN:VEVENT", "UID:a", "DTSTART:20260101T090000Z", series("UID:b")), want: []string{"2026-01-05T09:00:00+01:00 60"}, warnings: "it does not end"},
		{name: "F33 a rule that is none", file: event("DTSTART:20260101T090000Z", "RRULE:FREQ=SOMETIMES"), want: []string{"2026-01-01T09:00:00Z 0"}, warnings: "RRULE is passed over"},
		{name: "F36 the year 1", file: event("DTSTART:00010101T000000Z", "RRULE:FREQ=YEARLY"), warnings: "before the year 1583"},
		{name: "F36 the year 1601", file: event("DTSTART:16010101T000000Z", "RRULE:FREQ=YEARLY"), want: []string{"2026-01-01T00:00:00Z 0"}},
		{name: "F36 the year 9999, and one of five digits", file: calendar(vevent("UID:a", "DTSTART:99991231T235959Z"), vevent("UID:b", "DTSTART:100000101T000000Z")), warnings: "DTSTART is no date"},
		{name: "F36 every second", file: event("DTSTART:20260101T000000Z", "RRULE:FREQ=SECONDLY;COUNT=999999"), warnings: "recurs so often"},
		{name: "F36 a day that never comes, each second", file: event("DTSTART:20250101T000000Z", "RRULE:FREQ=SECONDLY;BYMONTH=2;BYMONTHDAY=30")},
		{name: "F36 a second that never comes", file: event("DTSTART:20250101T000000Z", "RRULE:FREQ=SECONDLY;BYSETPOS=2"), warnings: "recurs so often"},
		{name: "F36 an hour that never comes", file: event("DTSTART:20250101T090000Z", "RRULE:FREQ=HOURLY;INTERVAL=24;BYHOUR=5")},
		{name: "F43 the other side of the date line", file: event("DTSTART;TZID=Pacific/Kiritimati:20260101T090000", "RRULE:FREQ=DAILY;COUNT=2"), from: day(2025, 12, 31),
			want: []string{"2026-01-01T09:00:00+14:00 0", "2026-01-02T09:00:00+14:00 0"}},
		{name: "F45 one zone is unknown", file: calendar(vevent("UID:a", "DTSTART;TZID=Nowhere:20260101T090000"), series("UID:b")),
			want: []string{"2026-01-01T09:00:00Z 0 [zone_guessed]", "2026-01-05T09:00:00+01:00 60"}, warnings: "nobody knows the time zone"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.from.IsZero() {
				tt.from = day(2026, 1, 1)
			}
			if tt.to.IsZero() {
				tt.to = day(2027, 1, 1)
			}
			begun := time.Now()
			c := ical.Read([]byte(tt.file), ical.Options{Zone: tt.zone})
			occurrences, more := c.Occurrences(tt.from, tt.to)
			if took := time.Since(begun); took > hang {
				t.Errorf("it takes %v", took)
			}
			check(t, tt.name, occurrences, tt.from, tt.to)
			var got []string
			for _, o := range occurrences {
				got = append(got, shown(o))
			}
			if tt.want == nil && tt.warnings == "recurs so often" {
				got = nil
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			said := ""
			for _, w := range append(c.Warnings, more...) {
				said += w.Text + "\n"
			}
			if !strings.Contains(said, tt.warnings) || tt.warnings == "" && said != "" {
				t.Errorf("warnings %q, want %q", said, tt.warnings)
			}
		})
	}
}

func shown(o kith.Occurrence) string {
	s := fmt.Sprintf("%s %d", o.Start.Format(time.RFC3339), int(o.End.Sub(o.Start).Minutes()))
	if o.AllDay {
		s = fmt.Sprintf("%s %d days", o.Start.Format(time.DateOnly), int(o.End.Sub(o.Start).Hours()+3)/24)
	}
	for _, word := range []string{o.Summary, o.Status} {
		if word != "" && word != "confirmed" {
			s += " " + word
		}
	}
	if !o.AllDay && !o.RecurrenceID.Equal(o.Start) || o.AllDay && o.RecurrenceID.Format(time.DateOnly) != o.Start.Format(time.DateOnly) {
		s += " (" + o.RecurrenceID.Format(time.RFC3339) + ")"
	}
	if len(o.Flags) > 0 {
		s += fmt.Sprintf(" %v", o.Flags)
	}
	return s
}

func TestReading(t *testing.T) {
	one := func(file string) kith.Occurrence {
		t.Helper()
		all, _ := ical.Read([]byte(file), ical.Options{}).Occurrences(day(2020, 1, 1), day(2030, 1, 1))
		if len(all) != 1 {
			t.Fatalf("%d occurrences in %q", len(all), file)
		}
		return all[0]
	}
	start := "DTSTART:20260101T090000Z"
	folded := event(start, "SUMMARY:Gr\xc3\r\n \xbc\xc3\x9fe\\, a\\;b\\nc")
	utf16 := "\xff\xfe"
	for _, c := range event(start, "SUMMARY:Grüße, a;b c") {
		utf16 += string([]byte{byte(c), byte(c >> 8)})
	}
	for name, file := range map[string]string{
		"F35 folded within a character": folded,
		"F35 line feeds alone":          strings.ReplaceAll(folded, "\r", ""),
		"F35 a byte order mark":         "\xef\xbb\xbf" + folded,
		"F35 folded by a tab":           strings.ReplaceAll(folded, "\r\n ", "\r\n\t"),
		"F35 latin1":                    event(start, "SUMMARY:Gr\xfc\xdfe\\, a\\;b\\nc"),
		"F35 carriage returns alone":    strings.ReplaceAll(folded, "\n", ""),
		"F35 UTF-16":                    utf16,
		"F35 small letters, X-":         strings.ReplaceAll(event(start, "summary;X-A=\"b:c\";LANGUAGE=de:Grüße\\, a\\;b\\nc", "X-NONSENSE", ":", "=;"), "VEVENT", "vevent"),
	} {
		t.Run(name, func(t *testing.T) {
			if got := one(file).Summary; got != "Grüße, a;b c" {
				t.Errorf("Summary %q", got)
			}
		})
	}
	t.Run("F17 F23 F24 people", func(t *testing.T) {
		o := one(event(start, "ORGANIZER;CN=\"Doe, Ann\":mailto:Ann@Client.test", "ATTENDEE;PARTSTAT=ACCEPTED;ROLE=CHAIR:MAILTO:John@X.com",
			"ATTENDEE;CUTYPE=ROOM;PARTSTAT=DECLINED:mailto:room@x.com", "ATTENDEE:invalid:nomail", "ATTENDEE;EMAIL=eve@x.com:urn:uuid:1-2", "ATTENDEE:mailto:john@x.com",
			"ATTENDEE;ROLE=OPT-PARTICIPANT;PARTSTAT=TENTATIVE:mailto:a@resource.calendar.google.com", "ATTENDEE;CN=j@x.com:j@x.com", "ATTENDEE;CUTYPE=GROUP:mailto:all@x.com"))
		if want := (&kith.Attendee{Name: "Doe, Ann", Address: "ann@client.test", Response: "needs_action", Role: "required", Type: "individual"}); !cmp.Equal(want, o.Organizer) {
			t.Errorf("Organizer %+v", o.Organizer)
		}
		var got []string
		for _, a := range o.Attendees {
			got = append(got, strings.Join([]string{a.Address, a.Name, string(a.Response), a.Role, a.Type}, " "))
		}
		want := []string{"john@x.com  accepted chair individual", "room@x.com  declined required room", "eve@x.com  needs_action required individual",
			"a@resource.calendar.google.com  tentative optional resource", "j@x.com  needs_action required individual", "all@x.com  needs_action required group"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
	t.Run("F21 what nobody knows is private", func(t *testing.T) {
		for class, want := range map[string]string{"PUBLIC": "public", "private": "private", "CONFIDENTIAL": "confidential", "X-SECRET": "private"} {
			if got := one(event(start, "CLASS:"+class)).Class; got != want {
				t.Errorf("%s is %s", class, got)
			}
		}
	})
	t.Run("F34 many people", func(t *testing.T) {
		lines := []string{start}
		for n := range 6000 {
			lines = append(lines, fmt.Sprintf("ATTENDEE:mailto:p%d@x.com", n))
		}
		if got := len(one(event(lines...)).Attendees); got != 5000 {
			t.Errorf("%d attendees", got)
		}
	})
	t.Run("F44 no UID, an odd one", func(t *testing.T) {
		a, b := one(calendar("BEGIN:VEVENT\n"+start+"\nEND:VEVENT")), one(calendar("BEGIN:VEVENT\n"+start+"\nRELATED-TO:x\nEND:VEVENT"))
		if a.UID == "" || a.UID != b.UID {
			t.Errorf("UID %q, %q", a.UID, b.UID)
		}
		if got := one(event("UID:a/b c ü", start)).UID; got != "a/b c ü" {
			t.Errorf("UID %q", got)
		}
	})
	t.Run("F27 hundreds of one UID", func(t *testing.T) {
		var all []string
		for n := range 5000 {
			all = append(all, vevent(start, fmt.Sprintf("SEQUENCE:%d", n%4999), fmt.Sprintf("SUMMARY:%d", n)))
		}
		if got := one(calendar(all...)).Summary; got != "4998" {
			t.Errorf("it is number %s", got)
		}
	})
	t.Run("F32 cut short, empty, a web page", func(t *testing.T) {
		whole := event(start)
		for name, tt := range map[string]struct {
			file       string
			found, cut bool
		}{"whole": {whole, true, false}, "cut": {whole[:len(whole)-20], true, true}, "empty": {"", false, false}, "page": {"<!DOCTYPE html><p>Sign in: now", false, false}} {
			if c := ical.Read([]byte(tt.file), ical.Options{}); c.Found != tt.found || c.Cut != tt.cut {
				t.Errorf("%s: Found %v, Cut %v", name, c.Found, c.Cut)
			}
		}
	})
}
