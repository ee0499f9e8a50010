package caldavsource

import (
	"encoding/json"
	"time"

	"kith"
	"kith/sync/webdav"
)

// cursor is how far a calendar was read.
type cursor struct {
	Version int `json:"v"`
	// Token is the sync-token up to which all was read; "" where a calendar has none.
	Token string `json:"token,omitempty"`
	// CTag stands for the state of a calendar without sync-tokens.
	CTag string `json:"ctag,omitempty"`
	// Open says that all of the calendar is being read, and Next is the token as it was
	// when that began: what changed since, it leads to.
	Open bool   `json:"open,omitempty"`
	Next string `json:"next,omitempty"`
	// Seen are the resources that were read already: in this pass, or, in a calendar
	// without sync-tokens, ever.
	Seen webdav.Seen `json:"seen,omitempty"`
	// Until is the day (since 1970) before which all occurrences were told, and Later what
	// goes on after it: by resource, the day of its next occurrence.
	Until int64            `json:"until"`
	Later map[string]int64 `json:"later,omitempty"`
}

const (
	cursorVersion = 1
	maxCursor     = 32 << 20
)

// parseCursor reads a cursor; one that is none gives why the calendar is read from its start.
func parseCursor(from kith.Cursor) (c cursor, restart string) {
	if from == "" {
		return cursor{}, ""
	}
	if len(from) > maxCursor || json.Unmarshal([]byte(from), &c) != nil || c.Version != cursorVersion {
		return cursor{}, "the cursor is none of a calendar"
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

func dayOf(t time.Time) int64 { return t.Unix() / int64(day/time.Second) }

func timeOf(d int64) time.Time { return time.Unix(d*int64(day/time.Second), 0).UTC() }

// took notes that a resource was read.
func (c *cursor) took(m webdav.Member, next map[string]time.Time) {
	c.later(next)
	c.Seen.Add(m)
}

// later notes what goes on after the window.
func (c *cursor) later(next map[string]time.Time) {
	for ref, t := range next {
		if t.IsZero() {
			delete(c.Later, ref)
			continue
		}
		if c.Later == nil {
			c.Later = make(map[string]int64)
		}
		c.Later[ref] = dayOf(t)
	}
}
