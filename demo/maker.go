package demo

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"

	"kith"
)

// maker makes the messages of one mailbox. All chance comes from rand, all time from now.
type maker struct {
	rand    *rand.Rand
	now     time.Time
	number  int // of the last business document
	serial  int // of the last interaction
	folders map[string][]*Message
	written []*letter // what Alice wrote to contacts, for reports and answers
}

func newMaker(seed uint64, now time.Time) *maker {
	return &maker{
		rand:    rand.New(rand.NewPCG(seed, 0x6b697468)),
		now:     now.UTC().Truncate(time.Second),
		number:  4100,
		folders: map[string][]*Message{},
	}
}

// specialUse is what the folders are for (RFC 6154 §2).
var specialUse = map[string]imap.MailboxAttr{
	"Archive": imap.MailboxAttrArchive,
	"Drafts":  imap.MailboxAttrDrafts,
	"Junk":    imap.MailboxAttrJunk,
	"Sent":    imap.MailboxAttrSent,
	"Trash":   imap.MailboxAttrTrash,
}

// mailbox returns what was made, with every parent of a folder.
func (m *maker) mailbox() Mailbox {
	names := map[string]bool{"INBOX": true}
	for name := range m.folders {
		for i, r := range name {
			if r == '/' {
				names[name[:i]] = true
			}
		}
		names[name] = true
	}
	var box Mailbox
	for name := range names {
		folder := Folder{Name: name, SpecialUse: specialUse[name]}
		messages := m.folders[name]
		slices.SortStableFunc(messages, func(a, b *Message) int { return a.Received.Compare(b.Received) })
		for _, msg := range messages {
			folder.Messages = append(folder.Messages, *msg)
		}
		box.Folders = append(box.Folders, folder)
	}
	slices.SortFunc(box.Folders, func(a, b Folder) int { return cmp.Compare(a.Name, b.Name) })
	return box
}

// put files a message.
func (m *maker) put(folder string, msg Message) *Message {
	m.folders[folder] = append(m.folders[folder], &msg)
	return &msg
}

// file puts a received message where Alice keeps it: what is older than some
// months goes to the archive of its year.
func (m *maker) file(msg Message) *Message {
	if m.now.Sub(msg.Received) > 200*24*time.Hour {
		return m.put(fmt.Sprintf("Archive/%d", msg.Received.Year()), msg)
	}
	return m.put("INBOX", msg)
}

// finish makes a message that is to be recorded.
func (m *maker) finish(l *letter, direction kith.Direction) Message {
	m.serial++
	msg := m.message(l)
	msg.Want = Want{
		Direction:   direction,
		OccurredAt:  l.date,
		Interaction: fmt.Sprintf("%s %d", l.kind, m.serial),
	}
	return msg
}

// skipped makes a message that is not to be recorded.
func (m *maker) skipped(l *letter, reason kith.Reason) Message {
	msg := m.message(l)
	msg.Want = Want{Skip: reason}
	return msg
}

// unread makes a message for a folder that is not captured.
func (m *maker) unread(l *letter) Message {
	msg := m.message(l)
	msg.Want = Want{Unread: true}
	return msg
}

func (m *maker) message(l *letter) Message {
	msg := Message{Raw: m.bytes(l), Received: m.received(l).UTC(), Kind: l.kind, MessageID: l.id}
	if l.sent || m.now.Sub(msg.Received) > 36*time.Hour {
		msg.Flags = []imap.Flag{imap.FlagSeen}
	}
	return msg
}

// received is when the server got a letter: a little after it was written.
func (m *maker) received(l *letter) time.Time {
	if l.sent {
		return l.date.Add(time.Second)
	}
	return l.date.Add(time.Duration(3+len(l.subject)%40) * time.Second)
}

// letter begins a letter with a Message-ID of its author.
func (m *maker) letter(from mailbox, to []mailbox, date time.Time) *letter {
	domain := from.addr[strings.LastIndexByte(from.addr, '@')+1:]
	l := &letter{
		kind: KindBusiness, from: []mailbox{from}, to: to, date: date,
		id:   m.messageID(domain, date),
		sent: from.addr == Owner || from.addr == Alias || from.addr == Team,
	}
	// How somebody's program writes does not change from letter to letter.
	l.html = len(from.addr)%3 != 0
	return l
}

// messageID is a new Message-ID in one of the shapes that mail programs make.
func (m *maker) messageID(domain string, date time.Time) string {
	switch len(domain) % 4 {
	case 0:
		return "<" + m.token(8) + "-" + m.token(4) + "-" + m.token(12) + "@" + domain + ">"
	case 1:
		return "<" + date.UTC().Format("20060102150405") + "." + m.token(10) + "@mail." + domain + ">"
	case 2:
		return "<CAH" + strings.ToUpper(m.token(6)) + "+" + m.token(12) + "_=" + m.token(6) + "@" + domain + ">"
	}
	return "<" + m.token(6) + "$" + m.token(8) + "$@" + domain + ">"
}

// token is a string of n hexadecimal digits.
func (m *maker) token(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "0123456789abcdef"[m.rand.IntN(16)]
	}
	return string(b)
}

// chance is true in so many of a hundred cases.
func (m *maker) chance(percent int) bool { return m.rand.IntN(100) < percent }

// person returns somebody among the contacts, but for those who are not to be recorded.
func (m *maker) person(fits func(*person) bool) *person {
	var fitting []*person
	for _, c := range correspondents {
		for _, p := range c.people {
			if !p.never && (fits == nil || fits(p)) {
				fitting = append(fitting, p)
			}
		}
	}
	return pick(m, fitting)
}

// someday is a time of the working week within the span, at least an hour ago.
func (m *maker) someday(lang *language) time.Time {
	for {
		back := time.Duration(m.rand.Int64N(int64((Span-24*time.Hour)/time.Second))) * time.Second
		t := lang.at(m.now.Add(-back))
		if weekend(t) {
			continue // drawn again, or Mondays would be crowded
		}
		if t = m.workingTime(t, lang); t.Before(m.now.Add(-time.Hour)) {
			return t
		}
	}
}

// workingTime is the next time from t on at which people of that language work.
// It may be later than now.
func (m *maker) workingTime(t time.Time, lang *language) time.Time {
	t = lang.at(t)
	if t.Hour() < 8 || t.Hour() > 17 {
		if t.Hour() > 17 {
			t = t.AddDate(0, 0, 1)
		}
		t = time.Date(t.Year(), t.Month(), t.Day(), 8, m.rand.IntN(60), m.rand.IntN(60), 0, t.Location())
		t = t.Add(time.Duration(m.rand.IntN(9)) * time.Hour)
	}
	for weekend(t) {
		t = t.AddDate(0, 0, 1)
	}
	return t
}

func weekend(t time.Time) bool {
	return t.Weekday() == time.Saturday || t.Weekday() == time.Sunday
}
