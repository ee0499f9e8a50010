package syncer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kith"
)

// Register is what an explanation looks up beside [Store].
type Register interface {
	InteractionByKey(ctx context.Context, key kith.Key) (kith.Interaction, error)
	InteractionByRef(ctx context.Context, account, stream, ref string) (kith.Interaction, error)
}

// Explanation tells the way of one message to its outcome.
type Explanation struct {
	ID          string      `json:"id"`      // account/stream/ref
	Outcome     string      `json:"outcome"` // recorded, skipped or quarantined
	Reason      kith.Reason `json:"reason,omitempty"`
	Interaction *kith.ID    `json:"interaction"`
	Contact     *kith.ID    `json:"contact,omitempty"` // that a card shows
	Steps       []kith.Step `json:"steps"`
}

// ExplainRef reads one message again, where it lies, and tells every decision
// about it. It writes nothing.
func (p *Poller) ExplainRef(ctx context.Context, register Register, account, stream, ref string) (Explanation, error) {
	books, err := p.books(ctx, account)
	if err != nil {
		return Explanation{}, err
	}
	if books != nil {
		defer books.Close()
		return p.explainCard(ctx, account, books, stream, ref)
	}
	all, err := p.explain(ctx, register, account, func(s kith.Stream, _ Source) ([]string, error) {
		if s.Name != stream {
			return nil, nil
		}
		return []string{ref}, nil
	})
	if err != nil {
		return Explanation{}, err
	}
	if len(all) == 0 {
		return Explanation{}, fmt.Errorf("account %s: folder %s is not there, or not among those that are read (Trash, Junk and Drafts are left out unless include names them): %w", account, stream, kith.ErrNotFound)
	}
	if all[0].Outcome == "" {
		return Explanation{}, fmt.Errorf("account %s: %s has no message %s, and the register knows of none: %w", account, stream, ref, kith.ErrNotFound)
	}
	return all[0], nil
}

// ExplainMessage does the same for every copy of a message in an account,
// found by its normalised Message-ID. Without a copy it returns
// [kith.ErrNotFound] and names the folders that were searched.
func (p *Poller) ExplainMessage(ctx context.Context, register Register, account, messageID string) ([]Explanation, error) {
	if books, err := p.books(ctx, account); err != nil {
		return nil, err
	} else if books != nil {
		return nil, errors.Join(books.Close(), fmt.Errorf("account %s: it is address books, which have no messages: %w", account, kith.ErrNotFound))
	}
	var searched []string
	calendar := false
	all, err := p.explain(ctx, register, account, func(s kith.Stream, source Source) ([]string, error) {
		searched = append(searched, s.Name)
		calendar = s.Role == kith.RoleCalendar
		return source.Find(ctx, s, messageID)
	})
	if err == nil && len(all) == 0 && calendar {
		return nil, fmt.Errorf("account %s: no event with the UID %s in the calendars that are read, %s: %w", account, messageID, strings.Join(searched, ", "), kith.ErrNotFound)
	}
	if err == nil && len(all) == 0 {
		return nil, fmt.Errorf("account %s: no message %s in the folders that are read, %s (Trash, Junk and Drafts are left out unless include names them): %w", account, messageID, strings.Join(searched, ", "), kith.ErrNotFound)
	}
	return all, err
}

// explain visits an account's streams and explains the refs that find names.
func (p *Poller) explain(ctx context.Context, register Register, account string, find func(kith.Stream, Source) ([]string, error)) ([]Explanation, error) {
	source, who, err := p.Open(ctx, account)
	if err != nil {
		return nil, err
	}
	defer source.Close()
	streams, err := source.Streams(ctx)
	if err != nil {
		return nil, fmt.Errorf("account %s: list folders: %w", account, err)
	}
	var all []Explanation
	for _, stream := range streams {
		refs, err := find(stream, source)
		if err != nil {
			return nil, fmt.Errorf("account %s: %s: %w", account, stream.Name, err)
		}
		if len(refs) == 0 {
			continue
		}
		batch, err := source.Fetch(ctx, stream, refs)
		if err != nil {
			return nil, fmt.Errorf("account %s: %s: %w", account, stream.Name, err)
		}
		for _, ref := range batch.Gone {
			all = append(all, p.gone(ctx, register, account, stream, ref))
		}
		for _, failure := range batch.Failed {
			all = append(all, Explanation{
				ID: refID(account, stream, failure.Ref), Outcome: "quarantined",
				Steps: []kith.Step{{Step: "read", Result: "unreadable", Why: failure.Cause}},
			})
		}
		for _, item := range batch.Items {
			who.Now = p.Now()
			outcome, err := p.Matcher.Explain(ctx, who, item)
			if err != nil {
				return nil, fmt.Errorf("account %s: %s: %w", account, stream.Name, err)
			}
			e := Explanation{ID: refID(account, stream, item.Ref), Outcome: "skipped", Reason: outcome.Skip}
			e.Steps = append(readSteps(stream, item), outcome.Steps...)
			if p.beyondHorizon(item) {
				e.Reason = kith.ReasonBeforeHorizon
				e.Steps = append(e.Steps, kith.Step{Step: "horizon", Result: string(e.Reason),
					Why: "captures go back to " + p.Since.Format(time.DateOnly) + "; it is older, and came before the first of them (see since in the configuration)"})
			}
			wanted := outcome.Interaction
			if wanted == nil {
				wanted = outcome.Cancelled
			}
			if wanted != nil {
				if err := p.lookUp(ctx, register, account, stream, item.Ref, wanted, &e); err != nil {
					return nil, err
				}
			}
			all = append(all, e)
		}
	}
	return all, nil
}

