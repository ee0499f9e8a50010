package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"kith"
	"kith/servertest"
)

// life is a site with a calendar on a server, whose clock a test puts forward.
type life struct {
	*site
	server   *servertest.DAVServer
	home     string // URL of the calendar, with a slash at its end
	database string // "": SQLite
}

// pass puts the clock forward.
func (l *life) pass(d time.Duration) {
	l.t.Helper()
	l.wait(d)
	if l.database != "" {
		setRegisterClock(l.t, l.database, l.now())
	}
}

func (l *life) event(name, text string) { l.server.PutEvent(l.t, l.home+name, text) }

// after syncs, and checks the meetings.
func (l *life) after(what string, want ...string) syncResult {
	l.t.Helper()
	r := l.sync()
	l.meets("after "+what, want...)
	return r
}

// planned is Alice's hour with Ann tomorrow.
func planned(lines ...string) string {
	if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "DTSTART") }) {
		lines = append(lines, "DTSTART;TZID=Europe/Berlin:20261124T090000")
	}
	return talkOf(lines...)
}

func TestLifeOfMeetings(t *testing.T) {
	t.Parallel()
	for _, server := range []struct {
		name  string
		start func(testing.TB) *servertest.DAVServer
	}{{"Radicale", servertest.Radicale}, {"Xandikos", servertest.Xandikos}} {
		for _, store := range []string{"SQLite", "PostgreSQL"} {
			t.Run(server.name+" on "+store, func(t *testing.T) {
				t.Parallel()
				s := server.start(t)
				for _, tt := range []struct {
					name string
					tell func(l *life)
				}{
					{"F20 called off before it took place, and restored", callOff},
					{"F20 called off after it took place", callOffLater},
					{"F20 deleted before and after it took place", deleteMeetings},
					{"F28 moved before and after it took place", move},
					{"F29 planned, and recorded when it has ended", conclude},
					{"F37 people come and go", inviteMore},
					{"F21 made private", makePrivate},
					{"F30 the token does not hold", invalidate},
					{"F31 no synchronisation, no CTag", oldServer},
					{"H04 H10 who is never to be recorded, and who is erased", forget},
					{"I20 nothing leads into the private network unless it is allowed", guard},
					{"F42 B17 a contact who is added later", addContact},
					{"F03 one of a series is moved, and called off", changeSeries},
					{"F26 one becomes a series", becomeSeries},
					{"F30 emptied, deleted and made anew", recreate},
					{"explain, status and what is coming", tellAbout},
				} {
					name := strings.ToLower(strings.Map(func(r rune) rune {
						if r == ' ' || r == ',' {
							return '-'
						}
						return r
					}, tt.name))
					l := &life{server: s, home: s.MakeCalendar(t, name)}
					if store == "PostgreSQL" {
						l.database = clockedRegister(t)
					}
					l.site = calendarSite(t, davAccount(s, l.home), l.database, "", "")
					t.Run(tt.name, func(t *testing.T) {
						l.t = t
						tt.tell(l)
					})
				}
			})
		}
	}
}

const (
	tomorrow = "Tue 24 09:00+01:00 60m planned Talk | attendee Ann"
	thursday = "Thu 26 10:00+01:00 60m planned Talk | attendee Ann"
)

func as(status, line string) string { return strings.Replace(line, "planned", status, 1) }

func callOff(l *life) {
	l.event("a.ics", vcalendar(planned("STATUS:CANCELLED")))
	l.after("what was called off before anybody knew")
	l.event("a.ics", vcalendar(planned("SEQUENCE:1")))
	l.after("it is on", tomorrow)
	l.event("a.ics", vcalendar(planned("SEQUENCE:2", "STATUS:CANCELLED")))
	if r := l.after("it is off", as("cancelled", tomorrow)); r.Cancelled != 1 {
		l.t.Errorf("F46 told %+v", r)
	}
	l.pass(48 * time.Hour)
	l.after("its time has passed", as("cancelled", tomorrow))
	l.event("a.ics", vcalendar(planned("SEQUENCE:3", "DTSTART;TZID=Europe/Berlin:20261126T100000")))
	l.after("it is on again", thursday)
}

func callOffLater(l *life) {
	l.event("a.ics", vcalendar(talkOf()))
	l.after("it took place", berlinTalk)
	l.event("a.ics", vcalendar(talkOf("STATUS:CANCELLED", "SEQUENCE:1")))
	l.after("it did not, after all", as("cancelled", strings.Replace(berlinTalk, "recorded", "planned", 1)))
}

