package storetest

import (
	"testing"

	"kith"
	"kith/store"
)

var textTests = []test{
	{"I22 text that is no UTF-8, and NUL, are stored as U+FFFD", func(t *testing.T, f *fixture) {
		ann := f.person(t, "Ann")
		dirty := func(s string) string { return "a\x00b\xff\xfe" + s }
		const clean = "a\ufffdb\ufffd\ufffd"
		messageID := dirty("<id>")
		in := mail("1", answers("0"), func(i *kith.Interaction) {
			i.MessageID, i.Subject, i.Owner, i.Template, i.Snippet = &messageID, dirty("subject"), dirty("owner"), dirty("template"), dirty("snippet")
			i.Participants[0].Address, i.Participants[0].Name = dirty("address"), dirty("name")
			i.Links = []kith.Link{{ContactID: ann, Role: kith.RoleFrom, Matched: dirty("address"), Rule: kith.LinkByEmail}}
			i.Attachments = []kith.Attachment{{Name: dirty("name")}}
			i.ThreadRefs = append(i.ThreadRefs, dirty("<ref>"))
		})
		rec := kith.Recording{
			Account: dirty("account"), Stream: dirty("stream"), Next: "1\x00\xff", At: t0,
			Captured:    []kith.Captured{seen(dirty("ref"), in)},
			Quarantined: []kith.Failure{{Ref: dirty("bad"), Cause: dirty("cause")}},
			Bounced:     []kith.Bounce{{MessageID: dirty("<other>"), Status: dirty("5.0.0")}},
		}
		if _, err := f.Record(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		if in.Subject != dirty("subject") || in.Participants[0].Name != dirty("name") || rec.Captured[0].Ref != dirty("ref") {
			t.Error("Record changed what the caller gave")
		}
		got := f.byKey(t, "1")
		for _, pair := range [][2]string{
			{got.Subject, "subject"}, {got.Owner, "owner"}, {got.Template, "template"}, {got.Snippet, "snippet"}, {*got.MessageID, "<id>"},
			{got.Participants[0].Address, "address"}, {got.Participants[0].Name, "name"}, {got.Links[0].Matched, "address"}, {got.Attachments[0].Name, "name"},
			{got.Evidence[0].Account, "account"}, {got.Evidence[0].Stream, "stream"}, {got.Evidence[0].Ref, "ref"},
		} {
			if pair[0] != clean+pair[1] {
				t.Errorf("%q, want %q", pair[0], clean+pair[1])
			}
		}
		again := rec
		again.Base = rec.Next
		if done, err := f.Record(t.Context(), again); err != nil || done.Known != 1 {
			t.Errorf("again: %+v, %v", done, err)
		}
		if n := len(f.byKey(t, "1").Participants); n != len(in.Participants) {
			t.Errorf("%d participants after it was seen again, want %d", n, len(in.Participants))
		}
		for _, filter := range []store.Filter{
			{Owner: dirty("owner")}, {Template: dirty("template")}, {MessageID: dirty("<id>")}, {Text: dirty("subject")},
		} {
			if n := len(f.list(t, filter)); n != 1 {
				t.Errorf("%+v finds %d, want 1", filter, n)
			}
		}
		if _, err := f.InteractionByRef(t.Context(), rec.Account, rec.Stream, dirty("ref")); err != nil {
			t.Error(err)
		}
		for ref, err := range f.Refs(t.Context(), rec.Account, rec.Stream) {
			if err != nil || ref != clean+"ref" {
				t.Errorf("ref %q, %v", ref, err)
			}
		}
		if items, err := f.Quarantine(t.Context(), rec.Account); err != nil || len(items) != 1 || items[0].Cause != clean+"cause" || items[0].Attempts != 2 {
			t.Errorf("quarantine %+v, %v", items, err)
		}
		if err := f.StreamDone(t.Context(), rec.Account, rec.Stream, t0, dirty("failure")); err != nil {
			t.Error(err)
		}
		if status, err := f.Stream(t.Context(), rec.Account, rec.Stream); err != nil || status.Error != clean+"failure" || status.Cursor != rec.Next {
			t.Errorf("stream %+v, %v", status, err)
		}
	}},
	{"Interactions/words with letters that fold into ASCII, and out of it", func(t *testing.T, f *fixture) {
		for n, subject := range []string{"400 \u212Aelvin", "\u0130stanbul", "STRASSE Straße", "ÅNGSTRÖM"} {
			id := numbered("%d", n)
			f.record(t, "INBOX", seen(id, mail(id, func(i *kith.Interaction) { i.Subject = subject })))
		}
		for text, want := range map[string]int{"kelvin": 1, "KELVIN 400": 1, "\u212Aelvin": 1, "istanbul": 1, "ISTANBUL": 1, "straße": 1, "strasse": 1, "ångström": 1, "angstrom": 0} {
			if n := len(f.list(t, store.Filter{Text: text})); n != want {
				t.Errorf("%q finds %d, want %d", text, n, want)
			}
			if n, err := f.CountInteractions(t.Context(), store.Filter{Text: text}); err != nil || n != want {
				t.Errorf("CountInteractions of %q = %d, %v; want %d", text, n, err, want)
			}
		}
	}},
}
