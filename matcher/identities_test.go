package matcher_test

import (
	"testing"

	"kith"
	"kith/matcher"
)

func TestIdentitiesWith(t *testing.T) {
	base := matcher.NewIdentities([]matcher.Account{{Owner: "alice@us.test", Addresses: []string{"team@us.test"}}}, nil)
	bob := matcher.Account{Owner: "bob@us.test", Addresses: []string{"Bob@US.test", "team@us.test", "b@other.test", "no address"}}
	carol := matcher.Account{Addresses: []string{"carol@us.test"}}
	if base.Covers(bob) || base.Covers(carol) || !base.Covers(matcher.Account{Owner: "Alice@us.test"}) {
		t.Error("before: what is covered is wrong")
	}
	with := base.With(bob)
	if !with.Covers(bob) || with.Covers(carol) {
		t.Error("with Bob: what is covered is wrong")
	}
	if both := with.With(carol); !both.Covers(bob) || !both.Covers(carol) || !both.Covers(matcher.Account{Owner: "alice@us.test"}) {
		t.Error("with Carol too: what is covered is wrong")
	}
	if base.Covers(bob) || with.Covers(carol) {
		t.Error("identities changed that were made before")
	}
	// An owner who is no address, and nobody at all, need nothing.
	if !base.Covers(matcher.Account{Owner: "The Team", Addresses: []string{"team@us.test"}}) || !(matcher.Identities{}).Covers(matcher.Account{}) {
		t.Error("what can't be an address is missed")
	}
}

// Who we are may change while the daemon runs.
func TestSetIdentities(t *testing.T) {
	us := matcher.NewIdentities([]matcher.Account{{Owner: "alice@us.test"}}, nil)
	m := matcher.New(contacts(), us, matcher.Policy{})
	item := letter("team@us.test", "ann@client.test")
	direction := func() kith.Direction {
		t.Helper()
		outcomes, err := m.Match(t.Context(), matcher.Account{Name: "team", Owner: "alice@us.test"}, []kith.Item{item})
		if err != nil || outcomes[0].Interaction == nil {
			t.Fatalf("%+v, %v", outcomes, err)
		}
		return outcomes[0].Interaction.Direction
	}
	if got := direction(); got != kith.Inbound {
		t.Fatalf("before: %s", got)
	}
	m.SetIdentities(us.With(matcher.Account{Owner: "alice@us.test", Addresses: []string{"team@us.test"}}))
	if got := direction(); got != kith.Outbound {
		t.Errorf("from an address that is ours by now: %s", got)
	}
	m.SetIdentities(us)
	if got := direction(); got != kith.Inbound {
		t.Errorf("from an address that is ours no more: %s", got)
	}
}
