package demo_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/emersion/go-imap/v2"

	"kith"
	"kith/demo"
	"kith/matcher"
	"kith/message"
	"kith/sync/imapsource"
)

// register is the sample contacts as the matcher asks for them.
type register map[string][]kith.Match

func newRegister() register {
	r := register{}
	companies := map[string]kith.ID{}
	for i, c := range demo.Contacts() {
		var id kith.ID
		binary.BigEndian.PutUint64(id[:], uint64(i+1))
		match := kith.Match{ContactID: id, NeverRecord: c.NeverRecord}
		if c.Type == kith.Company {
			companies[c.Name] = id
		} else if company, ok := companies[c.Company]; ok {
			match.CompanyID = &company
		}
		for _, a := range c.Emails {
			r[a] = append(r[a], match)
		}
	}
	return r
}

func (r register) ContactsVersion(context.Context) (int64, error) { return 1, nil }

func (r register) MatchAddresses(_ context.Context, addresses []string) (map[string][]kith.Match, error) {
	found := map[string][]kith.Match{}
	for _, a := range addresses {
		if matches, ok := r[a]; ok {
			found[a] = matches
		}
	}
	return found, nil
}

func (r register) MatchDomains(context.Context, []string) (map[string]kith.Match, error) {
	return nil, nil
}

func (r register) Identities(context.Context) ([]kith.Identity, error) { return nil, nil }

func (r register) Contact(_ context.Context, id kith.ID) (kith.Contact, error) {
	return kith.Contact{ID: id}, nil
}

// account is Alice's mailbox, to which the outcomes belong.
var account = matcher.Account{Name: "alice", Owner: demo.Owner, Addresses: []string{demo.Owner, demo.Alias}}

func newMatcher() *matcher.Matcher {
	identities := matcher.NewIdentities([]matcher.Account{account}, []string{demo.Domain})
	return matcher.New(newRegister(), identities, matcher.Policy{})
}

// results compares outcomes with the answer key, one after the other.
type results struct {
	captured map[string]*kith.Interaction // by the answer key's name
	names    map[kith.Key]string
}

func newResults() results {
	return results{captured: map[string]*kith.Interaction{}, names: map[kith.Key]string{}}
}

func (r results) add(t *testing.T, folder string, msg demo.Message, got kith.Outcome) {
	t.Helper()
	want := msg.Want
	if want.Unread {
		t.Errorf("a message in %s was read", folder)
		return
	}
	if got.Skip != want.Skip {
		t.Errorf("%s message in %s is skipped for %q, want %q:\n%s", msg.Kind, folder, got.Skip, want.Skip, msg.Raw)
		return
	}
	bounces := ""
	if got.Bounced != nil {
		bounces = got.Bounced.MessageID
	}
	if bounces != want.Bounces {
		t.Errorf("%s message in %s tells that %q bounced, want %q", msg.Kind, folder, bounces, want.Bounces)
	}
	if want.Skip != "" {
		return
	}
	in := got.Interaction
	if in.Direction != want.Direction || !in.OccurredAt.Equal(want.OccurredAt) {
		t.Errorf("%s message in %s is %s at %s, want %s at %s:\n%s", msg.Kind, folder,
			in.Direction, in.OccurredAt, want.Direction, want.OccurredAt, msg.Raw)
	}
	id := ""
	if in.MessageID != nil {
		id = *in.MessageID
	}
	if id != msg.MessageID {
		t.Errorf("%s message in %s has the Message-ID %q, want %q", msg.Kind, folder, id, msg.MessageID)
	}
	if answer := slices.Contains(in.Flags, matcher.FlagAutoReply); answer != (msg.Kind == demo.KindAutoReply) {
		t.Errorf("%s message in %s has the flags %v", msg.Kind, folder, in.Flags)
	}
	first, known := r.captured[want.Interaction]
	switch {
	case !known:
		if other, taken := r.names[in.Key]; taken {
			t.Errorf("%s and %s have one key", want.Interaction, other)
		}
		r.captured[want.Interaction], r.names[in.Key] = in, want.Interaction
	case first.Key == in.Key:
	case first.Fingerprint != in.Fingerprint || in.Fingerprint == kith.Key{}:
		t.Errorf("the copies of %s have neither key nor fingerprint in common", want.Interaction)
	}
}

func (r results) end(t *testing.T) {
	t.Helper()
	names := map[string]bool{}
	for _, msg := range messages(sample()) {
		if msg.Want.Interaction != "" {
			names[msg.Want.Interaction] = true
		}
	}
	if len(r.captured) != len(names) {
		t.Errorf("%d interactions, want %d", len(r.captured), len(names))
	}
}

// The answer key and the matcher, written apart, agree on every message.
func TestOutcomes(t *testing.T) {
	m, results := newMatcher(), newResults()
	roles := map[string]kith.Role{"INBOX": kith.RoleInbox, "Sent": kith.RoleSent, "Archive": kith.RoleArchive, "Drafts": kith.RoleDrafts}
	for folder, msg := range messages(sample()) {
		draft := slices.Contains(msg.Flags, imap.FlagDraft)
		if msg.Want.Unread && !draft {
			continue
		}
		if draft { // were its folder read, it would be left out all the same
			msg.Want = demo.Want{Skip: kith.ReasonDraft}
		}
		read, err := message.Read(bytes.NewReader(msg.Raw))
		if err != nil {
			t.Fatalf("%s message in %s: %v", msg.Kind, folder, err)
		}
		message.ResolveDate(read, msg.Received)
		outcomes, err := m.Match(t.Context(), account, []kith.Item{{
			Received: msg.Received, Role: roles[folder], Draft: draft, Message: read,
		}})
		if err != nil {
			t.Fatal(err)
		}
		results.add(t, folder, msg, outcomes[0])
	}
	results.end(t)
}

// So do they when the messages are read from the server, by headers and structure.
func TestOutcomesOverIMAP(t *testing.T) {
	server, _, box := serve(t)
	source, err := imapsource.Open(t.Context(), imapsource.Options{
		Account: account.Name, URL: "imap://" + server.Addr, Username: server.Username,
		Password: func(context.Context) (string, error) { return server.Password, nil },
		Since:    now.Add(-demo.Span),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := source.Close(); err != nil {
			t.Errorf("close the source: %v", err)
		}
	}()
	streams, err := source.Streams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	m, results := newMatcher(), newResults()
	for _, stream := range streams {
		i := slices.IndexFunc(box.Folders, func(f demo.Folder) bool { return f.Name == stream.Name })
		if i < 0 {
			t.Fatalf("the source reads a folder %q, which does not exist", stream.Name)
		}
		folder, seen := box.Folders[i], 0
		for batch, err := range source.Changes(t.Context(), stream, "") {
			if err != nil {
				t.Fatal(err)
			}
			if len(batch.Failed) > 0 || len(batch.Skipped) > 0 || len(batch.Warnings) > 0 {
				t.Errorf("%s: failed %v, skipped %v, warnings %q", folder.Name, batch.Failed, batch.Skipped, batch.Warnings)
			}
			outcomes, err := m.Match(t.Context(), account, batch.Items)
			if err != nil {
				t.Fatal(err)
			}
			for _, outcome := range outcomes {
				seen++
				_, uid, _ := strings.Cut(outcome.Ref, ":")
				n, err := strconv.Atoi(uid)
				if err != nil {
					t.Fatal(err)
				}
				results.add(t, folder.Name, folder.Messages[n-1], outcome)
			}
		}
		if seen != len(folder.Messages) {
			t.Errorf("%s: %d messages read, want %d", folder.Name, seen, len(folder.Messages))
		}
	}
	results.end(t)
}
