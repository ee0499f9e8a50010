package store

import (
	"reflect"
	"slices"
	"time"

	"kith"
)

// Fate is what becomes of a meeting that no calendar shows any more.
type Fate int

// The fates.
const (
	FateStays Fate = iota
	FateCancelled
	FateForgotten // it goes, and leaves no tombstone
)

// FateOf returns what becomes of a meeting in a status when the last of its places
// is withdrawn for a reason: what took place stays, unless it did not take place
// after all, or is nobody's business.
func FateOf(reason kith.Reason, status kith.Status) Fate {
	if status != kith.StatusPlanned && status != kith.StatusRecorded {
		return FateStays
	}
	planned := status == kith.StatusPlanned
	switch reason {
	case kith.ReasonPrivate, kith.ReasonNeverRecord, kith.ReasonErased:
		return FateForgotten
	case kith.ReasonDeclined, kith.ReasonCancelled:
		return FateCancelled
	case kith.ReasonGone:
		if planned {
			return FateCancelled
		}
	default: // it is none to be recorded any more, such as one without contacts
		if planned {
			return FateForgotten
		}
	}
	return FateStays
}

// MergeMeeting makes of a known meeting what another sight of it tells, and reports whether
// that changed it.
//
// What has a lower SEQUENCE tells nothing. Of one SEQUENCE, the later DTSTAMP says when the meeting is,
// what about and with whom, and whether it is called off; of two that are equal, the one that
// is seen later. What somebody answered stays until they answer otherwise or the SEQUENCE
// grows: a calendar knows well what its owner answered, and often nothing of others.
//
// A planned meeting is linked to those contacts that the deciding sight names; one that has taken
// place keeps its links. Nobody who declined is linked. Owner and template stay.
//
// An answer that came by mail tells what its author answered and nothing else, and an
// invitation or cancellation by mail nothing of a meeting that somebody else organises.
func MergeMeeting(known, other *kith.Interaction) (changed bool) {
	if other.Version.Sequence < known.Version.Sequence {
		return false
	}
	before := *known
	before.Participants, before.Links, before.Flags = slices.Clone(known.Participants), slices.Clone(known.Links), slices.Clone(known.Flags)
	late := other.Version.Before(known.Version)
	switch {
	case other.Method != "" && other.Method != "REPLY" && organizer(other) != organizer(known):
		return false // somebody else can't change it by mail
	case other.Method == "REPLY":
		known.Participants = replied(known.Participants, other.Participants)
	case late && known.Status == kith.StatusCancelled:
	case late:
		known.Participants = answered(known.Participants, other.Participants)
	case other.Status == kith.StatusCancelled:
		known.Status, known.Version = other.Status, other.Version
	default:
		people := slices.Clone(other.Participants)
		if other.Version.Sequence == known.Version.Sequence {
			people = answered(people, known.Participants)
		}
		known.Participants = people
		known.Status, known.Version = other.Status, other.Version
		if !sameTime(&known.OccurredAt, &other.OccurredAt) {
			known.OccurredAt = other.OccurredAt
		}
		if !sameTime(known.EndedAt, other.EndedAt) {
			known.EndedAt = other.EndedAt
		}
		known.DateOnly, known.DurationMinutes = other.DateOnly, other.DurationMinutes
		known.Subject, known.InitiatedBy = other.Subject, other.InitiatedBy
		known.ICalUID, known.RecurrenceID = other.ICalUID, other.RecurrenceID
		known.Fingerprint = other.Fingerprint
		copied := slices.Contains(known.Flags, FlagPossibleCopy)
		known.Flags = slices.Clone(other.Flags)
		if copied {
			known.Flags = append(known.Flags, FlagPossibleCopy)
		}
		if known.Status == kith.StatusPlanned {
			known.Links = slices.DeleteFunc(slices.Clone(known.Links), func(k kith.Link) bool {
				return k.Rule != kith.LinkByHand && !linked(other, k.ContactID)
			})
		}
	}
	if other.Method == "REPLY" || other.Status != kith.StatusCancelled {
		known.Links = slices.Clone(known.Links)
		if !late && other.Method != "REPLY" || known.Status == kith.StatusRecorded {
			mergeLinks(known, other.Links)
		}
		known.Links = slices.DeleteFunc(known.Links, func(k kith.Link) bool {
			return k.Rule != kith.LinkByHand && slices.ContainsFunc(known.Participants, func(p kith.Participant) bool {
				return p.Address == k.Matched && p.Role == kith.RoleAttendee && p.Response != nil && *p.Response == string(kith.ResponseDeclined)
			})
		})
	}
	if other.Method == "REPLY" && len(known.Links) == 0 && len(before.Links) > 0 && known.Status == kith.StatusPlanned {
		known.Status = kith.StatusCancelled // all contacts have declined
	}
	return !reflect.DeepEqual(before, *known)
}

// sameTime tells whether two times are one instant with one offset, whatever zones they name.
func sameTime(a, b *time.Time) bool {
	if a == nil || b == nil {
		return a == b
	}
	_, offset := a.Zone()
	_, other := b.Zone()
	return a.Truncate(time.Microsecond).Equal(b.Truncate(time.Microsecond)) && offset == other
}

// replied returns people with the answers that somebody gave for themselves.
func replied(people, answers []kith.Participant) []kith.Participant {
	people = slices.Clone(people)
	for i := range people {
		for _, a := range answers {
			if people[i].Address == a.Address {
				people[i].Response = a.Response
			}
		}
	}
	return people
}

// answered returns people with the answers of others where they themselves have none.
func answered(people, others []kith.Participant) []kith.Participant {
	people = slices.Clone(people)
	for i := range people {
		p := &people[i]
		if p.Response == nil || *p.Response != string(kith.ResponseNone) {
			continue
		}
		for _, o := range others {
			if o.Address == p.Address && o.Role == p.Role && o.Response != nil {
				p.Response = o.Response
				break
			}
		}
	}
	return people
}

// FlagPossibleCopy is on a meeting that has organiser, begin and subject in common with another one
// of a different UID: a calendar service may have copied it.
const FlagPossibleCopy = "possible_copy"

// organizer returns who organises a meeting, "" if nobody is known to.
func organizer(i *kith.Interaction) string {
	for _, p := range i.Participants {
		if p.Role == kith.RoleOrganizer {
			return p.Address
		}
	}
	return ""
}

// PossibleCopy tells whether two meetings may be one under two UIDs.
func PossibleCopy(a, b *kith.Interaction) bool {
	if a.Kind != kith.KindMeeting || b.Kind != kith.KindMeeting || a.ICalUID == nil || b.ICalUID == nil || *a.ICalUID == *b.ICalUID {
		return false
	}
	return a.OccurredAt.Equal(b.OccurredAt) && a.Subject == b.Subject && a.Subject != "" && organizer(a) != "" && organizer(a) == organizer(b)
}
