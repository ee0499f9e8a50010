package postgres

import "context"

// Write runs statements in one transaction, as the methods do.
func (s *Store) Write(ctx context.Context, fn func(exec func(statement string) error) error) error {
	return s.write(ctx, "try", func(tx tx) error {
		return fn(func(statement string) error {
			_, err := tx.Exec(ctx, statement)
			return err
		})
	})
}

// ReplicaRested lets the replica be asked again at once.
func (s *Store) ReplicaRested() {
	s.replica.mu.Lock()
	defer s.replica.mu.Unlock()
	s.replica.until = s.replica.until.Add(-replicaRest)
}

// LockSchema is the number of the lock that migrations take.
const LockSchema = int64(lockSchema)

// MatchAddressesQuery is the query of MatchAddresses.
const MatchAddressesQuery = matchAddresses
