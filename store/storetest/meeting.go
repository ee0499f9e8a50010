package storetest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"kith"
	"kith/store"
)

// meeting makes an hour that begins at t0, of a series.
func meeting(id string, edits ...func(*kith.Interaction)) kith.Interaction {
	end := t0.Add(time.Hour)
	i := kith.Interaction{
		Kind: kith.KindMeeting, Status: kith.StatusPlanned, Direction: kith.NoDirection, InitiatedBy: kith.InitiatedByUs,
		OccurredAt: t0, EndedAt: &end, Subject: "Talk " + id, Owner: "alice@example.test", Template: "MEETING", Group: "MEETING",
		CorrespondenceType: "none", DeliveryStatus: kith.DeliveryNone, ICalUID: &id, Key: key(id),
		Participants: []kith.Participant{
			answering(kith.RoleOrganizer, "alice@example.test", kith.ResponseAccepted),
			answering(kith.RoleAttendee, "ann@client.test", kith.ResponseNone),
		},
		Version: kith.EventVersion{Sequence: 1, Stamp: t0},
	}
	for _, edit := range edits {
		edit(&i)
	}
	return i
}

func answering(role kith.ParticipantRole, address string, response kith.Response) kith.Participant {
	r := string(response)
	return kith.Participant{Role: role, Address: address, Response: &r}
}

func begins(when time.Time) func(*kith.Interaction) {
	return func(i *kith.Interaction) {
		end := when.Add(time.Hour)
		i.OccurredAt, i.EndedAt = when, &end
	}
}

func version(sequence int, stamp time.Time) func(*kith.Interaction) {
	return func(i *kith.Interaction) { i.Version = kith.EventVersion{Sequence: sequence, Stamp: stamp} }
}

func about(subject string) func(*kith.Interaction) {
	return func(i *kith.Interaction) { i.Subject = subject }
}

func calledOff(i *kith.Interaction) { i.Status = kith.StatusCancelled }

func tookPlace(i *kith.Interaction) { i.Status = kith.StatusRecorded }

func answered(response kith.Response) func(*kith.Interaction) {
	return func(i *kith.Interaction) {
		i.Participants[1] = answering(kith.RoleAttendee, "ann@client.test", response)
	}
}

// withdraw takes places away from a stream.
func (f *fixture) withdraw(t *testing.T, stream string, reason kith.Reason, refs ...string) kith.Recorded {
	t.Helper()
	rec := kith.Recording{}
	for _, ref := range refs {
		rec.Withdrawn = append(rec.Withdrawn, kith.Withdrawal{Ref: ref, Reason: reason})
	}
	return f.recording(t, stream, rec)
}

// meetings tells all meetings on file: "key status subject".
func (f *fixture) meetings(t *testing.T, want ...string) {
	t.Helper()
	got := []string{}
	for i, err := range f.Interactions(t.Context(), store.Filter{Kind: kith.KindMeeting}) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimSpace(fmt.Sprintf("%s %s %s", *i.ICalUID, i.Status, strings.TrimPrefix(i.Subject, "Talk "+*i.ICalUID))))
	}
	equal(t, "the meetings", got, append([]string{}, want...))
}

