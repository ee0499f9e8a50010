package message_test

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/message"
)

// crlf writes a message as it is transferred.
func crlf(lines ...string) string { return strings.Join(lines, "\r\n") + "\r\n" }

var offer = crlf(
	"From: Ann Doe <ann@client.test>",
	"To: alice@example.test",
	"Subject: Offer",
	"Message-ID: <1@client.test>",
	"Date: Mon, 23 Nov 2026 09:15:00 +0100",
	"MIME-Version: 1.0",
	"Content-Type: multipart/mixed; boundary=\"outer\"",
	"",
	"This is a message in MIME format.",
	"--outer",
	"Content-Type: multipart/alternative; boundary=inner",
	"",
	"--inner",
	"Content-Type: text/plain; charset=utf-8",
	"Content-Transfer-Encoding: quoted-printable",
	"",
	"Gr=C3=BC=C3=9Fe",
	"--inner",
	"Content-Type: text/html; charset=utf-8",
	"",
	"<p>Hello</p>",
	"--inner--",
	"",
	"--outer",
	"Content-Type: application/pdf; name=offer.pdf",
	"Content-Disposition: attachment; filename=\"offer.pdf\"",
	"Content-Transfer-Encoding: base64",
	"",
	"aGVsbG8gd29y",
	"bGQ=",
	"--outer--",
	"epilogue",
)

