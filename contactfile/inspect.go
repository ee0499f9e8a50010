package contactfile

import (
	"fmt"
	"io"

	"kith"
)

// Inspection is what kith reads of a vCard file, in the shape that
// "kith inspect --json" prints. Its lists are never nil.
type Inspection struct {
	Contacts []InspectedContact `json:"contacts"`
	Warnings []string           `json:"warnings"`
}

// InspectedContact is one contact of an [Inspection].
type InspectedContact struct {
	Kind       kith.ContactType `json:"kind"`
	Name       string           `json:"name"`
	Company    string           `json:"company"`
	Emails     []string         `json:"emails"`
	Phones     []string         `json:"phones"`
	ExternalID string           `json:"external_id"`
}

// InspectVCF reads a vCard file to its end, or to the error that stopped it,
// which is the last of the warnings.
func InspectVCF(r io.Reader) Inspection {
	seen := Inspection{Contacts: []InspectedContact{}, Warnings: []string{}}
	for row, err := range ReadVCards(r) {
		if err != nil {
			seen.Warnings = append(seen.Warnings, err.Error())
			break
		}
		for _, problem := range row.Problems {
			seen.Warnings = append(seen.Warnings, fmt.Sprintf("line %d: %s", row.Line, problem))
		}
		if row.Verdict != Good {
			continue
		}
		c := row.Contact
		seen.Contacts = append(seen.Contacts, InspectedContact{
			Kind: c.Type, Name: c.Name, Company: c.Company, ExternalID: c.ExternalID,
			Emails: append([]string{}, c.Emails...), Phones: append([]string{}, c.Phones...),
		})
	}
	return seen
}
