// Package config reads kith.toml and the files of conf.d beside it: strictly,
// with every problem found at once and shown at its place in the file.
//
// The structs below are the one source of what may be written: the decoder, the
// JSON Schema, the example file and [Config.Show] all read their tags.
//
//	toml     the key
//	help     what it means, for the schema and the example
//	default  its value when the file says nothing
//	example  a value to show where there is no default
//	min, max the bounds of a number, size or duration
package config

import (
	"log/slog"
	"net"
	"path/filepath"
	"reflect"
	"strings"
	"time"
)

// Config is the whole configuration, checked. It is read-only once loaded; a
// reload makes a new one, so that a bad file leaves the old one in force.
type Config struct {
	Database   Database       `toml:"database" example:"sqlite:///var/lib/kith/kith.db" help:"Where the register is kept: sqlite:///path/to/file or postgres://user@host/name. Left out: kith.db in $STATE_DIRECTORY, else beside this file. Name it where commands are run by hand as well as by the service, so that they find the same one."`
	Replica    Database       `toml:"database_replica" example:"postgres://kith@replica.example.test/kith" help:"A standby of a PostgreSQL database, for what is only listed. It may be some moments behind; when it does not answer, the database itself is asked."`
	Since      Since          `toml:"since" default:"365d" help:"How far back the first capture goes: hours, days, weeks, months or years (720h 365d 26w 18mo 2y), or a date."`
	OwnDomains []string       `toml:"own_domains" example:"example.test" help:"Addresses in these domains are us, not contacts."`
	TimeZone   *time.Location `toml:"time_zone" example:"Europe/Brussels" help:"For times without a zone, dates and schedules. Left out: the system's."`
	Region     string         `toml:"region" example:"BE" help:"The country (ISO 3166, two letters) whose phone numbers are written without their country. Left out: such numbers stay as they are."`
	HTTP       HTTP           `toml:"http" help:"The HTTP endpoint."`
	Log        Log            `toml:"log" help:"The log, on standard error."`
	Limits     Limits         `toml:"limits" help:"How much is done at once, and how much is read."`
	Secrets    Secrets        `toml:"secrets" help:"The keys to the passwords of accounts that are kept in the register, encrypted: a line for each key, as kith accounts key makes it. The first one seals, all of them open."`
	Policy     Policy         `toml:"policy" help:"What is recorded, and what of it is kept."`
	Templates  Templates      `toml:"templates" help:"The template for each event; an empty one means that the event is not recorded. Business documents are named by type and event, such as sales_invoice_posted."`
	Accounts   []Account      `toml:"account" help:"A mailbox, calendar or address book to read; one [[account]] each."`

	blocks []Account // as they are written: Accounts has one for each user of a block

	// Path is the main file, as it was given.
	Path string
	// Warnings are what is allowed, yet better mended.
	Warnings Problems
}

// HTTP says where the endpoint listens.
type HTTP struct {
	Listen         string `toml:"listen" default:"127.0.0.1:8625" help:"host:port, or unix:/path/of/socket. Beyond loopback it takes tls_cert and tls_key, or allow_plain_http."`
	TLSCert        string `toml:"tls_cert" example:"/etc/kith/tls.crt" help:"The certificate chain, a PEM file."`
	TLSKey         string `toml:"tls_key" example:"/etc/kith/tls.key" help:"Its private key, a PEM file that others can't read."`
	AllowPlainHTTP bool   `toml:"allow_plain_http" default:"false" help:"Listen beyond loopback without TLS, as behind a proxy."`
}

// Address returns the network and address to listen on, as [net.Listen] takes them.
func (h HTTP) Address() (network, address string) {
	if path, ok := strings.CutPrefix(h.Listen, "unix:"); ok {
		return "unix", path
	}
	return "tcp", h.Listen
}

