package ical

import "strings"

// Bounds of a file. What is beyond them is left out, with a warning.
const (
	maxDepth      = 8      // of components within components
	maxProperties = 20_000 // of one component
	maxWarnings   = 1000
)

// stands are the components that stand in a calendar, and in nothing else.
var stands = map[string]bool{"VEVENT": true, "VTODO": true, "VJOURNAL": true, "VFREEBUSY": true, "VTIMEZONE": true}

// component is what stands between BEGIN and END (RFC 5545 §3.4).
type component struct {
	name     string // upper case
	props    []property
	children []*component
	broken   bool // it does not end
}

func (c *component) first(name string) *property {
	for i := range c.props {
		if c.props[i].name == name {
			return &c.props[i]
		}
	}
	return nil
}

func (c *component) value(name string) string {
	if p := c.first(name); p != nil {
		return p.value
	}
	return ""
}

// components gives each VCALENDAR that is whole to each. An END that fits no
// BEGIN, or a BEGIN whose END is missing, costs the component that it stands in. cut is set
// when the file ends within a component.
func components(data []byte, each func(*component)) (found, cut bool) {
	var open []*component
	depth := 0 // of components that are too deep to be read
	lines(data, func(p property) bool {
		switch p.name {
		case "BEGIN":
			name := strings.ToUpper(p.value)
			if name == "VCALENDAR" { // whatever was open before
				open = open[:0]
			}
			if len(open) > 1 && stands[name] { // what was open before does not end
				broken := open[1]
				broken.broken = true
				open[0].children = append(open[0].children, broken)
				open = open[:1]
			}
			if len(open) >= maxDepth {
				depth++
				return true
			}
			open = append(open, &component{name: name})
		case "END":
			name := strings.ToUpper(p.value)
			if depth > 0 {
				depth--
				return true
			}
			at := len(open) - 1
			for at >= 0 && open[at].name != name {
				at--
			}
			if at < 0 {
				return true
			}
			done := open[at]
			open = open[:at]
			switch {
			case at > 0:
				open[at-1].children = append(open[at-1].children, done)
			case name == "VCALENDAR":
				found = true
				each(done)
			}
		default:
			if at := len(open) - 1; at >= 0 && depth == 0 && wanted[p.name] && len(open[at].props) < maxProperties {
				open[at].props = append(open[at].props, p)
			}
		}
		return true
	})
	if len(open) > 0 && open[0].name == "VCALENDAR" {
		found = true
		each(open[0])
	}
	return found, len(open) > 0
}
