package imapsource_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"kith/message"
	"kith/servertest"
)

const benchMessages = 20_000

// benchMailbox fills a folder with messages of the usual kinds: headers of about
// 3 KB, of which a third is asked for, and every other one with an attachment.
func benchMailbox(b *testing.B) *servertest.DovecotServer {
	d := servertest.Dovecot(b)
	r := rand.New(rand.NewPCG(1, 2))
	for n := range benchMessages {
		var m bytes.Buffer
		for hop := range 5 {
			fmt.Fprintf(&m, "Received: from mx%d.client.test (mx%d.client.test [192.0.2.%d])\r\n\tby mail.example.test with ESMTPS id %x;\r\n\tSun, 1 Mar 2026 10:00:00 +0000\r\n", hop, hop, hop, r.Uint64())
		}
		fmt.Fprintf(&m, "DKIM-Signature: v=1; a=rsa-sha256; d=client.test;\r\n\tb=%s\r\n", strings.Repeat("Zm9v", 80))
		fmt.Fprintf(&m, "From: =?utf-8?Q?J=C3=B6rg_Client?= <joerg%d@client%d.test>\r\nTo: Alice <alice@example.test>, \"Doe, John\" <john@example.test>\r\n", n%500, n%50)
		fmt.Fprintf(&m, "Cc: bob@example.test\r\nSubject: =?utf-8?B?QW5nZWJvdCBmw7xyIGRhcyBQcm9qZWt0?= %d\r\nDate: Sun, 1 Mar 2026 10:00:00 +0100\r\n", n)
		fmt.Fprintf(&m, "Message-ID: <m%d.%x@client.test>\r\nIn-Reply-To: <m%d@example.test>\r\nReferences: <m%d@example.test>\r\n <r%d@client.test>\r\n", n, r.Uint64(), n-1, n-1, n)
		m.WriteString("MIME-Version: 1.0\r\n")
		if n%2 == 0 {
			m.WriteString("Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain\r\n\r\nhello\r\n--a\r\n" +
				"Content-Type: text/html\r\n\r\n<p>hello</p>\r\n--a--\r\n--m\r\nContent-Type: application/pdf; name=\"offer.pdf\"\r\nContent-Disposition: attachment; filename=\"offer.pdf\"\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERi0=\r\n--m--\r\n")
		} else {
			m.WriteString("Content-Type: text/plain; charset=utf-8\r\n\r\nhello\r\n")
		}
		d.Deliver(b, servertest.Alice, "INBOX", march.Add(time.Duration(n)*time.Second), `\Seen`, m.Bytes())
	}
	// Dovecot parses each message when it is first asked for it.
	readBare(b, d)
	return d
}

// readBare reads what the source reads, drops it, and returns the bytes received.
func readBare(b *testing.B, d *servertest.DovecotServer) {
	c, err := imapclient.DialInsecure(d.Addr, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	if err := c.Login(servertest.Alice, servertest.Password).Wait(); err != nil {
		b.Fatal(err)
	}
	if _, err := c.Select("INBOX", &imap.SelectOptions{ReadOnly: true}).Wait(); err != nil {
		b.Fatal(err)
	}
	for hi := benchMessages; hi > 0; hi -= 1000 {
		cmd := c.Fetch(imap.UIDSet{{Start: imap.UID(hi - 999), Stop: imap.UID(hi)}}, &imap.FetchOptions{
			UID: true, Flags: true, InternalDate: true, RFC822Size: true,
			BodyStructure: &imap.FetchItemBodyStructure{Extended: true},
			BodySection:   []*imap.FetchItemBodySection{{Specifier: imap.PartSpecifierHeader, HeaderFields: message.Fields, Peek: true}},
		})
		for m := cmd.Next(); m != nil; m = cmd.Next() {
			for item := m.Next(); item != nil; item = m.Next() {
				if section, ok := item.(imapclient.FetchItemDataBodySection); ok {
					io.Copy(io.Discard, section.Literal)
				}
			}
		}
		if err := cmd.Close(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkChanges compares the source with the bare client that it uses, in
// messages a second.
func BenchmarkChanges(b *testing.B) {
	d := benchMailbox(b)
	rate := func(b *testing.B) {
		b.ReportMetric(float64(benchMessages*b.N)/b.Elapsed().Seconds(), "messages/s")
	}
	b.Run("bare client", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			readBare(b, d)
		}
		rate(b)
	})
	b.Run("source", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			s := open(b, aliceAt(d.URL("imap")))
			n := 0
			for batch, err := range s.Changes(b.Context(), inbox(), "") {
				if err != nil {
					b.Fatal(err)
				}
				n += len(batch.Items)
			}
			if n != benchMessages {
				b.Fatalf("%d messages", n)
			}
			s.Close()
		}
		rate(b)
	})
}
