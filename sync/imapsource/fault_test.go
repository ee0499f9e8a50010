package imapsource

import (
	"errors"
	"testing"
	"time"

	"github.com/emersion/go-imap/v2"

	"kith"
)

func TestFault(t *testing.T) {
	t.Parallel()
	no := func(code imap.ResponseCode, text string) error {
		return &imap.Error{Type: imap.StatusResponseTypeNo, Code: code, Text: text}
	}
	bad := func(text string) error { return &imap.Error{Type: imap.StatusResponseTypeBad, Text: text} }
	for _, tt := range []struct {
		name  string
		err   error
		login bool
		kind  kith.FaultKind
		retry time.Duration
	}{
		{"E14 a pause in milliseconds", bad("Request is throttled. Suggested Backoff Time: 92415 milliseconds"), false, kith.FaultThrottled, 92415 * time.Millisecond},
		{"E14 a pause in seconds", bad("Suggested Backoff Time: 90 seconds"), false, kith.FaultThrottled, 90 * time.Second},
		{"E14 a pause of years is one day", bad("Suggested Backoff Time: 9223372036854775807 milliseconds"), false, kith.FaultThrottled, 24 * time.Hour},
		{"E14 a pause that is no number", bad("Suggested Backoff Time: soon"), false, kith.FaultThrottled, 0},
		{"E14 a pause beyond 64 bits", bad("Suggested Backoff Time: 99999999999999999999 milliseconds"), false, kith.FaultThrottled, 0},
		{"E14 a negative pause", bad("Suggested Backoff Time: -5 milliseconds"), false, kith.FaultThrottled, 0},
		{"E14 a code in lower case", no("throttled", ""), false, kith.FaultThrottled, 0},
		{"E16 Courier", no("", "Too many connections from your IP"), true, kith.FaultThrottled, 0},
		{"E18 in a command", bad("User is authenticated but not connected."), false, kith.FaultTransient, 0},
		{"E18 in the login", bad("User is authenticated but not connected."), true, kith.FaultTransient, 0},
		{"E19 a code wins over what the text seems to say", no(imap.ResponseCodeAuthenticationFailed, "rate limit of wrong passwords"), true, kith.FaultAuth, 0},
		{"E19 BAD does not judge the password", bad("Command syntax error"), true, kith.FaultTransient, 0},
		{"E20 AUTHENTICATIONFAILED of a server in trouble", no(imap.ResponseCodeAuthenticationFailed, "Temporary server error. Try again later."), true, kith.FaultTransient, 0},
		{"E20 a NO after the login", no("", "Mailbox is gone"), false, kith.FaultTransient, 0},
		{"no status", errors.New("odd"), true, kith.FaultTransient, 0},
		{"a fault of somebody else", kith.Faultf(kith.FaultSettings, "password_file"), true, kith.FaultSettings, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if kind, retry := fault(tt.err, tt.login); kind != tt.kind || retry != tt.retry {
				t.Errorf("%v is %q, again after %v; want %q, %v", tt.err, kind, retry, tt.kind, tt.retry)
			}
		})
	}
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain":               "plain",
		"two\r\nlines":        "two  lines",
		"\x1b[31mred\x1b[0m":  "[31mred [0m",
		"bad \xff\xfe UTF-8 ": "bad   UTF-8",
		"\x00":                "",
	} {
		if got := oneLine(in); got != want {
			t.Errorf("oneLine(%q) = %q, want %q", in, got, want)
		}
	}
	if got := []rune(oneLine(string(make([]rune, 10_000)) + "xé")); len(got) > 401 {
		t.Errorf("%d characters are kept", len(got))
	}
}

func TestWithoutQuotes(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`in envelope: expected atom, got "S"`: "in envelope: expected atom, got …",
		`parsing "subject \"x\" y": invalid`:  "parsing …: invalid",
		"panic: x\ngoroutine 1 [running]":     "panic: x",
		`an open quote "secret`:               "an open quote …",
	} {
		if got := withoutQuotes(in); got != want {
			t.Errorf("withoutQuotes(%q) = %q, want %q", in, got, want)
		}
	}
}
