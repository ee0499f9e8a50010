package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith"
)

// newRegisterSite makes an installation whose file names no account, with keys.
func newRegisterSite(t testing.TB, keys ...string) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), env: map[string]string{}}
	s.write("kith.toml", fmt.Sprintf("database = \"sqlite://%s\"\nsince = \"1100d\"\ntime_zone = \"UTC\"\n[secrets]\nkey_file = \"keys\"\n", s.path("kith.db")))
	s.keys(keys...)
	return s
}

// keys writes the key ring: a key of each id, always the same.
func (s *site) keys(ids ...string) {
	s.t.Helper()
	var lines strings.Builder
	for _, id := range ids {
		fmt.Fprintf(&lines, "%s %s\n", id, testKeys[id])
	}
	s.write("keys", lines.String())
}

var testKeys = map[string]string{
	"one": "b25lIG9uZSBvbmUgb25lIG9uZSBvbmUgb25lIG9uZSA=",
	"two": "dHdvIHR3byB0d28gdHdvIHR3byB0d28gdHdvIHR3byA=",
}

// fails runs a command that has to end with a code, and returns what it printed.
func (s *site) fails(code int, args ...string) (stdout, stderr string) {
	s.t.Helper()
	got, stdout, stderr := s.run(args...)
	if got != code {
		s.t.Fatalf("kith %s: exit code %d, want %d\n%s%s", strings.Join(args, " "), got, code, stdout, stderr)
	}
	return stdout, stderr
}

// account returns what kith tells of an account.
func (s *site) account(name string) accountRow {
	s.t.Helper()
	var row accountRow
	if err := json.Unmarshal([]byte(s.must("--json", "accounts", "show", name)), &row); err != nil {
		s.t.Fatal(err)
	}
	return row
}

// holds tells whether any file of the installation but those named holds a text.
func (s *site) holds(text string, but ...string) (where string) {
	s.t.Helper()
	files, err := filepath.Glob(s.path("*"))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			s.t.Fatal(err)
		}
		if bytes.Contains(data, []byte(text)) && !strings.Contains(strings.Join(but, " "), filepath.Base(file)) {
			return file
		}
	}
	return ""
}

const accountHeader = "name,kind,url,username,password,addresses,owner,schedule\n"

