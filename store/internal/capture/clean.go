package capture

import (
	"slices"

	"kith"
	"kith/store"
)

// Clean returns a recording whose text is as [store.Clean] wants it, and whose links
// name the contacts whose address it was that matched: the same
// one, or a copy. Cursors may hold any bytes.
func Clean(rec kith.Recording) kith.Recording {
	rec.Account, rec.Stream = store.Clean(rec.Account), store.Clean(rec.Stream)
	copied := false
	for i, c := range rec.Captured {
		ref, interaction, dirty := store.Clean(c.Ref), held(cleaned(c.Interaction)), dirtySightings(c.Sightings)
		if ref == c.Ref && interaction == c.Interaction && !dirty {
			continue
		}
		if !copied {
			rec.Captured, copied = slices.Clone(rec.Captured), true
		}
		rec.Captured[i] = kith.Captured{Ref: ref, Interaction: interaction, Sightings: slices.Clone(c.Sightings)}
		for at := range rec.Captured[i].Sightings {
			s := &rec.Captured[i].Sightings[at]
			texts(&s.Address, &s.Owner)
		}
	}
	rec.Gone, rec.Released = list(rec.Gone), list(rec.Released)
	rec.Quarantined, rec.Bounced = slices.Clone(rec.Quarantined), slices.Clone(rec.Bounced)
	rec.Suggested = slices.Clone(rec.Suggested)
	for i := range rec.Quarantined {
		texts(&rec.Quarantined[i].Ref, &rec.Quarantined[i].Cause)
	}
	rec.Withdrawn, rec.Covered = slices.Clone(rec.Withdrawn), slices.Clone(rec.Covered)
	for i := range rec.Withdrawn {
		texts(&rec.Withdrawn[i].Ref)
	}
	for i := range rec.Covered {
		texts(&rec.Covered[i].From, &rec.Covered[i].To)
	}
	for i := range rec.Bounced {
		b := &rec.Bounced[i]
		texts(&b.MessageID, &b.Status, &b.Reason)
	}
	for i := range rec.Suggested {
		texts(&rec.Suggested[i].Address, &rec.Suggested[i].Name)
	}
	return rec
}

func dirtySightings(all []kith.Sighting) bool {
	return slices.ContainsFunc(all, func(s kith.Sighting) bool {
		return store.Clean(s.Address) != s.Address || store.Clean(s.Owner) != s.Owner
	})
}

// cleaned returns an interaction, or a copy of it, whose text is clean.
func cleaned(i *kith.Interaction) *kith.Interaction {
	clean := true
	eachText(i, func(text *string) {
		if clean && store.Clean(*text) != *text {
			clean = false
		}
	})
	if clean {
		return i
	}
	c := *i
	for _, p := range optional(&c) {
		if *p != nil {
			text := **p
			*p = &text
		}
	}
	if c.Document != nil {
		document := *c.Document
		c.Document = &document
	}
	c.Participants = slices.Clone(c.Participants)
	for at := range c.Participants {
		if p := &c.Participants[at]; p.Response != nil {
			response := *p.Response
			p.Response = &response
		}
	}
	c.Links, c.Attachments, c.Notes = slices.Clone(c.Links), slices.Clone(c.Attachments), slices.Clone(c.Notes)
	c.Flags, c.ThreadRefs = slices.Clone(c.Flags), slices.Clone(c.ThreadRefs)
	eachText(&c, func(text *string) { *text = store.Clean(*text) })
	return &c
}

// held returns an interaction, or a copy of it with a link for each contact that
// a link came via: what is one now may be undone.
func held(i *kith.Interaction) *kith.Interaction {
	if !slices.ContainsFunc(i.Links, func(l kith.Link) bool { return len(l.Via) > 0 }) {
		return i
	}
	c := *i
	c.Links = nil
	for _, l := range i.Links {
		via := l.Via
		l.Via = nil
		if len(via) == 0 {
			via = []kith.ID{l.ContactID}
		}
		l.Ambiguous = l.Ambiguous || len(via) > 1
		for _, id := range via {
			l.ContactID = id
			c.Links = append(c.Links, l)
		}
	}
	return &c
}

// eachText calls fn for all text of an interaction that is not one of kith's
// own words.
func eachText(i *kith.Interaction, fn func(text *string)) {
	for _, text := range []*string{
		&i.Subject, &i.Owner, &i.Template, &i.Group, &i.CorrespondenceType, &i.DeliveryReason, &i.Snippet, &i.Method,
	} {
		fn(text)
	}
	for _, p := range optional(i) {
		if *p != nil {
			fn(*p)
		}
	}
	for at := range i.Participants {
		p := &i.Participants[at]
		fn(&p.Address)
		fn(&p.Name)
		if p.Response != nil {
			fn(p.Response)
		}
	}
	for at := range i.Links {
		fn(&i.Links[at].Matched)
	}
	for at := range i.Attachments {
		fn(&i.Attachments[at].Name)
		fn(&i.Attachments[at].MediaType)
	}
	for at := range i.Notes {
		fn(&i.Notes[at].Author)
		fn(&i.Notes[at].Text)
	}
	for at := range i.Flags {
		fn(&i.Flags[at])
	}
	for at := range i.ThreadRefs {
		fn(&i.ThreadRefs[at])
	}
	if d := i.Document; d != nil {
		for _, text := range []*string{&d.Type, &d.Number, &d.Version, &d.URL} {
			fn(text)
		}
	}
}

// optional returns the text that an interaction may lack.
func optional(i *kith.Interaction) []**string {
	return []**string{
		&i.MessageID, &i.ICalUID, &i.RecurrenceID, &i.Evaluation, &i.Cost, &i.Currency,
		&i.Language, &i.Campaign, &i.Segment, &i.Opportunity, &i.Task,
	}
}

func list(dirty []string) []string {
	if !slices.ContainsFunc(dirty, func(text string) bool { return store.Clean(text) != text }) {
		return dirty
	}
	dirty = slices.Clone(dirty)
	for i := range dirty {
		texts(&dirty[i])
	}
	return dirty
}

func texts(dirty ...*string) {
	for _, text := range dirty {
		*text = store.Clean(*text)
	}
}
