package config_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"kith/config"
)

func TestShowLoadsAgain(t *testing.T) {
	text := testdata(t, "valid-full.toml")
	env := inFolder(t)
	want := load(t, text, env)
	var shown bytes.Buffer
	if err := want.Show(&shown); err != nil {
		t.Fatal(err)
	}
	if got := load(t, shown.String(), env); diff(want, got) != "" {
		t.Errorf("-want +got\n%s\nshown:\n%s", diff(want, got), &shown)
	}
}

func TestShowHidesSecrets(t *testing.T) {
	env := inFolder(t)
	c := load(t, `database = "postgres://kith:hunter2@db/kith"
[[account]]
name = "alice"
kind = "imap"
url = "imaps://mail.example.test"
username = "alice"
password_file = "password"
`, env)
	var shown bytes.Buffer
	if err := c.Show(&shown); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(shown.String(), "hunter2") || !strings.Contains(shown.String(), "postgres://kith:[secret]@db/kith") {
		t.Errorf("H09 the password is shown, or nothing in its place:\n%s", &shown)
	}
	if !strings.Contains(shown.String(), "password_file = ") {
		t.Errorf("where the password is kept is not shown:\n%s", &shown)
	}
}

func TestExampleIsTaken(t *testing.T) {
	full := testdata(t, "valid-full.toml")
	env := inFolder(t)
	for reason, text := range map[string]string{"nothing set": "", "everything set": full} {
		t.Run(reason, func(t *testing.T) {
			want := load(t, text, env)
			example := config.Example(want)
			if got := load(t, string(example), env); diff(want, got) != "" {
				t.Errorf("-want +got\n%s\nexample:\n%s", diff(want, got), example)
			}
		})
	}
}

// What stands in the example as a comment must be right too: with every # taken
// away it is a configuration but for the files and folders that it names.
func TestExampleExplainsEveryKey(t *testing.T) {
	inFolder(t)
	example := string(config.Example(config.Default()))
	for i, line := range strings.Split(example, "\n") {
		if len([]rune(line)) > 110 {
			t.Errorf("line %d has %d characters", i+1, len([]rune(line)))
		}
	}
	set := regexp.MustCompile(`(?m)^# ((?:\[\[)?[a-z_]+(?: = .*|\]\]))$`).ReplaceAllString(example, "$1")
	write(t, "kith.toml", set)
	_, err := config.Load("kith.toml", environment(nil))
	if err == nil {
		t.Fatal("the four ways to give a password are taken at once")
	}
	for _, p := range err.(config.Problems) {
		if !strings.Contains(p.Message, "the password is given as") && !strings.Contains(p.Message, "no such file") &&
			!strings.Contains(p.Message, "the keys are given as") && !strings.Contains(p.Message, "is that of one user") &&
			!strings.Contains(p.Message, "has no database that it is a standby of") &&
			!strings.Contains(p.Message, "can't run") && !strings.Contains(p.Message, "is not set") {
			t.Errorf("the example holds a mistake: %v", p)
		}
	}
	for _, key := range schemaKeys(t) {
		name := key[strings.LastIndex(key, ".")+1:]
		if !regexp.MustCompile(`(?m)^(# )?(` + name + ` = |\[+` + name + `\])`).MatchString(example) {
			t.Errorf("the example has no %s", key)
		}
	}
}

// schemaKeys lists the keys of the schema, with the tables they are in.
func schemaKeys(t *testing.T) []string {
	t.Helper()
	type table struct {
		Properties map[string]json.RawMessage
		Items      json.RawMessage
	}
	var keys []string
	var walk func(prefix string, raw json.RawMessage)
	walk = func(prefix string, raw json.RawMessage) {
		var s table
		if err := json.Unmarshal(raw, &s); err != nil {
			t.Fatal(err)
		}
		if s.Items != nil {
			walk(prefix, s.Items)
		}
		for name, inner := range s.Properties {
			keys = append(keys, prefix+name)
			walk(prefix+name+".", inner)
		}
	}
	walk("", config.Schema())
	slices.Sort(keys)
	return keys
}

