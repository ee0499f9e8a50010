package capture

import (
	"crypto/sha256"
	"encoding/binary"

	"kith"
)

// Digest stands for whatever [Batch.Walk] and [store.Merge] look at of a captured
// interaction that is on file: one with the digest that was noted of its place, and
// which nobody has revised since, has nothing to add.
func Digest(i *kith.Interaction) int64 {
	b := make([]byte, 0, 1024)
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	count := func(n int) { b = binary.AppendUvarint(b, uint64(n)) }

	b = append(append(b, i.Key[:]...), i.Fingerprint[:]...)
	text(string(i.DirectionRule))
	text(string(i.DeliveryStatus))
	if i.MessageID != nil {
		text(*i.MessageID)
	} else {
		text("")
	}
	count(len(i.ThreadRefs))
	for _, ref := range i.ThreadRefs {
		text(ref)
	}
	count(len(i.Participants))
	for at := range i.Participants {
		text(string(i.Participants[at].Role))
		text(i.Participants[at].Address)
	}
	count(len(i.Links))
	for at := range i.Links {
		b = append(b, i.Links[at].ContactID[:]...)
		text(string(i.Links[at].Role))
		text(string(i.Links[at].Rule))
	}
	if i.Kind == kith.KindMeeting {
		text(string(i.Status))
		text(i.Method)
		text(i.Subject)
		text(i.Owner)
		b = binary.AppendVarint(b, i.OccurredAt.UnixMicro())
		_, offset := i.OccurredAt.Zone()
		b = binary.AppendVarint(b, int64(offset))
		if i.EndedAt != nil {
			b = binary.AppendVarint(b, i.EndedAt.UnixMicro())
		}
		b = binary.AppendVarint(b, int64(i.Version.Sequence))
		b = binary.AppendVarint(b, i.Version.Stamp.UnixMicro())
		for at := range i.Participants {
			if r := i.Participants[at].Response; r != nil {
				text(*r)
			}
		}
		for _, flag := range i.Flags {
			text(flag)
		}
	}
	sum := sha256.Sum256(b)
	return int64(binary.BigEndian.Uint64(sum[:]))
}
