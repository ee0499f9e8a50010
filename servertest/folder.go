package servertest

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Folder is a folder of a [Mailbox]. Its functions are called while the mailbox
// is locked.
type Folder struct {
	Name     string // printable ASCII
	Attrs    string // "\Sent"
	Validity uint32 // UIDVALIDITY; 0: not told
	Next     uint64 // UIDNEXT; 0: one more than the last UID
	NoNext   bool   // UIDNEXT is not told
	UIDs     []uint32

	// Header is the header of a message.
	Header func(uid uint32) string
	// Internal is the INTERNALDATE of a message.
	Internal func(uid uint32) time.Time
	// Structure is the BODYSTRUCTURE of a message. If nil or "", it is a plain text.
	Structure func(uid uint32) string

	// Examined is called before EXAMINE is answered. It is false when it has answered by itself.
	Examined func(c *ScriptConn) bool
	// Hit decides whether a message meets SINCE; nil: by its day.
	Hit func(uid uint32, since time.Time) bool
	// Refuses is called before a SEARCH is answered. It is true when it has answered by itself.
	Refuses func(c *ScriptConn, criteria string) bool
	// Searched may change what a SEARCH found.
	Searched func(uids []uint32) []uint32
	// Fetched may change the response for a message. An empty one is not sent.
	Fetched func(c *ScriptConn, uid uint32, items, response string) string
}

// PlainText is the BODYSTRUCTURE of a message that is a plain text.
const PlainText = `("TEXT" "PLAIN" ("CHARSET" "UTF-8") NIL NIL "7BIT" 7 1 NIL NIL NIL NIL)`

// NewInbox makes an INBOX with messages that arrived at the same time.
func NewInbox(header func(uid uint32) string, arrived time.Time, uids ...uint32) *Folder {
	return &Folder{
		Name: "INBOX", Validity: 7, UIDs: uids,
		Header: header, Internal: func(uint32) time.Time { return arrived },
	}
}

func (f *Folder) examine(c *ScriptConn) {
	if f.Examined != nil && !f.Examined(c) {
		return
	}
	c.Send("* %d EXISTS", len(f.UIDs))
	if f.Validity != 0 {
		c.Send("* OK [UIDVALIDITY %d] ok", f.Validity)
	}
	if !f.NoNext {
		c.Send("* OK [UIDNEXT %d] ok", f.uidNext())
	}
	c.OK("[READ-ONLY] done")
}

func (f *Folder) uidNext() uint64 {
	if f.Next != 0 {
		return f.Next
	}
	if len(f.UIDs) == 0 {
		return 1
	}
	return uint64(f.UIDs[len(f.UIDs)-1]) + 1
}

func (f *Folder) search(c *ScriptConn, args string) {
	args, esearch := strings.CutPrefix(args, "RETURN (ALL) ")
	if f.Refuses != nil && f.Refuses(c, args) {
		return
	}
	uids := f.find(strings.Fields(strings.NewReplacer("(", " ( ", ")", " ) ").Replace(args)))
	if f.Searched != nil {
		uids = f.Searched(uids)
	}
	var line strings.Builder
	if esearch {
		fmt.Fprintf(&line, `* ESEARCH (TAG "%s") UID`, c.Tag)
		if len(uids) > 0 {
			line.WriteString(" ALL ")
		}
	} else {
		line.WriteString("* SEARCH")
	}
	for i, uid := range uids {
		switch {
		case !esearch:
			fmt.Fprintf(&line, " %d", uid)
		case i == 0:
			fmt.Fprintf(&line, "%d", uid)
		default:
			fmt.Fprintf(&line, ",%d", uid)
		}
	}
	c.Send("%s", line.String())
	c.OK("done")
}

// find returns the UIDs of the messages that meet all criteria.
func (f *Folder) find(criteria []string) (uids []uint32) {
	type message struct {
		seq int
		uid uint32
	}
	// Sequence numbers come first, so that a window of a large folder is all
	// that is looked at.
	first, last := 1, len(f.UIDs)
	if len(criteria) > 0 && criteria[0][0] >= '0' && criteria[0][0] <= '9' {
		lo, hi, ranged := strings.Cut(criteria[0], ":")
		if !ranged {
			hi = lo
		}
		first, last = int(number(lo, 0)), min(last, int(number(hi, 0)))
		criteria = criteria[1:]
	}
	var found []message
	for seq := first; seq <= last; seq++ {
		found = append(found, message{seq, f.UIDs[seq-1]})
	}
	filter := func(keep func(uid uint32) bool) {
		found = slices.DeleteFunc(found, func(m message) bool { return !keep(m.uid) })
	}
	lastUID := uint64(0)
	if len(f.UIDs) > 0 {
		lastUID = uint64(f.UIDs[len(f.UIDs)-1])
	}
	for len(criteria) > 0 {
		switch criteria[0] {
		case "UID":
			in := parseSet(criteria[1], lastUID)
			filter(func(uid uint32) bool { return in(uint64(uid)) })
			criteria = criteria[2:]
		case "SINCE":
			since, err := time.Parse("2-Jan-2006", strings.Trim(criteria[1], `"`))
			if err != nil {
				panic(err)
			}
			hit := f.Hit
			if hit == nil {
				hit = func(uid uint32, since time.Time) bool { return !f.Internal(uid).Before(since) }
			}
			filter(func(uid uint32) bool { return hit(uid, since) })
			criteria = criteria[2:]
		case "ALL":
			criteria = criteria[1:]
		default:
			var meets func(header string) bool
			meets, criteria = headerKey(criteria)
			filter(func(uid uint32) bool { return meets(strings.ToLower(f.Header(uid))) })
		}
	}
	for _, m := range found {
		uids = append(uids, m.uid)
	}
	return uids
}

