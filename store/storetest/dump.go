package storetest

import (
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"kith"
	"kith/store"
	"kith/store/backup"
)

var dumpTests = []test{
	{"Dump/an empty register", func(t *testing.T, f *fixture) {
		equal(t, "rows", f.dump(t), []store.Row{&store.VersionsRow{}})
		g := f.copy(t)
		equal(t, "rows of the copy", g.dump(t), f.dump(t))
	}},
	{"Load/the copy is equal", func(t *testing.T, f *fixture) {
		f.fill(t)
		g := f.copy(t)
		f.same(t, g)
		h := g.copy(t)
		equal(t, "rows of a copy of the copy", h.dump(t), f.dump(t))
	}},
	{"Dump/all kinds of rows, in order", func(t *testing.T, f *fixture) {
		f.fill(t)
		var kinds []store.RowKind
		for _, row := range f.dump(t) {
			kinds = append(kinds, row.Kind())
		}
		equal(t, "kinds", slices.Compact(kinds), store.RowKinds)
	}},
	{"Load/what was recorded is known, what was erased stays erased", func(t *testing.T, f *fixture) {
		f.fill(t)
		g := f.copy(t)
		for _, f := range []*fixture{f, g} {
			equal(t, "INBOX again", f.record(t, "INBOX", seen("1", mail("1")), seen("2", mail("2", answers("1")))), kith.Recorded{Known: 2})
			equal(t, "elsewhere", f.record(t, "All", seen("1", mail("1")), seen("2", mail("3", answers("2")))), kith.Recorded{New: 1, Known: 1})
			equal(t, "by the key of a copy", f.record(t, "All", seen("3", ours("rewritten", "f"))), kith.Recorded{Known: 1})
			equal(t, "by fingerprint", f.record(t, "All", seen("4", ours("rewritten again", "once", at(t0.Add(time.Hour))))), kith.Recorded{Known: 1})
			equal(t, "erased", f.record(t, "INBOX", seen("3", mail("erased"))), kith.Recorded{Erased: 1})
			equal(t, "a copy of what was erased", f.record(t, "INBOX", seen("4", ours("erased again", "erased"))), kith.Recorded{Erased: 1})
		}
	}},
	{"Load/answers join their thread", func(t *testing.T, f *fixture) {
		f.fill(t)
		g := f.copy(t)
		for _, f := range []*fixture{f, g} {
			before := f.byKey(t, "1").Thread
			f.record(t, "INBOX", seen("9", mail("late", answers("2"))), seen("10", mail("unseen")), seen("11", mail("joins", answers("1", "lone"))))
			equal(t, "thread of an answer", f.byKey(t, "late").Thread, before)
			equal(t, "thread of what was answered before it came", f.byKey(t, "unseen").Thread, f.byKey(t, "answers unseen").Thread)
			equal(t, "threads that an answer ties together", f.byKey(t, "lone").Thread, f.byKey(t, "1").Thread)
		}
	}},
	{"Load/a bounce seen before its message marks it", func(t *testing.T, f *fixture) {
		f.fill(t)
		g := f.copy(t)
		for _, f := range []*fixture{f, g} {
			f.record(t, "Sent", seen("9", ours("bounces", "bounces")))
			equal(t, "delivery", f.byKey(t, "bounces").DeliveryStatus, kith.DeliveryBounced)
		}
	}},
	{"Load/schedule, leases and versions", func(t *testing.T, f *fixture) {
		f.fill(t)
		before := f.definitionsVersion(t)
		g := f.copy(t)
		a := g.account(t, "file")
		equal(t, "daemon", a.Daemon, "")
		equal(t, "lease", a.LeasedUntil, time.Time{})
		want := f.account(t, "file")
		want.Daemon, want.LeasedUntil = "", time.Time{}
		equal(t, "account", a, want)
		equal(t, "definitions version", g.definitionsVersion(t), before)
		if daemons, err := g.Daemons(t.Context()); err != nil || len(daemons) != 0 {
			t.Errorf("daemons: %v, %v", daemons, err)
		}
	}},
	{"Load/only into an empty register", func(t *testing.T, f *fixture) {
		f.fill(t)
		for what, edit := range map[string]func(g *fixture){
			"contacts":    func(g *fixture) { g.person(t, "Ann") },
			"accounts":    func(g *fixture) { g.accounts(t, "a") },
			"streams":     func(g *fixture) { g.record(t, "INBOX") },
			"definitions": func(g *fixture) { g.define(t, definition("a", 1)) },
		} {
			g := f.another(t)
			edit(g)
			before := g.dump(t)
			_, err := g.Load(t.Context(), f.Dump(t.Context()))
			fails(t, what, err, kith.ErrConflict)
			if err != nil && !strings.Contains(err.Error(), what) {
				t.Errorf("%s: %v", what, err)
			}
			equal(t, "register with "+what, g.dump(t), before)
		}
	}},
	{"Load/an error of the rows, or a context that is done, changes nothing", func(t *testing.T, f *fixture) {
		f.fill(t)
		rows := f.dump(t)
		broken := errors.New("broken")
		g := f.another(t)
		for _, n := range []int{0, 1, len(rows) / 2, len(rows)} {
			_, err := g.Load(t.Context(), func(yield func(store.Row, error) bool) {
				for _, row := range rows[:n] {
					if !yield(row, nil) {
						t.Error("the rows were not wanted to their end")
						return
					}
				}
				yield(nil, broken)
			})
			fails(t, numbered("after %d rows", n), err, broken)
			equal(t, "register", g.dump(t), []store.Row{&store.VersionsRow{}})
		}
		_, err := g.Load(done(t), each(rows))
		fails(t, "Load", err, done(t).Err())
		equal(t, "register", g.dump(t), []store.Row{&store.VersionsRow{}})
		for row, err := range f.Dump(done(t)) {
			if row != nil || !errors.Is(err, done(t).Err()) {
				t.Errorf("Dump: %v, %v", row, err)
			}
		}
	}},
	{"Load/rows that refer to nothing, or out of order", func(t *testing.T, f *fixture) {
		f.fill(t)
		rows := f.dump(t)
		g := f.another(t)
		for i, kind := range store.RowKinds[:len(store.RowKinds)-1] {
			if slices.Contains([]store.RowKind{
				store.RowVersions, store.RowMerged, store.RowDistinct, store.RowAccount, store.RowIdentity, store.RowQuarantined, store.RowCard, store.RowCardGroup,
				store.RowMember, store.RowInteraction, store.RowTombstone, store.RowErasedCopy, store.RowBounce, store.RowSought, store.RowSalt, store.RowForgotten, store.RowWays,
			}, kind) {
				continue // nothing refers to these
			}
			_, err := g.Load(t.Context(), each(slices.DeleteFunc(slices.Clone(rows), func(r store.Row) bool { return r.Kind() == store.RowKinds[i] })))
			if err == nil && kind != store.RowDefinition {
				t.Errorf("without rows of kind %s there is no error", kind)
			}
			if err == nil {
				g = f.another(t)
			}
		}
		slices.Reverse(rows)
		if _, err := g.Load(t.Context(), each(rows)); err == nil {
			t.Error("the last row first: no error")
		}
		equal(t, "register", g.dump(t), []store.Row{&store.VersionsRow{}})
	}},
	{"Dump/the register at one moment, however long it takes", func(t *testing.T, f *fixture) {
		f.fill(t)
		want := f.dump(t)
		var got []store.Row
		for row, err := range f.Dump(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			if len(got)%10 == 0 {
				id := numbered("meanwhile %d", len(got))
				f.record(t, id, seen("1", mail(id, answers("1"))))
			}
			got = append(got, row)
		}
		equal(t, "rows", got, want)
	}},
	{"Dump/can be given up", func(t *testing.T, f *fixture) {
		f.fill(t)
		for n := range len(f.dump(t)) {
			for range f.Dump(t.Context()) {
				if n--; n < 0 {
					break
				}
			}
		}
		if err := f.Ping(t.Context()); err != nil {
			t.Error(err)
		}
	}},
	{"Load/more interactions than any page holds", func(t *testing.T, f *fixture) {
		f.many(t, 6000)
		g := f.copy(t)
		equal(t, "rows and their digest", g.tally(t), f.tally(t))
		first := f.list(t, store.Filter{Limit: 300})
		equal(t, "interactions", g.list(t, store.Filter{Limit: 300}), first)
	}},
}

