package message_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/message"
)

// part makes a leaf; params come in pairs.
func part(mediaType string, size int64, params ...string) *message.Part {
	p := &message.Part{MediaType: mediaType, Size: size, Params: map[string]string{}}
	for i := 0; i < len(params); i += 2 {
		p.Params[params[i]] = params[i+1]
	}
	return p
}

func attached(p *message.Part, params ...string) *message.Part {
	p.Disposition = "attachment"
	p.DispositionParams = map[string]string{}
	for i := 0; i < len(params); i += 2 {
		p.DispositionParams[params[i]] = params[i+1]
	}
	return p
}

func inline(p *message.Part, params ...string) *message.Part {
	attached(p, params...).Disposition = "inline"
	return p
}

func base64(p *message.Part) *message.Part {
	p.Encoding = "BASE64"
	return p
}

func multi(subtype string, children ...*message.Part) *message.Part {
	return &message.Part{MediaType: "multipart/" + subtype, Children: children, Params: map[string]string{}}
}

func TestApplyStructure(t *testing.T) {
	letter := func() *message.Part { return multi("alternative", part("text/plain", 100), part("text/html", 200)) }
	tests := []struct {
		name string
		root *message.Part
		want kith.Message
		text string // media type of the text part
	}{
		{"nothing known", nil, kith.Message{}, ""},
		{"plain text", part("text/plain", 100), kith.Message{}, "text/plain"},
		{"A29 HTML alone", part("text/html", 100), kith.Message{}, "text/html"},
		{"alternatives", letter(), kith.Message{}, "text/plain"},
		{"A29 an empty plain text beside HTML", multi("alternative", part("text/plain", 2), part("text/html", 200)), kith.Message{}, "text/html"},
		{"HTML with pictures, beside plain text", multi("alternative", part("text/plain", 100),
			multi("related", part("text/html", 200), inline(part("image/png", 10, "name", "logo.png")))),
			kith.Message{Attachments: []kith.Attachment{{Name: "logo.png", MediaType: "image/png", Size: 10, Inline: true}}}, "text/plain"},
		{"a picture with an id alone", multi("related", part("text/html", 200), &message.Part{MediaType: "image/png", ContentID: "<1@x>"}),
			kith.Message{Attachments: []kith.Attachment{{MediaType: "image/png", Inline: true}}}, "text/html"},
		{"an attachment, base64 taken off", multi("mixed", letter(), base64(attached(part("application/pdf", 78*1000), "filename", "offer.pdf"))),
			kith.Message{Attachments: []kith.Attachment{{Name: "offer.pdf", MediaType: "application/pdf", Size: 57000}}}, "text/plain"},
		{"an attachment that is text", multi("mixed", part("text/plain", 100), attached(part("text/plain", 50), "filename", "notes.txt")),
			kith.Message{Attachments: []kith.Attachment{{Name: "notes.txt", MediaType: "text/plain", Size: 50}}}, "text/plain"},
		{"a text attachment before the letter", multi("mixed", attached(part("text/plain", 50), "filename", "notes.txt"), part("text/html", 100)),
			kith.Message{Attachments: []kith.Attachment{{Name: "notes.txt", MediaType: "text/plain", Size: 50}}}, "text/html"},
		{"what a list writes below", multi("mixed", part("text/plain", 100), part("text/plain", 50)), kith.Message{}, "text/plain"},
		{"an attachment alone", attached(part("application/pdf", 100), "filename", "offer.pdf"),
			kith.Message{Attachments: []kith.Attachment{{Name: "offer.pdf", MediaType: "application/pdf", Size: 100}}}, ""},
		{"A21 a message inside", multi("mixed", part("text/plain", 100), part("message/rfc822", 5000, "name", "Old letter.eml")),
			kith.Message{Attachments: []kith.Attachment{{Name: "Old letter.eml", MediaType: "message/rfc822", Size: 5000}}}, "text/plain"},
		{"A22 S/MIME, signed", multi("signed", part("text/plain", 100), base64(attached(part("application/pkcs7-signature", 3000), "filename", "smime.p7s"))),
			kith.Message{}, "text/plain"},
		{"A22 S/MIME, encrypted", base64(attached(part("application/pkcs7-mime", 780, "name", "smime.p7m"))),
			kith.Message{Attachments: []kith.Attachment{{Name: "smime.p7m", MediaType: "application/pkcs7-mime", Size: 570}}}, ""},
		{"A22 PGP/MIME, encrypted", multi("encrypted", part("application/pgp-encrypted", 10), inline(part("application/octet-stream", 900, "name", "encrypted.asc"))),
			kith.Message{Attachments: []kith.Attachment{{Name: "encrypted.asc", MediaType: "application/octet-stream", Size: 900, Inline: true}}}, ""},
		{"A22 winmail.dat", multi("mixed", part("text/plain", 100), attached(part("application/ms-tnef", 900, "name", "winmail.dat"))),
			kith.Message{Attachments: []kith.Attachment{{Name: "winmail.dat", MediaType: "application/ms-tnef", Size: 900}}}, "text/plain"},
		{"C18 a delivery report", multi("report", part("text/plain", 100), part("message/delivery-status", 200), part("message/rfc822", 3000)),
			kith.Message{Bounce: &kith.Bounce{}}, "text/plain"},
		{"C18 a delivery report that a server wrapped", multi("mixed", multi("report", part("text/plain", 100), part("message/delivery-status", 200)), part("text/plain", 10)),
			kith.Message{Bounce: &kith.Bounce{}}, "text/plain"},
		{"C18 a letter with a message that holds a report", multi("mixed", part("text/plain", 100), part("message/rfc822", 3000)),
			kith.Message{Attachments: []kith.Attachment{{MediaType: "message/rfc822", Size: 3000}}}, "text/plain"},
		{"C19 a read receipt", multi("report", part("text/plain", 100), part("message/disposition-notification", 200)), kith.Message{Receipt: true}, "text/plain"},
		{"C20 an invitation", multi("mixed", multi("alternative", part("text/plain", 100), part("text/html", 100), part("text/calendar", 900, "method", "request")),
			attached(part("application/ics", 900, "name", "invite.ics"))),
			kith.Message{Invitation: "REQUEST", Attachments: []kith.Attachment{{Name: "invite.ics", MediaType: "application/ics", Size: 900}}}, "text/plain"},
		{"C20 an invitation alone", part("text/calendar", 900, "method", "REQUEST"), kith.Message{Invitation: "REQUEST"}, ""},
		{"C20 an invitation beside the text, as Notes writes", multi("mixed", part("text/plain", 100), part("text/calendar", 900, "method", "REQUEST")), kith.Message{Invitation: "REQUEST"}, "text/plain"},
		{"C20 a letter with an .ics file", multi("mixed", letter(), attached(part("text/calendar", 900, "method", "REQUEST"), "filename", "event.ics")),
			kith.Message{Attachments: []kith.Attachment{{Name: "event.ics", MediaType: "text/calendar", Size: 900}}}, "text/plain"},
		{"C20 a letter with an .ics file without disposition", multi("mixed", letter(), part("text/calendar", 900, "name", "event.ics", "method", "PUBLISH")),
			kith.Message{Attachments: []kith.Attachment{{Name: "event.ics", MediaType: "text/calendar", Size: 900}}}, "text/plain"},
		{"C20 something published is no invitation", multi("alternative", part("text/plain", 100), part("text/calendar", 900, "method", "PUBLISH")), kith.Message{}, "text/plain"},
		{"C21 an answer to an invitation", multi("alternative", part("text/plain", 100), part("text/calendar", 900, "method", "REPLY")), kith.Message{Invitation: "REPLY"}, "text/plain"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var got kith.Message
			message.ApplyStructure(&got, tt.root)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
			text := ""
			if p := message.TextPart(tt.root); p != nil {
				text = p.MediaType
			}
			if text != tt.text {
				t.Errorf("the text is %q, want %q", text, tt.text)
			}
		})
	}
}

