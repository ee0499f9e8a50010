package imapsource_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/servertest"
	"kith/sync/imapsource"
)

const bounceMessage = `From: Mail Delivery System <MAILER-DAEMON@client.test>
To: alice@example.test
Subject: Undelivered Mail Returned to Sender
Date: Sun, 1 Mar 2026 10:00:00 +0000
Message-ID: <bounce@client.test>
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Your letter did not arrive.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.client.test

Final-Recipient: rfc822; ann@client.test
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 no such user

--b
Content-Type: message/rfc822

From: alice@example.test
To: ann@client.test
Subject: hello
Message-ID: <letter@example.test>

hello

--b--
`

const newsMessage = `From: Ann <ann@client.test>
To: alice@example.test
Subject: with a text
Date: Sun, 1 Mar 2026 10:00:00 +0000
Message-ID: <text@client.test>
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="m"

--m
Content-Type: multipart/alternative; boundary="a"

--a
Content-Type: text/plain; charset=iso-8859-1
Content-Transfer-Encoding: quoted-printable

Gr=FC=DFe from the sea.

--a
Content-Type: text/html

<p>HTML</p>

--a--
--m
Content-Type: application/pdf; name="offer.pdf"
Content-Disposition: attachment; filename="offer.pdf"
Content-Transfer-Encoding: base64

JVBERi0=

--m--
`

func crlf(s string) []byte { return []byte(strings.ReplaceAll(s, "\n", "\r\n")) }

func TestContent(t *testing.T) {
	onDovecot(t, func(t *testing.T, d *servertest.DovecotServer, open func(func(*imapsource.Options)) *imapsource.Source) {
		for _, raw := range []string{bounceMessage, newsMessage} {
			d.Deliver(t, servertest.Alice, "INBOX", march, "", crlf(raw))
		}
		deliver(t, d, "INBOX", upTo(7)...)
		d.Unchanged(t, servertest.Alice)
		for _, snippet := range []bool{false, true} {
			s := open(func(o *imapsource.Options) { o.Snippet, o.Chunk = snippet, 4 })
			got := map[string]*kith.Message{}
			for _, b := range poll(t, s, inbox(), "") {
				for _, item := range b.Items {
					got[item.Message.MessageID] = item.Message
				}
			}
			if len(got) != 9 {
				t.Fatalf("%d messages, want 9", len(got))
			}
			want := &kith.Bounce{
				MessageID: "<letter@example.test>", Recipients: []string{"ann@client.test"},
				Action: "failed", Status: "5.1.1", Reason: "550 no such user",
			}
			if diff := cmp.Diff(want, got["<bounce@client.test>"].Bounce); diff != "" {
				t.Errorf("C18 bounce (-want +got):\n%s", diff)
			}
			news := got["<text@client.test>"]
			if len(news.Attachments) != 1 || news.Attachments[0].Name != "offer.pdf" {
				t.Errorf("attachments %+v, want offer.pdf", news.Attachments)
			}
			for id, wantText := range map[string]string{"<text@client.test>": "Grüße from the sea.", "<letter-3@client.test>": "hello"} {
				if !snippet {
					wantText = ""
				}
				if text := got[id].Snippet; text != wantText {
					t.Errorf("snippet asked for: %v, and that of %s is %q, want %q", snippet, id, text, wantText)
				}
			}
		}
	})
}

func TestA18LongHeaders(t *testing.T) {
	onDovecot(t, func(t *testing.T, d *servertest.DovecotServer, open func(func(*imapsource.Options)) *imapsource.Source) {
		long := func(subject string, size int) []byte {
			var b bytes.Buffer
			fmt.Fprintf(&b, "From: ann@client.test\r\nSubject: %s\r\nDate: Sun, 1 Mar 2026 10:00:00 +0000\r\nReferences:", subject)
			for i := 0; b.Len() < size; i++ {
				fmt.Fprintf(&b, "\r\n <reference-%d@client.test>", i)
			}
			b.WriteString("\r\n\r\nhello\r\n")
			return b.Bytes()
		}
		deliver(t, d, "INBOX", 1)
		for _, kb := range []int{100, 1500, 5000} { // below the cap, above it, above the limit on literals
			d.Deliver(t, servertest.Alice, "INBOX", march, "", long(fmt.Sprint(kb, " KB"), kb<<10))
		}
		deliver(t, d, "INBOX", 2)
		d.Unchanged(t, servertest.Alice)
		batches := poll(t, open(nil), inbox(), "")
		wantSubjects(t, batches, []string{"100 KB", "1500 KB", "5000 KB", "letter 1", "letter 2"})
		if f := failures(batches); len(f) > 0 {
			t.Errorf("failed: %v", f)
		}
		for _, b := range batches {
			for _, item := range b.Items {
				capped := strings.Contains(strings.Join(item.Message.Warnings, "; "), "1048576 bytes")
				if want := strings.HasPrefix(item.Message.Subject, "1500") || strings.HasPrefix(item.Message.Subject, "5000"); capped != want {
					t.Errorf("%s: the warnings are %q", item.Message.Subject, item.Message.Warnings)
				}
			}
		}
	})
}

