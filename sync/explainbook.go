package syncer

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"kith"
)

// explainCard reads one card again, where it lies, and tells what it says, which contact it is tied to,
// and what the next run would make of it. It writes nothing.
func (p *Poller) explainCard(ctx context.Context, account string, source BookSource, stream, ref string) (Explanation, error) {
	books, err := source.Books(ctx)
	if err != nil {
		return Explanation{}, fmt.Errorf("account %s: list address books: %w", account, err)
	}
	var names []string
	for _, book := range books {
		if book.Name == stream {
			return p.explainIn(ctx, account, source, book, ref)
		}
		names = append(names, book.Name)
	}
	return Explanation{}, fmt.Errorf("account %s: address book %s is not among those that are read, %s: %w", account, stream, strings.Join(names, ", "), kith.ErrNotFound)
}

func (p *Poller) explainIn(ctx context.Context, account string, source BookSource, book kith.Stream, ref string) (Explanation, error) {
	e := Explanation{ID: refID(account, book, ref), Outcome: "skipped"}
	state, err := p.Store.Stream(ctx, account, book.Name)
	if err != nil {
		return e, err
	}
	ties, err := p.Books.CardTies(ctx, account, book.Name, ref)
	if err != nil {
		return e, err
	}
	batch, err := source.Fetch(ctx, book, []string{ref})
	if err != nil {
		return e, fmt.Errorf("account %s: %w", account, err)
	}
	if len(batch.Gone) > 0 && len(ties) == 0 {
		return e, fmt.Errorf("account %s: %s has no card %s, and the register knows of none: %w", account, book.Name, ref, kith.ErrNotFound)
	}
	e.Steps = cardSteps(book, batch)
	for _, tie := range ties {
		if err := p.explainTie(ctx, tie, &e); err != nil {
			return e, err
		}
	}
	rec := kith.BookRecording{
		Account: account, Stream: book.Name, Base: state.Cursor, Next: state.Cursor, At: p.Now(),
		Cards: batch.Cards, Groups: batch.Groups, Gone: batch.Gone, Quarantined: batch.Failed, Ignored: batch.Ignored,
	}
	_, err = p.Books.RecordBook(ctx, rec, true, func(c kith.CardChange) {
		e.Steps = append(e.Steps, kith.Step{Step: "decision", Result: string(c.Outcome), Why: outcomeText[c.Outcome]})
		switch c.Outcome {
		case kith.CardIgnored:
			e.Reason = kith.ReasonNotAContact
		case kith.CardErased:
			e.Reason = kith.ReasonErased
		case kith.CardGroupKept:
			e.Outcome = "recorded"
		}
	})
	if err != nil && !errors.Is(err, kith.ErrStaleCursor) { // a run is under way
		return e, err
	}
	switch {
	case len(batch.Failed) > 0:
		e.Outcome, e.Reason = "quarantined", ""
	case e.Contact != nil:
		e.Outcome, e.Reason = "recorded", ""
	}
	return e, nil
}

// outcomeText tells what a run makes of a card.
var outcomeText = map[kith.CardOutcome]string{
	kith.CardCreated:   "no contact has its UID, or one of its addresses: the next run makes one",
	kith.CardUpdated:   "the next run changes its contact",
	kith.CardUnchanged: "its contact says all of it already",
	kith.CardGroupKept: "its name is a tag of its members; of a company's card, they are its people",
	kith.CardIgnored:   "it is neither a contact nor a group",
	kith.CardErased:    "its contact was removed from the register on purpose; while the card is there, it stays out",
	kith.CardUntied:    "it is gone; its contact stays, for another card or source has it",
	kith.CardRemoved:   "it is gone, and its contact goes with it unless another book has it now",
}

// cardSteps tells how a card was read.
func cardSteps(book kith.Stream, batch kith.BookBatch) (steps []kith.Step) {
	for _, ref := range batch.Gone {
		steps = append(steps, kith.Step{Step: "found", Result: "gone", Why: "the book has no card " + ref + " any more"})
	}
	for _, f := range batch.Failed {
		steps = append(steps, kith.Step{Step: "read", Result: "unreadable", Why: f.Cause})
	}
	for _, c := range batch.Cards {
		steps = append(steps, kith.Step{Step: "found", Result: book.Name + " " + c.Ref, Why: "the book still has it; read again just now"},
			kith.Step{Step: "read", Result: string(c.Contact.Type) + " " + c.Contact.Name,
				Why: fmt.Sprintf("UID %s; e-mail addresses: %s; phone numbers: %d", c.Contact.ExternalID, listOr(c.Contact.Emails, "none"), len(c.Contact.Phones))})
	}
	for _, g := range batch.Groups {
		steps = append(steps, kith.Step{Step: "read", Result: "group " + g.Name, Why: fmt.Sprintf("it names %d cards", len(g.Members))})
	}
	for _, w := range batch.Warnings {
		steps = append(steps, kith.Step{Step: "read", Result: "with warnings", Why: w})
	}
	return steps
}

func listOr(list []string, none string) string {
	if len(list) == 0 {
		return none
	}
	return strings.Join(list, ", ")
}

// explainTie tells which contact a card shows.
func (p *Poller) explainTie(ctx context.Context, tie kith.CardTie, e *Explanation) error {
	contact, err := p.Books.Contact(ctx, tie.Contact)
	switch {
	case errors.Is(err, kith.ErrNotFound):
		e.Steps = append(e.Steps, kith.Step{Step: "register", Result: "removed", Why: "its contact was removed on purpose"})
		return nil
	case err != nil:
		return fmt.Errorf("look it up in the register: %w", err)
	}
	e.Contact = &contact.ID
	why := "its own contact: it follows the card"
	if contact.Source != tie.Account {
		why = fmt.Sprintf("found by its address; the contact is of source %q, so the card only adds to it", contact.Source)
	}
	e.Steps = append(e.Steps, kith.Step{Step: "register", Result: contact.ID.String() + " " + contact.Name, Why: why})
	return nil
}
