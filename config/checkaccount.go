package config

import (
	"crypto/x509"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode"
)

func (l *loader) checkAccounts() {
	names := map[string]string{} // where each is
	mailboxes := map[string]string{}
	for i := range l.cfg.Accounts {
		a, at := &l.cfg.Accounts[i], index("account", i)
		l.checkAccount(a, at)
		// Two names that differ in case alone would be taken for each other.
		if name := strings.ToLower(a.Name); name != "" {
			if first, twice := names[name]; twice {
				l.problem(join(at, "name"), "is the name of the account at %s too: names must differ, in more than upper and lower case", first)
			} else {
				names[name] = l.origin(at)
			}
		}
		if a.MasterUser != "" {
			for _, u := range l.users(a, at) {
				l.addMember(u, a.member(u), names, mailboxes)
			}
			continue
		}
		l.members = append(l.members, *a)
		if mailbox := a.Mailbox(); mailbox != "" {
			if first, twice := mailboxes[mailbox]; twice {
				l.problem(at, "reads the same as the account at %s: remove one, or join their include and addresses", first)
			} else {
				mailboxes[mailbox] = l.origin(at)
			}
		}
	}
}

// origin says where something begins that has a path.
func (l *loader) origin(path string) string {
	p := l.places[path]
	row, _, _ := excerpt(p.doc.data, p.at().offset, 0)
	return fmt.Sprintf("%s:%d", p.doc.file, row)
}

func (l *loader) checkAccount(a *Account, at string) {
	missing := func(key, value, why string) {
		if _, written := l.places[join(at, key)]; value == "" && !written {
			l.problem(at, "has no %s: %s", key, why)
		} else if value == "" {
			l.problem(join(at, key), "is empty: %s", why)
		}
	}
	missing("name", a.Name, "give it one, such as name = \"alice-mail\"")
	missing("kind", string(a.Kind), "want one of "+strings.Join(a.Kind.values(), ", "))
	if a.Name != "" && !isAccountName(a.Name) {
		l.problem(join(at, "name"), "%q is no name for an account: want letters, digits and - _ . @, 64 at most, a letter or digit first", a.Name)
	}
	if err := checkSchedule(a.Schedule, l.env.Now.In(l.cfg.TimeZone)); err != nil {
		l.problem(join(at, "schedule"), "%v", err)
	}
	for i, address := range a.Addresses {
		if !isAddress(address) {
			l.problem(index(join(at, "addresses"), i), "%q is no e-mail address: want the form alice@example.test, without a name", address)
		}
	}
	if a.Owner != "" && !isAddress(a.Owner) {
		l.problem(join(at, "owner"), "%q is no e-mail address: want the form alice@example.test, without a name", a.Owner)
	}
	if a.Owner == "" {
		if len(a.Addresses) > 0 {
			a.Owner = a.Addresses[0]
		} else if isAddress(a.Username) {
			a.Owner = a.Username
		}
	}
	l.checkGlobs(a.Include, join(at, "include"))
	l.checkGlobs(a.Exclude, join(at, "exclude"))
	if slices.Contains(a.Exclude, "*") {
		l.problem(join(at, "exclude"), "leaves out everything: remove the account, or exclude less")
	}

	switch a.Kind {
	case KindIMAP:
		missing("url", a.URL, "want imaps://host or imap+starttls://host")
		if a.MasterUser == "" {
			missing("username", a.Username, "want the login name")
		}
	case KindCalDAV, KindCardDAV, KindICS:
		missing("url", a.URL, "want https://…")
	}
	if a.URL != "" {
		l.checkURL(a, join(at, "url"))
	}
	if l.alone {
		l.checkAlone(a, at)
	} else {
		l.checkMaster(a, at)
		l.checkSecret(a, at)
	}
	if a.CAFile != "" && l.alone && !filepath.IsAbs(a.CAFile) {
		l.problem(join(at, "ca_file"), "%q starts nowhere: want a path from / on, where every daemon on the register finds the file", a.CAFile)
	} else if a.CAFile != "" {
		a.CAFile = absolute(l.dir, a.CAFile)
		l.checkCA(join(at, "ca_file"), a.CAFile)
	}
}

