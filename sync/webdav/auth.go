package webdav

import (
	"context"
	"crypto/md5"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"hash"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"kith"
)

// login makes a request with the credentials, if it may have them. Basic goes along
// unasked: some servers answer a stranger with less, rather than ask who it is. A
// server that wants Digest gets that from its first challenge on.
func (c *Client) login(ctx context.Context, req request, credentials bool) (*http.Response, error) {
	if !credentials {
		return c.send(ctx, req, "")
	}
	password, err := c.secret(ctx)
	if err != nil {
		return nil, err
	}
	server := origin(req.url)
	for attempt := 0; ; attempt++ {
		d := c.digestOf(server)
		authorization := basic(c.opts.Username, password)
		if d != nil {
			authorization = d.authorize(c.opts.Username, password, req.method, req.url.RequestURI())
		}
		resp, err := c.send(ctx, req, authorization)
		if err != nil || resp.StatusCode != http.StatusUnauthorized || attempt == 1 {
			return resp, err
		}
		fresh := parseDigest(resp.Header.Values("Www-Authenticate"))
		// A new nonce is worth another try, a password that was refused is not.
		if fresh == nil || d != nil && !fresh.stale {
			return resp, nil
		}
		resp.Body.Close()
		c.mu.Lock()
		c.digests[server] = fresh
		c.mu.Unlock()
	}
}

func (c *Client) digestOf(server string) *digest {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.digests[server]
}

// secret returns the password.
func (c *Client) secret(ctx context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.password == nil {
		if c.opts.Password == nil {
			return "", kith.Faultf(kith.FaultSettings, "there is a username and no password")
		}
		password, err := c.opts.Password(ctx)
		if err != nil {
			return "", fmt.Errorf("password: %w", err)
		}
		c.password = &password
	}
	return *c.password, nil
}

func basic(username, password string) string { // RFC 7617 §2
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(username+":"+password))
}

// digest is a challenge of Digest authentication (RFC 7616), with the count of its use.
type digest struct {
	realm, nonce, opaque string
	algorithm            string // as the server wrote it
	hash                 func() hash.Hash
	auth                 bool // qop=auth; without it, as in RFC 2069
	stale                bool
	count                int
}

var challengeParam = regexp.MustCompile(`([A-Za-z0-9_-]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^\s,"]+)`)

// parseDigest returns the first challenge that can be answered.
func parseDigest(headers []string) *digest {
	for _, header := range headers {
		i := strings.Index(strings.ToLower(header), "digest ")
		if i < 0 {
			continue
		}
		params := map[string]string{}
		for _, m := range challengeParam.FindAllStringSubmatch(header[i+len("digest "):], -1) {
			// A further challenge in the same header repeats names: the first counts.
			if name := strings.ToLower(m[1]); params[name] == "" {
				value := m[2]
				if value[0] == '"' {
					value = unquote(value)
				}
				params[name] = value
			}
		}
		d := &digest{
			realm: params["realm"], nonce: params["nonce"], opaque: params["opaque"],
			algorithm: params["algorithm"], stale: strings.EqualFold(params["stale"], "true"),
		}
		switch strings.ToUpper(d.algorithm) {
		case "", "MD5":
			d.hash = md5.New
		case "SHA-256":
			d.hash = sha256.New
		default:
			continue
		}
		if qop := params["qop"]; qop != "" {
			d.auth = slices.ContainsFunc(strings.Split(qop, ","), func(s string) bool { return strings.EqualFold(strings.TrimSpace(s), "auth") })
			if !d.auth {
				continue
			}
		}
		if d.nonce != "" {
			return d
		}
	}
	return nil
}

var (
	quotedPair = regexp.MustCompile(`\\(.)`)
	quoteChar  = regexp.MustCompile(`["\\]`)
)

func unquote(s string) string { return quotedPair.ReplaceAllString(s[1:len(s)-1], "$1") }
func quote(s string) string   { return `"` + quoteChar.ReplaceAllString(s, `\$0`) + `"` }

// authorize makes the value of an Authorization field (RFC 7616 §3.4).
func (d *digest) authorize(username, password, method, uri string) string {
	h := func(s string) string {
		sum := d.hash()
		_, _ = sum.Write([]byte(s)) // a hash takes everything
		return hex.EncodeToString(sum.Sum(nil))
	}
	a1, a2 := h(username+":"+d.realm+":"+password), h(method+":"+uri)
	var b strings.Builder
	fmt.Fprintf(&b, "Digest username=%s, realm=%s, nonce=%s, uri=%s", quote(username), quote(d.realm), quote(d.nonce), quote(uri))
	if d.auth {
		d.count++
		nc, cnonce := fmt.Sprintf("%08x", d.count), rand.Text()
		fmt.Fprintf(&b, `, qop=auth, nc=%s, cnonce=%q, response="%s"`, nc, cnonce, h(strings.Join([]string{a1, d.nonce, nc, cnonce, "auth", a2}, ":")))
	} else {
		fmt.Fprintf(&b, `, response="%s"`, h(a1+":"+d.nonce+":"+a2))
	}
	if d.algorithm != "" {
		b.WriteString(", algorithm=" + d.algorithm)
	}
	if d.opaque != "" {
		b.WriteString(", opaque=" + quote(d.opaque))
	}
	return b.String()
}
