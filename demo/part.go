package demo

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"html"
	"mime"
	"mime/quotedprintable"
	"net/url"
	"strings"
)

// part is a MIME part (RFC 2045): a leaf with a body that is encoded already,
// or a multipart with children.
type part struct {
	fields   []field
	body     []byte
	boundary string // of a multipart
	children []*part
}

// attachment is a file sent along.
type attachment struct {
	name      string
	mediaType string
	content   []byte
}

// write writes the part with its header.
func (p *part) write(b *bytes.Buffer) {
	for _, f := range p.fields {
		b.WriteString(fold(f.name, f.value))
	}
	b.WriteString("\r\n")
	if p.boundary == "" {
		b.Write(p.body)
		return
	}
	for _, child := range p.children {
		b.WriteString("--" + p.boundary + "\r\n")
		child.write(b)
		b.WriteString("\r\n")
	}
	b.WriteString("--" + p.boundary + "--\r\n")
}

// multipart joins parts. The subtype may carry parameters.
func (m *maker) multipart(subtype string, children ...*part) *part {
	boundary := "=_" + m.token(20)
	return &part{
		fields:   []field{{"Content-Type", "multipart/" + subtype + "; boundary=\"" + boundary + "\""}},
		boundary: boundary, children: children,
	}
}

// content is the body of an ordinary letter.
func (m *maker) content(l *letter) *part {
	var body *part
	switch {
	case l.htmlOnly:
		body = htmlPart(l.text)
	case l.html:
		body = m.multipart("alternative", textPart(l.text, l.charset), htmlPart(l.text))
	default:
		body = textPart(l.text, l.charset)
	}
	if len(l.attachments) == 0 {
		return body
	}
	parts := []*part{body}
	for i, a := range l.attachments {
		parts = append(parts, a.part(i+len(l.subject)))
	}
	return m.multipart("mixed", parts...)
}

// textPart writes plain text: 7bit if it is ASCII, 8bit in ISO 8859-1, else
// quoted-printable.
func textPart(text, charset string) *part {
	text = strings.ReplaceAll(text, "\n", "\r\n") + "\r\n"
	switch {
	case charset == "iso-8859-1":
		return &part{fields: []field{
			{"Content-Type", "text/plain; charset=iso-8859-1"},
			{"Content-Transfer-Encoding", "8bit"},
		}, body: []byte(latin1(text))}
	case isASCII(text) && longestLine(text) < 900:
		return &part{fields: []field{
			{"Content-Type", "text/plain; charset=us-ascii"},
			{"Content-Transfer-Encoding", "7bit"},
		}, body: []byte(text)}
	}
	return &part{fields: []field{
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	}, body: quoted(text)}
}

func htmlPart(text string) *part {
	var b strings.Builder
	b.WriteString("<html><head><style>p { font-family: sans-serif }</style></head><body>\r\n")
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		b.WriteString("<p>" + strings.ReplaceAll(html.EscapeString(paragraph), "\n", "<br>\r\n") + "</p>\r\n")
	}
	b.WriteString("</body></html>\r\n")
	return &part{fields: []field{
		{"Content-Type", "text/html; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	}, body: quoted(b.String())}
}

// part writes an attachment. A name beyond ASCII is written in one of the three
// ways that are seen in the wild.
func (a attachment) part(variant int) *part {
	typeValue, disposition := a.mediaType, ""
	switch {
	case isASCII(a.name):
		disposition = mime.FormatMediaType("attachment", map[string]string{"filename": a.name})
	case variant%3 == 0: // RFC 2231 §4
		disposition = mime.FormatMediaType("attachment", map[string]string{"filename": a.name})
	case variant%3 == 1: // RFC 2231 §4.1, in pieces
		disposition = "attachment"
		rest := "utf-8''" + url.PathEscape(a.name)
		for i := 0; rest != ""; i++ {
			n := min(len(rest), 40)
			disposition += fmt.Sprintf("; filename*%d*=%s", i, rest[:n])
			rest = rest[n:]
		}
	default: // an encoded word in quotes, which RFC 2047 §5 forbids and many send
		word := `"` + strings.ReplaceAll(mime.BEncoding.Encode("utf-8", a.name), " ", "") + `"`
		typeValue += "; name=" + word
		disposition = "attachment; filename=" + word
	}
	return &part{fields: []field{
		{"Content-Type", typeValue},
		{"Content-Disposition", disposition},
		{"Content-Transfer-Encoding", "base64"},
	}, body: base64Lines(a.content)}
}

// base64Lines is base64 in lines of 76 characters (RFC 2045 §6.8).
func base64Lines(content []byte) []byte {
	text := base64.StdEncoding.EncodeToString(content)
	var b bytes.Buffer
	for text != "" {
		n := min(len(text), 76)
		b.WriteString(text[:n] + "\r\n")
		text = text[n:]
	}
	return b.Bytes()
}

func quoted(text string) []byte {
	var b bytes.Buffer
	w := quotedprintable.NewWriter(&b)
	_, _ = w.Write([]byte(text)) // a bytes.Buffer takes everything
	_ = w.Close()
	return b.Bytes()
}

// pdf is a one-page document with a title.
func pdf(title string) []byte {
	// A PDF string is Latin-1 here, with its delimiters escaped.
	escaped := strings.NewReplacer(`\`, `\\`, "(", `\(`, ")", `\)`).Replace(latin1(title))
	stream := "BT /F1 18 Tf 72 760 Td (" + escaped + ") Tj 0 -28 Td /F1 11 Tf (Fennel & Finch) Tj ET"
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%s\nendstream", len(stream), stream),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	offsets := make([]int, len(objects))
	for i, object := range objects {
		offsets[i] = b.Len()
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, object)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, offset := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
	return b.Bytes()
}

// latin1 is s in ISO 8859-1, with a question mark for what that does not have.
func latin1(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r > 0xff {
			r = '?'
		}
		b.WriteByte(byte(r))
	}
	return b.String()
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] > 0x7e {
			return false
		}
	}
	return true
}

func longestLine(text string) int {
	longest := 0
	for line := range strings.SplitSeq(text, "\r\n") {
		longest = max(longest, len(line))
	}
	return longest
}
