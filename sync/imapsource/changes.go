package imapsource

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"kith"
)

// backWindow is how many messages one step of the backfill looks through.
const backWindow = 10_000

// errStopped ends a pass whose caller wants no more.
var errStopped = errors.New("stopped")

// pass is one run of Changes: it reads one folder from a cursor on.
type pass struct {
	reader
	cur  cursor
	sent kith.Cursor // the cursor that the caller has

	out  chan kith.Batch
	stop chan struct{} // closed when the caller wants no more

	// To go out with the next batch.
	restarted string
	warnings  []string
	skipped   map[kith.Reason]int
}

// run reads the folder: first what is new, then what is missing of the past, the
// newest first; at last it looks for what is gone.
func (p *pass) run(ctx context.Context, from kith.Cursor) error {
	if p.unchanged(from) {
		return nil
	}
	mb, err := p.source.examine(ctx, p.stream.Name)
	if err != nil {
		return err
	}
	p.mb, p.sent = mb, from
	p.begin(from)

	err = p.newMail(ctx)
	if err == nil && !p.cur.Sweep && p.mb.messages < p.cur.Count {
		err = p.sweep(ctx)
	}
	if err == nil {
		err = p.backfill(ctx)
	}
	if err == nil && p.cur.Sweep {
		err = p.sweep(ctx)
	}
	if err == nil && (p.cur.encode() != p.sent || len(p.warnings) > 0) {
		err = p.send(ctx, kith.Batch{})
	}
	if errors.Is(err, errStopped) {
		return nil
	}
	return err
}

// unchanged tells whether the folder's status, from Streams, says that there is
// nothing to do. A status serves once: what it says gets old.
func (p *pass) unchanged(from kith.Cursor) bool {
	status, ok := p.source.statuses[p.stream.Name]
	delete(p.source.statuses, p.stream.Name)
	if !ok || status.UIDValidity == 0 || status.UIDNext == 0 || status.NumMessages == nil {
		return false
	}
	cur, err := decodeCursor(from)
	return err == nil && cur.Back == nil && !cur.Sweep && !p.deeper(cur) &&
		cur.Validity == status.UIDValidity && cur.Next == uint64(status.UIDNext) && cur.Count == *status.NumMessages
}

// deeper tells whether the horizon was moved to before the one that the cursor's
// backfill had. One that moves along with the clock is none.
func (p *pass) deeper(cur cursor) bool {
	since := p.source.opts.Since
	return !cur.Since.IsZero() && (since.IsZero() || since.Before(cur.Since.Add(-24*time.Hour)))
}

// begin decides where the pass starts.
func (p *pass) begin(from kith.Cursor) {
	mb := &p.mb
	cur, err := decodeCursor(from)
	switch {
	case from == "":
	case err != nil:
		p.restarted = "the stored position can't be used: " + err.Error()
	case mb.validity == 0 && cur.Validity != 0:
		p.warnings = append(p.warnings, "the server gave no UIDVALIDITY this time")
		mb.validity = cur.Validity
	case mb.validity != cur.Validity: // RFC 9051 §2.3.1.1, whichever is greater
		p.restarted = fmt.Sprintf("UIDVALIDITY changed from %d to %d", cur.Validity, mb.validity)
	}
	if p.restarted == "" && from != "" && mb.next < cur.Next {
		if mb.guessed { // the last messages were deleted, that is all
			mb.next = cur.Next
		} else {
			p.restarted = fmt.Sprintf("UIDNEXT went back from %d to %d under the same UIDVALIDITY", cur.Next, mb.next)
		}
	}
	if from != "" && p.restarted == "" {
		p.cur = cur
		if p.deeper(cur) {
			p.cur.Since = p.source.opts.Since
			p.restarted = "the horizon lies further back than before"
			p.startBackfill(cur.Next)
		}
		return
	}
	p.cur = cursor{
		Validity: mb.validity,
		Next:     mb.next,
		Count:    mb.messages,
		Since:    p.source.opts.Since,
		Sweep:    p.restarted != "",
	}
	p.startBackfill(mb.next)
	if mb.validity == 0 {
		p.warnings = append(p.warnings, "the server gives no UIDVALIDITY: a folder that is made anew can't be told from the old one")
	}
	if mb.guessed {
		p.warnings = append(p.warnings, "the server gives no UIDNEXT: it is worked out from the last message")
	}
}

