package webdav

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
)

// The namespaces of names.
const (
	NSDAV            = "DAV:"
	NSCardDAV        = "urn:ietf:params:xml:ns:carddav"
	NSCalDAV         = "urn:ietf:params:xml:ns:caldav"
	NSCalendarServer = "http://calendarserver.org/ns/"
)

// Names that every reader of collections needs.
var (
	ResourceType     = xml.Name{Space: NSDAV, Local: "resourcetype"}
	DisplayName      = xml.Name{Space: NSDAV, Local: "displayname"}
	GetETag          = xml.Name{Space: NSDAV, Local: "getetag"}
	GetContentType   = xml.Name{Space: NSDAV, Local: "getcontenttype"}
	SyncToken        = xml.Name{Space: NSDAV, Local: "sync-token"}           // RFC 6578 §4
	SupportedReports = xml.Name{Space: NSDAV, Local: "supported-report-set"} // RFC 3253 §3.1.5
	CTag             = xml.Name{Space: NSCalendarServer, Local: "getctag"}

	collection           = xml.Name{Space: NSDAV, Local: "collection"}
	validSyncToken       = xml.Name{Space: NSDAV, Local: "valid-sync-token"} // RFC 6578 §3.2
	currentUserPrincipal = xml.Name{Space: NSDAV, Local: "current-user-principal"}
	href                 = xml.Name{Space: NSDAV, Local: "href"}
)

// Bounds of what is held of an answer. They are far above what servers send.
const (
	maxToken      = 4 << 20 // bytes of one tag or one piece of text
	maxResponse   = 8 << 20 // bytes of text in one response
	maxDepth      = 32
	maxProperties = 200  // of one response
	maxNames      = 2000 // of one property, or conditions of one error
	maxHrefs      = 10_000
)

// Response is what a multistatus says of one resource (RFC 4918 §14.24).
type Response struct {
	Href       string // as the server wrote it; "" if it did not, which it must
	Status     int    // of the whole resource; 0 when its properties have theirs
	Conditions []xml.Name
	Properties map[xml.Name]Property
}

// Property is a property of a resource, without its structure.
type Property struct {
	Status int        // 200, or why there is no value
	Text   string     // all text in it
	Names  []xml.Name // of all elements in it
	Hrefs  []string   // what stands in its DAV:href elements
	Named  []string   // the attributes "name" of elements in it
}

// Has tells whether a resource has a property, whatever its value.
func (r *Response) Has(name xml.Name) bool { return r.Properties[name].Status == 200 }

// Text returns the text of a property, "" if the resource does not have it.
func (r *Response) Text(name xml.Name) string {
	if !r.Has(name) {
		return ""
	}
	return strings.TrimSpace(r.Properties[name].Text)
}

// Names tells whether a property of the resource has an element of this name in it.
func (r *Response) Names(property, element xml.Name) bool {
	if !r.Has(property) {
		return false
	}
	for _, n := range r.Properties[property].Names {
		if n == element {
			return true
		}
	}
	return false
}

// IsCollection tells whether the resource may hold others.
func (r *Response) IsCollection() bool {
	return r.Names(ResourceType, collection) || strings.HasSuffix(r.Href, "/")
}

// ReadMultistatus reads a multistatus (RFC 4918 §13) and calls each with one response
// after another, while it reads; an error of each ends it. The sync-token is that
// of a sync-collection, else "". Any other error is an [ErrUnreadable] or one of r.
func ReadMultistatus(r io.Reader, each func(Response) error) (syncToken string, err error) {
	s := newScanner(r)
	root, err := s.root()
	if err != nil {
		return "", s.wrap(err)
	}
	if root.Name != (xml.Name{Space: NSDAV, Local: "multistatus"}) {
		return "", fmt.Errorf("%w: it is no multistatus: does url lead to a WebDAV server?", ErrUnreadable)
	}
	var stopped error
	err = s.children(func(e xml.StartElement) error {
		switch e.Name {
		case xml.Name{Space: NSDAV, Local: "response"}:
			responses, err := s.response()
			if err != nil {
				return err
			}
			for _, resp := range responses {
				if stopped = each(resp); stopped != nil {
					return stopped
				}
			}
			return nil
		case SyncToken:
			p, err := s.property()
			syncToken = strings.TrimSpace(p.Text)
			return err
		}
		return s.skip()
	})
	if stopped != nil {
		return "", stopped
	}
	if err != nil {
		return "", s.wrap(err)
	}
	return syncToken, nil
}

