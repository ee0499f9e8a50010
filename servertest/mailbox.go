package servertest

import (
	"slices"
	"strings"
	"sync"
)

// Mailbox is a scripted server with folders that do what a test's functions say,
// and else behave. Its fields may be changed before it is served, and by
// [Mailbox.Change] after that.
type Mailbox struct {
	Caps      string // announced after the login
	Namespace string // the answer to NAMESPACE; "" for a server that does not know the command
	Folders   []*Folder
	Commands  []string // that came so far, without tags and logins
	Sessions  int      // that were logged in

	mu sync.Mutex
}

// NewMailbox makes a server with these folders that can do what is usual.
func NewMailbox(folders ...*Folder) *Mailbox {
	return &Mailbox{Caps: "IMAP4rev1 ESEARCH", Folders: folders}
}

// Change changes the mailbox between commands.
func (m *Mailbox) Change(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f()
}

// Sent returns the commands that begin with these words, and forgets all.
func (m *Mailbox) Sent(words string) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	sent := slices.DeleteFunc(m.Commands, func(c string) bool { return !strings.HasPrefix(c, words) })
	m.Commands = nil
	return sent
}

// Serve is for [Script]: it lets anybody in and answers until the client logs out.
func (m *Mailbox) Serve(c *ScriptConn) {
	c.t.Helper()
	m.mu.Lock()
	caps := m.Caps
	m.Sessions++
	m.mu.Unlock()
	c.Login(caps)
	m.Answer(c)
}

// Answer is [Mailbox.Serve] without the login.
func (m *Mailbox) Answer(c *ScriptConn) {
	var examined *Folder
	for m.answer(c, &examined, c.Command()) {
	}
}

// answer answers a command. It is false after LOGOUT. A method of c ends the
// handler when the client has hung up, and with it this function.
func (m *Mailbox) answer(c *ScriptConn, examined **Folder, command string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.Commands = append(m.Commands, command)
	word, rest, _ := strings.Cut(command, " ")
	switch f := *examined; {
	case word == "NAMESPACE" && m.Namespace != "":
		c.Send("* NAMESPACE %s", m.Namespace)
		c.OK("done")
	case word == "LIST":
		for _, f := range m.Folders {
			c.Send(`* LIST (%s) "/" %q`, f.Attrs, f.Name)
		}
		c.OK("done")
	case word == "EXAMINE":
		i := slices.IndexFunc(m.Folders, func(f *Folder) bool { return f.Name == strings.Trim(rest, `"`) })
		if i < 0 {
			*examined = nil
			c.No("[NONEXISTENT] no such folder")
			break
		}
		*examined = m.Folders[i]
		m.Folders[i].examine(c)
	case f != nil && strings.HasPrefix(command, "UID SEARCH "):
		f.search(c, strings.TrimPrefix(command, "UID SEARCH "))
	case f != nil && strings.HasPrefix(command, "UID FETCH "):
		set, items, _ := strings.Cut(strings.TrimPrefix(command, "UID FETCH "), " ")
		f.fetch(c, set, items)
	case word == "LOGOUT":
		c.Send("* BYE see you")
		c.OK("done")
		return false
	default:
		c.Bad("unknown " + rest)
	}
	return true
}
