package discover_test

import (
	"bytes"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"kith/discover"
)

func TestParseAutoconfigRefuses(t *testing.T) {
	for _, tt := range []struct{ reason, text, want string }{
		{"nothing", "", "EOF"},
		{"a page for people", "<!DOCTYPE html><html><body>Not found</body></html>", "expected element type <clientConfig>"},
		{"cut off", autoconfig(server("a.test", "993", "SSL", "x"))[:150], "XML syntax error"},
		{"an entity that grows", `<!DOCTYPE x [<!ENTITY a "aaaa">]><clientConfig>&a;</clientConfig>`, "invalid character entity"},
		{"longer than any real one", "<clientConfig>" + strings.Repeat(" ", 256<<10), "longer than 262144 bytes"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			found, err := discover.ParseAutoconfig(strings.NewReader(tt.text), "alice@example.test")
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(found) > 0 {
				t.Errorf("%v, %v; want an error with %q", found, err, tt.want)
			}
		})
	}
}

func TestParseAutoconfigTakesFewServers(t *testing.T) {
	var servers []string
	for i := range 100 {
		servers = append(servers, server("imap"+strconv.Itoa(i)+".example.test", "993", "SSL", "%EMAILADDRESS%"))
	}
	found, err := discover.ParseAutoconfig(strings.NewReader(autoconfig(servers...)), "alice@example.test")
	if err != nil || len(found) != 8 || found[0].URL != "imaps://imap0.example.test:993" {
		t.Errorf("%d servers, %v; want the first 8: %v", len(found), err, found)
	}
}

// Whatever the file says, a candidate is a URL that can be dialled as it is, with TLS and
// to a full host name, and a user name that fits on a line.
func FuzzParseAutoconfig(f *testing.F) {
	f.Add([]byte(autoconfig(server("mx.provider.test", "993", "SSL", "%EMAILADDRESS%"), server("%EMAILDOMAIN%", "143", "STARTTLS", "x-%EMAILLOCALPART%"))))
	f.Add([]byte(autoconfig(server("a@b.test/?#", "99999", "SSL", "a&#10;b"))))
	f.Add([]byte(`<clientConfig xmlns="x"><emailProvider><incomingServer type="imap"><hostname>[::1]</hostname></incomingServer></emailProvider>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		found, err := discover.ParseAutoconfig(bytes.NewReader(data), "alice@example.test")
		if err != nil && len(found) > 0 {
			t.Fatalf("an error and candidates: %v, %v", err, found)
		}
		for _, c := range found {
			u, err := url.Parse(c.URL)
			if err != nil {
				t.Fatalf("%q: %v", c.URL, err)
			}
			port, err := strconv.Atoi(u.Port())
			if err != nil || port < 1 || port > 65535 || u.Scheme != "imaps" && u.Scheme != "imap+starttls" ||
				!strings.Contains(u.Hostname(), ".") || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" {
				t.Errorf("not a server: %q", c.URL)
			}
			if c.Username == "" || strings.Contains(c.Username, "%") || strings.ContainsFunc(c.Username, func(r rune) bool { return !unicode.IsPrint(r) }) {
				t.Errorf("not a user name: %q", c.Username)
			}
		}
	})
}
