package storetest

import (
	"context"
	"errors"
	"testing"
	"time"

	"kith"
	"kith/store"
)

// definition makes what the tests put; the number tells one from another.
func definition(name string, n int, edits ...func(*kith.Definition)) kith.Definition {
	d := kith.Definition{
		Account: kith.Account{
			Name: name, Origin: kith.OriginRegister, Kind: "imap", Owner: name + "@example.test", Schedule: "@every 5m",
			Settings: numbered("settings %d", n), State: kith.StateNew, NextPoll: t0.Add(time.Minute),
		},
		Text:      numbered("kind = \"imap\" # %d\n", n),
		Secret:    kith.Sealed{Key: "2026", Box: []byte{0, 1, byte(n), 0xff}},
		UpdatedAt: t0,
	}
	for _, edit := range edits {
		edit(&d)
	}
	return d
}

func disabled(d *kith.Definition) { d.Disabled, d.State = true, kith.StateDisabled }

func (f *fixture) define(t *testing.T, definitions ...kith.Definition) {
	t.Helper()
	if err := f.PutDefinitions(t.Context(), definitions, t0); err != nil {
		t.Fatal(err)
	}
}

func (f *fixture) definition(t *testing.T, name string) kith.Definition {
	t.Helper()
	d, err := f.Definition(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// definitions returns the names of all of them, in order.
func (f *fixture) definitions(t *testing.T) []string {
	t.Helper()
	var names []string
	for d, err := range f.Definitions(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, d.Name)
	}
	return names
}

func (f *fixture) definitionsVersion(t *testing.T) int64 {
	t.Helper()
	version, err := f.DefinitionsVersion(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return version
}

// grows checks that the version is greater after fn, or the same.
func (f *fixture) grows(t *testing.T, what string, want bool, fn func()) {
	t.Helper()
	before := f.definitionsVersion(t)
	fn()
	if after := f.definitionsVersion(t); (after > before) != want || after < before {
		t.Errorf("%s: the version went from %d to %d", what, before, after)
	}
}

var definitionTests = []test{
	{"PutDefinitions/new, read back, and its account", func(t *testing.T, f *fixture) {
		bare := definition("b", 2, func(d *kith.Definition) { d.Secret = kith.Sealed{} })
		f.grows(t, "put", true, func() { f.define(t, definition("a", 1), bare) })
		equal(t, "Definition", f.definition(t, "a"), definition("a", 1))
		equal(t, "without a secret", f.definition(t, "b"), bare)
		equal(t, "Account", f.account(t, "a"), definition("a", 1).Account)
		f.claim(t, t0.Add(time.Minute), time.Minute, "a", "b")
	}},
	{"PutDefinitions/times come out in UTC with microseconds", func(t *testing.T, f *fixture) {
		at := time.Date(2026, 11, 23, 10, 15, 0, 123456789, time.FixedZone("", 3600))
		if err := f.PutDefinitions(t.Context(), []kith.Definition{definition("a", 1)}, at); err != nil {
			t.Fatal(err)
		}
		equal(t, "UpdatedAt", f.definition(t, "a").UpdatedAt, t0)
	}},
	{"PutDefinitions/replaced while all is well", func(t *testing.T, f *fixture) {
		f.define(t, definition("a", 1))
		next := t0.Add(time.Hour)
		changed := definition("a", 2, func(d *kith.Definition) { d.NextPoll, d.Owner, d.Kind = next, "o@example.test", "caldav" })
		f.grows(t, "replace", true, func() { f.define(t, changed) })
		changed.NextPoll = t0.Add(time.Minute)
		equal(t, "the schedule is the same: NextPoll stays", f.definition(t, "a"), changed)
		changed.Schedule, changed.NextPoll = "@hourly", next
		f.define(t, changed)
		equal(t, "the schedule changed", f.definition(t, "a"), changed)
		equal(t, "there is still one", f.definitions(t), []string{"a"})
	}},
	{"PutDefinitions/one that needed attention is tried again when its settings change", func(t *testing.T, f *fixture) {
		f.define(t, definition("a", 1))
		ill := f.account(t, "a")
		ill.State, ill.Attempts, ill.Error, ill.ErrorSince = kith.StateNeedsAttention, 3, "refused", t0
		if err := f.PollEnded(t.Context(), ill); err != nil {
			t.Fatal(err)
		}
		f.define(t, definition("a", 1, func(d *kith.Definition) { d.Text = "other" }))
		equal(t, "the same settings", f.account(t, "a"), ill)
		f.define(t, definition("a", 2))
		equal(t, "other settings", f.account(t, "a"), definition("a", 2).Account)
	}},
	{"PutDefinitions/disabled and enabled again", func(t *testing.T, f *fixture) {
		f.define(t, definition("a", 1), definition("off", 2, disabled))
		equal(t, "disabled from the start", f.definition(t, "off"), definition("off", 2, disabled))
		f.claim(t, t0.Add(time.Hour), time.Minute, "a")
		f.grows(t, "disable", true, func() { f.define(t, definition("a", 1, disabled)) })
		equal(t, "state", f.account(t, "a").State, kith.StateDisabled)
		f.claim(t, t0.Add(2*time.Hour), time.Minute)
		next := t0.Add(3 * time.Hour)
		f.define(t, definition("a", 1, func(d *kith.Definition) { d.NextPoll = next }))
		got := f.account(t, "a")
		equal(t, "state", got.State, kith.StateNew)
		equal(t, "it is due when it was said", got.NextPoll, next)
		f.claim(t, next, time.Minute, "a")
	}},
	{"I11 disabled while it is polled", func(t *testing.T, f *fixture) {
		f.define(t, definition("a", 1))
		polled := f.claim(t, t0.Add(time.Minute), time.Minute, "a")[0]
		f.started(t, polled, "one", t0.Add(time.Minute), t0.Add(2*time.Minute))
		polled.LastPoll = t0.Add(time.Minute)
		f.define(t, definition("a", 1, disabled))
		polled.State, polled.NextPoll = kith.StateOK, t0.Add(time.Hour)
		if err := f.PollEnded(t.Context(), polled); err != nil {
			t.Fatal(err)
		}
		got := f.account(t, "a")
		equal(t, "state", got.State, kith.StateDisabled)
		equal(t, "its lease ends all the same", got.Daemon, "")
		f.claim(t, t0.Add(24*time.Hour), time.Minute)
	}},
	{"PutDefinitions/a name of the file", func(t *testing.T, f *fixture) {
		f.accounts(t, "b")
		before := f.account(t, "b")
		f.grows(t, "refused", false, func() {
			err := f.PutDefinitions(t.Context(), []kith.Definition{definition("a", 1), definition("b", 2), definition("c", 3)}, t0)
			fails(t, "PutDefinitions", err, kith.ErrConflict)
			var row *store.RowError
			if !errors.As(err, &row) || row.Row != 1 {
				t.Errorf("%v is not the error of row 1", err)
			}
		})
		equal(t, "nothing was written", f.definitions(t), []string(nil))
		_, err := f.Account(t.Context(), "a")
		fails(t, "the account of the row before", err, kith.ErrNotFound)
		equal(t, "the account of the file", f.account(t, "b"), before)
		f.accounts(t) // taken out of the file
		f.define(t, definition("b", 2))
		equal(t, "a removed account's name goes over", f.definition(t, "b"), definition("b", 2))
		f.accounts(t) // and the next start leaves it alone
		equal(t, "Reconcile leaves it alone", f.account(t, "b"), definition("b", 2).Account)
	}},
	{"Reconcile/a name of the register", func(t *testing.T, f *fixture) {
		f.define(t, definition("b", 1), definition("off", 2, disabled))
		for _, name := range []string{"b", "off"} {
			fails(t, "Reconcile", f.Reconcile(t.Context(), []kith.Account{{Name: "a"}, {Name: name}}), kith.ErrConflict)
		}
		_, err := f.Account(t.Context(), "a")
		fails(t, "the account beside it", err, kith.ErrNotFound)
		equal(t, "the definition", f.definition(t, "b"), definition("b", 1))
		if err := f.RemoveDefinition(t.Context(), "b"); err != nil {
			t.Fatal(err)
		}
		f.accounts(t, "b")
		got := f.account(t, "b")
		equal(t, "a removed definition's name goes over", []any{got.Origin, got.State}, []any{kith.OriginFile, kith.StateNew})
		fails(t, "and then it is the file's", f.PutDefinitions(t.Context(), []kith.Definition{definition("b", 1)}, t0), kith.ErrConflict)
	}},
	{"RemoveDefinition/its secret goes, what it recorded stays", func(t *testing.T, f *fixture) {
		f.define(t, definition("a", 1), definition("b", 2))
		f.recording(t, "INBOX", kith.Recording{Account: "a", Captured: []kith.Captured{seen("1", mail("1"))}, Next: "7"})
		f.grows(t, "remove", true, func() {
			if err := f.RemoveDefinition(t.Context(), "a"); err != nil {
				t.Fatal(err)
			}
		})
		_, err := f.Definition(t.Context(), "a")
		fails(t, "Definition", err, kith.ErrNotFound)
		equal(t, "the others", f.definitions(t), []string{"b"})
		equal(t, "state", f.account(t, "a").State, kith.StateRemoved)
		f.claim(t, t0.Add(time.Hour), time.Minute, "b")
		f.count(t, 1)
		fails(t, "again", f.RemoveDefinition(t.Context(), "a"), kith.ErrNotFound)
		f.define(t, definition("a", 3))
		equal(t, "defined anew", f.definition(t, "a"), definition("a", 3))
		if status, err := f.Stream(t.Context(), "a", "INBOX"); err != nil || status.Cursor != "7" {
			t.Errorf("it does not go on from where it was: %+v, %v", status, err)
		}
	}},
	{"Reseal/replaces the secret that it knows", func(t *testing.T, f *fixture) {
		f.define(t, definition("a", 1), definition("bare", 2, func(d *kith.Definition) { d.Secret = kith.Sealed{} }))
		was, now := definition("a", 1).Secret, kith.Sealed{Key: "2027", Box: []byte("new")}
		f.grows(t, "no change of the account", false, func() {
			if err := f.Reseal(t.Context(), "a", was, now); err != nil {
				t.Fatal(err)
			}
		})
		equal(t, "after", f.definition(t, "a"), definition("a", 1, func(d *kith.Definition) { d.Secret = now }))
		fails(t, "from the secret before", f.Reseal(t.Context(), "a", was, was), kith.ErrConflict)
		fails(t, "from another key", f.Reseal(t.Context(), "a", kith.Sealed{Key: "2026", Box: now.Box}, was), kith.ErrConflict)
		equal(t, "after conflicts", f.definition(t, "a").Secret, now)
		if err := f.Reseal(t.Context(), "bare", kith.Sealed{}, now); err != nil {
			t.Errorf("where there was none: %v", err)
		}
		fails(t, "where there is one by now", f.Reseal(t.Context(), "bare", kith.Sealed{}, was), kith.ErrConflict)
		fails(t, "of nobody", f.Reseal(t.Context(), "nobody", was, now), kith.ErrNotFound)
	}},
	{"Definition/unknown, or of the file", func(t *testing.T, f *fixture) {
		f.accounts(t, "file")
		for _, name := range []string{"nobody", "file", ""} {
			_, err := f.Definition(t.Context(), name)
			fails(t, "Definition "+name, err, kith.ErrNotFound)
			fails(t, "RemoveDefinition "+name, f.RemoveDefinition(t.Context(), name), kith.ErrNotFound)
		}
		equal(t, "the account of the file", f.account(t, "file").State, kith.StateNew)
	}},
	{"Definitions/all of 10,000, by the bytes of the name", func(t *testing.T, f *fixture) {
		var all []kith.Definition
		want := []string{"B", "b", "ä"} // as UTF-8 sorts
		for n := range 10_000 - len(want) {
			all = append(all, definition(numbered("a%05d", n), n))
		}
		for _, name := range want {
			all = append(all, definition(name, 0))
		}
		f.define(t, all...)
		names := f.definitions(t)
		if len(names) != 10_000 {
			t.Fatalf("%d definitions, want 10,000", len(names))
		}
		equal(t, "the ends", []string{names[0], names[1], names[9_997], names[9_998], names[9_999]}, []string{"B", "a00000", "a09996", "b", "ä"})
	}},
	{"Definitions/a reader that is slow or stops", func(t *testing.T, f *fixture) {
		f.define(t, definition("a", 1), definition("b", 2), definition("c", 3))
		var names []string
		for d, err := range f.Definitions(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			names = append(names, d.Name)
			if err := f.RemoveDefinition(t.Context(), d.Name); err != nil { // writers don't wait
				t.Fatal(err)
			}
			if d.Name == "b" {
				break
			}
		}
		equal(t, "read", names, []string{"a", "b"})
		equal(t, "left", f.definitions(t), []string{"c"})
	}},
	{"Definitions/a context that is done changes nothing", func(t *testing.T, f *fixture) {
		f.define(t, definition("a", 1))
		f.grows(t, "cancelled", false, func() {
			fails(t, "PutDefinitions", f.PutDefinitions(done(t), []kith.Definition{definition("b", 2)}, t0), context.Canceled)
			fails(t, "RemoveDefinition", f.RemoveDefinition(done(t), "a"), context.Canceled)
			fails(t, "Reseal", f.Reseal(done(t), "a", definition("a", 1).Secret, kith.Sealed{}), context.Canceled)
		})
		_, err := f.Definition(done(t), "a")
		fails(t, "Definition", err, context.Canceled)
		_, err = f.DefinitionsVersion(done(t))
		fails(t, "DefinitionsVersion", err, context.Canceled)
		n := 0
		for _, err := range f.Definitions(done(t)) {
			fails(t, "Definitions", err, context.Canceled)
			n++
		}
		equal(t, "errors of Definitions", n, 1)
		equal(t, "after", f.definition(t, "a"), definition("a", 1))
		equal(t, "all", f.definitions(t), []string{"a"})
	}},
	{"AccountStatuses/those of the register are among them", func(t *testing.T, f *fixture) {
		f.accounts(t, "b")
		f.define(t, definition("a", 1), definition("c", 2, disabled))
		statuses, err := f.AccountStatuses(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, s := range statuses {
			got = append(got, s.Name+" "+string(s.Origin)+" "+string(s.State))
		}
		equal(t, "AccountStatuses", got, []string{"a register new", "b file new", "c register disabled"})
	}},
}