// loopback tells whether only this machine can reach the endpoint.
func (h HTTP) loopback() bool {
	network, address := h.Address()
	if network == "unix" {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	return err == nil && isLoopback(host)
}

// Log says what is logged and how.
type Log struct {
	Level  LogLevel  `toml:"level" default:"info" help:"How much is logged. Subjects and addresses appear at debug alone."`
	Format LogFormat `toml:"format" default:"text" help:"The form of a line."`
}

// LogLevel is the least level that is logged. It is a [slog.Leveler].
type LogLevel string

// The levels.
const (
	LevelDebug LogLevel = "debug"
	LevelInfo  LogLevel = "info"
	LevelWarn  LogLevel = "warn"
	LevelError LogLevel = "error"
)

func (LogLevel) values() []string { return []string{"debug", "info", "warn", "error"} }

// Level implements [slog.Leveler].
func (l LogLevel) Level() slog.Level {
	switch l {
	case LevelDebug:
		return slog.LevelDebug
	case LevelWarn:
		return slog.LevelWarn
	case LevelError:
		return slog.LevelError
	}
	return slog.LevelInfo
}

// LogFormat is the form of a line of the log.
type LogFormat string

// The formats.
const (
	FormatText LogFormat = "text"
	FormatJSON LogFormat = "json"
)

func (LogFormat) values() []string { return []string{"text", "json"} }

// Limits bound the work and what is read.
type Limits struct {
	Workers        int           `toml:"workers" default:"4" min:"1" max:"256" help:"Accounts read at once."`
	PerHost        int           `toml:"per_host" default:"4" min:"1" max:"64" help:"Of these, on one host. Servers refuse more than about ten connections."`
	Batch          int           `toml:"batch" default:"500" min:"1" max:"10000" help:"Messages fetched and recorded at a time."`
	TimeSlice      time.Duration `toml:"time_slice" default:"30s" min:"1s" max:"1h" help:"How long an account may go on with its past before others have their turn."`
	AccountTimeout time.Duration `toml:"account_timeout" default:"10m" min:"10s" max:"24h" help:"How long one run of an account may take in all."`
	HeaderSize     Bytes         `toml:"header_size" default:"1MiB" min:"16KiB" max:"1MiB" help:"How much of a message's header is read; what is longer is cut."`
	CreateContacts int           `toml:"create_contacts" default:"100" min:"1" max:"100000" help:"Contacts that one run of an account makes by itself, at most. See policy.create_contacts."`
	Recipients     int           `toml:"recipients" default:"1000" min:"10" max:"100000" help:"Recipients kept of one message; contacts among the others are linked all the same."`
}

// Secrets says where the keys are that open what the register keeps sealed.
type Secrets struct {
	KeyFile       string   `toml:"key_file" example:"/etc/kith/keys" help:"Give the keys in one of four ways. A file that only the daemon's user can read:"`
	KeyCommand    []string `toml:"key_command" example:"pass" help:"A program and its arguments; all that it prints:"`
	KeyEnv        string   `toml:"key_env" example:"KITH_KEYS" help:"An environment variable:"`
	KeyCredential string   `toml:"key_credential" example:"kith-keys" help:"A systemd credential, looked up in $CREDENTIALS_DIRECTORY:"`

	getenv func(string) string // nil: the process's
	dir    string              // of the configuration, where commands run
}

// Default returns the configuration of an empty file, but for the database,
// which depends on the environment and the file's folder.
func Default() *Config {
	c := &Config{TimeZone: time.Local, Templates: defaultTemplates()}
	setDefaults(reflect.ValueOf(c).Elem())
	return c
}

// setDefaults fills a struct from the default tags of its keys. A default that
// can't be read is a mistake in this package, which any test brings to light.
func setDefaults(v reflect.Value) {
	for _, k := range keysOf(v.Type()) {
		field := v.Field(k.index)
		if k.section() {
			setDefaults(field)
		} else if k.def != "" {
			if err := parseText(field, k.def); err != nil {
				panic("config: default of " + k.name + ": " + err.Error())
			}
		}
	}
}

// absolute returns path as seen from the folder dir; "" stays "".
func absolute(dir, path string) string {
	if path == "" || filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}
