package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"kith"
	"kith/address"
	"kith/contactfile"
	"kith/store"
)

type contactsCmd struct {
	List   contactsListCmd   `cmd:"" default:"withargs" help:"List contacts by name."`
	Show   contactsShowCmd   `cmd:"" help:"Show a contact and its timeline."`
	Add    contactsAddCmd    `cmd:"" help:"Add a contact."`
	Edit   contactsEditCmd   `cmd:"" help:"Change a contact."`
	Rm     contactsRmCmd     `cmd:"" help:"Remove a contact; its interactions go to its company, if it has one."`
	Import contactsImportCmd `cmd:"" help:"Import contacts from CSV or vCard."`
	Export contactsExportCmd `cmd:"" help:"Export contacts as CSV or vCard."`

	Duplicates contactsDuplicatesCmd `cmd:"" help:"List contacts that may be one."`
	Merge      contactsMergeCmd      `cmd:"" help:"Make two contacts one."`
	Unmerge    contactsUnmergeCmd    `cmd:"" help:"Undo a merge."`
	Distinct   contactsDistinctCmd   `cmd:"" help:"Remember that two contacts are not one."`

	Suggestions contactsSuggestionsCmd `cmd:"" help:"List correspondents who may be worth a contact."`
	Accept      contactsAcceptCmd      `cmd:"" help:"Make contacts of suggestions."`
	Reject      contactsRejectCmd      `cmd:"" help:"Never suggest an address again."`
}

// oneContact returns the one contact that a word means.
func oneContact(ctx context.Context, s store.Store, word string) (kith.Contact, error) {
	if canonical, ok := address.Normalize(word); ok {
		word = canonical
	}
	found, err := s.FindContacts(ctx, word)
	switch {
	case err != nil:
		return kith.Contact{}, err
	case len(found) == 0:
		return kith.Contact{}, fmt.Errorf("contact %q: %w", word, kith.ErrNotFound)
	case len(found) > 1:
		var who []string
		for _, c := range found {
			who = append(who, fmt.Sprintf("%s (%s)", c.ID, c.Name))
		}
		return kith.Contact{}, usagef("%q means several contacts; name one by its id: %s", word, strings.Join(who, ", "))
	}
	return found[0], nil
}

type contactsListCmd struct {
	Text  string `arg:"" optional:"" help:"Part of a name, address, phone number or external id."`
	Type  string `help:"person or company." enum:",person,company" default:"" placeholder:"T"`
	Limit int    `help:"At most so many. A table shows 50 unless told, JSON all; 0 is all." placeholder:"N" default:"-1"`
}

func (cmd *contactsListCmd) Run(ctx context.Context, a *app) error {
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	filter := store.ContactFilter{Text: cmd.Text, Type: kith.ContactType(cmd.Type), Limit: max(cmd.Limit, 0)}
	if cmd.Limit < 0 && !a.json {
		filter.Limit = 50
	}
	t := table{header: []string{"NAME", "TYPE", "COMPANY", "E-MAIL", "PHONE", "ID"}, flex: []int{0, 2, 3, 4}, width: columns(a.stdout), bold: a.style.bold}
	for c, err := range s.Contacts(ctx, filter) {
		if err != nil {
			return err
		}
		if a.json {
			if err := printJSON(a.stdout, c); err != nil {
				return err
			}
			continue
		}
		t.add(c.Name, string(c.Type), c.Company, strings.Join(c.Emails, ", "), strings.Join(c.Phones, ", "), c.ID.String())
	}
	switch {
	case a.json:
		return nil
	case len(t.rows) == 0:
		fmt.Fprintln(a.stderr, "There is none. Contacts come by \"kith contacts import FILE\" or \"kith contacts add NAME\".")
		return nil
	}
	if err := t.write(a.stdout); err != nil {
		return err
	}
	if cmd.Limit < 0 && len(t.rows) == filter.Limit {
		fmt.Fprintf(a.stdout, "… the first %d; --limit 0 shows all\n", filter.Limit)
	}
	return nil
}

type contactsShowCmd struct {
	Contact string `arg:"" help:"Id, external id, address, phone number or name."`
}