// beyondHorizon tells whether a first capture passes an item because of its age.
func (p *Poller) beyondHorizon(item kith.Item) bool {
	return item.Message != nil && item.Received.Before(p.Since) && item.Message.Date.Before(p.Since)
}

func refID(account string, stream kith.Stream, ref string) string {
	return account + "/" + stream.Name + "/" + ref
}

// readSteps tells how the message was read, before anybody decided about it.
func readSteps(stream kith.Stream, item kith.Item) []kith.Step {
	steps := []kith.Step{{Step: "found", Result: stream.Name + " " + item.Ref, Why: "the mailbox still has it; read again just now, without a trace on the server"}}
	m := item.Message
	if o := item.Occurrence; o != nil {
		steps[0].Why = "the calendar still shows it; read again just now, without a trace on the server"
		return append(steps, eventSteps(o)...)
	}
	if m == nil {
		return steps
	}
	date := kith.Step{Step: "date", Result: m.Date.Format("2006-01-02 15:04 -0700"), Why: "its own Date header"}
	if m.DateSource == kith.DateFromInternal {
		date.Why = "when the server got it, for its Date header is missing or can't be true"
	}
	steps = append(steps, date)
	if len(m.Warnings) > 0 {
		steps = append(steps, kith.Step{Step: "read", Result: "with warnings", Why: strings.Join(m.Warnings, "; ")})
	}
	return steps
}

// eventSteps tells which occurrence it is, and by which clock.
func eventSteps(o *kith.Occurrence) []kith.Step {
	event := kith.Step{Step: "event", Result: o.UID, Why: "it takes place once"}
	if o.Recurring {
		event.Why = "the occurrence of its series that was to begin at " + o.RecurrenceID.UTC().Format(time.RFC3339)
	}
	if o.Version.Sequence > 0 {
		event.Why += fmt.Sprintf("; it was changed %d times (SEQUENCE)", o.Version.Sequence)
	}
	zone := kith.Step{Step: "zone", Result: o.Zone, Why: "the time zone that its begin names"}
	if slices.Contains(o.Flags, "zone_guessed") {
		zone.Why = "nobody knows the time zone that it names: this one was taken"
	}
	return []kith.Step{event, zone}
}

// lookUp adds what the register has of a message that is to be recorded.
func (p *Poller) lookUp(ctx context.Context, register Register, account string, stream kith.Stream, ref string, wanted *kith.Interaction, e *Explanation) error {
	if e.Reason == "" {
		e.Outcome = "recorded"
	}
	found, err := register.InteractionByKey(ctx, wanted.Key)
	if errors.Is(err, kith.ErrNotFound) {
		found, err = register.InteractionByRef(ctx, account, stream.Name, ref)
	}
	switch {
	case errors.Is(err, kith.ErrNotFound):
		step := kith.Step{Step: "register", Result: "not there",
			Why: "the next poll records it if it is new; if it was passed before its people were contacts, looking back for them records it soon; what was removed on purpose stays out"}
		if e.Reason != "" {
			step.Why = "as the step before says"
		}
		e.Steps = append(e.Steps, step)
		return nil
	case err != nil:
		return fmt.Errorf("look it up in the register: %w", err)
	}
	e.Outcome, e.Reason, e.Interaction = "recorded", "", &found.ID
	why := string(found.Status) + " from this very copy"
	if !slices.ContainsFunc(found.Evidence, func(ev kith.Evidence) bool {
		return ev.Account == account && ev.Stream == stream.Name && ev.Ref == ref
	}) {
		why = string(found.Status) + " from another copy of the same"
	}
	e.Steps = append(e.Steps, kith.Step{Step: "register", Result: found.ID.String(), Why: why})
	return nil
}

// gone tells of a ref that is no longer in the mailbox.
func (p *Poller) gone(ctx context.Context, register Register, account string, stream kith.Stream, ref string) Explanation {
	e := Explanation{ID: refID(account, stream, ref), Steps: []kith.Step{{
		Step: "found", Result: "gone", Why: "the folder has no message of this number any more",
	}}}
	if found, err := register.InteractionByRef(ctx, account, stream.Name, ref); err == nil {
		e.Outcome = "recorded"
		e.Interaction = &found.ID
		e.Steps = append(e.Steps, kith.Step{Step: "register", Result: found.ID.String(), Why: "recorded while it was there; the register keeps it"})
	}
	return e
}
