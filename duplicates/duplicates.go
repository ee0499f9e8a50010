// Package duplicates finds contacts that may be the same person or company:
// certainly, when they share an address or a phone number, or likely, when their
// names and companies are alike.
//
// Which contacts are compared at all is told by keys, such as the sound of a
// name together with that of the company; contacts that have a key in common are candidates. All
// pairs are never looked at. A key that very many have says little, so its
// contacts are only compared with those next to them in the order of names; and an
// address that very many have pairs each of them with the oldest only.
package duplicates

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"kith"
)

// Most is how many contacts that share an address are all paired with each other.
const Most = 10

// Options say what is looked for.
type Options struct {
	// Likely is the least score of a likely pair. Above 1 none is looked for.
	Likely float64
	// Distinct are pairs of contacts that are known not to be one.
	Distinct [][2]kith.ID
}

// Pair is two contacts that may be one.
type Pair struct {
	A, B    Party // A has the lesser id, so it is the older one
	Certain bool
	Score   float64 // 0 to 1, and 1 if certain
	Why     string  // for people; it may hold an address
}

// Party is what a pair tells of a contact.
type Party struct {
	ID      kith.ID `json:"id"`
	Name    string  `json:"name"`
	Company string  `json:"company"`
}

// Crowd is an address that more than [Most] contacts have.
type Crowd struct {
	Address  string
	Contacts int
}

// Found is what was found. It is safe for concurrent use.
type Found struct {
	// Crowds are in the order of their addresses.
	Crowds []Crowd

	register
	pairs []pair
}

// register is the contacts, as far as they are compared.
type register struct {
	parties   []party
	companies []company
	addresses []address
}

type party struct {
	id      kith.ID
	name    string // as it is shown
	folded  string // see foldName
	company uint32 // index in companies; 0: none
	isFirm  bool   // it is a company itself
}

type company struct {
	name   string
	folded string
}

type address struct {
	text   string
	party  uint32
	isFirm bool
}

// pair is a pair before it is told: indexes of parties, the lesser id first.
type pair struct {
	a, b    uint32
	score   float32
	address uint32 // index in addresses, one more than that; 0: it is likely
}

// Find looks for duplicates among contacts. Contacts are compared with others of their type. It
// holds about 300 bytes of each in memory, and 16 of each pair.
func Find(ctx context.Context, contacts iter.Seq2[kith.Contact, error], o Options) (*Found, error) {
	f := &Found{}
	if err := f.read(contacts); err != nil {
		return nil, err
	}
	f.certain()
	if o.Likely <= 1 {
		if err := f.likely(ctx, float32(o.Likely)); err != nil {
			return nil, err
		}
	}
	f.settle(o.Distinct)
	return f, nil
}

// read takes in the contacts.
func (f *Found) read(contacts iter.Seq2[kith.Contact, error]) error {
	f.companies = []company{{}}
	known := map[string]uint32{"": 0}
	for c, err := range contacts {
		if err != nil {
			return err
		}
		at, ok := known[c.Company]
		if !ok {
			at = uint32(len(f.companies))
			known[c.Company] = at
			f.companies = append(f.companies, company{c.Company, foldCompany(c.Company)})
		}
		p := party{id: c.ID, name: c.Name, company: at, isFirm: c.Type == kith.Company}
		if p.name == "" {
			p.name = strings.TrimSpace(c.FirstName + " " + c.LastName)
		}
		if p.isFirm {
			p.folded = foldCompany(p.name)
		} else {
			p.folded = foldName(p.name)
		}
		n := uint32(len(f.parties))
		f.parties = append(f.parties, p)
		for _, list := range [][]string{c.Emails, c.Phones} {
			for _, text := range list {
				f.addresses = append(f.addresses, address{text, n, p.isFirm})
			}
		}
	}
	return nil
}

// certain pairs contacts that share an address.
func (f *Found) certain() {
	slices.SortFunc(f.addresses, func(a, b address) int {
		return cmp.Or(strings.Compare(a.text, b.text), compareBool(a.isFirm, b.isFirm), f.compare(a.party, b.party))
	})
	f.addresses = slices.Compact(f.addresses)
	for from := 0; from < len(f.addresses); {
		to := from + 1
		for to < len(f.addresses) && f.addresses[to].text == f.addresses[from].text && f.addresses[to].isFirm == f.addresses[from].isFirm {
			to++
		}
		first, sharers := f.addresses[from], f.addresses[from:to]
		if len(sharers) > Most {
			f.Crowds = append(f.Crowds, Crowd{first.text, len(sharers)})
		}
		for i, a := range sharers {
			if i > 0 && len(sharers) > Most {
				break
			}
			for _, b := range sharers[i+1:] {
				f.pairs = append(f.pairs, pair{a.party, b.party, 1, uint32(from) + 1})
			}
		}
		from = to
	}
}

// settle puts the pairs in their order, each once.
func (f *Found) settle(distinct [][2]kith.ID) {
	slices.SortFunc(f.pairs, func(p, q pair) int {
		return cmp.Or(cmp.Compare(p.a, q.a), cmp.Compare(p.b, q.b), -compareBool(p.address > 0, q.address > 0),
			-cmp.Compare(p.score, q.score), cmp.Compare(p.address, q.address))
	})
	f.pairs = slices.CompactFunc(f.pairs, func(p, q pair) bool { return p.a == q.a && p.b == q.b })
	if len(distinct) > 0 {
		known := make(map[[2]kith.ID]bool, len(distinct))
		for _, d := range distinct {
			known[d], known[[2]kith.ID{d[1], d[0]}] = true, true
		}
		f.pairs = slices.DeleteFunc(f.pairs, func(p pair) bool { return known[[2]kith.ID{f.parties[p.a].id, f.parties[p.b].id}] })
	}
	slices.SortFunc(f.pairs, func(p, q pair) int {
		return cmp.Or(-compareBool(p.address > 0, q.address > 0), -cmp.Compare(p.score, q.score), f.compare(p.a, q.a), f.compare(p.b, q.b))
	})
}

// compare orders contacts by id.
func (f *Found) compare(a, b uint32) int {
	return bytes.Compare(f.parties[a].id[:], f.parties[b].id[:])
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	}
	return -1
}

// Len returns how many pairs there are.
func (f *Found) Len() int { return len(f.pairs) }

// Pairs yields the pairs: those that are certain first, then by score, the
// highest first, then by the ids of A and B.
func (f *Found) Pairs() iter.Seq[Pair] {
	return func(yield func(Pair) bool) {
		for _, p := range f.pairs {
			told := Pair{A: f.party(p.a), B: f.party(p.b), Certain: p.address > 0, Score: math.Round(float64(p.score)*1000) / 1000, Why: f.why(p)}
			if !yield(told) {
				return
			}
		}
	}
}

func (f *Found) party(n uint32) Party {
	p := &f.parties[n]
	return Party{p.id, p.name, f.companies[p.company].name}
}

// why puts into words what speaks for a pair.
func (f *Found) why(p pair) string {
	if p.address > 0 {
		return "both have " + f.addresses[p.address-1].text
	}
	a, b := &f.parties[p.a], &f.parties[p.b]
	names := "names alike"
	if a.folded == b.folded {
		names = "same name"
	}
	if a.isFirm {
		return names
	}
	companies := "other company"
	switch alike := f.sameCompany(a, b); {
	case a.company == 0 || b.company == 0:
		companies = "company not known"
	case alike == 1:
		companies = "same company"
	case alike > 0:
		companies = "companies alike"
	}
	return fmt.Sprintf("%s, %s", names, companies)
}
