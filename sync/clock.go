package syncer

import (
	"context"
	"sync"
	"time"
)

// Clock tells the time by the register's clock. Schedules and leases count by that:
// daemons whose own clocks differ would take accounts from each other, and poll in turns
// what was polled a moment ago. Between two readings it goes on by the
// time that passes here, which no setting of the local clock changes. It is safe for concurrent use.
type Clock struct {
	// Register reads the register's clock.
	Register func(ctx context.Context) (time.Time, error)
	// Local is a clock that may be wrong: [time.Now].
	Local func() time.Time

	mu   sync.Mutex
	told time.Time // by the register
	when time.Time // that was, by the local clock
}

// Read reads the register's clock. The result is late by the time that the answer
// took, never early.
func (c *Clock) Read(ctx context.Context) (time.Time, error) {
	now, err := c.Register(ctx)
	if err != nil {
		return time.Time{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.told, c.when = now, c.Local()
	return now, nil
}

// Now works out what the register's clock shows; until it was read it is the local one.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.when.IsZero() {
		return c.Local()
	}
	return c.told.Add(c.Local().Sub(c.when))
}
