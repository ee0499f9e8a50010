package carddavsource

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"kith"
)

// pass is one run of Changes.
type pass struct {
	reader
	from    kith.Cursor
	yield   func(kith.BookBatch) bool
	stopped bool // by the caller

	restarted string
	warnings  []string
}

// errStopped ends a pass that the caller has left.
var errStopped = errors.New("stopped")

// errRestart says that the token is of no use.
var errRestart = errors.New("the sync-token does not hold")

func (p *pass) run(ctx context.Context) error {
	cur, restart := parseCursor(p.from)
	p.restarted = restart
	if cur.Token != "" && !cur.Open {
		err := p.incremental(ctx, cur)
		if !errors.Is(err, errRestart) {
			return err
		}
		p.restarted = "the server no longer knows how far the book was read"
		cur = cursor{Cards: cur.Cards}
	}
	if cur.CTag != "" && !cur.Open {
		if ctag, err := p.ctag(ctx); err != nil || ctag == cur.CTag {
			return err
		}
	}
	return p.full(ctx, cur)
}

// emit hands a batch to the caller.
func (p *pass) emit(b kith.BookBatch, at cursor) error {
	b.Cursor = at.String()
	b.Restarted, p.restarted = p.restarted, ""
	b.Warnings = append(p.warnings, b.Warnings...)
	p.warnings = nil
	if empty(&b) && b.Cursor == p.from {
		return nil
	}
	if !p.yield(b) {
		p.stopped = true
		return errStopped
	}
	return nil
}

// incremental reads what changed since the cursor's token.
func (p *pass) incremental(ctx context.Context, cur cursor) error {
	l, err := p.since(ctx, cur.Token)
	if err != nil {
		return err
	}
	next := cursor{Token: l.token, Cards: cur.Cards - len(l.gone)}
	last := kith.BookBatch{Gone: l.gone, Failed: l.failed}
	if next.Cards <= 0 && len(l.gone) > 0 {
		// The server does not say how many are left; only now it matters.
		if next.Cards, err = p.count(ctx); err != nil {
			return err
		}
		if next.Cards == 0 && cur.Cards > 0 {
			last.Emptied = max(cur.Cards, len(l.gone))
		}
	}
	next.Cards = max(next.Cards, len(l.members))
	if err := p.readAll(ctx, l.members, &cur, nil, &last); err != nil {
		return err
	}
	return p.emit(last, next)
}

// full reads the whole book, but for the cards that the cursor has seen.
func (p *pass) full(ctx context.Context, cur cursor) error {
	l, err := p.list(ctx)
	if err != nil {
		return err
	}
	progress := cursor{Open: true, Next: l.token, CTag: l.ctag, Cards: cur.Cards, Seen: seen{}}
	if cur.Open { // what changed since it began must be found once more at its end
		progress.Next, progress.CTag = cur.Next, cur.CTag
	}
	present := make(map[string]bool, len(l.members))
	for _, m := range l.members {
		present[m.ref] = true
		if cur.Seen.has(m) {
			progress.Seen[m.digest()] = struct{}{}
		}
	}
	for _, f := range l.failed {
		present[f.Ref] = true
	}

	last := kith.BookBatch{Failed: l.failed}
	if err := p.readAll(ctx, l.members, &progress, present, &last); err != nil {
		return err
	}
	if l.complete {
		last.Present = func(ref string) bool { return present[ref] }
		if len(present) == 0 {
			last.Emptied = cur.Cards
		}
	}
	next := cursor{Token: progress.Next, Cards: len(present)}
	if !l.complete {
		last.Warnings = append(last.Warnings, "the server's listing is odd: no card is taken for deleted by it")
		next.Cards = max(next.Cards, cur.Cards)
	}
	if next.Token == "" {
		next.CTag, next.Seen = progress.CTag, seen{}
		for _, m := range l.members {
			if m.etag != "" { // without one, a change would not be seen
				next.Seen[m.digest()] = struct{}{}
			}
		}
	}
	return p.emit(last, next)
}

// maxHeld bounds the members of groups that wait for the end of a pass.
const maxHeld = 500_000

// readAll reads the members that progress has not seen, and yields them in batches but for
// what comes last, which it leaves in last. Groups wait until all cards were read. What is gone is
// taken out of present.
func (p *pass) readAll(ctx context.Context, members []member, progress *cursor, present map[string]bool, last *kith.BookBatch) error {
	var todo []member
	for _, m := range members {
		if !progress.Seen.has(m) {
			todo = append(todo, m)
		}
	}
	if progress.Seen == nil {
		progress.Seen = seen{}
	}
	done, total := len(members)-len(todo), len(members)
	held := 0 // members of the groups that wait
	for len(todo) > 0 {
		chunk := todo[:min(p.source.opts.Chunk, len(todo))]
		todo = todo[len(chunk):]
		refs := make([]string, len(chunk))
		for i, m := range chunk {
			refs[i] = m.ref
		}
		var b kith.BookBatch
		if err := p.read(ctx, refs, &b); err != nil {
			return err
		}
		waiting := p.holdGroups(&b, last, &held)
		for _, ref := range b.Gone {
			delete(present, ref)
		}
		if done += len(chunk); len(todo) == 0 {
			appendBatch(last, b)
			break
		}
		for _, m := range chunk {
			if !waiting[m.ref] {
				progress.Seen[m.digest()] = struct{}{}
			}
		}
		if progress.Open {
			b.Done, b.Total = done, total
			progress.Cards = max(progress.Cards, len(progress.Seen))
		}
		if err := p.emit(b, *progress); err != nil {
			return err
		}
	}
	return nil
}

// holdGroups moves the groups of a batch, and the cards that lie in one resource with them, to what
// comes last, and tells whose refs they are. held counts the members.
func (p *pass) holdGroups(b, last *kith.BookBatch, held *int) (waiting map[string]bool) {
	waiting = map[string]bool{}
	for _, g := range b.Groups {
		if *held += len(g.Members); *held > maxHeld {
			b.Failed = append(b.Failed, kith.Failure{Ref: g.Ref, Cause: fmt.Sprintf("the groups that changed have more than %d members in all", maxHeld)})
			continue
		}
		waiting[g.Ref] = true
		last.Groups = append(last.Groups, g)
	}
	b.Groups = nil
	b.Cards = slices.DeleteFunc(b.Cards, func(c kith.Card) bool {
		if waiting[c.Ref] {
			last.Cards = append(last.Cards, c)
		}
		return waiting[c.Ref]
	})
	return waiting
}
