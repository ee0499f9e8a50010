package main

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"kith"
)

// invite is a message about a meeting, with its method.
func invite(from, to, method string, event string, fields ...string) string {
	header := []string{
		"Message-ID: <" + method + strings.TrimLeft(from, "<") + "." + fields[0] + "@mail.test>", "Date: Mon, 23 Nov 2026 08:00:00 +0000",
		"From: " + from, "To: " + to, "Subject: Invitation", "MIME-Version: 1.0", "Content-Type: multipart/alternative; boundary=b",
	}
	calendar := strings.Replace(vcalendar(event), "VERSION:2.0\r\n", "VERSION:2.0\r\nMETHOD:"+method+"\r\n", 1)
	return strings.Join(append(header, fields[1:]...), "\n") + "\n\n--b\nContent-Type: text/plain\n\nYou are invited.\n--b\nContent-Type: text/calendar; charset=utf-8; method=" +
		method + "\n\n" + strings.ReplaceAll(calendar, "\r\n", "\n") + "--b--\n"
}

// byAnn is a meeting of Ann's with Alice, tomorrow.
func byAnn(lines ...string) string {
	for _, own := range []string{"ORGANIZER:mailto:ann@client.test", "ATTENDEE;PARTSTAT=ACCEPTED:mailto:alice@example.test"} {
		if !slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, own[:8]) }) {
			lines = append(lines, own)
		}
	}
	return planned(lines...)
}

