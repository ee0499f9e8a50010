package address

import (
	"fmt"
	"strings"
)

// Matches tells whether a pattern of the policy covers a canonical address.
// A pattern is an address ("lawyer@x.test"), a domain with all its subdomains
// ("hr.example.test"), or either with * for any run of characters:
// "*@bank.test" covers exactly that domain, "*@*.bank.test" its subdomains.
// Case does not matter, and domains may be written in Unicode. A pattern that
// [ValidPattern] refuses covers nothing.
func Matches(pattern, canonical string) bool {
	wantLocal, wantDomain, ok := parsePattern(pattern)
	if !ok {
		return false
	}
	local, domain := split(canonical)
	if domain == "" {
		return false
	}
	if wantLocal != "" {
		return glob(wantLocal, local) && glob(wantDomain, domain)
	}
	for {
		if glob(wantDomain, domain) {
			return true
		}
		_, parent, more := strings.Cut(domain, ".")
		if !more {
			return false
		}
		domain = parent
	}
}

// ValidPattern says what is wrong with a pattern; nil when [Matches] can use it.
func ValidPattern(s string) error {
	local, domain, ok := parsePattern(s)
	switch {
	case strings.TrimSpace(s) == "":
		return fmt.Errorf("empty pattern: want an address, a domain, or one with * in it")
	case !ok:
		return fmt.Errorf(`pattern %q is neither an address nor a domain: want such as "ann@example.test", "*@example.test" or "example.test"`, s)
	case strings.Trim(local, "*") == "" && strings.Trim(domain, "*.") == "":
		return fmt.Errorf("pattern %q covers every address", s)
	}
	return nil
}

// parsePattern brings a pattern into the form of the addresses it is compared
// with. local is "" for a domain.
func parsePattern(s string) (local, domain string, ok bool) {
	s = strings.TrimSpace(s)
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		domain, ok = patternDomain(s)
		return "", domain, ok
	}
	local = "*" // "@bank.test"
	if at > 0 {
		local = s[:at]
		if !isLowerDotAtom(local) {
			if local, ok = normalizeLocal(local); !ok {
				return "", "", false
			}
		}
	}
	domain, ok = patternDomain(s[at+1:])
	return local, domain, ok
}

// isLowerDotAtom tells whether a local part needs no normalising.
func isLowerDotAtom(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c >= 0x80 || 'A' <= c && c <= 'Z' || c != '.' && !isAtext(c) {
			return false
		}
	}
	return s != ""
}

// patternDomain normalises the labels of a domain that may have * in them.
func patternDomain(s string) (string, bool) {
	if !strings.Contains(s, "*") {
		if isASCIIDomain(s) && !strings.Contains(s, "xn--") {
			return s, true
		}
		return normalizeDomain(s)
	}
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(s, ".")), ".")
	for i, label := range labels {
		if plain := strings.ReplaceAll(label, "*", ""); plain != label {
			if plain != "" && !isASCIIDomain(plain) {
				return "", false // * within an internationalised label has no meaning in its ASCII form
			}
			continue
		}
		ascii, ok := normalizeDomain(label)
		if !ok {
			return "", false
		}
		labels[i] = ascii
	}
	return strings.Join(labels, "."), true
}

// glob tells whether s meets a pattern in which * stands for any run of
// characters. It never looks at more than len(pattern)*len(s) pairs.
func glob(pattern, s string) bool {
	star, retry := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, retry = p, i
			p++
		case p < len(pattern) && pattern[p] == s[i]:
			p++
			i++
		case star >= 0:
			retry++
			p, i = star+1, retry
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}
