package main

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"kith"
)

// multipart is the text of a message of several parts.
func multipart(parts ...string) string {
	return "--=b\n" + strings.Join(parts, "\n--=b\n") + "\n--=b--\n"
}

// forwarding is a letter with another one attached.
func forwarding(subject, author string, fields ...string) string {
	return letterWith(multipart(plainPart, "Content-Type: message/rfc822\n\n"+letter("Message-ID: <inner@client.test>", "From: "+author, "Subject: inner")),
		append(fields, "Message-ID: <"+strings.ReplaceAll(subject, " ", "-")+"@mail.test>", "Subject: "+subject, "Content-Type: multipart/mixed; boundary=\"=b\"")...)
}

const plainPart = "Content-Type: text/plain\n\n" + text

// structureCases are about what follows the header, or should.
var structureCases = []hardCase{
	{name: "A13 NUL is taken out", policy: `body = "snippet"`,
		mail: []mail{
			{raw: letterWith("a\x00b\n", "Message-ID: <1@client.test>", "Subject: =?utf-8?Q?a=00b?=", "From: =?utf-8?Q?Ann=00_Doe?= <ann@client.test>")},
			{raw: letterWith("c=00d\n", "Message-ID: <2@client.test>", "Subject: encoded",
				"MIME-Version: 1.0", "Content-Type: text/plain", "Content-Transfer-Encoding: quoted-printable")},
		},
		want: []row{
			// IMAP can't carry a NUL (RFC 9051 §4.3): this server shows 0x80 for it, which is a character.
			{Subject: "ab", People: []string{"from ann@client.test Ann Doe", "to alice@example.test"}, Snippet: "a€b"},
			{Subject: "encoded", Snippet: "cd"},
		},
	},
	{name: "A19 no header as it should be: what can be read of it counts",
		mail: []mail{
			{raw: "From ann@client.test Mon Mar  3 10:00:00 2025\n" + letter("Message-ID: <1@client.test>", "Subject: a mbox line")},
			{raw: "\n" + letter("Message-ID: <2@client.test>", "Subject: an empty line before it")},
			{raw: strings.Replace(letter("Message-ID: <3@client.test>", "Subject: no empty line behind it"), "\n\n", "\n", 1)},
			{raw: strings.Replace(letter("Message-ID: <4@client.test>", "Subject: an empty line in it", "X-A: b"), "X-A", "\nX-A", 1)},
			{raw: "no field\n" + letter("Message-ID: <5@client.test>", "Subject: another line in it")},
		},
		want: []row{{Subject: "a mbox line"}, {Subject: "an empty line before it"}, {Subject: "an empty line in it"},
			{Subject: "another line in it"}, {Subject: "no empty line behind it"}},
	},
	{name: "A21 a message within counts for nothing", contacts: annAndBo,
		mail: []mail{
			{raw: letterWith(multipart(plainPart, "Content-Type: message/rfc822\n\n"+letter("Message-ID: <inner@client.test>", "From: bo@client.test", "Subject: inner")),
				"Content-Type: multipart/mixed; boundary=\"=b\"")},
			{raw: letterWith(letter("Message-ID: <inner2@client.test>", "Subject: inner"), "Message-ID: <2@other.test>", "From: eve@other.test", "Content-Type: message/rfc822")},
		},
		want:    []row{{Subject: "offer", People: []string{"from ann@client.test Ann Doe", "to alice@example.test"}}},
		skipped: map[kith.Reason]int{kith.ReasonNoContact: 1},
	},
	{name: "A21 what is attached counts where the policy says so", contacts: annAndBo, policy: `forwarded = "link"
never_record = ["lawyer@namemark.test"]`,
		mail: []mail{
			{raw: forwarding("client", "bo@client.test", "From: Eve <eve@other.test>")},
			{raw: forwarding("passed on", "=?utf-8?Q?B=C3=B6?= <Bo@Client.test>", "From: Bob <bob@example.test>")},
			{raw: forwarding("sent on to a client", "bo@client.test", "From: alice@example.test", "To: ann@client.test")},
			{raw: forwarding("a stranger's", "eve@other.test", "From: Bob <bob@example.test>")},
			{raw: forwarding("ours", "alice@example.test", "From: eve@other.test")},
			{raw: forwarding("never", "lawyer@namemark.test")},
			{raw: letterWith(letter("From: bo@client.test", "Subject: inner"), "Message-ID: <2@other.test>", "Subject: nothing else", "From: eve@other.test", "Content-Type: message/rfc822")},
			{raw: letterWith("--=b\n\n"+letter("From: bo@client.test", "Subject: inner")+"\n--=b--\n", "Message-ID: <3@other.test>", "Subject: digest", "From: eve@other.test",
				"Content-Type: multipart/digest; boundary=\"=b\"")},
		},
		others: []colleague{bob},
		want: []row{
			{Subject: "client", Links: []string{"forwarded Bo"}, People: []string{"from eve@other.test Eve", "to alice@example.test", "forwarded bo@client.test"}},
			{Subject: "nothing else", Links: []string{"forwarded Bo"}},
			{Subject: "passed on", Links: []string{"forwarded Bo"}, Rule: kith.DirectionByForwarding, Owner: "alice@example.test",
				People: []string{"from bob@example.test Bob", "to alice@example.test", "forwarded bo@client.test Bö"}},
			{Subject: "sent on to a client", Direction: kith.Outbound, Links: []string{"to Ann Doe", "forwarded Bo"}},
		},
		skipped: map[kith.Reason]int{kith.ReasonNoContact: 2, kith.ReasonInternal: 1, kith.ReasonNeverRecord: 1},
	},
	{name: "A22 what is encrypted or wrapped is recorded by its header", policy: `body = "snippet"`,
		mail: []mail{
			{raw: letterWith("MIAGCSqGSIb3DQEHA6CAMIACAQAxggFf\n", "Message-ID: <1@client.test>", "Subject: S/MIME",
				"Content-Type: application/pkcs7-mime; smime-type=enveloped-data; name=smime.p7m", "Content-Transfer-Encoding: base64")},
			{raw: letterWith(multipart("Content-Type: application/pgp-encrypted\n\nVersion: 1\n", "Content-Type: application/octet-stream; name=encrypted.asc\n\n-----BEGIN PGP MESSAGE-----\n"),
				"Message-ID: <2@client.test>", "Subject: PGP/MIME", "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=\"=b\"")},
			{raw: letterWith("eJ8+IjYQAQaQCAAEAAAAAAABAAEAAQeQBgAI\n", "Message-ID: <3@client.test>", "Subject: TNEF",
				"Content-Type: application/ms-tnef; name=winmail.dat", "Content-Transfer-Encoding: base64")},
		},
		want: []row{{Subject: "PGP/MIME"}, {Subject: "S/MIME"}, {Subject: "TNEF"}},
	},
	{name: "A23 a structure that is damaged", policy: `body = "snippet"`,
		mail: []mail{
			{raw: letterWith(text, "Message-ID: <1@client.test>", "Subject: a boundary that never comes", "Content-Type: multipart/mixed; boundary=\"=c\"")},
			{raw: letterWith("--=b\n"+plainPart+"--=b\nContent-Type: application/pdf; name=a.pdf\nContent-Transfer-Encoding: base64\n\nJVBERi0", "Message-ID: <2@client.test>",
				"Subject: cut short", "Content-Type: multipart/mixed; boundary=\"=b\"")},
			{raw: letterWith("%%%% \x01\xff ===\n", "Message-ID: <3@client.test>", "Subject: no base64", "MIME-Version: 1.0", "Content-Type: text/plain", "Content-Transfer-Encoding: base64")},
			{raw: letterWith(text, "Message-ID: <4@client.test>", "Subject: no boundary", "Content-Type: multipart/alternative")},
			{raw: letterWith(text, "Message-ID: <5@client.test>", "Subject: no type", "Content-Type: ;;=\"")},
		},
		want: []row{
			{Subject: "a boundary that never comes"},
			{Subject: "cut short", Attachments: []string{"a.pdf"}, Snippet: "Hello, this is the text."},
			{Subject: "no base64"},
			{Subject: "no boundary"},
			{Subject: "no type"},
		},
	},
	{name: "A29 the text of HTML without scripts, styles and history", policy: `body = "snippet"`,
		mail: []mail{{raw: letterWith("<html><head><style>p{color:red}</style></head><body><p>Hello&nbsp;Alice,</p><script>alert(1)</script><p>yes.</p>"+
			"<div class=\"gmail_quote\">On Monday Alice wrote:<blockquote>No?</blockquote></div></body></html>\n", "Content-Type: text/html; charset=utf-8")}},
		want: []row{{Subject: "offer", Snippet: "Hello Alice, yes."}},
	},
	{name: "A29 no text is kept unless asked for",
		mail: []mail{{raw: letter()}},
		want: []row{{Subject: "offer"}},
	},
}