func TestAccountsImport(t *testing.T) {
	s := newRegisterSite(t, "one")
	s.write("kith.toml", readFile(t, s.path("kith.toml"))+"[[account]]\nname = \"file\"\nkind = \"imap\"\nurl = \"imaps://x.test\"\nusername = \"file\"\npassword_file = \"file.password\"\n")
	s.write("file.password", "hunter1\n")
	s.write("accounts.csv", "\ufeffName, KIND,url,username,password,addresses,owner,schedule\r\n"+
		"alice,imap,imaps://x.test,alice@x.test,hunter2,alice@x.test;a@x.test,,@hourly\r\n"+ // 2
		"a/b,imap,imaps://x.test,ab,hunter2,,,\r\n"+
		"bob,imap,imaps://x.test,bob,,,,\r\n"+ // 4
		"carol,imapp,imaps://x.test,carol,hunter2,,,often\r\n"+
		"ALICE,imap,imaps://y.test,alice,hunter2,,,\r\n"+ // 6
		"alice2,imap,imap+starttls://X.test,Alice@x.test,hunter2,,,\r\n"+
		"file,imap,imaps://y.test,f,hunter2,,,\r\n"+ // 8
		"file2,imap,imaps://x.test,file,hunter2,,,\r\n"+
		"dave,imap,imaps://x.test,dave\r\n"+ // 10
		"eve,imap,imaps://x.test,\"eve\"x,hunter2,,,\r\n"+
		"room,ics,https://x.test/room.ics,,,,,\r\n"+ // 12
		"\r\n"+
		"\"multi\",imap,imaps://x.test,\"mul\nti\",\"hun\"\"ter2, \",,,\r\n") // 14
	want := accountImportResult{Created: 3, Rejected: 9, DryRun: true, Rows: []rejectedRow{
		{3, `name: "a/b" is no name for an account: want letters, digits and - _ . @, 64 at most, a letter or digit first`},
		{4, `has no password`},
		{5, `kind: "imapp" is not known: want "imap", "caldav", "ics", "carddav", "microsoft" or "google"; did you mean "imap"?; schedule: "often" is no cron spec: expected exactly 5 fields, found 1: [often]; want five fields such as "*/5 8-18 * * 1-5", @hourly, or "@every 5m"`},
		{6, `the account "alice" in line 2 has this name: names must differ, in more than upper and lower case`},
		{7, `the account "alice" in line 2 reads the same mailbox`},
		{8, `the account "file" of the configuration file has this name: names must differ, in more than upper and lower case`},
		{9, `the account "file" of the configuration file reads the same mailbox`},
		{10, `has 4 columns, the header has 8`},
		{11, `extraneous or missing " in quoted-field`},
	}}
	result := func(out string) (r accountImportResult) {
		t.Helper()
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	out, stderr := s.fails(exitPartly, "--json", "accounts", "import", s.path("accounts.csv"), "--dry-run")
	if diff := cmp.Diff(want, result(out)); diff != "" {
		t.Errorf("a dry run -want +got\n%s\n%s", diff, stderr)
	}
	if rows := s.must("--json", "accounts", "list", "--origin", "register"); rows != "" {
		t.Fatalf("a dry run added accounts: %s", rows)
	}
	want.DryRun = false
	out, stderr = s.fails(exitPartly, "--json", "accounts", "import", s.path("accounts.csv"))
	if diff := cmp.Diff(want, result(out)); diff != "" {
		t.Errorf("-want +got\n%s\n%s", diff, stderr)
	}
	want.Created, want.Unchanged = 0, 3
	out, _ = s.fails(exitPartly, "--json", "accounts", "import", s.path("accounts.csv"))
	if diff := cmp.Diff(want, result(out)); diff != "" {
		t.Errorf("the same again: -want +got\n%s", diff)
	}

	key := "one"
	alice := s.account("alice")
	if alice.NextPoll == nil || alice.UpdatedAt == nil {
		t.Errorf("alice has no times: %+v", alice)
	}
	alice.NextPoll, alice.UpdatedAt = nil, nil
	if diff := cmp.Diff(accountRow{
		Name: "alice", Origin: kith.OriginRegister, Kind: "imap", State: kith.StateNew, Owner: "alice@x.test", Addresses: []string{"alice@x.test", "a@x.test"},
		URL: "imaps://x.test", Username: "alice@x.test", Schedule: "@hourly", Include: []string{}, Exclude: []string{}, Key: &key,
	}, alice); diff != "" {
		t.Errorf("alice: -want +got\n%s", diff)
	}
	if room := s.account("room"); room.Key != nil {
		t.Errorf("a feed without a login has a password sealed with %q", *room.Key)
	}
	if where := s.holds("hunter2", "accounts.csv"); where != "" {
		t.Errorf("H09 the password is in clear in %s", where)
	}

	// A changed password, a changed setting, and what is not in the file stays.
	s.must("accounts", "disable", "alice")
	s.write("more.csv", accountHeader+"alice,imap,imaps://x.test,alice@x.test,hunter3,,,@daily\nmulti,imap,imaps://x.test,new,hunter2,,,\nwho,imap,imaps://x.test,\"mul\nti\",hunter2,,,\n")
	if diff := cmp.Diff(accountImportResult{Created: 1, Updated: 2, Rows: []rejectedRow{}}, result(s.must("--json", "accounts", "import", s.path("more.csv")))); diff != "" {
		t.Errorf("more: -want +got\n%s", diff)
	}
	if alice := s.account("alice"); alice.Schedule != "@daily" || alice.State != kith.StateDisabled || len(alice.Addresses) != 0 {
		t.Errorf("alice after the change: %+v", alice)
	}
	var names []string
	for _, row := range jsonLinesOf[accountRow](t, s.must("--json", "accounts")) {
		names = append(names, row.Name)
	}
	if diff := cmp.Diff([]string{"file", "alice", "multi", "room", "who"}, names); diff != "" {
		t.Errorf("accounts: -want +got\n%s", diff)
	}
}

func TestAccountsImportRefusesFiles(t *testing.T) {
	s := newRegisterSite(t, "one")
	for _, tt := range []struct{ reason, csv, want string }{
		{"nothing", "", "is empty: want a header row"},
		{"an unknown column", "name,kind,passwort\n", `"passwort" is no column: want some of name, kind, schedule, owner, addresses, url, username, ca_file, include, exclude, allow_private, allow_plain, password, with commas between`},
		{"H09 a file of passwords", "name,kind,password_file\n", `"password_file" is no column`},
		{"semicolons", "name;kind\n", `"name;kind" is no column`},
		{"a column twice", "name,kind,name\n", `the column "name" is there twice`},
		{"no kind", "name,url\n", `there is no column "kind"`},
		{"H09 no header", "alice,imap,imaps://x.test,alice,hunter2\n", `"alice" is no column`},
	} {
		s.write("bad.csv", tt.csv)
		if _, stderr := s.fails(exitUsage, "accounts", "import", s.path("bad.csv")); !strings.Contains(stderr, tt.want) || strings.Contains(stderr, "hunter2") {
			t.Errorf("%s: %s, want %s", tt.reason, stderr, tt.want)
		}
	}
	if _, stderr := s.fails(exitNotFound, "accounts", "import", s.path("no.csv")); !strings.Contains(stderr, "no.csv") {
		t.Errorf("no such file: %s", stderr)
	}
	s.write("good.csv", accountHeader+"alice,imap,imaps://x.test,alice,hunter2,,,\n")
	if err := os.Chmod(s.path("good.csv"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, stderr := s.fails(exitDone, "accounts", "import", s.path("good.csv")); !strings.Contains(stderr, "holds passwords, and others can read it (mode 0644)") {
		t.Errorf("H09 passwords that everybody can read: %q", stderr)
	}
	s.write("kith.toml", strings.Split(readFile(t, s.path("kith.toml")), "[secrets]")[0])
	if _, stderr := s.fails(exitUsage, "accounts", "import", s.path("good.csv")); !strings.Contains(stderr, "there is no key") {
		t.Errorf("without keys: %s", stderr)
	}
}

func TestAccountsImportManyRows(t *testing.T) {
	s := newRegisterSite(t, "one")
	const n = 2*importBatch + 7
	var csv strings.Builder
	csv.WriteString(accountHeader)
	for i := range n {
		fmt.Fprintf(&csv, "user%04d,imap,imaps://x.test,user%04d@x.test,hunter2,,,\n", i, i)
	}
	s.write("many.csv", csv.String())
	out := s.must("accounts", "import", s.path("many.csv"))
	if want := "1,007 created, 0 updated, 0 unchanged, 0 rejected\n"; out != want {
		t.Errorf("%q, want %q", out, want)
	}
	if rows := jsonLinesOf[accountRow](t, s.must("--json", "accounts", "list", "user1")); len(rows) != 7 {
		t.Errorf("%d accounts with user1 in their names, want 7", len(rows))
	}
	if out := s.must("accounts", "list"); !strings.Contains(out, "… the first 50; --limit 0 shows all") || strings.Count(out, "user0") != 2*50 {
		t.Errorf("the table is not cut at 50:\n%s", out)
	}
}

func TestAccountsAddAndChange(t *testing.T) {
	s := newRegisterSite(t, "one")
	s.write("alice.password", "hunter2\n")
	add := []string{"accounts", "add", "alice", "--url", "imaps://x.test", "--username", "alice@x.test", "--password-file", s.path("alice.password")}
	s.must(append(add, "--address", "alice@x.test", "--address", "a@x.test", "--exclude", "HR/*")...)
	if alice := s.account("alice"); len(alice.Addresses) != 2 || alice.Owner != "alice@x.test" || alice.Schedule != "@every 5m" {
		t.Errorf("added: %+v", alice)
	}
	if _, stderr := s.fails(exitConflict, add...); !strings.Contains(stderr, "--replace") {
		t.Errorf("twice: %s", stderr)
	}
	s.must(append(add, "--replace", "--schedule", "@hourly")...)
	if alice := s.account("alice"); alice.Schedule != "@hourly" || len(alice.Exclude) != 0 {
		t.Errorf("replaced: %+v", alice)
	}
	if _, stderr := s.fails(exitUsage, "accounts", "add", "x", "--url", "ftp://x.test", "--username", "x", "--password-file", s.path("alice.password")); !strings.Contains(stderr, `account x: url: "ftp" is no scheme`) {
		t.Errorf("a wrong URL: %s", stderr)
	}
	if _, stderr := s.fails(exitUsage, "accounts", "add", "x", "--url", "imaps://x.test", "--username", "x"); !strings.Contains(stderr, "nobody answers") {
		t.Errorf("nobody to ask: %s", stderr)
	}

	s.must("accounts", "disable", "alice")
	if alice := s.account("alice"); alice.State != kith.StateDisabled || alice.NextPoll != nil {
		t.Errorf("disabled: %+v", alice)
	}
	if _, stderr := s.fails(exitConflict, "sync", "alice"); !strings.Contains(stderr, "kith accounts enable alice") {
		t.Errorf("sync of a disabled account: %s", stderr)
	}
	if _, stderr := s.fails(exitUsage, "sync"); !strings.Contains(stderr, "there is no account") {
		t.Errorf("sync of all, of which none is enabled: %s", stderr)
	}
	s.must("accounts", "enable", "alice")
	if alice := s.account("alice"); alice.State != kith.StateNew || alice.NextPoll == nil {
		t.Errorf("enabled: %+v", alice)
	}
	s.fails(exitNotFound, "accounts", "disable", "alice", "nobody")
	if alice := s.account("alice"); alice.State != kith.StateNew {
		t.Errorf("one of two is not there, and the other was changed: %+v", alice)
	}
	s.must("accounts", "rm", "alice")
	s.fails(exitNotFound, "accounts", "show", "alice")
	s.fails(exitNotFound, "accounts", "rm", "alice")
	if out := s.must("--json", "accounts"); out != "" {
		t.Errorf("after rm: %s", out)
	}
}

func TestAccountsKey(t *testing.T) {
	s := newRegisterSite(t)
	line := s.must("accounts", "key")
	if !strings.HasPrefix(line, s.now().Format("2006-01-02")+" ") || len(line) != len("2026-11-23 ")+44+1 {
		t.Errorf("a line of %d characters: its id is not the date", len(line))
	}
	s.write("keys", s.must("accounts", "key", "new")+line)
	s.must("config", "check")
	s.fails(exitUsage, "accounts", "key", "a b")
	s.write("keys", "new hunter2\n")
	if _, stderr := s.fails(exitUsage, "config", "check"); !strings.Contains(stderr, `secrets: the keys can't be read: line 1: the key "new" is not base64`) || strings.Contains(stderr, "hunter2") {
		t.Errorf("H09 a broken ring: %s", stderr)
	}
}

func TestAccountsRekey(t *testing.T) {
	s := newRegisterSite(t, "one")
	s.write("accounts.csv", accountHeader+"alice,imap,imaps://x.test,alice,hunter2,,,\nbob,imap,imaps://x.test,bob,hunter2,,,\nroom,ics,https://x.test/r.ics,,,,,\n")
	s.must("accounts", "import", s.path("accounts.csv"))
	rekey := func(code int, want rekeyResult) {
		t.Helper()
		out, stderr := s.fails(code, "--json", "accounts", "rekey")
		var got rekeyResult
		if err := json.Unmarshal([]byte(out), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s%s", diff, stderr)
		}
	}
	rekey(exitDone, rekeyResult{Key: "one", Already: 2, Failed: []rekeyFailure{}})
	s.keys("two") // the old one is missing
	missing := `there is no key "one", which sealed it`
	rekey(exitPartly, rekeyResult{Key: "two", Failed: []rekeyFailure{{"alice", missing}, {"bob", missing}}})
	s.write("more.csv", accountHeader+"bob,imap,imaps://x.test,bob,hunter3,,,\n") // a new password mends it
	s.must("accounts", "import", s.path("more.csv"))
	rekey(exitPartly, rekeyResult{Key: "two", Already: 1, Failed: []rekeyFailure{{"alice", missing}}})
	if out, _ := s.fails(exitPartly, "doctor", "--offline"); !strings.Contains(out, `passwords sealed with the key "one" that can't be opened: 1`) {
		t.Errorf("doctor does not tell of the key:\n%s", out)
	}
	s.keys("two", "one")
	rekey(exitDone, rekeyResult{Key: "two", Sealed: 1, Already: 1, Failed: []rekeyFailure{}})
	s.keys("two")
	rekey(exitDone, rekeyResult{Key: "two", Already: 2, Failed: []rekeyFailure{}})
	if out, _ := s.fails(exitPartly, "doctor", "--offline"); !strings.Contains(out, "3 in the register, and their passwords can be opened") {
		t.Errorf("doctor:\n%s", out)
	}
	// A second import tells what each password is by opening it.
	if out := s.must("accounts", "import", s.path("more.csv")); !strings.HasPrefix(out, "0 created, 0 updated, 1 unchanged") {
		t.Errorf("after rekey: %s", out)
	}
}
