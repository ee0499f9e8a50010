package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"kith"
	"kith/config"
	"kith/seal"
	"kith/store"
)

// accountImport puts accounts into the register, some hundred at a time. An account that
// can't be taken does not keep the others out.
type accountImport struct {
	app    *app
	store  register
	ring   seal.Ring
	dryRun bool

	// What is there already. Of a million accounts the digests are kept, not the texts.
	known     map[string]knownAccount // of the register, by name
	names     map[string]takenBy      // in lower case
	mailboxes map[digest]takenBy

	batch  []importRow
	taken  int // rows so far
	result accountImportResult
}

// importBatch is how many accounts one transaction takes.
const importBatch = 500

type digest [16]byte

func digestOf(parts ...string) (d digest) {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d %s", len(part), part)
	}
	copy(d[:], h.Sum(nil))
	return d
}

// knownAccount is what an import has to know of an account of the register.
type knownAccount struct {
	content  digest // of its text and password; zero when the password can't be opened
	mailbox  digest
	disabled bool
}

// takenBy is the account that has a name or reads a mailbox.
type takenBy struct {
	name string
	line int  // of the file that is imported; 0 if it was there before
	file bool // it is in the configuration file
}

func (t takenBy) String() string {
	switch {
	case t.file:
		return fmt.Sprintf("the account %q of the configuration file", t.name)
	case t.line > 0:
		return fmt.Sprintf("the account %q in line %d", t.name, t.line)
	}
	return fmt.Sprintf("the account %q", t.name)
}

type importRow struct {
	line       int
	created    bool
	definition kith.Definition
}

// newAccountImport opens the register for an import. The caller closes it.
func (a *app) newAccountImport(ctx context.Context) (*accountImport, error) {
	if _, err := a.config(); err != nil {
		return nil, err
	}
	ring, err := a.sealingRing(ctx)
	if err != nil {
		return nil, err
	}
	s, err := a.openStore(ctx)
	if err != nil {
		return nil, err
	}
	return &accountImport{
		app: a, store: s, ring: ring,
		known: map[string]knownAccount{}, names: map[string]takenBy{}, mailboxes: map[digest]takenBy{},
		result: accountImportResult{Rows: []rejectedRow{}},
	}, nil
}

// load reads what is there already.
func (im *accountImport) load(ctx context.Context) error {
	for _, account := range im.app.cfg.Accounts {
		by := takenBy{name: account.Name, file: true}
		im.names[strings.ToLower(account.Name)] = by
		if mailbox := account.Mailbox(); mailbox != "" {
			im.mailboxes[digestOf(mailbox)] = by
		}
	}
	for d, err := range im.store.Definitions(ctx) {
		if err != nil {
			return err
		}
		by := takenBy{name: d.Name}
		known := knownAccount{disabled: d.Disabled}
		password := ""
		if len(d.Secret.Box) > 0 {
			password, err = im.ring.Open(d.Secret.Key, d.Secret.Box, d.Name)
		}
		if err == nil {
			known.content = digestOf(d.Text, password)
		}
		if outline, err := config.Outline(d.Text); err == nil && outline.Mailbox() != "" {
			known.mailbox = digestOf(outline.Mailbox())
			im.mailboxes[known.mailbox] = by
		}
		im.known[d.Name] = known
		im.names[strings.ToLower(d.Name)] = by
	}
	return nil
}

// take makes an account of the values of a row and puts it into the batch. The error tells
// what is wrong with it, and holds nothing of the password.
func (im *accountImport) take(line int, values map[string]string, password string) error {
	var secret config.SecretFunc
	if password != "" {
		secret = func(context.Context) (config.Secret, error) { return config.NewSecret(password), nil }
	}
	account, err := im.app.cfg.MakeAccount(values, secret, im.app.configEnv())
	if err != nil {
		return errors.New(brief(err))
	}
	name := strings.ToLower(account.Name)
	if by, taken := im.names[name]; taken && (by.file || by.line > 0 || by.name != account.Name) {
		return fmt.Errorf("%s has this name: names must differ, in more than upper and lower case", by)
	}
	var mailbox digest
	if m := account.Mailbox(); m != "" {
		mailbox = digestOf(m)
		if by, taken := im.mailboxes[mailbox]; taken && by.name != account.Name {
			return fmt.Errorf("%s reads the same mailbox", by)
		}
	}
	known, exists := im.known[account.Name]
	by := takenBy{name: account.Name, line: line}
	if exists {
		delete(im.mailboxes, known.mailbox)
	}
	im.names[name] = by
	if mailbox != (digest{}) {
		im.mailboxes[mailbox] = by
	}
	im.taken++
	if exists && known.content == digestOf(account.Text(), password) {
		im.result.Unchanged++
		return nil
	}
	var sealed kith.Sealed
	if password != "" {
		if sealed.Key, sealed.Box, err = im.ring.Seal(password, account.Name); err != nil {
			return err
		}
	}
	d := definition(account, sealed, im.app.firstPoll(im.taken-1, account.Schedule))
	d.Disabled = known.disabled
	im.batch = append(im.batch, importRow{line, !exists, d})
	return nil
}

func (im *accountImport) reject(line int, reason string) {
	im.result.Rejected++
	im.result.Rows = append(im.result.Rows, rejectedRow{line, reason})
}

// flush writes the batch. Rows that the register refuses are rejected.
func (im *accountImport) flush(ctx context.Context) error {
	defer func() { im.batch = im.batch[:0] }()
	for len(im.batch) > 0 && !im.dryRun {
		definitions := make([]kith.Definition, len(im.batch))
		for i, row := range im.batch {
			definitions[i] = row.definition
		}
		err := im.store.PutDefinitions(ctx, definitions, im.app.now())
		if err == nil {
			break
		}
		var bad *store.RowError
		if !errors.As(err, &bad) || !errors.Is(err, kith.ErrConflict) {
			return err
		}
		im.reject(im.batch[bad.Row].line, bad.Err.Error())
		im.batch = append(im.batch[:bad.Row], im.batch[bad.Row+1:]...)
	}
	for _, row := range im.batch {
		if row.created {
			im.result.Created++
		} else {
			im.result.Updated++
		}
	}
	return nil
}
