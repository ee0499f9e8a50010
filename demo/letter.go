package demo

import (
	"bytes"
	"fmt"
	"mime"
	"net/mail"
	"strings"
	"time"
)

// letter is a message before it is written as bytes.
type letter struct {
	kind    Kind
	from    []mailbox
	sender  *mailbox
	replyTo []mailbox
	to      []mailbox
	cc      []mailbox
	bcc     []mailbox
	date    time.Time // in the author's zone

	id         string // with angle brackets
	inReplyTo  string
	references []string

	subject     string
	text        string
	said        string // the text without what it quotes
	html        bool   // with an HTML alternative
	htmlOnly    bool
	charset     string // of the text; "" is UTF-8
	attachments []attachment
	content     *part // instead of text and attachments

	sent   bool   // written here: it has not come over the network
	intake string // address it was delivered to, by default the owner's

	extra    []field           // additional header fields
	override map[string]string // header fields as they are to stand, in bytes; "" leaves one out

	raw []byte // what it became
}

// field is a header field whose value is encoded but not yet folded.
type field struct {
	name, value string
}

// set writes a header field as given, unfolded and unencoded.
func (l *letter) set(name, raw string) {
	if l.override == nil {
		l.override = map[string]string{}
	}
	l.override[name] = raw
}

// answers makes l an answer to another letter (RFC 5322 §3.6.4).
func (l *letter) answers(to *letter) {
	l.inReplyTo = to.id
	l.references = append(append([]string(nil), to.references...), to.id)
}

// bytes writes the message.
func (m *maker) bytes(l *letter) []byte {
	fields := l.trace(m)
	add := func(name, value string) {
		if value != "" {
			fields = append(fields, field{name, value})
		}
	}
	add("Message-ID", l.id)
	add("Date", l.date.Format(time.RFC1123Z))
	add("From", addressList(l.from))
	if l.sender != nil {
		add("Sender", addressList([]mailbox{*l.sender}))
	}
	add("Reply-To", addressList(l.replyTo))
	add("To", addressList(l.to))
	add("Cc", addressList(l.cc))
	add("Bcc", addressList(l.bcc))
	add("Subject", encodeText(l.subject))
	add("In-Reply-To", l.inReplyTo)
	add("References", strings.Join(l.references, " "))
	fields = append(fields, l.extra...)
	add("User-Agent", userAgent(l))
	add("MIME-Version", "1.0")

	var b bytes.Buffer
	for _, f := range fields {
		raw, changed := l.override[f.name]
		switch {
		case !changed:
			b.WriteString(fold(f.name, f.value))
		case raw != "":
			b.WriteString(f.name + ": " + raw + "\r\n")
		}
	}
	content := l.content
	if content == nil {
		content = m.content(l)
	}
	content.write(&b)
	l.raw = b.Bytes()
	return l.raw
}

// trace is what mail servers add on the way (RFC 5321 §4.4, RFC 8601).
func (l *letter) trace(m *maker) []field {
	if l.sent || len(l.from) == 0 {
		return nil
	}
	author := l.from[0].addr
	domain := author[strings.LastIndexByte(author, '@')+1:]
	intake := l.intake
	if intake == "" {
		intake = Owner
	}
	result := "mx." + Domain + "; spf=pass smtp.mailfrom=" + author +
		"; dkim=pass header.d=" + domain + "; dmarc=pass header.from=" + domain
	return []field{
		{"Return-Path", "<" + author + ">"},
		{"Delivered-To", intake},
		{"Received", fmt.Sprintf("from mail.%s (mail.%s [198.51.100.%d]) by mx.%s with ESMTPS id %s for <%s>; %s",
			domain, domain, 1+m.rand.IntN(250), Domain, m.token(10), intake,
			m.received(l).Format(time.RFC1123Z))},
		{"Authentication-Results", result},
	}
}

// userAgent is the program that an author writes with, the same each time.
func userAgent(l *letter) string {
	if len(l.from) == 0 {
		return ""
	}
	agents := []string{"Larkmail 7.1", "", "Heron Desk 12.3", "Plover Webmail", ""}
	return agents[len(l.from[0].addr)%len(agents)]
}

// fold writes a header field with lines of at most 78 characters where it can
// be parted at blanks (RFC 5322 §2.1.1).
func fold(name, value string) string {
	var b strings.Builder
	b.WriteString(name + ":")
	length := len(name) + 1
	for i, word := range strings.Split(value, " ") {
		if i > 0 && length+1+len(word) > 78 {
			b.WriteString("\r\n")
			length = 0
		}
		b.WriteString(" " + word)
		length += 1 + len(word)
	}
	b.WriteString("\r\n")
	return b.String()
}

// addressList writes mailboxes with names encoded where that is needed.
func addressList(boxes []mailbox) string {
	parts := make([]string, len(boxes))
	for i, box := range boxes {
		parts[i] = (&mail.Address{Name: box.name, Address: box.addr}).String()
	}
	return strings.Join(parts, ", ")
}

// encodeText writes unstructured text as encoded words (RFC 2047): Q where most
// of it stays readable, else B.
func encodeText(s string) string {
	beyond := 0
	for _, r := range s {
		if r > 0x7e {
			beyond++
		}
	}
	if beyond*4 > len(s) {
		return mime.BEncoding.Encode("utf-8", s)
	}
	return mime.QEncoding.Encode("utf-8", s)
}
