package contacts

import (
	"maps"
	"slices"

	"kith"
	"kith/store"
)

// Clean returns contacts whose text is as [store.Clean] wants it: the same
// ones, or copies.
func Clean(contacts []kith.Contact) []kith.Contact {
	copied := false
	for i := range contacts {
		if clean(&contacts[i]) {
			continue
		}
		if !copied {
			contacts, copied = slices.Clone(contacts), true
		}
		c := &contacts[i]
		c.Emails, c.Phones, c.Tags = slices.Clone(c.Emails), slices.Clone(c.Phones), slices.Clone(c.Tags)
		eachText(c, func(text *string) { *text = store.Clean(*text) })
		notes := make(map[string]string, len(c.Notes))
		for _, name := range slices.Sorted(maps.Keys(c.Notes)) {
			notes[store.Clean(name)] = store.Clean(c.Notes[name])
		}
		c.Notes = notes
	}
	return contacts
}

func clean(c *kith.Contact) bool {
	clean := true
	check := func(text *string) { clean = clean && store.Clean(*text) == *text }
	eachText(c, check)
	for name, note := range c.Notes {
		check(&name)
		check(&note)
	}
	return clean
}

// eachText calls fn for all text of a contact but its notes.
func eachText(c *kith.Contact, fn func(text *string)) {
	for _, text := range []*string{
		&c.ExternalID, &c.Source, &c.Name, &c.FirstName, &c.LastName, &c.Company, &c.Title, &c.Language, &c.Owner,
	} {
		fn(text)
	}
	for _, list := range [][]string{c.Emails, c.Phones, c.Tags} {
		for i := range list {
			fn(&list[i])
		}
	}
}

// CleanBook returns a recording whose text is as [store.Clean] wants it.
func CleanBook(rec kith.BookRecording) kith.BookRecording {
	texts := func(list []string) []string {
		clean := make([]string, len(list))
		for i, text := range list {
			clean[i] = store.Clean(text)
		}
		return clean
	}
	rec.Account, rec.Stream = store.Clean(rec.Account), store.Clean(rec.Stream)
	rec.Gone, rec.Ignored, rec.Released = texts(rec.Gone), texts(rec.Ignored), texts(rec.Released)
	rec.Cards, rec.Groups, rec.Quarantined = slices.Clone(rec.Cards), slices.Clone(rec.Groups), slices.Clone(rec.Quarantined)
	for i := range rec.Cards {
		c := &rec.Cards[i]
		c.Ref = store.Clean(c.Ref)
		c.Contact = Clean([]kith.Contact{c.Contact})[0]
	}
	for i := range rec.Groups {
		g := &rec.Groups[i]
		g.Ref, g.UID, g.Name, g.Members = store.Clean(g.Ref), store.Clean(g.UID), store.Clean(g.Name), texts(g.Members)
	}
	for i := range rec.Quarantined {
		f := &rec.Quarantined[i]
		f.Ref, f.Cause = store.Clean(f.Ref), store.Clean(f.Cause)
	}
	return rec
}
