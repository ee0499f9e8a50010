package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"kith"
	"kith/contactfile"
	"kith/privacy"
)

type exportCmd struct {
	Contact string `required:"" help:"The person: id, external id, address, phone number or name." placeholder:"C"`
	Folder  string `arg:"" optional:"" help:"Folder to write contacts.csv, interactions.csv and everything.json to; it is made if missing. Left out: the JSON goes to standard output."`
}

func (*exportCmd) Help() string {
	return `Gives a person everything that is held about them: the contact, and every interaction that they
take part in, are linked to or are named in by address.

Examples:
  kith export --contact ann@client.test ann/
  kith export --contact "Ann Doe" | jq '.interactions[].subject'

` + exitCodes
}

func (cmd *exportCmd) Run(ctx context.Context, a *app) error {
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer s.Close()
	person, err := findPerson(ctx, s, cmd.Contact)
	if err != nil {
		return err
	}
	counter := a.counterTo("interactions read")
	defer counter.end()
	watch := func() { counter.add(0) }
	if cmd.Folder == "" {
		_, err := everything(ctx, a.stdout, s, &person, watch, func(kith.Interaction) error { return nil })
		return err
	}
	if err := os.MkdirAll(cmd.Folder, 0o700); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	n, err := cmd.write(ctx, s, &person, watch)
	if err != nil {
		return fmt.Errorf("export to %s: %w", cmd.Folder, err)
	}
	if !a.quiet {
		fmt.Fprintf(a.stderr, "%s: contacts %s, interactions %s.\n", cmd.Folder, thousands(len(person.Contacts)), thousands(n))
	}
	return nil
}

// write writes the files of a folder, all or none.
func (cmd *exportCmd) write(ctx context.Context, s register, person *privacy.Person, watch func()) (n int, err error) {
	var files []*outFile
	defer func() {
		for _, f := range files {
			err = errors.Join(err, f.end(err))
		}
	}()
	for _, name := range []string{"contacts.csv", "interactions.csv", "everything.json"} {
		f, err := newOutFile(filepath.Join(cmd.Folder, name))
		if err != nil {
			return 0, err
		}
		files = append(files, f)
	}
	contacts := func(yield func(kith.Contact, error) bool) {
		for _, c := range person.Contacts {
			if !yield(c, nil) {
				return
			}
		}
	}
	if err := contactfile.WriteCSV(files[0], contacts); err != nil {
		return 0, err
	}
	row, flush := csvRows(files[1])
	if n, err = everything(ctx, files[2], s, person, watch, row); err != nil {
		return n, err
	}
	return n, flush()
}

// everything writes the one JSON document, and hands on each interaction in it.
func everything(ctx context.Context, w io.Writer, s register, person *privacy.Person, watch func(), each func(kith.Interaction) error) (n int, err error) {
	head, err := json.Marshal(struct {
		Contacts  []kith.Contact `json:"contacts"`
		Addresses []string       `json:"addresses"`
	}{append([]kith.Contact{}, person.Contacts...), append([]string{}, person.Addresses...)})
	if err != nil {
		return 0, err
	}
	before := string(head[:len(head)-1]) + `,"interactions":[` + "\n"
	for i, err := range person.About(ctx, s, watch) {
		if err != nil {
			return n, err
		}
		if _, err := io.WriteString(w, before); err != nil {
			return n, err
		}
		if err := errors.Join(printJSON(w, i), each(i)); err != nil {
			return n, err
		}
		before = ","
		n++
	}
	if n > 0 {
		before = ""
	}
	_, err = io.WriteString(w, before+"]}\n")
	return n, err
}
