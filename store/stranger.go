package store

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"iter"
	"time"

	"kith"
)

// Strangers is people who are no contacts, as far as policy lets the register know of them.
type Strangers interface {
	// CreateContacts makes persons of correspondents whom nobody has, who are not
	// forgotten, from whom no mass mail came and whose address is no function's: of those that
	// this mail went out to, or, if creation.Exchanged, of those with whom mail went
	// both ways by now. What is to be remembered for that are digests of
	// addresses with their [kith.Ways]: all of them if creation.Exchanged, else those that mass mail
	// came from. At most creation.Room contacts are made; that others
	// were left out is noted with the account.
	CreateContacts(ctx context.Context, creation kith.Creation) (kith.Created, error)
	// Suggestions yields who was suggested by [Recorder] Record, by address.
	Suggestions(ctx context.Context) iter.Seq2[kith.Suggestion, error]
	// RejectSuggestion forgets an address: it is never suggested again, nor made a contact
	// of by capture, until it is a contact's.
	RejectSuggestion(ctx context.Context, address string, at time.Time) error
	// ForgetStrangers takes out suggestions, or the digests of correspondents, or both, and
	// returns how many there were.
	ForgetStrangers(ctx context.Context, suggestions, correspondents bool) (int, error)
}

// AddressDigest is what is kept of an address that must not be known itself. Who has the salt can
// find out whether a given address is meant.
func AddressDigest(salt []byte, address string) (digest [16]byte) {
	mac := hmac.New(sha256.New, salt)
	mac.Write([]byte(address))
	copy(digest[:], mac.Sum(nil))
	return digest
}

// Eligible returns those of a creation's correspondents of whom contacts may be made, each once, with the ways that
// are known by now; and the ways to be remembered, by address. known are the ways
// remembered so far.
func Eligible(creation kith.Creation, known map[string]kith.Ways) (eligible []kith.Correspondent, remember map[string]kith.Ways) {
	now, remember := make(map[string]kith.Ways), make(map[string]kith.Ways)
	best := make(map[string]kith.Correspondent)
	var order []string
	for _, c := range creation.Correspondents {
		if _, ok := best[c.Address]; !ok {
			order = append(order, c.Address)
			best[c.Address] = c
		}
		if b := best[c.Address]; len(c.Name) > len(b.Name) {
			b.Name = c.Name
			best[c.Address] = b
		}
		now[c.Address] |= c.Ways
	}
	for _, a := range order {
		ways := now[a] | known[a]
		keep := ways & kith.WayMass
		wanted := now[a]&kith.WayOut != 0
		if creation.Exchanged {
			keep, wanted = ways, ways&(kith.WayIn|kith.WayOut) == kith.WayIn|kith.WayOut
		}
		if keep != 0 && keep != known[a] {
			remember[a] = keep
		}
		if wanted && ways&kith.WayMass == 0 && !best[a].Role {
			eligible = append(eligible, best[a])
		}
	}
	return eligible, remember
}

// ContactOf is the contact that is made of a correspondent.
func ContactOf(c kith.Correspondent) kith.Contact {
	name := c.Name
	if name == "" {
		name = c.Address
	}
	return kith.Contact{Type: kith.Person, Source: "capture", Name: name, Emails: []string{c.Address}}
}

// Suggested adds up what was suggested, by address.
func Suggested(seen []kith.Correspondent) map[string]*kith.Suggestion {
	all := make(map[string]*kith.Suggestion)
	for _, c := range seen {
		s := all[c.Address]
		if s == nil {
			s = &kith.Suggestion{Address: c.Address, FirstSeen: c.At, LastSeen: c.At}
			all[c.Address] = s
		}
		if len(c.Name) > len(s.Name) {
			s.Name = c.Name
		}
		if c.Ways&kith.WayIn != 0 {
			s.Inbound++
		}
		if c.Ways&kith.WayOut != 0 {
			s.Outbound++
		}
		if c.At.Before(s.FirstSeen) {
			s.FirstSeen = c.At
		}
		if c.At.After(s.LastSeen) {
			s.LastSeen = c.At
		}
	}
	return all
}
