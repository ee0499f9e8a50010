package syncer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"kith"
	"kith/matcher"
)

// BookSource reads the address books of one account. What [Source] promises holds for it too.
type BookSource interface {
	// Books names the address books that are to be read.
	Books(ctx context.Context) ([]kith.Stream, error)
	// Changes yields what is new in a book since the cursor, in batches that
	// each carry the cursor to continue from, as Source does.
	Changes(ctx context.Context, book kith.Stream, cursor kith.Cursor) iter.Seq2[kith.BookBatch, error]
	// Fetch reads the named cards again, as one batch without a cursor. A ref
	// that is no longer there is in BookBatch.Gone.
	Fetch(ctx context.Context, book kith.Stream, refs []string) (kith.BookBatch, error)
	Close() error
}

// BookStore is what reading address books needs of the register beside [Store];
// package store says what each method promises.
type BookStore interface {
	RecordBook(ctx context.Context, rec kith.BookRecording, dryRun bool, changes func(kith.CardChange)) (kith.BookRecorded, error)
	SettleBooks(ctx context.Context, account string, gone, at time.Time, limit int) (ended, removed int, err error)
	Books(ctx context.Context, account string) ([]string, error)
	CardRefs(ctx context.Context, account, stream string) iter.Seq2[string, error]
	CardTies(ctx context.Context, account, stream, ref string) ([]kith.CardTie, error)
	Contact(ctx context.Context, id kith.ID) (kith.Contact, error)
}

// settleBatch is how many cards that are gone are looked after in one transaction.
const settleBatch = 200

// bookRun is one poll of one account that is address books.
type bookRun struct {
	*run
	source BookSource
	books  []kith.Stream

	gone    int // cards that were found to be gone in this pass
	emptied int // books that were found to be empty
}

// pollBooks reads all address books of an account, and then looks after the contacts
// whose cards are gone. A card may have moved from one book to another
// that was read before: so when any is gone, all books are read once more first.
func (p *Poller) pollBooks(ctx context.Context, account string, source BookSource, opts Options) (Result, error) {
	result := Result{Skipped: map[kith.Reason]int{}}
	defer source.Close()
	books, err := source.Books(ctx)
	if err != nil {
		return result, fmt.Errorf("account %s: list address books: %w", account, err)
	}
	b := &bookRun{run: p.run(account, matcher.Account{}, opts, &result), source: source, books: books}
	missing, err := b.missing(ctx)
	if err != nil {
		return result, fmt.Errorf("account %s: %w", account, err)
	}
	for pass := 1; ; pass++ {
		began := p.Now()
		b.gone, b.emptied = 0, 0
		failures := b.pass(ctx, missing, pass > 1)
		if ctx.Err() != nil || result.More || b.opts.DryRunBook != nil || len(failures) > b.emptied {
			return result, errors.Join(failures...)
		}
		if pass == 1 && b.gone+b.emptied > 0 && len(books)+len(missing) > 1 {
			continue
		}
		if len(failures) > 0 {
			return result, errors.Join(failures...)
		}
		if err := b.settle(ctx, began); err != nil {
			return result, fmt.Errorf("account %s: %w", account, err)
		}
		return result, nil
	}
}

// pass reads all books once.
func (b *bookRun) pass(ctx context.Context, missing []kith.Stream, again bool) (failures []error) {
	for _, book := range slices.Concat(b.books, missing) {
		if b.stopped(ctx) {
			b.result.More = true
			return failures
		}
		reader := streamReader(b)
		if slices.Contains(missing, book) {
			reader = missingBook{b}
		}
		more, err := b.stream(ctx, reader, book, again)
		b.result.More = b.result.More || more
		if err != nil {
			failures = append(failures, fmt.Errorf("account %s: %w", b.account, err))
			if ctx.Err() != nil || spoilsAccount(err) {
				return failures
			}
		}
	}
	return failures
}

// missing returns the books of which the register has cards, and which are not among those that are read.
func (b *bookRun) missing(ctx context.Context) (streams []kith.Stream, err error) {
	known, err := b.Books.Books(ctx, b.account)
	for _, name := range known {
		if !slices.ContainsFunc(b.books, func(s kith.Stream) bool { return s.Name == name }) {
			streams = append(streams, kith.Stream{Name: name})
		}
	}
	return streams, err
}

// settle looks after the contacts whose cards were found to be gone before a pass began that has read all books.
func (b *bookRun) settle(ctx context.Context, before time.Time) error {
	for {
		ended, removed, err := b.Books.SettleBooks(ctx, b.account, before, b.Now(), settleBatch)
		if err != nil || ended == 0 {
			return err
		}
		b.report(Progress{Book: kith.BookRecorded{Removed: removed}})
	}
}

// changes implements streamReader.
func (b *bookRun) changes(ctx context.Context, book kith.Stream, state kith.StreamStatus, _ bool) (more bool, err error) {
	from := state.Cursor
	if b.full(book) {
		from = ""
	}
	base, recount := state.Cursor, from == ""
	for batch, err := range b.source.Changes(ctx, book, from) {
		if err != nil {
			return false, err
		}
		if batch.Restarted != "" {
			b.Log.Warn("reading the address book from the start again", "account", b.account, "stream", book.Name, "why", batch.Restarted)
		}
		for _, warning := range batch.Warnings {
			b.Log.Warn("something is odd about the address book", "account", b.account, "stream", book.Name, "what", warning)
		}
		rec := b.recording(book, batch)
		rec.Base, rec.Next, rec.Backfilled = base, batch.Cursor, 1
		if batch.Total > 0 {
			rec.Backfilled = min(1, float64(batch.Done)/float64(batch.Total))
		}
		rec.Recount, recount = recount || batch.Restarted != "", false
		emptied := batch.Emptied > 0
		if batch.Present != nil {
			empty, err := b.absent(ctx, book, batch, &rec)
			if err != nil {
				return false, err
			}
			emptied = emptied || empty
		}
		if emptied {
			if err := b.alarm(ctx, rec, "it is suddenly empty"); err != nil {
				return false, err
			}
		}
		if err := b.record(ctx, rec, batch.Done, batch.Total); err != nil {
			return false, err
		}
		if b.opts.DryRunBook == nil {
			base = rec.Next
			if rec.Recount {
				b.begun[book.Name] = true
			}
		}
		if b.stopped(ctx) || batch.Total > 0 && b.late() {
			return true, nil
		}
	}
	return false, nil
}

