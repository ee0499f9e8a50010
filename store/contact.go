package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"kith"
)

// MergeContact adds to the contact on file what an input tells, in the way of
// [Contacts] PutContacts, and reports whether that changed it.
// Identity, company and times are not looked at.
func MergeContact(known *kith.Contact, in *kith.Contact) (changed bool) {
	text := func(have *string, given string) {
		if given != "" && given != *have {
			*have = given
			changed = true
		}
	}
	text(&known.ExternalID, in.ExternalID)
	if in.ExternalID != "" {
		text(&known.Source, in.Source) // the external id is that system's
	}
	text(&known.Name, in.Name)
	text(&known.FirstName, in.FirstName)
	text(&known.LastName, in.LastName)
	text(&known.Title, in.Title)
	text(&known.Language, in.Language)
	text(&known.Owner, in.Owner)

	unite := func(have *[]string, given []string) {
		for _, s := range given {
			if !slices.Contains(*have, s) {
				*have = append(*have, s)
				changed = true
			}
		}
	}
	unite(&known.Emails, in.Emails)
	unite(&known.Phones, in.Phones)
	unite(&known.Tags, in.Tags)

	for _, name := range slices.Sorted(maps.Keys(in.Notes)) {
		if have, ok := known.Notes[name]; in.Notes[name] != "" && (!ok || have != in.Notes[name]) {
			if known.Notes == nil {
				known.Notes = make(map[string]string)
			}
			known.Notes[name] = in.Notes[name]
			changed = true
		}
	}
	if in.NeverRecord && !known.NeverRecord {
		known.NeverRecord, changed = true, true
	}
	if in.Archived && !known.Archived {
		known.Archived, changed = true, true
	}
	return changed
}

// CheckContact tells why a contact can't be stored.
func CheckContact(c *kith.Contact) error {
	switch {
	case c.Type != kith.Person && c.Type != kith.Company:
		return fmt.Errorf("contact type %q: want person or company", c.Type)
	case c.Type == kith.Company && (c.CompanyID != nil || c.Company != ""):
		return errors.New("a company can't have a company")
	case c.Type == kith.Company && c.Name == "":
		return errors.New("a company needs a name")
	case c.Name == "" && c.ExternalID == "" && len(c.Emails) == 0 && len(c.Phones) == 0:
		return errors.New("a contact needs a name, an external id, an e-mail address or a phone number")
	}
	return nil
}

// Addresses returns what a contact is found by: its e-mail addresses, then its
// phone numbers.
func Addresses(c *kith.Contact) []string {
	return slices.Concat(c.Emails, c.Phones)
}

// Fold is the form in which names are compared and sorted: without regard to case.
func Fold(name string) string { return strings.ToLower(name) }
