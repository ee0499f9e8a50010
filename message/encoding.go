package message

import (
	"bytes"
	"strings"
)

// transferEncoding names a Content-Transfer-Encoding as RFC 2045 §6.1 does:
// "base64", "quoted-printable", or "" for those that change nothing.
func transferEncoding(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	switch {
	case strings.HasPrefix(s, "base64"):
		return "base64"
	case strings.HasPrefix(s, "quoted"), s == "qp":
		return "quoted-printable"
	}
	return ""
}

// Decode removes the transfer encoding of a part from its body. The body may
// be cut short or damaged; what can be read of it is returned.
func (p *Part) Decode(body []byte) []byte {
	switch transferEncoding(p.Encoding) {
	case "base64":
		return decodeBase64(body)
	case "quoted-printable":
		return decodeQuotedPrintable(body)
	}
	return body
}

// decodeBase64 decodes up to the padding; what is not of the alphabet is skipped (RFC 2045 §6.8).
func decodeBase64(body []byte) []byte {
	if end := bytes.IndexByte(body, '='); end >= 0 {
		body = body[:end]
	}
	return appendBase64(make([]byte, 0, len(body)/4*3+3), base64Only(string(body)))
}

// decodeQuotedPrintable decodes as RFC 2045 §6.7 asks of robust decoders: what
// is no encoding stays as it stands.
func decodeQuotedPrintable(body []byte) []byte {
	out := make([]byte, 0, len(body))
	for line := range bytes.Lines(body) {
		text := bytes.TrimRight(line, " \t\r\n")
		end := line[len(bytes.TrimRight(line, "\r\n")):]
		if n := len(text); n > 0 && text[n-1] == '=' { // a soft line break
			text, end = text[:n-1], nil
		}
		for i := 0; i < len(text); i++ {
			if text[i] == '=' && i+2 < len(text) && isHex(text[i+1]) && isHex(text[i+2]) {
				out = append(out, unhex(text[i+1])<<4|unhex(text[i+2]))
				i += 2
				continue
			}
			out = append(out, text[i])
		}
		out = append(out, end...)
	}
	return out
}
