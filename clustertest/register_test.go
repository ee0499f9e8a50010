package clustertest_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"kith"
)

// contents is a register without what differs by nature between two that were
// made of the same mail: ids, and when something was seen.
type contents struct {
	Interactions []kith.Interaction
	Streams      []streamCounts
}

type streamCounts struct {
	Account, Stream       string
	Recorded, Quarantined int
	Skipped               map[string]int
	Backfill              float64
	Error                 *string
}

// read exports the register of a configuration in canonical form.
func read(t *testing.T, program, config string) contents {
	t.Helper()
	names := map[kith.ID]string{}
	for _, contact := range lines[kith.Contact](t, kithOutput(t, program, config, "contacts", "list")) {
		names[contact.ID] = contact.Name
	}
	c := contents{Interactions: lines[kith.Interaction](t, kithOutput(t, program, config, "interactions", "list")), Streams: streams(t, program, config)}
	threads := map[string]string{} // a thread is called by its first message
	for _, i := range c.Interactions {
		if first, ok := threads[i.Thread]; !ok || place(i) < first {
			threads[i.Thread] = place(i)
		}
	}
	for n := range c.Interactions {
		i := &c.Interactions[n]
		i.ID, i.Thread = kith.ID{}, threads[i.Thread]
		for l := range i.Links {
			link := &i.Links[l]
			if names[link.ContactID] != link.ContactName {
				t.Errorf("a link names %q, the contact is %q", link.ContactName, names[link.ContactID])
			}
			link.ContactID = kith.ID{}
			if link.CompanyID != nil {
				link.ContactName += " of " + names[*link.CompanyID]
				link.CompanyID = nil
			}
		}
		slices.SortFunc(i.Links, func(a, b kith.Link) int { return cmp.Compare(a.ContactName, b.ContactName) })
		for e := range i.Evidence {
			i.Evidence[e].SeenAt = i.OccurredAt
		}
		slices.SortFunc(i.Evidence, func(a, b kith.Evidence) int {
			return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Stream, b.Stream), cmp.Compare(a.Ref, b.Ref))
		})
	}
	slices.SortFunc(c.Interactions, func(a, b kith.Interaction) int { return cmp.Compare(place(a), place(b)) })
	return c
}

// place names an interaction by its first evidence: a place shows one interaction.
func place(i kith.Interaction) string {
	var places []string
	for _, e := range i.Evidence {
		places = append(places, fmt.Sprintf("%s/%s/%020s", e.Account, e.Stream, e.Ref))
	}
	return slices.Min(append(places, "~"))
}

func streams(t *testing.T, program, config string) []streamCounts {
	t.Helper()
	var status struct {
		Accounts []struct {
			Name    string
			State   kith.AccountState
			Streams []struct {
				Name string
				streamCounts
			}
		}
	}
	if err := json.Unmarshal(kithOutput(t, program, config, "status"), &status); err != nil {
		t.Fatal(err)
	}
	var all []streamCounts
	for _, account := range status.Accounts {
		if account.State != kith.StateOK {
			t.Errorf("account %s is %s", account.Name, account.State)
		}
		for _, stream := range account.Streams {
			counts := stream.streamCounts
			counts.Account, counts.Stream = account.Name, stream.Name
			all = append(all, counts)
		}
	}
	return all
}

// sameRegister fails the test if two registers differ in any row.
func sameRegister(t *testing.T, got, want contents) {
	t.Helper()
	if len(got.Interactions) != len(want.Interactions) {
		t.Errorf("%d interactions, one undisturbed daemon records %d", len(got.Interactions), len(want.Interactions))
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("the register differs from that of one undisturbed daemon (-undisturbed +this):\n%s", diff[:min(len(diff), 6000)])
	}
	kinds := map[string]int{}
	for _, i := range got.Interactions {
		kinds[string(i.Direction)]++
		if len(i.Evidence) > 1 {
			kinds["seen more than once"]++
		}
		if i.DeliveryStatus == kith.DeliveryBounced {
			kinds["bounced"]++
		}
		if i.Thread != place(i) {
			kinds["in another's thread"]++
		}
	}
	t.Logf("%d interactions, the same as of one undisturbed daemon: %v", len(got.Interactions), kinds)
	for _, kind := range []string{"inbound", "outbound", "seen more than once", "bounced", "in another's thread"} {
		if kinds[kind] == 0 {
			t.Errorf("no interaction is %s: the mail proves too little", kind)
		}
	}
}

func kithOutput(t *testing.T, program, config string, args ...string) []byte {
	t.Helper()
	return run(t, program, config, append([]string{"--json"}, args...)...)
}

// lines reads JSON objects, one a line.
func lines[T any](t *testing.T, text []byte) []T {
	t.Helper()
	var all []T
	dec := json.NewDecoder(bytes.NewReader(text))
	for {
		var one T
		err := dec.Decode(&one)
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("%v in %s", err, strings.TrimSpace(string(text[:min(len(text), 200)])))
		}
		all = append(all, one)
	}
}
