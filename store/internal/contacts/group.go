package contacts

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"kith"
)

// Unite adds to a contact what those merged into it have: their addresses and
// tags. Nothing is recorded of it if of one of them nothing is.
func Unite(survivor *kith.Contact, merged []*kith.Contact) {
	for _, m := range merged {
		survivor.Emails = append(survivor.Emails, without(m.Emails, survivor.Emails)...)
		survivor.Phones = append(survivor.Phones, without(m.Phones, survivor.Phones)...)
		survivor.Tags = append(survivor.Tags, without(m.Tags, survivor.Tags)...)
		survivor.NeverRecord = survivor.NeverRecord || m.NeverRecord
		survivor.Archived = survivor.Archived || m.Archived
		if m.UpdatedAt.After(survivor.UpdatedAt) {
			survivor.UpdatedAt = m.UpdatedAt
		}
	}
}

// Whole is the contact that stands for a group, whose first is the survivor.
func Whole(group []*kith.Contact) kith.Contact {
	whole := *group[0]
	whole.Emails, whole.Phones, whole.Tags = slices.Clone(whole.Emails), slices.Clone(whole.Phones), slices.Clone(whole.Tags)
	Unite(&whole, group[1:])
	return whole
}

// Divide is the inverse of [Unite]: it makes of a united contact, as it shall be
// at a time, the contacts of its group, the survivor first. What one of them had and
// is still wanted it keeps; what none had is the survivor's. The merged that
// don't change are left out.
func Divide(group []*kith.Contact, want kith.Contact, at time.Time) []*kith.Contact {
	united := want
	rows := []*kith.Contact{&want}
	first := group[0]
	for _, m := range group[1:] {
		row := *m
		row.Emails = within(m.Emails, united.Emails)
		row.Phones = within(m.Phones, united.Phones)
		row.Tags = within(m.Tags, united.Tags)
		row.NeverRecord, row.Archived = m.NeverRecord && united.NeverRecord, m.Archived && united.Archived
		want.Emails = without(want.Emails, without(row.Emails, first.Emails))
		want.Phones = without(want.Phones, without(row.Phones, first.Phones))
		want.Tags = without(want.Tags, without(row.Tags, first.Tags))
		want.NeverRecord = want.NeverRecord && (first.NeverRecord || !row.NeverRecord)
		want.Archived = want.Archived && (first.Archived || !row.Archived)
		if len(row.Emails) != len(m.Emails) || len(row.Phones) != len(m.Phones) || len(row.Tags) != len(m.Tags) || Matters(m, &row) {
			row.UpdatedAt = at
			rows = append(rows, &row)
		}
	}
	return rows
}

// Match adds a match to those of an address. Matches of one contact come one after
// the other, each via a contact of its group that has the address.
func Match(found []kith.Match, m kith.Match, via kith.ID) []kith.Match {
	if last := len(found) - 1; last >= 0 && found[last].ContactID == m.ContactID {
		known := &found[last]
		if known.Via == nil {
			known.Via = []kith.ID{known.ContactID}
		}
		known.Via = append(known.Via, via)
		return found
	}
	if via != m.ContactID {
		m.Via = []kith.ID{via}
	}
	return append(found, m)
}

// Mergeable tells why a contact can't be merged into another, if it can't. Neither is
// merged so far.
func Mergeable(into, merged *kith.Contact) error {
	switch {
	case into.ID == merged.ID:
		return fmt.Errorf("it is one contact: %w", kith.ErrConflict)
	case into.Type != merged.Type:
		return fmt.Errorf("one is a %s, the other a %s: %w", into.Type, merged.Type, kith.ErrConflict)
	}
	return nil
}

// Retire tells who takes the place of a contact in its group, whose first is the
// survivor, and into whom the others are merged then: the one that it was merged
// into; for a survivor the first that was merged into it, which survives.
func Retire(group []*kith.Contact, id kith.ID) (heir kith.ID, into map[kith.ID]kith.ID) {
	into = make(map[kith.ID]kith.ID, len(group))
	for _, c := range group[1:] {
		into[c.ID] = *c.MergedInto
		if group[0].ID == id && *c.MergedInto == id && heir.IsZero() {
			heir = c.ID
		}
	}
	if group[0].ID != id {
		heir = into[id]
	}
	delete(into, id)
	if group[0].ID == id {
		delete(into, heir)
	}
	for c, next := range into {
		if next == id {
			into[c] = heir
		}
	}
	return heir, into
}

// Under returns those of a group that were merged into a contact, or into one
// of those.
func Under(group []kith.Contact, id kith.ID) []kith.Contact {
	into := make(map[kith.ID]kith.ID, len(group))
	for i := range group {
		into[group[i].ID] = *group[i].MergedInto
	}
	return slices.DeleteFunc(group, func(c kith.Contact) bool {
		at, merged := c.ID, true
		for merged && at != id {
			at, merged = into[at]
		}
		return at != id || c.ID == id
	})
}

// Pairs puts pairs of contacts in order, each once, without those that are one.
func Pairs(pairs [][2]kith.ID) [][2]kith.ID {
	for i, p := range pairs {
		if bytes.Compare(p[0][:], p[1][:]) > 0 {
			pairs[i] = [2]kith.ID{p[1], p[0]}
		}
	}
	slices.SortFunc(pairs, func(p, q [2]kith.ID) int {
		return cmp.Or(bytes.Compare(p[0][:], q[0][:]), bytes.Compare(p[1][:], q[1][:]))
	})
	return slices.DeleteFunc(slices.Compact(pairs), func(p [2]kith.ID) bool { return p[0] == p[1] })
}

// without returns what is in a list and not in others; within, what is in both.
func without(list, others []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return slices.Contains(others, s) })
}

func within(list, others []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !slices.Contains(others, s) })
}

// Survivors finds, for each contact that was merged into another, the one that
// stands for it.
func Survivors(into map[kith.ID]kith.ID) (map[kith.ID]kith.ID, error) {
	survivors := make(map[kith.ID]kith.ID, len(into))
	for id := range maps.Keys(into) {
		at := id
		for steps := 0; ; steps++ {
			next, merged := into[at]
			if !merged {
				break
			}
			if steps == len(into) {
				return nil, fmt.Errorf("contact %s is merged into itself", id)
			}
			if known, ok := survivors[next]; ok {
				next = known
			}
			at = next
		}
		survivors[id] = at
	}
	return survivors, nil
}
