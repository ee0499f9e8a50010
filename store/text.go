package store

import (
	"strings"
	"unicode/utf8"
)

// Clean is the form in which text is stored: what is no UTF-8, and NUL, become
// U+FFFD. PostgreSQL takes neither of them.
func Clean(text string) string {
	if utf8.ValidString(text) && strings.IndexByte(text, 0) < 0 {
		return text
	}
	return strings.Map(func(r rune) rune { // which gives U+FFFD for each byte that is no UTF-8
		if r == 0 {
			return utf8.RuneError
		}
		return r
	}, text)
}

// Holds tells whether every word, folded, occurs in a text, without regard to case.
func Holds(text string, words []string) bool {
	if len(words) == 0 {
		return true
	}
	text = Fold(text)
	for _, w := range words {
		if !strings.Contains(text, w) {
			return false
		}
	}
	return true
}
