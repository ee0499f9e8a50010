// Package imapsource reads mailboxes over IMAP (RFC 3501, RFC 9051): folders, what
// is new in them, the past down to a horizon, and what is gone. Of a message it
// reads chosen header fields and the structure, never the body, but for delivery
// reports and, when asked to, the beginning of the text. It changes nothing.
package imapsource

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"

	"kith"
)

const (
	defaultChunk = 1000

	// reconnectBudget bounds the reconnects of one poll. A connection that fell
	// silent costs silencePrice of it, since each such wait is long.
	reconnectBudget = 30
	silencePrice    = 10

	// stopGrace is how long a stopped Changes may take to read to its end what
	// the server is sending, so that the connection stays of use.
	stopGrace = 5 * time.Second
)

// errClosed is why a command ends when the source is closed under it.
var errClosed = errors.New("the source was closed")

// Source reads an IMAP mailbox (RFC 3501, RFC 9051). It implements the Source
// of package syncer and obeys its rules on concurrency: one call at a time, but
// for Close.
type Source struct {
	opts Options
	log  *slog.Logger

	life context.Context // ends with Close; calls derive theirs from it
	end  context.CancelCauseFunc
	work sync.WaitGroup // running calls

	mu     sync.Mutex // guards closed against calls that begin
	closed bool

	// The rest belongs to the running call.
	sess     *session
	selected string                     // folder that sess has examined
	fresh    bool                       // nothing was asked of it since
	statuses map[string]imap.StatusData // what Streams learnt, each good for one Changes
	budget   int                        // of reconnects
}

// Open makes a source of the mailbox. It connects when first used.
func Open(_ context.Context, opts Options) (*Source, error) {
	if y := opts.Since.Year(); y < 1 || y > 9999 {
		return nil, kith.Faultf(kith.FaultSettings, "account %s: the horizon's year %d is out of range", opts.Account, y)
	}
	if opts.Chunk <= 0 {
		opts.Chunk = defaultChunk
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	opts.Since = opts.Since.UTC().Truncate(time.Second)
	s := &Source{opts: opts, log: opts.Log, budget: reconnectBudget}
	s.life, s.end = context.WithCancelCause(context.Background())
	return s, nil
}

// Close ends what runs, logs out and closes the connection. Later calls fail.
func (s *Source) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()

	s.end(errClosed)
	s.work.Wait()
	if s.sess == nil {
		return nil
	}
	err := s.sess.close()
	s.sess = nil
	return err
}

// begin starts a call: its context is done when the caller's is, or when the
// source is closed. The function returned ends the call.
func (s *Source) begin(ctx context.Context) (context.Context, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, errClosed
	}
	s.work.Add(1)
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.life, func() { cancel(context.Cause(s.life)) })
	return ctx, func() {
		stop()
		cancel(nil)
		s.work.Done()
	}, nil
}

// connect makes sure that there is a live connection. Each one after the first
// is taken from the budget.
func (s *Source) connect(ctx context.Context) error {
	if !s.broken() {
		return nil
	}
	if s.sess != nil {
		s.sess.close() // its end is known, and was told by what ran into it
		s.sess, s.selected = nil, ""
		if s.budget <= 0 {
			return errors.New("the connection broke too often, going on at the next poll")
		}
		s.budget--
	}
	sess, err := dial(ctx, &s.opts)
	if err != nil {
		return err
	}
	s.sess = sess
	return nil
}

// broken tells whether there is no live connection.
func (s *Source) broken() bool { return s.sess == nil || s.sess.broken() }

// run issues a command in the examined folder, see [session.run].
func (s *Source) run(ctx context.Context, what string, wait func() error) error {
	err := s.sess.run(ctx, what, wait)
	s.fresh = false
	return err
}

// messages returns how many messages the examined folder has now, which had so
// many when it was examined. The client sets its own count a moment after it
// reports the end of an EXAMINE, so that it is right from the next command on.
func (s *Source) messages(examined uint32) uint32 {
	if s.fresh || s.broken() {
		return examined
	}
	if mb := s.sess.client.Mailbox(); mb != nil {
		return min(examined, mb.NumMessages)
	}
	return examined
}

