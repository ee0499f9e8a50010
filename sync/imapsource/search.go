package imapsource

import (
	"context"
	"errors"
	"fmt"

	"github.com/emersion/go-imap/v2"
)

// window is how many messages one SEARCH looks through at most, so that no
// answer is large, however large the folder.
const window = 20_000

// search returns the UIDs in the examined folder that meet the criteria. A
// server may return others too (RFC 9051 §6.4.4 leaves no doubt, servers do):
// callers check what matters.
func (s *Source) search(ctx context.Context, criteria *imap.SearchCriteria) (imap.UIDSet, error) {
	var opts *imap.SearchOptions
	if s.sess.caps.Has(imap.CapESearch) {
		opts = &imap.SearchOptions{ReturnAll: true} // RFC 4731: ranges instead of numbers
	}
	var uids imap.UIDSet
	err := s.run(ctx, "search", func() error {
		data, err := s.sess.client.UIDSearch(criteria, opts).Wait()
		if err != nil {
			return err
		}
		switch all := data.All.(type) {
		case nil: // ESEARCH without a hit
		case imap.UIDSet:
			uids = all
		default:
			return fmt.Errorf("%w: it answered UID SEARCH with sequence numbers", errUnreadable)
		}
		return nil
	})
	return uids, err
}

// list returns the UIDs in [from, to) of the examined folder, which has the
// given number of messages. A large folder is gone through by sequence numbers
// from the top, until a window reaches below from: messages that vanish
// meanwhile move others down only, so none is missed.
func (s *Source) list(ctx context.Context, messages uint32, from, to uint64) (imap.UIDSet, error) {
	var found imap.UIDSet
	for hi := messages; hi > 0 && from < to; {
		lo := uint32(1)
		var criteria imap.SearchCriteria
		if messages <= window {
			criteria.UID = []imap.UIDSet{uidRange(from, to)}
		} else {
			if hi > window {
				lo = hi - window + 1
			}
			// A number beyond the last is an error (RFC 9051 §9, seq-number).
			criteria.SeqNum = []imap.SeqSet{seqRange(lo, min(hi, max(1, s.messages(messages))))}
		}
		uids, err := s.search(ctx, &criteria)
		if err != nil {
			return nil, err
		}
		below := false
		for _, r := range uids {
			below = below || uint64(r.Start) < from
			if start, stop := max(uint64(r.Start), from), min(uint64(r.Stop), to-1); start <= stop {
				found.AddRange(imap.UID(start), imap.UID(stop))
			}
		}
		if below {
			break
		}
		hi = lo - 1
	}
	return found, nil
}

func uidRange(from, to uint64) imap.UIDSet {
	return imap.UIDSet{{Start: imap.UID(from), Stop: imap.UID(to - 1)}}
}

func seqRange(lo, hi uint32) imap.SeqSet {
	return imap.SeqSet{{Start: min(lo, hi), Stop: hi}}
}

// size counts the UIDs of a set.
func size(set imap.UIDSet) uint64 {
	n := uint64(0)
	for _, r := range set {
		if r.Start != 0 && r.Start <= r.Stop {
			n += uint64(r.Stop-r.Start) + 1
		}
	}
	return n
}

// within returns the UIDs of a set in [from, to), ascending. More of them than
// the folder has messages is an error: a range can name four thousand million
// UIDs in twenty bytes.
func within(set imap.UIDSet, from, to uint64, messages uint32) ([]imap.UID, error) {
	var uids []imap.UID
	for _, r := range set {
		start, stop := max(uint64(r.Start), from, 1), min(uint64(r.Stop), to-1)
		if start > stop {
			continue
		}
		if uint64(len(uids))+stop-start+1 > uint64(messages) {
			return nil, errors.New("the server found more messages than the folder holds")
		}
		for uid := start; uid <= stop; uid++ {
			uids = append(uids, imap.UID(uid))
		}
	}
	return uids, nil
}
