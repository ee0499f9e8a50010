package matcher_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/matcher"
)

// talk is an hour on a Monday. Who is on it is written as "address answer …", the
// organiser first with a star: "*alice@us.test, ann@client.test accepted room".
func talk(people string, change ...func(*kith.Occurrence)) kith.Item {
	o := &kith.Occurrence{
		UID: "uid-1", RecurrenceID: monday.UTC(), Start: monday, End: monday.Add(time.Hour), Zone: "Europe/Brussels",
		Summary: "Kick-off", Status: "confirmed", Class: "public", Version: kith.EventVersion{Sequence: 2, Stamp: monday.Add(-time.Hour).UTC()},
	}
	for _, one := range strings.Split(people, ", ") {
		words := strings.Fields(one)
		if len(words) == 0 {
			continue
		}
		a := kith.Attendee{Address: words[0], Response: kith.ResponseNone, Role: "required", Type: "individual"}
		for _, w := range words[1:] {
			switch w {
			case "room", "resource", "group":
				a.Type = w
			default:
				a.Response = kith.Response(w)
			}
		}
		if organizer, is := strings.CutPrefix(a.Address, "*"); is {
			a.Address = organizer
			o.Organizer = &a
			continue
		}
		o.Attendees = append(o.Attendees, a)
	}
	for _, c := range change {
		c(o)
	}
	return kith.Item{Ref: "talk.ics#", Role: kith.RoleCalendar, Occurrence: o}
}

