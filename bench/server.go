package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// server is a Dovecot with the benchmark's mailbox.
type server struct {
	messages int
	addr     string
	contacts string // the CSV file

	bin     string // of the programs
	script  string
	dir     string
	maildir string
}

const (
	user      = "alice@example.test"
	password  = "secret"
	mailOwner = "vmailtest" // whom the script lets Dovecot read mail as
)

// scripts is the folder of the server scripts.
func scripts() string {
	if dir := os.Getenv("KITH_SERVERS"); dir != "" {
		return dir
	}
	return filepath.Join("..", "shared", "servers")
}

// startServer starts Dovecot on the mailbox of that many messages, which is
// made if it is not there yet.
func (b *bench) startServer(ctx context.Context, messages int) (*server, error) {
	script := filepath.Join(scripts(), "dovecot.sh")
	if _, err := os.Stat(script); err != nil {
		return nil, fmt.Errorf("no Dovecot: set KITH_SERVERS to the folder of the server scripts: %w", err)
	}
	dir := filepath.Join(b.dir, fmt.Sprintf("mailbox-%d", messages))
	s := &server{
		messages: messages, bin: b.bin, script: script, dir: dir,
		maildir: filepath.Join(dir, "mail", user, "Maildir"), contacts: filepath.Join(dir, "contacts.csv"),
	}
	ports, err := freePorts(ctx, 2)
	if err != nil {
		return nil, err
	}
	s.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(ports[0]))
	// What an interrupted run left on another port.
	if err := s.control(ctx, "stop", dir); err != nil {
		return nil, err
	}
	if err := s.control(ctx, "start", dir, strconv.Itoa(ports[0]), strconv.Itoa(ports[1])); err != nil {
		return nil, err
	}
	if err := s.fill(ctx); err != nil {
		s.stop()
		return nil, err
	}
	return s, nil
}

func (s *server) control(ctx context.Context, args ...string) error {
	cmd := exec.CommandContext(ctx, s.script, args...)
	// Into a file: Dovecot inherits it and would keep a pipe open.
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.dir, "script.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Run(); err != nil {
		said, _ := os.ReadFile(log.Name()) // the error is told either way
		return fmt.Errorf("%s %s: %w\n%s", s.script, args[0], err, tail(string(said)))
	}
	return nil
}

// stop ends Dovecot, even when the benchmark was interrupted.
func (s *server) stop() {
	if err := s.control(context.Background(), "stop", s.dir); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
	}
}

// fill makes the mailbox unless it is there, and takes out what was delivered later.
func (s *server) fill(ctx context.Context) error {
	done := filepath.Join(s.dir, "filled")
	if _, err := os.Stat(done); errors.Is(err, os.ErrNotExist) {
		if err := os.RemoveAll(s.maildir); err != nil {
			return err
		}
		if _, err := once(ctx, s.mailbox("-contacts", s.contacts)); err != nil {
			return err
		}
		if err := os.WriteFile(done, nil, 0o644); err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	return s.takeBack()
}

// takeBack takes out what was delivered later.
func (s *server) takeBack() error {
	for _, folder := range []string{"cur", "new", ".Sent/cur", ".Sent/new"} {
		late, err := filepath.Glob(filepath.Join(s.maildir, folder, "*.benchnew,*"))
		if err != nil {
			return err
		}
		for _, name := range late {
			if err := os.Remove(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// forget removes Dovecot's index and numbering of the mailbox.
func (s *server) forget() error {
	for _, pattern := range []string{"dovecot*", ".Sent/dovecot*"} {
		files, err := filepath.Glob(filepath.Join(s.maildir, pattern))
		if err != nil {
			return err
		}
		for _, name := range files {
			if err := os.RemoveAll(name); err != nil {
				return err
			}
		}
	}
	return nil
}

// deliver puts further messages into the mailbox, other ones each time.
func (s *server) deliver(ctx context.Context, n int) error {
	late, err := filepath.Glob(filepath.Join(s.maildir, "*", "*.benchnew,*"))
	if err != nil {
		return err
	}
	lateSent, err := filepath.Glob(filepath.Join(s.maildir, ".Sent", "*", "*.benchnew,*"))
	if err != nil {
		return err
	}
	_, err = once(ctx, s.mailbox("-new", strconv.Itoa(n), "-skip", strconv.Itoa(len(late)+len(lateSent))))
	return err
}

func (s *server) mailbox(args ...string) command {
	return func(ctx context.Context) *exec.Cmd {
		all := append([]string{"-maildir", s.maildir, "-owner", mailOwner, "-messages", strconv.Itoa(s.messages)}, args...)
		return exec.CommandContext(ctx, filepath.Join(s.bin, "mailbox"), all...)
	}
}

func (s *server) bare(which string) command {
	return func(ctx context.Context) *exec.Cmd {
		return exec.CommandContext(ctx, filepath.Join(s.bin, "bare"), "-addr", s.addr, "-user", user, "-password", password,
			"-folders", strings.Join([]string{"INBOX", "Sent"}, ","), "-range", which)
	}
}

// freePorts returns ports that were free a moment ago.
func freePorts(ctx context.Context, n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer func() { _ = l.Close() }() // when all are chosen, so that they differ
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}
