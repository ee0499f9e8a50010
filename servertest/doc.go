// Package servertest gives tests real servers, and one that misbehaves as told.
//
// [Dovecot], [Postgres], [PgBouncer] and [Toxiproxy] run the scripts of the folder "servers" (the one
// beside the module's root, or $KITH_SERVERS). Where these can't run, the test is
// skipped, unless KITH_REQUIRE_SERVERS=1 makes that a failure. Everything
// listens on 127.0.0.1, on free ports, so that tests of several packages run
// side by side. A server ends with its test, and when the test process is killed.
//
// [Script] needs nothing: it is an IMAP server that says exactly what a test
// tells it to say.
package servertest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// script returns the path of a script, or ends the test.
func script(t testing.TB, name string) string {
	t.Helper()
	dir := os.Getenv("KITH_SERVERS")
	if dir == "" {
		root, err := moduleRoot()
		if err != nil {
			unavailable(t, err)
		}
		dir = filepath.Join(root, "..", "shared", "servers")
	}
	path := filepath.Join(dir, name)
	if _, err := os.Stat(path); err != nil {
		unavailable(t, err)
	}
	return path
}

func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		if filepath.Dir(dir) == dir {
			return "", errors.New("no go.mod above the working folder")
		}
		dir = filepath.Dir(dir)
	}
}

// unavailable ends a test that needs a server which can't be had.
func unavailable(t testing.TB, err error) {
	t.Helper()
	if os.Getenv("KITH_REQUIRE_SERVERS") == "1" {
		t.Fatalf("needs a server, and KITH_REQUIRE_SERVERS is set: %v", err)
	}
	t.Skipf("needs a server: set KITH_SERVERS to the folder of its script (%v)", err)
}

// folder makes a folder for a server, and sees to it that the server ends and the
// folder goes when the test is over.
func folder(t testing.TB, path string) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "kith-servertest-")
	if err != nil {
		t.Fatal(err)
	}
	reap(t, path, dir)
	return dir
}

// start runs a script's start command and returns the free ports it was given.
func start(t testing.TB, path, dir string, env []string, ports int) []int {
	t.Helper()
	var out []byte
	for range 3 { // another process may take a port before the server does
		port := make([]int, ports)
		args := []string{"start", dir}
		for i := range port {
			port[i] = freePort(t)
			args = append(args, strconv.Itoa(port[i]))
		}
		cmd := exec.CommandContext(context.Background(), path, args...)
		cmd.Env = append(os.Environ(), env...)
		// Not a pipe: the server inherits it and would hold it open.
		log, err := os.Create(filepath.Join(dir, "start.log"))
		if err != nil {
			t.Fatal(err)
		}
		cmd.Stdout, cmd.Stderr = log, log
		err = cmd.Run()
		log.Close()
		if err == nil {
			return port
		}
		out, _ = os.ReadFile(log.Name())
	}
	unavailable(t, fmt.Errorf("%s: %s", filepath.Base(path), strings.TrimSpace(string(out))))
	return nil
}

// reap stops the server when the test is over.
func reap(t testing.TB, path, dir string) {
	t.Helper()
	w := reaper(t, path, dir)
	t.Cleanup(func() { w.Close() })
}

// reaper starts a process that waits until the file returned is closed, or the test
// process ends, however that comes about, and then stops the server.
func reaper(t testing.TB, path, dir string) *os.File {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(context.Background(), "/bin/sh", "-c", `read -r _; "$1" stop "$2"; rm -rf -- "$2"`, "reap", path, dir)
	cmd.Stdin = r
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C must not reach it
	err = cmd.Start()
	r.Close()
	if err != nil {
		w.Close()
		t.Fatal(err)
	}
	return w
}

// freePort finds a port below the range that the kernel hands out by itself, so
// that no outgoing connection of another test can take it.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		port := 12000 + rand.IntN(20000)
		l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr(port))
		if err == nil {
			_ = l.Close()
			return port
		}
	}
	t.Fatal("no free port found")
	return 0
}

func addr(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
