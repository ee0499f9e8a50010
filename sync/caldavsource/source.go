// Package caldavsource reads the occurrences of events from calendars by CalDAV (RFC 4791).
//
// That a calendar did not change its CTag tells, which is asked for with its name. What has changed is found
// by collection synchronisation (RFC 6578), else by the ETags of its resources. A sync-token is asked for when it is
// first needed: there are servers that note all resources for it one by one. A few resources are read by multiget; many, or all, by one
// query: servers differ by a factor of a thousand in what a listing or a multiget costs, and a query for
// all events is good on each. Events are expanded here, never by the server. Nothing is
// changed on it.
package caldavsource

import (
	"context"
	"crypto/x509"
	"encoding/xml"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"kith"
	"kith/sync/ical"
	"kith/sync/webdav"
)

// Options says how to reach and read calendars. Zero fields mean the defaults.
type Options struct {
	URL          string // https://…: the server, the user's principal or home, or one calendar
	Username     string // "": there is no login
	Password     func(ctx context.Context) (string, error)
	CAs          *x509.CertPool // trusted certificate authorities; nil: the system's
	AllowPrivate bool           // reach loopback, link-local and private addresses
	AllowPlain   bool           // let http:// go to other hosts than this one

	Include []string // globs of names or titles of calendars; empty: all
	Exclude []string

	Zone  *time.Location   // of times without a zone, in calendars without one; nil: UTC
	Since time.Time        // the horizon
	Ahead time.Duration    // how far ahead occurrences are told; default 60 days
	Now   func() time.Time // default: time.Now
	Chunk int              // items in a batch, about; default 500

	// Timeout is how long a request may go without any byte of its answer; default 60 s.
	Timeout time.Duration
	// MaxBody is how many bytes of one answer are read; default 256 MiB, of which only a
	// resource at a time is held.
	MaxBody int64
}

const (
	defaultAhead   = 60 * 24 * time.Hour
	defaultChunk   = 500
	defaultMaxBody = 256 << 20
	maxResources   = 200_000 // in a calendar
	day            = 24 * time.Hour
)

// Source reads one account. The ref of an occurrence is that of package ical, its resource being the
// canonical path below the calendar. It is used by one goroutine at a time, but Close may be
// called at any moment and ends whatever runs.
type Source struct {
	opts      Options
	client    *webdav.Client
	zones     ical.Zones
	calendars map[string]*calendar // by name; nil before they were looked for
}

// calendar is a calendar collection.
type calendar struct {
	webdav.Lister
	path   string // the canonical form of its URL, with a slash at its end
	single bool   // resources must be read one by one

	ctag string // what discovery told of its state just now, to be used once; "" if nothing
}

