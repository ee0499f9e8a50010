package config

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Problem is one thing in the configuration that can't stay as it is.
type Problem struct {
	File    string `json:"file"`
	Row     int    `json:"row"`    // from 1; 0 when the file as a whole is meant
	Column  int    `json:"column"` // from 1, in characters
	Key     string `json:"key"`    // such as `policy.bulk` or `account "alice-mail": url`; "" for none
	Message string `json:"message"`
	Excerpt string `json:"excerpt"` // the line, and below it marks under the place; no secret is in it
}

// String returns the place, the message and the excerpt, on one to three lines.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Row > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Row, p.Column)
	}
	b.WriteString(": ")
	if p.Key != "" {
		b.WriteString(p.Key + ": ")
	}
	b.WriteString(p.Message)
	if p.Excerpt != "" {
		b.WriteString("\n" + p.Excerpt)
	}
	return b.String()
}

// Brief returns the message and the key that it is about, without the place.
func (p Problem) Brief() string {
	if p.Key == "" {
		return p.Message
	}
	return p.Key + ": " + p.Message
}

// Problems is everything that is wrong with a configuration, in the order of the
// files and the places in them. It is the error that [Load] returns.
type Problems []Problem

func (ps Problems) Error() string {
	texts := make([]string, len(ps))
	for i, p := range ps {
		texts[i] = p.String()
	}
	return strings.Join(texts, "\n")
}

var (
	// assigned finds where a key with the name of a secret gets its value.
	assigned = regexp.MustCompile(`(?i)(?:[\w-]*(?:pass|pwd|secret|token|api_?key)[\w-]*|\bkeys?)["']?\s*=\s*`)
	// secretPlace finds the keys that only say where a secret is.
	secretPlace = regexp.MustCompile(`^password_(?:file|command|env)["']?\s*=`)
	// userinfo finds a password in a URL, even in one that is not well formed.
	userinfo = regexp.MustCompile(`(://[^/\s"'@:]*):.*@`)
	// passwordParameter finds one among a database URL's parameters.
	passwordParameter = regexp.MustCompile(`([?&](?:ssl)?password=)[^&\s"']*`)
)

// mask takes secrets out of a line.
func mask(s string) string {
	s = userinfo.ReplaceAllString(s, "$1:"+masked+"@")
	s = passwordParameter.ReplaceAllString(s, "${1}"+masked)
	for _, m := range assigned.FindAllStringIndex(s, -1) {
		if found := s[m[0]:m[1]]; !secretPlace.MatchString(found) && !strings.HasSuffix(s[:m[1]], "password=") {
			return s[:m[1]] + masked
		}
	}
	return s
}

// excerpt shows the line of data that holds the offset, with marks under
// length bytes of it, and returns where that is.
func excerpt(data []byte, offset, length int) (row, column int, text string) {
	offset = min(offset, len(data))
	before := string(data[:offset])
	start := strings.LastIndexByte(before, '\n') + 1
	row = strings.Count(before, "\n") + 1
	column = utf8.RuneCountInString(before[start:]) + 1

	line, _, _ := strings.Cut(string(data[start:]), "\n")
	line = mask(strings.TrimRight(strings.Map(printable, strings.ToValidUTF8(line, "�")), " \r"))
	runes := []rune(line)
	marks := utf8.RuneCountInString(string(data[offset:min(offset+length, len(data))]))
	const widest = 160
	if len(runes) > widest {
		runes = append(runes[:widest], '…')
	}
	at := min(column-1, len(runes))
	indent := strings.Map(func(r rune) rune {
		if r == '\t' {
			return r
		}
		return ' '
	}, string(runes[:at]))
	number := fmt.Sprintf("%4d", row)
	return row, column, fmt.Sprintf("%s | %s\n%s | %s%s", number, string(runes), strings.Repeat(" ", len(number)),
		indent, strings.Repeat("^", max(1, min(marks, len(runes)-at))))
}

// printable replaces what would steer a terminal.
func printable(r rune) rune {
	if r != '\t' && !unicode.IsPrint(r) {
		return '�'
	}
	return r
}
