package sqlite

import (
	"encoding/binary"
	"time"

	"kith"
	"kith/store"
	"kith/store/internal/facts"
)

// numberOf is the number of the row with an id.
func numberOf(id kith.ID) int64 { return int64(binary.BigEndian.Uint64(id[:8])) }

func tailOf(id kith.ID) int64 { return int64(binary.BigEndian.Uint64(id[8:])) }

func idOf(n, tail int64) (id kith.ID) {
	binary.BigEndian.PutUint64(id[:8], uint64(n))
	binary.BigEndian.PutUint64(id[8:], uint64(tail))
	return id
}

// newID makes an id that is greater than that of row last.
func newID(at time.Time, last int64) kith.ID { return store.NextID(at, idOf(last, 0)) }

// newEncoder makes the column facts of interactions, whose links hold numbers.
func newEncoder() *facts.Encoder[int64] { return &facts.Encoder[int64]{Contact: numberOf} }

// decodeFacts is its inverse, but the ids of linked contacts are half.
func decodeFacts(text []byte, i *kith.Interaction) (messageIDs []string, err error) {
	return facts.Decode(text, i, func(n int64) kith.ID { return idOf(n, 0) })
}

// micros is a time as a column, NULL when zero.
func micros(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UnixMicro()
}
