package contactfile

import (
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"strings"

	"kith"
)

// WriteCSV writes contacts with a header row, in the columns that [ReadCSV]
// reads, as UTF-8 with commas. ID, source, archived, notes and times are not in
// it. It ends at the first error of the sequence or of w.
//
// A spreadsheet runs a cell that begins with =, +, - or @ (or a tab before
// them) as a formula, so such a cell gets an apostrophe in front, which ReadCSV
// takes off again. Phone numbers are left alone: a plus with nothing but digits, further
// numbers and semicolons computes nothing, and other programs read them without
// knowing of the apostrophe.
func WriteCSV(w io.Writer, contacts iter.Seq2[kith.Contact, error]) error {
	out := csv.NewWriter(w)
	if err := out.Write(columns); err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	for c, err := range contacts {
		if err != nil {
			return fmt.Errorf("write csv: %w", err)
		}
		never := ""
		if c.NeverRecord {
			never = "yes"
		}
		cells := []string{
			c.ExternalID, string(c.Type), c.Name, c.FirstName, c.LastName, c.Company,
			joinValues(c.Emails), joinValues(c.Phones), c.Title, c.Language, c.Owner, joinValues(c.Tags), never,
		}
		for i, cell := range cells {
			if columns[i] != phoneColumn || strings.Trim(cell, "+0123456789;") != "" {
				cells[i] = armed(cell)
			}
		}
		if err := out.Write(cells); err != nil {
			return fmt.Errorf("write csv: %w", err)
		}
	}
	out.Flush()
	if err := out.Error(); err != nil {
		return fmt.Errorf("write csv: %w", err)
	}
	return nil
}

// joinValues is the reverse of eachValue.
func joinValues(values []string) string {
	if len(values) == 1 && !strings.ContainsAny(values[0], `;\`) {
		return values[0]
	}
	escape := strings.NewReplacer(`\`, `\\`, `;`, `\;`)
	escaped := make([]string, len(values))
	for i, value := range values {
		escaped[i] = escape.Replace(value)
	}
	return strings.Join(escaped, ";")
}

// armed puts an apostrophe before what a spreadsheet would run, and before
// what disarmed would otherwise take one off.
func armed(cell string) string {
	if runs(cell) {
		return "'" + cell
	}
	return cell
}

// disarmed takes off the apostrophe of armed.
func disarmed(cell string) string {
	if strings.HasPrefix(cell, "'") && runs(cell) {
		return cell[1:]
	}
	return cell
}

// runs tells whether a cell, but for apostrophes, begins like a formula.
func runs(cell string) bool {
	cell = strings.TrimLeft(cell, "'")
	return cell != "" && strings.IndexByte("=+-@\t\r", cell[0]) >= 0
}
