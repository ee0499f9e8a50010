package ical

import (
	"slices"
	"time"

	"github.com/teambition/rrule-go"
)

// fine follows a rule that counts in hours, minutes or seconds. The library looks for
// the next time up to the year 9999, second by second, if there is none; so it is asked
// for the days alone, and what is tried within them is counted. step is in seconds.
func fine(option rrule.ROption, step int64, from time.Time, most int) (walls []time.Time, cut bool) {
	first, last := option.Dtstart, option.Until
	days := option
	days.Freq, days.Interval, days.Count, days.Bysetpos = rrule.DAILY, 1, 0, nil
	days.Byhour, days.Byminute, days.Bysecond = []int{0}, []int{0}, []int{0}
	days.Dtstart = midnight(first)
	iterator, err := rrule.NewRRule(days)
	if err != nil {
		return nil, false
	}

	// A period is an hour, minute or second; within one, finer lists give several times.
	hours, minutes, seconds := within(option.Byhour, 24), []int{0}, []int{0}
	period := int64(3600)
	var parts []int // seconds from the beginning of the period
	switch option.Freq {
	case rrule.HOURLY:
		for _, m := range or(option.Byminute, first.Minute()) {
			for _, s := range or(option.Bysecond, first.Second()) {
				parts = append(parts, 60*m+s)
			}
		}
	case rrule.MINUTELY:
		minutes, parts, period = within(option.Byminute, 60), or(option.Bysecond, first.Second()), 60
	default:
		minutes, seconds, parts, period = within(option.Byminute, 60), within(option.Bysecond, 60), []int{0}, 1
	}
	parts = picked(parts, option.Bysetpos)
	base := first.Unix() - first.Unix()%period
	if first.Unix() < 0 { // % of what lies before 1970 is negative
		base = first.Unix() - (first.Unix()%period+period)%period
	}

	next, tries, count := iterator.Iterator(), 0, 0
	for {
		day, ok := next()
		if !ok || day.After(last) {
			return walls, false
		}
		for _, h := range hours {
			for _, m := range minutes {
				for _, s := range seconds {
					if tries++; tries > maxTries {
						return walls, true
					}
					begin := day.Unix() + int64(3600*h+60*m+s)
					if (begin-base)%step != 0 {
						continue
					}
					for _, part := range parts {
						wall := time.Unix(begin+int64(part), 0).UTC()
						switch {
						case wall.Before(first):
							continue
						case wall.After(last):
							return walls, false
						case !wall.Before(from):
							if len(walls) == most {
								return walls, true
							}
							walls = append(walls, wall)
						}
						if count++; count == option.Count {
							return walls, false
						}
					}
				}
			}
		}
	}
}

// within returns a list in order, or all numbers below n if it is empty.
func within(list []int, n int) []int {
	if len(list) == 0 {
		for i := range n {
			list = append(list, i)
		}
		return list
	}
	return ordered(list)
}

func or(list []int, only int) []int {
	if len(list) == 0 {
		return []int{only}
	}
	return ordered(list)
}

func ordered(list []int) []int {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

// picked returns those of a set that BYSETPOS names.
func picked(set, positions []int) (some []int) {
	if len(positions) == 0 {
		return set
	}
	for i := range set {
		if slices.Contains(positions, i+1) || slices.Contains(positions, i-len(set)) {
			some = append(some, set[i])
		}
	}
	return some
}