// parseConditions reads the body of an error (RFC 4918 §16). What it can't read, it leaves out.
func parseConditions(r io.Reader) (names []xml.Name) {
	s := newScanner(r)
	if root, err := s.root(); err != nil || root.Name != (xml.Name{Space: NSDAV, Local: "error"}) {
		return nil
	}
	_ = s.children(func(e xml.StartElement) error { // what was read before an error counts
		names = append(names, e.Name)
		return s.skip()
	})
	return names[:min(len(names), maxNames)]
}

// scanner walks through XML and bounds what one step may cost.
type scanner struct {
	dec   *xml.Decoder
	meter *meter
	depth int
	held  int // bytes of the response under way
}

func newScanner(r io.Reader) *scanner {
	m := &meter{r: r, left: maxToken}
	dec := xml.NewDecoder(m)
	dec.CharsetReader = func(charset string, input io.Reader) (io.Reader, error) {
		enc, err := htmlindex.Get(charset)
		if err != nil {
			return nil, err
		}
		return enc.NewDecoder().Reader(input), nil
	}
	return &scanner{dec: dec, meter: m}
}

// meter ends the reading of a token that is too long.
type meter struct {
	r    io.Reader
	left int
	err  error // of r, but for its end
}

func (m *meter) Read(p []byte) (int, error) {
	if m.left <= 0 {
		return 0, &tooLongError{maxToken}
	}
	n, err := m.r.Read(p[:min(len(p), m.left)])
	m.left -= n
	if err != nil && !errors.Is(err, io.EOF) {
		m.err = err
	}
	return n, err
}

// wrap tells what could not be parsed from what could not be read. The parser's own
// words are left out, for they may quote what stands there.
func (s *scanner) wrap(err error) error {
	var (
		long   *tooLongError
		syntax *xml.SyntaxError
	)
	switch {
	case errors.As(err, &long):
		return fmt.Errorf("%w: %w", ErrUnreadable, long)
	case s.meter.err != nil:
		return s.meter.err
	case errors.As(err, &syntax):
		return fmt.Errorf("%w: it is no well-formed XML, or is cut off, at line %d", ErrUnreadable, syntax.Line)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Errorf("%w: it is empty or cut off", ErrUnreadable)
	case errors.Is(err, ErrUnreadable):
		return err
	}
	return fmt.Errorf("%w: its XML is of a kind that is not read", ErrUnreadable)
}

func tooMuch(what string) error { return fmt.Errorf("%w: %s", ErrUnreadable, what) }

func (s *scanner) next() (xml.Token, error) {
	s.meter.left = maxToken
	t, err := s.dec.Token()
	if err != nil {
		return nil, err
	}
	switch t.(type) {
	case xml.StartElement:
		if s.depth++; s.depth > maxDepth {
			return nil, tooMuch("its elements lie too deep in each other")
		}
	case xml.EndElement:
		s.depth--
	}
	return t, nil
}

func (s *scanner) root() (xml.StartElement, error) {
	for {
		t, err := s.next()
		if err != nil {
			return xml.StartElement{}, err
		}
		if e, ok := t.(xml.StartElement); ok {
			return e, nil
		}
	}
}

