package config_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kith/config"
)

// given is a password from elsewhere than a file.
func given(context.Context) (config.Secret, error) { return config.NewSecret("hunter2"), nil }

func TestMakeAccountAndBack(t *testing.T) {
	env := inFolder(t)
	ca, err := filepath.Abs("ca.pem")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		reason string
		values map[string]string
		secret config.SecretFunc
		want   config.Account
	}{
		{
			"what a mailbox needs", map[string]string{"name": "alice", "kind": "imap", "url": "imaps://x.test", "username": "alice@x.test"}, given,
			config.Account{Name: "alice", Kind: "imap", Schedule: "@every 5m", URL: "imaps://x.test", Username: "alice@x.test", Owner: "alice@x.test"},
		},
		{
			"all that can be said", map[string]string{
				"name": " alice ", "kind": "imap", "schedule": "@hourly", "owner": "a@x.test", "addresses": "a@x.test; b@x.test ;", "url": "imap://x.test",
				"username": `al"ice*kith`, "ca_file": ca, "include": "INBOX;Sent", "exclude": "HR/*", "allow_plain": "TRUE", "allow_private": "1",
			}, given,
			config.Account{
				Name: "alice", Kind: "imap", Schedule: "@hourly", Owner: "a@x.test", Addresses: []string{"a@x.test", "b@x.test"}, URL: "imap://x.test",
				Username: `al"ice*kith`, CAFile: ca, Include: []string{"INBOX", "Sent"}, Exclude: []string{"HR/*"}, AllowPlain: true, AllowPrivate: true,
			},
		},
		{
			"a feed without a login", map[string]string{"name": "room", "kind": "ics", "url": "https://x.test/room.ics", "username": ""}, nil,
			config.Account{Name: "room", Kind: "ics", Schedule: "@every 5m", URL: "https://x.test/room.ics"},
		},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			c := config.Default()
			made, err := c.MakeAccount(tt.values, tt.secret, env)
			if err != nil {
				t.Fatal(err)
			}
			unexported := cmpopts.IgnoreUnexported(config.Account{})
			if diff := cmp.Diff(tt.want, made, unexported, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("made: -want +got\n%s", diff)
			}
			text := made.Text()
			read, err := c.ParseAccount(text, tt.secret, env)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if diff := cmp.Diff(made, read, unexported, cmpopts.EquateEmpty()); diff != "" || read.Text() != text {
				t.Errorf("read: -want +got\n%s\n%s", diff, text)
			}
			outline, err := config.Outline(text)
			if err != nil || outline.Mailbox() != made.Mailbox() || !slices.Equal(outline.Addresses, made.Addresses) {
				t.Errorf("outline: %+v, %v", outline, err)
			}
			if read.LoginDigest() != made.LoginDigest() {
				t.Error("the digests differ")
			}
			secret, err := read.Password(t.Context())
			if want := map[bool]string{true: "hunter2"}[tt.secret != nil]; err != nil || secret.Reveal() != want {
				t.Errorf("the password has %d characters, %v", len(secret.Reveal()), err)
			}
			if strings.Contains(text, "hunter2") {
				t.Error("H09 the text holds the password")
			}
		})
	}
}

