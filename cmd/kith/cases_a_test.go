package main

import (
	"strings"
	"time"

	"kith"
)

const annAndBo = "Ann Doe,ann@client.test\nBo,bo@client.test\nCy,cy@client.test"

// addressCases are about the header fields that hold addresses.
var addressCases = []hardCase{
	{name: "A01 a comma within an encoded word does not split",
		mail: []mail{{raw: letter("From: =?utf-8?Q?Doe=2C_John?= <ann@client.test>, =?utf-8?B?w4kuLCDDiS4=?= <e@other.test>")}},
		want: []row{{Subject: "offer", People: []string{"from ann@client.test Doe, John", "from e@other.test É., É.", "to alice@example.test"}}},
	},
	{name: "A02 a comma in a quoted name does not split",
		mail: []mail{{raw: letter(`To: "Doe, John" <john@other.test>, alice@example.test`)}},
		want: []row{{Subject: "offer", People: []string{"from ann@client.test Ann Doe", "to john@other.test Doe, John", "to alice@example.test"}}},
	},
	{name: "A03 the members of a group are recipients, its name is none", contacts: annAndBo,
		mail: []mail{{raw: letter("To: Team: bo@client.test, alice@example.test;, cy@client.test")}},
		want: []row{{Subject: "offer", Links: []string{"from Ann Doe", "to Bo", "to Cy"},
			People: []string{"from ann@client.test Ann Doe", "to bo@client.test", "to alice@example.test", "to cy@client.test"}}},
	},
	{name: "A04 undisclosed recipients are none, the sender counts",
		mail: []mail{{raw: letter("To: undisclosed-recipients:;")}},
		want: []row{{Subject: "offer", People: []string{"from ann@client.test Ann Doe"}, Owner: "alice@example.test"}},
	},
	{name: "A05 two authors and a sender", contacts: annAndBo,
		mail: []mail{
			{raw: letter("From: Ann Doe <ann@client.test>, bo@client.test", "Sender: Cy <cy@client.test>")},
			{in: "Sent", raw: letter("Message-ID: <2@example.test>", "Subject: together", "From: Ann Doe <ann@client.test>, alice@example.test",
				"Sender: ann@client.test", "To: bo@client.test")},
		},
		want: []row{
			{Subject: "offer", Links: []string{"from Ann Doe", "from Bo", "sender Cy"},
				People: []string{"from ann@client.test Ann Doe", "from bo@client.test", "sender cy@client.test Cy", "to alice@example.test"}},
			{Subject: "together", Direction: kith.Outbound, Links: []string{"from Ann Doe", "to Bo"}, Owner: "alice@example.test"},
		},
	},
	{name: "A06 no From: Sender counts; neither: skipped",
		mail: []mail{
			{raw: letter("Message-ID: <1@x.test>", "From:")},
			{raw: letter("From:", "Sender: Ann Doe <ann@client.test>")},
			{raw: letter("Message-ID: <3@client.test>", "Subject: third")},
		},
		want:    []row{{Subject: "offer", People: []string{"from ann@client.test Ann Doe", "to alice@example.test"}}, {Subject: "third"}},
		skipped: map[kith.Reason]int{kith.ReasonNoSender: 1},
	},
	{name: "A24 one domain in letters and in Punycode", contacts: "Ann Doe,ann@münchen.test\nBo,bo@xn--mnchen-3ya.test\nJürgen,jürgen@client.test",
		mail: []mail{
			{raw: letter("From: ann@XN--mnchen-3ya.test", "Cc: bo@MÜNCHEN.test")},
			{raw: letter("Message-ID: <2@client.test>", "Subject: SMTPUTF8", "From: Jürgen <jürgen@client.test>")},
		},
		want: []row{
			{Subject: "SMTPUTF8", Links: []string{"from Jürgen"}, People: []string{"from jürgen@client.test Jürgen", "to alice@example.test"}},
			{Subject: "offer", Links: []string{"from Ann Doe", "cc Bo"},
				People: []string{"from ann@xn--mnchen-3ya.test", "to alice@example.test", "cc bo@xn--mnchen-3ya.test"}},
		},
	},
	{name: "A25 the names of a directory are no addresses",
		mail: []mail{
			{raw: letter("Message-ID: <1@exchange.test>", "From: Exchange <IMCEAEX-_O=EXCHANGELABS_OU=X_CN=RECIPIENTS_CN=ANN@client.test>")},
			{raw: letter("Message-ID: <2@exchange.test>", "From: </o=ExchangeLabs/ou=Exchange/cn=Recipients/cn=ann>")},
			{raw: letter("Cc: IMCEAEX-_O=EXCHANGELABS_CN=BO@client.test")},
		},
		want: []row{{Subject: "offer"}},
		// Even the list of contacts is as it was: see [row.Links].
		skipped: map[kith.Reason]int{kith.ReasonNotSMTPAddress: 2},
	},
	{name: "A26 an address in any dress",
		mail: []mail{
			{raw: letter("Subject: a", "From: <ann@client.test.>")},
			{raw: letter("Subject: b", "From: mailto:ann@client.test")},
			{raw: letter("Subject: c", "From: 'ann@client.test'")},
			{raw: letter("Subject: d", "From: Ann <\u00a0ann@client.test >")},
			{raw: letter("Subject: e", "From: ann\u200b@client.test")},
			{raw: letter("Subject: f", "From: \"'ANN@client.test'\" <MAILTO:Ann@Client.Test>")},
		},
		want: []row{{Subject: "a"}, {Subject: "b"}, {Subject: "c"}, {Subject: "d"}, {Subject: "e"}, {Subject: "f"}},
	},
}

