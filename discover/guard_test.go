package discover

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

func TestIsPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"8.8.8.8": true, "93.184.215.14": true, "2001:4860:4860::8888": true, "::ffff:8.8.8.8": true,
		"127.0.0.1": false, "::1": false, "::ffff:127.0.0.1": false, "0.0.0.0": false, "::": false, "0.1.2.3": false,
		"10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false, "fd00::1": false,
		"169.254.169.254": false, "fe80::1": false, "fec0::1": false,
		"100.64.0.1": false, "198.18.0.1": false, "192.0.0.8": false, "192.0.2.1": false, "255.255.255.255": false, "240.0.0.1": false,
		"224.0.0.1": false, "ff02::1": false,
		"64:ff9b::7f00:1": false, "2002:7f00:1::": false, "2001::1": false, "2001:db8::1": false,
	} {
		if got := isPublic(netip.MustParseAddr(text)); got != want {
			t.Errorf("isPublic(%s) = %v, want %v", text, got, want)
		}
	}
}

func TestPublicOnly(t *testing.T) {
	for address, want := range map[string]bool{"8.8.8.8:443": true, "8.8.8.8:80": false, "10.0.0.1:443": false, "[fe80::1%eth0]:443": false} {
		if err := publicOnly("tcp", address, nil); (err == nil) != want {
			t.Errorf("publicOnly(%s) = %v, want allowed: %v", address, err, want)
		}
	}
}

func TestGuardedClientDoesNotReachLoopback(t *testing.T) {
	reached := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached <- struct{}{} }))
	defer server.Close()
	resp, err := (&Finder{}).client().Get(server.URL)
	if err == nil {
		resp.Body.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "no public web server") {
		t.Errorf("error %v, want a refusal", err)
	}
	select {
	case <-reached:
		t.Error("the server was reached")
	default:
	}
}