func TestMeetings(t *testing.T) {
	const withAnn = "*alice@us.test, ann@client.test accepted"
	many := "*alice@us.test, ann@client.test"
	for n := range 60 {
		many += fmt.Sprintf(", p%d@other.test", n)
	}
	after, during := monday.Add(2*time.Hour), monday.Add(45*time.Minute)
	set := func(f func(o *kith.Occurrence)) func(*kith.Occurrence) { return f }
	allDay := set(func(o *kith.Occurrence) {
		o.AllDay, o.Start = true, time.Date(2026, 11, 23, 0, 0, 0, 0, monday.Location())
		o.End = o.Start.AddDate(0, 0, 1)
	})
	transparent := set(func(o *kith.Occurrence) { o.Transparent = true })
	private := set(func(o *kith.Occurrence) { o.Class = "private" })
	for _, tt := range []struct {
		name   string
		item   kith.Item
		policy matcher.Policy
		now    time.Time // after, unless set
		want   string    // the reason of a skip, or status, links and flags
	}{
		{name: "with a contact", item: talk(withAnn), want: "recorded ann@client.test"},
		{name: "F29 not over yet", item: talk(withAnn), now: during, want: "planned ann@client.test"},
		{name: "F29 over this moment", item: talk(withAnn), now: monday.Add(time.Hour), want: "recorded ann@client.test"},
		{name: "F17 the organiser is a contact and no attendee", item: talk("*ann@client.test, alice@us.test accepted"), want: "recorded ann@client.test"},
		{name: "an appointment of the contact alone, without an organiser", item: talk("ann@client.test accepted"), want: "recorded ann@client.test"},
		{name: "F18 the owner declined", item: talk("*ann@client.test, alice@us.test declined"), want: "declined"},
		{name: "F18 the owner declined by an alias", item: talk("*ann@client.test, a.jones@alias.test declined"), want: "declined"},
		{name: "F18 a colleague declined", item: talk("*ann@client.test, alice@us.test accepted, boss@us.test declined"), want: "recorded ann@client.test"},
		{name: "F18 the owner is tentative", item: talk("*ann@client.test, alice@us.test tentative"), want: "recorded ann@client.test tentative"},
		{name: "F18 the owner has not answered", item: talk("*ann@client.test, alice@us.test"), want: "recorded ann@client.test unanswered"},
		{name: "F18 the owner has not answered, and policy wants certainty", item: talk("*ann@client.test, alice@us.test"), policy: matcher.Policy{Tentative: matcher.TentativeSkip}, want: "tentative"},
		{name: "F18 the event is tentative", item: talk(withAnn, set(func(o *kith.Occurrence) { o.Status = "tentative" })), want: "recorded ann@client.test tentative"},
		{name: "F19 one of two contacts declined", item: talk("*alice@us.test, ann@client.test declined, bob@client.test accepted"), want: "recorded bob@client.test"},
		{name: "F19 all contacts declined", item: talk("*alice@us.test, ann@client.test declined, bob@client.test declined"), want: "declined"},
		{name: "no contact has accepted", item: talk("*alice@us.test, ann@client.test"), want: "recorded ann@client.test unconfirmed"},
		{name: "F20 called off", item: talk(withAnn, set(func(o *kith.Occurrence) { o.Status = "cancelled" })), want: "cancelled"},
		{name: "F21 private", item: talk(withAnn, private), want: "private"},
		{name: "F21 confidential", item: talk(withAnn, set(func(o *kith.Occurrence) { o.Class = "confidential" })), want: "private"},
		{name: "F21 private, and policy wants to know that there was one", item: talk(withAnn, private), policy: matcher.Policy{Private: matcher.PrivateBusy}, want: "recorded ann@client.test private"},
		{name: "F22 nobody is on it", item: talk(""), want: "solo"},
		{name: "F22 only its owner", item: talk("*alice@us.test"), want: "solo"},
		{name: "F22 only its owner, twice", item: talk("*alice@us.test, alice@us.test accepted"), want: "solo"},
		{name: "F22 a birthday", item: talk(withAnn, set(func(o *kith.Occurrence) { o.Categories = []string{"Birthday"} })), want: "not_a_meeting"},
		{name: "F22 out of office", item: talk(withAnn, transparent), want: "transparent"},
		{name: "F22 policy wants what takes no time", item: talk(withAnn, transparent), policy: matcher.Policy{Transparent: matcher.TransparentRecord}, want: "recorded ann@client.test"},
		{name: "F10 all day", item: talk(withAnn, allDay), now: after.AddDate(0, 0, 1), want: "recorded ann@client.test"},
		{name: "F10 all day, and the day is not over", item: talk(withAnn, allDay), want: "planned ann@client.test"},
		{name: "F10 policy wants none of a day", item: talk(withAnn, allDay), policy: matcher.Policy{AllDay: matcher.AllDaySkip}, want: "all_day"},
		{name: "F23 rooms, resources and groups are nobody", item: talk("*alice@us.test, r1@us.test room, ann@client.test resource, bob@client.test group"), want: "solo"},
		{name: "F34 a large meeting", item: talk(many), want: "large_meeting"},
		{name: "F34 policy sets no limit", item: talk(many), policy: matcher.Policy{LargeMeeting: 5000}, want: "recorded ann@client.test unconfirmed"},
		{name: "F34 more people than are kept", item: talk(many), policy: matcher.Policy{LargeMeeting: 5000, Participants: 10}, want: "recorded ann@client.test unconfirmed many_recipients"},
		{name: "H05 among ourselves", item: talk("*alice@us.test, boss@us.test accepted"), want: "internal"},
		{name: "H05 policy wants internal ones", item: talk("*alice@us.test, boss@us.test accepted"), policy: matcher.Policy{Internal: matcher.InternalRecord}, want: "recorded"},
		{name: "G12 with a stranger", item: talk("*alice@us.test, new@other.test accepted"), policy: matcher.Policy{Strangers: true}, want: "no_contact"},
		{name: "H01 somebody who is never recorded", item: talk(withAnn + ", dora@client.test"), want: "never_record"},
		{name: "H01 even as a room", item: talk(withAnn + ", dora@client.test room"), want: "never_record"},
		{name: "H02 a domain that is never recorded", item: talk(withAnn + ", a@x.bank.test"), policy: matcher.Policy{NeverRecord: []string{"bank.test"}}, want: "never_record"},
		{name: "H10 somebody who was erased", item: talk(withAnn + ", erased@x.test"), want: "erased"},
		{name: "B03 an address that two share", item: talk("*alice@us.test, family@home.test accepted"), want: "recorded family@home.test family@home.test"},
		{name: "B22 an archived contact", item: talk("*alice@us.test, emil@client.test accepted"), want: "recorded emil@client.test"},
		{name: "no template", item: talk(withAnn), policy: matcher.Policy{Templates: map[matcher.Event]string{matcher.Meeting: ""}}, want: "no_template"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			account := aliceMail
			if account.Now = tt.now; tt.now.IsZero() {
				account.Now = after
			}
			outcome := match(t, tt.policy, account, tt.item)
			got := []string{string(outcome.Skip)}
			if in := outcome.Interaction; in != nil {
				got = []string{string(in.Status)}
				for _, l := range in.Links {
					got = append(got, l.Matched)
				}
				got = append(got, in.Flags...)
				if len(in.Participants) > 10 && tt.policy.Participants > 0 {
					t.Errorf("%d participants", len(in.Participants))
				}
				if slices.Contains(in.Flags, matcher.FlagPrivate) != (in.Subject == "") {
					t.Errorf("subject %q", in.Subject)
				}
			}
			if got := strings.Join(got, " "); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if len(outcome.Strangers) > 0 {
				t.Error("a meeting makes contacts")
			}
			if (outcome.Skip == kith.ReasonCancelled) != (outcome.Cancelled != nil) {
				t.Error("what was called off is told for the register, and nothing else")
			}
			explained, err := newMatcher(contacts(), tt.policy).Explain(t.Context(), account, tt.item)
			if err != nil || explained.Skip != outcome.Skip || len(explained.Steps) == 0 || explained.Steps[len(explained.Steps)-1].Why == "" {
				t.Errorf("explained as %s (%v), decided as %s", explained.Skip, err, outcome.Skip)
			}
		})
	}
}