func TestMakeAccountRefuses(t *testing.T) {
	env := inFolder(t)
	valid := map[string]string{"name": "alice", "kind": "imap", "url": "imaps://x.test", "username": "alice@x.test"}
	for _, tt := range []struct {
		reason string
		change map[string]string
		secret config.SecretFunc
		want   []string
	}{
		{"nothing", map[string]string{"name": "", "kind": "", "url": "", "username": ""}, nil, []string{
			`has no name: give it one, such as name = "alice-mail"`, "has no kind: want one of imap, caldav, ics, carddav, microsoft, google",
		}},
		{"no password", nil, nil, []string{"has no password"}},
		{"values that are none", map[string]string{"kind": "imapp", "allow_plain": "yes"}, given, []string{
			`allow_plain: is a string: want true or false, without quotes`,
			`kind: "imapp" is not known: want "imap", "caldav", "ics", "carddav", "microsoft" or "google"; did you mean "imap"?`,
		}},
		{"all that is wrong, at once", map[string]string{"name": "a/b", "url": "imap://x.test", "schedule": "often", "addresses": "alice;bob@x.test"}, given, []string{
			`name: "a/b" is no name for an account: want letters, digits and - _ . @, 64 at most, a letter or digit first`,
			`schedule: "often" is no cron spec: expected exactly 5 fields, found 1: [often]; want five fields such as "*/5 8-18 * * 1-5", @hourly, or "@every 5m"`,
			`addresses: "alice" is no e-mail address: want the form alice@example.test, without a name`,
			`url: goes to x.test without TLS: write imaps://, or set allow_plain = true and let passwords and mail be read on the way`,
		}},
		{"H09 a login in the URL", map[string]string{"url": "imaps://alice:hunter2@x.test"}, given, []string{"url: holds a login: write it as username, and the password as password_file"}},
		{"a CA file of this folder", map[string]string{"ca_file": "ca.pem"}, given, []string{
			`ca_file: "ca.pem" starts nowhere: want a path from / on, where every daemon on the register finds the file`,
		}},
		{"a CA file that is not here", map[string]string{"ca_file": "/no/such.pem"}, given, []string{`ca_file: /no/such.pem: no such file or directory`}},
		{"what may stand in a file alone", map[string]string{
			"master_user": "kith", "password_file": "password", "password_command": "id", "password_env": "ALICE", "credential": "x", "users_file": "users.txt",
		}, given, []string{
			"master_user: is for accounts in the configuration file", "users_file: is for accounts in the configuration file",
			"password_file: is for accounts in the configuration file", "password_command: is for accounts in the configuration file",
			"password_env: is for accounts in the configuration file", "credential: is for accounts in the configuration file",
		}},
		{"half a login", map[string]string{"kind": "caldav", "url": "https://x.test", "username": ""}, given, []string{"has a password and no username"}},
		{"the other half", map[string]string{"kind": "caldav", "url": "https://x.test"}, nil, []string{"has a username and no password"}},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			values := map[string]string{}
			for k, v := range valid {
				values[k] = v
			}
			for k, v := range tt.change {
				values[k] = v
			}
			_, err := config.Default().MakeAccount(values, tt.secret, env)
			var problems config.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("%v, want Problems", err)
			}
			var got []string
			for _, p := range problems {
				got = append(got, p.Brief())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestParseAccountRefuses(t *testing.T) {
	env := inFolder(t)
	for _, tt := range []struct{ reason, text, want string }{
		{"H09 no TOML", "name = hunter2", "the register:1:8: not valid TOML"},
		{"a key of a later version", "name = \"a\"\nkind = \"google\"\ncolour = \"red\"\n", "the register:3:1: colour: unknown key; known here: "},
		{"a wrong value", "name = \"a\"\nkind = \"ics\"\nurl = \"ftp://x.test\"\n", "the register:3:7: url: \"ftp\" is no scheme for kind ics"},
		{"a program to run", "name = \"a\"\nkind = \"google\"\npassword_command = [\"id\"]\n", "password_command: is for accounts in the configuration file"},
	} {
		_, err := config.Default().ParseAccount(tt.text, nil, env)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", tt.reason, err, tt.want)
		}
	}
}

// Whatever may be said of an account in a file is either for files alone or kept.
func TestAccountKeys(t *testing.T) {
	keys := config.AccountKeys()
	fields := reflect.TypeFor[config.Account]()
	var left []string
	for i := range fields.NumField() {
		if key := fields.Field(i).Tag.Get("toml"); key != "" && !slices.Contains(keys, key) {
			left = append(left, key)
		}
	}
	want := strings.Fields("master_user master_separator users users_file password_file password_command password_env credential")
	if diff := cmp.Diff(want, left); diff != "" {
		t.Errorf("keys for files alone: -want +got\n%s", diff)
	}
}

func TestMemberNames(t *testing.T) {
	env := inFolder(t)
	const block = "[[account]]\nname = %q\nkind = \"imap\"\nurl = \"imaps://%s\"\nmaster_user = \"kith\"\npassword_file = \"password\"\nusers = [%q]\n"
	long := strings.Repeat("é", 40) + "@x.test"
	for _, tt := range []struct{ reason, block, address, want string }{
		{"the block and the address", "staff", "alice@x.test", "staff-alice@x.test"},
		{"in lower case", "Staff", "Alice@X.test", "Staff-alice@x.test"},
		{"another alphabet", "staff", "ä@münchen.test", "staff-ä@münchen.test"},
		{"a sign that names can't hold", "staff", "a+b@x.test", "staff-a_b@x.test-33a69fc5"},
		{"another that would be the same", "staff", "a=b@x.test", "staff-a_b@x.test-fdb063c5"},
		{"too long, and cut between letters", "staff", long, "staff-" + strings.Repeat("é", 24) + "-34402503"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			c := load(t, fmt.Sprintf(block, tt.block, "x.test", tt.address), env)
			got := c.Accounts[0].Name
			if got != tt.want || len(got) > 64 || strings.ContainsAny(got, "/ ") {
				t.Errorf("%q with %d bytes, want %q", got, len(got), tt.want)
			}
		})
	}
}

