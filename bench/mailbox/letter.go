package main

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"strings"
	"time"
)

// writer writes messages (RFC 5322). It is used by one goroutine.
type writer struct {
	box *mailbox
	buf bytes.Buffer
	pad []byte // base64 lines that attachments are cut from
}

func newWriter(box *mailbox) *writer {
	w := &writer{box: box}
	d := box.dice(content, -1)
	line := make([]byte, 57)
	for range 3000 {
		for i := range line {
			line[i] = byte(d.next())
		}
		w.pad = append(base64.StdEncoding.AppendEncode(w.pad, line), '\n')
	}
	return w
}

// message writes the planned message, with LF line ends as a Maildir has them. It is valid until the next call.
func (w *writer) message(p *plan) []byte {
	d := w.box.dice(content, p.number)
	w.buf.Reset()
	w.header(p, d)

	text := w.text(p, d)
	html := d.n(100) < 40
	attached := p.kind == letter && d.n(100) < 10
	mixed, alternative := fmt.Sprintf("mixed-%x", p.number), fmt.Sprintf("alt-%x", p.number)
	if attached {
		fmt.Fprintf(&w.buf, "Content-Type: multipart/mixed; boundary=%q\n\n--%s\n", mixed, mixed)
	}
	if html {
		fmt.Fprintf(&w.buf, "Content-Type: multipart/alternative; boundary=%q\n\n--%s\n", alternative, alternative)
	}
	w.textPart("text/plain", text)
	if html {
		fmt.Fprintf(&w.buf, "\n--%s\n", alternative)
		w.textPart("text/html", "<html><body><p>"+strings.ReplaceAll(text, "\n\n", "</p>\n<p>")+"</p></body></html>\n")
		fmt.Fprintf(&w.buf, "\n--%s--\n", alternative)
	}
	if attached {
		for range 1 + d.n(2) {
			w.attachment(mixed, p, d)
		}
		fmt.Fprintf(&w.buf, "\n--%s--\n", mixed)
	}
	return w.buf.Bytes()
}

func (w *writer) header(p *plan, d *dice) {
	c := p.with
	them := mailboxOf(c.name(), c.address)
	if c.second != "" && d.n(4) == 0 {
		them = mailboxOf(c.name(), c.second)
	}
	us := mailboxOf("Alice Jones", owner)
	if d.n(5) == 0 {
		us = mailboxOf("Alice Jones", ownerAlias)
	}
	from, to := them, us
	switch {
	case p.sent:
		from, to = us, them
	case p.kind == internal:
		from = mailboxOf("Bob Martin", fmt.Sprintf("bob%d@%s", d.n(20), ownDomain))
	case p.kind == bulk:
		from = fmt.Sprintf("\"News %d\" <newsletter@list%03d.news.test>", p.number%200, p.number%200)
	}
	if !p.sent {
		host := domainOf(p)
		w.field("Return-Path", "<"+addressOf(from)+">")
		w.field("Delivered-To", owner)
		for hop := range 2 + d.n(3) {
			w.field("Received", fmt.Sprintf("from relay%d.%s (relay%d.%s [192.0.2.%d])\n\tby mx%d.%s with ESMTPS id %012x\n\tfor <%s>; %s",
				hop, host, hop, host, 1+d.n(250), hop, ownDomain, d.next()>>16, owner, stamp(p.date)))
		}
		w.field("DKIM-Signature", fmt.Sprintf("v=1; a=rsa-sha256; c=relaxed/relaxed; d=%s; s=key1;\n\th=from:to:subject:date:message-id;\n\tbh=%s;\n\tb=%s",
			host, w.pad[:44], bytes.ReplaceAll(w.pad[77*(p.number%2000):][:77*3-1], []byte("\n"), []byte("\n\t "))))
		w.field("Authentication-Results", fmt.Sprintf("mx.%s; dkim=pass header.d=%s; spf=pass smtp.mailfrom=%s", ownDomain, host, host))
	}
	w.field("From", from)
	w.field("To", to)
	if p.kind == letter && d.n(5) == 0 {
		var cc []string
		for range 1 + d.n(3) {
			other := w.box.person(d.n(correspondents))
			cc = append(cc, mailboxOf(other.name(), other.address))
		}
		w.field("Cc", strings.Join(cc, ",\n\t"))
	}
	w.field("Subject", encoded(p.subject))
	w.field("Date", stamp(p.date))
	w.field("Message-ID", p.id)
	if p.parent != nil {
		w.field("In-Reply-To", p.parent.id)
		var ids []string
		for q := p.parent; q != nil; q = q.parent {
			ids = append([]string{q.id}, ids...)
		}
		w.field("References", strings.Join(ids, "\n\t"))
	}
	switch p.kind {
	case bulk:
		w.field("List-Id", fmt.Sprintf("<list%03d.news.test>", p.number%200))
		w.field("List-Unsubscribe", fmt.Sprintf("<https://news.test/unsubscribe/%d>", p.number))
		w.field("Precedence", "bulk")
	case autoReply:
		w.field("Auto-Submitted", "auto-replied")
	}
	w.field("MIME-Version", "1.0")
	w.field("X-Mailer", "Benchmark 1.0")
}

