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
// variable; or, of an account that no file defines, from what was given to make it. It is the
// zero Secret if the account has none. A command is
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
	if a.secret != nil {
		return a.secret(ctx)
	}
	data, from, err := a.source().read(ctx)
	if err != nil || from == "" {
		return Secret{}, err
	}
	line, _, _ := bytes.Cut(data, []byte("\n"))
	line = bytes.TrimSuffix(line, []byte("\r"))
	if len(line) == 0 {
		return Secret{}, fmt.Errorf("%s gave an empty password", from)
	}
	return NewSecret(string(line)), nil
}

func (a Account) source() secretSource {
	return secretSource{
		what: "password", keys: [4]string{"password_file", "password_command", "password_env", "credential"},
		file: a.PasswordFile, command: a.PasswordCommand, env: a.PasswordEnv, credential: a.Credential,
		getenv: a.getenv, dir: a.dir,
	}
}

// Keys gets the keys anew from where they are kept: the text of a key ring. It is the
// zero Secret if the file names none. About a command, see [Account.Password].
func (s Secrets) Keys(ctx context.Context) (Secret, error) {
	data, from, err := s.source().read(ctx)
	if err != nil {
		return Secret{}, fmt.Errorf("secrets: %w", err)
	}
	if from == "" {
		return Secret{}, nil
	}
	return NewSecret(string(data)), nil
}

func (s Secrets) source() secretSource {
	return secretSource{
		what: "keys", keys: [4]string{"key_file", "key_command", "key_env", "key_credential"},
		file: s.KeyFile, command: s.KeyCommand, env: s.KeyEnv, credential: s.KeyCredential,
		getenv: s.getenv, dir: s.dir,
	}
}

// secretSource is where a secret is kept, in one of four ways.
type secretSource struct {
	what string    // it is
	keys [4]string // of the configuration, in the order of the fields below

	file       string
	command    []string
	env        string
	credential string

	getenv func(string) string // nil: the process's
	dir    string              // where commands run
}

// read returns the secret and where it was found, "" if no place is named.
func (s secretSource) read(ctx context.Context) (data []byte, from string, err error) {
	switch {
	case s.file != "" || s.credential != "":
		path, err := s.path()
		if err != nil {
			return nil, "", fmt.Errorf("credential: %w", err)
		}
		f, err := os.Open(path)
		if err != nil {
			return nil, "", fmt.Errorf("read the %s: %w", s.what, err)
		}
		defer f.Close()
		data, err := io.ReadAll(io.LimitReader(f, maxSecret))
		if err != nil {
			return nil, "", fmt.Errorf("read the %s: %w", s.what, err)
		}
		return data, path, nil
	case len(s.command) > 0:
		from := s.keys[1] + " " + s.command[0]
		data, err := s.run(ctx)
		if err != nil {
			return nil, "", fmt.Errorf("%s: %w", from, err)
		}
		return data, from, nil
	case s.env != "":
		return []byte(s.variable(s.env)), "$" + s.env, nil
	}
	return nil, "", nil
}

func (s secretSource) variable(name string) string {
	if s.getenv == nil {
		return os.Getenv(name)
	}
	return s.getenv(name)
}

// path returns the file that holds the secret, "" if it is kept elsewhere.
func (s secretSource) path() (string, error) {
	if s.credential == "" {
		return s.file, nil
	}
	if filepath.Base(s.credential) != s.credential || !filepath.IsLocal(s.credential) {
		return "", fmt.Errorf("%q is no name of a credential: it has no slash", s.credential)
	}
	dir := s.variable("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return "", fmt.Errorf("$CREDENTIALS_DIRECTORY is not set: run under systemd with LoadCredential=%s:/path, or use %s", s.credential, s.keys[0])
	}
	return filepath.Join(dir, s.credential), nil
}

func (s secretSource) run(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, commandTimeout, fmt.Errorf("no answer in %v", commandTimeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, s.command[0], s.command[1:]...)
	cmd.Dir = s.dir
	stdout, stderr := &capped{most: maxSecret}, &capped{most: maxStderr}
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.WaitDelay = time.Second // its children may hold the pipes open
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if said := strings.Join(strings.Fields(stderr.kept.String()), " "); said != "" {
			return nil, fmt.Errorf("%w: %s", err, strings.ToValidUTF8(said, "�"))
		}
		return nil, err
	}
	return stdout.kept.Bytes(), nil
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
