package backup

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"kith"
	"kith/store"
	"kith/store/internal/facts"
)

// line is a line of a file: one of its fields is set, which is named like the
// [store.RowKind] of the row. Names, and what they mean, are the format: whoever changes
// them raises [Format] and goes on reading the old ones.
type line struct {
	Header      *Header          `json:"kith_backup,omitempty"`
	Versions    *versions        `json:"versions,omitempty"`
	Contact     *contact         `json:"contact,omitempty"`
	Merged      *merged          `json:"merged,omitempty"`
	Distinct    *distinct        `json:"distinct,omitempty"`
	Account     *account         `json:"account,omitempty"`
	Definition  *definition      `json:"definition,omitempty"`
	Identity    *identity        `json:"identity,omitempty"`
	Stream      *stream          `json:"stream,omitempty"`
	Quarantined *quarantined     `json:"quarantined,omitempty"`
	Card        *card            `json:"card,omitempty"`
	CardGroup   *cardGroup       `json:"card_group,omitempty"`
	Thread      *thread          `json:"thread,omitempty"`
	Member      *member          `json:"member,omitempty"`
	Interaction *interactionLine `json:"interaction,omitempty"`
	Tombstone   *tombstone       `json:"tombstone,omitempty"`
	ErasedCopy  *erasedCopy      `json:"erased_copy,omitempty"`
	Bounce      *bounce          `json:"bounce,omitempty"`
	Sought      *sought          `json:"sought,omitempty"`
	Salt        *salt            `json:"salt,omitempty"`
	Forgotten   *forgotten       `json:"forgotten,omitempty"`
	Ways        *ways            `json:"ways,omitempty"`
	Suggestion  *suggestion      `json:"suggestion,omitempty"`
	End         *Summary         `json:"end,omitempty"`
}

type versions struct {
	Contacts    int64 `json:"contacts"`
	Definitions int64 `json:"definitions"`
	Sought      int64 `json:"sought,omitempty"`
}

// contact is without its MergedInto, for which there is a row of its own.
type contact struct {
	kith.Contact
	MergedInto *kith.ID `json:"merged_into,omitempty"`
}

type merged struct {
	Contact kith.ID `json:"contact"`
	Into    kith.ID `json:"into"`
}

type distinct struct {
	A     kith.ID   `json:"a"`
	B     kith.ID   `json:"b"`
	Since time.Time `json:"since"`
}

type account struct {
	Name        string            `json:"name"`
	Origin      kith.Origin       `json:"origin"`
	Kind        string            `json:"kind"`
	Owner       string            `json:"owner"`
	Schedule    string            `json:"schedule"`
	Settings    string            `json:"settings"`
	State       kith.AccountState `json:"state"`
	NextPoll    time.Time         `json:"next_poll,omitzero"`
	LastPoll    time.Time         `json:"last_poll,omitzero"`
	LastSuccess time.Time         `json:"last_success,omitzero"`
	Attempts    int               `json:"attempts"`
	Error       string            `json:"error,omitempty"`
	ErrorSince  time.Time         `json:"error_since,omitzero"`
}

type definition struct {
	Name      string    `json:"name"`
	Text      string    `json:"text"`
	Key       string    `json:"key"`
	Box       []byte    `json:"box"`
	Disabled  bool      `json:"disabled"`
	UpdatedAt time.Time `json:"updated_at"`
}

type identity struct {
	Address  string              `json:"address"`
	Owner    string              `json:"owner"`
	State    kith.IdentityState  `json:"state"`
	Seen     kith.SightingCounts `json:"seen"`
	LastSeen time.Time           `json:"last_seen,omitzero"`
	Decided  time.Time           `json:"decided,omitzero"`
}

type stream struct {
	Account     string              `json:"account"`
	Name        string              `json:"name"`
	Cursor      []byte              `json:"cursor"` // it may hold any bytes
	LastSuccess time.Time           `json:"last_success,omitzero"`
	Recorded    int                 `json:"recorded"`
	Skipped     map[kith.Reason]int `json:"skipped"`
	Backfilled  float64             `json:"backfilled"`
	Error       string              `json:"error,omitempty"`
	LookedBack  int64               `json:"looked_back,omitempty"`
}

type quarantined struct {
	Account  string    `json:"account"`
	Stream   string    `json:"stream"`
	Ref      string    `json:"ref"`
	Cause    string    `json:"cause"`
	Since    time.Time `json:"since"`
	Attempts int       `json:"attempts"`
	NextTry  time.Time `json:"next_try"`
}

