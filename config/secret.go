package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

const masked = "[secret]"

// Secret is a text that must not be shown. It prints as "[secret]" in every form
// of fmt, JSON, TOML and slog, also inside other values. The zero Secret holds "".
type Secret struct {
	// A pointer, because fmt prints what unexported fields of other structs
	// hold without asking their methods.
	text *string
}

// NewSecret wraps a text.
func NewSecret(text string) Secret { return Secret{&text} }

// Reveal returns the text. Pass it on to where it is needed and keep no copy.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// String returns "[secret]".
func (Secret) String() string { return masked }

// Format implements [fmt.Formatter]: "[secret]", whatever the verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, masked) }

// MarshalText implements [encoding.TextMarshaler]: "[secret]".
func (Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// LogValue implements [slog.LogValuer]: "[secret]".
func (Secret) LogValue() slog.Value { return slog.StringValue(masked) }

const (
	maxSecret      = 64 << 10         // bytes of a file or of what a command prints
	maxStderr      = 500              // bytes of a command's complaint that are passed on
	commandTimeout = 30 * time.Second // enough for a password manager to ask the network
)

// Password gets the account's secret anew from where it is kept: the first line
// of a file, of a credential or of what a command prints, or an environment
// variable. It is the zero Secret if the account has none. A command is
// stopped when ctx is done or after 30 seconds; its stderr is in the error, its
// stdout never.
func (a Account) Password(ctx context.Context) (Secret, error) {
	secret, err := a.password(ctx)
	if err != nil {
		return Secret{}, fmt.Errorf("account %q: %w", a.Name, err)
	}
	return secret, nil
}

func (a Account) password(ctx context.Context) (Secret, error) {
	switch {
	case a.PasswordFile != "" || a.Credential != "":
		path, err := a.secretPath()
		if err != nil {
			return Secret{}, fmt.Errorf("credential: %w", err)
		}
		f, err := os.Open(path)
		if err != nil {
			return Secret{}, fmt.Errorf("read the password: %w", err)
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxSecret))
		if err != nil {
			return Secret{}, fmt.Errorf("read the password: %w", err)
		}
		return firstLine(data, path)
	case len(a.PasswordCommand) > 0:
		return a.runPasswordCommand(ctx)
	case a.PasswordEnv != "":
		return firstLine([]byte(a.env(a.PasswordEnv)), "$"+a.PasswordEnv)
	}
	return Secret{}, nil
}

func (a Account) env(name string) string {
	if a.getenv == nil {
		return os.Getenv(name)
	}
	return a.getenv(name)
}

// secretPath returns the file that holds the secret, "" if it is kept elsewhere.
func (a Account) secretPath() (string, error) {
	if a.Credential == "" {
		return a.PasswordFile, nil
	}
	if filepath.Base(a.Credential) != a.Credential || !filepath.IsLocal(a.Credential) {
		return "", fmt.Errorf("%q is no name of a credential: it has no slash", a.Credential)
	}
	dir := a.env("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return "", fmt.Errorf("$CREDENTIALS_DIRECTORY is not set: run under systemd with LoadCredential=%s:/path, or use password_file", a.Credential)
	}
	return filepath.Join(dir, a.Credential), nil
}

func (a Account) runPasswordCommand(ctx context.Context) (Secret, error) {
	name := a.PasswordCommand[0]
	ctx, cancel := context.WithTimeoutCause(ctx, commandTimeout, fmt.Errorf("no answer in %v", commandTimeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, name, a.PasswordCommand[1:]...)
	cmd.Dir = a.dir
	stdout, stderr := &capped{most: maxSecret}, &capped{most: maxStderr}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = time.Second // its children may hold the pipes open
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if said := strings.Join(strings.Fields(stderr.kept.String()), " "); said != "" {
			return Secret{}, fmt.Errorf("password_command %s: %w: %s", name, err, strings.ToValidUTF8(said, "�"))
		}
		return Secret{}, fmt.Errorf("password_command %s: %w", name, err)
	}
	return firstLine(stdout.kept.Bytes(), "password_command "+name)
}

// checkCommand tells whether a program can be found, without running it.
func checkCommand(name, dir string) error {
	if strings.ContainsRune(name, filepath.Separator) {
		name = absolute(dir, name)
	}
	if _, err := exec.LookPath(name); err != nil {
		return fmt.Errorf("can't run %s: %s", name, plain(errors.Unwrap(err)))
	}
	return nil
}

func firstLine(data []byte, from string) (Secret, error) {
	line, _, _ := bytes.Cut(data, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 {
		return Secret{}, fmt.Errorf("%s gave an empty password", from)
	}
	return NewSecret(string(line)), nil
}

// capped keeps the first bytes written to it and drops the others. The buffer is
// no embedded field: its ReadFrom would go round the limit.
type capped struct {
	kept bytes.Buffer
	most int
}

func (c *capped) Write(p []byte) (int, error) {
	c.kept.Write(p[:min(len(p), c.most-c.kept.Len())])
	return len(p), nil
}