func deleteMeetings(l *life) {
	l.event("past.ics", vcalendar(talkOf("UID:past")))
	l.event("next.ics", vcalendar(planned("UID:next")))
	l.after("first", berlinTalk, tomorrow)
	l.server.Delete(l.t, l.home+"past.ics")
	l.server.Delete(l.t, l.home+"next.ics")
	l.after("both are deleted", berlinTalk, as("cancelled", tomorrow))
	for _, i := range l.interactions("--kind", "meeting") {
		if len(i.Evidence) != 1 || !i.Evidence[0].Gone {
			l.t.Errorf("evidence %+v", i.Evidence)
		}
	}
	l.event("next.ics", vcalendar(planned("UID:next")))
	l.after("one is put back", berlinTalk, tomorrow)
}

func move(l *life) {
	l.event("past.ics", vcalendar(talkOf("UID:past")))
	l.event("next.ics", vcalendar(planned("UID:next")))
	l.after("first", berlinTalk, tomorrow)
	l.event("next.ics", vcalendar(planned("UID:next", "SEQUENCE:1", "DTSTART;TZID=Europe/Berlin:20261126T100000")))
	l.event("past.ics", vcalendar(talkOf("UID:past", "SEQUENCE:1", "DTSTART;TZID=Europe/Berlin:20261119T090000")))
	l.after("both are moved", "Thu 19 09:00+01:00 60m recorded Talk | attendee Ann", thursday)
	l.event("past.ics", vcalendar(talkOf("UID:past", "SEQUENCE:2", "DTSTART;TZID=Europe/Berlin:20270519T090000")))
	l.after("one is moved beyond what is looked at", "Thu 19 09:00+01:00 60m recorded Talk | attendee Ann", thursday)
}

func conclude(l *life) {
	l.event("a.ics", vcalendar(planned()))
	l.event("b.ics", vcalendar(planned("UID:2", "DTSTART;TZID=Europe/Berlin:20261126T100000")))
	l.after("first", tomorrow, thursday)
	if got := l.interactions("--status", "planned"); len(got) != 2 {
		l.t.Errorf("%d are planned", len(got))
	}
	l.pass(20 * time.Hour) // Tuesday at 9:00 in Berlin
	l.after("it has begun", tomorrow, thursday)
	l.pass(time.Hour)
	l.after("it has ended", as("recorded", tomorrow), thursday)
	l.pass(10 * 24 * time.Hour)
	l.after("an outage of days", as("recorded", tomorrow), as("recorded", thursday))
}

func inviteMore(l *life) {
	ben := "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ben@client.test"
	ann := "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ann@client.test"
	l.event("past.ics", vcalendar(talkOf("UID:past")))
	l.event("next.ics", vcalendar(planned("UID:next")))
	l.after("first", berlinTalk, tomorrow)
	l.event("past.ics", vcalendar(talkOf("UID:past", "SEQUENCE:1", ann, ben)))
	l.event("next.ics", vcalendar(planned("UID:next", "SEQUENCE:1", ann, ben)))
	l.after("Ben is invited", berlinTalk+", attendee Ben", tomorrow+", attendee Ben")
	l.event("past.ics", vcalendar(talkOf("UID:past", "SEQUENCE:2", ben)))
	l.event("next.ics", vcalendar(planned("UID:next", "SEQUENCE:2", ben)))
	l.after("Ann is not any more", berlinTalk+", attendee Ben", strings.Replace(tomorrow, "Ann", "Ben", 1))
	l.event("next.ics", vcalendar(planned("UID:next", "SEQUENCE:3", "ATTENDEE:mailto:x@other.test")))
	l.after("no contact is left", berlinTalk+", attendee Ben")
}

func makePrivate(l *life) {
	l.event("past.ics", vcalendar(talkOf("UID:past")))
	l.event("next.ics", vcalendar(planned("UID:next")))
	l.after("first", berlinTalk, tomorrow)
	l.event("past.ics", vcalendar(talkOf("UID:past", "SEQUENCE:1", "CLASS:PRIVATE")))
	l.event("next.ics", vcalendar(planned("UID:next", "SEQUENCE:1", "CLASS:PRIVATE")))
	l.after("both are private: nothing is left of them")
}