func TestMembersMayDiffer(t *testing.T) {
	env := inFolder(t)
	block := "[[account]]\nname = %q\nkind = \"imap\"\nurl = \"imaps://%s\"\nmaster_user = \"kith\"\nmaster_separator = \"%%\"\npassword_file = \"password\"\nusers = [\"alice@x.test\"]\n"
	c := load(t, fmt.Sprintf(block, "one", "one.test")+fmt.Sprintf(block, "two", "two.test"), env)
	if len(c.Accounts) != 2 || c.Accounts[1].Username != "alice@x.test%kith" || c.Accounts[1].User() != "alice@x.test" {
		t.Errorf("the same user on two servers: %+v", c.Accounts)
	}
}

func TestKeys(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "keys")
	if err := os.WriteFile(file, []byte("a one\nb two\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CREDENTIALS_DIRECTORY", dir)
	t.Setenv("KITH_TEST_KEYS", "a one\nb two\n")
	for _, tt := range []struct {
		reason  string
		secrets config.Secrets
		want    string
		err     string
	}{
		{"none", config.Secrets{}, "", ""},
		{"all lines of a file", config.Secrets{KeyFile: file}, "a one\nb two\n", ""},
		{"all lines of a credential", config.Secrets{KeyCredential: "keys"}, "a one\nb two\n", ""},
		{"all lines of a command", config.Secrets{KeyCommand: []string{"/bin/cat", file}}, "a one\nb two\n", ""},
		{"a variable", config.Secrets{KeyEnv: "KITH_TEST_KEYS"}, "a one\nb two\n", ""},
		{"a file gone since", config.Secrets{KeyFile: file + "x"}, "", "secrets: read the keys: open "},
		{"H09 a command that fails", config.Secrets{KeyCommand: []string{program(t, "echo hunter2; exit 1")}}, "", "exit status 1"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			got, err := tt.secrets.Keys(t.Context())
			if got.Reveal() != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%d characters, %v; want %d and %q", len(got.Reveal()), err, len(tt.want), tt.err)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error shows what the command printed: %v", err)
			}
		})
	}
}

func BenchmarkAccount(b *testing.B) {
	c, env := config.Default(), environment(nil)
	values := map[string]string{
		"name": "alice", "kind": "imap", "url": "imaps://x.test", "username": "alice@x.test", "addresses": "alice@x.test;a@x.test",
	}
	a, err := c.MakeAccount(values, given, env)
	if err != nil {
		b.Fatal(err)
	}
	text := a.Text()
	for name, read := range map[string]func() error{
		"make":    func() error { _, err := c.MakeAccount(values, given, env); return err },
		"parse":   func() error { _, err := c.ParseAccount(text, given, env); return err },
		"outline": func() error { _, err := config.Outline(text); return err },
		"text":    func() error { _ = a.Text(); return nil },
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if err := read(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func FuzzParseAccount(f *testing.F) {
	f.Add("name = \"a\"\nkind = \"imap\"\nurl = \"imaps://x.test\"\nusername = \"a\"\n")
	f.Add("name = \"a\"\nkind = \"ics\"\nurl = \"https://x.test\"\naddresses = [\"a@x.test\"]\nallow_private = true\n")
	f.Add("name = 'a'\nkind.x = 1\n[table]\n")
	c, env := config.Default(), environment(nil)
	f.Fuzz(func(t *testing.T, text string) {
		a, err := c.ParseAccount(text, nil, env)
		if err != nil {
			return
		}
		again, err := c.ParseAccount(a.Text(), nil, env)
		if err != nil || again.Text() != a.Text() {
			t.Errorf("what was read is not read again: %v\n%s\n%s", err, a.Text(), again.Text())
		}
		if outline, err := config.Outline(a.Text()); err != nil || outline.Mailbox() != a.Mailbox() {
			t.Errorf("the outline differs: %v\n%s", err, a.Text())
		}
	})
}