func (w *writer) field(name, value string) { fmt.Fprintf(&w.buf, "%s: %s\n", name, value) }

// text makes up what was written, and quotes it when it answers.
func (w *writer) text(p *plan, d *dice) string {
	var b strings.Builder
	words := p.with.tongue.words
	sentences := func(n int, lead string) {
		for range n {
			column := 0
			b.WriteString(lead)
			for range 6 + d.n(20) {
				word := words[d.n(len(words))]
				b.WriteString(word)
				if column += len(word) + 1; column > 66 {
					b.WriteString("\n" + lead)
					column = 0
				} else {
					b.WriteByte(' ')
				}
			}
			b.WriteString(".\n\n")
		}
	}
	sentences(2+d.n(12), "")
	fmt.Fprintf(&b, "-- \n%s\n", p.with.name())
	if p.parent != nil {
		fmt.Fprintf(&b, "\n%s:\n", p.parent.date.Format(time.DateTime))
		sentences(2+d.n(12), "> ")
	}
	return b.String()
}

func (w *writer) textPart(mediaType, text string) {
	fmt.Fprintf(&w.buf, "Content-Type: %s; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\n", mediaType)
	qp := quotedprintable.NewWriter(&lf{&w.buf})
	_, _ = qp.Write([]byte(text)) // a bytes.Buffer takes everything
	_ = qp.Close()
}

// lf writes CRLF as LF.
type lf struct{ to *bytes.Buffer }

func (l *lf) Write(p []byte) (int, error) {
	for _, c := range p {
		if c != '\r' {
			l.to.WriteByte(c)
		}
	}
	return len(p), nil
}

func (w *writer) attachment(boundary string, p *plan, d *dice) {
	name, mediaType := fmt.Sprintf("offer-%d.pdf", p.number), "application/pdf"
	if d.n(3) == 0 {
		name, mediaType = encoded("Übersicht.xlsx"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
	}
	fmt.Fprintf(&w.buf, "\n--%s\nContent-Type: %s; name=%q\nContent-Disposition: attachment; filename=%q\nContent-Transfer-Encoding: base64\n\n",
		boundary, mediaType, name, name)
	lines := 20 + d.n(380)
	from := d.n(3000 - lines)
	w.buf.Write(w.pad[77*from : 77*(from+lines)])
}

func stamp(t time.Time) string { return t.Format(time.RFC1123Z) }

func mailboxOf(name, address string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return r >= 0x80 }) {
		return encoded(name) + " <" + address + ">"
	}
	return fmt.Sprintf("%q <%s>", name, address)
}

func addressOf(mailbox string) string {
	_, address, _ := strings.Cut(strings.TrimSuffix(mailbox, ">"), "<")
	return address
}

// encoded encodes text beyond ASCII (RFC 2047).
func encoded(s string) string {
	if strings.ContainsFunc(s, func(r rune) bool { return r >= 0x3000 }) {
		return mime.BEncoding.Encode("utf-8", s)
	}
	return mime.QEncoding.Encode("utf-8", s)
}
