package config

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
)

// Kind is what sort of source an account is.
type Kind string

// The kinds of account.
const (
	KindIMAP      Kind = "imap"
	KindCalDAV    Kind = "caldav"
	KindICS       Kind = "ics"
	KindCardDAV   Kind = "carddav"
	KindMicrosoft Kind = "microsoft"
	KindGoogle    Kind = "google"
)

func (Kind) values() []string {
	return []string{"imap", "caldav", "ics", "carddav", "microsoft", "google"}
}

// Account is a mailbox, calendar or address book to read. After [Load] its
// paths are absolute.
type Account struct {
	Name            string   `toml:"name" example:"alice-mail" help:"How it is called in commands and messages. What was captured is kept under this name."`
	Kind            Kind     `toml:"kind" example:"imap" help:"imap for mail; caldav or ics for calendars; carddav for address books; microsoft or google for their own interfaces."`
	Schedule        string   `toml:"schedule" default:"@every 5m" help:"When it is read: five cron fields, @hourly and its like, or @every DURATION; CRON_TZ=ZONE may go in front."`
	Owner           string   `toml:"owner" example:"alice@example.test" help:"Whose it is. Left out: the first of addresses, else username if that is an address."`
	Addresses       []string `toml:"addresses" example:"alice@example.test" help:"All addresses of this mailbox; what they write is ours."`
	URL             string   `toml:"url" example:"imaps://mail.example.test" help:"The server. imap: imaps://host or imap+starttls://host. caldav, carddav: https://…, the server, the principal or one collection. ics: https://…, webcal://… or file:, a file or a folder."`
	Username        string   `toml:"username" example:"alice@example.test" help:"The login name."`
	MasterUser      string   `toml:"master_user" example:"kith" help:"imap: a user who may log in as others, on a server that knows such a one (Dovecot's master user). The block then stands for an account of each of users, named NAME-ADDRESS; the password is the master user's."`
	MasterSeparator string   `toml:"master_separator" example:"*" help:"What the server wants between the login name of a user and master_user. Left out: *"`
	Users           []string `toml:"users" example:"alice@example.test" help:"Whose mailboxes master_user reads: the address of each and, behind a blank, the login name if it is another."`
	UsersFile       string   `toml:"users_file" example:"users.txt" help:"A file with the same, a user a line; what follows a # is a comment."`
	PasswordFile    string   `toml:"password_file" example:"/etc/kith/alice.password" help:"Give the password in one of four ways. A file that only the daemon's user can read:"`
	PasswordCommand []string `toml:"password_command" example:"pass" help:"A program and its arguments; the first line it prints:"`
	PasswordEnv     string   `toml:"password_env" example:"ALICE_PASSWORD" help:"An environment variable:"`
	Credential      string   `toml:"credential" example:"alice" help:"A systemd credential, looked up in $CREDENTIALS_DIRECTORY:"`
	CAFile          string   `toml:"ca_file" example:"/etc/kith/ca.pem" help:"A PEM file with certificate authorities to trust for this account as well."`
	Include         []string `toml:"include" example:"*" help:"Folders or calendars to read, with * and ?. Left out: all but Trash, Junk, Drafts and other users'."`
	Exclude         []string `toml:"exclude" example:"HR/*" help:"Folders or calendars to leave out."`
	AllowPrivate    bool     `toml:"allow_private" default:"false" help:"Let http and https reach this machine and private networks."`
	AllowPlain      bool     `toml:"allow_plain" default:"false" help:"Go without TLS beyond this machine: passwords and mail can then be read on the way."`

	user   string              // whose mailbox a master user reads, by login name
	secret SecretFunc          // of an account that no file defines
	getenv func(string) string // nil: the process's
	dir    string              // of the configuration, where commands run
}

// SecretFunc gets a secret from where it is kept.
type SecretFunc func(ctx context.Context) (Secret, error)

// User returns the login name of the one whose mailbox it is: Username without
// the master user.
func (a Account) User() string { return cmp.Or(a.user, a.Username) }

// Host returns the host that the account is read from, in lower case, or "" if
// there is none.
func (a Account) Host() string {
	u, err := url.Parse(a.URL)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// LoginDigest stands for everything that a login depends on, the secret's place
// and time of change included, but not a secret that is in no file. When it differs, a login that was
// refused is worth another try. It can't be turned back into a secret.
func (a Account) LoginDigest() string {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %q %q %q %q %q", a.Kind, a.URL, a.Username, a.PasswordFile, a.PasswordCommand, a.PasswordEnv, a.Credential, a.CAFile)
	fmt.Fprint(h, a.AllowPlain, a.AllowPrivate)
	if path, err := a.source().path(); err == nil && path != "" {
		if info, err := os.Stat(path); err == nil {
			fmt.Fprint(h, info.Size(), info.ModTime().Round(0).Format(time.RFC3339Nano))
		}
	}
	return a.mailboxDigest() + "-" + hex.EncodeToString(h.Sum(nil)[:16])
}

// ReadsSame tells whether an account that has the given [Account.LoginDigest] reads the
// same as this one, with whatever password. The secrets of two machines lie in two places.
func (a Account) ReadsSame(loginDigest string) bool {
	mailbox, _, _ := strings.Cut(loginDigest, "-")
	return mailbox == a.mailboxDigest()
}

func (a Account) mailboxDigest() string {
	sum := sha256.Sum256([]byte(a.Mailbox()))
	return hex.EncodeToString(sum[:8])
}

// Mailbox names what the account reads, so that two accounts that read the
// same are found: "" if that can't be told from the configuration.
func (a Account) Mailbox() string {
	username := strings.ToLower(a.User())
	u, err := url.Parse(a.URL)
	if err != nil || a.Kind == "" {
		return ""
	}
	if a.URL == "" && a.Kind != KindMicrosoft && a.Kind != KindGoogle {
		return ""
	}
	switch a.Kind {
	case KindIMAP:
		// Implicit TLS and STARTTLS are two doors to one server.
		port := u.Port()
		if port == "993" || port == "143" {
			port = ""
		}
		return fmt.Sprintf("imap %s:%s %s", strings.ToLower(u.Hostname()), port, username)
	case KindMicrosoft, KindGoogle:
		if username == "" {
			return ""
		}
		return fmt.Sprintf("%s %s", a.Kind, username)
	}
	if u.Scheme == "file" {
		return fmt.Sprintf("%s file %s", a.Kind, u.Path)
	}
	port := u.Port()
	if port == "443" || port == "80" {
		port = ""
	}
	return fmt.Sprintf("%s %s:%s%s?%s %s", a.Kind, strings.ToLower(u.Hostname()), port, strings.TrimRight(u.EscapedPath(), "/"), u.RawQuery, username)
}

// isLoopback tells whether a host, a name or a literal address, is this machine.
func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// isPrivate tells whether a host is written as an address that is not of the
// public internet. Names are looked up when they are used, not here.
func isPrivate(host string) bool {
	if isLoopback(host) {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && (ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsUnspecified())
}
