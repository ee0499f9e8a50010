package message

import (
	"strings"
	"time"
)

// maxZone is the offset that a date may have: that of the databases.
const maxZone = 16 * 60 * 60 // seconds

// parseDate reads a date header: RFC 5322 §3.3 with the obsolete forms of
// §4.3, that of C's asctime, ISO 8601, and mixtures of these as mailers write
// them. A zone that is missing or not known is UTC, as §4.3 asks.
func parseDate(s string) (time.Time, bool) {
	if len(s) > 200 { // with a comment; none is longer
		s = s[:200]
	}
	s = withoutComments(s)
	if i := strings.IndexByte(s, '('); i >= 0 {
		s = s[:i]
	}
	d := dateParts{year: -1, month: -1, day: -1, hour: -1}
	for s = skipBlanks(s); s != ""; s = skipBlanks(s) {
		n := 1
		for n < len(s) && !isDateBlank(s[n]) {
			n++
		}
		if !d.token(s[:n]) {
			return time.Time{}, false
		}
		s = s[n:]
	}
	return d.time()
}

func isDateBlank(c byte) bool { return c == ' ' || c == '\t' || c == ',' }

func skipBlanks(s string) string {
	for s != "" && isDateBlank(s[0]) {
		s = s[1:]
	}
	return s
}

// dateParts is what was found of a date so far; -1 is what was not.
type dateParts struct {
	year, month, day int
	hour, min, sec   int
	offset           int // seconds east of UTC
	zoned            bool
}

// token reads one word; false when it makes the whole no date.
func (d *dateParts) token(s string) bool {
	switch c := s[0]; {
	case c == '+' || c == '-':
		return d.zone(s)
	case !isDigit(c):
		return d.word(s)
	case strings.IndexByte(s, ':') >= 0 && (len(s) < 11 || s[10] != 'T'):
		return d.clock(s)
	case strings.IndexByte(s, '-') > 0:
		return d.dashed(s)
	case d.hour < 0 && d.year >= 0 && strings.Count(s, ".") >= 1:
		return d.clock(strings.ReplaceAll(s, ".", ":")) // 10.30.15
	}
	n, rest := number(s)
	rest = strings.TrimLeft(rest, ".") // 2. Januar
	switch {
	case rest == "st" || rest == "nd" || rest == "rd" || rest == "th" || rest == "":
	default:
		return false
	}
	digits := len(s) - len(rest)
	switch {
	case d.day < 0 && digits <= 2:
		d.day = n
	case d.year < 0 && digits <= 4:
		d.year = fullYear(n, digits)
	case d.hour >= 0 && digits == 4 && !d.zoned:
		return d.zone("+" + s) // the sign is missing
	default:
		return false
	}
	return true
}

// fullYear completes years of two and three digits (RFC 5322 §4.3).
func fullYear(n, digits int) int {
	switch {
	case digits <= 2 && n < 50:
		return 2000 + n
	case digits <= 3:
		return 1900 + n
	}
	return n
}

// word reads the name of a day, month or zone, or AM and PM. Other words are
// what people and programs add, and mean nothing.
func (d *dateParts) word(s string) bool {
	if len(s) >= 3 {
		if m := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", lower3(s)); m >= 0 && m%3 == 0 && d.month < 0 {
			d.month = m/3 + 1
			return true
		}
	}
	if d.hour < 0 {
		return true
	}
	upper := strings.ToUpper(s)
	if upper == "PM" && d.hour >= 1 && d.hour < 12 {
		d.hour += 12
		return true
	}
	if upper == "AM" && d.hour == 12 {
		d.hour = 0
		return true
	}
	if d.zoned {
		return true
	}
	if hours, ok := zones[upper]; ok {
		d.offset, d.zoned = int(hours*3600), true
		return true
	}
	for _, name := range []string{"GMT", "UTC", "UT"} {
		if rest, ok := strings.CutPrefix(upper, name); ok && len(rest) > 1 && (rest[0] == '+' || rest[0] == '-') {
			return d.zone(rest)
		}
	}
	return true
}

func lower3(s string) string {
	b := [3]byte{s[0] | 0x20, s[1] | 0x20, s[2] | 0x20}
	return string(b[:])
}

