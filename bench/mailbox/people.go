package main

import (
	"fmt"
	"iter"
	"strings"

	"kith"
)

// Owner and colleagues: "us".
const (
	owner      = "alice@example.test"
	ownerAlias = "a.jones@example.test"
	ownDomain  = "example.test"
)

const (
	correspondents = 20_000
	companies      = 4_000
)

// correspondent is somebody who writes to the owner or is written to.
type correspondent struct {
	number      int
	tongue      *tongue
	first, last string
	address     string
	second      string // a second address, of some
	company     int
	isContact   bool
}

func (c correspondent) name() string { return c.first + " " + c.last }

// person makes the n-th correspondent, the same for the same seed.
func (m *mailbox) person(n int) correspondent {
	d := m.dice(person, n)
	c := correspondent{number: n, tongue: &tongues[d.weighted(tongueWeights)]}
	c.first = c.tongue.firstNames[d.n(len(c.tongue.firstNames))]
	c.last = c.tongue.lastNames[d.n(len(c.tongue.lastNames))]
	c.company = d.n(companies)
	c.isContact = d.n(10) < 6
	local := strings.ToLower(ascii(c.first) + "." + ascii(c.last))
	c.address = fmt.Sprintf("%s.%d@%s", local, n, companyDomain(c.company))
	if d.n(10) == 0 {
		c.second = fmt.Sprintf("%s%d@freemail.test", local, n)
	}
	return c
}

func companyDomain(n int) string {
	if n%50 == 0 {
		return fmt.Sprintf("xn--mnchen-3ya.client%04d.test", n)
	}
	return fmt.Sprintf("client%04d.test", n)
}

// contacts yields the correspondents who are in the register, about 60 of 100.
func (m *mailbox) contacts() iter.Seq2[kith.Contact, error] {
	return func(yield func(kith.Contact, error) bool) {
		for n := range correspondents {
			c := m.person(n)
			if !c.isContact {
				continue
			}
			contact := kith.Contact{
				Type: kith.Person, ExternalID: fmt.Sprintf("C%05d", n), Name: c.name(), FirstName: c.first, LastName: c.last,
				Company: fmt.Sprintf("Client %04d", c.company), Emails: []string{c.address},
				Phones: []string{fmt.Sprintf("+322555%04d%d", n/10, n%10)}, Language: c.tongue.code,
			}
			if c.second != "" {
				contact.Emails = append(contact.Emails, c.second)
			}
			if !yield(contact, nil) {
				return
			}
		}
	}
}

// ascii spells a name as people do in addresses.
func ascii(name string) string {
	var b strings.Builder
	for _, r := range name {
		switch {
		case r < 0x80 && r != ' ' && r != '\'':
			b.WriteRune(r)
		case r < 0x80:
		default:
			b.WriteString(spelled[r])
		}
	}
	if b.Len() == 0 {
		return "x"
	}
	return b.String()
}

var spelled = map[rune]string{
	'ä': "ae", 'ö': "oe", 'ü': "ue", 'ß': "ss", 'Ö': "Oe", 'é': "e", 'è': "e", 'ë': "e", 'ç': "c", 'ï': "i",
	'ñ': "n", 'í': "i", 'á': "a", 'ó': "o", 'ł': "l", 'Ł': "L", 'ś': "s", 'ń': "n", 'ż': "z", 'ą': "a", 'ę': "e",
}
