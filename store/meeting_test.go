package store_test

import (
	"testing"
	"time"

	"kith"
	"kith/store"
)

// What is seen again as it was changes nothing, though its times come by another way.
func TestMergeMeetingSame(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	sight := func(zone *time.Location) *kith.Interaction {
		begin := time.Date(2026, 11, 18, 9, 0, 0, 0, berlin).In(zone)
		end, uid, answer := begin.Add(time.Hour), "1", "accepted"
		return &kith.Interaction{
			Kind: kith.KindMeeting, Status: kith.StatusRecorded, OccurredAt: begin, EndedAt: &end, ICalUID: &uid, Subject: "Talk", Flags: []string{},
			Participants: []kith.Participant{{Role: kith.RoleAttendee, Address: "ann@client.test", Response: &answer}},
			Links:        []kith.Link{{ContactID: kith.ID{1}, Role: kith.RoleAttendee, Matched: "ann@client.test", Rule: kith.LinkByEmail}},
			Version:      kith.EventVersion{Sequence: 1, Stamp: time.UnixMicro(begin.UnixMicro()).UTC()},
		}
	}
	known := sight(time.FixedZone("", 3600))
	if store.MergeMeeting(known, sight(berlin)) {
		t.Error("the same changes it")
	}
	if !store.MergeMeeting(known, sight(time.UTC)) {
		t.Error("another offset does not")
	}
}
