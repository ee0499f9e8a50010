package imapsource_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/servertest"
	"kith/sync/imapsource"
)

// onDovecot runs a test with a source of alice's mailbox, on each of servers.
// Nothing in the mailbox may be other than the test made it.
func onDovecot(t *testing.T, test func(t *testing.T, d *servertest.DovecotServer, open func(change func(*imapsource.Options)) *imapsource.Source)) {
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			d := servertest.Dovecot(t, servertest.DovecotOptions{Caps: server.caps})
			test(t, d, func(change func(*imapsource.Options)) *imapsource.Source {
				o := aliceAt(d.URL("imap"))
				o.Chunk = 5
				if change != nil {
					change(&o)
				}
				return open(t, o)
			})
		})
	}
}

func uidValidity(t *testing.T, d *servertest.DovecotServer, folder string) string {
	t.Helper()
	status := d.Adm(t, "mailbox", "status", "-u", servertest.Alice, "uidvalidity", folder)
	_, value, ok := strings.Cut(strings.TrimSpace(status), "uidvalidity=")
	if !ok {
		t.Fatalf("status of %s: %q", folder, status)
	}
	return value
}

func restarted(batches []kith.Batch) []string {
	var list []string
	for _, b := range batches {
		if b.Restarted != "" {
			list = append(list, b.Restarted)
		}
	}
	return list
}

// deniedBy returns which of the refs the batches say are gone.
func deniedBy(batches []kith.Batch, refs []string) []string {
	var denied []string
	for _, b := range batches {
		if b.Present == nil {
			continue
		}
		for _, ref := range refs {
			if !b.Present(ref) {
				denied = append(denied, ref)
			}
		}
	}
	return denied
}

func refsOf(batches []kith.Batch) []string {
	var refs []string
	for _, b := range batches {
		for _, item := range b.Items {
			refs = append(refs, item.Ref)
		}
	}
	return refs
}

func TestFolderMadeAnew(t *testing.T) {
	onDovecot(t, func(t *testing.T, d *servertest.DovecotServer, open func(func(*imapsource.Options)) *imapsource.Source) {
		folder := kith.Stream{Name: "Work"}
		deliver(t, d, "Work", upTo(12)...)
		s := open(nil)
		first := poll(t, s, folder, "")
		from := after(first, "")
		before := refsOf(first)
		wantSubjects(t, first, letters(upTo(12)...))

		for _, tt := range []struct {
			name, validity string
		}{
			{"D04 E02 UIDVALIDITY changed: the same messages, the old evidence goes", "1900000001"},
			{"E41 UIDVALIDITY decreases", "1000"},
			{"E43 it changes a third time", "3"},
			{"E43 it changes a fourth time", "4"},
			{"E43 it changes a fifth time", "5"},
			{"E43 it changes a sixth time", "6"},
		} {
			old := uidValidity(t, d, "Work")
			s.Close() // who has the folder open learns of it a while later only
			d.Adm(t, "mailbox", "update", "-u", servertest.Alice, "--uid-validity", tt.validity, "Work")
			s = open(nil)
			batches := poll(t, s, folder, from)
			wantSubjects(t, batches, letters(upTo(12)...))
			want := []string{fmt.Sprintf("UIDVALIDITY changed from %s to %s", old, tt.validity)}
			if diff := cmp.Diff(want, restarted(batches)); diff != "" {
				t.Errorf("%s: restarted (-want +got):\n%s", tt.name, diff)
			}
			if denied := deniedBy(batches, before); len(denied) != 12 {
				t.Errorf("%s: %d of the 12 old refs are told to be gone", tt.name, len(denied))
			}
			if denied := deniedBy(batches, refsOf(batches)); len(denied) > 0 {
				t.Errorf("%s: new refs told to be gone: %v", tt.name, denied)
			}
			for i, b := range batches {
				if len(b.Items) > 5 {
					t.Errorf("%s: batch %d has %d items", tt.name, i, len(b.Items))
				}
			}
			from, before = after(batches, from), refsOf(batches)
			if more := poll(t, s, folder, from); len(more) > 0 {
				t.Errorf("%s: %d batches after the end", tt.name, len(more))
			}
		}
	})
}

