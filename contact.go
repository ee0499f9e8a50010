package kith

import "time"

// ContactType tells persons from companies.
type ContactType string

// The contact types.
const (
	Person  ContactType = "person"
	Company ContactType = "company"
)

// Contact is a person or company outside our organisation.
type Contact struct {
	ID         ID          `json:"id"`
	Type       ContactType `json:"type"`
	ExternalID string      `json:"external_id"` // of the system it came from
	Source     string      `json:"source"`      // csv, vcard, manual, or the name of an account

	Name      string `json:"name"`
	FirstName string `json:"first_name"`
	LastName  string `json:"last_name"`

	CompanyID *ID    `json:"company_id"`
	Company   string `json:"company"` // the company's name, when CompanyID is set

	Emails []string `json:"emails"` // canonical
	Phones []string `json:"phones"` // E.164 where it could be told

	Title       string            `json:"title"`
	Language    string            `json:"language"` // BCP 47
	Owner       string            `json:"owner"`
	Tags        []string          `json:"tags"`
	NeverRecord bool              `json:"never_record"`
	Archived    bool              `json:"archived"`
	Notes       map[string]string `json:"notes,omitempty"` // unknown columns, if asked for

	// MergedInto is the contact that this one was found to be, which stands for
	// both: its addresses, numbers and tags are theirs.
	MergedInto *ID `json:"merged_into"`

	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Match is what the register knows of an address: a contact that has it. That
// is never one that was merged into another. An address that was erased has one match,
// without a contact.
type Match struct {
	Erased      bool
	ContactID   ID
	CompanyID   *ID
	NeverRecord bool // it, or one that was merged into it
	Archived    bool // the same
	Via         []ID // see [Link]
}

// Sought is an address that has become a contact's, for look-back: mail from
// before that may be with the contact too. Numbers rise in the order of commits, by one
// for each address.
type Sought struct {
	N       int64
	Address string // a canonical e-mail address
}

// ContactChange says what an import did with one contact.
type ContactChange string

// The changes.
const (
	ContactCreated   ContactChange = "created"
	ContactUpdated   ContactChange = "updated"
	ContactUnchanged ContactChange = "unchanged"
)
