package contacts

import (
	"slices"

	"kith"
	"kith/store"
)

// owner finds the contact of a card. erased is the id of one that was removed on purpose.
func (b *Book) owner(in *kith.Contact) (e *Entry, erased kith.ID) {
	for _, t := range b.byUID[in.ExternalID] {
		known := b.byID[t.Contact]
		switch {
		case known == nil && t.GoneAt.IsZero():
			erased = t.Contact
		case known != nil && (known.Type == in.Type || known.Source == b.account):
			return known, kith.ID{}
		}
	}
	if !erased.IsZero() {
		return nil, erased
	}
	if e := b.byExternal[externalID{b.account, in.ExternalID}]; e != nil {
		return e, kith.ID{}
	}
	if in.Type == kith.Company {
		// Perhaps its people came first, and made it by the name that they call it.
		namesakes := slices.Clone(b.companies[store.Fold(in.Name)])
		if e := choose(slices.DeleteFunc(namesakes, func(e *Entry) bool { return e.ExternalID != "" || e.Source != b.account && b.taken(e, in.ExternalID) }), in); e != nil {
			return b.adopt(e, in), kith.ID{}
		}
	}
	addresses := in.Emails
	if len(addresses) == 0 {
		addresses = in.Phones
	}
	for _, a := range addresses {
		sharers := slices.DeleteFunc(slices.Clone(b.byAddress[a]), func(e *Entry) bool { return e.Type != in.Type || b.taken(e, in.ExternalID) })
		if e := choose(sharers, in); e != nil {
			return b.adopt(e, in), kith.ID{}
		}
	}
	return nil, kith.ID{}
}

// taken tells whether a contact can't be meant by another card that has its address: each card
// of a book is somebody else, even if they share a mailbox.
func (b *Book) taken(e *Entry, uid string) bool {
	living, former := false, false
	for _, t := range b.byContact[e.ID] {
		if t.Account == b.account && t.UID != uid {
			former = true
			living = living || t.GoneAt.IsZero()
		}
	}
	return living || e.Source == b.account && !former
}

// adopt makes a contact of this account without an external id, or whose card is gone, that of a card.
func (b *Book) adopt(e *Entry, in *kith.Contact) *Entry {
	if e.Source == b.account && e.ExternalID != in.ExternalID {
		next := e.Contact
		next.ExternalID = in.ExternalID
		b.replace(e, next)
	}
	return e
}

// make makes the contact of a card that is new.
func (b *Book) make(in *kith.Contact) (*Entry, error) {
	made := *in
	made.CompanyID, made.Company, made.ID = nil, "", kith.ID{}
	made.CreatedAt, made.UpdatedAt = b.at, b.at
	made.Emails, made.Phones, made.Tags = nil, nil, nil
	store.MergeContact(&made, &kith.Contact{Emails: in.Emails, Phones: in.Phones, Tags: in.Tags}) // each once
	if err := store.CheckContact(&made); err != nil {
		return nil, err
	}
	e := &Entry{Contact: made, Fresh: true}
	b.note(e, &kith.Contact{})
	return e, nil
}

// replace makes an entry what it is to be.
func (b *Batch) replace(e *Entry, next kith.Contact) {
	before := e.Contact
	added := without(store.Addresses(&next), store.Addresses(&before))
	removed := without(store.Addresses(&before), store.Addresses(&next))
	if len(added)+len(removed) == 0 && same(&before, &next) {
		return
	}
	if !e.Fresh {
		next.UpdatedAt, e.Changed = b.at, true
		e.Retyped = e.Retyped || before.Type != next.Type
	}
	e.Contact = next
	if external := (externalID{before.Source, before.ExternalID}); external != (externalID{next.Source, next.ExternalID}) {
		delete(b.byExternal, external)
		b.byExternal[externalID{next.Source, next.ExternalID}] = e
	}
	if before.Type == kith.Company {
		was := store.Fold(before.Name)
		b.companies[was] = slices.DeleteFunc(b.companies[was], func(x *Entry) bool { return x == e })
	}
	if next.Type == kith.Company {
		is := store.Fold(next.Name)
		b.companies[is] = append(b.companies[is], e)
	}
	for _, a := range removed {
		b.byAddress[a] = slices.DeleteFunc(b.byAddress[a], func(x *Entry) bool { return x == e })
		if at := slices.Index(e.Added, a); at >= 0 {
			e.Added = slices.Delete(e.Added, at, at+1)
		} else {
			e.Removed = append(e.Removed, a)
		}
	}
	for _, a := range added {
		b.byAddress[a] = append(b.byAddress[a], e)
		if at := slices.Index(e.Removed, a); at >= 0 {
			e.Removed = slices.Delete(e.Removed, at, at+1)
		} else {
			e.Added = append(e.Added, a)
		}
	}
	b.Sought = append(b.Sought, Sought(&before, &next)...)
	if len(added)+len(removed) > 0 || before.Type != next.Type || Matters(&before, &next) {
		b.Matters = true
	}
}

// same tells whether two contacts differ in nothing that a card can change, addresses and their order aside.
func same(a, b *kith.Contact) bool {
	for i, text := range texts(a) {
		if *text != *texts(b)[i] {
			return false
		}
	}
	return a.Type == b.Type && a.Source == b.Source && a.ExternalID == b.ExternalID && a.Owner == b.Owner &&
		slices.Equal(a.Tags, b.Tags) && !Matters(a, b)
}