func TestE09E10FolderEmptiedOrDeleted(t *testing.T) {
	onDovecot(t, testMadeAnew)
}

func testMadeAnew(t *testing.T, d *servertest.DovecotServer, open func(func(*imapsource.Options)) *imapsource.Source) {
	box := kith.Stream{Name: "Box"}
	s := open(nil)
	deliver(t, d, "Box", 1, 2, 3)
	first := poll(t, s, box, "")
	validity := uidValidity(t, d, "Box")

	d.Adm(t, "expunge", "-u", servertest.Alice, "mailbox", "Box", "all")
	emptied := poll(t, s, box, after(first, ""))
	if denied := deniedBy(emptied, refsOf(first)); len(denied) != 3 {
		t.Errorf("E09 emptied: %d of 3 are told to be gone", len(denied))
	}
	deliver(t, d, "Box", 4)
	again := poll(t, s, box, after(emptied, ""))
	wantSubjects(t, again, letters(4))
	if got := refsOf(again); len(got) == 1 && got[0] != validity+":4" {
		t.Errorf("E09 new mail in the emptied folder has ref %s, want UID 4", got[0])
	}
	if len(restarted(again)) > 0 {
		t.Errorf("E09 began again: %v", restarted(again))
	}

	// As long as a connection has it open, Dovecot would go on with the old one.
	recreate := func(n int) {
		s.Close()
		d.Adm(t, "mailbox", "delete", "-u", servertest.Alice, "Box")
		deliver(t, d, "Box", n)
		s = open(nil)
	}
	recreate(5)
	other := poll(t, s, box, after(again, ""))
	wantSubjects(t, other, letters(5))
	if len(restarted(other)) != 1 {
		t.Errorf("E09 recreated with a new UIDVALIDITY: restarted %v", restarted(other))
	}

	deliver(t, d, "Box", 6, 7)
	more := poll(t, s, box, after(other, ""))
	validity = uidValidity(t, d, "Box")
	recreate(8)
	d.Adm(t, "mailbox", "update", "-u", servertest.Alice, "--uid-validity", validity, "Box")
	last := poll(t, s, box, after(more, ""))
	wantSubjects(t, last, letters(8))
	if got := restarted(last); len(got) != 1 || !strings.Contains(got[0], "UIDNEXT went back from 4 to 2") {
		t.Errorf("E10 recreated with the same UIDVALIDITY: restarted %v", got)
	}
}

