// Package discover finds the IMAP servers of an e-mail address: by SRV records
// (RFC 6186), by the provider's autoconfig file (as Thunderbird and others read
// it), by the MX records, and by the names that servers usually have.
//
// It finds candidates only. Whether one is right, a login tells; whether one that
// is not verified may be given a password, the user does.
package discover

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// Source is how a candidate was found.
type Source string

// The sources, the better first.
const (
	SourceSRV        Source = "srv"        // DNS SRV records, RFC 6186
	SourceAutoconfig Source = "autoconfig" // the domain's own autoconfig file
	SourceISPDB      Source = "ispdb"      // the autoconfig file that Thunderbird keeps for the domain
	SourceMX         Source = "mx"         // whoever receives the domain's mail
	SourceGuess      Source = "guess"      // a usual name
)

// Candidate is a server that may hold the mailbox of an address.
type Candidate struct {
	URL      string // imaps://host:port or imap+starttls://host:port
	Username string
	Source   Source
	// Unverified is set when nothing but unauthenticated DNS says that this host
	// serves the address, and it is of another domain: a forged answer could
	// lead anywhere, with a valid certificate. RFC 6186 §6: ask the user before a
	// password is sent there.
	Unverified bool
}

// Resolver looks up DNS records. [net.Resolver] is one.
type Resolver interface {
	LookupSRV(ctx context.Context, service, proto, name string) (string, []*net.SRV, error)
	LookupMX(ctx context.Context, name string) ([]*net.MX, error)
}

// Finder finds candidates. It is safe for concurrent use as long as its fields stay.
type Finder struct {
	Resolver Resolver // nil: the system's
	// Client fetches autoconfig files. Redirects are held to https and a few
	// steps in any case. nil: one that reaches nothing but port 443 of public
	// addresses, so that no name leads it into the network it runs in.
	Client *http.Client
	// ISPDB allows to ask autoconfig.thunderbird.net about the domain, never with
	// the address. It is off unless set: a third party learns from it
	// whose mail is about to be read.
	ISPDB bool
	Log   *slog.Logger // what was tried and why it gave nothing, at debug level; nil: nowhere
}

// lookupTimeout bounds one DNS lookup, and one file together with its redirects.
const lookupTimeout = 5 * time.Second

// Candidates returns the candidates for an address, the best first and none
// twice. Each step runs when the ones before have not satisfied the caller; one
// that fails is passed over. The sequence may be used once.
func (f *Finder) Candidates(ctx context.Context, address string) (iter.Seq[Candidate], error) {
	m, err := parseMailbox(address)
	if err != nil {
		return nil, err
	}
	s := &search{finder: f, mailbox: m, client: f.client(), seen: map[string]bool{}}
	return func(yield func(Candidate) bool) {
		for _, step := range []iter.Seq[Candidate]{s.srv(ctx), s.own(ctx), s.ispdb(ctx), s.mx(ctx), s.guesses()} {
			for c := range step {
				if key := c.URL + " " + c.Username; !s.seen[key] {
					s.seen[key] = true
					if !yield(c) {
						return
					}
				}
			}
			if ctx.Err() != nil {
				return
			}
		}
	}, nil
}

// search is the state of one sequence.
type search struct {
	finder  *Finder
	client  *http.Client
	mailbox mailbox
	seen    map[string]bool
	noTLS   bool // the domain says that it has no IMAP with implicit TLS,
	noPlain bool // or none that begins without TLS
}

// mailbox is an address in its parts.
type mailbox struct{ address, local, domain string }

// parseMailbox takes an address apart; the domain becomes ASCII, as DNS wants it.
func parseMailbox(address string) (mailbox, error) {
	at := strings.LastIndexByte(address, '@')
	bad := fmt.Errorf("%q is no e-mail address: want the form alice@example.test", address)
	if at <= 0 || strings.ContainsFunc(address, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) || r == unicode.ReplacementChar }) {
		return mailbox{}, bad
	}
	domain, err := idna.Lookup.ToASCII(strings.TrimSuffix(address[at+1:], "."))
	if err != nil || !isHost(domain) {
		return mailbox{}, bad
	}
	return mailbox{address: address[:at] + "@" + domain, local: address[:at], domain: domain}, nil
}

// isHost tells whether s is a full host name: no literal address, and no name
// that only the local network knows.
func isHost(s string) bool {
	if len(s) > 253 || !strings.Contains(s, ".") {
		return false
	}
	label := ""
	for label = range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for _, c := range []byte(label) {
			if c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
				return false
			}
		}
	}
	// RFC 1123 §2.1: a top-level domain that is all digits would be part of a literal address.
	_, err := strconv.Atoi(label)
	return err != nil
}

// sameOwner tells whether a host is under the registrable domain of the address:
// there nobody but its owner can get a certificate.
func (m mailbox) sameOwner(host string) bool {
	if host == m.domain || strings.HasSuffix(host, "."+m.domain) {
		return true
	}
	registered, err := publicsuffix.EffectiveTLDPlusOne(m.domain)
	return err == nil && (host == registered || strings.HasSuffix(host, "."+registered))
}

func (s *search) debug(what, name string, err error) {
	if s.finder.Log != nil && err != nil {
		s.finder.Log.Debug("discover", "step", what, "name", name, "err", err)
	}
}

func (f *Finder) resolver() Resolver {
	if f.Resolver == nil {
		return net.DefaultResolver
	}
	return f.Resolver
}
