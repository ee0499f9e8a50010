package main

import (
	"context"
	"net/http"
	"runtime"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"kith"
	"kith/store"
	syncer "kith/sync"
)

// metrics are what Prometheus may ask: what runs did, counted here, and how
// accounts stand, read from the register at each scrape. Labels are names
// of accounts and reasons, never of people.
type metrics struct {
	registry  *prometheus.Registry
	store     store.Store
	items     *prometheus.CounterVec
	recorded  *prometheus.CounterVec
	skipped   *prometheus.CounterVec
	contacts  *prometheus.CounterVec
	failures  *prometheus.CounterVec
	durations *prometheus.HistogramVec

	lastSuccess *prometheus.Desc
	state       *prometheus.Desc
	quarantined *prometheus.Desc
	pending     *prometheus.Desc
	lookBack    *prometheus.Desc
}

func newMetrics(s store.Store) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	account := []string{"account"}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		store:    s,
		items:    counter("kith_items_total", "Messages that got an outcome.", "account"),
		recorded: counter("kith_interactions_recorded_total", "Interactions that were new to the register.", "account"),
		skipped:  counter("kith_items_skipped_total", "Messages that were not recorded, by reason.", "account", "reason"),
		contacts: counter("kith_contacts_synced_total", "Contacts that address books created, updated and removed.", "account", "change"),
		failures: counter("kith_poll_failures_total", "Polls that failed, by kind of fault.", "account", "fault"),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "kith_poll_duration_seconds", Help: "How long polls took.", Buckets: prometheus.ExponentialBuckets(0.05, 4, 8),
		}, account),
		lastSuccess: prometheus.NewDesc("kith_account_last_success_timestamp_seconds", "When the account was last polled well; 0 if never.", account, nil),
		state:       prometheus.NewDesc("kith_account_state", "1 for the state that the account is in.", []string{"account", "state"}, nil),
		quarantined: prometheus.NewDesc("kith_quarantined_items", "Messages that could not be read so far.", account, nil),
		pending:     prometheus.NewDesc("kith_backfill_streams_pending", "Folders whose past has not been read to its end.", account, nil),
		lookBack:    prometheus.NewDesc("kith_look_back_streams_pending", "Folders whose past is yet to be searched for new contacts.", account, nil),
	}
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "kith_build_info", Help: "1, labelled with the version."}, []string{"version", "goversion"})
	build.WithLabelValues(version, runtime.Version()).Set(1)
	m.registry.MustRegister(m.items, m.recorded, m.skipped, m.contacts, m.failures, m.durations, build, m,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// progress is a callback of [syncer.Runner].
func (m *metrics) progress(p syncer.Progress) {
	m.items.WithLabelValues(p.Account).Add(float64(p.Items))
	m.recorded.WithLabelValues(p.Account).Add(float64(p.Recorded.New))
	for change, n := range map[string]int{"created": p.Book.Created, "updated": p.Book.Updated, "removed": p.Book.Removed} {
		if n > 0 {
			m.contacts.WithLabelValues(p.Account, change).Add(float64(n))
		}
	}
	for reason, n := range p.Skipped {
		m.skipped.WithLabelValues(p.Account, string(reason)).Add(float64(n))
	}
}

// ended is a callback of [syncer.Runner].
func (m *metrics) ended(account kith.Account, _ syncer.Result, took time.Duration, err error) {
	m.durations.WithLabelValues(account.Name).Observe(took.Seconds())
	if err != nil {
		kind, _ := kith.FaultOf(err)
		m.failures.WithLabelValues(account.Name, string(kind)).Inc()
	}
}

// Describe implements [prometheus.Collector].
func (m *metrics) Describe(descs chan<- *prometheus.Desc) {
	descs <- m.lastSuccess
	descs <- m.state
	descs <- m.quarantined
	descs <- m.pending
	descs <- m.lookBack
}

// Collect implements [prometheus.Collector]: it reads the accounts from the register.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	accounts, err := m.store.AccountStatuses(ctx)
	if err != nil {
		out <- prometheus.NewInvalidMetric(m.lastSuccess, err)
		return
	}
	for _, account := range accounts {
		if account.State == kith.StateRemoved || account.State == kith.StateDisabled {
			continue
		}
		gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
			out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, append([]string{account.Name}, labels...)...)
		}
		last := 0.0
		if !account.LastSuccess.IsZero() {
			last = float64(account.LastSuccess.UnixMilli()) / 1000
		}
		gauge(m.lastSuccess, last)
		for _, state := range []kith.AccountState{kith.StateNew, kith.StateOK, kith.StateFailing, kith.StateThrottled, kith.StateNeedsAttention, kith.StateDisabled} {
			value := 0.0
			if account.State == state {
				value = 1
			}
			gauge(m.state, value, string(state))
		}
		quarantined, pending, lookBack := 0, 0, 0
		for _, stream := range account.Streams {
			quarantined += stream.Quarantined
			if stream.Backfilled < 1 {
				pending++
			}
			if stream.LookBack() > 0 {
				lookBack++
			}
		}
		gauge(m.quarantined, float64(quarantined))
		gauge(m.pending, float64(pending))
		gauge(m.lookBack, float64(lookBack))
	}
}

// handler serves the metrics. A scrape tells what it can, even if the database is away.
func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}