func TestA18AuthorBehindALongHeader(t *testing.T) {
	onDovecot(t, func(t *testing.T, d *servertest.DovecotServer, open func(func(*imapsource.Options)) *imapsource.Source) {
		for _, kb := range []int{1500, 5000} {
			references := strings.Repeat("<0123456789abcdef@client.test>\r\n ", kb<<10/33)
			d.Deliver(t, servertest.Alice, "INBOX", march, "", []byte("References: "+references+"<x@client.test>\r\nFrom: ann@client.test\r\nSubject: late\r\n\r\nhello\r\n"))
		}
		deliver(t, d, "INBOX", 1)
		batches := poll(t, open(nil), inbox(), "")
		wantSubjects(t, batches, []string{"letter 1"})
		if f := failures(batches); len(f) != 2 {
			t.Errorf("failed: %v, want the two of which nobody knows who wrote them", f)
		}
	})
}

func TestA19EmptyLineBeforeTheHeader(t *testing.T) {
	onDovecot(t, func(t *testing.T, d *servertest.DovecotServer, open func(func(*imapsource.Options)) *imapsource.Source) {
		for _, before := range []string{"\r\n", "\r\n\r\n"} {
			d.Deliver(t, servertest.Alice, "INBOX", march, "", []byte(before+newsMessage))
		}
		d.Deliver(t, servertest.Alice, "INBOX", march, "", []byte("\r\nno header at all\r\n"))
		deliver(t, d, "INBOX", 1)
		d.Unchanged(t, servertest.Alice)
		for _, snippet := range []bool{false, true} {
			batches := poll(t, open(func(o *imapsource.Options) { o.Snippet = snippet }), inbox(), "")
			wantSubjects(t, batches, []string{"", "letter 1", "with a text", "with a text"})
			for _, b := range batches {
				for _, item := range b.Items {
					m := item.Message
					if m.Subject == "with a text" && (m.From[0].Address != "ann@client.test" || m.MessageID != "<text@client.test>" || m.Size == 0 || m.Snippet != "") {
						t.Errorf("%+v", m)
					}
				}
			}
		}
	})
}

func TestA20GreatMessage(t *testing.T) {
	onDovecot(t, func(t *testing.T, d *servertest.DovecotServer, _ func(func(*imapsource.Options)) *imapsource.Source) {
		var b bytes.Buffer
		b.WriteString("From: ann@client.test\r\nSubject: film\r\nDate: Sun, 1 Mar 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\n" +
			"Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: text/plain\r\n\r\nsee there\r\n" +
			"--m\r\nContent-Type: video/mp4; name=film.mp4\r\nContent-Disposition: attachment; filename=film.mp4\r\nContent-Transfer-Encoding: base64\r\n\r\n")
		line := bytes.Repeat([]byte("QUJD"), 19)
		for b.Len() < 150<<20 {
			b.Write(line)
			b.WriteString("\r\n")
		}
		b.WriteString("--m--\r\n")
		d.Deliver(t, servertest.Alice, "INBOX", march, "", b.Bytes())
		for _, snippet := range []bool{false, true} {
			var w wire
			o := aliceAt(d.URL("imap"))
			o.Dial, o.Snippet = w.dial, snippet
			batches := poll(t, open(t, o), inbox(), "")
			wantSubjects(t, batches, []string{"film"})
			m := batches[0].Items[0].Message
			if m.Size != int64(b.Len()) || len(m.Attachments) != 1 || m.Attachments[0].Size < 100<<20 {
				t.Errorf("size %d, attachments %+v", m.Size, m.Attachments)
			}
			if w.received > 10<<10 {
				t.Errorf("%d bytes were received for one header", w.received)
			}
		}
	})
}
