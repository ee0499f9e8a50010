package message_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/message"
)

func TestReadBounce(t *testing.T) {
	original := "Received: from x\r\nMessage-ID: <1@example.test>\r\nFrom: me@example.test\r\nTo: Ann <ann@client.test>\r\nSubject: Offer\r\n"
	report := func(groups ...string) string {
		return "Reporting-MTA: dns; mx.client.test\r\nArrival-Date: Mon, 23 Nov 2026 09:15:00 +0100\r\n\r\n" + strings.Join(groups, "\r\n")
	}
	failed := "Final-Recipient: rfc822; Ann@client.test\r\nAction: failed\r\nStatus: 5.1.1\r\nDiagnostic-Code: smtp; 550 5.1.1 <ann@client.test>:\r\n no such user\r\n"
	tests := []struct {
		name             string
		report, original string
		want             kith.Bounce
	}{
		{"nothing to read", "", "", kith.Bounce{Action: "failed"}},
		{"C18 one recipient", report(failed), original,
			kith.Bounce{MessageID: "<1@example.test>", Recipients: []string{"ann@client.test"}, Action: "failed", Status: "5.1.1", Reason: "550 5.1.1 <ann@client.test>: no such user"}},
		{"C18 LF only", strings.ReplaceAll(report(failed), "\r\n", "\n"), strings.ReplaceAll(original, "\r\n", "\n"),
			kith.Bounce{MessageID: "<1@example.test>", Recipients: []string{"ann@client.test"}, Action: "failed", Status: "5.1.1", Reason: "550 5.1.1 <ann@client.test>: no such user"}},
		{"C18 two recipients", report(failed, strings.ReplaceAll(failed, "nn@", "bel@")), original,
			kith.Bounce{MessageID: "<1@example.test>", Recipients: []string{"ann@client.test", "abel@client.test"}, Action: "failed", Status: "5.1.1", Reason: "550 5.1.1 <ann@client.test>: no such user"}},
		{"C18 the alias that we wrote to", report("Original-Recipient: rfc822;ann@client.test\r\nFinal-Recipient: rfc822; x123@inside.test\r\nAction: failed\r\nStatus: 5.2.2 (mailbox full)\r\n"), original,
			kith.Bounce{MessageID: "<1@example.test>", Recipients: []string{"ann@client.test"}, Action: "failed", Status: "5.2.2"}},
		{"C18 delayed", report("Final-Recipient: rfc822;ann@client.test\r\nAction: Delayed\r\nStatus: 4.4.1\r\n"), original,
			kith.Bounce{MessageID: "<1@example.test>", Recipients: []string{"ann@client.test"}, Action: "delayed", Status: "4.4.1"}},
		{"C18 delivered", report("Final-Recipient: rfc822;ann@client.test\r\nAction: delivered\r\nStatus: 2.0.0\r\n"), original,
			kith.Bounce{MessageID: "<1@example.test>", Recipients: []string{"ann@client.test"}, Action: "delivered", Status: "2.0.0"}},
		{"C18 one failed, one delayed", report("Final-Recipient: rfc822;bob@client.test\r\nAction: delayed\r\nStatus: 4.4.1\r\n", failed), original,
			kith.Bounce{MessageID: "<1@example.test>", Recipients: []string{"ann@client.test"}, Action: "failed", Status: "5.1.1", Reason: "550 5.1.1 <ann@client.test>: no such user"}},
		{"C18 no original", report(failed), "",
			kith.Bounce{Recipients: []string{"ann@client.test"}, Action: "failed", Status: "5.1.1", Reason: "550 5.1.1 <ann@client.test>: no such user"}},
		{"C18 for people only, with the message quoted", "Hi. This is the qmail-send program at client.test.\n<ann@client.test>:\nSorry, no mailbox here.\n\n--- Below this line is a copy of the message.\n\nMessage-ID: <1@example.test>\nTo: ann@client.test\n", "",
			kith.Bounce{MessageID: "<1@example.test>", Action: "failed"}},
		{"C18 for people only, with the message attached", "No such user.\n", original,
			kith.Bounce{MessageID: "<1@example.test>", Recipients: []string{"ann@client.test"}, Action: "failed"}},
		{"A13 controls in the reason", report("Final-Recipient: rfc822;ann@client.test\r\nAction: failed\r\nStatus: 5.0.0\r\nDiagnostic-Code: smtp; 550\x00 no\x1b[1m \xff\r\n"), "",
			kith.Bounce{Recipients: []string{"ann@client.test"}, Action: "failed", Status: "5.0.0", Reason: "550 no[1m \ufffd"}},
		{"an address that is none", report("Final-Recipient: x400; /c=us/s=doe\r\nAction: failed\r\nStatus: 5.0.0\r\n"), "",
			kith.Bounce{Recipients: []string{"/c=us/s=doe"}, Action: "failed", Status: "5.0.0"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m kith.Message
			message.ReadBounce(&m, []byte(tt.report), []byte(tt.original))
			if diff := cmp.Diff(&tt.want, m.Bounce); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	t.Run("C18 the report answers the original, as Exchange does", func(t *testing.T) {
		m := message.ParseHeader([]byte("In-Reply-To: <1@example.test>\r\n"))
		message.ReadBounce(m, []byte(report(failed)), nil)
		if m.Bounce.MessageID != "<1@example.test>" {
			t.Errorf("MessageID = %q", m.Bounce.MessageID)
		}
	})
	t.Run("the recipients of the header are kept", func(t *testing.T) {
		m := message.ParseHeader([]byte("X-Failed-Recipients: bob@client.test\r\n"))
		message.ReadBounce(m, []byte("No such user.\n"), []byte(original))
		want := &kith.Bounce{MessageID: "<1@example.test>", Recipients: []string{"bob@client.test"}, Action: "failed"}
		if diff := cmp.Diff(want, m.Bounce); diff != "" {
			t.Error(diff)
		}
	})
}

func TestBounceParts(t *testing.T) {
	text, status := part("text/plain", 100), part("message/delivery-status", 200)
	whole, headers := part("message/rfc822", 3000), part("text/rfc822-headers", 300)
	tests := []struct {
		name             string
		root             *message.Part
		report, original *message.Part
	}{
		{"nothing known", nil, nil, nil},
		{"C18 with the message", multi("report", text, status, whole), status, whole},
		{"C18 with its header", multi("report", text, status, headers), status, headers},
		{"C18 without it", multi("report", text, status), status, nil},
		{"C18 wrapped", multi("mixed", multi("report", text, status, whole), part("text/plain", 10)), status, whole},
		{"C18 text alone", text, text, nil},
		{"C18 text and the message", multi("mixed", text, whole), text, whole},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if report, original := message.BounceParts(tt.root); report != tt.report || original != tt.original {
				t.Errorf("%+v, %+v", report, original)
			}
		})
	}
}
