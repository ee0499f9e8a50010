package message_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/address"
	"kith/message"
)

// checkText holds a string to what kith.Message promises.
func checkText(t *testing.T, what, s string) {
	t.Helper()
	if !utf8.ValidString(s) {
		t.Errorf("%s = %q: no valid UTF-8", what, s)
	}
	for _, r := range s {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			t.Errorf("%s = %q: holds %U", what, s, r)
		}
	}
	if strings.TrimSpace(s) != s {
		t.Errorf("%s = %q: blanks around it", what, s)
	}
}

// checkMessage holds a message to what kith.Message promises.
func checkMessage(t *testing.T, m *kith.Message) {
	t.Helper()
	checkText(t, "Subject", m.Subject)
	checkText(t, "Snippet", m.Snippet)
	checkText(t, "ListPost", m.ListPost)
	if n := utf8.RuneCountInString(m.Snippet); n > 500 {
		t.Errorf("Snippet has %d characters", n)
	}
	for _, l := range [][]kith.Address{m.From, m.ReplyTo, m.To, m.Cc, m.Bcc, m.OriginalFrom, m.ResentFrom} {
		if len(l) > 10_000 {
			t.Errorf("%d addresses", len(l))
		}
		for _, a := range l {
			checkText(t, "name", a.Name)
			checkText(t, "address", a.Address)
			if a.Address == "" {
				t.Errorf("an address without address, named %q", a.Name)
			}
		}
	}
	for _, id := range append(append([]string{m.MessageID}, m.InReplyTo...), m.References...) {
		checkText(t, "Message-ID", id)
		if id == "" {
			continue
		}
		again := message.ParseHeader([]byte("Message-ID: " + id + "\r\n")).MessageID
		if again != id {
			t.Errorf("Message-ID %q becomes %q", id, again)
		}
	}
	if len(m.References) > 100 {
		t.Errorf("%d references", len(m.References))
	}
	if (m.DateSource == kith.DateNone) != m.Date.IsZero() {
		t.Errorf("Date %v from %q", m.Date, m.DateSource)
	}
	if y := m.Date.UTC().Year(); y > 9999 {
		t.Errorf("Date %v", m.Date)
	}
	for _, a := range m.Attachments {
		checkText(t, "attachment", a.Name)
		checkText(t, "media type", a.MediaType)
		if a.Size < 0 {
			t.Errorf("attachment of %d bytes", a.Size)
		}
	}
	if m.Bounce != nil {
		for _, s := range append(m.Bounce.Recipients, m.Bounce.Action, m.Bounce.Status, m.Bounce.Reason, m.Bounce.MessageID) {
			checkText(t, "bounce", s)
		}
	}
	for _, w := range m.Warnings {
		checkText(t, "warning", w)
	}
}

func FuzzParseHeader(f *testing.F) {
	f.Add([]byte(typical))
	f.Add([]byte("From : a@x\nSubject:=?utf-8?Q?=C3?=\n =?utf-8?Q?=BC?=\nSubject: 2\n\nbody"))
	f.Add([]byte("X-Failed-Recipients: a@x, b\nReturn-Path: <>\nList-Post: <mailto:%20a@x>\nSensitivity: p\xff\n"))
	f.Add([]byte("Content-Type: multipart/report; report-type=\"delivery-status; x*0*=utf-8''%\nAuthentication-Results: (x; spf=fail;\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m := message.ParseHeader(raw)
		checkMessage(t, m)
		lf := bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n"))
		if diff := cmp.Diff(m, message.ParseHeader(lf)); diff != "" {
			t.Errorf("CRLF and LF differ\n%s", diff)
		}
		message.ResolveDate(m, time.Date(2026, 11, 23, 9, 15, 0, 0, time.UTC))
		if m.DateSource == kith.DateNone || m.Date.Year() < 1980 || m.Date.Year() > 2026 {
			t.Errorf("ResolveDate: %v from %s", m.Date, m.DateSource)
		}
	})
}

