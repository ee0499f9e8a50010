package main

import (
	"strings"
	"testing"
	"time"

	"kith"
)

var proposed = []string{"proposed_identity"} // the flag of what is sent from an address that nobody configured

// directionCases are about which way a message went.
var directionCases = []hardCase{
	{name: "C01 from our own address, in Sent",
		mail: []mail{{in: "Sent", raw: reply()}},
		want: []row{{Subject: "offer", Direction: kith.Outbound, Owner: "alice@example.test"}},
	},
	{name: "C02 from an alias of ours, in any case",
		mail: []mail{
			{in: "Sent", raw: reply("From: ALICE@Alias.Test")},
			{in: "Archive", raw: reply("Message-ID: <2@example.test>", "Subject: not in Sent", "From: Alice@alias.TEST.")},
		},
		want: []row{
			{Subject: "not in Sent", Direction: kith.Outbound, Owner: "alice@example.test"},
			{Subject: "offer", Direction: kith.Outbound, Owner: "alice@example.test"},
		},
	},
	{name: "C03 on behalf of somebody: outbound, by the one in From",
		mail: []mail{{in: "Sent", raw: reply("From: Boss <boss@example.test>", "Sender: Alice <alice@example.test>")}},
		want: []row{{Subject: "offer", Direction: kith.Outbound, Owner: "boss@example.test",
			People: []string{"from boss@example.test Boss", "sender alice@example.test Alice", "to ann@client.test Ann Doe"}}},
	},
	{name: "C04 in Sent, from an address that is not known: outbound, and the address is proposed",
		mail: []mail{{in: "Sent", raw: reply("From: alice@old.test")}},
		want: []row{{Subject: "offer", Direction: kith.Outbound, Rule: kith.DirectionBySent, Owner: "alice@example.test", Flags: proposed}},
	},
	{name: "C05 a copy to oneself: outbound, once",
		mail: []mail{
			{raw: reply("Bcc: alice@example.test")},
			{in: "Sent", raw: reply()},
			{raw: reply("Message-ID: <2@example.test>", "Subject: the copy alone", "Cc: alice@example.test")},
		},
		want: []row{{Subject: "offer", Direction: kith.Outbound, Evidence: 2}, {Subject: "the copy alone", Direction: kith.Outbound}},
	},
	{name: "C06 H05 among colleagues: nothing", others: []colleague{bob},
		mail: []mail{
			{in: "Sent", raw: reply("To: bob@example.test")},
			{of: "bob", raw: reply("To: bob@example.test")},
		},
		skipped: map[kith.Reason]int{kith.ReasonInternal: 2},
	},
	{name: "C06 among colleagues, who want it recorded: once", others: []colleague{bob}, policy: `internal = "record"`,
		mail: []mail{
			{in: "Sent", raw: reply("To: bob@example.test")},
			{of: "bob", raw: reply("To: bob@example.test")},
		},
		want: []row{{Subject: "offer", Direction: kith.Outbound, Evidence: 2, Links: []string{}, Owner: "alice@example.test"}},
	},
	{name: "C07 to a contact and a colleague: one, seen twice", others: []colleague{bob},
		mail: []mail{
			{of: "bob", raw: reply("Cc: bob@example.test")},
			{in: "Sent", raw: reply("Cc: bob@example.test")},
		},
		want: []row{{Subject: "offer", Direction: kith.Outbound, Evidence: 2, Owner: "alice@example.test"}},
	},
	{name: "C08 an archive of everybody's mail: who wrote tells",
		mail: []mail{
			{in: "Journal", raw: letter("To: carol@example.test")},
			{in: "Journal", raw: reply("Subject: reply", "From: carol@example.test")},
		},
		want: []row{
			{Subject: "offer", Owner: "alice@example.test"}, // nobody else has an account
			{Subject: "reply", Direction: kith.Outbound, Owner: "carol@example.test"},
		},
	},
	{name: "C09 a shared mailbox, answered by one of us", others: []colleague{sales},
		mail: []mail{
			{of: "sales", raw: letter("To: sales@example.test")},
			{of: "sales", in: "Sent", raw: reply("Subject: reply", "From: Sales <sales@example.test>", "Sender: anna@example.test")},
		},
		want: []row{
			{Subject: "offer", Owner: "sales@example.test"},
			{Subject: "reply", Direction: kith.Outbound, Owner: "sales@example.test",
				People: []string{"from sales@example.test Sales", "sender anna@example.test", "to ann@client.test Ann Doe"}},
		},
	},
	{name: "C10 an address that forwards to us is ours, even if somebody made a contact of it", contacts: "Ann Doe,ann@client.test\nMe,me@club.test",
		mail: []mail{
			{raw: letter("To: me@club.test", "Delivered-To: alice@example.test", "X-Original-To: me@club.test")},
			{raw: letter("Message-ID: <2@other.test>", "From: eve@other.test", "To: me@club.test", "Delivered-To: me@club.test")},
		},
		want:    []row{{Subject: "offer", Owner: "alice@example.test"}},
		skipped: map[kith.Reason]int{kith.ReasonNoContact: 1},
	},
	{name: "C11 a rule of ours sends on: nothing; what a rule redirects: once", others: []colleague{bob},
		mail: []mail{
			{in: "Sent", raw: reply("Message-ID: <2@example.test>", "Subject: FW: offer", "To: ann@client.test", "X-MS-Exchange-Inbox-Rules-Loop: alice@example.test")},
			{in: "Sent", raw: reply("Message-ID: <3@example.test>", "Subject: Fwd: offer", "Auto-Submitted: auto-forwarded")},
			{raw: letter()},
			{of: "bob", raw: letter("X-Forwarded-To: bob@example.test", "X-Forwarded-For: alice@example.test bob@example.test", "Delivered-To: bob@example.test")},
		},
		want:    []row{{Subject: "offer", Evidence: 2}},
		skipped: map[kith.Reason]int{kith.ReasonAutoForward: 2},
	},
	{name: "C12 sent on unchanged: still from its author", contacts: annAndBo,
		mail: []mail{{in: "Sent", raw: letter("Resent-From: alice@example.test", "Resent-To: bo@client.test", "Resent-Date: Tue, 4 Mar 2025 10:00:00 +0100")}},
		want: []row{{Subject: "offer", Flags: []string{"resent"}}},
	},
	{name: "C13 H11 what lies in Drafts, Trash and Junk is not looked at, a draft elsewhere is skipped",
		mail: []mail{
			{in: "Drafts", raw: reply("Message-ID: <1@example.test>")},
			{in: "Trash", raw: letter("Message-ID: <2@client.test>")},
			{in: "Junk", raw: letter("Message-ID: <3@client.test>")},
			{flags: `\Draft \Seen`, raw: reply("Message-ID: <4@example.test>")},
			{in: "Sent", raw: reply("Message-ID: <5@example.test>")},
		},
		want:    []row{{Subject: "offer", Direction: kith.Outbound}},
		skipped: map[kith.Reason]int{kith.ReasonDraft: 1},
	},
	{name: "C13 H11 even where the folder of drafts is asked for", account: `include = ["INBOX", "Drafts"]`,
		mail:    []mail{{in: "Drafts", raw: reply()}},
		skipped: map[kith.Reason]int{kith.ReasonDraft: 1},
	},
	{name: "C14 the name of a folder for what was sent, where no attribute tells",
		mail: []mail{
			{in: "Gesendete Elemente", raw: reply("Subject: a", "From: alice@old.test")},
			{in: "Éléments envoyés", raw: reply("Subject: b", "From: alice@old.test")},
			{in: "已发送", raw: reply("Subject: c", "From: alice@old.test")},
		},
		want: []row{
			{Subject: "a", Direction: kith.Outbound, Rule: kith.DirectionBySent, Flags: proposed},
			{Subject: "b", Direction: kith.Outbound, Rule: kith.DirectionBySent, Flags: proposed},
			{Subject: "c", Direction: kith.Outbound, Rule: kith.DirectionBySent, Flags: proposed},
		},
	},
	{name: "C15 all mail in one folder: who wrote tells", account: `include = ["All Mail"]`,
		mail: []mail{
			{in: "All Mail", raw: letter()},
			{in: "All Mail", raw: reply("Subject: reply")},
			{raw: letter("Message-ID: <2@client.test>", "Subject: not read")},
		},
		want: []row{{Subject: "offer"}, {Subject: "reply", Direction: kith.Outbound}},
	},
	{name: "C16 somebody pretends to be us",
		mail: []mail{
			{raw: reply("Message-ID: <1@evil.test>", "Authentication-Results: mx.example.test; dmarc=fail (p=reject) header.from=example.test")},
			{raw: reply("Message-ID: <2@evil.test>", "Authentication-Results: mx.example.test; spf=fail smtp.mailfrom=example.test; dkim=none")},
		},
		skipped: map[kith.Reason]int{kith.ReasonSpoofed: 2},
	},
	{name: "C17 an automatic reply is flagged",
		mail: []mail{
			{raw: letter("Auto-Submitted: auto-replied")},
			{raw: letter("Message-ID: <2@client.test>", "Subject: older programs", "X-Autoreply: yes")},
		},
		want: []row{{Subject: "offer", Flags: []string{"auto_reply"}}, {Subject: "older programs", Flags: []string{"auto_reply"}}},
	},
	{name: "C17 an automatic reply is skipped if that is wanted", policy: `auto_reply = "skip"`,
		mail:    []mail{{raw: letter("Auto-Submitted: auto-replied (vacation)")}},
		skipped: map[kith.Reason]int{kith.ReasonAutoReply: 1},
	},
	{name: "C18 a bounce marks what it tells of, and is nothing itself", contacts: "Ann Doe,ann@client.test\nDaemon,mailer-daemon@client.test",
		mail: []mail{
			{in: "Sent", raw: reply()},
			{in: "Sent", raw: reply("Message-ID: <2@example.test>", "Subject: late")},
			{raw: bounce("<1@example.test>", "failed", "5.1.1")},
			{raw: bounce("<2@example.test>", "delayed", "4.4.1")},
			{raw: bounce("<unknown@example.test>", "failed", "5.1.1")},
		},
		want: []row{
			{Subject: "late", Direction: kith.Outbound},
			{Subject: "offer", Direction: kith.Outbound, Delivery: kith.DeliveryBounced},
		},
		skipped: map[kith.Reason]int{kith.ReasonBounce: 3},
	},
	{name: "C19 a receipt is no letter",
		mail: []mail{
			{raw: letterWith(multipart("Content-Type: text/plain\n\nYour message was read.\n",
				"Content-Type: message/disposition-notification\n\nOriginal-Message-ID: <1@example.test>\nDisposition: manual-action/MDN-sent-manually; displayed\n"),
				"Subject: Read: offer", "Content-Type: multipart/report; report-type=disposition-notification; boundary=\"=b\"")},
		},
		skipped: map[kith.Reason]int{kith.ReasonReceipt: 1},
	},
	{name: "C20 an invitation is the calendar's, a letter with a calendar file is a letter",
		mail: []mail{
			{raw: letterWith(multipart(plainPart, "Content-Type: text/calendar; method=REQUEST\n\n"+invitation("REQUEST")),
				"Message-ID: <1@client.test>", "Subject: meet", "Content-Type: multipart/alternative; boundary=\"=b\"")},
			{raw: letterWith(invitation("REQUEST"), "Message-ID: <2@client.test>", "Subject: meet", "Content-Type: text/calendar; charset=utf-8; method=request")},
			{raw: letterWith(multipart(plainPart, "Content-Type: text/calendar; name=fair.ics\nContent-Disposition: attachment; filename=fair.ics\n\n"+invitation("PUBLISH")),
				"Message-ID: <3@client.test>", "Subject: the fair", "Content-Type: multipart/mixed; boundary=\"=b\"")},
		},
		want:    []row{{Subject: "the fair", Attachments: []string{"fair.ics"}}},
		skipped: map[kith.Reason]int{kith.ReasonInvitation: 2},
	},
	{name: "C21 an answer to an invitation is the calendar's",
		mail: []mail{{raw: letterWith(multipart(plainPart, "Content-Type: text/calendar; method=REPLY\n\n"+invitation("REPLY")),
			"Subject: Accepted: meet", "Content-Type: multipart/alternative; boundary=\"=b\"")}},
		skipped: map[kith.Reason]int{kith.ReasonInvitation: 1},
	},
}

