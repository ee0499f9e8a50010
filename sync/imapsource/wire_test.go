package imapsource_test

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/servertest"
)

// What goes over the wire: which commands, and how many.

func TestE25CommandsAreHarmless(t *testing.T) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			d := servertest.Dovecot(t, servertest.DovecotOptions{Caps: server.caps})
			for _, folder := range []string{"INBOX", "Work"} {
				d.Deliver(t, servertest.Alice, folder, march, "", crlf(bounceMessage))
				d.Deliver(t, servertest.Alice, folder, march, `\Flagged`, crlf(newsMessage))
				deliver(t, d, folder, upTo(8)...)
			}
			d.Unchanged(t, servertest.Alice)
			var w wire
			o := aliceAt(d.URL("imap"))
			o.Dial, o.Snippet, o.Chunk, o.Since = w.dial, true, 3, march.AddDate(0, -1, 0)
			s := open(t, o)
			for range 2 {
				streams, err := s.Streams(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				for _, stream := range streams {
					batches := poll(t, s, stream, "")
					poll(t, s, stream, after(batches, ""))
					if refs := refsOf(batches); len(refs) > 0 {
						if _, err := s.Fetch(t.Context(), stream, refs); err != nil {
							t.Fatal(err)
						}
					}
					if _, err := s.Find(t.Context(), stream, "<letter-3@client.test>"); err != nil {
						t.Fatal(err)
					}
				}
				deliver(t, d, "INBOX", 100)
			}
			s.Close()
			allowed := []string{
				"AUTHENTICATE", "CAPABILITY", "EXAMINE", "LIST", "LOGIN", "LOGOUT", "NAMESPACE", "NOOP", "STATUS", "UID FETCH", "UID SEARCH",
			}
			for _, name := range w.names() {
				if !slices.Contains(allowed, name) && !strings.HasPrefix(name, "C") { // continuation lines of the login
					t.Errorf("the command %s was sent", name)
				}
			}
			fetches := 0
			for _, c := range w.commands {
				if !strings.HasPrefix(c, "UID FETCH") {
					continue
				}
				fetches++
				if rest := strings.ReplaceAll(strings.ReplaceAll(c, "BODYSTRUCTURE", ""), "BODY.PEEK[", ""); strings.Contains(rest, "BODY") || strings.Contains(rest, "RFC822.TEXT") || strings.Contains(rest, "ENVELOPE") {
					t.Errorf("a FETCH that is no peek: %s", c)
				}
			}
			if fetches < 10 {
				t.Errorf("%d FETCH commands were seen, want more", fetches)
			}
		})
	}
}

