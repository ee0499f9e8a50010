package syncer

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule says when an account is due. It is immutable.
type Schedule struct {
	spec cron.Schedule
}

// ParseSchedule reads a cron spec: five fields, @hourly and its like, or
// @every DURATION, with CRON_TZ=ZONE in front if wanted. Fields without a zone
// are read in zone.
func ParseSchedule(spec string, zone *time.Location) (s Schedule, err error) {
	// The parser slices past the end of "CRON_TZ=X" without fields.
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("schedule %q: not a cron spec", spec)
		}
	}()
	spec = strings.TrimSpace(spec)
	if !strings.HasPrefix(spec, "CRON_TZ=") && !strings.HasPrefix(spec, "TZ=") {
		spec = "CRON_TZ=" + zone.String() + " " + spec
	}
	parsed, err := cron.ParseStandard(spec)
	if err != nil {
		return Schedule{}, fmt.Errorf("schedule %q: %w", spec, err)
	}
	return Schedule{spec: parsed}, nil
}

// Next returns the first time after t at which the account is due. A time of
// day that a change to summer time leaves out is taken with the offset before the
// change, as RFC 5545 §3.3.5 does, so that a run at 02:30 does not vanish on
// that day. It returns the zero time if there is none within five years.
func (s Schedule) Next(t time.Time) time.Time {
	next := s.spec.Next(t)
	fields, ok := s.spec.(*cron.SpecSchedule)
	if !ok {
		return next
	}
	// The library loses times that a change of the clock leaves out, and whole days
	// where it is by half an hour. A clock on the wall has no such days:
	// find the time on that, then the instant at which it shows it.
	zone := fields.Location
	clock := *fields
	clock.Location = time.UTC
	wall := clock.Next(onWall(t.In(zone)))
	if wall.IsZero() {
		return next
	}
	if at := instant(wall, zone, t); next.IsZero() || at.After(t) && at.Before(next) {
		return at
	}
	return next
}

// onWall returns what a clock on the wall shows at t, written as UTC.
func onWall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// instant returns the first time after t at which a clock in zone shows wall or, if it
// never does, the time it would have been without the change that leaves it out.
func instant(wall time.Time, zone *time.Location, t time.Time) time.Time {
	_, before := wall.Add(-24 * time.Hour).In(zone).Zone()
	_, after := wall.Add(24 * time.Hour).In(zone).Zone()
	early := wall.Add(-time.Duration(max(before, after)) * time.Second).In(zone)
	late := wall.Add(-time.Duration(min(before, after)) * time.Second).In(zone)
	if onWall(early).Equal(wall) && early.After(t) {
		return early
	}
	if onWall(late).Equal(wall) {
		return late
	}
	return wall.Add(-time.Duration(before) * time.Second).In(zone)
}

// Interval returns how far apart runs are around t, the measure for how late
// an account may be.
func (s Schedule) Interval(t time.Time) time.Duration {
	first := s.Next(t)
	second := s.Next(first)
	if first.IsZero() || second.IsZero() {
		return 24 * time.Hour
	}
	return second.Sub(first)
}

// after returns when an account is due after a run that ended at now. spread in
// [0, 1) is its place among the others. Runs that a cron spec puts on the same
// instant are spread over a tenth of their interval, half a minute at most. Runs
// at intervals are drawn towards the account's own place in the interval, by
// a tenth of it at a time and five minutes at most, so that accounts which an outage has
// driven together part again.
func (s Schedule) after(now time.Time, spread float64) time.Time {
	every, ok := s.spec.(cron.ConstantDelaySchedule)
	if !ok {
		return s.Next(now).Add(time.Duration(spread * float64(min(s.Interval(now)/10, 30*time.Second))))
	}
	next, interval := now.Add(every.Delay), every.Delay
	place := time.Duration(spread * float64(interval))
	ahead := (place - time.Duration(next.UnixNano())%interval + interval) % interval
	if ahead > interval/2 {
		ahead -= interval
	}
	most := min(interval/10, 5*time.Minute)
	return next.Add(min(max(ahead, -most), most))
}
