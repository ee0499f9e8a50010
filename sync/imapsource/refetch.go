package imapsource

import (
	"context"
	"slices"
	"strings"

	"github.com/emersion/go-imap/v2"

	"kith"
)

// maxFound is how many messages with one Message-ID Find looks at.
const maxFound = 1000

// gatherer puts chunks aside.
type gatherer struct{ chunks []*chunk }

func (g *gatherer) room() bool { return true }

func (g *gatherer) put(_ context.Context, c *chunk) error {
	g.chunks = append(g.chunks, c)
	return nil
}

// readAll reads messages of the examined folder.
func (s *Source) readAll(ctx context.Context, stream kith.Stream, mb mailbox, uids []imap.UID) ([]*chunk, error) {
	slices.Sort(uids)
	var chunks []*chunk
	for part := range slices.Chunk(slices.Compact(uids), s.opts.Chunk) {
		chunks = append(chunks, newChunk(part))
	}
	r := reader{source: s, stream: stream, mb: mb}
	var got gatherer
	err := r.read(ctx, chunks, &got)
	return got.chunks, err
}

func (s *Source) fetch(ctx context.Context, stream kith.Stream, refs []string) (kith.Batch, error) {
	var batch kith.Batch
	mb, err := s.examine(ctx, stream.Name)
	if err != nil {
		return batch, err
	}
	var uids []imap.UID
	for _, ref := range refs {
		validity, uid, ok := parseRef(ref)
		if mb.validity == 0 {
			mb.validity = validity
		}
		if !ok || validity != mb.validity {
			batch.Gone = append(batch.Gone, ref)
			continue
		}
		uids = append(uids, uid)
	}
	chunks, err := s.readAll(ctx, stream, mb, uids)
	if err != nil {
		return kith.Batch{}, err
	}
	for _, c := range chunks {
		for i := range c.results {
			c.add(&batch, mb.validity, i)
		}
	}
	return batch, nil
}

func (s *Source) find(ctx context.Context, stream kith.Stream, messageID string) ([]string, error) {
	mb, err := s.examine(ctx, stream.Name)
	if err != nil {
		return nil, err
	}
	// HEADER looks for a substring (RFC 9051 §6.4.4), and messages may have the
	// id without its brackets.
	id := strings.TrimSuffix(strings.TrimPrefix(messageID, "<"), ">")
	if id == "" {
		return nil, nil
	}
	set, err := s.search(ctx, &imap.SearchCriteria{
		Header: []imap.SearchCriteriaHeaderField{{Key: "Message-ID", Value: id}},
	})
	if err != nil {
		return nil, err
	}
	uids, err := within(set, 1, mb.next, mb.messages)
	if err != nil {
		return nil, err
	}
	if len(uids) > maxFound {
		uids = uids[len(uids)-maxFound:]
	}
	chunks, err := s.readAll(ctx, stream, mb, uids)
	if err != nil {
		return nil, err
	}
	var refs []string
	for _, c := range chunks {
		for i := range c.results {
			if res := &c.results[i]; res.state == read && res.item.Message.MessageID == messageID {
				refs = append(refs, res.item.Ref)
			}
		}
	}
	return refs, nil
}
