package facts_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/store/internal/facts"
)

// Databases hold this text: what is written today must be what is read for ever.
func TestFormat(t *testing.T) {
	ended := time.Date(2026, 11, 23, 12, 0, 0, 0, time.FixedZone("", -9000))
	minutes, accepted, language := 45, "accepted", "de"
	contact := kith.ID{0: 1, 15: 7}
	in := kith.Interaction{
		InitiatedBy: kith.InitiatedByThem, DirectionRule: kith.DirectionByAuthor, Group: "EMAIL",
		Participants: []kith.Participant{{Role: kith.RoleFrom, Address: "ann@client.test", Name: "Ann <&>"}, {Role: kith.RoleAttendee, Response: &accepted}},
		Links: []kith.Link{
			{ContactID: contact, Role: kith.RoleFrom, Matched: "ann@client.test", Rule: kith.LinkByEmail},
			{ContactID: contact, Role: kith.RoleCc, Matched: "+3225551234", Rule: kith.LinkByPhone, Ambiguous: true},
		},
		Attachments: []kith.Attachment{{Name: "a.pdf", MediaType: "application/pdf", Size: 3}},
		Flags:       []string{"auto_reply"}, Notes: []kith.Note{{Author: "alice", At: ended.UTC(), Text: "called"}},
		EndedAt: &ended, DurationMinutes: &minutes, Language: &language,
		DeliveryStatus: kith.DeliverySent, CorrespondenceType: "email",
	}
	const format = `{"by":"them","rule":"author","group":"EMAIL",` +
		`"who":[{"r":"from","a":"ann@client.test","n":"Ann <&>"},{"r":"attendee","s":"accepted"}],` +
		`"links":[{"c":CONTACT,"r":"from","p":1},{"c":CONTACT,"r":"cc","m":"+3225551234","u":"phone","x":true}],` +
		`"attachments":[{"name":"a.pdf","media_type":"application/pdf","size":3}],"flags":["auto_reply"],` +
		`"notes":[{"author":"alice","at":"2026-11-23T14:30:00Z","text":"called"}],"ids":["<copy>"],` +
		`"ended":[1795444200000000,-9000],"minutes":45,"delivery":"sent","via":"email","language":"de"}`

	check(t, in, format, `72057594037927936`, func(id kith.ID) int64 { return int64(id[0]) << 56 }, func(n int64) kith.ID { return kith.ID{0: byte(n >> 56), 15: 7} })
	itself := func(id kith.ID) kith.ID { return id }
	check(t, in, format, `"01000000-0000-0000-0000-000000000007"`, itself, itself)
}

func check[C any](t *testing.T, in kith.Interaction, format, contact string, to func(kith.ID) C, from func(C) kith.ID) {
	t.Helper()
	encoder := facts.Encoder[C]{Contact: to}
	for range 2 { // its buffers are used again
		text, err := encoder.Encode(&in, []string{"<copy>"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.ReplaceAll(format, "CONTACT", contact), string(text)); diff != "" {
			t.Fatalf("the column (-want +got):\n%s", diff)
		}
		var out kith.Interaction
		ids, err := facts.Decode(text, &out, from)
		if err != nil || len(ids) != 1 || ids[0] != "<copy>" {
			t.Fatal(ids, err)
		}
		if diff := cmp.Diff(in, out); diff != "" {
			t.Fatalf("read again (-want +got):\n%s", diff)
		}
	}
}
