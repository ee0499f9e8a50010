package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"kith"
	"kith/address"
	"kith/config"
	"kith/discover"
	"kith/sync/imapsource"
)

type initCmd struct {
	Address      string `help:"E-mail address of the mailbox." placeholder:"A"`
	URL          string `help:"Server, if it is known: imaps://host, imap+starttls://host." placeholder:"URL"`
	Username     string `help:"Login name; default: what the server's records say, else the address." placeholder:"U"`
	PasswordFile string `help:"File that holds the password. Without it, it is asked for and written beside the configuration." placeholder:"FILE"`
	CAFile       string `help:"PEM file with an extra certificate authority." placeholder:"FILE"`
	Name         string `help:"Name of the account." placeholder:"N"`
	Output       string `help:"Configuration to write." default:"kith.toml" placeholder:"FILE" short:"o"`
	Since        string `help:"How far back the first capture goes." default:"365d" placeholder:"T"`
	Force        bool   `help:"Write over a configuration that is there."`
}

func (*initCmd) Help() string {
	return `On a terminal it asks for what no flag says.

Examples:
  kith init
  kith init --address alice@example.test --password-file ./alice.password
  kith init --address alice@example.test --url imaps://mail.example.test --password-file ./p -o /etc/kith/kith.toml

` + exitCodes
}

// loginTime bounds one try to log in somewhere.
const loginTime = 20 * time.Second

func (cmd *initCmd) Run(ctx context.Context, a *app) error {
	if _, err := os.Stat(cmd.Output); err == nil && !cmd.Force {
		return fmt.Errorf("%s is there already; name another with --output, or say --force: %w", cmd.Output, kith.ErrConflict)
	}
	if err := cmd.check(a); err != nil {
		return err
	}
	in := a.asker()
	mailbox, err := cmd.askAddress(in)
	if err != nil {
		return err
	}
	password, err := in.password("Password (or app password)", cmd.PasswordFile)
	if err != nil {
		return err
	}
	found, err := cmd.find(ctx, a, in, mailbox, password)
	if err != nil {
		return err
	}
	return cmd.write(a, a.stdout, mailbox, password, found)
}

// check finds what is wrong with the flags before anybody is asked for a password: by
// the configuration that they would make.
func (cmd *initCmd) check(a *app) (err error) {
	if info, err := os.Stat(filepath.Dir(cmd.Output)); err != nil || !info.IsDir() {
		return usagef("--output: there is no folder %s", filepath.Dir(cmd.Output))
	}
	dir, err := os.MkdirTemp("", "kith-init-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	trial := *cmd
	trial.Output, trial.PasswordFile, trial.Force = filepath.Join(dir, "kith.toml"), "", false
	found := discover.Candidate{URL: cmd.URL, Username: "nobody@example.test"}
	if found.URL == "" {
		found.URL = "imaps://localhost"
	}
	return trial.write(a, io.Discard, "nobody@example.test", "secret", found)
}

func (cmd *initCmd) askAddress(in *asker) (string, error) {
	written := cmd.Address
	if written == "" {
		var err error
		if written, err = in.ask("E-mail address of the mailbox"); err != nil {
			return "", err
		}
	}
	mailbox, ok := address.Normalize(written)
	if !ok {
		return "", usagef("%q is no e-mail address", written)
	}
	return mailbox, nil
}

// find tries candidates until one lets us in.
func (cmd *initCmd) find(ctx context.Context, a *app, in *asker, mailbox, password string) (discover.Candidate, error) {
	candidates, err := cmd.candidates(ctx, a, mailbox)
	if err != nil {
		return discover.Candidate{}, err
	}
	tried := 0
	for candidate := range candidates {
		if cmd.Username != "" {
			candidate.Username = cmd.Username
		}
		if candidate.Unverified && !in.confirm(fmt.Sprintf("%s was named by records that anybody on the way could change. Give it the password?", candidate.URL)) {
			fmt.Fprintf(a.stderr, "  %s (%s) … passed over; use it with --url\n", candidate.URL, candidate.Source)
			continue
		}
		tried++
		fmt.Fprintf(a.stderr, "  %s (%s) … ", candidate.URL, candidate.Source)
		report, err := cmd.try(ctx, candidate, password)
		if err == nil {
			fmt.Fprintf(a.stderr, "%s, %d folders\n", a.style.green("logged in"), report.Folders)
			return candidate, nil
		}
		fmt.Fprintf(a.stderr, "%v\n", err)
		if ctx.Err() != nil {
			return candidate, context.Canceled
		}
		if kind, _ := kith.FaultOf(err); kind == kith.FaultAuth {
			// The server is the right one, most likely. Trying the same
			// password elsewhere would tell it to more people and lock the account.
			return candidate, fmt.Errorf("%s refused the login of %s; check the password (some providers want an app password) or say --username", candidate.URL, candidate.Username)
		}
	}
	if cmd.URL != "" {
		return discover.Candidate{}, fmt.Errorf("%s did not let us in", cmd.URL)
	}
	return discover.Candidate{}, fmt.Errorf("none of the servers that were tried (%d) let us in; name the right one with --url imaps://HOST", tried)
}

// candidates are the servers to try, best first.
func (cmd *initCmd) candidates(ctx context.Context, a *app, mailbox string) (iter.Seq[discover.Candidate], error) {
	if cmd.URL != "" {
		named := discover.Candidate{URL: cmd.URL, Username: mailbox, Source: "--url"}
		return slices.Values([]discover.Candidate{named}), nil
	}
	fmt.Fprintf(a.stderr, "Looking for the mail server of %s …\n", address.Domain(mailbox))
	finder := &discover.Finder{Resolver: net.DefaultResolver}
	return finder.Candidates(ctx, mailbox)
}

func (cmd *initCmd) try(ctx context.Context, candidate discover.Candidate, password string) (imapsource.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, loginTime)
	defer cancel()
	options := imapsource.Options{
		Account: cmd.Name, URL: candidate.URL, Username: candidate.Username,
		Password: func(context.Context) (string, error) { return password, nil },
	}
	if cmd.CAFile != "" {
		pool, err := authorities(cmd.CAFile)
		if err != nil {
			return imapsource.Report{}, usageError{fmt.Errorf("--ca-file: %w", err)}
		}
		options.CAs = pool
	}
	return imapsource.Check(ctx, options)
}