// children calls do with each element in the one that was begun, until that ends. do must read its element to the end.
func (s *scanner) children(do func(xml.StartElement) error) error {
	for {
		t, err := s.next()
		if err != nil {
			return err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if err := do(t); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

func (s *scanner) skip() error {
	return s.children(func(xml.StartElement) error { return s.skip() })
}

// response reads a response. One about several resources (RFC 4918 §14.24: href*, status) is as many.
func (s *scanner) response() ([]Response, error) {
	s.held = 0
	var (
		hrefs []string
		r     = Response{Properties: map[xml.Name]Property{}}
	)
	err := s.children(func(e xml.StartElement) error {
		switch e.Name {
		case href:
			p, err := s.property()
			if len(hrefs) == maxHrefs {
				return tooMuch("one response is about too many resources")
			}
			hrefs = append(hrefs, strings.TrimSpace(p.Text))
			return err
		case xml.Name{Space: NSDAV, Local: "status"}:
			p, err := s.property()
			r.Status = parseStatus(p.Text)
			return err
		case xml.Name{Space: NSDAV, Local: "error"}:
			p, err := s.property()
			r.Conditions = p.Names
			return err
		case xml.Name{Space: NSDAV, Local: "propstat"}:
			return s.propstat(r.Properties)
		}
		return s.skip()
	})
	if err != nil {
		return nil, err
	}
	if len(hrefs) == 0 {
		return []Response{r}, nil
	}
	responses := make([]Response, len(hrefs))
	for i, h := range hrefs {
		responses[i] = r
		responses[i].Href = h
	}
	return responses, nil
}

// propstat reads properties that share a status, which may stand behind them.
func (s *scanner) propstat(into map[xml.Name]Property) error {
	status, found := 0, map[xml.Name]Property{}
	err := s.children(func(e xml.StartElement) error {
		switch e.Name {
		case xml.Name{Space: NSDAV, Local: "status"}:
			p, err := s.property()
			status = parseStatus(p.Text)
			return err
		case xml.Name{Space: NSDAV, Local: "prop"}:
			return s.children(func(e xml.StartElement) error {
				p, err := s.property()
				found[e.Name] = p
				if len(into)+len(found) > maxProperties {
					return tooMuch("one response has too many properties")
				}
				return err
			})
		}
		return s.skip()
	})
	for name, p := range found {
		if p.Status = status; into[name].Status != 200 {
			into[name] = p
		}
	}
	return err
}

// property reads all that is in an element.
func (s *scanner) property() (Property, error) {
	var p Property
	var text strings.Builder
	inHref, from, depth := 0, 0, s.depth
	for {
		t, err := s.next()
		if err != nil {
			return Property{}, err
		}
		switch t := t.(type) {
		case xml.StartElement:
			if len(p.Names) == maxNames {
				return Property{}, tooMuch("one property has too many elements")
			}
			p.Names = append(p.Names, t.Name)
			for _, a := range t.Attr {
				if a.Name == (xml.Name{Local: "name"}) {
					p.Named = append(p.Named, a.Value)
				}
			}
			if t.Name == href {
				inHref, from = s.depth, text.Len()
			}
		case xml.CharData:
			if s.held += len(t); s.held > maxResponse {
				return Property{}, &tooLongError{maxResponse}
			}
			text.Write(t)
		case xml.EndElement:
			if s.depth < inHref {
				p.Hrefs = append(p.Hrefs, strings.TrimSpace(text.String()[from:]))
				inHref = 0
			}
			if s.depth < depth {
				p.Text = text.String()
				return p, nil
			}
		}
	}
}

// parseStatus reads a status line: "HTTP/1.1 200 OK" (RFC 9112 §4); 0 is none.
func parseStatus(line string) int {
	_, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
	code, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	n, err := strconv.Atoi(code)
	if err != nil || n < 100 || n > 599 {
		return 0
	}
	return n
}

// Ref returns the canonical form of a path: servers differ in what they
// percent-encode, and the same server from answer to answer. A slash that is
// encoded stays so.
func Ref(u *url.URL) string {
	segments := strings.Split(u.EscapedPath(), "/")
	for i, s := range segments {
		if decoded, err := url.PathUnescape(s); err == nil {
			segments[i] = url.PathEscape(decoded)
		}
	}
	return strings.Join(segments, "/")
}
