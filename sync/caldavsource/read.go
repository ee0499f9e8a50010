package caldavsource

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"kith"
	"kith/sync/ical"
	"kith/sync/webdav"
)

// reader reads resources of one calendar.
type reader struct {
	source   *Source
	calendar *calendar
	window   ical.Window
}

// batch is what was read of some resources.
type batch struct {
	kith.Batch
	next map[string]time.Time // resource: when its first occurrence after the window begins
	read int                  // resources
}

var (
	calendarData = xml.Name{Space: webdav.NSCalDAV, Local: "calendar-data"}
	dataNames    = webdav.Element(webdav.GetETag, "") + webdav.Element(calendarData, "")
)

const (
	multigetMost = 50  // resources in one multiget
	queryFrom    = 100 // so many are read by one query for all
	maxWarnings  = 50  // of a batch
	maxResource  = 4 << 20
)

// take reads the events of one resource into a batch. from is that of [ical.Calendar.Take].
func (r *reader) take(ref, data string, from time.Time, into *batch) {
	c := ical.Read([]byte(data), ical.Options{Zone: r.source.opts.Zone, Zones: &r.source.zones})
	t := c.Take(ref, r.window, from)
	into.read++
	into.Items = append(into.Items, t.Items...)
	into.Covered = append(into.Covered, t.Covered...)
	into.Failed = append(into.Failed, t.Failed...)
	into.Warnings = append(into.Warnings, t.Warnings[:min(len(t.Warnings), max(0, maxWarnings-len(into.Warnings)))]...)
	if into.next == nil {
		into.next = make(map[string]time.Time)
	}
	into.next[ref] = t.Next
}

// gone notes that a resource is no longer there.
func (b *batch) gone(ref string) {
	b.Covered = append(b.Covered, ical.Gone(ref)...)
	if b.next == nil {
		b.next = make(map[string]time.Time)
	}
	b.next[ref] = time.Time{}
}