func TestAttachmentName(t *testing.T) {
	tests := []struct {
		name   string
		params []string
		want   string
	}{
		{"none", nil, ""},
		{"plain", []string{"filename", "offer.pdf"}, "offer.pdf"},
		{"RFC 2231", []string{"filename*", "utf-8'de'%C3%9Cbersicht.pdf"}, "Übersicht.pdf"},
		{"RFC 2231, latin1", []string{"filename*", "iso-8859-1''%DCbersicht.pdf"}, "Übersicht.pdf"},
		{"RFC 2231, without charset", []string{"filename*", "%C3%9Cbersicht.pdf"}, "Übersicht.pdf"},
		{"RFC 2231, in pieces", []string{"filename*0", "a long", "filename*1", " name.pdf"}, "a long name.pdf"},
		{"RFC 2231, in encoded pieces", []string{"filename*0*", "utf-8''%C3%9Cber", "filename*1*", "sicht%C3", "filename*2*", "%BC.pdf"}, "Übersichtü.pdf"},
		{"RFC 2231, some pieces encoded", []string{"filename*0*", "utf-8''%C3%9Cber", "filename*1", "sicht.pdf"}, "Übersicht.pdf"},
		{"RFC 2231 before the plain form", []string{"filename", "Uebersicht.pdf", "filename*", "utf-8''%C3%9Cbersicht.pdf"}, "Übersicht.pdf"},
		{"RFC 2047, which it should not be", []string{"filename", "=?utf-8?Q?=C3=9Cbersicht.pdf?="}, "Übersicht.pdf"},
		{"RFC 2047 in pieces", []string{"filename*0", "=?utf-8?Q?=C3=9Cber?=", "filename*1", " =?utf-8?Q?sicht.pdf?="}, "Übersicht.pdf"},
		{"A12 raw latin1", []string{"filename", "\xdcbersicht.pdf"}, "Übersicht.pdf"},
		{"A13 NUL", []string{"filename", "a\x00b.pdf"}, "ab.pdf"},
		{"A14 direction marks that hide the ending", []string{"filename", "fdp\u202eexe.pdf"}, "fdpexe.pdf"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var m kith.Message
			message.ApplyStructure(&m, attached(part("application/pdf", 1), tt.params...))
			if got := m.Attachments[0].Name; got != tt.want {
				t.Errorf("%q = %q, want %q", tt.params, got, tt.want)
			}
		})
	}
}

func TestStructureIsBounded(t *testing.T) {
	deep := part("application/pdf", 1)
	for range 10_000 {
		deep = multi("mixed", deep)
	}
	wide := multi("mixed")
	for range 5000 {
		wide.Children = append(wide.Children, attached(part("application/pdf", 1)))
	}
	var m kith.Message
	message.ApplyStructure(&m, deep)
	if len(m.Attachments) != 0 || message.TextPart(deep) != nil {
		t.Errorf("something was found 10,000 levels deep")
	}
	message.ApplyStructure(&m, wide)
	if len(m.Attachments) != 200 || len(m.Warnings) != 1 {
		t.Errorf("%d attachments, warnings %q", len(m.Attachments), m.Warnings)
	}
}
