package config_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"kith/config"
)

// What must stay allowed, one line each.
func TestLoadTakes(t *testing.T) {
	const imap = "[[account]]\nname = \"a%d\"\nkind = \"imap\"\nusername = \"alice\"\npassword_file = \"password\"\nurl = %q\n"
	account := func(lines string) string {
		return "[[account]]\nname = \"a\"\nkind = \"microsoft\"\n" + lines
	}
	for _, tt := range []struct{ reason, text string }{
		{"two servers on one host", fmt.Sprintf(imap, 1, "imap://127.0.0.1:1143") + fmt.Sprintf(imap, 2, "imap://127.0.0.1:1144")},
		{"one server for two users", fmt.Sprintf(imap, 1, "imaps://x.test") + strings.Replace(fmt.Sprintf(imap, 2, "imaps://x.test"), "alice", "bob", 1)},
		{"the calendar and the address book of one server", `
			account = [{name = "a", kind = "caldav", url = "https://x.test"}, {name = "b", kind = "carddav", url = "https://x.test"}]`},
		{"two feeds that differ in their query", `
			account = [{name = "a", kind = "ics", url = "https://x.test/f?id=1"}, {name = "b", kind = "ics", url = "https://x.test/f?id=2"}]`},
		{"two tenants without a user", `account = [{name = "a", kind = "microsoft"}, {name = "b", kind = "microsoft"}]`},
		{"five fields", account(`schedule = "*/5 8-18 * * MON-FRI"`)},
		{"five fields in a zone", account(`schedule = "CRON_TZ=Asia/Tokyo 0 9 29 2 *"`)},
		{"an interval in a zone", account(`schedule = "CRON_TZ=Asia/Tokyo @every 90s"`)},
		{"H13 a folder and its subfolders left out", account(`exclude = ["HR", "HR/*", "[Gmail]/Spam", "Légal?"]`)},
		{"an extra authority turned off", account(`ca_file = ""`)},
		{"a socket", "[http]\nlisten = \"unix:kith.sock\""},
		{"the name of this machine", "[http]\nlisten = \"localhost:0\""},
		{"behind a proxy", "[http]\nlisten = \":8625\"\nallow_plain_http = true"},
		{"patterns of never_record", `policy.never_record = ["*@bank.test", "no-reply*@x.test", "bank.test", "*.bank.test", "a@münchen.test", "x@bank"]`},
		{"events of documents", `templates = {sales_credit_memo_posted = "CREDIT", letter_in = ""}`},
		{"beyond this machine with TLS, its key shared with a group", "[http]\nlisten = \"[::]:8625\"\ntls_cert = \"ca.pem\"\ntls_key = \"tls.key\""},
		{"H09 a password file that systemd guards, whatever its mode", strings.Replace(fmt.Sprintf(imap, 1, "imaps://x.test"), "\"password\"", "\"credentials/alice-dav\"", 1)},
		{"a date without quotes", "since = 2024-01-31"},
		{"a size as a number", "limits.header_size = 65536"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			load(t, tt.text, inFolder(t))
		})
	}
}

func TestHTTPAddress(t *testing.T) {
	env := inFolder(t)
	c := load(t, "[http]\nlisten = \"unix:run/kith.sock\"", env)
	network, address := c.HTTP.Address()
	want, err := filepath.Abs("run/kith.sock")
	if err != nil {
		t.Fatal(err)
	}
	if network != "unix" || address != want {
		t.Errorf("Address() = %s %s, want unix %s", network, address, want)
	}
	if network, address = config.Default().HTTP.Address(); network != "tcp" || address != "127.0.0.1:8625" {
		t.Errorf("Address() = %s %s, want tcp 127.0.0.1:8625", network, address)
	}
}

func TestLogLevel(t *testing.T) {
	for level, want := range map[config.LogLevel]slog.Level{
		config.LevelDebug: slog.LevelDebug, config.LevelInfo: slog.LevelInfo, config.LevelWarn: slog.LevelWarn, config.LevelError: slog.LevelError,
	} {
		if got := level.Level(); got != want {
			t.Errorf("%s is %v, want %v", level, got, want)
		}
	}
}

func TestAccountHost(t *testing.T) {
	for url, want := range map[string]string{"imaps://Mail.Example.test:993": "mail.example.test", "": "", "file:///x.ics": "", "imap://[::1]:143": "::1"} {
		if got := (config.Account{URL: url}).Host(); got != want {
			t.Errorf("host of %q is %q, want %q", url, got, want)
		}
	}
}
