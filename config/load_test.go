package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kith/config"
)

var now = time.Date(2026, 11, 23, 9, 15, 0, 0, time.UTC)

// inFolder makes a folder with what the configurations of testdata name, and goes there.
func inFolder(t *testing.T) config.Env {
	t.Helper()
	dir := t.TempDir()
	cert, key := certificate(t)
	for _, file := range []struct {
		name, text string
		mode       os.FileMode
	}{
		{"password", "hunter2\n", 0o600},
		{"keys", "2026 c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHNlY3I=\n", 0o600},
		{"comment", "# none yet\n", 0o644},
		{"wrong-users", strings.Repeat("Alice\n", 12) + "a@x.test b c\n", 0o644},
		{"users.txt", "# the staff\n\n carol@example.test\ndan.o'hara@example.test, dan # since May\n", 0o644},
		{"open-password", "hunter2\n", 0o644},
		{"empty", "", 0o600},
		{"room.ics", "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", 0o644},
		{"credentials/alice-dav", "hunter2", 0o444},
		{"ca.pem", cert, 0o644},
		{"tls.key", key, 0o640},
	} {
		path := filepath.Join(dir, file.name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(file.text), file.mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, file.mode); err != nil { // whatever the umask
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	return environment(map[string]string{
		"CREDENTIALS_DIRECTORY": filepath.Join(dir, "credentials"),
		"ALICE":                 "hunter2",
	})
}

// validPattern stands in for the rule of those who match patterns.
func validPattern(pattern string) error {
	if strings.Trim(pattern, "*@.") == "" {
		return fmt.Errorf("pattern %q covers everybody", pattern)
	}
	return nil
}

func environment(vars map[string]string) config.Env {
	return config.Env{
		Getenv:       func(name string) string { return vars[name] },
		Now:          now,
		ValidPattern: validPattern,
		ValidRegion:  func(region string) bool { return region == "BE" },
	}
}

func certificate(t *testing.T) (certPEM, keyPEM string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: now.AddDate(1, 0, 0)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
}

// testdata reads a file before the test leaves the package's folder.
func testdata(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, text string, env config.Env) *config.Config {
	t.Helper()
	write(t, "kith.toml", text)
	c, err := config.Load("kith.toml", env)
	if err != nil {
		t.Fatalf("Load:\n%v", err)
	}
	return c
}

func TestLoadEmpty(t *testing.T) {
	env := inFolder(t)
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	c := load(t, "", env)
	want := config.Default()
	want.Path = "kith.toml"
	want.Database = config.Database{Driver: config.SQLite, Path: filepath.Join(dir, "kith.db")}
	if diff := diff(want, c); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestDefault(t *testing.T) {
	want := &config.Config{
		TimeZone: time.Local,
		HTTP:     config.HTTP{Listen: "127.0.0.1:8625"},
		Log:      config.Log{Level: config.LevelInfo, Format: config.FormatText},
		Limits: config.Limits{
			Workers: 4, PerHost: 4, Batch: 500, TimeSlice: 30 * time.Second, AccountTimeout: 10 * time.Minute,
			HeaderSize: 1 << 20, CreateContacts: 100, Recipients: 1000,
		},
		Policy: config.Policy{
			Unmatched: config.UnmatchedForget, Internal: config.InternalSkip, Bulk: config.BulkSkip,
			AutoReply: config.AutoReplyFlag, Private: config.PrivateSkip, Subject: config.SubjectKeep,
			Body: config.BodyNone, Forwarded: config.ForwardedIgnore, CreateContacts: config.CreateNever,
			AllDay: config.AllDayRecord, Transparent: config.TransparentSkip, Tentative: config.TentativeFlag, LargeMeeting: 50, PlannedDays: 60, Invitations: config.InvitationsAuto,
		},
		Templates: config.Templates{
			"email_in": "EMAIL_IN", "email_out": "EMAIL_OUT", "meeting": "MEETING", "phone_in": "CALL_IN",
			"phone_out": "CALL_OUT", "letter_in": "LETTER_IN", "letter_out": "LETTER_OUT",
		},
	}
	if err := want.Since.UnmarshalText([]byte("365d")); err != nil {
		t.Fatal(err)
	}
	if diff := diff(want, config.Default()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestLoadFull(t *testing.T) {
	text := testdata(t, "valid-full.toml")
	env := inFolder(t)
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	brussels, err := time.LoadLocation("Europe/Brussels")
	if err != nil {
		t.Fatal(err)
	}
	const often = "@every 5m"
	member := func(name, address, username string) config.Account {
		return config.Account{
			Name: name, Kind: config.KindIMAP, Schedule: "@hourly", Owner: address, Addresses: []string{address},
			URL: "imaps://staff.example.test", Username: username, PasswordFile: in("password"), Exclude: []string{"HR"},
		}
	}
	want := &config.Config{
		Path:       "kith.toml",
		Database:   config.Database{Driver: config.SQLite, Path: "/var/lib/kith/kith.db"},
		OwnDomains: []string{"example.test"},
		TimeZone:   brussels,
		Region:     "BE",
		HTTP:       config.HTTP{Listen: "127.0.0.1:8625"},
		Log:        config.Log{Level: "info", Format: "text"},
		Limits: config.Limits{
			Workers: 8, PerHost: 2, Batch: 500, TimeSlice: time.Minute, AccountTimeout: 90 * time.Minute,
			HeaderSize: 65536, CreateContacts: 50, Recipients: 200,
		},
		Secrets: config.Secrets{KeyFile: in("keys")},
		Policy: config.Policy{
			Unmatched: "suggest", Internal: "record", Bulk: "record", AutoReply: "skip", Private: "busy", Subject: "drop",
			Body: "snippet", CompanyByDomain: true, PlusAddressing: true, GmailDots: true, Forwarded: "link", CreateContacts: "exchanged",
			AllDay: "skip", Transparent: "record", Tentative: "skip", LargeMeeting: 5000, PlannedDays: 90, Invitations: "on",
			NeverRecord: []string{"*@bank.test", "lawyer@x.test", "hr.example.test", "*.münchen.test"},
		},
		Templates: config.Templates{
			"email_in": "EMAIL_IN", "email_out": "EMAIL_OUT", "meeting": "MEETING", "phone_in": "",
			"phone_out": "CALL_OUT", "letter_in": "LETTER_IN", "letter_out": "LETTER_OUT", "sales_invoice_posted": "INVOICE",
		},
		Accounts: []config.Account{
			{
				Name: "alice-mail", Kind: config.KindIMAP, Schedule: often, Owner: "alice@example.test",
				Addresses: []string{"alice@example.test", "a.jones@example.test"}, URL: "imaps://mail.example.test",
				Username: "alice@example.test", PasswordFile: in("password"), CAFile: in("ca.pem"),
				Include: []string{"*"}, Exclude: []string{"HR/*", "[Gmail]/Spam"},
			},
			{
				Name: "alice-calendar", Kind: config.KindCalDAV, Schedule: "CRON_TZ=Europe/Brussels */10 8-18 * * 1-5",
				URL: "https://dav.example.test/", Username: "alice", Credential: "alice-dav",
			},
			{Name: "room-feed", Kind: config.KindICS, Schedule: often, URL: "https://calendar.example.test/basic.ics"},
			{Name: "file-feed", Kind: config.KindICS, Schedule: often, URL: "file://" + in("room.ics")},
			{Name: "address-book", Kind: config.KindCardDAV, Schedule: often, URL: "http://127.0.0.1:5232/", AllowPrivate: true},
			{
				Name: "test-mail", Kind: config.KindIMAP, Schedule: often, Owner: "bob@example.test", URL: "imap://[::1]:1143",
				Username: "bob@example.test", PasswordCommand: []string{"/bin/echo", "hunter2"},
			},
			{
				Name: "far-mail", Kind: config.KindIMAP, Schedule: often, URL: "imap://mail.example.test", Username: "carol",
				PasswordEnv: "ALICE", AllowPlain: true,
			},
			{Name: "tenant", Kind: config.KindMicrosoft, Schedule: often},
			member("staff-alice@staff.test", "alice@staff.test", "alice@staff.test*kith"),
			member("staff-bob@staff.test", "Bob@Staff.test", "bob*kith"),
			member("staff-carol@example.test", "carol@example.test", "carol@example.test*kith"),
			member("staff-dan.o_hara@example.test-6b33b45a", "dan.o'hara@example.test", "dan*kith"),
		},
	}
	if err := want.Since.UnmarshalText([]byte("365d")); err != nil {
		t.Fatal(err)
	}
	if diff := diff(want, load(t, text, env)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// diff compares what a configuration says.
func diff(want, got *config.Config) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty(),
		cmpopts.IgnoreUnexported(config.Config{}, config.Account{}, config.Secrets{}),
		cmp.Comparer(func(a, b config.Secret) bool { return a.Reveal() == b.Reveal() }),
		cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() }))
}

func TestLoadDatabase(t *testing.T) {
	for _, tt := range []struct {
		reason, state, text string
		want                string
		warns               bool
	}{
		{"beside the file without a state folder", "", "", "sqlite://DIR/kith.db", false},
		{"in systemd's state folder", "/var/lib/kith", "", "sqlite:///var/lib/kith/kith.db", false},
		{"in the first of several state folders", "/var/lib/kith:/var/lib/other", "", "sqlite:///var/lib/kith/kith.db", false},
		{"a relative path starts at the file", "/var/lib/kith", `database = "sqlite:data/kith.db"`, "sqlite://DIR/data/kith.db", false},
		{"a relative path with two slashes as well", "", `database = "sqlite://kith.db"`, "sqlite://DIR/kith.db", false},
		{"PostgreSQL without a password", "", `database = "postgres://kith@db/kith"`, "postgres://kith@db/kith", false},
		{"H09 a password in a file that others can read is warned of, and not shown", "",
			`database = "postgres://kith:hunter2@db/kith"`, "postgres://kith:[secret]@db/kith", true},
		{"H09 so is one among the parameters", "",
			`database = "postgres://db/kith?password=hunter2&sslmode=require"`, "postgres://db/kith?password=[secret]&sslmode=require", true},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			inFolder(t)
			dir, err := os.Getwd()
			if err != nil {
				t.Fatal(err)
			}
			write(t, "kith.toml", tt.text)
			if err := os.Chmod("kith.toml", 0o644); err != nil {
				t.Fatal(err)
			}
			c, err := config.Load("kith.toml", environment(map[string]string{"STATE_DIRECTORY": tt.state}))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.ReplaceAll(c.Database.String(), dir, "DIR"); got != tt.want {
				t.Errorf("database %s, want %s", got, tt.want)
			}
			if (len(c.Warnings) > 0) != tt.warns {
				t.Errorf("warnings %v, want any: %v", c.Warnings, tt.warns)
			}
			if strings.Contains(c.Warnings.Error(), "hunter2") {
				t.Errorf("the warning shows the password: %v", c.Warnings)
			}
		})
	}
}

func TestLoadConfD(t *testing.T) {
	const account = "[[account]]\nname = %q\nkind = \"microsoft\"\nusername = %q\n"
	for _, tt := range []struct {
		reason string
		files  map[string]string
		want   string // the names of the accounts and the patterns, or the problems
	}{
		{
			"accounts and never_record are added in the order of the names",
			map[string]string{
				"kith.toml":       fmt.Sprintf(account, "main", "a") + "[policy]\nnever_record = [\"a.test\"]",
				"conf.d/20.toml":  fmt.Sprintf(account, "twenty", "b"),
				"conf.d/10.toml":  fmt.Sprintf(account, "ten", "c") + "[policy]\nnever_record = [\"b.test\", \"c.test\"]",
				"conf.d/x.txt":    "not read",
				"conf.d/.10.toml": "not read",
			},
			"main ten twenty | a.test b.test c.test",
		},
		{
			"a key set in two files is a problem that names both",
			map[string]string{
				"kith.toml":     "since = \"1y\"\n[templates]\nemail_in = \"A\"\n[log]\nlevel = \"warn\"",
				"conf.d/a.toml": "since = \"2y\"\nown_domains = [\"x.test\"]\n[templates]\nemail_in = \"B\"\n[log]\nformat = \"json\"",
				"conf.d/b.toml": "own_domains = [\"y.test\"]",
			},
			"conf.d/a.toml:1:1: since: is set already at kith.toml:1; remove one of the two\n" +
				"   1 | since = \"2y\"\n     | ^^^^^\n" +
				"conf.d/a.toml:4:1: templates.email_in: is set already at kith.toml:3; remove one of the two\n" +
				"   4 | email_in = \"B\"\n     | ^^^^^^^^\n" +
				"conf.d/b.toml:1:1: own_domains: is set already at conf.d/a.toml:2; remove one of the two\n" +
				"   1 | own_domains = [\"y.test\"]\n     | ^^^^^^^^^^^",
		},
		{
			"I13 the same mailbox in two files",
			map[string]string{
				"kith.toml":     fmt.Sprintf(account, "one", "alice"),
				"conf.d/a.toml": fmt.Sprintf(account, "two", "Alice"),
			},
			"conf.d/a.toml:1:3: account \"two\": reads the same as the account at kith.toml:1: remove one, or join their include and addresses\n" +
				"   1 | [[account]]\n     |   ^^^^^^^",
		},
		{
			"problems of all files are told at once, those of a file that is no TOML too",
			map[string]string{
				"kith.toml":     "bogus = 1",
				"conf.d/a.toml": "[",
				"conf.d/b.toml": fmt.Sprintf(account, "a b", "alice"),
			},
			"conf.d/a.toml:1:1: not valid TOML: expected key but reached end of input\n   1 | [\n     | ^\n" +
				"kith.toml:1:1: bogus: unknown key; known here: account, database, database_replica, http, limits, log, own_domains, policy, region, secrets, since, templates, time_zone\n" +
				"   1 | bogus = 1\n     | ^^^^^\n" +
				"conf.d/b.toml:2:8: account \"a b\": name: \"a b\" is no name for an account: want letters, digits and - _ . @, 64 at most, a letter or digit first\n" +
				"   2 | name = \"a b\"\n     |        ^^^^^",
		},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			t.Chdir(t.TempDir())
			for name, text := range tt.files {
				write(t, name, text)
			}
			c, err := config.Load("kith.toml", environment(nil))
			var got string
			if err != nil {
				got = err.Error()
			} else {
				var names []string
				for _, a := range c.Accounts {
					names = append(names, a.Name)
				}
				got = strings.Join(names, " ") + " | " + strings.Join(c.Policy.NeverRecord, " ")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestLoadUnreadable(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "large.toml", strings.Repeat("#", 1<<20+1))
	for _, tt := range []struct{ reason, path, want string }{
		{"no such file", "kith.toml", "kith.toml: no such file or directory"},
		{"a folder", ".", ".: is a directory"},
		{"not a configuration", "large.toml", "large.toml: is larger than 1 MiB: not a configuration"},
	} {
		t.Run(tt.reason, func(t *testing.T) {
			_, err := config.Load(tt.path, environment(nil))
			if err == nil || err.Error() != tt.want {
				t.Errorf("Load(%q) = %v, want %s", tt.path, err, tt.want)
			}
		})
	}
}

func TestLoadByteOrderMark(t *testing.T) {
	t.Chdir(t.TempDir())
	if c := load(t, "\ufeffsince = \"2y\"", environment(nil)); c.Since.String() != "2y" {
		t.Errorf("since %s, want 2y", c.Since)
	}
}

func TestFind(t *testing.T) {
	none := func(string) string { return "" }
	named := func(name string) string { return map[string]string{"KITH_CONFIG": "env.toml"}[name] }
	t.Chdir(t.TempDir())
	if path, err := config.Find("", none); !errors.Is(err, fs.ErrNotExist) && path != "/etc/kith/kith.toml" {
		t.Errorf("nothing named and nothing in the folder: %q, %v, want the machine's file or fs.ErrNotExist", path, err)
	}
	write(t, "kith.toml", "")
	for _, tt := range []struct {
		reason, flag string
		getenv       func(string) string
		want         string
	}{
		{"the folder's own", "", none, "kith.toml"},
		{"the environment before the folder", "", named, "env.toml"},
		{"the flag before the environment", "flag.toml", named, "flag.toml"},
	} {
		if path, err := config.Find(tt.flag, tt.getenv); path != tt.want || err != nil {
			t.Errorf("%s: Find = %q, %v, want %q", tt.reason, path, err, tt.want)
		}
	}
}
