package syncer_test

import (
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	syncer "kith/sync"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestScheduleRefusesNonsense(t *testing.T) {
	for reason, spec := range map[string]string{
		"nothing":                             "",
		"a zone alone makes the parser panic": "CRON_TZ=Europe/Brussels",
		"unknown zone":                        "CRON_TZ=Mars/Olympus 0 * * * *",
		"six fields":                          "0 0 * * * *",
		"minute 60":                           "60 * * * *",
		"words":                               "every now and then",
		"negative interval":                   "@every -5m",
	} {
		t.Run(reason, func(t *testing.T) {
			s, err := syncer.ParseSchedule(spec, time.UTC)
			if err == nil && !s.Next(time.Unix(0, 0)).After(time.Unix(0, 0)) {
				t.Errorf("ParseSchedule(%q) gave a schedule that does not advance", spec)
			}
			if err == nil && reason != "negative interval" {
				t.Errorf("ParseSchedule(%q) gave no error", spec)
			}
			if err != nil && !strings.Contains(err.Error(), "schedule") {
				t.Errorf("the error does not say what it is about: %v", err)
			}
		})
	}
}

func TestScheduleNext(t *testing.T) {
	berlin := zone(t, "Europe/Berlin")
	at := func(s string) time.Time {
		t.Helper()
		parsed, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	for _, tt := range []struct{ name, spec, after, want string }{
		{"an interval", "@every 5m", "2026-11-23T10:00:30Z", "2026-11-23T10:05:30Z"},
		{"hourly", "@hourly", "2026-11-23T10:00:30Z", "2026-11-23T11:00:00Z"},
		{"fields are read in the given zone", "30 9 * * *", "2026-11-23T10:00:00Z", "2026-11-24T08:30:00Z"},
		{"a zone of its own wins", "CRON_TZ=Asia/Tokyo 30 9 * * *", "2026-11-23T10:00:00Z", "2026-11-24T00:30:00Z"},
		{"I10 a time that summer time leaves out is not left out", "30 2 * * *", "2026-03-29T00:45:00Z", "2026-03-29T01:30:00Z"},
		{"I10 the day after it is at its time again", "30 2 * * *", "2026-03-29T01:30:00Z", "2026-03-30T00:30:00Z"},
		{"I10 the day before too", "30 2 * * *", "2026-03-28T01:00:00Z", "2026-03-28T01:30:00Z"},
		{"every five minutes goes on over the change", "*/5 * * * *", "2026-03-29T00:57:00Z", "2026-03-29T01:00:00Z"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := syncer.ParseSchedule(tt.spec, berlin)
			if err != nil {
				t.Fatal(err)
			}
			if got := s.Next(at(tt.after)); !got.Equal(at(tt.want)) {
				t.Errorf("Next(%s) = %s, want %s", tt.after, got.UTC().Format(time.RFC3339), tt.want)
			}
		})
	}
}

// Whatever the zone and the instant, a schedule moves on, and a daily one runs
// each day.
func TestScheduleDailyNeverSkipsADay(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata"} {
		z := zone(t, name)
		for hour := range 4 {
			s, err := syncer.ParseSchedule("15 "+string(rune('0'+hour))+" * * *", z)
			if err != nil {
				t.Fatal(err)
			}
			last := time.Date(2026, 1, 1, 12, 0, 0, 0, z)
			for last.Year() == 2026 {
				next := s.Next(last)
				if gap := next.Sub(last); gap <= 0 || gap > 26*time.Hour {
					t.Fatalf("%s at %d:15: after %v comes %v", name, hour, last, next)
				}
				last = next
			}
		}
	}
}
