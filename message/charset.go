package message

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/simplifiedchinese"
)

// misnamed are charsets by names that mailers write and no registry knows.
var misnamed = map[string]string{
	"utf":            "utf-8",
	"utf8mb4":        "utf-8",
	"latin-1":        "windows-1252",
	"iso-8859":       "windows-1252",
	"iso8859_1":      "windows-1252",
	"ansi":           "windows-1252",
	"ks_c_5601":      "euc-kr",
	"cp932":          "shift_jis",
	"cp936":          "gbk",
	"cp949":          "euc-kr",
	"cp950":          "big5",
	"iso-2022-jp-1":  "iso-2022-jp",
	"iso-2022-jp-2":  "iso-2022-jp",
	"iso-2022-jp-ms": "iso-2022-jp",
	"cp50220":        "iso-2022-jp",
}

// lookupCharset finds a charset by the name that a message gives it, nil when
// there is none.
func lookupCharset(label string) encoding.Encoding {
	label, _, _ = strings.Cut(label, "*") // RFC 2231 §5: a language follows
	label = strings.ToLower(strings.Trim(label, " \t\"'"))
	if name, ok := misnamed[label]; ok {
		label = name
	}
	switch label {
	case "hz-gb-2312", "hz":
		return simplifiedchinese.HZGB2312 // HTML maps it to nothing, for web pages' sake
	case "utf-16":
		return nil // no byte order is told; in mail it is a misnomer for something with one
	}
	if e, err := htmlindex.Get(label); err == nil && e != encoding.Replacement {
		return e
	}
	// cp-850, cp850, x-cp850, windows1252, win-1252
	if digits := label[strings.LastIndexFunc(label, isNoDigit)+1:]; digits != "" {
		switch strings.Trim(label[:len(label)-len(digits)], "-_ ") {
		case "cp", "x-cp", "ibm", "dos", "oem":
			label = "ibm" + digits
		case "windows", "win", "ms", "x-windows":
			label = "windows-" + digits
		}
		if e, err := htmlindex.Get(label); err == nil {
			return e
		}
	}
	if e, err := ianaindex.MIME.Encoding(label); err == nil && e != nil {
		return e
	}
	return nil
}

func isNoDigit(r rune) bool { return r < '0' || r > '9' }

// decodeCharset returns text as UTF-8. What the charset can't explain becomes
// U+FFFD. An unknown charset, and US-ASCII where it can't be, are guessed.
func decodeCharset(label string, b []byte) string {
	if isASCII(b) && !isStateful(label) {
		return string(b)
	}
	if strings.EqualFold(label, "utf-8") {
		return strings.ToValidUTF8(string(b), "\ufffd")
	}
	e := lookupCharset(label)
	if e == nil || strings.EqualFold(label, "us-ascii") {
		return guessCharset("", b)
	}
	out, err := e.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\ufffd")
	}
	return strings.ToValidUTF8(string(out), "\ufffd")
}

// isStateful tells charsets in which ASCII bytes may stand for other characters.
func isStateful(label string) bool {
	label = strings.ToLower(label)
	return strings.Contains(label, "2022") || strings.Contains(label, "hz") ||
		strings.Contains(label, "cp5022") || strings.Contains(label, "utf-16") || strings.Contains(label, "utf-32")
}

// guessCharset reads text whose charset is not told, or not right: as UTF-8 if
// it is that, as the charset that is likely if that explains every byte, else
// as Windows-1252, in which nearly all bytes have a meaning.
func guessCharset(likely string, b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	if e := lookupCharset(likely); e != nil {
		if out, err := e.NewDecoder().Bytes(b); err == nil && !strings.ContainsRune(string(out), '\ufffd') {
			return string(out)
		}
	}
	out, err := charmap.Windows1252.NewDecoder().Bytes(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\ufffd")
	}
	return string(out)
}

func isASCII[T string | []byte](s T) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
