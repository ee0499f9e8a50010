package config

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Since is how far back the first capture goes: a span of time or a date.
type Since struct {
	text                string
	years, months, days int
	hours               int
	date                time.Time // midnight UTC of the day; zero for a span
}

var sinceSpan = regexp.MustCompile(`^([0-9]{1,7})(h|d|w|mo|y)$`)

// maxSince is the longest span, in hours: a hundred years.
const maxSince = 100 * 366 * 24

// ParseSince reads a number with one of the units h, d, w, mo and y, or a date
// as in 2024-01-31.
func ParseSince(s string) (Since, error) {
	if date, err := time.Parse(time.DateOnly, s); err == nil {
		if date.Year() < 1970 {
			return Since{}, fmt.Errorf("%s is before 1970", s)
		}
		return Since{text: s, date: date}, nil
	}
	m := sinceSpan.FindStringSubmatch(s)
	if m == nil {
		return Since{}, fmt.Errorf("%q is neither a span of time, such as 720h, 365d, 26w, 18mo or 2y, nor a date, such as 2024-01-31", s)
	}
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return Since{}, err
	}
	since := Since{text: s}
	hours := n
	switch m[2] {
	case "h":
		since.hours = n
	case "d":
		since.days, hours = n, n*24
	case "w":
		since.days, hours = n*7, n*7*24
	case "mo":
		since.months, hours = n, n*30*24
	case "y":
		since.years, hours = n, n*365*24
	}
	if hours > maxSince {
		return Since{}, fmt.Errorf("%s is more than a hundred years", s)
	}
	return since, nil
}

// Horizon returns the instant that the first capture goes back to. Days, months
// and years are those of the calendar in now's zone, and a date begins there
// at midnight.
func (s Since) Horizon(now time.Time) time.Time {
	if !s.date.IsZero() {
		y, m, d := s.date.Date()
		return time.Date(y, m, d, 0, 0, 0, 0, now.Location())
	}
	return now.AddDate(-s.years, -s.months, -s.days).Add(-time.Duration(s.hours) * time.Hour)
}

// String returns the text it was read from.
func (s Since) String() string { return s.text }

// Equal tells whether both were read from the same text.
func (s Since) Equal(other Since) bool { return s.text == other.text }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Since) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSince(string(text))
	return err
}
