package main

import (
	"context"
	"fmt"
	"runtime"

	"github.com/alecthomas/kong"
	mangokong "github.com/alecthomas/mango-kong"
	kongcompletion "github.com/jotaen/kong-completion"
	"github.com/muesli/roff"
)

type versionCmd struct{}

func (*versionCmd) Run(a *app) error {
	if a.json {
		return printJSON(a.stdout, map[string]string{"version": version, "go": runtime.Version(), "os": runtime.GOOS, "arch": runtime.GOARCH})
	}
	fmt.Fprintf(a.stdout, "kith %s (%s, %s/%s)\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	return nil
}

type manCmd struct{}

func (*manCmd) Help() string {
	return "Example:\n  kith man > /usr/local/share/man/man1/kith.1\n"
}

func (*manCmd) Run(app *kong.Kong) error {
	page := mangokong.NewManPage(1, app.Model)
	_, err := fmt.Fprint(app.Stdout, page.Build(roff.NewDocument()))
	return err
}

type completionCmd struct {
	Shell string `arg:"" help:"bash, zsh or fish." enum:"bash,zsh,fish"`
}

func (*completionCmd) Help() string {
	return "Examples:\n  source <(kith completion bash)\n  kith completion fish > ~/.config/fish/completions/kith.fish\n"
}

func (cmd *completionCmd) Run(ctx *kong.Context) error {
	return (&kongcompletion.Completion{Shell: cmd.Shell, Code: true}).Run(ctx)
}

type migrateCmd struct {
	Status bool `help:"Tell the schema's version and change nothing."`
}

func (*migrateCmd) Help() string {
	return "Every command brings the schema up to date by itself; this one does only that.\n\n" + exitCodes
}

func (cmd *migrateCmd) Run(ctx context.Context, a *app) error {
	s, err := a.openRegister(ctx, true)
	if err != nil {
		return err
	}
	defer s.Close()
	if !cmd.Status {
		if err := s.Migrate(ctx); err != nil {
			return err
		}
	}
	have, want, err := s.Schema(ctx)
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(a.stdout, map[string]int64{"schema": have, "newest": want})
	}
	fmt.Fprintf(a.stdout, "schema %d, newest %d\n", have, want)
	return nil
}
