package caldavsource

import (
	"context"
	"encoding/xml"
	"errors"
	"maps"
	"slices"
	"time"

	"kith"
	"kith/sync/ical"
	"kith/sync/webdav"
)

// pass is one run of Changes.
type pass struct {
	reader
	from    kith.Cursor
	yield   func(kith.Batch) bool
	stopped bool // by the caller

	held      batch // what was read and not told yet
	backfill  bool  // all of the calendar is being read
	restarted string
	warnings  []string
}

// errStopped ends a pass that the caller has left.
var errStopped = errors.New("stopped")

func (p *pass) run(ctx context.Context) error {
	cur, restart := parseCursor(p.from)
	p.restarted = restart
	ctag := p.calendar.ctag
	p.calendar.ctag = ""
	if ctag == "" {
		var err error
		if ctag, err = p.calendar.CTag(ctx); err != nil {
			return err
		}
	}
	switch {
	case p.from == "", restart != "":
		return p.begin(ctx, ctag)
	case cur.Open && cur.Next != "":
		return p.incremental(ctx, cur, ctag)
	case cur.Open:
		return p.full(ctx, cur)
	case cur.CTag != "" && cur.CTag == ctag:
		return p.roll(ctx, cur)
	case cur.Token != "":
		return p.incremental(ctx, cur, ctag)
	case cur.CTag != "":
		token, err := p.token(ctx)
		if err != nil {
			return err
		}
		return p.full(ctx, cursor{Next: token, CTag: ctag, Seen: maps.Clone(cur.Seen), Until: cur.Until, Later: cur.Later})
	}
	return p.compare(ctx, cur)
}

// begin reads the calendar from the start.
func (p *pass) begin(ctx context.Context, ctag string) error {
	cur := cursor{CTag: ctag}
	if ctag == "" { // only a token can tell that nothing changed
		var err error
		if cur.Next, err = p.token(ctx); err != nil {
			return err
		}
	}
	p.backfill = true
	return p.full(ctx, cur)
}

// token asks for the sync-token of the calendar, "" if it has none.
func (p *pass) token(ctx context.Context) (token string, err error) {
	if !p.calendar.Syncs {
		return "", nil
	}
	_, err = p.source.client.Propfind(ctx, p.calendar.URL, webdav.DepthZero, []xml.Name{webdav.SyncToken}, func(r webdav.Response) error {
		token = r.Text(webdav.SyncToken)
		return nil
	})
	return token, err
}

// emit hands what is held to the caller.
func (p *pass) emit(at cursor) error {
	b := p.held.Batch
	b.Backfill = p.backfill
	at.later(p.held.next)
	p.held = batch{}
	b.Cursor = at.String()
	b.Restarted, p.restarted = p.restarted, ""
	b.Warnings = append(p.warnings, b.Warnings...)
	p.warnings = nil
	if len(b.Items)+len(b.Covered)+len(b.Failed)+len(b.Warnings) == 0 && b.Present == nil && b.Restarted == "" && b.Cursor == p.from {
		return nil
	}
	if !p.yield(b) {
		p.stopped = true
		return errStopped
	}
	return nil
}

// enough tells whether what is held makes a batch.
func (p *pass) enough() bool {
	return len(p.held.Items) >= p.source.opts.Chunk || p.held.read >= 4*p.source.opts.Chunk
}

// full reads the whole calendar, but for the resources that the cursor has seen. Its Next and CTag are of
// the time before; what it has seen was told for the days before its Until.
func (p *pass) full(ctx context.Context, cur cursor) error {
	p.backfill = p.backfill || cur.Open
	progress := cur
	progress.Open, progress.Token = true, ""
	if progress.Seen == nil {
		progress.Seen, progress.Until = webdav.Seen{}, dayOf(p.window.To)
	}
	present := map[string]bool{}
	var members, missing []webdav.Member
	complete := true
	err := p.query(ctx, "", func(m webdav.Member, data string) error {
		present[m.Ref] = true
		members = append(members, m)
		switch {
		case progress.Seen.Has(m):
			return nil
		case data == "":
			missing = append(missing, m)
			return nil
		case p.enough():
			if err := p.emit(progress); err != nil {
				return err
			}
		}
		p.take(m.Ref, data, time.Time{}, &p.held)
		progress.took(m, p.held.next)
		return nil
	})
	switch {
	case err == nil && len(members) > 0:
	case err == nil, webdav.IsUnsupported(err), errors.Is(err, webdav.ErrUnreadable):
		// An answer about nothing is no proof of an empty calendar.
		l, err := p.calendar.All(ctx)
		if err != nil {
			return err
		}
		p.warnings = append(p.warnings, l.Odd...)
		complete, members, missing = l.Complete, l.Members, l.Members
		present = presentIn(l)
		p.held.Failed = append(p.held.Failed, l.Failed...)
	default:
		return err
	}
	if err := p.readMembers(ctx, missing, &progress); err != nil {
		return err
	}
	if complete {
		p.held.Present = func(ref string) bool { return present[ical.Resource(ref)] }
	}
	next := cursor{Token: progress.Next, CTag: progress.CTag, Until: progress.Until, Later: progress.Later}
	if next.Token == "" {
		next.Seen = seenOf(members)
	}
	return p.emitThenRoll(ctx, next)
}

// emitThenRoll hands on what is held, and goes on with what the days bring.
func (p *pass) emitThenRoll(ctx context.Context, at cursor) error {
	at.later(p.held.next)
	if err := p.emit(at); err != nil {
		return err
	}
	p.from = at.String()
	return p.roll(ctx, at)
}