// write writes the configuration and, if it was asked for, the password.
func (cmd *initCmd) write(a *app, out io.Writer, mailbox, password string, found discover.Candidate) error {
	name := cmd.Name
	if name == "" {
		local, _, _ := strings.Cut(mailbox, "@")
		name = local + "-mail"
	}
	folder, err := filepath.Abs(filepath.Dir(cmd.Output))
	if err != nil {
		return err
	}
	passwordFile, err := filepath.Abs(cmd.PasswordFile)
	if err != nil {
		return err
	}
	if cmd.PasswordFile == "" {
		passwordFile = filepath.Join(folder, name+".password")
		if err := writePrivate(passwordFile, []byte(password+"\n"), cmd.Force); err != nil {
			return err
		}
	}
	c := config.Default()
	c.Database = config.Database{Driver: config.SQLite, Path: filepath.Join(folder, "kith.db")}
	if c.Since, err = config.ParseSince(cmd.Since); err != nil {
		return usageError{fmt.Errorf("--since: %w", err)}
	}
	if !address.FreeMail(address.Domain(mailbox)) {
		c.OwnDomains = []string{address.Domain(mailbox)}
	}
	account := config.Account{
		Name: name, Kind: config.KindIMAP, Schedule: "@every 5m", Owner: mailbox, Addresses: []string{mailbox},
		URL: found.URL, Username: found.Username, PasswordFile: passwordFile,
	}
	if cmd.CAFile != "" {
		if account.CAFile, err = filepath.Abs(cmd.CAFile); err != nil {
			return err
		}
	}
	c.Accounts = []config.Account{account}
	if err := writePrivate(cmd.Output, config.Example(c), cmd.Force); err != nil {
		return err
	}
	if _, err := config.Load(cmd.Output, a.configEnv()); err != nil {
		return err
	}
	own := "none, for anybody may have an address in " + address.Domain(mailbox)
	if len(c.OwnDomains) > 0 {
		own = strings.Join(c.OwnDomains, ", ")
	}
	fmt.Fprintf(out, "%s is written. Own domains: %s.\n\nNext:\n  kith contacts import FILE    who you know; mail with others is not recorded\n  kith sync --dry-run          what would be recorded, and why\n  kith serve                   from now on\n",
		cmd.Output, own)
	return nil
}

// writePrivate writes a file that nobody else can read.
func writePrivate(path string, data []byte, force bool) error {
	flags := os.O_WRONLY | os.O_CREATE | os.O_EXCL
	if force {
		flags = os.O_WRONLY | os.O_CREATE | os.O_TRUNC
	}
	f, err := os.OpenFile(path, flags, 0o600)
	if errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%s is there already; --force writes over it: %w", path, kith.ErrConflict)
	}
	if err != nil {
		return err
	}
	if err := f.Chmod(0o600); err != nil {
		f.Close()
		return err
	}
	_, err = f.Write(data)
	return errors.Join(err, f.Close())
}

// asker asks the person at the terminal.
type asker struct {
	a  *app
	in *bufio.Reader
}

func (a *app) asker() *asker { return &asker{a: a, in: bufio.NewReader(a.stdin)} }

func (q *asker) ask(what string) (string, error) {
	fmt.Fprintf(q.a.stderr, "%s: ", what)
	line, err := q.in.ReadString('\n')
	if err != nil && line == "" {
		return "", usagef("%s: nobody answers; give it by a flag, see kith init --help", what)
	}
	return strings.TrimSpace(line), nil
}

// password reads the first line of a file; without one it asks.
func (q *asker) password(what, file string) (string, error) {
	if file == "" {
		return q.askSecret(what)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return "", usageError{fmt.Errorf("--password-file: %w", err)}
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return strings.TrimSuffix(line, "\r"), nil
}

// askSecret does not show what is typed.
func (q *asker) askSecret(what string) (string, error) {
	f, ok := q.a.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		// From a pipe: one line.
		line, err := q.in.ReadString('\n')
		if err != nil && !errors.Is(err, io.EOF) {
			return "", err
		}
		if line == "" {
			return "", usagef("%s: nobody answers; give it by --password-file", what)
		}
		return strings.TrimRight(line, "\r\n"), nil
	}
	fmt.Fprintf(q.a.stderr, "%s: ", what)
	secret, err := term.ReadPassword(int(f.Fd()))
	fmt.Fprintln(q.a.stderr)
	return string(secret), err
}

// confirm asks for a yes; without anybody at a terminal it is a no.
func (q *asker) confirm(question string) bool {
	if !isTerminal(q.a.stdin) {
		return false
	}
	answer, err := q.ask(question + " [y/N]")
	return err == nil && strings.HasPrefix(strings.ToLower(answer), "y")
}
