// Package icssource reads the occurrences of events from iCalendar files: one that
// is published on the web (a feed), one on this machine, or a folder of them.
//
// What can't be a whole calendar, such as an empty answer, a web page or a file that is cut
// off, changes nothing.
package icssource

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"iter"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"kith"
	"kith/sync/ical"
	"kith/sync/webdav"
)

// Options says where the calendar is. Zero fields mean the defaults.
type Options struct {
	URL          string // https://…, webcal://… or file:///…
	Username     string // "": there is no login
	Password     func(ctx context.Context) (string, error)
	CAs          *x509.CertPool // trusted certificate authorities; nil: the system's
	AllowPrivate bool           // reach loopback, link-local and private addresses
	AllowPlain   bool           // let http:// go to other hosts than this one

	Zone  *time.Location   // of times without a zone, in calendars without one; nil: UTC
	Since time.Time        // the horizon
	Ahead time.Duration    // how far ahead occurrences are told; default 60 days
	Now   func() time.Time // default: time.Now
	Chunk int              // items in a batch, about; default 500

	// Timeout is how long a request may go without any byte of its answer; default 60 s.
	Timeout time.Duration
	// MaxBody is how many bytes of a feed or file are read, after any compression is
	// undone; default 64 MiB. All of it is held at once.
	MaxBody int64
}

const (
	defaultAhead   = 60 * 24 * time.Hour
	defaultChunk   = 500
	defaultMaxBody = 64 << 20
	maxFiles       = 10_000 // in a folder
	maxWarnings    = 50     // of a batch
	day            = 24 * time.Hour

	// fileEnd stands behind the name of a file, in which it never is as such.
	fileEnd = "!"
)

// Source reads one account. It has one stream, named like the file. The refs of occurrences are those
// of package ical, each event being a resource; in a folder the name of the file goes before it. It is used by one
// goroutine at a time, but Close may be called at any moment and ends whatever runs.
type Source struct {
	opts   Options
	url    *url.URL       // of a feed
	client *webdav.Client // nil: it is no feed
	file   string         // "": it is a feed
	zones  ical.Zones
	life   context.Context
	end    context.CancelFunc
}

