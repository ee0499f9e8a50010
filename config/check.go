package config

import (
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/robfig/cron/v3"
)

// check holds everything that was decoded against the rules that a single value
// doesn't show, and fills in what follows from the environment and the folder.
func (l *loader) check() {
	c := l.cfg
	l.checkDatabase()
	if c.Since.Horizon(l.env.Now.In(c.TimeZone)).After(l.env.Now) {
		l.problem("since", "%s has not come yet: capture would find nothing", c.Since)
	}
	for i, domain := range c.OwnDomains {
		if !isDomain(domain) {
			l.problem(index("own_domains", i), "%q is no domain: want a name such as example.test, without @", domain)
		}
	}
	if c.Region != "" && !l.env.ValidRegion(c.Region) {
		l.problem("region", "%q is no country known here: want two capital letters of ISO 3166, such as BE", c.Region)
	}
	l.checkHTTP()
	if c.Limits.AccountTimeout < c.Limits.TimeSlice {
		l.problem("limits.account_timeout", "%s is shorter than time_slice (%s): no slice would ever end", c.Limits.AccountTimeout, c.Limits.TimeSlice)
	}
	for i, pattern := range c.Policy.NeverRecord {
		if err := l.env.ValidPattern(pattern); err != nil {
			l.problem(index("policy.never_record", i), "%v", err)
		}
	}
	for event, code := range c.Templates {
		l.checkTemplate(event, code)
	}
	l.checkSecrets()
	l.checkAccounts()
}

// index is the path of an element of an array.
func index(path string, i int) string { return join(path, strconv.Itoa(i)) }

func (l *loader) checkDatabase() {
	db := &l.cfg.Database
	if _, set := l.places["database"]; !set {
		dir := l.dir
		// systemd gives several folders joined by colons if the unit names several.
		if state, _, _ := strings.Cut(l.env.Getenv("STATE_DIRECTORY"), ":"); state != "" {
			dir = state
		}
		*db = Database{Driver: SQLite, Path: filepath.Join(dir, "kith.db")}
	} else {
		db.Path = absolute(l.dir, db.Path)
	}
	if _, set := l.places["database_replica"]; set {
		switch {
		case l.cfg.Replica.Driver != Postgres:
			l.problem("database_replica", "is a standby of a PostgreSQL database: want postgres://user@host/name")
		case db.Driver != Postgres:
			l.problem("database_replica", "has no database that it is a standby of: database has to be a postgres:// URL too")
		}
	}
	l.checkDatabasePassword("database", *db)
	l.checkDatabasePassword("database_replica", l.cfg.Replica)
}

// checkDatabasePassword warns of a password that others can read.
func (l *loader) checkDatabasePassword(key string, db Database) {
	if !db.hasPassword() {
		return
	}
	at := l.placeOf(key)
	if info, err := os.Stat(at.doc.file); err == nil && info.Mode().Perm()&0o007 != 0 {
		l.found = append(l.found, finding{at, key,
			fmt.Sprintf("holds a password, and everybody on this machine can read this file (mode %04o): chmod o= %s, or keep the password in $PGPASSFILE", info.Mode().Perm(), at.doc.file), true})
	}
}

// maxSocketPath is what fits into a sockaddr_un on every system, its final NUL
// included: 108 bytes on Linux, 104 on others.
const maxSocketPath = 104

