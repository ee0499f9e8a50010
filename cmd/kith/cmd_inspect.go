package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"kith"
	"kith/contactfile"
	"kith/message"
)

type inspectCmd struct {
	Files []string `arg:"" help:"Files of mail (.eml), calendars (.ics) or contacts (.vcf)."`
	From  string   `help:"Of calendars: what takes place from here on; a date, a time or an age such as 30d (default: all)." placeholder:"WHEN"`
	To    string   `help:"Of calendars: and before here (default: two years from now)." placeholder:"WHEN"`
}

func (*inspectCmd) Help() string {
	return `It needs no configuration and no register. Exit code 3 when there is nothing to read in a file.

Examples:
  kith inspect letter.eml
  kith --json inspect *.eml | jq .message.date
  kith inspect team.ics --from 2026-01-01 --to 2026-02-01

` + exitCodes
}

// inspectedMessage is the shape of a message in kith inspect --json.
type inspectedMessage struct {
	MessageID   string            `json:"message_id"`
	InReplyTo   []string          `json:"in_reply_to"`
	References  []string          `json:"references"`
	Date        *time.Time        `json:"date"`
	DateSource  kith.DateSource   `json:"date_source"`
	Subject     string            `json:"subject"`
	From        []kith.Address    `json:"from"`
	Sender      *kith.Address     `json:"sender"`
	ReplyTo     []kith.Address    `json:"reply_to"`
	To          []kith.Address    `json:"to"`
	Cc          []kith.Address    `json:"cc"`
	Bcc         []kith.Address    `json:"bcc"`
	Bulk        bool              `json:"bulk"`
	AutoReply   bool              `json:"auto_reply"`
	Bounce      *kith.Bounce      `json:"bounce"`
	Receipt     bool              `json:"receipt"`
	Invitation  *string           `json:"invitation"`
	Sensitivity *string           `json:"sensitivity"`
	Attachments []kith.Attachment `json:"attachments"`
}

// inspected is what kith inspect --json prints for a file.
type inspected struct {
	File     string                          `json:"file"`
	Message  *inspectedMessage               `json:"message,omitempty"`
	Contacts *[]contactfile.InspectedContact `json:"contacts,omitempty"`
	Warnings []string                        `json:"warnings"`

	Occurrences *[]inspectedOccurrence `json:"occurrences,omitempty"`
}

func (cmd *inspectCmd) Run(a *app) error {
	bad := false
	from, err := a.moment("--from", cmd.From)
	if err != nil {
		return err
	}
	to, err := a.moment("--to", cmd.To)
	if err != nil {
		return err
	}
	if cmd.From == "" {
		from = time.Date(1583, 1, 1, 0, 0, 0, 0, time.UTC) // the first whole year of our calendar
	}
	if cmd.To == "" {
		to = a.now().AddDate(2, 0, 0)
	}
	for _, name := range cmd.Files {
		found, empty, err := inspectFile(name, from, to)
		if err != nil {
			return err
		}
		bad = bad || empty
		if a.json {
			err = printJSON(a.stdout, found)
		} else {
			a.printInspected(found)
		}
		if err != nil {
			return err
		}
	}
	if bad {
		return errPartly
	}
	return nil
}

// inspectFile reads one file. empty tells that there was nothing in it to read.
func inspectFile(name string, from, to time.Time) (found inspected, empty bool, err error) {
	f, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return found, false, fmt.Errorf("%s: %w", name, kith.ErrNotFound)
	}
	if err != nil {
		return found, false, err
	}
	defer f.Close()
	found = inspected{File: name, Warnings: []string{}}
	switch ext := strings.ToLower(filepath.Ext(name)); ext {
	case ".vcf", ".vcard":
		seen := contactfile.InspectVCF(f)
		found.Contacts, found.Warnings = &seen.Contacts, seen.Warnings
		empty = len(seen.Contacts) == 0
	case ".ics", ".ical":
		occurrences, warnings, err := inspectCalendar(f, from, to, time.Local)
		if err != nil {
			return found, false, fmt.Errorf("%s: %w", name, err)
		}
		found.Occurrences, found.Warnings = &occurrences, warnings
		empty = len(occurrences) == 0
	default:
		m, err := message.Read(f)
		if err != nil {
			found.Warnings = append(found.Warnings, err.Error())
			return found, true, nil
		}
		found.Message = inspectMessage(m)
		found.Warnings = append(found.Warnings, m.Warnings...)
	}
	if empty {
		nothing := "there is nothing in it to read"
		if found.Occurrences != nil {
			nothing = fmt.Sprintf("nothing in it takes place from %s to %s", from.Format(time.DateOnly), to.Format(time.DateOnly))
		}
		found.Warnings = append(found.Warnings, nothing)
	}
	return found, empty, nil
}

