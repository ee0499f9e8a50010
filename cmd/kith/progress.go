package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-runewidth"

	syncer "kith/sync"
)

// progress shows on one line of a terminal how far a capture has come:
// messages, rate and time left. Safe for concurrent use.
type progress struct {
	w     io.Writer
	width int
	now   func() time.Time

	mu      sync.Mutex
	began   time.Time
	items   int
	new     int
	shown   time.Time
	streams map[string]*passed
}

// passed is the backfill of one stream.
type passed struct {
	first       int // messages done before this run
	done, total int
}

func newProgress(w io.Writer, now func() time.Time) *progress {
	return &progress{w: w, width: columns(w), now: now, began: now(), streams: map[string]*passed{}}
}

// update is a callback of [syncer.Options].
func (p *progress) update(u syncer.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.items += u.Items
	p.new += u.Recorded.New
	if u.Total > 0 {
		key := u.Account + "/" + u.Stream
		s := p.streams[key]
		if s == nil {
			s = &passed{first: u.Done - u.Items}
			p.streams[key] = s
		}
		s.done, s.total = u.Done, u.Total
	}
	now := p.now()
	if now.Sub(p.shown) < 100*time.Millisecond {
		return
	}
	p.shown = now
	p.line(p.text(now, u.Account+" "+u.Stream))
}

func (p *progress) text(now time.Time, at string) string {
	took := now.Sub(p.began)
	rate := float64(p.items) / max(took.Seconds(), 0.001)
	var done, total int
	for _, s := range p.streams {
		done += s.done - s.first
		total += s.total - s.first
	}
	text := fmt.Sprintf("%s  %s messages, %s new, %s/s", at, thousands(p.items), thousands(p.new), thousands(int(rate)))
	if total > done && rate > 0 {
		left := time.Duration(float64(total-done) / rate * float64(time.Second))
		text = fmt.Sprintf("%s  %s of %s, %s left", text, thousands(done), thousands(total), roughly(left))
	}
	return text
}

func (p *progress) line(text string) {
	if p.width > 0 {
		text = runewidth.Truncate(text, p.width-1, "…")
	}
	fmt.Fprintf(p.w, "\r\x1b[K%s", text)
}

// end takes the line away.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.shown.IsZero() {
		fmt.Fprint(p.w, "\r\x1b[K")
	}
}

// thousands writes a number for people: 12,345.
func thousands(n int) string {
	s := fmt.Sprint(n)
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 && s[i-1] != '-' {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// roughly writes a duration as people say it.
func roughly(d time.Duration) string {
	d = d.Round(time.Second)
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", int(d.Minutes()), int(d.Seconds())%60)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh%02dm", int(d.Hours()), int(d.Minutes())%60)
	}
	return fmt.Sprintf("%d days", int(d.Hours()/24))
}

// counter shows on one line of a terminal how many rows are done. A nil counter shows nothing.
type counter struct {
	w     io.Writer
	now   func() time.Time
	what  string
	total int64 // bytes to read; 0 where that is not known

	began, shown time.Time
	done         int
}

// counterTo returns a counter when somebody looks, else nil.
func (a *app) counterTo(what string) *counter {
	if a.quiet || a.json || !isTerminal(a.stderr) {
		return nil
	}
	return &counter{w: a.stderr, now: a.now, what: what, began: a.now()}
}

// add counts one; bytes is how far the file was read.
func (c *counter) add(bytes int64) {
	if c == nil {
		return
	}
	c.done++
	now := c.now()
	if now.Sub(c.shown) < 100*time.Millisecond {
		return
	}
	c.shown = now
	text := fmt.Sprintf("%s %s, %s/s", thousands(c.done), c.what, thousands(int(float64(c.done)/max(now.Sub(c.began).Seconds(), 0.001))))
	if c.total > 0 {
		text = fmt.Sprintf("%3d%%  %s", bytes*100/c.total, text)
	}
	fmt.Fprintf(c.w, "\r\x1b[K%s", text)
}

// end takes the line away.
func (c *counter) end() {
	if c != nil && !c.shown.IsZero() {
		fmt.Fprint(c.w, "\r\x1b[K")
	}
}
