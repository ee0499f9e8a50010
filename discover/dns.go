package discover

import (
	"cmp"
	"context"
	"iter"
	"net"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"
)

const (
	implicitTLS = "imaps"
	startTLS    = "imap+starttls"
)

func serverURL(scheme, host string, port int) string {
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port))
}

// srv yields what the domain's SRV records name.
func (s *search) srv(ctx context.Context) iter.Seq[Candidate] {
	return func(yield func(Candidate) bool) {
		type target struct {
			scheme, host   string
			port, priority uint16
		}
		var targets []target
		for _, service := range []struct {
			name, scheme string
			none         *bool
		}{{"imaps", implicitTLS, &s.noTLS}, {"imap", startTLS, &s.noPlain}} {
			records, err := s.lookupSRV(ctx, service.name)
			s.debug("srv", s.mailbox.domain, err) // there may be records that are good beside one that is not
			for _, r := range records {
				host := strings.ToLower(strings.TrimSuffix(r.Target, "."))
				switch {
				// RFC 2782: a target of "." says that the service is decidedly not there.
				case host == "":
					*service.none = len(records) == 1
				case isHost(host) && r.Port > 0:
					targets = append(targets, target{service.scheme, host, r.Port, r.Priority})
				}
			}
		}
		// RFC 6186 §3.4: the priority counts across the two services. Among
		// equals implicit TLS comes first (RFC 8314 §3), as it was looked up first.
		slices.SortStableFunc(targets, func(a, b target) int { return cmp.Compare(a.priority, b.priority) })
		// RFC 6186 §4: the full address as the user name first, then its local part.
		for _, username := range []string{s.mailbox.address, s.mailbox.local} {
			for _, t := range targets {
				c := Candidate{
					URL: serverURL(t.scheme, t.host, int(t.port)), Username: username, Source: SourceSRV,
					Unverified: !s.mailbox.sameOwner(t.host),
				}
				if !yield(c) {
					return
				}
			}
		}
	}
}

func (s *search) lookupSRV(ctx context.Context, service string) ([]*net.SRV, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	_, records, err := s.finder.resolver().LookupSRV(ctx, service, "tcp", s.mailbox.domain)
	return records, err
}

// providers are the IMAP servers of providers that do not have them under the
// domain of their MX hosts.
var providers = map[string]string{
	"google.com":          "imap.gmail.com",
	"googlemail.com":      "imap.gmail.com",
	"icloud.com":          "imap.mail.me.com",
	"messagingengine.com": "imap.fastmail.com",
	"outlook.com":         "outlook.office365.com",
}

// mx yields the servers of whoever receives the domain's mail.
func (s *search) mx(ctx context.Context) iter.Seq[Candidate] {
	return func(yield func(Candidate) bool) {
		provider, err := s.provider(ctx)
		s.debug("mx", s.mailbox.domain, err)
		if provider == "" {
			return
		}
		// The address stays here: it is DNS alone that names the provider.
		found := s.autoconfig(ctx, provider, "")
		if len(found) == 0 && s.finder.ISPDB {
			found = s.fetch(ctx, ispdbURL+provider)
		}
		host := cmp.Or(providers[provider], "imap."+provider)
		found = append(found, Candidate{URL: serverURL(implicitTLS, host, 993), Username: s.mailbox.address})
		for _, c := range found {
			c.Source, c.Unverified = SourceMX, true
			if !yield(c) {
				return
			}
		}
	}
}

// provider returns the domain of the host that the domain's mail goes to, ""
// if that is the domain itself.
func (s *search) provider(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	records, err := s.finder.resolver().LookupMX(ctx, s.mailbox.domain)
	if len(records) == 0 {
		return "", err
	}
	first := slices.MinFunc(records, func(a, b *net.MX) int { return cmp.Compare(a.Pref, b.Pref) })
	host := strings.ToLower(strings.TrimSuffix(first.Host, "."))
	// RFC 7505: a host of "." says that the domain takes no mail.
	if !isHost(host) || s.mailbox.sameOwner(host) {
		return "", nil
	}
	return publicsuffix.EffectiveTLDPlusOne(host)
}

// guesses yields the names that servers usually have.
func (s *search) guesses() iter.Seq[Candidate] {
	return func(yield func(Candidate) bool) {
		for _, kind := range []struct {
			scheme string
			port   int
			none   bool
		}{{implicitTLS, 993, s.noTLS}, {startTLS, 143, s.noPlain}} {
			for _, prefix := range []string{"imap.", "mail.", ""} {
				if kind.none {
					continue
				}
				c := Candidate{URL: serverURL(kind.scheme, prefix+s.mailbox.domain, kind.port), Username: s.mailbox.address, Source: SourceGuess}
				if !yield(c) {
					return
				}
			}
		}
	}
}
