package ical

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/teambition/rrule-go"
)

// Bounds of a recurrence. Who meets every second is a program.
const (
	maxWalls = 200_000   // that are generated, in the window or before it
	maxTries = 5_000_000 // hours, minutes or seconds that are tried
)

// rule is an RRULE or EXRULE (RFC 5545 §3.3.10). It counts by the clock on the wall,
// so that nine o'clock stays nine o'clock.
type rule struct {
	option rrule.ROption
	until  time.Time // on the wall; zero: for ever
}

func parseRule(text string, start when) (*rule, error) {
	r := &rule{}
	var parts []string
	for part := range strings.SplitSeq(strings.ToUpper(strings.ReplaceAll(text, " ", "")), ";") {
		name, value, ok := strings.Cut(part, "=")
		if !ok || value == "" {
			continue
		}
		switch name {
		case "UNTIL":
			until, err := untilOf(value, start)
			if err != nil {
				return nil, err
			}
			r.until = until
		case "INTERVAL":
			n, err := strconv.Atoi(value)
			if err != nil || n > 1_000_000 {
				return nil, fmt.Errorf("its INTERVAL is no number, or too large")
			}
			parts = append(parts, "INTERVAL="+strconv.Itoa(max(n, 1)))
		case "RSCALE":
			if value != "GREGORIAN" {
				return nil, errors.New("it counts by another calendar than the Gregorian")
			}
		case "FREQ", "COUNT", "WKST", "BYSETPOS", "BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYDAY", "BYHOUR", "BYMINUTE", "BYSECOND", "BYEASTER":
			if strings.Count(value, ",") > 400 {
				return nil, errors.New("its " + name + " is too long")
			}
			parts = append(parts, name+"="+value)
		}
	}
	option, err := rrule.StrToROption(strings.Join(parts, ";"))
	if err != nil {
		return nil, errors.New("it is no rule that RFC 5545 knows")
	}
	option.Dtstart = start.wall
	if _, err := rrule.NewRRule(*option); err != nil || option.Count < 0 {
		return nil, errors.New("it is no rule that RFC 5545 knows")
	}
	r.option = *option
	return r, nil
}

// untilOf returns the last moment of a rule on the wall of its start.
func untilOf(value string, start when) (time.Time, error) {
	wall, date, utc, ok := parseWall(strings.NewReplacer("-", "", ":", "").Replace(value))
	switch {
	case !ok:
		return wall, errors.New("its UNTIL is no date or time")
	case date:
		return wall.Add(24*time.Hour - time.Second), nil
	case utc && !start.date:
		return wallOf(wall, start.zone.loc), nil
	case start.date:
		return midnight(wall).Add(24*time.Hour - time.Second), nil
	}
	return wall, nil
}

var unitOf = map[rrule.Frequency]int64{rrule.WEEKLY: 7 * 86400, rrule.DAILY: 86400, rrule.HOURLY: 3600, rrule.MINUTELY: 60, rrule.SECONDLY: 1}

// between returns what the rule gives from from to to, at most so many; cut
// tells that there may be more. A rule without an end is entered near the window.
func (r *rule) between(from, to time.Time, most int) (walls []time.Time, cut bool) {
	option := r.option
	unit := unitOf[option.Freq]
	step := unit * int64(max(option.Interval, 1))
	if unit > 0 && option.Count == 0 {
		if periods := (from.Unix()-option.Dtstart.Unix())/step - 2; periods > 0 {
			option.Dtstart = time.Unix(option.Dtstart.Unix()+periods*step, 0).UTC()
		}
	}
	last := to
	if !r.until.IsZero() && r.until.Before(last) {
		last = r.until
	}
	if last.Before(option.Dtstart) {
		return nil, false
	}
	option.Until = last
	if unit > 0 && unit <= 3600 {
		return fine(option, step, from, most)
	}
	iterator, err := rrule.NewRRule(option)
	if err != nil {
		return nil, false
	}
	next := iterator.Iterator()
	for range maxWalls {
		wall, ok := next()
		if !ok || wall.After(last) {
			return walls, cut
		}
		if wall.Before(from) {
			continue
		}
		if len(walls) == most {
			return walls, true
		}
		walls = append(walls, wall)
	}
	return walls, true
}