// isAccountName keeps names usable in commands, where they stand before a slash.
func isAccountName(s string) bool {
	for i, r := range s {
		if !isNameRune(r) || i == 0 && strings.ContainsRune(nameMarks, r) {
			return false
		}
	}
	return len(s) <= maxName
}

// nameMarks are what names of accounts may hold beside letters and digits.
const nameMarks = "-_.@"

func isNameRune(r rune) bool {
	return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(nameMarks, r)
}

// checkGlobs looks at patterns for folders: * stands for any text and ? for one
// character; [ is meant literally, as in [Gmail]/All Mail.
func (l *loader) checkGlobs(patterns []string, at string) {
	for i, p := range patterns {
		switch {
		case p == "":
			l.problem(index(at, i), "is empty: leave it out, or write * for all")
		case strings.ContainsFunc(p, unicode.IsControl):
			l.problem(index(at, i), "%q holds control characters", p)
		}
	}
}

// schemes are the forms of a URL, by kind.
var schemes = map[Kind][]string{
	KindIMAP:      {"imaps", "imap+starttls", "imap"},
	KindCalDAV:    {"https", "http"},
	KindCardDAV:   {"https", "http"},
	KindICS:       {"https", "http", "webcal", "webcals", "file"},
	KindMicrosoft: {"https"},
	KindGoogle:    {"https"},
}

// checkURL looks at the form of an account's URL. What it says never holds the
// URL as a whole: there may be a password in it.
func (l *loader) checkURL(a *Account, at string) {
	allowed, known := schemes[a.Kind]
	if !known {
		return // the kind is the problem
	}
	u, err := url.Parse(a.URL)
	if err != nil {
		l.problem(at, "is no URL: want the form %s://host", allowed[0])
		return
	}
	if u.Scheme == "" {
		l.problem(at, "has no scheme: want the form %s://host", allowed[0])
		return
	}
	if !slices.Contains(allowed, u.Scheme) {
		l.problem(at, "%q is no scheme for kind %s: want %s", u.Scheme, a.Kind, strings.Join(allowed, "://, ")+"://")
		return
	}
	if u.Scheme == "file" {
		l.checkFileURL(a, u, at)
		return
	}
	host := u.Hostname()
	switch {
	case u.User != nil:
		l.problem(at, "holds a login: write it as username, and the password as password_file")
	case host == "" || u.Port() != "" && !isPort(u.Port(), 1):
		l.problem(at, "has no host, or a port that is none: want the form %s://host or %s://host:port", allowed[0], allowed[0])
	case a.Kind == KindIMAP && (strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != ""):
		l.problem(at, "has something behind the host: folders are named in include, not here")
	case (u.Scheme == "imap" || u.Scheme == "http") && !isLoopback(host) && !a.AllowPlain:
		l.problem(at, "goes to %s without TLS: write %s://, or set allow_plain = true and let passwords and mail be read on the way", host, allowed[0])
	case a.Kind != KindIMAP && isPrivate(host) && !a.AllowPrivate:
		l.problem(at, "goes to %s, which is not of the public internet: set allow_private = true if it is meant", host)
	}
}

// checkFileURL looks for the file and makes its path absolute.
func (l *loader) checkFileURL(a *Account, u *url.URL, at string) {
	path := u.Path
	if u.Opaque != "" {
		var err error
		if path, err = url.PathUnescape(u.Opaque); err != nil {
			l.problem(at, "is no URL: %v", err)
			return
		}
	}
	if path == "" || u.Host != "" && u.Host != "localhost" {
		l.problem(at, "names no file here: want file:calendar.ics or file:///path/of/calendar.ics")
		return
	}
	path = absolute(l.dir, path)
	a.URL = (&url.URL{Scheme: "file", Path: path}).String()
	if _, err := os.Stat(path); err != nil {
		l.problem(at, "%s: %s", path, plain(err))
	}
}