func FuzzAddressList(f *testing.F) {
	for _, s := range []string{
		`"Doe, John" <j@x.com>, b@x.com`, "=?utf-8?Q?Doe=2C?= <j@x.com>", "Team: a@x, b@x;", "<@a,@b:j@x>", "a (b (c) d) <e@f>", `"a\"b"@x`,
		"Ann <a@x> Bob <b@x>", "'j@x' <j@x>", "/o=a/cn=b, x400:c=d;e=f", "<a,b@c,d@e>", "J\xfc <j@\xc3\xbc.de>",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.NewReplacer("\n", " ", "\r", " ").Replace(s)
		m := message.ParseHeader([]byte("To: " + s + "\n"))
		checkMessage(t, m)
		for _, a := range m.To {
			canonical, ok := address.Normalize(a.Address)
			if !ok {
				continue
			}
			if canonical != a.Address {
				t.Errorf("%q is not canonical: %q", a.Address, canonical)
			}
			// Written by the rules, it is read as it was.
			written := a.Address
			if a.Name != "" {
				written = `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a.Name) + `" <` + a.Address + ">"
			}
			if strings.Contains(a.Name, "=?") || strings.Contains(a.Address, "=?") {
				continue // would be decoded once more
			}
			if diff := cmp.Diff([]kith.Address{a}, to(written)); diff != "" {
				t.Errorf("%s is read otherwise (-want +got)\n%s", written, diff)
			}
			if got := to(written + ", " + written); len(got) != 2 || got[0] != a || got[1] != a {
				t.Errorf("%s twice is read as %v", written, got)
			}
		}
	})
}

func FuzzDate(f *testing.F) {
	for _, s := range []string{
		"Mon, 23 Nov 2026 09:15:00 +0100", "Wed, 11 Feb 98 11:51 CST (x)", "2026-11-23T09:15:00.123Z", "Mon Nov 23 09:15:00 CET 2026",
		"23-Nov-26 9.15.00 PM GMT+1", "Nov 23rd, 2026 12:15AM", "31 Dec 9999 23:59:60 -1559", "1 Jan 1 24:00 +15",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.NewReplacer("\n", " ", "\r", " ").Replace(s)
		m := message.ParseHeader([]byte("Date: " + s + "\n"))
		checkMessage(t, m)
		if m.DateSource != kith.DateFromHeader {
			return
		}
		if _, offset := m.Date.Zone(); offset <= -16*3600 || offset >= 16*3600 || offset%60 != 0 {
			t.Errorf("Date: %s has the offset %d", s, offset)
		}
		for _, layout := range []string{time.RFC1123Z, time.RFC3339} {
			written := m.Date.Format(layout)
			if m.Date.Year() < 1000 {
				continue // RFC 5322 has no years before 1900, and reads 50 as 1950
			}
			again := message.ParseHeader([]byte("Date: " + written + "\n"))
			if !again.Date.Equal(m.Date) || again.DateSource != kith.DateFromHeader {
				t.Errorf("%s is read as %v, but that, written %s, as %v", s, m.Date, written, again.Date)
			}
		}
	})
}

