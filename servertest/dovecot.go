package servertest

import (
	"context"
	"crypto/x509"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// The users of a Dovecot that was given no others, and their password.
const (
	Alice    = "alice@example.test"
	Bob      = "bob@example.test"
	Carol    = "carol@example.test"
	Password = "secret"
)

// DovecotOptions says how a Dovecot differs from the usual.
type DovecotOptions struct {
	// Caps is announced after login in place of what Dovecot can do; the
	// commands still work: "IMAP4rev1 IDLE UIDPLUS".
	Caps string
	// Extra is configuration that is read last.
	Extra string
	// Users are "name:password" pairs, without blanks.
	Users []string
}

// DovecotServer is a running Dovecot. Its methods may be called from any goroutine.
type DovecotServer struct {
	Addr    string // host:port of IMAP with STARTTLS
	TLSAddr string // host:port of IMAP over TLS
	CAFile  string // the certificate of localhost and 127.0.0.1, which is its own authority
	CAs     *x509.CertPool

	script, dir string
	uid, gid    int

	mu        sync.Mutex
	sequence  int
	delivered map[[2]string]int // by user and folder
}

// Dovecot starts a server for one test. It takes about 0.3 s.
func Dovecot(t testing.TB, options ...DovecotOptions) *DovecotServer {
	t.Helper()
	path := script(t, "dovecot.sh")
	dir := folder(t, path)
	// doveadm looks users up without any mechanism, which the script's own
	// password database does not answer.
	extra := fmt.Sprintf("passdb {\n driver = passwd-file\n args = %s/passwd\n}\n", dir)
	var env []string
	for _, o := range options {
		extra += o.Extra + "\n"
		if o.Caps != "" {
			env = append(env, "DOVECOT_CAPS="+o.Caps)
		}
		if len(o.Users) > 0 {
			env = append(env, "DOVECOT_USERS="+strings.Join(o.Users, " "))
		}
	}
	file := filepath.Join(dir, "extra.conf")
	if err := os.WriteFile(file, []byte(extra), 0o644); err != nil {
		t.Fatal(err)
	}
	port := start(t, path, dir, append(env, "DOVECOT_EXTRA="+file), 2)
	s := &DovecotServer{
		Addr: addr(port[0]), TLSAddr: addr(port[1]),
		CAFile: filepath.Join(dir, "tls.crt"), CAs: x509.NewCertPool(),
		script: path, dir: dir, delivered: map[[2]string]int{},
	}
	pem, err := os.ReadFile(s.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	if !s.CAs.AppendCertsFromPEM(pem) {
		t.Fatalf("%s: no certificate in it", s.CAFile)
	}
	owner, err := user.Lookup("vmailtest")
	if err != nil {
		t.Fatal(err)
	}
	if s.uid, err = strconv.Atoi(owner.Uid); err != nil {
		t.Fatal(err)
	}
	if s.gid, err = strconv.Atoi(owner.Gid); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			log := s.Log(t)
			t.Logf("the end of Dovecot's log:\n%s", log[max(0, len(log)-4000):])
		}
	})
	return s
}

// URL returns the address of the server as an account's setting: scheme is imaps,
// imap+starttls or imap.
func (s *DovecotServer) URL(scheme string) string {
	host := s.Addr
	if scheme == "imaps" {
		host = s.TLSAddr
	}
	return (&url.URL{Scheme: scheme, Host: host}).String()
}

// Adm runs doveadm and returns what it printed.
func (s *DovecotServer) Adm(t testing.TB, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(context.Background(), s.script, append([]string{"adm", s.dir}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("doveadm %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Log returns what the server has logged so far.
func (s *DovecotServer) Log(t testing.TB) string {
	t.Helper()
	log, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		t.Error(err)
	}
	return string(log)
}

// Deliver puts a message into a user's folder by writing the file, which is
// much faster than APPEND, and with bytes that APPEND would refuse. folder is a
// name as users see it, "INBOX" or "Sent/2024"; it is made if missing. flags
// is a list of system flags such as `\Seen \Answered`. UIDs follow the order of
// deliveries.
func (s *DovecotServer) Deliver(t testing.TB, user, folder string, internal time.Time, flags string, raw []byte) {
	t.Helper()
	n := s.count(user, folder)
	maildir := filepath.Join(s.dir, "mail", user, "Maildir")
	box := maildir
	if folder != "INBOX" {
		box = filepath.Join(maildir, "."+strings.ReplaceAll(modifiedUTF7(folder), "/", "."))
	}
	// Dovecot numbers new files in the order of their names.
	name := fmt.Sprintf("%010d.M%06dP%d.servertest", 1_000_000_000+n, n%1_000_000, os.Getpid())
	sub := "new"
	if flags != "" {
		sub = "cur"
		name += ":2," + maildirFlags(t, flags)
	}
	for _, dir := range []string{
		filepath.Dir(maildir), maildir, box,
		filepath.Join(box, "cur"), filepath.Join(box, "new"), filepath.Join(box, "tmp"),
	} {
		if err := os.Mkdir(dir, 0o700); os.IsExist(err) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(dir, s.uid, s.gid); err != nil {
			t.Fatal(err)
		}
	}
	tmp := filepath.Join(box, "tmp", name)
	if err := os.WriteFile(tmp, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(tmp, s.uid, s.gid); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(tmp, internal, internal); err != nil { // INTERNALDATE
		t.Fatal(err)
	}
	if err := os.Rename(tmp, filepath.Join(box, sub, name)); err != nil {
		t.Fatal(err)
	}
}

// count notes a delivery and returns its number.
func (s *DovecotServer) count(user, folder string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sequence++
	s.delivered[[2]string{user, folder}]++
	return s.sequence
}

// deliveries returns how many messages were put into each folder of a user.
func (s *DovecotServer) deliveries(user string) map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := map[string]int{}
	for key, count := range s.delivered {
		if key[0] == user {
			n[key[1]] = count
		}
	}
	return n
}

// maildirFlags turns IMAP flags into the letters of a Maildir file name, in
// the order that these must have.
func maildirFlags(t testing.TB, flags string) string {
	t.Helper()
	letters := ""
	rest := " " + flags + " "
	for _, f := range []struct{ flag, letter string }{
		{`\Draft`, "D"}, {`\Flagged`, "F"}, {`\Answered`, "R"}, {`\Seen`, "S"}, {`\Deleted`, "T"},
	} {
		if before, after, ok := strings.Cut(rest, " "+f.flag+" "); ok {
			letters += f.letter
			rest = before + " " + after
		}
	}
	if strings.TrimSpace(rest) != "" {
		t.Fatalf("flags %q: only system flags can be delivered; use Append", flags)
	}
	return letters
}
