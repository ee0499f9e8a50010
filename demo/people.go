package demo

import (
	"encoding/csv"
	"fmt"
	"strings"

	"kith"
	"kith/address"
)

// company is a correspondent organisation with its people.
type company struct {
	name     string
	domain   string // as people write it, so perhaps not ASCII
	lang     *language
	supplier bool   // they sell to us
	office   string // local part of an address of the company itself, "" for none
	phone    string
	people   []*person
}

// person is somebody who writes.
type person struct {
	company     *company
	first, last string
	local       string // of the address at the company's domain
	title       string
	second      string // another full address, "" for none
	never       bool   // must not be recorded
}

// mailbox is a mailbox as it is written into a header (RFC 5322 §3.4).
type mailbox struct {
	name, addr string
}

var (
	alicePerson = person{first: "Alice", last: "Jones", company: &ownCompany}
	bobPerson   = person{first: "Bob", last: "Marsh", company: &ownCompany}
	carolPerson = person{first: "Carol", last: "Petrie", company: &ownCompany}
	ownCompany  = company{name: "Fennel & Finch", domain: Domain, lang: english}

	alice      = mailbox{"Alice Jones", Owner}
	aliceAlias = mailbox{"Alice Jones", Alias}
	sales      = mailbox{"Fennel & Finch Sales", Team}
	bob        = mailbox{"Bob Marsh", "bob@" + Domain}
	carol      = mailbox{"Carol Petrie", "carol@" + Domain}
)

func (p *person) name() string {
	if p.company != nil && p.company.lang == japanese {
		return p.last + " " + p.first // family name first
	}
	return p.first + " " + p.last
}

// address is the person's first address in the form that goes over the wire.
func (p *person) address() mailbox {
	return mailbox{p.name(), p.local + "@" + wireDomain(p.company.domain)}
}

// other is the person's second address, or the first where there is none.
func (p *person) other() mailbox {
	if p.second == "" {
		return p.address()
	}
	return mailbox{p.name(), p.second}
}

// wireDomain is a domain in the form of RFC 5891 §4.4 that every mail system carries.
func wireDomain(domain string) string {
	canonical, ok := address.Normalize("x@" + domain)
	if !ok {
		panic("demo: " + domain + " is no domain")
	}
	return address.Domain(canonical)
}

// Contacts returns the contacts of the sample organisation: companies first,
// then their people. Their IDs are zero, as those of contacts not yet imported.
func Contacts() []kith.Contact {
	var companies, people []kith.Contact
	for i, c := range correspondents {
		if c.name != "" {
			contact := kith.Contact{
				Type: kith.Company, ExternalID: fmt.Sprintf("C%03d", i+1), Source: "csv",
				Name: c.name, Language: c.lang.tag, Owner: Owner, Tags: []string{c.tag()},
			}
			if c.office != "" {
				contact.Emails = []string{canonical(c.office + "@" + c.domain)}
			}
			if c.phone != "" {
				contact.Phones = []string{c.phone}
			}
			companies = append(companies, contact)
		}
		for _, p := range c.people {
			contact := kith.Contact{
				Type: kith.Person, ExternalID: fmt.Sprintf("P%03d", len(people)+1), Source: "csv",
				Name: p.name(), FirstName: p.first, LastName: p.last, Company: c.name,
				Emails: []string{canonical(p.local + "@" + c.domain)},
				Title:  p.title, Language: c.lang.tag, Owner: Owner, Tags: []string{c.tag()},
				NeverRecord: p.never,
			}
			if p.second != "" {
				contact.Emails = append(contact.Emails, canonical(p.second))
			}
			people = append(people, contact)
		}
	}
	return append(companies, people...)
}

func (c *company) tag() string {
	switch {
	case c.supplier:
		return "supplier"
	case c.name == "":
		return "private"
	}
	return "customer"
}

func canonical(addr string) string {
	c, ok := address.Normalize(addr)
	if !ok {
		panic("demo: " + addr + " is no address")
	}
	return c
}

// ContactsCSV returns the same contacts as `kith contacts import` reads them.
func ContactsCSV() string {
	var b strings.Builder
	w := csv.NewWriter(&b)
	rows := [][]string{{"external_id", "type", "name", "first_name", "last_name", "company",
		"email", "phone", "title", "language", "owner", "tags", "never_record"}}
	for _, c := range Contacts() {
		never := ""
		if c.NeverRecord {
			never = "true"
		}
		rows = append(rows, []string{c.ExternalID, string(c.Type), c.Name, c.FirstName, c.LastName, c.Company,
			strings.Join(c.Emails, ";"), strings.Join(c.Phones, ";"), c.Title, c.Language, c.Owner,
			strings.Join(c.Tags, ";"), never})
	}
	_ = w.WriteAll(rows) // a strings.Builder takes everything
	return b.String()
}
