package imapsource

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"
	"unicode"

	"github.com/emersion/go-imap/v2"

	"kith"
)

// errUnreadable is in the chain of an error when the server's answer could not be
// parsed or went over a limit. The connection is then lost. Reading the same
// again would give the same, so that it is a matter of one message, which can be
// found by halving what is asked for.
var errUnreadable = errors.New("the server's answer can't be read")

// Response codes that go-imap has no constant for.
const (
	codeExpired   imap.ResponseCode = "EXPIRED"   // RFC 9051 §7.1
	codeThrottled imap.ResponseCode = "THROTTLED" // Gmail, Yahoo
)

// maxPause bounds the pause that a server may ask for.
const maxPause = 24 * time.Hour

// fault tells what kind of failure err is. login says that it came of the login: an
// unexplained NO then is about the password.
func fault(err error, login bool) (kith.FaultKind, time.Duration) {
	var known *kith.Fault
	if errors.As(err, &known) {
		return known.Kind, known.RetryAfter
	}
	if isTLSRefusal(err) {
		return kith.FaultSettings, 0
	}
	var status *imap.Error
	if !errors.As(err, &status) {
		return kith.FaultTransient, 0
	}
	code := imap.ResponseCode(strings.ToUpper(string(status.Code)))
	text := strings.ToLower(status.Text)
	switch code {
	case imap.ResponseCodeAuthenticationFailed, imap.ResponseCodeAuthorizationFailed,
		codeExpired, imap.ResponseCodePrivacyRequired: // RFC 5530 §3
		if !isBusy(text) { // some say it of a server that is down
			return kith.FaultAuth, 0
		}
	case codeThrottled, imap.ResponseCodeLimit, imap.ResponseCodeOverQuota:
		return kith.FaultThrottled, pause(text)
	}
	if isThrottled(text) {
		return kith.FaultThrottled, pause(text)
	}
	switch code {
	case imap.ResponseCodeUnavailable, imap.ResponseCodeInUse,
		imap.ResponseCodeServerBug, imap.ResponseCodeContactAdmin:
		return kith.FaultTransient, 0
	}
	if login && status.Type == imap.StatusResponseTypeNo && !isBusy(text) {
		return kith.FaultAuth, 0
	}
	// A BAD says nothing about the password, so trying again locks nobody out.
	return kith.FaultTransient, 0
}

