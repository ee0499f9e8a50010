// Package contacts goes through a batch of contacts in memory, as
// [store.Contacts] says of PutContacts. What a store has on file of them is put in
// first, with few queries; then the batch is gone through in order; then the
// store writes what the [Batch] has noted.
package contacts

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"kith"
	"kith/store"
)

// Batch holds the contacts that a batch may mean or change. Not safe for
// concurrent use.
type Batch struct {
	Entries []*Entry        // those on file first
	Matters bool            // something has changed that matching has to know of
	Sought  []string        // addresses for look-back
	Erased  map[string]bool // addresses that were erased

	at         time.Time
	newID      func() kith.ID
	byID       map[kith.ID]*Entry
	byExternal map[externalID]*Entry
	byAddress  map[string][]*Entry
	companies  map[string][]*Entry // by folded name
	groups     map[kith.ID][]*Entry
}

// Entry is one contact that the batch may mean or change, as it is without those
// merged into it.
type Entry struct {
	kith.Contact
	Survivor kith.ID  // stands for it and those merged with it; zero: there are none
	Fresh    bool     // not on file
	Changed  bool     // on file, and to be written
	Retyped  bool     // on file as of another type
	Added    []string // addresses that are not on file
	Removed  []string // addresses that are on file, and no longer the contact's
}

type externalID struct{ source, id string }

// New returns a batch of changes at a time. Contacts that are new get their id
// from newID.
func New(at time.Time, newID func() kith.ID) *Batch {
	return &Batch{
		at: at, newID: newID,
		byID:       make(map[kith.ID]*Entry),
		byExternal: make(map[externalID]*Entry),
		byAddress:  make(map[string][]*Entry),
		companies:  make(map[string][]*Entry),
		groups:     make(map[kith.ID][]*Entry),
	}
}

// Hints are what the contacts on file have of which an input may speak.
type Hints struct {
	IDs       []kith.ID
	External  []string // external ids, whatever their source
	Addresses []string // by which contacts are looked for
	Companies []string // names of companies, folded

	Given []string // all addresses of the input
}

// HintsOf collects the hints of an input. Each contact on file that has one of
// them has to be loaded, and all that are merged with it.
func HintsOf(input []kith.Contact) (h Hints) {
	for i := range input {
		c := &input[i]
		if !c.ID.IsZero() {
			h.IDs = append(h.IDs, c.ID)
		}
		if c.CompanyID != nil {
			h.IDs = append(h.IDs, *c.CompanyID)
		}
		if c.ExternalID != "" {
			h.External = append(h.External, c.ExternalID)
		}
		if c.Company != "" {
			h.External = append(h.External, c.Company)
			h.Companies = append(h.Companies, store.Fold(c.Company))
		}
		if c.Type == kith.Company {
			h.Companies = append(h.Companies, store.Fold(c.Name), store.Fold(c.ExternalID))
		}
		addresses := store.Addresses(c)
		h.Given = append(h.Given, addresses...)
		if c.ID.IsZero() && c.ExternalID == "" { // else nobody looks for them
			h.Addresses = append(h.Addresses, addresses...)
		}
	}
	return h
}

// Load puts in a contact that is on file; once more does no harm.
func (b *Batch) Load(c *kith.Contact, survivor kith.ID) {
	if b.byID[c.ID] == nil {
		e := &Entry{Contact: *c, Survivor: survivor}
		b.take(e)
		if !survivor.IsZero() {
			b.groups[survivor] = append(b.groups[survivor], e)
		}
	}
}

// Shown is the id by which the contact is known: that of its survivor.
func (e *Entry) Shown() kith.ID {
	if e.Survivor.IsZero() {
		return e.ID
	}
	return e.Survivor
}

// withhold takes out of an input what others have that are merged with the contact
// it means.
func (b *Batch) withhold(in *kith.Contact, e *Entry) {
	for _, other := range b.groups[e.Survivor] {
		if other == e {
			continue
		}
		in.Emails = without(in.Emails, without(other.Emails, e.Emails))
		in.Phones = without(in.Phones, without(other.Phones, e.Phones))
		in.Tags = without(in.Tags, without(other.Tags, e.Tags))
		if in.ExternalID == other.ExternalID && in.Source == other.Source {
			in.ExternalID, in.Source = "", ""
		}
	}
}

