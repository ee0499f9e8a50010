package main

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"kith"
	"kith/servertest"
)

// slowly starts a run over a line that lets so many kilobytes through in a
// second. The function returned waits for its end and returns its exit code.
func (s *caseSite) slowly(line *servertest.Proxy, rate string) (wait func() int) {
	line.Toxic(s.t, `{"name":"thin","type":"bandwidth","attributes":{"rate":`+rate+`}}`)
	s.write("kith.toml", strings.Replace(readFile(s.t, s.path("kith.toml")), s.server.Addr, line.Addr, 1))
	var running sync.WaitGroup
	code := 0
	running.Go(func() { code, _, _ = s.run("sync") })
	return func() int {
		running.Wait()
		return code
	}
}

// lineStories are about lines and folders that change while they are read.
var lineStories = []story{
	{"E13 E24 the line breaks in the middle: what was read is kept, the newest first, and the next run goes on from it", func(t *testing.T, m *mailServer) {
		const n, batch = 100, 10
		s := m.open(t, hardCase{top: fmt.Sprintf("[limits]\nbatch = %d", batch), mail: some(n, "INBOX")})
		s.unchanged()
		line := servertest.Toxiproxy(t).Proxy(t, m.Addr)
		wait := s.slowly(line, "12")
		eventually(t, "the newest are recorded", func() bool { return len(s.interactions()) >= 40 })
		line.Down(t)
		if code := wait(); code != exitFailed {
			t.Errorf("exit code %d of a run whose line broke", code)
		}
		kept := s.interactions()
		if len(kept) < 40 || len(kept) == n {
			t.Fatalf("%d of %d are recorded: the test proves nothing", len(kept), n)
		}
		oldest := n - (len(kept)+batch-1)/batch*batch + 1 // of the batches that were begun
		for _, i := range kept {
			if uid := atoi(t, strings.TrimPrefix(i.Subject, "offer ")) + 1; uid < oldest {
				t.Errorf("the message with UID %d is among the first %d of %d", uid, len(kept), n)
			}
		}
		line.Up(t)
		line.Heal(t)
		if got := s.poll(); got.New != n-len(kept) || got.Known != 0 {
			t.Errorf("the next run: %+v; %d were left", got, n-len(kept))
		}
	}},
	{"E06 E37 mail that comes during a run is not lost", func(t *testing.T, m *mailServer) {
		const n = 60
		s := m.open(t, hardCase{top: "[limits]\nbatch = 10", mail: some(n, "INBOX")})
		s.unchanged()
		line := servertest.Toxiproxy(t).Proxy(t, m.Addr)
		wait := s.slowly(line, "16")
		eventually(t, "the run is on", func() bool { return len(s.interactions()) > 0 })
		s.deliver(mail{raw: letter("Message-ID: <late@client.test>", "Subject: late")})
		if code := wait(); code != exitDone {
			t.Errorf("exit code %d", code)
		}
		line.Heal(t)
		s.poll()
		if got := s.ids(); len(got) != n+1 {
			t.Errorf("%d interactions, want %d", len(got), n+1)
		}
		// A new message whose fetch fails is read by the next run.
		s.deliver(mail{raw: letter("Message-ID: <later@client.test>", "Subject: later")})
		line.Toxic(t, `{"name":"cut","type":"limit_data","attributes":{"bytes":1500}}`)
		if code, _, _ := s.run("sync"); code != exitFailed {
			t.Errorf("exit code %d over a line that breaks each time", code)
		}
		line.Heal(t)
		if got := s.poll(); got.New != 1 {
			t.Errorf("the run after a fetch that failed: %+v", got)
		}
	}},
	{"E09 a folder that is emptied, then made anew", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{{in: "Work", raw: letter("Subject: a")}}})
		s.poll()
		s.adm("expunge", "mailbox", "Work", "all")
		s.poll()
		s.deliver(mail{in: "Work", raw: letter("Message-ID: <2@client.test>", "Subject: b")})
		if got := s.poll(); got.New != 1 {
			t.Errorf("new mail in an emptied folder: %+v", got)
		}
		s.adm("mailbox delete", "Work")
		s.adm("mailbox create", "Work")
		s.deliver(mail{in: "Work", raw: letter("Message-ID: <3@client.test>", "Subject: c")})
		if got := s.poll(); got.New != 1 {
			t.Errorf("new mail in a folder made anew: %+v", got)
		}
		s.check("in the end", row{Subject: "a", Evidence: -1, Gone: 1}, row{Subject: "b", Evidence: -1, Gone: 1}, row{Subject: "c"})
	}},
	{"E32 the horizon is kept to the second, wherever the server's day begins", func(t *testing.T, m *mailServer) {
		// Midnight of 3 March in Auckland is 11:00 of 2 March UTC.
		c := hardCase{top: "since = \"2025-03-03\""}
		at := func(clock, subject string) mail {
			received, err := time.Parse(time.DateTime, "2025-03-02 "+clock)
			if err != nil {
				t.Fatal(err)
			}
			return mail{at: received, raw: letter("Message-ID: <"+subject+"@client.test>", "Subject: "+subject, "Date: "+received.Format(time.RFC1123Z))}
		}
		c.mail = []mail{at("00:00:00", "a"), at("10:59:59", "b"), at("11:00:00", "c"), at("23:00:00", "d")}
		s := m.open(t, c)
		s.write("kith.toml", strings.Replace(readFile(t, s.path("kith.toml")), `time_zone = "UTC"`, `time_zone = "Pacific/Auckland"`, 1))
		if got := s.poll(); got.Skipped[kith.ReasonBeforeHorizon] != 2 {
			t.Errorf("%+v, want two from before the horizon", got)
		}
		s.check("after a pass", row{Subject: "c", At: "2025-03-02T11:00:00Z"}, row{Subject: "d", At: "2025-03-02T23:00:00Z"})
	}},
	{"E36 what was taken for spam is recorded once it is in the inbox", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{{in: "Junk", raw: letter()}, {raw: letter("Message-ID: <2@client.test>", "Subject: newer", "Date: Mon, 3 Mar 2025 11:00:00 +0100")}}})
		s.poll()
		s.adm("move", "INBOX", "mailbox", "Junk", "all")
		if got := s.poll(); got.New != 1 {
			t.Errorf("after the move: %+v", got)
		}
		s.check("after the move", row{Subject: "newer", At: "2025-03-03T10:00:00Z"}, row{Subject: "offer"})
	}},
	{"E38 a folder that is added later is read from the horizon", func(t *testing.T, m *mailServer) {
		c := hardCase{account: `include = ["INBOX"]`, top: `since = "2025-01-01"`, mail: []mail{
			{raw: letter()},
			{in: "Work", raw: letter("Message-ID: <2@client.test>", "Subject: work")},
			{in: "Work", at: time.Date(2024, 12, 1, 0, 0, 0, 0, time.UTC), raw: letter("Message-ID: <3@client.test>", "Subject: old", "Date: Sun, 1 Dec 2024 00:00:00 +0000")},
		}}
		s := m.open(t, c)
		s.poll()
		s.check("without it", row{Subject: "offer"})
		c.account = `include = ["INBOX", "Work"]`
		s.configure(c)
		if got := s.poll(); got.New != 1 || got.Skipped[kith.ReasonBeforeHorizon] != 1 {
			t.Errorf("with it: %+v", got)
		}
		s.check("with it", row{Subject: "offer"}, row{Subject: "work"})
	}},
}