func TestInvitationsByMail(t *testing.T) {
	t.Parallel()
	m := newMailServer(t)
	for _, on := range []struct {
		store  string
		server *mailServer
	}{{"SQLite", m}, {"PostgreSQL", m.on(clockedRegister)}} {
		for _, tt := range []struct {
			name string
			tell func(s *caseSite)
		}{
			{"C20 requested, moved and cancelled", func(s *caseSite) {
				s.invited(invite("ann@client.test", "alice@example.test", "REQUEST", byAnn(), "1"))
				s.meets("invited", strings.Replace(tomorrow, "attendee", "organizer", 1))
				s.invited(invite("ann@client.test", "alice@example.test", "REQUEST", byAnn("SEQUENCE:1", "DTSTART;TZID=Europe/Berlin:20261126T100000"), "2"))
				s.meets("moved", strings.Replace(thursday, "attendee", "organizer", 1))
				s.invited(invite("eve@other.test", "alice@example.test", "CANCEL", byAnn("SEQUENCE:2"), "3"))
				s.invited(invite("eve@other.test", "alice@example.test", "REQUEST", byAnn("SEQUENCE:2", "ORGANIZER:mailto:eve@other.test", "ATTENDEE:mailto:ann@client.test"), "4"))
				s.invited(invite("eve@other.test", "alice@example.test", "CANCEL", byAnn("SEQUENCE:9", "ORGANIZER:mailto:eve@other.test"), "6"))
				s.invited(invite("eve@other.test", "alice@example.test", "CANCEL", byAnn("SEQUENCE:9", "ORGANIZER:mailto:eve@other.test", "ATTENDEE:mailto:nobody@other.test"), "7"))
				s.meets("somebody else can't", strings.Replace(thursday, "attendee", "organizer", 1))
				s.invited(invite("ann@client.test", "alice@example.test", "CANCEL", byAnn("SEQUENCE:2"), "5"))
				s.meets("cancelled", strings.Replace(as("cancelled", thursday), "attendee", "organizer", 1))
				if all := s.interactions("--kind", "email"); len(all) > 0 {
					s.t.Errorf("C20 %d invitations count as e-mail", len(all))
				}
			}},
			{"C20 a series that is cancelled as one", func(s *caseSite) {
				s.invited(invite("ann@client.test", "alice@example.test", "REQUEST", byAnn("RRULE:FREQ=WEEKLY;COUNT=2"), "1"))
				first := strings.Replace(tomorrow, "attendee", "organizer", 1)
				second := strings.Replace(first, "Tue 24", "Tue 01", 1)
				s.meets("invited", first, second)
				s.invited(invite("ann@client.test", "alice@example.test", "CANCEL", byAnn("SEQUENCE:1"), "2"))
				s.meets("cancelled", as("cancelled", first), as("cancelled", second))
			}},
			{"C20 F16 read newest first", func(s *caseSite) {
				s.deliver(mail{at: calendarNow, raw: invite("ann@client.test", "alice@example.test", "REQUEST", byAnn("RRULE:FREQ=WEEKLY;COUNT=2"), "1")})
				s.deliver(mail{at: calendarNow.Add(time.Hour), raw: invite("ann@client.test", "alice@example.test", "CANCEL", byAnn("SEQUENCE:1"), "2")})
				s.deliver(mail{at: calendarNow.Add(2 * time.Hour), raw: invite("ann@client.test", "alice@example.test", "REQUEST", byAnn("UID:2", "SEQUENCE:3", "DTSTART;TZID=Europe/Berlin:20261126T100000"), "3")})
				s.deliver(mail{in: "Archive", at: calendarNow, raw: invite("ann@client.test", "alice@example.test", "REQUEST", byAnn("UID:2", "SEQUENCE:2"), "4")})
				for range 2 {
					s.sync()
					s.sync("--full")
					first := strings.Replace(as("cancelled", tomorrow), "attendee", "organizer", 1)
					s.meets("read", first, strings.Replace(thursday, "attendee", "organizer", 1), strings.Replace(first, "Tue 24", "Tue 01", 1))
				}
			}},
			{"C20 two meetings in one invitation", func(s *caseSite) {
				s.invited(invite("ann@client.test", "alice@example.test", "REQUEST", byAnn()+byAnn("UID:2", "DTSTART;TZID=Europe/Berlin:20261126T100000"), "1"))
				s.meets("invited", strings.Replace(tomorrow, "attendee", "organizer", 1), strings.Replace(thursday, "attendee", "organizer", 1))
				s.sync("--full")
				for _, i := range s.interactions("--kind", "meeting") {
					if len(i.Evidence) != 1 {
						s.t.Errorf("%s has %d evidence", *i.ICalUID, len(i.Evidence))
					}
				}
			}},
			{"C21 answers", func(s *caseSite) {
				ours := planned("ATTENDEE:mailto:ann@client.test")
				s.deliver(mail{in: "Sent", at: calendarNow, raw: invite("alice@example.test", "ann@client.test", "REQUEST", ours, "1")})
				s.sync()
				s.meets("invited", tomorrow+" | unconfirmed")
				s.invited(invite("eve@other.test", "alice@example.test", "REPLY", planned("ATTENDEE;PARTSTAT=DECLINED:mailto:ann@client.test"), "2"))
				s.meets("somebody else can't answer", tomorrow+" | unconfirmed")
				s.invited(invite("ann@client.test", "alice@example.test", "REPLY", planned("ATTENDEE;PARTSTAT=ACCEPTED:mailto:ann@client.test"), "3"))
				if p := s.interactions("--kind", "meeting")[0].Participants[1]; *p.Response != "accepted" {
					s.t.Errorf("Ann %s", *p.Response)
				}
				s.invited(invite("ann@client.test", "alice@example.test", "COUNTER", planned("ATTENDEE:mailto:ann@client.test", "DTSTART;TZID=Europe/Berlin:20261126T100000"), "4"))
				if got := s.meetings(); len(got) != 1 || !strings.HasPrefix(got[0], "Tue 24") {
					s.t.Errorf("a proposal changed it: %v", got)
				}
				s.invited(invite("ann@client.test", "alice@example.test", "REPLY", planned("ATTENDEE;PARTSTAT=DECLINED:mailto:ann@client.test"), "5"))
				if got := s.interactions("--kind", "meeting")[0]; got.Status != kith.StatusCancelled {
					s.t.Errorf("all contacts declined, and it is %s", got.Status)
				}
			}},
			{"C20 with a calendar account the calendar tells", func(s *caseSite) {
				text, err := os.ReadFile(s.path("kith.toml"))
				if err != nil {
					s.t.Fatal(err)
				}
				config := string(text)
				s.write("a.ics", vcalendar(byAnn()))
				s.write("kith.toml", config+"\n[[account]]\nname = \"calendar\"\nkind = \"ics\"\nschedule = \"@every 1s\"\nowner = \"alice@example.test\"\naddresses = [\"alice@example.test\"]\nurl = \"file:a.ics\"\n")
				s.invited(invite("ann@client.test", "alice@example.test", "REQUEST", byAnn(), "1"))
				all := s.interactions("--kind", "meeting")
				if len(all) != 1 || len(all[0].Evidence) != 1 || all[0].Evidence[0].Account != "calendar" {
					s.t.Errorf("%+v", all)
				}
				s.write("kith.toml", strings.Replace(config, "[policy]", "[policy]\ninvitations = \"off\"", 1))
				s.invited(invite("ann@client.test", "alice@example.test", "REQUEST", byAnn("UID:2"), "2"))
				if all := s.interactions("--kind", "meeting"); len(all) != 1 {
					s.t.Errorf("by policy none: %d", len(all))
				}
			}},
		} {
			t.Run(tt.name+"/"+on.store, func(t *testing.T) {
				t.Parallel()
				s := on.server.open(t, hardCase{contacts: "Ann,ann@client.test"})
				s.start = calendarNow
				tt.tell(s)
			})
		}
	}
}

// invited delivers a message to Alice, and syncs.
func (s *caseSite) invited(raw string) {
	s.t.Helper()
	s.deliver(mail{at: calendarNow, raw: raw})
	s.sync()
}
