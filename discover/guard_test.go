package discover

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

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
