package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/config"
	"kith/seal"
	"kith/servertest"
	"kith/store/sqlite"
)

// masterPassword is that of the master user "kith"; it opens no mailbox by itself.
const masterPassword = "master secret"

// masterDovecot starts a Dovecot with a master user, as docs/fleet.md has it. scheme is how its password
// is stored, more is for its password database, mechanisms are those of all logins.
func masterDovecot(t testing.TB, scheme, more, mechanisms string) *servertest.DovecotServer {
	t.Helper()
	dir, err := os.MkdirTemp("", "kith-master-") // the server must be able to go there
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	users := filepath.Join(dir, "master-users")
	server := servertest.Dovecot(t, servertest.DovecotOptions{Extra: fmt.Sprintf(
		"auth_mechanisms = %s\nauth_master_user_separator = *\npassdb {\n driver = passwd-file\n args = %s\n master = yes\n %s\n}\n", mechanisms, users, more)})
	line := "kith:" + server.Adm(t, "pw", "-s", scheme, "-p", masterPassword)
	if err := os.WriteFile(users, []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	return server
}

// offer delivers a letter from Ann to a user.
func offer(t testing.TB, server *servertest.DovecotServer, user, id string) {
	t.Helper()
	raw := fmt.Sprintf("From: Ann Doe <ann@client.test>\r\nTo: %s\r\nDate: %s\r\nSubject: offer %s\r\nMessage-ID: <%s@client.test>\r\n\r\nDear you\r\n",
		user, time.Now().Add(-time.Hour).Format(time.RFC1123Z), id, id)
	server.Deliver(t, user, "INBOX", time.Now().Add(-time.Hour), "", []byte(raw))
}

// owners tells of each recorded letter whose it is.
func (s *site) owners() map[string]string {
	s.t.Helper()
	owners := map[string]string{}
	for _, i := range s.interactions() {
		owners[i.Subject] = i.Owner
	}
	return owners
}

func (s *site) addAccount(name, url, username, password string) {
	s.t.Helper()
	s.write(name+".password", password+"\n")
	s.must("accounts", "add", name, "--url", url, "--username", username, "--address", name+"@example.test", "--schedule", "@every 1s", "--password-file", s.path(name+".password"))
	if err := os.Remove(s.path(name + ".password")); err != nil {
		s.t.Fatal(err)
	}
}

func TestMasterUserReadsEveryMailbox(t *testing.T) {
	for _, tt := range []struct{ reason, scheme, more, mechanisms string }{
		{"by SCRAM", "SCRAM-SHA-256", "", "plain scram-sha-256"},
		{"by PLAIN, where the user has to exist", "SHA512-CRYPT", "result_success = continue", "plain"},
	} {
		t.Run(tt.reason, func(t *testing.T) { readEveryMailbox(t, masterDovecot(t, tt.scheme, tt.more, tt.mechanisms)) })
	}
}

func readEveryMailbox(t *testing.T, server *servertest.DovecotServer) {
	for _, user := range []string{servertest.Alice, servertest.Bob, servertest.Carol} {
		offer(t, server, user, "to-"+user[:3])
	}
	s := newRegisterSite(t, "one")
	s.write("master.password", masterPassword+"\n")
	s.write("users.txt", "# the staff\n"+servertest.Bob+"\n")
	s.write("kith.toml", readFile(t, s.path("kith.toml"))+fmt.Sprintf(`
[[account]]
name = "staff"
kind = "imap"
url = %q
master_user = "kith"
users = ["a.jones@example.test %s"]
users_file = "users.txt"
password_file = "master.password"
`, server.URL("imap"), servertest.Alice))
	s.importContacts("name,email\nAnn,ann@client.test\n")
	// One more, from the register, by the same master user.
	s.addAccount("carol", server.URL("imap"), servertest.Carol+"*kith", masterPassword)

	if out := s.must("config", "check", "--online"); strings.Count(out, "logged in at") != 3 {
		t.Errorf("config check --online does not log in three times:\n%s", out)
	}
	s.must("sync")
	want := map[string]string{"offer to-ali": "a.jones@example.test", "offer to-bob": servertest.Bob, "offer to-car": "carol@example.test"}
	if diff := cmp.Diff(want, s.owners()); diff != "" {
		t.Errorf("owners -want +got\n%s", diff)
	}
	var seen []string
	for _, i := range s.interactions() {
		seen = append(seen, i.Evidence[0].Account)
	}
	if diff := cmp.Diff([]string{"carol", "staff-a.jones@example.test", "staff-bob@example.test"}, slices.Sorted(slices.Values(seen))); diff != "" {
		t.Errorf("accounts -want +got\n%s", diff)
	}
	// A ref is account/stream/ref: what kith prints can be asked for.
	for _, i := range s.interactions() {
		e := i.Evidence[0]
		if out := s.must("explain", e.Account+"/"+e.Stream+"/"+e.Ref); !strings.Contains(out, "recorded") {
			t.Errorf("explain %s: %s", e.Account, out)
		}
	}
	log := server.Log(t)
	if !strings.Contains(log, "user=<"+servertest.Bob+">") {
		t.Error("Dovecot knows of no login as Bob")
	}
}

func TestMasterUserWithAWrongPassword(t *testing.T) {
	server := masterDovecot(t, "PLAIN", "", "plain scram-sha-256")
	s := newRegisterSite(t, "one")
	s.write("master.password", "wrong\n")
	s.write("kith.toml", readFile(t, s.path("kith.toml"))+fmt.Sprintf("[[account]]\nname = \"staff\"\nkind = \"imap\"\nurl = %q\nmaster_user = \"kith\"\nusers = [%q]\npassword_file = \"master.password\"\n", server.URL("imap"), servertest.Alice))
	if _, stderr := s.fails(exitFailed, "sync"); !strings.Contains(stderr, "staff-alice@example.test") || strings.Contains(stderr, "wrong") {
		t.Errorf("%s", stderr)
	}
}

func TestAccountOfTheRegisterIsPolled(t *testing.T) {
	server := servertest.Dovecot(t)
	offer(t, server, servertest.Alice, "1")
	offer(t, server, servertest.Bob, "2")
	s := newRegisterSite(t, "one")
	s.importContacts("name,email\nAnn,ann@client.test\n")
	s.addAccount("alice", server.URL("imap"), servertest.Alice, servertest.Password)
	s.addAccount("bob", server.URL("imap"), servertest.Bob, servertest.Password)
	if where := s.holds(servertest.Password, "kith.toml"); where != "" {
		t.Errorf("H09 the password is in clear in %s", where)
	}
	s.must("accounts", "disable", "bob")
	s.must("sync")
	if diff := cmp.Diff(map[string]string{"offer 1": "alice@example.test"}, s.owners()); diff != "" {
		t.Errorf("Bob is disabled: -want +got\n%s", diff)
	}
	s.must("accounts", "enable", "bob")
	s.must("sync", "bob")
	if len(s.interactions()) != 2 {
		t.Errorf("%d interactions, want 2", len(s.interactions()))
	}
	if out := s.must("explain", "<1@client.test>"); !strings.Contains(out, "alice/INBOX/") {
		t.Errorf("explain: %s", out)
	}
	if out := s.must("doctor"); strings.Count(out, "logged in at") != 2 || !strings.Contains(out, "2 in the register, and their passwords can be opened") {
		t.Errorf("doctor:\n%s", out)
	}
	s.must("accounts", "rm", "bob")
	if _, stderr := s.fails(exitNotFound, "sync", "bob"); !strings.Contains(stderr, "neither in") {
		t.Errorf("sync of a removed account: %s", stderr)
	}
	if len(s.interactions()) != 2 {
		t.Error("what a removed account recorded is gone")
	}
}

// One of many accounts can't be opened: it tells why, and the others go on.
func TestMissingKeyStopsOneAccount(t *testing.T) {
	server := servertest.Dovecot(t)
	offer(t, server, servertest.Alice, "1")
	offer(t, server, servertest.Bob, "2")
	s := newRegisterSite(t, "one")
	s.write("kith.toml", "http.listen = \"127.0.0.1:0\"\n"+readFile(t, s.path("kith.toml")))
	s.importContacts("name,email\nAnn,ann@client.test\n")
	s.addAccount("alice", server.URL("imap"), servertest.Alice, servertest.Password)
	s.keys("two")
	s.addAccount("bob", server.URL("imap"), servertest.Bob, servertest.Password)

	_, stderr := s.fails(exitPartly, "sync")
	want := `alice: account "alice": its password is sealed: there is no key "one", which sealed it`
	if !strings.Contains(stderr, want) {
		t.Errorf("%s, want %s", stderr, want)
	}
	if diff := cmp.Diff(map[string]string{"offer 2": "bob@example.test"}, s.owners()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if strings.Contains(server.Log(t), "user=<"+servertest.Alice+">") {
		t.Error("the server was bothered")
	}
	alice := s.account("alice")
	if alice.State != kith.StateFailing || alice.NextPoll == nil || alice.NextPoll.Sub(s.now()) < 50*time.Minute {
		t.Errorf("a fault of the settings rests for an hour: %+v", alice)
	}
	s.must("accounts", "enable", "alice")
	if alice := s.account("alice"); alice.State != kith.StateNew || alice.Error != nil {
		t.Errorf("enabled again: %+v", alice)
	}
	if log := s.serveHere()(); !strings.Contains(log, `msg="a key is missing: accounts whose passwords it sealed can't be polled" key=one accounts=1`) || strings.Contains(log, "key=two") {
		t.Errorf("the daemon does not tell which key is missing:\n%s", log)
	}
	s.keys("two", "one")
	s.must("sync")
	if len(s.interactions()) != 2 {
		t.Error("with the key back, Alice is not read")
	}
}

// A running daemon takes up accounts, and their addresses as ours.
func TestDaemonTakesUpAccounts(t *testing.T) {
	server := servertest.Dovecot(t)
	offer(t, server, servertest.Bob, "1")
	s := newRegisterSite(t, "one")
	s.importContacts("name,email\nAnn,ann@client.test\n")
	s.write("kith.toml", "http.listen = \"127.0.0.1:0\"\n"+readFile(t, s.path("kith.toml")))
	defer s.serveHere()()
	s.addAccount("bob", server.URL("imap"), servertest.Bob, servertest.Password)
	eventually(t, "Bob's mailbox is read", func() bool { return len(s.interactions()) == 1 })

	// Carol is one of us, though her account rests.
	s.addAccount("carol", server.URL("imap"), servertest.Carol, servertest.Password)
	s.must("accounts", "disable", "carol")
	s.wait(time.Minute) // the daemon looks for other accounts from time to time
	mark := s.now()
	eventually(t, "a poll that began before has ended", func() bool {
		last := s.statusOf("bob").LastSuccess
		return last != nil && last.After(mark)
	})
	raw := fmt.Sprintf("From: %s\r\nTo: Ann <ann@client.test>, %s\r\nDate: %s\r\nSubject: from Carol\r\nMessage-ID: <c@example.test>\r\n\r\nDear Ann\r\n",
		servertest.Carol, servertest.Bob, time.Now().Add(-time.Minute).Format(time.RFC1123Z))
	server.Deliver(t, servertest.Bob, "INBOX", time.Now(), "", []byte(raw))
	eventually(t, "Carol's letter is read", func() bool { return len(s.interactions()) == 2 })
	for _, i := range s.interactions() {
		if i.Subject == "from Carol" && (i.Direction != kith.Outbound || i.Owner != servertest.Carol) {
			t.Errorf("from one of us: %s, owner %s", i.Direction, i.Owner)
		}
	}
	s.must("accounts", "rm", "bob")
	if row := s.statusOf("bob"); row.State != kith.StateRemoved {
		t.Errorf("bob is %s", row.State)
	}
}

// serveHere runs the daemon of a site in this process, until stop is called.
func (s *site) serveHere() (stop func() (log string)) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(s.t.Context())
	var log safeBuffer
	ended := make(chan int)
	go func() { ended <- s.runTo(ctx, &log, &log, "serve") }()
	return func() string {
		s.t.Helper()
		eventually(s.t, "the daemon runs", func() bool { return strings.Contains(log.String(), "kith is running") })
		cancel()
		if code := <-ended; code != exitDone {
			s.t.Errorf("kith serve: exit code %d\n%s", code, log.String())
		}
		return log.String()
	}
}

func (s *site) statusOf(name string) accountJSON {
	s.t.Helper()
	var status statusJSON
	_, out, _ := s.run("--json", "status") // whether or not one is overdue
	if err := json.Unmarshal([]byte(out), &status); err != nil {
		s.t.Fatal(err)
	}
	for _, row := range status.Accounts {
		if row.Name == name {
			return row
		}
	}
	s.t.Fatalf("status does not tell of %s", name)
	return accountJSON{}
}

// A definition that this version can't read is told of by name, and by what is wrong.
func TestDefinitionThatCannotBeUsed(t *testing.T) {
	s := newRegisterSite(t, "one")
	s.addAccount("alice", "imaps://x.test", "alice", "hunter2")
	db, err := sqlite.Open(t.Context(), s.path("kith.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	d, err := db.Definition(t.Context(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	for reason, text := range map[string]string{
		"password_command: is for accounts in the configuration file": d.Text + "password_command = [\"id\"]\n",
		"colour: unknown key":          d.Text + "colour = \"red\"\n",
		"it names another account":     strings.Replace(d.Text, `"alice"`, `"bob"`, 1),
		"not valid TOML":               d.Text + "=",
		"url: \"ftp\" is no scheme":    strings.Replace(d.Text, "imaps", "ftp", 1),
		"its definition in the regist": "",
	} {
		d.Text = text
		if err := db.PutDefinitions(t.Context(), []kith.Definition{d}, s.now()); err != nil {
			t.Fatal(err)
		}
		if _, stderr := s.fails(exitFailed, "sync", "alice"); !strings.Contains(stderr, reason) || strings.Contains(stderr, "hunter2") {
			t.Errorf("%q, want %s", stderr, reason)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// A key that has come since is found, and one that is missing is not looked for all the time.
func TestKeyringReadsAgain(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	lines, reads := "one "+testKeys["one"], 0
	k := keyring{now: func() time.Time { return now }, read: func(context.Context) (seal.Ring, error) {
		reads++
		return seal.Parse(lines)
	}}
	both, err := seal.Parse("two " + testKeys["two"] + "\none " + testKeys["one"])
	if err != nil {
		t.Fatal(err)
	}
	var sealed kith.Sealed
	if sealed.Key, sealed.Box, err = both.Seal("hunter2", "alice"); err != nil {
		t.Fatal(err)
	}
	open := func(why string, ok bool, wantReads int) {
		t.Helper()
		secret, err := k.open(t.Context(), sealed, "alice")
		if (err == nil) != ok || ok && secret.Reveal() != "hunter2" || reads != wantReads {
			t.Errorf("%s: %v after %d readings, want %d", why, err, reads, wantReads)
		}
	}
	open("the key is missing", false, 1)
	open("at once again", false, 1)
	lines = "two " + testKeys["two"] + "\n" + lines
	open("it has come, and was looked for just now", false, 1)
	now = now.Add(keysAgain)
	open("a little later", true, 2)
	lines = "broken"
	now = now.Add(keysAgain)
	open("what is known opens, whatever became of the file", true, 2)
	sealed.Key = "three"
	if _, err := k.open(t.Context(), sealed, "alice"); err == nil || !strings.Contains(err.Error(), "line 1") || !strings.Contains(err.Error(), `no key "three"`) {
		t.Errorf("a broken file: %v", err)
	}
	sealed.Key = "two"
	open("the keys from before are kept", true, 3)
}

// Who we are is not read again more often than it is worth, and then by one poll alone.
func TestFleetLooksForAccounts(t *testing.T) {
	s := newRegisterSite(t, "one")
	a := newApp(&cli{Config: s.path("kith.toml"), Quiet: true}, strings.NewReader(""), os.Stderr, os.Stderr, os.Getenv)
	a.now = s.now
	cfg, err := a.config()
	if err != nil {
		t.Fatal(err)
	}
	register, err := a.openStore(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer register.Close()
	s.start = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	f, err := a.fleet(t.Context(), cfg, register)
	if err != nil {
		t.Fatal(err)
	}
	bob := identity(config.Account{Owner: "bob@example.test"})
	carol := identity(config.Account{Owner: "carol@example.test"})
	s.addAccount("bob", "imaps://x.test", "bob@example.test", "x")
	s.addAccount("carol", "imaps://x.test", "carol@example.test", "x")
	know := func() {
		t.Helper()
		if err := f.know(t.Context(), bob); err != nil {
			t.Fatal(err)
		}
	}
	know()
	if !f.us.Covers(bob) || f.us.Covers(carol) {
		t.Error("who is polled is not known, or the register was read again too soon")
	}
	s.wait(lookEvery)
	know()
	if !f.us.Covers(carol) {
		t.Error("the register was not read again")
	}
	s.must("accounts", "rm", "carol")
	s.wait(lookEvery)
	know()
	if f.us.Covers(carol) || !f.us.Covers(bob) {
		t.Error("after rm, who we are is not right")
	}
	dead, cancel := context.WithCancel(t.Context())
	cancel()
	s.wait(lookEvery)
	if err := f.know(dead, bob); err == nil {
		t.Error("a dead context reads the register")
	}
	know() // and the next poll is not in the way
}
