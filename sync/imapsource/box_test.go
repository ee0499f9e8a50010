package imapsource_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"kith/servertest"
	"kith/sync/imapsource"
)

// box is a scripted server with one folder, INBOX, that does what a test's
// functions say and else behaves. Functions are called with the lock held.
type box struct {
	mu       sync.Mutex
	caps     string
	validity uint32 // 0: not told
	next     uint64 // 0: one more than the last UID
	noNext   bool   // UIDNEXT is not told
	uids     []uint32
	internal func(uid uint32) time.Time

	// hit decides whether a message meets SINCE; nil: by its day.
	hit func(uid uint32, since time.Time) bool
	// searched may change what a SEARCH found.
	searched func(uids []uint32) []uint32
	// structure is the BODYSTRUCTURE of a message; "" a plain text.
	structure func(uid uint32) string
	// header is the header of a message; "" that of a letter.
	header func(uid uint32) string
	// fetched may change the response for a message. An empty one is not sent.
	fetched func(c *servertest.ScriptConn, uid uint32, items, response string) string
	// examined is called before EXAMINE is answered.
	examined func(c *servertest.ScriptConn)

	conns    int
	commands []string
}

const plainText = `("TEXT" "PLAIN" ("CHARSET" "UTF-8") NIL NIL "7BIT" 7 1 NIL NIL NIL NIL)`

func newBox(uids ...uint32) *box {
	return &box{caps: "IMAP4rev1 ESEARCH", validity: 7, uids: uids, internal: func(uint32) time.Time { return march }}
}

func uidsTo(n uint32) []uint32 {
	uids := make([]uint32, n)
	for i := range uids {
		uids[i] = uint32(i) + 1
	}
	return uids
}

// start runs the server and opens a source of it.
func (b *box) start(t testing.TB, chunk int) *imapsource.Source {
	t.Helper()
	return open(t, b.options(t, chunk))
}

func (b *box) options(t testing.TB, chunk int) imapsource.Options {
	t.Helper()
	server := servertest.Script(t, b.serve)
	o := aliceAt(server.URL("imap"))
	o.Chunk = chunk
	return o
}

