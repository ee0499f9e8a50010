package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"

	"kith"
	"kith/config"
	"kith/store"
	syncer "kith/sync"
	"kith/sync/cluster"
)

type serveCmd struct{}

func (*serveCmd) Help() string {
	return `It polls every account on its schedule until it gets SIGTERM or SIGINT, then lets
the batch at hand end, which takes 10 seconds at most.

On the configured address it answers /healthz (is it alive), /readyz (does the
database answer) and /metrics (Prometheus).

` + exitCodes
}

const (
	grace      = 8 * time.Second  // for running batches after a stop; systemd waits longer
	stuckAfter = 30 * time.Second // the loop turns every second; so long without a turn, it hangs
)

func (*serveCmd) Run(ctx context.Context, a *app) error {
	cfg, err := a.config()
	if err != nil {
		return err
	}
	log := a.logger()
	for _, warning := range cfg.Warnings {
		log.Warn("configuration", "file", warning.File, "problem", warning.Message)
	}
	ring, err := a.ring(ctx)
	if err != nil {
		return err
	}
	s, err := a.openStore(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if err := s.Close(); err != nil {
			log.Error("close the database", "err", err)
		}
	}()
	if err := s.Reconcile(ctx, a.accountRows(cfg)); err != nil {
		return err
	}

	if err := a.forgetStrangers(ctx, cfg, s); err != nil {
		return err
	}

	m := newMetrics(s)
	f, err := a.fleet(ctx, cfg, s)
	if err != nil {
		return err
	}
	if f.size == 0 {
		log.Warn("there is no account to poll: neither the file nor the register has one", "file", cfg.Path)
	}
	for _, key := range slices.Sorted(maps.Keys(f.sealed)) {
		if !ring.Has(key) {
			log.Error("a key is missing: accounts whose passwords it sealed can't be polled", "key", key, "accounts", f.sealed[key])
		}
	}
	engine, err := a.engine(ctx, f, s, m)
	if err != nil {
		return err
	}
	server, err := a.listen(ctx, cfg, newHandler(s, engine, m))
	if err != nil {
		return err
	}
	log.Info("kith is running", "version", version, "accounts", f.size, "listen", cfg.HTTP.Listen)
	a.notify(daemon.SdNotifyReady)
	watch, stopWatching := context.WithCancel(ctx)
	defer stopWatching()
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		a.watchdog(watch, engine)
	}()

	concluded := make(chan struct{})
	go func() {
		defer close(concluded)
		syncer.Conclude(watch, s, a.now, log)
	}()

	err = engine.Run(ctx)
	a.notify(daemon.SdNotifyStopping)
	log.Info("stopping")
	stopWatching()
	<-watched
	<-concluded
	return errors.Join(err, server.stop())
}

// engine polls accounts as they fall due.
type engine interface {
	Run(ctx context.Context) error
	Turned() time.Time // when it last showed that it lives
}

// engine polls the accounts of the register: alone, or with the other daemons on it.
func (a *app) engine(ctx context.Context, f *fleet, s register, m *metrics) (engine, error) {
	worker := a.worker(f, m)
	many, ok := s.(shared)
	if !ok {
		return &syncer.Runner{Worker: worker, Grace: grace}, nil
	}
	if err := cluster.Migrate(ctx, many.Pool()); err != nil {
		return nil, err
	}
	return &cluster.Cluster{Worker: worker, Store: s, Pool: many.Pool(), Knows: f.knows, Grace: grace}, nil
}

// knows tells whether this daemon can poll an account of the register.
func (f *fleet) knows(account kith.Account) bool {
	if account.Origin == kith.OriginRegister {
		return true
	}
	here, ok := f.file[account.Name]
	return ok && here.ReadsSame(account.Settings)
}

// worker polls accounts.
func (a *app) worker(f *fleet, m *metrics) *syncer.Worker {
	cfg := f.cfg
	return &syncer.Worker{
		Poller: f.poller(), Store: f.store, Clock: a.clock, Zone: cfg.TimeZone, Daemon: a.daemon(cfg),
		PerHost: cfg.Limits.PerHost, HostOf: f.host,
		Slice: cfg.Limits.TimeSlice, Timeout: cfg.Limits.AccountTimeout,
		Ended: m.ended, Progress: m.progress,
	}
}

// daemon is how this process is known to others on the register.
func (a *app) daemon(cfg *config.Config) kith.Daemon {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	now := a.now()
	return kith.Daemon{
		Name: fmt.Sprintf("%s-%d-%s", host, os.Getpid(), now.UTC().Format("20060102T150405")),
		Host: host, Version: version, Started: now, Workers: cfg.Limits.Workers,
	}
}

// notify tells systemd; without systemd it does nothing.
func (a *app) notify(state string) {
	if _, err := daemon.SdNotify(false, state); err != nil {
		a.log.Warn("notify systemd", "err", err)
	}
}

// watchdog feeds systemd's watchdog as long as the loop goes round.
func (a *app) watchdog(ctx context.Context, engine engine) {
	interval, err := daemon.SdWatchdogEnabled(false)
	if err != nil || interval == 0 {
		return
	}
	ticker := time.NewTicker(interval / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			if time.Since(engine.Turned()) < stuckAfter {
				a.notify(daemon.SdNotifyWatchdog)
			}
		}
	}
}

// endpoint is a running HTTP server.
type endpoint struct {
	server *http.Server
	failed chan error
}

// listen starts the HTTP endpoint where the configuration says.
func (a *app) listen(ctx context.Context, cfg *config.Config, handler http.Handler) (*endpoint, error) {
	network, address := cfg.HTTP.Address()
	if network == "unix" {
		// A socket that a killed daemon left behind is in the way.
		if err := os.Remove(address); err != nil && !missing(err) {
			return nil, fmt.Errorf("http.listen: %w", err)
		}
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, network, address)
	if err != nil {
		return nil, fmt.Errorf("http.listen %s: %w", cfg.HTTP.Listen, err)
	}
	e := &endpoint{
		server: &http.Server{
			Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second,
			WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10,
			ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug),
		},
		failed: make(chan error, 1),
	}
	go func() {
		if cfg.HTTP.TLSCert != "" {
			e.failed <- e.server.ServeTLS(listener, cfg.HTTP.TLSCert, cfg.HTTP.TLSKey)
			return
		}
		e.failed <- e.server.Serve(listener)
	}()
	return e, nil
}

// stop ends the server and tells why it had ended before, if it had.
func (e *endpoint) stop() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := e.server.Shutdown(ctx); err != nil {
		e.server.Close()
	}
	if err := <-e.failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("http: %w", err)
	}
	return nil
}

// newHandler answers what monitors ask.
func newHandler(s store.Store, engine engine, m *metrics) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if since := time.Since(engine.Turned()); since > stuckAfter {
			http.Error(w, fmt.Sprintf("the scheduler has not moved for %v", since.Round(time.Second)), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		if err := s.Ping(ctx); err != nil {
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		accounts, err := s.AccountStatuses(ctx)
		if err != nil {
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
		for _, account := range accounts {
			if account.State == kith.StateNeedsAttention {
				fmt.Fprintf(w, "account %s needs attention\n", account.Name)
			}
		}
	})
	mux.Handle("GET /metrics", m.handler())
	return mux
}
