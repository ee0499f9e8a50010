package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/mattn/go-runewidth"
)

// table prints aligned columns. Widths are those of a terminal, where a
// Japanese letter takes two columns.
type table struct {
	header []string
	rows   [][]string
	right  map[int]bool // columns aligned to the right
	bold   func(string) string
	// width, when not zero, is that of the terminal; flex are the columns that are cut to fit.
	width int
	flex  []int
}

// narrowest is the width below which a column says nothing.
const narrowest = 8

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) write(w io.Writer) error {
	widths := make([]int, len(t.header))
	for _, row := range append([][]string{t.header}, t.rows...) {
		for i, cell := range row {
			widths[i] = max(widths[i], runewidth.StringWidth(cell))
		}
	}
	if t.width > 0 {
		total := 2 * (len(widths) - 1)
		for _, n := range widths {
			total += n
		}
		for ; total > t.width; total-- {
			widest := -1
			for _, i := range t.flex {
				if widths[i] > narrowest && (widest < 0 || widths[i] > widths[widest]) {
					widest = i
				}
			}
			if widest < 0 {
				break
			}
			widths[widest]--
		}
	}
	line := func(row []string, style func(string) string) error {
		var b strings.Builder
		for i, cell := range row {
			if t.width > 0 && runewidth.StringWidth(cell) > widths[i] {
				cell = runewidth.Truncate(cell, widths[i], "…")
			}
			pad := strings.Repeat(" ", max(0, widths[i]-runewidth.StringWidth(cell)))
			if i > 0 {
				b.WriteString("  ")
			}
			if t.right[i] {
				b.WriteString(pad + cell)
			} else {
				b.WriteString(cell + pad)
			}
		}
		_, err := fmt.Fprintln(w, style(strings.TrimRight(b.String(), " ")))
		return err
	}
	plain := func(s string) string { return s }
	bold := t.bold
	if bold == nil {
		bold = plain
	}
	if err := line(t.header, bold); err != nil {
		return err
	}
	for _, row := range t.rows {
		if err := line(row, plain); err != nil {
			return err
		}
	}
	return nil
}

// printJSON writes v as one line.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}
