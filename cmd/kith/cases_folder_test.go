package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/servertest"
	syncer "kith/sync"
)

// uidValidity returns the UIDVALIDITY of one of Alice's folders.
func (s *caseSite) uidValidity(folder string) string {
	s.t.Helper()
	status := s.server.Adm(s.t, "mailbox", "status", "-u", s.users["alice"], "uidvalidity", folder)
	_, value, ok := strings.Cut(strings.TrimSpace(status), "uidvalidity=")
	if !ok {
		s.t.Fatalf("status of %s: %q", folder, status)
	}
	return value
}

// places are the folders where interactions are seen now, by subject.
func (s *caseSite) places() map[string][]string {
	s.t.Helper()
	all := map[string][]string{}
	for _, i := range s.interactions() {
		all[i.Subject] = []string{}
		for _, e := range i.Evidence {
			if !e.Gone {
				all[i.Subject] = append(all[i.Subject], e.Stream)
			}
		}
		slices.Sort(all[i.Subject])
	}
	return all
}

// folderStories are about folders that come, go, and are numbered anew.
var folderStories = []story{
	{"E02 E41 E43 UIDVALIDITY is another eight times in a row, also a lower one: read once more each time, by keys", func(t *testing.T, m *mailServer) {
		const n = 40
		s := m.open(t, hardCase{mail: some(n, "Work")})
		s.poll()
		for _, validity := range []string{"1900000001", "1900000002", "1000", "3", "4", "5", "6", "4"} {
			s.adm("mailbox update --uid-validity "+validity, "Work")
			got, log := s.pollLog()
			if got.Items != n || got.New != 0 || got.Known != n {
				t.Errorf("it is %s: %+v", validity, got)
			}
			if lines := strings.Count(log, "reading the stream from the start again"); lines != 1 || !strings.Contains(log, "UIDVALIDITY changed from") {
				t.Errorf("it is %s: %d lines about it in the log\n%s", validity, lines, log)
			}
			if again, log := s.pollLog(); again.Items != 0 || log != "" {
				t.Errorf("it is %s, the run after: %+v\n%s", validity, again, log)
			}
			s.healthy("UIDVALIDITY " + validity)
			for _, i := range s.interactions() {
				live := slices.DeleteFunc(slices.Clone(i.Evidence), func(e kith.Evidence) bool { return e.Gone })
				if len(live) != 1 || !strings.HasPrefix(live[0].Ref, validity+":") {
					t.Fatalf("it is %s: %s is seen at %+v", validity, i.Subject, live)
				}
			}
		}
		if got := len(s.interactions()); got != n {
			t.Errorf("%d interactions, want %d", got, n)
		}
	}},
	{"E10 a folder made anew with the same UIDVALIDITY", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{
			{in: "Work", raw: letter("Subject: a")},
			{in: "Work", raw: letter("Message-ID: <2@client.test>", "Subject: b")},
			{in: "Work", raw: letter("Message-ID: <3@client.test>", "Subject: c")},
		}})
		s.poll()
		validity := s.uidValidity("Work")
		s.adm("mailbox delete", "Work")
		s.deliver(mail{in: "Work", raw: letter("Message-ID: <3@client.test>", "Subject: c")})
		s.deliver(mail{in: "Work", raw: letter("Message-ID: <4@client.test>", "Subject: d")})
		s.adm("mailbox update --uid-validity "+validity, "Work")
		got, log := s.pollLog()
		if got.New != 1 || got.Known != 1 || !strings.Contains(log, "UIDNEXT went back from 4 to 3 under the same UIDVALIDITY") {
			t.Errorf("%+v\n%s", got, log)
		}
		if again := s.poll(); again.Items != 0 {
			t.Errorf("the run after: %+v", again)
		}
		want := map[string][]string{"a": {}, "b": {}, "c": {"Work"}, "d": {"Work"}}
		if diff := cmp.Diff(want, s.places()); diff != "" {
			t.Errorf("places (-want +got):\n%s", diff)
		}
	}},
	{"E11 folders renamed, deleted, and such as hold no mail: the others go on", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{
			{raw: letter("Subject: inbox")},
			{in: "Old", raw: letter("Message-ID: <2@client.test>", "Subject: renamed")},
			{in: "Dead", raw: letter("Message-ID: <3@client.test>", "Subject: deleted")},
			{in: "Top/Below", raw: letter("Message-ID: <4@client.test>", "Subject: below")}, // Top is \Noselect or \NonExistent
		}})
		s.poll()
		s.adm("mailbox rename", "Old", "New")
		s.adm("mailbox delete", "Dead")
		s.deliver(mail{raw: letter("Message-ID: <5@client.test>", "Subject: later")})
		got, log := s.pollLog()
		if got.New != 1 || got.Known != 1 || strings.Contains(log, "level=ERROR") {
			t.Errorf("after it: %+v\n%s", got, log)
		}
		if again, log := s.pollLog(); again.Items != 0 || log != "" {
			t.Errorf("the run after it: %+v\n%s", again, log)
		}
		s.healthy("after it")
		for subject, folder := range map[string]string{"inbox": "INBOX", "renamed": "New", "deleted": "", "below": "Top/Below", "later": "INBOX"} {
			i := slices.IndexFunc(s.interactions(), func(i kith.Interaction) bool { return i.Subject == subject })
			if i < 0 {
				t.Errorf("%s is not recorded", subject)
				continue
			}
			code, text, _ := s.run("explain", s.interactions()[i].ID.String())
			if want := "alice/" + folder + "/"; folder != "" && (code != exitDone || !strings.Contains(text, want)) {
				t.Errorf("explain %s: exit code %d, want it found in %s\n%s", subject, code, folder, text)
			}
			if folder == "" && code != exitNotFound {
				t.Errorf("explain %s: exit code %d", subject, code)
			}
		}
	}},
	{"E12 names of folders in many characters", func(t *testing.T, m *mailServer) {
		names := []string{"Entwürfe und mehr", "A & B", `say "hi"`, `back\slash`, "日本/語", "tab(le)s {5}", "50% *off*", "😀"}
		var c hardCase
		want := map[string][]string{}
		for i, name := range names {
			subject := fmt.Sprintf("offer %d", i)
			c.mail = append(c.mail, mail{in: name, raw: letter(fmt.Sprintf("Message-ID: <%d@client.test>", i), "Subject: "+subject)})
			want[subject] = []string{name}
		}
		s := m.open(t, c)
		s.unchanged()
		s.poll()
		if diff := cmp.Diff(want, s.places()); diff != "" {
			t.Errorf("places (-want +got):\n%s", diff)
		}
		for _, i := range s.interactions() {
			place := i.Evidence[0]
			e := jsonLinesOf[syncer.Explanation](t, s.must("--json", "explain", "alice/"+place.Stream+"/"+place.Ref))
			if len(e) != 1 || e[0].Outcome != "recorded" || e[0].Interaction == nil || *e[0].Interaction != i.ID {
				t.Errorf("explain what is in %s: %+v", place.Stream, e)
			}
		}
		s.healthy("in the end")
	}},
	{"E05 without CONDSTORE a run costs what the new mail costs", func(t *testing.T, _ *mailServer) {
		const n = 2000
		m := &mailServer{free: make(chan string, 1), DovecotServer: servertest.Dovecot(t, servertest.DovecotOptions{
			Caps: "IMAP4rev1 IDLE UIDPLUS", Users: []string{"alice:" + servertest.Password},
		})}
		m.free <- "alice"
		s := m.open(t, hardCase{mail: some(n, "INBOX")})
		if got := s.poll(); got.New != n {
			t.Fatalf("the first run: %+v", got)
		}
		first := m.sent(t, "alice", 1)
		s.deliver(mail{raw: letter("Message-ID: <new@client.test>", "Subject: new")})
		if got := s.poll(); got.Items != 1 || got.New != 1 {
			t.Errorf("one new message: %+v", got)
		}
		second := m.sent(t, "alice", 2) - first
		if got := s.poll(); got.Items != 0 {
			t.Errorf("nothing new: %+v", got)
		}
		third := m.sent(t, "alice", 3) - first - second
		if second > 5000 || third > 3000 || first < 100*second {
			t.Errorf("bytes from the server: %d for %d messages, %d for a new one, %d for none", first, n, second, third)
		}
	}},
	{"E25 whatever command is run, no flag changes, nothing is moved, made or removed", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{top: "[limits]\nbatch = 2", policy: `body = "snippet"`, mail: []mail{
			{raw: letter()},
			{raw: letter("Message-ID: <2@client.test>", "Subject: seen"), flags: `\Seen \Flagged`},
			{raw: letter("Message-ID: <3@client.test>", "Subject: deleted"), flags: `\Deleted`},
			{in: "Drafts", raw: reply("Message-ID: <4@example.test>"), flags: `\Draft`},
			{in: "Junk", raw: letter("Message-ID: <5@client.test>", "Subject: junk")},
			{in: "Sent", raw: reply("Message-ID: <6@example.test>"), flags: `\Seen`},
		}})
		s.unchanged()
		for _, command := range [][]string{
			{"config", "check", "--online"}, {"sync", "--dry-run"}, {"sync"}, {"explain", "1@client.test"}, {"sync", "--full"},
			{"doctor"}, {"status"}, {"interactions", "list"}, {"sync"},
		} {
			s.must(command...)
		}
		_, stop := s.daemon()
		s.deliver(mail{raw: letter("Message-ID: <7@client.test>", "Subject: late")})
		s.must("sync")
		stop()
		if got := len(s.interactions()); got != 5 {
			t.Errorf("%d interactions", got)
		}
	}},
	{"E40 public folders are left out, unless they are named", func(t *testing.T, _ *mailServer) {
		m := &mailServer{free: make(chan string, 1), DovecotServer: servertest.Dovecot(t, servertest.DovecotOptions{
			Users: []string{"alice:" + servertest.Password},
			Extra: "namespace public {\n type = public\n separator = /\n prefix = Public/\n location = maildir:~/public\n subscriptions = no\n}",
		})}
		m.free <- "alice"
		c := hardCase{mail: []mail{{raw: letter()}}}
		s := m.open(t, c)
		s.adm("mailbox create", "Public/news")
		s.adm("copy", "Public/news", "mailbox", "INBOX", "all")
		s.poll()
		if diff := cmp.Diff(map[string][]string{"offer": {"INBOX"}}, s.places()); diff != "" {
			t.Errorf("places (-want +got):\n%s", diff)
		}
		c.account = `include = ["*", "Public/*"]`
		s.configure(c)
		if got := s.poll(); got.New != 0 || got.Known != 1 {
			t.Errorf("with the public folders: %+v", got)
		}
		if diff := cmp.Diff(map[string][]string{"offer": {"INBOX", "Public/news"}}, s.places()); diff != "" {
			t.Errorf("places (-want +got):\n%s", diff)
		}
	}},
}