type card struct {
	Account string          `json:"account"`
	Stream  string          `json:"stream"`
	Ref     string          `json:"ref"`
	UID     string          `json:"uid"`
	Contact kith.ID         `json:"contact"`
	Facts   json.RawMessage `json:"facts"`
	GoneAt  time.Time       `json:"gone_at,omitzero"`
}

type cardGroup struct {
	Account string   `json:"account"`
	Stream  string   `json:"stream"`
	Ref     string   `json:"ref"`
	UID     string   `json:"uid"`
	Name    string   `json:"name"`
	Org     bool     `json:"org,omitempty"`
	Members []string `json:"members"`
}

type thread struct {
	Least digest   `json:"least"`
	Heads []digest `json:"heads"`
}

type member struct {
	Hash digest `json:"hash"`
	Root digest `json:"root"`
}

// interactionLine holds of an interaction what the databases do: the rest of it
// is Facts.
type interactionLine struct {
	ID          kith.ID         `json:"id"`
	Keys        []key           `json:"keys"` // its own, then those of copies
	Fingerprint key             `json:"fingerprint,omitzero"`
	Kind        kith.Kind       `json:"kind"`
	Status      kith.Status     `json:"status"`
	Direction   kith.Direction  `json:"direction"`
	Owner       string          `json:"owner"`
	Template    string          `json:"template"`
	OccurredAt  facts.Moment    `json:"occurred_at"`
	Thread      string          `json:"thread"`
	MessageID   *string         `json:"message_id,omitempty"`
	Subject     string          `json:"subject"`
	Facts       json.RawMessage `json:"facts"`
	Evidence    []evidence      `json:"evidence"`
}

type evidence struct {
	Account string    `json:"account"`
	Stream  string    `json:"stream"`
	Ref     string    `json:"ref"`
	SeenAt  time.Time `json:"seen_at"`
	Gone    bool      `json:"gone,omitempty"`
}

type tombstone struct {
	Key      key       `json:"key"`
	ErasedAt time.Time `json:"erased_at"`
}

type erasedCopy struct {
	Fingerprint key          `json:"fingerprint"`
	OccurredAt  facts.Moment `json:"occurred_at"`
	ErasedAt    time.Time    `json:"erased_at"`
}

type bounce struct {
	Hash   digest `json:"hash"`
	Status string `json:"status"`
}

type sought struct {
	N       int64  `json:"n"`
	Address string `json:"address"`
}

type salt struct {
	Salt []byte `json:"salt"`
}

type forgotten struct {
	Digest key            `json:"digest"`
	Why    kith.Forgotten `json:"why"`
	At     time.Time      `json:"at"`
}

type ways struct {
	Digest key       `json:"digest"`
	Ways   kith.Ways `json:"ways"`
}

type suggestion struct {
	Account string `json:"account"`
	Stream  string `json:"stream"`
	kith.Suggestion
}

// key is 16 bytes in hexadecimal digits.
type key kith.Key

// MarshalText implements [encoding.TextMarshaler].
func (k key) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, k[:]), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (k *key) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(k)) {
		return fmt.Errorf("a key has %d digits", hex.EncodedLen(len(k)))
	}
	_, err := hex.Decode(k[:], text)
	return err
}

// digest is the hash of a Message-ID, written like the id of a thread.
type digest int64