// through puts something between kith and the server: refuse may answer a request with a status, and
// change what the server answers.
func (l *life) through(refuse func(r *http.Request, body string) int, change func(answer string) string) {
	l.t.Helper()
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // the client has gone
		}
		if status := refuse(r, string(body)); status != 0 {
			w.WriteHeader(status)
			return
		}
		req, err := http.NewRequestWithContext(r.Context(), r.Method, strings.TrimSuffix(l.server.URL, "/")+r.URL.Path, bytes.NewReader(body))
		if err != nil {
			return
		}
		req.Header = r.Header.Clone()
		req.Header.Del("Accept-Encoding")
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			return
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(resp.Body)
		if err != nil {
			return
		}
		maps.Copy(w.Header(), resp.Header)
		w.Header().Del("Content-Length")
		w.WriteHeader(resp.StatusCode)
		if text := string(answer); change != nil {
			io.WriteString(w, change(text))
		} else {
			io.WriteString(w, text)
		}
	}))
	l.t.Cleanup(front.Close)
	config, err := os.ReadFile(l.path("kith.toml"))
	if err != nil {
		l.t.Fatal(err)
	}
	l.write("kith.toml", strings.Replace(string(config), l.server.URL, front.URL+"/", 1))
}

func invalidate(l *life) {
	l.event("past.ics", vcalendar(talkOf("UID:past")))
	l.event("next.ics", vcalendar(planned("UID:next")))
	l.after("first", berlinTalk, tomorrow)
	l.through(func(r *http.Request, body string) int {
		if strings.Contains(body, "sync-collection") {
			return http.StatusConflict
		}
		return 0
	}, nil)
	l.server.Delete(l.t, l.home+"next.ics")
	l.event("new.ics", vcalendar(planned("UID:new", "DTSTART;TZID=Europe/Berlin:20261126T100000")))
	l.after("a token that is refused: what is gone is found all the same", berlinTalk, as("cancelled", tomorrow), thursday)
	if r := l.sync(); r.New+r.Cancelled > 0 {
		l.t.Errorf("once more: %+v", r)
	}
}

func oldServer(l *life) {
	l.through(func(_ *http.Request, body string) int {
		if strings.Contains(body, "sync-collection") {
			return http.StatusNotImplemented
		}
		return 0
	}, func(answer string) string {
		return strings.NewReplacer("getctag", "gotctag", "sync-token", "sink-token", "sync-collection", "sink-collection").Replace(answer)
	})
	l.event("past.ics", vcalendar(talkOf("UID:past")))
	l.event("next.ics", vcalendar(planned("UID:next")))
	l.after("first", berlinTalk, tomorrow)
	if r := l.sync(); r.New+r.Known+r.Cancelled > 0 {
		l.t.Errorf("nothing changed, and %+v", r)
	}
	l.server.Delete(l.t, l.home+"next.ics")
	l.event("new.ics", vcalendar(planned("UID:new", "DTSTART;TZID=Europe/Berlin:20261126T100000")))
	l.after("changed", berlinTalk, as("cancelled", tomorrow), thursday)
}