// sizeStories are about messages that are too large in one way or another.
var sizeStories = []story{
	{"A17 three thousand recipients: the contacts among them are linked, few strangers kept", func(t *testing.T, m *mailServer) {
		people := make([]string, 3000)
		for i := range people {
			people[i] = fmt.Sprintf("Stranger %d <s%d@other.test>", i, i)
		}
		people[0], people[2998], people[2999] = "alice@example.test", "Bo <bo@client.test>", "cy@client.test"
		s := m.open(t, hardCase{top: "[limits]\nrecipients = 100", contacts: annAndBo, mail: []mail{{raw: letter("To: " + strings.Join(people, ",\n "))}}})
		s.unchanged()
		s.poll()
		s.check("after the first pass", row{Subject: "offer", Links: []string{"from Ann Doe", "to Bo", "to Cy"}, Flags: []string{"many_recipients"}})
		if n := len(s.interactions()[0].Participants); n != 100 {
			t.Errorf("%d participants are kept, want 100", n)
		}
	}},
	{"A18 a header of more than a megabyte", func(t *testing.T, m *mailServer) {
		arc := strings.Repeat("ARC-Seal: i=1; a=rsa-sha256; b="+strings.Repeat("x", 900)+"\n", 1300)
		references := "References: " + strings.Repeat("<0123456789abcdef@client.test>\n ", 40_000) + "<last@client.test>\n"
		s := m.open(t, hardCase{mail: []mail{
			{raw: arc + letter("Message-ID: <1@client.test>", "Subject: seals")},
			{raw: strings.Replace(letter("Message-ID: <2@client.test>", "Subject: references behind"), "\n\n", "\n"+references+"\n", 1)},
			{raw: references + letter("Message-ID: <3@client.test>", "Subject: references before")},
			{raw: letter("Message-ID: <4@client.test>", "Subject: another")},
		}})
		s.unchanged()
		if got := s.poll(); got.Quarantined != 1 {
			t.Errorf("%+v: want the one in quarantine whose author is too far down", got)
		}
		s.check("after the first pass", row{Subject: "another"}, row{Subject: "references behind"}, row{Subject: "seals"})
	}},
	{"A20 of a message of 150 MB the header and the structure are read", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{})
		var film bytes.Buffer
		film.Grow(151 << 20)
		film.WriteString(letterWith("--=b\n"+plainPart+"\n--=b\nContent-Type: application/octet-stream; name=film.mp4\n\n", "Content-Type: multipart/mixed; boundary=\"=b\""))
		for line := []byte(strings.Repeat("x", 76) + "\n"); film.Len() < 150<<20; {
			film.Write(line)
		}
		film.WriteString("--=b--\n")
		m.Deliver(t, s.users["alice"], "INBOX", arrived, "", film.Bytes())
		s.unchanged()
		s.poll()
		s.check("after the first pass", row{Subject: "offer", Attachments: []string{"film.mp4"}})
		if sent := m.sent(t, s.users["alice"], 1); sent > 64<<10 {
			t.Errorf("the server sent %d bytes", sent)
		}
	}},
}