// another is an empty store.
func (f *fixture) another(t *testing.T) *fixture {
	return &fixture{Store: f.open(t), open: f.open}
}

func each(rows []store.Row) iter.Seq2[store.Row, error] {
	return func(yield func(store.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

func (f *fixture) dump(t *testing.T) []store.Row {
	t.Helper()
	var rows []store.Row
	for row, err := range f.Dump(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
	return rows
}

func (f *fixture) tally(t *testing.T) backup.Summary {
	t.Helper()
	tally := backup.NewTally()
	for _, err := range tally.Count(f.Dump(t.Context())) {
		if err != nil {
			t.Fatal(err)
		}
	}
	return tally.Summary()
}

// copy loads the register into an empty store.
func (f *fixture) copy(t *testing.T) *fixture {
	t.Helper()
	g := f.another(t)
	renamed, err := g.Load(t.Context(), f.Dump(t.Context()))
	if err != nil || renamed != 0 {
		t.Fatalf("Load: %d ids are others, %v", renamed, err)
	}
	return g
}

// same checks that two registers show the same.
func (f *fixture) same(t *testing.T, g *fixture) {
	t.Helper()
	equal(t, "interactions", g.list(t, store.Filter{}), f.list(t, store.Filter{}))
	equal(t, "contacts", g.everybody(t), f.everybody(t))
	statuses := func(f *fixture) []kith.AccountStatus {
		all, err := f.AccountStatuses(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range all {
			all[i].Daemon, all[i].LeasedUntil = "", time.Time{}
		}
		return all
	}
	equal(t, "accounts", statuses(g), statuses(f))
	items := func(f *fixture) []kith.Quarantined {
		all, err := f.Quarantine(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	equal(t, "quarantine", items(g), items(f))
	equal(t, "definitions", g.definitions(t), f.definitions(t))
	for _, name := range f.definitions(t) {
		equal(t, "definition", g.definition(t, name), f.definition(t, name))
	}
	for _, stream := range []string{"INBOX", "Sent"} {
		equal(t, "live refs of "+stream, refs(t, g, stream), refs(t, f, stream))
	}
	for _, address := range []string{"ann@client.test", "+3225551234", "ad@client.test"} {
		a, err := f.MatchAddresses(t.Context(), []string{address})
		if err != nil {
			t.Fatal(err)
		}
		b, err := g.MatchAddresses(t.Context(), []string{address})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "matches of "+address, b, a)
	}
	for _, c := range f.everybody(t) {
		equal(t, "timeline of "+c.Name, g.list(t, store.Filter{Contact: c.ID}), f.list(t, store.Filter{Contact: c.ID}))
	}
}

func (f *fixture) everybody(t *testing.T) []kith.Contact {
	t.Helper()
	var all []kith.Contact
	for c, err := range f.Contacts(t.Context(), store.ContactFilter{}) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, c)
	}
	return all
}

// fill puts rows of all kinds into a register, and what is odd of each.
func (f *fixture) fill(t *testing.T) {
	t.Helper()
	zoe := f.contact(t, kith.Contact{Source: "csv", ExternalID: "Z", Name: "Zoë \"Z\" Ünal", Emails: []string{}, Phones: []string{"+3225551234"}, NeverRecord: true})
	ann := f.contact(t, kith.Contact{
		Source: "csv", ExternalID: "A", Name: "Ann Doe", FirstName: "Ann", LastName: "Doe", Company: "Client Ltd", Emails: []string{"ann@client.test", "a@home.test"},
		Phones: []string{"+3225551234"}, Title: "CEO", Language: "fr-BE", Owner: "alice@example.test", Tags: []string{"b", "a"}, Notes: map[string]string{"x": "1\n2", "a": ""},
	})
	f.contact(t, kith.Contact{Type: kith.Company, Source: "manual", Name: "Later Ltd", Archived: true})
	anna := f.contact(t, kith.Contact{Source: "csv", ExternalID: "A2", Name: "Anna Doe", Emails: []string{"ann@client.test", "anna@client.test"}})
	first := f.contact(t, kith.Contact{Source: "csv", ExternalID: "A3", Name: "A. Doe", Emails: []string{"ad@client.test"}})
	f.merge(t, anna, first)
	f.merge(t, ann, anna)
	f.distinguish(t, zoe, ann)

	f.accounts(t, "file", "other")
	f.started(t, f.account(t, "file"), "one", t0, t0.Add(time.Minute))
	if err := f.Beat(t.Context(), kith.Daemon{Name: "one", Started: t0, Seen: t0}, nil, t0); err != nil {
		t.Fatal(err)
	}
	failed := f.account(t, "other")
	f.started(t, failed, "one", t0, t0.Add(time.Minute))
	failed.LastPoll, failed.State, failed.Attempts, failed.Error, failed.ErrorSince = t0, kith.StateFailing, 3, "it broke", t0.Add(-time.Hour)
	failed.NextPoll, failed.LastSuccess = t0.Add(time.Minute), t0.Add(-2*time.Hour)
	if err := f.PollEnded(t.Context(), failed); err != nil {
		t.Fatal(err)
	}
	f.define(t, definition("in the register", 1), definition("switched off", 2, disabled))
	f.define(t, definition("no secret", 3, func(d *kith.Definition) { d.Secret = kith.Sealed{} }))

	f.record(t, "Sent", sights(seen("0", mail("0")), sighting("alice@old.test", kith.SightedSent)))
	for address, state := range map[string]kith.IdentityState{"a@old.test": kith.IdentityAccepted, "b@old.test": kith.IdentityRejected} {
		if _, err := f.DecideIdentity(t.Context(), address, state, "alice@example.test", t0); err != nil {
			t.Fatal(err)
		}
	}

	text := func(s string) *string { return &s }
	minutes, ended := 45, t0.Add(time.Hour).In(time.FixedZone("", 5*3600+45*60))
	f.recording(t, "INBOX", kith.Recording{
		Next: "\xff\x00\x01 any bytes", Backfilled: 0.1, Skipped: map[kith.Reason]int{kith.ReasonBulk: 7, kith.ReasonNoContact: 1},
		Quarantined: []kith.Failure{{Ref: "7:66", Cause: "bad header"}, {Ref: "7:5", Cause: "too long"}},
		Bounced:     []kith.Bounce{{MessageID: "<bounces@client.test>", Status: "5.1.1", Action: "failed"}},
		Captured: []kith.Captured{
			seen("1", mail("1", linked(kith.RoleFrom, ann), linked(kith.RoleTo, zoe, first), at(t0.Add(time.Microsecond).In(time.FixedZone("", -3*3600-1800-17))))),
			seen("2", mail("2", answers("1"))),
			seen("3", mail("answers unseen", answers("unseen"))),
			seen("4", mail("lone", answers("lone"))),
			seen("5", mail("erased")), seen("6", ours("erased too", "erased")),
			seen("7", mail("circle", answers("circle 2"))), seen("8", mail("circle 2", answers("circle"))),
			seen("gone", mail("no longer there")),
			seen("12", kith.Interaction{
				Kind: kith.KindMeeting, Status: kith.StatusPlanned, Direction: kith.NoDirection, DirectionRule: kith.DirectionByHand, InitiatedBy: kith.InitiatedByUnknown,
				OccurredAt: t0, EndedAt: &ended, DateOnly: true, DurationMinutes: &minutes, Key: key("all"), Subject: "a & b <c> \u2028 \"d\" 日本",
				Group: "G", Template: "T", ICalUID: text("uid"), RecurrenceID: text("r"), Evaluation: text("neutral"), AttemptFailed: true, Cost: text("1.50"), Currency: text("EUR"),
				CorrespondenceType: "none", Language: text("nl"), Campaign: text("c"), CampaignResponse: true, Segment: text("s"), Opportunity: text(""), Task: text("t"),
				Document: &kith.Document{Type: "invoice", Number: "1", Version: "2", URL: "https://x.test"}, DeliveryStatus: kith.DeliverySent, DeliveryReason: "r", Snippet: "s",
				Flags: []string{"f"}, Notes: []kith.Note{{Author: "a", At: t0, Text: "n"}}, Attachments: []kith.Attachment{{Name: "a.pdf", MediaType: "application/pdf", Size: 1 << 40, Inline: true}},
				Participants: []kith.Participant{{Role: kith.RoleOrganizer, Address: "o@example.test", Response: text("accepted")}},
				Links:        []kith.Link{{ContactID: ann, Role: kith.RoleOrganizer, Matched: "elsewhere", Rule: kith.LinkByHand, Ambiguous: true}},
			}),
		},
	})
	f.recording(t, "INBOX", kith.Recording{Gone: []string{"gone"}, LookedBack: 1})
	f.record(t, "Sent", seen("1", ours("sent", "f")), seen("2", ours("sent once", "once", at(t0.Add(time.Hour)))))
	f.record(t, "Sent", seen("3", ours("sent later", "f", at(t0.Add(24*time.Hour)))))
	f.record(t, "All", seen("1", ours("rewritten", "f")), seen("2", mail("1")))
	f.recording(t, "Calendar", kith.Recording{Account: "removed long ago", Captured: []kith.Captured{seen("x", mail("x"))}})
	if err := f.StreamDone(t.Context(), "alice", "Sent", t0, ""); err != nil {
		t.Fatal(err)
	}
	f.recording(t, "INBOX", kith.Recording{Suggested: []kith.Correspondent{
		{Address: "y@other.test", Name: "Y", Ways: kith.WayIn, At: t0}, {Address: "y@other.test", Name: "Yves", Ways: kith.WayOut, At: t0.Add(time.Hour)},
	}})
	f.recording(t, "Sent", kith.Recording{Suggested: []kith.Correspondent{{Address: "y@other.test", Ways: kith.WayOut, At: t0}}})
	for _, a := range []string{"a@rejected.test", "b@rejected.test"} {
		if err := f.RejectSuggestion(t.Context(), a, t0); err != nil {
			t.Fatal(err)
		}
	}
	f.create(t, 0, true, heard("waits@other.test"), wrote("waits too@other.test"), mass("list@other.test"))
	if err := f.StreamDone(t.Context(), "alice", "INBOX", t0, "it broke"); err != nil {
		t.Fatal(err)
	}
	f.book(t, "work", kith.BookRecording{
		Cards:  []kith.Card{card("1", "Carl <C>", emails("carl@client.test"), worksFor("Client Ltd"), tags("x")), card("2", "Erased"), card("3", "Gone"), at2("1.vcf", card("4", "Second"))},
		Groups: []kith.CardGroup{group("Team", "1", "3"), group("Nobody"), {Ref: "org.vcf", UID: "o", Name: "Org", Org: true, Members: []string{"1"}}},
	})
	if err := f.RemoveContact(t.Context(), f.byExternal(t, "2").ID, t0); err != nil {
		t.Fatal(err)
	}
	f.book(t, "work", gone("3.vcf"))
	ids := []kith.ID{f.byKey(t, "erased").ID, f.byKey(t, "erased too").ID}
	if n, err := f.DeleteInteractions(t.Context(), ids, t0.Add(time.Hour)); err != nil || n != 2 {
		t.Fatal(n, err)
	}
}

// many records interactions, some of which answer others, and contacts for them.
func (f *fixture) many(t *testing.T, n int) {
	t.Helper()
	var people []kith.ID
	for i := range 50 {
		people = append(people, f.person(t, numbered("Person %d", i), numbered("p%d@client.test", i)))
	}
	for i := 0; i < n; {
		var batch []kith.Captured
		for ; len(batch) < 2000 && i < n; i++ {
			id := numbered("%d", i)
			edits := []func(*kith.Interaction){linked(kith.RoleFrom, people[i%50]), at(t0.Add(-time.Duration(i) * time.Minute))}
			if i%3 > 0 {
				edits = append(edits, answers(numbered("%d", i-i%3)))
			}
			if i%5 == 0 {
				batch = append(batch, seen(id, ours(id, numbered("f%d", i-i%10), edits...)))
			} else {
				batch = append(batch, seen(id, mail(id, edits...)))
			}
		}
		f.record(t, "INBOX", batch...)
	}
}
