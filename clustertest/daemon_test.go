package clustertest_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// builds are the programs that tests share, by version.
var builds struct {
	sync.Mutex
	dir  string
	made map[string]string
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "kith-clustertest-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	builds.dir, builds.made = dir, map[string]string{}
	flag.Parse()
	if !full { // they mostly wait, so all may run at once
		if err := flag.Set("test.parallel", "3"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	code := m.Run()
	os.RemoveAll(dir) //nolint:errcheck // in the folder for what is temporary
	os.Exit(code)
}

// build makes the program, as a release of the given version.
func build(t *testing.T, version string) string {
	t.Helper()
	builds.Lock()
	defer builds.Unlock()
	if program, ok := builds.made[version]; ok {
		return program
	}
	program := filepath.Join(builds.dir, "kith-"+version)
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-X main.version="+version, "-o", program, "kith/cmd/kith")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build kith: %v\n%s", err, out)
	}
	builds.made[version] = program
	return program
}

// daemon is a kith serve with a configuration of its own.
type daemon struct {
	name, program, config string
	url                   string

	cmd *exec.Cmd
	log *logged
}

// logged is what a daemon wrote, over all its lives.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logged) lines() int { return strings.Count(l.String(), "\n") }

// start runs the daemon until the test ends or it is ended before.
func (d *daemon) start(t *testing.T) {
	t.Helper()
	d.cmd = exec.Command(d.program, "--config", d.config, "serve")
	d.cmd.Stderr = d.log
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // when the tests are cut off
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	cmd := d.cmd
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill() //nolint:errcheck // it may have ended by itself
			cmd.Wait()         //nolint:errcheck // it was killed
		}
		if t.Failed() {
			log := d.log.String()
			t.Logf("the end of the log of daemon %s:\n%s", d.name, log[max(0, len(log)-3000):])
		}
	})
	deadline := time.Now().Add(30 * time.Second)
	for {
		if code, _ := d.get("/healthz"); code == http.StatusOK {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("daemon %s does not answer", d.name)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func (d *daemon) signal(t *testing.T, signal os.Signal) {
	t.Helper()
	if err := d.cmd.Process.Signal(signal); err != nil {
		t.Fatalf("daemon %s: %v", d.name, err)
	}
}

// end sends a signal and returns how long the daemon took to end, and its exit code.
func (d *daemon) end(t *testing.T, signal os.Signal) (took time.Duration, code int) {
	t.Helper()
	at := time.Now()
	d.signal(t, signal)
	d.cmd.Wait() //nolint:errcheck // the exit code tells
	return time.Since(at), d.cmd.ProcessState.ExitCode()
}

// id is what the daemon's name on the register begins with.
func (d *daemon) id() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return fmt.Sprintf("%s-%d-", host, d.cmd.Process.Pid)
}

func (d *daemon) get(path string) (code int, body string) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, d.url+path, nil)
	if err != nil {
		return 0, err.Error()
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, err.Error()
	}
	return resp.StatusCode, string(text)
}

// memory returns what the daemon holds in memory, now and at most, in MiB.
func (d *daemon) memory(t *testing.T) (now, most int) {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.cmd.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	field := func(name string) int {
		_, rest, _ := strings.Cut(string(status), name+":")
		kib, err := strconv.Atoi(strings.Fields(rest)[0])
		if err != nil {
			t.Fatal(err)
		}
		return kib / 1024
	}
	return field("VmRSS"), field("VmHWM")
}

// run runs a command of kith on a configuration and returns what it prints. An exit
// code of 3 tells of accounts in need, which the caller sees for himself.
func run(t *testing.T, program, config string, args ...string) []byte {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program, append([]string{"--config", config}, args...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil && cmd.ProcessState.ExitCode() != 3 {
		t.Fatalf("kith %s: %v\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.Bytes()
}

// freeAddr finds a port that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

const hang, wake = syscall.SIGSTOP, syscall.SIGCONT
