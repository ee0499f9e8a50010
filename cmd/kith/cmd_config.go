package main

import (
	"context"
	"fmt"
	"os"

	"kith/config"
)

type configCmd struct {
	Check  configCheckCmd  `cmd:"" help:"Tell everything that the daemon would refuse."`
	Schema configSchemaCmd `cmd:"" help:"Print the JSON Schema of the configuration."`
	Show   configShowCmd   `cmd:"" help:"Print the configuration that is in force, with defaults and without secrets."`
}

type configCheckCmd struct {
	Online bool `help:"Log in to every account, too."`
}

func (*configCheckCmd) Help() string { return exitCodes }

func (cmd *configCheckCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	var findings []finding
	for _, w := range cfg.Warnings {
		findings = append(findings, finding{Level: "warning", About: "configuration", Text: w.String()})
	}
	for _, account := range cfg.Accounts {
		if !readable(account.Kind) {
			findings = append(findings, finding{Level: "error", About: "account " + account.Name, Text: fmt.Sprintf("this version can't read accounts of kind %s", account.Kind), Mend: "take the account out of the configuration"})
		}
	}
	if _, err := a.ring(ctx); err != nil {
		return err
	}
	if cmd.Online {
		online, err := a.checkOnline(ctx, cfg)
		if err != nil {
			return err
		}
		findings = append(findings, online...)
	}
	if len(findings) == 0 {
		findings = []finding{{Level: "ok", About: "configuration", Text: fmt.Sprintf("%s is valid; accounts: %d", cfg.Path, len(cfg.Accounts))}}
	}
	return a.printFindings(findings)
}

// checkOnline logs in to all accounts, those of the register too if there is one.
func (a *app) checkOnline(ctx context.Context, cfg *config.Config) ([]finding, error) {
	if cfg.Database.Driver == config.SQLite {
		// Whoever checks may not be the one whose file it is to be.
		if _, err := os.Stat(cfg.Database.Path); missing(err) {
			return newFleet(a, cfg, nil).checkLogins(ctx, fileNames(cfg)), nil
		}
	}
	s, err := a.openStore(ctx)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	f := newFleet(a, cfg, s)
	names, err := f.names(ctx)
	if err != nil {
		return nil, err
	}
	return f.checkLogins(ctx, names), nil
}

type configSchemaCmd struct{}

func (*configSchemaCmd) Run(a *app) error {
	_, err := a.stdout.Write(config.Schema())
	return err
}

type configShowCmd struct{}

func (*configShowCmd) Run(a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	return cfg.Show(a.stdout)
}