func (p *pass) startBackfill(below uint64) {
	p.cur.Back = nil
	if n := p.mb.messages; n > 0 && below > 1 {
		p.cur.Back = &backfill{Low: below, Left: n, Total: n}
	}
}

// newMail reads the messages between the cursor and UIDNEXT as EXAMINE told it:
// what arrives during the pass is for the next one.
func (p *pass) newMail(ctx context.Context) error {
	if p.mb.next <= p.cur.Next {
		return nil
	}
	set, err := p.source.list(ctx, p.mb.messages, p.cur.Next, p.mb.next)
	if err != nil {
		return err
	}
	uids, err := within(set, p.cur.Next, p.mb.next, p.mb.messages)
	if err != nil {
		return err
	}
	var chunks []*chunk
	for part := range slices.Chunk(uids, p.source.opts.Chunk) {
		chunks = append(chunks, newChunk(part))
	}
	err = p.read(ctx, chunks, &taker{pass: p, advance: func(c *chunk, n int) {
		p.cur.Next = uint64(c.uids[n-1]) + 1
		p.cur.Count += uint32(n)
		if p.cur.Next > uint64(uids[len(uids)-1]) {
			p.cur.Next = p.mb.next
		}
	}})
	if err != nil {
		return err
	}
	p.cur.Next = p.mb.next
	return nil
}

// backfill reads the past down to the horizon in windows of sequence numbers, so
// that answers are bounded and gaps between UIDs cost nothing.
func (p *pass) backfill(ctx context.Context) error {
	for p.cur.Back != nil {
		b := p.cur.Back
		if b.GapTo > 0 {
			if err := p.fillGap(ctx); err != nil {
				return err
			}
			continue
		}
		b.Left = min(b.Left, p.source.messages(p.mb.messages))
		if b.Left == 0 || b.Low <= 1 {
			return p.endBackfill(ctx)
		}
		if err := p.backStep(ctx); err != nil {
			return err
		}
	}
	return nil
}

// criteria returns what the backfill looks for below a UID.
func (p *pass) criteria(from, to uint64) *imap.SearchCriteria {
	c := &imap.SearchCriteria{UID: []imap.UIDSet{uidRange(from, to)}}
	if !p.cur.Since.IsZero() {
		// SINCE is by date in the server's zone (RFC 9051 §6.4.4), which may be a
		// day behind; what is too old for all that is left out later.
		c.Since = p.cur.Since.AddDate(0, 0, -1)
	}
	return c
}

// backStep reads one window.
func (p *pass) backStep(ctx context.Context) error {
	if err := p.ready(ctx); err != nil {
		return err
	}
	b := p.cur.Back
	hi := min(b.Left, max(1, p.source.messages(p.mb.messages))) // see list
	lo := uint32(1)
	if hi > backWindow {
		lo = hi - backWindow + 1
	}
	criteria := p.criteria(1, b.Low)
	criteria.SeqNum = []imap.SeqSet{seqRange(lo, hi)}
	set, err := p.source.search(ctx, criteria)
	if err != nil {
		return err
	}
	uids, err := within(set, 1, b.Low, p.mb.messages)
	if err != nil {
		return err
	}
	older := int(hi-lo+1) - len(uids)
	chunks := descending(uids, p.source.opts.Chunk)
	left := hi
	err = p.read(ctx, chunks, &taker{pass: p, backfill: true, advance: func(c *chunk, n int) {
		p.cur.Back = &backfill{Low: uint64(c.uids[0]), Total: b.Total}
		if n < len(c.uids) {
			// The older end of a chunk was read, and its newer end was not.
			p.cur.Back.GapFrom = uint64(c.uids[n-1]) + 1
			p.cur.Back.GapTo = uint64(c.uids[len(c.uids)-1]) + 1
		}
		left -= min(left, uint32(len(c.uids)))
		p.cur.Back.Left = left
		if c.uids[0] == uids[0] && n == len(c.uids) {
			p.endWindow(lo, older)
		}
	}})
	if err != nil {
		return err
	}
	if len(uids) == 0 {
		p.cur.Back = &backfill{Low: b.Low, Left: hi, Total: b.Total}
		p.endWindow(lo, older)
		if p.cur.Back.Left > 0 { // else the end of the backfill tells
			return p.send(ctx, kith.Batch{Backfill: true})
		}
	}
	return nil
}

