package config

import (
	"errors"
	"net/url"
	"strings"
)

// Driver is the engine of a database.
type Driver string

// The engines.
const (
	SQLite   Driver = "sqlite"
	Postgres Driver = "postgres"
)

// Database says where the register is kept.
type Database struct {
	Driver Driver
	Path   string // of the file, for SQLite
	URL    Secret // as it was written, for Postgres: a password may be in it
}

// UnmarshalText implements [encoding.TextUnmarshaler].
func (d *Database) UnmarshalText(text []byte) error {
	s := string(text)
	switch scheme, rest, _ := strings.Cut(s, ":"); scheme {
	case "sqlite":
		path, err := url.PathUnescape(strings.TrimPrefix(rest, "//"))
		if err != nil || path == "" || strings.ContainsAny(path, "?#\x00") {
			return errors.New("names no file: want sqlite:///path/to/kith.db, or sqlite:kith.db for one beside this file")
		}
		*d = Database{Driver: SQLite, Path: path}
	case "postgres", "postgresql":
		u, err := url.Parse(s)
		// The error of url.Parse holds the URL, and so the password.
		if err != nil || u.Opaque != "" || u.Path == "" || u.Path == "/" {
			return errors.New("is no PostgreSQL URL: want postgres://user@host:port/name")
		}
		*d = Database{Driver: Postgres, URL: NewSecret(s)}
	default:
		return errors.New("is no database: want sqlite:///path/to/kith.db or postgres://user@host/name")
	}
	return nil
}

// String returns the URL without a password.
func (d Database) String() string {
	switch d.Driver {
	case SQLite:
		return (&url.URL{Scheme: "sqlite", Path: d.Path}).String()
	case Postgres:
		return mask(d.URL.Reveal())
	}
	return ""
}

func (d Database) hasPassword() bool { return mask(d.URL.Reveal()) != d.URL.Reveal() }