// zones are the names of RFC 5322 §4.3 and others that mailers write and that
// mean one offset only, in hours. The letters of the military are not among
// them: §4.3 says to read them as unknown, which is UTC.
var zones = map[string]float64{
	"UT": 0, "UTC": 0, "GMT": 0, "Z": 0,
	"EST": -5, "EDT": -4, "CST": -6, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7,
	"AKST": -9, "AKDT": -8, "HST": -10,
	"WET": 0, "WEST": 1, "CET": 1, "CEST": 2, "MEZ": 1, "MESZ": 2, "MET": 1, "MEST": 2,
	"EET": 2, "EEST": 3, "MSK": 3, "SAST": 2, "JST": 9, "KST": 9, "HKT": 8, "SGT": 8,
	"AEST": 10, "AEDT": 11, "ACST": 9.5, "AWST": 8, "NZST": 12, "NZDT": 13,
}

// zone reads an offset: +0100, +01:00, +1.
func (d *dateParts) zone(s string) bool {
	if d.zoned {
		return true // the first counts: +0100 +01:00
	}
	sign := 1
	if s[0] == '-' {
		sign = -1
	}
	digits := strings.Replace(s[1:], ":", "", 1)
	n, rest := number(digits)
	if rest != "" || digits == "" || d.hour < 0 {
		return false
	}
	if len(digits) <= 2 {
		n *= 100
	}
	offset := n/100*3600 + n%100*60
	d.zoned = true
	if len(digits) <= 4 && n%100 < 60 && offset < maxZone {
		d.offset = sign * offset
	}
	return true
}

// clock reads 15:04, 15:04:05 and 15:04:05.000, with a zone or AM and PM
// right behind.
func (d *dateParts) clock(s string) bool {
	if d.hour >= 0 {
		return false
	}
	var rest string
	d.hour, rest = number(s)
	if rest == "" || rest[0] != ':' {
		return false
	}
	if rest = rest[1:]; rest == "" || !isDigit(rest[0]) {
		return false
	}
	d.min, rest = number(rest)
	if len(rest) > 1 && rest[0] == ':' && isDigit(rest[1]) {
		d.sec, rest = number(rest[1:])
	}
	if len(rest) > 1 && (rest[0] == '.' || rest[0] == ':') { // fractions of a second
		_, rest = number(rest[1:])
	}
	if d.hour > 24 || d.min > 59 || d.sec > 60 {
		return false
	}
	switch {
	case rest == "":
		return true
	case rest[0] == '+' || rest[0] == '-':
		return d.zone(rest)
	}
	return d.word(rest)
}

// dashed reads 2006-01-02, 2006-01-02T15:04:05Z, 02-Jan-2006 and 02-Jan-06.
func (d *dateParts) dashed(s string) bool {
	first, rest := number(s)
	digits := len(s) - len(rest)
	if rest == "" || rest[0] != '-' {
		return false
	}
	month, rest, ok := strings.Cut(rest[1:], "-")
	if !ok || month == "" || rest == "" || !isDigit(rest[0]) {
		return false
	}
	if !isDigit(month[0]) {
		year, after := number(rest)
		d.day, d.year = first, fullYear(year, len(rest)-len(after))
		return after == "" && d.word(month)
	}
	m, after := number(month)
	if digits != 4 || after != "" {
		return false // 01-02-2006 may be January or February
	}
	d.year, d.month = first, m
	if d.day, rest = number(rest); rest == "" {
		return true
	}
	return rest[0] == 'T' && len(rest) > 1 && d.clock(rest[1:])
}

// number reads the digits that s starts with.
func number(s string) (n int, rest string) {
	i := 0
	for i < len(s) && isDigit(s[i]) {
		if n < 1e6 {
			n = n*10 + int(s[i]-'0')
		}
		i++
	}
	return n, s[i:]
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func (d *dateParts) time() (time.Time, bool) {
	if d.year < 1 || d.year > 9999 || d.month < 1 || d.month > 12 || d.day < 1 || d.hour < 0 {
		return time.Time{}, false
	}
	loc := time.UTC
	if d.offset != 0 {
		loc = time.FixedZone("", d.offset)
	}
	sec := min(d.sec, 59) // a leap second
	t := time.Date(d.year, time.Month(d.month), d.day, d.hour, d.min, sec, 0, loc)
	// No 31 February; hour 24 is the next day's first.
	if d.hour < 24 && (t.Day() != d.day || t.Month() != time.Month(d.month)) || t.UTC().Year() > 9999 || t.UTC().Year() < 1 {
		return time.Time{}, false
	}
	return t, true
}
