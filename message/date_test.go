package message_test

import (
	"strings"
	"testing"
	"time"

	"kith"
	"kith/message"
)

func TestDate(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want string // RFC 3339; "" when it can't be read
	}{
		{"A08 words", "Malformed Date.", ""},
		{"A08 300 characters", strings.Repeat("x", 300), ""},
		{"A08 300 digits", strings.Repeat("1", 300), ""},
		{"A08 no hour", "Wed, 15 Dec 2010    59:10 -0500", ""},
		{"A08 no year", "15 Dec 10:00:00", ""},
		{"A08 no month", "15 2010 10:00:00", ""},
		{"A08 31 February", "31 Feb 2010 10:00:00 +0000", ""},
		{"A08 hour 25", "15 Dec 2010 25:00:00 +0000", ""},
		{"A08 minute 60", "15 Dec 2010 10:60:00 +0000", ""},
		{"A08 month and day unclear", "01-02-2006 10:00:00", ""},
		{"A08 a year of five digits", "1 Jan 20260 10:00:00 +0000", ""},
		{"A08 year 0", "1 Jan 0000 10:00:00 +0000", ""},

		{"RFC 5322", "Mon, 23 Nov 2026 09:15:00 +0100", "2026-11-23T09:15:00+01:00"},
		{"without day name and seconds", "23 Nov 2026 09:15 +0100", "2026-11-23T09:15:00+01:00"},
		{"one digit", "Sun, 1 Nov 2026 9:05:00 +0100", "2026-11-01T09:05:00+01:00"},
		{"folded", "Mon,\r\n\t23 Nov 2026\r\n 09:15:00 +0100", "2026-11-23T09:15:00+01:00"},
		{"A08 a comment", "Mon, 23 Nov 2026 09:15:00 +0000 (GMT+00:00) X", "2026-11-23T09:15:00Z"},
		{"A08 nested comments", "Mon (Monday), 23 Nov (the (11th)) 2026 09:15:00 +0100 (CET)", "2026-11-23T09:15:00+01:00"},
		{"A08 a comment that stays open", "Mon, 23 Nov 2026 09:15:00 +0100 (CET", "2026-11-23T09:15:00+01:00"},
		{"A08 a comment of 300 characters", "Mon, 23 Nov 2026 09:15:00 +0100 (" + strings.Repeat("x", 300) + ")", "2026-11-23T09:15:00+01:00"},
		{"A10 zone not known", "Mon, 23 Nov 2026 09:15:00 -0000", "2026-11-23T09:15:00Z"},
		{"A10 EST", "Mon, 23 Nov 2026 09:15:00 EST", "2026-11-23T09:15:00-05:00"},
		{"A10 PDT", "Mon, 23 Nov 2026 09:15:00 PDT", "2026-11-23T09:15:00-07:00"},
		{"A10 UT", "Mon, 23 Nov 2026 09:15:00 UT", "2026-11-23T09:15:00Z"},
		{"A10 lower case", "mon, 23 nov 2026 09:15:00 gmt", "2026-11-23T09:15:00Z"},
		{"A10 a letter of the military", "Mon, 23 Nov 2026 09:15:00 K", "2026-11-23T09:15:00Z"},
		{"A10 a zone that nobody knows", "Mon, 23 Nov 2026 09:15:00 XYZT", "2026-11-23T09:15:00Z"},
		{"A10 no zone", "Mon, 23 Nov 2026 09:15:00", "2026-11-23T09:15:00Z"},
		{"A10 two digits of a year, after 2000", "Mon, 23 Nov 26 09:15:00 +0100", "2026-11-23T09:15:00+01:00"},
		{"A10 two digits of a year, before 2000", "Wed, 11 Feb 98 11:51 CST", "1998-02-11T11:51:00-06:00"},
		{"A10 three digits of a year", "Wed, 11 Feb 102 11:51 +0000", "2002-02-11T11:51:00Z"},
		{"a zone without sign", "Tue, 17 Jul 2012 22:23:35.882 0000", "2012-07-17T22:23:35Z"},
		{"a zone with colon", "Mon, 23 Nov 2026 09:15:00 +01:00", "2026-11-23T09:15:00+01:00"},
		{"a zone by name and number", "Mon, 23 Nov 2026 09:15:00 GMT+0100", "2026-11-23T09:15:00+01:00"},
		{"a zone right behind", "Mon, 23 Nov 2026 09:15:00+0100", "2026-11-23T09:15:00+01:00"},
		{"a zone twice", "Mon, 23 Nov 2026 09:15:00 +0100 +01:00", "2026-11-23T09:15:00+01:00"},
		{"half an hour", "Mon, 23 Nov 2026 09:15:00 +0530", "2026-11-23T09:15:00+05:30"},
		{"a zone that no place has", "Mon, 23 Nov 2026 09:15:00 +2500", "2026-11-23T09:15:00Z"},
		{"a leap second", "Sat, 31 Dec 2016 23:59:60 +0000", "2016-12-31T23:59:59Z"},
		{"hour 24", "Mon, 23 Nov 2026 24:00:00 +0000", "2026-11-24T00:00:00Z"},
		{"asctime", "Mon Nov 23 09:15:00 2026", "2026-11-23T09:15:00Z"},
		{"the date program", "Mon Nov 23 09:15:00 CET 2026", "2026-11-23T09:15:00+01:00"},
		{"ISO 8601", "2026-11-23T09:15:00+01:00", "2026-11-23T09:15:00+01:00"},
		{"ISO 8601 in UTC with fractions", "2026-11-23T09:15:00.123Z", "2026-11-23T09:15:00Z"},
		{"ISO 8601 with a blank", "2026-11-23 09:15:00 +0100", "2026-11-23T09:15:00+01:00"},
		{"dashes", "Mon, 23-Nov-2026 09:15:00 GMT", "2026-11-23T09:15:00Z"},
		{"dashes and two digits", "23-Nov-26 09:15:00 GMT", "2026-11-23T09:15:00Z"},
		{"American", "November 23rd, 2026 9:15:00 PM EST", "2026-11-23T21:15:00-05:00"},
		{"midnight in America", "Nov 23, 2026 12:15 AM", "2026-11-23T00:15:00Z"},
		{"dots in the time", "Mon, 23 Nov 2026 09.15.00 +0100", "2026-11-23T09:15:00+01:00"},
		{"the month in full", "Monday, 23 November 2026 09:15:00 +0100", "2026-11-23T09:15:00+01:00"},
		{"a comma too many", "Mon, 23 Nov, 2026, 09:15:00 +0100", "2026-11-23T09:15:00+01:00"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := message.ParseHeader([]byte("From: a@x.com\r\nDate: " + tt.in + "\r\n\r\n"))
			got := ""
			if m.DateSource == kith.DateFromHeader {
				got = m.Date.Format(time.RFC3339)
			}
			if got != tt.want {
				t.Errorf("Date: %s = %q, want %q", tt.in, got, tt.want)
			}
			if tt.want == "" && (!m.Date.IsZero() || len(m.Warnings) != 1) {
				t.Errorf("Date %v, warnings %q; want no date and a warning", m.Date, m.Warnings)
			}
		})
	}
}

