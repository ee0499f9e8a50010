package ical

import (
	"net/url"
	"strings"

	"kith"
	"kith/address"
	"kith/message"
)

// maxAttendees bounds who is read of one event.
const maxAttendees = 5000

// attendee reads an ORGANIZER or ATTENDEE; ok is false where it gives no e-mail address.
func attendee(p *property) (a kith.Attendee, ok bool) {
	a.Address, ok = mailbox(p)
	if !ok {
		return a, false
	}
	a.Name = message.Line(unescape(p.param("CN")))
	if strings.Contains(a.Name, "@") {
		if _, isAddress := address.Normalize(a.Name); isAddress {
			a.Name = ""
		}
	}
	a.Response = kith.ResponseNone
	switch answer := strings.ToUpper(p.param("PARTSTAT")); answer {
	case "ACCEPTED", "DECLINED", "TENTATIVE", "DELEGATED":
		a.Response = kith.Response(strings.ToLower(answer))
	}
	a.Role = "required"
	switch strings.ToUpper(p.param("ROLE")) {
	case "CHAIR":
		a.Role = "chair"
	case "OPT-PARTICIPANT":
		a.Role = "optional"
	case "NON-PARTICIPANT":
		a.Role = "none"
	}
	a.Type = "individual"
	switch kind := strings.ToUpper(p.param("CUTYPE")); {
	case kind == "GROUP" || kind == "ROOM" || kind == "RESOURCE" || kind == "UNKNOWN":
		a.Type = strings.ToLower(kind)
	case strings.HasSuffix(a.Address, "@resource.calendar.google.com"):
		a.Type = "resource"
	case strings.HasSuffix(a.Address, "@group.calendar.google.com"):
		a.Type = "group"
	}
	return a, true
}

// mailbox returns the address of a CAL-ADDRESS: that of mailto:, else of the parameter EMAIL (RFC 7986 §6.2).
func mailbox(p *property) (canonical string, ok bool) {
	value := strings.TrimSpace(p.value)
	if scheme, rest, has := strings.Cut(value, ":"); has && strings.EqualFold(scheme, "mailto") {
		rest, _, _ = strings.Cut(rest, "?")
		if plain, err := url.PathUnescape(rest); err == nil {
			rest = plain
		}
		canonical, ok = address.Normalize(rest)
	} else if !has {
		canonical, ok = address.Normalize(value)
	}
	if !ok {
		canonical, ok = address.Normalize(p.param("EMAIL"))
	}
	return canonical, ok
}
