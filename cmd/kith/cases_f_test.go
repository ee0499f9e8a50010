package main

import (
	"cmp"
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"

	"kith"
	"kith/servertest"
)

// Cases of calendars go the whole way too: from the bytes in a calendar of a real server, or in a
// folder of files, to what a command prints.

// calendarNow is when they take place: a Monday, at noon.
var calendarNow = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// calendarCase is what lies in a calendar, and the meetings that must come of it.
type calendarCase struct {
	name    string
	top     string            // lines for the top of the configuration
	policy  string            // lines of its [policy]
	files   map[string]string // by name; "" is a.ics
	want    []string          // see [meetingLine]
	skipped map[kith.Reason]int
	failed  int  // in quarantine
	odd     bool // no server takes it
}

// vcalendar is a calendar with these components.
func vcalendar(components ...string) string {
	return "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//client//test//EN\r\n" + strings.Join(components, "") + "END:VCALENDAR\r\n"
}

// talkOf is Alice's hour with Ann, last Wednesday at 9 in Berlin; lines take the place of its own of
// the same name, or come to them.
func talkOf(lines ...string) string {
	own := []string{
		"UID:talk@example.test", "DTSTAMP:20261101T080000Z", "DTSTART;TZID=Europe/Berlin:20261118T090000", "DURATION:PT1H", "SUMMARY:Talk",
		"ORGANIZER:mailto:alice@example.test", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ann@client.test",
	}
	name := func(line string) string { return line[:strings.IndexAny(line, ":;")] }
	own = slices.DeleteFunc(own, func(o string) bool {
		return slices.ContainsFunc(lines, func(l string) bool { return name(l) == name(o) })
	})
	lines = slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return strings.HasSuffix(l, ":-") })
	return "BEGIN:VEVENT\r\n" + strings.Join(append(own, lines...), "\r\n") + "\r\nEND:VEVENT\r\n"
}

// one is a calendar file with the components.
func one(components ...string) map[string]string {
	return map[string]string{"a.ics": vcalendar(components...)}
}

// clockedRegister makes an empty register in PostgreSQL whose clock shows calendarNow.
func clockedRegister(t testing.TB) string {
	t.Helper()
	database := sharedRegister(t)
	setRegisterClock(t, database, calendarNow)
	to, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	query := to.Query()
	query.Set("search_path", "clock,pg_catalog,public") // so that its function is found first
	to.RawQuery = query.Encode()
	return to.String()
}

// setRegisterClock sets it.
func setRegisterClock(t testing.TB, database string, now time.Time) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `CREATE SCHEMA IF NOT EXISTS clock`); err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), fmt.Sprintf(`CREATE OR REPLACE FUNCTION clock.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT '%s'::timestamptz $$`,
		now.Format(time.RFC3339Nano)))
	if err != nil {
		t.Fatal(err)
	}
}

// meetingLine shows a meeting: "Wed 18 09:00+01:00 60m recorded Talk | attendee Ann | flags".
func meetingLine(i kith.Interaction) string {
	when := i.OccurredAt.Format("Mon 02 15:04Z07:00")
	length := "day"
	if i.DurationMinutes != nil {
		length = fmt.Sprintf("%dm", *i.DurationMinutes)
	} else if days := int(i.EndedAt.Sub(i.OccurredAt).Hours()+12) / 24; days > 1 {
		length = fmt.Sprintf("%d days", days)
	}
	var links []string
	for _, l := range i.Links {
		links = append(links, fmt.Sprintf("%s %s", l.Role, l.ContactName))
	}
	return strings.TrimRight(fmt.Sprintf("%s %s %s %s | %s | %s", when, length, i.Status, i.Subject, strings.Join(links, ", "), strings.Join(i.Flags, " ")), " |")
}

