package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"kith"
	"kith/store"
)

type interactionsCmd struct {
	List   interactionsListCmd   `cmd:"" default:"withargs" help:"List interactions, the latest first."`
	Show   interactionsShowCmd   `cmd:"" help:"Show one interaction with everything known of it."`
	Export interactionsExportCmd `cmd:"" help:"Write interactions to a file, as CSV or JSON lines."`
}

// interactionFilter is the flags that choose interactions.
type interactionFilter struct {
	Contact   string `help:"With this contact: id, external id, address, phone number or name." placeholder:"C"`
	Company   string `help:"With this company or its people." placeholder:"C"`
	Kind      string `help:"email, meeting, phone, letter, document or other." placeholder:"K" enum:",email,meeting,phone,letter,document,other" default:""`
	Direction string `help:"inbound, outbound or none." placeholder:"D" enum:",inbound,outbound,none" default:""`
	Since     string `help:"Not before this date (2026-01-31), time (RFC 3339) or age (30d)." placeholder:"T"`
	Until     string `help:"Before this date, time or age." placeholder:"T"`
	Owner     string `help:"Of this colleague, by address." placeholder:"A"`
	Template  string `help:"Of this template, by code." placeholder:"CODE"`
	Status    string `help:"postponed, planned, recorded or cancelled." placeholder:"S" enum:",postponed,planned,recorded,cancelled" default:""`
	Text      string `help:"With all of these words in the subject." placeholder:"WORDS"`
	Limit     int    `help:"At most so many. A table shows 50 unless told, JSON and exports all." placeholder:"N" default:"-1"`
}

func (f *interactionFilter) resolve(ctx context.Context, a *app, s store.Store) (store.Filter, error) {
	filter := store.Filter{
		Kind: kith.Kind(f.Kind), Direction: kith.Direction(f.Direction), Status: kith.Status(f.Status),
		Owner: strings.ToLower(f.Owner), Template: f.Template, Text: f.Text, Limit: max(f.Limit, 0),
	}
	if f.Contact != "" && f.Company != "" {
		return filter, usagef("--contact and --company name the same thing: give one of them")
	}
	if word := f.Contact + f.Company; word != "" {
		contact, err := oneContact(ctx, s, word)
		if err != nil {
			return filter, err
		}
		filter.Contact = contact.ID
	}
	var err error
	if filter.Since, err = a.when("--since", f.Since); err != nil {
		return filter, err
	}
	filter.Until, err = a.when("--until", f.Until)
	return filter, err
}

type interactionsListCmd struct {
	interactionFilter
}

func (*interactionsListCmd) Help() string {
	return `Examples:
  kith interactions list --contact ann@client.test
  kith interactions list --company "Client Ltd" --since 90d --direction inbound
  kith --json interactions list --since 2026-01-01 | jq .subject

` + exitCodes
}

func (cmd *interactionsListCmd) Run(ctx context.Context, a *app) error {
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	filter, err := cmd.resolve(ctx, a, s)
	if err != nil {
		return err
	}
	if a.json {
		for interaction, err := range s.Interactions(ctx, filter) {
			if err != nil {
				return err
			}
			if err := printJSON(a.stdout, interaction); err != nil {
				return err
			}
		}
		return nil
	}
	if cmd.Limit < 0 {
		filter.Limit = 50
	}
	n, err := a.listInteractions(ctx, s, filter)
	if err != nil || cmd.Limit >= 0 || n < filter.Limit {
		return err
	}
	filter.Limit = 0
	total, err := s.CountInteractions(ctx, filter)
	if err != nil {
		return err
	}
	if total > n {
		fmt.Fprintf(a.stdout, "… %s of %s shown; --limit 0 shows all\n", thousands(n), thousands(total))
	}
	return nil
}

// listInteractions prints a table and returns how many rows it has.
func (a *app) listInteractions(ctx context.Context, s store.Store, filter store.Filter) (int, error) {
	t := table{header: []string{"WHEN", "WAY", "KIND", "CONTACT", "SUBJECT", "OWNER", "ID"}, flex: []int{3, 4, 5}, width: columns(a.stdout), bold: a.style.bold}
	for i, err := range s.Interactions(ctx, filter) {
		if err != nil {
			return 0, err
		}
		t.add(a.local(i.OccurredAt, i.DateOnly), arrow(i.Direction), kindWord(&i), contactNames(i.Links), subjectOr(i.Subject), i.Owner, i.ID.String())
	}
	if len(t.rows) == 0 {
		fmt.Fprintln(a.stderr, "There is none.")
		return 0, nil
	}
	return len(t.rows), t.write(a.stdout)
}

