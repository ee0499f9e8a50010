package syncer

import (
	"context"
	"fmt"

	"kith"
)

// create makes contacts of those on items who are to become contacts. It reports whether there
// are some now: then the items are to be matched again.
func (r *run) create(ctx context.Context, outcomes []kith.Outcome) (bool, error) {
	if r.Create == "" || r.opts.DryRun != nil {
		return false, nil
	}
	creation := kith.Creation{Account: r.account, Exchanged: r.Create == CreateExchanged, Room: r.CreateMost - r.result.Created, At: r.Now()}
	for i := range outcomes {
		creation.Correspondents = append(creation.Correspondents, outcomes[i].Strangers...)
	}
	if len(creation.Correspondents) == 0 {
		return false, nil
	}
	created, err := r.Store.CreateContacts(ctx, creation)
	if err != nil {
		return false, fmt.Errorf("make contacts of correspondents: %w", err)
	}
	if created.LeftOut > 0 && r.result.LeftOut == 0 {
		r.Log.Warn("as many contacts were made as one run may make, others are left out: see limits.create_contacts",
			"account", r.account, "most", r.CreateMost)
	}
	r.result.Created += created.New
	r.result.LeftOut += created.LeftOut
	return created.New > 0, nil
}

// suggested are those on items who are counted as suggestions.
func (r *run) suggested(outcomes []kith.Outcome) (all []kith.Correspondent) {
	if !r.Suggest {
		return nil
	}
	for i := range outcomes {
		for _, c := range outcomes[i].Strangers {
			if c.Ways&kith.WayMass == 0 {
				all = append(all, c)
			}
		}
	}
	return all
}