// isThrottled tells whether a status text asks for a pause. Hardly any server has a
// response code for it.
func isThrottled(text string) bool {
	for _, sign := range []string{
		"throttled", "backoff time", // Microsoft 365
		"too many simultaneous connections",                     // Gmail
		"too many connections", "maximum number of connections", // Courier, Dovecot
		"too many concurrent", "connection limit", "connections limit",
		"rate limit", "bandwidth limit", "command or bandwidth", "too many requests",
	} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

// isBusy tells whether a status text speaks of the server's own trouble.
func isBusy(text string) bool {
	for _, sign := range []string{
		"authenticated but not connected", // Microsoft 365, when the mailbox server is away
		"temporar", "try again later", "unavailable", "internal error", "internal server error",
		"server error", "timed out", "timeout", "backend",
	} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

// pause reads how long a server asks us to wait: "Suggested Backoff Time: 92415
// milliseconds". It returns 0 when the text does not say.
func pause(text string) time.Duration {
	_, after, ok := strings.Cut(text, "backoff time:")
	if !ok {
		return 0
	}
	after = strings.TrimSpace(after)
	digits := len(after) - len(strings.TrimLeft(after, "0123456789"))
	n, err := strconv.ParseInt(after[:digits], 10, 64)
	if err != nil {
		return 0
	}
	unit := time.Millisecond
	if strings.HasPrefix(strings.TrimSpace(after[digits:]), "sec") {
		unit = time.Second
	}
	if n > int64(maxPause/unit) {
		return maxPause
	}
	return time.Duration(n) * unit
}

// fault makes the error that people see: it names the host and what was being
// done, and its kind is known. The account is named by the one who polls it. g may be nil when there is no
// connection yet.
func (e *endpoint) fault(g *guard, what string, login bool, err error) error {
	if err == nil {
		return nil
	}
	if mechanism := (*mechanismError)(nil); errors.As(err, &mechanism) {
		what += ": " + mechanism.mech
		err = mechanism.cause
	}
	err = cause(g, err)
	kind, retryAfter := fault(err, login)
	return &kith.Fault{Kind: kind, RetryAfter: retryAfter, Err: fmt.Errorf("%s: %s: %w", e.host, what, e.explain(err, kind))}
}

// cause finds the error that others came of.
func cause(g *guard, err error) error {
	var status *imap.Error
	if errors.As(err, &status) || g == nil {
		return err
	}
	bye, ours, reason := g.ended()
	switch {
	case reason == nil && !ours:
		return err // the connection lives: it is the caller's own
	case bye != "" && (reason == nil || isLost(reason)):
		return parseBye(bye)
	case reason != nil:
		return reason
	case isLost(err):
		return err
	}
	// The client ended the connection because it could not parse something.
	return fmt.Errorf("%w: %s", errUnreadable, withoutQuotes(err.Error()))
}

// parseBye makes an error of the text of a BYE: "[UNAVAILABLE] too busy".
func parseBye(text string) *imap.Error {
	code, _, text := parseRespText(text)
	return &imap.Error{Type: imap.StatusResponseTypeBye, Code: code, Text: text}
}

// parseRespText splits resp-text (RFC 9051 §9): "[CODE arguments] text".
func parseRespText(s string) (code imap.ResponseCode, args, text string) {
	inner, rest, ok := strings.Cut(strings.TrimPrefix(s, "["), "]")
	if !ok || !strings.HasPrefix(s, "[") {
		return "", "", s
	}
	word, args, _ := strings.Cut(inner, " ")
	return imap.ResponseCode(strings.ToUpper(word)), args, strings.TrimSpace(rest)
}

// isLost tells whether the connection failed, rather than what came over it.
func isLost(err error) bool {
	var network net.Error
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE) || errors.As(err, &network)
}

// explained is an error in the words of whom it concerns. Its cause stays in the chain.
type explained struct {
	text  string
	cause error
}

func (e *explained) Error() string { return e.text }
func (e *explained) Unwrap() error { return e.cause }

// explain puts an error in words, with the mend where there is one.
func (e *endpoint) explain(err error, kind kith.FaultKind) error {
	text := e.words(err, kind)
	if text == "" {
		text = err.Error()
	}
	if text = oneLine(text); text == err.Error() {
		return err
	}
	return &explained{text, err}
}

func (e *endpoint) words(err error, kind kith.FaultKind) string {
	var (
		status    *imap.Error
		hostname  x509.HostnameError
		invalid   x509.CertificateInvalidError
		authority x509.UnknownAuthorityError
		network   net.Error
		late      *timeoutError
		dns       *net.DNSError
		fault     *kith.Fault
	)
	switch {
	case errors.As(err, &fault):
		return ""
	case errors.As(err, &status):
		text := "the server says: "
		switch {
		case status.Type == imap.StatusResponseTypeBye:
			text = "the server ended the session: "
		case kind == kith.FaultAuth:
			text = "the server refused the login: "
		case kind == kith.FaultThrottled:
			text = "the server asks for a pause: "
		}
		text += string(status.Type)
		if status.Code != "" {
			text += " [" + string(status.Code) + "]"
		}
		return text + " " + status.Text
	case errors.As(err, &hostname):
		names := hostname.Certificate.DNSNames
		for _, ip := range hostname.Certificate.IPAddresses {
			names = append(names, ip.String())
		}
		if len(names) == 0 {
			return "the server's certificate names no host: it must be replaced"
		}
		return fmt.Sprintf("the server's certificate is for %s, not for %s: put a name it is for in url", strings.Join(names, ", "), e.host)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		if now := time.Now(); now.Before(invalid.Cert.NotBefore) {
			return fmt.Sprintf("the server's certificate is valid from %s only: is the clock of this machine right?", invalid.Cert.NotBefore.UTC().Format(time.RFC3339))
		}
		return fmt.Sprintf("the server's certificate expired on %s: it must be renewed there", invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
	case errors.As(err, &authority):
		return fmt.Sprintf("the server's certificate was issued by %q, which is not trusted here: name the file with that authority's certificate in ca_file", issuer(authority.Cert))
	case isNoTLS(err) && e.scheme == schemeSTARTTLS:
		return "what the server sent after STARTTLS is no TLS: it, or somebody on the way, tampers with the connection"
	case isNoTLS(err):
		return fmt.Sprintf("the server does not speak TLS on port %s: try imap+starttls:// or another port", e.port)
	case isTLSRefusal(err):
		return "TLS 1.2 or later could not be agreed on: " + err.Error()
	case errors.As(err, &dns) && dns.IsNotFound:
		return "no such host: is the name in url right?"
	case errors.As(err, &dns):
		return "the name could not be looked up: " + dns.Err
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("connection refused: nothing listens on port %s", e.port)
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "the server reset the connection"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the server closed the connection"
	case errors.As(err, &late):
		return ""
	case errors.As(err, &network) && network.Timeout():
		return fmt.Sprintf("no answer on port %s", e.port)
	}
	return ""
}

// isTLSRefusal tells whether a TLS handshake failed for a reason that stays.
func isTLSRefusal(err error) bool {
	var verify *tls.CertificateVerificationError
	if errors.As(err, &verify) || isNoTLS(err) {
		return true
	}
	if err == nil {
		return false
	}
	// crypto/tls keeps its types for alerts to itself.
	for _, sign := range []string{
		"tls: server selected unsupported protocol version", "tls: protocol version not supported",
		"tls: handshake failure", "tls: insufficient security level", "tls: unrecognized name",
	} {
		if strings.Contains(err.Error(), sign) {
			return true
		}
	}
	return false
}

// isNoTLS tells whether what answered a handshake was something else than TLS.
func isNoTLS(err error) bool {
	var record tls.RecordHeaderError
	return errors.As(err, &record) && strings.HasPrefix(record.Msg, "first record")
}

func issuer(cert *x509.Certificate) string {
	if cert == nil {
		return "an unknown authority"
	}
	if name := cert.Issuer.CommonName; name != "" {
		return name
	}
	return cert.Issuer.String()
}

// oneLine makes foreign text fit for a log line: no control characters, valid
// UTF-8, not long.
func oneLine(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, " "))
	const most = 400
	if runes := []rune(s); len(runes) > most {
		s = string(runes[:most]) + "…"
	}
	return strings.TrimSpace(s)
}

// withoutQuotes takes what a parser quotes out of its message: it may be a part of
// somebody's mail. Only the first line is kept, the others are a stack.
func withoutQuotes(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	var out strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '"':
			if !quoted {
				out.WriteString("…")
			}
			quoted = !quoted
		case quoted && s[i] == '\\':
			i++ // what is escaped does not end the quote
		case !quoted:
			out.WriteByte(s[i])
		}
	}
	return oneLine(out.String())
}
