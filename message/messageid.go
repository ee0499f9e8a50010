package message

import (
	"strings"
	"unicode"

	"kith"
)

// maxMessageID bounds one Message-ID, in bytes: that of a line (RFC 5322 §2.1.1).
const maxMessageID = 998

// messageID returns the message's own id.
func (h *header) messageID(m *kith.Message) string {
	v := h.value(fieldMessageID)
	if v == "" {
		return ""
	}
	ids := parseMessageIDs(v, true)
	if len(ids) == 0 {
		warn(m, "the Message-ID can't be used")
		return ""
	}
	return ids[0]
}

// messageIDs returns the ids in a field, oldest first, each once and without
// the message's own, bounded.
func (h *header) messageIDs(m *kith.Message, f field) []string {
	if h.first[f] == "" {
		return nil
	}
	ids := parseMessageIDs(h.value(f), false)
	for _, r := range h.repeated {
		if r.field == f {
			ids = append(ids, parseMessageIDs(h.toUTF8(r.value), false)...)
		}
	}
	kept := ids[:0]
	if len(ids) <= 8 { // nearly always: no map needed
	next:
		for _, id := range ids {
			if id == m.MessageID {
				continue
			}
			for _, have := range kept {
				if have == id {
					continue next
				}
			}
			kept = append(kept, id)
		}
	} else {
		seen := map[string]bool{m.MessageID: true}
		for _, id := range ids {
			if !seen[id] {
				seen[id] = true
				kept = append(kept, id)
			}
		}
	}
	if len(kept) == 0 {
		return nil
	}
	if len(kept) > maxReferences {
		warn(m, "%s names more than %d messages: those in the middle are left out", fieldNames[f], maxReferences)
		// The first is the thread's root, the last are what is answered.
		kept = append(kept[:maxReferences/2], kept[len(kept)-maxReferences/2:]...)
	}
	return kept
}

// parseMessageIDs returns the Message-IDs (RFC 5322 §3.6.4) in a field in
// their normal form: in angle brackets, without blanks, comments and quotes
// that mean nothing; upper and lower case kept, for they differ. Text around
// ids is skipped. Without any angle bracket, each word that looks like an id
// is one; alone says that the field holds one id, which may look like anything.
func parseMessageIDs(s string, alone bool) []string {
	if strings.IndexByte(s, '<') < 0 {
		s = decodeWords(s) // Exchange encodes ids that are longer than a line
	}
	var ids []string
	if strings.IndexByte(s, '<') < 0 {
		s = withoutComments(s)
		if alone {
			return appendID(nil, s)
		}
		for _, word := range strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == '\t' || r == ',' || r == ';' }) {
			if strings.Contains(word, "@") {
				ids = appendID(ids, word)
			}
		}
		return ids
	}
	comments := true // one may still begin
	for {
		open := strings.IndexByte(s, '<')
		if open < 0 {
			return ids
		}
		if paren := strings.IndexByte(s[:open], '('); paren >= 0 && comments {
			if n := commentEnd(s[paren:]); n > 0 {
				s = s[paren+n:]
				continue
			}
			comments = false
		}
		if ids == nil && !alone {
			ids = make([]string, 0, strings.Count(s, "<"))
		}
		s = s[open:]
		end := strings.IndexAny(s[1:], "<>") + 1
		switch {
		case end == 0:
			return appendID(ids, s[1:])
		case s[end] == '>' && end > 1 && end < maxMessageID && isPlainID(s[1:end]):
			ids = append(ids, s[:end+1])
		default:
			ids = appendID(ids, s[1:end])
		}
		if alone && len(ids) > 0 {
			return ids
		}
		s = s[end:]
	}
}

// appendID brings what stands between angle brackets into its normal form.
func appendID(ids []string, s string) []string {
	if !isPlainID(s) {
		// Blanks go first: one behind a backslash would hide what follows it.
		s = withoutBlanks(clean(withoutComments(withoutBlanks(s))))
		if local, domain, ok := cutLast(s, '@'); ok && len(local) > 2 && local[0] == '"' && local[len(local)-1] == '"' {
			if text := local[1 : len(local)-1]; !strings.ContainsAny(text, "\"\\()<>[]:;@,") {
				s = text + "@" + domain // RFC 5322 §3.2.4: the quotes are no part of it
			}
		}
	}
	if s == "" || len(s) > maxMessageID {
		return ids
	}
	return append(ids, "<"+s+">")
}

// withoutBlanks removes blanks and stray angle brackets.
func withoutBlanks(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || r == '<' || r == '>' {
			return -1
		}
		return r
	}, s)
}

func isPlainID(s string) bool {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`(<>"`, c) >= 0 {
			return false
		}
	}
	return true
}

func cutLast(s string, sep byte) (before, after string, found bool) {
	i := strings.LastIndexByte(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+1:], true
}

// withoutComments removes comments (RFC 5322 §3.2.2), but not within quotes.
// A parenthesis that never closes is no comment.
func withoutComments(s string) string {
	if strings.IndexByte(s, '(') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	start := 0   // of what is not copied yet
	open := true // a comment may still begin
	quoted := false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == '(' && !quoted && open:
			n := commentEnd(s[i:])
			if n == 0 {
				open = false
				continue
			}
			b = append(append(b, s[start:i]...), ' ')
			start = i + n
			i = start - 1
		}
	}
	return string(append(b, s[start:]...))
}

// commentEnd returns the length of the comment that s starts with, 0 when it never closes.
func commentEnd(s string) int {
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}