func (cmd *contactsShowCmd) Run(ctx context.Context, a *app) error {
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	c, err := oneContact(ctx, s, cmd.Contact)
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(a.stdout, c)
	}
	if err := a.showContact(c); err != nil {
		return err
	}
	merged, err := s.MergedContacts(ctx, c.ID)
	if err != nil {
		return err
	}
	for _, m := range merged {
		fmt.Fprintf(a.stdout, "%s %s (%s)\n", a.style.dim(fmt.Sprintf("%-12s", "merged")), cmp.Or(m.Name, m.ExternalID), m.ID)
	}
	fmt.Fprintln(a.stdout)
	_, err = a.listInteractions(ctx, s, store.Filter{Contact: c.ID, Limit: 10})
	return err
}

func (a *app) showContact(c kith.Contact) error {
	fmt.Fprintln(a.stdout, a.style.bold(c.Name))
	for _, line := range [][2]string{
		{"type", string(c.Type)}, {"title", c.Title}, {"company", c.Company},
		{"e-mail", strings.Join(c.Emails, ", ")}, {"phone", strings.Join(c.Phones, ", ")},
		{"language", c.Language}, {"owner", c.Owner}, {"tags", strings.Join(c.Tags, ", ")},
		{"external id", c.ExternalID}, {"source", c.Source}, {"id", c.ID.String()},
	} {
		if line[1] != "" {
			fmt.Fprintf(a.stdout, "%s %s\n", a.style.dim(fmt.Sprintf("%-12s", line[0])), line[1])
		}
	}
	if c.NeverRecord {
		fmt.Fprintln(a.stdout, a.style.yellow("Nothing is recorded about this contact."))
	}
	return nil
}

// contactFields are the flags that describe a contact.
type contactFields struct {
	Type       string   `help:"person or company." enum:",person,company" default:"" placeholder:"T"`
	FirstName  string   `help:"First name." placeholder:"N"`
	LastName   string   `help:"Last name." placeholder:"N"`
	Company    string   `help:"Company, by name or external id; made if missing." placeholder:"C"`
	Email      []string `help:"E-mail address; may be given several times." placeholder:"A"`
	Phone      []string `help:"Phone number; may be given several times." placeholder:"P"`
	Title      string   `help:"Job title." placeholder:"T"`
	Language   string   `help:"Language, such as en or nl-BE." placeholder:"L"`
	Owner      string   `help:"Colleague who looks after the contact, by address." placeholder:"A"`
	Tag        []string `help:"Tag; may be given several times." placeholder:"T"`
	ExternalID string   `help:"Id in another system." placeholder:"ID"`
	Never      *bool    `help:"Never record anything about this contact." name:"never-record" negatable:""`
}

// fill puts the flags that were given into c.
func (f *contactFields) fill(c *kith.Contact, region string) error {
	set := func(field *string, value string) {
		if value != "" {
			*field = value
		}
	}
	if f.Type != "" {
		c.Type = kith.ContactType(f.Type)
	}
	set(&c.FirstName, f.FirstName)
	set(&c.LastName, f.LastName)
	set(&c.Title, f.Title)
	set(&c.Language, f.Language)
	set(&c.Owner, strings.ToLower(f.Owner))
	set(&c.ExternalID, f.ExternalID)
	if f.Company != "" {
		c.Company, c.CompanyID = f.Company, nil
	}
	if len(f.Email) > 0 {
		c.Emails = nil
		for _, written := range f.Email {
			canonical, ok := address.Normalize(written)
			if !ok {
				return usagef("--email %q is no e-mail address", written)
			}
			c.Emails = append(c.Emails, canonical)
		}
	}
	if len(f.Phone) > 0 {
		c.Phones = nil
		for _, written := range f.Phone {
			phone, ok := contactfile.Phone(written)
			if !ok {
				return usagef("--phone %q is no phone number", written)
			}
			c.Phones = append(c.Phones, contactfile.International(phone, region))
		}
	}
	if len(f.Tag) > 0 {
		c.Tags = f.Tag
	}
	if f.Never != nil {
		c.NeverRecord = *f.Never
	}
	return nil
}

type contactsAddCmd struct {
	Name string `arg:"" help:"Name of the person or company."`
	contactFields
}

