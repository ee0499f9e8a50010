// Package carddavsource reads contacts from address books by CardDAV (RFC 6352).
//
// What has changed is found by collection synchronisation (RFC 6578), else by the
// book's CTag and the ETags of its cards. Cards are read by multiget, or one by one
// where that fails, so that a card that can't be read costs only itself. Nothing
// is changed on the server.
package carddavsource

import (
	"context"
	"crypto/x509"
	"fmt"
	"iter"
	"strings"
	"time"

	"kith"
	"kith/sync/webdav"
)

// Options says how to reach and read address books. Zero fields mean the defaults.
type Options struct {
	Account      string // its name: the Source of its contacts
	URL          string // https://…: the server, the user's principal or home, or one book
	Username     string // "": there is no login
	Password     func(ctx context.Context) (string, error)
	CAs          *x509.CertPool // trusted certificate authorities; nil: the system's
	AllowPrivate bool           // reach loopback, link-local and private addresses
	AllowPlain   bool           // let http:// go to other hosts than this one

	Include []string // globs of names or titles of books; empty: all
	Exclude []string
	// Region is the country (ISO 3166) of phone numbers without one; "": they stay as they are.
	Region string
	Chunk  int // cards read at once, and in a batch; default 100

	// Timeout is how long a request may go without any byte of its answer; default 60 s.
	Timeout time.Duration
	// MaxBody is how many bytes of one answer are read; default 64 MiB.
	MaxBody int64
}

// Source reads one account. The ref of a card is its canonical path below its book; the
// ExternalID of its contact is its UID without urn:uuid:, or its whole path if it has
// none. It is used by one goroutine at a time, but Close may be
// called at any moment and ends whatever runs.
type Source struct {
	opts   Options
	client *webdav.Client
	books  map[string]*book // by name; nil before they were looked for
}

// book is an address book.
type book struct {
	webdav.Lister
	path   string // the canonical form of its URL, with a slash at its end
	single bool   // cards must be read one by one
}

// empty tells whether there is nothing in a batch to record but the cursor.
func empty(b *kith.BookBatch) bool {
	return len(b.Cards) == 0 && len(b.Groups) == 0 && len(b.Gone) == 0 && len(b.Failed) == 0 && len(b.Ignored) == 0 &&
		b.Emptied == 0 && b.Restarted == "" && len(b.Warnings) == 0
}

const (
	defaultChunk = 100
	maxCards     = 100_000 // in a book
)

// Open makes a source. It connects when first used. An error is a [kith.Fault]
// about the settings.
func Open(_ context.Context, o Options) (*Source, error) {
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
	return &Source{opts: o, client: client}, nil
}

// Close ends whatever runs and frees the connections.
func (s *Source) Close() error {
	s.client.Close()
	return nil
}

// Books names the address books that are to be read. A book's name is its path
// below the user's home, for its title can change.
func (s *Source) Books(ctx context.Context) ([]kith.Stream, error) {
	found, err := s.client.Collections(ctx, webdav.AddressBooks, webdav.SyncToken)
	if err != nil {
		return nil, err
	}
	s.books = map[string]*book{}
	var streams []kith.Stream
	for _, c := range found {
		if !c.Chosen(s.opts.Include, s.opts.Exclude) {
			continue
		}
		s.books[c.Name] = &book{
			Lister: webdav.Lister{
				Client: s.client, URL: c.URL, What: "book", Most: maxCards, Takes: isCard, Syncs: c.Syncs(),
			},
			path: webdav.Ref(c.URL),
		}
		streams = append(streams, kith.Stream{Name: c.Name})
	}
	return streams, nil
}

// book finds a book by its stream.
func (s *Source) book(ctx context.Context, stream kith.Stream) (*book, error) {
	if s.books == nil {
		if _, err := s.Books(ctx); err != nil {
			return nil, err
		}
	}
	b := s.books[stream.Name]
	if b == nil {
		return nil, fmt.Errorf("the server has no such book, or include and exclude leave it out: %w", kith.ErrNotFound)
	}
	return b, nil
}

// Changes yields what is new in a book since the cursor, in batches that each carry
// the cursor to continue from; an empty cursor means all. A cursor that no longer
// holds makes the source start over by itself and say so in Batch.Restarted. The
// sequence ends after the first error, or when there is nothing more; the caller
// may stop it at any batch. Changes without anything new yields no batch.
func (s *Source) Changes(ctx context.Context, stream kith.Stream, from kith.Cursor) iter.Seq2[kith.BookBatch, error] {
	return func(yield func(kith.BookBatch, error) bool) {
		b, err := s.book(ctx, stream)
		if err == nil {
			p := &pass{reader: reader{source: s, book: b}, from: from, yield: func(b kith.BookBatch) bool { return yield(b, nil) }}
			err = p.run(ctx)
			if p.stopped {
				return
			}
		}
		if err != nil {
			yield(kith.BookBatch{}, wrap(stream, err))
		}
	}
}

// Fetch reads the named cards again, as one batch without a cursor. A ref that is no longer there
// is in Batch.Gone.
func (s *Source) Fetch(ctx context.Context, stream kith.Stream, refs []string) (kith.BookBatch, error) {
	b, err := s.book(ctx, stream)
	if err != nil {
		return kith.BookBatch{}, wrap(stream, err)
	}
	r := &reader{source: s, book: b}
	var batch kith.BookBatch
	for from := 0; from < len(refs); from += s.opts.Chunk {
		if err := r.read(ctx, refs[from:min(from+s.opts.Chunk, len(refs))], &batch); err != nil {
			return kith.BookBatch{}, wrap(stream, err)
		}
	}
	return batch, nil
}

// wrap names the book. The account is named by the one who polls it.
func wrap(stream kith.Stream, err error) error {
	return fmt.Errorf("address book %s: %w", stream.Name, err)
}

// canonicalUID makes one form of the UIDs that version 3 writes bare and version 4 as a URN (RFC 9562 §4).
func canonicalUID(uid string) string {
	const urn = "urn:uuid:"
	uid = strings.TrimSpace(uid)
	if len(uid) > len(urn) && strings.EqualFold(uid[:len(urn)], urn) {
		return uid[len(urn):]
	}
	return uid
}