func (b *bookRun) recording(book kith.Stream, batch kith.BookBatch) kith.BookRecording {
	return kith.BookRecording{
		Account: b.account, Stream: book.Name, Cards: batch.Cards, Groups: batch.Groups,
		Gone: batch.Gone, Quarantined: batch.Failed, Ignored: batch.Ignored,
	}
}

// absent adds to what is gone what the register knows of a book and a source that has listed all of
// it does not, and tells whether that is all there was.
func (b *bookRun) absent(ctx context.Context, book kith.Stream, batch kith.BookBatch, rec *kith.BookRecording) (emptied bool, err error) {
	known, left := 0, len(batch.Cards)+len(batch.Groups)+len(batch.Failed)
	for ref, err := range b.Books.CardRefs(ctx, b.account, book.Name) {
		if err != nil {
			return false, fmt.Errorf("read the known cards: %w", err)
		}
		if known++; batch.Present(ref) {
			left++
		} else {
			rec.Gone = append(rec.Gone, ref)
		}
	}
	return known > 0 && left == 0, nil
}

// alarm tells, if a book that has nothing left is not meant to be empty, what would be lost. It
// is none if all of it is elsewhere.
func (b *bookRun) alarm(ctx context.Context, rec kith.BookRecording, what string) error {
	if b.opts.AcceptEmpty {
		return nil
	}
	lost := 0
	rec.At = b.Now()
	_, err := b.Books.RecordBook(ctx, rec, true, func(c kith.CardChange) {
		if c.Outcome == kith.CardRemoved {
			lost++
		}
	})
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	if lost == 0 {
		return nil
	}
	b.emptied++
	return fmt.Errorf("address book %s: %s, and nothing was removed for that; contacts that would go with it: %d. If it is meant, run kith sync %s --accept-empty",
		rec.Stream, what, lost, b.account)
}

// record writes a recording; what is gone, in parts of a good size.
func (b *bookRun) record(ctx context.Context, rec kith.BookRecording, done, total int) error {
	for b.opts.DryRunBook == nil && len(rec.Gone) > goneBatch {
		part := kith.BookRecording{
			Account: rec.Account, Stream: rec.Stream, Base: rec.Base, Next: rec.Base, Gone: rec.Gone[:goneBatch], Backfilled: rec.Backfilled,
		}
		if err := b.write(ctx, part, done, total); err != nil {
			return err
		}
		rec.Gone = rec.Gone[goneBatch:]
	}
	return b.write(ctx, rec, done, total)
}

func (b *bookRun) write(ctx context.Context, rec kith.BookRecording, done, total int) error {
	rec.At = b.Now()
	var told func(kith.CardChange)
	if tell := b.opts.DryRunBook; tell != nil {
		told = func(c kith.CardChange) { tell(kith.Stream{Name: rec.Stream}, c) }
	}
	recorded, err := b.Books.RecordBook(ctx, rec, told != nil, told)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	b.gone += recorded.Gone
	b.report(Progress{
		Stream: rec.Stream, Items: len(rec.Cards) + len(rec.Groups) + len(rec.Ignored) + len(rec.Quarantined) + recorded.Gone,
		Book: recorded, Failed: len(rec.Quarantined), Done: done, Total: total,
	})
	return nil
}

// retryQuarantine implements streamReader.
func (b *bookRun) retryQuarantine(ctx context.Context, book kith.Stream, state kith.StreamStatus) error {
	if state.Quarantined == 0 || b.opts.DryRunBook != nil {
		return nil
	}
	refs, err := b.dueRefs(ctx, book)
	if err != nil || len(refs) == 0 {
		return err
	}
	batch, err := b.source.Fetch(ctx, book, refs)
	if err != nil {
		return fmt.Errorf("read quarantined cards again: %w", err)
	}
	rec := b.recording(book, batch)
	rec.Base, rec.Next, rec.Backfilled = state.Cursor, state.Cursor, state.Backfilled
	return b.write(ctx, rec, 0, 0)
}

// missingBook reads a book that is not there.
type missingBook struct{ *bookRun }

// changes implements streamReader.
func (m missingBook) changes(ctx context.Context, book kith.Stream, state kith.StreamStatus, _ bool) (bool, error) {
	rec := kith.BookRecording{Account: m.account, Stream: book.Name, Base: state.Cursor, Backfilled: state.Backfilled}
	for ref, err := range m.Books.CardRefs(ctx, m.account, book.Name) {
		if err != nil {
			return false, fmt.Errorf("read the known cards: %w", err)
		}
		rec.Gone = append(rec.Gone, ref)
	}
	if err := m.alarm(ctx, rec, "the server has it no more, or include and exclude leave it out"); err != nil {
		return false, err
	}
	return false, m.record(ctx, rec, 0, 0)
}

// retryQuarantine implements streamReader: there is nothing to be read.
func (missingBook) retryQuarantine(context.Context, kith.Stream, kith.StreamStatus) error { return nil }
