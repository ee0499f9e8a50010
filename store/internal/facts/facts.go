// Package facts is the JSON of a database column: the parts of an interaction
// that no query looks into. Links name contacts by what C is in that database.
package facts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"kith"
)

// column is what the JSON holds. Names are short because they are in every row.
type column[C any] struct {
	InitiatedBy   kith.Initiator     `json:"by,omitempty"`
	DirectionRule kith.DirectionRule `json:"rule,omitempty"`
	Group         string             `json:"group,omitempty"`
	Participants  []participant      `json:"who,omitempty"`
	Links         []link[C]          `json:"links,omitempty"`
	Attachments   []kith.Attachment  `json:"attachments,omitempty"`
	Flags         []string           `json:"flags,omitempty"`
	Notes         []kith.Note        `json:"notes,omitempty"`
	MessageIDs    []string           `json:"ids,omitempty"` // of copies found by fingerprint

	EndedAt         *Moment `json:"ended,omitempty"`
	DateOnly        bool    `json:"date_only,omitempty"`
	DurationMinutes *int    `json:"minutes,omitempty"`
	ICalUID         *string `json:"ical_uid,omitempty"`
	RecurrenceID    *string `json:"recurrence_id,omitempty"`
	Sequence        int     `json:"sequence,omitempty"` // of the event's version
	Stamp           int64   `json:"stamp,omitempty"`    // microseconds

	DeliveryStatus     kith.DeliveryStatus `json:"delivery,omitempty"` // "": none
	DeliveryReason     string              `json:"delivery_reason,omitempty"`
	CorrespondenceType string              `json:"via,omitempty"`
	Snippet            string              `json:"snippet,omitempty"`
	Evaluation         *string             `json:"evaluation,omitempty"`
	AttemptFailed      bool                `json:"attempt_failed,omitempty"`
	Cost               *string             `json:"cost,omitempty"`
	Currency           *string             `json:"currency,omitempty"`
	Language           *string             `json:"language,omitempty"`
	Campaign           *string             `json:"campaign,omitempty"`
	CampaignResponse   bool                `json:"campaign_response,omitempty"`
	Segment            *string             `json:"segment,omitempty"`
	Opportunity        *string             `json:"opportunity,omitempty"`
	Task               *string             `json:"task,omitempty"`
	Document           *kith.Document      `json:"document,omitempty"`
}

type participant struct {
	Role     kith.ParticipantRole `json:"r"`
	Address  string               `json:"a,omitempty"`
	Name     string               `json:"n,omitempty"`
	Response *string              `json:"s,omitempty"`
}

type link[C any] struct {
	Contact   C                    `json:"c"`
	Role      kith.ParticipantRole `json:"r"`
	Seat      int                  `json:"p,omitempty"` // 1 and more: the participant whose address matched
	Matched   string               `json:"m,omitempty"` // what matched, if it is no participant's address
	Rule      kith.LinkRule        `json:"u,omitempty"` // "": by e-mail
	Ambiguous bool                 `json:"x,omitempty"`
}

// Moment is an instant in microseconds and its offset in seconds.
type Moment [2]int64

// MomentOf takes an instant apart.
func MomentOf(t time.Time) Moment {
	_, zone := t.Zone()
	return Moment{t.UnixMicro(), int64(zone)}
}

// Time is the inverse of MomentOf.
func (m Moment) Time() time.Time {
	if m[1] == 0 {
		return time.UnixMicro(m[0]).UTC()
	}
	return time.UnixMicro(m[0]).In(time.FixedZone("", int(m[1])))
}

// Encoder makes the columns of interactions, one after the other. Its lists and
// its text are used again.
type Encoder[C any] struct {
	Contact func(kith.ID) C // what a contact is called

	column column[C]
	text   bytes.Buffer
}

