package main

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kith"
	"kith/servertest"
	"kith/store"
)

// privacyCases are about what is not to be known.
var privacyCases = []hardCase{
	{name: "H02 a domain that is never recorded, its subdomains, in any case and script",
		policy: `never_record = ["HR.client.test", "münchen.test"]`, contacts: annAndBo,
		mail: []mail{
			{raw: letter("Message-ID: <1@x.test>", "Cc: a@hr.client.test")},
			{raw: letter("Message-ID: <2@x.test>", "Cc: a@Deep.Below.HR.CLIENT.TEST")},
			{raw: letter("Message-ID: <3@x.test>", "Cc: a@xn--mnchen-3ya.test")},
			{raw: letter("Message-ID: <4@x.test>", "Cc: a@MÜNCHEN.test")},
			{raw: letter("Cc: a@nothr.client.test, b@client.test")},
		},
		want:    []row{{Subject: "offer"}},
		skipped: map[kith.Reason]int{kith.ReasonNeverRecord: 4},
	},
	{name: "H03 wildcards", policy: `never_record = ["*@bank.test", "*@*.insurer.test", "dr.*@client.test"]`,
		mail: []mail{
			{raw: letter("Message-ID: <1@x.test>", "Cc: a@bank.test")},
			{raw: letter("Message-ID: <2@x.test>", "Cc: a@deep.insurer.test")},
			{raw: letter("Message-ID: <3@x.test>", "Cc: Dr.Doe@client.test")},
			{raw: letter("Cc: a@branch.bank.test, a@insurer.test, doe@client.test")},
		},
		want:    []row{{Subject: "offer"}},
		skipped: map[kith.Reason]int{kith.ReasonNeverRecord: 3},
	},
	{name: "H12 what its author marked private is skipped",
		mail: []mail{
			{raw: letter("Message-ID: <1@client.test>", "Sensitivity: private")},
			{raw: letter("Message-ID: <2@client.test>", "Sensitivity: Company-Confidential")},
			{raw: letter("Message-ID: <3@client.test>", "Sensitivity: Normal")},
		},
		want:    []row{{Subject: "offer"}},
		skipped: map[kith.Reason]int{kith.ReasonPrivate: 2},
	},
	{name: "H12 or recorded without what it says", policy: "private = \"busy\"\nbody = \"snippet\"",
		mail: []mail{{raw: letterWith(multipart(plainPart, "Content-Type: application/pdf; name=secret.pdf\n\nx"), "Sensitivity: private",
			"MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=\"=b\"")}},
		want: []row{{Subject: "", Flags: []string{"private"}, Attachments: []string{}}},
	},
	{name: "H13 excluded folders, with what lies below", account: `exclude = ["HR", "Legal/*", "*/private"]`,
		mail: append(copies(letter("Message-ID: <hr@client.test>"), "HR", "HR/2025", "HR/2025/March", "hr", "Legal/Case", "Legal/Case/7", "Clients/Private", "Clients/Private/Ann"),
			mail{in: "Clients", raw: letter()}, mail{in: "Legal", raw: letter("Message-ID: <2@client.test>", "Subject: the folder itself")}, mail{in: "HRM", raw: letter("Message-ID: <3@client.test>", "Subject: HRM")}),
		want: []row{{Subject: "HRM"}, {Subject: "offer"}, {Subject: "the folder itself"}},
	},
}

// lookedFor fails the test if any of the words is in a text.
func lookedFor(t *testing.T, what, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if strings.Contains(strings.ToLower(text), strings.ToLower(word)) {
			t.Errorf("%q is in %s", word, what)
		}
	}
}