// headerKey reads a search key that is about a header. Parentheses
// are words of their own.
func headerKey(criteria []string) (meets func(header string) bool, rest []string) {
	field := func(name, value string) func(string) bool {
		name, value = strings.ToLower(strings.Trim(name, `"`)), strings.ToLower(strings.Trim(value, `"`))
		return func(header string) bool {
			for line := range strings.Lines(strings.ReplaceAll(strings.ReplaceAll(header, "\r\n ", " "), "\r\n\t", " ")) {
				if is, text, _ := strings.Cut(line, ":"); is == name && strings.Contains(text, value) {
					return true
				}
			}
			return false
		}
	}
	switch criteria[0] {
	case "FROM", "TO", "CC", "BCC":
		return field(criteria[0], criteria[1]), criteria[2:]
	case "HEADER":
		return field(criteria[1], criteria[2]), criteria[3:]
	case "OR":
		one, rest := headerKey(criteria[1:])
		other, rest := headerKey(rest)
		return func(header string) bool { return one(header) || other(header) }, rest
	case "(":
		criteria = criteria[1:]
		var all []func(string) bool
		for criteria[0] != ")" {
			var one func(string) bool
			one, criteria = headerKey(criteria)
			all = append(all, one)
		}
		return func(header string) bool {
			return !slices.ContainsFunc(all, func(one func(string) bool) bool { return !one(header) })
		}, criteria[1:]
	}
	panic("a scripted folder can't search for " + criteria[0])
}

func (f *Folder) fetch(c *ScriptConn, set, items string) {
	in := parseSet(set, 0)
	first := 0
	if from, _, _ := strings.Cut(strings.Split(set, ",")[0], ":"); slices.IsSorted(f.UIDs) {
		first, _ = slices.BinarySearch(f.UIDs, uint32(number(from, 0)))
	}
	for i := first; i < len(f.UIDs); i++ {
		uid := f.UIDs[i]
		if !in(uint64(uid)) {
			if len(f.UIDs) > 10_000 && !strings.Contains(set, ",") {
				break
			}
			continue
		}
		r := f.response(i, items)
		if f.Fetched != nil {
			r = f.Fetched(c, uid, items, r)
		}
		if r != "" {
			c.Raw(r)
		}
	}
	c.OK("done")
}

// response is what FETCH returns for the message at an index.
func (f *Folder) response(i int, items string) string {
	uid := f.UIDs[i]
	r := fmt.Sprintf("* %d FETCH (UID %d", i+1, uid)
	if strings.Contains(items, "FLAGS") {
		r += ` FLAGS (\Seen)`
	}
	if strings.Contains(items, "INTERNALDATE") {
		r += fmt.Sprintf(` INTERNALDATE "%s"`, f.Internal(uid).Format("_2-Jan-2006 15:04:05 -0700"))
	}
	if strings.Contains(items, "RFC822.SIZE") {
		r += " RFC822.SIZE 1000"
	}
	if strings.Contains(items, "BODYSTRUCTURE") {
		s := ""
		if f.Structure != nil {
			s = f.Structure(uid)
		}
		if s == "" {
			s = PlainText
		}
		r += " BODYSTRUCTURE " + s
	}
	if strings.Contains(items, "HEADER.FIELDS") {
		h := f.Header(uid)
		section := "BODY[HEADER.FIELDS (FROM)]"
		if _, partial, ok := strings.Cut(items, "]<0."); ok {
			limit := number(strings.TrimRight(partial, ">)"), 0)
			h = h[:min(uint64(len(h)), limit)]
			section += "<0>"
		}
		r += fmt.Sprintf(" %s {%d}\r\n%s", section, len(h), h)
	}
	return r + ")\r\n"
}

// InSet tells whether a number is in a sequence set without "*".
func InSet(set string, n uint64) bool { return parseSet(set, 0)(n) }

// parseSet reads a sequence set; last is what "*" means.
func parseSet(set string, last uint64) func(n uint64) bool {
	var ranges [][2]uint64
	for part := range strings.SplitSeq(set, ",") {
		from, to, ranged := strings.Cut(part, ":")
		if !ranged {
			to = from
		}
		lo, hi := number(from, last), number(to, last)
		ranges = append(ranges, [2]uint64{min(lo, hi), max(lo, hi)})
	}
	return func(n uint64) bool {
		return slices.ContainsFunc(ranges, func(r [2]uint64) bool { return r[0] <= n && n <= r[1] })
	}
}

func number(s string, last uint64) uint64 {
	if s == "*" {
		return last
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		panic(fmt.Sprintf("%q is no number", s))
	}
	return n
}
