package contactfile

import "strings"

// Phone returns a phone number as digits, with a plus in front when the
// number tells its country: one written with + or 00 becomes E.164
// (ITU-T E.164 §6: at most 15 digits), another keeps its national digits. A tel: URI
// (RFC 3966) is read; an extension is left out, since no caller shows it. ok is
// false when s is no phone number.
func Phone(s string) (number string, ok bool) {
	s = strings.TrimSpace(s)
	if len(s) >= 4 && strings.EqualFold(s[:4], "tel:") {
		s = s[4:]
	}
	// RFC 3966 §3 has ;ext=, people write x, ext. or #.
	if i := strings.IndexAny(s, ";,xX#eE"); i > 0 {
		s = s[:i]
	}
	digits := make([]byte, 0, 20)
	international := false
	seen := false // anything of the number
	for i, r := range s {
		if r >= '０' && r <= '９' { // as typed on an East Asian keyboard
			r += '0' - '０'
		}
		switch {
		case r >= '0' && r <= '9':
			if len(digits) == cap(digits) {
				return "", false
			}
			digits = append(digits, byte(r))
			seen = true
		case r == '+' || r == '＋':
			if seen {
				return "", false
			}
			international, seen = true, true
		case r == '(' && international && strings.HasPrefix(s[i:], "(0)"):
			// The trunk prefix that is dialled only within the country:
			// its nought is taken off again at the bracket's end.
		case r == ')' && international && strings.HasSuffix(s[:i], "(0"):
			digits = digits[:len(digits)-1]
		case strings.ContainsRune(" \t()-./\u00a0\u202f\u2010\u2011\u2012\u2013\u200e\u202a\u202c", r):
			// Punctuation, and the direction marks that some address books put around numbers.
		default:
			return "", false
		}
	}
	number = string(digits)
	if !international && strings.HasPrefix(number, "00") {
		number, international = number[2:], true
	}
	if len(number) < 3 || international && (len(number) > 15 || number[0] == '0') {
		return "", false
	}
	if international {
		number = "+" + number
	}
	return number, true
}