// endWindow moves the backfill below the window that begins at the sequence
// number lo, in which so many messages were older than the horizon.
func (p *pass) endWindow(lo uint32, older int) {
	p.cur.Back.Left = min(p.cur.Back.Left, lo-1)
	if older > 0 && !p.cur.Since.IsZero() {
		p.skip(kith.ReasonBeforeHorizon, older)
	}
}

// fillGap reads what an earlier pass left out of a chunk.
func (p *pass) fillGap(ctx context.Context) error {
	if err := p.ready(ctx); err != nil {
		return err
	}
	b := p.cur.Back
	set, err := p.source.search(ctx, p.criteria(b.GapFrom, b.GapTo))
	if err != nil {
		return err
	}
	uids, err := within(set, b.GapFrom, b.GapTo, p.mb.messages)
	if err != nil {
		return err
	}
	var chunks []*chunk
	for part := range slices.Chunk(uids, p.source.opts.Chunk) {
		chunks = append(chunks, newChunk(part))
	}
	err = p.read(ctx, chunks, &taker{pass: p, backfill: true, advance: func(c *chunk, n int) {
		next := *b
		next.GapFrom = uint64(c.uids[n-1]) + 1
		if next.GapFrom >= next.GapTo {
			next.GapFrom, next.GapTo = 0, 0
		}
		p.cur.Back = &next
	}})
	if err != nil {
		return err
	}
	next := *b
	next.GapFrom, next.GapTo = 0, 0
	p.cur.Back = &next
	return nil
}

// endBackfill tells that the past has been read.
func (p *pass) endBackfill(ctx context.Context) error {
	done := int(p.cur.Back.Total)
	p.cur.Back = nil
	if p.cur.Sweep {
		return nil // the sweep tells
	}
	return p.send(ctx, kith.Batch{Backfill: true, Done: done})
}

// descending cuts ascending UIDs into chunks, the one with the greatest first.
// Each is ascending in itself.
func descending(uids []imap.UID, n int) []*chunk {
	var chunks []*chunk
	for hi := len(uids); hi > 0; hi -= n {
		chunks = append(chunks, newChunk(uids[max(0, hi-n):hi]))
	}
	return chunks
}

// sweep lists the folder, so that what the register knows of it and is not there
// any more can be marked.
func (p *pass) sweep(ctx context.Context) error {
	if err := p.ready(ctx); err != nil {
		return err
	}
	set, err := p.source.list(ctx, p.mb.messages, 1, p.mb.next)
	if err != nil {
		return err
	}
	// Fewer than there are is an alarm, not a deletion. Some may have vanished
	// since EXAMINE, of which the server tells.
	if found, messages := size(set), p.source.messages(p.mb.messages); found < uint64(messages) {
		p.warnings = append(p.warnings, fmt.Sprintf(
			"of %d messages the server lists %d only: nothing is taken to be gone", messages, found))
		return nil
	}
	p.cur.Sweep, p.cur.Count = false, p.mb.messages
	validity := p.cur.Validity
	return p.send(ctx, kith.Batch{Present: func(ref string) bool {
		message, _, _ := strings.Cut(ref, "#") // before a meeting that it invites to
		v, uid, ok := parseRef(message)
		return ok && v == validity && set.Contains(uid)
	}})
}

func (p *pass) skip(reason kith.Reason, n int) {
	if p.skipped == nil {
		p.skipped = make(map[kith.Reason]int)
	}
	p.skipped[reason] += n
}
