package demo_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/emersion/go-imap/v2"

	"kith"
	"kith/demo"
	"kith/matcher"
	"kith/message"
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

// The answer key and the matcher, written apart, agree on every message.
func TestOutcomes(t *testing.T) {
	account := matcher.Account{Name: "alice", Owner: demo.Owner, Addresses: []string{demo.Owner, demo.Alias}}
	identities := matcher.NewIdentities([]matcher.Account{account}, []string{demo.Domain})
	m := matcher.New(newRegister(), identities, matcher.Policy{})

	roles := map[string]kith.Role{"INBOX": kith.RoleInbox, "Sent": kith.RoleSent, "Archive": kith.RoleArchive, "Drafts": kith.RoleDrafts}
	captured := map[string]*kith.Interaction{} // by the answer key's name
	named := map[kith.Key]string{}
	for folder, msg := range messages(sample()) {
		draft := slices.Contains(msg.Flags, imap.FlagDraft)
		if msg.Want.Unread && !draft {
			continue
		}
		read, err := message.Read(bytes.NewReader(msg.Raw))
		if err != nil {
			t.Fatalf("%s message in %s: %v", msg.Kind, folder, err)
		}
		message.ResolveDate(read, msg.Received)
		if read.MessageID != msg.MessageID {
			t.Errorf("%s message in %s: Message-ID %q, want %q", msg.Kind, folder, read.MessageID, msg.MessageID)
		}
		outcomes, err := m.Match(t.Context(), account, []kith.Item{{
			Ref: "1", Received: msg.Received, Role: roles[folder], Draft: draft, Message: read,
		}})
		if err != nil {
			t.Fatal(err)
		}
		got, want := outcomes[0], msg.Want
		if draft { // were its folder read, it would be left out all the same
			want.Skip = kith.ReasonDraft
		}
		if got.Skip != want.Skip {
			t.Errorf("%s message in %s is skipped for %q, want %q:\n%s", msg.Kind, folder, got.Skip, want.Skip, msg.Raw)
			continue
		}
		bounces := ""
		if got.Bounced != nil {
			bounces = got.Bounced.MessageID
		}
		if bounces != want.Bounces {
			t.Errorf("%s message in %s tells that %q bounced, want %q", msg.Kind, folder, bounces, want.Bounces)
		}
		if want.Skip != "" {
			continue
		}
		in := got.Interaction
		if in.Direction != want.Direction || !in.OccurredAt.Equal(want.OccurredAt) {
			t.Errorf("%s message in %s is %s at %s, want %s at %s:\n%s", msg.Kind, folder,
				in.Direction, in.OccurredAt, want.Direction, want.OccurredAt, msg.Raw)
		}
		if msg.Kind == demo.KindAutoReply != slices.Contains(in.Flags, matcher.FlagAutoReply) {
			t.Errorf("%s message in %s has the flags %v", msg.Kind, folder, in.Flags)
		}
		first, known := captured[want.Interaction]
		switch {
		case !known:
			captured[want.Interaction] = in
			if other, taken := named[in.Key]; taken {
				t.Errorf("%s and %s have one key", want.Interaction, other)
			}
			named[in.Key] = want.Interaction
		case first.Key == in.Key:
		case first.Fingerprint != in.Fingerprint || in.Fingerprint == kith.Key{}:
			t.Errorf("the copies of %s have neither key nor fingerprint in common", want.Interaction)
		}
	}
	if len(captured) != 1100 {
		t.Errorf("%d interactions, want 1100", len(captured))
	}
}
