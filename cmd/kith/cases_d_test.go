package main

import (
	"fmt"
	"strings"

	"kith"
)

// copies delivers one message into several folders.
func copies(raw string, folders ...string) []mail {
	var all []mail
	for _, folder := range folders {
		all = append(all, mail{in: folder, raw: raw})
	}
	return all
}

// sameCases are about what is one message, and what is one thread.
var sameCases = []hardCase{
	{name: "D01 in five folders: once, five times seen",
		mail: copies(letter(), "INBOX", "Archive", "Work", "Clients/Ann", "Clients/Ann/2025"),
		want: []row{{Subject: "offer", Evidence: 5}},
	},
	{name: "D02 to two of us: once, seen by both", others: []colleague{bob},
		mail: []mail{{raw: letter("To: alice@example.test, bob@example.test")}, {of: "bob", raw: letter("To: alice@example.test, bob@example.test")}},
		want: []row{{Subject: "offer", Evidence: 2, Owner: "alice@example.test"}},
	},
	{name: "D05 other messages under a used Message-ID",
		mail: []mail{
			{raw: letter("Subject: a")},
			{raw: letter("Subject: b")},
			{raw: letter("Subject: a", "Date: Mon, 3 Mar 2025 11:00:00 +0100")},
			{raw: letter("Subject: a", "From: bo@client.test", "Cc: ann@client.test")},
		},
		want: []row{{Subject: "a", Links: []string{"cc Ann Doe"}}, {Subject: "a"}, {Subject: "a", At: "2025-03-03T10:00:00Z"}, {Subject: "b"}},
	},
	{name: "D06 no Message-ID: one in two folders, two where recipients or time differ",
		mail: append(copies(letter("Message-ID:"), "INBOX", "Archive"),
			mail{raw: letter("Message-ID:", "Subject: again")},
			mail{in: "Archive", raw: letter("Message-ID:", "Subject: again", "Cc: bob@example.test")}),
		want: []row{{Subject: "again"}, {Subject: "again"}, {Subject: "offer", Evidence: 2}},
	},
	{name: "D06 no Message-ID, the size differs",
		mail: []mail{{raw: letter("Message-ID:")}, {in: "Archive", raw: letterWith(text+"\n-- \na footer\n", "Message-ID:")}},
		want: []row{{Subject: "offer", Evidence: 2}},
	},
	{name: "D07 no Message-ID, equal numbers in two accounts: two", others: []colleague{bob},
		mail: []mail{{raw: letter("Message-ID:")}, {of: "bob", raw: letter("Message-ID:", "To: bob@example.test", "Subject: other")}},
		want: []row{{Subject: "offer", Owner: "alice@example.test"}, {Subject: "other", Owner: "bob@example.test"}},
	},
	{name: "D08 one Message-ID in many spellings",
		mail: []mail{
			{raw: letter("Message-ID: <Abc@client.test>")},
			{raw: letter("Message-ID: Abc@client.test")},
			{raw: letter("Message-ID:\n <Abc@client.test>")},
			{raw: letter("Message-ID: < Abc@client.test >")},
			{raw: letter("Message-ID: <Abc@client.test> (added by the gateway)")},
			{raw: letter("Message-ID: <\"Abc\"@client.test>")},
			{raw: letter("Message-ID: <abc@client.test>", "Subject: another, for case counts")},
		},
		want: []row{{Subject: "another, for case counts"}, {Subject: "offer", Evidence: 6}},
	},
	{name: "D09 a list's copy and the direct one",
		mail: []mail{
			{raw: letter("Cc: list@lists.test")},
			{raw: letterWith(text+"\n_____\nthe list's footer\n", "Cc: list@lists.test", "Subject: [List] offer", "List-Id: <list.lists.test>",
				"List-Post: <mailto:list@lists.test>", "Precedence: list")},
			{raw: letter("Cc: list@lists.test", "From: \"Ann Doe via List\" <list@lists.test>", "Reply-To: Ann Doe <ann@client.test>",
				"Subject: [List] offer", "List-Id: <list.lists.test>", "List-Post: <mailto:list@lists.test>")},
		},
		want: []row{{Subject: "offer", Evidence: 3, Flags: []string{}}},
	},
	{name: "D10 our copy and the one that the list sends back", contacts: "The list's people,list@lists.test\nAnn Doe,ann@client.test",
		mail: []mail{
			{in: "Sent", raw: reply("To: list@lists.test", "Cc: ann@client.test")},
			{in: "Lists", raw: reply("To: list@lists.test", "Cc: ann@client.test", "Subject: [List] offer", "List-Id: <list.lists.test>", "List-Post: <mailto:list@lists.test>")},
		},
		want: []row{{Subject: "offer", Direction: kith.Outbound, Evidence: 2, Links: []string{"to The list's people", "cc Ann Doe"}}},
	},
	{name: "D11 a server gave our copy another Message-ID",
		mail: []mail{
			{in: "Sent", raw: reply("Date: Mon, 3 Mar 2025 09:00:02 +0000")},
			{raw: reply("Message-ID: <0100019@email.amazonses.test>", "Date: Mon, 3 Mar 2025 09:00:00 +0000")},
			{raw: reply("Message-ID: <0200019@email.amazonses.test>", "Date: Mon, 3 Mar 2025 09:00:05 +0000", "Subject: offer")}, // three seconds are too many
		},
		want: []row{{Subject: "offer", Direction: kith.Outbound, Evidence: 2}, {Subject: "offer", Direction: kith.Outbound, At: "2025-03-03T09:00:05Z"}},
	},
	{name: "D18 an answer under another subject is of the thread",
		mail: []mail{
			{raw: letter()},
			{in: "Sent", raw: reply("Subject: price", "In-Reply-To: <1@client.test>", "References: <1@client.test>")},
			{raw: letter("Message-ID: <2@client.test>", "Subject: question", "References: <1@client.test> <1@example.test>")},
			{raw: letter("Message-ID: <3@client.test>", "Subject: thanks", "In-Reply-To: <2@client.test>")},
		},
		want: []row{{Subject: "offer", Thread: "a"}, {Subject: "price", Thread: "a", Direction: kith.Outbound}, {Subject: "question", Thread: "a"}, {Subject: "thanks", Thread: "a"}},
	},
	{name: "D19 equal subjects are no thread",
		mail: []mail{
			{raw: letter("Message-ID: <1@client.test>", "Subject: Invoice")},
			{raw: letter("Message-ID: <2@client.test>", "Subject: Invoice", "Date: Mon, 3 Mar 2025 11:00:00 +0100")},
			{raw: letter("Message-ID: <3@client.test>", "Subject: Re: Invoice")},
		},
		want: []row{{Subject: "Invoice", Thread: "a"}, {Subject: "Invoice", Thread: "b", At: "2025-03-03T10:00:00Z"}, {Subject: "Re: Invoice", Thread: "c"}},
	},
	{name: "D20 references that are long, name the message itself, and go in circles",
		mail: []mail{
			{raw: letter("Message-ID: <0@client.test>", "Subject: a", "References: <1@client.test> <0@client.test>")},
			{raw: letter("Message-ID: <1@client.test>", "Subject: b", "References: <0@client.test> <1@client.test>", "In-Reply-To: <1@client.test>")},
			{raw: letter("Message-ID: <last@client.test>", "Subject: c", "References:"+manyIDs(500))},
			{raw: letter("Message-ID: <other@client.test>", "Subject: d", "References: <r0@client.test>")},
		},
		want: []row{{Subject: "a", Thread: "a"}, {Subject: "b", Thread: "a"}, {Subject: "c", Thread: "b"}, {Subject: "d", Thread: "b"}},
	},
	{name: "D23 two in the same second", others: []colleague{bob},
		mail: []mail{
			{raw: letter("Message-ID: <1@client.test>", "Subject: a")},
			{of: "bob", raw: letter("Message-ID: <2@client.test>", "Subject: b")},
			{in: "Archive", raw: letter("Message-ID: <3@client.test>", "Subject: c")},
		},
		want: []row{{Subject: "a"}, {Subject: "b"}, {Subject: "c"}},
	},
}

func manyIDs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "\n <r%d@client.test>", i)
	}
	return b.String()
}
