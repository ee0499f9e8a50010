package matcher

import (
	"strings"

	"kith"
)

// authors returns who wrote the message: all of From, else Sender (RFC 5322
// §3.6.2); nothing when there is neither.
//
// A mailing list that sends to receivers with a DMARC policy puts its own
// address into From (RFC 7489 §10.5 tells why; lists write "Ann via List").
// Then the author is, in this order, who X-Original-From names; who has the
// name from before "via" in Reply-To, Cc or To; the first other address in
// Reply-To. So the copy from the list and the direct copy have the same author.
func authors(m *kith.Message) []kith.Address {
	if len(m.From) == 0 {
		if m.Sender == nil {
			return nil
		}
		return []kith.Address{*m.Sender}
	}
	if m.ListPost == "" && !m.Bulk {
		return m.From
	}
	if len(m.OriginalFrom) > 0 {
		return m.OriginalFrom
	}
	if len(m.From) > 1 || m.From[0].Address != m.ListPost {
		return m.From
	}
	if name, _, ok := cutVia(m.From[0].Name); ok {
		for _, list := range [][]kith.Address{m.ReplyTo, m.Cc, m.To} {
			for i := range list {
				if list[i].Address != m.ListPost && strings.EqualFold(list[i].Name, name) {
					return list[i : i+1]
				}
			}
		}
	}
	for i := range m.ReplyTo {
		if m.ReplyTo[i].Address != m.ListPost {
			return m.ReplyTo[i : i+1]
		}
	}
	return m.From
}

// cutVia splits the display name that a list makes, such as "'Ann Doe' via List".
func cutVia(name string) (author, list string, ok bool) {
	at := strings.LastIndex(name, " via ")
	if at < 0 {
		return "", "", false
	}
	author = strings.Trim(name[:at], `'" `)
	return author, name[at+len(" via "):], author != ""
}
