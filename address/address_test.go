package address_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"kith/address"
)

func TestNormalize(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want string // "" when it is no SMTP address
	}{
		{"nothing", "", ""},
		{"only blanks", " \t\u00a0", ""},
		{"no at sign", "john", ""},
		{"no local part", "@x.com", ""},
		{"no domain", "john@", ""},
		{"two at signs", "john@doe@x.com", ""},
		{"blank in the local part", "john doe@x.com", ""},
		{"blank in the domain", "john@x .com", ""},
		{"empty label", "john@x..com", ""},
		{"label of 64 letters", "john@" + strings.Repeat("a", 64) + ".com", ""},
		{"longer than a path can be", strings.Repeat("a", 250) + "@x.com", ""},
		{"broken UTF-8", "j\xfchn@x.com", ""},
		{"dots alone", "..@x.com", ""},
		{"open address literal", "john@[192.0.2.1", ""},
		{"literal with a zone", "john@[IPv6:fe80::1%eth0]", ""},
		{"two addresses", "a@x.com, b@x.com", ""},
		{"A25 X.500 name of Exchange", "/o=ExchangeLabs/ou=Exchange Administrative Group/cn=Recipients/cn=123-john", ""},
		{"A25 X.500 name with a domain", "/O=EXAMPLE/OU=FIRST/CN=JOHN@x.com", ""},
		{"A25 encapsulated by Exchange", "IMCEAEX-_O=EXAMPLE_OU=FIRST_CN=JOHN@x.com", ""},
		{"A25 encapsulated fax", "IMCEAFAX-John+20Doe+40+2B1+20555@x.com", ""},
		{"A25 X.400 name", "X400:c=US;a= ;p=Example;o=Exchange;s=Doe;g=John;", ""},
		{"A25 address of a calendar without e-mail", "invalid:nomail", ""},
		{"A25 another scheme", "urn:uuid:0198@x.com", ""},

		{"canonical", "john@x.com", "john@x.com"},
		{"B01 upper case", "John@X.com", "john@x.com"},
		{"B01 upper case domain", "john@x.COM", "john@x.com"},
		{"A26 angle brackets and a final dot", "<j@x.com.>", "j@x.com"},
		{"A26 mailto", "mailto:j@x.com", "j@x.com"},
		{"A26 mailto in upper case", "MAILTO:John@X.com", "john@x.com"},
		{"A26 mailto with a subject", "mailto:j%2Btag@x.com?subject=Hello", "j+tag@x.com"},
		{"A26 single quotes", "'j@x.com'", "j@x.com"},
		{"A26 one single quote", "'j@x.com", "j@x.com"},
		{"A26 double quotes", `"j@x.com"`, "j@x.com"},
		{"A26 all at once", " '<mailto:J@x.com.>' ", "j@x.com"},
		{"A26 blanks around", " \t j@x.com\r\n", "j@x.com"},
		{"A26 blanks at the at sign", "j @ x.com", "j@x.com"},
		{"A26 no-break space", "\u00a0j@x.com\u00a0", "j@x.com"},
		{"A26 zero-width characters", "\u200bj\u200d@x\ufeff.com", "j@x.com"},
		{"A26 bidirectional marks", "\u202aj@x.com\u202c\u200e", "j@x.com"},
		{"NUL", "j@x.com\x00", "j@x.com"},
		{"display name", "John Doe <John@x.com>", "john@x.com"},
		{"B18 as typed in a list of contacts", " MailTo: John@X.com ", "john@x.com"},
		{"proxy address of Exchange", "SMTP:John@x.com", "john@x.com"},
		{"quotes that aren't needed", `"john.doe"@x.com`, "john.doe@x.com"},
		{"quotes that are needed", `"John Doe"@x.com`, `"john doe"@x.com`},
		{"at sign in quotes", `"john@home"@x.com`, `"john@home"@x.com`},
		{"backslash in quotes", `"jo\hn"@x.com`, "john@x.com"},
		{"quote in quotes", `"jo\"hn"@x.com`, `"jo\"hn"@x.com`},
		{"all kinds of signs", "!#$%&'*+-/=?^_`{|}~@x.com", "!#$%&'*+-/=?^_`{|}~@x.com"},
		{"dots where they should not be", "a..b.@docomo.ne.jp", "a..b.@docomo.ne.jp"},
		{"apostrophe", "o'brien@x.com", "o'brien@x.com"},
		{"long local part of a ticket system", strings.Repeat("a", 100) + "@x.com", strings.Repeat("a", 100) + "@x.com"},
		{"underscore in the domain", "a@my_host.x.com", "a@my_host.x.com"},
		{"one label", "root@localhost", "root@localhost"},
		{"IPv4 literal", "john@[192.0.2.1]", "john@[192.0.2.1]"},
		{"IPv6 literal", "john@[IPv6:2001:DB8:0::1]", "john@[ipv6:2001:db8::1]"},
		{"A24 domain in Unicode", "a@münchen.de", "a@xn--mnchen-3ya.de"},
		{"A24 domain in ASCII", "a@xn--mnchen-3ya.de", "a@xn--mnchen-3ya.de"},
		{"A24 domain in upper case ASCII", "a@XN--MNCHEN-3YA.DE", "a@xn--mnchen-3ya.de"},
		{"A24 domain in upper case Unicode", "a@MÜNCHEN.de", "a@xn--mnchen-3ya.de"},
		{"A24 decomposed domain", "a@mu\u0308nchen.de", "a@xn--mnchen-3ya.de"},
		{"A24 mixed labels", "a@büro.xn--mnchen-3ya.de", "a@xn--bro-hoa.xn--mnchen-3ya.de"},
		{"A24 ideographic full stop", "a@münchen。de", "a@xn--mnchen-3ya.de"},
		{"A24 sharp s is a letter of its own", "a@straße.de", "a@xn--strae-oqa.de"},
		{"A24 emoji, which IDNA does not allow", "a@💩.la", "a@xn--ls8h.la"},
		{"A24 local part kept", "jürgen@x.com", "jürgen@x.com"},
		{"A24 local part in upper case", "JÜRGEN@x.com", "jürgen@x.com"},
		{"A24 decomposed local part", "ju\u0308rgen@x.com", "jürgen@x.com"},
		{"A24 other scripts", "用户@例子.测试", "用户@xn--fsqu00a.xn--0zwm56d"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := address.Normalize(tt.in)
			if got != tt.want || ok != (tt.want != "") {
				t.Fatalf("Normalize(%q) = %q, %v, want %q", tt.in, got, ok, tt.want)
			}
			if again, _ := address.Normalize(got); again != got {
				t.Errorf("Normalize(%q) = %q, want it unchanged", got, again)
			}
		})
	}
}

func TestNormalizePlainDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { address.Normalize("john.doe+tag@mail.example.com") }); n != 0 {
		t.Errorf("%v allocations for a plain address, want none", n)
	}
}

func TestDomain(t *testing.T) {
	for in, want := range map[string]string{
		"a@x.com":       "x.com",
		`"a@b"@x.com`:   "x.com",
		"no-address":    "",
		"a@[192.0.2.1]": "[192.0.2.1]",
	} {
		if got := address.Domain(in); got != want {
			t.Errorf("Domain(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestUnplus(t *testing.T) {
	for in, want := range map[string]string{
		"john+crm@x.com":   "john@x.com",
		"john+a+b@x.com":   "john@x.com",
		"john+@x.com":      "john@x.com",
		"john@x.com":       "john@x.com",
		"+crm@x.com":       "+crm@x.com",
		`"a +b"@x.com`:     `"a +b"@x.com`,
		"john@plus+ed.com": "john@plus+ed.com",
		"/cn=a+b":          "/cn=a+b",
	} {
		if got := address.Unplus(in); got != want {
			t.Errorf("Unplus(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestIsNoReply(t *testing.T) {
	for in, want := range map[string]bool{
		"noreply@github.com":              true,
		"no-reply@x.com":                  true,
		"no_reply+123@x.com":              true,
		"do.not.reply@x.com":              true,
		"drive-shares-noreply@google.com": true,
		"mailer-daemon@x.com":             true,
		"ne-pas-repondre@x.fr":            true,
		"bounces+123-ann=y.com@x.com":     true,
		"calendar-notification@x.com":     true,
		"notifications@x.com":             true,
		"john@x.com":                      false,
		"john@noreply.com":                false,
		"reply@x.com":                     false,
		"norman.eply@x.com":               false,
	} {
		if got := address.IsNoReply(in); got != want {
			t.Errorf("IsNoReply(%q) = %v, want %v", in, got, want)
		}
	}
}

func TestIsRole(t *testing.T) {
	for in, want := range map[string]bool{
		"info@x.com":             true,
		"sales@x.com":            true,
		"sales+eu@x.com":         true,
		"customer-service@x.com": true,
		"buchhaltung@x.de":       true,
		"john@info.com":          false,
		"infomann@x.com":         false,
		"ann.sales@x.com":        false,
	} {
		if got := address.IsRole(in); got != want {
			t.Errorf("IsRole(%q) = %v, want %v", in, got, want)
		}
	}
}

func FuzzNormalize(f *testing.F) {
	for _, s := range []string{
		"john@x.com", "<J@x.com.>", `"john doe"@x.com`, "a@münchen.de", "mailto:j%2B@x.com?x", "'İ@x.com'",
		`"a\"b@"@[IPv6:::1]`, "/o=x@y", "a@x\u0345.com",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got, ok := address.Normalize(s)
		if ok != (got != "") {
			t.Fatalf("Normalize(%q) = %q, %v", s, got, ok)
		}
		if !ok {
			return
		}
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			t.Errorf("Normalize(%q) = %q, want valid UTF-8 without controls", s, got)
		}
		if again, ok := address.Normalize(got); again != got || !ok {
			t.Errorf("Normalize(%q) = %q, but that gives %q, %v", s, got, again, ok)
		}
		if again, ok := address.Normalize("<MAILTO:" + got + ">"); again != got && !strings.ContainsAny(got, "%?<>\":") {
			t.Errorf("Normalize of %q as a link = %q, %v", got, again, ok)
		}
		if domain := address.Domain(got); domain == "" || strings.ToLower(domain) != domain {
			t.Errorf("Domain(%q) = %q", got, domain)
		}
		if !address.Matches(address.Domain(got), got) && !strings.HasPrefix(address.Domain(got), "[") {
			t.Errorf("its own domain does not cover %q", got)
		}
	})
}

func BenchmarkNormalize(b *testing.B) {
	for _, s := range []string{"john.doe@example.com", "John.Doe@Example.com", "jürgen@münchen.de"} {
		b.Run(s, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				address.Normalize(s)
			}
		})
	}
}