func (l *loader) checkHTTP() {
	h := &l.cfg.HTTP
	network, address := h.Address()
	if network == "unix" {
		address = absolute(l.dir, address)
		h.Listen = "unix:" + address
		if len(address) >= maxSocketPath {
			l.problem("http.listen", "the path of the socket has %d bytes, and %d are the most: choose a shorter one, such as unix:/run/kith/http.sock", len(address), maxSocketPath-1)
		}
	} else if _, port, err := net.SplitHostPort(address); err != nil || !isPort(port, 0) {
		l.problem("http.listen", "%q is neither host:port, such as 127.0.0.1:8625, nor unix:/path/of/socket", h.Listen)
	} else if !h.loopback() && h.TLSCert == "" && !h.AllowPlainHTTP {
		l.problem("http.listen", "%s can be reached from other machines, and tokens would go there in clear: set tls_cert and tls_key, or allow_plain_http = true behind a proxy, or listen on 127.0.0.1", h.Listen)
	}
	h.TLSCert, h.TLSKey = absolute(l.dir, h.TLSCert), absolute(l.dir, h.TLSKey)
	switch {
	case h.TLSCert == "" && h.TLSKey == "":
		return
	case h.TLSKey == "":
		l.problem("http.tls_cert", "needs tls_key too")
		return
	case h.TLSCert == "":
		l.problem("http.tls_key", "needs tls_cert too")
		return
	}
	cert := l.checkReadable("http.tls_cert", h.TLSCert)
	// A key may be for a group: that is how others on the machine share it.
	key := l.checkReadable("http.tls_key", h.TLSKey) && l.checkMode("http.tls_key", h.TLSKey, 0o007)
	if !cert || !key {
		return
	}
	if _, err := tls.LoadX509KeyPair(h.TLSCert, h.TLSKey); err != nil {
		l.problem("http.tls_cert", "can't be used with tls_key: %v", err)
	}
}

var (
	eventName    = regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`)
	templateCode = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,39}$`)
)

func (l *loader) checkTemplate(event, code string) {
	at := join("templates", event)
	if _, known := shippedTemplates[event]; !known {
		document := slices.ContainsFunc(documentEvents, func(end string) bool { return strings.HasSuffix(event, end) })
		if !document || !eventName.MatchString(event) {
			var known []string
			for name := range shippedTemplates {
				known = append(known, name)
			}
			advice := didYouMean(event, known)
			if advice == "" {
				slices.Sort(known)
				advice = "; want one of " + strings.Join(known, ", ") + ", or a document's type and event, such as sales_invoice_posted"
			}
			l.keyProblem(at, "unknown event"+advice)
		}
	}
	if code != "" && !templateCode.MatchString(code) {
		l.problem(at, "%q is no template code: want letters, digits, _ - and ., 40 at most", code)
	}
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// isDomain tells whether s has the form of a host name, in ASCII or as it is
// shown to people.
func isDomain(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.HasPrefix(label, "-") || strings.HasSuffix(label, "-") {
			return false
		}
		for _, r := range label {
			if r != '-' && r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.IsMark(r) {
				return false
			}
		}
	}
	return true
}

// isAddress tells whether s has the form local@domain.
func isAddress(s string) bool {
	local, domain, ok := cutLast(s, "@")
	return ok && local != "" && !strings.ContainsAny(local, " \t<>,;:") && isDomain(domain)
}

func isPort(s string, least int) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= least && n <= 65535
}

// checkSchedule tells what is wrong with a cron spec.
func checkSchedule(spec string, now time.Time) error {
	// The parser looks for the blank behind the zone and panics without one.
	if strings.HasPrefix(strings.TrimPrefix(spec, "CRON_"), "TZ=") && !strings.Contains(spec, " ") {
		return fmt.Errorf("%q has a time zone and no times: want five fields behind it", spec)
	}
	schedule, err := cron.ParseStandard(spec)
	if err != nil {
		return fmt.Errorf("%q is no cron spec: %w; want five fields such as \"*/5 8-18 * * 1-5\", @hourly, or \"@every 5m\"", spec, err)
	}
	if every, ok := strings.CutPrefix(spec[strings.LastIndex(spec, "@")+1:], "every "); ok {
		if d, err := time.ParseDuration(every); err == nil && d < time.Second {
			return fmt.Errorf("%q: a second is the shortest interval", spec)
		}
	}
	if schedule.Next(now).IsZero() {
		return fmt.Errorf("%q never comes", spec)
	}
	return nil
}