func TestRead(t *testing.T) {
	pdf := []kith.Attachment{{Name: "offer.pdf", MediaType: "application/pdf", Size: 11}}
	tests := []struct {
		name        string
		in          string
		subject     string
		snippet     string
		attachments []kith.Attachment
		warnings    []string
	}{
		{"a letter", offer, "Offer", "Grüße", pdf, nil},
		{"A28 LF only", strings.ReplaceAll(offer, "\r\n", "\n"), "Offer", "Grüße", pdf, nil},
		{"A19 out of an mbox", "From ann@client.test Mon Nov 23 09:15:00 2026\n" + offer, "Offer", "Grüße", pdf, nil},
		{"A19 empty lines first", "\r\n\r\n" + offer, "Offer", "Grüße", pdf, nil},
		{"a byte order mark first", "\ufeff" + offer, "Offer", "Grüße", pdf, nil},
		{"A19 an empty line within the header", crlf("From: a@x.com", "Subject: s", "", "X-Mailer: y", "", "Hello"), "s", "X-Mailer: y Hello", nil, nil},
		{"A19 no empty line before the body", crlf("From: a@x.com", "Subject: s", "Hello Ann, how are you?", "Fine, I hope."), "s", "Hello Ann, how are you? Fine, I hope.", nil,
			[]string{"there is no empty line between header and body"}},
		{"A19 a line in the header that is no field", crlf("From: a@x.com", "this is none", "Subject: s", "", "Hello"), "s", "Hello", nil,
			[]string{"a line of the header is no field"}},
		{"a header alone", crlf("From: a@x.com", "Subject: s"), "s", "", nil, nil},
		{"a blank instead of an empty line", crlf("From: a@x.com", "Subject: s", " ", "Hello Ann, how are you?", "Fine."), "s", "Hello Ann, how are you? Fine.", nil,
			[]string{"there is no empty line between header and body"}},
		{"A23 cut in the attachment", offer[:strings.Index(offer, "bGQ=")], "Offer", "Grüße",
			[]kith.Attachment{{Name: "offer.pdf", MediaType: "application/pdf", Size: 9}},
			[]string{"a multipart does not end as it should: the message may be cut short"}},
		{"A23 cut in a header of a part", offer[:strings.Index(offer, "Content-Disposition")], "Offer", "Grüße",
			[]kith.Attachment{{Name: "offer.pdf", MediaType: "application/pdf"}},
			[]string{"a multipart does not end as it should: the message may be cut short"}},
		{"A23 the inner boundary does not end", strings.Replace(offer, "--inner--\r\n", "", 1), "Offer", "Grüße", pdf,
			[]string{"a multipart does not end as it should: the message may be cut short"}},
		{"A23 a boundary that never comes", strings.Replace(offer, `boundary="outer"`, `boundary="other"`, 1), "Offer", "", nil,
			[]string{"a multipart has no parts", "a multipart does not end as it should: the message may be cut short"}},
		{"A23 no boundary", strings.Replace(offer, `; boundary="outer"`, ``, 1), "Offer", "", nil,
			[]string{"a multipart names no boundary, or is nested too deeply: its parts are not read"}},
		{"A23 base64 that is none", strings.Replace(offer, "aGVsbG8gd29y", "a*GV-sbG8 gd29y", 1), "Offer", "Grüße", pdf, nil},
		{"A23 a quote that does not close", strings.Replace(offer, `boundary="outer"`, `boundary="outer`, 1), "Offer", "Grüße", pdf, nil},
		{"blanks behind a boundary", strings.ReplaceAll(offer, "--outer\r\n", "--outer \t\r\n"), "Offer", "Grüße", pdf, nil},
		{"one boundary begins with the other", strings.ReplaceAll(offer, "inner", "outer-1"), "Offer", "Grüße", pdf, nil},
		{"A21 a message inside is not read", crlf("From: a@x.com", "Subject: outer", "Content-Type: multipart/mixed; boundary=b", "", "--b", "", "Hello", "--b",
			"Content-Type: message/rfc822", "", "From: c@x.com", "Subject: inner", "Content-Type: text/calendar; method=REQUEST", "", "x", "--b--"),
			"outer", "Hello", []kith.Attachment{{MediaType: "message/rfc822", Size: 79}}, nil},
		{"a digest", crlf("From: a@x.com", "Subject: s", "Content-Type: multipart/digest; boundary=b", "", "--b", "", "From: b@x.com", "", "x", "--b--"),
			"s", "", []kith.Attachment{{MediaType: "message/rfc822", Size: 18}}, nil},
		{"A22 encrypted", crlf("From: a@x.com", "Subject: s", "Content-Type: application/pkcs7-mime; name=smime.p7m", "Content-Transfer-Encoding: base64", "", "MIAGCSqGSIb3", ""),
			"s", "", []kith.Attachment{{Name: "smime.p7m", MediaType: "application/pkcs7-mime", Size: 9}}, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := message.ReadSnippet(strings.NewReader(tt.in))
			if err != nil {
				t.Fatal(err)
			}
			if m.Subject != tt.subject || m.Snippet != tt.snippet {
				t.Errorf("Subject %q, Snippet %q; want %q, %q", m.Subject, m.Snippet, tt.subject, tt.snippet)
			}
			if diff := cmp.Diff(tt.attachments, m.Attachments); diff != "" {
				t.Errorf("Attachments (-want +got)\n%s", diff)
			}
			if diff := cmp.Diff(tt.warnings, m.Warnings); diff != "" {
				t.Errorf("Warnings (-want +got)\n%s", diff)
			}
			if m.Size != int64(len(tt.in)) {
				t.Errorf("Size %d, want %d", m.Size, len(tt.in))
			}
			plain, err := message.Read(iotest.OneByteReader(strings.NewReader(tt.in)))
			if err != nil {
				t.Fatal(err)
			}
			m.Snippet = ""
			if diff := cmp.Diff(m, plain); diff != "" {
				t.Errorf("read byte by byte (-at once +so)\n%s", diff)
			}
		})
	}
}

func TestReadNothing(t *testing.T) {
	for name, in := range map[string]string{
		"an empty file":       "",
		"empty lines":         "\r\n\r\n",
		"text without header": "This is a simple message.\r\nThe whole is body.\r\n",
		"something else":      "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<\n",
	} {
		t.Run(name, func(t *testing.T) {
			if m, err := message.Read(strings.NewReader(in)); !errors.Is(err, message.ErrNoMessage) || m != nil {
				t.Errorf("Read = %v, %v, want ErrNoMessage", m, err)
			}
		})
	}
	t.Run("the reader fails", func(t *testing.T) {
		broken := errors.New("connection reset")
		_, err := message.Read(io.MultiReader(strings.NewReader(offer[:400]), iotest.ErrReader(broken)))
		if !errors.Is(err, broken) {
			t.Errorf("Read = %v, want the reader's error", err)
		}
	})
}

