package clustertest_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"
)

// letter is a message in one mailbox.
type letter struct {
	user, folder string
	at           time.Time
	flags        string
	raw          string
}

// correspondence makes up the mail of an organisation. The same seed makes the
// same mail. Much of it lies in several mailboxes: letters to more than one of us,
// answers with the colleagues in copy, reports of what did not arrive.
type correspondence struct {
	dice     *rand.Rand
	users    []string
	contacts int
	n        int // messages so far
}

func newCorrespondence(users, contacts int) *correspondence {
	c := &correspondence{dice: rand.New(rand.NewPCG(1, 2)), contacts: contacts}
	for i := range users {
		c.users = append(c.users, fmt.Sprintf("user%03d@example.test", i))
	}
	return c
}

// csv is the contacts, as they are imported.
func (c *correspondence) csv() string {
	var b strings.Builder
	b.WriteString("external_id,name,company,email,email2\n")
	for i := range c.contacts {
		fmt.Fprintf(&b, "C%04d,Contact %04d,Company %02d,contact%04d@client.test,c%04d@home.test\n", i, i, i%40, i, i)
	}
	return b.String()
}

// conversation makes up all messages of one conversation of a user, and of some
// colleagues, that began at the given time.
func (c *correspondence) conversation(user int, at time.Time) []letter {
	us := []string{c.users[user]}
	for range c.dice.IntN(3) {
		if colleague := c.users[c.dice.IntN(len(c.users))]; colleague != us[0] && (len(us) < 2 || colleague != us[1]) {
			us = append(us, colleague)
		}
	}
	them := fmt.Sprintf("contact%04d@client.test", c.dice.IntN(c.contacts))
	switch roll := c.dice.IntN(100); {
	case roll < 10:
		return c.bounced(us, them, at)
	case roll < 20:
		return c.letters(us, fmt.Sprintf("stranger%d@elsewhere.test", c.dice.IntN(1000)), at, 1, "")
	case roll < 28:
		return c.letters(us, "news@list.test", at, 1, "List-Id: <news.list.test>\r\nPrecedence: bulk\r\n")
	case roll < 33:
		return c.letters(us, c.users[(user+1)%len(c.users)], at, 1, "")
	case roll < 37:
		return c.letters(us, them, at, 1, "Auto-Submitted: auto-replied\r\n")
	}
	return c.letters(us, them, at, 1+c.dice.IntN(4), "")
}

// letters is a conversation in which they write and one of us answers, in turns.
// Some first letters are copied into the archive, some answers skip their parent.
func (c *correspondence) letters(us []string, them string, at time.Time, turns int, header string) []letter {
	var all []letter
	var ids []string
	for turn := range turns {
		id := c.id()
		from, to, cc := them, us, []string(nil)
		if turn%2 == 1 {
			author := us[c.dice.IntN(len(us))]
			from, to, cc = author, []string{them}, without(us, author)
		}
		if turn > 0 {
			header = "In-Reply-To: <" + ids[len(ids)-1] + ">\r\nReferences: <" + strings.Join(ids, "> <") + ">\r\n"
		}
		raw := c.message(id, from, to, cc, at, header, "Content-Type: text/plain\r\n\r\nGood day.\r\n")
		for _, user := range us {
			if user == from {
				all = append(all, letter{user, "Sent", at, `\Seen`, raw})
			} else {
				all = append(all, letter{user, "INBOX", at, "", raw})
			}
		}
		if turn == 0 && c.dice.IntN(8) == 0 {
			all = append(all, letter{us[0], "Archive", at, `\Seen`, raw})
		}
		ids = append(ids, id)
		at = at.Add(time.Duration(1+c.dice.IntN(40)) * time.Minute)
	}
	return all
}

// bounced is a letter of ours and the report that it did not arrive, which may lie in
// a colleague's mailbox.
func (c *correspondence) bounced(us []string, them string, at time.Time) []letter {
	id := c.id()
	sent := c.message(id, us[0], []string{them}, us[1:], at, "", "Content-Type: text/plain\r\n\r\nHello?\r\n")
	all := []letter{{us[0], "Sent", at, `\Seen`, sent}}
	for _, user := range us[1:] {
		all = append(all, letter{user, "INBOX", at, "", sent})
	}
	// RFC 3464, with the header of the message that it tells of.
	report := c.message(c.id(), "MAILER-DAEMON@client.test", us[:1], nil, at.Add(time.Minute), "", fmt.Sprintf(strings.ReplaceAll(`Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

It did not arrive.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.client.test

Final-Recipient: rfc822; %s
Action: failed
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

From: %s
To: %s
Message-ID: <%s>

--b--
`, "\n", "\r\n"), them, us[0], them, id))
	return append(all, letter{us[len(us)-1], "INBOX", at.Add(time.Minute), "", report})
}

func (c *correspondence) id() string {
	c.n++
	return fmt.Sprintf("%d@mail.test", c.n)
}

func (c *correspondence) message(id, from string, to, cc []string, at time.Time, header, body string) string {
	copies := ""
	if len(cc) > 0 {
		copies = "Cc: " + strings.Join(cc, ", ") + "\r\n"
	}
	return fmt.Sprintf("From: %s\r\nTo: %s\r\n%sSubject: Matter %s\r\nDate: %s\r\nMessage-ID: <%s>\r\n%sMIME-Version: 1.0\r\n%s",
		from, strings.Join(to, ", "), copies, id, at.Format(time.RFC1123Z), id, header, body)
}

func without(all []string, one string) (others []string) {
	for _, s := range all {
		if s != one {
			others = append(others, s)
		}
	}
	return others
}
