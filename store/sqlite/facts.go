package sqlite

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"kith"
)

// facts are the parts of an interaction that no query looks into, as the JSON
// of a column. Names are short because they are in every row.
type facts struct {
	InitiatedBy   kith.Initiator     `json:"by,omitempty"`
	DirectionRule kith.DirectionRule `json:"rule,omitempty"`
	Group         string             `json:"group,omitempty"`
	Participants  []participant      `json:"who,omitempty"`
	Links         []link             `json:"links,omitempty"`
	Attachments   []kith.Attachment  `json:"attachments,omitempty"`
	Flags         []string           `json:"flags,omitempty"`
	Notes         []kith.Note        `json:"notes,omitempty"`
	MessageIDs    []string           `json:"ids,omitempty"` // of copies found by fingerprint

	EndedAt         *moment `json:"ended,omitempty"`
	DateOnly        bool    `json:"date_only,omitempty"`
	DurationMinutes *int    `json:"minutes,omitempty"`
	ICalUID         *string `json:"ical_uid,omitempty"`
	RecurrenceID    *string `json:"recurrence_id,omitempty"`

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

type link struct {
	Contact   int64                `json:"c"` // contacts.n
	Role      kith.ParticipantRole `json:"r"`
	Seat      int                  `json:"p,omitempty"` // 1 and more: the participant whose address matched
	Matched   string               `json:"m,omitempty"` // what matched, if it is no participant's address
	Rule      kith.LinkRule        `json:"u,omitempty"` // "": by e-mail
	Ambiguous bool                 `json:"x,omitempty"`
}

// moment is an instant in microseconds and its offset in seconds.
type moment [2]int64

func momentOf(t time.Time) moment {
	_, zone := t.Zone()
	return moment{t.UnixMicro(), int64(zone)}
}

func (m moment) time() time.Time {
	if m[1] == 0 {
		return time.UnixMicro(m[0]).UTC()
	}
	return time.UnixMicro(m[0]).In(time.FixedZone("", int(m[1])))
}

// factsEncoder makes the column facts of interactions, one after the other. Its
// lists and its text are used again.
type factsEncoder struct {
	facts facts
	text  bytes.Buffer
}

func (enc *factsEncoder) encode(i *kith.Interaction, messageIDs []string) (string, error) {
	who, links := enc.facts.Participants[:0], enc.facts.Links[:0]
	for _, p := range i.Participants {
		who = append(who, participant(p))
	}
	for _, l := range i.Links {
		links = append(links, newLink(l, i.Participants))
	}
	enc.facts = facts{
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
	if i.DeliveryStatus == kith.DeliveryNone {
		enc.facts.DeliveryStatus = ""
	}
	for _, note := range i.Notes {
		note.At = note.At.UTC().Truncate(time.Microsecond)
		enc.facts.Notes = append(enc.facts.Notes, note)
	}
	if i.EndedAt != nil {
		m := momentOf(*i.EndedAt)
		enc.facts.EndedAt = &m
	}
	enc.text.Reset()
	out := json.NewEncoder(&enc.text)
	out.SetEscapeHTML(false)
	if err := out.Encode(&enc.facts); err != nil {
		return "", fmt.Errorf("encode facts: %w", err)
	}
	enc.text.Truncate(enc.text.Len() - 1) // the end of line
	return enc.text.String(), nil
}

// decodeFacts fills an interaction from its column facts; of the links, the
// contacts' names and companies are still missing, and their ids are half.
func decodeFacts(text []byte, i *kith.Interaction) (messageIDs []string, err error) {
	var f facts
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, fmt.Errorf("decode facts of interaction %s: %w", i.ID, err)
	}
	i.InitiatedBy = f.InitiatedBy
	i.DirectionRule = f.DirectionRule
	i.Group = f.Group
	i.Attachments = listed(f.Attachments)
	i.Flags = listed(f.Flags)
	i.Notes = listed(f.Notes)
	i.DateOnly = f.DateOnly
	i.DurationMinutes = f.DurationMinutes
	i.ICalUID = f.ICalUID
	i.RecurrenceID = f.RecurrenceID
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
		t := f.EndedAt.time()
		i.EndedAt = &t
	}
	i.Participants = make([]kith.Participant, len(f.Participants))
	for at, p := range f.Participants {
		i.Participants[at] = kith.Participant(p)
	}
	i.Links = make([]kith.Link, len(f.Links))
	for at, l := range f.Links {
		i.Links[at] = l.link(i.Participants)
	}
	if i.DeliveryStatus == "" {
		i.DeliveryStatus = kith.DeliveryNone
	}
	return f.MessageIDs, nil
}

func newLink(l kith.Link, who []kith.Participant) link {
	short := link{Contact: numberOf(l.ContactID), Role: l.Role, Matched: l.Matched, Rule: l.Rule, Ambiguous: l.Ambiguous}
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

// link is the inverse of newLink, but for half of the contact's id.
func (l link) link(who []kith.Participant) kith.Link {
	long := kith.Link{ContactID: idOf(l.Contact, 0), Role: l.Role, Matched: l.Matched, Rule: l.Rule, Ambiguous: l.Ambiguous}
	if l.Seat > 0 && l.Seat <= len(who) {
		long.Matched = who[l.Seat-1].Address
	}
	if l.Rule == "" {
		long.Rule = kith.LinkByEmail
	}
	return long
}

// contactFacts is the column facts of a contact.
type contactFacts struct {
	FirstName string            `json:"first,omitempty"`
	LastName  string            `json:"last,omitempty"`
	Emails    []string          `json:"emails,omitempty"`
	Phones    []string          `json:"phones,omitempty"`
	Title     string            `json:"title,omitempty"`
	Language  string            `json:"language,omitempty"`
	Owner     string            `json:"owner,omitempty"`
	Tags      []string          `json:"tags,omitempty"`
	Notes     map[string]string `json:"notes,omitempty"`
}

// listed makes no list an empty one, as which JSON shall show it.
func listed[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

// numberOf is the number of the row with an id.
func numberOf(id kith.ID) int64 { return int64(binary.BigEndian.Uint64(id[:8])) }

func tailOf(id kith.ID) int64 { return int64(binary.BigEndian.Uint64(id[8:])) }

func idOf(n, tail int64) (id kith.ID) {
	binary.BigEndian.PutUint64(id[:8], uint64(n))
	binary.BigEndian.PutUint64(id[8:], uint64(tail))
	return id
}

// newID makes an id that is greater than that of row last, whatever the clocks
// of the programs say that write to the database.
func newID(at time.Time, last int64) kith.ID {
	id := kith.NewID(at)
	if numberOf(id) > last {
		return id
	}
	// RFC 9562 §5.7: milliseconds, four bits of version, twelve to count.
	next := last + 1
	if last&0xfff == 0xfff {
		next = last + 1 - 0x1000 + 0x10000
	}
	binary.BigEndian.PutUint64(id[:8], uint64(next))
	return id
}

// micros is a time as a column, NULL when zero.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}
