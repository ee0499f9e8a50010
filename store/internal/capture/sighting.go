package capture

import (
	"maps"
	"slices"
	"time"

	"kith"
)

// Sighted is what a batch says of one address that seems to be ours.
type Sighted struct {
	Address string
	Owner   string
	Counts  kith.SightingCounts
	Last    time.Time // when the latest of what speaks for it occurred
}

// sight counts the sightings of a captured interaction.
func (b *Batch) sight(c kith.Captured) {
	for _, s := range c.Sightings {
		if b.sighted == nil {
			b.sighted = make(map[string]*Sighted)
		}
		one := b.sighted[s.Address]
		if one == nil {
			one = &Sighted{Address: s.Address, Owner: s.Owner}
			b.sighted[s.Address] = one
		}
		one.Counts.Add(s.Rule)
		if c.OccurredAt.After(one.Last) {
			one.Last = c.OccurredAt
		}
	}
}

// Sighted returns the addresses that seem to be ours, in order: so of two
// programs that write the same ones the second waits for the first, and none for the other.
func (b *Batch) Sighted() []*Sighted {
	all := make([]*Sighted, 0, len(b.sighted))
	for _, address := range slices.Sorted(maps.Keys(b.sighted)) {
		all = append(all, b.sighted[address])
	}
	return all
}