func forget(l *life) {
	l.event("ann.ics", vcalendar(talkOf("UID:ann")))
	l.event("ben.ics", vcalendar(planned("UID:ben", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:ben@client.test")))
	l.after("first", berlinTalk, strings.Replace(tomorrow, "Ann", "Ben", 1))
	config, err := os.ReadFile(l.path("kith.toml"))
	if err != nil {
		l.t.Fatal(err)
	}
	l.write("kith.toml", strings.Replace(string(config), "[policy]", "[policy]\nnever_record = [\"ben@client.test\"]", 1))
	l.must("policy", "apply")
	l.meets("by policy", berlinTalk)
	l.must("erase", "ann@client.test")
	l.meets("after erasure")
	l.sync("--full")
	l.meets("after all was read again")
}

func guard(l *life) {
	config, err := os.ReadFile(l.path("kith.toml"))
	if err != nil {
		l.t.Fatal(err)
	}
	strict := strings.Replace(string(config), "allow_private = true", "", 1)
	l.write("kith.toml", strict)
	if _, _, stderr := l.run("sync"); !strings.Contains(stderr, "allow_private") {
		l.t.Errorf("CalDAV on loopback: %s", stderr)
	}
	l.write("kith.toml", strings.Replace(strings.Replace(strict, "caldav", "ics", 1), "http://", "webcal://", 1))
	if _, _, stderr := l.run("sync"); !strings.Contains(stderr, "allow_private") {
		l.t.Errorf("a feed on loopback: %s", stderr)
	}
	l.write("kith.toml", string(config))
	l.meets("nothing was read")
}

func addContact(l *life) {
	l.event("past.ics", vcalendar(talkOf("ATTENDEE;PARTSTAT=ACCEPTED:mailto:eve@other.test")))
	l.after("nobody knows Eve")
	l.importContacts("name,email\nEve,eve@other.test\n")
	l.after("Eve is a contact", strings.Replace(berlinTalk, "Ann", "Eve", 1))
}

func changeSeries(l *life) {
	weekly := talkOf("DTSTART;TZID=Europe/Berlin:20261118T090000", "RRULE:FREQ=WEEKLY;COUNT=3")
	l.event("a.ics", vcalendar(weekly))
	l.after("first", berlinTalk, "Wed 25 09:00+01:00 60m planned Talk | attendee Ann", "Wed 02 09:00+01:00 60m planned Talk | attendee Ann")
	moved := talkOf("RECURRENCE-ID;TZID=Europe/Berlin:20261125T090000", "DTSTART;TZID=Europe/Berlin:20261126T100000", "SEQUENCE:1")
	l.event("a.ics", vcalendar(weekly, moved))
	l.after("one is moved", berlinTalk, thursday, "Wed 02 09:00+01:00 60m planned Talk | attendee Ann")
	off := talkOf("RECURRENCE-ID;TZID=Europe/Berlin:20261202T090000", "DTSTART;TZID=Europe/Berlin:20261202T090000", "STATUS:CANCELLED", "SEQUENCE:1")
	l.event("a.ics", vcalendar(weekly, moved, off))
	l.after("one is called off", berlinTalk, thursday, "Wed 02 09:00+01:00 60m cancelled Talk | attendee Ann")
	l.event("a.ics", vcalendar(strings.Replace(weekly, "RRULE", "EXDATE;TZID=Europe/Berlin:20261125T090000\r\nSEQUENCE:2\r\nRRULE", 1), off))
	l.after("and one taken out", berlinTalk, as("cancelled", thursday), "Wed 02 09:00+01:00 60m cancelled Talk | attendee Ann")
}

func becomeSeries(l *life) {
	l.event("a.ics", vcalendar(talkOf()))
	l.after("one", berlinTalk)
	l.event("a.ics", vcalendar(talkOf("RRULE:FREQ=WEEKLY;COUNT=2", "SEQUENCE:1")))
	l.after("a series of two", berlinTalk, "Wed 25 09:00+01:00 60m planned Talk | attendee Ann")
}

func recreate(l *life) {
	l.event("past.ics", vcalendar(talkOf("UID:past")))
	l.event("next.ics", vcalendar(planned("UID:next")))
	l.after("first", berlinTalk, tomorrow)
	l.server.Delete(l.t, l.home+"past.ics")
	l.server.Delete(l.t, l.home+"next.ics")
	l.after("emptied", berlinTalk, as("cancelled", tomorrow))
	l.event("past.ics", vcalendar(talkOf("UID:past")))
	l.event("next.ics", vcalendar(planned("UID:next")))
	l.after("filled again", berlinTalk, tomorrow)
	l.server.Delete(l.t, l.home)
	if code, _, stderr := l.run("--json", "sync"); code == exitDone {
		l.t.Errorf("a calendar that is not there: exit code %d, %s", code, stderr)
	}
	l.meets("after the calendar is gone, which may be a slip", berlinTalk, tomorrow)
	parts := strings.Split(strings.TrimSuffix(l.home, "/"), "/")
	l.server.MakeCalendar(l.t, parts[len(parts)-1])
	l.event("next.ics", vcalendar(planned("UID:next")))
	l.after("it is made anew", berlinTalk, tomorrow)
	if all := l.interactions("--kind", "meeting"); len(all) != 2 {
		l.t.Errorf("%d meetings", len(all))
	}
}

func tellAbout(l *life) {
	l.event("a.ics", vcalendar(talkOf("DTSTART;TZID=Europe/Berlin:20261118T090000", "RRULE:FREQ=WEEKLY;COUNT=2")))
	l.event("b.ics", vcalendar(planned("UID:declined@x.test", "ATTENDEE;PARTSTAT=DECLINED:mailto:ann@client.test")))
	dry := l.must("sync", "--dry-run")
	if !strings.Contains(dry, "record") || !strings.Contains(dry, "plan ") || !strings.Contains(dry, "declined") {
		l.t.Errorf("I24 a dry run printed\n%s", dry)
	}
	l.after("first", berlinTalk, "Wed 25 09:00+01:00 60m planned Talk | attendee Ann")
	for _, tt := range []struct {
		id   string
		want []string
	}{
		{"talk@example.test", []string{"recorded from this very copy", "planned from this very copy", "2026-11-25T08:00:00Z", "Europe/Berlin", "contacts on it who did not decline"}},
		{"declined@x.test", []string{"skipped declined", "all contacts on it declined"}},
		{l.interactions("--status", "planned")[0].ID.String(), []string{"planned from this very copy", "and is recorded then"}},
	} {
		code, out, stderr := l.run("explain", tt.id)
		if code != exitDone {
			l.t.Errorf("explain %s: exit code %d, %s", tt.id, code, stderr)
		}
		for _, want := range tt.want {
			if !strings.Contains(out, want) {
				l.t.Errorf("explain %s says nothing of %q:\n%s", tt.id, want, out)
			}
		}
	}
	l.fails(exitNotFound, "explain", "nobody@nowhere.test")
	if out := l.must("interactions", "list", "--status", "planned"); !strings.Contains(out, "Talk") {
		l.t.Errorf("what is coming:\n%s", out)
	}
	var status struct{ Accounts []accountJSON }
	_, out, _ := l.run("--json", "status")
	if err := json.Unmarshal([]byte(out), &status); err != nil || len(status.Accounts) != 1 {
		l.t.Fatalf("%v: %s", err, out)
	}
	streams := status.Accounts[0].Streams
	if len(streams) != 1 || streams[0].Recorded != 2 || streams[0].Skipped[kith.ReasonDeclined] != 1 {
		l.t.Errorf("status tells %+v", streams)
	}
}

// Two of us have the meeting in their calendars.
func TestOneMeetingInManyCalendars(t *testing.T) {
	t.Parallel()
	for _, store := range []string{"SQLite", "PostgreSQL"} {
		t.Run("F25 D02 "+store, func(t *testing.T) {
			t.Parallel()
			database := ""
			if store == "PostgreSQL" {
				database = clockedRegister(t)
			}
			accounts := folderAccount
			for n := range 4 {
				accounts += fmt.Sprintf("\n[[account]]\nname = \"calendar%d\"\nkind = \"ics\"\nschedule = \"@every 1s\"\nowner = \"p%d@example.test\"\naddresses = [\"p%d@example.test\"]\nurl = \"file:p%d.ics\"", n, n, n, n)
			}
			people := []string{"ATTENDEE;PARTSTAT=ACCEPTED:mailto:ann@client.test"}
			for n := range 4 {
				people = append(people, fmt.Sprintf("ATTENDEE:mailto:p%d@example.test", n))
			}
			site := calendarSite(t, accounts, database, "[limits]\nworkers = 1", "", "p0.ics", "p1.ics", "p2.ics", "p3.ics")
			all := func(n int, answer string) []string {
				lines := slices.Clone(people)
				if n >= 0 {
					lines[n+1] = fmt.Sprintf("ATTENDEE;PARTSTAT=%s:mailto:p%d@example.test", answer, n)
				}
				return lines
			}
			site.put("a.ics", vcalendar(planned(all(-1, "")...)))
			for n := range 4 {
				site.write(fmt.Sprintf("p%d.ics", n), vcalendar(planned(all(n, "ACCEPTED")...)))
			}
			site.sync()
			site.meets("in five calendars", tomorrow)
			one := site.interactions("--kind", "meeting")[0]
			if len(one.Evidence) != 5 || one.Owner != "alice@example.test" {
				t.Errorf("%d evidence, owner %s", len(one.Evidence), one.Owner)
			}
			for _, p := range one.Participants {
				if strings.HasPrefix(p.Address, "p") && *p.Response != "accepted" {
					t.Errorf("%s %s, by their own calendar accepted", p.Address, *p.Response)
				}
			}
			site.write("p1.ics", vcalendar(planned(all(1, "DECLINED")...)))
			site.sync()
			site.meets("one of them declined", tomorrow)
			if one = site.interactions("--kind", "meeting")[0]; len(one.Evidence) != 5 {
				t.Errorf("%d evidence", len(one.Evidence))
			}
			site.put("a.ics", vcalendar(planned(append(all(-1, ""), "STATUS:CANCELLED", "SEQUENCE:1")...)))
			site.sync()
			site.meets("the organiser called it off", as("cancelled", tomorrow))
			site.sync("--full")
			site.meets("the others' copies are old", as("cancelled", tomorrow))
		})
	}
}
