package simulation_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

var plots = flag.String("plots", "", "simulate 100,000 accounts, which takes minutes, and write the plots into this `folder`")

// TestDay is the day that docs/scale.md tells of, and prints the figures there; without
// -plots, a small one that tries the same.
func TestDay(t *testing.T) {
	w := world{
		accounts: 100_000, fresh: 100_000, interval: interval, daemons: 4, workers: 256, perHost: 64, others: 50, length: 24 * time.Hour,
		storeAway: window{8 * time.Hour, 9 * time.Hour}, hostAway: window{16 * time.Hour, 17 * time.Hour},
	}
	folder := *plots
	if folder == "" {
		w.accounts, w.fresh, w.daemons, w.workers, w.perHost, w.others, folder = 50, 50, 1, 4, 2, 5, t.TempDir()
	}
	begin := time.Now()
	s := w.run(t)
	t.Logf("%d polls of %d accounts, %d at once at most, took %v to simulate, with %s", s.polls, w.accounts, s.busiest, time.Since(begin).Round(time.Second), runtime.Version())

	even := float64(w.accounts) / interval.Seconds()
	row := func(what string, from, until time.Duration, of func(*minute) *lags) {
		mean, most := s.rate(from, until)
		l := s.lagging(from, until, of)
		t.Logf("| %s | %.0f | %.0f | %d | %s | %s | %s |", what, mean, s.smooth(from, until), most, short(l.quantile(0.5)), short(l.quantile(0.99)), short(l.most))
	}
	t.Logf("| time | starts a second, mean | most over 10 s | most in a second | lag p50 | p99 | most |")
	row("first interval", 0, interval, all)
	row("first captures", interval, max(s.pastRead, 2*interval), all)
	row("quiet, before the outages", 4*time.Hour, w.storeAway.from, all)
	row("the interval after the register came back", w.storeAway.until, w.storeAway.until+interval, all)
	row("the interval after that", w.storeAway.until+interval, w.storeAway.until+2*interval, all)
	row("an hour later", w.storeAway.until+time.Hour, w.storeAway.until+2*time.Hour, all)
	row("half of the mailboxes away: the other half", w.hostAway.from, w.hostAway.until, apart)
	row("the interval after they came back", w.hostAway.until, w.hostAway.until+interval, all)
	row("an hour later", w.hostAway.until+time.Hour, w.hostAway.until+2*time.Hour, all)
	t.Logf("even: %.0f a second; the last past was read after %v; late after the register's outage for %v, after the host's for %v; at once on host 0: %d",
		even, s.pastRead.Round(time.Second), s.caughtUp(w.storeAway.until, settledLag), s.caughtUp(w.hostAway.until, settledLag), s.atOnce[0])

	for name, svg := range map[string]string{
		"scale-day.svg":      s.plotDay(w),
		"scale-catch-up.svg": s.plotCatchUp(w),
	} {
		wellFormed(t, svg)
		if err := os.WriteFile(filepath.Join(folder, name), []byte(svg), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	default:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
}

func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}

// plotDay shows all of it by two minutes.
func (s seen) plotDay(w world) string {
	const every = 2 * time.Minute
	var mean, most, p50, p99 []point
	for at := time.Duration(0); at < w.length; at += every {
		rate, _ := s.rate(at, at+every)
		mean = append(mean, point{at.Hours(), rate})
		most = append(most, point{at.Hours(), s.smooth(at, at+every)})
		if l := s.lagging(at, at+every, all); l.n > 0 {
			p50 = append(p50, point{at.Hours(), l.quantile(0.5).Seconds()})
			p99 = append(p99, point{at.Hours(), l.quantile(0.99).Seconds()})
		}
	}
	var others []point
	for at := w.hostAway.from; at < w.hostAway.until; at += every {
		others = append(others, point{at.Hours(), s.lagging(at, at+every, apart).quantile(0.99).Seconds()})
	}
	return plot{
		title: fmt.Sprintf("%s mailboxes polled every %.0f minutes by %d daemons with %d workers each", thousands(w.accounts), interval.Minutes(), w.daemons, w.workers),
		unit:  "hours since the beginning", from: 0, until: w.length.Hours(), ticks: hours(0, 24, 2), gap: 1.5 * every.Hours(),
		spans: []span{
			{0, s.pastRead.Hours(), "first captures"},
			{w.storeAway.from.Hours(), w.storeAway.until.Hours(), "register away"},
			{w.hostAway.from.Hours(), w.hostAway.until.Hours(), "half of the mailboxes away"},
		},
		panels: []panel{
			{title: "polls begun, a second", ticks: rates, lines: []line{
				{"most over 10 s", 1, most}, {"mean over 2 min", 0, mean},
			}},
			{title: "lag: how long after it was due a poll began", log: true, ticks: lagTicks, lines: []line{
				{"99 % of polls", 1, p99}, {"half of polls", 0, p50}, {"99 % on hosts not away", 2, others},
			}},
		},
	}.svg()
}

// plotCatchUp shows the hour after the register's outage by ten seconds.
func (s seen) plotCatchUp(w world) string {
	const every = 10 * time.Second
	from, until := w.storeAway.until-5*time.Minute, w.storeAway.until+40*time.Minute
	var starts []point
	for at := from; at < until; at += every {
		rate, _ := s.rate(at, at+every)
		starts = append(starts, point{(at - w.storeAway.until).Minutes(), rate})
	}
	var p50, p99 []point
	for at := w.storeAway.until; at < until; at += time.Minute {
		l := s.lagging(at, at+time.Minute, all)
		p50 = append(p50, point{(at - w.storeAway.until).Minutes(), l.quantile(0.5).Seconds()})
		p99 = append(p99, point{(at - w.storeAway.until).Minutes(), l.quantile(0.99).Seconds()})
	}
	return plot{
		title: fmt.Sprintf("The register is back after an hour: %s mailboxes", thousands(w.accounts)),
		unit:  "minutes since the register came back", from: -5, until: 40, ticks: hours(-5, 40, 5), gap: 1.5,
		spans: []span{{-5, 0, "away"}},
		panels: []panel{
			{title: "polls begun, a second", ticks: rates, lines: []line{{"mean over 10 s", 0, starts}}},
			{title: "lag: how long after it was due a poll began", log: true, ticks: lagTicks, lines: []line{
				{"99 % of polls", 1, p99}, {"half of polls", 0, p50},
			}},
		},
	}.svg()
}

func hours(from, until, step int) []tick {
	var ticks []tick
	for n := from; n <= until; n += step {
		ticks = append(ticks, tick{float64(n), fmt.Sprint(n)})
	}
	return ticks
}

var (
	rates    = []tick{{0, "0"}, {250, "250"}, {500, "500"}, {750, "750"}, {1000, "1,000"}, {1250, ""}}
	lagTicks = []tick{{0.01, ""}, {0.1, "0.1 s"}, {1, "1 s"}, {10, "10 s"}, {60, "1 min"}, {600, "10 min"}, {3600, "1 h"}, {14400, ""}}
)
