package address_test

import (
	"strings"
	"testing"

	"kith/address"
)

func TestMatches(t *testing.T) {
	tests := []struct {
		name    string
		pattern string
		covers  []string
		not     []string
	}{
		{"an address", "lawyer@x.test",
			[]string{"lawyer@x.test"},
			[]string{"other@x.test", "lawyer@sub.x.test", "alawyer@x.test", "lawyer@x.test.com"}},
		{"H02 case", " Lawyer@X.Test ", []string{"lawyer@x.test"}, nil},
		{"H03 every address of exactly that domain", "*@bank.test",
			[]string{"ann@bank.test", `"a b"@bank.test`},
			[]string{"ann@sub.bank.test", "ann@mybank.test", "ann@bank.test.com"}},
		{"H03 without the star", "@bank.test", []string{"ann@bank.test"}, []string{"ann@sub.bank.test"}},
		{"H03 subdomains", "*@*.bank.test", []string{"ann@eu.bank.test", "ann@a.b.bank.test"}, []string{"ann@bank.test"}},
		{"H03 part of the local part", "hr-*@x.test", []string{"hr-eu@x.test", "hr-@x.test"}, []string{"hr@x.test", "xhr-eu@x.test"}},
		{"H03 several stars", "*legal*@*bank*.test", []string{"a.legal@mybank1.test", "legal@bank.test"}, []string{"legal@x.test"}},
		{"H02 a domain covers its subdomains", "hr.example.test",
			[]string{"ann@hr.example.test", "ann@eu.hr.example.test"},
			[]string{"ann@example.test", "ann@xhr.example.test", "hr.example.test@x.test"}},
		{"H02 a domain in upper case with a final dot", "HR.Example.Test.", []string{"ann@hr.example.test"}, nil},
		{"H03 a domain with a star", "bank.*", []string{"ann@bank.test", "ann@eu.bank.test"}, []string{"ann@mybank.test"}},
		{"H02 IDN in Unicode", "münchen.de", []string{"a@xn--mnchen-3ya.de", "a@amt.xn--mnchen-3ya.de"}, []string{"a@munchen.de"}},
		{"H02 IDN in ASCII", "*@XN--MNCHEN-3YA.de", []string{"a@xn--mnchen-3ya.de"}, nil},
		{"H02 IDN with a star beside it", "*@*.münchen.de", []string{"a@amt.xn--mnchen-3ya.de"}, []string{"a@xn--mnchen-3ya.de"}},
		{"H02 local part beyond ASCII", "JÜRGEN@x.test", []string{"jürgen@x.test"}, nil},
		{"not an address", "bank.test", nil, []string{"/o=bank.test", "bank.test", ""}},
		{"no pattern", "", nil, []string{"a@x.test"}},
		{"broken pattern", "a b@x.test", nil, []string{"a b@x.test", "a@x.test"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, a := range tt.covers {
				if !address.Matches(tt.pattern, a) {
					t.Errorf("Matches(%q, %q) = false, want true", tt.pattern, a)
				}
			}
			for _, a := range tt.not {
				if address.Matches(tt.pattern, a) {
					t.Errorf("Matches(%q, %q) = true, want false", tt.pattern, a)
				}
			}
		})
	}
}

func TestValidPattern(t *testing.T) {
	tests := []struct {
		name, pattern, want string
	}{
		{"nothing", " ", "empty pattern: want an address, a domain, or one with * in it"},
		{"a name", "Ann Doe", `pattern "Ann Doe" is neither an address nor a domain: want such as "ann@example.test", "*@example.test" or "example.test"`},
		{"two addresses", "a@x.test,b@x.test", `pattern "a@x.test,b@x.test" is neither an address nor a domain: want such as "ann@example.test", "*@example.test" or "example.test"`},
		{"a star in an internationalised label", "mün*.de", `pattern "mün*.de" is neither an address nor a domain: want such as "ann@example.test", "*@example.test" or "example.test"`},
		{"all there is", "*", `pattern "*" covers every address`},
		{"all there is, as an address", "*@*", `pattern "*@*" covers every address`},
		{"all there is, with dots", "*.*", `pattern "*.*" covers every address`},
		{"an address", "ann@x.test", ""},
		{"every address of a domain", "*@bank.test", ""},
		{"a domain", "münchen.de", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := ""
			if err := address.ValidPattern(tt.pattern); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("ValidPattern(%q) = %q, want %q", tt.pattern, got, tt.want)
			}
		})
	}
}

func TestMatchesDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() { address.Matches("*@bank.test", "ann@bank.test") }); n != 0 {
		t.Errorf("%v allocations for a plain pattern, want none", n)
	}
}

func FuzzMatches(f *testing.F) {
	f.Add("*@bank.test", "ann@bank.test")
	f.Add("*.*.*a@b", "x@y.z")
	f.Add("hr.example.test", `"a b"@[192.0.2.1]`)
	f.Fuzz(func(t *testing.T, pattern, s string) {
		canonical, ok := address.Normalize(s)
		if !ok {
			return
		}
		if address.ValidPattern(canonical) == nil && !address.Matches(canonical, canonical) {
			t.Errorf("the pattern %q does not cover the address", canonical)
		}
		got := address.Matches(pattern, canonical)
		if upper := asciiUpper(pattern); address.Matches(upper, canonical) != got {
			t.Errorf("Matches(%q, %q) = %v, but not so for %q", pattern, canonical, got, upper)
		}
	})
}

func asciiUpper(s string) string {
	return strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' {
			return r - 'a' + 'A'
		}
		return r
	}, s)
}
