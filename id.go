package kith

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"sync"
	"time"
)

// ID is a UUID version 7 (RFC 9562 §5.7): it starts with a millisecond time, so
// that IDs made later sort later and rows are appended to an index, not spread
// over it. The zero ID means none.
type ID [16]byte

var idClock struct {
	sync.Mutex
	last uint64 // milliseconds << 12 | sequence
}

// NewID makes an ID for the instant now. Within one process every ID is greater
// than the one before, even when the clock stands still or steps back
// (RFC 9562 §6.2, method 1). Safe for concurrent use.
func NewID(now time.Time) ID {
	tick := uint64(now.UnixMilli()) << 12
	idClock.Lock()
	if tick <= idClock.last {
		tick = idClock.last + 1
	}
	idClock.last = tick
	idClock.Unlock()

	var id ID
	rand.Read(id[8:]) // never fails (crypto/rand, Go 1.24)
	binary.BigEndian.PutUint64(id[:8], tick>>12<<16|0x7000|tick&0x0fff)
	id[8] = id[8]&0x3f | 0x80
	return id
}

// ParseID reads the usual text form of a UUID, of any version.
func ParseID(s string) (ID, error) {
	var id ID
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return ID{}, fmt.Errorf("%q is no id: want the form 01234567-89ab-7cde-8f01-23456789abcd", s)
	}
	hexed := s[0:8] + s[9:13] + s[14:18] + s[19:23] + s[24:36]
	if _, err := hex.Decode(id[:], []byte(hexed)); err != nil {
		return ID{}, fmt.Errorf("%q is no id: %w", s, err)
	}
	return id, nil
}

// IsZero tells whether id is the zero ID, which stands for none.
func (id ID) IsZero() bool { return id == ID{} }

// String returns the text form, lower case.
func (id ID) String() string {
	var b [36]byte
	hex.Encode(b[0:8], id[0:4])
	b[8] = '-'
	hex.Encode(b[9:13], id[4:6])
	b[13] = '-'
	hex.Encode(b[14:18], id[6:8])
	b[18] = '-'
	hex.Encode(b[19:23], id[8:10])
	b[23] = '-'
	hex.Encode(b[24:36], id[10:16])
	return string(b[:])
}

// MarshalText implements [encoding.TextMarshaler]; the zero ID is empty.
func (id ID) MarshalText() ([]byte, error) {
	if id.IsZero() {
		return nil, nil
	}
	return []byte(id.String()), nil
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (id *ID) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*id = ID{}
		return nil
	}
	parsed, err := ParseID(string(text))
	if err != nil {
		return err
	}
	*id = parsed
	return nil
}
