package imapsource

import (
	"context"
	"io"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapclient"

	"kith/message"
)

const (
	maxReport  = 64 << 10 // bytes read of each part of a delivery report
	maxSnippet = 16 << 10 // bytes read of a message's text, for the snippet

	maxInvitation = 512 << 10 // bytes read of a calendar part
)

// sections names the parts of a message of which more than the structure is read.
type sections struct {
	report, original string // of a delivery report
	text             string // for the snippet
	invitation       string
}

// sections returns what is to be read of a message.
func (r *reader) sections(res *result) (want sections) {
	if res.state != read || res.root == nil {
		return sections{}
	}
	if res.item.Message.Bounce != nil {
		report, original := message.BounceParts(res.root)
		if report != nil {
			want.report = report.Path
		}
		if original != nil {
			want.original = original.Path
		}
	}
	if w := r.source.opts.Invitations; w != nil && res.item.Message.Invitation != "" {
		if part := message.InvitationPart(res.root); part != nil {
			want.invitation = part.Path
		}
	}
	if r.source.opts.Snippet && !res.item.Message.Bulk {
		if text := message.TextPart(res.root); text != nil {
			want.text = text.Path
		}
	}
	return want
}

// wantsParts tells whether parts of any message of a chunk are to be read.
func (r *reader) wantsParts(c *chunk) bool {
	for i := range c.results {
		if c.results[i].bare || r.sections(&c.results[i]) != (sections{}) {
			return true
		}
	}
	return false
}

// readStarts reads the beginning of messages whose header is empty: a line end
// that somebody put before the header makes a body of it.
func (r *reader) readStarts(ctx context.Context, c *chunk) error {
	var uids []imap.UID
	for i := range c.results {
		if c.results[i].state == read && c.results[i].bare {
			uids = append(uids, c.uids[i])
		}
	}
	if len(uids) == 0 {
		return nil
	}
	if err := r.ready(ctx); err != nil {
		return err
	}
	s := r.source
	err := s.run(ctx, "fetch beginnings", func() error {
		cmd := s.sess.client.Fetch(imap.UIDSetNum(uids...), &imap.FetchOptions{
			UID:         true,
			BodySection: []*imap.FetchItemBodySection{{Partial: &imap.SectionPartial{Size: maxReport}, Peek: true}},
		})
		for data := cmd.Next(); data != nil; data = cmd.Next() {
			uid, bodies := readBodies(data)
			if res := c.result(uid); res != nil && res.bare && !s.sess.broken() {
				res.begin(bodies[""])
			}
		}
		return cmd.Close()
	})
	return r.judge(ctx, err)
}

// begin takes the header from the beginning of the body, if it is there. What
// the server says of the structure is not true then.
func (res *result) begin(body []byte) {
	m := message.ParseHeader(body)
	if len(m.From) == 0 && m.Sender == nil {
		return
	}
	m.Size = res.item.Message.Size
	m.Warnings = append(m.Warnings, "there is an empty line before the header")
	message.ResolveDate(m, res.item.Received)
	res.item.Message, res.root = m, nil
}

// readParts reads delivery reports, and the beginning of texts if asked to: one
// command for all messages of a chunk that have them in the same place. A
// message whose parts can't be read goes without, with a warning. An error is
// one after which nothing more can be read.
func (r *reader) readParts(ctx context.Context, c *chunk) error {
	groups := make(map[sections][]imap.UID)
	for i := range c.results {
		if want := r.sections(&c.results[i]); want != (sections{}) {
			groups[want] = append(groups[want], c.uids[i])
		}
	}
	for want, uids := range groups {
		if err := r.ready(ctx); err != nil {
			return err
		}
		s := r.source
		answered := make(map[imap.UID]bool)
		err := s.run(ctx, "fetch parts", func() error {
			cmd := s.sess.client.Fetch(imap.UIDSetNum(uids...), want.options())
			for data := cmd.Next(); data != nil; data = cmd.Next() {
				uid, bodies := readBodies(data)
				if s.sess.broken() {
					continue // the guard fills up what is cut off
				}
				if res := c.result(uid); res != nil && len(bodies) > 0 {
					answered[uid] = true
					want.apply(res, bodies, s.opts.Invitations)
				}
			}
			return cmd.Close()
		})
		if err := r.judge(ctx, err); err != nil {
			return err
		}
		for _, uid := range uids {
			if !answered[uid] {
				m := c.result(uid).item.Message
				m.Warnings = append(m.Warnings, "the server did not show the text of the message")
			}
		}
	}
	return nil
}

// options asks for the beginning of the parts.
func (w sections) options() *imap.FetchOptions {
	o := &imap.FetchOptions{UID: true}
	add := func(path string, size int64) {
		if path != "" {
			o.BodySection = append(o.BodySection, &imap.FetchItemBodySection{
				Part:    sectionPath(path),
				Partial: &imap.SectionPartial{Size: size},
				Peek:    true,
			})
		}
	}
	add(w.report, maxReport)
	add(w.original, maxReport)
	add(w.text, maxSnippet)
	add(w.invitation, maxInvitation)
	return o
}

// apply tells the message what was read.
func (w sections) apply(res *result, bodies map[string][]byte, window *Invitations) {
	m := res.item.Message
	if w.report != "" || w.original != "" {
		report, original := message.BounceParts(res.root)
		message.ReadBounce(m, decode(report, bodies), decode(original, bodies))
	}
	if w.invitation != "" {
		window.read(res, decode(message.InvitationPart(res.root), bodies))
	}
	if w.text != "" {
		m.Snippet = message.Snippet(message.TextPart(res.root), bodies[w.text])
	}
}

// decode removes the transfer encoding of a part's body.
func decode(p *message.Part, bodies map[string][]byte) []byte {
	if p == nil {
		return nil
	}
	return p.Decode(bodies[p.Path])
}

// readBodies reads the parts in the answer for one message, by path.
func readBodies(data *imapclient.FetchMessageData) (uid imap.UID, bodies map[string][]byte) {
	bodies = make(map[string][]byte)
	for item := data.Next(); item != nil; item = data.Next() {
		switch item := item.(type) {
		case imapclient.FetchItemDataUID:
			uid = item.UID
		case imapclient.FetchItemDataBodySection:
			if item.Literal == nil || item.Section.Specifier != imap.PartSpecifierNone {
				continue
			}
			path := "" // of the whole message
			for _, n := range item.Section.Part {
				path = childPath(path, n)
			}
			body, err := io.ReadAll(io.LimitReader(item.Literal, maxInvitation))
			if err == nil {
				bodies[path] = body
			}
		}
	}
	return uid, bodies
}
