package main

import (
	"slices"
	"strings"
	"testing"

	"kith"
)

// contactOf is the contact that a word finds.
func (s *caseSite) contactOf(word string) kith.Contact {
	s.t.Helper()
	return jsonLinesOf[kith.Contact](s.t, s.must("--json", "contacts", "show", word))[0]
}

// timeline returns the subjects of what happened with a contact, sorted.
func (s *caseSite) timeline(word string) (subjects []string) {
	s.t.Helper()
	for _, i := range jsonLinesOf[kith.Interaction](s.t, s.must("--json", "interactions", "list", "--contact", word)) {
		subjects = append(subjects, i.Subject)
	}
	slices.Sort(subjects)
	return subjects
}

var mergeStories = []story{
	{"B15 two contacts are merged: one timeline, nothing twice, and back", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{
			contacts: "external_id,phone,name,email\n1,+3225551234,Ann Doe,ann@client.test\n2,,A. Doe,ann@home.test\n3,,Bo,bo@client.test",
			mail: []mail{
				{raw: letter("Message-ID: <1@x.test>", "Subject: from work")},
				{raw: letter("Message-ID: <2@x.test>", "Subject: from home", "From: ann@home.test")},
				{raw: letter("Message-ID: <3@x.test>", "Subject: from both", "Cc: ann@home.test, bo@client.test")},
			},
		})
		s.poll()
		printed := s.must("contacts", "merge", "ann@client.test", "ann@home.test")
		if !strings.Contains(printed, "ann@home.test") || !strings.Contains(printed, "ann@client.test") {
			t.Errorf("the survivor is shown without its addresses:\n%s", printed)
		}
		all := []string{"from both", "from home", "from work"}
		ann := s.contactOf("1")
		for _, word := range []string{"1", "2", "ann@home.test", "A. Doe", "+3225551234"} {
			if c := s.contactOf(word); c.ID != ann.ID || c.Name != "Ann Doe" || len(c.Emails) != 2 {
				t.Errorf("%s means %+v", word, c)
			}
			if got := s.timeline(word); !slices.Equal(got, all) {
				t.Errorf("the timeline of %s: %q", word, got)
			}
		}
		united := []row{
			{Subject: "from both", Links: []string{"from Ann Doe", "cc Bo"}},
			{Subject: "from home", Links: []string{"from Ann Doe"}},
			{Subject: "from work", Links: []string{"from Ann Doe"}},
		}
		s.check("merged", united...)
		s.poll("--full")
		s.check("read again", united...)
		s.deliver(mail{raw: letter("Message-ID: <4@x.test>", "Subject: later", "From: ann@home.test")})
		s.poll()
		if got := s.timeline("1"); !slices.Equal(got, append(slices.Clone(all), "later")) {
			t.Errorf("the timeline after new mail: %q", got)
		}
		// The system that they came from knows nothing of the merge.
		s.importContacts("external_id,name,email\n1,Ann Doe,ann@client.test\n2,A. Doe,ann@home.test; ann@old.test\n")
		if c := s.contactOf("2"); c.ID != ann.ID || c.ExternalID != "1" || !slices.Contains(c.Emails, "ann@old.test") {
			t.Errorf("after another import: %+v", c)
		}

		again := s.must("contacts", "unmerge", "ann@home.test")
		if !strings.Contains(again, "A. Doe") {
			t.Errorf("the one that stands for itself again is not shown:\n%s", again)
		}
		if got := s.timeline("1"); !slices.Equal(got, []string{"from both", "from work"}) {
			t.Errorf("the timeline of 1, apart: %q", got)
		}
		if got := s.timeline("2"); !slices.Equal(got, []string{"from both", "from home", "later"}) {
			t.Errorf("the timeline of 2, apart: %q", got)
		}
		if code, _, stderr := s.run("contacts", "unmerge", "1"); code != exitConflict || !strings.Contains(stderr, "nobody") {
			t.Errorf("undone twice: exit code %d\n%s", code, stderr)
		}
	}},
	{"duplicates are listed, merged, or known to be two", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{contacts: strings.Join([]string{
			"external_id,company,name,email",
			"1,Client Ltd,Ann Doe,ann@client.test",
			"2,,Doe Ann,ann@client.test",
			"3,Client Ltd,Jörg Müller,jm@client.test",
			"4,Client Limited,Jorg Mueller,jorg@home.test",
			"5,Client Ltd,Bo,bo@client.test",
		}, "\n")})
		rows := jsonLinesOf[duplicateRow](t, s.must("--json", "contacts", "duplicates"))
		if len(rows) < 2 || !rows[0].Certain || rows[0].Score != 1 || !strings.Contains(rows[0].Why, "ann@client.test") {
			t.Fatalf("duplicates: %+v", rows)
		}
		likely := slices.IndexFunc(rows, func(r duplicateRow) bool { return !r.Certain && strings.Contains(r.A.Name+r.B.Name, "Müller") })
		if likely < 0 || rows[likely].Score < 0.85 {
			t.Fatalf("no likely pair: %+v", rows)
		}
		table := s.must("contacts", "duplicates")
		if !strings.Contains(table, "certain") || !strings.Contains(table, "both have ann@client.test") {
			t.Errorf("the table:\n%s", table)
		}
		if certain := jsonLinesOf[duplicateRow](t, s.must("--json", "contacts", "duplicates", "--certain")); len(certain) != 1 {
			t.Errorf("certain ones: %+v", certain)
		}
		s.must("contacts", "distinct", "3", "4")
		s.must("contacts", "merge", "1", "2")
		if left := s.must("--json", "contacts", "duplicates"); strings.Contains(left, "Ann") || strings.Contains(left, "Müller") {
			t.Errorf("what was decided is listed again:\n%s", left)
		}
		for _, tt := range []struct {
			why  string
			args []string
			code int
		}{
			{"merged with itself", []string{"merge", "1", "2"}, exitUsage},
			{"of two types", []string{"merge", "1", "Client Ltd"}, exitConflict},
			{"one that there is not", []string{"merge", "1", "99"}, exitNotFound},
			{"no score", []string{"duplicates", "--least", "7"}, exitUsage},
		} {
			if code, stdout, stderr := s.run(append([]string{"contacts"}, tt.args...)...); code != tt.code {
				t.Errorf("%s: exit code %d, want %d\n%s%s", tt.why, code, tt.code, stdout, stderr)
			}
		}
		file := s.path("out.csv")
		s.must("contacts", "export", file)
		if text := readFile(t, file); strings.Count(text, "ann@client.test") != 1 {
			t.Errorf("the export has a merged contact twice:\n%s", text)
		}
	}},
}
