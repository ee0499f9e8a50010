package carddavsource

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"kith"
	"kith/contactfile"
	"kith/sync/webdav"
)

// reader reads cards of one book.
type reader struct {
	source *Source
	book   *book
}

var addressData = xml.Name{Space: webdav.NSCardDAV, Local: "address-data"}

// Bounds of one batch.
const (
	maxWarnings = 50
	maxPerCard  = 100 // vCards in one resource, where one is the rule
)

// read reads cards into a batch. An answer that can't be read is asked for in
// halves, until it is known which card spoils it.
func (r *reader) read(ctx context.Context, refs []string, into *kith.BookBatch) error {
	if len(refs) == 0 {
		return nil
	}
	if r.book.single {
		return r.readSingly(ctx, refs, into)
	}
	var got kith.BookBatch
	missing, err := r.multiget(ctx, refs, &got)
	switch {
	case err == nil:
	case errors.Is(err, webdav.ErrUnreadable) && len(refs) > 1:
		half := len(refs) / 2
		if err := r.read(ctx, refs[:half], into); err != nil {
			return err
		}
		return r.read(ctx, refs[half:], into)
	case errors.Is(err, webdav.ErrUnreadable):
		return r.readSingly(ctx, refs, into) // the answer is then the card itself
	case webdav.IsUnsupported(err):
		return r.readSingly(ctx, refs, into)
	default:
		return fmt.Errorf("read cards: %w", err)
	}
	before := len(got.Gone)
	if err := r.readSingly(ctx, missing, &got); err != nil {
		return err
	}
	if len(missing) > len(got.Gone)-before {
		r.book.single = true // the server denied what it has
	}
	appendBatch(into, got)
	return nil
}

// appendBatch adds what was read later.
func appendBatch(b *kith.BookBatch, other kith.BookBatch) {
	b.Cards = append(b.Cards, other.Cards...)
	b.Groups = append(b.Groups, other.Groups...)
	b.Gone = append(b.Gone, other.Gone...)
	b.Failed = append(b.Failed, other.Failed...)
	b.Ignored = append(b.Ignored, other.Ignored...)
	b.Warnings = append(b.Warnings, other.Warnings...)
}