// Open makes a source. It connects when first used. An error is a [kith.Fault]
// about the settings.
func Open(_ context.Context, o Options) (*Source, error) {
	if o.MaxBody <= 0 {
		o.MaxBody = defaultMaxBody
	}
	if o.Chunk <= 0 {
		o.Chunk = defaultChunk
	}
	if o.Ahead <= 0 {
		o.Ahead = defaultAhead
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	s := &Source{opts: o}
	s.life, s.end = context.WithCancel(context.Background())
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, kith.Faultf(kith.FaultSettings, "url: want https://…, webcal://… or file:///…")
	}
	switch u.Scheme {
	case "file":
		if u.Host != "" && u.Host != "localhost" || u.Path == "" {
			return nil, kith.Faultf(kith.FaultSettings, "url: want file:///path of a file or folder on this machine")
		}
		s.file = filepath.FromSlash(u.Path)
		return s, nil
	case "webcal", "webcals":
		u.Scheme = "https"
	}
	u.Fragment, u.RawFragment = "", ""
	s.url = u
	s.client, err = webdav.New(webdav.Options{
		URL: u.String(), Username: o.Username, Password: o.Password, CAs: o.CAs, AllowPrivate: o.AllowPrivate, AllowPlain: o.AllowPlain,
		Query: true, Timeout: o.Timeout, MaxBody: o.MaxBody,
	})
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Close ends whatever runs and frees the connections.
func (s *Source) Close() error {
	s.end()
	if s.client != nil {
		s.client.Close()
	}
	return nil
}

// Streams names the one calendar that there is.
func (s *Source) Streams(ctx context.Context) ([]kith.Stream, error) {
	if err := s.alive(ctx); err != nil {
		return nil, err
	}
	name := filepath.Base(s.file)
	if s.file == "" {
		if name = path.Base(s.url.Path); name == "/" || name == "." {
			name = s.url.Hostname()
		}
	}
	return []kith.Stream{{Name: name, Role: kith.RoleCalendar}}, nil
}

func (s *Source) alive(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	if s.life.Err() != nil {
		return errors.New("the calendar is closed")
	}
	return nil
}

func (s *Source) window() ical.Window {
	return ical.Window{From: s.opts.Since, To: s.opts.Now().Add(s.opts.Ahead).UTC().Truncate(day)}
}

// Changes implements Source of package syncer.
func (s *Source) Changes(ctx context.Context, stream kith.Stream, from kith.Cursor) iter.Seq2[kith.Batch, error] {
	return func(yield func(kith.Batch, error) bool) {
		fail := func(err error) { yield(kith.Batch{}, wrap(stream, err)) }
		if err := s.alive(ctx); err != nil {
			fail(err)
			return
		}
		cur, restart := parseCursor(from)
		window := s.window()
		known := cur.Validators
		if cur.Until != window.To.Unix() {
			known = webdav.Validators{} // the window has moved on: what did not change tells more
		}
		got, validators, changed, err := s.read(ctx, known, window)
		if err != nil {
			fail(err)
			return
		}
		if !changed && restart == "" {
			return
		}
		progress, present := cursor{Until: window.To.Unix(), Seen: webdav.Seen{}}, make(map[string]bool)
		next := cursor{Validators: validators, Until: window.To.Unix(), Seen: webdav.Seen{}}
		for _, r := range got.resources {
			present[r.Ref] = true
			next.Seen.Add(r.Member)
			if cur.Seen.Has(r.Member) {
				progress.Seen.Add(r.Member)
			}
		}
		for _, f := range got.failed {
			present[f.Ref] = true
		}
		held := kith.Batch{Restarted: restart, Failed: got.failed, Warnings: got.warnings, Backfill: cur.Seen == nil}
		for _, r := range got.resources {
			if cur.Seen.Has(r.Member) {
				continue
			}
			if n := len(held.Items); n > 0 && n+len(r.take.Items) > s.opts.Chunk {
				held.Cursor = progress.String()
				if !yield(held, nil) {
					return
				}
				if err := s.alive(ctx); err != nil {
					fail(err)
					return
				}
				held = kith.Batch{Backfill: held.Backfill}
			}
			held.Items = append(held.Items, r.take.Items...)
			held.Covered = append(held.Covered, r.take.Covered...)
			held.Failed = append(held.Failed, r.take.Failed...)
			held.Warnings = append(held.Warnings, r.take.Warnings[:min(len(r.take.Warnings), max(0, maxWarnings-len(held.Warnings)))]...)
			progress.Seen.Add(r.Member)
		}
		held.Cursor = next.String()
		if held.Cursor == from && len(held.Items)+len(held.Failed) == 0 {
			return
		}
		held.Present = func(ref string) bool {
			resource := ical.Resource(ref)
			file, _, _ := strings.Cut(resource, fileEnd)
			return present[resource] || present[file] // a file that could not be read
		}
		yield(held, nil)
	}
}

// Fetch reads the named occurrences again, or all of the named resources, as one batch without a
// cursor. A ref that is no longer there is in Batch.Gone.
func (s *Source) Fetch(ctx context.Context, stream kith.Stream, refs []string) (kith.Batch, error) {
	if err := s.alive(ctx); err != nil {
		return kith.Batch{}, wrap(stream, err)
	}
	got, _, _, err := s.read(ctx, webdav.Validators{}, s.window())
	if err != nil {
		return kith.Batch{}, wrap(stream, err)
	}
	wanted, found := make(map[string]bool, len(refs)), make(map[string]bool)
	for _, ref := range refs {
		wanted[ref] = true
	}
	var b kith.Batch
	take := func(f kith.Failure) {
		if wanted[f.Ref] {
			b.Failed = append(b.Failed, f)
			found[f.Ref] = true
		}
	}
	for _, r := range got.resources {
		for _, item := range r.take.Items {
			if wanted[item.Ref] || wanted[r.Ref] {
				b.Items = append(b.Items, item)
				found[item.Ref], found[r.Ref] = true, true
			}
		}
		for _, f := range r.take.Failed {
			take(f)
		}
	}
	for _, f := range got.failed {
		take(f)
	}
	for _, ref := range refs {
		if !found[ref] {
			b.Gone = append(b.Gone, ref)
		}
	}
	return b, nil
}

// maxFound is how many occurrences of one event Find names.
const maxFound = 12

// Find returns the refs of the occurrences of the event with this UID: of a series, those that are nearest to now.
func (s *Source) Find(ctx context.Context, stream kith.Stream, uid string) ([]string, error) {
	if err := s.alive(ctx); err != nil {
		return nil, wrap(stream, err)
	}
	got, _, _, err := s.read(ctx, webdav.Validators{}, s.window())
	if err != nil {
		return nil, wrap(stream, err)
	}
	var items []kith.Item
	for _, r := range got.resources {
		if r.uid == uid {
			items = append(items, r.take.Items...)
		}
	}
	now := s.opts.Now()
	slices.SortFunc(items, func(a, b kith.Item) int {
		return int(a.Occurrence.Start.Sub(now).Abs()/time.Second) - int(b.Occurrence.Start.Sub(now).Abs()/time.Second)
	})
	var refs []string
	for _, item := range items[:min(len(items), maxFound)] {
		refs = append(refs, item.Ref)
	}
	slices.Sort(refs)
	return refs, nil
}

// Search implements Source of package syncer: the calendar is read again.
func (s *Source) Search(ctx context.Context, stream kith.Stream, _ []string) iter.Seq2[kith.Batch, error] {
	return func(yield func(kith.Batch, error) bool) {
		err := s.alive(ctx)
		if err == nil {
			err = kith.ErrNoSearch
		}
		yield(kith.Batch{}, wrap(stream, err))
	}
}

// wrap names the calendar. The account is named by the one who polls it.
func wrap(stream kith.Stream, err error) error {
	return fmt.Errorf("calendar %s: %w", stream.Name, err)
}
