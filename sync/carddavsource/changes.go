package carddavsource

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"kith"
	"kith/sync/webdav"
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

func (p *pass) run(ctx context.Context) error {
	cur, restart := parseCursor(p.from)
	p.restarted = restart
	if cur.Token != "" && !cur.Open {
		err := p.incremental(ctx, cur)
		if !errors.Is(err, webdav.ErrNoToken) {
			return err
		}
		p.restarted = "the server no longer knows how far the book was read"
		cur = cursor{Cards: cur.Cards}
	}
	if cur.CTag != "" && !cur.Open {
		if ctag, err := p.book.CTag(ctx); err != nil || ctag == cur.CTag {
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
	l, err := p.book.Since(ctx, cur.Token)
	if err != nil {
		return err
	}
	p.warnings = append(p.warnings, l.Odd...)
	next := cursor{Token: l.Token, Cards: cur.Cards - len(l.Gone)}
	last := kith.BookBatch{Gone: l.Gone, Failed: l.Failed}
	if next.Cards <= 0 && len(l.Gone) > 0 {
		// The server does not say how many are left; only now it matters.
		if next.Cards, err = p.count(ctx); err != nil {
			return err
		}
		if next.Cards == 0 && cur.Cards > 0 {
			last.Emptied = max(cur.Cards, len(l.Gone))
		}
	}
	next.Cards = max(next.Cards, len(l.Members))
	if err := p.readAll(ctx, l.Members, &cur, nil, &last); err != nil {
		return err
	}
	return p.emit(last, next)
}

// full reads the whole book, but for the cards that the cursor has seen.
func (p *pass) full(ctx context.Context, cur cursor) error {
	l, err := p.book.All(ctx)
	if err != nil {
		return err
	}
	p.warnings = append(p.warnings, l.Odd...)
	progress := cursor{Open: true, Next: l.Token, CTag: l.CTag, Cards: cur.Cards, Seen: webdav.Seen{}}
	if cur.Open { // what changed since it began must be found once more at its end
		progress.Next, progress.CTag = cur.Next, cur.CTag
	}
	present := make(map[string]bool, len(l.Members))
	for _, m := range l.Members {
		present[m.Ref] = true
		if cur.Seen.Has(m) {
			progress.Seen.Add(m)
		}
	}
	for _, f := range l.Failed {
		present[f.Ref] = true
	}

	last := kith.BookBatch{Failed: l.Failed}
	if err := p.readAll(ctx, l.Members, &progress, present, &last); err != nil {
		return err
	}
	if l.Complete {
		last.Present = func(ref string) bool { return present[ref] }
		if len(present) == 0 {
			last.Emptied = cur.Cards
		}
	}
	next := cursor{Token: progress.Next, Cards: len(present)}
	if !l.Complete {
		last.Warnings = append(last.Warnings, "the server's listing is odd: no card is taken for deleted by it")
		next.Cards = max(next.Cards, cur.Cards)
	}
	if next.Token == "" {
		next.CTag, next.Seen = progress.CTag, webdav.Seen{}
		for _, m := range l.Members {
			if m.ETag != "" { // without one, a change would not be seen
				next.Seen.Add(m)
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
func (p *pass) readAll(ctx context.Context, members []webdav.Member, progress *cursor, present map[string]bool, last *kith.BookBatch) error {
	var todo []webdav.Member
	for _, m := range members {
		if !progress.Seen.Has(m) {
			todo = append(todo, m)
		}
	}
	if progress.Seen == nil {
		progress.Seen = webdav.Seen{}
	}
	done, total := len(members)-len(todo), len(members)
	held := 0 // members of the groups that wait
	for len(todo) > 0 {
		chunk := todo[:min(p.source.opts.Chunk, len(todo))]
		todo = todo[len(chunk):]
		refs := make([]string, len(chunk))
		for i, m := range chunk {
			refs[i] = m.Ref
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
			if !waiting[m.Ref] {
				progress.Seen.Add(m)
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