func TestMoves(t *testing.T) {
	onDovecot(t, func(t *testing.T, d *servertest.DovecotServer, open func(func(*imapsource.Options)) *imapsource.Source) {
		deliver(t, d, "INBOX", 1, 2, 3)
		deliver(t, d, "Junk", 4)
		s := open(nil)
		cursors := map[string]kith.Cursor{}
		round := func() (items, denied []string) {
			streams, err := s.Streams(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, stream := range streams {
				batches := poll(t, s, stream, cursors[stream.Name])
				cursors[stream.Name] = after(batches, cursors[stream.Name])
				for _, subject := range subjects(batches) {
					items = append(items, stream.Name+" "+subject)
				}
				for _, uid := range []string{"1", "2", "3", "4"} {
					for range deniedBy(batches, []string{uidValidity(t, d, stream.Name) + ":" + uid}) {
						denied = append(denied, stream.Name+" "+uid)
					}
				}
			}
			slices.Sort(items)
			return items, denied
		}
		items, _ := round()
		if diff := cmp.Diff([]string{"INBOX letter 1", "INBOX letter 2", "INBOX letter 3"}, items); diff != "" {
			t.Errorf("H11 Junk is not read (-want +got):\n%s", diff)
		}
		if items, denied := round(); len(items)+len(denied) > 0 {
			t.Errorf("nothing happened, and there came %v, gone %v", items, denied)
		}
		d.Adm(t, "move", "-u", servertest.Alice, "Archive", "mailbox", "INBOX", "uid", "2")
		items, denied := round()
		if diff := cmp.Diff([]string{"Archive letter 2"}, items); diff != "" {
			t.Errorf("D03 moved (-want +got):\n%s", diff)
		}
		if !slices.Contains(denied, "INBOX 2") || slices.Contains(denied, "INBOX 1") || slices.Contains(denied, "INBOX 3") {
			t.Errorf("D03 moved: gone are %v, want INBOX 2", denied)
		}
		d.Adm(t, "move", "-u", servertest.Alice, "INBOX", "mailbox", "Junk", "all")
		if items, _ = round(); !slices.Equal(items, []string{"INBOX letter 4"}) {
			t.Errorf("E36 moved out of Junk: %v, want letter 4", items)
		}
	})
}

func TestE37MailDuringTheRun(t *testing.T) {
	onDovecot(t, func(t *testing.T, d *servertest.DovecotServer, open func(func(*imapsource.Options)) *imapsource.Source) {
		deliver(t, d, "INBOX", upTo(40)...)
		d.Unchanged(t, servertest.Alice)
		s := open(nil)
		var batches []kith.Batch
		for batch, err := range s.Changes(t.Context(), inbox(), "") {
			if err != nil {
				t.Fatal(err)
			}
			if len(batches) < 3 {
				deliver(t, d, "INBOX", 41+len(batches))
			}
			batches = append(batches, batch)
		}
		wantSubjects(t, batches, letters(upTo(40)...))
		wantSubjects(t, poll(t, s, inbox(), after(batches, "")), letters(41, 42, 43))
	})
}

func TestHorizon(t *testing.T) {
	onDovecot(t, func(t *testing.T, d *servertest.DovecotServer, open func(func(*imapsource.Options)) *imapsource.Source) {
		for n := 1; n <= 20; n++ { // a month apart, the last one in May 2026
			d.Deliver(t, servertest.Alice, "INBOX", time.Date(2024, 9+time.Month(n), 15, 0, 0, 0, 0, time.UTC), "", letter(n))
		}
		old := "Date: Thu, 1 Jan 2015 10:00:00 +0000\r\nSubject: letter 21\r\n\r\n"
		d.Deliver(t, servertest.Alice, "INBOX", time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), "", []byte(old))
		// The Date of the letters is of March 2026: after its arrival for most, so that does not count.
		d.Unchanged(t, servertest.Alice)
		since := func(year int, month time.Month) func(o *imapsource.Options) {
			return func(o *imapsource.Options) { o.Since = time.Date(year, month, 1, 0, 0, 0, 0, time.UTC) }
		}
		first := poll(t, open(since(2026, 1)), inbox(), "")
		wantSubjects(t, first, letters(16, 17, 18, 19, 20, 21))
		for _, b := range first {
			for _, item := range b.Items {
				if item.Message.Subject == "letter 21" && item.Message.Date.Year() != 2015 {
					t.Errorf("E33 a message of 2015 put here today has the date %v", item.Message.Date)
				}
			}
		}
		if diff := cmp.Diff(map[kith.Reason]int{kith.ReasonBeforeHorizon: 15}, skipped(first)); diff != "" {
			t.Errorf("skipped (-want +got):\n%s", diff)
		}
		from := after(first, "")
		if more := poll(t, open(since(2026, 3)), inbox(), from); len(more) > 0 {
			t.Errorf("a later horizon brought %d batches", len(more))
		}
		second := poll(t, open(since(2025, 7)), inbox(), from)
		wantSubjects(t, second, letters(10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21))
		if len(restarted(second)) != 1 {
			t.Errorf("with an earlier horizon all is read, and counted, again: %v", restarted(second))
		}
		third := poll(t, open(nil), inbox(), after(second, from))
		wantSubjects(t, third, letters(append(upTo(20), 21)...))
		if more := poll(t, open(nil), inbox(), after(third, from)); len(more) > 0 {
			t.Errorf("%d batches after the end", len(more))
		}
	})
}

