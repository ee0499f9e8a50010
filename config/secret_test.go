package config_test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"kith/config"
)

func TestSecretDoesNotPrint(t *testing.T) {
	secret := config.NewSecret("hunter2")
	type inside struct {
		Exported config.Secret
		hidden   config.Secret
	}
	values := map[string]any{
		"itself":             secret,
		"behind a pointer":   &secret,
		"in a struct":        inside{secret, secret},
		"in a list":          []config.Secret{secret},
		"in a map":           map[string]config.Secret{"k": secret},
		"as a key":           map[config.Secret]int{secret: 1},
		"in an account's db": config.Database{Driver: config.Postgres, URL: config.NewSecret("postgres://kith:hunter2@db/kith")},
	}
	encoded := []string{"hunter2", fmt.Sprintf("%x", "hunter2"), fmt.Sprintf("%X", "hunter2"), fmt.Sprintf("% x", "hunter2"), fmt.Sprint([]byte("hunter2"))}
	clean := func(t *testing.T, how, got string) {
		t.Helper()
		for _, e := range encoded {
			if strings.Contains(got, e) {
				t.Errorf("H09 %s shows the secret: %s", how, got)
			}
		}
	}
	for name, v := range values {
		t.Run("H09 "+name, func(t *testing.T) {
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "% x", "%d", "%t", "%10s"} {
				clean(t, verb, fmt.Sprintf(verb, v))
			}
			if text, err := json.Marshal(v); err == nil {
				clean(t, "JSON", string(text))
			}
			if text, err := xml.Marshal(v); err == nil {
				clean(t, "XML", string(text))
			}
			clean(t, "an error", fmt.Errorf("log in: %v", v).Error())
			var log bytes.Buffer
			slog.New(slog.NewTextHandler(&log, nil)).Info("login", "with", v)
			slog.New(slog.NewJSONHandler(&log, nil)).Info("login", "with", v)
			clean(t, "slog", log.String())
		})
	}
	for verb, want := range map[string]string{"%v": "[secret]", "%x": "[secret]", "%q": "[secret]"} {
		if got := fmt.Sprintf(verb, secret); got != want {
			t.Errorf("%s gives %q, want %q", verb, got, want)
		}
	}
	if got := secret.Reveal(); got != "hunter2" {
		t.Errorf("Reveal() = %q", got)
	}
	if got := (config.Secret{}).Reveal(); got != "" {
		t.Errorf("the zero secret reveals %q", got)
	}
}

// program writes a script to run as a password command.
func program(t *testing.T, script string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ask")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script+"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPassword(t *testing.T) {
	t.Setenv("KITH_TEST_PASSWORD", "from the environment")
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	credentials := filepath.Dir(file("cred", "from systemd\n"))
	t.Setenv("CREDENTIALS_DIRECTORY", credentials)
	for _, tt := range []struct {
		reason  string
		account config.Account
		want    string
		err     string
	}{
		{"none is needed", config.Account{}, "", ""},
		{"a file without its last line end", config.Account{PasswordFile: file("a", "p w\n")}, "p w", ""},
		{"nor that of another system", config.Account{PasswordFile: file("b", "pw\r\n")}, "pw", ""},
		{"blanks belong to it", config.Account{PasswordFile: file("c", "  pw ")}, "  pw ", ""},
		{"E27 quotes, backslashes and umlauts", config.Account{PasswordFile: file("d", "\"p\\ü'\n")}, "\"p\\ü'", ""},
		{"an empty line", config.Account{PasswordFile: file("e", "\npw")}, "", "gave an empty password"},
		{"a file gone since", config.Account{PasswordFile: filepath.Join(dir, "gone")}, "", "no such file"},
		{"a credential", config.Account{Credential: "cred"}, "from systemd", ""},
		{"a credential is a name, not a path", config.Account{Credential: "../cred"}, "", "no slash"},
		{"the environment", config.Account{PasswordEnv: "KITH_TEST_PASSWORD"}, "from the environment", ""},
		{"an unset variable", config.Account{PasswordEnv: "KITH_TEST_NO_PASSWORD"}, "", "gave an empty password"},
		{"the first line of a command", config.Account{PasswordCommand: []string{program(t, "printf '%s\\nlogin: x\\n' \"$1\""), "p w"}}, "p w", ""},
		{"H09 a command's stderr is told, its stdout not", config.Account{PasswordCommand: []string{program(t, "echo hunter2; echo no key >&2; exit 3")}}, "", "exit status 3: no key"},
		{"a command without an answer", config.Account{PasswordCommand: []string{program(t, "true")}}, "", "gave an empty password"},
		{"a command that never stops talking is cut", config.Account{PasswordCommand: []string{program(t, "head -c 1000000 /dev/zero | tr '\\0' x")}}, strings.Repeat("x", 64<<10), ""},
		{"no such command", config.Account{PasswordCommand: []string{"/no/such/program"}}, "", "no such file"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			tt.account.Name = "alice"
			got, err := tt.account.Password(t.Context())
			switch {
			case tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err) || !strings.Contains(err.Error(), `account "alice"`)):
				t.Errorf("error %v, want one with %q and the account", err, tt.err)
			case tt.err == "" && err != nil:
				t.Error(err)
			case got.Reveal() != tt.want:
				t.Errorf("%d characters, want %d", len(got.Reveal()), len(tt.want))
			case err != nil && strings.Contains(err.Error(), "hunter2"):
				t.Errorf("the error shows what the command printed: %v", err)
			}
		})
	}
}

func TestPasswordCommandEndsWithContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("stopped by the test")
	// The command says by a pipe that it runs, and then would take ten minutes.
	running := filepath.Join(t.TempDir(), "running")
	if err := syscall.Mkfifo(running, 0o600); err != nil {
		t.Fatal(err)
	}
	go func() {
		if f, err := os.Open(running); err == nil { // waits until the command opens it
			f.Close()
		}
		cancel(stop)
	}()
	_, err := config.Account{Name: "a", PasswordCommand: []string{program(t, "echo > \"$1\"; exec sleep 600"), running}}.Password(ctx)
	if !errors.Is(err, stop) {
		t.Errorf("error %v, want the cause of the context", err)
	}
}

func TestLoginDigest(t *testing.T) {
	path := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	base := config.Account{Name: "a", Kind: config.KindIMAP, URL: "imaps://x.test", Username: "a", PasswordFile: path}
	before := base.LoginDigest()
	same := base
	same.Name, same.Schedule, same.Include = "b", "@hourly", []string{"INBOX"}
	if same.LoginDigest() != before {
		t.Error("the digest depends on what is not part of the login")
	}
	for reason, change := range map[string]func(*config.Account){
		"another host":    func(a *config.Account) { a.URL = "imaps://y.test" },
		"another user":    func(a *config.Account) { a.Username = "b" },
		"another place":   func(a *config.Account) { a.PasswordFile, a.PasswordEnv = "", path },
		"another CA file": func(a *config.Account) { a.CAFile = "x" },
	} {
		a := base
		change(&a)
		if a.LoginDigest() == before {
			t.Errorf("%s: the digest is the same", reason)
		}
	}
	if err := os.WriteFile(path, []byte("newer"), 0o600); err != nil {
		t.Fatal(err)
	}
	if base.LoginDigest() == before {
		t.Error("a new secret in the file: the digest is the same")
	}
}

func TestReadsSame(t *testing.T) {
	here := config.Account{Kind: config.KindIMAP, URL: "imaps://mail.example.test", Username: "alice@example.test", PasswordFile: "/etc/kith/alice"}
	there := here
	there.PasswordFile, there.Credential = "", "alice"
	if here.LoginDigest() == there.LoginDigest() || !here.ReadsSame(there.LoginDigest()) {
		t.Errorf("one mailbox whose password lies elsewhere: %s, %s", here.LoginDigest(), there.LoginDigest())
	}
	there.URL = "imaps://other.example.test"
	if here.ReadsSame(there.LoginDigest()) {
		t.Error("another server's mailbox is taken for the same")
	}
}
