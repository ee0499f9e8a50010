package matcher

import (
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"kith"
)

// The kinds of identity. A kind is hashed first, so that digests of different
// kinds never meet, and never changes its meaning: stored keys rest on it.
const (
	keyByID          = "kith 1 message-id"
	keyByHeader      = "kith 1 header"
	keyByFingerprint = "kith 1 fingerprint"
)

// key returns the identity of a message: equal for all its copies, wherever
// they lie and whichever way they came, and different for other messages.
//
// With a Message-ID it is made of the id, the authors, the date to the second
// and the base subject. Programs reuse ids, so the id alone does not do; and
// mailing lists rewrite From and put their tag into the subject, so those are
// taken as they were before (see [authors] and [baseSubject]). A date that is
// not from the header is left out: it differs from copy to copy.
//
// Without one it is made of the authors, the date, the subject as it stands
// and all To and Cc recipients. When the header has no date either, only the
// time when the server got the message tells it from others alike; moving it
// to another folder keeps that time (RFC 9051 §6.4.7).
//
// Bcc is never part of it: only our own copy has it.
func key(item *kith.Item, authors []kith.Address) kith.Key {
	m := item.Message
	var buf [512]byte
	t := tuple(buf[:0])
	if m.MessageID != "" {
		var subject [256]byte
		t = t.add(keyByID).add(m.MessageID).addresses(authors, nil)
		if m.DateSource == kith.DateFromHeader {
			t = t.second(m.Date.Unix())
		} else {
			t = append(t, '-')
		}
		return t.addBytes(baseSubject(subject[:0], m.Subject)).digest()
	}
	t = t.add(keyByHeader).addresses(authors, nil).add(m.Subject).addresses(m.To, m.Cc)
	if m.DateSource == kith.DateFromHeader {
		return t.second(m.Date.Unix()).digest()
	}
	return t.add("received").second(item.Received.Unix()).digest()
}

// fingerprint returns what copies of a message of ours share when a server
// gave one of them another Message-ID: authors, subject and To. It is zero
// where To is empty, because too many messages to hidden recipients are alike.
func fingerprint(m *kith.Message, authors []kith.Address) kith.Key {
	if len(m.To) == 0 {
		return kith.Key{}
	}
	var buf [512]byte
	return tuple(buf[:0]).add(keyByFingerprint).addresses(authors, nil).add(m.Subject).addresses(m.To, nil).digest()
}

// tuple is a list of fields, each with its length, so that no two lists of
// different fields are the same bytes.
type tuple []byte

func (t tuple) add(field string) tuple {
	return append(binary.AppendUvarint(t, uint64(len(field))), field...)
}

func (t tuple) addBytes(field []byte) tuple {
	return append(binary.AppendUvarint(t, uint64(len(field))), field...)
}

func (t tuple) second(unix int64) tuple {
	return binary.AppendVarint(append(t, 's'), unix)
}

// addresses adds the addresses of both lists, sorted and each once: the order
// in a header means nothing.
func (t tuple) addresses(a, b []kith.Address) tuple {
	var buf [16]string
	list := buf[:0]
	for i := range a {
		list = append(list, a[i].Address)
	}
	for i := range b {
		list = append(list, b[i].Address)
	}
	slices.Sort(list)
	list = slices.Compact(list)
	t = binary.AppendUvarint(t, uint64(len(list)))
	for _, address := range list {
		t = t.add(address)
	}
	return t
}

func (t tuple) digest() kith.Key {
	sum := sha256.Sum256(t)
	return kith.Key(sum[:16])
}

// baseSubject appends to dst what stays of a subject whatever lists and
// servers on the way do to it: reply prefixes, [tags] in front and all blanks
// are gone, letters are lower case. RFC 5256 §2.1 does likewise, for sorting.
func baseSubject(dst []byte, subject string) []byte {
	for {
		subject = strings.TrimSpace(subject)
		if rest, ok := cutTag(subject); ok {
			subject = rest
		} else if rest, ok := cutReply(subject); ok {
			subject = rest
		} else {
			break
		}
	}
	for _, r := range subject {
		if !unicode.IsSpace(r) {
			dst = utf8.AppendRune(dst, unicode.ToLower(r))
		}
	}
	return dst
}

// cutTag takes off "[list]" in front.
func cutTag(s string) (rest string, ok bool) {
	if !strings.HasPrefix(s, "[") {
		return s, false
	}
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return s, false
	}
	return s[end+1:], true
}

// replyPrefixes is what programs put in front of the subject of an answer.
var replyPrefixes = []string{"re", "aw", "antw", "sv", "vs", "rif", "res", "odp", "ynt", "回复", "答复", "回覆"}

// cutReply takes off "Re:", "AW:", "Re[2]:" and the like in front.
func cutReply(s string) (rest string, ok bool) {
	for _, prefix := range replyPrefixes {
		if len(s) <= len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
			continue
		}
		rest = s[len(prefix):]
		if count, after, ok := strings.Cut(rest, "]"); ok && strings.HasPrefix(count, "[") && allDigits(count[1:]) {
			rest = after
		}
		rest = strings.TrimLeft(rest, " ")
		for _, colon := range [...]string{":", "："} {
			if after, ok := strings.CutPrefix(rest, colon); ok {
				return after, true
			}
		}
	}
	return s, false
}

func allDigits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
