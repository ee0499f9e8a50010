package simulation_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"html"
	"io"
	"math"
	"strings"
	"testing"
)

// plot is a picture of panels, one above the other, with one axis of time.
type plot struct {
	title       string
	unit        string // of the axis of time
	from, until float64
	ticks       []tick
	gap         float64 // points further apart are not joined
	spans       []span
	panels      []panel
}

// panel is one system of axes. Its first and last tick are its ends.
type panel struct {
	title string
	log   bool
	ticks []tick
	lines []line
}

type line struct {
	label  string
	colour int
	points []point
}

type point struct{ x, y float64 }

type tick struct {
	at    float64
	label string // none: there is no line either
}

// span is a time that is shaded in all panels.
type span struct {
	from, until float64
	label       string
}

// The measures of the picture in pixels.
const (
	width, left, right  = 960, 72, 24
	top, panelHeight    = 64, 220
	between, underneath = 64, 56
)

// The colours of lines are told apart by who sees no red or green, too.
const style = `
svg { font: 14px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; }
.paper { fill: #ffffff; } .span { fill: #eef1f5; } .grid { stroke: #d9dee4; } .axis { stroke: #59636e; }
text { fill: #1f2328; } .small { font-size: 12.5px; fill: #59636e; } .title { font-size: 17px; font-weight: 600; }
path { fill: none; stroke-width: 1.6; stroke-linejoin: round; }
.c0 { stroke: #0b62c4; } .c1 { stroke: #c45500; } .c2 { stroke: #7a3fb5; }
@media (prefers-color-scheme: dark) {
.paper { fill: #0d1117; } .span { fill: #1d242d; } .grid { stroke: #30363d; } .axis { stroke: #9198a1; }
text { fill: #e6edf3; } .small { fill: #9ba3ad; }
.c0 { stroke: #58a6ff; } .c1 { stroke: #f0883e; } .c2 { stroke: #c69bf5; }
}
`

// svg draws the plot. The same plot gives the same bytes.
func (p plot) svg() string {
	height := top + len(p.panels)*(panelHeight+between) - between + underneath
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" role="img">`+"\n", width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n<style>%s</style>\n", html.EscapeString(p.title), style)
	fmt.Fprintf(&b, `<rect class="paper" width="%d" height="%d"/>`+"\n", width, height)
	text(&b, "title", left, 26, "start", p.title)
	for i, panel := range p.panels {
		p.draw(&b, panel, float64(top+i*(panelHeight+between)), i == 0)
	}
	text(&b, "small", left+(width-left-right)/2, float64(height-12), "middle", p.unit)
	b.WriteString("</svg>\n")
	return b.String()
}

func (p plot) draw(b *strings.Builder, panel panel, y0 float64, first bool) {
	bottom := y0 + panelHeight
	x := func(v float64) float64 { return left + (v-p.from)/(p.until-p.from)*(width-left-right) }
	y := func(v float64) float64 { return bottom - panel.share(v)*panelHeight }

	for _, s := range p.spans {
		fmt.Fprintf(b, `<rect class="span" x="%.1f" y="%.1f" width="%.1f" height="%d"/>`+"\n", x(s.from), y0, x(s.until)-x(s.from), panelHeight)
		if first {
			text(b, "small", x(s.from)+4, y0+15, "start", s.label)
		}
	}
	for _, t := range panel.ticks {
		if t.label != "" {
			fmt.Fprintf(b, `<line class="grid" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`+"\n", left, width-right, y(t.at), y(t.at))
			text(b, "small", left-8, y(t.at)+4, "end", t.label)
		}
	}
	fmt.Fprintf(b, `<line class="axis" x1="%d" x2="%d" y1="%.1f" y2="%.1f"/>`+"\n", left, width-right, bottom, bottom)
	for _, t := range p.ticks {
		fmt.Fprintf(b, `<line class="axis" x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f"/>`+"\n", x(t.at), x(t.at), bottom, bottom+5)
		text(b, "small", x(t.at), bottom+19, "middle", t.label)
	}

	text(b, "", left, y0-10, "start", panel.title)
	key := float64(width - right)
	for i := len(panel.lines) - 1; i >= 0; i-- { // from the right
		l := panel.lines[i]
		text(b, "small", key, y0-10, "end", l.label)
		key -= 7.4*float64(len(l.label)) + 24
		fmt.Fprintf(b, `<path class="c%d" style="stroke-width:3" d="M%.1f %.1fh18"/>`+"\n", l.colour, key, y0-14)
		key -= 18
	}
	for _, l := range panel.lines { // the last one on top
		fmt.Fprintf(b, `<path class="c%d" d="`, l.colour)
		for n, at := range l.points {
			pen := "L"
			if n == 0 || at.x-l.points[n-1].x > p.gap {
				pen = "M"
			}
			fmt.Fprintf(b, "%s%.1f %.1f", pen, x(at.x), y(at.y))
		}
		b.WriteString("\"/>\n")
	}
}

// share is how far up a panel a value is, 0 to 1.
func (p panel) share(v float64) float64 {
	low, high := p.ticks[0].at, p.ticks[len(p.ticks)-1].at
	if p.log {
		low, high, v = math.Log(low), math.Log(high), math.Log(max(v, low))
	}
	return min(max((v-low)/(high-low), 0), 1)
}

func text(b *strings.Builder, class string, x, y float64, anchor, s string) {
	fmt.Fprintf(b, `<text class="%s" x="%.1f" y="%.1f" text-anchor="%s">%s</text>`+"\n", class, x, y, anchor, html.EscapeString(s))
}

func TestPlot(t *testing.T) {
	p := plot{
		title: `a < b & "c"`, unit: "hours", from: 0, until: 10, ticks: []tick{{0, "0"}, {10, "10"}}, gap: 1,
		panels: []panel{{title: "lag", log: true, ticks: []tick{{0.1, "0.1 s"}, {10, "10 s"}}, lines: []line{
			{"half", 0, []point{{0, 0}, {1, 1}, {5, 10}, {6, 1e6}}},
		}}},
	}
	got := p.svg()
	wellFormed(t, got)
	// Nothing lies outside: 0 is at the bottom of a logarithmic axis, what is too much at its top; and the line has a gap.
	if want := `d="M72.0 284.0L158.4 174.0M504.0 64.0L590.4 64.0"`; !strings.Contains(got, want) {
		t.Errorf("the line is not %s in\n%s", want, got)
	}
}

func wellFormed(t *testing.T, picture string) {
	t.Helper()
	decoder := xml.NewDecoder(strings.NewReader(picture))
	for {
		if _, err := decoder.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("the picture is no XML: %v", err)
		}
	}
}
