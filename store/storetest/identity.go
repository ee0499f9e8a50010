package storetest

import (
	"testing"
	"time"

	"kith"
	"kith/store"
)

var identityTests = []test{
	{"C04 Record/what speaks for an address is counted once for each interaction", func(t *testing.T, f *fixture) {
		sent := sighting("alice@old.test", kith.SightedSent)
		f.record(t, "Sent", sights(seen("1", mail("1")), sent), sights(seen("2", mail("2", at(t0.Add(time.Hour)))), sent, sighting("me@club.test", kith.SightedDelivered)))
		f.record(t, "Sent", sights(seen("1", mail("1")), sent)) // read again
		f.record(t, "All", sights(seen("1", mail("1")), sent))  // a copy that tells nothing new
		more := mail("1", func(i *kith.Interaction) { i.Direction, i.DirectionRule = kith.Outbound, kith.DirectionBySent })
		f.recording(t, "Sent", kith.Recording{Account: "bob", Captured: []kith.Captured{sights(seen("1", more), kith.Sighting{Address: "alice@old.test", Rule: kith.SightedSent, Owner: "bob@example.test"})}})
		f.identities(t,
			kith.Identity{Address: "alice@old.test", Owner: "alice@example.test", State: kith.IdentityProposed, Seen: kith.SightingCounts{Sent: 3}, LastSeen: t0.Add(time.Hour)},
			kith.Identity{Address: "me@club.test", Owner: "alice@example.test", State: kith.IdentityProposed, Seen: kith.SightingCounts{Delivered: 1}, LastSeen: t0.Add(time.Hour)})
	}},
	{"Record/what is erased speaks for nothing", func(t *testing.T, f *fixture) {
		f.record(t, "Sent", seen("1", mail("1")))
		if _, err := f.DeleteInteractions(t.Context(), []kith.ID{f.byKey(t, "1").ID}, t0); err != nil {
			t.Fatal(err)
		}
		f.record(t, "Sent", sights(seen("1", mail("1")), sighting("alice@old.test", kith.SightedSent)))
		f.identities(t)
	}},
	{"Record/as many as there may be", func(t *testing.T, f *fixture) {
		one := seen("1", mail("1"))
		for n := range store.MostProposed + 1 {
			one = sights(one, sighting(numbered("%05d@catch.test", n), kith.SightedDelivered))
		}
		f.record(t, "INBOX", one)
		f.record(t, "INBOX", sights(seen("2", mail("2")), sighting("00001@catch.test", kith.SightedDelivered), sighting("more@catch.test", kith.SightedDelivered)))
		all, err := f.Identities(t.Context())
		if err != nil || len(all) != store.MostProposed || all[1].Seen.Delivered != 2 {
			t.Errorf("%d identities, %v", len(all), err)
		}
	}},
	{"DecideIdentity/accepted, rejected, and said by somebody", func(t *testing.T, f *fixture) {
		f.record(t, "Sent", sights(seen("1", mail("1")), sighting("a@old.test", kith.SightedSent), sighting("b@old.test", kith.SightedSent)))
		decided := func(address string, state kith.IdentityState, owner string, want kith.Identity) {
			t.Helper()
			before, err := f.ContactsVersion(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			got, err := f.DecideIdentity(t.Context(), address, state, owner, t0)
			if err != nil {
				t.Fatal(err)
			}
			equal(t, address, got, want)
			if after, err := f.ContactsVersion(t.Context()); err != nil || after <= before {
				t.Errorf("contacts version %d after %d, %v", after, before, err)
			}
		}
		a := kith.Identity{Address: "a@old.test", Owner: "alice@example.test", State: kith.IdentityAccepted, Seen: kith.SightingCounts{Sent: 1}, LastSeen: t0, Decided: t0}
		b := kith.Identity{Address: "b@old.test", Owner: "alice@example.test", State: kith.IdentityRejected, Decided: t0}
		c := kith.Identity{Address: "c@old.test", Owner: "carol@example.test", State: kith.IdentityAccepted, Decided: t0}
		decided("a@old.test", kith.IdentityAccepted, "", a)
		decided("b@old.test", kith.IdentityRejected, "", b)
		decided("c@old.test", kith.IdentityAccepted, "carol@example.test", c)
		f.record(t, "Sent", sights(seen("2", mail("2")), sighting("a@old.test", kith.SightedSent), sighting("b@old.test", kith.SightedSent)))
		f.identities(t, a, b, c) // nothing is counted for them any more
		a.Owner = "bob@example.test"
		decided("a@old.test", kith.IdentityAccepted, "bob@example.test", a)
		a.State, a.Seen, a.LastSeen = kith.IdentityRejected, kith.SightingCounts{}, time.Time{}
		decided("a@old.test", kith.IdentityRejected, "", a)
	}},
	{"Record/what speaks for the same addresses at once is all counted", func(t *testing.T, f *fixture) {
		const writers, rounds = 6, 5
		atOnce(writers, func(w int) {
			cursor := kith.Cursor("")
			for round := range rounds {
				c := seen(numbered("%d", round), mail(numbered("%d", w*rounds+round)))
				for n := range 10 {
					c = sights(c, sighting(numbered("a%d@old.test", (n*(w+1))%10), kith.SightedSent))
				}
				_, err := f.Record(t.Context(), kith.Recording{Account: "alice", Stream: numbered("%d", w), Base: cursor, Next: cursor + "x", At: t0, Captured: []kith.Captured{c}})
				if err != nil {
					t.Error(err)
				}
				cursor += "x"
			}
		})
		all, err := f.Identities(t.Context())
		sum := 0
		for _, i := range all {
			sum += i.Seen.Sent
		}
		if err != nil || sum != writers*rounds*10 {
			t.Errorf("%d are counted, want %d; %v", sum, writers*rounds*10, err)
		}
	}},
	{"B07 MatchDomains/the company of a domain", func(t *testing.T, f *fixture) {
		client := f.contact(t, kith.Contact{Type: kith.Company, Name: "Client Ltd", Emails: []string{"info@client.test"}})
		acme := f.contact(t, kith.Contact{Type: kith.Company, Name: "Acme", NeverRecord: true, Archived: true})
		f.contact(t, kith.Contact{Name: "Ann", CompanyID: &client, Emails: []string{"ann@client.test", "ann@shared.test", "ann@sub.client.test"}, Phones: []string{"+3225551234"}})
		f.contact(t, kith.Contact{Name: "Bo", CompanyID: &acme, Emails: []string{"bo@acme.test", "bo@shared.test", "bo@client.test", `"at @ home"@quoted.test`}})
		f.contact(t, kith.Contact{Name: "Cy", Emails: []string{"cy@acme.test", "cy@nobody.test"}})
		f.contact(t, kith.Contact{Type: kith.Company, Name: "One", Emails: []string{"info@two.test"}})
		f.contact(t, kith.Contact{Type: kith.Company, Name: "Two", Emails: []string{"sales@two.test"}})
		got, err := f.MatchDomains(t.Context(), []string{
			"client.test", "acme.test", "shared.test", "nobody.test", "two.test", "sub.client.test", "test", "lient.test", "", "+3225551234", "client.test", "dirty\x00.test",
		})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "companies", got, map[string]kith.Match{
			"client.test":     {ContactID: client}, // its own address counts for more than where its people write from
			"acme.test":       {ContactID: acme, NeverRecord: true, Archived: true},
			"sub.client.test": {ContactID: client},
		})
		none, err := f.MatchDomains(t.Context(), nil)
		if err != nil || len(none) != 0 {
			t.Errorf("no domains: %v, %v", none, err)
		}
	}},
}

func sighting(address string, rule kith.SightingRule) kith.Sighting {
	return kith.Sighting{Address: address, Rule: rule, Owner: "alice@example.test"}
}

// sights is a captured interaction that speaks for addresses being ours.
func sights(c kith.Captured, sightings ...kith.Sighting) kith.Captured {
	c.Sightings = append(c.Sightings, sightings...)
	return c
}

// identities checks which there are.
func (f *fixture) identities(t *testing.T, want ...kith.Identity) {
	t.Helper()
	all, err := f.Identities(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "identities", all, want)
}
