package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"kith"
	"kith/store"
)

// reviewPage is how many interactions are looked at, and changed in one transaction, at a time.
const reviewPage = 500

// reviewResult is what a review of interactions on file did, or would do.
type reviewResult struct {
	DryRun   bool                `json:"dry_run"`
	Reviewed int                 `json:"reviewed"`
	Changed  int                 `json:"changed"`
	Changes  map[string]int      `json:"changes"` // by what changed: one interaction may count several times
	Dropped  map[kith.Reason]int `json:"dropped"`
	Examples []reviewExample     `json:"examples"`
}

// reviewExample is one of the interactions that a review changes or drops.
type reviewExample struct {
	ID         kith.ID     `json:"id"`
	OccurredAt time.Time   `json:"occurred_at"`
	Drop       kith.Reason `json:"drop,omitempty"`
	Changes    []string    `json:"changes,omitempty"`
}

// review lets decide say what becomes of the interactions that a filter meets,
// and does it, page by page. A dry run writes nothing, and names some examples for
// each reason. What was done before an error stays, and is told.
func (a *app) review(ctx context.Context, s store.Store, filter store.Filter, decide store.ReviseFunc, dryRun bool, examples int) (reviewResult, error) {
	r := reviewResult{DryRun: dryRun, Changes: map[string]int{}, Dropped: map[kith.Reason]int{}, Examples: []reviewExample{}}
	counter := a.counterTo("interactions reviewed")
	defer counter.end()
	one := func(page []kith.Interaction) error {
		found, ids, err := tallied(ctx, page, decide)
		if err != nil || len(ids) == 0 {
			return err
		}
		if !dryRun {
			// As they are within the transaction: others may have changed them.
			_, err := s.Revise(ctx, ids, func(ctx context.Context, now []kith.Interaction) ([]kith.Revision, error) {
				var revisions []kith.Revision
				var err error
				found, revisions, err = tally(ctx, now, decide)
				return revisions, err
			}, a.now())
			if err != nil {
				return err
			}
		}
		r.add(found, examples)
		return nil
	}
	page := make([]kith.Interaction, 0, reviewPage)
	for i, err := range s.Interactions(ctx, filter) {
		if err != nil {
			return r, err
		}
		r.Reviewed++
		counter.add(0)
		if page = append(page, i); len(page) < reviewPage {
			continue
		}
		if err := one(page); err != nil {
			return r, err
		}
		page = page[:0]
	}
	return r, one(page)
}

// tallied tells what would become of a page, and of which interactions anything does.
func tallied(ctx context.Context, page []kith.Interaction, decide store.ReviseFunc) (found []reviewExample, ids []kith.ID, err error) {
	found, _, err = tally(ctx, page, decide)
	for _, e := range found {
		ids = append(ids, e.ID)
	}
	return found, ids, err
}

// tally calls decide, and tells of those that change or go.
func tally(ctx context.Context, page []kith.Interaction, decide store.ReviseFunc) (found []reviewExample, revisions []kith.Revision, err error) {
	before := slices.Clone(page)
	for n := range page {
		page[n].Links, page[n].Flags, page[n].Evidence = slices.Clone(page[n].Links), slices.Clone(page[n].Flags), slices.Clone(page[n].Evidence)
	}
	if revisions, err = decide(ctx, page); err != nil {
		return nil, nil, err
	}
	for n, revision := range revisions {
		e := reviewExample{ID: before[n].ID, OccurredAt: before[n].OccurredAt, Drop: revision.Drop}
		if revision.Drop == "" && revision.Now != nil {
			e.Changes = changes(&before[n], revision.Now)
		}
		if e.Drop != "" || revision.Now != nil {
			found = append(found, e)
		}
	}
	return found, revisions, nil
}

// changes names what differs, in the words of people.
func changes(before, now *kith.Interaction) (all []string) {
	for _, c := range []struct {
		what    string
		changed bool
	}{
		{"direction", before.Direction != now.Direction},
		{"evidence of direction", before.DirectionRule != now.DirectionRule},
		{"owner", before.Owner != now.Owner},
		{"template", before.Template != now.Template},
		{"links", len(before.Links) != len(now.Links)},
		{"subject", before.Subject != now.Subject},
		{"text", before.Snippet != now.Snippet},
		{"delivery", before.DeliveryStatus != now.DeliveryStatus},
		{"places", len(before.Evidence) != len(now.Evidence)},
	} {
		if c.changed {
			all = append(all, c.what)
		}
	}
	return all
}

// add counts what became of a page. Of each reason, and each kind of change, few examples are kept.
func (r *reviewResult) add(found []reviewExample, examples int) {
	for _, e := range found {
		why := string(e.Drop)
		if e.Drop != "" {
			r.Dropped[e.Drop]++
		} else {
			why = strings.Join(e.Changes, ",")
			r.Changed++
			for _, what := range e.Changes {
				r.Changes[what]++
			}
		}
		shown := 0
		for _, x := range r.Examples {
			if string(x.Drop) == why || x.Drop == "" && strings.Join(x.Changes, ",") == why {
				shown++
			}
		}
		if shown < examples {
			r.Examples = append(r.Examples, e)
		}
	}
}

// printReview tells of a review.
func (a *app) printReview(r reviewResult) error {
	if a.json {
		return printJSON(a.stdout, r)
	}
	dropped := 0
	for _, n := range r.Dropped {
		dropped += n
	}
	changed, gone := "changed", "removed"
	if r.DryRun {
		changed, gone = "would be changed", "would be removed"
	}
	fmt.Fprintf(a.stdout, "%s reviewed, %s %s, %s %s\n", plural(r.Reviewed, "interaction"), thousands(r.Changed), changed, thousands(dropped), gone)
	t := table{header: []string{"WHAT", "WHY", "INTERACTIONS"}, right: map[int]bool{2: true}, bold: a.style.bold}
	for _, reason := range slices.Sorted(maps.Keys(r.Dropped)) {
		t.add("removed", string(reason), thousands(r.Dropped[reason]))
	}
	for _, what := range slices.Sorted(maps.Keys(r.Changes)) {
		t.add("changed", what, thousands(r.Changes[what]))
	}
	if len(t.rows) > 0 {
		if err := t.write(a.stdout); err != nil {
			return err
		}
	}
	if len(r.Examples) == 0 {
		return nil
	}
	fmt.Fprintln(a.stdout)
	t = table{header: []string{"EXAMPLE", "OCCURRED", "WHAT"}, bold: a.style.bold}
	for _, e := range r.Examples {
		what := "removed: " + string(e.Drop)
		if e.Drop == "" {
			what = "changed: " + strings.Join(e.Changes, ", ")
		}
		t.add(e.ID.String(), a.local(e.OccurredAt, false), what)
	}
	return t.write(a.stdout)
}

// plural writes a number of things.
func plural(n int, thing string) string {
	if n != 1 {
		thing += "s"
	}
	return thousands(n) + " " + thing
}
