package webdav

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Depth is how far below a resource a request reaches (RFC 4918 §10.2).
type Depth string

// The depths that are asked for.
const (
	DepthZero Depth = "0" // the resource itself
	DepthOne  Depth = "1" // and what it holds
)

// Propfind asks for properties and calls each with one response after another. The URL
// returned is the one that answered, after redirects: hrefs are relative to it.
func (c *Client) Propfind(ctx context.Context, at *url.URL, depth Depth, names []xml.Name, each func(Response) error) (*url.URL, error) {
	body := `<propfind xmlns="DAV:">` + props(names) + `</propfind>`
	answered, _, err := c.multistatus(ctx, "PROPFIND", at, depth, body, each)
	return answered, err
}

// Report makes a report (RFC 3253 §3.6) whose body is XML, see [Element]. It returns the
// sync-token of the answer, if there is one.
func (c *Client) Report(ctx context.Context, at *url.URL, depth Depth, body string, each func(Response) error) (*url.URL, string, error) {
	return c.multistatus(ctx, "REPORT", at, depth, body, each)
}

// SyncCollection asks what has changed in a collection since a token, or with an
// empty token for all that it holds (RFC 6578 §3.2). It returns the next token. When the
// answer is cut short, more is true, and the next token leads on (§3.6).
func (c *Client) SyncCollection(ctx context.Context, at *url.URL, token string, names []xml.Name, each func(Response) error) (next string, more bool, err error) {
	body := `<sync-collection xmlns="DAV:">` + Element(SyncToken, Escape(token)) + `<sync-level>1</sync-level>` + props(names) + `</sync-collection>`
	_, next, err = c.Report(ctx, at, DepthZero, body, func(r Response) error {
		if r.Status == http.StatusInsufficientStorage {
			more = true
			return nil
		}
		return each(r)
	})
	return next, more, err
}

// IsInvalidToken tells of the refusal of a sync-collection whether the token may be the
// cause, so that one without it is worth a try: servers say so with many a status.
func IsInvalidToken(err error) bool {
	var status *StatusError
	if !errors.As(err, &status) {
		return false
	}
	if status.Violates(validSyncToken) {
		return true
	}
	switch status.Status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusConflict, http.StatusGone,
		http.StatusPreconditionFailed, http.StatusUnprocessableEntity,
		http.StatusInternalServerError, http.StatusInsufficientStorage:
		return true
	}
	return false
}

// IsUnsupported tells of the refusal of a report whether the server may just not
// know it, so that another way is worth a try.
func IsUnsupported(err error) bool {
	switch StatusOf(err) {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusConflict, http.StatusPreconditionFailed,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity,
		http.StatusInternalServerError, http.StatusNotImplemented:
		return true
	}
	return false
}

// multistatus makes a request that is answered by one.
func (c *Client) multistatus(ctx context.Context, method string, at *url.URL, depth Depth, body string, each func(Response) error) (*url.URL, string, error) {
	req := request{method, at, map[string]string{
		"Content-Type": "application/xml; charset=utf-8",
		"Depth":        string(depth),
	}, xml.Header + body}
	a, err := c.do(ctx, req)
	if err != nil {
		return nil, "", err
	}
	defer a.body.Close()
	req.url = a.url
	if a.status != http.StatusMultiStatus {
		return nil, "", c.fault(req, &StatusError{Status: a.status, words: fmt.Sprintf(
			"the server answers %s instead of 207 Multi-Status: does url lead to a WebDAV server?", StatusText(a.status))})
	}
	var stopped error
	token, err := ReadMultistatus(a.body, func(r Response) error {
		stopped = each(r)
		return stopped
	})
	switch {
	case stopped != nil:
		return nil, "", stopped
	case err != nil:
		return nil, "", c.fault(req, err)
	}
	return a.url, token, nil
}

// Get reads a resource and calls read with its body, which need not read all of it.
func (c *Client) Get(ctx context.Context, at *url.URL, accept string, read func(io.Reader) error) error {
	req := request{http.MethodGet, at, map[string]string{"Accept": accept}, ""}
	a, err := c.do(ctx, req)
	if err != nil {
		return err
	}
	defer a.body.Close()
	req.url = a.url
	if err := read(a.body); err != nil {
		var long *tooLongError
		if errors.As(err, &long) {
			err = fmt.Errorf("%w: %w", ErrUnreadable, long)
		}
		return c.fault(req, err)
	}
	return nil
}

// Validators tell whether a resource has changed (RFC 9110 §8.8).
type Validators struct {
	ETag     string `json:"etag,omitempty"`
	Modified string `json:"modified,omitempty"`
}

// GetChanged reads a resource as Get does, unless it is still the one that validators tell of: then changed
// is false. It returns the validators of what it read.
func (c *Client) GetChanged(ctx context.Context, at *url.URL, accept string, v Validators, read func(io.Reader) error) (now Validators, changed bool, err error) {
	header := map[string]string{"Accept": accept}
	if v.ETag != "" {
		header["If-None-Match"] = v.ETag
	}
	if v.Modified != "" {
		header["If-Modified-Since"] = v.Modified
	}
	req := request{http.MethodGet, at, header, ""}
	a, err := c.do(ctx, req)
	if StatusOf(err) == http.StatusNotModified {
		return v, false, nil
	}
	if err != nil {
		return v, false, err
	}
	defer a.body.Close()
	req.url = a.url
	if a.status != http.StatusOK {
		return v, false, c.fault(req, &StatusError{Status: a.status})
	}
	if err := read(a.body); err != nil {
		return v, false, c.fault(req, err)
	}
	return Validators{ETag: a.header.Get("ETag"), Modified: a.header.Get("Last-Modified")}, true, nil
}

// Base returns the URL of the account.
func (c *Client) Base() *url.URL { return c.base }

// Resolve returns where an href leads that a server wrote in an answer from base. One that leaves
// the server, or its domain, or TLS, is an error: what a server names must not become
// a way to others.
func (c *Client) Resolve(base *url.URL, ref string) (*url.URL, error) {
	u, err := base.Parse(strings.TrimSpace(ref))
	switch {
	case err != nil:
		return nil, errors.New("the server names something that is no URL")
	case u.User != nil || u.Scheme != "https" && u.Scheme != "http":
		return nil, errors.New("the server names something that is no plain URL of the web")
	case origin(u) == origin(base):
	case u.Scheme != "https" || !sameHost(u, base) && !sameSite(u.Hostname(), base.Hostname()):
		return nil, fmt.Errorf("the server names %s, which is another: put it in url if it is meant", u.Host)
	}
	u.Fragment, u.RawFragment, u.RawQuery = "", "", ""
	return u, nil
}

// Element makes an XML element. What it holds must be XML itself, see [Escape].
func Element(name xml.Name, inner string) string {
	return "<" + name.Local + ` xmlns="` + name.Space + `">` + inner + "</" + name.Local + ">"
}

// Escape makes XML of text.
func Escape(text string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(text)) // a builder takes everything
	return b.String()
}

func props(names []xml.Name) string {
	var b strings.Builder
	for _, n := range names {
		b.WriteString(Element(n, ""))
	}
	return "<prop xmlns=\"DAV:\">" + b.String() + "</prop>"
}