func TestResolveDate(t *testing.T) {
	arrived := "2026-11-23T10:00:00Z"
	tests := []struct {
		name     string
		header   string // Date
		internal string
		want     string
		source   kith.DateSource
	}{
		{"A07 no date", "", arrived, arrived, kith.DateFromInternal},
		{"A07 no date anywhere", "", "", "0001-01-01T00:00:00Z", kith.DateNone},
		{"A08 a date that can't be read", "Malformed Date.", arrived, arrived, kith.DateFromInternal},
		{"A09 in 2099", "Mon, 23 Nov 2099 09:15:00 +0100", arrived, arrived, kith.DateFromInternal},
		{"A09 in 1970", "Thu, 1 Jan 1970 00:00:00 +0000", arrived, arrived, kith.DateFromInternal},
		{"A09 in 1904, the epoch of old Macs", "Fri, 1 Jan 1904 00:00:00 +0000", arrived, arrived, kith.DateFromInternal},
		{"A09 a day and a second ahead", "Tue, 24 Nov 2026 10:00:01 +0000", arrived, arrived, kith.DateFromInternal},
		{"A09 a day ahead, a clock in the wrong zone", "Tue, 24 Nov 2026 10:00:00 +0000", arrived, "2026-11-24T10:00:00Z", kith.DateFromHeader},
		{"on time, the zone is kept", "Mon, 23 Nov 2026 10:59:00 +0100", arrived, "2026-11-23T10:59:00+01:00", kith.DateFromHeader},
		{"E33 an old letter, moved here from another server", "Mon, 23 Nov 2015 09:15:00 +0100", arrived, "2015-11-23T09:15:00+01:00", kith.DateFromHeader},
		{"E34 the server's clock was never set", "Mon, 23 Nov 2026 09:15:00 +0100", "1970-01-01T00:00:00Z", "2026-11-23T09:15:00+01:00", kith.DateFromHeader},
		{"E34 the server's clock is years behind", "Mon, 23 Nov 2026 09:15:00 +0100", "2020-11-23T10:00:00Z", "2020-11-23T10:00:00Z", kith.DateFromInternal},
		{"E34 the server's clock is years ahead", "Mon, 23 Nov 2026 09:15:00 +0100", "2036-11-23T10:00:00Z", "2026-11-23T09:15:00+01:00", kith.DateFromHeader},
		{"not known when it arrived", "Mon, 23 Nov 2026 09:15:00 +0100", "", "2026-11-23T09:15:00+01:00", kith.DateFromHeader},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			header := "From: a@x.com\r\n"
			if tt.header != "" {
				header += "Date: " + tt.header + "\r\n"
			}
			m := message.ParseHeader([]byte(header))
			var internal time.Time
			if tt.internal != "" {
				var err error
				if internal, err = time.Parse(time.RFC3339, tt.internal); err != nil {
					t.Fatal(err)
				}
			}
			message.ResolveDate(m, internal)
			if got := m.Date.Format(time.RFC3339); got != tt.want || m.DateSource != tt.source {
				t.Errorf("%s from %s, want %s from %s", got, m.DateSource, tt.want, tt.source)
			}
		})
	}
}
