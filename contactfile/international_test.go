package contactfile_test

import (
	"testing"

	"kith/contactfile"
)

func TestInternational(t *testing.T) {
	for _, tt := range []struct{ name, written, region, want string }{
		{"no region", "02 555 12 34", "", "025551234"},
		{"with its country already", "+32 2 555 12 34", "DE", "+3225551234"},
		{"with the nought that is dialled within the country", "02 555 12 34", "BE", "+3225551234"},
		{"another country's way to dial abroad", "011 32 2 555 12 34", "US", "+3225551234"},
		{"a country without such a nought", "06 12345678", "IT", "+390612345678"},
		{"the United States", "(650) 253-0000", "US", "+16502530000"},
		{"too short to be one of the country", "1234", "BE", "1234"},
		{"a region that nobody knows", "025551234", "XX", "025551234"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			number, ok := contactfile.Phone(tt.written)
			if !ok {
				t.Fatalf("%q is no phone number", tt.written)
			}
			if got := contactfile.International(number, tt.region); got != tt.want {
				t.Errorf("%q in %s is %q, want %q", tt.written, tt.region, got, tt.want)
			}
		})
	}
	if !contactfile.Region("BE") || contactfile.Region("be") || contactfile.Region("XX") || contactfile.Region("") {
		t.Error("the regions are others")
	}
}

func FuzzInternational(f *testing.F) {
	f.Add("025551234", "BE")
	f.Fuzz(func(t *testing.T, written, region string) {
		number, ok := contactfile.Phone(written)
		if !ok {
			return
		}
		got := contactfile.International(number, region)
		if again, ok := contactfile.Phone(got); !ok || again != got || contactfile.International(got, region) != got {
			t.Errorf("%q in %s is %q, which is read as %q, %v", number, region, got, again, ok)
		}
	})
}