// multiget reads cards in one request (RFC 6352 §8.7). missing are those that came without
// content.
func (r *reader) multiget(ctx context.Context, refs []string, into *kith.BookBatch) (missing []string, err error) {
	var body strings.Builder
	for _, ref := range refs {
		body.WriteString(webdav.Element(xml.Name{Space: webdav.NSDAV, Local: "href"}, webdav.Escape(r.book.path+ref)))
	}
	report := webdav.Element(xml.Name{Space: webdav.NSCardDAV, Local: "addressbook-multiget"},
		`<prop xmlns="DAV:">`+webdav.Element(addressData, "")+`</prop>`+body.String())
	wanted := map[string]bool{}
	for _, ref := range refs {
		wanted[ref] = true
	}
	_, _, err = r.source.client.Report(ctx, r.book.URL, webdav.DepthZero, report, func(resp webdav.Response) error {
		u, err := r.source.client.Resolve(r.book.URL, resp.Href)
		if err != nil {
			return nil // what it was about is missing then
		}
		ref, inside := strings.CutPrefix(webdav.Ref(u), r.book.path)
		data := resp.Text(addressData)
		if inside && wanted[ref] && data != "" {
			delete(wanted, ref)
			return r.take(ref, strings.NewReader(data), into)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(refs), func(ref string) bool { return !wanted[ref] }), nil
}

// readSingly reads cards by a request each. One that the server fails to give is a failure of
// that card, if the server is well otherwise.
func (r *reader) readSingly(ctx context.Context, refs []string, into *kith.BookBatch) error {
	healthy := false
	for _, ref := range refs {
		err := r.get(ctx, ref, into)
		status := webdav.StatusOf(err)
		kind, _ := kith.FaultOf(err)
		switch {
		case err == nil:
			healthy = true
		case status == http.StatusNotFound || status == http.StatusGone:
			into.Gone = append(into.Gone, ref)
		case errors.Is(err, webdav.ErrUnreadable), status != 0 && kind == kith.FaultTransient:
			if status >= 500 && !healthy {
				if _, err := r.source.client.Propfind(ctx, r.book.URL, webdav.DepthZero, []xml.Name{webdav.GetETag}, func(webdav.Response) error { return nil }); err != nil {
					return fmt.Errorf("read cards: %w", err)
				}
				healthy = true
			}
			into.Failed = append(into.Failed, kith.Failure{Ref: ref, Cause: err.Error()})
		default:
			return fmt.Errorf("read a card: %w", err)
		}
	}
	return nil
}

func (r *reader) get(ctx context.Context, ref string, into *kith.BookBatch) error {
	u, err := r.source.client.Resolve(r.book.URL, r.book.path+ref)
	if err != nil || !strings.HasPrefix(webdav.Ref(u), r.book.path) {
		into.Failed = append(into.Failed, kith.Failure{Ref: ref, Cause: "it does not lie in the book"})
		return nil
	}
	return r.source.client.Get(ctx, u, "text/vcard", func(body io.Reader) error { return r.take(ref, body, into) })
}

// take reads the vCards of one resource. An error is one of body; what is wrong with the
// cards goes into the batch.
func (r *reader) take(ref string, body io.Reader, into *kith.BookBatch) error {
	in := &input{r: body}
	var got kith.BookBatch
	n := 0
	for row, err := range contactfile.ReadVCards(in) {
		if in.err != nil {
			return in.err
		}
		if err != nil {
			got.Failed = append(got.Failed, kith.Failure{Ref: ref, Cause: err.Error()})
			break
		}
		if n++; n > maxPerCard {
			got.Failed = append(got.Failed, kith.Failure{Ref: ref, Cause: fmt.Sprintf("there are more than %d vCards in it", maxPerCard)})
			break
		}
		switch {
		case row.Verdict == contactfile.Good:
			contact := row.Contact
			contact.Source = r.source.opts.Account
			for i, phone := range contact.Phones {
				contact.Phones[i] = contactfile.International(phone, r.source.opts.Region)
			}
			if contact.ExternalID = canonicalUID(contact.ExternalID); contact.ExternalID == "" {
				contact.ExternalID = r.book.path + ref
				if n > 1 {
					contact.ExternalID += "#" + strconv.Itoa(n)
				}
			}
			got.Cards = append(got.Cards, kith.Card{Ref: ref, Contact: contact})
			if row.Group != nil {
				g := groupOf(ref, contact.ExternalID, row.Group)
				g.Org = true
				got.Groups = append(got.Groups, g)
			}
			for _, problem := range row.Problems {
				if len(into.Warnings)+len(got.Warnings) < maxWarnings {
					got.Warnings = append(got.Warnings, ref+": "+problem)
				}
			}
		case row.Group != nil:
			got.Groups = append(got.Groups, groupOf(ref, cmp.Or(canonicalUID(row.Group.UID), r.book.path+ref), row.Group))
		case row.Verdict == contactfile.Ignored:
			got.Ignored = append(got.Ignored, ref)
		default:
			got.Failed = append(got.Failed, kith.Failure{Ref: ref, Cause: strings.Join(row.Problems, "; ")})
		}
	}
	appendBatch(into, got)
	return nil
}

func groupOf(ref, uid string, group *contactfile.Group) kith.CardGroup {
	g := kith.CardGroup{Ref: ref, UID: uid, Name: group.Name}
	for _, m := range group.Members {
		g.Members = append(g.Members, canonicalUID(m))
	}
	return g
}

// input remembers why a body could not be read.
type input struct {
	r   io.Reader
	err error
}

func (in *input) Read(p []byte) (int, error) {
	n, err := in.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		in.err = err
	}
	return n, err
}
