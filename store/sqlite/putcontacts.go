package sqlite

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"kith"
	"kith/store"
)

// PutContacts implements [store.Contacts].
func (s *Store) PutContacts(ctx context.Context, contacts []kith.Contact, at time.Time, dryRun bool) ([]kith.ContactChange, error) {
	if at.IsZero() {
		return nil, errors.New("put contacts: they need the time of the change")
	}
	changes := make([]kith.ContactChange, len(contacts))
	ids := make([]kith.ID, len(contacts))
	err := s.write(ctx, "put contacts", func(tx tx) error {
		b := newContactBatch(tx, at)
		if err := b.read(ctx, contacts); err != nil {
			return err
		}
		for i := range contacts {
			e, change, err := b.put(contacts[i])
			if err != nil {
				return &store.RowError{Row: i, Err: err}
			}
			changes[i], ids[i] = change, e.ID
			if dryRun && e.fresh {
				ids[i] = kith.ID{} // there won't be such a contact
			}
		}
		if dryRun {
			return errUndo
		}
		return b.write(ctx)
	})
	if err != nil && !errors.Is(err, errUndo) {
		return nil, err
	}
	for i := range contacts {
		contacts[i].ID = ids[i]
	}
	return changes, nil
}

// contactBatch holds the contacts that a batch may mean or change. They are
// read first, the batch is gone through in memory, and what changed is written.
type contactBatch struct {
	tx         tx
	at         time.Time
	entries    []*contactEntry
	byNumber   map[int64]*contactEntry
	byExternal map[externalID]*contactEntry
	byAddress  map[string][]*contactEntry
	companies  map[string][]*contactEntry // by folded name
	last       int64                      // the number of the last contact
	matters    bool                       // a change that matching has to know of
}

type contactEntry struct {
	kith.Contact
	fresh   bool
	changed bool
	added   []string // addresses that are not on file
}

type externalID struct{ source, id string }

func newContactBatch(tx tx, at time.Time) *contactBatch {
	return &contactBatch{
		tx: tx, at: at,
		byNumber:   make(map[int64]*contactEntry),
		byExternal: make(map[externalID]*contactEntry),
		byAddress:  make(map[string][]*contactEntry),
		companies:  make(map[string][]*contactEntry),
	}
}

// read reads the contacts that the input may mean.
func (b *contactBatch) read(ctx context.Context, contacts []kith.Contact) error {
	var numbers []int64
	var external, addresses, names []string
	for i := range contacts {
		c := &contacts[i]
		if !c.ID.IsZero() {
			numbers = append(numbers, numberOf(c.ID))
		}
		if c.CompanyID != nil {
			numbers = append(numbers, numberOf(*c.CompanyID))
		}
		if c.ExternalID != "" {
			external = append(external, c.ExternalID)
		}
		if c.Company != "" {
			external = append(external, c.Company)
			names = append(names, store.Fold(c.Company))
		}
		if c.Type == kith.Company {
			names = append(names, store.Fold(c.Name), store.Fold(c.ExternalID))
		}
		addresses = append(addresses, store.Addresses(c)...)
	}
	for _, q := range []struct {
		clause string
		list   string
		none   bool
	}{
		{`WHERE c.n IN (SELECT value FROM json_each(?))`, list(numbers), len(numbers) == 0},
		{`WHERE c.external_id IN (SELECT value FROM json_each(?)) AND c.external_id <> ''`, list(external), len(external) == 0},
		{`WHERE c.n IN (SELECT contact FROM json_each(?) j CROSS JOIN addresses a ON a.address = j.value)`, list(addresses), len(addresses) == 0},
		{`WHERE c.folded IN (SELECT value FROM json_each(?)) AND c.type = 'company'`, list(names), len(names) == 0},
	} {
		if q.none {
			continue
		}
		found, err := b.tx.contacts(ctx, q.clause, q.list)
		if err != nil {
			return err
		}
		for _, c := range found {
			if b.byNumber[numberOf(c.ID)] == nil {
				b.take(&contactEntry{Contact: *c})
			}
		}
	}
	slices.SortFunc(b.entries, func(x, y *contactEntry) int { return slices.Compare(x.ID[:], y.ID[:]) })
	return b.tx.one(ctx, `SELECT coalesce(max(n), 0) FROM contacts`, nil, &b.last)
}

