package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/servertest"
	"kith/store"
	"kith/store/sqlite"
)

// newRegister is an installation with no accounts, and no database yet.
func newRegister(t *testing.T) *site {
	t.Helper()
	s := &site{t: t, dir: t.TempDir(), env: map[string]string{}}
	s.point("sqlite://" + s.path("kith.db"))
	return s
}

// point makes the installation use another database.
func (s *site) point(database string) {
	s.t.Helper()
	s.write("kith.toml", fmt.Sprintf("database = %q\ntime_zone = \"UTC\"\n", database))
}

// open opens the installation's first database.
func (s *site) open() *sqlite.Store {
	s.t.Helper()
	st, err := sqlite.Open(s.t.Context(), s.path("kith.db"), sqlite.Options{})
	if err != nil {
		s.t.Fatal(err)
	}
	return st
}

// filledRegister has contacts and n interactions with them.
func filledRegister(t *testing.T, n int) *site {
	t.Helper()
	s := newRegister(t)
	s.importContacts("external_id,name,email,company\n1,Ann Doe,ann@client.test,Client Ltd\n2,Bob,bob@client.test,\n")
	st := s.open()
	defer st.Close()
	at := time.Date(2026, 11, 23, 9, 15, 0, 0, time.UTC)
	rec := kith.Recording{Account: "alice", Stream: "INBOX", Next: "7:1", At: at}
	for i := range n {
		id := fmt.Sprintf("<%d@client.test>", i)
		c := kith.Interaction{Kind: kith.KindEmail, Status: kith.StatusRecorded, Direction: kith.Inbound, OccurredAt: at.Add(-time.Duration(i) * time.Hour),
			Subject: fmt.Sprintf("Offer %d", i), MessageID: &id, ThreadRefs: []string{"<0@client.test>"}}
		copy(c.Key[:], fmt.Sprintf("key %012d", i))
		rec.Captured = append(rec.Captured, kith.Captured{Ref: fmt.Sprintf("7:%d", i), Interaction: &c})
	}
	if _, err := st.Record(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	return s
}

// files are the names in the installation's folder, but those of the database.
func (s *site) files() (names []string) {
	s.t.Helper()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), "kith.db") {
			names = append(names, e.Name())
		}
	}
	return names
}

func TestBackupAndRestore(t *testing.T) {
	s := filledRegister(t, 100)
	want := s.interactions()
	var told backedUp
	if err := json.Unmarshal([]byte(s.must("--json", "backup", s.path("b"))), &told); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(s.path("b"))
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() != told.Bytes || told.Rows[store.RowInteraction] != 100 || told.Rows[store.RowContact] != 3 {
		t.Errorf("%+v, %+v, %v", info, told, err)
	}

	s.point("sqlite://" + s.path("kith.db2"))
	text := s.must("restore", s.path("b"))
	if !strings.Contains(text, "100 interactions, 3 contacts") {
		t.Errorf("restore says %q", text)
	}
	if diff := cmp.Diff(want, s.interactions()); diff != "" {
		t.Errorf("restored (-want +got):\n%s", diff)
	}
	var again backedUp
	if err := json.Unmarshal([]byte(s.must("--json", "backup", s.path("b2"))), &again); err != nil || again.SHA256 != told.SHA256 {
		t.Errorf("a backup of what was restored: %+v, %v; want %s", again, err, told.SHA256)
	}
	code, _, stderr := s.run("restore", s.path("b"))
	if code != exitConflict || !strings.Contains(stderr, "it is not empty") {
		t.Errorf("restored twice: %d, %s", code, stderr)
	}
	if n := len(s.interactions()); n != 100 {
		t.Errorf("there are %d interactions", n)
	}
}

func TestBackupThroughPipes(t *testing.T) {
	s := filledRegister(t, 10)
	var out, errs bytes.Buffer
	if code := s.runTo(t.Context(), &out, &errs, "backup", "-"); code != exitDone || !strings.Contains(errs.String(), "10 interactions") {
		t.Fatalf("%d, %s", code, &errs)
	}
	s.point("sqlite://" + s.path("kith.db2"))
	args := []string{"--config", s.path("kith.toml"), "restore", "-"}
	if code := run(t.Context(), args, &out, &errs, &errs, func(string) string { return "" }, clock); code != exitDone {
		t.Fatalf("%d, %s", code, &errs)
	}
	if n := len(s.interactions()); n != 10 {
		t.Errorf("there are %d interactions", n)
	}
}

func TestBackupThatFailsLeavesNothing(t *testing.T) {
	s := filledRegister(t, 10)
	s.write("b", "the backup of yesterday")
	before := s.files()
	check := func(t *testing.T, code int, stderr string, says string) {
		t.Helper()
		if code != exitFailed || !strings.Contains(stderr, says) {
			t.Errorf("exit code %d, %q does not say %q", code, stderr, says)
		}
		if diff := cmp.Diff(before, s.files()); diff != "" {
			t.Errorf("files (-before +after):\n%s", diff)
		}
		if text, err := os.ReadFile(s.path("b")); err != nil || string(text) != "the backup of yesterday" {
			t.Errorf("the old backup is %q, %v", text, err)
		}
	}
	t.Run("I08 disk full", func(t *testing.T) {
		if _, err := os.Stat("/dev/full"); err != nil {
			t.Skip("there is no /dev/full here")
		}
		code, _, stderr := s.run("backup", "/dev/full")
		check(t, code, stderr, "no space left")
		if info, err := os.Stat("/dev/full"); err != nil || info.Mode().IsRegular() {
			t.Errorf("the device was replaced: %v, %v", info, err)
		}
	})
	t.Run("canceled", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		var out, errs bytes.Buffer
		code := s.runTo(ctx, &out, &errs, "backup", s.path("b"))
		check(t, code, errs.String(), "stopped")
	})
	t.Run("a folder", func(t *testing.T) {
		code, _, stderr := s.run("backup", s.dir)
		check(t, code, stderr, "is a folder")
	})
	t.Run("in no folder", func(t *testing.T) {
		code, _, stderr := s.run("backup", s.path("none/b"))
		check(t, code, stderr, "no such file")
	})
}

