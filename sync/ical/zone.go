package ical

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // a machine may have no time zones, or old ones
)

// Zones remembers time zones, so that files that bring the same ones need not
// bring them to mind again. It is safe for concurrent use.
type Zones struct {
	mu    sync.Mutex
	named map[string]*time.Location   // by the name in the time zone database; nil: there is none
	own   map[[32]byte]*time.Location // by a digest of what a file says
}

// maxZones bounds what is remembered.
const maxZones = 2000

// load returns a zone of the time zone database, nil when there is none of that name.
func (z *Zones) load(name string) *time.Location {
	if name == "" || len(name) > 60 || strings.EqualFold(name, "local") {
		return nil
	}
	z.mu.Lock()
	defer z.mu.Unlock()
	loc, known := z.named[name]
	if !known {
		if found, err := time.LoadLocation(name); err == nil {
			loc = found
		}
		if z.named == nil || len(z.named) >= maxZones {
			z.named = map[string]*time.Location{}
		}
		z.named[name] = loc
	}
	return loc
}

// read returns the zone that a VTIMEZONE describes, nil when it describes none.
func (z *Zones) read(name string, c *component) *time.Location {
	digest := sha256.New()
	for _, child := range c.children {
		fmt.Fprintln(digest, name, child.name, child.props)
	}
	key := [32]byte(digest.Sum(nil))
	z.mu.Lock()
	defer z.mu.Unlock()
	loc, known := z.own[key]
	if !known {
		loc = location(name, c)
		if z.own == nil || len(z.own) >= maxZones {
			z.own = map[[32]byte]*time.Location{}
		}
		z.own[key] = loc
	}
	return loc
}

// zone is what a TZID means.
type zone struct {
	name    string // in the time zone database, or as the file has it
	loc     *time.Location
	guessed bool // nothing says what it is
}

// zones are the time zones of one VCALENDAR.
type zones struct {
	all      *Zones
	own      map[string]*component // the VTIMEZONEs
	found    map[string]*zone
	utc      *zone
	floating *zone // of the calendar (X-WR-TIMEZONE), else of the account
}

func newZones(all *Zones, calendar *component, account *time.Location) *zones {
	z := &zones{all: all, own: map[string]*component{}, found: map[string]*zone{}, utc: &zone{name: "UTC", loc: time.UTC}}
	z.floating = &zone{name: account.String(), loc: account}
	for _, child := range calendar.children {
		if child.name == "VTIMEZONE" {
			z.own[child.value("TZID")] = child
		}
	}
	if name := calendar.value("X-WR-TIMEZONE"); name != "" {
		if found := z.find(unescape(name)); !found.guessed {
			z.floating = found
		}
	}
	return z
}

// find returns the zone of a TZID: what the file itself says of it, what the time zone
// database does, or Windows. A zone that nobody knows is taken for the calendar's.
func (z *zones) find(tzid string) *zone {
	if known := z.found[tzid]; known != nil {
		return known
	}
	name, loc := z.named(tzid)
	if own := z.own[tzid]; own != nil {
		if read := z.all.read(tzid, own); read != nil {
			loc = read
			if name == "" {
				name = tzid
			}
		}
	}
	found := &zone{name: name, loc: loc}
	if loc == nil {
		found = &zone{name: z.floating.name, loc: z.floating.loc, guessed: true}
	}
	z.found[tzid] = found
	return found
}

// named finds a zone by its name alone.
func (z *zones) named(tzid string) (string, *time.Location) {
	name := strings.Trim(tzid, `"' `)
	if lower := strings.ToLower(name); lower == "z" || lower == "gmt" || lower == "tzone://microsoft/utc" {
		return "UTC", time.UTC
	}
	// /freeassociation.sourceforge.net/Europe/Berlin
	parts := strings.Split(strings.Trim(name, "/"), "/")
	for from := max(0, len(parts)-3); from < len(parts); from++ {
		if part := strings.Join(parts[from:], "/"); from == 0 || from < len(parts)-1 {
			if loc := z.all.load(part); loc != nil {
				return part, loc
			}
		}
	}
	if windows, ok := windowsZones[strings.ToLower(name)]; ok {
		return windows.iana, z.all.load(windows.iana)
	}
	if iana := shownByWindows(name); iana != "" {
		return iana, z.all.load(iana)
	}
	if seconds, ok := parseOffset(strings.TrimPrefix(strings.TrimPrefix(strings.ToUpper(name), "GMT"), "UTC")); ok {
		return name, time.FixedZone(name, seconds)
	}
	return "", nil
}

// shownByWindows finds a zone by what Windows shows of it, such as
// "(UTC+01:00) Amsterdam, Berlin", or older "(GMT+01.00) Berlin": one of the
// cities at that offset.
func shownByWindows(name string) string {
	name, ok := strings.CutPrefix(name, "(")
	if !ok {
		return ""
	}
	offset, cities, ok := strings.Cut(name, ")")
	if !ok {
		return ""
	}
	offset = strings.ReplaceAll(strings.TrimPrefix(strings.TrimPrefix(offset, "UTC"), "GMT"), ".", ":")
	best := ""
	for city := range strings.SplitSeq(strings.ReplaceAll(cities, "/", ","), ",") {
		if city = strings.ToLower(strings.TrimSpace(city)); city == "" {
			continue
		}
		for _, zone := range windowsZones {
			if zone.offset == offset && strings.Contains(strings.ToLower(zone.cities), city) && (best == "" || zone.iana < best) {
				best = zone.iana
			}
		}
		if best != "" {
			break
		}
	}
	return best
}

// parseOffset reads +0100, +01:00 and +010000 into seconds.
func parseOffset(s string) (seconds int, ok bool) {
	s = strings.ReplaceAll(strings.TrimSpace(s), ":", "")
	sign := 1
	switch {
	case strings.HasPrefix(s, "-"):
		sign = -1
	case !strings.HasPrefix(s, "+"):
		return 0, false
	}
	s = s[1:]
	if len(s) != 4 && len(s) != 6 {
		return 0, false
	}
	n, err := strconv.Atoi(s + "000000"[len(s):])
	if err != nil || n < 0 || n/100%100 > 59 || n > 16_00_00 {
		return 0, false
	}
	return sign * (n/10000*3600 + n/100%100*60 + n%100), true
}
