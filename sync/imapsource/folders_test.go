package imapsource_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kith"
	"kith/servertest"
	"kith/sync/imapsource"
)

// listing makes a server that lists these lines, such as `(\Sent) "/" "Sent"`.
func listing(t *testing.T, caps, namespace string, lines ...string) imapsource.Options {
	t.Helper()
	server := servertest.Script(t, func(c *servertest.ScriptConn) {
		c.Login(caps)
		for {
			switch command, _, _ := strings.Cut(c.Command(), " "); command {
			case "NAMESPACE":
				c.Send("* NAMESPACE %s", namespace)
				c.OK("done")
			case "LIST":
				for _, line := range lines {
					c.Send("* LIST %s", line)
				}
				c.OK("done")
			case "LOGOUT":
				c.OK("bye")
				return
			default:
				c.Bad("what?")
			}
		}
	})
	return aliceAt(server.URL("imap"))
}

func streamsOf(t *testing.T, o imapsource.Options) []kith.Stream {
	t.Helper()
	streams, err := open(t, o).Streams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return streams
}

func TestStreams(t *testing.T) {
	for _, tt := range []struct {
		name      string
		namespace string
		lines     []string
		include   []string
		exclude   []string
		want      []kith.Stream
	}{
		{
			name: "inbox and sent first, then by name; H11 Trash, Junk and Drafts left out",
			lines: []string{
				`(\HasNoChildren) "/" Zoo`, `(\HasNoChildren \Drafts) "/" D`, `(\Trash) "/" T`, `(\Junk) "/" J`,
				`(\HasNoChildren) "/" Ape`, `(\Archive) "/" Old`, `(\Sent) "/" S`, `() "/" inbox`,
			},
			want: []kith.Stream{
				{Name: "INBOX", Role: kith.RoleInbox}, {Name: "S", Role: kith.RoleSent},
				{Name: "Ape"}, {Name: "Old", Role: kith.RoleArchive}, {Name: "Zoo"},
			},
		},
		{
			name:  "E11 \\Noselect and \\NonExistent are no folders",
			lines: []string{`(\Noselect) "/" A`, `(\NonExistent) "/" B`, `(\NOSELECT \HasChildren) "/" C`, `() "/" INBOX`},
			want:  []kith.Stream{{Name: "INBOX", Role: kith.RoleInbox}},
		},
		{
			name:  "C14 localised names without SPECIAL-USE",
			lines: []string{`() "/" INBOX`, `() "/" "Gesendete Elemente"`, `() "/" "Gel&APY-schte Elemente"`, `() "/" "Entw&APw-rfe"`, `() "/" "Junk-E-Mail"`, `() "/" Gesendeten`},
			want: []kith.Stream{
				{Name: "INBOX", Role: kith.RoleInbox}, {Name: "Gesendete Elemente", Role: kith.RoleSent}, {Name: "Gesendeten"},
			},
		},
		{
			name:  "C14 names below INBOX, with a dot as separator",
			lines: []string{`() "." INBOX`, `() "." INBOX.Sent`, `() "." INBOX.Trash`, `() "." "INBOX.Deleted Messages"`, `() "." INBOX.Work`, `() "." INBOX.Work.Sent`},
			want: []kith.Stream{
				{Name: "INBOX", Role: kith.RoleInbox}, {Name: "INBOX.Sent", Role: kith.RoleSent}, {Name: "INBOX.Work"}, {Name: "INBOX.Work.Sent"},
			},
		},
		{
			name:      "C14 names below the prefix of our own folders",
			namespace: `(("Postf&AOQ-cher/" "/")) NIL NIL`,
			lines:     []string{`() "/" INBOX`, `() "/" "Postf&AOQ-cher/Gesendet"`, `() "/" "Postf&AOQ-cher/Papierkorb"`, `() "/" "Postf&AOQ-cher/A"`},
			want: []kith.Stream{
				{Name: "INBOX", Role: kith.RoleInbox}, {Name: "Postfächer/Gesendet", Role: kith.RoleSent}, {Name: "Postfächer/A"},
			},
		},
		{
			name:  "C14 attributes of XLIST",
			lines: []string{`(\Inbox) "/" INBOX`, `(\Spam) "/" S`, `(\AllMail) "/" A`, `(\Starred) "/" F`, `(\Sent) "/" "X"`},
			want:  []kith.Stream{{Name: "INBOX", Role: kith.RoleInbox}, {Name: "X", Role: kith.RoleSent}},
		},
		{
			name: "C15 All Mail and views show what other folders hold",
			lines: []string{
				`() "/" INBOX`, `(\Noselect) "/" "[Gmail]"`, `(\All) "/" "[Gmail]/All Mail"`, `(\Flagged) "/" "[Gmail]/Starred"`,
				`(\Important) "/" "[Gmail]/Important"`, `(\Sent) "/" "[Gmail]/Sent Mail"`,
			},
			want: []kith.Stream{{Name: "INBOX", Role: kith.RoleInbox}, {Name: "[Gmail]/Sent Mail", Role: kith.RoleSent}},
		},
		{
			name:    "C15 All Mail alone, by include",
			lines:   []string{`() "/" INBOX`, `(\All) "/" "[Gmail]/All Mail"`},
			include: []string{"[Gmail]/All Mail"},
			want:    []kith.Stream{{Name: "[Gmail]/All Mail", Role: kith.RoleAll}},
		},
		{
			name:  "C15 All Mail alone, since there is nothing else",
			lines: []string{`(\All) "/" "All Mail"`, `(\Trash) "/" Trash`},
			want:  []kith.Stream{{Name: "All Mail", Role: kith.RoleAll}},
		},
		{
			name:      "E40 other users' and public folders left out",
			namespace: `(("" "/")) (("Other Users/" "/")) (("Shared/" "/") ("#news." "."))`,
			lines:     []string{`() "/" INBOX`, `() "/" Work`, `() "/" "Other Users/bob"`, `() "/" "Other Users/bob/Work"`, `() "/" "Shared/all"`, `() "." "#news.comp"`, `() "/" Shared`, `() "/" "Shared matters"`},
			want:      []kith.Stream{{Name: "INBOX", Role: kith.RoleInbox}, {Name: "Shared matters"}, {Name: "Work"}},
		},
		{
			name:      "E40 public folders without a prefix beside our own with one",
			namespace: `(("INBOX." ".")) (("user." ".")) (("" "."))`,
			lines:     []string{`() "." INBOX`, `() "." INBOX.Work`, `() "." user.bob`, `() "." public`},
			want:      []kith.Stream{{Name: "INBOX", Role: kith.RoleInbox}, {Name: "INBOX.Work"}},
		},
		{
			name:      "E40 brought in by name",
			namespace: `(("" "/")) NIL (("Shared/" "/"))`,
			lines:     []string{`() "/" INBOX`, `() "/" Shared/sales`, `() "/" Shared/legal`},
			include:   []string{"*", "Shared/sales"},
			want:      []kith.Stream{{Name: "INBOX", Role: kith.RoleInbox}, {Name: "Shared/sales"}},
		},
		{
			name:    "H13 excluded by pattern, with all that lies below",
			lines:   []string{`() "." INBOX`, `() "." HR`, `() "." HR.2026`, `() "." HR.2026.May`, `() "." HRX`, `() "." Legal`, `() "." Legal.a`, `() "." legal`, `() "." Staff.secret`, `() "." Staff`},
			exclude: []string{"HR/*", "Legal", "*secret"},
			want:    []kith.Stream{{Name: "INBOX", Role: kith.RoleInbox}, {Name: "HR"}, {Name: "HRX"}, {Name: "Staff"}},
		},
		{
			name:    "include and exclude together",
			lines:   []string{`() "/" INBOX`, `() "/" Work`, `() "/" Work/a`, `() "/" Work/b`, `() "/" Home`},
			include: []string{"inbox", "Work*"},
			exclude: []string{"Work/?"},
			want:    []kith.Stream{{Name: "INBOX", Role: kith.RoleInbox}, {Name: "Work"}},
		},
		{
			name:    "H11 Trash by an explicit include alone",
			lines:   []string{`() "/" INBOX`, `(\Trash) "/" Trash`, `(\Junk) "/" Junk`},
			include: []string{"*", "Trash"},
			want:    []kith.Stream{{Name: "INBOX", Role: kith.RoleInbox}, {Name: "Trash", Role: kith.RoleTrash}},
		},
		{
			name:  "E12 names in modified UTF-7, with ampersand, quotes and backslash, as literal, and in UTF-8",
			lines: []string{`() "/" "Entw&APw-rfe 2"`, `() "/" "A &- B"`, `() "/" "say \"hi\" \\o/"`, "() \"/\" {4}\r\nlite", `() NIL flat`, "() \"/\" \"Grüße\"", `() "/" "&U,BTFw-"`},
			want:  []kith.Stream{{Name: "A & B"}, {Name: "Entwürfe 2"}, {Name: "Grüße"}, {Name: "flat"}, {Name: "lite"}, {Name: `say "hi" \o/`}, {Name: "台北"}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			caps := "IMAP4rev1"
			if tt.namespace != "" {
				caps += " NAMESPACE"
			}
			o := listing(t, caps, tt.namespace, tt.lines...)
			o.Include, o.Exclude = tt.include, tt.exclude
			if diff := cmp.Diff(tt.want, streamsOf(t, o)); diff != "" {
				t.Errorf("streams (-want +got):\n%s", diff)
			}
		})
	}
}

