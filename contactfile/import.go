package contactfile

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"kith"
)

// ImportOptions say how an import runs.
type ImportOptions struct {
	Batch  int  // contacts given to put at once; 0 means 20,000
	DryRun bool // handed on to put
	// Progress, if set, is told after each batch how many rows are done and how
	// many bytes of the file were taken in.
	Progress func(rows int, bytes int64)
}

// Result counts what an import did.
type Result struct {
	Created, Updated, Unchanged int
	// RejectedRows is the number of rows that were not taken. Rejected tells of
	// each, by line, up to a bound far above what anybody mends by hand.
	RejectedRows int
	Rejected     []Remark
	// Warnings tell what was left out of rows that were taken, and what else was
	// odd about the file, up to the same bound.
	Warnings []Remark
}

// Remark is something to say about a line of a file. It does not quote the line.
type Remark struct {
	Line   int    `json:"line"`
	Reason string `json:"reason"`
}

const maxRemarks = 10_000

// Put writes contacts to the register, all or none, and tells what became of
// each. When one of them can't be written, its error has, somewhere in its
// chain, a method RowIndex() int that returns the index of that contact.
type Put func(ctx context.Context, contacts []kith.Contact, dryRun bool) ([]kith.ContactChange, error)

// Import puts the rows of a file into the register, batch by batch. A row that
// the register refuses is rejected with its line, and the others of its batch
// still go in. Any other error ends the import; what was put before it stays, and
// the result tells of it, so that the same file can be imported again.
//
// With DryRun a batch does not see what the batches before it would have made:
// a contact that is twice in a long file may be counted as created twice.
func Import(ctx context.Context, rows iter.Seq2[Row, error], put Put, opts ImportOptions) (Result, error) {
	if opts.Batch <= 0 {
		opts.Batch = 20000
	}
	im := importer{put: put, opts: opts}
	for row, err := range rows {
		if err != nil {
			return im.result, err
		}
		im.rows++
		im.offset = row.Offset
		reason := strings.Join(row.Problems, "; ")
		switch {
		case row.Verdict == Rejected:
			im.reject(row.Line, reason)
		case reason != "":
			im.result.Warnings = remark(im.result.Warnings, row.Line, reason)
		}
		if row.Verdict != Good {
			continue
		}
		im.contacts = append(im.contacts, row.Contact)
		im.lines = append(im.lines, row.Line)
		if len(im.contacts) == opts.Batch {
			if err := im.flush(ctx); err != nil {
				return im.result, err
			}
		}
	}
	return im.result, im.flush(ctx)
}

type importer struct {
	put    Put
	opts   ImportOptions
	result Result

	contacts []kith.Contact
	lines    []int // of contacts
	rows     int
	offset   int64
}

func (im *importer) reject(line int, reason string) {
	im.result.RejectedRows++
	im.result.Rejected = remark(im.result.Rejected, line, reason)
}

func remark(to []Remark, line int, reason string) []Remark {
	if len(to) == maxRemarks {
		return to
	}
	return append(to, Remark{Line: line, Reason: reason})
}

// flush puts the batch.
func (im *importer) flush(ctx context.Context) error {
	contacts, lines := im.contacts, im.lines
	im.contacts, im.lines = im.contacts[:0], im.lines[:0]
	if err := im.putAll(ctx, contacts, lines); err != nil {
		return err
	}
	if im.opts.Progress != nil {
		im.opts.Progress(im.rows, im.offset)
	}
	return nil
}

// putAll puts contacts, around those that are refused. At a refused one it puts
// those before it, which were fine, and goes on behind it: so a batch that is refused
// throughout is not begun anew from its start again and again.
func (im *importer) putAll(ctx context.Context, contacts []kith.Contact, lines []int) error {
	for len(contacts) > 0 {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("import from line %d on: %w", lines[0], err)
		}
		// A copy: put may fill in IDs even of a batch that it then refuses.
		changes, err := im.put(ctx, slices.Clone(contacts), im.opts.DryRun)
		if err == nil {
			im.count(changes)
			return nil
		}
		var refused interface{ RowIndex() int }
		if !errors.As(err, &refused) || refused.RowIndex() < 0 || refused.RowIndex() >= len(contacts) {
			return fmt.Errorf("import lines %d to %d: %w", lines[0], lines[len(lines)-1], err)
		}
		i := refused.RowIndex()
		if err := im.putAll(ctx, contacts[:i], lines[:i]); err != nil {
			return err
		}
		im.reject(lines[i], err.Error())
		contacts, lines = contacts[i+1:], lines[i+1:]
	}
	return nil
}

func (im *importer) count(changes []kith.ContactChange) {
	for _, change := range changes {
		switch change {
		case kith.ContactCreated:
			im.result.Created++
		case kith.ContactUpdated:
			im.result.Updated++
		case kith.ContactUnchanged:
			im.result.Unchanged++
		}
	}
}