// kindWord names the kind of an interaction, with its status if it is no plain one.
func kindWord(i *kith.Interaction) string {
	if i.Status == kith.StatusRecorded || i.Status == "" {
		return string(i.Kind)
	}
	return fmt.Sprintf("%s, %s", i.Kind, i.Status)
}

// deref returns a text that may be missing, "" if it is.
func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func arrow(d kith.Direction) string {
	switch d {
	case kith.Inbound:
		return "in"
	case kith.Outbound:
		return "out"
	}
	return "-"
}

func subjectOr(subject string) string {
	if subject == "" {
		return "(no subject)"
	}
	return subject
}

func contactNames(links []kith.Link) string {
	names := make([]string, 0, len(links))
	for _, link := range links {
		names = append(names, link.ContactName)
	}
	if len(names) > 2 {
		return fmt.Sprintf("%s, %s +%d", names[0], names[1], len(names)-2)
	}
	return strings.Join(names, ", ")
}

type interactionsShowCmd struct {
	ID string `arg:"" help:"The id, as listed, or a Message-ID."`
}

func (cmd *interactionsShowCmd) Run(ctx context.Context, a *app) error {
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	i, err := findInteraction(ctx, s, cmd.ID)
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(a.stdout, i)
	}
	return a.showInteraction(i)
}

// findInteraction returns the interaction that a person means: by id, or by Message-ID.
func findInteraction(ctx context.Context, s store.Store, word string) (kith.Interaction, error) {
	if id, err := kith.ParseID(word); err == nil {
		i, err := s.Interaction(ctx, id)
		if err != nil {
			return i, fmt.Errorf("interaction %s: %w", word, err)
		}
		return i, nil
	}
	messageID := bracketed(word)
	for i, err := range s.Interactions(ctx, store.Filter{MessageID: messageID, Limit: 1}) {
		return i, err
	}
	return kith.Interaction{}, fmt.Errorf("interaction %s: %w", word, kith.ErrNotFound)
}

// bracketed gives a Message-ID its angle brackets if they were left out.
func bracketed(id string) string {
	id = strings.TrimSpace(id)
	if !strings.HasPrefix(id, "<") {
		id = "<" + id + ">"
	}
	return id
}

func (a *app) showInteraction(i kith.Interaction) error {
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(a.stdout, "%s %s\n", a.style.dim(fmt.Sprintf("%-12s", name)), value)
		}
	}
	fmt.Fprintln(a.stdout, a.style.bold(subjectOr(i.Subject)))
	when := a.local(i.OccurredAt, i.DateOnly)
	switch {
	case i.EndedAt != nil && i.DateOnly:
		when += " until before " + a.local(*i.EndedAt, true)
	case i.EndedAt != nil:
		when += " to " + a.local(*i.EndedAt, false)
	}
	line("when", when)
	kind := fmt.Sprintf("%s, %s (known by: %s), begun by %s", i.Kind, i.Direction, i.DirectionRule, i.InitiatedBy)
	if i.Direction == kith.NoDirection {
		kind = fmt.Sprintf("%s, begun by %s", i.Kind, i.InitiatedBy)
	}
	line("kind", kind)
	line("status", string(i.Status))
	line("owner", i.Owner)
	line("template", strings.TrimSpace(i.Template+" "+parenthesised(i.Group)))
	for _, p := range i.Participants {
		text := strings.TrimSpace(p.Name + " <" + p.Address + ">")
		if p.Response != nil {
			text += ", " + strings.ReplaceAll(*p.Response, "_", " ")
		}
		line(string(p.Role), text)
	}
	for _, l := range i.Links {
		text := fmt.Sprintf("%s, as %s, by %s %s", l.ContactName, l.Role, l.Rule, l.Matched)
		if l.Ambiguous {
			text += " (others have it too)"
		}
		line("contact", text)
	}
	for _, at := range i.Attachments {
		line("attachment", fmt.Sprintf("%s (%s, %s bytes)", at.Name, at.MediaType, thousands(int(at.Size))))
	}
	if i.DeliveryStatus == kith.DeliveryBounced {
		line("bounced", i.DeliveryReason)
	}
	line("flags", strings.Join(i.Flags, ", "))
	line("text", i.Snippet)
	if i.MessageID != nil {
		line("message-id", *i.MessageID)
	}
	if i.ICalUID != nil {
		line("event", strings.TrimSpace(*i.ICalUID+" "+parenthesised(deref(i.RecurrenceID))))
	}
	line("thread", i.Thread)
	for _, e := range i.Evidence {
		text := fmt.Sprintf("%s/%s/%s, first seen %s", e.Account, e.Stream, e.Ref, a.local(e.SeenAt, false))
		if e.Gone {
			text += ", no longer there"
		}
		line("seen in", text)
	}
	for _, n := range i.Notes {
		line("note", fmt.Sprintf("%s, %s: %s", n.Author, a.local(n.At, false), n.Text))
	}
	line("id", i.ID.String())
	return nil
}

