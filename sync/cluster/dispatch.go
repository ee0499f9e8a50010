package cluster

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	syncer "kith/sync"
)

// dispatch makes jobs of the accounts that are due, every [turn], until ctx is
// done; sooner while there are more of them than are dispatched at once. Every
// daemon does, so that the death of one delays nothing: River's own periodic jobs
// have a leader, who is missed for some time when it dies, and for up to a minute
// after the database was away.
func (c *Cluster) dispatch(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		more, err := c.dispatchDue(ctx)
		if err != nil && ctx.Err() == nil {
			c.log.ErrorContext(ctx, "accounts that are due are left for the next turn", "err", err)
		}
		if more || c.Crowded() {
			timer.Reset(look)
		} else {
			timer.Reset(turn)
		}
	}
}

// ahead is how many jobs may wait for each worker: enough for none to idle
// until there are more, and so few that the longest due is polled first and no claim
// runs out while its job waits.
const ahead = 4

const (
	claimWait  = syncer.Lease / 2 // how long the claim of due accounts may take
	insertWait = 5 * time.Second  // and the making of jobs; a stop waits for it
)

// dispatchDue claims due accounts, as many as can be polled soon, and makes a job
// of each. Each daemon fills the queue up to what its own workers need; that others
// take some of it and fill it up too comes to the same. more tells that there may be
// more of them.
func (c *Cluster) dispatchDue(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, claimWait)
	defer cancel()
	room := min(ahead*c.Daemon.Workers, 10_000) // more can't be listed
	waiting, err := c.client.JobList(ctx, river.NewJobListParams().
		Queues(pollQueue).States(rivertype.JobStateAvailable).First(room))
	if err != nil {
		return false, fmt.Errorf("count the polls that wait: %w", err)
	}
	if room -= len(waiting.Jobs); room <= 0 {
		return true, nil
	}
	due, err := c.ClaimDue(ctx, room)
	if err != nil || len(due) == 0 {
		return false, err
	}
	jobs := make([]river.InsertManyParams, len(due))
	for i, account := range due {
		jobs[i].Args = pollArgs{Account: account.Name, Claim: account.LeasedUntil}
	}
	if err := c.insert(ctx, jobs); err != nil {
		// They are due again when the claim ends.
		return false, fmt.Errorf("make jobs of the accounts that are due: %w", err)
	}
	return len(due) == room, nil
}

// insert makes jobs. What is claimed is passed on even if we are told to stop, or the
// database loses a connection: a job that is there already is not made twice.
func (c *Cluster) insert(ctx context.Context, jobs []river.InsertManyParams) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), insertWait)
	defer cancel()
	for {
		_, err := c.client.InsertMany(ctx, jobs)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(look):
		case <-ctx.Done():
			return err
		}
	}
}