func TestRoundTripsOfAPollWithoutNews(t *testing.T) {
	t.Parallel()
	d := servertest.Dovecot(t)
	for n := range 20 {
		deliver(t, d, fmt.Sprintf("Folder %d", n), n)
	}
	deliver(t, d, "INBOX", 1, 2, 3)
	var w wire
	o := aliceAt(d.URL("imap"))
	o.Dial = w.dial
	cursors := map[string]kith.Cursor{}
	round := func() (batches int) {
		s := open(t, o)
		streams, err := s.Streams(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, stream := range streams {
			got := poll(t, s, stream, cursors[stream.Name])
			cursors[stream.Name] = after(got, cursors[stream.Name])
			batches += len(got)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		return batches
	}
	if n := round(); n < 21 {
		t.Fatalf("%d batches of 23 folders", n)
	}
	w.reset()
	if n := round(); n > 0 {
		t.Errorf("%d batches though nothing changed", n)
	}
	// What belongs to the login is before the last NAMESPACE or LIST.
	i := slices.IndexFunc(w.commands, func(c string) bool { return strings.HasPrefix(c, "NAMESPACE") || strings.HasPrefix(c, "LIST") })
	want := []string{"NAMESPACE", "LIST", "LOGOUT"}
	var got []string
	for _, c := range w.commands[i:] {
		name, _, _ := strings.Cut(c, " ")
		got = append(got, name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("commands after the login for 23 folders (-want +got):\n%s", diff)
	}
}

func TestCostIsThatOfTheNewMail(t *testing.T) {
	// E05
	t.Parallel()
	d := servertest.Dovecot(t, servertest.DovecotOptions{Caps: "IMAP4rev1"}) // without CONDSTORE
	deliver(t, d, "INBOX", upTo(500)...)
	var w wire
	o := aliceAt(d.URL("imap"))
	o.Dial = w.dial
	s := open(t, o)
	from := after(poll(t, s, inbox(), ""), "")
	deliver(t, d, "INBOX", 501)
	w.reset()
	wantSubjects(t, poll(t, s, inbox(), from), letters(501))
	if diff := cmp.Diff([]string{"EXAMINE", "UID FETCH", "UID SEARCH"}, w.names()); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
	if len(w.commands) != 3 || w.received > 3000 {
		t.Errorf("one message cost %d commands and %d bytes", len(w.commands), w.received)
	}
}

func TestE24MillionMessages(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	const million = 1_000_000
	for _, caps := range []string{"IMAP4rev1 ESEARCH", "IMAP4rev1"} {
		t.Run("E24 E31 "+caps, func(t *testing.T) {
			b := newBox(uidsTo(million)...)
			b.Caps = caps
			longest := 0
			b.Searched = func(uids []uint32) []uint32 {
				longest = max(longest, len(uids))
				return uids
			}
			o := b.options(t, 1000)
			s := open(t, o)
			var cursor kith.Cursor
			next := million
			var memory uint64
			for slice := range 3 { // three time slices of five batches
				n := 0
				for batch, err := range s.Changes(t.Context(), inbox(), cursor) {
					if err != nil {
						t.Fatal(err)
					}
					cursor = batch.Cursor
					n++
					if slice > 0 && n == 1 {
						wantSubjects(t, []kith.Batch{batch}, letters(million+slice)) // E24 new mail first
						continue
					}
					if len(batch.Items) != 1000 || batch.Total != million {
						t.Fatalf("a batch of %d items, total %d", len(batch.Items), batch.Total)
					}
					if got, want := batch.Items[999].Ref, fmt.Sprintf("7:%d", next); got != want {
						t.Fatalf("the last ref of the batch is %s, want %s", got, want)
					}
					next -= 1000
					if batch.Done != million-next {
						t.Errorf("done %d, want %d", batch.Done, million-next)
					}
					if n == 5 {
						break
					}
				}
				var stats runtime.MemStats
				runtime.GC()
				runtime.ReadMemStats(&stats)
				if memory == 0 {
					memory = stats.HeapAlloc
				} else if stats.HeapAlloc > memory+32<<20 {
					t.Errorf("the heap grew from %d to %d bytes", memory, stats.HeapAlloc)
				}
				b.Change(func() { b.UIDs = append(b.UIDs, uint32(million+slice+1)) })
			}
			if longest > 20_000 {
				t.Errorf("one SEARCH found %d messages", longest)
			}
			if n := len(b.Sent("UID SEARCH")); n > 8 {
				t.Errorf("%d searches for 15,000 messages", n)
			}
		})
	}
}

func TestE24ExpungesAmongAMillion(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	b := newBox(uidsTo(100_000)...)
	b.Caps = "IMAP4rev1"
	o := b.options(t, 1000)
	o.Since = march.Add(time.Hour) // all of them are older
	b.Internal = func(uint32) time.Time { return march.AddDate(0, 0, -7) }
	s := open(t, o)
	first := poll(t, s, inbox(), "")
	if diff := cmp.Diff(map[kith.Reason]int{kith.ReasonBeforeHorizon: 100_000}, skipped(first)); diff != "" {
		t.Errorf("skipped (-want +got):\n%s", diff)
	}
	b.Change(func() { b.UIDs = slices.DeleteFunc(b.UIDs, func(uid uint32) bool { return uid%1000 == 5 }) })
	second := poll(t, s, inbox(), after(first, ""))
	denied := deniedBy(second, []string{"7:5", "7:6", "7:99005", "7:99999", "8:6", "nonsense"})
	if diff := cmp.Diff([]string{"7:5", "7:99005", "8:6", "nonsense"}, denied); diff != "" {
		t.Errorf("gone (-want +got):\n%s", diff)
	}
	// A listing that finds too little is an alarm.
	b.Change(func() {
		b.UIDs = slices.Delete(b.UIDs, 0, 1)
		b.Searched = func([]uint32) []uint32 { return nil }
	})
	third := poll(t, s, inbox(), after(second, ""))
	if len(deniedBy(third, []string{"7:6"})) > 0 || !strings.Contains(warnings(third), "lists 0 only") {
		t.Errorf("a listing that finds nothing: warnings %q", warnings(third))
	}
}
