package message_test

import (
	"fmt"
	"strings"
	"testing"

	"kith/message"
)

// typical is a letter as it lies in a mailbox, with the fields of message.Fields alone.
const typical = "Return-Path: <ann.doe@client.test>\r\n" +
	"Delivered-To: alice@example.test\r\n" +
	"Authentication-Results: mx.example.test;\r\n" +
	"\tdkim=pass header.d=client.test header.s=s1;\r\n" +
	"\tspf=pass (mx.example.test: domain of ann.doe@client.test designates 192.0.2.1 as permitted sender) smtp.mailfrom=ann.doe@client.test;\r\n" +
	"\tdmarc=pass (p=REJECT) header.from=client.test\r\n" +
	"From: =?utf-8?Q?Ann_D=C3=B6e?= <ann.doe@client.test>\r\n" +
	"To: Alice Jones <alice@example.test>, \"Smith, Bob\" <bob@example.test>\r\n" +
	"Cc: Carol <carol@example.test>\r\n" +
	"Subject: =?utf-8?Q?Re:_Angebot_4711_f=C3=BCr_die_neue_Anlage?=\r\n" +
	"Date: Mon, 23 Nov 2026 09:15:00 +0100\r\n" +
	"Message-ID: <20261123091500.4711@client.test>\r\n" +
	"In-Reply-To: <a1b2c3d4@example.test>\r\n" +
	"References: <root@client.test> <a1b2c3d4@example.test>\r\n" +
	"Content-Type: multipart/alternative; boundary=\"----=_Part_1\"\r\n" +
	"\r\n"

func BenchmarkParseHeader(b *testing.B) {
	raw := []byte(typical)
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		message.ParseHeader(raw)
	}
}

func BenchmarkAddressList(b *testing.B) {
	for _, n := range []int{1, 10, 1000} {
		var to []string
		for i := range n {
			to = append(to, fmt.Sprintf("\"Doe, Ann %d\" <ann.%d@client.test>", i, i))
		}
		raw := []byte("To: " + strings.Join(to, ",\r\n ") + "\r\n\r\n")
		b.Run(fmt.Sprintf("%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				message.ParseHeader(raw)
			}
		})
	}
}