// list makes nil an empty list, for JSON.
func list[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func inspectMessage(m *kith.Message) *inspectedMessage {
	return &inspectedMessage{
		MessageID: m.MessageID, InReplyTo: list(m.InReplyTo), References: list(m.References),
		Date: timeOrNil(m.Date), DateSource: m.DateSource, Subject: m.Subject,
		From: list(m.From), Sender: m.Sender, ReplyTo: list(m.ReplyTo), To: list(m.To), Cc: list(m.Cc), Bcc: list(m.Bcc),
		Bulk: m.Bulk, AutoReply: m.AutoReply, Bounce: m.Bounce, Receipt: m.Receipt,
		Invitation: textOrNil(m.Invitation), Sensitivity: textOrNil(m.Sensitivity), Attachments: list(m.Attachments),
	}
}

func (a *app) printInspected(found inspected) {
	fmt.Fprintln(a.stdout, a.style.bold(found.File))
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(a.stdout, "  %s %s\n", a.style.dim(fmt.Sprintf("%-12s", name)), value)
		}
	}
	if m := found.Message; m != nil {
		line("subject", subjectOr(m.Subject))
		if m.Date != nil {
			line("date", m.Date.Format(time.RFC1123Z))
		}
		for _, field := range []struct {
			name string
			list []kith.Address
		}{{"from", m.From}, {"reply-to", m.ReplyTo}, {"to", m.To}, {"cc", m.Cc}, {"bcc", m.Bcc}} {
			line(field.name, addresses(field.list))
		}
		if m.Sender != nil {
			line("sender", addresses([]kith.Address{*m.Sender}))
		}
		line("message-id", m.MessageID)
		line("answers", strings.Join(m.InReplyTo, " "))
		line("signals", strings.Join(signals(m), ", "))
		for _, at := range m.Attachments {
			line("attachment", fmt.Sprintf("%s (%s, %s bytes)", at.Name, at.MediaType, thousands(int(at.Size))))
		}
	}
	if found.Contacts != nil {
		for _, c := range *found.Contacts {
			line(string(c.Kind), strings.TrimSpace(fmt.Sprintf("%s  %s  %s  %s", c.Name, c.Company, strings.Join(c.Emails, ", "), strings.Join(c.Phones, ", "))))
		}
	}
	if found.Occurrences != nil && len(*found.Occurrences) > 0 {
		a.printOccurrences(*found.Occurrences)
	}
	for _, warning := range found.Warnings {
		line("warning", a.style.yellow(warning))
	}
}

func addresses(list []kith.Address) string {
	var all []string
	for _, one := range list {
		all = append(all, strings.TrimSpace(one.Name+" <"+one.Address+">"))
	}
	return strings.Join(all, ", ")
}

// signals names what a message is beside a letter.
func signals(m *inspectedMessage) []string {
	var all []string
	for name, on := range map[string]bool{"bulk": m.Bulk, "auto-reply": m.AutoReply, "receipt": m.Receipt, "bounce": m.Bounce != nil} {
		if on {
			all = append(all, name)
		}
	}
	if m.Invitation != nil {
		all = append(all, "invitation "+*m.Invitation)
	}
	if m.Sensitivity != nil {
		all = append(all, *m.Sensitivity)
	}
	return all
}