// MarshalText implements [encoding.TextMarshaler].
func (h digest) MarshalText() ([]byte, error) { return []byte(store.ThreadID(int64(h))), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (h *digest) UnmarshalText(text []byte) error {
	n, ok := store.ParseThreadID(string(text))
	if !ok {
		return errors.New("a digest has 16 digits")
	}
	*h = digest(n)
	return nil
}

// lineOf is the line of a row. Facts are good until the encoder's next use.
func lineOf(row store.Row, encoder *facts.Encoder[kith.ID]) (line, error) {
	switch r := row.(type) {
	case *store.VersionsRow:
		return line{Versions: (*versions)(r)}, nil
	case *store.ContactRow:
		return line{Contact: &contact{Contact: r.Contact}}, nil
	case *store.MergedRow:
		return line{Merged: (*merged)(r)}, nil
	case *store.DistinctRow:
		return line{Distinct: (*distinct)(r)}, nil
	case *store.AccountRow:
		return line{Account: &account{
			Name: r.Name, Origin: r.Origin, Kind: r.Account.Kind, Owner: r.Owner, Schedule: r.Schedule, Settings: r.Settings,
			State: r.State, NextPoll: r.NextPoll, LastPoll: r.LastPoll, LastSuccess: r.LastSuccess,
			Attempts: r.Attempts, Error: r.Error, ErrorSince: r.ErrorSince,
		}}, nil
	case *store.DefinitionRow:
		return line{Definition: &definition{r.Name, r.Text, r.Secret.Key, r.Secret.Box, r.Disabled, r.UpdatedAt}}, nil
	case *store.IdentityRow:
		return line{Identity: (*identity)(&r.Identity)}, nil
	case *store.StreamRow:
		return line{Stream: &stream{r.Account, r.Name, []byte(r.Cursor), r.LastSuccess, r.Recorded, r.Skipped, r.Backfilled, r.Error, r.LookedBack}}, nil
	case *store.QuarantinedRow:
		return line{Quarantined: (*quarantined)(&r.Quarantined)}, nil
	case *store.CardRow:
		return line{Card: &card{r.Account, r.Stream, r.Ref, r.UID, r.Contact, json.RawMessage(r.Facts), r.GoneAt}}, nil
	case *store.CardGroupRow:
		return line{CardGroup: &cardGroup{r.Account, r.Stream, r.Ref, r.UID, r.Name, r.Org, r.Members}}, nil
	case *store.ThreadRow:
		return line{Thread: &thread{digest(r.Least), hashes[int64, digest](r.Heads)}}, nil
	case *store.MemberRow:
		return line{Member: &member{digest(r.Hash), digest(r.Root)}}, nil
	case *store.InteractionRow:
		made, err := interactionOf(r, encoder)
		return line{Interaction: made}, err
	case *store.TombstoneRow:
		return line{Tombstone: &tombstone{key(r.Key), r.ErasedAt}}, nil
	case *store.ErasedCopyRow:
		return line{ErasedCopy: &erasedCopy{key(r.Fingerprint), facts.MomentOf(r.OccurredAt), r.ErasedAt}}, nil
	case *store.BounceRow:
		return line{Bounce: &bounce{digest(r.Hash), r.Status}}, nil
	case *store.SoughtRow:
		return line{Sought: (*sought)(&r.Sought)}, nil
	case *store.SaltRow:
		return line{Salt: (*salt)(r)}, nil
	case *store.ForgottenRow:
		return line{Forgotten: &forgotten{key(r.Digest), r.Why, r.At}}, nil
	case *store.WaysRow:
		return line{Ways: &ways{key(r.Digest), r.Ways}}, nil
	case *store.SuggestionRow:
		return line{Suggestion: (*suggestion)(r)}, nil
	}
	return line{}, fmt.Errorf("a row of an unknown kind %s", row.Kind())
}

func interactionOf(r *store.InteractionRow, encoder *facts.Encoder[kith.ID]) (*interactionLine, error) {
	text, err := encoder.Encode(&r.Interaction, r.MessageIDs)
	if err != nil {
		return nil, err
	}
	keys := make([]key, 1, 1+len(r.Keys))
	keys[0] = key(r.Key)
	for _, k := range r.Keys {
		keys = append(keys, key(k))
	}
	seen := make([]evidence, len(r.Evidence))
	for i, e := range r.Evidence {
		seen[i] = evidence(e)
	}
	return &interactionLine{
		ID: r.ID, Keys: keys, Fingerprint: key(r.Fingerprint), Kind: r.Interaction.Kind, Status: r.Status, Direction: r.Direction,
		Owner: r.Owner, Template: r.Template, OccurredAt: facts.MomentOf(r.OccurredAt), Thread: r.Thread, MessageID: r.MessageID,
		Subject: r.Subject, Facts: text, Evidence: seen,
	}, nil
}

// row is the row of a line.
func (l *line) row() (store.Row, error) {
	switch {
	case l.Versions != nil:
		return (*store.VersionsRow)(l.Versions), nil
	case l.Contact != nil:
		return &store.ContactRow{Contact: l.Contact.Contact}, nil
	case l.Merged != nil:
		return (*store.MergedRow)(l.Merged), nil
	case l.Distinct != nil:
		return (*store.DistinctRow)(l.Distinct), nil
	case l.Account != nil:
		return l.Account.row(), nil
	case l.Definition != nil:
		return l.Definition.row(), nil
	case l.Identity != nil:
		return &store.IdentityRow{Identity: kith.Identity(*l.Identity)}, nil
	case l.Stream != nil:
		return l.Stream.row(), nil
	case l.Quarantined != nil:
		return &store.QuarantinedRow{Quarantined: kith.Quarantined(*l.Quarantined)}, nil
	case l.Card != nil:
		c := l.Card
		return &store.CardRow{CardTie: kith.CardTie{
			Account: c.Account, Stream: c.Stream, Ref: c.Ref, UID: c.UID, Contact: c.Contact, Facts: string(c.Facts), GoneAt: c.GoneAt,
		}}, nil
	case l.CardGroup != nil:
		g := l.CardGroup
		return &store.CardGroupRow{Account: g.Account, Stream: g.Stream, CardGroup: kith.CardGroup{
			Ref: g.Ref, UID: g.UID, Name: g.Name, Org: g.Org, Members: g.Members,
		}}, nil
	case l.Thread != nil:
		return &store.ThreadRow{Least: int64(l.Thread.Least), Heads: hashes[digest, int64](l.Thread.Heads)}, nil
	case l.Member != nil:
		return &store.MemberRow{Hash: int64(l.Member.Hash), Root: int64(l.Member.Root)}, nil
	case l.Interaction != nil:
		return l.Interaction.row()
	case l.Tombstone != nil:
		return &store.TombstoneRow{Key: kith.Key(l.Tombstone.Key), ErasedAt: l.Tombstone.ErasedAt}, nil
	case l.ErasedCopy != nil:
		c := l.ErasedCopy
		return &store.ErasedCopyRow{Fingerprint: kith.Key(c.Fingerprint), OccurredAt: c.OccurredAt.Time(), ErasedAt: c.ErasedAt}, nil
	case l.Bounce != nil:
		return &store.BounceRow{Hash: int64(l.Bounce.Hash), Status: l.Bounce.Status}, nil
	case l.Sought != nil:
		return &store.SoughtRow{Sought: kith.Sought(*l.Sought)}, nil
	case l.Salt != nil:
		return (*store.SaltRow)(l.Salt), nil
	case l.Forgotten != nil:
		return &store.ForgottenRow{Digest: [16]byte(l.Forgotten.Digest), Why: l.Forgotten.Why, At: l.Forgotten.At}, nil
	case l.Ways != nil:
		return &store.WaysRow{Digest: [16]byte(l.Ways.Digest), Ways: l.Ways.Ways}, nil
	case l.Suggestion != nil:
		return (*store.SuggestionRow)(l.Suggestion), nil
	}
	return nil, errors.New("there is no row in it")
}

func (a *account) row() *store.AccountRow {
	return &store.AccountRow{Account: kith.Account{
		Name: a.Name, Origin: a.Origin, Kind: a.Kind, Owner: a.Owner, Schedule: a.Schedule, Settings: a.Settings,
		State: a.State, NextPoll: a.NextPoll, LastPoll: a.LastPoll, LastSuccess: a.LastSuccess,
		Attempts: a.Attempts, Error: a.Error, ErrorSince: a.ErrorSince,
	}}
}

func (d *definition) row() *store.DefinitionRow {
	return &store.DefinitionRow{Definition: kith.Definition{
		Account: kith.Account{Name: d.Name}, Text: d.Text, Secret: kith.Sealed{Key: d.Key, Box: d.Box}, Disabled: d.Disabled, UpdatedAt: d.UpdatedAt,
	}}
}

func (s *stream) row() *store.StreamRow {
	if s.Skipped == nil {
		s.Skipped = make(map[kith.Reason]int)
	}
	return &store.StreamRow{Account: s.Account, StreamStatus: kith.StreamStatus{
		Name: s.Name, Cursor: kith.Cursor(s.Cursor), LastSuccess: s.LastSuccess, Recorded: s.Recorded,
		Skipped: s.Skipped, Backfilled: s.Backfilled, Error: s.Error, LookedBack: s.LookedBack,
	}}
}

func (l *interactionLine) row() (*store.InteractionRow, error) {
	if len(l.Keys) == 0 {
		return nil, fmt.Errorf("interaction %s has no key", l.ID)
	}
	r := &store.InteractionRow{Interaction: kith.Interaction{
		ID: l.ID, Key: kith.Key(l.Keys[0]), Fingerprint: kith.Key(l.Fingerprint), Kind: l.Kind, Status: l.Status, Direction: l.Direction,
		Owner: l.Owner, Template: l.Template, OccurredAt: l.OccurredAt.Time(), Thread: l.Thread, MessageID: l.MessageID,
		Subject: l.Subject, Evidence: make([]kith.Evidence, len(l.Evidence)),
	}}
	for _, k := range l.Keys[1:] {
		r.Keys = append(r.Keys, kith.Key(k))
	}
	for i, e := range l.Evidence {
		r.Evidence[i] = kith.Evidence(e)
	}
	var err error
	r.MessageIDs, err = facts.Decode(l.Facts, &r.Interaction, func(id kith.ID) kith.ID { return id })
	return r, err
}

func hashes[A, B ~int64](in []A) []B {
	out := make([]B, len(in))
	for i, h := range in {
		out[i] = B(h)
	}
	return out
}