// bounce is a report of the mail server of Ann's about a message of Alice's.
func bounce(of, action, status string) string {
	return letterWith(multipart(plainPart,
		"Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.client.test\n\nFinal-Recipient: rfc822; ann@client.test\nAction: "+action+"\nStatus: "+status+"\n",
		"Content-Type: message/rfc822\n\n"+reply("Message-ID: "+of)),
		"Message-ID: <b"+strings.Trim(of, "<>")+">", "From: Mail Delivery System <MAILER-DAEMON@client.test>", "Subject: Undelivered", "Return-Path: <>",
		"Content-Type: multipart/report; report-type=delivery-status; boundary=\"=b\"")
}

func invitation(method string) string {
	return "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nMETHOD:" + method + "\nBEGIN:VEVENT\nUID:1@client.test\nDTSTAMP:20250303T090000Z\nDTSTART:20250304T090000Z\nEND:VEVENT\nEND:VCALENDAR\n"
}

var directionStories = []story{
	{"C13 a draft that is sent is recorded once", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{{in: "Drafts", flags: `\Draft`, raw: reply()}}})
		if got := s.poll(); got.Items != 0 {
			t.Errorf("with the draft: %+v", got)
		}
		s.server.Adm(t, "expunge", "-u", s.users["alice"], "mailbox", "Drafts", "all")
		s.deliver(mail{in: "Sent", flags: `\Seen`, raw: reply()})
		s.poll()
		s.check("once it is sent", row{Subject: "offer", Direction: kith.Outbound})
	}},
	{"C18 a bounce that is read before the message it tells of", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{{raw: bounce("<1@example.test>", "failed", "5.1.1")}}})
		s.poll()
		s.deliver(mail{in: "Sent", at: arrived.Add(time.Minute), raw: reply()})
		s.poll()
		s.check("after both", row{Subject: "offer", Direction: kith.Outbound, Delivery: kith.DeliveryBounced})
	}},
}
