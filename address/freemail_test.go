package address_test

import (
	"testing"

	"kith/address"
)

func TestFreeMail(t *testing.T) {
	for domain, want := range map[string]bool{
		"":              false,
		"client.test":   false,
		"mygmail.com":   false,
		"gmail.com":     true,
		"hotmail.co.uk": true,
	} {
		if got := address.FreeMail(domain); got != want {
			t.Errorf("FreeMail(%q) = %v, want %v", domain, got, want)
		}
	}
}
