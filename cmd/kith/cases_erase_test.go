package main

import (
	"encoding/csv"
	"encoding/json"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"kith"
)

// erased is what kith erase printed.
func (s *caseSite) erased(args ...string) (e erasedJSON) {
	s.t.Helper()
	return jsonLinesOf[erasedJSON](s.t, s.must(append([]string{"--json", "erase"}, args...)...))[0]
}

// scrubbed returns all that is on the disk of the register once its pages are written anew, as
// erasing does by itself where the database is a file.
func (s *caseSite) scrubbed() string {
	s.t.Helper()
	if !s.embedded() {
		s.sql("VACUUM FULL")
	}
	return s.files()
}

var eraseStories = []story{
	{"H10 erased by an address: a person is gone, and does not come back", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{
			policy:   "body = \"snippet\"\nunmatched = \"suggest\"",
			contacts: "name,email\nAnn Namemark,ann@markone.test; ann@marktwo.test\nBo,bo@client.test",
			mail: []mail{
				{raw: marked("From: Ann Namemark <ann@markone.test>")},
				{raw: letter("Message-ID: <2@x.test>", "From: bo@client.test", "Cc: A. Namemark <ANN@marktwo.test>", "Subject: subjectmark of Bo")},
				{raw: letter("Message-ID: <3@x.test>", "From: bo@client.test", "Subject: subjectmark: ask ann@markone.test.")},
				{raw: letter("Message-ID: <4@x.test>", "From: bo@client.test", "Subject: offer")},
				{raw: letter("Message-ID: <5@x.test>", "From: bo@client.test", "Subject: joann@markone.test is somebody else")},
			},
		})
		s.poll()
		marks := []string{"namemark", "ann@marktwo", "idmark", "subjectmark", "bodymark", "filemark"}
		before := s.files()
		for _, mark := range marks {
			if !strings.Contains(strings.ToLower(before), mark) {
				t.Errorf("%q is not in the files: the test proves nothing", mark)
			}
		}
		if would := s.erased("ann@markone.test", "--dry-run"); would.Removed.Interactions != 3 || would.Removed.Contacts != 1 || !would.DryRun {
			t.Errorf("the dry run: %+v", would)
		}
		if n := len(s.interactions()); n != 5 {
			t.Errorf("after the dry run there are %d interactions, want 5", n)
		}

		code, stdout, stderr := s.run("--json", "-v", "erase", "ann@markone.test")
		if code != exitDone {
			t.Fatalf("exit code %d\n%s", code, stderr)
		}
		lookedFor(t, "the log", stderr, append(marks, "ann@markone")...)
		done := jsonLinesOf[erasedJSON](t, stdout)[0]
		if slices.Sort(done.Addresses); !slices.Equal(done.Addresses, []string{"ann@markone.test", "ann@marktwo.test"}) || done.Removed.Interactions != 3 || done.Removed.Evidence != 3 {
			t.Errorf("erased: %+v", done)
		}
		ofBo := func(subject string) row {
			return row{Subject: subject, Links: []string{"from Bo"}, Snippet: "Hello, this is the text."}
		}
		left := []row{ofBo("joann@markone.test is somebody else"), ofBo("offer")}
		s.check("afterwards", left...)
		gone := strings.ReplaceAll(s.scrubbed(), "joann@markone", "")
		lookedFor(t, "the files", gone, append(marks, "ann@markone")...)
		if !strings.Contains(gone, "somebody else") {
			t.Error("what stays is not in the files: the test proves nothing")
		}

		s.deliver(mail{raw: strings.ReplaceAll(marked("From: Ann Namemark <ann@marktwo.test>", "Cc: bo@client.test"), "<idmark@client.test>", "<6@x.test>")})
		s.deliver(mail{in: "Archive", raw: marked("From: Ann Namemark <ann@markone.test>")})
		disk, printed := s.traces(exitDone, "--full")
		lookedFor(t, "the files", strings.ReplaceAll(disk, "joann@markone", ""), append(marks, "ann@markone")...)
		lookedFor(t, "the log", strings.ReplaceAll(printed, "joann@markone", ""), append(marks, "ann@markone")...)
		s.check("after it was read again", left...)
		if n := s.skipped(kith.ReasonErased); n != 5 {
			t.Errorf("%d are counted as erased, want 5", n)
		}
		explained := s.must("explain", "<6@x.test>")
		if !strings.Contains(explained, string(kith.ReasonErased)) {
			t.Errorf("kith explain does not tell why:\n%s", explained)
		}

		s.write("again.csv", "name,email\nAnn Namemark,ann@markone.test\nBo,bo@client.test; ann@marktwo.test\n")
		if code, stdout, stderr := s.run("contacts", "import", s.path("again.csv")); code != exitPartly || !strings.Contains(stdout+stderr, "erased") {
			t.Errorf("an import that brings the person back: exit code %d\n%s%s", code, stdout, stderr)
		}
		lookedFor(t, "the files", strings.ReplaceAll(s.scrubbed(), "joann@markone", ""), "namemark", "ann@mark")

		s.must("erase", "ann@marktwo.test", "--readmit")
		s.must("contacts", "add", "Ann Namemark", "--email", "ann@marktwo.test")
		s.deliver(mail{raw: letter("From: ann@marktwo.test", "Message-ID: <7@x.test>", "Subject: back")})
		s.poll()
		s.check("after she was let in again, with what came since", slices.Concat([]row{{Subject: "back", Links: []string{"from Ann Namemark"}, Snippet: "Hello, this is the text."}}, left,
			[]row{{Subject: "subjectmark", Links: []string{"from Ann Namemark", "cc Bo"}, Snippet: "bodymark"}})...)
	}},
	{"H10 an address of nobody: what was suggested and who took part", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{policy: `unmatched = "suggest"`, contacts: annAndBo, mail: []mail{
			{raw: letter("Message-ID: <1@x.test>", "From: Eve Namemark <eve@addressmark.test>")},
			{raw: letter("Message-ID: <2@x.test>", "Cc: Eve Namemark <eve@addressmark.test>", "Subject: with her")},
			{raw: letter("Message-ID: <3@x.test>", "Subject: without her")},
		}})
		s.poll()
		if !strings.Contains(s.files(), "eve@addressmark") {
			t.Error("she is not in the files: the test proves nothing")
		}
		if done := s.erased("Eve@AddressMark.test"); done.Removed.Contacts != 0 || done.Removed.Interactions != 1 {
			t.Errorf("erased: %+v", done)
		}
		lookedFor(t, "the files", s.scrubbed(), "addressmark", "namemark", "with her")
		s.poll("--full")
		s.check("after it was read again", row{Subject: "without her"})
		lookedFor(t, "the files", s.scrubbed(), "addressmark", "namemark", "with her")
	}},
	{"H10 an address that is shared is taken from those who stay", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{contacts: "external_id,name,email\n1,Ann Doe,ann@client.test; family@addressmark.test\n2,Bo,bo@client.test; family@addressmark.test", mail: []mail{
			{raw: letter("Message-ID: <1@x.test>", "From: family@addressmark.test", "Subject: from both")},
			{raw: letter("Message-ID: <2@x.test>", "Subject: from Ann")},
		}})
		s.poll()
		if done := s.erased("family@addressmark.test"); len(done.Shared) != 2 || done.Removed.Contacts != 0 || done.Removed.Interactions != 1 {
			t.Errorf("erased: %+v", done)
		}
		s.check("afterwards", row{Subject: "from Ann"})
		lookedFor(t, "the files", s.scrubbed(), "addressmark")
		if code, stdout, _ := s.run("contacts", "edit", "bo@client.test", "--add-email", "family@addressmark.test"); code == exitDone {
			t.Errorf("it was given to a contact again:\n%s", stdout)
		}
	}},
	{"H10 one of us is not erased by accident", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{{raw: letter()}}})
		s.poll()
		if code, _, stderr := s.run("erase", "alice@example.test"); code != exitUsage || !strings.Contains(stderr, "own") {
			t.Errorf("exit code %d\n%s", code, stderr)
		}
		s.check("afterwards", row{Subject: "offer"})
	}},
	{"everything about a person is given to them", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{contacts: "name,email\nAnn Doe,ann@client.test; ann@home.test\nBo,bo@client.test", mail: []mail{
			{raw: letter("Message-ID: <1@x.test>", "Subject: from Ann")},
			{raw: letter("Message-ID: <2@x.test>", "From: bo@client.test", "Cc: ann@home.test", "Subject: beside Bo")},
			{raw: letter("Message-ID: <3@x.test>", "From: bo@client.test", "Subject: of Bo alone")},
		}})
		s.poll()
		var all struct {
			Contacts     []kith.Contact
			Addresses    []string
			Interactions []kith.Interaction
		}
		s.must("export", "--contact", "ann@home.test", s.path("ann"))
		for _, text := range []string{s.must("export", "--contact", "Ann Doe"), readFile(t, filepath.Join(s.path("ann"), "everything.json"))} {
			if err := json.Unmarshal([]byte(text), &all); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if len(all.Contacts) != 1 || all.Contacts[0].Name != "Ann Doe" || len(all.Addresses) != 2 || len(all.Interactions) != 2 {
				t.Errorf("everything: %+v", all)
			}
		}
		for name, want := range map[string]int{"contacts.csv": 1, "interactions.csv": 2} {
			lines, err := csv.NewReader(strings.NewReader(readFile(t, filepath.Join(s.path("ann"), name)))).ReadAll()
			if err != nil || len(lines) != 1+want {
				t.Errorf("%s has %d lines, %v", name, len(lines), err)
			}
		}
		if code, _, stderr := s.run("export", "--contact", "nobody"); code != exitNotFound || !strings.Contains(stderr, "not found") {
			t.Errorf("exit code %d\n%s", code, stderr)
		}
	}},
}
