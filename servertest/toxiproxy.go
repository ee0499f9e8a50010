package servertest

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
)

// ToxiproxyServer makes proxies that delay, thin and cut connections.
type ToxiproxyServer struct {
	script, dir string
	proxies     atomic.Int64
}

// Proxy is a way to another server that can be spoilt.
type Proxy struct {
	Addr string // host:port to connect to

	server *ToxiproxyServer
	name   string
}

// Toxiproxy starts a server for one test. The first one on a machine builds the
// program, which takes some seconds; it is kept in the user's cache folder.
func Toxiproxy(t testing.TB) *ToxiproxyServer {
	t.Helper()
	path := script(t, "toxiproxy.sh")
	cache, err := os.UserCacheDir()
	if err != nil {
		unavailable(t, err)
	}
	program := filepath.Join(cache, "kith-servertest", "toxiproxy")
	var env []string
	if _, err := os.Stat(program); err == nil && os.Getenv("TOXIPROXY") == "" {
		env = append(env, "TOXIPROXY="+program)
	}
	dir := folder(t, path)
	start(t, path, dir, env, 1)
	if built := filepath.Join(dir, "server"); env == nil && os.Getenv("TOXIPROXY") == "" {
		if err := keep(built, program); err != nil {
			t.Logf("toxiproxy is built anew each time: %v", err)
		}
	}
	return &ToxiproxyServer{script: path, dir: dir}
}

// keep copies a program to where the next test finds it whole, or not at all.
func keep(built, program string) error {
	if err := os.MkdirAll(filepath.Dir(program), 0o755); err != nil {
		return err
	}
	data, err := os.ReadFile(built)
	if err != nil {
		return err
	}
	tmp := program + "." + strconv.Itoa(os.Getpid())
	if err := os.WriteFile(tmp, data, 0o755); err != nil {
		return err
	}
	return os.Rename(tmp, program)
}

// Proxy makes a proxy to the host:port of another server on this machine.
func (s *ToxiproxyServer) Proxy(t testing.TB, target string) *Proxy {
	t.Helper()
	_, targetPort, err := net.SplitHostPort(target)
	if err != nil {
		t.Fatal(err)
	}
	port := freePort(t)
	p := &Proxy{Addr: addr(port), server: s, name: fmt.Sprintf("proxy%d", s.proxies.Add(1))}
	p.run(t, "proxy", strconv.Itoa(port), targetPort)
	return p
}

// Toxic spoils the connections, given Toxiproxy's own JSON:
//
//	{"name":"cut","type":"limit_data","attributes":{"bytes":4096}}
//	{"name":"rst","type":"reset_peer","attributes":{"timeout":50}}
//	{"name":"hang","type":"timeout","attributes":{"timeout":0}}
//	{"name":"lag","type":"latency","attributes":{"latency":800,"jitter":200}}
//	{"name":"thin","type":"bandwidth","attributes":{"rate":8}}
func (p *Proxy) Toxic(t testing.TB, json string) { t.Helper(); p.run(t, "toxic", json) }

// Heal removes all toxics.
func (p *Proxy) Heal(t testing.TB) { t.Helper(); p.run(t, "heal") }

// Down refuses connections and cuts those that are open, Up accepts them again.
func (p *Proxy) Down(t testing.TB) { t.Helper(); p.run(t, "down") }

// Up accepts connections again.
func (p *Proxy) Up(t testing.TB) { t.Helper(); p.run(t, "up") }

func (p *Proxy) run(t testing.TB, cmd string, args ...string) {
	t.Helper()
	out, err := exec.CommandContext(context.Background(), p.server.script, append([]string{cmd, p.server.dir, p.name}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("toxiproxy %s %s: %v\n%s", cmd, strings.Join(args, " "), err, out)
	}
}
