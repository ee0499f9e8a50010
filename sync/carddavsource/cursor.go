package carddavsource

import (
	"encoding/json"

	"kith"
	"kith/sync/webdav"
)

// cursor is how far a book was read.
type cursor struct {
	// Token is the sync-token up to which all was read; "" where a book has none.
	Token string `json:"token,omitempty"`
	// CTag stands for the state of a book without sync-tokens.
	CTag string `json:"ctag,omitempty"`
	// Open says that all of the book is being read, and Next is the token as it was
	// when that began: what changed since, it leads to.
	Open bool   `json:"open,omitempty"`
	Next string `json:"next,omitempty"`
	// Cards is how many the book had, at least; 0 only if it was empty.
	Cards int `json:"cards"`
	// Seen are the cards that were read already: in this pass, or, in a book
	// without sync-tokens, ever.
	Seen webdav.Seen `json:"seen,omitempty"`
}

// maxCursor is far above the cursor of a book of maxCards.
const maxCursor = 4 << 20

// parseCursor reads a cursor; one that is none gives why the book is read from its start.
func parseCursor(from kith.Cursor) (c cursor, restart string) {
	if from == "" {
		return cursor{}, ""
	}
	if len(from) > maxCursor || json.Unmarshal([]byte(from), &c) != nil || c.Cards < 0 {
		return cursor{}, "the cursor is none of an address book"
	}
	return c, ""
}

func (c cursor) String() kith.Cursor {
	b, err := json.Marshal(c)
	if err != nil {
		panic(err) // plain fields always can be written
	}
	return kith.Cursor(b)
}