var meetingTests = []test{
	{"F20 a meeting that is gone, cancelled or none any more, and one that comes back", func(t *testing.T, f *fixture) {
		for n, tt := range []struct {
			reason            kith.Reason
			planned, recorded string // "" is forgotten
		}{
			{kith.ReasonGone, "cancelled", "recorded"},
			{kith.ReasonDeclined, "cancelled", "cancelled"},
			{kith.ReasonPrivate, "", ""},
			{kith.ReasonNeverRecord, "", ""},
			{kith.ReasonNoContact, "", "recorded"},
			{kith.ReasonTransparent, "", "recorded"},
		} {
			p, r := numbered("p%d", n), numbered("r%d", n)
			f.record(t, "Work", seen("p", meeting(p)), seen("r", meeting(r, tookPlace)))
			f.withdraw(t, "Work", tt.reason, "p", "r", "unknown")
			for id, want := range map[string]string{p: tt.planned, r: tt.recorded} {
				got, err := f.InteractionByKey(t.Context(), key(id))
				if want == "" {
					fails(t, id, err, kith.ErrNotFound)
				} else if err != nil || string(got.Status) != want || !got.Evidence[0].Gone {
					t.Errorf("%s: %s became %s, %v; want %s", tt.reason, id, got.Status, err, want)
				}
			}
			f.record(t, "Work", seen("p", meeting(p)), seen("r", meeting(r, tookPlace)))
			equal(t, "back", f.byKey(t, p).Status, kith.StatusPlanned)
			equal(t, "back", f.byKey(t, r).Status, kith.StatusRecorded)
		}
	}},
	{"F25 one meeting in two calendars stays while one of them shows it", func(t *testing.T, f *fixture) {
		f.record(t, "Alice", seen("a", meeting("1")))
		equal(t, "the other calendar", f.record(t, "Bob", seen("b", meeting("1"))), kith.Recorded{Known: 1})
		equal(t, "one goes", f.withdraw(t, "Alice", kith.ReasonDeclined, "a"), kith.Recorded{})
		f.meetings(t, "1 planned")
		equal(t, "both went", f.withdraw(t, "Bob", kith.ReasonGone, "b"), kith.Recorded{Cancelled: 1})
		f.meetings(t, "1 cancelled")
	}},
	{"Record/a range that was looked at whole", func(t *testing.T, f *fixture) {
		f.record(t, "Work", seen("a#1", meeting("1")), seen("a#2", meeting("2")), seen("a#3", meeting("3")), seen("aa#1", meeting("4")), seen("b#1", meeting("5")))
		f.record(t, "Play", seen("a#3", meeting("3")))
		f.recording(t, "Work", kith.Recording{
			Covered:  []kith.RefRange{{From: "a#2", To: "a$"}, {From: "b#", To: "b$"}},
			Captured: []kith.Captured{seen("a#2", meeting("2")), seen("b#2", meeting("5", begins(t0.Add(24*time.Hour))))},
		})
		f.meetings(t, "5 planned", "4 planned", "3 planned", "2 planned", "1 planned")
		f.recording(t, "Work", kith.Recording{Covered: []kith.RefRange{{From: "a#", To: "a$"}}})
		f.meetings(t, "5 planned", "4 planned", "3 planned", "2 cancelled", "1 cancelled")
	}},
	{"F28 a meeting that is moved moves in the timeline too, before and after it took place", func(t *testing.T, f *fixture) {
		ann := f.contact(t, kith.Contact{Name: "Ann", Emails: []string{"ann@client.test"}})
		with := linked(kith.RoleAttendee, ann)
		f.record(t, "Work", seen("1", meeting("1", with)), seen("2", meeting("2", with, tookPlace)))
		later := t0.Add(48 * time.Hour)
		equal(t, "moved", f.record(t, "Work", seen("1", meeting("1", with, begins(later))), seen("2", meeting("2", with, begins(later.Add(time.Hour)), version(2, t0)))),
			kith.Recorded{Known: 2})
		for i, err := range f.Interactions(t.Context(), store.Filter{Contact: ann, Since: later}) {
			if err != nil || i.Status != kith.StatusPlanned || !i.EndedAt.Equal(i.OccurredAt.Add(time.Hour)) {
				t.Errorf("%v, %v", i, err)
			}
		}
		n := 0
		for range f.Interactions(t.Context(), store.Filter{Contact: ann}) {
			n++
		}
		equal(t, "meetings in the timeline", n, 2)
	}},
	{"F16 versions", func(t *testing.T, f *fixture) {
		for n, tt := range []struct {
			reason string
			next   kith.Interaction
			want   string
		}{
			{"a lower sequence tells nothing", meeting("1", version(0, t0.Add(time.Hour)), about("old")), "planned"},
			{"nor does it cancel", meeting("1", version(0, t0.Add(time.Hour)), calledOff), "planned"},
			{"an earlier stamp decides nothing", meeting("1", version(1, t0.Add(-time.Hour)), about("old")), "planned"},
			{"an equal one decides", meeting("1", about("new")), "planned new"},
			{"a later stamp decides", meeting("1", version(1, t0.Add(time.Hour)), about("new")), "planned new"},
			{"a higher sequence decides whatever its stamp", meeting("1", version(2, t0.Add(-time.Hour)), about("new")), "planned new"},
			{"it is called off", meeting("1", calledOff, about("")), "cancelled"},
		} {
			stream := numbered("%d", n)
			id := stream
			first := meeting("1", func(i *kith.Interaction) { i.Key, i.ICalUID = key(id), &id }, about(""))
			tt.next.Key, tt.next.ICalUID = key(id), &id
			if strings.HasPrefix(tt.next.Subject, "Talk") {
				tt.next.Subject = ""
			}
			f.record(t, stream, seen("1", first))
			f.record(t, stream, seen("1", tt.next))
			got := f.byKey(t, id)
			if have := strings.TrimSpace(string(got.Status) + " " + got.Subject); have != tt.want {
				t.Errorf("%s: %q, want %q", tt.reason, have, tt.want)
			}
		}
	}},
	{"F18 what somebody answered stays until they answer otherwise, or it is another meeting", func(t *testing.T, f *fixture) {
		ann := f.contact(t, kith.Contact{Name: "Ann", Emails: []string{"ann@client.test"}})
		with := linked(kith.RoleAttendee, ann)
		for _, tt := range []struct {
			reason   string
			next     kith.Interaction
			response kith.Response
			links    int
		}{
			{"accepted in one calendar", meeting("1", with, answered(kith.ResponseAccepted)), kith.ResponseAccepted, 1},
			{"the other does not know", meeting("1", with, version(1, t0.Add(time.Hour))), kith.ResponseAccepted, 1},
			{"a late copy does not know either", meeting("1", with), kith.ResponseAccepted, 1},
			{"F19 declined", meeting("1", answered(kith.ResponseDeclined), version(1, t0.Add(2*time.Hour))), kith.ResponseDeclined, 0},
			{"a copy that still links", meeting("1", with, version(1, t0.Add(2*time.Hour))), kith.ResponseDeclined, 0},
			{"asked anew", meeting("1", with, version(2, t0)), kith.ResponseNone, 1},
		} {
			f.record(t, "Work", seen("1", tt.next))
			got := f.byKey(t, "1")
			if *got.Participants[1].Response != string(tt.response) || len(got.Links) != tt.links {
				t.Errorf("%s: %s with %d links, want %s with %d", tt.reason, *got.Participants[1].Response, len(got.Links), tt.response, tt.links)
			}
		}
	}},
	{"F37 somebody is invited, or is not any more", func(t *testing.T, f *fixture) {
		ann := f.contact(t, kith.Contact{Name: "Ann", Emails: []string{"ann@client.test"}})
		ben := f.contact(t, kith.Contact{Name: "Ben", Emails: []string{"ben@client.test"}})
		both := func(i *kith.Interaction) {
			i.Participants = append(i.Participants, answering(kith.RoleAttendee, "ben@client.test", kith.ResponseNone))
			i.Links = append(i.Links, kith.Link{ContactID: ben, Role: kith.RoleAttendee, Matched: "ben@client.test", Rule: kith.LinkByEmail})
		}
		with := linked(kith.RoleAttendee, ann)
		for n, status := range []func(*kith.Interaction){func(*kith.Interaction) {}, tookPlace} {
			id := numbered("%d", n)
			f.record(t, "Work", seen(id, meeting(id, with, status)))
			f.record(t, "Work", seen(id, meeting(id, with, both, status)))
			equal(t, "invited", len(f.byKey(t, id).Links), 2)
			f.record(t, "Work", seen(id, meeting(id, with, status)))
			equal(t, "no longer invited", len(f.byKey(t, id).Links), 1+n) // what has taken place keeps its links
		}
	}},
	{"F20 a cancellation of what nobody knows is nothing", func(t *testing.T, f *fixture) {
		equal(t, "Record", f.record(t, "Work", seen("1", meeting("1", calledOff))), kith.Recorded{})
		f.meetings(t)
	}},
	{"F29 what is planned is recorded when it has ended", func(t *testing.T, f *fixture) {
		f.record(t, "Work", seen("1", meeting("1")), seen("2", meeting("2", begins(t0.Add(time.Hour)))), seen("3", meeting("3", calledOff)))
		f.record(t, "INBOX", seen("m", mail("m")))
		conclude := func(at time.Time, every time.Duration, want int) {
			t.Helper()
			n, err := f.Conclude(t.Context(), at, every)
			if err != nil || n != want {
				t.Errorf("Conclude at %v: %d, %v; want %d", at, n, err, want)
			}
		}
		conclude(t0.Add(59*time.Minute), time.Minute, 0)
		conclude(t0.Add(time.Hour), time.Minute, 1)
		f.meetings(t, "2 planned", "1 recorded")
		conclude(t0.Add(2*time.Hour), 2*time.Hour, 0) // somebody did so lately
		conclude(t0.Add(2*time.Hour), 0, 1)
		conclude(t0, time.Minute, 0) // the clock was set back
		conclude(t0.AddDate(0, 0, 10), time.Minute, 0)
		f.meetings(t, "2 recorded", "1 recorded")
	}},
	{"F26 copies under another UID are told, and not merged", func(t *testing.T, f *fixture) {
		same := about("Kick-off")
		f.record(t, "Work", seen("1", meeting("1", same)))
		f.record(t, "Other", seen("2", meeting("2", same)), seen("3", meeting("3", same, begins(t0.Add(time.Hour)))), seen("4", meeting("4")))
		f.record(t, "Other", seen("5", meeting("5", same, begins(t0.Add(2*time.Hour)))), seen("6", meeting("6", same, begins(t0.Add(2*time.Hour)))))
		for id, want := range map[string]int{"1": 0, "2": 1, "3": 0, "4": 0, "5": 0, "6": 1} {
			equal(t, "flags of "+id, len(f.byKey(t, id).Flags), want)
		}
		f.record(t, "Other", seen("2", meeting("2", same, version(2, t0))))
		equal(t, "flags later", f.byKey(t, "2").Flags, []string{store.FlagPossibleCopy})
	}},
	{"F26 a meeting that becomes a series stays one", func(t *testing.T, f *fixture) {
		uid := func(i *kith.Interaction) { i.Fingerprint = key("uid") }
		f.record(t, "Work", seen("a#", meeting("1", uid, tookPlace)))
		rec := kith.Recording{Covered: []kith.RefRange{{From: "a#", To: "a$"}}, Captured: []kith.Captured{
			seen("a#1", meeting("1/1", uid, tookPlace)), seen("a#2", meeting("1/2", uid, begins(t0.AddDate(0, 0, 7)))),
		}}
		equal(t, "the series", f.recording(t, "Work", rec), kith.Recorded{New: 1, Known: 1})
		equal(t, "the first one", f.byKey(t, "1/1").ID, f.byKey(t, "1").ID)
		equal(t, "its status", f.byKey(t, "1").Status, kith.StatusRecorded)
	}},
}
