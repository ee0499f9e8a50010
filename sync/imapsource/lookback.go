package imapsource

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/emersion/go-imap/v2"
	"golang.org/x/net/idna"

	"kith"
)

const (
	// searchWindow is how many messages one SEARCH for addresses looks through at most:
	// servers without an index read all their headers, in silence.
	searchWindow = 5_000

	// searchBytes bounds a SEARCH command. RFC 7162 §4 advises to stay below 8,192 bytes.
	searchBytes = 7_000

	// maxHits is how many messages are fetched because of a search. Reading a folder
	// from the horizon can be interrupted and gone on with, this can't.
	maxHits = 10_000
)

// Search yields the messages since the horizon that addresses take part in. See
// the Source of package syncer.
func (s *Source) Search(ctx context.Context, stream kith.Stream, addresses []string) iter.Seq2[kith.Batch, error] {
	return func(yield func(kith.Batch, error) bool) {
		ctx, end, err := s.begin(ctx)
		if err != nil {
			yield(kith.Batch{}, s.wrap(stream, err))
			return
		}
		defer end()
		if err := s.searchAddresses(ctx, stream, addresses, yield); err != nil && !errors.Is(err, errStopped) {
			yield(kith.Batch{}, s.wrap(stream, err))
		}
	}
}

func (s *Source) searchAddresses(ctx context.Context, stream kith.Stream, addresses []string, yield func(kith.Batch, error) bool) error {
	mb, err := s.examine(ctx, stream.Name)
	if err != nil {
		return err
	}
	var found imap.UIDSet
	for _, criteria := range searches(addresses) {
		for hi := mb.messages; hi > 0; {
			hi = min(hi, max(1, s.messages(mb.messages))) // see list
			lo := max(hi, searchWindow) - searchWindow + 1
			window := criteria
			window.SeqNum = []imap.SeqSet{seqRange(lo, hi)}
			if since := s.opts.Since; !since.IsZero() {
				window.Since = since.AddDate(0, 0, -1) // see pass.criteria
			}
			set, err := s.search(ctx, &window)
			if err != nil {
				return noSearch(err)
			}
			// Numbers that can't be are left out, and more than were asked for are a lie.
			uids, err := within(set, 1, mb.next, hi-lo+1)
			if err != nil {
				return fmt.Errorf("%w: %w", kith.ErrNoSearch, err)
			}
			found.AddNum(uids...)
			hi = lo - 1
		}
	}
	if size(found) > maxHits {
		return fmt.Errorf("%w: they took part in %d messages", kith.ErrNoSearch, size(found))
	}
	uids, err := within(found, 1, mb.next, mb.messages)
	if err != nil {
		return fmt.Errorf("%w: %w", kith.ErrNoSearch, err)
	}
	r := reader{source: s, stream: stream, mb: mb}
	for _, c := range descending(uids, s.opts.Chunk) {
		if err := r.read(ctx, []*chunk{c}, &gatherer{}); err != nil {
			return err
		}
		batch := kith.Batch{Backfill: true}
		for i := range c.results {
			if !s.beforeHorizon(&c.results[i]) {
				c.add(&batch, mb.validity, i)
			}
		}
		if !yield(batch, nil) {
			return errStopped
		}
	}
	return nil
}

// noSearch makes [kith.ErrNoSearch] of an error that says that this server can't search
// so: it refuses, takes too long, or gives an answer that makes no sense. What it says of the moment,
// or of the connection, stays what it is.
func noSearch(err error) error {
	var status *imap.Error
	var late *timeoutError
	switch {
	case errors.Is(err, errUnreadable), errors.As(err, &late):
	case errors.As(err, &status) && status.Type != imap.StatusResponseTypeBye:
		if kind, _ := kith.FaultOf(err); kind != kith.FaultTransient {
			return err
		}
		if code := status.Code; code == imap.ResponseCodeUnavailable || code == imap.ResponseCodeInUse {
			return err
		}
	default:
		return err
	}
	return fmt.Errorf("%w: %w", kith.ErrNoSearch, err)
}

// searches returns the criteria that find addresses, in commands of a bearable length.
func searches(addresses []string) (all []imap.SearchCriteria) {
	var keys []imap.SearchCriteria
	bytes := 0
	flush := func() {
		if len(keys) > 0 {
			all = append(all, anyOf(keys))
		}
		keys, bytes = nil, 0
	}
	for _, a := range addresses {
		var of []imap.SearchCriteria
		length := 0
		for _, spelling := range spellings(a) {
			for _, field := range searchFields {
				var c imap.SearchCriteria
				for part := range strings.SplitSeq(spelling, "*") {
					if part != "" {
						c.Header = append(c.Header, imap.SearchCriteriaHeaderField{Key: field, Value: part})
						length += len("HEADER  ") + len(field) + len(part) + len(`""`)
					}
				}
				if len(c.Header) > 0 {
					of = append(of, c)
					length += len("OR () ()")
				}
			}
		}
		if bytes+length > searchBytes {
			flush()
		}
		keys, bytes = append(keys, of...), bytes+length
	}
	flush()
	return all
}

// searchFields are where those stand who can be linked. The keys FROM, TO, CC and BCC
// are for the first ones (RFC 9051 §6.4.4), HEADER for the others.
var searchFields = []string{"From", "To", "Cc", "Bcc", "Sender", "Reply-To", "X-Original-From"}

// spellings returns the forms in which a canonical address stands in messages: its
// domain may be written in Unicode (RFC 6532).
func spellings(address string) []string {
	at := strings.LastIndexByte(address, '@')
	if domain := address[at+1:]; strings.Contains(domain, "xn--") {
		if unicode, err := idna.Punycode.ToUnicode(domain); err == nil && unicode != domain {
			return []string{address, address[:at+1] + unicode}
		}
	}
	return []string{address}
}

// anyOf joins criteria by OR, which takes two (RFC 9051 §6.4.4), as a tree that is not deep.
func anyOf(keys []imap.SearchCriteria) imap.SearchCriteria {
	if len(keys) == 1 {
		return keys[0]
	}
	half := len(keys) / 2
	return imap.SearchCriteria{Or: [][2]imap.SearchCriteria{{anyOf(keys[:half]), anyOf(keys[half:])}}}
}

// beforeHorizon tells whether a message was read that a first capture passes, see [pass.fill].
func (s *Source) beforeHorizon(res *result) bool {
	since := s.opts.Since
	return res.state == read && !res.item.Received.IsZero() && res.item.Received.Before(since) && res.item.Message.Date.Before(since)
}