func TestE38FolderNewlyEnabled(t *testing.T) {
	onDovecot(t, func(t *testing.T, d *servertest.DovecotServer, open func(func(*imapsource.Options)) *imapsource.Source) {
		deliver(t, d, "INBOX", 1)
		deliver(t, d, "Work", 2, 3)
		d.Deliver(t, servertest.Alice, "Work", march.AddDate(-3, 0, 0), "", []byte("Subject: letter 4\r\n\r\n"))
		d.Unchanged(t, servertest.Alice)
		s := open(func(o *imapsource.Options) { o.Exclude, o.Since = []string{"Work"}, march.AddDate(-1, 0, 0) })
		streams, err := s.Streams(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if slices.ContainsFunc(streams, func(s kith.Stream) bool { return s.Name == "Work" }) {
			t.Errorf("an excluded folder is among %v", streams)
		}
		s = open(func(o *imapsource.Options) { o.Since = march.AddDate(-1, 0, 0) })
		if streams, err = s.Streams(t.Context()); err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(streams, func(s kith.Stream) bool { return s.Name == "Work" })
		if i < 0 {
			t.Fatalf("Work is not among %v", streams)
		}
		batches := poll(t, s, streams[i], "")
		wantSubjects(t, batches, letters(2, 3))
		if diff := cmp.Diff(map[kith.Reason]int{kith.ReasonBeforeHorizon: 1}, skipped(batches)); diff != "" {
			t.Errorf("skipped (-want +got):\n%s", diff)
		}
	})
}

func TestUIDsOnDovecot(t *testing.T) {
	// E39
	onDovecot(t, func(t *testing.T, d *servertest.DovecotServer, open func(func(*imapsource.Options)) *imapsource.Source) {
		folder := kith.Stream{Name: "Work"}
		deliver(t, d, "Work", 1)
		s := open(nil)
		first := poll(t, s, folder, "")
		d.Adm(t, "mailbox", "update", "-u", servertest.Alice, "--min-next-uid", "4294967200", "Work")
		deliver(t, d, "Work", 2, 3)
		second := poll(t, s, folder, after(first, ""))
		wantSubjects(t, second, letters(2, 3))
		if refs := refsOf(second); !slices.ContainsFunc(refs, func(ref string) bool { return strings.HasSuffix(ref, ":4294967201") }) {
			t.Errorf("refs %v", refs)
		}
		wantSubjects(t, poll(t, s, folder, ""), letters(1, 2, 3))
	})
}

func TestE11FolderGone(t *testing.T) {
	onDovecot(t, func(t *testing.T, d *servertest.DovecotServer, open func(func(*imapsource.Options)) *imapsource.Source) {
		deliver(t, d, "INBOX", 1)
		deliver(t, d, "A", 2)
		deliver(t, d, "B", 3)
		s := open(nil)
		streams, err := s.Streams(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		d.Adm(t, "mailbox", "delete", "-u", servertest.Alice, "A")
		var failed []string
		var all []kith.Batch
		for _, stream := range streams {
			batches, err := tryPoll(t, s, stream, "")
			if err != nil {
				failed = append(failed, stream.Name)
				if !strings.Contains(err.Error(), "folder A") {
					t.Errorf("the error does not name the folder: %v", err)
				}
			}
			all = append(all, batches...)
		}
		if diff := cmp.Diff([]string{"A"}, failed); diff != "" {
			t.Errorf("folders that failed (-want +got):\n%s", diff)
		}
		wantSubjects(t, all, letters(1, 3))
	})
}

func TestC13Drafts(t *testing.T) {
	onDovecot(t, func(t *testing.T, d *servertest.DovecotServer, open func(func(*imapsource.Options)) *imapsource.Source) {
		d.Deliver(t, servertest.Alice, "INBOX", march, `\Draft \Seen`, letter(1))
		d.Deliver(t, servertest.Alice, "INBOX", march, `\Seen`, letter(2))
		d.Deliver(t, servertest.Alice, "Drafts", march, "", letter(3))
		d.Unchanged(t, servertest.Alice)
		s := open(func(o *imapsource.Options) { o.Include = []string{"*", "Drafts"} })
		streams, err := s.Streams(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		drafts := map[string]bool{}
		for _, stream := range streams {
			for _, b := range poll(t, s, stream, "") {
				for _, item := range b.Items {
					drafts[item.Message.Subject] = item.Draft
				}
			}
		}
		want := map[string]bool{"letter 1": true, "letter 2": false, "letter 3": true}
		if diff := cmp.Diff(want, drafts); diff != "" {
			t.Errorf("drafts (-want +got):\n%s", diff)
		}
	})
}
