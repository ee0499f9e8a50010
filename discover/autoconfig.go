package discover

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	ispdbURL  = "https://autoconfig.thunderbird.net/v1.1/"
	maxFile   = 256 << 10 // bytes of an autoconfig file; real ones have 2 to 10 KiB
	maxFound  = 8         // servers taken from one file
	maxFollow = 4         // redirects followed
)

// own yields what the domain's own autoconfig file names.
func (s *search) own(ctx context.Context) iter.Seq[Candidate] {
	return func(yield func(Candidate) bool) {
		for _, c := range s.autoconfig(ctx, s.mailbox.domain, s.mailbox.address) {
			c.Source = SourceAutoconfig
			if !yield(c) {
				return
			}
		}
	}
}

// ispdb yields what Thunderbird's collection knows, if it may be asked.
func (s *search) ispdb(ctx context.Context) iter.Seq[Candidate] {
	return func(yield func(Candidate) bool) {
		if !s.finder.ISPDB {
			return
		}
		for _, c := range s.fetch(ctx, ispdbURL+s.mailbox.domain) {
			c.Source = SourceISPDB
			if !yield(c) {
				return
			}
		}
	}
}

// autoconfig reads the file of a domain at the two places where it may be, and tells
// the address there unless it is "".
func (s *search) autoconfig(ctx context.Context, domain, address string) []Candidate {
	query := ""
	if address != "" {
		query = "?emailaddress=" + url.QueryEscape(address)
	}
	for _, place := range []string{
		"https://autoconfig." + domain + "/mail/config-v1.1.xml",
		"https://" + domain + "/.well-known/autoconfig/mail/config-v1.1.xml",
	} {
		if found := s.fetch(ctx, place+query); len(found) > 0 {
			return found
		}
	}
	return nil
}

// fetch reads the file at a URL; nothing is found in one that is not there.
func (s *search) fetch(ctx context.Context, at string) []Candidate {
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	place, _, _ := strings.Cut(at, "?")
	found, err := s.get(ctx, at)
	s.debug("autoconfig", place, err)
	return found
}

func (s *search) get(ctx context.Context, at string) ([]Candidate, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "kith")
	resp, err := s.client.Do(req)
	if err != nil {
		var ue *url.Error // names the URL, and with it the address
		if errors.As(err, &ue) {
			err = ue.Err
		}
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answer %s", resp.Status)
	}
	return ParseAutoconfig(resp.Body, s.mailbox.address)
}

// client returns the client to use, with its redirects restrained.
func (f *Finder) client() *http.Client {
	base := f.Client
	if base == nil {
		base = guarded
	}
	client := *base
	client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if req.URL.Scheme != "https" {
			return fmt.Errorf("redirected to %s://: only https is followed", req.URL.Scheme)
		}
		if len(via) > maxFollow {
			return fmt.Errorf("redirected more than %d times", maxFollow)
		}
		req.Header.Del("Referer") // it would hold the address
		return nil
	}
	return &client
}

// clientConfig is the part of an autoconfig file that tells of IMAP.
// https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat
type clientConfig struct {
	XMLName xml.Name         `xml:"clientConfig"`
	Servers []incomingServer `xml:"emailProvider>incomingServer"`
}

type incomingServer struct {
	Type           string   `xml:"type,attr"`
	Hostname       string   `xml:"hostname"`
	Port           string   `xml:"port"`
	SocketType     string   `xml:"socketType"`
	Username       string   `xml:"username"`
	Authentication []string `xml:"authentication"`
}

// ParseAutoconfig reads an autoconfig file, 256 KiB of it at most, and returns its
// IMAP servers for an address, in the file's order. Left out is what could not be
// used: servers without TLS, without a login by password, or with placeholders
// that the address does not fill. The Source of the candidates is empty.
func ParseAutoconfig(r io.Reader, address string) ([]Candidate, error) {
	m, err := parseMailbox(address)
	if err != nil {
		return nil, err
	}
	limited := &io.LimitedReader{R: r, N: maxFile + 1}
	var config clientConfig
	if err := xml.NewDecoder(limited).Decode(&config); err != nil {
		if limited.N <= 0 {
			err = fmt.Errorf("longer than %d bytes", maxFile)
		}
		return nil, fmt.Errorf("no autoconfig file: %w", err)
	}
	var found []Candidate
	for _, server := range config.Servers {
		if c, ok := server.candidate(m); ok && len(found) < maxFound {
			found = append(found, c)
		}
	}
	return found, nil
}

func (server incomingServer) candidate(m mailbox) (Candidate, bool) {
	var scheme string
	switch strings.TrimSpace(server.SocketType) {
	case "SSL":
		scheme = implicitTLS
	case "STARTTLS":
		scheme = startTLS
	}
	host, hostOK := m.fill(server.Hostname)
	username, userOK := m.fill(server.Username)
	host = strings.ToLower(host)
	port, err := strconv.ParseUint(strings.TrimSpace(server.Port), 10, 16)
	if server.Type != "imap" || scheme == "" || err != nil || port == 0 || !hostOK || !userOK || !isHost(host) || !server.byPassword() {
		return Candidate{}, false
	}
	return Candidate{URL: serverURL(scheme, host, int(port)), Username: username}, true
}

// byPassword tells whether a password is enough to log in. Files of old do not
// say how, which means one.
func (server incomingServer) byPassword() bool {
	return len(server.Authentication) == 0 || slices.ContainsFunc(server.Authentication, func(a string) bool {
		a = strings.TrimSpace(a)
		return strings.HasPrefix(a, "password-") || a == "plain" || a == "secure"
	})
}

// fill puts the address into the placeholders of a text.
func (m mailbox) fill(text string) (string, bool) {
	text = strings.TrimSpace(text)
	unprintable := func(r rune) bool { return !unicode.IsPrint(r) }
	if text == "" || !utf8.ValidString(text) || strings.ContainsFunc(text, unprintable) {
		return "", false
	}
	left := strings.NewReplacer("%EMAILADDRESS%", "", "%EMAILLOCALPART%", "", "%EMAILDOMAIN%", "").Replace(text)
	if strings.Contains(left, "%") {
		return "", false // such as %REALNAME%, or one that we don't know
	}
	return strings.NewReplacer("%EMAILADDRESS%", m.address, "%EMAILLOCALPART%", m.local, "%EMAILDOMAIN%", m.domain).Replace(text), true
}