// change changes the box between polls.
func (b *box) change(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

// sent returns the commands that begin with these words, and forgets all.
func (b *box) sent(words string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []string
	for _, c := range b.commands {
		if strings.HasPrefix(c, words) {
			list = append(list, c)
		}
	}
	b.commands = nil
	return list
}

func (b *box) serve(c *servertest.ScriptConn) {
	b.mu.Lock()
	caps := b.caps
	b.conns++
	b.mu.Unlock()
	c.Login(caps)
	for b.answer(c, c.Command()) {
	}
}

// answer answers a command. It is false after LOGOUT. A method of c ends the
// handler when the client has hung up, and with it this function.
func (b *box) answer(c *servertest.ScriptConn, command string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.commands = append(b.commands, command)
	switch word, rest, _ := strings.Cut(command, " "); {
	case word == "LIST":
		c.Send(`* LIST () "/" INBOX`)
		c.OK("done")
	case word == "EXAMINE":
		if b.examined != nil {
			b.examined(c)
		}
		c.Send("* %d EXISTS", len(b.uids))
		if b.validity != 0 {
			c.Send("* OK [UIDVALIDITY %d] ok", b.validity)
		}
		if !b.noNext {
			c.Send("* OK [UIDNEXT %d] ok", b.uidNext())
		}
		c.OK("[READ-ONLY] done")
	case strings.HasPrefix(command, "UID SEARCH "):
		b.search(c, strings.TrimPrefix(command, "UID SEARCH "))
	case strings.HasPrefix(command, "UID FETCH "):
		set, items, _ := strings.Cut(strings.TrimPrefix(command, "UID FETCH "), " ")
		b.fetch(c, set, items)
	case word == "LOGOUT":
		c.Send("* BYE see you")
		c.OK("done")
		return false
	default:
		c.Bad("unknown " + rest)
	}
	return true
}

func (b *box) uidNext() uint64 {
	if b.next != 0 {
		return b.next
	}
	if len(b.uids) == 0 {
		return 1
	}
	return uint64(b.uids[len(b.uids)-1]) + 1
}

// inSet tells whether a number is in a sequence set.
func inSet(set string, n uint64) bool { return parseSet(set, 0)(n) }

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

func (b *box) search(c *servertest.ScriptConn, args string) {
	args, esearch := strings.CutPrefix(args, "RETURN (ALL) ")
	words := strings.Fields(args)
	type message struct {
		seq int
		uid uint32
	}
	// Sequence numbers come first, so that a window of a large folder is all
	// that is looked at.
	seqs := func(uint64) bool { return true }
	first, last := 1, len(b.uids)
	if len(words) > 0 && words[0][0] >= '0' && words[0][0] <= '9' {
		seqs = parseSet(words[0], uint64(len(b.uids)))
		if lo, hi, ranged := strings.Cut(words[0], ":"); ranged {
			first, last = int(number(lo, 0)), min(last, int(number(hi, 0)))
		}
		words = words[1:]
	}
	var found []message
	for seq := first; seq <= last; seq++ {
		if seqs(uint64(seq)) {
			found = append(found, message{seq, b.uids[seq-1]})
		}
	}
	filter := func(keep func(m message) bool) {
		found = slices.DeleteFunc(found, func(m message) bool { return !keep(m) })
	}
	lastUID := uint64(0)
	if len(b.uids) > 0 {
		lastUID = uint64(b.uids[len(b.uids)-1])
	}
	for i := 0; i < len(words); i++ {
		switch words[i] {
		case "UID":
			i++
			in := parseSet(words[i], lastUID)
			filter(func(m message) bool { return in(uint64(m.uid)) })
		case "SINCE":
			i++
			since, err := time.Parse("2-Jan-2006", strings.Trim(words[i], `"`))
			if err != nil {
				panic(err)
			}
			hit := b.hit
			if hit == nil {
				hit = func(uid uint32, since time.Time) bool { return !b.internal(uid).Before(since) }
			}
			filter(func(m message) bool { return hit(m.uid, since) })
		case "HEADER":
			i += 2
			filter(func(m message) bool { return strings.Contains(b.headerOf(m.uid), strings.Trim(words[i], `"`)) })
		case "ALL":
		default:
			panic("the box can't search for " + words[i])
		}
	}
	var uids []uint32
	for _, m := range found {
		uids = append(uids, m.uid)
	}
	if b.searched != nil {
		uids = b.searched(uids)
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

func (b *box) headerOf(uid uint32) string {
	if b.header != nil {
		if h := b.header(uid); h != "" {
			return h
		}
	}
	head, _, _ := strings.Cut(string(letter(int(uid))), "\r\n\r\n")
	return head + "\r\n\r\n"
}

func (b *box) fetch(c *servertest.ScriptConn, set, items string) {
	in := parseSet(set, 0)
	first := 0
	if from, _, _ := strings.Cut(strings.Split(set, ",")[0], ":"); slices.IsSorted(b.uids) {
		first, _ = slices.BinarySearch(b.uids, uint32(number(from, 0)))
	}
	for i := first; i < len(b.uids); i++ {
		uid := b.uids[i]
		if !in(uint64(uid)) {
			if len(b.uids) > 10_000 && !strings.Contains(set, ",") {
				break
			}
			continue
		}
		r := fmt.Sprintf("* %d FETCH (UID %d", i+1, uid)
		if strings.Contains(items, "FLAGS") {
			r += ` FLAGS (\Seen)`
		}
		if strings.Contains(items, "INTERNALDATE") {
			r += fmt.Sprintf(` INTERNALDATE "%s"`, b.internal(uid).Format("_2-Jan-2006 15:04:05 -0700"))
		}
		if strings.Contains(items, "RFC822.SIZE") {
			r += " RFC822.SIZE 1000"
		}
		if strings.Contains(items, "BODYSTRUCTURE") {
			s := plainText
			if b.structure != nil && b.structure(uid) != "" {
				s = b.structure(uid)
			}
			r += " BODYSTRUCTURE " + s
		}
		if strings.Contains(items, "HEADER.FIELDS") {
			h := b.headerOf(uid)
			section := "BODY[HEADER.FIELDS (FROM)]"
			if _, partial, ok := strings.Cut(items, "]<0."); ok {
				limit := number(strings.TrimRight(partial, ">)"), 0)
				h = h[:min(uint64(len(h)), limit)]
				section += "<0>"
			}
			r += fmt.Sprintf(" %s {%d}\r\n%s", section, len(h), h)
		}
		r += ")\r\n"
		if b.fetched != nil {
			r = b.fetched(c, uid, items, r)
		}
		if r != "" {
			c.Raw(r)
		}
	}
	c.OK("done")
}
