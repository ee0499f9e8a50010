package ical

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"time"
)

// The years for which the changes of a VTIMEZONE are worked out. After the last
// one clocks stay as they are.
const (
	firstYear = 1970
	lastYear  = 2100
)

// change is when clocks of a zone change, and to what.
type change struct {
	at     int64 // Unix
	offset int
	dst    bool
	name   string
}

// location builds the zone that a VTIMEZONE describes (RFC 5545 §3.6.5); nil when it describes none.
func location(name string, c *component) *time.Location {
	var changes []change
	var first *change // what holds before the first change
	earliest := int64(math.MaxInt64)
	for _, child := range c.children {
		if child.name != "STANDARD" && child.name != "DAYLIGHT" {
			continue
		}
		from, okFrom := parseOffset(child.value("TZOFFSETFROM"))
		to, okTo := parseOffset(child.value("TZOFFSETTO"))
		start, _, _, okStart := parseWall(child.value("DTSTART"))
		if !okTo || !okStart {
			continue
		}
		if !okFrom {
			from = to
		}
		local := time.FixedZone("", from)
		for _, wall := range onsets(child, start, local) {
			changes = append(changes, change{at: wall.Unix() - int64(from), offset: to, dst: child.name == "DAYLIGHT", name: abbreviation(child, to)})
		}
		if at := start.Unix() - int64(from); at < earliest {
			earliest = at
			first = &change{at: math.MinInt64, offset: from, name: abbreviation(child, from)}
		}
	}
	if first == nil {
		return nil
	}
	slices.SortStableFunc(changes, func(a, b change) int { return cmp.Compare(a.at, b.at) })
	first.at = -1 << 55 // before anything that a calendar tells
	loc, err := time.LoadLocationFromTZData(name, tzif(append([]change{*first}, changes...)))
	if err != nil {
		return nil
	}
	return loc
}

func abbreviation(c *component, offset int) string {
	name := c.value("TZNAME")
	if name == "" || len(name) > 10 {
		return time.Unix(0, 0).In(time.FixedZone("", offset)).Format("-0700")
	}
	return name
}

// onsets returns when an observance begins, by the clock before it.
func onsets(c *component, start time.Time, local *time.Location) []time.Time {
	all := []time.Time{start}
	w := when{wall: start, zone: &zone{loc: local}}
	z := &zones{all: &Zones{}, found: map[string]*zone{}, utc: &zone{loc: time.UTC}, floating: w.zone}
	for i := range c.props {
		p := &c.props[i]
		switch p.name {
		case "RRULE":
			r, err := parseRule(p.value, w)
			if err != nil {
				continue
			}
			walls, _ := r.between(time.Date(firstYear, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(lastYear, 1, 1, 0, 0, 0, 0, time.UTC), 2*(lastYear-firstYear))
			all = append(all, walls...)
		case "RDATE":
			for _, d := range z.rdates(p) {
				all = append(all, d.start.wall)
			}
		}
	}
	return all
}

// tzif writes changes as RFC 8536 has it, version 2, with nothing in the part for version 1.
func tzif(changes []change) []byte {
	type kind struct {
		offset int
		dst    bool
		name   string
	}
	var kinds []kind
	var of []byte
	var names []byte
	at := []int{}
	for _, c := range changes {
		k := kind{c.offset, c.dst, c.name}
		n := slices.Index(kinds, k)
		if n < 0 && len(kinds) < 250 && len(names) < 240 {
			n = len(kinds)
			kinds = append(kinds, k)
			at = append(at, len(names))
			names = append(append(names, c.name...), 0)
		}
		of = append(of, byte(max(n, 0)))
	}
	header := func(times, types, chars int) []byte {
		b := append([]byte("TZif2"), make([]byte, 15)...)
		for _, n := range []int{0, 0, 0, times, types, chars} {
			b = binary.BigEndian.AppendUint32(b, uint32(n)) //nolint:gosec // a few hundred
		}
		return b
	}
	b := append(header(0, 0, 0), header(len(changes), len(kinds), len(names))...)
	for _, c := range changes {
		b = binary.BigEndian.AppendUint64(b, uint64(c.at)) //nolint:gosec // two's complement
	}
	b = append(b, of...)
	for n, k := range kinds {
		b = binary.BigEndian.AppendUint32(b, uint32(int32(k.offset))) //nolint:gosec // two's complement
		dst := byte(0)
		if k.dst {
			dst = 1
		}
		b = append(b, dst, byte(at[n])) //nolint:gosec // below 256
	}
	return append(append(b, names...), "\n\n"...)
}
