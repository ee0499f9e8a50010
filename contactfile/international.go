package contactfile

import (
	"strings"

	"github.com/nyaruka/phonenumbers"
)

// International returns a number that [Phone] has made in the form of ITU-T E.164, +3225551234: one
// that is written as within a country gets the code of that country, the region (ISO 3166, BE). What
// is no number when it is dialled there, and everything if region is "", comes back as it is.
func International(number, region string) string {
	if region == "" || strings.HasPrefix(number, "+") {
		return number
	}
	parsed, err := phonenumbers.Parse(number, region)
	if err != nil || !phonenumbers.IsValidNumber(parsed) {
		return number
	}
	return phonenumbers.Format(parsed, phonenumbers.E164)
}

// Region tells whether s names a region whose numbers [International] knows.
func Region(s string) bool { return phonenumbers.GetCountryCodeForRegion(s) != 0 }
