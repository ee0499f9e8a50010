package syncer

import (
	"context"
	"iter"

	"kith"
)

// Source reads one account. An account is read by one goroutine at a time, but
// Close may be called at any moment and ends whatever runs.
//
// A source changes nothing on the server, reads only what is needed, bounds
// everything that it reads, and ends soon after its context is done, even in
// the middle of a read. Its errors name the stream and what was being done; one
// whose kind is known is a [kith.Fault].
type Source interface {
	// Streams names the folders or calendars that are to be read, those with
	// the newest matters first.
	Streams(ctx context.Context) ([]kith.Stream, error)

	// Changes yields what is new in a stream since the cursor, in batches that
	// each carry the cursor to continue from. New items come before older
	// ones. Every item between two cursors is in a batch: as an item, as a
	// failure, as gone, or counted as skipped. An empty cursor starts at the
	// configured horizon. A cursor that no longer holds makes the source start
	// over by itself and say so in Batch.Restarted. The sequence ends after
	// the first error, or when there is nothing more; the caller may stop it
	// at any batch. Changes without anything new yields no batch.
	Changes(ctx context.Context, stream kith.Stream, cursor kith.Cursor) iter.Seq2[kith.Batch, error]

	// Fetch reads the named items again, as one batch without a cursor. A ref
	// that is no longer there is in Batch.Gone.
	Fetch(ctx context.Context, stream kith.Stream, refs []string) (kith.Batch, error)

	// Find returns the refs in a stream of the messages with this normalised
	// Message-ID.
	Find(ctx context.Context, stream kith.Stream, messageID string) ([]string, error)

	// Search yields the items since the horizon that one of the addresses takes
	// part in, in batches without a cursor that are marked as of a backfill. Addresses are canonical; an
	// asterisk in one stands for any text. It may yield other items too. A
	// server that can't search so, or finds more than is sensible, gives
	// [kith.ErrNoSearch]. The sequence ends after the first error, or with the
	// last item.
	Search(ctx context.Context, stream kith.Stream, addresses []string) iter.Seq2[kith.Batch, error]

	// Close logs out and frees the connection.
	Close() error
}
