// Package cluster shares the polls of one register's accounts among many
// daemons. The engine is River (https://riverqueue.com) on the register's
// PostgreSQL: accounts that fall due become jobs, and each daemon works as many
// of them as it has workers. Nothing else here is distributed.
//
// Who polls what is settled in three places, each of which forgives the one
// before it. The claim of a due account makes it one job, which is void
// once the account is claimed again. The start of a run is noted only if no other
// has started meanwhile. And recording is fenced by the stream's cursor: even two
// runs of an account at once record nothing twice.
//
// A run holds a lease that its daemon prolongs; see [syncer.Lease]. When a
// daemon dies, freezes or is cut off, its accounts are claimed again after that.
// What it says of them afterwards does not count.
package cluster

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"

	"kith"
	syncer "kith/sync"
)

// Store is what sharing needs of the register; package store says what each
// method promises.
type Store interface {
	Account(ctx context.Context, name string) (kith.Account, error)
}

// Cluster is one daemon of those that share the register's accounts.
type Cluster struct {
	*syncer.Worker
	Store Store
	// Pool leads to the register's database. River's tables are there too: see [Migrate].
	Pool *pgxpool.Pool
	// Knows tells whether this daemon can poll an account: whether its file, or the
	// register, defines it as the register has it. What it can't poll it leaves to others.
	Knows func(account kith.Account) bool
	Grace time.Duration // how long running batches may go on after a stop

	soft   <-chan struct{}
	client *river.Client[pgx.Tx]
	log    *slog.Logger // for what fails again and again
	lost   warned
}

const (
	pollQueue = "kith_polls"

	turn     = time.Second           // how often due accounts become jobs
	look     = turn / 4              // how often a daemon with nothing to do looks for jobs
	cooldown = 50 * time.Millisecond // between two looks while there is work
	kept     = 5 * time.Minute       // how long jobs that have ended are kept, for those who look into it
	stuck    = 30 * time.Second      // how much longer than its longest run a job may be on file as running
)

// Run polls until ctx is done. Then nothing new is begun, running polls end
// after the batch at hand, and what still runs after Grace is cut off. Run
// returns when all its work has ended.
func (c *Cluster) Run(ctx context.Context) error {
	c.soft = ctx.Done()
	workers := river.NewWorkers()
	river.AddWorker(workers, &poller{cluster: c})
	c.log = slog.New(&repeats{Handler: c.Poller.Log.With("engine", "river").Handler(), now: time.Now})
	var err error
	c.client, err = river.NewClient(riverpgxv5.New(c.Pool), &river.Config{
		ID: c.Daemon.Name, Logger: c.log, ErrorHandler: failures{c.log},
		// A pooler in transaction mode can't LISTEN.
		PollOnly:      true,
		FetchCooldown: cooldown, FetchPollInterval: look,
		Queues:  map[string]river.QueueConfig{pollQueue: {MaxWorkers: c.Daemon.Workers}},
		Workers: workers,
		// A job is one try: the schedule has its own back-off.
		MaxAttempts:                 1,
		JobTimeout:                  -1, // runs bound themselves
		RescueStuckJobsAfter:        c.Timeout + stuck,
		CompletedJobRetentionPeriod: kept, CancelledJobRetentionPeriod: kept, DiscardedJobRetentionPeriod: kept,
		SoftStopTimeout: c.Grace,
	})
	if err != nil {
		return fmt.Errorf("share polls: %w", err)
	}

	if _, err := c.Clock.Read(ctx); err != nil { // jobs may begin before the first dispatch
		return fmt.Errorf("share polls: %w", err)
	}
	living, die := context.WithCancel(context.WithoutCancel(ctx))
	var alive sync.WaitGroup
	alive.Go(func() { c.Beat(living) })
	defer alive.Wait()
	defer die()
	if err := c.client.Start(ctx); err != nil {
		return fmt.Errorf("share polls: %w", err)
	}
	c.dispatch(ctx)
	<-c.client.Stopped()
	return nil
}

// Turned returns when the daemon last showed a sign of life.
func (c *Cluster) Turned() time.Time { return c.Beaten() }
