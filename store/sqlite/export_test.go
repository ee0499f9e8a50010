package sqlite

import "context"

// Exec runs a statement on the connection that writes.
func (s *Store) Exec(ctx context.Context, statement string) error {
	_, err := s.writer.ExecContext(ctx, statement)
	return err
}

// TotalChanges returns how many rows were written since the database was opened.
func (s *Store) TotalChanges(ctx context.Context) (n int, err error) {
	err = s.writer.QueryRowContext(ctx, `SELECT total_changes()`).Scan(&n)
	return n, err
}

// DumpQueries are the queries of a dump that read much.
var DumpQueries = []string{dumpContacts, dumpMerged, dumpDistinct, dumpQuarantine, dumpThreads, dumpMembers, dumpInteractions}

// MatchDomainsQuery is the query of MatchDomains.
const MatchDomainsQuery = matchDomains

// MatchAddressesQuery is the query of MatchAddresses.
const MatchAddressesQuery = matchAddresses
