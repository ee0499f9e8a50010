package imapsource_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
)

func TestE32SinceIsNotToBeRelied(t *testing.T) {
	since := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	// Messages 1 to 9 arrive a day apart, from 5 March; 6 arrives 10 March 10:00,
	// 7 on 11 March.
	internal := func(uid uint32) time.Time {
		return time.Date(2026, 3, 4+int(uid), 10, 0, 0, 0, time.UTC)
	}
	for _, tt := range []struct {
		name string
		hit  func(uid uint32, since time.Time) bool
	}{
		{"E32 SINCE obeyed", nil},
		{"E32 SINCE ignored", func(uint32, time.Time) bool { return true }},
		{"E32 the server's days begin 14 hours later", func(uid uint32, since time.Time) bool {
			return !internal(uid).Add(-14 * time.Hour).Before(since)
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBox(uidsTo(9)...)
			b.Internal, b.Hit = internal, tt.hit
			b.Header = func(uid uint32) string { return fmt.Sprintf("Subject: letter %d\r\n\r\n", uid) }
			o := b.options(t, 100)
			o.Since = since
			batches := poll(t, open(t, o), inbox(), "")
			wantSubjects(t, batches, letters(7, 8, 9))
			if diff := cmp.Diff(map[kith.Reason]int{kith.ReasonBeforeHorizon: 6}, skipped(batches)); diff != "" {
				t.Errorf("skipped (-want +got):\n%s", diff)
			}
		})
	}
}

func TestE34ServerClockWrongByYears(t *testing.T) {
	for _, year := range []int{1970, 2050} {
		t.Run(fmt.Sprint("E34 the server says ", year), func(t *testing.T) {
			t.Parallel()
			b := newBox(1)
			b.Internal = func(uint32) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }
			o := b.options(t, 100)
			o.Since = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			s := open(t, o)
			from := after(poll(t, s, inbox(), ""), "")
			b.Change(func() { b.UIDs = uidsTo(3) })
			wantSubjects(t, poll(t, s, inbox(), from), letters(2, 3)) // their Date is in 2026
		})
	}
}
