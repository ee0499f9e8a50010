package main

import (
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/store"
)

// some are n messages of Ann's in a folder.
func some(n int, folder string) []mail {
	all := make([]mail, n)
	for i := range all {
		all[i] = mail{in: folder, raw: letter(fmt.Sprintf("Message-ID: <%d@client.test>", i), fmt.Sprintf("Subject: offer %d", i))}
	}
	return all
}

// ids are the interactions in the order of their listing, with the live and the
// gone places of each.
func (s *caseSite) ids() []string {
	var ids []string
	for _, i := range s.interactions() {
		live, gone := 0, 0
		for _, e := range i.Evidence {
			if e.Gone {
				gone++
			} else {
				live++
			}
		}
		ids = append(ids, fmt.Sprintf("%s live %d gone %d", i.ID, live, gone))
	}
	return ids
}

// adm runs doveadm on Alice's mailbox.
func (s *caseSite) adm(command string, args ...string) {
	s.t.Helper()
	words := append(strings.Fields(command), "-u", s.users["alice"])
	s.server.Adm(s.t, append(words, args...)...)
}

// sameStories are about meeting the same messages again.
var sameStories = []story{
	{"D03 moved to another folder: no new row", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{{raw: letter()}, {in: "Work", raw: letter("Message-ID: <2@client.test>", "Subject: another")}}})
		s.poll()
		s.adm("move", "Work", "mailbox", "INBOX", "all")
		if got := s.poll(); got.New != 0 || got.Known != 1 {
			t.Errorf("after the move: %+v", got)
		}
		s.check("after the move", row{Subject: "another"}, row{Subject: "offer", Gone: 1})
	}},
	{"D04 UIDVALIDITY is another, three times in three ways: no new row", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: some(500, "Work")})
		s.poll()
		before := s.ids()
		if len(before) != 500 {
			t.Fatalf("%d interactions", len(before))
		}
		for _, change := range []struct {
			name string
			make func()
		}{
			{"set anew", func() { s.adm("mailbox update --uid-validity 77", "Work") }},
			{"lower than before", func() { s.adm("mailbox update --uid-validity 7", "Work") }},
			{"a copy under the old name", func() {
				s.adm("mailbox rename", "Work", "Old")
				s.adm("mailbox create", "Work")
				s.adm("copy", "Work", "mailbox", "Old", "all")
				s.adm("mailbox delete", "Old")
			}},
		} {
			change.make()
			got := s.poll()
			if got.New != 0 || got.Known != 500 {
				t.Errorf("%s: %+v", change.name, got)
			}
			for i, id := range s.ids() {
				if was, _, _ := strings.Cut(before[i], " "); !strings.HasPrefix(id, was+" live 1") {
					t.Fatalf("%s: %s, was %s", change.name, id, before[i])
				}
			}
			if got := s.poll(); got.Items != 0 {
				t.Errorf("%s, the pass after: %+v", change.name, got)
			}
		}
	}},
	{"D12 D13 an account removed and added again, renamed, or at another host", func(t *testing.T, m *mailServer) {
		c := hardCase{mail: append(some(20, "INBOX"), mail{raw: letter("Message-ID:", "Subject: no id")}), others: []colleague{bob}}
		s := m.open(t, c)
		s.poll()
		names := func() []string {
			var all []string
			for _, id := range s.ids() {
				name, _, _ := strings.Cut(id, " ")
				all = append(all, name)
			}
			return all
		}
		before := names()
		config := readFile(t, s.path("kith.toml"))
		same := func(when string) {
			t.Helper()
			if got := s.poll(); got.New != 0 {
				t.Errorf("%s: %+v", when, got)
			}
			if diff := cmp.Diff(before, names()); diff != "" {
				t.Errorf("%s (-before +after):\n%s", when, diff)
			}
		}
		accounts := strings.Split(config, "[[account]]")
		s.write("kith.toml", accounts[0]+"[[account]]"+accounts[2]) // Bob's alone
		same("removed")
		s.write("kith.toml", config)
		same("added again")
		s.write("kith.toml", strings.Replace(config, `"alice"`, `"alice-mail"`, 1))
		same("renamed")
		_, port, err := net.SplitHostPort(m.Addr)
		if err != nil {
			t.Fatal(err)
		}
		s.write("kith.toml", strings.Replace(config, m.URL("imap"), "imap://localhost:"+port, 1))
		same("at another host")
	}},
	{"D15 three runs at once: one row each", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{top: "[limits]\nbatch = 10", mail: some(300, "INBOX")})
		var running sync.WaitGroup
		for range 3 {
			running.Go(func() {
				if code, _, stderr := s.run("sync"); code != exitDone {
					t.Errorf("exit code %d\n%s", code, stderr)
				}
			})
		}
		running.Wait()
		got := s.ids()
		if len(got) != 300 || slices.ContainsFunc(got, func(id string) bool { return !strings.HasSuffix(id, "live 1 gone 0") }) {
			t.Errorf("%d interactions, want 300, each seen once", len(got))
		}
		if again := s.poll(); again.Items != 0 {
			t.Errorf("the run after: %+v", again)
		}
	}},
	{"D16 what was deleted on purpose does not come back", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{{raw: letter()}, {in: "Sent", raw: reply("Subject: reply")}, {raw: letter("Message-ID: <2@client.test>", "Subject: stays")}}})
		s.poll()
		s.withStore(func(st store.Store) error {
			var ids []kith.ID
			for i, err := range st.Interactions(t.Context(), store.Filter{}) {
				if err != nil {
					return err
				}
				if i.Subject != "stays" {
					ids = append(ids, i.ID)
				}
			}
			_, err := st.DeleteInteractions(t.Context(), ids, clock())
			return err
		})
		s.check("after the deletion", row{Subject: "stays"})
		if got := s.poll("--full"); got.New != 0 || got.Known != 1 {
			t.Errorf("a full pass: %+v", got)
		}
		s.deliver(mail{in: "Archive", raw: letter()})
		s.deliver(mail{raw: reply("Message-ID: <rewritten@provider.test>", "Subject: reply")}) // a copy under another id
		s.poll()
		s.check("after copies of them arrived", row{Subject: "stays"})
	}},
	{"D17 expunged on the server: the interaction stays, its place is gone", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: append(copies(letter(), "INBOX", "Archive"), mail{raw: letter("Message-ID: <2@client.test>", "Subject: another")})})
		s.poll()
		s.adm("expunge", "mailbox", "INBOX", "all")
		s.poll()
		s.check("afterwards", row{Subject: "another", Evidence: -1, Gone: 1}, row{Subject: "offer", Gone: 1})
		s.poll("--full")
		s.check("after a full pass", row{Subject: "another", Evidence: -1, Gone: 1}, row{Subject: "offer", Gone: 1})
	}},
	{"D21 a thread over two mailboxes, in any order of arrival", func(t *testing.T, m *mailServer) {
		thread := []mail{
			{raw: letter()},
			{in: "Sent", raw: reply("Subject: Re: offer", "In-Reply-To: <1@client.test>", "References: <1@client.test>")},
			{of: "bob", raw: letter("Message-ID: <2@client.test>", "Subject: Re: Re: offer", "To: bob@example.test", "References: <1@client.test> <1@example.test>")},
			{of: "bob", in: "Sent", raw: reply("Message-ID: <3@example.test>", "Subject: done", "From: bob@example.test", "In-Reply-To: <2@client.test>")},
		}
		var names []string
		for _, order := range [][]int{{0, 1, 2, 3}, {3, 2, 1, 0}, {2, 0, 3, 1}, {1, 3, 0, 2}} {
			s := m.open(t, hardCase{others: []colleague{bob}})
			for _, i := range order {
				s.deliver(thread[i])
				s.poll()
			}
			found := map[string]bool{}
			for _, i := range s.interactions() {
				found[i.Thread] = true
			}
			if len(found) != 1 {
				t.Errorf("order %v: %d threads", order, len(found))
			}
			names = append(names, s.interactions()[0].Thread)
		}
		if len(slices.Compact(names)) != 1 {
			t.Errorf("the name of the thread depends on the order: %v", names)
		}
	}},
	{"D22 ten thousand messages with one Message-ID take no longer than others", func(t *testing.T, m *mailServer) {
		const many, few = 10_000, 2500
		capture := func(n int, id string) (time.Duration, *caseSite) {
			s := m.open(t, hardCase{})
			for i := range n {
				// Half of them are equal in all.
				s.deliver(mail{raw: letter(fmt.Sprintf("Message-ID: <%s>", strings.ReplaceAll(id, "N", strconv.Itoa(i/2))), fmt.Sprintf("Subject: offer %d", i/2))})
			}
			began := time.Now()
			got := s.poll()
			took := time.Since(began)
			if diff := cmp.Diff(syncResult{Items: n, New: n / 2, Known: n / 2, Skipped: map[kith.Reason]int{}}, got); diff != "" {
				t.Errorf("%d messages under %s (-want +got):\n%s", n, id, diff)
			}
			return took, s
		}
		usual, _ := capture(few, "N@client.test")
		took, s := capture(many, "broken@client.test")
		if took > 8*many/few*usual+30*time.Second {
			t.Errorf("%v for %d, while %d others took %v", took, many, few, usual)
		}
		if got := s.poll("--full"); got.New != 0 || got.Known != many {
			t.Errorf("a full pass: %+v", got)
		}
	}},
	{"D23 the order of what occurred in one second is that of every listing", func(t *testing.T, m *mailServer) {
		all := make([]mail, 50)
		for i := range all {
			all[i] = mail{raw: letter(fmt.Sprintf("Message-ID: <%d@client.test>", i), fmt.Sprintf("Subject: %d", i))}
		}
		s := m.open(t, hardCase{mail: all})
		s.poll()
		before := s.ids()
		s.poll("--full")
		if diff := cmp.Diff(before, s.ids()); diff != "" {
			t.Errorf("(-before +after a full pass):\n%s", diff)
		}
		if !slices.IsSortedFunc(before, func(a, b string) int { return strings.Compare(b, a) }) {
			t.Error("those of one second are not listed by id, the greatest first")
		}
	}},
}