// fieldCases are about dates, subjects and the form of header fields.
var fieldCases = []hardCase{
	{name: "A07 no date: the server's counts",
		mail: []mail{{raw: letter("Date:")}},
		want: []row{{Subject: "offer", At: "2025-03-03T09:00:05Z", Flags: []string{"date_source=internal"}}},
	},
	{name: "A08 a date that can't be read: the server's counts, and the others are read",
		mail: []mail{
			{raw: letter("Message-ID: <1@client.test>", "Subject: a", "Date: yesterday, or so")},
			{raw: letter("Message-ID: <2@client.test>", "Subject: b", "Date: "+strings.Repeat("Mon, ", 60))},
			{raw: letter("Message-ID: <3@client.test>", "Subject: c", "Date: 32 Foo 2025 25:61:99 +9999")},
			// This one can be read: the comment tells the same zone in other words.
			{raw: letter("Message-ID: <4@client.test>", "Subject: d", "Date: Mon, 03 Mar 2025 09:00:00 +0000 (GMT+00:00) Edinburgh")},
			{raw: letter("Message-ID: <5@client.test>", "Subject: e", "Date: (GMT+00:00) Edinburgh")},
			{raw: letter("Message-ID: <6@client.test>", "Subject: f")},
		},
		want: []row{
			{Subject: "a", At: "2025-03-03T09:00:05Z", Flags: []string{"date_source=internal"}},
			{Subject: "b", At: "2025-03-03T09:00:05Z", Flags: []string{"date_source=internal"}},
			{Subject: "c", At: "2025-03-03T09:00:05Z", Flags: []string{"date_source=internal"}},
			{Subject: "d"},
			{Subject: "e", At: "2025-03-03T09:00:05Z", Flags: []string{"date_source=internal"}},
			{Subject: "f"},
		},
	},
	{name: "A09 a date from a clock that is wrong: the server's counts",
		mail: []mail{
			{raw: letter("Message-ID: <1@client.test>", "Subject: a", "Date: Sat, 1 Jan 2099 00:00:00 +0000")},
			{raw: letter("Message-ID: <2@client.test>", "Subject: b", "Date: Thu, 1 Jan 1970 00:00:00 +0000")},
			{raw: letter("Message-ID: <3@client.test>", "Subject: c", "Date: Mon, 3 Mar 2025 11:30:00 +0000")},
		},
		want: []row{
			{Subject: "a", At: "2025-03-03T09:00:05Z", Flags: []string{"date_source=internal"}},
			{Subject: "b", At: "2025-03-03T09:00:05Z", Flags: []string{"date_source=internal"}},
			{Subject: "c", At: "2025-03-03T11:30:00Z"}, // within the tolerance
		},
	},
	{name: "A10 obsolete zones and years",
		mail: []mail{
			{raw: letter("Message-ID: <1@client.test>", "Subject: a", "Date: Mon, 3 Mar 2025 09:00:00 -0000")},
			{raw: letter("Message-ID: <2@client.test>", "Subject: b", "Date: Mon, 3 Mar 2025 04:00:00 EST")},
			{raw: letter("Message-ID: <3@client.test>", "Subject: c", "Date: Mon, 3 Mar 2025 09:00 UT")},
			{raw: letter("Message-ID: <4@client.test>", "Subject: d", "Date: 3 Mar 25 09:00:00 GMT")},
		},
		want: []row{{Subject: "a"}, {Subject: "b"}, {Subject: "c"}, {Subject: "d"}},
	},
	{name: "A11 charsets that are none",
		mail: []mail{
			{raw: letter("Message-ID: <1@client.test>", "Subject: =?utf-8*fr?Q?r=C3=A9sum=C3=A9?=")},
			{raw: letter("Message-ID: <2@client.test>", "Subject: =?iso-8859-8-i?Q?=F9=EC=E5=ED?=")},
			{raw: letter("Message-ID: <3@client.test>", "Subject: =?x-unknown?Q?caf=E9?=")},
			{raw: letter("Message-ID: <4@client.test>", "Subject: =?cp-850?Q?b=82b=82?=")},
		},
		want: []row{{Subject: "bébé"}, {Subject: "café"}, {Subject: "résumé"}, {Subject: "שלום"}},
	},
	{name: "A12 raw 8-bit characters become UTF-8",
		mail: []mail{{raw: letter("Subject: Gr\xfc\xdfe", "From: J\xf6rg <ann@client.test>")}},
		want: []row{{Subject: "Grüße", People: []string{"from ann@client.test Jörg", "to alice@example.test"}}},
	},
	{name: "A14 what is no text is taken out of a subject",
		mail: []mail{
			{raw: letter("Message-ID: <1@client.test>", "Subject: =?utf-8?Q?a_=FF?=")},
			{raw: letter("Message-ID: <2@client.test>", "Subject: =?utf-8?Q?b_=ED=A0=80?=")},
			{raw: letter("Message-ID: <3@client.test>", "Subject: =?utf-8?Q?c=E2=80=AE=1B[1m=07_d?=")},
			{raw: letter("Message-ID: <4@client.test>", "Subject: d \u202e\u2066\x7fd")},
		},
		want: []row{{Subject: "a \ufffd"}, {Subject: "b \ufffd"}, {Subject: "c[1m d"}, {Subject: "d d"}},
	},
	{name: "A15 a subject is kept to the letter, on one line",
		mail: []mail{
			{raw: letter("Message-ID: <1@client.test>", "Subject: 100% of C:\\new \"and\"\n 'old'; DROP TABLE x; --")},
			{raw: letter("Message-ID: <2@client.test>", "Subject: =?utf-8?Q?two=0D=0Alines=0A?=")},
		},
		want: []row{{Subject: `100% of C:\new "and" 'old'; DROP TABLE x; --`}, {Subject: "two  lines"}},
	},
	{name: "A16 a character cut by two encoded words",
		mail: []mail{
			{raw: letter("Subject: =?utf-8?B?R3LD?= =?utf-8?B?vMOfZQ==?=", "From: =?utf-8?Q?J=C3?=\n =?utf-8?Q?=B6rg?= <ann@client.test>")},
		},
		want: []row{{Subject: "Grüße", People: []string{"from ann@client.test Jörg", "to alice@example.test"}}},
	},
	{name: "A27 a field given twice: the first counts, and a flag tells",
		mail: []mail{{raw: letter("Subject: first", "subject: second", "Message-ID: <1@client.test>", "Message-ID: <2@client.test>",
			"From: Ann Doe <ann@client.test>", "From: Eve <eve@other.test>")}},
		want: []row{{Subject: "first", People: []string{"from ann@client.test Ann Doe", "to alice@example.test"}, Flags: []string{"repeated_field"}}},
	},
	{name: "A28 names of fields in any case, lines that end in LF alone",
		mail: []mail{{raw: "MESSAGE-ID: <1@client.test>\ndate: Mon, 3 Mar 2025 10:00:00 +0100\nfRoM: ann@client.test\nto : alice@example.test\nSUBJECT:offer\n\ntext"}},
		want: []row{{Subject: "offer", People: []string{"from ann@client.test", "to alice@example.test"}}},
	},
	{name: "A30 letters without a subject are no thread",
		mail: []mail{
			{raw: letter("Message-ID: <1@client.test>", "Subject:")},
			{raw: letter("Message-ID: <2@client.test>", "Subject:", "Date: Mon, 3 Mar 2025 11:00:00 +0100", "X: Subject:")},
			{raw: letter("Message-ID: <3@client.test>", "Subject: Re:")},
			{raw: letter("Message-ID: <4@client.test>", "Subject: Re:", "Date: Mon, 3 Mar 2025 11:00:00 +0100")},
		},
		want: []row{{Thread: "a"}, {Thread: "b", At: "2025-03-03T10:00:00Z"}, {Subject: "Re:", Thread: "c"}, {Subject: "Re:", Thread: "d", At: "2025-03-03T10:00:00Z"}},
	},
	{name: "E33 an old letter moved in today is not new today",
		mail: []mail{{at: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), raw: letter("Date: Tue, 3 Mar 2015 10:00:00 +0100")}},
		want: []row{{Subject: "offer", At: "2015-03-03T09:00:00Z"}},
	},
	{name: "E34 the server's clock is wrong by years",
		mail: []mail{
			{at: time.Date(2003, 1, 1, 0, 0, 0, 0, time.UTC), raw: letter("Message-ID: <1@client.test>", "Subject: a")},
			{at: time.Date(2038, 1, 1, 0, 0, 0, 0, time.UTC), raw: letter("Message-ID: <2@client.test>", "Subject: b")},
		},
		// A letter that arrives years before it was written: one of the clocks is wrong,
		// and A09 says whose counts.
		want: []row{{Subject: "a", At: "2003-01-01T00:00:00Z", Flags: []string{"date_source=internal"}}, {Subject: "b"}},
	},
}