// take makes an entry findable.
func (b *Batch) take(e *Entry) {
	b.Entries = append(b.Entries, e)
	b.byID[e.ID] = e
	if e.ExternalID != "" {
		b.byExternal[externalID{e.Source, e.ExternalID}] = e
	}
	if e.Type == kith.Company {
		b.companies[store.Fold(e.Name)] = append(b.companies[store.Fold(e.Name)], e)
	}
	for _, a := range store.Addresses(&e.Contact) {
		b.byAddress[a] = append(b.byAddress[a], e)
	}
}

// erased tells whether an input has an address that was erased.
func (b *Batch) erased(in *kith.Contact) bool {
	return len(b.Erased) > 0 && slices.ContainsFunc(store.Addresses(in), func(a string) bool { return b.Erased[a] })
}

// omit takes out of an input what was erased.
func (b *Batch) omit(in *kith.Contact) {
	if b.erased(in) {
		gone := func(a string) bool { return b.Erased[a] }
		in.Emails = slices.DeleteFunc(slices.Clone(in.Emails), gone)
		in.Phones = slices.DeleteFunc(slices.Clone(in.Phones), gone)
	}
}

// Put inserts or updates one contact.
func (b *Batch) Put(in kith.Contact) (*Entry, kith.ContactChange, error) {
	e, err := b.find(&in)
	if err != nil {
		return nil, "", err
	}
	change := kith.ContactUpdated
	if e == nil && b.erased(&in) {
		return nil, "", kith.ErrErased
	}
	b.omit(&in)
	if e == nil {
		change = kith.ContactCreated
		e = &Entry{Fresh: true, Contact: kith.Contact{Type: in.Type, Source: in.Source, CreatedAt: b.at}}
		if e.Type == "" {
			e.Type = kith.Person
		}
	}
	company, err := b.Company(&in, &e.Contact)
	if err != nil {
		return nil, "", err
	}
	before := e.Contact
	b.withhold(&in, e)
	changed := store.MergeContact(&e.Contact, &in)
	if company != nil && (e.CompanyID == nil || *e.CompanyID != *company) {
		e.CompanyID, e.Company, changed = company, b.byID[*company].Name, true
	}
	if err := store.CheckContact(&e.Contact); err != nil {
		return nil, "", err
	}
	if !changed && !e.Fresh {
		return e, kith.ContactUnchanged, nil
	}
	external := externalID{e.Source, e.ExternalID}
	if other := b.byExternal[external]; e.ExternalID != "" && other != nil && other != e {
		return nil, "", fmt.Errorf("external id %q is that of contact %s: %w", e.ExternalID, other.ID, kith.ErrConflict)
	}
	e.UpdatedAt = b.at
	b.note(e, &before)
	return e, change, nil
}

// find returns the contact that the input means; nil if there is none.
func (b *Batch) find(in *kith.Contact) (e *Entry, err error) {
	is := in.Type
	if is == "" {
		is = kith.Person
	}
	switch {
	case !in.ID.IsZero():
		e = b.byID[in.ID]
		if e == nil {
			return nil, fmt.Errorf("contact %s: %w", in.ID, kith.ErrNotFound)
		}
	case in.ExternalID != "":
		e = b.byExternal[externalID{in.Source, in.ExternalID}]
		if e == nil && is == kith.Company {
			// Perhaps its people came first, and made it by the name that they call it.
			namesakes := slices.Concat(b.companies[store.Fold(in.Name)], b.companies[store.Fold(in.ExternalID)])
			e = choose(slices.DeleteFunc(namesakes, func(e *Entry) bool { return e.ExternalID != "" }), in)
		}
	default:
		addresses := in.Emails
		if len(addresses) == 0 {
			addresses = in.Phones
		}
		for _, a := range addresses {
			sharers := slices.Clone(b.byAddress[a])
			e = choose(slices.DeleteFunc(sharers, func(e *Entry) bool { return e.Type != is }), in)
			if e != nil {
				break
			}
		}
		if e == nil && is == kith.Company {
			e = choose(b.companies[store.Fold(in.Name)], in)
		}
	}
	if e != nil && in.Type != "" && in.Type != e.Type {
		return nil, fmt.Errorf("contact %s is a %s: %w", e.ID, e.Type, kith.ErrConflict)
	}
	return e, nil
}

