package config

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxUsersFile  = 64 << 20 // bytes; a million users take about 30 MB
	shownUsers    = 3        // wrong lines of a file that are told one by one
	maxName       = 64       // bytes of an account's name
	defaultMaster = "*"      // what Dovecot's manual has as auth_master_user_separator
)

// user is one of those whose mailboxes a master user reads.
type user struct {
	address, login string

	path   string // of what is written in the configuration
	label  string // of the line, in a file of users: "users.txt:7: "
	origin string // where it is written
}

// checkMaster looks at what makes a block stand for many accounts.
func (l *loader) checkMaster(a *Account, at string) {
	written := func(key string) bool {
		_, ok := l.places[join(at, key)]
		return ok
	}
	if a.MasterUser == "" {
		if written("master_user") {
			l.problem(join(at, "master_user"), "is empty: want the user who may log in as others")
			return
		}
		for _, key := range []string{"master_separator", "users", "users_file"} {
			if written(key) {
				l.problem(join(at, key), "means nothing without master_user, the user who may log in as others")
			}
		}
		return
	}
	if a.Kind != "" && a.Kind != KindIMAP {
		l.problem(join(at, "master_user"), "is for kind imap, not for %s", a.Kind)
	}
	for _, key := range []string{"username", "owner", "addresses"} {
		if written(key) {
			l.problem(join(at, key), "is that of one user: with master_user, each of users has its own")
		}
	}
	if written("master_separator") && a.MasterSeparator == "" {
		l.problem(join(at, "master_separator"), "is empty: want what the server takes between two names, such as *")
	}
	a.MasterSeparator = cmp.Or(a.MasterSeparator, defaultMaster)
	a.UsersFile = absolute(l.dir, a.UsersFile)
	if len(a.Users) == 0 && a.UsersFile == "" {
		l.problem(at, "has no users: name them in users or users_file")
	}
}

// users reads those whose mailboxes a master user reads.
func (l *loader) users(a *Account, at string) []user {
	var users []user
	for i, text := range a.Users {
		path := index(join(at, "users"), i)
		u, err := parseUser(text, a.MasterSeparator)
		if err != nil {
			l.problem(path, "%v", err)
			continue
		}
		u.path, u.origin = path, l.origin(path)
		users = append(users, u)
	}
	if a.UsersFile == "" {
		return users
	}
	path := join(at, "users_file")
	if !l.checkReadable(path, a.UsersFile) {
		return users
	}
	data, err := readAtMost(a.UsersFile, maxUsersFile)
	switch {
	case err != nil:
		l.problem(path, "%s: %s", a.UsersFile, plain(err))
		return users
	case len(data) > maxUsersFile:
		l.problem(path, "%s is larger than 64 MiB: not a list of users", a.UsersFile)
		return users
	}
	number, found, wrong := 0, 0, 0
	for line := range bytes.Lines(data) {
		number++
		text, _, _ := strings.Cut(string(line), "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		found++
		origin := fmt.Sprintf("%s:%d", a.UsersFile, number)
		u, err := parseUser(text, a.MasterSeparator)
		if err != nil {
			if wrong++; wrong <= shownUsers {
				l.problem(path, "%s: %v", origin, err)
			}
			continue
		}
		u.path, u.origin, u.label = path, origin, origin+": "
		users = append(users, u)
	}
	if wrong > shownUsers {
		l.problem(path, "%s: %d lines more are wrong", a.UsersFile, wrong-shownUsers)
	}
	if found == 0 {
		l.problem(path, "%s names no user", a.UsersFile)
	}
	return users
}

// parseUser reads an address and, behind a blank, a login name.
func parseUser(text, separator string) (user, error) {
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	if len(words) == 0 || len(words) > 2 {
		return user{}, fmt.Errorf("%q is no user: want an address and, behind a blank, the login name if it is another", text)
	}
	u := user{address: words[0], login: words[len(words)-1]}
	switch {
	case !isAddress(u.address):
		return user{}, fmt.Errorf("%q is no e-mail address: want the form alice@example.test, without a name", u.address)
	case separator != "" && strings.Contains(u.login, separator):
		return user{}, fmt.Errorf("the login name %q has %s in it, which stands between two names: see master_separator", u.login, separator)
	}
	return u, nil
}

// addMember adds the account of a user, if no other has its name or reads the same.
func (l *loader) addMember(u user, member Account, names, mailboxes map[string]string) {
	if first, twice := mailboxes[member.Mailbox()]; twice {
		l.problem(u.path, "%sreads the same as the account at %s: remove one of the two", u.label, first)
		return
	}
	mailboxes[member.Mailbox()] = u.origin
	name := strings.ToLower(member.Name)
	if first, twice := names[name]; twice {
		l.problem(u.path, "%sbecomes the account %q, and so does that at %s: remove one of the two", u.label, member.Name, first)
		return
	}
	names[name] = u.origin
	l.members = append(l.members, member)
}

// member returns the account of one user of a block.
func (a Account) member(u user) Account {
	m := a
	m.Name = memberName(a.Name, u.address)
	m.Owner, m.Addresses = u.address, []string{u.address}
	m.Username, m.user = u.login+a.MasterSeparator+a.MasterUser, u.login
	m.MasterUser, m.MasterSeparator, m.Users, m.UsersFile = "", "", nil, ""
	return m
}

// memberName is the name of the block and the address, in lower case. Where a name
// can't hold that, a digest keeps it apart from others.
func memberName(block, address string) string {
	whole := block + "-" + strings.ToLower(address)
	if isAccountName(whole) {
		return whole
	}
	sum := sha256.Sum256([]byte(whole))
	digest := "-" + hex.EncodeToString(sum[:4])
	name := strings.Map(func(r rune) rune {
		if !isNameRune(r) {
			return '_'
		}
		return r
	}, whole)
	for len(name) > maxName-len(digest) {
		_, last := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-last]
	}
	return name + digest
}