func TestE12NamesThatAreNoUTF7(t *testing.T) {
	t.Parallel()
	var examined []string
	server := servertest.Script(t, func(c *servertest.ScriptConn) {
		c.Login("IMAP4rev1 LIST-EXTENDED LIST-STATUS")
		c.Expect("LIST")
		for _, name := range []string{"INBOX", `"R&D"`, `"R&AA"`, "M&Ms", `"&AGE-&AGI-"`, "\"Entw\xfcrfe\"", `"tab	in it"`, `"&APw-ber"`} {
			c.Send(`* LIST () "/" %s`, name)
			c.Send(`* STATUS %s (MESSAGES 0 UIDNEXT 1 UIDVALIDITY 1)`, name)
		}
		c.OK("done")
		for range 8 {
			examined = append(examined, c.Expect("EXAMINE"))
			c.Send("* 0 EXISTS")
			c.Send("* OK [UIDVALIDITY 1] ok")
			c.OK("done")
		}
		c.Logout()
	})
	s := open(t, aliceAt(server.URL("imap")))
	streams, err := s.Streams(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, stream := range streams {
		got = append(got, stream.Name)
		poll(t, s, stream, "")
	}
	s.Close()
	want := []string{"INBOX", "&AGE-&AGI-", "Entw?rfe", "M&Ms", "R&AA", "R&D", "tab?in it", "über"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}
	want = []string{"INBOX", `"&AGE-&AGI-"`, "\"Entw\xfcrfe\"", `"M&Ms"`, `"R&AA"`, `"R&D"`, `"tab	in it"`, `"&APw-ber"`}
	if diff := cmp.Diff(want, examined); diff != "" {
		t.Errorf("names sent with EXAMINE (-want +got):\n%s", diff)
	}
}

func TestC14SentInManyLanguages(t *testing.T) {
	t.Parallel()
	names := []string{
		"Sent", "Sent Items", "Gesendete Objekte", "Éléments envoyés", "Elementos enviados", "Itens Enviados", "Posta inviata",
		"Verzonden items", "Skickat", "Sendt post", "Lähetetyt", "Elementy wysłane", "Odeslaná pošta", "Odoslaná pošta",
		"Elküldött elemek", "Elemente trimise", "Poslano", "Изпратени", "Отправленные", "Надіслані", "Απεσταλμένα",
		"Gönderilmiş Öğeler", "Saadetud", "Išsiųsti", "נשלח", "العناصر المرسلة", "已发送邮件", "寄件備份", "送信済み", "보낸편지함", "Đã gửi", "Terkirim",
	}
	var lines []string
	for _, name := range names {
		lines = append(lines, fmt.Sprintf("() \"/\" %q", name))
	}
	for _, s := range streamsOf(t, listing(t, "IMAP4rev1", "", lines...)) {
		if s.Role != kith.RoleSent {
			t.Errorf("%s has the role %q, want sent", s.Name, s.Role)
		}
	}
}

func TestE12FoldersOnDovecot(t *testing.T) {
	names := []string{"Entwürfe und mehr", "A & B", `say "hi"`, "back\\slash", "日本/語", "tab(le)s {5}", "50% *off*", "😀"}
	for _, tt := range []struct{ name, caps, extra string }{
		{"slash, all capabilities", "", ""},
		{"slash, IMAP4rev1", "IMAP4rev1", ""},
		{"dot, below INBOX.", "", "namespace inbox {\n separator = .\n prefix = INBOX.\n}"},
		{"dot, below INBOX., IMAP4rev1", "IMAP4rev1", "namespace inbox {\n separator = .\n prefix = INBOX.\n}"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			d := servertest.Dovecot(t, servertest.DovecotOptions{Caps: tt.caps, Extra: tt.extra})
			want := []string{"INBOX"}
			for i, name := range names {
				deliver(t, d, name, i+1)
				if tt.extra != "" {
					name = "INBOX." + strings.ReplaceAll(name, "/", ".")
				}
				want = append(want, name)
			}
			d.Unchanged(t, servertest.Alice)
			s := open(t, aliceAt(d.URL("imap")))
			streams, err := s.Streams(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			var all []kith.Batch
			for _, stream := range streams {
				if !strings.HasSuffix(stream.Name, "Sent") && !strings.HasSuffix(stream.Name, "Archive") {
					got = append(got, stream.Name)
				}
				all = append(all, poll(t, s, stream, "")...)
			}
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("streams (-want +got):\n%s", diff)
			}
			wantSubjects(t, all, letters(upTo(len(names))...))
		})
	}
}

func TestE40NamespacesOnDovecot(t *testing.T) {
	extra := `
namespace public {
  type = public
  separator = /
  prefix = Public/
  location = maildir:~/public
  subscriptions = no
}`
	for _, server := range servers {
		t.Run(server.name, func(t *testing.T) {
			t.Parallel()
			caps := server.caps
			if caps != "" {
				caps += " NAMESPACE"
			}
			d := servertest.Dovecot(t, servertest.DovecotOptions{Caps: caps, Extra: extra})
			deliver(t, d, "INBOX", 1)
			d.Adm(t, "mailbox", "create", "-u", servertest.Alice, "Public/news")
			o := aliceAt(d.URL("imap"))
			has := func(streams []kith.Stream) bool {
				return slices.ContainsFunc(streams, func(s kith.Stream) bool { return strings.HasPrefix(s.Name, "Public") })
			}
			if streams := streamsOf(t, o); has(streams) {
				t.Errorf("a public folder is among %v", streams)
			}
			o.Include = []string{"*", "Public/*"}
			if streams := streamsOf(t, o); !has(streams) {
				t.Errorf("the public folder that include names is not among %v", streams)
			}
		})
	}
}