// calendarSite is a site with one calendar of Alice's.
func calendarSite(t testing.TB, account, database, top, policy string, files ...string) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), env: map[string]string{}, start: calendarNow}
	if database == "" {
		database = "sqlite://" + s.path("kith.db")
	}
	for _, name := range files {
		s.write(name, "")
	}
	s.write("dav.password", servertest.Password+"\n")
	if err := os.Mkdir(s.path("calendar"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.write("kith.toml", fmt.Sprintf(`
database = %q
since = "365d"
own_domains = ["example.test"]
time_zone = "Europe/Brussels"
%s
[policy]
%s
[[account]]
name = "alice-calendar"
schedule = "@every 1s"
owner = "alice@example.test"
addresses = ["alice@example.test"]
%s
`, database, top, policy, account))
	s.importContacts("name,email\nAnn,ann@client.test\nBen,ben@client.test\n")
	return s
}

func (s *site) meetings() []string {
	s.t.Helper()
	all := s.interactions("--kind", "meeting")
	slices.SortFunc(all, func(a, b kith.Interaction) int {
		return cmp.Or(a.OccurredAt.Compare(b.OccurredAt), cmp.Compare(meetingLine(a), meetingLine(b)))
	})
	lines := make([]string, len(all))
	for n, i := range all {
		lines[n] = meetingLine(i)
	}
	return lines
}

func (s *site) meets(when string, want ...string) {
	s.t.Helper()
	if diff := gocmp.Diff(want, s.meetings(), cmpopts.EquateEmpty()); diff != "" {
		s.t.Errorf("meetings %s (-want +got):\n%s", when, diff)
	}
}

// folderAccount has the calendar in a folder of the site's.
const folderAccount = `kind = "ics"
url = "file:calendar"`

// davAccount has it on a server.
func davAccount(s *servertest.DAVServer, url string) string {
	account := fmt.Sprintf("kind = \"caldav\"\nurl = %q\nallow_private = true\n", url)
	if s.Username != "" {
		account += fmt.Sprintf("username = %q\npassword_file = \"dav.password\"\n", s.Username)
	}
	return account
}

// put writes a file of the calendar's folder.
func (s *site) put(name, text string) {
	s.t.Helper()
	s.write("calendar/"+name, text)
}

// syncCalendar syncs, and passes over the exit code of what is in quarantine.
func (s *site) syncCalendar(flags ...string) syncResult {
	s.t.Helper()
	return s.sync(flags...)
}

func (c calendarCase) try(t *testing.T, s *site) {
	first := s.syncCalendar()
	s.meets("after the first pass", c.want...)
	if diff := gocmp.Diff(c.skipped, first.Skipped, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("skipped by reason (-want +got):\n%s", diff)
	}
	if first.Quarantined != c.failed {
		t.Errorf("%d in quarantine, want %d", first.Quarantined, c.failed)
	}
	if again := s.syncCalendar(); again.New+again.Cancelled > 0 {
		t.Errorf("a further pass: %+v", again)
	}
	if again := s.syncCalendar("--full"); again.New+again.Cancelled > 0 {
		t.Errorf("a full pass: %+v", again)
	}
	s.meets("after a full pass", c.want...)
}

func TestCalendarCases(t *testing.T) {
	t.Parallel()
	radicale := servertest.Radicale(t)
	cases := slices.Concat(timeCases, recurrenceCases, versionCases, peopleCases, oddCalendarCases)
	for n, c := range cases {
		for _, way := range []string{"SQLite by file", "PostgreSQL by file", "SQLite by Radicale"} {
			store, by, _ := strings.Cut(way, " by ")
			if by == "Radicale" && c.odd {
				continue
			}
			t.Run(c.name+"/"+way, func(t *testing.T) {
				t.Parallel()
				database := ""
				if store == "PostgreSQL" {
					database = clockedRegister(t)
				}
				if by == "file" {
					s := calendarSite(t, folderAccount, database, c.top, c.policy)
					for name, text := range c.files {
						s.put(name, text)
					}
					c.try(t, s)
					return
				}
				home := radicale.MakeCalendar(t, fmt.Sprintf("case%d", n))
				for _, name := range slices.Sorted(maps.Keys(c.files)) {
					radicale.PutEvent(t, home+name, c.files[name])
				}
				c.try(t, calendarSite(t, davAccount(radicale, home), database, c.top, c.policy))
			})
		}
	}
}

const berlinTalk = "Wed 18 09:00+01:00 60m recorded Talk | attendee Ann"

// series is Alice's hour with Ann, each Wednesday since the 4th, up to today.
func series(lines ...string) string {
	return talkOf(append([]string{"DTSTART;TZID=Europe/Berlin:20261104T090000", "RRULE:FREQ=WEEKLY;COUNT=3"}, lines...)...)
}

func wednesdays(days ...int) (lines []string) {
	for _, d := range days {
		lines = append(lines, fmt.Sprintf("Wed %02d 09:00+01:00 60m recorded Talk | attendee Ann", d))
	}
	return lines
}

const exchangeZone = "BEGIN:VTIMEZONE\r\nTZID:Customized Time Zone\r\nBEGIN:STANDARD\r\nDTSTART:16010101T030000\r\nTZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\n" +
	"RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10\r\nEND:STANDARD\r\nBEGIN:DAYLIGHT\r\nDTSTART:16010101T020000\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0200\r\n" +
	"RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3\r\nEND:DAYLIGHT\r\nEND:VTIMEZONE\r\n"

var timeCases = []calendarCase{
	{name: "F01 weekly across a change of the clock", files: one(talkOf("DTSTART;TZID=Europe/Berlin:20261021T090000", "RRULE:FREQ=WEEKLY;COUNT=3")),
		want: []string{"Wed 21 09:00+02:00 60m recorded Talk | attendee Ann", "Wed 28 09:00+01:00 60m recorded Talk | attendee Ann", "Wed 04 09:00+01:00 60m recorded Talk | attendee Ann"}},
	{name: "F10 a whole day", files: one(talkOf("DTSTART;VALUE=DATE:20261118", "DTEND;VALUE=DATE:20261119", "DURATION:-")), want: []string{"Wed 18 00:00+01:00 day recorded Talk | attendee Ann"}},
	{name: "F10 a whole day that has no end", files: one(talkOf("DTSTART;VALUE=DATE:20261118", "DURATION:-")), want: []string{"Wed 18 00:00+01:00 day recorded Talk | attendee Ann"}},
	{name: "F10 days are left out by policy", policy: `all_day = "skip"`, files: one(talkOf("DTSTART;VALUE=DATE:20261118", "DURATION:-")), skipped: map[kith.Reason]int{kith.ReasonAllDay: 1}},
	{name: "F11 a date elsewhere makes no whole day", files: one(series("EXDATE;VALUE=DATE:20261111")), want: wednesdays(4, 18)},
	{name: "F12 a zone of the file's own", files: one(exchangeZone, talkOf("DTSTART;TZID=Customized Time Zone:20261118T090000")), want: []string{berlinTalk}},
	{name: "F12 a Windows zone", odd: true, files: one(talkOf("DTSTART;TZID=W. Europe Standard Time:20261118T090000")), want: []string{berlinTalk}},
	{name: "F12 a display name", odd: true, files: one(talkOf("DTSTART;TZID=\"(UTC+01:00) Amsterdam, Berlin, Bern\":20261118T090000")), want: []string{berlinTalk}},
	{name: "F12 F45 a zone that nobody knows, in one event", odd: true, files: one(talkOf("DTSTART;TZID=tzone://Microsoft/Custom:20261118T090000"), talkOf("UID:2", "DTSTART:20261119T090000Z")),
		want: []string{berlinTalk + " | zone_guessed", "Thu 19 09:00Z 60m recorded Talk | attendee Ann"}},
	{name: "F13 a floating time", files: one(talkOf("DTSTART:20261118T090000")), want: []string{berlinTalk}},
	{name: "F13 a time that the clock leaves out", files: one(talkOf("DTSTART;TZID=Europe/Berlin:20260329T023000")), want: []string{"Sun 29 03:30+02:00 60m recorded Talk | attendee Ann"}},
	{name: "F14 no end at all", files: one(talkOf("DURATION:-")), want: []string{"Wed 18 09:00+01:00 0m recorded Talk | attendee Ann"}},
	{name: "F14 an end before the begin", odd: true, files: one(talkOf("DURATION:-", "DTEND;TZID=Europe/Berlin:20261118T080000")), want: []string{"Wed 18 09:00+01:00 0m recorded Talk | attendee Ann"}},
	{name: "F29 over midnight", files: one(talkOf("DURATION:PT20H", "DTSTART;TZID=Europe/Berlin:20261118T200000")), want: []string{"Wed 18 20:00+01:00 1200m recorded Talk | attendee Ann"}},
	{name: "F29 not over yet", files: one(talkOf("DTSTART:20261123T110100Z")), want: []string{"Mon 23 11:01Z 60m planned Talk | attendee Ann"}},
	{name: "F29 over this minute", files: one(talkOf("DTSTART:20261123T110000Z")), want: []string{"Mon 23 11:00Z 60m recorded Talk | attendee Ann"}},
	{name: "F43 the other sides of the date line", files: one(talkOf("DTSTART;TZID=Pacific/Kiritimati:20261118T090000"), talkOf("UID:2", "DTSTART;TZID=Etc/GMT+12:20261118T090000")),
		odd: true, want: []string{"Wed 18 09:00+14:00 60m recorded Talk | attendee Ann", "Wed 18 09:00-12:00 60m recorded Talk | attendee Ann"}},
}

var recurrenceCases = []calendarCase{
	{name: "F02 taken out by a time with a zone", files: one(series("EXDATE;TZID=Europe/Berlin:20261111T090000")), want: wednesdays(4, 18)},
	{name: "F02 taken out by a time in UTC, in a list", files: one(series("EXDATE:20261111T080000Z,20261118T080000Z")), want: wednesdays(4)},
	{name: "F03 one is moved to Thursday", files: one(series(), talkOf("RECURRENCE-ID;TZID=Europe/Berlin:20261111T090000", "DTSTART;TZID=Europe/Berlin:20261112T150000")),
		want: []string{wednesdays(4)[0], "Thu 12 15:00+01:00 60m recorded Talk | attendee Ann", wednesdays(18)[0]}},
	{name: "F04 one is called off", files: one(series(), talkOf("RECURRENCE-ID;TZID=Europe/Berlin:20261111T090000", "DTSTART;TZID=Europe/Berlin:20261111T090000", "STATUS:CANCELLED")),
		want: wednesdays(4, 18), skipped: map[kith.Reason]int{kith.ReasonCancelled: 1}},
	{name: "F05 invited to one of a series", odd: true, files: one(talkOf("RECURRENCE-ID;TZID=Europe/Berlin:20261118T090000")), want: []string{berlinTalk}},
	{name: "F06 a changed one that says it recurs", odd: true, files: one(series(), talkOf("RECURRENCE-ID;TZID=Europe/Berlin:20261111T090000", "DTSTART;TZID=Europe/Berlin:20261111T100000", "RRULE:FREQ=DAILY;COUNT=9")),
		want: []string{wednesdays(4)[0], "Wed 11 10:00+01:00 60m recorded Talk | attendee Ann", wednesdays(18)[0]}},
	{name: "F07 further dates and periods", odd: true, files: one(talkOf("RDATE;TZID=Europe/Berlin:20261119T100000", "RDATE;VALUE=PERIOD:20261120T100000Z/PT2H")),
		want: []string{berlinTalk, "Thu 19 10:00+01:00 60m recorded Talk | attendee Ann", "Fri 20 11:00+01:00 120m recorded Talk | attendee Ann"}},
	{name: "F07 until a date, by the last Friday", files: one(talkOf("DTSTART;TZID=Europe/Berlin:20260925T090000", "RRULE:FREQ=MONTHLY;BYDAY=-1FR;UNTIL=20261101T000000Z")),
		want: []string{"Fri 25 09:00+02:00 60m recorded Talk | attendee Ann", "Fri 30 09:00+01:00 60m recorded Talk | attendee Ann"}},
	{name: "F08 moved from one on", odd: true, files: one(series(), talkOf("RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20261111T090000", "DTSTART;TZID=Europe/Berlin:20261111T100000")),
		want: []string{wednesdays(4)[0], "Wed 11 10:00+01:00 60m recorded Talk | attendee Ann", "Wed 18 10:00+01:00 60m recorded Talk | attendee Ann"}},
	{name: "F08 a series that was split", files: map[string]string{
		"a.ics": vcalendar(talkOf("DTSTART;TZID=Europe/Berlin:20261104T090000", "RRULE:FREQ=WEEKLY;UNTIL=20261110T000000Z")),
		"b.ics": vcalendar(talkOf("UID:2", "DTSTART;TZID=Europe/Berlin:20261111T090000", "RRULE:FREQ=WEEKLY;COUNT=2")),
	}, want: wednesdays(4, 11, 18)},
	{name: "F09 no end: the window bounds it", policy: "planned_days = 4", files: one(talkOf("DTSTART;TZID=Europe/Berlin:20261118T090000", "RRULE:FREQ=WEEKLY")),
		want: []string{berlinTalk, "Wed 25 09:00+01:00 60m planned Talk | attendee Ann"}},
	{name: "F36 a day that never comes, and years far off", odd: true, files: one(talkOf("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), talkOf("UID:2", "DTSTART:16010101T000000Z"), talkOf("UID:3", "DTSTART:99991231T000000Z")),
		want: []string{}},
}

var versionCases = []calendarCase{
	{name: "F15 a file of cancellations", odd: true, files: map[string]string{"a.ics": strings.Replace(vcalendar(talkOf()), "VERSION:2.0\r\n", "VERSION:2.0\r\nMETHOD:CANCEL\r\n", 1)},
		skipped: map[kith.Reason]int{kith.ReasonCancelled: 1}},
	{name: "F15 cancelled without a method", files: one(talkOf("STATUS:CANCELLED")), skipped: map[kith.Reason]int{kith.ReasonCancelled: 1}},
	{name: "F16 F27 two of one UID: the newer counts", odd: true, files: one(talkOf("SEQUENCE:2", "SUMMARY:New"), talkOf("SEQUENCE:1", "SUMMARY:Old")),
		want: []string{"Wed 18 09:00+01:00 60m recorded New | attendee Ann"}},
	{name: "F16 in two files", odd: true, files: map[string]string{"a.ics": vcalendar(talkOf("SEQUENCE:2", "SUMMARY:New")), "b.ics": vcalendar(talkOf("SEQUENCE:1", "SUMMARY:Old"))},
		want: []string{"Wed 18 09:00+01:00 60m recorded New | attendee Ann"}},
	{name: "F26 copies under another UID are flagged", files: map[string]string{"a.ics": vcalendar(talkOf()), "b.ics": vcalendar(talkOf("UID:copy"))},
		want: []string{berlinTalk, berlinTalk + " | possible_copy"}},
	{name: "F44 no UID, and odd ones", odd: true, files: one(talkOf("UID:-"), talkOf("UID:a/b c#ü", "DTSTART:20261119T090000Z")),
		want: []string{berlinTalk, "Thu 19 09:00Z 60m recorded Talk | attendee Ann"}},
}

var peopleCases = []calendarCase{
	{name: "F17 the organiser is no attendee", files: one(talkOf("ORGANIZER:mailto:ann@client.test", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.test")),
		want: []string{"Wed 18 09:00+01:00 60m recorded Talk | organizer Ann"}},
	{name: "F18 the owner declined", files: one(talkOf("ORGANIZER:mailto:ann@client.test", "ATTENDEE;PARTSTAT=DECLINED:mailto:alice@example.test")), skipped: map[kith.Reason]int{kith.ReasonDeclined: 1}},
	{name: "F18 the owner did not answer", files: one(talkOf("ORGANIZER:mailto:ann@client.test", "ATTENDEE:mailto:alice@example.test")),
		want: []string{"Wed 18 09:00+01:00 60m recorded Talk | organizer Ann | unanswered"}},
	{name: "F18 such are left out by policy", policy: `tentative = "skip"`, files: one(talkOf("ORGANIZER:mailto:ann@client.test", "ATTENDEE:mailto:alice@example.test")), skipped: map[kith.Reason]int{kith.ReasonTentative: 1}},
	{name: "F19 one contact of two declined", files: one(talkOf("ATTENDEE;PARTSTAT=DECLINED:mailto:ann@client.test", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ben@client.test")),
		want: []string{"Wed 18 09:00+01:00 60m recorded Talk | attendee Ben"}},
	{name: "F19 all contacts declined", files: one(talkOf("ATTENDEE;PARTSTAT=DECLINED:mailto:ann@client.test")), skipped: map[kith.Reason]int{kith.ReasonDeclined: 1}},
	{name: "F21 private", files: one(talkOf("CLASS:PRIVATE")), skipped: map[kith.Reason]int{kith.ReasonPrivate: 1}},
	{name: "F21 private ones are busy by policy", policy: `private = "busy"`, files: one(talkOf("CLASS:CONFIDENTIAL")), want: []string{"Wed 18 09:00+01:00 60m recorded  | attendee Ann | private"}},
	{name: "F22 solo, out of office, a birthday", files: map[string]string{
		"a.ics": vcalendar(talkOf("UID:1", "ATTENDEE:-", "ORGANIZER:-")), "b.ics": vcalendar(talkOf("UID:2", "TRANSP:TRANSPARENT")), "c.ics": vcalendar(talkOf("UID:3", "CATEGORIES:Birthday")),
	}, skipped: map[kith.Reason]int{kith.ReasonSolo: 1, kith.ReasonTransparent: 1, kith.ReasonNotMeeting: 1}},
	{name: "F22 what takes no time is recorded by policy", policy: `transparent = "record"`, files: one(talkOf("TRANSP:TRANSPARENT")), want: []string{berlinTalk}},
	{name: "F23 rooms, resources and groups are no persons", files: one(talkOf("ATTENDEE;CUTYPE=ROOM:mailto:ann@client.test", "ATTENDEE;CUTYPE=GROUP:mailto:ben@client.test")), skipped: map[kith.Reason]int{kith.ReasonSolo: 1}},
	{name: "F24 addresses in all spellings", files: one(talkOf("ATTENDEE;PARTSTAT=ACCEPTED:MAILTO:Ann@Client.TEST", "ATTENDEE;PARTSTAT=ACCEPTED;EMAIL=ben@client.test:urn:uuid:1-2-3", "ATTENDEE:invalid:nomail")),
		want: []string{"Wed 18 09:00+01:00 60m recorded Talk | attendee Ann, attendee Ben"}},
	{name: "F34 a large meeting", policy: "large_meeting = 3", files: one(talkOf("ATTENDEE:mailto:ann@client.test", "ATTENDEE:mailto:x@other.test", "ATTENDEE:mailto:y@other.test")), skipped: map[kith.Reason]int{kith.ReasonLarge: 1}},
	{name: "H01 somebody who is never recorded", policy: `never_record = ["*@bank.test"]`, files: one(talkOf("ATTENDEE:mailto:ann@client.test", "ATTENDEE:mailto:x@bank.test")), skipped: map[kith.Reason]int{kith.ReasonNeverRecord: 1}},
	{name: "H05 among ourselves", files: one(talkOf("ATTENDEE:mailto:bob@example.test")), skipped: map[kith.Reason]int{kith.ReasonInternal: 1}},
	{name: "H06 with strangers", files: one(talkOf("ATTENDEE:mailto:x@other.test")), skipped: map[kith.Reason]int{kith.ReasonNoContact: 1}},
	{name: "H07 no subjects by policy", policy: `subject = "drop"`, files: one(talkOf()), want: []string{"Wed 18 09:00+01:00 60m recorded  | attendee Ann"}},
	{name: "A14 a title with control characters", odd: true, files: one(talkOf("SUMMARY:Ta\x00l\u202ek\\, and\\nmore")), want: []string{"Wed 18 09:00+01:00 60m recorded Talk, and more | attendee Ann"}},
	{name: "B21 invited twice", odd: true, files: one(talkOf("ATTENDEE;PARTSTAT=ACCEPTED:mailto:ann@client.test", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ANN@client.test")), want: []string{berlinTalk}},
	{name: "B13 a colleague is no counterpart", files: one(talkOf("ATTENDEE;PARTSTAT=ACCEPTED:mailto:ann@client.test", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:bob@example.test")), want: []string{berlinTalk}},
}

var oddCalendarCases = []calendarCase{
	{name: "F33 one broken event of three", odd: true, files: one(talkOf(), talkOf("UID:2", "DTSTART:never"), talkOf("UID:3", "DTSTART:20261119T090000Z")), failed: 1,
		want: []string{berlinTalk, "Thu 19 09:00Z 60m recorded Talk | attendee Ann"}},
	{name: "F32 files that are no calendars", odd: true, files: map[string]string{"a.ics": vcalendar(talkOf()), "b.ics": "", "c.ics": "<html>login</html>", "d.ics": vcalendar(talkOf())[:100]}, failed: 3,
		want: []string{berlinTalk}},
	{name: "F35 line ends, a byte order mark, folding within a character", odd: true, files: map[string]string{
		"a.ics": "\ufeff" + strings.ReplaceAll(vcalendar(talkOf("SUMMARY:Gespr\xc3\r\n \xa4ch")), "\r\n", "\n"),
		"b.ics": vcalendar(talkOf("UID:2", "DTSTART:20261119T090000Z", "SUMMARY:M\xfcller")),
	}, want: []string{"Wed 18 09:00+01:00 60m recorded Gespräch | attendee Ann", "Thu 19 09:00Z 60m recorded Müller | attendee Ann"}},
	{name: "F38 tasks and journals are no events", files: map[string]string{"a.ics": vcalendar("BEGIN:VTODO\r\nUID:t\r\nDTSTAMP:20261101T080000Z\r\nSUMMARY:Do\r\nEND:VTODO\r\n"), "b.ics": vcalendar(talkOf())}, want: []string{berlinTalk}},
}
