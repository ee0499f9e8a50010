package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"kith/servertest"
)

// safeBuffer is a buffer that a process writes while a test reads.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// served is a running kith serve.
type served struct {
	cmd *exec.Cmd
	log safeBuffer
	url string
}

// serve starts the daemon of a site, on a port of its own.
func serve(t testing.TB, binary string, s *site) *served {
	t.Helper()
	port, err := freePort(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", port)
	if err := os.MkdirAll(s.path("conf.d"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.write("conf.d/http.toml", fmt.Sprintf("[http]\nlisten = %q\n", address))
	d := &served{url: "http://" + address}
	d.cmd = exec.Command(binary, "--config", s.path("kith.toml"), "serve")
	d.cmd.Stderr = &d.log
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if d.cmd.ProcessState == nil {
			d.cmd.Process.Kill() //nolint:errcheck // it may have ended
			d.cmd.Wait()         //nolint:errcheck // it was killed
		}
	})
	eventually(t, "the daemon answers", func() bool {
		code, _ := d.get(t, "/healthz")
		return code == http.StatusOK
	})
	return d
}

func (d *served) get(t testing.TB, path string) (code int, body string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(data)
}

// stop sends a signal and returns how long the end took, and the exit code.
func (d *served) stop(t testing.TB, signal os.Signal) (time.Duration, int) {
	t.Helper()
	at := time.Now()
	if err := d.cmd.Process.Signal(signal); err != nil {
		t.Fatal(err)
	}
	d.cmd.Wait() //nolint:errcheck // the exit code tells
	return time.Since(at), d.cmd.ProcessState.ExitCode()
}

// eventually waits for something that another process does.
func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(2 * time.Minute)
	for !done() {
		if time.Now().After(deadline) {
			t.Fatalf("waited two minutes in vain: %s", what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func TestServe(t *testing.T) {
	server := servertest.Dovecot(t)
	binary := buildKith(t)
	s := newSite(t, server, "", "")
	s.importContacts("name,email\nAnn Doe,ann@client.test\n")
	date := time.Now().Add(-time.Hour)
	server.Deliver(t, servertest.Alice, "INBOX", date, "", letterText("1@client.test", "Ann <ann@client.test>", "alice@example.test", "a very secret subject", date))
	d := serve(t, binary, s)
	eventually(t, "the first letter is recorded", func() bool { return len(s.interactions()) == 1 })
	server.Deliver(t, servertest.Alice, "INBOX", date, "", letterText("2@client.test", "Ann <ann@client.test>", "alice@example.test", "another", date))
	eventually(t, "a letter that arrives is recorded", func() bool { return len(s.interactions()) == 2 })

	if code, body := d.get(t, "/readyz"); code != http.StatusOK {
		t.Errorf("readyz: %d %s", code, body)
	}
	code, metrics := d.get(t, "/metrics")
	for _, want := range []string{
		`kith_account_last_success_timestamp_seconds{account="alice-mail"} 1.`, // I16 the age of the last success
		`kith_interactions_recorded_total{account="alice-mail"} 2`,
		`kith_account_state{account="alice-mail",state="ok"} 1`,
		`kith_quarantined_items{account="alice-mail"} 0`,
		`kith_build_info{`,
	} {
		if code != http.StatusOK || !strings.Contains(metrics, want) {
			t.Errorf("metrics (%d) lack %s", code, want)
		}
	}
	if code, _, _ := s.run("status"); code != exitDone {
		t.Errorf("status beside the daemon: exit code %d", code)
	}
	if code, _ := d.get(t, "/nothing"); code != http.StatusNotFound {
		t.Errorf("an unknown path answers %d", code)
	}
	took, exit := d.stop(t, syscall.SIGTERM)
	if took > 10*time.Second || exit != exitDone {
		t.Errorf("I05 the end took %v, exit code %d", took, exit)
	}
	for _, secret := range []string{"very secret subject", "ann@client.test", servertest.Password + "\n"} {
		if strings.Contains(d.log.String(), secret) {
			t.Errorf("H09 the log holds %q:\n%s", secret, d.log.String())
		}
	}
}

func TestServeStopsInMidBatch(t *testing.T) {
	// I05 SIGTERM in the middle of a capture: the end within 10 s, and nothing lost by it.
	const letters = 6000
	server := servertest.Dovecot(t)
	contacts := correspondence(t, server, letters)
	binary := buildKith(t)
	s := newSite(t, server, "[limits]\nbatch = 50\n", "")
	s.importContacts(contacts)
	inTheMiddle := 0
	for range 4 {
		before := len(s.interactions())
		d := serve(t, binary, s)
		eventually(t, "it records something", func() bool {
			got := len(s.interactions("--limit", fmt.Sprint(before+1)))
			return got > before || before == letters/2
		})
		took, exit := d.stop(t, syscall.SIGTERM)
		if took > 10*time.Second || exit != exitDone {
			t.Fatalf("the end took %v, exit code %d\n%s", took, exit, d.log.String())
		}
		if got := len(s.interactions()); got > 0 && got < letters/2 {
			inTheMiddle++
		}
	}
	if inTheMiddle == 0 {
		t.Error("no stop fell into the capture: the test proves nothing")
	}
	s.must("sync")
	if got := len(s.interactions()); got != letters/2 {
		t.Errorf("%d interactions, want %d", got, letters/2)
	}
}

func TestServeAccountThatNeedsAttention(t *testing.T) {
	// E19 I16: a refused password is told by status and doctor; a new one resumes by itself.
	server := servertest.Dovecot(t)
	s := newSite(t, server, "", "")
	s.write("alice.password", "wrong\n")
	for range 3 {
		if code, _, stderr := s.run("sync"); code != exitFailed || !strings.Contains(stderr, "alice-mail") {
			t.Fatalf("sync with a wrong password: exit code %d, %s", code, stderr)
		}
	}
	code, stdout, _ := s.run("--json", "status")
	status := jsonLinesOf[statusJSON](t, stdout)[0]
	if code != exitPartly || len(status.NeedsAttention) != 1 || status.Accounts[0].State != "needs_attention" {
		t.Errorf("status: exit code %d, %+v", code, status)
	}
	if code, stdout, _ := s.run("doctor"); code != exitPartly || !strings.Contains(stdout, "password") {
		t.Errorf("doctor: exit code %d\n%s", code, stdout)
	}
	s.write("alice.password", servertest.Password+"\n")
	d := serve(t, buildKith(t), s)
	eventually(t, "the account works again", func() bool {
		code, _, _ := s.run("status")
		return code == exitDone
	})
	d.stop(t, syscall.SIGTERM)
}