func TestOutFileThatIsNotWhole(t *testing.T) {
	dir := t.TempDir()
	f, err := newOutFile(filepath.Join(dir, "b"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("half"); err != nil {
		t.Fatal(err)
	}
	if err := f.end(context.DeadlineExceeded); err == nil {
		t.Error("there is no error")
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
}

func TestOutFileBehindALink(t *testing.T) {
	dir := t.TempDir()
	real, link := filepath.Join(dir, "real"), filepath.Join(dir, "link")
	if err := os.WriteFile(real, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	f, err := newOutFile(link)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	if err := f.end(nil); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(real)
	if err != nil || info.Size() != 1 || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is %v, %v", info, err)
	}
}

func TestRestoreOfADamagedFile(t *testing.T) {
	s := filledRegister(t, 100)
	s.must("backup", s.path("b"))
	whole, err := os.ReadFile(s.path("b"))
	if err != nil {
		t.Fatal(err)
	}
	s.point("sqlite://" + s.path("kith.db2"))
	for why, data := range map[string][]byte{
		"cut off":    whole[:len(whole)/2],
		"bit tipped": append(append(bytes.Clone(whole[:len(whole)/2]), whole[len(whole)/2]^4), whole[len(whole)/2+1:]...),
		"no backup":  []byte("hello\n"),
		"empty":      {},
	} {
		s.write("damaged", string(data))
		code, _, stderr := s.run("restore", s.path("damaged"))
		if code != exitFailed || !strings.Contains(stderr, "restore "+s.path("damaged")) {
			t.Errorf("%s: %d, %s", why, code, stderr)
		}
		if n := len(s.interactions()); n != 0 {
			t.Errorf("%s: %d interactions were restored", why, n)
		}
	}
	s.write("whole", string(whole))
	s.must("restore", s.path("whole"))
	if code, _, _ := s.run("restore", s.path("none")); code != exitFailed {
		t.Errorf("no file: %d", code)
	}
}

func TestCopy(t *testing.T) {
	s := filledRegister(t, 100)
	want := s.interactions()
	first := s.must("--json", "backup", s.path("b"))
	digest := func(text string) string {
		t.Helper()
		var told copied
		if err := json.Unmarshal([]byte(text), &told); err != nil {
			t.Fatal(err)
		}
		return told.SHA256
	}
	url := servertest.Postgres(t)
	text := s.must("copy", "--to", url)
	if !strings.Contains(text, "100 interactions, 3 contacts") || !strings.Contains(text, fmt.Sprintf("database = %q", url)) {
		t.Errorf("copy says %q", text)
	}
	s.point(url)
	if diff := cmp.Diff(want, s.interactions()); diff != "" {
		t.Errorf("on PostgreSQL (-want +got):\n%s", diff)
	}
	if code, _, stderr := s.run("copy", "--to", url); code != exitConflict || !strings.Contains(stderr, "it is not empty") {
		t.Errorf("onto itself: %d, %s", code, stderr)
	}
	back := s.must("--json", "copy", "--to", "sqlite://"+s.path("kith.db2"))
	s.point("sqlite://" + s.path("kith.db2"))
	if diff := cmp.Diff(want, s.interactions()); diff != "" {
		t.Errorf("back again (-want +got):\n%s", diff)
	}
	last := s.must("--json", "backup", s.path("b2"))
	if a, b, c := digest(first), digest(back), digest(last); a != b || b != c {
		t.Errorf("the digests are %s, %s and %s", a, b, c)
	}
}

func TestCopyWhileADaemonRuns(t *testing.T) {
	s := filledRegister(t, 10)
	st := s.open()
	defer st.Close()
	beat := func(age time.Duration) {
		t.Helper()
		now := s.now()
		if err := st.Beat(t.Context(), kith.Daemon{Name: "one", Host: "mars", Started: now, Seen: now.Add(-age)}, nil, now); err != nil {
			t.Fatal(err)
		}
	}
	to := "sqlite://" + s.path("kith.db2")
	beat(20 * time.Second)
	code, _, stderr := s.run("copy", "--to", to)
	if code != exitConflict || !strings.Contains(stderr, "one on mars") {
		t.Errorf("%d, %s", code, stderr)
	}
	s.must("copy", "--to", to, "--force")
	beat(2 * time.Minute)
	s.must("copy", "--to", "sqlite://"+s.path("kith.db3"))
}

func TestCopyThatFailsLeavesNoDatabase(t *testing.T) {
	s := filledRegister(t, 10)
	to := s.path("copy.db")
	ctx, cancel := context.WithCancel(t.Context())
	var out bytes.Buffer
	code := s.runTo(ctx, &out, cancels{cancel}, "--verbose", "copy", "--to", "sqlite://"+to)
	if code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	if _, err := os.Stat(to); !missing(err) {
		t.Errorf("a database is left: %v", err)
	}
	for _, bad := range []string{"mysql://x/y", "kith.db", ""} {
		if code, _, stderr := s.run("copy", "--to", bad); code != exitUsage || !strings.Contains(stderr, "--to") {
			t.Errorf("%q: %d, %s", bad, code, stderr)
		}
	}
}

// cancels ends a context when something is logged: the new database's schema.
type cancels struct{ cancel func() }

func (c cancels) Write(p []byte) (int, error) {
	c.cancel()
	return len(p), nil
}