// query reads all events of the calendar, or those whose UID is or contains one, and calls
// each with one resource after another; data is "" where the server did not give it. An answer that is
// cut short is a [webdav.ErrUnreadable].
func (r *reader) query(ctx context.Context, uid string, each func(webdav.Member, string) error) error {
	events := `<comp-filter name="VEVENT"/>`
	if uid != "" {
		events = `<comp-filter name="VEVENT"><prop-filter name="UID"><text-match collation="i;octet">` + webdav.Escape(uid) + `</text-match></prop-filter></comp-filter>`
	}
	report := webdav.Element(xml.Name{Space: webdav.NSCalDAV, Local: "calendar-query"},
		`<prop xmlns="DAV:">`+dataNames+`</prop><filter><comp-filter name="VCALENDAR">`+events+`</comp-filter></filter>`)
	_, _, err := r.source.client.Report(ctx, r.calendar.URL, webdav.DepthOne, report, func(resp webdav.Response) error {
		if resp.Status == http.StatusInsufficientStorage { // RFC 6578 §3.6 has it so, and servers do
			return fmt.Errorf("%w: it is cut short", webdav.ErrUnreadable)
		}
		if m, ok := r.member(&resp); ok && resp.Status != http.StatusNotFound && resp.Status != http.StatusGone {
			return each(m, resp.Text(calendarData))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("query the events: %w", err)
	}
	return nil
}

// member returns what a response is about; ok is false where it is nothing in the calendar.
func (r *reader) member(resp *webdav.Response) (m webdav.Member, ok bool) {
	u, err := r.source.client.Resolve(r.calendar.URL, resp.Href)
	if err != nil {
		return m, false
	}
	m.ETag = resp.Text(webdav.GetETag)
	m.Ref, ok = strings.CutPrefix(webdav.Ref(u), r.calendar.path)
	return m, ok && m.Ref != "" && u.Host == r.calendar.URL.Host
}

// read reads resources into a batch. An answer that can't be read is asked for in
// halves, until it is known which resource spoils it.
func (r *reader) read(ctx context.Context, refs []string, from time.Time, into *batch) error {
	if len(refs) == 0 {
		return nil
	}
	if r.calendar.single {
		return r.readSingly(ctx, refs, from, into)
	}
	got := map[string]string{}
	err := r.multiget(ctx, refs, got)
	switch {
	case err == nil:
	case errors.Is(err, webdav.ErrUnreadable) && len(refs) > 1:
		half := len(refs) / 2
		if err := r.read(ctx, refs[:half], from, into); err != nil {
			return err
		}
		return r.read(ctx, refs[half:], from, into)
	case errors.Is(err, webdav.ErrUnreadable), webdav.IsUnsupported(err):
		return r.readSingly(ctx, refs, from, into)
	default:
		return fmt.Errorf("read events: %w", err)
	}
	var missing []string
	for _, ref := range refs {
		if data := got[ref]; data != "" {
			r.take(ref, data, from, into)
		} else {
			missing = append(missing, ref)
		}
	}
	before := into.read
	if err := r.readSingly(ctx, missing, from, into); err != nil {
		return err
	}
	if into.read > before {
		r.calendar.single = true // the server denied what it has
	}
	return nil
}

// multiget reads resources in one request (RFC 4791 §7.9).
func (r *reader) multiget(ctx context.Context, refs []string, got map[string]string) error {
	var body strings.Builder
	for _, ref := range refs {
		body.WriteString(webdav.Element(xml.Name{Space: webdav.NSDAV, Local: "href"}, webdav.Escape(r.calendar.path+ref)))
	}
	report := webdav.Element(xml.Name{Space: webdav.NSCalDAV, Local: "calendar-multiget"}, `<prop xmlns="DAV:">`+dataNames+`</prop>`+body.String())
	_, _, err := r.source.client.Report(ctx, r.calendar.URL, webdav.DepthZero, report, func(resp webdav.Response) error {
		if m, ok := r.member(&resp); ok && slices.Contains(refs, m.Ref) {
			got[m.Ref] = cmp.Or(got[m.Ref], resp.Text(calendarData))
		}
		return nil
	})
	return err
}

// readSingly reads resources by a request each. One that the server fails to give is a failure of
// that one, if the server is well otherwise.
func (r *reader) readSingly(ctx context.Context, refs []string, from time.Time, into *batch) error {
	healthy := false
	for _, ref := range refs {
		err := r.get(ctx, ref, from, into)
		status := webdav.StatusOf(err)
		kind, _ := kith.FaultOf(err)
		switch {
		case err == nil:
			healthy = true
		case status == http.StatusNotFound || status == http.StatusGone:
			into.gone(ref)
		case errors.Is(err, webdav.ErrUnreadable), status != 0 && kind == kith.FaultTransient:
			if status >= 500 && !healthy {
				if _, err := r.calendar.CTag(ctx); err != nil {
					return fmt.Errorf("read events: %w", err)
				}
				healthy = true
			}
			into.Failed = append(into.Failed, kith.Failure{Ref: ref, Cause: err.Error()})
		default:
			return fmt.Errorf("read an event: %w", err)
		}
	}
	return nil
}

func (r *reader) get(ctx context.Context, ref string, from time.Time, into *batch) error {
	u, err := r.source.client.Resolve(r.calendar.URL, r.calendar.path+ref)
	if err != nil || !strings.HasPrefix(webdav.Ref(u), r.calendar.path) || webdav.Ref(u) == r.calendar.path {
		into.gone(ref) // it can't lie in the calendar
		return nil
	}
	return r.source.client.Get(ctx, u, "text/calendar", func(body io.Reader) error {
		data, err := io.ReadAll(io.LimitReader(body, maxResource+1))
		switch {
		case err != nil:
			return err
		case len(data) > maxResource:
			into.Failed = append(into.Failed, kith.Failure{Ref: ref, Cause: fmt.Sprintf("it is longer than %d bytes", maxResource)})
			return nil
		}
		r.take(ref, string(data), from, into)
		return nil
	})
}