// Encode returns the column of an interaction; messageIDs are those of copies.
// The text is good until the next call.
func (enc *Encoder[C]) Encode(i *kith.Interaction, messageIDs []string) ([]byte, error) {
	who, links := enc.column.Participants[:0], enc.column.Links[:0]
	for _, p := range i.Participants {
		who = append(who, participant(p))
	}
	for _, l := range i.Links {
		links = append(links, newLink(enc.Contact(l.ContactID), l, i.Participants))
	}
	enc.column = column[C]{
		InitiatedBy:        i.InitiatedBy,
		DirectionRule:      i.DirectionRule,
		Group:              i.Group,
		Participants:       who,
		Links:              links,
		Attachments:        i.Attachments,
		Flags:              i.Flags,
		MessageIDs:         messageIDs,
		DateOnly:           i.DateOnly,
		DurationMinutes:    i.DurationMinutes,
		ICalUID:            i.ICalUID,
		RecurrenceID:       i.RecurrenceID,
		Sequence:           i.Version.Sequence,
		DeliveryStatus:     i.DeliveryStatus,
		DeliveryReason:     i.DeliveryReason,
		CorrespondenceType: i.CorrespondenceType,
		Snippet:            i.Snippet,
		Evaluation:         i.Evaluation,
		AttemptFailed:      i.AttemptFailed,
		Cost:               i.Cost,
		Currency:           i.Currency,
		Language:           i.Language,
		Campaign:           i.Campaign,
		CampaignResponse:   i.CampaignResponse,
		Segment:            i.Segment,
		Opportunity:        i.Opportunity,
		Task:               i.Task,
		Document:           i.Document,
	}
	if !i.Version.Stamp.IsZero() {
		enc.column.Stamp = i.Version.Stamp.UnixMicro()
	}
	if i.DeliveryStatus == kith.DeliveryNone {
		enc.column.DeliveryStatus = ""
	}
	for _, note := range i.Notes {
		note.At = note.At.UTC().Truncate(time.Microsecond)
		enc.column.Notes = append(enc.column.Notes, note)
	}
	if i.EndedAt != nil {
		m := MomentOf(*i.EndedAt)
		enc.column.EndedAt = &m
	}
	enc.text.Reset()
	out := json.NewEncoder(&enc.text)
	out.SetEscapeHTML(false)
	if err := out.Encode(&enc.column); err != nil {
		return nil, fmt.Errorf("encode facts: %w", err)
	}
	return enc.text.Bytes()[:enc.text.Len()-1], nil // without the end of line
}

// Decode fills an interaction from its column; contact is the inverse of
// [Encoder].Contact. The names and companies of linked contacts are not there.
func Decode[C any](text []byte, i *kith.Interaction, contact func(C) kith.ID) (messageIDs []string, err error) {
	f := column[C]{Attachments: []kith.Attachment{}, Flags: []string{}, Notes: []kith.Note{}}
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("decode facts of interaction %s: %w", i.ID, err)
	}
	i.InitiatedBy = f.InitiatedBy
	i.DirectionRule = f.DirectionRule
	i.Group = f.Group
	i.Attachments = f.Attachments
	i.Flags = f.Flags
	i.Notes = f.Notes
	i.DateOnly = f.DateOnly
	i.DurationMinutes = f.DurationMinutes
	i.ICalUID = f.ICalUID
	i.RecurrenceID = f.RecurrenceID
	i.Version.Sequence = f.Sequence
	if f.Stamp != 0 {
		i.Version.Stamp = time.UnixMicro(f.Stamp).UTC()
	}
	i.DeliveryStatus = f.DeliveryStatus
	i.DeliveryReason = f.DeliveryReason
	i.CorrespondenceType = f.CorrespondenceType
	i.Snippet = f.Snippet
	i.Evaluation = f.Evaluation
	i.AttemptFailed = f.AttemptFailed
	i.Cost = f.Cost
	i.Currency = f.Currency
	i.Language = f.Language
	i.Campaign = f.Campaign
	i.CampaignResponse = f.CampaignResponse
	i.Segment = f.Segment
	i.Opportunity = f.Opportunity
	i.Task = f.Task
	i.Document = f.Document
	if f.EndedAt != nil {
		t := f.EndedAt.Time()
		i.EndedAt = &t
	}
	i.Participants = make([]kith.Participant, len(f.Participants))
	for at, p := range f.Participants {
		i.Participants[at] = kith.Participant(p)
	}
	i.Links = make([]kith.Link, len(f.Links))
	for at, l := range f.Links {
		i.Links[at] = l.link(contact(l.Contact), i.Participants)
	}
	if i.DeliveryStatus == "" {
		i.DeliveryStatus = kith.DeliveryNone
	}
	return f.MessageIDs, nil
}

func newLink[C any](contact C, l kith.Link, who []kith.Participant) link[C] {
	short := link[C]{Contact: contact, Role: l.Role, Matched: l.Matched, Rule: l.Rule, Ambiguous: l.Ambiguous}
	for at := range who {
		if l.Matched != "" && who[at].Address == l.Matched {
			short.Seat, short.Matched = at+1, ""
			break
		}
	}
	if l.Rule == kith.LinkByEmail {
		short.Rule = ""
	}
	return short
}

// link is the inverse of newLink.
func (l link[C]) link(contact kith.ID, who []kith.Participant) kith.Link {
	long := kith.Link{ContactID: contact, Role: l.Role, Matched: l.Matched, Rule: l.Rule, Ambiguous: l.Ambiguous}
	if l.Seat > 0 && l.Seat <= len(who) {
		long.Matched = who[l.Seat-1].Address
	}
	if l.Rule == "" {
		long.Rule = kith.LinkByEmail
	}
	return long
}