func (l *loader) checkCA(at, path string) {
	if !l.checkReadable(at, path) {
		return
	}
	pem, err := readFile(path)
	if err != nil {
		l.problem(at, "%s: %s", path, plain(err))
	} else if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		l.problem(at, "%s holds no certificate in PEM form", path)
	}
}

// checkReadable tells whether a path is a file that can be read and holds something.
func (l *loader) checkReadable(at, path string) bool {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		l.problem(at, "%s: %s", path, plain(err))
		return false
	case !info.Mode().IsRegular():
		l.problem(at, "%s is not a file", path)
		return false
	case info.Size() == 0:
		l.problem(at, "%s is empty", path)
		return false
	}
	f, err := os.Open(path)
	if err != nil {
		l.problem(at, "%s: %s: check it as the user that runs the daemon", path, plain(err))
		return false
	}
	f.Close()
	return true
}

// checkMode notes a problem if a file grants others one of the permissions forbidden.
func (l *loader) checkMode(at, path string, forbidden fs.FileMode) bool {
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm()&forbidden == 0 {
		return err == nil
	}
	l.problem(at, "%s can be used by others (mode %04o): chmod %04o %s", path, info.Mode().Perm(), info.Mode().Perm()&^forbidden, path)
	return false
}

// checkSecret looks whether the account's secret can be had.
func (l *loader) checkSecret(a *Account, at string) {
	a.PasswordFile = absolute(l.dir, a.PasswordFile)
	source := a.source()
	given := l.checkSource(at, source)
	switch {
	case len(given) == 0 && a.Kind == KindIMAP:
		l.problem(at, "has no password: set one of password_file, password_command, password_env and credential")
	case len(given) == 0 && a.Username != "" && hasOptionalLogin(a.Kind):
		l.problem(at, "has a username and no password: set one of password_file, password_command, password_env and credential")
	case len(given) == 1 && a.Username == "" && hasOptionalLogin(a.Kind):
		l.problem(join(at, given[0]), "is a password without a username: set username too")
	}
}

// hasOptionalLogin tells whether accounts of a kind may do without a login, but not with half of one.
func hasOptionalLogin(kind Kind) bool {
	return kind == KindCalDAV || kind == KindCardDAV || kind == KindICS
}

// checkSecrets looks whether the keys of the register can be had.
func (l *loader) checkSecrets() {
	s := &l.cfg.Secrets
	s.getenv, s.dir = l.env.Getenv, l.dir
	s.KeyFile = absolute(l.dir, s.KeyFile)
	l.checkSource("secrets", s.source())
}

// checkSource looks whether a secret can be had, and returns the keys that
// say where it is. It reads no secret but those of the environment.
func (l *loader) checkSource(at string, s secretSource) (given []string) {
	for _, key := range s.keys {
		if _, ok := l.places[join(at, key)]; ok {
			given = append(given, key)
		}
	}
	if len(given) > 1 {
		are := "the password is"
		if s.what != "password" {
			are = "the keys are"
		}
		l.problem(join(at, given[1]), "%s given as %s: keep one of them", are, strings.Join(given, " and as "))
	}
	for _, key := range given {
		at := join(at, key)
		switch {
		case key == s.keys[0] && s.file != "":
			if l.checkReadable(at, s.file) && !l.isCredential(s.file) {
				l.checkMode(at, s.file, 0o077)
			}
		case key == s.keys[1] && len(s.command) > 0:
			if err := checkCommand(s.command[0], l.dir); err != nil {
				l.problem(at, "%v", err)
			}
		case key == s.keys[2] && s.env != "":
			if l.env.Getenv(s.env) == "" {
				l.problem(at, "the environment variable %s is not set", s.env)
			}
		case key == s.keys[3] && s.credential != "":
			if path, err := s.path(); err != nil {
				l.problem(at, "%v", err)
			} else {
				l.checkReadable(at, path)
			}
		default:
			l.problem(at, "is empty")
		}
	}
	return given
}

// isCredential tells whether systemd keeps the file: it guards those by the folder.
func (l *loader) isCredential(path string) bool {
	dir := l.env.Getenv("CREDENTIALS_DIRECTORY")
	if dir == "" {
		return false
	}
	inside, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(inside)
}
