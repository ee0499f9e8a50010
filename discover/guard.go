package discover

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"syscall"
	"time"

	"kith/netguard"
)

// guarded reaches nothing but https on public addresses. The check is on the address that
// is dialled, after the name was looked up, so that no record can turn it
// round. It uses no proxy: one would have to be trusted to check the same.
var guarded = &http.Client{Transport: &http.Transport{
	DialContext:            (&net.Dialer{Timeout: lookupTimeout, Control: publicOnly}).DialContext,
	TLSHandshakeTimeout:    lookupTimeout,
	MaxResponseHeaderBytes: 64 << 10,
	MaxIdleConnsPerHost:    1,
	IdleConnTimeout:        time.Second,
	ForceAttemptHTTP2:      true,
}}

// publicOnly refuses a connection before it is made.
func publicOnly(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if to.Port() != 443 || !netguard.IsPublic(to.Addr()) {
		return fmt.Errorf("%s is no public web server", address)
	}
	return nil
}
