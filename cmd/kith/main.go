// Command kith keeps an organisation's register of interactions: it polls
// mailboxes, finds which correspondents are contacts, and records the e-mail
// with them, once each.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"
	kongcompletion "github.com/jotaen/kong-completion"

	"kith"
	"kith/config"
)

// version is set when kith is built.
var version = "devel"

func main() {
	if os.Getenv("GOGC") == "" {
		// What lives is small; without this, as much again would wait to be collected.
		debug.SetGCPercent(50)
	}
	// Who reads our output may go away: that is an error of a write, and no
	// reason to leave files behind.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Getenv, clock)
	stop()
	os.Exit(code)
}

// The exit codes, the same for every command.
const (
	exitDone     = 0
	exitFailed   = 1
	exitUsage    = 2
	exitPartly   = 3
	exitNotFound = 4
	exitConflict = 5
)

const exitCodes = `Exit codes: 0 done, 1 failed, 2 usage or configuration, 3 partly failed (some accounts or rows), 4 not found, 5 conflict.`

// errPartly is returned by a command that did a part of its work and has
// told, on its own, which part failed.
var errPartly = errors.New("partly failed")

// usageError is a mistake of whoever called the command.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// cli is the command line.
type cli struct {
	Config  string `help:"Configuration file. Default: $$KITH_CONFIG, ./kith.toml, /etc/kith/kith.toml." placeholder:"FILE"`
	JSON    bool   `help:"Print JSON: one document, or one object a line for lists." name:"json"`
	Quiet   bool   `help:"Log errors only, show no progress." short:"q" xor:"loud"`
	Verbose bool   `help:"Log everything." short:"v" xor:"loud"`
	Color   string `help:"Colours: auto, always or never; auto honours NO_COLOR." enum:"auto,always,never" default:"auto"`

	Demo         demoCmd         `cmd:"" group:"start" help:"Show the whole thing on sample data; needs no setup."`
	Init         initCmd         `cmd:"" group:"start" help:"Ask for one mailbox, find and test its servers, write kith.toml."`
	ConfigCmd    configCmd       `cmd:"" name:"config" group:"start" help:"Check, describe or show the configuration."`
	Serve        serveCmd        `cmd:"" group:"run" help:"Run the daemon."`
	Sync         syncCmd         `cmd:"" group:"run" help:"Poll accounts once, now."`
	Status       statusCmd       `cmd:"" group:"run" help:"Show the health of accounts."`
	Doctor       doctorCmd       `cmd:"" group:"run" help:"Look for problems and name their mend."`
	Explain      explainCmd      `cmd:"" group:"run" help:"Tell why a message was recorded or not."`
	Inspect      inspectCmd      `cmd:"" group:"run" help:"Show how kith reads a file of mail or contacts."`
	Contacts     contactsCmd     `cmd:"" group:"register" help:"The people and companies we know."`
	Identities   identitiesCmd   `cmd:"" group:"register" help:"Addresses that seem to be our own, and those that were accepted."`
	Policy       policyCmd       `cmd:"" group:"register" help:"Bring what is on file in line with today's policy."`
	Interactions interactionsCmd `cmd:"" group:"register" help:"The register of interactions."`
	Export       exportCmd       `cmd:"" group:"register" help:"Give a person everything held about them."`
	Erase        eraseCmd        `cmd:"" group:"register" help:"Remove a person, for good."`
	Accounts     accountsCmd     `cmd:"" group:"admin" help:"The accounts of the configuration file and of the register."`
	Migrate      migrateCmd      `cmd:"" group:"admin" help:"Bring the database to this version's schema."`
	Backup       backupCmd       `cmd:"" group:"admin" help:"Write the whole register to a file."`
	Restore      restoreCmd      `cmd:"" group:"admin" help:"Put a backup into an empty database."`
	Copy         copyCmd         `cmd:"" group:"admin" help:"Copy the register to another database."`
	Version      versionCmd      `cmd:"" group:"admin" help:"Print the version."`
	Man          manCmd          `cmd:"" group:"admin" help:"Print the man page."`

	Completion completionCmd `cmd:"" group:"admin" help:"Print the code that makes a shell complete kith's commands."`
}

// exited unwinds from kong when it wants to exit, after --help.
type exited int

// run is the program: it returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer, getenv func(string) string, now func() time.Time) (code int) {
	defer func() {
		if e, ok := recover().(exited); ok {
			code = int(e)
		}
	}()
	var c cli
	parser, err := newParser(&c, stdout, stderr)
	if err != nil {
		fmt.Fprintln(stderr, "kith:", err)
		return exitFailed
	}
	kongcompletion.Register(parser)

	kctx, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "kith: %v\n", err)
		var parseErr *kong.ParseError
		if errors.As(err, &parseErr) && parseErr.Context != nil {
			fmt.Fprintf(stderr, "Run \"kith %s--help\" for how to call it.\n", commandWords(parseErr.Context))
		}
		return exitUsage
	}
	a := newApp(&c, stdin, stdout, stderr, getenv)
	a.now = now
	kctx.BindTo(ctx, (*context.Context)(nil))
	kctx.Bind(a)
	return report(a, kctx.Run())
}

func newParser(c *cli, stdout, stderr io.Writer) (*kong.Kong, error) {
	return kong.New(c,
		kong.Name("kith"),
		kong.Description("A register of the e-mail and meetings with your contacts, kept by itself.\n\n"+
			"Start with \"kith demo\", then \"kith init\". "+exitCodes),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "start", Title: "To begin:"},
			{Key: "run", Title: "Capture:"},
			{Key: "register", Title: "The register:"},
			{Key: "admin", Title: "Administration:"},
		}),
	)
}

// commandWords returns the command that was being parsed, with a blank behind it.
func commandWords(ctx *kong.Context) string {
	if words := ctx.Command(); words != "" {
		return words + " "
	}
	return ""
}

// report prints an error and maps it to an exit code: the one place that does.
func report(a *app, err error) int {
	var problems config.Problems
	var usage usageError
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, errPartly):
		return exitPartly
	case errors.As(err, &problems):
		fmt.Fprintln(a.stderr, problems.Error())
		return exitUsage
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(a.stderr, "kith: stopped")
		return exitFailed
	}
	fmt.Fprintf(a.stderr, "kith: %v\n", err)
	switch {
	case errors.As(err, &usage):
		return exitUsage
	case errors.Is(err, kith.ErrNotFound):
		return exitNotFound
	case errors.Is(err, kith.ErrConflict):
		return exitConflict
	}
	return exitFailed
}

// clock is the current time; the one place below main that asks for it.
func clock() time.Time { return time.Now() }