// mailbox is a folder as EXAMINE shows it.
type mailbox struct {
	name     string
	validity uint32 // UIDVALIDITY; 0: the server gives none
	next     uint64 // UIDNEXT
	guessed  bool   // the server gives no UIDNEXT: next is one more than the last UID
	messages uint32
}

// examine opens a folder without the right to change it (RFC 9051 §6.3.3) and
// connects first if need be.
func (s *Source) examine(ctx context.Context, name string) (mailbox, error) {
	if err := s.connect(ctx); err != nil {
		return mailbox{}, err
	}
	s.selected = ""
	var data *imap.SelectData
	err := s.sess.run(ctx, "examine", func() (err error) {
		data, err = s.sess.client.Select(name, &imap.SelectOptions{ReadOnly: true}).Wait()
		return err
	})
	if err != nil {
		return mailbox{}, err
	}
	s.selected, s.fresh = name, true
	mb := mailbox{
		name:     name,
		validity: data.UIDValidity,
		next:     uint64(data.UIDNext),
		messages: data.NumMessages,
	}
	if mb.next == 0 {
		mb.next, mb.guessed = 1, true
		if mb.messages > 0 {
			last, err := s.search(ctx, &imap.SearchCriteria{SeqNum: []imap.SeqSet{imap.SeqSetNum(mb.messages)}})
			if err != nil {
				return mailbox{}, err
			}
			for _, r := range last {
				mb.next = max(mb.next, uint64(r.Stop)+1)
			}
		}
	}
	return mb, nil
}

// Changes yields what is new in a folder. See the Source of package syncer.
//
// The server is read ahead of the caller by a few batches. When the caller
// stops, what is under way is read to its end for a short time and dropped.
func (s *Source) Changes(ctx context.Context, stream kith.Stream, from kith.Cursor) iter.Seq2[kith.Batch, error] {
	return func(yield func(kith.Batch, error) bool) {
		ctx, end, err := s.begin(ctx)
		if err != nil {
			yield(kith.Batch{}, s.wrap(stream, err))
			return
		}
		ctx, cut := context.WithCancel(ctx)
		p := &pass{
			reader: reader{source: s, stream: stream},
			out:    make(chan kith.Batch, 2),
			stop:   make(chan struct{}),
		}
		go func() {
			defer end()
			defer close(p.out)
			err = p.run(ctx, from)
		}()
		stopped := false
		defer func() { // also when the caller's loop panics
			if stopped {
				close(p.stop)
				timer := time.AfterFunc(stopGrace, cut)
				defer timer.Stop()
			}
			for range p.out {
			}
			cut()
		}()
		for batch := range p.out {
			stopped = true
			if !yield(batch, nil) {
				return
			}
			stopped = false
		}
		if err != nil {
			yield(kith.Batch{}, s.wrap(stream, err))
		}
	}
}

// Fetch reads messages again. See the Source of package syncer.
func (s *Source) Fetch(ctx context.Context, stream kith.Stream, refs []string) (kith.Batch, error) {
	ctx, end, err := s.begin(ctx)
	if err != nil {
		return kith.Batch{}, s.wrap(stream, err)
	}
	defer end()
	batch, err := s.fetch(ctx, stream, refs)
	if err != nil {
		return kith.Batch{}, s.wrap(stream, err)
	}
	return batch, nil
}

// Find returns the refs of the messages with this Message-ID. See the Source of
// package syncer.
func (s *Source) Find(ctx context.Context, stream kith.Stream, messageID string) ([]string, error) {
	ctx, end, err := s.begin(ctx)
	if err != nil {
		return nil, s.wrap(stream, err)
	}
	defer end()
	refs, err := s.find(ctx, stream, messageID)
	if err != nil {
		return nil, s.wrap(stream, err)
	}
	return refs, nil
}

// wrap names the stream. The account is named by the one who polls it.
func (s *Source) wrap(stream kith.Stream, err error) error {
	return fmt.Errorf("folder %s: %w", stream.Name, err)
}