// take makes an entry findable.
func (b *contactBatch) take(e *contactEntry) {
	b.entries = append(b.entries, e)
	b.byNumber[numberOf(e.ID)] = e
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

// put inserts or updates one contact, in memory.
func (b *contactBatch) put(in kith.Contact) (*contactEntry, kith.ContactChange, error) {
	e, err := b.find(&in)
	if err != nil {
		return nil, "", err
	}
	change := kith.ContactUpdated
	if e == nil {
		change = kith.ContactCreated
		e = &contactEntry{fresh: true, Contact: kith.Contact{Type: in.Type, Source: in.Source, CreatedAt: b.at}}
		if e.Type == "" {
			e.Type = kith.Person
		}
	}
	company, err := b.company(&in, &e.Contact)
	if err != nil {
		return nil, "", err
	}
	before := e.Contact
	changed := store.MergeContact(&e.Contact, &in)
	if company != nil && (e.CompanyID == nil || *e.CompanyID != *company) {
		e.CompanyID, e.Company, changed = company, b.byNumber[numberOf(*company)].Name, true
	}
	if err := store.CheckContact(&e.Contact); err != nil {
		return nil, "", err
	}
	if !changed && !e.fresh {
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
func (b *contactBatch) find(in *kith.Contact) (e *contactEntry, err error) {
	is := in.Type
	if is == "" {
		is = kith.Person
	}
	switch {
	case !in.ID.IsZero():
		e = b.byNumber[numberOf(in.ID)]
		if e == nil || e.ID != in.ID {
			return nil, fmt.Errorf("contact %s: %w", in.ID, kith.ErrNotFound)
		}
	case in.ExternalID != "":
		e = b.byExternal[externalID{in.Source, in.ExternalID}]
		if e == nil && is == kith.Company {
			// Perhaps its people came first, and made it by the name that they call it.
			namesakes := slices.Concat(b.companies[store.Fold(in.Name)], b.companies[store.Fold(in.ExternalID)])
			e = choose(slices.DeleteFunc(namesakes, func(e *contactEntry) bool { return e.ExternalID != "" }), in)
		}
	default:
		addresses := in.Emails
		if len(addresses) == 0 {
			addresses = in.Phones
		}
		for _, a := range addresses {
			sharers := slices.Clone(b.byAddress[a])
			e = choose(slices.DeleteFunc(sharers, func(e *contactEntry) bool { return e.Type != is }), in)
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
func choose(found []*contactEntry, in *kith.Contact) *contactEntry {
	var best *contactEntry
	rank := func(e *contactEntry) (n int) {
		if in.Name != "" && store.Fold(e.Name) == store.Fold(in.Name) {
			n += 2
		}
		if e.Source == in.Source {
			n++
		}
		return n
	}
	for _, e := range found {
		if best == nil || rank(e) > rank(best) || rank(e) == rank(best) && numberOf(e.ID) < numberOf(best.ID) {
			best = e
		}
	}
	return best
}

// company finds the company that the input names for a contact, or makes it;
// nil if it names none.
func (b *contactBatch) company(in, c *kith.Contact) (*kith.ID, error) {
	switch {
	case in.CompanyID == nil && in.Company == "":
		return nil, nil
	case c.Type == kith.Company:
		return nil, errors.New("a company can't have a company")
	case in.CompanyID == nil && c.CompanyID != nil && store.Fold(in.Company) == store.Fold(c.Company):
		return c.CompanyID, nil // of several with that name, the one it is tied to
	}
	var company *contactEntry
	if in.CompanyID != nil {
		company = b.byNumber[numberOf(*in.CompanyID)]
		if company == nil || company.ID != *in.CompanyID || company.Type != kith.Company {
			return nil, fmt.Errorf("company %s: %w", in.CompanyID, kith.ErrNotFound)
		}
		return &company.ID, nil
	}
	company = b.byExternal[externalID{in.Source, in.Company}]
	if company == nil || company.Type != kith.Company {
		company = choose(b.companies[store.Fold(in.Company)], &kith.Contact{Name: in.Company, Source: in.Source})
	}
	if company == nil {
		company = &contactEntry{fresh: true, Contact: kith.Contact{
			Type: kith.Company, Name: in.Company, Source: in.Source, CreatedAt: b.at, UpdatedAt: b.at,
		}}
		b.note(company, &kith.Contact{})
	}
	return &company.ID, nil
}

// note takes notice of a contact that is new or has changed.
func (b *contactBatch) note(e *contactEntry, before *kith.Contact) {
	added := slices.Concat(e.Emails[len(before.Emails):], e.Phones[len(before.Phones):])
	if e.ID.IsZero() {
		e.ID = newID(b.at, b.last)
		b.last = numberOf(e.ID)
		b.take(e)
	} else {
		e.changed = true
		if e.ExternalID != "" {
			delete(b.byExternal, externalID{before.Source, before.ExternalID})
			b.byExternal[externalID{e.Source, e.ExternalID}] = e
		}
		if was, is := store.Fold(before.Name), store.Fold(e.Name); e.Type == kith.Company && was != is {
			others := slices.DeleteFunc(b.companies[was], func(x *contactEntry) bool { return x == e })
			b.companies[was] = others
			b.companies[is] = append(b.companies[is], e)
		}
		for _, a := range added {
			b.byAddress[a] = append(b.byAddress[a], e)
		}
	}
	e.added = append(e.added, added...)
	if len(added) > 0 || matters(before, &e.Contact) {
		b.matters = true
	}
}

// matters tells whether matching has to know of a change, addresses aside.
func matters(a, b *kith.Contact) bool {
	company := func(c *kith.Contact) (id kith.ID) {
		if c.CompanyID != nil {
			id = *c.CompanyID
		}
		return id
	}
	return a.NeverRecord != b.NeverRecord || a.Archived != b.Archived || company(a) != company(b)
}
