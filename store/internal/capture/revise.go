package capture

import (
	"fmt"
	"slices"

	"kith"
)

// Revision is an interaction on file and what is to become of it.
type Revision struct {
	*Entry
	Drop     kith.Reason
	Unlinked []kith.ID       // contacts that it is no longer linked to
	Unseen   []kith.Evidence // places that no longer show it
	Sent     bool            // it has become outbound
}

// Shown returns copies of the interactions of entries for somebody who may change
// them, as complete makes them: contacts that were merged are one there, and
// two in the entry. The entries get the evidence.
func Shown(entries []*Entry, complete func([]*kith.Interaction) error) ([]kith.Interaction, error) {
	shown := make([]kith.Interaction, len(entries))
	whole := make([]*kith.Interaction, len(entries))
	for n, e := range entries {
		i := e.Interaction
		i.Participants, i.Links, i.Flags = slices.Clone(i.Participants), slices.Clone(i.Links), slices.Clone(i.Flags)
		shown[n], whole[n] = i, &shown[n]
	}
	if err := complete(whole); err != nil {
		return nil, err
	}
	for n, e := range entries {
		e.Evidence = slices.Clone(shown[n].Evidence)
	}
	return shown, nil
}

// Revise changes entries as was decided, and tells what else has to be written.
// Those that stay as they are, are left out.
func Revise(entries []*Entry, decided []kith.Revision) ([]Revision, error) {
	if len(decided) != len(entries) {
		return nil, fmt.Errorf("%d revisions for %d interactions", len(decided), len(entries))
	}
	var all []Revision
	for n, e := range entries {
		r := Revision{Entry: e, Drop: decided[n].Drop}
		now := decided[n].Now
		switch {
		case r.Drop != "":
			all = append(all, r)
			continue
		case now == nil:
			continue
		}
		r.Sent = e.Direction != kith.Outbound && now.Direction == kith.Outbound
		kept := make([]kith.Link, 0, len(e.Links))
		for _, l := range e.Links {
			if slices.ContainsFunc(now.Links, func(k kith.Link) bool { return standsFor(k, l.ContactID) }) {
				kept = append(kept, l)
			} else {
				r.Unlinked = append(r.Unlinked, l.ContactID)
			}
		}
		e.Links = kept
		for _, seen := range e.Evidence {
			if !slices.ContainsFunc(now.Evidence, func(k kith.Evidence) bool {
				return k.Account == seen.Account && k.Stream == seen.Stream && k.Ref == seen.Ref
			}) {
				r.Unseen = append(r.Unseen, seen)
			}
		}
		e.Direction, e.DirectionRule, e.InitiatedBy = now.Direction, now.DirectionRule, now.InitiatedBy
		e.Owner, e.Template, e.Group = now.Owner, now.Template, now.Group
		e.Subject, e.Snippet, e.Flags = now.Subject, now.Snippet, now.Flags
		e.DeliveryStatus, e.DeliveryReason = now.DeliveryStatus, now.DeliveryReason
		e.Interaction = *cleaned(&e.Interaction)
		e.Changed = true
		all = append(all, r)
	}
	return all, nil
}

// standsFor tells whether a contact stands behind a link.
func standsFor(l kith.Link, contact kith.ID) bool {
	if l.Via == nil {
		return l.ContactID == contact
	}
	return slices.Contains(l.Via, contact)
}
