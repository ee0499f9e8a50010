package main

import (
	"strings"
	"testing"

	"kith"
)

func TestPhoneNumbersOfARegion(t *testing.T) {
	s := &site{t: t, dir: t.TempDir(), env: map[string]string{}}
	s.write("kith.toml", "database = \"sqlite://"+s.path("kith.db")+"\"\nregion = \"BE\"\n")
	s.importContacts("name,phone\nAnn Doe,02 555 12 34;+49 30 123456\n")
	s.must("contacts", "add", "Bo", "--phone", "0475/12.34.56")
	s.must("contacts", "edit", "Bo", "--phone", "0475 12 34 57")
	var got []string
	for _, c := range jsonLinesOf[kith.Contact](t, s.must("--json", "contacts", "list")) {
		got = append(got, c.Name+" "+strings.Join(c.Phones, " "))
	}
	if want := "Ann Doe +3225551234 +4930123456, Bo +32475123457"; strings.Join(got, ", ") != want {
		t.Errorf("the numbers are %q, want %q", strings.Join(got, ", "), want)
	}
}
