package config

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/pelletier/go-toml/v2"
)

// fileKeys are the keys of an account that mean something in a file alone: a
// register that could name files and programs would rule every machine that reads it.
var fileKeys = []string{
	"master_user", "master_separator", "users", "users_file",
	"password_file", "password_command", "password_env", "credential",
}

// AccountKeys lists what may be said of an account that no file defines, in the order of [Account.Text].
func AccountKeys() []string {
	var names []string
	for _, k := range keysOf(reflect.TypeFor[Account]()) {
		if !slices.Contains(fileKeys, k.name) {
			names = append(names, k.name)
		}
	}
	return names
}

// Text returns what an [[account]] block says of the account, one key a line, without its
// secret and where that is. [Config.ParseAccount] reads it.
func (a Account) Text() string {
	a.PasswordFile, a.PasswordCommand, a.PasswordEnv, a.Credential = "", nil, "", ""
	var b strings.Builder
	showTable(&b, reflect.ValueOf(a))
	return b.String()
}

// ParseAccount reads an account that no file defines from what [Account.Text]
// wrote. secret gets its password, nil if it has none. The account is held to the
// same rules as those of the file; the error is [Problems]. The
// network is not used and secret not called.
func (c *Config) ParseAccount(text string, secret SecretFunc, env Env) (Account, error) {
	doc, err := parse("the register", 0, []byte(text))
	if err != nil {
		return Account{}, Problems{doc.syntax(err)}
	}
	return c.account(doc, secret, env)
}

// Outline reads what [Account.Text] wrote without checking any of it: some times as
// fast, for those who look at all accounts. The account can't be used to log in.
func Outline(text string) (Account, error) {
	var a Account
	if err := toml.Unmarshal([]byte(text), &a); err != nil {
		return Account{}, fmt.Errorf("not valid TOML: %s", mask(err.Error()))
	}
	return a, nil
}

// MakeAccount makes an account as ParseAccount does, from values by key as people
// write them in a table: those of a list are separated by semicolons, and an empty one is not set.
func (c *Config) MakeAccount(values map[string]string, secret SecretFunc, env Env) (Account, error) {
	doc := &document{spans: map[string]span{}, tree: map[string]any{}}
	for _, k := range keysOf(reflect.TypeFor[Account]()) {
		value := strings.TrimSpace(values[k.name])
		if value == "" {
			continue
		}
		doc.tree[k.name] = value
		switch {
		case k.typ == listType:
			list := []any{}
			for part := range strings.SplitSeq(value, ";") {
				if part = strings.TrimSpace(part); part != "" {
					list = append(list, part)
				}
			}
			doc.tree[k.name] = list
		case k.typ.Kind() == reflect.Bool:
			if b, err := strconv.ParseBool(value); err == nil {
				doc.tree[k.name] = b
			}
		}
	}
	return c.account(doc, secret, env)
}

// account decodes and checks the one account that a document holds.
func (c *Config) account(doc *document, secret SecretFunc, env Env) (Account, error) {
	one := &Config{TimeZone: c.TimeZone, Path: doc.file, Accounts: []Account{{secret: secret}}}
	l := &loader{cfg: one, env: env, alone: true, places: map[string]place{}, broken: map[string]bool{}}
	a := &one.Accounts[0]
	v := reflect.ValueOf(a).Elem()
	setDefaults(v)
	at := index("account", 0)
	l.places[at] = place{doc: doc}
	l.table(v, doc, doc.tree, at, "")
	for _, f := range l.found {
		l.broken[f.path] = true
	}
	l.checkAccount(a, at)
	if problems, _ := l.problems(); len(problems) > 0 {
		return Account{}, problems
	}
	return *a, nil
}

// checkAlone refuses what means something in a file alone, and looks whether there is a password.
func (l *loader) checkAlone(a *Account, at string) {
	for _, key := range fileKeys {
		if _, written := l.places[join(at, key)]; written {
			l.problem(join(at, key), "is for accounts in the configuration file")
		}
	}
	switch {
	case a.secret == nil && a.Kind == KindIMAP:
		l.problem(at, "has no password")
	case a.secret == nil && a.Username != "" && hasOptionalLogin(a.Kind):
		l.problem(at, "has a username and no password")
	case a.secret != nil && a.Username == "" && hasOptionalLogin(a.Kind):
		l.problem(at, "has a password and no username")
	}
}
