package contacts

import (
	"encoding/json"
	"fmt"
	"slices"

	"kith"
)

// Facts is what a tie remembers of its card.
type Facts struct {
	Says said `json:"says,omitzero"` // the card
	// Gave is what the contact has of this card: all of it where the contact is the card's
	// own, else what it did not have before. Company is the id.
	Gave said `json:"gave,omitzero"`
}

// said is what a card can say of a contact.
type said struct {
	Name        string   `json:"name,omitempty"`
	FirstName   string   `json:"first,omitempty"`
	LastName    string   `json:"last,omitempty"`
	Company     string   `json:"company,omitempty"`
	Title       string   `json:"title,omitempty"`
	Language    string   `json:"language,omitempty"`
	Owner       string   `json:"owner,omitempty"`
	Emails      []string `json:"emails,omitempty"`
	Phones      []string `json:"phones,omitempty"`
	Tags        []string `json:"tags,omitempty"`
	NeverRecord bool     `json:"never_record,omitempty"`
}

func saidBy(c *kith.Contact) said {
	s := said{
		Name: c.Name, FirstName: c.FirstName, LastName: c.LastName, Company: c.Company, Title: c.Title, Language: c.Language,
		Owner: c.Owner, Emails: c.Emails, Phones: c.Phones, Tags: c.Tags, NeverRecord: c.NeverRecord,
	}
	if c.Type == kith.Company {
		s.Company = "" // the name of its card's organisation is its own
	}
	return s
}

// Encode writes facts as [kith.CardTie] holds them.
func (f *Facts) Encode() (string, error) {
	text, err := json.Marshal(f)
	if err != nil {
		return "", fmt.Errorf("encode the facts of a card: %w", err)
	}
	return string(text), nil
}

// DecodeFacts is the inverse of Encode.
func DecodeFacts(text []byte) (f Facts, err error) {
	if err := json.Unmarshal(text, &f); err != nil {
		return f, fmt.Errorf("decode the facts of a card: %w", err)
	}
	return f, nil
}

// texts are the fields that a card sets, beside the company and the owner.
func (s *said) texts() []*string {
	return []*string{&s.Name, &s.FirstName, &s.LastName, &s.Title, &s.Language}
}

func texts(c *kith.Contact) []*string {
	return []*string{&c.Name, &c.FirstName, &c.LastName, &c.Title, &c.Language}
}

// follow makes a contact say what its card says now. before are the facts as they
// were, others what its other cards say; own, that the contact is the card's own. The company
// is not looked at.
func follow(c *kith.Contact, before Facts, says said, others []said, own bool) (gave said) {
	given := gave.texts()
	for i, have := range texts(c) {
		want, gaveBefore := *says.texts()[i], *before.Gave.texts()[i]
		if own && want == "" {
			want = firstOf(others, i)
		}
		switch {
		case own && want != "", *have == gaveBefore: // which is "" where the card has given nothing
			*have, *given[i] = want, want
		}
	}
	gave.Owner = before.Gave.Owner
	if says.Owner != before.Says.Owner && says.Owner != "" && (own || c.Owner == "") {
		c.Owner, gave.Owner = says.Owner, says.Owner
	}
	if says.NeverRecord {
		c.NeverRecord = true
	}
	gave.Emails = followList(&c.Emails, before.Gave.Emails, says.Emails, own, true, func(v string) bool {
		return slices.ContainsFunc(others, func(o said) bool { return slices.Contains(o.Emails, v) })
	})
	gave.Phones = followList(&c.Phones, before.Gave.Phones, says.Phones, own, true, func(v string) bool {
		return slices.ContainsFunc(others, func(o said) bool { return slices.Contains(o.Phones, v) })
	})
	gave.Tags = followList(&c.Tags, before.Gave.Tags, says.Tags, own, false, func(v string) bool {
		return slices.ContainsFunc(others, func(o said) bool { return slices.Contains(o.Tags, v) })
	})
	return gave
}

// firstOf is what the first of others says, if any does.
func firstOf(others []said, text int) string {
	for i := range others {
		if s := *others[i].texts()[text]; s != "" {
			return s
		}
	}
	return ""
}

// followList does that for one list. again says that what people have removed by hand
// comes back.
func followList(have *[]string, gaveBefore, says []string, own, again bool, elsewhere func(string) bool) (gave []string) {
	list := slices.DeleteFunc(slices.Clone(*have), func(v string) bool {
		return slices.Contains(gaveBefore, v) && !slices.Contains(says, v) && !elsewhere(v)
	})
	for _, v := range says {
		known, given := slices.Contains(list, v), slices.Contains(gaveBefore, v)
		if !known && (again || !given) {
			list = append(list, v)
		}
		if (own || !known || given) && !slices.Contains(gave, v) {
			gave = append(gave, v)
		}
	}
	*have = list
	return gave
}

// EraseFromFacts takes addresses out of encoded facts.
func EraseFromFacts(text string, addresses []string) (string, error) {
	f, err := DecodeFacts([]byte(text))
	if err != nil {
		return "", err
	}
	for _, s := range []*said{&f.Says, &f.Gave} {
		s.Emails, s.Phones = without(s.Emails, addresses), without(s.Phones, addresses)
	}
	return f.Encode()
}
