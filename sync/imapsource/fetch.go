package imapsource

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"kith"
	"kith/message"
)

const (
	// maxHeader is the most that is read of the header fields of one message.
	maxHeader = 1 << 20

	// aheadBytes is how much header text one run of commands may bring before
	// it asks for no more.
	aheadBytes = 64 << 20
)

// state is what became of a message that was asked for.
type state int

const (
	pending state = iota // not answered so far
	read
	gone   // it is not in the folder any more
	failed // it is there and can't be read
)

// result is what became of one message.
type result struct {
	state state
	cause string // of failed
	item  kith.Item
	root  *message.Part // nil: not known
	bare  bool          // its header is empty
}

// chunk is a set of messages that is asked for with one command.
type chunk struct {
	uids    []imap.UID // ascending
	results []result   // of uids
	suspect imap.UID   // the message whose answer broke the connection, if it is known
	bytes   int64      // of header text
}

func newChunk(uids []imap.UID) *chunk {
	return &chunk{uids: uids, results: make([]result, len(uids))}
}

// result returns the result of a UID, nil if it is not of this chunk.
func (c *chunk) result(uid imap.UID) *result {
	if i, ok := slices.BinarySearch(c.uids, uid); ok {
		return &c.results[i]
	}
	return nil
}

// missing returns the UIDs that have no result.
func (c *chunk) missing() []imap.UID {
	var uids []imap.UID
	for i := range c.results {
		if c.results[i].state == pending {
			uids = append(uids, c.uids[i])
		}
	}
	return uids
}

// settled returns how many UIDs at the beginning have a result.
func (c *chunk) settled() int {
	if i := slices.IndexFunc(c.results, func(r result) bool { return r.state == pending }); i >= 0 {
		return i
	}
	return len(c.results)
}

// detail says how much of a message is asked for. When the answer can't be read,
// less is asked for, since the header is what matters most.
type detail int

const (
	full        detail = iota
	noStructure        // without BODYSTRUCTURE, and the header capped by the server
	headerOnly         // the header and the flags alone
	details
)

// options returns what is asked for. ENVELOPE never is: servers get it wrong in
// many ways, and the header says the same.
func (d detail) options(header int64) *imap.FetchOptions {
	o := &imap.FetchOptions{
		UID:   true,
		Flags: true,
		BodySection: []*imap.FetchItemBodySection{{
			Specifier:    imap.PartSpecifierHeader,
			HeaderFields: message.Fields,
			Peek:         true, // never sets \Seen (RFC 9051 §6.4.5)
		}},
	}
	if d == full {
		o.BodyStructure = &imap.FetchItemBodyStructure{Extended: true}
	} else {
		o.BodySection[0].Partial = &imap.SectionPartial{Offset: 0, Size: header}
	}
	if d <= noStructure {
		o.InternalDate, o.RFC822Size = true, true
	}
	return o
}

// reader reads messages of one folder.
type reader struct {
	source *Source
	stream kith.Stream
	mb     mailbox
	detail detail // what is asked for: less, once BODYSTRUCTURE proved unreadable too often
	bad    int    // messages that could be read without BODYSTRUCTURE only
}

// sink is where a reader puts its chunks.
type sink interface {
	// room tells whether put can be called without waiting, and more is wanted.
	room() bool
	// put takes a chunk, or its beginning up to the first message without a result.
	put(ctx context.Context, c *chunk) error
}

// read fetches chunks in order and puts each into the sink when every message of
// it has a result. After an error, what came of a chunk is put too. The next
// chunk is asked for while one is being read.
func (r *reader) read(ctx context.Context, chunks []*chunk, to sink) error {
	for len(chunks) > 0 {
		if err := r.ready(ctx); err != nil {
			return err
		}
		asked, end := r.ahead(ctx, chunks, to)
		for _, c := range chunks[:asked] {
			if c == nil { // put already
				continue
			}
			err := end
			if err == nil {
				err = r.mend(ctx, c)
			}
			if err == nil {
				err = r.readStarts(ctx, c)
			}
			if err == nil {
				err = r.readParts(ctx, c)
			}
			if putErr := to.put(ctx, c); err == nil {
				err = putErr
			}
			if err != nil {
				return err
			}
		}
		if end != nil {
			return end
		}
		chunks = chunks[asked:]
	}
	return nil
}

// ahead sends one FETCH after another, the next before the answer to the last is
// read, until the sink has no room or something goes wrong. It returns how many
// chunks were asked for, and sets those to nil that it put into the sink. An
// error is one after which nothing more can be read.
func (r *reader) ahead(ctx context.Context, chunks []*chunk, to sink) (asked int, _ error) {
	s := r.source
	options := r.detail.options(r.source.opts.header())
	var putErr error
	err := s.run(ctx, "fetch", func() error {
		// A server may hold back the end of one answer until it has sent the
		// next (Dovecot does), so each is read on its own, and a chunk is put
		// when its messages are all there.
		var answers []*answer
		issue := func() {
			c := chunks[len(answers)]
			a := &answer{full: make(chan struct{}), done: make(chan struct{})}
			cmd := s.sess.client.Fetch(imap.UIDSetNum(c.uids...), options)
			go func() {
				defer close(a.done)
				a.err = r.collect(cmd, c, r.detail, a.full)
			}()
			answers = append(answers, a)
		}
		defer func() {
			for _, a := range answers {
				<-a.done
			}
		}()
		issue()
		hold, bytes := false, int64(0)
		for i := 0; i < len(answers); i++ {
			if !hold && len(answers) < len(chunks) && bytes < aheadBytes && to.room() {
				issue()
			}
			a, c := answers[i], chunks[i]
			select {
			case <-a.full:
			case <-a.done:
			}
			asked++
			if c.settled() < len(c.uids) {
				<-a.done
				if a.err != nil {
					return a.err
				}
				hold = true
			}
			bytes += c.bytes
			hold = hold || r.wantsParts(c) || !to.room()
			if !hold {
				chunks[i] = nil
				putErr = to.put(ctx, c)
				hold = putErr != nil
			}
		}
		for _, a := range answers {
			<-a.done
			if a.err != nil {
				return a.err
			}
		}
		return nil
	})
	if putErr != nil {
		return asked, putErr
	}
	return asked, r.judge(ctx, err)
}