func FuzzMessageID(f *testing.F) {
	for _, s := range []string{
		"<abc@x>", "abc@x", "(a (b) <c@d>) < e @ f >", `<"a"@b> <"a@b"@c>`, "<a@b <c@d>>", "=?utf-8?q?=3Ca=40b=3E?=", "<a(b)c@d>", `<"(a"@b>`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		s = strings.NewReplacer("\n", " ", "\r", " ").Replace(s)
		m := message.ParseHeader([]byte("Message-ID: " + s + "\nReferences: " + s + "\nIn-Reply-To: " + s + "\n"))
		checkMessage(t, m)
		seen := map[string]bool{}
		for _, id := range m.References {
			if id == m.MessageID || seen[id] {
				t.Errorf("References %q of %q", m.References, m.MessageID)
			}
			seen[id] = true
		}
		if len(m.References) > 0 {
			again := message.ParseHeader([]byte("References: " + strings.Join(m.References, " ") + "\n"))
			if diff := cmp.Diff(m.References, again.References); diff != "" {
				t.Errorf("References read again (-want +got)\n%s", diff)
			}
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add([]byte(offer))
	f.Add([]byte("From x\nFrom: a@x\nContent-Type: multipart/report; boundary=b; report-type=delivery-status\n\n--b\nContent-Type: message/delivery-status\n\n" +
		"Final-Recipient: rfc822;a@x\nAction: failed\nStatus: 5.0.0\n\n--b\nContent-Type: message/rfc822\n\nMessage-ID: <a@x>\n\n--b--\n"))
	f.Add([]byte("A: b\nContent-Type: text/html; charset=utf-7\nContent-Transfer-Encoding: base64\n\nPGI+aGk8L2I+PHNjcmlwdD4="))
	f.Add([]byte("A: b\nContent-Type: text/plain; name*0*=utf-8''%C3; name*1*=%BC\nContent-Disposition: attachment\n\nOn 1 Ann wrote:\n> x\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := message.ReadSnippet(bytes.NewReader(raw))
		if err != nil {
			if !errors.Is(err, message.ErrNoMessage) {
				t.Errorf("Read: %v", err)
			}
			return
		}
		checkMessage(t, m)
		if m.Size != int64(len(raw)) {
			t.Errorf("Size %d of %d bytes", m.Size, len(raw))
		}
	})
}

func FuzzSnippet(f *testing.F) {
	f.Add("text/html", "base64", "utf-8", []byte("PHA+aGk8L3A+"))
	f.Add("text/html", "", "", []byte(`<meta charset=koi8-r><div class="gmail_quote">x<div></div>y</div><p>Hi <b>you`))
	f.Add("text/plain", "quoted-printable", "iso-2022-jp", []byte("=1B$B=24=33=\r\n=1B(B"))
	f.Add("text/plain", "7bit", "windows-1252", []byte("Yes.\n\nOn 23 Nov Ann\n<a@x> wrote:\n> No\n\nFrom: a\nTo: b\nDate: c\n"))
	f.Fuzz(func(t *testing.T, mediaType, encoding, charset string, body []byte) {
		p := &message.Part{MediaType: mediaType, Encoding: encoding, Params: map[string]string{"charset": charset}}
		m := &kith.Message{Snippet: message.Snippet(p, body), DateSource: kith.DateNone}
		checkMessage(t, m)
		// A snippet read as a letter of its own says the same, unless it now looks like history.
		plain := &message.Part{MediaType: "text/plain", Params: map[string]string{"charset": "utf-8"}}
		if again := message.Snippet(plain, []byte(m.Snippet)); again != m.Snippet && again != "" {
			t.Errorf("the snippet %q becomes %q", m.Snippet, again)
		}
	})
}

func FuzzStructure(f *testing.F) {
	f.Add("attachment; filename*0*=utf-8''a%20; filename*1=b.pdf", "application/pdf; name=\"x.pdf\"", int64(100))
	f.Add("inline", "text/calendar; method=request; charset=\"utf-8", int64(-1))
	f.Add("ATTACHMENT; filename==?utf-8?Q?a;b?=; filename=c", "text/plain(comment); name=a(b) ; ; =x", int64(1<<62))
	f.Fuzz(func(t *testing.T, disposition, contentType string, size int64) {
		line := strings.NewReplacer("\n", " ", "\r", " ")
		raw := "From: a@x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: " + line.Replace(contentType) +
			"\r\nContent-Disposition: " + line.Replace(disposition) + "\r\n\r\nx\r\n--b--\r\n"
		m, err := message.Read(strings.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		checkMessage(t, m)
		// What a server tells of the same.
		p := &message.Part{MediaType: "application/octet-stream", Encoding: "base64", Size: max(size, 0), Disposition: "attachment",
			DispositionParams: map[string]string{"filename": disposition, "filename*0*": contentType}, Params: map[string]string{"name*": contentType}}
		m = &kith.Message{DateSource: kith.DateNone}
		message.ApplyStructure(m, multi("mixed", p, &message.Part{MediaType: contentType, Disposition: "attachment"}))
		checkMessage(t, m)
	})
}
