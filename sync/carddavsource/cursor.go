package carddavsource

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"maps"
	"slices"

	"kith"
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
	Seen seen `json:"seen,omitempty"`
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

// seen is a set of cards as they were, by digest. Two of 100,000 cards are mixed up
// with a probability of 1 in 3 billion.
type seen map[uint64]struct{}

// member is a card as a listing names it.
type member struct {
	ref, etag string
}

func (m member) digest() uint64 {
	sum := sha256.Sum256([]byte(m.ref + "\x00" + m.etag))
	return binary.BigEndian.Uint64(sum[:])
}

func (s seen) has(m member) bool {
	_, ok := s[m.digest()]
	return ok
}

// MarshalText writes the digests, sorted.
func (s seen) MarshalText() ([]byte, error) {
	b := make([]byte, 0, 8*len(s))
	for _, digest := range slices.Sorted(maps.Keys(s)) {
		b = binary.BigEndian.AppendUint64(b, digest)
	}
	return base64.RawStdEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText reads what MarshalText wrote.
func (s *seen) UnmarshalText(text []byte) error {
	b, err := base64.RawStdEncoding.AppendDecode(nil, text)
	if err != nil {
		return err
	}
	*s = make(seen, len(b)/8)
	for ; len(b) >= 8; b = b[8:] {
		(*s)[binary.BigEndian.Uint64(b)] = struct{}{}
	}
	return nil
}
