package imapsource

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"kith"
)

// cursorVersion changes when an older kith could not go on from a cursor.
const cursorVersion = 1

// cursor is how far a folder was read. UIDs are held in 64 bits because the one
// after the greatest (2³²-1) does not fit in 32.
type cursor struct {
	Version  int       `json:"v"`
	Validity uint32    `json:"validity"`        // UIDVALIDITY that all UIDs here belong to; 0 when the server gives none
	Next     uint64    `json:"next"`            // UIDs from here up have not been looked at
	Count    uint32    `json:"count"`           // messages below Next, when last counted
	Since    time.Time `json:"since,omitzero"`  // horizon of the backfill; zero: everything
	Back     *backfill `json:"back,omitempty"`  // nil when it is over
	Sweep    bool      `json:"sweep,omitempty"` // at the end of the backfill, older evidence is to go
}

// backfill is the state of the first pass over the past, newest first.
type backfill struct {
	Low   uint64 `json:"low"`   // UIDs from Low up were read, but for the gap
	Left  uint32 `json:"left"`  // at most so many messages lie below Low: a bound of their sequence numbers
	Total uint32 `json:"total"` // messages there were at its start
	// GapFrom and GapTo bound UIDs that remain to be read although they are not
	// below Low: the rest of a chunk whose beginning was read.
	GapFrom uint64 `json:"gap_from,omitempty"`
	GapTo   uint64 `json:"gap_to,omitempty"`
}

// encode returns the cursor as text.
func (c cursor) encode() kith.Cursor {
	c.Version = cursorVersion
	text, err := json.Marshal(c)
	if err != nil { // a year beyond 9999: decode and Open keep it out
		panic("imapsource: cursor: " + err.Error())
	}
	return kith.Cursor(text)
}

// decodeCursor reads what encode wrote.
func decodeCursor(text kith.Cursor) (cursor, error) {
	var c cursor
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&c); err != nil {
		return cursor{}, errors.New("it is no text of a cursor")
	}
	if dec.More() {
		return cursor{}, errors.New("something follows it")
	}
	if c.Version != cursorVersion {
		return cursor{}, fmt.Errorf("it has version %d, this program knows %d", c.Version, cursorVersion)
	}
	if c.Next < 1 || c.Next > math.MaxUint32+1 {
		return cursor{}, errors.New("its next UID is out of range")
	}
	c.Since = c.Since.UTC()
	if y := c.Since.Year(); y < 1 || y > 9999 {
		return cursor{}, errors.New("its horizon is out of range")
	}
	if b := c.Back; b != nil {
		switch {
		case b.Low < 1 || b.Low > c.Next || b.Left > b.Total:
			return cursor{}, errors.New("its backfill is out of range")
		case b.GapFrom == 0 && b.GapTo == 0:
		case b.GapFrom < b.Low || b.GapTo <= b.GapFrom || b.GapTo > c.Next:
			return cursor{}, errors.New("its gap is out of range")
		}
	}
	return c, nil
}

// formatRef names a message: UIDVALIDITY:UID.
func formatRef(validity uint32, uid imap.UID) string {
	b := make([]byte, 0, 21)
	b = strconv.AppendUint(b, uint64(validity), 10)
	b = append(b, ':')
	return string(strconv.AppendUint(b, uint64(uid), 10))
}

// parseRef reads what formatRef wrote.
func parseRef(ref string) (validity uint32, uid imap.UID, ok bool) {
	head, tail, ok := strings.Cut(ref, ":")
	if !ok {
		return 0, 0, false
	}
	v, err := strconv.ParseUint(head, 10, 32)
	if err != nil {
		return 0, 0, false
	}
	u, err := strconv.ParseUint(tail, 10, 32)
	if err != nil || u == 0 {
		return 0, 0, false
	}
	return uint32(v), imap.UID(u), true
}
