package store

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"kith"
)

// maxThreadRefs bounds how many references of one message are looked at: the
// first, which names the thread, and the last ones.
const maxThreadRefs = 100

// ThreadHashes returns the digests of the Message-IDs that tie an interaction
// to its thread: those it answers, oldest first, then its own. One without a
// Message-ID stands under its key.
func ThreadHashes(i *kith.Interaction) []int64 {
	refs := i.ThreadRefs
	if len(refs) > maxThreadRefs {
		refs = append(slices.Clone(refs[:1]), refs[len(refs)-maxThreadRefs+1:]...)
	}
	var own int64
	if i.MessageID != nil {
		own = MessageHash(*i.MessageID)
	} else {
		own = MessageHash("key:" + string(i.Key[:])) // no Message-ID: those start with an angle bracket
	}
	hashes := make([]int64, 0, len(refs)+1)
	for _, ref := range refs {
		if h := MessageHash(ref); h != own && !slices.Contains(hashes, h) {
			hashes = append(hashes, h)
		}
	}
	return append(hashes, own)
}

// MessageHash returns the digest that stands for a normalised Message-ID.
func MessageHash(id string) int64 {
	sum := sha256.Sum256([]byte(id))
	return int64(binary.BigEndian.Uint64(sum[:]))
}

// ThreadID returns the name of the thread with the given root.
func ThreadID(root int64) string { return fmt.Sprintf("%016x", uint64(root)) }

// ParseThreadID is the inverse of [ThreadID].
func ParseThreadID(id string) (root int64, ok bool) {
	var u uint64
	if n, err := fmt.Sscanf(id, "%016x", &u); n != 1 || err != nil || ThreadID(int64(u)) != id {
		return 0, false
	}
	return int64(u), true
}

// Thread is a set of Message-IDs that messages tie together, by references or
// by being one message's.
//
// A head is an id that no message is known to have put after another one. In
// a thread whose messages all name its first one there is a single head, so
// that the thread keeps its root whatever arrives later and in whatever order.
type Thread struct {
	Label  int64   // of the row that stores it; 0 if none does so far
	Merged int     // how many rows point at that row
	Least  int64   // the least of all ids
	Heads  []int64 // ascending
	Losers []int64 // labels of the rows whose threads have become part of it
	Dirty  bool    // it differs from its row

	into *Thread // the thread that it has become part of
}

// Root returns the id that names the thread: the least head, or, when the
// references go in circles, the least id. It depends on the messages alone,
// not on their order.
func (t *Thread) Root() int64 {
	if len(t.Heads) > 0 {
		return t.Heads[0]
	}
	return t.Least
}

// EncodeHeads packs the heads for a database row; nil stands for one head that
// is the root, a single byte for none.
func (t *Thread) EncodeHeads() []byte {
	switch len(t.Heads) {
	case 0:
		return []byte{0} // not empty: databases may take that for nil
	case 1:
		return nil
	}
	b := make([]byte, 0, 8*len(t.Heads))
	for _, h := range t.Heads {
		b = binary.BigEndian.AppendUint64(b, uint64(h))
	}
	return b
}

// Threads works out the threads of one batch of interactions. It holds the
// part of the stored threads that the batch touches. Not safe for concurrent
// use.
type Threads struct {
	Nodes map[int64]*Thread // by message digest
	Fresh []int64           // digests that are in no row yet

	labels map[int64]*Thread
}

// NewThreads returns an empty part.
func NewThreads() *Threads {
	return &Threads{Nodes: make(map[int64]*Thread), labels: make(map[int64]*Thread)}
}

// Load takes in a stored thread; heads is nil or what [Thread.EncodeHeads] made.
func (ts *Threads) Load(label int64, merged int, root, least int64, heads []byte) *Thread {
	if t := ts.labels[label]; t != nil {
		return t
	}
	t := &Thread{Label: label, Merged: merged, Least: least, Heads: DecodeHeads(root, heads)}
	ts.labels[label] = t
	return t
}

// DecodeHeads is the inverse of [Thread.EncodeHeads] for a thread with the given root.
func DecodeHeads(root int64, packed []byte) (heads []int64) {
	if packed == nil {
		return []int64{root}
	}
	heads = make([]int64, 0, len(packed)/8)
	for ; len(packed) >= 8; packed = packed[8:] {
		heads = append(heads, int64(binary.BigEndian.Uint64(packed)))
	}
	return heads
}

// Add ties ids together, in the order that [ThreadHashes] gives, and to the
// thread that the interaction has been in, if any. It returns the thread, which
// later calls may make part of another one: see [Threads.Find].
func (ts *Threads) Add(hashes []int64, before *Thread) *Thread {
	t := before
	for _, h := range hashes {
		if node := ts.Nodes[h]; node != nil {
			t = join(t, node)
		}
	}
	if t == nil {
		t = &Thread{Least: hashes[0], Dirty: true}
	}
	t = ts.Find(t)
	for i, h := range hashes {
		if ts.Nodes[h] == nil {
			ts.Nodes[h] = t
			ts.Fresh = append(ts.Fresh, h)
			if h < t.Least {
				t.Least, t.Dirty = h, true
			}
			if i == 0 {
				at, _ := slices.BinarySearch(t.Heads, h)
				t.Heads, t.Dirty = slices.Insert(t.Heads, at, h), true
			}
		} else if i > 0 {
			if at, ok := slices.BinarySearch(t.Heads, h); ok {
				t.Heads, t.Dirty = slices.Delete(t.Heads, at, at+1), true
			}
		}
	}
	return t
}

// Find returns the thread that t is part of by now.
func (ts *Threads) Find(t *Thread) *Thread {
	for t.into != nil {
		if t.into.into != nil {
			t.into = t.into.into
		}
		t = t.into
	}
	return t
}

// join unites two threads, either of which may be nil. The one that more rows
// point at takes in the other, so that few rows have to be moved.
func join(a, b *Thread) *Thread {
	for a != nil && a.into != nil {
		a = a.into
	}
	for b != nil && b.into != nil {
		b = b.into
	}
	switch {
	case a == nil || a == b:
		return b
	case b == nil:
		return a
	case a.Label == 0 && b.Label != 0,
		b.Label != 0 && b.Merged > a.Merged,
		b.Label != 0 && b.Merged == a.Merged && b.Label < a.Label:
		a, b = b, a
	}
	b.into = a
	a.Dirty = true
	a.Merged += b.Merged
	a.Losers = append(a.Losers, b.Losers...)
	if b.Label != 0 {
		a.Losers = append(a.Losers, b.Label)
		a.Merged++
	}
	a.Least = min(a.Least, b.Least)
	a.Heads = append(a.Heads, b.Heads...)
	slices.Sort(a.Heads)
	b.Heads, b.Losers = nil, nil
	return a
}
