package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"kith"
	"kith/servertest"
)

// buildKith builds the binary, for tests that must kill it.
func buildKith(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "kith")
	out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// correspondence fills Alice's mailbox with n letters in threads, half of them
// with people who are contacts, and returns the contacts as CSV.
func correspondence(t testing.TB, server *servertest.DovecotServer, n int) string {
	t.Helper()
	const people = 200
	begin := time.Now().AddDate(0, -6, 0).Truncate(time.Second)
	contacts := "name,email\n"
	for p := range people / 2 {
		contacts += fmt.Sprintf("Person %d,p%d@client.test\n", p, p)
	}
	for i := range n {
		date := begin.Add(time.Duration(i) * time.Minute)
		them, us := fmt.Sprintf("Person %d <p%d@client.test>", i%people, i%people), "Alice <alice@example.test>"
		id := func(i int) string { return fmt.Sprintf("<%d.letter@client.test>", i) }
		from, to, folder := them, us, "INBOX"
		if i%5 == 4 {
			from, to, folder = us, them, "Sent"
		}
		header := ""
		if i >= 2*people {
			header = "In-Reply-To: " + id(i-people) + "\r\nReferences: " + id(i-2*people) + " " + id(i-people) + "\r\n"
		}
		raw := fmt.Appendf(nil, "Message-ID: %s\r\nDate: %s\r\nFrom: %s\r\nTo: %s\r\nSubject: Letter %d\r\n%s\r\nHello.\r\n",
			id(i), date.Format(time.RFC1123Z), from, to, i, header)
		server.Deliver(t, servertest.Alice, folder, date, "", raw)
	}
	return contacts
}

func TestKilledAtAnyMoment(t *testing.T) {
	// D14 I06: kill -9 at 50 random moments of a capture leaves the register of an
	// undisturbed one.
	const letters, kills = 10_000, 50
	server := servertest.Dovecot(t)
	contacts := correspondence(t, server, letters)
	server.Unchanged(t, servertest.Alice)
	binary := buildKith(t)

	whole := newSite(t, server, "[limits]\nbatch = 100\n", "")
	whole.importContacts(contacts)
	broken := newSite(t, server, "[limits]\nbatch = 100\n", "")
	data, err := os.ReadFile(whole.path("kith.db"))
	if err != nil {
		t.Fatal(err)
	}
	broken.write("kith.db", string(data)) // the same contacts, ids and all

	if got := whole.sync(); got.New != letters/2 {
		t.Fatalf("undisturbed: %+v, want %d new", got, letters/2)
	}
	random := rand.New(rand.NewPCG(1, 2))
	early, late := 0, 0
	for range kills {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond+time.Duration(random.IntN(120))*time.Millisecond)
		cmd := exec.CommandContext(ctx, binary, "--config", broken.path("kith.toml"), "--quiet", "sync") // killed by SIGKILL
		if err := cmd.Run(); err == nil {
			late++
		} else {
			early++
		}
		cancel()
	}
	before := len(broken.interactions())
	broken.must("sync")
	t.Logf("%d kills, %d runs that came to their end; %d of %d interactions before the last run", early, late, before, letters/2)
	if early < kills/2 {
		t.Errorf("only %d of %d runs were killed: the test proves little", early, kills)
	}

	want, got := whole.interactions(), broken.interactions()
	diff := cmp.Diff(want, got, cmpopts.IgnoreFields(kith.Interaction{}, "ID"), cmpopts.IgnoreFields(kith.Evidence{}, "SeenAt"))
	if diff != "" {
		t.Errorf("the register of a capture that was killed differs (-whole +killed):\n%.3000s", diff)
	}
	var statuses [2]statusJSON
	for i, s := range []*site{whole, broken} {
		statuses[i] = jsonLinesOf[statusJSON](t, s.must("--json", "status"))[0]
	}
	ignore := cmpopts.IgnoreFields(accountJSON{}, "LastSuccess", "LagSeconds", "NextPoll")
	if diff := cmp.Diff(statuses[0], statuses[1], ignore); diff != "" {
		t.Errorf("the counters of a capture that was killed differ (-whole +killed):\n%s", diff)
	}
}
