package store

import (
	"bytes"
	"encoding/binary"
	"time"

	"kith"
)

// NextID makes an id whose first half is greater than that of last, whatever
// the clocks of the programs say that write to the database.
func NextID(at time.Time, last kith.ID) kith.ID {
	id := kith.NewID(at)
	if bytes.Compare(id[:8], last[:8]) > 0 {
		return id
	}
	after := IDAfter(last)
	copy(id[:8], after[:8])
	return id
}

// IDAfter is the first id whose first half is greater than that of last. Its second
// half is zero.
func IDAfter(last kith.ID) (id kith.ID) {
	// RFC 9562 §5.7: milliseconds, four bits of version, twelve to count.
	next := binary.BigEndian.Uint64(last[:8]) + 1
	if next&0xfff == 0 {
		next += 0x10000 - 0x1000
	}
	binary.BigEndian.PutUint64(id[:8], next)
	return id
}
