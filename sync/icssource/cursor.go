package icssource

import (
	"encoding/json"

	"kith"
	"kith/sync/webdav"
)

// cursor is how far the calendar was read.
type cursor struct {
	Version int `json:"v"`
	webdav.Validators
	Until int64       `json:"until"` // the day (since 1970) before which all occurrences were told
	Seen  webdav.Seen `json:"seen"`  // events as they were
}

const (
	cursorVersion = 1
	maxCursor     = 16 << 20
)

func parseCursor(from kith.Cursor) (c cursor, restart string) {
	if from == "" {
		return cursor{}, ""
	}
	if len(from) > maxCursor || json.Unmarshal([]byte(from), &c) != nil || c.Version != cursorVersion {
		return cursor{}, "the cursor is none of a calendar file"
	}
	return c, ""
}

func (c cursor) String() kith.Cursor {
	c.Version = cursorVersion
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // plain fields always can be written
	}
	return kith.Cursor(b)
}
