package webdav

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"kith"
)

// Lister lists what one collection holds.
type Lister struct {
	Client *Client
	URL    *url.URL // of the collection, with a slash at its end
	What   string   // what the collection is called in messages: "book"
	Most   int      // members that are listed
	Takes  func(mediaType string) bool
	Syncs  bool // the collection has synchronisation (RFC 6578), as far as is known
}

// Listing is what a server says that a collection holds, or what changed in it.
type Listing struct {
	Members  []Member // sorted by ref
	Gone     []string
	Failed   []kith.Failure
	Complete bool     // nothing in it was odd
	Odd      []string // what was, in words for the log

	Token, CTag string
}

// Member is a resource as a listing names it. Its ref is its canonical path below the collection.
type Member struct {
	Ref, ETag string
}

// ErrNoToken says that a sync-token does not hold, or that there are none.
var ErrNoToken = errors.New("the sync-token does not hold")

// memberNames are asked for of each member.
var memberNames = []xml.Name{GetETag, ResourceType, GetContentType}

// maxOdd bounds the warnings about one listing.
const maxOdd = 5

func (l *Lister) path() string { return Ref(l.URL) }

// Since lists what changed since a token, or with an empty token all there is (RFC 6578
// §3.4). All pages are read before anything comes of them: a collection that is emptied must be
// seen as that. [ErrNoToken] says that the token does not hold.
func (l *Lister) Since(ctx context.Context, token string) (*Listing, error) {
	all := &Listing{Complete: true, Token: token}
	for {
		next, more, err := l.Client.SyncCollection(ctx, l.URL, all.Token, memberNames, func(r Response) error { return l.add(all, r) })
		switch {
		case IsInvalidToken(err), IsUnsupported(err), err == nil && next == "":
			return nil, ErrNoToken
		case err != nil:
			return nil, fmt.Errorf("list changes: %w", err)
		case more && next == all.Token:
			return nil, fmt.Errorf("list changes: %w: it says that there is more, and leads nowhere", ErrUnreadable)
		}
		if all.Token = next; !more {
			all.sort()
			return all, nil
		}
	}
}

// All lists the whole collection.
func (l *Lister) All(ctx context.Context) (*Listing, error) {
	if l.Syncs {
		all, err := l.Since(ctx, "")
		if !errors.Is(err, ErrNoToken) {
			return all, err
		}
		l.Syncs = false
	}
	return l.Members(ctx)
}

// Members lists the collection by PROPFIND.
func (l *Lister) Members(ctx context.Context) (*Listing, error) {
	all := &Listing{Complete: true}
	var err error
	// Before the listing: what changes in between is then listed once more.
	if all.CTag, err = l.CTag(ctx); err != nil {
		return nil, err
	}
	responses := 0
	_, err = l.Client.Propfind(ctx, l.URL, DepthOne, memberNames, func(r Response) error {
		responses++
		return l.add(all, r)
	})
	if err == nil && responses == 0 {
		// RFC 4918 §9.1: the collection itself is in it at least. An answer about nothing is no proof of an empty one.
		err = fmt.Errorf("%w: it is about nothing, not even the %s", ErrUnreadable, l.What)
	}
	if err != nil {
		return nil, fmt.Errorf("list the %s: %w", l.What, err)
	}
	all.sort()
	return all, nil
}

// CTag asks for the state of the collection, "" if it has no CTag.
func (l *Lister) CTag(ctx context.Context) (ctag string, err error) {
	_, err = l.Client.Propfind(ctx, l.URL, DepthZero, []xml.Name{CTag}, func(r Response) error {
		ctag = cmp.Or(ctag, r.Text(CTag))
		return nil
	})
	if err != nil {
		return "", fmt.Errorf("look at the %s: %w", l.What, err)
	}
	return ctag, nil
}

// add takes one response of a listing.
func (l *Lister) add(all *Listing, r Response) error {
	if len(all.Members)+len(all.Gone)+len(all.Failed) >= l.Most {
		return kith.Faultf(kith.FaultSettings, "there are more than %d members in it: leave it out by exclude", l.Most)
	}
	if r.Href == "" {
		all.odd("the server lists something without its href")
		return nil
	}
	u, err := l.Client.Resolve(l.URL, r.Href)
	if err != nil {
		all.odd(err.Error())
		return nil
	}
	path := Ref(u)
	ref, inside := strings.CutPrefix(path, l.path())
	switch {
	case path == l.path() || path+"/" == l.path():
		if r.Status >= 300 {
			return &kith.Fault{Kind: kith.FaultTransient, Err: &StatusError{Status: r.Status}}
		}
	case u.Host != l.URL.Host || !inside:
		all.odd("the server lists something that lies elsewhere")
	case r.IsCollection():
	case r.Status == http.StatusNotFound || r.Status == http.StatusGone:
		all.Gone = append(all.Gone, ref)
	case r.Status >= 300:
		all.Failed = append(all.Failed, kith.Failure{Ref: ref, Cause: "listed by the server as " + StatusText(r.Status)})
	case l.Takes(r.Text(GetContentType)):
		all.Members = append(all.Members, Member{ref, r.Text(GetETag)})
	}
	return nil
}

// odd notes that a listing can't be relied on for what it does not name.
func (all *Listing) odd(what string) {
	all.Complete = false
	if len(all.Odd) < maxOdd {
		all.Odd = append(all.Odd, what)
	}
}

// sort puts the members in order, each once. One that is both gone and a member is a member.
func (all *Listing) sort() {
	slices.SortStableFunc(all.Members, func(a, b Member) int { return cmp.Compare(a.Ref, b.Ref) })
	all.Members = slices.CompactFunc(all.Members, func(a, b Member) bool { return a.Ref == b.Ref })
	slices.Sort(all.Gone)
	all.Gone = slices.DeleteFunc(slices.Compact(all.Gone), func(ref string) bool {
		_, found := slices.BinarySearchFunc(all.Members, ref, func(m Member, ref string) int { return cmp.Compare(m.Ref, ref) })
		return found
	})
}

func (m Member) digest() uint64 {
	sum := sha256.Sum256([]byte(m.Ref + "\x00" + m.ETag))
	return binary.BigEndian.Uint64(sum[:])
}

// Seen is a set of members as they were, by digest. Two of 100,000 are mixed up
// with a probability of 1 in 3 billion.
type Seen map[uint64]struct{}

// Has tells whether a member is in the set as it is now.
func (s Seen) Has(m Member) bool {
	_, ok := s[m.digest()]
	return ok
}

// Add puts a member into the set.
func (s Seen) Add(m Member) { s[m.digest()] = struct{}{} }

// MarshalText writes the digests, sorted.
func (s Seen) MarshalText() ([]byte, error) {
	b := make([]byte, 0, 8*len(s))
	for _, digest := range slices.Sorted(maps.Keys(s)) {
		b = binary.BigEndian.AppendUint64(b, digest)
	}
	return base64.RawStdEncoding.AppendEncode(nil, b), nil
}

// UnmarshalText reads what MarshalText wrote.
func (s *Seen) UnmarshalText(text []byte) error {
	b, err := base64.RawStdEncoding.AppendDecode(nil, text)
	if err != nil {
		return err
	}
	*s = make(Seen, len(b)/8)
	for ; len(b) >= 8; b = b[8:] {
		(*s)[binary.BigEndian.Uint64(b)] = struct{}{}
	}
	return nil
}
