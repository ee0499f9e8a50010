// Package privacy answers for a person who asks what the register holds about
// them, or asks to be removed from it.
package privacy

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"kith"
	"kith/address"
	"kith/store"
)

// Register is what this package needs of one; package store says what each
// method promises.
type Register interface {
	FindContacts(ctx context.Context, word string) ([]kith.Contact, error)
	Interactions(ctx context.Context, filter store.Filter) iter.Seq2[kith.Interaction, error]
	DeleteInteractions(ctx context.Context, ids []kith.ID, at time.Time) (int, error)
	RemoveContact(ctx context.Context, id kith.ID, at time.Time) error
	UpdateContact(ctx context.Context, contact kith.Contact, at time.Time) error
	EraseAddresses(ctx context.Context, addresses []string, at time.Time) error
	Scrub(ctx context.Context) error
}

// Person is whom it is about: contacts, and the addresses and phone numbers that are theirs.
type Person struct {
	Contacts  []kith.Contact
	Addresses []string // canonical
	// Shared are other contacts that have one of the addresses too. They stay, without it.
	Shared []kith.Contact
}

// Find returns the person that a word means: what [store.Contacts] FindContacts
// takes, or an address that nobody has. An address means the contact that has it with all
// addresses of that contact; one that several contacts share means nothing but itself.
// Several contacts of the same name are an error.
func Find(ctx context.Context, r Register, word string) (Person, error) {
	canonical, isAddress := address.Normalize(word)
	if isAddress {
		word = canonical
	}
	found, err := r.FindContacts(ctx, word)
	if err != nil {
		return Person{}, err
	}
	isAddress = isAddress || strings.HasPrefix(word, "+")
	switch {
	case len(found) == 0 && !isAddress:
		return Person{}, fmt.Errorf("contact %q: %w", word, kith.ErrNotFound)
	case len(found) == 0:
		return Person{Addresses: []string{word}}, nil
	case len(found) > 1 && isAddress:
		return Person{Addresses: []string{word}, Shared: found}, nil
	case len(found) > 1:
		return Person{}, &AmbiguousError{Word: word, Contacts: found}
	}
	p := Person{Contacts: found, Addresses: slices.Concat(found[0].Emails, found[0].Phones)}
	for _, a := range p.Addresses {
		sharing, err := r.FindContacts(ctx, a)
		if err != nil {
			return Person{}, err
		}
		for _, c := range sharing {
			if c.ID != found[0].ID && !slices.ContainsFunc(p.Shared, func(s kith.Contact) bool { return s.ID == c.ID }) {
				p.Shared = append(p.Shared, c)
			}
		}
	}
	return p, nil
}

// AmbiguousError tells of a word that means several contacts.
type AmbiguousError struct {
	Word     string
	Contacts []kith.Contact
}

func (e *AmbiguousError) Error() string {
	var who []string
	for _, c := range e.Contacts {
		who = append(who, fmt.Sprintf("%s (%s)", c.ID, c.Name))
	}
	return fmt.Sprintf("%q means several contacts; name one by its id: %s", e.Word, strings.Join(who, ", "))
}

// Concerns tells whether the person is anywhere in an interaction: takes part,
// is linked, or is named by address in one of its texts.
func (p *Person) Concerns(i *kith.Interaction) bool {
	for _, c := range p.Contacts {
		if slices.ContainsFunc(i.Links, func(l kith.Link) bool { return l.ContactID == c.ID }) {
			return true
		}
	}
	if len(p.Addresses) == 0 {
		return false
	}
	if slices.Contains(p.Addresses, i.Owner) {
		return true
	}
	for _, who := range i.Participants {
		if slices.Contains(p.Addresses, who.Address) || p.named(who.Name) {
			return true
		}
	}
	for _, l := range i.Links {
		if slices.Contains(p.Addresses, l.Matched) {
			return true
		}
	}
	if p.named(i.Subject) || p.named(i.Snippet) || p.named(i.DeliveryReason) || i.MessageID != nil && p.named(*i.MessageID) {
		return true
	}
	if i.Document != nil && (p.named(i.Document.URL) || p.named(i.Document.Number)) {
		return true
	}
	return slices.ContainsFunc(i.Notes, func(n kith.Note) bool { return p.named(n.Text) || p.named(n.Author) }) ||
		slices.ContainsFunc(i.Attachments, func(a kith.Attachment) bool { return p.named(a.Name) })
}

// named tells whether one of the addresses stands in a text, and not as a part of
// a longer one.
func (p *Person) named(text string) bool {
	if !strings.ContainsAny(text, "@+") { // most texts
		return false
	}
	text = strings.ToLower(text)
	for _, a := range p.Addresses {
		for rest := text; ; {
			at := strings.Index(rest, a)
			if at < 0 {
				break
			}
			before, after := rest[:at], rest[at+len(a):]
			if !goesOnBefore(before) && !goesOnAfter(after) {
				return true
			}
			rest = rest[at+1:]
		}
	}
	return false
}

func goesOnBefore(text string) bool {
	return text != "" && (inAddress(text[len(text)-1]) || strings.IndexByte(".+_", text[len(text)-1]) >= 0)
}

// goesOnAfter takes a dot for the end of a sentence unless more follows.
func goesOnAfter(text string) bool {
	text = strings.TrimLeft(text, ".")
	return text != "" && inAddress(text[0])
}

func inAddress(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '@' || c >= 0x80
}

// About yields every interaction that concerns the person, latest first. It reads the
// whole register: whoever only took part stands in no index. watch, if not nil, is called for each that was read.
func (p *Person) About(ctx context.Context, r Register, watch func()) iter.Seq2[kith.Interaction, error] {
	return func(yield func(kith.Interaction, error) bool) {
		for i, err := range r.Interactions(ctx, store.Filter{}) {
			if err != nil {
				yield(i, err)
				return
			}
			if watch != nil {
				watch()
			}
			if p.Concerns(&i) && !yield(i, nil) {
				return
			}
		}
	}
}