// choose takes the contact that has the input's name, else the one from its
// source, else the one that was there first; nil if there is none.
func choose(found []*Entry, in *kith.Contact) *Entry {
	var best *Entry
	rank := func(e *Entry) (n int) {
		if in.Name != "" && store.Fold(e.Name) == store.Fold(in.Name) {
			n += 2
		}
		if e.Source == in.Source {
			n++
		}
		return n
	}
	for _, e := range found {
		if best == nil || rank(e) > rank(best) || rank(e) == rank(best) && bytes.Compare(e.ID[:], best.ID[:]) < 0 {
			best = e
		}
	}
	return best
}

// Company finds the company that the input names for contact c, or makes it;
// nil if it names none. When it is one with the contact's own, it is that.
func (b *Batch) Company(in, c *kith.Contact) (*kith.ID, error) {
	switch {
	case in.CompanyID == nil && in.Company == "":
		return nil, nil
	case c.Type == kith.Company:
		return nil, errors.New("a company can't have a company")
	case in.CompanyID == nil && c.CompanyID != nil && store.Fold(in.Company) == store.Fold(c.Company):
		return c.CompanyID, nil // of several with that name, the one it is tied to
	}
	if in.CompanyID != nil {
		company := b.byID[*in.CompanyID]
		if company == nil || company.Type != kith.Company {
			return nil, fmt.Errorf("company %s: %w", in.CompanyID, kith.ErrNotFound)
		}
		return b.own(company, c), nil
	}
	company := b.byExternal[externalID{in.Source, in.Company}]
	if company == nil || company.Type != kith.Company {
		company = choose(b.companies[store.Fold(in.Company)], &kith.Contact{Name: in.Company, Source: in.Source})
	}
	if company == nil {
		company = &Entry{Fresh: true, Contact: kith.Contact{
			Type: kith.Company, Name: in.Company, Source: in.Source, CreatedAt: b.at, UpdatedAt: b.at,
		}}
		b.note(company, &kith.Contact{})
	}
	return b.own(company, c), nil
}

// own is the id of a company, or that of the contact's own if they are one.
func (b *Batch) own(company *Entry, c *kith.Contact) *kith.ID {
	if c.CompanyID != nil {
		if own := b.byID[*c.CompanyID]; own != nil && own.Shown() == company.Shown() {
			return c.CompanyID
		}
	}
	return &company.ID
}

// note takes notice of a contact that is new or has changed.
func (b *Batch) note(e *Entry, before *kith.Contact) {
	added := slices.Concat(e.Emails[len(before.Emails):], e.Phones[len(before.Phones):])
	if e.ID.IsZero() {
		e.ID = b.newID()
		b.take(e)
	} else {
		e.Changed = !e.Fresh
		if e.ExternalID != "" {
			delete(b.byExternal, externalID{before.Source, before.ExternalID})
			b.byExternal[externalID{e.Source, e.ExternalID}] = e
		}
		if was, is := store.Fold(before.Name), store.Fold(e.Name); e.Type == kith.Company && was != is {
			others := slices.DeleteFunc(b.companies[was], func(x *Entry) bool { return x == e })
			b.companies[was] = others
			b.companies[is] = append(b.companies[is], e)
		}
		for _, a := range added {
			b.byAddress[a] = append(b.byAddress[a], e)
		}
	}
	e.Added = append(e.Added, added...)
	if !e.NeverRecord {
		b.Sought = append(b.Sought, e.Emails[len(before.Emails):]...)
	}
	if len(added) > 0 || Matters(before, &e.Contact) {
		b.Matters = true
	}
}

// Added returns the e-mail addresses that have become contacts'.
func (b *Batch) Added() (addresses []string) {
	for _, e := range b.Entries {
		for _, a := range e.Added {
			if strings.Contains(a, "@") {
				addresses = append(addresses, a)
			}
		}
	}
	return addresses
}

// Sought returns the addresses of a contact that are for look-back, after it was changed. Both
// are whole, with those merged into them.
func Sought(before, after *kith.Contact) (addresses []string) {
	if after.NeverRecord {
		return nil
	}
	for _, a := range after.Emails {
		if before.NeverRecord || !slices.Contains(before.Emails, a) {
			addresses = append(addresses, a)
		}
	}
	return addresses
}

// Matters tells whether matching has to know of a change, addresses aside.
func Matters(a, b *kith.Contact) bool {
	company := func(c *kith.Contact) (id kith.ID) {
		if c.CompanyID != nil {
			id = *c.CompanyID
		}
		return id
	}
	return a.NeverRecord != b.NeverRecord || a.Archived != b.Archived || company(a) != company(b)
}
