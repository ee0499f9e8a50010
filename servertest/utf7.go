package servertest

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"
)

// modifiedUTF7 encodes a mailbox name (RFC 3501 §5.1.3).
func modifiedUTF7(name string) string {
	var out strings.Builder
	var pending []rune
	flush := func() {
		if len(pending) == 0 {
			return
		}
		var wide []byte
		for _, u := range utf16.Encode(pending) {
			wide = append(wide, byte(u>>8), byte(u))
		}
		enc := base64.RawStdEncoding.EncodeToString(wide)
		out.WriteString("&" + strings.ReplaceAll(enc, "/", ",") + "-")
		pending = nil
	}
	for _, r := range name {
		switch {
		case r == '&':
			flush()
			out.WriteString("&-")
		case r >= 0x20 && r <= 0x7e:
			flush()
			out.WriteRune(r)
		default:
			pending = append(pending, r)
		}
	}
	flush()
	return out.String()
}