func (*contactsAddCmd) Help() string {
	return `Examples:
  kith contacts add "Ann Doe" --email ann@client.test --company "Client Ltd"
  kith contacts add "Client Ltd" --type company --phone +3225551234

` + exitCodes
}

func (cmd *contactsAddCmd) Run(ctx context.Context, a *app) error {
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	if strings.TrimSpace(cmd.Name) == "" {
		return usagef("a contact needs a name")
	}
	c := kith.Contact{Type: kith.Person, Source: "manual", Name: cmd.Name}
	if err := cmd.fill(&c, a.cfg.Region); err != nil {
		return err
	}
	for _, word := range append(append([]string{}, c.Emails...), c.Phones...) {
		found, err := s.FindContacts(ctx, word)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			return fmt.Errorf("%s belongs to %s (%s) already; edit that contact, or give this one another: %w", word, found[0].Name, found[0].ID, kith.ErrConflict)
		}
	}
	contacts := []kith.Contact{c}
	if _, err := s.PutContacts(ctx, contacts, a.now(), false); err != nil {
		return err
	}
	return a.printContact(ctx, s, contacts[0].ID)
}

func (a *app) printContact(ctx context.Context, s store.Store, id kith.ID) error {
	c, err := s.Contact(ctx, id)
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(a.stdout, c)
	}
	return a.showContact(c)
}

type contactsEditCmd struct {
	Contact string `arg:"" help:"Id, external id, address, phone number or name."`
	Name    string `help:"New name." placeholder:"N"`
	contactFields
}

func (*contactsEditCmd) Help() string {
	return `Flags replace what is on file; --email and --phone replace all addresses and numbers.

Example:
  kith contacts edit ann@client.test --email ann@client.test --email ann.doe@home.test

` + exitCodes
}

func (cmd *contactsEditCmd) Run(ctx context.Context, a *app) error {
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	c, err := oneContact(ctx, s, cmd.Contact)
	if err != nil {
		return err
	}
	if cmd.Name != "" {
		c.Name = cmd.Name
	}
	before := c.NeverRecord
	if err := cmd.fill(&c, a.cfg.Region); err != nil {
		return err
	}
	if err := s.UpdateContact(ctx, c, a.now()); err != nil {
		return err
	}
	if c.NeverRecord && !before {
		if err := a.tellOnFile(ctx, s, []kith.ID{c.ID}); err != nil {
			return err
		}
	}
	return a.printContact(ctx, s, c.ID)
}

type contactsRmCmd struct {
	Contact string `arg:"" help:"Id, external id, address, phone number or name."`
}

func (cmd *contactsRmCmd) Run(ctx context.Context, a *app) error {
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	c, err := oneContact(ctx, s, cmd.Contact)
	if err != nil {
		return err
	}
	if err := s.RemoveContact(ctx, c.ID, a.now()); err != nil {
		return err
	}
	if !a.quiet {
		fmt.Fprintf(a.stderr, "%s is removed. What was recorded stays in the register.\n", c.Name)
	}
	return nil
}

type contactsExportCmd struct {
	File   string `arg:"" optional:"" help:"File to write; standard output if left out." default:"-"`
	Format string `help:"csv or vcard; else by the file's ending." enum:",csv,vcard" default:""`
}

func (cmd *contactsExportCmd) Run(ctx context.Context, a *app) (err error) {
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	format, err := contactFormat(cmd.Format, cmd.File, "csv")
	if err != nil {
		return err
	}
	out, err := a.exportTo(cmd.File)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	write := contactfile.WriteCSV
	if format == "vcard" {
		write = contactfile.WriteVCards
	}
	if err := write(out, s.Contacts(ctx, store.ContactFilter{})); err != nil {
		return fmt.Errorf("export to %s: %w", cmd.File, err)
	}
	return nil
}

// contactFormat decides between csv and vcard.
func contactFormat(format, file, otherwise string) (string, error) {
	if format != "" {
		return format, nil
	}
	switch strings.ToLower(filepath.Ext(file)) {
	case ".csv", ".tsv", ".txt":
		return "csv", nil
	case ".vcf", ".vcard":
		return "vcard", nil
	}
	if otherwise != "" && file == "-" {
		return otherwise, nil
	}
	return "", usagef("%s: can't tell the format from the ending; say --format csv or --format vcard", file)
}