// Open makes a source. It connects when first used. An error is a [kith.Fault]
// about the settings.
func Open(_ context.Context, o Options) (*Source, error) {
	if o.MaxBody <= 0 {
		o.MaxBody = defaultMaxBody
	}
	client, err := webdav.New(webdav.Options{
		URL: o.URL, Username: o.Username, Password: o.Password, CAs: o.CAs,
		AllowPrivate: o.AllowPrivate, AllowPlain: o.AllowPlain,
		Timeout: o.Timeout, MaxBody: o.MaxBody,
	})
	if err != nil {
		return nil, err
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
	return &Source{opts: o, client: client}, nil
}

// Close ends whatever runs and frees the connections.
func (s *Source) Close() error {
	s.client.Close()
	return nil
}

var supportedComponents = xml.Name{Space: webdav.NSCalDAV, Local: "supported-calendar-component-set"} // RFC 4791 §5.2.3

// Streams names the calendars that are to be read: those that may hold events. A calendar's
// name is its path below the user's home, for its title can change.
func (s *Source) Streams(ctx context.Context) ([]kith.Stream, error) {
	found, err := s.client.Collections(ctx, webdav.Calendars, supportedComponents)
	if err != nil {
		return nil, err
	}
	s.calendars = map[string]*calendar{}
	streams := []kith.Stream{}
	for _, c := range found {
		if !c.Chosen(s.opts.Include, s.opts.Exclude) || !holdsEvents(&c.Response) {
			continue
		}
		s.calendars[c.Name] = &calendar{
			Lister: webdav.Lister{
				Client: s.client, URL: c.URL, What: "calendar", Most: maxResources, Takes: isCalendar,
				Syncs: c.Syncs() || !c.Response.Has(webdav.SupportedReports), // who does not tell may have it
			},
			path: webdav.Ref(c.URL), ctag: c.Response.Text(webdav.CTag),
		}
		streams = append(streams, kith.Stream{Name: c.Name, Role: kith.RoleCalendar})
	}
	return streams, nil
}

// holdsEvents tells whether a calendar may hold events: one that does not say what it
// holds may hold all.
func holdsEvents(r *webdav.Response) bool {
	p := r.Properties[supportedComponents]
	return !r.Has(supportedComponents) || len(p.Named) == 0 ||
		slices.ContainsFunc(p.Named, func(name string) bool { return strings.EqualFold(name, "VEVENT") })
}

// isCalendar tells whether a media type, which many servers leave out, may be that of iCalendar.
func isCalendar(mediaType string) bool {
	mediaType = strings.ToLower(mediaType)
	return mediaType == "" || strings.Contains(mediaType, "calendar") ||
		strings.HasPrefix(mediaType, "text/plain") || strings.HasPrefix(mediaType, "application/octet-stream")
}

// calendar finds a calendar by its stream.
func (s *Source) calendar(ctx context.Context, stream kith.Stream) (*calendar, error) {
	if s.calendars == nil {
		if _, err := s.Streams(ctx); err != nil {
			return nil, err
		}
	}
	c := s.calendars[stream.Name]
	if c == nil {
		return nil, fmt.Errorf("the server has no such calendar, or include and exclude leave it out: %w", kith.ErrNotFound)
	}
	return c, nil
}

// window is what of the calendars is looked at now. It ends with a day, so that it is
// the same for all that is read today.
func (s *Source) window() ical.Window {
	return ical.Window{From: s.opts.Since, To: s.opts.Now().Add(s.opts.Ahead).UTC().Truncate(day)}
}

// Changes implements Source of package syncer. A calendar that did not change is told by what discovery
// said of it, or by one request.
func (s *Source) Changes(ctx context.Context, stream kith.Stream, from kith.Cursor) iter.Seq2[kith.Batch, error] {
	return func(yield func(kith.Batch, error) bool) {
		c, err := s.calendar(ctx, stream)
		if err == nil {
			p := &pass{reader: reader{source: s, calendar: c, window: s.window()}, from: from, yield: func(b kith.Batch) bool { return yield(b, nil) }}
			err = p.run(ctx)
			if p.stopped {
				return
			}
		}
		if err != nil {
			yield(kith.Batch{}, wrap(stream, err))
		}
	}
}

// Fetch reads the named occurrences again, or all of the named resources, as one batch without a
// cursor. A ref that is no longer there is in Batch.Gone.
func (s *Source) Fetch(ctx context.Context, stream kith.Stream, refs []string) (kith.Batch, error) {
	c, err := s.calendar(ctx, stream)
	if err != nil {
		return kith.Batch{}, wrap(stream, err)
	}
	r := &reader{source: s, calendar: c, window: s.window()}
	var resources []string
	for _, ref := range refs {
		resources = append(resources, ical.Resource(ref))
	}
	slices.Sort(resources)
	var got batch
	for chunk := range slices.Chunk(slices.Compact(resources), multigetMost) {
		if err := r.read(ctx, chunk, time.Time{}, &got); err != nil {
			return kith.Batch{}, wrap(stream, err)
		}
	}
	b := kith.Batch{Failed: got.Failed, Warnings: got.Warnings}
	wanted := make(map[string]bool, len(refs))
	for _, ref := range refs {
		wanted[ref] = true
	}
	found := make(map[string]bool)
	for _, item := range got.Items {
		if resource := ical.Resource(item.Ref); wanted[item.Ref] || wanted[resource] {
			b.Items = append(b.Items, item)
			found[item.Ref], found[resource] = true, true
		}
	}
	failed := make(map[string]bool)
	for _, f := range got.Failed {
		failed[f.Ref] = true
	}
	for _, ref := range refs {
		if !found[ref] && !failed[ical.Resource(ref)] {
			b.Gone = append(b.Gone, ref)
		}
	}
	return b, nil
}

// maxFound is how many occurrences of one event Find names.
const maxFound = 12

// Find returns the refs of the occurrences of the event with this UID: of a series, those that are nearest to now.
func (s *Source) Find(ctx context.Context, stream kith.Stream, uid string) ([]string, error) {
	c, err := s.calendar(ctx, stream)
	if err != nil {
		return nil, wrap(stream, err)
	}
	if uid == "" {
		return nil, nil
	}
	r := &reader{source: s, calendar: c, window: s.window()}
	var found []kith.Item
	each := func(m webdav.Member, data string) error {
		var got batch
		r.take(m.Ref, data, time.Time{}, &got)
		for _, item := range got.Items {
			if item.Occurrence.UID == uid {
				found = append(found, item)
			}
		}
		return nil
	}
	if err = r.query(ctx, uid, each); webdav.IsUnsupported(err) { // a server may know no such filter
		found = nil
		err = r.query(ctx, "", each)
	}
	if err != nil {
		return nil, wrap(stream, err)
	}
	now := s.opts.Now()
	slices.SortFunc(found, func(a, b kith.Item) int {
		return int(a.Occurrence.Start.Sub(now).Abs()/time.Second) - int(b.Occurrence.Start.Sub(now).Abs()/time.Second)
	})
	var refs []string
	for _, item := range found[:min(len(found), maxFound)] {
		refs = append(refs, item.Ref)
	}
	slices.Sort(refs)
	return refs, nil
}

// Search implements Source of package syncer: calendars are read again.
func (s *Source) Search(ctx context.Context, stream kith.Stream, _ []string) iter.Seq2[kith.Batch, error] {
	return func(yield func(kith.Batch, error) bool) {
		_, err := s.calendar(ctx, stream)
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