func TestReadBounceMessage(t *testing.T) {
	in := crlf("From: MAILER-DAEMON@mx.test (Mail Delivery System)", "To: me@example.test", "Subject: Undelivered", "Auto-Submitted: auto-replied",
		"Content-Type: multipart/report; report-type=delivery-status; boundary=\"b/1\"", "",
		"--b/1", "Content-Description: Notification", "", "I'm sorry.", "",
		"--b/1", "Content-Type: message/delivery-status", "", "Reporting-MTA: dns; mx.test", "",
		"Final-Recipient: rfc822; ann@client.test", "Action: failed", "Status: 5.1.1", "Diagnostic-Code: smtp; 550 unknown", "",
		"--b/1", "Content-Type: text/rfc822-headers", "Content-Transfer-Encoding: quoted-printable", "", "Message-ID: <a=3Db@example.test>", "Subject: Offer", "",
		"--b/1--")
	m, err := message.Read(strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	want := &kith.Bounce{MessageID: "<a=b@example.test>", Recipients: []string{"ann@client.test"}, Action: "failed", Status: "5.1.1", Reason: "550 unknown"}
	if diff := cmp.Diff(want, m.Bounce); diff != "" {
		t.Errorf("C18 (-want +got)\n%s", diff)
	}
	if len(m.Attachments) != 0 {
		t.Errorf("Attachments %v, want none: they are parts of the report", m.Attachments)
	}
}

// endless is a header and n bytes of a body made of equal pieces.
func endless(header, piece string, n int) io.Reader {
	return io.MultiReader(strings.NewReader(header), io.LimitReader(&repeat{text: strings.Repeat(piece, 1000)}, int64(n)))
}

type repeat struct {
	text string
	at   int
}

func (r *repeat) Read(p []byte) (int, error) {
	n := copy(p, r.text[r.at:])
	r.at = (r.at + n) % len(r.text)
	return n, nil
}

// allocated reads a message of some size, and returns how much memory that took in all.
func allocated(t *testing.T, header, piece string, size int) int64 {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := message.Read(endless(header, piece, size))
	if err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if want := int64(size + len(header)); m.Size != want {
		t.Errorf("Size %d, want %d: it is to be read to the end", m.Size, want)
	}
	return int64(after.TotalAlloc - before.TotalAlloc)
}

func TestReadIsBounded(t *testing.T) {
	tests := []struct {
		name   string
		header string
		line   string
	}{
		{"a big attachment", crlf("From: a@x.com", "Content-Type: application/zip", "Content-Transfer-Encoding: base64", ""), strings.Repeat("A", 76) + "\r\n"},
		{"a text in one line", crlf("From: a@x.com", ""), "word "},
		{"A18 a header without end", "From: a@x.com\r\n", "References: <1@x.com>\r\n"},
		{"A18 a field without end", "From: a@x.com\r\nSubject: ", "word "},
		{"A23 parts without end", crlf("From: a@x.com", "Content-Type: multipart/mixed; boundary=b", ""), "--b\r\n\r\ntext\r\n"},
		{"A23 nesting without end", crlf("From: a@x.com", "Content-Type: multipart/mixed; boundary=b", ""), "--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"},
		{"dashes without end", crlf("From: a@x.com", "Content-Type: multipart/mixed; boundary=b", ""), "--"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			small := allocated(t, tt.header, tt.line, 4<<20)
			if large := allocated(t, tt.header, tt.line, 12<<20); large > small+1<<20 {
				t.Errorf("%d KB for 4 MB, but %d KB for 12 MB", small>>10, large>>10)
			}
		})
	}
	t.Run("A23 nested 10,000 deep", func(t *testing.T) {
		var b strings.Builder
		b.WriteString("From: a@x.com\r\n")
		for i := range 10_000 {
			fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n", i, i)
		}
		if _, err := message.Read(strings.NewReader(b.String())); err != nil {
			t.Error(err)
		}
	})
}
