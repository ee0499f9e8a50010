package message_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/message"
)

func TestParseHeader(t *testing.T) {
	raw := "Return-Path: <ann@client.test>\r\n" +
		"Delivered-To: alice@example.test\r\n" +
		"X-Original-To: Sales@Example.test\r\n" +
		"Delivered-To: me@club.test\r\n" +
		"Message-ID: <1@client.test>\r\n" +
		"In-Reply-To: <0@example.test>\r\n" +
		"References: <r@client.test> <0@example.test>\r\n" +
		"Date: Mon, 23 Nov 2026 09:15:00 +0100\r\n" +
		"Subject: Re: Offer\r\n" +
		"From: Ann Doe <Ann@client.test>, boss@client.test\r\n" +
		"Sender: Assistant <assistant@client.test>\r\n" +
		"Reply-To: ann.doe@client.test\r\n" +
		"To: Alice <alice@example.test>\r\n" +
		"Cc: bob@example.test\r\n" +
		"Bcc: carol@example.test\r\n" +
		"Resent-From: Alice <alice@example.test>\r\n" +
		"X-Original-From: Dora <dora@other.test>\r\n" +
		"Sensitivity: Company-Confidential\r\n" +
		"\r\n" +
		"From: not@read.test\r\n"
	want := &kith.Message{
		MessageID:    "<1@client.test>",
		InReplyTo:    []string{"<0@example.test>"},
		References:   []string{"<r@client.test>", "<0@example.test>"},
		Date:         time.Date(2026, 11, 23, 9, 15, 0, 0, time.FixedZone("", 3600)),
		DateSource:   kith.DateFromHeader,
		Subject:      "Re: Offer",
		From:         list("Ann Doe", "ann@client.test", "", "boss@client.test"),
		Sender:       &kith.Address{Name: "Assistant", Address: "assistant@client.test"},
		ReplyTo:      list("", "ann.doe@client.test"),
		To:           list("Alice", "alice@example.test"),
		Cc:           list("", "bob@example.test"),
		Bcc:          list("", "carol@example.test"),
		OriginalFrom: list("Dora", "dora@other.test"),
		ResentFrom:   list("Alice", "alice@example.test"),
		DeliveredTo:  []string{"alice@example.test", "me@club.test", "sales@example.test"},
		Sensitivity:  "company-confidential",
	}
	if diff := cmp.Diff(want, message.ParseHeader([]byte(raw))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	t.Run("A28 LF only and odd case", func(t *testing.T) {
		odd := strings.ReplaceAll(raw, "\r\n", "\n")
		odd = strings.NewReplacer("Message-ID:", "message-id:", "From:", "FROM:", "Subject:", "sUBJECT :", "To:", "to:").Replace(odd)
		if diff := cmp.Diff(want, message.ParseHeader([]byte(odd))); diff != "" {
			t.Errorf("(-want +got)\n%s", diff)
		}
	})
}

func TestFields(t *testing.T) {
	for _, name := range message.Fields {
		if name == "" || strings.ContainsAny(name, " :()") {
			t.Errorf("%q is no field that a server can be asked for", name)
		}
	}
}

func TestSubject(t *testing.T) {
	tests := []struct {
		name, in, want string
	}{
		{"A30 empty", "", ""},
		{"A30 a reply to nothing", "Re:", "Re:"},
		{"plain", "Offer 4711", "Offer 4711"},
		{"not cut", strings.Repeat("x", 1000), strings.Repeat("x", 1000)},
		{"folded", "Offer\r\n 4711\r\n\tof today", "Offer 4711 of today"},
		{"folded with an empty line", "Offer\r\n  \r\n 4711", "Offer 4711"},
		{"Q", "=?utf-8?Q?Angebot_f=C3=BCr?=", "Angebot für"},
		{"Q in lower case", "=?utf-8?q?Angebot_f=c3=bcr?=", "Angebot für"},
		{"Q that is damaged", "=?utf-8?Q?a=3_b=ZZ?=", "a=3 b=ZZ"},
		{"B", "=?utf-8?B?QW5nZWJvdCBmw7xy?=", "Angebot für"},
		{"B without padding", "=?utf-8?B?QW4?=", "An"},
		{"B that is damaged", "=?utf-8?B?QW5!nZW*Jvd?=", "Angebo"},
		{"an empty word", "=?utf-8?Q??=x", "x"},
		{"words with blanks between", "=?utf-8?Q?a?= =?utf-8?Q?b?=  c =?utf-8?Q?d?=", "ab  c d"},
		{"words folded", "=?utf-8?Q?a?=\r\n =?utf-8?Q?_b?=", "a b"},
		{"words without blanks", "=?utf-8?Q?a?==?utf-8?B?Yg==?=c", "abc"},
		{"a word within a word", "x=?utf-8?Q?a?=y", "xay"},
		{"question marks in a word", "=?utf-8?Q?Really??=", "Really?"},
		{"no word", "=?utf-8?X?a?= =?utf-8?Q?a =?", "=?utf-8?X?a?= =?utf-8?Q?a =?"},
		{"A16 a character cut in two, B", "=?utf-8?B?w?= =?utf-8?B?7w=?=", "ü"},
		{"A16 a character cut in two, Q", "=?utf-8?Q?f=C3?= =?utf-8?Q?=BCr?=", "für"},
		{"A16 a character cut in two over a fold", "=?utf-8?Q?f=C3?=\r\n =?UTF-8?B?vHI=?=", "für"},
		{"A16 half a character at the end", "=?utf-8?Q?f=C3?=", "f\ufffd"},
		{"A11 with a language", "=?utf-8*fr?Q?=C3=A9t=C3=A9?=", "été"},
		{"A11 iso-8859-8-i", "=?iso-8859-8-i?Q?=F9=EC=E5=ED?=", "שלום"},
		{"A11 x-unknown, in UTF-8", "=?x-unknown?Q?=C3=A9t=C3=A9?=", "été"},
		{"A11 x-unknown, in latin1", "=?x-unknown?Q?=E9t=E9?=", "été"},
		{"A11 cp-850", "=?cp-850?Q?=82t=82?=", "été"},
		{"A11 cp850", "=?CP850?Q?=82t=82?=", "été"},
		{"A11 win-1251", "=?win-1251?Q?=CF=F0=E8=E2=E5=F2?=", "Привет"},
		{"A11 utf8", "=?utf8?Q?=C3=A9?=", "é"},
		{"A11 latin-1", "=?latin-1?Q?=E9?=", "é"},
		{"A11 iso-2022-jp", "=?iso-2022-jp?B?GyRCJDMkcxsoQg==?=", "こん"},
		{"A11 gb2312", "=?gb2312?B?xOO6ww==?=", "你好"},
		{"A11 ks_c_5601-1987", "=?ks_c_5601-1987?B?vsiz5w==?=", "안녕"},
		{"A11 hz", "=?hz-gb-2312?Q?~=7B<:Ky2=3B~=7D?=", "己所不"},
		{"A11 US-ASCII that is none", "=?us-ascii?Q?=C3=A9?=", "é"},
		{"A11 UTF-8 that is none", "=?utf-8?Q?=E9t=E9?=", "\ufffdt\ufffd"},
		{"A12 raw latin1", "Angebot f\xfcr Sie", "Angebot für Sie"},
		{"A12 raw UTF-8", "Angebot für Sie", "Angebot für Sie"},
		{"A12 raw iso-2022-jp", "\x1b$B$3$s\x1b(B", "こん"},
		{"A13 NUL", "Off\x00er", "Offer"},
		{"A13 NUL in a word", "=?utf-8?Q?Off=00er?=", "Offer"},
		{"A14 controls", "a\x01\x1b\x7fb=?utf-8?Q?=C2=9Cc?=", "abc"},
		{"A14 blanks of all kinds", "a\tb\u2028c\u2029d\u0085e", "a b c d e"},
		{"A14 a line end in a word", "=?utf-8?Q?a=0D=0Ab?=", "a  b"},
		{"A14 direction marks", "\u202eabc\u202c \u2066d\u2069 \u200fe\u061c", "abc d e"},
		{"A14 a lone surrogate", "=?utf-8?Q?a=ED=A0=80b?=", "a\ufffdb"},
		{"A14 a byte order mark", "\ufeffabc", "abc"},
		{"A15 backslash, quotes and percent", `C:\x "it's" 100% \n`, `C:\x "it's" 100% \n`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := message.ParseHeader([]byte("Subject: " + tt.in + "\r\n")).Subject
			if got != tt.want {
				t.Errorf("Subject: %q = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
	t.Run("A12 raw 8 bits in the charset of the body", func(t *testing.T) {
		m := message.ParseHeader([]byte("Subject: \xf0\xd2\xc9\xd7\xc5\xd4\r\nContent-Type: text/plain; charset=koi8-r\r\n"))
		if want := "Привет"; m.Subject != want {
			t.Errorf("Subject = %q, want %q", m.Subject, want)
		}
	})
}

func TestOddHeaders(t *testing.T) {
	tests := []struct {
		name     string
		in       string
		subject  string
		from     []kith.Address
		warnings []string
	}{
		{"A27 two subjects", "From: a@x.com\r\nSubject: one\r\nSubject: two\r\n", "one", list("", "a@x.com"),
			[]string{"Subject is given more than once: the first is used"}},
		{"A27 two authors", "From: a@x.com\r\nFrom: b@x.com\r\nSubject: s\r\n", "s", list("", "a@x.com"),
			[]string{"From is given more than once: the first is used"}},
		{"A27 the first is empty", "From: a@x.com\r\nSubject:\r\nSubject: two\r\n", "two", list("", "a@x.com"), nil},
		{"A27 one author, told twice", "From: a@x.com\r\nFrom: a@x.com\r\nSubject: s\r\n", "s", list("", "a@x.com"),
			[]string{"From is given more than once: the first is used"}},
		{"A06 no From", "Sender: a@x.com\r\nSubject: s\r\n", "s", nil, []string{"no From"}},
		{"A19 an mbox line", "From a@x.com Mon Nov 23 09:15:00 2026\r\nFrom: a@x.com\r\nSubject: s\r\n", "s", list("", "a@x.com"), nil},
		{"A19 a quoted mbox line", ">From a@x.com Mon Nov 23 09:15:00 2026\nFrom: a@x.com\nSubject: s\n", "s", list("", "a@x.com"), nil},
		{"A19 an empty line first", "\r\n\r\nFrom: a@x.com\r\nSubject: s\r\n", "s", list("", "a@x.com"), nil},
		{"A19 an empty line within", "From: a@x.com\r\n\r\nSubject: s\r\n", "", list("", "a@x.com"), nil},
		{"A19 a line that is no field", "From: a@x.com\r\nHello there\r\nSubject: s\r\n", "s", list("", "a@x.com"),
			[]string{"a line of the header is no field"}},
		{"A28 a blank before the colon", "From : a@x.com\r\nSubject\t: s\r\n", "s", list("", "a@x.com"), nil},
		{"A28 no line end at the end", "From: a@x.com\nSubject: s", "s", list("", "a@x.com"), nil},
		{"a byte order mark first", "\ufeffFrom: a@x.com\r\nSubject: s\r\n", "s", list("", "a@x.com"), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := message.ParseHeader([]byte(tt.in))
			if m.Subject != tt.subject {
				t.Errorf("Subject = %q, want %q", m.Subject, tt.subject)
			}
			if diff := cmp.Diff(tt.from, m.From); diff != "" {
				t.Errorf("From (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tt.warnings, m.Warnings); diff != "" {
				t.Errorf("Warnings (-want +got)\n%s", diff)
			}
			if want := strings.HasPrefix(tt.name, "A27 two"); m.Repeated != want {
				t.Errorf("Repeated = %v, want %v", m.Repeated, want)
			}
		})
	}
	t.Run("A27 two Message-IDs", func(t *testing.T) {
		if got := message.ParseHeader([]byte("Message-ID: <1@x>\r\nMessage-ID: <2@x>\r\n")).MessageID; got != "<1@x>" {
			t.Errorf("MessageID = %q, want the first", got)
		}
	})
	t.Run("A27 To twice: nobody is lost", func(t *testing.T) {
		m := message.ParseHeader([]byte("From: a@x\r\nTo: b@x.com\r\nTo: c@x.com\r\n"))
		if diff := cmp.Diff(list("", "b@x.com", "", "c@x.com"), m.To); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("A05 two authors and a sender", func(t *testing.T) {
		m := message.ParseHeader([]byte("From: a@x.com, b@x.com\r\nSender: s@x.com\r\n"))
		if diff := cmp.Diff(list("", "a@x.com", "", "b@x.com"), m.From); diff != "" || m.Sender == nil || m.Sender.Address != "s@x.com" {
			t.Errorf("From %v, Sender %v", m.From, m.Sender)
		}
	})
	t.Run("A18 a header of two megabytes", func(t *testing.T) {
		raw := "From: a@x.com\r\nSubject: s\r\nReferences: " + strings.Repeat("<0123456789@x.com>\r\n ", 100_000) + "\r\nTo: late@x.com\r\n"
		m := message.ParseHeader([]byte(raw))
		if m.Subject != "s" || len(m.References) != 1 || len(m.To) != 0 {
			t.Errorf("Subject %q, %d references, To %v", m.Subject, len(m.References), m.To)
		}
		if diff := cmp.Diff([]string{"the header is longer than a megabyte: the rest is not read"}, m.Warnings); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("warnings are bounded", func(t *testing.T) {
		var b strings.Builder
		for range 1000 {
			b.WriteString("no field\r\nFrom: a@x\r\nTo: b@x\r\n")
		}
		if m := message.ParseHeader([]byte(b.String())); len(m.Warnings) > 50 {
			t.Errorf("%d warnings", len(m.Warnings))
		}
	})
}
