package webdav

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"kith"
)

// ErrUnreadable is in the chain of an error when an answer could not be parsed or
// went over a limit. Asking the same again would give the same.
var ErrUnreadable = errors.New("the server's answer can't be read")

// maxPause bounds the pause that a server may ask for.
const maxPause = 24 * time.Hour

// StatusError is an answer that is no success.
type StatusError struct {
	Status     int
	Conditions []xml.Name // what the body names as the cause (RFC 4918 §16)
	words      string
}

func (e *StatusError) Error() string {
	if e.words != "" {
		return e.words
	}
	return "the server says: " + StatusText(e.Status)
}

// Violates tells whether the server names a condition as the cause.
func (e *StatusError) Violates(condition xml.Name) bool {
	return slices.Contains(e.Conditions, condition)
}

// StatusText returns a status with its meaning: "404 Not Found".
func StatusText(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

// StatusOf returns the status that an error came of, 0 if there is none.
func StatusOf(err error) int {
	var status *StatusError
	if errors.As(err, &status) {
		return status.Status
	}
	return 0
}

// timeoutError is the end of our patience.
type timeoutError struct{ text string }

func (e *timeoutError) Error() string { return e.text }

// tooLongError says that an answer went over a limit.
type tooLongError struct{ max int64 }

func (e *tooLongError) Error() string { return fmt.Sprintf("it is longer than %d bytes", e.max) }

// refusal makes an error of an answer that is no success. from is where the request first went.
func (c *Client) refusal(req request, resp *http.Response, from *url.URL) error {
	defer resp.Body.Close()
	e := &StatusError{Status: resp.StatusCode}
	if strings.Contains(resp.Header.Get("Content-Type"), "xml") {
		e.Conditions = parseConditions(io.LimitReader(resp.Body, 64<<10))
	}
	pause := retryAfter(resp.Header.Get("Retry-After"), resp.Header.Get("Date"))
	switch {
	case e.Status == http.StatusUnauthorized && c.opts.Username == "":
		e.words = "the server wants a login (401): set username and a password"
		return &kith.Fault{Kind: kith.FaultSettings, Err: e}
	case e.Status == http.StatusUnauthorized && origin(req.url) != origin(from):
		e.words = fmt.Sprintf("the server redirects to %s, which wants a login (401); a password is not carried to another host: put that one in url", req.url.Host)
		return &kith.Fault{Kind: kith.FaultSettings, Err: e}
	case e.Status == http.StatusUnauthorized && !c.mayLogIn(req.url):
		e.words = fmt.Sprintf("%s wants a login (401), and is another host than that of url: put it there if it is meant", req.url.Host)
		return &kith.Fault{Kind: kith.FaultSettings, Err: e}
	case e.Status == http.StatusUnauthorized:
		e.words = "the server refused the login (401): check username and password; with two-factor login it wants an app password"
		return &kith.Fault{Kind: kith.FaultAuth, Err: e}
	case e.Status == http.StatusTooManyRequests, e.Status == http.StatusServiceUnavailable && pause > 0:
		e.words = "the server asks for a pause: " + StatusText(e.Status)
		return &kith.Fault{Kind: kith.FaultThrottled, RetryAfter: pause, Err: e}
	}
	return e
}

// retryAfter reads how long a server asks us to wait (RFC 9110 §10.2.3), by its own
// clock if it gives a date. It returns 0 when it does not say.
func retryAfter(value, date string) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(maxPause/time.Second))) * time.Second
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(date)
	if err != nil {
		now = time.Now()
	}
	return min(max(until.Sub(now), 0), maxPause)
}

// fault makes the error that people see: it names the host and what was asked of
// it, and its kind is known. The path is left out, for it may name a person.
func (c *Client) fault(req request, err error) error {
	var ue *url.Error // names the whole URL
	if errors.As(err, &ue) {
		err = ue.Err
	}
	kind, pause := kith.FaultOf(err)
	if text, settings := c.explain(req, err); text != "" {
		if settings {
			kind = kith.FaultSettings
		}
		err = &explained{text, err}
	}
	return &kith.Fault{Kind: kind, RetryAfter: pause, Err: fmt.Errorf("%s: %s: %w", req.url.Host, req.method, err)}
}

// explained is an error in the words of whom it concerns. Its cause stays in the chain.
type explained struct {
	text  string
	cause error
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.cause }

// explain puts an error of a connection in words, with the mend where there is
// one, and tells whether only the settings can mend it.
func (c *Client) explain(req request, err error) (text string, settings bool) {
	host := req.url.Hostname()
	var (
		refused   *refusedError
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		authority x509.UnknownAuthorityError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		dns       *net.DNSError
		network   net.Error
	)
	switch {
	case errors.As(err, &refused):
		return refused.Error(), true
	case errors.As(err, &hostname):
		return fmt.Sprintf("the server's certificate is not for %s: put a name it is for in url", host), true
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return "the server's certificate has expired or is not valid yet: it must be renewed there, or the clock of this machine set right", true
	case errors.As(err, &authority):
		return "the server's certificate was issued by an authority that is not trusted here: name the file with that authority's certificate in ca_file", true
	case errors.As(err, &verify):
		return "", true
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return "the server does not speak TLS on this port: is the port in url right?", true
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("no such host %s: is the name in url right?", host), false
	case errors.As(err, &dns):
		return "the name could not be looked up: " + dns.Err, false
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused: nothing listens there", false
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the server reset the connection", false
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the server closed the connection", false
	case errors.As(err, &network) && network.Timeout():
		return fmt.Sprintf("no answer within %v", c.opts.Timeout), false
	}
	return "", false
}
