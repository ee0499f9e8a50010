package imapsource

import (
	"context"
	"fmt"
	"slices"

	"github.com/emersion/go-imap/v2"
)

const (
	// maxSingles is how many messages of a chunk that a server passes over in
	// silence are asked for one by one.
	maxSingles = 50

	// maxBad is how many messages of a folder may break the connection by their
	// BODYSTRUCTURE before it is asked for no more in this run.
	maxBad = 3
)

// ready makes sure that the folder is examined, in a new connection if the last
// one broke.
func (r *reader) ready(ctx context.Context) error {
	s := r.source
	if !s.broken() && s.selected == r.mb.name {
		return nil
	}
	mb, err := s.examine(ctx, r.mb.name)
	if err != nil {
		return err
	}
	if mb.validity != r.mb.validity && mb.validity != 0 {
		return fmt.Errorf("UIDVALIDITY changed from %d to %d while the folder was read", r.mb.validity, mb.validity)
	}
	r.mb.messages = min(r.mb.messages, mb.messages)
	return nil
}

// mend gets a result for every message of a chunk that was asked for and has
// none. An answer that the client can't parse ends the connection, so the
// messages to blame are found by asking for ever fewer at a time; those that are
// merely left out are asked for again, and told from those that are gone. When
// it returns an error, some messages have no result still.
func (r *reader) mend(ctx context.Context, c *chunk) error {
	set := c.missing()
	if len(set) == 0 {
		return nil
	}
	var work [][]imap.UID // a stack of sets to be asked for
	if r.source.broken() {
		next, err := r.narrow(ctx, c, c.uids)
		if err != nil {
			return err
		}
		work = next
	}
	for again := true; ; again = false {
		for len(work) > 0 {
			set, work = work[len(work)-1], work[:len(work)-1]
			if err := r.ask(ctx, c, set, r.detail); err != nil {
				return err
			}
			if r.source.broken() {
				next, err := r.narrow(ctx, c, set)
				if err != nil {
					return err
				}
				work = append(work, next...)
			}
		}
		left, err := r.stillThere(ctx, c)
		if err != nil {
			return err
		}
		if len(left) == 0 {
			return nil
		}
		if again {
			work = append(work, left)
			continue
		}
		for i, uid := range left {
			if i >= maxSingles {
				c.fail(uid, "the server does not answer for this message")
				continue
			}
			if err := r.single(ctx, c, uid, r.detail); err != nil {
				return err
			}
		}
		return nil
	}
}

// ask fetches a set of the chunk's messages. An error is one after which nothing
// more can be read; a broken connection is none.
func (r *reader) ask(ctx context.Context, c *chunk, set []imap.UID, d detail) error {
	if err := r.ready(ctx); err != nil {
		return err
	}
	s := r.source
	err := s.run(ctx, "fetch", func() error {
		return r.collect(s.sess.client.Fetch(imap.UIDSetNum(set...), d.options(r.source.opts.header())), c, d, nil)
	})
	return r.judge(ctx, err)
}

// narrow is called when a FETCH of a set broke the connection. It deals with the
// message to blame, if it is known, and returns the sets to be asked for next,
// the first one last.
func (r *reader) narrow(ctx context.Context, c *chunk, set []imap.UID) ([][]imap.UID, error) {
	left := slices.DeleteFunc(slices.Clone(set), func(uid imap.UID) bool { return c.result(uid).state != pending })
	if len(left) == 0 {
		return nil, nil
	}
	blamed := c.suspect
	if len(set) == 1 {
		blamed = set[0]
	}
	if i := slices.Index(left, blamed); i >= 0 {
		if err := r.single(ctx, c, blamed, r.detail+1); err != nil {
			return nil, err
		}
		if left = slices.Delete(left, i, i+1); len(left) == 0 {
			return nil, nil
		}
		return [][]imap.UID{left}, nil
	}
	if len(left) == 1 {
		return [][]imap.UID{left}, nil
	}
	half := len(left) / 2
	if len(left) < len(set) {
		half = 1 // servers answer in order: it is most likely the first
	}
	return [][]imap.UID{left[half:], left[:half]}, nil
}

// single asks for one message alone, from the given detail down to the header
// alone, until it can be read. If it never can, it has failed.
func (r *reader) single(ctx context.Context, c *chunk, uid imap.UID, from detail) error {
	for d := from; d < details; d++ {
		if err := r.ask(ctx, c, []imap.UID{uid}, d); err != nil {
			return err
		}
		if c.result(uid).state == pending {
			continue
		}
		if d > r.detail {
			r.bad++
		}
		if r.bad >= maxBad && r.detail < noStructure {
			r.detail = noStructure
			r.source.log.Warn("BODYSTRUCTURE can't be read too often, going on without it",
				"account", r.source.opts.Account, "stream", r.stream.Name)
		}
		return nil
	}
	cause := "the server does not answer for this message"
	if r.source.broken() {
		cause = "the server's answer for this message can't be read"
	}
	c.fail(uid, cause)
	return nil
}

// fail says that a message can't be read.
func (c *chunk) fail(uid imap.UID, cause string) {
	*c.result(uid) = result{state: failed, cause: cause}
}

// stillThere looks up which messages without a result are in the folder. The
// others are gone.
func (r *reader) stillThere(ctx context.Context, c *chunk) ([]imap.UID, error) {
	missing := c.missing()
	if len(missing) == 0 {
		return nil, nil
	}
	if err := r.ready(ctx); err != nil {
		return nil, err
	}
	there, err := r.source.search(ctx, &imap.SearchCriteria{UID: []imap.UIDSet{imap.UIDSetNum(missing...)}})
	if err != nil {
		return nil, err
	}
	var left []imap.UID
	for _, uid := range missing {
		if there.Contains(uid) {
			left = append(left, uid)
		} else {
			c.result(uid).state = gone
		}
	}
	return left, nil
}
