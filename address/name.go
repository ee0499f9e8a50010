package address

import (
	"strings"
	"unicode"
)

// PersonName returns what is a name in the display name of a mailbox: without quotes
// around it, without remarks in brackets behind it, and in the order in
// which people say it ("Doe, John" and "DOE John" are John Doe). What is an address
// is no name: it returns "".
func PersonName(display string) string {
	name := strings.Join(strings.Fields(display), " ")
	for before := ""; name != before; {
		before = name
		name = strings.TrimSpace(trimPair(name))
		if open := strings.LastIndexAny(name, "(["); open > 0 && strings.IndexByte(")]", name[len(name)-1]) >= 0 {
			name = strings.TrimSpace(name[:open])
		}
	}
	if name == "" || strings.Contains(name, "@") || !strings.ContainsFunc(name, unicode.IsLetter) {
		return ""
	}
	if last, first, ok := strings.Cut(name, ", "); ok && !strings.Contains(first, ",") && len(strings.Fields(name)) <= 4 {
		name = first + " " + last
	}
	return unshouted(name)
}

// trimPair takes quotes off that stand around a text.
func trimPair(s string) string {
	for _, pair := range []string{`""`, `''`, "\u2018\u2019", "\u201c\u201d", "<>"} {
		runes := []rune(pair)
		if inner, ok := strings.CutPrefix(s, string(runes[0])); ok {
			if inner, ok := strings.CutSuffix(inner, string(runes[1])); ok {
				return inner
			}
		}
	}
	return s
}

// unshouted turns "DOE John" and "John DOE" into "John Doe": a surname in capitals beside names
// that are not.
func unshouted(name string) string {
	var surname, others []string
	for _, word := range strings.Fields(name) {
		if shouted(word) {
			surname = append(surname, title(word))
		} else {
			others = append(others, word)
		}
	}
	if len(surname) == 0 || len(others) == 0 || len(surname)+len(others) > 4 {
		return name
	}
	return strings.Join(append(others, surname...), " ")
}

// shouted tells whether a word has two letters or more, all of them capitals.
func shouted(word string) bool {
	upper := 0
	for _, r := range word {
		switch {
		case unicode.IsLower(r), unicode.IsLetter(r) && !unicode.IsUpper(r), r == '.':
			return false
		case unicode.IsUpper(r):
			upper++
		}
	}
	return upper > 1
}

// title leaves the first letter of each part of a word its capital.
func title(word string) string {
	start := true
	return strings.Map(func(r rune) rune {
		if !unicode.IsLetter(r) {
			start = true
			return r
		}
		if start {
			start = false
			return r
		}
		return unicode.ToLower(r)
	}, word)
}
