package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// installation is kith with a configuration and a database of its own.
type installation struct {
	program string
	dir     string
	// emptyDatabase makes that commands find no register.
	emptyDatabase func(context.Context) error
}

// newInstallation makes one with an embedded database or, if there is a server for that, in PostgreSQL.
func newInstallation(program string, s *server, pg *postgres) (*installation, error) {
	dir, err := os.MkdirTemp("", "kith-bench-")
	if err != nil {
		return nil, err
	}
	k := &installation{program: program, dir: dir}
	database := "sqlite://" + filepath.Join(dir, "kith.db")
	k.emptyDatabase = k.removeFiles
	if pg != nil {
		database = pg.url("kith")
		k.emptyDatabase = func(ctx context.Context) error { return pg.create(ctx, "kith") }
	}
	config := fmt.Sprintf(`database    = "%s"
since       = "2024-01-01"
own_domains = ["example.test"]
time_zone   = "UTC"

[[account]]
name      = "alice-mail"
kind      = "imap"
owner     = %q
addresses = [%q, "a.jones@example.test"]
url       = "imap://%s"
username  = %q
password_file = %q
`, database, user, user, s.addr, user, filepath.Join(dir, "password"))
	if err := os.WriteFile(filepath.Join(dir, "kith.toml"), []byte(config), 0o600); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte(password+"\n"), 0o600); err != nil {
		return nil, err
	}
	return k, nil
}

func (k *installation) remove() {
	if err := os.RemoveAll(k.dir); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
}

func (k *installation) command(args ...string) command {
	return func(ctx context.Context) *exec.Cmd {
		return exec.CommandContext(ctx, k.program, append([]string{"--config", filepath.Join(k.dir, "kith.toml"), "--quiet"}, args...)...)
	}
}

func (k *installation) removeFiles(context.Context) error {
	files, err := filepath.Glob(filepath.Join(k.dir, "kith.db*"))
	if err != nil {
		return err
	}
	for _, name := range files {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return nil
}

// outcomes is what kith says has become of the messages.
type outcomes struct {
	recorded, skipped, quarantined int
}

func (o outcomes) all() int { return o.recorded + o.skipped + o.quarantined }

func (o outcomes) String() string {
	return fmt.Sprintf("%d recorded, %d skipped, %d quarantined", o.recorded, o.skipped, o.quarantined)
}

// outcomes asks kith for its status.
func (k *installation) outcomes(ctx context.Context) (outcomes, error) {
	out, err := k.command("--json", "status")(ctx).Output()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 3) { // 3: something is overdue
		return outcomes{}, fmt.Errorf("kith status: %w", err)
	}
	var status struct {
		Accounts []struct {
			Streams []struct {
				Recorded    int
				Skipped     map[string]int
				Quarantined int
			}
		}
	}
	if err := json.Unmarshal(out, &status); err != nil {
		return outcomes{}, fmt.Errorf("kith status: %w", err)
	}
	var o outcomes
	for _, account := range status.Accounts {
		for _, stream := range account.Streams {
			o.recorded += stream.Recorded
			o.quarantined += stream.Quarantined
			for _, n := range stream.Skipped {
				o.skipped += n
			}
		}
	}
	return o, nil
}