// presentIn are the resources that a listing names.
func presentIn(l *webdav.Listing) map[string]bool {
	present := make(map[string]bool, len(l.Members)+len(l.Failed))
	for _, m := range l.Members {
		present[m.Ref] = true
	}
	for _, f := range l.Failed {
		present[f.Ref] = true
	}
	return present
}

func seenOf(members []webdav.Member) webdav.Seen {
	seen := webdav.Seen{}
	for _, m := range members {
		if m.ETag != "" { // without one, a change would not be seen
			seen.Add(m)
		}
	}
	return seen
}

// incremental reads what changed since the cursor's token.
func (p *pass) incremental(ctx context.Context, cur cursor, ctag string) error {
	token := cur.Token
	if cur.Open {
		token = cur.Next
	}
	l, err := p.calendar.Since(ctx, token)
	if errors.Is(err, webdav.ErrNoToken) {
		p.restarted = "the server no longer knows how far the calendar was read"
		return p.begin(ctx, ctag)
	}
	if err != nil {
		return err
	}
	p.warnings = append(p.warnings, l.Odd...)
	progress := cur
	if progress.Seen = maps.Clone(cur.Seen); progress.Seen == nil {
		progress.Seen = webdav.Seen{}
	}
	if err := p.readAll(ctx, l.Members, &progress); err != nil {
		return err
	}
	for _, ref := range l.Gone {
		p.held.gone(ref)
	}
	p.held.Failed = append(p.held.Failed, l.Failed...)
	if !cur.Open {
		return p.emitThenRoll(ctx, cursor{Token: l.Token, CTag: ctag, Until: cur.Until, Later: progress.Later})
	}
	// What was new came before the rest of what was there.
	progress.Next = l.Token
	progress.later(p.held.next)
	if err := p.emit(progress); err != nil {
		return err
	}
	return p.full(ctx, progress)
}

// compare lists the calendar and reads what is new or has changed by its ETag. A calendar
// without ETags is read whole.
func (p *pass) compare(ctx context.Context, cur cursor) error {
	l, err := p.calendar.Members(ctx)
	if err != nil {
		return err
	}
	p.warnings = append(p.warnings, l.Odd...)
	progress := cur
	if progress.Seen = maps.Clone(cur.Seen); progress.Seen == nil {
		progress.Seen = webdav.Seen{}
	}
	if err := p.readAll(ctx, l.Members, &progress); err != nil {
		return err
	}
	p.held.Failed = append(p.held.Failed, l.Failed...)
	next := cursor{CTag: l.CTag, Seen: seenOf(l.Members), Until: cur.Until, Later: progress.Later}
	next.later(p.held.next)
	if len(p.held.Items) == 0 && next.String() == p.from {
		return p.roll(ctx, cur)
	}
	if l.Complete {
		present := presentIn(l)
		p.held.Present = func(ref string) bool { return present[ical.Resource(ref)] }
	}
	return p.emitThenRoll(ctx, next)
}

// readAll reads the members that progress has not seen, and hands on batches but for the last.
func (p *pass) readAll(ctx context.Context, members []webdav.Member, progress *cursor) error {
	todo := slices.DeleteFunc(slices.Clone(members), progress.Seen.Has)
	if len(todo) < queryFrom {
		return p.readMembers(ctx, todo, progress)
	}
	wanted := make(map[string]webdav.Member, len(todo))
	for _, m := range todo {
		wanted[m.Ref] = m
	}
	err := p.query(ctx, "", func(m webdav.Member, data string) error {
		listed, ok := wanted[m.Ref]
		if !ok || data == "" {
			return nil
		}
		if p.enough() {
			if err := p.emit(*progress); err != nil {
				return err
			}
		}
		delete(wanted, m.Ref)
		p.take(m.Ref, data, time.Time{}, &p.held)
		progress.took(listed, p.held.next)
		return nil
	})
	if err != nil && !webdav.IsUnsupported(err) && !errors.Is(err, webdav.ErrUnreadable) {
		return err
	}
	// What is left holds no event, or was not in the answer.
	todo = slices.DeleteFunc(todo, func(m webdav.Member) bool { _, left := wanted[m.Ref]; return !left })
	return p.readMembers(ctx, todo, progress)
}

// readMembers does so some at a time.
func (p *pass) readMembers(ctx context.Context, members []webdav.Member, progress *cursor) error {
	todo := slices.DeleteFunc(slices.Clone(members), progress.Seen.Has)
	for chunk := range slices.Chunk(todo, min(multigetMost, p.source.opts.Chunk)) {
		if p.enough() || len(p.held.Items) > 0 && len(p.held.Items)+len(chunk) > p.source.opts.Chunk {
			if err := p.emit(*progress); err != nil {
				return err
			}
		}
		refs := make([]string, len(chunk))
		for i, m := range chunk {
			refs[i] = m.Ref
		}
		if err := p.read(ctx, refs, time.Time{}, &p.held); err != nil {
			return err
		}
		for _, m := range chunk {
			progress.took(m, p.held.next)
		}
	}
	return nil
}

// roll tells what the days bring by which the window has moved on.
func (p *pass) roll(ctx context.Context, cur cursor) error {
	until := dayOf(p.window.To)
	if until <= cur.Until {
		return nil
	}
	var due []string
	for ref, next := range cur.Later {
		if next < until {
			due = append(due, ref)
		}
	}
	slices.Sort(due)
	for chunk := range slices.Chunk(due, multigetMost) {
		if p.enough() {
			if err := p.emit(cur); err != nil {
				return err
			}
		}
		if err := p.read(ctx, chunk, timeOf(cur.Until), &p.held); err != nil {
			return err
		}
	}
	next := cur
	next.Until = until
	return p.emit(next)
}
