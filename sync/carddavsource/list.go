package carddavsource

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"kith"
	"kith/sync/webdav"
)

// listing is what a server says that a book holds, or what changed in it.
type listing struct {
	members  []member // sorted by ref
	gone     []string
	failed   []kith.Failure
	complete bool // nothing in it was odd

	token, ctag string
}

// memberNames are asked for of each card.
var memberNames = []xml.Name{webdav.GetETag, webdav.ResourceType, webdav.GetContentType}

// maxOdd bounds the warnings about one listing.
const maxOdd = 5

// since lists what changed since a token, or with an empty token all there is (RFC 6578
// §3.4). All pages are read before anything comes of them: a book that is emptied must be
// seen as that. errRestart says that the token does not hold.
func (p *pass) since(ctx context.Context, token string) (*listing, error) {
	l := &listing{complete: true, token: token}
	for {
		next, more, err := p.source.client.SyncCollection(ctx, p.book.url, l.token, memberNames, func(r webdav.Response) error { return p.add(l, r) })
		switch {
		case webdav.IsInvalidToken(err), webdav.IsUnsupported(err), err == nil && next == "":
			return nil, errRestart
		case err != nil:
			return nil, fmt.Errorf("list changes: %w", err)
		case more && next == l.token:
			return nil, fmt.Errorf("list changes: %w: it says that there is more, and leads nowhere", webdav.ErrUnreadable)
		}
		if l.token = next; !more {
			l.sort()
			return l, nil
		}
	}
}

// list lists the whole book.
func (p *pass) list(ctx context.Context) (*listing, error) {
	if p.book.syncs {
		l, err := p.since(ctx, "")
		if !errors.Is(err, errRestart) {
			return l, err
		}
		p.book.syncs = false
	}
	return p.listMembers(ctx)
}

// listMembers lists the book by PROPFIND.
func (p *pass) listMembers(ctx context.Context) (*listing, error) {
	l := &listing{complete: true}
	var err error
	// Before the listing: what changes in between is then listed once more.
	if l.ctag, err = p.ctag(ctx); err != nil {
		return nil, err
	}
	responses := 0
	_, err = p.source.client.Propfind(ctx, p.book.url, webdav.DepthOne, memberNames, func(r webdav.Response) error {
		responses++
		return p.add(l, r)
	})
	if err == nil && responses == 0 {
		// RFC 4918 §9.1: the book itself is in it at least. An answer about nothing is no proof of an empty book.
		err = fmt.Errorf("%w: it is about nothing, not even the book", webdav.ErrUnreadable)
	}
	if err != nil {
		return nil, fmt.Errorf("list cards: %w", err)
	}
	l.sort()
	return l, nil
}

// ctag asks for the state of the book, "" if it has no CTag.
func (p *pass) ctag(ctx context.Context) (ctag string, err error) {
	_, err = p.source.client.Propfind(ctx, p.book.url, webdav.DepthZero, []xml.Name{webdav.CTag}, func(r webdav.Response) error {
		ctag = cmp.Or(ctag, r.Text(webdav.CTag))
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("look at the book: %w", err)
	}
	return ctag, nil
}

// count counts the cards.
func (p *pass) count(ctx context.Context) (int, error) {
	l, err := p.listMembers(ctx)
	if err != nil {
		return 0, err
	}
	if !l.complete {
		return max(1, len(l.members)), nil // what is odd may be a card
	}
	return len(l.members) + len(l.failed), nil
}

// add takes one response of a listing.
func (p *pass) add(l *listing, r webdav.Response) error {
	if len(l.members)+len(l.gone)+len(l.failed) >= maxCards {
		return kith.Faultf(kith.FaultSettings, "there are more than %d cards in it: leave it out by exclude", maxCards)
	}
	if r.Href == "" {
		p.odd(l, "the server lists something without its href")
		return nil
	}
	u, err := p.source.client.Resolve(p.book.url, r.Href)
	if err != nil {
		p.odd(l, err.Error())
		return nil
	}
	path := webdav.Ref(u)
	ref, inside := strings.CutPrefix(path, p.book.path)
	switch {
	case path == p.book.path || path+"/" == p.book.path:
		if r.Status >= 300 {
			return &kith.Fault{Kind: kith.FaultTransient, Err: &webdav.StatusError{Status: r.Status}}
		}
	case u.Host != p.book.url.Host || !inside:
		p.odd(l, "the server lists something that lies elsewhere")
	case r.IsCollection():
	case r.Status == http.StatusNotFound || r.Status == http.StatusGone:
		l.gone = append(l.gone, ref)
	case r.Status >= 300:
		l.failed = append(l.failed, kith.Failure{Ref: ref, Cause: "listed by the server as " + webdav.StatusText(r.Status)})
	case isCard(r.Text(webdav.GetContentType)):
		l.members = append(l.members, member{ref, r.Text(webdav.GetETag)})
	}
	return nil
}

// odd notes that a listing can't be relied on for what it does not name.
func (p *pass) odd(l *listing, what string) {
	l.complete = false
	if len(p.warnings) < maxOdd {
		p.warnings = append(p.warnings, what)
	}
}

// isCard tells whether a media type, which many servers leave out, may be that of a vCard.
func isCard(mediaType string) bool {
	mediaType = strings.ToLower(mediaType)
	return mediaType == "" || strings.Contains(mediaType, "vcard") ||
		strings.HasPrefix(mediaType, "text/directory") || strings.HasPrefix(mediaType, "text/plain") ||
		strings.HasPrefix(mediaType, "application/octet-stream")
}

// sort puts the members in order, each once. One that is both gone and a member is a member.
func (l *listing) sort() {
	slices.SortStableFunc(l.members, func(a, b member) int { return cmp.Compare(a.ref, b.ref) })
	l.members = slices.CompactFunc(l.members, func(a, b member) bool { return a.ref == b.ref })
	slices.Sort(l.gone)
	l.gone = slices.DeleteFunc(slices.Compact(l.gone), func(ref string) bool {
		_, found := slices.BinarySearchFunc(l.members, ref, func(m member, ref string) int { return cmp.Compare(m.ref, ref) })
		return found
	})
}