// traces runs a pass that logs everything, and returns all that is written on
// the disk while it is on, the write-ahead log included, and all that is printed.
func (s *caseSite) traces(want int, flags ...string) (disk, printed string) {
	s.t.Helper()
	s.withStore(func(store.Store) error { // as long as somebody has it open, the log stays
		code, stdout, stderr := s.run(append([]string{"-v", "sync"}, flags...)...)
		if code != want {
			s.t.Errorf("exit code %d, want %d\n%s%s", code, want, stdout, stderr)
		}
		if _, err := os.Stat(s.path("kith.db-wal")); err != nil && s.embedded() {
			s.t.Errorf("no write-ahead log to look into: %v", err)
		}
		disk, printed = s.files(), stdout+stderr
		return nil
	})
	return disk + s.files(), printed
}

// marked is a letter in which every part of the content can be told.
func marked(fields ...string) string {
	return letterWith(multipart("Content-Type: text/plain\n\nbodymark\n", "Content-Type: application/pdf; name=filemark.pdf\n\nx"),
		append([]string{"Message-ID: <idmark@client.test>", "Subject: subjectmark", "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=\"=b\""}, fields...)...)
}

var privacyStories = []story{
	{"H01 who is never to be recorded, in any place: nothing is left", func(t *testing.T, m *mailServer) {
		c := hardCase{policy: `never_record = ["lawyer@namemark.test"]`, contacts: "Ann Doe,ann@client.test\nLawyer,other@client.test"}
		for _, place := range []string{"From", "Sender", "Reply-To", "To", "Cc", "Bcc", "Delivered-To", "X-Original-To", "Resent-From", "X-Original-From"} {
			fields := []string{place + ": Lawyer <Lawyer@namemark.test>"}
			if place == "From" {
				fields = append(fields, "Cc: ann@client.test")
			}
			c.mail = append(c.mail, mail{raw: marked(fields...)})
		}
		// Also in the report about a message to the person.
		c.mail = append(c.mail, mail{raw: strings.ReplaceAll(bounce("<idmark@example.test>", "failed", "5.1.1"), "ann@client.test", "lawyer@namemark.test")})
		s := m.open(t, c)
		s.unchanged()
		disk, printed := s.traces(exitDone)
		lookedFor(t, "the files", disk, "namemark", "idmark", "subjectmark", "bodymark", "filemark")
		lookedFor(t, "the log", printed, "namemark", "idmark", "subjectmark", "bodymark", "filemark")
		s.check("afterwards")
		if n := s.skipped(kith.ReasonNeverRecord); n != len(c.mail) {
			t.Errorf("%d are counted as never to be recorded, want %d", n, len(c.mail))
		}
	}},
	{"H01 a contact that is never to be recorded", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{contacts: annAndBo, mail: []mail{{raw: marked("Cc: bo@client.test")}, {raw: letter()}}})
		s.must("contacts", "edit", "bo@client.test", "--never-record")
		disk, _ := s.traces(exitDone)
		lookedFor(t, "the files", disk, "idmark", "subjectmark")
		s.check("afterwards", row{Subject: "offer"})
	}},
	{"H05 H06 mail of strangers and among colleagues leaves nothing but a number", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{policy: `body = "snippet"`, mail: []mail{
			{raw: marked("From: Namemark <eve@addressmark.test>")},
			{raw: marked("From: Namemark <bob.addressmark@example.test>")},
			{raw: letter()},
		}})
		disk, printed := s.traces(exitDone)
		marks := []string{"idmark", "subjectmark", "bodymark", "filemark", "namemark", "addressmark"}
		lookedFor(t, "the files", disk, marks...)
		lookedFor(t, "the log", printed, marks...)
		if !strings.Contains(disk, "this is the text") {
			t.Error("what is to be recorded is not in the files: the test proves nothing")
		}
		if s.skipped(kith.ReasonNoContact) != 1 || s.skipped(kith.ReasonInternal) != 1 {
			t.Error("they are not counted")
		}
	}},
	{"H07 neither subject nor text, if that is the policy", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{policy: `subject = "drop"`, mail: []mail{{raw: marked()}, {in: "Archive", raw: marked("Subject: Re: subjectmark")}}})
		disk, printed := s.traces(exitDone)
		lookedFor(t, "the files", disk, "subjectmark", "bodymark")
		lookedFor(t, "the log", printed, "subjectmark", "bodymark")
		s.check("afterwards", row{Attachments: []string{"filemark.pdf"}, Evidence: 2})
	}},
	{"H08 a message that can't be read: its place and the cause are kept, nothing of it", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{{in: "Work", raw: marked()}, {raw: letter()}}})
		folder := strings.TrimSpace(s.server.Adm(t, "mailbox", "path", "-u", s.users["alice"], "Work"))
		files, err := filepath.Glob(filepath.Join(folder, "*", "*.servertest*"))
		if err != nil || len(files) != 1 {
			t.Fatalf("files of the message: %v, %v", files, err)
		}
		if err := os.Chmod(files[0], 0); err != nil {
			t.Fatal(err)
		}
		disk, printed := s.traces(exitDone)
		marks := []string{"idmark", "subjectmark", "bodymark", "filemark", "ann@client.test>"}
		lookedFor(t, "the log", printed, marks...)
		lookedFor(t, "the files", disk, marks[:4]...)
		s.check("without it", row{Subject: "offer"})
		s.withStore(func(st store.Store) error {
			rows, err := st.Quarantine(t.Context(), "alice")
			if len(rows) != 1 || rows[0].Stream != "Work" || rows[0].Cause == "" {
				t.Errorf("the quarantine: %+v, %v", rows, err)
			}
			return err
		})
	}},
	{"H09 no password, in no form, in any log, error or file", func(t *testing.T, m *mailServer) {
		const password = "pass\"mark"
		server := servertest.Script(t, func(c *servertest.ScriptConn) {
			c.Send("* OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN] at your service")
			for {
				c.No("[AUTHENTICATIONFAILED] I do not like " + c.Command()) // some repeat what they were told
			}
		})
		s := m.open(t, hardCase{account: `url = "` + server.URL("imap") + `"`})
		s.write("password", password)
		disk, printed := s.traces(exitFailed)
		_, status, _ := s.run("status")
		_, doctor, _ := s.run("doctor")
		printed += status + doctor
		encoded := base64.StdEncoding.EncodeToString([]byte("\x00" + s.users["alice"] + "\x00" + password))
		lookedFor(t, "the files", disk, password, encoded)
		lookedFor(t, "what is printed", printed, password, encoded)
		if !strings.Contains(printed, "alice") {
			t.Errorf("it does not tell of which account it speaks:\n%s", printed)
		}
	}},
	{"H09 a password that others can read is refused", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{{raw: letter()}}})
		if err := os.Chmod(s.path("password"), 0o644); err != nil {
			t.Fatal(err)
		}
		if code, stdout, stderr := s.run("config", "check"); code != exitUsage || !strings.Contains(stdout+stderr, "password") {
			t.Errorf("exit code %d\n%s%s", code, stdout, stderr)
		}
	}},
	{"H09 addresses and subjects are in no log at info", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{mail: []mail{{raw: marked("From: Ann <ann@client.test>")}, {raw: marked("From: eve@addressmark.test")}}})
		code, stdout, stderr := s.run("sync")
		if code != exitDone {
			t.Errorf("exit code %d", code)
		}
		lookedFor(t, "what is printed", stdout+stderr, "idmark", "subjectmark", "ann@client.test", "addressmark")
	}},
	{"H13 a folder stays excluded under another name, as long as it is below the same one", func(t *testing.T, m *mailServer) {
		s := m.open(t, hardCase{account: `exclude = ["HR"]`, mail: []mail{{in: "HR/Reviews", raw: letter()}}})
		s.poll()
		s.adm("mailbox rename", "HR/Reviews", "HR/Harmless")
		s.poll()
		s.check("afterwards")
	}},
}

// skipped returns how many of Alice's messages are counted under a reason.
func (s *caseSite) skipped(reason kith.Reason) (n int) {
	s.t.Helper()
	for _, account := range jsonLinesOf[statusJSON](s.t, s.must("--json", "status"))[0].Accounts {
		for _, stream := range account.Streams {
			n += stream.Skipped[reason]
		}
	}
	return n
}
