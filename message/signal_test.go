package message_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/message"
)

func TestSignals(t *testing.T) {
	type signals struct {
		Bulk, AutoReply, AutoForwarded, Receipt, AuthFailed, Bounce bool
		ListPost, Invitation, Sensitivity                           string
	}
	tests := []struct {
		name string
		in   string // fields
		want signals
	}{
		{"a plain letter", "To: b@x.com\n", signals{}},
		{"B09 a discussion list", "Precedence: list\nList-Id: Friends <friends.x.com>\nList-Post: <mailto:friends@X.com>\n", signals{Bulk: true, ListPost: "friends@x.com"}},
		{"B09 a list that may not be written to", "List-Id: <news.x.com>\nList-Post: NO (posting not allowed)\n", signals{Bulk: true}},
		{"B09 a list with two ways to write to it", "List-Post: <https://x.com/post>, <mailto:friends@x.com?subject=hi> (members)\n", signals{Bulk: true, ListPost: "friends@x.com"}},
		{"B09 a list of Mailman", "X-BeenThere: friends@x.com\n", signals{Bulk: true, ListPost: "friends@x.com"}},
		{"B09 a list of majordomo", "X-Mailing-List: friends@x.com\n", signals{Bulk: true, ListPost: "friends@x.com"}},
		{"G03 a newsletter", "List-Unsubscribe: <https://x.com/u>\n", signals{Bulk: true}},
		{"a reply of a sales program, with a link to unsubscribe", "In-Reply-To: <1@x>\nList-Unsubscribe: <https://x.com/u>\n", signals{}},
		{"G03 a list's reply", "In-Reply-To: <1@x>\nList-Unsubscribe: <https://x.com/u>\nList-Id: <l.x.com>\n", signals{Bulk: true}},
		{"G03 bulk", "Precedence: bulk\n", signals{Bulk: true}},
		{"G03 junk", "Precedence: JUNK (really)\n", signals{Bulk: true}},
		{"first-class mail", "Precedence: first-class\n", signals{}},
		{"G03 a campaign", "X-CampaignID: mailchimp1\n", signals{Bulk: true}},
		{"G03 a program's notice", "Auto-Submitted: auto-generated\n", signals{Bulk: true}},
		{"a person's letter, as RFC 3834 says", "Auto-Submitted: no\n", signals{}},
		{"C17 an automatic reply", "Auto-Submitted: auto-replied\n", signals{AutoReply: true}},
		{"C17 with parameters", "Auto-Submitted: Auto-Replied (vacation); owner=a\n", signals{AutoReply: true}},
		{"C17 out of office of Exchange", "Auto-Submitted: auto-generated\nIn-Reply-To: <1@x>\nX-Auto-Response-Suppress: All\nX-MS-Exchange-Inbox-Rules-Loop: a@x.com\n", signals{AutoReply: true}},
		{"C17 X-Autoreply", "X-Autoreply: yes\n", signals{AutoReply: true}},
		{"C17 X-Autorespond", "X-Autorespond: Re: Offer\n", signals{AutoReply: true}},
		{"C17 X-Autoreply that says no", "X-Autoreply: no\n", signals{}},
		{"C17 Precedence", "Precedence: auto_reply\n", signals{AutoReply: true}},
		{"C17 a program that calls its answer bulk", "Auto-Submitted: auto-replied\nPrecedence: bulk\n", signals{AutoReply: true}},
		{"C17 asking for no automatic reply is none", "X-Auto-Response-Suppress: All\n", signals{}},
		{"C17 the subject does not tell", "Subject: Automatic reply: out of office\n", signals{}},
		{"C11 Gmail's forwarding", "X-Forwarded-To: b@y.com\nX-Forwarded-For: a@x.com b@y.com\n", signals{AutoForwarded: true}},
		{"C11 a web server's header of the same name", "X-Forwarded-For: 192.0.2.1\n", signals{}},
		{"C11 Exchange's rule", "X-MS-Exchange-Inbox-Rules-Loop: a@x.com\n", signals{AutoForwarded: true}},
		{"C11 Sieve's redirect", "X-Sieve-Redirected-From: a@x.com\n", signals{AutoForwarded: true}},
		{"C11 X.400", "Autoforwarded: TRUE\n", signals{AutoForwarded: true}},
		{"C11 by word", "Auto-Submitted: auto-forwarded\n", signals{AutoForwarded: true}},
		{"C12 resent by a person", "Resent-From: me@x.com\n", signals{}},
		{"C18 a delivery report", "Content-Type: multipart/report; report-type=\"delivery-status\"; boundary=x\n", signals{Bounce: true}},
		{"C18 MAILER-DAEMON", "From: MAILER-DAEMON@x.com (Mail Delivery System)\n", signals{Bounce: true}},
		{"C18 a postmaster with null return path", "From: Postmaster <postmaster@x.com>\nReturn-Path: <>\n", signals{Bounce: true}},
		{"C18 a postmaster who writes himself", "From: Postmaster <postmaster@x.com>\nReturn-Path: <postmaster@x.com>\n", signals{}},
		{"C18 a null return path alone", "Return-Path: <>\n", signals{}},
		{"C18 Exim's header", "X-Failed-Recipients: b@y.com\n", signals{Bounce: true}},
		{"C18 Exchange's hidden mailbox", "Return-Path: <>\nFrom: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@x.com>\n", signals{Bounce: true}},
		{"C19 a read receipt", "Content-Type: multipart/report; report-type=disposition-notification; boundary=x\n", signals{Receipt: true}},
		{"C19 a report of something else", "Content-Type: multipart/report; report-type=feedback-report; boundary=x\n", signals{}},
		{"C20 an invitation alone", "Content-Type: text/calendar; charset=utf-8; method=request\n", signals{Invitation: "REQUEST"}},
		{"C20 a calendar without method", "Content-Type: text/calendar; charset=utf-8\n", signals{}},
		{"C16 DMARC failed", "Authentication-Results: mx.x.com; spf=pass smtp.mailfrom=y.com; dmarc=fail (p=NONE) header.from=x.com\n", signals{AuthFailed: true}},
		{"C16 DMARC passed in spite of SPF", "Authentication-Results: mx.x.com; spf=fail; dmarc=pass\n", signals{}},
		{"C16 SPF failed and nothing else", "Authentication-Results: mx.x.com; spf=fail; dkim=none\n", signals{AuthFailed: true}},
		{"C16 SPF failed, a signature holds", "Authentication-Results: mx.x.com; dkim=fail; dkim = pass header.d=x.com; spf=fail\n", signals{}},
		{"C16 SPF failed softly", "Authentication-Results: mx.x.com; spf=softfail; dkim=none\n", signals{}},
		{"C16 as Exchange writes, without a server", "Authentication-Results: spf=fail (sender IP is 192.0.2.1) smtp.mailfrom=x.com; dkim=none (message not signed); dmarc=fail action=none header.from=x.com;compauth=fail reason=001\n", signals{AuthFailed: true}},
		{"C16 the word in a comment", "Authentication-Results: mx.x.com; spf=pass (not; dmarc=fail)\n", signals{}},
		{"C16 only the receiving server counts", "Authentication-Results: mx.x.com; dmarc=pass\nAuthentication-Results: evil.com; dmarc=fail\n", signals{}},
		{"C16 nothing was tried", "Authentication-Results: mx.x.com; none\n", signals{}},
		{"H12 private", "Sensitivity: Private\n", signals{Sensitivity: "private"}},
		{"H12 personal", "Sensitivity: Personal\n", signals{Sensitivity: "personal"}},
		{"H12 confidential", "Sensitivity: Company-Confidential\n", signals{Sensitivity: "company-confidential"}},
		{"H12 confidential in other words", "Sensitivity: confidential\n", signals{Sensitivity: "company-confidential"}},
		{"H12 normal", "Sensitivity: Normal\n", signals{}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := message.ParseHeader([]byte(tt.in))
			got := signals{m.Bulk, m.AutoReply, m.AutoForwarded, m.Receipt, m.AuthFailed, m.Bounce != nil, m.ListPost, m.Invitation, m.Sensitivity}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s(-want +got)\n%s", tt.in, diff)
			}
		})
	}
	t.Run("C10 a forwarding alias", func(t *testing.T) {
		m := message.ParseHeader([]byte("To: me@club.test\nDelivered-To: alice@example.test\nX-Original-To: me@club.test\nEnvelope-To: <Alice@example.test>\n"))
		if diff := cmp.Diff([]string{"alice@example.test", "me@club.test"}, m.DeliveredTo); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("C12 who resent it", func(t *testing.T) {
		m := message.ParseHeader([]byte("From: ann@client.test\nResent-From: Me <me@x.com>\n"))
		if diff := cmp.Diff(list("Me", "me@x.com"), m.ResentFrom); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("C18 Exim names the recipients", func(t *testing.T) {
		m := message.ParseHeader([]byte("X-Failed-Recipients: b@y.com,\n  c@y.com\nX-Failed-Recipients: d@y.com\n"))
		want := &kith.Bounce{Action: "failed", Recipients: []string{"b@y.com", "c@y.com", "d@y.com"}}
		if diff := cmp.Diff(want, m.Bounce); diff != "" {
			t.Error(diff)
		}
	})
}
