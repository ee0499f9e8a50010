package config_test

import (
	"testing"
	"time"

	"kith/config"
)

func TestSince(t *testing.T) {
	brussels, err := time.LoadLocation("Europe/Brussels")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 3, 31, 12, 0, 0, 0, brussels)
	for _, tt := range []struct{ reason, text, want string }{
		{"minutes may be meant as months", "18m", ""},
		{"no unit", "365", ""},
		{"empty", "", ""},
		{"negative", "-1d", ""},
		{"two units", "1y6mo", ""},
		{"a fraction", "1.5y", ""},
		{"longer than people live", "101y", ""},
		{"longer than a number holds", "99999999999999999999h", ""},
		{"no such day", "2026-02-30", ""},
		{"before there was e-mail", "1901-01-01", ""},
		{"nothing of the past", "0d", "2026-03-31T12:00:00+02:00"},
		{"hours are hours, whatever the clock does", "72h", "2026-03-28T11:00:00+01:00"},
		{"days are days of the calendar", "3d", "2026-03-28T12:00:00+01:00"},
		{"weeks", "26w", "2025-09-30T12:00:00+02:00"},
		{"months", "18mo", "2024-10-01T12:00:00+02:00"},
		{"years", "2y", "2024-03-31T12:00:00+02:00"},
		{"a date begins at midnight here", "2026-01-02", "2026-01-02T00:00:00+01:00"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			since, err := config.ParseSince(tt.text)
			if (err != nil) != (tt.want == "") {
				t.Fatalf("ParseSince(%q): error %v", tt.text, err)
			}
			if err != nil {
				return
			}
			if got := since.Horizon(at).Format(time.RFC3339); got != tt.want {
				t.Errorf("horizon of %s is %s, want %s", tt.text, got, tt.want)
			}
			if since.String() != tt.text {
				t.Errorf("String() = %q, want %q", since, tt.text)
			}
		})
	}
}

func TestBytes(t *testing.T) {
	for _, tt := range []struct {
		text string
		want config.Bytes
		back string
	}{
		{"65536", 65536, "64KiB"},
		{"64KiB", 65536, "64KiB"},
		{"64 kB", 64000, "64000B"},
		{"1MB", 1e6, "1000000B"},
		{"1GiB", 1 << 30, "1GiB"},
		{"0", 0, "0B"},
		{"1TB", -1, ""},
		{"-1", -1, ""},
		{"1.5MB", -1, ""},
		{"999999999999999GiB", -1, ""},
	} {
		var b config.Bytes
		err := b.UnmarshalText([]byte(tt.text))
		if tt.want < 0 {
			if err == nil {
				t.Errorf("%q is taken for %d", tt.text, b)
			}
			continue
		}
		if err != nil || b != tt.want || b.String() != tt.back {
			t.Errorf("%q is %d (%s), %v; want %d (%s)", tt.text, b, b, err, tt.want, tt.back)
		}
	}
}
