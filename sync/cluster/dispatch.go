package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	syncer "kith/sync"
)

// dispatchArgs is the job of making jobs of the accounts that are due. The leader
// among the daemons inserts one every [turn]; any of them works it.
type dispatchArgs struct{}

func (dispatchArgs) Kind() string { return "kith_dispatch" }

func (dispatchArgs) InsertOpts() river.InsertOpts {
	// By period: one whose daemon died must not be in the way of the next.
	return river.InsertOpts{Queue: dispatchQueue, UniqueOpts: river.UniqueOpts{ByPeriod: turn}}
}

type dispatcher struct {
	river.WorkerDefaults[dispatchArgs]
	cluster *Cluster
}

// ahead is how many jobs may wait for each worker: enough for none to idle
// between two turns, and so few that the longest due is polled first and no claim
// runs out while its job waits.
const ahead = 4

// Work claims due accounts, as many as can be polled soon, and makes a job of each.
func (d *dispatcher) Work(ctx context.Context, _ *river.Job[dispatchArgs]) error {
	ctx, cancel := context.WithTimeout(ctx, syncer.Lease/2)
	defer cancel()
	c := d.cluster
	now := c.Poller.Now()
	daemons, err := c.Store.Daemons(ctx)
	if err != nil {
		return err
	}
	most := 0
	for _, daemon := range daemons {
		if now.Sub(daemon.Seen) < syncer.Lease {
			most += ahead * daemon.Workers
		}
	}
	waiting, err := c.client.JobList(ctx, river.NewJobListParams().
		Queues(pollQueue).States(rivertype.JobStateAvailable).First(min(max(most, 1), 10_000)))
	if err != nil {
		return fmt.Errorf("count the polls that wait: %w", err)
	}
	if most -= len(waiting.Jobs); most <= 0 {
		return nil
	}
	due, err := c.Store.ClaimDue(ctx, now, now.Add(syncer.Lease), most)
	if err != nil || len(due) == 0 {
		return err
	}
	jobs := make([]river.InsertManyParams, len(due))
	for i, account := range due {
		jobs[i].Args = pollArgs{Account: account.Name, Last: account.LastPoll, Claim: account.LeasedUntil}
	}
	if _, err := c.client.InsertMany(ctx, jobs); err != nil {
		// They are due again when the claim ends.
		return fmt.Errorf("make jobs of the accounts that are due: %w", err)
	}
	return nil
}

// Timeout leaves it to Work.
func (d *dispatcher) Timeout(*river.Job[dispatchArgs]) time.Duration { return -1 }