func TestSchemaKnowsTheInterface(t *testing.T) {
	want := strings.Fields(`
		account account.addresses account.allow_plain account.allow_private account.ca_file account.credential account.exclude
		account.include account.kind account.master_separator account.master_user account.name account.owner account.password_command account.password_env account.password_file
		account.schedule account.url account.username account.users account.users_file
		database database_replica
		http http.allow_plain_http http.listen http.tls_cert http.tls_key
		limits limits.account_timeout limits.batch limits.create_contacts limits.header_size limits.per_host limits.recipients limits.time_slice limits.workers
		log log.format log.level
		own_domains
		policy policy.all_day policy.auto_reply policy.body policy.bulk policy.company_by_domain policy.create_contacts policy.forwarded policy.gmail_dots policy.internal policy.invitations
		policy.large_meeting policy.never_record policy.planned_days policy.plus_addressing policy.private policy.subject policy.tentative policy.transparent policy.unmatched
		region
		secrets secrets.key_command secrets.key_credential secrets.key_env secrets.key_file
		since
		templates templates.email_in templates.email_out templates.letter_in templates.letter_out templates.meeting
		templates.phone_in templates.phone_out
		time_zone`)
	if diff := cmp.Diff(want, schemaKeys(t)); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestSchema(t *testing.T) {
	var schema map[string]any
	if err := json.Unmarshal(config.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	property := func(path ...string) map[string]any {
		s := schema
		for _, name := range path {
			s, _ = s["properties"].(map[string]any)[name].(map[string]any)
		}
		return s
	}
	want := map[string]any{
		"type": "string", "enum": []any{"forget", "suggest"}, "default": "forget",
		"description": property("policy", "unmatched")["description"],
	}
	if diff := cmp.Diff(want, property("policy", "unmatched")); diff != "" {
		t.Errorf("policy.unmatched: -want +got\n%s", diff)
	}
	want = map[string]any{
		"type": "integer", "minimum": 1.0, "maximum": 256.0, "default": 4.0,
		"description": property("limits", "workers")["description"],
	}
	if diff := cmp.Diff(want, property("limits", "workers")); diff != "" {
		t.Errorf("limits.workers: -want +got\n%s", diff)
	}
	if schema["$schema"] != "https://json-schema.org/draft/2020-12/schema" || schema["additionalProperties"] != false {
		t.Errorf("the schema is not of the draft, or takes unknown keys: %v, %v", schema["$schema"], schema["additionalProperties"])
	}
	// Patterns of JSON Schema are those of JavaScript; what is used here means the same in Go.
	since := regexp.MustCompile(property("since")["pattern"].(string))
	slice := regexp.MustCompile(property("limits", "time_slice")["pattern"].(string))
	for text, valid := range map[string]bool{"365d": true, "2024-01-31": true, "18m": false, "soon": false} {
		if since.MatchString(text) != valid {
			t.Errorf("the pattern of since takes %q: %v, want %v", text, !valid, valid)
		}
	}
	for text, valid := range map[string]bool{"30s": true, "1h30m": true, "30": false} {
		if slice.MatchString(text) != valid {
			t.Errorf("the pattern of time_slice takes %q: %v, want %v", text, !valid, valid)
		}
	}
}

// Whatever the bytes are: either every problem has a place that exists and a text fit for
// a terminal, or the configuration can be shown, written as an example, and
// read again from both with the same meaning.
func FuzzLoad(f *testing.F) {
	files, err := filepath.Glob("testdata/*.toml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte("account = [{name='a', kind='microsoft', schedule='CRON_TZ=X'}, 3, [[]]]\npolicy.never_record=[[1],'x']\n"))
	f.Add([]byte("[[account]]\r\n\"na\\u006de\" = '''\nx'''\n[account.x]\ny.z = 1"))
	env := environment(nil)
	path := filepath.Join(f.TempDir(), "kith.toml")
	read := func(t *testing.T, data []byte) (*config.Config, error) {
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		return config.Load(path, env)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := read(t, data)
		if err != nil {
			problems, ok := err.(config.Problems)
			if !ok || len(problems) == 0 {
				t.Fatalf("error %T %v, want Problems", err, err)
			}
			rows := bytes.Count(data, []byte("\n")) + 1
			for _, p := range problems {
				if p.Row > rows || p.Row > 0 && (p.Column < 1 || !strings.Contains(p.Excerpt, "^")) || p.File != path || p.Message == "" {
					t.Errorf("a problem without its place: %+v", p)
				}
				bad := func(r rune) bool { return r != '\n' && r != '\t' && unicode.IsControl(r) }
				if text := p.String(); !utf8.ValidString(text) || strings.ContainsFunc(text, bad) {
					t.Errorf("a problem that can't be printed: %q", text)
				}
			}
			return
		}
		var shown bytes.Buffer
		if err := c.Show(&shown); err != nil {
			t.Fatal(err)
		}
		for _, text := range [][]byte{shown.Bytes(), config.Example(c)} {
			again, err := read(t, text)
			if err != nil {
				t.Fatalf("not taken back: %v\n%s", err, text)
			}
			if c.Database.Driver != config.Postgres && diff(c, again) != "" {
				t.Errorf("changed: -want +got\n%s\n%s", diff(c, again), text)
			}
		}
	})
}
