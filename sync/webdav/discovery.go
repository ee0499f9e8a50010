package webdav

import (
	"cmp"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"kith"
)

// Kind is a kind of collection, and how it is found.
type Kind struct {
	What      string   // for messages: "address book"
	WellKnown string   // RFC 6764 §5
	HomeSet   xml.Name // the property of a principal that names where the collections are
	Type      xml.Name // what resourcetype says of one
}

// AddressBooks are the collections of CardDAV (RFC 6352 §5.2, §7.1.1).
var AddressBooks = Kind{
	What:      "address book",
	WellKnown: "/.well-known/carddav",
	HomeSet:   xml.Name{Space: NSCardDAV, Local: "addressbook-home-set"},
	Type:      xml.Name{Space: NSCardDAV, Local: "addressbook"},
}

// Calendars are the collections of CalDAV (RFC 4791 §4.2, §6.2.1).
var Calendars = Kind{
	What:      "calendar",
	WellKnown: "/.well-known/caldav",
	HomeSet:   xml.Name{Space: NSCalDAV, Local: "calendar-home-set"},
	Type:      xml.Name{Space: NSCalDAV, Local: "calendar"},
}

// Collection is a collection that was found.
type Collection struct {
	URL   *url.URL
	Name  string // its path below the home, decoded; unique among those found
	Title string // DAV:displayname, which anybody may change; "" if there is none
	// Response is what PROPFIND says of it.
	Response Response
}

// Bounds of discovery.
const (
	maxHomes       = 20
	maxCollections = 1000
)

// Collections finds the collections of a kind: the one that the account's URL
// names, else those in the home of the user who logs in (RFC 6764 §6), else those
// below the URL. They come sorted by name. properties are asked for beside those that finding needs.
func (c *Client) Collections(ctx context.Context, kind Kind, properties ...xml.Name) ([]Collection, error) {
	f := &finder{client: c, kind: kind, names: append([]xml.Name{
		ResourceType, DisplayName, CTag, SupportedReports, currentUserPrincipal, kind.HomeSet,
	}, properties...), found: map[string]Collection{}}
	starts := []*url.URL{c.base, c.base.ResolveReference(&url.URL{Path: kind.WellKnown})}
	alone := strings.Trim(c.base.Path, "/") == ""
	if alone {
		slices.Reverse(starts) // a host alone: RFC 6764 §5 tells where to begin
	}
	var first, broken error
	for _, start := range starts {
		ok, err := f.from(ctx, start)
		switch {
		case StatusOf(err) == http.StatusForbidden && start == c.base && !alone:
			return nil, kith.Faultf(kith.FaultSettings, "who logs in may not read what url names: %w", err)
		case start == c.base && !alone && (StatusOf(err) == http.StatusNotFound || StatusOf(err) == http.StatusGone):
			// Elsewhere there may be others, which nobody asked for.
			return nil, fmt.Errorf("there is no %s at url, and nothing else (%s): was it deleted or renamed?: %w", kind.What, StatusText(StatusOf(err)), err)
		case err != nil && !isElsewhere(err):
			return nil, err
		}
		first = cmp.Or(first, err)
		if StatusOf(err) >= http.StatusInternalServerError {
			broken = err
		}
		if ok {
			return f.sorted(), nil
		}
	}
	if broken != nil {
		return nil, broken // which may mend itself
	}
	if first == nil {
		first = errors.New("the server has no " + f.kind.What + " there")
	}
	return nil, kith.Faultf(kith.FaultSettings, "no %s found at url, nor at %s of its host: put the address in url that the server gives for it: %w", kind.What, kind.WellKnown, first)
}

// isElsewhere tells whether a failure says that WebDAV may be in another place.
func isElsewhere(err error) bool {
	if errors.Is(err, ErrUnreadable) {
		return true
	}
	switch StatusOf(err) {
	case http.StatusOK, http.StatusNoContent, http.StatusBadRequest, http.StatusForbidden, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusConflict, http.StatusGone, http.StatusNotImplemented, http.StatusInternalServerError:
		return true
	}
	return false
}

type finder struct {
	client *Client
	kind   Kind
	names  []xml.Name
	found  map[string]Collection // by URL
}

