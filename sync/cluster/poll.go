package cluster

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"kith"
)

// pollArgs is the job of polling one account once. What a newer program adds here,
// an older one beside it ignores.
type pollArgs struct {
	Account string `json:"account"`
	// Claim is when the claim ends, which tells it from other claims: if the account
	// has been claimed or polled since, the job is void.
	Claim time.Time `json:"claim"`
}

func (pollArgs) Kind() string { return "kith_poll" }

func (pollArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: pollQueue, UniqueOpts: river.UniqueOpts{ByArgs: true}}
}

// strangerPause is how long an account waits for a daemon that knows it.
const strangerPause = 2 * time.Second

type poller struct {
	river.WorkerDefaults[pollArgs]
	cluster *Cluster
}

// Work polls the account, if that is still to be done.
func (p *poller) Work(ctx context.Context, job *river.Job[pollArgs]) error {
	c := p.cluster
	account, err := c.Store.Account(ctx, job.Args.Account)
	switch {
	case errors.Is(err, kith.ErrNotFound):
		return nil
	case err != nil:
		return err
	case !account.LeasedUntil.Equal(job.Args.Claim), account.State == kith.StateRemoved, account.State == kith.StateDisabled:
		return nil
	}
	if !c.Knows(account) {
		c.lost.once(account.Name+account.Settings, func() {
			c.Poller.Log.Warn("the account is left to other daemons: the register has it with other settings than this daemon's file",
				"account", account.Name)
		})
		if err := c.PutBack(ctx, account, strangerPause); err != nil && !errors.Is(err, kith.ErrTaken) {
			return err
		}
		return nil
	}
	c.Worker.Work(ctx, c.soft, account)
	return nil
}

// Timeout leaves it to the worker.
func (p *poller) Timeout(*river.Job[pollArgs]) time.Duration { return -1 }

// warned remembers what was said.
type warned struct {
	mu   sync.Mutex
	said map[string]bool
}

func (w *warned) once(what string, say func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.said[what] {
		if w.said == nil {
			w.said = map[string]bool{}
		}
		w.said[what] = true
		say()
	}
}