// answer is a FETCH whose answer is being read.
type answer struct {
	full chan struct{} // closed when all messages are there
	done chan struct{} // closed when the answer has ended
	err  error         // to be read after that
}

// judge looks at the error of a FETCH. It returns the error when nothing more
// can be read; else the messages without a result are to be asked for again.
func (r *reader) judge(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return err
	}
	if kind, _ := kith.FaultOf(err); kind != kith.FaultTransient {
		return err
	}
	if timeout := net.Error(nil); r.source.sess.broken() && errors.As(err, &timeout) && timeout.Timeout() {
		r.source.budget -= silencePrice
	}
	r.source.log.Warn("the answer to FETCH broke off", "account", r.source.opts.Account, "stream", r.stream.Name, "err", err)
	return nil
}

// collect reads the answer to a FETCH into its chunk, to the end. It closes full,
// if that is not nil, and leaves the chunk alone, once every message is there.
func (r *reader) collect(cmd *imapclient.FetchCommand, c *chunk, d detail, full chan<- struct{}) error {
	c.suspect = 0
	var (
		buf       []byte
		last      *result
		lastUID   imap.UID
		lastWhole = true
		left      = len(c.missing())
	)
	for data := cmd.Next(); data != nil; data = cmd.Next() {
		if left == 0 {
			continue
		}
		var res result
		lastUID, res, lastWhole = r.message(data, d, &buf)
		if r.source.sess.broken() { // a literal that is cut off is filled up by the guard
			lastWhole = false
		}
		last = c.result(lastUID)
		if last == nil || last.state != pending || res.state == pending {
			continue
		}
		*last = res
		c.bytes += int64(len(buf))
		// One that is not whole may be to blame for an end that comes now.
		if left--; left == 0 && full != nil && lastWhole {
			close(full)
		}
	}
	err := cmd.Close()
	// The client gives out a message as far as it was read when the rest of its
	// answer can't be: that one is to blame.
	if err != nil && !lastWhole && last != nil {
		*last = result{}
		c.suspect = lastUID
	}
	return err
}

// message reads the answer for one message. It is whole when everything that was
// asked for was in it. An answer without a header is none: servers tell of a
// change of flags in the same form (RFC 9051 §7.5.2). buf is for the header.
func (r *reader) message(data *imapclient.FetchMessageData, d detail, buf *[]byte) (imap.UID, result, bool) {
	var (
		res      result
		uid      imap.UID
		internal time.Time
		size     int64
		draft    bool
		bs       imap.BodyStructure
		length   int64
		header   = r.source.opts.header()
	)
	for item := data.Next(); item != nil; item = data.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			uid = item.UID
		case imapclient.FetchItemDataFlags:
			draft = slices.Contains(item.Flags, imap.FlagDraft)
		case imapclient.FetchItemDataInternalDate:
			internal = item.Time
		case imapclient.FetchItemDataRFC822Size:
			size = item.Size
		case imapclient.FetchItemDataBodyStructure:
			bs = item.BodyStructure
		case imapclient.FetchItemDataBodySection:
			if item.Section.Specifier != imap.PartSpecifierHeader || len(item.Section.Part) > 0 || item.Literal == nil {
				continue
			}
			length = item.Literal.Size()
			var whole bool
			if *buf, whole = readLiteral(*buf, item.Literal, header); whole {
				res.state = read
			}
		}
	}
	if res.state != read || uid == 0 {
		return uid, res, false
	}
	res.bare = len(bytes.TrimSpace(*buf)) == 0
	m := message.ParseHeader(*buf)
	m.Size = size
	if length > header || d > full && length == header {
		if len(m.From) == 0 && m.Sender == nil { // they stand further on, or nowhere: nobody knows
			return uid, result{state: failed, cause: fmt.Sprintf("who wrote it does not stand in the first %d bytes of its header", header)}, true
		}
		m.Warnings = append(m.Warnings, fmt.Sprintf("of the header only %d bytes were read", header))
	}
	message.ResolveDate(m, internal)
	if bs != nil {
		res.root = structure(bs)
		message.ApplyStructure(m, res.root)
	} else if d > full {
		m.Warnings = append(m.Warnings, "the structure of the message could not be read")
	}
	res.item = kith.Item{
		Ref:      formatRef(r.mb.validity, uid),
		Received: internal,
		Role:     r.stream.Role,
		Draft:    draft || r.stream.Role == kith.RoleDrafts,
		Message:  m,
	}
	whole := (bs != nil || d > full) && (!internal.IsZero() || d > noStructure)
	return uid, res, whole
}

// readLiteral reads at most limit bytes of a literal into buf. It is whole when
// no byte of it is missing: the client does not tell when a connection ended in
// the middle of one.
func readLiteral(buf []byte, literal imap.LiteralReader, limit int64) (_ []byte, whole bool) {
	want := min(literal.Size(), limit)
	buf = slices.Grow(buf[:0], int(want))[:want]
	n, err := io.ReadFull(literal, buf)
	if err != nil {
		return buf[:n], false
	}
	rest, err := io.Copy(io.Discard, literal)
	return buf, err == nil && int64(n)+rest == literal.Size()
}