func parenthesised(s string) string {
	if s == "" {
		return ""
	}
	return "(" + s + ")"
}

type interactionsExportCmd struct {
	interactionFilter
	File   string `arg:"" optional:"" help:"File to write; standard output if left out." default:"-"`
	Format string `help:"csv or jsonl; else by the file's ending." enum:",csv,jsonl" default:""`
}

func (*interactionsExportCmd) Help() string {
	return `Examples:
  kith interactions export 2026.csv --since 2026-01-01 --until 2027-01-01
  kith interactions export --format jsonl --contact ann@client.test

` + exitCodes
}

func (cmd *interactionsExportCmd) Run(ctx context.Context, a *app) (err error) {
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	filter, err := cmd.resolve(ctx, a, s)
	if err != nil {
		return err
	}
	format := cmd.Format
	if format == "" {
		switch strings.ToLower(filepath.Ext(cmd.File)) {
		case ".csv":
			format = "csv"
		case ".jsonl", ".json", ".ndjson", "":
			format = "jsonl"
		default:
			return usagef("%s: can't tell the format from the ending; say --format csv or --format jsonl", cmd.File)
		}
	}
	out, err := a.exportTo(cmd.File)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	write, flush := jsonLines(out)
	if format == "csv" {
		write, flush = csvRows(out)
	}
	n := 0
	for i, err := range s.Interactions(ctx, filter) {
		if err != nil {
			return err
		}
		if err := write(i); err != nil {
			return fmt.Errorf("export to %s: %w", cmd.File, err)
		}
		n++
	}
	if err := flush(); err != nil {
		return fmt.Errorf("export to %s: %w", cmd.File, err)
	}
	if cmd.File != "-" && !a.quiet {
		fmt.Fprintf(a.stderr, "%s interactions written to %s\n", thousands(n), cmd.File)
	}
	return nil
}

func jsonLines(w io.Writer) (write func(kith.Interaction) error, flush func() error) {
	return func(i kith.Interaction) error { return printJSON(w, i) }, func() error { return nil }
}

func csvRows(w io.Writer) (write func(kith.Interaction) error, flush func() error) {
	out := csv.NewWriter(w)
	headed := false
	write = func(i kith.Interaction) error {
		if !headed {
			headed = true
			if err := out.Write(csvHeader); err != nil {
				return err
			}
		}
		return out.Write(csvRow(i))
	}
	flush = func() error {
		if !headed {
			if err := out.Write(csvHeader); err != nil {
				return err
			}
		}
		out.Flush()
		return out.Error()
	}
	return write, flush
}

var csvHeader = []string{
	"id", "kind", "status", "direction", "occurred_at", "subject", "owner", "template", "group",
	"from", "to", "cc", "contacts", "contact_ids", "thread", "message_id", "attachments", "delivery_status", "flags",
}

func csvRow(i kith.Interaction) []string {
	people := func(role kith.ParticipantRole) string {
		var all []string
		for _, p := range i.Participants {
			if p.Role == role {
				all = append(all, p.Address)
			}
		}
		return strings.Join(all, "; ")
	}
	var names, ids, files []string
	for _, l := range i.Links {
		names = append(names, l.ContactName)
		ids = append(ids, l.ContactID.String())
	}
	for _, at := range i.Attachments {
		files = append(files, at.Name)
	}
	messageID := ""
	if i.MessageID != nil {
		messageID = *i.MessageID
	}
	row := []string{
		i.ID.String(), string(i.Kind), string(i.Status), string(i.Direction), i.OccurredAt.Format(time.RFC3339), i.Subject, i.Owner, i.Template, i.Group,
		people(kith.RoleFrom), people(kith.RoleTo), people(kith.RoleCc), strings.Join(names, "; "), strings.Join(ids, "; "),
		i.Thread, messageID, strings.Join(files, "; "), string(i.DeliveryStatus), strings.Join(i.Flags, "; "),
	}
	for n, cell := range row {
		row[n] = harmless(cell)
	}
	return row
}

// harmless keeps a spreadsheet from taking what a stranger wrote for a formula.
func harmless(cell string) string {
	if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
		return "'" + cell
	}
	return cell
}