// from looks from one URL on. ok says that it leads to where collections are, even
// if there is none.
func (f *finder) from(ctx context.Context, start *url.URL) (ok bool, err error) {
	self, at, err := f.look(ctx, start)
	if err != nil {
		return false, err
	}
	if self.Names(ResourceType, f.kind.Type) {
		return true, f.add(at, at, self)
	}
	homes, base := self, at
	if principal := self.Properties[currentUserPrincipal]; !self.Has(f.kind.HomeSet) && self.Has(currentUserPrincipal) && len(principal.Hrefs) > 0 {
		to, err := f.client.Resolve(at, principal.Hrefs[0])
		if err != nil {
			return false, f.named("principal", err)
		}
		if homes, base, err = f.look(ctx, to); err != nil {
			return false, err
		}
	}
	if hrefs := homes.Properties[f.kind.HomeSet].Hrefs; homes.Has(f.kind.HomeSet) && len(hrefs) > 0 {
		for _, h := range hrefs[:min(len(hrefs), maxHomes)] {
			home, err := f.client.Resolve(base, h)
			if err != nil {
				return false, f.named("home", err)
			}
			if err := f.list(ctx, home); err != nil {
				return false, err
			}
		}
		return true, nil
	}
	// No principal, or one without a home: what lies below the URL.
	if err := f.list(ctx, at); err != nil {
		return false, err
	}
	return len(f.found) > 0, nil
}

// named is the error of an href that leads away.
func (f *finder) named(what string, err error) error {
	return kith.Faultf(kith.FaultSettings, "%s: find the %ss: %s of the user: %w", f.client.base.Host, f.kind.What, what, err)
}

// look asks for the properties of one resource.
func (f *finder) look(ctx context.Context, start *url.URL) (self Response, at *url.URL, err error) {
	n := 0
	at, err = f.client.Propfind(ctx, start, DepthZero, f.names, func(r Response) error {
		if n++; n == 1 {
			self = r
		}
		return nil
	})
	if err == nil && (self.Status == http.StatusNotFound || self.Status == http.StatusGone) {
		err = &StatusError{Status: self.Status}
	}
	return self, at, err
}

// list adds the collections in a home.
func (f *finder) list(ctx context.Context, home *url.URL) error {
	var found []Response
	at, err := f.client.Propfind(ctx, home, DepthOne, f.names, func(r Response) error {
		if r.Names(ResourceType, f.kind.Type) {
			found = append(found, r)
		}
		if len(found) > maxCollections {
			return kith.Faultf(kith.FaultSettings, "%s: there are more than %d %ss: name one in url", home.Host, maxCollections, f.kind.What)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, r := range found {
		if err := f.add(at, at, r); err != nil {
			return err
		}
	}
	return nil
}

// add adds a collection that a home, or the URL itself, answered with.
func (f *finder) add(home, at *url.URL, r Response) error {
	u := at
	if r.Href != "" {
		var err error
		if u, err = f.client.Resolve(at, r.Href); err != nil {
			return f.named(f.kind.What, err)
		}
	}
	if !strings.HasSuffix(u.Path, "/") { // RFC 4918 §5.2: hrefs in it are relative to this
		u = u.JoinPath("/")
	}
	f.found[origin(u)+Ref(u)] = Collection{URL: u, Name: name(home, u), Title: r.Text(DisplayName), Response: r}
	return nil
}

// name is the path of a collection below its home; of one that is its own home, the last part of it.
func name(home, u *url.URL) string {
	path, base := strings.Trim(u.Path, "/"), strings.Trim(home.Path, "/")
	if below, ok := strings.CutPrefix(path, base+"/"); ok || base == "" {
		if base == "" {
			below = path
		}
		return below
	}
	return path[strings.LastIndexByte(path, '/')+1:]
}

func (f *finder) sorted() []Collection {
	all := slices.Collect(maps.Values(f.found))
	count := map[string]int{}
	for _, c := range all {
		count[c.Name]++
	}
	for i, c := range all {
		if count[c.Name] > 1 || c.Name == "" { // of two homes
			all[i].Name = c.URL.Host + c.URL.Path
		}
	}
	slices.SortFunc(all, func(a, b Collection) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

var syncReport = xml.Name{Space: NSDAV, Local: "sync-collection"}

// Syncs tells whether the collection has synchronisation (RFC 6578).
func (c *Collection) Syncs() bool {
	return c.Response.Text(SyncToken) != "" || c.Response.Names(SupportedReports, syncReport)
}

// Chosen tells whether the settings include and exclude let a collection be read. Their globs
// mean its name or its title, without regard to case: "*" stands for any characters, "?" for one.
func (c *Collection) Chosen(include, exclude []string) bool {
	matches := func(globs []string) bool {
		return slices.ContainsFunc(globs, func(glob string) bool { return match(glob, c.Name) || match(glob, c.Title) })
	}
	return (len(include) == 0 || matches(include)) && !matches(exclude)
}

func match(glob, name string) bool {
	pattern := strings.NewReplacer(`\*`, ".*", `\?`, ".").Replace(regexp.QuoteMeta(glob))
	ok, err := regexp.MatchString("(?is)^"+pattern+"$", name)
	return err == nil && ok
}

// String names a collection for messages.
func (c *Collection) String() string {
	if c.Title == "" || c.Title == c.Name {
		return c.Name
	}
	return fmt.Sprintf("%s (%s)", c.Name, c.Title)
}