func TestMeetingFacts(t *testing.T) {
	account := aliceMail
	account.Now = monday.Add(2 * time.Hour)
	got := recorded(t, matcher.Policy{}, account, talk("*boss@us.test, alice@us.test accepted, ann@client.test accepted, r1@us.test room", func(o *kith.Occurrence) {
		o.Recurring, o.RecurrenceID, o.Flags = true, monday.Add(-time.Hour).UTC(), []string{"zone_guessed"}
	}))
	end, minutes, uid, recurrence, accepted := monday.Add(time.Hour), 60, "uid-1", "2026-11-23T07:15:00Z", "accepted"
	want := &kith.Interaction{
		Kind: kith.KindMeeting, Status: kith.StatusRecorded, Direction: kith.NoDirection, InitiatedBy: kith.InitiatedByUs,
		OccurredAt: monday, EndedAt: &end, DurationMinutes: &minutes, Subject: "Kick-off", Owner: "boss@us.test", Template: "MEETING", Group: "MEETING",
		Participants: []kith.Participant{
			{Role: kith.RoleOrganizer, Address: "boss@us.test", Response: &accepted},
			{Role: kith.RoleAttendee, Address: "alice@us.test", Response: &accepted},
			{Role: kith.RoleAttendee, Address: "ann@client.test", Response: &accepted},
		},
		Links:   []kith.Link{{ContactID: ann, CompanyID: &company, Role: kith.RoleAttendee, Matched: "ann@client.test", Rule: kith.LinkByEmail}},
		ICalUID: &uid, RecurrenceID: &recurrence,
		Evidence: []kith.Evidence{}, Attachments: []kith.Attachment{}, CorrespondenceType: "none", DeliveryStatus: kith.DeliveryNone,
		Flags: []string{"zone_guessed"}, Notes: []kith.Note{}, Key: got.Key, Fingerprint: got.Fingerprint,
		Version: kith.EventVersion{Sequence: 2, Stamp: monday.Add(-time.Hour).UTC()},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestMeetingIdentity(t *testing.T) {
	account := aliceMail
	account.Now = monday.AddDate(0, 1, 0)
	key := func(change ...func(*kith.Occurrence)) [2]kith.Key {
		i := recorded(t, matcher.Policy{}, account, talk("*alice@us.test, ann@client.test", change...))
		return [2]kith.Key{i.Key, i.Fingerprint}
	}
	recurs := func(o *kith.Occurrence) { o.Recurring = true }
	moved := func(o *kith.Occurrence) { o.Start, o.End = o.Start.AddDate(0, 0, 1), o.End.AddDate(0, 0, 1) }
	replanned := func(o *kith.Occurrence) { o.RecurrenceID = o.RecurrenceID.AddDate(0, 0, 1) }
	elsewhere := func(o *kith.Occurrence) { o.RecurrenceID = o.RecurrenceID.In(time.FixedZone("", 7200)) }
	other := func(o *kith.Occurrence) { o.UID = "uid-2" }
	for _, tt := range []struct {
		name      string
		a, b      [2]kith.Key
		key, uids bool
	}{
		{"F28 moved", key(), key(moved, replanned), true, true},
		{"F03 an occurrence that is moved", key(recurs), key(recurs, moved), true, true},
		{"F26 another occurrence", key(recurs), key(recurs, replanned), false, true},
		{"F26 the same one in another zone", key(recurs), key(recurs, elsewhere), true, true},
		{"F26 one that became a series", key(), key(recurs), false, true},
		{"another UID", key(), key(other), false, false},
	} {
		if got := tt.a[0] == tt.b[0]; got != tt.key {
			t.Errorf("%s: the same is %t, want %t", tt.name, got, tt.key)
		}
		if got := tt.a[1] == tt.b[1]; got != tt.uids {
			t.Errorf("%s: of one event is %t, want %t", tt.name, got, tt.uids)
		}
	}
}
